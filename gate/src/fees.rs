//! What somebody pays, from what was released about them and the day: the first class that fits, and whether what it rests
//! on is old.

use crate::{Attributes, Date, Facility, FeeClass, Who, calendar::Undated, facility::SchoolStage};

/// The first class of the facility that fits; none if no class fits what is known.
///
/// # Errors
/// It depends on the day, which is not known.
pub fn fee_class<'a>(
    facility: &'a Facility,
    attributes: &Attributes,
    day: Option<Date>,
) -> Result<Option<&'a FeeClass>, Undated> {
    for class in &facility.fees {
        if fits(facility, &class.who, attributes, day)? {
            return Ok(Some(class));
        }
    }
    Ok(None)
}

/// Whether the class rests on attributes that nobody confirmed for longer than the facility accepts, or ever. Of a day that
/// is not known nobody can say that they are fresh.
#[must_use]
pub fn stale(facility: &Facility, class: &FeeClass, attributes: &Attributes, day: Option<Date>) -> bool {
    let confirmed = attributes.confirmed.zip(day);
    let fresh = confirmed
        .is_some_and(|(then, day)| day.days() - then.days() <= i64::from(facility.attributes_fresh_days));
    class.who != Who::default() && !fresh
}

/// Whether all conditions hold. One that does not hold settles it, even if others depend on a day that is not known.
pub(crate) fn fits(
    facility: &Facility,
    who: &Who,
    known: &Attributes,
    day: Option<Date>,
) -> Result<bool, Undated> {
    let conditions = [
        who.resident.map(|asked| lives_in_city(known, day).map(|it| it == Some(asked))),
        who.from_age.map(|from| age(facility, known, day).map(|it| it.is_some_and(|age| age >= from.into()))),
        who.below_age
            .map(|below| age(facility, known, day).map(|it| it.is_some_and(|age| age < below.into()))),
        who.school.map(|asked| school(known, day).map(|it| it == Some(asked))),
    ];
    if conditions.contains(&Some(Ok(false))) {
        return Ok(false);
    }
    if conditions.contains(&Some(Err(Undated))) { Err(Undated) } else { Ok(true) }
}

fn lives_in_city(known: &Attributes, day: Option<Date>) -> Result<Option<bool>, Undated> {
    known.residency.map(|residency| residency.in_city(day)).transpose()
}

fn age(facility: &Facility, known: &Attributes, day: Option<Date>) -> Result<Option<u16>, Undated> {
    let Some(born) = known.born else { return Ok(None) };
    Ok(facility.age.age(born, day.ok_or(Undated)?))
}

fn school(known: &Attributes, day: Option<Date>) -> Result<Option<SchoolStage>, Undated> {
    let Some(born) = known.born else { return Ok(None) };
    Ok(SchoolStage::on(born, day.ok_or(Undated)?))
}

#[cfg(test)]
mod tests;
