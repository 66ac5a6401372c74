//! Everything that is read from one frame, in order: faces, the subject, its sample, its quality, its template and
//! whether it looks bona fide. One instance belongs to one thread; the kiosk's vision thread owns it.
//!
//! A frame is read in the format in which its camera sent it, and its result lies in memory that the next one uses again:
//! in the long run a frame allocates nothing.

use std::path::Path;
use std::time::Instant;

use gate::{Followed, Monotonic, Probe, QualityIssue, Sight, Template, TrackId};

use crate::align::{Landmarks, Sample};
use crate::card::Card;
use crate::detector::{Detection, Detector, Rect, foremost};
use crate::embedder::Embedder;
use crate::error::ModelError;
use crate::follow::{Follower, sight};
use crate::gaze::Gaze;
use crate::image::Image;
use crate::network::Threads;
use crate::pad::Pad;
use crate::picture::Picture;
use crate::quality::Quality;
use crate::resample::{Shrink, shrink_into};
use crate::tracker::{Guide, Tracked, Tracker};

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
    gaze: Gaze,
    follower: Option<Follower>,
    working: Working,
    /// The newest sample and its template: the memory of the next.
    sample: Sample,
    probe: Option<Probe>,
}

/// What one frame showed.
#[derive(Debug, Clone)]
pub struct Observation<'a> {
    /// When the frame was captured.
    pub captured: Monotonic,
    /// How many faces were found where faces were looked for, whether inside the guide or not.
    pub faces_in_view: usize,
    /// How many others are inside the guide, near and clear enough to be meant (see [`BYSTANDER_AREA`] and
    /// [`BYSTANDER_SCORE`]).
    pub bystanders: usize,
    /// Whether the whole frame was searched. If not, only the surroundings of the subject were, and `faces_in_view` says
    /// nothing of the rest; a whole search is never older than [`LONGEST_NARROW_VIEW`](crate::gaze::LONGEST_NARROW_VIEW).
    pub whole_frame: bool,
    /// The subject, if there is one inside the guide.
    pub subject: Option<Subject<'a>>,
    /// How long the stages took.
    pub timings: Timings,
}

/// The one face that is followed.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// Its unbroken track.
    pub track: TrackId,
    /// Where it is, in pixels of the frame that was given.
    pub face: Rect,
    /// Its eyes, nose and mouth as the detector sees them, in pixels of the frame that was given.
    pub landmarks: Landmarks,
    /// The same places, followed from a frontal frame of the track on, if that is asked for (see
    /// [`Vision::with_follower`]) and they could be found.
    pub followed: Option<Followed>,
    /// What was measured of it.
    pub quality: Quality,
    /// The aligned face.
    pub sample: &'a Sample,
    /// What it gave, or why it was not compared.
    pub reading: Result<Reading<'a>, QualityIssue>,
}

impl Subject<'_> {
    /// What the head-turn challenge is to see of this frame; `None` if the face is too dark, washed out, blurred or cut
    /// off, so that its points say nothing.
    #[must_use]
    pub fn sight(&self) -> Option<Sight> {
        sight(&self.quality, &self.landmarks, self.followed)
    }
}

/// What the networks said about a sample that was good enough.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// The template, of this frame alone.
    pub probe: &'a Probe,
    /// How bona fide the presentation looks: 0 attack, 1 living. One frame is a screening signal, not a control.
    pub pad: f32,
}

