//! Looking people up, and never without leaving a trace: for each person and facility that is shown there is one row and one
//! record that says which operator looked, and, sealed under the person's own key, why. The trace is made first; what cannot
//! be traced is not shown.

use gate::PersonId;
use ledger::{GroupId, Kind, Value};
use records::{NewRegistration, personal_reason};
use serde::Serialize;

use super::{
    PeopleError,
    pen::{Known, Pen},
    registrations::{self, Held, Person},
    sealed,
};
use crate::{
    bytes::{hex, random},
    db::Cell,
    operators::{May, Operator},
};

/// Characters of a reason; as at the kiosk.
const MAX_REASON: usize = 1_000;
/// People of one search; who finds more is asked to be more exact, and sees nobody.
pub(crate) const MAX_FOUND: usize = 20;
/// Characters of a part of a name; one would list half a city.
const LEAST_NAME: usize = 2;
/// Accesses that are listed at once.
const MAX_LISTED: i64 = 1_000;

/// What is done with what is held about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccessKind {
    /// Read on a screen.
    LookUp,
    /// Written into a file.
    Export,
}

/// One access, without its reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct Access {
    /// The facility.
    pub(crate) facility: String,
    /// The person's id there.
    pub(crate) enrolee: String,
    /// Who looked.
    pub(crate) operator: String,
    /// `look-up` or `export`.
    pub(crate) what: String,
    /// When, in milliseconds since 1970.
    pub(crate) at_ms: i64,
    /// Why; only in a person's own export.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
}

/// A consent, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct KeptConsent {
    /// The version of the text.
    pub(crate) version: String,
    /// SHA-256 over the text as it was.
    pub(crate) digest: String,
    /// The language in which it was read.
    pub(crate) language: String,
    /// Who agreed.
    pub(crate) given_by: String,
    /// Which operator wrote it down.
    pub(crate) operator: String,
    /// When, in milliseconds since 1970.
    pub(crate) given_ms: i64,
}

/// A pass or book of coupons, opened.
pub(crate) struct KeptEntitlement {
    pub(crate) entitlement: [u8; 16],
    pub(crate) value: Value,
    pub(crate) withdrawn: bool,
}

impl AccessKind {
    /// Its word in rows and records; the kiosk's are the same.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::LookUp => "look-up",
            Self::Export => "export",
        }
    }
}

/// The person of an id, and what the operator may see of them, now traced.
pub(crate) fn look_up(
    pen: &mut dyn Pen,
    who: &Operator,
    id: [u8; 16],
    why: &str,
    kind: AccessKind,
) -> Result<(Person, Vec<Held>), PeopleError> {
    let reason = reason(why)?;
    if !who.may_somewhere(May::ReadPeople) {
        return Err(PeopleError::NotAllowed);
    }
    let person = registrations::find(pen, id)?.ok_or(PeopleError::Unknown("person"))?;
    let mut held = vec![];
    for (facility, enrolee) in registrations::of(pen, person)? {
        if who.may_in(May::ReadPeople, facility) {
            let with_face = kind == AccessKind::Export;
            held.extend(registrations::open(pen, facility, enrolee, with_face)?.filter(|it| shows(who, it)));
        }
    }
    if held.is_empty() {
        return Err(PeopleError::Unknown("person"));
    }
    for it in &held {
        trace(pen, who, &it.known, kind, &reason)?;
    }
    Ok((person, held))
}

/// Everybody of a facility whose name has this part, now traced.
pub(crate) fn search(
    pen: &mut dyn Pen,
    who: &Operator,
    facility: GroupId,
    name: &str,
    why: &str,
) -> Result<Vec<Held>, PeopleError> {
    let reason = reason(why)?;
    if !who.may_in(May::ReadPeople, facility) {
        return Err(PeopleError::NotAllowed);
    }
    let part = folded(name);
    if part.chars().count() < LEAST_NAME {
        return Err(PeopleError::Unusable("name: at least two characters of the name"));
    }
    let mut found = vec![];
    for enrolee in registrations::enrolees(pen, facility)? {
        let held = registrations::open(pen, facility, enrolee, false)?.filter(|it| shows(who, it));
        found.extend(held.filter(|it| folded(&it.profile.name).contains(&part)));
        if found.len() > MAX_FOUND {
            return Err(PeopleError::Unusable("more than 20 people are found; give more of the name"));
        }
    }
    for it in &found {
        trace(pen, who, &it.known, AccessKind::LookUp, &reason)?;
    }
    Ok(found)
}

/// The newest accesses at a facility, or to one person there; without reasons, which may hold names.
pub(crate) fn accesses(
    pen: &mut dyn Pen,
    who: &Operator,
    facility: GroupId,
    enrolee: Option<PersonId>,
) -> Result<Vec<Access>, PeopleError> {
    if !who.may_in(May::SeeAccesses, facility) {
        return Err(PeopleError::NotAllowed);
    }
    let (mut text, mut cells) = (
        "SELECT enrolee, operator, what, at_ms FROM accesses WHERE grp = $1".to_owned(),
        vec![Cell::from(facility.0)],
    );
    if let Some(enrolee) = enrolee {
        text.push_str(" AND enrolee = $2");
        cells.push(enrolee.0.into());
    }
    text.push_str(&format!(" ORDER BY at_ms DESC, access LIMIT {MAX_LISTED}"));
    let rows = pen.sql().query(&text, &cells)?;
    let read = |row: &Vec<Cell>| {
        Ok(Access {
            facility: facility.to_string(),
            enrolee: hex(row[0].bytes()?),
            operator: row[1].text()?.to_owned(),
            what: row[2].text()?.to_owned(),
            at_ms: row[3].int()?,
            why: None,
        })
    };
    rows.iter().map(read).collect()
}

