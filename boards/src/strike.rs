//! The strike port: what releases the door.
//!
//! A strike has three acts. [`Strike::release`] takes a grant and drives the relay for one pulse; a [`Grant`] is made only
//! from a durable record. [`Strike::set_idle`] puts the relay to rest: not driven. [`Strike::hold_released`] is for nobody's
//! grant: a fire, or a shelter whose door is free. It drives the relay until it is told otherwise.
//!
//! The lock is wired so that the resting relay keeps the door locked and the driven relay releases it: a fail-secure lock
//! on the contact that closes, a fail-safe lock on the one that opens. So a relay that loses power does what the lock
//! does, and "off" is right for both; and for both, driven is released.
//!
//! **A hold lives no longer than the program.** A relay whose program is gone rests, whatever it did before. So nobody's
//! escape may hang on it: people leave by the handle, and the fire alarm's own contact opens the lock in hardware.
//!
//! [`pulse`] holds the rules that every relay shares; [`lcus1`], [`modbus`], [`gpio`] and [`sim`] are relays.

pub mod gpio;
pub mod lcus1;
pub mod modbus;
pub(crate) mod port;
pub mod pulse;
pub mod sim;

use std::{path::PathBuf, time::Duration};

use gate::{DoorId, Grant, Released};
use thiserror::Error;

use crate::lines::LinesError;

pub use sim::{SimPulse, SimPulses};

/// What releases one door.
pub trait Strike: Send {
    /// The door.
    fn door(&self) -> DoorId;

    /// Puts the relay to rest, and ends a hold.
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

    /// Drives the relay until it is told otherwise (`true`), or ends that and puts it to rest (`false`). The caller answers
    /// for the reason, and for its record. While the relay is held, a grant is spent as usual and answered as pulsed after
    /// the length of a pulse, and the relay stays as it is. A pulse under way, or about to begin, is finished first: a few
    /// seconds at most. [`Strike::set_idle`] ends a hold, and so does the end of the driver or of the program.
    ///
    /// # Errors
    /// The relay does not take the command; the driver goes on trying by itself.
    fn hold_released(&mut self, hold: bool) -> Result<(), StrikeError>;

    /// Mends what can be mended (opens a device that came back, starts the guard again) and writes the present command
    /// once more. Worth calling every few seconds while no grant is at hand.
    ///
    /// # Errors
    /// What failed since the last call, else what is wrong now. `Ok` means that a release can be expected to work.
    fn check(&mut self) -> Result<(), StrikeError>;

    /// What the people who look after the door should know although it works, for the log; each is said once.
    fn remark(&mut self) -> Option<String> {
        None
    }
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
    /// The line of a GPIO relay.
    #[error("the relay's line: {0}")]
    Lines(#[from] LinesError),
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
    /// It is asked and says nothing.
    #[error(
        "relay {device} did not answer for {waited:?}: check its power, the wires A and B, and `address` and `baud_rate` \
         under [strike] in the board file"
    )]
    Silent {
        /// The device.
        device: String,
        /// The time-out.
        waited: Duration,
    },
    /// Something else than an answer came.
    #[error("relay {device}: {reason}")]
    Answer {
        /// The device.
        device: String,
        /// What came, and what to do.
        reason: String,
    },
    /// It answers that it will not.
    #[error(
        "relay {device} refuses a command (exception {code}): {reason}. Correct `coil` under [strike] in the board file"
    )]
    Refused {
        /// The device.
        device: String,
        /// The exception's code.
        code: u8,
        /// What the code says.
        reason: String,
    },
    /// It took a command, and stands otherwise.
    #[error(
        "relay {device} should be {told}, and its board says that it is not: it is stuck, or another program drives it. \
         Switch the relay board off and on"
    )]
    Contrary {
        /// The device.
        device: String,
        /// How it should stand.
        told: &'static str,
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
