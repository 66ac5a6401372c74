//! What can be wrong with bytes that somebody else wrote, told so that a caller can act on it: ask again, name a fork,
//! quarantine, or stop. Every message names the run and the seq where there is one.

use crate::{AuthorId, GroupId, KeyId, RunId};
use std::fmt;

/// What the refused bytes were meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A CBOR value on its own.
    Value,
    /// An identifier written in hexadecimal.
    Id,
    /// The body of a record that has no place in a run yet.
    Body,
    /// The personal part of a body.
    Personal,
    /// A record of a run.
    Record {
        /// The run.
        run: RunId,
        /// The position in the run, from 0.
        seq: u64,
    },
    /// A record of which the header cannot be read.
    UnknownRecord,
    /// A page.
    Page,
    /// A run as a store keeps it.
    Line,
    /// The keys of a holder as a vault keeps them.
    Chain,
    /// A voucher.
    Voucher,
    /// A device's request to join.
    JoinRequest,
    /// The registry's answer to it.
    JoinAnswer,
    /// A signed head.
    Head,
    /// A signed receipt.
    Receipt,
    /// A message between replicas.
    Message,
    /// A checkpoint note.
    Checkpoint,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Value => f.write_str("CBOR value"),
            Place::Id => f.write_str("identifier"),
            Place::Body => f.write_str("body"),
            Place::Personal => f.write_str("personal part"),
            Place::Record { run, seq } => write!(f, "record {seq} of run {run}"),
            Place::UnknownRecord => f.write_str("record without a readable header"),
            Place::Page => f.write_str("page"),
            Place::Line => f.write_str("stored line"),
            Place::Chain => f.write_str("stored chain of keys"),
            Place::Voucher => f.write_str("voucher"),
            Place::JoinRequest => f.write_str("request to join"),
            Place::JoinAnswer => f.write_str("answer to a request to join"),
            Place::Head => f.write_str("signed head"),
            Place::Receipt => f.write_str("signed receipt"),
            Place::Message => f.write_str("message"),
            Place::Checkpoint => f.write_str("checkpoint"),
        }
    }
}

/// Why bytes were refused, or why a record cannot be written. Nothing was changed when one of these is returned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes are not deterministic CBOR (RFC 8949 4.2.1) of the kinds that [`crate::Value`] has.
    #[error("{place}: not deterministic CBOR: {why}; refuse it and fetch it from another replica")]
    NotCanonical {
        /// What the bytes were meant to be.
        place: Place,
        /// The rule that they break.
        why: &'static str,
    },
    /// Larger than the format allows.
    #[error("{place}: {size} {unit} where at most {limit} are allowed")]
    TooLarge {
        /// What is too large.
        place: Place,
        /// Its size.
        size: usize,
        /// The greatest size allowed.
        limit: usize,
        /// What is counted.
        unit: &'static str,
    },
    /// Sound CBOR, but not of the shape that the format asks for.
    #[error("{place}: malformed: {why}")]
    Malformed {
        /// What the bytes were meant to be.
        place: Place,
        /// What is missing or wrong.
        why: &'static str,
    },
    /// A record does not name the leaf of the record before it: something was changed, removed or swapped.
    #[error("record {seq} of run {run}: the chain is broken here, the leaf before it is another")]
    ChainBroken {
        /// The run.
        run: RunId,
        /// The first position that does not fit.
        seq: u64,
    },
    /// The signature over this record is not the author's.
    #[error("record {seq} of run {run}: the signature that covers it is not by its author")]
    BadSignature {
        /// The run.
        run: RunId,
        /// The position that the signature is said to cover.
        seq: u64,
    },
    /// A page or record begins later than the replica ends: keep it aside and ask for what is between.
    #[error("record {found} of run {run}: records {expected}..{found} are missing before it")]
    Gap {
        /// The run.
        run: RunId,
        /// The next position of the replica.
        expected: u64,
        /// The position that was offered.
        found: u64,
    },
    /// A page or record begins before the end of the replica: what it says is there already (or is a fork).
    #[error("record {found} of run {run}: already there, the next is record {expected}")]
    Repeated {
        /// The run.
        run: RunId,
        /// The next position of the replica.
        expected: u64,
        /// The position that was offered.
        found: u64,
    },
    /// Written by another author than the one whose run this is.
    #[error("record {seq} of run {run}: by author {found}, but the run belongs to {expected}")]
    WrongAuthor {
        /// The run.
        run: RunId,
        /// The position.
        seq: u64,
        /// Whose run it is.
        expected: AuthorId,
        /// Who wrote, or says so.
        found: AuthorId,
    },
    /// The Open of the run is sealed, so its author cannot be read from it: it must be given.
    #[error("record 0 of run {run}: sealed, so the author of the run must be known beforehand")]
    AuthorUnknown {
        /// The run.
        run: RunId,
    },
    /// A record or page of another run.
    #[error("record {seq}: belongs to run {found}, not to run {expected}")]
    WrongRun {
        /// The run that was expected.
        expected: RunId,
        /// The run that was named.
        found: RunId,
        /// The position.
        seq: u64,
    },
    /// The body is sealed to a group key that is missing, or the given key is not the one.
    #[error(
        "record {seq} of run {run}: cannot be opened with the key given, it is sealed to group {group} epoch {epoch}"
    )]
    CannotOpen {
        /// The run.
        run: RunId,
        /// The position.
        seq: u64,
        /// The group whose key is needed.
        group: GroupId,
        /// The epoch of that key.
        epoch: u32,
    },
    /// The personal part is not sealed under the person key given (or that person was erased).
    #[error("personal part under key {key}: cannot be opened with the person key given")]
    CannotOpenPersonal {
        /// The key that is needed.
        key: KeyId,
    },
    /// Authentic, but the author broke a rule of runs (an Open later than seq 0, another kind at seq 0).
    #[error("record {seq} of run {run}: {why}")]
    RuleBroken {
        /// The run.
        run: RunId,
        /// The position.
        seq: u64,
        /// The rule.
        why: &'static str,
    },
    /// A request to join that was not made with the voucher's secret, or was changed on the way.
    #[error(
        "request to join of device {device}: not made with its voucher, or changed on the way; make it again"
    )]
    BadRequest {
        /// The name that the voucher gives the device.
        device: KeyId,
    },
    /// A signed head that its device did not sign.
    #[error("signed head: not by device {device}")]
    BadHead {
        /// The device that should have signed.
        device: AuthorId,
    },
    /// A checkpoint that its author did not sign.
    #[error("checkpoint of {origin}: no valid signature by its author")]
    BadCheckpoint {
        /// The origin line that it had or should have had.
        origin: String,
    },
}

impl Error {
    /// The same error said of the thing that the bytes were part of.
    pub(crate) fn at(self, place: Place) -> Error {
        match self {
            Error::NotCanonical { why, .. } => Error::NotCanonical { place, why },
            Error::TooLarge { size, limit, unit, .. } => Error::TooLarge { place, size, limit, unit },
            Error::Malformed { why, .. } => Error::Malformed { place, why },
            other @ (Error::ChainBroken { .. }
            | Error::BadSignature { .. }
            | Error::Gap { .. }
            | Error::Repeated { .. }
            | Error::WrongAuthor { .. }
            | Error::AuthorUnknown { .. }
            | Error::WrongRun { .. }
            | Error::CannotOpen { .. }
            | Error::CannotOpenPersonal { .. }
            | Error::RuleBroken { .. }
            | Error::BadRequest { .. }
            | Error::BadHead { .. }
            | Error::BadCheckpoint { .. }) => other,
        }
    }
}
