//! What every implementation of the inputs port must do.

use std::time::{Duration, Instant};

use super::{UNREASONABLE, now};
use crate::inputs::{Input, InputChange, Inputs, debounce::STABLE_FOR};

/// Inputs and whoever stands at the door.
pub struct InputsSubject {
    /// Just opened, none of them active.
    pub inputs: Box<dyn Inputs>,
    /// Those that are there.
    pub wired: Vec<Input>,
    /// Makes one active or not.
    pub play: Box<dyn FnMut(Input, bool)>,
}

/// Long enough for a contact to be believed, on a driver that is polled.
const A_MOMENT: Duration = Duration::from_millis(300);

/// Every promise of [`Inputs`], each on a fresh subject.
///
/// # Panics
/// If a promise is broken.
pub fn inputs(mut open: impl FnMut() -> InputsSubject) {
    the_levels_at_open_are_told_once(open());
    a_level_that_stays_is_told_once_and_so_is_its_end(open());
    a_flicker_is_not_told(open());
    changes_come_in_the_order_of_their_times(open());
    a_flood_ends_with_the_levels_that_stayed(open());
    whoever_waits_gets_an_answer_in_time(open());
}

fn next(subject: &mut InputsSubject, patience: Duration) -> Option<InputChange> {
    subject.inputs.next(patience).unwrap_or_else(|error| panic!("the inputs work: {error}"))
}

/// Takes the first levels.
fn settled(mut subject: InputsSubject) -> InputsSubject {
    for _ in 0..subject.wired.len() {
        next(&mut subject, UNREASONABLE).expect("each level is told at open");
    }
    subject
}

fn the_levels_at_open_are_told_once(mut subject: InputsSubject) {
    let mut told: Vec<_> = (0..subject.wired.len())
        .map(|_| next(&mut subject, UNREASONABLE).expect("each level is told at open"))
        .map(|change| (change.input, change.active))
        .collect();
    told.sort();
    let mut wanted: Vec<_> = subject.wired.iter().map(|&input| (input, false)).collect();
    wanted.sort();
    assert_eq!(told, wanted, "each wired input is told once at open, with its level");
    assert_eq!(next(&mut subject, A_MOMENT), None, "and nothing else is");
}

fn a_level_that_stays_is_told_once_and_so_is_its_end(subject: InputsSubject) {
    let mut subject = settled(subject);
    for input in subject.wired.clone() {
        for active in [true, false] {
            let before = now();
            (subject.play)(input, active);
            let change = next(&mut subject, UNREASONABLE).expect("a level that stays is told");
            assert_eq!((change.input, change.active), (input, active), "the change that was played is told");
            assert!(change.at >= before && change.at <= now(), "with the time at which it began");
            assert!(now().since(change.at) >= STABLE_FOR, "after it has stayed for {STABLE_FOR:?}");
            assert_eq!(next(&mut subject, A_MOMENT), None, "a change is told once");
        }
    }
}

fn a_flicker_is_not_told(subject: InputsSubject) {
    let mut subject = settled(subject);
    let input = subject.wired[0];
    // A busy machine may take so long between the two that it was no flicker; then it is tried again.
    for _ in 0..100 {
        let began = Instant::now();
        (subject.play)(input, true);
        (subject.play)(input, false);
        let short = began.elapsed() < STABLE_FOR;
        let told = next(&mut subject, A_MOMENT);
        if short {
            assert_eq!(told, None, "what lasted for less than {STABLE_FOR:?} is not told");
            return;
        }
        while next(&mut subject, A_MOMENT).is_some() {}
    }
    panic!("this machine is too slow for a flicker");
}

fn changes_come_in_the_order_of_their_times(subject: InputsSubject) {
    let mut subject = settled(subject);
    for input in subject.wired.clone().into_iter().rev() {
        (subject.play)(input, true);
        std::thread::sleep(Duration::from_millis(40));
    }
    let told: Vec<_> = (0..subject.wired.len())
        .map(|_| next(&mut subject, UNREASONABLE).expect("each change is told"))
        .collect();
    assert!(told.is_sorted_by_key(|change| change.at), "changes come in their order: {told:?}");
    let mut each: Vec<_> = told.iter().map(|change| change.input).collect();
    let mut wired = subject.wired.clone();
    each.sort();
    wired.sort();
    assert_eq!(each, wired, "each change is told once");
}

fn a_flood_ends_with_the_levels_that_stayed(subject: InputsSubject) {
    let mut subject = settled(subject);
    for step in 0..1_000 {
        let input = subject.wired[step % subject.wired.len()];
        (subject.play)(input, step % 3 == 0);
    }
    for &input in &subject.wired {
        (subject.play)(input, true);
    }
    let mut last = Vec::new();
    while let Some(change) = next(&mut subject, A_MOMENT) {
        last.retain(|&(input, _)| input != change.input);
        last.push((change.input, change.active));
    }
    last.sort();
    let mut wanted: Vec<_> = subject.wired.iter().map(|&input| (input, true)).collect();
    wanted.sort();
    assert_eq!(last, wanted, "whatever happened, the last word about an input is its level");
}

fn whoever_waits_gets_an_answer_in_time(subject: InputsSubject) {
    let mut subject = settled(subject);
    let asked = Instant::now();
    assert_eq!(next(&mut subject, Duration::ZERO), None, "without patience, nothing is waited for");
    assert_eq!(next(&mut subject, A_MOMENT), None, "nothing happened");
    assert!(asked.elapsed() >= A_MOMENT, "whoever has patience is not answered before");
    assert!(asked.elapsed() < A_MOMENT + UNREASONABLE, "and gets an answer");
}
