//! Enrolling people: one, many, or a household. All rows and records of one call are one transaction.
//!
//! A person may be enrolled without a reference (a newborn, somebody who does not want one), if the caller says so; then
//! no face finds them. Whoever is enrolled in the place of a revoked enrolment keeps what was registered and the
//! entitlements, unless something new is given; cards and codes are to be bound anew, because a lost one may have been the
//! reason.

use std::fmt;

use gate::{ModelId, Now, PersonId, RecordId, Standing, Template};
use ledger::{KeyId, PersonKey};
use records::{MAX_REFERENCES, Profile};
use rusqlite::params;

use crate::{
    By, ConsentGiven, NewRegistration, Store, StoreError, consent,
    feeds::Batch,
    registration,
    vault::{Enrolled, find},
};

/// Characters of a name. Longer than any name on a form; it keeps a record small.
pub const MAX_NAME: usize = 200;

/// Somebody to enrol.
#[derive(Default)]
pub struct Enrolment {
    /// The name that the staff sees.
    pub name: String,
    /// The references: 1 to [`MAX_REFERENCES`], all by one model. None only `without_face`.
    pub templates: Vec<Template>,
    /// The revoked enrolment that this one takes the place of.
    pub reinstates: Option<PersonId>,
    /// There is no reference, and that is meant so.
    pub without_face: bool,
    /// What is known of the person. If it is the default and another enrolment is reinstated, what was known stays.
    pub registered: NewRegistration,
    /// The consent that was given, if one was.
    pub consent: Option<ConsentGiven>,
    /// Who enrols.
    pub by: By,
}

impl Store {
    /// Enrols one person and returns the new id with the record that says so.
    ///
    /// # Errors
    /// [`StoreError::UnusableEnrolment`], [`StoreError::UnknownPerson`], [`StoreError::Erased`],
    /// [`StoreError::NotRevoked`], [`StoreError::AlreadyReinstated`], [`StoreError::UnknownHousehold`],
    /// [`StoreError::SecondRepresentative`], [`StoreError::UnknownConsentText`]; or the write failed. Then nobody was
    /// enrolled.
    pub fn enrol(&mut self, now: Now, enrolment: Enrolment) -> Result<(PersonId, RecordId), StoreError> {
        self.write(now, |batch| enrol(batch, &enrolment, &enrolment.registered))
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
        self.write(now, |batch| {
            let enrol = |it: Enrolment| enrol(batch, &it, &it.registered);
            enrolments.into_iter().map(enrol).collect()
        })
    }
}

/// Enrols under `registered`, which is what the enrolment says, or that with the household that was made for it.
pub(crate) fn enrol(
    batch: &mut Batch<'_>,
    enrolment: &Enrolment,
    registered: &NewRegistration,
) -> Result<(PersonId, RecordId), StoreError> {
    let name = enrolment.name.trim();
    let model = check(name, enrolment)?;
    let old = enrolment.reinstates.map(|old| reinstatable(batch, old)).transpose()?;
    let new = insert_person(batch, name)?;
    insert_references(batch, new.number, &enrolment.templates)?;
    let known = match &old {
        Some(old) => replace(batch, old, &new, registered)?,
        None => registered.clone(),
    };
    registration::insert(batch, &new, &known)?;
    let profile = Profile::new(name, &enrolment.templates, &known);
    let personal = profile.of_enrolment();
    let fields = records::of_enrolment(
        new.person,
        model,
        enrolment.templates.len(),
        enrolment.reinstates,
        enrolment.by.staff(),
    );
    let record = batch.say(&new, "Enrolled", fields, Some(&personal))?;
    batch.enrolled_here(&new, &profile)?;
    if let Some(given) = &enrolment.consent {
        consent::give(batch, &new, given, enrolment.by)?;
    }
    Ok((new.person, record))
}

/// A new id with a key of its own.
fn insert_person(batch: &mut Batch<'_>, name: &str) -> Result<Enrolled, StoreError> {
    let person = PersonId(batch.draw()?);
    let (key_id, key) = (KeyId(batch.draw()?), PersonKey::from_bytes(batch.draw()?));
    let sql = "INSERT INTO people (person, standing, name, key_id, key) VALUES (?1, 'active', ?2, ?3, ?4)";
    batch.execute(sql, params![person.0, name, key_id.0, key.expose()])?;
    let number = batch.transaction.last_insert_rowid();
    Ok(Enrolled { number, person, standing: Standing::Active, key_id, key, replaced_by: None })
}

fn insert_references(batch: &Batch<'_>, person: i64, templates: &[Template]) -> Result<(), StoreError> {
    let sql = "INSERT INTO reference_templates (person, model, vector) VALUES (?1, ?2, ?3)";
    for template in templates {
        let (model, vector) = (template.model().as_str(), records::vector_bytes(template));
        batch.execute(sql, params![person, model, vector])?;
    }
    Ok(())
}

/// The old enrolment is not searched any more and knows its successor, who has its entitlements. Returns what counts for
/// the successor.
fn replace(
    batch: &Batch<'_>,
    old: &Enrolled,
    new: &Enrolled,
    registered: &NewRegistration,
) -> Result<NewRegistration, StoreError> {
    let was = registration::take(batch, old)?;
    batch.execute("DELETE FROM reference_templates WHERE person = ?1", [old.number])?;
    batch.execute("DELETE FROM credentials WHERE person = ?1", [old.number])?;
    let change = "UPDATE entitlements SET person = ?1 WHERE person = ?2";
    batch.execute(change, [new.number, old.number])?;
    batch.execute("UPDATE people SET replaced_by = ?1 WHERE number = ?2", [new.number, old.number])?;
    Ok(if *registered == NewRegistration::default() { was } else { registered.clone() })
}

/// The model of the templates, if name and templates make an enrolment; none where no face is meant to be known.
fn check<'a>(name: &str, enrolment: &'a Enrolment) -> Result<Option<&'a ModelId>, StoreError> {
    let refuse = |why| Err(StoreError::UnusableEnrolment(why));
    if !is_name(name) {
        return refuse("a name has 1 to 200 characters and no line breaks");
    }
    let templates = &enrolment.templates;
    let first = match (templates.first(), enrolment.without_face) {
        (None, true) => return Ok(None),
        (None, false) => {
            return refuse("there is no reference; give at least one photograph with a usable face");
        }
        (Some(_), true) => return refuse("there are references, although the face shall not be known"),
        (Some(first), false) => first,
    };
    let alike = |it: &Template| it.model() == first.model() && it.vector().len() == first.vector().len();
    match (templates.len() <= MAX_REFERENCES, templates.iter().all(alike)) {
        (true, true) => Ok(Some(first.model())),
        (false, _) => refuse("at most 24 references belong to one enrolment"),
        (_, false) => refuse("the references were made by different models"),
    }
}

/// Whether a text can be a name on a screen and in a list.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control)
}

/// The row of a revoked enrolment that nothing has taken the place of yet.
fn reinstatable(batch: &Batch<'_>, person: PersonId) -> Result<Enrolled, StoreError> {
    let row = find(batch, person)?;
    match (row.standing, row.replaced_by) {
        (Standing::Revoked, None) => Ok(row),
        (Standing::Active, _) => Err(StoreError::NotRevoked(person)),
        (Standing::Revoked, Some(as_person)) => Err(StoreError::AlreadyReinstated { person, as_person }),
    }
}

impl fmt::Debug for Enrolment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Enrolment({} references, reinstates {:?})", self.templates.len(), self.reinstates)
    }
}
