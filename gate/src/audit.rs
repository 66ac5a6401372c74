//! The audit log comes before the door: no record, no entry.
//!
//! [`commit`] is the only maker of a [`Grant`], and it makes one only after the log has said that the record is durable.
//! The strike port takes the grant by value and spends it; what became of it is a second record, [`Entry::Released`].

use std::time::Duration;

use crate::{Decision, DoorEvent, DoorId, Fault, Monotonic, Now, Outcome, PersonId, RecordId};

/// What the door writes down.
#[derive(Debug, PartialEq)]
pub enum Entry {
    /// A visit ended.
    Decision(Decision),
    /// What became of a grant.
    Released(Released),
    /// Somebody pressed 「係員を呼ぶ」.
    StaffCalled,
    /// A part failed.
    Failed(Fault),
    /// A part works again.
    Restored(Fault),
    /// The door's contacts told something.
    Door(DoorEvent),
    /// Somebody left, as far as this kiosk saw.
    Left(PersonId),
}

/// A log that keeps what it has acknowledged, whatever happens to the power.
pub trait DurableLog {
    /// Why nothing was written.
    type Error: std::error::Error;

    /// Appends one entry and returns only when it is durable.
    ///
    /// # Errors
    /// Nothing was written, or it is unknown whether it was; either way nobody may rely on it.
    fn append(&mut self, now: Now, entry: &Entry) -> Result<RecordId, Self::Error>;
}

/// Leave to release one door once, soon. Only [`commit`] can make one, after the record is durable. Not `Clone`.
#[derive(Debug, PartialEq)]
#[must_use = "a grant that is dropped leaves its record without an answer"]
pub struct Grant {
    door: DoorId,
    record: RecordId,
    expires: Monotonic,
}

/// A decision that is on record, and the grant it gave.
#[derive(Debug, PartialEq)]
#[must_use]
pub struct Committed {
    /// Where the decision stands in the log.
    pub record: RecordId,
    /// Only for [`Outcome::Granted`] and [`Outcome::LetIn`] at a kiosk with a door.
    pub grant: Option<Grant>,
}

/// Makes a decision durable; a granted one yields the grant for its door. The grant's life is counted from `now`, before
/// the write, so a slow disk shortens it and never lengthens it.
///
/// # Errors
/// The log's own error; then there is no grant.
pub fn commit<L: DurableLog>(log: &mut L, now: Now, decision: Decision) -> Result<Committed, L::Error> {
    let (outcome, door, life) = (decision.outcome, decision.door, decision.grant_life);
    let record = log.append(now, &Entry::Decision(decision))?;
    let grant = match (outcome, door) {
        (Outcome::Granted { .. } | Outcome::LetIn { .. }, Some(door)) => {
            Some(Grant { door, record, expires: now.mono.plus(life) })
        }
        (Outcome::Granted { .. } | Outcome::LetIn { .. }, None) | (Outcome::Denied(_), _) => None,
    };
    Ok(Committed { record, grant })
}

/// How a release went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PulseResult {
    /// The strike was driven for this long.
    Pulsed(Duration),
    /// The grant came too late; the strike was not driven.
    Expired,
    /// The grant was for another door; the strike was not driven.
    WrongDoor,
    /// The strike did not take the command. Whether the door moved is not known.
    StrikeFailed,
    /// The program ended between the record and the answer. Never pulsed again.
    Unknown,
}

/// What became of a grant: the second record. Made from the grant, so it names a record that exists.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "an answer that is not recorded leaves its grant open"]
pub struct Released {
    grant: RecordId,
    result: PulseResult,
}

impl Released {
    /// The grant's record.
    #[must_use]
    pub fn grant(&self) -> RecordId {
        self.grant
    }

    /// How it went.
    #[must_use]
    pub fn result(&self) -> PulseResult {
        self.result
    }

    /// The answer to a grant that a crash left open: nobody knows, and nobody tries again.
    pub fn unknown(grant: RecordId) -> Self {
        Self { grant, result: PulseResult::Unknown }
    }
}

/// A grant in the strike's hands: it is used up, and its result is owed.
#[derive(Debug)]
#[must_use = "the result of the pulse is owed"]
pub struct Spent {
    grant: RecordId,
}

impl Grant {
    /// The door that it releases.
    #[must_use]
    pub fn door(&self) -> DoorId {
        self.door
    }

    /// The record that it stands on.
    #[must_use]
    pub fn record(&self) -> RecordId {
        self.record
    }

    /// Uses the grant up at `door`. Strikes call this first and drive the relay only on `Ok`.
    ///
    /// # Errors
    /// The answer to record, if the grant is for another door or has expired.
    pub fn spend(self, door: DoorId, now: Monotonic) -> Result<Spent, Released> {
        if self.door != door {
            return Err(Released { grant: self.record, result: PulseResult::WrongDoor });
        }
        if now < self.expires {
            return Ok(Spent { grant: self.record });
        }
        Err(Released { grant: self.record, result: PulseResult::Expired })
    }
}

impl Spent {
    /// The strike was driven for `pulse`.
    pub fn pulsed(self, pulse: Duration) -> Released {
        Released { grant: self.grant, result: PulseResult::Pulsed(pulse) }
    }

    /// The strike did not take the command.
    pub fn failed(self) -> Released {
        Released { grant: self.grant, result: PulseResult::StrikeFailed }
    }
}
