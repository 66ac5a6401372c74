//! A kiosk's driver: journal before pulse, keys in the vault, the gallery from the state.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ledger::{
    AuthorId, Chain, Class, Event, Feed, Freshness, Head, KeyId, Name, Receipt, Record, Role, RunId,
    RunWriter, Scope, SignedHead, Source, State, Sync, Value, WrapSecret, root_of,
};

use super::{
    address::Address,
    disk::Disk,
    plan::Plant,
    symbols::{Random, SYMBOLS, Symbol},
    world::{GROUP, REGISTRY, World},
};

/// The feeds of a device.
pub const DEVICE_URGENT: Feed = Feed::of(Class::DeviceUrgent);
/// The feed of the door.
pub const DEVICE_BULK: Feed = Feed::of(Class::DeviceBulk);
/// The tenant's name.
pub const TENANT: &str = "city";

/// A kiosk.
pub struct Kiosk {
    /// Journal and vault.
    pub disk: Disk,
    /// Its part of the conversation.
    pub sync: Sync,
    /// Older states of the store.
    pub images: VecDeque<Disk>,
    /// The writers of this process.
    pub pens: BTreeMap<Feed, RunWriter>,
    /// What a planted bug takes up again after a restart.
    pub saved: BTreeMap<Feed, RunWriter>,
    /// What its records say.
    pub state: State,
    /// Who is searched.
    pub gallery: BTreeSet<Name>,
    /// Every key that a record in the store kills on the registry's word.
    pub killed: BTreeSet<KeyId>,
    /// How old what it knows may be.
    pub freshness: Freshness,
    /// The nonce of its last head.
    pub nonce: [u8; 16],
    /// Outside of the disk: the generation of the key that wraps what is in the vault.
    pub wraps_now: u32,
    /// How wrong the wall clock is.
    pub wall_offset_ms: i64,
    /// Its store was put back to an older state at least once.
    pub restored: bool,
    /// It was stolen: it says nothing any more, and what it held is known.
    pub stolen: bool,
    /// When the newest receipt that it verified was signed, in the world's time.
    pub signed_at: Option<u64>,
    /// What a planted bug does not destroy.
    pub hoard: Vec<Chain>,
}

impl Kiosk {
    /// Its name.
    pub fn name(number: usize) -> Symbol {
        Symbol(AuthorId([number as u8 + 1; 32]))
    }

    /// A new kiosk with its first wrap key.
    pub fn new(number: usize, random: &mut Random) -> Kiosk {
        let mut disk = Disk::default();
        disk.chain.add_wrap(KeyId(random.bytes()), WrapSecret::from_bytes(random.bytes()), 0);
        Kiosk {
            disk,
            sync: Sync::new(Role::Kiosk, Kiosk::name(number).0, REGISTRY.0, &SYMBOLS),
            images: VecDeque::new(),
            pens: BTreeMap::new(),
            saved: BTreeMap::new(),
            state: State::default(),
            gallery: BTreeSet::new(),
            killed: BTreeSet::new(),
            freshness: Freshness::default(),
            nonce: [0; 16],
            wraps_now: 0,
            wall_offset_ms: 0,
            restored: false,
            stolen: false,
            signed_at: None,
            hoard: Vec::new(),
        }
    }
}

impl World {
    /// The kiosk's process is new.
    pub fn kiosk_restarted(&mut self, number: usize) {
        let again = self.plant == Some(Plant::ContinueRunAfterRestart);
        let kiosk = &mut self.kiosks[number];
        kiosk.pens = if again { kiosk.saved.clone() } else { BTreeMap::new() };
        if kiosk.disk.wrapped_by != kiosk.wraps_now {
            kiosk.disk.chain = kiosk.disk.chain.without_wrapped();
            kiosk.disk.wrapped_by = kiosk.wraps_now;
        }
        kiosk.freshness = Freshness::new(kiosk.disk.answered);
        kiosk.killed = killed(&kiosk.disk);
        kiosk.gallery.clear();
    }

