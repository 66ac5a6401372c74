//! Registering people: one, or a household that its representative registers. A member may have no face (a newborn, somebody
//! who does not want one). At each facility a person is somebody else, with what was released to that facility.

use std::collections::BTreeMap;

use gate::{Assurance, EntitlementId, HouseholdId, PersonId, Template};
use ledger::{GroupId, Kind};
use records::{
    MAX_REFERENCES, NewEntitlement, NewRegistration, Profile, StatedEntitlement, StatedHousehold,
    personal_of_entitlement,
};

use super::{
    PeopleError,
    consents::{self, Consent},
    facts::{Attribute, Checked, Given, released},
    import::MAX_MEMBERS,
    pen::{Known, Pen},
    registrations::{self, Person},
    sealed,
};
use crate::{
    bytes::random,
    db::Cell,
    operators::{May, Operator},
};

/// Somebody to register.
#[derive(Clone)]
pub(crate) struct NewPerson {
    /// Checked by [`super::facts::name`].
    pub(crate) name: String,
    /// All by one model; none for somebody whose face shall not be known.
    pub(crate) templates: Vec<Template>,
    pub(crate) told: Checked,
    pub(crate) representative: bool,
    pub(crate) protected: bool,
    pub(crate) consent: Option<Consent>,
}

/// A facility, and what it is told.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Release {
    pub(crate) facility: GroupId,
    pub(crate) only: Vec<Attribute>,
}

/// Somebody who was registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Registered {
    pub(crate) person: Person,
    /// The id at each facility.
    pub(crate) enrolees: Vec<(GroupId, PersonId)>,
}

/// Registers one person.
pub(crate) fn person(
    pen: &mut dyn Pen,
    who: &Operator,
    new: &NewPerson,
    at: &[Release],
) -> Result<Registered, PeopleError> {
    check_facilities(pen, who, at)?;
    if new.representative {
        return Err(PeopleError::Unusable("a representative belongs to a household"));
    }
    one(pen, who, new, at, &BTreeMap::new())
}

/// Registers a household: all of it or nobody.
pub(crate) fn household(
    pen: &mut dyn Pen,
    who: &Operator,
    names_agreed: bool,
    members: &[NewPerson],
    at: &[Release],
) -> Result<(BTreeMap<GroupId, HouseholdId>, Vec<Registered>), PeopleError> {
    check_facilities(pen, who, at)?;
    match (members.len(), members.iter().filter(|it| it.representative).count()) {
        (1..=MAX_MEMBERS, 1) => {}
        (1..=MAX_MEMBERS, _) => {
            return Err(PeopleError::Unusable("exactly one member speaks for a household"));
        }
        (_, _) => return Err(PeopleError::Unusable("1 to 30 people belong to a household")),
    }
    let family: [u8; 16] = random()?;
    let mut households = BTreeMap::new();
    for release in at {
        let household = HouseholdId(random()?);
        let row: [Cell; 4] =
            [household.0.into(), release.facility.0.into(), family.into(), i64::from(names_agreed).into()];
        let text = "INSERT INTO households (household, grp, family, names_agreed, version) VALUES ($1, $2, $3, $4, 1)";
        pen.sql().execute(text, &row)?;
        let stated = StatedHousehold { household, version: 1, names_agreed };
        pen.say(release.facility, Kind::Household, stated.fields(), None)?;
        households.insert(release.facility, household);
    }
    let members = members.iter().map(|it| one(pen, who, it, at, &households)).collect::<Result<_, _>>()?;
    Ok((households, members))
}

/// Gives an enrolee a pass or a book of coupons.
pub(crate) fn give(pen: &mut dyn Pen, known: &Known, given: Given) -> Result<EntitlementId, PeopleError> {
    let entitlement = EntitlementId(random()?);
    let personal = personal_of_entitlement(NewEntitlement { period: given.period, coupons: given.coupons });
    let cell = sealed::seal(known, "entitlements", &entitlement.0, &personal)?;
    let row = [entitlement.0.into(), known.facility.0.into(), known.enrolee.0.into(), cell.into()];
    let text = "INSERT INTO entitlements (entitlement, grp, enrolee, sealed, version, withdrawn)
                VALUES ($1, $2, $3, $4, 1, 0)";
    pen.sql().execute(text, &row)?;
    let stated = StatedEntitlement { entitlement, version: 1, person: known.enrolee, withdrawn: false };
    pen.say(known.facility, Kind::Entitlement, stated.fields(), Some((known, &personal)))?;
    Ok(entitlement)
}

fn one(
    pen: &mut dyn Pen,
    who: &Operator,
    new: &NewPerson,
    at: &[Release],
    households: &BTreeMap<GroupId, HouseholdId>,
) -> Result<Registered, PeopleError> {
    check_references(&new.templates)?;
    let person = Person(random()?);
    let row = [person.0.into(), Cell::from(pen.now_ms())];
    pen.sql().execute("INSERT INTO people (person, added_ms) VALUES ($1, $2)", &row)?;
    let mut enrolees = vec![];
    let mut known = vec![];
    for release in at {
        let registered = NewRegistration {
            household: households.get(&release.facility).copied(),
            representative: new.representative,
            protected: new.protected,
            attributes: released(new.told.attributes, &release.only),
            valid: new.told.valid,
            schedule: None,
            assurance: Assurance::SelfDeclared,
        };
        let profile = Profile::new(&new.name, &new.templates, &registered);
        let enrolee = registrations::state_new(pen, release.facility, person, &profile)?;
        if let Some(given) = new.told.entitlement {
            give(pen, &enrolee, given)?;
        }
        enrolees.push((release.facility, enrolee.enrolee));
        known.push(enrolee);
    }
    if let Some(consent) = &new.consent {
        consents::give(pen, who, person, &known, consent)?;
    }
    Ok(Registered { person, enrolees })
}

fn check_facilities(pen: &mut dyn Pen, who: &Operator, at: &[Release]) -> Result<(), PeopleError> {
    let mut named: Vec<GroupId> = at.iter().map(|it| it.facility).collect();
    named.sort_unstable();
    named.dedup();
    if named.is_empty() || named.len() != at.len() {
        return Err(PeopleError::Unusable("name at least one facility, each once"));
    }
    if !named.iter().all(|facility| who.may_in(May::Register, *facility)) {
        return Err(PeopleError::NotAllowed);
    }
    let there = registrations::facilities(pen)?;
    match named.iter().all(|facility| there.iter().any(|(it, _)| it == facility)) {
        true => Ok(()),
        false => Err(PeopleError::Unknown("facility")),
    }
}

fn check_references(templates: &[Template]) -> Result<(), PeopleError> {
    let Some(first) = templates.first() else { return Ok(()) };
    let alike = |it: &Template| it.model() == first.model() && it.vector().len() == first.vector().len();
    match (templates.len() <= MAX_REFERENCES, templates.iter().all(alike)) {
        (true, true) => Ok(()),
        (false, _) => Err(PeopleError::Unusable("at most 24 references belong to one person")),
        (_, false) => Err(PeopleError::Unusable("the references were made by different models")),
    }
}
