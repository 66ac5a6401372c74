//! Keys: Ed25519 and P-256, the only two there are here, and the algorithm that each is for.
//!
//! A public key has one written form: one byte for the algorithm (1 EdDSA, 2 ES256), then the key: 32 bytes of Ed25519, or
//! 33 bytes of a compressed point. Its name (`kid`) is made of that form, so nobody can give a name to another key.

use std::fmt;

use ed25519_dalek::Signer as _;
use p256::ecdsa::signature::Verifier as _;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// What a COSE header may name. Everything else is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// EdDSA with Ed25519; -8.
    EdDsa,
    /// ECDSA with P-256 and SHA-256; -7. Telephones keep such keys in hardware.
    Es256,
}

impl Algorithm {
    /// Its number in COSE.
    #[must_use]
    pub fn number(self) -> i64 {
        match self {
            Self::EdDsa => -8,
            Self::Es256 => -7,
        }
    }

    /// The algorithm of this number in COSE, if it is allowed.
    #[must_use]
    pub fn of_number(number: i64) -> Option<Self> {
        [Self::EdDsa, Self::Es256].into_iter().find(|one| one.number() == number)
    }

    fn byte(self) -> u8 {
        match self {
            Self::EdDsa => 1,
            Self::Es256 => 2,
        }
    }
}

/// The name of a key: the first 8 bytes of SHA-256 over `"genkan kid 1\0"` and the key's written form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kid(pub [u8; 8]);

/// A key that signatures are checked with. Public, so `Debug` may show its name.
#[derive(Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// Ed25519.
    EdDsa(Box<ed25519_dalek::VerifyingKey>),
    /// P-256.
    Es256(Box<p256::ecdsa::VerifyingKey>),
}

impl PublicKey {
    /// Reads the written form; none if it is not one, or no point of the curve. Ed25519 keys of small order are refused.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first()? {
            (1, key) => Self::ed25519(key.try_into().ok()?),
            (2, key) if key.len() == 33 => Self::p256(key),
            _ => None,
        }
    }

    /// An Ed25519 key from its 32 bytes.
    #[must_use]
    pub fn ed25519(bytes: &[u8; 32]) -> Option<Self> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).ok().filter(|key| !key.is_weak())?;
        Some(Self::EdDsa(Box::new(key)))
    }

    /// A P-256 key from its point (SEC 1, compressed or not).
    #[must_use]
    pub fn p256(point: &[u8]) -> Option<Self> {
        p256::ecdsa::VerifyingKey::from_sec1_bytes(point).ok().map(|key| Self::Es256(Box::new(key)))
    }

    /// The written form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.algorithm().byte()];
        match self {
            Self::EdDsa(key) => bytes.extend(key.as_bytes()),
            Self::Es256(key) => bytes.extend(key.to_sec1_point(true).as_bytes()),
        }
        bytes
    }

    /// What it signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::EdDsa(_) => Algorithm::EdDsa,
            Self::Es256(_) => Algorithm::Es256,
        }
    }

    /// Its name.
    #[must_use]
    pub fn kid(&self) -> Kid {
        let digest = Sha256::new().chain_update(b"genkan kid 1\0").chain_update(self.to_bytes()).finalize();
        Kid(std::array::from_fn(|i| digest[i]))
    }

    /// Whether this is the key's signature of the message. Ed25519 is checked strictly.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        match self {
            Self::EdDsa(key) => {
                key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature)).is_ok()
            }
            Self::Es256(key) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
        }
    }
}

/// A key that signs. Wiped when dropped.
pub enum SecretKey {
    /// Ed25519.
    EdDsa(Box<ed25519_dalek::SigningKey>),
    /// P-256.
    Es256(Box<p256::ecdsa::SigningKey>),
}

impl SecretKey {
    /// Takes 32 bytes that the caller drew at random or read from where keys are kept. None for the few that are no key
    /// of P-256.
    #[must_use]
    pub fn from_bytes(algorithm: Algorithm, secret: &[u8; 32]) -> Option<Self> {
        match algorithm {
            Algorithm::EdDsa => Some(Self::EdDsa(Box::new(ed25519_dalek::SigningKey::from_bytes(secret)))),
            Algorithm::Es256 => {
                p256::ecdsa::SigningKey::from_slice(secret).ok().map(|key| Self::Es256(Box::new(key)))
            }
        }
    }

    /// The 32 bytes, to be kept.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        match self {
            Self::EdDsa(key) => Zeroizing::new(key.to_bytes()),
            Self::Es256(key) => Zeroizing::new(key.to_bytes().into()),
        }
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        match self {
            Self::EdDsa(key) => PublicKey::EdDsa(Box::new(key.verifying_key())),
            Self::Es256(key) => PublicKey::Es256(Box::new(*key.verifying_key())),
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        match self {
            Self::EdDsa(key) => key.sign(message).to_bytes(),
            Self::Es256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_bytes().into()
            }
        }
    }
}

impl fmt::Display for Kid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for Kid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Kid({self})")
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PublicKey({:?}, {})", self.algorithm(), self.kid())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SecretKey(of {}, secret)", self.public().kid())
    }
}
