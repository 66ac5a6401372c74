//! The kernel for AVX2: a line of codes is two registers of eight rows.
//!
//! `vpmaddubsw` multiplies unsigned by signed bytes and adds two products in 16 bits, where whole codes would overflow
//! (2 * 255 * 127) and saturate. Halves of codes do not: two products are at most 2 * 15 * 127 = 3,810, and eight such
//! pairs 30,480. So the sums of eight are made in 16 bits before they are widened, which is also faster.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m256, __m256i, _CMP_GE_OQ, _mm_cvtsi32_si128, _mm256_add_epi16, _mm256_add_epi32, _mm256_add_ps,
    _mm256_and_si256, _mm256_castsi256_ps, _mm256_cmp_ps, _mm256_cvtepi32_ps, _mm256_load_si256,
    _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_movemask_ps, _mm256_mul_ps, _mm256_set1_epi8,
    _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_si256, _mm256_sll_epi32,
    _mm256_slli_epi32, _mm256_srli_epi16,
};

use super::{Found, Pass};
use crate::search::codes::{Bounds, Line};

/// Lines whose products fit in 16 bits: each gives two pairs of products.
const LINES: usize = 4;

pub(super) fn coarse(pass: &Pass<'_>) -> Option<Found> {
    // SAFETY: this kernel is offered only where the processor has these instructions (`Kernel::available`).
    unsafe { first::<false>(pass) }
}

pub(super) fn fine(pass: &Pass<'_>) -> Option<Found> {
    // SAFETY: as above.
    unsafe { first::<true>(pass) }
}

#[target_feature(enable = "avx2")]
fn first<const FINE: bool>(pass: &Pass<'_>) -> Option<Found> {
    let needed = _mm256_set1_ps(pass.needed);
    let mut lower = pass.lower.chunks_exact(pass.lines);
    for (block, (upper, bounds)) in pass.upper.chunks_exact(pass.lines).zip(pass.bounds).enumerate() {
        let mut sums = dot(upper, pass.words);
        if FINE {
            let low = dot(lower.next()?, pass.words);
            for (sum, low) in sums.iter_mut().zip(low) {
                *sum = _mm256_add_epi32(_mm256_slli_epi32::<4>(*sum), low);
            }
        }
        let mut lanes = 0;
        for (half, sums) in sums.into_iter().enumerate() {
            let reaches = _mm256_cmp_ps::<_CMP_GE_OQ>(reach(pass, sums, bounds, half), needed);
            lanes |= (_mm256_movemask_ps(reaches) as u16) << (8 * half);
        }
        if lanes != 0 {
            return Some(Found { block: pass.first + block, lanes });
        }
    }
    None
}

/// Sixteen dot products of one plane's halves of codes, eight in each register.
#[target_feature(enable = "avx2")]
fn dot(lines: &[Line], words: &[i32]) -> [__m256i; 2] {
    let (mask, ones) = (_mm256_set1_epi8(0x0f), _mm256_set1_epi16(1));
    let mut sums = [_mm256_setzero_si256(); 2];
    for (lines, words) in lines.chunks(LINES).zip(words.chunks(2 * LINES)) {
        let mut short = [_mm256_setzero_si256(); 2];
        for (line, words) in lines.iter().zip(words.as_chunks::<2>().0) {
            let (first, second) = (_mm256_set1_epi32(words[0]), _mm256_set1_epi32(words[1]));
            for (half, short) in short.iter_mut().enumerate() {
                let codes = load(line, half);
                let low = _mm256_maddubs_epi16(_mm256_and_si256(codes, mask), first);
                let high = _mm256_and_si256(_mm256_srli_epi16::<4>(codes), mask);
                *short = _mm256_add_epi16(*short, low);
                *short = _mm256_add_epi16(*short, _mm256_maddubs_epi16(high, second));
            }
        }
        for (sum, short) in sums.iter_mut().zip(short) {
            *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(short, ones));
        }
    }
    sums
}

/// [`super::Reach::of`] for eight rows.
#[target_feature(enable = "avx2")]
fn reach(pass: &Pass<'_>, sums: __m256i, bounds: &Bounds, half: usize) -> __m256 {
    let reach = &pass.reach;
    // SAFETY: `bounds` is 64 bytes, aligned to as many; `half` is 0 or 1.
    let bounds = unsafe { _mm256_load_si256(bounds.0.as_ptr().cast::<__m256i>().add(half)) };
    let scale =
        _mm256_castsi256_ps(_mm256_and_si256(bounds, _mm256_set1_epi32(0xffff_0000u32.cast_signed())));
    let error = _mm256_castsi256_ps(_mm256_slli_epi32::<16>(bounds));
    let shifted = _mm256_sll_epi32(sums, _mm_cvtsi32_si128(reach.shift.cast_signed()));
    let value = _mm256_cvtepi32_ps(_mm256_add_epi32(shifted, _mm256_set1_epi32(reach.offset)));
    let product = _mm256_mul_ps(value, _mm256_mul_ps(scale, _mm256_set1_ps(reach.gain)));
    _mm256_add_ps(product, _mm256_mul_ps(error, _mm256_set1_ps(reach.length)))
}

#[target_feature(enable = "avx2")]
fn load(line: &Line, half: usize) -> __m256i {
    // SAFETY: a line is 64 bytes, aligned to as many; `half` is 0 or 1.
    unsafe { _mm256_load_si256(line.0.as_ptr().cast::<__m256i>().add(half)) }
}
