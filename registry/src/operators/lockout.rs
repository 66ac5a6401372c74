//! What becomes of whoever guesses a password: after a few wrong ones nobody signs in under that name for a while, also not
//! with the right one, and each further lock is longer.
//!
//! The tries are kept by the digest of the name, of names that exist and of names that do not: so the answers are the same,
//! and a guesser learns no names. How many names are kept is bounded; when there are too many, the oldest is forgotten, and
//! a name that exists is never among the first to go (see [`super::session`]).

use std::time::Duration;

/// Wrong passwords before a lock.
pub(crate) const TRIES: u32 = 5;
/// The first lock; each further one lasts twice as long. A right password starts over.
const FIRST: Duration = Duration::from_mins(1);
/// No lock is longer: about 50 tries a day, and an operator who is locked out by a stranger waits at most so long.
const LONGEST: Duration = Duration::from_hours(2);
/// After this time without a try everything is forgotten.
pub(crate) const FORGOTTEN_MS: i64 = 24 * 3600 * 1000;

/// What was wrong so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tries {
    /// Wrong ones since the last right one or the last lock.
    pub(crate) wrong: u32,
    /// Locks since the last right one.
    pub(crate) locks: u32,
    /// When the last lock ends, in milliseconds since 1970.
    pub(crate) locked_until_ms: i64,
    /// When the last try was.
    pub(crate) tried_ms: i64,
}

impl Tries {
    /// Whether nobody may try now. A clock that was set back by more than a lock lasts does not lock for years.
    pub(crate) fn locked(&self, now_ms: i64) -> bool {
        let left = self.locked_until_ms.saturating_sub(now_ms);
        left > 0 && left <= length_ms(u32::MAX)
    }

    /// One more was wrong.
    #[must_use]
    pub(crate) fn after_a_wrong_one(self, now_ms: i64) -> Self {
        let fresh = now_ms.saturating_sub(self.tried_ms) > FORGOTTEN_MS;
        let before = if fresh { Self::default() } else { self };
        let wrong = before.wrong + 1;
        if wrong < TRIES {
            return Self { wrong, tried_ms: now_ms, ..before };
        }
        Self {
            wrong: 0,
            locks: before.locks.saturating_add(1),
            locked_until_ms: now_ms.saturating_add(length_ms(before.locks)),
            tried_ms: now_ms,
        }
    }
}

fn length_ms(locks: u32) -> i64 {
    let factor = 1u32.checked_shl(locks).unwrap_or(u32::MAX);
    let length = FIRST.saturating_mul(factor).min(LONGEST);
    i64::try_from(length.as_millis()).expect("two hours are few milliseconds")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn after(wrong: u32, now_ms: i64) -> Tries {
        (0..wrong).fold(Tries::default(), |tries, _| tries.after_a_wrong_one(now_ms))
    }

    #[test]
    fn the_fifth_wrong_one_locks_and_each_further_lock_lasts_twice_as_long() {
        assert!(!after(4, MINUTE).locked(MINUTE));
        for (locks, minutes) in (1..).zip([1, 2, 4, 8, 16, 32, 64, 120, 120]) {
            let tries = after(locks * TRIES, MINUTE);
            assert!(tries.locked(minutes * MINUTE), "{minutes}");
            assert!(!tries.locked((minutes + 1) * MINUTE), "{minutes}");
        }
    }

    #[test]
    fn a_clock_that_was_set_back_by_years_locks_nobody_out_for_years() {
        let tries = after(5, 40 * 365 * 24 * 60 * MINUTE);
        assert!(!tries.locked(MINUTE));
    }

    #[test]
    fn a_day_without_a_try_is_forgotten() {
        let tries = after(9, MINUTE);
        assert_eq!(tries.after_a_wrong_one(MINUTE + FORGOTTEN_MS + 1).wrong, 1);
        assert_eq!(tries.after_a_wrong_one(2 * MINUTE).locks, 2);
    }
}
