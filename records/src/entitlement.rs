//! Passes and books of coupons.

use gate::{EntitlementId, Period, PersonId};
use ledger::{Body, KeyId, PersonKey, Value};

use crate::{
    BodyError, Fields, map,
    read::{exact, field, is, number, of_period, optional, period, personal, truth},
    whole,
};

const ENTITLEMENT: &str = "Entitlement";

/// A pass or a book of coupons to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewEntitlement {
    /// On which days it counts.
    pub period: Period,
    /// How many coupons; none for a pass, which is not used up.
    pub coupons: Option<u32>,
}

/// What the registry's `Entitlement` says in its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatedEntitlement {
    /// The entitlement.
    pub entitlement: EntitlementId,
    /// Counted up by the registry with each change.
    pub version: u64,
    /// Whose it is.
    pub person: PersonId,
    /// It was taken back.
    pub withdrawn: bool,
}

impl StatedEntitlement {
    /// The fields.
    #[must_use]
    pub fn fields(&self) -> Fields {
        vec![
            ("entitlement", Value::bytes(self.entitlement.0)),
            ("version", whole(self.version)),
            ("person", Value::bytes(self.person.0)),
            ("withdrawn", Value::Bool(self.withdrawn)),
        ]
    }

    /// Reads the fields, and which key closes the personal part.
    ///
    /// # Errors
    /// [`BodyError`].
    pub fn read(body: &Body) -> Result<(Self, KeyId), BodyError> {
        is(body, ENTITLEMENT)?;
        let stated = Self {
            entitlement: EntitlementId(field(body, ENTITLEMENT, "entitlement", Value::as_array_of)?),
            version: field(body, ENTITLEMENT, "version", number)?,
            person: PersonId(field(body, ENTITLEMENT, "person", Value::as_array_of)?),
            withdrawn: field(body, ENTITLEMENT, "withdrawn", truth)?,
        };
        let personal = body.personal.as_ref();
        let key = personal.ok_or(BodyError::Personal { kind: ENTITLEMENT, why: "there is none" })?.key_id();
        Ok((stated, key))
    }
}

/// The personal part of `Entitlement` and `EntitlementGiven`.
#[must_use]
pub fn personal_of_entitlement(entitlement: NewEntitlement) -> Value {
    let coupons = entitlement.coupons.map_or(Value::Null, |coupons| whole(coupons.into()));
    map(vec![("period", of_period(entitlement.period)), ("coupons", coupons)])
}

/// Opens the personal part of an `Entitlement`.
///
/// # Errors
/// [`BodyError::Closed`] for another key; else what is wrong with it.
pub fn open_entitlement(body: &Body, key: &PersonKey) -> Result<NewEntitlement, BodyError> {
    is(body, ENTITLEMENT)?;
    let value = personal(body, ENTITLEMENT, key)?;
    let read = || {
        let [days, coupons] = exact(&value, ["period", "coupons"])?;
        let coupons = optional(coupons, |it| it.as_int()?.try_into().ok())?;
        Some(NewEntitlement { period: period(days)?, coupons })
    };
    read().ok_or(BodyError::Personal { kind: ENTITLEMENT, why: "period and coupons are needed" })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::named;
    use gate::Date;
    use ledger::{Clock, Personal};

    const KEY: KeyId = KeyId([5; 16]);

    fn said(fields: Fields, value: &Value) -> Body {
        let clock = Clock { boot: [1; 16], uptime_ms: 1, wall_ms: None, uncertainty_s: 0 };
        let key = PersonKey::from_bytes([7; 32]);
        let personal = Some(Personal::seal(&key, KEY, [9; 24], value).unwrap());
        Body { kind: ENTITLEMENT.into(), clock, fields: named(fields), personal }
    }

    #[test]
    fn an_entitlement_reads_back_and_a_malformed_one_is_refused() {
        let (entitlement, person) = (EntitlementId([3; 16]), PersonId([1; 16]));
        let stated = StatedEntitlement { entitlement, version: 2, person, withdrawn: false };
        let period = Period { from: Date::parse("2026-04-01"), until: Date::parse("2027-03-31") };
        let key = PersonKey::from_bytes([7; 32]);
        for coupons in [None, Some(11)] {
            let given = NewEntitlement { period, coupons };
            let body = said(stated.fields(), &personal_of_entitlement(given));
            assert_eq!(StatedEntitlement::read(&body), Ok((stated, KEY)));
            assert_eq!(open_entitlement(&body, &key), Ok(given));
            assert_eq!(open_entitlement(&body, &PersonKey::from_bytes([8; 32])), Err(BodyError::Closed(KEY)));
        }
        for place in 0..4 {
            let mut other = stated.fields();
            other[place].1 = Value::text("x");
            assert!(StatedEntitlement::read(&said(other, &Value::Null)).is_err());
        }
        let minus = map(vec![("period", of_period(period)), ("coupons", Value::Int(-1))]);
        assert!(open_entitlement(&said(stated.fields(), &minus), &key).is_err());
        let more = map(vec![("period", of_period(period)), ("coupons", Value::Null), ("x", Value::Null)]);
        assert!(open_entitlement(&said(stated.fields(), &more), &key).is_err());
    }
}
