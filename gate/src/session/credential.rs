//! What cards and codes bring to a visit: a claim that opens by itself or waits for a face, a reader at work, a refusal.
//!
//! A claim gathers what was proven of one person; another person's begins anew. It ends with the visit, or when
//! [`ClaimRule::patience`](crate::ClaimRule) is over, and while a reader works not before
//! [`ClaimRule::reader_patience`](crate::ClaimRule): then the person, what was proven and the expected references are
//! forgotten. A face that came in time is still judged, for as long as any visit may take.

use crate::{
    Claim, Command, CredentialKind, DenyReason, Factor, FactorSet, Monotonic, Now, Outcome, PersonId, Proven,
    ReaderScreen, Screen, TrackId, decide_factors, next_factors,
};

use super::{Session, Settled, State, looking::Looking, outcome::Rests};

/// People whose credentials somebody was seen to have without their face. Beyond it everybody's needs the face.
const MOST_MISTRUSTED: usize = 8;

/// Credentials of one person, not used up yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Presented {
    pub(super) person: PersonId,
    /// The one that was presented last.
    pub(super) kind: CredentialKind,
    /// What they prove together.
    pub(super) factors: FactorSet,
    face_required: bool,
    pub(super) since: Monotonic,
    until: Monotonic,
}

/// Whose credentials were shown with another face by those who stand there: a telephone that was lent opens for nobody by
/// its PIN or its code, until they have gone.
#[derive(Debug, Default)]
pub(super) struct Mistrusted(Vec<PersonId>);

impl Mistrusted {
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    fn add(&mut self, person: PersonId) {
        if !self.0.contains(&person) && self.0.len() < MOST_MISTRUSTED {
            self.0.push(person);
        }
    }

    fn holds(&self, person: PersonId) -> bool {
        self.0.contains(&person) || self.0.len() >= MOST_MISTRUSTED
    }
}

impl Session {
    /// A card or code. It opens by itself where a rule is content with it; else its owner's face or a stronger proof is
    /// awaited. A frame from before is not compared with the owner, so the visit under way collects anew.
    pub(super) fn presented(&mut self, now: Now, claim: Claim) -> Vec<Command> {
        if !self.faults.is_empty() || self.door.fire() {
            return Vec::new();
        }
        self.reader = None;
        let (person, kind, factors, face_required) = match claim {
            Claim::Of { person, kind, proof, face_required } => {
                (person, kind, FactorSet::proven_by(kind, proof), face_required)
            }
            Claim::Unknown(kind) => {
                return self.credential_denied(now.mono, DenyReason::UnknownCredential(kind));
            }
        };
        let until = now.mono.plus(self.policy.claim.patience);
        let new = Presented { person, kind, factors, face_required, since: now.mono, until };
        let claim = new.after(self.claim.filter(|_| !self.claim_is_over(now.mono)));
        self.claim = Some(claim);
        match self.decide_factors(now, person, None) {
            Outcome::Granted { person } => self.opens_by_itself(now, person),
            Outcome::Denied(reason @ DenyReason::Revoked { .. }) => self.credential_denied(now.mono, reason),
            Outcome::Denied(reason) => self.await_more(now, &claim, reason),
            Outcome::LetIn { .. } => Vec::new(),
        }
    }

    /// The rule about factors for this visit: what its credentials proved, and the face if one was just recognised.
    pub(super) fn decide_factors(&self, now: Now, person: PersonId, face: Option<Factor>) -> Outcome {
        decide_factors(&self.policy, &self.roster, now.wall, &self.proven(person, face))
    }

    fn proven(&self, person: PersonId, face: Option<Factor>) -> Proven {
        let claim = self.claim.filter(|claim| claim.person == person);
        let credential = claim.map_or(FactorSet::NONE, |claim| claim.factors);
        Proven {
            person,
            factors: credential.with(face.into_iter().collect()),
            face_required: claim.is_some_and(|claim| claim.face_required) || self.mistrusted.holds(person),
        }
    }

    /// Not enough yet. Where nothing that may follow would be, that is said at once.
    fn await_more(&mut self, now: Now, claim: &Presented, reason: DenyReason) -> Vec<Command> {
        let proven = self.proven(claim.person, None);
        let next = next_factors(&self.policy, &self.roster, now.wall, &proven);
        if next.is_empty() {
            return self.credential_denied(now.mono, reason);
        }
        if let State::Looking(looking) = &mut self.state {
            looking.anew(claim.until);
        }
        let mut commands = vec![Command::Expect(Some(claim.person))];
        let face_only = next == FactorSet::of(&[Factor::Face]);
        commands.extend(self.show(if face_only { Screen::ShowFace } else { Screen::NextFactor(next) }));
        commands
    }

