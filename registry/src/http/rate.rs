//! How often something may be asked, whoever asks: a bucket that fills by the second.

/// A bucket of whole requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    most: u32,
    every_ms: u64,
    left: u32,
    filled_ms: u64,
}

impl Rate {
    /// At most `most` at once, and one more each `every_ms`.
    pub(crate) fn new(most: u32, every_ms: u64) -> Self {
        Self { most, every_ms, left: most, filled_ms: 0 }
    }

    /// Takes one, at a time in milliseconds that never falls. Otherwise: seconds until there is one.
    pub(crate) fn take(&mut self, now_ms: u64) -> Result<(), u32> {
        let more = now_ms.saturating_sub(self.filled_ms) / self.every_ms;
        if more > 0 {
            let fits = u64::from(self.most - self.left);
            self.left += u32::try_from(more.min(fits)).unwrap_or(0);
            self.filled_ms += more * self.every_ms;
        }
        if self.left == 0 {
            let wait_ms = (self.filled_ms + self.every_ms).saturating_sub(now_ms);
            return Err(u32::try_from(wait_ms.div_ceil(1000)).unwrap_or(u32::MAX).max(1));
        }
        self.left -= 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_one_by_one() {
        let mut rate = Rate::new(3, 2_000);
        for _ in 0..3 {
            assert_eq!(rate.take(10_500), Ok(()));
        }
        assert_eq!(rate.take(10_500), Err(2));
        assert_eq!(rate.take(11_900), Err(1));
        assert_eq!(rate.take(12_000), Ok(()));
        assert_eq!(rate.take(12_000), Err(2));
        for _ in 0..3 {
            assert_eq!(rate.take(9_000_000), Ok(()), "it is never fuller than full");
        }
        assert!(rate.take(9_000_000).is_err());
    }
}
