//! Disks that are full or do not obey while the kiosk runs: the door stays shut, the error says what to do, nothing is
//! lost, and the kiosk goes on when the disk does.

use gate::{DurableLog, Entry, PersonId};
use store::{FileKey, Store, StoreError};

use crate::{common::*, scratch, vfs::Disk};

const ALICE: PersonId = PersonId([1; 16]);

fn on_a_disk() -> (tempfile::TempDir, Disk, Store) {
    let directory = scratch();
    init(directory.path());
    let disk = Disk::register(directory.path());
    let options = options().vfs(disk.name());
    let store = Store::open(directory.path(), &FileKey::beside(directory.path()), options).unwrap();
    (directory, disk, store)
}

#[test]
fn a_full_disk_keeps_the_door_shut_and_loses_nothing() {
    let (_directory, disk, mut store) = on_a_disk();
    let mut door = Door::new();
    let before = door.visit(&mut store, Some(ALICE), |_, _| {}).unwrap();
    store.check_writable().unwrap();
    disk.set_full(true);
    for _ in 0..2 {
        let told = std::cell::Cell::new(0);
        let refused = door.visit(&mut store, Some(ALICE), |_, _| told.set(told.get() + 1));
        assert!(matches!(refused, Err(StoreError::DiskFull(_))), "{refused:?}");
        assert_eq!(told.get(), 0, "nothing may be acknowledged and no strike driven");
        door.restored();
    }
    assert!(matches!(store.check_writable(), Err(StoreError::DiskFull(_))));
    assert!(matches!(store.enrol(at(1), enrolment("青木", [1.0; 4])), Err(StoreError::DiskFull(_))));
    assert!(store.people().unwrap().is_empty());
    disk.set_full(false);
    store.check_writable().unwrap();
    let after = door.visit(&mut store, Some(ALICE), |_, _| {}).unwrap();
    assert!(store.record(before).unwrap().is_some() && store.record(after).unwrap().is_some());
    let report = store.verify(None).unwrap();
    assert!(report.is_sound(), "{:?}", report.findings);
    assert!(store.open_grants().unwrap().is_empty());
}

#[test]
fn a_store_opens_on_a_full_disk_and_can_be_read() {
    let (directory, disk, mut store) = on_a_disk();
    store.enrol(at(1), enrolment("青木", [1.0; 4])).unwrap();
    drop(store);
    disk.set_full(true);
    let options = options().vfs(disk.name());
    let store = Store::open(directory.path(), &FileKey::beside(directory.path()), options).unwrap();
    assert_eq!(store.people().unwrap().len(), 1);
}

#[test]
fn a_commit_of_unknown_fate_is_never_continued() {
    let (_directory, disk, mut store) = on_a_disk();
    let first = store.append(at(1), &Entry::StaffCalled).unwrap();
    disk.set_deaf(true);
    assert!(store.append(at(2), &Entry::StaffCalled).is_err());
    assert!(store.check_writable().is_err());
    disk.set_deaf(false);
    let second = store.append(at(3), &Entry::StaffCalled).unwrap();
    assert_ne!(first.run, second.run, "the run whose last commit is in doubt was continued");
    let report = store.verify(None).unwrap();
    assert!(report.is_sound(), "{:?}", report.findings);
}