    /// An older state of the store is put back.
    pub fn restore_kiosk(&mut self, number: usize, disk: Disk) {
        let kiosk = &mut self.kiosks[number];
        kiosk.restored = true;
        // A bug that takes runs up again takes them up where the disk has them.
        let lines = &disk.lines;
        kiosk.saved.retain(|_, pen| lines.contains_key(&pen.run()));
        kiosk.disk = disk;
        self.restart(Address::Kiosk(number));
    }

    /// It has new records.
    pub fn kiosk_folds(&mut self, number: usize, source: Source, records: &[Record]) {
        let kiosk = &mut self.kiosks[number];
        let members = kiosk.sync.members().clone();
        for record in records {
            let _ = kiosk.state.apply(record, &source, &members, &kiosk.disk.chain);
            if source.author == REGISTRY.0 {
                kiosk.killed.extend(&record.header.kills);
            }
        }
        self.kiosk_settles(number, source.feed.class.is_keyring());
        let snapshot = self.plant == Some(Plant::NoTombstoneOnSnapshot);
        if snapshot && source.feed.class == Class::FacilityBulk {
            self.kiosks[number].takes_all(records);
            self.check_gallery(number);
        }
    }

    /// Makes vault and gallery follow the state.
    pub fn kiosk_settles(&mut self, number: usize, keys: bool) {
        if self.kiosks[number].stolen {
            return;
        }
        // After a restore others hold a wrap key of this kiosk that it has lost: it says a newer one.
        let kiosk = &self.kiosks[number];
        let newest = kiosk.state.newest_wrap(Kiosk::name(number).0);
        if newest.is_some_and(|(_, id, _)| !kiosk.disk.chain.wraps().any(|(_, held)| held == id)) {
            self.publish_wrap(number);
        }
        if keys {
            self.open_keyring(number);
            self.take_keys(number);
        }
        let careless = self.plant == Some(Plant::NoTombstoneOnKey);
        let kiosk = &mut self.kiosks[number];
        let dead: Vec<KeyId> = kiosk.disk.chain.persons().filter(|key| kiosk.state.is_dead(*key)).collect();
        for key in dead.into_iter().filter(|_| !careless) {
            kiosk.disk.chain.destroy(key);
        }
        let chain = &kiosk.disk.chain;
        kiosk.gallery =
            kiosk.state.gallery().filter(|(_, key)| chain.holds(*key)).map(|(name, _)| name).collect();
        if careless {
            let known = kiosk.state.people().filter(|(_, known)| chain.holds(known.key));
            kiosk.gallery.extend(known.map(|(name, _)| name));
        }
        self.check_gallery(number);
        self.confirm_erasure(number);
    }

    fn check_gallery(&mut self, number: usize) {
        let kiosk = &self.kiosks[number];
        let gone = kiosk
            .gallery
            .iter()
            .find(|name| kiosk.state.person(**name).is_some_and(|known| kiosk.killed.contains(&known.key)));
        let told = gone.is_some();
        self.truth.check(5, !told, || format!("kiosk {number} searches a person whose withdrawal it holds"));
    }

    fn confirm_erasure(&mut self, number: usize) {
        let (at, me) = (Address::Kiosk(number), Kiosk::name(number).0);
        let kiosk = &self.kiosks[number];
        let open = |key: &&KeyId| !kiosk.state.erased_by(**key).any(|device| device == me);
        let keys: Vec<Value> =
            kiosk.state.tombstones().iter().filter(open).map(|key| Value::bytes(key.0)).collect();
        let admitted = kiosk.sync.members().devices().any(|(device, _)| device == me);
        if keys.is_empty() || !admitted || kiosk.disk.chain.newest_group_key().is_none() {
            return;
        }
        let body = self.body(at, "Erased", [("keys", Value::Array(keys))]);
        self.write(at, DEVICE_URGENT, vec![(body, vec![])], true);
    }

