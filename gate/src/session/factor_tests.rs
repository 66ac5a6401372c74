//! Which factors open together, told as visits.

#![allow(clippy::unwrap_used)]

use super::tests::{ALICE, BOB, Kiosk, REVOKED, policy, seen, stranger};
use super::*;
use crate::{
    Assurance, Claimed, Comparison, Date, Factor, FactorRule, FactorRules, FactorSet, Proof, Reading,
    Registered, Schedule, Score, Standing, Threshold, Wall,
};

const FACE: Factor = Factor::Face;
const CLAIM: Factor = Factor::Claim;
const CARD: Factor = Factor::CardShown;
const CODE: Factor = Factor::FreshCode;
const PIN: Factor = Factor::CardPin;

fn set(factors: &[Factor]) -> FactorSet {
    FactorSet::of(factors)
}

fn rule(needs: &[Factor]) -> FactorRule {
    FactorRule::always(set(needs))
}

fn with(rules: impl IntoIterator<Item = FactorRule>) -> Policy {
    Policy { factors: FactorRules { any_of: rules.into_iter().collect() }, ..policy() }
}

fn kiosk(rules: &[&[Factor]]) -> Kiosk {
    Kiosk::new(with(rules.iter().map(|needs| rule(needs))))
}

fn claim(person: PersonId, kind: CredentialKind, proof: Proof) -> Event {
    Event::Presented(Claim::Of { person, kind, proof, face_required: false })
}

fn code(person: PersonId) -> Event {
    claim(person, CredentialKind::Qr, Proof::Fresh)
}

fn card(person: PersonId) -> Event {
    claim(person, CredentialKind::MyNumberCard, Proof::Shown)
}

fn pin(person: PersonId) -> Event {
    claim(person, CredentialKind::MyNumberCard, Proof::Pin)
}

/// A frame of a face that scores `found` as `person` among all and `score` against the owner of a credential.
fn compared(person: PersonId, owner: PersonId, score: f32) -> Reading {
    let Reading::Compared(comparison) = seen(person, 0.8) else { unreachable!() };
    let threshold = Threshold::Alone(Score(0.4));
    let standing = Standing::Active;
    let claimed = Some(Claimed { person: owner, standing, score: Some(Score(score)), threshold });
    Reading::Compared(Comparison { claimed, ..comparison })
}

fn granted(person: PersonId) -> Outcome {
    Outcome::Granted { person }
}

fn denied(reason: DenyReason) -> Outcome {
    Outcome::Denied(reason)
}

#[test]
fn a_fresh_code_that_suffices_opens_once_and_the_record_says_that_no_face_was_part_of_it() {
    let mut kiosk = kiosk(&[&[FACE], &[CODE]]);
    kiosk.faces(3, 1, stranger()).event(code(ALICE));
    assert_eq!((kiosk.log.outcomes.as_slice(), kiosk.pulses.len()), (&[granted(ALICE)][..], 1));
    assert_eq!(kiosk.log.factors, [set(&[CLAIM, CODE])]);
    kiosk.faces(200, 1, stranger());
    assert_eq!(kiosk.log.outcomes.len(), 1, "whoever stands there was admitted");
    assert_eq!(kiosk.expected, None);
}

#[test]
fn after_a_grant_by_a_code_the_face_behind_the_telephone_is_no_next_visitor() {
    let mut kiosk = kiosk(&[&[FACE], &[CODE]]);
    kiosk.event(code(ALICE)).nobody(500).faces(200, 7, stranger());
    assert_eq!(kiosk.log.outcomes, [granted(ALICE)]);
    kiosk.faces(3, 8, seen(BOB, 0.8));
    assert_eq!(kiosk.log.outcomes[1..], [granted(BOB)], "another face is the next visitor");
}

