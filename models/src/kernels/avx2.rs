//! AVX2 with FMA: eight floats, two registers a block, sixteen registers.
//!
//! A tile is six pixels by one block of channels: twelve sums, two weights, one input value broadcast at a time.

use std::arch::x86_64::*;

use super::lanes::Lanes;
use super::plain::plain_loops;
use super::tile::tiles;
use super::{Block, Depthwise, Kernels};

#[derive(Clone, Copy)]
struct Register(__m256);

impl Lanes for Register {
    const COUNT: usize = 8;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        unsafe { Self(_mm256_set1_ps(value)) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        unsafe { Self(_mm256_loadu_ps(from)) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { _mm256_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, left: Self, right: Self) -> Self {
        unsafe { Self(_mm256_fmadd_ps(left.0, right.0, self.0)) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        unsafe { Self(_mm256_add_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        unsafe { Self(_mm256_max_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn swap_pairs(self) -> Self {
        unsafe { Self(_mm256_permute_ps::<0b10_11_00_01>(self.0)) }
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        unsafe { Self(_mm256_min_ps(self.0, other.0)) }
    }
}

tiles!(Register, "avx2,fma", 1: [1 2 3 4 5 6]);
plain_loops!(Register, "avx2,fma");

#[target_feature(enable = "avx2,fma")]
unsafe fn depthwise(layer: &Depthwise<'_>, rows: std::ops::Range<usize>) {
    // SAFETY: as the caller's, and the instructions are enabled here.
    unsafe { super::depthwise::rows::<Register, 4>(layer, rows) }
}

#[target_feature(enable = "avx2,fma")]
unsafe fn dot4(input: &[Block], weights: &[Block]) -> [f32; 4] {
    // SAFETY: as the caller's, and the instructions are enabled here.
    unsafe { super::dot::dot4::<Register>(input, weights) }
}

pub(super) static KERNELS: Kernels = Kernels {
    name: "AVX2",
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
