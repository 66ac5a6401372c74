//! The five points of a face, followed by their texture from one frontal frame on, the anchor.
//!
//! The detector says where the eyes, the nose and the mouth of *a* face would be: from frame to frame its points jump by
//! two hundredths of the eyes' distance, and on a photograph that is turned or bent it moves the nose as on a turned head.
//! Whether a nose stands out of its face cannot be measured so. Here the places themselves are found again. The face is
//! drawn as it would look from the front if it were flat: of a photograph that is the same picture however it is moved.
//! In it each of the five places is looked for near where it was in the anchor, by normalised correlation, which light
//! and contrast do not change. Of a photograph all five come back to within a hundredth of the eyes' distance; of a head
//! that turns, the nose is somewhere else.

use gate::challenge::Plane;
use gate::challenge::plane::Vector;
use gate::{FacePoints, Followed, QualityIssue, Sight, TrackId};

use crate::align::{Landmarks, Point};
use crate::picture::{Format, Grey, Picture, Pixels, Rgb, Yuyv};
use crate::quality::Quality;

/// Pixels of the flat view for one distance of the eyes: as many as a sample has.
const SCALE: f64 = 32.0;

/// Width and height of the flat view; where the middle of the eyes lies in it.
const SIDE: usize = 72;
const MIDDLE: Vector = [36.0, 18.0];

/// A place is the square that reaches so many pixels to each side.
const HALF: usize = 8;

/// How far an eye or a corner of the mouth may be from where the detector says, in pixels of the flat view: a fifth of the
/// eyes' distance.
const CORNER_REACH: [usize; 2] = [6, 5];

/// The same for the nose, which a turned head moves to the side.
const NOSE_REACH: [usize; 2] = [12, 6];

/// Least correlation. Places of a photograph have 0.9; those of a head fall to this at some 35 degrees.
const LEAST_LIKENESS: f32 = 0.5;

/// An anchor's nose is at most so far from the middle of the face, in eye distances (see [`FacePoints::lean`]).
const MOST_LEAN: f32 = 0.12;

/// A frame that shows the face so many times larger becomes the anchor instead: somebody came nearer. Nobody does by so
/// much during a challenge, and the detector's eyes are true to a tenth.
const LARGER: f32 = 1.5;

/// A frame in which all five places were found in the anchor with at least this correlation, and not all with the second,
/// becomes the second source: it shows the face turned a little, and leads on where the anchor alone does not. Places are
/// never followed over more than that one step, so errors do not add up.
const SECOND_SOURCE: std::ops::Range<f32> = 0.6..0.85;

/// Follows one face.
#[derive(Debug, Clone)]
pub struct Follower {
    anchor: Option<Anchor>,
    last: u64,
    /// The flat view of the anchor, of the second source, and of the frame at hand.
    first: FlatView,
    second: FlatView,
    now: FlatView,
}

/// What is known of the anchor. Places are in eye distances from the middle of the eyes, in the order of the detector.
#[derive(Debug, Clone)]
struct Anchor {
    track: TrackId,
    id: u64,
    eyes: f32,
    places: [Vector; 5],
    /// The same in the second source.
    second: Option<[Vector; 5]>,
}

impl Default for Follower {
    fn default() -> Self {
        Self::new()
    }
}

impl Follower {
    /// One that follows nobody yet.
    #[must_use]
    pub fn new() -> Self {
        let [first, second, now] = std::array::from_fn(|_| FlatView::new());
        Self { anchor: None, last: 0, first, second, now }
    }

