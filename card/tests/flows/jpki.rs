//! Tap and PIN.

use card::{
    Application, Authorities, AuthorityError, CardError, Challenge, Pin, Revocation, Secret, TestCards,
    TriesLeft, authenticate, tap, tries,
};

use crate::mini::{CARD, ISSUER, MiniCard, PIN, data, on, trusting};

const TODAY: &str = "2027-06-01";

fn authenticated(card: &mut MiniCard, pin: &str) -> Result<(), CardError> {
    let pin = Pin::parse(pin).unwrap();
    authenticate(card, &pin, Challenge::new([9; 32]), &trusting(&[data!("ca.der")]), on(TODAY)).map(|_| ())
}

#[test]
fn a_card_signs_our_challenge_in_just_these_commands() {
    let mut card = MiniCard::new();
    let pin = Pin::parse(PIN).unwrap();
    let authorities = trusting(&[data!("foreign.der"), data!("ca.der")]);
    let proved = authenticate(&mut card, &pin, Challenge::new([9; 32]), &authorities, on(TODAY)).unwrap();
    assert_eq!(proved.claim().revocation, Revocation::NotChecked);
    assert!(proved.claim().holder.bytes().ends_with(&4242_u16.to_be_bytes()));
    let expected: [&[u8]; 12] = [
        &[0x00, 0xA4, 0x04, 0x0C, 0x0A, 0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01],
        &[0x00, 0xA4, 0x02, 0x0C, 0x02, 0x00, 0x0A],
        &[0x00, 0xB0, 0x00, 0x00, 0x04],
        &[0x00, 0xB0, 0x00, 0x00, 0x00],
        &[0x00, 0xB0, 0x01, 0x00, 0x00],
        &[0x00, 0xB0, 0x02, 0x00, 0x00],
        &[0x00, 0xB0, 0x03, 0x00, (data!("auth.der").len() - 0x300) as u8],
        &[0x00, 0xA4, 0x02, 0x0C, 0x02, 0x00, 0x18],
        &[0x00, 0x20, 0x00, 0x80],
        &[0x00, 0x20, 0x00, 0x80, 0x04, b'1', b'2', b'3', b'4'],
        &[0x00, 0xA4, 0x02, 0x0C, 0x02, 0x00, 0x17],
        &[0x80, 0x2A, 0x00, 0x80, 0x33, 0x30, 0x31, 0x30, 0x0D],
    ];
    assert_eq!(card.told.len(), expected.len());
    for (told, expected) in card.told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told:02X?} is not {expected:02X?}");
    }
    assert_eq!((card.told[11].len(), card.told[11].last()), (57, Some(&0)));
}

#[test]
fn a_tap_says_whose_card_it_is_and_asks_for_no_secret() {
    let mut card = MiniCard::new();
    let claim = tap(&mut card, &trusting(&[data!("ca.der")]), on(TODAY)).unwrap();
    assert!(claim.holder.bytes().ends_with(&4242_u16.to_be_bytes()));
    assert!(card.told.iter().all(|it| it[1] != 0x20 && it[1] != 0x2A));
    assert_eq!(
        format!("{claim:?}"),
        "CardClaim { holder: CertificateHandle(..), certificate_sha256: CertificateDigest(..), revocation: NotChecked }"
    );
}

#[test]
fn at_one_try_left_or_none_nothing_is_sent() {
    let secret = Secret::AuthenticationPin;
    for (tries, expected) in [(0, CardError::Blocked(secret)), (1, CardError::LastTry(secret))] {
        for pin in [PIN, "9999"] {
            let mut card = MiniCard::new().tries(Application::Jpki, 0x18, tries);
            assert_eq!(authenticated(&mut card, pin), Err(expected), "{tries}");
            assert_eq!(card.verifies(), 0, "{tries}");
        }
    }
    let mut card = MiniCard::new().tries(Application::Jpki, 0x18, 2);
    assert_eq!(authenticated(&mut card, "9999"), Err(CardError::Wrong { secret, tries_left: Some(1) }));
    assert_eq!(authenticated(&mut card, PIN), Err(CardError::LastTry(secret)));
    assert_eq!(card.verifies(), 1);
}

