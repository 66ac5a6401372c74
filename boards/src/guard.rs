//! A second process that puts the relay to rest when the first one is killed.
//!
//! No program can run code after `SIGKILL`, and a relay without a timer of its own stays as it was. So the strike's driver
//! starts a small child before the first pulse: its standard input is one end of a socket whose other end only the driver
//! holds, its standard output is the serial port, or the request of a GPIO line. The child does nothing until the socket
//! ends, however that comes about, then puts the relay to rest and goes. The kernel closes a killed program's descriptors at
//! once, so a pulse that was under way ends within milliseconds. What the guard inherited is the open file itself: a line
//! stays requested as an output, with its level, until the guard has put it to rest.
//!
//! The driver sends a byte through the socket before each pulse and wants the same byte back: a guard that was killed or
//! stopped is noticed and replaced, and without one there is no pulse. `SIGTERM`, `SIGINT` and `SIGHUP` do not end the guard;
//! a service manager sends them to all processes at once, and the guard must be the last.

use std::{
    ffi::OsString,
    fmt,
    io::{self, Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{net::UnixStream, process::CommandExt},
    },
    path::PathBuf,
    process::{Child, Command, Stdio},
    str::FromStr,
    sync::{Arc, atomic::AtomicBool},
    thread,
    time::{Duration, Instant},
};

use rustix::io::Errno;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use thiserror::Error;

use crate::{
    StrikeError, lines,
    strike::{
        lcus1::at_rest,
        modbus::{self, Place},
        port::write_until,
    },
};

/// How the driver starts its guard: a program that calls [`run`]. Its [`Duty`], as text, is added as the last argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardCommand {
    /// The program, usually this one.
    pub program: PathBuf,
    /// What comes before the duty, usually the name of the subcommand.
    pub args: Vec<OsString>,
}

/// What a guard does in the end, to what it inherited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// Writes the resting command of an LCUS board to a serial port: `lcus-1:CHANNEL`.
    Lcus1 {
        /// The relay, 1 to 8.
        channel: u8,
    },
    /// Asks a Modbus relay to rest until it answers: `modbus-rtu:BAUD_RATE:ADDRESS:COIL`.
    Modbus(Place),
    /// Makes the line of a GPIO request inactive: `gpio`.
    Gpio,
}

impl fmt::Display for Duty {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lcus1 { channel } => write!(out, "lcus-1:{channel}"),
            Self::Modbus(Place { baud_rate, address, coil }) => {
                write!(out, "modbus-rtu:{baud_rate}:{address}:{coil}")
            }
            Self::Gpio => out.write_str("gpio"),
        }
    }
}

/// A text is no duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "a guard's duty is `lcus-1:CHANNEL`, `modbus-rtu:BAUD_RATE:ADDRESS:COIL` or `gpio`; the strike's driver starts guards, \
     not people"
)]
pub struct DutyError;

impl FromStr for Duty {
    type Err = DutyError;

    fn from_str(text: &str) -> Result<Self, DutyError> {
        match text.split_once(':') {
            None if text == "gpio" => Ok(Self::Gpio),
            Some(("lcus-1", channel)) => {
                channel.parse().map(|channel| Self::Lcus1 { channel }).map_err(|_| DutyError)
            }
            Some(("modbus-rtu", place)) => place_in(place).map(Self::Modbus).ok_or(DutyError),
            Some(_) | None => Err(DutyError),
        }
    }
}

fn place_in(text: &str) -> Option<Place> {
    let (baud_rate, rest) = text.split_once(':')?;
    let (address, coil) = rest.split_once(':')?;
    let baud_rate = baud_rate.parse().ok()?;
    Some(Place { baud_rate, address: address.parse().ok()?, coil: coil.parse().ok()? })
}

/// The guard could not put the relay to rest.
#[derive(Debug, Error)]
pub enum GuardError {
    /// The serial port takes nothing.
    #[error(
        "the guard cannot put the relay on channel {channel} to rest: {reason}. Switch the relay board off and on"
    )]
    Port {
        /// The relay's channel.
        channel: u8,
        /// The system's reason.
        reason: String,
    },
    /// The Modbus relay does not answer.
    #[error(
        "the guard cannot put coil {coil} of the relay to rest: {reason}. Switch the relay board off and on"
    )]
    Relay {
        /// The coil.
        coil: u8,
        /// What it answered, or that it did not.
        reason: String,
    },
    /// The GPIO line takes nothing.
    #[error("the guard cannot put the relay's GPIO line to rest: {reason}. Switch the device off and on")]
    Line {
        /// The system's reason.
        reason: String,
    },
    /// Signals cannot be caught.
    #[error("the guard cannot prepare for signals: {0}")]
    Signals(#[source] io::Error),
}

/// How long the guard tries. Shorter than what the next program waits for the port.
const REST_WITHIN: Duration = Duration::from_millis(1_500);

/// How long a guard may take to start: it is a large program on a busy machine.
const START_WITHIN: Duration = Duration::from_secs(5);

/// How long a guard may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// How long to wait for a guard that was let go before it is killed.
const STOP_WITHIN: Duration = Duration::from_secs(3);

/// How often a guard that was let go is looked at.
const STOP_POLL: Duration = Duration::from_millis(2);

