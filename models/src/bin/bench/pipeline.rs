//! The figures of whole frames: a sequence of camera frames from their bytes to a template and a search, stage by stage,
//! and how often memory is asked for meanwhile.
//!
//! The sequence is made when it is needed: a photograph's face moves and grows and shrinks before a grey wall, 1280 x 720
//! pixels, one JPEG a frame as webcams send them. The sequence is played several times and each frame's fastest pass
//! counts, because the stages are short and judged by the wall's time; the figure is the mean over the frames, because
//! not every frame is treated alike. OpenCV plays the same frames: it decodes, detects, aligns and makes a template, each
//! by its own means.

use std::time::Duration;

use gate::Monotonic;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use models::Card;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Bench;
use crate::allocations;
use crate::failure::{At as _, Failure};
use crate::figure::{Figure, Reach};
use crate::inputs::Folders;
use crate::measure::{processor_time, wall_time};
use crate::ours::{Eyes, decode};
use crate::peer::Library;

const FRAMES: usize = 60;
const PASSES: usize = 5;
const WIDTH: u32 = 1_280;
const HEIGHT: u32 = 720;
/// As many frames a second as cheap cameras send.
const INTERVAL: Duration = Duration::from_millis(33);
const QUALITY: u8 = 85;
/// Of so many frames a template must come at least; else the figures are of something else.
const LEAST_READ: usize = FRAMES * 9 / 10;
/// The stages that the peer has too, as it names them; `whole` is all of a frame together.
const STAGES: [&str; 6] = ["decode", "detect", "align", "embed", "pad", "whole"];

/// Milliseconds that one frame took.
#[derive(Debug, Clone, Copy)]
struct Frame([f64; STAGES.len()]);

impl Frame {
    const SLOWEST: Self = Self([f64::INFINITY; STAGES.len()]);

    fn fastest(self, other: Self) -> Self {
        Self(std::array::from_fn(|stage| self.0[stage].min(other.0[stage])))
    }
}

/// Every figure of a frame.
pub(crate) fn figures(bench: &Bench) -> Result<(), Failure> {
    let names: Vec<String> = STAGES.iter().map(|stage| format!("frame_{stage}")).collect();
    let wanted = names.iter().any(|name| bench.wants(name));
    if !wanted && !bench.wants("allocations_per_frame") && !bench.wants("frame_processor") {
        return Ok(());
    }
    let frames = sequence(&bench.folders)?;
    let mut eyes = Eyes::load(&bench.folders.models)?;
    let mut best = vec![Frame::SLOWEST; FRAMES];
    let (mut processor, mut allocated, mut read) = (Duration::MAX, 0, 0);
    for pass in 0..PASSES {
        let started = processor_time();
        let (played, allocations) = allocations::during(|| play(&mut eyes, &frames, pass));
        let (pass_frames, with_template) = played?;
        processor = processor.min(processor_time() - started);
        best.iter_mut().zip(pass_frames).for_each(|(best, frame)| *best = best.fastest(frame));
        // The first pass makes everything ready. The list of times is ours, not the frames'.
        (allocated, read) = (allocations.saturating_sub(1), with_template);
    }
    if read < LEAST_READ {
        return Err(Failure::Unusable(format!("a template came of only {read} of {FRAMES} frames")));
    }
    let steady = Figure::new("allocations_per_frame", "count")
        .values(Some(allocated as f64 / FRAMES as f64), "none at all", Some(0.0))
        .reach(Some(Reach::AtMost(0.0)))
        .detail("frames", FRAMES)
        .detail("what", "a frame from its JPEG to its template, in the last pass over the sequence");
    let peer = if wanted { Some(peer_stages(bench, &frames)?) } else { None };
    for (stage, name) in names.iter().enumerate() {
        let ours = mean(best.iter().map(|frame| frame.0[stage]));
        let theirs = peer.as_ref().and_then(|peer| peer.mean(STAGES[stage]));
        let figure = Figure::new(name.as_str(), "ms").values(Some(ours), "OpenCV", theirs);
        bench.print_if_wanted(figure.detail("frames", FRAMES).detail("frames_with_template", read));
    }
    let ours = processor.as_secs_f64() * 1e3 / FRAMES as f64;
    let theirs = peer.map(|peer| peer.processor_ms);
    bench.print_if_wanted(Figure::new("frame_processor", "ms").values(Some(ours), "OpenCV", theirs));
    bench.print_if_wanted(steady);
    Ok(())
}