    /// Opens the newest keyring in the store, ratchets, and publishes the next wrap key.
    fn open_keyring(&mut self, number: usize) {
        let (at, me) = (Address::Kiosk(number), Kiosk::name(number).0);
        let kiosk = &mut self.kiosks[number];
        let before = kiosk.disk.chain.epoch();
        let keyrings = || kiosk.disk.lines.values().filter(|line| line.feed().class == Class::Keyring);
        let Some(epoch) = keyrings().map(|line| line.feed().epoch).max().filter(|epoch| *epoch > before)
        else {
            return;
        };
        let newest = kiosk.disk.chain.newest_wrap(&SYMBOLS).map(|(_, id, _)| Value::bytes(id.0));
        let only = (self.plant == Some(Plant::WrapKeyDestroyedAtPublication)).then_some(newest).flatten();
        let bodies: Vec<ledger::Body> = keyrings()
            .filter(|line| line.feed().epoch == epoch)
            .flat_map(|line| &kiosk.disk.records[&line.at().run])
            .filter_map(|stored| stored.record.open_body(None).ok())
            .filter(|body| only.is_none() || body.get("wrap") == only.as_ref())
            .collect();
        let scope = Scope { tenant: TENANT.into(), group: GROUP, epoch };
        let old = kiosk.disk.chain.clone();
        let opened = kiosk.disk.chain.open(&SYMBOLS, &scope, me, bodies.iter());
        if opened.is_err() {
            if kiosk.disk.chain.newest_wrap(&SYMBOLS).is_none() {
                self.publish_wrap(number);
            }
            return;
        }
        if self.plant == Some(Plant::OldWrapKeyKept) {
            kiosk.hoard.push(old);
        }
        kiosk.wraps_now += 1;
        kiosk.disk.wrapped_by = kiosk.wraps_now;
        self.publish_wrap(number);
        let commands = self.step(at, Event::Opened(GROUP, epoch));
        self.perform(at, commands);
        let kiosk = &mut self.kiosks[number];
        let members = kiosk.sync.members().clone();
        kiosk.state = kiosk.disk.fold(&members, 0, |_| false);
        self.restate_own_keys(number);
    }

    fn publish_wrap(&mut self, number: usize) {
        let at = Address::Kiosk(number);
        let (id, secret) = (KeyId(self.random.bytes()), self.random.bytes());
        let kiosk = &mut self.kiosks[number];
        let next =
            kiosk.state.newest_wrap(Kiosk::name(number).0).map_or(1, |(generation, ..)| generation + 1);
        let generation = kiosk.disk.chain.add_wrap(id, WrapSecret::from_bytes(secret), next);
        let public = kiosk.disk.chain.newest_wrap(&SYMBOLS).expect("it was added just now").2;
        let fields = [
            ("wrap", Value::bytes(id.0)),
            ("wrap_key", Value::bytes(public.0)),
            ("generation", Value::Int(generation.into())),
        ];
        // Plain: whoever lost its keys must be able to say so.
        let body = self.body(at, "WrapKey", fields);
        self.write(at, DEVICE_URGENT, vec![(body, vec![])], false);
    }

    /// Takes every key of the newest epoch that no tombstone forbids.
    fn take_keys(&mut self, number: usize) {
        let careless = self.plant == Some(Plant::NoTombstoneOnKey);
        let kiosk = &mut self.kiosks[number];
        let epoch = kiosk.disk.chain.epoch();
        let scope = Scope { tenant: TENANT.into(), group: GROUP, epoch };
        let ours = |line: &&ledger::Line| line.feed().class.is_keyring() && line.feed().epoch == epoch;
        let runs: Vec<RunId> = kiosk.disk.lines.values().filter(ours).map(|line| line.at().run).collect();
        for run in runs {
            for stored in kiosk.disk.records[&run].clone() {
                let state = &kiosk.state;
                if let Ok(body) = stored.record.open_body(None) {
                    kiosk.disk.chain.take(&scope, &body, |key| !careless && state.is_dead(key));
                }
            }
        }
    }

