//! A camera that is told what to see: "this file for ten frames, then nobody for a second".

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use super::{Camera, CameraError, picture::Picture};
use crate::{Clock, Frame};

/// Scenes that may wait for their turn. Bounds the memory for their pictures.
const LONGEST_SCRIPT: usize = 64;

/// The camera of the demo. Shows nobody while no scene is left.
pub struct SimCamera {
    clock: Arc<dyn Clock>,
    interval: Duration,
    scenes: Receiver<Scene>,
    pending: Arc<AtomicUsize>,
    blank: Picture,
    scene: Option<Scene>,
    due: Instant,
}

/// The other end of a [`SimCamera`].
#[derive(Clone)]
pub struct SimScript {
    scenes: SyncSender<Scene>,
    pending: Arc<AtomicUsize>,
    interval: Duration,
}

struct Scene {
    picture: Option<Picture>,
    frames: u32,
}

impl SimCamera {
    /// A camera with a frame every `interval`, and the script that it follows.
    pub fn scripted(clock: Arc<dyn Clock>, interval: Duration) -> (Self, SimScript) {
        let (send, scenes) = sync_channel(LONGEST_SCRIPT);
        let pending = Arc::new(AtomicUsize::new(0));
        let script = SimScript { scenes: send, pending: Arc::clone(&pending), interval };
        let blank = Picture::blank();
        (Self { clock, interval, scenes, pending, blank, scene: None, due: Instant::now() }, script)
    }

    /// Takes the next scene if the present one is over.
    fn turn(&mut self) {
        if self.scene.as_ref().is_some_and(|scene| scene.frames > 0) {
            return;
        }
        if self.scene.take().is_some() {
            self.pending.fetch_sub(1, Ordering::AcqRel);
        }
        self.scene = self.scenes.try_recv().ok();
    }
}

impl Camera for SimCamera {
    fn frame(&mut self) -> Result<Frame, CameraError> {
        thread::sleep(self.due.saturating_duration_since(Instant::now()));
        self.due = Instant::now() + self.interval;
        self.turn();
        let picture = match &mut self.scene {
            Some(scene) => {
                scene.frames -= 1;
                scene.picture.as_ref().unwrap_or(&self.blank)
            }
            None => &self.blank,
        };
        picture.frame(self.clock.now())
    }

    fn describe(&self) -> String {
        "scripted pictures".into()
    }
}

impl SimScript {
    /// Shows a file for `frames` frames, after everything said before. Waits while the script is full.
    ///
    /// # Errors
    /// [`CameraError::BadImage`] if the file is no picture; then the script is as before.
    pub fn show(&self, path: &Path, frames: u32) -> Result<(), CameraError> {
        let picture = Picture::load(path)?;
        self.add(Scene { picture: Some(picture), frames })
    }

    /// Shows nobody for at least this long.
    ///
    /// # Errors
    /// [`CameraError::Lost`] if the camera was dropped.
    pub fn nobody(&self, time: Duration) -> Result<(), CameraError> {
        let frames = time.as_nanos().div_ceil(self.interval.as_nanos().max(1));
        self.add(Scene { picture: None, frames: u32::try_from(frames).unwrap_or(u32::MAX) })
    }

    /// Scenes that are not over.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.load(Ordering::Acquire)
    }

    fn add(&self, scene: Scene) -> Result<(), CameraError> {
        if scene.frames == 0 {
            return Ok(());
        }
        self.pending.fetch_add(1, Ordering::AcqRel);
        self.scenes.send(scene).map_err(|_| {
            self.pending.fetch_sub(1, Ordering::AcqRel);
            CameraError::Lost { camera: "scripted pictures".into(), reason: "the camera was closed".into() }
        })
    }
}
