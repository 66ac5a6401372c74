#![allow(clippy::unwrap_used)]

use std::time::Duration;

use super::*;
use crate::{
    ClaimRule, Coupons, Date, DoorId, DoorTimes, Entitlement, EntitlementId, FaceRules, FeeClass,
    HouseholdId, Period, PersonId, Registered, Roster, Standing, Who, Words,
};

fn nobody(policy: Policy, expected: &str) {
    let findings = check(&policy);
    let found = findings.iter().any(|it| matches!(it, PolicyFinding::Nobody { key, .. } if *key == expected));
    assert!(found && findings[0].is_fatal(), "{expected}: {findings:?}");
}

fn everybody(policy: Policy, expected: &str) {
    let findings = check(&policy);
    let found =
        findings.iter().any(|it| matches!(it, PolicyFinding::Everybody { key, .. } if *key == expected));
    assert!(found && findings[0].is_fatal(), "{expected}: {findings:?}");
}

fn usual() -> Policy {
    Policy::default()
}

fn at(facility: Facility) -> Policy {
    Policy { facility, ..usual() }
}

fn week(hours: Option<(u16, u16)>) -> Schedule {
    Schedule { week: [hours; 7], closed: Vec::new() }
}

#[test]
fn the_shipped_policy_has_nothing_wrong() {
    assert_eq!(check(&usual()), []);
    assert_eq!(
        check(&Policy { door: None, grant_life: Duration::ZERO, ..usual() }),
        [],
        "a counter needs no grants"
    );
}

#[test]
fn a_policy_that_grants_to_nobody_is_fatal() {
    for pad_floor in [1.01, f32::NAN, f32::INFINITY] {
        nobody(Policy { pad_floor, ..usual() }, "face.pad_floor");
    }
    for target_fpir in [0.0, -1.0, f64::NAN] {
        nobody(Policy { target_fpir, ..usual() }, "face.target_fpir");
    }
    for margin in [2.01, f32::NAN] {
        nobody(Policy { margin, ..usual() }, "face.margin");
    }
    for target_fmr in [0.0, f64::NAN] {
        nobody(
            Policy { claim: ClaimRule { target_fmr, ..ClaimRule::default() }, ..usual() },
            "claim.target_fmr",
        );
    }
    nobody(Policy { frames: 0, ..usual() }, "face.frames");
    nobody(Policy { attempts: 0, ..usual() }, "face.attempts");
    nobody(Policy { patience: Duration::ZERO, ..usual() }, "face.patience_s");
    nobody(Policy { absence: Duration::ZERO, ..usual() }, "face.absence_ms");
    nobody(Policy { freshness: Duration::ZERO, ..usual() }, "face.freshness_ms");
    nobody(Policy { grant_life: Duration::ZERO, ..usual() }, "visit.grant_life_ms");
    let claim = ClaimRule { patience: Duration::ZERO, ..ClaimRule::default() };
    nobody(Policy { claim, ..usual() }, "claim.patience_s");
    for hours in [week(None), week(Some((600, 600))), week(Some((1_440, 1_500)))] {
        nobody(at(Facility { hours, ..Facility::default() }), "hours");
    }
}

#[test]
fn a_policy_that_grants_to_everybody_is_fatal() {
    for pad_floor in [0.0, -0.1, f32::NEG_INFINITY] {
        everybody(Policy { pad_floor, ..usual() }, "face.pad_floor");
    }
    everybody(Policy { target_fpir: 1.0, ..usual() }, "face.target_fpir");
    everybody(Policy { margin: -0.01, ..usual() }, "face.margin");
    let claim = ClaimRule { target_fmr: 0.01, ..ClaimRule::default() };
    everybody(Policy { claim, ..usual() }, "claim.target_fmr");
}

