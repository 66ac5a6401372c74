//! What people need of the ledger in one transaction: rows, keys, and records that state them. The office's transaction is
//! one; tests have one in memory, so that the rules here can be asked without a ledger.

use gate::PersonId;
use ledger::{GroupId, KeyId, Kind, PersonKey, Value};
use records::Fields;

use super::PeopleError;
use crate::db::Sql;

/// An enrolee of one facility with the key that closes what is said of the person there.
pub(crate) struct Known {
    /// The facility.
    pub(crate) facility: GroupId,
    /// The person's id there, and nowhere else.
    pub(crate) enrolee: PersonId,
    /// The key's name.
    pub(crate) key: KeyId,
    /// The key.
    pub(crate) secret: PersonKey,
}

/// A transaction: rows and records of it are there together or not at all.
pub(crate) trait Pen {
    /// The rows.
    fn sql(&mut self) -> &mut dyn Sql;

    /// Milliseconds since 1970.
    fn now_ms(&self) -> i64;

    /// States everything that is said of an enrolee, under the next version. If the key of this name is new, it is drawn, and
    /// the facility's kiosks get it by the keyring.
    fn state_person(
        &mut self,
        facility: GroupId,
        enrolee: PersonId,
        key: KeyId,
        personal: &Value,
    ) -> Result<Known, PeopleError>;

    /// An enrolee whose key is there.
    fn known(&mut self, facility: GroupId, enrolee: PersonId) -> Result<Option<Known>, PeopleError>;

    /// States something in the facility's bulk lane, with a personal part if one is given.
    fn say(
        &mut self,
        facility: GroupId,
        kind: Kind,
        fields: Fields,
        personal: Option<(&Known, &Value)>,
    ) -> Result<(), PeopleError>;

    /// States in the urgent lane that the enrolee is gone, and destroys the key.
    fn withdraw(&mut self, known: &Known) -> Result<(), PeopleError>;
}
