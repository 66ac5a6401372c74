//! Facts about visits, and every short story that can happen to a session.

#![allow(clippy::unwrap_used)]

use std::{collections::HashSet, time::Duration};

use proptest::prelude::*;

use super::*;
use crate::{
    Candidate, Candidates, Comparison, DenyReason, DurableLog, FaceView, PulseResult, QualityIssue, Reading,
    Registered, Score, SensorTier, Standing, Threshold, Welcome, commit,
};

pub(super) const ALICE: PersonId = PersonId([1; 16]);
pub(super) const BOB: PersonId = PersonId([2; 16]);
pub(super) const REVOKED: PersonId = PersonId([3; 16]);

/// The shipped policy at a camera that nobody attacks.
pub(super) fn policy() -> Policy {
    Policy { sensor: SensorTier::Simulated, ..Policy::default() }
}

/// Everybody whom these stories know, of whom nothing is known but the enrolment.
fn roster() -> Roster {
    Roster::new([ALICE, BOB, REVOKED].map(|person| (person, Registered::default())))
}

fn frame(captured: Monotonic, track: u64, reading: Reading) -> Evidence {
    let view = FaceView { track: TrackId(track), reading, sight: None };
    Evidence { captured, dice: 0, view: View::Face(view) }
}

/// A log in memory that can be told to fail.
#[derive(Debug, Default)]
pub(super) struct Memory {
    length: u64,
    grants: Vec<RecordId>,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) factors: Vec<crate::FactorSet>,
    answered: Vec<RecordId>,
    pub(super) full: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("no space")]
pub(super) struct Full;

impl DurableLog for Memory {
    type Error = Full;

    fn append(&mut self, _: Now, entry: &Entry) -> Result<RecordId, Full> {
        if self.full {
            return Err(Full);
        }
        let record = RecordId { run: [7; 16], seq: self.length };
        self.length += 1;
        match entry {
            Entry::Decision(decision) => {
                self.outcomes.push(decision.outcome());
                self.factors.push(decision.factors());
                if matches!(decision.outcome(), Outcome::Granted { .. } | Outcome::LetIn { .. }) {
                    self.grants.push(record);
                }
            }
            Entry::Released(released) => self.answered.push(released.grant()),
            Entry::StaffCalled | Entry::Door(_) | Entry::Left(_) | Entry::Failed(_) | Entry::Restored(_) => {}
        }
        Ok(record)
    }
}

/// A kiosk in memory: the driver's loop, and a strike that remembers its pulses.
#[derive(Debug)]
pub(super) struct Kiosk {
    pub(super) session: Session,
    pub(super) log: Memory,
    pub(super) now: Monotonic,
    pub(super) pulses: Vec<(RecordId, Monotonic)>,
    pub(super) screens: Vec<Screen>,
    pub(super) free: bool,
    pub(super) expected: Option<PersonId>,
    /// What the wall clock showed when the other began; none: there is none.
    pub(super) wall: Option<crate::Wall>,
}

impl Kiosk {
    pub(super) fn new(policy: Policy) -> Self {
        Self {
            session: Session::new(policy, roster()),
            log: Memory::default(),
            now: Monotonic::from_micros(1_000_000),
            pulses: Vec::new(),
            screens: Vec::new(),
            free: false,
            expected: None,
            wall: None,
        }
    }

    pub(super) fn wait(&mut self, millis: u64) -> &mut Self {
        self.now = self.now.plus(Duration::from_millis(millis));
        self
    }

    pub(super) fn moment(&self) -> Now {
        let since = i64::try_from(self.now.micros() / 1_000).unwrap();
        let wall = self.wall.map(|wall| crate::Wall { unix_ms: wall.unix_ms + since, ..wall });
        Now { mono: self.now, wall }
    }

