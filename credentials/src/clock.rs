//! What is known of the time. The wall clock counts if it says so itself and nothing that the registry signed contradicts
//! it; where it does not count, an answer to our own nonce may; else the clock is in doubt. What a kiosk saw last is never
//! asked: a clock that once ran ahead would keep everybody out.

use gate::{Monotonic, Now};

/// Half width of an interval of time that still counts, in seconds. A fresh code with 60 seconds of life then has half of
/// them left in the worst case.
pub const MAX_UNCERTAINTY_S: i64 = 15;

/// A time that the registry signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedTime {
    /// Seconds since 1970.
    pub unix_s: i64,
    /// How far that may be off, in seconds.
    pub uncertainty_s: u32,
    /// A moment of this boot at which it was here for certain; zero only if it was here before this boot.
    pub heard: Monotonic,
    /// When the nonce was drawn that it answers. Without one it may be old, and is a lower bound only.
    pub asked: Option<Monotonic>,
}

/// What is known of the present, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// It lies in here.
    Known {
        /// Not before.
        earliest_s: i64,
        /// Not after.
        latest_s: i64,
    },
    /// Only that it is not before this.
    Doubt {
        /// Not before; 0 if nothing is known.
        earliest_s: i64,
    },
}

impl Time {
    /// Not before this, in seconds since 1970.
    #[must_use]
    pub fn earliest_s(self) -> i64 {
        match self {
            Self::Known { earliest_s, .. } | Self::Doubt { earliest_s } => earliest_s,
        }
    }
}

/// Judges the clock. `signed` is the newest time that the registry signed, if it was ever heard.
#[must_use]
pub fn judge(now: Now, signed: Option<SignedTime>) -> Time {
    let floor = signed.map_or(0, |signed| floor(now, signed));
    let answered = signed.and_then(|signed| ceiling(now, signed)).map(|ceiling| (floor, ceiling));
    let wall = now.wall.map(|wall| {
        let (seconds, off) = (wall.unix_ms.div_euclid(1000), i64::from(wall.uncertainty_s));
        (seconds.saturating_sub(off), seconds.saturating_add(off + 1))
    });
    let sound = wall.filter(|(earliest, latest)| {
        *latest >= floor
            && answered.is_none_or(|(_, ceiling)| *earliest <= ceiling)
            && narrow(*earliest, *latest)
    });
    match sound.or(answered.filter(|(earliest, latest)| narrow(*earliest, *latest))) {
        Some((earliest_s, latest_s)) => Time::Known { earliest_s, latest_s },
        None => Time::Doubt { earliest_s: floor },
    }
}

fn narrow(earliest: i64, latest: i64) -> bool {
    latest.saturating_sub(earliest) <= 2 * MAX_UNCERTAINTY_S + 1
}

/// Signed before it was heard: at least so late is it now.
fn floor(now: Now, signed: SignedTime) -> i64 {
    let since = i64::try_from(now.mono.since(signed.heard).as_secs()).unwrap_or(0);
    signed.unix_s.saturating_sub(signed.uncertainty_s.into()).saturating_add(since)
}

/// Signed after the nonce was drawn: at most so late is it now.
fn ceiling(now: Now, signed: SignedTime) -> Option<i64> {
    let since = i64::try_from(now.mono.since(signed.asked?).as_secs()).unwrap_or(i64::MAX);
    Some(signed.unix_s.saturating_add(signed.uncertainty_s.into()).saturating_add(since).saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gate::Wall;

    fn at(mono_s: u64, wall: Option<(i64, u32)>) -> Now {
        let wall = wall.map(|(unix_s, uncertainty_s)| Wall { unix_ms: unix_s * 1000, uncertainty_s });
        Now { mono: Monotonic::from_micros(mono_s * 1_000_000), wall }
    }

    fn signed(unix_s: i64, heard_s: u64, asked_s: Option<u64>) -> Option<SignedTime> {
        let mono = |seconds: u64| Monotonic::from_micros(seconds * 1_000_000);
        Some(SignedTime { unix_s, uncertainty_s: 1, heard: mono(heard_s), asked: asked_s.map(mono) })
    }

    #[test]
    fn a_clock_that_says_it_is_good_counts() {
        assert_eq!(judge(at(5, Some((1000, 1))), None), Time::Known { earliest_s: 999, latest_s: 1002 });
    }

    #[test]
    fn no_clock_or_one_that_nobody_set_is_in_doubt() {
        assert_eq!(judge(at(5, None), None), Time::Doubt { earliest_s: 0 });
        assert_eq!(judge(at(5, Some((1000, 300))), None), Time::Doubt { earliest_s: 0 });
    }

    #[test]
    fn a_clock_behind_what_the_registry_signed_is_in_doubt() {
        assert_eq!(judge(at(25, Some((1000, 1))), signed(2000, 5, None)), Time::Doubt { earliest_s: 2019 });
    }

    #[test]
    fn an_answer_to_our_nonce_takes_the_place_of_a_clock_that_is_wrong_either_way() {
        let known = Time::Known { earliest_s: 2019, latest_s: 2023 };
        for wall in [None, Some((1000, 1)), Some((9000, 1)), Some((2020, 300))] {
            assert_eq!(judge(at(25, wall), signed(2000, 5, Some(4))), known, "{wall:?}");
        }
    }

    #[test]
    fn an_answer_that_took_long_bounds_from_below_only() {
        assert_eq!(judge(at(100, None), signed(2000, 90, Some(4))), Time::Doubt { earliest_s: 2009 });
    }
}
