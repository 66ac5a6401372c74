//! The end of everything that is held about a person.
//!
//! One transaction: a tombstone, and no name, key, reference, attribute, card, consent or access any more; visits stay
//! counted and are nobody's. The key was the only one that opened the personal parts of the person's records, so they stay
//! closed wherever copies of them are; the record of the erasure says in clear which key is gone. The id stays, as a
//! tombstone: whoever asks for it hears that the person was erased, and nothing is ever given to it again.
//!
//! Who was reinstated is one person under several ids; all of them go together.
//!
//! What is deleted is overwritten in the data file (`secure_delete`), and the write-ahead log, where older pages lie, is
//! emptied. What cannot be reached from here: a backup of the data directory made before, and what flash keeps of
//! overwritten blocks; both are sealed under the vault's key. The ids in the sealed bodies of old decisions stay until
//! retention takes those away; nothing says any more whose they were.

use std::collections::BTreeSet;

use gate::{Now, PersonId, RecordId};
use ledger::Value;
use rusqlite::params;

use crate::{
    By, Store, StoreError, bodies,
    feeds::Batch,
    households,
    vault::{Enrolled, find},
};

/// Who was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct ErasedPeople {
    /// The record that says so.
    pub record: RecordId,
    /// Every id of that person.
    pub people: Vec<PersonId>,
    /// The write-ahead log was emptied at once. If not, the erasure counts all the same, and what is left of it goes when
    /// the log is next moved into the data file.
    pub log_emptied: bool,
}

impl Store {
    /// Erases a person, under all ids that are theirs.
    ///
    /// # Errors
    /// [`StoreError::UnknownPerson`], [`StoreError::Erased`] if it was done before; or the write failed, then everything is
    /// still there.
    pub fn erase(&mut self, now: Now, person: PersonId, by: By) -> Result<ErasedPeople, StoreError> {
        let (record, people) = self.write(now, |batch| {
            let all = same_person(batch, person)?;
            let ids = all.iter().map(|one| Value::bytes(one.person.0)).collect();
            let fields = vec![("people", Value::Array(ids)), ("by", bodies::staff(by))];
            let kills: Vec<_> = all.iter().map(|one| one.key_id).collect();
            let record = batch.append_killing("Erased", fields, None, &kills)?;
            all.iter().try_for_each(|one| batch.withdraw(one))?;
            // A successor is deleted after whoever names it.
            all.iter().try_for_each(|one| erase(batch, one, record))?;
            households::remove_empty(batch)?;
            Ok((record, all.iter().map(|one| one.person).collect()))
        })?;
        Ok(ErasedPeople { record, people, log_emptied: self.empty_the_log() })
    }

    /// Moves the write-ahead log into the data file and cuts it to nothing.
    pub(crate) fn empty_the_log(&self) -> bool {
        let busy =
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0));
        busy.is_ok_and(|busy| !busy)
    }
}

/// All enrolments of one person, earlier ones first.
pub(crate) fn same_person(batch: &Batch<'_>, person: PersonId) -> Result<Vec<Enrolled>, StoreError> {
    let mut last = find(batch, person)?;
    let mut seen = BTreeSet::from([last.person]);
    while let Some(later) = last.replaced_by.filter(|later| seen.insert(*later)) {
        last = find(batch, later)?;
    }
    let mut all = vec![last];
    let sql = "SELECT person FROM people WHERE replaced_by = ?1";
    while let Some(earlier) = batch.first(sql, [all[0].number], |row| Ok(PersonId(row.get(0)?)))? {
        if all.iter().any(|one| one.person == earlier) {
            break;
        }
        all.insert(0, find(batch, earlier)?);
    }
    Ok(all)
}

/// Everything of one id, and the tombstone that `record` asks for.
pub(crate) fn erase(batch: &Batch<'_>, one: &Enrolled, record: RecordId) -> Result<(), StoreError> {
    let links = [
        "UPDATE visits SET person = NULL WHERE person = ?1",
        "UPDATE entrants SET uses = NULL WHERE uses IN (SELECT number FROM entitlements WHERE person = ?1)",
        "UPDATE entrants SET person = NULL WHERE person = ?1",
    ];
    let held = [
        "DELETE FROM entitlements WHERE person = ?1",
        "DELETE FROM registrations WHERE person = ?1",
        "DELETE FROM reference_templates WHERE person = ?1",
        "DELETE FROM credentials WHERE person = ?1",
        "DELETE FROM consents WHERE person = ?1",
        "DELETE FROM accesses WHERE person = ?1",
        "DELETE FROM mentions WHERE person = ?1",
        "DELETE FROM people WHERE number = ?1",
    ];
    for sql in links.into_iter().chain(held) {
        batch.execute(sql, [one.number])?;
    }
    let sql = "INSERT INTO erased (person, run, seq, wall_ms) VALUES (?1, ?2, ?3, ?4)";
    batch.execute(sql, params![one.person.0, record.run, record.seq, batch.wall_ms()]).map(|_| ())
}
