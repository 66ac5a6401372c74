//! Relay boards that speak Modbus RTU over RS-485 or USB (Waveshare and many others): 8 data bits, no parity, 1 stop bit.
//! The frames are in [`crate::modbus`].
//!
//! **It answers**, which other relays here do not: a command is taken when the board has echoed it, and then the coil is
//! read back, before and after each pulse. A board that is dead, garbled, foreign or stuck is told apart and named. An
//! adaptor that only echoes what it hears is no relay, since an echoed question about a coil is no answer to it. The coil is
//! what the board's controller believes: contacts that are welded together only the door position switch can show.
//!
//! **With `flash_on` the board ends the pulse** (Waveshare's flash-on, firmware V2 or later), whatever becomes of this
//! program, of its guard and of the cable. The driver tells it to rest as well when the time is over. A board that refuses
//! flash-on is driven and put to rest by two commands, from that pulse on, and [`Relay::remark`] says so once. Then, and
//! while the door is held released, only [`crate::guard`] ends what a killed program began.
//!
//! A reply that was lost is no failure if the coil stands as it should. Each question is asked at most `TRIES` times, with
//! the bounds of `wire`.
//!
//! Tested on pseudo terminals against pymodbus, and against a small board of our own for what pymodbus lacks (flash-on, wrong
//! replies); not seen on a relay.

pub(crate) mod wire;

use std::{
    os::fd::AsFd,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{
    StrikeError,
    port::{Port, WRITE_WITHIN},
    pulse::Relay,
};
use crate::{
    GuardCommand,
    guard::{Duty, GuardPost},
    modbus::{Answer, Request, tenths},
};
use wire::Fault;
pub use wire::Place;

/// How often a question is asked whose answer is lost: a spark on the line is no broken relay.
const TRIES: usize = 2;

/// One coil of a board.
pub struct ModbusRelay {
    device: PathBuf,
    place: Place,
    flash_on: bool,
    remark: Option<String>,
    /// Before the port: a guard that is dropped puts the relay to rest while the port is still locked.
    guard: GuardPost,
    port: Option<Port>,
}

impl ModbusRelay {
    /// A relay whose port is opened by the first command to rest, and whose guard is started by the first
    /// [`Relay::prepare`]. `flash_on`: whether the board is asked to end the pulses.
    #[must_use]
    pub fn new(device: PathBuf, place: Place, flash_on: bool, guard: GuardCommand) -> Self {
        Self { device, place, flash_on, remark: None, guard: GuardPost::new(guard), port: None }
    }

    /// Asks, once more if the answer is lost. A port that fails is closed, since it may have been unplugged; one behind
    /// which nobody answers is kept.
    fn ask(&mut self, request: Request) -> Result<Answer, StrikeError> {
        let mut tries = 1;
        loop {
            match self.ask_once(request) {
                Err(StrikeError::Silent { .. } | StrikeError::Answer { .. }) if tries < TRIES => tries += 1,
                Err(error @ StrikeError::Port { .. }) => {
                    self.guard.dismiss();
                    self.port = None;
                    return Err(error);
                }
                answered => return answered,
            }
        }
    }

    fn ask_once(&mut self, request: Request) -> Result<Answer, StrikeError> {
        let place = self.place;
        let port = self.port()?;
        let asked = wire::ask(port.open_file(), place, request);
        if asked == Err(Fault::Full) {
            port.withdraw();
        }
        asked.map_err(|fault| named(&self.device, fault))
    }

    /// Drives the coil or puts it to rest, and sees that it stands so.
    fn set(&mut self, driven: bool) -> Result<(), StrikeError> {
        self.ask(Request::Write { coil: self.place.coil.into(), driven })?;
        self.must_stand(driven)
    }

    fn must_stand(&mut self, driven: bool) -> Result<(), StrikeError> {
        if self.stands_driven()? == driven {
            return Ok(());
        }
        Err(StrikeError::Contrary { device: self.device(), told: if driven { "driven" } else { "at rest" } })
    }

    /// How the board says that the coil stands.
    fn stands_driven(&mut self) -> Result<bool, StrikeError> {
        let answer = self.ask(Request::Read { coil: self.place.coil.into() })?;
        Ok(matches!(answer, Answer::Coils { first, .. } if first & 1 == 1))
    }

    /// Asks the board for a pulse that it ends itself. A lost echo is not asked for again, which would make the pulse longer:
    /// the coil says whether it was heard.
    fn flash(&mut self, pulse: Duration) -> Result<Flash, StrikeError> {
        let began = Instant::now();
        let asked = self.ask_once(Request::Flash { coil: self.place.coil, tenths: tenths(pulse) });
        let lost = match asked {
            Ok(_) => None,
            Err(StrikeError::Refused { code: 1..=3, .. }) => return Ok(Flash::Refused),
            Err(error @ (StrikeError::Silent { .. } | StrikeError::Answer { .. })) => Some(error),
            Err(error) => return Err(error),
        };
        let driven = self.stands_driven()?;
        match lost {
            // A program that was kept from looking sees a flash that is over, which is none that failed.
            None if driven || began.elapsed() >= pulse => Ok(Flash::Taken),
            Some(_) if driven => Ok(Flash::Taken),
            None => Err(StrikeError::Contrary { device: self.device(), told: "driven" }),
            Some(error) => Err(error),
        }
    }

    fn port(&mut self) -> Result<&mut Port, StrikeError> {
        let port = match self.port.take() {
            Some(port) => port,
            None => Port::open_at(&self.device, self.place.baud_rate)?,
        };
        Ok(self.port.insert(port))
    }

    /// A guard that has just answered.
    fn guarded(&mut self) -> Result<(), StrikeError> {
        if self.guard.answers() {
            return Ok(());
        }
        let shared = self.port()?.share();
        self.guard.start(Duty::Modbus(self.place), self.device(), shared)
    }
}

/// What became of a flash.
enum Flash {
    Taken,
    Refused,
}

impl Relay for ModbusRelay {
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
        self.set(true)
    }

    fn drive_for(&mut self, pulse: Duration) -> Result<(), StrikeError> {
        self.must_stand(false)?;
        if self.flash_on {
            match self.flash(pulse)? {
                Flash::Taken => return Ok(()),
                Flash::Refused => {
                    self.flash_on = false;
                    self.remark = Some(no_flash(&self.device));
                }
            }
        }
        self.drive()
    }

    fn rest(&mut self) -> Result<(), StrikeError> {
        self.set(false)
    }

    fn remark(&mut self) -> Option<String> {
        self.remark.take()
    }
}

