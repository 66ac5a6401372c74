#![allow(clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, HashSet},
    mem::discriminant,
};

use super::*;
use crate::seeded::Seeded;

/// What happens in a story of the door.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Act {
    Opens,
    Closes,
    Rex(bool),
    FireContact(bool),
    Housing(bool),
    Release(u64),
    Over(u64),
    NotDriven(u64),
    Tick,
}

fn ms(millis: u64) -> Monotonic {
    Monotonic::from_micros(millis * 1_000)
}

fn grant(seq: u64) -> RecordId {
    RecordId { run: [0; 16], seq }
}

fn play(door: &mut DoorMonitor, at: u64, act: Act) -> Vec<DoorEvent> {
    let told = |input, active| InputChange { at: ms(at), input, active };
    match act {
        Act::Opens => door.input(told(Input::DoorPosition, true)),
        Act::Closes => door.input(told(Input::DoorPosition, false)),
        Act::Rex(active) => door.input(told(Input::RequestToExit, active)),
        Act::FireContact(active) => door.input(told(Input::FireContact, active)),
        Act::Housing(active) => door.input(told(Input::Tamper, active)),
        Act::Release(seq) => door.released(ms(at), grant(seq)),
        Act::Over(seq) => door.pulse_over(ms(at), grant(seq)),
        Act::NotDriven(seq) => door.not_driven(ms(at), grant(seq)),
        Act::Tick => door.tick(ms(at)),
    }
}

/// Plays the acts, ticking every 100 ms until 100 s, and compares everything that was told with when it was.
#[track_caller]
fn check(acts: &[(u64, Act)], expected: &[(u64, DoorEvent)]) {
    let mut door = DoorMonitor::new(DoorTimes::default());
    let mut told = Vec::new();
    let ticks = (0..1_000).map(|tick| (tick * 100, Act::Tick));
    let mut story: Vec<_> = acts.iter().copied().chain(ticks).collect();
    story.sort_by_key(|(at, act)| (*at, *act != Act::Tick));
    for (at, act) in story {
        told.extend(play(&mut door, at, act).into_iter().map(|event| (at, event)));
    }
    assert_eq!(told, expected);
}

#[test]
fn a_door_opened_without_leave_is_forced_until_it_is_closed() {
    let acts = [(0, Act::Closes), (1_050, Act::Opens), (90_050, Act::Closes)];
    check(&acts, &[(1_050, DoorEvent::Forced), (90_050, DoorEvent::Closed)]);
}

#[test]
fn a_granted_visitor_enters_once_however_often_the_door_is_opened() {
    let acts = [
        (0, Act::Closes),
        (1_000, Act::Release(1)),
        (1_550, Act::Opens),
        (2_000, Act::Over(1)),
        (2_550, Act::Closes),
        (4_950, Act::Opens),
        (6_050, Act::Closes),
    ];
    check(&acts, &[(1_550, DoorEvent::Entered(grant(1)))]);
}

#[test]
fn a_grant_counts_until_three_seconds_after_its_pulse_and_not_longer() {
    let released = [(0, Act::Closes), (1_000, Act::Release(1)), (2_000, Act::Over(1))];
    let opened =
        |at| released.iter().copied().chain([(at, Act::Opens), (at + 50, Act::Closes)]).collect::<Vec<_>>();
    check(&opened(5_000), &[(5_000, DoorEvent::Entered(grant(1)))]);
    let unused = DoorEvent::GrantUnused(grant(1));
    check(&released, &[(5_300, unused)]);
    check(&opened(5_350), &[(5_300, unused), (5_350, DoorEvent::Forced), (5_400, DoorEvent::Closed)]);
}

#[test]
fn an_opening_that_is_told_late_still_counts_by_its_own_time() {
    let mut door = DoorMonitor::new(DoorTimes::default());
    play(&mut door, 0, Act::Closes);
    play(&mut door, 1_000, Act::Release(1));
    play(&mut door, 2_000, Act::Over(1));
    assert_eq!(play(&mut door, 5_040, Act::Tick), []);
    assert_eq!(play(&mut door, 4_990, Act::Opens), [DoorEvent::Entered(grant(1))]);
}

