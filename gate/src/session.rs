//! One kiosk, one visit after the other: from the first face or card to the outcome on the screen.
//!
//! A visit is one continuous track of one face. It collects good frames into attempts; an attempt that [`decide()`](crate::decide()) can
//! settle, a turn of the head where the policy asks for one, and the facility's rules ([`admit`](crate::admit)) end the
//! visit with a [`Command::Commit`], and only the answer to that releases the door and shows a welcome.
//!
//! ```text
//!        face in the guide           attempt settled, patience over, face gone
//! Waiting ────────────► Looking ───────────────────────────────────────────► Committing
//!    ▲                   │  ▲                                                     │ Committed
//!    │ gone, shown       └──┘ turn the head                                       ▼
//!    └───────────────────── another face; or refused and still here ────────── Settled
//! ```
//!
//! A card or code presented beforehand makes the visit a claim: where a rule is content with it, it opens by itself; else
//! its owner's face is compared 1:1, and nobody else's helps. While a card reader works, faces wait.
//! Whoever was admitted and stays causes no second pulse: the same track is not judged again, and a new track without an
//! absence in between that shows the same person is that visit going on.
//!
//! `looking` is the visit under way, `credential` what cards and codes bring, `outcome` its end, `at_door` what the strike,
//! the contacts and the staff bring.

mod at_door;
mod credential;
mod looking;
mod outcome;

use crate::{
    Admission, Claim, Committed, CredentialKind, CredentialRefusal, Decision, DenyReason, DoorMonitor, Entry,
    Evidence, Fault, FeeClassId, Grant, InputChange, Inside, Monotonic, Now, Outcome, PersonId, Policy,
    ReaderScreen, RecordId, RegistryAge, Released, Roster, Screen, StaffId, TrackId, View,
};
use credential::{Mistrusted, Presented};
use looking::Looking;

/// What happened in the world.
#[derive(Debug, PartialEq)]
pub enum Event {
    /// A camera frame was judged.
    Observed(Evidence),
    /// A card or code was presented.
    Presented(Claim),
    /// A card reader is at this step of a flow of its own. Faces wait until it brings a claim or a refusal, or took longer
    /// than the policy's `claim.reader_patience`.
    Reader(ReaderScreen),
    /// A card or code was refused before it said whose it is.
    CredentialRefused(CredentialKind, CredentialRefusal),
    /// The person does not go on with the card or code: what was proven is forgotten at once.
    Cancelled,
    /// The person says that turning the head is hard.
    CannotTurn,
    /// The last [`Command::Commit`] is durable.
    Committed(Committed),
    /// The last [`Command::Commit`] or a [`Command::Record`] could not be made durable.
    CommitFailed,
    /// The strike answers for a grant.
    Released(Released),
    /// A contact of the door changed.
    Door(InputChange),
    /// Staff let people in whom they entered by hand.
    LetIn(LetIn),
    /// Somebody was seen leaving.
    Left(PersonId),
    /// Somebody pressed 「係員を呼ぶ」.
    StaffCalled,
    /// A part failed.
    Failed(Fault),
    /// A part works again.
    Restored(Fault),
    /// The facility's policy changed.
    Policy(Box<Policy>),
    /// Who is registered changed.
    Roster(Roster),
    /// Who is inside, as the records say; told at the start.
    Inside(Inside),
    /// How old what is known of the registry may be from now on; none where none was joined.
    RegistryAge(Option<RegistryAge>),
    /// Time passed; at least ten a second.
    Tick,
}

/// Visitors whom a member of the staff answers for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetIn {
    /// Who answers for it.
    pub staff: StaffId,
    /// The fee class of each visitor.
    pub visitors: Vec<FeeClassId>,
    /// Whether the door is released as well.
    pub release: bool,
}

/// What should be done, in this order.
#[derive(Debug, PartialEq)]
#[must_use]
pub enum Command {
    /// Change the screen.
    Show(Screen),
    /// Drive the strike.
    Release(Grant),
    /// Hold the door released (`true`: the fire contact is active), or let it rest again.
    Free(bool),
    /// From now on compare each face with this person's references as well; none: with nobody's.
    Expect(Option<PersonId>),
    /// Append an entry that no grant waits for.
    Record(Entry),
    /// Make a decision durable. Always the last of its batch; answered by `Committed` or `CommitFailed` before
    /// anything else is stepped.
    Commit(Decision),
}

