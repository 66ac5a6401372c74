//! A relay on one GPIO line of the computer itself.
//!
//! The line is requested from its chip as an output, not active, and kept; a pulse makes it active. There is no protocol and
//! no answer: that the kernel took a level is all that this driver can know.
//!
//! **When this program is killed**, the kernel closes its request of the line, and what becomes of the level is up to the
//! chip's driver: some leave it, some make the pin an input, which the wiring or a resistor inside the chip then pulls one
//! way. None is told to put a relay to rest. So the guard inherits the request: while it has that open, the line stays an
//! output; it puts the line to rest and only then lets it go. If the guard is killed as well, the service's stop action
//! ([`force_idle`]) requests the line anew, at rest.
//!
//! **At rest is where the line must fall by itself**: before the kernel runs, after both were killed, and after
//! [`force_idle`] has gone. The board file's `active_low` and the wiring have to agree on it: a relay that is driven by a high
//! level on a line that is pulled down, or one that is driven by a low level on a line that is pulled up. The shipped boards
//! say which lines are.
//!
//! Tested on simulated chips with real processes, and on the kernel's own simulated chip (`gpio-sim`); not seen on a relay.

use super::{StrikeError, pulse::Relay};
use crate::{
    GuardCommand,
    guard::{Duty, GuardPost},
    lines::{Line, Lines, LinesError, Output},
};

/// One relay on a line.
pub struct GpioRelay {
    lines: Box<dyn Lines>,
    line: Line,
    /// Before the output: a guard that is dropped puts the relay to rest while the line is still ours.
    guard: GuardPost,
    output: Option<Box<dyn Output>>,
}

impl GpioRelay {
    /// A relay whose line is requested by the first command to rest, and whose guard is started by the first
    /// [`Relay::prepare`].
    #[must_use]
    pub fn new(lines: Box<dyn Lines>, line: Line, guard: GuardCommand) -> Self {
        Self { lines, line, guard: GuardPost::new(guard), output: None }
    }

    /// Makes the line active or not; it is requested if it is not ours. One that fails is let go, since its chip may
    /// have been unplugged.
    fn set(&mut self, active: bool) -> Result<(), StrikeError> {
        let set = self.output()?.set(active);
        if set.is_err() {
            self.guard.dismiss();
            self.output = None;
        }
        Ok(set?)
    }

    fn output(&mut self) -> Result<&mut dyn Output, LinesError> {
        let output = match self.output.take() {
            Some(output) => output,
            None => self.lines.output(self.line)?,
        };
        Ok(self.output.insert(output).as_mut())
    }

    /// A guard that has just answered.
    fn guarded(&mut self) -> Result<(), StrikeError> {
        if self.guard.answers() {
            return Ok(());
        }
        let shared = self.output()?.share();
        self.guard.start(Duty::Gpio, self.device(), shared)
    }
}

impl Relay for GpioRelay {
    fn device(&self) -> String {
        format!("line {} of {}", self.line.offset, self.lines.chip())
    }

    fn prepare(&mut self) -> Result<(), StrikeError> {
        if self.output.is_none() {
            self.rest()?;
        }
        self.guarded()
    }

    fn drive(&mut self) -> Result<(), StrikeError> {
        self.set(true)
    }

    fn rest(&mut self) -> Result<(), StrikeError> {
        self.set(false)
    }
}

/// Puts a relay to rest and lets go of its line: for the service's stop action, when the program itself is gone.
///
/// # Errors
/// [`StrikeError`]; the relay may still be driven.
pub fn force_idle(lines: &mut dyn Lines, line: Line) -> Result<(), StrikeError> {
    Ok(lines.output(line)?.set(false)?)
}
