#![allow(clippy::unwrap_used)]
//! Facts about frames.

use image::{ExtendedColorType, codecs::jpeg::JpegEncoder};

use super::*;

const NOW: Monotonic = Monotonic::from_micros(7);

fn yuyv(pixel: [u8; 3]) -> Frame {
    let [luma, cb, cr] = pixel;
    Frame::from_yuyv(NOW, 2, 1, vec![luma, cb, luma, cr]).unwrap()
}

/// Colour bars of BT.601 limited, as video equipment sends them (100 % saturated).
const BARS: [([u8; 3], [u8; 3]); 8] = [
    ([16, 128, 128], [0, 0, 0]),
    ([235, 128, 128], [255, 255, 255]),
    ([81, 90, 240], [255, 0, 0]),
    ([145, 54, 34], [0, 255, 0]),
    ([41, 240, 110], [0, 0, 255]),
    ([210, 16, 146], [255, 255, 0]),
    ([170, 166, 16], [0, 255, 255]),
    ([106, 202, 222], [255, 0, 255]),
];

fn near(found: &[u8], wanted: &[u8], tolerance: u8) {
    assert_eq!(found.len(), wanted.len());
    for (a, b) in found.iter().zip(wanted) {
        assert!(a.abs_diff(*b) <= tolerance, "{found:?} is not {wanted:?}");
    }
}

#[test]
fn colour_bars_of_a_raw_camera_have_their_colours() {
    for (ycbcr, rgb) in BARS {
        let frame = yuyv(ycbcr);
        near(&frame.rgb()[..3], &rgb, 2);
        near(&frame.rgb()[3..], &rgb, 2);
    }
}

#[test]
fn a_raw_camera_s_black_and_white_fill_the_whole_range_of_brightness() {
    assert_eq!(yuyv([16, 128, 128]).luma(), [0, 0]);
    assert_eq!(yuyv([235, 128, 128]).luma(), [255, 255]);
    assert_eq!(yuyv([126, 128, 128]).luma(), [128, 128]);
    assert_eq!(yuyv([0, 0, 0]).luma(), [0, 0]);
    assert_eq!(yuyv([255, 255, 255]).luma(), [255, 255]);
}

#[test]
fn two_pixels_of_a_raw_pair_keep_their_own_brightness_and_share_their_colour() {
    let frame = Frame::from_yuyv(NOW, 2, 1, vec![16, 90, 81, 240]).unwrap();
    assert_eq!(frame.luma()[0], 0);
    assert!(frame.luma()[1] > 70);
    near(&frame.rgb()[3..], &[255, 0, 0], 2);
}

#[test]
fn bytes_after_a_raw_picture_are_ignored_and_missing_ones_are_refused() {
    let frame = Frame::from_yuyv(NOW, 2, 2, vec![128; 4096]).unwrap();
    assert_eq!((frame.luma().len(), frame.rgb().len()), (4, 12));
    for length in 0..8 {
        let error = Frame::from_yuyv(NOW, 2, 2, vec![128; length]).unwrap_err();
        assert!(matches!(error, CameraError::BadFrame { format: "YUYV", .. }), "{error}");
    }
}

#[test]
fn impossible_sizes_are_refused_before_any_memory_is_taken() {
    for (width, height) in [(0, 2), (2, 0), (3, 1), (LONGEST_SIDE + 2, 2), (u32::MAX - 1, u32::MAX)] {
        assert!(Frame::from_yuyv(NOW, width, height, vec![0; 64]).is_err());
    }
    assert!(Frame::from_rgb(NOW, u32::MAX, u32::MAX, Vec::new()).is_err());
    assert!(Frame::from_rgb(NOW, 2, 2, vec![0; 11]).is_err());
}

/// A picture with structure, so that its coded data has some length.
fn picture(width: u32, height: u32) -> Vec<u8> {
    let pixel = |at: u32| [at * 7 % 256, at * 3 % 256, at / width % 256];
    (0..width * height).flat_map(pixel).map(|level| u8::try_from(level).unwrap()).collect()
}

fn jpeg(rgb: &[u8], width: u32, height: u32, colour: ExtendedColorType) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 95).encode(rgb, width, height, colour).unwrap();
    bytes
}

#[test]
fn a_compressed_picture_keeps_its_colours() {
    for (_, rgb) in BARS {
        let flat: Vec<u8> = std::iter::repeat_n(rgb, 32 * 16).flatten().collect();
        let frame = Frame::from_mjpeg(NOW, &jpeg(&flat, 32, 16, ExtendedColorType::Rgb8)).unwrap();
        assert_eq!((frame.width, frame.height, frame.captured), (32, 16, NOW));
        near(&frame.rgb(), &flat, 4);
        let luma = colour::luma_of_rgb(&rgb);
        near(&frame.luma(), &[luma; 32 * 16], 3);
    }
}

#[test]
fn a_grey_compressed_picture_is_grey() {
    let frame = Frame::from_mjpeg(NOW, &jpeg(&[200; 64], 8, 8, ExtendedColorType::L8)).unwrap();
    near(&frame.luma(), &[200; 64], 1);
    near(&frame.rgb(), &[200; 192], 1);
}

#[test]
fn a_compressed_picture_cut_anywhere_is_refused() {
    let whole = jpeg(&picture(48, 32), 48, 32, ExtendedColorType::Rgb8);
    for length in 0..whole.len() {
        let error = Frame::from_mjpeg(NOW, &whole[..length]).unwrap_err();
        assert!(matches!(error, CameraError::BadFrame { format: "MJPEG", .. }), "{length}: {error}");
    }
    assert!(Frame::from_mjpeg(NOW, &whole).is_ok());
}

#[test]
fn remains_of_older_frames_after_the_picture_are_ignored() {
    let mut buffer = jpeg(&picture(48, 32), 48, 32, ExtendedColorType::Rgb8);
    let clean = Frame::from_mjpeg(NOW, &buffer).unwrap();
    buffer.extend(jpeg(&picture(16, 16), 16, 16, ExtendedColorType::Rgb8));
    buffer.extend([0; 500]);
    assert_eq!(Frame::from_mjpeg(NOW, &buffer).unwrap().rgb(), clean.rgb());
}

/// A small generator, so that a failure can be repeated.
fn noise(seed: &mut u64) -> u8 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    seed.to_le_bytes()[3]
}

#[test]
fn damaged_pictures_never_bring_the_program_down() {
    let mut seed = 0x9E37_79B9_7F4A_7C15;
    let whole = jpeg(&picture(48, 32), 48, 32, ExtendedColorType::Rgb8);
    for _ in 0..3_000 {
        let mut damaged = whole.clone();
        for _ in 0..1 + noise(&mut seed) % 8 {
            let at = usize::from(noise(&mut seed)) * 256 + usize::from(noise(&mut seed));
            let length = damaged.len();
            damaged[at % length] = noise(&mut seed);
        }
        if let Ok(frame) = Frame::from_mjpeg(NOW, &damaged) {
            assert_eq!(frame.rgb().len(), frame.luma().len() * 3);
        }
        let random: Vec<u8> = (0..200).map(|_| noise(&mut seed)).collect();
        assert!(Frame::from_mjpeg(NOW, &random).is_err());
    }
}

#[test]
fn a_frame_does_not_print_its_pixels() {
    let frame = Frame::from_rgb(NOW, 2, 1, vec![1, 2, 3, 4, 5, 6]).unwrap();
    assert_eq!(format!("{frame:?}"), "Frame(2x1 at 7 us, pixels withheld)");
    assert_eq!(frame.rgb(), [1, 2, 3, 4, 5, 6]);
}