    pub(super) fn event(&mut self, event: Event) -> &mut Self {
        let now = self.moment();
        let commands = self.session.step(now, event);
        let last = commands.len().saturating_sub(1);
        for (place, command) in commands.into_iter().enumerate() {
            match command {
                Command::Show(screen) => self.screens.push(screen),
                Command::Free(free) => self.free = free,
                Command::Expect(person) => self.expected = person,
                Command::Record(entry) => {
                    let _ = self.log.append(now, &entry);
                }
                Command::Release(grant) => {
                    let record = grant.record();
                    let released = match grant.spend(crate::DoorId(0), self.now) {
                        Ok(spent) => {
                            assert!(self.log.grants.contains(&record), "a pulse without a record");
                            self.pulses.push((record, self.now));
                            spent.pulsed(Duration::from_millis(500))
                        }
                        Err(released) => released,
                    };
                    self.event(Event::Released(released));
                }
                Command::Commit(decision) => {
                    assert_eq!(place, last, "a commit is the last of its batch");
                    let answer = commit(&mut self.log, now, decision);
                    self.event(answer.map_or(Event::CommitFailed, Event::Committed));
                }
            }
        }
        self
    }

    pub(super) fn face(&mut self, track: u64, reading: Reading) -> &mut Self {
        self.wait(50);
        self.event(Event::Observed(frame(self.now, track, reading)))
    }

    pub(super) fn faces(&mut self, count: usize, track: u64, reading: Reading) -> &mut Self {
        for _ in 0..count {
            self.face(track, reading);
        }
        self
    }

    pub(super) fn nobody(&mut self, millis: u64) -> &mut Self {
        for _ in 0..millis / 50 {
            self.wait(50);
            self.event(Event::Observed(Evidence { captured: self.now, dice: 0, view: View::Nobody }));
        }
        self
    }
}

pub(super) fn seen(person: PersonId, score: f32) -> Reading {
    let standing = if person == REVOKED { Standing::Revoked } else { Standing::Active };
    let best = Some(Candidate { person, standing, score: Score(score) });
    Reading::Compared(Comparison {
        pad: 0.9,
        found: Candidates { best, runner_up: None },
        threshold: Threshold::Alone(Score(0.4)),
        references: 3,
        claimed: None,
    })
}

pub(super) fn stranger() -> Reading {
    seen(ALICE, 0.1)
}

fn check(story: impl Fn(&mut Kiosk), outcomes: &[Outcome], pulses: usize, screen: Screen) {
    let mut kiosk = Kiosk::new(policy());
    story(&mut kiosk);
    assert_eq!(kiosk.log.outcomes, outcomes, "{kiosk:#?}");
    assert_eq!(kiosk.pulses.len(), pulses, "{kiosk:#?}");
    assert_eq!(kiosk.session.screen(), screen, "{kiosk:#?}");
}

fn welcome() -> Screen {
    Screen::Welcome(Welcome { party: 1, ..Welcome::default() })
}
const GRANTED: Outcome = Outcome::Granted { person: ALICE };

fn denied(reason: DenyReason) -> Outcome {
    Outcome::Denied(reason)
}

#[test]
fn an_enrolled_person_gets_one_record_one_pulse_and_a_welcome() {
    check(|kiosk| _ = kiosk.faces(3, 1, seen(ALICE, 0.8)), &[GRANTED], 1, welcome());
}

#[test]
fn standing_there_causes_no_second_pulse() {
    check(|kiosk| _ = kiosk.faces(2_000, 1, seen(ALICE, 0.8)), &[GRANTED], 1, Screen::Idle);
}

#[test]
fn turning_away_for_a_moment_and_back_causes_no_second_pulse() {
    let story = |kiosk: &mut Kiosk| {
        for track in 1..20 {
            kiosk.faces(20, track, seen(ALICE, 0.8)).nobody(500);
        }
    };
    check(story, &[GRANTED], 1, Screen::Idle);
}

