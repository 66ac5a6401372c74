//! Whether a face is good enough to be compared, and if not, what the person can change.
//!
//! Size and position are judged in the picture, the pose by the landmarks, light and sharpness on the sample: there every
//! face has the same size, so one number fits all. The limits were set so that the six photographs of the demo pass as
//! they are, and their copies that are dark, blurred or small do not (see the tests). They are not a measure of how well
//! a face will match.

use gate::QualityIssue;

use crate::align::{Landmarks, Point, SAMPLE_SIDE, Sample};
use crate::detector::{Detection, Rect};

/// Least width of the face in the picture, in pixels. The eyes are about half as far apart: 28 pixels, four fifths of what
/// they are in a sample; with fewer a sample would be mostly interpolated. The box is used and not the eyes themselves,
/// which come closer when a head turns or a picture is blurred.
pub const MIN_FACE_WIDTH: f32 = 60.0;

/// Largest part of the face box that may lie outside the picture. Boxes reach above the hair, so a little is normal.
pub const MAX_OUTSIDE: f32 = 0.1;

/// Largest tilt of the head to a side, in degrees. Alignment turns it back, but a tilt this large is no pose for a gate.
pub const MAX_ROLL_DEGREES: f32 = 25.0;

/// Largest turn: how far the nose leaves the middle between the eyes, in eye distances. A nose stands out about as far as
/// half the eyes' distance, so 0.3 is some 30 degrees.
pub const MAX_YAW: f32 = 0.3;

/// How far down from the eyes to the mouth the nose's tip appears: 0.5 is straight, less looks up, more looks down.
pub const PITCH_RANGE: (f32, f32) = (0.2, 0.85);

/// Least brightness of the brightest tenth of the face, 0 to 255. Highlights tell light from dark skin: a dark face in
/// good light has them, a light face in the dark has not.
pub const MIN_HIGHLIGHT: f32 = 55.0;

/// Largest brightness of the darkest tenth of the face, 0 to 255: eyes, nostrils and shadows stay below unless the
/// picture is washed out.
pub const MAX_SHADOW: f32 = 190.0;

/// Least sharpness (see [`Quality::sharpness`]). The demo's photographs have 0.29 to 1.3; blurred by a Gaussian of one
/// pixel of the sample they have 0.025 to 0.08, by two pixels 0.004 to 0.014, where eyelids and lips begin to run.
pub const MIN_SHARPNESS: f32 = 0.02;

/// What was measured of one face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quality {
    /// Width of the face box in the picture, in pixels.
    pub face_width: f32,
    /// Part of the face box outside the picture, 0 to 1.
    pub outside: f32,
    /// Tilt to a side, in degrees, positive clockwise in the picture.
    pub roll_degrees: f32,
    /// Turn to a side, in eye distances of the nose from the middle.
    pub yaw: f32,
    /// Where the nose lies between eyes (0) and mouth (1).
    pub pitch: f32,
    /// Brightness that a tenth of the face exceeds, 0 to 255.
    pub highlight: f32,
    /// Brightness that nine tenths of the face exceed, 0 to 255.
    pub shadow: f32,
    /// Energy of the fine detail over the energy of all detail: variance of the Laplacian over variance of the
    /// brightness, which light and contrast do not change.
    pub sharpness: f32,
}

impl Quality {
    /// Measures a face that was found in a picture of `width` x `height` pixels.
    #[must_use]
    pub fn measure(detection: &Detection, sample: &Sample, width: usize, height: usize) -> Self {
        let picture = Rect { x: 0.0, y: 0.0, width: width as f32, height: height as f32 };
        let inside = detection.face.shared_area(&picture) / detection.face.area().max(f32::MIN_POSITIVE);
        let (roll_degrees, yaw, pitch) = pose(&detection.landmarks);
        let brightness = Brightness::of(sample);
        Self {
            face_width: detection.face.width,
            outside: 1.0 - inside,
            roll_degrees,
            yaw,
            pitch,
            highlight: brightness.percentile(90),
            shadow: brightness.percentile(10),
            sharpness: brightness.sharpness(),
        }
    }

