//! Everything held about a person can be told to them, and can end: after an erasure nothing in the data file opens what
//! the records still hold, and the id is never used again.
#![allow(clippy::unwrap_used, unsafe_code)]

mod common;

use std::{path::Path, ptr, slice};

use common::*;
use gate::{
    Assurance, CredentialKind, DurableLog, EntitlementId, Entry, HouseholdId, ModelId, Period, PersonId,
    RecordId, Standing,
};
use ledger::{PersonKey, Record, SignedRecord};
use rusqlite::{Connection, ffi};
use store::{
    AccessKind, By, ConsentGiven, ConsentLanguage, ConsentText, Enrolment, FileKey, GivenBy, KeyPort,
    NewEntitlement, NewHousehold, NewRegistration, Owner, PersonFile, Store, StoreError,
};

const CARD: CredentialKind = CredentialKind::FacilityCard;
const NAME: &str = "青木 愛";
const REASON: &str = "Geburtstag vergessen";

fn vault(directory: &Path) -> Connection {
    let connection = Connection::open(directory.join("genkan.db")).unwrap();
    let key = FileKey::beside(directory).load().unwrap();
    connection.pragma_update(None, "key", key.page_key().as_str()).unwrap();
    connection
}

/// Every page of the data file as it is behind the vault's key, free ones among them.
fn pages(directory: &Path) -> Vec<u8> {
    let connection = vault(directory);
    let mut length = 0;
    // SAFETY: the handle lives through the call, and what it returns is `length` bytes that are ours to free.
    unsafe {
        let bytes =
            ffi::sqlite3_serialize(connection.handle(), c"main".as_ptr(), ptr::from_mut(&mut length), 0);
        assert!(!bytes.is_null());
        let copy = slice::from_raw_parts(bytes, usize::try_from(length).unwrap()).to_vec();
        ffi::sqlite3_free(bytes.cast());
        copy
    }
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

struct Family {
    directory: tempfile::TempDir,
    store: Store,
    household: HouseholdId,
    alice: PersonId,
    bob: PersonId,
    book: EntitlementId,
    door: Door,
}

/// Two people with everything that a vault can hold of them, and visits of both.
fn family() -> Family {
    let (directory, mut store) = fresh();
    let text = ConsentText {
        version: "1".into(),
        japanese: "顔を使います".into(),
        easy: "かおを　つかいます".into(),
        english: "We use your face".into(),
    };
    store.add_consent_text(at(1), &text, By::Console).unwrap();
    let consent =
        ConsentGiven { version: "1".into(), language: ConsentLanguage::Japanese, given_by: GivenBy::Person };
    let known = NewRegistration {
        representative: true,
        assurance: Assurance::PhotoMatched,
        ..NewRegistration::default()
    };
    let members = [
        Enrolment { registered: known, consent: Some(consent), ..enrolment(NAME, [1.0, 0.0, 0.0, 0.0]) },
        enrolment("青木 文", [0.0, 1.0, 0.0, 0.0]),
    ];
    let household = store.enrol_household(at(2), NewHousehold::default(), &members).unwrap();
    let [(alice, _), (bob, _)] = household.members[..] else { panic!("two were enrolled") };
    let book = NewEntitlement { period: Period::ALWAYS, coupons: Some(11) };
    let book = store.add_entitlement(at(3), alice, book, By::Console).unwrap();
    store.bind_credential(at(4), Owner::Person(alice), CARD, b"0001", By::Console).unwrap();
    store.record_access(at(5), alice, By::Console, REASON).unwrap();
    let mut door = Door::new();
    for who in [alice, bob, alice] {
        door.visit(&mut store, Some(who), |_, _| {}).unwrap();
    }
    store.append(door.now(), &Entry::Left(alice)).unwrap();
    let _ = store.bind_credential(at(6), Owner::Person(bob), CARD, b"0001", By::Console).unwrap_err();
    Family { directory, store, household: household.household, alice, bob, book, door }
}

/// The key P of a person, as somebody could have read it who had the vault's key.
fn person_key(directory: &Path, person: PersonId) -> [u8; 32] {
    let sql = "SELECT key FROM people WHERE person = ?1";
    vault(directory).query_row(sql, [person.0], |row| row.get(0)).unwrap()
}

fn all_records(store: &mut Store) -> Vec<SignedRecord> {
    let runs = store.head().unwrap().head.runs;
    let places = runs.iter().flat_map(|run| (0..run.length).map(|seq| RecordId { run: run.run.0, seq }));
    places.map(|place| store.record(place).unwrap().unwrap()).collect()
}

/// How many of these records have a personal part that one of these keys opens.
fn opened_by(store: &Store, records: &[SignedRecord], keys: &[[u8; 32]]) -> usize {
    let opens = |record: &&SignedRecord| {
        let personal = store.read(record).ok().and_then(|body| body.personal);
        let with = |key: &[u8; 32]| personal.as_ref()?.open(&PersonKey::from_bytes(*key)).ok();
        keys.iter().any(|key| with(key).is_some())
    };
    records.iter().filter(opens).count()
}

/// Every key of a person that the vault has.
fn keys(directory: &Path) -> Vec<[u8; 32]> {
    let connection = vault(directory);
    let mut statement = connection.prepare("SELECT key FROM people").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn export(store: &mut Store, person: PersonId) -> PersonFile {
    store.export_person(at(9_000), person, By::Console, "asked for it").unwrap()
}

#[test]
fn a_person_is_told_everything_that_is_held_and_who_looked() {
    let Family { mut store, alice, bob, book, .. } = family();
    let file = export(&mut store, alice);
    assert_eq!(
        (file.name.as_str(), file.standing, file.credentials.as_slice()),
        (NAME, Standing::Active, &[CARD][..])
    );
    assert!(file.registered.representative && file.consents.len() == 1 && file.references.len() == 1);
    assert_eq!(file.entitlements.iter().map(|it| it.id).collect::<Vec<_>>(), [book]);
    assert_eq!(file.visits.len(), 2);
    assert!(file.visits.iter().all(|visit| visit.recognised && visit.entrant.is_some()));
    let looked: Vec<_> = file.accesses.iter().map(|it| (it.kind, it.why.as_str())).collect();
    assert_eq!(looked, [(AccessKind::LookUp, REASON), (AccessKind::Export, "asked for it")]);
    let kinds: Vec<&str> = file.records.iter().map(|it| it.kind.as_str()).collect();
    for kind in [
        "Enrolled",
        "Consented",
        "EntitlementGiven",
        "CredentialBound",
        "CredentialRefused",
        "Accessed",
        "Decision",
        "Left",
    ] {
        assert!(kinds.contains(&kind), "{kind} is missing: {kinds:?}");
    }
    let text = file.json().to_string();
    assert!(text.contains(NAME) && text.contains(REASON) && text.contains("photo-matched"));
    assert!(!text.contains("青木 文") && !text.contains(&bob.to_string()), "that is somebody else");
    assert!(!format!("{file:?}").contains(NAME));
    assert_eq!(export(&mut store, alice).accesses.len(), 3, "each export is an access");
}

#[test]
fn no_record_that_names_a_person_is_left_out_of_what_they_are_told() {
    let Family { mut store, alice, bob, .. } = family();
    for person in [alice, bob] {
        let file = export(&mut store, person);
        let mut told: Vec<RecordId> = file.records.iter().map(|record| record.record).collect();
        let mut all = store.places_that_name(person).unwrap();
        told.sort();
        all.sort();
        assert_eq!(told, all);
        assert!(all.len() >= 4);
    }
}

/// As after a migration from a file in which nobody had been noted down.
#[test]
fn somebody_who_was_enrolled_before_there_was_an_index_is_told_everything_too() {
    let Family { directory, mut store, alice, .. } = family();
    let before = export(&mut store, alice).records.len();
    drop(store);
    vault(directory.path()).execute("DELETE FROM mentions", []).unwrap();
    let mut store = open(directory.path());
    assert_eq!(export(&mut store, alice).records.len(), before + 1);
}

#[test]
fn an_access_needs_a_reason_and_somebody_who_is_here() {
    let Family { mut store, alice, .. } = family();
    for why in ["", "  ", &"あ".repeat(1_001)] {
        let refused = store.export_person(at(9_000), alice, By::Console, why);
        assert!(matches!(refused, Err(StoreError::UnusableReason(_))));
        assert!(store.record_access(at(9_000), alice, By::Console, why).is_err());
    }
    assert_eq!(store.accesses_of(alice).unwrap().len(), 1);
    let nobody = PersonId([5; 16]);
    let refused = store.export_person(at(9_000), nobody, By::Console, "x");
    assert!(matches!(refused, Err(StoreError::UnknownPerson(_))));
}

#[test]
fn after_an_erasure_nothing_in_the_file_opens_what_the_records_still_hold() {
    let Family { directory, mut store, alice, bob, .. } = family();
    let records = all_records(&mut store);
    drop(store);
    let key = person_key(directory.path(), alice);
    let secrets = [NAME.as_bytes(), &key, REASON.as_bytes()];
    let before = pages(directory.path());
    assert!(secrets.iter().all(|secret| holds(&before, secret)), "the control run must find them");
    let mut store = open(directory.path());
    let personal = opened_by(&store, &records, &[key]);
    assert!(personal >= 3, "the control run must open them");
    let erased = store.erase(at(9_000), alice, By::Console).unwrap();
    assert_eq!((erased.people.as_slice(), erased.log_emptied), (&[alice][..], true));
    assert_eq!(std::fs::metadata(directory.path().join("genkan.db-wal")).unwrap().len(), 0);
    drop(store);
    let after = pages(directory.path());
    for (number, secret) in secrets.iter().enumerate() {
        assert!(!holds(&after, secret), "secret {number} is still there");
    }
    let left = keys(directory.path());
    let store = open(directory.path());
    assert_eq!(opened_by(&store, &records, &[key]), personal, "whoever kept the key elsewhere still could");
    let all = records.iter().filter(|record| store.read(record).unwrap().personal.is_some()).count();
    assert_eq!(opened_by(&store, &records, &left), all - personal, "only those of others open");
    assert!(store.verify(None).unwrap().is_sound());
    assert_eq!(store.name(bob).unwrap().as_deref(), Some("青木 文"));
}

#[test]
fn an_erasure_says_in_clear_which_key_is_gone_and_keeps_the_counts() {
    let Family { mut store, alice, household, book, door, .. } = family();
    let day = store
        .visits_between(gate::Date::new(2026, 1, 1).unwrap(), gate::Date::new(2027, 1, 1).unwrap())
        .unwrap();
    let date = day[0].day.unwrap();
    let before = store.counts(date).unwrap();
    let erased = store.erase(door.now(), alice, By::Console).unwrap();
    let record = store.record(erased.record).unwrap().unwrap();
    assert_eq!(Record::parse(&record.bytes).unwrap().header.kills.len(), 1);
    assert_eq!(store.counts(date).unwrap(), before);
    let visits = store.visits_between(date, date).unwrap();
    let linked: Vec<_> =
        visits.iter().map(|visit| (visit.person.is_some(), visit.entrants[0].person.is_some())).collect();
    assert_eq!(linked, [(false, false), (true, true), (false, false)]);
    assert_eq!(store.lookup(CARD, b"0001").unwrap(), None);
    assert_eq!(store.gallery(&ModelId::new(MODEL), 4).unwrap().references(), 1);
    assert!(matches!(
        store.withdraw_entitlement(at(9_001), book, By::Console),
        Err(StoreError::UnknownEntitlement)
    ));
    let roster = store.roster().unwrap();
    assert!(roster.get(alice).is_none());
    let left = roster.members(household);
    assert!(left.len() == 1 && !roster.get(left[0]).unwrap().representative, "nobody speaks for it now");
    assert!(store.inside(door.now()).unwrap() != gate::Inside::default(), "bob is");
}

#[test]
fn an_erased_id_is_never_used_again_also_after_a_restart() {
    let Family { directory, mut store, alice, .. } = family();
    store.revoke(at(8_999), alice, "").unwrap();
    let _ = store.erase(at(9_000), alice, By::Console).unwrap();
    drop(store);
    let mut store = open(directory.path());
    let nothing = NewRegistration::default();
    let pass = NewEntitlement { period: Period::ALWAYS, coupons: None };
    let again = Enrolment { reinstates: Some(alice), ..enrolment(NAME, [1.0; 4]) };
    let given =
        ConsentGiven { version: "1".into(), language: ConsentLanguage::Japanese, given_by: GivenBy::Person };
    let refused = [
        store.enrol(at(9_001), again).err(),
        store.bind_credential(at(9_001), Owner::Person(alice), CARD, b"0009", By::Console).err(),
        store.change_registration(at(9_001), alice, &nothing, By::Console).err(),
        store.set_protected(at(9_001), alice, true, By::Console).err(),
        store.add_entitlement(at(9_001), alice, pass, By::Console).err(),
        store.give_consent(at(9_001), alice, &given, By::Console).err(),
        store.revoke(at(9_001), alice, "").err(),
        store.record_access(at(9_001), alice, By::Console, "x").err(),
        store.export_person(at(9_001), alice, By::Console, "x").err(),
        store.erase(at(9_001), alice, By::Console).err(),
    ];
    for (number, error) in refused.into_iter().enumerate() {
        assert!(matches!(error, Some(StoreError::Erased(it)) if it == alice), "{number}: {error:?}");
    }
    assert_eq!((store.erased().unwrap(), store.name(alice).unwrap()), (vec![alice], None));
}

#[test]
fn whoever_was_reinstated_is_told_and_erased_under_every_id() {
    let (directory, mut store) = fresh();
    let (first, _) = store.enrol(at(1), enrolment(NAME, [1.0, 0.0, 0.0, 0.0])).unwrap();
    store.revoke(at(2), first, "").unwrap();
    let again = |old| Enrolment { reinstates: Some(old), ..enrolment(NAME, [1.0, 0.0, 0.0, 0.0]) };
    let (second, _) = store.enrol(at(3), again(first)).unwrap();
    store.revoke(at(4), second, "").unwrap();
    let (third, _) = store.enrol(at(5), again(second)).unwrap();
    let file = export(&mut store, second);
    assert_eq!(file.other_ids.iter().map(|it| it.person).collect::<Vec<_>>(), [first, third]);
    let erased = store.erase(at(6), second, By::Console).unwrap();
    assert_eq!(erased.people, [first, second, third]);
    assert!(store.people().unwrap().is_empty());
    drop(store);
    assert!(!holds(&pages(directory.path()), NAME.as_bytes()));
}

#[test]
fn a_household_of_which_nobody_is_left_is_gone_too() {
    let Family { mut store, alice, bob, household, .. } = family();
    let _ = store.erase(at(9_000), alice, By::Console).unwrap();
    let _ = store.erase(at(9_001), bob, By::Console).unwrap();
    let joins = NewRegistration { household: Some(household), ..NewRegistration::default() };
    let newcomer = Enrolment { registered: joins, ..enrolment("馬場", [0.0, 0.0, 1.0, 0.0]) };
    assert!(matches!(store.enrol(at(9_002), newcomer), Err(StoreError::UnknownHousehold)));
}
