//! The credential port: cards and codes that people show.
//!
//! A reader says what was shown, and decides nothing. What it read is card data: it is wiped from memory when it is
//! dropped, and [`Identifier`] shows nothing of itself in a log.
//!
//! [`sim`](SimReader) is the only [`Reader`] yet. With a chip card one talks, rather than reading a number off it: for that
//! there is [`PcscReader`], which gives the way to the card, and leaves to others what lies there.

mod authorities;
mod pcsc;
mod sim;

use std::{fmt, path::PathBuf, time::Duration};

pub use gate::CredentialKind;
use gate::Monotonic;
use thiserror::Error;
use zeroize::Zeroizing;

pub use authorities::trusted_authorities;
pub use pcsc::{ANSWER_WITHIN, PcscCard, PcscReader, SERVICE_WITHIN};
pub use sim::{SimCards, SimReader};

/// What a reader read: a card's number, a code's text. Wiped when dropped.
pub struct Identifier(Zeroizing<Vec<u8>>);

impl Identifier {
    /// What was read.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for a comparison or a hash; never for a log.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Identifier(not shown)")
    }
}

/// Somebody showed something.
#[derive(Debug)]
pub struct Presented {
    /// When.
    pub at: Monotonic,
    /// What kind of thing.
    pub kind: CredentialKind,
    /// What it says.
    pub identifier: Identifier,
}

/// A reader of cards or codes. Each showing is told once.
pub trait Reader: Send {
    /// Waits until something is shown, at most `patience`; none if nothing was.
    ///
    /// # Errors
    /// [`ReaderError`]. After [`ReaderError::Command`] the next call goes on; after any other, drop the reader and open
    /// it again after a pause.
    fn next(&mut self, patience: Duration) -> Result<Option<Presented>, ReaderError>;
}

/// Why a reader does not read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReaderError {
    /// A line of the simulator's file is nothing that it knows. The line is card data, so it is not shown.
    #[error("a line of {path} is no card: it may be {allowed}")]
    Command {
        /// The file.
        path: PathBuf,
        /// The words.
        allowed: &'static str,
    },
    /// The simulator's file.
    #[error("cannot read cards from {path}: {reason}. Correct `path` under [[readers]] in the board file")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// PC/SC does not run, or stopped.
    #[error("no card reader can be used: {reason}. See that pcscd runs (systemctl start pcscd.socket)")]
    Service {
        /// PC/SC's reason.
        reason: String,
    },
    /// No reader of this name.
    #[error(
        "there is no card reader \"{name}\"; found: {found}. Plug it in, or correct `name` under [[readers]]"
    )]
    NotThere {
        /// The name.
        name: String,
        /// Those that are there.
        found: String,
    },
    /// The name fits more than one.
    #[error(
        "more than one card reader is called \"{name}\": {found}. Write the whole `name` under [[readers]]"
    )]
    Several {
        /// The name.
        name: String,
        /// Those that it fits.
        found: String,
    },
    /// The authorities whose MyNumber cards are taken cannot be read.
    #[error(
        "the authorities in {folder} cannot be used: {reason}. Correct `authorities` under [[readers]], or what lies there"
    )]
    Authorities {
        /// The folder.
        folder: PathBuf,
        /// Which one, and why.
        reason: String,
    },
    /// It did not answer in time and was given up.
    #[error("the card reader \"{name}\" is stuck and was given up; pull it out and plug it in again")]
    Stuck {
        /// The reader.
        name: String,
    },
    /// Another program has the card.
    #[error("another program uses the card on \"{name}\"; stop it: only this one may")]
    Taken {
        /// The reader.
        name: String,
    },
    /// Something lies there that does not answer.
    #[error("what lies on \"{name}\" does not answer; take it away and lay it down again, chip first, alone")]
    Mute {
        /// The reader.
        name: String,
    },
}
