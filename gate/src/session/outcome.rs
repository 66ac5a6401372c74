//! The end of a visit: what is made durable, and what is shown once it is.

use crate::{
    Admission, Command, Committed, Decision, DenyReason, Direction, Entry, Factor, FactorSet, Fault, Fused,
    Monotonic, Now, Outcome, PersonId, ReaderScreen, Released, Screen, VisitId, Way, Welcome, admit,
    other_ways, welcome,
};

use super::{Ended, LetIn, Passage, Refusals, Session, Settled, State, looking::Looking};

/// What a visit rested on when it ended.
#[derive(Debug, Default)]
pub(super) struct Rests {
    pub(super) track: Option<crate::TrackId>,
    pub(super) since: Option<Monotonic>,
    pub(super) last_seen: Option<Monotonic>,
    pub(super) fused: Option<Fused>,
}

impl Session {
    /// All that a rule asks was proven of somebody: the facility's rules say whether that lets anybody in.
    pub(super) fn recognised(&mut self, now: Now, rests: Rests, person: PersonId) -> Vec<Command> {
        let granted = Outcome::Granted { person };
        let is_inside = self.inside.holds(person, &self.policy.facility, now.wall);
        let leaves = match self.policy.direction {
            Direction::In => false,
            Direction::Out => true,
            Direction::Both => is_inside,
        };
        if leaves {
            let out = Passage::Out(self.leaving_with(person));
            return self.finish(now.mono, rests, granted, Some(out));
        }
        match admit(&self.policy.facility, &self.roster, &self.inside, now.wall, person) {
            Ok(admission) => self.finish(now.mono, rests, granted, Some(Passage::In(admission))),
            Err(refusal) => {
                let reason = DenyReason::NotAdmitted { person, refusal };
                self.finish(now.mono, rests, Outcome::Denied(reason), None)
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
        self.finish(now, looking.rests(), outcome, None)
    }

    pub(super) fn abandoned(&mut self, now: Monotonic, looking: &Looking) -> Vec<Command> {
        self.end(now, looking, Outcome::Denied(DenyReason::Abandoned))
    }

    pub(super) fn interrupted(&mut self, now: Monotonic, looking: &Looking, fault: Fault) -> Vec<Command> {
        self.end(now, looking, Outcome::Denied(DenyReason::Interrupted(fault)))
    }

    /// A card was presented and nothing came of it.
    pub(super) fn claim_unanswered(&mut self, now: Monotonic, before: Option<Settled>) -> Vec<Command> {
        let since = self.claim.map(|claim| claim.since);
        let rests = Rests { since, ..Rests::default() };
        self.finish_beside(now, rests, DenyReason::Abandoned, before)
    }

    /// A credential that leads nowhere: said at once, whether somebody is being looked at or not.
    pub(super) fn credential_denied(&mut self, now: Monotonic, reason: DenyReason) -> Vec<Command> {
        match std::mem::replace(&mut self.state, State::Waiting) {
            State::Looking(looking) => self.end(now, &looking, Outcome::Denied(reason)),
            kept @ State::Committing(..) => {
                self.state = kept;
                Vec::new()
            }
            State::Settled(settled) if self.is_here(now, &settled) => {
                self.finish_beside(now, Rests::default(), reason, Some(settled))
            }
            State::Waiting | State::Settled(_) => self.finish_beside(now, Rests::default(), reason, None),
        }
    }

    /// Ends a visit without a face, beside whoever stands there: who was admitted stays so, and causes no second pulse.
    fn finish_beside(
        &mut self,
        now: Monotonic,
        rests: Rests,
        reason: DenyReason,
        before: Option<Settled>,
    ) -> Vec<Command> {
        let commands = self.finish(now, rests, Outcome::Denied(reason), None);
        if let (State::Committing(settled, _), Some(before)) = (&mut self.state, before) {
            let Settled { track, last_seen, admitted, .. } = before;
            *settled = Settled { track, last_seen, admitted, ..*settled };
        }
        commands
    }

    /// Staff let people in. A visit under way is ended first, and its record waited for.
    pub(super) fn staff_let_in(&mut self, now: Monotonic, let_in: LetIn) -> Vec<Command> {
        if self.faults.contains(&Fault::Storage) {
            return Vec::new();
        }
        self.let_in.push(let_in);
        self.reader = None;
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
    pub(super) fn finish(
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
        self.reader = None;
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
        let by_claim = self.claim.map_or(Way::Face, |claim| Way::Claim(claim.kind));
        let way = match outcome {
            Outcome::Denied(
                DenyReason::UnknownCredential(kind) | DenyReason::CredentialRefused { kind, .. },
            ) => Way::Claim(kind),
            Outcome::Granted { .. } | Outcome::LetIn { .. } | Outcome::Denied(_) => by_claim,
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
            factors: self.presented_factors(rests.fused.is_some()),
            admission,
            entered_by_hand: Vec::new(),
            registry_age: self.registry_age,
        }
    }

    /// What was presented; a face once an attempt was completed.
    fn presented_factors(&self, face: bool) -> FactorSet {
        let credential = self.claim.map_or(FactorSet::NONE, |claim| claim.factors);
        if face { credential.with(FactorSet::of(&[Factor::Face])) } else { credential }
    }

    fn after(&self, now: Monotonic, rests: &Rests, admitted: Option<PersonId>) -> Settled {
        Settled {
            track: rests.track,
            last_seen: rests.last_seen.unwrap_or(now),
            admitted,
            shown_until: now.plus(self.policy.outcome_shown),
            awaits_track: admitted.is_some() && rests.track.is_none(),
        }
    }

    pub(super) fn committed(&mut self, now: Now, committed: Committed) -> Vec<Command> {
        let State::Committing(settled, ended) = std::mem::replace(&mut self.state, State::Waiting) else {
            // Nobody waits for this answer any more, so the door stays and the grant is answered for.
            let open = committed.grant.map(|grant| Released::unknown(grant.record()));
            return open.map(|open| Command::Record(Entry::Released(open))).into_iter().collect();
        };
        self.count_refusal(now.mono, ended.outcome);
        let screen = self.outcome_screen(now, &ended);
        let mut commands = self.passes(now, committed, ended.passage);
        match screen {
            Some(screen) => {
                self.state = State::Settled(settled);
                commands.extend(self.show(screen));
            }
            None => {
                if settled.admitted.is_some() {
                    self.state = State::Settled(settled);
                }
                commands.extend(self.show(Screen::Idle));
            }
        }
        commands.extend(self.next_let_in(now.mono));
        commands
    }

    /// What a settled visit shows; none if there is nobody to show it to.
    fn outcome_screen(&self, now: Now, ended: &Ended) -> Option<Screen> {
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
            DenyReason::NoMatch | DenyReason::PresentationAttack => {
                Some(self.or_another_way(now, Screen::NotRecognised))
            }
            DenyReason::Ambiguous => Some(self.or_another_way(now, Screen::Ambiguous)),
            DenyReason::SecondFactorRequired => Some(self.or_another_way(now, Screen::SecondFactor)),
            DenyReason::Revoked { .. } => Some(Screen::SeeStaff),
            DenyReason::LowQuality(issue) => Some(Screen::NoClearImage(issue)),
            DenyReason::Interrupted(fault) => Some(Screen::OutOfService(fault)),
            DenyReason::NotTurned => Some(self.or_another_way(now, Screen::AnotherWay)),
            DenyReason::CredentialRefused { refusal, .. } => {
                Some(Screen::Reader(ReaderScreen::Refused(refusal)))
            }
            DenyReason::FactorMissing { next, .. } if next.is_empty() => Some(Screen::SeeStaff),
            DenyReason::FactorMissing { next, .. } => Some(Screen::NextFactor(next)),
            DenyReason::ClaimNotConfirmed { .. } | DenyReason::UnknownCredential(_) => {
                Some(Screen::ClaimNotConfirmed)
            }
            DenyReason::NotAdmitted { refusal, .. } => Some(Screen::NotAdmitted(refusal)),
            DenyReason::Abandoned => None,
        }
    }

    /// The usual screen names cards and codes of any kind. Where these lead nowhere, it names what does, or the staff.
    fn or_another_way(&self, now: Now, usual: Screen) -> Screen {
        let face = FactorSet::of(&[Factor::Face]);
        let next = other_ways(&self.policy, &self.roster, now.wall, None, face);
        match next {
            _ if next.contains(Factor::Claim) => usual,
            _ if next.is_empty() => Screen::SeeStaff,
            next => Screen::NextFactor(next),
        }
    }

    fn count_refusal(&mut self, now: Monotonic, outcome: Outcome) {
        let before = self.refusals.filter(|refusals| now.since(refusals.last) < self.policy.longest_pause);
        self.refusals = match outcome {
            Outcome::Denied(DenyReason::CredentialRefused { refusal, .. }) if !refusal.is_suspicious() => {
                before
            }
            Outcome::Granted { .. } | Outcome::LetIn { .. } => None,
            Outcome::Denied(
                DenyReason::NoMatch
                | DenyReason::Ambiguous
                | DenyReason::Revoked { .. }
                | DenyReason::PresentationAttack
                | DenyReason::NotTurned
                | DenyReason::ClaimNotConfirmed { .. }
                | DenyReason::UnknownCredential(_)
                | DenyReason::CredentialRefused { .. },
            ) => Some(Refusals {
                count: before.map_or(0, |refusals| refusals.count).saturating_add(1),
                last: now,
            }),
            Outcome::Denied(
                DenyReason::SecondFactorRequired
                | DenyReason::LowQuality(_)
                | DenyReason::Abandoned
                | DenyReason::Interrupted(_)
                | DenyReason::FactorMissing { .. }
                | DenyReason::NotAdmitted { .. },
            ) => before,
        };
    }

    pub(super) fn pausing(&self, now: Monotonic) -> bool {
        let pause = self.refusals.and_then(|it| Some((it.last, self.policy.pause_after(it.count)?)));
        pause.is_some_and(|(last, pause)| now.since(last) < pause)
    }
}

impl Looking {
    pub(super) fn rests(&self) -> Rests {
        Rests {
            track: Some(self.track),
            since: Some(self.since),
            last_seen: Some(self.last_seen),
            fused: self.last_attempt,
        }
    }
}
