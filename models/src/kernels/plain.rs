//! The loops that only read, compute and write: pools, sums, scales, the logistic function.

use super::lanes::Lanes;
use super::{Affine, Block, LANES};

/// Writes `work(pixel, lane)` to every register of every output pixel.
///
/// # Safety
/// As [`Lanes`].
#[inline(always)]
unsafe fn each<V: Lanes>(output: &mut [Block], work: impl Fn(usize, usize) -> V) {
    for (pixel, out) in output.iter_mut().enumerate() {
        for lane in (0..LANES).step_by(V::COUNT) {
            unsafe { work(pixel, lane).store(out.0.as_mut_ptr().add(lane)) };
        }
    }
}

/// The register of a pixel that begins at this lane.
///
/// # Safety
/// As [`Lanes`]; the pixel must be there.
#[inline(always)]
unsafe fn at<V: Lanes>(pixels: &[Block], pixel: usize, lane: usize) -> V {
    debug_assert!(pixel < pixels.len());
    unsafe { V::load(pixels.as_ptr().add(pixel).cast::<f32>().add(lane)) }
}

#[inline(always)]
pub(super) unsafe fn max_pool<V: Lanes>(upper: &[Block], lower: &[Block], output: &mut [Block]) {
    assert!(upper.len() >= output.len() * 2 && lower.len() >= output.len() * 2);
    unsafe {
        each::<V>(output, |pixel, lane| {
            let top = at::<V>(upper, pixel * 2, lane).max(at(upper, pixel * 2 + 1, lane));
            top.max(at::<V>(lower, pixel * 2, lane).max(at(lower, pixel * 2 + 1, lane)))
        });
    }
}

#[inline(always)]
pub(super) unsafe fn add<V: Lanes>(left: &[Block], right: &[Block], factor: usize, output: &mut [Block]) {
    assert!(left.len() >= output.len() && right.len() * factor >= output.len());
    unsafe {
        match factor {
            1 => each::<V>(output, |pixel, lane| at::<V>(left, pixel, lane).add(at(right, pixel, lane))),
            2 => each::<V>(output, |pixel, lane| at::<V>(left, pixel, lane).add(at(right, pixel / 2, lane))),
            _ => {
                each::<V>(output, |pixel, lane| {
                    at::<V>(left, pixel, lane).add(at(right, pixel / factor, lane))
                });
            }
        }
    }
}

#[inline(always)]
pub(super) unsafe fn affine<V: Lanes>(input: &[Block], rule: &Affine, output: &mut [Block]) {
    assert!(input.len() >= output.len());
    let constant = |block: &Block, lane: usize| unsafe { V::load(block.0.as_ptr().add(lane)) };
    unsafe {
        each::<V>(output, |pixel, lane| {
            let (scale, shift) = (constant(&rule.scale, lane), constant(&rule.shift, lane));
            let value = shift.multiply_add(at(input, pixel, lane), scale);
            value.activate(constant(&rule.slope_less_one, lane))
        });
    }
}

/// `output = input * factor` for all pixels of one block of channels.
#[inline(always)]
pub(super) unsafe fn scale<V: Lanes>(input: &[Block], factor: &Block, output: &mut [Block]) {
    assert!(input.len() >= output.len());
    unsafe {
        each::<V>(output, |pixel, lane| {
            V::splat(0.0).multiply_add(at(input, pixel, lane), V::load(factor.0.as_ptr().add(lane)))
        });
    }
}

/// The sum of all pixels, in four parts so that an addition need not wait for the one before.
#[inline(always)]
pub(super) unsafe fn sum<V: Lanes>(input: &[Block]) -> Block {
    let mut total = Block::ZERO;
    for lane in (0..LANES).step_by(V::COUNT) {
        unsafe {
            let mut sums = [V::splat(0.0); 4];
            for pixel in 0..input.len() {
                sums[pixel % 4] = sums[pixel % 4].add(at(input, pixel, lane));
            }
            let all = sums[0].add(sums[1]).add(sums[2].add(sums[3]));
            all.store(total.0.as_mut_ptr().add(lane));
        }
    }
    total
}

/// `1 / (1 + exp(-x))` of every value, with Cephes' polynomial of the exponential: within 2e-7 of the true value.
#[inline(always)]
pub(super) fn sigmoid(values: &mut [f32]) {
    for value in values {
        *value = 1.0 / (1.0 + exponential(-*value));
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

/// Compiles the loops of this file for one set of instructions.
macro_rules! plain_loops {
    ($register:ty, $features:literal) => {
        #[target_feature(enable = $features)]
        unsafe fn max_pool(upper: &[Block], lower: &[Block], output: &mut [Block]) {
            unsafe { $crate::kernels::plain::max_pool::<$register>(upper, lower, output) }
        }

        #[target_feature(enable = $features)]
        unsafe fn add(left: &[Block], right: &[Block], factor: usize, output: &mut [Block]) {
            unsafe { $crate::kernels::plain::add::<$register>(left, right, factor, output) }
        }

        #[target_feature(enable = $features)]
        unsafe fn affine(input: &[Block], rule: &$crate::kernels::Affine, output: &mut [Block]) {
            unsafe { $crate::kernels::plain::affine::<$register>(input, rule, output) }
        }

        #[target_feature(enable = $features)]
        unsafe fn sum(input: &[Block]) -> Block {
            unsafe { $crate::kernels::plain::sum::<$register>(input) }
        }

        #[target_feature(enable = $features)]
        unsafe fn sigmoid(values: &mut [f32]) {
            $crate::kernels::plain::sigmoid(values);
        }

        #[target_feature(enable = $features)]
        unsafe fn scale(input: &[Block], factor: &Block, output: &mut [Block]) {
            unsafe { $crate::kernels::plain::scale::<$register>(input, factor, output) }
        }
    };
}

pub(super) use plain_loops;
