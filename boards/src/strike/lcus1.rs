//! USB relay boards of the LCUS family (LCUS-1, -2, -4, -8): a CH340 serial adapter (USB 1A86:7523) and a small
//! controller that drives one relay per channel.
//!
//! 9600 baud, 8 data bits, no parity, 1 stop bit, no flow control. One command is four bytes; two are used here:
//!
//! | byte | driven | at rest | meaning |
//! |---|---|---|---|
//! | 0 | `A0` | `A0` | start |
//! | 1 | channel | channel | 1 to 8, counted from the board's first relay |
//! | 2 | `01` | `00` | close the normally open contact, or let it fall open |
//! | 3 | sum | sum | low byte of the sum of the first three |
//!
//! So channel 1 is driven by `A0 01 01 A2` and put to rest by `A0 01 00 A1`.
//!
//! **There is no acknowledgement.** That a command left the computer is all that this driver can know; whether the door
//! moved is a door position switch's to say. The board rests when it loses power. Some boards blink their relays when the
//! line DTR changes, which opening a port does: so the port is opened once and kept. DTR and RTS themselves are not
//! touched, since not every port has them.
//!
//! The board holds a relay driven for ever if nobody puts it to rest; [`crate::guard`] does so when this program is
//! killed, and without a guard that answers there is no pulse.

use std::path::PathBuf;

use super::{StrikeError, port::Port, pulse::Relay};
use crate::{
    GuardCommand,
    guard::{Duty, GuardPost},
};

/// The command that drives a channel's relay.
#[must_use]
pub fn driven(channel: u8) -> [u8; 4] {
    command(channel, 1)
}

/// The command that puts it to rest.
#[must_use]
pub fn at_rest(channel: u8) -> [u8; 4] {
    command(channel, 0)
}

fn command(channel: u8, state: u8) -> [u8; 4] {
    const START: u8 = 0xA0;
    [START, channel, state, START.wrapping_add(channel).wrapping_add(state)]
}

/// One relay of a board.
pub struct Lcus1 {
    device: PathBuf,
    channel: u8,
    /// Before the port: a guard that is dropped puts the relay to rest while the port is still locked.
    guard: GuardPost,
    port: Option<Port>,
}

impl Lcus1 {
    /// A relay whose port is opened by the first command to rest, and whose guard is started by the first
    /// [`Relay::prepare`].
    #[must_use]
    pub fn new(device: PathBuf, channel: u8, guard: GuardCommand) -> Self {
        Self { device, channel, guard: GuardPost::new(guard), port: None }
    }

    /// Sends a command through the port, which is opened if there is none. A port that fails is closed, since it may
    /// have been unplugged; one that is only stuck is kept.
    fn send(&mut self, command: [u8; 4]) -> Result<(), StrikeError> {
        let sent = self.port()?.send(&command);
        if let Err(StrikeError::Port { .. }) = sent {
            self.guard.dismiss();
            self.port = None;
        }
        sent
    }

    fn port(&mut self) -> Result<&mut Port, StrikeError> {
        let port = match self.port.take() {
            Some(port) => port,
            None => Port::open(&self.device)?,
        };
        Ok(self.port.insert(port))
    }

    /// A guard that has just answered.
    fn guarded(&mut self) -> Result<(), StrikeError> {
        if self.guard.answers() {
            return Ok(());
        }
        let shared = self.port()?.share();
        self.guard.start(Duty::Lcus1 { channel: self.channel }, self.device(), shared)
    }
}

impl Relay for Lcus1 {
    fn device(&self) -> String {
        self.device.display().to_string()
    }

    fn prepare(&mut self) -> Result<(), StrikeError> {
        if self.port.is_none() {
            self.rest()?;
        }
        self.guarded()
    }

    fn drive(&mut self) -> Result<(), StrikeError> {
        self.send(driven(self.channel))
    }

    fn rest(&mut self) -> Result<(), StrikeError> {
        self.send(at_rest(self.channel))
    }
}

/// Puts a relay to rest and lets go of it: for the service's stop action, when the program itself is gone.
///
/// # Errors
/// [`StrikeError`]; the relay may still be driven.
pub fn force_idle(device: &std::path::Path, channel: u8) -> Result<(), StrikeError> {
    Port::open(device)?.send(&at_rest(channel))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_those_of_the_maker_s_table() {
        assert_eq!(driven(1), [0xA0, 0x01, 0x01, 0xA2]);
        assert_eq!(at_rest(1), [0xA0, 0x01, 0x00, 0xA1]);
        assert_eq!(driven(2), [0xA0, 0x02, 0x01, 0xA3]);
        assert_eq!(at_rest(2), [0xA0, 0x02, 0x00, 0xA2]);
        assert_eq!(driven(8), [0xA0, 0x08, 0x01, 0xA9]);
    }
}
