//! People registered together.

use gate::{HouseholdId, StaffId};
use ledger::{Body, Value};

use crate::{
    BodyError, Fields,
    people::staff,
    read::{field, is, number, truth},
    whole,
};

const HOUSEHOLD: &str = "Household";

/// What the registry's `Household` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatedHousehold {
    /// The household.
    pub household: HouseholdId,
    /// Counted up by the registry with each change.
    pub version: u64,
    /// Whether it agreed that its names are shown.
    pub names_agreed: bool,
}

impl StatedHousehold {
    /// The fields.
    #[must_use]
    pub fn fields(&self) -> Fields {
        vec![
            ("household", Value::bytes(self.household.0)),
            ("version", whole(self.version)),
            ("names_agreed", Value::Bool(self.names_agreed)),
        ]
    }

    /// Reads the fields.
    ///
    /// # Errors
    /// [`BodyError`]; also for what a device says of a household, which has no version.
    pub fn read(body: &Body) -> Result<Self, BodyError> {
        is(body, HOUSEHOLD)?;
        Ok(Self {
            household: HouseholdId(field(body, HOUSEHOLD, "household", Value::as_array_of)?),
            version: field(body, HOUSEHOLD, "version", number)?,
            names_agreed: field(body, HOUSEHOLD, "names_agreed", truth)?,
        })
    }
}

/// Fields of a device's `Household`.
#[must_use]
pub fn of_household(
    household: HouseholdId,
    members: Option<usize>,
    names_agreed: bool,
    by: Option<StaffId>,
) -> Fields {
    vec![
        ("household", Value::bytes(household.0)),
        ("members", members.map_or(Value::Null, |members| whole(members as u64))),
        ("names_agreed", Value::Bool(names_agreed)),
        ("by", staff(by)),
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::named;
    use ledger::Clock;

    #[test]
    fn a_household_reads_back_and_a_malformed_one_is_refused() {
        let stated = StatedHousehold { household: HouseholdId([2; 16]), version: 9, names_agreed: true };
        let clock = Clock { boot: [1; 16], uptime_ms: 1, wall_ms: None, uncertainty_s: 0 };
        let of = |fields| Body { kind: HOUSEHOLD.into(), clock, fields: named(fields), personal: None };
        assert_eq!(StatedHousehold::read(&of(stated.fields())), Ok(stated));
        for place in 0..3 {
            let mut fewer = stated.fields();
            let (field, _) = fewer.remove(place);
            let wrong = Err(BodyError::Field { kind: HOUSEHOLD, field });
            assert_eq!(StatedHousehold::read(&of(fewer)), wrong);
            let mut other = stated.fields();
            other[place].1 = Value::Null;
            assert_eq!(StatedHousehold::read(&of(other)), wrong);
        }
        let devices = of_household(HouseholdId([2; 16]), Some(3), true, None);
        assert!(StatedHousehold::read(&of(devices)).is_err());
    }
}