#[test]
fn the_same_person_who_shows_another_proof_at_once_causes_no_second_pulse() {
    let mut kiosk = kiosk(&[&[CODE], &[PIN]]);
    kiosk.event(code(ALICE)).wait(500).event(pin(ALICE)).wait(500).event(code(ALICE));
    assert_eq!((kiosk.log.outcomes.len(), kiosk.pulses.len()), (1, 1));
    kiosk.event(code(BOB));
    assert_eq!(kiosk.pulses.len(), 2, "somebody else is another visit");
}

#[test]
fn whoever_was_admitted_and_lays_the_card_down_again_does_not_leave_the_readers_screen_behind() {
    let mut kiosk = kiosk(&[&[PIN]]);
    kiosk.event(pin(ALICE)).faces(60, 8, seen(ALICE, 0.8));
    kiosk.event(Event::Reader(ReaderScreen::Reading)).event(pin(ALICE));
    assert_eq!((kiosk.pulses.len(), kiosk.session.screen()), (1, Screen::Idle));
}

#[test]
fn nothing_copyable_opens_where_more_is_asked() {
    for asked in [&[PIN][..], &[CODE], &[CLAIM, FACE], &[CARD, FACE], &[PIN, FACE], &[CODE, PIN]] {
        for kind in [CredentialKind::FacilityCard, CredentialKind::MyNumberCard, CredentialKind::Qr] {
            let mut kiosk = kiosk(&[asked]);
            kiosk.event(claim(ALICE, kind, Proof::Shown)).wait(100).event(claim(ALICE, kind, Proof::Shown));
            assert!(kiosk.pulses.is_empty(), "{asked:?} {kind:?}");
        }
    }
}

#[test]
fn a_credential_that_demands_its_face_gets_it_whatever_the_rules_say() {
    let bound = |proof| {
        Event::Presented(Claim::Of { person: ALICE, kind: CredentialKind::Qr, proof, face_required: true })
    };
    for rules in [&[&[CODE][..]][..], &[&[CLAIM]], &[&[CODE], &[CLAIM, FACE]]] {
        let mut kiosk = kiosk(rules);
        kiosk.event(bound(Proof::Fresh));
        assert_eq!((kiosk.session.screen(), kiosk.pulses.len()), (Screen::ShowFace, 0), "{rules:?}");
        kiosk.wait(100).event(code(ALICE));
        assert!(kiosk.pulses.is_empty(), "a second code that demands nothing does not lift it");
        kiosk.faces(3, 1, compared(ALICE, ALICE, 0.8));
        assert_eq!(kiosk.log.outcomes, [granted(ALICE)]);
        assert_eq!(kiosk.log.factors, [set(&[FACE, CLAIM, CODE])]);
    }
}

#[test]
fn a_lent_telephone_opens_by_no_other_rule_once_another_face_was_seen_with_it() {
    let mut kiosk = kiosk(&[&[FACE], &[CLAIM, FACE], &[CODE], &[PIN]]);
    kiosk.event(card(ALICE)).faces(3, 1, compared(BOB, ALICE, 0.1));
    assert!(kiosk.log.outcomes.is_empty(), "another attempt is left");
    kiosk.event(code(ALICE));
    assert_eq!((kiosk.pulses.len(), kiosk.session.screen()), (0, Screen::ShowFace));
    kiosk.faces(9, 1, compared(BOB, ALICE, 0.1));
    assert_eq!(kiosk.log.outcomes, [denied(DenyReason::ClaimNotConfirmed { claimed: ALICE })]);
    kiosk.event(pin(ALICE));
    assert!(kiosk.pulses.is_empty(), "nor afterwards, while the same people stand there");
    kiosk.faces(3, 1, compared(ALICE, ALICE, 0.8));
    assert_eq!(kiosk.log.outcomes[1..], [granted(ALICE)], "the owner's face lifts it");
}

