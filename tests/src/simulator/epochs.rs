//! The registry's keyrings: an epoch is begun, wrapped to who is late, and an erasure is complete when nobody can go back.

use std::collections::BTreeSet;

use ledger::{AuthorId, Body, Class, Event, Feed, KeyId, RunId, Scope, Value, WrapPublic, WrapSecret};

use super::{
    address::Address,
    kiosk::TENANT,
    plan::Plant,
    registry::URGENT,
    symbols::SYMBOLS,
    world::{GROUP, REGISTRY, World},
};

impl World {
    /// New K, survivors only; new G if somebody left. Everything is wrapped to the newest key that each member published.
    pub fn begin_epoch(&mut self) {
        let members: Vec<(AuthorId, KeyId, WrapPublic, u32)> = self.wrap_targets();
        let epoch = self.registry.issued.max(self.registry.disk.chain.epoch()) + 1;
        let first = epoch == 1;
        let left = !self.truth.expelled.is_empty() && self.plant != Some(Plant::OldGroupKeyAfterExpulsion);
        let (key, group) = (self.random.bytes(), self.random.bytes());
        self.registry.issued = epoch;
        let mut chain = self.registry.disk.chain.clone();
        let scope = Scope { tenant: TENANT.into(), group: GROUP, epoch };
        chain.begin(&scope, key, (first || left).then_some(group));
        let own = chain.newest_wrap(&SYMBOLS).expect("the registry always has one");
        let clock = self.clock(Address::Registry);
        let mut bodies = Vec::new();
        let all = members.iter().map(|(device, id, public, _)| (*device, *id, *public));
        for to in all.chain([(REGISTRY.0, own.1, own.2)]) {
            bodies.extend(chain.wrap_body(&SYMBOLS, &scope, to, self.random.bytes(), clock));
        }
        for person in chain.persons().collect::<Vec<_>>() {
            bodies.extend(chain.key_body(&scope, person, self.random.bytes(), clock));
        }
        let feed = Feed::keyring(Class::Keyring, GROUP, epoch);
        let bodies: Vec<_> = bodies.into_iter().map(|body| (body, vec![])).collect();
        let opens: Vec<Body> = bodies.iter().map(|(body, _)| body.clone()).collect();
        let before = self.registry.disk.chain.clone();
        self.registry.disk.chain = chain;
        if self.write(Address::Registry, feed, bodies, false).is_none() {
            self.registry.disk.chain = before;
            return;
        }
        let used = |generation, id| BTreeSet::from([(generation, id)]);
        let generations = members.iter().map(|(device, id, _, generation)| (*device, used(*generation, *id)));
        self.registry.rows.wrapped.insert(epoch, generations.collect());
        // R_open turns with each epoch: what was wrapped to the old one stays closed.
        let chain = &mut self.registry.disk.chain;
        let _ = chain.open(&SYMBOLS, &scope, REGISTRY.0, opens.iter());
        chain.add_wrap(KeyId(self.random.bytes()), WrapSecret::from_bytes(self.random.bytes()), 0);
        let lines: Vec<RunId> = self
            .registry
            .disk
            .lines
            .values()
            .filter(|line| line.feed() == feed)
            .map(|line| line.at().run)
            .collect();
        if let Some(run) = lines.first() {
            let fields = vec![
                ("version".to_owned(), Value::Int(epoch.into())),
                ("epoch".to_owned(), Value::Int(epoch.into())),
                ("run".to_owned(), Value::bytes(run.0)),
            ];
            self.registry_writes(URGENT, "KeyringEpoch", fields, vec![], true);
        }
        for process in 0..self.registry.processes.len() {
            self.registry.serving = process;
            let commands = self.step(Address::Registry, Event::Opened(GROUP, epoch));
            self.perform(Address::Registry, commands);
        }
    }

    /// The newest wrap key of each member and its generation.
    fn wrap_targets(&self) -> Vec<(AuthorId, KeyId, WrapPublic, u32)> {
        let members = self.registry.disk.members(REGISTRY.0);
        let target = |(device, keys): (AuthorId, &BTreeSet<(KeyId, WrapPublic)>)| {
            let published = self.registry.state.newest_wrap(device);
            let first = keys.first().map(|(id, public)| (0, *id, public.0));
            let (generation, id, public) = published.or(first)?;
            Some((device, id, WrapPublic(public), generation))
        };
        members.devices().filter_map(target).collect()
    }

