//! The figures of the search: ours beside FAISS's exact index on the same rows and probes, and beside how fast this machine
//! reads as many bytes.
//!
//! Galleries are synthetic (`models::search::synthetic`): isotropic, which is the worst for a bound, and with the spread
//! that templates of real faces have. Before anything is timed, both must have found the same rows for every probe.

use std::path::PathBuf;
use std::time::Duration;

use gate::Score;
use models::search::Workers;
use models::search::figures::{BEYOND_CACHES, Road, Sample, WIDTH, fastest_read};
use models::search::synthetic::Spread;
use serde::Deserialize;
use serde_json::json;

use crate::Bench;
use crate::allocations;
use crate::failure::{At as _, Failure};
use crate::figure::{Figure, Reach};
use crate::measure::{self, Contender, Judged, Laps, laps, processor_time, quantile};
use crate::networks::{judge, named};
use crate::peer::{Library, PeerContender};

const PROBES: usize = 16;
const SEED: u64 = 2026;
/// A visit asks for the best person and the runner-up.
const WANTED: usize = 2;
/// So many best rows of each probe must be the same on both sides.
const COMPARED: usize = 10;
/// Scores that differ by no more are equal: the same products are added in another order.
const SAME_SCORE: f32 = 1e-6;
/// Rows that one timed run should pass at least, so that calling a peer costs little beside searching.
const ROWS_PER_RUN: usize = 1_000_000;
const MOST_SEARCHES_PER_RUN: usize = 200;
/// Rounds in which calling the peer is timed.
const CALL_ROUNDS: usize = 5;
/// Each round of reading takes about a second.
const MOST_STREAM_ROUNDS: usize = 10;
const MIB: f64 = 1024.0 * 1024.0;

/// One gallery and what is measured on it.
struct Subject {
    references: usize,
    spread: Spread,
    threads: usize,
    comparisons: &'static [(&'static str, Road, Option<Reach>)],
    memory: Option<&'static str>,
    stream: Option<&'static str>,
}

const SUBJECTS: [Subject; 5] = [
    Subject {
        references: 3_500,
        spread: Spread::Faces,
        threads: 1,
        comparisons: &[("search_3500_vs_faiss", Road::Bounded, None)],
        memory: Some("search_3500_memory"),
        stream: None,
    },
    Subject {
        references: 60_000,
        spread: Spread::Faces,
        threads: 1,
        comparisons: &[("search_60000_vs_faiss", Road::Bounded, None)],
        memory: Some("search_60000_memory"),
        stream: None,
    },
    Subject {
        references: 1_000_000,
        spread: Spread::Faces,
        threads: 1,
        comparisons: &[
            ("search_1m_vs_faiss", Road::EveryCode, Some(Reach::AtMost(0.25))),
            ("search_1m_bound_vs_faiss", Road::Bounded, Some(Reach::AtMost(0.15))),
        ],
        memory: Some("search_1m_memory"),
        stream: Some("search_stream_share"),
    },
    Subject {
        references: 1_000_000,
        spread: Spread::Isotropic,
        threads: 1,
        comparisons: &[("search_1m_bound_vs_faiss_isotropic", Road::Bounded, None)],
        memory: None,
        stream: None,
    },
    Subject {
        references: 1_000_000,
        spread: Spread::Faces,
        threads: 2,
        comparisons: &[
            ("search_1m_vs_faiss", Road::EveryCode, None),
            ("search_1m_bound_vs_faiss", Road::Bounded, None),
        ],
        memory: None,
        stream: None,
    },
];

/// Every figure of a search.
pub(crate) fn figures(bench: &Bench) -> Result<(), Failure> {
    SUBJECTS.iter().try_for_each(|subject| of_gallery(bench, subject))
}

