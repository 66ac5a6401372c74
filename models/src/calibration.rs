//! From an embedder's card and a policy's target to the threshold, and the plain statement where none can be computed.
//!
//! A search compares the subject with every reference, and a visit makes several searches; each comparison may match
//! falsely. So that a stranger's visit ends in a false match with at most the target probability, a single comparison may
//! do so with the target divided by the number of comparisons (the union bound: comparisons of one visit are far from
//! independent, so the truth is better). Between two measured points the threshold is interpolated over the logarithm of
//! the FMR. Nothing is extrapolated: a looser target gets the loosest measured threshold, a stricter one gets
//! [`Threshold::BeyondMeasurement`], and with it a second factor.

use gate::{Score, Threshold};

use crate::card::Card;

/// Rounding that does not count as stricter than a measured point.
const ROUNDING: f64 = 1e-9;

/// The threshold for 1:N identification without a claim.
///
/// `target_fpir` is the probability that the visit of a person who is not enrolled ends in a false match, `references` the
/// number of templates searched, `searches_per_visit` how many searches a visit may make.
#[must_use]
pub fn identification_threshold(
    card: &Card,
    target_fpir: f64,
    references: usize,
    searches_per_visit: u32,
) -> Threshold {
    let comparisons = references.max(1) as f64 * f64::from(searches_per_visit.max(1));
    threshold_at(card, target_fpir / comparisons)
}

/// The threshold for 1:1 verification of a claim: `target_fmr` is the false match rate of a single comparison.
#[must_use]
pub fn verification_threshold(card: &Card, target_fmr: f64) -> Threshold {
    threshold_at(card, target_fmr)
}

fn threshold_at(card: &Card, fmr: f64) -> Threshold {
    let Some(measured) = &card.measured.comparison else {
        return Threshold::BeyondMeasurement { strongest: Score(1.0) };
    };
    if fmr >= measured.points[0].fmr {
        return Threshold::Alone(Score(measured.points[0].threshold));
    }
    for pair in measured.points.windows(2) {
        let (looser, stricter) = (pair[0], pair[1]);
        if fmr >= stricter.fmr * (1.0 - ROUNDING) {
            let way = (looser.fmr / fmr).ln() / (looser.fmr / stricter.fmr).ln();
            let span = f64::from(stricter.threshold) - f64::from(looser.threshold);
            let threshold = (f64::from(looser.threshold) + span * way) as f32;
            return Threshold::Alone(Score(threshold.clamp(looser.threshold, stricter.threshold)));
        }
    }
    Threshold::BeyondMeasurement { strongest: measured.strongest() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// How strict a threshold is, comparable: beyond measurement is stricter than any score.
    fn strictness(threshold: Threshold) -> f32 {
        match threshold {
            Threshold::Alone(Score(score)) => score,
            Threshold::BeyondMeasurement { .. } => f32::INFINITY,
        }
    }

    #[test]
    fn measured_points_are_met_exactly() {
        let card = Card::sface();
        for (fmr, threshold) in [(1e-3, 0.359), (1e-4, 0.415), (1e-5, 0.467)] {
            assert_eq!(verification_threshold(&card, fmr), Threshold::Alone(Score(threshold)));
        }
        // One search against 100 references at 0.1 % per visit asks for 1e-5 of each comparison.
        assert_eq!(identification_threshold(&card, 1e-3, 100, 1), Threshold::Alone(Score(0.467)));
    }

    #[test]
    fn halfway_in_powers_of_ten_is_halfway_in_score() {
        let Threshold::Alone(Score(score)) = verification_threshold(&Card::sface(), 10f64.powf(-3.5)) else {
            panic!("10^-3.5 was measured around");
        };
        assert!((score - 0.387).abs() < 1e-6, "{score}");
    }

    #[test]
    fn a_loose_target_never_loosens_the_threshold_below_what_was_measured() {
        for target in [0.01, 0.5, 1.0, 1e9, f64::INFINITY] {
            assert_eq!(verification_threshold(&Card::sface(), target), Threshold::Alone(Score(0.359)));
        }
    }

    #[test]
    fn what_was_not_measured_asks_for_a_second_factor() {
        let beyond = Threshold::BeyondMeasurement { strongest: Score(0.467) };
        for target in [9.9e-6, 1e-9, 0.0, -1.0, f64::NAN] {
            assert_eq!(verification_threshold(&Card::sface(), target), beyond, "{target}");
        }
        assert_eq!(identification_threshold(&Card::sface(), 1e-3, 60_000, 5), beyond);
        let unmeasured = Card::yunet();
        assert_eq!(
            verification_threshold(&unmeasured, 0.1),
            Threshold::BeyondMeasurement { strongest: Score(1.0) }
        );
    }

    proptest! {
        #[test]
        fn more_references_searches_or_a_stricter_target_never_loosen_the_threshold(
            target in 1e-6f64..1.0, references in 0usize..100_000, searches in 0u32..50,
            more_references in 0usize..10_000, more_searches in 0u32..10, part in 0.01f64..1.0,
        ) {
            let card = Card::sface();
            let base = strictness(identification_threshold(&card, target, references, searches));
            let larger = identification_threshold(&card, target, references + more_references, searches);
            let longer = identification_threshold(&card, target, references, searches + more_searches);
            let stricter = identification_threshold(&card, target * part, references, searches);
            prop_assert!(strictness(larger) >= base);
            prop_assert!(strictness(longer) >= base);
            prop_assert!(strictness(stricter) >= base);
        }

        #[test]
        fn a_threshold_is_always_inside_the_measured_range(target in 0f64..10.0, references in 0usize..1_000_000, searches in 0u32..1000) {
            let score = identification_threshold(&Card::sface(), target, references, searches).score().0;
            prop_assert!((0.359..=0.467).contains(&score));
        }
    }
}
