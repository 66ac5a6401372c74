//! The strike thread: takes grants, drives the strike, answers. A slow relay stops nothing else.

use std::{
    io,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread::{self, JoinHandle},
    time::Duration,
};

use boards::{Strike, StrikeError};
use gate::{Event, Fault, Grant, PulseResult};

/// What the strike is asked.
pub(super) enum Order {
    /// One pulse.
    Release(Grant),
    /// Stay released, or rest again.
    Hold(bool),
}

use super::Inbox;

/// Protects nothing but order: the session has one visit at a time, so one order can wait while one is carried out.
const WAITING_ORDERS: usize = 1;
/// How often an idle strike is asked whether it is still there.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// Starts the thread. It ends, with the strike in its resting state, when the sender of orders is dropped.
pub(super) fn start(
    strike: Box<dyn Strike>,
    inbox: SyncSender<Inbox>,
) -> io::Result<(SyncSender<Order>, JoinHandle<()>)> {
    let (orders, waiting) = sync_channel(WAITING_ORDERS);
    let thread = thread::Builder::new().name("strike".into()).spawn(move || run(strike, &waiting, &inbox))?;
    Ok((orders, thread))
}

fn run(mut strike: Box<dyn Strike>, waiting: &Receiver<Order>, inbox: &SyncSender<Inbox>) {
    let mut works = true;
    loop {
        if let Some(remark) = strike.remark() {
            tracing::warn!(remark, "strike remarks");
        }
        match waiting.recv_timeout(CHECK_EVERY) {
            Ok(Order::Hold(hold)) => log_failure(strike.hold_released(hold).err()),
            Ok(Order::Release(grant)) => {
                let released = strike.release(grant);
                let failed = released.result() == PulseResult::StrikeFailed;
                _ = inbox.send(Inbox::Event(Event::Released(released)));
                if failed {
                    // The session knows from the answer; the reason is for the log.
                    log_failure(strike.check().err());
                    works = false;
                }
            }
            Err(RecvTimeoutError::Timeout) => works = check(strike.as_mut(), works, inbox),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    log_failure(strike.set_idle().err());
}

/// Asks an idle strike whether it is there; a change is told to the session.
fn check(strike: &mut dyn Strike, worked: bool, inbox: &SyncSender<Inbox>) -> bool {
    let checked = strike.check();
    let works = checked.is_ok();
    let event = match (worked, works) {
        (true, false) => Event::Failed(Fault::Strike),
        (false, true) => Event::Restored(Fault::Strike),
        (true, true) | (false, false) => return works,
    };
    log_failure(checked.err());
    _ = inbox.send(Inbox::Event(event));
    works
}

fn log_failure(error: Option<StrikeError>) {
    if let Some(error) = error {
        tracing::error!(error = crate::output::explain(&error), "strike failed");
    }
}
