//! The depthwise convolution: every channel with a filter of its own, so a block of channels by itself.
//!
//! Pixels whose 3 x 3 neighbourhood lies inside the map, nearly all, are computed several at a time, where possible of two
//! rows, so that a value that was read serves up to six sums. Convolutions in groups of two channels differ little: the neighbour's value is a swap of lanes away. Pixels at the border, and filters of other sizes, take the taps that lie inside one by one.

use std::ops::Range;

use super::lanes::Lanes;
use super::{Block, LANES};

/// One block of channels of a depthwise convolution.
#[derive(Clone, Copy)]
pub(crate) struct Depthwise<'a> {
    /// The map of this block, row by row; row `r` lies where row `r % kept` would.
    pub(crate) input: *const Block,
    pub(crate) kept: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// The map of results, kept in the same way; sixteen bytes for each pixel where there is a scale for bytes.
    pub(crate) output: *mut Block,
    pub(crate) out_kept: usize,
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
    pub(crate) bytes: Option<ByteScale>,
}

/// How results become bytes: `value * inverse + zero`, rounded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ByteScale {
    pub(crate) inverse: f32,
    pub(crate) zero: f32,
}

impl Depthwise<'_> {
    #[inline(always)]
    unsafe fn line(&self, row: usize) -> *const Block {
        unsafe { self.input.add(row % self.kept * self.width) }
    }

    /// Activates and writes one register of a pixel.
    #[inline(always)]
    unsafe fn write<V: Lanes>(&self, row: usize, column: usize, lane: usize, sum: V) {
        let pixel = row % self.out_kept * self.out_width + column;
        unsafe {
            let value = sum.activate(V::load(self.slope_less_one.0.as_ptr().add(lane)));
            match self.bytes {
                None => value.store(self.output.add(pixel).cast::<f32>().add(lane)),
                Some(ByteScale { inverse, zero }) => {
                    let scaled = V::splat(zero).multiply_add(value, V::splat(inverse));
                    scaled.store_bytes(self.output.cast::<u8>().add(pixel * LANES + lane));
                }
            }
        }
    }
}

/// Computes these rows of the output.
///
/// # Safety
/// As [`Lanes`]; input and output must be as large as stated and all rows inside.
#[inline(always)]
pub(super) unsafe fn rows<V: Lanes, const TOGETHER: usize>(layer: &Depthwise<'_>, rows: Range<usize>) {
    // The columns and rows whose filter lies inside.
    let across = inner(layer.padding.1, layer.stride.1, layer.width, layer.kernel.1, layer.out_width);
    let down = inner(layer.padding.0, layer.stride.0, layer.height, layer.kernel.0, rows.end);
    let simple = layer.kernel == (3, 3) && layer.stride.0 == layer.stride.1 && layer.stride.1 <= 2;
    let mut row = rows.start;
    while row < rows.end {
        let inside = |row: usize| simple && down.contains(&row);
        let pair =
            inside(row) && layer.stride.0 == 1 && !layer.paired && row + 1 < rows.end && inside(row + 1);
        unsafe {
            match (layer.stride.1, layer.paired) {
                _ if !inside(row) => line::<V, 1>(layer, row, 0..0, |_| {}),
                (1, false) if pair => line::<V, TOGETHER>(layer, row, across.clone(), |column| {
                    several::<V, TOGETHER, 2, 1, false>(layer, row, column);
                }),
                (1, false) => line::<V, TOGETHER>(layer, row, across.clone(), |column| {
                    several::<V, TOGETHER, 1, 1, false>(layer, row, column);
                }),
                (1, true) => line::<V, TOGETHER>(layer, row, across.clone(), |column| {
                    several::<V, TOGETHER, 1, 1, true>(layer, row, column);
                }),
                (_, false) => line::<V, TOGETHER>(layer, row, across.clone(), |column| {
                    several::<V, TOGETHER, 1, 2, false>(layer, row, column);
                }),
                (_, true) => line::<V, TOGETHER>(layer, row, across.clone(), |column| {
                    several::<V, TOGETHER, 1, 2, true>(layer, row, column);
                }),
            }
            if pair {
                // `several` has written this row's middle; its edges are left.
                line::<V, TOGETHER>(layer, row + 1, across.clone(), |_| {});
            }
        }
        row += 1 + usize::from(pair);
    }
}

