//! Facilities and the people known to the ledger: what the web and the import call inside their own transactions.

use ledger::{AuthorId, Class, GroupId, KeyId, Kind, Name, Value, epochs};

use super::epochs::{EpochPlan, first_keys, opening};
use super::secrets::person_name;
use super::{Office, Tx};
use crate::failure::{Done, Failure};
use crate::keys::random;

/// A facility.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facility {
    /// Its name in the ledger.
    pub group: GroupId,
    /// Its name for people.
    pub name: String,
}

/// How an erasure stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// The facility.
    pub group: GroupId,
    /// Whose, as the facility knows the person; none where only the key is known any more.
    pub person: Option<Name>,
    /// The key that was destroyed.
    pub key: KeyId,
    /// Nobody can know it any more.
    pub complete: bool,
    /// The devices that still may.
    pub missing: Vec<AuthorId>,
}

impl Office {
    /// Adds a facility: its first keys and its first epoch, which only the registry can open yet.
    ///
    /// Errors: [`Failure::Asked`] for a name that is taken or none.
    pub fn facility_add(&mut self, name: &str) -> Done<GroupId> {
        if name.is_empty() || name.len() > 200 {
            return Err(Failure::Asked("a facility's name has 1 to 200 bytes"));
        }
        let taken = self.facilities()?.iter().any(|facility| facility.name == name);
        if taken {
            return Err(Failure::Asked("a facility of this name is there already"));
        }
        let group = GroupId(random()?);
        let keys = self.keys.clone();
        first_keys(&*keys, group)?;
        let port = opening(&*keys, group)?;
        self.change(|tx| {
            let row = [group.0.into(), name.into(), tx.now_ms().into()];
            tx.sql.execute("INSERT INTO facilities (grp, name, added_ms) VALUES ($1, $2, $3)", &row)?;
            tx.set_fact(&format!("kek/{group}"), 1)?;
            let plan = EpochPlan { group, after: 0, members: Vec::new(), left: false };
            tx.say_epoch(&plan, 1, &port.chain)
        })?;
        self.tidy(group)?;
        Ok(group)
    }

    /// The facilities, by name.
    ///
    /// Errors: those of the database.
    pub fn facilities(&mut self) -> Done<Vec<Facility>> {
        self.look(|tx| tx.facilities())
    }

    /// How the erasures stand: what the console shows.
    ///
    /// Errors: those of the database.
    pub fn erasures(&mut self) -> Done<Vec<Erasure>> {
        self.look(|tx| tx.erasures())
    }
}

