//! The keys that open this device's records: its own from before it joined, and those of its group since.

use ledger::{Body, Chain, Error, GroupKey, Header, Record};

use crate::Store;

/// What opens sealed bodies.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Opener<'a> {
    /// One key, of whatever group; or none, then sealed bodies stay closed.
    One(Option<&'a GroupKey>),
    /// All that a device of a group holds.
    Chain(&'a Chain),
}

impl Opener<'_> {
    /// Whether nobody asks for sealed bodies to be opened.
    pub(crate) fn is_none(self) -> bool {
        matches!(self, Opener::One(None))
    }

    /// The body of a record.
    ///
    /// # Errors
    /// Those of [`Record::open_body`].
    pub(crate) fn open(self, record: &Record) -> Result<Body, Error> {
        record.open_body(self.key(&record.header).as_ref())
    }

    fn key(self, header: &Header) -> Option<GroupKey> {
        match self {
            Opener::One(key) => key.map(|key| GroupKey::from_bytes(*key.expose())),
            Opener::Chain(chain) => chain.key_of(header.group?, header.epoch),
        }
    }
}

impl Store {
    /// What opens this device's own records.
    pub(crate) fn opener(&self) -> Opener<'_> {
        match self.joined.replica() {
            Some(joined) => Opener::Chain(&joined.chain),
            None => Opener::One(Some(&self.keys.group_key)),
        }
    }
}
