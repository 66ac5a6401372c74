//! One value, one encoding: the part of CBOR that records use, in the deterministic form of RFC 8949 4.2.1.
//!
//! Reading is strict by one rule: what was read, written again, must give the same bytes. Hence a longer form of a number,
//! keys out of order or twice, and indefinite lengths are refused, and two replicas can never hold the same value under
//! two hashes. Floats, tags, `undefined` and integers beyond 64 bits with sign do not exist here. Claimed lengths are never
//! believed: memory grows with the bytes that are there.

use crate::{Error, MAX_RECORD, Place};
use minicbor::{Decoder, Encoder, data::Type};
use std::fmt;

/// How deep arrays and maps may be nested, counting the outermost as 1. It bounds the stack of the reader; records need 5.
pub const MAX_DEPTH: usize = 16;

/// A CBOR value. `Debug` shows its shape and never its content, because the content may be a name or a template.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A byte string.
    Bytes(Vec<u8>),
    /// A text string.
    Text(String),
    /// An array.
    Array(Vec<Value>),
    /// A map. The order of its entries has no meaning: [`Value::encode`] sorts them by their encoded keys, and
    /// [`Value::decode`] returns them so.
    Map(Vec<(Value, Value)>),
}

impl Value {
    /// A text value.
    pub fn text(text: impl Into<String>) -> Value {
        Value::Text(text.into())
    }

    /// A byte string.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Value {
        Value::Bytes(bytes.into())
    }

    /// The integer, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        if let Value::Int(number) = self { Some(*number) } else { None }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }

    /// The bytes, if they are such.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        if let Value::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    /// The bytes, if they are such and exactly `N`.
    pub fn as_array_of<const N: usize>(&self) -> Option<[u8; N]> {
        self.as_bytes()?.try_into().ok()
    }

    /// The elements, if it is an array.
    pub fn as_array(&self) -> Option<&[Value]> {
        if let Value::Array(items) = self { Some(items) } else { None }
    }

    /// The value under this text key, if it is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let Value::Map(entries) = self else { return None };
        entries.iter().find(|(name, _)| name.as_text() == Some(key)).map(|(_, value)| value)
    }

    /// The deterministic encoding.
    ///
    /// Errors: [`Error::NotCanonical`] for the same key twice or more than [`MAX_DEPTH`] levels, [`Error::TooLarge`]
    /// beyond [`MAX_RECORD`] bytes.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        self.encode_within(MAX_RECORD)
    }

    /// Reads a value that fills `bytes` exactly.
    ///
    /// Errors: [`Error::NotCanonical`] for whatever [`Value::encode`] would not have written, [`Error::TooLarge`] beyond
    /// [`MAX_RECORD`] bytes.
    pub fn decode(bytes: &[u8]) -> Result<Value, Error> {
        Value::decode_within(bytes, MAX_RECORD)
    }

    pub(crate) fn encode_within(&self, limit: usize) -> Result<Vec<u8>, Error> {
        let mut encoder = Encoder::new(Vec::new());
        self.write(&mut encoder, MAX_DEPTH)?;
        within(encoder.into_writer(), limit)
    }

    pub(crate) fn decode_within(bytes: &[u8], limit: usize) -> Result<Value, Error> {
        let bytes = within(bytes, limit)?;
        let mut decoder = Decoder::new(bytes);
        let value = read(&mut decoder, MAX_DEPTH)?;
        if decoder.position() != bytes.len() {
            return Err(refused("bytes after its end"));
        }
        if value.encode_within(limit)? != bytes {
            return Err(refused("a number not in its shortest form, or keys out of order"));
        }
        Ok(value)
    }

    fn write(&self, encoder: &mut Encoder<Vec<u8>>, depth: usize) -> Result<(), Error> {
        const INFALLIBLE: &str = "a Vec takes every byte";
        match self {
            Value::Null => encoder.null().expect(INFALLIBLE),
            Value::Bool(truth) => encoder.bool(*truth).expect(INFALLIBLE),
            Value::Int(number) => encoder.i64(*number).expect(INFALLIBLE),
            Value::Bytes(bytes) => encoder.bytes(bytes).expect(INFALLIBLE),
            Value::Text(text) => encoder.str(text).expect(INFALLIBLE),
            Value::Array(items) => {
                let depth = deeper(depth)?;
                encoder.array(items.len() as u64).expect(INFALLIBLE);
                return items.iter().try_for_each(|item| item.write(encoder, depth));
            }
            Value::Map(entries) => {
                let depth = deeper(depth)?;
                encoder.map(entries.len() as u64).expect(INFALLIBLE);
                for (key, value) in sorted(entries, depth)? {
                    encoder.writer_mut().extend_from_slice(&key);
                    value.write(encoder, depth)?;
                }
                return Ok(());
            }
        };
        Ok(())
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("Null"),
            Value::Bool(_) => f.write_str("Bool"),
            Value::Int(_) => f.write_str("Int"),
            Value::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Value::Text(text) => write!(f, "Text({})", text.len()),
            Value::Array(items) => f.debug_list().entries(items).finish(),
            Value::Map(entries) => write!(f, "Map({})", entries.len()),
        }
    }
}