fn no_flash(device: &Path) -> String {
    format!(
        "relay {} refuses flash-on, as firmware before V2 does; from now on this program and its guard end the pulses. \
         Set flash_on = false under [strike] in the board file, or update the relay's firmware",
        device.display()
    )
}

fn named(path: &Path, fault: Fault) -> StrikeError {
    let device = path.display().to_string();
    match fault {
        Fault::Port(error) => StrikeError::Port { act: "talk to", device, reason: error.to_string() },
        Fault::Full => StrikeError::Stuck { device, waited: WRITE_WITHIN },
        Fault::Silent => StrikeError::Silent { device, waited: wire::ANSWER_WITHIN },
        Fault::Refused(code) => StrikeError::Refused { device, code, reason: fault.to_string() },
        Fault::Frame(_) | Fault::OtherDevice(_) | Fault::OtherAnswer => {
            StrikeError::Answer { device, reason: fault.to_string() }
        }
    }
}

/// The guard's act: insists on rest for a while.
pub(crate) fn rest_within(
    port: impl AsFd,
    place: Place,
    patience: Duration,
) -> Result<(), impl std::error::Error> {
    let until = Instant::now() + patience;
    loop {
        match wire::ask(&port, place, Request::Write { coil: place.coil.into(), driven: false }) {
            Ok(_) => return Ok(()),
            Err(fault) if Instant::now() >= until => return Err(fault),
            Err(Fault::Port(error)) => return Err(Fault::Port(error)),
            Err(_) => {}
        }
    }
}

/// Puts a relay to rest and lets go of it: for the service's stop action, when the program itself is gone.
///
/// # Errors
/// [`StrikeError`]; the relay may still be driven.
pub fn force_idle(device: &Path, place: Place) -> Result<(), StrikeError> {
    let nobody = GuardCommand { program: PathBuf::new(), args: Vec::new() };
    ModbusRelay::new(device.into(), place, false, nobody).rest()
}
