//! The head that a kiosk signs (LEDGER section 9): how far its own runs go, what it has of the registry's feeds, and the
//! nonce by which it later knows that an answer is new. It goes first on every road.
//!
//! `[head, sig]`, where head is the map `{device, runs, cursors, epoch, nonce}` and the signature covers
//! `"genkan head 1\0" || head`. Runs stand in the order of their ids, cursors in that of feed and run, each once.

use crate::sign::verify;
use crate::{AuthorId, Error, Place, Prior, Signer, Suite, Value};

const HEAD: &[u8; 14] = b"genkan head 1\0";

/// How far a replica has read a feed of the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The feed, for example `facility/urgent`.
    pub feed: String,
    /// The run and how much of it is applied.
    pub at: Prior,
}

/// What a kiosk states about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The kiosk: its D_sign.
    pub device: AuthorId,
    /// Its own runs.
    pub runs: Vec<Prior>,
    /// What it has of the registry's feeds.
    pub cursors: Vec<Cursor>,
    /// The newest epoch of its group that it opened.
    pub epoch: u32,
    /// 16 random bytes; a receipt that echoes them is younger than they are.
    pub nonce: [u8; 16],
}

/// A head and its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHead {
    /// The statement.
    pub head: Head,
    /// The device's signature.
    pub sig: [u8; 64],
}

impl SignedHead {
    /// Sorts runs and cursors and signs.
    ///
    /// Errors: [`Error::BadHead`] if the key is not that of `head.device`, [`Error::Malformed`] for a run or cursor named
    /// twice, [`Error::TooLarge`] for more than fits in 64 KiB (over a thousand runs).
    pub fn sign(author: &dyn Signer, mut head: Head) -> Result<SignedHead, Error> {
        if author.id() != head.device {
            return Err(Error::BadHead { device: head.device });
        }
        head.runs.sort_by_key(|prior| prior.run);
        head.cursors.sort_by(|a, b| a.place().cmp(&b.place()));
        let signed = SignedHead { sig: author.sign(&head.message()?), head };
        signed.encode().map(|_| signed)
    }

    /// Whether this device signed it.
    ///
    /// Errors: [`Error::BadHead`].
    pub fn verify(&self, device: AuthorId) -> Result<(), Error> {
        let valid = self.head.device == device && verify(device, &self.head.message()?, &self.sig);
        if valid { Ok(()) } else { Err(Error::BadHead { device }) }
    }

    /// As [`SignedHead::verify`] for the device that it names, with the signatures of another suite.
    pub fn verify_with(&self, suite: &dyn Suite) -> bool {
        self.head.message().is_ok_and(|message| suite.verify(self.head.device, &message, &self.sig))
    }

    /// The bytes that travel. Errors: as [`SignedHead::sign`].
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        let value = Value::Array(vec![self.head.to_value()?, Value::bytes(self.sig)]);
        value.encode().map_err(|error| error.at(Place::Head))
    }

    /// Reads a head from exactly its bytes; its signature is looked at by [`SignedHead::verify`] only.
    ///
    /// Errors: [`Error::TooLarge`], [`Error::NotCanonical`], [`Error::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<SignedHead, Error> {
        let value = Value::decode(bytes).map_err(|error| error.at(Place::Head))?;
        let signed =
            read(&value).ok_or(malformed("[{device, runs, cursors, epoch, nonce}, sig] is needed"))?;
        signed.head.check_order()?;
        Ok(signed)
    }
}

impl Head {
    fn message(&self) -> Result<Vec<u8>, Error> {
        let head = self.to_value()?.encode().map_err(|error| error.at(Place::Head))?;
        Ok([&HEAD[..], &head].concat())
    }

    fn to_value(&self) -> Result<Value, Error> {
        self.check_order()?;
        let long = malformed("a length is beyond 63 bits");
        let runs =
            self.runs.iter().map(|prior| prior.to_value()).collect::<Option<_>>().ok_or(long.clone())?;
        let cursors = self.cursors.iter().map(Cursor::to_value).collect::<Option<_>>().ok_or(long)?;
        let entries = [
            ("device", Value::bytes(self.device.0)),
            ("runs", Value::Array(runs)),
            ("cursors", Value::Array(cursors)),
            ("epoch", Value::Int(self.epoch.into())),
            ("nonce", Value::bytes(self.nonce)),
        ];
        Ok(Value::Map(entries.map(|(name, value)| (Value::text(name), value)).to_vec()))
    }

    fn check_order(&self) -> Result<(), Error> {
        let runs = self.runs.is_sorted_by(|a, b| a.run < b.run);
        let cursors = self.cursors.is_sorted_by(|a, b| a.place() < b.place());
        if runs && cursors { Ok(()) } else { Err(malformed("runs and cursors stand in order, each once")) }
    }
}

impl Cursor {
    fn place(&self) -> (&str, crate::RunId) {
        (&self.feed, self.at.run)
    }

    pub(crate) fn to_value(&self) -> Option<Value> {
        Some(Value::Array(vec![Value::text(&self.feed), self.at.to_value()?]))
    }

    pub(crate) fn from_value(value: &Value) -> Option<Cursor> {
        let [feed, at] = value.as_array()? else {
            return None;
        };
        Some(Cursor { feed: feed.as_text()?.to_owned(), at: Prior::from_value(at)? })
    }
}

fn read(value: &Value) -> Option<SignedHead> {
    let [head, sig] = value.as_array()? else {
        return None;
    };
    let Value::Map(entries) = head else { return None };
    if entries.len() != 5 {
        return None;
    }
    let runs = head.get("runs")?.as_array()?;
    let cursors = head.get("cursors")?.as_array()?;
    let head = Head {
        device: AuthorId(head.get("device")?.as_array_of()?),
        runs: runs.iter().map(Prior::from_value).collect::<Option<_>>()?,
        cursors: cursors.iter().map(Cursor::from_value).collect::<Option<_>>()?,
        epoch: head.get("epoch")?.as_int()?.try_into().ok()?,
        nonce: head.get("nonce")?.as_array_of()?,
    };
    Some(SignedHead { head, sig: sig.as_array_of()? })
}

fn malformed(why: &'static str) -> Error {
    Error::Malformed { place: Place::Head, why }
}