#[test]
fn a_card_without_any_pin_is_told_from_a_blocked_one() {
    let mut card = MiniCard::new().tries(Application::Jpki, 0x18, 0).tries(Application::Jpki, 0x1B, 0).tries(
        Application::Text,
        0x11,
        0,
    );
    assert_eq!(authenticated(&mut card, PIN), Err(CardError::NoPin));
    assert_eq!(card.verifies(), 0);
}

#[test]
fn each_answer_to_a_pin_has_its_meaning_and_none_is_sent_twice() {
    let secret = Secret::AuthenticationPin;
    for (answer, expected) in [
        ([0x63, 0xC2], CardError::Wrong { secret, tries_left: Some(2) }),
        ([0x63, 0xC0], CardError::Blocked(secret)),
        ([0x63, 0x00], CardError::Wrong { secret, tries_left: None }),
        ([0x69, 0x83], CardError::Blocked(secret)),
        ([0x69, 0x84], CardError::Blocked(secret)),
        ([0x6C, 0x04], CardError::Unexpected(card::StatusWord(0x6C04))),
        ([0x61, 0x04], CardError::Unexpected(card::StatusWord(0x6104))),
        ([0x6F, 0x00], CardError::Unexpected(card::StatusWord(0x6F00))),
    ] {
        let mut card = MiniCard::new().instead(&[0x00, 0x20, 0x00, 0x80, 0x04], &answer);
        assert_eq!(authenticated(&mut card, PIN), Err(expected), "{answer:02X?}");
        assert_eq!(card.verifies(), 1, "{answer:02X?}");
    }
}

#[test]
fn another_card_after_the_pin_is_noticed() {
    for answer in [[0x69, 0x82], [0x69, 0x86]] {
        let mut card = MiniCard::new().instead(&[0x80, 0x2A], &answer);
        assert_eq!(authenticated(&mut card, PIN), Err(CardError::CardChanged), "{answer:02X?}");
    }
    let mut card = MiniCard::new().instead(&[0x00, 0xA4, 0x02, 0x0C, 0x02, 0x00, 0x17], &[0x6A, 0x82]);
    assert_eq!(authenticated(&mut card, PIN), Err(CardError::CardChanged));
}

#[test]
fn a_signature_by_another_key_or_over_an_old_challenge_is_refused() {
    let mut card = MiniCard::new();
    card.key = ISSUER;
    assert_eq!(authenticated(&mut card, PIN), Err(CardError::WrongSignature));

    let mut honest = MiniCard::new();
    let pin = Pin::parse(PIN).unwrap();
    let authorities = trusting(&[data!("ca.der")]);
    authenticate(&mut honest, &pin, Challenge::new([1; 32]), &authorities, on(TODAY)).unwrap();
    let input = honest.told.last().unwrap();
    let old = crate::mini::sign(&input[5..input.len() - 1], CARD);
    let mut replaying = MiniCard::new().instead(&[0x80, 0x2A], &[&old[..], &[0x90, 0]].concat());
    let again = authenticate(&mut replaying, &pin, Challenge::new([2; 32]), &authorities, on(TODAY));
    assert_eq!(again, Err(CardError::WrongSignature));
}

#[test]
fn a_foreign_or_stale_card_never_hears_the_pin() {
    let pin = Pin::parse(PIN).unwrap();
    for (authority, day, file, expected) in [
        (data!("foreign.der"), on(TODAY), data!("auth.der"), CardError::ForeignAuthority),
        (data!("ca.der"), on("2031-12-31"), data!("auth.der"), CardError::CertificateExpired),
        (data!("ca.der"), on("2026-01-01"), data!("auth.der"), CardError::NotYetValid),
        (data!("ca.der"), None, data!("auth.der"), CardError::ClockUnknown),
        (data!("ca_short.der"), on("2028-06-01"), data!("auth.der"), CardError::CertificateExpired),
        (data!("ca.der"), on(TODAY), data!("seal.der"), CardError::BrokenCertificate),
        (data!("ca.der"), on(TODAY), data!("odd.der"), CardError::BrokenCertificate),
        (data!("ca.der"), on(TODAY), data!("ca.der"), CardError::BrokenCertificate),
        (data!("ca.der"), on(TODAY), &[0x30, 0x03, 1, 2, 3], CardError::BrokenCertificate),
        (data!("ca.der"), on(TODAY), &[0xFF; 64], CardError::BrokenRecord),
    ] {
        let mut card = MiniCard::new().file(Application::Jpki, 0x0A, file.to_vec());
        let authorities = trusting(&[authority]);
        let refused = authenticate(&mut card, &pin, Challenge::new([9; 32]), &authorities, day);
        assert_eq!((refused, card.verifies()), (Err(expected), 0));
        let mut card = MiniCard::new().file(Application::Jpki, 0x0A, file.to_vec());
        assert_eq!(tap(&mut card, &authorities, day), Err(expected));
    }
}

