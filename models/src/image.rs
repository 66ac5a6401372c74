//! A picture in memory, and how a file becomes one: bounded, upright, three bytes per pixel.

use std::fmt;
use std::io::{Cursor, Read as _};
use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageDecoder, ImageError as DecodeError, ImageReader, Limits};

use crate::picture::Picture;
use crate::resample::{Shrink, shrink_into};

/// Largest picture that is decoded, in pixels. It bounds the memory of one photograph to about 120 MB per copy; the
/// cameras that take portraits stay below it.
pub const MAX_PIXELS: u64 = 40_000_000;

/// Largest file that is read.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// Smallest width and height of a photograph: less than this holds no face.
const MIN_SIDE: usize = 16;

/// An upright RGB picture, row by row from the top left, three bytes per pixel.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

/// A photograph cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The file is not there or cannot be read.
    #[error("open photograph {path}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no picture, or of a kind that is not read.
    #[error("read photograph {name}: it is neither a JPEG nor a PNG file; give it as one of these")]
    NotAPicture {
        /// The file.
        name: String,
    },
    /// More pixels or bytes than are read.
    #[error("read photograph {name}: {found}, at most {} megapixels and {} MiB are accepted; give a smaller copy", MAX_PIXELS / 1_000_000, MAX_FILE_BYTES >> 20)]
    TooLarge {
        /// The file.
        name: String,
        /// Its size.
        found: String,
    },
    /// Fewer pixels than a face has.
    #[error("read photograph {name}: {width} x {height} pixels are too few for a face; give a larger one")]
    TooSmall {
        /// The file.
        name: String,
        /// Pixels.
        width: usize,
        /// Pixels.
        height: usize,
    },
    /// The file begins like a picture and does not end like one.
    #[error(
        "read photograph {name}: the file is damaged or cut off ({reason}); copy it again from its source"
    )]
    Damaged {
        /// The file.
        name: String,
        /// What the decoder said.
        reason: String,
    },
    /// The number of bytes does not fit the size.
    #[error("a picture of {width} x {height} pixels needs {} bytes, {bytes} were given", width * height * 3)]
    WrongLength {
        /// Pixels.
        width: usize,
        /// Pixels.
        height: usize,
        /// Bytes given.
        bytes: usize,
    },
}

impl Image {
    /// A picture from its bytes, red first.
    ///
    /// # Errors
    /// [`ImageError::WrongLength`] if there are not three bytes per pixel, [`ImageError::TooLarge`] beyond
    /// [`MAX_PIXELS`], [`ImageError::TooSmall`] if there is no pixel at all.
    pub fn new(width: usize, height: usize, rgb: Vec<u8>) -> Result<Self, ImageError> {
        check_size("in memory", width, height, 1)?;
        if rgb.len() != width * height * 3 {
            return Err(ImageError::WrongLength { width, height, bytes: rgb.len() });
        }
        Ok(Self { width, height, rgb })
    }

