//! The desk's thread: steps the rules, and does what they say.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender},
    },
    time::Duration,
};

use boards::Clock;

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
    #[expect(dead_code, reason = "no page of the desk reads a card's face yet")]
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
            self.step(&mut desk, DeskEvent::Tick);
        }
        self.lens.set(Lens::Door);
    }

    fn step(&self, desk: &mut Desk, event: DeskEvent) {
        for command in desk.step(self.clock.now(), event) {
            match command {
                DeskCommand::Show(view) => self.panel.desk(view),
                DeskCommand::Lens(lens) => self.lens.set(lens),
                // A gate that has stopped answers nothing more; the desk says so after a while.
                DeskCommand::Ask(number, ask) => _ = self.gate.send(Inbox::Desk(number, ask)),
                DeskCommand::LetIn(number, let_in) => _ = self.gate.send(Inbox::DeskLetIn(number, let_in)),
            }
        }
    }
}
