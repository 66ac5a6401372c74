//! The strike thread: takes grants, drives the strike, answers. A slow relay stops nothing else.

use std::{
    io,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread::{self, JoinHandle},
    time::Duration,
};

use boards::Strike;
use gate::{Event, Fault, Grant, PulseResult};

use super::Inbox;

/// Protects nothing but order: the session has one visit at a time, so one grant can wait while one is driven.
const WAITING_GRANTS: usize = 1;
/// How often an idle strike is asked whether it is still there.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// Starts the thread. It ends, with the strike in its resting state, when the sender of grants is dropped.
pub(super) fn start(
    strike: Box<dyn Strike>,
    inbox: SyncSender<Inbox>,
) -> io::Result<(SyncSender<Grant>, JoinHandle<()>)> {
    let (grants, waiting) = sync_channel(WAITING_GRANTS);
    let thread = thread::Builder::new().name("strike".into()).spawn(move || run(strike, &waiting, &inbox))?;
    Ok((grants, thread))
}

fn run(mut strike: Box<dyn Strike>, waiting: &Receiver<Grant>, inbox: &SyncSender<Inbox>) {
    let mut failed = false;
    loop {
        match waiting.recv_timeout(CHECK_EVERY) {
            Ok(grant) => {
                let released = strike.release(grant);
                failed |= released.result() == PulseResult::StrikeFailed;
                _ = inbox.send(Inbox::Event(Event::Released(released)));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        let event = match strike.check() {
            Err(error) if !failed => {
                tracing::error!(error = crate::output::explain(&error), "strike failed");
                Event::Failed(Fault::Strike)
            }
            Ok(()) if failed => Event::Restored(Fault::Strike),
            Ok(()) | Err(_) => continue,
        };
        failed = !failed;
        _ = inbox.send(Inbox::Event(event));
    }
    if let Err(error) = strike.set_idle() {
        tracing::error!(error = crate::output::explain(&error), "strike not set idle at stop");
    }
}
