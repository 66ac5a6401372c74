//! The rule of the door. This is the file that an auditor reads.
//!
//! An attempt is a handful of good frames of one track. [`fuse`] reduces them to the weakest statement that all of them
//! support; [`decide`] turns that into an outcome, stating the good case and refusing everything else, NaN included.
//! What was so proven, and what a card or code proved, must be all that some rule of the facility asks for:
//! [`decide_factors`].

use std::time::Duration;

use crate::{
    Admission, Assurance, Candidate, Claimed, Comparison, CredentialKind, CredentialRefusal, DoorId, Factor,
    FactorRule, FactorSet, Fault, FeeClassId, Mode, PersonId, Policy, QualityIssue, Refusal, RegistryAge,
    Roster, Score, StaffId, Standing, Threshold, TrackId, VisitId, Wall, Way,
};

/// How a visit ended. The set is closed: every visit ends in exactly one of these, and each is recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// Matched, living, clearly ahead, entitled.
    Granted {
        /// Who.
        person: PersonId,
    },
    /// Let in by a member of the staff, who answers for it.
    LetIn {
        /// Who let them in.
        staff: StaffId,
    },
    /// Everything else.
    Denied(DenyReason),
}

/// Why nobody was let in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DenyReason {
    /// Nobody in the gallery reached the threshold.
    NoMatch,
    /// Two persons are too alike at this score, or the frames named different ones.
    Ambiguous,
    /// Matched an enrolment that was revoked.
    Revoked {
        /// Whose it was.
        person: PersonId,
    },
    /// Not a living face, as far as the PAD score tells.
    PresentationAttack,
    /// Matched, but at this gallery size no measurement supports a face alone.
    SecondFactorRequired,
    /// No usable frame in the time given (a failure to acquire).
    LowQuality(QualityIssue),
    /// Left, or another face took the place, before anything was decided.
    Abandoned,
    /// A part failed during the visit.
    Interrupted(Fault),
    /// Matched and living, but the head was not turned as asked.
    NotTurned,
    /// A claim was presented and another face was shown: a card that was lent, for instance.
    ClaimNotConfirmed {
        /// Whose credential it is.
        claimed: PersonId,
    },
    /// A credential that belongs to nobody here.
    UnknownCredential(CredentialKind),
    /// A credential that was refused before it said whose it is.
    CredentialRefused {
        /// What it was.
        kind: CredentialKind,
        /// Why.
        refusal: CredentialRefusal,
    },
    /// All that was presented is this person's, and no rule that counts now is content with it.
    FactorMissing {
        /// Who.
        person: PersonId,
        /// What would lead on, any of these; none if nothing would.
        next: FactorSet,
    },
    /// Recognised, but not let in today.
    NotAdmitted {
        /// Who.
        person: PersonId,
        /// Why.
        refusal: Refusal,
    },
}

/// What all frames of an attempt support together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fused {
    /// Mean bona fide score; NaN if any frame's is.
    pub pad: f32,
    /// The person that every frame put first, with the least of the scores.
    pub candidate: Option<Candidate>,
    /// The least lead of the first over the second person.
    pub lead: f32,
    /// The strictest threshold among the frames.
    pub threshold: Threshold,
    /// Frames put different people first, each reaching its threshold.
    pub contradictory: bool,
    /// References compared in each search.
    pub references: u32,
    /// How many frames.
    pub frames: u8,
    /// The least score of the 1:1 comparison, if every frame was compared with the same person's references.
    pub claimed: Option<Claimed>,
}

