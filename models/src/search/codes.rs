//! Rows of a gallery as 8-bit codes in two planes of 4 bits, and how far each row is from its codes.
//!
//! A number `x` of a row becomes `round(x / scale) + 128`, the row's own scale chosen so that its largest number becomes
//! 127 steps. The upper four bits of the codes stand in one plane, the lower four in another. The upper plane alone is a
//! coarse copy of the row (64 bytes for 128 numbers); both together are the fine one. Nothing is stored twice.
//!
//! Sixteen rows make a block. A line of 64 bytes holds, for each of the 16 rows, 4 bytes; byte `j` of line `l` has number
//! `8 l + j` in its lower half and number `8 l + 4 + j` in its upper half. So a 32-bit lane of a vector register is four
//! numbers of one row, the integer dot products of all processors accumulate one row in a lane, and nothing is ever summed
//! across a register.
//!
//! For each plane and row stands one 32-bit word: the scale and the length of the row's error, both as the upper half of
//! an `f32` (bfloat16). The scale is rounded first and the codes are made with the rounded one, so it is exact; the
//! error is rounded up.

use rayon::prelude::*;

use super::{probe::Encoded, workers::Workers};

/// Rows of a block: one for each 32-bit lane of the widest register.
pub(super) const ROWS: usize = 16;
/// Numbers of a row in one line.
const PER_LINE: usize = 8;
/// Numbers of a row are padded with zeros to a multiple of this: kernels take two lines at a time.
pub(super) const PADDING: usize = 2 * PER_LINE;
/// The code of zero.
pub(super) const ZERO: i32 = 128;
/// Twice what a coarse code `h` stands for is `32 h - COARSE_ZERO`: the middle of the sixteen codes that share it.
pub(super) const COARSE_ZERO: i32 = 241;

/// How much of a gallery one thread codes at a time.
const BLOCKS_PER_PART: usize = 1024;

/// 64 bytes that one cache line holds.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Line(pub(super) [u8; 64]);

/// For each row of a block: the scale (upper half) and the error (lower half), two bfloat16.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Bounds(pub(super) [u32; ROWS]);

/// One of the two planes with what is needed to interpret it.
#[derive(Clone)]
pub(super) struct Plane {
    /// `lines_per_block` lines for each block.
    pub(super) lines: Vec<Line>,
    /// One for each block. Those of the lower plane are about both planes together.
    pub(super) bounds: Vec<Bounds>,
}

/// The codes of a set of rows.
#[derive(Clone)]
pub(super) struct Codes {
    rows: usize,
    lines_per_block: usize,
    /// The upper halves of the codes.
    pub(super) upper: Plane,
    /// The lower halves.
    pub(super) lower: Plane,
    /// No row is longer than this.
    longest: f64,
}

impl Codes {
    /// Codes of `vectors`: rows of `width` numbers, one after another, each of about unit length.
    pub(super) fn encode(vectors: &[f32], width: usize, workers: &Workers) -> Self {
        let lines_per_block = width.next_multiple_of(PADDING) / PER_LINE;
        let rows = vectors.len().checked_div(width).unwrap_or(0);
        let blocks = rows.div_ceil(ROWS);
        let plane = || Plane {
            lines: vec![Line([0; 64]); blocks * lines_per_block],
            bounds: vec![Bounds([0; ROWS]); blocks],
        };
        let (mut upper, mut lower) = (plane(), plane());
        let encode = |part: Part<'_>, vectors: &[f32]| encode_part(part, vectors, width, lines_per_block);
        let whole = Part::of(&mut upper, &mut lower);
        let longest = match workers.pool() {
            Some(pool) if blocks >= BLOCKS_PER_PART => pool.install(|| {
                let parts = whole.split(lines_per_block);
                let vectors = vectors.par_chunks(BLOCKS_PER_PART * ROWS * width);
                parts
                    .into_par_iter()
                    .zip(vectors)
                    .map(|(part, vectors)| encode(part, vectors))
                    .reduce(|| 0.0, f64::max)
            }),
            _ => encode(whole, vectors),
        };
        Self { rows, lines_per_block, upper, lower, longest }
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// How many blocks they fill, the last perhaps in part.
    pub(super) fn blocks(&self) -> usize {
        self.upper.bounds.len()
    }

    /// How many lines of a plane a block has: an even number.
    pub(super) fn lines_per_block(&self) -> usize {
        self.lines_per_block
    }

    /// What a pass must find for a row to be able to reach `score`.
    pub(super) fn needed(&self, probe: &Encoded, score: f32) -> f32 {
        probe.needed(score, self.longest)
    }

    /// The lower plane of a block.
    pub(super) fn lower_of(&self, block: usize) -> &[Line] {
        &self.lower.lines[block * self.lines_per_block..][..self.lines_per_block]
    }

    /// Which lanes of a block hold a row.
    pub(super) fn present(&self, block: usize) -> u16 {
        let rows = self.rows.saturating_sub(block * ROWS);
        if rows >= ROWS { u16::MAX } else { (1 << rows) - 1 }
    }

    /// How many bytes it holds.
    pub(super) fn bytes(&self) -> usize {
        let of = |plane: &Plane| size_of_val(&*plane.lines) + size_of_val(&*plane.bounds);
        of(&self.upper) + of(&self.lower)
    }
}

/// Some blocks, to be filled by one thread.
struct Part<'a> {
    upper: &'a mut [Line],
    lower: &'a mut [Line],
    coarse: &'a mut [Bounds],
    fine: &'a mut [Bounds],
}