    /// After a restore an epoch may have been wrapped to a device whose expulsion only then came back: it is superseded.
    pub fn wrapped_to_expelled(&self) -> bool {
        let members = self.registry.disk.members(REGISTRY.0);
        let newest = self.registry.rows.wrapped.get(&self.registry.disk.chain.epoch());
        let expelled = || newest.is_some_and(|it| it.keys().any(|device| members.is_expelled(*device)));
        !self.registry.is_recovering() && expelled()
    }

    /// A person's key for the members, in the keyring of this epoch.
    pub fn give_key(&mut self, key: KeyId) {
        if self.plant == Some(Plant::KeyringInOrdinaryFeed) {
            let newest = self.registry.disk.chain.newest_group_key().map_or(0, |(epoch, _)| epoch);
            self.truth.key_under_group(newest, key);
        }
        let (epoch, clock) = (self.registry.disk.chain.epoch(), self.clock(Address::Registry));
        let scope = Scope { tenant: TENANT.into(), group: GROUP, epoch };
        let nonce = self.random.bytes();
        if let Some(body) = self.registry.disk.chain.key_body(&scope, key, nonce, clock) {
            let feed = Feed::keyring(Class::Keyring, GROUP, epoch);
            self.write(Address::Registry, feed, vec![(body, vec![])], false);
        }
    }

    /// Whoever published a wrap key that was not wrapped to and cannot open the epoch gets another wrap.
    pub fn wrap_late(&mut self) {
        let (epoch, clock) = (self.registry.disk.chain.epoch(), self.clock(Address::Registry));
        let scope = Scope { tenant: TENANT.into(), group: GROUP, epoch };
        for (device, id, public, generation) in self.wrap_targets() {
            let used = self.registry.rows.wrapped.get(&epoch).and_then(|it| it.get(&device));
            let opened = self.registry.rows.says.get(&device).is_some_and(|opened| *opened >= epoch);
            if opened || used.is_some_and(|used| used.contains(&(generation, id))) {
                continue;
            }
            let random = self.random.bytes();
            let chain = &self.registry.disk.chain;
            let Some(body) = chain.wrap_body(&SYMBOLS, &scope, (device, id, public), random, clock) else {
                return;
            };
            let feed = Feed::keyring(Class::Keyring, GROUP, epoch);
            if self.write(Address::Registry, feed, vec![(body, vec![])], false).is_some() {
                let wrapped = self.registry.rows.wrapped.entry(epoch).or_default();
                wrapped.entry(device).or_default().insert((generation, id));
            }
        }
    }

    /// An erasure is complete when every member has confirmed it, and has opened a later epoch through a wrap key that is
    /// newer than every key that an earlier epoch was wrapped to.
    pub fn complete_erasures(&mut self) {
        let members: Vec<AuthorId> =
            self.registry.disk.members(REGISTRY.0).devices().map(|(device, _)| device).collect();
        let registry = &self.registry;
        let done = |key: &KeyId, at: u32| {
            members.iter().all(|device| {
                let erased = registry.state.erased_by(*key).any(|other| other == *device);
                let opened = registry.rows.opened.get(device).copied().unwrap_or(0);
                let of = |range: &u32| registry.rows.wrapped.get(range).and_then(|it| it.get(device));
                let before = registry.rows.wrapped.keys().filter(|epoch| **epoch <= at);
                let newest = before.filter_map(of).flatten().map(|(generation, _)| *generation).max();
                let later = (at + 1..=opened).filter_map(|epoch| of(&epoch));
                let oldest_of =
                    |used: &BTreeSet<(u32, KeyId)>| used.first().map(|(generation, _)| *generation);
                erased && later.into_iter().any(|used| oldest_of(used) > newest)
            })
        };
        let complete: Vec<KeyId> = registry
            .rows
            .killed
            .iter()
            .filter(|(key, at)| !registry.rows.complete.contains(*key) && done(key, **at))
            .map(|(key, _)| *key)
            .collect();
        if !self.registry.restored {
            self.registry.rows.complete.extend(complete);
        }
    }

    /// Whether an erasure waits for an epoch that everybody can open anew.
    pub fn erasures_wait(&self) -> bool {
        self.registry.rows.killed.keys().any(|key| !self.registry.rows.complete.contains(key))
    }
}
