//! The people's side of the office: what [`super::pen`] asks for, in a real transaction of rows and records.

use gate::PersonId;
use ledger::{Class, GroupId, KeyId, Kind, PersonKey, Value};
use records::Fields;

use super::{
    PeopleError,
    pen::{Known, Pen},
};
use crate::{
    db::Sql,
    failure::Failure,
    office::{Office, Tx},
};

/// Changes something: rows and records together, or nothing. `make` may run several times.
pub(crate) fn change<T>(
    office: &mut Office,
    mut make: impl FnMut(&mut dyn Pen) -> Result<T, PeopleError>,
) -> Result<T, PeopleError> {
    let mut refused = None;
    let done = office.change(|tx| make(&mut Desk(tx)).map_err(|error| passed_on(error, &mut refused)));
    done.map_err(|failure| refused.take().unwrap_or(PeopleError::Office(failure)))
}

/// Only reads.
pub(crate) fn look<T>(
    office: &mut Office,
    read: impl FnOnce(&mut dyn Pen) -> Result<T, PeopleError>,
) -> Result<T, PeopleError> {
    let mut refused = None;
    let done = office.look(|tx| read(&mut Desk(tx)).map_err(|error| passed_on(error, &mut refused)));
    done.map_err(|failure| refused.take().unwrap_or(PeopleError::Office(failure)))
}

/// The office does a transaction again if another was in the way; so it has to see that, and the rest is kept for the caller.
#[expect(clippy::wildcard_enum_match_arm, reason = "whatever is not the database's is the caller's")]
fn passed_on(error: PeopleError, refused: &mut Option<PeopleError>) -> Failure {
    match error {
        PeopleError::Sql(error) => Failure::Sql(error),
        PeopleError::Office(failure) => failure,
        other => {
            *refused = Some(other);
            Failure::Asked("it was refused")
        }
    }
}

struct Desk<'a, 'b>(&'a mut Tx<'b>);

impl Pen for Desk<'_, '_> {
    fn sql(&mut self) -> &mut dyn Sql {
        self.0.rows()
    }

    fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }

    fn state_person(
        &mut self,
        facility: GroupId,
        enrolee: PersonId,
        key: KeyId,
        personal: &Value,
    ) -> Result<Known, PeopleError> {
        let version = self.0.person(facility, enrolee.0)?.map_or(1, |(_, version)| version + 1);
        self.0.state_person(facility, enrolee.0, key, version, personal)?;
        self.known(facility, enrolee)?.ok_or(PeopleError::Damaged("persons"))
    }

    fn known(&mut self, facility: GroupId, enrolee: PersonId) -> Result<Option<Known>, PeopleError> {
        let Some((key, _)) = self.0.person(facility, enrolee.0)? else { return Ok(None) };
        let secret = self.0.person_key(facility, key)?;
        Ok(secret.map(|secret| Known { facility, enrolee, key, secret: PersonKey::from_bytes(*secret) }))
    }

    fn say(
        &mut self,
        facility: GroupId,
        kind: Kind,
        fields: Fields,
        personal: Option<(&Known, &Value)>,
    ) -> Result<(), PeopleError> {
        let personal = personal.map(|(known, value)| (known.key, value));
        let fields = records::named(fields);
        Ok(self.0.say(Some(facility), Class::FacilityBulk, kind, fields, personal, &[])?)
    }

    fn withdraw(&mut self, known: &Known) -> Result<(), PeopleError> {
        Ok(self.0.withdraw(known.facility, known.enrolee.0)?)
    }
}
