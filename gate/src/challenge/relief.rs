//! How far the nose of a face stands out of the plane of its eyes and mouth corners, from two views of it.
//!
//! Whatever is flat obeys a homography: four points of a photograph, seen again after any motion before any camera, say
//! exactly where a fifth must be. The nose of a head is in front of its four, so when the head turns it leaves that place,
//! towards the side to which the head turns: by its depth times the sine of the turn. That distance is the *relief*.
//!
//! Where a photograph lies, how near it is and how it was moved while the first views were gathered has no influence on
//! it. What has, is the noise of the points, and a photograph that is not flat.

use std::fmt;

use super::plane::{Plane, Vector, cross, difference, dot, length, scaled, scales, sum};

/// The five points of a face in one frame, in pixels, `[right, down]`, of a picture that is **not** mirrored. Right and
/// left are the subject's own: the right eye lies on the left of the picture.
#[derive(Clone, Copy, PartialEq)]
pub struct FacePoints {
    /// Centre of the subject's right eye.
    pub right_eye: [f32; 2],
    /// Centre of the subject's left eye.
    pub left_eye: [f32; 2],
    /// Tip of the nose.
    pub nose: [f32; 2],
    /// Right corner of the mouth.
    pub right_mouth: [f32; 2],
    /// Left corner of the mouth.
    pub left_mouth: [f32; 2],
}

impl FacePoints {
    /// How far apart the eyes are, in pixels.
    #[must_use]
    pub fn eye_distance(&self) -> f32 {
        let [right, left] = [self.right_eye, self.left_eye];
        (left[0] - right[0]).hypot(left[1] - right[1])
    }

    /// How far the nose is from the middle between the two halves of the face, in eye distances, positive towards the
    /// subject's left; `None` if the points are not a face's. 0 from the front; a head turned by ten degrees has about
    /// 0.07.
    #[must_use]
    pub fn lean(&self) -> Option<f32> {
        let view = View::of(self)?;
        let [aside, _] = view.plane.inverse()?.apply(view.nose);
        let lean = (aside - 0.5) as f32;
        lean.is_finite().then_some(lean)
    }
}

/// Nothing of a face in a log.
impl fmt::Debug for FacePoints {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("FacePoints(..)")
    }
}

/// What one frame shows when it is compared with the frontal views.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Relief {
    /// How far the nose has left its place along the line of the eyes, in eye distances of the frontal view at this
    /// frame's scale; positive towards the subject's left.
    pub across: f32,
    /// The same at a right angle to it, positive down.
    pub down: f32,
    /// Least over largest scale of the plane of eyes and mouth: 1 as in the frontal views, the cosine of its turn away
    /// from them otherwise.
    pub foreshortening: f32,
    /// How far apart the eyes would be in this frame if it were frontal, in pixels.
    pub eyes_px: f32,
}

impl Relief {
    /// The length of the displacement, in eye distances.
    #[must_use]
    pub fn length(&self) -> f32 {
        self.across.hypot(self.down)
    }

    fn is_finite(&self) -> bool {
        let Self { across, down, foreshortening, eyes_px } = *self;
        [across, down, foreshortening, eyes_px].iter().all(|value| value.is_finite())
    }

    /// The sine of the angle by which the plane of eyes and mouth is turned away from the frontal views.
    #[must_use]
    pub fn sine(&self) -> f32 {
        (1.0 - self.foreshortening * self.foreshortening).max(0.0).sqrt()
    }
}

/// The frontal views of one face, gathered.
#[derive(Clone, Copy, Default)]
pub struct Baseline {
    frames: u32,
    /// Sums: the nose as a point of the plane of the four others, and these in eye distances.
    nose: Vector,
    corners: [Vector; 4],
}

/// Nothing of a face in a log.
impl fmt::Debug for Baseline {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Baseline({} frames)", self.frames)
    }
}

impl Baseline {
    /// How many views it holds.
    #[must_use]
    pub fn frames(&self) -> u32 {
        self.frames
    }

