//! Keys and what they close: the body of a record under the key of its group, and inside it the personal part under the
//! key of one person, so that destroying 32 bytes erases the person while the chain stays whole.
//!
//! Both are XChaCha20-Poly1305, written as `nonce (24) || ciphertext || tag (16)`. The nonce is an argument: 24 random
//! bytes, new for every call. The personal part also carries a commitment, HKDF-SHA256(P, "commit"), because the cipher
//! alone would let one ciphertext open under two keys with two meanings. Keys and the plain bytes under way are wiped;
//! the [`Value`] that was opened is not, so whoever keeps it decides how long.

use crate::{Error, GroupId, KeyId, Place, Value};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use sha2::Sha256;
use std::fmt;
use zeroize::{ZeroizeOnDrop, Zeroizing};

const NONCE: usize = 24;

/// The key G of one epoch of a group: it seals the bodies of records. Wiped when dropped.
#[derive(ZeroizeOnDrop)]
pub struct GroupKey([u8; 32]);

/// The key P of one person at one facility: it seals what is known of that person. Wiped when dropped.
#[derive(ZeroizeOnDrop)]
pub struct PersonKey([u8; 32]);

macro_rules! secret {
    ($name:ident) => {
        impl $name {
            /// Takes 32 secret bytes that the caller drew at random or read from its vault.
            pub fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The secret itself, for the vault that keeps it.
            pub fn expose(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(secret)"))
            }
        }
    };
}
secret!(GroupKey);
secret!(PersonKey);

/// Who shall be able to read the body of a record.
pub enum Seal<'a> {
    /// Everybody who holds the record.
    Plain,
    /// The holders of a group key.
    Group {
        /// The group.
        group: GroupId,
        /// The epoch of the key.
        epoch: u32,
        /// The key.
        key: &'a GroupKey,
        /// 24 random bytes, drawn for this record alone.
        nonce: [u8; NONCE],
    },
}

/// What a record says of one person, sealed under that person's key.
#[derive(Clone, PartialEq, Eq)]
pub struct Personal {
    key: KeyId,
    commitment: [u8; 32],
    sealed: Vec<u8>,
}

impl Personal {
    /// Seals `value` under the person's key, which records call `key_id`. `nonce`: 24 random bytes for this call alone.
    ///
    /// Errors: those of [`Value::encode`].
    pub fn seal(
        key: &PersonKey,
        key_id: KeyId,
        nonce: [u8; NONCE],
        value: &Value,
    ) -> Result<Personal, Error> {
        let plain = Zeroizing::new(value.encode().map_err(|error| error.at(Place::Personal))?);
        let sealed = encrypt(&derived(key, "seal"), nonce, b"", &plain);
        Ok(Personal { key: key_id, commitment: *derived(key, "commit"), sealed })
    }

    /// The person key that opens this.
    pub fn key_id(&self) -> KeyId {
        self.key
    }

    /// Opens it. The commitment is compared first, in constant time.
    ///
    /// Errors: [`Error::CannotOpenPersonal`] for any other key or changed bytes; [`Error::NotCanonical`] where the author
    /// sealed something else than a value.
    pub fn open(&self, key: &PersonKey) -> Result<Value, Error> {
        let closed = Error::CannotOpenPersonal { key: self.key };
        if !equal_in_constant_time(&derived(key, "commit"), &self.commitment) {
            return Err(closed);
        }
        let plain = decrypt(&derived(key, "seal"), b"", &self.sealed).ok_or(closed)?;
        Value::decode(&plain).map_err(|error| error.at(Place::Personal))
    }

    /// `[key id, commitment, sealed]`.
    pub(crate) fn to_value(&self) -> Value {
        Value::Array(vec![
            Value::bytes(self.key.0),
            Value::bytes(self.commitment),
            Value::bytes(&self.sealed[..]),
        ])
    }

    pub(crate) fn from_value(value: &Value) -> Result<Personal, Error> {
        let wrong =
            Error::Malformed { place: Place::Personal, why: "[key id, commitment, sealed bytes] is needed" };
        let Some([key, commitment, Value::Bytes(sealed)]) = value.as_array() else {
            return Err(wrong);
        };
        match (key.as_array_of(), commitment.as_array_of()) {
            (Some(key), Some(commitment)) => {
                Ok(Personal { key: KeyId(key), commitment, sealed: sealed.clone() })
            }
            _ => Err(wrong),
        }
    }
}

impl fmt::Debug for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Personal(key {}, {} bytes)", self.key, self.sealed.len())
    }
}

/// `nonce || ciphertext || tag` of `plain`, bound to `associated`.
pub(crate) fn encrypt(key: &[u8; 32], nonce: [u8; NONCE], associated: &[u8], plain: &[u8]) -> Vec<u8> {
    let payload = Payload { msg: plain, aad: associated };
    let sealed = XChaCha20Poly1305::new(key.into()).encrypt(&XNonce::from(nonce), payload);
    let mut out = nonce.to_vec();
    out.extend(sealed.expect("the cipher takes 256 GiB, a value is bounded to kilobytes"));
    out
}

/// The plain bytes, or nothing if key, associated bytes or ciphertext are not those that were sealed.
pub(crate) fn decrypt(key: &[u8; 32], associated: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE>()?;
    let payload = Payload { msg: ciphertext, aad: associated };
    XChaCha20Poly1305::new(key.into()).decrypt(&XNonce::from(*nonce), payload).ok().map(Zeroizing::new)
}

/// HKDF-SHA256 without salt; `label` is the info.
fn derived(key: &PersonKey, label: &str) -> Zeroizing<[u8; 32]> {
    let mut out = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, &key.0)
        .expand(label.as_bytes(), &mut *out)
        .expect("32 bytes are within the reach of HKDF");
    out
}

fn equal_in_constant_time(a: &[u8; 32], b: &[u8; 32]) -> bool {
    let difference = a.iter().zip(b).fold(0, |sum, (x, y)| std::hint::black_box(sum | (x ^ y)));
    std::hint::black_box(difference) == 0
}
