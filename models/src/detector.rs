//! Faces and their five landmarks, by YuNet.
//!
//! The network answers for every cell of three grids (8, 16 and 32 pixels wide) with a class score, an object score, a
//! box and five points; what is decoded here follows OpenCV's FaceDetectorYN, against which a test compares it.

use std::path::Path;

use crate::align::{Landmarks, Point};
use crate::card::Card;
use crate::error::ModelError;
use crate::image::Image;
use crate::input;
use crate::network::{Network, Outputs, Threads};
use crate::resample;

/// Detections below this are dropped. The weakest face among 7,701 of LFW has 0.86; OpenCV's default of 0.9 loses some.
pub const SCORE_THRESHOLD: f32 = 0.6;

/// Pictures with a longer side than this are shrunk for detection. A face is found from about 12 pixels on, and one that
/// can be compared is 60 wide; what is smaller than that at this size stands too far away. Larger pictures
/// would cost more time and lose the largest faces, which outgrow the widest grid.
pub const MAX_SIDE: usize = 640;

/// Two boxes that share more than this part of their union show one face.
const NMS_OVERLAP: f32 = 0.3;

/// Candidates that are considered, best first: bounds the quadratic suppression whatever the picture holds.
const MAX_CANDIDATES: usize = 1_000;

const STRIDES: [usize; 3] = [8, 16, 32];

/// A rectangle in a picture, in pixels; it may reach beyond the edges.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rect {
    /// Left edge.
    pub x: f32,
    /// Upper edge.
    pub y: f32,
    /// To the right.
    pub width: f32,
    /// Down.
    pub height: f32,
}

impl Rect {
    /// The middle.
    #[must_use]
    pub fn centre(&self) -> Point {
        Point { x: self.x + self.width / 2.0, y: self.y + self.height / 2.0 }
    }

    /// Square pixels.
    #[must_use]
    pub fn area(&self) -> f32 {
        self.width * self.height
    }

    /// The part that lies inside `other`, in square pixels.
    #[must_use]
    pub fn shared_area(&self, other: &Self) -> f32 {
        let width = (self.x + self.width).min(other.x + other.width) - self.x.max(other.x);
        let height = (self.y + self.height).min(other.y + other.height) - self.y.max(other.y);
        if width > 0.0 && height > 0.0 { width * height } else { 0.0 }
    }

    /// Shared area over united area: 0 apart, 1 equal.
    #[must_use]
    pub fn overlap(&self, other: &Self) -> f32 {
        let shared = self.shared_area(other);
        shared / (self.area() + other.area() - shared).max(f32::MIN_POSITIVE)
    }

    fn scaled(&self, factor: f32) -> Self {
        Self {
            x: self.x * factor,
            y: self.y * factor,
            width: self.width * factor,
            height: self.height * factor,
        }
    }
}

/// One face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// From forehead to chin.
    pub face: Rect,
    /// Eyes, nose, mouth.
    pub landmarks: Landmarks,
    /// 0 to 1.
    pub score: f32,
}

impl Detection {
    fn scaled(&self, factor: f32) -> Self {
        let landmarks =
            self.landmarks.points().map(|point| Point { x: point.x * factor, y: point.y * factor });
        Self {
            face: self.face.scaled(factor),
            landmarks: Landmarks::from_points(landmarks),
            score: self.score,
        }
    }
}

/// How much a face is the subject of a picture of this size: its area, less twice the squared distance of its centre from
/// the picture's, in square pixels. The largest face nearest the centre has the highest value; it may be negative.
#[must_use]
pub fn prominence(face: &Rect, width: usize, height: usize) -> f32 {
    let centre = face.centre();
    let (x, y) = (centre.x - width as f32 / 2.0, centre.y - height as f32 / 2.0);
    face.area() - 2.0 * (x * x + y * y)
}

/// The face with the highest [`prominence`], if there is one.
#[must_use]
pub fn foremost(faces: &[Detection], width: usize, height: usize) -> Option<&Detection> {
    let weight = |found: &&Detection| prominence(&found.face, width, height);
    faces.iter().max_by(|left, right| weight(left).total_cmp(&weight(right)))
}

/// Finds faces.
#[derive(Debug)]
pub struct Detector {
    card: Card,
    network: Network,
}

impl Detector {
    /// Loads the detector from the directory that `cargo xtask models` fills.
    ///
    /// # Errors
    /// [`ModelError`] if the weights are missing, changed or not understood.
    pub fn load(models: &Path, threads: &Threads) -> Result<Self, ModelError> {
        let card = Card::yunet();
        let network = Network::from_onnx(&card.file, &card.open_weights(models)?, None, threads)?;
        Ok(Self { card, network })
    }

    /// The faces of a picture, most certain first. Large pictures are shrunk to [`MAX_SIDE`]; the result is in the
    /// coordinates of the picture that was given.
    ///
    /// # Errors
    /// [`ModelError`] if the network cannot be run.
    pub fn detect(&mut self, image: &Image) -> Result<Vec<Detection>, ModelError> {
        match resample::shrink_to(image, MAX_SIDE) {
            None => self.detect_at_own_size(image),
            Some((small, factor)) => {
                let found = self.detect_at_own_size(&small)?;
                Ok(found.iter().map(|detection| detection.scaled(factor.recip())).collect())
            }
        }
    }

