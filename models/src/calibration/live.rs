//! Does the card's promise hold at this door? A running count of impostor scores, and an alarm when it does not.
//!
//! Every search compares the subject with everybody else as well, and the card promises how rarely those scores reach its
//! measured points. [`LiveTail`] counts how often they do. It is a value: no clock, no files, ids and numbers only.
//!
//! **What is an impostor score.** All references but those of the best matching person, whether that person was confirmed
//! or not: a person who is enrolled and was recognised badly is no impostor of their own reference, and nothing at the door
//! tells them from a stranger. That a stranger's best match is left out loses evidence and never invents any.
//!
//! **What is one piece of evidence.** Comparisons that share a person are not independent, so
//! - a visitor who was confirmed counts once, with the first visit of a period; of an unknown visitor every visit counts,
//!   since nothing may link them, but see the next line;
//! - a reference person counts as reached once for each point in a period, whoever reached it, and is not looked at again;
//! - a visit that reaches many people counts for one, and for a few times those expected;
//! - of two people who both came, the comparison of the later with the earlier is left out: it was made already;
//! - if a confirmed visitor is as much like exactly one other person as the door's margin (enrolled twice, or twins), that
//!   one is left out: enrolment names such pairs, and the door asks them for another factor.
//!
//! **When it alarms.** The null hypothesis is that a comparison reaches point *k* at most at the upper end of the card's
//! interval for it. Then a visit reaches at most `references * rate` people in the mean, however its comparisons hang
//! together. For each point and several suppositions of how much worse it could be, a stake is put on the visit that
//! multiplies by `1 + s * (reached / expected - 1)`, which does not grow in the mean under the null hypothesis. The mean of
//! all stakes exceeds `1 / a` with a probability of at most `a`, however long and often one looks (Ville's inequality).
//! With [`FALSE_ALARM`] that is the confidence per period of [`PERIOD`] visits. The alarm stays until the program restarts.
//!
//! **What it can see** (simulated in the tests, made-up scores): with 300 people a rate 3 times worse is found nearly always
//! if people are alike, 4 times worse in three of four doors if they differ as nearly isotropic templates do; with 60
//! people it takes about 16 times. What is less bad, or hits few people, stays unseen.

use std::collections::HashSet;

use gate::{Candidates, PersonId, Score, Threshold};

use super::measure::rate_factor;
use crate::card::Card;

/// Probability of a false alarm in one period, if the card's promise holds.
pub const FALSE_ALARM: f64 = 1e-3;

/// After so many visits that brought evidence everything is counted anew, so that a change after years is seen as well.
pub const PERIOD: u64 = 10_000;

/// Protects memory in very large galleries: a point that has reached so many people in one period rests until the next.
const MOST_REMEMBERED: usize = 65_536;

/// Protects memory: of one visit so many people are looked at.
const MOST_REACHED: usize = 1_024;

/// Of one visit, one person who was reached counts, and so many times those expected.
const ABOVE_EXPECTATION: f64 = 4.0;

/// How much worse than promised the stakes suppose that it is.
const WORSE: [f64; 5] = [1.125, 1.5, 3.0, 9.0, 33.0];

/// Part of a stake that is risked in one visit, at most.
const MOST_RISKED: f64 = 0.5;

/// Who stood there, as far as the search tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visitor {
    /// The best person's score reached the threshold.
    Confirmed(PersonId),
    /// Nobody's did: a stranger, or somebody who was recognised badly.
    Unknown,
}

/// The impostor scores of one visit that reach a point of the card. Made from one search.
#[derive(Debug, Clone, PartialEq)]
pub struct Impostors {
    visitor: Visitor,
    /// References that were compared, less one of the best person.
    references: usize,
    /// Other people, each with the best score.
    reached: Vec<(PersonId, Score)>,
}

