//! The figures of the networks: ours beside onnxruntime and OpenCV on the same input, in turns, with one and two threads.
//!
//! A peer's every setting that may be its best is a contender of its own; the best of all counts, and all are printed. The
//! networks get a finished tensor and give their first output; detection begins at the picture's bytes and ends with
//! boxes. Before anything is timed, all must have given the same answer.

use std::path::{Path, PathBuf};

use models::card::Input as CardInput;
use models::{Card, Detection};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Bench;
use crate::failure::Failure;
use crate::figure::{Figure, Reach};
use crate::inputs::Input;
use crate::measure::{self, Contender, Judged, Outcome};
use crate::ours::{Engine, Finder, Precision};
use crate::peer::{Library, PeerContender};

/// Threads that each network is measured with.
pub(crate) const THREADS: [usize; 2] = [1, 2];
/// The side of the picture that faces are looked for in.
const DETECTION_SIDE: u32 = 640;
/// The least cosine between our output and a peer's: both computed the same, in another order.
const SAME: f32 = 0.9999;
/// The least part that one face's box shares with the same face's of a peer.
const SAME_FACE: f32 = 0.95;

/// A network that takes a tensor and gives one vector.
struct Subject {
    name: &'static str,
    card: Card,
    reach: f64,
}

/// The networks in the order of their figures; what was fetched only on request is measured only where it is.
fn subjects(bench: &Bench) -> Result<Vec<Subject>, Failure> {
    let mut subjects = vec![
        Subject { name: "sface_f32", card: Card::sface(), reach: 0.7 },
        Subject { name: "fr_liveness_f32", card: Card::fr_liveness(), reach: 0.5 },
    ];
    let optional = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/cards/optional/w600k-mbf.toml"));
    let card = Card::load(optional)?;
    if bench.folders.models.join(&card.file).exists() {
        subjects.push(Subject { name: "w600k_mbf_f32", card, reach: 0.8 });
    }
    Ok(subjects)
}

/// Every figure of a network.
pub(crate) fn figures(bench: &Bench) -> Result<(), Failure> {
    for threads in THREADS {
        detection(bench, threads)?;
        for subject in subjects(bench)? {
            floats(bench, &subject, threads)?;
        }
    }
    THREADS.into_iter().try_for_each(|threads| bytes(bench, threads))
}

/// With more threads than one a figure is another one.
fn named(figure: &str, threads: usize) -> String {
    if threads == 1 { figure.to_owned() } else { format!("{figure}_{threads}_threads") }
}

/// A network with 32-bit floats.
fn floats(bench: &Bench, subject: &Subject, threads: usize) -> Result<(), Failure> {
    let figure = named(subject.name, threads);
    if !bench.wants(&figure) {
        return Ok(());
    }
    let prepared = Prepared::new(bench, &subject.card)?;
    let mut ours = prepared.ours(Precision::F32, threads)?;
    let peers = prepared.peers(bench, threads)?;
    let expected = ours.as_mut().map(|ours| ours.one_forward().map(<[f32]>::to_vec)).transpose()?;
    for peer in &peers {
        check(peer, expected.as_deref(), SAME)?;
    }
    let ours = ours.map(|ours| Box::new(ours) as Box<dyn Contender>);
    let reach = (threads == 1).then_some(Reach::AtMost(subject.reach));
    compare(bench, Figure::new(figure, "ms"), ours, boxed(peers), threads, reach)
}

