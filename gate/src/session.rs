//! One kiosk, one visit after the other: from the first face to the outcome on the screen.
//!
//! A visit is one continuous track of one face. It collects good frames into attempts; an attempt that [`decide()`] can
//! settle ends the visit with a [`Command::Commit`], and only the answer to that releases the door and shows a welcome.
//!
//! ```text
//!            face in the guide           attempt settled, patience over, face gone
//! Waiting ───────────────────► Looking ───────────────────────────────────────────► Committing
//!    ▲                            ▲                                                     │ Committed
//!    │ gone, outcome was shown    │ another face; or refused and still here             ▼
//!    └────────────────────────────┴──────────────────────────────────────────────── Settled
//! ```
//!
//! Whoever was admitted and stays causes no second pulse: the same track is not judged again, and a new track without an
//! absence in between that shows the same person is that visit going on.

use crate::{
    Committed, Comparison, Decision, DenyReason, Entry, Evidence, Fault, Fused, Grant, Monotonic, Now,
    Outcome, PersonId, Policy, PulseResult, QualityIssue, Reading, Released, Screen, TrackId, View, VisitId,
    Way, Welcome, decide, fuse,
};

/// What happened in the world.
#[derive(Debug, PartialEq)]
pub enum Event {
    /// A camera frame was judged.
    Observed(Evidence),
    /// The last [`Command::Commit`] is durable.
    Committed(Committed),
    /// The last [`Command::Commit`] or a [`Command::Record`] could not be made durable.
    CommitFailed,
    /// The strike answers for a grant.
    Released(Released),
    /// Somebody pressed 「係員を呼ぶ」.
    StaffCalled,
    /// A part failed.
    Failed(Fault),
    /// A part works again.
    Restored(Fault),
    /// The facility's policy changed.
    Policy(Policy),
    /// Time passed; at least ten a second.
    Tick,
}

/// What should be done, in this order.
#[derive(Debug, PartialEq)]
#[must_use]
pub enum Command {
    /// Change the screen.
    Show(Screen),
    /// Drive the strike.
    Release(Grant),
    /// Append an entry that no grant waits for.
    Record(Entry),
    /// Make a decision durable. Always the last of its batch; answered by `Committed` or `CommitFailed` before
    /// anything else is stepped.
    Commit(Decision),
}

/// The rules of one kiosk, stepped by its gate thread.
#[derive(Debug)]
pub struct Session {
    policy: Policy,
    state: State,
    screen: Screen,
    faults: Vec<Fault>,
    visits: u64,
    refusals: Option<Refusals>,
    newest: Monotonic,
}

#[derive(Debug)]
enum State {
    Waiting,
    Looking(Looking),
    Committing(Settled, Outcome),
    Settled(Settled),
}

/// A visit under way.
#[derive(Debug)]
struct Looking {
    track: TrackId,
    since: Monotonic,
    last_seen: Monotonic,
    issue: Option<QualityIssue>,
    attempt: Vec<Comparison>,
    settled_attempts: u8,
    last_attempt: Option<Fused>,
    /// Admitted just before, with no absence since: the same person again is the same visit.
    admitted: Option<PersonId>,
}

/// A visit whose outcome is decided.
#[derive(Debug, Clone, Copy)]
struct Settled {
    track: TrackId,
    last_seen: Monotonic,
    admitted: Option<PersonId>,
    shown_until: Monotonic,
}

/// Refusals in a row.
#[derive(Debug, Clone, Copy)]
struct Refusals {
    count: u32,
    last: Monotonic,
}

