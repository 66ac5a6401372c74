#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    Attributes, FeeClass, HouseholdId, Residency, Schedule, Who, Words,
    facility::{AgeRule, Greeting},
};

/// 2026-11-24 10:00 in Japan, a Tuesday.
const TUESDAY_TEN: i64 = 1_795_482_000_000;
const MINUTE: i64 = 60_000;

fn person(number: u8) -> PersonId {
    PersonId([number; 16])
}

fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

fn days(from: &str, until: &str) -> Period {
    Period { from: Date::parse(from), until: Date::parse(until) }
}

fn wall(unix_ms: i64) -> Option<Wall> {
    Some(Wall { unix_ms, uncertainty_s: 1 })
}

fn class(id: &str, who: Who) -> FeeClass {
    let words = Words { japanese: id.into(), easy: id.into(), english: id.into() };
    FeeClass { id: FeeClassId(id.into()), yen: 0, words, who }
}

fn pass(number: u8, period: Period) -> Entitlement {
    Entitlement { id: EntitlementId([number; 16]), period, coupons: None }
}

fn book(number: u8, period: Period, granted: u32, used_here: u32, used_elsewhere: u32) -> Entitlement {
    let coupons = Some(Coupons { granted, used_here, used_elsewhere });
    Entitlement { id: EntitlementId([number; 16]), period, coupons }
}

fn alone(registered: Registered) -> Roster {
    Roster::new([(person(1), registered)])
}

fn member(number: u8, representative: bool) -> (PersonId, Registered) {
    let household = Some(HouseholdId([9; 16]));
    (person(number), Registered { household, representative, ..Registered::default() })
}

fn ids(admission: &Admission) -> Vec<u8> {
    admission.party.iter().map(|entrant| entrant.person.0[0]).collect()
}

fn refused(facility: &Facility, roster: &Roster, at: Option<Wall>, expected: Refusal) {
    assert_eq!(admit(facility, roster, &Inside::default(), at, person(1)), Err(expected));
}

fn party(facility: &Facility, roster: &Roster, at: Option<Wall>, who: u8) -> Vec<u8> {
    ids(&admit(facility, roster, &Inside::default(), at, person(who)).unwrap())
}

fn weekdays(from: u16, until: u16) -> Schedule {
    Schedule { week: [Some((from, until)); 7], closed: Vec::new() }
}

fn facility() -> Facility {
    Facility { hours: weekdays(9 * 60, 17 * 60), ..Facility::default() }
}

fn entitled_only() -> Facility {
    Facility { admits: Admits::Entitled, ..Facility::default() }
}

#[test]
fn whoever_is_not_registered_or_was_revoked_stays_outside() {
    refused(&Facility::default(), &Roster::default(), wall(TUESDAY_TEN), Refusal::NotRegistered);
    let revoked = Registered { standing: Standing::Revoked, ..Registered::default() };
    refused(&Facility::default(), &alone(revoked), wall(TUESDAY_TEN), Refusal::NotRegistered);
}

#[test]
fn a_registration_counts_from_its_first_to_its_last_day() {
    for (from, until, expected) in [
        ("2026-11-25", "", Some(Refusal::NotYetValid(date("2026-11-25")))),
        ("2026-11-24", "2026-11-24", None),
        ("", "2026-11-23", Some(Refusal::Expired(date("2026-11-23")))),
        // No day at all: begins after it has ended.
        ("2026-11-26", "2026-11-20", Some(Refusal::NotYetValid(date("2026-11-26")))),
        ("2026-11-22", "2026-11-20", Some(Refusal::Expired(date("2026-11-20")))),
    ] {
        let roster = alone(Registered { valid: days(from, until), ..Registered::default() });
        let answer = admit(&Facility::default(), &roster, &Inside::default(), wall(TUESDAY_TEN), person(1));
        assert_eq!(answer.err(), expected, "{from} to {until}");
    }
}

