//! Picture files as a camera would see them.

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
    sync::Arc,
};

use gate::Monotonic;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits};

use super::CameraError;
use crate::{Frame, frame::LONGEST_SIDE};

/// Memory for one picture while it is decoded, in bytes: the largest frame in 16-bit RGBA, twice.
const DECODER_MEMORY: u64 = 16 * (LONGEST_SIDE as u64) * (LONGEST_SIDE as u64);

/// The size of a frame without anybody in it, in pixels.
const BLANK: (u32, u32) = (640, 480);

/// The brightness of such a frame: an empty grey wall.
const BLANK_LEVEL: u8 = 110;

/// A decoded picture, shared by all frames that show it.
#[derive(Clone)]
pub(super) struct Picture {
    width: u32,
    height: u32,
    rgb: Arc<[u8]>,
}

impl Picture {
    /// Nobody there.
    pub(super) fn blank() -> Self {
        let (width, height) = BLANK;
        let rgb = vec![BLANK_LEVEL; width as usize * height as usize * 3].into();
        Self { width, height, rgb }
    }

    /// Reads a JPEG or PNG file, turned upright as its EXIF data says.
    pub(super) fn load(path: &Path) -> Result<Self, CameraError> {
        let bad = |reason: String| CameraError::BadImage { path: path.into(), reason };
        let file = File::open(path).map_err(|error| bad(error.to_string()))?;
        let reader = ImageReader::new(BufReader::new(file));
        let mut reader = reader.with_guessed_format().map_err(|error| bad(error.to_string()))?;
        let mut limits = Limits::default();
        limits.max_alloc = Some(DECODER_MEMORY);
        reader.limits(limits);
        let mut decoder = reader.into_decoder().map_err(|error| bad(error.to_string()))?;
        let (width, height) = decoder.dimensions();
        if width.max(height) > LONGEST_SIDE {
            return Err(bad(format!("{width}x{height} pixels; its longer side may have {LONGEST_SIDE}")));
        }
        let orientation = decoder.orientation().map_err(|error| bad(error.to_string()))?;
        let mut image = DynamicImage::from_decoder(decoder).map_err(|error| bad(error.to_string()))?;
        image.apply_orientation(orientation);
        let rgb = image.into_rgb8();
        Ok(Self { width: rgb.width(), height: rgb.height(), rgb: rgb.into_raw().into() })
    }

    pub(super) fn frame(&self, captured: Monotonic) -> Result<Frame, CameraError> {
        Frame::from_rgb(captured, self.width, self.height, self.rgb.to_vec())
    }
}

/// The pictures of a folder in the order of their names.
pub(super) fn pictures_in(folder: &Path) -> Result<Vec<PathBuf>, CameraError> {
    let none = |reason: String| CameraError::NoImages { path: folder.into(), reason };
    let is_picture = |path: &PathBuf| {
        let extension =
            path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
        matches!(extension.as_deref(), Some("jpg" | "jpeg" | "png"))
    };
    let entries = std::fs::read_dir(folder).map_err(|error| none(format!(" ({error})")))?;
    let mut pictures: Vec<_> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_picture).collect();
    pictures.sort();
    if pictures.is_empty() { Err(none(String::new())) } else { Ok(pictures) }
}
