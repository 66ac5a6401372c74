//! PINs of the staff: which ones are taken, and the memory-hard hash that is kept of them.
//!
//! A PIN has 4 to 12 digits, so there are few enough of them that whoever had the hashes could try all. The hash (Argon2id)
//! makes each try cost memory and time; the lock-out (`lockout`) is what stops somebody who stands at the kiosk.

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

/// Digits of a PIN.
const DIGITS: std::ops::RangeInclusive<usize> = 4..=12;

/// What a hash costs. Kept beside each hash, so that it can be raised later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Memory in KiB.
    pub(crate) memory_kib: u32,
    /// How often the memory is gone through.
    pub(crate) passes: u32,
    /// Lanes; one, because a gate has no idle cores to promise.
    pub(crate) lanes: u32,
}

impl Cost {
    /// 64 MiB, twice: 0.09 s of processor time on the machine that we develop on. More than OWASP's password storage
    /// cheat sheet asks for Argon2id (19 MiB, twice), because a PIN is shorter than a password.
    pub(crate) const NEW: Self = Self { memory_kib: 64 * 1024, passes: 2, lanes: 1 };
}

/// Why digits are no PIN, in words for staff; nothing if they are.
pub(crate) fn unusable(pin: &str) -> Option<&'static str> {
    let digits: Zeroizing<Vec<u8>> = Zeroizing::new(pin.bytes().collect());
    if !DIGITS.contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return Some("a PIN has 4 to 12 digits");
    }
    // From each digit to the next, so that 7890 is ascending and 2109 descending.
    let step = |by: u8| digits.windows(2).all(|pair| (pair[1] + 10 - pair[0]) % 10 == by);
    let trivial = step(0) || step(1) || step(9);
    trivial.then_some("a PIN of equal, ascending or descending digits is tried first; choose another")
}

/// The hash of a PIN.
///
/// Parameters come from [`Cost::NEW`] or from a row that was written with them; others would be damage, and give nothing.
pub(crate) fn hash(pin: &str, salt: &[u8; 16], cost: Cost) -> Option<Zeroizing<[u8; 32]>> {
    let mut out = Zeroizing::new([0; 32]);
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(out.len())).ok()?;
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon.hash_password_into(pin.as_bytes(), salt, &mut *out).ok()?;
    Some(out)
}

/// Compares in constant time.
pub(crate) fn equal(a: &[u8; 32], b: &[u8; 32]) -> bool {
    let difference = a.iter().zip(b).fold(0, |sum, (x, y)| std::hint::black_box(sum | (x ^ y)));
    std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn four_to_twelve_digits_that_nobody_tries_first_are_a_pin() {
        for good in ["1357", "2580", "1123", "908172635491", "1235", "0912"] {
            assert_eq!(unusable(good), None, "{good}");
        }
        let bad = [
            "",
            "123",
            "1357908642135",
            "12a4",
            "１３５７",
            "13 7",
            "0000",
            "999999",
            "1234",
            "4567",
            "7890",
            "9012",
            "4321",
            "2109",
            "0987",
            "98765432",
        ];
        for bad in bad {
            assert!(unusable(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn a_hash_depends_on_pin_salt_and_cost() {
        let cheap = Cost { memory_kib: 64, passes: 1, lanes: 1 };
        let one = hash("1357", &[1; 16], cheap).unwrap();
        assert!(equal(&one, &hash("1357", &[1; 16], cheap).unwrap()));
        for other in [
            hash("1358", &[1; 16], cheap),
            hash("1357", &[2; 16], cheap),
            hash("1357", &[1; 16], Cost { passes: 2, ..cheap }),
            hash("1357", &[1; 16], Cost { memory_kib: 72, ..cheap }),
        ] {
            assert!(!equal(&one, &other.unwrap()));
        }
        assert!(hash("1357", &[1; 16], Cost { memory_kib: 0, ..cheap }).is_none());
    }

    /// A vector of the reference implementation: version 0x13, 64 MiB, 2 passes, 1 lane, "password", "somesalt".
    #[test]
    fn the_hash_is_argon2id() {
        let params = Params::new(64 * 1024, 2, 1, Some(32)).unwrap();
        let mut out = [0; 32];
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon.hash_password_into(b"password", b"somesalt", &mut out).unwrap();
        let hex: String = out.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7");
    }
}