/// SFace with bytes: beside the better peer's floats, and beside what onnxruntime's own quantisation gives.
fn bytes(bench: &Bench, threads: usize) -> Result<(), Failure> {
    let (to_floats, to_bytes) = (named("sface_int8", threads), named("sface_int8_vs_ort_int8", threads));
    if !bench.wants(&to_floats) && !bench.wants(&to_bytes) {
        return Ok(());
    }
    let prepared = Prepared::new(bench, &Card::sface())?;
    let boxed_ours = || -> Result<_, Failure> {
        Ok(prepared.ours(Precision::Int8, threads)?.map(|ours| Box::new(ours) as Box<dyn Contender>))
    };
    if bench.wants(&to_floats) {
        let peers = boxed(prepared.peers(bench, threads)?);
        let reach = (threads == 1).then_some(Reach::AtMost(0.35));
        let figure = Figure::new(to_floats, "ms").detail("agreement", agreement(&prepared, threads)?);
        compare(bench, figure, boxed_ours()?, peers, threads, reach)?;
    }
    if bench.wants(&to_bytes) {
        let file = prepared.quantised(bench)?;
        let request = prepared.request(&file, threads, json!({"spin": false}));
        let peer = bench.peers.load(Library::OnnxRuntime, "onnxruntime, static int8 (QDQ)", request)?;
        let mut floats = prepared.ours(Precision::F32, 1)?;
        let floats = floats.as_mut().map(Engine::one_forward).transpose()?.unwrap_or_default();
        let agreement = cosine(floats, &answer(&peer)?);
        let figure = Figure::new(to_bytes, "ms").detail("peer_cosine_to_f32", agreement);
        compare(bench, figure, boxed_ours()?, boxed(vec![peer]), threads, None)?;
    }
    Ok(())
}

/// The cosine between what our bytes and our floats give, if there are both.
fn agreement(prepared: &Prepared, threads: usize) -> Result<Option<f32>, Failure> {
    let mut floats = prepared.ours(Precision::F32, threads)?;
    let mut bytes = prepared.ours(Precision::Int8, threads)?;
    let Some((floats, bytes)) = floats.as_mut().zip(bytes.as_mut()) else { return Ok(None) };
    Ok(Some(cosine(floats.one_forward()?, bytes.one_forward()?)))
}

/// From a picture's bytes to boxes and landmarks.
fn detection(bench: &Bench, threads: usize) -> Result<(), Failure> {
    let figure = named("yunet_640_f32", threads);
    if !bench.wants(&figure) {
        return Ok(());
    }
    let (picture, request) = bench.folders.detection(DETECTION_SIDE)?;
    let file = bench.folders.models.join(Card::yunet().file);
    let mut ours = Finder::load(&bench.folders.models, &picture, threads)?;
    let mut peers = Vec::new();
    for setting in settings(threads).into_iter().chain([FACE_DETECTOR]) {
        let request = joined(&request, &json!({"file": file, "threads": threads}), &setting.options());
        peers.push(bench.peers.load(setting.library, setting.name, request)?);
    }
    let found = ours.one_forward()?;
    for peer in &peers {
        same_faces(peer, &found)?;
    }
    let figure = Figure::new(figure, "ms").detail("faces", found.len());
    let reach = (threads == 1).then_some(Reach::AtMost(0.8));
    compare(bench, figure, Some(Box::new(ours)), boxed(peers), threads, reach)
}

/// Lets all take turns and prints the figure.
fn compare(
    bench: &Bench,
    figure: Figure,
    ours: Option<Box<dyn Contender + '_>>,
    peers: Vec<Box<dyn Contender + '_>>,
    threads: usize,
    reach: Option<Reach>,
) -> Result<(), Failure> {
    let judged = Judged::by_threads(threads);
    let built = ours.is_some();
    let mut contenders: Vec<_> = ours.into_iter().chain(peers).collect();
    let mut results = measure::in_turns(&mut contenders, bench.rounds)?;
    let ours = built.then(|| results.remove(0));
    bench.print(judge(figure, ours.as_ref(), &results, judged).reach(reach).detail("threads", threads));
    Ok(())
}

/// Ours beside the best of the peers.
fn judge(figure: Figure, ours: Option<&Outcome>, peers: &[Outcome], judged: Judged) -> Figure {
    let best = measure::best(peers, judged);
    let of = |outcome: Option<&Outcome>| outcome.map(|outcome| outcome.judged(judged));
    let minima = of(ours).zip(of(best)).map(|(ours, peer)| ours.minimum / peer.minimum);
    let all: serde_json::Map<String, Value> =
        peers.iter().map(|peer| (peer.name.clone(), json!(peer))).collect();
    figure
        .values(
            of(ours).map(|ours| ours.median),
            best.map(|best| best.name.clone()).unwrap_or_default(),
            of(best).map(|peer| peer.median),
        )
        .detail("judged_by", judged.name())
        .detail("ratio_of_minima", minima)
        .detail("ours_times", ours)
        .detail("peers_times", all)
}

