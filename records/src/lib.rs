//! What records of people say: one codec for the registry, which states them, and the kiosk, which states and reads them.
//!
//! | kind | fields | personal part, under the person's key |
//! |---|---|---|
//! | `Person` | `person`, `version`, `key` | `name`, `model`, `templates`, `registered` |
//! | `Enrolled` | `person`, `model`, `references`, `reinstates`, `by` | `name`, `templates`, `registered` |
//! | `Household` of the registry | `household`, `version`, `names_agreed` | |
//! | `Household` of a device | `household`, `members`, `names_agreed`, `by` | |
//! | `Entitlement` | `entitlement`, `version`, `person`, `withdrawn` | `period`, `coupons` |
//! | `Registered` | `person`, `by` | all that is registered |
//! | `EntitlementGiven` | `person`, `entitlement`, `by` | `period`, `coupons` |
//! | `EntitlementWithdrawn` | `person`, `entitlement`, `by` | |
//! | `Revoked` | `person` | `reason` |
//!
//! Names, attributes, families and templates stand only in the personal part. Reading is strict: a personal part has exactly
//! the entries of its kind, each of its shape, or nothing of it is taken; fields of a body that a later version adds are
//! passed over. Nothing that `Debug` shows says who it is.
//!
//! `people` writes what a device says, `person`, `household` and `entitlement` write and read what both say, `registration` is
//! the part that all of them share, `words` are the words of enums.

mod entitlement;
mod error;
mod household;
mod people;
mod person;
mod read;
mod registration;
mod words;

pub use entitlement::{NewEntitlement, StatedEntitlement, open_entitlement, personal_of_entitlement};
pub use error::BodyError;
pub use household::{StatedHousehold, of_household};
pub use people::{of_change, of_enrolment, of_entitlement, of_revocation, personal_reason};
pub use person::{MAX_REFERENCES, Profile, StatedPerson, vector_bytes};
pub use registration::{NewRegistration, of_registration, of_schedule, registration, schedule};
pub use words::{Word, from_word};

use ledger::Value;

/// Names and values of one body.
pub type Fields = Vec<(&'static str, Value)>;

/// The fields as a body holds them.
#[must_use]
pub fn named(fields: Fields) -> Vec<(String, Value)> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn map(entries: Fields) -> Value {
    Value::Map(entries.into_iter().map(|(name, value)| (Value::text(name), value)).collect())
}

fn whole(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}