/// Reduces the frames of one attempt to what they all support. `None` without frames.
#[must_use]
pub fn fuse(frames: &[Comparison]) -> Option<Fused> {
    let (first, rest) = frames.split_first()?;
    let count = u8::try_from(frames.len()).unwrap_or(u8::MAX);
    let mut fused = Fused {
        pad: frames.iter().map(|frame| frame.pad).sum::<f32>() / f32::from(count),
        candidate: first.found.best,
        lead: lead(first),
        threshold: first.threshold,
        contradictory: false,
        references: first.references,
        frames: count,
        claimed: first.claimed,
    };
    for frame in rest {
        fused.threshold = fused.threshold.stricter(frame.threshold);
        fused.lead = least(fused.lead, lead(frame));
        fused.references = fused.references.max(frame.references);
        fused.claimed = weaker_claim(fused.claimed, frame.claimed);
        fused.candidate = match (fused.candidate, frame.found.best) {
            (Some(a), Some(b)) if a.person == b.person && a.standing == b.standing => {
                Some(Candidate { score: Score(least(a.score.0, b.score.0)), ..a })
            }
            _ => None,
        };
    }
    let least_best =
        |frame: &Comparison| frame.found.best.is_some_and(|best| best.score >= fused.threshold.score());
    fused.contradictory = fused.candidate.is_none() && frames.iter().all(least_best);
    Some(fused)
}

/// What two frames support of a claim: the same person, the lower score, the stricter threshold; else nothing.
fn weaker_claim(one: Option<Claimed>, other: Option<Claimed>) -> Option<Claimed> {
    let (one, other) = (one?, other?);
    let same = one.person == other.person && one.standing == other.standing;
    let score = one.score.zip(other.score).map(|(a, b)| Score(least(a.0, b.0)));
    same.then(|| Claimed { score, threshold: one.threshold.stricter(other.threshold), ..one })
}

/// The smaller; NaN absorbs, so that what is not a number stays refused.
fn least(a: f32, b: f32) -> f32 {
    if a.is_nan() || a < b { a } else { b }
}

/// How far the first person is ahead of the second; without a second, as far as can be.
fn lead(frame: &Comparison) -> f32 {
    match (frame.found.best, frame.found.runner_up) {
        (Some(best), Some(second)) => best.score.0 - second.score.0,
        (_, None) => f32::INFINITY,
        (None, Some(_)) => f32::NAN,
    }
}

/// The rule: living, at or above the threshold, clearly ahead, and an active enrolment. Nothing else is a grant.
#[must_use]
pub fn decide(policy: &Policy, fused: &Fused) -> Outcome {
    let living = fused.pad >= policy.pad_floor;
    let clear = fused.lead >= policy.margin;
    let matched = |candidate: &Candidate| candidate.score >= fused.threshold.score();
    match (fused.candidate.filter(matched), fused.threshold) {
        (Some(Candidate { person, standing: Standing::Active, .. }), Threshold::Alone(_))
            if living && clear =>
        {
            Outcome::Granted { person }
        }
        _ if !living => Outcome::Denied(DenyReason::PresentationAttack),
        (Some(_), Threshold::BeyondMeasurement { .. }) => Outcome::Denied(DenyReason::SecondFactorRequired),
        (Some(Candidate { person, standing: Standing::Revoked, .. }), _) if clear => {
            Outcome::Denied(DenyReason::Revoked { person })
        }
        (Some(_), _) => Outcome::Denied(DenyReason::Ambiguous),
        (None, _) if fused.contradictory => Outcome::Denied(DenyReason::Ambiguous),
        (None, _) => Outcome::Denied(DenyReason::NoMatch),
    }
}

/// The rule for somebody who presented a card or code of `person`: living, that very person's face, an active enrolment.
/// Whom the face resembles otherwise does not matter: somebody else's card opens for nobody.
#[must_use]
pub fn decide_claim(policy: &Policy, fused: &Fused, person: PersonId) -> Outcome {
    let living = fused.pad >= policy.pad_floor;
    let claimed = fused.claimed.filter(|claimed| claimed.person == person);
    let confirmed = claimed.is_some_and(|it| it.score.is_some_and(|score| score >= it.threshold.score()));
    match claimed {
        Some(Claimed { standing: Standing::Active, threshold: Threshold::Alone(_), .. })
            if living && confirmed =>
        {
            Outcome::Granted { person }
        }
        _ if !living => Outcome::Denied(DenyReason::PresentationAttack),
        Some(Claimed { standing: Standing::Revoked, .. }) if confirmed => {
            Outcome::Denied(DenyReason::Revoked { person })
        }
        Some(
            Claimed { score: None, .. } | Claimed { threshold: Threshold::BeyondMeasurement { .. }, .. },
        ) => Outcome::Denied(DenyReason::SecondFactorRequired),
        Some(_) | None => Outcome::Denied(DenyReason::ClaimNotConfirmed { claimed: person }),
    }
}

