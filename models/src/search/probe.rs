//! A probe as 8-bit codes, and the arithmetic that turns an integer dot product into the most that the score can be.
//!
//! # Why nothing is missed
//!
//! Let `q` be the probe, `x` a row, `q'` and `x'` what their codes stand for. Then
//!
//! ```text
//! q·x = q'·x' + q'·(x - x') + (q - q')·x  <=  q'·x' + |q'| |x - x'| + |q - q'| |x|         (Cauchy-Schwarz)
//! ```
//!
//! `q'·x'` is an integer times two scales, `|x - x'|` stands beside each row, rounded up; `|q'|` and `|q - q'|` are computed
//! in `f64` for each probe and rounded up; `|x|` is at most the longest row's length. The last term is the same for all
//! rows, so it is taken from the score that is needed rather than added to each row.
//!
//! Two roundings remain, for numbers of `W` dimensions. The score that counts is the `f32` sum of `f32` products: it is off
//! by at most `W u |q| |x| / (1 - W u)`, with `u = 2^-24`, in whatever order it is summed. And the bound itself is
//! computed in `f32`: at most eight roundings (the integer, the probe's scale, the two scales' product, its product with the
//! integer, the error's product with `|q'|`, the sum, what is needed), each at most `u` times a number of at most
//! `|q'| (|x| + 2 |x - x'|)`; an error is at most 8 steps of 1/126 in each dimension, so that number is below
//! `1.1 + 0.14 √W`. Together they are less than
//! `(2.01 W + 32) u`; [`slack`] takes twice as much. Underflow adds less than `W` times the smallest normal number,
//! which is nothing beside it.
//!
//! A row whose bound is below the needed score can therefore not have reached it, and all others are compared in `f32`.

use super::codes::{COARSE_ZERO, PADDING, ZERO};

/// The longest template that can be searched. A code word of this many numbers fits in 32-bit sums with room to spare.
pub const LONGEST_TEMPLATE: usize = 4096;
const WORDS: usize = LONGEST_TEMPLATE / 4;

/// A probe, coded.
pub(super) struct Encoded {
    words: [i32; WORDS],
    /// How many words count: two for each line of a block.
    used: usize,
    /// The sum of the codes.
    total: i32,
    /// What one step is.
    scale: f64,
    /// |q'|, rounded up.
    length: f32,
    /// |q - q'|, rounded up.
    error: f64,
    slack: f64,
}

/// What turns the integers of one pass into bounds: `(integer << shift) + offset`, times `gain` and the row's scale, plus
/// the row's error times `length`.
#[derive(Clone, Copy)]
pub(super) struct Reach {
    pub(super) shift: u32,
    pub(super) offset: i32,
    pub(super) gain: f32,
    pub(super) length: f32,
}

impl Reach {
    /// The most that a row's score can be, but for what is the same for all rows. The kernels repeat these very
    /// operations, so that all of them agree to the last bit.
    pub(super) fn of(&self, integer: i32, bounds: u32) -> f32 {
        let scale = f32::from_bits(bounds & 0xffff_0000);
        let error = f32::from_bits(bounds << 16);
        let value = ((integer << self.shift) + self.offset) as f32;
        value * (scale * self.gain) + error * self.length
    }
}

impl Encoded {
    /// Codes a unit vector of at most [`LONGEST_TEMPLATE`] numbers.
    pub(super) fn new(probe: &[f32]) -> Self {
        let largest = probe.iter().fold(0.0f32, |largest, number| largest.max(number.abs()));
        let scale = f64::from(largest) / 127.0;
        let mut words = [0; WORDS];
        let (mut total, mut length, mut error) = (0, 0.0, 0.0);
        for (word, numbers) in words.iter_mut().zip(probe.chunks(4)) {
            let mut bytes = [0; 4];
            for (byte, &number) in bytes.iter_mut().zip(numbers) {
                let code = (f64::from(number) / scale).round().clamp(-127.0, 127.0);
                *byte = code as i8 as u8;
                total += code as i32;
                length += (code * scale).powi(2);
                error += (f64::from(number) - code * scale).powi(2);
            }
            *word = i32::from_le_bytes(bytes);
        }
        // Sums of squares in f64 are off by far less than this.
        let upwards = |squares: f64| squares.sqrt() * (1.0 + 1e-9);
        Self {
            words,
            used: probe.len().next_multiple_of(PADDING) / 4,
            total,
            scale,
            length: (upwards(length) as f32).next_up(),
            error: upwards(error),
            slack: slack(probe.len()),
        }
    }

    /// Four numbers in each: those for the lower and for the upper half of the bytes of each line, alternating.
    pub(super) fn words(&self) -> &[i32] {
        &self.words[..self.used]
    }

    /// For sums over the upper plane.
    pub(super) fn coarse(&self) -> Reach {
        let (offset, gain) = (-COARSE_ZERO * self.total, self.scale / 2.0);
        Reach { shift: 5, offset, gain: gain as f32, length: self.length }
    }

    /// For sums over both planes: sixteen times that of the upper plane and that of the lower.
    pub(super) fn fine(&self) -> Reach {
        Reach { shift: 0, offset: -ZERO * self.total, gain: self.scale as f32, length: self.length }
    }

    /// What [`Reach::of`] must give for a row to be able to reach `score`, when no row is longer than `longest`.
    pub(super) fn needed(&self, score: f32, longest: f64) -> f32 {
        let same_for_all = self.error * longest + self.slack;
        ((f64::from(score) - same_for_all) as f32).next_down()
    }
}

/// More than all roundings of `f32` can be (see above).
fn slack(width: usize) -> f64 {
    (width + 64) as f64 * f64::from(f32::EPSILON)
}
