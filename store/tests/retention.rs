//! What is older than it may be is taken away, and the log still proves that nothing else was.
#![allow(clippy::unwrap_used)]

mod common;

use std::{fs, path::Path};

use common::*;
use gate::{CredentialKind, DurableLog, Entry, Local, Now, Period, PersonId, RecordId, Wall};
use ledger::{Page, RunId};
use rusqlite::Connection;
use store::{
    By, Enrolment, FileKey, KeyPort, MAX_EMPTIED, NewEntitlement, Owner, Retention, Role, Store, StoreError,
    Synchronous, What, read_head, verify_export,
};

const DAY: u64 = 86_400;

fn days_later(days: u64) -> Now {
    at(days * DAY)
}

fn vault(directory: &Path) -> Connection {
    let connection = Connection::open(directory.join("genkan.db")).unwrap();
    let key = FileKey::beside(directory).load().unwrap();
    connection.pragma_update(None, "key", key.page_key().as_str()).unwrap();
    connection
}

struct Season {
    directory: tempfile::TempDir,
    store: Store,
    alice: PersonId,
    /// A visit that was let in, one that was refused, a correction of the first, and a departure: all of the first day.
    old: [RecordId; 4],
    /// A visit of day 60.
    new: RecordId,
}

/// One coupon is used on day 0, one on day 60.
fn season() -> Season {
    let (directory, mut store) = fresh();
    let (alice, _) = store.enrol(at(1), enrolment("青木", [1.0, 0.0, 0.0, 0.0])).unwrap();
    let book = NewEntitlement { period: Period::ALWAYS, coupons: Some(11) };
    store.add_entitlement(at(2), alice, book, By::Console).unwrap();
    let mut door = Door::for_coupons(true);
    door.knows(store.roster().unwrap());
    let granted = door.visit(&mut store, Some(alice), |_, _| {}).unwrap();
    let refused = door.visit(&mut store, None, |_, _| {}).unwrap();
    let party = [gate::Entrant { person: alice, fee: None, uses: None, stale: false, again: false }];
    let uses = store.roster().unwrap().get(alice).unwrap().entitlements[0].id;
    let party = party.map(|it| gate::Entrant { uses: Some(uses), ..it });
    let why = store::CorrectionWhy::WrongClass;
    let corrected = store.correct_visit(door.now(), granted, &party, &[], why, By::Console).unwrap();
    let left = store.append(door.now(), &Entry::Left(alice)).unwrap();
    door.wait(60 * DAY);
    door.knows(store.roster().unwrap());
    let new = door.visit(&mut store, Some(alice), |_, _| {}).unwrap();
    Season { directory, store, alice, old: [granted, refused, corrected, left], new }
}

fn used(store: &Store, person: PersonId) -> u32 {
    store.roster().unwrap().get(person).unwrap().entitlements[0].coupons.unwrap().used_here
}

fn is_emptied(store: &Store, record: RecordId) -> bool {
    let kept = store.record(record).unwrap().unwrap();
    assert_eq!(
        kept.bytes.is_empty(),
        matches!(store.read(&kept), Err(StoreError::Emptied(it)) if it == record)
    );
    kept.bytes.is_empty()
}

#[test]
fn what_is_older_than_its_days_is_taken_away_and_the_rest_stays() {
    let Season { mut store, alice, old, new, .. } = season();
    let day = store.visit(old[0]).unwrap().unwrap().day.unwrap();
    let counts = store.counts(day).unwrap();
    let rules = Retention::default();
    let _ = store.apply_retention(days_later(61), &rules).unwrap();
    let now: Vec<bool> = old.iter().map(|record| is_emptied(&store, *record)).collect();
    assert_eq!(now, [false, true, false, false], "only the refusal is old enough");
    let done = store.apply_retention(days_later(92), &rules).unwrap();
    assert_eq!((done.visits, done.records, done.more), (2, 3, false));
    assert!(old.iter().all(|record| is_emptied(&store, *record)) && !is_emptied(&store, new));
    assert_eq!(store.counts(day).unwrap(), counts, "counts stay");
    assert_eq!(used(&store, alice), 2, "a coupon that was used stays used");
    let visit = |record| store.visit(record).unwrap().unwrap();
    assert_eq!(
        (visit(old[2]).person, visit(old[2]).entrants[0].person, visit(old[2]).entrants[0].uses),
        (None, None, None)
    );
    assert_eq!(visit(new).person, Some(alice));
    let nothing = store.apply_retention(days_later(92), &rules).unwrap();
    assert_eq!(nothing, store::Retained::default());
}

#[test]
fn the_log_still_holds_and_the_audit_says_how_much_is_gone() {
    let Season { directory, mut store, old, .. } = season();
    let head = store.head().unwrap();
    let before = store.verify(None).unwrap();
    let _ = store.apply_retention(days_later(92), &Retention::default()).unwrap();
    let report = store.verify(Some(&head)).unwrap();
    assert!(report.is_sound(), "{:?}", report.findings);
    assert_eq!((report.removed, report.records), (4, before.records + 1));
    assert!(report.cannot_prove.iter().any(|it| it.contains("4 records")));
    drop(store);
    let report = open(directory.path()).verify(None).unwrap();
    assert!(report.is_sound() && report.removed == 4);
    let mut store = open(directory.path());
    let again =
        store.correct_visit(days_later(93), old[2], &[], &[], store::CorrectionWhy::NotEntered, By::Console);
    assert!(matches!(again, Err(StoreError::CannotCorrect(_))));
}

