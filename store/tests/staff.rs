//! Staff sign in with a PIN that locks, and cards belong to one owner each.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::{Duration, Instant};

use common::*;
use gate::{CredentialKind, Monotonic, Now, PersonId, RecordId, StaffId};
use ledger::Value;
use store::{By, FileKey, OpenOptions, Owner, Role, SignIn, Store, StoreError};

const PIN: &str = "2580";
const WRONG: &str = "2581";
const CARD: CredentialKind = CredentialKind::FacilityCard;

fn with_staff() -> (tempfile::TempDir, Store, StaffId) {
    let (directory, mut store) = fresh();
    let hanako = store.add_staff(at(1), "Hanako", Role::Supervisor, PIN, By::Console).unwrap();
    (directory, store, hanako)
}

fn boot(directory: &tempfile::TempDir, boot: u8) -> Store {
    let key = FileKey::beside(directory.path());
    Store::open(directory.path(), &key, OpenOptions::new([boot; 16])).unwrap()
}

/// The newest records, newest last: kind and whose.
fn last_kinds(store: &mut Store, count: usize) -> Vec<String> {
    let run = store.head().unwrap().head.runs[0];
    let from = run.length - count as u64;
    let read =
        |seq| store.read(&store.record(RecordId { run: run.run.0, seq }).unwrap().unwrap()).unwrap().kind;
    (from..run.length).map(read).collect()
}

fn uptime(minutes: u64) -> Now {
    Now { mono: Monotonic::from_micros(minutes * 60_000_000), wall: None }
}

fn minutes(minutes: u64) -> SignIn {
    SignIn::LockedOut { wait: Duration::from_mins(minutes) }
}

#[test]
fn a_right_pin_signs_in_and_a_wrong_one_is_counted_and_recorded() {
    let (_directory, mut store, hanako) = with_staff();
    assert_eq!(store.sign_in(at(2), hanako, PIN).unwrap(), SignIn::Ok { role: Role::Supervisor });
    assert_eq!(store.sign_in(at(3), hanako, WRONG).unwrap(), SignIn::Wrong { left: 4 });
    assert_eq!(last_kinds(&mut store, 3), ["StaffAdded", "StaffSignedIn", "StaffRefused"]);
    assert_eq!(store.sign_in(at(4), hanako, PIN).unwrap(), SignIn::Ok { role: Role::Supervisor });
    assert_eq!(store.sign_in(at(5), hanako, WRONG).unwrap(), SignIn::Wrong { left: 4 }, "it starts over");
    assert!(matches!(store.sign_in(at(6), StaffId([1; 16]), PIN), Err(StoreError::UnknownStaff)));
}

#[test]
fn five_wrong_ones_lock_also_the_right_one_out_and_each_lock_is_longer() {
    let (_directory, mut store, hanako) = with_staff();
    let mut now = 100;
    for lock in [5, 10, 20] {
        for left in [4, 3, 2, 1] {
            assert_eq!(store.sign_in(uptime(now), hanako, WRONG).unwrap(), SignIn::Wrong { left });
        }
        assert_eq!(store.sign_in(uptime(now), hanako, WRONG).unwrap(), minutes(lock));
        let records = store.verify(None).unwrap().records;
        assert_eq!(store.sign_in(uptime(now + lock - 1), hanako, PIN).unwrap(), minutes(1));
        assert_eq!(store.verify(None).unwrap().records, records, "nobody fills the log while locked out");
        now += lock;
    }
    assert_eq!(store.sign_in(uptime(now), hanako, PIN).unwrap(), SignIn::Ok { role: Role::Supervisor });
}

