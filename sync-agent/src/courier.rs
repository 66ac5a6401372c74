//! The courier: `ledger::Sync` with a store. What comes in is an event, what goes out are parcels for the kiosk and the registry;
//! sockets, clocks and waiting are the driver's (`run`).
//!
//! It does a step's commands in their order: pages and lines become durable as one transaction, and only then is anything said
//! about them. It acknowledges nothing itself; only the registry's receipt means something, and only to the kiosk. If a
//! transaction fails, the replica is made again from the store, as after a start.
//!
//! Pages are read for sending one at a time, when the road has room ([`Courier::serve`]). When the disk has no room, what is
//! urgent still goes on, and the rest is not asked for until there is; receipted pages of the own device go first.

use crate::store::{Change, Store, StoreError};
use crate::telling::Telling;
use ledger::{
    AuthorId, Class, Command, Event, Have, JoinAnswer, MAX_HAVE, Members, Message, Page, Peer, Prior, Real,
    Role, RunId, SignedReceipt, Sync,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use wire::Clock;

/// The kiosk as a peer.
pub const KIOSK: Peer = Peer(0);
/// The registry as a peer.
pub const REGISTRY: Peer = Peer(1);
/// How many pages wait to be sent to one peer; what is beyond is asked for again.
pub const MAX_SERVING: usize = 64;
/// How many runs of the registry's offers are remembered.
pub const MAX_OFFERS: usize = 4_096;
/// How often what the registry offered and is not here yet is considered again, in milliseconds.
const AGAIN_MS: u64 = 5_000;
const RECEIPT: &str = "receipt";

/// A message for a peer.
#[derive(Debug)]
pub struct Parcel {
    /// To whom.
    pub to: Peer,
    /// What.
    pub message: Message,
}

/// What is counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// Pages and statements that did not verify.
    pub refused: u64,
    /// Pages of authors who have no place here.
    pub strangers: u64,
    /// Proofs that an author signed two stories.
    pub forks: u64,
    /// Bytes that were no message.
    pub garbage: u64,
    /// Transactions that failed.
    pub failed: u64,
}

/// A peer's side.
#[derive(Debug)]
struct Side {
    whose: AuthorId,
    up: bool,
    telling: Telling,
    serving: VecDeque<(RunId, u64)>,
}

/// The courier.
pub struct Courier {
    store: Store,
    sync: Sync,
    me: AuthorId,
    registry: AuthorId,
    sides: BTreeMap<Peer, Side>,
    offers: BTreeMap<RunId, Have>,
    offers_at_ms: u64,
    receipt: Option<SignedReceipt>,
    room: bool,
    clock: Arc<Clock>,
    /// What was counted.
    pub counts: Counts,
}

impl std::fmt::Debug for Courier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Courier({})", self.me)
    }
}

impl Courier {
    /// Goes on from the store; at the first start from the control pages that the registry answered with.
    ///
    /// Errors: [`StoreError`].
    pub fn new(
        mut store: Store,
        answer: &JoinAnswer,
        bulk_every_ms: u64,
        clock: Arc<Clock>,
    ) -> Result<Courier, StoreError> {
        let (me, registry) = (answer.author, answer.registry);
        let sync = restarted(&mut store, me, registry)?;
        let side =
            |whose, every| Side { whose, up: false, telling: Telling::new(every), serving: VecDeque::new() };
        let mut courier = Courier {
            store,
            sync,
            me,
            registry,
            sides: [(KIOSK, side(me, 0)), (REGISTRY, side(registry, bulk_every_ms))].into(),
            offers: BTreeMap::new(),
            offers_at_ms: 0,
            receipt: None,
            room: true,
            clock,
            counts: Counts::default(),
        };
        for page in answer.control.iter().filter_map(|bytes| Page::decode(bytes).ok()) {
            courier.heard(0, REGISTRY, Message::Page(page))?;
        }
        if let Some(receipt) =
            courier.store.noted(RECEIPT)?.and_then(|bytes| SignedReceipt::decode(&bytes).ok())
        {
            courier.heard(0, REGISTRY, Message::Receipt(receipt))?;
        }
        Ok(courier)
    }

