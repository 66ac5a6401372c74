//! Exact 1:N search: what [`gate::Gallery::search`] says, in a fraction of the time.
//!
//! A search of a million references is bound by memory, so what counts is how many bytes are read. The [`Index`] keeps the
//! rows as they are and beside them codes of 8 bits, in two planes of 4 (`codes`). A search reads the upper plane (an
//! eighth of the rows' bytes) and computes for each row the most that its score can be (`probe`, which also says why that
//! is so); only rows that may reach the score that is needed are compared in `f32`, by the very arithmetic of the gallery.
//! So the result is *identical*: the same persons and rows in the same order, to the last bit of their scores. Where a
//! row remains, the lower plane of its block is read before the row is. How rows are laid out makes it fast on any
//! processor (`kernels`); `wanted` says what is needed, `segment` puts it together. Huge pages are not asked for: they
//! made a search of a million at most a few percent faster.
//!
//! # Changes
//!
//! An index never changes. It is a list of segments that never change either, and a change makes a new index that shares
//! all it can: [`Index::with_added`] copies the last segment and adds rows to it, or begins a new one once the last is
//! [`FULL`]; [`Index::with_standing`] copies no row at all; [`Index::without`], which is rare, copies the segments that
//! had the person. So whoever makes a change puts the new index in place at once, while searches go on in the old, and no
//! search ever waits for a change or sees half of it.

mod codes;
pub mod exhaustive;
pub mod figures;
mod kernels;
mod probe;
mod segment;
pub mod synthetic;
#[cfg(test)]
mod tests;
mod wanted;
mod workers;

use std::{collections::BTreeMap, fmt, ops::Range, sync::Arc};

use gate::{Candidates, Gallery, ModelId, ModelMismatch, PersonId, Probe, Reference, Score, Standing};
use rayon::prelude::*;

pub use kernels::Kernel;
use probe::Encoded;
pub use probe::LONGEST_TEMPLATE;
use segment::{Passes, Question, Segment};
use wanted::{Above, BestPersons, Floor, Nearest, Together, Wanted};
pub use workers::Workers;

/// Rows from which on a segment is not copied when one is added: copying them costs less than a frame's time.
pub const FULL: usize = 4096;
/// Blocks that one thread searches at a time: two megabytes of codes, long beside waking a thread.
const BLOCKS_PER_SHARE: usize = 2048;

/// A gallery made ready to be searched: an immutable snapshot.
#[derive(Clone)]
pub struct Index {
    segments: Vec<Arc<Segment>>,
    /// The shares into which several threads divide a search, in the order of the rows.
    shares: Arc<[Share]>,
    /// Standings that changed since their rows were taken in.
    standings: Arc<BTreeMap<PersonId, Standing>>,
    workers: Workers,
    kernel: Kernel,
}

/// Some blocks of one segment.
#[derive(Clone)]
struct Share {
    segment: usize,
    blocks: Range<usize>,
}

impl Index {
    /// Makes `gallery` ready, with as many threads as will search.
    ///
    /// # Panics
    /// Its templates are longer than [`LONGEST_TEMPLATE`].
    #[must_use]
    pub fn new(gallery: Gallery, workers: &Workers) -> Self {
        assert!(gallery.width() <= LONGEST_TEMPLATE, "a template has at most {LONGEST_TEMPLATE} numbers");
        let segments = vec![Arc::new(Segment::new(gallery, workers))];
        Self {
            shares: shares(&segments),
            segments,
            standings: Arc::default(),
            workers: workers.clone(),
            kernel: Kernel::best(),
        }
    }

    /// The same index, searched with `kernel`: every kernel finds the same.
    #[must_use]
    pub fn with_kernel(self, kernel: Kernel) -> Self {
        Self { kernel, ..self }
    }

    /// This index and more rows, in this order after its own.
    ///
    /// # Errors
    /// [`ModelMismatch`] if another model made a reference.
    pub fn with_added(&self, references: &[Reference]) -> Result<Self, ModelMismatch> {
        let mut segments = self.segments.clone();
        let last = self.last();
        let mut gallery = if last.references() < FULL {
            segments.pop();
            last.clone()
        } else {
            Gallery::new(last.model().clone(), last.width())
        };
        references.iter().try_for_each(|reference| gallery.insert(reference))?;
        segments.push(Arc::new(Segment::new(gallery, &self.workers)));
        Ok(Self { shares: shares(&segments), segments, ..self.clone() })
    }

    /// This index without the rows of `person`. It copies the segments that hold such rows.
    #[must_use]
    pub fn without(&self, person: PersonId) -> Self {
        let kept = |segment: &Arc<Segment>| {
            segment
                .gallery
                .without(person)
                .map_or_else(|| Arc::clone(segment), |gallery| Arc::new(Segment::new(gallery, &self.workers)))
        };
        let segments: Vec<_> = self.segments.iter().map(kept).collect();
        let mut standings = BTreeMap::clone(&self.standings);
        standings.remove(&person);
        Self { shares: shares(&segments), segments, standings: Arc::new(standings), ..self.clone() }
    }

    /// This index, with `person` in another standing.
    #[must_use]
    pub fn with_standing(&self, person: PersonId, standing: Standing) -> Self {
        let mut standings = BTreeMap::clone(&self.standings);
        standings.insert(person, standing);
        Self { standings: Arc::new(standings), ..self.clone() }
    }

