//! From pictures to templates, and from templates to people: face networks, one card per model, and the search.
//!
//! The story in reading order: [`card`] (where a model comes from and what was measured), [`image`] (a picture from a
//! file) and [`picture`] (any picture, in the form in which its source has it), [`network`] (the executor),
//! [`detector`] (faces and landmarks), [`align`] (the sample), [`quality`] (good enough, or a reason that can be
//! shown), [`pad`] and [`embedder`] (the two networks that judge it), [`tracker`] (one face from frame to frame),
//! [`gaze`] (where to look for it), [`follow`] (its points, by their texture), [`vision`] (all of it for one frame), [`search`] (who of a million it is),
//! [`calibration`] (thresholds from a card, how sure they are, whether they hold), [`evaluation`] (the LFW protocol).
//!
//! What is not here: what a gallery and a search are, and every decision; both are in `gate`. Nothing here stores a
//! picture.

pub mod align;
pub mod calibration;
pub mod card;
mod colour;
pub mod detector;
pub mod embedder;
mod error;
pub mod evaluation;
pub mod follow;
pub mod gaze;
pub mod image;
mod input;
mod kernels;
mod lines;
pub mod network;
pub mod pad;
pub mod picture;
pub mod quality;
mod resample;
pub mod search;
pub mod tracker;
pub mod vision;

pub use self::image::{Image, ImageError};
pub use align::{Landmarks, Point, Sample};
pub use calibration::{identification_threshold, verification_threshold};
pub use card::{Card, CardError};
pub use detector::{Detection, Detector, Rect};
pub use embedder::Embedder;
pub use error::ModelError;
pub use network::{NetworkError, Threads};
pub use pad::Pad;
pub use picture::{Format, Picture, PictureError};
pub use quality::Quality;
pub use tracker::{Tracked, Tracker};
pub use vision::{EnrolError, Enrolled, Observation, Vision};
