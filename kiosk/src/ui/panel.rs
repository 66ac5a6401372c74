//! A screen as the rest of the program sees it, and the camera picture that may be shown on it.

use std::fmt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::moment::Moment;
use crate::desk::View;

/// A screen that somebody looks at, or that is only drawn on request.
pub(crate) trait Panel: Send + Sync {
    /// Shows `moment` from now on. Never waits; only the newest one counts.
    fn show(&self, moment: Moment);

    /// Shows a camera picture inside the guide of the screens that look for a face. Never waits; only the newest counts.
    fn preview(&self, preview: Preview);

    /// Shows a page of the staff area, or closes it. Never waits; only the newest counts.
    fn desk(&self, view: View);

    /// Writes what is shown now as a PNG file, a camera picture included: for the demo and tests, never at a door where
    /// no frame may be kept. May take a second.
    fn screenshot(&self, file: &Path) -> Result<(), UiError>;
}

/// One camera picture for the guide: 8-bit RGB, row by row, as the camera saw it (the screen mirrors it).
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Preview {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

impl Preview {
    /// More pixels across or down are of no use: the guide is never larger.
    pub(crate) const LONGEST_SIDE: u32 = 640;

    /// A picture of `width` by `height` pixels, three bytes each.
    pub(crate) fn new(width: u32, height: u32, rgb: Vec<u8>) -> Result<Self, PreviewError> {
        let expected = u128::from(width) * u128::from(height) * 3;
        if expected > 0 && rgb.len() as u128 == expected {
            Ok(Preview { width, height, rgb })
        } else {
            Err(PreviewError { width, height, bytes: rgb.len() })
        }
    }

    /// Pixels across.
    pub(super) fn width(&self) -> u32 {
        self.width
    }

    /// Pixels down.
    pub(super) fn height(&self) -> u32 {
        self.height
    }

    /// The colour of the pixel at column `x` of row `y`, both inside the picture.
    pub(super) fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        let at = (y as usize * self.width as usize + x as usize) * 3;
        [self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]]
    }
}

/// A face may be in it: only the size is ever printed.
impl fmt::Debug for Preview {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Preview({}x{})", self.width, self.height)
    }
}

/// The bytes are not a picture of that size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("cannot show a camera picture of {width}x{height} pixels: {bytes} bytes are not 3 for each pixel")]
pub(crate) struct PreviewError {
    width: u32,
    height: u32,
    bytes: usize,
}

/// Why a screen cannot be opened, drawn or saved.
#[derive(Debug, Error)]
pub(crate) enum UiError {
    /// No window: usually no display.
    #[error("cannot open the kiosk's window; check the display (DISPLAY), or run with --headless")]
    Open(#[source] slint::PlatformError),
    /// The window's event loop failed.
    #[error("the kiosk's window failed")]
    Run(#[source] slint::PlatformError),
    /// A window was opened on this thread before.
    #[error("cannot draw without a display on a thread that has opened a window")]
    WindowOnThisThread,
    /// A language was left out of the build.
    #[error("cannot show the screens in {code:?}: kiosk/lang/{code} was not built in")]
    Language {
        /// Its folder.
        code: &'static str,
    },
    /// The picture cannot be written.
    #[error("cannot save the screenshot {path}")]
    Save {
        /// The file.
        path: PathBuf,
        /// Why.
        source: image::ImageError,
    },
    /// The folder for pictures cannot be made.
    #[error("cannot make the folder {path} for screenshots")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The drawing thread cannot be started.
    #[error("cannot start the thread that draws the screens")]
    Thread(#[source] std::io::Error),
    /// The thread that draws has ended, or did not answer in time.
    #[error("cannot take a screenshot: the screens are no longer drawn")]
    Ended,
}

/// Writes a picture as PNG.
pub(super) fn save(picture: &image::RgbImage, file: &Path) -> Result<(), UiError> {
    picture
        .save_with_format(file, image::ImageFormat::Png)
        .map_err(|source| UiError::Save { path: file.to_path_buf(), source })
}