    /// Reads a JPEG or PNG file and turns it upright.
    ///
    /// # Errors
    /// [`ImageError`], which names the file and what to do.
    pub fn open(path: &Path) -> Result<Self, ImageError> {
        let open = |source| ImageError::Open { path: path.to_owned(), source };
        let name = path.display().to_string();
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).map_err(open)?;
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(open)?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(ImageError::TooLarge {
                name,
                found: format!("more than {} MiB", MAX_FILE_BYTES >> 20),
            });
        }
        Self::decode(&name, &bytes)
    }

    /// Decodes a JPEG or PNG file in memory and turns it upright; `name` is used in errors.
    ///
    /// # Errors
    /// [`ImageError`], which carries the name and says what to do.
    pub fn decode(name: &str, bytes: &[u8]) -> Result<Self, ImageError> {
        let refuse = |error: DecodeError| refusal(name, &error);
        let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
        let mut reader = reader.map_err(|error| refuse(DecodeError::IoError(error)))?;
        if reader.format().is_none() {
            return Err(ImageError::NotAPicture { name: name.to_owned() });
        }
        let mut limits = Limits::default();
        limits.max_alloc = Some(MAX_PIXELS * 8);
        reader.limits(limits);
        let mut decoder = reader.into_decoder().map_err(refuse)?;
        let (width, height) = decoder.dimensions();
        check_size(name, width as usize, height as usize, MIN_SIDE)?;
        let orientation = decoder.orientation().map_err(refuse)?;
        let mut picture = DynamicImage::from_decoder(decoder).map_err(refuse)?;
        // The JPEG decoder fills what is missing with grey and says nothing.
        if bytes.starts_with(&JPEG_START) && !ends_like_a_jpeg(bytes) {
            return Err(ImageError::Damaged {
                name: name.to_owned(),
                reason: "the end marker is missing".to_owned(),
            });
        }
        picture.apply_orientation(orientation);
        let picture = picture.into_rgb8();
        Self::new(picture.width() as usize, picture.height() as usize, picture.into_raw())
    }

    /// A copy of a picture of any format whose longer side has at most `max_side` pixels.
    #[must_use]
    pub fn smaller(picture: Picture<'_>, max_side: usize) -> Self {
        let mut small = Self::black(0, 0);
        shrink_into(&mut small, &mut Shrink::new(), picture, max_side.max(1));
        small
    }

    /// The bytes, without a copy.
    #[must_use]
    pub fn into_rgb(self) -> Vec<u8> {
        self.rgb
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// Three bytes per pixel, red first, row by row from the top left.
    #[must_use]
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// The three bytes of one pixel, which must lie inside.
    #[cfg(test)]
    pub(crate) fn pixel(&self, x: usize, y: usize) -> [u8; 3] {
        let start = (y * self.width + x) * 3;
        [self.rgb[start], self.rgb[start + 1], self.rgb[start + 2]]
    }

    /// The bytes, to be written.
    pub(crate) fn rgb_mut(&mut self) -> &mut [u8] {
        &mut self.rgb
    }

    /// Nothing yet, in its full size.
    pub(crate) fn black(width: usize, height: usize) -> Self {
        Self { width, height, rgb: vec![0; width * height * 3] }
    }

    /// Takes another size, and memory only where it has too little. What is in it has no meaning.
    pub(crate) fn reshaped(&mut self, width: usize, height: usize) -> &mut [u8] {
        (self.width, self.height) = (width, height);
        self.rgb.resize(width * height * 3, 0);
        &mut self.rgb
    }

    /// Red grows to the right, green downwards, blue is 9.
    #[cfg(test)]
    pub(crate) fn ramp(width: usize, height: usize) -> Self {
        let pixel = |pixel: usize| [(pixel % width) as u8, (pixel / width) as u8, 9];
        Self::from_parts(width, height, (0..width * height).flat_map(pixel).collect())
    }

    /// A picture whose size was already checked.
    #[cfg(test)]
    pub(crate) fn from_parts(width: usize, height: usize, rgb: Vec<u8>) -> Self {
        debug_assert_eq!(rgb.len(), width * height * 3);
        Self { width, height, rgb }
    }
}

/// Nobody's face in a log.
impl fmt::Debug for Image {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Image({} x {})", self.width, self.height)
    }
}

const JPEG_START: [u8; 2] = [0xff, 0xd8];
const JPEG_SCAN: [u8; 2] = [0xff, 0xda];
const JPEG_END: [u8; 2] = [0xff, 0xd9];

/// Whether an end marker follows the last scan. Inside a scan 0xff is always stuffed, so the markers cannot occur there.
fn ends_like_a_jpeg(bytes: &[u8]) -> bool {
    let scan = bytes.windows(2).rposition(|pair| pair == JPEG_SCAN).unwrap_or(0);
    bytes[scan..].windows(2).any(|pair| pair == JPEG_END)
}

fn check_size(name: &str, width: usize, height: usize, least: usize) -> Result<(), ImageError> {
    let pixels = (width as u64).saturating_mul(height as u64);
    if pixels > MAX_PIXELS {
        let found = format!("{width} x {height} pixels ({} megapixels)", pixels.div_ceil(1_000_000));
        return Err(ImageError::TooLarge { name: name.to_owned(), found });
    }
    if width < least || height < least {
        return Err(ImageError::TooSmall { name: name.to_owned(), width, height });
    }
    Ok(())
}

