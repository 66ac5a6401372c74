//! Kiosks with their agents, a registry of two processes over one database, the links between them, and what goes wrong.
//!
//! Every actor runs the real `ledger::Sync`; this file is its driver, with a store in memory that can be torn away at every
//! commit. [`super::truth`] looks on and says which property broke.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ledger::{
    AuthorId, Clock, Command, Event, Feed, GroupId, Message, Open, Record, Role, RunId, RunWriter, Seal,
    SignedRecord, Source, Sync, Value, Why,
};

use super::{
    address::Address,
    disk::Disk,
    kiosk::Kiosk,
    plan::{Plan, Plant},
    registry::Registry,
    symbols::{Random, SYMBOLS, Symbol},
    truth::Truth,
};

/// The tenant's only group here.
pub const GROUP: GroupId = GroupId([0x47; 16]);
/// The registry's name.
pub const REGISTRY: Symbol = Symbol(AuthorId([0xEE; 32]));
/// How many messages are under way at most; the oldest are lost.
const MAX_FLIGHTS: usize = 400;
/// How many images of a store are kept to be put back.
const MAX_IMAGES: usize = 8;

/// A message under way.
#[derive(Clone)]
pub struct Flight {
    /// From whom, or so the road says.
    pub from: Address,
    /// To whom.
    pub to: Address,
    /// What.
    pub message: Message,
}

/// When an actor dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// Its next transaction does not happen.
    BeforeCommit,
    /// Its next transaction happens, and nothing after it.
    AfterCommit,
}

/// An agent: a store of what it cannot read.
pub struct Agent {
    /// Its store.
    pub disk: Disk,
    /// Its part of the conversation.
    pub sync: Sync,
    /// Older states of the store.
    pub images: VecDeque<Disk>,
    /// What came by, to be sent again by a hostile one.
    pub overheard: VecDeque<Message>,
}

/// Everything there is.
pub struct World {
    /// Random numbers of the run.
    pub random: Random,
    /// The bug that was planted.
    pub plant: Option<Plant>,
    /// The kiosks.
    pub kiosks: Vec<Kiosk>,
    /// Their agents.
    pub agents: Vec<Agent>,
    /// The registry.
    pub registry: Registry,
    /// Messages under way.
    pub flights: Vec<Flight>,
    /// Links that are down.
    pub cut: BTreeSet<(Address, Address)>,
    /// Who dies at its next commit.
    pub crashes: BTreeMap<Address, Crash>,
    /// Milliseconds since the beginning, as nobody in the world can know them.
    pub now_ms: u64,
    /// What is true, and which property broke.
    pub truth: Truth,
    /// Nothing goes wrong any more.
    pub quiet: bool,
}

impl World {
    /// A tenant with its kiosks admitted and the first epoch begun.
    pub fn new(plan: &Plan, plant: Option<Plant>, property: Option<u8>) -> World {
        let mut random = Random(plan.seed ^ 0x5eed);
        let kiosks: Vec<Kiosk> = (0..plan.kiosks).map(|number| Kiosk::new(number, &mut random)).collect();
        let agent = |number: usize| Agent {
            disk: Disk::default(),
            sync: Sync::new(Role::Agent, Kiosk::name(number).0, REGISTRY.0, &SYMBOLS),
            images: VecDeque::new(),
            overheard: VecDeque::new(),
        };
        let agents = (0..plan.kiosks).map(agent).collect();
        let registry = Registry::new(&mut random);
        let mut world = World {
            random,
            plant,
            kiosks,
            agents,
            registry,
            flights: Vec::new(),
            cut: BTreeSet::new(),
            crashes: BTreeMap::new(),
            now_ms: 1_000_000,
            truth: Truth::new(property),
            quiet: false,
        };
        for number in 0..plan.kiosks {
            world.connect(Address::Kiosk(number));
            world.connect(Address::Agent(number));
        }
        world.connect(Address::Registry);
        world.found_tenant();
        world.registry.first_backup();
        world
    }

    /// Whom an actor talks to.
    pub fn neighbours(&self, at: Address) -> Vec<Address> {
        let agents = || (0..self.agents.len()).map(Address::Agent);
        match at {
            Address::Kiosk(number) => vec![Address::Agent(number)],
            Address::Agent(number) => {
                let others = agents().filter(|other| *other != at);
                [Address::Kiosk(number), Address::Registry].into_iter().chain(others).collect()
            }
            Address::Registry => agents().collect(),
        }
    }

