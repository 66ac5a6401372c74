//! The kernel for AVX-512 with VNNI: a line of codes is one register, sixteen rows in its sixteen lanes.
//!
//! `vpdpbusd` multiplies unsigned bytes (the codes) by signed ones (the probe) and adds four products to each lane. It
//! never saturates. Four sums run side by side so that none waits for another.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m512, __m512i, _CMP_GE_OQ, _MM_HINT_T0, _mm_cvtsi32_si128, _mm_prefetch, _mm512_add_epi32,
    _mm512_add_ps, _mm512_and_si512, _mm512_castsi512_ps, _mm512_cmp_ps_mask, _mm512_cvtepi32_ps,
    _mm512_dpbusd_epi32, _mm512_load_si512, _mm512_mul_ps, _mm512_set1_epi8, _mm512_set1_epi32,
    _mm512_set1_ps, _mm512_setzero_si512, _mm512_sll_epi32, _mm512_slli_epi16, _mm512_slli_epi32,
    _mm512_srli_epi16, _mm512_ternarylogic_epi32,
};

use super::{Found, Pass};
use crate::search::codes::{Bounds, Line};

/// How many lines ahead the processor is asked for them: its own prefetcher stops at each page.
const AHEAD: usize = 64;
/// For `_mm512_ternarylogic_epi32`: bits of the first where the third has ones, of the second elsewhere.
const CHOOSE: i32 = 0xe4;

pub(super) fn coarse(pass: &Pass<'_>) -> Option<Found> {
    // SAFETY: this kernel is offered only where the processor has these instructions (`Kernel::available`).
    unsafe { first::<false>(pass) }
}

pub(super) fn fine(pass: &Pass<'_>) -> Option<Found> {
    // SAFETY: as above.
    unsafe { first::<true>(pass) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn first<const FINE: bool>(pass: &Pass<'_>) -> Option<Found> {
    let needed = _mm512_set1_ps(pass.needed);
    let mut lower = pass.lower.chunks_exact(pass.lines);
    for (block, (upper, bounds)) in pass.upper.chunks_exact(pass.lines).zip(pass.bounds).enumerate() {
        let sums = if FINE { both(upper, lower.next()?, pass.words) } else { one(upper, pass.words) };
        let lanes = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(reach(pass, sums, bounds), needed);
        if lanes != 0 {
            return Some(Found { block: pass.first + block, lanes });
        }
    }
    None
}

/// Sixteen dot products of the upper halves of the codes.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn one(upper: &[Line], words: &[i32]) -> __m512i {
    let half = _mm512_set1_epi8(0x0f);
    let mut sums = [_mm512_setzero_si512(); 4];
    for (pair, words) in upper.as_chunks::<2>().0.iter().zip(words.as_chunks::<4>().0) {
        for (n, line) in pair.iter().enumerate() {
            ahead(line);
            let codes = load(line);
            let (first, second) = (_mm512_and_si512(codes, half), _mm512_srli_epi16::<4>(codes));
            sums[2 * n] = _mm512_dpbusd_epi32(sums[2 * n], first, _mm512_set1_epi32(words[2 * n]));
            let second = _mm512_and_si512(second, half);
            sums[2 * n + 1] =
                _mm512_dpbusd_epi32(sums[2 * n + 1], second, _mm512_set1_epi32(words[2 * n + 1]));
        }
    }
    total(sums)
}

/// Sixteen dot products of the whole codes.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn both(upper: &[Line], lower: &[Line], words: &[i32]) -> __m512i {
    let half = _mm512_set1_epi8(0x0f);
    let mut sums = [_mm512_setzero_si512(); 4];
    let pairs = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
    for ((upper, lower), words) in pairs.zip(words.as_chunks::<4>().0) {
        for n in 0..2 {
            let (high, low) = (load(&upper[n]), load(&lower[n]));
            let first = _mm512_ternarylogic_epi32::<CHOOSE>(low, _mm512_slli_epi16::<4>(high), half);
            let second = _mm512_ternarylogic_epi32::<CHOOSE>(_mm512_srli_epi16::<4>(low), high, half);
            sums[2 * n] = _mm512_dpbusd_epi32(sums[2 * n], first, _mm512_set1_epi32(words[2 * n]));
            sums[2 * n + 1] =
                _mm512_dpbusd_epi32(sums[2 * n + 1], second, _mm512_set1_epi32(words[2 * n + 1]));
        }
    }
    total(sums)
}

#[target_feature(enable = "avx512f")]
fn total(sums: [__m512i; 4]) -> __m512i {
    _mm512_add_epi32(_mm512_add_epi32(sums[0], sums[1]), _mm512_add_epi32(sums[2], sums[3]))
}

/// [`super::Reach::of`] for sixteen rows.
#[target_feature(enable = "avx512f")]
fn reach(pass: &Pass<'_>, sums: __m512i, bounds: &Bounds) -> __m512 {
    let reach = &pass.reach;
    // SAFETY: `bounds` is 64 bytes, aligned to as many.
    let bounds = unsafe { _mm512_load_si512(bounds.0.as_ptr().cast()) };
    let scale =
        _mm512_castsi512_ps(_mm512_and_si512(bounds, _mm512_set1_epi32(0xffff_0000u32.cast_signed())));
    let error = _mm512_castsi512_ps(_mm512_slli_epi32::<16>(bounds));
    let shifted = _mm512_sll_epi32(sums, _mm_cvtsi32_si128(reach.shift.cast_signed()));
    let value = _mm512_cvtepi32_ps(_mm512_add_epi32(shifted, _mm512_set1_epi32(reach.offset)));
    let product = _mm512_mul_ps(value, _mm512_mul_ps(scale, _mm512_set1_ps(reach.gain)));
    _mm512_add_ps(product, _mm512_mul_ps(error, _mm512_set1_ps(reach.length)))
}

#[target_feature(enable = "avx512f")]
fn load(line: &Line) -> __m512i {
    // SAFETY: a line is 64 bytes, aligned to as many.
    unsafe { _mm512_load_si512(line.0.as_ptr().cast()) }
}

fn ahead(line: &Line) {
    // SAFETY: a prefetch reads nothing and never faults, wherever it points.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(line).wrapping_add(AHEAD).cast()) }
}

/// Asks for every line of `memory`.
pub(super) fn prefetch<T>(memory: &[T]) {
    let start = memory.as_ptr().cast::<i8>();
    for byte in (0..size_of_val(memory)).step_by(size_of::<Line>()) {
        // SAFETY: as above.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(byte)) }
    }
}