#[test]
fn doors_open_on_the_minute_and_close_on_the_minute() {
    let nine = TUESDAY_TEN - 60 * MINUTE;
    let seventeen = TUESDAY_TEN + 7 * 60 * MINUTE;
    let sure = |unix_ms| Some(Wall { unix_ms, uncertainty_s: 0 });
    let roster = alone(Registered::default());
    refused(&facility(), &roster, sure(nine - 1), Refusal::Closed);
    assert_eq!(party(&facility(), &roster, sure(nine), 1), [1]);
    assert_eq!(party(&facility(), &roster, sure(seventeen - 1), 1), [1]);
    refused(&facility(), &roster, sure(seventeen), Refusal::Closed);
    let holiday = Schedule { closed: vec![date("2026-11-24")], ..weekdays(0, 1440) };
    refused(&Facility { hours: holiday, ..facility() }, &roster, sure(nine), Refusal::Closed);
}

#[test]
fn own_hours_lie_within_those_of_the_facility() {
    let afternoon = Registered { schedule: Some(weekdays(13 * 60, 24 * 60)), ..Registered::default() };
    let roster = alone(afternoon);
    refused(&facility(), &roster, wall(TUESDAY_TEN), Refusal::OutsideOwnHours);
    assert_eq!(party(&facility(), &roster, wall(TUESDAY_TEN + 181 * MINUTE), 1), [1]);
    refused(&facility(), &roster, wall(TUESDAY_TEN + 600 * MINUTE), Refusal::Closed);
}

#[test]
fn a_pass_goes_before_a_coupon_and_the_last_to_end_counts() {
    let always = Period::ALWAYS;
    let admitted = |entitlements: Vec<Entitlement>| {
        let roster = alone(Registered { entitlements, ..Registered::default() });
        let at = wall(TUESDAY_TEN);
        let answer = admit(&entitled_only(), &roster, &Inside::default(), at, person(1)).unwrap();
        (answer.party[0].uses.unwrap().0[0], answer.pass_until)
    };
    let (november, december) = (days("2026-11-01", "2026-11-30"), days("2026-11-20", "2026-12-31"));
    let both = vec![book(1, always, 5, 0, 0), pass(2, november), pass(3, december), pass(4, november)];
    assert_eq!(admitted(both), (3, Some(date("2026-12-31"))));
    assert_eq!(admitted(vec![pass(1, november), pass(2, always)]), (2, None), "a pass without end ends last");
    assert_eq!(admitted(vec![book(1, always, 5, 0, 0), book(2, december, 5, 0, 0)]), (2, None));
    assert_eq!(admitted(vec![book(1, december, 5, 5, 0), book(2, always, 5, 0, 0)]), (2, None));
    assert_eq!(
        admitted(vec![pass(1, days("", "2026-11-24"))]),
        (1, Some(date("2026-11-24"))),
        "on its last day"
    );
}

#[test]
fn without_a_pass_or_coupon_for_today_the_refusal_says_which_is_missing() {
    let (past, older) = (days("", "2026-11-23"), days("", "2026-10-01"));
    let (later, always) = (days("2026-11-25", ""), Period::ALWAYS);
    let not_valid = |ended: &str| Refusal::PassNotValid { ended: Date::parse(ended) };
    for (entitlements, expected) in [
        (vec![], Refusal::NoEntitlement),
        (vec![pass(1, older), pass(2, past)], not_valid("2026-11-23")),
        (vec![pass(1, past), pass(2, later)], not_valid("")),
        (vec![book(1, past, 5, 0, 0)], not_valid("2026-11-23")),
        (vec![book(1, always, 5, 2, 3), pass(2, past)], Refusal::CouponsUsed),
    ] {
        let roster = alone(Registered { entitlements, ..Registered::default() });
        refused(&entitled_only(), &roster, wall(TUESDAY_TEN), expected);
    }
}

#[test]
fn a_kiosk_spends_its_share_and_sends_on_for_the_rest() {
    let two = Facility { kiosks: 2, ..entitled_only() };
    let mut roster =
        alone(Registered { entitlements: vec![book(1, Period::ALWAYS, 5, 0, 0)], ..Registered::default() });
    for _ in 0..3 {
        assert_eq!(party(&two, &roster, wall(TUESDAY_TEN), 1), [1]);
        roster.use_coupon(person(1), EntitlementId([1; 16]));
    }
    refused(&two, &roster, wall(TUESDAY_TEN), Refusal::CouponsUsed);
}

