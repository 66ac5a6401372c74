//! The door itself, as its contacts tell: open without leave, open too long, left by those inside, free in a fire.
//!
//! Rules only; the contacts are read in `boards`. A kiosk without inputs never hears of any of this, and its grants are
//! answered by the relay alone.

use std::time::Duration;

use crate::{Monotonic, RecordId};

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
    /// Opened without a grant and without a request to exit.
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
    /// How long after a request to exit the door may be opened.
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
}

impl DoorMonitor {
    /// A door of which nothing is known yet.
    #[must_use]
    pub fn new(times: DoorTimes) -> Self {
        Self { times }
    }

    /// A contact changed.
    pub fn input(&mut self, _change: InputChange) -> Vec<DoorEvent> {
        _ = self.times;
        Vec::new()
    }

    /// A pulse for this grant has begun or ended; the door may be opened.
    pub fn released(&mut self, _now: Monotonic, _grant: RecordId) -> Vec<DoorEvent> {
        Vec::new()
    }

    /// The pulse for this grant is over.
    pub fn pulse_over(&mut self, _now: Monotonic, _grant: RecordId) -> Vec<DoorEvent> {
        Vec::new()
    }

    /// Whether the door has a position switch that told something.
    #[must_use]
    pub fn knows_position(&self) -> bool {
        false
    }

    /// Time passed.
    pub fn tick(&mut self, _now: Monotonic) -> Vec<DoorEvent> {
        Vec::new()
    }

    /// Whether the fire contact is active.
    #[must_use]
    pub fn fire(&self) -> bool {
        false
    }
}
