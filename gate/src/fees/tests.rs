//! Fee classes at the edges of ages, school years and moves, compared with a count that goes through every day of a life.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    AgeRule, FeeClassId, Inside, Period, PersonId, Registered, Residency, Roster, Wall, Words, admit,
    seeded::Seeded,
};

/// Year, month, day.
type Ymd = (u16, u8, u8);

const DAY_MS: i64 = 86_400_000;

/// Every day from 1900 to 2035, one after the other.
fn all_days() -> Vec<Ymd> {
    let mut days = Vec::new();
    for year in 1900..=2035 {
        let february = if is_leap(year) { 29 } else { 28 };
        let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        for (month, length) in (1..).zip(lengths) {
            days.extend((1..=length).map(|day| (year, month, day)));
        }
    }
    days
}

fn is_leap(year: u16) -> bool {
    if year.is_multiple_of(100) { year.is_multiple_of(400) } else { year.is_multiple_of(4) }
}

/// Whether a birthday is kept on this day.
fn is_birthday(born: Ymd, day: Ymd) -> bool {
    if day <= born {
        return false;
    }
    let (_, month, date) = born;
    if (month, date) == (2, 29) && !is_leap(day.0) {
        (day.1, day.2) == (3, 1)
    } else {
        (day.1, day.2) == (month, date)
    }
}

/// What counting every day of a life gives.
#[derive(Debug, PartialEq)]
struct Counted {
    birthdays: u16,
    eves: u16,
    /// School years begun, the current one included; 0 before school.
    grade: u16,
}

/// None before the birth.
fn count(days: &[Ymd], born: Ymd, today: usize) -> Option<Counted> {
    let first = days.iter().position(|day| *day == born).unwrap();
    let mut counted = Counted { birthdays: 0, eves: 0, grade: 0 };
    if first > today {
        return None;
    }
    let mut six_since_yesterday = false;
    for place in first..=today {
        counted.birthdays += u16::from(is_birthday(born, days[place]));
        if six_since_yesterday && (days[place].1, days[place].2) == (4, 1) {
            counted.grade += 1;
        }
        counted.eves += u16::from(is_birthday(born, days[place + 1]));
        six_since_yesterday = counted.eves >= 6;
    }
    Some(counted)
}

/// Who lives where.
#[derive(Debug, Clone, Copy)]
enum Lives {
    Unknown,
    Elsewhere,
    City,
    MovedIn(usize),
    LastDay(usize),
}

fn classes() -> Vec<FeeClass> {
    let who = |resident, from_age, below_age, school| Who { resident, from_age, below_age, school };
    [
        ("infant", who(None, None, Some(3), None)),
        ("city-preschool", who(Some(true), None, None, Some(SchoolStage::Preschool))),
        ("city-elementary", who(Some(true), None, None, Some(SchoolStage::Elementary))),
        ("city-junior-high", who(Some(true), None, None, Some(SchoolStage::JuniorHigh))),
        ("city-high", who(Some(true), None, None, Some(SchoolStage::HighSchool))),
        ("city-senior", who(Some(true), Some(65), None, Some(SchoolStage::Beyond))),
        ("city", who(Some(true), None, None, None)),
        ("child", who(Some(false), None, Some(12), None)),
        ("youth", who(Some(false), Some(12), Some(18), None)),
        ("senior", who(None, Some(75), None, None)),
        ("adult", who(Some(false), None, None, None)),
    ]
    .into_iter()
    .map(|(id, who)| {
        let words = Words { japanese: id.into(), easy: id.into(), english: id.into() };
        FeeClass { id: FeeClassId(id.into()), yen: 0, words, who }
    })
    .collect()
}

/// The same classes as nested questions.
fn expected(age: AgeRule, counted: Option<&Counted>, lives: Lives, today: usize) -> Option<&'static str> {
    let years = counted.map(|it| if age == AgeRule::OnBirthday { it.birthdays } else { it.eves });
    if years.is_some_and(|years| years <= 2) {
        return Some("infant");
    }
    let in_city = match lives {
        Lives::Unknown => return years.and_then(|years| if years < 75 { None } else { Some("senior") }),
        Lives::City => true,
        Lives::Elsewhere => false,
        Lives::MovedIn(first) => first <= today,
        Lives::LastDay(last) => last >= today,
    };
    let Some(years) = years else { return Some(if in_city { "city" } else { "adult" }) };
    Some(match (in_city, counted.map_or(0, |it| it.grade)) {
        (true, 0) => "city-preschool",
        (true, 1..=6) => "city-elementary",
        (true, 7..=9) => "city-junior-high",
        (true, 10..=12) => "city-high",
        (true, _) if years >= 65 => "city-senior",
        (true, _) => "city",
        (false, _) if years < 12 => "child",
        (false, _) if years < 18 => "youth",
        (false, _) if years >= 75 => "senior",
        (false, _) => "adult",
    })
}

