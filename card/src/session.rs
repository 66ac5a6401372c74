//! A conversation with one card: selecting, reading, presenting a secret, signing.
//!
//! Each has a bound on the number of commands, whatever the card answers. This is the only place from which a secret is sent:
//! the tries are read just before, and at one left nothing is sent. No secret is ever sent twice.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a card may answer anything; each step names the answers it knows and refuses every other"
)]

use zeroize::Zeroizing;

use crate::apdu::{Command, Meaning, PIECE, Response};
use crate::applications::{Application, File, Key, Secret};
use crate::error::CardError;
use crate::tlv;
use crate::transport::{Transport, TransportError};

/// Tries that have to be left for a secret to be sent: the last one is not ours to spend.
const TRIES_TO_SEND: u8 = 2;

/// A conversation, from a selected application on.
pub(crate) struct Session<'a> {
    transport: &'a mut dyn Transport,
    /// Commands that may still be sent.
    left: u32,
}

/// What a card says of the tries of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TriesLeft {
    /// So many, at least one.
    Left(u8),
    /// None.
    Blocked,
    /// The card knows no such secret.
    Absent,
}

/// A record as it was read.
pub(crate) struct Record {
    bytes: Zeroizing<Vec<u8>>,
    /// Where it begins.
    start: usize,
    /// Where its value begins.
    value: usize,
}

impl Record {
    /// With tag and length.
    pub(crate) fn whole(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub(crate) fn value(&self) -> &[u8] {
        &self.bytes[self.value..]
    }
}

impl<'a> Session<'a> {
    /// A conversation of at most `commands` commands.
    pub(crate) fn new(transport: &'a mut dyn Transport, commands: u32) -> Self {
        Self { transport, left: commands }
    }

    /// One command and its answer, nothing more.
    fn send(&mut self, command: Command<'_>) -> Result<Response, CardError> {
        self.left = self.left.checked_sub(1).ok_or(CardError::TooManyCommands)?;
        let bytes = self.transport.transmit(&command.encode())?;
        Response::parse(bytes).ok_or(CardError::Transport(TransportError::Garbled))
    }

    /// A command that asks for data, and all of its answer: of a card that gives it in parts, or wants to be asked with the
    /// length it names.
    fn ask(&mut self, command: Command<'_>) -> Result<Response, CardError> {
        debug_assert!(command.asks_for_data());
        let mut response = self.send(command)?;
        if let (Meaning::AskAgain(length), Command::Read { offset, length: asked }) =
            (response.status.meaning(), command)
        {
            let length = if length == 0 { PIECE } else { usize::from(length) };
            response = self.send(Command::Read { offset, length: length.min(asked) })?;
        }
        while let Meaning::MoreBytes(length) = response.status.meaning() {
            let mut more = self.send(Command::GetResponse { length })?;
            response.data.append(&mut more.data);
            response.status = more.status;
            if response.data.len() > PIECE {
                break;
            }
        }
        Ok(response)
    }

    /// Selects an application; false if the card has none such.
    pub(crate) fn select(&mut self, application: Application) -> Result<bool, CardError> {
        self.has(Command::SelectApplication(application))
    }

    /// Whether the card has the common data of a driver's licence: not every one lets its application be selected by name.
    pub(crate) fn has_licence_data(&mut self) -> Result<bool, CardError> {
        Ok(self.has(Command::SelectMaster)? && self.has(Command::SelectLicenceData)?)
    }

    fn has(&mut self, command: Command<'_>) -> Result<bool, CardError> {
        let status = self.send(command)?.status;
        match status.meaning() {
            Meaning::Done | Meaning::MoreBytes(_) => Ok(true),
            // A card that answers anything else may be the one it does not admit to be: it is laid on again.
            Meaning::NoDiagnosis | Meaning::Other => Err(CardError::Unexpected(status)),
            _ => Ok(false),
        }
    }

    /// Selects a file, a secret or a key; false if there is none such.
    fn select_within(&mut self, command: Command<'_>) -> Result<bool, CardError> {
        let status = self.send(command)?.status;
        match status.meaning() {
            Meaning::Done | Meaning::MoreBytes(_) => Ok(true),
            Meaning::NotFound => Ok(false),
            _ => Err(CardError::Unexpected(status)),
        }
    }

    /// Selects a file; false if there is none such.
    pub(crate) fn select_file(&mut self, file: File) -> Result<bool, CardError> {
        self.select_within(Command::SelectFile(file))
    }

    /// Up to `length` bytes of the selected file.
    fn piece(&mut self, offset: usize, length: usize) -> Result<Zeroizing<Vec<u8>>, CardError> {
        let offset = u16::try_from(offset).ok().filter(|it| *it < 0x8000).ok_or(CardError::BrokenRecord)?;
        let response = self.ask(Command::Read { offset, length })?;
        match response.status.meaning() {
            Meaning::Done | Meaning::EndOfFile if response.data.len() <= length => Ok(response.data),
            Meaning::Done | Meaning::EndOfFile => Err(CardError::Transport(TransportError::Garbled)),
            Meaning::OutsideFile => Err(CardError::BrokenRecord),
            _ => Err(CardError::Unexpected(response.status)),
        }
    }