#[test]
fn a_photograph_of_the_owner_is_no_way_to_another_rule_either() {
    let mut kiosk = kiosk(&[&[CLAIM, FACE], &[PIN]]);
    let Reading::Compared(good) = compared(ALICE, ALICE, 0.9) else { unreachable!() };
    for pad in [0.1, f32::NAN] {
        kiosk.event(card(ALICE)).faces(3, 1, Reading::Compared(Comparison { pad, ..good })).event(pin(ALICE));
        assert!(kiosk.pulses.is_empty());
        kiosk.nobody(70_000);
    }
    kiosk.event(pin(ALICE));
    assert_eq!(kiosk.pulses.len(), 1, "they have gone, and this is another visit");
}

#[test]
fn a_stronger_proof_of_the_same_person_adds_up_and_another_persons_begins_anew() {
    let mut kiosk = kiosk(&[&[CODE, PIN]]);
    kiosk.event(code(ALICE)).wait(500).event(pin(BOB));
    assert!(kiosk.pulses.is_empty(), "a code of one and a PIN of another");
    kiosk.wait(500).event(pin(ALICE));
    assert!(kiosk.pulses.is_empty(), "her code was forgotten when another person's card came");
    kiosk.wait(500).event(card(ALICE)).wait(500).event(code(ALICE));
    assert_eq!(kiosk.log.outcomes, [granted(ALICE)]);
    assert_eq!(kiosk.log.factors, [set(&[CLAIM, CARD, CODE, PIN])]);
}

#[test]
fn a_half_finished_visit_is_forgotten_in_its_time() {
    let mut kiosk = kiosk(&[&[CODE, PIN]]);
    kiosk.event(code(ALICE)).nobody(20_200);
    assert_eq!(kiosk.log.outcomes, [denied(DenyReason::Abandoned)]);
    assert_eq!((kiosk.log.factors[0], kiosk.expected), (set(&[CLAIM, CODE]), None));
    kiosk.event(pin(ALICE));
    assert!(kiosk.pulses.is_empty(), "the code is not remembered");
}

#[test]
fn whoever_does_not_go_on_at_the_pin_is_forgotten_at_once_and_on_record() {
    let mut kiosk = kiosk(&[&[PIN]]);
    kiosk.event(Event::Cancelled);
    assert!(kiosk.log.outcomes.is_empty(), "there was nothing to stop");
    kiosk.event(card(ALICE)).event(Event::Reader(ReaderScreen::Pin)).event(Event::Cancelled);
    assert_eq!(kiosk.log.outcomes, [denied(DenyReason::Abandoned)]);
    assert_eq!((kiosk.expected, kiosk.session.screen()), (None, Screen::Idle));
    kiosk.event(code(ALICE));
    assert!(kiosk.pulses.is_empty());
}

#[test]
fn a_claim_whose_time_is_over_adds_nothing_even_before_anybody_said_so() {
    let mut kiosk = kiosk(&[&[CODE, PIN]]);
    kiosk.event(code(ALICE)).wait(20_001).event(pin(ALICE));
    assert!(kiosk.pulses.is_empty());
}

#[test]
fn what_adds_nothing_gains_no_time() {
    let mut kiosk = kiosk(&[&[CODE, PIN]]);
    kiosk.event(code(ALICE)).wait(1_000).event(card(ALICE));
    for _ in 0..5 {
        kiosk.nobody(9_000).event(card(ALICE));
    }
    kiosk.event(pin(ALICE));
    assert!(kiosk.pulses.is_empty(), "a card shown again and again keeps no code alive");
}

#[test]
fn a_claim_beside_somebody_who_was_admitted_is_forgotten_too_and_pulses_nothing() {
    let mut kiosk = kiosk(&[&[FACE], &[CLAIM, FACE]]);
    kiosk.faces(3, 1, seen(ALICE, 0.8)).event(card(BOB)).faces(500, 1, seen(ALICE, 0.8));
    assert_eq!(kiosk.log.outcomes, [granted(ALICE), denied(DenyReason::Abandoned)]);
    assert_eq!((kiosk.expected, kiosk.pulses.len()), (None, 1));
    kiosk.event(Event::Presented(Claim::Unknown(CredentialKind::Qr))).faces(500, 1, seen(ALICE, 0.8));
    assert_eq!(kiosk.pulses.len(), 1, "nor does a credential of nobody");
}