#[test]
fn the_representative_brings_everybody_who_may_come_in() {
    let protected = Registered { protected: true, ..member(4, false).1 };
    let revoked = Registered { standing: Standing::Revoked, ..member(5, false).1 };
    let expired = Registered { valid: days("", "2026-11-23"), ..member(6, false).1 };
    let evening = Registered { schedule: Some(weekdays(18 * 60, 20 * 60)), ..member(7, false).1 };
    let others = [(person(4), protected), (person(5), revoked), (person(6), expired), (person(7), evening)];
    let family = [member(3, true), member(8, false), member(2, false)];
    let stranger = (person(1), Registered::default());
    let roster = Roster::new(family.into_iter().chain(others).chain([stranger]));
    let at = wall(TUESDAY_TEN);
    assert_eq!(party(&facility(), &roster, at, 3), [3, 2, 8]);
    assert_eq!(party(&facility(), &roster, at, 2), [2], "a child's face says nothing of the family behind");
    assert_eq!(party(&facility(), &roster, at, 4), [4], "a protected person comes in alone");
    let one_by_one = Facility { party: PartyRule::OnePerson, ..facility() };
    assert_eq!(party(&one_by_one, &roster, at, 3), [3]);
}

#[test]
fn a_protected_representative_shows_nothing_of_the_family_and_nobody_else_does_either() {
    let protected = Registered { protected: true, names_agreed: true, ..member(1, true).1 };
    let roster = Roster::new([(person(1), protected), member(2, false)]);
    let facility = Facility { names: true, ..Facility::default() };
    let admission = admit(&facility, &roster, &Inside::default(), wall(TUESDAY_TEN), person(1)).unwrap();
    assert_eq!(ids(&admission), [1]);
    assert_eq!(welcome(&facility, &roster, &admission), Welcome { party: 1, ..Welcome::default() });
    assert_eq!(party(&facility, &roster, wall(TUESDAY_TEN), 2), [2]);
}

#[test]
fn nobody_speaks_for_a_household_whose_representative_is_gone_or_is_two() {
    let revoked = Registered { standing: Standing::Revoked, ..member(1, true).1 };
    let gone = Roster::new([(person(1), revoked.clone()), member(2, false), member(3, false)]);
    let two = Roster::new([member(1, true), member(2, true), member(3, false)]);
    let succeeded = Roster::new([(person(1), revoked), member(2, true), member(3, false)]);
    for (roster, who, expected) in
        [(&gone, 2, vec![2]), (&two, 1, vec![1]), (&two, 2, vec![2]), (&succeeded, 2, vec![2, 3])]
    {
        assert_eq!(party(&Facility::default(), roster, wall(TUESDAY_TEN), who), expected);
    }
}

#[test]
fn a_member_without_a_pass_does_not_come_in_with_the_party() {
    let holder = |number, representative, entitlements| {
        let (person, registered) = member(number, representative);
        (person, Registered { entitlements, ..registered })
    };
    let roster = Roster::new([
        holder(1, true, vec![pass(1, days("2026-11-01", "2026-11-30"))]),
        holder(2, false, vec![pass(2, days("", "2026-11-23"))]),
        holder(3, false, vec![book(3, Period::ALWAYS, 1, 0, 0)]),
        holder(4, false, vec![]),
    ]);
    let answer = admit(&entitled_only(), &roster, &Inside::default(), wall(TUESDAY_TEN), person(1)).unwrap();
    let uses: Vec<_> = answer.party.iter().map(|entrant| entrant.uses.map(|it| it.0[0])).collect();
    assert_eq!((ids(&answer), uses), (vec![1, 3], vec![Some(1), Some(3)]));
    assert_eq!(answer.pass_until, Some(date("2026-11-30")));
}

