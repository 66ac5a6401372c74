//! The facility's file: everything that a facility decides about its visits, as TOML.
//!
//! The shipped files in `assets/facilities` are the manual. Every key may be left out and then has the value of
//! [`Policy::default`]; no other key may stand there. What the board decides is not in it: whether there is a door, and what
//! the camera can tell. The text is kept in the vault, so that a kiosk needs no file beside its data, and a change of it is
//! a record.

mod card_photo;
mod checked;
mod factors;
mod findings;
mod sections;

use std::{io, path::Path};

use gate::{DoorId, Facility, Policy, SensorTier};
use store::{Retention, Store, StoreError};
use thiserror::Error;

use card_photo::CardPhotoRule;
pub(crate) use findings::{Finding, fatal, findings};

/// Protects memory and the vault; the longest shipped file has a tenth of it.
const LONGEST_FILE: usize = 64 << 10;

/// What a facility decides, as plain values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FacilityFile {
    /// The rules, as if at a door with the default camera: see [`Self::policy_at`].
    policy: Policy,
    /// When a living face is that of the photograph on a card.
    pub(crate) card_photo: CardPhotoRule,
    /// For how many days anything is kept.
    pub(crate) retention: Retention,
}

impl Default for FacilityFile {
    /// What a kiosk does before it is told anything.
    fn default() -> Self {
        parse("(no file)", "").expect("an empty file leaves every key out")
    }
}

impl FacilityFile {
    /// Whom it admits, and what they pay.
    pub(crate) fn facility(&self) -> &Facility {
        &self.policy.facility
    }

    /// The rules in the place of others: the mode and what the board says stay.
    pub(crate) fn policy_where(&self, there: &Policy) -> Policy {
        Policy {
            mode: there.mode,
            door: there.door,
            sensor: there.sensor,
            direction: there.direction,
            ..self.policy.clone()
        }
    }

    /// The rules at a board: what it releases, and what its camera can tell.
    pub(crate) fn policy_at(&self, door: Option<DoorId>, sensor: SensorTier) -> Policy {
        Policy { door, sensor, ..self.policy.clone() }
    }
}

/// The facility's file is not right.
#[derive(Debug, Error)]
pub(crate) enum FacilityError {
    #[error("cannot read facility file {file}: give the path of a facility, as in assets/facilities/")]
    Read { file: String, source: io::Error },
    #[error("facility file {file} is too long: it has {found} bytes, and at most {LONGEST_FILE} are read")]
    TooLong { file: String, found: usize },
    /// No TOML, or a key is unknown, missing or of another kind; the parser quotes the line.
    #[error("facility file {file}: {reason}")]
    Keys { file: String, reason: String },
    #[error("facility file {file}: {key} = {value} is not allowed; {allowed}")]
    Value { file: String, key: String, value: String, allowed: &'static str },
}

/// The rules that count cannot be told.
#[derive(Debug, Error)]
pub(crate) enum PolicyError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the rules in the vault are not understood; set them again with `kiosk facility set FILE`")]
    Rules(#[from] FacilityError),
}

/// Reads a file and gives its text back with its meaning.
pub(crate) fn read(path: &Path) -> Result<(String, FacilityFile), FacilityError> {
    let file = path.display().to_string();
    let text =
        std::fs::read_to_string(path).map_err(|source| FacilityError::Read { file: file.clone(), source })?;
    let facility = parse(&file, &text)?;
    Ok((text, facility))
}

/// The rules that count for the data directory: those of its vault, or the usual ones if none were ever set.
///
/// # Errors
/// The vault cannot be read; or its rules are not understood, for instance because a newer program set them. Then nobody
/// may be let in: the usual rules admit more people than a facility may want.
pub(crate) fn of_vault(store: &Store) -> Result<FacilityFile, PolicyError> {
    Ok(parse("(in the vault)", store.facility()?.as_deref().unwrap_or_default())?)
}

/// The meaning of a text. `file` is what errors call it.
pub(crate) fn parse(file: &str, text: &str) -> Result<FacilityFile, FacilityError> {
    if text.len() > LONGEST_FILE {
        return Err(FacilityError::TooLong { file: file.into(), found: text.len() });
    }
    let whole = toml::from_str(text).map_err(|error: toml::de::Error| FacilityError::Keys {
        file: file.into(),
        reason: error.to_string().trim_end().to_owned(),
    })?;
    checked::facility_of(file, whole)
}

#[cfg(test)]
mod tests;
