//! Pictures of another size: shrunk by averaging, cut out and resized, moved by a similarity. Pixel centres lie at whole
//! coordinates in the affine map and at halves in the others, as in OpenCV, which the networks' measurements rest on.

use crate::align::Similarity;
use crate::image::Image;

/// A rectangle of whole pixels that lies inside its picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) left: usize,
    pub(crate) top: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

/// The picture with its longer side at most `max_side`, by averaging areas, and the factor it was multiplied with; `None`
/// if it is small enough already.
pub(crate) fn shrink_to(image: &Image, max_side: usize) -> Option<(Image, f32)> {
    let longer = image.width().max(image.height());
    if longer <= max_side {
        return None;
    }
    let factor = max_side as f64 / longer as f64;
    let size = |side: usize| ((side as f64 * factor).round() as usize).max(1);
    let columns = average_spans(image.width(), size(image.width()));
    let rows = average_spans(image.height(), size(image.height()));
    let mut rgb = Vec::with_capacity(columns.len() * rows.len() * 3);
    let mut sums = vec![0f32; image.width() * 3];
    for span in &rows {
        sums.fill(0.0);
        for (offset, weight) in span.weights.iter().enumerate() {
            let line = &image.rgb()[(span.start + offset) * image.width() * 3..][..image.width() * 3];
            sums.iter_mut().zip(line).for_each(|(sum, value)| *sum += weight * f32::from(*value));
        }
        for span in &columns {
            for channel in 0..3 {
                let value =
                    |(offset, weight): (usize, &f32)| weight * sums[(span.start + offset) * 3 + channel];
                rgb.push(to_byte(span.weights.iter().enumerate().map(value).sum()));
            }
        }
    }
    Some((Image::from_parts(columns.len(), rows.len(), rgb), factor as f32))
}

/// The pixels that one pixel of the smaller picture covers, with weights that sum to one.
struct Span {
    start: usize,
    weights: Vec<f32>,
}

fn average_spans(from: usize, to: usize) -> Vec<Span> {
    let step = from as f64 / to as f64;
    let span = |index: usize| {
        let (begin, end) = (index as f64 * step, ((index + 1) as f64 * step).min(from as f64));
        let (start, stop) = (begin.floor() as usize, (end.ceil() as usize).min(from));
        let covered = |pixel: usize| ((pixel + 1) as f64).min(end) - (pixel as f64).max(begin);
        let weights = (start..stop).map(|pixel| (covered(pixel).max(0.0) / (end - begin)) as f32).collect();
        Span { start, weights }
    };
    (0..to).map(span).collect()
}

/// One, in the fixed-point numbers of OpenCV's bilinear `resize`.
const FIXED_ONE: i32 = 2_048;

/// Cuts out `window` and resizes it by bilinear interpolation, without averaging. The arithmetic is that of OpenCV's
/// `resize` on bytes, bit for bit: PAD networks react to single grey levels.
pub(crate) fn resize_window(image: &Image, window: Window, width: usize, height: usize) -> Image {
    let columns = positions(window.width, width);
    let mut rgb = Vec::with_capacity(width * height * 3);
    for (upper, lower, down) in positions(window.height, height) {
        for (left, right, across) in &columns {
            let corner = |x: usize, y: usize| image.pixel(window.left + x, window.top + y).map(i32::from);
            let (a, b) = (corner(*left, upper), corner(*right, upper));
            let (c, d) = (corner(*left, lower), corner(*right, lower));
            for channel in 0..3 {
                let above = a[channel] * (FIXED_ONE - across) + b[channel] * across;
                let below = c[channel] * (FIXED_ONE - across) + d[channel] * across;
                let part = |row: i32, weight: i32| (weight * (row >> 4)) >> 16;
                let value = (part(above, FIXED_ONE - down) + part(below, down) + 2) >> 2;
                rgb.push(value.clamp(0, 255) as u8);
            }
        }
    }
    Image::from_parts(width, height, rgb)
}

