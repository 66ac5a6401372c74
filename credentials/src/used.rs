//! Codes that were used: asked before one is accepted, kept until it would be refused as expired anyway.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::{Cti, Kid, Refusal, Time};

/// How many used codes are remembered; one more is refused. 100,000 of them are 1.6 MB.
pub const MAX_USED: usize = 100_000;

/// What is remembered of a used code: nothing that says whose it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeUse {
    /// The first 16 bytes of SHA-256 over `"genkan code 1\0"`, the key's name and the code's.
    pub digest: [u8; 16],
    /// Seconds since 1970 until which it has to be remembered.
    pub until_s: i64,
}

impl CodeUse {
    pub(crate) fn of(kid: Kid, cti: &Cti, until_s: i64) -> Self {
        let digest = Sha256::new()
            .chain_update(b"genkan code 1\0")
            .chain_update(kid.0)
            .chain_update(cti.expose())
            .finalize();
        Self { digest: std::array::from_fn(|i| digest[i]), until_s }
    }
}

/// Who knows which codes were used. The caller keeps that with its records, so that it survives a restart.
pub trait Uses {
    /// Whether a code may be used now: [`Refusal::Replayed`], or [`Refusal::MemoryFull`].
    ///
    /// # Errors
    /// Those two.
    fn ask(&self, code: &CodeUse) -> Result<(), Refusal>;
}

/// Used codes in memory, as read from the records.
#[derive(Debug, Clone, Default)]
pub struct UsedCodes(BTreeMap<[u8; 16], i64>);

impl UsedCodes {
    /// Remembers a use.
    pub fn insert(&mut self, code: CodeUse) {
        let until = self.0.entry(code.digest).or_insert(code.until_s);
        *until = code.until_s.max(*until);
    }

    /// Forgets what is over for certain.
    pub fn forget(&mut self, time: Time) {
        self.0.retain(|_, until_s| *until_s >= time.earliest_s());
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Uses for UsedCodes {
    fn ask(&self, code: &CodeUse) -> Result<(), Refusal> {
        match self.0.contains_key(&code.digest) {
            true => Err(Refusal::Replayed),
            false if self.0.len() >= MAX_USED => Err(Refusal::MemoryFull),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_used_code_is_known_until_it_is_over_for_certain_and_no_longer() {
        let mut used = UsedCodes::default();
        let code = CodeUse { digest: [1; 16], until_s: 100 };
        used.insert(code);
        used.insert(CodeUse { until_s: 50, ..code });
        used.forget(Time::Known { earliest_s: 100, latest_s: 130 });
        assert_eq!(used.ask(&code), Err(Refusal::Replayed));
        used.forget(Time::Doubt { earliest_s: 101 });
        assert_eq!(used.ask(&code), Ok(()));
    }

    #[test]
    fn a_full_memory_refuses_rather_than_forgets() {
        let mut used = UsedCodes::default();
        for number in 0..MAX_USED as u128 {
            used.insert(CodeUse { digest: number.to_be_bytes(), until_s: 100 });
        }
        let code = CodeUse { digest: [9; 16], until_s: 100 };
        assert_eq!(used.ask(&code), Err(Refusal::MemoryFull));
        used.forget(Time::Known { earliest_s: 101, latest_s: 102 });
        assert_eq!(used.ask(&code), Ok(()));
    }
}
