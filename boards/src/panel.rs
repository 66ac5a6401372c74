//! The small panel: a second display of a few centimetres, for one picture and a few words beside the door.
//!
//! What is shown is a [`PanelPicture`]: a [`Symbol`], told by its shape before its colour, and a short text. [`draw`] turns
//! it into pixels, the same for all drivers: `oled` (SSD1306 on I2C), `tft` (ST7789 on SPI) and `sim` (a PNG file).
//! A text never costs the picture: a character that the font lacks is shown as its usual form or as 〓, and a text that is
//! too long is set smaller and then ends with three dots.
//!
//! Drivers block for as long as their bus does, some 25 ms on I2C; whoever must not wait calls them from a thread.

pub mod draw;
mod glyph;
mod oled;
mod sim;
mod symbol;
mod tft;

use std::path::PathBuf;

use thiserror::Error;

use crate::lines::{Line, LinesError};

/// A small display.
pub trait Panel: Send {
    /// Shows a picture in place of the one before.
    ///
    /// # Errors
    /// [`PanelError`]; what is shown now is unknown. The next call begins anew with the device.
    fn show(&mut self, picture: &PanelPicture) -> Result<(), PanelError>;
}

/// What a panel shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelPicture {
    /// The picture.
    pub symbol: Symbol,
    /// A few words, for everybody to read: no name.
    pub text: String,
}

/// What has come of it, at one glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Symbol {
    /// The corners of a frame, and a head in it: look here.
    Look,
    /// A ring: please enter.
    Granted,
    /// Three dots: please wait.
    Wait,
    /// An arrow that turns: there is another way. Nothing in it says no.
    AnotherWay,
    /// A person: staff will help.
    Staff,
    /// A person's way out of a door.
    Evacuate,
    /// A crossed square: out of service.
    OutOfService,
}

impl Symbol {
    /// Each of them.
    pub const ALL: [Self; 7] = [
        Self::Look,
        Self::Granted,
        Self::Wait,
        Self::AnotherWay,
        Self::Staff,
        Self::Evacuate,
        Self::OutOfService,
    ];
}

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PanelSize {
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

impl PanelSize {
    /// An SSD1306 OLED: light or dark.
    pub const OLED: Self = Self { width: 128, height: 64 };
    /// An ST7789 of 1.14 inches, lying: colours.
    pub const TFT: Self = Self { width: 240, height: 135 };
}

/// Which panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PanelFacts {
    /// A PNG file that is written anew for each picture.
    Sim {
        /// The file.
        path: PathBuf,
        /// Its size.
        size: PanelSize,
    },
    /// An SSD1306 OLED of 128 by 64 pixels.
    Ssd1306 {
        /// The I2C bus.
        device: PathBuf,
        /// Its address there, 60 or 61.
        address: u8,
    },
    /// An ST7789 of 240 by 135 pixels.
    St7789 {
        /// The SPI device.
        device: PathBuf,
        /// The GPIO chip of the lines.
        chip: PathBuf,
        /// Says whether bytes are data (active) or a command.
        data_command: Line,
        /// Active while the display is kept in reset.
        reset: Line,
    },
}

/// The panel does not work.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PanelError {
    /// The bus is not there.
    #[error(
        "there is no bus {device} for the panel: switch I2C or SPI on, or correct `device` under [panel] in the board file"
    )]
    NotThere {
        /// The bus.
        device: String,
    },
    /// The bus or the display refused.
    #[error(
        "cannot {act} panel {device}: {reason}. Check its wires and `address`, and that this user may use it (group i2c or spi)"
    )]
    Bus {
        /// What was tried.
        act: &'static str,
        /// The bus.
        device: String,
        /// The system's reason.
        reason: String,
    },
    /// A line.
    #[error("the panel's line: {0}")]
    Lines(#[from] LinesError),
    /// The simulated panel cannot be written.
    #[error("cannot write the panel's picture {path}: {reason}. Correct `path` under [panel], or make room")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
}

/// Opens a panel; the device itself is looked for by the first picture.
#[must_use]
pub fn open(facts: &PanelFacts) -> Box<dyn Panel> {
    match facts.clone() {
        PanelFacts::Sim { path, size } => Box::new(sim::SimPanel { path, size }),
        PanelFacts::Ssd1306 { device, address } => Box::new(oled::Oled::new(device, address)),
        PanelFacts::St7789 { device, chip, data_command, reset } => {
            Box::new(tft::Tft::new(tft::Wires { device, chip, data_command, reset }))
        }
    }
}

/// The bus at this path is there.
fn must_exist(device: &std::path::Path) -> Result<(), PanelError> {
    if device.exists() { Ok(()) } else { Err(PanelError::NotThere { device: device.display().to_string() }) }
}

#[cfg(test)]
mod tests;