fn of_gallery(bench: &Bench, subject: &Subject) -> Result<(), Failure> {
    let names = subject.comparisons.iter().map(|(name, ..)| named(name, subject.threads));
    let others = subject.memory.into_iter().chain(subject.stream).map(str::to_owned);
    if !names.chain(others).any(|name| bench.wants(&name)) {
        return Ok(());
    }
    let workers = Workers::start(subject.threads).map_err(|error| {
        Failure::Unusable(format!("{} threads cannot be started: {error}", subject.threads))
    })?;
    let (sample, held) =
        allocations::held_by(|| Sample::new(subject.spread, subject.references, PROBES, SEED, &workers));
    let files = Files::write(bench, &sample)?;
    let faiss = bench.peers.running(Library::Faiss)?;
    let before = faiss.borrow_mut().memory()?.resident_mib;
    let mut peers = vec![files.load(bench, subject, "IndexFlatIP", (None, 1))?];
    let grown = faiss.borrow_mut().memory()?.resident_mib - before;
    if subject.threads > 1 {
        // One probe is never divided among threads, unless the index is.
        peers.push(files.load(bench, subject, "IndexShards of IndexFlatIP", (None, subject.threads))?);
    }
    peers.iter().try_for_each(|peer| same_rows(peer, &sample))?;
    let mut of_one_row = files.load(bench, subject, "IndexFlatIP of one row", (Some(1), 1))?;
    for (name, road, reach) in subject.comparisons {
        let name = named(name, subject.threads);
        if bench.wants(&name) {
            let figure = compare(bench, subject, Figure::new(name, "ms"), (&sample, *road), &mut peers)?;
            bench.print(with_call(figure.reach(*reach), &mut of_one_row, subject)?);
        }
    }
    if let Some(name) = subject.memory.filter(|name| bench.wants(name)) {
        // The copy of the rows that the peer was given is not the index's.
        let ours = (held as f64 - size_of_val(sample.templates()) as f64) / MIB;
        let figure = Figure::new(name, "MiB").values(Some(ours), Library::Faiss.name(), Some(grown));
        bench.print(figure.detail("threads", subject.threads).detail("references", subject.references));
    }
    if let Some(name) = subject.stream.filter(|name| bench.wants(name)) {
        bench.print(stream(Figure::new(name, "GB/s"), &sample, bench.rounds));
    }
    Ok(())
}

/// One road beside the peers, in turns.
fn compare(
    bench: &Bench,
    subject: &Subject,
    figure: Figure,
    (sample, road): (&Sample, Road),
    peers: &mut Vec<PeerContender>,
) -> Result<Figure, Failure> {
    let searches = searches_per_run(subject.references);
    let mut ours = Searcher { sample, road, next: 0, searches };
    let mut contenders: Vec<Box<dyn Contender + '_>> = vec![Box::new(&mut ours)];
    for peer in peers {
        contenders.push(Box::new(Divided { peer, searches }));
    }
    let mut results = measure::in_turns(&mut contenders, bench.rounds)?;
    let ours = results.remove(0);
    let judged = Judged::by_threads(subject.threads);
    let figure = judge(figure, Some(&ours), &results, judged);
    let spread = match subject.spread {
        Spread::Isotropic => "isotropic",
        Spread::Faces => "as of real templates",
    };
    let read = match road {
        Road::EveryCode => "8-bit codes of every row, then what their error bound cannot exclude",
        Road::Bounded => "4-bit codes of every row, then what their error bound cannot exclude",
    };
    Ok(figure
        .detail("threads", subject.threads)
        .detail("references", subject.references)
        .detail("templates", spread)
        .detail("reads", read)
        .detail("identical", true)
        .detail("searches_per_run", searches)
        .detail("index_built_in_ms", sample.built_in.as_secs_f64() * 1e3))
}