#[test]
fn whoever_is_inside_is_refused_or_welcome_again_without_a_second_coupon() {
    let entitlements = vec![book(1, Period::ALWAYS, 1, 1, 0)];
    let roster = alone(Registered { entitlements, ..Registered::default() });
    let mut inside = Inside::default();
    inside.enter(person(1), wall(TUESDAY_TEN - MINUTE));
    let refuse = Facility { inside: InsideRule::Refuse, ..entitled_only() };
    let at = wall(TUESDAY_TEN);
    assert_eq!(admit(&refuse, &roster, &inside, at, person(1)), Err(Refusal::AlreadyInside));
    let again = admit(&entitled_only(), &roster, &inside, at, person(1)).unwrap();
    assert_eq!((again.party[0].again, again.party[0].uses), (true, None));
    let left = Registered { entitlements: vec![book(1, Period::ALWAYS, 9, 1, 0)], ..Registered::default() };
    let again = admit(&entitled_only(), &alone(left), &inside, at, person(1)).unwrap();
    assert_eq!(
        (again.party[0].again, again.party[0].uses),
        (true, None),
        "with coupons left none is used either"
    );
    inside.leave(person(1));
    assert_eq!(admit(&refuse, &roster, &inside, at, person(1)), Err(Refusal::CouponsUsed));
}

#[test]
fn a_member_who_is_inside_does_not_come_in_twice_with_the_party() {
    let roster = Roster::new([member(1, true), member(2, false)]);
    let mut inside = Inside::default();
    inside.enter(person(2), wall(TUESDAY_TEN - MINUTE));
    let refuse = Facility { inside: InsideRule::Refuse, ..facility() };
    let answer = admit(&refuse, &roster, &inside, wall(TUESDAY_TEN), person(1)).unwrap();
    assert_eq!(ids(&answer), [1]);
    let answer = admit(&facility(), &roster, &inside, wall(TUESDAY_TEN), person(1)).unwrap();
    let again: Vec<_> = answer.party.iter().map(|entrant| (entrant.person.0[0], entrant.again)).collect();
    assert_eq!(again, [(1, false), (2, true)]);
}

/// Everything that may or may not depend on the date, for one person.
fn dated(hours: Schedule, who: Who, registered: Registered) -> Result<Admission, Refusal> {
    let facility = Facility { hours, fees: vec![class("fee", who)], ..entitled_only() };
    admit(&facility, &alone(registered), &Inside::default(), None, person(1))
}

#[test]
fn without_a_clock_only_what_holds_on_every_day_is_answered() {
    let plain = Registered { entitlements: vec![pass(1, Period::ALWAYS)], ..Registered::default() };
    let resident =
        |period| Attributes { residency: Some(Residency::Resident(period)), ..Attributes::default() };
    let born = Attributes { born: Date::parse("2000-01-01"), ..Attributes::default() };
    let city = Who { resident: Some(true), ..Who::default() };
    let adult = Who { from_age: Some(18), ..Who::default() };
    let both = Who { from_age: Some(18), ..city };
    let elsewhere = Attributes { residency: Some(Residency::NonResident), ..born };
    let (always, doubt) = (Schedule::ALWAYS, Err(Refusal::ClockInDoubt));
    let paid = |registered: Registered, who| {
        dated(always.clone(), who, registered).map(|it| it.party[0].fee.is_some())
    };
    assert_eq!(paid(plain.clone(), Who::default()), Ok(true));
    assert_eq!(paid(plain.clone(), both), Ok(false), "what is not known depends on no date");
    assert_eq!(paid(Registered { attributes: resident(Period::ALWAYS), ..plain.clone() }, city), Ok(true));
    assert_eq!(paid(Registered { attributes: elsewhere, ..plain.clone() }, both), Ok(false));
    assert_eq!(paid(Registered { attributes: elsewhere, ..plain.clone() }, adult), doubt);
    let moving = resident(days("", "2026-12-31"));
    assert_eq!(paid(Registered { attributes: moving, ..plain.clone() }, city), doubt);
    assert_eq!(paid(Registered { valid: days("2020-01-01", ""), ..plain.clone() }, Who::default()), doubt);
    let own = Registered { schedule: Some(weekdays(0, 1439)), ..plain.clone() };
    assert_eq!(paid(own, Who::default()), doubt);
    let dated_pass = Registered { entitlements: vec![pass(1, days("2020-01-01", ""))], ..plain.clone() };
    assert_eq!(paid(dated_pass, Who::default()), doubt);
    assert_eq!(dated(weekdays(0, 1439), Who::default(), plain), Err(Refusal::ClockInDoubt));
}