impl Impostors {
    /// Sorts one search. `above` are all references whose score reaches [`LiveTail::floor`], in any order; `references` is
    /// how many were compared; `margin` is the policy's.
    #[must_use]
    pub fn of(
        found: &Candidates,
        threshold: Threshold,
        margin: f32,
        references: usize,
        above: impl IntoIterator<Item = (PersonId, Score)>,
    ) -> Self {
        let best = found.best;
        let confirmed = best.filter(|best| best.score >= threshold.score());
        let mut reached: Vec<(PersonId, Score)> = Vec::new();
        for (person, score) in above {
            if best.is_some_and(|best| best.person == person) {
                continue;
            }
            match reached.iter().position(|(other, _)| *other == person) {
                Some(place) if score > reached[place].1 => reached[place].1 = score,
                None if reached.len() < MOST_REACHED => reached.push((person, score)),
                Some(_) | None => {}
            }
        }
        if let Some(best) = confirmed {
            let double = |(_, score): &(PersonId, Score)| best.score.0 - score.0 < margin;
            if reached.iter().filter(|other| double(other)).count() == 1 {
                reached.retain(|other| !double(other));
            }
        }
        Self {
            visitor: confirmed.map_or(Visitor::Unknown, |best| Visitor::Confirmed(best.person)),
            references: references.saturating_sub(usize::from(best.is_some())),
            reached,
        }
    }

    /// Who stood there.
    #[must_use]
    pub fn visitor(&self) -> Visitor {
        self.visitor
    }
}

/// One measured point and what was seen of it in this period.
#[derive(Debug, Clone, PartialEq)]
struct Level {
    threshold: f32,
    fmr: f64,
    /// The upper end of the card's interval for the rate.
    upper: f64,
    /// People who are not looked at any more in this period: reached once, or were here.
    settled: HashSet<PersonId>,
    confirmed: Count,
    unknown: Count,
    /// Logarithms of the stakes, one for each of [`WORSE`].
    stakes: [f64; WORSE.len()],
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Count {
    reached: u64,
    expected: f64,
}

/// What [`LiveTail::tally`] says of one point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tally {
    /// The point's threshold.
    pub threshold: Score,
    /// The card's rate for a single comparison.
    pub fmr: f64,
    /// People other than the visitor who reached it, over confirmed visitors.
    pub reached: u64,
    /// As many as the card allows at most, by the upper end of its interval.
    pub allowed: f64,
    /// People other than the best who reached it, over unknown visitors. No allowance stands beside it: the best of each
    /// such visit is left out.
    pub reached_by_unknown: u64,
}

/// The card's promise does not hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alarm {
    /// The point that spoke loudest.
    pub threshold: Score,
    /// The card's rate for it.
    pub fmr: f64,
    /// People other than the visitor who reached it, confirmed and unknown visitors together.
    pub reached: u64,
    /// As many as the card allows at most.
    pub allowed: f64,
    /// Visits that brought evidence until then, in this period.
    pub visits: u64,
}

/// The running count.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveTail {
    levels: Vec<Level>,
    visitors: HashSet<PersonId>,
    visits: u64,
    limit: f64,
    alarm: Option<Alarm>,
}

impl LiveTail {
    /// Begins to count against a card's points. A card without points promises nothing and never alarms.
    #[must_use]
    pub fn new(card: &Card) -> Self {
        Self::with_false_alarm(card, FALSE_ALARM)
    }

    fn with_false_alarm(card: &Card, false_alarm: f64) -> Self {
        let levels = card.measured.comparison.iter().flat_map(|measured| {
            measured.points.iter().enumerate().map(|(place, point)| Level {
                threshold: point.threshold,
                fmr: point.fmr,
                upper: (point.fmr * rate_factor(measured.effective_matches(place))).min(1.0),
                settled: HashSet::new(),
                confirmed: Count::default(),
                unknown: Count::default(),
                stakes: [0.0; WORSE.len()],
            })
        });
        let levels: Vec<Level> = levels.collect();
        Self { levels, visitors: HashSet::new(), visits: 0, limit: (1.0 / false_alarm).ln(), alarm: None }
    }

    /// The lowest score that is of interest; `None` if nothing is.
    #[must_use]
    pub fn floor(&self) -> Option<Score> {
        self.levels.first().map(|level| Score(level.threshold))
    }

    /// Counts one visit. Returns the alarm when this visit raises it, once.
    pub fn observe(&mut self, seen: &Impostors) -> Option<Alarm> {
        let fresh = match seen.visitor {
            Visitor::Confirmed(person) => self.visitors.insert(person),
            Visitor::Unknown => true,
        };
        if !fresh || seen.references == 0 {
            return None;
        }
        self.visits += 1;
        self.levels.iter_mut().for_each(|level| level.observe(seen));
        let raised = self.judge();
        if self.visits >= PERIOD {
            self.begin_period();
        }
        raised
    }

