//! A face for an enrolment, from the live camera: three good frames of one person who is alone in the guide.
//!
//! The vision thread looks at the [`Lens`] before it says what it saw: while the staff area is open the door hears of
//! nobody, and while a face is being taken the newest frame lies here. [`Collector`] is the rule; [`CaptureSlot`] is the
//! place where the two threads meet. No picture is kept, only templates.

use std::{
    fmt,
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};

use card::GreyPicture;
use gate::{Monotonic, QualityIssue, Template, TrackId};

use crate::door::Slot;

/// Good frames that make an enrolment.
pub(crate) const FRAMES: usize = 3;
/// The least time between two of them, so that they are not the same moment three times.
const APART: Duration = Duration::from_millis(250);

/// What the vision thread does with what it sees.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Lens {
    /// Faces are for the door.
    #[default]
    Door,
    /// The staff area is open: the door hears of nobody.
    Held,
    /// The staff area takes a face.
    Capturing,
}

/// What one frame showed to the desk.
#[derive(Clone)]
pub(crate) struct Sighting {
    /// When the frame was taken.
    pub(crate) captured: Monotonic,
    /// Others in the guide who could be meant.
    pub(crate) bystanders: usize,
    /// Whether the whole frame was searched; if not, `bystanders` says nothing of what is far from the face.
    pub(crate) whole_frame: bool,
    /// The face that is followed.
    pub(crate) face: Option<Face>,
}

/// The face that is followed.
#[derive(Clone)]
pub(crate) struct Face {
    /// Its unbroken track.
    pub(crate) track: TrackId,
    /// Its template, or what the person can change.
    pub(crate) reading: Result<Sample, QualityIssue>,
}

/// A face that was good enough.
#[derive(Clone)]
pub(crate) struct Sample {
    /// Its template.
    pub(crate) template: Template,
    /// Bona fide score, 0 to 1.
    pub(crate) pad: f32,
}

/// What the person before the camera is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hint {
    /// Nobody is in the guide.
    Nobody,
    /// Somebody else is in the guide as well.
    Bystander,
    /// What to change.
    Quality(QualityIssue),
    /// It does not look like a living face.
    NotLiving,
    /// Good frames are arriving.
    HoldStill,
}

/// Collects the frames of one enrolment.
pub(super) struct Collector {
    /// Frames from before belong to what was on the screen before.
    since: Monotonic,
    pad_floor: f32,
    track: Option<TrackId>,
    good: Vec<Template>,
    /// When the last good frame was taken.
    last_good: Option<Monotonic>,
    newest: Monotonic,
    /// Whether a search of the whole frame showed nobody else while this face was followed.
    alone: bool,
    hint: Hint,
}

impl Collector {
    /// Begins at `now`; frames with a bona fide score below `pad_floor` do not count.
    pub(super) fn new(now: Monotonic, pad_floor: f32) -> Self {
        Self {
            since: now,
            pad_floor,
            track: None,
            good: Vec::new(),
            last_good: None,
            newest: now,
            alone: false,
            hint: Hint::Nobody,
        }
    }

    /// Takes one frame into account; the templates once they are complete.
    pub(super) fn take(&mut self, sighting: Sighting) -> Option<Vec<Template>> {
        if sighting.captured <= self.newest {
            return None;
        }
        self.newest = sighting.captured;
        let Sighting { captured, bystanders, whole_frame, face } = sighting;
        self.hint = match face {
            _ if bystanders > 0 => self.start_over(Hint::Bystander),
            None => Hint::Nobody,
            Some(face) => {
                if self.track != Some(face.track) {
                    _ = self.start_over(Hint::HoldStill);
                    self.track = Some(face.track);
                }
                self.alone |= whole_frame;
                self.read(captured, face.reading)
            }
        };
        (self.good.len() >= FRAMES && self.alone).then(|| std::mem::take(&mut self.good))
    }

    fn read(&mut self, captured: Monotonic, reading: Result<Sample, QualityIssue>) -> Hint {
        match reading {
            Err(issue) => Hint::Quality(issue),
            Ok(Sample { template, pad }) if pad >= self.pad_floor => {
                let apart = self.last_good.is_none_or(|last| captured.since(last) >= APART);
                if apart && self.good.len() < FRAMES {
                    self.good.push(template);
                    self.last_good = Some(captured);
                }
                Hint::HoldStill
            }
            Ok(_) => self.start_over(Hint::NotLiving),
        }
    }