/// One of the faces of a picture that was read as a whole.
#[derive(Debug, Clone)]
pub struct FaceReading {
    /// Where it is, in pixels of the picture that was given.
    pub face: Rect,
    /// What was measured of it.
    pub quality: Quality,
    /// Its template, or why it was not compared.
    pub template: Result<Template, QualityIssue>,
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
            gaze: Gaze::default(),
            follower: None,
            working: Working { shrink: Shrink::new(), image: Image::black(0, 0) },
            sample: Sample::black(),
            probe: None,
        })
    }

    /// The same, with pictures shrunk to this longer side for the detector: see
    /// [`Detector::set_side`](crate::Detector::set_side).
    #[must_use]
    pub fn with_detector_side(mut self, side: usize) -> Self {
        self.detector.set_side(side);
        self
    }

    /// The same with a follower, which the head-turn challenge needs: [`Subject::followed`].
    #[must_use]
    pub fn with_follower(mut self) -> Self {
        self.follower = Some(Follower::new());
        self
    }

    /// The same with the embedder in bytes where the processor can, see [`Embedder::load_in_bytes`].
    ///
    /// # Errors
    /// [`ModelError`] if weights are missing, changed or not understood.
    pub fn with_embedder_in_bytes(mut self, models: &Path, threads: &Threads) -> Result<Self, ModelError> {
        self.embedder = Embedder::load_in_bytes(models, threads)?;
        Ok(self)
    }

    /// Whether the embedder runs in bytes.
    #[must_use]
    pub fn embedder_is_in_bytes(&self) -> bool {
        self.embedder.is_in_bytes()
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
    pub fn observe<'a>(
        &mut self,
        captured: Monotonic,
        frame: impl Into<Picture<'a>>,
    ) -> Result<Observation<'_>, ModelError> {
        let mut timings = Timings::default();
        let (picture, factor) = timed(&mut timings.detect_us, || self.working.copy(frame.into()));
        let mut look =
            Look { detector: &mut self.detector, tracker: &mut self.tracker, gaze: &mut self.gaze };
        let found = timed(&mut timings.detect_us, || look.at(captured, picture))?;
        let mut observation = Observation {
            captured,
            faces_in_view: found.faces,
            bystanders: found.bystanders,
            whole_frame: found.everywhere,
            subject: None,
            timings,
        };
        let Some(Tracked { mut track, detection }) = found.subject else {
            return Ok(observation);
        };
        let timings = &mut observation.timings;
        let quality = timed(&mut timings.align_us, || {
            self.sample.align_again(picture, &detection.landmarks);
            Quality::measure(&detection, &self.sample, picture.width(), picture.height())
        });
        let reading = match quality.issue() {
            Some(issue) => Err(issue),
            None => {
                let (sample, place) = (&self.sample, &mut self.probe);
                let probe = timed(&mut timings.embed_us, || self.embedder.embed_again(sample, place))?;
                track = self.tracker.confirm(&probe.0).unwrap_or(track);
                let pad = timed(&mut timings.pad_us, || self.pad.score(picture, &detection.face))?;
                Ok(Reading { probe, pad })
            }
        };
        let follow = |follower: &mut Follower| {
            follower.follow(track, picture, &detection.landmarks, quality.issue().is_none())
        };
        let followed = timed(&mut timings.align_us, || self.follower.as_mut().and_then(follow));
        let place = |landmarks: &Landmarks| landmarks.scaled(factor.recip());
        observation.subject = Some(Subject {
            track,
            face: unshrunk(&detection.face, factor),
            landmarks: place(&detection.landmarks),
            followed: followed
                .map(|(anchor, landmarks)| Followed { anchor, points: (&place(&landmarks)).into() }),
            quality,
            sample: &self.sample,
            reading,
        });
        Ok(observation)
    }

    /// Reads every face of a picture, most certain first, apart from any track.
    ///
    /// # Errors
    /// [`ModelError`] if a network cannot be run.
    pub fn read_faces<'a>(
        &mut self,
        picture: impl Into<Picture<'a>>,
    ) -> Result<Vec<FaceReading>, ModelError> {
        let (picture, factor) = self.working.copy(picture.into());
        let faces = self.detector.detect_here(picture)?;
        let (samples, qualities): (Vec<_>, Vec<_>) =
            faces.iter().map(|detection| sample_of(picture, detection)).unzip();
        let issues = qualities.iter().map(Quality::issue);
        let good: Vec<Sample> = samples
            .into_iter()
            .zip(issues)
            .filter(|(_, issue)| issue.is_none())
            .map(|(sample, _)| sample)
            .collect();
        let mut templates = self.embedder.embed_all(&good)?.into_iter();
        let read = |(detection, quality): (&Detection, Quality)| FaceReading {
            face: unshrunk(&detection.face, factor),
            quality,
            template: match quality.issue() {
                Some(issue) => Err(issue),
                None => Ok(templates.next().expect("each good sample has its template")),
            },
        };
        Ok(faces.iter().zip(qualities).map(read).collect())
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
        let (picture, factor) = self.working.copy(photograph.into());
        let faces = self.detector.detect_here(picture)?;
        let detection = only_face(faces, picture.width(), picture.height())?;
        let (sample, quality) = sample_of(picture, detection);
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

/// Memory for the smaller copy of a large picture.
#[derive(Debug)]
struct Working {
    shrink: Shrink,
    image: Image,
}

impl Working {
    /// The picture, or a copy with at most [`MAX_WORKING_SIDE`], and the factor between them.
    fn copy<'a>(&'a mut self, picture: Picture<'a>) -> (Picture<'a>, f32) {
        if picture.width().max(picture.height()) <= MAX_WORKING_SIDE {
            return (picture, 1.0);
        }
        let factor = shrink_into(&mut self.image, &mut self.shrink, picture, MAX_WORKING_SIDE);
        ((&self.image).into(), factor)
    }
}

/// Finding the subject of a frame.
struct Look<'a> {
    detector: &'a mut Detector,
    tracker: &'a mut Tracker,
    gaze: &'a mut Gaze,
}

/// What a look gave.
struct Found {
    faces: usize,
    bystanders: usize,
    everywhere: bool,
    subject: Option<Tracked>,
}

impl Look<'_> {
    /// Looks around the followed face first where that is enough, and everywhere if it is not or if the face is not there.
    fn at(&mut self, captured: Monotonic, picture: Picture) -> Result<Found, ModelError> {
        let size = (picture.width(), picture.height());
        let saves = self.detector.saves_by_narrowing(size.0, size.1);
        let followed = self.tracker.followed().filter(|_| saves);
        if let Some(window) = self.gaze.window(captured, size, followed) {
            let faces = self.detector.detect_near(picture, window)?;
            if self.tracker.continues_with(faces) {
                self.gaze.saw_surroundings();
                let subject = self.tracker.update(captured, size, faces);
                let bystanders = self.tracker.bystanders(size, faces, subject.as_ref());
                return Ok(Found { faces: faces.len(), bystanders, everywhere: false, subject });
            }
        }
        let faces = self.detector.detect_here(picture)?;
        self.gaze.saw_everything(captured);
        let subject = self.tracker.update(captured, size, faces);
        let bystanders = self.tracker.bystanders(size, faces, subject.as_ref());
        Ok(Found { faces: faces.len(), bystanders, everywhere: true, subject })
    }
}

fn unshrunk(face: &Rect, factor: f32) -> Rect {
    Rect { x: face.x / factor, y: face.y / factor, width: face.width / factor, height: face.height / factor }
}

fn sample_of(picture: Picture, detection: &Detection) -> (Sample, Quality) {
    let sample = Sample::align(picture, &detection.landmarks);
    let quality = Quality::measure(detection, &sample, picture.width(), picture.height());
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
