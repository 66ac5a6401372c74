//! Measuring two or more in turns: every round gives each of them the same number of runs, so that whatever else the
//! machine does meets all of them.
//!
//! What counts is a contender's median round, and a round is its median run. Processor time is what one thread is judged
//! by: it does not see who else wants the processor. Several threads are judged by the wall's time, because more threads
//! never spend less of the processor's; it needs a quiet machine.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// Runs of one contender in a round; one more, not counted, comes before them.
pub(crate) const RUNS: usize = 3;

/// How long each run of a turn took, in nanoseconds.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Laps {
    pub(crate) cpu_ns: Vec<f64>,
    pub(crate) wall_ns: Vec<f64>,
}

impl Laps {
    /// Of one of the `parts` that each run was made of.
    pub(crate) fn divided(mut self, parts: usize) -> Self {
        self.cpu_ns.iter_mut().chain(&mut self.wall_ns).for_each(|time| *time /= parts as f64);
        self
    }
}

/// Whoever can take turns.
pub(crate) trait Contender {
    /// As it is named in the output.
    fn name(&self) -> &str;
    /// Whose it is, without version and setting.
    fn library(&self) -> &'static str {
        "ours"
    }
    /// One run to warm up, then `runs` timed ones.
    fn turn(&mut self, runs: usize) -> Result<Laps, Failure>;
}

/// Which time is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judged {
    Processor,
    Wall,
}

impl Judged {
    pub(crate) fn by_threads(threads: usize) -> Self {
        if threads > 1 { Self::Wall } else { Self::Processor }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Processor => "processor time",
            Self::Wall => "wall time",
        }
    }
}

/// Milliseconds a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Summary {
    /// Of the rounds' medians.
    pub(crate) median: f64,
    /// The fastest run.
    pub(crate) minimum: f64,
    /// Between the quarters of the rounds, as a share of the median.
    pub(crate) spread: f64,
}

/// What one contender did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Outcome {
    #[serde(skip)]
    pub(crate) name: String,
    #[serde(skip)]
    pub(crate) library: &'static str,
    pub(crate) cpu_ms: Summary,
    pub(crate) wall_ms: Summary,
}

impl Outcome {
    pub(crate) fn judged(&self, judged: Judged) -> Summary {
        match judged {
            Judged::Processor => self.cpu_ms,
            Judged::Wall => self.wall_ms,
        }
    }
}

/// Lets them take turns, in the other direction every second round; the results come in the order of the contenders.
pub(crate) fn in_turns(
    contenders: &mut [Box<dyn Contender + '_>],
    rounds: usize,
) -> Result<Vec<Outcome>, Failure> {
    let mut laps: Vec<Vec<Laps>> = contenders.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds {
        for place in 0..contenders.len() {
            let place = if round % 2 == 0 { place } else { contenders.len() - 1 - place };
            laps[place].push(contenders[place].turn(RUNS)?);
        }
    }
    let result = |(contender, laps): (&dyn Contender, Vec<Laps>)| Outcome {
        name: contender.name().to_owned(),
        library: contender.library(),
        cpu_ms: summary(laps.iter().map(|laps| laps.cpu_ns.as_slice())),
        wall_ms: summary(laps.iter().map(|laps| laps.wall_ns.as_slice())),
    };
    Ok(contenders.iter().map(|contender| &**contender as &dyn Contender).zip(laps).map(result).collect())
}

/// The best of the peers by the judged time.
pub(crate) fn best(peers: &[Outcome], judged: Judged) -> Option<&Outcome> {
    peers.iter().min_by(|left, right| left.judged(judged).median.total_cmp(&right.judged(judged).median))
}

/// Of nanoseconds, round by round.
pub(crate) fn summary<'a>(rounds: impl Iterator<Item = &'a [f64]>) -> Summary {
    let (mut medians, mut minimum) = (Vec::new(), f64::INFINITY);
    for round in rounds {
        medians.push(quantile(round, 0.5) / 1e6);
        minimum = round.iter().fold(minimum, |least, time| least.min(time / 1e6));
    }
    let median = quantile(&medians, 0.5);
    let spread = (quantile(&medians, 0.75) - quantile(&medians, 0.25)) / median;
    Summary { median, minimum, spread }
}

/// The value that this share of the values does not exceed; not a number if there are none.
pub(crate) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
}

/// The processor time that all threads of this process have spent.
pub(crate) fn processor_time() -> Duration {
    since_start(ClockId::ProcessCPUTime)
}

/// The wall's time since some fixed point.
pub(crate) fn wall_time() -> Duration {
    since_start(ClockId::Monotonic)
}

fn since_start(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    // Neither part of these two clocks is ever negative.
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Times `work` as a peer times itself.
pub(crate) fn laps(runs: usize, mut work: impl FnMut() -> Result<(), Failure>) -> Result<Laps, Failure> {
    work()?;
    let mut laps = Laps::default();
    for _ in 0..runs {
        let (processor, wall) = (processor_time(), wall_time());
        work()?;
        laps.cpu_ns.push((processor_time() - processor).as_nanos() as f64);
        laps.wall_ns.push((wall_time() - wall).as_nanos() as f64);
    }
    Ok(laps)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    struct Fixed(Vec<f64>);

    impl Contender for Fixed {
        fn name(&self) -> &'static str {
            "fixed"
        }
        fn turn(&mut self, runs: usize) -> Result<Laps, Failure> {
            let ms = self.0.remove(0);
            Ok(Laps { cpu_ns: vec![ms * 1e6; runs], wall_ns: vec![ms * 2e6; runs] })
        }
    }

    #[test]
    fn one_disturbed_round_moves_neither_the_median_nor_the_minimum() {
        let quiet = Fixed(vec![2.0, 2.0, 2.0, 2.0, 2.0]);
        let disturbed = Fixed(vec![3.0, 3.0, 90.0, 3.0, 3.0]);
        let results = in_turns(&mut [Box::new(quiet), Box::new(disturbed)], 5).unwrap();
        assert_eq!(results[0].cpu_ms, Summary { median: 2.0, minimum: 2.0, spread: 0.0 });
        assert_eq!(results[1].cpu_ms, Summary { median: 3.0, minimum: 3.0, spread: 0.0 });
        assert_eq!(results[1].wall_ms.median, 6.0);
    }

    #[test]
    fn several_threads_are_judged_by_the_wall_and_the_best_peer_is_the_one_that_is_fastest_by_it() {
        let result = |name: &str, cpu, wall| Outcome {
            name: name.to_owned(),
            library: "peer",
            cpu_ms: Summary { median: cpu, minimum: cpu, spread: 0.0 },
            wall_ms: Summary { median: wall, minimum: wall, spread: 0.0 },
        };
        let peers = [result("spins", 40.0, 18.0), result("sleeps", 22.0, 19.0)];
        assert_eq!(best(&peers, Judged::by_threads(2)).unwrap().name, "spins");
        assert_eq!(best(&peers, Judged::by_threads(1)).unwrap().name, "sleeps");
    }

    #[test]
    fn work_is_charged_to_the_processor_and_waiting_is_not() {
        let waiting = laps(2, || {
            std::thread::sleep(Duration::from_millis(30));
            Ok(())
        });
        let waiting = waiting.unwrap();
        assert!(waiting.wall_ns.iter().all(|ns| *ns >= 30e6), "{waiting:?}");
        assert!(waiting.cpu_ns.iter().all(|ns| *ns < 30e6), "{waiting:?}");
    }
}
