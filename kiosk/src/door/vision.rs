//! The vision thread: the newest frame becomes one statement of evidence.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::SyncSender,
    },
    time::Duration,
};

use boards::{Clock, Frame, Pixels};
use gate::{Comparison, Event, Evidence, FaceView, Probe, Reading, TrackId, View};
use models::{Format, Image, ModelError, Observation, Picture, Vision, calibration::Impostors};
use store::Entropy;

use super::{
    Inbox, Stages,
    codes::CodeWatch,
    expected::{Expected, SharedExpected},
    slot::Slot,
    watch::Watch,
};
use crate::{
    desk::{CaptureSlot, Face, Lens, Sample, Sighting},
    search::{SearchSet, Shared},
    ui::{Panel, Preview},
};

/// How long to wait for a frame before looking whether the door is stopping.
const PATIENCE: Duration = Duration::from_millis(200);

pub(super) struct VisionThread {
    pub(super) vision: Vision,
    pub(super) slot: Arc<Slot<Frame>>,
    pub(super) shared: Shared,
    pub(super) panel: Arc<dyn Panel>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) inbox: SyncSender<Inbox>,
    pub(super) stopping: Arc<AtomicBool>,
    pub(super) watch: Watch,
    /// Whose card was presented.
    pub(super) expected: SharedExpected,
    /// While staff use the kiosk the door hears of nobody.
    pub(super) lens: Arc<CaptureSlot>,
    /// Where a challenge's random bits come from.
    pub(super) entropy: Box<dyn Entropy>,
}

impl VisionThread {
    pub(super) fn run(mut self) {
        let mut codes = CodeWatch::new();
        while !self.stopping.load(Ordering::Relaxed) {
            let Some(frame) = self.slot.take(PATIENCE) else {
                continue;
            };
            match self.judge(&frame) {
                Ok((observed, compared)) => {
                    // A full inbox means that the gate is behind; the next frame will say the same.
                    _ = self.inbox.try_send(observed);
                    // The visitor does not wait for this.
                    if let Some(impostors) = compared.and_then(|compared| self.impostors(compared)) {
                        _ = self.inbox.try_send(Inbox::Impostors(impostors));
                    }
                }
                Err(error) => tracing::error!(error = crate::output::explain(&error), "frame not judged"),
            }
            for code in codes.look(&frame, self.clock.as_ref()) {
                // Shown once, told once: this waits for the gate, as a reader would.
                _ = self.inbox.send(Inbox::CodeInSight(code));
            }
        }
    }

    fn judge(&mut self, frame: &Frame) -> Result<(Inbox, Option<Compared>), ModelError> {
        let started = self.clock.now();
        let picture = picture(frame);
        self.panel.preview(preview(picture));
        let observation = self.vision.observe(frame.captured, picture)?;
        let searching = self.clock.now();
        let searched = self.shared.current();
        let view = match self.lens.lens() {
            Lens::Door => view(&observation, &searched, self.expected.current().as_deref()),
            Lens::Held => View::Nobody,
            Lens::Capturing => {
                self.lens.put(sighting(&observation));
                View::Nobody
            }
        };
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
        let compared = compared(observation, &view, &searched);
        let mut dice = [0; 8];
        if let Err(error) = self.entropy.fill(&mut dice) {
            // Without chance there is no challenge, and a door that asks for one stays shut: better no evidence than that.
            tracing::error!(%error, "no random numbers");
            return Ok((Inbox::Event(Event::Tick), None));
        }
        let evidence = Evidence { captured: frame.captured, dice: u64::from_le_bytes(dice), view };
        Ok((Inbox::Observed { evidence, stages, searched }, compared))
    }

    /// What the track before said of the live tail, when this frame is the first of another.
    fn impostors(&mut self, Compared { track, probe, comparison, set }: Compared) -> Option<Impostors> {
        if !set.is_bona_fide(&comparison) {
            return None;
        }
        let confirmed = comparison.found.best.is_some_and(|best| best.score >= comparison.threshold.score());
        let said = self.watch.note(track, confirmed, || set.impostors(&probe, &comparison));
        said.expect("gallery and probe are of the embedder's one model")
    }
}

/// A frame that was compared.
struct Compared {
    track: TrackId,
    probe: Probe,
    comparison: Comparison,
    set: Arc<SearchSet>,
}

fn compared(observation: Observation, view: &View, set: &Arc<SearchSet>) -> Option<Compared> {
    match (observation.subject?.reading, view) {
        (Ok(reading), View::Face(FaceView { track, reading: Reading::Compared(comparison), .. })) => {
            Some(Compared {
                track: *track,
                probe: reading.probe.clone(),
                comparison: *comparison,
                set: Arc::clone(set),
            })
        }
        (Ok(_) | Err(_), _) => None,
    }
}

/// The frame's own bytes, as the networks read them.
fn picture(frame: &Frame) -> Picture<'_> {
    let (format, bytes) = match frame.pixels() {
        Pixels::Grey(bytes) => (Format::Grey, bytes),
        Pixels::Yuyv(bytes) => (Format::Yuyv, bytes),
        Pixels::Rgb(bytes) => (Format::Rgb, bytes),
    };
    Picture::new(format, frame.width as usize, frame.height as usize, bytes)
        .expect("a frame's buffer has the size that it states")
}

/// A copy in the size of the screen's guide.
fn preview(picture: Picture) -> Preview {
    let small = Image::smaller(picture, Preview::LONGEST_SIDE as usize);
    let size = |side: usize| u32::try_from(side).expect("no longer than the longest side");
    let (width, height) = (size(small.width()), size(small.height()));
    Preview::new(width, height, small.into_rgb()).expect("three bytes for each pixel")
}

/// What the desk is to know of a frame.
fn sighting(observation: &Observation<'_>) -> Sighting {
    let face = observation.subject.as_ref().map(|subject| Face {
        track: subject.track,
        reading: match &subject.reading {
            Ok(reading) => Ok(Sample { template: reading.probe.0.clone(), pad: reading.pad }),
            Err(issue) => Err(*issue),
        },
    });
    let Observation { captured, bystanders, whole_frame, .. } = *observation;
    Sighting { captured, bystanders, whole_frame, face }
}

/// Searches for the subject, if there is one and it is good enough.
fn view(observation: &Observation<'_>, set: &SearchSet, expected: Option<&Expected>) -> View {
    let Some(subject) = &observation.subject else {
        return View::Nobody;
    };
    let reading = match &subject.reading {
        Err(issue) => Reading::Poor(*issue),
        Ok(reading) => {
            let compared = set.compare(reading.probe, reading.pad).and_then(|mut compared| {
                compared.claimed = expected.map(|owner| owner.compare(reading.probe)).transpose()?;
                Ok(compared)
            });
            Reading::Compared(
                compared.expect("gallery, probe and references are of the embedder's one model"),
            )
        }
    };
    View::Face(FaceView { track: subject.track, reading, sight: subject.sight() })
}
