//! What a card says about where its file comes from. The rest of a card belongs to `models`.
//!
//! A pin names one member of one archive of one version of one package, with the SHA-256 of both. Its words end up on
//! command lines and in paths, so they are read into types that can hold nothing else.

use std::fmt;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::failure::{At, Failure};

/// One file and the package that carries it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Pin {
    /// The file's name in its folder under `assets/fetched`.
    pub(crate) file: FileName,
    /// Of the file itself.
    pub(crate) sha256: Digest,
    /// Where it is.
    pub(crate) package: Package,
}

/// One member of one package.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) registry: Registry,
    pub(crate) name: Word,
    pub(crate) version: Word,
    /// Of the wheel or tarball that the registry serves.
    pub(crate) archive_sha256: Digest,
    /// The path inside the archive.
    pub(crate) member: Word,
    /// For a wheel with compiled parts: which of them to ask for, whatever this machine is.
    pub(crate) python_version: Option<Word>,
    /// See `python_version`.
    pub(crate) platform: Option<Word>,
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.name, self.version, self.registry)
    }
}

/// Where a package is published; decides the client and the form of the archive.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Registry {
    /// Wheels, which are zip files.
    Pypi,
    /// Gzipped tarballs.
    Npm,
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pypi => "PyPI",
            Self::Npm => "npm",
        })
    }
}

/// A SHA-256.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub(crate) struct Digest([u8; 32]);

impl Digest {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// `None` when there is no such file.
    pub(crate) fn of_file(path: &Path) -> Result<Option<Self>, Failure> {
        let mut file = match std::fs::File::open(path) {
            Ok(file) => file,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(cause).at("read", path),
        };
        let mut hash = Sha256::new();
        let mut block = vec![0; 1 << 16];
        loop {
            match file.read(&mut block).at("read", path)? {
                0 => return Ok(Some(Self(hash.finalize().into()))),
                length => hash.update(&block[..length]),
            }
        }
    }
}

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("a SHA-256 is 64 hexadecimal digits, not `{text}`");
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A word that clients and archivers take literally: no option, no pattern, no blank.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub(crate) struct Word(String);

impl Word {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Word {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "@/._+-".contains(c);
        if text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '@') && text.chars().all(plain) {
            Ok(Self(text))
        } else {
            Err(format!("`{text}` has characters that no package, version or member here needs"))
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name without a folder: a card cannot write anywhere but in the folder of its kind.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "Word")]
pub(crate) struct FileName(Word);

impl FileName {
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl TryFrom<Word> for FileName {
    type Error = String;

    fn try_from(word: Word) -> Result<Self, String> {
        if word.as_str().contains('/') {
            return Err(format!("`{word}` must be a file name without a folder"));
        }
        Ok(Self(word))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const CARD: &str = r#"
        file = "net.onnx"
        sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        licence = "belongs to models"
        [package]
        registry = "pypi"
        name = "carrier"
        version = "0.1.1"
        archive_sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        member = "carrier/models/net.onnx"
    "#;

    fn refusal(from: &str, to: &str) -> String {
        assert!(CARD.contains(from));
        toml::from_str::<Pin>(&CARD.replacen(from, to, 1)).unwrap_err().to_string()
    }

    #[test]
    fn a_pin_is_read_from_a_card_that_says_more() {
        let pin: Pin = toml::from_str(CARD).unwrap();
        assert_eq!(pin.package.registry, Registry::Pypi);
        assert_eq!(pin.sha256, Digest::of(b"abc"));
        assert_eq!(
            pin.sha256.to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn a_card_cannot_write_outside_its_folder() {
        assert!(refusal("\"net.onnx\"", "\"../net.onnx\"").contains("characters"));
        assert!(refusal("\"net.onnx\"", "\"a/net.onnx\"").contains("without a folder"));
    }

    #[test]
    fn a_card_cannot_hand_an_option_or_a_pattern_to_a_client() {
        assert!(refusal("\"carrier\"", "\"--index-url\"").contains("--index-url"));
        assert!(refusal("\"0.1.1\"", "\"0.1.1 other\"").contains("0.1.1 other"));
        assert!(refusal("carrier/models/net.onnx", "carrier/*").contains("carrier/*"));
    }

    #[test]
    fn a_short_hash_or_an_unknown_registry_is_refused() {
        assert!(refusal("ba7816bf8f01", "ba78").contains("64 hexadecimal digits"));
        assert!(refusal("\"pypi\"", "\"elsewhere\"").contains("elsewhere"));
    }
}
