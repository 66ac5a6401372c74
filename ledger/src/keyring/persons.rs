//! Persons' keys in a chain, for a vault that keeps each in a row of its own, so that one can be overwritten without the rest.

use super::Chain;
use crate::{KeyId, PersonKey};
use std::collections::BTreeMap;

impl Chain {
    /// The key of a person, if held.
    pub fn person_key(&self, id: KeyId) -> Option<PersonKey> {
        self.persons.get(&id).map(|key| PersonKey::from_bytes(**key))
    }

    /// The same chain without any person's key.
    pub fn without_persons(&self) -> Chain {
        Chain {
            group: self.group,
            wraps: self.wraps.clone(),
            groups: self.groups.clone(),
            others: self.others.clone(),
            epoch_key: self.epoch_key.clone(),
            persons: BTreeMap::new(),
        }
    }
}
