//! A search for any grant that no rule allows: rules that nobody would write, and visits that nobody would make, each judged
//! by a witness that remembers by itself what was shown.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use super::tests::{ALICE, BOB, Kiosk, REVOKED, policy, seen};
use super::*;
use crate::{
    Assurance, Claimed, Comparison, Factor, FactorRule, FactorRules, FactorSet, Mode, Place, Proof, Reading,
    Registered, Schedule, Score, Standing, Threshold, Wall, seeded::Seeded,
};

const FACE: Factor = Factor::Face;

/// What the search remembers by itself of a visit, to judge each grant without the session's help.
#[derive(Debug, Default)]
struct Witness {
    /// Presented for this person since anybody's else, or since a visit ended.
    claimed: Option<(PersonId, FactorSet, bool, Monotonic)>,
    /// Frames since the last thing that makes them count anew.
    frames: Vec<(u64, Comparison)>,
}

impl Witness {
    fn presented(&mut self, now: Monotonic, claim: Claim) {
        self.frames.clear();
        let Claim::Of { person, kind, proof, face_required } = claim else {
            self.claimed = None;
            return;
        };
        let proven = FactorSet::proven_by(kind, proof);
        self.claimed = Some(match self.claimed.filter(|it| it.0 == person) {
            Some((_, before, required, _)) => (person, before.with(proven), required || face_required, now),
            None => (person, proven, face_required, now),
        });
    }

    /// Whether the last frames, all of one track, are this person's: 1:1 after a credential, else among all.
    fn face_of(&self, policy: &Policy, person: PersonId) -> bool {
        let Some(first) = self.frames.len().checked_sub(usize::from(policy.frames)) else { return false };
        let last = &self.frames[first..];
        let pad: f32 = last.iter().map(|(_, it)| it.pad).sum();
        let theirs = |it: &Comparison| match self.claimed {
            Some(_) => it.claimed.is_some_and(|it| {
                it.person == person
                    && it.standing == Standing::Active
                    && it.score.is_some_and(|score| score.0 >= 0.4)
            }),
            None => it.found.best.is_some_and(|best| best.person == person && best.score.0 >= 0.4),
        };
        let living = pad / f32::from(policy.frames) >= policy.pad_floor;
        living && last.iter().all(|(track, it)| *track == last[0].0 && theirs(it))
    }

    /// Whether some rule that counts allows a grant.
    fn allows(&self, policy: &Policy, roster: &Roster, now: Now, person: PersonId) -> bool {
        let registered = roster.get(person);
        let face = self.face_of(policy, person);
        let (credentials, required) = match self.claimed {
            Some((owner, proven, required, _)) if owner == person => (proven, required),
            Some(_) => return false,
            None => (FactorSet::NONE, false),
        };
        let proven = if face { credentials.with(FactorSet::of(&[FACE])) } else { credentials };
        let active = registered.is_some_and(|it| it.standing == Standing::Active);
        let assurance = registered.map(|it| it.assurance);
        let minute = now.wall.map(|wall| wall.unix_ms / 60_000 % 1_440);
        active
            && (face || !required)
            && policy.factors.any_of.iter().any(|rule| {
                let place = match rule.place {
                    Place::Anywhere => true,
                    Place::Door => policy.door.is_some(),
                    Place::Counter => policy.door.is_none(),
                };
                let hours = rule.hours == Schedule::ALWAYS
                    || rule.hours.week[0].zip(minute).is_some_and(|((from, until), minute)| {
                        (i64::from(from)..i64::from(until)).contains(&minute)
                    });
                let mode = rule.mode.is_none_or(|it| it == policy.mode);
                let needs: Vec<_> = rule.needs.iter().collect();
                let kind = needs.iter().any(|it| *it != FACE) == self.claimed.is_some();
                place
                    && hours
                    && mode
                    && kind
                    && assurance >= Some(rule.assurance)
                    && !needs.is_empty()
                    && needs.iter().all(|it| proven.contains(*it))
            })
    }
}

fn any_rules(dice: &mut Seeded) -> FactorRules {
    let any_rule = |dice: &mut Seeded| {
        let needs = Factor::ALL.into_iter().filter(|_| dice.below(3) == 0).collect();
        let hours = match dice.below(3) {
            0 => Schedule {
                week: [Some((9, 9 + u16::try_from(dice.below(4)).unwrap())); 7],
                closed: Vec::new(),
            },
            _ => Schedule::ALWAYS,
        };
        FactorRule {
            needs,
            hours,
            mode: dice.one_of(&[None, None, Some(Mode::Normal), Some(Mode::Shelter)]),
            place: dice.one_of(&[Place::Anywhere, Place::Anywhere, Place::Door, Place::Counter]),
            assurance: dice.one_of(&[
                Assurance::SelfDeclared,
                Assurance::SelfDeclared,
                Assurance::PhotoMatched,
                Assurance::JpkiVerified,
            ]),
        }
    };
    FactorRules { any_of: (0..dice.below(4)).map(|_| any_rule(dice)).collect() }
}

