//! NEON: four floats, four registers a block, thirty-two registers.
//!
//! A tile is six pixels by one block of channels: 24 sums, four weights, one input value broadcast at a time.

use std::arch::aarch64::*;
use std::arch::asm;

use super::bytes::{Dots, byte_tiles};
use super::lanes::Lanes;
use super::plain::plain_loops;
use super::tile::tiles;
use super::{Block, ByteKernels, Depthwise, Kernels};

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
    unsafe fn store_bytes(self, to: *mut u8) {
        unsafe {
            let words = vqmovn_s32(vcvtnq_s32_f32(self.0));
            let bytes = vqmovun_s16(vcombine_s16(words, words));
            let less = veor_u8(bytes, vdup_n_u8(128));
            to.cast::<u32>().write_unaligned(vget_lane_u32::<0>(vreinterpret_u32_u8(less)));
        }
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

impl Dots for Register {
    type Sums = int32x4_t;
    type Bytes = int8x16_t;

    #[inline(always)]
    unsafe fn sums(from: *const i32) -> int32x4_t {
        unsafe { vld1q_s32(from) }
    }

    #[inline(always)]
    unsafe fn same(from: *const u8) -> int8x16_t {
        unsafe { vreinterpretq_s8_s32(vdupq_n_s32(from.cast::<i32>().read_unaligned())) }
    }

    #[inline(always)]
    unsafe fn weights(from: *const i8) -> int8x16_t {
        unsafe { vld1q_s8(from) }
    }

    #[inline(always)]
    unsafe fn dot(sums: int32x4_t, values: int8x16_t, weights: int8x16_t) -> int32x4_t {
        let mut result = sums;
        // The intrinsic of this instruction is not stable yet.
        unsafe {
            asm!(
                "sdot {sums:v}.4s, {values:v}.16b, {weights:v}.16b",
                sums = inout(vreg) result, values = in(vreg) values, weights = in(vreg) weights,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        result
    }

    #[inline(always)]
    unsafe fn floats(sums: int32x4_t) -> Self {
        unsafe { Self(vcvtq_f32_s32(sums)) }
    }
}

byte_tiles!(Register, "neon,dotprod", 1: [1 2 3 4 5 6]);

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

const KERNELS: Kernels = Kernels {
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
    bytes: None,
};

/// The same on a processor that also multiplies bytes.
pub(super) static WITH_BYTES: Kernels = Kernels {
    name: "NEON with dot products",
    bytes: Some(ByteKernels { less: 128, tile: byte_tile }),
    ..KERNELS
};

/// On a processor that does not.
pub(super) static WITHOUT_BYTES: Kernels = KERNELS;