    fn start_over(&mut self, hint: Hint) -> Hint {
        self.good.clear();
        (self.track, self.last_good, self.alone) = (None, None, false);
        hint
    }

    /// How many good frames there are.
    pub(super) fn progress(&self) -> usize {
        self.good.len()
    }

    /// What the person is told.
    pub(super) fn hint(&self) -> Hint {
        self.hint
    }

    /// When it began.
    pub(super) fn since(&self) -> Monotonic {
        self.since
    }
}

/// Which photograph a template was made of: an answer that comes late is for nobody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PhotoNumber(pub(crate) u64);

/// Where the vision thread and the desk meet.
pub(crate) struct CaptureSlot {
    lens: AtomicU8,
    newest: Slot<Sighting>,
    photograph: Slot<(PhotoNumber, GreyPicture)>,
    reference: Slot<(PhotoNumber, Option<Template>)>,
}

impl CaptureSlot {
    /// Faces are for the door.
    pub(crate) fn new() -> Self {
        Self {
            lens: AtomicU8::new(Lens::Door as u8),
            newest: Slot::new(),
            photograph: Slot::new(),
            reference: Slot::new(),
        }
    }

    /// What the vision thread should do from the next frame on.
    pub(crate) fn set(&self, lens: Lens) {
        self.lens.store(lens as u8, Ordering::SeqCst);
        // A face that was taken for something else is not taken for this.
        _ = self.newest.take(Duration::ZERO);
        if lens != Lens::Capturing {
            _ = self.photograph.take(Duration::ZERO);
            _ = self.reference.take(Duration::ZERO);
        }
    }

    /// A photograph of a card, for the vision thread: it alone has the networks.
    pub(crate) fn put_photograph(&self, number: PhotoNumber, photograph: GreyPicture) {
        self.photograph.put((number, photograph));
    }

    /// The photograph that waits, if the desk still waits for it.
    pub(crate) fn take_photograph(&self) -> Option<(PhotoNumber, GreyPicture)> {
        self.photograph.take(Duration::ZERO).filter(|_| self.lens() == Lens::Capturing)
    }

    /// What a photograph gave.
    pub(crate) fn put_reference(&self, number: PhotoNumber, reference: Option<Template>) {
        self.reference.put((number, reference));
    }

    /// What a photograph gave, once.
    pub(crate) fn take_reference(&self) -> Option<(PhotoNumber, Option<Template>)> {
        self.reference.take(Duration::ZERO)
    }

    /// What to do with what is seen.
    pub(crate) fn lens(&self) -> Lens {
        match self.lens.load(Ordering::SeqCst) {
            it if it == Lens::Door as u8 => Lens::Door,
            it if it == Lens::Capturing as u8 => Lens::Capturing,
            _ => Lens::Held,
        }
    }

    /// The vision thread saw this.
    pub(crate) fn put(&self, sighting: Sighting) {
        self.newest.put(sighting);
    }

    /// The newest frame that nobody has looked at.
    pub(crate) fn take(&self) -> Option<Sighting> {
        self.newest.take(Duration::ZERO)
    }
}

impl fmt::Debug for Sighting {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Sighting({} bystanders, face: {})", self.bystanders, self.face.is_some())
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use gate::ModelId;

    use super::*;

    /// A frame at this millisecond with a good face of this track.
    pub(in crate::desk) fn good(at_ms: u64, track: u64) -> Sighting {
        let template = Template::new(ModelId::new("toy"), vec![1.0, track as f32]).unwrap();
        let reading = Ok(Sample { template, pad: 0.9 });
        let face = Some(Face { track: TrackId(track), reading });
        Sighting { captured: Monotonic::from_micros(at_ms * 1_000), bystanders: 0, whole_frame: true, face }
    }

    fn poor(at_ms: u64, track: u64, issue: QualityIssue) -> Sighting {
        let face = Some(Face { track: TrackId(track), reading: Err(issue) });
        Sighting { face, ..good(at_ms, track) }
    }

    fn with_pad(at_ms: u64, track: u64, pad: f32) -> Sighting {
        let mut seen = good(at_ms, track);
        let face = seen.face.as_mut().unwrap();
        face.reading = Ok(Sample { pad, ..face.reading.clone().unwrap() });
        seen
    }