#[test]
fn a_restart_gives_no_tries_and_another_boot_no_time() {
    let (directory, mut store, hanako) = with_staff();
    for left in [4, 3, 2, 1] {
        assert_eq!(store.sign_in(uptime(200), hanako, WRONG).unwrap(), SignIn::Wrong { left });
        drop(store);
        store = boot(&directory, 7);
    }
    assert_eq!(store.sign_in(uptime(200), hanako, WRONG).unwrap(), minutes(5));
    drop(store);
    let mut store = boot(&directory, 8);
    assert_eq!(store.sign_in(uptime(0), hanako, PIN).unwrap(), minutes(5));
    assert_eq!(store.sign_in(uptime(4), hanako, PIN).unwrap(), minutes(1));
    assert_eq!(store.sign_in(uptime(5), hanako, PIN).unwrap(), SignIn::Ok { role: Role::Supervisor });
}

#[test]
fn another_member_of_the_staff_has_tries_of_their_own_and_a_new_pin_ends_a_lock() {
    let (_directory, mut store, hanako) = with_staff();
    let taro = store.add_staff(at(2), "Taro", Role::Reception, "1379", By::Staff(hanako)).unwrap();
    for _ in 0..5 {
        let _ = store.sign_in(uptime(9), hanako, WRONG).unwrap();
    }
    assert_eq!(store.sign_in(uptime(9), taro, "1379").unwrap(), SignIn::Ok { role: Role::Reception });
    store.set_pin(at(3), hanako, "9731", By::Staff(taro)).unwrap();
    assert_eq!(store.sign_in(uptime(9), hanako, PIN).unwrap(), SignIn::Wrong { left: 4 });
    assert_eq!(store.sign_in(uptime(9), hanako, "9731").unwrap(), SignIn::Ok { role: Role::Supervisor });
}

#[test]
fn a_trivial_pin_and_an_empty_name_are_refused() {
    let (_directory, mut store, hanako) = with_staff();
    for pin in ["1111", "1234", "9876", "12", "abcd"] {
        let added = store.add_staff(at(2), "Taro", Role::Reception, pin, By::Console);
        assert!(matches!(added, Err(StoreError::UnusablePin(_))), "{pin}");
        assert!(matches!(store.set_pin(at(2), hanako, pin, By::Console), Err(StoreError::UnusablePin(_))));
    }
    let added = store.add_staff(at(2), " ", Role::Reception, PIN, By::Console);
    assert!(matches!(added, Err(StoreError::UnusableStaff(_))));
    assert_eq!(store.staff().unwrap().len(), 1);
}

#[test]
fn the_last_supervisor_stays_and_whoever_is_removed_cannot_sign_in_but_is_named() {
    let (_directory, mut store, hanako) = with_staff();
    let taro = store.add_staff(at(2), "Taro", Role::Reception, "1379", By::Console).unwrap();
    assert!(matches!(store.remove_staff(at(3), hanako, By::Staff(hanako)), Err(StoreError::LastSupervisor)));
    let jiro = store.add_staff(at(4), "Jiro", Role::Supervisor, "1379", By::Console).unwrap();
    store.bind_credential(at(4), Owner::Staff(hanako), CARD, b"card", By::Console).unwrap();
    store.remove_staff(at(5), hanako, By::Staff(jiro)).unwrap();
    assert!(matches!(store.sign_in(at(6), hanako, PIN), Err(StoreError::UnknownStaff)));
    assert_eq!(store.lookup(CARD, b"card").unwrap(), None);
    assert!(matches!(store.remove_staff(at(7), jiro, By::Console), Err(StoreError::LastSupervisor)));
    store.remove_staff(at(8), taro, By::Console).unwrap();
    let listed = store.staff().unwrap();
    let removed: Vec<_> = listed.iter().map(|it| (it.name.as_str(), it.removed)).collect();
    assert_eq!(removed, [("Hanako", true), ("Taro", true), ("Jiro", false)]);
}

