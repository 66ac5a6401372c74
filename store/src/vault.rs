//! Who is enrolled, and the set that is searched. Every change is a record and rows of the vault, in one transaction.

use std::fmt;

use gate::{Gallery, ModelId, Now, PersonId, RecordId, Reference, Standing, Template};
use ledger::{KeyId, PersonKey, Personal, Value};
use rusqlite::{Row, params};

use crate::{
    NewRegistration, Store, StoreError,
    accesses::MAX_REASON,
    bodies,
    feeds::Batch,
    registration::{self, COLUMNS},
};

/// Somebody who is or was enrolled.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// The enrolee id.
    pub id: PersonId,
    /// The name that the staff sees.
    pub name: String,
    /// Whether the enrolment still counts.
    pub standing: Standing,
    /// How many references are searched; none after a reinstatement under another id.
    pub references: u32,
    /// The model that made them.
    pub model: Option<ModelId>,
    /// The enrolment that took the place of this one.
    pub reinstated_as: Option<PersonId>,
    /// What is registered about the person.
    pub registered: NewRegistration,
}

/// A row of `people`.
pub(crate) struct Enrolled {
    pub(crate) number: i64,
    pub(crate) person: PersonId,
    pub(crate) standing: Standing,
    pub(crate) key_id: KeyId,
    pub(crate) key: PersonKey,
    pub(crate) replaced_by: Option<PersonId>,
}

impl Store {
    /// Revokes an enrolment: never granted again under this id, but still searched, so that its owner is told apart from a
    /// stranger. `reason` is sealed under the person's own key.
    ///
    /// # Errors
    /// [`StoreError::UnknownPerson`], [`StoreError::Erased`], [`StoreError::AlreadyRevoked`]; or the write failed.
    pub fn revoke(&mut self, now: Now, person: PersonId, reason: &str) -> Result<RecordId, StoreError> {
        if reason.chars().count() > MAX_REASON {
            return Err(StoreError::UnusableReason("a reason has at most 1000 characters"));
        }
        self.write(now, |batch| {
            let row = find(batch, person)?;
            if row.standing == Standing::Revoked {
                return Err(StoreError::AlreadyRevoked(person));
            }
            batch.execute("UPDATE people SET standing = 'revoked' WHERE number = ?1", [row.number])?;
            let personal = records::personal_reason(reason);
            batch.say(&row, "Revoked", records::of_revocation(person), Some(&personal))
        })
    }

    /// Everybody who is or was enrolled, in the order of enrolment.
    ///
    /// # Errors
    /// The data file cannot be read.
    pub fn people(&self) -> Result<Vec<Person>, StoreError> {
        let sql = format!(
            "SELECT people.person, people.name, people.standing, count(reference_templates.number),
                    min(reference_templates.model), later.person, {COLUMNS}
             FROM people
             LEFT JOIN reference_templates ON reference_templates.person = people.number
             LEFT JOIN people AS later ON later.number = people.replaced_by
             LEFT JOIN registrations ON registrations.person = people.number
             LEFT JOIN households ON households.number = registrations.household
             GROUP BY people.number ORDER BY people.number"
        );
        self.rows(&sql, |row| {
            Ok(Person {
                id: PersonId(row.get(0)?),
                name: row.get(1)?,
                standing: standing(row, 2)?,
                references: row.get(3)?,
                model: row.get::<_, Option<String>>(4)?.as_deref().map(ModelId::new),
                reinstated_as: row.get::<_, Option<[u8; 16]>>(5)?.map(PersonId),
                registered: registration::read(row, 6)?,
            })
        })
    }

