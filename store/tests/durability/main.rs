//! No acknowledged record is ever lost, and no door was released without one: shown by cutting the power at every write
//! and every sync of a run of visits, over a disk that forgets whatever was not synced (`vfs`, `medium`).
//!
//! The run is driven once, over the real rules (`gate::Session`, `gate::commit`) and the product's own settings, while the
//! disk writes down what SQLite asks of it. Then, for each moment of that list, the files are rebuilt as a medium could
//! have kept them, the store is opened on them, and everything that the run had been told until that moment must hold.
#![allow(clippy::unwrap_used, unreachable_pub)]

#[path = "../common/mod.rs"]
mod common;
mod faults;
mod medium;
mod vault;
mod vfs;

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use common::*;
use gate::{DurableLog, Entry, PersonId, RecordId};
use ledger::{Leaf, Value};
use medium::{Fate, Files, Medium};
use store::{FileKey, OpenOptions, Store, Synchronous};
use vfs::{Disk, Op};

/// Something that the program was told, or did, and that must hold from then on.
#[derive(Debug, Clone)]
pub enum Promise {
    /// The log acknowledged a record with this leaf.
    Acknowledged(RecordId, Leaf),
    /// The strike was driven on the strength of this record.
    Pulsed(RecordId),
}

/// What a run left behind.
struct Run<P = Promise> {
    before: Files,
    ops: Vec<Op>,
    /// Each with the number of operations that came before it.
    promises: Vec<(usize, P)>,
    parts: Files,
}

/// A place for many small files; in memory where there is one, because the tests sync a lot.
pub fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.unwrap()
}

fn files_in(directory: &Path) -> Files {
    let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
    entries.map(|it| (it.file_name().into_string().unwrap(), fs::read(it.path()).unwrap())).collect()
}

/// Small pages of the log are moved into the data file often, so that the run cuts through that as well.
fn open_on(directory: &Path, disk: &Disk, synchronous: Synchronous, seed: u64) -> Store {
    let options = options()
        .vfs(disk.name())
        .checkpoint_pages(24)
        .entropy(Box::new(Seeded(seed)))
        .synchronous(synchronous);
    Store::open(directory, &FileKey::beside(directory), options).unwrap()
}

/// Two processes one after the other: enrolments, visits with and without a grant, one grant that is never answered.
fn a_run_of_visits(synchronous: Synchronous) -> Run {
    let directory = scratch();
    init(directory.path());
    let (before, parts) =
        files_in(directory.path()).into_iter().partition(|(name, _)| name.starts_with("genkan.db"));
    let disk = Disk::register(directory.path());
    let mut promises = Vec::new();
    let mut tell = |store: &mut Store, told| {
        let promise = match told {
            Told::Acknowledged(id) => Promise::Acknowledged(id, store.record(id).unwrap().unwrap().leaf),
            Told::Pulsed(id) => Promise::Pulsed(id),
        };
        promises.push((disk.len(), promise));
    };
    let mut door = Door::new();
    let mut store = open_on(directory.path(), &disk, synchronous, 1);
    let (alice, record) = store.enrol(at(1), enrolment("青木", [1.0, 0.0, 0.0, 0.0])).unwrap();
    tell(&mut store, Told::Acknowledged(record));
    for visit in 0..12 {
        door.visit(&mut store, (visit % 3 != 1).then_some(alice), &mut tell).unwrap();
    }
    let decision = door.decide(Some(alice));
    let interrupted = gate::commit(&mut store, door.now(), decision).unwrap();
    tell(&mut store, Told::Acknowledged(interrupted.record));
    drop(store);
    let mut store = open_on(directory.path(), &disk, synchronous, 2);
    let record = store.revoke(door.now(), alice, "退園").unwrap();
    tell(&mut store, Told::Acknowledged(record));
    for visit in 0..6 {
        door.visit(&mut store, (visit % 2 == 1).then_some(PersonId([2; 16])), &mut tell).unwrap();
    }
    drop(store);
    Run { before, ops: disk.ops(), promises, parts }
}

