//! What the office of a facility asks of the vault: figures, the rules, what is held about a person, what is kept how long.
//!
//! As with [`crate::service`], of which this is a part, the same functions answer whether a kiosk is running or not. What an
//! answer changes for a running door is told as [`Changed`]; whoever has no door drops it.

pub(crate) mod facility;
pub(crate) mod figures;
pub(crate) mod people;
pub(crate) mod registry;
pub(crate) mod retention;

use gate::{Now, PersonId, Policy};
use serde::{Deserialize, Serialize};
use store::{Store, StoreError};
use thiserror::Error;

use self::{
    facility::{FacilityNow, FacilitySet},
    figures::Standing,
    people::{Erased, Listed, Shown},
    registry::TrustedNow,
    retention::Due,
};
use crate::{
    facility_file::{FacilityError, PolicyError},
    report::Visit,
};

/// A request of the office.
#[derive(Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Ask {
    /// What a report needs beside the visits.
    Standing,
    /// The visits of one day, without their people. A day at a time, so that the door is not kept waiting.
    Visits { day: String },
    /// Set the facility's rules: the text of its file.
    SetFacility { text: String },
    /// The rules that count.
    Facility,
    /// Who is enrolled.
    People,
    /// Look somebody up; it is recorded why.
    Person { person: String, why: String },
    /// Everything that is held about a person; it is recorded why.
    Export { person: String, why: String },
    /// Erase a person.
    Erase { person: String },
    /// What is kept how long, and what would go now.
    Retention,
    /// Believe this registry, and take in pages of its control feed, two letters for a byte.
    TrustRegistry { voucher: String, pages: Vec<String> },
}

/// What the office is told.
#[derive(Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "kebab-case")]
pub(crate) enum Told {
    Standing(Standing),
    Visits { visits: Vec<Visit> },
    FacilitySet(FacilitySet),
    Facility(FacilityNow),
    People { people: Vec<Listed> },
    Person(Box<Shown>),
    Export { held: serde_json::Value },
    Erased(Erased),
    Retention(Due),
    Trusted(TrustedNow),
}

/// Why the office is not told.
#[derive(Debug, Error)]
pub(crate) enum OfficeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Facility(#[from] FacilityError),
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error(transparent)]
    Identifier(#[from] gate::identifiers::NotAnIdentifier),
    #[error(transparent)]
    Voucher(#[from] credentials::FileRefused),
    #[error("a page of the control feed is not written as pairs of hexadecimal digits")]
    NoHex,
    #[error("these rules are not put to use\n{0}")]
    Rules(String),
    #[error("{0} is no day; write it like 2026-11-24")]
    NoDay(String),
}

/// What changes for a running door.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    /// The rules from now on.
    pub(crate) policy: Option<Policy>,
    /// Ids that are nobody's any more.
    pub(crate) erased: Vec<PersonId>,
    /// This kiosk asks to belong to a registry.
    pub(crate) joined: bool,
}

/// Answers one request. `policy` is what the door goes by now.
pub(crate) fn serve(
    store: &mut Store,
    policy: &Policy,
    now: Now,
    ask: Ask,
) -> Result<(Told, Changed), OfficeError> {
    let told = match ask {
        Ask::Standing => Told::Standing(figures::standing(store, policy, now)?),
        Ask::Visits { day } => {
            let day = gate::Date::parse(&day).ok_or(OfficeError::NoDay(day))?;
            Told::Visits { visits: figures::visits(store, day)? }
        }
        Ask::SetFacility { text } => {
            let (set, changed) = facility::set(store, policy, now, &text)?;
            return Ok((Told::FacilitySet(set), changed));
        }
        Ask::Facility => Told::Facility(facility::now(store, policy)?),
        Ask::People => Told::People { people: people::list(store)? },
        Ask::Person { person, why } => Told::Person(people::show(store, now, &person, &why)?.into()),
        Ask::Export { person, why } => Told::Export { held: people::export(store, now, &person, &why)? },
        Ask::Erase { person } => {
            let (erased, changed) = people::erase(store, now, &person)?;
            return Ok((Told::Erased(erased), changed));
        }
        Ask::Retention => Told::Retention(retention::due(store, now)?),
        Ask::TrustRegistry { voucher, pages } => {
            Told::Trusted(registry::trust(store, now, &voucher, &pages)?)
        }
    };
    Ok((told, Changed::default()))
}
