//! What the registry, or another device, says of a person, in the rows that enrolling here would have written.

use gate::PersonId;
use ledger::{KeyId, Kind, Name, PersonKey};
use records::{NewEntitlement, NewRegistration, Profile, StatedEntitlement};
use rusqlite::params;
use sha2::{Digest, Sha256};

use super::Said;
use crate::{
    StoreError, enrolment,
    feeds::Batch,
    households, registration,
    vault::{Enrolled, find},
};

impl Batch<'_> {
    /// Writes what is said of a person. None if it cannot stand in the vault, else whether anything is another now. What
    /// says nothing new changes nothing, so what staff registered here since is not undone by an adoption.
    pub(super) fn put_profile(
        &mut self,
        person: PersonId,
        (id, key): (KeyId, &PersonKey),
        profile: &Profile,
        said: Said,
    ) -> Result<Option<bool>, StoreError> {
        let content = content(profile);
        let sql = "SELECT content FROM followed WHERE kind = 'Person' AND name = ?1";
        let before = self.first(sql, [person.0], |row| row.get::<_, Option<[u8; 32]>>(0))?.flatten();
        let usable = self.is_usable(person, id, profile)?;
        self.followed(Kind::Person, person.0, said, if usable { Some(content) } else { before })?;
        if !usable {
            return Ok(None);
        }
        let sql = "SELECT key_id FROM people WHERE person = ?1";
        let same_key = self.first(sql, [person.0], |row| row.get(0))? == Some(id.0);
        if same_key && before == Some(content) {
            return Ok(Some(false));
        }
        let sql = "INSERT INTO people (person, standing, name, key_id, key) VALUES (?1, 'active', ?2, ?3, ?4)
                   ON CONFLICT (person) DO UPDATE SET name = excluded.name, key_id = excluded.key_id,
                       key = excluded.key";
        self.execute(sql, params![person.0, profile.name.trim(), id.0, key.expose()])?;
        let of = find(self, person)?;
        self.put_references(&of, profile)?;
        self.put_registration(&of, &profile.registered)?;
        Ok(Some(true))
    }

    fn put_references(&self, of: &Enrolled, profile: &Profile) -> Result<(), StoreError> {
        self.execute("DELETE FROM reference_templates WHERE person = ?1", [of.number])?;
        let sql = "INSERT INTO reference_templates (person, model, vector) VALUES (?1, ?2, ?3)";
        for vector in &profile.vectors {
            let model = profile.model.as_ref().map(|model| model.as_str());
            self.execute(sql, params![of.number, model, vector.as_slice()])?;
        }
        Ok(())
    }

    /// The household is there from its first member on. Who is said last to speak for it does.
    fn put_registration(&mut self, of: &Enrolled, registered: &NewRegistration) -> Result<(), StoreError> {
        registration::take(self, of)?;
        if let Some(household) = registered.household {
            let agreed = self.replica().households.get(&household.0).copied().unwrap_or(false);
            let sql = "INSERT OR IGNORE INTO households (household, names_agreed) VALUES (?1, ?2)";
            self.execute(sql, params![household.0, agreed])?;
            if registered.representative {
                let sql = "UPDATE registrations SET representative = 0 WHERE representative = 1
                           AND household = (SELECT number FROM households WHERE household = ?1)";
                self.execute(sql, [household.0])?;
            }
        }
        registration::insert(self, of, registered)?;
        households::remove_empty(self)
    }

    /// Whether it can stand in the vault: one record must not spoil the gallery for everybody.
    fn is_usable(&self, person: PersonId, id: KeyId, profile: &Profile) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM people WHERE key_id = ?1 AND person <> ?2";
        let taken = self.first(sql, params![id.0, person.0], |_| Ok(()))?.is_some();
        let width = profile.vectors.first().map(|vector| vector.len() as u64);
        let model = profile.model.as_ref().map(|model| model.as_str());
        let sql = "SELECT length(vector) FROM reference_templates WHERE model = ?1 LIMIT 1";
        let usual = self.first(sql, [model], |row| row.get::<_, u64>(0))?;
        let fits = usual.is_none() || width.is_none() || usual == width;
        let named = enrolment::is_name(profile.name.trim());
        Ok(!taken && fits && named && registration::check(&profile.registered).is_ok())
    }

    /// Writes a pass or a book of coupons. None if it cannot stand in the vault.
    pub(super) fn put_entitlement(
        &mut self,
        stated: &StatedEntitlement,
        given: NewEntitlement,
        said: Said,
    ) -> Result<Option<bool>, StoreError> {
        let number = self.first("SELECT number FROM people WHERE person = ?1", [stated.person.0], |row| {
            row.get::<_, i64>(0)
        })?;
        let Some(number) = number else { return Ok(Some(false)) };
        let sql =
            "INSERT INTO entitlements (entitlement, person, valid_from, valid_until, coupons, withdrawn)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                   ON CONFLICT (entitlement) DO UPDATE SET valid_from = excluded.valid_from,
                       valid_until = excluded.valid_until, coupons = excluded.coupons,
                       withdrawn = excluded.withdrawn
                   WHERE person = excluded.person";
        let NewEntitlement { period, coupons } = given;
        let (from, until) = (registration::text(period.from), registration::text(period.until));
        let row = params![stated.entitlement.0, number, from, until, coupons, stated.withdrawn];
        let changed = self.execute(sql, row)?;
        self.followed(Kind::Entitlement, stated.entitlement.0, said, None)?;
        Ok((changed > 0).then_some(true))
    }

    /// Notes what the rows hold now.
    pub(super) fn followed(
        &self,
        kind: Kind,
        name: Name,
        said: Said,
        content: Option<[u8; 32]>,
    ) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO followed (kind, name, said, content) VALUES (?1, ?2, ?3, ?4)";
        self.execute(sql, params![kind.name(), name, said.version.said, content]).map(|_| ())
    }

    /// Of somebody whom this device enrolled: notes what was said, so that saying the same again changes nothing, and says
    /// the key in this device's keyring.
    pub(crate) fn enrolled_here(&mut self, of: &Enrolled, profile: &Profile) -> Result<(), StoreError> {
        let Some(replica) = self.joined.as_deref_mut() else { return Ok(()) };
        replica.chain.keep(of.key_id, *of.key.expose());
        let sql = "INSERT OR REPLACE INTO followed (kind, name, said, content) VALUES ('Person', ?1, ?2, ?3)";
        self.execute(sql, params![of.person.0, [0_u8; 32], content(profile)])?;
        self.give_key(of.key_id)
    }
}

/// The hash of what is said of a person.
fn content(profile: &Profile) -> [u8; 32] {
    Sha256::digest(profile.of_person().encode().unwrap_or_default()).into()
}