#[test]
fn a_face_waits_for_the_pin_that_its_rule_asks_for() {
    let mut kiosk = kiosk(&[&[PIN, FACE]]);
    kiosk.event(card(ALICE));
    assert_eq!(kiosk.session.screen(), Screen::NextFactor(set(&[PIN])));
    kiosk.faces(30, 1, compared(ALICE, ALICE, 0.8));
    assert_eq!((kiosk.log.outcomes.len(), kiosk.pulses.len()), (0, 0));
    kiosk.event(pin(ALICE));
    assert_eq!(kiosk.session.screen(), Screen::ShowFace);
    kiosk.faces(3, 1, compared(ALICE, ALICE, 0.8));
    assert_eq!(kiosk.log.outcomes, [granted(ALICE)]);
}

#[test]
fn a_face_that_waits_for_a_pin_in_vain_is_refused_with_what_is_missing() {
    let mut kiosk = kiosk(&[&[PIN, FACE]]);
    kiosk.event(card(ALICE)).faces(450, 1, compared(ALICE, ALICE, 0.8));
    let next = set(&[PIN]);
    assert_eq!(kiosk.log.outcomes[..1], [denied(DenyReason::FactorMissing { person: ALICE, next })]);
    assert!(kiosk.pulses.is_empty());
}

#[test]
fn the_screen_names_what_leads_on() {
    let either: &[&[Factor]] = &[&[FACE], &[CLAIM, FACE], &[PIN]];
    let mut at = kiosk(either);
    at.event(card(ALICE));
    assert_eq!(at.session.screen(), Screen::NextFactor(set(&[FACE, PIN])), "after a shown card");
    let code_only: &[&[Factor]] = &[&[FACE], &[CODE]];
    let cards: &[&[Factor]] = &[&[FACE], &[PIN], &[CARD, FACE]];
    for (rules, expected) in [
        (either, Screen::NotRecognised),
        (code_only, Screen::NextFactor(set(&[CODE]))),
        (cards, Screen::NextFactor(set(&[PIN, CARD]))),
        (&[&[FACE]], Screen::SeeStaff),
    ] {
        let mut at = kiosk(rules);
        at.faces(9, 1, stranger());
        assert_eq!(at.session.screen(), expected, "after an unknown face: {rules:?}");
    }
    let mut at = kiosk(&[&[CODE], &[CLAIM, FACE]]);
    at.faces(3, 1, seen(ALICE, 0.8));
    let next = set(&[CODE, CLAIM]);
    assert_eq!(at.log.outcomes, [denied(DenyReason::FactorMissing { person: ALICE, next })]);
    assert_eq!(at.session.screen(), Screen::NextFactor(next), "a face alone opens nothing here");
}

#[test]
fn a_credential_that_no_rule_wants_is_refused_at_once() {
    let mut kiosk = kiosk(&[&[FACE], &[CODE]]);
    kiosk.event(card(ALICE));
    let next = set(&[FACE, CODE]);
    assert_eq!(kiosk.log.outcomes, [denied(DenyReason::FactorMissing { person: ALICE, next })]);
    assert_eq!((kiosk.session.screen(), kiosk.expected), (Screen::NextFactor(next), None));
}

#[test]
fn a_revoked_person_and_a_stranger_to_the_roster_come_in_by_no_credential() {
    let mut kiosk = kiosk(&[&[CODE], &[PIN]]);
    let gone = Registered { standing: Standing::Revoked, ..Registered::default() };
    kiosk.event(Event::Roster(Roster::new([(ALICE, Registered::default()), (REVOKED, gone)])));
    kiosk.event(code(REVOKED)).wait(6_000).event(code(BOB));
    assert_eq!(kiosk.log.outcomes[0], denied(DenyReason::Revoked { person: REVOKED }));
    assert!(matches!(kiosk.log.outcomes[1], Outcome::Denied(DenyReason::NotAdmitted { .. })));
    assert!(kiosk.pulses.is_empty());
    let out = Policy { direction: crate::Direction::Out, ..with([rule(&[CODE])]) };
    kiosk.event(Event::Policy(Box::new(out))).wait(6_000).event(code(REVOKED));
    assert!(kiosk.pulses.is_empty(), "not even on the way out, where no other rule is asked");
}

