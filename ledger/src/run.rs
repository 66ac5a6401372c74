//! Runs: writing one, and verifying one that somebody else wrote.
//!
//! A run is one unbroken memory of its writer. There is no way to take up an old run again, only to open a new one that
//! names the old as prior: so whatever was restored or lost, no number is given twice.

use crate::tree::CompactRange;
use crate::{
    AuthorId, Body, Clock, Error, Header, KeyId, Leaf, Open, Page, Prior, Real, Record, RunId, Seal, Signer,
    Suite, leaf_of, record, sign::record_message,
};
use std::fmt;

/// A record as its author keeps it: the bytes, their leaf, and the signature that lies beside them.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedRecord {
    /// The run.
    pub run: RunId,
    /// The position in the run, from 0.
    pub seq: u64,
    /// The record.
    pub bytes: Vec<u8>,
    /// Its hash.
    pub leaf: Leaf,
    /// The author's signature of run, seq and leaf.
    pub sig: [u8; 64],
}

impl fmt::Debug for SignedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedRecord({}/{}, {} bytes, {:?})", self.run, self.seq, self.bytes.len(), self.leaf)
    }
}

/// Where a run ends: all that is needed to add to it or to verify what follows.
#[derive(Clone, Debug)]
struct End {
    run: RunId,
    author: AuthorId,
    prev: Leaf,
    range: CompactRange,
}

impl End {
    fn empty(run: RunId, author: AuthorId) -> End {
        End { run, author, prev: Leaf::NONE, range: CompactRange::default() }
    }

    fn push(&mut self, leaf: Leaf) {
        self.prev = leaf;
        self.range.push(leaf);
    }

    fn prior(&self) -> Prior {
        Prior { run: self.run, length: self.range.size(), root: self.range.root() }
    }
}

/// Writes one run. It does no I/O: append on a clone, make the record durable, then put the clone in the place of the
/// original; if that failed, drop the clone and nothing has happened.
#[derive(Clone, Debug)]
pub struct RunWriter {
    end: End,
}

impl RunWriter {
    /// Opens a run under a name of 16 new random bytes, and writes its first record.
    ///
    /// Errors: [`Error::WrongAuthor`] if `open` names another author than the key, and those of [`RunWriter::append`].
    pub fn open(
        author: &dyn Signer,
        run: RunId,
        open: &Open,
        clock: Clock,
        seal: Seal<'_>,
    ) -> Result<(RunWriter, SignedRecord), Error> {
        let mut writer = RunWriter { end: End::empty(run, open.author) };
        let first = writer.append(author, &open.to_body(clock)?, &[], seal)?;
        Ok((writer, first))
    }

    /// Writes the next record. `kills` names the keys that it destroys. Nothing changes unless it returns `Ok`.
    ///
    /// Errors: [`Error::WrongAuthor`] for another key than the run was opened with, [`Error::RuleBroken`] for a second
    /// Open, [`Error::TooLarge`], [`Error::Malformed`] or [`Error::NotCanonical`] for a body that has no encoding.
    pub fn append(
        &mut self,
        author: &dyn Signer,
        body: &Body,
        kills: &[KeyId],
        seal: Seal<'_>,
    ) -> Result<SignedRecord, Error> {
        let (run, seq) = (self.end.run, self.end.range.size());
        if author.id() != self.end.author {
            return Err(Error::WrongAuthor { run, seq, expected: self.end.author, found: author.id() });
        }
        let header = Header { run, seq, prev: self.end.prev, group: None, epoch: 0, kills: kills.to_vec() };
        let bytes = record::write(header, body, seal)?;
        let leaf = leaf_of(&bytes);
        self.end.push(leaf);
        Ok(SignedRecord { run, seq, bytes, leaf, sig: author.sign(&record_message(run, seq, leaf)) })
    }

    /// The run as it stands: what a head, a checkpoint or the next Open says of it.
    pub fn prior(&self) -> Prior {
        self.end.prior()
    }

    /// How many records the run has, which is also the next seq.
    pub fn length(&self) -> u64 {
        self.end.range.size()
    }

    /// The run.
    pub fn run(&self) -> RunId {
        self.end.run
    }
}

/// Verifies the pages of one run, in order from the first. A page that is refused changes nothing.
#[derive(Clone, Debug)]
pub struct RunVerifier {
    author: Option<AuthorId>,
    end: Option<End>,
}

impl RunVerifier {
    /// `author` is whose run it must be. Without one the author is taken from the Open, if that is plain: the run is then
    /// proved to be whole and of one author, and it is for the caller to ask who that is.
    pub fn new(author: Option<AuthorId>) -> RunVerifier {
        RunVerifier { author, end: None }
    }

    /// Takes the next page and returns its records, which are authentic then. Their sealed bodies have not been looked at:
    /// [`Record::open_body`] checks what can be checked only inside, and the caller compares the author of a sealed Open.
    ///
    /// Errors: [`Error::WrongRun`], [`Error::Gap`], [`Error::Repeated`], [`Error::ChainBroken`], [`Error::BadSignature`],
    /// [`Error::WrongAuthor`], [`Error::AuthorUnknown`], [`Error::RuleBroken`] for a first record that is no Open, and
    /// those of [`Record::parse`] and [`Page::decode`].
    pub fn push(&mut self, page: &Page) -> Result<Vec<Record>, Error> {
        self.push_with(&Real, page)
    }

