//! Whoever changes the log afterwards, in the vault or in an exported file, is found out, and the finding names the record.
#![allow(clippy::unwrap_used)]

mod common;

use std::{fs, path::Path};

use common::*;
use gate::{DurableLog, Entry, PersonId};
use ledger::{AuthorKey, Page, RunId, SignedHead};
use rusqlite::{Connection, params};
use store::{AuditError, FileKey, Finding, KeyPort, Report, What, read_head, verify_export};

/// Three processes, each with a run of 8 records.
fn three_runs() -> (tempfile::TempDir, Vec<RunId>) {
    let directory = tempfile::tempdir().unwrap();
    init(directory.path());
    let mut door = Door::new();
    let mut runs = Vec::new();
    for _ in 0..3 {
        let mut store = open(directory.path());
        let granted = door.visit(&mut store, Some(PersonId([1; 16])), |_, _| {}).unwrap();
        for _ in 0..5 {
            store.append(door.now(), &Entry::StaffCalled).unwrap();
        }
        runs.push(RunId(granted.run));
    }
    (directory, runs)
}

fn vault(directory: &Path) -> Connection {
    let connection = Connection::open(directory.join("genkan.db")).unwrap();
    let key = FileKey::beside(directory).load().unwrap();
    connection.pragma_update(None, "key", key.page_key().as_str()).unwrap();
    connection
}

/// Changes the vault as somebody could who has its key, and verifies what the kiosk then finds.
fn tampered(
    change: impl FnOnce(&Connection),
    outside: Option<&SignedHead>,
    directory: &Path,
) -> Vec<Finding> {
    let connection = vault(directory);
    change(&connection);
    drop(connection);
    open(directory).verify(outside).unwrap().findings
}

fn sql(statement: &str) -> impl FnOnce(&Connection) {
    move |connection| connection.execute_batch(statement).unwrap()
}

fn one(run: RunId, seq: u64, what: What) -> Vec<Finding> {
    vec![Finding { run, seq, what }]
}

#[test]
fn an_untouched_log_is_sound_and_says_what_it_cannot_prove() {
    let (directory, _) = three_runs();
    let mut store = open(directory.path());
    let report = store.verify(None).unwrap();
    assert!(report.is_sound(), "{:?}", report.findings);
    assert_eq!((report.runs, report.records), (3, 24));
    assert!(report.cannot_prove.iter().any(|it| it.contains("put back to an older state")));
    let head = store.head().unwrap();
    let report = store.verify(Some(&head)).unwrap();
    assert!(report.is_sound());
    assert!(!report.cannot_prove.iter().any(|it| it.contains("put back to an older state")));
}

#[test]
fn a_flipped_bit_is_found_wherever_it_is() {
    for (run, number) in [(0, 1), (2, 3)] {
        for seq in [0, 3, 7] {
            let (directory, runs) = three_runs();
            let flip = |connection: &Connection| {
                let place = (number, seq);
                let mut bytes: Vec<u8> = connection
                    .query_row("SELECT bytes FROM records WHERE run = ?1 AND seq = ?2", place, |row| {
                        row.get(0)
                    })
                    .unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 4;
                let sql = "UPDATE records SET bytes = ?3 WHERE run = ?1 AND seq = ?2";
                connection.execute(sql, params![number, seq, bytes]).unwrap();
            };
            let found = tampered(flip, None, directory.path());
            assert_eq!(found, one(runs[run], seq, What::Altered), "run {number}, record {seq}");
        }
    }
}

#[test]
fn a_changed_leaf_or_signature_is_found() {
    let (directory, runs) = three_runs();
    let found = tampered(
        sql("UPDATE records SET leaf = zeroblob(32) WHERE run = 2 AND seq = 4"),
        None,
        directory.path(),
    );
    assert_eq!(found, one(runs[1], 4, What::Altered));
    let (directory, runs) = three_runs();
    let found = tampered(
        sql("UPDATE records SET sig = zeroblob(64) WHERE run = 2 AND seq = 4"),
        None,
        directory.path(),
    );
    assert_eq!(found, one(runs[1], 4, What::SignatureAltered));
}

