//! Reading values strictly.

use gate::{Date, Period};
use ledger::{Body, PersonKey, Value};

use crate::BodyError;

/// The entries of a map that has exactly these.
pub(crate) fn exact<'a, const N: usize>(value: &'a Value, names: [&str; N]) -> Option<[&'a Value; N]> {
    let Value::Map(entries) = value else { return None };
    if entries.len() != N {
        return None;
    }
    let found: Vec<&Value> = names.iter().map(|name| value.get(name)).collect::<Option<_>>()?;
    found.try_into().ok()
}

/// A field of a body.
pub(crate) fn field<T>(
    body: &Body,
    kind: &'static str,
    field: &'static str,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Result<T, BodyError> {
    body.get(field).and_then(read).ok_or(BodyError::Field { kind, field })
}

/// The personal part, opened.
pub(crate) fn personal(body: &Body, kind: &'static str, key: &PersonKey) -> Result<Value, BodyError> {
    let personal = body.personal.as_ref().ok_or(BodyError::Personal { kind, why: "there is none" })?;
    personal.open(key).map_err(|_| BodyError::Closed(personal.key_id()))
}

pub(crate) fn is(body: &Body, kind: &'static str) -> Result<(), BodyError> {
    if body.kind == kind { Ok(()) } else { Err(BodyError::OtherKind(kind)) }
}

/// `null` as nothing, anything else as `read` says.
pub(crate) fn optional<T>(value: &Value, read: impl FnOnce(&Value) -> Option<T>) -> Option<Option<T>> {
    if *value == Value::Null { Some(None) } else { read(value).map(Some) }
}

pub(crate) fn truth(value: &Value) -> Option<bool> {
    if let Value::Bool(truth) = value { Some(*truth) } else { None }
}

pub(crate) fn number(value: &Value) -> Option<u64> {
    value.as_int()?.try_into().ok()
}

pub(crate) fn date(value: &Value) -> Option<Date> {
    Date::parse(value.as_text()?)
}

/// Reads what [`of_period`] wrote. A period whose last day lies before its first is none.
pub(crate) fn period(value: &Value) -> Option<Period> {
    let [from, until] = value.as_array()? else { return None };
    let period = Period { from: optional(from, date)?, until: optional(until, date)? };
    period.has_days().then_some(period)
}

pub(crate) fn of_period(period: Period) -> Value {
    Value::Array(vec![of_date(period.from), of_date(period.until)])
}

pub(crate) fn of_date(date: Option<Date>) -> Value {
    date.map_or(Value::Null, |date| Value::text(date.to_string()))
}