    /// Adds a view. Says whether it could be used: points that are not those of a frontal face are not.
    pub fn add(&mut self, points: &FacePoints) -> bool {
        let view = View::of(points);
        let nose = view.and_then(|view| Some(view.plane.inverse()?.apply(view.nose)));
        let (Some(view), Some(nose)) = (view, nose.filter(|nose| inside(*nose))) else {
            return false;
        };
        self.frames += 1;
        self.nose = sum(self.nose, nose);
        for (total, corner) in self.corners.iter_mut().zip(view.upright()) {
            *total = sum(*total, corner);
        }
        true
    }

    /// What a later frame shows against the views so far; `None` if there are none, or if the points are not those of a
    /// face: not numbers, mirrored, or so nearly in a line that nothing follows from them.
    #[must_use]
    pub fn relief(&self, points: &FacePoints) -> Option<Relief> {
        let view = View::of(points)?;
        let share = f64::from(self.frames).recip();
        let nose = scaled(self.nose, share);
        let frontal = Plane::through(&self.corners.map(|corner| scaled(corner, share)))?;
        let map = view.plane.after(&frontal.inverse()?);
        let [along, below] = map.slope(frontal.apply(nose));
        let (largest, least) = scales(along, below);
        let away = scaled(difference(view.nose, view.plane.apply(nose)), largest.recip());
        let relief = Relief {
            across: dot(away, view.across) as f32,
            down: cross(view.across, away) as f32,
            foreshortening: (least / largest) as f32,
            eyes_px: largest as f32,
        };
        relief.is_finite().then_some(relief)
    }
}

/// Whether a point of the plane lies between eyes and mouth, where a frontal face has its nose.
fn inside(point: Vector) -> bool {
    point.iter().all(|value| (0.0..=1.0).contains(value))
}

/// Least double area of the triangle at each corner of eyes and mouth, over the square of their longer diagonal. A face
/// has about 0.5 from the front and 0.2 when it is turned by 70 degrees; towards 0 the four points give no plane.
const LEAST_CORNER: f64 = 0.1;

/// One frame's points, checked.
#[derive(Clone, Copy)]
struct View {
    corners: [Vector; 4],
    plane: Plane,
    nose: Vector,
    /// The direction from the right eye to the left, of length 1.
    across: Vector,
    eyes: f64,
}

impl View {
    fn of(points: &FacePoints) -> Option<Self> {
        let wide = |point: [f32; 2]| point.map(f64::from);
        let corners = [points.right_eye, points.left_eye, points.left_mouth, points.right_mouth].map(wide);
        let [right_eye, left_eye, left_mouth, right_mouth] = corners;
        let longer = length(difference(left_mouth, right_eye)).max(length(difference(right_mouth, left_eye)));
        let corner_is_wide = |at: usize| {
            let (before, here, after) = (corners[(at + 3) % 4], corners[at], corners[(at + 1) % 4]);
            cross(difference(here, before), difference(after, here)) >= LEAST_CORNER * longer * longer
        };
        // Corners that all turn to the same side: of a mirrored picture they turn to the other one.
        let is_a_face = longer > 0.0 && (0..4).all(corner_is_wide);
        let nose = wide(points.nose);
        let eyes = length(difference(left_eye, right_eye));
        let across = scaled(difference(left_eye, right_eye), eyes.recip());
        let plane = Plane::through(&corners)?;
        let finite = nose.iter().chain(corners.as_flattened()).all(|value| value.is_finite());
        (is_a_face && finite).then_some(Self { corners, plane, nose, across, eyes })
    }

    /// The corners in eye distances from the middle of the eyes, with the eyes level.
    fn upright(&self) -> [Vector; 4] {
        let middle = scaled(sum(self.corners[0], self.corners[1]), 0.5);
        self.corners.map(|corner| {
            let place = scaled(difference(corner, middle), self.eyes.recip());
            [dot(place, self.across), cross(self.across, place)]
        })
    }
}