/// Adds what a call of the peer costs by itself (it is called from Python), and the ratio without that.
fn with_call(figure: Figure, of_one_row: &mut PeerContender, subject: &Subject) -> Result<Figure, Failure> {
    let searches = searches_per_run(subject.references);
    let mut alone: [Box<dyn Contender + '_>; 1] = [Box::new(Divided { peer: of_one_row, searches })];
    let call =
        measure::in_turns(&mut alone, CALL_ROUNDS)?[0].judged(Judged::by_threads(subject.threads)).median;
    let ratio = figure.ours.zip(figure.peer_value).map(|(ours, peer)| ours / (peer - call));
    Ok(figure.detail("peer_call_ms", call).detail("ratio_without_call", ratio))
}

/// How fast the scan of all 8-bit codes reads, beside the fastest read of as many bytes and of more than caches hold. Who
/// else uses the memory disturbs both, so that each round has a share of its own: of its fastest read, its median search's.
fn stream(figure: Figure, sample: &Sample, rounds: usize) -> Figure {
    let bytes = sample.bytes_read(Road::EveryCode);
    let speed = |seconds: f64| bytes as f64 / seconds / 1e9;
    let round = |_| {
        let times = sample.times(Road::EveryCode, &processor_time);
        let times: Vec<f64> = times.iter().map(Duration::as_secs_f64).collect();
        let read = fastest_read(bytes, &processor_time).as_secs_f64();
        (speed(quantile(&times, 0.5)), speed(quantile(&times, 0.0)), speed(read))
    };
    let mut rounds: Vec<(f64, f64, f64)> = (0..rounds.min(MOST_STREAM_ROUNDS)).map(round).collect();
    rounds.sort_by(|left, right| (left.0 / left.2).total_cmp(&(right.0 / right.2)));
    let shares: Vec<f64> = rounds.iter().map(|(median, _, read)| median / read).collect();
    let (ours, fastest, read) = rounds[rounds.len() / 2];
    let beyond = BEYOND_CACHES as f64 / fastest_read(BEYOND_CACHES, &processor_time).as_secs_f64() / 1e9;
    figure
        .values(Some(ours), "reading", Some(read))
        .peer_name("the fastest read of the same bytes by one thread")
        .reach(Some(Reach::AtLeast(0.8)))
        .detail("threads", 1)
        .detail("bytes", bytes)
        .detail("judged_by", "processor time")
        .detail("spread", json!({"share": quantile(&shares, 0.75) - quantile(&shares, 0.25)}))
        .detail("share_of_fastest_search", fastest / read)
        .detail("share_of_2_gib_read", ours / beyond)
        .detail("read_of_2_gib", beyond)
}

fn searches_per_run(references: usize) -> usize {
    (ROWS_PER_RUN / references).clamp(1, MOST_SEARCHES_PER_RUN)
}

/// Ours.
struct Searcher<'a> {
    sample: &'a Sample,
    road: Road,
    next: usize,
    searches: usize,
}

impl Contender for &mut Searcher<'_> {
    fn name(&self) -> &'static str {
        "ours"
    }

    fn turn(&mut self, runs: usize) -> Result<Laps, Failure> {
        let all = laps(runs, || {
            for _ in 0..self.searches {
                self.next = (self.next + 1) % self.sample.probes.len();
                let (index, probe) = (&self.sample.index, &self.sample.probes[self.next]);
                let found = match self.road {
                    Road::Bounded => index.search(probe),
                    Road::EveryCode => index.search_every_code(probe),
                };
                std::hint::black_box(found.expect("all are of one model"));
            }
            Ok(())
        });
        Ok(all?.divided(self.searches))
    }
}

/// A peer of which each run is several searches.
struct Divided<'a> {
    peer: &'a mut PeerContender,
    searches: usize,
}

impl Contender for Divided<'_> {
    fn name(&self) -> &str {
        self.peer.name()
    }

    fn library(&self) -> &'static str {
        self.peer.library()
    }

    fn turn(&mut self, runs: usize) -> Result<Laps, Failure> {
        Ok(self.peer.turn(runs)?.divided(self.searches))
    }
}

/// The rows and the probes, written for the peer.
struct Files {
    rows: PathBuf,
    probes: PathBuf,
}

