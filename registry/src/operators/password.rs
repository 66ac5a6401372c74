//! What is kept of a password: a memory-hard hash (Argon2id) beside what it cost, so that the cost can be raised later.
//!
//! ```text
//! argon2id$65536$2$1$SALT$HASH        memory in KiB, passes, lanes, 16 bytes, 32 bytes
//! ```

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use crate::bytes::{hex, unhex};

/// Characters of a password. The least is what NIST SP 800-63B-4 asks where no second factor stands beside it.
const LENGTH: std::ops::RangeInclusive<usize> = 15..=256;

/// What a hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// 64 MiB, twice: as for the PINs of a kiosk, and more than OWASP's password storage cheat sheet asks (19 MiB, twice).
    pub(crate) const NEW: Self = Self { memory_kib: 64 * 1024, passes: 2, lanes: 1 };
    /// No file may ask for more: it bounds what one sign-in takes.
    const MOST: Self = Self { memory_kib: 256 * 1024, passes: 8, lanes: 4 };
}

/// What is kept of a password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    cost: Cost,
    salt: [u8; 16],
    hash: [u8; 32],
}

/// Why a text is no password, in words for whoever chose it.
pub(crate) fn unusable(password: &str) -> Option<&'static str> {
    if !LENGTH.contains(&password.chars().count()) {
        return Some("a password has 15 to 256 characters; a sentence is easy to remember");
    }
    let mut different: Vec<char> = password.chars().collect();
    different.sort_unstable();
    different.dedup();
    (different.len() < 6).then_some("a password has at least 6 different characters")
}

impl Kept {
    /// What to keep of a password. None only if the cost is none that Argon2 knows.
    pub(crate) fn of(password: &str, salt: [u8; 16], cost: Cost) -> Option<Self> {
        Some(Self { cost, salt, hash: *hash(password, &salt, cost)? })
    }

    /// Something that no password fits, which takes as long as any to find out: for a name that nobody has.
    pub(crate) fn nobody() -> Self {
        Self { cost: Cost::NEW, salt: [0; 16], hash: [0; 32] }
    }

    /// Whether this is the password.
    pub(crate) fn fits(&self, password: &str) -> bool {
        hash(password, &self.salt, self.cost).is_some_and(|hash| equal(&hash, &self.hash))
    }

    pub(crate) fn to_text(&self) -> String {
        let Cost { memory_kib, passes, lanes } = self.cost;
        format!("argon2id${memory_kib}${passes}${lanes}${}${}", hex(&self.salt), hex(&self.hash))
    }

    /// Reads what [`Self::to_text`] wrote; nothing else.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('$').collect();
        let ["argon2id", memory_kib, passes, lanes, salt, hash] = parts.as_slice() else { return None };
        let cost = Cost {
            memory_kib: memory_kib.parse().ok()?,
            passes: passes.parse().ok()?,
            lanes: lanes.parse().ok()?,
        };
        let most = Cost::MOST;
        let bounded =
            cost.memory_kib <= most.memory_kib && cost.passes <= most.passes && cost.lanes <= most.lanes;
        let kept = Self { cost, salt: unhex(salt)?.try_into().ok()?, hash: unhex(hash)?.try_into().ok()? };
        bounded.then_some(kept)
    }
}

fn hash(password: &str, salt: &[u8; 16], cost: Cost) -> Option<Zeroizing<[u8; 32]>> {
    let mut out = Zeroizing::new([0; 32]);
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(out.len())).ok()?;
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon.hash_password_into(password.as_bytes(), salt, &mut *out).ok()?;
    Some(out)
}

/// Compares in constant time.
fn equal(a: &[u8; 32], b: &[u8; 32]) -> bool {
    let difference = a.iter().zip(b).fold(0, |sum, (x, y)| std::hint::black_box(sum | (x ^ y)));
    std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const CHEAP: Cost = Cost { memory_kib: 64, passes: 1, lanes: 1 };

    #[test]
    fn a_password_fits_what_was_kept_of_it_and_no_other_does() {
        let kept = Kept::of("見本のながいことば、十五文字以上", [7; 16], CHEAP).unwrap();
        let read = Kept::from_text(&kept.to_text()).unwrap();
        assert!(read.fits("見本のながいことば、十五文字以上"));
        assert!(!read.fits("見本のながいことば、十五文字以下") && !read.fits(""));
        assert!(!Kept { salt: [8; 16], ..read }.fits("見本のながいことば、十五文字以上"));
    }

    #[test]
    fn what_asks_for_more_than_a_sign_in_may_take_is_no_password() {
        let kept = Kept::of("a", [7; 16], CHEAP).unwrap();
        let text = kept.to_text();
        assert!(Kept::from_text(&text.replacen("$64$", "$262145$", 1)).is_none());
        for bad in ["", "argon2id", &text[1..], &text[..text.len() - 2], &text.replace("argon2id", "argon2d")]
        {
            assert!(Kept::from_text(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn short_passwords_and_those_of_few_characters_are_refused() {
        assert!(unusable("correct horse battery").is_none());
        assert!(unusable("14 characters.").is_some());
        assert!(unusable(&"abcde".repeat(4)).is_some());
        assert!(unusable(&"abcdefg".repeat(40)).is_some());
    }
}
