//! The photograph on a card: JPEG 2000 in, grey out, within limits.
//!
//! The bytes come from a card that anybody may have made. The decoder is safe Rust; what it may be made to allocate is bounded
//! before it starts, and should it panic, that is a broken photograph.

use std::cell::Cell;
use std::fmt;
use std::panic::catch_unwind;

use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};
use zeroize::Zeroizing;

use crate::error::CardError;

/// The most bytes of a photograph: more than the largest file of a card holds.
pub const MAX_PHOTO_BYTES: usize = 64 * 1024;

/// The most pixels in each direction.
pub const MAX_PHOTO_SIDE: u32 = 1_024;

/// The most channels: three colours and one more.
const MAX_CHANNELS: usize = 4;

/// A picture in grey. It shows a person: there is no printing it.
pub struct GreyPicture {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// One byte each, row by row from the top, 0 black to 255 white.
    pub pixels: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for GreyPicture {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "GreyPicture({} x {}, ..)", self.width, self.height)
    }
}

/// Decodes a photograph.
pub(crate) fn decode(bytes: &[u8]) -> Result<GreyPicture, CardError> {
    if bytes.len() > MAX_PHOTO_BYTES {
        return Err(CardError::PhotoTooLarge);
    }
    // A palette hides how many channels the codestream has, and no card needs one.
    if bytes.windows(4).any(|it| it == b"pclr") {
        return Err(CardError::BrokenPhoto);
    }
    DECODING.set(true);
    let decoded = catch_unwind(|| within_limits(bytes));
    DECODING.set(false);
    decoded.unwrap_or(Err(CardError::BrokenPhoto))
}

thread_local! {
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread decodes a photograph, so that a panic of it ends here as [`CardError::BrokenPhoto`]. For programs whose
/// panic hook would end them: anybody may have made the card.
#[must_use]
pub fn catches_panics() -> bool {
    DECODING.get()
}

fn within_limits(bytes: &[u8]) -> Result<GreyPicture, CardError> {
    let settings = DecodeSettings { resolve_palette_indices: false, ..DecodeSettings::default() };
    let image = Image::new(bytes, &settings).map_err(|_| CardError::BrokenPhoto)?;
    let (width, height) = (image.width(), image.height());
    if !(1..=MAX_PHOTO_SIDE).contains(&width) || !(1..=MAX_PHOTO_SIDE).contains(&height) {
        return Err(CardError::PhotoTooLarge);
    }
    if usize::from(image.color_space().num_channels()) + usize::from(image.has_alpha()) > MAX_CHANNELS {
        return Err(CardError::BrokenPhoto);
    }
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(|_| CardError::BrokenPhoto)?;
    let samples = Zeroizing::new(decoded.data_u8());
    let count = usize::try_from(width * height).map_err(|_| CardError::PhotoTooLarge)?;
    let channels = samples.len() / count;
    if !(1..=MAX_CHANNELS).contains(&channels) || samples.len() != channels * count {
        return Err(CardError::BrokenPhoto);
    }
    Ok(GreyPicture {
        width,
        height,
        pixels: Zeroizing::new(samples.chunks_exact(channels).map(grey).collect()),
    })
}

/// Brightness of a pixel: ITU-R BT.601 of three colours, the first channel of fewer.
fn grey(pixel: &[u8]) -> u8 {
    match *pixel {
        [red, green, blue, ..] => {
            let sum = 299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue);
            u8::try_from((sum + 500) / 1_000).expect("the weights add up to 1,000")
        }
        [grey, ..] => grey,
        [] => 0,
    }
}
