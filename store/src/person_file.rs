//! Everything that is held about one person, for that person. Making it is an access, which it lists itself.
//!
//! What it says of others (the family that came along, who else claimed a card) is left out: those are their data.

use std::fmt;

use gate::{CredentialKind, Date, Entitlement, Now, PersonId, RecordId, Standing, Template, Way};
use ledger::{Body, PersonKey, Record, Value};
use serde_json::json;

use crate::{
    Access, AccessKind, By, Consent, DoorState, EntrantRow, NewRegistration, Owner, Store, StoreError,
    VisitOutcome, accesses,
    export::{hex, json_of},
    vault::find,
    words::Word,
};

/// Everything held under one id.
#[derive(Clone, PartialEq)]
pub struct PersonFile {
    /// The id.
    pub person: PersonId,
    /// The name.
    pub name: String,
    /// Whether the enrolment counts.
    pub standing: Standing,
    /// What is registered.
    pub registered: NewRegistration,
    /// Passes and coupons.
    pub entitlements: Vec<Entitlement>,
    /// A kind for each card and code; the digest says nothing to anybody else.
    pub credentials: Vec<CredentialKind>,
    /// What was agreed to.
    pub consents: Vec<Consent>,
    /// The references, with the model that made them.
    pub references: Vec<Template>,
    /// The visits that are linked with the person.
    pub visits: Vec<PersonVisit>,
    /// The records that speak of the person, with what is sealed in them under the person's key.
    pub records: Vec<PersonRecord>,
    /// Who looked, this time included.
    pub accesses: Vec<Access>,
    /// Enrolments of the same person under other ids.
    pub other_ids: Vec<PersonFile>,
}

/// A visit, as far as it is this person's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonVisit {
    /// Its record.
    pub record: RecordId,
    /// The day; none if there was no clock.
    pub day: Option<Date>,
    /// Minutes since midnight.
    pub minute: Option<u16>,
    /// By which way.
    pub way: Way,
    /// With which outcome.
    pub outcome: VisitOutcome,
    /// What the door did.
    pub state: DoorState,
    /// It was this person who was recognised.
    pub recognised: bool,
    /// How the person came in; none if refused.
    pub entrant: Option<EntrantRow>,
}

/// A record that speaks of the person.
#[derive(Clone, PartialEq)]
pub struct PersonRecord {
    /// Where it stands.
    pub record: RecordId,
    /// Its kind.
    pub kind: String,
    /// Milliseconds since 1970; none if there was no clock.
    pub wall_ms: Option<i64>,
    /// What is sealed under the person's key.
    pub personal: Option<Value>,
}

impl Store {
    /// Everything that is held about a person, under all ids that are theirs. It is recorded that `by` asked, and why.
    ///
    /// # Errors
    /// [`StoreError::UnknownPerson`], [`StoreError::Erased`], [`StoreError::UnusableReason`]; or the access could not be
    /// written down, then nothing is told.
    pub fn export_person(
        &mut self,
        now: Now,
        person: PersonId,
        by: By,
        why: &str,
    ) -> Result<PersonFile, StoreError> {
        let others = self.write(now, |batch| {
            let of = find(batch, person)?;
            accesses::accessed(batch, &of, AccessKind::Export, by, why)?;
            let all = crate::erase::same_person(batch, person)?;
            Ok(all.into_iter().map(|one| one.person).filter(|other| *other != person).collect::<Vec<_>>())
        })?;
        let mut file = self.person_file(person)?;
        file.other_ids = others.into_iter().map(|other| self.person_file(other)).collect::<Result<_, _>>()?;
        Ok(file)
    }