#[test]
fn whoever_leaves_just_after_a_grant_has_ended_does_not_use_it() {
    let acts = [
        (0, Act::Closes),
        (1_000, Act::Release(1)),
        (2_000, Act::Over(1)),
        (4_950, Act::Rex(true)),
        (5_150, Act::Opens),
        (6_050, Act::Closes),
    ];
    check(&acts, &[(4_950, DoorEvent::RequestToExit), (5_300, DoorEvent::GrantUnused(grant(1)))]);
}

#[test]
fn a_pulse_that_nobody_says_is_over_does_not_leave_the_door_free() {
    let acts = [(0, Act::Closes), (1_000, Act::Release(1))];
    check(&acts, &[(10_300, DoorEvent::GrantUnused(grant(1)))]);
}

#[test]
fn a_grant_for_which_the_strike_was_not_driven_leaves_the_door_locked() {
    let acts = [(0, Act::Closes), (1_000, Act::Release(1)), (1_050, Act::NotDriven(1)), (1_150, Act::Opens)];
    check(&acts, &[(1_150, DoorEvent::Forced)]);
}

#[test]
fn a_door_without_a_position_switch_is_known_by_its_silence() {
    let mut door = DoorMonitor::new(DoorTimes::default());
    play(&mut door, 0, Act::FireContact(false));
    assert!(!door.knows_position());
    play(&mut door, 10, Act::Closes);
    assert!(door.knows_position());
}

#[test]
fn a_second_visitor_who_is_granted_at_the_open_door_walks_through_it() {
    let acts = [
        (0, Act::Closes),
        (1_000, Act::Release(1)),
        (1_550, Act::Opens),
        (2_050, Act::Release(2)),
        (9_050, Act::Closes),
    ];
    check(&acts, &[(1_550, DoorEvent::Entered(grant(1))), (2_050, DoorEvent::Entered(grant(2)))]);
}

#[test]
fn one_opening_answers_two_grants_that_wait() {
    let acts = [
        (0, Act::Closes),
        (1_000, Act::Release(1)),
        (2_000, Act::Release(2)),
        (2_550, Act::Opens),
        (3_050, Act::Closes),
    ];
    check(&acts, &[(2_550, DoorEvent::Entered(grant(1))), (2_550, DoorEvent::Entered(grant(2)))]);
}

#[test]
fn a_door_left_open_is_told_at_half_time_at_full_time_and_when_it_closes() {
    let acts = [(0, Act::Closes), (1_000, Act::Release(1)), (2_000, Act::Opens), (50_050, Act::Closes)];
    let entered = (2_000, DoorEvent::Entered(grant(1)));
    let told =
        [entered, (17_000, DoorEvent::OpenLong), (32_000, DoorEvent::HeldOpen), (50_050, DoorEvent::Closed)];
    check(&acts, &told);
    let earlier = [acts[0], acts[1], acts[2], (20_050, Act::Closes)];
    check(&earlier, &[entered, (17_000, DoorEvent::OpenLong), (20_050, DoorEvent::Closed)]);
    let soon = [acts[0], acts[1], acts[2], (16_950, Act::Closes)];
    check(&soon, &[entered]);
}

#[test]
fn a_stream_of_granted_visitors_does_not_count_as_held_open() {
    let mut acts = vec![(0, Act::Closes), (1_000, Act::Release(0)), (1_050, Act::Opens)];
    acts.extend((1..8).map(|visitor| (visitor * 10_000, Act::Release(visitor))));
    acts.push((86_050, Act::Closes));
    let mut told = vec![(1_050, DoorEvent::Entered(grant(0)))];
    told.extend((1..8).map(|visitor| (visitor * 10_000, DoorEvent::Entered(grant(visitor)))));
    told.extend([(85_000, DoorEvent::OpenLong), (86_050, DoorEvent::Closed)]);
    check(&acts, &told);
}

#[test]
fn whoever_asks_to_leave_may_open_the_door_for_a_while() {
    let told = [(1_050, DoorEvent::RequestToExit)];
    let opened = |at| {
        [
            (0, Act::Closes),
            (1_050, Act::Rex(true)),
            (2_050, Act::Rex(false)),
            (at, Act::Opens),
            (at + 950, Act::Closes),
        ]
    };
    check(&opened(1_550), &told);
    check(&opened(7_050), &told);
    let late = [told[0], (7_051, DoorEvent::Forced), (8_001, DoorEvent::Closed)];
    check(&opened(7_051), &late);
}

