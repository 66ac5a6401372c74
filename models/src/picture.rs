//! A picture in the form in which its source has it: borrowed bytes, and how to read a colour out of them.
//!
//! A camera's frame is read by three networks, and none of them needs all of it in colour: the detector a smaller copy,
//! the embedder 112 x 112 points and the PAD network 128 x 128. So nothing here makes a second frame. Those who need
//! colours take them from where they need them, and only these are converted.
//!
//! | format | bytes | colour |
//! |---|---|---|
//! | [`Format::Rgb`] | `R G B` per pixel | as it is |
//! | [`Format::Grey`] | one per pixel, 0 black to 255 white | none: red, green and blue are equal |
//! | [`Format::Yuyv`] | `Y0 Cb Y1 Cr` for two pixels, the width even | BT.601, limited range (black 16, white 235) |
//!
//! Rows follow each other without a gap, from the top.

use std::fmt;

use crate::colour::{self, Lanes};
use crate::image::{Image, MAX_PIXELS};

/// How the bytes of a [`Picture`] are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `R G B` per pixel.
    Rgb,
    /// One byte of brightness per pixel.
    Grey,
    /// `Y0 Cb Y1 Cr` for two pixels: YUYV, 4:2:2.
    Yuyv,
}

impl Format {
    /// Bytes that one row of `width` pixels has.
    pub(crate) fn row_bytes(self, width: usize) -> usize {
        match self {
            Self::Rgb => width * 3,
            Self::Grey => width,
            Self::Yuyv => width * 2,
        }
    }
}

/// The bytes are not a picture of the stated size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// No pixel, or too many.
    #[error(
        "a frame of {width} x {height} pixels cannot be read: it must have 1 to {MAX_PIXELS} pixels; set the camera to a size that it has"
    )]
    Size {
        /// Pixels.
        width: usize,
        /// Pixels.
        height: usize,
    },
    /// Two pixels of YUYV share their colour.
    #[error(
        "a YUYV frame cannot be {width} pixels wide: the width is even; set the camera to a size that it has"
    )]
    OddWidth {
        /// Pixels.
        width: usize,
    },
    /// Rows are shorter or longer than stated.
    #[error(
        "a {format:?} frame of {width} x {height} pixels has {needed} bytes, {given} were given; say its true size, rows without a gap"
    )]
    Length {
        /// The format.
        format: Format,
        /// Pixels.
        width: usize,
        /// Pixels.
        height: usize,
        /// Bytes that it would have.
        needed: usize,
        /// Bytes given.
        given: usize,
    },
}

/// A borrowed picture.
#[derive(Clone, Copy)]
pub struct Picture<'a> {
    format: Format,
    width: usize,
    height: usize,
    bytes: &'a [u8],
}

impl<'a> Picture<'a> {
    /// A picture of `width` x `height` pixels in `bytes`, which must be exactly its rows.
    ///
    /// # Errors
    /// [`PictureError`] if the size is impossible or not that of the bytes.
    pub fn new(format: Format, width: usize, height: usize, bytes: &'a [u8]) -> Result<Self, PictureError> {
        let pixels = (width as u64).saturating_mul(height as u64);
        if !(1..=MAX_PIXELS).contains(&pixels) {
            return Err(PictureError::Size { width, height });
        }
        if format == Format::Yuyv && !width.is_multiple_of(2) {
            return Err(PictureError::OddWidth { width });
        }
        let needed = format.row_bytes(width) * height;
        if bytes.len() != needed {
            return Err(PictureError::Length { format, width, height, needed, given: bytes.len() });
        }
        Ok(Self { format, width, height, bytes })
    }

    /// How its bytes are read.
    #[must_use]
    pub fn format(self) -> Format {
        self.format
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(self) -> usize {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(self) -> usize {
        self.height
    }

    /// Its rows, one after the other.
    #[must_use]
    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }
}

impl<'a> From<&'a Image> for Picture<'a> {
    fn from(image: &'a Image) -> Self {
        Self { format: Format::Rgb, width: image.width(), height: image.height(), bytes: image.rgb() }
    }
}

