//! Signatures and wraps as symbols, and random numbers by seed.
//!
//! Symbolic here: a signature is a hash of author and message (only the owner of a name calls [`Symbol::sign`]), and a wrap is
//! its content under the public name (only [`ledger::Suite::unwrap`] looks inside). Everything else is the real thing: CBOR,
//! leaves, chains, trees, group keys and persons' keys with XChaCha20-Poly1305.

use ledger::{AuthorId, Signer, Suite, WrapPublic, WrapSecret, leaf_of};

/// The suite of the simulator.
pub struct Symbols;
/// The same as the suite that a replica borrows for ever.
pub static SYMBOLS: Symbols = Symbols;

/// A signer that is a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Symbol(pub AuthorId);

fn tag(author: AuthorId, message: &[u8]) -> [u8; 64] {
    let half = leaf_of(&[&author.0[..], message].concat()).0;
    std::array::from_fn(|i| half[i % 32])
}

impl Signer for Symbol {
    fn id(&self) -> AuthorId {
        self.0
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        tag(self.0, message)
    }
}

impl Suite for Symbols {
    fn verify(&self, author: AuthorId, message: &[u8], sig: &[u8; 64]) -> bool {
        tag(author, message) == *sig
    }

    fn public_of(&self, secret: &WrapSecret) -> WrapPublic {
        WrapPublic(leaf_of(secret.expose()).0)
    }

    fn wrap(&self, to: &WrapPublic, _random: [u8; 32], info: &[u8], plain: &[u8]) -> Vec<u8> {
        [&to.0[..], &leaf_of(info).0, plain].concat()
    }

    fn unwrap(&self, secret: &WrapSecret, info: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (to, rest) = sealed.split_at_checked(32)?;
        let (about, plain) = rest.split_at_checked(32)?;
        (to == self.public_of(secret).0 && about == leaf_of(info).0).then(|| plain.to_vec())
    }
}

/// Random numbers by seed (SplitMix64): the same on every machine and for ever, so a seed tells a story again.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One below `bound`; 0 if that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.draw() % bound.max(1) as u64) as usize
    }

    /// Whether something of this many in a hundred happens.
    pub fn percent(&mut self, chance: u64) -> bool {
        self.draw() % 100 < chance
    }

    /// Random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        for chunk in out.chunks_mut(8) {
            let bytes = self.draw().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
        out
    }
}