#[test]
fn neither_pin_nor_card_nor_name_is_printed_or_recorded() {
    let (directory, mut store, hanako) = with_staff();
    let _ = store.sign_in(at(2), hanako, PIN).unwrap();
    let _ = store.sign_in(at(3), hanako, "86420975").unwrap();
    store.bind_credential(at(4), Owner::Staff(hanako), CARD, b"0123456789abcdef", By::Console).unwrap();
    assert!(!format!("{:?} {store:?}", store.staff().unwrap()).contains("Hanako"));
    let out = directory.path().join("out");
    store.export(&out).unwrap();
    let lines = std::fs::read_to_string(out.join("log.jsonl")).unwrap();
    for secret in ["Hanako", PIN, "86420975", "30313233343536373839"] {
        let told = lines.lines().any(|line| line.split("\"fields\"").nth(1).unwrap().contains(secret));
        assert!(!told, "{secret}");
    }
}

#[test]
fn a_card_is_its_owners_after_a_restart_and_not_the_same_number_of_another_kind() {
    let (directory, mut store, hanako) = with_staff();
    let (alice, _) = store.enrol(at(2), enrolment("青木", [1.0; 4])).unwrap();
    let record =
        store.bind_credential(at(3), Owner::Person(alice), CARD, b"0001", By::Staff(hanako)).unwrap();
    store.bind_credential(at(4), Owner::Staff(hanako), CARD, b"0002", By::Console).unwrap();
    let body = store.read(&store.record(record.unwrap()).unwrap().unwrap()).unwrap();
    assert!(body.get("by") == Some(&Value::bytes(hanako.0)));
    drop(store);
    let mut store = open(directory.path());
    assert_eq!(store.lookup(CARD, b"0001").unwrap(), Some(Owner::Person(alice)));
    assert_eq!(store.lookup(CARD, b"0002").unwrap(), Some(Owner::Staff(hanako)));
    assert_eq!(store.lookup(CARD, b"0003").unwrap(), None);
    assert_eq!(store.lookup(CredentialKind::Qr, b"0001").unwrap(), None);
    assert_eq!(store.credentials_of(Owner::Person(alice)).unwrap(), [CARD]);
    let again = store.bind_credential(at(5), Owner::Person(alice), CARD, b"0001", By::Console).unwrap();
    assert_eq!(again, None);
    for bad in [&b""[..], &[0; 257]] {
        assert!(matches!(store.lookup(CARD, bad), Err(StoreError::UnusableCredential)));
    }
}

#[test]
fn two_people_who_claim_one_card_are_both_named() {
    let (directory, mut store, _) = with_staff();
    let (alice, _) = store.enrol(at(2), enrolment("青木", [1.0; 4])).unwrap();
    let (bob, _) = store.enrol(at(2), enrolment("馬場", [0.5; 4])).unwrap();
    store.bind_credential(at(3), Owner::Person(alice), CARD, b"0001", By::Console).unwrap();
    let taken = store.bind_credential(at(4), Owner::Person(bob), CARD, b"0001", By::Console).unwrap_err();
    assert!(matches!(taken, StoreError::CredentialTaken(Owner::Person(it)) if it == alice));
    assert!(taken.to_string().contains(&alice.to_string()));
    drop(store);
    let mut store = open(directory.path());
    assert_eq!(store.lookup(CARD, b"0001").unwrap(), Some(Owner::Person(alice)));
    let run = store.head().unwrap().head.runs[0];
    let last = RecordId { run: run.run.0, seq: run.length - 1 };
    let body = store.read(&store.record(last).unwrap().unwrap()).unwrap();
    assert_eq!(body.kind, "CredentialRefused");
    let named = |person: PersonId| Value::Array(vec![Value::text("person"), Value::bytes(person.0)]);
    assert!(body.get("owner") == Some(&named(bob)) && body.get("other") == Some(&named(alice)));
    assert_eq!(
        store.unbind_credential(at(5), CARD, b"0001", By::Console).unwrap(),
        Some(Owner::Person(alice))
    );
    assert_eq!(store.unbind_credential(at(5), CARD, b"0001", By::Console).unwrap(), None);
    store.bind_credential(at(6), Owner::Person(bob), CARD, b"0001", By::Console).unwrap();
    let lost = store.unbind_credentials_of(at(7), Owner::Person(bob), CARD, By::Console).unwrap();
    assert_eq!((lost, store.lookup(CARD, b"0001").unwrap()), (1, None));
}

