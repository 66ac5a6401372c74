//! Closing somebody in the vault: hidden, or gone with everything that is held.

use gate::{PersonId, RecordId};
use ledger::{Class, Feed, KeyId, Value};

use super::Closing;
use crate::{StoreError, erase, feeds::Batch, households, vault::Enrolled};

impl Batch<'_> {
    /// Who is enrolled with this key.
    pub(super) fn owner(&self, key: KeyId) -> Result<Option<PersonId>, StoreError> {
        let sql = "SELECT person FROM people WHERE key_id = ?1";
        self.first(sql, [key.0], |row| row.get(0).map(PersonId))
    }

    /// A person's key is overwritten, here and in memory. `for_good`: it is never taken again.
    pub(crate) fn destroy(&mut self, key: KeyId, for_good: bool) -> Result<(), StoreError> {
        if for_good {
            self.execute("INSERT OR IGNORE INTO tombstones (key_id) VALUES (?1)", [key.0])?;
        }
        self.execute("DELETE FROM person_keys WHERE key_id = ?1", [key.0])?;
        if let Some(replica) = self.joined.as_deref_mut() {
            replica.chain.destroy(key);
            if for_good {
                replica.dead.insert(key);
            }
        }
        Ok(())
    }

    /// Says where it cannot wait that a person withdrew here; the key is gone, and is never taken again.
    pub(crate) fn withdraw(&mut self, one: &Enrolled) -> Result<(), StoreError> {
        if self.joined.is_none() {
            return Ok(());
        }
        let fields = vec![("person", Value::bytes(one.person.0))];
        self.say_in(Feed::of(Class::DeviceUrgent), true, "Withdrawn", fields, None, &[one.key_id])?;
        self.execute("DELETE FROM followed WHERE kind = 'Person' AND name = ?1", [one.person.0])?;
        self.execute("INSERT OR IGNORE INTO tombstones (key_id) VALUES (?1)", [one.key_id.0])?;
        self.execute("DELETE FROM person_keys WHERE key_id = ?1", [one.key_id.0]).map(|_| ())
    }

    /// Not let in any more; nowhere searched if the person withdrew. Whether that is news.
    pub(super) fn close_person(&mut self, person: PersonId, closing: Closing) -> Result<bool, StoreError> {
        let sql = "UPDATE people SET standing = 'revoked' WHERE person = ?1 AND standing = 'active'";
        let mut changed = self.execute(sql, [person.0])? > 0;
        if closing >= Closing::Hidden {
            let sql = "DELETE FROM reference_templates
                       WHERE person = (SELECT number FROM people WHERE person = ?1)";
            changed |= self.execute(sql, [person.0])? > 0;
        }
        Ok(changed)
    }

    /// Everything that is held about a person, and about those whose place this one took. Who took this one's place stays.
    /// Whether there was anything.
    pub(super) fn erase_person(
        &mut self,
        person: PersonId,
        at: Option<RecordId>,
    ) -> Result<bool, StoreError> {
        self.execute("DELETE FROM followed WHERE kind = 'Person' AND name = ?1", [person.0])?;
        let there = self.first("SELECT 1 FROM people WHERE person = ?1", [person.0], |_| Ok(()))?;
        if there.is_none() {
            return Ok(false);
        }
        let at = at.unwrap_or(RecordId { run: [0; 16], seq: 0 });
        let all = erase::same_person(self, person)?;
        let last = all.iter().position(|one| one.person == person).unwrap_or(0);
        for one in &all[..=last] {
            erase::erase(self, one, at)?;
            self.destroy(one.key_id, false)?;
        }
        households::remove_empty(self)?;
        Ok(true)
    }
}
