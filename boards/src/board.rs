//! A board: a TOML file of facts about one device, read once and checked as a whole.
//!
//! The shipped files under `boards/` are the manual. Every key must be there, but for those that they say may be left
//! out, and no other may be; a key that carries a unit says it in its name. Relative paths are relative to the board file.

mod facts;
mod file;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use gate::DoorId;
use thiserror::Error;

pub use facts::{
    CameraFacts, CardReaderFacts, Direction, FolderFacts, InputsFacts, Mechanism, PowerLoss, ReaderFacts,
    SoundFacts, StrikeFacts, UsbFacts,
};

use crate::{
    Camera, CameraError, Clock, GuardCommand, Inputs, InputsError, Reader, ReaderError, SensorTier,
    SimPulses, SimReader, Strike, StrikeError,
    camera::{FolderCamera, open_usb, raw::ReaderSeat},
    inputs::{self, Contacts},
    lines::{Chip, Line, Lines},
    panel::{self, Panel, PanelFacts},
    strike::{
        gpio, gpio::GpioRelay, lcus1, lcus1::Lcus1, modbus, modbus::ModbusRelay, pulse::PulsedStrike,
        sim::SimRelay,
    },
};

/// The door of a kiosk that has one.
pub const ONLY_DOOR: DoorId = DoorId(0);

/// Facts about one device, and its drivers. Clones are the same device.
#[derive(Debug, Clone)]
pub struct Board {
    /// The board's name, for logs and the audit trail.
    pub name: String,
    /// The file it was read from.
    pub file: PathBuf,
    /// Which way people pass here.
    pub direction: Direction,
    /// The camera.
    pub camera: CameraFacts,
    /// What the camera's pictures are made of: how much a face alone may open.
    pub sensor: SensorTier,
    /// The strike; none at a counter, where a grant is a welcome and a record.
    pub strike: Option<StrikeFacts>,
    /// The door's contacts; none where nobody listens to the door.
    pub inputs: Option<InputsFacts>,
    /// The readers of cards and codes, in the order of the file.
    pub readers: Vec<ReaderFacts>,
    /// The readers of chip cards, in the order of the file; [`PcscReader::open`](crate::PcscReader::open) takes the name.
    pub card_readers: Vec<CardReaderFacts>,
    /// The small panel; none where the screen is enough.
    pub panel: Option<PanelFacts>,
    /// What plays sounds; none where it is silent.
    pub sound: Option<SoundFacts>,
    /// Threads that the face networks may use.
    pub inference_threads: usize,
    /// The longer side of the picture in which faces are searched, in pixels; larger frames are shrunk to it.
    pub detector_side_px: usize,
    /// Run the embedder in bytes where the processor can.
    pub embedder_int8: bool,
    seat: ReaderSeat,
    pulses: SimPulses,
}

/// The board file is not right.
#[derive(Debug, Error)]
pub enum BoardError {
    /// It cannot be read.
    #[error("cannot read board file {file}: {source}. Give the path of a board, as in boards/boards/")]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// It is no TOML, or a key is unknown, missing or of another kind.
    #[error("board file {file}, {section}: {reason}")]
    Keys {
        /// The file.
        file: PathBuf,
        /// The part of it.
        section: &'static str,
        /// The key, and what is allowed.
        reason: String,
    },
    /// A value is outside what is allowed.
    #[error("board file {file}: {key} = {value} is not allowed; {allowed}")]
    Value {
        /// The file.
        file: PathBuf,
        /// The key with its section.
        key: &'static str,
        /// What it says.
        value: String,
        /// What it may say.
        allowed: &'static str,
    },
}