impl<'a> Part<'a> {
    fn of(upper: &'a mut Plane, lower: &'a mut Plane) -> Self {
        let (coarse, fine) = (&mut *upper.bounds, &mut *lower.bounds);
        Self { upper: &mut upper.lines, lower: &mut lower.lines, coarse, fine }
    }

    /// Parts of [`BLOCKS_PER_PART`] blocks.
    fn split(self, lines_per_block: usize) -> Vec<Self> {
        let lines = BLOCKS_PER_PART * lines_per_block;
        let upper = self.upper.chunks_mut(lines).zip(self.lower.chunks_mut(lines));
        let bounds = self.coarse.chunks_mut(BLOCKS_PER_PART).zip(self.fine.chunks_mut(BLOCKS_PER_PART));
        let part = |((upper, lower), (coarse, fine))| Self { upper, lower, coarse, fine };
        upper.zip(bounds).map(part).collect()
    }
}

/// Codes the rows of one part; returns the length of the longest.
fn encode_part(part: Part<'_>, vectors: &[f32], width: usize, lines_per_block: usize) -> f64 {
    // Sums of `width` squares in `f32`, each with a few roundings: their relative error is below this.
    let rounding = 1.0 + (width + 8) as f64 * f64::from(f32::EPSILON);
    let length = |squares: f32| f64::from(squares).sqrt() * rounding;
    let mut longest = 0.0;
    if width == 0 {
        return longest;
    }
    for (row, numbers) in vectors.chunks_exact(width).enumerate() {
        let (block, lane) = (row / ROWS, row % ROWS);
        let lines = block * lines_per_block..(block + 1) * lines_per_block;
        let sums = encode_row(numbers, lane, &mut part.upper[lines.clone()], &mut part.lower[lines]);
        let word = |squares| sums.scale.to_bits() | upwards((length(squares) as f32).next_up()) >> 16;
        part.coarse[block].0[lane] = word(sums.coarse);
        part.fine[block].0[lane] = word(sums.fine);
        longest = f64::max(longest, length(sums.length));
    }
    longest
}

/// What one row's codes lack: squared lengths of the row and of both errors.
struct Sums {
    scale: f32,
    length: f32,
    coarse: f32,
    fine: f32,
}

fn encode_row(row: &[f32], lane: usize, upper: &mut [Line], lower: &mut [Line]) -> Sums {
    let largest = row.iter().fold(0.0f32, |largest, number| largest.max(number.abs()));
    let scale = f32::from_bits(upwards(largest / 127.0));
    let inverse = 1.0 / scale;
    let mut sums = [[0.0f32; PER_LINE]; 3];
    let mut add = |line: usize, numbers: [f32; PER_LINE], present: usize| {
        let mut codes = [0; PER_LINE];
        let mut squares = [[0.0f32; PER_LINE]; 3];
        for j in 0..PER_LINE {
            // The cast cuts off, which rounds what is positive to the nearest after half a step was added.
            let code = (numbers[j] * inverse + (ZERO as f32 + 0.5)) as i32;
            // Both products are exact: a scale has 8 bits, a code 9.
            let fine = numbers[j] - scale * (code - ZERO) as f32;
            let coarse = numbers[j] - scale * 0.5 * (32 * (code >> 4) - COARSE_ZERO) as f32;
            squares[0][j] = numbers[j] * numbers[j];
            squares[1][j] = coarse * coarse;
            squares[2][j] = fine * fine;
            codes[j] = code as u8;
        }
        for (sums, squares) in sums.iter_mut().zip(&squares) {
            for (sum, square) in sums[..present].iter_mut().zip(squares) {
                *sum += square;
            }
        }
        for j in 0..PER_LINE / 2 {
            let (first, second) = (codes[j], codes[j + PER_LINE / 2]);
            upper[line].0[lane * 4 + j] = first >> 4 | second & 0xf0;
            lower[line].0[lane * 4 + j] = first & 0x0f | second << 4;
        }
    };
    let (whole, rest) = row.as_chunks::<PER_LINE>();
    for (line, numbers) in whole.iter().enumerate() {
        add(line, *numbers, PER_LINE);
    }
    if !rest.is_empty() {
        let mut numbers = [0.0; PER_LINE];
        numbers[..rest.len()].copy_from_slice(rest);
        add(whole.len(), numbers, rest.len());
    }
    let [length, coarse, fine] = sums.map(|sums| sums.iter().sum());
    Sums { scale, length, coarse, fine }
}

