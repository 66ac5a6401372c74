//! Reading memory and doing nothing else: the bound of every scan, for the benchmarks.
//!
//! Several streams are read at once, a cache line of each in turn, because more of them keep more of the memory busy on
//! some machines; so there are several ways, and the fastest is the machine's own bound.
#![allow(unsafe_code)]

use crate::search::codes::Line;

/// Reads all of `memory` but at most eight lines of its end; what comes back depends on every byte.
pub(in crate::search) type Way = fn(&[Line]) -> u64;

/// The ways to read.
pub(in crate::search) fn ways() -> Vec<Way> {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        return vec![wide::<1>, wide::<2>, wide::<4>, wide::<8>, plain::<1>, plain::<4>];
    }
    vec![plain::<1>, plain::<2>, plain::<4>, plain::<8>]
}

fn plain<const STREAMS: usize>(memory: &[Line]) -> u64 {
    let streams = split::<STREAMS>(memory);
    let mut sums = [Line([0; 64]); STREAMS];
    for at in 0..streams[0].len() {
        for (sum, stream) in sums.iter_mut().zip(streams) {
            for (sum, byte) in sum.0.iter_mut().zip(stream[at].0) {
                *sum ^= byte;
            }
        }
    }
    sums.iter().flat_map(|sum| sum.0).fold(0, |all, byte| all.rotate_left(8) ^ u64::from(byte))
}

#[cfg(target_arch = "x86_64")]
fn wide<const STREAMS: usize>(memory: &[Line]) -> u64 {
    use std::arch::x86_64::{
        _mm512_load_si512, _mm512_reduce_add_epi64, _mm512_setzero_si512, _mm512_xor_si512,
    };

    #[target_feature(enable = "avx512f")]
    fn run<const STREAMS: usize>(streams: [&[Line]; STREAMS]) -> u64 {
        let mut sums = [_mm512_setzero_si512(); STREAMS];
        for at in 0..streams[0].len() {
            for (sum, stream) in sums.iter_mut().zip(streams) {
                // SAFETY: a line is 64 bytes, aligned to as many.
                *sum = _mm512_xor_si512(*sum, unsafe { _mm512_load_si512(stream[at].0.as_ptr().cast()) });
            }
        }
        sums.into_iter().fold(0, |all, sum| all ^ _mm512_reduce_add_epi64(sum).cast_unsigned())
    }

    // SAFETY: `ways` offers it only where the processor has these instructions.
    unsafe { run(split::<STREAMS>(memory)) }
}

fn split<const STREAMS: usize>(memory: &[Line]) -> [&[Line]; STREAMS] {
    let each = memory.len() / STREAMS;
    std::array::from_fn(|stream| &memory[stream * each..][..each])
}
