#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::search::{
    codes::Codes,
    synthetic::{Random, unit},
    workers::Workers,
};

/// Rows of any direction, some far longer in one number than in the others, some equal.
fn rows(seed: u64, count: usize, width: usize) -> Vec<Vec<f32>> {
    let mut random = Random::new(seed);
    let mut rows: Vec<Vec<f32>> = Vec::new();
    for row in 0..count {
        let mut vector = unit(&mut random, width);
        match random.bits() % 4 {
            0 => {
                vector.fill(0.0);
                vector[random.bits() as usize % width] = if random.uniform() < 0.5 { 1.0 } else { -1.0 };
            }
            1 if row > 0 => vector.clone_from(&rows[random.bits() as usize % row]),
            _ => {}
        }
        rows.push(vector);
    }
    rows
}

/// All blocks and lanes that a kernel finds, one call after another.
fn all(find: impl Fn(Range<usize>) -> Option<Found>, blocks: Range<usize>) -> Vec<Found> {
    let mut found = Vec::new();
    let mut next = blocks.start;
    while let Some(hit) = find(next..blocks.end) {
        assert!(hit.lanes != 0 && (next..blocks.end).contains(&hit.block));
        next = hit.block + 1;
        found.push(hit);
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_kernel_finds_the_very_rows_that_the_portable_one_finds(
        seed: u64, count in 1usize..150, width in 1usize..300, skipped in 0usize..4, score in -1.2f32..1.2,
    ) {
        let rows = rows(seed, count + 1, width);
        let (probe, rows) = rows.split_last().unwrap();
        let codes = Codes::encode(&rows.concat(), width, &Workers::none());
        let probe = Encoded::new(probe);
        let blocks = skipped.min(codes.blocks())..codes.blocks();
        for needed in [score, f32::NEG_INFINITY, f32::NAN] {
            let passes = |kernel: Kernel| {
                let coarse = |blocks| kernel.coarse(&Pass::coarse(&codes, &probe, needed, blocks));
                let fine = |blocks| kernel.fine(&Pass::fine(&codes, &probe, needed, blocks));
                (all(coarse, blocks.clone()), all(fine, blocks.clone()))
            };
            let expected = passes(Kernel::Portable);
            for kernel in Kernel::available() {
                prop_assert_eq!(&passes(kernel), &expected, "{:?}", kernel);
            }
        }
    }

    #[test]
    fn no_bound_is_below_the_score_and_the_fine_one_is_close_to_it(seed: u64, count in 1usize..40, width in 1usize..600) {
        let rows = rows(seed, count + 1, width);
        let (probe, rows) = rows.split_last().unwrap();
        let codes = Codes::encode(&rows.concat(), width, &Workers::none());
        let coded = Encoded::new(probe);
        for (row, vector) in rows.iter().enumerate() {
            let score = probe.iter().zip(vector).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>() as f32;
            let (block, lane) = (row / 16, row % 16);
            for kernel in Kernel::available() {
                let within = |found: Option<Found>| found.is_some_and(|found| found.lanes >> lane & 1 == 1);
                let coarse = |needed| within(kernel.coarse(&Pass::coarse(&codes, &coded, needed, block..block + 1)));
                let fine = |needed| within(kernel.fine(&Pass::fine(&codes, &coded, needed, block..block + 1)));
                prop_assert!(coarse(score) && fine(score), "{kernel:?} misses row {row}");
                let errors = 2.1 * (width as f32).sqrt() / 127.0;
                prop_assert!(!fine(score + errors), "{kernel:?} knows too little of row {row}");
            }
        }
    }
}

#[test]
fn the_largest_sums_overflow_nowhere() {
    for width in [128, 512, crate::search::LONGEST_TEMPLATE] {
        let number = 1.0 / (width as f32).sqrt();
        for signs in [[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]] {
            let codes = Codes::encode(&vec![signs[0] * number; width], width, &Workers::none());
            let probe = Encoded::new(&vec![signs[1] * number; width]);
            let score = signs[0] * signs[1];
            for kernel in Kernel::available() {
                let coarse = |needed| kernel.coarse(&Pass::coarse(&codes, &probe, needed, 0..1));
                let fine = |needed| kernel.fine(&Pass::fine(&codes, &probe, needed, 0..1));
                let own = |found: Option<Found>| found.is_some_and(|found| found.lanes & 1 == 1);
                assert!(own(coarse(score)) && own(fine(score)), "{kernel:?}, {width}");
                assert!(!own(coarse(score + 0.2)) && !own(fine(score + 0.02)), "{kernel:?}, {width}");
            }
        }
    }
}

/// Rows and a probe that their codes say exactly leave nothing between bound and score but the roundings of `f32`.
#[test]
fn a_score_that_roundings_raised_is_still_within_the_bound() {
    let (width, scale) = (crate::search::LONGEST_TEMPLATE, f32::from_bits(0x3913_0000));
    let mut random = Random::new(5);
    let mut exact = || -> Vec<f32> {
        let mut codes: Vec<u64> = (0..width).map(|_| 100 + random.bits() % 28).collect();
        codes[0] = 127;
        codes.into_iter().map(|code| code as f32 * scale).collect()
    };
    for _ in 0..40 {
        let (row, probe) = (exact(), exact());
        let codes = Codes::encode(&row, width, &Workers::none());
        let coded = Encoded::new(&probe);
        let score = row.iter().zip(&probe).fold(0.0, |sum, (a, b)| sum + a * b);
        for kernel in Kernel::available() {
            let found = kernel.fine(&Pass::fine(&codes, &coded, score, 0..1));
            assert!(found.is_some_and(|found| found.lanes & 1 == 1), "{kernel:?}");
        }
    }
}
