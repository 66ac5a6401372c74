//! Where to look for faces in the next frame: everywhere, or only around the face that is followed.
//!
//! Searching a whole frame is the dearest thing that is done for it, and while one person stands before the camera it
//! finds the same face again and again. So between two searches of the whole frame only the surroundings of the last face
//! are searched. Whoever is not found there is looked for everywhere, in the same frame. Whoever comes in from the side
//! meanwhile is seen after [`LONGEST_NARROW_VIEW`] at the latest; whoever steps in front of the face is seen at once.
//!
//! The surroundings are searched at a fixed scale, which suits the detector's landmarks: over the six photographs placed
//! in frames of 1280 x 720 and moved by a few pixels eight times, templates score at least 0.64 against the same person's
//! other photograph (0.71 in the mean), near or far; with a search of the whole frame 0.67 near and 0.46 far away.
//!
//! What this cannot weaken: a track is confirmed by its template in every frame, whichever part was searched, so another
//! person in the same place breaks it as before.

use std::time::Duration;

use gate::Monotonic;

use crate::detector::{NEAR_SIDE, Rect};
use crate::resample::Window;

/// How long nothing but the followed face's surroundings may be looked at. Walking, a person comes less than half a metre
/// nearer in this time, so whoever becomes the foremost face does so hardly later than with a search of every frame. A
/// decision may fall before they are seen: it is about the face that is in each of its frames, not about them.
pub const LONGEST_NARROW_VIEW: Duration = Duration::from_millis(300);

/// How many frames in a row are searched only there, should time stand still: those of a camera of 30 a second.
pub const MOST_NARROW_VIEWS: u32 = 9;

/// The surroundings: this many times the longer side of the face. It may move by three quarters of itself in any
/// direction and is still whole; the tracker follows it for about half.
const SURROUNDINGS: f32 = 2.5;

/// Remembers when everything was looked at.
#[derive(Debug, Default)]
pub(crate) struct Gaze {
    whole: Option<Monotonic>,
    narrow: u32,
}

impl Gaze {
    /// The part of a frame of `size` that is enough to search, or `None` for all of it. `followed` is where the followed
    /// face was in the frame before; a face that was not there is looked for everywhere.
    pub(crate) fn window(
        &self,
        captured: Monotonic,
        size: (usize, usize),
        followed: Option<Rect>,
    ) -> Option<Window> {
        let face = followed?;
        let recent = captured.since(self.whole?) < LONGEST_NARROW_VIEW && self.narrow < MOST_NARROW_VIEWS;
        if recent { surroundings(&face, size) } else { None }
    }

    /// The whole frame was searched.
    pub(crate) fn saw_everything(&mut self, captured: Monotonic) {
        (self.whole, self.narrow) = (Some(captured), 0);
    }

    /// Only the surroundings were searched.
    pub(crate) fn saw_surroundings(&mut self) {
        self.narrow += 1;
    }
}

/// A square around a face, no smaller than the detector's input and moved inside the frame; `None` if the face has no
/// place in it.
fn surroundings(face: &Rect, (width, height): (usize, usize)) -> Option<Window> {
    let side = face.width.max(face.height) * SURROUNDINGS;
    let centre = face.centre();
    let inside = (0.0..width as f32).contains(&centre.x) && (0.0..height as f32).contains(&centre.y);
    if !inside || !side.is_finite() {
        return None;
    }
    let side = (side.ceil() as usize).max(NEAR_SIDE);
    let (left, width) = placed(centre.x, side, width);
    let (top, height) = placed(centre.y, side, height);
    Some(Window { left, top, width, height })
}

