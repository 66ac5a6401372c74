//! The pointwise convolution in bytes: four products and their sum in one instruction.
//!
//! The input is unsigned bytes, `value = (byte - zero) / inverse`, written so by the depthwise convolution before; weights
//! are signed bytes with a scale for each output channel. The sums are exact integers, so every set of kernels gives the
//! same ones; only then come floats: a scale, a bias and the activation, as in the other convolution.
//!
//! Sets whose instruction multiplies signed bytes only store the input less 128; what that changes in the sums is the same
//! for every pixel and stands in the start of each sum.

use super::LANES;
use super::lanes::Lanes;

/// A register of floats whose processor also multiplies bytes.
///
/// # Safety
/// As [`Lanes`].
pub(super) trait Dots: Lanes {
    /// As many whole numbers as there are floats.
    type Sums: Copy;
    /// Four bytes for each of them.
    type Bytes: Copy;
    unsafe fn sums(from: *const i32) -> Self::Sums;
    /// The same four bytes everywhere.
    unsafe fn same(from: *const u8) -> Self::Bytes;
    unsafe fn weights(from: *const i8) -> Self::Bytes;
    /// Adds the four products of each lane.
    unsafe fn dot(sums: Self::Sums, values: Self::Bytes, weights: Self::Bytes) -> Self::Sums;
    unsafe fn floats(sums: Self::Sums) -> Self;
}

/// What a set offers for bytes.
#[derive(Clone, Copy)]
pub(crate) struct ByteKernels {
    /// What is taken from each byte of the input before it is stored: 0 or 128.
    pub(crate) less: i32,
    /// Computes a tile for this many pixels and blocks of channels.
    pub(crate) tile: unsafe fn(&ByteTile<'_>, pixels: usize, blocks: usize),
}

/// One tile's arguments.
pub(crate) struct ByteTile<'a> {
    /// The first pixel's first block of sixteen bytes; the next pixel's follows.
    pub(crate) input: *const u8,
    /// Where each block of input channels begins, in bytes.
    pub(crate) runs: &'a [usize],
    /// Fours of channels in the last block.
    pub(crate) last_fours: usize,
    /// For each four of input channels, four weights of every channel of the panel.
    pub(crate) weights: *const i8,
    /// What each sum begins with, one for each channel of the panel, as the others here.
    pub(crate) start: *const i32,
    pub(crate) scale: *const f32,
    pub(crate) bias: *const f32,
    pub(crate) slope_less_one: *const f32,
    /// Floats: first pixel, first channel of the panel.
    pub(crate) output: *mut f32,
    /// From a block of output channels to the next, in floats.
    pub(crate) output_plane: usize,
    /// Added after the activation, or null.
    pub(crate) residual: *const f32,
    pub(crate) residual_plane: usize,
}

/// Fours of channels in a block.
pub(crate) const FOURS: usize = LANES / 4;

/// The tile for `PIXELS` pixels and `REGISTERS` registers of output channels.
///
/// # Safety
/// As [`Lanes`]; all that the tile names must be there.
#[inline(always)]
pub(super) unsafe fn tile<V: Dots, const PIXELS: usize, const REGISTERS: usize>(tile: &ByteTile<'_>) {
    unsafe {
        let mut sums = [[V::sums(tile.start); REGISTERS]; PIXELS];
        for (register, sum) in sums[0].iter_mut().enumerate() {
            *sum = V::sums(tile.start.add(register * V::COUNT));
        }
        sums = [sums[0]; PIXELS];
        let mut weights = tile.weights;
        let last = tile.runs.len() - 1;
        for (index, run) in tile.runs.iter().enumerate() {
            let mut input = tile.input.add(*run);
            for _ in 0..if index == last { tile.last_fours } else { FOURS } {
                let mut panel = [V::weights(weights); REGISTERS];
                for (register, weight) in panel.iter_mut().enumerate() {
                    *weight = V::weights(weights.add(register * V::COUNT * 4));
                }
                for (pixel, sums) in sums.iter_mut().enumerate() {
                    let values = V::same(input.add(pixel * LANES));
                    for (sum, weight) in sums.iter_mut().zip(panel) {
                        *sum = V::dot(*sum, values, weight);
                    }
                }
                weights = weights.add(REGISTERS * V::COUNT * 4);
                input = input.add(4);
            }
        }
        for register in 0..REGISTERS {
            let channel = register * V::COUNT;
            let scale = V::load(tile.scale.add(channel));
            let bias = V::load(tile.bias.add(channel));
            let slope = V::load(tile.slope_less_one.add(channel));
            let place = channel / LANES * tile.output_plane + channel % LANES;
            let residual = channel / LANES * tile.residual_plane + channel % LANES;
            for (pixel, sums) in sums.iter().enumerate() {
                let mut value = bias.multiply_add(V::floats(sums[register]), scale).activate(slope);
                if !tile.residual.is_null() {
                    value = value.add(V::load(tile.residual.add(residual + pixel * LANES)));
                }
                value.store(tile.output.add(place + pixel * LANES));
            }
        }
    }
}

/// Makes `fn byte_tile(tile, pixels, blocks)`, like `tiles!`.
macro_rules! byte_tiles {
    ($register:ty, $features:literal, $($blocks:literal: [$($pixels:literal)*]),*) => {
        #[target_feature(enable = $features)]
        unsafe fn one_of_bytes<const PIXELS: usize, const REGISTERS: usize>(tile: &$crate::kernels::ByteTile<'_>) {
            // SAFETY: as the caller's, and the instructions are enabled here.
            unsafe { $crate::kernels::bytes::tile::<$register, PIXELS, REGISTERS>(tile) }
        }

        unsafe fn byte_tile(tile: &$crate::kernels::ByteTile<'_>, pixels: usize, blocks: usize) {
            // SAFETY: as the caller's.
            unsafe {
                match (blocks, pixels) {
                    $($(
                        ($blocks, $pixels) => one_of_bytes::<$pixels, {
                            $blocks * 16 / <$register as $crate::kernels::lanes::Lanes>::COUNT
                        }>(tile),
                    )*)*
                    _ => unreachable!("the planner makes no tile of {pixels} pixels and {blocks} blocks"),
                }
            }
        }
    };
}

pub(super) use byte_tiles;
