//! The visit under way: a face that is followed, attempts, a turn of the head, a claim.

use crate::{
    Challenge, Command, Comparison, DenyReason, FaceAlone, FaceView, Factor, Fused, Monotonic, Now, Outcome,
    PersonId, Policy, Progress, QualityIssue, Reading, Screen, TrackId, decide, decide_claim, fuse,
};

use super::{Session, Settled, State};

/// A visit under way.
#[derive(Debug)]
pub(super) struct Looking {
    pub(super) track: TrackId,
    pub(super) since: Monotonic,
    pub(super) last_seen: Monotonic,
    /// Until then something usable must have come.
    pub(super) patient_until: Monotonic,
    issue: Option<QualityIssue>,
    attempt: Vec<Comparison>,
    settled_attempts: u8,
    pub(super) last_attempt: Option<Fused>,
    /// Admitted just before, with no absence since: the same person again is the same visit.
    pub(super) admitted: Option<PersonId>,
    turn: Turn,
}

/// Whether the head was turned.
#[derive(Debug)]
enum Turn {
    NotAsked,
    Asked(Box<Challenge>),
    Done,
}

impl Looking {
    fn new(now: Monotonic, track: TrackId, patient_until: Monotonic, admitted: Option<PersonId>) -> Self {
        Self {
            track,
            since: now,
            last_seen: now,
            patient_until,
            issue: None,
            attempt: Vec::new(),
            settled_attempts: 0,
            last_attempt: None,
            admitted,
            turn: Turn::NotAsked,
        }
    }

    /// What was seen before a credential, or before a reader was at work, counts for nothing after it.
    pub(super) fn anew(&mut self, patient_until: Monotonic) {
        self.attempt.clear();
        self.settled_attempts = 0;
        self.turn = Turn::NotAsked;
        self.patient_until = patient_until;
    }

    fn out_of_patience(&self) -> DenyReason {
        match (&self.turn, self.last_attempt, self.issue) {
            (Turn::Asked(_), _, _) => DenyReason::NotTurned,
            (_, None, Some(issue)) => DenyReason::LowQuality(issue),
            (_, None, None) => DenyReason::Abandoned,
            (_, Some(_), _) => DenyReason::NoMatch,
        }
    }
}

impl Session {
    pub(super) fn face(&mut self, now: Now, dice: u64, view: FaceView) -> Vec<Command> {
        let (mono, track) = (now.mono, view.track);
        if self.claim_is_over(mono) && !matches!(self.state, State::Looking(_)) {
            return self.tick(now);
        }
        match std::mem::replace(&mut self.state, State::Waiting) {
            State::Waiting => self.begin(now, dice, view, None),
            State::Looking(looking) if looking.track == track && !self.gone(mono, looking.last_seen) => {
                self.look(now, looking, dice, view)
            }
            State::Looking(looking) => self.abandoned(mono, &looking),
            State::Committing(settled, ended) => {
                self.state = State::Committing(settled.seen(mono, track), ended);
                Vec::new()
            }
            State::Settled(settled) => self.face_after_outcome(now, settled, dice, view),
        }
    }

    fn face_after_outcome(&mut self, now: Now, settled: Settled, dice: u64, view: FaceView) -> Vec<Command> {
        let absent = self.gone(now.mono, settled.last_seen);
        let settled = settled.joined_by(now.mono, view.track);
        if settled.track != Some(view.track) {
            return self.begin(now, dice, view, settled.admitted.filter(|_| !absent));
        }
        let outcome_was_shown = now.mono >= settled.shown_until;
        // A refused person who answers with a card is looked at without waiting.
        if settled.admitted.is_none() && (outcome_was_shown || self.claim.is_some()) {
            return self.begin(now, dice, view, None);
        }
        self.state = State::Settled(settled.seen(now.mono, view.track));
        if outcome_was_shown { self.show(Screen::Idle) } else { Vec::new() }
    }

    /// A visit begins with a face that is near enough to be meant.
    fn begin(&mut self, now: Now, dice: u64, view: FaceView, admitted: Option<PersonId>) -> Vec<Command> {
        if self.pausing(now.mono) {
            return self.show(Screen::Pause);
        }
        match view.reading {
            Reading::Poor(issue @ (QualityIssue::TooFar | QualityIssue::OutOfFrame)) => {
                self.show(Screen::Hint(issue))
            }
            Reading::Poor(_) | Reading::Compared(_) => {
                let patient_until = now.mono.plus(self.policy.patience);
                let looking = Looking::new(now.mono, view.track, patient_until, admitted);
                self.look(now, looking, dice, view)
            }
        }
    }

    fn look(&mut self, now: Now, mut looking: Looking, dice: u64, view: FaceView) -> Vec<Command> {
        looking.last_seen = now.mono;
        if let Some(missing) = self.credential_missing(now) {
            return self.wait_for_credential(now.mono, looking, missing);
        }
        if let Turn::Asked(challenge) = &mut looking.turn {
            let progress = match &view.sight {
                Some(sight) => challenge.see(self.newest, sight),
                None => challenge.tick(self.newest),
            };
            return self.turning(now, looking, progress);
        }
        let screen = match view.reading {
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
            return self.settled(now, looking, dice, outcome);
        }
        if now.mono >= looking.patient_until {
            let reason = looking.out_of_patience();
            return self.end(now.mono, &looking, Outcome::Denied(reason));
        }
        self.state = State::Looking(looking);
        self.show(screen)
    }

