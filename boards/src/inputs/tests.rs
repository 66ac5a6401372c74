#![allow(clippy::unwrap_used)]
//! Facts about contacts on lines.

use super::*;
use crate::{
    BootClock,
    lines::{Bias, Line, Lines, SimChip},
};

const FOREVER: Duration = Duration::from_secs(60);
const NOW: Duration = Duration::ZERO;

fn line(offset: u32, active_low: bool, bias: Bias) -> Line {
    Line { offset, active_low, bias }
}

fn chip() -> SimChip {
    SimChip::new(Arc::new(BootClock)).unwrap()
}

/// A fire loop on line 7, closed while all is well.
fn fire_loop(chip: &SimChip) -> Contacts {
    chip.put(7, false);
    let lines = [line(7, false, Bias::PullUp)];
    Contacts::open(chip.clone().watch(&lines).unwrap(), &[Input::FireContact], Arc::new(BootClock)).unwrap()
}

fn told(inputs: &mut Contacts, patience: Duration) -> Option<(Input, bool)> {
    inputs.next(patience).unwrap().map(|change| (change.input, change.active))
}

#[test]
fn a_cut_wire_of_the_fire_loop_is_an_alarm() {
    let chip = chip();
    let mut inputs = fire_loop(&chip);
    assert_eq!(told(&mut inputs, NOW), Some((Input::FireContact, false)));
    chip.put(7, true);
    assert_eq!(told(&mut inputs, FOREVER), Some((Input::FireContact, true)));
}

#[test]
fn a_fire_loop_that_was_cut_before_the_start_is_an_alarm_at_the_start() {
    let lines = [line(7, false, Bias::PullUp)];
    let watch = chip().watch(&lines).unwrap();
    let mut inputs = Contacts::open(watch, &[Input::FireContact], Arc::new(BootClock)).unwrap();
    assert_eq!(told(&mut inputs, NOW), Some((Input::FireContact, true)));
}

#[test]
fn an_active_low_button_is_pressed_at_zero_volts() {
    let chip = chip();
    let lines = [line(24, true, Bias::PullUp), line(23, false, Bias::PullUp)];
    let wired = [Input::RequestToExit, Input::DoorPosition];
    chip.put(23, false);
    let watch = chip.clone().watch(&lines).unwrap();
    let mut inputs = Contacts::open(watch, &wired, Arc::new(BootClock)).unwrap();
    assert_eq!(told(&mut inputs, NOW), Some((Input::RequestToExit, false)));
    assert_eq!(told(&mut inputs, NOW), Some((Input::DoorPosition, false)));
    chip.put(24, false);
    assert_eq!(told(&mut inputs, FOREVER), Some((Input::RequestToExit, true)));
}

#[test]
fn a_contact_that_chatters_does_not_hide_the_others() {
    let chip = chip();
    let lines = [line(7, false, Bias::PullDown), line(8, false, Bias::PullDown)];
    let wired = [Input::FireContact, Input::DoorPosition];
    let mut inputs =
        Contacts::open(chip.clone().watch(&lines).unwrap(), &wired, Arc::new(BootClock)).unwrap();
    assert!(told(&mut inputs, NOW).is_some() && told(&mut inputs, NOW).is_some());
    chip.put(8, true);
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let chatter = {
        let stop = Arc::clone(&stop);
        std::thread::spawn(move || {
            let mut high = false;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                high = !high;
                chip.put(7, high);
            }
        })
    };
    let change = told(&mut inputs, FOREVER);
    let most = inputs.ready.len();
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    chatter.join().unwrap();
    // A busy machine may let the chatter pause for long enough to be believed; the door is told all the same.
    let door = [change].into_iter().chain((0..MOST_EDGES).map(|_| told(&mut inputs, NOW))).flatten();
    assert!(door.into_iter().any(|change| change == (Input::DoorPosition, true)));
    assert!(most <= MOST_EDGES + wired.len());
}

