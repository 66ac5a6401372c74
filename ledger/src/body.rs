//! What a record says: its kind, the author's clock, the fields of that kind, and perhaps a personal part. In CBOR it is one
//! map with text keys: `kind`, `clock`, `personal` and the fields flat beside them.

use crate::{Error, Personal, Place, Value};
use std::fmt;

const KIND: &str = "kind";
const CLOCK: &str = "clock";
const PERSONAL: &str = "personal";

/// What the author's clocks said when the record was written: a claim for people to read, no rule compares it.
/// In CBOR `[boot id, uptime ms, wall ms | null, uncertainty s]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// 16 bytes that name the boot of the machine.
    pub boot: [u8; 16],
    /// Milliseconds since that boot, suspended time included.
    pub uptime_ms: u64,
    /// Milliseconds since 1970 UTC; absent if the machine does not know the date.
    pub wall_ms: Option<i64>,
    /// How far the wall clock may be off, in seconds.
    pub uncertainty_s: u32,
}

/// The content of a record. `Debug` shows the kind and the names of the fields only.
#[derive(Clone, PartialEq, Eq)]
pub struct Body {
    /// What sort of statement this is; it says which fields to expect.
    pub kind: String,
    /// The author's clocks.
    pub clock: Clock,
    /// The fields of that kind, by name. Their order has no meaning; a body that was read has them in encoded order.
    /// `kind`, `clock` and `personal` are not names of fields.
    pub fields: Vec<(String, Value)>,
    /// What is said of one person, if anything.
    pub personal: Option<Personal>,
}

impl Body {
    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value)
    }

    /// The map. Errors: [`Error::Malformed`] for a reserved name of a field.
    pub(crate) fn to_value(&self) -> Result<Value, Error> {
        if self.fields.iter().any(|(name, _)| [KIND, CLOCK, PERSONAL].contains(&name.as_str())) {
            return Err(malformed("a field may not be called kind, clock or personal"));
        }
        let mut entries = vec![
            (Value::text(KIND), Value::text(&self.kind)),
            (Value::text(CLOCK), self.clock.to_value().ok_or(malformed("the uptime is beyond 63 bits"))?),
        ];
        entries.extend(self.personal.as_ref().map(|personal| (Value::text(PERSONAL), personal.to_value())));
        entries.extend(self.fields.iter().map(|(name, value)| (Value::text(name), value.clone())));
        Ok(Value::Map(entries))
    }

    pub(crate) fn from_value(value: Value) -> Result<Body, Error> {
        let Value::Map(entries) = value else {
            return Err(malformed("a body is a map"));
        };
        let (mut kind, mut clock, mut personal, mut fields) = (None, None, None, Vec::new());
        for (name, value) in entries {
            let Value::Text(name) = name else {
                return Err(malformed("a key of a body is a text"));
            };
            match name.as_str() {
                KIND => kind = Some(value.as_text().ok_or(malformed("kind is a text"))?.to_owned()),
                CLOCK => clock = Clock::from_value(&value),
                PERSONAL => personal = Some(Personal::from_value(&value)?),
                _ => fields.push((name, value)),
            }
        }
        match (kind, clock) {
            (Some(kind), Some(clock)) => Ok(Body { kind, clock, fields, personal }),
            (None, _) => Err(malformed("kind is missing")),
            (Some(_), None) => {
                Err(malformed("clock is missing or not [boot id, uptime ms, wall ms | null, uncertainty s]"))
            }
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.fields.iter().map(|(name, _)| name.as_str()).collect();
        let personal = self.personal.as_ref().map(Personal::key_id);
        write!(f, "Body({}, fields {names:?}, personal {personal:?})", self.kind)
    }
}

impl Clock {
    fn to_value(self) -> Option<Value> {
        Some(Value::Array(vec![
            Value::bytes(self.boot),
            Value::Int(self.uptime_ms.try_into().ok()?),
            self.wall_ms.map_or(Value::Null, Value::Int),
            Value::Int(self.uncertainty_s.into()),
        ]))
    }

    fn from_value(value: &Value) -> Option<Clock> {
        let [boot, uptime, wall, uncertainty] = value.as_array()? else {
            return None;
        };
        Some(Clock {
            boot: boot.as_array_of()?,
            uptime_ms: uptime.as_int()?.try_into().ok()?,
            wall_ms: if *wall == Value::Null { None } else { Some(wall.as_int()?) },
            uncertainty_s: uncertainty.as_int()?.try_into().ok()?,
        })
    }
}

fn malformed(why: &'static str) -> Error {
    Error::Malformed { place: Place::Body, why }
}
