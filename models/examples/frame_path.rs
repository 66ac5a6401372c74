//! How long the stages of a frame take: one person before a camera of 1280 x 720, raw and in RGB.
//!
//! ```text
//! cargo run -p models --example frame_path [-- folder of fetched things]
//! ```
//!
//! Medians over frames that were searched as a whole, and over those of which only the face's surroundings were.

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use gate::Monotonic;
use models::{Format, Image, Picture, Threads, Vision};

const WIDTH: usize = 1_280;
const HEIGHT: usize = 720;
/// Frames of one format, from a camera of 30 a second.
const FRAMES: u64 = 300;
const INTERVAL_US: u64 = 33_333;

fn main() -> Result<(), Box<dyn Error>> {
    let fetched = std::env::args().nth(1).map_or_else(|| PathBuf::from("assets/fetched"), PathBuf::from);
    let photograph = Image::open(&fetched.join("photos/person-a-2.jpg"))?;
    let mut vision = Vision::load(&fetched.join("models"), &Threads::start(1)?)?;
    println!("format, searched: frames; detect, align, embed, PAD, all; microseconds");
    for (format, bytes) in [(Format::Rgb, rgb(&photograph)), (Format::Yuyv, yuyv(&rgb(&photograph)))] {
        let picture = Picture::new(format, WIDTH, HEIGHT, &bytes)?;
        let mut stages: [Vec<[u64; 5]>; 2] = [Vec::new(), Vec::new()];
        for frame in 0..FRAMES {
            let started = Instant::now();
            let seen = vision.observe(Monotonic::from_micros(frame * INTERVAL_US), picture)?;
            let all = u64::try_from(started.elapsed().as_micros())?;
            let spent = seen.timings;
            let stages = &mut stages[usize::from(!seen.whole_frame)];
            stages.push([spent.detect_us, spent.align_us, spent.embed_us, spent.pad_us, all]);
        }
        for (searched, stages) in ["whole frame", "surroundings"].into_iter().zip(&stages) {
            let medians: [u64; 5] = std::array::from_fn(|stage| median(stages, stage));
            println!("{format:?}, {searched}: {}; {medians:?}", stages.len());
        }
    }
    Ok(())
}

/// The photograph in the middle of a grey wall.
fn rgb(photograph: &Image) -> Vec<u8> {
    let side = HEIGHT - 20;
    let (left, top) = ((WIDTH - side) / 2, 10);
    let mut rgb = vec![110; WIDTH * HEIGHT * 3];
    for (row, line) in rgb.chunks_exact_mut(WIDTH * 3).skip(top).take(side).enumerate() {
        for (column, pixel) in line.as_chunks_mut::<3>().0.iter_mut().skip(left).take(side).enumerate() {
            let (x, y) = (column * photograph.width() / side, row * photograph.height() / side);
            pixel.copy_from_slice(&photograph.rgb()[(y * photograph.width() + x) * 3..][..3]);
        }
    }
    rgb
}

/// As a raw camera would send it, without colour.
fn yuyv(rgb: &[u8]) -> Vec<u8> {
    let luma = |pixel: &[u8; 3]| 16 + (u32::from(pixel[1]) * 219 / 255) as u8;
    rgb.as_chunks::<3>().0.iter().flat_map(|pixel| [luma(pixel), 128]).collect()
}

fn median(stages: &[[u64; 5]], stage: usize) -> u64 {
    let mut values: Vec<u64> = stages.iter().map(|stages| stages[stage]).collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}