#[test]
fn values_at_the_edge_of_what_is_good_are_good() {
    let claim = ClaimRule { target_fmr: 0.0099, ..ClaimRule::default() };
    let edge =
        Policy { pad_floor: 1.0, margin: 2.0, target_fpir: 0.999, frames: 1, attempts: 1, claim, ..usual() };
    assert_eq!(check(&edge), []);
    assert_eq!(check(&Policy { margin: 0.0, pad_floor: 0.01, ..usual() }), []);
}

#[test]
fn a_colour_camera_whose_face_alone_opens_a_door_is_a_loud_warning() {
    let face_alone = FaceRules { rgb: FaceAlone::Opens, ..FaceRules::default() };
    let loud = Policy { face_alone, ..usual() };
    assert_eq!(check(&loud), [PolicyFinding::PhotographOpens]);
    assert!(!PolicyFinding::PhotographOpens.is_fatal());
    assert!(PolicyFinding::PhotographOpens.to_string().contains("WARNING"));
    for (sensor, door) in [(SensorTier::Nir, Some(DoorId(0))), (SensorTier::Rgb, None)] {
        assert_eq!(check(&Policy { sensor, door, ..loud.clone() }), []);
    }
}

#[test]
fn hours_that_cannot_be_meant_are_named_by_their_day() {
    let mut hours = week(Some((540, 1_020)));
    hours.week[2] = Some((1_020, 540));
    hours.week[5] = Some((540, 1_441));
    hours.week[3] = Some((540, 540));
    hours.week[6] = None;
    let findings = check(&at(Facility { hours, ..Facility::default() }));
    let expected = [
        PolicyFinding::HoursBackwards { day: Weekday::Wednesday },
        PolicyFinding::HoursBackwards { day: Weekday::Thursday },
        PolicyFinding::HoursBeyondMidnight { day: Weekday::Saturday },
    ];
    assert_eq!(findings, expected);
    assert_eq!(check(&at(Facility { hours: week(Some((0, 1_440))), ..Facility::default() })), []);
}

#[test]
fn numbers_that_nobody_can_count_by_are_named() {
    let facility =
        Facility { kiosks: 0, offset_minutes: 900, longest_stay: Duration::ZERO, ..Facility::default() };
    let door_times = DoorTimes { held_open: Duration::ZERO, ..DoorTimes::default() };
    let expected = [
        PolicyFinding::OffsetImpossible { minutes: 900 },
        PolicyFinding::NoKiosks,
        PolicyFinding::NobodyInside,
        PolicyFinding::HeldOpenAtOnce,
    ];
    assert_eq!(check(&Policy { door_times, ..at(facility) }), expected);
}

fn class(id: &str, resident: Option<bool>, from_age: Option<u8>, below_age: Option<u8>) -> FeeClass {
    of_school(id, resident, from_age, below_age, None)
}

fn of_school(
    id: &str,
    resident: Option<bool>,
    from_age: Option<u8>,
    below_age: Option<u8>,
    school: Option<SchoolStage>,
) -> FeeClass {
    let words = Words { japanese: id.into(), easy: id.into(), english: id.into() };
    FeeClass { id: FeeClassId(id.into()), yen: 0, words, who: Who { resident, from_age, below_age, school } }
}

#[track_caller]
fn classes(fees: Vec<FeeClass>, expected: &[PolicyFinding]) {
    assert_eq!(check(&at(Facility { fees, ..Facility::default() })), expected);
}

fn id(text: &str) -> FeeClassId {
    FeeClassId(text.into())
}

#[test]
fn fee_classes_for_everybody_have_nothing_wrong() {
    let stages = [
        SchoolStage::Preschool,
        SchoolStage::Elementary,
        SchoolStage::JuniorHigh,
        SchoolStage::HighSchool,
        SchoolStage::Beyond,
    ];
    classes(stages.map(|it| of_school(&format!("{it:?}"), None, None, None, Some(it))).into(), &[]);
    let ages = vec![class("child", None, None, Some(12)), class("older", None, Some(12), None)];
    classes(ages, &[]);
    let homes = vec![class("city", Some(true), None, None), class("other", Some(false), None, None)];
    classes(homes.clone(), &[]);
    classes([homes, vec![class("not known", None, None, None)]].concat(), &[]);
}

