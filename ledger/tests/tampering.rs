//! Between the author and the reader anything may happen to a page. Whatever is not exactly what the author wrote is
//! refused, and refusing leaves the reader where it was.
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use ledger::*;
use proptest::{collection, prelude::*, sample::Index};

/// Sizes and seals of the records after the Open.
fn runs(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<(usize, bool)>> {
    collection::vec((0usize..300, any::<bool>()), count)
}

/// The pages, of which one is changed, must be refused as a whole.
fn check_refused(mut page: Page, what: &str) {
    let refused = |page: &Page| page.encode().map_or(true, |bytes| verify(&[bytes]).is_err());
    assert!(refused(&page), "{what}");
    page.prev = Leaf([1; 32]);
    assert!(refused(&page), "{what}, another leaf before it");
}

#[test]
fn every_single_flipped_bit_of_a_page_is_seen() {
    let (records, prior) = write_run(&[(5, false), (5, true)]);
    let bytes = encode(&paginate(&records)).remove(0);
    assert_eq!(verify(std::slice::from_ref(&bytes)).unwrap().1, prior);
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(verify(&[changed]).is_err(), "bit {bit}");
    }
}

#[test]
fn a_removed_record_a_swapped_pair_and_a_cut_tail_are_told_apart_by_their_errors() {
    let (records, _) = write_run(&[(5, false), (6, false), (7, false)]);
    let good = paginate(&records).remove(0);
    let push = |change: &dyn Fn(&mut Page)| {
        let mut page = good.clone();
        change(&mut page);
        RunVerifier::new(None).push(&page).unwrap_err()
    };
    let removed = push(&|page| drop(page.records.remove(1)));
    assert_eq!(removed, Error::Gap { run: RUN, expected: 1, found: 2 });
    let swapped = push(&|page| page.records.swap(1, 2));
    assert_eq!(swapped, Error::Gap { run: RUN, expected: 1, found: 2 });
    let doubled = push(&|page| page.records.insert(1, page.records[1].clone()));
    assert_eq!(doubled, Error::Repeated { run: RUN, expected: 2, found: 1 });
    let cut = push(&|page| drop(page.records.pop()));
    assert_eq!(cut, Error::BadSignature { run: RUN, seq: 2 });
    let other = forge(AUTHOR_SECRET, RUN, 2, Leaf([9; 32]), plain_body("Note"));
    let replaced = push(&|page| page.records[2] = other.bytes.clone());
    assert_eq!(replaced, Error::ChainBroken { run: RUN, seq: 2 });
}

#[test]
fn a_record_exchanged_for_another_of_its_place_breaks_the_chain_after_it() {
    let (records, _) = write_run(&[(5, false), (6, false), (7, false)]);
    let mut page = paginate(&records).remove(0);
    page.records[1] = forge(AUTHOR_SECRET, RUN, 1, records[0].leaf, plain_body("Note")).bytes;
    assert_eq!(RunVerifier::new(None).push(&page), Err(Error::ChainBroken { run: RUN, seq: 2 }));
}