#[test]
fn a_door_found_open_was_not_forced_but_may_not_stay_open() {
    check(
        &[(1_000, Act::Opens), (20_050, Act::Closes)],
        &[(16_000, DoorEvent::OpenLong), (20_050, DoorEvent::Closed)],
    );
}

#[test]
fn without_a_door_contact_nothing_is_said_about_the_door() {
    let acts =
        [(1_000, Act::Release(1)), (2_000, Act::Over(1)), (3_050, Act::Rex(true)), (9_050, Act::Release(2))];
    check(&acts, &[(3_050, DoorEvent::RequestToExit)]);
}

#[test]
fn in_a_fire_nothing_is_forced_or_held_and_grants_are_answered_after_it() {
    let acts = [
        (0, Act::Closes),
        (1_000, Act::Release(1)),
        (1_050, Act::FireContact(true)),
        (1_150, Act::Opens),
        (1_250, Act::Rex(true)),
        (1_350, Act::FireContact(true)),
        (40_050, Act::Closes),
        (41_050, Act::Opens),
        (50_050, Act::FireContact(false)),
        (66_050, Act::Closes),
    ];
    let told = [
        (1_050, DoorEvent::Fire),
        (50_050, DoorEvent::FireOver),
        (50_050, DoorEvent::GrantUnused(grant(1))),
        (65_100, DoorEvent::OpenLong),
        (66_050, DoorEvent::Closed),
    ];
    check(&acts, &told);
}

#[test]
fn an_alarm_that_a_fire_outlives_ends_after_the_fire() {
    let acts = [
        (0, Act::Closes),
        (1_050, Act::Opens),
        (2_050, Act::FireContact(true)),
        (3_050, Act::Closes),
        (9_050, Act::FireContact(false)),
    ];
    let told = [
        (1_050, DoorEvent::Forced),
        (2_050, DoorEvent::Fire),
        (9_050, DoorEvent::FireOver),
        (9_050, DoorEvent::Closed),
    ];
    check(&acts, &told);
}

#[test]
fn the_housing_is_told_when_it_opens_and_when_it_closes_also_in_a_fire() {
    let acts = [
        (0, Act::Housing(false)),
        (50, Act::FireContact(true)),
        (150, Act::Housing(true)),
        (250, Act::Housing(false)),
    ];
    let told = [(50, DoorEvent::Fire), (150, DoorEvent::TamperOpen), (250, DoorEvent::TamperClosed)];
    check(&acts, &told);
}

#[test]
fn the_monitor_says_whether_there_is_a_fire() {
    let mut door = DoorMonitor::new(DoorTimes::default());
    assert!(!door.fire());
    play(&mut door, 0, Act::FireContact(true));
    assert!(door.fire());
    play(&mut door, 10, Act::FireContact(false));
    assert!(!door.fire());
}

/// Everything that a story says about itself, kept apart from the monitor.
#[derive(Default)]
struct History {
    /// Begin of each release and, once known, the last moment for which it counts.
    releases: BTreeMap<u64, (u64, Option<u64>)>,
    answers: BTreeMap<u64, u32>,
    rex: bool,
    rex_ended: Option<u64>,
    fire: bool,
    open: bool,
    alarm: bool,
}

impl History {
    fn leave(&self, at: u64) -> bool {
        let times = DoorTimes::default();
        let exit = u64::try_from(times.exit_within.as_millis()).unwrap();
        let released =
            self.releases.values().any(|(from, until)| *from <= at && until.is_none_or(|until| at <= until));
        released || self.rex || self.rex_ended.is_some_and(|ended| at <= ended + exit)
    }

