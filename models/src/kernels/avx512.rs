//! AVX-512: sixteen floats, one register a block, thirty-two registers.
//!
//! A tile is fourteen pixels by two blocks of channels, or 28 by one: 28 sums, two weights, one input value broadcast at a time. Its
//! 16 loads for 28 multiply-adds leave the multipliers the bottleneck.

use std::arch::x86_64::*;

use super::bytes::{Dots, byte_tiles};
use super::lanes::Lanes;
use super::plain::plain_loops;
use super::tile::tiles;
use super::{Block, ByteKernels, Depthwise, Kernels};

#[derive(Clone, Copy)]
struct Register(__m512);

impl Lanes for Register {
    const COUNT: usize = 16;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        unsafe { Self(_mm512_set1_ps(value)) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        unsafe { Self(_mm512_loadu_ps(from)) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { _mm512_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8) {
        unsafe {
            let whole = _mm512_max_epi32(_mm512_cvtps_epi32(self.0), _mm512_setzero_si512());
            _mm_storeu_si128(to.cast(), _mm512_cvtusepi32_epi8(whole));
        }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, left: Self, right: Self) -> Self {
        unsafe { Self(_mm512_fmadd_ps(left.0, right.0, self.0)) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        unsafe { Self(_mm512_add_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        unsafe { Self(_mm512_max_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn swap_pairs(self) -> Self {
        unsafe { Self(_mm512_permute_ps::<0b10_11_00_01>(self.0)) }
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        unsafe { Self(_mm512_min_ps(self.0, other.0)) }
    }
}

impl Dots for Register {
    type Sums = __m512i;
    type Bytes = __m512i;

    #[inline(always)]
    unsafe fn sums(from: *const i32) -> __m512i {
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn same(from: *const u8) -> __m512i {
        unsafe { _mm512_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn weights(from: *const i8) -> __m512i {
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn dot(sums: __m512i, values: __m512i, weights: __m512i) -> __m512i {
        unsafe { _mm512_dpbusd_epi32(sums, values, weights) }
    }

    #[inline(always)]
    unsafe fn floats(sums: __m512i) -> Self {
        unsafe { Self(_mm512_cvtepi32_ps(sums)) }
    }
}

byte_tiles!(
    Register,
    "avx512f,avx512vnni",
    1: [1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28],
    2: [1 2 3 4 5 6 7 8 9 10 11 12 13 14]
);

tiles!(
    Register,
    "avx512f",
    1: [1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28],
    2: [1 2 3 4 5 6 7 8 9 10 11 12 13 14]
);
plain_loops!(Register, "avx512f");

#[target_feature(enable = "avx512f")]
unsafe fn depthwise(layer: &Depthwise<'_>, rows: std::ops::Range<usize>) {
    // SAFETY: as the caller's, and the instructions are enabled here.
    unsafe { super::depthwise::rows::<Register, 6>(layer, rows) }
}

#[target_feature(enable = "avx512f")]
unsafe fn dot4(input: &[Block], weights: &[Block]) -> [f32; 4] {
    // SAFETY: as the caller's, and the instructions are enabled here.
    unsafe { super::dot::dot4::<Register>(input, weights) }
}

const KERNELS: Kernels = Kernels {
    name: "AVX-512",
    panel: 2,
    pixels: [28, 14],
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
    Kernels { name: "AVX-512 with VNNI", bytes: Some(ByteKernels { less: 0, tile: byte_tile }), ..KERNELS };

/// On a processor that does not.
pub(super) static WITHOUT_BYTES: Kernels = KERNELS;
