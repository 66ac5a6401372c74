//! Single points of a picture, between its pixels: only what is asked for is read and made colour.
#![allow(unsafe_code)] // In `for_every_level!`, which says why it is sound.

use crate::align::Similarity;
use crate::colour::Lanes;
use crate::image::Image;
use crate::lines::{Level, byte_of, for_every_level};
use crate::picture::{Format, Grey, Picture, Pixels, Rgb, Yuyv};

use super::Window;

/// Fills `seen` with the picture seen through a similarity: each pixel is fetched from where `to_result` maps it from, by
/// bilinear interpolation; outside the picture is black.
pub(crate) fn warp(level: Level, seen: &mut Image, picture: Picture, to_result: &Similarity) {
    let from_result = to_result.inverse();
    let size = (picture.width(), picture.height());
    match picture.format() {
        Format::Rgb => warp_pixels(level, seen, &Rgb(picture), size, &from_result),
        Format::Grey => warp_pixels(level, seen, &Grey(picture), size, &from_result),
        Format::Yuyv => warp_pixels(level, seen, &Yuyv(picture), size, &from_result),
    }
}

for_every_level! {
    /// [`warp`] for one format.
    pub(crate) fn warp_pixels<P: Pixels>(
        seen: &mut Image,
        pixels: &P,
        size: (usize, usize),
        from_result: &Similarity,
    ) {
        let width = seen.width();
        for (y, row) in seen.rgb_mut().chunks_exact_mut(width * 3).enumerate() {
            for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                let (source_x, source_y) = from_result.map(x as f32, y as f32);
                pixel.copy_from_slice(&bilinear(pixels, size, source_x, source_y)[..3]);
            }
        }
    }
}

#[inline(always)]
fn bilinear<P: Pixels>(pixels: &P, (width, height): (usize, usize), x: f32, y: f32) -> Lanes<u8> {
    let (left, top) = (x.floor(), y.floor());
    let (across, down) = (x - left, y - top);
    let inside = left >= 0.0 && top >= 0.0 && left + 1.0 < width as f32 && top + 1.0 < height as f32;
    let [a, b, c, d] = if inside {
        let (left, top) = (left as usize, top as usize);
        [
            pixels.at(left, top),
            pixels.at(left + 1, top),
            pixels.at(left, top + 1),
            pixels.at(left + 1, top + 1),
        ]
    } else {
        at_the_edge(pixels, (width, height), left, top)
    }
    .map(|corner| corner.map(|value| value as f32));
    std::array::from_fn(|lane| {
        let above = a[lane] + (b[lane] - a[lane]) * across;
        let below = c[lane] + (d[lane] - c[lane]) * across;
        byte_of(above + (below - above) * down)
    })
}

/// The four corners where some lie outside, or are not numbers.
#[cold]
fn at_the_edge<P: Pixels>(
    pixels: &P,
    (width, height): (usize, usize),
    left: f32,
    top: f32,
) -> [Lanes<i32>; 4] {
    [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)].map(|(across, down)| {
        let (x, y) = (left + across, top + down);
        let inside = x >= 0.0 && y >= 0.0 && x < width as f32 && y < height as f32;
        if inside { pixels.at(x as usize, y as usize) } else { [0; 4] }
    })
}

/// One, in the fixed-point numbers of OpenCV's bilinear `resize`.
const FIXED_ONE: i32 = 2_048;

/// Cuts windows out of pictures and resizes them by bilinear interpolation, without averaging. The arithmetic is that of
/// OpenCV's `resize` on bytes, bit for bit: PAD networks react to single grey levels.
#[derive(Debug)]
pub(crate) struct Resize {
    level: Level,
    columns: Vec<Position>,
    rows: Vec<Position>,
    /// The two rows of the picture between which one of the result lies, interpolated across.
    upper: Vec<Lanes<i32>>,
    lower: Vec<Lanes<i32>>,
}

/// The two pixels between which one of the result lies, and how far towards the second in fixed point.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Position {
    first: usize,
    second: usize,
    way: i32,
}

impl Resize {
    /// With the best instructions of this processor.
    pub(crate) fn new() -> Self {
        Self::at(Level::best())
    }