/// One row: `together` for as many neighbours at a time as fit into `inside`, the others one by one.
#[inline(always)]
unsafe fn line<V: Lanes, const TOGETHER: usize>(
    layer: &Depthwise<'_>,
    row: usize,
    inside: Range<usize>,
    together: impl Fn(usize),
) {
    let groups = inside.len() / TOGETHER;
    unsafe {
        for column in 0..inside.start {
            one::<V>(layer, row, column);
        }
        for group in 0..groups {
            together(inside.start + group * TOGETHER);
        }
        for column in inside.start + groups * TOGETHER..layer.out_width {
            one::<V>(layer, row, column);
        }
    }
}

/// The outputs whose filter reads no padding, along one direction.
fn inner(padding: usize, stride: usize, size: usize, kernel: usize, out: usize) -> Range<usize> {
    let first = padding.div_ceil(stride).min(out);
    let last = (size + padding).checked_sub(kernel).map_or(0, |room| room / stride + 1);
    first..last.clamp(first, out)
}

/// Neighbouring pixels of one or two rows, all taps inside. Two rows share the input rows between them.
#[inline(always)]
unsafe fn several<
    V: Lanes,
    const TOGETHER: usize,
    const ROWS: usize,
    const STRIDE: usize,
    const PAIRED: bool,
>(
    layer: &Depthwise<'_>,
    row: usize,
    column: usize,
) {
    let (top, left) = (row * STRIDE - layer.padding.0, column * STRIDE - layer.padding.1);
    for lane in (0..LANES).step_by(V::COUNT) {
        unsafe {
            let weight = |tap: usize| V::load(layer.weights.get_unchecked(tap).0.as_ptr().add(lane));
            let mut sums = [[V::load(layer.bias.0.as_ptr().add(lane)); TOGETHER]; ROWS];
            for input_row in 0..ROWS + 2 {
                let line = layer.line(top + input_row).add(left).cast::<f32>().add(lane);
                for across in 0..3 {
                    for (out_row, sums) in sums.iter_mut().enumerate() {
                        if input_row < out_row || input_row > out_row + 2 {
                            continue;
                        }
                        let tap = ((input_row - out_row) * 3 + across) * (1 + usize::from(PAIRED));
                        for (index, sum) in sums.iter_mut().enumerate() {
                            let value = V::load(line.add((index * STRIDE + across) * LANES));
                            *sum = sum.multiply_add(value, weight(tap));
                            if PAIRED {
                                *sum = sum.multiply_add(value.swap_pairs(), weight(tap + 1));
                            }
                        }
                    }
                }
            }
            for (out_row, sums) in sums.into_iter().enumerate() {
                for (index, sum) in sums.into_iter().enumerate() {
                    layer.write(row + out_row, column + index, lane, sum);
                }
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
                let line = layer.line((top + down as isize) as usize);
                for across in across.clone() {
                    let place = line.add((left + across as isize) as usize);
                    let value = V::load(place.cast::<f32>().add(lane));
                    let tap = (down * layer.kernel.1 + across) * (1 + usize::from(layer.paired));
                    let weight = |tap: usize| V::load(layer.weights[tap].0.as_ptr().add(lane));
                    sum = sum.multiply_add(value, weight(tap));
                    if layer.paired {
                        sum = sum.multiply_add(value.swap_pairs(), weight(tap + 1));
                    }
                }
            }
            layer.write(row, column, lane, sum);
        }
    }
}
