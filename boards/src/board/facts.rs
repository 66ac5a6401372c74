//! The facts of a board file, as plain values.

use std::{path::PathBuf, time::Duration};

use serde::Deserialize;

pub use gate::Direction;

use crate::{Input, camera::raw::RawFormat, lines::Line, strike::modbus::Place};

/// Which camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CameraFacts {
    /// A folder of pictures.
    Folder(FolderFacts),
    /// A USB camera.
    Usb(UsbFacts),
}

/// A folder of pictures that pass before the camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderFacts {
    /// The folder.
    pub path: PathBuf,
    /// From one frame to the next.
    pub interval: Duration,
    /// Frames that each picture stays.
    pub frames_per_image: u32,
    /// Frames without anybody between two pictures.
    pub gap_frames: u32,
    /// Whether the first picture follows the last; else nobody comes any more.
    pub repeat: bool,
}

/// A USB camera (UVC).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsbFacts {
    /// `/dev/videoN`, or a lasting name under `/dev/v4l/by-id/`.
    pub device: PathBuf,
    /// Wanted width, in pixels; the nearest that the camera has is taken.
    pub width_px: u32,
    /// Wanted height, in pixels.
    pub height_px: u32,
    /// Wanted frames per second.
    pub frames_per_second: u32,
    /// Formats to try, best first.
    pub formats: Vec<RawFormat>,
}

/// The strike and its lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrikeFacts {
    /// What drives the lock.
    pub mechanism: Mechanism,
    /// How long a grant releases the door.
    pub pulse: Duration,
    /// What the lock does without power.
    pub on_power_loss: PowerLoss,
}

/// What drives the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mechanism {
    /// Nothing: pulses are written down.
    Sim {
        /// A file for them, one JSON object a line.
        pulses: Option<PathBuf>,
    },
    /// A USB relay board of the LCUS family.
    Lcus1 {
        /// The serial port.
        device: PathBuf,
        /// The relay, 1 to 8.
        channel: u8,
    },
    /// A relay board that speaks Modbus RTU.
    Modbus {
        /// The serial port.
        device: PathBuf,
        /// The relay's place on its line.
        place: Place,
        /// Whether the board ends the pulses itself.
        flash_on: bool,
    },
    /// A relay on a GPIO line.
    Gpio {
        /// The chip.
        chip: PathBuf,
        /// The line, active when the relay is driven.
        line: Line,
    },
}

/// Where the door's contacts are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputsFacts {
    /// In a file to which people add lines.
    Sim {
        /// The file, or a FIFO; it may be missing.
        path: PathBuf,
    },
    /// On the lines of a GPIO chip.
    Gpio {
        /// The chip.
        chip: PathBuf,
        /// The wired inputs.
        lines: Vec<(Input, Line)>,
    },
}

/// A reader of cards or codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReaderFacts {
    /// A file to which people add lines.
    Sim {
        /// The file, or a FIFO; it may be missing.
        path: PathBuf,
    },
}

/// A reader of chip cards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardReaderFacts {
    /// PC/SC's name of the reader, or a part that only one reader's name has.
    pub name: String,
    /// The folder of the authorities whose MyNumber cards are taken; none: no such card is.
    pub authorities: Option<PathBuf>,
}

impl InputsFacts {
    /// The inputs that may be there.
    #[must_use]
    pub fn wired(&self) -> Vec<Input> {
        match self {
            Self::Sim { .. } => Input::ALL.to_vec(),
            Self::Gpio { lines, .. } => lines.iter().map(|&(input, _)| input).collect(),
        }
    }
}

/// What a lock does without power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PowerLoss {
    /// It stays locked; people inside leave by the handle.
    FailSecure,
    /// It releases.
    FailSafe,
}

/// How the board file says which way people pass.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Way {
    #[default]
    In,
    Out,
    Both,
}

impl From<Way> for Direction {
    fn from(way: Way) -> Self {
        match way {
            Way::In => Self::In,
            Way::Out => Self::Out,
            Way::Both => Self::Both,
        }
    }
}

/// What plays sounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoundFacts {
    /// A program and its arguments; the path of a WAV file is added as the last one. Never empty.
    pub player: Vec<String>,
}