/// The bits of the smallest bfloat16 that is no less than a finite `number` of at least zero, as those of an `f32`.
fn upwards(number: f32) -> u32 {
    number.to_bits().next_multiple_of(1 << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(count: usize, width: usize) -> Vec<f32> {
        let mut random = crate::search::synthetic::Random::new(7);
        (0..count).flat_map(|_| crate::search::synthetic::unit(&mut random, width)).collect()
    }

    /// The row as its codes say it, coarse and fine, in `f64`.
    fn decoded(codes: &Codes, row: usize, width: usize) -> [Vec<f64>; 2] {
        let (block, lane) = (row / ROWS, row % ROWS);
        let scale = f64::from(f32::from_bits(codes.upper.bounds[block].0[lane] & 0xffff_0000));
        let number = |number: usize| {
            let (line, within) = (block * codes.lines_per_block() + number / PER_LINE, number % PER_LINE);
            let half = |plane: &Plane| {
                let byte = plane.lines[line].0[lane * 4 + within % 4];
                i32::from(if within < 4 { byte & 15 } else { byte >> 4 })
            };
            let (upper, lower) = (half(&codes.upper), half(&codes.lower));
            (f64::from(32 * upper - COARSE_ZERO) / 2.0, f64::from(16 * upper + lower - ZERO))
        };
        let coarse = (0..width).map(|at| number(at).0 * scale).collect();
        [coarse, (0..width).map(|at| number(at).1 * scale).collect()]
    }

    #[test]
    fn the_stored_errors_are_never_smaller_than_the_true_ones_and_hardly_larger() {
        for width in [1, 3, 8, 16, 17, 128, 512] {
            let vectors = rows(37, width);
            let codes = Codes::encode(&vectors, width, &Workers::none());
            for (row, numbers) in vectors.chunks_exact(width).enumerate() {
                let planes = [&codes.upper, &codes.lower];
                for (plane, decoded) in planes.into_iter().zip(decoded(&codes, row, width)) {
                    let error =
                        numbers.iter().zip(&decoded).map(|(&a, b)| (f64::from(a) - b).powi(2)).sum::<f64>();
                    let stored = f32::from_bits(plane.bounds[row / ROWS].0[row % ROWS] << 16);
                    assert!(f64::from(stored) >= error.sqrt(), "width {width}, row {row}");
                    assert!(f64::from(stored) <= error.sqrt() * 1.01 + 1e-6, "width {width}, row {row}");
                }
                let length = numbers.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
                assert!(codes.longest >= length);
            }
        }
    }

    #[test]
    fn codes_are_as_close_as_four_and_eight_bits_can_be() {
        let vectors = rows(64, 128);
        let codes = Codes::encode(&vectors, 128, &Workers::none());
        let mean = |plane: &Plane| {
            let errors =
                plane.bounds.iter().flat_map(|bounds| bounds.0).map(|word| f32::from_bits(word << 16));
            errors.sum::<f32>() / 64.0
        };
        assert!(mean(&codes.upper) < 0.14, "{}", mean(&codes.upper));
        assert!(mean(&codes.lower) < 0.009, "{}", mean(&codes.lower));
    }

    #[test]
    fn the_lanes_after_the_last_row_are_known_as_empty() {
        let codes = Codes::encode(&rows(17, 16), 16, &Workers::none());
        assert_eq!((codes.present(0), codes.present(1), codes.present(2)), (u16::MAX, 1, 0));
        assert_eq!(Codes::encode(&[], 16, &Workers::none()).blocks(), 0);
    }
}
