//! The end of a visit: what is made durable, and what is shown once it is.

use crate::{
    Admission, Command, Committed, CredentialKind, Decision, DenyReason, Direction, Entry, Fault, Fused,
    Monotonic, Now, Outcome, PersonId, Released, Screen, VisitId, Way, Welcome, admit, welcome,
};

use super::{Ended, LetIn, Passage, Refusals, Session, Settled, State, looking::Looking};

/// What a visit rested on when it ended.
#[derive(Debug, Default)]
struct Rests {
    track: Option<crate::TrackId>,
    since: Option<Monotonic>,
    last_seen: Option<Monotonic>,
    fused: Option<Fused>,
}

impl Session {
    /// A face that is who it must be: the facility's rules say whether that lets anybody in.
    pub(super) fn recognised(&mut self, now: Now, looking: &Looking, person: PersonId) -> Vec<Command> {
        let granted = Outcome::Granted { person };
        let is_inside = self.inside.holds(person, &self.policy.facility, now.wall);
        let leaves = match self.policy.direction {
            Direction::In => false,
            Direction::Out => true,
            Direction::Both => is_inside,
        };
        if leaves {
            let out = Passage::Out(self.leaving_with(person));
            return self.finish(now.mono, rests(looking), granted, Some(out));
        }
        match admit(&self.policy.facility, &self.roster, &self.inside, now.wall, person) {
            Ok(admission) => self.finish(now.mono, rests(looking), granted, Some(Passage::In(admission))),
            Err(refusal) => {
                let reason = DenyReason::NotAdmitted { person, refusal };
                self.end(now.mono, looking, Outcome::Denied(reason))
            }
        }
    }

    /// Who goes out with somebody: nobody is kept, so no rule is asked. A representative takes the household along, whose
    /// other members mostly have no way of their own to be seen leaving.
    fn leaving_with(&self, person: PersonId) -> Vec<PersonId> {
        let known = self.roster.get(person);
        let household = known.filter(|it| it.representative && !it.protected).and_then(|it| it.household);
        let members = household.map_or(&[][..], |household| self.roster.members(household));
        let along = |member: &&PersonId| {
            **member != person && self.roster.get(**member).is_some_and(|it| !it.protected)
        };
        std::iter::once(person).chain(members.iter().filter(along).copied()).collect()
    }

    /// Ends a visit without an admission.
    pub(super) fn end(&mut self, now: Monotonic, looking: &Looking, outcome: Outcome) -> Vec<Command> {
        self.finish(now, rests(looking), outcome, None)
    }

    pub(super) fn abandoned(&mut self, now: Monotonic, looking: &Looking) -> Vec<Command> {
        self.end(now, looking, Outcome::Denied(DenyReason::Abandoned))
    }

    pub(super) fn interrupted(&mut self, now: Monotonic, looking: &Looking, fault: Fault) -> Vec<Command> {
        self.end(now, looking, Outcome::Denied(DenyReason::Interrupted(fault)))
    }

    /// A card was presented and nobody came before the camera.
    pub(super) fn claim_unanswered(&mut self, now: Monotonic) -> Vec<Command> {
        let since = self.claim.map(|claim| claim.since);
        self.finish(now, Rests { since, ..Rests::default() }, Outcome::Denied(DenyReason::Abandoned), None)
    }

    /// A card of nobody here: said at once, whether somebody is being looked at or not.
    pub(super) fn unknown_credential(&mut self, now: Monotonic, kind: CredentialKind) -> Vec<Command> {
        let outcome = Outcome::Denied(DenyReason::UnknownCredential(kind));
        match std::mem::replace(&mut self.state, State::Waiting) {
            State::Looking(looking) => self.end(now, &looking, outcome),
            kept @ State::Committing(..) => {
                self.state = kept;
                Vec::new()
            }
            State::Waiting | State::Settled(_) => self.finish(now, Rests::default(), outcome, None),
        }
    }

    /// Staff let people in. A visit under way is ended first, and its record waited for.
    pub(super) fn staff_let_in(&mut self, now: Monotonic, let_in: LetIn) -> Vec<Command> {
        if self.faults.contains(&Fault::Storage) {
            return Vec::new();
        }
        self.let_in.push(let_in);
        match std::mem::replace(&mut self.state, State::Waiting) {
            State::Looking(looking) => self.abandoned(now, &looking),
            kept @ State::Committing(..) => {
                self.state = kept;
                Vec::new()
            }
            State::Waiting | State::Settled(_) => self.next_let_in(now),
        }
    }

