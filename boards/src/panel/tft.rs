//! The ST7789 with 240 by 135 pixels in colours (1.14 inches), on SPI and two GPIO lines. The crate `mipidsi` speaks to it.
//!
//! Its glass is 135 by 240 pixels in the middle of a memory of 240 by 320: 52 from the left and 40 from the top. It is used
//! lying.

use std::{fmt::Debug, path::PathBuf};

use embedded_graphics::{
    draw_target::DrawTarget, geometry::OriginDimensions, prelude::Point, primitives::Rectangle,
};
use embedded_hal::{
    delay::DelayNs,
    digital::{self, OutputPin},
    spi::SpiDevice,
};
use linux_embedded_hal::{
    Delay, SpidevDevice,
    spidev::{SpiModeFlags, SpidevOptions},
};
use mipidsi::{
    Builder, Display,
    interface::SpiInterface,
    models::ST7789,
    options::{ColorInversion, Orientation, Rotation},
};

use super::{Panel, PanelError, PanelPicture, PanelSize, draw::draw, must_exist};
use crate::lines::{Chip, Line, Lines, LinesError, Output};

/// A speed that short wires and every such module bear; a picture takes 33 ms.
const BITS_PER_SECOND: u32 = 16_000_000;

/// Bytes in one transfer; the kernel's usual limit is 4096.
const TRANSFER: usize = 4_096;

/// Where it is connected.
#[derive(Debug, Clone)]
pub(super) struct Wires {
    pub(super) device: PathBuf,
    pub(super) chip: PathBuf,
    pub(super) data_command: Line,
    pub(super) reset: Line,
}

pub(super) struct Tft {
    wires: Wires,
    /// None until the first picture, and after an error.
    bus: Option<Bus>,
}

/// What is kept open from one picture to the next.
struct Bus {
    spi: SpidevDevice,
    data_command: Pin,
    reset: Pin,
}

impl Tft {
    pub(super) fn new(wires: Wires) -> Self {
        Self { wires, bus: None }
    }

    fn open(&self) -> Result<Bus, PanelError> {
        must_exist(&self.wires.device)?;
        let refused = |error: &dyn std::fmt::Display| self.refused("open", error.to_string());
        let mut spi = SpidevDevice::open(&self.wires.device).map_err(|error| refused(&error))?;
        let options = SpidevOptions::new()
            .bits_per_word(8)
            .max_speed_hz(BITS_PER_SECOND)
            .mode(SpiModeFlags::SPI_MODE_0)
            .build();
        spi.configure(&options).map_err(|error| refused(&error))?;
        let mut chip = Chip::new(self.wires.chip.clone());
        let data_command = Pin(chip.output(self.wires.data_command)?);
        Ok(Bus { spi, data_command, reset: Pin(chip.output(self.wires.reset)?) })
    }

    fn refused(&self, act: &'static str, reason: String) -> PanelError {
        PanelError::Bus { act, device: self.wires.device.display().to_string(), reason }
    }
}

impl Panel for Tft {
    /// The display is begun anew for each picture, which takes a quarter of a second: one that lost power for a moment shows
    /// again with the next picture.
    fn show(&mut self, picture: &PanelPicture) -> Result<(), PanelError> {
        let mut bus = match self.bus.take() {
            Some(bus) => bus,
            None => self.open()?,
        };
        // A reset line is active while the display is kept in reset, and `mipidsi` holds it low: the line turns it round.
        paint(&mut bus.spi, &mut bus.data_command, Inverted(&mut bus.reset), &mut Delay, picture)
            .map_err(|reason| self.refused("write to", reason))?;
        self.bus = Some(bus);
        Ok(())
    }
}

/// Begins with the display and sends a picture.
pub(super) fn paint(
    spi: &mut impl SpiDevice,
    data_command: &mut impl OutputPin,
    reset: impl OutputPin,
    delay: &mut impl DelayNs,
    picture: &PanelPicture,
) -> Result<(), String> {
    let mut buffer = vec![0; TRANSFER];
    let interface = SpiInterface::new(spi, data_command, &mut buffer);
    let said = |error: &dyn Debug| format!("{error:?}");
    let mut display: Display<_, _, _> = Builder::new(ST7789, interface)
        .reset_pin(reset)
        .display_size(135, 240)
        .display_offset(52, 40)
        .invert_colors(ColorInversion::Inverted)
        .orientation(Orientation::new().rotate(Rotation::Deg90))
        .init(delay)
        .map_err(|error| said(&error))?;
    let canvas = draw(picture, PanelSize::TFT);
    let all = Rectangle::new(Point::zero(), OriginDimensions::size(&canvas));
    display.fill_contiguous(&all, canvas.pixels().iter().copied()).map_err(|error| said(&error))
}

/// A line as `embedded-hal` wants it: high is active.
struct Pin(Box<dyn Output>);

/// A line's error as `embedded-hal` wants it.
#[derive(Debug)]
struct PinError(#[allow(dead_code, reason = "shown by Debug")] LinesError);

impl digital::Error for PinError {
    fn kind(&self) -> digital::ErrorKind {
        digital::ErrorKind::Other
    }
}

impl digital::ErrorType for Pin {
    type Error = PinError;
}

impl OutputPin for Pin {
    fn set_low(&mut self) -> Result<(), PinError> {
        self.0.set(false).map_err(PinError)
    }

    fn set_high(&mut self) -> Result<(), PinError> {
        self.0.set(true).map_err(PinError)
    }
}

/// High is not active.
struct Inverted<'a>(&'a mut Pin);

impl digital::ErrorType for Inverted<'_> {
    type Error = PinError;
}

impl OutputPin for Inverted<'_> {
    fn set_low(&mut self) -> Result<(), PinError> {
        self.0.set_high()
    }

    fn set_high(&mut self) -> Result<(), PinError> {
        self.0.set_low()
    }
}