fn boxed<'a>(peers: Vec<PeerContender>) -> Vec<Box<dyn Contender + 'a>> {
    peers.into_iter().map(|peer| Box::new(peer) as Box<dyn Contender>).collect()
}

/// One way to run a peer.
struct Setting {
    library: Library,
    name: &'static str,
    key: &'static str,
    value: &'static str,
}

impl Setting {
    fn options(&self) -> Value {
        match self.library {
            Library::OnnxRuntime => json!({"spin": self.value == "yes"}),
            Library::OpenCv | Library::Faiss => json!({self.key: self.value}),
        }
    }
}

const fn setting(library: Library, name: &'static str, key: &'static str, value: &'static str) -> Setting {
    Setting { library, name, key, value }
}

const FACE_DETECTOR: Setting = setting(Library::OpenCv, "OpenCV FaceDetectorYN", "engine", "face-detector");

/// Everything that may be a peer's best. Alone, onnxruntime's one thread waits for nobody, so nothing can spin.
fn settings(threads: usize) -> Vec<Setting> {
    let mut settings = vec![
        setting(Library::OnnxRuntime, "onnxruntime", "spin", "no"),
        setting(Library::OpenCv, "OpenCV DNN, classic engine", "engine", "classic"),
        setting(Library::OpenCv, "OpenCV DNN, new engine", "engine", "new"),
    ];
    if threads > 1 {
        settings.insert(1, setting(Library::OnnxRuntime, "onnxruntime, spinning", "spin", "yes"));
    }
    settings
}

/// A network's file and input, ready for both sides.
struct Prepared {
    file: PathBuf,
    /// The same network with its weights no longer among the inputs.
    folded: PathBuf,
    card: CardInput,
    input: Input,
    written: PathBuf,
}

impl Prepared {
    fn new(bench: &Bench, card: &Card) -> Result<Self, Failure> {
        let side = card.input.width.unwrap_or(DETECTION_SIDE as usize) as u32;
        let input = Input::new(&bench.folders.square(side)?, &card.input);
        let written = bench.folders.out.join(format!("{}.f32", card.id));
        input.write(&written)?;
        let file = bench.folders.models.join(&card.file);
        let folded = bench.folders.out.join(format!("folded-{}", card.file));
        let onnxruntime = bench.peers.running(Library::OnnxRuntime)?;
        let request = json!({"do": "fold", "file": file, "to": folded});
        onnxruntime.borrow_mut().ask::<Value>(&request)?;
        Ok(Self { file, folded, card: card.input.clone(), input, written })
    }

    fn ours(&self, precision: Precision, threads: usize) -> Result<Option<Engine>, Failure> {
        Engine::load(&self.file, precision, &self.input, threads)
    }

    fn request(&self, file: &Path, threads: usize, options: Value) -> Value {
        let common = json!({
            "file": file, "threads": threads, "input": self.written, "shape": self.input.shape()
        });
        joined(&common, &options, &json!({}))
    }

    fn peers(&self, bench: &Bench, threads: usize) -> Result<Vec<PeerContender>, Failure> {
        let load = |setting: Setting| {
            let file = if setting.library == Library::OnnxRuntime { &self.folded } else { &self.file };
            let request = self.request(file, threads, setting.options());
            bench.peers.load(setting.library, setting.name, request)
        };
        settings(threads).into_iter().map(load).collect()
    }

