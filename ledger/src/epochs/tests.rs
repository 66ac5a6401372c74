#![allow(clippy::unwrap_used)]
use super::*;
use crate::{Body, Clock, Kind, Prior, Root, RunId};

const GROUP: GroupId = GroupId([1; 16]);
const OTHER: GroupId = GroupId([2; 16]);
const KEY: KeyId = KeyId([7; 16]);

fn device(number: u8) -> AuthorId {
    AuthorId([number; 32])
}

fn apply(members: &mut Members, kind: Kind, fields: Vec<(String, crate::Value)>) {
    let clock = Clock { boot: [0; 16], uptime_ms: 0, wall_ms: None, uncertainty_s: 0 };
    members.apply(kind, &Body { kind: kind.name().into(), clock, fields, personal: None }).unwrap();
}

/// Devices 1 and 2 of the group, 3 of another.
fn members() -> Members {
    let mut members = Members::new(AuthorId([0xee; 32]));
    for (number, group) in [(1, GROUP), (2, GROUP), (3, OTHER)] {
        let fields = Members::admitted(device(number), group, KeyId([number; 16]), WrapPublic([number; 32]));
        apply(&mut members, Kind::Admitted, fields);
    }
    members
}

fn expel(members: &mut Members, number: u8) {
    let last = Prior { run: RunId([0; 16]), length: 1, root: Root([0; 32]) };
    apply(members, Kind::Expelled, Members::expelled(device(number), &[last]).unwrap());
}

fn target(number: u8, generation: u32) -> Target {
    let wrap = KeyId([number * 16 + generation as u8; 16]);
    Target { device: device(number), wrap, public: WrapPublic([0; 32]), generation }
}

/// Epochs 1, 2 and 3 went to both members, each through one key more than before.
fn table() -> Table {
    let mut table = Table::default();
    for epoch in 1..=3 {
        table.wrap(epoch, &target(1, epoch - 1));
        table.wrap(epoch, &target(2, epoch - 1));
    }
    table
}

fn waiting(table: &Table, erased: &[u8]) -> Vec<AuthorId> {
    waits_for(table, &members(), GROUP, KEY, |device| erased.contains(&device.0[0]))
}

#[test]
fn an_epoch_goes_to_the_members_of_its_group_and_to_the_key_they_were_admitted_with() {
    let mut members = members();
    let all = targets(&members, GROUP, &State::default());
    let expected = |number: u8| Target {
        device: device(number),
        wrap: KeyId([number; 16]),
        public: WrapPublic([number; 32]),
        generation: 0,
    };
    assert_eq!(all, [expected(1), expected(2)]);
    expel(&mut members, 1);
    assert_eq!(targets(&members, GROUP, &State::default()), [expected(2)]);
}

#[test]
fn late_is_who_has_not_opened_the_epoch_and_has_a_key_that_it_was_not_wrapped_to() {
    let mut table = table();
    let names = |table: &Table, generation| -> Vec<u8> {
        let targets = [target(1, generation), target(2, generation)];
        late(table, &targets, 3).iter().map(|target| target.device.0[0]).collect()
    };
    assert_eq!(names(&table, 2), [], "wrapped already");
    assert_eq!(names(&table, 3), [1, 2], "a newer key");
    table.heard(device(1), 3);
    assert_eq!(names(&table, 3), [2], "the first has opened it");
    table.heard(device(1), 2);
    assert_eq!(names(&table, 3), [1, 2], "the vault of the first was put back: its last head counts");
    table.wrap(3, &target(1, 3));
    assert_eq!(names(&table, 3), [2], "a late wrap is not written twice");
    assert_eq!(table.wrapped[&3][&device(1)].len(), 2, "and replaces none");
}

#[test]
fn an_erasure_waits_for_confirmation_and_for_a_later_epoch_of_every_member() {
    let mut table = table();
    table.kill(KEY, 2);
    table.kill(KEY, 3);
    assert_eq!(table.killed[&KEY], 2, "the first time counts");
    assert_eq!(waiting(&table, &[1, 2]), [device(1), device(2)], "nobody has opened epoch 3");
    table.heard(device(1), 3);
    table.heard(device(2), 2);
    assert_eq!(waiting(&table, &[1, 2]), [device(2)], "the second is at epoch 2");
    table.heard(device(2), 3);
    assert_eq!(waiting(&table, &[2]), [device(1)], "the first has not confirmed it");
    assert_eq!(waiting(&table, &[1, 2]), []);
    table.heard(device(1), 1);
    assert_eq!(waiting(&table, &[1, 2]), [], "a vault put back later opens nothing old: the highest counts");
}

