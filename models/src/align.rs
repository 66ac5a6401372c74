//! From five landmarks to the sample: the face turned, scaled and moved to where the embedder expects it.

use crate::image::Image;
use crate::lines::Level;
use crate::picture::Picture;
use crate::resample;

/// Width and height of a sample in pixels.
pub const SAMPLE_SIDE: usize = 112;

/// Where the five landmarks lie in a sample, in pixels: the template that ArcFace introduced and SFace was trained with.
const LANDMARKS_IN_SAMPLE: [Point; 5] = [
    Point { x: 38.2946, y: 51.6963 },
    Point { x: 73.5318, y: 51.5014 },
    Point { x: 56.0252, y: 71.7366 },
    Point { x: 41.5493, y: 92.3655 },
    Point { x: 70.7299, y: 92.2041 },
];

/// A position in a picture, in pixels from the centre of the top left pixel.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Point {
    /// To the right.
    pub x: f32,
    /// Down.
    pub y: f32,
}

impl Point {
    /// The distance to another point, in pixels.
    #[must_use]
    pub fn distance(self, other: Self) -> f32 {
        (self.x - other.x).hypot(self.y - other.y)
    }
}

/// Five points of a face. Right and left are the subject's: the right eye is on the left of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Landmarks {
    /// Centre of the subject's right eye.
    pub right_eye: Point,
    /// Centre of the subject's left eye.
    pub left_eye: Point,
    /// Tip of the nose.
    pub nose: Point,
    /// Right corner of the mouth.
    pub right_mouth: Point,
    /// Left corner of the mouth.
    pub left_mouth: Point,
}

impl Landmarks {
    /// In the order of the detector and of the sample's template.
    #[must_use]
    pub fn points(&self) -> [Point; 5] {
        [self.right_eye, self.left_eye, self.nose, self.right_mouth, self.left_mouth]
    }

    /// From the order of [`points`](Self::points).
    #[must_use]
    pub fn from_points([right_eye, left_eye, nose, right_mouth, left_mouth]: [Point; 5]) -> Self {
        Self { right_eye, left_eye, nose, right_mouth, left_mouth }
    }

    /// In a picture that is `factor` times larger.
    pub(crate) fn scaled(&self, factor: f32) -> Self {
        Self::from_points(self.points().map(|point| Point { x: point.x * factor, y: point.y * factor }))
    }

    /// The distance between the eyes, in pixels.
    #[must_use]
    pub fn eye_distance(&self) -> f32 {
        self.right_eye.distance(self.left_eye)
    }
}

/// The aligned face image that is compared: [`SAMPLE_SIDE`] pixels square.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample(Image);

impl Sample {
    /// Cuts the sample out of a picture. Outside the picture is black.
    #[must_use]
    pub fn align<'a>(picture: impl Into<Picture<'a>>, landmarks: &Landmarks) -> Self {
        let mut sample = Self::black();
        sample.align_again(picture.into(), landmarks);
        sample
    }

    /// Nobody's face, to be aligned later.
    pub(crate) fn black() -> Self {
        Self(Image::black(SAMPLE_SIDE, SAMPLE_SIDE))
    }

    /// Becomes the sample of another face, in the memory that it has.
    pub(crate) fn align_again(&mut self, picture: Picture, landmarks: &Landmarks) {
        let similarity = Similarity::between(&landmarks.points(), &LANDMARKS_IN_SAMPLE);
        resample::warp(Level::best(), &mut self.0, picture, &similarity);
    }

    /// A picture that already is one.
    #[must_use]
    pub fn from_image(image: Image) -> Option<Self> {
        (image.width() == SAMPLE_SIDE && image.height() == SAMPLE_SIDE).then_some(Self(image))
    }

    /// The pixels.
    #[must_use]
    pub fn image(&self) -> &Image {
        &self.0
    }
}

/// Rotation, scale and shift: `(x, y)` becomes `(a x - b y + x0, b x + a y + y0)`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Similarity {
    pub(crate) a: f32,
    pub(crate) b: f32,
    pub(crate) x: f32,
    pub(crate) y: f32,
}

impl Similarity {
    /// The similarity that brings `from` closest to `to` by the sum of squares (Umeyama 1991; in the plane, with points
    /// as complex numbers, it is one division). Points that all coincide give the zero map.
    fn between(from: &[Point; 5], to: &[Point; 5]) -> Self {
        let mean = |points: &[Point; 5]| {
            let sum = points
                .iter()
                .fold((0f64, 0f64), |sum, point| (sum.0 + f64::from(point.x), sum.1 + f64::from(point.y)));
            (sum.0 / 5.0, sum.1 / 5.0)
        };
        let ((from_x, from_y), (to_x, to_y)) = (mean(from), mean(to));
        let (mut real, mut imaginary, mut square) = (0f64, 0f64, 0f64);
        for (from, to) in from.iter().zip(to) {
            let (fx, fy) = (f64::from(from.x) - from_x, f64::from(from.y) - from_y);
            let (tx, ty) = (f64::from(to.x) - to_x, f64::from(to.y) - to_y);
            real += fx * tx + fy * ty;
            imaginary += fx * ty - fy * tx;
            square += fx * fx + fy * fy;
        }
        let square = square.max(f64::MIN_POSITIVE);
        let (a, b) = (real / square, imaginary / square);
        let (x, y) = (to_x - (a * from_x - b * from_y), to_y - (b * from_x + a * from_y));
        Self { a: a as f32, b: b as f32, x: x as f32, y: y as f32 }
    }

    pub(crate) fn map(&self, x: f32, y: f32) -> (f32, f32) {
        (self.a * x - self.b * y + self.x, self.b * x + self.a * y + self.y)
    }

    pub(crate) fn inverse(&self) -> Self {
        let square = (self.a * self.a + self.b * self.b).max(f32::MIN_POSITIVE);
        let (a, b) = (self.a / square, -self.b / square);
        Self { a, b, x: -(a * self.x - b * self.y), y: -(b * self.x + a * self.y) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turned_scaled_and_moved_face_is_brought_back_exactly() {
        let moved = Similarity { a: 2.1, b: -0.7, x: 130.0, y: -4.0 };
        let landmarks = LANDMARKS_IN_SAMPLE.map(|point| {
            let (x, y) = moved.map(point.x, point.y);
            Point { x, y }
        });
        let back = Similarity::between(&landmarks, &LANDMARKS_IN_SAMPLE);
        for (landmark, expected) in landmarks.iter().zip(&LANDMARKS_IN_SAMPLE) {
            let (x, y) = back.map(landmark.x, landmark.y);
            assert!(expected.distance(Point { x, y }) < 1e-3);
            let (x, y) = back.inverse().map(expected.x, expected.y);
            assert!(landmark.distance(Point { x, y }) < 1e-3);
        }
    }

    #[test]
    fn landmarks_without_extent_give_a_black_sample_and_no_panic() {
        let image = Image::from_parts(16, 16, vec![200; 16 * 16 * 3]);
        for at in [Point { x: 3.0, y: 3.0 }, Point { x: f32::NAN, y: f32::INFINITY }] {
            let sample = Sample::align(&image, &Landmarks::from_points([at; 5]));
            assert_eq!(sample.image().width(), SAMPLE_SIDE);
        }
    }
}