#[test]
fn whoever_leaves_and_comes_back_is_admitted_again() {
    let story = |kiosk: &mut Kiosk| {
        kiosk.faces(3, 1, seen(ALICE, 0.8)).nobody(2_000).faces(3, 2, seen(ALICE, 0.8));
    };
    check(story, &[GRANTED, GRANTED], 2, welcome());
}

#[test]
fn the_next_in_the_queue_needs_no_gap() {
    let story = |kiosk: &mut Kiosk| _ = kiosk.faces(5, 1, seen(ALICE, 0.8)).faces(3, 2, seen(BOB, 0.8));
    check(story, &[GRANTED, Outcome::Granted { person: BOB }], 2, welcome());
}

#[test]
fn a_stranger_stays_outside_after_every_attempt() {
    check(|kiosk| _ = kiosk.faces(8, 1, stranger()), &[], 0, Screen::HoldStill);
    check(
        |kiosk| _ = kiosk.faces(9, 1, stranger()),
        &[denied(DenyReason::NoMatch)],
        0,
        Screen::NotRecognised,
    );
}

#[test]
fn a_refused_person_who_stays_is_looked_at_again_later() {
    let story = |kiosk: &mut Kiosk| _ = kiosk.faces(9 + 79, 1, stranger()).faces(4, 1, seen(ALICE, 0.8));
    check(story, &[denied(DenyReason::NoMatch), GRANTED], 1, welcome());
}

#[test]
fn repeated_refusals_pause_the_kiosk_and_a_grant_ends_the_count() {
    let mut kiosk = Kiosk::new(policy());
    for track in 1..=3 {
        kiosk.faces(9, track, stranger()).nobody(2_000);
    }
    kiosk.face(4, seen(ALICE, 0.8));
    assert_eq!(kiosk.session.screen(), Screen::Pause);
    kiosk.faces(10, 4, seen(ALICE, 0.8));
    assert!(kiosk.pulses.is_empty(), "nobody is judged during the pause");
    kiosk.nobody(5_000).faces(3, 5, seen(ALICE, 0.8));
    assert_eq!(kiosk.pulses.len(), 1);
    kiosk.nobody(2_000).faces(9, 6, stranger()).nobody(2_000).face(7, stranger());
    assert_eq!(kiosk.session.screen(), Screen::HoldStill, "one refusal after a grant does not pause");
}

#[test]
fn a_revoked_enrolment_goes_to_the_staff() {
    let story = |kiosk: &mut Kiosk| _ = kiosk.faces(3, 1, seen(REVOKED, 0.8));
    check(story, &[denied(DenyReason::Revoked { person: REVOKED })], 0, Screen::SeeStaff);
}

#[test]
fn a_blurred_face_is_helped_first_and_refused_only_when_patience_is_over() {
    let blurred = Reading::Poor(QualityIssue::Blurred);
    check(|kiosk| _ = kiosk.faces(100, 1, blurred), &[], 0, Screen::Hint(QualityIssue::Blurred));
    check(
        |kiosk| _ = kiosk.faces(161, 1, blurred),
        &[denied(DenyReason::LowQuality(QualityIssue::Blurred))],
        0,
        Screen::NoClearImage(QualityIssue::Blurred),
    );
}

#[test]
fn somebody_far_away_is_invited_and_not_recorded() {
    let far = Reading::Poor(QualityIssue::TooFar);
    check(|kiosk| _ = kiosk.faces(500, 1, far), &[], 0, Screen::Hint(QualityIssue::TooFar));
}

#[test]
fn a_visit_that_is_walked_away_from_is_recorded() {
    let story = |kiosk: &mut Kiosk| _ = kiosk.faces(2, 1, seen(ALICE, 0.8)).nobody(2_000);
    check(story, &[denied(DenyReason::Abandoned)], 0, Screen::Idle);
}

#[test]
fn evidence_of_two_tracks_never_makes_one_grant() {
    let story = |kiosk: &mut Kiosk| {
        for track in 1..50 {
            kiosk.faces(2, track, seen(ALICE, 0.8));
        }
    };
    let mut kiosk = Kiosk::new(policy());
    story(&mut kiosk);
    assert!(kiosk.pulses.is_empty());
}