/// A day between 2024 and 2031; half of them at the end of February or of March.
fn a_day(seeded: &mut Seeded, days: &[Ymd]) -> usize {
    let year = 2024 + u16::try_from(seeded.below(8)).unwrap();
    let edge = seeded.one_of(&[(2, 28), (3, 1), (3, 31), (4, 1), (4, 2), (12, 31), (1, 1)]);
    let edge = days.iter().position(|day| *day == (year, edge.0, edge.1)).unwrap();
    let leap_day = seeded.below(8) == 0 && is_leap(year);
    if seeded.below(2) == 0 {
        edge + usize::from(leap_day)
    } else {
        edge + usize::try_from(seeded.below(365)).unwrap()
    }
}

/// Born where a class, a school stage or a leap year begins.
fn a_birth(seeded: &mut Seeded, days: &[Ymd], today: usize) -> Ymd {
    let bound = seeded.one_of(&[0, 1, 3, 5, 6, 7, 12, 13, 15, 16, 18, 19, 65, 75, 90]);
    let year = days[today].0 - bound;
    let near = |month_day: (u8, u8), shift: u64| {
        let place = days
            .iter()
            .position(|day| (day.0, day.1) >= (year, month_day.0) && day.2 >= month_day.1)
            .unwrap();
        days[(place + usize::try_from(shift).unwrap()).saturating_sub(2)]
    };
    match seeded.below(4) {
        0 | 1 => near((days[today].1, days[today].2), seeded.below(5)),
        2 => near((4, 1), seeded.below(5)),
        _ => {
            let leap =
                seeded.one_of(&[1936, 1948, 1952, 1960, 1964, 2000, 2004, 2008, 2012, 2016, 2020, 2024]);
            let born = (leap, 2, 29);
            if born > days[today] { (1960, 2, 29) } else { born }
        }
    }
}

fn a_home(seeded: &mut Seeded, today: usize) -> Lives {
    let near = today + usize::try_from(seeded.below(3)).unwrap() - 1;
    seeded.one_of(&[
        Lives::Unknown,
        Lives::Elsewhere,
        Lives::City,
        Lives::MovedIn(near),
        Lives::LastDay(near),
        Lives::LastDay(near),
    ])
}

/// A moment of the day in Japan: its first and last, both sides of midnight in Greenwich, or any.
fn a_moment(seeded: &mut Seeded, today: usize, days: &[Ymd]) -> Wall {
    let epoch = days.iter().position(|day| *day == (1970, 1, 1)).unwrap();
    let midnight = i64::try_from(today - epoch).unwrap() * DAY_MS - 9 * 3_600_000;
    let nine = 9 * 3_600_000;
    let any = i64::try_from(seeded.below(86_400_000)).unwrap();
    let unix_ms = midnight + seeded.one_of(&[0, 1, nine - 1, nine, DAY_MS - 1, any]);
    Wall { unix_ms, uncertainty_s: 0 }
}

/// The class of one person through the gate's own rules.
fn at_the_gate(age: AgeRule, born: Ymd, lives: Lives, wall: Wall, days: &[Ymd]) -> Option<String> {
    let date = |(year, month, day): Ymd| Date::new(year, month, day).unwrap();
    let residency = match lives {
        Lives::Unknown => None,
        Lives::Elsewhere => Some(Residency::NonResident),
        Lives::City => Some(Residency::Resident(Period::ALWAYS)),
        Lives::MovedIn(first) => {
            Some(Residency::Resident(Period { from: Some(date(days[first])), until: None }))
        }
        Lives::LastDay(last) => {
            Some(Residency::Resident(Period { from: None, until: Some(date(days[last])) }))
        }
    };
    let attributes = Attributes { born: Some(date(born)), residency, confirmed: None };
    let person = PersonId([1; 16]);
    let roster = Roster::new([(person, Registered { attributes, ..Registered::default() })]);
    let facility = Facility { age, fees: classes(), ..Facility::default() };
    let admission = admit(&facility, &roster, &Inside::default(), Some(wall), person).unwrap();
    admission.party[0].fee.as_ref().map(|id| id.0.to_string())
}

