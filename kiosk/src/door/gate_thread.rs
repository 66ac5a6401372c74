//! The gate thread: steps the session and does what it says. It alone owns the session and the store.

mod cards;
mod codes;
mod replica;

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError},
    },
    time::Duration,
};

use boards::Clock;
use credentials::Trust;
use gate::{
    Command, Committed, Decision, DoorEvent, Entry, Event, Fault, Grant, LetIn, Monotonic, Outcome, PersonId,
    Policy, RegistryAge, Screen, Session, commit,
};
use models::{
    Card,
    calibration::{Impostors, LiveTail},
};
use store::{Store, StoreError};

use super::{
    Alert, Inbox, Latency, ReplicaDone, ReplicaWork, Stages, VisitReport,
    expected::{Expected, SharedExpected},
    replica::Teller,
    strike::Order,
};
use crate::{
    clock,
    desk::{self, Answered, AskNumber, CaptureSlot, DeskEvent, serve_desk},
    office::retention::Sweep,
    search::Shared,
    service::{Reply, Request, Served, outcome_text, serve},
    ui::{Moment, Panel},
};

/// The session is stepped at least this often.
const TICK: Duration = Duration::from_millis(50);
/// If the camera works and no frame is judged for this long, the vision thread hangs; the service manager is then told
/// nothing more and starts the program again.
const LONGEST_SILENCE: Duration = Duration::from_secs(30);
/// How often a failed store is tried again.
const TRY_STORE_EVERY: Duration = Duration::from_secs(2);

pub(super) struct GateThread {
    policy: Policy,
    session: Session,
    store: Store,
    shared: Shared,
    expected: SharedExpected,
    strike: Option<SyncSender<Order>>,
    panel: Arc<dyn Panel>,
    clock: Arc<dyn Clock>,
    observer: Box<dyn FnMut(&VisitReport) + Send>,
    alert: Box<dyn Fn(Alert) + Send>,
    desk: SyncSender<DeskEvent>,
    lens: Arc<CaptureSlot>,
    /// The newest decision by which staff let somebody in is on record.
    let_in_recorded: bool,
    /// Whether the card's promise holds at this door, since the program started.
    live: LiveTail,
    /// The stages of the newest judged frame.
    stages: Stages,
    camera_failed: bool,
    /// The granted visit whose strike has not answered yet.
    open: Option<VisitReport>,
    /// When the store failed last.
    store_failed: Option<Monotonic>,
    /// When what is old is taken away.
    sweep: Sweep,
    /// Whose codes count and when that was read, until something is asked of the vault that may change it.
    trust: Option<(Monotonic, Trust)>,
    /// Codes from before may have been used where nobody remembers it.
    started: Monotonic,
    /// How the replica hears of what was written; none where no agent comes.
    teller: Option<Teller>,
    /// What the replica wants, until nobody else waits. It asks for one thing at a time.
    replica: Option<(ReplicaWork, SyncSender<ReplicaDone>)>,
    /// How old what is known of the registry may be.
    registry_age: Option<RegistryAge>,
    /// Who is searched is not what the vault says: it could not be read.
    gallery_stale: bool,
}

/// What the gate thread is made of.
pub(super) struct GateParts {
    pub(super) policy: Policy,
    pub(super) session: Session,
    pub(super) store: Store,
    pub(super) shared: Shared,
    pub(super) expected: SharedExpected,
    pub(super) strike: Option<SyncSender<Order>>,
    pub(super) panel: Arc<dyn Panel>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) observer: Box<dyn FnMut(&VisitReport) + Send>,
    pub(super) alert: Box<dyn Fn(Alert) + Send>,
    pub(super) desk: SyncSender<DeskEvent>,
    pub(super) lens: Arc<CaptureSlot>,
    pub(super) teller: Option<Teller>,
}

impl GateThread {
    pub(super) fn new(parts: GateParts) -> Self {
        let GateParts {
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
            desk,
            lens,
            teller,
        } = parts;
        panel.show(session.screen().into());
        Self {
            policy,
            session,
            store,
            shared,
            expected,
            strike,
            panel,
            observer,
            alert,
            desk,
            lens,
            let_in_recorded: false,
            live: LiveTail::new(&Card::sface()),
            stages: Stages { finished: clock.now(), ..Stages::default() },
            sweep: Sweep::new(clock.now()),
            trust: None,
            started: clock.now(),
            camera_failed: false,
            clock,
            open: None,
            store_failed: None,
            teller,
            replica: None,
            registry_age: None,
            gallery_stale: false,
        }
    }

