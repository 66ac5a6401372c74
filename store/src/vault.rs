//! Who is enrolled, and the set that is searched. Every change is a record and rows of the vault, in one transaction.

use std::fmt;

use gate::{Gallery, ModelId, Now, PersonId, RecordId, Reference, Standing, Template};
use ledger::{KeyId, PersonKey, Personal, Value};
use rusqlite::{OptionalExtension, Row, params};

use crate::{Store, StoreError, bodies, feeds::Batch};

/// Characters of a name. Longer than any name on a form; it keeps a record small.
pub const MAX_NAME: usize = 200;
/// References of one enrolment. With 512 numbers each they still fit in one record.
pub const MAX_REFERENCES: usize = 24;
/// Characters of a reason. Keeps a record small.
const MAX_REASON: usize = 1_000;

/// Somebody to enrol.
pub struct Enrolment {
    /// The name that the staff sees.
    pub name: String,
    /// The references: 1 to [`MAX_REFERENCES`], all by one model.
    pub templates: Vec<Template>,
    /// The revoked enrolment that this one takes the place of.
    pub reinstates: Option<PersonId>,
}

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
}

/// A row of `people`.
struct Enrolled {
    number: i64,
    standing: Standing,
    key_id: KeyId,
    key: PersonKey,
    replaced_by: Option<PersonId>,
}

impl Store {
    /// Enrols one person and returns the new id with the record that says so.
    ///
    /// # Errors
    /// [`StoreError::UnusableEnrolment`], [`StoreError::UnknownPerson`], [`StoreError::NotRevoked`],
    /// [`StoreError::AlreadyReinstated`]; or the write failed. Then nobody was enrolled.
    pub fn enrol(&mut self, now: Now, enrolment: Enrolment) -> Result<(PersonId, RecordId), StoreError> {
        self.write(now, |batch| enrol(batch, &enrolment))
    }

    /// Enrols many in one transaction: all of them or nobody. Each still has a record of its own.
    ///
    /// # Errors
    /// As [`Store::enrol`], for the first that fails.
    pub fn enrol_many(
        &mut self,
        now: Now,
        enrolments: impl IntoIterator<Item = Enrolment>,
    ) -> Result<Vec<(PersonId, RecordId)>, StoreError> {
        self.write(now, |batch| enrolments.into_iter().map(|enrolment| enrol(batch, &enrolment)).collect())
    }

    /// Revokes an enrolment: never granted again under this id, but still searched, so that its owner is told apart from a
    /// stranger. `reason` is sealed under the person's own key.
    ///
    /// # Errors
    /// [`StoreError::UnknownPerson`], [`StoreError::AlreadyRevoked`]; or the write failed.
    pub fn revoke(&mut self, now: Now, person: PersonId, reason: &str) -> Result<RecordId, StoreError> {
        if reason.chars().count() > MAX_REASON {
            return Err(StoreError::UnusableEnrolment("a reason has at most 1000 characters"));
        }
        self.write(now, |batch| {
            let row = find(batch, person)?;
            if row.standing == Standing::Revoked {
                return Err(StoreError::AlreadyRevoked(person));
            }
            let sql = "UPDATE people SET standing = 'revoked' WHERE number = ?1";
            batch.transaction.execute(sql, [row.number]).map_err(batch.failed())?;
            let personal = seal(batch, &row.key, row.key_id, &bodies::personal_of_revocation(reason))?;
            let (kind, fields) = bodies::of_revocation(person);
            batch.append(kind, fields, Some(personal))
        })
    }

