//! AVX2 with FMA: eight floats, two registers a block, sixteen registers.
//!
//! A tile is six pixels by one block of channels: twelve sums, two weights, one input value broadcast at a time.

use std::arch::x86_64::*;

use super::bytes::{Dots, byte_tiles};
use super::lanes::Lanes;
use super::plain::plain_loops;
use super::tile::tiles;
use super::{Block, ByteKernels, Depthwise, Kernels};

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
    unsafe fn store_bytes(self, to: *mut u8) {
        unsafe {
            let whole = _mm256_cvtps_epi32(self.0);
            let words = _mm_packus_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256::<1>(whole));
            _mm_storel_epi64(to.cast(), _mm_packus_epi16(words, words));
        }
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

impl Dots for Register {
    type Sums = __m256i;
    type Bytes = __m256i;

    #[inline(always)]
    unsafe fn sums(from: *const i32) -> __m256i {
        unsafe { _mm256_loadu_si256(from.cast()) }
    }

    #[inline(always)]
    unsafe fn same(from: *const u8) -> __m256i {
        unsafe { _mm256_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn weights(from: *const i8) -> __m256i {
        unsafe { _mm256_loadu_si256(from.cast()) }
    }

    #[inline(always)]
    unsafe fn dot(sums: __m256i, values: __m256i, weights: __m256i) -> __m256i {
        unsafe { _mm256_dpbusd_avx_epi32(sums, values, weights) }
    }

    #[inline(always)]
    unsafe fn floats(sums: __m256i) -> Self {
        unsafe { Self(_mm256_cvtepi32_ps(sums)) }
    }
}

byte_tiles!(Register, "avx2,fma,avxvnni", 1: [1 2 3 4 5 6]);

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

const KERNELS: Kernels = Kernels {
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
    bytes: None,
};

/// The same on a processor that also multiplies bytes.
pub(super) static WITH_BYTES: Kernels =
    Kernels { name: "AVX2 with VNNI", bytes: Some(ByteKernels { less: 0, tile: byte_tile }), ..KERNELS };

/// On a processor that does not.
pub(super) static WITHOUT_BYTES: Kernels = KERNELS;
