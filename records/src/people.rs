//! What a device says of people besides their profile. `by` is the member of the staff who did it, null for the command line.

use gate::{EntitlementId, ModelId, PersonId, StaffId};
use ledger::Value;

use crate::{Fields, map, whole};

/// Fields of `Enrolled`.
#[must_use]
pub fn of_enrolment(
    person: PersonId,
    model: Option<&ModelId>,
    references: usize,
    reinstates: Option<PersonId>,
    by: Option<StaffId>,
) -> Fields {
    vec![
        ("person", id(person)),
        ("model", model.map_or(Value::Null, |model| Value::text(model.as_str()))),
        ("references", whole(references as u64)),
        ("reinstates", reinstates.map_or(Value::Null, id)),
        ("by", staff(by)),
    ]
}

/// Fields of a record that says only whom it is about, and who made it.
#[must_use]
pub fn of_change(person: PersonId, by: Option<StaffId>) -> Fields {
    vec![("person", id(person)), ("by", staff(by))]
}

/// Fields of `Revoked`.
#[must_use]
pub fn of_revocation(person: PersonId) -> Fields {
    vec![("person", id(person))]
}

/// A personal part that is one text. What the staff wrote may well contain a name.
#[must_use]
pub fn personal_reason(reason: &str) -> Value {
    map(vec![("reason", Value::text(reason))])
}

/// Fields of `EntitlementGiven` and `EntitlementWithdrawn`.
#[must_use]
pub fn of_entitlement(person: PersonId, entitlement: EntitlementId, by: Option<StaffId>) -> Fields {
    vec![("person", id(person)), ("entitlement", Value::bytes(entitlement.0)), ("by", staff(by))]
}

fn id(person: PersonId) -> Value {
    Value::bytes(person.0)
}

pub(crate) fn staff(by: Option<StaffId>) -> Value {
    by.map_or(Value::Null, |staff| Value::bytes(staff.0))
}