impl Tx<'_> {
    /// The facilities, by name.
    pub fn facilities(&mut self) -> Done<Vec<Facility>> {
        let rows = self.sql.query("SELECT grp, name FROM facilities ORDER BY name", &[])?;
        let read = |row: &crate::db::Row| {
            Ok(Facility { group: GroupId(row[0].array()?), name: row[1].text()?.to_owned() })
        };
        rows.iter().map(read).collect()
    }

    /// Draws the key of a new person. Ids of people and of keys are never used again.
    pub fn new_person_key(&mut self, group: GroupId) -> Done<KeyId> {
        let key = KeyId(random()?);
        self.keep_secret(group, &person_name(key), &zeroize::Zeroizing::new(random()?))?;
        Ok(key)
    }

    /// States a person, with the next version, closed under the person's key; draws the key if it is new, and then gives it to
    /// the members. `personal`: what `records` writes.
    ///
    /// Errors: [`Failure::Asked`] for somebody withdrawn, for another key than the person has, for a version that is not newer.
    pub fn state_person(
        &mut self,
        group: GroupId,
        person: Name,
        key: KeyId,
        version: u64,
        personal: &Value,
    ) -> Done<()> {
        if self.is_killed(key)? {
            return Err(Failure::Asked("this person withdrew; register the person anew, under a new id"));
        }
        match self.person(group, person)? {
            Some((held, _)) if held != key => return Err(Failure::Asked("this person has another key")),
            Some((_, at)) if at >= version => {
                return Err(Failure::Asked("somebody else changed it meanwhile; look again"));
            }
            Some(_) | None => {}
        }
        let drawn = self.person_key(group, key)?.is_none();
        if drawn {
            self.keep_secret(group, &person_name(key), &zeroize::Zeroizing::new(random()?))?;
        }
        let fields = person_fields(person, key, version);
        self.say(Some(group), Class::FacilityBulk, Kind::Person, fields, Some((key, personal)), &[])?;
        self.keep_person(group, person, key, version)?;
        if drawn { self.give_key(group, key) } else { Ok(()) }
    }

    /// The row of a person: key and version.
    pub fn person(&mut self, group: GroupId, person: Name) -> Done<Option<(KeyId, u64)>> {
        let text = "SELECT key, version FROM persons WHERE grp = $1 AND person = $2";
        let rows = self.sql.query(text, &[group.0.into(), person.into()])?;
        let read = |row: &crate::db::Row| Ok((KeyId(row[0].array()?), row[1].count()?));
        rows.first().map(read).transpose()
    }

    pub(crate) fn keep_person(&mut self, group: GroupId, person: Name, key: KeyId, version: u64) -> Done<()> {
        let text = "INSERT INTO persons (grp, person, key, version) VALUES ($1, $2, $3, $4) \
                    ON CONFLICT (grp, person) DO UPDATE SET version = $4";
        self.sql.execute(text, &[group.0.into(), person.into(), key.0.into(), version.into()])?;
        Ok(())
    }

    /// Whether a key was destroyed.
    pub fn is_killed(&mut self, key: KeyId) -> Done<bool> {
        Ok(!self.sql.query("SELECT 1 FROM killed WHERE key = $1", &[key.0.into()])?.is_empty())
    }

    /// A person withdraws: row and key are deleted, and the record destroys the key wherever it is held.
    ///
    /// Errors: [`Failure::Asked`] for somebody who is not known there.
    pub fn withdraw(&mut self, group: GroupId, person: Name) -> Done<()> {
        let (key, _) = self
            .person(group, person)?
            .ok_or(Failure::Asked("nobody of this id is known at this facility"))?;
        let fields = vec![("person".to_owned(), Value::bytes(person))];
        self.say(Some(group), Class::FacilityUrgent, Kind::Withdrawn, fields, None, &[key])?;
        self.kill(group, Some(person), key)
    }

    /// The rows of a key that is destroyed: its own go, and it is noted in which epoch that was.
    pub(crate) fn kill(&mut self, group: GroupId, person: Option<Name>, key: KeyId) -> Done<()> {
        self.drop_secret(group, &person_name(key))?;
        self.sql.execute("DELETE FROM persons WHERE key = $1", &[key.0.into()])?;
        let text = "INSERT INTO killed (key, grp, person, epoch, killed_ms, complete) VALUES ($1, $2, $3, $4, $5, 0) \
                    ON CONFLICT (key) DO NOTHING";
        let epoch = self.epoch(group)?.max(opening(self.keys, group)?.issued);
        let row = [
            key.0.into(),
            group.0.into(),
            person.map(|it| it.to_vec()).into(),
            epoch.into(),
            self.now_ms().into(),
        ];
        self.sql.execute(text, &row)?;
        Ok(())
    }

    /// How the erasures stand.
    pub fn erasures(&mut self) -> Done<Vec<Erasure>> {
        let text = "SELECT grp, person, key, complete FROM killed ORDER BY killed_ms";
        let mut all = Vec::new();
        for row in self.sql.query(text, &[])? {
            let (group, key) = (GroupId(row[0].array()?), KeyId(row[2].array()?));
            let person = if row[1] == crate::db::Cell::Null { None } else { Some(row[1].array()?) };
            let complete = row[3].int()? == 1;
            let missing = if complete { Vec::new() } else { self.may_still_know(group, key)? };
            all.push(Erasure { group, person, key, complete, missing });
        }
        Ok(all)
    }

    /// The members that can still know a destroyed key.
    fn may_still_know(&mut self, group: GroupId, key: KeyId) -> Done<Vec<AuthorId>> {
        let (table, members) = (self.table(group)?, self.members()?);
        let rows = self.sql.query("SELECT device FROM erased WHERE key = $1", &[key.0.into()])?;
        let erased = |device: AuthorId| rows.iter().any(|row| row[0] == device.0.into());
        Ok(epochs::waits_for(&table, &members, group, key, erased))
    }
}

/// The fields of `Person`.
pub(crate) fn person_fields(person: Name, key: KeyId, version: u64) -> Vec<(String, Value)> {
    let version = i64::try_from(version).unwrap_or(i64::MAX);
    let fields =
        [("person", Value::bytes(person)), ("key", Value::bytes(key.0)), ("version", Value::Int(version))];
    fields.map(|(name, value)| (name.to_owned(), value)).to_vec()
}
