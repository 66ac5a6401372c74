//! The registry's rules about keyrings, as functions of explicit tables: whom to wrap an epoch to, who is late, when a group
//! needs a new key, when an erasure is complete, and when a registry that was put back may issue again. The registry runs
//! them on its rows and the simulator on its own, so what the simulator shows of them is true of the registry.
//!
//! - An erasure is complete when every member confirmed it and opened an epoch issued after it through a wrap key newer than
//!   *every* key that an earlier epoch was wrapped to: only then is every key gone that opens an old keyring.
//! - Late wraps follow the *last* head of a device, completion its *highest*: a vault that was put back is at a lower epoch.
//! - A late wrap adds a key and replaces none, since the device may have opened through any of them.
//! - New records are sealed to the newest group key that a member has opened, before that to the oldest there is: one that is
//!   nowhere else could be lost with the database.
//! - After a restore no epoch is issued until every member was heard; one wrapped to a device whose expulsion only then came
//!   back is superseded.

use crate::{AuthorId, GroupId, KeyId, Members, State, WrapPublic};
use std::collections::{BTreeMap, BTreeSet};

/// The wrap keys that an epoch was wrapped to, of each device: generation and name.
pub type Wraps = BTreeMap<AuthorId, BTreeSet<(u32, KeyId)>>;

/// What a registry keeps about the epochs of one group, in rows beside the feeds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Each epoch and every key that it was wrapped to.
    pub wrapped: BTreeMap<u32, Wraps>,
    /// The highest epoch that each device said it opened.
    pub opened: BTreeMap<AuthorId, u32>,
    /// The epoch that the last head of each device names. Emptied when the database is put back.
    pub says: BTreeMap<AuthorId, u32>,
    /// The newest epoch at the time when a key was destroyed.
    pub killed: BTreeMap<KeyId, u32>,
    /// The keys of which it was said that the erasure is complete.
    pub complete: BTreeSet<KeyId>,
}

/// One key to wrap to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The member.
    pub device: AuthorId,
    /// Its newest wrap key.
    pub wrap: KeyId,
    /// The public half.
    pub public: WrapPublic,
    /// Its place in the order in which the device made them; 0 for the one that it was admitted with.
    pub generation: u32,
}

impl Table {
    /// Takes a member's head: which epoch it opened.
    pub fn heard(&mut self, device: AuthorId, epoch: u32) {
        let opened = self.opened.entry(device).or_insert(0);
        *opened = epoch.max(*opened);
        self.says.insert(device, epoch);
    }

    /// Notes an epoch that was begun, and whom it was wrapped to.
    pub fn begun(&mut self, epoch: u32, targets: &[Target]) {
        self.wrapped.entry(epoch).or_default();
        targets.iter().for_each(|target| self.wrap(epoch, target));
    }

    /// Notes a wrap that was written.
    pub fn wrap(&mut self, epoch: u32, target: &Target) {
        let wraps = self.wrapped.entry(epoch).or_default();
        wraps.entry(target.device).or_default().insert((target.generation, target.wrap));
    }

    /// Notes that a key was destroyed while `epoch` was the newest ever issued. The first time counts.
    pub fn kill(&mut self, key: KeyId, epoch: u32) {
        self.killed.entry(key).or_insert(epoch);
    }
}

/// The newest wrap key of each member of a group: published, or the one that it was admitted with.
pub fn targets(members: &Members, group: GroupId, state: &State) -> Vec<Target> {
    let target = |(device, keys): (AuthorId, &BTreeSet<(KeyId, WrapPublic)>)| {
        let first = keys.first().map(|(id, public)| (0, *id, public.0));
        let (generation, wrap, public) = state.newest_wrap(device).or(first)?;
        Some(Target { device, wrap, public: WrapPublic(public), generation })
    };
    members.devices_of(group).filter_map(target).collect()
}

/// Which of these get another wrap of the newest epoch: whoever has not opened it, by its last head, and published a key that
/// it was not wrapped to.
pub fn late(table: &Table, targets: &[Target], epoch: u32) -> Vec<Target> {
    let waits = |target: &&Target| {
        let used = table.wrapped.get(&epoch).and_then(|wraps| wraps.get(&target.device));
        let opened = table.says.get(&target.device).is_some_and(|said| *said >= epoch);
        !opened && !used.is_some_and(|used| used.contains(&(target.generation, target.wrap)))
    };
    targets.iter().filter(waits).copied().collect()
}

