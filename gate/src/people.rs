//! Who is registered at this facility, with the attributes that were released to it and nothing more.
//!
//! A person may have no reference (a newborn, somebody who does not want one): then a face never finds them, and they come
//! in with their household, with a claim, or by staff. A household has at most one representative, whose face or claim
//! speaks for all; a protected member is in none of it: not counted, not shown, not found through the family.

use std::{collections::BTreeMap, sync::Arc};

use crate::{Date, Period, PersonId, Schedule, Standing};

/// People registered together: 16 random bytes, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HouseholdId(pub [u8; 16]);

/// A pass or a book of coupons: 16 random bytes, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntitlementId(pub [u8; 16]);

/// A member of the staff: 16 random bytes, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StaffId(pub [u8; 16]);

/// How surely it is known that a person is who the registration says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Assurance {
    /// The person said so.
    #[default]
    SelfDeclared,
    /// Compared with the photograph of a document.
    PhotoMatched,
    /// Verified by the Japanese Public Key Infrastructure.
    JpkiVerified,
}

/// Where a person lives, as far as this facility asks: in the city or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Residency {
    /// In the city in this period; before and after it elsewhere.
    Resident(Period),
    /// Elsewhere.
    NonResident,
}

/// What was released to this facility about a person. `None` is "not known here", and no rule fills it in.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Attributes {
    /// Date of birth.
    pub born: Option<Date>,
    /// Residency.
    pub residency: Option<Residency>,
    /// The day on which somebody last confirmed these; shown to staff when it lies far back.
    pub confirmed: Option<Date>,
}

/// What a person may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Entitlement {
    /// Its name in the records of uses.
    pub id: EntitlementId,
    /// On which days it counts.
    pub period: Period,
    /// How often; `None` for a pass, which is not used up.
    pub coupons: Option<Coupons>,
}

/// A book of coupons, as this kiosk knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Coupons {
    /// How many were given.
    pub granted: u32,
    /// How many were used at this kiosk.
    pub used_here: u32,
    /// How many are known to have been used at other kiosks.
    pub used_elsewhere: u32,
}

/// One registration.
#[derive(Clone, PartialEq, Eq)]
pub struct Registered {
    /// Whether the enrolment still counts.
    pub standing: Standing,
    /// The household, if there is one.
    pub household: Option<HouseholdId>,
    /// Whether the person speaks for the household.
    pub representative: bool,
    /// Under protection (for instance from violence): never shown, spoken, counted or found through the family.
    pub protected: bool,
    /// Whether the household agreed that its names are shown.
    pub names_agreed: bool,
    /// What was released.
    pub attributes: Attributes,
    /// The days on which the registration counts.
    pub valid: Period,
    /// The hours in which it counts; the facility's if none.
    pub schedule: Option<Schedule>,
    /// Passes and coupons.
    pub entitlements: Vec<Entitlement>,
    /// How surely the person is known.
    pub assurance: Assurance,
}

impl Default for Registered {
    /// Somebody of whom nothing but the enrolment is known.
    fn default() -> Self {
        Self {
            standing: Standing::Active,
            household: None,
            representative: false,
            protected: false,
            names_agreed: false,
            attributes: Attributes::default(),
            valid: Period::ALWAYS,
            schedule: None,
            entitlements: Vec::new(),
            assurance: Assurance::default(),
        }
    }
}

/// Everybody registered here.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Roster {
    people: BTreeMap<PersonId, Registered>,
    households: BTreeMap<HouseholdId, Vec<PersonId>>,
}

impl Roster {
    /// The roster of these people.
    #[must_use]
    pub fn new(people: impl IntoIterator<Item = (PersonId, Registered)>) -> Self {
        let people: BTreeMap<_, _> = people.into_iter().collect();
        let mut households: BTreeMap<HouseholdId, Vec<PersonId>> = BTreeMap::new();
        for (person, registered) in &people {
            if let Some(household) = registered.household {
                households.entry(household).or_default().push(*person);
            }
        }
        Self { people, households }
    }

    /// What is known of a person.
    #[must_use]
    pub fn get(&self, person: PersonId) -> Option<&Registered> {
        self.people.get(&person)
    }

    /// Everybody of a household, in the order of their ids.
    #[must_use]
    pub fn members(&self, household: HouseholdId) -> &[PersonId] {
        self.households.get(&household).map_or(&[], Vec::as_slice)
    }

    /// Everybody.
    pub fn iter(&self) -> impl Iterator<Item = (PersonId, &Registered)> {
        self.people.iter().map(|(person, registered)| (*person, registered))
    }

    /// Counts one coupon as used here.
    pub fn use_coupon(&mut self, person: PersonId, entitlement: EntitlementId) {
        let entitlements = self.people.get_mut(&person).map(|it| &mut it.entitlements);
        let found = entitlements.and_then(|all| all.iter_mut().find(|it| it.id == entitlement));
        if let Some(coupons) = found.and_then(|it| it.coupons.as_mut()) {
            coupons.used_here = coupons.used_here.saturating_add(1);
        }
    }
}

/// A text in the languages of the screens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Words {
    /// 日本語.
    pub japanese: Arc<str>,
    /// やさしい日本語.
    pub easy: Arc<str>,
    /// English.
    pub english: Arc<str>,
}

impl std::fmt::Debug for Attributes {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Attributes(..)")
    }
}

impl std::fmt::Debug for Registered {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Registered({:?}, {:?})", self.standing, self.assurance)
    }
}

impl std::fmt::Debug for Roster {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Roster({} people, {} households)", self.people.len(), self.households.len())
    }
}
