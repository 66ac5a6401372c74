//! The emulated card without a reader: a transport whose other end is in the same program.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use card::{Transport, TransportError};
use zeroize::Zeroizing;

use crate::{Emulator, Reply};

/// What a reader waits for a card. A plan's slow card is slower: nobody has to wait for it, the transport says so at once.
const PATIENCE: Duration = Duration::from_secs(2);

/// An emulated card at a reader of this program. Clones speak to the same card.
#[derive(Clone)]
pub struct InProcess {
    card: Arc<Mutex<Emulator>>,
    answer_to_reset: Vec<u8>,
    finished: Option<TransportError>,
}

impl InProcess {
    /// Lays a card on the reader, which gives it power.
    #[must_use]
    pub fn new(mut card: Emulator) -> Self {
        card.reset();
        let answer_to_reset = card.answer_to_reset().to_vec();
        Self { card: Arc::new(Mutex::new(card)), answer_to_reset, finished: None }
    }

    /// The card, to take it away or to count what was read.
    pub fn card(&self) -> MutexGuard<'_, Emulator> {
        self.card.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for InProcess {
    fn answer_to_reset(&self) -> &[u8] {
        &self.answer_to_reset
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        if let Some(error) = self.finished {
            return Err(error);
        }
        let reply = self.card().respond(command);
        let error = match reply {
            Reply::Answer(bytes, after) if after <= PATIENCE => return Ok(Zeroizing::new(bytes)),
            Reply::Answer(..) => TransportError::TimedOut,
            Reply::Removed | Reply::Replaced => TransportError::Removed,
        };
        self.finished = Some(error);
        Err(error)
    }
}