#[test]
fn an_erasure_is_not_complete_through_a_key_that_opens_an_old_keyring_too() {
    let mut table = table();
    table.kill(KEY, 2);
    table.heard(device(1), 3);
    table.heard(device(2), 3);
    // A late wrap of the old epoch to the very key that the new one was wrapped to.
    table.wrap(2, &target(1, 2));
    assert_eq!(waiting(&table, &[1, 2]), [device(1)]);
    // The new epoch also went to an older key, through which it may have been opened.
    let mut table = self::table();
    table.kill(KEY, 2);
    table.heard(device(1), 3);
    table.heard(device(2), 3);
    table.wrap(3, &target(2, 1));
    assert_eq!(waiting(&table, &[1, 2]), [device(2)]);
}

#[test]
fn an_erasure_does_not_wait_for_who_left_nor_for_another_group() {
    let mut table = table();
    let mut members = members();
    table.kill(KEY, 2);
    table.heard(device(2), 3);
    expel(&mut members, 1);
    assert_eq!(waits_for(&table, &members, GROUP, KEY, |device| device.0[0] == 2), []);
    assert_eq!(
        waits_for(&table, &members, OTHER, KEY, |_| true),
        [device(3)],
        "of another group the tables are others"
    );
}

#[test]
fn a_group_needs_a_new_key_when_who_left_was_given_the_newest() {
    let (mut members, table) = (members(), table());
    let needs = |members: &Members, newest, epoch| needs_group_key(&table, members, newest, epoch);
    assert!(needs(&members, None, 0), "the first");
    assert!(!needs(&members, Some(1), 3), "nobody left");
    assert!(!needs(&members, Some(4), 4), "an epoch without rows, and nobody left");
    expel(&mut members, 1);
    assert!(needs(&members, Some(1), 3) && needs(&members, Some(3), 3));
    assert!(needs(&members, Some(4), 4), "an epoch without rows may have gone to anybody");
    let mut table = table.clone();
    table.wrap(4, &target(2, 3));
    assert!(!needs_group_key(&table, &members, Some(4), 4), "the first without who left");
}

#[test]
fn records_are_sealed_to_the_newest_key_that_a_member_has_opened_or_to_the_oldest() {
    let (mut table, mut members) = (table(), members());
    let sealing = |table: &Table| sealing_epoch(table, &self::members(), GROUP, [1, 3].into_iter());
    assert_eq!(sealing(&table), Some(1), "nobody has opened any");
    table.heard(device(3), 3);
    assert_eq!(sealing(&table), Some(1), "a device of another group");
    table.heard(device(2), 2);
    assert_eq!(sealing(&table), Some(1));
    table.heard(device(1), 3);
    assert_eq!(sealing(&table), Some(3));
    expel(&mut members, 1);
    let left = sealing_epoch(&table, &members, GROUP, [1, 3].into_iter());
    assert_eq!(left, Some(1), "who has opened the newest does not belong any more");
    assert_eq!(sealing_epoch(&table, &members, GROUP, std::iter::empty()), None);
}

#[test]
fn after_a_restore_every_member_is_heard_and_an_epoch_of_who_left_is_superseded() {
    let (mut members, mut table) = (members(), table());
    table.heard(device(1), 3);
    assert!(!all_heard(&table, &members, GROUP));
    table.heard(device(2), 1);
    assert!(all_heard(&table, &members, GROUP) && !all_heard(&table, &members, OTHER));
    assert!(!wrapped_to_expelled(&table, &members, 3));
    expel(&mut members, 2);
    assert!(wrapped_to_expelled(&table, &members, 3) && !wrapped_to_expelled(&table, &members, 4));
    assert_eq!((next(3, 5), next(6, 5)), (6, 7));
}
