//! Shrinking by averaging areas, row by row, straight from a camera's own format: rows are summed as bytes, whatever they
//! mean, and only what is left of them is made colour. Averages commute with the colour matrix.

use crate::image::Image;
use crate::lines::{self, Level};
use crate::picture::{Format, Picture};

use super::Window;

/// The size that a window has when its longer side is brought down to `max_side`, and the factor it was multiplied with;
/// what is small enough stays as it is.
pub(crate) fn shrunk(window: Window, max_side: usize) -> ((usize, usize), f32) {
    let longer = window.width.max(window.height);
    if longer <= max_side {
        return ((window.width, window.height), 1.0);
    }
    let factor = max_side as f64 / longer as f64;
    let size = |side: usize| ((side as f64 * factor).round() as usize).max(1);
    ((size(window.width), size(window.height)), factor as f32)
}

/// Makes `small` a copy of the picture with its longer side at most `max_side`. Returns the factor.
pub(crate) fn shrink_into(small: &mut Image, shrink: &mut Shrink, picture: Picture, max_side: usize) -> f32 {
    let whole = Window::whole(picture.width(), picture.height());
    let ((width, height), factor) = shrunk(whole, max_side);
    shrink.aim(picture, whole, (width, height));
    let mut row = std::mem::take(&mut shrink.colours);
    row.resize(width * 3, 0.0);
    for (y, bytes) in small.reshaped(width, height).chunks_exact_mut(width * 3).enumerate() {
        shrink.row(picture, y, &mut row);
        lines::to_bytes(shrink.level, bytes, &row);
    }
    shrink.colours = row;
    factor
}

/// Gives the rows of a smaller copy. Keeps its memory from picture to picture.
#[derive(Debug)]
pub(crate) struct Shrink {
    level: Level,
    /// What the plan was made for.
    aim: Option<(Format, Window, (usize, usize))>,
    columns: Spans,
    rows: Spans,
    /// How the columns are averaged.
    across: Across,
    /// The bytes of each row that are read.
    bytes: std::ops::Range<usize>,
    sums: Vec<f32>,
    line: Vec<f32>,
    colours: Vec<f32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Across {
    /// As many columns as there are.
    Same,
    /// Two become one.
    Half,
    /// By weights.
    Weighted,
}

impl Shrink {
    /// With the best instructions of this processor.
    pub(crate) fn new() -> Self {
        Self::at(Level::best())
    }

    pub(crate) fn at(level: Level) -> Self {
        Self {
            level,
            aim: None,
            columns: Spans::default(),
            rows: Spans::default(),
            across: Across::Same,
            bytes: 0..0,
            sums: Vec::new(),
            line: Vec::new(),
            colours: Vec::new(),
        }
    }

    /// Plans for pictures of this form: their part `window`, brought to the size `to`, which is not larger.
    pub(crate) fn aim(&mut self, picture: Picture, window: Window, to: (usize, usize)) {
        let aim = Some((picture.format(), window, to));
        if self.aim == aim {
            return;
        }
        self.aim = aim;
        let format = picture.format();
        // Two pixels of YUYV are read together, so a window may have to begin or end one pixel further out.
        let step = if format == Format::Yuyv { 2 } else { 1 };
        let first = window.left - window.left % step;
        let end = (window.left + window.width).next_multiple_of(step);
        let read = end - first;
        self.columns.plan(window.width, to.0, window.left - first, picture.width());
        self.rows.plan(window.height, to.1, window.top, picture.height());
        self.across = match (read == to.0, read == to.0 * 2 && read == window.width) {
            (true, _) => Across::Same,
            (_, true) => Across::Half,
            (false, false) => Across::Weighted,
        };
        self.bytes = format.row_bytes(first)..format.row_bytes(end);
        self.sums.clear();
        self.sums.reserve(format.row_bytes(picture.width()));
        self.sums.resize(self.bytes.len(), 0.0);
        self.line.clear();
        self.line.reserve(picture.width() * 3 + 1);
        self.line.resize(read * 3 + 1, 0.0);
    }

