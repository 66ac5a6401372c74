//! Who belongs, folded from the control feed, which everybody can read. A join: the order of records does not matter, and who
//! was expelled once stays out (a device that comes back comes back with a new key).
//!
//! A device belongs to one group, and that decides what it carries: see [`Members::carries`]. Admitted to two, which no
//! registry says, it belongs to the lesser name, so that all replicas agree.

use crate::{AuthorId, Body, Class, Kind, Prior, RecordId, RunId, Value, WrapPublic};
use crate::{Feed, GroupId, KeyId};
use std::collections::{BTreeMap, BTreeSet};

/// What an author's record counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The registry's.
    Registry,
    /// A member's.
    Member,
    /// Of a device that was expelled, and beyond what counts of it: kept, not applied.
    Expelled,
    /// Nobody that the control feed knows.
    Stranger,
}

/// What was said of a device that belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Admission {
    group: GroupId,
    keys: BTreeSet<(KeyId, WrapPublic)>,
}

/// The members of a tenant as far as a replica has read the control feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Members {
    registry: AuthorId,
    admitted: BTreeMap<AuthorId, Admission>,
    expelled: BTreeMap<AuthorId, BTreeMap<RunId, u64>>,
}

impl Members {
    /// `registry`: whose control feed the replica believes; the voucher says it.
    pub fn new(registry: AuthorId) -> Members {
        Members { registry, admitted: BTreeMap::new(), expelled: BTreeMap::new() }
    }

    /// The registry.
    pub fn registry(&self) -> AuthorId {
        self.registry
    }

    /// Takes a statement of the control feed; true if it changed who belongs or how far somebody counts.
    /// Nothing for another kind or missing fields.
    pub fn apply(&mut self, kind: Kind, body: &Body) -> Option<bool> {
        let device = || Some(AuthorId(body.get("device")?.as_array_of()?));
        if kind == Kind::Admitted {
            let group = GroupId(body.get("group")?.as_array_of()?);
            let id = KeyId(body.get("wrap")?.as_array_of()?);
            let public = WrapPublic(body.get("wrap_key")?.as_array_of()?);
            return Some(self.admit(device()?, group, (id, public)));
        }
        if kind == Kind::Expelled {
            let runs = body.get("runs")?.as_array()?;
            let runs: BTreeMap<RunId, u64> = runs
                .iter()
                .map(|run| Prior::from_value(run).map(|prior| (prior.run, prior.length)))
                .collect::<Option<_>>()?;
            return Some(self.expel(device()?, runs));
        }
        None
    }

    fn admit(&mut self, device: AuthorId, group: GroupId, key: (KeyId, WrapPublic)) -> bool {
        let before = self.admitted.get(&device).cloned();
        let fresh = Admission { group, keys: BTreeSet::new() };
        let admission = self.admitted.entry(device).or_insert(fresh);
        admission.group = group.min(admission.group);
        admission.keys.insert(key);
        before.as_ref() != Some(admission)
    }

    /// Of two statements about one device the narrower counts, run by run.
    fn expel(&mut self, device: AuthorId, runs: BTreeMap<RunId, u64>) -> bool {
        let before = self.expelled.get(&device).cloned();
        let narrower = match &before {
            None => runs,
            Some(old) => {
                let both = |(run, length): (&RunId, &u64)| Some((*run, *runs.get(run)?.min(length)));
                old.iter().filter_map(both).collect()
            }
        };
        let changed = before.as_ref() != Some(&narrower);
        self.expelled.insert(device, narrower);
        changed
    }

    /// What a record of this author at this place counts for.
    pub fn standing(&self, author: AuthorId, at: RecordId) -> Standing {
        if author == self.registry {
            return Standing::Registry;
        }
        match (self.admitted.contains_key(&author), self.expelled.get(&author)) {
            (false, _) => Standing::Stranger,
            (true, None) => Standing::Member,
            (true, Some(runs)) if runs.get(&at.run).is_some_and(|length| at.seq < *length) => {
                Standing::Member
            }
            (true, Some(_)) => Standing::Expelled,
        }
    }

    /// Whether this author may open a run in this feed at all; of the expelled too, since what they say is kept. A feed of
    /// a device that names a group names its own.
    pub fn may_write(&self, author: AuthorId, feed: Feed) -> bool {
        if feed.class.is_registrys() {
            return author == self.registry;
        }
        self.group_of(author).is_some_and(|own| feed.group.is_none_or(|named| named == own))
    }

    /// The group that a device was admitted to, expelled or not.
    pub fn group_of(&self, device: AuthorId) -> Option<GroupId> {
        self.admitted.get(&device).map(|admission| admission.group)
    }

    /// Whether a device, or its agent, has any use for a run: of the registry what concerns all and its own group, of
    /// devices those of its group. Before its admission is read it carries the control feed and nothing else.
    pub fn carries(&self, device: AuthorId, author: AuthorId, feed: Feed) -> bool {
        let Some(group) = self.group_of(device) else { return feed.class == Class::Control };
        if feed.class.is_registrys() {
            feed.group.is_none_or(|named| named == group)
        } else {
            self.group_of(author) == Some(group)
        }
    }

    /// Whether it was expelled.
    pub fn is_expelled(&self, device: AuthorId) -> bool {
        self.expelled.contains_key(&device)
    }

    /// The devices that do not belong any more.
    pub fn expelled_devices(&self) -> impl Iterator<Item = AuthorId> {
        self.expelled.keys().copied()
    }

    /// The devices that belong now, with the keys that they were admitted with.
    pub fn devices(&self) -> impl Iterator<Item = (AuthorId, &BTreeSet<(KeyId, WrapPublic)>)> {
        let still = |(device, _): &(&AuthorId, _)| !self.is_expelled(**device);
        self.admitted.iter().filter(still).map(|(device, admission)| (*device, &admission.keys))
    }

    /// The devices that belong to a group now, with the keys that they were admitted with.
    pub fn devices_of(
        &self,
        group: GroupId,
    ) -> impl Iterator<Item = (AuthorId, &BTreeSet<(KeyId, WrapPublic)>)> {
        self.devices().filter(move |(device, _)| self.group_of(*device) == Some(group))
    }

    /// The fields of `Admitted`.
    pub fn admitted(
        device: AuthorId,
        group: GroupId,
        wrap: KeyId,
        public: WrapPublic,
    ) -> Vec<(String, Value)> {
        let fields = [
            ("device", Value::bytes(device.0)),
            ("group", Value::bytes(group.0)),
            ("wrap", Value::bytes(wrap.0)),
            ("wrap_key", Value::bytes(public.0)),
        ];
        fields.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    /// The fields of `Expelled`. Nothing for a length beyond 63 bits.
    pub fn expelled(device: AuthorId, runs: &[Prior]) -> Option<Vec<(String, Value)>> {
        let runs = runs.iter().map(|prior| prior.to_value()).collect::<Option<_>>()?;
        Some(vec![("device".to_owned(), Value::bytes(device.0)), ("runs".to_owned(), Value::Array(runs))])
    }
}

/// Where a record comes from: whose it is, and in which feed it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The author of its run.
    pub author: AuthorId,
    /// The feed of its run.
    pub feed: Feed,
}
