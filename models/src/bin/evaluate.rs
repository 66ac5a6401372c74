//! Runs the LFW protocol with the shipped networks on a folder of pictures.
//!
//! `evaluate --images ROOT --pairs FILE` reads `ROOT/Name/Name_0001.jpg` for every picture that the pairs file names, finds
//! faces at the picture's own size, takes the largest near the centre (area less twice the squared distance of its centre
//! from the picture's, in pixels), aligns it and makes one template; quality is not judged. A picture without a face is a
//! miss: it is counted and listed, and its pairs are errors. Progress goes to standard error, the result to standard
//! output, with `--json` as one object whose shares are between 0 and 1.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use gate::Template;
use models::evaluation::{Pairs, all_against_all, fold_accuracy};
use models::{Card, Detector, Embedder, Image, ImageError, ModelError, Sample, Threads};

/// False match rates of the all-against-all comparison.
const RATES: [f64; 3] = [1e-3, 1e-4, 1e-5];

/// Progress is told after this many pictures.
const PROGRESS_EVERY: usize = 250;

/// Run the LFW protocol: 10-fold accuracy over the pairs, true match rates of all pictures against all.
#[derive(Parser)]
struct Arguments {
    /// Folder that holds one folder per person, `Name/Name_0001.jpg`
    #[arg(long, value_name = "DIR")]
    images: PathBuf,
    /// Pairs in LFW's format: folds and pairs per fold in the first line
    #[arg(long, value_name = "FILE")]
    pairs: PathBuf,
    /// Folder with the weights that `cargo xtask models` fetches
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/fetched/models"))]
    models: PathBuf,
    /// Pictures worked on at the same time [default: one for each processor]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Compute templates in bytes, as a board with `embedder_int8 = true` does
    #[arg(long)]
    int8: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("read pairs {path}")]
    OpenPairs { path: PathBuf, source: std::io::Error },
    #[error("read pairs {path}")]
    Pairs { path: PathBuf, source: models::evaluation::PairsError },
    #[error(transparent)]
    Picture(#[from] ImageError),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Threads(#[from] models::NetworkError),
    #[error("a worker stopped without a result; its message stands above")]
    Worker,
}

/// Time spent by stage, summed over pictures.
#[derive(Default, Clone, Copy)]
struct Spent {
    read: Duration,
    detect: Duration,
    align: Duration,
    embed: Duration,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("evaluate: {}", explain(&failure));
            ExitCode::FAILURE
        }
    }
}

/// The error and what caused it, on one line.
fn explain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let path = &arguments.pairs;
    let text =
        std::fs::read_to_string(path).map_err(|source| Failure::OpenPairs { path: path.clone(), source })?;
    let pairs = Pairs::parse(&text).map_err(|source| Failure::Pairs { path: path.clone(), source })?;
    let start = Instant::now();
    let (templates, spent) = templates(arguments, &pairs)?;
    eprintln!("comparing all pictures with each other");
    let report = report(&pairs, &templates, spent, start.elapsed());
    if arguments.json {
        println!("{report}");
    } else {
        println!("{report:#}");
    }
    Ok(())
}

/// One template for each picture of the pairs, `None` for a miss.
fn templates(arguments: &Arguments, pairs: &Pairs) -> Result<(Vec<Option<Template>>, Spent), Failure> {
    let processors = || std::thread::available_parallelism().map_or(1, usize::from);
    let workers = arguments.threads.unwrap_or_else(processors).clamp(1, pairs.pictures.len().max(1));
    let (next, root) = (AtomicUsize::new(0), arguments.images.as_path());
    let results: Vec<Result<_, Failure>> = std::thread::scope(|scope| {
        let start = |_| scope.spawn(|| work(arguments, root, pairs, &next));
        let handles: Vec<_> = (0..workers).map(start).collect();
        handles.into_iter().map(|handle| handle.join().unwrap_or(Err(Failure::Worker))).collect()
    });
    let mut templates = vec![None; pairs.pictures.len()];
    let mut total = Spent::default();
    for result in results {
        let (made, spent) = result?;
        made.into_iter().for_each(|(index, template)| templates[index] = template);
        total.read += spent.read;
        total.detect += spent.detect;
        total.align += spent.align;
        total.embed += spent.embed;
    }
    Ok((templates, total))
}

