//! One face, followed from frame to frame without a break.
//!
//! A visit is one continuous track: attack detection and comparison must speak of the same person throughout. The
//! tracker follows one face, the *subject*: the largest near the centre, inside the guide that the screen draws. The
//! track goes on while the face's box overlaps the box before; it ends when the face was away too long, when a much
//! larger face steps in front, or when the templates say that somebody else is there now. A track that ended never comes
//! back: the next has a new number.

use std::time::Duration;

use gate::{Monotonic, Template, TrackId};

use crate::detector::{Detection, Rect, prominence};
use crate::vision::{BYSTANDER_AREA, BYSTANDER_SCORE};

/// Least overlap of two boxes, from one frame to the next, that are the same face. At ten frames a second a walking
/// person's face moves less than half its width.
pub const MIN_OVERLAP: f32 = 0.3;

/// How long a face may be away (a blink of the detector, a hand before the face) before its track ends. Longer than a slow
/// processor needs for a frame; that nobody else took the place meanwhile is what the templates say.
pub const MAX_GAP: Duration = Duration::from_millis(1_000);

/// How many frames in a row may miss the face, however fast the camera is.
pub const MAX_MISSED_FRAMES: u32 = 3;

/// How many times larger another face must be to become the subject while the followed one is still there.
pub const TAKEOVER_AREA: f32 = 2.0;

/// Least cosine with the track's first template for the face to be the same person's. Frames of one visit score far
/// above it, different people nearly always below (SFace's FMR here is under 1e-4); a false break only costs a restart.
pub const SAME_FACE_SCORE: f32 = 0.45;

/// The part of the frame in which a face can be the subject: what the screen draws as the guide. In fractions of the
/// frame's width and height; the centre of the face must lie inside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Guide {
    /// Left edge, 0 to 1.
    pub left: f32,
    /// Right edge, 0 to 1.
    pub right: f32,
    /// Upper edge, 0 to 1.
    pub top: f32,
    /// Lower edge, 0 to 1.
    pub bottom: f32,
}

impl Default for Guide {
    /// The middle: people beside the queue do not count.
    fn default() -> Self {
        Self { left: 0.15, right: 0.85, top: 0.1, bottom: 0.9 }
    }
}

impl Guide {
    fn holds(&self, face: &Rect, (width, height): (usize, usize)) -> bool {
        let centre = face.centre();
        let (x, y) = (centre.x / width as f32, centre.y / height as f32);
        x >= self.left && x <= self.right && y >= self.top && y <= self.bottom
    }
}

/// The subject of one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tracked {
    /// The unbroken track it belongs to.
    pub track: TrackId,
    /// Where it is in this frame.
    pub detection: Detection,
}

/// Follows the subject.
#[derive(Debug)]
pub struct Tracker {
    guide: Guide,
    last_id: u64,
    current: Option<Track>,
    /// The first template of the track, once it has one: everything later is compared with it, so that no series of small
    /// changes leads from one person to another. Its memory serves the next track's.
    anchor: Option<Template>,
}

#[derive(Debug)]
struct Track {
    id: TrackId,
    face: Rect,
    seen: Monotonic,
    missed: u32,
    /// Whether the anchor is this track's.
    anchored: bool,
}

impl Tracker {
    /// A tracker that has seen nobody.
    #[must_use]
    pub fn new(guide: Guide) -> Self {
        Self { guide, last_id: 0, current: None, anchor: None }
    }

    /// Takes the faces of one frame of `size` (width, height) pixels, captured at `captured`, and returns its subject, if
    /// it shows one.
    pub fn update(
        &mut self,
        captured: Monotonic,
        size: (usize, usize),
        faces: &[Detection],
    ) -> Option<Tracked> {
        let guide = self.guide;
        let inside = || faces.iter().filter(move |found| guide.holds(&found.face, size));
        let weight = |found: &&Detection| prominence(&found.face, size.0, size.1);
        let foremost = inside().max_by(|left, right| weight(left).total_cmp(&weight(right)));
        self.end_if_away_too_long(captured);
        let followed = self.current.as_ref().and_then(|track| continuation(track, inside()));
        match (followed, foremost) {
            (Some(same), Some(other)) if other.face.area() < same.face.area() * TAKEOVER_AREA => {
                Some(self.follow(captured, same))
            }
            (None, None) => {
                self.miss();
                None
            }
            // The followed face is not in this frame but somebody is: only once its time is over may another be subject.
            (None, Some(_)) if self.current.is_some() => {
                self.miss();
                None
            }
            (_, Some(other)) => {
                self.current = None;
                Some(self.follow(captured, other))
            }
            (Some(_), None) => unreachable!("a followed face is one of those inside"),
        }
    }