#[test]
fn a_clock_that_may_be_wrong_is_asked_at_every_minute_that_it_allows() {
    let open_all_day = alone(Registered::default());
    let unsure = |unix_ms, uncertainty_s| Some(Wall { unix_ms, uncertainty_s });
    let nine = TUESDAY_TEN - 60 * MINUTE;
    refused(&facility(), &open_all_day, unsure(nine, 1), Refusal::ClockInDoubt);
    refused(&facility(), &open_all_day, unsure(nine - 120 * MINUTE, 60), Refusal::Closed);
    assert_eq!(party(&facility(), &open_all_day, unsure(TUESDAY_TEN, 3_000), 1), [1]);
    // Open at both ends, closed at noon in between.
    let morning_only = alone(Registered { schedule: Some(weekdays(0, 12 * 60)), ..Registered::default() });
    refused(
        &Facility::default(),
        &morning_only,
        unsure(TUESDAY_TEN + 6 * 60 * MINUTE, 32_000),
        Refusal::ClockInDoubt,
    );
    // Two days of doubt: no date at all, though both ends are open at ten.
    refused(&facility(), &open_all_day, unsure(TUESDAY_TEN, 86_400), Refusal::ClockInDoubt);
    assert_eq!(party(&Facility::default(), &open_all_day, unsure(TUESDAY_TEN, u32::MAX), 1), [1]);
    let for_years = alone(Registered { valid: days("2020-01-01", "2030-12-31"), ..Registered::default() });
    refused(&Facility::default(), &for_years, unsure(TUESDAY_TEN, 43_200), Refusal::ClockInDoubt);
    assert_eq!(party(&Facility::default(), &for_years, unsure(TUESDAY_TEN, 43_000), 1), [1]);
    let midnight = TUESDAY_TEN - 600 * MINUTE;
    let from_today = alone(Registered { valid: days("2026-11-24", ""), ..Registered::default() });
    refused(&Facility::default(), &from_today, unsure(midnight, 2), Refusal::ClockInDoubt);
    assert_eq!(party(&Facility::default(), &from_today, unsure(midnight + 2_000, 2), 1), [1]);
}

#[test]
fn a_doubt_about_a_member_is_a_doubt_about_the_party() {
    let (child, registered) = member(2, false);
    let attributes = Attributes { born: Date::parse("2020-11-24"), ..Attributes::default() };
    let roster = Roster::new([member(1, true), (child, Registered { attributes, ..registered })]);
    let midnight = Some(Wall { unix_ms: TUESDAY_TEN - 600 * MINUTE, uncertainty_s: 2 });
    assert_eq!(party(&Facility::default(), &roster, midnight, 1), [1, 2], "no fee asks for the age");
    let fees = vec![class("child", Who { below_age: Some(6), ..Who::default() })];
    let by_age = Facility { fees, ..Facility::default() };
    refused(&by_age, &roster, midnight, Refusal::ClockInDoubt);
    assert_eq!(party(&by_age, &roster, wall(TUESDAY_TEN), 1), [1, 2]);
    refused(&by_age, &roster, None, Refusal::ClockInDoubt);
}

#[test]
fn old_attributes_are_pointed_out_where_the_fee_rests_on_them() {
    let city = Who { resident: Some(true), ..Who::default() };
    let fees = vec![class("city", city), class("other", Who::default())];
    let facility = Facility { fees, attributes_fresh_days: 10, ..Facility::default() };
    let stale = |residency, confirmed: &str, at| {
        let attributes = Attributes { residency, confirmed: Date::parse(confirmed), born: None };
        let roster = alone(Registered { attributes, ..Registered::default() });
        admit(&facility, &roster, &Inside::default(), at, person(1)).unwrap().party[0].stale
    };
    let resident = Some(Residency::Resident(Period::ALWAYS));
    assert!(!stale(resident, "2026-11-14", wall(TUESDAY_TEN)), "ten days ago is not more than ten days ago");
    assert!(stale(resident, "2026-11-13", wall(TUESDAY_TEN)));
    assert!(stale(resident, "", wall(TUESDAY_TEN)), "never confirmed");
    assert!(!stale(None, "", wall(TUESDAY_TEN)), "the class for everybody rests on nothing");
    assert!(stale(resident, "2026-11-14", None), "without a clock nobody can say that they are fresh");
    let midnight = Some(Wall { unix_ms: TUESDAY_TEN - 600 * MINUTE, uncertainty_s: 2 });
    assert!(stale(resident, "2026-11-13", midnight), "a doubt about the note is no reason to refuse");
}

