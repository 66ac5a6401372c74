//! Whether somebody who was recognised may come in today, with whom, and what each of them pays.
//!
//! A match says who it is; this says what the facility's rules make of it. Everything is judged on the day, by the
//! facility's local time, from what was released about each person. Where the clock is absent or so uncertain that the
//! answer would differ within its interval, the answer is that it is not known.

use std::collections::BTreeMap;

use crate::{Date, EntitlementId, Facility, FeeClassId, PersonId, Roster, Wall};

/// Who comes in with one grant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admission {
    /// Everybody who comes in, the one who was recognised first. Never a protected person whom another one brought.
    pub party: Vec<Entrant>,
    /// The last day of the pass that lets the recognised person in, if it has one.
    pub pass_until: Option<Date>,
}

/// One person who comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entrant {
    /// Who.
    pub person: PersonId,
    /// What the person pays; none if no class fits what is known, then staff say.
    pub fee: Option<FeeClassId>,
    /// The pass or coupon that is used.
    pub uses: Option<EntitlementId>,
    /// The attributes that the class rests on were not confirmed for a long time: for staff to see.
    pub stale: bool,
    /// Counted already: inside since an earlier visit, so no second use and no second count.
    pub again: bool,
}

/// Why somebody who was recognised is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing is known of the person here, or the registration was erased.
    NotRegistered,
    /// The registration begins later.
    NotYetValid(Date),
    /// The registration has ended.
    Expired(Date),
    /// The facility is closed now.
    Closed,
    /// The facility is open, but not for this person now.
    OutsideOwnHours,
    /// No pass and no coupon.
    NoEntitlement,
    /// The pass has ended, or begins later.
    PassNotValid {
        /// The last day of the pass that ended last; none if one begins later.
        ended: Option<Date>,
    },
    /// All coupons are used, or this kiosk's share of them while others may have used the rest.
    CouponsUsed,
    /// Inside already.
    AlreadyInside,
    /// The answer depends on the date, and the clock does not tell it.
    ClockInDoubt,
}

/// Who is inside, as far as this kiosk saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inside(BTreeMap<PersonId, Option<Wall>>);

impl Inside {
    /// Somebody came in. A clock that is absent leaves the time open.
    pub fn enter(&mut self, person: PersonId, wall: Option<Wall>) {
        self.0.insert(person, wall);
    }

    /// Somebody left.
    pub fn leave(&mut self, person: PersonId) {
        self.0.remove(&person);
    }
}

/// Applies the facility's rules to a person who was recognised.
///
/// # Errors
/// Why the person is not let in.
pub fn admit(
    _facility: &Facility,
    _roster: &Roster,
    _inside: &Inside,
    _wall: Option<Wall>,
    person: PersonId,
) -> Result<Admission, Refusal> {
    // REPLACED by the rules.
    let entrant = Entrant { person, fee: None, uses: None, stale: false, again: false };
    Ok(Admission { party: vec![entrant], pass_until: None })
}

/// What is said to those who come in.
#[must_use]
pub fn welcome(_facility: &Facility, _roster: &Roster, admission: &Admission) -> crate::Welcome {
    crate::Welcome {
        party: u32::try_from(admission.party.len()).unwrap_or(u32::MAX),
        ..crate::Welcome::default()
    }
}
