//! A record is `[header, body]`, at most 64 KiB, hashed as received.
//!
//! ```text
//! header = [1, run, seq, prev, group | null, epoch, kills]
//! body   = the map of `Body` where group is null, else bytes: nonce (24) || XChaCha20-Poly1305(G, the map) || tag (16),
//!          with the encoded header as associated data
//! leaf   = SHA-256(0x00 || record)
//! ```
//! A plain record has epoch 0. `kills` stands in the clear so that keys are destroyed also where the body cannot be opened.

use crate::open::OPEN;
use crate::seal::{Seal, decrypt, encrypt};
use crate::{Body, Error, GroupId, GroupKey, KeyId, Leaf, MAX_RECORD, Open, Place, RunId, Value};
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// The version of the header, and with it of every byte here.
const VERSION: i64 = 1;

/// The part of a record that everybody reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The run.
    pub run: RunId,
    /// The position in the run, from 0; below 2^63.
    pub seq: u64,
    /// The leaf of the record before it, [`Leaf::NONE`] at seq 0.
    pub prev: Leaf,
    /// The group that the body is sealed to; none if it is plain.
    pub group: Option<GroupId>,
    /// The epoch of the group's key; 0 if the body is plain.
    pub epoch: u32,
    /// The keys that this record destroys, wherever they are held.
    pub kills: Vec<KeyId>,
}

/// The place of a record: its run and its position in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId {
    /// The run.
    pub run: RunId,
    /// The position in the run, from 0.
    pub seq: u64,
}

/// A record that was read. That it parses says nothing of who wrote it: see [`crate::RunVerifier`].
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// The part that everybody reads.
    pub header: Header,
    /// The hash of the bytes as they were received.
    pub leaf: Leaf,
    bytes: Vec<u8>,
    content: Value,
}

/// The leaf of a record: SHA-256(0x00 || record) over its bytes as received.
pub fn leaf_of(record: &[u8]) -> Leaf {
    Leaf(Sha256::new().chain_update([0]).chain_update(record).finalize().into())
}

impl Record {
    /// Reads a record from exactly its bytes.
    ///
    /// Errors: [`Error::TooLarge`] beyond [`MAX_RECORD`] bytes, [`Error::NotCanonical`], [`Error::Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Record, Error> {
        let unknown = |error: Error| error.at(Place::UnknownRecord);
        let value = Value::decode(bytes).map_err(unknown)?;
        let Value::Array(parts) = value else {
            return Err(malformed("a record is [header, body]"));
        };
        let Ok([header, content]) = <[Value; 2]>::try_from(parts) else {
            return Err(malformed("a record is [header, body]"));
        };
        let header = Header::from_value(&header)?;
        let record = Record { header, leaf: leaf_of(bytes), bytes: bytes.to_vec(), content };
        match (&record.content, record.header.group) {
            (Value::Bytes(_), Some(_)) | (Value::Map(_), None) => Ok(record),
            _ => Err(malformed("a sealed body is bytes, a plain body is a map").at(record.place())),
        }
    }

    /// Run and position.
    pub fn id(&self) -> RecordId {
        RecordId { run: self.header.run, seq: self.header.seq }
    }

    /// The record as received.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The body, opened with the group's key if it is sealed (a plain body needs none and ignores it).
    ///
    /// Errors: [`Error::CannotOpen`] without the right key, [`Error::NotCanonical`] or [`Error::Malformed`] for what the
    /// author should not have written, [`Error::RuleBroken`] for an Open anywhere but at seq 0 and for anything else there.
    pub fn open_body(&self, key: Option<&GroupKey>) -> Result<Body, Error> {
        let value = match (&self.content, self.header.group) {
            (Value::Bytes(sealed), Some(group)) => self.unseal(sealed, group, key)?,
            (plain, _) => plain.clone(),
        };
        let body = Body::from_value(value).map_err(|error| error.at(self.place()))?;
        check_kind(self.id(), &body.kind)?;
        Ok(body)
    }

    /// What the first record of a run states; `key` as in [`Record::open_body`].
    ///
    /// Errors: those of [`Record::open_body`], and [`Error::Malformed`] for any record that is not an Open.
    pub fn open_statement(&self, key: Option<&GroupKey>) -> Result<Open, Error> {
        Open::from_body(&self.open_body(key)?).map_err(|error| error.at(self.place()))
    }

    fn unseal(&self, sealed: &[u8], group: GroupId, key: Option<&GroupKey>) -> Result<Value, Error> {
        let RecordId { run, seq } = self.id();
        let header = self.header.to_value().encode().map_err(|error| error.at(self.place()))?;
        let plain = key.and_then(|key| decrypt(key.expose(), &header, sealed));
        let plain = plain.ok_or(Error::CannotOpen { run, seq, group, epoch: self.header.epoch })?;
        Value::decode(&plain).map_err(|error| error.at(self.place()))
    }

    pub(crate) fn place(&self) -> Place {
        self.id().into()
    }
}

