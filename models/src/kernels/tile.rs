//! The dense convolution, pointwise ones above all: a tile of neighbouring pixels times a panel of output channels.
//!
//! The sums of a tile stay in registers while the loop runs over everything that is summed up. That is a list of *runs*:
//! places in the input, relative to the pixel, from which some consecutive values are taken. A pointwise convolution has
//! one run of sixteen channels in each block of the input; the first layer, whose pixels lie side by side with three
//! colours each, has one run of nine values in each of the three rows that its filter covers. So one loop serves both.

use super::LANES;
use super::lanes::Lanes;

/// One tile's arguments; all distances in floats.
pub(crate) struct Tile<'a> {
    /// Where the first pixel's runs are counted from.
    pub(crate) input: *const f32,
    /// Distance from one pixel of the tile to the next: 16 in blocks, 3 or 6 in a picture.
    pub(crate) pixel_stride: usize,
    /// Where each run begins.
    pub(crate) runs: &'a [usize],
    /// Values in each run.
    pub(crate) run_length: usize,
    /// Values in the last run.
    pub(crate) last_length: usize,
    /// For each value that is summed up, the weights of all channels of the panel.
    pub(crate) weights: *const f32,
    /// One for each channel of the panel.
    pub(crate) bias: *const f32,
    /// One for each channel of the panel: the activation's slope less one.
    pub(crate) slope_less_one: *const f32,
    /// First pixel, first channel of the panel.
    pub(crate) output: *mut f32,
    /// From a block of output channels to the next.
    pub(crate) output_plane: usize,
    /// Added after the activation, first pixel and channel; or null.
    pub(crate) residual: *const f32,
    /// From a block of its channels to the next.
    pub(crate) residual_plane: usize,
}

/// The tile for `PIXELS` pixels and `REGISTERS` registers of output channels.
///
/// # Safety
/// As [`Lanes`]; all that the tile names must be there.
#[inline(always)]
pub(super) unsafe fn tile<V: Lanes, const PIXELS: usize, const REGISTERS: usize, const STRIDE: usize>(
    tile: &Tile<'_>,
) {
    unsafe {
        let mut sums = [[V::splat(0.0); REGISTERS]; PIXELS];
        for (register, sum) in sums[0].iter_mut().enumerate() {
            *sum = V::load(tile.bias.add(register * V::COUNT));
        }
        sums = [sums[0]; PIXELS];
        let mut weights = tile.weights;
        let last = tile.runs.len() - 1;
        for (index, run) in tile.runs.iter().enumerate() {
            let mut input = tile.input.add(*run);
            let length = if index == last { tile.last_length } else { tile.run_length };
            for _ in 0..length {
                let mut panel = [V::splat(0.0); REGISTERS];
                for (register, weight) in panel.iter_mut().enumerate() {
                    *weight = V::load(weights.add(register * V::COUNT));
                }
                for (pixel, sums) in sums.iter_mut().enumerate() {
                    let value = V::splat(*input.add(pixel * STRIDE));
                    for (sum, weight) in sums.iter_mut().zip(panel) {
                        *sum = sum.multiply_add(value, weight);
                    }
                }
                weights = weights.add(REGISTERS * V::COUNT);
                input = input.add(1);
            }
        }
        for register in 0..REGISTERS {
            let slope = V::load(tile.slope_less_one.add(register * V::COUNT));
            let channel = register * V::COUNT;
            let place = channel / LANES * tile.output_plane + channel % LANES;
            let residual = channel / LANES * tile.residual_plane + channel % LANES;
            for (pixel, sums) in sums.iter().enumerate() {
                let mut value = sums[register].activate(slope);
                if !tile.residual.is_null() {
                    value = value.add(V::load(tile.residual.add(residual + pixel * LANES)));
                }
                value.store(tile.output.add(place + pixel * LANES));
            }
        }
    }
}

/// Makes `fn tile(tile, pixels, blocks)`, which calls the tile compiled for these numbers: for each number of blocks, the
/// numbers of pixels are listed.
macro_rules! tiles {
    ($register:ty, $features:literal, $($blocks:literal: $pixels:tt),*) => {
        /// One compiled tile.
        #[target_feature(enable = $features)]
        unsafe fn one<const PIXELS: usize, const REGISTERS: usize, const STRIDE: usize>(
            tile: &$crate::kernels::Tile<'_>,
        ) {
            // SAFETY: as the caller's, and the instructions are enabled here.
            unsafe { $crate::kernels::tile::tile::<$register, PIXELS, REGISTERS, STRIDE>(tile) }
        }

        /// Chooses the compiled tile.
        unsafe fn tile(tile: &$crate::kernels::Tile<'_>, pixels: usize, blocks: usize) {
            // SAFETY: as the caller's.
            unsafe { $crate::kernels::tile::by_blocks!(tile, pixels, blocks, $register, $($blocks: $pixels),*) }
        }
    };
}

macro_rules! by_blocks {
    ($tile:ident, $pixels:ident, $blocks:ident, $register:ty, $($count:literal: $list:tt),*) => {
        match ($tile.pixel_stride, $blocks) {
            $(
                (16, $count) => $crate::kernels::tile::by_pixels!($tile, $pixels, $list, $count, 16, $register),
                (3, $count) => $crate::kernels::tile::by_pixels!($tile, $pixels, $list, $count, 3, $register),
                (6, $count) => $crate::kernels::tile::by_pixels!($tile, $pixels, $list, $count, 6, $register),
            )*
            (stride, blocks) => unreachable!("the planner makes no tile of stride {stride} and {blocks} blocks"),
        }
    };
}

macro_rules! by_pixels {
    ($tile:ident, $pixels:ident, [$($count:literal)*], $blocks:literal, $stride:literal, $register:ty) => {
        match $pixels {
            $($count => one::<$count, { $blocks * 16 / <$register as $crate::kernels::lanes::Lanes>::COUNT }, $stride>($tile),)*
            pixels => unreachable!("the planner makes no tile of {pixels} pixels"),
        }
    };
}

pub(super) use {by_blocks, by_pixels, tiles};
