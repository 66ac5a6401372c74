//! What the benchmarks measure of a search: synthetic galleries, times of single searches, and the machine's own bound,
//! which is how fast it can read as many bytes.
//!
//! The clock is the caller's: the processor time of a thread where one thread searches, because a search of two
//! milliseconds is shorter than the scheduler's turns on a busy machine; the wall's where several do. A peer is timed on
//! [`Sample::templates`] and [`Sample::probes`], in turns with ours, by the same clock.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// Time since any fixed point.
pub type Clock<'a> = &'a dyn Fn() -> Duration;

use gate::{Gallery, ModelId, PersonId, Probe, Reference, Standing, Template};

use super::{
    Index, Workers,
    codes::Line,
    kernels::read::{Way, ways},
    synthetic::{People, Spread},
};

/// Numbers of a template.
pub const WIDTH: usize = 128;
/// More than any cache holds.
pub const BEYOND_CACHES: usize = 2 << 30;
/// How often a read is timed; the fastest counts, because the bound is what the machine can do.
const READS: usize = 15;

/// Which codes a search reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Road {
    /// The coarse codes, and the fine ones of what remains: the search that the kiosk makes.
    Bounded,
    /// The fine codes of every row.
    EveryCode,
}

/// A gallery of synthetic people, one template each, and probes of people who are not in it.
pub struct Sample {
    /// The gallery, ready to be searched.
    pub index: Index,
    /// Who is looked for.
    pub probes: Vec<Probe>,
    /// How long it took to make the index of the gallery.
    pub built_in: Duration,
    templates: Vec<f32>,
}

impl Sample {
    /// Makes one, the same for the same seed.
    #[must_use]
    pub fn new(spread: Spread, references: usize, probes: usize, seed: u64, workers: &Workers) -> Self {
        let model = ModelId::new("synthetic");
        let mut people = People::new(spread, WIDTH, seed);
        let mut next = || {
            let vector = people.person(1).swap_remove(0);
            Template::new(model.clone(), vector).expect("a random vector has a direction")
        };
        let mut gallery = Gallery::new(model.clone(), WIDTH);
        for row in 0..references as u128 {
            let (person, standing) = (PersonId(row.to_be_bytes()), Standing::Active);
            let reference = Reference { person, standing, template: next() };
            gallery.insert(&reference).expect("all are of one model");
        }
        let probes = (0..probes).map(|_| Probe(next())).collect();
        let templates = gallery.vectors().to_vec();
        let started = Instant::now();
        let index = Index::new(gallery, workers);
        Self { index, probes, built_in: started.elapsed(), templates }
    }

    /// The gallery's rows one after another, [`WIDTH`] numbers each: what a peer is given.
    #[must_use]
    pub fn templates(&self) -> &[f32] {
        &self.templates
    }

    /// One search for each probe, each timed.
    #[must_use]
    pub fn times(&self, road: Road, clock: Clock<'_>) -> Vec<Duration> {
        let search = |probe| {
            let started = clock();
            let found = match road {
                Road::Bounded => self.index.search(probe),
                Road::EveryCode => self.index.search_every_code(probe),
            };
            _ = black_box(found.expect("all are of one model"));
            clock().saturating_sub(started)
        };
        self.probes.iter().map(search).collect()
    }

    /// How many bytes of codes a search by `road` reads at least.
    #[must_use]
    pub fn bytes_read(&self, road: Road) -> usize {
        match road {
            Road::Bounded => self.index.bytes_of_codes() / 2,
            // The bounds of the coarse codes are not read.
            Road::EveryCode => self.index.bytes_of_codes() - self.index.references() * size_of::<u32>(),
        }
    }
}

/// The fastest that one thread can read so many bytes: the best of several ways to read, each tried several times.
#[must_use]
pub fn fastest_read(bytes: usize, clock: Clock<'_>) -> Duration {
    let memory = vec![Line([1; 64]); bytes / size_of::<Line>()];
    let time = |way: Way| {
        let started = clock();
        black_box(way(black_box(&memory)));
        clock().saturating_sub(started)
    };
    let ways = ways();
    // The ways take turns, so that a noisy moment meets all of them.
    (0..READS).flat_map(|_| ways.iter().copied().map(time)).min().unwrap_or_default()
}