fn any_frame(dice: &mut Seeded, expected: Option<PersonId>) -> Comparison {
    let scores = [0.8, 0.8, 0.8, 0.1, f32::NAN];
    let person = dice.one_of(&[ALICE, BOB]);
    let Reading::Compared(comparison) = seen(person, dice.one_of(&scores)) else { unreachable!() };
    let pad = dice.one_of(&[0.9, 0.9, 0.9, 0.9, 0.1, f32::NAN]);
    let owner = if dice.below(8) == 0 { Some(BOB) } else { expected };
    let claimed = owner.map(|person| Claimed {
        person,
        standing: dice.one_of(&[Standing::Active, Standing::Active, Standing::Revoked]),
        score: dice.one_of(&[
            Some(Score(0.8)),
            Some(Score(0.8)),
            Some(Score(0.1)),
            Some(Score(f32::NAN)),
            None,
        ]),
        threshold: Threshold::Alone(Score(0.4)),
    });
    Comparison { pad, claimed, ..comparison }
}

fn any_claim(dice: &mut Seeded) -> Claim {
    if dice.below(12) == 0 {
        return Claim::Unknown(CredentialKind::Qr);
    }
    Claim::Of {
        person: dice.one_of(&[ALICE, BOB, REVOKED]),
        kind: dice.one_of(&[CredentialKind::Qr, CredentialKind::FacilityCard, CredentialKind::MyNumberCard]),
        proof: dice.one_of(&[Proof::Shown, Proof::Fresh, Proof::Pin]),
        face_required: dice.below(6) == 0,
    }
}

/// One visit after the other under rules that nobody would write; returns how many grants there were.
fn search(seed: u64) -> usize {
    let mut dice = Seeded(seed);
    let policy = Policy {
        factors: any_rules(&mut dice),
        mode: dice.one_of(&[Mode::Normal, Mode::Shelter]),
        door: dice.one_of(&[None, Some(crate::DoorId(0))]),
        frames: 2,
        attempts: 2,
        refusals_before_pause: 100,
        facility: crate::Facility { offset_minutes: 0, ..crate::Facility::default() },
        ..policy()
    };
    let mut kiosk = Kiosk::new(policy.clone());
    kiosk.wall = Some(Wall { unix_ms: 8 * 60_000, uncertainty_s: 0 });
    let known = |assurance, standing| Registered { assurance, standing, ..Registered::default() };
    let roster = Roster::new([
        (ALICE, known(Assurance::JpkiVerified, Standing::Active)),
        (BOB, known(Assurance::SelfDeclared, Standing::Active)),
        (REVOKED, known(Assurance::JpkiVerified, Standing::Revoked)),
    ]);
    kiosk.event(Event::Roster(roster.clone()));
    let mut witness = Witness::default();
    let mut track = 1;
    for _ in 0..120 {
        let before = kiosk.log.outcomes.len();
        match dice.below(12) {
            0..6 => {
                let frame = any_frame(&mut dice, kiosk.expected);
                witness.frames.push((track, frame));
                kiosk.face(track, Reading::Compared(frame));
            }
            6..9 => {
                let claim = any_claim(&mut dice);
                kiosk.wait(50);
                witness.presented(kiosk.now, claim);
                kiosk.event(Event::Presented(claim));
            }
            9 => {
                track += dice.below(2);
                kiosk.wait(dice.one_of(&[50, 500, 2_000, 25_000])).event(Event::Tick);
            }
            10 => _ = kiosk.wait(50).event(Event::Reader(ReaderScreen::Pin)),
            _ => {
                kiosk.wait(50);
                kiosk.event(Event::CredentialRefused(CredentialKind::Qr, CredentialRefusal::Expired));
            }
        }
        for outcome in &kiosk.log.outcomes[before..] {
            if let Outcome::Granted { person } = outcome {
                let now = kiosk.moment();
                assert!(
                    witness.allows(&policy, &roster, now, *person),
                    "seed {seed}: {person:?} by {:?}\n{policy:#?}\n{witness:#?}",
                    kiosk.log.factors.last()
                );
                let stale = witness.claimed.is_some_and(|it| now.mono.since(it.3) > Duration::from_secs(90));
                assert!(!stale, "seed {seed}: a claim that should have been forgotten");
            }
            witness.claimed = None;
            witness.frames.clear();
        }
        if kiosk.expected.is_none() && kiosk.session.claim.is_none() {
            witness.claimed = None;
        }
    }
    let grants = kiosk.log.outcomes.iter().filter(|it| matches!(it, Outcome::Granted { .. }));
    grants.count()
}

#[test]
fn under_any_rules_nobody_is_granted_without_all_the_factors_of_one_of_them() {
    let grants: usize = (0..20_000).map(search).sum();
    assert!(grants > 10_000, "the search reaches grants: {grants}");
}
