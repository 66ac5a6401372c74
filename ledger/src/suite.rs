//! The primitives with public keys, behind one port, so that the code which runs in devices is the code that the simulator
//! runs: there signatures and wraps are symbols, everywhere else they are Ed25519 and HPKE.

use crate::wrap::{self, WrapPublic, WrapSecret};
use crate::{AuthorId, AuthorKey, sign};

/// Who can sign. Callers begin every message with words of their own, so that no signature can stand for two things.
pub trait Signer {
    /// The author that others see.
    fn id(&self) -> AuthorId;
    /// The signature.
    fn sign(&self, message: &[u8]) -> [u8; 64];
}

impl Signer for AuthorKey {
    fn id(&self) -> AuthorId {
        AuthorKey::id(self)
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        AuthorKey::sign(self, message)
    }
}

/// What everybody can do with public keys.
pub trait Suite: Send + Sync {
    /// Whether this author signed this message.
    fn verify(&self, author: AuthorId, message: &[u8], sig: &[u8; 64]) -> bool;
    /// The public half.
    fn public_of(&self, secret: &WrapSecret) -> WrapPublic;
    /// Closes `plain` to whoever holds the secret half. `random`: 32 bytes for this call alone.
    fn wrap(&self, to: &WrapPublic, random: [u8; 32], info: &[u8], plain: &[u8]) -> Vec<u8>;
    /// Opens it; nothing for another key, other `info` or changed bytes.
    fn unwrap(&self, secret: &WrapSecret, info: &[u8], sealed: &[u8]) -> Option<Vec<u8>>;
}

/// Ed25519 (`verify_strict`) and HPKE in base mode: X25519, HKDF-SHA256, ChaCha20-Poly1305.
#[derive(Clone, Copy, Debug)]
pub struct Real;

impl Suite for Real {
    fn verify(&self, author: AuthorId, message: &[u8], sig: &[u8; 64]) -> bool {
        sign::verify(author, message, sig)
    }

    fn public_of(&self, secret: &WrapSecret) -> WrapPublic {
        wrap::public_of(secret)
    }

    fn wrap(&self, to: &WrapPublic, random: [u8; 32], info: &[u8], plain: &[u8]) -> Vec<u8> {
        wrap::wrap(to, random, info, plain)
    }

    fn unwrap(&self, secret: &WrapSecret, info: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        wrap::unwrap(secret, info, sealed)
    }
}