/// First pixel and length of a span around `centre`. Both are even where the frame is: YUYV pixels come in pairs.
fn placed(centre: f32, side: usize, frame: usize) -> (usize, usize) {
    let length = side.next_multiple_of(2).min(frame);
    let first = ((centre - length as f32 / 2.0).max(0.0) as usize).min(frame - length);
    (first - first % 2, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (usize, usize) = (1_280, 720);
    const FACE: Rect = Rect { x: 600.0, y: 300.0, width: 100.0, height: 130.0 };

    fn at(milliseconds: u64) -> Monotonic {
        Monotonic::from_micros(milliseconds * 1_000)
    }

    /// Plays frames of a face that stays, and says which were searched as a whole.
    fn play(times: impl Iterator<Item = u64>) -> Vec<bool> {
        let mut gaze = Gaze::default();
        let step = |time: u64| {
            let whole = gaze.window(at(time), SIZE, Some(FACE)).is_none();
            if whole {
                gaze.saw_everything(at(time))
            } else {
                gaze.saw_surroundings()
            }
            whole
        };
        times.map(step).collect()
    }

    #[test]
    fn everything_is_looked_at_again_in_bounded_time_at_every_speed_of_a_camera() {
        for interval in [1, 7, 33, 100, 250, 1_000] {
            let whole = play((0..400).map(|frame| frame * interval));
            assert!(whole[0]);
            let mut last = 0;
            for (frame, _) in whole.iter().enumerate().filter(|(_, whole)| **whole) {
                let unseen = Duration::from_millis((frame as u64 - last).saturating_sub(1) * interval);
                assert!(unseen < LONGEST_NARROW_VIEW, "every {interval} ms: {unseen:?}");
                last = frame as u64;
            }
            assert!(399 - last <= u64::from(MOST_NARROW_VIEWS) + 1);
        }
    }

    #[test]
    fn a_clock_that_stands_still_or_goes_back_does_not_narrow_the_view_for_ever() {
        for times in [vec![5_000; 40], (0..40).rev().map(|frame| frame * 100).collect()] {
            let whole = play(times.into_iter());
            assert_eq!(whole.iter().filter(|whole| **whole).count(), 4);
        }
    }

    #[test]
    fn without_a_face_everything_is_looked_at() {
        let mut gaze = Gaze::default();
        assert_eq!(gaze.window(at(0), SIZE, Some(FACE)), None, "nothing has been seen yet");
        gaze.saw_everything(at(0));
        assert_eq!(gaze.window(at(1), SIZE, None), None);
        assert!(gaze.window(at(1), SIZE, Some(FACE)).is_some());
    }

    #[test]
    fn surroundings_lie_in_the_frame_and_hold_the_face() {
        for (x, y) in [(600.0, 300.0), (0.0, 0.0), (-40.0, -50.0), (1_220.0, 650.0), (1_150.3, 2.9)] {
            let face = Rect { x, y, ..FACE };
            let window = surroundings(&face, SIZE).expect("its centre is in the frame");
            assert!(window.left + window.width <= 1_280 && window.top + window.height <= 720, "{window:?}");
            assert!(window.left.is_multiple_of(2) && window.width.is_multiple_of(2));
            let whole = Rect { x: 0.0, y: 0.0, width: 1_280.0, height: 720.0 };
            let (left, top) = (window.left as f32, window.top as f32);
            let seen = Rect { x: left, y: top, width: window.width as f32, height: window.height as f32 };
            assert_eq!(face.shared_area(&seen), face.shared_area(&whole));
        }
        let tiny = surroundings(&Rect { x: 600.0, y: 300.0, width: 12.0, height: 15.0 }, SIZE);
        assert_eq!(tiny.map(|window| (window.width, window.height)), Some((NEAR_SIDE, NEAR_SIDE)));
        let all = surroundings(&Rect { x: 10.0, y: 10.0, width: 80.0, height: 90.0 }, (101, 99));
        assert_eq!(all, Some(Window { left: 0, top: 0, width: 101, height: 99 }));
    }

    #[test]
    fn a_face_that_is_nowhere_has_no_surroundings() {
        for strange in [f32::NAN, f32::INFINITY, -1e30, 1e30] {
            assert_eq!(surroundings(&Rect { x: strange, ..FACE }, SIZE), None, "{strange}");
            assert_eq!(surroundings(&Rect { y: strange, ..FACE }, SIZE), None, "{strange}");
            assert_eq!(surroundings(&Rect { height: strange, ..FACE }, SIZE), None, "{strange}");
        }
    }
}
