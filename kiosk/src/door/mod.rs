//! The program at the door: its threads and the channels between them.
//!
//! ```text
//! camera ──newest frame──► vision ──Inbox──► gate ──grant──► strike
//!                            │                │ ▲              │
//!                            └──preview──► panel│└───Inbox──────┘
//!                                               socket ──Inbox──►
//! ```
//!
//! The gate thread alone owns the session and the store. Every channel is bounded; the frame slot holds one.
//! The replica's thread speaks with the agent, and asks the gate thread for what only the store's owner can do.
//! A small panel, where one is fitted, hears of each screen as well, by a slot of its own.

mod alert;
mod camera;
mod cards;
mod codes;
mod expected;
mod gate_thread;
mod inputs;
mod panel;
mod readers;
mod replica;
mod report;
mod slot;
mod strike;
mod vision;
mod watch;

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use boards::{
    Board, Clock, GuardCommand, Identifier, Presented,
    board::{CardReaderFacts, ReaderFacts},
};
use gate::{Event, Evidence, Policy, Roster, Session};
use models::calibration::Impostors;
use store::{Store, SystemEntropy};
use thiserror::Error;

pub(crate) use self::replica::{Done as ReplicaDone, Work as ReplicaWork};
pub(crate) use self::report::{Latency, Stages, VisitReport};
pub(crate) use self::{alert::Alert, cards::CardOrder, expected::Expected, slot::Slot};
use self::{
    camera::CameraThread,
    cards::{CardThread, Chip, Orders, WAITING_ORDERS},
    expected::SharedExpected,
    gate_thread::{GateParts, GateThread},
    inputs::InputsThread,
    readers::ReaderThread,
    vision::VisionThread,
    watch::Watch,
};
use crate::{
    desk::{self, AskNumber, CaptureSlot, DeskEvent, DeskThread},
    facility_file,
    search::{SearchSet, Shared},
    service::{Reply, Request},
    ui::Panel,
};

/// Protects the gate thread's memory. Evidence is dropped when it is full (the next frame says it again); answers and
/// requests wait.
const INBOX: usize = 32;

/// What arrives at the gate thread.
pub(crate) enum Inbox {
    /// A frame was judged.
    Observed {
        /// What it said.
        evidence: Evidence,
        /// How long each stage took.
        stages: Stages,
        /// The gallery that was searched.
        searched: Arc<SearchSet>,
    },
    /// What one track said of everybody but the best person.
    Impostors(Impostors),
    /// A card or code was read.
    Presented(Presented),
    /// A code came into the camera's sight.
    CodeInSight(Identifier),
    /// What a chip card turned out to be.
    Chip(Chip),
    /// Anything else that happened.
    Event(Event),
    /// A command's request, and where its answer goes.
    Request(Request, SyncSender<Reply>),
    /// A question of the desk.
    Desk(AskNumber, desk::Ask),
    /// Staff at the desk let people in.
    DeskLetIn(AskNumber, desk::LetIn),
    /// What the replica wants of the store. It is done when nobody else waits.
    Replica(ReplicaWork, SyncSender<ReplicaDone>),
    /// Finish.
    Stop,
}

/// What the door needs to start.
pub(crate) struct Parts {
    /// The board's facts.
    pub(crate) board: Board,
    /// The opened vault.
    pub(crate) store: Store,
    /// The networks.
    pub(crate) vision: models::Vision,
    /// What the facility asks for.
    pub(crate) policy: Policy,
    /// Where screens go.
    pub(crate) panel: Arc<dyn Panel>,
    /// The clock of all threads.
    pub(crate) clock: Arc<dyn Clock>,
    /// The camera, if not the board's own (the demonstration drives a scripted one).
    pub(crate) camera: Option<Box<dyn boards::Camera>>,
    /// Who is told about each visit once it is complete.
    pub(crate) observer: Box<dyn FnMut(&VisitReport) + Send>,
    /// Who tells the staff about the door.
    pub(crate) alert: Box<dyn Fn(Alert) + Send>,
    /// The data directory, in which the agent's socket is; none where no agent comes.
    pub(crate) agent_in: Option<PathBuf>,
}

