//! What every test of the ledger needs: fixed keys, a clock that stands still, and runs to play with.
#![allow(dead_code, clippy::unwrap_used)]

use ed25519_dalek::{Signer, SigningKey};
use ledger::*;

pub(crate) const RUN: RunId = RunId([0x10; 16]);
pub(crate) const GROUP: GroupId = GroupId([0x20; 16]);
pub(crate) const SIGNING_KEY: KeyId = KeyId([0x30; 16]);
pub(crate) const AUTHOR_SECRET: [u8; 32] = [0x41; 32];
pub(crate) const GROUP_SECRET: [u8; 32] = [0x42; 32];
pub(crate) const PERSON_SECRET: [u8; 32] = [0x43; 32];

pub(crate) fn author() -> AuthorKey {
    AuthorKey::from_bytes(AUTHOR_SECRET)
}

pub(crate) fn stranger() -> AuthorKey {
    AuthorKey::from_bytes([0x4f; 32])
}

pub(crate) fn group_key() -> GroupKey {
    GroupKey::from_bytes(GROUP_SECRET)
}

pub(crate) fn person_key() -> PersonKey {
    PersonKey::from_bytes(PERSON_SECRET)
}

pub(crate) fn clock() -> Clock {
    Clock { boot: [0x50; 16], uptime_ms: 123_456, wall_ms: Some(1_790_000_000_000), uncertainty_s: 2 }
}

pub(crate) fn open_of(author: AuthorId) -> Open {
    let (feed, why) = ("device/bulk".to_owned(), Why::Start);
    Open { author, key: SIGNING_KEY, feed, why, priors: vec![], version: 1 }
}

pub(crate) fn body(kind: &str, fields: &[(&str, Value)]) -> Body {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Body { kind: kind.to_owned(), clock: clock(), fields, personal: None }
}

/// A seal to the group, with a nonce of its own per number.
pub(crate) fn sealed(key: &GroupKey, number: u64) -> Seal<'_> {
    let mut nonce = [0x60; 24];
    nonce[..8].copy_from_slice(&number.to_be_bytes());
    Seal::Group { group: GROUP, epoch: 3, key, nonce }
}

/// A run with an Open and one record per entry: its size in bytes, about, and whether it is sealed.
pub(crate) fn write_run(entries: &[(usize, bool)]) -> (Vec<SignedRecord>, Prior) {
    let (author, key) = (author(), group_key());
    let (mut writer, first) =
        RunWriter::open(&author, RUN, &open_of(author.id()), clock(), Seal::Plain).unwrap();
    let mut records = vec![first];
    for (number, (size, is_sealed)) in entries.iter().enumerate() {
        let body = body("Note", &[("content", Value::Bytes(vec![number as u8; *size]))]);
        let seal = if *is_sealed { sealed(&key, number as u64) } else { Seal::Plain };
        records.push(writer.append(&author, &body, &[], seal).unwrap());
    }
    (records, writer.prior())
}

/// Reads pages as they arrive from somewhere, all of one run from its beginning.
pub(crate) fn verify(pages: &[Vec<u8>]) -> Result<(Vec<Record>, Prior), Error> {
    let mut verifier = RunVerifier::new(Some(author().id()));
    let mut records = Vec::new();
    for bytes in pages {
        records.extend(verifier.push(&Page::decode(bytes)?)?);
    }
    Ok((records, verifier.prior().unwrap()))
}

pub(crate) fn encode(pages: &[Page]) -> Vec<Vec<u8>> {
    pages.iter().map(|page| page.encode().unwrap()).collect()
}

/// What an author that breaks the rules could write: any header and body, hashed and signed as they should be, without
/// the help of the crate's own writer.
pub(crate) fn forge(secret: [u8; 32], run: RunId, seq: u64, prev: Leaf, content: Value) -> SignedRecord {
    let header = Value::Array(vec![
        Value::Int(1),
        Value::bytes(run.0),
        Value::Int(seq as i64),
        Value::bytes(prev.0),
        Value::Null,
        Value::Int(0),
        Value::Array(vec![]),
    ]);
    let bytes = Value::Array(vec![header, content]).encode().unwrap();
    let leaf = leaf_of(&bytes);
    let message = [&b"genkan record 1\0"[..], &run.0, &seq.to_be_bytes(), &leaf.0].concat();
    let sig = SigningKey::from_bytes(&secret).sign(&message).to_bytes();
    SignedRecord { run, seq, bytes, leaf, sig }
}

/// The map of a plain body.
pub(crate) fn plain_body(kind: &str) -> Value {
    let clock = vec![Value::bytes([0; 16]), Value::Int(0), Value::Null, Value::Int(0)];
    Value::Map(vec![(Value::text("kind"), Value::text(kind)), (Value::text("clock"), Value::Array(clock))])
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}
