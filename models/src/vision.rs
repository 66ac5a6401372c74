//! Everything that is read from one frame, in order: faces, the subject, its sample, its quality, its template and
//! whether it looks bona fide. One instance belongs to one thread; the kiosk's vision thread owns it.

use std::path::Path;
use std::time::Instant;

use gate::{Monotonic, QualityIssue, Template, TrackId};

use crate::align::Sample;
use crate::card::Card;
use crate::detector::{Detection, Detector, Rect, foremost};
use crate::embedder::Embedder;
use crate::error::ModelError;
use crate::image::Image;
use crate::network::Threads;
use crate::pad::Pad;
use crate::quality::Quality;
use crate::resample;
use crate::tracker::{Guide, Tracker};

/// Larger pictures are shrunk before anything else. A sample that skips pixels of a huge photograph would be full of
/// false detail; at this size a face that fills the picture still has more pixels than its sample.
const MAX_WORKING_SIDE: usize = 1_280;

/// A second face on an enrolment photograph is ignored if its area is less than this part of the largest one's.
pub const BYSTANDER_AREA: f32 = 0.25;

/// A second face on an enrolment photograph is ignored below this detection score: patterns that resemble faces stay
/// below, faces in LFW above (the weakest has 0.86).
pub const BYSTANDER_SCORE: f32 = 0.75;

/// The networks and the tracker.
#[derive(Debug)]
pub struct Vision {
    detector: Detector,
    embedder: Embedder,
    pad: Pad,
    tracker: Tracker,
}

/// What one frame showed.
#[derive(Debug, Clone)]
pub struct Observation {
    /// When the frame was captured.
    pub captured: Monotonic,
    /// How many faces were found, whether inside the guide or not.
    pub faces_in_view: usize,
    /// The subject, if there is one inside the guide.
    pub subject: Option<Subject>,
    /// How long the stages took.
    pub timings: Timings,
}

/// The one face that is followed.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Its unbroken track.
    pub track: TrackId,
    /// Where it is, in pixels of the frame that was given.
    pub face: Rect,
    /// What was measured of it.
    pub quality: Quality,
    /// The aligned face.
    pub sample: Sample,
    /// What it gave, or why it was not compared.
    pub reading: Result<Reading, QualityIssue>,
}

/// What the networks said about a sample that was good enough.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The template, of this frame alone.
    pub template: Template,
    /// How bona fide the presentation looks: 0 attack, 1 living. One frame is a screening signal, not a control.
    pub pad: f32,
}

/// Microseconds by stage; 0 for a stage that was not reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// Finding faces.
    pub detect_us: u64,
    /// Cutting out the sample and measuring its quality.
    pub align_us: u64,
    /// Making the template.
    pub embed_us: u64,
    /// Presentation attack detection.
    pub pad_us: u64,
}

/// A template made for enrolment.
#[derive(Debug, Clone)]
pub struct Enrolled {
    /// The reference to be stored.
    pub template: Template,
    /// The quality it was made with.
    pub quality: Quality,
    /// Where the face is, in pixels of the photograph.
    pub face: Rect,
}

/// A photograph cannot be enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// Nobody is on it.
    #[error(
        "no face was found; use a photograph that shows the face from the front, without mask or hand before it"
    )]
    NoFace,
    /// It is not clear who is meant.
    #[error("{0} faces were found; use a photograph that shows only the person to enrol")]
    SeveralFaces(usize),
    /// The face is not good enough.
    #[error("the face cannot be used: {}", remedy(*.0))]
    Quality(QualityIssue),
    /// The networks failed.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// What to change about a photograph.
fn remedy(issue: QualityIssue) -> &'static str {
    match issue {
        QualityIssue::TooFar => "it is too small; use a photograph with more pixels or from nearer",
        QualityIssue::OutOfFrame => "it is cut off by the edge; use one that shows the whole face",
        QualityIssue::NotFrontal => "it is turned or tilted; use one that looks straight into the camera",
        QualityIssue::TooDark => "it is too dark; use one taken in better light",
        QualityIssue::TooBright => "it is washed out; use one with less light on the face",
        QualityIssue::Blurred => "it is blurred; use a sharper one",
    }
}

impl Vision {
    /// Loads the three networks from the directory that `cargo xtask models` fills; they run on `threads`.
    ///
    /// # Errors
    /// [`ModelError`] if weights are missing, changed or not understood.
    pub fn load(models: &Path, threads: &Threads) -> Result<Self, ModelError> {
        Ok(Self {
            detector: Detector::load(models, threads)?,
            embedder: Embedder::load(models, threads)?,
            pad: Pad::load(models, threads)?,
            tracker: Tracker::new(Guide::default()),
        })
    }

    /// The card whose measurements thresholds come from.
    #[must_use]
    pub fn embedder_card(&self) -> &Card {
        self.embedder.card()
    }

