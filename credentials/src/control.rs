//! The control feed as a kiosk holds it: pages by one author, the registry that its voucher pinned, and by nobody else.
//!
//! A page that does not verify changes nothing. A record that is authentic and cannot be applied is named in the
//! quarantine, and the rest goes on. What is held only grows: a page that says otherwise about a place that is held is a
//! fork, and is refused by name.

use std::collections::BTreeMap;

use ledger::{AuthorId, Leaf, Page, Prior, Record, RecordId, RunId, RunVerifier, leaf_of};
use thiserror::Error;

use crate::{Trust, Unappliable};

/// The name of the feed, in the Open of each of its runs.
pub const FEED: &str = "control";
/// The version of the kinds in [`crate::Statement`].
pub const KINDS: u32 = 1;
/// Records that are held. It bounds memory and the time of a start.
pub const MAX_RECORDS: usize = 100_000;

/// Why a page was not taken. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PageRefused {
    /// It does not verify, or something before it is missing.
    #[error("the page does not verify; fetch it again, by another road if this goes on")]
    Ledger(#[from] ledger::Error),
    /// It says of a place that is held something else than what is held.
    #[error(
        "record {0} is held with other content: the registry's feed forked; keep both files and ask its operator"
    )]
    Fork(RecordId),
    /// A run of another feed.
    #[error("run {0} is no control feed; export it with `registry control export`")]
    OtherFeed(RunId),
    /// More than is held.
    #[error("more records than a kiosk holds; the registry must begin its control feed anew")]
    TooMany,
}

/// What a page came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Records that were not held before.
    pub new: usize,
}

/// The feed, verified, and what it comes to.
#[derive(Debug, Clone)]
pub struct Control {
    author: AuthorId,
    runs: BTreeMap<RunId, Run>,
    records: usize,
    trust: Trust,
    quarantine: Vec<(RecordId, Unappliable)>,
    named: Vec<Prior>,
}

#[derive(Debug, Clone)]
struct Run {
    verifier: RunVerifier,
    leaves: Vec<Leaf>,
}

impl Control {
    /// An empty feed of this author.
    #[must_use]
    pub fn new(author: AuthorId) -> Self {
        Self {
            author,
            runs: BTreeMap::new(),
            records: 0,
            trust: Trust::default(),
            quarantine: Vec::new(),
            named: Vec::new(),
        }
    }

    /// Takes in a page, from exactly its bytes.
    ///
    /// # Errors
    /// [`PageRefused`]; then nothing has changed.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Taken, PageRefused> {
        let Some(page) = self.unheld(Page::decode(bytes)?)? else {
            return Ok(Taken { new: 0 });
        };
        let mut run = self
            .runs
            .get(&page.run)
            .cloned()
            .unwrap_or_else(|| Run { verifier: RunVerifier::new(Some(self.author)), leaves: Vec::new() });
        let records = run.verifier.push(&page)?;
        if self.records + records.len() > MAX_RECORDS {
            return Err(PageRefused::TooMany);
        }
        if page.first == 0 {
            self.named.extend(priors_of_control(&records, page.run)?);
        }
        run.leaves.extend(records.iter().map(|record| record.leaf));
        self.runs.insert(page.run, run);
        self.records += records.len();
        for record in records.iter().filter(|record| record.header.seq > 0) {
            if let Err(why) = self.trust.apply(record) {
                self.quarantine.push((record.id(), why));
            }
        }
        Ok(Taken { new: records.len() })
    }

    /// The part of a page that is not held; none if all of it is.
    fn unheld(&self, mut page: Page) -> Result<Option<Page>, PageRefused> {
        let Some(run) = self.runs.get(&page.run) else { return Ok(Some(page)) };
        let held = run.leaves.iter().enumerate().skip(page.first.try_into().unwrap_or(usize::MAX));
        let mut known = 0;
        for ((seq, leaf), record) in held.zip(&page.records) {
            if leaf_of(record) != *leaf {
                return Err(PageRefused::Fork(RecordId { run: page.run, seq: seq as u64 }));
            }
            known += 1;
        }
        if known == page.records.len() {
            return Ok(None);
        }
        if known > 0 {
            page.records.drain(..known);
            page.first = run.leaves.len() as u64;
            page.prev = run.leaves.last().copied().unwrap_or(Leaf::NONE);
        }
        Ok(Some(page))
    }

    /// Whose feed it is.
    #[must_use]
    pub fn author(&self) -> AuthorId {
        self.author
    }

    /// What it comes to.
    #[must_use]
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// How far each run is held.
    pub fn runs(&self) -> impl Iterator<Item = Prior> {
        self.runs.values().filter_map(|run| run.verifier.prior())
    }

    /// The runs that no other run continues: what a new one names as its priors.
    #[must_use]
    pub fn tips(&self) -> Vec<Prior> {
        self.runs().filter(|held| !self.named.iter().any(|named| named.run == held.run)).collect()
    }

    /// Records that are held, the Opens included.
    #[must_use]
    pub fn records(&self) -> usize {
        self.records
    }

    /// Authentic records that cannot be applied, and why.
    #[must_use]
    pub fn quarantine(&self) -> &[(RecordId, Unappliable)] {
        &self.quarantine
    }

    /// Runs that others name as going further than what is held of them: somebody withheld them, or they are on their way.
    #[must_use]
    pub fn missing(&self) -> Vec<Prior> {
        let held = |prior: &Prior| self.runs.get(&prior.run).map_or(0, |run| run.leaves.len() as u64);
        self.named.iter().filter(|prior| held(prior) < prior.length).copied().collect()
    }
}

/// What the Open names as continued; it must be of the control feed.
fn priors_of_control(records: &[Record], run: RunId) -> Result<Vec<Prior>, PageRefused> {
    let open = records.first().ok_or(PageRefused::OtherFeed(run))?.open_statement(None)?;
    if open.feed == FEED { Ok(open.priors) } else { Err(PageRefused::OtherFeed(run)) }
}
