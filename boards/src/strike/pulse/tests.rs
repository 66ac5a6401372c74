#![allow(clippy::unwrap_used)]
//! Facts about pulses over a relay that fails on command.

use std::sync::Mutex;

use gate::{Monotonic, PulseResult};

use super::*;
use crate::{
    BootClock,
    contract::{grant, wait_until},
};

/// What a relay was told, and what it answers.
#[derive(Default)]
struct Bench {
    told: Mutex<Vec<(Instant, &'static str)>>,
    refuses: Mutex<Vec<&'static str>>,
    slow: Mutex<Duration>,
}

impl Bench {
    fn tell(&self, word: &'static str) -> Result<(), StrikeError> {
        self.told.lock().unwrap().push((Instant::now(), word));
        if self.refuses.lock().unwrap().contains(&word) { Err(broken()) } else { Ok(()) }
    }

    fn words(&self) -> Vec<&'static str> {
        self.told.lock().unwrap().iter().map(|&(_, word)| word).collect()
    }

    fn forget(&self) {
        self.told.lock().unwrap().clear();
    }
}

struct BenchRelay(Arc<Bench>);

fn broken() -> StrikeError {
    StrikeError::Stuck { device: "bench".into(), waited: Duration::ZERO }
}

impl Relay for BenchRelay {
    fn device(&self) -> String {
        "bench".into()
    }

    fn prepare(&mut self) -> Result<(), StrikeError> {
        thread::sleep(*self.0.slow.lock().unwrap());
        self.0.tell("prepare")
    }

    fn drive(&mut self) -> Result<(), StrikeError> {
        self.0.tell("drive")
    }

    fn rest(&mut self) -> Result<(), StrikeError> {
        self.0.tell("rest")
    }
}

const PULSE: Duration = Duration::from_millis(60);
const DOOR: DoorId = DoorId(0);

fn open() -> (PulsedStrike, Arc<Bench>) {
    let bench = Arc::new(Bench::default());
    let strike =
        PulsedStrike::open(BenchRelay(Arc::clone(&bench)), DOOR, PULSE, Arc::new(BootClock)).unwrap();
    assert_eq!(bench.words(), ["rest", "prepare"]);
    bench.forget();
    (strike, bench)
}

fn release(strike: &mut PulsedStrike) -> PulseResult {
    strike.release(grant(DOOR, BootClock.now())).result()
}

#[test]
fn a_pulse_is_prepared_driven_and_ended() {
    let (mut strike, bench) = open();
    assert!(matches!(release(&mut strike), PulseResult::Pulsed(driven) if driven >= PULSE));
    let told = bench.told.lock().unwrap().clone();
    assert_eq!(bench.words(), ["prepare", "drive", "rest"]);
    assert!(told[2].0 - told[1].0 >= PULSE);
}

#[test]
fn a_relay_that_is_not_ready_is_not_driven() {
    let (mut strike, bench) = open();
    bench.refuses.lock().unwrap().push("prepare");
    assert_eq!(release(&mut strike), PulseResult::StrikeFailed);
    assert!(!bench.words().contains(&"drive"));
    assert_eq!(strike.check(), Err(broken()));
}

#[test]
fn a_drive_that_failed_is_followed_by_rest() {
    let (mut strike, bench) = open();
    bench.refuses.lock().unwrap().push("drive");
    assert_eq!(release(&mut strike), PulseResult::StrikeFailed);
    assert_eq!(bench.words(), ["prepare", "drive", "rest"]);
    assert_eq!(strike.check(), Err(broken()), "the reason of the failure is told once");
    assert_eq!(strike.check(), Ok(()));
}

#[test]
fn a_relay_that_does_not_rest_is_told_again_until_it_does() {
    let (mut strike, bench) = open();
    bench.refuses.lock().unwrap().push("rest");
    assert_eq!(release(&mut strike), PulseResult::StrikeFailed);
    bench.forget();
    wait_until("the driver tries again by itself", || bench.words().contains(&"rest"));
    bench.refuses.lock().unwrap().clear();
    bench.forget();
    wait_until("the relay rests", || bench.words().contains(&"rest"));
    thread::sleep(IDLE_ROUND * 2);
    bench.forget();
    thread::sleep(IDLE_ROUND * 2);
    assert!(bench.words().is_empty(), "a relay at rest is left alone");
}

#[test]
fn a_relay_that_does_not_rest_is_not_driven_again() {
    let (mut strike, bench) = open();
    bench.refuses.lock().unwrap().push("rest");
    assert_eq!(release(&mut strike), PulseResult::StrikeFailed);
    bench.forget();
    assert_eq!(release(&mut strike), PulseResult::StrikeFailed);
    assert!(!bench.words().contains(&"drive"));
}

