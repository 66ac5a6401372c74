//! One pass over blocks of codes: which is the first that holds a row whose bound reaches what is needed?
//!
//! A kernel stops at such a block, so that the caller can compare the row in full, raise what is needed and go on. All
//! kernels give the same blocks and lanes to the last bit: the sums are integers, and the few operations in `f32` after
//! them are those of [`Reach::of`], in that order, none fused.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
pub(super) mod read;
#[cfg(test)]
mod tests;

use std::ops::Range;

use super::{
    codes::{Bounds, Codes, Line},
    probe::{Encoded, Reach},
};

/// A block with at least one row that may reach what is needed: bit `n` of `lanes` stands for its row `n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) block: usize,
    pub(super) lanes: u16,
}

/// One pass: over the upper plane alone (coarse), or over both (fine).
pub(super) struct Pass<'a> {
    /// The lines of each plane and the bounds, of these blocks only, all of the lengths that `blocks` and `lines` say.
    upper: &'a [Line],
    lower: &'a [Line],
    bounds: &'a [Bounds],
    /// Of one block in one plane: an even number.
    lines: usize,
    /// Two for each line of a block.
    words: &'a [i32],
    reach: Reach,
    needed: f32,
    /// The number of the first block.
    first: usize,
}

impl<'a> Pass<'a> {
    /// A pass over the upper plane of `blocks`.
    pub(super) fn coarse(codes: &'a Codes, probe: &'a Encoded, needed: f32, blocks: Range<usize>) -> Self {
        let bounds = &codes.upper.bounds[blocks.clone()];
        Self { reach: probe.coarse(), bounds, ..Self::fine(codes, probe, needed, blocks) }
    }

    /// A pass over both planes of `blocks`.
    ///
    /// # Panics
    /// There are no such blocks, or the probe has another width than the rows.
    pub(super) fn fine(codes: &'a Codes, probe: &'a Encoded, needed: f32, blocks: Range<usize>) -> Self {
        let lines = codes.lines_per_block();
        assert!(lines.is_multiple_of(2) && probe.words().len() == 2 * lines, "a probe as wide as the rows");
        let range = blocks.start * lines..blocks.end * lines;
        Self {
            upper: &codes.upper.lines[range.clone()],
            lower: &codes.lower.lines[range],
            bounds: &codes.lower.bounds[blocks.clone()],
            lines,
            words: probe.words(),
            reach: probe.fine(),
            needed: codes.needed(probe, needed),
            first: blocks.start,
        }
    }
}

/// A set of instructions to run a pass with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernel {
    /// Plain Rust.
    Portable,
    /// 256-bit registers of x86-64, without the dot-product instructions.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 512-bit registers of x86-64 with the dot-product instructions (VNNI).
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 128-bit registers of AArch64, with the instructions that every such processor has.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// The same with the dot-product instructions (SDOT; Raspberry Pi 5 and later).
    #[cfg(target_arch = "aarch64")]
    NeonDot,
}

impl Kernel {
    /// Every kernel that this processor can run, the fastest last.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut kernels = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                kernels.push(Self::Avx2);
            }
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vnni")
            {
                kernels.push(Self::Avx512);
            }
        }
        #[cfg(target_arch = "aarch64")]
        {
            kernels.push(Self::Neon);
            if std::arch::is_aarch64_feature_detected!("dotprod") {
                kernels.push(Self::NeonDot);
            }
        }
        kernels
    }

    /// The fastest that this processor can run.
    #[must_use]
    pub fn best() -> Self {
        Self::available().pop().unwrap_or(Self::Portable)
    }

    /// The first block of a coarse pass that holds a row which may reach what is needed.
    pub(super) fn coarse(self, pass: &Pass<'_>) -> Option<Found> {
        match self {
            Self::Portable => portable::coarse(pass),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => avx2::coarse(pass),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => avx512::coarse(pass),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => neon::coarse::<false>(pass),
            #[cfg(target_arch = "aarch64")]
            Self::NeonDot => neon::coarse::<true>(pass),
        }
    }

    /// The first block of a fine pass that holds a row which may reach what is needed.
    pub(super) fn fine(self, pass: &Pass<'_>) -> Option<Found> {
        match self {
            Self::Portable => portable::fine(pass),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => avx2::fine(pass),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => avx512::fine(pass),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => neon::fine::<false>(pass),
            #[cfg(target_arch = "aarch64")]
            Self::NeonDot => neon::fine::<true>(pass),
        }
    }
}

/// Asks for memory before it is needed, where the processor can be asked.
pub(super) fn prefetch<T>(memory: &[T]) {
    #[cfg(target_arch = "x86_64")]
    avx512::prefetch(memory);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = memory;
}
