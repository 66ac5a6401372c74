//! What the vault knows of people, as the gate's rules take it.

use gate::{CredentialKind, PersonId, Roster};
use store::{Store, StoreError};

/// Everybody who is registered.
pub(crate) fn roster(store: &mut Store) -> Result<Roster, StoreError> {
    store.roster()
}

/// Whose credential it is.
pub(crate) fn owner_of(_: &mut Store, _: CredentialKind, _: &[u8]) -> Result<Option<PersonId>, StoreError> {
    Ok(None)
}