    /// The network in onnxruntime's own 8-bit form, its ranges taken from samples of the photographs.
    fn quantised(&self, bench: &Bench) -> Result<PathBuf, Failure> {
        let mut inputs = Vec::new();
        for (number, sample) in bench.folders.samples()?.iter().enumerate() {
            for (side, sample) in [sample.clone(), image::imageops::flip_horizontal(sample)].iter().enumerate() {
                let file = bench.folders.out.join(format!("sample-{number}-{side}.f32"));
                Input::new(sample, &self.card).write(&file)?;
                inputs.push(file);
            }
        }
        let file = bench.folders.out.join("sface-int8.onnx");
        let request = json!({
            "do": "quantise", "file": self.folded, "to": file, "inputs": inputs, "shape": self.input.shape()
        });
        bench.peers.running(Library::OnnxRuntime)?.borrow_mut().ask::<Value>(&request)?;
        Ok(file)
    }
}

fn joined(first: &Value, second: &Value, third: &Value) -> Value {
    let parts = [first, second, third].into_iter().filter_map(Value::as_object);
    parts.flat_map(|part| part.clone()).collect::<serde_json::Map<_, _>>().into()
}

#[derive(Deserialize)]
struct Answer {
    shape: Vec<usize>,
    values: Vec<f32>,
}

fn answer(peer: &PeerContender) -> Result<Vec<f32>, Failure> {
    Ok(peer.answer::<Answer>(json!({}))?.values)
}

fn check(peer: &PeerContender, ours: Option<&[f32]>, least: f32) -> Result<(), Failure> {
    let (Some(ours), theirs) = (ours, answer(peer)?) else { return Ok(()) };
    let cosine = cosine(ours, &theirs);
    if ours.len() == theirs.len() && cosine >= least {
        return Ok(());
    }
    Err(Failure::Unusable(format!(
        "ours and {} do not compute the same: {} and {} values, cosine {cosine}",
        peer.name(),
        ours.len(),
        theirs.len()
    )))
}

/// Every face that we found must be one of the peer's, and there must be as many.
fn same_faces(peer: &PeerContender, ours: &[Detection]) -> Result<(), Failure> {
    let Answer { shape, values } = peer.answer(json!({}))?;
    let theirs: Vec<models::Rect> = values
        .chunks_exact(shape.last().copied().unwrap_or(1).max(4))
        .map(|face| models::Rect { x: face[0], y: face[1], width: face[2], height: face[3] })
        .collect();
    let found = |face: &Detection| theirs.iter().any(|other| other.overlap(&face.face) >= SAME_FACE);
    if !ours.is_empty() && theirs.len() == ours.len() && ours.iter().all(found) {
        return Ok(());
    }
    let (ours, theirs) = (ours.len(), theirs.len());
    let name = peer.name();
    Err(Failure::Unusable(format!("ours and {name} do not find the same faces: {ours} and {theirs}")))
}

fn cosine(left: &[f32], right: &[f32]) -> f32 {
    let dot = |left: &[f32], right: &[f32]| left.iter().zip(right).map(|(x, y)| x * y).sum::<f32>();
    dot(left, right) / (dot(left, left) * dot(right, right)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Summary;

    fn outcome(name: &str, median: f64) -> Outcome {
        let summary = |median| Summary { median, minimum: median, spread: 0.0 };
        Outcome { name: name.to_owned(), cpu_ms: summary(median), wall_ms: summary(100.0 / median) }
    }

    #[test]
    fn the_better_peer_counts_and_the_other_is_printed_too() {
        let peers = [outcome("onnxruntime", 20.0), outcome("OpenCV", 10.0)];
        let figure = Figure::new("sface_f32", "ms");
        let figure = judge(figure, Some(&outcome("ours", 5.0)), &peers, Judged::Processor);
        assert_eq!((figure.peer.as_str(), figure.ratio), ("OpenCV", Some(0.5)));
        assert_eq!(figure.details["peers_times"]["onnxruntime"]["cpu_ms"]["median"], json!(20.0));
    }

    #[test]
    fn figures_of_several_threads_have_names_of_their_own() {
        assert_eq!(named("sface_f32", 1), "sface_f32");
        assert_eq!(named("sface_f32", 2), "sface_f32_2_threads");
    }
}
