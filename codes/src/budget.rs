//! Which pictures are looked at how: a rule about time.
//!
//! Each picture adds its allowance to what is saved, each pass takes from it what it cost. The plain pass is made while
//! anything is left. Where it read nothing, the sharpened one follows if the saving covers what it cost last time; where
//! that one saw a code and could not read it, the enlarged one follows on the same terms. So the mean stays within the
//! allowance whatever the board: a fast one does all it can with every picture, a slow one does so now and then, and one
//! whose plain pass takes all of its allowance makes nothing else and leaves pictures out.

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

/// What a pass came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// At least one text.
    Read,
    /// A code that could not be read.
    Unread,
    /// No code.
    Nothing,
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
    /// What the pass cost last time; nothing before the first.
    sharpened: Duration,
    enlarged: Duration,
    /// A code waits to be enlarged: the next sharpened pass is made when there is time for both.
    waiting: bool,
}

impl Budget {
    /// `allowance` is the mean time for one picture.
    #[must_use]
    pub fn new(allowance: Duration) -> Self {
        let none = Duration::ZERO;
        Self { allowance, saved: none, owed: none, sharpened: none, enlarged: none, waiting: false }
    }

    /// A new picture. The pass to begin with, if there is time for any.
    pub fn begin(&mut self) -> Option<Pass> {
        let paid = self.owed.min(self.allowance);
        self.owed -= paid;
        self.saved = (self.saved + (self.allowance - paid)).min(self.most());
        (self.saved > Duration::ZERO).then_some(Pass::Plain)
    }

    /// `made` took so long and came to that. The pass to make next on the same picture, if it promises anything and there
    /// is time.
    pub fn next(&mut self, made: Pass, took: Duration, outcome: Outcome) -> Option<Pass> {
        self.owed += took.saturating_sub(self.saved);
        self.saved = self.saved.saturating_sub(took);
        match (made, outcome) {
            (Pass::Plain, Outcome::Unread | Outcome::Nothing) => {
                let both = if self.waiting { self.enlarged } else { Duration::ZERO };
                self.affords(self.sharpened + both).then_some(Pass::Sharpened)
            }
            (Pass::Sharpened, Outcome::Unread) => {
                self.sharpened = took;
                // What waited was saved for, as far as so much can be saved.
                let now = self.waiting || self.affords(self.enlarged);
                self.waiting = !now;
                now.then_some(Pass::Enlarged)
            }
            (Pass::Sharpened, Outcome::Read | Outcome::Nothing) => {
                (self.sharpened, self.waiting) = (took, false);
                None
            }
            (Pass::Enlarged, _) => {
                self.enlarged = took;
                None
            }
            (Pass::Plain, Outcome::Read) => None,
        }
    }

    /// What costs more than half of what can be saved is made when that half is there.
    fn affords(&self, cost: Duration) -> bool {
        self.saved > Duration::ZERO && self.saved >= cost.min(self.most() / 2)
    }

    fn most(&self) -> Duration {
        self.allowance * SAVED_PICTURES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWANCE: Duration = Duration::from_micros(3000);

    /// Looks at so many pictures, each with a code that only the enlarged pass could read, each pass costing as given in
    /// microseconds; gives back how often each was made, and the mean time of one picture in microseconds.
    fn hard(pictures: u32, costs: [u64; 3]) -> ([u32; 3], u64) {
        let mut budget = Budget::new(ALLOWANCE);
        let (mut made, mut spent) = ([0; 3], 0);
        for _ in 0..pictures {
            let mut next = budget.begin();
            while let Some(pass) = next {
                let which = pass as usize;
                made[which] += 1;
                spent += costs[which];
                next = budget.next(pass, Duration::from_micros(costs[which]), Outcome::Unread);
            }
        }
        (made, spent / u64::from(pictures))
    }

    #[test]
    fn a_fast_board_looks_at_every_picture_in_every_way() {
        assert_eq!(hard(100, [300, 700, 1900]).0, [100, 100, 100]);
    }

    #[test]
    fn a_slow_board_looks_plainly_at_every_picture_and_in_the_costly_ways_now_and_then() {
        let ([plain, sharpened, enlarged], mean) = hard(1000, [1500, 4000, 12_000]);
        // What the costly passes cost is known after the first of each.
        assert!(plain > 990, "{plain}");
        // At most every other sharpened pass ends with a code that has to wait.
        assert!(enlarged > 50 && sharpened <= 2 * enlarged + 1, "{sharpened} {enlarged}");
        assert!(mean <= 3000, "{mean}");
    }

    #[test]
    fn no_board_spends_more_than_its_allowance() {
        for costs in [[300, 700, 1900], [2900, 9000, 30_000], [5000, 9000, 90_000], [40_000, 1, 400_000]] {
            // What the very last pictures overspend is paid back after them.
            let (made, mean) = hard(10_000, costs);
            assert!(mean <= 3000 + 60, "{costs:?}: {made:?} {mean}");
            let affordable = costs[0] < 3000;
            assert!(made[0] > 0 && (made[1] > 0) == affordable && (made[2] > 0) == affordable, "{made:?}");
        }
    }

    #[test]
    fn what_was_read_is_not_looked_for_again() {
        let took = Duration::from_micros(300);
        let mut budget = Budget::new(ALLOWANCE);
        assert_eq!(budget.begin(), Some(Pass::Plain));
        assert_eq!(budget.next(Pass::Plain, took, Outcome::Nothing), Some(Pass::Sharpened));
        assert_eq!(budget.next(Pass::Sharpened, took, Outcome::Read), None);
        assert_eq!(budget.begin(), Some(Pass::Plain));
        assert_eq!(budget.next(Pass::Plain, took, Outcome::Read), None);
    }

    #[test]
    fn where_no_code_is_seen_nothing_is_enlarged() {
        let took = Duration::from_micros(300);
        let mut budget = Budget::new(ALLOWANCE);
        assert_eq!(budget.begin(), Some(Pass::Plain));
        assert_eq!(budget.next(Pass::Plain, took, Outcome::Nothing), Some(Pass::Sharpened));
        assert_eq!(budget.next(Pass::Sharpened, took, Outcome::Nothing), None);
    }

    #[test]
    fn without_an_allowance_no_picture_is_looked_at() {
        assert_eq!(Budget::new(Duration::ZERO).begin(), None);
    }
}
