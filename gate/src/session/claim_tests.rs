//! Cards and codes, staff and fires: what they bring about and what they never do.

use std::time::Duration;

use super::tests::{ALICE, BOB, Kiosk, REVOKED, policy, seen, stranger};
use super::*;
use crate::{
    Claimed, Comparison, DenyReason, Direction, FaceAlone, FaceRules, HouseholdId, Input, InputChange, Proof,
    Reading, Registered, Score, SensorTier, Standing, Threshold,
};

const CARD: CredentialKind = CredentialKind::FacilityCard;
const STAFF: StaffId = StaffId([5; 16]);

/// A frame of a face that scores `found` as `person` in the gallery and `score` against the owner of the card.
fn claimed(person: PersonId, owner: PersonId, score: f32) -> Reading {
    let Reading::Compared(comparison) = seen(person, 0.8) else { unreachable!() };
    let standing = if owner == REVOKED { Standing::Revoked } else { Standing::Active };
    let threshold = Threshold::Alone(Score(0.4));
    let claimed = Some(Claimed { person: owner, standing, score: Some(Score(score)), threshold });
    Reading::Compared(Comparison { claimed, ..comparison })
}

fn card(kiosk: &mut Kiosk, person: PersonId) {
    kiosk.event(Event::Presented(Claim::Of {
        person,
        kind: CARD,
        proof: Proof::Shown,
        face_required: false,
    }));
}

#[test]
fn the_owner_of_a_card_comes_in_by_it() {
    let mut kiosk = Kiosk::new(policy());
    card(&mut kiosk, ALICE);
    assert_eq!((kiosk.expected, kiosk.session.screen()), (Some(ALICE), Screen::ShowFace));
    kiosk.faces(3, 1, claimed(ALICE, ALICE, 0.8));
    assert_eq!(
        (kiosk.log.outcomes.as_slice(), kiosk.pulses.len()),
        (&[Outcome::Granted { person: ALICE }][..], 1)
    );
    assert_eq!(kiosk.expected, None, "the card is used up");
}

#[test]
fn a_lent_card_opens_for_nobody_even_if_the_borrower_is_enrolled() {
    let mut kiosk = Kiosk::new(policy());
    card(&mut kiosk, ALICE);
    kiosk.faces(9, 1, claimed(BOB, ALICE, 0.1));
    let refused = Outcome::Denied(DenyReason::ClaimNotConfirmed { claimed: ALICE });
    assert_eq!((kiosk.log.outcomes.as_slice(), kiosk.pulses.len()), (&[refused][..], 0));
    assert_eq!(kiosk.session.screen(), Screen::ClaimNotConfirmed);
}

#[test]
fn frames_that_were_not_compared_with_the_owner_count_for_nothing() {
    let mut kiosk = Kiosk::new(policy());
    card(&mut kiosk, ALICE);
    kiosk.faces(9, 1, seen(ALICE, 0.8));
    kiosk.nobody(2_000);
    card(&mut kiosk, ALICE);
    kiosk.faces(2, 2, claimed(ALICE, ALICE, 0.8)).faces(7, 2, claimed(ALICE, BOB, 0.9));
    assert!(kiosk.pulses.is_empty());
}

#[test]
fn a_card_in_the_middle_of_a_visit_starts_its_evidence_anew() {
    let mut kiosk = Kiosk::new(policy());
    kiosk.faces(2, 1, seen(ALICE, 0.8));
    card(&mut kiosk, ALICE);
    kiosk.face(1, seen(ALICE, 0.8)).faces(2, 1, claimed(ALICE, ALICE, 0.8));
    assert!(kiosk.pulses.is_empty(), "one of the three was compared with the gallery only");
    kiosk.faces(3, 1, claimed(ALICE, ALICE, 0.8));
    assert_eq!(kiosk.pulses.len(), 1);
}

#[test]
fn a_card_of_a_revoked_enrolment_goes_to_the_staff() {
    let mut kiosk = Kiosk::new(policy());
    card(&mut kiosk, REVOKED);
    kiosk.faces(3, 1, claimed(REVOKED, REVOKED, 0.8));
    assert_eq!(kiosk.log.outcomes, [Outcome::Denied(DenyReason::Revoked { person: REVOKED })]);
}

#[test]
fn a_card_whose_owner_does_not_come_is_recorded_and_forgotten() {
    let mut kiosk = Kiosk::new(policy());
    card(&mut kiosk, ALICE);
    kiosk.nobody(21_000);
    assert_eq!(kiosk.log.outcomes, [Outcome::Denied(DenyReason::Abandoned)]);
    assert_eq!((kiosk.expected, kiosk.session.screen()), (None, Screen::Idle));
    kiosk.faces(9, 1, claimed(BOB, ALICE, 0.1));
    assert_eq!(
        kiosk.log.outcomes[1..],
        [Outcome::Granted { person: BOB }],
        "the next person is judged by face"
    );
}

