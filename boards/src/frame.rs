//! One picture from a camera: brightness at once, colour on demand.
//!
//! Every later step wants brightness first (is there a face, is it sharp, is there a QR code), so [`Frame::luma`] is
//! ready when the frame is; [`Frame::rgb`] is computed only for those who ask. Three formats come in:
//!
//! | format | from | layout | colour |
//! |---|---|---|---|
//! | YUYV | USB camera, raw | `Y0 Cb Y1 Cr` for two pixels, row by row | BT.601, limited range (black 16, white 235) |
//! | MJPEG | USB camera, compressed | one JPEG picture per frame | BT.601, full range (JFIF) |
//! | RGB8 | simulator | `R G B` per pixel, row by row | as it is |
//!
//! The matrices are those that V4L2 prescribes for a camera that says nothing else (`V4L2_YCBCR_ENC_601`; limited range
//! for raw, full range for JPEG), with the coefficients of ITU-R BT.601: `Kr = 0.299`, `Kb = 0.114`.
//!
//! A frame is a face: it is never stored, and its `Debug` says only how large it is.

mod colour;
mod jpeg;

use std::fmt;

use gate::Monotonic;

use crate::CameraError;

/// No camera here delivers a longer side, in pixels; a larger number in a header is a damaged header. Bounds the memory
/// of one frame to 64 MB.
pub const LONGEST_SIDE: u32 = 4096;

/// One picture from a camera.
#[derive(Clone)]
pub struct Frame {
    /// When it arrived.
    pub captured: Monotonic,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    luma: Vec<u8>,
    colour: Colour,
}

/// What colour can be computed from.
#[derive(Clone)]
enum Colour {
    /// No colour: a grey JPEG.
    Grey,
    /// `Y0 Cb Y1 Cr`, limited range.
    Yuyv(Vec<u8>),
    /// `Y Cb Cr` per pixel, full range.
    YCbCr(Vec<u8>),
    /// `R G B` per pixel.
    Rgb(Vec<u8>),
}

impl Frame {
    /// Takes a raw frame of a camera: two bytes per pixel, `width` even. Bytes after the picture are ignored, since
    /// drivers hand out whole pages.
    ///
    /// # Errors
    /// [`CameraError::BadFrame`] if the size is impossible or bytes are missing.
    pub fn from_yuyv(
        captured: Monotonic,
        width: u32,
        height: u32,
        mut bytes: Vec<u8>,
    ) -> Result<Self, CameraError> {
        let pixels = pixels("YUYV", width, height)?;
        if !width.is_multiple_of(2) {
            return Err(bad("YUYV", format!("its width of {width} pixels is odd")));
        }
        if bytes.len() < pixels * 2 {
            return Err(bad("YUYV", format!("it has {} bytes of {}", bytes.len(), pixels * 2)));
        }
        bytes.truncate(pixels * 2);
        let luma = colour::full_range_luma(&bytes);
        Ok(Self { captured, width, height, luma, colour: Colour::Yuyv(bytes) })
    }

    /// Takes one JPEG picture of a camera. The picture says its own size. Bytes after its end are ignored.
    ///
    /// # Errors
    /// [`CameraError::BadFrame`] if it is not a whole JPEG picture.
    pub fn from_mjpeg(captured: Monotonic, bytes: &[u8]) -> Result<Self, CameraError> {
        let picture = jpeg::decode(bytes).map_err(|reason| bad("MJPEG", reason))?;
        let (width, height) = (picture.width, picture.height);
        if picture.grey {
            return Ok(Self { captured, width, height, luma: picture.bytes, colour: Colour::Grey });
        }
        let luma = picture.bytes.iter().step_by(3).copied().collect();
        Ok(Self { captured, width, height, luma, colour: Colour::YCbCr(picture.bytes) })
    }

    /// Takes a picture of three bytes per pixel, as the simulator has them.
    ///
    /// # Errors
    /// [`CameraError::BadFrame`] if the size is impossible or not that of `rgb`.
    pub fn from_rgb(captured: Monotonic, width: u32, height: u32, rgb: Vec<u8>) -> Result<Self, CameraError> {
        let pixels = pixels("RGB", width, height)?;
        if rgb.len() != pixels * 3 {
            return Err(bad("RGB", format!("it has {} bytes of {}", rgb.len(), pixels * 3)));
        }
        let luma =
            rgb.chunks_exact(3).map(|pixel| colour::luma_of_rgb(pixel[0], pixel[1], pixel[2])).collect();
        Ok(Self { captured, width, height, luma, colour: Colour::Rgb(rgb) })
    }

    /// Brightness: one byte per pixel, row by row, 0 black to 255 white whatever range the camera used.
    #[must_use]
    pub fn luma(&self) -> &[u8] {
        &self.luma
    }

    /// Colour: `R G B` per pixel, row by row, 0 to 255 (RGB8, `3 * width * height` bytes).
    #[must_use]
    pub fn rgb(&self) -> Vec<u8> {
        match &self.colour {
            Colour::Grey => self.luma.iter().flat_map(|&luma| [luma; 3]).collect(),
            Colour::Yuyv(bytes) => colour::rgb_of_yuyv(bytes),
            Colour::YCbCr(bytes) => colour::rgb_of_ycbcr(bytes),
            Colour::Rgb(rgb) => rgb.clone(),
        }
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Frame({}x{} at {} us, pixels withheld)", self.width, self.height, self.captured.micros())
    }
}

fn pixels(format: &'static str, width: u32, height: u32) -> Result<usize, CameraError> {
    if (1..=LONGEST_SIDE).contains(&width) && (1..=LONGEST_SIDE).contains(&height) {
        return Ok(width as usize * height as usize);
    }
    Err(bad(format, format!("{width}x{height} pixels are not from 1x1 to {LONGEST_SIDE}x{LONGEST_SIDE}")))
}

fn bad(format: &'static str, reason: impl Into<String>) -> CameraError {
    CameraError::BadFrame { format, reason: reason.into() }
}

#[cfg(test)]
mod tests;
