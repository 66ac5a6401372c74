//! Two cards that the fuzzer plays: one that answers as a script says, and one that behaves and holds whatever it likes.

use std::collections::VecDeque;

use card::{Application, File, Transport, TransportError};
use zeroize::Zeroizing;

/// Answers to reset: of a card with a chip, and of a memory card of type A, whose short numbers count.
const ANSWERS_TO_RESET: [&[u8]; 2] = [
    &[0x3B, 0x80],
    &[0x3B, 0x8F, 0x80, 0x01, 0x80, 0x4F, 0x0C, 0xA0, 0, 0, 0x03, 0x06, 0x03, 0, 0x01, 0, 0, 0, 0, 0x6A],
];

/// Answers one section after the other, whatever it is asked; an empty one is a card that takes too long, and after the
/// last the card is gone.
pub struct Scripted<'a> {
    answers: VecDeque<&'a [u8]>,
    answer_to_reset: &'static [u8],
}

impl<'a> Scripted<'a> {
    /// A card with this script.
    #[must_use]
    pub fn new(answers: impl Iterator<Item = &'a [u8]>, memory_card: bool) -> Self {
        Self { answers: answers.collect(), answer_to_reset: ANSWERS_TO_RESET[usize::from(memory_card)] }
    }
}

impl Transport for Scripted<'_> {
    fn answer_to_reset(&self) -> &[u8] {
        self.answer_to_reset
    }

    fn transmit(&mut self, _: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        match self.answers.pop_front() {
            None => Err(TransportError::Removed),
            Some([]) => Err(TransportError::TimedOut),
            Some(answer) => Ok(Zeroizing::new(answer.to_vec())),
        }
    }
}

/// How a well-behaved card behaves, as four bytes of an input after the flow's.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// Tries left of every secret, 0 to 15.
    pub tries: u8,
    /// 0: every secret is the right one; 1: it is wrong; 2: it blocks.
    pub verify: u8,
    /// The most bytes of one answer; 0: as many as asked for.
    pub piece: u8,
    /// Bits: 1 asks to be asked again, 2 gives the second half on its own, 4 hides the certificate until the PIN.
    pub quirks: u8,
}

/// Selects and reads as a card does, with the fuzzer's files.
pub struct Honest<'a> {
    manner: Manner,
    /// In the order of [`File::ALL`].
    files: [&'a [u8]; File::ALL.len()],
    signature: &'a [u8],
    application: Option<Application>,
    selected: u16,
    verified: bool,
    /// What is left of an answer.
    rest: Vec<u8>,
}

impl<'a> Honest<'a> {
    /// A card with these files; the section after them is what it signs with.
    #[must_use]
    pub fn new(manner: Manner, mut sections: impl Iterator<Item = &'a [u8]>) -> Self {
        let files = std::array::from_fn(|_| sections.next().unwrap_or_default());
        let signature = sections.next().unwrap_or_default();
        Self { manner, files, signature, application: None, selected: 0, verified: false, rest: Vec::new() }
    }

    fn answer(&mut self, command: &[u8]) -> Vec<u8> {
        match *command {
            [0x00, 0xA4, 0x04, _, _, ref name @ ..] => {
                let held = [Application::Jpki, Application::Text, Application::Surface];
                self.application = held.into_iter().find(|it| it.identifier() == name);
                status(if self.application.is_some() { 0x9000 } else { 0x6A82 })
            }
            [0x00, 0xA4, _, _, _, high, low] => {
                self.selected = u16::from_be_bytes([high, low]);
                status(0x9000)
            }
            [0x00, 0xB0, high, low, length] => self.read(u16::from_be_bytes([high, low]).into(), length),
            [0x00, 0x20, _, _] => status(0x63C0 | u16::from(self.manner.tries & 15)),
            [0x00, 0x20, ..] => self.verify(),
            [0x80, 0x2A, ..] => [self.signature, &[0x90, 0x00]].concat(),
            [0x00, 0xC0, ..] => [std::mem::take(&mut self.rest), status(0x9000)].concat(),
            _ => status(0x6D00),
        }
    }

    fn verify(&mut self) -> Vec<u8> {
        self.verified = self.manner.verify == 0;
        status(match self.manner.verify {
            0 => 0x9000,
            1 => 0x63C1,
            _ => 0x6983,
        })
    }

    fn read(&mut self, offset: usize, length: u8) -> Vec<u8> {
        let place =
            |it: &File| Some(it.application()) == self.application && it.identifier() == self.selected;
        let Some(index) = File::ALL.iter().position(place) else { return status(0x6A82) };
        let quirk = |bit: u8| self.manner.quirks & bit != 0;
        let hidden = File::ALL[index] == File::AuthenticationCertificate && quirk(4);
        let asked = if length == 0 { 256 } else { usize::from(length) };
        let most = if self.manner.piece == 0 { asked } else { usize::from(self.manner.piece).min(asked) };
        match self.files[index].get(offset..) {
            _ if hidden && !self.verified => status(0x6982),
            None | Some([]) => status(0x6B00),
            Some(rest) if quirk(1) && rest.len() < asked => {
                status(0x6C00 | u16::try_from(rest.len()).expect("fewer than 256"))
            }
            Some(rest) => self.part(rest[..most.min(rest.len())].to_vec()),
        }
    }

    fn part(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        if self.manner.quirks & 2 == 0 || bytes.len() < 2 {
            return [bytes, status(0x9000)].concat();
        }
        self.rest = bytes.split_off(bytes.len() / 2);
        [bytes, status(0x6100 | (self.rest.len() as u16 & 0xFF))].concat()
    }
}

fn status(word: u16) -> Vec<u8> {
    word.to_be_bytes().to_vec()
}

impl Transport for Honest<'_> {
    fn answer_to_reset(&self) -> &[u8] {
        ANSWERS_TO_RESET[0]
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        Ok(Zeroizing::new(self.answer(command)))
    }
}
