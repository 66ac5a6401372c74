//! The simulator's relay: it writes down when it was driven and for how long, to memory and, if the board says so, to a
//! file of one JSON object a line: `{"door":0,"at_us":123,"pulse_ms":3000}`, `at_us` on the clock of the rules.
//! A hold is written down when it is over, as one long pulse.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use gate::{DoorId, Monotonic};

use super::{StrikeError, pulse::Relay};
use crate::Clock;

/// One pulse that the simulator was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SimPulse {
    /// The door.
    pub door: DoorId,
    /// When the relay began to be driven.
    pub at: Monotonic,
    /// For how long.
    pub length: Duration,
}

/// The simulator's pulses, for whoever wants to look. Clones look at the same ones.
#[derive(Debug, Clone, Default)]
pub struct SimPulses(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    driven_since: Option<Monotonic>,
    pulses: Vec<SimPulse>,
}

impl SimPulses {
    /// All pulses so far, oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<SimPulse> {
        self.lock().pulses.clone()
    }

    /// Whether the relay is driven now.
    #[must_use]
    pub fn driven(&self) -> bool {
        self.lock().driven_since.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The relay of a board without hardware.
pub struct SimRelay {
    door: DoorId,
    clock: Arc<dyn Clock>,
    pulses: SimPulses,
    file: Option<PathBuf>,
}

impl SimRelay {
    /// A relay that writes to `pulses`, and to `file` if there is one.
    #[must_use]
    pub fn new(door: DoorId, clock: Arc<dyn Clock>, pulses: SimPulses, file: Option<PathBuf>) -> Self {
        Self { door, clock, pulses, file }
    }

    fn open_file(&self) -> Result<Option<File>, StrikeError> {
        let open = |path| OpenOptions::new().create(true).append(true).open(path);
        self.file.as_ref().map(open).transpose().map_err(|error| self.unwritten(&error))
    }

    fn unwritten(&self, error: &std::io::Error) -> StrikeError {
        StrikeError::Record { path: self.file.clone().unwrap_or_default(), reason: error.to_string() }
    }
}

impl Relay for SimRelay {
    fn device(&self) -> String {
        "simulated".into()
    }

    fn prepare(&mut self) -> Result<(), StrikeError> {
        self.open_file().map(|_| ())
    }

    fn drive(&mut self) -> Result<(), StrikeError> {
        let now = self.clock.now();
        self.pulses.lock().driven_since.get_or_insert(now);
        Ok(())
    }

    fn rest(&mut self) -> Result<(), StrikeError> {
        let now = self.clock.now();
        let mut seen = self.pulses.lock();
        let Some(at) = seen.driven_since.take() else {
            return Ok(());
        };
        let pulse = SimPulse { door: self.door, at, length: now.since(at) };
        seen.pulses.push(pulse);
        drop(seen);
        let (door, at, length) = (pulse.door.0, at.micros(), pulse.length.as_millis());
        match self.open_file()? {
            Some(mut file) => writeln!(file, r#"{{"door":{door},"at_us":{at},"pulse_ms":{length}}}"#)
                .map_err(|error| self.unwritten(&error)),
            None => Ok(()),
        }
    }
}