#[test]
fn an_exported_log_holds_as_well_with_the_key_and_without() {
    let Season { directory, mut store, .. } = season();
    let _ = store.apply_retention(days_later(92), &Retention::default()).unwrap();
    let out = directory.path().join("out");
    store.export(&out).unwrap();
    let head = read_head(&out.join("head.cbor")).unwrap();
    let pages = out.join("log.pages");
    let with_key = store.verify_export(&pages, Some(&head)).unwrap();
    assert!(with_key.is_sound() && with_key.removed == 4, "{:?}", with_key.findings);
    let without = verify_export(&pages, Some(&head), None, None).unwrap();
    assert!(without.is_sound() && without.removed == 4, "{:?}", without.findings);
    assert!(without.cannot_prove.iter().any(|it| it.contains("retention that emptied")));
    let lines = fs::read_to_string(out.join("log.jsonl")).unwrap();
    assert_eq!(lines.lines().filter(|line| line.contains("\"removed\":\"by retention\"")).count(), 4);
}

/// Somebody empties a record and nothing says so.
#[test]
fn a_record_that_somebody_else_emptied_is_named() {
    for and_the_pointer in [false, true] {
        let Season { directory, mut store, new, .. } = season();
        let done = store.apply_retention(days_later(92), &Retention::default()).unwrap();
        drop(store);
        let connection = vault(directory.path());
        let sql = "UPDATE records SET bytes = x'' WHERE seq = ?1 AND run = (SELECT number FROM runs WHERE run = ?2)";
        connection.execute(sql, (new.seq, new.run)).unwrap();
        if and_the_pointer {
            // A pointer to a record that is none of retention makes nothing right.
            connection.execute("UPDATE retained SET seq = 2", []).unwrap();
        }
        drop(connection);
        let report = open(directory.path()).verify(None).unwrap();
        let found: Vec<_> = report.findings.iter().map(|it| (it.run, it.seq, it.what.clone())).collect();
        assert!(found.contains(&(RunId(new.run), new.seq, What::Emptied)), "{found:?}");
        assert_eq!(found.len(), if and_the_pointer { 1 + done.records } else { 1 });
    }
}

#[test]
fn an_emptied_record_that_was_changed_moved_or_removed_is_found_as_any_other() {
    let changes = [
        "UPDATE records SET leaf = zeroblob(32) WHERE length(bytes) = 0 AND seq = {}",
        "UPDATE records SET sig = zeroblob(64) WHERE length(bytes) = 0 AND seq = {}",
        "DELETE FROM records WHERE length(bytes) = 0 AND seq = {}",
        "UPDATE records SET seq = seq + 1000 WHERE length(bytes) = 0 AND seq = {}",
    ];
    for change in changes {
        let Season { directory, mut store, old, .. } = season();
        let _ = store.apply_retention(days_later(92), &Retention::default()).unwrap();
        drop(store);
        let connection = vault(directory.path());
        connection.execute_batch("DELETE FROM open_grants; PRAGMA foreign_keys = OFF;").unwrap();
        let changed = connection.execute(&change.replace("{}", &old[1].seq.to_string()), []).unwrap();
        assert_eq!(changed, 1);
        drop(connection);
        let report = open(directory.path()).verify(None).unwrap();
        assert!(!report.is_sound(), "{change}");
    }
}

#[test]
fn a_log_whose_stub_was_changed_is_found() {
    let Season { directory, mut store, .. } = season();
    let _ = store.apply_retention(days_later(92), &Retention::default()).unwrap();
    let out = directory.path().join("out");
    store.export(&out).unwrap();
    let file = out.join("log.pages");
    let page = Page::decode(&fs::read(&file).unwrap()).unwrap();
    let stub = page.records.iter().position(|record| record.len() < 110).unwrap();
    for byte in [5, 60] {
        let mut changed = page.clone();
        changed.records[stub][byte] ^= 1;
        fs::write(&file, changed.encode().unwrap()).unwrap();
        let report = store.verify_export(&file, None).unwrap();
        assert!(!report.is_sound(), "byte {byte}");
    }
    // Of another record, which nobody may empty, only leaf and signature are left.
    let mut stolen = page.clone();
    let at = page.records.len() - 2;
    let record = store.record(RecordId { run: page.run.0, seq: page.first + at as u64 }).unwrap().unwrap();
    let parts = [ledger::Value::bytes(record.leaf.0), ledger::Value::bytes(record.sig)];
    stolen.records[at] = ledger::Value::Array(parts.into()).encode().unwrap();
    fs::write(&file, stolen.encode().unwrap()).unwrap();
    let report = store.verify_export(&file, None).unwrap();
    assert!(report.findings.iter().any(|it| it.what == What::Emptied), "{:?}", report.findings);
}