#[test]
fn a_fee_class_that_nobody_comes_to_is_named_with_the_one_that_hides_it() {
    let never = |class, earlier: Option<&str>| PolicyFinding::FeeClassNeverReached {
        class: id(class),
        earlier: earlier.map(id),
    };
    let all = class("all", None, None, None);
    classes(vec![all.clone(), class("city", Some(true), None, None)], &[never("city", Some("all"))]);
    let wide = class("wide", None, None, Some(12));
    classes(vec![wide, class("infant", None, None, Some(3)), all.clone()], &[never("infant", Some("wide"))]);
    let old_pupil = of_school("pupil", None, Some(20), None, Some(SchoolStage::Elementary));
    classes(vec![old_pupil, all.clone()], &[never("pupil", None)]);
    // Two edges that some children are on: a pupil of twelve, and a child of six before school.
    let twelve = of_school("twelve", None, Some(12), None, Some(SchoolStage::Elementary));
    let six = of_school("six", None, Some(6), None, Some(SchoolStage::Preschool));
    classes(vec![twelve, six, all], &[]);
}

#[test]
fn a_gap_between_fee_classes_is_named_by_an_example() {
    let gap = |age, resident, stage| PolicyFinding::NoFeeClass { age, resident, stage };
    let (beyond, elementary) = (SchoolStage::Beyond, SchoolStage::Elementary);
    let fees = vec![
        class("city", Some(true), None, Some(65)),
        class("child", Some(false), None, Some(12)),
        class("other", Some(false), Some(13), None),
    ];
    classes(fees, &[gap(65, true, beyond), gap(12, false, elementary)]);
    classes(
        vec![class("old", None, Some(1), None)],
        &[true, false].map(|it| gap(0, it, SchoolStage::Preschool)),
    );
}

#[test]
fn fee_classes_that_cannot_be_meant_are_fatal() {
    let all = class("all", None, None, None);
    classes(vec![all.clone(), all.clone()], &[PolicyFinding::FeeClassTwice { class: id("all") }]);
    let backwards = PolicyFinding::AgesBackwards { class: id("none") };
    classes(vec![class("none", None, Some(12), Some(12)), all.clone()], std::slice::from_ref(&backwards));
    classes(vec![class("none", None, None, Some(0)), all], &[backwards]);
}

#[test]
fn every_finding_says_which_key_or_class_and_what_to_do() {
    let hours = week(Some((1_020, 540)));
    let fees = vec![class("a", None, Some(1), None), class("b", Some(true), Some(9), None)];
    let facility = Facility { hours, fees, kiosks: 0, ..Facility::default() };
    let texts: Vec<String> = check(&at(facility)).iter().map(ToString::to_string).collect();
    for part in [
        "the hours of Monday end before they begin",
        "`hours` lets nobody in; the facility is closed on all days",
        "`admission.kiosks` is zero; write how many",
        "fee class `b` is never reached; put it before `a`",
        "no fee class fits a non-resident of age 0 (before school), for one, so staff must say each time; add",
    ] {
        assert!(texts.iter().any(|text| text.contains(part)), "{part} is not in {texts:#?}");
    }
}

fn person(number: u8) -> PersonId {
    PersonId([number; 16])
}

fn member(number: u8, representative: bool) -> (PersonId, Registered) {
    let household = Some(HouseholdId([9; 16]));
    (person(number), Registered { household, representative, ..Registered::default() })
}

fn entitlement(number: u8, from: &str, until: &str) -> Entitlement {
    let period = Period { from: Date::parse(from), until: Date::parse(until) };
    Entitlement { id: EntitlementId([number; 16]), period, coupons: None }
}

fn with(number: u8, entitlements: Vec<Entitlement>) -> (PersonId, Registered) {
    (person(number), Registered { entitlements, ..Registered::default() })
}

