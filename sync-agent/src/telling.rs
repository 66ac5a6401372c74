//! What one peer was told, so that it is told what is new at once, what is much together, and what it does not answer again,
//! ever more seldom. A replica offers everything it has at every tick; the network shall not carry that each second.

use ledger::{Class, Have, MAX_HAVE, Message, RunId, SignedHead, SignedReceipt};
use std::collections::BTreeMap;

/// After so long what was not answered is said again, in milliseconds; then after twice as long, and so on.
pub const AGAIN_FIRST_MS: u64 = 2_000;
/// The longest time between two times of saying the same, in milliseconds.
pub const AGAIN_MOST_MS: u64 = 60_000;

#[derive(Debug)]
struct Told {
    wish: Have,
    length: Option<u64>,
    at_ms: u64,
    again_ms: u64,
}

#[derive(Debug)]
struct Said<T> {
    what: T,
    at_ms: u64,
    again_ms: u64,
}

/// What one peer was told.
#[derive(Debug)]
pub struct Telling {
    bulk_every_ms: u64,
    bulk_at_ms: u64,
    runs: BTreeMap<RunId, Told>,
    head: Option<Said<SignedHead>>,
    receipt: Option<Said<SignedReceipt>>,
}

impl Telling {
    /// A peer that was told nothing yet. `bulk_every_ms`: how often it is told of what is not urgent; 0 for at once.
    pub fn new(bulk_every_ms: u64) -> Telling {
        Telling { bulk_every_ms, bulk_at_ms: 0, runs: BTreeMap::new(), head: None, receipt: None }
    }

    /// The peer is new, or came back and knows nothing.
    pub fn begin_again(&mut self) {
        *self = Telling::new(self.bulk_every_ms);
    }

    /// The replica offers these.
    pub fn offer(&mut self, have: Vec<Have>) {
        for wish in have {
            let fresh = Told { wish, length: None, at_ms: 0, again_ms: AGAIN_FIRST_MS };
            self.runs.entry(wish.at.run).or_insert(fresh).wish = wish;
        }
    }

    /// A run is gone.
    pub fn forget(&mut self, run: RunId) {
        self.runs.remove(&run);
    }

    /// The peer was served from this run: it is there, and is told soon again if what it was served is lost.
    pub fn served(&mut self, now_ms: u64, run: RunId) {
        if let Some(told) = self.runs.get_mut(&run) {
            (told.at_ms, told.again_ms) = (now_ms, AGAIN_FIRST_MS);
        }
    }

    /// Whether this head is to be said now: it is new, or was not heard of for long.
    pub fn head(&mut self, now_ms: u64, head: &SignedHead) -> bool {
        is_due(&mut self.head, now_ms, head)
    }

    /// Whether this receipt is to be said now.
    pub fn receipt(&mut self, now_ms: u64, receipt: &SignedReceipt) -> bool {
        is_due(&mut self.receipt, now_ms, receipt)
    }

    /// What is to be told now, if anything.
    pub fn due(&mut self, now_ms: u64) -> Option<Message> {
        let bulk = now_ms >= self.bulk_at_ms;
        let mut due: Vec<&mut Told> =
            self.runs.values_mut().filter(|told| told.is_due(now_ms, bulk)).collect();
        due.sort_by_key(|told| told.wish.feed.class);
        let told_bulk = due.iter().any(|told| !told.is_urgent());
        let mut have = Vec::new();
        for told in due.into_iter().take(MAX_HAVE) {
            told.again_ms =
                if told.is_new() { AGAIN_FIRST_MS } else { (told.again_ms * 2).min(AGAIN_MOST_MS) };
            told.length = Some(told.wish.at.length);
            told.at_ms = now_ms;
            have.push(told.wish);
        }
        // Where more waits than one message names, the rest follows at once.
        if told_bulk && have.len() < MAX_HAVE {
            self.bulk_at_ms = now_ms + self.bulk_every_ms;
        }
        (!have.is_empty()).then_some(Message::Have(have))
    }
}

impl Told {
    fn is_urgent(&self) -> bool {
        self.wish.feed.class < Class::FacilityBulk
    }

