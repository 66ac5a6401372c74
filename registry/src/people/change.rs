//! Changes of what is registered. Each is stated whole, under the next version; kiosks take the highest.

use gate::{EntitlementId, HouseholdId, PersonId};
use ledger::{GroupId, Kind};
use records::{StatedEntitlement, StatedHousehold};

use super::{
    PeopleError,
    facts::{Attribute, Checked, Given, released},
    pen::{Known, Pen},
    register, registrations, sealed,
};
use crate::operators::{May, Operator};

/// What shall be registered of somebody at one facility.
pub(crate) struct Change {
    pub(crate) told: Checked,
    pub(crate) only: Vec<Attribute>,
    pub(crate) protected: bool,
    /// A new name; the old one stays if there is none.
    pub(crate) name: Option<String>,
}

/// Changes what is registered of somebody at one facility; face, household and hours stay.
pub(crate) fn registration(
    pen: &mut dyn Pen,
    who: &Operator,
    facility: GroupId,
    enrolee: PersonId,
    change: &Change,
) -> Result<(), PeopleError> {
    if !who.may_in(May::Register, facility) {
        return Err(PeopleError::NotAllowed);
    }
    let held = registrations::open(pen, facility, enrolee, true)?.ok_or(PeopleError::Unknown("person"))?;
    let mut profile = held.profile;
    if let Some(name) = &change.name {
        profile.name.clone_from(name);
    }
    let lifts = profile.registered.protected && !change.protected;
    if lifts && !who.may_in(May::SeeProtected, facility) {
        return Err(PeopleError::NotAllowed);
    }
    profile.registered.protected = change.protected;
    profile.registered.attributes = released(change.told.attributes, &change.only);
    profile.registered.valid = change.told.valid;
    registrations::state_again(pen, &held.known, &profile)
}

/// Gives somebody a pass or a book of coupons.
pub(crate) fn give(
    pen: &mut dyn Pen,
    who: &Operator,
    facility: GroupId,
    enrolee: PersonId,
    given: Given,
) -> Result<EntitlementId, PeopleError> {
    let known = mine(pen, who, facility, enrolee)?;
    register::give(pen, &known, given)
}

/// Takes a pass or a book of coupons back. Uses that were made stay counted.
pub(crate) fn take_back(
    pen: &mut dyn Pen,
    who: &Operator,
    entitlement: EntitlementId,
) -> Result<(), PeopleError> {
    let text = "SELECT grp, enrolee, version, withdrawn, sealed FROM entitlements WHERE entitlement = $1";
    let rows = pen.sql().query(text, &[entitlement.0.into()])?;
    let row = rows.first().ok_or(PeopleError::Unknown("pass"))?;
    let (facility, enrolee) = (GroupId(row[0].array()?), PersonId(row[1].array()?));
    if !who.may_in(May::Register, facility) {
        return Err(PeopleError::Unknown("pass"));
    }
    if row[3].int()? != 0 {
        return Err(PeopleError::Conflict("it was taken back already"));
    }
    let version = row[2].count()? + 1;
    let known = mine(pen, who, facility, enrolee)?;
    let personal = sealed::open(&known, "entitlements", &entitlement.0, row[4].bytes()?)?;
    let text = "UPDATE entitlements SET withdrawn = 1, version = $2 WHERE entitlement = $1";
    pen.sql().execute(text, &[entitlement.0.into(), version.into()])?;
    let stated = StatedEntitlement { entitlement, version, person: enrolee, withdrawn: true };
    pen.say(facility, Kind::Entitlement, stated.fields(), Some((&known, &personal)))
}

/// Changes whether the names of a household may be shown.
pub(crate) fn names_agreed(
    pen: &mut dyn Pen,
    who: &Operator,
    household: HouseholdId,
    agreed: bool,
) -> Result<(), PeopleError> {
    let rows =
        pen.sql().query("SELECT grp, version FROM households WHERE household = $1", &[household.0.into()])?;
    let row = rows.first().ok_or(PeopleError::Unknown("household"))?;
    let (facility, version) = (GroupId(row[0].array()?), row[1].count()? + 1);
    if !who.may_in(May::Register, facility) {
        return Err(PeopleError::Unknown("household"));
    }
    let text = "UPDATE households SET names_agreed = $2, version = $3 WHERE household = $1";
    pen.sql().execute(text, &[household.0.into(), i64::from(agreed).into(), version.into()])?;
    let stated = StatedHousehold { household, version, names_agreed: agreed };
    pen.say(facility, Kind::Household, stated.fields(), None)
}

/// An enrolee of a facility where the operator registers people.
fn mine(
    pen: &mut dyn Pen,
    who: &Operator,
    facility: GroupId,
    enrolee: PersonId,
) -> Result<Known, PeopleError> {
    if !who.may_in(May::Register, facility) {
        return Err(PeopleError::NotAllowed);
    }
    let text = "SELECT 1 FROM registrations WHERE grp = $1 AND enrolee = $2";
    let there = !pen.sql().query(text, &[facility.0.into(), enrolee.0.into()])?.is_empty();
    let known = if there { pen.known(facility, enrolee)? } else { None };
    known.ok_or(PeopleError::Unknown("person"))
}