#[test]
fn a_record_that_was_removed_is_missed() {
    let (directory, runs) = three_runs();
    let found = tampered(sql("DELETE FROM records WHERE run = 2 AND seq = 4"), None, directory.path());
    assert_eq!(found, one(runs[1], 4, What::Missing { count: 1 }));
    let (directory, runs) = three_runs();
    let found =
        tampered(sql("DELETE FROM records WHERE run = 2 AND seq IN (0, 1, 5)"), None, directory.path());
    let expected =
        [one(runs[1], 0, What::Missing { count: 2 }), one(runs[1], 5, What::Missing { count: 1 })].concat();
    assert_eq!(found, expected);
}

#[test]
fn a_record_that_was_removed_is_missed_also_where_the_others_were_renumbered() {
    let (directory, runs) = three_runs();
    let renumber = "DELETE FROM records WHERE run = 2 AND seq = 4;
                    UPDATE records SET seq = 4 WHERE run = 2 AND seq = 5;
                    UPDATE records SET seq = 5 WHERE run = 2 AND seq = 6;
                    UPDATE records SET seq = 6 WHERE run = 2 AND seq = 7;";
    assert_eq!(tampered(sql(renumber), None, directory.path()), one(runs[1], 4, What::Missing { count: 1 }));
}

#[test]
fn two_records_that_were_swapped_are_named() {
    for (a, b) in [(2, 3), (1, 6), (3, 7)] {
        let (directory, runs) = three_runs();
        let swap = format!(
            "UPDATE records SET seq = 100 WHERE run = 2 AND seq = {a};
             UPDATE records SET seq = {a} WHERE run = 2 AND seq = {b};
             UPDATE records SET seq = {b} WHERE run = 2 AND seq = 100;"
        );
        let found = tampered(sql(&swap), None, directory.path());
        assert_eq!(found, one(runs[1], a, What::Swapped { with: b }), "{a} and {b}");
    }
}

#[test]
fn a_tail_that_was_cut_is_missed() {
    for run in [1, 3] {
        let (directory, runs) = three_runs();
        let cut = format!("DELETE FROM records WHERE run = {run} AND seq >= 6");
        let found = tampered(sql(&cut), None, directory.path());
        assert_eq!(found, one(runs[run - 1], 6, What::TailCut { length: 8 }));
    }
}

/// The kept head is put back as well: then a later run, or a head from outside, still tells.
#[test]
fn a_tail_that_was_cut_with_its_head_is_missed_by_the_next_run_or_a_head_from_outside() {
    let (directory, runs) = three_runs();
    let cut = |run: i64| {
        move |connection: &Connection| {
            let leaves: Vec<ledger::Leaf> = connection
                .prepare("SELECT leaf FROM records WHERE run = ?1 AND seq < 6 ORDER BY seq")
                .unwrap()
                .query_map([run], |row| Ok(ledger::Leaf(row.get(0)?)))
                .unwrap()
                .map(Result::unwrap)
                .collect();
            connection.execute("DELETE FROM records WHERE run = ?1 AND seq >= 6", [run]).unwrap();
            let root = ledger::root_of(&leaves).0;
            connection
                .execute("UPDATE runs SET length = 6, root = ?2 WHERE number = ?1", params![run, root])
                .unwrap();
        }
    };
    assert_eq!(tampered(cut(1), None, directory.path()), one(runs[0], 6, What::TailCut { length: 8 }));
    let (directory, runs) = three_runs();
    let head = open(directory.path()).head().unwrap();
    assert_eq!(tampered(cut(3), None, directory.path()), []);
    let found = open(directory.path()).verify(Some(&head)).unwrap().findings;
    assert_eq!(found, one(runs[2], 6, What::OlderCopy { length: 8 }));
}

#[test]
fn an_older_copy_of_the_whole_data_is_found_by_a_head_from_outside() {
    let (directory, runs) = three_runs();
    let old = fs::read(directory.path().join("genkan.db")).unwrap();
    let mut store = open(directory.path());
    let later = store.append(at(9_000), &Entry::StaffCalled).unwrap();
    let head = store.head().unwrap();
    drop(store);
    fs::write(directory.path().join("genkan.db"), old).unwrap();
    let store = open(directory.path());
    assert!(store.verify(None).unwrap().is_sound(), "from inside nobody can tell");
    let found = store.verify(Some(&head)).unwrap().findings;
    assert_eq!(found, one(RunId(later.run), 0, What::RunMissing { length: 2 }));
    assert!(!runs.contains(&RunId(later.run)));
}