    /// A peer can be reached.
    ///
    /// Errors: [`StoreError`] if the store no longer works at all; the process is to end then. So everywhere below.
    pub fn connected(&mut self, now_ms: u64, peer: Peer) -> Result<Vec<Parcel>, StoreError> {
        let Some(side) = self.sides.get_mut(&peer) else { return Ok(Vec::new()) };
        side.up = true;
        side.telling.begin_again();
        let whose = side.whose;
        self.step(now_ms, Event::Connected(peer, Some(whose)))
    }

    /// A peer can no longer be reached.
    ///
    /// Errors: [`StoreError`].
    pub fn gone(&mut self, now_ms: u64, peer: Peer) -> Result<Vec<Parcel>, StoreError> {
        if let Some(side) = self.sides.get_mut(&peer) {
            side.up = false;
            side.serving.clear();
        }
        self.step(now_ms, Event::Gone(peer))
    }

    /// A peer said something.
    ///
    /// Errors: [`StoreError`].
    pub fn heard(&mut self, now_ms: u64, peer: Peer, message: Message) -> Result<Vec<Parcel>, StoreError> {
        let message = match message {
            Message::Have(have) => {
                if peer == REGISTRY {
                    self.remember_offers(&have);
                }
                let wanted = |have: &Have| self.room || have.feed.class < Class::FacilityBulk;
                Message::Have(have.into_iter().filter(wanted).collect())
            }
            Message::Page(page) if !self.room && self.is_bulk(page.run) => return Ok(Vec::new()),
            Message::Receipt(receipt) => {
                self.take_receipt(peer, &receipt)?;
                Message::Receipt(receipt)
            }
            other @ (Message::Want(_) | Message::Page(_) | Message::Head(_)) => other,
        };
        self.step(now_ms, Event::Heard(peer, Box::new(message)))
    }

    /// A second has passed. `room`: whether the disk has room for what is not urgent.
    ///
    /// Errors: [`StoreError`].
    pub fn tick(&mut self, now_ms: u64, room: bool) -> Result<Vec<Parcel>, StoreError> {
        self.room = room;
        if !room {
            self.make_room(now_ms)?;
        }
        let mut parcels = self.step(now_ms, Event::Tick)?;
        if self.is_up(REGISTRY) && now_ms >= self.offers_at_ms + AGAIN_MS {
            self.offers_at_ms = now_ms;
            parcels.extend(self.consider_offers(now_ms)?);
        }
        Ok(parcels)
    }

    /// Whether a page waits to be sent to this peer.
    pub fn waits(&self, peer: Peer) -> bool {
        self.sides.get(&peer).is_some_and(|side| !side.serving.is_empty())
    }