    fn collector() -> Collector {
        Collector::new(Monotonic::from_micros(0), 0.5)
    }

    #[test]
    fn three_good_frames_of_one_track_make_an_enrolment() {
        let mut it = collector();
        assert!(it.take(good(300, 1)).is_none());
        assert!(it.take(good(600, 1)).is_none());
        assert_eq!((it.progress(), it.hint()), (2, Hint::HoldStill));
        assert_eq!(it.take(good(900, 1)).unwrap().len(), FRAMES);
    }

    #[test]
    fn frames_of_the_same_moment_are_one_frame() {
        let mut it = collector();
        let taken: Vec<_> = (1..8).map(|at| it.take(good(at * 30, 1)).is_some()).collect();
        assert_eq!((taken, it.progress()), (vec![false; 7], 1));
    }

    #[test]
    fn another_face_in_the_same_place_starts_over() {
        let mut it = collector();
        it.take(good(300, 1));
        it.take(good(600, 1));
        assert!(it.take(good(900, 2)).is_none(), "two people in one enrolment");
        assert_eq!(it.progress(), 1);
    }

    #[test]
    fn a_bystander_in_the_guide_is_refused_and_what_was_taken_with_them() {
        let mut it = collector();
        it.take(good(300, 1));
        it.take(good(600, 1));
        assert!(it.take(Sighting { bystanders: 1, ..good(900, 1) }).is_none());
        assert_eq!((it.progress(), it.hint()), (0, Hint::Bystander));
    }

    #[test]
    fn nobody_is_called_alone_before_the_whole_frame_was_searched() {
        let mut it = collector();
        let near = |at| Sighting { whole_frame: false, ..good(at, 1) };
        assert!([near(300), near(600), near(900)].map(|seen| it.take(seen)).iter().all(Option::is_none));
        assert!(it.take(good(930, 1)).is_some());
    }

    #[test]
    fn a_picture_of_a_face_is_no_enrolment_and_neither_is_a_score_that_is_no_number() {
        for pad in [0.49, f32::NAN] {
            let mut it = collector();
            it.take(good(300, 1));
            it.take(good(600, 1));
            assert!(it.take(with_pad(900, 1, pad)).is_none());
            assert_eq!((it.progress(), it.hint()), (0, Hint::NotLiving), "{pad}");
        }
    }

    #[test]
    fn a_poor_frame_says_what_to_do_and_keeps_what_was_good() {
        let mut it = collector();
        it.take(good(300, 1));
        it.take(poor(600, 1, QualityIssue::TooDark));
        assert_eq!((it.progress(), it.hint()), (1, Hint::Quality(QualityIssue::TooDark)));
    }

    #[test]
    fn a_frame_from_before_or_from_twice_does_not_count() {
        let mut it = Collector::new(Monotonic::from_micros(500_000), 0.5);
        it.take(good(400, 1));
        it.take(good(500, 1));
        assert_eq!((it.progress(), it.hint()), (0, Hint::Nobody), "the person before");
        it.take(good(900, 1));
        it.take(good(900, 1));
        assert_eq!(it.progress(), 1);
    }

    #[test]
    fn a_photograph_that_nobody_waits_for_is_gone() {
        let slot = CaptureSlot::new();
        let photograph = || GreyPicture { width: 1, height: 1, pixels: zeroize::Zeroizing::new(vec![1]) };
        slot.set(Lens::Capturing);
        slot.put_photograph(PhotoNumber(1), photograph());
        slot.put_reference(PhotoNumber(1), None);
        slot.set(Lens::Held);
        slot.set(Lens::Capturing);
        assert!(slot.take_photograph().is_none() && slot.take_reference().is_none());
        slot.put_photograph(PhotoNumber(2), photograph());
        assert!(slot.take_photograph().is_some());
    }

    #[test]
    fn a_face_taken_for_one_person_is_not_there_for_the_next() {
        let slot = CaptureSlot::new();
        slot.set(Lens::Capturing);
        slot.put(good(1, 1));
        slot.set(Lens::Held);
        slot.set(Lens::Capturing);
        assert!(slot.take().is_none());
        assert_eq!(slot.lens(), Lens::Capturing);
    }
}