/// Puts the files down, as the next start finds them.
fn put_down(directory: &Path, parts: &Files, found: &Files) {
    for (name, bytes) in parts.iter().chain(found) {
        fs::write(directory.join(name), bytes).unwrap();
    }
    let key = directory.join("vault.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Opens the store as the next start does, and looks whether the promises were kept.
fn check(directory: &Path, options: OpenOptions, promises: &[(usize, Promise)]) -> Result<(), String> {
    let opened = Store::open(directory, &FileKey::beside(directory), options);
    let mut store = opened.map_err(|error| format!("does not open: {error}"))?;
    for (_, promise) in promises {
        match promise {
            Promise::Acknowledged(id, leaf) => match store.record(*id).map_err(|error| error.to_string())? {
                Some(record) if record.leaf == *leaf => {}
                Some(_) => return Err(format!("{id}: another record is in its place")),
                None => return Err(format!("{id}: acknowledged and lost")),
            },
            Promise::Pulsed(id) => {
                let record = store.record(*id).map_err(|error| error.to_string())?;
                let record = record.ok_or(format!("{id}: the door was released and the record is gone"))?;
                let body = store.read(&record).map_err(|error| error.to_string())?;
                let granted = body.kind == "Decision" && body.get("outcome") == Some(&Value::text("granted"));
                granted
                    .then_some(())
                    .ok_or(format!("{id}: the door was released on something that is no grant"))?;
            }
        }
    }
    start_again(&mut store)
}

/// What every start does: open grants are answered as unknown, and the kiosk goes on.
fn start_again(store: &mut Store) -> Result<(), String> {
    let open = store.open_grants().map_err(|error| error.to_string())?;
    let closed = store.close_open_grants(at(9_000)).map_err(|error| error.to_string())?;
    let last = store.append(at(9_001), &Entry::StaffCalled).map_err(|error| error.to_string())?;
    if closed != open.len() || !store.open_grants().map_err(|error| error.to_string())?.is_empty() {
        return Err("a grant was left open".to_owned());
    }
    for seq in last.seq - closed as u64..last.seq {
        let answer = store.record(RecordId { seq, ..last }).map_err(|error| error.to_string())?;
        let body = store.read(&answer.ok_or("an answer is missing")?).map_err(|error| error.to_string())?;
        if body.kind != "Released" || body.get("result") != Some(&Value::text("unknown")) {
            return Err("an open grant was not answered as unknown".to_owned());
        }
    }
    let report = store.verify(None).map_err(|error| error.to_string())?;
    match report.findings.first() {
        Some(finding) => Err(finding.to_string()),
        None => Ok(()),
    }
}

/// Cuts at every operation, with each of `fates`; returns every broken promise.
fn cut_everywhere(run: &Run, fates: impl Fn(usize) -> Vec<Fate>) -> Vec<String> {
    cut_and_look(run, fates, |directory, known| check(directory, options(), known))
}

fn cut_and_look<P: Clone>(
    run: &Run<P>,
    fates: impl Fn(usize) -> Vec<Fate>,
    look: impl Fn(&Path, &[(usize, P)]) -> Result<(), String>,
) -> Vec<String> {
    let mut broken = Vec::new();
    let mut medium = Medium::holding(&run.before);
    for cut in 0..=run.ops.len() {
        let known: Vec<_> = run.promises.iter().filter(|(at, _)| *at <= cut).cloned().collect();
        for fate in fates(cut) {
            let directory = scratch();
            put_down(directory.path(), &run.parts, &medium.after_a_cut(fate));
            if let Err(loss) = look(directory.path(), &known) {
                broken.push(format!("cut before operation {cut}, {fate:?}: {loss}"));
            }
        }
        if let Some(op) = run.ops.get(cut) {
            medium.apply(op);
        }
    }
    broken
}

#[test]
fn no_cut_of_the_power_loses_an_acknowledged_record_or_leaves_a_pulse_without_one() {
    let run = a_run_of_visits(Synchronous::Full);
    let pulses = run.promises.iter().filter(|(_, it)| matches!(it, Promise::Pulsed(_))).count();
    let syncs = run.ops.iter().filter(|op| matches!(op, Op::Sync(_))).count();
    let moved = run.ops.iter().any(|op| matches!(op, Op::Write { file, .. } if file == "genkan.db"));
    let recreated = run.ops.iter().filter(|op| matches!(op, Op::Create(_))).count() >= 2;
    assert!(
        pulses == 11 && run.promises.len() >= 40 && syncs >= 40 && moved && recreated,
        "the run is too tame"
    );
    println!("{} operations, {syncs} syncs, {} promises", run.ops.len(), run.promises.len());
    let torn = |cut: usize| (1..4).map(move |seed| Fate::Torn(3 * cut as u64 + seed));
    let broken =
        cut_everywhere(&run, |cut| [Fate::Forgotten, Fate::Kept].into_iter().chain(torn(cut)).collect());
    assert!(broken.is_empty(), "{} of {} operations: {broken:#?}", broken.len(), run.ops.len());
}

/// The start after a cut is cut as well, at every operation of its own.
#[test]
fn no_second_cut_while_starting_again_loses_what_the_first_one_left() {
    let run = a_run_of_visits(Synchronous::Full);
    let mut medium = Medium::holding(&run.before);
    for cut in 0..=run.ops.len() {
        if cut % 40 == 39 {
            let known: Vec<_> = run.promises.iter().filter(|(at, _)| *at <= cut).cloned().collect();
            let directory = scratch();
            let found = medium.after_a_cut(Fate::Torn(cut as u64));
            put_down(directory.path(), &run.parts, &found);
            let disk = Disk::register(directory.path());
            check(directory.path(), options().vfs(disk.name()), &known).unwrap();
            let again = Run {
                before: found,
                ops: disk.ops(),
                promises: at_the_start(known),
                parts: run.parts.clone(),
            };
            let broken = cut_everywhere(&again, |second| vec![Fate::Forgotten, Fate::Torn(second as u64)]);
            assert!(broken.is_empty(), "after a cut before operation {cut}: {broken:#?}");
        }
        if let Some(op) = run.ops.get(cut) {
            medium.apply(op);
        }
    }
}

/// The same promises, made before anything else.
fn at_the_start(promises: Vec<(usize, Promise)>) -> Vec<(usize, Promise)> {
    promises.into_iter().map(|(_, promise)| (0, promise)).collect()
}

#[test]
fn waiting_less_for_the_medium_is_noticed() {
    for synchronous in [Synchronous::Normal, Synchronous::Off] {
        let run = a_run_of_visits(synchronous);
        let broken = cut_everywhere(&run, |_| vec![Fate::Forgotten]);
        assert!(broken.iter().any(|it| it.contains("acknowledged and lost")), "{synchronous:?}: {broken:#?}");
    }
}

#[test]
fn a_program_that_forgets_to_sync_the_directory_is_noticed() {
    let mut run = a_run_of_visits(Synchronous::Full);
    for op in &mut run.ops {
        if matches!(op, Op::SyncDirectory) {
            // A sync of a file instead, so that the moments stay where they are.
            *op = Op::Sync("genkan.db".to_owned());
        }
    }
    let broken = cut_everywhere(&run, |_| vec![Fate::Forgotten]);
    assert!(broken.iter().any(|it| it.contains("acknowledged and lost")), "{broken:#?}");
}
