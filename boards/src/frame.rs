//! One picture from a camera, in the bytes in which it arrived: nobody needs all of it in another form.
//!
//! [`Frame::pixels`] hands the bytes out, and whoever needs colour takes it where it is needed. [`Frame::luma`] and
//! [`Frame::rgb`] compute whole copies for those who ask. Three formats come in:
//!
//! | format | from | layout | colour |
//! |---|---|---|---|
//! | YUYV | USB camera, raw | `Y0 Cb Y1 Cr` for two pixels, row by row | BT.601, limited range (black 16, white 235) |
//! | MJPEG | USB camera, compressed | one JPEG picture per frame, decoded to RGB8 or grey | BT.601, full range (JFIF) |
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
    layout: Layout,
    bytes: Vec<u8>,
}

/// How a frame's bytes are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Grey,
    Yuyv,
    Rgb,
}

/// The bytes of a frame, its rows one after the other without a gap.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pixels<'a> {
    /// Brightness, one byte per pixel, full range: a grey JPEG.
    Grey(&'a [u8]),
    /// `Y0 Cb Y1 Cr` for two pixels, limited range.
    Yuyv(&'a [u8]),
    /// `R G B` per pixel.
    Rgb(&'a [u8]),
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
        Ok(Self { captured, width, height, layout: Layout::Yuyv, bytes })
    }

    /// Takes one JPEG picture of a camera. The picture says its own size. Bytes after its end are ignored.
    ///
    /// # Errors
    /// [`CameraError::BadFrame`] if it is not a whole JPEG picture.
    pub fn from_mjpeg(captured: Monotonic, bytes: &[u8]) -> Result<Self, CameraError> {
        let picture = jpeg::decode(bytes).map_err(|reason| bad("MJPEG", reason))?;
        let layout = if picture.grey { Layout::Grey } else { Layout::Rgb };
        Ok(Self { captured, width: picture.width, height: picture.height, layout, bytes: picture.bytes })
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
        Ok(Self { captured, width, height, layout: Layout::Rgb, bytes: rgb })
    }

    /// The bytes as they are.
    #[must_use]
    pub fn pixels(&self) -> Pixels<'_> {
        match self.layout {
            Layout::Grey => Pixels::Grey(&self.bytes),
            Layout::Yuyv => Pixels::Yuyv(&self.bytes),
            Layout::Rgb => Pixels::Rgb(&self.bytes),
        }
    }

    /// A copy in brightness: one byte per pixel, row by row, 0 black to 255 white whatever range the camera used.
    #[must_use]
    pub fn luma(&self) -> Vec<u8> {
        match self.layout {
            Layout::Grey => self.bytes.clone(),
            Layout::Yuyv => colour::full_range_luma(&self.bytes),
            Layout::Rgb => self.bytes.as_chunks::<3>().0.iter().map(colour::luma_of_rgb).collect(),
        }
    }

    /// A copy in colour: `R G B` per pixel, row by row, 0 to 255 (RGB8, `3 * width * height` bytes).
    #[must_use]
    pub fn rgb(&self) -> Vec<u8> {
        match self.layout {
            Layout::Grey => self.bytes.iter().flat_map(|&luma| [luma; 3]).collect(),
            Layout::Yuyv => colour::rgb_of_yuyv(&self.bytes),
            Layout::Rgb => self.bytes.clone(),
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