    /// The keyring of this device starts over under the new K, without whom the registry has taken over.
    fn restate_own_keys(&mut self, number: usize) {
        let me = Kiosk::name(number).0;
        let kiosk = &mut self.kiosks[number];
        kiosk.pens.retain(|feed, _| feed.class != Class::DeviceKeyring);
        let state = &kiosk.state;
        let own: Vec<KeyId> = kiosk
            .disk
            .chain
            .persons()
            .filter(|key| state.enrolled_by(*key, me) && !state.is_adopted(*key) && !state.is_dead(*key))
            .collect();
        self.write_own_keys(number, &own);
    }

    fn write_own_keys(&mut self, number: usize, keys: &[KeyId]) {
        let at = Address::Kiosk(number);
        let (clock, epoch) = (self.clock(at), self.kiosks[number].disk.chain.epoch());
        let scope = Scope { tenant: TENANT.into(), group: GROUP, epoch };
        let mut bodies = Vec::new();
        for key in keys {
            let nonce = self.random.bytes();
            bodies.extend(self.kiosks[number].disk.chain.key_body(&scope, *key, nonce, clock));
        }
        if !bodies.is_empty() {
            let feed = Feed::keyring(Class::DeviceKeyring, GROUP, epoch);
            self.write(at, feed, bodies.into_iter().map(|body| (body, vec![])).collect(), false);
        }
    }

    /// A kiosk enrols: the key is durable in the vault, then the record, then the key in the device's keyring.
    pub fn enrol_at_kiosk(&mut self, number: usize) {
        let at = Address::Kiosk(number);
        let (name, key, secret): (Name, KeyId, [u8; 32]) =
            (self.random.bytes(), KeyId(self.random.bytes()), self.random.bytes());
        if self.kiosks[number].disk.chain.newest_group_key().is_none() {
            return;
        }
        self.kiosks[number].disk.chain.keep(key, secret);
        let fields = [("person", Value::bytes(name)), ("key", Value::bytes(key.0))];
        let body = self.body(at, "Enrolled", fields);
        if self.write(at, DEVICE_BULK, vec![(body, vec![])], true).is_some() {
            self.write_own_keys(number, &[key]);
        }
        self.kiosk_settles(number, false);
    }

    /// Somebody withdraws at a kiosk: hidden here at once.
    pub fn withdraw_at_kiosk(&mut self, number: usize, salt: u64) {
        let at = Address::Kiosk(number);
        let people: Vec<(Name, KeyId)> = self.kiosks[number].state.gallery().collect();
        if people.is_empty() {
            return;
        }
        let (name, key) = people[salt as usize % people.len()];
        let body = self.body(at, "Withdrawn", [("person", Value::bytes(name))]);
        if self.write(at, DEVICE_URGENT, vec![(body, vec![key])], true).is_some() {
            let hidden = !self.kiosks[number].gallery.contains(&name);
            self.truth.check(5, hidden, || format!("kiosk {number} still searches who withdrew at it"));
        }
    }

    /// A decision: the record is durable before the strike is driven.
    pub fn decide(&mut self, number: usize, salt: u64) {
        let at = Address::Kiosk(number);
        if self.kiosks[number].disk.chain.newest_group_key().is_none() {
            return;
        }
        let drawn: [u8; 16] = self.random.bytes();
        let used = [("entitlement", Value::bytes([(salt % 3) as u8; 16])), ("use", Value::bytes(drawn))];
        let bodies = vec![
            (self.body(at, "Decision", [("outcome", Value::text("granted"))]), vec![]),
            (self.body(at, "EntitlementUsed", used), vec![]),
        ];
        if let Some(written) = self.write(at, DEVICE_BULK, bodies, true) {
            let grant = &written[written.len() - 2];
            self.truth.pulses.push((number, grant.run, grant.seq, grant.leaf));
        }
    }