    /// What to tell the person, or `None` if the face may be compared. The order is that of remedies: who stands too far
    /// away is not told to hold still. Each good case is stated positively, so NaN is refused.
    #[must_use]
    pub fn issue(&self) -> Option<QualityIssue> {
        let near = self.face_width >= MIN_FACE_WIDTH;
        let whole = self.outside <= MAX_OUTSIDE;
        let frontal = self.roll_degrees.abs() <= MAX_ROLL_DEGREES
            && self.yaw.abs() <= MAX_YAW
            && self.pitch >= PITCH_RANGE.0
            && self.pitch <= PITCH_RANGE.1;
        let lit = self.highlight >= MIN_HIGHLIGHT;
        let not_washed_out = self.shadow <= MAX_SHADOW;
        let sharp = self.sharpness >= MIN_SHARPNESS;
        match (near, whole, frontal, lit, not_washed_out, sharp) {
            (true, true, true, true, true, true) => None,
            (false, ..) => Some(QualityIssue::TooFar),
            (_, false, ..) => Some(QualityIssue::OutOfFrame),
            (_, _, false, ..) => Some(QualityIssue::NotFrontal),
            (_, _, _, false, ..) => Some(QualityIssue::TooDark),
            (_, _, _, _, false, _) => Some(QualityIssue::TooBright),
            (_, _, _, _, _, false) => Some(QualityIssue::Blurred),
        }
    }
}

/// Roll in degrees, yaw in eye distances, pitch between eyes and mouth, in coordinates that turn with the eyes.
fn pose(landmarks: &Landmarks) -> (f32, f32, f32) {
    let middle = |a: Point, b: Point| Point { x: (a.x + b.x) / 2.0, y: (a.y + b.y) / 2.0 };
    let eyes = middle(landmarks.right_eye, landmarks.left_eye);
    let mouth = middle(landmarks.right_mouth, landmarks.left_mouth);
    let distance = landmarks.eye_distance().max(f32::MIN_POSITIVE);
    let across = Point {
        x: (landmarks.left_eye.x - landmarks.right_eye.x) / distance,
        y: (landmarks.left_eye.y - landmarks.right_eye.y) / distance,
    };
    let roll = across.y.atan2(across.x).to_degrees();
    let along = |point: Point| (point.x - eyes.x) * across.x + (point.y - eyes.y) * across.y;
    let below = |point: Point| (point.y - eyes.y) * across.x - (point.x - eyes.x) * across.y;
    // A face turned away moves its nose against both eyes and mouth; the middle of both is the face's own axis.
    let yaw = (along(landmarks.nose) - along(mouth) / 2.0) / distance;
    let pitch = below(landmarks.nose) / below(mouth).max(f32::MIN_POSITIVE);
    (roll, yaw, pitch)
}

/// The part of a sample that is face whoever it is: from above the eyes to below the mouth.
const FACE: (std::ops::Range<usize>, std::ops::Range<usize>) = (28..84, 36..104);

/// Pixels of that part.
const WIDTH: usize = FACE.0.end - FACE.0.start;
const PIXELS: usize = WIDTH * (FACE.1.end - FACE.1.start);

/// The brightness of the face in a sample, row by row.
struct Brightness([f32; PIXELS]);

impl Brightness {
    fn of(sample: &Sample) -> Self {
        const { assert!(FACE.0.end <= SAMPLE_SIDE && FACE.1.end <= SAMPLE_SIDE) };
        let (columns, rows) = FACE;
        let mut values = [0.0; PIXELS];
        for (line, y) in values.chunks_exact_mut(WIDTH).zip(rows) {
            let row = &sample.image().rgb()[(y * SAMPLE_SIDE + columns.start) * 3..][..WIDTH * 3];
            for (value, pixel) in line.iter_mut().zip(row.as_chunks::<3>().0) {
                let [red, green, blue] = pixel.map(f32::from);
                *value = 0.299 * red + 0.587 * green + 0.114 * blue;
            }
        }
        Self(values)
    }