    /// Runs until it is told to stop and gives the store back.
    pub(super) fn run(mut self, arrivals: &Receiver<Inbox>) -> Store {
        self.look_at_registry_age();
        loop {
            match self.next(arrivals) {
                Ok(Inbox::Observed { evidence, stages, searched }) => {
                    self.stages = stages;
                    // Whoever was revoked a moment ago is not granted by a search that was made before.
                    if self.shared.is_current(&searched) {
                        self.step(Event::Observed(evidence));
                    }
                }
                Ok(Inbox::Impostors(impostors)) => self.watch_tail(&impostors),
                Ok(Inbox::Event(event)) => self.step(event),
                Ok(Inbox::Presented(presented)) => self.presented(&presented),
                Ok(Inbox::CodeInSight(code)) => self.code_in_sight(code.bytes()),
                Ok(Inbox::Chip(chip)) => self.chip(chip),
                Ok(Inbox::Request(request, reply)) => {
                    let answer = self.serve(request);
                    _ = reply.try_send(answer);
                }
                Ok(Inbox::Desk(number, ask)) => self.serve_desk(number, ask),
                Ok(Inbox::DeskLetIn(number, let_in)) => self.desk_let_in(number, let_in),
                Ok(Inbox::Replica(work, reply)) => self.replica = Some((work, reply)),
                Err(RecvTimeoutError::Timeout) => {
                    self.serve_replica();
                    self.step(Event::Tick);
                }
                Ok(Inbox::Stop) | Err(RecvTimeoutError::Disconnected) => break,
            }
            self.try_failed_store();
            self.sweep();
            self.tell_replica();
            if self.camera_failed || self.clock.now().since(self.stages.finished) < LONGEST_SILENCE {
                crate::notify::alive(self.clock.now());
            }
        }
        self.answer_for_open_grant(arrivals);
        self.store
    }

    /// What arrives next. While the replica waits for something nobody waits here: as soon as nothing else is there, it is
    /// its turn. A visit is never behind a page that came later than it, and a page is one transaction, so nothing at the door
    /// is late by more than that one.
    fn next(&self, arrivals: &Receiver<Inbox>) -> Result<Inbox, RecvTimeoutError> {
        if self.replica.is_none() {
            return arrivals.recv_timeout(TICK);
        }
        arrivals.try_recv().map_err(|error| match error {
            TryRecvError::Empty => RecvTimeoutError::Timeout,
            TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
        })
    }

    /// Steps the session; the answers that commands give are events of their own and are stepped before anything else.
    fn step(&mut self, event: Event) {
        let mut next = Some(event);
        while let Some(event) = next.take() {
            self.note(&event);
            for command in self.session.step(clock::now(self.clock.as_ref()), event) {
                match command {
                    Command::Show(screen) => self.show(screen),
                    Command::Release(grant) => self.release(grant),
                    Command::Free(free) => self.free(free),
                    Command::Expect(person) => self.expect(person),
                    Command::Record(entry) => {
                        if !self.record(&entry) {
                            next = Some(Event::CommitFailed);
                        }
                        self.alert_about(&entry);
                    }
                    Command::Commit(decision) => next = Some(self.commit(decision)),
                }
            }
        }
    }

    /// Shows a screen, with the name of whoever may be greeted by it.
    fn show(&mut self, screen: Screen) {
        if matches!(screen, Screen::Evacuate) {
            self.tell_desk(DeskEvent::Evacuate);
        }
        let greeted = if let Screen::Welcome(welcome) = &screen { welcome.greet } else { None };
        // A name that cannot be read is not worth a screen that does not come.
        let name = greeted.and_then(|person| self.store.name(person).ok().flatten());
        self.panel.show(Moment::from(screen).naming(name.into_iter().collect()));
    }

    fn watch_tail(&mut self, impostors: &Impostors) {
        if let Some(alarm) = self.live.observe(impostors) {
            tracing::error!(
                threshold = alarm.threshold.0,
                fmr = alarm.fmr,
                reached = alarm.reached,
                allowed = alarm.allowed,
                visits = alarm.visits,
                "more people look alike than the model card promises"
            );
            crate::notify::status("people look more alike than the model card promises: see `kiosk status`");
        }
    }

    fn commit(&mut self, decision: Decision) -> Event {
        let stepped = self.clock.now();
        // `commit` takes the decision, so what the report says is read before; the record's place is known after.
        let draft = VisitReport::draft(&decision);
        let let_in = matches!(decision.outcome(), Outcome::LetIn { .. });
        match commit(&mut self.store, clock::now(self.clock.as_ref()), decision) {
            Ok(committed) => {
                self.let_in_recorded |= let_in;
                let latency = Latency::new(&self.stages, stepped, self.clock.now());
                self.report(draft.recorded(committed.record, latency), &committed);
                Event::Committed(committed)
            }
            Err(error) => {
                self.store_failed(&error);
                Event::CommitFailed
            }
        }
    }

