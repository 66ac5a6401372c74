//! What records say of people. Names, attributes, families and templates stand only in the personal part, which the key of
//! one person closes.

use gate::{
    Attributes, Date, EntitlementId, HouseholdId, ModelId, Period, PersonId, Residency, Schedule, Template,
};
use ledger::Value;

use super::{Fields, id, staff, whole};
use crate::{By, NewRegistration, words::Word};

/// Fields of `Enrolled`.
pub(crate) fn of_enrolment(
    person: PersonId,
    model: Option<&ModelId>,
    references: usize,
    reinstates: Option<PersonId>,
    by: By,
) -> Fields {
    vec![
        ("person", id(person)),
        ("model", model.map_or(Value::Null, |model| Value::text(model.as_str()))),
        ("references", whole(references as u64)),
        ("reinstates", reinstates.map_or(Value::Null, id)),
        ("by", staff(by)),
    ]
}

/// The personal part of an enrolment: the name, each template as 32-bit floats in little-endian order, and what is
/// registered.
pub(crate) fn personal_of_enrolment(
    name: &str,
    templates: &[Template],
    registered: &NewRegistration,
) -> Value {
    let vectors = templates.iter().map(|template| Value::Bytes(vector_bytes(template))).collect();
    map(vec![
        ("name", Value::text(name)),
        ("templates", Value::Array(vectors)),
        ("registered", of_registration(registered)),
    ])
}

/// Fields of a record that says only whom it is about, and who made it.
pub(crate) fn of_change(person: PersonId, by: By) -> Fields {
    vec![("person", id(person)), ("by", staff(by))]
}

/// Fields of `Revoked`.
pub(crate) fn of_revocation(person: PersonId) -> Fields {
    vec![("person", id(person))]
}

/// A personal part that is one text. What the staff wrote may well contain a name.
pub(crate) fn personal_reason(reason: &str) -> Value {
    map(vec![("reason", Value::text(reason))])
}

/// Fields of `Household`.
pub(crate) fn of_household(
    household: HouseholdId,
    members: Option<usize>,
    names_agreed: bool,
    by: By,
) -> Fields {
    vec![
        ("household", Value::bytes(household.0)),
        ("members", members.map_or(Value::Null, |members| whole(members as u64))),
        ("names_agreed", Value::Bool(names_agreed)),
        ("by", staff(by)),
    ]
}

/// Fields of `EntitlementGiven` and `EntitlementWithdrawn`.
pub(crate) fn of_entitlement(person: PersonId, entitlement: EntitlementId, by: By) -> Fields {
    vec![("person", id(person)), ("entitlement", Value::bytes(entitlement.0)), ("by", staff(by))]
}

/// The personal part of `EntitlementGiven`.
pub(crate) fn personal_of_entitlement(period: Period, coupons: Option<u32>) -> Value {
    let coupons = coupons.map_or(Value::Null, |coupons| whole(coupons.into()));
    map(vec![("period", of_period(period)), ("coupons", coupons)])
}

/// Everything registered about a person.
pub(crate) fn of_registration(registered: &NewRegistration) -> Value {
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

/// Hours: for each weekday from Monday first and last minute, or null; and the closed days.
pub(crate) fn of_schedule(schedule: &Schedule) -> Value {
    let hours = |hours: &Option<(u16, u16)>| match hours {
        Some((from, until)) => Value::Array(vec![whole((*from).into()), whole((*until).into())]),
        None => Value::Null,
    };
    map(vec![
        ("week", Value::Array(schedule.week.iter().map(hours).collect())),
        ("closed", Value::Array(schedule.closed.iter().map(|day| of_date(Some(*day))).collect())),
    ])
}

/// Reads what [`of_schedule`] wrote.
pub(crate) fn schedule(value: &Value) -> Option<Schedule> {
    let mut week = [None; 7];
    let days = value.get("week")?.as_array().filter(|days| days.len() == week.len())?;
    for (day, value) in week.iter_mut().zip(days) {
        *day = match value {
            Value::Array(minutes) => Some((minute(minutes.first()?)?, minute(minutes.get(1)?)?)),
            Value::Null => None,
            Value::Bool(_) | Value::Int(_) | Value::Bytes(_) | Value::Text(_) | Value::Map(_) => return None,
        };
    }
    let closed = value.get("closed")?.as_array()?.iter();
    Some(Schedule { week, closed: closed.map(|day| Date::parse(day.as_text()?)).collect::<Option<_>>()? })
}

fn minute(value: &Value) -> Option<u16> {
    value.as_int()?.try_into().ok()
}

fn of_period(period: Period) -> Value {
    Value::Array(vec![of_date(period.from), of_date(period.until)])
}

fn of_date(date: Option<Date>) -> Value {
    date.map_or(Value::Null, |date| Value::text(date.to_string()))
}

/// A template as it is stored: 32-bit floats in little-endian order.
pub(crate) fn vector_bytes(template: &Template) -> Vec<u8> {
    template.vector().iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn map(entries: Vec<(&'static str, Value)>) -> Value {
    Value::Map(entries.into_iter().map(|(name, value)| (Value::text(name), value)).collect())
}
