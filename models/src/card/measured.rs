//! What was measured of a model: operating points, how sure they are, and the tail of the impostors. A threshold comes from
//! here and from nowhere else, so a card whose numbers contradict each other is refused.

use gate::Score;
use serde::Deserialize;

use crate::calibration::{CONFIDENCE, Pareto, RULE_OF_THIRTY};

/// How far the fitted tail may pass from an operating point, in score.
const FIT_TOLERANCE: f64 = 0.02;

/// Measurements; a card holds those that belong to its role.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// Of a detector.
    pub detection: Option<DetectionMeasurement>,
    /// Of an embedder.
    pub comparison: Option<ComparisonMeasurement>,
    /// Of a PAD network.
    pub attack_detection: Option<AttackMeasurement>,
}

/// How many faces a detector missed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectionMeasurement {
    /// The pictures.
    pub data_set: String,
    /// How many.
    pub images: u32,
    /// How many faces were not found.
    pub misses: u32,
    /// The weakest detection among them.
    pub lowest_score: f32,
    /// How far the numbers carry.
    pub remark: String,
}

/// The errors of single comparisons.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComparisonMeasurement {
    /// The pictures.
    pub data_set: String,
    /// Comparisons of two pictures of one person.
    pub genuine_comparisons: u64,
    /// Comparisons of two persons.
    pub impostor_comparisons: u64,
    /// How far the numbers carry.
    pub remark: String,
    /// In order of falling FMR and rising threshold.
    pub points: Vec<OperatingPoint>,
    /// How sure the points are, and the fitted impostor tail.
    pub tail: Option<TailMeasurement>,
}

/// The impostor tail: how the highest scores of comparisons of two persons are distributed, and how sure that is.
///
/// The fit describes and checks; thresholds are computed from the points alone.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TailMeasurement {
    /// How the intervals were found.
    pub method: Method,
    /// How many people the comparisons are of.
    pub persons: u64,
    /// How many pictures.
    pub pictures: u64,
    /// Confidence of all intervals.
    pub confidence: f64,
    /// One for each operating point, in the same order.
    pub intervals: Vec<PointInterval>,
    /// The score from which on the generalised Pareto distribution is fitted.
    pub above: f32,
    /// Share of the impostor comparisons at or above that score.
    pub rate: f64,
    /// Its scale: score per e-fold of the rate.
    pub scale: f64,
    /// Its shape: negative if the tail ends, 0 if it is exponential, positive if it is heavy.
    pub shape: f64,
    /// The lower end of the shape's interval.
    pub shape_low: f64,
    /// The upper end of the shape's interval.
    pub shape_high: f64,
    /// In words: where the numbers come from and what they do not say.
    pub remark: String,
}

/// How the intervals of a tail were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// From published operating points, with a stated allowance for comparisons that share a person.
    PublishedPoints,
    /// From the scores themselves, with the variance over persons.
    VarianceOverPersons,
}

/// The interval of one operating point.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PointInterval {
    /// The point's FMR.
    pub fmr: f64,
    /// The lowest threshold that may have this FMR.
    pub low: f32,
    /// The highest threshold that may have it.
    pub high: f32,
    /// So many independent false matches would be as sure.
    pub effective_matches: f64,
}

/// One measured threshold.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatingPoint {
    /// False match rate: share of the impostor comparisons at or above the threshold.
    pub fmr: f64,
    /// Cosine.
    pub threshold: f32,
    /// True match rate: share of the genuine comparisons at or above the threshold.
    pub tmr: f64,
}

/// How well attacks were told apart.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttackMeasurement {
    /// The pictures.
    pub data_set: String,
    /// Area under the curve.
    pub auc: f64,
    /// Error rate where APCER and BPCER are equal.
    pub eer: f64,
    /// How far the numbers carry.
    pub remark: String,
}

