//! What every strike must do.

use std::time::Duration;

use gate::{DoorId, Monotonic, PulseResult};

use super::{UNREASONABLE, grant, now};
use crate::{Strike, strike::pulse::SHORTEST_GAP};

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
    a_held_strike_stays_released_until_it_is_told_otherwise(open());
    a_grant_changes_nothing_at_a_held_strike(open());
    idle_ends_a_hold(open());
    a_held_strike_that_was_dropped_rests(open());
    a_strike_that_was_dropped_rests(open());
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

fn a_held_strike_stays_released_until_it_is_told_otherwise(mut subject: Subject) {
    for _ in 0..2 {
        assert_eq!(subject.strike.hold_released(true), Ok(()), "a strike can be held released");
        let seen = (subject.see)();
        assert!(seen.driven && seen.pulses.is_empty(), "a held strike is driven: {seen:?}");
    }
    assert_eq!(subject.strike.check(), Ok(()), "a held strike is well");
    std::thread::sleep(subject.pulse);
    assert!((subject.see)().driven, "neither a check nor time ends a hold");
    let ending = now();
    assert_eq!(subject.strike.hold_released(false), Ok(()), "a hold can be ended");
    let seen = (subject.see)();
    assert!(!seen.driven && seen.pulses.len() == 1, "a hold is driven once, and then rests: {seen:?}");
    let result = subject.strike.release(grant(DOOR, now())).result();
    assert!(matches!(result, PulseResult::Pulsed(_)), "after a hold a grant pulses, got {result:?}");
    let seen = (subject.see)();
    let [_, pulse] = seen.pulses[..] else { panic!("a hold and a pulse: {seen:?}") };
    let distance = pulse.began.since(ending);
    assert!(!seen.driven && distance >= SHORTEST_GAP, "a pulse came {distance:?} after a hold");
}

fn a_grant_changes_nothing_at_a_held_strike(mut subject: Subject) {
    assert_eq!(subject.strike.hold_released(true), Ok(()), "a strike can be held released");
    for _ in 0..2 {
        let result = subject.strike.release(grant(DOOR, now())).result();
        let PulseResult::Pulsed(released) = result else { panic!("the door is released, got {result:?}") };
        assert!(released >= subject.pulse, "the door was released for a pulse at least");
    }
    let expired = subject.strike.release(grant(DOOR, Monotonic::from_micros(1))).result();
    assert_eq!(expired, PulseResult::Expired, "an old grant is expired at a held strike too");
    let foreign = subject.strike.release(grant(DoorId(9), now())).result();
    assert_eq!(foreign, PulseResult::WrongDoor, "a held strike knows its door");
    let seen = (subject.see)();
    assert!(seen.driven && seen.pulses.is_empty(), "the relay did not move: {seen:?}");
}

fn idle_ends_a_hold(mut subject: Subject) {
    assert_eq!(subject.strike.hold_released(true), Ok(()), "a strike can be held released");
    assert_eq!(subject.strike.set_idle(), Ok(()), "a held strike can be put to rest");
    assert!(!(subject.see)().driven, "idle is at rest");
    assert_eq!(subject.strike.check(), Ok(()), "a strike that was held is well");
    assert!(!(subject.see)().driven, "and it stays there");
}

fn a_held_strike_that_was_dropped_rests(mut subject: Subject) {
    assert_eq!(subject.strike.hold_released(true), Ok(()), "a strike can be held released");
    assert!((subject.see)().driven, "a held strike is driven");
    drop(subject.strike);
    let seen = (subject.see)();
    assert!(!seen.driven && seen.pulses.len() == 1, "dropping a held strike puts it to rest: {seen:?}");
}
