//! The rows of registrations: who is known at which facility, under which id, and what is said of the person there.

use std::fmt;

use gate::{HouseholdId, ModelId, PersonId};
use ledger::{GroupId, KeyId, Value};
use records::Profile;
use zeroize::Zeroizing;

use super::{
    PeopleError,
    pen::{Known, Pen},
    sealed,
};
use crate::{bytes::random, db::Cell};

const TABLE: &str = "registrations";
const FACE: &[u8] = b"face";

/// A person of the tenant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Person(pub(crate) [u8; 16]);

/// A registration, opened.
pub(crate) struct Held {
    pub(crate) known: Known,
    pub(crate) person: Person,
    pub(crate) profile: Profile,
}

impl fmt::Display for Person {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&crate::bytes::hex(&self.0))
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// The facilities of the registry, with their names.
pub(crate) fn facilities(pen: &mut dyn Pen) -> Result<Vec<(GroupId, String)>, PeopleError> {
    let rows = pen.sql().query("SELECT grp, name FROM facilities ORDER BY name", &[])?;
    rows.iter().map(|row| Ok((GroupId(row[0].array()?), row[1].text()?.to_owned()))).collect()
}

/// The person whose id, or whose enrolee id at some facility, this is.
pub(crate) fn find(pen: &mut dyn Pen, id: [u8; 16]) -> Result<Option<Person>, PeopleError> {
    let text = "SELECT person FROM registrations WHERE person = $1 OR enrolee = $1 LIMIT 1";
    let rows = pen.sql().query(text, &[id.into()])?;
    Ok(rows.first().map(|row| row[0].array()).transpose()?.map(Person))
}

/// Where a person is registered, and under which id.
pub(crate) fn of(pen: &mut dyn Pen, person: Person) -> Result<Vec<(GroupId, PersonId)>, PeopleError> {
    let text = "SELECT grp, enrolee FROM registrations WHERE person = $1 ORDER BY grp";
    let rows = pen.sql().query(text, &[person.0.into()])?;
    rows.iter().map(|row| Ok((GroupId(row[0].array()?), PersonId(row[1].array()?)))).collect()
}

/// Everybody of a facility.
pub(crate) fn enrolees(pen: &mut dyn Pen, facility: GroupId) -> Result<Vec<PersonId>, PeopleError> {
    let rows = pen
        .sql()
        .query("SELECT enrolee FROM registrations WHERE grp = $1 ORDER BY enrolee", &[facility.0.into()])?;
    rows.iter().map(|row| Ok(PersonId(row[0].array()?))).collect()
}

/// States a new registration and keeps it.
pub(crate) fn state_new(
    pen: &mut dyn Pen,
    facility: GroupId,
    person: Person,
    profile: &Profile,
) -> Result<Known, PeopleError> {
    let (enrolee, key) = (PersonId(random()?), KeyId(random()?));
    let known = pen.state_person(facility, enrolee, key, &profile.of_person())?;
    let (sealed, face) = cells(&known, profile)?;
    let row = [
        facility.0.into(),
        enrolee.0.into(),
        person.0.into(),
        profile.registered.household.map(|it| it.0).into(),
        sealed.into(),
        face.into(),
        Cell::from(pen.now_ms()),
    ];
    let text = "INSERT INTO registrations (grp, enrolee, person, household, sealed, face, added_ms)
                VALUES ($1, $2, $3, $4, $5, $6, $7)";
    pen.sql().execute(text, &row)?;
    Ok(known)
}

/// States what is said of somebody now, and keeps it.
pub(crate) fn state_again(pen: &mut dyn Pen, known: &Known, profile: &Profile) -> Result<(), PeopleError> {
    pen.state_person(known.facility, known.enrolee, known.key, &profile.of_person())?;
    let (sealed, face) = cells(known, profile)?;
    let household = profile.registered.household.map(|it| it.0).into();
    let row = [known.facility.0.into(), known.enrolee.0.into(), household, sealed.into(), face.into()];
    let text =
        "UPDATE registrations SET household = $3, sealed = $4, face = $5 WHERE grp = $1 AND enrolee = $2";
    pen.sql().execute(text, &row)?;
    Ok(())
}

/// Opens a registration. The references are opened only where they are asked for.
pub(crate) fn open(
    pen: &mut dyn Pen,
    facility: GroupId,
    enrolee: PersonId,
    with_face: bool,
) -> Result<Option<Held>, PeopleError> {
    let text = if with_face {
        "SELECT person, sealed, face FROM registrations WHERE grp = $1 AND enrolee = $2"
    } else {
        "SELECT person, sealed, NULL FROM registrations WHERE grp = $1 AND enrolee = $2"
    };
    let rows = pen.sql().query(text, &[facility.0.into(), enrolee.0.into()])?;
    let Some(row) = rows.first() else { return Ok(None) };
    let known = pen.known(facility, enrolee)?.ok_or(PeopleError::Damaged("secrets"))?;
    let (name, registered) = read(&sealed::open(&known, TABLE, b"", row[1].bytes()?)?)?;
    let mut profile = Profile { name, model: None, vectors: vec![], registered };
    if row[2] != Cell::Null {
        (profile.model, profile.vectors) = read_face(&sealed::open(&known, TABLE, FACE, row[2].bytes()?)?)?;
    }
    Ok(Some(Held { known, person: Person(row[0].array()?), profile }))
}

/// Everybody of one household.
pub(crate) fn of_household(
    pen: &mut dyn Pen,
    facility: GroupId,
    household: HouseholdId,
) -> Result<Vec<PersonId>, PeopleError> {
    let text = "SELECT enrolee FROM registrations WHERE grp = $1 AND household = $2 ORDER BY enrolee";
    let rows = pen.sql().query(text, &[facility.0.into(), household.0.into()])?;
    rows.iter().map(|row| Ok(PersonId(row[0].array()?))).collect()
}

fn cells(known: &Known, profile: &Profile) -> Result<(Vec<u8>, Option<Vec<u8>>), PeopleError> {
    let said = Value::Map(vec![
        (Value::text("name"), Value::text(&profile.name)),
        (Value::text("registered"), records::of_registration(&profile.registered)),
    ]);
    let face = profile.model.as_ref().map(|model| {
        let vectors = profile.vectors.iter().map(|it| Value::bytes(it.as_slice())).collect();
        Value::Map(vec![
            (Value::text("model"), Value::text(model.as_str())),
            (Value::text("templates"), Value::Array(vectors)),
        ])
    });
    let face = face.map(|face| sealed::seal(known, TABLE, FACE, &face)).transpose()?;
    Ok((sealed::seal(known, TABLE, b"", &said)?, face))
}

fn read(value: &Value) -> Result<(String, records::NewRegistration), PeopleError> {
    let name = value.get("name").and_then(Value::as_text).map(str::to_owned);
    let registered = value.get("registered").and_then(records::registration);
    name.zip(registered).ok_or(PeopleError::Damaged(TABLE))
}

type Face = (Option<ModelId>, Vec<Zeroizing<Vec<u8>>>);

fn read_face(value: &Value) -> Result<Face, PeopleError> {
    let model = value.get("model").and_then(Value::as_text).map(ModelId::new);
    let vectors = value.get("templates").and_then(Value::as_array).ok_or(PeopleError::Damaged(TABLE))?;
    let bytes = |it: &Value| it.as_bytes().map(|it| Zeroizing::new(it.to_vec()));
    let vectors = vectors.iter().map(bytes).collect::<Option<_>>().ok_or(PeopleError::Damaged(TABLE))?;
    Ok((model, vectors))
}
