//! The kernels for AArch64: a line of codes is four registers of four rows.
//!
//! `sdot` multiplies signed bytes and adds four products to each lane; halves of codes (0 to 15) are as good as signed. The
//! library does not offer it yet, so the instruction is written out. Processors without it (Raspberry Pi 4) add products
//! in 16 bits, where halves of codes leave room for sixteen (16 * 15 * 127 = 30,480), and widen them then.
#![allow(unsafe_code)]

use std::arch::{
    aarch64::{
        int8x16_t, int16x8_t, int32x4_t, uint8x16_t, vaddq_f32, vaddq_s32, vaddvq_u32, vandq_u8, vandq_u32,
        vcgeq_f32, vcvtq_f32_s32, vdupq_n_f32, vdupq_n_s16, vdupq_n_s32, vdupq_n_u8, vdupq_n_u32,
        vget_low_s8, vld1q_u8, vld1q_u32, vmlal_high_s8, vmlal_s8, vmulq_f32, vmulq_n_f32, vpaddlq_s16,
        vpaddq_s32, vreinterpretq_f32_u32, vreinterpretq_s8_s32, vreinterpretq_s8_u8, vshlq_n_s32,
        vshlq_n_u32, vshlq_s32, vshrq_n_u8,
    },
    asm,
};

use super::{Found, Pass};
use crate::search::codes::{Bounds, Line, ROWS};

/// Registers of four rows.
const QUARTERS: usize = ROWS / 4;
/// Lines whose products fit in 16 bits: each gives two.
const LINES: usize = 8;

pub(super) fn coarse<const DOT: bool>(pass: &Pass<'_>) -> Option<Found> {
    // SAFETY: the kernel with `DOT` is offered only where the processor has it; every AArch64 has NEON.
    unsafe { if DOT { first::<false>(pass, with_dot) } else { first::<false>(pass, without) } }
}

pub(super) fn fine<const DOT: bool>(pass: &Pass<'_>) -> Option<Found> {
    // SAFETY: as above.
    unsafe { if DOT { first::<true>(pass, with_dot) } else { first::<true>(pass, without) } }
}

/// The walk over the blocks. `dot` makes sixteen dot products of one plane's halves of codes, four in each register.
#[target_feature(enable = "neon")]
unsafe fn first<const FINE: bool>(
    pass: &Pass<'_>,
    dot: unsafe fn(&[Line], &[i32]) -> [int32x4_t; QUARTERS],
) -> Option<Found> {
    let mut lower = pass.lower.chunks_exact(pass.lines);
    for (block, (upper, bounds)) in pass.upper.chunks_exact(pass.lines).zip(pass.bounds).enumerate() {
        // SAFETY: whoever calls this has made sure that the processor can run `dot`.
        let mut sums = unsafe { dot(upper, pass.words) };
        if FINE {
            // SAFETY: as above.
            let low = unsafe { dot(lower.next()?, pass.words) };
            for (sum, low) in sums.iter_mut().zip(low) {
                *sum = vaddq_s32(vshlq_n_s32::<4>(*sum), low);
            }
        }
        let mut lanes = 0;
        for (quarter, sums) in sums.into_iter().enumerate() {
            lanes |= reaching(pass, sums, bounds, quarter) << (4 * quarter);
        }
        if lanes != 0 {
            return Some(Found { block: pass.first + block, lanes });
        }
    }
    None
}

#[target_feature(enable = "neon,dotprod")]
fn with_dot(lines: &[Line], words: &[i32]) -> [int32x4_t; QUARTERS] {
    let mut sums = [[vdupq_n_s32(0); 2]; QUARTERS];
    for (line, words) in lines.iter().zip(words.as_chunks::<2>().0) {
        let words = words.map(|word| vreinterpretq_s8_s32(vdupq_n_s32(word)));
        for (quarter, sums) in sums.iter_mut().enumerate() {
            for ((sum, codes), word) in sums.iter_mut().zip(halves(line, quarter)).zip(words) {
                // SAFETY: the instruction reads and writes these registers only; this function enables its feature.
                unsafe {
                    asm!("sdot {0:v}.4s, {1:v}.16b, {2:v}.16b", inout(vreg) *sum, in(vreg) codes, in(vreg) word,
                        options(pure, nomem, nostack, preserves_flags));
                }
            }
        }
    }
    sums.map(|sums| vaddq_s32(sums[0], sums[1]))
}

#[target_feature(enable = "neon")]
fn without(lines: &[Line], words: &[i32]) -> [int32x4_t; QUARTERS] {
    let mut sums = [vdupq_n_s32(0); QUARTERS];
    for (lines, words) in lines.chunks(LINES).zip(words.chunks(2 * LINES)) {
        let mut short: [[int16x8_t; 2]; QUARTERS] = [[vdupq_n_s16(0); 2]; QUARTERS];
        for (line, words) in lines.iter().zip(words.as_chunks::<2>().0) {
            let words = words.map(|word| vreinterpretq_s8_s32(vdupq_n_s32(word)));
            for (quarter, [low, high]) in short.iter_mut().enumerate() {
                for (codes, word) in halves(line, quarter).into_iter().zip(words) {
                    *low = vmlal_s8(*low, vget_low_s8(codes), vget_low_s8(word));
                    *high = vmlal_high_s8(*high, codes, word);
                }
            }
        }
        for (sum, [low, high]) in sums.iter_mut().zip(short) {
            *sum = vaddq_s32(*sum, vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high)));
        }
    }
    sums
}

/// The lower and the upper halves of the bytes of four rows.
#[target_feature(enable = "neon")]
fn halves(line: &Line, quarter: usize) -> [int8x16_t; 2] {
    // SAFETY: a line is 64 bytes, and `quarter` is below four.
    let codes: uint8x16_t = unsafe { vld1q_u8(line.0.as_ptr().add(16 * quarter)) };
    [vandq_u8(codes, vdupq_n_u8(0x0f)), vshrq_n_u8::<4>(codes)].map(|half| vreinterpretq_s8_u8(half))
}

/// Four bits: which of four rows have a bound ([`super::Reach::of`]) that reaches what is needed.
#[target_feature(enable = "neon")]
fn reaching(pass: &Pass<'_>, sums: int32x4_t, bounds: &Bounds, quarter: usize) -> u16 {
    let reach = &pass.reach;
    // SAFETY: `bounds` has 16 numbers, and `quarter` is below four.
    let (bounds, bits) =
        unsafe { (vld1q_u32(bounds.0.as_ptr().add(4 * quarter)), vld1q_u32([1, 2, 4, 8].as_ptr())) };
    let scale = vreinterpretq_f32_u32(vandq_u32(bounds, vdupq_n_u32(0xffff_0000)));
    let error = vreinterpretq_f32_u32(vshlq_n_u32::<16>(bounds));
    let shifted = vshlq_s32(sums, vdupq_n_s32(reach.shift.cast_signed()));
    let value = vcvtq_f32_s32(vaddq_s32(shifted, vdupq_n_s32(reach.offset)));
    let product = vmulq_f32(value, vmulq_n_f32(scale, reach.gain));
    let bound = vaddq_f32(product, vmulq_n_f32(error, reach.length));
    vaddvq_u32(vandq_u32(vcgeq_f32(bound, vdupq_n_f32(pass.needed)), bits)) as u16
}