    fn next_let_in(&mut self, now: Monotonic) -> Vec<Command> {
        if self.let_in.is_empty() {
            return Vec::new();
        }
        let LetIn { staff, visitors, release } = self.let_in.remove(0);
        let outcome = Outcome::LetIn { staff };
        let by_hand = u32::try_from(visitors.len()).unwrap_or(u32::MAX);
        let mut decision = self.decision(now, &Rests::default(), outcome, None);
        decision.way = Way::Staff;
        decision.entered_by_hand = visitors;
        decision.door = self.policy.door.filter(|_| release);
        self.state = State::Committing(
            self.after(now, &Rests::default(), None),
            Ended { outcome, passage: None, by_hand },
        );
        vec![Command::Commit(decision)]
    }

    /// Ends the visit: what remains is to make it durable.
    fn finish(
        &mut self,
        now: Monotonic,
        rests: Rests,
        outcome: Outcome,
        passage: Option<Passage>,
    ) -> Vec<Command> {
        let admission = match &passage {
            Some(Passage::In(admission)) => Some(admission.clone()),
            Some(Passage::Out(_)) | None => None,
        };
        let decision = self.decision(now, &rests, outcome, admission);
        let admitted = match outcome {
            Outcome::Granted { person } => Some(person),
            Outcome::LetIn { .. } | Outcome::Denied(_) => None,
        };
        self.state =
            State::Committing(self.after(now, &rests, admitted), Ended { outcome, passage, by_hand: 0 });
        let mut commands = self.forget_claim();
        commands.push(Command::Commit(decision));
        commands
    }

    fn decision(
        &mut self,
        now: Monotonic,
        rests: &Rests,
        outcome: Outcome,
        admission: Option<Admission>,
    ) -> Decision {
        self.visits += 1;
        let way = match outcome {
            Outcome::Denied(DenyReason::UnknownCredential(kind)) => Way::Claim(kind),
            Outcome::Granted { .. } | Outcome::LetIn { .. } | Outcome::Denied(_) => {
                self.claim.map_or(Way::Face, super::Presented::way)
            }
        };
        Decision {
            visit: VisitId(self.visits),
            track: rests.track,
            mode: self.policy.mode,
            outcome,
            fused: rests.fused,
            door: self.policy.door,
            grant_life: self.policy.grant_life,
            lasted: rests.since.map_or_else(Default::default, |since| now.since(since)),
            way,
            admission,
            entered_by_hand: Vec::new(),
        }
    }

    fn after(&self, now: Monotonic, rests: &Rests, admitted: Option<PersonId>) -> Settled {
        Settled {
            track: rests.track,
            last_seen: rests.last_seen.unwrap_or(now),
            admitted,
            shown_until: now.plus(self.policy.outcome_shown),
        }
    }

    pub(super) fn committed(&mut self, now: Now, committed: Committed) -> Vec<Command> {
        let State::Committing(settled, ended) = std::mem::replace(&mut self.state, State::Waiting) else {
            // Nobody waits for this answer any more, so the door stays and the grant is answered for.
            let open = committed.grant.map(|grant| Released::unknown(grant.record()));
            return open.map(|open| Command::Record(Entry::Released(open))).into_iter().collect();
        };
        self.count_refusal(now.mono, ended.outcome);
        let screen = self.outcome_screen(&ended);
        let mut commands = self.passes(now, committed, ended.passage);
        match screen {
            Some(screen) => {
                self.state = State::Settled(settled);
                commands.extend(self.show(screen));
            }
            None => commands.extend(self.show(Screen::Idle)),
        }
        commands.extend(self.next_let_in(now.mono));
        commands
    }

    /// What a settled visit shows; none if there is nobody to show it to.
    fn outcome_screen(&self, ended: &Ended) -> Option<Screen> {
        let reason = match ended.outcome {
            Outcome::Granted { .. } => {
                return Some(match &ended.passage {
                    Some(Passage::In(admission)) => {
                        Screen::Welcome(welcome(&self.policy.facility, &self.roster, admission))
                    }
                    Some(Passage::Out(_)) | None => Screen::Farewell,
                });
            }
            Outcome::LetIn { .. } => {
                let greeting = self.policy.facility.greeting;
                return Some(Screen::Welcome(Welcome {
                    party: ended.by_hand,
                    greeting,
                    ..Welcome::default()
                }));
            }
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

    pub(super) fn pausing(&self, now: Monotonic) -> bool {
        let pause = self.refusals.and_then(|it| Some((it.last, self.policy.pause_after(it.count)?)));
        pause.is_some_and(|(last, pause)| now.since(last) < pause)
    }
}

fn rests(looking: &Looking) -> Rests {
    Rests {
        track: Some(looking.track),
        since: Some(looking.since),
        last_seen: Some(looking.last_seen),
        fused: looking.last_attempt,
    }
}
