//! What is wrong with a roster: registrations that contradict each other or that let nobody in, named to staff.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::{
    Entitlement, EntitlementId, HouseholdId, PersonId, Registered, Roster, Standing, admission::speaker,
};

use super::opens;

/// What is wrong with a roster. Named by ids; the staff's screen finds the names in the vault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RosterFinding {
    /// Nobody speaks for a household.
    #[error(
        "household {household} has no representative, so its members come in one by one; name one of them"
    )]
    NoRepresentative {
        /// Which.
        household: HouseholdId,
    },
    /// Two people speak for a household, so nobody does.
    #[error(
        "household {household} has two representatives, {one} and {other}, so neither brings the others; keep one of them"
    )]
    TwoRepresentatives {
        /// Which.
        household: HouseholdId,
        /// The first by id.
        one: PersonId,
        /// The next.
        other: PersonId,
    },
    /// The representative is protected and brings nobody.
    #[error("{person} is protected and brings nobody of household {household}; name another representative")]
    RepresentativeProtected {
        /// Which.
        household: HouseholdId,
        /// Who.
        person: PersonId,
    },
    /// Two passes count on the same day.
    #[error(
        "passes {one} and {other} of {person} overlap, and the one that ends last counts; end or remove the other"
    )]
    PassesOverlap {
        /// Whose.
        person: PersonId,
        /// The one that is registered first.
        one: EntitlementId,
        /// The one after it.
        other: EntitlementId,
    },
    /// The registration counts on no day.
    #[error("the registration of {person} ends before it begins; correct its first or last day")]
    NeverValid {
        /// Whose.
        person: PersonId,
    },
    /// A pass or a book of coupons counts on no day.
    #[error(
        "pass or coupon book {entitlement} of {person} ends before it begins; correct its first or last day"
    )]
    EntitlementNeverValid {
        /// Whose.
        person: PersonId,
        /// Which.
        entitlement: EntitlementId,
    },
    /// The person's own hours are none.
    #[error("{person} has hours of their own, and none on any day; write them or remove them")]
    NeverOpen {
        /// Who.
        person: PersonId,
    },
    /// More coupons were used than given.
    #[error(
        "coupon book {entitlement} of {person} was used {times} times more than it has coupons, at kiosks that did not \
         hear of each other; settle it with them"
    )]
    Overdrawn {
        /// Whose.
        person: PersonId,
        /// Which.
        entitlement: EntitlementId,
        /// How often.
        times: u32,
    },
    /// Two people have one pass or book.
    #[error(
        "{one} and {other} have the same pass or coupon book {entitlement}, and both would use it; give each their own"
    )]
    EntitlementShared {
        /// Which.
        entitlement: EntitlementId,
        /// The first by id.
        one: PersonId,
        /// The next.
        other: PersonId,
    },
}

impl Roster {
    /// Everything that is wrong with those who are registered and not revoked: households first, in the order of ids.
    #[must_use]
    pub fn findings(&self) -> Vec<RosterFinding> {
        let mut findings: Vec<_> =
            self.households().filter_map(|household| of_household(self, household)).collect();
        let active = || self.iter().filter(|(_, it)| it.standing == Standing::Active);
        findings.extend(active().flat_map(|(person, registered)| of_person(person, registered)));
        let mut owners = BTreeMap::new();
        for (person, registered) in active() {
            for entitlement in registered.entitlements.iter().map(|it| it.id) {
                let one = *owners.entry(entitlement).or_insert(person);
                if one != person {
                    findings.push(RosterFinding::EntitlementShared { entitlement, one, other: person });
                }
            }
        }
        findings
    }
}

/// What is wrong with who speaks for a household that still has somebody.
fn of_household(roster: &Roster, household: HouseholdId) -> Option<RosterFinding> {
    let members = roster.members(household).iter().filter_map(|person| Some((*person, roster.get(*person)?)));
    let active: Vec<_> = members.filter(|(_, it)| it.standing == Standing::Active).collect();
    if active.is_empty() || speaker(roster, household).is_some() {
        return None;
    }
    let mut speaking =
        active.iter().filter(|(_, it)| it.representative && !it.protected).map(|(person, _)| *person);
    let protected =
        active.iter().find(|(_, it)| it.representative && it.protected).map(|(person, _)| *person);
    Some(match (speaking.next(), speaking.next(), protected) {
        (Some(one), Some(other), _) => RosterFinding::TwoRepresentatives { household, one, other },
        (_, _, Some(person)) => RosterFinding::RepresentativeProtected { household, person },
        (_, _, None) => RosterFinding::NoRepresentative { household },
    })
}

fn of_person(person: PersonId, registered: &Registered) -> Vec<RosterFinding> {
    let mut findings = Vec::new();
    if !registered.valid.has_days() {
        findings.push(RosterFinding::NeverValid { person });
    }
    if registered.schedule.as_ref().is_some_and(|own| !opens(own)) {
        findings.push(RosterFinding::NeverOpen { person });
    }
    for (place, it) in registered.entitlements.iter().enumerate() {
        if !it.period.has_days() {
            findings.push(RosterFinding::EntitlementNeverValid { person, entitlement: it.id });
        }
        match it.coupons.map(|coupons| coupons.overdrawn()) {
            None => findings.extend(overlap(person, it, &registered.entitlements[..place])),
            Some(0) => {}
            Some(times) => findings.push(RosterFinding::Overdrawn { person, entitlement: it.id, times }),
        }
    }
    findings
}

/// A pass that overlaps one of those before it.
fn overlap(person: PersonId, pass: &Entitlement, before: &[Entitlement]) -> Option<RosterFinding> {
    let mut passes = before.iter().filter(|it| it.coupons.is_none());
    let one = passes.find(|it| it.period.overlaps(&pass.period))?.id;
    Some(RosterFinding::PassesOverlap { person, one, other: pass.id })
}
