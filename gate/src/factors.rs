//! Factors: what may be proven of a person in one visit, and which of them together open. The rules are data, from the
//! facility's file; [`crate::decide_factors`] applies them.
//!
//! A rule asks for all of its factors; any one rule is enough. A rule counts at its times, in its mode, at its place and for
//! people who are known surely enough. Where the clock does not tell whether a rule counts, it does not.

use std::fmt;

use crate::{Assurance, CredentialKind, Local, Mode, Policy, Proof, Schedule, Wall};

/// A clock less sure than this tells no time of day. Bounds the work of [`FactorRule::counts`], which asks for every minute
/// that the clock allows.
const LEAST_SURE_MINUTES: i64 = 24 * 60;

/// One thing that may be proven of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Factor {
    /// The face: by itself found among all, as [`crate::FaceRules`] asks; after a credential compared 1:1 with its owner.
    Face,
    /// Any credential of the person, copyable or not: it only says who somebody claims to be.
    Claim,
    /// A card was shown: a number that whoever saw it can copy.
    CardShown,
    /// A code that was signed for these minutes and was not seen here before. A telephone may have been lent.
    FreshCode,
    /// A MyNumber card that was told its PIN signed our own challenge.
    CardPin,
}

impl Factor {
    /// Every factor, in the order in which records and screens name them.
    pub const ALL: [Self; 5] = [Self::Face, Self::Claim, Self::CardShown, Self::FreshCode, Self::CardPin];

    const fn bit(self) -> u8 {
        match self {
            Self::Face => 1,
            Self::Claim => 2,
            Self::CardShown => 4,
            Self::FreshCode => 8,
            Self::CardPin => 16,
        }
    }
}

/// Some of the factors.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FactorSet(u8);

impl FactorSet {
    /// None.
    pub const NONE: Self = Self(0);

    /// These.
    #[must_use]
    pub const fn of(factors: &[Factor]) -> Self {
        let (mut bits, mut place) = (0, 0);
        while place < factors.len() {
            bits |= factors[place].bit();
            place += 1;
        }
        Self(bits)
    }

    /// What a credential proves by itself. A PIN counts for the one kind of card that is told one, freshness for codes.
    #[must_use]
    pub const fn proven_by(kind: CredentialKind, proof: Proof) -> Self {
        match (kind, proof) {
            (CredentialKind::FacilityCard, Proof::Shown | Proof::Fresh | Proof::Pin)
            | (CredentialKind::MyNumberCard, Proof::Shown | Proof::Fresh) => {
                Self::of(&[Factor::Claim, Factor::CardShown])
            }
            (CredentialKind::MyNumberCard, Proof::Pin) => {
                Self::of(&[Factor::Claim, Factor::CardShown, Factor::CardPin])
            }
            (CredentialKind::Qr, Proof::Shown) => Self::of(&[Factor::Claim]),
            (CredentialKind::Qr, Proof::Fresh | Proof::Pin) => Self::of(&[Factor::Claim, Factor::FreshCode]),
        }
    }

    /// Both.
    #[must_use]
    pub const fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// These but for the others.
    #[must_use]
    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Whether it is among them.
    #[must_use]
    pub const fn contains(self, factor: Factor) -> bool {
        self.0 & factor.bit() != 0
    }

    /// Whether all of the others are among them.
    #[must_use]
    pub const fn contains_all(self, others: Self) -> bool {
        others.without(self).is_empty()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those that a card or code proves.
    #[must_use]
    pub const fn credentials(self) -> Self {
        self.without(Self::of(&[Factor::Face]))
    }

    /// Whether somebody who saw it can show all of it: a number, a text, and no face.
    #[must_use]
    pub const fn is_copyable(self) -> bool {
        self.without(Self::of(&[Factor::Claim, Factor::CardShown])).is_empty()
    }

    /// Each of them, in the order of [`Factor::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Factor> {
        Factor::ALL.into_iter().filter(move |factor| self.contains(*factor))
    }
}

impl fmt::Debug for FactorSet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.iter()).finish()
    }
}

