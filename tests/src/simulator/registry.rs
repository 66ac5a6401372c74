//! The registry's driver: two processes over one database, what they write, and how they recover.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ledger::{
    AuthorId, Body, Class, Cursor, Event, Feed, Head, KeyId, Members, Message, Name, Prior, Receipt, Record,
    Role, RunId, RunWriter, Scope, SignedReceipt, Source, State, Sync, Value, WrapSecret,
};

use super::{
    address::Address,
    disk::Disk,
    kiosk::{Kiosk, TENANT},
    plan::Plant,
    symbols::{Random, SYMBOLS},
    world::{GROUP, REGISTRY, World},
};

const CONTROL: Feed = Feed::of(Class::Control);
/// The feed that never waits.
pub const URGENT: Feed = Feed { class: Class::FacilityUrgent, group: Some(GROUP), epoch: 0 };
const BULK: Feed = Feed { class: Class::FacilityBulk, group: Some(GROUP), epoch: 0 };
/// Ticks that a registry waits after its database was put back and every member was heard, before it begins an epoch.
const RECOVER_TICKS: u32 = 12;

/// One process.
pub struct Process {
    /// Its part of the conversation.
    pub sync: Sync,
    /// Its writers.
    pub pens: BTreeMap<Feed, RunWriter>,
    /// The state of the database that it has seen.
    seen: u64,
    /// What a planted bug numbers by.
    numbers: BTreeMap<Feed, RunWriter>,
}

/// One person's row.
#[derive(Clone, Debug)]
pub struct Row {
    /// The key.
    pub key: KeyId,
    /// The register's number.
    pub number: u64,
}

/// The rows beside the feeds, in the same transactions.
#[derive(Clone, Default)]
pub struct Rows {
    /// Living people.
    pub people: BTreeMap<Name, Row>,
    /// What is known about the epochs.
    pub epochs: ledger::epochs::Table,
}

/// The registry.
pub struct Registry {
    /// The database: feeds and keys.
    pub disk: Disk,
    /// Its rows.
    pub rows: Rows,
    /// What the records say.
    pub state: State,
    /// The processes.
    pub processes: Vec<Process>,
    /// Which one serves now.
    pub serving: usize,
    /// Backups.
    images: VecDeque<(Disk, State, Rows)>,
    /// In the key port, not in the database: the highest epoch ever issued.
    pub issued: u32,
    /// Ticks to wait before an epoch may be issued.
    recovering: u32,
    /// The database was put back at least once.
    pub restored: bool,
    version: u64,
    numbers: BTreeMap<Feed, RunWriter>,
    /// How wrong the wall clock is.
    pub wall_offset_ms: i64,
}

impl Registry {
    /// An empty database and two processes.
    pub fn new(random: &mut Random) -> Registry {
        let mut disk = Disk::default();
        disk.chain.add_wrap(KeyId(random.bytes()), WrapSecret::from_bytes(random.bytes()), 0);
        let process = || Process {
            sync: Sync::new(Role::Registry, REGISTRY.0, REGISTRY.0, &SYMBOLS),
            pens: BTreeMap::new(),
            seen: 0,
            numbers: BTreeMap::new(),
        };
        Registry {
            disk,
            rows: Rows::default(),
            state: State::default(),
            processes: vec![process(), process()],
            serving: 0,
            images: VecDeque::new(),
            issued: 0,
            recovering: 0,
            restored: false,
            version: 0,
            numbers: BTreeMap::new(),
            wall_offset_ms: 0,
        }
    }

    /// The process that serves now.
    pub fn serving(&mut self) -> &mut Process {
        let serving = self.serving;
        &mut self.processes[serving]
    }

    /// Keeps a backup.
    pub fn image(&mut self) {
        if self.images.len() == 8 {
            self.images.pop_front();
        }
        self.images.push_back((self.disk.clone(), self.state.clone(), self.rows.clone()));
    }

    /// A tenant is founded before its first backup: what was never said to anybody is not taken back.
    pub fn first_backup(&mut self) {
        self.images.clear();
        self.image();
    }

    /// Whether it still waits for what devices hold: no epoch is issued before.
    pub fn is_recovering(&self) -> bool {
        self.recovering > 0
    }

    /// The writer of a feed.
    pub fn pen(&mut self, feed: Feed, plant: Option<Plant>) -> Option<RunWriter> {
        let process = self.serving();
        let shared = plant == Some(Plant::DatabaseSequence);
        if shared { process.numbers.get(&feed).cloned() } else { process.pens.get(&feed).cloned() }
    }

    /// Takes it back after the commit.
    pub fn keep_pen(&mut self, feed: Feed, pen: RunWriter) {
        self.version += 1;
        let version = self.version;
        self.numbers.insert(feed, pen.clone());
        let process = self.serving();
        process.numbers.insert(feed, pen.clone());
        process.pens.insert(feed, pen);
        process.seen = version;
    }
}

