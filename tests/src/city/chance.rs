//! Chance that can be had again: everything random in a scenario comes from one seed, which it prints.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Names the variable that sets the seed.
const SEED: &str = "GENKAN_SEED";

/// A stream of numbers (Knuth's linear congruential generator): good enough to choose moments, useless as a secret.
#[derive(Debug, Clone)]
pub struct Chance {
    seed: u64,
    state: u64,
}

impl Chance {
    /// From `GENKAN_SEED`, or else from the clock.
    #[must_use]
    pub fn new() -> Self {
        let given = std::env::var(SEED).ok().and_then(|text| text.parse().ok());
        let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs());
        Self::of(given.unwrap_or_else(clock))
    }

    /// Of one seed, always the same.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut chance = Self { seed, state: seed };
        _ = chance.next();
        chance
    }

    /// What a person sets to play it again.
    #[must_use]
    pub fn again(&self) -> String {
        format!("{SEED}={}", self.seed)
    }

    fn next(&mut self) -> u64 {
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.state >> 33
    }

    /// One of `0..below`; 0 if that is empty.
    pub fn below(&mut self, below: usize) -> usize {
        let below = u64::try_from(below).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % below).unwrap_or_default()
    }

    /// A span between two.
    pub fn between(&mut self, least: Duration, most: Duration) -> Duration {
        let span = usize::try_from(most.saturating_sub(least).as_millis()).unwrap_or(usize::MAX);
        least + Duration::from_millis(self.below(span) as u64)
    }
}

impl Default for Chance {
    fn default() -> Self {
        Self::new()
    }
}
