//! What a vault asks of the state about one person at a time, so that it can follow without reading all of it.

use super::{Name, State, Version, said, version};
use crate::{Body, KeyId, Kind};

impl State {
    /// The key of a person who may be searched; nothing for one who may not, or who is not known.
    pub fn searched(&self, person: Name) -> Option<KeyId> {
        let known = self.people.get(&person).filter(|_| !self.withdrawn.contains(&person))?;
        (!self.is_closed(known.key)).then_some(known.key)
    }

    /// Whether somebody closed this person: withdrawn, revoked, suspended or declined.
    pub fn is_withdrawn(&self, person: Name) -> bool {
        self.withdrawn.contains(&person)
    }

    /// Whether a device wants this key destroyed, confirmed or not.
    pub fn is_asked_to_kill(&self, key: KeyId) -> bool {
        self.device_kills.iter().any(|(_, killed)| *killed == key)
    }
}

impl Version {
    /// What a body of a register counts for: of the registry its number, of a device's enrolment nothing but what it says.
    pub fn of(kind: Kind, body: &Body) -> Option<Version> {
        if kind == Kind::Enrolled { Some(Version { number: 0, said: said(body) }) } else { version(body) }
    }
}
