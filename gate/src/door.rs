//! The door itself, as its contacts tell: open without leave, open too long, left by those inside, free in a fire.
//!
//! Rules only; the contacts are read in `boards`. A kiosk without inputs never hears of any of this, and its grants are
//! answered by the relay alone.
//!
//! ```text
//!            released                opened: Entered
//! LOCKED ───────────────► UNLOCKED ──────────────────► OPEN ── half of held_open: OpenLong ──► held_open: HeldOpen
//!    │ ▲                     │                          │ ▲                                        │
//!    │ └─────────────────────┘                          │ └── released: Entered, time starts anew  │
//!    │   not opened: GrantUnused                        │                                          │
//!    │ opened after a request to exit ─────────────────►│ closed ──► LOCKED     closed: Closed ──► LOCKED
//!    └ opened without either: Forced ───────────────────────────────────────────────── closed: Closed ──► LOCKED
//! ```
//!
//! **A grant is answered once**: with `Entered` at the first opening while it counts, or, if the door stands open already,
//! at once, because whoever was granted walks through it; else with `GrantUnused`. While it counts the door may be opened
//! more than once. One opening answers all grants that wait.
//!
//! **What is found is not judged.** A door that is open when its contact is told for the first time was opened by nobody
//! knows whom: that is not forced, but the time that it may stay open begins.
//!
//! **In a fire the door is free**: nothing is forced, held or entered, and requests to exit are not told. A grant that
//! waits keeps waiting; it is answered when the fire is over.

use std::time::Duration;

use crate::{Monotonic, RecordId};

/// No board pulses longer than this; a grant whose pulse is never said to be over counts as if it had ended then.
pub const LONGEST_PULSE: Duration = Duration::from_secs(6);

/// Contacts are told late, by their debouncing (50 ms) and the way to here. A grant is called unused only when an opening
/// in time must have been told.
const TOLD_WITHIN: Duration = Duration::from_millis(250);

/// Grants that wait at once: one a second, the least gap of pulses, for the longest pulse and what follows it. Beyond that
/// the oldest is answered early.
const MOST_RELEASES: usize = 16;

/// A contact of the door, debounced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Input {
    /// The door position switch (DPS): active while the door is open.
    DoorPosition,
    /// Request to exit (REX): active while somebody inside asks to leave.
    RequestToExit,
    /// The contact of the fire alarm: active while there is an alarm, or while its loop is cut.
    FireContact,
    /// The housing: active while it is open.
    Tamper,
}

impl Input {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::DoorPosition, Self::RequestToExit, Self::FireContact, Self::Tamper];
}

/// A contact changed, or is told for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputChange {
    /// When.
    pub at: Monotonic,
    /// Which.
    pub input: Input,
    /// To what.
    pub active: bool,
}

/// What the door did that somebody should know of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DoorEvent {
    /// Opened without a grant and without a request to exit. It stands until the door is closed.
    Forced,
    /// Half of the time that it may stay open has passed: a quiet notice.
    OpenLong,
    /// Open longer than it may.
    HeldOpen,
    /// Closed again after one of the above.
    Closed,
    /// A grant released it and nobody opened it: recorded as not entered.
    GrantUnused(RecordId),
    /// A grant released it and it was opened.
    Entered(RecordId),
    /// Somebody inside asked to leave.
    RequestToExit,
    /// The fire contact became active: the door is free.
    Fire,
    /// The fire contact is at rest again.
    FireOver,
    /// The housing was opened.
    TamperOpen,
    /// The housing is closed again.
    TamperClosed,
}

/// How long things may take at one door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DoorTimes {
    /// From the end of a pulse until the door must have been opened, else the grant was not used.
    pub open_within: Duration,
    /// How long the door may stay open after it was opened rightly.
    pub held_open: Duration,
    /// How long after the end of a request to exit the door may be opened. During the request it may at any time, so a
    /// contact that is stuck hides every forced opening.
    pub exit_within: Duration,
}

impl Default for DoorTimes {
    fn default() -> Self {
        Self {
            open_within: Duration::from_secs(3),
            held_open: Duration::from_secs(30),
            exit_within: Duration::from_secs(5),
        }
    }
}

/// Watches one door. Knows only of inputs that have been told at least once.
#[derive(Debug)]
pub struct DoorMonitor {
    times: DoorTimes,
    position: Position,
    releases: Vec<Release>,
    exit: Exit,
    fire: bool,
    tamper: bool,
    /// Something was told that `Closed` ends.
    owes_closed: bool,
}

