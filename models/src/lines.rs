//! Arithmetic on one row of a picture: plain loops that the compiler turns into vector instructions.
//!
//! Each is compiled three times: for whatever the target has (on ARM that includes NEON), for AVX2 and for AVX-512; the
//! processor chooses. All three do the same operations in the same order and no multiplication is fused with an
//! addition, so their results are equal to the bit; the tests hold them to it.
#![allow(unsafe_code)]

use crate::colour::{Lanes, rgb_of_limited_average};

/// One of the instruction sets for which loops are compiled, and proof that this processor has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level(Set);

/// The instruction sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Set {
    /// What every processor of the target has.
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// The best that this processor has.
    pub(crate) fn best() -> Self {
        Self::all().last().copied().unwrap_or(Self(Set::Portable))
    }

    /// All that this processor has, the best last.
    pub(crate) fn all() -> &'static [Self] {
        #[cfg(target_arch = "x86_64")]
        {
            const ALL: [Level; 3] = [Level(Set::Portable), Level(Set::Avx2), Level(Set::Avx512)];
            let avx2 = is_x86_feature_detected!("avx2");
            let avx512 = avx2
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vbmi");
            &ALL[..1 + usize::from(avx2) + usize::from(avx512)]
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            &[Self(Set::Portable)]
        }
    }

    /// Which one it is.
    pub(crate) fn set(self) -> Set {
        self.0
    }
}

/// Compiles a function for every [`Level`]; its first argument chooses.
macro_rules! for_every_level {
    ($($(#[$doc:meta])* pub(crate) fn $name:ident $(<$generic:ident: $bound:path>)? ($($argument:ident: $kind:ty),* $(,)?) $body:block)*) => { $(
        $(#[$doc])*
        pub(crate) fn $name $(<$generic: $bound>)? (level: $crate::lines::Level, $($argument: $kind),*) {
            #[inline(always)]
            fn plain $(<$generic: $bound>)? ($($argument: $kind),*) $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2")]
            fn avx2 $(<$generic: $bound>)? ($($argument: $kind),*) { plain($($argument),*) }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")]
            fn avx512 $(<$generic: $bound>)? ($($argument: $kind),*) { plain($($argument),*) }
            match level.set() {
                $crate::lines::Set::Portable => plain($($argument),*),
                // SAFETY: only `Level::all` makes a level, and it asks the processor.
                #[cfg(target_arch = "x86_64")]
                $crate::lines::Set::Avx2 => unsafe { avx2($($argument),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::lines::Set::Avx512 => unsafe { avx512($($argument),*) },
            }
        }
    )* };
}
pub(crate) use for_every_level;

/// The nearest byte, halves upwards, of a number from 0 to 255; 0 of what is none. The sum's lowest byte is the number's:
/// from 2^23 on a float counts in ones. Rust's own conversion checks its limits, value by value.
#[inline(always)]
pub(crate) fn byte_of(value: f32) -> u8 {
    ((value + 0.5).floor() + 8_388_608.0).to_bits() as u8
}

for_every_level! {
    /// `sums = weight * row`.
    pub(crate) fn weigh(sums: &mut [f32], row: &[u8], weight: f32) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum = weight * f32::from(*value);
        }
    }

    /// `sums = weight * row` for two rows.
    pub(crate) fn weigh_two(sums: &mut [f32], upper: &[u8], lower: &[u8], weights: [f32; 2]) {
        for ((sum, upper), lower) in sums.iter_mut().zip(upper).zip(lower) {
            *sum = weights[0] * f32::from(*upper) + weights[1] * f32::from(*lower);
        }
    }

    /// `sums += weight * row`.
    pub(crate) fn add(sums: &mut [f32], row: &[u8], weight: f32) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += weight * f32::from(*value);
        }
    }

    /// Each pixel of `triples` is the mean of two of `line`.
    pub(crate) fn halve(triples: &mut [f32], line: &[f32]) {
        for (mean, pair) in triples.as_chunks_mut::<3>().0.iter_mut().zip(line.as_chunks::<6>().0) {
            for channel in 0..3 {
                mean[channel] = 0.5 * pair[channel] + 0.5 * pair[channel + 3];
            }
        }
    }

    /// Each pixel of `triples` is the weighted sum of as many pixels of `line` as it has weights, from its start on.
    /// After the last pixel of `line` there is one more value.
    pub(crate) fn average(triples: &mut [f32], line: &[f32], starts: &[usize], weights: &[f32]) {
        let taps = weights.len() / starts.len().max(1);
        let means = triples.as_chunks_mut::<3>().0.iter_mut();
        for ((mean, start), weights) in means.zip(starts).zip(weights.chunks_exact(taps.max(1))) {
            let mut sums: Lanes<f32> = [0.0; 4];
            for (pixel, weight) in weights.iter().enumerate() {
                let values = &line[(start + pixel) * 3..][..4];
                for lane in 0..4 {
                    sums[lane] += weight * values[lane];
                }
            }
            mean.copy_from_slice(&sums[..3]);
        }
    }

    /// Whole numbers, halves upwards.
    pub(crate) fn round(values: &mut [f32]) {
        for value in values {
            *value = (*value + 0.5).floor();
        }
    }

    /// Bytes, halves upwards.
    pub(crate) fn to_bytes(bytes: &mut [u8], values: &[f32]) {
        for (byte, value) in bytes.iter_mut().zip(values) {
            *byte = byte_of(*value);
        }
    }

    /// One value of brightness becomes three equal ones.
    pub(crate) fn triples_of_grey(triples: &mut [f32], greys: &[f32]) {
        for (triple, grey) in triples.as_chunks_mut::<3>().0.iter_mut().zip(greys) {
            *triple = [*grey; 3];
        }
    }

    /// `Y0 Cb Y1 Cr` becomes `Y0 Cb Cr Y1 Cb Cr`.
    pub(crate) fn triples_of_yuyv(triples: &mut [f32], pairs: &[f32]) {
        for (triples, pair) in triples.as_chunks_mut::<6>().0.iter_mut().zip(pairs.as_chunks::<4>().0) {
            let [first, cb, second, cr] = *pair;
            *triples = [first, cb, cr, second, cb, cr];
        }
    }

    /// `Y Cb Cr` of limited range becomes `R G B`.
    pub(crate) fn to_rgb(triples: &mut [f32]) {
        for triple in triples.as_chunks_mut::<3>().0 {
            let [red, green, blue, _] = rgb_of_limited_average(triple[0], triple[1], triple[2]);
            *triple = [red, green, blue];
        }
    }

    /// `(value - offset) * scale`.
    pub(crate) fn normalise(values: &mut [f32], offset: f32, scale: f32) {
        for value in values {
            *value = (*value - offset) * scale;
        }
    }

    /// `(value - offset) * scale`, and red and blue change places.
    pub(crate) fn normalise_swapped(triples: &mut [f32], offset: f32, scale: f32) {
        for triple in triples.as_chunks_mut::<3>().0 {
            let [red, green, blue] = triple.map(|value| (value - offset) * scale);
            *triple = [blue, green, red];
        }
    }
}
