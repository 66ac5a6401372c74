//! The clock that the rules use, read in one place.

use gate::Monotonic;
use rustix::time::{ClockId, clock_gettime};

/// A clock that only goes forward.
pub trait Clock: Send + Sync {
    /// The present.
    fn now(&self) -> Monotonic;
}

/// The system's clock since boot, time spent suspended included (`CLOCK_BOOTTIME`). The same in every process.
#[derive(Debug, Clone, Copy, Default)]
pub struct BootClock;

impl Clock for BootClock {
    fn now(&self) -> Monotonic {
        let time = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(time.tv_sec).expect("time since boot is not negative");
        let nanoseconds = u64::try_from(time.tv_nsec).expect("a part of a second is not negative");
        Monotonic::from_micros(seconds * 1_000_000 + nanoseconds / 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_never_goes_back() {
        let mut last = BootClock.now();
        for _ in 0..1_000 {
            let now = BootClock.now();
            assert!(now >= last);
            last = now;
        }
        assert!(last > Monotonic::default());
    }
}
