//! The kiosk as a replica: a thread that speaks with the agent, verifies whatever comes, and asks the gate thread for what
//! only the store's owner can do.
//!
//! ```text
//! agent ──frames──► road ──Message──► Sync ──verified──► Inbox::Replica(Keep) ──► gate thread: Store::keep
//!                    ▲                 │ ▲                                            │
//!                    └──Send, pages────┘ └──── Own: what the gate thread wrote ◄──────┘
//! ```
//!
//! A page is verified here, on a thread that gives way to all others; the gate thread hears of it only when its author's
//! signature holds. Pages that the agent asks for are read here as well, by the store's own reader, so an agent that lags or
//! asks without end costs the door nothing. The gate thread takes our work when nobody else waits for it, one page at a
//! time, and never waits for us: if we are behind with what it wrote, it says so, and the conversation begins again from the
//! file, in which everything is.

mod road;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};

use boards::Clock;
use gate::Monotonic;
use ledger::{
    AuthorId, Command, Event, Feed, GroupId, Message, Peer, RunId, SignedHead, SignedReceipt, SignedRecord,
    Sync,
};
use store::Reader;

use self::road::{Heard, Road};
use super::Inbox;

/// The agent; a kiosk has no other peer.
const AGENT: Peer = Peer(0);
/// How long to wait for anything before looking at everything else.
const WAKE: Duration = Duration::from_millis(100);
/// How often the conversation is taken up again: what was asked and not answered, what there is.
const TICK: Duration = Duration::from_secs(1);
/// A head is signed at least so often: its nonce shows how old what we know is, and with it the running time is saved.
const HEAD_EVERY: Duration = Duration::from_secs(60);
/// A head for what was written here, at most so often.
const HEAD_SOONEST: Duration = Duration::from_secs(1);
/// Protects the gate thread from receipts that are played again and again: one reaches it in this time, the newest.
const RECEIPT_EVERY: Duration = Duration::from_secs(1);
/// Protects the processor: pages that are read for the agent in a second, 4 MiB at most.
const PAGES_A_SECOND: u32 = 32;
/// Protects memory: what the gate thread wrote and we have not looked at. Beyond it we begin again from the file.
const WAITING_OWN: usize = 64;
/// Protects this thread from a gate thread that has no time for it: then it begins again.
const GATE_PATIENCE: Duration = Duration::from_secs(60);
/// How long to wait after something failed.
const PAUSE: Duration = Duration::from_secs(5);
/// How often somebody who belongs to no registry looks whether that has changed; a join through this kiosk is told at once.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Protects the gate thread: it rests as long as a page took it, and no longer than this.
const LONGEST_REST: Duration = Duration::from_millis(250);
/// How far this thread steps back behind the others (as `nice`): a camera's frame goes before a page.
const NICE: i32 = 10;

/// What the gate thread is asked to do with the store.
pub(crate) enum Work {
    /// Begin: the replica as the file has it, and a reader of its pages.
    Begin,
    /// Make this durable: what one verified page brings.
    Keep(Vec<Command>),
    /// Join a verified receipt.
    Receipted(Box<SignedReceipt>),
    /// Sign how far this kiosk goes.
    SignHead,
}

/// What came of it.
pub(crate) enum Done {
    /// This kiosk belongs to no registry.
    NotJoined,
    /// The replica.
    Began(Box<Began>),
    /// It is durable; with the epoch that it opened.
    Kept(Option<u32>),
    /// The receipt was joined.
    Receipted,
    /// The head.
    Signed(Box<SignedHead>),
    /// The store failed. What is in memory here may not be what is in the file.
    Failed,
}

/// A conversation's beginning.
pub(crate) struct Began {
    /// As the file has it.
    pub(crate) sync: Sync,
    /// This device.
    pub(crate) me: AuthorId,
    /// Its facility.
    pub(crate) group: GroupId,
    /// Reads pages for the agent.
    pub(crate) reader: Reader,
    /// Own records of an earlier one are in the file already.
    pub(crate) number: u64,
}

/// Records that the gate thread wrote.
pub(crate) struct Own {
    /// Which conversation they belong to.
    pub(crate) number: u64,
    /// Their feed.
    pub(crate) feed: Feed,
    /// They are durable.
    pub(crate) records: Vec<SignedRecord>,
}

/// The gate thread's end: what it tells the replica without ever waiting for it.
pub(crate) struct Teller {
    own: SyncSender<Own>,
    again: Arc<AtomicBool>,
    number: u64,
}

impl Teller {
    /// A conversation begins; its number.
    pub(crate) fn begin(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    /// Tells what was written. A replica that is behind begins again.
    pub(crate) fn wrote(&self, feed: Feed, records: Vec<SignedRecord>) {
        match self.own.try_send(Own { number: self.number, feed, records }) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => self.begin_again(),
        }
    }

    /// Something changed in the file that the replica must read there.
    pub(crate) fn begin_again(&self) {
        self.again.store(true, Ordering::Relaxed);
    }
}