    /// The outcome of a full attempt; none if nobody matched and another attempt is left.
    fn settle_attempt(&mut self, looking: &mut Looking) -> Option<Outcome> {
        let fused = fuse(&std::mem::take(&mut looking.attempt))?;
        looking.settled_attempts = looking.settled_attempts.saturating_add(1);
        looking.last_attempt = Some(fused);
        let (outcome, worth_another) = match self.claim {
            Some(claim) => {
                let outcome = decide_claim(&self.policy, &fused, claim.person);
                self.mistrust(claim.person, outcome);
                let another_face = DenyReason::ClaimNotConfirmed { claimed: claim.person };
                (outcome, outcome == Outcome::Denied(another_face))
            }
            None => {
                let outcome = decide(&self.policy, &fused);
                (outcome, outcome == Outcome::Denied(DenyReason::NoMatch))
            }
        };
        let another_try = looking.settled_attempts < self.policy.attempts.max(1);
        (!worth_another || !another_try).then_some(outcome)
    }

    /// What a settled attempt leads to: its end, or a turn of the head first.
    fn settled(&mut self, now: Now, looking: Looking, dice: u64, outcome: Outcome) -> Vec<Command> {
        let Outcome::Granted { person } = outcome else {
            return self.end(now.mono, &looking, outcome);
        };
        if looking.admitted == Some(person) {
            return self.still_here(now.mono, &looking, person);
        }
        let factors = self.decide_factors(now, person, Some(Factor::Face));
        if factors != outcome {
            return self.end(now.mono, &looking, factors);
        }
        let Policy { face_alone, sensor, door, mode, .. } = &self.policy;
        let rule = face_alone.knowing(*sensor, door.is_some(), *mode, self.registry_age);
        match (rule, &looking.turn) {
            (FaceAlone::OpensAfterTurn, Turn::NotAsked | Turn::Asked(_)) if self.claim.is_none() => {
                self.ask_for_turn(now, looking, dice)
            }
            (FaceAlone::NeedsClaim, _) if self.claim.is_none() => {
                self.end(now.mono, &looking, Outcome::Denied(DenyReason::SecondFactorRequired))
            }
            (FaceAlone::Opens | FaceAlone::OpensAfterTurn | FaceAlone::NeedsClaim, _) => {
                self.recognised(now, looking.rests(), person)
            }
        }
    }

    fn ask_for_turn(&mut self, now: Now, mut looking: Looking, dice: u64) -> Vec<Command> {
        let demand = self.policy.turn;
        looking.patient_until = now.mono.plus(demand.time_limit + self.policy.patience);
        looking.turn = Turn::Asked(Box::new(Challenge::begin(dice, self.newest, demand)));
        self.state = State::Looking(looking);
        self.show(Screen::HoldStill)
    }

    /// After the turn the face is compared again, so that the one who turned is the one who comes in.
    fn turning(&mut self, now: Now, mut looking: Looking, progress: Progress) -> Vec<Command> {
        let screen = match progress {
            Progress::Wait => Screen::HoldStill,
            Progress::Prompt(side) => Screen::TurnHead(side),
            Progress::Back => Screen::TurnBack,
            Progress::TooFar => Screen::Hint(QualityIssue::TooFar),
            Progress::Passed => {
                looking.turn = Turn::Done;
                looking.settled_attempts = 0;
                looking.patient_until = now.mono.plus(self.policy.patience);
                Screen::HoldStill
            }
            Progress::Failed(_) => {
                return self.end(now.mono, &looking, Outcome::Denied(DenyReason::NotTurned));
            }
        };
        if now.mono >= looking.patient_until {
            return self.end(now.mono, &looking, Outcome::Denied(DenyReason::NotTurned));
        }
        self.state = State::Looking(looking);
        self.show(screen)
    }

    /// Whoever was just admitted and never went away is still the visit that is on record.
    pub(super) fn still_here(&mut self, now: Monotonic, looking: &Looking, person: PersonId) -> Vec<Command> {
        self.state = State::Settled(Settled {
            track: Some(looking.track),
            last_seen: now,
            admitted: Some(person),
            shown_until: now,
            awaits_track: false,
        });
        let mut commands = self.forget_claim();
        commands.extend(self.show(Screen::Idle));
        commands
    }

    /// Somebody cannot turn the head: the other ways in are offered at once.
    pub(super) fn cannot_turn(&mut self, now: Monotonic) -> Vec<Command> {
        match std::mem::replace(&mut self.state, State::Waiting) {
            State::Looking(looking) if matches!(looking.turn, Turn::Asked(_)) => {
                self.end(now, &looking, Outcome::Denied(DenyReason::NotTurned))
            }
            kept @ (State::Waiting | State::Looking(_) | State::Committing(..) | State::Settled(_)) => {
                self.state = kept;
                Vec::new()
            }
        }
    }
}