/// Plays the sequence once and gives the times of each frame, and how many gave a template.
fn play(eyes: &mut Eyes, frames: &[Vec<u8>], pass: usize) -> Result<(Vec<Frame>, usize), Failure> {
    let mut times = Vec::with_capacity(frames.len());
    let mut read = 0;
    for (number, jpeg) in frames.iter().enumerate() {
        let captured = INTERVAL * (pass * frames.len() + number) as u32;
        let captured = Monotonic::from_micros(captured.as_micros() as u64);
        let started = wall_time();
        let frame = decode(jpeg)?;
        let decoded = wall_time() - started;
        let seen = eyes.see(captured, &frame)?;
        let whole = wall_time() - started;
        read += usize::from(seen.subject.is_some_and(|subject| subject.reading.is_ok()));
        let of = |microseconds: u64| microseconds as f64 / 1e3;
        let timings = seen.timings;
        times.push(Frame([
            decoded.as_secs_f64() * 1e3,
            of(timings.detect_us),
            of(timings.align_us),
            of(timings.embed_us),
            of(timings.pad_us),
            whole.as_secs_f64() * 1e3,
        ]));
    }
    Ok((times, read))
}

/// The frames of a face that comes nearer, sways, and goes away again.
fn sequence(folders: &Folders) -> Result<Vec<Vec<u8>>, Failure> {
    let portrait = folders.photograph("person-a-1.jpg")?;
    let mut frames = Vec::new();
    for number in 0..FRAMES {
        let turn = number as f32 / FRAMES as f32 * std::f32::consts::TAU;
        let height = HEIGHT as f32 * (0.85 + 0.1 * turn.sin());
        let width = height * portrait.width() as f32 / portrait.height() as f32;
        let small = imageops::resize(&portrait, width as u32, height as u32, FilterType::Triangle);
        let mut frame = RgbImage::from_pixel(WIDTH, HEIGHT, Rgb([118, 120, 122]));
        let left = (WIDTH as f32 - width) / 2.0 + 60.0 * (2.0 * turn).sin();
        imageops::overlay(&mut frame, &small, left as i64, i64::from(HEIGHT) - height as i64);
        let mut jpeg = Vec::new();
        let written = JpegEncoder::new_with_quality(&mut jpeg, QUALITY).encode_image(&frame);
        written.map_err(|error| Failure::Unusable(format!("a frame cannot be written: {error}")))?;
        frames.push(jpeg);
    }
    Ok(frames)
}

/// What the peer says about the sequence: for each stage the fastest pass of each frame, in nanoseconds.
#[derive(Deserialize)]
struct PeerStages {
    stages: std::collections::BTreeMap<String, Vec<f64>>,
    processor_ms: f64,
}

impl PeerStages {
    fn mean(&self, stage: &str) -> Option<f64> {
        self.stages.get(stage).map(|frames| mean(frames.iter().map(|ns| ns / 1e6)))
    }
}

fn peer_stages(bench: &Bench, frames: &[Vec<u8>]) -> Result<PeerStages, Failure> {
    let mut files = Vec::new();
    for (number, jpeg) in frames.iter().enumerate() {
        let file = bench.folders.out.join(format!("frame-{number:02}.jpg"));
        std::fs::write(&file, jpeg).at("write the frame", &file)?;
        files.push(file);
    }
    let network = |card: Card| json!(bench.folders.weights(&card));
    let request: Value = json!({
        "do": "stages", "frames": files, "passes": PASSES, "detector": network(Card::yunet()),
        "embedder": network(Card::sface()), "pad": network(Card::fr_liveness())
    });
    let opencv = bench.peers.running(Library::OpenCv)?;
    opencv.borrow_mut().ask(&request)
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}