    /// The faces of a picture, most certain first, searched at the picture's own size whatever it costs: about 100 bytes
    /// of memory a pixel.
    ///
    /// # Errors
    /// [`ModelError`] if the network cannot be run.
    pub fn detect_at_own_size(&mut self, image: &Image) -> Result<Vec<Detection>, ModelError> {
        let coarsest = STRIDES[STRIDES.len() - 1];
        let (width, height) =
            (image.width().next_multiple_of(coarsest), image.height().next_multiple_of(coarsest));
        let outputs = input::run(&mut self.network, &self.card, image, width, height)?;
        let mut candidates = Vec::new();
        for stride in STRIDES {
            let grid = Grid::read(&self.card, outputs, stride, width / stride, height / stride)?;
            candidates.extend(grid.detections(SCORE_THRESHOLD));
        }
        Ok(suppress(candidates))
    }
}

/// What the network said for the cells of one stride, row by row.
struct Grid<'a> {
    stride: f32,
    columns: usize,
    class: &'a [f32],
    object: &'a [f32],
    boxes: &'a [f32],
    points: &'a [f32],
}

impl<'a> Grid<'a> {
    fn read(
        card: &Card,
        outputs: Outputs<'a>,
        stride: usize,
        columns: usize,
        rows: usize,
    ) -> Result<Self, ModelError> {
        let read = |name: &str, values_per_cell: usize| -> Result<&'a [f32], ModelError> {
            let name = format!("{name}_{stride}");
            let refuse = |reason: String| ModelError::output(&card.id, format!("{name}: {reason}"));
            let values = outputs.get(&name).ok_or_else(|| refuse("it is missing".to_owned()))?;
            if values.len() != columns * rows * values_per_cell {
                return Err(refuse(format!("{} values for {columns} x {rows} cells", values.len())));
            }
            Ok(values)
        };
        Ok(Self {
            stride: stride as f32,
            columns,
            class: read("cls", 1)?,
            object: read("obj", 1)?,
            boxes: read("bbox", 4)?,
            points: read("kps", 10)?,
        })
    }

    fn detections(&self, threshold: f32) -> impl Iterator<Item = Detection> {
        (0..self.class.len()).filter_map(move |cell| {
            let score = (self.class[cell].clamp(0.0, 1.0) * self.object[cell].clamp(0.0, 1.0)).sqrt();
            (score >= threshold)
                .then(|| self.decode(cell, score))
                .filter(|found| found.face.area().is_finite())
        })
    }

    /// Offsets are in cells from the cell's corner, sizes are exponents.
    fn decode(&self, cell: usize, score: f32) -> Detection {
        let (column, row) = ((cell % self.columns) as f32, (cell / self.columns) as f32);
        let [x, y, width, height] = std::array::from_fn(|index| self.boxes[cell * 4 + index]);
        let (centre_x, centre_y) = ((column + x) * self.stride, (row + y) * self.stride);
        let (width, height) = (width.exp() * self.stride, height.exp() * self.stride);
        let face = Rect { x: centre_x - width / 2.0, y: centre_y - height / 2.0, width, height };
        let points = std::array::from_fn(|index| Point {
            x: (self.points[cell * 10 + index * 2] + column) * self.stride,
            y: (self.points[cell * 10 + index * 2 + 1] + row) * self.stride,
        });
        Detection { face, landmarks: Landmarks::from_points(points), score }
    }
}

/// Keeps the most certain of the detections that show one face.
fn suppress(mut candidates: Vec<Detection>) -> Vec<Detection> {
    candidates.sort_by(|left, right| right.score.total_cmp(&left.score));
    candidates.truncate(MAX_CANDIDATES);
    let mut kept: Vec<Detection> = Vec::new();
    for candidate in candidates {
        if kept.iter().all(|better| better.face.overlap(&candidate.face) <= NMS_OVERLAP) {
            kept.push(candidate);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(x: f32, y: f32, side: f32, score: f32) -> Detection {
        Detection { face: Rect { x, y, width: side, height: side }, landmarks: Landmarks::default(), score }
    }

    #[test]
    fn of_boxes_that_show_one_face_the_most_certain_stays() {
        let kept =
            suppress(vec![face(0.0, 0.0, 10.0, 0.7), face(1.0, 0.0, 10.0, 0.9), face(30.0, 0.0, 10.0, 0.8)]);
        assert_eq!(kept.iter().map(|kept| kept.score).collect::<Vec<_>>(), [0.9, 0.8]);
    }

    #[test]
    fn the_subject_is_the_largest_face_nearest_the_centre() {
        let centred = Rect { x: 280.0, y: 200.0, width: 80.0, height: 80.0 };
        let larger_at_the_edge = Rect { x: 0.0, y: 0.0, width: 100.0, height: 100.0 };
        let larger_beside = Rect { x: 240.0, y: 180.0, width: 120.0, height: 120.0 };
        assert!(prominence(&centred, 640, 480) > prominence(&larger_at_the_edge, 640, 480));
        assert!(prominence(&larger_beside, 640, 480) > prominence(&centred, 640, 480));
    }

    #[test]
    fn overlap_is_the_shared_part_of_the_union() {
        let square = Rect { x: 0.0, y: 0.0, width: 10.0, height: 10.0 };
        assert_eq!(square.overlap(&square), 1.0);
        assert_eq!(square.overlap(&Rect { x: 10.0, ..square }), 0.0);
        assert!((square.overlap(&Rect { x: 5.0, ..square }) - 1.0 / 3.0).abs() < 1e-6);
    }
}
