//! RSA keys that follow from a seed, so that a card that is started again is the same card.
//!
//! Test keys: whoever knows the seed has them. Numbers are drawn from SHA-256 over seed, name and a counter.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use openssl::{
    bn::{BigNum, BigNumContext},
    error::ErrorStack,
    hash::{MessageDigest, hash},
    pkey::Private,
    rsa::{Padding, Rsa},
};

/// The bytes of a signature and of a modulus.
pub const MODULUS_BYTES: usize = 256;

/// Candidates for one prime of 1024 bits. One in 355 odd numbers is prime: more than this is a broken generator.
const MOST_CANDIDATES: u32 = 50_000;

/// Bytes that follow from a seed and a name, `counter` apart from all others of that name.
#[must_use]
pub fn drawn<const N: usize>(seed: u64, name: &str, counter: u32) -> [u8; N] {
    let mut bytes = [0; N];
    for (block, part) in bytes.chunks_mut(32).enumerate() {
        let input = format!("genkan emulator {seed} {name} {counter} {block}");
        let digest = hash(MessageDigest::sha256(), input.as_bytes()).expect("SHA-256 is always there");
        part.copy_from_slice(&digest[..part.len()]);
    }
    bytes
}

/// Keys that this program has made already: a key takes some tenths of a second, a card has nine.
static MADE: Mutex<BTreeMap<(u64, String), Rsa<Private>>> = Mutex::new(BTreeMap::new());

/// An RSA-2048 key that follows from `seed` and `name`.
///
/// # Panics
/// If the system's libcrypto cannot compute with numbers.
#[must_use]
pub fn key(seed: u64, name: &str) -> Rsa<Private> {
    let make = || assemble(seed, name).expect("libcrypto computes with numbers of 2048 bits");
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    made.entry((seed, name.to_owned())).or_insert_with(make).clone()
}

fn assemble(seed: u64, name: &str) -> Result<Rsa<Private>, ErrorStack> {
    let exponent = BigNum::from_u32(65_537)?;
    let mut context = BigNumContext::new()?;
    let (p, q) = (
        prime(seed, &format!("{name} p"), &exponent, &mut context)?,
        prime(seed, &format!("{name} q"), &exponent, &mut context)?,
    );
    let (mut p1, mut q1) = (p.to_owned()?, q.to_owned()?);
    p1.sub_word(1)?;
    q1.sub_word(1)?;
    let product = |a: &BigNum, b: &BigNum, context: &mut BigNumContext| {
        let mut out = BigNum::new()?;
        out.checked_mul(a, b, context)?;
        Ok::<_, ErrorStack>(out)
    };
    let (n, phi) = (product(&p, &q, &mut context)?, product(&p1, &q1, &mut context)?);
    let inverse = |of: &BigNum, modulo: &BigNum, context: &mut BigNumContext| {
        let mut out = BigNum::new()?;
        out.mod_inverse(of, modulo, context)?;
        Ok::<_, ErrorStack>(out)
    };
    let d = inverse(&exponent, &phi, &mut context)?;
    let remainder = |modulo: &BigNum, context: &mut BigNumContext| {
        let mut out = BigNum::new()?;
        out.checked_rem(&d, modulo, context)?;
        Ok::<_, ErrorStack>(out)
    };
    let (dp, dq) = (remainder(&p1, &mut context)?, remainder(&q1, &mut context)?);
    let qi = inverse(&q, &p, &mut context)?;
    Rsa::from_private_components(n, exponent, d, p, q, dp, dq, qi)
}

/// A prime of 1024 bits whose two highest bits are set, and that fits the exponent.
fn prime(
    seed: u64,
    name: &str,
    exponent: &BigNum,
    context: &mut BigNumContext,
) -> Result<BigNum, ErrorStack> {
    for counter in 0..MOST_CANDIDATES {
        let mut bytes: [u8; MODULUS_BYTES / 2] = drawn(seed, name, counter);
        bytes[0] |= 0xC0;
        bytes[MODULUS_BYTES / 2 - 1] |= 1;
        let candidate = BigNum::from_slice(&bytes)?;
        if !candidate.is_prime_fasttest(0, context, true)? {
            continue;
        }
        let (mut less, mut rest) = (candidate.to_owned()?, BigNum::new()?);
        less.sub_word(1)?;
        rest.checked_rem(&less, exponent, context)?;
        if rest.num_bits() > 0 {
            return Ok(candidate);
        }
    }
    panic!("no prime among {MOST_CANDIDATES} numbers: the generator is broken")
}

/// What the card does: pads 1 to 245 bytes by PKCS #1 v1.5, type 1, and raises them to the private exponent.
#[must_use]
pub fn sign(key: &Rsa<Private>, what: &[u8]) -> Option<Vec<u8>> {
    let mut out = vec![0; MODULUS_BYTES];
    let length = key.private_encrypt(what, &mut out, Padding::PKCS1).ok()?;
    out.truncate(length);
    Some(out)
}

/// SHA-256.
#[must_use]
pub fn sha256(what: &[u8]) -> Vec<u8> {
    hash(MessageDigest::sha256(), what).expect("SHA-256 is always there").to_vec()
}

/// The modulus, 256 bytes.
#[must_use]
pub fn modulus(key: &Rsa<Private>) -> Vec<u8> {
    key.n().to_vec()
}