#[test]
fn a_repeated_old_or_future_frame_counts_for_nothing() {
    for (offset, pace) in [(-2_500_000i64, 50), (0, 0), (1, 50)] {
        let mut kiosk = Kiosk::new(policy());
        kiosk.wait(10_000).face(1, seen(ALICE, 0.8));
        for _ in 0..10 {
            kiosk.wait(pace);
            let captured = Monotonic::from_micros(kiosk.now.micros().saturating_add_signed(offset));
            kiosk.event(Event::Observed(frame(captured, 1, seen(ALICE, 0.8))));
        }
        assert!(kiosk.pulses.is_empty(), "offset {offset} us");
    }
}

#[test]
fn no_record_no_entry() {
    let mut kiosk = Kiosk::new(policy());
    kiosk.log.full = true;
    kiosk.faces(50, 1, seen(ALICE, 0.8));
    assert!(kiosk.pulses.is_empty());
    assert_eq!(kiosk.session.screen(), Screen::OutOfService(Fault::Storage));
    kiosk.log.full = false;
    kiosk.faces(50, 1, seen(ALICE, 0.8));
    assert!(kiosk.pulses.is_empty(), "out of service until somebody says that storage works");
    kiosk.event(Event::Restored(Fault::Storage)).faces(3, 2, seen(ALICE, 0.8));
    assert_eq!(kiosk.pulses.len(), 1);
}

#[test]
fn a_camera_that_fails_during_a_visit_ends_it_on_record() {
    let story = |kiosk: &mut Kiosk| {
        kiosk.faces(2, 1, seen(ALICE, 0.8)).event(Event::Failed(Fault::Camera)).faces(5, 1, seen(ALICE, 0.8));
    };
    let interrupted = denied(DenyReason::Interrupted(Fault::Camera));
    check(story, &[interrupted], 0, Screen::OutOfService(Fault::Camera));
}

#[test]
fn a_counter_without_a_door_welcomes_and_records_and_pulses_nothing() {
    let mut kiosk = Kiosk::new(Policy { door: None, ..policy() });
    kiosk.faces(3, 1, seen(ALICE, 0.8));
    assert_eq!((kiosk.log.outcomes.len(), kiosk.pulses.len(), kiosk.session.screen()), (1, 0, welcome()));
}

/// A grant for door 0, committed at 1.1 s.
fn grant() -> Grant {
    let mut session = Session::new(policy(), roster());
    let now = |millis: u64| Now { mono: Monotonic::from_micros(millis * 1_000), wall: None };
    let mut decisions = Vec::new();
    for millis in [1_000, 1_050, 1_100] {
        let frame = frame(now(millis).mono, 1, seen(ALICE, 0.8));
        let commands = session.step(now(millis), Event::Observed(frame));
        decisions.extend(commands.into_iter().filter_map(|command| match command {
            Command::Commit(decision) => Some(decision),
            Command::Show(_)
            | Command::Release(_)
            | Command::Free(_)
            | Command::Expect(_)
            | Command::Record(_) => None,
        }));
    }
    commit(&mut Memory::default(), now(1_100), decisions.pop().unwrap()).unwrap().grant.unwrap()
}

#[test]
fn a_grant_opens_its_own_door_in_time_and_nothing_else() {
    let millis = |millis: u64| Monotonic::from_micros(millis * 1_000);
    assert!(grant().spend(crate::DoorId(0), millis(3_099)).is_ok());
    assert_eq!(grant().spend(crate::DoorId(0), millis(3_100)).unwrap_err().result(), PulseResult::Expired);
    assert_eq!(grant().spend(crate::DoorId(1), millis(1_200)).unwrap_err().result(), PulseResult::WrongDoor);
}

/// The small world of the exhaustive test: what can happen next.
const ALPHABET: usize = 10;

