//! What every camera must do.

use super::{UNREASONABLE, now};
use crate::Camera;

/// Every promise of [`Camera`], on a camera that has at least `frames` frames to give.
///
/// # Panics
/// If a promise is broken.
pub fn camera(mut camera: Box<dyn Camera>, frames: usize) {
    assert!(!camera.describe().is_empty(), "a camera can be named in a log");
    let mut last = None;
    for _ in 0..frames {
        let asked = now();
        let frame = camera.frame().unwrap_or_else(|error| panic!("a frame was due: {error}"));
        let pixels = frame.width as usize * frame.height as usize;
        assert!(pixels > 0, "a frame has pixels");
        assert_eq!(frame.luma().len(), pixels, "one byte of brightness per pixel");
        assert_eq!(frame.rgb().len(), 3 * pixels, "three bytes of colour per pixel");
        assert!(frame.captured <= now(), "a frame is not from the future");
        assert!(last.is_none_or(|last| frame.captured > last), "a frame is newer than the one before");
        assert!(now().since(asked) < UNREASONABLE, "a frame arrives in time");
        last = Some(frame.captured);
    }
}
