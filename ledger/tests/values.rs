//! One value has one encoding, and whatever else arrives is refused without harm.
#![allow(clippy::unwrap_used)]

mod common;
use common::{hex, unhex};
use ledger::{Error, MAX_DEPTH, MAX_RECORD, Value};
use proptest::{collection, prelude::*};

fn check_refused(bytes: &str, expected: &str) {
    match Value::decode(&unhex(bytes)) {
        Err(Error::NotCanonical { why, .. }) => assert!(why.contains(expected), "{bytes}: {why}"),
        Err(other) => panic!("{bytes}: {other}"),
        Ok(_) => panic!("{bytes}: accepted"),
    }
}

#[test]
fn a_second_spelling_of_a_value_is_refused() {
    for longer in [
        "1800",
        "1817",
        "190017",
        "1900ff",
        "1a0000ffff",
        "1b00000000ffffffff",
        "3800",
        "5800",
        "7800",
        "9800",
        "b800",
    ] {
        check_refused(longer, "shortest");
    }
    check_refused("a2616201616100", "order");
    check_refused("a2616100616100", "twice");
    check_refused("a2616100616101", "twice");
    check_refused("a26261610061620 1".replace(' ', "").as_str(), "order");
}

#[test]
fn what_is_no_value_of_ours_is_refused() {
    for (bytes, why) in [
        ("", "early"),
        ("0000", "after its end"),
        ("9fff", "indefinite"),
        ("bfff", "indefinite"),
        ("5f4100ff", "indefinite"),
        ("7f6161ff", "indefinite"),
        ("ff", "indefinite"),
        ("f97e00", "float"),
        ("fa00000000", "float"),
        ("fb0000000000000000", "float"),
        ("c000", "tag"),
        ("d9d9f700", "tag"),
        ("f7", "simple"),
        ("e0", "simple"),
        ("f820", "simple"),
        ("f814", "simple"),
        ("1b8000000000000000", "64 bits"),
        ("3b8000000000000000", "64 bits"),
        ("3bffffffffffffffff", "64 bits"),
        ("1c", ""),
        ("62c328", "UTF-8"),
        ("43aabb", "early"),
        ("8201", "early"),
        ("a101", "early"),
    ] {
        check_refused(bytes, why);
    }
}

#[test]
fn a_claimed_length_is_not_believed() {
    for claim in [
        "9bffffffffffffffff",
        "9b0000ffffffffffff00",
        "bb7fffffffffffffff",
        "5b7fffffffffffffff00",
        "7bffffffffffffffff61",
    ] {
        assert!(Value::decode(&unhex(claim)).is_err(), "{claim}");
    }
}

#[test]
fn nesting_and_size_end_where_the_constants_say() {
    let nested = |levels| (0..levels).fold(Value::Null, |value, _| Value::Array(vec![value]));
    let deepest = nested(MAX_DEPTH).encode().unwrap();
    assert!(Value::decode(&deepest).is_ok());
    assert!(matches!(nested(MAX_DEPTH + 1).encode(), Err(Error::NotCanonical { .. })));
    check_refused(&hex(&[&[0x81], &deepest[..]].concat()), "deep");
    check_refused(&"a100".repeat(MAX_RECORD / 2), "deep");

    let largest = Value::Bytes(vec![0; MAX_RECORD - 3]);
    let encoded = largest.encode().unwrap();
    assert_eq!(encoded.len(), MAX_RECORD);
    assert!(Value::decode(&encoded).is_ok());
    let limit = |result: Result<_, _>| matches!(result, Err(Error::TooLarge { limit: MAX_RECORD, .. }));
    assert!(limit(Value::Bytes(vec![0; MAX_RECORD - 2]).encode().map(|_| ())));
    assert!(limit(Value::decode(&vec![0x80; MAX_RECORD + 1]).map(|_| ())));
}

#[test]
fn debug_shows_the_shape_and_not_the_content() {
    let value = Value::Map(vec![(Value::text("secret name"), Value::Array(vec![Value::Int(424_242)]))]);
    let nested =
        Value::Array(vec![value, Value::text("Hanako"), Value::Int(424_242), Value::Bytes(vec![42; 3])]);
    let shown = format!("{nested:?}");
    assert_eq!(shown, "[Map(1), Text(6), Int, Bytes(3)]");
}

/// Any value, its maps in the order in which they are encoded.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (-300i64..300).prop_map(Value::Int),
        collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
        ".{0,12}".prop_map(Value::Text),
    ];
    leaf.prop_recursive(4, 60, 6, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            collection::vec((inner.clone(), inner), 0..6).prop_map(|mut entries| {
                entries.sort_by_key(|(key, _)| key.encode().unwrap());
                entries.dedup_by_key(|(key, _)| key.encode().unwrap());
                Value::Map(entries)
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_value_comes_back_as_it_was(value in values()) {
        let bytes = value.encode().unwrap();
        prop_assert!(Value::decode(&bytes).unwrap() == value, "{}", hex(&bytes));
    }

    #[test]
    fn the_order_in_which_entries_were_put_leaves_no_trace(
        entries in collection::btree_map("[a-z]{0,9}", any::<i64>(), 0..9),
    ) {
        let forward: Vec<_> = entries.iter().map(|(key, value)| (Value::text(key), Value::Int(*value))).collect();
        let backward = forward.iter().rev().cloned().collect();
        prop_assert_eq!(Value::Map(forward).encode(), Value::Map(backward).encode());
    }

    #[test]
    fn whatever_is_read_is_written_back_byte_for_byte(
        value in values(),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = value.encode().unwrap();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        if let Ok(read) = Value::decode(&bytes) {
            prop_assert_eq!(read.encode().unwrap(), bytes);
        }
    }

    #[test]
    fn random_bytes_are_read_without_a_panic(bytes in collection::vec(any::<u8>(), 0..200)) {
        if let Ok(read) = Value::decode(&bytes) {
            prop_assert_eq!(read.encode().unwrap(), bytes);
        }
    }
}