fn act(kiosk: &mut Kiosk, letter: usize) {
    _ = match letter {
        0 => kiosk.face(1, seen(ALICE, 0.8)),
        1 => kiosk.face(2, seen(ALICE, 0.8)),
        2 => kiosk.face(2, seen(BOB, 0.8)),
        3 => kiosk.face(1, stranger()),
        4 => kiosk.face(1, Reading::Poor(QualityIssue::Blurred)),
        5 => kiosk.nobody(100),
        6 => kiosk.wait(1_600).event(Event::Tick),
        7 => kiosk.event(Event::Failed(Fault::Camera)),
        8 => kiosk.event(Event::Restored(Fault::Camera)),
        _ => {
            kiosk.log.full = !kiosk.log.full;
            kiosk.event(Event::Restored(Fault::Storage))
        }
    };
}

/// What must hold after any story whatever.
fn invariants(kiosk: &Kiosk) {
    let pulsed: HashSet<_> = kiosk.pulses.iter().map(|(record, _)| *record).collect();
    assert_eq!(pulsed.len(), kiosk.pulses.len(), "a grant pulsed twice");
    assert!(pulsed.iter().all(|record| kiosk.log.grants.contains(record)), "a pulse without its record");
    let welcomes = kiosk.screens.iter().filter(|screen| **screen == welcome()).count();
    assert!(welcomes <= kiosk.log.grants.len(), "a welcome without a recorded grant");
}

#[test]
fn every_story_of_six_events_keeps_the_invariants() {
    const LENGTH: u32 = 6;
    let policy = Policy { frames: 2, attempts: 2, ..policy() };
    for story in 0..ALPHABET.pow(LENGTH) {
        let mut kiosk = Kiosk::new(policy.clone());
        let mut rest = story;
        for _ in 0..LENGTH {
            act(&mut kiosk, rest % ALPHABET);
            rest /= ALPHABET;
        }
        invariants(&kiosk);
    }
}

proptest! {
    #[test]
    fn long_stories_keep_the_invariants(story in prop::collection::vec(0..ALPHABET, 0..400)) {
        let mut kiosk = Kiosk::new(Policy { frames: 2, attempts: 2, ..policy() });
        for letter in story {
            act(&mut kiosk, letter);
            invariants(&kiosk);
        }
    }

    #[test]
    fn without_an_absence_the_same_person_is_pulsed_at_most_once(
        frames in prop::collection::vec((1u64..4, 0usize..3, 10u64..300), 1..300)
    ) {
        let mut kiosk = Kiosk::new(policy());
        for (track, reading, gap) in frames {
            let reading = [seen(ALICE, 0.8), stranger(), Reading::Poor(QualityIssue::NotFrontal)][reading];
            kiosk.wait(gap).face(track, reading);
        }
        let alice = kiosk.pulses.len();
        let others = kiosk.log.outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Denied(_))).count();
        prop_assert!(alice <= 1 + others, "{alice} pulses, {others} other visits");
    }

    #[test]
    fn nothing_below_the_threshold_or_the_pad_floor_is_ever_granted(
        frames in prop::collection::vec((0.0f32..1.0, -1.0f32..1.0), 3..60)
    ) {
        let policy = policy();
        let mut kiosk = Kiosk::new(policy.clone());
        let mut window = Vec::new();
        for (pad, score) in frames {
            let Reading::Compared(comparison) = seen(ALICE, score) else { unreachable!() };
            let before = kiosk.pulses.len();
            kiosk.face(1, Reading::Compared(Comparison { pad, ..comparison }));
            window.push((pad, score));
            if kiosk.pulses.len() > before {
                let last = &window[window.len() - 3..];
                prop_assert!(last.iter().all(|(_, score)| *score >= 0.4));
                prop_assert!(last.iter().map(|(pad, _)| pad).sum::<f32>() / 3.0 >= policy.pad_floor);
            }
        }
    }
}