    /// Everybody who is or was enrolled, in the order of enrolment.
    ///
    /// # Errors
    /// The data file cannot be read.
    pub fn people(&self) -> Result<Vec<Person>, StoreError> {
        let sql = "SELECT people.person, people.name, people.standing, count(reference_templates.number),
                          min(reference_templates.model), later.person
                   FROM people
                   LEFT JOIN reference_templates ON reference_templates.person = people.number
                   LEFT JOIN people AS later ON later.number = people.replaced_by
                   GROUP BY people.number ORDER BY people.number";
        self.rows(sql, |row| {
            Ok(Person {
                id: PersonId(row.get(0)?),
                name: row.get(1)?,
                standing: standing(row, 2)?,
                references: row.get(3)?,
                model: row.get::<_, Option<String>>(4)?.as_deref().map(ModelId::new),
                reinstated_as: row.get::<_, Option<[u8; 16]>>(5)?.map(PersonId),
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

fn enrol(batch: &mut Batch<'_>, enrolment: &Enrolment) -> Result<(PersonId, RecordId), StoreError> {
    let name = enrolment.name.trim();
    let model = check(name, &enrolment.templates)?;
    let old = enrolment.reinstates.map(|old| reinstatable(batch, old)).transpose()?;
    let person = PersonId(batch.draw()?);
    let (key_id, key) = (KeyId(batch.draw()?), PersonKey::from_bytes(batch.draw()?));
    let sql = "INSERT INTO people (person, standing, name, key_id, key) VALUES (?1, 'active', ?2, ?3, ?4)";
    let row = params![person.0, name, key_id.0, key.expose()];
    batch.transaction.prepare_cached(sql).and_then(|mut it| it.execute(row)).map_err(batch.failed())?;
    let number = batch.transaction.last_insert_rowid();
    insert_references(batch, number, &enrolment.templates)?;
    if let Some(old) = old {
        replace(batch, old, number)?;
    }
    let personal = seal(batch, &key, key_id, &bodies::personal_of_enrolment(name, &enrolment.templates))?;
    let (kind, fields) = bodies::of_enrolment(person, model, enrolment.templates.len(), enrolment.reinstates);
    let record = batch.append(kind, fields, Some(personal))?;
    Ok((person, record))
}

fn insert_references(batch: &Batch<'_>, person: i64, templates: &[Template]) -> Result<(), StoreError> {
    let sql = "INSERT INTO reference_templates (person, model, vector) VALUES (?1, ?2, ?3)";
    let mut statement = batch.transaction.prepare_cached(sql).map_err(batch.failed())?;
    for template in templates {
        let (model, vector) = (template.model().as_str(), bodies::vector_bytes(template));
        statement.execute(params![person, model, vector]).map_err(batch.failed())?;
    }
    Ok(())
}

/// The old enrolment is not searched any more and knows its successor.
fn replace(batch: &Batch<'_>, old: i64, new: i64) -> Result<(), StoreError> {
    let sql = "DELETE FROM reference_templates WHERE person = ?1";
    batch.transaction.execute(sql, [old]).map_err(batch.failed())?;
    let sql = "UPDATE people SET replaced_by = ?1 WHERE number = ?2";
    batch.transaction.execute(sql, [new, old]).map_err(batch.failed())?;
    Ok(())
}

/// The model of the templates, if name and templates make an enrolment.
fn check<'a>(name: &str, templates: &'a [Template]) -> Result<&'a ModelId, StoreError> {
    let refuse = |why| Err(StoreError::UnusableEnrolment(why));
    let readable =
        !name.is_empty() && name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control);
    let Some(first) = templates.first() else {
        return refuse("there is no reference; give at least one photograph with a usable face");
    };
    let alike = |it: &Template| it.model() == first.model() && it.vector().len() == first.vector().len();
    match (readable, templates.len() <= MAX_REFERENCES, templates.iter().all(alike)) {
        (true, true, true) => Ok(first.model()),
        (false, _, _) => refuse("a name has 1 to 200 characters and no line breaks"),
        (_, false, _) => refuse("at most 24 references belong to one enrolment"),
        (_, _, false) => refuse("the references were made by different models"),
    }
}

/// The row of a revoked enrolment that nothing has taken the place of yet.
fn reinstatable(batch: &Batch<'_>, person: PersonId) -> Result<i64, StoreError> {
    let row = find(batch, person)?;
    match (row.standing, row.replaced_by) {
        (Standing::Revoked, None) => Ok(row.number),
        (Standing::Active, _) => Err(StoreError::NotRevoked(person)),
        (Standing::Revoked, Some(as_person)) => Err(StoreError::AlreadyReinstated { person, as_person }),
    }
}

fn find(batch: &Batch<'_>, person: PersonId) -> Result<Enrolled, StoreError> {
    let sql = "SELECT people.number, people.standing, people.key_id, people.key, later.person FROM people
               LEFT JOIN people AS later ON later.number = people.replaced_by WHERE people.person = ?1";
    let found = batch.transaction.query_row(sql, [person.0], |row| {
        Ok(Enrolled {
            number: row.get(0)?,
            standing: standing(row, 1)?,
            key_id: KeyId(row.get(2)?),
            key: PersonKey::from_bytes(row.get(3)?),
            replaced_by: row.get::<_, Option<[u8; 16]>>(4)?.map(PersonId),
        })
    });
    found.optional().map_err(batch.failed())?.ok_or(StoreError::UnknownPerson(person))
}

fn seal(batch: &mut Batch<'_>, key: &PersonKey, id: KeyId, value: &Value) -> Result<Personal, StoreError> {
    Personal::seal(key, id, batch.draw()?, value).map_err(StoreError::ledger("seal what is personal"))
}

fn standing(row: &Row<'_>, column: usize) -> rusqlite::Result<Standing> {
    Ok(if row.get_ref(column)?.as_str()? == "active" { Standing::Active } else { Standing::Revoked })
}

fn blob<'a>(row: &'a Row<'_>, column: usize) -> rusqlite::Result<&'a [u8]> {
    Ok(row.get_ref(column)?.as_blob()?)
}

impl fmt::Debug for Enrolment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Enrolment({} references, reinstates {:?})", self.templates.len(), self.reinstates)
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Person({}, {:?}, {} references)", self.id, self.standing, self.references)
    }
}
