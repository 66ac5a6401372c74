//! Pages: how records travel. `[run, first, prev, [record..], sig]`, where every record is a byte string (so that it is
//! hashed exactly as it was received) and the signature is that of the last record. One signature check and the chain of
//! leaves make every record of the page authentic.

use crate::{Error, Leaf, Place, Record, RunId, SignedRecord, Value};
use std::fmt;

/// The greatest number of records in a page.
pub const MAX_PAGE_RECORDS: usize = 512;

/// The greatest size of an encoded page in bytes. Two records of greatest size do not fit in one page.
pub const MAX_PAGE: usize = 128 * 1024;

/// The greatest position of a first record: every record of its page has a position below 2^63.
const LAST_FIRST: u64 = i64::MAX as u64 - MAX_PAGE_RECORDS as u64;

/// The encoded page without its records: array 1, run 17, first 9, prev 34, records 3, signature 66.
const FRAME: usize = 130;

/// What a record's length takes in front of it, at most.
const LENGTH: usize = 5;

/// Consecutive records of one run, with the signature of the last.
#[derive(Clone, PartialEq, Eq)]
pub struct Page {
    /// The run.
    pub run: RunId,
    /// The seq of the first record.
    pub first: u64,
    /// The leaf before the first record.
    pub prev: Leaf,
    /// The records, each as received.
    pub records: Vec<Vec<u8>>,
    /// The author's signature of the last record.
    pub sig: [u8; 64],
}

impl Page {
    /// The bytes that travel.
    ///
    /// Errors: [`Error::TooLarge`] beyond [`MAX_PAGE`] bytes or [`MAX_PAGE_RECORDS`], [`Error::Malformed`] without records
    /// or with a position that no record has.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        self.check_limits()?;
        let first = self.first.try_into().expect("within the limits, so below 2^63");
        let records = self.records.iter().map(|record| Value::bytes(&record[..])).collect();
        let value = Value::Array(vec![
            Value::bytes(self.run.0),
            Value::Int(first),
            Value::bytes(self.prev.0),
            Value::Array(records),
            Value::bytes(self.sig),
        ]);
        value.encode_within(MAX_PAGE).map_err(|error| error.at(Place::Page))
    }

    /// Reads a page from exactly its bytes. Its records are looked at by [`crate::RunVerifier::push`] only.
    ///
    /// Errors: [`Error::TooLarge`], [`Error::NotCanonical`], [`Error::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Page, Error> {
        let value = Value::decode_within(bytes, MAX_PAGE).map_err(|error| error.at(Place::Page))?;
        let page = read(value).ok_or(malformed("a page is [run, first, prev, [record..], sig]"))?;
        page.check_limits()?;
        Ok(page)
    }

    pub(crate) fn check_limits(&self) -> Result<(), Error> {
        let count = self.records.len();
        if self.first > LAST_FIRST {
            return Err(malformed("the position is beyond 63 bits"));
        }
        let bytes = FRAME + self.records.iter().map(|record| record.len()).sum::<usize>();
        match (count, bytes) {
            (0, _) => Err(malformed("a page has at least one record")),
            (1..=MAX_PAGE_RECORDS, 0..=MAX_PAGE) => Ok(()),
            (1..=MAX_PAGE_RECORDS, size) => Err(too_large(size, MAX_PAGE, "bytes")),
            (size, _) => Err(too_large(size, MAX_PAGE_RECORDS, "records")),
        }
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Page({}, first {}, {} records)", self.run, self.first, self.records.len())
    }
}

/// Cuts records into as few pages as the limits allow, beginning a new one also wherever run or seq are not continuous.
/// Nothing is verified here: a record that was damaged gives a page that every verifier refuses.
pub fn paginate(records: &[SignedRecord]) -> Vec<Page> {
    let mut pages: Vec<Page> = Vec::new();
    let (mut size, mut before): (usize, Option<&SignedRecord>) = (0, None);
    for record in records {
        let length = LENGTH + record.bytes.len();
        let follows =
            before.is_some_and(|last| last.run == record.run && last.seq.checked_add(1) == Some(record.seq));
        match pages.last_mut() {
            Some(page) if follows && page.records.len() < MAX_PAGE_RECORDS && size + length <= MAX_PAGE => {
                page.records.push(record.bytes.clone());
                page.sig = record.sig;
                size += length;
            }
            _ => {
                let prev =
                    before.filter(|_| follows).map_or_else(|| prev_of(&record.bytes), |last| last.leaf);
                let (run, first, sig) = (record.run, record.seq, record.sig);
                pages.push(Page { run, first, prev, records: vec![record.bytes.clone()], sig });
                size = FRAME + length;
            }
        }
        before = Some(record);
    }
    pages
}

fn prev_of(record: &[u8]) -> Leaf {
    Record::parse(record).map_or(Leaf::NONE, |record| record.header.prev)
}

fn read(value: Value) -> Option<Page> {
    let Value::Array(parts) = value else { return None };
    let [run, first, prev, records, sig] = <[Value; 5]>::try_from(parts).ok()?;
    let Value::Array(records) = records else {
        return None;
    };
    let bytes = |value| {
        if let Value::Bytes(bytes) = value { Some(bytes) } else { None }
    };
    Some(Page {
        run: RunId(run.as_array_of()?),
        first: first.as_int()?.try_into().ok()?,
        prev: Leaf(prev.as_array_of()?),
        records: records.into_iter().map(bytes).collect::<Option<_>>()?,
        sig: sig.as_array_of()?,
    })
}

fn too_large(size: usize, limit: usize, unit: &'static str) -> Error {
    Error::TooLarge { place: Place::Page, size, limit, unit }
}

fn malformed(why: &'static str) -> Error {
    Error::Malformed { place: Place::Page, why }
}