impl FromIterator<Factor> for FactorSet {
    fn from_iter<T: IntoIterator<Item = Factor>>(factors: T) -> Self {
        factors.into_iter().fold(Self::NONE, |all, factor| all.with(Self::of(&[factor])))
    }
}

/// Where a rule counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Place {
    /// At doors and counters.
    #[default]
    Anywhere,
    /// Where a grant releases a door.
    Door,
    /// Where it releases none.
    Counter,
}

/// Factors that together open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactorRule {
    /// All of these. Without a credential among them the rule is for visits without one.
    pub needs: FactorSet,
    /// When it counts, by the facility's clock, beside the facility's own hours.
    pub hours: Schedule,
    /// In which mode it counts; none: in each.
    pub mode: Option<Mode>,
    /// Where it counts.
    pub place: Place,
    /// How surely the person must be known at least.
    pub assurance: Assurance,
}

impl FactorRule {
    /// A rule that counts always, everywhere and for everybody who is registered.
    #[must_use]
    pub const fn always(needs: FactorSet) -> Self {
        Self {
            needs,
            hours: Schedule::ALWAYS,
            mode: None,
            place: Place::Anywhere,
            assurance: Assurance::SelfDeclared,
        }
    }

    /// Whether it counts in this mode and at this place.
    #[must_use]
    pub fn is_for(&self, policy: &Policy) -> bool {
        let here = match self.place {
            Place::Anywhere => true,
            Place::Door => policy.door.is_some(),
            Place::Counter => policy.door.is_none(),
        };
        here && self.mode.is_none_or(|mode| mode == policy.mode)
    }

    /// Whether it surely counts: at every moment that the clock allows.
    #[must_use]
    pub fn counts(&self, policy: &Policy, wall: Option<Wall>) -> bool {
        self.is_for(policy) && surely_in(&self.hours, wall, policy.facility.offset_minutes)
    }
}

fn surely_in(hours: &Schedule, wall: Option<Wall>, offset_minutes: i32) -> bool {
    if *hours == Schedule::ALWAYS {
        return true;
    }
    let span = Local::span(wall, offset_minutes);
    let sure = span.filter(|(first, last)| last.minutes_since(*first) < LEAST_SURE_MINUTES);
    sure.is_some_and(|(first, last)| {
        let mut moments = std::iter::successors(Some(first), |at| at.next()).take_while(|at| *at <= last);
        moments.all(|at| hours.holds(at))
    })
}

/// The rules of a facility; any one of them opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactorRules {
    /// In the order in which they are written.
    pub any_of: Vec<FactorRule>,
}

