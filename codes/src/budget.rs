//! Which pictures are looked at how: a rule about time.
//!
//! Each picture adds its allowance to what is saved, each pass takes from it what it cost. The plain pass is made while
//! anything is left; one of the costly passes follows where nothing was found and the saving covers what such a pass cost
//! last time. So the mean stays within the allowance whatever the board: a fast one makes both on every picture, a slow
//! one makes them in turn, now and then, and one whose plain pass takes all of its allowance makes nothing else and leaves
//! pictures out.

use std::time::Duration;

/// A way of looking at a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// As it is.
    Plain,
    /// With the blur of the lens and of the hand taken back, and its contrast stretched.
    Sharpened,
    /// The same at twice the size, for codes with many modules.
    Enlarged,
}

/// Pictures for which savings last: a burst after a long quiet takes no longer than this many allowances.
const SAVED_PICTURES: u32 = 10;

/// Time for codes, saved up and spent.
#[derive(Debug, Clone)]
pub struct Budget {
    allowance: Duration,
    saved: Duration,
    /// Spent beyond what was saved; paid back first.
    owed: Duration,
    /// What each costly pass cost last time; nothing before the first.
    sharpened: Duration,
    enlarged: Duration,
    /// Which costly pass comes first.
    turn: Pass,
}

impl Budget {
    /// `allowance` is the mean time for one picture.
    #[must_use]
    pub fn new(allowance: Duration) -> Self {
        Self {
            allowance,
            saved: Duration::ZERO,
            owed: Duration::ZERO,
            sharpened: Duration::ZERO,
            enlarged: Duration::ZERO,
            turn: Pass::Sharpened,
        }
    }

    /// A new picture. The pass to begin with, if there is time for any.
    pub fn begin(&mut self) -> Option<Pass> {
        let paid = self.owed.min(self.allowance);
        self.owed -= paid;
        self.saved = (self.saved + (self.allowance - paid)).min(self.allowance * SAVED_PICTURES);
        (self.saved > Duration::ZERO).then_some(Pass::Plain)
    }

    /// `made` took so long. The pass to make next on the same picture, if nothing was found and there is time.
    pub fn next(&mut self, made: Pass, took: Duration, found: bool) -> Option<Pass> {
        self.owed += took.saturating_sub(self.saved);
        self.saved = self.saved.saturating_sub(took);
        match made {
            Pass::Plain => {}
            Pass::Sharpened => self.sharpened = took,
            Pass::Enlarged => self.enlarged = took,
        }
        let next = match made {
            Pass::Plain => self.turn,
            // The second costly pass only after the one that came first.
            Pass::Sharpened if self.turn == Pass::Sharpened => Pass::Enlarged,
            Pass::Enlarged if self.turn == Pass::Enlarged => Pass::Sharpened,
            Pass::Sharpened | Pass::Enlarged => return None,
        };
        let cost = if next == Pass::Enlarged { self.enlarged } else { self.sharpened };
        if found || self.saved == Duration::ZERO || self.saved < cost.min(self.most()) {
            // Where there was time for the first alone, the other comes first next time.
            if made != Pass::Plain && !found {
                self.turn = next;
            }
            return None;
        }
        Some(next)
    }

    /// The most that can be saved: a pass that costs more is made when all of it is there.
    fn most(&self) -> Duration {
        self.allowance * SAVED_PICTURES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWANCE: Duration = Duration::from_micros(3000);

    /// Looks at so many pictures without a code, each pass costing as given in microseconds; gives back how often each was
    /// made, and the mean time of one picture in microseconds.
    fn quiet(pictures: u32, costs: [u64; 3]) -> ([u32; 3], u64) {
        let mut budget = Budget::new(ALLOWANCE);
        let (mut made, mut spent) = ([0; 3], 0);
        for _ in 0..pictures {
            let mut next = budget.begin();
            while let Some(pass) = next {
                let which = pass as usize;
                made[which] += 1;
                spent += costs[which];
                next = budget.next(pass, Duration::from_micros(costs[which]), false);
            }
        }
        (made, spent / u64::from(pictures))
    }

    #[test]
    fn a_fast_board_looks_at_every_picture_in_every_way() {
        assert_eq!(quiet(100, [300, 700, 1900]).0, [100, 100, 100]);
    }

    #[test]
    fn a_slow_board_looks_plainly_at_every_picture_and_takes_the_costly_ways_in_turn() {
        let ([plain, sharpened, enlarged], mean) = quiet(1000, [1500, 4000, 12_000]);
        // What the costly passes cost is known after the first of each.
        assert!(plain > 990, "{plain}");
        assert!(sharpened > 50 && sharpened.abs_diff(enlarged) <= 1, "{sharpened} {enlarged}");
        assert!(mean <= 3000, "{mean}");
    }

    #[test]
    fn no_board_spends_more_than_its_allowance() {
        for costs in [[300, 700, 1900], [2900, 9000, 30_000], [5000, 9000, 90_000], [40_000, 1, 400_000]] {
            // What the very last pictures overspend is paid back after them.
            let (made, mean) = quiet(10_000, costs);
            assert!(mean <= 3000 + 60, "{costs:?}: {made:?} {mean}");
            let affordable = costs[0] < 3000;
            assert!(
                made[0] > 0 && (made[1] > 0) == affordable && (made[2] > 0) == affordable,
                "{costs:?}: {made:?}"
            );
        }
    }

    #[test]
    fn what_was_found_is_not_looked_for_again() {
        let mut budget = Budget::new(ALLOWANCE);
        assert_eq!(budget.begin(), Some(Pass::Plain));
        assert_eq!(budget.next(Pass::Plain, Duration::from_micros(300), true), None);
    }

    #[test]
    fn without_an_allowance_no_picture_is_looked_at() {
        assert_eq!(Budget::new(Duration::ZERO).begin(), None);
    }
}
