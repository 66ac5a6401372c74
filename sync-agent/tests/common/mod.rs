//! Stand-ins for kiosk and registry: `ledger::Sync` with records in memory, over the real socket and a real broker; and the agent
//! as a process of its own, so that it can be killed.

#![allow(dead_code, clippy::unwrap_used, clippy::type_complexity, reason = "each test file uses a part")]

use ledger::{
    AuthorId, AuthorKey, Body, Clock, Command, Event, Feed, Frames, GroupId, GroupKey, Head, JoinAnswer,
    KeyId, Members, Message, Open, Page, Peer, Prior, Real, Receipt, Role, RunId, RunWriter, Seal,
    SignedHead, SignedReceipt, SignedRecord, Sync, Value, Why, WrapPublic,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use wire::testing::TestBroker;
use wire::{Road, RoadEvent, Topic, pad};

pub(crate) const GROUP: GroupId = GroupId([0x47; 16]);
pub(crate) const TENANT: &str = "aoba";
/// What the stand-ins seal; it must be nowhere at the agent.
pub(crate) const MARKER: &str = "a template that nobody but the kiosk may see";
/// The end of a test that fails.
const AT_MOST: Duration = Duration::from_secs(90);
const ONLY: Peer = Peer(0);

/// A replica in memory that writes, with one peer.
pub(crate) struct Replica {
    pub(crate) key: AuthorKey,
    pub(crate) sync: Sync,
    pub(crate) receipts: Vec<SignedReceipt>,
    pub(crate) outbox: Vec<Message>,
    records: BTreeMap<RunId, Vec<(Vec<u8>, Option<[u8; 64]>)>>,
    writers: BTreeMap<Feed, RunWriter>,
    role: Role,
    drawn: u64,
    began: Instant,
}

pub(crate) type Shared = Arc<Mutex<Replica>>;

pub(crate) fn lock(shared: &Shared) -> MutexGuard<'_, Replica> {
    shared.lock().unwrap()
}

pub(crate) fn key(of: u8) -> AuthorKey {
    AuthorKey::from_bytes([of; 32])
}

pub(crate) fn clock() -> Clock {
    Clock { boot: [1; 16], uptime_ms: 5, wall_ms: None, uncertainty_s: 0 }
}

pub(crate) fn admitted(device: AuthorId) -> Body {
    let fields = Members::admitted(device, GROUP, KeyId([9; 16]), WrapPublic([8; 32]));
    Body { kind: "Admitted".into(), clock: clock(), fields, personal: None }
}

pub(crate) fn secret(number: u64) -> Body {
    let fields = vec![("what".into(), Value::text(format!("{MARKER} {number}")))];
    Body { kind: "Decision".into(), clock: clock(), fields, personal: None }
}

impl Replica {
    pub(crate) fn new(role: Role, me: u8, registry: u8) -> Replica {
        let key = key(me);
        Replica {
            sync: Sync::new(role, key.id(), self::key(registry).id(), &Real),
            key,
            receipts: Vec::new(),
            outbox: Vec::new(),
            records: BTreeMap::new(),
            writers: BTreeMap::new(),
            role,
            drawn: u64::from(me) << 32,
            began: Instant::now(),
        }
    }

    fn random<const N: usize>(&mut self) -> [u8; N] {
        self.drawn += 1;
        let mut bytes = [0; N];
        bytes[..8].copy_from_slice(&self.drawn.to_be_bytes());
        bytes
    }

    /// Writes records of a feed; sealed to the group unless it is control.
    pub(crate) fn write(&mut self, feed: &str, bodies: &[Body]) {
        let feed: Feed = feed.parse().unwrap();
        let mut written = Vec::new();
        let mut writer = match self.writers.remove(&feed) {
            Some(writer) => writer,
            None => {
                let (run, author) = (RunId(self.random()), self.key.id());
                let (key, feed) = (KeyId([2; 16]), feed.to_string());
                let open = Open { author, key, feed, why: Why::Start, priors: vec![], version: 1 };
                let (writer, first) = RunWriter::open(&self.key, run, &open, clock(), Seal::Plain).unwrap();
                written.push(first);
                writer
            }
        };
        let group_key = GroupKey::from_bytes([5; 32]);
        for body in bodies {
            let nonce = self.random();
            let sealed = Seal::Group { group: GROUP, epoch: 1, key: &group_key, nonce };
            let seal = if feed.class == ledger::Class::Control { Seal::Plain } else { sealed };
            written.push(writer.append(&self.key, body, &[], seal).unwrap());
        }
        let stored = self.records.entry(writer.run()).or_default();
        stored.extend(written.iter().map(|it: &SignedRecord| (it.bytes.clone(), Some(it.sig))));
        self.writers.insert(feed, writer);
        self.happened(Event::Wrote(feed, self.key.id(), written));
    }

