//! Keys that are sent to one device: HPKE (RFC 9180) in base mode with X25519, HKDF-SHA256 and ChaCha20-Poly1305, written as
//! `encapsulated key (32) || ciphertext || tag (16)`. Randomness is an argument, as everywhere in this crate.

use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use std::{convert::Infallible, fmt};
use zeroize::{ZeroizeOnDrop, Zeroizing};

type Aead = hpke::aead::ChaCha20Poly1305;
type Kdf = hpke::kdf::HkdfSha256;
type X25519 = hpke::kem::X25519HkdfSha256;

const ENCAPSULATED: usize = 32;

/// The secret half of a key to wrap to (D_wrap of a kiosk, R_open of a registry): 32 random bytes. Wiped when dropped.
#[derive(Clone, ZeroizeOnDrop)]
pub struct WrapSecret(pub(crate) [u8; 32]);

/// The public half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WrapPublic(pub [u8; 32]);

impl WrapSecret {
    /// Takes 32 secret bytes that the caller drew at random or read from its vault.
    pub fn from_bytes(bytes: [u8; 32]) -> WrapSecret {
        WrapSecret(bytes)
    }

    /// The secret itself, for the vault that keeps it.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for WrapSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WrapSecret(secret)")
    }
}

pub(crate) fn public_of(secret: &WrapSecret) -> WrapPublic {
    let secret = private(secret);
    let mut out = [0; 32];
    out.copy_from_slice(&X25519::sk_to_pk(&secret).to_bytes());
    WrapPublic(out)
}

pub(crate) fn wrap(to: &WrapPublic, random: [u8; 32], info: &[u8], plain: &[u8]) -> Vec<u8> {
    let Ok(to) = <X25519 as Kem>::PublicKey::from_bytes(&to.0) else { return Vec::new() };
    let sealed = hpke::single_shot_seal_with_rng::<Aead, Kdf, X25519>(
        &OpModeS::Base,
        &to,
        info,
        plain,
        b"",
        &mut Drawn(Zeroizing::new(random)),
    );
    // A public key of small order has no shared secret: nobody can open what is sealed to it, so nothing is.
    sealed.map_or_else(|_| Vec::new(), |(key, sealed)| [&key.to_bytes()[..], &sealed].concat())
}

pub(crate) fn unwrap(secret: &WrapSecret, info: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (key, ciphertext) = sealed.split_at_checked(ENCAPSULATED)?;
    let key = <X25519 as Kem>::EncappedKey::from_bytes(key).ok()?;
    hpke::single_shot_open::<Aead, Kdf, X25519>(&OpModeR::Base, &private(secret), &key, info, ciphertext, b"")
        .ok()
}

fn private(secret: &WrapSecret) -> <X25519 as Kem>::PrivateKey {
    <X25519 as Kem>::PrivateKey::from_bytes(&secret.0).expect("any 32 bytes are a secret of X25519")
}

/// The bytes that were drawn for one wrap, as the generator that `hpke` asks for. They are used once; more are never asked.
struct Drawn(Zeroizing<[u8; 32]>);

impl TryRng for Drawn {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("a key of X25519 is drawn as bytes")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("a key of X25519 is drawn as bytes")
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        assert!(out.len() <= self.0.len(), "a key of X25519 has 32 bytes");
        let length = out.len();
        out.copy_from_slice(&self.0[..length]);
        *self.0 = [0; 32];
        Ok(())
    }
}

impl TryCryptoRng for Drawn {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_secret_half_opens_and_only_what_was_said_under_that_info() {
        let (secret, other) = (WrapSecret([7; 32]), WrapSecret([8; 32]));
        let sealed = wrap(&public_of(&secret), [9; 32], b"epoch 3", b"keys");
        assert_eq!(unwrap(&secret, b"epoch 3", &sealed).as_deref(), Some(&b"keys"[..]));
        assert_eq!(unwrap(&other, b"epoch 3", &sealed), None);
        assert_eq!(unwrap(&secret, b"epoch 4", &sealed), None);
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert_eq!(unwrap(&secret, b"epoch 3", &changed), None, "byte {place}");
        }
        assert_eq!(unwrap(&secret, b"epoch 3", &sealed[..10]), None);
    }
}
