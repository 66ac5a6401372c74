//! The generalised Pareto distribution: what the scores beyond a high threshold look like, whatever the rest does
//! (peaks over threshold; Pickands 1975).
//!
//! A share `rate` of the impostor scores lies at or above the score `above`. Of these, the share that exceeds `above` by
//! `y` is `(1 + shape * y / scale) ^ (-1 / shape)`, in the limit of shape 0 `exp(-y / scale)`. A negative shape has an
//! end, as scores that are cosines must.
//!
//! The fit is by probability-weighted moments (Hosking and Wallis 1987): closed, without iteration, and as good as maximum
//! likelihood for shapes below 1/2 and a few hundred excesses.

/// Shapes nearer to 0 than this are computed as 0.
const FLAT: f64 = 1e-9;

/// Fewest excesses that are fitted: with fewer, the shape is anybody's guess.
pub const FEWEST_EXCESSES: u64 = 50;

/// A fitted tail.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pareto {
    /// The score from which on the fit holds.
    pub above: f64,
    /// Share of the impostor comparisons at or above that score.
    pub rate: f64,
    /// Score per e-fold at `above`.
    pub scale: f64,
    /// Negative: the tail ends. 0: exponential. Positive: heavy.
    pub shape: f64,
}

impl Pareto {
    /// The tail through three published points of falling FMR and rising threshold, where each FMR is the same part of the
    /// one before (as 1e-3, 1e-4, 1e-5): two unknowns, two equations, so nothing is left to say how well it fits.
    #[must_use]
    pub fn through(points: [(f64, f64); 3]) -> Option<Self> {
        let [(rate, above), (second, at_second), (third, at_third)] = points;
        let step = (rate / second).ln();
        if !(step > 0.0 && ((second / third).ln() - step).abs() < FLAT) {
            return None;
        }
        let (near, far) = (at_second - above, at_third - above);
        let shape = (far / near - 1.0).ln() / step;
        let scale = if shape.abs() < FLAT { near / step } else { near * shape / (shape * step).exp_m1() };
        (scale > 0.0 && shape.is_finite()).then_some(Self { above, rate, scale, shape })
    }

    /// Fits the excesses over `above`, given in falling order with how often each counts.
    ///
    /// `None` if there are fewer than [`FEWEST_EXCESSES`], or all are the same.
    #[must_use]
    pub fn fit(above: f64, rate: f64, falling: impl Iterator<Item = (f64, u64)> + Clone) -> Option<Self> {
        let total: u64 = falling.clone().map(|(_, times)| times).sum();
        if total < FEWEST_EXCESSES {
            return None;
        }
        let (mut first, mut second, mut larger) = (0.0, 0.0, 0u64);
        for (score, times) in falling.filter(|(_, times)| *times > 0) {
            let excess = (score - above) * times as f64;
            // Equal values share the mean of their ranks.
            let share_above = (larger as f64 + (times - 1) as f64 / 2.0) / (total - 1) as f64;
            first += excess;
            second += excess * share_above;
            larger += times;
        }
        let (first, second) = (first / total as f64, second / total as f64);
        let spread = first - 2.0 * second;
        let (shape, scale) = (2.0 - first / spread, 2.0 * first * second / spread);
        (spread > 0.0 && scale > 0.0 && shape.is_finite()).then_some(Self { above, rate, scale, shape })
    }

    /// The score that impostors reach at this rate; `None` outside the fit (rates above `rate`, and 0 of a tail without end).
    #[must_use]
    pub fn score_at(&self, fmr: f64) -> Option<f64> {
        let inside = fmr >= 0.0 && fmr <= self.rate;
        let folds = (self.rate / fmr).ln();
        let excess = if self.shape.abs() < FLAT {
            self.scale * folds
        } else {
            self.scale * (self.shape * folds).exp_m1() / self.shape
        };
        (inside && excess.is_finite()).then_some(self.above + excess)
    }

    /// The rate at which impostors reach this score; `None` below the fit.
    #[must_use]
    pub fn rate_at(&self, score: f64) -> Option<f64> {
        let excess = (score - self.above) / self.scale;
        let left = if self.shape.abs() < FLAT {
            (-excess).exp()
        } else {
            (1.0 + self.shape * excess).max(0.0).powf(-1.0 / self.shape)
        };
        (excess >= 0.0).then_some(self.rate * left)
    }

