//! Time as an argument. `std::time::Instant` cannot be made up, so a simulator could not run the rules on it; these can.

use std::time::Duration;

/// Microseconds of a clock that only goes forward, from an arbitrary zero (on the device: boot, suspend included).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Monotonic(u64);

impl Monotonic {
    /// A point `micros` microseconds after the clock's zero.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the clock's zero.
    #[must_use]
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// This point moved later by `span`; the end of time absorbs.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_micros()).unwrap_or(u64::MAX)))
    }

    /// How long ago `earlier` was; zero if it lies ahead.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// What the wall clock claims. A claim for people to read: no rule measures time with it, but for the one that ends a stay
/// ([`crate::Inside`]), because a stay outlives the program and its other clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wall {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub unix_ms: i64,
    /// Half width of the interval that holds the true time, in seconds.
    pub uncertainty_s: u32,
}

/// The moment at which a step is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Now {
    /// The clock that the rules use.
    pub mono: Monotonic,
    /// The clock that people read; absent when the device has none it could quote.
    pub wall: Option<Wall>,
}
