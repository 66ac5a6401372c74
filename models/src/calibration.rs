//! From an embedder's card and a policy's target to the threshold, and the plain statement where none can be computed.
//!
//! A search compares the subject with every reference, and a visit makes several searches; each comparison may match
//! falsely. So that a stranger's visit ends in a false match with at most the target probability, a single comparison may
//! do so with the target divided by the number of comparisons (the union bound: comparisons of one visit are far from
//! independent, so the truth is better). Between two measured points the threshold is interpolated over the logarithm of
//! the FMR. Nothing is extrapolated: a looser target gets the loosest measured threshold, a stricter one gets
//! [`Threshold::BeyondMeasurement`], and with it a second factor.
//!
//! [`estimate`] says the same with its interval, for whoever asks how sure the threshold is; it decides nothing. Where the
//! numbers come from is in `compared` and `measure` (the program `calibrate`), whether they still hold at a door in
//! [`LiveTail`].

mod block;
mod compared;
mod live;
mod measure;
mod pareto;
mod people;
mod random;
#[cfg(test)]
pub(crate) mod synthetic;

use gate::{Score, Threshold};

pub use self::block::{BlockError, block, exchanged, support};
pub use self::compared::{Compared, Impostor};
pub use self::live::{Alarm, FALSE_ALARM, Impostors, LiveTail, PERIOD, Tally, Visitor};
pub use self::measure::{Calibration, CalibrationError, Unsupported, measure, rule_of_three};
pub use self::pareto::{FEWEST_EXCESSES, Pareto};
pub use self::people::{People, PeopleError, read_templates};
use crate::card::{Card, ComparisonMeasurement, OperatingPoint};

/// The loosest false match rate of a single comparison that a card may be calibrated for.
pub const LOOSEST_RATE: f64 = 1e-2;

/// So many errors must be seen, so that the true rate lies within 30 % at 90 % confidence (ISO/IEC 19795-1).
pub const RULE_OF_THIRTY: f64 = 30.0;

/// Confidence of every interval of a card.
pub const CONFIDENCE: f64 = 0.9;

/// Standard deviations on either side of an interval of that confidence.
const Z: f64 = 1.645;

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

/// From this score on two enrolled people may be taken for each other at the door: one who just reaches the strictest measured
/// threshold with the own reference would not be ahead of the other by the policy's `margin`. Never above `threshold`.
#[must_use]
pub fn alike_from(card: &Card, threshold: Threshold, margin: f32) -> Score {
    let strictest = card.measured.comparison.as_ref().map_or(Score(1.0), ComparisonMeasurement::strongest);
    Score((strictest.0 - margin).min(threshold.score().0))
}

/// A threshold, how sure it is, and where the measurements end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// What decides at the door, as [`identification_threshold`] gives it.
    pub threshold: Threshold,
    /// False match rate that a single comparison may have.
    pub fmr: f64,
    /// What the measurements say of that rate.
    pub support: Support,
    /// The most references for which a face alone meets the target; 0 if none.
    pub most_references: usize,
}

/// What the measurements say of a rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Support {
    /// It lies between two measured points, or on one.
    Measured(ErrorBars),
    /// It is looser than every measured point: the loosest threshold is used, which is stricter than asked for.
    Stricter(ErrorBars),
    /// It is stricter than every measured point. Nothing is extrapolated.
    Beyond {
        /// The strictest measured rate.
        strictest: f64,
    },
    /// The card holds no comparisons.
    Unmeasured,
}

/// How far a threshold may be off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ErrorBars {
    /// The ends of the interval at [`CONFIDENCE`]; `None` if the card has none.
    pub interval: Option<(Score, Score)>,
    /// The independent false matches that the less sure of the neighbouring points rests on. Below [`RULE_OF_THIRTY`] the
    /// rate may be off by more than 30 %.
    pub effective_matches: f64,
}

/// The threshold for 1:N identification with its interval. Arguments as for [`identification_threshold`].
#[must_use]
pub fn estimate(card: &Card, target_fpir: f64, references: usize, searches_per_visit: u32) -> Estimate {
    let searches = f64::from(searches_per_visit.max(1));
    let fmr = target_fpir / (references.max(1) as f64 * searches);
    let measured = card.measured.comparison.as_ref();
    Estimate {
        threshold: threshold_at(card, fmr),
        fmr,
        support: measured.map_or(Support::Unmeasured, |measured| support_of(measured, fmr)),
        most_references: measured.map_or(0, |measured| {
            let strictest = measured.points[measured.points.len() - 1].fmr * (1.0 - ROUNDING);
            // A target that is no number, or negative, becomes 0.
            (target_fpir / (strictest * searches)) as usize
        }),
    }
}

fn support_of(measured: &ComparisonMeasurement, fmr: f64) -> Support {
    let points = &measured.points;
    if fmr >= points[0].fmr {
        return Support::Stricter(error_bars(measured, [0, 0], 0.0));
    }
    for (place, pair) in points.windows(2).enumerate() {
        if let Some(way) = way(pair[0], pair[1], fmr) {
            return Support::Measured(error_bars(measured, [place, place + 1], way));
        }
    }
    Support::Beyond { strictest: points[points.len() - 1].fmr }
}

fn error_bars(measured: &ComparisonMeasurement, places: [usize; 2], way: f64) -> ErrorBars {
    let effective = |place: usize| measured.effective_matches(place);
    let interval = measured.tail.as_ref().map(|tail| {
        let [looser, stricter] = places.map(|place| tail.intervals[place]);
        (Score(between(looser.low, stricter.low, way)), Score(between(looser.high, stricter.high, way)))
    });
    ErrorBars { interval, effective_matches: effective(places[0]).min(effective(places[1])) }
}