#[test]
fn the_fees_of_a_party_are_told_in_the_order_of_the_facility() {
    let city = Who { resident: Some(true), ..Who::default() };
    let fees = vec![class("city", city), class("child", Who { below_age: Some(6), ..Who::default() })];
    let facility = Facility { fees, names: true, greeting: Greeting::Board, ..Facility::default() };
    let who = |number, representative, born: &str, resident| {
        let (person, registered) = member(number, representative);
        let residency =
            Some(if resident { Residency::Resident(Period::ALWAYS) } else { Residency::NonResident });
        let attributes = Attributes { born: Date::parse(born), residency, confirmed: None };
        (person, Registered { attributes, names_agreed: true, ..registered })
    };
    let roster = Roster::new([
        who(1, true, "2024-01-01", false),
        who(2, false, "1990-01-01", true),
        who(3, false, "2024-01-01", true),
        who(4, false, "1990-01-01", false),
    ]);
    let mut inside = Inside::default();
    let first = admit(&facility, &roster, &inside, wall(TUESDAY_TEN), person(1)).unwrap();
    let told = welcome(&facility, &roster, &first);
    let lines: Vec<_> = told.fees.iter().map(|line| (&*line.words.english, line.people)).collect();
    assert_eq!(lines, [("city", 2), ("child", 1)]);
    assert_eq!((told.party, told.greet, told.greeting), (4, Some(person(1)), Greeting::Board));
    let mut quiet = facility.clone();
    quiet.names = false;
    assert_eq!(welcome(&quiet, &roster, &first).greet, None);
    inside.enter_party(&first, wall(TUESDAY_TEN));
    let second = admit(&facility, &roster, &inside, wall(TUESDAY_TEN), person(1)).unwrap();
    assert_eq!(fee_lines(&facility, &second), [], "whoever is inside already pays nothing more");
}

#[test]
fn a_name_is_shown_only_if_the_household_agreed() {
    let facility = Facility { names: true, ..Facility::default() };
    let roster = alone(Registered::default());
    let admission = admit(&facility, &roster, &Inside::default(), wall(TUESDAY_TEN), person(1)).unwrap();
    assert_eq!(welcome(&facility, &roster, &admission).greet, None);
}

#[test]
fn the_day_is_that_of_the_facility_and_not_of_greenwich() {
    let roster = alone(Registered { valid: days("2026-11-24", "2026-11-24"), ..Registered::default() });
    let (midnight, next) = (TUESDAY_TEN - 600 * MINUTE, TUESDAY_TEN + 840 * MINUTE);
    let sure = |unix_ms| Some(Wall { unix_ms, uncertainty_s: 0 });
    refused(&Facility::default(), &roster, sure(midnight - 1), Refusal::NotYetValid(date("2026-11-24")));
    assert_eq!(party(&Facility::default(), &roster, sure(midnight), 1), [1]);
    assert_eq!(party(&Facility::default(), &roster, sure(next - 1), 1), [1]);
    refused(&Facility::default(), &roster, sure(next), Refusal::Expired(date("2026-11-24")));
}

#[test]
fn the_age_rule_of_the_facility_decides_on_the_eve() {
    let attributes = Attributes { born: Date::parse("2020-11-25"), ..Attributes::default() };
    let roster = alone(Registered { attributes, ..Registered::default() });
    for (age, expected) in [(AgeRule::OnBirthday, true), (AgeRule::OnTheEve, false)] {
        let fees = vec![class("child", Who { below_age: Some(6), ..Who::default() })];
        let facility = Facility { age, fees, ..Facility::default() };
        let answer = admit(&facility, &roster, &Inside::default(), wall(TUESDAY_TEN), person(1)).unwrap();
        assert_eq!(answer.party[0].fee.is_some(), expected, "{age:?}");
    }
}
