//! The strike port: what releases the door.
//!
//! A strike has two acts. [`Strike::release`] takes a grant and drives the relay for one pulse; nothing else can, since a
//! [`Grant`] is made only from a durable record. [`Strike::set_idle`] puts the relay to rest: not driven.
//!
//! The lock is wired so that the resting relay keeps the door locked and the driven relay releases it: a fail-secure lock
//! on the contact that closes, a fail-safe lock on the one that opens. So a relay that loses power does what the lock
//! does, and "off" is right for both.
//!
//! [`pulse`] holds the rules that every relay shares; [`lcus1`] and [`sim`] are relays.

pub mod lcus1;
pub(crate) mod port;
pub mod pulse;
pub mod sim;

use std::{path::PathBuf, time::Duration};

use gate::{DoorId, Grant, Released};
use thiserror::Error;

pub use sim::{SimPulse, SimPulses};

/// What releases one door.
pub trait Strike: Send {
    /// The door.
    fn door(&self) -> DoorId;

    /// Puts the relay to rest.
    ///
    /// # Errors
    /// The relay does not take the command; the driver goes on trying by itself.
    fn set_idle(&mut self) -> Result<(), StrikeError>;

    /// Spends the grant and drives the relay for one pulse; returns when the pulse is over. The driver's own thread ends
    /// the pulse whatever becomes of the caller.
    ///
    /// A pulse follows the one before after [`pulse::SHORTEST_GAP`] at the earliest, and is not given if the grant would
    /// have expired by then. After `StrikeFailed`, [`Strike::check`] says why.
    fn release(&mut self, grant: Grant) -> Released;

    /// PROVISIONAL
    /// # Errors
    /// x
    fn hold_released(&mut self, _hold: bool) -> Result<(), StrikeError> {
        self.set_idle()
    }

    /// Mends what can be mended (opens a device that came back, starts the guard again) and writes the resting command
    /// once more. Worth calling every few seconds while no grant is at hand.
    ///
    /// # Errors
    /// What failed since the last call, else what is wrong now. `Ok` means that a release can be expected to work.
    fn check(&mut self) -> Result<(), StrikeError>;
}

/// Why the strike does not work.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StrikeError {
    /// Nothing at this path.
    #[error(
        "there is no relay at {device}; found instead: {found}. Plug it in, or put its path into `device` under [strike] \
         in the board file"
    )]
    NotThere {
        /// The path of the board file.
        device: String,
        /// The serial ports of this machine.
        found: String,
    },
    /// Another program has it.
    #[error("relay {device} is in use by another program: stop it (`fuser -v {device}` names it)")]
    InUse {
        /// The device.
        device: String,
    },
    /// The system refused.
    #[error(
        "cannot {act} relay {device}: {reason}. Check its cable, and that this user may use it (group dialout)"
    )]
    Port {
        /// What was tried.
        act: &'static str,
        /// The device.
        device: String,
        /// The system's reason.
        reason: String,
    },
    /// It takes no bytes.
    #[error("relay {device} took no command for {waited:?}: unplug it and plug it in again")]
    Stuck {
        /// The device.
        device: String,
        /// The time-out.
        waited: Duration,
    },
    /// Nobody would end a pulse if this program were killed.
    #[error("the guard {program} of relay {device} does not run ({reason}); without it there is no pulse")]
    Guard {
        /// The device.
        device: String,
        /// The guard's program.
        program: String,
        /// Why not.
        reason: String,
    },
    /// The grant would have been used too late.
    #[error("relay {device} was ready only after {waited:?}, too late for the grant")]
    Late {
        /// The device.
        device: String,
        /// How long the grant waited.
        waited: Duration,
    },
    /// The driver itself does not answer.
    #[error("the driver of relay {device} did not answer for {waited:?}: restart the program")]
    Driver {
        /// The device.
        device: String,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The simulator cannot write its pulses.
    #[error(
        "cannot write pulses to {path}: {reason}. Correct `pulses` under [strike] in the board file, or make room"
    )]
    Record {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
}
