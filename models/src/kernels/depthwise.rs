//! The depthwise convolution: every channel with a filter of its own, so a block of channels by itself.
//!
//! Pixels whose 3 x 3 neighbourhood lies inside the map, nearly all, are computed several at a time with the nine weights
//! in registers. Convolutions in groups of two channels differ little: the neighbour's value is a swap of lanes away. Pixels at the border, and filters of other sizes, take the taps that lie inside one by one.

use std::ops::Range;

use super::lanes::Lanes;
use super::{Block, LANES};

/// One block of channels of a depthwise convolution.
#[derive(Clone, Copy)]
pub(crate) struct Depthwise<'a> {
    /// The whole map of this block, row by row.
    pub(crate) input: *const Block,
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// The whole map of results, row by row.
    pub(crate) output: *mut Block,
    pub(crate) out_width: usize,
    /// Rows and columns of the filter.
    pub(crate) kernel: (usize, usize),
    /// Down and across.
    pub(crate) stride: (usize, usize),
    /// Rows of zeros above and columns of zeros at the left.
    pub(crate) padding: (usize, usize),
    /// Each output channel also reads its neighbour: 0 and 1 read both 0 and 1, 2 and 3 both 2 and 3, and so on. That is a
    /// convolution in groups of two channels.
    pub(crate) paired: bool,
    /// One for each tap, row by row; where channels are paired, first the channel's own, then its neighbour's.
    pub(crate) weights: &'a [Block],
    pub(crate) bias: &'a Block,
    /// The activation's slope, less one.
    pub(crate) slope_less_one: &'a Block,
}

/// Computes these rows of the output.
///
/// # Safety
/// As [`Lanes`]; input and output must be as large as stated and all rows inside.
#[inline(always)]
pub(super) unsafe fn rows<V: Lanes, const TOGETHER: usize>(layer: &Depthwise<'_>, rows: Range<usize>) {
    for row in rows {
        // The columns whose filter lies inside.
        let (first, end) =
            inner(layer.padding.1, layer.stride.1, layer.width, layer.kernel.1, layer.out_width);
        let top = (row * layer.stride.0).checked_sub(layer.padding.0);
        let inside = top.filter(|top| top + layer.kernel.0 <= layer.height);
        let (mut column, end) = match (inside, layer.kernel, layer.stride.1) {
            (Some(_), (3, 3), 1 | 2) => (first, end),
            _ => (layer.out_width, layer.out_width),
        };
        unsafe {
            for column in 0..column {
                one::<V>(layer, row, column);
            }
            if let Some(top) = inside {
                while column + TOGETHER <= end {
                    match (layer.stride.1, layer.paired) {
                        (1, false) => several::<V, TOGETHER, 1, false>(layer, top, row, column),
                        (1, true) => several::<V, TOGETHER, 1, true>(layer, top, row, column),
                        (_, false) => several::<V, TOGETHER, 2, false>(layer, top, row, column),
                        (_, true) => several::<V, TOGETHER, 2, true>(layer, top, row, column),
                    }
                    column += TOGETHER;
                }
            }
            for column in column..layer.out_width {
                one::<V>(layer, row, column);
            }
        }
    }
}

/// The outputs whose filter reads no padding, along one direction.
fn inner(padding: usize, stride: usize, size: usize, kernel: usize, out: usize) -> (usize, usize) {
    let first = padding.div_ceil(stride).min(out);
    let last = (size + padding).checked_sub(kernel).map_or(0, |room| room / stride + 1);
    (first, last.clamp(first, out))
}

/// Neighbouring pixels, all taps inside; `top` is the input row of the first tap.
#[inline(always)]
unsafe fn several<V: Lanes, const TOGETHER: usize, const STRIDE: usize, const PAIRED: bool>(
    layer: &Depthwise<'_>,
    top: usize,
    row: usize,
    column: usize,
) {
    let left = column * STRIDE - layer.padding.1;
    for lane in (0..LANES).step_by(V::COUNT) {
        unsafe {
            let mut sums = [V::load(layer.bias.0.as_ptr().add(lane)); TOGETHER];
            for down in 0..3 {
                let line = layer.input.add((top + down) * layer.width + left).cast::<f32>().add(lane);
                for across in 0..3 {
                    let tap = (down * 3 + across) * (1 + usize::from(PAIRED));
                    let weight = V::load(layer.weights.get_unchecked(tap).0.as_ptr().add(lane));
                    for (index, sum) in sums.iter_mut().enumerate() {
                        let value = V::load(line.add((index * STRIDE + across) * LANES));
                        *sum = sum.multiply_add(value, weight);
                        if PAIRED {
                            let weight = V::load(layer.weights.get_unchecked(tap + 1).0.as_ptr().add(lane));
                            *sum = sum.multiply_add(value.swap_pairs(), weight);
                        }
                    }
                }
            }
            let slope = V::load(layer.slope_less_one.0.as_ptr().add(lane));
            let out = layer.output.add(row * layer.out_width + column).cast::<f32>().add(lane);
            for (index, sum) in sums.into_iter().enumerate() {
                sum.activate(slope).store(out.add(index * LANES));
            }
        }
    }
}

/// One pixel, whatever the filter, with the taps that lie inside.
#[inline(always)]
unsafe fn one<V: Lanes>(layer: &Depthwise<'_>, row: usize, column: usize) {
    let taps = |place: usize, stride: usize, padding: usize, kernel: usize, size: usize| {
        let start = (place * stride) as isize - padding as isize;
        let first = (-start).clamp(0, kernel as isize) as usize;
        let end = (size as isize - start).clamp(first as isize, kernel as isize) as usize;
        (start, first..end)
    };
    let (top, down) = taps(row, layer.stride.0, layer.padding.0, layer.kernel.0, layer.height);
    let (left, across) = taps(column, layer.stride.1, layer.padding.1, layer.kernel.1, layer.width);
    for lane in (0..LANES).step_by(V::COUNT) {
        unsafe {
            let mut sum = V::load(layer.bias.0.as_ptr().add(lane));
            for down in down.clone() {
                let line = (top + down as isize) as usize * layer.width;
                for across in across.clone() {
                    let place = line + (left + across as isize) as usize;
                    let value = V::load(layer.input.add(place).cast::<f32>().add(lane));
                    let tap = (down * layer.kernel.1 + across) * (1 + usize::from(layer.paired));
                    let weight = |tap: usize| V::load(layer.weights[tap].0.as_ptr().add(lane));
                    sum = sum.multiply_add(value, weight(tap));
                    if layer.paired {
                        sum = sum.multiply_add(value.swap_pairs(), weight(tap + 1));
                    }
                }
            }
            let slope = V::load(layer.slope_less_one.0.as_ptr().add(lane));
            let out = layer.output.add(row * layer.out_width + column).cast::<f32>().add(lane);
            sum.activate(slope).store(out);
        }
    }
}