#[test]
fn a_tail_cut_at_a_page_end_shows_only_against_a_head() {
    let (records, head) = write_run(&[(5, false), (6, false)]);
    let seen = verify(&encode(&paginate(&records[..2]))).unwrap().1;
    assert_eq!((seen.length, head.length), (2, 3));
    assert_ne!(seen, head);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_run_arrives_whole_however_it_is_cut_into_pages(
        entries in runs(0..40),
        cuts in collection::vec(any::<Index>(), 0..6),
    ) {
        let (records, prior) = write_run(&entries);
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(records.len())).chain([0, records.len()]).collect();
        ends.sort_unstable();
        let pages: Vec<Page> = ends.windows(2).flat_map(|pair| paginate(&records[pair[0]..pair[1]])).collect();
        let (read, end) = verify(&encode(&pages)).unwrap();
        prop_assert_eq!(end, prior);
        prop_assert_eq!(end.root, root_of(&records.iter().map(|record| record.leaf).collect::<Vec<_>>()));
        let bytes = |record: &Record| record.bytes().to_vec();
        prop_assert!(read.iter().map(bytes).eq(records.iter().map(|record| record.bytes.clone())));
    }

    #[test]
    fn one_flipped_bit_anywhere_in_a_page_is_seen(entries in runs(1..20), bit in any::<Index>()) {
        let mut bytes = encode(&paginate(&write_run(&entries).0)).remove(0);
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(verify(&[bytes]).is_err());
    }

    #[test]
    fn removal_exchange_doubling_and_truncation_within_a_page_are_seen(
        entries in runs(2..20),
        one in any::<Index>(),
        two in any::<Index>(),
    ) {
        let good = paginate(&write_run(&entries).0).remove(0);
        let count = good.records.len();
        let (one, two) = (one.index(count), two.index(count));
        let change = |change: &dyn Fn(&mut Vec<Vec<u8>>), what| {
            let mut page = good.clone();
            change(&mut page.records);
            check_refused(page, what);
        };
        change(&|records| drop(records.remove(one)), "removed");
        change(&|records| records.insert(two, records[one].clone()), "doubled");
        change(&|records| records.truncate(one), "truncated");
        if one != two {
            change(&|records| records.swap(one, two), "swapped");
        }
    }

    #[test]
    fn pages_out_of_place_change_nothing(entries in runs(3..20), middle in any::<Index>()) {
        let (records, prior) = write_run(&entries);
        let middle = 1 + middle.index(records.len() - 1);
        let (first, second) = (&paginate(&records[..middle])[0], &paginate(&records[middle..])[0]);
        let mut verifier = RunVerifier::new(Some(author().id()));
        let gap = Err(Error::Gap { run: RUN, expected: 0, found: middle as u64 });
        prop_assert_eq!(verifier.push(second), gap.clone(), "a run begins at its beginning");
        prop_assert_eq!(RunVerifier::new(None).push(second), gap);
        prop_assert_eq!(verifier.prior(), None);
        verifier.push(first).unwrap();
        let before = verifier.prior();
        let repeated = matches!(verifier.push(first), Err(Error::Repeated { found: 0, .. }));
        prop_assert!(repeated);
        prop_assert_eq!(verifier.prior(), before);
        let unsigned = Page { sig: first.sig, ..second.clone() };
        let bad = Err(Error::BadSignature { run: RUN, seq: prior.length - 1 });
        prop_assert_eq!(verifier.push(&unsigned), bad);
        prop_assert_eq!(verifier.prior(), before);
        verifier.push(second).unwrap();
        prop_assert_eq!(verifier.prior(), Some(prior));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_page_with_bytes_put_in_taken_out_or_overwritten_is_refused_without_a_panic(
        entries in runs(1..6),
        edits in collection::vec((any::<Index>(), 0u8..3, any::<u8>()), 1..5),
    ) {
        let good = encode(&paginate(&write_run(&entries).0)).remove(0);
        let mut bytes = good.clone();
        for (place, edit, byte) in edits {
            let place = place.index(bytes.len());
            match edit {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                _ => drop(bytes.remove(place)),
            }
        }
        prop_assert_eq!(verify(std::slice::from_ref(&bytes)).is_ok(), bytes == good);
    }

    #[test]
    fn random_bytes_are_no_page_record_head_or_checkpoint(bytes in collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Page::decode(&bytes).is_err());
        prop_assert!(Record::parse(&bytes).is_err());
        prop_assert!(SignedHead::decode(&bytes).is_err());
        prop_assert!(Checkpoint::verify(&String::from_utf8_lossy(&bytes), author().id()).is_err());
    }

    #[test]
    fn sound_values_of_the_wrong_shape_are_refused_without_a_panic(
        parts in collection::vec(prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::Int),
            prop_oneof![Just(16usize), Just(32), Just(64), 0usize..70].prop_map(|n| Value::Bytes(vec![7; n])),
            Just(Value::Array(vec![])),
            Just(Value::Array(vec![Value::Bytes(vec![1])])),
            Just(Value::Array(vec![Value::Bytes(vec![0x82, 0x80, 0x80])])),
            Just(Value::Map(vec![])),
            Just(plain_body("Open")),
        ], 0..8),
    ) {
        let bytes = Value::Array(parts).encode().unwrap();
        prop_assert!(Record::parse(&bytes).is_err());
        prop_assert!(SignedHead::decode(&bytes).is_err());
        if let Ok(page) = Page::decode(&bytes) {
            prop_assert!(RunVerifier::new(None).push(&page).is_err());
        }
    }
}