    /// Tells an actor of its peers, as after its start.
    pub fn connect(&mut self, at: Address) {
        for other in self.neighbours(at) {
            let processes = if at == Address::Registry { self.registry.processes.len() } else { 1 };
            for process in 0..processes {
                self.registry.serving = process;
                let commands = self.step(at, Event::Connected(other.peer(), Some(other.whose())));
                self.perform(at, commands);
            }
        }
    }

    /// One step of an actor's replica.
    pub fn step(&mut self, at: Address, event: Event) -> Vec<Command> {
        let now = self.now_ms;
        self.sync(at).step(now, event)
    }

    /// An actor's replica; of the registry, the process that serves now.
    pub fn sync(&mut self, at: Address) -> &mut Sync {
        match at {
            Address::Kiosk(number) => &mut self.kiosks[number].sync,
            Address::Agent(number) => &mut self.agents[number].sync,
            Address::Registry => &mut self.registry.serving().sync,
        }
    }

    /// An actor's store.
    pub fn disk(&mut self, at: Address) -> &mut Disk {
        match at {
            Address::Kiosk(number) => &mut self.kiosks[number].disk,
            Address::Agent(number) => &mut self.agents[number].disk,
            Address::Registry => &mut self.registry.disk,
        }
    }

    /// Does what a replica says, in order, and stops where the actor dies.
    pub fn perform(&mut self, at: Address, commands: Vec<Command>) {
        let mut staged: Vec<Command> = Vec::new();
        for command in commands {
            match command {
                Command::Keep(..) | Command::Drop(_) => {
                    self.receipt_too_early(at, &command);
                    staged.push(command);
                }
                Command::Commit => {
                    if !self.commit(at, std::mem::take(&mut staged)) {
                        return;
                    }
                }
                Command::Fold(source, records) => self.fold(at, source, &records),
                Command::Refold => self.refold(at),
                Command::Send(peer, message) => self.send(at, Address::of(peer), *message),
                Command::Serve(peer, run, from) => {
                    if let Some(page) = self.disk(at).page(run, from) {
                        self.send(at, Address::of(peer), Message::Page(page));
                    }
                    self.prune_too_early(at, run);
                }
                Command::Answer(peer, head) => self.answer(Address::of(peer), &head.head),
                Command::Receipted(receipt) => self.receipted(at, &receipt.receipt),
                Command::Forked(fork) => self.truth.forks.push(fork),
                Command::Refused(..) | Command::Stranger(..) => self.refused(at),
            }
        }
        // A keyring that was dropped by a step without pages.
        for command in staged {
            if let Command::Drop(run) = command {
                self.disk(at).remove(run);
            }
        }
        let questions = self.sync_questions(at);
        self.truth.bounds(questions);
    }

    fn sync_questions(&mut self, at: Address) -> usize {
        self.sync(at).open_questions()
    }

    /// One transaction. False if the actor died or another process was first.
    fn commit(&mut self, at: Address, staged: Vec<Command>) -> bool {
        let dies = self.crashes.remove(&at);
        if dies == Some(Crash::BeforeCommit) || (at == Address::Registry && self.conflicts(&staged)) {
            self.restart(at);
            return false;
        }
        for command in staged {
            if let Command::Keep(line, page) = command {
                self.disk(at).keep(*line, &page);
            } else if let Command::Drop(run) = command {
                self.disk(at).remove(run);
            }
        }
        self.image(at);
        if dies == Some(Crash::AfterCommit) {
            self.restart(at);
            return false;
        }
        true
    }

    /// `UPDATE .. WHERE length = first`: the page must follow what the database holds now.
    fn conflicts(&self, staged: &[Command]) -> bool {
        let held = |run| self.registry.disk.lines.get(run).map_or(0, |line| line.at().length);
        staged
            .iter()
            .any(|command| matches!(command, Command::Keep(_, page) if held(&page.run) != page.first))
    }

