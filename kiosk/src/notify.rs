//! What systemd is told: ready, still alive, stopping. Without systemd these calls do nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use gate::Monotonic;
use sd_notify::NotifyState;

/// Microseconds between two signs of life; the unit's `WatchdogSec` is at least three times this.
const EVERY_MICROS: u64 = 1_000_000;

/// The door is at work.
pub(crate) fn ready(references: usize) {
    let status = format!("at the door, {references} references");
    _ = sd_notify::notify(&[NotifyState::Ready, NotifyState::Status(&status)]);
}

/// Something that whoever asks the service manager should read.
pub(crate) fn status(status: &str) {
    _ = sd_notify::notify(&[NotifyState::Status(status)]);
}

/// The gate thread is alive. Sent by that thread only, so that a door that hangs is restarted.
pub(crate) fn alive(now: Monotonic) {
    static LAST: AtomicU64 = AtomicU64::new(0);
    if now.micros() >= LAST.load(Ordering::Relaxed).saturating_add(EVERY_MICROS) {
        LAST.store(now.micros(), Ordering::Relaxed);
        _ = sd_notify::notify(&[NotifyState::Watchdog]);
    }
}

/// The door is about to stop.
pub(crate) fn stopping() {
    _ = sd_notify::notify(&[NotifyState::Stopping]);
}