/// Every access to one registration with its reason: the person has a right to it.
pub(crate) fn accesses_of(pen: &mut dyn Pen, known: &Known) -> Result<Vec<Access>, PeopleError> {
    let text = "SELECT access, operator, what, at_ms, sealed FROM accesses WHERE grp = $1 AND enrolee = $2 ORDER BY at_ms";
    let rows = pen.sql().query(text, &[known.facility.0.into(), known.enrolee.0.into()])?;
    let read = |row: &Vec<Cell>| {
        let reason = sealed::open(known, "accesses", row[0].bytes()?, row[4].bytes()?)?;
        Ok(Access {
            facility: known.facility.to_string(),
            enrolee: known.enrolee.to_string(),
            operator: row[1].text()?.to_owned(),
            what: row[2].text()?.to_owned(),
            at_ms: row[3].int()?,
            why: reason.get("reason").and_then(Value::as_text).map(str::to_owned),
        })
    };
    rows.iter().map(read).collect()
}

/// The consents of a person, oldest first.
pub(crate) fn consents_of(pen: &mut dyn Pen, person: Person) -> Result<Vec<KeptConsent>, PeopleError> {
    let text =
        "SELECT version, digest, language, given_by, operator, given_ms FROM consents WHERE person = $1
                ORDER BY given_ms, consent";
    let rows = pen.sql().query(text, &[person.0.into()])?;
    let read = |row: &Vec<Cell>| {
        let text = |at: usize| row[at].text().map(str::to_owned);
        Ok(KeptConsent {
            version: text(0)?,
            digest: hex(row[1].bytes()?),
            language: text(2)?,
            given_by: text(3)?,
            operator: text(4)?,
            given_ms: row[5].int()?,
        })
    };
    rows.iter().map(read).collect()
}

/// The passes and coupons of one registration.
pub(crate) fn entitlements_of(pen: &mut dyn Pen, known: &Known) -> Result<Vec<KeptEntitlement>, PeopleError> {
    let text = "SELECT entitlement, sealed, withdrawn FROM entitlements WHERE grp = $1 AND enrolee = $2
                ORDER BY entitlement";
    let rows = pen.sql().query(text, &[known.facility.0.into(), known.enrolee.0.into()])?;
    let read = |row: &Vec<Cell>| {
        let entitlement: [u8; 16] = row[0].array()?;
        let value = sealed::open(known, "entitlements", &entitlement, row[1].bytes()?)?;
        Ok(KeptEntitlement { entitlement, value, withdrawn: row[2].int()? != 0 })
    };
    rows.iter().map(read).collect()
}

/// Somebody under protection is there only for those who may see them.
fn shows(who: &Operator, held: &Held) -> bool {
    let NewRegistration { protected, .. } = held.profile.registered;
    !protected || who.may_in(May::SeeProtected, held.known.facility)
}

/// Writes an access down, before anything is shown.
fn trace(
    pen: &mut dyn Pen,
    who: &Operator,
    known: &Known,
    kind: AccessKind,
    reason: &Value,
) -> Result<(), PeopleError> {
    let access: [u8; 16] = random()?;
    let row = [
        access.into(),
        known.facility.0.into(),
        known.enrolee.0.into(),
        who.name.as_str().into(),
        kind.word().into(),
        sealed::seal(known, "accesses", &access, reason)?.into(),
        Cell::from(pen.now_ms()),
    ];
    let text = "INSERT INTO accesses (access, grp, enrolee, operator, what, sealed, at_ms)
                VALUES ($1, $2, $3, $4, $5, $6, $7)";
    pen.sql().execute(text, &row)?;
    let fields = vec![
        ("person", Value::bytes(known.enrolee.0)),
        ("what", Value::text(kind.word())),
        ("by", Value::Null),
        ("operator", Value::text(&who.name)),
    ];
    pen.say(known.facility, Kind::Accessed, fields, Some((known, reason)))
}

fn reason(why: &str) -> Result<Value, PeopleError> {
    let why = why.trim();
    if !(1..=MAX_REASON).contains(&why.chars().count()) {
        return Err(PeopleError::Unusable("say why, in 1 to 1000 characters"));
    }
    Ok(personal_reason(why))
}

/// A name as it is compared: without spaces, letters small, katakana as hiragana.
fn folded(name: &str) -> String {
    let hiragana = |it: char| match it {
        'ァ'..='ヶ' => char::from_u32(u32::from(it) - 0x60).unwrap_or(it),
        _ => it,
    };
    name.chars().filter(|it| !it.is_whitespace()).flat_map(char::to_lowercase).map(hiragana).collect()
}
