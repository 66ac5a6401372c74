//! The moment, as the rules want it: the monotonic clock of the boards, and the wall clock with its uncertainty.

use std::{
    path::Path,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use boards::{BootClock, Clock};
use gate::{Now, Wall};

/// Uncertainty of a wall clock that the system has synchronised, in seconds.
const SYNCHRONISED_S: u32 = 1;
/// Uncertainty that is quoted when nobody says that the clock was synchronised, in seconds: what a battery-backed clock
/// drifts in half a year (20 parts in a million are 1.7 seconds a day).
const UNSYNCHRONISED_S: u32 = 300;
/// 2026-01-01, before this program was made: a clock that says less has lost its battery, and is no clock.
const EARLIEST_MS: i64 = 1_767_225_600_000;
/// systemd-timesyncd makes this file once it has set the clock.
const SYNCHRONISED: &str = "/run/systemd/timesync/synchronized";

/// The clock that all threads share.
pub(crate) fn system() -> Arc<dyn Clock> {
    Arc::new(BootClock)
}

/// This moment.
pub(crate) fn now(clock: &dyn Clock) -> Now {
    let uncertainty_s = if Path::new(SYNCHRONISED).exists() { SYNCHRONISED_S } else { UNSYNCHRONISED_S };
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    let unix_ms =
        since_1970.and_then(|span| i64::try_from(span.as_millis()).ok()).filter(|ms| *ms >= EARLIEST_MS);
    Now { mono: clock.now(), wall: unix_ms.map(|unix_ms| Wall { unix_ms, uncertainty_s }) }
}

/// The kernel's name for this boot; zeros where it does not say.
pub(crate) fn boot_id() -> [u8; 16] {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    u128::from_str_radix(&digits, 16).unwrap_or(0).to_be_bytes()
}