/// Nobody's face in a log.
impl fmt::Debug for Picture<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Picture({} x {} {:?})", self.width, self.height, self.format)
    }
}

/// Reads single pixels of one format, so that a loop over them knows its format when it is compiled.
pub(crate) trait Pixels {
    /// Red, green, blue and a number without meaning, 0 to 255. The position lies inside.
    fn at(&self, x: usize, y: usize) -> Lanes<i32>;
}

/// [`Format::Rgb`].
pub(crate) struct Rgb<'a>(pub(crate) Picture<'a>);

/// [`Format::Grey`].
pub(crate) struct Grey<'a>(pub(crate) Picture<'a>);

/// [`Format::Yuyv`].
pub(crate) struct Yuyv<'a>(pub(crate) Picture<'a>);

impl Pixels for Rgb<'_> {
    #[inline(always)]
    fn at(&self, x: usize, y: usize) -> Lanes<i32> {
        let start = (y * self.0.width + x) * 3;
        match self.0.bytes.get(start..start + 4) {
            // The byte after the pixel rides along, so that all four are one load.
            Some(four) => [four[0], four[1], four[2], four[3]].map(i32::from),
            None => {
                let last = &self.0.bytes[start..start + 3];
                [last[0], last[1], last[2], 0].map(i32::from)
            }
        }
    }
}

impl Pixels for Grey<'_> {
    #[inline(always)]
    fn at(&self, x: usize, y: usize) -> Lanes<i32> {
        [i32::from(self.0.bytes[y * self.0.width + x]); 4]
    }
}

impl Pixels for Yuyv<'_> {
    #[inline(always)]
    fn at(&self, x: usize, y: usize) -> Lanes<i32> {
        let pair = ((y * self.0.width + x) & !1) * 2;
        let pair = &self.0.bytes[pair..pair + 4];
        colour::rgb_of_limited(pair[x % 2 * 2], pair[1], pair[3])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn refusal(format: Format, width: usize, height: usize, bytes: usize) -> PictureError {
        Picture::new(format, width, height, &vec![0; bytes]).unwrap_err()
    }

    #[test]
    fn a_frame_whose_rows_are_shorter_or_longer_than_stated_is_refused_with_its_numbers() {
        for (format, bytes) in [(Format::Rgb, 36), (Format::Grey, 12), (Format::Yuyv, 24)] {
            assert!(Picture::new(format, 4, 3, &vec![0; bytes]).is_ok());
            for given in [0, bytes - 1, bytes + 1, bytes * 2] {
                let error = refusal(format, 4, 3, given);
                let length = PictureError::Length { format, width: 4, height: 3, needed: bytes, given };
                assert_eq!(error, length);
                for number in ["4 x 3".to_owned(), bytes.to_string(), given.to_string()] {
                    assert!(error.to_string().contains(&number), "{error}");
                }
            }
        }
    }

    #[test]
    fn a_frame_without_pixels_or_with_too_many_is_refused_before_its_bytes_are_counted() {
        for (width, height) in [(0, 0), (0, 7), (7, 0), (usize::MAX, usize::MAX), (50_000, 1_000)] {
            for format in [Format::Rgb, Format::Grey, Format::Yuyv] {
                let error = refusal(format, width, height, 0);
                assert_eq!(error, PictureError::Size { width, height });
            }
        }
        assert!(Picture::new(Format::Grey, 7_680, 4_320, &vec![0; 7_680 * 4_320]).is_ok(), "8K");
    }

    #[test]
    fn a_raw_frame_of_odd_width_is_refused() {
        assert_eq!(refusal(Format::Yuyv, 3, 2, 12), PictureError::OddWidth { width: 3 });
    }

    #[test]
    fn a_picture_does_not_print_its_pixels() {
        let picture = Picture::new(Format::Yuyv, 2, 1, &[1, 2, 3, 4]).unwrap();
        assert_eq!(format!("{picture:?}"), "Picture(2 x 1 Yuyv)");
    }
}