/// Where the door is.
#[derive(Debug, Clone, Copy)]
enum Position {
    NotTold,
    Closed,
    Open(Watch),
}

/// What is still to be told of an open door.
#[derive(Debug, Clone, Copy)]
enum Watch {
    /// Everything.
    Rightly { since: Monotonic },
    /// That it is held open.
    Long { since: Monotonic },
    /// Nothing until it is closed.
    Told,
}

/// A grant for which the door may be opened.
#[derive(Debug, Clone, Copy)]
struct Release {
    grant: RecordId,
    until: Monotonic,
    answered: bool,
}

/// The last request to exit.
#[derive(Debug, Clone, Copy)]
enum Exit {
    Never,
    Asking,
    Asked(Monotonic),
}

impl DoorMonitor {
    /// Other times count from now on, for what is under way as well; what is known of the door stays.
    pub fn set_times(&mut self, times: DoorTimes) {
        self.times = times;
    }

    /// A door of which nothing is known yet.
    #[must_use]
    pub fn new(times: DoorTimes) -> Self {
        Self {
            times,
            position: Position::NotTold,
            releases: Vec::new(),
            exit: Exit::Never,
            fire: false,
            tamper: false,
            owes_closed: false,
        }
    }

    /// A contact changed. What became due before it is told before it.
    pub fn input(&mut self, change: InputChange) -> Vec<DoorEvent> {
        let InputChange { at, input, active } = change;
        let mut events = self.tick(at);
        match input {
            Input::DoorPosition => events.extend(self.moved(at, active)),
            Input::RequestToExit => events.extend(self.exit_asked(at, active)),
            Input::FireContact => events.extend(self.fire_contact(at, active)),
            Input::Tamper => events.extend(self.housing(active)),
        }
        events
    }

    /// A pulse for this grant begins: the door may be opened. Say it before the strike is driven. Said again for the same
    /// grant, the pulse is over.
    pub fn released(&mut self, now: Monotonic, grant: RecordId) -> Vec<DoorEvent> {
        let mut events = self.tick(now);
        if self.releases.iter().any(|release| release.grant == grant) {
            self.end_pulse(now, grant);
            return events;
        }
        if self.releases.len() >= MOST_RELEASES {
            let oldest = self.releases.remove(0);
            events.extend(self.unused(oldest));
        }
        let until = now.plus(LONGEST_PULSE).plus(self.times.open_within);
        self.releases.push(Release { grant, until, answered: false });
        if let (Position::Open(watch), false) = (self.position, self.fire) {
            events.extend(self.entered(now));
            self.position = Position::Open(match watch {
                Watch::Rightly { .. } | Watch::Long { .. } => Watch::Rightly { since: now },
                Watch::Told => Watch::Told,
            });
        }
        events
    }

    /// The pulse for this grant is over: for a while yet the door may be opened.
    pub fn pulse_over(&mut self, now: Monotonic, grant: RecordId) -> Vec<DoorEvent> {
        let events = self.tick(now);
        self.end_pulse(now, grant);
        events
    }

    /// The strike was not driven for this grant ([`crate::PulseResult::Expired`], [`crate::PulseResult::WrongDoor`]): it
    /// counts no more, and no answer is owed for it.
    pub fn not_driven(&mut self, now: Monotonic, grant: RecordId) -> Vec<DoorEvent> {
        let events = self.tick(now);
        self.releases.retain(|release| release.grant != grant);
        events
    }

    /// Time passed; at least twice a second.
    pub fn tick(&mut self, now: Monotonic) -> Vec<DoorEvent> {
        if self.fire {
            return Vec::new();
        }
        let due = |release: &mut Release| now > release.until.plus(TOLD_WITHIN);
        let due: Vec<Release> = self.releases.extract_if(.., due).collect();
        let mut events: Vec<DoorEvent> = due.into_iter().filter_map(|release| self.unused(release)).collect();
        events.extend(self.open_too_long(now));
        events
    }

    /// Whether the door has a position switch that told something.
    #[must_use]
    pub fn knows_position(&self) -> bool {
        !matches!(self.position, Position::NotTold)
    }

    /// Whether the fire contact is active.
    #[must_use]
    pub fn fire(&self) -> bool {
        self.fire
    }