#[test]
fn the_rules_of_admission_hold_for_credentials_as_for_faces() {
    let hours = Schedule { week: [None; 7], closed: Vec::new() };
    let facility = crate::Facility { hours, ..crate::Facility::default() };
    let mut kiosk = Kiosk::new(Policy { facility, ..with([rule(&[CODE])]) });
    kiosk.event(code(ALICE));
    assert!(matches!(kiosk.session.screen(), Screen::NotAdmitted(_)), "{:?}", kiosk.session.screen());
    assert!(kiosk.pulses.is_empty());
}

#[test]
fn how_surely_somebody_is_known_may_be_asked() {
    let sure = FactorRule { assurance: Assurance::JpkiVerified, ..rule(&[CODE]) };
    let mut kiosk = Kiosk::new(with([sure, rule(&[CODE, FACE])]));
    let verified = Registered { assurance: Assurance::JpkiVerified, ..Registered::default() };
    let matched = Registered { assurance: Assurance::PhotoMatched, ..Registered::default() };
    kiosk.event(Event::Roster(Roster::new([(ALICE, verified), (BOB, matched)])));
    kiosk.event(code(BOB));
    assert_eq!((kiosk.pulses.len(), kiosk.session.screen()), (0, Screen::ShowFace));
    kiosk.event(code(ALICE));
    assert_eq!(kiosk.log.outcomes, [granted(ALICE)]);
}

#[test]
fn a_rule_that_has_ended_when_the_face_comes_does_not_open() {
    let hours = Schedule { week: [Some((8 * 60, 18 * 60)); 7], closed: Vec::new() };
    let mut kiosk = Kiosk::new(with([FactorRule { hours, ..rule(&[CLAIM, FACE]) }]));
    let five_to_six = Date::parse("2026-11-24").unwrap().days() * 86_400_000 + 9 * 3_600_000 - 10_000;
    kiosk.wall = Some(Wall { unix_ms: five_to_six, uncertainty_s: 0 });
    kiosk.event(card(ALICE));
    assert_eq!(kiosk.session.screen(), Screen::ShowFace);
    kiosk.wait(10_000).faces(9, 1, compared(ALICE, ALICE, 0.8));
    let next = FactorSet::NONE;
    assert_eq!(kiosk.log.outcomes[0], denied(DenyReason::FactorMissing { person: ALICE, next }));
    assert_eq!((kiosk.pulses.len(), kiosk.session.screen()), (0, Screen::SeeStaff));
}

#[test]
fn no_record_no_entry_by_a_credential_either() {
    let mut kiosk = kiosk(&[&[CODE]]);
    kiosk.log.full = true;
    kiosk.event(code(ALICE));
    assert_eq!((kiosk.pulses.len(), kiosk.expected), (0, None));
    assert_eq!(kiosk.session.screen(), Screen::OutOfService(Fault::Storage));
}

#[test]
fn while_a_reader_works_faces_wait_and_its_whole_flow_has_one_bound() {
    let mut kiosk = kiosk(&[&[FACE], &[CLAIM, FACE], &[PIN]]);
    kiosk.event(card(ALICE)).event(Event::Reader(ReaderScreen::Pin));
    kiosk.faces(300, 1, compared(BOB, ALICE, 0.1)).nobody(10_000);
    assert_eq!(kiosk.session.screen(), Screen::Reader(ReaderScreen::Pin));
    assert_eq!((kiosk.log.outcomes.len(), kiosk.expected), (0, Some(ALICE)));
    kiosk.event(Event::Reader(ReaderScreen::Reading)).event(pin(ALICE));
    assert_eq!(kiosk.log.outcomes, [granted(ALICE)]);
    let mut hung = self::kiosk(&[&[FACE], &[PIN]]);
    hung.event(Event::Reader(ReaderScreen::Pin)).nobody(60_100);
    assert_eq!(hung.session.screen(), Screen::Idle, "a reader that says nothing more is not waited for");
    hung.faces(3, 1, seen(BOB, 0.8));
    assert_eq!(hung.log.outcomes, [granted(BOB)]);
}

