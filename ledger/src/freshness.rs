//! How old may what a kiosk knows be? It draws a nonce, the registry echoes it in a receipt, and the age is the time that the
//! kiosk has been running since it drew the newest nonce that came back. No wall clock enters, and nobody between the two
//! can make an answer younger than its question.

use std::collections::VecDeque;

/// Fresh up to here: 24 hours of running, in milliseconds.
pub const FRESH_MS: u64 = 24 * 3_600_000;
/// Stale up to here: 30 days of running, in milliseconds. Beyond it the policy narrows.
pub const STALE_MS: u64 = 30 * 24 * 3_600_000;
/// How often the kiosk draws a nonce: 10 minutes, in milliseconds.
pub const DRAW_EVERY_MS: u64 = 600_000;
/// How many nonces wait for their echo: what is drawn in 24 hours. An answer to an older one would not make it fresh.
pub const MAX_NONCES: usize = 144;

/// How old what the kiosk knows may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// At most a day.
    Fresh,
    /// At most 30 days: staff are told.
    Stale,
    /// Older, or never: the policy narrows.
    Old,
}

/// The nonces that a kiosk drew and the newest that came back. Times are milliseconds of running, as the kiosk saves them
/// every minute; they never go back while the kiosk's own store is not restored.
#[derive(Clone, Debug, Default)]
pub struct Freshness {
    drawn: VecDeque<([u8; 16], u64)>,
    answered: Option<u64>,
}

impl Freshness {
    /// What a kiosk starts with: when the newest nonce that came back was drawn, if any ever was.
    pub fn new(answered: Option<u64>) -> Freshness {
        Freshness { drawn: VecDeque::new(), answered }
    }

    /// The nonce for the next head: the last one, or `random` (16 new bytes) if it is time for another.
    pub fn nonce(&mut self, running_ms: u64, random: [u8; 16]) -> [u8; 16] {
        match self.drawn.back() {
            Some((nonce, drawn)) if running_ms < drawn.saturating_add(DRAW_EVERY_MS) => *nonce,
            _ => {
                if self.drawn.len() == MAX_NONCES {
                    self.drawn.pop_front();
                }
                self.drawn.push_back((random, running_ms));
                random
            }
        }
    }

    /// A receipt that the registry signed came back with this nonce. Returns whether it made anything younger.
    pub fn echoed(&mut self, nonce: [u8; 16]) -> bool {
        let Some(place) = self.drawn.iter().position(|(drawn, _)| *drawn == nonce) else { return false };
        let newest = Some(self.drawn[place].1);
        let younger = newest > self.answered;
        self.answered = self.answered.max(newest);
        younger
    }

    /// When the newest nonce that came back was drawn; to be kept with the running time.
    pub fn answered(&self) -> Option<u64> {
        self.answered
    }

    /// The grade now.
    pub fn grade(&self, running_ms: u64) -> Grade {
        match self.answered.and_then(|answered| running_ms.checked_sub(answered)) {
            Some(0..=FRESH_MS) => Grade::Fresh,
            Some(0..=STALE_MS) => Grade::Stale,
            Some(_) | None => Grade::Old,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_as_old_as_its_question() {
        let mut freshness = Freshness::default();
        assert_eq!(freshness.grade(0), Grade::Old);
        let first = freshness.nonce(0, [1; 16]);
        let second = freshness.nonce(FRESH_MS, [2; 16]);
        assert!(freshness.echoed(first));
        assert_eq!(freshness.grade(FRESH_MS + 1), Grade::Stale, "it was asked a day ago");
        assert!(freshness.echoed(second));
        assert!(!freshness.echoed(first), "a replay does nothing");
        assert_eq!(freshness.grade(FRESH_MS + 1), Grade::Fresh);
        assert!(!freshness.echoed([9; 16]), "nobody else's nonce counts");
        assert_eq!(freshness.grade(FRESH_MS + STALE_MS + 1), Grade::Old);
    }

    #[test]
    fn a_nonce_serves_ten_minutes_and_few_wait() {
        let mut freshness = Freshness::default();
        assert_eq!(freshness.nonce(0, [1; 16]), freshness.nonce(DRAW_EVERY_MS - 1, [2; 16]));
        assert_eq!(freshness.nonce(DRAW_EVERY_MS, [2; 16]), [2; 16]);
        for drawn in 2..1_000 {
            freshness.nonce(drawn * DRAW_EVERY_MS, [3; 16]);
        }
        assert_eq!(freshness.drawn.len(), MAX_NONCES);
    }

    #[test]
    fn a_running_time_that_went_back_is_old() {
        let mut freshness = Freshness::new(Some(5_000));
        assert_eq!(freshness.grade(4_000), Grade::Old);
        assert_eq!(freshness.nonce(4_000, [1; 16]), [1; 16]);
    }
}
