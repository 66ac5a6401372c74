//! Measures the ranges with which the embedder runs in bytes, on augmented photographs.
//!
//! `quantise --out FILE` takes every picture of a folder that shows a face, as it is and changed in ways that a kiosk meets
//! (mirrored, darker, brighter, with less contrast, blurred, a little turned, larger and smaller in the sample), and measures
//! the least and the largest result of every layer that can be in bytes. A layer that alone would move some template too far
//! stays in floats; the ranges of the others are narrowed by one factor, because cutting off the rarest values makes all
//! others finer. What is left is written to the file.
//!
//! It also says how far templates move: for each photograph, the least cosine between the template of floats and that in
//! bytes, with ranges from the *other* photographs only. The shipped ranges rest on the six sample photographs, and their
//! file says so.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use models::network::{Network, Ranges};
use models::{Card, Detector, Image, Landmarks, NetworkError, Point, Sample, Threads};

/// Measure the ranges of the embedder's layers, for running it in bytes.
#[derive(Parser)]
struct Arguments {
    /// Folder of photographs, one face each
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/fetched/photos"))]
    photos: PathBuf,
    /// Folder with the weights that `cargo xtask models` fetches
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/fetched/models"))]
    models: PathBuf,
    /// What the file should say about the photographs
    #[arg(long, default_value = "the six sample photographs of cards/photographs.toml, augmented")]
    origin: String,
    /// Where the ranges are written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("quantise: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The samples made of one photograph, and the ranges over them.
struct Photograph {
    name: String,
    samples: Vec<Image>,
    ranges: Ranges,
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let card = Card::sface();
    let weights = card.open_weights(&arguments.models)?;
    let threads = Threads::start(1)?;
    let mut detector = Detector::load(&arguments.models, &threads)?;
    let mut floats = Network::from_onnx(&card.file, &weights, None, &threads)?;
    let mut photographs = Vec::new();
    for path in pictures(&arguments.photos)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let image = Image::open(&path)?;
        let faces = detector.detect(&image)?;
        let Some(face) = models::detector::foremost(&faces, image.width(), image.height()) else {
            eprintln!("{name}: no face, left out");
            continue;
        };
        let samples = augmented(&image, &face.landmarks);
        let mut ranges = Ranges::default();
        for sample in &samples {
            ranges.join(&floats.measure(sample.width(), sample.height(), |y, row| fill(sample, y, row))?);
        }
        photographs.push(Photograph { name, samples, ranges });
    }
    if photographs.is_empty() {
        return Err(format!("{} holds no photograph with a face", arguments.photos.display()).into());
    }
    let mut judge = Judge { card: &card, weights: &weights, threads: &threads, floats };
    let Some((nodes, factor)) = judge.choose(&photographs)? else {
        return Err(
            "this processor does not multiply bytes: run it where /proc/cpuinfo shows VNNI or asimddp".into(),
        );
    };
    let chosen = |ranges: &Ranges| ranges.only(|node| nodes.iter().any(|kept| kept == node)).scaled(factor);
    std::fs::write(&arguments.out, file(&chosen(&joined(&photographs)), &arguments.origin, factor, &card))?;
    for (left_out, photograph) in photographs.iter().enumerate() {
        let others = photographs.iter().enumerate().filter(|(index, _)| *index != left_out);
        let ranges = chosen(&joined(others.map(|(_, other)| other)));
        let least = judge.least_cosine(std::slice::from_ref(photograph), ranges)?;
        let (name, samples) = (&photograph.name, photograph.samples.len());
        println!("{name}: least cosine {least:.5} over {samples} samples, ranges from the others");
    }
    Ok(())
}

/// The ranges over several photographs.
fn joined<'a>(photographs: impl IntoIterator<Item = &'a Photograph>) -> Ranges {
    let mut all = Ranges::default();
    photographs.into_iter().for_each(|photograph| all.join(&photograph.ranges));
    all
}

/// A layer that alone, in bytes, moves some template further than this stays in floats.
const LEAST_COSINE_OF_A_LAYER: f64 = 0.999;

/// By how much the measured ranges may be narrowed.
const FACTORS: [f32; 5] = [1.0, 0.9, 0.8, 0.7, 0.6];

/// Compares templates in bytes with those of floats.
struct Judge<'a> {
    card: &'a Card,
    weights: &'a [u8],
    threads: &'a Threads,
    floats: Network,
}

impl Judge<'_> {
    /// Which nodes can be in bytes and the factor for their ranges; nothing where the processor has no instructions for it.
    fn choose(&mut self, photographs: &[Photograph]) -> Result<Option<(Vec<String>, f32)>, NetworkError> {
        let all = joined(photographs);
        let mut nodes = Vec::new();
        for (node, _) in all.iter() {
            let alone = all.only(|other| other == node);
            if !self.network(alone.clone())?.is_in_bytes() {
                return Ok(None);
            }
            let least = self.least_cosine(photographs, alone)?;
            let kept = least >= LEAST_COSINE_OF_A_LAYER;
            eprintln!(
                "{node}: least cosine {least:.5} alone, {}",
                if kept { "in bytes" } else { "in floats" }
            );
            if kept {
                nodes.push(node.to_owned());
            }
        }
        let mut best = (f64::MIN, 1.0);
        for factor in FACTORS {
            let ranges = all.only(|node| nodes.iter().any(|kept| kept == node)).scaled(factor);
            let least = self.least_cosine(photographs, ranges)?;
            eprintln!("ranges times {factor}: least cosine {least:.5}");
            if least > best.0 {
                best = (least, factor);
            }
        }
        Ok(Some((nodes, best.1)))
    }

    fn network(&self, ranges: Ranges) -> Result<Network, NetworkError> {
        Network::in_bytes(&self.card.file, self.weights, None, ranges, self.threads)
    }

    fn least_cosine(&mut self, photographs: &[Photograph], ranges: Ranges) -> Result<f64, NetworkError> {
        let mut bytes = self.network(ranges)?;
        let mut least = 1f64;
        for sample in photographs.iter().flat_map(|photograph| &photograph.samples) {
            least = least.min(cosine(&template(&mut self.floats, sample)?, &template(&mut bytes, sample)?));
        }
        Ok(least)
    }
}

