//! What time it is for a certificate. A device's clock may have lost its battery, so the time is the latest of what cannot be
//! later than now: when this program was made, the newest time that the registry signed, and the system's clock.
//!
//! The clock is **in doubt** where the system's is before one of the other two (it was reset), or after the end of our own
//! certificate (it ran ahead, or nobody renewed for long). In doubt the time that a certificate is judged by is moved into
//! the time that the certificate is valid for, never below what is certain: a device whose clock is wrong stays on the road,
//! and a certificate that had ended before the registry's last signed word stays refused. The agent's status says so.

use rustls_pki_types::UnixTime;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// No program of ours is older: 2026-11-01, in seconds since 1970. Raised with each release.
pub const MADE_S: u64 = 1_793_491_200;

/// The clock of one process, in seconds since 1970.
#[derive(Debug)]
pub struct Clock {
    signed_s: AtomicU64,
    own_end_s: AtomicU64,
}

impl Default for Clock {
    fn default() -> Clock {
        Clock { signed_s: AtomicU64::new(0), own_end_s: AtomicU64::new(u64::MAX) }
    }
}

/// The time at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Seconds since 1970.
    pub now_s: u64,
    /// It is at least this.
    pub floor_s: u64,
    /// The system's clock is not to be believed.
    pub in_doubt: bool,
}

impl Clock {
    /// The registry signed this time. Only ever raises what is known.
    pub fn signed(&self, at_s: u64) {
        self.signed_s.fetch_max(at_s, Relaxed);
    }

    /// Our own certificate ends then.
    pub fn own_certificate_ends(&self, at_s: u64) {
        self.own_end_s.store(at_s, Relaxed);
    }

    /// The time now.
    pub fn read(&self) -> Reading {
        let system_s = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        judge(system_s, self.signed_s.load(Relaxed), self.own_end_s.load(Relaxed))
    }

    /// The time to judge a certificate by that is valid from `begin_s` to `end_s`.
    pub(crate) fn for_certificate(&self, begin_s: u64, end_s: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(within(self.read(), begin_s, end_s)))
    }
}

impl rustls::time_provider::TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(self.read().now_s)))
    }
}

fn judge(system_s: u64, signed_s: u64, own_end_s: u64) -> Reading {
    let floor_s = signed_s.max(MADE_S);
    Reading { now_s: system_s.max(floor_s), floor_s, in_doubt: system_s < floor_s || system_s > own_end_s }
}

fn within(time: Reading, begin_s: u64, end_s: u64) -> u64 {
    if !time.in_doubt {
        return time.now_s;
    }
    time.now_s.min(end_s).max(begin_s).max(time.floor_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;
    const NOW: u64 = MADE_S + 400 * DAY;
    const BEGIN: u64 = NOW - 100 * DAY;
    const END: u64 = NOW + 600 * DAY;

    fn check(system_s: u64, signed_s: u64, own_end_s: u64, doubt: bool, judged_by: u64) {
        let time = judge(system_s, signed_s, own_end_s);
        assert_eq!((time.in_doubt, within(time, BEGIN, END)), (doubt, judged_by));
    }

    #[test]
    fn a_good_clock_is_believed_and_an_ended_certificate_is_refused() {
        check(NOW, NOW - DAY, END, false, NOW);
        check(END + DAY, NOW, END + 2 * DAY, false, END + DAY);
    }

    #[test]
    fn a_clock_without_battery_stays_on_the_road() {
        check(0, 0, END, true, BEGIN);
        check(0, NOW, END, true, NOW);
    }

    #[test]
    fn a_clock_that_runs_ahead_stays_on_the_road() {
        check(NOW + 3_650 * DAY, NOW, END, true, END);
    }

    #[test]
    fn what_had_ended_before_the_registrys_last_word_stays_refused_in_doubt_too() {
        check(0, END + DAY, END, true, END + DAY);
    }
}