impl Board {
    /// Reads a board file and checks it as a whole; opens no device.
    ///
    /// # Errors
    /// [`BoardError`], with file, key and what is allowed.
    pub fn load(path: &Path) -> Result<Self, BoardError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| BoardError::Read { file: path.into(), source })?;
        file::parse(path, &text)
    }

    /// Opens the camera. Open it again after an error; a pause in between is the caller's.
    ///
    /// # Errors
    /// [`CameraError`]; a wrong path is answered with what was found instead.
    pub fn open_camera(&self, clock: Arc<dyn Clock>) -> Result<Box<dyn Camera>, CameraError> {
        match &self.camera {
            CameraFacts::Folder(facts) => Ok(Box::new(FolderCamera::open(facts, clock)?)),
            CameraFacts::Usb(facts) => Ok(Box::new(open_usb(facts, clock, &self.seat)?)),
        }
    }

    /// Opens the strike, if the board has one, and puts it to rest. `guard` starts a process that calls
    /// [`crate::guard::run`] with the duty from its last argument.
    ///
    /// # Errors
    /// [`StrikeError`]; a wrong path is answered with what was found instead.
    pub fn open_strike(
        &self,
        clock: Arc<dyn Clock>,
        guard: GuardCommand,
    ) -> Result<Option<Box<dyn Strike>>, StrikeError> {
        let Some(facts) = &self.strike else {
            return Ok(None);
        };
        let strike = match &facts.mechanism {
            Mechanism::Sim { pulses } => {
                let relay = SimRelay::new(ONLY_DOOR, Arc::clone(&clock), self.pulses.clone(), pulses.clone());
                PulsedStrike::open(relay, ONLY_DOOR, facts.pulse, clock)?
            }
            Mechanism::Lcus1 { device, channel } => {
                let relay = Lcus1::new(device.clone(), *channel, guard);
                PulsedStrike::open(relay, ONLY_DOOR, facts.pulse, clock)?
            }
            Mechanism::Modbus { device, place, flash_on } => {
                let relay = ModbusRelay::new(device.clone(), *place, *flash_on, guard);
                PulsedStrike::open(relay, ONLY_DOOR, facts.pulse, clock)?
            }
            Mechanism::Gpio { chip, line } => {
                let relay = GpioRelay::new(Box::new(Chip::new(chip.clone())), *line, guard);
                PulsedStrike::open(relay, ONLY_DOOR, facts.pulse, clock)?
            }
        };
        Ok(Some(Box::new(strike)))
    }

    /// Opens the door's contacts, if the board has any. Open them again after an error; a pause in between is the caller's.
    ///
    /// # Errors
    /// [`InputsError`]; a wrong path is answered with what was found instead.
    pub fn open_inputs(&self, clock: Arc<dyn Clock>) -> Result<Option<Box<dyn Inputs>>, InputsError> {
        let contacts = match &self.inputs {
            None => return Ok(None),
            Some(InputsFacts::Sim { path }) => inputs::open_sim(path, clock)?,
            Some(facts @ InputsFacts::Gpio { chip, lines }) => {
                let lines: Vec<Line> = lines.iter().map(|&(_, line)| line).collect();
                let watch = Chip::new(chip.clone()).watch(&lines)?;
                Contacts::open(watch, &facts.wired(), clock)?
            }
        };
        Ok(Some(Box::new(contacts)))
    }

    /// Opens the readers of cards and codes.
    ///
    /// # Errors
    /// [`ReaderError`] of the first that cannot be opened.
    pub fn open_readers(&self, clock: Arc<dyn Clock>) -> Result<Vec<Box<dyn Reader>>, ReaderError> {
        self.readers.iter().map(|facts| open_reader(facts, Arc::clone(&clock))).collect()
    }

    /// The small panel, if the board has one; the device itself is looked for by the first picture.
    #[must_use]
    pub fn open_panel(&self) -> Option<Box<dyn Panel>> {
        self.panel.as_ref().map(panel::open)
    }

    /// The pulses of the simulated strike; none if the strike is real or absent.
    #[must_use]
    pub fn sim_pulses(&self) -> Option<SimPulses> {
        let simulated = matches!(&self.strike, Some(StrikeFacts { mechanism: Mechanism::Sim { .. }, .. }));
        simulated.then(|| self.pulses.clone())
    }
}

/// Opens one of a board's readers; open it again after an error.
///
/// # Errors
/// [`ReaderError`].
pub fn open_reader(facts: &ReaderFacts, clock: Arc<dyn Clock>) -> Result<Box<dyn Reader>, ReaderError> {
    match facts {
        ReaderFacts::Sim { path } => Ok(Box::new(SimReader::open(path, clock)?)),
    }
}

/// Puts the board's relay to rest without a driver: the service's stop action, after the program has ended in any way.
///
/// # Errors
/// [`StrikeError`]; the relay may still be driven.
pub fn force_idle(board: &Board) -> Result<(), StrikeError> {
    match board.strike.as_ref().map(|facts| &facts.mechanism) {
        None | Some(Mechanism::Sim { .. }) => Ok(()),
        Some(Mechanism::Lcus1 { device, channel }) => lcus1::force_idle(device, *channel),
        Some(Mechanism::Modbus { device, place, .. }) => modbus::force_idle(device, *place),
        Some(Mechanism::Gpio { chip, line }) => gpio::force_idle(&mut Chip::new(chip.clone()), *line),
    }
}

#[cfg(test)]
mod tests;
