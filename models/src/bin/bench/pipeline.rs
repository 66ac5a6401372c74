//! The figures of whole frames: a sequence of camera frames from their bytes to a template and a search, stage by stage,
//! and how often memory is asked for meanwhile.
//!
//! The sequence is made when it is needed: a photograph's face moves and grows and shrinks before a grey wall, 1280 x 720
//! pixels, one JPEG a frame as webcams send them. It is played several times, ours and the peer's in turns. A figure is the
//! mean over the frames of a pass, because not every frame is treated alike (between two searches of the whole frame we look
//! only around the face; the peer always looks everywhere), and the fastest pass counts, because stages are judged by the
//! wall's time. OpenCV plays the same frames: it decodes, detects, aligns and makes a template, each by its own means.

use std::collections::BTreeMap;
use std::path::PathBuf;
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

/// Milliseconds of each stage.
type Times = [f64; STAGES.len()];

/// What one pass over the sequence gave, or the best of several.
struct Played {
    /// Means over the frames.
    times: Times,
    /// Of a frame, in all threads.
    processor_ms: f64,
    /// Frames that gave a template.
    read: usize,
    allocations: usize,
    /// Allocations of decoding.
    decoding: usize,
}

impl Played {
    fn slowest() -> Self {
        let times = [f64::INFINITY; STAGES.len()];
        Self { times, processor_ms: f64::INFINITY, read: 0, allocations: 0, decoding: 0 }
    }

    /// The fastest times of both, and what was counted in the later: the first pass makes everything ready.
    fn fastest(self, later: Self) -> Self {
        let times = std::array::from_fn(|stage| self.times[stage].min(later.times[stage]));
        Self { times, processor_ms: self.processor_ms.min(later.processor_ms), ..later }
    }
}

fn means(frames: &[Times]) -> Times {
    let mean = |stage: usize| frames.iter().map(|times| times[stage]).sum::<f64>() / frames.len() as f64;
    std::array::from_fn(mean)
}

/// Every figure of a frame.
pub(crate) fn figures(bench: &Bench) -> Result<(), Failure> {
    let names: Vec<String> = STAGES.iter().map(|stage| format!("frame_{stage}")).collect();
    let wanted = names.iter().any(|name| bench.wants(name)) || bench.wants("frame_processor");
    if !wanted && !bench.wants("allocations_per_frame") {
        return Ok(());
    }
    let frames = sequence(&bench.folders)?;
    let files = written(&bench.folders, &frames)?;
    let mut eyes = Eyes::load(&bench.folders.models)?;
    let (mut ours, mut theirs) = (Played::slowest(), Played::slowest());
    for pass in 0..PASSES {
        ours = ours.fastest(play(&mut eyes, &frames, pass)?);
        if wanted {
            theirs = theirs.fastest(peer_plays(bench, &files)?);
        }
    }
    if ours.read < LEAST_READ {
        let read = ours.read;
        return Err(Failure::Unusable(format!("a template came of only {read} of {FRAMES} frames")));
    }
    let opencv = bench.peers.running(Library::OpenCv)?;
    let version = opencv.borrow_mut().memory()?.version;
    let read = ours.read;
    let print = |figure: Figure, ours: f64, theirs: f64| {
        let figure = figure.values(Some(ours), "OpenCV", wanted.then_some(theirs));
        let name = format!("OpenCV {version}");
        let figure = figure.peer_name(&name).detail("threads", 1).detail("passes", PASSES);
        bench.print_if_wanted(figure.detail("frames", FRAMES).detail("frames_with_template", read));
    };
    for (stage, name) in names.iter().enumerate() {
        let figure = Figure::new(name.as_str(), "ms").detail("judged_by", "wall time");
        print(figure, ours.times[stage], theirs.times[stage]);
    }
    let whole = Figure::new("frame_processor", "ms").detail("judged_by", "processor time");
    print(whole, ours.processor_ms, theirs.processor_ms);
    let steady = Figure::new("allocations_per_frame", "count")
        .values(Some(ours.allocations as f64 / FRAMES as f64), "none", Some(0.0))
        .reach(Some(Reach::AtMost(0.0)))
        .detail("threads", 1)
        .detail("frames", FRAMES)
        .detail("note", "Vision::observe of every frame of the last pass; decoding a JPEG is counted apart")
        .detail("allocations_per_decoded_frame", ours.decoding as f64 / FRAMES as f64);
    bench.print_if_wanted(steady);
    Ok(())
}

/// Plays the sequence once.
fn play(eyes: &mut Eyes, jpegs: &[Vec<u8>], pass: usize) -> Result<Played, Failure> {
    let (mut frames, mut read) = (Vec::with_capacity(jpegs.len()), 0);
    let (mut allocations, mut decoding) = (0, 0);
    let begun = processor_time();
    for (number, jpeg) in jpegs.iter().enumerate() {
        let captured = INTERVAL * (pass * jpegs.len() + number) as u32;
        let captured = Monotonic::from_micros(captured.as_micros() as u64);
        let started = wall_time();
        let (frame, in_decoding) = allocations::during(|| decode(jpeg));
        let frame = frame?;
        let decoded = wall_time() - started;
        let (seen, in_seeing) = allocations::during(|| eyes.see(captured, &frame));
        let seen = seen?;
        let whole = wall_time() - started;
        (allocations, decoding) = (allocations + in_seeing, decoding + in_decoding);
        read += usize::from(seen.subject.is_some_and(|subject| subject.reading.is_ok()));
        let of = |microseconds: u64| microseconds as f64 / 1e3;
        let timings = seen.timings;
        frames.push([
            decoded.as_secs_f64() * 1e3,
            of(timings.detect_us),
            of(timings.align_us),
            of(timings.embed_us),
            of(timings.pad_us),
            whole.as_secs_f64() * 1e3,
        ]);
    }
    let processor_ms = (processor_time() - begun).as_secs_f64() * 1e3 / jpegs.len() as f64;
    Ok(Played { times: means(&frames), processor_ms, read, allocations, decoding })
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

/// One pass by the peer: for each stage the times of every frame, in nanoseconds.
#[derive(Deserialize)]
struct PeerStages {
    stages: BTreeMap<String, Vec<f64>>,
    processor_ms: f64,
}

fn peer_plays(bench: &Bench, files: &[PathBuf]) -> Result<Played, Failure> {
    let network = |card: Card| json!(bench.folders.weights(&card));
    let request: Value = json!({
        "do": "stages", "frames": files, "detector": network(Card::yunet()), "embedder": network(Card::sface()),
        "pad": network(Card::fr_liveness())
    });
    let opencv = bench.peers.running(Library::OpenCv)?;
    let PeerStages { stages, processor_ms } = opencv.borrow_mut().ask(&request)?;
    let time = |stage: &str, frame: usize| {
        stages.get(stage).and_then(|times| times.get(frame)).map_or(f64::NAN, |ns| ns / 1e6)
    };
    let frames: Vec<Times> = (0..files.len()).map(|frame| STAGES.map(|stage| time(stage, frame))).collect();
    Ok(Played { times: means(&frames), processor_ms, ..Played::slowest() })
}

/// The frames as files, for the peer.
fn written(folders: &Folders, frames: &[Vec<u8>]) -> Result<Vec<PathBuf>, Failure> {
    let write = |(number, jpeg): (usize, &Vec<u8>)| {
        let file = folders.out.join(format!("frame-{number:02}.jpg"));
        std::fs::write(&file, jpeg).at("write the frame", &file)?;
        Ok(file)
    };
    frames.iter().enumerate().map(write).collect()
}