    /// The first `length` bytes of the selected file, in pieces.
    fn read_first(&mut self, length: usize) -> Result<Zeroizing<Vec<u8>>, CardError> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(length));
        while bytes.len() < length {
            let mut piece = self.piece(bytes.len(), PIECE.min(length - bytes.len()))?;
            if piece.is_empty() {
                return Err(CardError::BrokenRecord);
            }
            bytes.append(&mut piece);
        }
        Ok(bytes)
    }

    /// The one record of a file; none if the card has no such file.
    pub(crate) fn read_record(&mut self, file: File) -> Result<Option<Record>, CardError> {
        if !self.select_file(file)? {
            return Ok(None);
        }
        // A certificate begins at once; the other records may have some bytes before them.
        let probe = if file == File::AuthenticationCertificate { 4 } else { tlv::PROBE };
        let first = self.piece(0, probe)?;
        let (start, header) = tlv::find(&first, file.tag()).map_err(|_| CardError::BrokenRecord)?;
        let end = start + header.size + header.length;
        if end > file.cap() {
            return Err(CardError::BrokenRecord);
        }
        Ok(Some(Record { bytes: self.read_first(end)?, start, value: start + header.size }))
    }

    /// The first bytes of a file that is no record, [`File::cap`] of them.
    pub(crate) fn read_plain(&mut self, file: File) -> Result<Option<Zeroizing<Vec<u8>>>, CardError> {
        if !self.select_file(file)? {
            return Ok(None);
        }
        self.read_first(file.cap()).map(Some)
    }

    /// How many tries a secret has left, and selects it. Spends none.
    pub(crate) fn tries(&mut self, secret: Secret) -> Result<TriesLeft, CardError> {
        if !self.select_within(Command::SelectSecret(secret))? {
            return Ok(TriesLeft::Absent);
        }
        let status = self.send(Command::TriesLeft)?.status;
        match status.meaning() {
            Meaning::TriesLeft(0) | Meaning::Blocked => Ok(TriesLeft::Blocked),
            Meaning::TriesLeft(left) => Ok(TriesLeft::Left(left)),
            _ => Err(CardError::Unexpected(status)),
        }
    }

    /// Presents a secret, once, if more than one try is left.
    pub(crate) fn present(&mut self, secret: Secret, digits: &[u8]) -> Result<(), CardError> {
        let tries = self.tries(secret)?;
        self.present_at(secret, tries, digits)
    }

    /// Presents a secret, once, whose tries were asked with the command before.
    pub(crate) fn present_at(
        &mut self,
        secret: Secret,
        tries: TriesLeft,
        digits: &[u8],
    ) -> Result<(), CardError> {
        match tries {
            TriesLeft::Left(TRIES_TO_SEND..) => {}
            TriesLeft::Left(_) => return Err(CardError::LastTry(secret)),
            TriesLeft::Blocked => return Err(CardError::Blocked(secret)),
            TriesLeft::Absent => return Err(CardError::NotMyNumberCard),
        }
        let status = self.send(Command::Verify(digits))?.status;
        match status.meaning() {
            Meaning::Done => Ok(()),
            Meaning::TriesLeft(0) | Meaning::Blocked => Err(CardError::Blocked(secret)),
            Meaning::TriesLeft(left) => Err(CardError::Wrong { secret, tries_left: Some(left) }),
            Meaning::Wrong => Err(CardError::Wrong { secret, tries_left: None }),
            _ => Err(CardError::Unexpected(status)),
        }
    }

    /// Signs with a key whose secret was presented. A card that no longer knows of it is another one.
    pub(crate) fn sign(&mut self, key: Key, input: &[u8]) -> Result<Zeroizing<Vec<u8>>, CardError> {
        let selected = self.send(Command::SelectKey(key))?.status;
        match selected.meaning() {
            Meaning::Done | Meaning::MoreBytes(_) => {}
            Meaning::NotFound | Meaning::NoFileSelected | Meaning::Locked => {
                return Err(CardError::CardChanged);
            }
            _ => return Err(CardError::Unexpected(selected)),
        }
        self.signature(Command::Sign(input))
    }

    /// Signs with the chip's own key in the selected application. The command means that key by itself; it is selected for
    /// cards that sign with whatever is selected, and one that does not let it be selected signs all the same.
    pub(crate) fn sign_by_chip(&mut self, input: &[u8]) -> Result<Zeroizing<Vec<u8>>, CardError> {
        self.send(Command::SelectKey(Key::Chip))?;
        self.signature(Command::SignByChip(input))
    }

    fn signature(&mut self, command: Command<'_>) -> Result<Zeroizing<Vec<u8>>, CardError> {
        let response = self.ask(command)?;
        match response.status.meaning() {
            Meaning::Done => Ok(response.data),
            Meaning::Locked | Meaning::NoFileSelected => Err(CardError::CardChanged),
            _ => Err(CardError::Unexpected(response.status)),
        }
    }

    /// The number that the card answered with on the air; none if the reader does not say.
    pub(crate) fn number(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, CardError> {
        let response = self.ask(Command::Number)?;
        Ok((response.status.meaning() == Meaning::Done).then_some(response.data))
    }
}
