//! The demonstration's time: its camera waits for the networks, and its clock waits with the camera.
//!
//! The rules count in seconds and expect that a second holds several judged frames. An emulated processor needs seconds
//! for one; by its clock every visitor would have left before the second frame was judged. A door has to keep the time
//! that its visitors keep. A demonstration has none but photographs before it, so here no frame is skipped, each lies
//! exactly one interval after the frame before, and what is decided follows from the photographs alone. On a machine that
//! keeps up with its camera this is the system's time. So it is everywhere between two visits, while nobody is there.
//!
//! While one frame is judged the next may wait; so the clock is at most two intervals ahead of the frame that is judged.

use std::{
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::Duration,
};

use boards::{Camera, CameraError, Clock, Frame};
use gate::Monotonic;

use crate::desk::View;
use crate::ui::{Moment, Panel, Preview, UiError};

/// How long the camera waits for the networks. A frame on an emulated processor takes some seconds; if none was judged for
/// this long, the next comes all the same, so that the demonstration's own limits end it.
const LONGEST_FRAME: Duration = Duration::from_secs(120);

/// The beat that camera, panel and clock share. Clones share it too.
#[derive(Clone)]
pub(super) struct Pace(Arc<Beat>);

struct Beat {
    system: Arc<dyn Clock>,
    interval: Duration,
    state: Mutex<State>,
    taken: Condvar,
}

struct State {
    /// The newest frame's moment on our clock, and on the system's.
    frame: Monotonic,
    given: Monotonic,
    /// The newest frame has not been taken by the networks.
    waiting: bool,
    /// The longest that a frame took, by the system's clock.
    slowest: Duration,
    /// Nobody waits for the networks.
    free: bool,
}

impl Pace {
    /// Starts at the moment of `system`, whose pace it keeps as long as frames are taken every `interval`.
    pub(super) fn new(system: Arc<dyn Clock>, interval: Duration) -> Self {
        let now = system.now();
        let state = State { frame: now, given: now, waiting: false, slowest: Duration::ZERO, free: false };
        Self(Arc::new(Beat { system, interval, state: Mutex::new(state), taken: Condvar::new() }))
    }

    /// `camera`, whose frames are one interval apart on this clock, and of which none is replaced before it was taken.
    pub(super) fn camera(&self, camera: impl Camera + 'static) -> Box<dyn Camera> {
        Box::new(PacedCamera { camera: Box::new(camera), pace: self.clone() })
    }

    /// `panel`, which hears of each frame as the networks take it.
    pub(super) fn panel(&self, panel: Arc<dyn Panel>) -> Arc<dyn Panel> {
        Arc::new(PacedPanel { panel, pace: self.clone() })
    }

    /// The clock that goes by frames.
    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.clone())
    }

    /// From now on camera and clock keep the system's pace, whether the networks keep up or not: nobody is there, or the
    /// networks are about to stop.
    pub(super) fn let_go(&self) {
        self.restart(true);
    }

    /// From now on they wait again.
    pub(super) fn hold(&self) {
        self.restart(false);
    }

    /// The longest that a frame took while it was waited for, by the system's clock.
    pub(super) fn slowest(&self) -> Duration {
        self.state().slowest
    }

    fn restart(&self, free: bool) {
        let now = self.0.system.now();
        let mut state = self.state();
        state.frame = self.0.moment(&state, now);
        state.given = now;
        state.free = free;
        self.0.taken.notify_all();
    }

    fn wait_until_taken(&self) {
        let state = self.state();
        let untaken = |state: &mut State| state.waiting && !state.free;
        // Whether the frame was taken or the wait was too long, the next one comes.
        drop(self.0.taken.wait_timeout_while(state, LONGEST_FRAME, untaken).expect("as in `state`"));
    }

    /// The next frame's moment.
    fn give(&self) -> Monotonic {
        let now = self.0.system.now();
        let mut state = self.state();
        state.frame = if state.free {
            self.0.moment(&state, now)
        } else {
            state.slowest = state.slowest.max(now.since(state.given));
            state.frame.plus(self.0.interval)
        };
        state.given = now;
        state.waiting = true;
        state.frame
    }

    fn take(&self) {
        self.state().waiting = false;
        self.0.taken.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("nothing panics while it holds this lock")
    }
}

impl Beat {
    /// The moment `now` of the system's clock on ours, which stands still just before the next frame's until it is there.
    fn moment(&self, state: &State, now: Monotonic) -> Monotonic {
        let since = now.since(state.given);
        let longest = self.interval.saturating_sub(Duration::from_micros(1));
        state.frame.plus(if state.free { since } else { since.min(longest) })
    }
}

impl Clock for Pace {
    fn now(&self) -> Monotonic {
        let state = self.state();
        self.0.moment(&state, self.0.system.now())
    }
}

