//! The desk's thread: steps the rules, and does what they say.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError},
    },
    time::Duration,
};

use boards::Clock;
use card::TransportError;

use super::{CaptureSlot, Desk, DeskCommand, DeskEvent, Lens};
use crate::{
    door::{CardOrder, Inbox},
    ui::Panel,
};

/// The desk is stepped at least this often: hints follow the camera, and a finger that stays is noticed.
const TICK: Duration = Duration::from_millis(100);

/// Protects memory: touches, answers and cards that wait. Nobody touches faster.
pub(crate) const WAITING: usize = 32;

/// What the thread is made of.
pub(crate) struct DeskThread {
    /// Where questions go.
    pub(crate) gate: SyncSender<Inbox>,
    /// Where the vision thread looks.
    pub(crate) lens: Arc<CaptureSlot>,
    /// The staff screen.
    pub(crate) panel: Arc<dyn Panel>,
    /// The clock of all threads.
    pub(crate) clock: Arc<dyn Clock>,
    /// Where the orders for a chip card go.
    pub(crate) cards: SyncSender<CardOrder>,
    /// The door is stopping.
    pub(crate) stopping: Arc<AtomicBool>,
}

impl DeskThread {
    /// Runs until the door stops.
    pub(crate) fn run(self, arrivals: &Receiver<DeskEvent>) {
        let mut desk = Desk::new();
        while !self.stopping.load(Ordering::Relaxed) {
            match arrivals.recv_timeout(TICK) {
                Ok(event) => self.step(&mut desk, event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.lens.lens() == Lens::Capturing
                && let Some(sighting) = self.lens.take()
            {
                self.step(&mut desk, DeskEvent::Seen(sighting));
            }
            if let Some((number, reference)) = self.lens.take_reference() {
                self.step(&mut desk, DeskEvent::Reference(number, reference));
            }
            self.step(&mut desk, DeskEvent::Tick);
        }
        self.lens.set(Lens::Door);
    }

    fn step(&self, desk: &mut Desk, event: DeskEvent) {
        for command in desk.step(self.clock.now(), event) {
            match command {
                DeskCommand::Show(view) => self.panel.desk(view),
                DeskCommand::Lens(lens) => self.lens.set(lens),
                DeskCommand::ReadCard(code) => self.read_card(desk, code),
                // A thread that is gone has no card to forget.
                DeskCommand::ForgetCard => _ = self.cards.try_send(CardOrder::Forget),
                DeskCommand::Photograph(number, photograph) => self.lens.put_photograph(number, photograph),
                // A gate that has stopped answers nothing more; the desk says so after a while.
                DeskCommand::Ask(number, ask) => _ = self.gate.send(Inbox::Desk(number, ask)),
                DeskCommand::LetIn(number, let_in) => _ = self.gate.send(Inbox::DeskLetIn(number, let_in)),
            }
        }
    }

    /// A kiosk without a reader says so at once.
    fn read_card(&self, desk: &mut Desk, code: card::FrontCode) {
        let error = match self.cards.try_send(CardOrder::Front(code)) {
            Ok(()) => return,
            Err(TrySendError::Full(_)) => TransportError::TimedOut,
            Err(TrySendError::Disconnected(_)) => TransportError::ReaderGone,
        };
        self.step(desk, DeskEvent::Front(Box::new(Err(error.into()))));
    }
}