/// For each of `to` pixels: the two of `from` that it lies between, and how far towards the second in fixed point.
fn positions(from: usize, to: usize) -> Vec<(usize, usize, i32)> {
    let scale = from as f32 / to as f32;
    let position = |index: usize| {
        let at = ((index as f32 + 0.5) * scale - 0.5).clamp(0.0, (from - 1) as f32);
        let first = at.floor();
        let way = ((at - first) * FIXED_ONE as f32).round_ties_even() as i32;
        (first as usize, (first as usize + 1).min(from - 1), way)
    };
    (0..to).map(position).collect()
}

/// The picture seen through a similarity: each pixel of the result is fetched from where `to_result` maps it from, by
/// bilinear interpolation; outside the picture is black.
pub(crate) fn warp(image: &Image, to_result: &Similarity, width: usize, height: usize) -> Image {
    let from_result = to_result.inverse();
    let mut rgb = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            let (source_x, source_y) = from_result.map(x as f32, y as f32);
            rgb.extend(bilinear(image, source_x, source_y));
        }
    }
    Image::from_parts(width, height, rgb)
}

fn bilinear(image: &Image, x: f32, y: f32) -> [u8; 3] {
    let (left, top) = (x.floor(), y.floor());
    let (across, down) = (x - left, y - top);
    let corner = |dx: f32, dy: f32| {
        let (x, y) = (left + dx, top + dy);
        let inside = x >= 0.0 && y >= 0.0 && x < image.width() as f32 && y < image.height() as f32;
        if inside { image.pixel(x as usize, y as usize).map(f32::from) } else { [0.0; 3] }
    };
    let (a, b, c, d) = (corner(0.0, 0.0), corner(1.0, 0.0), corner(0.0, 1.0), corner(1.0, 1.0));
    std::array::from_fn(|channel| {
        let above = a[channel] + (b[channel] - a[channel]) * across;
        let below = c[channel] + (d[channel] - c[channel]) * across;
        to_byte(above + (below - above) * down)
    })
}

fn to_byte(value: f32) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(width: usize, height: usize) -> Image {
        let rgb =
            (0..width * height).flat_map(|pixel| [(pixel % width) as u8, (pixel / width) as u8, 9]).collect();
        Image::from_parts(width, height, rgb)
    }

    #[test]
    fn shrinking_averages_every_pixel_once() {
        let (small, factor) = shrink_to(&ramp(200, 100), 40).expect("larger than 40");
        assert_eq!((small.width(), small.height(), factor), (40, 20, 0.2));
        assert_eq!(small.pixel(0, 0), [2, 2, 9]);
        assert_eq!(small.pixel(39, 19), [197, 97, 9]);
        assert!(shrink_to(&ramp(200, 100), 200).is_none());
        let (odd, _) = shrink_to(&ramp(201, 77), 64).expect("larger than 64");
        assert_eq!((odd.width(), odd.height()), (64, 25));
        assert!(odd.rgb().as_chunks::<3>().0.iter().all(|pixel| pixel[2] == 9));
    }

    #[test]
    fn a_window_resized_to_its_own_size_is_itself() {
        let image = ramp(50, 40);
        let window = Window { left: 5, top: 7, width: 20, height: 10 };
        let cut = resize_window(&image, window, 20, 10);
        assert_eq!(cut.pixel(0, 0), image.pixel(5, 7));
        assert_eq!(cut.pixel(19, 9), image.pixel(24, 16));
    }

    #[test]
    fn outside_the_picture_is_black() {
        let moved = warp(&ramp(20, 20), &Similarity { a: 1.0, b: 0.0, x: 10.0, y: 0.0 }, 20, 20);
        assert_eq!(moved.pixel(5, 5), [0, 0, 0]);
        assert_eq!(moved.pixel(15, 5), [5, 5, 9]);
    }
}