    /// A grant without a face: nothing that a camera said is part of it. A face that is seen there belongs to the visit, so
    /// that it is not looked at as the next one.
    fn opens_by_itself(&mut self, now: Now, person: PersonId) -> Vec<Command> {
        let rests = match std::mem::replace(&mut self.state, State::Waiting) {
            State::Looking(looking) if looking.admitted == Some(person) => {
                return self.still_here(now.mono, &looking, person);
            }
            State::Looking(looking) => Rests { fused: None, ..looking.rests() },
            State::Settled(settled) if self.is_here(now.mono, &settled) => {
                if settled.admitted == Some(person) {
                    self.state = State::Settled(settled);
                    let mut commands = self.forget_claim();
                    // A reader's screen would stay for as long as they do.
                    if matches!(self.screen, Screen::Reader(_)) {
                        commands.extend(self.show(Screen::Idle));
                    }
                    return commands;
                }
                let track = settled.track.filter(|_| settled.admitted.is_none());
                Rests { track, ..Rests::default() }
            }
            kept @ State::Committing(..) => {
                self.state = kept;
                return Vec::new();
            }
            State::Waiting | State::Settled(_) => Rests::default(),
        };
        self.recognised(now, rests, person)
    }

    pub(super) fn is_here(&self, now: Monotonic, settled: &Settled) -> bool {
        now < settled.shown_until || !self.gone(now, settled.last_seen)
    }

    /// Which credentials must come before the face counts; none if the face may come now, or without a claim.
    pub(super) fn credential_missing(&self, now: Now) -> Option<FactorSet> {
        let claim = self.claim?;
        let next = next_factors(&self.policy, &self.roster, now.wall, &self.proven(claim.person, None));
        (!next.contains(Factor::Face)).then_some(next)
    }

    /// A face while a credential is missing: it is not judged, and the visit waits as long as a claim may.
    pub(super) fn wait_for_credential(
        &mut self,
        now: Monotonic,
        looking: Looking,
        next: FactorSet,
    ) -> Vec<Command> {
        let waited = self.claim.filter(|claim| next.is_empty() || now >= claim.until);
        if let Some(claim) = waited {
            let reason = DenyReason::FactorMissing { person: claim.person, next };
            return self.end(now, &looking, Outcome::Denied(reason));
        }
        self.state = State::Looking(looking);
        self.show(Screen::NextFactor(next))
    }

    /// Another face than the owner's, or no living one, was shown with a credential.
    pub(super) fn mistrust(&mut self, person: PersonId, outcome: Outcome) {
        match outcome {
            Outcome::Denied(DenyReason::ClaimNotConfirmed { .. } | DenyReason::PresentationAttack) => {
                self.mistrusted.add(person);
            }
            Outcome::Granted { .. } | Outcome::LetIn { .. } | Outcome::Denied(_) => {}
        }
    }

    /// A reader begins or goes on. Its whole flow has one bound, however many steps it takes.
    pub(super) fn reader_at(&mut self, now: Monotonic, step: ReaderScreen) -> Vec<Command> {
        if !self.faults.is_empty() || self.door.fire() {
            return Vec::new();
        }
        if self.reader.is_none() {
            let until = now.plus(self.policy.claim.reader_patience);
            self.reader = Some(until);
            let rule = self.policy.claim;
            if let Some(claim) = &mut self.claim {
                let longest = claim.since.plus(rule.patience + rule.reader_patience);
                claim.until = claim.until.max(until.min(longest));
            }
        }
        self.show(Screen::Reader(step))
    }

    /// A reader that said nothing more in its time is not waited for.
    pub(super) fn reader_is_over(&mut self, now: Monotonic) -> Vec<Command> {
        if self.reader.take().is_none() {
            return Vec::new();
        }
        let patient_until = now.plus(self.policy.patience);
        if let State::Looking(looking) = &mut self.state {
            looking.anew(patient_until);
        }
        self.show(Screen::Idle)
    }

    /// A code or card that was refused ends the visit, and whatever was proven in it before.
    pub(super) fn reader_refused(&mut self, now: Monotonic, reason: DenyReason) -> Vec<Command> {
        if !self.faults.is_empty() || self.door.fire() {
            return Vec::new();
        }
        self.credential_denied(now, reason)
    }

    /// The person does not go on. Where a reader had begun or something was proven, that is an attempt, and on record.
    pub(super) fn cancelled(&mut self, now: Monotonic) -> Vec<Command> {
        if self.reader.is_none() && self.claim.is_none() {
            return Vec::new();
        }
        self.reader_refused(now, DenyReason::Abandoned)
    }

    /// While a reader works a face is only followed.
    pub(super) fn seen(&mut self, now: Monotonic, track: TrackId) {
        match &mut self.state {
            State::Looking(looking) if looking.track == track => looking.last_seen = now,
            State::Settled(settled) => *settled = settled.seen(now, track),
            State::Waiting | State::Looking(_) | State::Committing(..) => {}
        }
    }

    pub(super) fn claim_is_over(&self, now: Monotonic) -> bool {
        self.claim.is_some_and(|claim| now > claim.until)
    }

    /// The claim is used up, whatever came of it.
    pub(super) fn forget_claim(&mut self) -> Vec<Command> {
        self.claim.take().map(|_| Command::Expect(None)).into_iter().collect()
    }
}

impl Presented {
    /// The same person's credentials prove together what each proves; what adds nothing gains no time. Another person's
    /// begin anew.
    fn after(self, before: Option<Self>) -> Self {
        let Some(before) = before.filter(|before| before.person == self.person) else { return self };
        let factors = before.factors.with(self.factors);
        let adds = factors != before.factors || factors == self.factors;
        let until = if adds { before.until.max(self.until) } else { before.until };
        let face_required = before.face_required || self.face_required;
        Self { factors, face_required, until, since: before.since, ..self }
    }
}