/// The JPEG and PNG files of a folder, by name.
fn pictures(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("list {}: {error}", folder.display()))?;
    let is_picture = |path: &PathBuf| path.extension().is_some_and(|end| end == "jpg" || end == "png");
    let mut found: Vec<PathBuf> =
        entries.filter_map(Result::ok).map(|entry| entry.path()).filter(is_picture).collect();
    found.sort();
    Ok(found)
}

/// The sample of a face as it is and changed.
fn augmented(image: &Image, landmarks: &Landmarks) -> Vec<Image> {
    let turned =
        |degrees: f32, scale: f32| Sample::align(image, &moved(landmarks, degrees, scale)).image().clone();
    let mut samples =
        vec![turned(0.0, 1.0), turned(8.0, 1.0), turned(-8.0, 1.0), turned(0.0, 0.92), turned(0.0, 1.08)];
    let straight = samples[0].clone();
    let byte = |value: f32| value.round().clamp(0.0, 255.0) as u8;
    for (gain, offset) in [(0.45, 0.0), (0.7, 0.0), (1.35, 0.0), (0.6, 60.0), (1.0, 40.0)] {
        samples.push(changed(&straight, |pixels, x, y, colour| {
            byte(f32::from(pixels(x, y, colour)) * gain + offset)
        }));
    }
    samples.push(changed(&straight, |pixels, x, y, colour| {
        let around = |dx: usize, dy: usize| f32::from(pixels(x + dx, y + dy, colour));
        byte((0..9).map(|tap| around(tap % 3, tap / 3)).sum::<f32>() / 9.0)
    }));
    let mirrored: Vec<Image> = samples
        .iter()
        .map(|sample| changed(sample, |pixels, x, y, colour| pixels(sample.width() - 1 - x, y, colour)))
        .collect();
    samples.extend(mirrored);
    samples
}

/// A picture whose every value is computed from another's; places beyond its edge are those at the edge.
fn changed(
    image: &Image,
    value: impl Fn(&dyn Fn(usize, usize, usize) -> u8, usize, usize, usize) -> u8,
) -> Image {
    let (width, height) = (image.width(), image.height());
    let pixels = |x: usize, y: usize, colour: usize| {
        image.rgb()[(y.min(height - 1) * width + x.min(width - 1)) * 3 + colour]
    };
    let rgb =
        (0..width * height * 3).map(|at| value(&pixels, at / 3 % width, at / 3 / width, at % 3)).collect();
    Image::new(width, height, rgb).expect("as many values as the picture it is made from")
}

/// Landmarks turned and spread around their centre, so that the sample shows the face turned the other way and smaller.
fn moved(landmarks: &Landmarks, degrees: f32, scale: f32) -> Landmarks {
    let points = landmarks.points();
    let centre = points.iter().fold(Point { x: 0.0, y: 0.0 }, |sum, point| Point {
        x: sum.x + point.x / points.len() as f32,
        y: sum.y + point.y / points.len() as f32,
    });
    let (sin, cos) = degrees.to_radians().sin_cos();
    Landmarks::from_points(points.map(|point| {
        let (x, y) = ((point.x - centre.x) * scale, (point.y - centre.y) * scale);
        Point { x: centre.x + x * cos - y * sin, y: centre.y + x * sin + y * cos }
    }))
}

/// SFace takes red, green and blue as they are.
fn fill(sample: &Image, y: usize, row: &mut [f32]) {
    let line = &sample.rgb()[y * sample.width() * 3..];
    row.iter_mut().zip(line).for_each(|(value, byte)| *value = f32::from(*byte));
}

fn template(network: &mut Network, sample: &Image) -> Result<Vec<f32>, NetworkError> {
    let outputs = network.run(sample.width(), sample.height(), |y, row| fill(sample, y, row))?;
    Ok(outputs.first().unwrap_or_default().to_vec())
}

fn cosine(left: &[f32], right: &[f32]) -> f64 {
    let dot = |left: &[f32], right: &[f32]| {
        left.iter().zip(right).map(|(left, right)| f64::from(*left) * f64::from(*right)).sum::<f64>()
    };
    dot(left, right) / (dot(left, left) * dot(right, right)).sqrt()
}

/// The ranges as a file, one line for each node.
fn file(ranges: &Ranges, origin: &str, factor: f32, card: &Card) -> String {
    let mut text = format!(
        "# The range of each depthwise convolution of {} that runs in bytes: {factor} of what was measured on\n\
         # {origin}.\n\
         # Written by `quantise`. What lies outside is cut off; a layer that is not named here stays in floats.\n",
        card.id
    );
    for (node, [least, largest]) in ranges.iter() {
        _ = writeln!(text, "\"{node}\" = [{least:?}, {largest:?}]");
    }
    text
}
