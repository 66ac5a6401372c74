//! NEON: four floats, four registers a block, thirty-two registers.
//!
//! A tile is six pixels by one block of channels: 24 sums, four weights, one input value broadcast at a time.

use std::arch::aarch64::*;

use super::lanes::Lanes;
use super::plain::plain_loops;
use super::tile::tiles;
use super::{Block, Depthwise, Kernels};

#[derive(Clone, Copy)]
struct Register(float32x4_t);

impl Lanes for Register {
    const COUNT: usize = 4;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        unsafe { Self(vdupq_n_f32(value)) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        unsafe { Self(vld1q_f32(from)) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { vst1q_f32(to, self.0) }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, left: Self, right: Self) -> Self {
        unsafe { Self(vfmaq_f32(self.0, left.0, right.0)) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        unsafe { Self(vaddq_f32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        unsafe { Self(vmaxnmq_f32(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn swap_pairs(self) -> Self {
        unsafe { Self(vrev64q_f32(self.0)) }
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        unsafe { Self(vminnmq_f32(self.0, other.0)) }
    }
}

tiles!(Register, "neon", 1: [1 2 3 4 5 6]);
plain_loops!(Register, "neon");

#[target_feature(enable = "neon")]
unsafe fn depthwise(layer: &Depthwise<'_>, rows: std::ops::Range<usize>) {
    // SAFETY: as the caller's, and the instructions are enabled here.
    unsafe { super::depthwise::rows::<Register, 4>(layer, rows) }
}

#[target_feature(enable = "neon")]
unsafe fn dot4(input: &[Block], weights: &[Block]) -> [f32; 4] {
    // SAFETY: as the caller's, and the instructions are enabled here.
    unsafe { super::dot::dot4::<Register>(input, weights) }
}

pub(super) static KERNELS: Kernels = Kernels {
    name: "NEON",
    panel: 1,
    pixels: [6; 2],
    tile,
    depthwise,
    max_pool,
    add,
    affine,
    sum,
    sigmoid,
    scale,
    dot4,
};
