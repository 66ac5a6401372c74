//! A run as a replica holds it, and its bytes in a store: what is needed to serve the run and to verify what follows, without
//! reading its records again.

use crate::{
    AuthorId, CompactRange, Error, Feed, Have, Leaf, Place, Prior, Root, RunId, RunVerifier, Source, Value,
};
use sha2::{Digest, Sha256};

const VERSION: i64 = 1;

/// A run as a replica holds it; kept in the store beside the records.
#[derive(Clone, Debug)]
pub struct Line {
    pub(crate) feed: Feed,
    pub(crate) author: AuthorId,
    pub(crate) verifier: RunVerifier,
    pub(crate) at: Prior,
    pub(crate) emptied_below: u64,
    pub(crate) priors: Vec<RunId>,
}

impl Line {
    /// A run that its author wrote itself and of which it keeps the leaves; nothing for a run without records.
    pub fn of_leaves(
        run: RunId,
        source: Source,
        leaves: impl IntoIterator<Item = Leaf>,
        priors: Vec<RunId>,
    ) -> Option<Line> {
        let (mut range, mut last) = (CompactRange::default(), Leaf::NONE);
        for leaf in leaves {
            range.push(leaf);
            last = leaf;
        }
        let verifier = RunVerifier::restored(run, source.author, last, range)?;
        let at = verifier.prior()?;
        Some(Line { feed: source.feed, author: source.author, verifier, at, emptied_below: 0, priors })
    }

    /// The feed.
    pub fn feed(&self) -> Feed {
        self.feed
    }

    /// Whose it is.
    pub fn author(&self) -> AuthorId {
        self.author
    }

    /// As far as it is held.
    pub fn at(&self) -> Prior {
        self.at
    }

    /// Author and feed.
    pub fn source(&self) -> Source {
        Source { author: self.author, feed: self.feed }
    }

    /// The runs that its Open continues.
    pub fn priors(&self) -> &[RunId] {
        &self.priors
    }

    /// Retention emptied a record before this place: nothing before it is served.
    pub fn emptied_below(&mut self, seq: u64) {
        self.emptied_below = self.emptied_below.max(seq);
    }

    /// After records were added: the root costs a few hashes, and is asked for often.
    pub(crate) fn grown(&mut self) {
        self.at = self.verifier.prior().unwrap_or(self.at);
    }

    /// What a replica says that it can serve.
    pub fn have(&self) -> Have {
        Have { at: self.at(), author: self.author, feed: self.feed, from: self.emptied_below }
    }

    /// The bytes of a column of a store, from which a replica goes on after a restart ([`crate::Sync::restart`]):
    /// `[1, run, author, feed, length, last leaf, [peak..], emptied below, [prior run..], SHA-256 of all before]`.
    pub fn encode(&self) -> Vec<u8> {
        let (prev, peaks) = self.verifier.end_parts().unwrap_or((Leaf::NONE, &[]));
        let number = |number: u64| Value::Int(number.try_into().expect("positions are below 2^63"));
        let mut parts = vec![
            Value::Int(VERSION),
            Value::bytes(self.at.run.0),
            Value::bytes(self.author.0),
            Value::text(self.feed.to_string()),
            number(self.at.length),
            Value::bytes(prev.0),
            Value::Array(peaks.iter().map(|peak| Value::bytes(peak.0)).collect()),
            number(self.emptied_below),
            Value::Array(self.priors.iter().map(|run| Value::bytes(run.0)).collect()),
        ];
        parts.push(Value::bytes(sum(&parts)));
        Value::Array(parts).encode().expect("priors were read from one record, so all of this is shorter")
    }

    /// Reads a line from exactly its bytes.
    ///
    /// Errors: [`Error::TooLarge`], [`Error::NotCanonical`], [`Error::Malformed`] for anything that [`Line::encode`] did not
    /// write: damage in the store is told, and the run is read again from its records or from another replica.
    pub fn decode(bytes: &[u8]) -> Result<Line, Error> {
        let value = Value::decode(bytes).map_err(|error| error.at(Place::Line))?;
        read(&value).ok_or(Error::Malformed {
            place: Place::Line,
            why: "it is damaged or of another version; read the run again from its records",
        })
    }
}

fn sum(parts: &[Value]) -> [u8; 32] {
    let all = Value::Array(parts.to_vec()).encode().expect("it is a part of what is encoded");
    Sha256::digest(all).into()
}

fn read(value: &Value) -> Option<Line> {
    let (said, parts) = value.as_array()?.split_last()?;
    let [version, run, author, feed, length, prev, peaks, emptied_below, priors] = parts else { return None };
    if said.as_array_of() != Some(sum(parts)) || version.as_int() != Some(VERSION) {
        return None;
    }
    let run = RunId(run.as_array_of()?);
    let author = AuthorId(author.as_array_of()?);
    let peaks = peaks.as_array()?.iter().map(|peak| peak.as_array_of().map(Root)).collect::<Option<_>>()?;
    let range = CompactRange::from_parts(length.as_int()?.try_into().ok()?, peaks)?;
    let verifier = RunVerifier::restored(run, author, Leaf(prev.as_array_of()?), range)?;
    let at = verifier.prior()?;
    let emptied_below = emptied_below.as_int()?.try_into().ok().filter(|below| *below <= at.length)?;
    let priors = priors.as_array()?.iter().map(|run| run.as_array_of().map(RunId)).collect::<Option<_>>()?;
    Some(Line { feed: feed.as_text()?.parse().ok()?, author, verifier, at, emptied_below, priors })
}
