//! What a search keeps of the rows that it meets, and the score below which it has no use for one.

use std::sync::atomic::{AtomicU32, Ordering};

use gate::{Candidate, Candidates, Gallery, Score};

/// One compared row.
#[derive(Clone, Copy)]
pub(super) struct Met<'a> {
    pub(super) gallery: &'a Gallery,
    /// Its number in that gallery.
    pub(super) within: usize,
    /// Its number in the index.
    pub(super) row: usize,
    pub(super) score: Score,
}

/// What a search looks for. Rows are met in ascending order, and perhaps only those that may reach what is needed.
pub(super) trait Wanted {
    /// A row with a lower score than this changes nothing.
    fn needed(&self) -> f32;
    /// Takes a row into account.
    fn meet(&mut self, met: Met<'_>);
}

/// The two best persons.
#[derive(Default)]
pub(super) struct BestPersons(pub(super) Candidates);

impl BestPersons {
    /// Takes into account what was found among later rows.
    pub(super) fn join(&mut self, later: &Self) {
        for candidate in [later.0.best, later.0.runner_up].into_iter().flatten() {
            self.0.meet(candidate);
        }
    }
}

impl Wanted for BestPersons {
    fn needed(&self) -> f32 {
        self.0.runner_up.map_or(f32::NEG_INFINITY, |second| second.score.0)
    }

    fn meet(&mut self, met: Met<'_>) {
        let (person, standing) = met.gallery.owner(met.within);
        self.0.meet(Candidate { person, standing, score: met.score });
    }
}

/// The best rows, a given number of them, best first and of equals the first.
pub(super) struct Nearest {
    wanted: usize,
    pub(super) rows: Vec<(usize, Score)>,
}

impl Nearest {
    pub(super) fn new(wanted: usize) -> Self {
        Self { wanted, rows: Vec::with_capacity(wanted) }
    }

    /// Takes into account what was found among later rows.
    pub(super) fn join(&mut self, later: &Self) {
        for &(row, score) in &later.rows {
            self.insert(row, score);
        }
    }

    fn insert(&mut self, row: usize, score: Score) {
        let place = self.rows.partition_point(|&(_, other)| other >= score);
        if place < self.wanted {
            self.rows.truncate(self.wanted - 1);
            self.rows.insert(place, (row, score));
        }
    }
}

impl Wanted for Nearest {
    fn needed(&self) -> f32 {
        match self.rows.last() {
            Some(&(_, last)) if self.rows.len() == self.wanted => last.0,
            None if self.wanted == 0 => f32::INFINITY,
            _ => f32::NEG_INFINITY,
        }
    }

    fn meet(&mut self, met: Met<'_>) {
        self.insert(met.row, met.score);
    }
}

/// Every row from a score on.
pub(super) struct Above<F> {
    pub(super) floor: Score,
    pub(super) visit: F,
}

impl<F: FnMut(usize, Score)> Wanted for Above<F> {
    fn needed(&self) -> f32 {
        self.floor.0
    }

    fn meet(&mut self, met: Met<'_>) {
        if met.score >= self.floor {
            (self.visit)(met.row, met.score);
        }
    }
}

/// The highest score that any thread of one search knows to be needed: what one has found, the others need not look for.
pub(super) struct Floor(AtomicU32);

impl Floor {
    pub(super) fn new() -> Self {
        Self(AtomicU32::new(ordered(f32::NEG_INFINITY)))
    }
}

/// One thread's share of a search that several make together.
pub(super) struct Together<'a, W> {
    pub(super) own: W,
    pub(super) floor: &'a Floor,
}

impl<W: Wanted> Wanted for Together<'_, W> {
    fn needed(&self) -> f32 {
        // A floor that is read late only costs comparisons, so no order of memory is needed.
        self.own.needed().max(unordered(self.floor.0.load(Ordering::Relaxed)))
    }

    fn meet(&mut self, met: Met<'_>) {
        self.own.meet(met);
        self.floor.0.fetch_max(ordered(self.own.needed()), Ordering::Relaxed);
    }
}

/// Bits that are in the order of the numbers.
fn ordered(number: f32) -> u32 {
    let bits = number.to_bits();
    if number.is_sign_negative() { !bits } else { bits | 1 << 31 }
}

fn unordered(bits: u32) -> f32 {
    f32::from_bits(if bits >> 31 == 1 { bits & !(1 << 31) } else { !bits })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_bits_is_that_of_the_numbers() {
        let numbers = [f32::NEG_INFINITY, -1.0, -0.25, -0.0, 0.0, f32::MIN_POSITIVE, 0.5, 1.0];
        for pair in numbers.windows(2) {
            assert!(ordered(pair[0]) < ordered(pair[1]), "{pair:?}");
        }
        for number in numbers {
            assert_eq!(unordered(ordered(number)).to_bits(), number.to_bits());
        }
    }

    #[test]
    fn of_equal_scores_the_first_row_stays_and_the_last_falls_out() {
        let mut nearest = Nearest::new(2);
        for (row, score) in [(0, 0.5), (1, 0.5), (2, 0.5), (3, 0.7)] {
            nearest.insert(row, Score(score));
        }
        assert_eq!(nearest.rows, [(3, Score(0.7)), (0, Score(0.5))]);
        let mut none = Nearest::new(0);
        none.insert(0, Score(1.0));
        assert!(none.rows.is_empty());
    }
}