    /// Keeps an image of the store, to be put back one day.
    pub fn image(&mut self, at: Address) {
        if !self.random.percent(20) {
            return;
        }
        let images = match at {
            Address::Kiosk(number) => &mut self.kiosks[number].images,
            Address::Agent(number) => &mut self.agents[number].images,
            Address::Registry => return self.registry.image(),
        };
        if images.len() == MAX_IMAGES {
            images.pop_front();
        }
        let disk = self.disk(at).clone();
        match at {
            Address::Kiosk(number) => self.kiosks[number].images.push_back(disk),
            Address::Agent(number) => self.agents[number].images.push_back(disk),
            Address::Registry => {}
        }
    }

    /// A new process on the same store: everything in memory is gone.
    pub fn restart(&mut self, at: Address) {
        let (role, me) = match at {
            Address::Kiosk(number) => (Role::Kiosk, Kiosk::name(number).0),
            Address::Agent(number) => (Role::Agent, Kiosk::name(number).0),
            Address::Registry => (Role::Registry, REGISTRY.0),
        };
        let disk = self.disk(at);
        let lines = disk.lines.values().cloned().collect();
        let sync = Sync::restart(role, me, disk.members(REGISTRY.0), lines, &SYMBOLS);
        *self.sync(at) = sync;
        match at {
            Address::Kiosk(number) => self.kiosk_restarted(number),
            Address::Agent(_) => {}
            Address::Registry => self.registry_restarted(),
        }
        self.refold(at);
        for other in self.neighbours(at) {
            let commands = self.step(at, Event::Connected(other.peer(), Some(other.whose())));
            self.perform(at, commands);
        }
    }

    fn fold(&mut self, at: Address, source: Source, records: &[Record]) {
        self.truth.wire(source, records);
        match at {
            Address::Kiosk(number) => self.kiosk_folds(number, source, records),
            Address::Agent(_) => {}
            Address::Registry => self.registry_folds(source, records),
        }
    }

    fn refold(&mut self, at: Address) {
        let members = self.sync(at).members().clone();
        let state = match at {
            Address::Agent(_) => return,
            Address::Kiosk(_) | Address::Registry => self.disk(at).fold(&members, 0, |_| false),
        };
        match at {
            Address::Kiosk(number) => {
                self.kiosks[number].state = state;
                self.kiosk_settles(number, true);
            }
            Address::Registry => self.registry.state = state,
            Address::Agent(_) => {}
        }
    }

    /// Puts a message on its way.
    pub fn send(&mut self, from: Address, to: Address, message: Message) {
        if self.cut.contains(&(from.min(to), from.max(to))) {
            return;
        }
        if let Address::Agent(number) = from {
            let overheard = &mut self.agents[number].overheard;
            if overheard.len() == 64 {
                overheard.pop_front();
            }
            overheard.push_back(message.clone());
        }
        if self.flights.len() >= MAX_FLIGHTS {
            self.flights.remove(0);
        }
        self.flights.push(Flight { from, to, message });
    }

    /// A message arrives.
    pub fn arrive(&mut self, flight: Flight) {
        let Flight { from, to, message } = flight;
        if let Address::Kiosk(number) = to
            && self.kiosks[number].stolen
        {
            return;
        }
        if to == Address::Registry {
            self.choose_process();
        }
        let commands = self.step(to, Event::Heard(from.peer(), Box::new(message)));
        self.perform(to, commands);
    }

    fn refused(&mut self, at: Address) {
        if self.plant == Some(Plant::UnverifiableInQuarantine) {
            self.disk(at).garbage += 1;
        }
        let garbage = self.disk(at).garbage;
        self.truth.check(9, garbage == 0, || format!("{at:?} stored bytes that nobody signed"));
    }

    /// Writes records as their author, commits them, and tells the replica. Returns what was written if it is durable.
    pub fn write(
        &mut self,
        at: Address,
        feed: Feed,
        bodies: Vec<(ledger::Body, Vec<ledger::KeyId>)>,
        sealed: bool,
    ) -> Option<Vec<SignedRecord>> {
        let author = match at {
            Address::Kiosk(number) => Kiosk::name(number),
            Address::Registry | Address::Agent(_) => REGISTRY,
        };
        let (mut writer, mut written) = self.pen(at, author, feed);
        let key = self.sealing_key(at);
        for (body, kills) in bodies {
            let nonce = self.random.bytes();
            let seal = match (&key, sealed) {
                (Some((epoch, key)), true) => Seal::Group { group: GROUP, epoch: *epoch, key, nonce },
                _ => Seal::Plain,
            };
            written.push(writer.append(&author, &body, &kills, seal).expect("a small body of known fields"));
        }
        for record in &written {
            self.truth.signed(author.0, record);
        }
        let dies = self.crashes.remove(&at);
        if dies == Some(Crash::BeforeCommit) {
            self.restart(at);
            return None;
        }
        let commands = self.step(at, Event::Wrote(feed, author.0, written.clone()));
        let line = self.sync(at).line(writer.run()).expect("it was written just now").clone();
        self.disk(at).keep_own(line, &written);
        self.keep_pen(at, feed, writer);
        self.image(at);
        if dies == Some(Crash::AfterCommit) {
            self.restart(at);
        } else {
            self.perform(at, commands);
        }
        Some(written)
    }

