//! The inputs thread: what the door's contacts tell goes to the gate. Contacts that vanish are said, and tried again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::SyncSender,
    },
    thread,
    time::Duration,
};

use boards::{Board, Clock, Inputs, InputsError};
use gate::Event;

use super::Inbox;

/// How long to wait for a contact before looking whether the door is stopping.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long to wait before contacts that failed are opened again.
const REOPEN_EVERY: Duration = Duration::from_secs(1);

pub(super) struct InputsThread {
    pub(super) board: Arc<Board>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) inbox: SyncSender<Inbox>,
    pub(super) stopping: Arc<AtomicBool>,
}

impl InputsThread {
    pub(super) fn run(self) {
        let mut told = false;
        while !self.stopping.load(Ordering::Relaxed) {
            match self.board.open_inputs(Arc::clone(&self.clock)) {
                Ok(Some(inputs)) => {
                    told = false;
                    let Err(error) = self.watch(inputs) else { return };
                    tracing::error!(error = crate::output::explain(&error), "door contacts failed");
                }
                Ok(None) => return,
                Err(error) if !std::mem::replace(&mut told, true) => {
                    tracing::error!(error = crate::output::explain(&error), "door contacts failed");
                }
                Err(_) => {}
            }
            thread::sleep(REOPEN_EVERY);
        }
    }

    /// Hands changes on until the door stops. The gate is waited for: a fire contact is not dropped.
    fn watch(&self, mut inputs: Box<dyn Inputs>) -> Result<(), InputsError> {
        while !self.stopping.load(Ordering::Relaxed) {
            if let Some(change) = inputs.next(PATIENCE)?
                && self.inbox.send(Inbox::Event(Event::Door(change))).is_err()
            {
                return Ok(());
            }
        }
        Ok(())
    }
}
