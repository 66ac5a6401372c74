//! One JPEG picture of a camera, whole or refused.
//!
//! The capture library hands out the driver's whole buffer: after the picture come the remains of older, longer ones. So
//! the end is searched first, by the rules of JPEG (ITU-T T.81, B.1): segments `FF marker length…` up to the start of the
//! scan `FF DA`, then coded data in which `FF` is followed by `00` or a restart marker `D0` to `D7`, until `FF D9`. A
//! frame that was cut has no end. One that was cut inside a buffer with old remains fails in the strict decoder.
//!
//! **Why the decoder makes RGB, and why it is zune-jpeg.** Milliseconds of processor time for one picture of 1280x720
//! (quality 85, 4:2:2, 140 kB) on one Zen 5 core, medians of 60:
//!
//! | | RGB | `Y Cb Cr` | brightness only | half size |
//! |---|---|---|---|---|
//! | zune-jpeg 0.5.15 | 2.16 | 2.28 | 1.72 | has none |
//! | libjpeg-turbo 2.1.5 | 1.95 | 1.63 (planes) | 1.37 | 1.50 (RGB), 1.42 (planes) |
//!
//! RGB costs zune-jpeg less than what it is made of, since only its colour conversion writes pixels with vector
//! instructions. libjpeg-turbo's planes would save half a millisecond and its half size 0.75 of the two, since the entropy
//! decoding stays; at half size the faces would have half their pixels. Against that stands a C library that parses what
//! a plug on the outside of the house delivers. The networks take ten times as long: it is not worth it.

use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

use super::LONGEST_SIDE;

/// `R G B` per pixel, or one byte per pixel if `grey`.
pub(super) struct Picture {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) grey: bool,
    pub(super) bytes: Vec<u8>,
}

const START: [u8; 2] = [0xFF, 0xD8];
const START_OF_SCAN: u8 = 0xDA;
const END: u8 = 0xD9;

pub(super) fn decode(bytes: &[u8]) -> Result<Picture, String> {
    let picture = whole_picture(bytes).ok_or("the picture is cut off, or it is no JPEG")?;
    let longest = LONGEST_SIDE as usize;
    let options =
        DecoderOptions::default().set_strict_mode(true).set_max_width(longest).set_max_height(longest);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(picture), options);
    decoder.decode_headers().map_err(|error| error.to_string())?;
    let grey = match decoder.input_colorspace() {
        Some(ColorSpace::Luma) => true,
        Some(ColorSpace::YCbCr) => false,
        other => return Err(format!("its colours are {other:?}, not YCbCr or grey")),
    };
    let wanted = if grey { ColorSpace::Luma } else { ColorSpace::RGB };
    decoder.set_options(decoder.options().jpeg_set_out_colorspace(wanted));
    let bytes = decoder.decode().map_err(|error| error.to_string())?;
    let (width, height) = decoder.dimensions().ok_or("it has no size")?;
    if bytes.len() != width * height * if grey { 1 } else { 3 } {
        return Err(format!("{} bytes are not {width}x{height} pixels", bytes.len()));
    }
    let side = |pixels: usize| u32::try_from(pixels).map_err(|_| "it is too large");
    Ok(Picture { width: side(width)?, height: side(height)?, grey, bytes })
}

/// From the first byte to the end marker.
fn whole_picture(bytes: &[u8]) -> Option<&[u8]> {
    let mut at = bytes.starts_with(&START).then_some(START.len())?;
    let mut in_scan = false;
    loop {
        let marker = match (*bytes.get(at)?, *bytes.get(at + 1)?) {
            (0xFF, marker) => marker,
            _ if in_scan => {
                at += 1;
                continue;
            }
            _ => return None,
        };
        match marker {
            END if in_scan => return bytes.get(..at + 2),
            0x00 | 0xD0..=0xD7 if in_scan => at += 2,
            0xFF => at += 1,
            _ => {
                let length = u16::from_be_bytes([*bytes.get(at + 2)?, *bytes.get(at + 3)?]);
                in_scan = marker == START_OF_SCAN;
                at += 2 + usize::from(length).max(2);
            }
        }
    }
}