    pub(crate) fn happened(&mut self, event: Event) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap();
        for command in self.sync.step(now, event) {
            match command {
                Command::Keep(_, page) => {
                    let records = self.records.entry(page.run).or_default();
                    assert_eq!(records.len() as u64, page.first, "each record once");
                    let last = page.records.len() - 1;
                    let signed = |(at, bytes)| (bytes, (at == last).then_some(page.sig));
                    records.extend(page.records.into_iter().enumerate().map(signed));
                }
                Command::Send(_, message) => self.outbox.push(*message),
                Command::Serve(_, run, from) => self.outbox.extend(self.page(run, from).map(Message::Page)),
                Command::Answer(_, head) => self.answer(&head),
                Command::Receipted(receipt) => self.receipts.push(*receipt),
                Command::Drop(run) => _ = self.records.remove(&run),
                Command::Commit | Command::Fold(..) | Command::Refold => {}
                Command::Forked(_) | Command::Refused(..) | Command::Stranger(..) => {
                    panic!("the courier carried what does not verify: {command:?}")
                }
            }
        }
    }

    fn answer(&mut self, head: &SignedHead) {
        let device = head.head.device;
        let receipt = Receipt {
            tenant: TENANT.into(),
            device,
            runs: self.sync.runs_of(device),
            nonce: head.head.nonce,
            heads: vec![],
            epoch: 1,
            wall_ms: 1_800_000_000_000 + i64::try_from(self.drawn).unwrap(),
            uncertainty_s: 1,
            run: RunId([0; 16]),
        };
        self.drawn += 1;
        self.outbox.push(Message::Receipt(SignedReceipt::sign(&self.key, receipt).unwrap()));
    }

    /// Signs a head, as a kiosk does.
    pub(crate) fn sign_head(&mut self) {
        let (device, nonce) = (self.key.id(), self.random());
        let head = Head { device, runs: self.sync.runs_of(device), cursors: vec![], epoch: 0, nonce };
        let signed = SignedHead::sign(&self.key, head).unwrap();
        self.happened(Event::Signed(Box::new(signed)));
    }

    pub(crate) fn page(&self, run: RunId, first: u64) -> Option<Page> {
        let records = self.records.get(&run)?;
        let from = records.get(usize::try_from(first).ok()?..)?;
        let end = from.iter().take(100).rposition(|(_, sig)| sig.is_some())?;
        let prev = match first.checked_sub(1) {
            Some(before) => ledger::leaf_of(&records[usize::try_from(before).ok()?].0),
            None => ledger::Leaf::NONE,
        };
        let bytes = from[..=end].iter().map(|(bytes, _)| bytes.clone()).collect();
        Some(Page { run, first, prev, records: bytes, sig: from[end].1? })
    }

    /// All runs as they stand, of one author or of all.
    pub(crate) fn runs(&self, author: AuthorId) -> Vec<Prior> {
        let mut runs = self.sync.runs_of(author);
        runs.sort_by_key(|at| at.run);
        runs
    }

    pub(crate) fn control(&self) -> Vec<Vec<u8>> {
        let control = self.sync.lines().filter(|line| line.feed().class == ledger::Class::Control);
        control.map(|line| self.page(line.at().run, 0).unwrap().encode().unwrap()).collect()
    }
}

/// Everything: a broker, a registry and a kiosk as tasks, and the agent as a process.
pub(crate) struct City {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) broker: TestBroker,
    pub(crate) kiosk: Shared,
    pub(crate) registry: Shared,
    /// Raw payloads that the registry's broker is to send to the agent, however wrong.
    pub(crate) wrong: Arc<Mutex<Vec<Vec<u8>>>>,
    /// Bytes that the kiosk writes to the agent, however wrong.
    pub(crate) wrong_bytes: Arc<Mutex<Vec<u8>>>,
    agent: Option<Child>,
    kiosk_task: Option<tokio::task::JoinHandle<()>>,
    registry_task: tokio::task::JoinHandle<()>,
}