    fn check(&mut self, at: u64, act: Act, told: &[DoorEvent]) {
        let was_fire = self.fire;
        let was_open = self.open;
        self.note(at, act);
        let forced = act == Act::Opens && !was_open && !was_fire && !self.leave(at);
        assert_eq!(told.contains(&DoorEvent::Forced), forced, "{act:?} at {at}");
        assert_eq!(told.contains(&DoorEvent::Fire), self.fire && !was_fire);
        assert_eq!(told.contains(&DoorEvent::FireOver), !self.fire && was_fire);
        for event in told {
            match event {
                DoorEvent::Entered(record) => {
                    let (_, until) = self.releases[&record.seq];
                    assert!(until.is_none_or(|until| at <= until), "entered when the grant had ended");
                    assert!(self.open && !self.fire, "entered through a closed door, or in a fire");
                    *self.answers.entry(record.seq).or_default() += 1;
                }
                DoorEvent::GrantUnused(record) => {
                    let (_, until) = self.releases[&record.seq];
                    assert!(until.is_some_and(|until| at > until), "called unused too early");
                    *self.answers.entry(record.seq).or_default() += 1;
                }
                DoorEvent::Forced | DoorEvent::OpenLong | DoorEvent::HeldOpen => {
                    assert!(was_open || act == Act::Opens, "an alarm about a closed door");
                    self.alarm = true;
                }
                DoorEvent::Closed => {
                    assert!(
                        std::mem::take(&mut self.alarm) && !self.open,
                        "closed without an alarm before it"
                    );
                }
                DoorEvent::RequestToExit | DoorEvent::Fire | DoorEvent::FireOver => {}
                DoorEvent::TamperOpen | DoorEvent::TamperClosed => panic!("nobody touched the housing"),
            }
        }
        if was_fire && self.fire {
            assert_eq!(told, [], "{act:?} in a fire");
        }
        assert!(!self.alarm || self.open || self.fire, "an alarm outlives the door's closing");
    }

    fn note(&mut self, at: u64, act: Act) {
        let within = u64::try_from(DoorTimes::default().open_within.as_millis()).unwrap();
        match act {
            Act::Opens => self.open = true,
            Act::Closes => self.open = false,
            Act::Rex(active) => {
                if self.rex && !active {
                    self.rex_ended = Some(at);
                }
                self.rex = active;
            }
            Act::FireContact(active) => self.fire = active,
            Act::Release(seq) => _ = self.releases.insert(seq, (at, None)),
            Act::Over(seq) => self.releases.get_mut(&seq).unwrap().1 = Some(at + within),
            Act::NotDriven(_) | Act::Housing(_) | Act::Tick => {}
        }
    }
}

/// A grant every second at most, as strikes allow, none in a fire, and every pulse ends within two seconds.
fn next_act(
    seeded: &mut Seeded,
    at: u64,
    fire: bool,
    running: &mut Vec<(u64, u64)>,
    released: &mut (u64, u64),
) -> Act {
    if let Some(place) = running.iter().position(|(_, ends)| *ends <= at) {
        return Act::Over(running.remove(place).0);
    }
    match seeded.below(40) {
        0..=7 => Act::Opens,
        8..=11 => Act::Closes,
        20..=23 if !fire && at >= released.1 + 1_000 => {
            *released = (released.0 + 1, at);
            running.push((released.0, at + seeded.below(2_000)));
            Act::Release(released.0)
        }
        24..=25 => Act::Rex(true),
        26..=28 => Act::Rex(false),
        29 if seeded.below(6) == 0 => Act::FireContact(true),
        30 => Act::FireContact(false),
        _ => Act::Tick,
    }
}

#[test]
fn long_stories_of_the_door_keep_the_invariants() {
    let mut kinds = HashSet::new();
    for seed in 0..400 {
        let mut seeded = Seeded(seed);
        let mut door = DoorMonitor::new(DoorTimes::default());
        let mut history = History::default();
        let (mut running, mut released, mut at) = (Vec::new(), (0, 0), 10);
        let mut fire = false;
        let mut step = |at, act| {
            let told = play(&mut door, at, act);
            history.check(at, act, &told);
            kinds.extend(told.iter().map(discriminant));
            history.fire
        };
        step(0, Act::Closes);
        for _ in 0..600 {
            at += seeded.one_of(&[1, 50, 200, 400, 900, 3_000]);
            let act = next_act(&mut seeded, at, fire, &mut running, &mut released);
            fire = step(at, act);
        }
        for (seq, _) in running {
            step(at, Act::Over(seq));
        }
        step(at + 1, Act::FireContact(false));
        step(at + 10_000, Act::Tick);
        step(at + 10_001, Act::Closes);
        let once: BTreeMap<u64, u32> = (1..=released.0).map(|seq| (seq, 1)).collect();
        assert_eq!(history.answers, once, "seed {seed}: every grant is answered once");
    }
    assert_eq!(kinds.len(), 9, "the stories tell of everything but the housing");
}