#[track_caller]
fn roster<const N: usize>(people: [(PersonId, Registered); N], expected: &[RosterFinding]) {
    assert_eq!(Roster::new(people).findings(), expected);
}

#[test]
fn a_roster_in_order_has_nothing_wrong() {
    let passes = vec![entitlement(1, "2026-01-01", "2026-03-31"), entitlement(2, "2026-04-01", "2026-06-30")];
    let coupons = Some(Coupons { granted: 5, used_here: 0, used_elsewhere: 0 });
    let book_and_pass = vec![Entitlement { coupons, ..entitlement(3, "", "") }, entitlement(4, "", "")];
    roster([member(1, true), member(2, false), with(3, passes), with(4, book_and_pass)], &[]);
    roster([], &[]);
}

#[test]
fn a_household_for_which_nobody_speaks_is_named() {
    let household = HouseholdId([9; 16]);
    let revoked = |(person, it)| (person, Registered { standing: Standing::Revoked, ..it });
    let protected = |(person, it)| (person, Registered { protected: true, ..it });
    let none = RosterFinding::NoRepresentative { household };
    roster([member(1, false), member(2, false)], std::slice::from_ref(&none));
    roster([revoked(member(1, true)), member(2, false)], &[none]);
    roster([revoked(member(1, true)), member(2, true)], &[]);
    roster([revoked(member(1, true)), revoked(member(2, false))], &[]);
    let two = RosterFinding::TwoRepresentatives { household, one: person(1), other: person(2) };
    roster([member(1, true), member(2, true), member(3, false)], &[two]);
    let under_protection = RosterFinding::RepresentativeProtected { household, person: person(1) };
    roster([protected(member(1, true)), member(2, false)], &[under_protection]);
    roster([protected(member(1, true)), member(2, true)], &[]);
}

#[test]
fn passes_that_overlap_and_validities_without_days_are_named() {
    let overlapping = vec![entitlement(1, "2026-01-01", "2026-03-31"), entitlement(2, "2026-03-31", "")];
    let (one, other) = (EntitlementId([1; 16]), EntitlementId([2; 16]));
    roster([with(1, overlapping)], &[RosterFinding::PassesOverlap { person: person(1), one, other }]);
    let never = RosterFinding::EntitlementNeverValid { person: person(1), entitlement: one };
    roster([with(1, vec![entitlement(1, "2026-03-31", "2026-03-30")])], &[never]);
    let valid = entitlement(1, "2026-03-31", "2026-03-30").period;
    let nowhere = Registered { valid, schedule: Some(week(None)), ..Registered::default() };
    let expected =
        [RosterFinding::NeverValid { person: person(1) }, RosterFinding::NeverOpen { person: person(1) }];
    roster([(person(1), nowhere.clone())], &expected);
    roster([(person(1), Registered { standing: Standing::Revoked, ..nowhere })], &[]);
}

#[test]
fn coupons_that_were_overdrawn_or_are_in_two_hands_are_named() {
    let book = |used_here, used_elsewhere| {
        let coupons = Some(Coupons { granted: 5, used_here, used_elsewhere });
        vec![Entitlement { coupons, ..entitlement(1, "", "") }]
    };
    let id = EntitlementId([1; 16]);
    roster([with(1, book(3, 2))], &[]);
    roster(
        [with(1, book(3, 4))],
        &[RosterFinding::Overdrawn { person: person(1), entitlement: id, times: 2 }],
    );
    let shared = RosterFinding::EntitlementShared { entitlement: id, one: person(1), other: person(2) };
    roster([with(1, book(0, 0)), with(2, book(0, 0))], &[shared]);
}

#[test]
fn findings_name_people_by_their_ids() {
    let text = RosterFinding::NeverOpen { person: person(0xab) }.to_string();
    assert!(text.starts_with(&format!("{} has hours", "ab".repeat(16))), "{text}");
}
