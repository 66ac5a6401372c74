//! Cards that answer anything: every flow ends, within its bound, without a panic and without a second PIN.

use card::{
    ATTRIBUTES_COMMANDS, AUTHENTICATE_COMMANDS, CardError, Challenge, FACE_COMMANDS, FrontCode,
    IDENTIFY_COMMANDS, Opening, Pin, TAP_COMMANDS, TRIES_COMMANDS, Transport, TransportError, authenticate,
    identify, read_attributes, read_face, tap, tries,
};
use proptest::prelude::*;
use zeroize::Zeroizing;

use crate::mini::{CODE, MiniCard, PIN, data, issuers, on, trusting};

/// Every flow, by its bound.
pub(crate) fn every_flow(
    card: &mut dyn Transport,
    mut ended: impl FnMut(&mut dyn Transport, u32, Option<CardError>),
) {
    let (pin, code) = (Pin::parse(PIN).unwrap(), FrontCode::parse(CODE).unwrap());
    let (authorities, day) = (trusting(&[data!("ca.der")]), on("2027-06-01"));
    let challenge = || Challenge::new([3; 32]);
    let end = identify(card).err();
    ended(card, IDENTIFY_COMMANDS, end);
    let end = tries(card).err();
    ended(card, TRIES_COMMANDS, end);
    let end = tap(card, &authorities, day).err();
    ended(card, TAP_COMMANDS, end);
    let end = authenticate(card, &pin, challenge(), &authorities, day).err();
    ended(card, AUTHENTICATE_COMMANDS, end);
    let end = read_face(card, &code, challenge(), &issuers(), day).err();
    ended(card, FACE_COMMANDS, end);
    let end = read_attributes(card, Opening::Pin(&pin), &issuers()).err();
    ended(card, ATTRIBUTES_COMMANDS, end);
}

/// Answers at random until it is pulled away, and honestly in between.
struct Hostile {
    honest: MiniCard,
    answers: Vec<Option<Vec<u8>>>,
    sent: u32,
    secrets: u32,
}

impl Transport for Hostile {
    fn answer_to_reset(&self) -> &[u8] {
        self.honest.answer_to_reset()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        self.sent += 1;
        self.secrets += u32::from(command[1] == 0x20 && command.len() > 4);
        let honest = self.honest.transmit(command);
        match self.answers.get(self.sent as usize % self.answers.len().max(1)) {
            Some(Some(answer)) => Ok(Zeroizing::new(answer.clone())),
            Some(None) | None => honest,
        }
    }
}

fn answer() -> impl Strategy<Value = Option<Vec<u8>>> {
    let status = prop::sample::select(vec![
        0x9000_u16, 0x61FF, 0x6100, 0x6C10, 0x6C00, 0x6282, 0x63C2, 0x6982, 0x6984,
    ]);
    prop_oneof![
        4 => Just(None),
        1 => proptest::collection::vec(any::<u8>(), 0..300).prop_map(Some),
        1 => (proptest::collection::vec(any::<u8>(), 0..4), status)
            .prop_map(|(data, status)| Some([&data[..], &status.to_be_bytes()].concat())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_flow_ends_within_its_bound(answers in proptest::collection::vec(answer(), 1..40)) {
        let mut card = Hostile { honest: MiniCard::new(), answers, sent: 0, secrets: 0 };
        let mut bounds = vec![];
        every_flow(&mut card, |_, bound, _| bounds.push(bound));
        prop_assert!(card.sent <= bounds.iter().sum::<u32>());
        // Three of the flows present a secret, each at most once.
        prop_assert!(card.secrets <= 3);
    }
}

#[test]
fn a_card_that_never_comes_to_an_end_is_given_up() {
    // One byte at a time, and always more to come.
    for (start, reply) in [
        (&[0x00, 0xB0][..], &[0x30, 0x90, 0x00][..]),
        (&[0x00, 0xB0], &[0x61, 0x01]),
        (&[0x00, 0xB0], &[0x6C, 0x01]),
        (&[0x00, 0xB0], &[0x90, 0x00]),
        (&[0x00], &[]),
        (&[0x00], &[0x90]),
    ] {
        let mut card = MiniCard::new().instead(start, reply).instead(&[0x00, 0xC0], &[0x61, 0x01]);
        every_flow(&mut card, |_, bound, end| {
            assert!(bound == IDENTIFY_COMMANDS || bound == TRIES_COMMANDS || end.is_some(), "{reply:02X?}");
        });
        assert!(card.told.len() < 500, "{reply:02X?}: {}", card.told.len());
    }
}

#[test]
fn answers_in_parts_and_wrong_lengths_are_borne_for_reads() {
    // Four bytes that have to be fetched, then half of a piece.
    let whole = data!("auth.der");
    let mut card = MiniCard::new()
        .instead(&[0x00, 0xB0, 0x00, 0x00, 0x04], &[0x61, 0x04])
        .instead(&[0x00, 0xC0, 0x00, 0x00, 0x04], &[&whole[..4], &[0x90, 0x00]].concat());
    assert!(tap(&mut card, &trusting(&[data!("ca.der")]), on("2027-06-01")).is_ok());
    let mut card = MiniCard::new()
        .instead(&[0x00, 0xB0, 0x00, 0x00, 0x00], &[0x6C, 0x80])
        .instead(&[0x00, 0xB0, 0x00, 0x00, 0x80], &[&whole[..128], &[0x90, 0x00]].concat());
    assert!(tap(&mut card, &trusting(&[data!("ca.der")]), on("2027-06-01")).is_ok());
}

#[test]
fn a_card_that_is_pulled_away_at_any_moment_is_said_to_be() {
    struct Pulled(MiniCard, usize);
    impl Transport for Pulled {
        fn answer_to_reset(&self) -> &[u8] {
            &[]
        }
        fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
            if self.0.told.len() == self.1 { Err(TransportError::Removed) } else { self.0.transmit(command) }
        }
    }
    let mut whole = MiniCard::new();
    let pin = Pin::parse(PIN).unwrap();
    let authorities = trusting(&[data!("ca.der")]);
    authenticate(&mut whole, &pin, Challenge::new([3; 32]), &authorities, on("2027-06-01")).unwrap();
    for at in 0..whole.told.len() {
        let mut card = Pulled(MiniCard::new(), at);
        let end = authenticate(&mut card, &pin, Challenge::new([3; 32]), &authorities, on("2027-06-01"));
        assert_eq!(end, Err(CardError::Transport(TransportError::Removed)), "at {at}");
    }
}