    fn record(&mut self, entry: &Entry) -> bool {
        use gate::DurableLog as _;
        match self.store.append(clock::now(self.clock.as_ref()), entry) {
            Ok(_) => true,
            Err(error) => {
                self.store_failed(&error);
                false
            }
        }
    }

    fn store_failed(&mut self, error: &dyn std::error::Error) {
        if self.store_failed.replace(self.clock.now()).is_none() {
            tracing::error!(error = crate::output::explain(error), "record not durable");
        }
    }

    /// A store that failed (a full disk, for instance) is tried now and then; the door stays shut until it works.
    fn try_failed_store(&mut self) {
        let now = self.clock.now();
        if self.store_failed.is_none_or(|failed| now.since(failed) < TRY_STORE_EVERY) {
            return;
        }
        match self.writable_again() {
            Ok(()) => {
                self.store_failed = None;
                self.step(Event::Restored(Fault::Storage));
            }
            Err(_) => self.store_failed = Some(now),
        }
    }

    /// Tries to write. A strike's answer that could not be recorded is lost, so its grant is answered as unknown; one that
    /// the strike has not answered yet is left to it.
    fn writable_again(&mut self) -> Result<(), StoreError> {
        self.store.check_writable()?;
        if self.gallery_stale {
            self.read_gallery()?;
        }
        if self.open.is_none() {
            self.store.close_open_grants(clock::now(self.clock.as_ref()))?;
        }
        Ok(())
    }

    /// Takes away what is old, while nobody stands at the door and the store works.
    fn sweep(&mut self) {
        if self.store_failed.is_none() && self.session.screen() == Screen::Idle {
            self.sweep.step(&mut self.store, clock::now(self.clock.as_ref()));
        }
    }

    /// Hands the grant to the strike. It never waits: a strike that is still busy gets no second grant.
    fn release(&mut self, grant: Grant) {
        let Some(strike) = &self.strike else {
            return;
        };
        match strike.try_send(Order::Release(grant)) {
            Ok(()) | Err(TrySendError::Full(Order::Hold(_)) | TrySendError::Disconnected(Order::Hold(_))) => {
            }
            Err(
                TrySendError::Full(Order::Release(grant)) | TrySendError::Disconnected(Order::Release(grant)),
            ) => {
                let (door, now) = (grant.door(), self.clock.now());
                let released = grant.spend(door, now).map_or_else(|answer| answer, |spent| spent.failed());
                self.step(Event::Released(released));
            }
        }
    }

    /// The door is free in a fire, or rests again. It waits for the strike: nothing else is as urgent.
    fn free(&mut self, free: bool) {
        if let Some(strike) = &self.strike {
            _ = strike.send(Order::Hold(free));
        }
    }

    /// From the next frame on faces are compared with the owner of a credential.
    fn expect(&mut self, person: Option<PersonId>) {
        let read = |person| Expected::read(&mut self.store, person, &self.policy);
        let expected = match person.map(read).transpose() {
            Ok(expected) => expected,
            Err(error) => {
                self.store_failed(&error);
                None
            }
        };
        self.expected.replace(expected);
    }

    /// Never waits: a desk that is behind gives its question up.
    fn tell_desk(&self, event: DeskEvent) {
        _ = self.desk.try_send(event);
    }

    /// A question of the desk. What is searched is in place before the answer.
    fn serve_desk(&mut self, number: AskNumber, ask: desk::Ask) {
        let (set, now) = (self.shared.current(), clock::now(self.clock.as_ref()));
        let Answered { reply, set } = serve_desk(&mut self.store, &set, &self.policy, now, ask);
        let enrolled = matches!(reply, desk::Reply::Enrolled(_));
        if let Some(set) = set {
            self.shared.replace(set);
            self.people_changed();
        } else if enrolled {
            self.people_changed();
        }
        self.tell_desk(DeskEvent::Reply(number, reply));
    }

    /// Staff let people in. The desk hears that it is on record, or that it is not.
    fn desk_let_in(&mut self, number: AskNumber, let_in: desk::LetIn) {
        self.let_in_recorded = false;
        let desk::LetIn { by, visitors, release } = let_in;
        self.step(Event::LetIn(LetIn { staff: by.staff(), visitors, release }));
        let reply = if self.let_in_recorded {
            desk::Reply::LetIn
        } else {
            desk::Reply::Failed(desk::Failure::NotStored)
        };
        self.tell_desk(DeskEvent::Reply(number, reply));
    }