/// The door could not start.
#[derive(Debug, Error)]
pub(crate) enum DoorError {
    #[error("the strike cannot be used")]
    Strike(#[source] boards::StrikeError),
    #[error("the vault cannot be read")]
    Store(#[from] store::StoreError),
    #[error("this program's own path is not known, so the strike cannot be guarded")]
    Program(#[source] std::io::Error),
    #[error(
        "the facility's rules cannot be used at this board; set others with `kiosk facility set FILE`\n{0}"
    )]
    Rules(String),
    #[error("a thread cannot be started")]
    Thread(#[source] std::io::Error),
}

/// A door at work.
pub(crate) struct Door {
    inbox: SyncSender<Inbox>,
    desk: SyncSender<DeskEvent>,
    cards: SyncSender<CardOrder>,
    stopping: Arc<AtomicBool>,
    shared: Shared,
    gate: JoinHandle<Store>,
    /// In a test that plays the card: what the card's thread would be told.
    #[cfg(test)]
    card_orders: Orders,
    others: Vec<JoinHandle<()>>,
}

impl Door {
    /// Forces the strike into its resting state, answers grants that an earlier run left open, and starts the threads.
    pub(crate) fn start(parts: Parts) -> Result<Self, DoorError> {
        let Parts { board, mut store, vision, mut policy, panel, clock, camera, observer, alert, agent_in } =
            parts;
        let guard = GuardCommand {
            program: std::env::current_exe().map_err(DoorError::Program)?,
            args: vec!["strike-guard".into()],
        };
        let strike = board.open_strike(Arc::clone(&clock), guard).map_err(DoorError::Strike)?;
        policy.door = strike.as_ref().map(|strike| strike.door());
        policy.sensor = board.sensor;
        policy.direction = board.direction;
        judge(&policy, &*alert)?;
        let now = crate::clock::now(clock.as_ref());
        let roster = store.roster()?;
        tell_findings(&roster);
        let mut session = Session::new(policy.clone(), roster);
        let told = session.step(now, Event::Inside(store.inside(now)?));
        debug_assert!(told.is_empty(), "who is inside is for the session alone");
        let shared = Shared::new(SearchSet::load(&mut store, &policy)?);
        let left_open = store.close_open_grants(now)?;
        tracing::info!(references = shared.current().references(), left_open, "door starts");

        let (inbox, arrivals) = sync_channel(INBOX);
        let stopping = Arc::new(AtomicBool::new(false));
        let (slot, expected) = (Arc::new(Slot::new()), SharedExpected::default());
        let (desk, desk_arrivals) = sync_channel(desk::WAITING);
        let (cards, card_orders) = sync_channel(WAITING_ORDERS);
        let card_orders: Orders = Arc::new(Mutex::new(card_orders));
        let lens = Arc::new(CaptureSlot::new());
        let desk_thread = DeskThread {
            gate: inbox.clone(),
            lens: Arc::clone(&lens),
            panel: Arc::clone(&panel),
            clock: Arc::clone(&clock),
            stopping: Arc::clone(&stopping),
            cards: cards.clone(),
        };
        let mut others = Vec::new();
        let strike = match strike {
            Some(strike) => {
                let (orders, thread) = strike::start(strike, inbox.clone()).map_err(DoorError::Thread)?;
                others.push(thread);
                Some(orders)
            }
            None => None,
        };
        let panel = match board.open_panel() {
            Some(small) => {
                let pictures = Arc::new(Slot::new());
                let (kept, stopping) = (Arc::clone(&pictures), Arc::clone(&stopping));
                let thread = panel::PanelThread { panel: small, pictures: kept, stopping };
                others.push(spawn("panel", move || thread.run())?);
                let readers = reads_credentials(&board, Some(&store));
                Arc::new(panel::Beside { screens: panel, pictures, readers }) as Arc<dyn Panel>
            }
            None => panel,
        };
        let board = Arc::new(board);
        let inputs = InputsThread {
            board: Arc::clone(&board),
            clock: Arc::clone(&clock),
            inbox: inbox.clone(),
            stopping: Arc::clone(&stopping),
        };
        let reader = |facts: &ReaderFacts| ReaderThread {
            facts: facts.clone(),
            clock: Arc::clone(&clock),
            inbox: inbox.clone(),
            stopping: Arc::clone(&stopping),
        };
        let readers: Vec<ReaderThread> = board.readers.iter().map(reader).collect();
        let card_reader = |facts: &CardReaderFacts| CardThread {
            facts: facts.clone(),
            orders: Arc::clone(&card_orders),
            clock: Arc::clone(&clock),
            inbox: inbox.clone(),
            desk: desk.clone(),
            stopping: Arc::clone(&stopping),
            entropy: Box::new(SystemEntropy),
        };
        let card_readers: Vec<CardThread> = board.card_readers.iter().map(card_reader).collect();
        let camera = CameraThread {
            board,
            camera,
            slot: Arc::clone(&slot),
            clock: Arc::clone(&clock),
            inbox: inbox.clone(),
            stopping: Arc::clone(&stopping),
        };
        let vision = VisionThread {
            vision,
            slot,
            shared: shared.clone(),
            panel: Arc::clone(&panel),
            clock: Arc::clone(&clock),
            inbox: inbox.clone(),
            stopping: Arc::clone(&stopping),
            watch: Watch::default(),
            expected: expected.clone(),
            lens: Arc::clone(&lens),
            entropy: Box::new(SystemEntropy),
        };
        let kept = shared.clone();
        let replica = agent_in
            .map(|data| replica::prepare(data, inbox.clone(), Arc::clone(&clock), Arc::clone(&stopping)));
        let (replica, teller) = replica.unzip();
        let gate = GateThread::new(GateParts {
            policy,
            session,
            store,
            shared,
            expected,
            strike,
            panel,
            clock,
            observer,
            alert,
            desk: desk.clone(),
            lens,
            teller,
        });
        others.push(spawn("camera", move || camera.run())?);
        others.push(spawn("vision", move || vision.run())?);
        others.push(spawn("desk", move || desk_thread.run(&desk_arrivals))?);
        others.push(spawn("inputs", move || inputs.run())?);
        for reader in readers {
            others.push(spawn("reader", move || reader.run())?);
        }
        for reader in card_readers {
            others.push(spawn("cards", move || reader.run())?);
        }
        if let Some(replica) = replica {
            others.push(spawn("replica", move || replica.run())?);
        }
        let gate = spawn("gate", move || gate.run(&arrivals))?;
        Ok(Self {
            inbox,
            desk,
            cards,
            stopping,
            shared: kept,
            gate,
            #[cfg(test)]
            card_orders,
            others,
        })
    }

    /// Where events and requests go.
    pub(crate) fn inbox(&self) -> SyncSender<Inbox> {
        self.inbox.clone()
    }

    /// Where touches of the staff area go.
    pub(crate) fn desk(&self) -> SyncSender<DeskEvent> {
        self.desk.clone()
    }

    /// Where the orders for a chip card go.
    pub(crate) fn cards(&self) -> SyncSender<CardOrder> {
        self.cards.clone()
    }

    /// What the card's thread would be told next.
    #[cfg(test)]
    pub(crate) fn card_order(&self) -> Option<CardOrder> {
        self.card_orders.lock().expect("no thread holds it").try_recv().ok()
    }

    /// How many references are in memory.
    pub(crate) fn references(&self) -> usize {
        self.shared.current().references()
    }

    /// Stops every thread, the strike in its resting state, and gives the store back.
    pub(crate) fn stop(self) -> Option<Store> {
        self.stopping.store(true, Ordering::Relaxed);
        _ = self.inbox.send(Inbox::Stop);
        let store = self.gate.join().ok();
        for thread in self.others {
            _ = thread.join();
        }
        store
    }
}

/// Whether people can show a card or a code here. The camera reads codes; they count where a registry is believed.
pub(crate) fn reads_credentials(board: &Board, store: Option<&Store>) -> bool {
    let codes = store.is_some_and(|store| matches!(store.registry(), Ok(Some(_))));
    codes || !(board.readers.is_empty() && board.card_readers.is_empty())
}

/// Rules that let nobody in or everybody open no door; what else is wrong with them is told to the staff.
fn judge(policy: &Policy, alert: &dyn Fn(Alert)) -> Result<(), DoorError> {
    let found = facility_file::findings(policy);
    if let Some(fatal) = facility_file::fatal(&found) {
        return Err(DoorError::Rules(fatal));
    }
    for finding in &found {
        tracing::warn!(finding = finding.english, "facility's rules");
    }
    if !found.is_empty() {
        alert(Alert::Rules);
    }
    Ok(())
}

fn spawn<T: Send + 'static>(
    name: &str,
    run: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, DoorError> {
    thread::Builder::new().name(name.into()).spawn(run).map_err(DoorError::Thread)
}

/// What staff should look at among the people here; each finding names ids, never names.
fn tell_findings(roster: &Roster) {
    for finding in roster.findings() {
        tracing::warn!(%finding, "roster");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::cell::Cell;

    use gate::SensorTier;

    use super::*;

    fn judged(rules: &str) -> (Result<(), DoorError>, bool) {
        let rules = facility_file::parse("test.toml", rules).unwrap();
        let told = Cell::new(false);
        let policy = rules.policy_at(Policy::default().door, SensorTier::Rgb);
        let judged = judge(&policy, &|alert| told.set(alert == Alert::Rules));
        (judged, told.get())
    }

    #[test]
    fn rules_that_would_open_for_everybody_open_no_door() {
        let (judged, _) = judged("[claim]\ntarget_fmr = 0.5\n");
        assert!(judged.unwrap_err().to_string().contains("claim.target_fmr"));
    }

    #[test]
    fn a_door_that_a_photograph_opens_is_told_to_the_staff() {
        assert!(matches!(judged("[face_alone]\nrgb = 'opens'\n"), (Ok(()), true)));
        assert!(matches!(judged(""), (Ok(()), false)));
    }
}
