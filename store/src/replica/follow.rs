//! Rows of the vault follow the state: who is searched, and what is known of them.
//!
//! A record of a person waits until the key is there, a key until the record is, and both until nothing closes the person;
//! whichever comes last brings the row.

use gate::PersonId;
use ledger::{Body, KeyId, Kind, Name, PersonKey};

use super::{Closing, Kept, Said, Touched};
use crate::{StoreError, feeds::Batch};

impl Batch<'_> {
    /// Looks at everybody of whom something changed. Whether anything was destroyed.
    pub(super) fn follow(&mut self, kept: &mut Kept) -> Result<bool, StoreError> {
        let Touched { people, households, keys } = std::mem::take(&mut self.replica().touched);
        let mut erased = false;
        for key in keys {
            erased |= self.follow_key(key, kept)?;
        }
        for household in households {
            let agreed = self.replica().households.get(&household).copied();
            let sql = "UPDATE households SET names_agreed = ?2 WHERE household = ?1 AND names_agreed <> ?2";
            kept.gallery_changed |= self.execute(sql, (household, agreed.unwrap_or(false)))? > 0;
        }
        for person in people {
            erased |= self.follow_person(person, kept)?;
        }
        Ok(erased)
    }

    /// A key that some record kills: destroyed if that record may, else whose it is is hidden.
    fn follow_key(&mut self, key: KeyId, kept: &mut Kept) -> Result<bool, StoreError> {
        let replica = self.replica();
        let (dead, asked) = (replica.is_dead(key), replica.state.is_asked_to_kill(key));
        if !dead {
            if asked && let Some(person) = self.owner(key)? {
                let changed = self.close_person(person, Closing::Hidden)?;
                kept.changed(person, changed);
            }
            return Ok(false);
        }
        let registrys = self.replica().state.tombstones().contains(&key);
        self.destroy(key, registrys)?;
        let Some(person) = self.owner(key)? else { return Ok(false) };
        let at = self.replica().killed.get(&key).copied();
        let erased = self.erase_person(person, at)?;
        kept.changed(person, erased);
        Ok(true)
    }

    fn follow_person(&mut self, person: Name, kept: &mut Kept) -> Result<bool, StoreError> {
        let replica = self.replica();
        match replica.closed.get(&person).copied() {
            Some((Closing::Gone, at)) => {
                let key = replica.state.person(person).map(|known| known.key);
                key.map_or(Ok(()), |key| self.destroy(key, true))?;
                let erased = self.erase_person(PersonId(person), Some(at))?;
                kept.changed(PersonId(person), erased);
                return Ok(erased);
            }
            Some((closing, _)) => {
                let changed = self.close_person(PersonId(person), closing)?;
                kept.changed(PersonId(person), changed);
                return Ok(false);
            }
            None => {}
        }
        let Some(id) = replica.state.searched(person) else { return Ok(false) };
        let Some(key) = replica.chain.person_key(id) else { return Ok(false) };
        if self.first("SELECT 1 FROM erased WHERE person = ?1", [person], |_| Ok(()))?.is_some() {
            return Ok(false);
        }
        self.follow_profile(person, id, &key, kept)?;
        self.follow_entitlements(person, &key, kept)?;
        Ok(false)
    }

    fn follow_profile(
        &mut self,
        person: Name,
        id: KeyId,
        key: &PersonKey,
        kept: &mut Kept,
    ) -> Result<(), StoreError> {
        let Some((said, body)) = self.news(Kind::Person, person)? else { return Ok(()) };
        match records::Profile::open(&body, key) {
            Ok(profile) => {
                let changed = self.put_profile(PersonId(person), (id, key), &profile, said)?;
                kept.unusable += usize::from(changed.is_none());
                kept.changed(PersonId(person), changed.unwrap_or(false));
            }
            // Somebody gave a wrong key under this name: the right one may still come.
            Err(records::BodyError::Closed(_)) => self.destroy(id, false)?,
            Err(
                records::BodyError::Field { .. }
                | records::BodyError::OtherKind(_)
                | records::BodyError::Personal { .. },
            ) => {
                kept.unusable += 1;
                self.followed(Kind::Person, person, said, None)?;
            }
        }
        Ok(())
    }

    fn follow_entitlements(
        &mut self,
        person: Name,
        key: &PersonKey,
        kept: &mut Kept,
    ) -> Result<(), StoreError> {
        for entitlement in self.replica().of_person.get(&person).cloned().unwrap_or_default() {
            let Some((said, body)) = self.news(Kind::Entitlement, entitlement)? else { continue };
            let read = records::StatedEntitlement::read(&body);
            let both = read.and_then(|(stated, _)| Ok((stated, records::open_entitlement(&body, key)?)));
            let done = match both {
                Ok((stated, given)) => self.put_entitlement(&stated, given, said)?,
                Err(_) => None,
            };
            match done {
                Some(changed) => kept.gallery_changed |= changed,
                None => {
                    kept.unusable += 1;
                    self.followed(Kind::Entitlement, entitlement, said, None)?;
                }
            }
        }
        Ok(())
    }

    /// What counts of somebody or something and is not in the rows yet.
    fn news(&mut self, kind: Kind, name: Name) -> Result<Option<(Said, Body)>, StoreError> {
        let Some(said) = self.replica().said.get(&(kind, name)).copied().filter(|said| !said.own) else {
            return Ok(None);
        };
        let sql = "SELECT said FROM followed WHERE kind = ?1 AND name = ?2";
        let before = self.first(sql, (kind.name(), name), |row| row.get::<_, [u8; 32]>(0))?;
        if before == Some(said.version.said) {
            return Ok(None);
        }
        let Some((record, ..)) = self.held(said.at)? else { return Ok(None) };
        let chain = &self.replica().chain;
        let key = record.header.group.and_then(|group| chain.key_of(group, record.header.epoch));
        Ok(record.open_body(key.as_ref()).ok().map(|body| (said, body)))
    }
}