impl Files {
    fn write(bench: &Bench, sample: &Sample) -> Result<Self, Failure> {
        let files =
            Self { rows: bench.folders.out.join("rows.f32"), probes: bench.folders.out.join("probes.f32") };
        let probes: Vec<f32> = sample.probes.iter().flat_map(|probe| probe.0.vector()).copied().collect();
        for (file, numbers) in [(&files.rows, sample.templates()), (&files.probes, &probes)] {
            let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            std::fs::write(file, bytes).at("write for the peer", file)?;
        }
        Ok(files)
    }

    fn load(
        &self,
        bench: &Bench,
        subject: &Subject,
        setting: &str,
        (first, shards): (Option<usize>, usize),
    ) -> Result<PeerContender, Failure> {
        let request = json!({
            "first": first,
            "rows": self.rows, "probes": self.probes, "width": WIDTH, "threads": subject.threads,
            "nearest": WANTED, "searches": searches_per_run(subject.references), "shards": shards
        });
        bench.peers.load(Library::Faiss, setting, request)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // Half a gigabyte that nobody needs any more; one that stays is overwritten next time.
        [&self.rows, &self.probes].into_iter().for_each(|file| _ = std::fs::remove_file(file));
    }
}

#[derive(Deserialize)]
struct Found {
    ids: Vec<Vec<usize>>,
    scores: Vec<Vec<f32>>,
}

/// The best rows of every probe must be the same, in the same order unless their scores are equal.
fn same_rows(peer: &PeerContender, sample: &Sample) -> Result<(), Failure> {
    let theirs: Found = peer.answer(json!({"nearest": COMPARED}))?;
    for (number, probe) in sample.probes.iter().enumerate() {
        let ours = sample.index.nearest(probe, COMPARED);
        let ours = ours.map_err(|error| Failure::Unusable(error.to_string()))?;
        let theirs: Vec<(usize, Score)> = theirs.ids[number]
            .iter()
            .copied()
            .zip(theirs.scores[number].iter().copied().map(Score))
            .collect();
        if !alike(&ours, &theirs) {
            return Err(Failure::Unusable(format!(
                "ours and {} do not find the same rows for probe {number}",
                peer.name()
            )));
        }
    }
    Ok(())
}

fn alike(ours: &[(usize, Score)], theirs: &[(usize, Score)]) -> bool {
    let close = |left: Score, right: Score| (left.0 - right.0).abs() <= SAME_SCORE;
    let at_place = ours.iter().zip(theirs).all(|(ours, theirs)| close(ours.1, theirs.1));
    // A row in another place, or in none, must have a score that the last one of the list shares with others.
    let Some(last) = ours.last() else { return theirs.is_empty() };
    let listed = |(row, score): &(usize, Score)| {
        close(*score, last.1) || theirs.iter().any(|(other, theirs)| other == row && close(*score, *theirs))
    };
    ours.len() == theirs.len() && at_place && ours.iter().all(listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_the_same_if_only_equal_scores_change_places() {
        let list = |rows: [(usize, f32); 3]| rows.map(|(row, score)| (row, Score(score)));
        let ours = list([(7, 0.9), (3, 0.5), (5, 0.4)]);
        assert!(alike(&ours, &ours));
        assert!(alike(&list([(7, 0.9), (3, 0.5), (5, 0.5)]), &list([(7, 0.9), (5, 0.5), (3, 0.5)])));
        assert!(!alike(&ours, &list([(3, 0.9), (7, 0.5), (5, 0.4)])));
        assert!(!alike(&ours, &list([(7, 0.9), (3, 0.500_01), (5, 0.4)])));
        assert!(!alike(&ours, &ours[..2]));
        assert!(!alike(&ours, &list([(7, f32::NAN), (3, 0.5), (5, 0.4)])));
    }

    #[test]
    fn small_galleries_are_searched_many_times_in_a_run() {
        assert_eq!([3_500, 60_000, 1_000_000].map(searches_per_run), [200, 16, 1]);
    }
}
