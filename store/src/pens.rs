//! The runs that this process writes, one for each feed.

use std::collections::BTreeMap;

use ledger::{Feed, RunWriter, SignedRecord};

/// A run under this process's pen.
#[derive(Debug, Clone)]
pub(crate) struct Pen {
    /// Its row: of `runs`, for a keyring of `lines`.
    pub(crate) number: i64,
    pub(crate) writer: RunWriter,
    /// How long the run is in the data file.
    pub(crate) kept: u64,
}

/// All of them. A clone writes; it takes the place of the original when what it wrote is durable.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pens(BTreeMap<Feed, Pen>);

impl Pens {
    pub(crate) fn get_mut(&mut self, feed: Feed) -> Option<&mut Pen> {
        self.0.get_mut(&feed)
    }

    pub(crate) fn put(&mut self, feed: Feed, pen: Pen) {
        self.0.insert(feed, pen);
    }

    /// Those that wrote since the data file was last told.
    pub(crate) fn touched(&self) -> impl Iterator<Item = (Feed, &Pen)> {
        self.0.iter().filter(|(_, pen)| pen.writer.length() != pen.kept).map(|(feed, pen)| (*feed, pen))
    }

    /// What they wrote is durable.
    pub(crate) fn committed(&mut self) {
        self.0.values_mut().for_each(|pen| pen.kept = pen.writer.length());
    }

    /// The run is gone: nothing is added to it any more.
    pub(crate) fn drop_run(&mut self, run: ledger::RunId) {
        self.0.retain(|_, pen| pen.writer.run() != run);
    }
}

/// A record of this process that is about to be durable.
#[derive(Debug)]
pub(crate) struct Wrote {
    pub(crate) feed: Feed,
    pub(crate) record: SignedRecord,
    /// It says something that the state joins.
    pub(crate) folds: bool,
}