#[test]
fn an_older_copy_from_within_a_run_is_found_by_a_head_from_outside() {
    let (directory, mut store) = fresh();
    let first = store.append(at(1), &Entry::StaffCalled).unwrap();
    let keep = ["genkan.db", "genkan.db-wal"].map(|name| directory.path().join(name));
    let old = keep.clone().map(|path| fs::read(path).unwrap());
    store.append(at(2), &Entry::StaffCalled).unwrap();
    let head = store.head().unwrap();
    drop(store);
    keep.iter().zip(old).for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
    let found = open(directory.path()).verify(Some(&head)).unwrap().findings;
    assert_eq!(found, one(RunId(first.run), 2, What::OlderCopy { length: 3 }));
}

#[test]
fn a_run_that_was_removed_is_missed_by_the_next() {
    let (directory, runs) = three_runs();
    let remove =
        "PRAGMA foreign_keys = OFF; DELETE FROM records WHERE run = 2; DELETE FROM runs WHERE number = 2;";
    let found = tampered(sql(remove), None, directory.path());
    assert_eq!(found, one(runs[1], 0, What::RunMissing { length: 8 }));
    let (directory, runs) = three_runs();
    let remove = "PRAGMA foreign_keys = OFF; DELETE FROM runs WHERE number = 3;";
    assert_eq!(tampered(sql(remove), None, directory.path()), one(runs[2], 0, What::Stray));
    let (directory, runs) = three_runs();
    let found = tampered(sql("DELETE FROM records WHERE run = 2"), None, directory.path());
    assert_eq!(found, one(runs[1], 0, What::TailCut { length: 8 }));
}

#[test]
fn a_head_of_another_device_is_refused() {
    let (directory, _) = three_runs();
    let (_other, mut other) = fresh();
    let head = other.head().unwrap();
    let refused = open(directory.path()).verify(Some(&head));
    assert!(matches!(refused, Err(AuditError::ForeignHead { .. })));
    let mut forged = open(directory.path()).head().unwrap();
    forged.sig[0] ^= 1;
    assert!(matches!(open(directory.path()).verify(Some(&forged)), Err(AuditError::ForeignHead { .. })));
}

// The same in an exported file.

struct Exported {
    data: tempfile::TempDir,
    out: tempfile::TempDir,
    runs: Vec<RunId>,
    head: SignedHead,
}

fn exported() -> Exported {
    let (data, runs) = three_runs();
    let out = tempfile::tempdir().unwrap();
    open(data.path()).export(out.path()).unwrap();
    let head = read_head(&out.path().join("head.cbor")).unwrap();
    Exported { data, out, runs, head }
}

fn read_pages(path: &Path) -> Vec<Page> {
    let (bytes, mut offset, mut pages) = (fs::read(path).unwrap(), 0, Vec::new());
    while offset < bytes.len() {
        let mut decoder = minicbor::Decoder::new(&bytes[offset..]);
        decoder.skip().unwrap();
        pages.push(Page::decode(&bytes[offset..offset + decoder.position()]).unwrap());
        offset += decoder.position();
    }
    pages
}

fn write_pages(path: &Path, pages: &[Page]) {
    fs::write(path, pages.iter().flat_map(|page| page.encode().unwrap()).collect::<Vec<u8>>()).unwrap();
}

impl Exported {
    fn pages(&self) -> std::path::PathBuf {
        self.out.path().join("log.pages")
    }

    /// With everything known: the vault's keys and the head.
    fn verify(&self) -> Report {
        open(self.data.path()).verify_export(&self.pages(), Some(&self.head)).unwrap()
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Page>)) -> Vec<Finding> {
        let mut pages = read_pages(&self.pages());
        change(&mut pages);
        write_pages(&self.pages(), &pages);
        let without_keys = verify_export(&self.pages(), Some(&self.head), None, None).unwrap().findings;
        let with_keys = self.verify().findings;
        assert_eq!(with_keys, without_keys, "keys are not needed to find it");
        with_keys
    }
}

