//! The arithmetic of the networks: inner loops for the processor at hand.
//!
//! All of them work on *blocks*: sixteen channels of one pixel, side by side, aligned to a cache line. A map of `C`
//! channels lies in memory as `[C / 16][height][width][16]`, so that a convolution reads its input as one long stream with
//! constant distances, and every lane of a register is another channel. Lanes beyond the last channel hold numbers that
//! nobody reads.
//!
//! Each loop is written once over [`lanes::Lanes`], a register of floats, and compiled for AVX-512, AVX2 with FMA, NEON
//! and plain Rust; the widest set that the processor has is chosen when a network is planned. The plain version is what
//! the others are tested against. Sums are in a fixed order for a given set, so that the same picture gives the same
//! template whatever the number of threads.
//!
//! Everything here trusts its arguments: shapes and bounds are the planner's business (`network::lower`).
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod bytes;
mod depthwise;
mod dot;
mod lanes;
#[cfg(target_arch = "aarch64")]
mod neon;
mod plain;
mod portable;
#[cfg(test)]
mod tests;
mod tile;

pub(crate) use bytes::{ByteKernels, ByteTile, FOURS};
pub(crate) use depthwise::{ByteScale, Depthwise};
pub(crate) use tile::Tile;

/// Channels in a block.
pub(crate) const LANES: usize = 16;

/// Sixteen channels of one pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct Block(pub(crate) [f32; LANES]);

impl Block {
    /// All channels zero.
    pub(crate) const ZERO: Self = Self([0.0; LANES]);
}

/// One set of inner loops. The functions may be called only on a processor that has the set's instructions, which
/// [`Kernels::available`] has made sure of.
#[derive(Clone, Copy)]
pub(crate) struct Kernels {
    /// What the set is called in figures and errors.
    pub(crate) name: &'static str,
    /// Output channels of a full panel of weights, in blocks of sixteen.
    pub(crate) panel: usize,
    /// Most pixels of a tile of one block of channels, and of two.
    pub(crate) pixels: [usize; 2],
    /// Computes `tile` for this many pixels (1 to the most) and blocks of channels (1 to `panel`).
    pub(crate) tile: unsafe fn(&Tile<'_>, pixels: usize, blocks: usize),
    /// Computes rows of one block of a depthwise convolution.
    pub(crate) depthwise: unsafe fn(&Depthwise<'_>, rows: std::ops::Range<usize>),
    /// Largest of each 2 x 2 square: a row of output from two rows of input.
    pub(crate) max_pool: unsafe fn(upper: &[Block], lower: &[Block], output: &mut [Block]),
    /// `output[i] = left[i] + right[i / factor]`: adds a row to another that may be coarser.
    pub(crate) add: unsafe fn(left: &[Block], right: &[Block], factor: usize, output: &mut [Block]),
    /// `output = activate(input * scale + shift)` for all pixels of one block of channels; the slope is given less one.
    pub(crate) affine: unsafe fn(input: &[Block], rule: &Affine, output: &mut [Block]),
    /// Sum over all pixels of one block of channels.
    pub(crate) sum: unsafe fn(input: &[Block]) -> Block,
    /// The logistic function of every value.
    pub(crate) sigmoid: unsafe fn(values: &mut [f32]),
    /// `output = input * factor` for all pixels of one block of channels.
    pub(crate) scale: unsafe fn(input: &[Block], factor: &Block, output: &mut [Block]),
    /// Inner products of `input` with four rows of weights, one after the other in `weights`.
    pub(crate) dot4: unsafe fn(input: &[Block], weights: &[Block]) -> [f32; 4],
    /// Pointwise convolutions in bytes, where the processor has instructions that make them worth while.
    pub(crate) bytes: Option<ByteKernels>,
}

/// What is done to every pixel of a block of channels.
#[derive(Clone, Copy)]
pub(crate) struct Affine {
    pub(crate) scale: Block,
    pub(crate) shift: Block,
    /// The activation's slope below zero, less one: 0 changes nothing, -1 is ReLU.
    pub(crate) slope_less_one: Block,
}

impl Kernels {
    /// Most pixels of the tiles of a layer with this many blocks of output channels.
    pub(crate) fn tile_pixels(&self, blocks: usize) -> usize {
        self.pixels[usize::from(blocks > 1)]
    }

    /// Every set that this processor can run, the widest first; the last one is plain Rust.
    pub(crate) fn available() -> impl Iterator<Item = &'static Self> {
        let mut sets: [Option<&'static Self>; 3] = [None, None, Some(&portable::KERNELS)];
        #[cfg(target_arch = "x86_64")]
        {
            let with = |has_bytes: bool, with: &'static Self, without| if has_bytes { with } else { without };
            let (wide, narrow) =
                (is_x86_feature_detected!("avx512vnni"), is_x86_feature_detected!("avxvnni"));
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            sets[0] = is_x86_feature_detected!("avx512f").then_some(with(
                wide,
                &avx512::WITH_BYTES,
                &avx512::WITHOUT_BYTES,
            ));
            sets[1] = avx2.then_some(with(narrow, &avx2::WITH_BYTES, &avx2::WITHOUT_BYTES));
        }
        #[cfg(target_arch = "aarch64")]
        {
            let bytes = std::arch::is_aarch64_feature_detected!("dotprod");
            let set = if bytes { &neon::WITH_BYTES } else { &neon::WITHOUT_BYTES };
            sets[0] = std::arch::is_aarch64_feature_detected!("neon").then_some(set);
        }
        sets.into_iter().flatten()
    }

    /// The widest set that this processor can run.
    pub(crate) fn best() -> &'static Self {
        Self::available().next().expect("plain Rust runs everywhere")
    }
}
