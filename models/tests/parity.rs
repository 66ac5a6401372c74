//! Our networks against the reference: OpenCV's FaceDetectorYN and FaceRecognizerSF, and onnxruntime, on the same pixels.
//!
//! `cargo xtask test` installs them in assets/fetched/python from requirements.txt; parity.py is their side.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;
use std::process::Command;

use common::{PHOTOGRAPHS, fetched, photograph};
use models::{Detection, Detector, Embedder, Image, Pad, Sample, Threads};
use serde_json::{Value, json};

const MIN_COSINE: f64 = 0.9999;
const MAX_LANDMARK_DISTANCE: f32 = 0.5;
const MAX_MEAN_GREY_DIFFERENCE: f64 = 1.0;
const MAX_PAD_DIFFERENCE: f64 = 1e-3;

struct Ours {
    name: String,
    image: Image,
    faces: Vec<Detection>,
    sample: Sample,
    template: Vec<f32>,
    pad: f32,
}

fn ours(models: &Path) -> Vec<Ours> {
    let threads = Threads::start(1).unwrap();
    let mut detector = Detector::load(models, &threads).unwrap();
    let mut embedder = Embedder::load(models, &threads).unwrap();
    let mut pad = Pad::load(models, &threads).unwrap();
    let read = |name: &&str| {
        let image = photograph(name);
        let faces = detector.detect_at_own_size(&image).unwrap();
        let sample = Sample::align(&image, &faces[0].landmarks);
        let template = embedder.embed(&sample).unwrap().vector().to_vec();
        let pad = pad.score(&image, &faces[0].face).unwrap();
        Ours { name: (*name).to_owned(), image, faces, sample, template, pad }
    };
    PHOTOGRAPHS.iter().map(read).collect()
}

/// Hands our pixels to the reference and returns its answers in the same order.
fn reference(models: &Path, job: &Path, ours: &[Ours]) -> Vec<Value> {
    let entry = |entry: &Ours| {
        let (rgb, sample) = (format!("{}.rgb", entry.name), format!("{}.sample", entry.name));
        std::fs::write(job.join(&rgb), entry.image.rgb()).unwrap();
        std::fs::write(job.join(&sample), entry.sample.image().rgb()).unwrap();
        let face = entry.faces[0].face;
        let landmarks: Vec<f32> = landmarks(&entry.faces[0]).into_iter().flatten().collect();
        json!({
            "name": entry.name, "width": entry.image.width(), "height": entry.image.height(), "rgb": rgb, "sample": sample,
            "box": [face.x, face.y, face.width, face.height], "landmarks": landmarks,
        })
    };
    let entries: Vec<Value> = ours.iter().map(entry).collect();
    std::fs::write(job.join("job.json"), Value::from(entries).to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity.py");
    let output =
        Command::new(fetched("python/bin/python")).arg(script).arg(models).arg(job).output().unwrap();
    assert!(output.status.success(), "parity.py failed: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&std::fs::read(job.join("answer.json")).unwrap()).unwrap()
}

fn landmarks(face: &Detection) -> [[f32; 2]; 5] {
    face.landmarks.points().map(|point| [point.x, point.y])
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn cosine(left: &[f32], right: &[f64]) -> f64 {
    let dot: f64 = left.iter().zip(right).map(|(left, right)| f64::from(*left) * right).sum();
    let length = |squares: f64| squares.sqrt();
    dot / length(left.iter().map(|value| f64::from(*value).powi(2)).sum())
        / length(right.iter().map(|value| value * value).sum())
}

/// Every face of the reference is one of ours, and the other way round, with its landmarks in place.
fn check_faces(name: &str, ours: &[Detection], theirs: &[Vec<f64>]) {
    assert_eq!(ours.len(), theirs.len(), "{name}: number of faces");
    for (ours, theirs) in ours.iter().zip(theirs) {
        for (point, reference) in landmarks(ours).iter().zip(theirs[4..14].chunks(2)) {
            let distance = (point[0] - reference[0] as f32).hypot(point[1] - reference[1] as f32);
            assert!(distance <= MAX_LANDMARK_DISTANCE, "{name}: a landmark is {distance} px away");
        }
        assert!(
            (f64::from(ours.score) - theirs[14]).abs() < 1e-3,
            "{name}: score {} or {}",
            ours.score,
            theirs[14]
        );
    }
}

#[test]
fn faces_samples_templates_and_pad_scores_are_those_of_opencv_and_onnxruntime() {
    let models = fetched("models");
    let job = tempfile::tempdir().unwrap();
    let ours = ours(&models);
    let answers = reference(&models, job.path(), &ours);
    assert_eq!(answers.len(), PHOTOGRAPHS.len());
    for (ours, theirs) in ours.iter().zip(&answers) {
        let name = &ours.name;
        let faces: Vec<Vec<f64>> = theirs["faces"].as_array().unwrap().iter().map(numbers).collect();
        check_faces(name, &ours.faces, &faces);

        let aligned = std::fs::read(job.path().join(format!("{name}.aligned"))).unwrap();
        assert_eq!(aligned.len(), ours.sample.image().rgb().len());
        let sum: u64 =
            aligned.iter().zip(ours.sample.image().rgb()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        let mean = sum as f64 / aligned.len() as f64;
        assert!(mean <= MAX_MEAN_GREY_DIFFERENCE, "{name}: samples differ by {mean} grey levels");

        let cosine = cosine(&ours.template, &numbers(&theirs["template"]));
        assert!(cosine >= MIN_COSINE, "{name}: cosine {cosine}");

        let pad = theirs["pad"].as_f64().unwrap();
        assert!((f64::from(ours.pad) - pad).abs() <= MAX_PAD_DIFFERENCE, "{name}: PAD {} or {pad}", ours.pad);
        println!("{name}: grey {mean:.3}, cosine {cosine:.7}, PAD {:.4} or {pad:.4}", ours.pad);
    }
}
