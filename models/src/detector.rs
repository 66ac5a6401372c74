//! Faces and their five landmarks, by YuNet.
//!
//! The network answers for every cell of three grids (8, 16 and 32 pixels wide) with a class score, an object score, a
//! box and five points; what is decoded here follows OpenCV's FaceDetectorYN, against which a test compares it.

use std::path::Path;

use crate::align::{Landmarks, Point};
use crate::card::Card;
use crate::error::ModelError;
use crate::input;
use crate::lines::Level;
use crate::network::{Network, Outputs, Threads};
use crate::picture::Picture;
use crate::resample::{self, Shrink, Window};

/// Detections below this are dropped. The weakest face among 7,701 of LFW has 0.86; OpenCV's default of 0.9 loses some.
pub const SCORE_THRESHOLD: f32 = 0.6;

/// Pictures with a longer side than this are shrunk for detection, unless a board says another size. A face is found from
/// about 12 pixels on, and one that can be compared is 60 wide; what is smaller than that at this size stands too far
/// away. Larger pictures would cost more time and lose the largest faces, which outgrow the widest grid.
pub const MAX_SIDE: usize = 640;

/// The sizes to which a board may have pictures shrunk: below, a face that can be compared is not found; above, the
/// largest faces are lost.
pub const SIDES: std::ops::RangeInclusive<usize> = 160..=1_280;

/// Width and height to which the surroundings of a known face are shrunk when it is looked for again: an eighth of the
/// work of a whole frame of 640 x 480. The surroundings are a fixed multiple of the face, so it appears in the same size
/// however near its owner stands.
pub(crate) const NEAR_SIDE: usize = 192;

/// Two boxes that share more than this part of their union show one face.
const NMS_OVERLAP: f32 = 0.3;

/// Candidates that are considered, best first: bounds the quadratic suppression whatever the picture holds.
const MAX_CANDIDATES: usize = 1_000;

const STRIDES: [usize; 3] = [8, 16, 32];

/// The network's outputs for each stride: class and object scores, boxes, points.
const OUTPUTS: [[&str; 4]; 3] = [
    ["cls_8", "obj_8", "bbox_8", "kps_8"],
    ["cls_16", "obj_16", "bbox_16", "kps_16"],
    ["cls_32", "obj_32", "bbox_32", "kps_32"],
];

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
        Self { face: self.face.scaled(factor), landmarks: self.landmarks.scaled(factor), score: self.score }
    }

    fn moved(&self, right: f32, down: f32) -> Self {
        let moved = |point: Point| Point { x: point.x + right, y: point.y + down };
        Self {
            face: Rect { x: self.face.x + right, y: self.face.y + down, ..self.face },
            landmarks: Landmarks::from_points(self.landmarks.points().map(moved)),
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
    /// Whole pictures, and one that only ever sees pictures of [`NEAR_SIDE`]: each keeps the plan of its one size.
    whole: Search,
    near: Search,
    /// Longer pictures are shrunk to this.
    side: usize,
}

impl Detector {
    /// Loads the detector from the directory that `cargo xtask models` fills.
    ///
    /// # Errors
    /// [`ModelError`] if the weights are missing, changed or not understood.
    pub fn load(models: &Path, threads: &Threads) -> Result<Self, ModelError> {
        let card = Card::yunet();
        let weights = card.open_weights(models)?;
        let whole = Search::new(&card, &weights, None, threads)?;
        let near = Search::new(&card, &weights, Some((NEAR_SIDE, NEAR_SIDE)), threads)?;
        Ok(Self { whole, near, card, side: MAX_SIDE })
    }

    /// Shrinks longer pictures to `side`, or to the nearest of [`SIDES`].
    pub fn set_side(&mut self, side: usize) {
        self.side = side.clamp(*SIDES.start(), *SIDES.end());
    }

    /// The faces of a picture, most certain first. Large pictures are shrunk to [`MAX_SIDE`], or what was set instead; the
    /// result is in the coordinates of the picture that was given.
    ///
    /// # Errors
    /// [`ModelError`] if the network cannot be run.
    pub fn detect<'a>(&mut self, picture: impl Into<Picture<'a>>) -> Result<Vec<Detection>, ModelError> {
        Ok(self.detect_here(picture.into())?.to_vec())
    }

    /// The faces of a picture, most certain first, searched at the picture's own size whatever it costs: about 100 bytes
    /// of memory a pixel.
    ///
    /// # Errors
    /// [`ModelError`] if the network cannot be run.
    pub fn detect_at_own_size<'a>(
        &mut self,
        picture: impl Into<Picture<'a>>,
    ) -> Result<Vec<Detection>, ModelError> {
        let picture = picture.into();
        let window = Window::whole(picture.width(), picture.height());
        Ok(self.whole.faces(&self.card, picture, window, usize::MAX, None)?.to_vec())
    }

    /// [`detect`](Self::detect) without a copy of the result.
    pub(crate) fn detect_here(&mut self, picture: Picture) -> Result<&[Detection], ModelError> {
        let window = Window::whole(picture.width(), picture.height());
        self.whole.faces(&self.card, picture, window, self.side, None)
    }

    /// Whether a whole frame of this size costs clearly more than the surroundings of a face.
    pub(crate) fn saves_by_narrowing(&self, width: usize, height: usize) -> bool {
        let ((width, height), _) = resample::shrunk(Window::whole(width, height), self.side);
        width * height > 2 * NEAR_SIDE * NEAR_SIDE
    }

    /// The faces of a part of a picture, in the coordinates of the picture.
    pub(crate) fn detect_near(
        &mut self,
        picture: Picture,
        window: Window,
    ) -> Result<&[Detection], ModelError> {
        let size = Some((NEAR_SIDE, NEAR_SIDE));
        self.near.faces(&self.card, picture, window, NEAR_SIDE, size)
    }
}

