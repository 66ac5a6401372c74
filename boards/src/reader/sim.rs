//! A reader without cards: a handle that tests hold cards to, or a file to which people add lines at a running kiosk.
//!
//! ```text
//! card 0102030405060708        a facility's card; two hexadecimal digits a byte, up to 64 bytes
//! qr GENKAN-1234               a QR code with this text
//! ```
//!
//! An empty line, or one that begins with `# `, says nothing. What was in the file before the reader was opened was shown
//! to somebody else.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use super::{CredentialKind, Identifier, Presented, Reader, ReaderError};
use crate::{Clock, tail::Tail};

/// Cards that may wait at the handle. More than anybody holds to a reader at once.
const MOST_WAITING: usize = 16;

/// Bytes of a card's number.
const LONGEST_NUMBER: usize = 64;

/// How often the file is looked at.
const POLL: Duration = Duration::from_millis(20);

/// What a line of the file may be.
const ALLOWED: &str = "`card HEX` or `qr TEXT`, HEX two hexadecimal digits for each of up to 64 bytes";

/// The reader of a board without hardware.
pub struct SimReader {
    shown: Shown,
}

enum Shown {
    Handle(Receiver<Presented>),
    File { path: PathBuf, tail: Tail, clock: Arc<dyn Clock> },
}

/// Whoever holds cards to a [`SimReader`].
#[derive(Clone)]
pub struct SimCards {
    cards: SyncSender<Presented>,
    clock: Arc<dyn Clock>,
}

impl SimReader {
    /// A reader, and the hand that holds cards to it.
    #[must_use]
    pub fn scripted(clock: Arc<dyn Clock>) -> (Self, SimCards) {
        let (cards, taken) = sync_channel(MOST_WAITING);
        (Self { shown: Shown::Handle(taken) }, SimCards { cards, clock })
    }

    /// A reader of a file, or a FIFO.
    ///
    /// # Errors
    /// [`ReaderError::File`] if there is something else at its path; a missing file is nothing wrong.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, ReaderError> {
        let tail = Tail::of_new(path).map_err(|error| unread(path, &error))?;
        Ok(Self { shown: Shown::File { path: path.into(), tail, clock } })
    }
}

impl SimCards {
    /// Shows a credential. False if the reader is gone, or nobody asked it for so long that no more can wait.
    #[must_use]
    pub fn present(&self, kind: CredentialKind, identifier: &[u8]) -> bool {
        let identifier = Identifier::new(identifier.to_vec());
        self.cards.try_send(Presented { at: self.clock.now(), kind, identifier }).is_ok()
    }
}

impl Reader for SimReader {
    fn next(&mut self, patience: Duration) -> Result<Option<Presented>, ReaderError> {
        let until = Instant::now() + patience;
        let (path, tail, clock) = match &mut self.shown {
            Shown::Handle(cards) => return Ok(taken(cards, until)),
            Shown::File { path, tail, clock } => (path, tail, clock),
        };
        loop {
            let line = match tail.line() {
                Ok(line) => line,
                Err(error) if error.kind() == std::io::ErrorKind::InvalidData => return Err(no_card(path)),
                Err(error) => return Err(unread(path, &error)),
            };
            if let Some(line) = line {
                if line.is_empty() || line.starts_with("# ") {
                    continue;
                }
                let (kind, identifier) = parse(&line).ok_or_else(|| no_card(path))?;
                return Ok(Some(Presented { at: clock.now(), kind, identifier }));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            thread::sleep(left.min(POLL));
        }
    }
}

/// A handle that is gone shows nothing any more; the reader is there all the same.
fn taken(cards: &Receiver<Presented>, until: Instant) -> Option<Presented> {
    match cards.recv_timeout(until.saturating_duration_since(Instant::now())) {
        Ok(presented) => Some(presented),
        Err(RecvTimeoutError::Timeout) => None,
        Err(RecvTimeoutError::Disconnected) => {
            thread::sleep(until.saturating_duration_since(Instant::now()));
            None
        }
    }
}

fn parse(line: &str) -> Option<(CredentialKind, Identifier)> {
    let (word, said) = line.split_once(' ')?;
    // A code's text may end in a space.
    let said = said.trim_end_matches(['\r', '\n']);
    match word {
        "card" => Some((CredentialKind::FacilityCard, number(said.trim())?)),
        "qr" if !said.trim().is_empty() => {
            Some((CredentialKind::Qr, Identifier::new(said.as_bytes().to_vec())))
        }
        _ => None,
    }
}

fn number(digits: &str) -> Option<Identifier> {
    let digits = digits.as_bytes();
    if digits.is_empty() || !digits.len().is_multiple_of(2) || digits.len() > 2 * LONGEST_NUMBER {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut bytes = Identifier::new(Vec::with_capacity(LONGEST_NUMBER));
    for pair in digits.chunks_exact(2) {
        bytes.0.push(u8::try_from(16 * digit(pair[0])? + digit(pair[1])?).ok()?);
    }
    Some(bytes)
}

fn no_card(path: &Path) -> ReaderError {
    ReaderError::Command { path: path.into(), allowed: ALLOWED }
}

fn unread(path: &Path, error: &std::io::Error) -> ReaderError {
    ReaderError::File { path: path.into(), reason: error.to_string() }
}