    /// What the door's contacts tell is for the staff, at once.
    fn alert_about(&self, entry: &Entry) {
        let Entry::Door(event) = entry else { return };
        let alert = match event {
            DoorEvent::Forced => Alert::Forced,
            DoorEvent::OpenLong => Alert::OpenLong,
            DoorEvent::HeldOpen => Alert::HeldOpen,
            DoorEvent::Fire => Alert::Fire,
            DoorEvent::TamperOpen => Alert::Tamper,
            DoorEvent::Closed
            | DoorEvent::GrantUnused(_)
            | DoorEvent::Entered(_)
            | DoorEvent::RequestToExit
            | DoorEvent::FireOver
            | DoorEvent::TamperClosed => return,
        };
        tracing::warn!(alert = alert.name(), "door");
        (self.alert)(alert);
    }

    fn report(&mut self, report: VisitReport, committed: &Committed) {
        if committed.grant.is_some() {
            self.open = Some(report);
        } else {
            self.tell(&report);
        }
    }

    /// A strike's answer completes the report of its visit; a failed camera explains why no frame is judged.
    fn note(&mut self, event: &Event) {
        match event {
            Event::Released(released) => {
                if let Some(mut report) = self.open.take_if(|report| report.record == released.grant()) {
                    report.pulse = Some(released.result());
                    self.tell(&report);
                }
            }
            Event::Failed(Fault::Camera) => self.camera_failed = true,
            Event::Restored(Fault::Camera) => {
                self.camera_failed = false;
                self.stages.finished = self.clock.now();
            }
            Event::Observed(_)
            | Event::Presented(_)
            | Event::Reader(_)
            | Event::CredentialRefused(..)
            | Event::Cancelled
            | Event::CannotTurn
            | Event::Committed(_)
            | Event::CommitFailed
            | Event::Door(_)
            | Event::LetIn(_)
            | Event::Left(_)
            | Event::StaffCalled
            | Event::Failed(Fault::Strike | Fault::Storage)
            | Event::Restored(Fault::Strike | Fault::Storage)
            | Event::Policy(_)
            | Event::Roster(_)
            | Event::Inside(_)
            | Event::RegistryAge(_)
            | Event::Tick => {}
        }
    }

    fn tell(&mut self, report: &VisitReport) {
        tracing::info!(
            visit = report.visit,
            outcome = outcome_text(report.outcome),
            record = %report.record,
            total_ms = report.latency.total,
            pulse = ?report.pulse,
            "visit"
        );
        (self.observer)(report);
    }

    fn serve(&mut self, request: Request) -> Reply {
        let (set, now) = (self.shared.current(), clock::now(self.clock.as_ref()));
        self.trust = None;
        let served = serve(&mut self.store, &set, &self.policy, Some(&self.live), now, request);
        // In place before the answer: whoever hears of a revocation may rely on it.
        served.map_err(|error| crate::output::explain(&error)).map(
            |Served { answer, set, policy, people, let_in, joined }| {
                if let Some(policy) = policy {
                    self.policy = policy.clone();
                    self.step(Event::Policy(Box::new(policy)));
                }
                let people = people || set.is_some();
                if let Some(set) = set {
                    self.shared.replace(set);
                }
                if people {
                    self.people_changed();
                }
                if let Some(let_in) = let_in {
                    self.step(Event::LetIn(let_in));
                }
                if joined {
                    self.joined();
                }
                answer
            },
        )
    }

    /// The vault's people changed: the session judges by them from now on, and whoever's card was shown is looked up again.
    fn people_changed(&mut self) {
        match self.store.roster() {
            Ok(roster) => {
                super::tell_findings(&roster);
                self.step(Event::Roster(roster));
                if let Some(expected) = self.expected.current() {
                    self.expect(Some(expected.person()));
                }
            }
            Err(error) => self.store_failed(&error),
        }
    }

    /// At the stop: the strike may still be driving its pulse; its answer is recorded before the store is closed.
    fn answer_for_open_grant(&mut self, arrivals: &Receiver<Inbox>) {
        /// A pulse lasts five seconds at most (the board file's limit).
        const LONGEST_PULSE: Duration = Duration::from_secs(6);
        let asked = self.clock.now();
        while self.open.is_some() && self.clock.now().since(asked) < LONGEST_PULSE {
            if let Ok(Inbox::Event(event @ Event::Released(_))) = arrivals.recv_timeout(TICK) {
                self.step(event);
            }
        }
    }
}