    fn is_new(&self) -> bool {
        self.length != Some(self.wish.at.length)
    }

    fn is_due(&self, now_ms: u64, bulk: bool) -> bool {
        let again = now_ms >= self.at_ms.saturating_add(self.again_ms);
        let new = self.is_new() && (self.is_urgent() || bulk);
        new || (again && self.length.is_some() && !self.is_new())
    }
}

fn is_due<T: Clone + PartialEq>(said: &mut Option<Said<T>>, now_ms: u64, what: &T) -> bool {
    match said {
        Some(said) if said.what == *what => {
            let due = now_ms >= said.at_ms.saturating_add(said.again_ms);
            if due {
                (said.at_ms, said.again_ms) = (now_ms, (said.again_ms * 2).min(AGAIN_MOST_MS));
            }
            due
        }
        Some(_) | None => {
            *said = Some(Said { what: what.clone(), at_ms: now_ms, again_ms: AGAIN_FIRST_MS });
            true
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use ledger::{AuthorId, Prior, Root};

    fn have(run: u8, feed: &str, length: u64) -> Have {
        let at = Prior { run: RunId([run; 16]), length, root: Root([0; 32]) };
        Have { at, author: AuthorId([1; 32]), feed: feed.parse().unwrap(), from: 0 }
    }

    fn check(telling: &mut Telling, now_ms: u64, offered: Vec<Have>, told: &[(u8, u64)]) {
        telling.offer(offered);
        let said = match telling.due(now_ms) {
            Some(Message::Have(have)) => have.iter().map(|have| (have.at.run.0[0], have.at.length)).collect(),
            None => Vec::new(),
            other => panic!("{other:?}"),
        };
        assert_eq!(said, told, "at {now_ms}");
    }

    #[test]
    fn what_is_urgent_is_told_at_once_and_what_is_much_each_minute() {
        let mut telling = Telling::new(60_000);
        let both = |urgent, bulk| vec![have(1, "device/bulk", bulk), have(2, "device/urgent", urgent)];
        check(&mut telling, 0, both(1, 1), &[(2, 1), (1, 1)]);
        check(&mut telling, 100, both(2, 2), &[(2, 2)]);
        check(&mut telling, 200, both(2, 3), &[]);
        check(&mut telling, 300, both(3, 4), &[(2, 3)]);
        telling.served(59_000, RunId([2; 16]));
        check(&mut telling, 60_000, both(3, 900), &[(1, 900)]);
    }

    #[test]
    fn what_is_not_answered_is_said_again_ever_more_seldom() {
        let mut telling = Telling::new(0);
        let mut said = Vec::new();
        for now_s in 0..300 {
            telling.offer(vec![have(2, "device/urgent", 5)]);
            if telling.due(now_s * 1_000).is_some() {
                said.push(now_s);
            }
        }
        assert_eq!(said, [0, 2, 6, 14, 30, 62, 122, 182, 242]);
    }

    #[test]
    fn who_was_served_is_told_soon_again() {
        let mut telling = Telling::new(0);
        let run = || vec![have(2, "device/urgent", 5)];
        check(&mut telling, 0, run(), &[(2, 5)]);
        check(&mut telling, 2_000, run(), &[(2, 5)]);
        check(&mut telling, 6_000, run(), &[(2, 5)]);
        telling.served(6_500, RunId([2; 16]));
        check(&mut telling, 8_400, run(), &[]);
        check(&mut telling, 8_500, run(), &[(2, 5)]);
    }

    #[test]
    fn more_runs_than_one_message_names_follow_at_once() {
        let mut telling = Telling::new(60_000);
        let many = (0..1_000_u32).map(|number| {
            let mut have = have(0, "device/bulk", 1);
            have.at.run.0[..4].copy_from_slice(&number.to_be_bytes());
            have
        });
        telling.offer(many.collect());
        let count = |telling: &mut Telling| match telling.due(10) {
            Some(Message::Have(have)) => have.len(),
            _ => 0,
        };
        assert_eq!([count(&mut telling), count(&mut telling), count(&mut telling)], [512, 488, 0]);
    }
}