    /// Row `y` of the smaller copy: red, green and blue of each pixel, whole numbers from 0 to 255. The picture is of the form that was aimed
    /// at.
    pub(crate) fn row(&mut self, picture: Picture, y: usize, colours: &mut [f32]) {
        let level = self.level;
        let end = self.line.len() - 1;
        let line = if self.across == Across::Same { &mut *colours } else { &mut self.line[..end] };
        let rows = Rows { level, picture, bytes: self.bytes.clone(), spans: &self.rows };
        match picture.format() {
            Format::Rgb => rows.sum(y, line),
            Format::Grey => {
                rows.sum(y, &mut self.sums);
                lines::triples_of_grey(level, line, &self.sums);
            }
            Format::Yuyv => {
                rows.sum(y, &mut self.sums);
                lines::triples_of_yuyv(level, line, &self.sums);
            }
        }
        match self.across {
            Across::Same => {}
            Across::Half => lines::halve(level, colours, &self.line),
            Across::Weighted => {
                lines::average(level, colours, &self.line, &self.columns.starts, &self.columns.weights);
            }
        }
        if picture.format() == Format::Yuyv {
            lines::to_rgb(level, colours);
        }
        // The networks were measured on bytes.
        lines::round(level, colours);
    }
}

/// The rows of a picture, to be added up.
struct Rows<'a> {
    level: Level,
    picture: Picture<'a>,
    bytes: std::ops::Range<usize>,
    spans: &'a Spans,
}

impl Rows<'_> {
    /// The weighted sum of the rows that one row covers.
    fn sum(&self, y: usize, sums: &mut [f32]) {
        let row_bytes = self.picture.format().row_bytes(self.picture.width());
        let (start, weights) = self.spans.of(y);
        let row = |offset: usize| {
            &self.picture.bytes()[(start + offset) * row_bytes..][..row_bytes][self.bytes.clone()]
        };
        match weights {
            [] => sums.fill(0.0),
            [weight] => lines::weigh(self.level, sums, row(0), *weight),
            [first, second, rest @ ..] => {
                lines::weigh_two(self.level, sums, row(0), row(1), [*first, *second]);
                for (offset, weight) in rest.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
                    lines::add(self.level, sums, row(offset + 2), *weight);
                }
            }
        }
    }
}

/// For each pixel of the smaller picture: the first pixel that it covers, and as many weights as the widest has, which
/// sum to one.
#[derive(Debug, Default)]
struct Spans {
    starts: Vec<usize>,
    weights: Vec<f32>,
    taps: usize,
}

impl Spans {
    /// `from` pixels, of which the first is number `first`, become `to`. Memory is taken for a whole side of `side`.
    fn plan(&mut self, from: usize, to: usize, first: usize, side: usize) {
        let step = from as f64 / to as f64;
        let ends = |index: usize| (index as f64 * step, ((index + 1) as f64 * step).min(from as f64));
        let covered = |(begin, end): (f64, f64)| (end.ceil() as usize).min(from) - begin.floor() as usize;
        let taps = (0..to).map(|index| covered(ends(index))).max().unwrap_or(0);
        self.taps = taps;
        self.starts.clear();
        self.weights.clear();
        self.starts.reserve(to);
        self.weights.reserve(side + 2 * to);
        for index in 0..to {
            let (begin, end) = ends(index);
            let start = (begin.floor() as usize).min(from - taps);
            let covered = |pixel: usize| ((pixel + 1) as f64).min(end) - (pixel as f64).max(begin);
            let weight = |pixel: usize| (covered(pixel).max(0.0) / (end - begin)) as f32;
            self.starts.push(first + start);
            self.weights.extend((start..start + taps).map(weight));
        }
    }

    /// The first pixel and the weights of one.
    fn of(&self, index: usize) -> (usize, &[f32]) {
        (self.starts[index], &self.weights[index * self.taps..][..self.taps])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shrink_to(image: &Image, max_side: usize) -> (Image, f32) {
        let mut small = Image::black(0, 0);
        let factor = shrink_into(&mut small, &mut Shrink::new(), image.into(), max_side);
        (small, factor)
    }

    #[test]
    fn shrinking_averages_every_pixel_once() {
        let (small, factor) = shrink_to(&Image::ramp(200, 100), 40);
        assert_eq!((small.width(), small.height(), factor), (40, 20, 0.2));
        assert_eq!(small.pixel(0, 0), [2, 2, 9]);
        assert_eq!(small.pixel(39, 19), [197, 97, 9]);
        let (same, factor) = shrink_to(&Image::ramp(200, 100), 200);
        assert!(same == Image::ramp(200, 100) && factor == 1.0);
        let (odd, _) = shrink_to(&Image::ramp(201, 77), 64);
        assert_eq!((odd.width(), odd.height()), (64, 25));
        assert!(odd.rgb().as_chunks::<3>().0.iter().all(|pixel| pixel[2] == 9));
    }
}