    /// The model whose templates it holds.
    #[must_use]
    pub fn model(&self) -> &ModelId {
        self.last().model()
    }

    /// How many references a search compares with.
    #[must_use]
    pub fn references(&self) -> usize {
        self.segments.iter().map(|segment| segment.codes.rows()).sum()
    }

    /// Whose reference a row is, and whether it still counts.
    ///
    /// # Panics
    /// There is no such row.
    #[must_use]
    pub fn owner(&self, row: usize) -> (PersonId, Standing) {
        let mut within = row;
        for segment in &self.segments {
            if within < segment.codes.rows() {
                let (person, standing) = segment.gallery.owner(within);
                return (person, *self.standings.get(&person).unwrap_or(&standing));
            }
            within -= segment.codes.rows();
        }
        panic!("row {row} of an index of {}", self.references())
    }

    /// How many bytes of memory the codes take, beside the rows themselves.
    #[must_use]
    pub fn bytes_of_codes(&self) -> usize {
        self.segments.iter().map(|segment| segment.codes.bytes()).sum()
    }

    /// Compares the probe with every reference (1:N) and returns the two best persons.
    ///
    /// # Errors
    /// [`ModelMismatch`] if another model made the probe.
    pub fn search(&self, probe: &Probe) -> Result<Candidates, ModelMismatch> {
        self.best_persons(&self.question(probe, Passes::CoarseFirst)?)
    }

    /// [`Index::search`] without the coarse pass: it reads all 8 bits of every code. For benchmarks.
    ///
    /// # Errors
    /// [`ModelMismatch`] if another model made the probe.
    pub fn search_every_code(&self, probe: &Probe) -> Result<Candidates, ModelMismatch> {
        self.best_persons(&self.question(probe, Passes::FineOnly)?)
    }

    /// The `count` best rows with their scores, best first and of equals the first.
    ///
    /// # Errors
    /// [`ModelMismatch`] if another model made the probe.
    pub fn nearest(&self, probe: &Probe, count: usize) -> Result<Vec<(usize, Score)>, ModelMismatch> {
        let question = self.question(probe, Passes::CoarseFirst)?;
        let count = count.min(self.references());
        Ok(self.found(&question, || Nearest::new(count), Nearest::join).rows)
    }

    /// Visits every row whose score is `floor` or above, in the order of the rows, on the calling thread.
    ///
    /// # Errors
    /// [`ModelMismatch`] if another model made the probe.
    pub fn above(
        &self,
        probe: &Probe,
        floor: Score,
        visit: impl FnMut(usize, Score),
    ) -> Result<(), ModelMismatch> {
        self.scan(&self.question(probe, Passes::CoarseFirst)?, &mut Above { floor, visit });
        Ok(())
    }

    fn question<'a>(&self, probe: &'a Probe, passes: Passes) -> Result<Question<'a>, ModelMismatch> {
        self.last().check(&probe.0)?;
        Ok(Question { probe, coded: Encoded::new(probe.0.vector()), kernel: self.kernel, passes })
    }

    fn best_persons(&self, question: &Question<'_>) -> Result<Candidates, ModelMismatch> {
        let mut found = self.found(question, BestPersons::default, BestPersons::join).0;
        for candidate in [&mut found.best, &mut found.runner_up].into_iter().flatten() {
            candidate.standing = *self.standings.get(&candidate.person).unwrap_or(&candidate.standing);
        }
        Ok(found)
    }

    /// Searches alone or, if it is worth it, together; `join` adds what was found among later rows.
    fn found<W: Wanted + Send>(
        &self,
        question: &Question<'_>,
        new: impl Fn() -> W + Sync,
        join: impl Fn(&mut W, &W),
    ) -> W {
        let mut all = new();
        match self.workers.pool() {
            Some(pool) if self.shares.len() > 1 => {
                let floor = Floor::new();
                let search = |share: &Share| {
                    let mut part = Together { own: new(), floor: &floor };
                    let offset =
                        self.segments[..share.segment].iter().map(|segment| segment.codes.rows()).sum();
                    self.segments[share.segment].scan(question, share.blocks.clone(), offset, &mut part);
                    part.own
                };
                let parts: Vec<W> = pool.install(|| self.shares.par_iter().map(search).collect());
                parts.iter().for_each(|part| join(&mut all, part));
            }
            _ => self.scan(question, &mut all),
        }
        all
    }

    /// Searches alone.
    fn scan(&self, question: &Question<'_>, wanted: &mut impl Wanted) {
        let mut offset = 0;
        for segment in &self.segments {
            segment.scan(question, 0..segment.codes.blocks(), offset, wanted);
            offset += segment.codes.rows();
        }
    }

    fn last(&self) -> &Gallery {
        &self.segments.last().expect("an index has at least one segment, perhaps an empty one").gallery
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Index({}, {} references)", self.model(), self.references())
    }
}

fn shares(segments: &[Arc<Segment>]) -> Arc<[Share]> {
    let of = |(number, segment): (usize, &Arc<Segment>)| {
        let blocks = segment.codes.blocks();
        let share =
            move |start| Share { segment: number, blocks: start..blocks.min(start + BLOCKS_PER_SHARE) };
        (0..blocks).step_by(BLOCKS_PER_SHARE).map(share)
    };
    segments.iter().enumerate().flat_map(of).collect()
}