    /// Score per e-fold of the rate, at this rate.
    #[must_use]
    pub fn slope_at(&self, fmr: f64) -> f64 {
        self.scale * (self.shape * (self.rate / fmr).ln()).exp()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::super::random::Random;
    use super::*;

    /// Excesses of a tail with known parameters, by inversion, in falling order.
    fn drawn(tail: Pareto, count: usize, seed: u64) -> Vec<f64> {
        let mut random = Random::new(seed);
        let mut scores: Vec<f64> =
            (0..count).map(|_| tail.score_at(tail.rate * random.uniform()).unwrap()).collect();
        scores.sort_by(|left, right| right.total_cmp(left));
        scores
    }

    #[test]
    fn known_parameters_are_found_again() {
        for (shape, scale) in [(-0.3, 0.05), (-0.03, 0.025), (0.0, 0.02), (0.2, 0.04)] {
            let known = Pareto { above: 0.36, rate: 1e-3, scale, shape };
            let scores = drawn(known, 20_000, 7);
            let fit = Pareto::fit(0.36, 1e-3, scores.iter().map(|score| (*score, 1))).unwrap();
            assert!((fit.shape - shape).abs() < 0.04, "shape {shape}: {fit:?}");
            assert!((fit.scale / scale - 1.0).abs() < 0.04, "scale {scale}: {fit:?}");
        }
    }

    #[test]
    fn a_score_that_counts_twice_is_as_good_as_two() {
        let scores = drawn(Pareto { above: 0.3, rate: 1e-2, scale: 0.03, shape: -0.1 }, 500, 3);
        let twice: Vec<(f64, u64)> = scores.iter().flat_map(|score| [(*score, 1), (*score, 1)]).collect();
        let one = Pareto::fit(0.3, 1e-2, scores.iter().map(|score| (*score, 2))).unwrap();
        let two = Pareto::fit(0.3, 1e-2, twice.into_iter()).unwrap();
        assert!((one.shape - two.shape).abs() < 1e-9 && (one.scale - two.scale).abs() < 1e-12);
    }

    #[test]
    fn too_few_or_equal_scores_are_not_fitted() {
        assert_eq!(Pareto::fit(0.3, 1e-2, std::iter::repeat_n((0.4, 1), 49)), None);
        assert_eq!(Pareto::fit(0.3, 1e-2, std::iter::repeat_n((0.3, 1), 100)), None);
    }

    #[test]
    fn three_published_points_are_met_by_the_tail_through_them() {
        let published = [(1e-3, 0.359), (1e-4, 0.415), (1e-5, 0.467)];
        let tail = Pareto::through(published).unwrap();
        for (fmr, score) in published {
            assert!((tail.score_at(fmr).unwrap() - score).abs() < 1e-9);
            assert!((tail.rate_at(score).unwrap() / fmr - 1.0).abs() < 1e-9);
        }
        assert!((tail.shape - -0.0322).abs() < 1e-4 && (tail.scale - 0.02523).abs() < 1e-5, "{tail:?}");
        assert_eq!(Pareto::through([(1e-3, 0.3), (1e-4, 0.4), (1e-6, 0.5)]), None, "unequal steps");
        assert_eq!(Pareto::through([(1e-3, 0.3), (1e-4, 0.2), (1e-5, 0.1)]), None, "falling scores");
    }

    proptest! {
        #[test]
        fn score_and_rate_are_inverse_and_fall_together(
            shape in -0.4f64..0.4, scale in 0.01f64..0.1, rate in 1e-6f64..1e-3, part in 0.01f64..0.99,
        ) {
            let tail = Pareto { above: 0.35, rate: 1e-3, scale, shape };
            let score = tail.score_at(rate).unwrap();
            prop_assert!((tail.rate_at(score).unwrap() / rate - 1.0).abs() < 1e-6);
            prop_assert!(tail.score_at(rate * part).unwrap() > score);
            prop_assert!(tail.score_at(1.1e-3).is_none() && tail.rate_at(0.34).is_none());
        }
    }
}
