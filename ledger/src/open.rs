//! `Open`, the first record of every run: who writes, in which feed, why a new run begins, and which runs it continues.

use crate::{AuthorId, Body, Clock, Error, KeyId, Place, Root, RunId, Value};

/// The kind of the body at seq 0, and nowhere else.
pub(crate) const OPEN: &str = "Open";

/// Why a run was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The writer started, or no longer found what it last saw.
    Start,
    /// The author took back what others held of it after a restore.
    Adopt,
    /// The run is a snapshot of the living state.
    Snapshot,
    /// The author signs with a new key from here on.
    NewKey,
}

/// A run as somebody saw it: its length in records, and the RFC 6962 root over them. `[run, length, root]` in CBOR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prior {
    /// The run.
    pub run: RunId,
    /// How many records it had.
    pub length: u64,
    /// The root over their leaves.
    pub root: Root,
}

/// What the first record of a run states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The author; it must be the one that signs.
    pub author: AuthorId,
    /// The name of the author's signing key.
    pub key: KeyId,
    /// The feed, for example `device/bulk`.
    pub feed: String,
    /// Why the run begins.
    pub why: Why,
    /// The runs of this feed that it continues, as far as the author knows them; none for the first.
    pub priors: Vec<Prior>,
    /// The version of the record kinds that the author writes.
    pub version: u32,
}

impl Open {
    pub(crate) fn to_body(&self, clock: Clock) -> Result<Body, Error> {
        let priors: Option<Vec<Value>> = self.priors.iter().map(|prior| prior.to_value()).collect();
        let fields = [
            ("author", Value::bytes(self.author.0)),
            ("key", Value::bytes(self.key.0)),
            ("feed", Value::text(&self.feed)),
            ("why", Value::text(self.why.name())),
            ("priors", Value::Array(priors.ok_or(malformed("the length of a prior is beyond 63 bits"))?)),
            ("version", Value::Int(self.version.into())),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value)).to_vec();
        Ok(Body { kind: OPEN.to_owned(), clock, fields, personal: None })
    }

    /// Reads the statement from the body at seq 0. Fields that a later version adds are passed over.
    ///
    /// Errors: [`Error::Malformed`] for another kind, or where a field is missing or of the wrong shape.
    pub fn from_body(body: &Body) -> Result<Open, Error> {
        if body.kind != OPEN {
            return Err(malformed("the body is not an Open"));
        }
        read(body).ok_or(malformed("an Open needs author, key, feed, why, priors and version"))
    }
}

fn read(body: &Body) -> Option<Open> {
    Some(Open {
        author: AuthorId(body.get("author")?.as_array_of()?),
        key: KeyId(body.get("key")?.as_array_of()?),
        feed: body.get("feed")?.as_text()?.to_owned(),
        why: Why::from_name(body.get("why")?.as_text()?)?,
        priors: body.get("priors")?.as_array()?.iter().map(Prior::from_value).collect::<Option<_>>()?,
        version: body.get("version")?.as_int()?.try_into().ok()?,
    })
}

impl Prior {
    pub(crate) fn to_value(self) -> Option<Value> {
        let length = self.length.try_into().ok()?;
        Some(Value::Array(vec![Value::bytes(self.run.0), Value::Int(length), Value::bytes(self.root.0)]))
    }

    pub(crate) fn from_value(value: &Value) -> Option<Prior> {
        let [run, length, root] = value.as_array()? else {
            return None;
        };
        let length = length.as_int()?.try_into().ok()?;
        Some(Prior { run: RunId(run.as_array_of()?), length, root: Root(root.as_array_of()?) })
    }
}

impl Why {
    fn name(self) -> &'static str {
        match self {
            Why::Start => "Start",
            Why::Adopt => "Adopt",
            Why::Snapshot => "Snapshot",
            Why::NewKey => "NewKey",
        }
    }

    fn from_name(name: &str) -> Option<Why> {
        [Why::Start, Why::Adopt, Why::Snapshot, Why::NewKey].into_iter().find(|why| why.name() == name)
    }
}

fn malformed(why: &'static str) -> Error {
    Error::Malformed { place: Place::Body, why }
}