#[test]
fn a_card_of_nobody_is_recorded_at_once() {
    let mut kiosk = Kiosk::new(policy());
    kiosk.event(Event::Presented(Claim::Unknown(CARD)));
    assert_eq!(kiosk.log.outcomes, [Outcome::Denied(DenyReason::UnknownCredential(CARD))]);
    assert_eq!(kiosk.session.screen(), Screen::ClaimNotConfirmed);
}

#[test]
fn a_refused_person_may_answer_with_a_card_without_waiting() {
    let mut kiosk = Kiosk::new(policy());
    kiosk.faces(9, 1, stranger());
    assert_eq!(kiosk.session.screen(), Screen::NotRecognised);
    card(&mut kiosk, ALICE);
    kiosk.faces(3, 1, claimed(ALICE, ALICE, 0.5));
    assert_eq!(kiosk.pulses.len(), 1);
}

#[test]
fn a_photograph_with_its_owners_card_is_still_an_attack() {
    let mut kiosk = Kiosk::new(policy());
    card(&mut kiosk, ALICE);
    let Reading::Compared(comparison) = claimed(ALICE, ALICE, 0.9) else { unreachable!() };
    for pad in [0.1, f32::NAN] {
        kiosk.faces(3, 1, Reading::Compared(Comparison { pad, ..comparison })).nobody(6_000);
        card(&mut kiosk, ALICE);
    }
    assert_eq!(kiosk.log.outcomes, [Outcome::Denied(DenyReason::PresentationAttack); 2]);
}

#[test]
fn where_a_face_alone_is_not_enough_a_card_is() {
    let face_alone = FaceRules { simulated: FaceAlone::NeedsClaim, ..FaceRules::default() };
    let mut kiosk = Kiosk::new(Policy { face_alone, ..policy() });
    kiosk.faces(3, 1, seen(ALICE, 0.8));
    assert_eq!(kiosk.log.outcomes, [Outcome::Denied(DenyReason::SecondFactorRequired)]);
    card(&mut kiosk, ALICE);
    kiosk.faces(3, 1, claimed(ALICE, ALICE, 0.8));
    assert_eq!(kiosk.pulses.len(), 1);
}

#[test]
fn while_the_registry_is_old_a_face_alone_opens_only_what_the_facility_lets_it() {
    use crate::{Mode, RegistryAge};
    let check = |registry_old, mode, age, pulses: usize| {
        let face_alone = FaceRules { registry_old, ..FaceRules::default() };
        let mut kiosk = Kiosk::new(Policy { face_alone, mode, ..policy() });
        kiosk.event(Event::RegistryAge(age));
        kiosk.faces(3, 1, seen(ALICE, 0.8));
        assert_eq!(kiosk.pulses.len(), pulses, "{registry_old:?} {mode:?} {age:?}");
    };
    check(FaceAlone::NeedsClaim, Mode::Normal, Some(RegistryAge::Old), 0);
    check(FaceAlone::NeedsClaim, Mode::Normal, Some(RegistryAge::Stale), 1);
    check(FaceAlone::NeedsClaim, Mode::Normal, None, 1);
    check(FaceAlone::NeedsClaim, Mode::Shelter, Some(RegistryAge::Old), 1);
    check(FaceAlone::Opens, Mode::Normal, Some(RegistryAge::Old), 1);
    let strict = FaceRules { simulated: FaceAlone::NeedsClaim, ..FaceRules::default() };
    assert_eq!(
        strict.knowing(SensorTier::Simulated, true, Mode::Normal, Some(RegistryAge::Old)),
        FaceAlone::NeedsClaim,
        "an old registry never widens what opens"
    );
}

#[test]
fn staff_let_people_in_on_record_and_never_while_nothing_can_be_recorded() {
    let let_in = LetIn { staff: STAFF, visitors: Vec::new(), release: true };
    let mut kiosk = Kiosk::new(policy());
    kiosk.event(Event::LetIn(let_in.clone()));
    assert_eq!(
        (kiosk.log.outcomes.as_slice(), kiosk.pulses.len()),
        (&[Outcome::LetIn { staff: STAFF }][..], 1)
    );
    kiosk.event(Event::LetIn(LetIn { release: false, ..let_in.clone() }));
    assert_eq!(kiosk.pulses.len(), 1, "counted, and the door stays");
    kiosk.log.full = true;
    kiosk.event(Event::LetIn(let_in));
    assert_eq!((kiosk.log.outcomes.len(), kiosk.pulses.len()), (2, 1));
}