    /// The stored templates of one person, in the order of enrolment.
    ///
    /// # Errors
    /// The data file cannot be read, or holds what is no template.
    pub fn references_of(&self, person: PersonId) -> Result<Vec<Template>, StoreError> {
        let sql = "SELECT reference_templates.model, vector FROM reference_templates
                   JOIN people ON people.number = reference_templates.person
                   WHERE people.person = ?1 ORDER BY reference_templates.number";
        let failed = |source| StoreError::sql("read references", &self.file, source);
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        let mut rows = statement.query([person.0]).map_err(failed)?;
        let mut templates = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let model = ModelId::new(&row.get::<_, String>(0).map_err(failed)?);
            templates.push(self.template(model, blob(row, 1).map_err(failed)?)?);
        }
        Ok(templates)
    }

    /// The set that is searched: every reference that `model` made, each `width` numbers. Revoked ones are in it, marked.
    ///
    /// # Errors
    /// The data file cannot be read, or a reference of the model has another width.
    pub fn gallery(&self, model: &ModelId, width: usize) -> Result<Gallery, StoreError> {
        let sql = "SELECT people.person, people.standing, vector FROM reference_templates
                   CROSS JOIN people ON people.number = reference_templates.person
                   WHERE model = ?1 ORDER BY reference_templates.number";
        let failed = |source| StoreError::sql("read the gallery", &self.file, source);
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        let mut rows = statement.query([model.as_str()]).map_err(failed)?;
        let mut gallery = Gallery::new(model.clone(), width);
        while let Some(row) = rows.next().map_err(failed)? {
            let reference = Reference {
                person: PersonId(row.get(0).map_err(failed)?),
                standing: standing(row, 1).map_err(failed)?,
                template: self.template(model.clone(), blob(row, 2).map_err(failed)?)?,
            };
            gallery
                .insert(&reference)
                .map_err(|_| self.spoiled("a reference has another length than its model makes"))?;
        }
        Ok(gallery)
    }

    fn template(&self, model: ModelId, blob: &[u8]) -> Result<Template, StoreError> {
        let (numbers, _) = blob.as_chunks::<4>();
        let vector = numbers.iter().map(|number| f32::from_le_bytes(*number)).collect();
        Template::new(model, vector).map_err(|_| self.spoiled("a reference has no direction"))
    }

    fn spoiled(&self, detail: &str) -> StoreError {
        StoreError::Corrupt { file: self.file.clone(), detail: detail.to_owned() }
    }
}

/// The row of somebody who is or was enrolled and was not erased.
pub(crate) fn find(batch: &Batch<'_>, person: PersonId) -> Result<Enrolled, StoreError> {
    let sql = "SELECT people.number, people.standing, people.key_id, people.key, later.person FROM people
               LEFT JOIN people AS later ON later.number = people.replaced_by WHERE people.person = ?1";
    let found = batch.first(sql, [person.0], |row| {
        Ok(Enrolled {
            number: row.get(0)?,
            person,
            standing: standing(row, 1)?,
            key_id: KeyId(row.get(2)?),
            key: PersonKey::from_bytes(row.get(3)?),
            replaced_by: row.get::<_, Option<[u8; 16]>>(4)?.map(PersonId),
        })
    })?;
    if let Some(found) = found {
        return Ok(found);
    }
    let erased = batch.first("SELECT 1 FROM erased WHERE person = ?1", [person.0], |_| Ok(()))?;
    Err(erased.map_or(StoreError::UnknownPerson(person), |()| StoreError::Erased(person)))
}

impl Batch<'_> {
    /// Writes a record that speaks of one person. `personal` is sealed under the person's own key.
    pub(crate) fn say(
        &mut self,
        of: &Enrolled,
        kind: &str,
        fields: bodies::Fields,
        personal: Option<&Value>,
    ) -> Result<RecordId, StoreError> {
        let sealed = personal.map(|value| self.seal(of, value)).transpose()?;
        let record = self.append(kind, fields, sealed)?;
        self.mention(of.number, record)?;
        Ok(record)
    }

    /// Keeps in mind that a record speaks of somebody.
    pub(crate) fn mention(&self, person: i64, record: RecordId) -> Result<(), StoreError> {
        self.mentioned(person, record, false)
    }

    /// As [`Batch::mention`]; what is said in passing goes with the visits.
    pub(crate) fn mentioned(&self, person: i64, record: RecordId, passing: bool) -> Result<(), StoreError> {
        let sql =
            "INSERT OR IGNORE INTO mentions (person, run, seq, passing, wall_ms) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.execute(sql, params![person, record.run, record.seq, passing, self.wall_ms()]).map(|_| ())
    }

    fn seal(&mut self, of: &Enrolled, value: &Value) -> Result<Personal, StoreError> {
        let nonce = self.draw()?;
        Personal::seal(&of.key, of.key_id, nonce, value).map_err(StoreError::ledger("seal what is personal"))
    }
}

pub(crate) fn standing(row: &Row<'_>, column: usize) -> rusqlite::Result<Standing> {
    Ok(if row.get_ref(column)?.as_str()? == "active" { Standing::Active } else { Standing::Revoked })
}

fn blob<'a>(row: &'a Row<'_>, column: usize) -> rusqlite::Result<&'a [u8]> {
    Ok(row.get_ref(column)?.as_blob()?)
}

impl fmt::Debug for Person {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Person({}, {:?}, {} references)", self.id, self.standing, self.references)
    }
}
