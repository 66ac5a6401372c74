//! Who looked a person up, and why. Each look is a record; the reason is sealed under the person's own key, because staff
//! may well write a name into it. Whatever is held about a person lists them all.

use gate::{Now, PersonId, RecordId, StaffId};
use ledger::Value;
use rusqlite::params;

use crate::{
    By, Store, StoreError, bodies,
    feeds::Batch,
    vault::{Enrolled, find},
    words::{Word, read_word},
};

/// Characters of a reason. Keeps a record small.
pub(crate) const MAX_REASON: usize = 1_000;

/// What was done with what is held about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessKind {
    /// Read on a screen.
    LookUp,
    /// Written into a file.
    Export,
}

/// One access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Which.
    pub kind: AccessKind,
    /// By whom.
    pub by: By,
    /// Why, in the words of whoever did it.
    pub why: String,
    /// Milliseconds since 1970; none if there was no clock.
    pub wall_ms: Option<i64>,
}

impl Store {
    /// Records that a member of the staff looks a person up. Call it before showing anything.
    ///
    /// # Errors
    /// [`StoreError::UnknownPerson`], [`StoreError::Erased`], [`StoreError::UnusableReason`]; or the write failed, then
    /// nothing may be shown.
    pub fn record_access(
        &mut self,
        now: Now,
        person: PersonId,
        by: By,
        why: &str,
    ) -> Result<RecordId, StoreError> {
        self.write(now, |batch| {
            let of = find(batch, person)?;
            accessed(batch, &of, AccessKind::LookUp, by, why)
        })
    }

    /// Every access to what is held about a person, oldest first.
    ///
    /// # Errors
    /// The data file cannot be read.
    pub fn accesses_of(&self, person: PersonId) -> Result<Vec<Access>, StoreError> {
        let sql = "SELECT what, staff, why, wall_ms FROM accesses
                   JOIN people ON people.number = accesses.person
                   WHERE people.person = ?1 ORDER BY accesses.number";
        self.rows_of(sql, [person.0], |row| {
            let staff: Option<[u8; 16]> = row.get(1)?;
            Ok(Access {
                kind: read_word(row, 0)?,
                by: staff.map_or(By::Console, |staff| By::Staff(StaffId(staff))),
                why: row.get(2)?,
                wall_ms: row.get(3)?,
            })
        })
    }
}

/// Writes an access down.
pub(crate) fn accessed(
    batch: &mut Batch<'_>,
    of: &Enrolled,
    kind: AccessKind,
    by: By,
    why: &str,
) -> Result<RecordId, StoreError> {
    let why = why.trim();
    if why.is_empty() || why.chars().count() > MAX_REASON {
        return Err(StoreError::UnusableReason("say why, in 1 to 1000 characters"));
    }
    let sql = "INSERT INTO accesses (person, staff, what, why, wall_ms) VALUES (?1, ?2, ?3, ?4, ?5)";
    batch.execute(sql, params![of.number, by.bytes(), kind.word(), why, batch.wall_ms()])?;
    let fields = vec![
        ("person", Value::bytes(of.person.0)),
        ("what", Value::text(kind.word())),
        ("by", bodies::staff(by)),
    ];
    batch.say(of, "Accessed", fields, Some(&records::personal_reason(why)))
}

impl Word for AccessKind {
    const ALL: &'static [Self] = &[Self::LookUp, Self::Export];

    fn word(self) -> &'static str {
        match self {
            Self::LookUp => "look-up",
            Self::Export => "export",
        }
    }
}