    /// As [`RunVerifier::push`], with the signatures of another suite.
    pub fn push_with(&mut self, suite: &dyn Suite, page: &Page) -> Result<Vec<Record>, Error> {
        page.check_limits()?;
        let records = parse_all(page)?;
        let mut end = match &self.end {
            Some(end) => end.clone(),
            None => End::empty(page.run, self.author_of(page, records.first())?),
        };
        check_place(&end, page)?;
        for record in &records {
            check_next(&end, record)?;
            end.push(record.leaf);
        }
        let seq = end.range.size() - 1;
        if !suite.verify(end.author, &record_message(end.run, seq, end.prev), &page.sig) {
            return Err(Error::BadSignature { run: end.run, seq });
        }
        self.end = Some(end);
        Ok(records)
    }

    /// Takes the next record of a run that this process writes itself, so no signature is looked at. False if it does not
    /// follow, and nothing changes then.
    pub(crate) fn grow(&mut self, record: &Record) -> bool {
        let fresh = || self.author.map(|author| End::empty(record.header.run, author));
        let Some(mut end) = self.end.clone().or_else(fresh) else { return false };
        let follows = check_next(&end, record).is_ok();
        if follows {
            end.push(record.leaf);
            self.end = Some(end);
        }
        follows
    }

    /// A run that was verified before, as a store kept it; nothing without a record.
    pub(crate) fn restored(
        run: RunId,
        author: AuthorId,
        prev: Leaf,
        range: CompactRange,
    ) -> Option<RunVerifier> {
        let end = End { run, author, prev, range };
        (end.range.size() > 0).then_some(RunVerifier { author: Some(author), end: Some(end) })
    }

    /// The last leaf and the peaks, for a store.
    pub(crate) fn end_parts(&self) -> Option<(Leaf, &[crate::Root])> {
        self.end.as_ref().map(|end| (end.prev, end.range.peaks()))
    }

    /// The leaf of the last record.
    pub(crate) fn last_leaf(&self) -> Option<Leaf> {
        self.end.as_ref().map(|end| end.prev)
    }

    /// The run as far as it was verified; nothing before the first page.
    pub fn prior(&self) -> Option<Prior> {
        self.end.as_ref().map(End::prior)
    }

    /// How many records were verified, which is also the next seq.
    pub fn length(&self) -> u64 {
        self.end.as_ref().map_or(0, |end| end.range.size())
    }

    /// Whose run it is, if known by now.
    pub fn author(&self) -> Option<AuthorId> {
        self.end.as_ref().map(|end| end.author).or(self.author)
    }

    /// The author that must have signed the run which `page` begins.
    fn author_of(&self, page: &Page, first: Option<&Record>) -> Result<AuthorId, Error> {
        let run = page.run;
        if page.first > 0 {
            return Err(Error::Gap { run, expected: 0, found: page.first });
        }
        let plain = first.filter(|record| record.header.seq == 0 && record.header.group.is_none());
        let stated = plain.map(|record| record.open_statement(None)).transpose()?.map(|open| open.author);
        match (self.author, stated) {
            (Some(expected), Some(found)) if expected != found => {
                Err(Error::WrongAuthor { run, seq: 0, expected, found })
            }
            (Some(author), _) | (None, Some(author)) => Ok(author),
            (None, None) => Err(Error::AuthorUnknown { run }),
        }
    }
}

fn parse_all(page: &Page) -> Result<Vec<Record>, Error> {
    let parse = |(seq, bytes): (u64, &Vec<u8>)| {
        Record::parse(bytes).map_err(|error| error.at(record::RecordId { run: page.run, seq }.into()))
    };
    (page.first..).zip(&page.records).map(parse).collect()
}

/// The page begins where the replica ends.
fn check_place(end: &End, page: &Page) -> Result<(), Error> {
    let (run, expected, found) = (end.run, end.range.size(), page.first);
    if page.run != run {
        return Err(Error::WrongRun { expected: run, found: page.run, seq: found });
    }
    match found.cmp(&expected) {
        std::cmp::Ordering::Greater => Err(Error::Gap { run, expected, found }),
        std::cmp::Ordering::Less => Err(Error::Repeated { run, expected, found }),
        std::cmp::Ordering::Equal if page.prev != end.prev => Err(Error::ChainBroken { run, seq: found }),
        std::cmp::Ordering::Equal => Ok(()),
    }
}

/// The record follows the one before it.
fn check_next(end: &End, record: &Record) -> Result<(), Error> {
    let (run, expected, header) = (end.run, end.range.size(), &record.header);
    if header.run != run {
        return Err(Error::WrongRun { expected: run, found: header.run, seq: expected });
    }
    match header.seq.cmp(&expected) {
        std::cmp::Ordering::Greater => Err(Error::Gap { run, expected, found: header.seq }),
        std::cmp::Ordering::Less => Err(Error::Repeated { run, expected, found: header.seq }),
        std::cmp::Ordering::Equal if header.prev != end.prev => {
            Err(Error::ChainBroken { run, seq: expected })
        }
        std::cmp::Ordering::Equal => Ok(()),
    }
}
