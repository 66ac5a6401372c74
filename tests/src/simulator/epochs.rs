//! The registry's keyrings: an epoch is begun, wrapped to who is late, and an erasure is complete when nobody can go back.

use ledger::{
    Body, Class, Event, Feed, KeyId, RunId, Scope, Value, WrapSecret,
    epochs::{self, Target},
};

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
        let targets = self.wrap_targets();
        let members = self.registry.disk.members(REGISTRY.0);
        let (before, rows) = (self.registry.disk.chain.epoch(), &self.registry.rows.epochs);
        let newest = self.registry.disk.chain.newest_group_key().map(|(epoch, _)| epoch);
        let careless = self.plant == Some(Plant::OldGroupKeyAfterExpulsion) && newest.is_some();
        let new_group_key = !careless && epochs::needs_group_key(rows, &members, newest, before);
        let epoch = epochs::next(self.registry.issued, before);
        let (key, group) = (self.random.bytes(), self.random.bytes());
        self.registry.issued = epoch;
        let mut chain = self.registry.disk.chain.clone();
        let scope = Scope { tenant: TENANT.into(), group: GROUP, epoch };
        chain.begin(&scope, key, new_group_key.then_some(group));
        let own = chain.newest_wrap(&SYMBOLS).expect("the registry always has one");
        let clock = self.clock(Address::Registry);
        let mut bodies = Vec::new();
        let all = targets.iter().map(|target| (target.device, target.wrap, target.public));
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
        self.registry.rows.epochs.begun(epoch, &targets);
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

    fn wrap_targets(&self) -> Vec<Target> {
        epochs::targets(&self.registry.disk.members(REGISTRY.0), GROUP, &self.registry.state)
    }

    /// After a restore an epoch may have been wrapped to a device whose expulsion only then came back: it is superseded.
    pub fn wrapped_to_expelled(&self) -> bool {
        let members = self.registry.disk.members(REGISTRY.0);
        let epoch = self.registry.disk.chain.epoch();
        !self.registry.is_recovering()
            && epochs::wrapped_to_expelled(&self.registry.rows.epochs, &members, epoch)
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
        for target in epochs::late(&self.registry.rows.epochs, &self.wrap_targets(), epoch) {
            let random = self.random.bytes();
            let (chain, to) = (&self.registry.disk.chain, (target.device, target.wrap, target.public));
            let Some(body) = chain.wrap_body(&SYMBOLS, &scope, to, random, clock) else {
                return;
            };
            let feed = Feed::keyring(Class::Keyring, GROUP, epoch);
            if self.write(Address::Registry, feed, vec![(body, vec![])], false).is_some() {
                self.registry.rows.epochs.wrap(epoch, &target);
            }
        }
    }

    /// Notes which erasures are complete.
    pub fn complete_erasures(&mut self) {
        let members = self.registry.disk.members(REGISTRY.0);
        let registry = &mut self.registry;
        if !registry.restored {
            let complete = epochs::completed(&registry.rows.epochs, &members, GROUP, &registry.state);
            registry.rows.epochs.complete.extend(complete);
        }
    }

    /// Whether an erasure waits for an epoch that everybody can open anew.
    pub fn erasures_wait(&self) -> bool {
        epochs::erasures_wait(&self.registry.rows.epochs)
    }
}