/// Writes a record: the encoded bytes, ready to be hashed and signed.
pub(crate) fn write(mut header: Header, body: &Body, seal: Seal<'_>) -> Result<Vec<u8>, Error> {
    let id = RecordId { run: header.run, seq: header.seq };
    check_kind(id, &body.kind)?;
    let place = |error: Error| error.at(id.into());
    let value = body.to_value().map_err(place)?;
    (header.group, header.epoch) = match &seal {
        Seal::Plain => (None, 0),
        Seal::Group { group, epoch, .. } => (Some(*group), *epoch),
    };
    let content = match seal {
        Seal::Plain => value,
        Seal::Group { key, nonce, .. } => {
            let plain = Zeroizing::new(value.encode().map_err(place)?);
            let associated = header.to_value().encode().map_err(place)?;
            Value::Bytes(encrypt(key.expose(), nonce, &associated, &plain))
        }
    };
    Value::Array(vec![header.to_value(), content]).encode_within(MAX_RECORD).map_err(place)
}

fn check_kind(id: RecordId, kind: &str) -> Result<(), Error> {
    let RecordId { run, seq } = id;
    match (seq, kind == OPEN) {
        (0, true) | (1.., false) => Ok(()),
        (0, false) => Err(Error::RuleBroken { run, seq, why: "the first record of a run must be an Open" }),
        (1.., true) => {
            Err(Error::RuleBroken { run, seq, why: "an Open stands only at the beginning of a run" })
        }
    }
}

impl Header {
    /// Headers that were read have a seq below 2^63, and no writer lives long enough to get there.
    fn to_value(&self) -> Value {
        Value::Array(vec![
            Value::Int(VERSION),
            Value::bytes(self.run.0),
            Value::Int(self.seq.try_into().expect("a run is shorter than 2^63 records")),
            Value::bytes(self.prev.0),
            self.group.map_or(Value::Null, |group| Value::bytes(group.0)),
            Value::Int(self.epoch.into()),
            Value::Array(self.kills.iter().map(|key| Value::bytes(key.0)).collect()),
        ])
    }

    fn from_value(value: &Value) -> Result<Header, Error> {
        let header = read_header(value)
            .ok_or(malformed("a header is [1, run, seq, prev, group | null, epoch, kills]"))?;
        match (header.seq, header.prev == Leaf::NONE, header.group, header.epoch) {
            (0, false, ..) => {
                Err(malformed("the first record of a run names 32 zero bytes as the leaf before it"))
            }
            (_, _, None, 1..) => Err(malformed("a plain record has epoch 0")),
            (_, _, None, 0) | (_, _, Some(_), _) => Ok(header),
        }
    }
}

fn read_header(value: &Value) -> Option<Header> {
    let [Value::Int(VERSION), run, seq, prev, group, epoch, kills] = value.as_array()? else {
        return None;
    };
    Some(Header {
        run: RunId(run.as_array_of()?),
        seq: seq.as_int()?.try_into().ok()?,
        prev: Leaf(prev.as_array_of()?),
        group: if *group == Value::Null { None } else { Some(GroupId(group.as_array_of()?)) },
        epoch: epoch.as_int()?.try_into().ok()?,
        kills: kills.as_array()?.iter().map(|key| key.as_array_of().map(KeyId)).collect::<Option<_>>()?,
    })
}

fn malformed(why: &'static str) -> Error {
    Error::Malformed { place: Place::UnknownRecord, why }
}

impl From<RecordId> for Place {
    fn from(id: RecordId) -> Place {
        Place::Record { run: id.run, seq: id.seq }
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.run, self.seq)
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({}, {} bytes, {:?})", self.id(), self.bytes.len(), self.leaf)
    }
}