/// How many of 200 people of this seed are put into a wrong class, and which classes were seen.
fn wrong_of_200(
    seed: u64,
    days: &[Ymd],
    seen: &mut std::collections::BTreeSet<Option<&'static str>>,
) -> usize {
    let mut seeded = Seeded(seed);
    let wrong = |_: &u32| {
        let today = a_day(&mut seeded, days);
        let born = a_birth(&mut seeded, days, today);
        let lives = a_home(&mut seeded, today);
        let age = seeded.one_of(&[AgeRule::OnBirthday, AgeRule::OnTheEve]);
        let wall = a_moment(&mut seeded, today, days);
        let expected = expected(age, count(days, born, today).as_ref(), lives, today);
        seen.insert(expected);
        let found = at_the_gate(age, born, lives, wall, days);
        let wrong = found.as_deref() != expected;
        if wrong {
            eprintln!(
                "born {born:?}, {lives:?}, {age:?}, on {:?}: {found:?} and not {expected:?}",
                days[today]
            );
        }
        wrong
    };
    (0..200).filter(wrong).count()
}

#[test]
fn two_hundred_people_on_the_edges_are_all_in_the_right_class() {
    assert_eq!(wrong_of_200(0, &all_days(), &mut Default::default()), 0);
}

#[test]
fn twenty_thousand_people_on_the_edges_are_all_in_the_right_class() {
    let (days, mut seen) = (all_days(), Default::default());
    let wrong: usize = (1..=100).map(|seed| wrong_of_200(seed, &days, &mut seen)).sum();
    assert_eq!(wrong, 0);
    assert_eq!(seen.len(), 12, "all classes, and none: {seen:?}");
}

#[test]
fn an_age_begins_on_the_day_that_the_rule_says() {
    let date = |text| Date::parse(text).unwrap();
    for (born, day, on_birthday, on_the_eve) in [
        ("2020-11-25", "2026-11-23", 5, 5),
        ("2020-11-25", "2026-11-24", 5, 6),
        ("2020-11-25", "2026-11-25", 6, 6),
        ("2020-02-29", "2026-02-27", 5, 5),
        ("2020-02-29", "2026-02-28", 5, 6),
        ("2020-02-29", "2026-03-01", 6, 6),
        ("2020-02-29", "2028-02-28", 7, 8),
        ("2020-02-29", "2028-02-29", 8, 8),
        ("2020-03-01", "2027-02-28", 6, 7),
        ("2020-03-01", "2028-02-28", 7, 7),
        ("2020-03-01", "2028-02-29", 7, 8),
        ("2026-11-24", "2026-11-24", 0, 0),
        ("2020-01-01", "2025-12-31", 5, 6),
    ] {
        let ages = [AgeRule::OnBirthday, AgeRule::OnTheEve].map(|rule| rule.age(date(born), date(day)));
        assert_eq!(ages, [Some(on_birthday), Some(on_the_eve)], "born {born}, on {day}");
    }
    assert_eq!(AgeRule::OnTheEve.age(date("2026-11-25"), date("2026-11-24")), None, "not born yet");
}

#[test]
fn whoever_was_born_on_the_first_of_april_goes_to_school_with_those_born_before() {
    use SchoolStage::{Beyond, Elementary, HighSchool, JuniorHigh, Preschool};
    let date = |text| Date::parse(text).unwrap();
    for (born, day, stage) in [
        ("2020-03-31", "2026-03-31", Preschool),
        ("2020-03-31", "2026-04-01", Elementary),
        ("2020-04-01", "2026-03-31", Preschool),
        ("2020-04-01", "2026-04-01", Elementary),
        ("2020-04-02", "2026-04-02", Preschool),
        ("2020-04-02", "2027-04-01", Elementary),
        ("2020-04-02", "2033-03-31", Elementary),
        ("2020-04-02", "2033-04-01", JuniorHigh),
        ("2020-04-02", "2036-04-01", HighSchool),
        ("2020-04-02", "2039-03-31", HighSchool),
        ("2020-04-02", "2039-04-01", Beyond),
    ] {
        assert_eq!(SchoolStage::on(date(born), date(day)), Some(stage), "born {born}, on {day}");
    }
    assert_eq!(SchoolStage::on(date("2026-04-02"), date("2026-04-01")), None, "not born yet");
}