impl World {
    /// A message goes to any process. Mostly it has seen what the other did; if not, its transaction will fail.
    pub fn choose_process(&mut self) {
        self.registry.serving = self.random.below(self.registry.processes.len());
        let newest = self.registry.version;
        if self.registry.serving().seen != newest && (self.quiet || self.random.percent(70)) {
            self.refresh();
        }
    }

    /// The process looks at the database again. Its writers stay: they are checked against the rows at each commit.
    fn refresh(&mut self) {
        let lines = self.registry.disk.lines.values().cloned().collect();
        let members = self.registry.disk.members(REGISTRY.0);
        let (version, numbers) = (self.registry.version, self.registry.numbers.clone());
        let process = self.registry.serving();
        process.sync = Sync::restart(Role::Registry, REGISTRY.0, members, lines, &SYMBOLS);
        process.seen = version;
        process.numbers = numbers;
        let now = self.now_ms;
        for other in self.neighbours(Address::Registry) {
            // What it would say now is said at the next tick.
            let _ =
                self.registry.serving().sync.step(now, Event::Connected(other.peer(), Some(other.whose())));
        }
    }

    /// The serving process is new.
    pub fn registry_restarted(&mut self) {
        let version = self.registry.version;
        let again = self.plant == Some(Plant::ContinueRunAfterRestart);
        let process = self.registry.serving();
        process.seen = version;
        if !again {
            process.pens.clear();
        }
    }

    /// The database is put back to a backup, or a failover loses what was written since.
    pub fn restore_registry(&mut self, salt: u64) {
        let count = self.registry.images.len();
        if count == 0 {
            return;
        }
        let (disk, state, rows) = self.registry.images[salt as usize % count].clone();
        let port = self.registry.disk.chain.clone();
        let registry = &mut self.registry;
        (registry.disk, registry.state, registry.rows) = (disk, state, rows);
        registry.disk.chain.take_wraps(&port);
        registry.rows.epochs.says.clear();
        (registry.restored, registry.recovering) = (true, RECOVER_TICKS);
        registry.version += 1;
        self.truth.registry_restored = true;
        // Some processes live on through a failover, and still have their writers.
        for process in 0..self.registry.processes.len() {
            self.registry.serving = process;
            if salt.is_multiple_of(2) { self.refresh() } else { self.restart(Address::Registry) }
        }
    }

    /// The feeds of a new tenant: devices admitted, the first epoch.
    pub fn found_tenant(&mut self) {
        for number in 0..self.kiosks.len() {
            let (_, id, public) =
                self.kiosks[number].disk.chain.newest_wrap(&SYMBOLS).expect("made with one");
            let fields = Members::admitted(Kiosk::name(number).0, GROUP, id, public);
            self.registry_writes(CONTROL, "Admitted", fields, vec![], false);
        }
        self.begin_epoch();
    }

    /// One change and its record.
    pub fn registry_writes(
        &mut self,
        feed: Feed,
        kind: &str,
        fields: Vec<(String, Value)>,
        kills: Vec<KeyId>,
        sealed: bool,
    ) -> bool {
        let clock = self.clock(Address::Registry);
        let body = Body { kind: kind.to_owned(), clock, fields, personal: None };
        let written = self.write(Address::Registry, feed, vec![(body, kills)], sealed);
        self.truth.changes += u64::from(written.is_some());
        written.is_some()
    }

    /// New records in the database.
    pub fn registry_folds(&mut self, source: Source, records: &[Record]) {
        self.registry.version += 1;
        let version = self.registry.version;
        self.registry.serving().seen = version;
        let members = self.registry.disk.members(REGISTRY.0);
        let registry = &mut self.registry;
        for record in records {
            let _ = registry.state.apply(record, &source, &members, &registry.disk.chain);
        }
        if source.feed.class.is_keyring() {
            self.registry_opens_keyring();
        }
        self.rows_follow();
    }

    /// After a restore the newest keyring comes back from the devices, and with it what it has.
    fn registry_opens_keyring(&mut self) {
        let registry = &mut self.registry;
        let epochs = registry.disk.lines.values().filter(|line| line.feed().class.is_keyring());
        let Some(epoch) = epochs.map(|line| line.feed().epoch).max() else { return };
        let scope = Scope { tenant: TENANT.into(), group: GROUP, epoch };
        let of_epoch = registry
            .disk
            .lines
            .values()
            .filter(|line| line.feed().class.is_keyring() && line.feed().epoch == epoch);
        let runs: Vec<RunId> = of_epoch.map(|line| line.at().run).collect();
        let bodies: Vec<Body> = runs
            .iter()
            .flat_map(|run| &registry.disk.records[run])
            .filter_map(|stored| stored.record.open_body(None).ok())
            .collect();
        if epoch > registry.disk.chain.epoch() {
            let opened = registry.disk.chain.open(&SYMBOLS, &scope, REGISTRY.0, bodies.iter());
            if opened.is_ok() {
                let members = registry.disk.members(REGISTRY.0);
                registry.state = registry.disk.fold(&members, 0, |_| false);
            }
        }
        for body in &bodies {
            let state = &registry.state;
            registry.disk.chain.take(&scope, body, |key| state.is_dead(key));
        }
    }