impl City {
    /// Joined, and nothing runs at the device yet.
    pub(crate) fn new() -> City {
        let directory = tempfile::tempdir().unwrap();
        let broker = TestBroker::start(&directory.path().join("broker"), TENANT);
        let mut registry = Replica::new(Role::Registry, 0xEE, 0xEE);
        let device = key(0x0D).id();
        registry.write("control", &[admitted(device)]);
        join(directory.path(), &broker, &registry, device);
        let (registry, kiosk) = (shared(registry), shared(Replica::new(Role::Kiosk, 0x0D, 0xEE)));
        let wrong = Arc::new(Mutex::new(Vec::new()));
        let road = Road::connect(broker.registry(1));
        let registry_task =
            tokio::spawn(registry_stands_in(road, broker.tenant, device, registry.clone(), wrong.clone()));
        City {
            directory,
            broker,
            kiosk,
            registry,
            wrong,
            wrong_bytes: Arc::default(),
            agent: None,
            kiosk_task: None,
            registry_task,
        }
    }

    pub(crate) fn agent_directory(&self) -> PathBuf {
        self.directory.path().join("agent")
    }

    pub(crate) fn kiosk_arrives(&mut self) {
        let socket = self.directory.path().join("agent.sock");
        _ = std::fs::remove_file(&socket);
        let listener = UnixListener::bind(socket).unwrap();
        self.kiosk_task =
            Some(tokio::spawn(kiosk_stands_in(listener, self.kiosk.clone(), self.wrong_bytes.clone())));
    }

    pub(crate) fn kiosk_leaves(&mut self) {
        if let Some(task) = self.kiosk_task.take() {
            task.abort();
        }
        _ = std::fs::remove_file(self.directory.path().join("agent.sock"));
        lock(&self.kiosk).happened(Event::Gone(ONLY));
    }

