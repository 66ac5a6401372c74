//! What replicas say to each other on every road: `[kind, content]` in the crate's CBOR, at most one page and its frame.
//!
//! | message | content |
//! |---|---|
//! | `Have` | [[[run, length, root], author, feed, from]..]: what the sender can serve; a claim that decides only what is asked for |
//! | `Want` | [[run, from]..] |
//! | `Page` | a page |
//! | `Head`, `Receipt` | signed statements |

use crate::page::MAX_PAGE;
use crate::{AuthorId, Error, Feed, Page, Place, Prior, RunId, SignedHead, SignedReceipt, Value};

/// How many runs one `Have` names; more runs take several messages.
pub const MAX_HAVE: usize = 512;
/// How many pages one `Want` asks for: what may be under way from one peer at a time.
pub const MAX_WANT: usize = 16;
/// The greatest message: a page and its frame.
pub const MAX_MESSAGE: usize = MAX_PAGE + 64;

/// That a replica can serve a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Have {
    /// The run as far as the replica holds it.
    pub at: Prior,
    /// Whose run it is.
    pub author: AuthorId,
    /// The feed it stands in.
    pub feed: Feed,
    /// The first record of which the bytes are there: records that retention emptied do not travel.
    pub from: u64,
}

/// A message between replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// What the sender can serve.
    Have(Vec<Have>),
    /// What the sender asks for.
    Want(Vec<(RunId, u64)>),
    /// Records.
    Page(Page),
    /// How far a kiosk goes.
    Head(SignedHead),
    /// How far the registry holds it.
    Receipt(SignedReceipt),
}

impl Message {
    /// The bytes that travel.
    ///
    /// Errors: [`Error::TooLarge`] beyond [`MAX_MESSAGE`], and those of what it carries.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        let (kind, content) = match self {
            Message::Have(have) => {
                (0, Value::Array(have.iter().map(have_value).collect::<Option<_>>().ok_or(WRONG)?))
            }
            Message::Want(want) => {
                (1, Value::Array(want.iter().map(want_value).collect::<Option<_>>().ok_or(WRONG)?))
            }
            Message::Page(page) => (2, Value::Bytes(page.encode()?)),
            Message::Head(head) => (3, Value::Bytes(head.encode()?)),
            Message::Receipt(receipt) => (4, Value::Bytes(receipt.encode()?)),
        };
        let value = Value::Array(vec![Value::Int(kind), content]);
        value.encode_within(MAX_MESSAGE).map_err(|error| error.at(Place::Message))
    }

    /// Reads a message from exactly its bytes. Nothing in it is believed yet.
    ///
    /// Errors: [`Error::TooLarge`], [`Error::NotCanonical`], [`Error::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Message, Error> {
        let value = Value::decode_within(bytes, MAX_MESSAGE).map_err(|error| error.at(Place::Message))?;
        let [kind, content] = value.as_array().ok_or(WRONG)? else { return Err(WRONG) };
        match (kind.as_int(), content) {
            (Some(0), Value::Array(items)) if items.len() <= MAX_HAVE => {
                Ok(Message::Have(items.iter().map(read_have).collect::<Option<_>>().ok_or(WRONG)?))
            }
            (Some(1), Value::Array(items)) if items.len() <= MAX_WANT => {
                Ok(Message::Want(items.iter().map(read_want).collect::<Option<_>>().ok_or(WRONG)?))
            }
            (Some(2), Value::Bytes(page)) => Page::decode(page).map(Message::Page),
            (Some(3), Value::Bytes(head)) => SignedHead::decode(head).map(Message::Head),
            (Some(4), Value::Bytes(receipt)) => SignedReceipt::decode(receipt).map(Message::Receipt),
            _ => Err(WRONG),
        }
    }
}

const WRONG: Error = Error::Malformed {
    place: Place::Message,
    why: "[kind, content] of a kind and size of this version is needed",
};

fn have_value(have: &Have) -> Option<Value> {
    let (author, feed) = (Value::bytes(have.author.0), Value::text(have.feed.to_string()));
    Some(Value::Array(vec![have.at.to_value()?, author, feed, Value::Int(have.from.try_into().ok()?)]))
}

fn read_have(value: &Value) -> Option<Have> {
    let [at, author, feed, from] = value.as_array()? else { return None };
    let author = AuthorId(author.as_array_of()?);
    let feed = feed.as_text()?.parse().ok()?;
    Some(Have { at: Prior::from_value(at)?, author, feed, from: from.as_int()?.try_into().ok()? })
}

fn want_value((run, from): &(RunId, u64)) -> Option<Value> {
    Some(Value::Array(vec![Value::bytes(run.0), Value::Int((*from).try_into().ok()?)]))
}

fn read_want(value: &Value) -> Option<(RunId, u64)> {
    let [run, from] = value.as_array()? else { return None };
    Some((RunId(run.as_array_of()?), from.as_int()?.try_into().ok()?))
}