    fn moved(&mut self, at: Monotonic, open: bool) -> Vec<DoorEvent> {
        match (self.position, open) {
            (Position::NotTold, true) => {
                self.position = Position::Open(Watch::Rightly { since: at });
                self.entered(at)
            }
            (Position::Closed, true) => self.opened(at),
            (Position::NotTold | Position::Open(_), false) => {
                self.position = Position::Closed;
                self.closed()
            }
            (Position::Open(_), true) | (Position::Closed, false) => Vec::new(),
        }
    }

    fn opened(&mut self, at: Monotonic) -> Vec<DoorEvent> {
        let granted = self.releases.iter().any(|release| at <= release.until);
        let asked = match self.exit {
            Exit::Never => false,
            Exit::Asking => true,
            Exit::Asked(last) => at.since(last) <= self.times.exit_within,
        };
        if self.fire || granted || asked {
            self.position = Position::Open(Watch::Rightly { since: at });
            return self.entered(at);
        }
        self.position = Position::Open(Watch::Told);
        self.owes_closed = true;
        vec![DoorEvent::Forced]
    }

    /// `Closed`, if the door is closed and something told is to be ended; in a fire it waits until that is over.
    fn closed(&mut self) -> Vec<DoorEvent> {
        let closed = matches!(self.position, Position::Closed) && !self.fire;
        let told = closed && std::mem::take(&mut self.owes_closed);
        told.then_some(DoorEvent::Closed).into_iter().collect()
    }

    /// Answers all grants that count and wait.
    fn entered(&mut self, at: Monotonic) -> Vec<DoorEvent> {
        let fire = self.fire;
        let waiting = self.releases.iter_mut().filter(|it| !fire && !it.answered && at <= it.until);
        let enter = |release: &mut Release| {
            release.answered = true;
            DoorEvent::Entered(release.grant)
        };
        waiting.map(enter).collect()
    }

    /// The answer of a grant that counts no more, if one is owed. Without a contact nobody knows.
    fn unused(&self, release: Release) -> Option<DoorEvent> {
        (self.knows_position() && !release.answered).then_some(DoorEvent::GrantUnused(release.grant))
    }

    fn end_pulse(&mut self, now: Monotonic, grant: RecordId) {
        let until = now.plus(self.times.open_within);
        self.releases.iter_mut().filter(|it| it.grant == grant).for_each(|it| it.until = until);
    }

    fn open_too_long(&mut self, now: Monotonic) -> Vec<DoorEvent> {
        let mut events = Vec::new();
        let mut watch = match self.position {
            Position::Open(watch) => watch,
            Position::NotTold | Position::Closed => return events,
        };
        if let Watch::Rightly { since } = watch
            && now.since(since) >= self.times.held_open / 2
        {
            watch = Watch::Long { since };
            events.push(DoorEvent::OpenLong);
        }
        if let Watch::Long { since } = watch
            && now.since(since) >= self.times.held_open
        {
            watch = Watch::Told;
            events.push(DoorEvent::HeldOpen);
        }
        self.owes_closed |= !events.is_empty();
        self.position = Position::Open(watch);
        events
    }

    fn exit_asked(&mut self, at: Monotonic, active: bool) -> Vec<DoorEvent> {
        let asking = matches!(self.exit, Exit::Asking);
        match (asking, active) {
            (false, true) => self.exit = Exit::Asking,
            (true, false) => self.exit = Exit::Asked(at),
            (true, true) | (false, false) => {}
        }
        let told = active && !asking && !self.fire;
        told.then_some(DoorEvent::RequestToExit).into_iter().collect()
    }

    fn fire_contact(&mut self, at: Monotonic, active: bool) -> Vec<DoorEvent> {
        let before = std::mem::replace(&mut self.fire, active);
        match (before, active) {
            (false, true) => vec![DoorEvent::Fire],
            (true, false) => {
                if let Position::Open(_) = self.position {
                    self.position = Position::Open(Watch::Rightly { since: at });
                }
                let mut events = vec![DoorEvent::FireOver];
                events.extend(self.closed());
                events.extend(self.tick(at));
                events
            }
            (true, true) | (false, false) => Vec::new(),
        }
    }

    fn housing(&mut self, open: bool) -> Option<DoorEvent> {
        let before = std::mem::replace(&mut self.tamper, open);
        (before != open).then_some(if open { DoorEvent::TamperOpen } else { DoorEvent::TamperClosed })
    }
}

#[cfg(test)]
mod tests;