#[test]
fn a_relay_that_needs_too_long_to_mend_does_not_release_the_door_afterwards() {
    let (mut strike, bench) = open();
    *bench.slow.lock().unwrap() = START_WITHIN + Duration::from_millis(100);
    assert_eq!(release(&mut strike), PulseResult::StrikeFailed);
    assert_eq!(bench.words(), ["prepare"]);
    assert!(matches!(strike.check(), Err(StrikeError::Late { .. })));
}

#[test]
fn a_strike_that_cannot_be_put_to_rest_does_not_open() {
    let bench = Arc::new(Bench::default());
    bench.refuses.lock().unwrap().push("rest");
    let strike = PulsedStrike::open(BenchRelay(bench), DOOR, PULSE, Arc::new(BootClock));
    assert_eq!(strike.map(|_| ()).unwrap_err(), broken());
}

#[test]
fn dropping_the_strike_puts_the_relay_to_rest() {
    let (strike, bench) = open();
    drop(strike);
    assert_eq!(bench.words(), ["rest"]);
}

#[test]
fn more_pulses_than_a_minute_may_have_expire() {
    let (mut strike, bench) = open();
    let now = Instant::now();
    strike.ends = std::iter::repeat_n(now - SHORTEST_GAP, MOST_PULSES_PER_MINUTE).collect();
    assert_eq!(release(&mut strike), PulseResult::Expired);
    assert!(bench.words().is_empty());
    strike.ends = std::iter::repeat_n(now - Duration::from_mins(1), MOST_PULSES_PER_MINUTE).collect();
    assert!(matches!(release(&mut strike), PulseResult::Pulsed(_)));
}

#[test]
fn a_hold_is_tried_until_the_relay_takes_it_and_needs_no_guard() {
    let (mut strike, bench) = open();
    bench.refuses.lock().unwrap().extend(["prepare", "drive"]);
    assert_eq!(strike.hold_released(true), Err(broken()));
    assert_eq!(release(&mut strike), PulseResult::StrikeFailed, "nobody is told that a locked door is open");
    assert_eq!(strike.check(), Err(broken()));
    bench.refuses.lock().unwrap().retain(|&word| word == "prepare");
    bench.forget();
    wait_until("the driver tries again by itself", || bench.words().contains(&"drive"));
    assert!(matches!(release(&mut strike), PulseResult::Pulsed(released) if released >= PULSE));
    assert_eq!(strike.check(), Err(broken()), "what a pulse would lack is said all the same");
    assert!(!bench.words().contains(&"rest"), "a held relay is never put to rest");
    assert_eq!(strike.hold_released(true), Ok(()));
    assert_eq!(strike.hold_released(false), Ok(()));
    assert_eq!(bench.words().last(), Some(&"rest"));
}

#[test]
fn a_check_tells_a_held_relay_once_more() {
    let (mut strike, bench) = open();
    strike.hold_released(true).unwrap();
    bench.forget();
    assert_eq!(strike.check(), Ok(()));
    assert_eq!(bench.words(), ["prepare", "drive"]);
    drop(strike);
    assert_eq!(bench.words(), ["prepare", "drive", "rest"]);
}

#[test]
fn a_held_door_lets_through_more_people_than_a_minute_has_pulses() {
    let (mut strike, bench) = open();
    strike.ends = std::iter::repeat_n(Instant::now(), MOST_PULSES_PER_MINUTE).collect();
    strike.hold_released(true).unwrap();
    assert!(matches!(release(&mut strike), PulseResult::Pulsed(_)));
    strike.hold_released(false).unwrap();
    assert_eq!(release(&mut strike), PulseResult::Expired);
    assert_eq!(bench.words().last(), Some(&"rest"));
}

/// A clock that stands still: a grant that was good stays good.
struct Stopped(Monotonic);

impl Clock for Stopped {
    fn now(&self) -> Monotonic {
        self.0
    }
}

#[test]
fn a_pulse_ends_even_if_the_clock_of_the_rules_stands_still() {
    let bench = Arc::new(Bench::default());
    let at = Monotonic::from_micros(5_000_000);
    let mut strike =
        PulsedStrike::open(BenchRelay(Arc::clone(&bench)), DOOR, PULSE, Arc::new(Stopped(at))).unwrap();
    assert!(matches!(strike.release(grant(DOOR, at)).result(), PulseResult::Pulsed(_)));
    assert_eq!(bench.words(), ["rest", "prepare", "prepare", "drive", "rest"]);
}

#[test]
fn a_caller_that_dies_in_mid_pulse_leaves_the_end_to_the_driver() {
    let (mut strike, bench) = open();
    let (answer, answered) = sync_channel(1);
    drop(answered);
    let latest = Instant::now() + Duration::from_secs(60);
    strike.orders.as_ref().unwrap().send(Order::Pulse { latest, answer }).unwrap();
    wait_until("the relay is driven", || bench.words().contains(&"drive"));
    wait_until("the relay rests", || bench.words().ends_with(&["rest"]));
    assert_eq!(strike.set_idle(), Ok(()));
}