    pub(crate) fn at(level: Level) -> Self {
        Self { level, columns: Vec::new(), rows: Vec::new(), upper: Vec::new(), lower: Vec::new() }
    }

    /// Fills `cut` with the window.
    pub(crate) fn window(&mut self, cut: &mut Image, picture: Picture, window: Window) {
        positions(&mut self.columns, window.left, window.width, cut.width());
        positions(&mut self.rows, window.top, window.height, cut.height());
        for line in [&mut self.upper, &mut self.lower] {
            line.resize(cut.width(), [0; 4]);
        }
        match picture.format() {
            Format::Rgb => self.pixels(cut, &Rgb(picture)),
            Format::Grey => self.pixels(cut, &Grey(picture)),
            Format::Yuyv => self.pixels(cut, &Yuyv(picture)),
        }
    }

    fn pixels<P: Pixels>(&mut self, cut: &mut Image, pixels: &P) {
        let Self { level, columns, rows, upper, lower } = self;
        let row_bytes = columns.len() * 3;
        for (bytes, row) in cut.rgb_mut().chunks_exact_mut(row_bytes).zip(rows) {
            interpolate_across(*level, upper, pixels, row.first, columns);
            interpolate_across(*level, lower, pixels, row.second, columns);
            interpolate_down(*level, bytes, upper, lower, row.way);
        }
    }
}

for_every_level! {
    /// One row of a picture at the columns' places, times [`FIXED_ONE`] over 16.
    pub(crate) fn interpolate_across<P: Pixels>(
        line: &mut [Lanes<i32>],
        pixels: &P,
        y: usize,
        columns: &[Position],
    ) {
        for (value, column) in line.iter_mut().zip(columns) {
            let (left, right) = (pixels.at(column.first, y), pixels.at(column.second, y));
            *value = std::array::from_fn(|lane| {
                (left[lane] * (FIXED_ONE - column.way) + right[lane] * column.way) >> 4
            });
        }
    }

    /// The row between two, `way` of the way down.
    pub(crate) fn interpolate_down(
        bytes: &mut [u8],
        upper: &[Lanes<i32>],
        lower: &[Lanes<i32>],
        way: i32,
    ) {
        for ((pixel, above), below) in bytes.as_chunks_mut::<3>().0.iter_mut().zip(upper).zip(lower) {
            *pixel = std::array::from_fn(|lane| {
                let (above, below) = ((FIXED_ONE - way) * above[lane], way * below[lane]);
                (((above >> 16) + (below >> 16) + 2) >> 2) as u8
            });
        }
    }
}

/// Where `to` pixels lie among `from`, of which the first is number `start`.
fn positions(positions: &mut Vec<Position>, start: usize, from: usize, to: usize) {
    let scale = from as f32 / to as f32;
    positions.clear();
    positions.extend((0..to).map(|index| {
        let at = ((index as f32 + 0.5) * scale - 0.5).clamp(0.0, (from - 1) as f32);
        let first = at.floor();
        let way = ((at - first) * FIXED_ONE as f32).round_ties_even() as i32;
        let (first, second) = (first as usize, (first as usize + 1).min(from - 1));
        Position { first: start + first, second: start + second, way }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_resized_to_its_own_size_is_itself() {
        let image = Image::ramp(50, 40);
        let window = Window { left: 5, top: 7, width: 20, height: 10 };
        let mut cut = Image::black(20, 10);
        Resize::new().window(&mut cut, (&image).into(), window);
        assert_eq!(cut.pixel(0, 0), image.pixel(5, 7));
        assert_eq!(cut.pixel(19, 9), image.pixel(24, 16));
    }

    #[test]
    fn outside_the_picture_is_black() {
        let mut moved = Image::black(20, 20);
        let right = Similarity { a: 1.0, b: 0.0, x: 10.0, y: 0.0 };
        warp(Level::best(), &mut moved, (&Image::ramp(20, 20)).into(), &right);
        assert_eq!(moved.pixel(5, 5), [0, 0, 0]);
        assert_eq!(moved.pixel(15, 5), [5, 5, 9]);
    }
}