/// What was proven of one person in one visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proven {
    /// Of whom.
    pub person: PersonId,
    /// What.
    pub factors: FactorSet,
    /// The face is needed whatever the rules say: a credential demands it, or another face was shown with it before.
    pub face_required: bool,
}

/// The rule about factors: everything that one rule asks which surely counts now was proven of this one person. A rule
/// without a credential is for visits without one, so that what is weaker than a credential does not stand in for it. A
/// credential that opens without a face does so for an active enrolment only; of faces the gallery says that.
#[must_use]
pub fn decide_factors(policy: &Policy, roster: &Roster, wall: Option<Wall>, proven: &Proven) -> Outcome {
    let Proven { person, factors, face_required } = *proven;
    let face = factors.contains(Factor::Face);
    let by_credential = !factors.credentials().is_empty();
    let opens = |rule: &FactorRule| {
        !rule.needs.is_empty()
            && factors.contains_all(rule.needs)
            && rule.needs.credentials().is_empty() != by_credential
            && (face || !face_required)
    };
    let revoked = roster.get(person).is_some_and(|it| it.standing == Standing::Revoked);
    match counting(policy, roster, wall, Some(person)).any(opens) {
        true if revoked && !face => Outcome::Denied(DenyReason::Revoked { person }),
        true => Outcome::Granted { person },
        false => {
            let next = other_ways(policy, roster, wall, Some(person), factors);
            Outcome::Denied(DenyReason::FactorMissing { person, next })
        }
    }
}

/// The rules that surely count now, for this person or, of somebody who is not known, for anybody.
fn counting<'a>(
    policy: &'a Policy,
    roster: &Roster,
    wall: Option<Wall>,
    person: Option<PersonId>,
) -> impl Iterator<Item = &'a FactorRule> {
    let assurance = person.map(|it| roster.get(it).map_or(Assurance::SelfDeclared, |it| it.assurance));
    let rules = policy.factors.any_of.iter().filter(move |rule| rule.counts(policy, wall));
    rules.filter(move |rule| assurance.is_none_or(|assurance| assurance >= rule.assurance))
}

/// What leads on in a visit with a credential: of each rule that counts, and to which the credential says something, what is
/// missing, first the credentials, the face last. Empty if no such rule can be met.
#[must_use]
pub fn next_factors(policy: &Policy, roster: &Roster, wall: Option<Wall>, proven: &Proven) -> FactorSet {
    let face = FactorSet::of(&[Factor::Face]);
    let shown = proven.factors.credentials();
    let needs = counting(policy, roster, wall, Some(proven.person)).map(|rule| rule.needs);
    let theirs = needs.filter(|needs| begun_by(*needs, shown));
    let next = theirs.fold(FactorSet::NONE, |all, needs| {
        let needs = if proven.face_required { needs.with(face) } else { needs };
        all.with(step(needs, proven.factors))
    });
    // Where the face is needed in any case, nothing that is asked beside it gets anybody further.
    if proven.face_required && next.contains(Factor::Face) { face } else { next }
}

/// Whether a credential says something to a rule. A card that was shown is on the way to its PIN.
fn begun_by(needs: FactorSet, shown: FactorSet) -> bool {
    let pin = needs.contains(Factor::CardPin) && shown.contains(Factor::CardShown);
    pin || needs.credentials().without(shown) != needs.credentials()
}