/// Whether the next epoch needs a new group key: there is none, or an expelled device was given the newest. Of an epoch
/// without rows (the database was put back) nobody knows to whom it went, so any expulsion counts.
pub fn needs_group_key(table: &Table, members: &Members, newest: Option<u32>, epoch: u32) -> bool {
    let Some(newest) = newest else { return true };
    let anybody = members.expelled_devices().next().is_some();
    let given = |epoch: u32| match table.wrapped.get(&epoch) {
        None => anybody,
        Some(wraps) => wraps.keys().any(|device| members.is_expelled(*device)),
    };
    (newest..=epoch).any(given)
}

/// The group key, of those held, that new records are sealed to: the newest that a member has opened, and before any has, the
/// oldest: of the newest nobody may have heard yet, and then it is lost with the database, though the records are not.
pub fn sealing_epoch(
    table: &Table,
    members: &Members,
    group: GroupId,
    held: impl Iterator<Item = u32> + Clone,
) -> Option<u32> {
    let opened = members.devices_of(group).filter_map(|(device, _)| table.opened.get(&device).copied()).max();
    held.clone().filter(|epoch| Some(*epoch) <= opened).max().or(held.min())
}

/// The members that an erasure waits for: they have not confirmed it, or can still go back to a keyring that has the key.
/// Nobody for a key that was not destroyed.
pub fn waits_for(
    table: &Table,
    members: &Members,
    group: GroupId,
    key: KeyId,
    erased: impl Fn(AuthorId) -> bool,
) -> Vec<AuthorId> {
    let Some(at) = table.killed.get(&key) else { return Vec::new() };
    let devices = members.devices_of(group).map(|(device, _)| device);
    devices.filter(|device| !erased(*device) || !is_beyond(table, *device, *at)).collect()
}

/// Whether a device opened an epoch after `at` through a key newer than all that the epochs up to `at` were wrapped to.
fn is_beyond(table: &Table, device: AuthorId, at: u32) -> bool {
    let opened = table.opened.get(&device).copied().unwrap_or(0);
    let of = |wraps: &Wraps| wraps.get(&device).cloned().unwrap_or_default();
    let before = table.wrapped.range(..=at).flat_map(|(_, wraps)| of(wraps));
    let newest = before.map(|(generation, _)| generation).max();
    let mut later = table.wrapped.iter().filter(|(epoch, _)| (at + 1..=opened).contains(epoch));
    later.any(|(_, wraps)| of(wraps).first().is_some_and(|(generation, _)| Some(*generation) > newest))
}

/// The erasures that became complete; the driver says so and notes them in [`Table::complete`].
pub fn completed(table: &Table, members: &Members, group: GroupId, state: &State) -> Vec<KeyId> {
    let done = |key: &KeyId| {
        let erased = |device| state.erased_by(*key).any(|other| other == device);
        waits_for(table, members, group, *key, erased).is_empty()
    };
    let open = table.killed.keys().filter(|key| !table.complete.contains(*key));
    open.filter(|key| done(key)).copied().collect()
}

/// Whether an erasure still waits for an epoch that everybody can open anew.
pub fn erasures_wait(table: &Table) -> bool {
    table.killed.keys().any(|key| !table.complete.contains(key))
}

/// Whether the newest epoch went to a device that does not belong any more: it is superseded at once.
pub fn wrapped_to_expelled(table: &Table, members: &Members, epoch: u32) -> bool {
    let newest = table.wrapped.get(&epoch);
    newest.is_some_and(|wraps| wraps.keys().any(|device| members.is_expelled(*device)))
}

/// Whether every member was heard since the database was put back. Until then no epoch is issued: one issued while a device
/// with the newest keyring is cut off loses that keyring's group key.
pub fn all_heard(table: &Table, members: &Members, group: GroupId) -> bool {
    members.devices_of(group).all(|(device, _)| table.says.contains_key(&device))
}

/// The number of the next epoch: beyond all that were ever issued, also by a database that was put back since.
pub fn next(issued: u32, opened: u32) -> u32 {
    issued.max(opened) + 1
}

#[cfg(test)]
#[path = "epochs/tests.rs"]
mod tests;