    /// How many other faces are inside the guide that could be meant as well: what is much smaller than the subject, or
    /// hardly looks like a face, could not.
    #[must_use]
    pub fn bystanders(&self, size: (usize, usize), faces: &[Detection], subject: Option<&Tracked>) -> usize {
        let area = subject.map_or(0.0, |subject| subject.detection.face.area());
        let meant = |other: &&Detection| {
            subject.is_none_or(|subject| **other != subject.detection)
                && self.guide.holds(&other.face, size)
                && other.score >= BYSTANDER_SCORE
                && other.face.area() >= area * BYSTANDER_AREA
        };
        faces.iter().filter(meant).count()
    }

    /// Compares the subject's template with the first of its track and returns the track it belongs to: the same, or a
    /// new one if the face in the box has become somebody else's. `None` if nobody is followed.
    pub fn confirm(&mut self, template: &Template) -> Option<TrackId> {
        let track = self.current.as_mut()?;
        let anchor = self.anchor.as_ref().filter(|_| track.anchored);
        let alike =
            |anchor: &Template| anchor.compare(template).is_ok_and(|score| score.0 >= SAME_FACE_SCORE);
        match anchor.map(alike) {
            Some(true) => {}
            None => set_anchor(&mut self.anchor, template),
            Some(false) => {
                self.last_id += 1;
                track.id = TrackId(self.last_id);
                set_anchor(&mut self.anchor, template);
            }
        }
        track.anchored = true;
        Some(track.id)
    }

    /// Where the followed face was in the last frame, if it was there.
    pub(crate) fn followed(&self) -> Option<Rect> {
        self.current.as_ref().filter(|track| track.missed == 0).map(|track| track.face)
    }

    /// Whether one of these faces continues the track, so that the rest of the frame need not be searched for it.
    pub(crate) fn continues_with(&self, faces: &[Detection]) -> bool {
        self.current.as_ref().is_some_and(|track| continuation(track, faces.iter()).is_some())
    }

    fn end_if_away_too_long(&mut self, captured: Monotonic) {
        let ended = |track: &Track| captured.since(track.seen) > MAX_GAP || track.missed >= MAX_MISSED_FRAMES;
        if self.current.as_ref().is_some_and(ended) {
            self.current = None;
        }
    }

    fn miss(&mut self) {
        if let Some(track) = &mut self.current {
            track.missed += 1;
        }
    }

    /// Continues the current track with this face, or starts one.
    fn follow(&mut self, captured: Monotonic, found: &Detection) -> Tracked {
        let track = self.current.get_or_insert_with(|| {
            self.last_id += 1;
            Track { id: TrackId(self.last_id), face: found.face, seen: captured, missed: 0, anchored: false }
        });
        track.face = found.face;
        track.seen = captured;
        track.missed = 0;
        Tracked { track: track.id, detection: *found }
    }
}

/// The face that continues a track, if one does.
fn continuation<'a>(track: &Track, faces: impl Iterator<Item = &'a Detection>) -> Option<&'a Detection> {
    let overlap = |found: &&Detection| found.face.overlap(&track.face);
    let best = faces.max_by(|left, right| overlap(left).total_cmp(&overlap(right)))?;
    (overlap(&best) >= MIN_OVERLAP).then_some(best)
}