    /// Where the anchor's five places are in this frame, and the anchor's number. `None` if there is no anchor yet or one
    /// of the places is not there. A frame that is `good` enough to be compared may become the anchor.
    pub fn follow(
        &mut self,
        track: TrackId,
        picture: Picture,
        landmarks: &Landmarks,
        good: bool,
    ) -> Option<(u64, Landmarks)> {
        let lean = FacePoints::from(landmarks).lean()?.abs();
        let eyes = landmarks.eye_distance();
        self.anchor = self.anchor.take().filter(|anchor| anchor.track == track);
        let outgrown = |anchor: &Anchor| eyes >= anchor.eyes * LARGER;
        if good && lean <= MOST_LEAN && self.anchor.as_ref().is_none_or(outgrown) {
            let places = upright(landmarks);
            self.first.draw(picture, &flat_map(&places, landmarks)?);
            self.last += 1;
            self.anchor = Some(Anchor { track, id: self.last, eyes, places, second: None });
            return Some((self.last, *landmarks));
        }
        let anchor = self.anchor.as_mut()?;
        let map = flat_map(&anchor.places, landmarks)?;
        self.now.draw(picture, &map);
        let (mut found, mut least) = ([[0.0; 2]; 5], f32::INFINITY);
        for (index, (found, place)) in found.iter_mut().zip(anchor.places).enumerate() {
            let reach = if index == NOSE { NOSE_REACH } else { CORNER_REACH };
            let first = self.first.find(place, &self.now, place, reach);
            let second = || {
                let from = anchor.second.as_ref()?[index];
                self.second.find(from, &self.now, place, reach)
            };
            let (there, likeness) = first.or_else(second)?;
            least = least.min(if first.is_some() { likeness } else { 0.0 });
            *found = there;
        }
        if SECOND_SOURCE.contains(&least) {
            std::mem::swap(&mut self.second, &mut self.now);
            anchor.second = Some(found);
        }
        let pixel = |place: Vector| {
            let [x, y] = map.apply(place);
            Point { x: x as f32, y: y as f32 }
        };
        Some((anchor.id, Landmarks::from_points(found.map(pixel))))
    }
}

/// What the judge of the head-turn challenge is to see of a frame; `None` if the face is too dark, washed out, blurred or
/// cut off, so that its points say nothing.
#[must_use]
pub fn sight(quality: &Quality, landmarks: &Landmarks, followed: Option<Followed>) -> Option<Sight> {
    let frontal = match quality.issue() {
        None => true,
        Some(QualityIssue::NotFrontal | QualityIssue::TooFar) => false,
        Some(
            QualityIssue::OutOfFrame
            | QualityIssue::TooDark
            | QualityIssue::TooBright
            | QualityIssue::Blurred,
        ) => return None,
    };
    Some(Sight { seen: FacePoints::from(landmarks), followed, frontal })
}

/// For the judge of the head-turn challenge, which knows nothing of pictures.
impl From<&Landmarks> for FacePoints {
    fn from(landmarks: &Landmarks) -> Self {
        let [right_eye, left_eye, nose, right_mouth, left_mouth] =
            landmarks.points().map(|point| [point.x, point.y]);
        Self { right_eye, left_eye, nose, right_mouth, left_mouth }
    }
}

/// Where the nose is among the five.
const NOSE: usize = 2;

/// Eyes and mouth corners, clockwise as the picture shows them.
fn corners(&[right_eye, left_eye, _, right_mouth, left_mouth]: &[Vector; 5]) -> [Vector; 4] {
    [right_eye, left_eye, left_mouth, right_mouth]
}

fn pixels(landmarks: &Landmarks) -> [Vector; 5] {
    landmarks.points().map(|point| [f64::from(point.x), f64::from(point.y)])
}

/// The five places in eye distances from the middle of the eyes, with the eyes level.
fn upright(landmarks: &Landmarks) -> [Vector; 5] {
    let places = pixels(landmarks);
    let [right, left, ..] = places;
    let across = [left[0] - right[0], left[1] - right[1]];
    let square = across[0] * across[0] + across[1] * across[1];
    places.map(|[x, y]| {
        let (x, y) = (x - (left[0] + right[0]) / 2.0, y - (left[1] + right[1]) / 2.0);
        [(x * across[0] + y * across[1]) / square, (y * across[0] - x * across[1]) / square]
    })
}

/// From eye distances in the anchor to pixels of a frame, as if the face were flat.
fn flat_map(places: &[Vector; 5], landmarks: &Landmarks) -> Option<Plane> {
    let frame = Plane::through(&corners(&pixels(landmarks)))?;
    Some(frame.after(&Plane::through(&corners(places))?.inverse()?))
}

/// The face as it would look from the front if it were flat: brightness, row by row.
#[derive(Clone)]
struct FlatView(Vec<f32>);

/// Nobody's face in a log.
impl std::fmt::Debug for FlatView {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("FlatView(..)")
    }
}

impl FlatView {
    fn new() -> Self {
        Self(vec![0.0; SIDE * SIDE])
    }