/// What the thread is made of.
pub(super) struct ReplicaThread {
    data: PathBuf,
    inbox: SyncSender<Inbox>,
    clock: Arc<dyn Clock>,
    stopping: Arc<AtomicBool>,
    own: Receiver<Own>,
    again: Arc<AtomicBool>,
}

/// A replica thread for this data directory, and the gate thread's end of it.
pub(super) fn prepare(
    data: PathBuf,
    inbox: SyncSender<Inbox>,
    clock: Arc<dyn Clock>,
    stopping: Arc<AtomicBool>,
) -> (ReplicaThread, Teller) {
    let (sender, own) = sync_channel(WAITING_OWN);
    let again = Arc::new(AtomicBool::new(false));
    let teller = Teller { own: sender, again: Arc::clone(&again), number: 0 };
    (ReplicaThread { data, inbox, clock, stopping, own, again }, teller)
}

impl ReplicaThread {
    /// Runs until the door stops.
    pub(super) fn run(self) {
        if let Err(error) = rustix::process::nice(NICE) {
            tracing::warn!(%error, "replica: not nicer than the others");
        }
        let mut road = None;
        while !self.is_stopping() {
            self.again.store(false, Ordering::Relaxed);
            match self.ask(Work::Begin) {
                Some(Done::Began(began)) => match self.road(&mut road) {
                    Some(road) => Conversation::new(&self, *began).run(road),
                    None => self.rest(PAUSE),
                },
                Some(Done::NotJoined) => self.rest(LOOK_EVERY),
                Some(Done::Kept(_) | Done::Receipted | Done::Signed(_) | Done::Failed) | None => {
                    self.rest(PAUSE);
                }
            }
        }
    }