    /// What was seen of each point in this period.
    pub fn tally(&self) -> impl Iterator<Item = Tally> {
        self.levels.iter().map(|level| Tally {
            threshold: Score(level.threshold),
            fmr: level.fmr,
            reached: level.confirmed.reached,
            allowed: level.confirmed.expected,
            reached_by_unknown: level.unknown.reached,
        })
    }

    /// Visits that brought evidence in this period.
    #[must_use]
    pub fn visits(&self) -> u64 {
        self.visits
    }

    /// The alarm, once it was raised.
    #[must_use]
    pub fn verdict(&self) -> Option<Alarm> {
        self.alarm
    }

    fn judge(&mut self) -> Option<Alarm> {
        let stakes = || self.levels.iter().flat_map(|level| level.stakes);
        let highest = stakes().fold(f64::NEG_INFINITY, f64::max);
        let mean =
            stakes().map(|stake| (stake - highest).exp()).sum::<f64>() / stakes().count().max(1) as f64;
        if self.alarm.is_some() || highest + mean.ln() < self.limit || !highest.is_finite() {
            return None;
        }
        let loudness = |level: &&Level| level.stakes.into_iter().fold(f64::NEG_INFINITY, f64::max);
        let loudest = self.levels.iter().max_by(|a, b| loudness(a).total_cmp(&loudness(b)))?;
        self.alarm = Some(Alarm {
            threshold: Score(loudest.threshold),
            fmr: loudest.fmr,
            reached: loudest.confirmed.reached + loudest.unknown.reached,
            allowed: loudest.confirmed.expected + loudest.unknown.expected,
            visits: self.visits,
        });
        self.alarm
    }

    fn begin_period(&mut self) {
        self.visitors.clear();
        self.visits = 0;
        for level in &mut self.levels {
            level.settled.clear();
            level.confirmed = Count::default();
            level.unknown = Count::default();
            level.stakes = [0.0; WORSE.len()];
        }
    }
}

impl Level {
    fn observe(&mut self, seen: &Impostors) {
        let own = match seen.visitor {
            Visitor::Confirmed(person) => usize::from(self.settled.contains(&person)),
            Visitor::Unknown => 0,
        };
        // Everybody who is settled has at least one reference; the visitor's own is subtracted already.
        let references = seen.references.saturating_sub(self.settled.len() - own);
        if references > 0 && self.settled.len() < MOST_REMEMBERED {
            let expected = references as f64 * self.upper;
            let reaches = |(person, score): &&(PersonId, Score)| {
                score.0 >= self.threshold && !self.settled.contains(person)
            };
            // One visit that reaches very many is still one visit: the rest of them may count with another visitor.
            let most = 1 + (ABOVE_EXPECTATION * expected) as usize;
            let reached = seen.reached.iter().filter(reaches).take(most);
            let reached: Vec<PersonId> = reached.map(|(person, _)| *person).collect();
            self.stake(seen.visitor, reached.len() as f64, expected);
            let count = match seen.visitor {
                Visitor::Confirmed(_) => &mut self.confirmed,
                Visitor::Unknown => &mut self.unknown,
            };
            count.reached += reached.len() as u64;
            count.expected += expected;
            self.settled.extend(reached);
        }
        if let Visitor::Confirmed(person) = seen.visitor {
            self.settled.insert(person);
        }
    }

    fn stake(&mut self, visitor: Visitor, reached: f64, expected: f64) {
        for (stake, worse) in self.stakes.iter_mut().zip(WORSE) {
            let supposed = match visitor {
                Visitor::Confirmed(_) => worse,
                // The best is left out: where few are reached, two must be, before one counts.
                Visitor::Unknown => worse.min((worse * worse * expected / 2.0).max(1.0)),
            };
            let risked = (expected.min(1.0) * (supposed - 1.0)).min(MOST_RISKED);
            *stake += (risked * (reached / expected - 1.0)).ln_1p();
        }
    }
}

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