#[test]
fn an_export_is_sound_with_and_without_keys_and_head() {
    let log = exported();
    let report = log.verify();
    assert!(report.is_sound(), "{:?}", report.findings);
    assert_eq!((report.runs, report.records), (3, 24));
    let report = verify_export(&log.pages(), None, None, None).unwrap();
    assert!(report.is_sound() && report.cannot_prove.iter().any(|it| it.contains("whose log this is")));
    let author = AuthorKey::from_bytes([1; 32]).id();
    let of_another = verify_export(&log.pages(), None, Some(author), None).unwrap();
    assert!(!of_another.is_sound());
}

#[test]
fn an_export_for_reading_has_a_line_for_each_record_and_nothing_personal() {
    let (data, mut store) = fresh();
    let (alice, _) = store.enrol(at(1), enrolment("Hanako", [0.25, 0.5, 0.5, 0.5])).unwrap();
    store.revoke(at(2), alice, "Hanako moved away").unwrap();
    let out = tempfile::tempdir().unwrap();
    store.export(out.path()).unwrap();
    let text = fs::read_to_string(out.path().join("log.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = lines.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["Open", "Enrolled", "Revoked"]);
    assert_eq!(lines[1]["fields"]["person"], alice.to_string());
    assert_eq!(lines[1]["clock"]["uptime_ms"], 1_000);
    assert!(!text.contains("Hanako"));
    let names: Vec<_> = fs::read_dir(out.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    drop(data);
}

#[test]
fn a_flipped_bit_in_an_exported_record_is_named() {
    for seq in [0, 1, 4, 7] {
        for part in [2, 3, 5] {
            let log = exported();
            let found = log.change(|pages| {
                let bytes = &mut pages[1].records[seq];
                let place = bytes.len() * part / 6;
                bytes[place] ^= 1;
            });
            assert_eq!(found, one(log.runs[1], seq as u64, What::Altered), "record {seq}, at {part}/6");
        }
    }
}

/// One bit in every byte of a small log: none can be flipped unnoticed.
#[test]
fn no_byte_of_an_exported_log_can_be_changed_unnoticed() {
    let (data, mut store) = fresh();
    store.append(at(1), &Entry::StaffCalled).unwrap();
    drop(store);
    let mut store = open(data.path());
    store.append(at(2), &Entry::StaffCalled).unwrap();
    store.export(data.path()).unwrap();
    let path = data.path().join("log.pages");
    let head = read_head(&data.path().join("head.cbor")).unwrap();
    let sound = fs::read(&path).unwrap();
    for place in 0..sound.len() {
        let mut flipped = sound.clone();
        flipped[place] ^= 1 << (place % 8);
        fs::write(&path, &flipped).unwrap();
        let report = verify_export(&path, Some(&head), None, None).unwrap();
        assert!(!report.is_sound(), "byte {place}");
    }
}

#[test]
fn a_record_removed_from_an_export_is_missed() {
    for seq in [0, 4, 6] {
        let log = exported();
        let found = log.change(|pages| drop(pages[1].records.remove(seq)));
        assert_eq!(found[0], one(log.runs[1], seq as u64, What::Missing { count: 1 })[0], "{found:?}");
    }
}

#[test]
fn two_records_swapped_in_an_export_are_named() {
    for (a, b) in [(2, 3), (1, 6), (3, 7), (6, 7)] {
        let log = exported();
        let found = log.change(|pages| pages[1].records.swap(a, b));
        assert_eq!(found, one(log.runs[1], a as u64, What::Swapped { with: b as u64 }), "{a} and {b}");
    }
}

#[test]
fn a_tail_cut_from_an_export_is_missed() {
    let log = exported();
    let found = log.change(|pages| pages[2].records.truncate(5));
    assert_eq!(found, one(log.runs[2], 5, What::TailCut { length: 8 }));
    let log = exported();
    let found = log.change(|pages| pages[0].records.truncate(5));
    assert_eq!(found, one(log.runs[0], 5, What::TailCut { length: 8 }), "the next run names it");
    let log = exported();
    let found = log.change(|pages| drop(pages.pop()));
    assert_eq!(found, one(log.runs[2], 0, What::RunMissing { length: 8 }));
}

#[test]
fn an_export_cut_in_the_middle_of_a_page_says_where() {
    let log = exported();
    let bytes = fs::read(log.pages()).unwrap();
    fs::write(log.pages(), &bytes[..bytes.len() - 10]).unwrap();
    let found = log.verify().findings;
    assert!(found.contains(&one(log.runs[2], 0, What::RunMissing { length: 8 })[0]), "{found:?}");
    assert!(found.iter().any(|it| matches!(it.what, What::Unreadable { .. })));
}

#[test]
fn an_older_export_is_found_by_a_newer_head() {
    let log = exported();
    let mut store = open(log.data.path());
    let later = store.append(at(9_000), &Entry::StaffCalled).unwrap();
    let newer = store.head().unwrap();
    let found = store.verify_export(&log.pages(), Some(&newer)).unwrap().findings;
    assert_eq!(found, one(RunId(later.run), 0, What::RunMissing { length: 2 }));
    let out = tempfile::tempdir().unwrap();
    store.export(out.path()).unwrap();
    store.append(at(9_001), &Entry::StaffCalled).unwrap();
    let newer = store.head().unwrap();
    let found = store.verify_export(&out.path().join("log.pages"), Some(&newer)).unwrap().findings;
    assert_eq!(found, one(RunId(later.run), 2, What::OlderCopy { length: 3 }));
}

#[test]
fn pages_of_a_long_run_are_examined_together() {
    let (data, mut store) = fresh();
    let people = (0..1_200u32).map(|i| enrolment(&format!("P{i}"), [1.0, i as f32, 0.5, 0.0]));
    let run = RunId(store.enrol_many(at(1), people).unwrap()[0].1.run);
    let out = tempfile::tempdir().unwrap();
    store.export(out.path()).unwrap();
    drop(store);
    let head = read_head(&out.path().join("head.cbor")).unwrap();
    let log = Exported { data, out, runs: vec![run], head };
    let pages = read_pages(&log.pages());
    assert!(pages.len() >= 3);
    assert!(log.verify().is_sound());
    let second = pages[1].first;
    for (change, expected) in [
        (
            Box::new(|pages: &mut Vec<Page>| drop(pages.remove(1))) as Box<dyn FnOnce(&mut Vec<Page>)>,
            What::Missing { count: pages[1].records.len() as u64 },
        ),
        (Box::new(|pages: &mut Vec<Page>| drop(pages[1].records.remove(0))), What::Missing { count: 1 }),
        (Box::new(|pages: &mut Vec<Page>| pages[1].records[0][60] ^= 1), What::Altered),
    ] {
        assert_eq!(log.change(change), one(run, second, expected));
        write_pages(&log.pages(), &pages);
    }
    let last = pages[1].records.len() - 1;
    let found = log.change(|pages| pages[1].sig[0] ^= 1);
    assert_eq!(found, one(run, second + last as u64, What::SignatureAltered));
}

/// Edits of pages by somebody without the author's key, by seed: whatever they are, they do not pass.
#[test]
fn no_rearrangement_of_an_exported_log_passes() {
    let log = exported();
    let sound = read_pages(&log.pages());
    let mut seed = Seeded(11);
    let mut below = |bound: usize| (seed.next() % bound as u64) as usize;
    for round in 0..150 {
        let mut pages = sound.clone();
        for _ in 0..=below(3) {
            let (page, other) = (below(pages.len()), below(pages.len()));
            let (a, b) = (below(pages[page].records.len()), below(pages[other].records.len()));
            match below(7) {
                0 if pages[page].records.len() > 1 => drop(pages[page].records.remove(a)),
                1 => {
                    let copy = pages[page].records[a].clone();
                    pages[page].records.insert(a, copy);
                }
                2 => pages[page].records[a] = pages[other].records[b].clone(),
                3 => pages[page].records.truncate(a.max(1)),
                4 => pages[page].first += 1,
                5 => pages[page].sig = pages[other].sig,
                _ => {
                    let copy = pages[page].clone();
                    pages.push(copy);
                }
            }
        }
        if pages != sound {
            write_pages(&log.pages(), &pages);
            let report = verify_export(&log.pages(), Some(&log.head), None, None).unwrap();
            assert!(!report.is_sound(), "round {round}");
        }
    }
}
