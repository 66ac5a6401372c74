//! A reader of chip cards behind PC/SC: the system's pcscd, which speaks to nearly every reader.
//!
//! It gives whoever asks a [`card::Transport`] to the card that lies there, and leaves it to the crate `card` to say what
//! that is. A card belongs to one session: it is taken with `SHARE_EXCLUSIVE`, so that no other program uses what a PIN
//! opened, and at the end it loses its power, and with it whatever was presented.
//!
//! Calls into PC/SC block as long as the reader likes. They are made by a thread of the reader's own ([`worker`]), each
//! with a deadline; a reader that misses one is given up, its thread left to itself, and the caller opens the reader
//! again. PC/SC's service may be started again at any time: that too is an error after which the reader is opened again.

mod worker;

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::Duration,
};

use card::{Transport, TransportError};
use zeroize::Zeroizing;

use super::ReaderError;
use worker::{Ask, Told};

/// Longest wait for one answer of a card. The slowest command, a signature of 2048 bits, takes a contactless card about
/// half a second.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// Longest time in which PC/SC finds its readers, takes a card or lets it go. A card that is laid on badly is tried a few
/// times by the reader itself.
pub const SERVICE_WITHIN: Duration = Duration::from_secs(5);

/// Longest command: an extended APDU with all its lengths.
const LONGEST_COMMAND: usize = 65_544;

/// An open reader of chip cards.
pub struct PcscReader {
    name: String,
    asks: SyncSender<Ask>,
    told: Receiver<Told>,
    stuck: bool,
}

impl PcscReader {
    /// Opens the reader of this name: all of it, or a part that only one reader's name has.
    ///
    /// # Errors
    /// [`ReaderError::Service`], [`ReaderError::NotThere`] or [`ReaderError::Several`] with the names that were found,
    /// [`ReaderError::Stuck`].
    pub fn open(name: &str) -> Result<Self, ReaderError> {
        let (asks, asked) = sync_channel(1);
        let (tell, told) = sync_channel(1);
        let wanted = name.to_owned();
        let started = thread::Builder::new()
            .name("card reader".into())
            .spawn(move || worker::run(&wanted, &asked, &tell));
        if let Err(error) = started {
            return Err(ReaderError::Service { reason: error.to_string() });
        }
        let mut reader = Self { name: name.into(), asks, told, stuck: false };
        match reader.wait(SERVICE_WITHIN)? {
            Told::Opened(name) => {
                reader.name = name;
                Ok(reader)
            }
            Told::Failed(error) => Err(error),
            Told::Waited(_) | Told::Answered(_) | Told::LetGo => Err(reader.lost()),
        }
    }

    /// The reader's whole name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits until a card is laid down, at most `patience`, and takes it; none if none was. Each card is given once: the
    /// next is one that was laid down after this.
    ///
    /// # Errors
    /// After [`ReaderError::Mute`] and [`ReaderError::Taken`] the next call goes on; after any other, drop the reader and
    /// open it again after a pause.
    pub fn card(&mut self, patience: Duration) -> Result<Option<PcscCard<'_>>, ReaderError> {
        self.ask(Ask::Wait(patience))?;
        match self.wait(patience + SERVICE_WITHIN)? {
            Told::Waited(None) => Ok(None),
            Told::Waited(Some(answer_to_reset)) => {
                Ok(Some(PcscCard { reader: self, answer_to_reset, finished: None }))
            }
            Told::Failed(error) => Err(error),
            Told::Opened(_) | Told::Answered(_) | Told::LetGo => Err(self.lost()),
        }
    }

    fn ask(&mut self, ask: Ask) -> Result<(), ReaderError> {
        if self.stuck {
            return Err(self.given_up());
        }
        // The thread takes one at a time, and nobody asks before it has told: there is room, or the thread has ended.
        self.asks.try_send(ask).map_err(|_| self.lost())
    }

    fn wait(&mut self, within: Duration) -> Result<Told, ReaderError> {
        match self.told.recv_timeout(within) {
            Ok(told) => Ok(told),
            Err(RecvTimeoutError::Timeout) => {
                self.stuck = true;
                Err(self.given_up())
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.lost()),
        }
    }

    fn given_up(&self) -> ReaderError {
        ReaderError::Stuck { name: self.name.clone() }
    }

    fn lost(&self) -> ReaderError {
        ReaderError::Service { reason: "the reader's thread has ended".into() }
    }
}

/// A card on the reader. When it is dropped, the card loses its power.
pub struct PcscCard<'a> {
    reader: &'a mut PcscReader,
    answer_to_reset: Vec<u8>,
    finished: Option<TransportError>,
}

impl PcscCard<'_> {
    fn exchange(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        if command.len() > LONGEST_COMMAND {
            return Err(TransportError::Garbled);
        }
        let gone = |_| TransportError::ReaderGone;
        self.reader.ask(Ask::Transmit(Zeroizing::new(command.to_vec()))).map_err(gone)?;
        match self.reader.wait(ANSWER_WITHIN) {
            Ok(Told::Answered(answer)) => answer,
            Err(ReaderError::Stuck { .. }) => Err(TransportError::TimedOut),
            Ok(Told::Opened(_) | Told::Waited(_) | Told::LetGo | Told::Failed(_)) | Err(_) => {
                Err(TransportError::ReaderGone)
            }
        }
    }
}

impl Transport for PcscCard<'_> {
    fn answer_to_reset(&self) -> &[u8] {
        &self.answer_to_reset
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        if let Some(error) = self.finished {
            return Err(error);
        }
        self.exchange(command).inspect_err(|&error| self.finished = Some(error))
    }
}

impl Drop for PcscCard<'_> {
    fn drop(&mut self) {
        // A reader that is stuck or gone has no card to let go; its next use says so.
        if self.reader.ask(Ask::LetGo).is_ok() {
            let _ = self.reader.wait(SERVICE_WITHIN);
        }
    }
}