#[test]
fn nothing_is_bound_to_somebody_who_is_not_here_or_revoked() {
    let (_directory, mut store, _) = with_staff();
    let (alice, _) = store.enrol(at(2), enrolment("青木", [1.0; 4])).unwrap();
    store.bind_credential(at(3), Owner::Person(alice), CARD, b"0001", By::Console).unwrap();
    store.revoke(at(4), alice, "").unwrap();
    let more = store.bind_credential(at(5), Owner::Person(alice), CARD, b"0002", By::Console);
    assert!(matches!(more, Err(StoreError::AlreadyRevoked(it)) if it == alice));
    assert_eq!(
        store.lookup(CARD, b"0001").unwrap(),
        Some(Owner::Person(alice)),
        "the rules refuse it by name"
    );
    let nobody = Owner::Person(PersonId([1; 16]));
    let bound = store.bind_credential(at(6), nobody, CARD, b"0003", By::Console);
    assert!(matches!(bound, Err(StoreError::UnknownPerson(_))));
    let nobody = Owner::Staff(StaffId([1; 16]));
    let bound = store.bind_credential(at(6), nobody, CARD, b"0003", By::Console);
    assert!(matches!(bound, Err(StoreError::UnknownStaff)));
}

#[test]
fn a_card_of_the_staff_signs_in_unless_they_are_locked_out() {
    let (_directory, mut store, hanako) = with_staff();
    let (alice, _) = store.enrol(at(2), enrolment("青木", [1.0; 4])).unwrap();
    store.bind_credential(at(3), Owner::Person(alice), CARD, b"0001", By::Console).unwrap();
    store.bind_credential(at(4), Owner::Staff(hanako), CARD, b"0002", By::Console).unwrap();
    assert_eq!(store.sign_in_by_credential(uptime(5), CARD, b"0001").unwrap(), None);
    let signed_in = store.sign_in_by_credential(uptime(5), CARD, b"0002").unwrap();
    assert_eq!(signed_in, Some((hanako, SignIn::Ok { role: Role::Supervisor })));
    for _ in 0..5 {
        let _ = store.sign_in(uptime(6), hanako, WRONG).unwrap();
    }
    let locked = store.sign_in_by_credential(uptime(6), CARD, b"0002").unwrap();
    assert_eq!(locked, Some((hanako, minutes(5))));
}

#[test]
fn the_same_card_has_another_digest_at_another_site() {
    let digest = |directory: &tempfile::TempDir| {
        let vault = rusqlite::Connection::open(directory.path().join("genkan.db")).unwrap();
        let key = store::KeyPort::load(&FileKey::beside(directory.path())).unwrap();
        vault.pragma_update(None, "key", key.page_key().as_str()).unwrap();
        vault.query_row("SELECT digest FROM credentials", [], |row| row.get::<_, [u8; 32]>(0)).unwrap()
    };
    let site = || {
        let (directory, mut store, hanako) = with_staff();
        store.bind_credential(at(3), Owner::Staff(hanako), CARD, b"0001", By::Console).unwrap();
        drop(store);
        digest(&directory)
    };
    assert_ne!(site(), site());
}

/// Not an assertion on time: prints what one try costs here.
#[test]
fn a_try_costs_time() {
    let (_directory, mut store, hanako) = with_staff();
    let start = Instant::now();
    for second in 0..4 {
        let _ = store.sign_in(at(second), hanako, PIN).unwrap();
    }
    println!("one try takes {:?}", start.elapsed() / 4);
}