struct PacedCamera {
    camera: Box<dyn Camera>,
    pace: Pace,
}

impl Camera for PacedCamera {
    fn frame(&mut self) -> Result<Frame, CameraError> {
        self.pace.wait_until_taken();
        let mut frame = self.camera.frame()?;
        frame.captured = self.pace.give();
        Ok(frame)
    }

    fn describe(&self) -> String {
        self.camera.describe()
    }
}

struct PacedPanel {
    panel: Arc<dyn Panel>,
    pace: Pace,
}

impl Panel for PacedPanel {
    fn show(&self, moment: Moment) {
        self.panel.show(moment);
    }

    fn desk(&self, view: View) {
        self.panel.desk(view);
    }

    /// The vision thread shows a frame when it takes it.
    fn preview(&self, preview: Preview) {
        self.panel.preview(preview);
        self.pace.take();
    }

    fn screenshot(&self, file: &Path) -> Result<(), UiError> {
        self.panel.screenshot(file)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{
        sync::{
            atomic::{AtomicU64, Ordering},
            mpsc::{Receiver, channel},
        },
        thread,
    };

    use boards::{BootClock, SimCamera};

    use super::*;

    const INTERVAL: Duration = Duration::from_millis(100);

    /// A clock that a test sets, in milliseconds.
    #[derive(Clone, Default)]
    struct Set(Arc<AtomicU64>);

    impl Set {
        fn to(&self, ms: u64) {
            self.0.store(ms, Ordering::Relaxed);
        }
    }

    impl Clock for Set {
        fn now(&self) -> Monotonic {
            Monotonic::from_micros(self.0.load(Ordering::Relaxed) * 1_000)
        }
    }

    fn pace() -> (Set, Pace) {
        let system = Set::default();
        (system.clone(), Pace::new(Arc::new(system), INTERVAL))
    }

    fn us(ms: u64) -> Monotonic {
        Monotonic::from_micros(ms * 1_000)
    }

    #[test]
    fn the_clock_goes_with_the_systems_until_the_next_frame_is_due() {
        let (system, pace) = pace();
        system.to(60);
        assert_eq!(pace.now(), us(60));
        system.to(5_000);
        assert!(pace.now() < us(100), "{:?}", pace.now());
    }

    #[test]
    fn frames_are_one_interval_apart_however_long_each_took() {
        let (system, pace) = pace();
        let given = [99, 5_000, 5_001, 60_000].map(|ms| {
            system.to(ms);
            pace.give()
        });
        assert_eq!(given, [100, 200, 300, 400].map(us));
        assert_eq!(pace.slowest(), Duration::from_millis(54_999));
    }

    #[test]
    fn the_clock_never_goes_back() {
        let (system, pace) = pace();
        let mut last = pace.now();
        for ms in 1..1_000 {
            system.to(ms);
            match ms % 130 {
                0 => pace.let_go(),
                90 => pace.hold(),
                7 | 50 | 51 => _ = pace.give(),
                _ => {}
            }
            assert!(pace.now() >= last, "{ms}");
            last = pace.now();
        }
    }

    /// Takes three frames on a thread of its own, and tells of each.
    fn three_frames(pace: &Pace) -> Receiver<Monotonic> {
        let (camera, _) = SimCamera::scripted(Arc::new(BootClock), Duration::from_millis(1));
        let mut camera = pace.camera(camera);
        let (tell, told) = channel();
        thread::spawn(move || (0..3).try_for_each(|_| tell.send(camera.frame().unwrap().captured)));
        told
    }

    #[test]
    fn no_frame_is_replaced_before_it_was_taken() {
        /// What is not held back would have come by now.
        const A_WHILE: Duration = Duration::from_millis(50);
        let (_, pace) = pace();
        let frames = three_frames(&pace);
        for number in 1..=3 {
            assert_eq!(frames.recv().unwrap(), us(number * 100));
            assert!(frames.recv_timeout(A_WHILE).is_err(), "frame {number} was not taken and another came");
            pace.take();
        }
    }

    #[test]
    fn a_camera_that_was_let_go_waits_for_nobody() {
        let (_, pace) = pace();
        let frames = three_frames(&pace);
        assert_eq!(frames.recv().unwrap(), us(100));
        pace.let_go();
        for _ in 0..2 {
            frames.recv_timeout(LONGEST_FRAME / 2).expect("long before it would have come all the same");
        }
    }

    #[test]
    fn a_clock_that_was_let_go_keeps_the_systems_pace_until_it_is_held() {
        let (system, pace) = pace();
        system.to(40);
        pace.let_go();
        system.to(6_040);
        assert_eq!(pace.now(), us(6_040));
        assert_eq!(pace.give(), us(6_040));
        pace.hold();
        system.to(9_000);
        assert!(pace.now() < us(6_140));
        assert_eq!(pace.give(), us(6_140));
    }
}