/// What leads on after a refusal, for somebody who is known or not: another credential, or for a person whose credential
/// is not enough the face.
#[must_use]
pub fn other_ways(
    policy: &Policy,
    roster: &Roster,
    wall: Option<Wall>,
    person: Option<PersonId>,
    presented: FactorSet,
) -> FactorSet {
    let rules = counting(policy, roster, wall, person);
    rules.fold(FactorSet::NONE, |all, rule| all.with(step(rule.needs, presented)))
}

/// The next step towards all that is needed.
fn step(needs: FactorSet, proven: FactorSet) -> FactorSet {
    let missing = needs.without(proven);
    let credentials = missing.credentials();
    if credentials.is_empty() { missing } else { credentials }
}

/// A visit's end, ready to be recorded. Only [`crate::Session`] makes one, so a grant always has a visit behind it.
#[derive(Debug, PartialEq)]
#[must_use]
pub struct Decision {
    pub(crate) visit: VisitId,
    pub(crate) track: Option<TrackId>,
    pub(crate) mode: Mode,
    pub(crate) outcome: Outcome,
    pub(crate) fused: Option<Fused>,
    pub(crate) door: Option<DoorId>,
    pub(crate) grant_life: Duration,
    pub(crate) lasted: Duration,
    pub(crate) way: Way,
    pub(crate) factors: FactorSet,
    pub(crate) admission: Option<Admission>,
    pub(crate) entered_by_hand: Vec<FeeClassId>,
    pub(crate) registry_age: Option<RegistryAge>,
}

impl Decision {
    /// How old what was known of the registry may have been; none where none was joined.
    #[must_use]
    pub fn registry_age(&self) -> Option<RegistryAge> {
        self.registry_age
    }

    /// The visit that it ends.
    #[must_use]
    pub fn visit(&self) -> VisitId {
        self.visit
    }

    /// The track that all its evidence came from; none where no face belonged to it.
    #[must_use]
    pub fn track(&self) -> Option<TrackId> {
        self.track
    }

    /// The policy's mode.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// How the visit ended.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// By which way the visitor came.
    #[must_use]
    pub fn way(&self) -> Way {
        self.way
    }

    /// What was presented in the visit; of a grant, what it rests on. A face counts once an attempt was completed.
    #[must_use]
    pub fn factors(&self) -> FactorSet {
        self.factors
    }

    /// Who comes in with it; none unless it was granted to somebody who was recognised.
    #[must_use]
    pub fn admission(&self) -> Option<&Admission> {
        self.admission.as_ref()
    }

    /// The fee classes of visitors whom staff entered by hand, one for each.
    #[must_use]
    pub fn entered_by_hand(&self) -> &[FeeClassId] {
        &self.entered_by_hand
    }

    /// What it rests on; none if no attempt was completed.
    #[must_use]
    pub fn fused(&self) -> Option<&Fused> {
        self.fused.as_ref()
    }

    /// The best candidate's score, if every frame named the same person.
    #[must_use]
    pub fn score(&self) -> Option<Score> {
        self.fused.as_ref()?.candidate.map(|candidate| candidate.score)
    }

    /// The door that a grant of it would release.
    #[must_use]
    pub fn door(&self) -> Option<DoorId> {
        self.door
    }