    /// The rows follow the feeds where those know more: after a restore, and for what devices said.
    fn rows_follow(&mut self) {
        let registry = &mut self.registry;
        let epoch = registry.disk.chain.epoch().max(registry.issued);
        for key in registry.state.tombstones() {
            registry.rows.epochs.kill(*key, epoch);
            registry.disk.chain.destroy(*key);
        }
        let state = &registry.state;
        registry.rows.people.retain(|_, row| !state.is_dead(row.key));
        for (name, known) in state.people().filter(|(_, known)| known.version.number > 0) {
            if !state.is_dead(known.key) {
                let row = registry.rows.people.entry(name).or_insert(Row { key: known.key, number: 0 });
                row.number = row.number.max(known.version.number);
            }
        }
    }

    /// What the registry does by itself: confirms, adopts, wraps to whoever is late.
    pub fn registry_desk(&mut self) {
        // Time alone does not do: an epoch issued while a device with the newest keyring is cut off loses its group key.
        let members = self.registry.disk.members(REGISTRY.0);
        if ledger::epochs::all_heard(&self.registry.rows.epochs, &members, GROUP) {
            self.registry.recovering = self.registry.recovering.saturating_sub(1);
        }
        let kills: Vec<KeyId> = self.registry.state.asked_to_kill().collect();
        let known: BTreeMap<KeyId, Name> =
            self.registry.state.people().map(|(name, known)| (known.key, name)).collect();
        for key in kills {
            if let Some(name) = known.get(&key) {
                let fields = vec![("person".to_owned(), Value::bytes(*name))];
                self.registry_writes(URGENT, "Confirmed", fields, vec![key], true);
                self.rows_follow();
            }
        }
        self.adopt();
        self.wrap_late();
        self.complete_erasures();
        if self.registry.recovering == 1 || self.wrapped_to_expelled() {
            self.begin_epoch();
        }
    }

    fn adopt(&mut self) {
        let registry = &self.registry;
        let waiting: Vec<(Name, KeyId)> = registry
            .state
            .gallery()
            .filter(|(name, key)| {
                !registry.state.is_adopted(*key)
                    && registry.disk.chain.holds(*key)
                    && !registry.rows.people.contains_key(name)
            })
            .collect();
        for (name, key) in waiting {
            self.state_person(name, key, 1);
            self.give_key(key);
        }
    }

    /// A person is registered: the key first, then the record, then the key for the members.
    pub fn enrol_at_registry(&mut self) {
        let (name, key, secret): (Name, KeyId, [u8; 32]) =
            (self.random.bytes(), KeyId(self.random.bytes()), self.random.bytes());
        self.registry.disk.chain.keep(key, secret);
        if self.state_person(name, key, 1) {
            self.give_key(key);
        } else {
            self.registry.disk.chain.destroy(key);
        }
    }

    fn state_person(&mut self, name: Name, key: KeyId, number: u64) -> bool {
        let by_clock = self.plant == Some(Plant::LastWriterByWallClock);
        let wall = self.clock(Address::Registry).wall_ms.unwrap_or(0).max(1);
        let stated = if by_clock { wall } else { number as i64 };
        let content: [u8; 8] = self.random.bytes();
        let fields = vec![
            ("person".to_owned(), Value::bytes(name)),
            ("key".to_owned(), Value::bytes(key.0)),
            ("version".to_owned(), Value::Int(stated)),
            ("content".to_owned(), Value::bytes(content)),
        ];
        let done = self.registry_writes(BULK, "Person", fields, vec![], true);
        if done {
            self.registry.rows.people.insert(name, Row { key, number });
            self.truth.latest.insert(name, (self.truth.changes, content));
            let said = self.registry.state.person(name);
            self.truth.follows_last(said.is_some_and(|it| it.version.number == stated as u64));
        }
        done
    }

    /// Something about a person changes.
    pub fn change(&mut self, salt: u64) {
        let people: Vec<(Name, Row)> =
            self.registry.rows.people.iter().map(|(name, row)| (*name, row.clone())).collect();
        if !people.is_empty() {
            let (name, row) = &people[salt as usize % people.len()];
            self.state_person(*name, row.key, row.number + 1);
        }
    }