/// One network and the memory of its searches.
#[derive(Debug)]
struct Search {
    network: Network,
    shrink: Shrink,
    candidates: Vec<Candidate>,
    found: Vec<Detection>,
}

/// What may be a face, and its place in the network's output: of equal scores the first is the better one.
#[derive(Debug)]
struct Candidate {
    detection: Detection,
    place: usize,
}

impl Search {
    fn new(
        card: &Card,
        weights: &[u8],
        size: Option<(usize, usize)>,
        threads: &Threads,
    ) -> Result<Self, ModelError> {
        let network = Network::from_onnx(&card.file, weights, size, threads)?;
        Ok(Self { network, shrink: Shrink::new(), candidates: Vec::new(), found: Vec::new() })
    }

    /// The faces of the part `window` of a picture, shrunk to `side`, in the coordinates of the picture. The network's
    /// input is `size`, or as small as its grids allow; beyond the picture it is zero.
    fn faces(
        &mut self,
        card: &Card,
        picture: Picture,
        window: Window,
        side: usize,
        size: Option<(usize, usize)>,
    ) -> Result<&[Detection], ModelError> {
        let (small, factor) = resample::shrunk(window, side);
        let whole_cells = |pixels: usize| pixels.next_multiple_of(STRIDES[STRIDES.len() - 1]);
        let (width, height) = size.unwrap_or((whole_cells(small.0), whole_cells(small.1)));
        self.shrink.aim(picture, window, small);
        let outputs = self.network.run(width, height, |y, row| {
            let (filled, rest) = row.split_at_mut(if y < small.1 { small.0 * 3 } else { 0 });
            if !filled.is_empty() {
                self.shrink.row(picture, y, filled);
                input::normalise(Level::best(), &card.input, filled);
            }
            rest.fill(0.0);
        })?;
        self.candidates.clear();
        for (stride, names) in STRIDES.into_iter().zip(&OUTPUTS) {
            let grid = Grid::read(card, outputs, stride, names, width / stride, height / stride)?;
            for detection in grid.detections(SCORE_THRESHOLD) {
                self.candidates.push(Candidate { detection, place: self.candidates.len() });
            }
        }
        suppress(&mut self.candidates, &mut self.found);
        let (left, top) = (window.left as f32, window.top as f32);
        self.found.iter_mut().for_each(|found| *found = found.scaled(factor.recip()).moved(left, top));
        Ok(&self.found)
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
        [class, object, boxes, points]: &[&str; 4],
        columns: usize,
        rows: usize,
    ) -> Result<Self, ModelError> {
        let read = |name: &str, values_per_cell: usize| -> Result<&'a [f32], ModelError> {
            let refuse = |reason: String| ModelError::output(&card.id, format!("{name}: {reason}"));
            let values = outputs.get(name).ok_or_else(|| refuse("it is missing".to_owned()))?;
            if values.len() != columns * rows * values_per_cell {
                return Err(refuse(format!("{} values for {columns} x {rows} cells", values.len())));
            }
            Ok(values)
        };
        Ok(Self {
            stride: stride as f32,
            columns,
            class: read(class, 1)?,
            object: read(object, 1)?,
            boxes: read(boxes, 4)?,
            points: read(points, 10)?,
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

/// Keeps, in `kept`, the most certain of the candidates that show one face.
fn suppress(candidates: &mut Vec<Candidate>, kept: &mut Vec<Detection>) {
    candidates.sort_unstable_by(|left, right| {
        right.detection.score.total_cmp(&left.detection.score).then(left.place.cmp(&right.place))
    });
    candidates.truncate(MAX_CANDIDATES);
    kept.clear();
    for Candidate { detection, .. } in candidates {
        if kept.iter().all(|better| better.face.overlap(&detection.face) <= NMS_OVERLAP) {
            kept.push(*detection);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(x: f32, y: f32, side: f32, score: f32) -> Detection {
        Detection { face: Rect { x, y, width: side, height: side }, landmarks: Landmarks::default(), score }
    }

    #[test]
    fn of_boxes_that_show_one_face_the_most_certain_stays() {
        let faces = [face(0.0, 0.0, 10.0, 0.7), face(1.0, 0.0, 10.0, 0.9), face(30.0, 0.0, 10.0, 0.8)];
        let numbered = faces.into_iter().enumerate();
        let mut candidates =
            numbered.map(|(place, detection)| Candidate { detection, place }).collect::<Vec<_>>();
        let mut kept = vec![faces[0]];
        suppress(&mut candidates, &mut kept);
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
