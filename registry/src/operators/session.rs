//! A token instead of the password: 32 random bytes, of which the registry keeps only the digest, with the operator's name,
//! when the session began and when it was last used. A session ends when it was not used for a while, at the latest after a
//! working day, and when the operator's password is set anew or the operator is removed.

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::bytes::{NoRandom, hex, random, unhex};

/// Ends a session that is not used: a desk that was left.
pub(crate) const IDLE_MS: i64 = 15 * 60 * 1000;
/// Ends every session: a working day.
pub(crate) const LONGEST_MS: i64 = 10 * 3600 * 1000;
/// Before the digits of a token, so that one that leaked into a log or a commit is found.
const PREFIX: &str = "genkan_session_";

/// A session, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    /// Whose it is.
    pub(crate) operator: String,
    /// Digest of what was kept of the password when it began.
    pub(crate) password: [u8; 32],
    /// When it began, in milliseconds since 1970.
    pub(crate) began_ms: i64,
    /// When it was last used.
    pub(crate) used_ms: i64,
}

impl Session {
    /// Whether the session still counts. A clock that stands before its beginning ends it: nobody knows how old it is.
    pub(crate) fn counts(&self, now_ms: i64, password: &[u8; 32]) -> bool {
        let age = now_ms.saturating_sub(self.began_ms);
        let idle = now_ms.saturating_sub(self.used_ms);
        (0..=LONGEST_MS).contains(&age) && (0..=IDLE_MS).contains(&idle) && self.password == *password
    }
}

/// A new token.
pub(crate) fn draw() -> Result<Zeroizing<String>, NoRandom> {
    let bytes = Zeroizing::new(random::<32>()?);
    Ok(Zeroizing::new(format!("{PREFIX}{}", hex(&*bytes))))
}

/// What is kept of a token; none if the text is none.
pub(crate) fn digest(token: &str) -> Option<[u8; 32]> {
    let digits = token.strip_prefix(PREFIX)?;

    let bytes: [u8; 32] = unhex(digits)?.try_into().ok()?;
    let bytes = Zeroizing::new(bytes);
    Some(Sha256::new().chain_update(b"genkan session 1\0").chain_update(*bytes).finalize().into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_session_ends_idle_or_old_or_with_the_password() {
        let session =
            Session { operator: "mihon".into(), password: [1; 32], began_ms: 1_000, used_ms: 5_000 };
        assert!(session.counts(5_000 + IDLE_MS, &[1; 32]));
        assert!(!session.counts(5_001 + IDLE_MS, &[1; 32]), "left alone");
        assert!(!session.counts(5_000, &[2; 32]), "another password");
        assert!(!session.counts(4_999, &[1; 32]), "the clock went back");
        let busy = Session { used_ms: 1_000 + LONGEST_MS, ..session };
        assert!(busy.counts(1_000 + LONGEST_MS, &[1; 32]));
        assert!(!busy.counts(1_001 + LONGEST_MS, &[1; 32]), "a working day is over");
    }

    #[test]
    fn any_flipped_bit_makes_it_another_token_or_none() {
        let token = draw().unwrap();
        let right = digest(&token).unwrap();
        for at in 0..token.len() {
            for bit in 0..7 {
                let mut bytes = token.as_bytes().to_vec();
                bytes[at] ^= 1 << bit;
                let flipped = String::from_utf8(bytes).unwrap();
                assert_ne!(digest(&flipped), Some(right), "byte {at}, bit {bit}");
            }
        }
        assert_ne!(*draw().unwrap(), *token);
    }
}
