//! Who is registered at this facility, with the attributes that were released to it and nothing more.
//!
//! A person may have no reference (a newborn, somebody who does not want one): then a face never finds them, and they come
//! in with their household, with a claim, or by staff. A household has at most one representative, whose face or claim
//! speaks for all; a protected member is in none of it: not counted, not shown, not found through the family.

use std::{collections::BTreeMap, fmt, sync::Arc};

use crate::{Date, Period, PersonId, Schedule, Standing, calendar::Undated, identifiers::write_hex};

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

impl Residency {
    /// Whether the person lives in the city on a day, as far as that can be said.
    ///
    /// # Errors
    /// The answer depends on the day, which is not known.
    pub fn in_city(self, day: Option<Date>) -> Result<bool, Undated> {
        match self {
            Self::Resident(period) => period.holds_on(day),
            Self::NonResident => Ok(false),
        }
    }
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
///
/// **The rule for spending.** Where `n` kiosks spend from the same books, each spends at most `granted / n`, rounded up,
/// and nothing once the uses that it knows of reach `granted`.
///
/// **The bound.** Without any news of each other `n` kiosks spend at most `n * ceil(granted / n)`, which is less than
/// `granted + n`: a book is overdrawn by `n - 1` at most, and not at all if `n` divides `granted`. News only lowers what a
/// kiosk still spends, so the bound holds for every order and delay of news; if all uses are known before each use,
/// nothing is overdrawn. A kiosk that has heard of no other use cannot know whether the others are idle or unheard,
/// so no rule on these three numbers gives one kiosk more than its share without raising the bound by as much at each.
/// What was overdrawn comes to light when the uses meet: [`Coupons::overdrawn`].
///
/// A facility whose kiosks hear of each other at once may call them one (`kiosks: 1`): then any of them spends the whole
/// book, and the bound holds only as long as they do hear of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Coupons {
    /// How many were given.
    pub granted: u32,
    /// How many were used at this kiosk.
    pub used_here: u32,
    /// How many are known to have been used at other kiosks.
    pub used_elsewhere: u32,
}

impl Coupons {
    /// How many may still be used at this kiosk, one of `kiosks` (none is counted as one).
    #[must_use]
    pub fn left_here(self, kiosks: u16) -> u32 {
        let share = self.granted.div_ceil(u32::from(kiosks.max(1)));
        let known = self.used_here.saturating_add(self.used_elsewhere);
        share.saturating_sub(self.used_here).min(self.granted.saturating_sub(known))
    }

    /// How many more were used than were given, as far as this kiosk knows: for the report.
    #[must_use]
    pub fn overdrawn(self) -> u32 {
        self.used_here.saturating_add(self.used_elsewhere).saturating_sub(self.granted)
    }
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

    /// All households, in the order of their ids.
    pub fn households(&self) -> impl Iterator<Item = HouseholdId> {
        self.households.keys().copied()
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

impl fmt::Display for HouseholdId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, out)
    }
}

impl fmt::Display for EntitlementId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, out)
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

impl fmt::Debug for Attributes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Attributes(..)")
    }
}

impl fmt::Debug for Registered {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Registered({:?}, {:?})", self.standing, self.assurance)
    }
}

impl fmt::Debug for Roster {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Roster({} people, {} households)", self.people.len(), self.households.len())
    }
}

#[cfg(test)]
mod tests;
