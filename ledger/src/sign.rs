//! The author's key, and the one message it signs for records: `"genkan record 1\0" || run (16) || seq (8, big-endian) ||
//! leaf (32)`, 72 bytes. Other messages begin with other words, so no signature can stand for two things.
//! Verification is `verify_strict`: keys of small order and malleable signatures are refused.

use crate::{AuthorId, Error, Leaf, RunId};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use std::fmt;

const RECORD: &[u8; 16] = b"genkan record 1\0";

/// An author's Ed25519 key (D_sign of a kiosk, R_sign of a registry). Wiped when dropped.
pub struct AuthorKey(SigningKey);

impl AuthorKey {
    /// Takes the 32-byte secret (the seed of RFC 8032) that the caller drew at random or read from its vault.
    pub fn from_bytes(secret: [u8; 32]) -> AuthorKey {
        AuthorKey(SigningKey::from_bytes(&secret))
    }

    /// The author: the public half.
    pub fn id(&self) -> AuthorId {
        AuthorId(self.0.verifying_key().to_bytes())
    }

    /// Callers begin every message with words of their own, see the module's story.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for AuthorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthorKey(of {}, secret)", self.id())
    }
}

/// Checks the signature that lies beside a record.
///
/// Errors: [`Error::BadSignature`].
pub fn verify_record_sig(
    author: AuthorId,
    run: RunId,
    seq: u64,
    leaf: Leaf,
    sig: &[u8; 64],
) -> Result<(), Error> {
    let valid = verify(author, &record_message(run, seq, leaf), sig);
    if valid { Ok(()) } else { Err(Error::BadSignature { run, seq }) }
}

pub(crate) fn verify(author: AuthorId, message: &[u8], sig: &[u8; 64]) -> bool {
    let key = VerifyingKey::from_bytes(&author.0);
    key.is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(sig)).is_ok())
}

pub(crate) fn record_message(run: RunId, seq: u64, leaf: Leaf) -> [u8; 72] {
    let mut message = [0; 72];
    message[..16].copy_from_slice(RECORD);
    message[16..32].copy_from_slice(&run.0);
    message[32..40].copy_from_slice(&seq.to_be_bytes());
    message[40..].copy_from_slice(&leaf.0);
    message
}
