//! The flows against the emulator, which was written from the same facts by somebody else: each of its scenarios has its end.
#![allow(clippy::unwrap_used)]

use card::{
    Authorities, CardError, Challenge, FrontCode, Issuers, Opening, Pin, Secret, TestCards, TransportError,
    authenticate, identify, read_attributes, read_face, tap,
};
use emulator::{Emulator, InProcess, Plan, certificates};
use gate::{Date, Wall};

fn laid(scenario: &str) -> InProcess {
    InProcess::new(Emulator::new(Plan::scenario(scenario).unwrap()))
}

fn today() -> Option<Wall> {
    Some(Wall { unix_ms: Date::parse("2027-06-01").unwrap().days() * 86_400_000, uncertainty_s: 60 })
}

/// What each of the flows comes to: kind, tap, PIN, front code, attributes.
fn ends(scenario: &str) -> [&'static str; 5] {
    let authority = certificates::pair(&Plan::default(), "auth").authority.der;
    let authorities = Authorities::new([&authority[..]], TestCards::Refused).unwrap();
    let (pin, code) = (Pin::parse("1234").unwrap(), FrontCode::parse("02010120351234").unwrap());
    let name = |result: Result<(), CardError>| result.err().map_or("good", |it| it.name());
    let challenge = || Challenge::new([4; 32]);
    let mut cards: [_; 5] = std::array::from_fn(|_| laid(scenario));
    let [kind, tapped, proved, faced, text] = &mut cards;
    let ends = [
        identify(kind).map_or_else(|error| error.name(), |it| it.name()),
        name(tap(tapped, &authorities, today()).map(|_| ())),
        name(authenticate(proved, &pin, challenge(), &authorities, today()).map(|_| ())),
        name(read_face(faced, &code, challenge(), &Issuers::default(), today()).map(|_| ())),
        name(read_attributes(text, Opening::Pin(&pin), &Issuers::default()).map(|_| ())),
    ];
    assert_eq!(cards.iter().map(|it| it.card().forbidden_reads()).sum::<u32>(), 0, "{scenario}");
    ends
}

#[test]
fn every_scenario_comes_to_its_own_end() {
    let none = "not-a-mynumber-card";
    let all = [
        ("good", ["mynumber", "good", "good", "good", "good"]),
        ("wrong-atr", ["mynumber", "good", "good", "good", "good"]),
        ("pinless", ["mynumber", "good", "no-pin", "good", "pin-blocked"]),
        ("no-sign", ["mynumber", "good", "good", "good", "good"]),
        ("expired", ["mynumber", "certificate-expired", "certificate-expired", "good", "good"]),
        ("foreign-ca", ["mynumber", "foreign-authority", "foreign-authority", "good", "good"]),
        ("jpki-test", ["mynumber", "foreign-authority", "foreign-authority", "good", "good"]),
        ("text-prefix", ["mynumber", "good", "good", "good", "good"]),
        ("filler", ["mynumber", "good", "good", "good", "good"]),
        ("substituted-name", ["mynumber", "good", "good", "good", "good"]),
        ("broken-tlv", ["mynumber", "good", "good", "good", "broken-record"]),
        ("wrong-text-digest", ["mynumber", "good", "good", "good", "attributes-altered"]),
        ("wrong-face-signature", ["mynumber", "good", "good", "face-altered", "good"]),
        ("other-photo", ["mynumber", "good", "good", "good", "good"]),
        ("corrupt-photo", ["mynumber", "good", "good", "face-altered", "good"]),
        ("huge-photo", ["mynumber", "good", "good", "photo-too-large", "good"]),
        ("removed", ["mynumber", "removed", "removed", "removed", "removed"]),
        ("slow", ["timed-out", "timed-out", "timed-out", "timed-out", "timed-out"]),
        (
            "unknown-error",
            ["mynumber", "unexpected-answer", "unexpected-answer", "unexpected-answer", "unexpected-answer"],
        ),
        ("replaced", ["mynumber", "good", "removed", "removed", "removed"]),
        ("phone", ["telephone", "certificate-locked", "good", "good", "good"]),
        ("felica", ["felica", none, none, none, none]),
        ("mifare", ["type-a", none, none, none, none]),
        ("licence", ["drivers-licence", none, none, none, none]),
        ("residence", ["residence", none, none, none, none]),
    ];
    for (scenario, expected) in all {
        assert_eq!(ends(scenario), expected, "{scenario}");
    }
}

#[test]
fn a_wrong_pin_again_and_again_leaves_one_try() {
    let authority = certificates::pair(&Plan::default(), "auth").authority.der;
    let authorities = Authorities::new([&authority[..]], TestCards::Refused).unwrap();
    let mut card = laid("good");
    let pin = Pin::parse("9999").unwrap();
    let secret = Secret::AuthenticationPin;
    let mut attempt = || authenticate(&mut card, &pin, Challenge::new([4; 32]), &authorities, today()).err();
    assert_eq!(attempt(), Some(CardError::Wrong { secret, tries_left: Some(2) }));
    assert_eq!(attempt(), Some(CardError::Wrong { secret, tries_left: Some(1) }));
    for _ in 0..5 {
        assert_eq!(attempt(), Some(CardError::LastTry(secret)));
    }
}

#[test]
fn a_card_taken_away_is_finished_with() {
    let mut card = laid("removed");
    let error = identify(&mut card).err();
    let again = tap(&mut card, &Authorities::new([], TestCards::Refused).unwrap(), today()).err();
    assert!(error.is_none() && again == Some(CardError::Transport(TransportError::Removed)));
}
