//! A camera whose library may block for ever, made into one that does not.
//!
//! A reader thread of its own owns the [`RawSource`] and puts each buffer into a slot that holds only the newest. The
//! caller waits on the slot, with a time-out, and decodes in its own thread only what it really looks at. When the cable
//! is pulled the source answers with an error, or not at all; either way the caller gets its error in time, drops the
//! camera and opens it again. A reader that is still inside the library then keeps its device: the next
//! [`RawCamera::open`] says so rather than heap up threads.

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::sync_channel,
    },
    thread,
    time::{Duration, Instant},
};

use gate::Monotonic;
use serde::Deserialize;

use super::{Camera, CameraError};
use crate::{Clock, Frame};

/// A frame as the camera sent it.
#[derive(Clone)]
pub struct RawFrame {
    /// How to read the bytes.
    pub format: RawFormat,
    /// Pixels from left to right, as agreed with the camera; a compressed picture says its own.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// The driver's buffer; more than the picture may follow.
    pub bytes: Vec<u8>,
}

/// The formats that we ask a camera for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RawFormat {
    /// `Y0 Cb Y1 Cr`, two bytes per pixel.
    Yuyv,
    /// One JPEG picture per frame.
    Mjpeg,
}

/// What blocks: a capture library, or a fake in its place.
pub trait RawSource {
    /// Waits for the next buffer, as long as it takes.
    ///
    /// # Errors
    /// The reason, in the library's words; the source is not asked again.
    fn next(&mut self) -> Result<RawFrame, String>;

    /// The camera in words.
    fn describe(&self) -> String;
}

/// How long a caller waits.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For the device to open. USB cameras take up to three seconds to wake.
    pub open: Duration,
    /// For a frame. Twice the longest exposure that a webcam uses in the dark, with room for a busy machine.
    pub frame: Duration,
    /// For the reader of the camera that was dropped before to come back.
    pub close: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            open: Duration::from_secs(5),
            frame: Duration::from_secs(2),
            close: Duration::from_millis(500),
        }
    }
}

/// Damaged frames in a row that are passed over in silence: the first ones after opening often are.
const BAD_FRAMES_FORGIVEN: u32 = 10;

/// How often a taken seat is looked at again.
const SEAT_POLL: Duration = Duration::from_millis(5);

/// Says whether the last reader of a camera still runs. One per camera of a board.
#[derive(Debug, Clone, Default)]
pub struct ReaderSeat(Arc<AtomicBool>);

/// The seat while a reader has it, however the reader ends.
struct Taken(Arc<AtomicBool>);

/// A camera over a blocking source.
pub struct RawCamera {
    name: String,
    described: String,
    slot: Arc<Slot>,
    patience: Patience,
    seat: ReaderSeat,
}

#[derive(Default)]
struct Slot {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    newest: Option<(Monotonic, RawFrame)>,
    lost: Option<String>,
    closed: bool,
}

impl RawCamera {
    /// Starts a reader thread, in which `open` is called and its source is used.
    ///
    /// # Errors
    /// What `open` answers, or [`CameraError::Silent`] if it does not answer in time, or [`CameraError::Hanging`].
    pub fn open<F>(
        name: &str,
        clock: Arc<dyn Clock>,
        seat: &ReaderSeat,
        patience: Patience,
        open: F,
    ) -> Result<Self, CameraError>
    where
        F: FnOnce() -> Result<Box<dyn RawSource>, CameraError> + Send + 'static,
    {
        let taken = seat.take(patience.close).ok_or_else(|| CameraError::Hanging { camera: name.into() })?;
        let slot = Arc::new(Slot::default());
        let (opened, answer) = sync_channel(1);
        let reader_slot = Arc::clone(&slot);
        thread::Builder::new()
            .name("camera-reader".into())
            .spawn(move || {
                let _taken = taken;
                match open() {
                    Ok(source) => {
                        let _ = opened.send(Ok(source.describe()));
                        reader_slot.fill(source, clock.as_ref());
                    }
                    Err(error) => {
                        let _ = opened.send(Err(error));
                    }
                }
            })
            .map_err(|error| CameraError::Open { camera: name.into(), reason: error.to_string() })?;
        match answer.recv_timeout(patience.open) {
            Ok(Ok(described)) => {
                Ok(Self { name: name.into(), described, slot, patience, seat: seat.clone() })
            }
            Ok(Err(error)) => Err(error),
            Err(_) => {
                slot.lock().closed = true;
                Err(CameraError::Silent { camera: name.into(), waited: patience.open })
            }
        }
    }

    /// The newest buffer that nobody has seen yet.
    fn newest(&self, until: Instant) -> Result<(Monotonic, RawFrame), CameraError> {
        let mut state = self.slot.lock();
        loop {
            if let Some(frame) = state.newest.take() {
                return Ok(frame);
            }
            if let Some(reason) = &state.lost {
                return Err(CameraError::Lost { camera: self.name.clone(), reason: reason.clone() });
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(CameraError::Silent { camera: self.name.clone(), waited: self.patience.frame });
            }
            let waited = self.slot.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Camera for RawCamera {
    fn frame(&mut self) -> Result<Frame, CameraError> {
        let until = Instant::now() + self.patience.frame;
        let mut bad_frames = 0;
        loop {
            let (captured, raw) = self.newest(until)?;
            let frame = match raw.format {
                RawFormat::Yuyv => Frame::from_yuyv(captured, raw.width, raw.height, raw.bytes),
                RawFormat::Mjpeg => Frame::from_mjpeg(captured, &raw.bytes),
            };
            bad_frames += 1;
            if frame.is_ok() || bad_frames > BAD_FRAMES_FORGIVEN {
                return frame;
            }
        }
    }

    fn describe(&self) -> String {
        self.described.clone()
    }
}

impl Drop for RawCamera {
    /// Waits a little for the reader, so that the device is free when the camera is opened again.
    fn drop(&mut self) {
        self.slot.lock().closed = true;
        drop(self.seat.take(self.patience.close));
    }
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The reader's whole life.
    fn fill(&self, mut source: Box<dyn RawSource>, clock: &dyn Clock) {
        loop {
            let next = source.next();
            let captured = clock.now();
            let mut state = self.lock();
            if state.closed {
                return;
            }
            match next {
                Ok(frame) => state.newest = Some((captured, frame)),
                Err(reason) => state.lost = Some(reason),
            }
            self.changed.notify_all();
            if state.lost.is_some() {
                return;
            }
        }
    }
}

impl ReaderSeat {
    /// Takes the seat as soon as it is free, at the latest after `patience`.
    fn take(&self, patience: Duration) -> Option<Taken> {
        let until = Instant::now() + patience;
        while self.0.swap(true, Ordering::AcqRel) {
            if Instant::now() >= until {
                return None;
            }
            thread::sleep(SEAT_POLL);
        }
        Some(Taken(Arc::clone(&self.0)))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests;