fn refusal(name: &str, error: &DecodeError) -> ImageError {
    let name = name.to_owned();
    match error {
        DecodeError::Unsupported(_) => ImageError::NotAPicture { name },
        DecodeError::Limits(limit) => ImageError::TooLarge { name, found: limit.to_string() },
        DecodeError::Decoding(_)
        | DecodeError::Encoding(_)
        | DecodeError::Parameter(_)
        | DecodeError::IoError(_) => ImageError::Damaged { name, reason: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use image::{ExtendedColorType, ImageEncoder, codecs::jpeg::JpegEncoder, codecs::png::PngEncoder};

    use super::*;

    /// Left half dark, right half light.
    fn halves(width: usize, height: usize) -> Vec<u8> {
        (0..width * height * 3).map(|byte| if byte / 3 % width < width / 2 { 20 } else { 220 }).collect()
    }

    fn jpeg(width: usize, height: usize, exif: Option<Vec<u8>>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 95);
        if let Some(exif) = exif {
            encoder.set_exif_metadata(exif).unwrap();
        }
        encoder
            .write_image(&halves(width, height), width as u32, height as u32, ExtendedColorType::Rgb8)
            .unwrap();
        bytes
    }

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let pixels = vec![7; width as usize * height as usize];
        PngEncoder::new(&mut bytes).write_image(&pixels, width, height, ExtendedColorType::L8).unwrap();
        bytes
    }

    #[test]
    fn a_photograph_taken_with_the_camera_on_its_side_stands_upright() {
        // One EXIF entry: orientation (0x0112) 6, turn a quarter clockwise.
        let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
        let image = Image::decode("sideways", &jpeg(64, 32, Some(exif))).unwrap();
        assert_eq!((image.width(), image.height()), (32, 64));
        assert!(image.pixel(16, 8)[0] < 60 && image.pixel(16, 56)[0] > 180);
        let image = Image::decode("upright", &jpeg(64, 32, None)).unwrap();
        assert_eq!((image.width(), image.height()), (64, 32));
    }

    #[test]
    fn a_picture_that_is_cut_off_is_refused_wherever_it_is_cut() {
        for whole in [jpeg(64, 64, None), png(64, 64)] {
            Image::decode("whole", &whole).unwrap();
            for keep in [whole.len() / 4, whole.len() / 2, whole.len() - 12] {
                let error = Image::decode("cut.jpg", &whole[..keep]).unwrap_err();
                assert!(matches!(error, ImageError::Damaged { .. }), "{keep} of {}: {error}", whole.len());
                assert!(error.to_string().contains("cut.jpg"));
            }
        }
    }

    #[test]
    fn what_is_no_picture_too_large_or_too_small_is_told_apart() {
        for bytes in [&b"no picture at all"[..], b"", b"GIF89a......."] {
            assert!(matches!(Image::decode("text", bytes).unwrap_err(), ImageError::NotAPicture { .. }));
        }
        let error = Image::decode("huge.png", &png(10_000, 5_000)).unwrap_err();
        assert!(
            matches!(error, ImageError::TooLarge { .. }) && error.to_string().contains("50 megapixels"),
            "{error}"
        );
        assert!(matches!(Image::decode("dot", &png(8, 8)).unwrap_err(), ImageError::TooSmall { .. }));
        let error = Image::open(Path::new("/nowhere/face.jpg")).unwrap_err();
        assert!(matches!(error, ImageError::Open { .. }) && error.to_string().contains("/nowhere/face.jpg"));
        assert!(matches!(Image::new(20, 20, vec![0; 5]).unwrap_err(), ImageError::WrongLength { .. }));
    }

    #[test]
    fn a_picture_does_not_print_its_pixels() {
        assert_eq!(format!("{:?}", Image::new(20, 16, vec![0; 960]).unwrap()), "Image(20 x 16)");
    }
}