#[test]
fn a_reader_that_begins_again_and_again_keeps_no_claim_alive() {
    let mut kiosk = kiosk(&[&[CODE, PIN]]);
    kiosk.event(code(ALICE));
    for _ in 0..90 {
        kiosk.event(Event::Reader(ReaderScreen::Pin)).nobody(1_000);
    }
    kiosk.event(pin(ALICE));
    assert!(kiosk.pulses.is_empty());
}

#[test]
fn every_refused_credential_ends_the_visit_on_record_and_on_its_screen() {
    use CredentialRefusal as No;
    let kind = CredentialKind::Qr;
    for refusal in [
        No::Replayed,
        No::Expired,
        No::NotYetValid,
        No::OtherSite,
        No::UnknownIssuer,
        No::Forged,
        No::Unreadable,
        No::Withdrawn,
        No::ClockInDoubt,
        No::NeedsShelterOrFace,
        No::PinWrong { left: 2 },
        No::PinBlocked,
        No::OneTryLeft,
        No::CardWithoutPin,
        No::Removed,
        No::TimedOut,
        No::CardExpired,
        No::ForeignAuthority,
        No::DrivingLicence,
        No::ResidenceCard,
        No::OtherCard,
    ] {
        let mut kiosk = kiosk(&[&[CODE, PIN], &[PIN, FACE]]);
        kiosk.event(code(ALICE)).event(Event::Reader(ReaderScreen::Pin));
        kiosk.wait(100).event(Event::CredentialRefused(kind, refusal));
        assert_eq!(kiosk.log.outcomes, [denied(DenyReason::CredentialRefused { kind, refusal })]);
        assert_eq!(kiosk.session.screen(), Screen::Reader(ReaderScreen::Refused(refusal)));
        assert_eq!(kiosk.expected, None, "what was presented before is forgotten");
        kiosk.wait(100).event(pin(ALICE));
        assert!(kiosk.pulses.is_empty(), "{refusal:?}");
    }
}

#[test]
fn codes_that_are_tried_out_pause_the_kiosk_and_honest_mishaps_do_not() {
    for (refusal, screen) in [
        (CredentialRefusal::Forged, Screen::Pause),
        (CredentialRefusal::Replayed, Screen::Pause),
        (CredentialRefusal::Removed, Screen::HoldStill),
        (CredentialRefusal::Expired, Screen::HoldStill),
    ] {
        let mut kiosk = Kiosk::new(policy());
        for _ in 0..3 {
            kiosk.wait(500).event(Event::CredentialRefused(CredentialKind::Qr, refusal));
        }
        kiosk.face(1, seen(ALICE, 0.8));
        assert_eq!(kiosk.session.screen(), screen, "{refusal:?}");
    }
}

#[test]
fn in_a_fire_no_credential_and_no_reader_takes_the_screen() {
    let mut kiosk = kiosk(&[&[CODE]]);
    kiosk.event(Event::Reader(ReaderScreen::Pin));
    let input = crate::Input::FireContact;
    for active in [false, true] {
        kiosk.wait(50);
        kiosk.event(Event::Door(InputChange { at: kiosk.now, input, active }));
    }
    kiosk.event(code(ALICE)).event(Event::Reader(ReaderScreen::Pin));
    kiosk.event(Event::CredentialRefused(CredentialKind::Qr, CredentialRefusal::Forged));
    assert_eq!((kiosk.session.screen(), kiosk.log.outcomes.len()), (Screen::Evacuate, 0));
}