    /// From the first face to the decision.
    #[must_use]
    pub fn lasted(&self) -> Duration {
        self.lasted
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Candidates;

    const ALICE: PersonId = PersonId([1; 16]);
    const BOB: PersonId = PersonId([2; 16]);
    const ALONE: Threshold = Threshold::Alone(Score(0.4));
    const BEYOND: Threshold = Threshold::BeyondMeasurement { strongest: Score(0.4) };

    fn person(person: PersonId, score: f32) -> Candidate {
        Candidate { person, standing: Standing::Active, score: Score(score) }
    }

    fn frame(pad: f32, best: Candidate, runner_up: Option<Candidate>, threshold: Threshold) -> Comparison {
        Comparison {
            pad,
            found: Candidates { best: Some(best), runner_up },
            threshold,
            references: 10,
            claimed: None,
        }
    }

    fn check(frames: &[Comparison], expected: Outcome) {
        assert_eq!(decide(&Policy::default(), &fuse(frames).unwrap()), expected);
    }

    #[test]
    fn an_enrolled_living_face_is_granted() {
        check(&[frame(0.9, person(ALICE, 0.4), None, ALONE); 3], Outcome::Granted { person: ALICE });
    }

    #[test]
    fn a_photograph_stays_outside_however_well_it_matches() {
        check(
            &[frame(0.2, person(ALICE, 0.99), None, ALONE); 3],
            Outcome::Denied(DenyReason::PresentationAttack),
        );
    }

    #[test]
    fn one_weak_frame_is_enough_to_refuse() {
        let strong = frame(0.9, person(ALICE, 0.9), None, ALONE);
        let weak = frame(0.9, person(ALICE, 0.39), None, ALONE);
        for frames in [[weak, strong, strong], [strong, weak, strong], [strong, strong, weak]] {
            check(&frames, Outcome::Denied(DenyReason::NoMatch));
        }
    }

    #[test]
    fn nan_is_refused_wherever_it_stands() {
        let good = frame(0.9, person(ALICE, 0.9), None, ALONE);
        let pad = Comparison { pad: f32::NAN, ..good };
        let score = frame(0.9, person(ALICE, f32::NAN), None, ALONE);
        let second = frame(0.9, person(ALICE, 0.9), Some(person(BOB, f32::NAN)), ALONE);
        let threshold = frame(0.9, person(ALICE, 0.9), None, Threshold::Alone(Score(f32::NAN)));
        for bad in [pad, score, second, threshold] {
            for frames in [[bad, good, good], [good, bad, good], [good, good, bad], [bad, bad, bad]] {
                let outcome = decide(&Policy::default(), &fuse(&frames).unwrap());
                assert!(matches!(outcome, Outcome::Denied(_)), "{frames:?} gave {outcome:?}");
            }
        }
    }

    #[test]
    fn two_people_too_alike_need_another_factor() {
        check(
            &[frame(0.9, person(ALICE, 0.9), Some(person(BOB, 0.85)), ALONE); 3],
            Outcome::Denied(DenyReason::Ambiguous),
        );
    }

    #[test]
    fn frames_that_name_different_people_grant_nobody() {
        let (a, b) = (frame(0.9, person(ALICE, 0.9), None, ALONE), frame(0.9, person(BOB, 0.9), None, ALONE));
        check(&[a, a, b], Outcome::Denied(DenyReason::Ambiguous));
    }

    #[test]
    fn a_revoked_enrolment_is_told_apart_from_a_stranger() {
        let revoked = Candidate { standing: Standing::Revoked, ..person(ALICE, 0.9) };
        check(&[frame(0.9, revoked, None, ALONE); 3], Outcome::Denied(DenyReason::Revoked { person: ALICE }));
        let far = Candidate { standing: Standing::Revoked, ..person(ALICE, 0.3) };
        check(&[frame(0.9, far, None, ALONE); 3], Outcome::Denied(DenyReason::NoMatch));
    }

    #[test]
    fn a_gallery_beyond_the_measured_range_never_grants_by_face_alone() {
        check(
            &[frame(0.9, person(ALICE, 1.0), None, BEYOND); 3],
            Outcome::Denied(DenyReason::SecondFactorRequired),
        );
        check(&[frame(0.9, person(ALICE, 0.39), None, BEYOND); 3], Outcome::Denied(DenyReason::NoMatch));
    }

    #[test]
    fn the_strictest_threshold_of_the_frames_counts() {
        let old = frame(0.9, person(ALICE, 0.45), None, ALONE);
        let new = frame(0.9, person(ALICE, 0.45), None, Threshold::Alone(Score(0.5)));
        check(&[old, old, new], Outcome::Denied(DenyReason::NoMatch));
        check(
            &[old, frame(0.9, person(ALICE, 0.45), None, BEYOND), old],
            Outcome::Denied(DenyReason::SecondFactorRequired),
        );
    }
}
