//! A folder of pictures as a camera: each stands before it for some frames, in the order of the names, with nobody in
//! between.

use std::{path::PathBuf, sync::Arc, thread, time::Instant};

use super::{
    Camera, CameraError,
    picture::{Picture, pictures_in},
};
use crate::{Clock, Frame, board::FolderFacts};

/// The camera of the simulator.
pub struct FolderCamera {
    clock: Arc<dyn Clock>,
    facts: FolderFacts,
    pictures: Vec<PathBuf>,
    /// The picture that is up next, or being shown.
    next: usize,
    shown: Picture,
    /// Frames for which `shown` stays.
    left: u32,
    /// A gap comes before `next`.
    gap_due: bool,
    due: Instant,
}

impl FolderCamera {
    /// Opens the folder. Pictures are decoded when their turn comes.
    ///
    /// # Errors
    /// [`CameraError::NoImages`].
    pub fn open(facts: &FolderFacts, clock: Arc<dyn Clock>) -> Result<Self, CameraError> {
        let pictures = pictures_in(&facts.path)?;
        let shown = Picture::blank();
        let facts = facts.clone();
        Ok(Self { clock, facts, pictures, next: 0, shown, left: 0, gap_due: false, due: Instant::now() })
    }

    /// What stands before the camera when `shown` has been there long enough.
    fn turn(&mut self) -> Result<(), CameraError> {
        if self.next == self.pictures.len() && self.facts.repeat {
            self.next = 0;
        }
        let over = self.next == self.pictures.len();
        if over || (self.gap_due && self.facts.gap_frames > 0) {
            self.gap_due = false;
            self.shown = Picture::blank();
            self.left = self.facts.gap_frames.max(1);
            return Ok(());
        }
        let path = &self.pictures[self.next];
        self.next += 1;
        self.gap_due = true;
        self.shown = Picture::load(path)?;
        self.left = self.facts.frames_per_image;
        Ok(())
    }
}

impl Camera for FolderCamera {
    /// Waits for the frame interval. A picture that cannot be read is answered once with its path; the next call goes on
    /// with the picture after it.
    fn frame(&mut self) -> Result<Frame, CameraError> {
        thread::sleep(self.due.saturating_duration_since(Instant::now()));
        self.due = Instant::now() + self.facts.interval;
        if self.left == 0 {
            self.turn()?;
        }
        self.left -= 1;
        self.shown.frame(self.clock.now())
    }

    fn describe(&self) -> String {
        format!("{} pictures of {}", self.pictures.len(), self.facts.path.display())
    }
}