    fn draw(&mut self, picture: Picture, map: &Plane) {
        match picture.format() {
            Format::Rgb => self.draw_pixels(&Rgb(picture), picture, map),
            Format::Grey => self.draw_pixels(&Grey(picture), picture, map),
            Format::Yuyv => self.draw_pixels(&Yuyv(picture), picture, map),
        }
    }

    /// Each pixel is the mean of four places inside it: most faces are larger than their flat view.
    fn draw_pixels(&mut self, pixels: &impl Pixels, picture: Picture, map: &Plane) {
        let size = [picture.width(), picture.height()];
        for (index, value) in self.0.iter_mut().enumerate() {
            let at = [index % SIDE, index / SIDE].map(|place| place as f64);
            let part = |right: f64, down: f64| {
                let place = [(at[0] + right - MIDDLE[0]) / SCALE, (at[1] + down - MIDDLE[1]) / SCALE];
                brightness(pixels, size, map.apply(place))
            };
            let parts = [part(-0.25, -0.25), part(0.25, -0.25), part(-0.25, 0.25), part(0.25, 0.25)];
            *value = parts.iter().sum::<f32>() / 4.0;
        }
    }

    /// Where a place of this view is in another, not farther than `reach` from where it may be expected, and how alike
    /// the two are; `None` if it is not there.
    fn find(
        &self,
        place: Vector,
        other: &Self,
        expected: Vector,
        reach: [usize; 2],
    ) -> Option<(Vector, f32)> {
        let pixel =
            |place: Vector| -> Vector { std::array::from_fn(|axis| place[axis] * SCALE + MIDDLE[axis]) };
        let nearest = |place: Vector| place.map(|value| value.round() as isize);
        let (from, around) = (pixel(place), nearest(pixel(expected)));
        let patch = self.patch(nearest(from))?;
        let likeness = |shift: [isize; 2]| {
            let found = other.patch([around[0] + shift[0], around[1] + shift[1]]);
            found.map_or(f32::NEG_INFINITY, |found| patch.likeness(&found))
        };
        let [across, down] = reach.map(|reach| reach as isize);
        let (mut best, mut most) = ([0, 0], f32::NEG_INFINITY);
        for shift in (-down..=down).flat_map(|y| (-across..=across).map(move |x| [x, y])) {
            let likeness = likeness(shift);
            if likeness > most {
                (best, most) = (shift, likeness);
            }
        }
        let inside = best[0].abs() < across && best[1].abs() < down;
        let [x, y] = best;
        let top = [
            peak(likeness([x - 1, y]), most, likeness([x + 1, y])),
            peak(likeness([x, y - 1]), most, likeness([x, y + 1])),
        ];
        let there = std::array::from_fn(|axis| {
            // What was rounded away from the place that is looked for belongs to the place that is found.
            let rest = from[axis] - from[axis].round();
            ((around[axis] + best[axis]) as f64 + top[axis] + rest - MIDDLE[axis]) / SCALE
        });
        (inside && most >= LEAST_LIKENESS).then_some((there, most))
    }

    /// The square around a pixel, if it lies inside.
    fn patch(&self, centre: [isize; 2]) -> Option<Patch> {
        let [left, top] = centre.map(|place| usize::try_from(place).ok()?.checked_sub(HALF));
        let (left, top) = (left?, top?);
        if left + Patch::SIDE > SIDE || top + Patch::SIDE > SIDE {
            return None;
        }
        let row = |row: usize| &self.0[(top + row) * SIDE + left..][..Patch::SIDE];
        let mut patch = Patch([[0.0; Patch::SIDE]; Patch::SIDE]);
        patch.0.iter_mut().enumerate().for_each(|(index, line)| line.copy_from_slice(row(index)));
        Some(patch)
    }
}

/// The texture of one place.
struct Patch([[f32; Self::SIDE]; Self::SIDE]);

impl Patch {
    const SIDE: usize = 2 * HALF + 1;

