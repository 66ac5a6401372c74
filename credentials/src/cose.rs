//! COSE_Sign1 (RFC 9052), the one form of it that is read here:
//!
//! ```text
//! 18([ protected: bstr, {}, payload: bstr, signature: bstr (64) ])
//! protected = {1: alg, 4: kid (8 bytes)}          of an issuer
//!           = {1: alg}                             of a holder, whose key stands in the credential
//! signed    = ["Signature1", protected, h'', payload]
//! ```
//! All CBOR is deterministic (RFC 8949 4.2.1): no longer form of a number, no indefinite length, no key twice or out of
//! order, no tag but the one in front, and nothing nested deeper than [`MAX_DEPTH`].

use ledger::Value;

use crate::{Algorithm, Kid, PublicKey, Refusal, SecretKey};

/// How deep arrays and maps may be nested, counting the outermost as 1. Ours need 4.
pub const MAX_DEPTH: usize = 6;

/// Tag 18 in its shortest form.
const TAG: u8 = 0xD2;
const ALG: i64 = 1;
const KID: i64 = 4;

/// A message that was read. That it reads says nothing of who signed it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Sign1 {
    pub(crate) algorithm: i64,
    pub(crate) kid: Option<Kid>,
    pub(crate) payload: Value,
    signed: Vec<u8>,
    signature: [u8; 64],
}

impl Sign1 {
    /// Reads a message from exactly its bytes, payload included.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let (&TAG, rest) = bytes.split_first().ok_or(Refusal::NotSign1)? else {
            return Err(Refusal::NotSign1);
        };
        let outer = read(rest)?;
        let Some([protected, Value::Map(unprotected), payload, signature]) = outer.as_array() else {
            return Err(Refusal::NotSign1);
        };
        let (Some(protected), Some(payload), Some(signature), true) =
            (protected.as_bytes(), payload.as_bytes(), signature.as_array_of::<64>(), unprotected.is_empty())
        else {
            return Err(Refusal::NotSign1);
        };
        let (algorithm, kid) = read_header(&read(protected)?).ok_or(Refusal::NotSign1)?;
        let signed = to_be_signed(protected, payload);
        Ok(Self { algorithm, kid, payload: read(payload)?, signed, signature })
    }

    /// Whether `key` signed it: the algorithm must be allowed and be the key's own, and is asked before the signature.
    pub(crate) fn check(&self, key: &PublicKey) -> Result<(), Refusal> {
        match Algorithm::of_number(self.algorithm) {
            None => Err(Refusal::AlgorithmNotAllowed),
            Some(algorithm) if algorithm != key.algorithm() => Err(Refusal::AlgorithmNotOfKey),
            Some(_) if key.verifies(&self.signed, &self.signature) => Ok(()),
            Some(_) => Err(Refusal::BadSignature),
        }
    }

    /// Signs a payload.
    pub(crate) fn write(key: &SecretKey, with_kid: bool, payload: &Value) -> Vec<u8> {
        const SMALL: &str = "what is issued is far below the limits of a record";
        let public = key.public();
        let mut header = vec![(Value::Int(ALG), Value::Int(public.algorithm().number()))];
        if with_kid {
            header.push((Value::Int(KID), Value::bytes(public.kid().0)));
        }
        let protected = Value::Map(header).encode().expect(SMALL);
        let payload = payload.encode().expect(SMALL);
        let signature = key.sign(&to_be_signed(&protected, &payload));
        let parts = vec![
            Value::Bytes(protected),
            Value::Map(Vec::new()),
            Value::Bytes(payload),
            Value::bytes(signature),
        ];
        let mut bytes = vec![TAG];
        bytes.extend(Value::Array(parts).encode().expect(SMALL));
        bytes
    }
}

/// The `Sig_structure`.
fn to_be_signed(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    let parts =
        vec![Value::text("Signature1"), Value::bytes(protected), Value::bytes([]), Value::bytes(payload)];
    Value::Array(parts)
        .encode()
        .expect("no longer than the message it was read from, which was within the limits")
}

fn read(bytes: &[u8]) -> Result<Value, Refusal> {
    let value = Value::decode(bytes).map_err(|_| Refusal::NotDeterministic)?;
    if depth(&value) > MAX_DEPTH { Err(Refusal::TooDeep) } else { Ok(value) }
}

/// How deep it is nested. The reader has bounded that before, at [`ledger::MAX_DEPTH`].
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Map(entries) => {
            1 + entries.iter().map(|(key, value)| depth(key).max(depth(value))).max().unwrap_or(0)
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Bytes(_) | Value::Text(_) => 0,
    }
}

fn read_header(header: &Value) -> Option<(i64, Option<Kid>)> {
    let Value::Map(entries) = header else { return None };
    match entries.as_slice() {
        [(Value::Int(ALG), Value::Int(algorithm))] => Some((*algorithm, None)),
        [(Value::Int(ALG), Value::Int(algorithm)), (Value::Int(KID), kid)] => {
            Some((*algorithm, Some(Kid(kid.as_array_of()?))))
        }
        _ => None,
    }
}
