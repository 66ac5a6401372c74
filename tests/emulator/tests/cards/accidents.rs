//! A good card, and one accident at every command of every flow: it ends in good time with a name, or as if nothing had
//! happened. What two cards say never becomes one person.

use card::{CardError, TransportError};
use emulator::{Emulator, Plan};

use crate::{
    flows::{Flow, Visitor},
    hand::{Accident, Copied, Hand},
};

/// A flow on a good card, with an accident at every command and after the last; `judge` says what may come out.
fn each_command(accident: &Accident, judge: impl Fn(Flow, u32, u32, Result<&[u8], CardError>, [&[u8]; 2])) {
    let plans = [
        Plan::default(),
        Plan { seed: 2, name: "見本　花子".into(), birth: "19851224".into(), ..Plan::default() },
    ];
    let [mut card, mut other] = plans.clone().map(Emulator::new);
    let mut visitor = Visitor::of(&plans[0]);
    for flow in Flow::ALL {
        let mut hand = Hand::lays(&mut card);
        let usual = visitor.does(flow, &mut hand).unwrap();
        let whole = hand.sent;
        let others = visitor.does(flow, &mut Hand::lays(&mut other)).unwrap();
        for at in 0..=whole {
            let before = card.secrets() + other.secrets();
            let mut hand = Hand::lays(&mut card).with(at, accident.clone(), &mut other);
            let end = visitor.does(flow, &mut hand);
            assert!(hand.sent <= flow.bound(), "{flow:?}, {accident:?} at {at}: {} commands", hand.sent);
            assert!(end.as_ref().err().is_none_or(|it| !it.name().is_empty()));
            judge(flow, at, whole, end.as_deref().map_err(|error| *error), [&usual, &others]);
            assert!(card.secrets() + other.secrets() - before <= 1, "{flow:?}: a secret is sent once");
        }
    }
    for card in [card, other] {
        assert_eq!((card.last_tries(), card.forbidden_reads()), (0, 0), "{accident:?}");
    }
}

fn ends_with(accident: &Accident, error: CardError) {
    each_command(accident, |flow, at, whole, end, [usual, _]| {
        let expected = if at == whole { Ok(usual) } else { Err(error) };
        assert_eq!(end.map(<[u8]>::len), expected.map(<[u8]>::len), "{flow:?} at {at} of {whole}");
    });
}

#[test]
fn a_card_that_is_pulled_out_at_any_command_is_said_to_be() {
    ends_with(&Accident::Pulled, CardError::Transport(TransportError::Removed));
}

#[test]
fn an_answer_that_does_not_come_at_any_command_is_said_to_be_late() {
    ends_with(&Accident::Late, CardError::Transport(TransportError::TimedOut));
}

#[test]
fn two_cards_never_become_one_person() {
    each_command(&Accident::Swapped, |flow, at, whole, end, [usual, others]| {
        let alone = match at {
            0 => Some(others),
            at if at == whole => Some(usual),
            _ => None,
        };
        match (flow, end) {
            // Both name a kind or counts, and no person.
            (Flow::Identify | Flow::Tries, _) => {}
            (_, Ok(person)) => assert_eq!(Some(person), alone, "{flow:?}, swapped at {at} of {whole}"),
            (_, Err(error)) => assert!(alone.is_none(), "{flow:?} at {at}: {error}"),
        }
    });
}

#[test]
fn a_broken_answer_at_any_command_is_refused_or_changes_nothing() {
    let long = [&[0x30; 400][..], &[0x90, 0x00]].concat();
    let answers: [&[u8]; 13] = [
        &[],
        &[0x90],
        &[0x90, 0x00],
        &[0x6F, 0x00],
        &[0x69, 0x82],
        &[0x69, 0x84],
        &[0x6A, 0x82],
        &[0x61, 0xFF],
        &[0x6C, 0x00],
        &[0x62, 0x82],
        &[0x63, 0xC2],
        &[0xFF, 0x20, 0x82, 0xFF, 0xFF, 0x90, 0x00],
        &long,
    ];
    let instead = answers.map(|it| Accident::Instead(it.to_vec()));
    for accident in instead.iter().chain([&Accident::Flipped]) {
        each_command(accident, |flow, at, whole, end, [usual, _]| match (flow, end) {
            // What it says is judged by nobody: the flows that follow judge for themselves.
            (Flow::Identify | Flow::Tries, _) => {}
            // A certificate that is refused is told of as well.
            (Flow::Look, Ok(seen)) => assert!(seen == usual || !seen.ends_with(b"Ok(())"), "at {at}"),
            (_, Ok(came)) => assert!(came == usual, "{flow:?}, {accident:02X?} at {at} of {whole}"),
            (_, Err(error)) => assert!(at < whole, "{flow:?}: {error} after its end"),
        });
    }
}

#[test]
fn a_copy_of_all_that_a_card_said_proves_nothing() {
    let (mut card, mut visitor) = (Emulator::new(Plan::default()), Visitor::of(&Plan::default()));
    let mut copy = |flow| {
        let mut hand = Hand::lays(&mut card);
        visitor.does(flow, &mut hand).unwrap();
        let mut copied = Copied { answers: hand.answers.into_iter() };
        visitor.does(flow, &mut copied).map(|_| ()).map_err(|error| error.name())
    };
    assert_eq!(copy(Flow::Authenticate), Err("wrong-signature"));
    assert_eq!(copy(Flow::Face), Err("chip-copied"));
    // These two ask for no signature of the moment: claims, which is what they are called.
    assert_eq!((copy(Flow::Tap), copy(Flow::Attributes)), (Ok(()), Ok(())));
}