/// The rules of one kiosk, stepped by its gate thread.
#[derive(Debug)]
pub struct Session {
    policy: Policy,
    roster: Roster,
    inside: Inside,
    /// How old what is known of the registry may be.
    registry_age: Option<RegistryAge>,
    door: DoorMonitor,
    state: State,
    /// A card or code that was presented and not used up yet.
    claim: Option<Presented>,
    /// Until when a card reader that is at work may take.
    reader: Option<Monotonic>,
    /// Whose credentials were shown with another face by those who stand there.
    mistrusted: Mistrusted,
    /// When any face was seen last.
    last_face: Monotonic,
    /// Who passes by grants whose release is not answered yet.
    released: Vec<(RecordId, Passage)>,
    /// What staff asked for while a visit was being made durable.
    let_in: Vec<LetIn>,
    screen: Screen,
    faults: Vec<Fault>,
    visits: u64,
    refusals: Option<Refusals>,
    newest: Monotonic,
}

#[derive(Debug)]
enum State {
    Waiting,
    Looking(Looking),
    Committing(Settled, Ended),
    Settled(Settled),
}

/// Who passes by a grant, and which way.
#[derive(Debug, Clone, PartialEq)]
enum Passage {
    In(Admission),
    Out(Vec<PersonId>),
}

/// How a visit ended, until that is durable.
#[derive(Debug)]
struct Ended {
    outcome: Outcome,
    passage: Option<Passage>,
    /// How many people staff let in.
    by_hand: u32,
}

/// A visit whose outcome is decided.
#[derive(Debug, Clone, Copy)]
struct Settled {
    /// None if no face belonged to it.
    track: Option<TrackId>,
    last_seen: Monotonic,
    admitted: Option<PersonId>,
    shown_until: Monotonic,
    /// Admitted without a face: the first face that comes while that is shown belongs to this visit.
    awaits_track: bool,
}

/// Refusals in a row.
#[derive(Debug, Clone, Copy)]
struct Refusals {
    count: u32,
    last: Monotonic,
}

impl Session {
    /// A session that has seen nobody yet and shows [`Screen::Idle`].
    #[must_use]
    pub fn new(policy: Policy, roster: Roster) -> Self {
        Self {
            door: DoorMonitor::new(policy.door_times),
            policy,
            roster,
            inside: Inside::default(),
            registry_age: None,
            state: State::Waiting,
            claim: None,
            reader: None,
            mistrusted: Mistrusted::default(),
            last_face: Monotonic::default(),
            released: Vec::new(),
            let_in: Vec::new(),
            screen: Screen::Idle,
            faults: Vec::new(),
            visits: 0,
            refusals: None,
            newest: Monotonic::default(),
        }
    }

    /// The screen that was shown last.
    #[must_use]
    pub fn screen(&self) -> Screen {
        self.screen.clone()
    }

    /// Who is registered.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Who is inside, as far as this kiosk saw.
    #[must_use]
    pub fn inside(&self) -> &Inside {
        &self.inside
    }

    /// Takes one event and says what to do.
    pub fn step(&mut self, now: Now, event: Event) -> Vec<Command> {
        let mono = now.mono;
        match event {
            Event::Observed(evidence) => self.observed(now, evidence),
            Event::Presented(claim) => self.presented(now, claim),
            Event::Reader(step) => self.reader_at(mono, step),
            Event::CredentialRefused(kind, refusal) => {
                self.reader_refused(mono, DenyReason::CredentialRefused { kind, refusal })
            }
            Event::Cancelled => self.cancelled(mono),
            Event::CannotTurn => self.cannot_turn(mono),
            Event::Committed(committed) => self.committed(now, committed),
            Event::CommitFailed => self.failed(mono, Fault::Storage),
            Event::Released(released) => self.strike_answered(now, released),
            Event::Door(change) => self.contact_changed(now, change),
            Event::LetIn(let_in) => self.staff_let_in(mono, let_in),
            Event::Left(person) => self.left(person),
            Event::StaffCalled => vec![Command::Record(Entry::StaffCalled)],
            Event::Failed(fault) => self.failed(mono, fault),
            Event::Restored(fault) => self.restored(fault),
            Event::Policy(policy) => {
                self.door.set_times(policy.door_times);
                self.policy = *policy;
                Vec::new()
            }
            Event::Roster(roster) => {
                self.roster = roster;
                Vec::new()
            }
            Event::Inside(inside) => {
                self.inside = inside;
                Vec::new()
            }
            Event::RegistryAge(age) => {
                self.registry_age = age;
                Vec::new()
            }
            Event::Tick => self.tick(now),
        }
    }

