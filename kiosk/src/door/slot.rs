//! A place for the newest value only. Frames never queue: an old one is replaced before anybody has to look at it.

use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

/// Holds at most one value, the newest.
pub(crate) struct Slot<T> {
    value: Mutex<Option<T>>,
    arrived: Condvar,
}

impl<T> Slot<T> {
    /// An empty slot.
    pub(crate) fn new() -> Self {
        Self { value: Mutex::new(None), arrived: Condvar::new() }
    }

    /// Replaces whatever was there.
    pub(crate) fn put(&self, value: T) {
        *self.value.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        self.arrived.notify_one();
    }

    /// Takes the newest value, waiting for it at most `patience`.
    pub(crate) fn take(&self, patience: Duration) -> Option<T> {
        let value = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.arrived.wait_timeout_while(value, patience, |value| value.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_value_is_seen() {
        let slot = Slot::new();
        slot.put(1);
        slot.put(2);
        assert_eq!(slot.take(Duration::ZERO), Some(2));
        assert_eq!(slot.take(Duration::ZERO), None);
    }
}
