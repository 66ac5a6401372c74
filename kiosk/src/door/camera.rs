//! The camera thread: puts the newest frame into the slot; when the camera vanishes it says so and tries again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::SyncSender,
    },
    thread,
    time::Duration,
};

use boards::{Board, Camera, Clock, Frame};
use gate::{Event, Fault};

use super::{Inbox, slot::Slot};

/// How long to wait before a vanished camera is opened again: a re-plugged USB camera needs about a second to enumerate.
const REOPEN_EVERY: Duration = Duration::from_secs(1);
/// Bad frames in a row that are forgiven (a torn MJPEG now and then is normal) before the camera counts as failed.
const FORGIVEN_FRAMES: u32 = 15;

pub(super) struct CameraThread {
    pub(super) board: Arc<Board>,
    pub(super) camera: Option<Box<dyn Camera>>,
    pub(super) slot: Arc<Slot<Frame>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) inbox: SyncSender<Inbox>,
    pub(super) stopping: Arc<AtomicBool>,
}

impl CameraThread {
    pub(super) fn run(mut self) {
        let mut given = self.camera.take();
        let mut failed = false;
        while !self.stopping.load(Ordering::Relaxed) {
            let opened = match given.take() {
                Some(camera) => Ok(camera),
                None => self.board.open_camera(Arc::clone(&self.clock)),
            };
            match opened {
                Ok(camera) => self.watch(camera, &mut failed),
                Err(error) => self.fail(&mut failed, &error),
            }
            if !self.stopping.load(Ordering::Relaxed) {
                thread::sleep(REOPEN_EVERY);
            }
        }
    }

    /// Takes frames until the camera fails or the door stops.
    fn watch(&self, mut camera: Box<dyn Camera>, failed: &mut bool) {
        let mut bad = 0;
        while !self.stopping.load(Ordering::Relaxed) {
            match camera.frame() {
                Ok(frame) => {
                    bad = 0;
                    if std::mem::take(failed) {
                        tracing::info!(camera = camera.describe(), "camera restored");
                        _ = self.inbox.send(Inbox::Event(Event::Restored(Fault::Camera)));
                    }
                    self.slot.put(frame);
                }
                Err(boards::CameraError::BadFrame { .. }) if bad < FORGIVEN_FRAMES => bad += 1,
                Err(error) => return self.fail(failed, &error),
            }
        }
    }

    fn fail(&self, failed: &mut bool, error: &dyn std::error::Error) {
        if !std::mem::replace(failed, true) {
            tracing::error!(error = crate::output::explain(error), "camera failed");
            _ = self.inbox.send(Inbox::Event(Event::Failed(Fault::Camera)));
        }
    }
}
