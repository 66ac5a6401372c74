//! The SSD1306: 128 by 64 dots, light or dark, on I2C. The crate `ssd1306` speaks to it; all dots are sent for each picture.

use std::path::PathBuf;

use embedded_hal::i2c::I2c;
use linux_embedded_hal::I2cdev;
use ssd1306::{
    I2CDisplayInterface, Ssd1306,
    mode::{BufferedGraphicsMode, DisplayConfig},
    prelude::I2CInterface,
    rotation::DisplayRotation,
    size::DisplaySize128x64,
};

use super::{Panel, PanelError, PanelPicture, PanelSize, draw::draw, must_exist};

type Display<I2C> = Ssd1306<I2CInterface<I2C>, DisplaySize128x64, BufferedGraphicsMode<DisplaySize128x64>>;

pub(super) struct Oled {
    device: PathBuf,
    address: u8,
    /// None until the first picture, and after an error.
    display: Option<Display<I2cdev>>,
}

impl Oled {
    pub(super) fn new(device: PathBuf, address: u8) -> Self {
        Self { device, address, display: None }
    }

    fn open(&self) -> Result<Display<I2cdev>, PanelError> {
        must_exist(&self.device)?;
        let bus = I2cdev::new(&self.device).map_err(|error| self.refused("open", &error))?;
        begin(bus, self.address).map_err(|error| self.refused("begin with", &error))
    }

    fn refused(&self, act: &'static str, error: &dyn std::fmt::Debug) -> PanelError {
        PanelError::Bus { act, device: self.device.display().to_string(), reason: format!("{error:?}") }
    }
}

impl Panel for Oled {
    fn show(&mut self, picture: &PanelPicture) -> Result<(), PanelError> {
        let mut display = match self.display.take() {
            Some(display) => display,
            None => self.open()?,
        };
        paint(&mut display, picture).map_err(|error| self.refused("write to", &error))?;
        self.display = Some(display);
        Ok(())
    }
}

/// Switches a display on.
pub(super) fn begin<I2C: I2c>(bus: I2C, address: u8) -> Result<Display<I2C>, impl std::fmt::Debug> {
    let interface = I2CDisplayInterface::new_custom_address(bus, address);
    let size = DisplaySize128x64;
    let mut display = Ssd1306::new(interface, size, DisplayRotation::Rotate0).into_buffered_graphics_mode();
    display.init().map(|()| display)
}

/// Sends a picture.
pub(super) fn paint<I2C: I2c>(
    display: &mut Display<I2C>,
    picture: &PanelPicture,
) -> Result<(), impl std::fmt::Debug> {
    let canvas = draw(picture, PanelSize::OLED);
    for (place, lit) in (0..).zip(canvas.lit()) {
        display.set_pixel(place % PanelSize::OLED.width, place / PanelSize::OLED.width, lit);
    }
    display.flush()
}