impl Default for FactorRules {
    /// A face by itself, or any card or code and then its owner's face.
    fn default() -> Self {
        let face = FactorSet::of(&[Factor::Face]);
        let claim = FactorSet::of(&[Factor::Claim, Factor::Face]);
        Self { any_of: vec![FactorRule::always(face), FactorRule::always(claim)] }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{Date, Outcome, PersonId, Proven, Registered, Roster, decide_factors};

    #[test]
    fn a_copyable_thing_proves_neither_a_pin_nor_freshness_whatever_it_says() {
        use {CredentialKind as Kind, Factor as F};
        for (kind, proof, proven) in [
            (Kind::FacilityCard, Proof::Pin, &[F::Claim, F::CardShown][..]),
            (Kind::MyNumberCard, Proof::Shown, &[F::Claim, F::CardShown]),
            (Kind::MyNumberCard, Proof::Pin, &[F::Claim, F::CardShown, F::CardPin]),
            (Kind::Qr, Proof::Shown, &[F::Claim]),
            (Kind::Qr, Proof::Fresh, &[F::Claim, F::FreshCode]),
            (Kind::Qr, Proof::Pin, &[F::Claim, F::FreshCode]),
        ] {
            assert_eq!(FactorSet::proven_by(kind, proof), FactorSet::of(proven), "{kind:?} {proof:?}");
        }
    }

    #[test]
    fn a_rule_for_faces_is_none_for_credentials_and_the_reverse() {
        let (face, claim) = (&[Factor::Face][..], &[Factor::Claim, Factor::Face][..]);
        let person = PersonId([1; 16]);
        let roster = Roster::new([(person, Registered::default())]);
        for (needs, factors, granted) in
            [(face, face, true), (face, claim, false), (claim, face, false), (claim, claim, true)]
        {
            let factors_of = FactorRules { any_of: vec![FactorRule::always(FactorSet::of(needs))] };
            let policy = Policy { factors: factors_of, ..Policy::default() };
            let proven = Proven { person, factors: FactorSet::of(factors), face_required: false };
            let outcome = decide_factors(&policy, &roster, None, &proven);
            assert_eq!(outcome == Outcome::Granted { person }, granted, "{needs:?} by {factors:?}");
        }
    }

    #[test]
    fn sets_hold_what_was_put_in() {
        let all: FactorSet = Factor::ALL.into_iter().collect();
        assert_eq!(all.iter().collect::<Vec<_>>(), Factor::ALL);
        for factor in Factor::ALL {
            let one = FactorSet::of(&[factor]);
            assert!(one.contains(factor) && all.contains_all(one) && !one.contains_all(all));
            assert_eq!(one.iter().collect::<Vec<_>>(), [factor]);
            assert!(!all.without(one).contains(factor));
        }
        assert!(FactorSet::NONE.is_empty() && FactorSet::NONE.is_copyable());
    }

    /// A rule for 08:00 to 18:00 of every day but one.
    fn by_day() -> FactorRule {
        let closed = vec![Date::parse("2026-11-25").unwrap()];
        let hours = Schedule { week: [Some((8 * 60, 18 * 60)); 7], closed };
        FactorRule { hours, ..FactorRule::always(FactorSet::of(&[Factor::Face])) }
    }

    fn wall(day: &str, hour: i64, minute: i64, uncertainty_s: u32) -> Option<Wall> {
        let minutes = Date::parse(day).unwrap().days() * 24 * 60 + hour * 60 + minute - 9 * 60;
        Some(Wall { unix_ms: minutes * 60_000, uncertainty_s })
    }

    #[test]
    fn a_rule_counts_from_its_first_minute_to_before_its_last() {
        let policy = Policy::default();
        for (at, counts) in [
            (wall("2026-11-24", 7, 59, 0), false),
            (wall("2026-11-24", 8, 0, 0), true),
            (wall("2026-11-24", 17, 59, 0), true),
            (wall("2026-11-24", 18, 0, 0), false),
            (wall("2026-11-25", 12, 0, 0), false),
            (wall("2026-11-24", 8, 1, 61), false),
            (wall("2026-11-24", 8, 2, 61), true),
            (wall("2026-11-24", 17, 59, 60), false),
            (wall("2026-11-24", 12, 0, 3_600), true),
            (wall("2026-11-24", 12, 0, 86_400), false),
            (wall("2026-11-24", 12, 0, u32::MAX), false),
            (Some(Wall { unix_ms: i64::MAX, uncertainty_s: 1 }), false),
            (None, false),
        ] {
            assert_eq!(by_day().counts(&policy, at), counts, "{at:?}");
        }
        assert!(FactorRule::always(FactorSet::NONE).counts(&policy, None));
    }

    #[test]
    fn a_rule_counts_in_its_mode_and_at_its_place() {
        let always = FactorRule::always(FactorSet::of(&[Factor::FreshCode]));
        let (door, counter) = (Policy::default(), Policy { door: None, ..Policy::default() });
        for (place, at_door, at_counter) in
            [(Place::Anywhere, true, true), (Place::Door, true, false), (Place::Counter, false, true)]
        {
            let rule = FactorRule { place, ..always.clone() };
            assert_eq!((rule.is_for(&door), rule.is_for(&counter)), (at_door, at_counter), "{place:?}");
        }
        let shelter = FactorRule { mode: Some(Mode::Shelter), ..always };
        assert!(!shelter.is_for(&door));
        assert!(shelter.is_for(&Policy { mode: Mode::Shelter, ..door }));
    }
}