    /// Judges a frame unless it is old, repeated or from the future, a part is broken, or the door is free in a fire.
    fn observed(&mut self, now: Now, evidence: Evidence) -> Vec<Command> {
        let (captured, mono) = (evidence.captured, now.mono);
        let fresh =
            captured > self.newest && captured <= mono && mono.since(captured) <= self.policy.freshness;
        if !fresh || !self.faults.is_empty() || self.door.fire() {
            return Vec::new();
        }
        self.newest = captured;
        if matches!(evidence.view, View::Face(_)) {
            self.last_face = mono;
        }
        match evidence.view {
            View::Nobody
                if matches!(self.state, State::Waiting) && self.claim.is_none() && self.reader.is_none() =>
            {
                self.show(Screen::Idle)
            }
            View::Nobody => self.tick(now),
            View::Face(view) if self.reader.is_some() => {
                self.seen(mono, view.track);
                self.tick(now)
            }
            View::Face(view) => self.face(now, evidence.dice, view),
        }
    }

    /// What time alone brings about: a face that has gone, an outcome that was shown long enough, a card whose owner did
    /// not come, a door that stays open.
    fn tick(&mut self, now: Now) -> Vec<Command> {
        let mut commands = self.door_told(now, |door| door.tick(now.mono));
        let mono = now.mono;
        if self.reader.is_some_and(|until| mono < until) && !self.claim_is_over(mono) {
            return commands;
        }
        commands.extend(self.reader_is_over(mono));
        if self.gone(mono, self.last_face) {
            self.mistrusted.forget();
        }
        commands.extend(match std::mem::replace(&mut self.state, State::Waiting) {
            State::Looking(looking) if self.gone(mono, looking.last_seen) => self.abandoned(mono, &looking),
            State::Waiting if self.claim_is_over(mono) => self.claim_unanswered(mono, None),
            State::Settled(settled) if self.claim_is_over(mono) => self.claim_unanswered(mono, Some(settled)),
            State::Settled(settled) if self.gone(mono, settled.last_seen) && mono >= settled.shown_until => {
                self.show(Screen::Idle)
            }
            kept @ (State::Waiting | State::Looking(_) | State::Committing(..) | State::Settled(_)) => {
                self.state = kept;
                Vec::new()
            }
        });
        commands
    }

    /// A part failed: a visit under way ends on record (unless records are what failed), and the screen says so.
    fn failed(&mut self, now: Monotonic, fault: Fault) -> Vec<Command> {
        if self.faults.contains(&fault) {
            return Vec::new();
        }
        self.faults.push(fault);
        self.reader = None;
        let mut commands = self.show(Screen::OutOfService(fault));
        commands.extend(self.forget_claim());
        if fault == Fault::Storage {
            self.state = State::Waiting;
            self.let_in.clear();
            return commands;
        }
        if !self.faults.contains(&Fault::Storage) {
            commands.push(Command::Record(Entry::Failed(fault)));
        }
        match std::mem::replace(&mut self.state, State::Waiting) {
            State::Looking(looking) => commands.extend(self.interrupted(now, &looking, fault)),
            kept @ State::Committing(..) => self.state = kept,
            State::Waiting | State::Settled(_) => {}
        }
        commands
    }

    fn restored(&mut self, fault: Fault) -> Vec<Command> {
        let Some(place) = self.faults.iter().position(|&it| it == fault) else {
            return Vec::new();
        };
        self.faults.remove(place);
        let mut commands = Vec::new();
        if !self.faults.contains(&Fault::Storage) {
            commands.push(Command::Record(Entry::Restored(fault)));
        }
        commands.extend(self.show(Screen::Idle));
        commands
    }

    fn gone(&self, now: Monotonic, last_seen: Monotonic) -> bool {
        now.since(last_seen) > self.policy.absence
    }

    /// Changes the screen if it differs. A fire overrides every other screen, then a broken part does.
    fn show(&mut self, screen: Screen) -> Vec<Command> {
        let screen = match self.faults.first() {
            _ if self.door.fire() => Screen::Evacuate,
            Some(&fault) => Screen::OutOfService(fault),
            None => screen,
        };
        if screen == self.screen {
            return Vec::new();
        }
        self.screen = screen.clone();
        vec![Command::Show(screen)]
    }
}

impl Settled {
    fn seen(self, now: Monotonic, track: TrackId) -> Self {
        if self.track == Some(track) { Self { last_seen: now, ..self } } else { self }
    }

    /// Whoever was admitted without a face is the first who is seen after it, while the outcome is shown.
    fn joined_by(self, now: Monotonic, track: TrackId) -> Self {
        let joins = self.awaits_track && now < self.shown_until;
        if joins { Self { track: Some(track), last_seen: now, awaits_track: false, ..self } } else { self }
    }
}

#[cfg(test)]
mod claim_tests;
#[cfg(test)]
mod factor_search;
#[cfg(test)]
mod factor_tests;
#[cfg(test)]
mod tests;