    /// The socket, from the first time on that somebody has something to say on it.
    fn road<'a>(&self, road: &'a mut Option<Road>) -> Option<&'a mut Road> {
        if road.is_none() {
            let path = self.data.join(road::NAME);
            match Road::open(&path) {
                Ok(opened) => *road = Some(opened),
                Err(error) => {
                    let path = path.display();
                    tracing::error!(%error, %path, "the agent's socket cannot be opened: check the directory's owner and mode");
                }
            }
        }
        road.as_mut()
    }

    /// Asks the gate thread and waits, within bounds.
    fn ask(&self, work: Work) -> Option<Done> {
        let (reply, answer) = sync_channel(1);
        self.inbox.send(Inbox::Replica(work, reply)).ok()?;
        let asked = self.clock.now();
        while !self.is_stopping() && self.clock.now().since(asked) < GATE_PATIENCE {
            match answer.recv_timeout(WAKE) {
                Ok(done) => return Some(done),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
        None
    }

    fn rest(&self, pause: Duration) {
        let since = self.clock.now();
        let over = || self.is_stopping() || self.again.load(Ordering::Relaxed);
        while !over() && self.clock.now().since(since) < pause {
            thread::sleep(WAKE);
        }
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

/// The conversation is over: it begins again from the file.
struct Over;

/// One conversation, from a beginning in the file.
struct Conversation<'a> {
    thread: &'a ReplicaThread,
    sync: Sync,
    me: AuthorId,
    group: GroupId,
    reader: Reader,
    number: u64,
    ticked: Monotonic,
    /// When the last head was signed.
    signed: Option<Monotonic>,
    /// Something was written here since.
    wrote: bool,
    receipt: Option<Box<SignedReceipt>>,
    receipted: Option<Monotonic>,
    pages: u32,
}

impl<'a> Conversation<'a> {
    fn new(thread: &'a ReplicaThread, began: Began) -> Self {
        let Began { sync, me, group, reader, number } = began;
        Self {
            thread,
            sync,
            me,
            group,
            reader,
            number,
            ticked: thread.clock.now(),
            signed: None,
            wrote: false,
            receipt: None,
            receipted: None,
            pages: PAGES_A_SECOND,
        }
    }

    /// Runs until the door stops, or until what is in memory may not be what is in the file.
    fn run(mut self, road: &mut Road) {
        // An agent that is there already hears everything from its beginning.
        let begun = if road.is_connected() { self.connected(road) } else { Ok(()) };
        let mut going = begun;
        while going.is_ok() && !self.thread.is_stopping() && !self.thread.again.load(Ordering::Relaxed) {
            going = self.turn(road);
        }
        if going.is_err() {
            tracing::warn!("replica begins again from the file");
            self.thread.rest(PAUSE);
        }
    }

    fn turn(&mut self, road: &mut Road) -> Result<(), Over> {
        self.hear_own(road)?;
        let now = self.now();
        if now.since(self.ticked) >= TICK {
            (self.ticked, self.pages) = (now, PAGES_A_SECOND);
            self.step(road, Event::Tick)?;
        }
        self.sign_head(road)?;
        self.join_receipt()?;
        for heard in road.turn(self.now(), WAKE) {
            match heard {
                Heard::Connected => self.connected(road)?,
                Heard::Said(message) => self.step(road, Event::Heard(AGENT, message))?,
                Heard::Gone => self.step(road, Event::Gone(AGENT))?,
            }
        }
        Ok(())
    }

    fn connected(&mut self, road: &mut Road) -> Result<(), Over> {
        self.step(road, Event::Connected(AGENT, Some(self.me)))
    }

    /// What the gate thread wrote: told to the agent, and worth a new head. The store has folded it.
    fn hear_own(&mut self, road: &mut Road) -> Result<(), Over> {
        for Own { number, feed, records } in self.thread.own.try_iter().take(WAITING_OWN).collect::<Vec<_>>()
        {
            if number != self.number {
                continue;
            }
            self.wrote = true;
            let mut commands = self.sync.step(self.now_ms(), Event::Wrote(feed, self.me, records));
            commands.retain(|command| !matches!(command, Command::Fold(..) | Command::Refold));
            self.perform(road, commands)?;
        }
        Ok(())
    }

    fn sign_head(&mut self, road: &mut Road) -> Result<(), Over> {
        let since = self.signed.map_or(Duration::MAX, |signed| self.now().since(signed));
        if since < HEAD_SOONEST || (since < HEAD_EVERY && !self.wrote) {
            return Ok(());
        }
        let Some(Done::Signed(head)) = self.thread.ask(Work::SignHead) else { return Err(Over) };
        (self.signed, self.wrote) = (Some(self.now()), false);
        // Signing may have written: that comes first, so that the head names nothing that was not offered.
        self.hear_own(road)?;
        self.wrote = false;
        self.step(road, Event::Signed(head))
    }

    fn join_receipt(&mut self) -> Result<(), Over> {
        let soon = self.receipted.is_some_and(|then| self.now().since(then) < RECEIPT_EVERY);
        let Some(receipt) = self.receipt.take_if(|_| !soon) else { return Ok(()) };
        self.receipted = Some(self.now());
        match self.thread.ask(Work::Receipted(receipt)) {
            Some(Done::Receipted) => Ok(()),
            Some(Done::NotJoined | Done::Began(_) | Done::Kept(_) | Done::Signed(_) | Done::Failed)
            | None => Err(Over),
        }
    }

    fn step(&mut self, road: &mut Road, event: Event) -> Result<(), Over> {
        let commands = self.sync.step(self.now_ms(), event);
        self.perform(road, commands)
    }

    /// Everything that is stored is one request, and durable before anything else of the same step is done.
    fn perform(&mut self, road: &mut Road, commands: Vec<Command>) -> Result<(), Over> {
        let (stored, told): (Vec<Command>, Vec<Command>) = commands.into_iter().partition(is_for_the_store);
        let mut opened = None;
        if !stored.is_empty() {
            let asked = self.now();
            let Some(Done::Kept(epoch)) = self.thread.ask(Work::Keep(stored)) else { return Err(Over) };
            opened = epoch;
            thread::sleep(self.now().since(asked).min(LONGEST_REST));
        }
        for command in told {
            self.tell(road, command)?;
        }
        match opened {
            Some(epoch) => self.step(road, Event::Opened(self.group, epoch)),
            None => Ok(()),
        }
    }

    fn tell(&mut self, road: &mut Road, command: Command) -> Result<(), Over> {
        match command {
            Command::Send(_, message) => road.say(&message),
            Command::Serve(_, run, from) => self.serve(road, run, from),
            Command::Receipted(receipt) => self.receipt = Some(receipt),
            Command::Refused(_, error) => {
                tracing::warn!(%error, "replica: refused");
                if road.blame(self.now()).is_some() {
                    return self.step(road, Event::Gone(AGENT));
                }
            }
            Command::Stranger(_, run) => {
                tracing::debug!(%run, "replica: whose run this is has no place here")
            }
            // A kiosk answers no heads; the others went to the store.
            Command::Answer(..)
            | Command::Commit
            | Command::Keep(..)
            | Command::Drop(_)
            | Command::Fold(..)
            | Command::Refold
            | Command::Forked(_) => {}
        }
        Ok(())
    }

    /// A page for the agent, read here. What is too much at once is asked for again.
    fn serve(&mut self, road: &mut Road, run: RunId, from: u64) {
        if self.pages == 0 || !road.has_room() {
            return;
        }
        self.pages -= 1;
        if let Some(page) = self.reader.page(run, from) {
            road.say(&Message::Page(page));
        }
    }

    fn now(&self) -> Monotonic {
        self.thread.clock.now()
    }

    fn now_ms(&self) -> u64 {
        self.now().micros() / 1_000
    }
}

fn is_for_the_store(command: &Command) -> bool {
    match command {
        Command::Keep(..) | Command::Drop(_) | Command::Fold(..) | Command::Refold | Command::Forked(_) => {
            true
        }
        // The request as a whole is what is committed.
        Command::Commit
        | Command::Send(..)
        | Command::Serve(..)
        | Command::Answer(..)
        | Command::Receipted(_)
        | Command::Refused(..)
        | Command::Stranger(..) => false,
    }
}
