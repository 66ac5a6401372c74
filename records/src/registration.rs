//! What is registered about a person: the value, and its place in records.

use std::fmt;

use gate::{Assurance, Attributes, Date, HouseholdId, Period, Residency, Schedule};
use ledger::Value;

use crate::{
    Word, from_word, map,
    read::{date, exact, of_date, of_period, optional, period, truth},
    whole,
};

/// What is registered about a person. The default is "nothing known".
#[derive(Clone, PartialEq, Eq)]
pub struct NewRegistration {
    /// The household, if there is one.
    pub household: Option<HouseholdId>,
    /// Whether the person speaks for the household; at most one does.
    pub representative: bool,
    /// Under protection: never shown, spoken, counted or found through the family.
    pub protected: bool,
    /// What was released to this facility.
    pub attributes: Attributes,
    /// The days on which the registration counts.
    pub valid: Period,
    /// The hours in which it counts; the facility's if none.
    pub schedule: Option<Schedule>,
    /// How surely the person is known.
    pub assurance: Assurance,
}

impl Default for NewRegistration {
    fn default() -> Self {
        Self {
            household: None,
            representative: false,
            protected: false,
            attributes: Attributes::default(),
            valid: Period::ALWAYS,
            schedule: None,
            assurance: Assurance::default(),
        }
    }
}

impl fmt::Debug for NewRegistration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "NewRegistration({:?})", self.assurance)
    }
}

/// Everything registered about a person.
#[must_use]
pub fn of_registration(registered: &NewRegistration) -> Value {
    let NewRegistration { household, representative, protected, attributes, valid, schedule, assurance } =
        registered;
    map(vec![
        ("household", household.map_or(Value::Null, |it| Value::bytes(it.0))),
        ("representative", Value::Bool(*representative)),
        ("protected", Value::Bool(*protected)),
        ("attributes", of_attributes(attributes)),
        ("valid", of_period(*valid)),
        ("schedule", schedule.as_ref().map_or(Value::Null, of_schedule)),
        ("assurance", Value::text(assurance.word())),
    ])
}

/// Reads what [`of_registration`] wrote, and nothing else.
#[must_use]
pub fn registration(value: &Value) -> Option<NewRegistration> {
    let names = ["household", "representative", "protected", "attributes", "valid", "schedule", "assurance"];
    let [household, representative, protected, attributes, valid, hours, assurance] = exact(value, names)?;
    Some(NewRegistration {
        household: optional(household, |id| Some(HouseholdId(id.as_array_of()?)))?,
        representative: truth(representative)?,
        protected: truth(protected)?,
        attributes: read_attributes(attributes)?,
        valid: period(valid)?,
        schedule: optional(hours, schedule)?,
        assurance: from_word(assurance.as_text()?)?,
    })
}

fn of_attributes(attributes: &Attributes) -> Value {
    let residency = match attributes.residency {
        Some(Residency::Resident(period)) => map(vec![("resident", of_period(period))]),
        Some(Residency::NonResident) => Value::text("non-resident"),
        None => Value::Null,
    };
    map(vec![
        ("born", of_date(attributes.born)),
        ("residency", residency),
        ("confirmed", of_date(attributes.confirmed)),
    ])
}

fn read_attributes(value: &Value) -> Option<Attributes> {
    let [born, residency, confirmed] = exact(value, ["born", "residency", "confirmed"])?;
    Some(Attributes {
        born: optional(born, date)?,
        residency: optional(residency, read_residency)?,
        confirmed: optional(confirmed, date)?,
    })
}

fn read_residency(value: &Value) -> Option<Residency> {
    match value {
        Value::Text(word) if word == "non-resident" => Some(Residency::NonResident),
        Value::Map(_) => {
            let [resident] = exact(value, ["resident"])?;
            Some(Residency::Resident(period(resident)?))
        }
        Value::Text(_) | Value::Null | Value::Bool(_) | Value::Int(_) | Value::Bytes(_) | Value::Array(_) => {
            None
        }
    }
}

/// Hours: for each weekday from Monday first and last minute, or null; and the closed days.
#[must_use]
pub fn of_schedule(schedule: &Schedule) -> Value {
    let hours = |hours: &Option<(u16, u16)>| match hours {
        Some((from, until)) => Value::Array(vec![whole((*from).into()), whole((*until).into())]),
        None => Value::Null,
    };
    map(vec![
        ("week", Value::Array(schedule.week.iter().map(hours).collect())),
        ("closed", Value::Array(schedule.closed.iter().map(|day| of_date(Some(*day))).collect())),
    ])
}

/// Reads what [`of_schedule`] wrote, and nothing else.
#[must_use]
pub fn schedule(value: &Value) -> Option<Schedule> {
    let [days, closed] = exact(value, ["week", "closed"])?;
    let mut week = [None; 7];
    let days = days.as_array().filter(|days| days.len() == week.len())?;
    for (day, value) in week.iter_mut().zip(days) {
        *day = optional(value, hours)?;
    }
    let day = |day: &Value| Date::parse(day.as_text()?);
    Some(Schedule { week, closed: closed.as_array()?.iter().map(day).collect::<Option<_>>()? })
}

fn hours(value: &Value) -> Option<(u16, u16)> {
    let [from, until] = value.as_array()? else { return None };
    Some((from.as_int()?.try_into().ok()?, until.as_int()?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn day(text: &str) -> Option<Date> {
        Some(Date::parse(text).unwrap())
    }

    fn full() -> NewRegistration {
        NewRegistration {
            household: Some(HouseholdId([3; 16])),
            representative: true,
            protected: true,
            attributes: Attributes {
                born: day("1980-02-29"),
                residency: Some(Residency::Resident(Period { from: day("2020-04-01"), until: None })),
                confirmed: day("2026-10-01"),
            },
            valid: Period { from: None, until: day("2027-03-31") },
            schedule: Some(Schedule {
                week: [Some((540, 1020)), None, None, None, None, Some((0, 1440)), None],
                closed: vec![Date::parse("2026-12-31").unwrap()],
            }),
            assurance: Assurance::JpkiVerified,
        }
    }

    #[test]
    fn what_is_registered_reads_back() {
        let away = Attributes { residency: Some(Residency::NonResident), ..Attributes::default() };
        let away = NewRegistration { attributes: away, ..NewRegistration::default() };
        for one in [NewRegistration::default(), full(), away] {
            let read = Value::decode(&of_registration(&one).encode().unwrap()).unwrap();
            assert!(registration(&read) == Some(one));
        }
    }

    #[test]
    fn an_entry_too_many_too_few_or_of_another_shape_is_no_registration() {
        let Value::Map(entries) = of_registration(&full()) else { panic!("a map") };
        for place in 0..entries.len() {
            let mut fewer = entries.clone();
            fewer.remove(place);
            assert!(registration(&Value::Map(fewer)).is_none(), "without entry {place}");
            let mut other = entries.clone();
            other[place].1 = Value::Int(1);
            assert!(registration(&Value::Map(other)).is_none(), "entry {place} is a number");
        }
        let mut more = entries.clone();
        more.push((Value::text("colour"), Value::Null));
        assert!(registration(&Value::Map(more)).is_none());
    }

    #[test]
    fn a_period_without_days_is_none() {
        let never = Period { from: day("2026-02-01"), until: day("2026-01-01") };
        let of = NewRegistration { valid: never, ..NewRegistration::default() };
        assert!(registration(&of_registration(&of)).is_none());
    }

    #[test]
    fn debug_says_nothing_of_the_person() {
        assert_eq!(format!("{:?}", full()), "NewRegistration(JpkiVerified)");
    }
}