#[test]
fn a_visit_under_way_is_recorded_before_staff_let_somebody_in() {
    let mut kiosk = Kiosk::new(policy());
    kiosk.faces(2, 1, seen(ALICE, 0.8));
    kiosk.event(Event::LetIn(LetIn { staff: STAFF, visitors: Vec::new(), release: true }));
    let abandoned = Outcome::Denied(DenyReason::Abandoned);
    assert_eq!(kiosk.log.outcomes, [abandoned, Outcome::LetIn { staff: STAFF }]);
}

#[test]
fn with_a_colour_camera_a_face_that_does_not_turn_opens_no_door() {
    let mut kiosk = Kiosk::new(Policy { sensor: SensorTier::Rgb, ..policy() });
    kiosk.faces(600, 1, seen(ALICE, 0.8));
    assert!(kiosk.pulses.is_empty());
    assert_eq!(kiosk.log.outcomes[0], Outcome::Denied(DenyReason::NotTurned));
}

#[test]
fn whoever_cannot_turn_the_head_is_shown_the_other_ways_at_once() {
    let mut kiosk = Kiosk::new(Policy { sensor: SensorTier::Rgb, ..policy() });
    kiosk.faces(4, 1, seen(ALICE, 0.8)).event(Event::CannotTurn);
    assert_eq!(kiosk.session.screen(), Screen::AnotherWay);
    card(&mut kiosk, ALICE);
    kiosk.faces(3, 1, claimed(ALICE, ALICE, 0.8));
    assert_eq!(kiosk.pulses.len(), 1, "a card and the face need no turn");
}

#[test]
fn nothing_is_asked_of_a_turn_at_a_counter() {
    let mut kiosk = Kiosk::new(Policy { sensor: SensorTier::Rgb, door: None, ..policy() });
    kiosk.faces(3, 1, seen(ALICE, 0.8));
    assert_eq!(kiosk.log.outcomes, [Outcome::Granted { person: ALICE }]);
}

#[test]
fn the_patience_of_a_claim_is_its_own() {
    let claim = crate::ClaimRule { patience: Duration::from_secs(5), ..crate::ClaimRule::default() };
    let mut kiosk = Kiosk::new(Policy { claim, ..policy() });
    card(&mut kiosk, ALICE);
    kiosk.nobody(4_900);
    assert_eq!(kiosk.expected, Some(ALICE));
    kiosk.nobody(300);
    assert_eq!(kiosk.expected, None);
}

/// A household of Alice, who speaks for it, and Bob.
fn family(kiosk: &mut Kiosk) {
    let member = |representative| Registered {
        household: Some(HouseholdId([9; 16])),
        representative,
        ..Registered::default()
    };
    kiosk.event(Event::Roster(Roster::new([(ALICE, member(true)), (BOB, member(false))])));
}

#[test]
fn a_family_is_greeted_at_once_by_its_representative_and_a_child_alone_brings_nobody() {
    let mut kiosk = Kiosk::new(policy());
    family(&mut kiosk);
    kiosk.faces(3, 1, seen(ALICE, 0.8));
    let Screen::Welcome(welcome) = kiosk.session.screen() else { panic!("a welcome is due") };
    assert_eq!((welcome.party, kiosk.pulses.len()), (2, 1));
    let mut kiosk = Kiosk::new(policy());
    family(&mut kiosk);
    kiosk.faces(3, 1, seen(BOB, 0.8));
    let Screen::Welcome(welcome) = kiosk.session.screen() else { panic!("a welcome is due") };
    assert_eq!(welcome.party, 1);
}

#[test]
fn at_a_gate_for_both_ways_whoever_is_inside_goes_out_with_the_family() {
    let mut kiosk = Kiosk::new(Policy { direction: Direction::Both, ..policy() });
    family(&mut kiosk);
    kiosk.faces(3, 1, seen(ALICE, 0.8)).nobody(6_000);
    let facility = crate::Facility::default();
    let inside = |kiosk: &Kiosk, person| kiosk.session.inside().holds(person, &facility, None);
    assert!(inside(&kiosk, ALICE) && inside(&kiosk, BOB));
    kiosk.faces(3, 2, seen(ALICE, 0.8));
    assert_eq!((kiosk.session.screen(), kiosk.pulses.len()), (Screen::Farewell, 2));
    assert!(!inside(&kiosk, ALICE) && !inside(&kiosk, BOB));
}