/// A clock that is set by hand.
#[derive(Clone, Default)]
struct Hand(Arc<std::sync::atomic::AtomicU64>);

impl Hand {
    fn set_ms(&self, ms: u64) {
        self.0.store(ms * 1_000, std::sync::atomic::Ordering::Relaxed);
    }
}

impl Clock for Hand {
    fn now(&self) -> Monotonic {
        Monotonic::from_micros(self.0.load(std::sync::atomic::Ordering::Relaxed))
    }
}

/// Contacts on two lines that are both told to be inactive: fire on 7, door on 8.
fn two(clock: &Hand) -> (SimChip, Contacts) {
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    let chip = SimChip::new(Arc::clone(&clock)).unwrap();
    let lines = [line(7, false, Bias::PullDown), line(8, false, Bias::PullDown)];
    let wired = [Input::FireContact, Input::DoorPosition];
    let mut inputs = Contacts::open(chip.clone().watch(&lines).unwrap(), &wired, clock).unwrap();
    assert!(told(&mut inputs, NOW).is_some() && told(&mut inputs, NOW).is_some());
    (chip, inputs)
}

#[test]
fn a_change_whose_edge_the_chip_lost_is_told_all_the_same() {
    let clock = Hand::default();
    let (chip, mut inputs) = two(&clock);
    chip.put(8, true);
    for edge in 0..10_000 {
        chip.put(7, edge % 2 == 0);
    }
    for _ in 0..100 {
        assert_eq!(told(&mut inputs, NOW), None, "nothing has stayed yet");
    }
    clock.set_ms(1_000);
    assert_eq!(told(&mut inputs, NOW), Some((Input::DoorPosition, true)));
}

#[test]
fn a_bounce_that_is_read_late_in_two_parts_is_a_bounce() {
    let clock = Hand::default();
    let (chip, mut inputs) = two(&clock);
    clock.set_ms(10);
    chip.put(8, true);
    for edge in 0..MOST_EDGES {
        chip.put(7, edge % 2 == 0);
    }
    clock.set_ms(20);
    chip.put(8, false);
    clock.set_ms(500);
    assert_eq!(told(&mut inputs, NOW), None);
    assert_eq!(told(&mut inputs, NOW), None);
}

#[test]
fn a_chip_that_fails_is_said_and_a_line_is_taken_once() {
    let chip = chip();
    let mut inputs = fire_loop(&chip);
    assert_eq!(told(&mut inputs, NOW), Some((Input::FireContact, false)));
    let again = chip.clone().watch(&[line(7, false, Bias::AsIs)]).map(|_| ()).unwrap_err();
    assert!(matches!(again, LinesError::InUse { offset: 7, .. }), "{again}");
    let far = chip.clone().watch(&[line(64, false, Bias::AsIs)]).map(|_| ()).unwrap_err();
    assert!(matches!(far, LinesError::NoLine { offset: 64, count: 64, .. }), "{far}");
    chip.break_down(Some("unplugged"));
    let error = inputs.next(FOREVER).unwrap_err().to_string();
    assert!(error.contains("unplugged") && error.contains("simulated"), "{error}");
    chip.break_down(None);
    drop(inputs);
    let mut inputs = fire_loop(&chip);
    assert_eq!(told(&mut inputs, NOW), Some((Input::FireContact, false)));
}

#[test]
fn a_clock_that_stands_still_keeps_nobody_waiting() {
    struct Stopped;
    impl Clock for Stopped {
        fn now(&self) -> Monotonic {
            Monotonic::from_micros(5_000_000)
        }
    }
    let (mut inputs, contacts) = SimInputs::scripted(Arc::new(Stopped));
    for _ in Input::ALL {
        assert!(inputs.next(NOW).unwrap().is_some());
    }
    contacts.set(Input::Tamper, true);
    assert_eq!(inputs.next(Duration::from_millis(10)), Ok(None));
}
