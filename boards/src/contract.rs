//! What every implementation of a port must do: one suite, run on the simulator in tests and on a real board in the lab.
//!
//! The suites panic with a sentence when a promise is broken. What a relay really did is not asked of the driver but of an
//! observer that the caller brings: the simulator's list, or another process at the end of the wire.

mod camera;
mod inputs;
mod panel;
mod reader;
mod strike;

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use gate::{
    Candidate, Candidates, Command, Comparison, DoorId, DurableLog, Entry, Event, Evidence, FaceView, Grant,
    Monotonic, Now, PersonId, Policy, Reading, RecordId, Registered, Roster, Score, SensorTier, Session,
    Standing, Threshold, TrackId, View, commit,
};

pub use camera::camera;
pub use inputs::{InputsSubject, inputs};
pub use panel::{PanelSubject, panel};
pub use reader::{Hand, ReaderSubject, reader};
pub use strike::{Seen, SeenPulse, Subject, strike};

use crate::{BootClock, Clock};

/// No machine is this slow.
const UNREASONABLE: Duration = Duration::from_secs(20);

fn now() -> Monotonic {
    BootClock.now()
}

/// A real grant for `door`, committed at `at`: the rules are shown one living, matching face.
///
/// # Panics
/// If the rules do not grant it.
pub fn grant(door: DoorId, at: Monotonic) -> Grant {
    let policy = Policy { door: Some(door), frames: 1, sensor: SensorTier::Simulated, ..Policy::default() };
    let now = Now { mono: at, wall: None };
    let person = Candidate { person: PersonId([7; 16]), standing: Standing::Active, score: Score(0.9) };
    let comparison = Comparison {
        pad: 1.0,
        found: Candidates { best: Some(person), runner_up: None },
        threshold: Threshold::Alone(Score(0.4)),
        references: 1,
        claimed: None,
    };
    let reading = Reading::Compared(comparison);
    let view = View::Face(FaceView { track: TrackId(1), reading, sight: None });
    let roster = Roster::new([(person.person, Registered::default())]);
    let commands =
        Session::new(policy, roster).step(now, Event::Observed(Evidence { captured: at, dice: 0, view }));
    let Some(Command::Commit(decision)) = commands.into_iter().last() else {
        panic!("one good face is a decision");
    };
    let committed = commit(&mut MemoryLog::default(), now, decision).expect("memory does not fail");
    committed.grant.expect("a good face is granted")
}

#[derive(Default)]
struct MemoryLog(u64);

impl DurableLog for MemoryLog {
    type Error = std::convert::Infallible;

    fn append(&mut self, _now: Now, _entry: &Entry) -> Result<RecordId, Self::Error> {
        self.0 += 1;
        Ok(RecordId { run: [0; 16], seq: self.0 - 1 })
    }
}

/// Waits until `happened`, at most a time that no machine needs.
///
/// # Panics
/// If it does not happen.
pub fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let until = Instant::now() + UNREASONABLE;
    while !happened() {
        assert!(Instant::now() < until, "did not happen in {UNREASONABLE:?}: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// The clock of the rules, as drivers take it.
#[must_use]
pub fn clock() -> Arc<dyn Clock> {
    Arc::new(BootClock)
}