    /// A person withdraws: one transaction for row, key and record.
    pub fn withdraw(&mut self, salt: u64) -> bool {
        let people: Vec<(Name, Row)> =
            self.registry.rows.people.iter().map(|(name, row)| (*name, row.clone())).collect();
        if people.is_empty() {
            return false;
        }
        let (name, row) = &people[salt as usize % people.len()];
        let feed = if self.plant == Some(Plant::WithdrawalInBulk) { BULK } else { URGENT };
        let fields = vec![("person".to_owned(), Value::bytes(*name))];
        let done = self.registry_writes(feed, "Withdrawn", fields, vec![row.key], true);
        if done {
            self.rows_follow();
        }
        done
    }

    /// Much at once.
    pub fn bulk(&mut self, count: usize) {
        let body = self.body(Address::Registry, "Household", [("note", Value::text("many"))]);
        let bodies = (0..count).map(|_| (body.clone(), vec![])).collect();
        self.write(Address::Registry, BULK, bodies, true);
    }

    /// The living said again, under the newest key. Withdrawn people may stand in an older one.
    pub fn snapshot(&mut self) {
        let people: Vec<(Name, u64, KeyId)> =
            self.registry.state.people().map(|(name, it)| (name, it.version.number, it.key)).collect();
        let latest: BTreeSet<Name> = self.registry.rows.people.keys().copied().collect();
        for (name, number, key) in people.into_iter().filter(|(name, ..)| latest.contains(name)).take(4) {
            let content = self.truth.latest.get(&name).map(|(_, content)| *content).unwrap_or_default();
            let fields = vec![
                ("person".to_owned(), Value::bytes(name)),
                ("key".to_owned(), Value::bytes(key.0)),
                ("version".to_owned(), Value::Int(number as i64)),
                ("content".to_owned(), Value::bytes(content)),
            ];
            self.registry_writes(BULK, "Person", fields, vec![], true);
        }
    }

    /// A device leaves: what it said so far counts, and everybody else gets new keys.
    pub fn expel(&mut self, number: usize) {
        let device = Kiosk::name(number).0;
        let living = self.kiosks.iter().filter(|kiosk| !kiosk.stolen).count();
        if self.kiosks[number].stolen || living < 2 || self.registry.disk.chain.epoch() == 0 {
            return;
        }
        let runs: Vec<Prior> = self.runs_of(device);
        let fields = Members::expelled(device, &runs).expect("short runs");
        if self.registry_writes(CONTROL, "Expelled", fields, vec![], false) {
            self.kiosks[number].stolen = true;
            let issued = self.registry.issued;
            self.truth.expelled.insert(number, issued);
            if self.registry.recovering == 0 {
                self.begin_epoch();
            }
        }
    }

    fn runs_of(&self, device: AuthorId) -> Vec<Prior> {
        let lines = self.registry.disk.lines.values();
        lines.filter(|line| line.author() == device).map(ledger::Line::at).collect()
    }

    /// A receipt of what is committed.
    pub fn answer(&mut self, to: Address, head: &Head) {
        self.registry.rows.epochs.heard(head.device, head.epoch);
        let runs = self.runs_of(head.device);
        let receipt = self.receipt(head.device, runs, head.nonce);
        self.truth.receipt_sent(&self.registry.disk, &receipt.receipt);
        self.send(Address::Registry, to, Message::Receipt(receipt));
    }

    fn receipt(&self, device: AuthorId, runs: Vec<Prior>, nonce: [u8; 16]) -> SignedReceipt {
        let own = self.registry.disk.lines.values().filter(|line| line.author() == REGISTRY.0);
        let heads = own.map(|line| Cursor { feed: line.feed().to_string(), at: line.at() }).collect();
        let receipt = Receipt {
            tenant: TENANT.into(),
            device,
            runs,
            nonce,
            heads,
            epoch: self.registry.disk.chain.epoch(),
            wall_ms: self.now_ms as i64,
            uncertainty_s: 0,
            run: RunId([0; 16]),
        };
        SignedReceipt::sign(&REGISTRY, receipt).expect("few runs")
    }

    /// A planted bug: the receipt says what is only about to be committed.
    pub fn receipt_too_early(&mut self, at: Address, command: &ledger::Command) {
        let planted = self.plant == Some(Plant::ReceiptBeforeCommit) && at == Address::Registry;
        if let (true, ledger::Command::Keep(line, _)) = (planted, command) {
            let device = line.author();
            if let Some(number) = (0..self.kiosks.len()).find(|number| Kiosk::name(*number).0 == device) {
                let receipt = self.receipt(device, vec![line.at()], self.kiosks[number].nonce);
                self.send(at, Address::Agent(number), Message::Receipt(receipt));
            }
        }
    }
}