#[test]
fn nothing_is_taken_away_by_a_clock_that_may_be_wrong() {
    let Season { mut store, old, .. } = season();
    let right = days_later(92);
    let with = |unix_ms: i64, uncertainty_s| Now { wall: Some(Wall { unix_ms, uncertainty_s }), ..right };
    let unix_ms = right.wall.unwrap().unix_ms;
    let wrong = [
        Now { wall: None, ..right },
        with(unix_ms, 86_400),
        with(unix_ms, 3_601),
        with(days_later(59).wall.unwrap().unix_ms, 1),
        with(0, 1),
        with(i64::MAX, 1),
    ];
    for now in wrong {
        let refused = store.apply_retention(now, &Retention::default());
        assert!(matches!(refused, Err(StoreError::ClockNotPlausible(_))), "{now:?}: {refused:?}");
    }
    assert!(!is_emptied(&store, old[1]));
    assert!(store.apply_retention(with(unix_ms, 3_600), &Retention::default()).unwrap().record.is_some());
}

#[test]
fn visits_without_a_date_go_with_those_that_came_after_them() {
    let (_directory, mut store) = fresh();
    let (alice, _) = store.enrol(at(1), enrolment("青木", [1.0, 0.0, 0.0, 0.0])).unwrap();
    let timeless = |seconds: u64| Now { wall: None, ..at(seconds) };
    let mut door = Door::new();
    let mut visit = |store: &mut Store, now: Now| {
        let decision = door.decide(Some(alice));
        let committed = gate::commit(store, now, decision).unwrap();
        store.append(now, &Entry::Released(gate::Released::unknown(committed.record))).unwrap();
        committed.record
    };
    let undated = visit(&mut store, timeless(50));
    let dated = visit(&mut store, at(100));
    let later = visit(&mut store, timeless(200));
    assert_eq!(
        Local::at(at(100).wall.unwrap().unix_ms, 540).map(|it| it.date),
        store.visit(dated).unwrap().unwrap().day
    );
    let done = store.apply_retention(days_later(92), &Retention::default()).unwrap();
    assert_eq!((done.visits, done.records), (2, 2));
    assert!(is_emptied(&store, undated) && is_emptied(&store, dated) && !is_emptied(&store, later));
    assert!(store.verify(None).unwrap().is_sound());
}

#[test]
fn accesses_and_names_of_former_staff_have_their_days_too() {
    let (_directory, mut store) = fresh();
    let (alice, _) = store.enrol(at(1), enrolment("青木", [1.0; 4])).unwrap();
    store.record_access(at(2), alice, By::Console, "called").unwrap();
    let taro = store.add_staff(at(3), "Taro", Role::Reception, "1379", By::Console).unwrap();
    store.add_staff(at(3), "Hanako", Role::Supervisor, "1379", By::Console).unwrap();
    store.remove_staff(at(4), taro, By::Console).unwrap();
    let early = store.apply_retention(days_later(1_094), &Retention::default()).unwrap();
    assert_eq!((early.accesses, early.staff), (0, 0));
    let done = store.apply_retention(days_later(1_097), &Retention::default()).unwrap();
    assert_eq!((done.accesses, done.staff), (1, 1));
    assert!(store.accesses_of(alice).unwrap().is_empty());
    let names: Vec<String> = store.staff().unwrap().into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["", "Hanako"]);
}

#[test]
fn much_at_once_is_taken_in_parts_and_pages_that_begin_with_a_gap_still_hold() {
    let directory = tempfile::tempdir().unwrap();
    init(directory.path());
    // Thousands of visits: this is no test of what a power cut leaves.
    let options = options().synchronous(Synchronous::Off);
    let mut store = Store::open(directory.path(), &FileKey::beside(directory.path()), options).unwrap();
    let newborn = Enrolment { name: "x".into(), without_face: true, ..Enrolment::default() };
    let (x, _) = store.enrol(at(1), newborn).unwrap();
    store.bind_credential(at(1), Owner::Person(x), CredentialKind::Qr, b"1", By::Console).unwrap();
    let mut door = Door::new();
    let count = u64::from(MAX_EMPTIED) + 300;
    for _ in 0..count {
        let decision = door.decide(None);
        let _ = gate::commit(&mut store, at(100), decision).unwrap();
    }
    let first = store.apply_retention(days_later(60), &Retention::default()).unwrap();
    assert_eq!((first.records as u64, first.more), (u64::from(MAX_EMPTIED), true));
    let second = store.apply_retention(days_later(60), &Retention::default()).unwrap();
    assert_eq!((second.records, second.more), (300, false));
    let report = store.verify(None).unwrap();
    assert!(report.is_sound() && report.removed == count, "{:?}", report.findings);
    let out = directory.path().join("out");
    store.export(&out).unwrap();
    let report = store.verify_export(&out.join("log.pages"), None).unwrap();
    assert!(report.is_sound() && report.removed == count, "{:?}", report.findings);
}