    /// The newest group key; of the registry, the one that `ledger::epochs` says.
    fn sealing_key(&mut self, at: Address) -> Option<(u32, ledger::GroupKey)> {
        if at != Address::Registry {
            return self.disk(at).chain.newest_group_key();
        }
        let (disk, rows) = (&self.registry.disk, &self.registry.rows.epochs);
        let members = disk.members(REGISTRY.0);
        let epoch = ledger::epochs::sealing_epoch(rows, &members, GROUP, disk.chain.group_epochs())?;
        disk.chain.group_key(epoch).map(|key| (epoch, key))
    }

    /// The writer of this process for a feed; a new run if it has none, or the store is not where it left it.
    fn pen(&mut self, at: Address, author: Symbol, feed: Feed) -> (RunWriter, Vec<SignedRecord>) {
        let mine = match at {
            Address::Kiosk(number) => self.kiosks[number].pens.get(&feed).cloned(),
            Address::Registry | Address::Agent(_) => self.registry.pen(feed, self.plant),
        };
        let plant = self.plant;
        let unchecked = matches!(plant, Some(Plant::ContinueRunAfterRestart | Plant::DatabaseSequence));
        let disk = self.disk(at);
        let there = |writer: &RunWriter| {
            unchecked || disk.lines.get(&writer.run()).is_some_and(|line| line.at() == writer.prior())
        };
        if let Some(writer) = mine.filter(there) {
            return (writer, Vec::new());
        }
        let own = || disk.lines.values().filter(|line| line.author() == author.0 && line.feed() == feed);
        let of_class = || disk.lines.values().filter(|line| line.author() == author.0);
        let supersedes = feed.class == ledger::Class::DeviceKeyring;
        let named: BTreeSet<RunId> = own().flat_map(|line| line.priors().to_vec()).collect();
        let priors = if supersedes {
            of_class().filter(|line| line.feed().class == feed.class).map(ledger::Line::at).collect()
        } else {
            own().map(ledger::Line::at).filter(|at| !named.contains(&at.run)).collect()
        };
        let (run, key) = (RunId(self.random.bytes()), ledger::KeyId([1; 16]));
        let open =
            Open { author: author.0, key, feed: feed.to_string(), why: Why::Start, priors, version: 1 };
        let clock = self.clock(at);
        let (writer, first) =
            RunWriter::open(&author, run, &open, clock, Seal::Plain).expect("an Open of known fields");
        (writer, vec![first])
    }

    fn keep_pen(&mut self, at: Address, feed: Feed, writer: RunWriter) {
        match at {
            Address::Kiosk(number) => {
                let kiosk = &mut self.kiosks[number];
                kiosk.saved.insert(feed, writer.clone());
                kiosk.pens.insert(feed, writer);
            }
            Address::Registry | Address::Agent(_) => self.registry.keep_pen(feed, writer),
        }
    }

    /// What an actor's clocks claim.
    pub fn clock(&self, at: Address) -> Clock {
        let offset = match at {
            Address::Kiosk(number) => self.kiosks[number].wall_offset_ms,
            Address::Registry | Address::Agent(_) => self.registry.wall_offset_ms,
        };
        let wall = self.now_ms as i64 + offset;
        Clock { boot: [1; 16], uptime_ms: self.now_ms, wall_ms: Some(wall), uncertainty_s: 1 }
    }

    /// A body of a kind.
    pub fn body<const N: usize>(&self, at: Address, kind: &str, fields: [(&str, Value); N]) -> ledger::Body {
        let fields = fields.map(|(name, value)| (name.to_owned(), value)).to_vec();
        ledger::Body { kind: kind.to_owned(), clock: self.clock(at), fields, personal: None }
    }
}