    /// Normalised correlation, -1 to 1. A place without texture is like nothing.
    fn likeness(&self, other: &Self) -> f32 {
        let (mut sums, mut squares, mut product) = ([0f32; 2], [0f32; 2], 0f32);
        for (left, right) in self.0.as_flattened().iter().zip(other.0.as_flattened()) {
            sums = [sums[0] + left, sums[1] + right];
            squares = [squares[0] + left * left, squares[1] + right * right];
            product += left * right;
        }
        let count = (Self::SIDE * Self::SIDE) as f32;
        let variance = |it: usize| squares[it] - sums[it] * sums[it] / count;
        let (left, right) = (variance(0), variance(1));
        // One grey level of texture, as a mean over the square.
        let textured = left > count && right > count;
        if textured { (product - sums[0] * sums[1] / count) / (left * right).sqrt() } else { 0.0 }
    }
}

/// Where between -0.5 and 0.5 the parabola through three values at -1, 0 and 1 has its top.
fn peak(before: f32, top: f32, after: f32) -> f64 {
    let bend = before - 2.0 * top + after;
    let place = 0.5 * (before - after) / bend;
    if place.is_finite() { f64::from(place.clamp(-0.5, 0.5)) } else { 0.0 }
}

/// Brightness at a place of a picture, 0 to 255, by bilinear interpolation. Beyond the edge the edge goes on.
fn brightness(pixels: &impl Pixels, size: [usize; 2], at: Vector) -> f32 {
    let clamped: [f64; 2] = std::array::from_fn(|axis| at[axis].clamp(0.0, (size[axis] - 1) as f64));
    let [left, top] = clamped.map(|place| place as usize);
    let [right, bottom] = [(left + 1).min(size[0] - 1), (top + 1).min(size[1] - 1)];
    let (across, down) = ((clamped[0] - left as f64) as f32, (clamped[1] - top as f64) as f32);
    let grey = |x: usize, y: usize| {
        let [red, green, blue, _] = pixels.at(x, y);
        (red + 2 * green + blue) as f32 / 4.0
    };
    let above = grey(left, top) * (1.0 - across) + grey(right, top) * across;
    let below = grey(left, bottom) * (1.0 - across) + grey(right, bottom) * across;
    above * (1.0 - down) + below * down
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::image::Image;

    const TRACK: TrackId = TrackId(1);

    /// A picture with texture everywhere, moved by whole pixels.
    fn textured(right: usize, down: usize) -> Image {
        let value = |x: usize, y: usize| {
            let (x, y) = ((x + 500 - right) as f32, (y + 500 - down) as f32);
            let waves =
                (x * 0.21).sin() + (y * 0.17).cos() + (x * 0.083 + y * 0.11).sin() + (x * y * 0.0004).sin();
            (128.0 + 28.0 * waves) as u8
        };
        Image::from_parts(320, 240, (0..320 * 240).flat_map(|at| [value(at % 320, at / 320); 3]).collect())
    }

    fn face(right: f32, down: f32) -> Landmarks {
        let points = [(120.0, 80.0), (180.0, 80.0), (150.0, 114.0), (126.0, 146.0), (174.0, 146.0)];
        Landmarks::from_points(points.map(|(x, y)| Point { x: x + right, y: y + down }))
    }

    fn follow(follower: &mut Follower, picture: &Image, landmarks: &Landmarks) -> Option<(u64, Landmarks)> {
        follower.follow(TRACK, picture.into(), landmarks, true)
    }

    #[test]
    fn the_places_come_back_wherever_the_detector_thinks_they_are() {
        let mut follower = Follower::new();
        assert_eq!(follow(&mut follower, &textured(0, 0), &face(0.0, 0.0)), Some((1, face(0.0, 0.0))));
        for (right, down) in [(0, 0), (7, 3), (40, 20)] {
            let expected = face(right as f32, down as f32);
            for error in [-5.0, -1.5, 0.0, 2.5, 5.0] {
                let mut seen = expected;
                seen.nose.x += error;
                seen.left_eye.x += error;
                seen.right_mouth.y -= error;
                let (anchor, found) = follow(&mut follower, &textured(right, down), &seen).unwrap();
                assert_eq!(anchor, 1);
                for (found, expected) in found.points().iter().zip(expected.points()) {
                    assert!(found.distance(expected) < 1.2, "{right} {down} {error}: {found:?} {expected:?}");
                }
            }
        }
    }

    #[test]
    fn a_new_track_and_a_much_nearer_face_have_an_anchor_of_their_own() {
        let mut follower = Follower::new();
        let (picture, landmarks) = (textured(0, 0), face(0.0, 0.0));
        assert_eq!(follow(&mut follower, &picture, &landmarks).unwrap().0, 1);
        assert_eq!(follow(&mut follower, &picture, &landmarks).unwrap().0, 1);
        assert_eq!(follower.follow(TrackId(2), (&picture).into(), &landmarks, true).unwrap().0, 2);
        assert_eq!(
            follower.follow(TrackId(2), (&picture).into(), &landmarks.scaled(1.6), true).unwrap().0,
            3
        );
        assert_eq!(
            follower.follow(TRACK, (&picture).into(), &landmarks, false),
            None,
            "too poor for an anchor"
        );
    }

    #[test]
    fn a_face_that_is_turned_is_no_anchor() {
        let mut aside = face(0.0, 0.0);
        aside.nose.x += 20.0;
        assert_eq!(follow(&mut Follower::new(), &textured(0, 0), &aside), None);
    }

    #[test]
    fn what_is_not_there_is_not_followed() {
        let mut follower = Follower::new();
        follow(&mut follower, &textured(0, 0), &face(0.0, 0.0)).unwrap();
        let wall = Image::from_parts(320, 240, vec![90; 320 * 240 * 3]);
        assert_eq!(follow(&mut follower, &wall, &face(0.0, 0.0)), None);
        let mut far = face(0.0, 0.0);
        far.nose.y += 25.0;
        assert_eq!(
            follow(&mut follower, &textured(0, 0), &far).map(|(_, found)| found.nose.y < 125.0),
            Some(true)
        );
        for strange in [f32::NAN, f32::INFINITY, -1e30] {
            let mut landmarks = face(0.0, 0.0);
            landmarks.left_eye.x = strange;
            assert_eq!(follow(&mut follower, &textured(0, 0), &landmarks), None, "{strange}");
            landmarks = Landmarks::from_points([Point { x: strange, y: strange }; 5]);
            assert_eq!(follow(&mut follower, &textured(0, 0), &landmarks), None, "{strange}");
        }
    }

    /// Blocks of four pixels, each as bright as a number drawn for it, at most `contrast` from the middle.
    fn blocks(seed: u32, contrast: u32) -> Image {
        let value = |x: usize, y: usize| {
            let mut bits = seed ^ ((x / 4 + 80 * (y / 4)) as u32).wrapping_mul(2_654_435_761);
            bits = (bits ^ (bits >> 15)).wrapping_mul(2_246_822_519);
            (128 + (bits ^ (bits >> 13)) % (contrast + 1)) as u8
        };
        Image::from_parts(320, 240, (0..320 * 240).flat_map(|at| [value(at % 320, at / 320); 3]).collect())
    }

    #[test]
    fn another_face_in_the_same_place_is_not_followed() {
        for seed in 1..40 {
            let mut follower = Follower::new();
            follow(&mut follower, &blocks(0, 100), &face(0.0, 0.0)).unwrap();
            assert_eq!(follow(&mut follower, &blocks(seed, 100), &face(0.0, 0.0)), None, "{seed}");
        }
    }

    #[test]
    fn a_place_without_texture_is_like_nothing_not_even_itself() {
        let mut follower = Follower::new();
        let pale = blocks(0, 1);
        follow(&mut follower, &pale, &face(0.0, 0.0)).unwrap();
        assert_eq!(follow(&mut follower, &pale, &face(0.0, 0.0)), None);
    }

    #[test]
    fn what_went_farther_than_a_head_moves_it_is_not_followed() {
        // A quarter of the eyes' distance, in a texture so wide that its slope leads there.
        let wide = |right: usize| {
            let value = |x: usize, y: usize| {
                let (x, y) = ((x + 500 - right) as f32, y as f32);
                (128.0 + 60.0 * (x * 0.05).sin() + 40.0 * (y * 0.07).cos()) as u8
            };
            Image::from_parts(
                320,
                240,
                (0..320 * 240).flat_map(|at| [value(at % 320, at / 320); 3]).collect(),
            )
        };
        let mut follower = Follower::new();
        follow(&mut follower, &wide(0), &face(0.0, 0.0)).unwrap();
        assert_eq!(follow(&mut follower, &wide(15), &face(0.0, 0.0)), None);
    }
}