    fn person_file(&self, person: PersonId) -> Result<PersonFile, StoreError> {
        let known = self.people()?.into_iter().find(|it| it.id == person);
        let known = known.ok_or(StoreError::UnknownPerson(person))?;
        let roster = self.roster()?;
        let visits = self.visits_of(person)?;
        Ok(PersonFile {
            person,
            name: known.name,
            standing: known.standing,
            registered: known.registered,
            entitlements: roster.get(person).map(|it| it.entitlements.clone()).unwrap_or_default(),
            credentials: self.credentials_of(Owner::Person(person))?,
            consents: self.consents_of(person)?,
            references: self.references_of(person)?,
            records: self.records_of(person, &visits)?,
            visits,
            accesses: self.accesses_of(person)?,
            other_ids: Vec::new(),
        })
    }

    fn visits_of(&self, person: PersonId) -> Result<Vec<PersonVisit>, StoreError> {
        let these = "visits.person = (SELECT number FROM people WHERE person = ?1) OR visits.number IN
            (SELECT visit FROM entrants WHERE person = (SELECT number FROM people WHERE person = ?1))
            ORDER BY visits.number";
        let visits = self.visits(these, [person.0])?;
        let own = |visit: crate::VisitRow| PersonVisit {
            record: visit.record,
            day: visit.day,
            minute: visit.minute,
            way: visit.way,
            outcome: visit.outcome,
            state: visit.state,
            recognised: visit.person == Some(person),
            entrant: visit.entrants.into_iter().find(|entrant| entrant.person == Some(person)),
        };
        Ok(visits.into_iter().map(own).collect())
    }

    /// The records that an index names. Somebody who was enrolled before there was one is looked for in all of them.
    fn records_of(&self, person: PersonId, visits: &[PersonVisit]) -> Result<Vec<PersonRecord>, StoreError> {
        let key = "SELECT key FROM people WHERE person = ?1";
        let key = self.rows_of(key, [person.0], |row| Ok(PersonKey::from_bytes(row.get(0)?)))?;
        let key = key.into_iter().next().ok_or(StoreError::UnknownPerson(person))?;
        let sql = "SELECT run, seq FROM mentions JOIN people ON people.number = mentions.person
                   WHERE people.person = ?1";
        let mut places =
            self.rows_of(sql, [person.0], |row| Ok(RecordId { run: row.get(0)?, seq: row.get(1)? }))?;
        places.extend(visits.iter().map(|visit| visit.record));
        let mut found = self.opened(&places, &key)?;
        if !found.iter().any(|record| record.kind == "Enrolled") {
            let places = self.places_that_name(person)?;
            found = self.opened(&places, &key)?;
        }
        found.sort_by_key(|record| (record.wall_ms, record.record));
        found.dedup_by_key(|record| record.record);
        Ok(found)
    }

    fn opened(&self, places: &[RecordId], key: &PersonKey) -> Result<Vec<PersonRecord>, StoreError> {
        let mut found = Vec::new();
        for place in places {
            let Some(record) = self.record(*place)?.filter(|record| !record.bytes.is_empty()) else {
                continue;
            };
            let body = self.read(&record)?;
            let personal = body.personal.as_ref().and_then(|personal| personal.open(key).ok());
            let (kind, wall_ms) = (body.kind, body.clock.wall_ms);
            found.push(PersonRecord { record: *place, kind, wall_ms, personal });
        }
        Ok(found)
    }

    /// Every record whose body names an id, found by reading all of them.
    #[doc(hidden)]
    pub fn places_that_name(&self, person: PersonId) -> Result<Vec<RecordId>, StoreError> {
        let sql = "SELECT runs.run, seq, bytes FROM records JOIN runs ON runs.number = records.run
                   WHERE length(bytes) > 0 ORDER BY runs.number, seq";
        let places = self.rows(sql, |row| {
            let place = RecordId { run: row.get(0)?, seq: row.get(1)? };
            let bytes = row.get_ref(2)?.as_blob()?;
            let body = Record::parse(bytes).and_then(|it| self.opener().open(&it));
            Ok(body.is_ok_and(|body| names(&body, person)).then_some(place))
        })?;
        Ok(places.into_iter().flatten().collect())
    }
}

