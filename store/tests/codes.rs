//! Codes and the registry's word, across restarts.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use credentials::{
    Algorithm, CodeUse, FEED, KINDS, PageRefused, Refusal, SecretKey, Statement, Time, Uses, Voucher,
};
use gate::{Monotonic, Now, Wall};
use ledger::{AuthorKey, Body, Clock, KeyId, Open, RunId, RunWriter, Seal, Why, paginate};
use store::{By, FileKey, Init, OpenOptions, Store, StoreError, Words};

const UNIX_S: i64 = 1_800_000_000;

fn now() -> Now {
    let wall = Some(Wall { unix_ms: UNIX_S * 1000, uncertainty_s: 1 });
    Now { mono: Monotonic::from_micros(1), wall }
}

fn time(earliest_s: i64) -> Time {
    Time::Known { earliest_s, latest_s: earliest_s + 1 }
}

fn init(directory: &Path) -> Store {
    let words = || Words { japanese: "x".to_owned(), english: "x".to_owned() };
    let notice = Init { facility: "x".to_owned(), operator: words(), purpose: words(), contact: words() };
    Store::init(directory, &FileKey::beside(directory), &notice).unwrap();
    open(directory)
}

fn open(directory: &Path) -> Store {
    Store::open(directory, &FileKey::beside(directory), OpenOptions::new([0; 16])).unwrap()
}

fn registry(byte: u8) -> (AuthorKey, Voucher) {
    let author = AuthorKey::from_bytes([byte; 32]);
    let registry = author.id();
    (author, Voucher { tenant: "見本市".to_owned(), registry })
}

/// One page for each of the first `count` statements, all of one run.
fn pages(author: &AuthorKey, count: u8) -> Vec<Vec<u8>> {
    let clock = Clock { boot: [0; 16], uptime_ms: 1, wall_ms: None, uncertainty_s: 0 };
    let open = Open {
        author: author.id(),
        key: KeyId([0; 16]),
        feed: FEED.to_owned(),
        why: Why::Start,
        priors: vec![],
        version: KINDS,
    };
    let (mut writer, first) = RunWriter::open(author, RunId([1; 16]), &open, clock, Seal::Plain).unwrap();
    let mut pages = paginate(&[first]);
    for number in 1..=count {
        let key = SecretKey::from_bytes(Algorithm::EdDsa, &[number; 32]).unwrap().public();
        let added = Statement::IssuerAdded { version: number.into(), key, issuer: "x".to_owned() };
        let (kind, fields) = added.to_fields();
        let body = Body { kind: kind.to_owned(), clock, fields, personal: None };
        pages.extend(paginate(&[writer.append(author, &body, &[], Seal::Plain).unwrap()]));
    }
    pages.iter().map(|page| page.encode().unwrap()).collect()
}

fn slices(pages: &[Vec<u8>]) -> Vec<&[u8]> {
    pages.iter().map(Vec::as_slice).collect()
}

#[test]
fn the_registrys_word_survives_a_restart_in_whatever_order_it_came() {
    let directory = tempfile::tempdir().unwrap();
    let (author, voucher) = registry(7);
    let mut store = init(directory.path());
    assert!(matches!(store.control(), Err(StoreError::NoRegistry)));
    assert!(store.pin_registry(now(), &voucher, By::Console).unwrap().is_some());
    assert_eq!(store.pin_registry(now(), &voucher, By::Console).unwrap(), None);
    let pages = pages(&author, 4);
    let mut shuffled = slices(&pages);
    shuffled.reverse();
    let import = store.import_control(now(), &shuffled, By::Console).unwrap();
    assert_eq!((import.new_records, import.refused.len(), import.record.is_some()), (5, 0, true));
    let again = store.import_control(now(), &slices(&pages), By::Console).unwrap();
    assert_eq!((again.new_records, again.record), (0, None));
    let trust = store.control().unwrap().trust().clone();
    drop(store);
    let mut store = open(directory.path());
    assert_eq!(store.control().unwrap().trust(), &trust);
    assert_eq!((trust.version(), trust.issuers().count()), (4, 4));
    // An older copy of the feed takes nothing back.
    store.import_control(now(), &slices(&pages[..2]), By::Console).unwrap();
    assert_eq!(store.control().unwrap().trust(), &trust);
}

#[test]
fn another_registry_is_not_believed() {
    let directory = tempfile::tempdir().unwrap();
    let (author, voucher) = registry(7);
    let (stranger, other) = registry(8);
    let mut store = init(directory.path());
    store.pin_registry(now(), &voucher, By::Console).unwrap();
    let pinned = store.pin_registry(now(), &other, By::Console);
    assert!(matches!(pinned, Err(StoreError::OtherRegistry(known)) if known == author.id()));
    let (good, bad) = (pages(&author, 1), pages(&stranger, 3));
    let import = store.import_control(now(), &[&bad[0], &good[0], &good[1]], By::Console).unwrap();
    assert!(matches!(import.refused[..], [(0, PageRefused::Ledger(_))]));
    assert_eq!((import.new_records, store.control().unwrap().trust().issuers().count()), (2, 1));
}

#[test]
fn a_used_code_is_refused_after_a_restart_until_it_is_over() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = init(directory.path());
    let code = CodeUse { digest: [3; 16], until_s: UNIX_S + 65 };
    assert_eq!(store.codes().ask(&code), Ok(()));
    assert!(store.use_code(now(), time(UNIX_S), code).unwrap().is_some());
    assert_eq!(store.use_code(now(), time(UNIX_S), code).unwrap(), None);
    drop(store);
    let mut store = open(directory.path());
    assert_eq!(store.codes().ask(&code), Err(Refusal::Replayed));
    let other = CodeUse { digest: [4; 16], until_s: UNIX_S + 500 };
    store.use_code(now(), time(UNIX_S + 65), other).unwrap();
    assert_eq!(store.codes().ask(&code), Err(Refusal::Replayed));
    store.use_code(now(), time(UNIX_S + 66), CodeUse { digest: [5; 16], ..other }).unwrap();
    assert_eq!(store.codes().ask(&code), Ok(()));
    assert_eq!(store.codes().ask(&other), Err(Refusal::Replayed));
    assert!(store.verify(None).unwrap().findings.is_empty());
}