type Made = (Vec<(usize, Option<Template>)>, Spent);

/// One worker with networks of its own takes pictures until none is left, or one cannot be read.
fn work(arguments: &Arguments, root: &Path, pairs: &Pairs, next: &AtomicUsize) -> Result<Made, Failure> {
    let threads = Threads::start(1)?;
    let models = arguments.models.as_path();
    let mut detector = Detector::load(models, &threads)?;
    let mut embedder = if arguments.int8 {
        Embedder::load_in_bytes(models, &threads)?
    } else {
        Embedder::load(models, &threads)?
    };
    let (mut made, mut spent) = (Vec::new(), Spent::default());
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some(picture) = pairs.pictures.get(index) else { return Ok((made, spent)) };
        let result = timed(&mut spent.read, || Image::open(&picture.path(root)));
        // The other workers stop at the next picture: the result is an error anyway.
        let image = result.inspect_err(|_| next.store(pairs.pictures.len(), Ordering::Relaxed))?;
        made.push((index, template(&mut detector, &mut embedder, &image, &mut spent)?));
        if (index + 1).is_multiple_of(PROGRESS_EVERY) {
            eprintln!("{} of {} pictures", index + 1, pairs.pictures.len());
        }
    }
}

fn template(
    detector: &mut Detector,
    embedder: &mut Embedder,
    image: &Image,
    spent: &mut Spent,
) -> Result<Option<Template>, ModelError> {
    let faces = timed(&mut spent.detect, || detector.detect_at_own_size(image))?;
    let Some(subject) = models::detector::foremost(&faces, image.width(), image.height()) else {
        return Ok(None);
    };
    let sample = timed(&mut spent.align, || Sample::align(image, &subject.landmarks));
    timed(&mut spent.embed, || embedder.embed(&sample)).map(Some)
}

fn timed<T>(total: &mut Duration, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    *total += start.elapsed();
    result
}

fn report(
    pairs: &Pairs,
    templates: &[Option<Template>],
    spent: Spent,
    elapsed: Duration,
) -> serde_json::Value {
    let accuracy = fold_accuracy(&pairs.folds, |pair| {
        Some(templates[pair.left].as_ref()?.compare(templates[pair.right].as_ref()?).ok()?.0)
    });
    // Pictures are sorted by person: the first picture of a person stands for all.
    let people: Vec<usize> = pairs
        .pictures
        .iter()
        .map(|picture| pairs.pictures.partition_point(|other| other.person < picture.person))
        .collect();
    let all = all_against_all(&people, templates, &RATES);
    let points = all
        .points
        .iter()
        .map(|point| serde_json::json!({ "fmr": point.fmr, "threshold": point.threshold, "tmr": point.tmr }));
    let missed = pairs.pictures.iter().zip(templates).filter(|(_, template)| template.is_none());
    let missed: Vec<String> =
        missed.map(|(picture, _)| picture.path(Path::new("")).display().to_string()).collect();
    let mean_ms = |total: Duration| total.as_secs_f64() * 1e3 / pairs.pictures.len().max(1) as f64;
    serde_json::json!({
        "detector": Card::yunet().id,
        "embedder": Card::sface().id,
        "images": pairs.pictures.len(),
        "misses": missed.len(),
        "missed": missed,
        "folds": pairs.folds.len(),
        "genuine": accuracy.genuine,
        "impostor": accuracy.impostor,
        "accuracy": accuracy.mean,
        "std": accuracy.deviation,
        "threshold": accuracy.threshold,
        "all_against_all": {
            "genuine": all.genuine,
            "impostor": all.impostor,
            "tmr": points.collect::<Vec<_>>(),
        },
        "mean_ms": {
            "read": mean_ms(spent.read),
            "detect": mean_ms(spent.detect),
            "align": mean_ms(spent.align),
            "embed": mean_ms(spent.embed),
        },
        "seconds": elapsed.as_secs_f64(),
    })
}