/// Entries by their encoded keys, in bytewise order, each key once.
fn sorted(entries: &[(Value, Value)], depth: usize) -> Result<Vec<(Vec<u8>, &Value)>, Error> {
    let mut sorted = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        let mut encoder = Encoder::new(Vec::new());
        key.write(&mut encoder, depth)?;
        sorted.push((encoder.into_writer(), value));
    }
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    if sorted.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err(refused("the same key twice"));
    }
    Ok(sorted)
}

fn read(decoder: &mut Decoder<'_>, depth: usize) -> Result<Value, Error> {
    let cut = |_| refused("it ends early, or has bytes that begin no value");
    match decoder.datatype().map_err(cut)? {
        Type::Null => decoder.null().map(|()| Value::Null).map_err(cut),
        Type::Bool => decoder.bool().map(Value::Bool).map_err(cut),
        Type::U8
        | Type::U16
        | Type::U32
        | Type::U64
        | Type::I8
        | Type::I16
        | Type::I32
        | Type::I64
        | Type::Int => decoder
            .i64()
            .map(Value::Int)
            .map_err(|_| refused("an integer cut short, or beyond 64 bits with sign")),
        Type::Bytes => decoder.bytes().map(Value::bytes).map_err(cut),
        Type::String => decoder.str().map(Value::text).map_err(|_| refused("a text cut short, or not UTF-8")),
        Type::Array => {
            let (depth, length) = (deeper(depth)?, decoder.array().map_err(cut)?.unwrap_or(0));
            (0..length).map(|_| read(decoder, depth)).collect::<Result<_, _>>().map(Value::Array)
        }
        Type::Map => {
            let (depth, length) = (deeper(depth)?, decoder.map().map_err(cut)?.unwrap_or(0));
            let mut entry = || Ok((read(decoder, depth)?, read(decoder, depth)?));
            (0..length).map(|_| entry()).collect::<Result<_, _>>().map(Value::Map)
        }
        Type::BytesIndef | Type::StringIndef | Type::ArrayIndef | Type::MapIndef | Type::Break => {
            Err(refused("an indefinite length"))
        }
        Type::F16 | Type::F32 | Type::F64 => Err(refused("a float")),
        Type::Tag => Err(refused("a tag")),
        Type::Undefined | Type::Simple | Type::Unknown(_) => {
            Err(refused("a simple value other than null and booleans"))
        }
    }
}

fn within<B: AsRef<[u8]>>(bytes: B, limit: usize) -> Result<B, Error> {
    let size = bytes.as_ref().len();
    if size > limit {
        return Err(Error::TooLarge { place: Place::Value, size, limit, unit: "bytes" });
    }
    Ok(bytes)
}

fn deeper(depth: usize) -> Result<usize, Error> {
    depth.checked_sub(1).ok_or(refused("nested too deep"))
}

fn refused(why: &'static str) -> Error {
    Error::NotCanonical { place: Place::Value, why }
}