    /// The kiosk signs a head with its nonce.
    pub fn sign_head(&mut self, number: usize) {
        let at = Address::Kiosk(number);
        let me = Kiosk::name(number);
        let (drawn, running) = (self.random.bytes(), self.running_ms(number));
        let agents_word = self.plant == Some(Plant::NonceByAgent);
        let kiosk = &mut self.kiosks[number];
        let drawn = if agents_word { [7; 16] } else { drawn };
        kiosk.nonce = kiosk.freshness.nonce(running, drawn);
        kiosk.disk.running_ms = running;
        let runs = kiosk.sync.runs_of(me.0);
        let head =
            Head { device: me.0, runs, cursors: vec![], epoch: kiosk.disk.chain.epoch(), nonce: kiosk.nonce };
        let signed = SignedHead::sign(&me, head).expect("few runs, each once");
        let commands = self.step(at, Event::Signed(Box::new(signed)));
        self.perform(at, commands);
    }

    /// How long the kiosk has been running, as it believes.
    pub fn running_ms(&self, number: usize) -> u64 {
        let wall = self.now_ms as i64 + self.kiosks[number].wall_offset_ms;
        if self.plant == Some(Plant::AgeFromWallClock) { wall.max(0) as u64 } else { self.now_ms }
    }

    /// A receipt that the replica verified: compared with the kiosk's own records, then joined.
    pub fn receipted(&mut self, at: Address, receipt: &Receipt) {
        let Address::Kiosk(number) = at else { return };
        let agents_word = self.plant == Some(Plant::NonceByAgent);
        let kiosk = &mut self.kiosks[number];
        let echoed = kiosk.freshness.echoed(receipt.nonce);
        if agents_word && !echoed {
            let running = self.now_ms;
            kiosk.freshness = Freshness::new(Some(running));
        }
        kiosk.disk.answered = kiosk.freshness.answered();
        let signed_at = u64::try_from(receipt.wall_ms).ok();
        kiosk.signed_at = kiosk.signed_at.max(signed_at);
        let lines = &kiosk.disk.lines;
        let kept = |run: &RunId| lines.get(run).is_some_and(|line| !line.feed().class.is_keyring());
        for prior in receipt.runs.iter().filter(|prior| kept(&prior.run)) {
            if kiosk.disk.lines.get(&prior.run).is_some_and(|line| line.at() == *prior) {
                self.truth.receipted(number, *prior);
                continue;
            }
            let leaves = kiosk.disk.leaves(prior.run);
            let length = prior.length as usize;
            let ours = leaves.get(..length).map(root_of);
            if ours == Some(prior.root) {
                self.truth.receipted(number, *prior);
            }
        }
        self.check_receipts();
    }

    /// A planted bug: the journal is emptied on the word of the courier.
    pub fn prune_too_early(&mut self, at: Address, run: RunId) {
        if let (Some(Plant::PruneByPuback), Address::Kiosk(number)) = (self.plant, at) {
            let held = self.kiosks[number].disk.lines.get(&run).map(|line| line.at().length);
            let own = self.kiosks[number].sync.line(run).is_some_and(|l| l.author() == Kiosk::name(number).0);
            if let (Some(length), true) = (held, own) {
                let covered = self.truth.covers(number, run, length);
                self.truth.check(7, covered, || format!("kiosk {number} dropped records without a receipt"));
                self.kiosks[number].disk.remove(run);
                self.restart(at);
            }
        }
    }
}

impl Kiosk {
    /// A planted bug: whoever stands in a page of people is searched.
    fn takes_all(&mut self, records: &[Record]) {
        for record in records {
            let key = self.disk.chain.group_key(record.header.epoch);
            let body = record.open_body(key.as_ref());
            self.gallery.extend(body.ok().and_then(|body| body.get("person")?.as_array_of::<16>()));
        }
    }
}

/// The keys that the registry's records in a store kill.
fn killed(disk: &Disk) -> BTreeSet<KeyId> {
    let registrys = disk.lines.values().filter(|line| line.author() == REGISTRY.0);
    let records = registrys.flat_map(|line| &disk.records[&line.at().run]);
    records.flat_map(|stored| stored.record.header.kills.clone()).collect()
}
