//! Measures how alike different people look to the embedder, on one's own pictures, and writes that into a model card.
//!
//! `calibrate --images ROOT` reads one folder per person (`ROOT/NAME/picture.jpg`), makes a template of each picture as the
//! kiosk does at enrolment (detector, quality, alignment, embedder), compares all with all and prints the card's tables
//! `[measured.comparison]` and `[measured.comparison.tail]`; `--card FILE` exchanges them in a card. Pictures that the kiosk
//! would refuse (no face, several, blurred, unreadable) are counted, named and left out. The program says how far the
//! numbers carry and refuses to write any that do not hold together. It keeps no picture and no template.
//!
//! Cards are compiled in: build the kiosk again after exchanging one.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Parser;
use gate::Template;
use models::calibration::{
    BlockError, Calibration, CalibrationError, Compared, People, PeopleError, block, exchanged, measure,
    read_templates, support,
};
use models::{Card, CardError, EnrolError, Image, ModelError, Threads, Vision};

/// Progress is told after this many pictures.
const PROGRESS_EVERY: usize = 250;

/// What one's own pictures do not say.
const REMARK: &str = "Holds for people, cameras and light like those of these pictures. Relatives and twins are in it only \
                      if they were among the pictures; a person under two names, or two under one, spoils it.";

/// Measure the impostor tail on pictures of known people and write it into a model card.
#[derive(Parser)]
struct Arguments {
    /// Folder that holds one folder per person, `NAME/picture.jpg`
    #[arg(long, value_name = "DIR", required_unless_present = "templates", conflicts_with = "templates")]
    images: Option<PathBuf>,
    /// Instead of pictures: a file with one `{"person": NAME, "template": [NUMBER, …]}` a line
    #[arg(long, value_name = "FILE")]
    templates: Option<PathBuf>,
    /// The embedder's card, whose comparison measurements are exchanged; without it they are printed
    #[arg(long, value_name = "FILE")]
    card: Option<PathBuf>,
    /// What the pictures are, for the card [default: the name of the folder or file]
    #[arg(long, value_name = "TEXT")]
    data_set: Option<String>,
    /// Folder with the weights that `cargo xtask models` fetches
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/fetched/models"))]
    models: PathBuf,
    /// How often people are drawn again for the interval of the fitted shape
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    resamples: u32,
    /// Seed of these draws; the same seed gives the same card
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Pictures worked on at the same time [default: one for each processor]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    People(#[from] PeopleError),
    #[error(transparent)]
    Calibration(#[from] CalibrationError),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Network(#[from] models::NetworkError),
    #[error(transparent)]
    Mismatch(#[from] gate::ModelMismatch),
    #[error("give {path} new measurements")]
    Block { path: PathBuf, source: BlockError },
    #[error("{path} cannot be {act}")]
    Card { path: PathBuf, act: &'static str, source: std::io::Error },
    #[error(
        "the measurements do not hold together, so none are written; look for copies and people under two names"
    )]
    Contradictory(#[source] CardError),
    #[error("a worker stopped without a result; its message stands above")]
    Worker,
}

/// A picture that was left out, and why.
type Skipped = (PathBuf, String);

/// Templates, whose each is, and what was left out.
#[derive(Default)]
struct Material {
    people: Vec<u32>,
    templates: Vec<Template>,
    skipped: Vec<Skipped>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("calibrate: {}", explain(&failure));
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
    let embedder = Card::sface();
    // A card that cannot be exchanged is refused before an hour of work.
    let card = arguments.card.as_deref().map(read_card).transpose()?;
    let material = material(arguments, &embedder)?;
    for (picture, why) in &material.skipped {
        eprintln!("left out: {}: {why}", picture.display());
    }
    eprintln!("comparing {} templates with each other", material.templates.len());
    let compared = Compared::all(&material.people, &material.templates)?;
    let calibration = measure(&compared, arguments.resamples, arguments.seed)?;
    let source = arguments.images.as_ref().or(arguments.templates.as_ref());
    let name = source
        .and_then(|path| path.file_name())
        .map_or_else(String::new, |name| name.to_string_lossy().into());
    let data_set = arguments.data_set.clone().unwrap_or(name);
    let tables = block(&compared, &calibration, &data_set, REMARK);
    let shipped = include_str!("../../cards/sface-2021dec.toml");
    exchanged(shipped, "the shipped card", &tables, &embedder).map_err(contradictory)?;
    if let Some((path, text)) = card {
        let refused = |source| Failure::Block { path: path.to_owned(), source };
        write_card(
            path,
            &exchanged(&text, &path.display().to_string(), &tables, &embedder).map_err(refused)?,
        )?;
        eprintln!("{} has the new measurements; build again, since cards are compiled in", path.display());
    }
    eprintln!("{}", support(&compared, &calibration));
    if arguments.json {
        println!("{}", report(&material, &compared, &calibration, &tables));
    } else if arguments.card.is_none() {
        print!("{tables}");
    }
    Ok(())
}

fn contradictory(error: BlockError) -> Failure {
    match error {
        BlockError::Card(error) => Failure::Contradictory(error),
        BlockError::OtherModel { .. } | BlockError::OtherForm => {
            unreachable!("the shipped card is the embedder's own, and written in tables")
        }
    }
}

fn read_card(path: &Path) -> Result<(&Path, String), Failure> {
    let failed = |source| Failure::Card { path: path.to_owned(), act: "read", source };
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let embedder = Card::sface();
    let refused = |source| Failure::Block { path: path.to_owned(), source };
    let card = Card::parse(&path.display().to_string(), &text).map_err(|error| refused(error.into()))?;
    if card.id != embedder.id || card.sha256 != embedder.sha256 {
        return Err(refused(BlockError::OtherModel { card: card.id, model: embedder.id }));
    }
    Ok((path, text))
}

/// The old card stays until the new one is whole.
fn write_card(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |source| Failure::Card { path: path.to_owned(), act: "written", source };
    let beside = path.with_extension("toml.new");
    std::fs::write(&beside, text).map_err(failed)?;
    std::fs::rename(&beside, path).map_err(failed)
}

fn material(arguments: &Arguments, embedder: &Card) -> Result<Material, Failure> {
    match (&arguments.images, &arguments.templates) {
        (Some(images), _) => from_pictures(arguments, &People::list(images)?),
        (None, Some(file)) => {
            let (people, templates) = read_templates(file, &embedder.model(), embedder.output.length)?;
            Ok(Material { people, templates, skipped: Vec::new() })
        }
        (None, None) => unreachable!("the command line asks for one of them"),
    }
}

type Made = Vec<(usize, Result<Template, String>)>;

fn from_pictures(arguments: &Arguments, people: &People) -> Result<Material, Failure> {
    let processors = || std::thread::available_parallelism().map_or(1, usize::from);
    let workers = arguments.threads.unwrap_or_else(processors).clamp(1, people.pictures.len().max(1));
    let next = AtomicUsize::new(0);
    let results: Vec<Result<Made, Failure>> = std::thread::scope(|scope| {
        let handles: Vec<_> =
            (0..workers).map(|_| scope.spawn(|| work(&arguments.models, people, &next))).collect();
        handles.into_iter().map(|handle| handle.join().unwrap_or(Err(Failure::Worker))).collect()
    });
    let mut made = Vec::new();
    for result in results {
        made.extend(result?);
    }
    made.sort_by_key(|(index, _)| *index);
    let mut material = Material::default();
    let empty = people.empty.iter().map(|folder| (folder.clone(), "the folder is empty".to_owned()));
    material.skipped.extend(empty);
    // People without a usable picture get no number.
    let (mut number, mut current) = (0, None);
    for (index, template) in made {
        let (person, path) = &people.pictures[index];
        match template {
            Ok(template) => {
                number += u32::from(current.is_some_and(|current| current != *person));
                current = Some(*person);
                material.people.push(number);
                material.templates.push(template);
            }
            Err(why) => material.skipped.push((path.clone(), why)),
        }
    }
    Ok(material)
}

/// One worker with networks of its own takes pictures until none is left.
fn work(models: &Path, people: &People, next: &AtomicUsize) -> Result<Made, Failure> {
    let mut vision = Vision::load(models, &Threads::start(1)?)?;
    let mut made = Vec::new();
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some((_, path)) = people.pictures.get(index) else { return Ok(made) };
        let template = match Image::open(path) {
            Err(error) => Err(explain(&error)),
            Ok(image) => match vision.enrol_photo(&image) {
                Ok(enrolled) => Ok(enrolled.template),
                Err(EnrolError::Model(error)) => return Err(error.into()),
                Err(error) => Err(error.to_string()),
            },
        };
        made.push((index, template));
        if (index + 1).is_multiple_of(PROGRESS_EVERY) {
            eprintln!("{} of {} pictures", index + 1, people.pictures.len());
        }
    }
}

fn report(
    material: &Material,
    compared: &Compared,
    calibration: &Calibration,
    tables: &str,
) -> serde_json::Value {
    let tail = &calibration.tail;
    let points = calibration.points.iter().zip(&tail.intervals).map(|(point, interval)| {
        serde_json::json!({
            "fmr": point.fmr,
            "threshold": point.threshold,
            "low": interval.low,
            "high": interval.high,
            "effective_matches": interval.effective_matches,
            "tmr": point.tmr,
        })
    });
    let skipped = material
        .skipped
        .iter()
        .map(|(picture, why)| serde_json::json!({ "picture": picture.display().to_string(), "why": why }));
    let end = calibration.unsupported.map(|end| {
        serde_json::json!({ "fmr": end.fmr, "matches": end.matches, "effective_matches": end.effective })
    });
    serde_json::json!({
        "embedder": Card::sface().id,
        "people": tail.persons,
        "pictures": tail.pictures,
        "skipped": skipped.collect::<Vec<_>>(),
        "genuine": compared.genuine.len(),
        "impostor": compared.impostors,
        "confidence": tail.confidence,
        "points": points.collect::<Vec<_>>(),
        "unsupported": end,
        "tail": {
            "above": tail.above, "rate": tail.rate, "scale": tail.scale,
            "shape": tail.shape, "shape_low": tail.shape_low, "shape_high": tail.shape_high,
        },
        "highest_impostor": calibration.highest_impostor,
        "support": support(compared, calibration),
        "card": tables,
    })
}