    fn percentile(&self, percent: usize) -> f32 {
        let mut values = self.0;
        let rank = (PIXELS - 1) * percent / 100;
        *values.select_nth_unstable_by(rank, f32::total_cmp).1
    }

    fn sharpness(&self) -> f32 {
        let mut detail = [0.0; PIXELS];
        let mut pixels = 0;
        for centre in (1..PIXELS / WIDTH - 1).flat_map(|y| (1..WIDTH - 1).map(move |x| y * WIDTH + x)) {
            let at = |index: usize| self.0[index];
            detail[pixels] =
                at(centre - 1) + at(centre + 1) + at(centre - WIDTH) + at(centre + WIDTH) - 4.0 * at(centre);
            pixels += 1;
        }
        // A face without any contrast has no detail to compare with; one grey level keeps the ratio finite.
        variance(&detail[..pixels]) / variance(&self.0).max(1.0)
    }
}

fn variance(values: &[f32]) -> f32 {
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    values.iter().map(|value| (value - mean) * (value - mean)).sum::<f32>() / values.len() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frontal() -> Landmarks {
        let points = [(38.0, 52.0), (74.0, 52.0), (56.0, 72.0), (42.0, 92.0), (70.0, 92.0)];
        Landmarks::from_points(points.map(|(x, y)| Point { x, y }))
    }

    fn good() -> Quality {
        Quality {
            face_width: 120.0,
            outside: 0.0,
            roll_degrees: 0.0,
            yaw: 0.0,
            pitch: 0.5,
            highlight: 180.0,
            shadow: 60.0,
            sharpness: 0.2,
        }
    }

    #[test]
    fn every_fault_has_its_own_remedy() {
        assert_eq!(good().issue(), None);
        for (bad, issue) in [
            (Quality { face_width: 40.0, ..good() }, QualityIssue::TooFar),
            (Quality { outside: 0.4, ..good() }, QualityIssue::OutOfFrame),
            (Quality { yaw: -0.5, ..good() }, QualityIssue::NotFrontal),
            (Quality { roll_degrees: 40.0, ..good() }, QualityIssue::NotFrontal),
            (Quality { pitch: 0.1, ..good() }, QualityIssue::NotFrontal),
            (Quality { highlight: 20.0, ..good() }, QualityIssue::TooDark),
            (Quality { shadow: 230.0, ..good() }, QualityIssue::TooBright),
            (Quality { sharpness: 0.001, ..good() }, QualityIssue::Blurred),
        ] {
            assert_eq!(bad.issue(), Some(issue), "{bad:?}");
        }
    }

    #[test]
    fn what_is_not_a_number_is_never_good_enough() {
        let nan = f32::NAN;
        for bad in [
            Quality { face_width: nan, ..good() },
            Quality { outside: nan, ..good() },
            Quality { roll_degrees: nan, ..good() },
            Quality { yaw: nan, ..good() },
            Quality { pitch: nan, ..good() },
            Quality { highlight: nan, ..good() },
            Quality { shadow: nan, ..good() },
            Quality { sharpness: nan, ..good() },
        ] {
            assert!(bad.issue().is_some(), "{bad:?}");
        }
    }

    #[test]
    fn pose_is_read_from_the_landmarks_whatever_the_tilt() {
        let (roll, yaw, pitch) = pose(&frontal());
        assert!(roll.abs() < 0.1 && yaw.abs() < 0.01 && (pitch - 0.5).abs() < 0.01);
        let (sin, cos) = 20f32.to_radians().sin_cos();
        let turn =
            |point: Point| Point { x: point.x * cos - point.y * sin, y: point.x * sin + point.y * cos };
        let (roll, yaw, pitch) = pose(&Landmarks::from_points(frontal().points().map(turn)));
        assert!((roll - 20.0).abs() < 0.1 && yaw.abs() < 0.01 && (pitch - 0.5).abs() < 0.01);
        let aside = Landmarks { nose: Point { x: 74.0, y: 72.0 }, ..frontal() };
        assert!((pose(&aside).1 - 0.5).abs() < 0.01);
    }
}
