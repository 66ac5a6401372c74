//! The vision thread: the newest frame becomes one statement of evidence.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::SyncSender,
    },
    time::Duration,
};

use boards::{Clock, Frame};
use gate::{Evidence, Probe, Reading, View};
use models::{Image, ModelError, Observation, Vision};

use super::{Inbox, Stages, slot::Slot};
use crate::{
    search::Shared,
    ui::{Panel, Preview},
};

/// How long to wait for a frame before looking whether the door is stopping.
const PATIENCE: Duration = Duration::from_millis(200);
/// The preview's longer side in pixels; more would only cost time on the way to the screen.
const PREVIEW_SIDE: usize = 480;

pub(super) struct VisionThread {
    pub(super) vision: Vision,
    pub(super) slot: Arc<Slot<Frame>>,
    pub(super) shared: Shared,
    pub(super) panel: Arc<dyn Panel>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) inbox: SyncSender<Inbox>,
    pub(super) stopping: Arc<AtomicBool>,
}

impl VisionThread {
    pub(super) fn run(mut self) {
        while !self.stopping.load(Ordering::Relaxed) {
            let Some(frame) = self.slot.take(PATIENCE) else {
                continue;
            };
            match self.judge(&frame) {
                // A full inbox means that the gate is behind; the next frame will say the same.
                Ok((evidence, stages)) => _ = self.inbox.try_send(Inbox::Observed(evidence, stages)),
                Err(error) => tracing::error!(error = crate::output::explain(&error), "frame not judged"),
            }
        }
    }

    fn judge(&mut self, frame: &Frame) -> Result<(Evidence, Stages), ModelError> {
        let started = self.clock.now();
        let image = Image::new(frame.width as usize, frame.height as usize, frame.rgb())
            .expect("a frame's buffer has the size that it states");
        self.panel.preview(preview(&image));
        let observation = self.vision.observe(frame.captured, &image)?;
        let searching = self.clock.now();
        let view = self.view(&observation);
        let finished = self.clock.now();
        let timings = observation.timings;
        let stages = Stages {
            captured: frame.captured,
            wait: started.since(frame.captured),
            detect: Duration::from_micros(timings.detect_us),
            align: Duration::from_micros(timings.align_us),
            pad: Duration::from_micros(timings.pad_us),
            embed: Duration::from_micros(timings.embed_us),
            search: finished.since(searching),
            finished,
        };
        Ok((Evidence { captured: frame.captured, view }, stages))
    }

    /// Searches for the subject, if there is one and it is good enough.
    fn view(&self, observation: &Observation) -> View {
        let Some(subject) = &observation.subject else {
            return View::Nobody;
        };
        let reading = match &subject.reading {
            Err(issue) => Reading::Poor(*issue),
            Ok(reading) => {
                let probe = Probe(reading.template.clone());
                let compared = self.shared.current().compare(&probe, reading.pad);
                Reading::Compared(compared.expect("gallery and probe are of the embedder's one model"))
            }
        };
        View::Face { track: subject.track, reading }
    }
}

/// What the guide on the screen shows.
fn preview(image: &Image) -> Preview {
    let (width, height, rgb) = thinned(image);
    Preview::new(width, height, rgb).expect("three bytes for each pixel")
}

/// Every n-th pixel, so that the longer side is at most [`PREVIEW_SIDE`].
fn thinned(image: &Image) -> (u32, u32, Vec<u8>) {
    let (width, height) = (image.width(), image.height());
    let step = width.max(height).div_ceil(PREVIEW_SIDE).max(1);
    let mut rgb = Vec::with_capacity((width / step + 1) * (height / step + 1) * 3);
    for row in image.rgb().chunks_exact(width * 3).step_by(step) {
        for pixel in row.chunks_exact(3).step_by(step) {
            rgb.extend_from_slice(pixel);
        }
    }
    let side = |pixels: usize| u32::try_from(pixels.div_ceil(step)).expect("smaller than a frame");
    (side(width), side(height), rgb)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_preview_is_small_and_whole() {
        for (width, height) in [(1, 1), (480, 640), (970, 2204), (1281, 7)] {
            let (small_width, small_height, rgb) =
                thinned(&Image::new(width, height, vec![7; width * height * 3]).unwrap());
            assert!(small_width.max(small_height) as usize <= PREVIEW_SIDE);
            assert_eq!(rgb.len(), small_width as usize * small_height as usize * 3);
        }
    }
}
