//! What the vault promises through a power cut: a wrong PIN stays counted, a coupon is used exactly as often as the strike
//! is on record, and an erasure is there as a whole or not at all.

use std::path::Path;

use gate::{EntitlementId, Period, PersonId, RecordId, StaffId};
use ledger::Value;
use rusqlite::Connection;
use store::{By, FileKey, KeyPort, NewEntitlement, Role, SignIn, Store, Synchronous};

use crate::{Run, common::*, cut_and_look, files_in, medium::Fate, open_on, scratch, vfs::Disk};

/// What the program was told.
#[derive(Debug, Clone)]
enum Promise {
    /// So many wrong PINs were answered, and so many locks.
    Tries(StaffId, u32, u32),
    /// The answer of a strike is durable, and it used a coupon.
    Used(RecordId),
    /// Somebody was erased.
    Erased(PersonId),
}

struct Story {
    run: Run<Promise>,
    alice: PersonId,
    bob: PersonId,
    book: EntitlementId,
}

/// Six wrong PINs, visits with coupons, an erasure, and more visits.
fn story(synchronous: Synchronous) -> Story {
    let directory = scratch();
    init(directory.path());
    let disk = Disk::register(directory.path());
    let mut store = open_on(directory.path(), &disk, Synchronous::Full, 1);
    let (alice, _) = store.enrol(at(1), enrolment("青木", [1.0, 0.0, 0.0, 0.0])).unwrap();
    let (bob, _) = store.enrol(at(1), enrolment("馬場", [0.0, 1.0, 0.0, 0.0])).unwrap();
    let book = NewEntitlement { period: Period::ALWAYS, coupons: Some(11) };
    let book = store.add_entitlement(at(2), alice, book, By::Console).unwrap();
    let bobs = NewEntitlement { period: Period::ALWAYS, coupons: None };
    store.add_entitlement(at(2), bob, bobs, By::Console).unwrap();
    let staff = store.add_staff(at(3), "花子", Role::Supervisor, "2580", By::Console).unwrap();
    drop(store);
    let (before, parts) =
        files_in(directory.path()).into_iter().partition(|(name, _)| name.starts_with("genkan.db"));
    let disk = Disk::register(directory.path());
    let mut store = open_on(directory.path(), &disk, synchronous, 2);
    let mut promises = Vec::new();
    for (wrong, locks) in [(1, 0), (2, 0), (3, 0), (4, 0), (0, 1)] {
        let answer = store.sign_in(at(4), staff, "2581").unwrap();
        assert!(matches!(answer, SignIn::Wrong { .. } | SignIn::LockedOut { .. }));
        promises.push((disk.len(), Promise::Tries(staff, wrong, locks)));
    }
    let mut door = Door::for_coupons(true);
    for who in [alice, bob, alice, alice] {
        door.knows(store.roster().unwrap());
        visit(&mut door, &mut store, who, alice, &disk, &mut promises);
    }
    let _ = store.erase(door.now(), bob, By::Console).unwrap();
    promises.push((disk.len(), Promise::Erased(bob)));
    door.knows(store.roster().unwrap());
    visit(&mut door, &mut store, alice, alice, &disk, &mut promises);
    drop(store);
    Story { run: Run { before, ops: disk.ops(), promises, parts }, alice, bob, book }
}

fn visit(
    door: &mut Door,
    store: &mut Store,
    who: PersonId,
    alice: PersonId,
    disk: &Disk,
    promises: &mut Vec<(usize, Promise)>,
) {
    let mut last = None;
    let tell = |_: &mut Store, told| {
        if let Told::Acknowledged(record) = told {
            last = Some(record);
        }
    };
    let decision = door.visit(store, Some(who), tell).unwrap();
    let released = last.filter(|last| *last != decision).expect("the strike was driven");
    if who == alice {
        promises.push((disk.len(), Promise::Used(released)));
    }
}

fn look(story: &Story, directory: &Path, promises: &[(usize, Promise)]) -> Result<(), String> {
    let opened = Store::open(directory, &FileKey::beside(directory), options());
    let mut store = opened.map_err(|error| format!("does not open: {error}"))?;
    let pulses = pulses(&mut store);
    let used = used(&store, story.alice, story.book);
    if used != pulses.len() {
        return Err(format!("{used} coupons are used, and {} strikes are on record", pulses.len()));
    }
    for (_, promise) in promises {
        match promise {
            Promise::Used(released) if !pulses.contains(released) => return Err("a use is lost".to_owned()),
            Promise::Erased(person) if store.name(*person).unwrap().is_some() => {
                return Err("an erased person is back".to_owned());
            }
            Promise::Used(_) | Promise::Erased(_) | Promise::Tries(..) => {}
        }
    }
    whole_or_gone(&store, story.bob)?;
    store.close_open_grants(at(9_000)).unwrap();
    if self::used(&store, story.alice, story.book) != used {
        return Err("a strike of which nothing is known used a coupon".to_owned());
    }
    let report = store.verify(None).unwrap();
    report.findings.first().map_or(Ok(()), |finding| Err(finding.to_string()))?;
    drop(store);
    tries_are_kept(directory, promises)
}

