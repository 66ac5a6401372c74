//! One contact's bouncing, as values: levels with their times go in, a change comes out once it has stayed.

use std::time::Duration;

use gate::Monotonic;

/// For how long a level must stay before it is believed: contacts bounce for a few milliseconds, reed switches of a door
/// that trembles for some tens; a hand is slower.
pub const STABLE_FOR: Duration = Duration::from_millis(50);

/// One contact. Whatever is fed to it, it holds three values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Debounce {
    told: bool,
    level: bool,
    /// Since when `level`.
    since: Monotonic,
}

impl Debounce {
    /// A contact whose level is known, and was told.
    #[must_use]
    pub const fn new(at: Monotonic, level: bool) -> Self {
        Self { told: level, level, since: at }
    }

    /// The level at a time not before the last one. Answers with the change that had stayed long enough by then, and
    /// since when.
    pub fn feed(&mut self, at: Monotonic, level: bool) -> Option<(Monotonic, bool)> {
        let settled = self.settle(at);
        if level != self.level {
            (self.level, self.since) = (level, at);
        }
        settled
    }

    /// The change that has stayed long enough by `now`, and since when. Told once.
    pub fn settle(&mut self, now: Monotonic) -> Option<(Monotonic, bool)> {
        if self.level == self.told || now.since(self.since) < STABLE_FOR {
            return None;
        }
        self.told = self.level;
        Some((self.since, self.level))
    }

    /// When there will be a change to tell if nothing else happens.
    #[must_use]
    pub fn due(&self) -> Option<Monotonic> {
        (self.level != self.told).then(|| self.since.plus(STABLE_FOR))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told when the levels are fed at these milliseconds and looked at a second later.
    fn told(levels: &[(u64, bool)]) -> Vec<(u64, bool)> {
        let at = |ms: u64| Monotonic::from_micros(ms * 1_000);
        let mut debounce = Debounce::new(at(0), false);
        let mut told: Vec<_> =
            levels.iter().filter_map(|&(ms, level)| debounce.feed(at(ms), level)).collect();
        let last = levels.last().map_or(0, |&(ms, _)| ms);
        told.extend(debounce.settle(at(last + 1_000)));
        assert_eq!(debounce.settle(at(last + 2_000)), None, "a change is told once");
        told.into_iter().map(|(at, level)| (at.micros() / 1_000, level)).collect()
    }

    #[test]
    fn a_level_that_stays_is_told_with_the_time_at_which_it_began() {
        assert_eq!(told(&[(10, true)]), [(10, true)]);
        assert_eq!(told(&[(10, true), (100, true), (200, false)]), [(10, true), (200, false)]);
    }

    #[test]
    fn a_level_that_goes_back_within_fifty_milliseconds_was_none() {
        assert_eq!(told(&[(10, true), (59, false)]), []);
        assert_eq!(told(&[(10, true), (60, false)]), [(10, true), (60, false)]);
    }

    #[test]
    fn bouncing_counts_from_its_end() {
        assert_eq!(told(&[(10, true), (12, false), (15, true), (16, false), (30, true)]), [(30, true)]);
        let flood: Vec<_> = (0..100_000).map(|step| (10 + step, step % 2 == 0)).collect();
        assert_eq!(told(&flood), []);
    }

    #[test]
    fn a_change_that_was_read_late_is_told_all_the_same() {
        let at = |ms: u64| Monotonic::from_micros(ms * 1_000);
        let mut debounce = Debounce::new(at(0), false);
        assert_eq!(debounce.feed(at(10), true), None);
        assert_eq!(debounce.feed(at(300), false), Some((at(10), true)));
        assert_eq!(debounce.settle(at(349)), None);
        assert_eq!(debounce.settle(at(350)), Some((at(300), false)));
    }

    #[test]
    fn it_says_when_to_look_again() {
        let at = |ms: u64| Monotonic::from_micros(ms * 1_000);
        let mut debounce = Debounce::new(at(0), false);
        assert_eq!(debounce.due(), None);
        debounce.feed(at(10), true);
        assert_eq!(debounce.due(), Some(at(60)));
        debounce.settle(at(60));
        assert_eq!(debounce.due(), None);
    }
}
