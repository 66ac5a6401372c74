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
use crate::ours::{Engine, Finder};
use crate::peer::{Library, PeerContender};

/// Threads that each network is measured with.
pub(crate) const THREADS: [usize; 2] = [1, 2];
/// The side of the picture that faces are looked for in.
const DETECTION_SIDE: u32 = 640;
const DETECTION_NOTE: &str = "ours and FaceDetectorYN from the bytes of a 640 x 640 picture to boxes; the other peers \
    from a finished tensor of floats to boxes, decoded with numpy and OpenCV's NMS";
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

/// The network that is fetched only on request.
pub(crate) fn optional_card() -> Result<Card, Failure> {
    Ok(Card::load(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/cards/optional/w600k-mbf.toml")))?)
}

/// The networks in the order of their figures; what was fetched only on request is measured only where it is.
fn subjects(bench: &Bench) -> Result<Vec<Subject>, Failure> {
    let mut subjects = vec![
        Subject { name: "sface_f32", card: Card::sface(), reach: 0.7 },
        Subject { name: "fr_liveness_f32", card: Card::fr_liveness(), reach: 0.5 },
    ];
    let card = optional_card()?;
    if bench.folders.weights(&card).exists() {
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
pub(crate) fn named(figure: &str, threads: usize) -> String {
    if threads == 1 { figure.to_owned() } else { format!("{figure}_{threads}_threads") }
}

/// A network with 32-bit floats.
fn floats(bench: &Bench, subject: &Subject, threads: usize) -> Result<(), Failure> {
    let figure = named(subject.name, threads);
    if !bench.wants(&figure) {
        return Ok(());
    }
    let prepared = Prepared::new(bench, &subject.card)?;
    let mut ours = Engine::load(&prepared.file, &prepared.input, threads)?;
    let peers = prepared.peers(bench, threads)?;
    let expected = ours.one_forward()?.to_vec();
    peers.iter().try_for_each(|peer| check(peer, &expected))?;
    let reach = (threads == 1).then_some(Reach::AtMost(subject.reach));
    compare(bench, Figure::new(figure, "ms"), Some(Box::new(ours)), boxed(peers), threads, reach)
}

/// SFace with bytes: beside the better peer's floats, and beside what onnxruntime's own quantisation gives. Ours runs with
/// the ranges that are shipped; onnxruntime takes its own from samples of the same photographs. How far each moves the
/// template of one of these is printed.
fn bytes(bench: &Bench, threads: usize) -> Result<(), Failure> {
    let (to_floats, to_bytes) = (named("sface_int8", threads), named("sface_int8_vs_ort_int8", threads));
    if !bench.wants(&to_floats) && !bench.wants(&to_bytes) {
        return Ok(());
    }
    let prepared = Prepared::new(bench, &Card::sface())?;
    let mut floats = Engine::load(&prepared.file, &prepared.input, threads)?;
    let expected = floats.one_forward()?.to_vec();
    let load = || Engine::load_in_bytes(&prepared.file, &prepared.input, threads);
    let agreement = match load()? {
        Some(mut bytes) => Some(cosine(&expected, bytes.one_forward()?)),
        None => None,
    };
    let ours = || -> Result<_, Failure> { Ok(load()?.map(|ours| Box::new(ours) as Box<dyn Contender>)) };
    if bench.wants(&to_floats) {
        let peers = boxed(prepared.peers(bench, threads)?);
        let reach = (threads == 1).then_some(Reach::AtMost(0.35));
        let figure = Figure::new(to_floats, "ms").detail("cosine_to_f32", agreement);
        let figure = figure.detail("note", "the peers compute with floats");
        compare(bench, figure, ours()?, peers, threads, reach)?;
    }
    if bench.wants(&to_bytes) {
        let file = prepared.quantised(bench, &prepared.calibration(bench)?)?;
        let mut peers = Vec::new();
        for setting in settings(threads).into_iter().filter(|setting| setting.library == Library::OnnxRuntime)
        {
            let request = prepared.request(&file, threads, setting.options());
            peers.push(bench.peers.load(
                setting.library,
                &format!("{}, static int8 (QDQ)", setting.name),
                request,
            )?);
        }
        let theirs = peers.first().map(answer).transpose()?.unwrap_or_default();
        let figure = Figure::new(to_bytes, "ms").detail("cosine_to_f32", agreement);
        let figure = figure.detail("peer_cosine_to_f32", cosine(&expected, &theirs));
        compare(bench, figure, ours()?, boxed(peers), threads, None)?;
    }
    Ok(())
}

/// From a picture's bytes to boxes and landmarks.
fn detection(bench: &Bench, threads: usize) -> Result<(), Failure> {
    let figure = named("yunet_640_f32", threads);
    if !bench.wants(&figure) {
        return Ok(());
    }
    let (picture, request) = bench.folders.detection(DETECTION_SIDE)?;
    let file = bench.folders.weights(&Card::yunet());
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
    let figure = Figure::new(figure, "ms").detail("faces", found.len()).detail("note", DETECTION_NOTE);
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
pub(crate) fn judge(figure: Figure, ours: Option<&Outcome>, peers: &[Outcome], judged: Judged) -> Figure {
    let best = measure::best(peers, judged);
    let of = |outcome: Option<&Outcome>| outcome.map(|outcome| outcome.judged(judged));
    let minima = of(ours).zip(of(best)).map(|(ours, peer)| ours.minimum / peer.minimum);
    let all: serde_json::Map<String, Value> =
        peers.iter().map(|peer| (peer.name.clone(), json!(peer))).collect();
    figure
        .values(
            of(ours).map(|ours| ours.median),
            best.map_or("none", |best| best.library),
            of(best).map(|peer| peer.median),
        )
        .peer_name(best.map_or("none", |best| best.name.as_str()))
        .detail(
            "spread",
            json!({"ours": of(ours).map(|ours| ours.spread), "peer": of(best).map(|peer| peer.spread)}),
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

const FACE_DETECTOR: Setting = setting(Library::OpenCv, "FaceDetectorYN", "engine", "face-detector");

/// Everything that may be a peer's best. Alone, onnxruntime's one thread waits for nobody, so nothing can spin.
fn settings(threads: usize) -> Vec<Setting> {
    let mut settings = vec![
        setting(Library::OnnxRuntime, "all optimisations", "spin", "no"),
        setting(Library::OpenCv, "DNN, classic engine", "engine", "classic"),
        setting(Library::OpenCv, "DNN, new engine", "engine", "new"),
    ];
    if threads > 1 {
        settings.insert(1, setting(Library::OnnxRuntime, "all optimisations, spinning", "spin", "yes"));
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
        // An embedder gets a sample, the network that judges faces the middle of the photograph.
        let picture = match card.input.width {
            Some(models::align::SAMPLE_SIDE) => bench.folders.sample()?,
            side => bench.folders.square(side.unwrap_or(DETECTION_SIDE as usize) as u32)?,
        };
        let input = Input::new(&picture, &card.input);
        let written = bench.folders.out.join(format!("{}.f32", card.id));
        input.write(&written)?;
        let file = bench.folders.weights(card);
        let folded = bench.folders.out.join(format!("folded-{}", card.file));
        let onnxruntime = bench.peers.running(Library::OnnxRuntime)?;
        let request = json!({"do": "fold", "file": file, "to": folded});
        onnxruntime.borrow_mut().ask::<Value>(&request)?;
        Ok(Self { file, folded, card: card.input.clone(), input, written })
    }

    /// A sample of every photograph and its mirror image.
    fn calibration(&self, bench: &Bench) -> Result<Vec<Input>, Failure> {
        let samples = bench.folders.samples()?;
        let mirrored: Vec<_> = samples.iter().map(image::imageops::flip_horizontal).collect();
        Ok(samples.iter().chain(&mirrored).map(|sample| Input::new(sample, &self.card)).collect())
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

    /// The network in onnxruntime's own 8-bit form, its ranges taken from these inputs.
    fn quantised(&self, bench: &Bench, calibration: &[Input]) -> Result<PathBuf, Failure> {
        let mut inputs = Vec::new();
        for (number, input) in calibration.iter().enumerate() {
            let file = bench.folders.out.join(format!("sample-{number}.f32"));
            input.write(&file)?;
            inputs.push(file);
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

/// A peer that does not compute what we do is no peer.
fn check(peer: &PeerContender, ours: &[f32]) -> Result<(), Failure> {
    let theirs = answer(peer)?;
    let cosine = cosine(ours, &theirs);
    if ours.len() == theirs.len() && cosine >= SAME {
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

    fn outcome(name: &'static str, median: f64) -> Outcome {
        let summary = |median| Summary { median, minimum: median, spread: 0.0 };
        Outcome {
            name: format!("{name} 1"),
            library: name,
            cpu_ms: summary(median),
            wall_ms: summary(100.0 / median),
        }
    }

    #[test]
    fn the_better_peer_counts_and_the_other_is_printed_too() {
        let peers = [outcome("onnxruntime", 20.0), outcome("OpenCV", 10.0)];
        let figure = Figure::new("sface_f32", "ms");
        let figure = judge(figure, Some(&outcome("ours", 5.0)), &peers, Judged::Processor);
        assert_eq!((figure.peer.as_str(), figure.ratio), ("OpenCV", Some(0.5)));
        assert_eq!(figure.details["peers_times"]["onnxruntime 1"]["cpu_ms"]["median"], json!(20.0));
    }

    #[test]
    fn figures_of_several_threads_have_names_of_their_own() {
        assert_eq!(named("sface_f32", 1), "sface_f32");
        assert_eq!(named("sface_f32", 2), "sface_f32_2_threads");
    }
}