#[test]
fn nobody_is_kept_inside_by_a_rule() {
    let hours = crate::Schedule { week: [None; 7], closed: Vec::new() };
    let facility = crate::Facility { hours, ..crate::Facility::default() };
    let mut kiosk = Kiosk::new(Policy { direction: Direction::Out, facility, ..policy() });
    kiosk.faces(3, 1, seen(ALICE, 0.8));
    assert_eq!(
        (kiosk.log.outcomes.as_slice(), kiosk.pulses.len()),
        (&[Outcome::Granted { person: ALICE }][..], 1)
    );
}

#[test]
fn somebody_who_may_not_come_in_today_is_told_so_and_the_door_stays() {
    let hours = crate::Schedule { week: [None; 7], closed: Vec::new() };
    let facility = crate::Facility { hours, ..crate::Facility::default() };
    let mut kiosk = Kiosk::new(Policy { facility, ..policy() });
    kiosk.faces(3, 1, seen(ALICE, 0.8));
    assert!(kiosk.pulses.is_empty());
    assert!(matches!(kiosk.session.screen(), Screen::NotAdmitted(_)), "{:?}", kiosk.session.screen());
}

fn contact(kiosk: &mut Kiosk, input: Input, active: bool) {
    kiosk.wait(50);
    let at = kiosk.now;
    kiosk.event(Event::Door(InputChange { at, input, active }));
}

#[test]
fn new_rules_count_for_a_door_that_stands_open() {
    let mut kiosk = Kiosk::new(policy());
    contact(&mut kiosk, Input::DoorPosition, false);
    contact(&mut kiosk, Input::RequestToExit, true);
    contact(&mut kiosk, Input::DoorPosition, true);
    kiosk.wait(3_000);
    let held_open = |kiosk: &mut Kiosk| {
        let commands = kiosk.session.step(Now { mono: kiosk.now, wall: None }, Event::Tick);
        commands.contains(&Command::Record(Entry::Door(crate::DoorEvent::HeldOpen)))
    };
    assert!(!held_open(&mut kiosk), "the usual 30 seconds are not over");
    let door_times = crate::DoorTimes { held_open: Duration::from_secs(2), ..crate::DoorTimes::default() };
    kiosk.event(Event::Policy(Box::new(Policy { door_times, ..policy() })));
    assert!(held_open(&mut kiosk));
}

#[test]
fn in_a_fire_the_door_is_free_and_nobody_is_judged() {
    let mut kiosk = Kiosk::new(policy());
    contact(&mut kiosk, Input::FireContact, false);
    kiosk.faces(2, 1, seen(ALICE, 0.8));
    contact(&mut kiosk, Input::FireContact, true);
    assert_eq!((kiosk.free, kiosk.session.screen()), (true, Screen::Evacuate));
    assert_eq!(kiosk.log.outcomes, [Outcome::Denied(DenyReason::Abandoned)], "the visit ends on record");
    kiosk.faces(20, 2, seen(ALICE, 0.8));
    assert_eq!((kiosk.log.outcomes.len(), kiosk.pulses.len()), (1, 0));
    contact(&mut kiosk, Input::FireContact, false);
    assert_eq!((kiosk.free, kiosk.session.screen()), (false, Screen::Idle));
    kiosk.faces(3, 3, seen(ALICE, 0.8));
    assert_eq!(kiosk.pulses.len(), 1);
}

#[test]
fn a_fire_frees_the_door_also_while_nothing_can_be_recorded() {
    let mut kiosk = Kiosk::new(policy());
    contact(&mut kiosk, Input::FireContact, false);
    kiosk.log.full = true;
    kiosk.event(Event::Failed(Fault::Storage));
    contact(&mut kiosk, Input::FireContact, true);
    assert_eq!((kiosk.free, kiosk.session.screen()), (true, Screen::Evacuate));
}

#[test]
fn where_a_contact_tells_presence_follows_the_door_and_not_the_relay() {
    let mut kiosk = Kiosk::new(policy());
    contact(&mut kiosk, Input::DoorPosition, false);
    kiosk.faces(3, 1, seen(ALICE, 0.8));
    let facility = crate::Facility::default();
    assert!(!kiosk.session.inside().holds(ALICE, &facility, None), "released is not entered");
    kiosk.nobody(8_000);
    assert!(!kiosk.session.inside().holds(ALICE, &facility, None), "the grant was not used");
    kiosk.faces(3, 2, seen(ALICE, 0.8));
    contact(&mut kiosk, Input::DoorPosition, true);
    assert!(kiosk.session.inside().holds(ALICE, &facility, None));
}
