//! When a member of the staff who mistyped too often may try again.
//!
//! The wall clock may be absent, wrong or set by whoever stands there, so it decides nothing. A lock is written down as the
//! uptime of this boot at which it ends, and as its length. In the boot that wrote it, it ends at that uptime. In any other
//! boot nobody knows how long the machine was off, so it lasts until the machine has been up for the whole length: pulling
//! the plug never shortens a lock. Uptime counts from the boot, time asleep included.
//!
//! An uptime that lies further before the end than the lock is long cannot belong to the boot that wrote it, whatever that
//! boot's name says; it is treated as another one.

use std::time::Duration;

/// Wrong tries before a lock.
pub(crate) const TRIES: u32 = 5;
/// The first lock; each further one lasts twice as long. A right PIN starts over.
const FIRST: Duration = Duration::from_mins(5);
/// No lock is longer: 15 tries a day of at least 10,000 PINs. A supervisor can set a new PIN meanwhile.
const LONGEST: Duration = Duration::from_hours(8);

/// What was typed wrong so far, and the lock that came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tries {
    /// Wrong ones since the last right one or the last lock.
    pub(crate) wrong: u32,
    /// Locks since the last right one.
    pub(crate) locks: u32,
    /// The last lock.
    pub(crate) lock: Option<Lock>,
}

/// A lock as it is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lock {
    /// The boot that wrote it.
    pub(crate) boot: [u8; 16],
    /// Its end, in milliseconds of that boot's uptime.
    pub(crate) until_ms: u64,
    /// Its length in milliseconds.
    pub(crate) length_ms: u64,
}

impl Tries {
    /// How long nobody may try yet.
    pub(crate) fn wait(&self, boot: [u8; 16], uptime_ms: u64) -> Option<Duration> {
        let Lock { boot: of, until_ms, length_ms } = self.lock?;
        let left = until_ms.saturating_sub(uptime_ms);
        let left = if of == boot && left <= length_ms { left } else { length_ms.saturating_sub(uptime_ms) };
        (left > 0).then(|| Duration::from_millis(left))
    }

    /// How many tries are left before the next lock.
    pub(crate) fn left(&self) -> u32 {
        TRIES.saturating_sub(self.wrong)
    }

    /// One more was wrong.
    #[must_use]
    pub(crate) fn after_a_wrong_one(self, boot: [u8; 16], uptime_ms: u64) -> Self {
        let wrong = self.wrong + 1;
        if wrong < TRIES {
            return Self { wrong, lock: None, ..self };
        }
        let factor = 1u32.checked_shl(self.locks).unwrap_or(u32::MAX);
        let length = FIRST.saturating_mul(factor).min(LONGEST);
        let length_ms = u64::try_from(length.as_millis()).expect("eight hours are few milliseconds");
        let lock = Lock { boot, until_ms: uptime_ms.saturating_add(length_ms), length_ms };
        Self { wrong: 0, locks: self.locks.saturating_add(1), lock: Some(lock) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: [u8; 16] = [1; 16];
    const LATER: [u8; 16] = [2; 16];
    const MINUTE: u64 = 60_000;

    fn after(wrong: u32, uptime_ms: u64) -> Tries {
        (0..wrong).fold(Tries::default(), |tries, _| tries.after_a_wrong_one(HERE, uptime_ms))
    }

    #[test]
    fn the_fifth_wrong_one_locks_and_each_further_lock_lasts_twice_as_long() {
        assert_eq!((after(4, 0).wait(HERE, 0), after(4, 0).left()), (None, 1));
        let minutes = [5, 10, 20, 40, 80, 160, 320, 480, 480];
        for (locks, minutes) in (1..).zip(minutes) {
            assert_eq!(after(locks * TRIES, 0).wait(HERE, 0), Some(Duration::from_mins(minutes)));
        }
        assert!(after(200 * TRIES, 0).wait(HERE, 0) == Some(LONGEST), "no shift overflows");
    }

    #[test]
    fn a_lock_ends_at_its_time_in_the_boot_that_wrote_it() {
        let tries = after(5, 90 * MINUTE);
        assert_eq!(tries.wait(HERE, 94 * MINUTE), Some(Duration::from_mins(1)));
        assert_eq!(tries.wait(HERE, 95 * MINUTE), None);
    }

    #[test]
    fn pulling_the_plug_never_shortens_a_lock() {
        let tries = after(5, 90 * MINUTE);
        assert_eq!(tries.wait(LATER, 0), Some(Duration::from_mins(5)));
        assert_eq!(tries.wait(LATER, 4 * MINUTE), Some(Duration::from_mins(1)));
        assert_eq!(tries.wait(LATER, 5 * MINUTE), None);
    }

    #[test]
    fn a_boot_without_a_name_of_its_own_does_not_lock_for_weeks() {
        let weeks = 60 * 24 * 40 * MINUTE;
        let tries = after(5, weeks);
        assert_eq!(tries.wait(HERE, MINUTE), Some(Duration::from_mins(4)), "the uptime began again");
        assert_eq!(tries.wait(HERE, 6 * MINUTE), None);
    }
}