/// How far a rate lies from one point to the next, over the logarithm of the FMR; `None` if it is stricter than both.
fn way(looser: OperatingPoint, stricter: OperatingPoint, fmr: f64) -> Option<f64> {
    (fmr >= stricter.fmr * (1.0 - ROUNDING))
        .then(|| (looser.fmr / fmr).ln() / (looser.fmr / stricter.fmr).ln())
}

fn between(looser: f32, stricter: f32, way: f64) -> f32 {
    let span = f64::from(stricter) - f64::from(looser);
    ((f64::from(looser) + span * way) as f32).clamp(looser, stricter)
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
        if let Some(way) = way(looser, stricter, fmr) {
            return Threshold::Alone(Score(between(looser.threshold, stricter.threshold, way)));
        }
    }
    Threshold::BeyondMeasurement { strongest: measured.strongest() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
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

    /// The interval of an estimate that was measured.
    fn bars(fpir: f64, references: usize) -> ErrorBars {
        match estimate(&Card::sface(), fpir, references, 1).support {
            Support::Measured(bars) | Support::Stricter(bars) => bars,
            support @ (Support::Beyond { .. } | Support::Unmeasured) => panic!("{support:?}"),
        }
    }

    #[test]
    fn an_estimate_decides_as_the_threshold_does_and_adds_how_sure_it_is() {
        let card = Card::sface();
        for (fpir, references, searches) in [(0.01, 333, 3), (0.01, 334, 3), (0.01, 1, 3), (f64::NAN, 5, 0)] {
            let estimate = estimate(&card, fpir, references, searches);
            let threshold = identification_threshold(&card, fpir, references, searches);
            assert_eq!(estimate.threshold, threshold);
        }
        let strictest = bars(1e-3, 100);
        assert_eq!(strictest.interval, Some((Score(0.458), Score(0.476))));
        assert!(strictest.effective_matches < RULE_OF_THIRTY, "LFW's strictest point is worth 21");
        let (low, high) = bars(1e-3, 50).interval.unwrap();
        assert!(0.409 < low.0 && low.0 < high.0 && high.0 < 0.476);
    }

    #[test]
    fn two_people_are_alike_from_the_margin_below_the_strictest_threshold_or_from_the_one_in_use() {
        let alike = |card: &Card, threshold| alike_from(card, Threshold::Alone(Score(threshold)), 0.08).0;
        assert!((alike(&Card::sface(), 0.467) - 0.387).abs() < 1e-6);
        assert_eq!(alike(&Card::sface(), 0.359), 0.359);
        assert!((alike(&Card::yunet(), 1.0) - 0.92).abs() < 1e-6);
    }

    #[test]
    fn beyond_the_measurements_there_is_no_interval_but_the_end_of_them() {
        let beyond = estimate(&Card::sface(), 0.01, 334, 3);
        assert_eq!(beyond.support, Support::Beyond { strictest: 1e-5 });
        assert_eq!(beyond.most_references, 333);
        assert_eq!(estimate(&Card::sface(), 0.01, beyond.most_references + 1, 3).support, beyond.support);
        assert_eq!(estimate(&Card::yunet(), 0.01, 10, 3).support, Support::Unmeasured);
        assert_eq!(estimate(&Card::sface(), -1.0, 10, 3).most_references, 0);
    }

    #[test]
    fn the_shipped_intervals_and_fit_are_what_the_card_says_they_were_computed_from() {
        let measured = Card::sface().measured.comparison.unwrap();
        let tail = measured.tail.clone().unwrap();
        let points: Vec<(f64, f64)> = measured
            .points
            .iter()
            .map(|point| (point.fmr, (f64::from(point.threshold) * 1e3).round() / 1e3))
            .collect();
        let fit = Pareto::through([points[0], points[1], points[2]]).unwrap();
        assert!((fit.shape - tail.shape).abs() < 5e-5 && (fit.scale - tail.scale).abs() < 5e-6, "{fit:?}");
        for ((fmr, threshold), interval) in points.into_iter().zip(tail.intervals) {
            let variance = 1.0 / (fmr * 3_080_399.0) + 4.0 * 9.0 / 2_481.0;
            assert!((1.0 / variance - interval.effective_matches).abs() < 0.6, "{}", 1.0 / variance);
            let reach = fit.slope_at(fmr) * Z * variance.sqrt() + 0.0005;
            let off = |end: f32, expected: f64| (f64::from(end) - expected).abs() < 1.1e-3;
            assert!(off(interval.low, threshold - reach) && off(interval.high, threshold + reach), "{reach}");
        }
        // LFW's 6,000 pairs: 4,281 persons, 7,701 pictures.
        assert_eq!(tail.pictures * (tail.pictures - 1) / 2 - measured.genuine_comparisons, 29_640_749);
    }

    proptest! {
        #[test]
        fn a_threshold_lies_in_its_interval_and_both_rise_with_the_gallery(
            target in 1e-4f64..0.1, references in 1usize..2_000, more in 1usize..500,
        ) {
            let card = Card::sface();
            let (one, other) = (estimate(&card, target, references, 3), estimate(&card, target, references + more, 3));
            let ends = |estimate: &Estimate| match estimate.support {
                Support::Measured(bars) | Support::Stricter(bars) => bars.interval,
                Support::Beyond { .. } | Support::Unmeasured => None,
            };
            prop_assert_eq!(ends(&one).is_some(), references <= one.most_references);
            prop_assert!(strictness(one.threshold) <= strictness(other.threshold));
            if let Some((low, high)) = ends(&one) {
                prop_assert!(low <= one.threshold.score() && one.threshold.score() <= high);
                if let Some((next_low, next_high)) = ends(&other) {
                    prop_assert!(low <= next_low && high <= next_high);
                }
            }
        }
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
