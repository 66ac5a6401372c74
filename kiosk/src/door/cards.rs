//! A thread for each reader of chip cards. It waits for a card, and [`flow`] talks with it; what came of it goes to the gate
//! and nowhere else, the face of a card to the desk. A reader that vanishes is said once, and opened again.
//!
//! What the owner types comes from the screen as a [`CardOrder`]. The orders are for the one card that lies there: whichever
//! thread has a card takes them, and where none lies there they are answered as if it had been taken away.

mod flow;
#[cfg(test)]
mod pcscd_tests;
mod refusal;
#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender},
    },
    thread,
    time::Duration,
};

use boards::{Clock, PcscReader, ReaderError, board::CardReaderFacts, trusted_authorities};
use card::{Authorities, CardError, CertificateHandle, Face, TransportError};
use gate::CredentialRefusal;
use store::Entropy;

use self::flow::Flow;
use super::Inbox;
use crate::desk::DeskEvent;

/// What the thread that holds a chip card is told.
pub(crate) enum CardOrder {
    /// The PIN that the card's owner typed.
    Pin(card::Pin),
    /// Read the face of the card, for the desk. Answered by [`DeskEvent::Front`].
    Front(card::FrontCode),
    /// Nobody waits any more: forget the card.
    Forget,
}

/// Protects memory: one order is carried out at a time, and one more may wait.
pub(super) const WAITING_ORDERS: usize = 2;

/// Where the orders arrive, for whichever thread has a card.
pub(super) type Orders = Arc<Mutex<Receiver<CardOrder>>>;

/// What a chip card turned out to be, or to prove. Its numbers are card data: they are not printed.
pub(crate) enum Chip {
    /// A MyNumber card is being read.
    Reading,
    /// Whose card it is, which proves nothing; and whether its PIN may be asked for.
    Tapped(CertificateHandle, Result<(), CredentialRefusal>),
    /// It says whose it is only after its PIN: a telephone.
    PinFirst,
    /// It was told its PIN and signed a challenge of this moment.
    Proven(CertificateHandle),
    /// It ended without saying who somebody is.
    Refused(CredentialRefusal),
    /// It was taken away.
    Gone,
}

/// How long to wait for a card before looking whether the door is stopping.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long to wait before a reader that failed is opened again.
const REOPEN_EVERY: Duration = Duration::from_secs(1);

pub(super) struct CardThread {
    pub(super) facts: CardReaderFacts,
    pub(super) orders: Orders,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) inbox: SyncSender<Inbox>,
    pub(super) desk: SyncSender<DeskEvent>,
    pub(super) stopping: Arc<AtomicBool>,
    /// Where challenges come from.
    pub(super) entropy: Box<dyn Entropy>,
}

impl CardThread {
    pub(super) fn run(mut self) {
        let authorities = self.authorities();
        let mut told = false;
        while !self.stopping.load(Ordering::Relaxed) {
            let watched = PcscReader::open(&self.facts.name).and_then(|reader| {
                tracing::info!(reader = reader.name(), "card reader");
                told = false;
                self.watch(reader, &authorities)
            });
            let Err(error) = watched else { return };
            if !std::mem::replace(&mut told, true) {
                tracing::error!(error = crate::output::explain(&error), "card reader failed");
            }
            self.nothing_lies_there();
            thread::sleep(REOPEN_EVERY);
        }
    }

    /// Authorities that cannot be read are trusted as little as none: facility cards work on.
    fn authorities(&self) -> Authorities {
        let name = &self.facts.name;
        let authorities = trusted_authorities(self.facts.authorities.as_deref()).unwrap_or_else(|error| {
            tracing::error!(reader = name, error = crate::output::explain(&error), "authorities not read");
            trusted_authorities(None).expect("none of none is unusable")
        });
        if authorities.count() == 0 {
            tracing::warn!(reader = name, "no authority is trusted here: MyNumber cards are not taken");
        }
        authorities
    }

    /// Talks with each card until the door stops.
    fn watch(&mut self, mut reader: PcscReader, authorities: &Authorities) -> Result<(), ReaderError> {
        let mut taken = false;
        while !self.stopping.load(Ordering::Relaxed) {
            let laid = reader.card(PATIENCE);
            taken &= matches!(laid, Err(ReaderError::Taken { .. }));
            match laid {
                Ok(Some(mut card)) => self.flow(authorities).showing(&mut card),
                Ok(None) => self.nothing_lies_there(),
                Err(ReaderError::Mute { .. }) => {
                    _ = self.inbox.send(Inbox::Chip(Chip::Refused(CredentialRefusal::Unreadable)));
                }
                Err(error @ ReaderError::Taken { .. }) => {
                    if !std::mem::replace(&mut taken, true) {
                        tracing::warn!(error = crate::output::explain(&error), "card reader");
                    }
                    // It is asked again at once otherwise: the card still lies there.
                    thread::sleep(PATIENCE);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn flow<'a>(&'a mut self, authorities: &'a Authorities) -> Flow<'a> {
        let Self { orders, clock, inbox, desk, stopping, entropy, .. } = self;
        Flow { authorities, orders, clock: &**clock, inbox, desk, stopping, entropy: &mut **entropy }
    }

    /// Orders that come while no card lies there are not kept for the next one.
    fn nothing_lies_there(&self) {
        if let Some(orders) = free(&self.orders) {
            put_aside(&orders, &self.inbox, &self.desk);
        }
    }
}

/// The orders, unless another thread's card has them.
fn free(orders: &Orders) -> Option<MutexGuard<'_, Receiver<CardOrder>>> {
    orders.try_lock().ok()
}

/// Answers whatever was ordered of a card that is not there any more.
fn put_aside(orders: &Receiver<CardOrder>, inbox: &SyncSender<Inbox>, desk: &SyncSender<DeskEvent>) {
    for order in orders.try_iter() {
        match order {
            CardOrder::Pin(_) => {
                _ = inbox.send(Inbox::Chip(Chip::Refused(CredentialRefusal::Removed)));
            }
            CardOrder::Front(_) => {
                tell_desk(desk, Err(CardError::Transport(TransportError::Removed)));
            }
            CardOrder::Forget => {}
        }
    }
}

/// Never waits: a desk that is behind gives its question up.
fn tell_desk(desk: &SyncSender<DeskEvent>, face: Result<Face, CardError>) {
    _ = desk.try_send(DeskEvent::Front(Box::new(face)));
}