fn names(body: &Body, person: PersonId) -> bool {
    body.fields.iter().any(|(_, value)| holds(value, &person.0))
}

fn holds(value: &Value, id: &[u8]) -> bool {
    match value {
        Value::Bytes(bytes) => bytes == id,
        Value::Array(items) => items.iter().any(|item| holds(item, id)),
        Value::Map(entries) => entries.iter().any(|(name, value)| holds(name, id) || holds(value, id)),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Text(_) => false,
    }
}

impl PersonFile {
    /// As JSON, for a file that the person takes along.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let registered = json_of(&records::of_registration(&self.registered));
        let entitlement = |it: &Entitlement| {
            json!({
                "entitlement": hex(&it.id.0), "from": day(it.period.from), "until": day(it.period.until),
                "coupons": it.coupons.map(|coupons| coupons.granted),
                "used": it.coupons.map(|coupons| coupons.used_here + coupons.used_elsewhere),
            })
        };
        let consent = |it: &Consent| {
            json!({
                "version": it.given.version, "language": it.given.language.word(),
                "given_by": it.given.given_by.word(), "digest": hex(&it.digest), "wall_ms": it.wall_ms,
            })
        };
        let reference = |it: &Template| json!({ "model": it.model().as_str(), "vector": it.vector() });
        let record = |it: &PersonRecord| {
            json!({
                "record": it.record.to_string(), "kind": it.kind, "wall_ms": it.wall_ms,
                "personal": it.personal.as_ref().map(json_of),
            })
        };
        let access = |it: &Access| {
            json!({
                "what": it.kind.word(), "by": it.by.bytes().map(|by| hex(&by)), "why": it.why,
                "wall_ms": it.wall_ms,
            })
        };
        json!({
            "person": self.person.to_string(),
            "name": self.name,
            "standing": if self.standing == Standing::Active { "active" } else { "revoked" },
            "registered": registered,
            "entitlements": self.entitlements.iter().map(entitlement).collect::<Vec<_>>(),
            "credentials": self.credentials.iter().map(|it| it.word()).collect::<Vec<_>>(),
            "consents": self.consents.iter().map(consent).collect::<Vec<_>>(),
            "references": self.references.iter().map(reference).collect::<Vec<_>>(),
            "visits": self.visits.iter().map(PersonVisit::json).collect::<Vec<_>>(),
            "records": self.records.iter().map(record).collect::<Vec<_>>(),
            "accesses": self.accesses.iter().map(access).collect::<Vec<_>>(),
            "other_ids": self.other_ids.iter().map(Self::json).collect::<Vec<_>>(),
        })
    }
}

impl PersonVisit {
    fn json(&self) -> serde_json::Value {
        let (outcome, detail) = match &self.outcome {
            VisitOutcome::Granted => ("granted", None),
            VisitOutcome::LetIn(_) => ("let-in", None),
            VisitOutcome::Refused { reason, detail } => (reason.as_str(), detail.as_deref()),
        };
        let entrant = self.entrant.as_ref();
        json!({
            "record": self.record.to_string(), "day": day(self.day), "minute": self.minute,
            "way": self.way.word(), "outcome": outcome, "detail": detail, "door": self.state.word(),
            "recognised": self.recognised,
            "fee": entrant.and_then(|it| it.fee.as_ref()).map(|fee| fee.0.to_string()),
            "uses": entrant.and_then(|it| it.uses).map(|it| hex(&it.0)),
        })
    }
}

fn day(date: Option<Date>) -> Option<String> {
    date.map(|date| date.to_string())
}

impl fmt::Debug for PersonFile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "PersonFile({}, {} visits, {} records)",
            self.person,
            self.visits.len(),
            self.records.len()
        )
    }
}

impl fmt::Debug for PersonRecord {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PersonRecord({}, {})", self.record, self.kind)
    }
}
