//! The camera port, and what can go wrong with a camera.

mod folder;
mod picture;
pub mod raw;
mod script;
mod usb;

use std::{path::PathBuf, time::Duration};

use thiserror::Error;

pub use folder::FolderCamera;
pub use script::{SimCamera, SimScript};
pub(crate) use usb::open as open_usb;

use crate::Frame;

/// A source of frames. Its driver keeps only the newest: whoever asks late misses frames and never gets an old one.
pub trait Camera: Send {
    /// Waits for the next frame, at most the driver's named time-out.
    ///
    /// # Errors
    /// No frame; drop the camera and open it again after a pause.
    fn frame(&mut self) -> Result<Frame, CameraError>;

    /// The camera in words, for a log: device, model, format.
    fn describe(&self) -> String;
}

/// Why there is no camera, or no frame.
#[derive(Debug, Error)]
pub enum CameraError {
    /// Nothing at this path.
    #[error(
        "there is no camera {camera}; found instead: {found}. Plug the camera in, or put its path into `device` under \
         [camera] in the board file"
    )]
    NotThere {
        /// The path of the board file.
        camera: String,
        /// The cameras of this machine.
        found: String,
    },
    /// It is there and cannot be used.
    #[error("cannot open camera {camera}: {reason}. Check that no other program uses it, and its `formats`")]
    Open {
        /// The device.
        camera: String,
        /// The system's reason.
        reason: String,
    },
    /// It takes part and says nothing.
    #[error("camera {camera} gave no frame for {waited:?}: check its cable")]
    Silent {
        /// The device.
        camera: String,
        /// The time-out.
        waited: Duration,
    },
    /// It was there and is gone.
    #[error("camera {camera} was lost ({reason}): plug it in again")]
    Lost {
        /// The device.
        camera: String,
        /// The system's reason.
        reason: String,
    },
    /// The system still holds on to it.
    #[error("the last use of camera {camera} has not ended yet: unplug it and plug it in again")]
    Hanging {
        /// The device.
        camera: String,
    },
    /// What arrived is no picture.
    #[error(
        "a {format} frame cannot be read: {reason}. If it happens often, try another cable or another of `formats`"
    )]
    BadFrame {
        /// The format it should have had.
        format: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A file of the simulator is no picture.
    #[error("cannot use picture {path}: {reason}. Replace it or take it out of the folder")]
    BadImage {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The simulator has nothing to show.
    #[error(
        "no picture (.jpg, .jpeg, .png) in {path}{reason}: put some there, or correct `path` under [camera]"
    )]
    NoImages {
        /// The folder.
        path: PathBuf,
        /// The system's reason, if it has one.
        reason: String,
    },
}