impl ComparisonMeasurement {
    /// Threshold arithmetic relies on this order; NaN fails it.
    pub(super) fn check(&self) -> Result<(), String> {
        let sound = |point: &OperatingPoint| {
            point.fmr > 0.0 && point.fmr < 1.0 && point.threshold > -1.0 && point.threshold < 1.0
        };
        let falling =
            |pair: &[OperatingPoint]| pair[0].fmr > pair[1].fmr && pair[0].threshold < pair[1].threshold;
        if self.points.is_empty() || !self.points.iter().all(sound) || !self.points.windows(2).all(falling) {
            return Err("operating points must exist, with falling FMR and rising threshold".to_owned());
        }
        let rarest = self.points[self.points.len() - 1].fmr;
        if rarest * (self.impostor_comparisons as f64) < 30.0 {
            return Err(format!("an FMR of {rarest} rests on fewer than 30 false matches"));
        }
        self.tail.as_ref().map_or(Ok(()), |tail| tail.check(self))
    }

    /// The independent false matches that a point rests on: those of its interval, or, without one, as many as were counted.
    pub(crate) fn effective_matches(&self, place: usize) -> f64 {
        let counted = self.points[place].fmr * self.impostor_comparisons as f64;
        self.tail.as_ref().map_or(counted, |tail| tail.intervals[place].effective_matches)
    }

    /// The strictest measured threshold.
    pub(crate) fn strongest(&self) -> Score {
        Score(self.points[self.points.len() - 1].threshold)
    }
}

/// Intervals and fit must tell the same story as the points; NaN fails everything.
impl TailMeasurement {
    fn check(&self, measured: &ComparisonMeasurement) -> Result<(), String> {
        let pairs = self.pictures as f64 * (self.pictures as f64 - 1.0) / 2.0;
        let compared = (measured.genuine_comparisons + measured.impostor_comparisons) as f64;
        if self.persons < 2 || self.pictures < self.persons || compared > pairs {
            return Err("the tail's persons and pictures cannot give so many comparisons".to_owned());
        }
        let belongs = |(interval, point): (&PointInterval, &OperatingPoint)| {
            interval.fmr == point.fmr
                && interval.low <= point.threshold
                && interval.high >= point.threshold
                && interval.effective_matches > 0.0
                && interval.effective_matches <= point.fmr * measured.impostor_comparisons as f64 + 1.0
        };
        let rising = |pair: &[PointInterval]| pair[0].low <= pair[1].low && pair[0].high <= pair[1].high;
        if self.intervals.len() != measured.points.len()
            || !self.intervals.iter().zip(&measured.points).all(belongs)
            || !self.intervals.windows(2).all(rising)
        {
            return Err(
                "each operating point needs its interval: the same FMR, the threshold inside, not more effective \
                 matches than were counted"
                    .to_owned(),
            );
        }
        let rests = |interval: &PointInterval| interval.effective_matches >= RULE_OF_THIRTY;
        if self.method == Method::VarianceOverPersons && !self.intervals.iter().all(rests) {
            return Err("an operating point rests on fewer than 30 effective false matches".to_owned());
        }
        self.check_fit(measured)
    }

    fn check_fit(&self, measured: &ComparisonMeasurement) -> Result<(), String> {
        let sound = self.confidence == CONFIDENCE
            && self.above > -1.0
            && self.above < 1.0
            && self.rate > 0.0
            && self.rate < 1.0
            && self.scale > 0.0
            && self.scale < 1.0
            && self.shape_low > -2.0
            && self.shape_low <= self.shape
            && self.shape <= self.shape_high
            && self.shape_high < 1.0;
        let fit = self.fit();
        let agrees = |point: &OperatingPoint| {
            let off = |score: f64| (score - f64::from(point.threshold)).abs() <= FIT_TOLERANCE;
            point.fmr > self.rate || fit.score_at(point.fmr).is_some_and(off)
        };
        if sound && measured.points.iter().all(agrees) {
            return Ok(());
        }
        Err("the fitted tail is out of range, or contradicts the operating points".to_owned())
    }

    /// The fitted tail.
    #[must_use]
    pub fn fit(&self) -> Pareto {
        Pareto { above: f64::from(self.above), rate: self.rate, scale: self.scale, shape: self.shape }
    }
}
