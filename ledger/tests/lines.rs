//! A line goes into a column of a store and comes back, or is refused.
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use ledger::*;

/// A replica of one run with this many records after its Open.
fn replica(records: usize) -> (Sync, Vec<SignedRecord>) {
    let (records, _) = write_run(&vec![(4, false); records]);
    let mut sync = Sync::new(Role::Registry, stranger().id(), stranger().id(), &Real);
    sync.step(0, Event::Wrote(Feed::of(Class::DeviceBulk), author().id(), records.clone()));
    (sync, records)
}

fn line_of(sync: &Sync) -> Line {
    sync.lines().next().unwrap().clone()
}

#[test]
fn a_line_of_every_length_comes_back_and_goes_on() {
    for length in 0..20 {
        let (sync, records) = replica(length + 1);
        let whole = line_of(&sync);
        let mut before = Sync::new(Role::Registry, stranger().id(), stranger().id(), &Real);
        let first = records[..=length].to_vec();
        before.step(0, Event::Wrote(Feed::of(Class::DeviceBulk), author().id(), first));
        let mut line = line_of(&before);
        line.emptied_below(length as u64);
        let again = Line::decode(&line.encode()).unwrap();
        assert_eq!((again.have(), again.priors()), (line.have(), line.priors()));
        assert_eq!(again.source(), line.source());
        let mut replica =
            Sync::restart(Role::Registry, stranger().id(), Members::new(stranger().id()), vec![again], &Real);
        let page = paginate(&records[length + 1..]).remove(0);
        replica.step(0, Event::Heard(Peer(1), Box::new(Message::Page(page))));
        assert_eq!(line_of(&replica).at(), whole.at(), "it goes on from {length}");
    }
}

#[test]
fn a_line_with_any_byte_changed_or_cut_is_refused() {
    let bytes = line_of(&replica(6).0).encode();
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        assert!(Line::decode(&changed).is_err(), "byte {place}");
        assert!(Line::decode(&bytes[..place]).is_err(), "cut at {place}");
    }
    assert!(Line::decode(&[&bytes[..], &[0]].concat()).is_err());
}

#[test]
fn parts_in_another_order_or_number_are_refused_though_the_sum_fits() {
    let bytes = line_of(&replica(6).0).encode();
    let value = Value::decode(&bytes).unwrap();
    let parts = &value.as_array().unwrap()[..9];
    let summed = |parts: Vec<Value>| {
        use sha2::{Digest, Sha256};
        let sum: [u8; 32] = Sha256::digest(Value::Array(parts.clone()).encode().unwrap()).into();
        let all = parts.into_iter().chain([Value::bytes(sum)]).collect();
        Line::decode(&Value::Array(all).encode().unwrap())
    };
    assert!(summed(parts.to_vec()).is_ok(), "unchanged");
    let with = |place: usize, value: Value| {
        let mut parts = parts.to_vec();
        parts[place] = value;
        summed(parts).is_err()
    };
    assert!(with(0, Value::Int(2)), "another version");
    assert!(with(3, Value::text("device/door")), "no feed");
    assert!(with(4, Value::Int(8)), "a length that the peaks do not have");
    assert!(with(7, Value::Int(8)), "emptied beyond its end");
    let mut swapped = parts.to_vec();
    swapped.swap(1, 4);
    assert!(summed(swapped).is_err());
    let empty = [(4, Value::Int(0)), (6, Value::Array(vec![])), (7, Value::Int(0))];
    let mut without_records = parts.to_vec();
    empty.into_iter().for_each(|(place, value)| without_records[place] = value);
    assert!(summed(without_records).is_err(), "a line without a record");
}
