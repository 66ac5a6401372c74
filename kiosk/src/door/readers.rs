//! A thread for each reader of cards and codes. What it read goes to the gate and nowhere else; a reader that vanishes is
//! said, and tried again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::SyncSender,
    },
    thread,
    time::Duration,
};

use boards::{Clock, Reader, ReaderError, board::ReaderFacts, board::open_reader};

use super::Inbox;

/// How long to wait for a card before looking whether the door is stopping.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long to wait before a reader that failed is opened again.
const REOPEN_EVERY: Duration = Duration::from_secs(1);

pub(super) struct ReaderThread {
    pub(super) facts: ReaderFacts,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) inbox: SyncSender<Inbox>,
    pub(super) stopping: Arc<AtomicBool>,
}

impl ReaderThread {
    pub(super) fn run(self) {
        let mut told = false;
        while !self.stopping.load(Ordering::Relaxed) {
            let watched = open_reader(&self.facts, Arc::clone(&self.clock)).and_then(|reader| {
                told = false;
                self.watch(reader)
            });
            let Err(error) = watched else { return };
            if !std::mem::replace(&mut told, true) {
                tracing::error!(error = crate::output::explain(&error), "reader failed");
            }
            thread::sleep(REOPEN_EVERY);
        }
    }

    /// Hands on what is shown until the door stops.
    fn watch(&self, mut reader: Box<dyn Reader>) -> Result<(), ReaderError> {
        while !self.stopping.load(Ordering::Relaxed) {
            match reader.next(PATIENCE) {
                Ok(Some(presented)) => {
                    if self.inbox.send(Inbox::Presented(presented)).is_err() {
                        return Ok(());
                    }
                }
                Ok(None) => {}
                Err(error @ ReaderError::Command { .. }) => {
                    tracing::warn!(error = crate::output::explain(&error), "reader");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