/// The guard's whole life: `link` is its standard input, `inherited` its standard output.
///
/// # Errors
/// [`GuardError`]; the relay may still be driven.
pub fn run(link: impl AsFd, inherited: impl AsFd, duty: Duty) -> Result<(), GuardError> {
    wait(link)?;
    match duty {
        Duty::Lcus1 { channel } => {
            let until = Instant::now() + REST_WITHIN;
            write_until(inherited, &at_rest(channel), until)
                .map_err(|error| GuardError::Port { channel, reason: error.to_string() })
        }
        Duty::Modbus(place) => modbus::rest_within(inherited, place, REST_WITHIN)
            .map_err(|error| GuardError::Relay { coil: place.coil, reason: error.to_string() }),
        Duty::Gpio => lines::rest(inherited, REST_WITHIN)
            .map_err(|error| GuardError::Line { reason: error.to_string() }),
    }
}

/// Answers the driver until it is gone.
///
/// # Errors
/// [`GuardError::Signals`].
pub fn wait(link: impl AsFd) -> Result<(), GuardError> {
    let ignored = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&ignored)).map_err(GuardError::Signals)?;
    }
    let mut byte = [0];
    loop {
        match rustix::io::read(&link, &mut byte) {
            Ok(0) => return Ok(()),
            Ok(_) => {
                let _ = rustix::io::write(&link, &byte);
            }
            Err(Errno::INTR) => {}
            Err(_) => return Ok(()),
        }
    }
}

/// Where a driver keeps its guard: none yet, or one at work. Dropping it lets the guard put the relay to rest and go.
pub(crate) struct GuardPost {
    command: GuardCommand,
    guard: Option<Guard>,
}

impl GuardPost {
    /// Nobody is at work yet.
    pub(crate) fn new(command: GuardCommand) -> Self {
        Self { command, guard: None }
    }

    /// Whether a guard has just answered. One that does not is let go.
    pub(crate) fn answers(&mut self) -> bool {
        let answers = self.guard.as_mut().is_some_and(Guard::answers);
        if !answers {
            self.dismiss();
        }
        answers
    }

    /// Starts a guard that inherits `shared`, a way to `device`, and waits until it answers.
    pub(crate) fn start(
        &mut self,
        duty: Duty,
        device: String,
        shared: io::Result<OwnedFd>,
    ) -> Result<(), StrikeError> {
        let started = shared.and_then(|shared| Guard::start(&self.command, duty, shared));
        let program = || self.command.program.display().to_string();
        let guard = started.map_err(|error| StrikeError::Guard {
            device,
            program: program(),
            reason: error.to_string(),
        })?;
        self.guard = Some(guard);
        Ok(())
    }

    /// Lets the guard go.
    pub(crate) fn dismiss(&mut self) {
        self.guard = None;
    }
}

/// A guard at work, as its driver sees it. Dropping it lets it put the relay to rest and go.
struct Guard {
    child: Child,
    link: UnixStream,
    asked: u8,
}

impl Guard {
    /// Starts a guard that inherits `shared` and waits until it answers.
    fn start(command: &GuardCommand, duty: Duty, shared: OwnedFd) -> io::Result<Self> {
        let (link, theirs) = UnixStream::pair()?;
        let child = Command::new(&command.program)
            .args(&command.args)
            .arg(duty.to_string())
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(shared))
            .process_group(0)
            .spawn()?;
        let mut guard = Self { child, link, asked: 0 };
        guard.ask(START_WITHIN)?;
        Ok(guard)
    }

    /// Whether it is there.
    fn answers(&mut self) -> bool {
        self.ask(ANSWER_WITHIN).is_ok()
    }

    /// Sends a byte and waits for it to come back. Late answers to earlier questions are passed over.
    fn ask(&mut self, patience: Duration) -> io::Result<()> {
        let until = Instant::now() + patience;
        self.asked = self.asked.wrapping_add(1);
        self.link.set_write_timeout(Some(patience))?;
        self.link.write_all(&[self.asked])?;
        let mut answer = [0];
        while answer[0] != self.asked {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.link.set_read_timeout(Some(left))?;
            self.link.read_exact(&mut answer)?;
        }
        Ok(())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.link.shutdown(std::net::Shutdown::Both);
        let until = Instant::now() + STOP_WITHIN;
        while let Ok(None) = self.child.try_wait() {
            if Instant::now() >= until {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            thread::sleep(STOP_POLL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_s_duty_is_the_one_that_its_driver_wrote() {
        let modbus = Duty::Modbus(Place { baud_rate: 115_200, address: 247, coil: 7 });
        for duty in [Duty::Gpio, Duty::Lcus1 { channel: 1 }, Duty::Lcus1 { channel: 8 }, modbus] {
            assert_eq!(duty.to_string().parse(), Ok(duty));
        }
        for text in ["modbus-rtu", "modbus-rtu:9600:1", "modbus-rtu:9600:1:0:0", "modbus-rtu:9600:300:0"] {
            assert_eq!(text.parse::<Duty>(), Err(DutyError), "{text}");
        }
        for text in ["", "2", "gpio:", "gpio:1", "lcus-1", "lcus-1:", "lcus-1:300", "lcus-1:-1", "relay:1"] {
            assert_eq!(text.parse::<Duty>(), Err(DutyError), "{text}");
        }
    }
}
