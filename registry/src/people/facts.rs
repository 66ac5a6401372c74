//! What is told of a person, as a form, a file or a request has it, and what it becomes once it was checked. A household's
//! file for a kiosk (`kiosk household add --example`) is one for the registry too: the words are the same.

use gate::{Attributes, Date, Period, Residency};
use serde::{Deserialize, Serialize};

use super::PeopleError;

/// Characters of a name. Longer than any name on a form; as at the kiosk.
const MAX_NAME: usize = 200;
/// Coupons of one book; more is a slip of the finger.
const MAX_COUPONS: u32 = 10_000;

/// What is known of a person; days as `2026-11-24`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Facts {
    /// The day of birth.
    pub(crate) born: Option<String>,
    /// Lives in the city (`true`) or elsewhere (`false`).
    pub(crate) resident: Option<bool>,
    /// The first day of living in the city.
    pub(crate) resident_from: Option<String>,
    /// The last.
    pub(crate) resident_until: Option<String>,
    /// The day on which these were last confirmed.
    pub(crate) confirmed: Option<String>,
    /// The first day on which the registration counts.
    pub(crate) valid_from: Option<String>,
    /// The last.
    pub(crate) valid_until: Option<String>,
    /// The first day of a pass.
    pub(crate) pass_from: Option<String>,
    /// The last day of a pass.
    pub(crate) pass_until: Option<String>,
    /// A book of so many coupons.
    pub(crate) coupons: Option<u32>,
}

/// Facts that make sense.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Checked {
    /// What could be released to a facility.
    pub(crate) attributes: Attributes,
    /// The days on which the registration counts.
    pub(crate) valid: Period,
    /// A pass or a book of coupons.
    pub(crate) entitlement: Option<Given>,
}

/// A pass or a book of coupons to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    /// On which days it counts.
    pub(crate) period: Period,
    /// How many coupons; none for a pass.
    pub(crate) coupons: Option<u32>,
}

/// What a facility is told of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Attribute {
    /// The day of birth.
    Born,
    /// Whether the person lives in the city.
    Residency,
    /// When these were last confirmed.
    Confirmed,
}

impl Attribute {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Born, Self::Residency, Self::Confirmed];

    /// The attribute of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "born" => Some(Self::Born),
            "residency" => Some(Self::Residency),
            "confirmed" => Some(Self::Confirmed),
            _ => None,
        }
    }
}

impl Facts {
    /// Reads the days and sees whether they go together.
    pub(crate) fn check(&self) -> Result<Checked, PeopleError> {
        let resident = period("resident_from, resident_until", &self.resident_from, &self.resident_until)?;
        let residency = match (self.resident, resident == Period::ALWAYS) {
            (Some(true), _) => Some(Residency::Resident(resident)),
            (Some(false), true) => Some(Residency::NonResident),
            (None, true) => None,
            (Some(false) | None, false) => {
                return Err(PeopleError::Unusable("days of residency need `resident` to be true"));
            }
        };
        let pass = period("pass_from, pass_until", &self.pass_from, &self.pass_until)?;
        if self.coupons.is_some_and(|coupons| !(1..=MAX_COUPONS).contains(&coupons)) {
            return Err(PeopleError::Unusable("coupons: 1 to 10,000"));
        }
        let given = pass != Period::ALWAYS || self.coupons.is_some();
        Ok(Checked {
            attributes: Attributes {
                born: day("born", &self.born)?,
                residency,
                confirmed: day("confirmed", &self.confirmed)?,
            },
            valid: period("valid_from, valid_until", &self.valid_from, &self.valid_until)?,
            entitlement: given.then_some(Given { period: pass, coupons: self.coupons }),
        })
    }
}

/// Of what is known, only what a facility is told.
pub(crate) fn released(all: Attributes, only: &[Attribute]) -> Attributes {
    let told = |attribute: Attribute| only.contains(&attribute);
    Attributes {
        born: all.born.filter(|_| told(Attribute::Born)),
        residency: all.residency.filter(|_| told(Attribute::Residency)),
        confirmed: all.confirmed.filter(|_| told(Attribute::Confirmed)),
    }
}

/// The name, without space around it.
pub(crate) fn name(text: &str) -> Result<String, PeopleError> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(PeopleError::Unusable("a name has 1 to 200 characters and no line breaks"));
    }
    if card::looks_like_individual_number(name) {
        return Err(PeopleError::IndividualNumber);
    }
    Ok(name.to_owned())
}

/// The period; its last day is not before its first.
pub(crate) fn period(
    what: &'static str,
    from: &Option<String>,
    until: &Option<String>,
) -> Result<Period, PeopleError> {
    let period = Period { from: day(what, from)?, until: day(what, until)? };
    if period.has_days() { Ok(period) } else { Err(PeopleError::NoDays(what)) }
}

fn day(what: &'static str, text: &Option<String>) -> Result<Option<Date>, PeopleError> {
    text.as_deref().map(|text| Date::parse(text).ok_or(PeopleError::NoDay(what))).transpose()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn facts(told: &str) -> Facts {
        toml::from_str(told).unwrap()
    }

    #[test]
    fn what_was_told_is_read_and_nothing_is_filled_in() {
        let told =
            facts("born = \"1986-07-07\"\nresident = true\nresident_from = \"2020-04-01\"\ncoupons = 10");
        let checked = told.check().unwrap();
        assert_eq!(checked.attributes.born, Date::new(1986, 7, 7));
        let since = Period { from: Date::new(2020, 4, 1), until: None };
        assert_eq!(checked.attributes.residency, Some(Residency::Resident(since)));
        assert_eq!(checked.attributes.confirmed, None);
        assert_eq!(checked.valid, Period::ALWAYS);
        assert_eq!(checked.entitlement, Some(Given { period: Period::ALWAYS, coupons: Some(10) }));
        assert!(Facts::default().check().unwrap().entitlement.is_none());
    }

    #[test]
    fn days_that_no_calendar_has_or_in_the_wrong_order_are_refused() {
        for bad in [
            "born = \"1986-02-30\"",
            "born = \"7.7.1986\"",
            "valid_from = \"2026-12-01\"\nvalid_until = \"2026-11-30\"",
            "resident = false\nresident_from = \"2020-04-01\"",
            "resident_until = \"2020-04-01\"",
            "coupons = 0",
            "coupons = 10001",
        ] {
            assert!(facts(bad).check().is_err(), "{bad}");
        }
        assert!(toml::from_str::<Facts>("born_on = \"1986-07-07\"").is_err());
    }

    #[test]
    fn a_facility_is_told_only_what_was_released_to_it() {
        let told = facts("born = \"1986-07-07\"\nresident = false\nconfirmed = \"2026-11-01\"");
        let all = told.check().unwrap().attributes;
        assert_eq!(released(all, &[]), Attributes::default());
        assert_eq!(released(all, &[Attribute::Residency]), Attributes { born: None, confirmed: None, ..all });
        assert_eq!(released(all, &Attribute::ALL), all);
    }

    #[test]
    fn names_are_names_and_never_hold_an_individual_number() {
        assert_eq!(name(" 見本 花子 ").unwrap(), "見本 花子");
        for bad in ["", "  ", "a\nb", &"a".repeat(201)] {
            assert!(matches!(name(bad), Err(PeopleError::Unusable(_))), "{bad}");
        }
        assert!(matches!(name("見本 1234 5678 9018"), Err(PeopleError::IndividualNumber)));
    }
}