    pub(crate) fn agent_starts(&mut self) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.directory.path().join("agent.log"))
            .unwrap();
        let mut process = Process::new(env!("CARGO_BIN_EXE_sync-agent"));
        process.args(["run", "--directory"]).arg(self.agent_directory());
        self.agent = Some(process.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap());
    }

    pub(crate) fn agent_is_killed(&mut self) {
        let mut agent = self.agent.take().unwrap();
        assert!(agent.try_wait().unwrap().is_none(), "the agent ended by itself:\n{}", self.log());
        agent.kill().unwrap();
        agent.wait().unwrap();
    }

    pub(crate) fn agent_id(&self) -> u32 {
        self.agent.as_ref().unwrap().id()
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("agent.log")).unwrap_or_default()
    }

    pub(crate) fn status(&self) -> Option<sync_agent::status::Status> {
        sync_agent::status::read(&self.agent_directory().join("status.json")).ok()
    }

    /// Kiosk and registry hold the same, to the end of every run.
    pub(crate) async fn converges(&self) {
        let device = key(0x0D).id();
        let registry = key(0xEE).id();
        self.until("kiosk and registry hold the same", || {
            let (one, other) = (lock(&self.kiosk), lock(&self.registry));
            one.runs(device) == other.runs(device) && one.runs(registry) == other.runs(registry)
        })
        .await;
    }

    pub(crate) async fn until(&self, what: &str, mut done: impl FnMut() -> bool) {
        let began = Instant::now();
        while !done() {
            assert!(began.elapsed() < AT_MOST, "it does not come that {what}:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for City {
    fn drop(&mut self) {
        if let Some(mut agent) = self.agent.take() {
            _ = agent.kill();
            _ = agent.wait();
        }
        self.registry_task.abort();
    }
}

fn shared(replica: Replica) -> Shared {
    Arc::new(Mutex::new(replica))
}

/// Runs the agent with these arguments and expects that it does what it is told.
pub(crate) fn agent(directory: &Path, arguments: &[&str]) -> String {
    let mut process = Process::new(env!("CARGO_BIN_EXE_sync-agent"));
    let output = process.args(arguments).arg("--directory").arg(directory).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn join(directory: &Path, broker: &TestBroker, registry: &Replica, device: AuthorId) {
    let (agent_directory, csr) = (directory.join("agent"), directory.join("csr.der"));
    agent(&agent_directory, &["request", "--out", csr.to_str().unwrap()]);
    let request = std::fs::read(&csr).unwrap();
    let chain = broker.authority.device(device, &request, std::time::SystemTime::now()).unwrap();
    let answer = JoinAnswer {
        ca: broker.authority.certificate().to_vec(),
        chain,
        broker: format!("localhost:{}", broker.port),
        tenant: TENANT.into(),
        registry: registry.key.id(),
        facility: GROUP,
        author: device,
        control: registry.control(),
    };
    let file = directory.join("answer.bin");
    std::fs::write(&file, answer.encode().unwrap()).unwrap();
    agent(&agent_directory, &["join", "--answer", file.to_str().unwrap()]);
    let socket = directory.join("agent.sock");
    let settings = format!(
        "kiosk_socket = \"{}\"\nbulk_every_s = 1\nkeep_alive_s = 5\nleave_mib = 1\nstatus_every_s = 1\n",
        socket.display()
    );
    std::fs::write(agent_directory.join("agent.toml"), settings).unwrap();
}

async fn kiosk_stands_in(listener: UnixListener, kiosk: Shared, wrong: Arc<Mutex<Vec<u8>>>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (mut read, mut write) = stream.into_split();
        {
            let mut kiosk = lock(&kiosk);
            kiosk.outbox.clear();
            let me = kiosk.key.id();
            kiosk.happened(Event::Connected(ONLY, Some(me)));
        }
        let reading = async {
            let (mut frames, mut chunk) = (Frames::default(), vec![0; 65_536]);
            while let Ok(length @ 1..) = read.read(&mut chunk).await {
                frames.push(&chunk[..length]);
                while let Some(message) = frames.next().unwrap() {
                    lock(&kiosk).happened(Event::Heard(ONLY, Box::new(message)));
                }
            }
        };
        let writing = async {
            let mut ticks = 0_u32;
            loop {
                tokio::time::sleep(Duration::from_millis(20)).await;
                ticks += 1;
                if ticks.is_multiple_of(25) {
                    lock(&kiosk).happened(Event::Tick);
                }
                let mut bytes = std::mem::take(&mut *wrong.lock().unwrap());
                let messages = std::mem::take(&mut lock(&kiosk).outbox);
                bytes.extend(messages.iter().flat_map(|message| ledger::frame(message).unwrap()));
                if write.write_all(&bytes).await.is_err() {
                    return;
                }
            }
        };
        tokio::select! { () = reading => {}, () = writing => {} }
        lock(&kiosk).happened(Event::Gone(ONLY));
    }
}

async fn registry_stands_in(
    mut road: Road,
    tenant: wire::Tenant,
    device: AuthorId,
    registry: Shared,
    wrong: Arc<Mutex<Vec<Vec<u8>>>>,
) {
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    let mut ticks = 0_u32;
    loop {
        tokio::select! {
            event = road.next() => match event {
                RoadEvent::Up => {
                    let mut registry = lock(&registry);
                    registry.outbox.clear();
                    registry.happened(Event::Connected(ONLY, Some(device)));
                }
                RoadEvent::Down(_) => lock(&registry).happened(Event::Gone(ONLY)),
                RoadEvent::Message { topic, payload } => {
                    assert_eq!(topic, Topic::Up(tenant, device));
                    let message = pad::decode(&payload).expect("the agent says only what is a message");
                    lock(&registry).happened(Event::Heard(ONLY, Box::new(message)));
                }
            },
            _ = tick.tick() => {
                ticks += 1;
                if ticks.is_multiple_of(25) {
                    lock(&registry).happened(Event::Tick);
                }
                for payload in std::mem::take(&mut *wrong.lock().unwrap()) {
                    road.send(Topic::Down(tenant, device), payload, false).unwrap();
                }
                for message in std::mem::take(&mut lock(&registry).outbox) {
                    let heads = matches!(message, Message::Have(_));
                    let payload = pad::encode(&message).unwrap();
                    let topic = if heads { Topic::Heads(tenant, GROUP) } else { Topic::Down(tenant, device) };
                    // What finds no room is lost, as on any road.
                    _ = road.send(topic, payload, heads);
                }
            }
        }
    }
}