    /// Reads one frame. PAD, quality and template come from the same frame and the same face, and the track is the one
    /// that the template confirmed.
    ///
    /// # Errors
    /// [`ModelError`] if a network cannot be run; the track is as before.
    pub fn observe(&mut self, captured: Monotonic, frame: &Image) -> Result<Observation, ModelError> {
        let mut timings = Timings::default();
        let (shrunk, factor) = working_copy(frame);
        let image = shrunk.as_ref().unwrap_or(frame);
        let faces = timed(&mut timings.detect_us, || self.detector.detect(image))?;
        let size = (image.width(), image.height());
        let mut observation = Observation { captured, faces_in_view: faces.len(), subject: None, timings };
        let Some(tracked) = self.tracker.update(captured, size, &faces) else {
            return Ok(observation);
        };
        let timings = &mut observation.timings;
        let (sample, quality) = timed(&mut timings.align_us, || sample_of(image, &tracked.detection));
        let mut track = tracked.track;
        let reading = match quality.issue() {
            Some(issue) => Err(issue),
            None => {
                let template = timed(&mut timings.embed_us, || self.embedder.embed(&sample))?;
                track = self.tracker.confirm(&template).unwrap_or(track);
                let pad = timed(&mut timings.pad_us, || self.pad.score(image, &tracked.detection.face))?;
                Ok(Reading { template, pad })
            }
        };
        let face = unshrunk(&tracked.detection.face, factor);
        observation.subject = Some(Subject { track, face, quality, sample, reading });
        Ok(observation)
    }

    /// Bona fide score of a face on a photograph, where `face` is in pixels of the photograph.
    ///
    /// # Errors
    /// [`ModelError`] if the network cannot be run.
    pub fn pad_score(&mut self, photograph: &Image, face: &Rect) -> Result<f32, ModelError> {
        self.pad.score(photograph, face)
    }

    /// Makes a reference from a photograph of one person. Faces in the background do not disturb: one that is small or
    /// doubtful beside the largest is ignored.
    ///
    /// # Errors
    /// [`EnrolError`], which says what to change about the photograph.
    pub fn enrol_photo(&mut self, photograph: &Image) -> Result<Enrolled, EnrolError> {
        let (shrunk, factor) = working_copy(photograph);
        let image = shrunk.as_ref().unwrap_or(photograph);
        let faces = self.detector.detect(image)?;
        let detection = only_face(&faces, image.width(), image.height())?;
        let (sample, quality) = sample_of(image, detection);
        match quality.issue() {
            Some(issue) => Err(EnrolError::Quality(issue)),
            None => Ok(Enrolled {
                template: self.embedder.embed(&sample)?,
                quality,
                face: unshrunk(&detection.face, factor),
            }),
        }
    }
}

fn working_copy(image: &Image) -> (Option<Image>, f32) {
    match resample::shrink_to(image, MAX_WORKING_SIDE) {
        Some((small, factor)) => (Some(small), factor),
        None => (None, 1.0),
    }
}

fn unshrunk(face: &Rect, factor: f32) -> Rect {
    Rect { x: face.x / factor, y: face.y / factor, width: face.width / factor, height: face.height / factor }
}

fn sample_of(image: &Image, detection: &Detection) -> (Sample, Quality) {
    let sample = Sample::align(image, &detection.landmarks);
    let quality = Quality::measure(detection, &sample, image.width(), image.height());
    (sample, quality)
}

/// The largest face near the centre, if no other could be meant.
fn only_face(faces: &[Detection], width: usize, height: usize) -> Result<&Detection, EnrolError> {
    let subject = foremost(faces, width, height).ok_or(EnrolError::NoFace)?;
    let counts = |other: &&Detection| {
        other.score >= BYSTANDER_SCORE && other.face.area() >= subject.face.area() * BYSTANDER_AREA
    };
    let others = faces.iter().filter(|other| *other != subject).filter(counts).count();
    if others > 0 { Err(EnrolError::SeveralFaces(others + 1)) } else { Ok(subject) }
}

/// Runs `work` and adds its microseconds.
fn timed<T>(microseconds: &mut u64, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    *microseconds += u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::align::Landmarks;

    fn face(x: f32, side: f32, score: f32) -> Detection {
        Detection {
            face: Rect { x, y: 100.0, width: side, height: side },
            landmarks: Landmarks::default(),
            score,
        }
    }

    #[test]
    fn a_photograph_with_two_people_is_refused_and_one_with_a_bystander_is_not() {
        let only = |faces: &[Detection]| only_face(faces, 640, 480).map(|found| found.face.x);
        assert!(matches!(only(&[]), Err(EnrolError::NoFace)));
        assert_eq!(only(&[face(250.0, 100.0, 0.9)]).ok(), Some(250.0));
        assert_eq!(only(&[face(500.0, 40.0, 0.95), face(250.0, 100.0, 0.9)]).ok(), Some(250.0));
        assert_eq!(only(&[face(250.0, 100.0, 0.9), face(400.0, 90.0, 0.61)]).ok(), Some(250.0));
        let crowd: Vec<Detection> = (0..20).map(|index| face(index as f32 * 30.0, 100.0, 0.9)).collect();
        assert!(matches!(only(&crowd), Err(EnrolError::SeveralFaces(20))));
        assert!(matches!(only(&crowd[10..12]), Err(EnrolError::SeveralFaces(2))));
    }
}
