//! Whether every fee class is somebody's and everybody of whom all is known has one, by trying people of all ages on the
//! days around which ages and school years turn.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Attributes, Date, Facility, FeeClassId, Period, Residency, SchoolStage,
    fees::{fee_class, fits},
};

use super::PolicyFinding;

/// Nobody is older.
const OLDEST: u16 = 125;

/// Any year; its days are those of the examples.
const YEAR: u16 = 2030;

/// The first day of school years, and a day far from it. As days of birth and as days of a visit they give every age with
/// every stage of school that can go with it (a test compares with all days of a year).
const DAYS: [(u8, u8); 2] = [(4, 1), (10, 1)];

/// Somebody who may come on some day.
struct Example {
    known: Attributes,
    day: Date,
    /// Age and stage of school, if the date of birth is known.
    age: Option<(u16, SchoolStage)>,
    resident: Option<bool>,
}

pub(super) fn check(facility: &Facility) -> Vec<PolicyFinding> {
    let mut findings = names(facility);
    let backwards: BTreeSet<&FeeClassId> = backwards(facility).collect();
    findings.extend(backwards.iter().map(|class| PolicyFinding::AgesBackwards { class: (*class).clone() }));
    let examples = examples(facility);
    let unreached = unreached(facility, &examples).filter(|(class, _)| !backwards.contains(class));
    findings.extend(unreached.map(|(class, earlier)| PolicyFinding::FeeClassNeverReached {
        class: class.clone(),
        earlier: earlier.cloned(),
    }));
    findings.extend(
        [true, false].into_iter().filter_map(|resident| without_class(facility, &examples, resident)),
    );
    findings
}

fn names(facility: &Facility) -> Vec<PolicyFinding> {
    let (mut seen, mut twice) = (BTreeSet::new(), BTreeSet::new());
    for class in &facility.fees {
        if !seen.insert(&class.id) {
            twice.insert(&class.id);
        }
    }
    twice.into_iter().map(|class| PolicyFinding::FeeClassTwice { class: class.clone() }).collect()
}

/// Classes whose ages end before they begin.
fn backwards(facility: &Facility) -> impl Iterator<Item = &FeeClassId> {
    let ends = |class: &&crate::FeeClass| {
        let who = class.who;
        who.below_age.is_some_and(|below| below <= who.from_age.unwrap_or(0))
    };
    facility.fees.iter().filter(ends).map(|class| &class.id)
}

/// People of all ages, residents, others, and people of whom one or the other is not known.
fn examples(facility: &Facility) -> Vec<Example> {
    let mut births = vec![None];
    for years in (0..=OLDEST).rev() {
        births.extend(DAYS.map(|(month, day)| Date::new(YEAR - years, month, day)));
    }
    births.reverse();
    let homes = [None, Some(true), Some(false)];
    let mut examples = Vec::new();
    for day in DAYS.map(|(month, day)| Date::new(YEAR, month, day).expect("these days are in every year")) {
        for &born in &births {
            let age = born.and_then(|born| Some((facility.age.age(born, day)?, SchoolStage::on(born, day)?)));
            examples.extend(homes.map(|resident| Example {
                known: Attributes { born, residency: resident.map(home), confirmed: None },
                day,
                age,
                resident,
            }));
        }
    }
    examples
}

fn home(resident: bool) -> Residency {
    if resident { Residency::Resident(Period::ALWAYS) } else { Residency::NonResident }
}

/// Classes that no example comes to, each with an earlier class that takes an example that would fit.
fn unreached<'a>(
    facility: &'a Facility,
    examples: &[Example],
) -> impl Iterator<Item = (&'a FeeClassId, Option<&'a FeeClassId>)> {
    let mut reached = BTreeSet::new();
    let mut taken = BTreeMap::new();
    for example in examples {
        let fitting = |class: &&crate::FeeClass| {
            fits(facility, &class.who, &example.known, Some(example.day)) == Ok(true)
        };
        let mut fitting = facility.fees.iter().filter(fitting).map(|class| &class.id);
        let first = fitting.next();
        reached.extend(first);
        taken.extend(fitting.map(|later| (later, first)));
    }
    let missing = facility.fees.iter().map(|class| &class.id).filter(move |id| !reached.contains(id));
    missing.map(move |id| (id, taken.get(id).copied().flatten()))
}

/// The youngest example of whom all is known and whom no class fits.
fn without_class(facility: &Facility, examples: &[Example], resident: bool) -> Option<PolicyFinding> {
    if facility.fees.is_empty() {
        return None;
    }
    let complete = examples.iter().filter(|example| example.resident == Some(resident));
    let without = complete.filter(|it| fee_class(facility, &it.known, Some(it.day)) == Ok(None));
    let (age, stage) = without.filter_map(|example| example.age).min()?;
    Some(PolicyFinding::NoFeeClass { age, resident, stage })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::AgeRule;

    #[test]
    fn the_examples_have_every_age_with_every_stage_of_school_that_goes_with_it() {
        for age in [AgeRule::OnBirthday, AgeRule::OnTheEve] {
            let facility = Facility { age, ..Facility::default() };
            let tried: BTreeSet<_> = examples(&facility).iter().filter_map(|example| example.age).collect();
            let (first, last) = (Date::new(YEAR, 1, 1).unwrap(), Date::new(YEAR, 12, 31).unwrap());
            let all = (first.days()..=last.days()).flat_map(|day| {
                let day = Date::from_days(day).unwrap();
                let births = (day.days() - 24 * 366)..=day.days();
                births.step_by(5).filter_map(move |born| {
                    let born = Date::from_days(born).unwrap();
                    Some((age.age(born, day)?, SchoolStage::on(born, day)?))
                })
            });
            let missing: Vec<_> = all.filter(|it| !tried.contains(it)).take(3).collect();
            assert_eq!(missing, [], "{age:?}");
            assert!(tried.contains(&(OLDEST, SchoolStage::Beyond)));
        }
    }
}
