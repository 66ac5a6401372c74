//! The loops that need no tricks: the compiler turns them into the registers of the set that they are compiled for.

use super::{Affine, Block, LANES};

#[inline(always)]
pub(super) fn max_pool(upper: &[Block], lower: &[Block], output: &mut [Block]) {
    let pairs = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
    for (out, (upper, lower)) in output.iter_mut().zip(pairs) {
        for lane in 0..LANES {
            let larger = |left: f32, right: f32| if left > right { left } else { right };
            let (top, bottom) =
                (larger(upper[0].0[lane], upper[1].0[lane]), larger(lower[0].0[lane], lower[1].0[lane]));
            out.0[lane] = larger(top, bottom);
        }
    }
}

#[inline(always)]
pub(super) fn add(left: &[Block], right: &[Block], factor: usize, output: &mut [Block]) {
    for (index, (out, left)) in output.iter_mut().zip(left).enumerate() {
        let right = &right[index / factor];
        for lane in 0..LANES {
            out.0[lane] = left.0[lane] + right.0[lane];
        }
    }
}

#[inline(always)]
pub(super) fn affine(input: &[Block], rule: &Affine, output: &mut [Block]) {
    for (out, pixel) in output.iter_mut().zip(input) {
        for lane in 0..LANES {
            let value = pixel.0[lane] * rule.scale.0[lane] + rule.shift.0[lane];
            let negative = if value < 0.0 { value } else { 0.0 };
            out.0[lane] = value + negative * rule.slope_less_one.0[lane];
        }
    }
}

#[inline(always)]
pub(super) fn sum(input: &[Block]) -> Block {
    let mut sums = [Block::ZERO; 4];
    let (fours, rest) = input.as_chunks::<4>();
    for four in fours {
        for (sum, pixel) in sums.iter_mut().zip(four) {
            for lane in 0..LANES {
                sum.0[lane] += pixel.0[lane];
            }
        }
    }
    for pixel in rest {
        for lane in 0..LANES {
            sums[0].0[lane] += pixel.0[lane];
        }
    }
    Block(std::array::from_fn(|lane| {
        (sums[0].0[lane] + sums[1].0[lane]) + (sums[2].0[lane] + sums[3].0[lane])
    }))
}

/// `1 / (1 + exp(-x))` for all pixels, with Cephes' polynomial of the exponential: within 2e-7 of the true value.
#[inline(always)]
pub(super) fn sigmoid(input: &[Block], output: &mut [Block]) {
    for (out, pixel) in output.iter_mut().zip(input) {
        for lane in 0..LANES {
            out.0[lane] = 1.0 / (1.0 + exponential(-pixel.0[lane]));
        }
    }
}

/// e to the power of `value`, which is limited to where a float can hold the result; what is not a number stays so.
#[inline(always)]
fn exponential(value: f32) -> f32 {
    const LIMIT: f32 = 87.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let low = if value < -LIMIT { -LIMIT } else { value };
    let limited = if low > LIMIT { LIMIT } else { low };
    let power = (limited * std::f32::consts::LOG2_E).round_ties_even();
    let rest = limited - power * LN_2_HIGH - power * LN_2_LOW;
    let mut sum = 1.987_569_1e-4;
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5] {
        sum = sum * rest + coefficient;
    }
    // Two to the power, put together from its bits; the limit keeps the exponent in range.
    let two = f32::from_bits(((power as i32 + 127) << 23) as u32);
    (sum * rest * rest + rest + 1.0) * two
}

/// `output = input * factor` for all pixels of one block of channels.
#[inline(always)]
pub(super) fn scale(input: &[Block], factor: &Block, output: &mut [Block]) {
    for (out, pixel) in output.iter_mut().zip(input) {
        for lane in 0..LANES {
            out.0[lane] = pixel.0[lane] * factor.0[lane];
        }
    }
}

/// Compiles the loops of this file for one set of instructions.
macro_rules! plain_loops {
    ($features:literal) => {
        #[target_feature(enable = $features)]
        unsafe fn max_pool(
            upper: &[$crate::kernels::Block],
            lower: &[$crate::kernels::Block],
            output: &mut [$crate::kernels::Block],
        ) {
            $crate::kernels::plain::max_pool(upper, lower, output);
        }

        #[target_feature(enable = $features)]
        unsafe fn add(
            left: &[$crate::kernels::Block],
            right: &[$crate::kernels::Block],
            factor: usize,
            output: &mut [$crate::kernels::Block],
        ) {
            $crate::kernels::plain::add(left, right, factor, output);
        }

        #[target_feature(enable = $features)]
        unsafe fn affine(
            input: &[$crate::kernels::Block],
            rule: &$crate::kernels::Affine,
            output: &mut [$crate::kernels::Block],
        ) {
            $crate::kernels::plain::affine(input, rule, output);
        }

        #[target_feature(enable = $features)]
        unsafe fn sum(input: &[$crate::kernels::Block]) -> $crate::kernels::Block {
            $crate::kernels::plain::sum(input)
        }

        #[target_feature(enable = $features)]
        unsafe fn sigmoid(input: &[$crate::kernels::Block], output: &mut [$crate::kernels::Block]) {
            $crate::kernels::plain::sigmoid(input, output);
        }

        #[target_feature(enable = $features)]
        unsafe fn scale(
            input: &[$crate::kernels::Block],
            factor: &$crate::kernels::Block,
            output: &mut [$crate::kernels::Block],
        ) {
            $crate::kernels::plain::scale(input, factor, output);
        }
    };
}

pub(super) use plain_loops;