#[test]
fn a_flipped_bit_anywhere_in_the_certificate_is_refused() {
    let authorities = trusting(&[data!("ca.der")]);
    for at in (0..data!("auth.der").len()).step_by(7) {
        let mut der = data!("auth.der").to_vec();
        der[at] ^= 1;
        let mut card = MiniCard::new().file(Application::Jpki, 0x0A, der);
        assert!(tap(&mut card, &authorities, on(TODAY)).is_err(), "byte {at}");
    }
}

#[test]
fn a_telephone_shows_its_certificate_after_the_pin() {
    let mut card = MiniCard::new();
    card.files.get_mut(&(Application::Jpki, 0x0A)).unwrap().1 = Some(0x18);
    assert_eq!(tap(&mut card, &trusting(&[data!("ca.der")]), on(TODAY)), Err(CardError::CertificateLocked));
    assert_eq!(authenticated(&mut card, PIN), Ok(()));
}

#[test]
fn the_next_generation_of_certificates_is_traced_as_well() {
    let mut card = MiniCard::new().file(Application::Jpki, 0x0A, data!("auth384.der").to_vec());
    assert!(tap(&mut card, &trusting(&[data!("ca384.der")]), on(TODAY)).is_ok());
    // An authority of another algorithm with the same name signed none of it.
    assert_eq!(tap(&mut card, &trusting(&[data!("ca.der")]), on(TODAY)), Err(CardError::ForeignAuthority));
}

#[test]
fn authorities_that_are_none_or_for_tests_are_refused() {
    let of = |der, tests| Authorities::new([der], tests).map(|it| it.count());
    assert_eq!(of(data!("auth.der"), TestCards::Accepted), Err(AuthorityError::NotAnAuthority(0)));
    assert_eq!(of(data!("test_ca.der"), TestCards::Refused), Err(AuthorityError::ForTests(0)));
    assert_eq!(of(data!("test_ca.der"), TestCards::Accepted), Ok(1));
    assert_eq!(of(data!("photo.jp2"), TestCards::Accepted), Err(AuthorityError::Unreadable(0)));
    let many = Authorities::new(std::iter::repeat_n(data!("ca.der"), 17), TestCards::Refused);
    assert_eq!(many.map(|it| it.count()), Err(AuthorityError::TooMany));
}

#[test]
fn tries_are_told_and_none_is_spent() {
    let mut card = MiniCard::new().tries(Application::Text, 0x11, 0);
    card.applications.retain(|it| *it != Application::Surface);
    let all = tries(&mut card).unwrap();
    assert_eq!(
        all.map(|(_, left)| left),
        [TriesLeft::Left(3), TriesLeft::Left(5), TriesLeft::Blocked, TriesLeft::Left(10), TriesLeft::Absent,]
    );
    assert_eq!(card.verifies(), 0);
}

#[test]
fn a_card_without_the_application_is_no_mynumber_card() {
    let mut card = MiniCard::other(&[], &[], &[]);
    assert_eq!(authenticated(&mut card, PIN), Err(CardError::NotMyNumberCard));
    let mut card = MiniCard::new();
    card.files.remove(&(Application::Jpki, 0x0A));
    assert_eq!(authenticated(&mut card, PIN), Err(CardError::NoCertificate));
}
