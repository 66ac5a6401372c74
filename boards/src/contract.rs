//! What every implementation of a port must do: one suite, run on the simulator in tests and on a real board in the lab.
//!
//! The suites panic with a sentence when a promise is broken. What a relay really did is not asked of the driver but of an
//! observer that the caller brings: the simulator's list, or another process at the end of the wire.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use gate::{
    Candidate, Candidates, Command, Comparison, DoorId, DurableLog, Entry, Event, Evidence, FacePoints,
    FaceView, Grant, Monotonic, Now, PersonId, Policy, PulseResult, Reading, RecordId, Registered, Roster,
    Score, Session, Standing, Threshold, TrackId, View, commit,
};

use crate::{BootClock, Camera, Clock, SensorTier, Strike, strike::pulse::SHORTEST_GAP};

/// What happened at the lock, as somebody else saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Pulses that are over, oldest first.
    pub pulses: Vec<SeenPulse>,
    /// Whether the relay is driven now.
    pub driven: bool,
}

/// One pulse, as somebody saw it who may have been kept from looking at the right moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenPulse {
    /// The last moment at which it had not begun.
    pub not_before: Monotonic,
    /// When its beginning was seen.
    pub began: Monotonic,
    /// When its end was seen.
    pub ended: Monotonic,
}

/// A strike and its observer.
pub struct Subject {
    /// Just opened, for door 0.
    pub strike: Box<dyn Strike>,
    /// The length of its pulse.
    pub pulse: Duration,
    /// Says what happened since this subject was opened; must have caught up when it returns.
    pub see: Box<dyn FnMut() -> Seen>,
}

/// No machine is this slow.
const UNREASONABLE: Duration = Duration::from_secs(20);

const DOOR: DoorId = DoorId(0);

/// Every promise of [`Strike`], each on a fresh subject.
///
/// # Panics
/// If a promise is broken.
pub fn strike(mut open: impl FnMut() -> Subject) {
    a_strike_that_was_just_opened_rests(open());
    a_grant_pulses_once_for_the_stated_length(open());
    an_expired_grant_does_not_pulse(open());
    a_grant_for_another_door_does_not_pulse(open());
    two_grants_at_once_keep_their_distance(open());
    idle_is_at_rest(open());
    a_strike_that_was_dropped_rests(open());
}

fn now() -> Monotonic {
    BootClock.now()
}

fn a_strike_that_was_just_opened_rests(mut subject: Subject) {
    assert_eq!(subject.strike.door(), DOOR, "the contract is about door 0");
    assert_eq!(
        (subject.see)(),
        Seen { pulses: Vec::new(), driven: false },
        "opening a strike releases nothing"
    );
    assert_eq!(subject.strike.check(), Ok(()), "a strike that was just opened is well");
}

fn a_grant_pulses_once_for_the_stated_length(mut subject: Subject) {
    let before = now();
    let result = subject.strike.release(grant(DOOR, before)).result();
    let PulseResult::Pulsed(driven) = result else { panic!("a fresh grant pulses, got {result:?}") };
    let seen = (subject.see)();
    assert!(!seen.driven, "when release returns, the pulse is over");
    let [pulse] = seen.pulses[..] else { panic!("one grant, one pulse: {seen:?}") };
    assert!(pulse.began >= before, "the pulse follows the grant");
    for length in [driven, pulse.ended.since(pulse.not_before)] {
        assert!(length >= subject.pulse, "the pulse lasts {:?} at least, not {length:?}", subject.pulse);
        assert!(length < subject.pulse + UNREASONABLE, "the pulse ends, but lasted {length:?}");
    }
}

fn an_expired_grant_does_not_pulse(mut subject: Subject) {
    let expired = grant(DOOR, Monotonic::from_micros(1));
    assert_eq!(subject.strike.release(expired).result(), PulseResult::Expired, "an old grant is expired");
    assert_eq!((subject.see)().pulses, [], "an expired grant does not pulse");
}

fn a_grant_for_another_door_does_not_pulse(mut subject: Subject) {
    let foreign = grant(DoorId(9), now());
    assert_eq!(subject.strike.release(foreign).result(), PulseResult::WrongDoor, "a strike knows its door");
    assert_eq!((subject.see)().pulses, [], "a grant for another door does not pulse");
}

fn two_grants_at_once_keep_their_distance(mut subject: Subject) {
    let first = subject.strike.release(grant(DOOR, now())).result();
    let second = subject.strike.release(grant(DOOR, now())).result();
    assert!(matches!(first, PulseResult::Pulsed(_)), "the first grant pulses, got {first:?}");
    let seen = (subject.see)().pulses;
    match second {
        PulseResult::Pulsed(_) => {
            let [first, second] = seen[..] else { panic!("two grants, two pulses: {seen:?}") };
            let distance = second.began.since(first.not_before);
            assert!(
                distance >= subject.pulse + SHORTEST_GAP,
                "the second pulse came {distance:?} after the first"
            );
        }
        PulseResult::Expired => assert_eq!(seen.len(), 1, "a refused grant does not pulse"),
        PulseResult::WrongDoor | PulseResult::StrikeFailed | PulseResult::Unknown => {
            panic!("a grant that must wait pulses later or expires, got {second:?}")
        }
    }
}

fn idle_is_at_rest(mut subject: Subject) {
    assert_eq!(subject.strike.set_idle(), Ok(()), "a strike can be put to rest");
    assert_eq!(
        (subject.see)(),
        Seen { pulses: Vec::new(), driven: false },
        "putting it to rest releases nothing"
    );
}

fn a_strike_that_was_dropped_rests(mut subject: Subject) {
    let _ = subject.strike.release(grant(DOOR, now()));
    drop(subject.strike);
    let seen = (subject.see)();
    assert!(!seen.driven, "dropping a strike leaves it at rest");
    assert_eq!(seen.pulses.len(), 1, "dropping a strike releases nothing: {seen:?}");
}

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
    let view = View::Face(FaceView { track: TrackId(1), reading, points: FacePoints::default() });
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