impl Session {
    /// A session that has seen nobody yet and shows [`Screen::Idle`].
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            state: State::Waiting,
            screen: Screen::Idle,
            faults: Vec::new(),
            visits: 0,
            refusals: None,
            newest: Monotonic::default(),
        }
    }

    /// The screen that was shown last.
    #[must_use]
    pub fn screen(&self) -> Screen {
        self.screen.clone()
    }

    /// Takes one event and says what to do.
    pub fn step(&mut self, now: Now, event: Event) -> Vec<Command> {
        let now = now.mono;
        match event {
            Event::Observed(evidence) => self.observed(now, evidence),
            Event::Committed(committed) => self.committed(now, committed),
            Event::CommitFailed => self.failed(now, Fault::Storage),
            Event::Released(released) => self.released(now, released),
            Event::StaffCalled => vec![Command::Record(Entry::StaffCalled)],
            Event::Failed(fault) => self.failed(now, fault),
            Event::Restored(fault) => self.restored(fault),
            Event::Policy(policy) => {
                self.policy = policy;
                Vec::new()
            }
            Event::Tick => self.tick(now),
        }
    }

    /// Judges a frame unless it is old, repeated or from the future, or a part is broken.
    fn observed(&mut self, now: Monotonic, evidence: Evidence) -> Vec<Command> {
        let captured = evidence.captured;
        let fresh = captured > self.newest && captured <= now && now.since(captured) <= self.policy.freshness;
        if !fresh || !self.faults.is_empty() {
            return Vec::new();
        }
        self.newest = captured;
        match evidence.view {
            View::Nobody if matches!(self.state, State::Waiting) => self.show(Screen::Idle),
            View::Nobody => self.tick(now),
            View::Face { track, reading } => self.face(now, track, reading),
        }
    }

    fn face(&mut self, now: Monotonic, track: TrackId, reading: Reading) -> Vec<Command> {
        match std::mem::replace(&mut self.state, State::Waiting) {
            State::Waiting => self.begin(now, track, reading, None),
            State::Looking(looking) if looking.track == track && !self.gone(now, looking.last_seen) => {
                self.look(now, looking, reading)
            }
            State::Looking(looking) => self.end(now, &looking, Outcome::Denied(DenyReason::Abandoned)),
            State::Committing(settled, outcome) => {
                self.state = State::Committing(settled.seen(now, track), outcome);
                Vec::new()
            }
            State::Settled(settled) => self.face_after_outcome(now, settled, track, reading),
        }
    }

    fn face_after_outcome(
        &mut self,
        now: Monotonic,
        settled: Settled,
        track: TrackId,
        reading: Reading,
    ) -> Vec<Command> {
        let absent = self.gone(now, settled.last_seen);
        if settled.track != track {
            return self.begin(now, track, reading, settled.admitted.filter(|_| !absent));
        }
        let outcome_was_shown = now >= settled.shown_until;
        if outcome_was_shown && settled.admitted.is_none() {
            return self.begin(now, track, reading, None);
        }
        self.state = State::Settled(settled.seen(now, track));
        if outcome_was_shown { self.show(Screen::Idle) } else { Vec::new() }
    }

    /// A visit begins with a face that is near enough to be meant.
    fn begin(
        &mut self,
        now: Monotonic,
        track: TrackId,
        reading: Reading,
        admitted: Option<PersonId>,
    ) -> Vec<Command> {
        if self.pausing(now) {
            return self.show(Screen::Pause);
        }
        match reading {
            Reading::Poor(issue @ (QualityIssue::TooFar | QualityIssue::OutOfFrame)) => {
                self.show(Screen::Hint(issue))
            }
            Reading::Poor(_) | Reading::Compared(_) => {
                let looking = Looking {
                    track,
                    since: now,
                    last_seen: now,
                    issue: None,
                    attempt: Vec::new(),
                    settled_attempts: 0,
                    last_attempt: None,
                    admitted,
                };
                self.look(now, looking, reading)
            }
        }
    }

    fn look(&mut self, now: Monotonic, mut looking: Looking, reading: Reading) -> Vec<Command> {
        looking.last_seen = now;
        let screen = match reading {
            Reading::Compared(comparison) => {
                looking.attempt.push(comparison);
                Screen::HoldStill
            }
            Reading::Poor(issue) => {
                looking.issue = Some(issue);
                if looking.attempt.is_empty() { Screen::Hint(issue) } else { Screen::HoldStill }
            }
        };
        if looking.attempt.len() >= usize::from(self.policy.frames.max(1))
            && let Some(outcome) = self.settle_attempt(&mut looking)
        {
            return self.decided(now, &looking, outcome);
        }
        if now.since(looking.since) >= self.policy.patience {
            let outcome = self.out_of_patience(&looking);
            return self.end(now, &looking, Outcome::Denied(outcome));
        }
        self.state = State::Looking(looking);
        self.show(screen)
    }

    /// The outcome of a full attempt; none if nobody matched and another attempt is left.
    fn settle_attempt(&self, looking: &mut Looking) -> Option<Outcome> {
        let fused = fuse(&std::mem::take(&mut looking.attempt))?;
        looking.settled_attempts = looking.settled_attempts.saturating_add(1);
        looking.last_attempt = Some(fused);
        let outcome = decide(&self.policy, &fused);
        let another_try = looking.settled_attempts < self.policy.attempts.max(1);
        (outcome != Outcome::Denied(DenyReason::NoMatch) || !another_try).then_some(outcome)
    }

    fn out_of_patience(&self, looking: &Looking) -> DenyReason {
        match (looking.last_attempt, looking.issue) {
            (None, Some(issue)) => DenyReason::LowQuality(issue),
            (None, None) => DenyReason::Abandoned,
            (Some(_), _) => DenyReason::NoMatch,
        }
    }

    /// Whoever was just admitted and never went away is still the visit that is on record.
    fn decided(&mut self, now: Monotonic, looking: &Looking, outcome: Outcome) -> Vec<Command> {
        match (outcome, looking.admitted) {
            (Outcome::Granted { person }, Some(admitted)) if person == admitted => {
                self.state = State::Settled(Settled {
                    track: looking.track,
                    last_seen: now,
                    admitted: Some(person),
                    shown_until: now,
                });
                self.show(Screen::Idle)
            }
            (Outcome::Granted { .. } | Outcome::LetIn { .. } | Outcome::Denied(_), _) => {
                self.end(now, looking, outcome)
            }
        }
    }

    /// Ends the visit: what remains is to make it durable.
    fn end(&mut self, now: Monotonic, looking: &Looking, outcome: Outcome) -> Vec<Command> {
        self.visits += 1;
        let settled = Settled {
            track: looking.track,
            last_seen: looking.last_seen,
            admitted: match outcome {
                Outcome::Granted { person } => Some(person),
                Outcome::LetIn { .. } | Outcome::Denied(_) => None,
            },
            shown_until: now.plus(self.policy.outcome_shown),
        };
        self.state = State::Committing(settled, outcome);
        vec![Command::Commit(Decision {
            visit: VisitId(self.visits),
            track: looking.track,
            mode: self.policy.mode,
            outcome,
            fused: looking.last_attempt,
            door: self.policy.door,
            grant_life: self.policy.grant_life,
            lasted: now.since(looking.since),
            way: Way::Face,
            admission: None,
            entered_by_hand: Vec::new(),
        })]
    }

    fn committed(&mut self, now: Monotonic, committed: Committed) -> Vec<Command> {
        let State::Committing(settled, outcome) = std::mem::replace(&mut self.state, State::Waiting) else {
            // Nobody waits for this answer any more, so the door stays and the grant is answered for.
            let open = committed.grant.map(|grant| Released::unknown(grant.record()));
            return open.map(|open| Command::Record(Entry::Released(open))).into_iter().collect();
        };
        self.count_refusal(now, outcome);
        let mut commands: Vec<_> = committed.grant.map(Command::Release).into_iter().collect();
        match self.outcome_screen(outcome) {
            Some(screen) => {
                self.state = State::Settled(settled);
                commands.extend(self.show(screen));
            }
            None => commands.extend(self.show(Screen::Idle)),
        }
        commands
    }

    /// What a settled visit shows; none if there is nobody to show it to.
    fn outcome_screen(&self, outcome: Outcome) -> Option<Screen> {
        let reason = match outcome {
            Outcome::Granted { .. } => {
                return Some(Screen::Welcome(Welcome { party: 1, ..Welcome::default() }));
            }
            Outcome::LetIn { .. } => return None,
            Outcome::Denied(reason) => reason,
        };
        match reason {
            DenyReason::NoMatch | DenyReason::PresentationAttack => Some(Screen::NotRecognised),
            DenyReason::Ambiguous => Some(Screen::Ambiguous),
            DenyReason::SecondFactorRequired => Some(Screen::SecondFactor),
            DenyReason::Revoked { .. } => Some(Screen::SeeStaff),
            DenyReason::LowQuality(issue) => Some(Screen::NoClearImage(issue)),
            DenyReason::Interrupted(fault) => Some(Screen::OutOfService(fault)),
            DenyReason::NotTurned => Some(Screen::AnotherWay),
            DenyReason::ClaimNotConfirmed { .. } | DenyReason::UnknownCredential(_) => {
                Some(Screen::ClaimNotConfirmed)
            }
            DenyReason::NotAdmitted { refusal, .. } => Some(Screen::NotAdmitted(refusal)),
            DenyReason::Abandoned => None,
        }
    }

    fn count_refusal(&mut self, now: Monotonic, outcome: Outcome) {
        let before = self.refusals.filter(|refusals| now.since(refusals.last) < self.policy.longest_pause);
        self.refusals = match outcome {
            Outcome::Granted { .. } | Outcome::LetIn { .. } => None,
            Outcome::Denied(
                DenyReason::NoMatch
                | DenyReason::Ambiguous
                | DenyReason::Revoked { .. }
                | DenyReason::PresentationAttack
                | DenyReason::NotTurned
                | DenyReason::ClaimNotConfirmed { .. }
                | DenyReason::UnknownCredential(_),
            ) => Some(Refusals {
                count: before.map_or(0, |refusals| refusals.count).saturating_add(1),
                last: now,
            }),
            Outcome::Denied(
                DenyReason::SecondFactorRequired
                | DenyReason::LowQuality(_)
                | DenyReason::Abandoned
                | DenyReason::Interrupted(_)
                | DenyReason::NotAdmitted { .. },
            ) => before,
        };
    }

    fn pausing(&self, now: Monotonic) -> bool {
        let pause = self.refusals.and_then(|it| Some((it.last, self.policy.pause_after(it.count)?)));
        pause.is_some_and(|(last, pause)| now.since(last) < pause)
    }

    fn released(&mut self, now: Monotonic, released: Released) -> Vec<Command> {
        let failed = released.result() == PulseResult::StrikeFailed;
        let mut commands = vec![Command::Record(Entry::Released(released))];
        if failed {
            commands.extend(self.failed(now, Fault::Strike));
        }
        commands
    }

    /// A part failed: a visit under way ends on record (unless records are what failed), and the screen says so.
    fn failed(&mut self, now: Monotonic, fault: Fault) -> Vec<Command> {
        if self.faults.contains(&fault) {
            return Vec::new();
        }
        self.faults.push(fault);
        let mut commands = self.show(Screen::OutOfService(fault));
        if fault == Fault::Storage {
            self.state = State::Waiting;
            return commands;
        }
        if !self.faults.contains(&Fault::Storage) {
            commands.push(Command::Record(Entry::Failed(fault)));
        }
        match std::mem::replace(&mut self.state, State::Waiting) {
            State::Looking(looking) => {
                commands.extend(self.end(now, &looking, Outcome::Denied(DenyReason::Interrupted(fault))));
            }
            kept @ State::Committing(..) => self.state = kept,
            State::Waiting | State::Settled(_) => {}
        }
        commands
    }

    fn restored(&mut self, fault: Fault) -> Vec<Command> {
        let Some(place) = self.faults.iter().position(|&it| it == fault) else {
            return Vec::new();
        };
        self.faults.remove(place);
        let mut commands = Vec::new();
        if !self.faults.contains(&Fault::Storage) {
            commands.push(Command::Record(Entry::Restored(fault)));
        }
        commands.extend(self.show(Screen::Idle));
        commands
    }

    /// What time alone brings about: a face that has gone, an outcome that was shown long enough.
    fn tick(&mut self, now: Monotonic) -> Vec<Command> {
        match std::mem::replace(&mut self.state, State::Waiting) {
            State::Looking(looking) if self.gone(now, looking.last_seen) => {
                self.end(now, &looking, Outcome::Denied(DenyReason::Abandoned))
            }
            State::Settled(settled) if self.gone(now, settled.last_seen) && now >= settled.shown_until => {
                self.show(Screen::Idle)
            }
            kept @ (State::Waiting | State::Looking(_) | State::Committing(..) | State::Settled(_)) => {
                self.state = kept;
                Vec::new()
            }
        }
    }

    fn gone(&self, now: Monotonic, last_seen: Monotonic) -> bool {
        now.since(last_seen) > self.policy.absence
    }

    /// Changes the screen if it differs; a broken part overrides every other screen.
    fn show(&mut self, screen: Screen) -> Vec<Command> {
        let screen = self.faults.first().map_or(screen, |&fault| Screen::OutOfService(fault));
        if screen == self.screen {
            return Vec::new();
        }
        self.screen = screen.clone();
        vec![Command::Show(screen)]
    }
}

impl Settled {
    fn seen(self, now: Monotonic, track: TrackId) -> Self {
        if self.track == track { Self { last_seen: now, ..self } } else { self }
    }
}

#[cfg(test)]
mod tests;