/// The records of strikes that were driven for a visit that used the book.
fn pulses(store: &mut Store) -> Vec<RecordId> {
    let runs = store.head().unwrap().head.runs;
    let places = runs.iter().flat_map(|run| (0..run.length).map(|seq| RecordId { run: run.run.0, seq }));
    let body = |place: RecordId| store.read(&store.record(place).unwrap().unwrap()).unwrap();
    let driven = |place: &RecordId| {
        let released = body(*place);
        let Some([run, seq]) = released.get("grant").and_then(Value::as_array) else { return false };
        let grant =
            RecordId { run: run.as_array_of().unwrap(), seq: seq.as_int().unwrap().try_into().unwrap() };
        let party = body(grant).get("party").cloned();
        let of = party.as_ref().and_then(Value::as_array).and_then(|party| party[0].as_array());
        released.get("result") == Some(&Value::text("pulsed")) && of.is_some_and(|of| is_book(&of[2], store))
    };
    places.filter(driven).collect()
}

/// Whether an entitlement is one with coupons; bob's is a pass, and is gone after the erasure.
fn is_book(uses: &Value, store: &Store) -> bool {
    let roster = store.roster().unwrap();
    let mut all = roster.iter().flat_map(|(_, registered)| &registered.entitlements);
    all.any(|it| it.coupons.is_some() && *uses == Value::bytes(it.id.0))
}

fn used(store: &Store, person: PersonId, book: EntitlementId) -> usize {
    let roster = store.roster().unwrap();
    let book = roster.get(person).unwrap().entitlements.iter().find(|it| it.id == book).unwrap();
    book.coupons.unwrap().used_here as usize
}

/// An erasure is one transaction: name, references, registration, visits and tombstone agree.
fn whole_or_gone(store: &Store, person: PersonId) -> Result<(), String> {
    let name = store.name(person).unwrap().is_some();
    let references = !store.references_of(person).unwrap().is_empty();
    let roster = store.roster().unwrap().get(person).is_some_and(|it| !it.entitlements.is_empty());
    let tombstone = store.erased().unwrap().contains(&person);
    if (name, references, roster) == (!tombstone, !tombstone, !tombstone) {
        return Ok(());
    }
    Err(format!("half erased: name {name}, references {references}, roster {roster}, tombstone {tombstone}"))
}

/// Read from the table, because each try at a PIN costs a tenth of a second.
fn tries_are_kept(directory: &Path, promises: &[(usize, Promise)]) -> Result<(), String> {
    let newest = promises.iter().rev().find_map(|(_, promise)| match promise {
        Promise::Tries(staff, wrong, locks) => Some((*staff, *wrong, *locks)),
        Promise::Used(_) | Promise::Erased(_) => None,
    });
    let Some((staff, wrong, locks)) = newest else { return Ok(()) };
    let connection = Connection::open(directory.join("genkan.db")).unwrap();
    let key = FileKey::beside(directory).load().unwrap();
    connection.pragma_update(None, "key", key.page_key().as_str()).unwrap();
    let sql = "SELECT wrong, locks FROM staff WHERE staff = ?1";
    let kept: (u32, u32) =
        connection.query_row(sql, [staff.0], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    if (kept.1, kept.0) >= (locks, wrong) {
        return Ok(());
    }
    Err(format!("{wrong} wrong PINs and {locks} locks were answered, {kept:?} are there"))
}

#[test]
fn no_cut_of_the_power_gives_a_try_a_coupon_or_half_a_person_back() {
    let story = story(Synchronous::Full);
    let syncs = story.run.ops.iter().filter(|op| matches!(op, crate::Op::Sync(_))).count();
    assert!(story.run.promises.len() == 10 && syncs >= 18, "the run is too tame: {syncs}");
    let torn_or_kept = |cut: usize| if cut % 4 == 3 { Fate::Kept } else { Fate::Torn(cut as u64) };
    let fates = |cut: usize| vec![Fate::Forgotten, torn_or_kept(cut)];
    let broken = cut_and_look(&story.run, fates, |directory, known| look(&story, directory, known));
    assert!(broken.is_empty(), "{} of {} operations: {broken:#?}", broken.len(), story.run.ops.len());
}

#[test]
fn waiting_less_for_the_medium_would_give_tries_and_coupons_back_and_is_noticed() {
    let story = story(Synchronous::Normal);
    let broken = cut_and_look(
        &story.run,
        |_| vec![Fate::Forgotten],
        |directory, known| look(&story, directory, known),
    );
    // An erasure empties the log, which waits for the medium in any case.
    for loss in ["wrong PINs", "a use is lost"] {
        assert!(broken.iter().any(|it| it.contains(loss)), "{loss}: {broken:#?}");
    }
}
