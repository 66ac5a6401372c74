//! The hand that lays a card on the reader, and what happens to it there.

use card::{Transport, TransportError};
use emulator::{Emulator, Reply};
use zeroize::Zeroizing;

/// What a reader waits for an answer. A slow card is not waited for: the hand says so at once.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(3);

/// What happens at one command.
#[derive(Clone, Debug)]
pub(crate) enum Accident {
    /// The card is gone.
    Pulled,
    /// From here on another card answers, and no reader noticed.
    Swapped,
    /// No answer comes.
    Late,
    /// This comes instead of the answer.
    Instead(Vec<u8>),
    /// One bit of the answer is another one.
    Flipped,
}

/// A card that was laid on the reader, until it is taken away.
pub(crate) struct Hand<'a> {
    card: &'a mut Emulator,
    other: Option<&'a mut Emulator>,
    accident: Option<(u32, Accident)>,
    answer_to_reset: Vec<u8>,
    finished: Option<TransportError>,
    /// Commands so far.
    pub(crate) sent: u32,
    /// Answers so far.
    pub(crate) answers: Vec<Vec<u8>>,
}

impl<'a> Hand<'a> {
    pub(crate) fn lays(card: &'a mut Emulator) -> Self {
        card.lay_down();
        card.reset();
        let answer_to_reset = card.answer_to_reset().to_vec();
        Self {
            card,
            other: None,
            accident: None,
            answer_to_reset,
            finished: None,
            sent: 0,
            answers: Vec::new(),
        }
    }

    /// With an accident at this command, counted from 0; `other` is the card for [`Accident::Swapped`].
    pub(crate) fn with(mut self, at: u32, accident: Accident, other: &'a mut Emulator) -> Self {
        other.reset();
        (self.accident, self.other) = (Some((at, accident)), Some(other));
        self
    }

    fn answer(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let reply = match (&self.accident, &mut self.other) {
            (Some((at, Accident::Swapped)), Some(other)) if self.sent >= *at => other.respond(command),
            _ => self.card.respond(command),
        };
        match reply {
            Reply::Answer(bytes, after) if after <= PATIENCE => Ok(bytes),
            Reply::Answer(..) => Err(TransportError::TimedOut),
            Reply::Removed | Reply::Replaced => Err(TransportError::Removed),
        }
    }
}

impl Transport for Hand<'_> {
    fn answer_to_reset(&self) -> &[u8] {
        &self.answer_to_reset
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        if let Some(error) = self.finished {
            return Err(error);
        }
        // The card hears the command whatever becomes of its answer.
        let mut told = self.answer(command);
        if let Some((at, accident)) = &self.accident
            && *at == self.sent
        {
            match accident {
                Accident::Pulled => told = Err(TransportError::Removed),
                Accident::Late => told = Err(TransportError::TimedOut),
                Accident::Instead(answer) => told = Ok(answer.clone()),
                Accident::Flipped => {
                    if let Ok(answer) = &mut told {
                        let middle = answer.len() / 2;
                        answer[middle] ^= 1;
                    }
                }
                Accident::Swapped => {}
            }
        }
        self.sent += 1;
        match told {
            Ok(answer) => {
                self.answers.push(answer.clone());
                Ok(Zeroizing::new(answer))
            }
            Err(error) => {
                self.finished = Some(error);
                Err(error)
            }
        }
    }
}

/// Answers as a card once did, whatever it is asked: a copy of all that it ever said.
pub(crate) struct Copied {
    pub(crate) answers: std::vec::IntoIter<Vec<u8>>,
}

impl Transport for Copied {
    fn answer_to_reset(&self) -> &[u8] {
        &[]
    }

    fn transmit(&mut self, _: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        self.answers.next().map(Zeroizing::new).ok_or(TransportError::Removed)
    }
}