/// Remembers a track's first template, in the memory of the one before if both are of one model.
fn set_anchor(anchor: &mut Option<Template>, template: &Template) {
    let kept = anchor
        .as_mut()
        .filter(|old| old.model() == template.model())
        .is_some_and(|old| old.replace(template.vector()).is_ok());
    if !kept {
        *anchor = Some(template.clone());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use gate::ModelId;

    use super::*;
    use crate::align::Landmarks;

    const SIZE: (usize, usize) = (640, 480);

    fn face(x: f32, y: f32, side: f32) -> Detection {
        let face = Rect { x: x - side / 2.0, y: y - side / 2.0, width: side, height: side };
        Detection { face, landmarks: Landmarks::default(), score: 0.9 }
    }

    fn at(milliseconds: u64) -> Monotonic {
        Monotonic::from_micros(milliseconds * 1_000)
    }

    /// Plays frames 100 ms apart and returns the track of each.
    fn play(tracker: &mut Tracker, frames: &[&[Detection]]) -> Vec<Option<u64>> {
        let step = |(index, faces): (usize, &&[Detection])| {
            tracker.update(at(index as u64 * 100), SIZE, faces).map(|tracked| tracked.track.0)
        };
        frames.iter().enumerate().map(step).collect()
    }

    fn template(x: f32, y: f32) -> Template {
        Template::new(ModelId::new("toy"), vec![x, y]).unwrap()
    }

    #[test]
    fn a_face_that_moves_a_little_stays_one_track() {
        let frames: Vec<Vec<Detection>> =
            (0..20).map(|step| vec![face(200.0 + step as f32 * 10.0, 240.0, 100.0)]).collect();
        let frames: Vec<&[Detection]> = frames.iter().map(Vec::as_slice).collect();
        assert_eq!(play(&mut Tracker::new(Guide::default()), &frames), vec![Some(1); 20]);
    }

    #[test]
    fn a_face_that_jumps_is_another_track_and_only_after_the_first_has_ended() {
        let (here, there) = ([face(200.0, 240.0, 100.0)], [face(420.0, 240.0, 100.0)]);
        let tracks =
            play(&mut Tracker::new(Guide::default()), &[&here, &there, &there, &there, &there, &there]);
        assert_eq!(tracks, [Some(1), None, None, None, Some(2), Some(2)]);
    }

    #[test]
    fn a_short_gap_is_forgiven_and_a_long_one_is_not() {
        let here = [face(320.0, 240.0, 100.0)];
        let tracks =
            play(&mut Tracker::new(Guide::default()), &[&here, &[], &[], &here, &[], &[], &[], &here]);
        assert_eq!(tracks, [Some(1), None, None, Some(1), None, None, None, Some(2)]);
        let mut slow = Tracker::new(Guide::default());
        assert_eq!(slow.update(at(0), SIZE, &here).unwrap().track, TrackId(1));
        assert_eq!(
            slow.update(at(1_001), SIZE, &here).unwrap().track,
            TrackId(2),
            "nobody looked for 1,001 ms"
        );
    }

    #[test]
    fn somebody_else_behind_does_not_take_over_and_somebody_stepping_in_front_does() {
        let subject = face(320.0, 240.0, 100.0);
        let behind = face(400.0, 240.0, 60.0);
        let slightly_larger = face(420.0, 240.0, 130.0);
        let in_front = face(330.0, 250.0, 220.0);
        let mut tracker = Tracker::new(Guide::default());
        let frames: [&[Detection]; 4] =
            [&[subject, behind], &[behind, subject], &[subject, slightly_larger], &[subject, in_front]];
        assert_eq!(play(&mut tracker, &frames), [Some(1), Some(1), Some(1), Some(2)]);
    }

    #[test]
    fn a_face_outside_the_guide_is_nobody() {
        let mut tracker = Tracker::new(Guide::default());
        assert_eq!(tracker.update(at(0), SIZE, &[face(50.0, 240.0, 90.0), face(320.0, 460.0, 90.0)]), None);
        assert_eq!(tracker.update(at(1), SIZE, &[face(f32::NAN, 240.0, 90.0)]), None);
    }

    #[test]
    fn another_person_in_the_same_box_breaks_the_track() {
        let mut tracker = Tracker::new(Guide::default());
        let here = [face(320.0, 240.0, 100.0)];
        assert_eq!(tracker.confirm(&template(1.0, 0.0)), None);
        tracker.update(at(0), SIZE, &here);
        assert_eq!(tracker.confirm(&template(1.0, 0.0)), Some(TrackId(1)));
        tracker.update(at(100), SIZE, &here);
        assert_eq!(
            tracker.confirm(&template(1.0, 0.5)),
            Some(TrackId(1)),
            "the same person, turned a little"
        );
        assert_eq!(tracker.confirm(&template(0.1, 1.0)), Some(TrackId(2)), "somebody else");
        assert_eq!(tracker.update(at(200), SIZE, &here).unwrap().track, TrackId(2));
        assert_eq!(
            tracker.confirm(&template(1.0, 0.0)),
            Some(TrackId(3)),
            "the first comes back as a new track"
        );
    }

    #[test]
    fn a_new_track_begins_with_its_own_template_whoever_was_followed_before() {
        let mut tracker = Tracker::new(Guide::default());
        let here = [face(320.0, 240.0, 100.0)];
        tracker.update(at(0), SIZE, &here);
        assert_eq!(tracker.confirm(&template(1.0, 0.0)), Some(TrackId(1)));
        tracker.update(at(5_000), SIZE, &here);
        assert_eq!(tracker.confirm(&template(0.0, 1.0)), Some(TrackId(2)), "somebody else came later");
        assert_eq!(tracker.confirm(&template(1.0, 0.0)), Some(TrackId(3)));
    }

    #[test]
    fn a_series_of_small_changes_does_not_lead_from_one_person_to_another() {
        let mut tracker = Tracker::new(Guide::default());
        tracker.update(at(0), SIZE, &[face(320.0, 240.0, 100.0)]);
        let turned = |degrees: f32| template(degrees.to_radians().cos(), degrees.to_radians().sin());
        let tracks: Vec<u64> =
            (0..10).map(|step| tracker.confirm(&turned(step as f32 * 15.0)).unwrap().0).collect();
        assert_eq!(tracks[..5], [1; 5]);
        assert_ne!(tracks[9], 1);
    }

    #[test]
    fn a_track_that_ended_never_comes_back() {
        let mut tracker = Tracker::new(Guide::default());
        let mut seen = std::collections::HashSet::new();
        for visit in 0..50u64 {
            let tracked = tracker.update(at(visit * 2_000), SIZE, &[face(320.0, 240.0, 100.0)]).unwrap();
            assert!(seen.insert(tracked.track));
        }
    }
}