    /// The next page for this peer, now that its road has room for one.
    ///
    /// Errors: [`StoreError`].
    pub fn serve(&mut self, now_ms: u64, peer: Peer) -> Result<Option<Parcel>, StoreError> {
        let Some(side) = self.sides.get_mut(&peer) else { return Ok(None) };
        let Some((run, from)) = side.serving.pop_front() else { return Ok(None) };
        side.telling.served(now_ms, run);
        match self.store.page(run, from) {
            Ok(page) => Ok(page.map(|page| Parcel { to: peer, message: Message::Page(page) })),
            Err(StoreError::Damaged(why)) => {
                tracing::error!(event = "run_damaged", %run, why);
                self.store.change(&[Change::Drop(run)])?;
                self.restart(now_ms)?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Bytes of this peer were no message.
    pub fn garbage(&mut self) {
        self.counts.garbage += 1;
    }

    /// The registry's last receipt for this device, verified.
    pub fn receipt(&self) -> Option<&SignedReceipt> {
        self.receipt.as_ref()
    }

    /// The runs held.
    pub fn sync(&self) -> &Sync {
        &self.sync
    }

    /// What the registry offered, as far as it is remembered.
    pub fn offers(&self) -> impl Iterator<Item = &Have> {
        self.offers.values()
    }

    /// Whether the disk has room for what is not urgent.
    pub fn has_room(&self) -> bool {
        self.room
    }

    /// How much of the disk the replica takes, in bytes.
    ///
    /// Errors: [`StoreError`].
    pub fn used_bytes(&self) -> Result<u64, StoreError> {
        self.store.used_bytes()
    }

    fn is_up(&self, peer: Peer) -> bool {
        self.sides.get(&peer).is_some_and(|side| side.up)
    }

    fn is_bulk(&self, run: RunId) -> bool {
        self.sync.line(run).is_some_and(|line| line.feed().class >= Class::FacilityBulk)
    }

    fn step(&mut self, now_ms: u64, event: Event) -> Result<Vec<Parcel>, StoreError> {
        let commands = self.sync.step(now_ms, event);
        let mut parcels = match self.perform(now_ms, commands) {
            Ok(parcels) => parcels,
            Err(error) => self.failed(now_ms, error)?,
        };
        for (peer, side) in self.sides.iter_mut().filter(|(_, side)| side.up) {
            parcels.extend(side.telling.due(now_ms).map(|message| Parcel { to: *peer, message }));
        }
        Ok(parcels)
    }

    fn perform(&mut self, now_ms: u64, commands: Vec<Command>) -> Result<Vec<Parcel>, StoreError> {
        let (mut staged, mut parcels) = (Vec::new(), Vec::new());
        for command in commands {
            match command {
                Command::Keep(line, page) => staged.push(Change::Keep(line, page)),
                Command::Drop(run) => {
                    self.sides.values_mut().for_each(|side| side.telling.forget(run));
                    staged.push(Change::Drop(run));
                }
                Command::Commit => self.store.change(&std::mem::take(&mut staged))?,
                Command::Send(peer, message) => parcels.extend(self.send(now_ms, peer, *message)),
                Command::Serve(peer, run, from) => self.queue(peer, run, from),
                Command::Fold(..) | Command::Refold | Command::Answer(..) | Command::Receipted(_) => {}
                Command::Forked(fork) => {
                    self.counts.forks += 1;
                    tracing::error!(event = "fork", run = %fork.run, seq = fork.seq);
                }
                Command::Refused(peer, error) => {
                    self.counts.refused += 1;
                    tracing::warn!(event = "refused", peer = peer.0, %error);
                }
                Command::Stranger(peer, run) => {
                    self.counts.strangers += 1;
                    tracing::debug!(event = "stranger", peer = peer.0, %run);
                }
            }
        }
        // Keyrings that were dropped by a step without pages.
        if !staged.is_empty() {
            self.store.change(&staged)?;
        }
        Ok(parcels)
    }

    /// What goes at once, and what is only noted for [`Telling`] to say when it is due.
    fn send(&mut self, now_ms: u64, peer: Peer, message: Message) -> Option<Parcel> {
        let side = self.sides.get_mut(&peer).filter(|side| side.up)?;
        let goes = match &message {
            Message::Have(have) => {
                side.telling.offer(have.clone());
                false
            }
            Message::Head(head) => peer == REGISTRY && side.telling.head(now_ms, head),
            Message::Receipt(receipt) => peer == KIOSK && side.telling.receipt(now_ms, receipt),
            Message::Want(_) | Message::Page(_) => true,
        };
        goes.then_some(Parcel { to: peer, message })
    }

    fn queue(&mut self, peer: Peer, run: RunId, from: u64) {
        let Some(side) = self.sides.get_mut(&peer) else { return };
        if side.serving.len() < MAX_SERVING && !side.serving.contains(&(run, from)) {
            let urgent =
                |run| self.sync.line(run).is_some_and(|line| line.feed().class < Class::FacilityBulk);
            let place = side.serving.iter().position(|(other, _)| urgent(run) && !urgent(*other));
            side.serving.insert(place.unwrap_or(side.serving.len()), (run, from));
        }
    }

    /// A transaction failed: the replica is made again from what is durable.
    fn failed(&mut self, now_ms: u64, error: StoreError) -> Result<Vec<Parcel>, StoreError> {
        self.counts.failed += 1;
        self.room &= !matches!(error, StoreError::Full);
        tracing::error!(event = "store_failed", %error);
        self.restart(now_ms)
    }

    fn restart(&mut self, now_ms: u64) -> Result<Vec<Parcel>, StoreError> {
        self.sync = restarted(&mut self.store, self.me, self.registry)?;
        let mut parcels = Vec::new();
        let up: Vec<(Peer, AuthorId)> =
            self.sides.iter().filter(|(_, side)| side.up).map(|(peer, side)| (*peer, side.whose)).collect();
        for (peer, whose) in up {
            let commands = self.sync.step(now_ms, Event::Connected(peer, Some(whose)));
            parcels.extend(self.perform(now_ms, commands)?);
        }
        Ok(parcels)
    }

    fn remember_offers(&mut self, have: &[Have]) {
        for have in have {
            if self.offers.len() < MAX_OFFERS || self.offers.contains_key(&have.at.run) {
                self.offers.insert(have.at.run, *have);
            }
        }
    }

    /// The registry says its heads once, and a question or its answer may be lost.
    fn consider_offers(&mut self, now_ms: u64) -> Result<Vec<Parcel>, StoreError> {
        let sync = &self.sync;
        let lacks = |have: &&Have| {
            (self.room || have.feed.class < Class::FacilityBulk)
                && sync.line(have.at.run).is_none_or(|line| line.at().length < have.at.length)
        };
        let mut lacking: Vec<Have> = self.offers.values().filter(lacks).copied().collect();
        lacking.sort_by_key(|have| have.feed.class);
        lacking.truncate(MAX_HAVE);
        if lacking.is_empty() {
            return Ok(Vec::new());
        }
        self.step(now_ms, Event::Heard(REGISTRY, Box::new(Message::Have(lacking))))
    }

    fn take_receipt(&mut self, peer: Peer, signed: &SignedReceipt) -> Result<(), StoreError> {
        let newer = self.receipt.as_ref().is_none_or(|old| old.receipt.wall_ms < signed.receipt.wall_ms);
        let ours =
            peer == REGISTRY && signed.receipt.device == self.me && signed.verify(&Real, self.registry);
        if !ours || !newer {
            return Ok(());
        }
        let certain_ms = signed.receipt.wall_ms - 1_000 * i64::from(signed.receipt.uncertainty_s);
        self.clock.signed(u64::try_from(certain_ms / 1_000).unwrap_or(0));
        if let Ok(bytes) = signed.encode() {
            match self.store.note(RECEIPT, &bytes) {
                Err(StoreError::Full) => self.room = false,
                done => done?,
            }
        }
        self.receipt = Some(signed.clone());
        Ok(())
    }

    /// Forgets pages of the own device that the registry has durably, as it signed. The kiosk has its own.
    fn make_room(&mut self, now_ms: u64) -> Result<(), StoreError> {
        let Some(receipt) = &self.receipt else { return Ok(()) };
        let receipted: BTreeMap<RunId, Prior> = receipt.receipt.runs.iter().map(|at| (at.run, *at)).collect();
        let mut forgot = false;
        for line in
            self.sync.lines().filter(|line| line.author() == self.me && !line.feed().class.is_keyring())
        {
            let Some(at) = receipted.get(&line.at().run) else { continue };
            let from = line.have().from;
            forgot |=
                at.length > from && self.store.forget_before(line, at.length.min(line.at().length))? > from;
        }
        if forgot {
            // The runs' beginnings are gone: the replica offers what is left, at the tick that follows.
            tracing::info!(event = "forgot_receipted");
            self.restart(now_ms)?;
        }
        Ok(())
    }
}

fn restarted(store: &mut Store, me: AuthorId, registry: AuthorId) -> Result<Sync, StoreError> {
    let lines = store.lines()?;
    let members = store.members(Members::new(registry), &lines)?;
    let keyrings: Vec<_> =
        lines.iter().map(|line| line.feed()).filter(|feed| feed.class == Class::Keyring).collect();
    let mut sync = Sync::restart(Role::Agent, me, members, lines, &Real);
    for feed in keyrings {
        if let Some(group) = feed.group {
            for command in sync.step(0, Event::Opened(group, feed.epoch.saturating_sub(1))) {
                if let Command::Drop(run) = command {
                    store.change(&[Change::Drop(run)])?;
                }
            }
        }
    }
    Ok(sync)
}
