//! The keyring (LEDGER section 4): how the keys of an epoch reach the members, and how a holder forgets.
//!
//! A keyring is a run that is thrown away whole. Its records are plain, so that agents can carry it; what they say is closed:
//! `Wrap` carries K of the epoch and every G that is still needed to one device, `Key` carries one person's key under K.
//!
//! [`Chain`] is what a holder has, a kiosk or a registry. The ratchet: whoever opens an epoch through wrap key w destroys all
//! older ones, so hoarded keyrings stay closed; the newer ones are kept, because the registry may be about to use them.

mod bytes;
mod persons;

use crate::seal::{decrypt, encrypt};
use crate::{AuthorId, Body, Clock, GroupId, GroupKey, KeyId, Kind, Suite, Value, WrapPublic, WrapSecret};
use std::collections::BTreeMap;
use std::fmt;
use zeroize::Zeroizing;

/// How many wrap keys a holder keeps beyond the one it used last; the oldest unused goes first. A kiosk makes one per epoch
/// that it opens, so this many epochs may cross on the way.
pub const MAX_WRAP_KEYS: usize = 16;

/// Which keyring: the tenant, the group and the epoch. Bound into everything that is closed in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The tenant.
    pub tenant: String,
    /// The group.
    pub group: GroupId,
    /// The epoch.
    pub epoch: u32,
}

/// Why a keyring does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// An older epoch than one that was opened before.
    #[error("epoch {found} is older than epoch {newest}, which was opened before; refuse it")]
    Old {
        /// The epoch offered.
        found: u32,
        /// The newest that was opened.
        newest: u32,
    },
    /// Of another group than the one whose keys are held.
    #[error("the keyring is of group {0}, and the keys held here are of another; refuse it")]
    OtherGroup(GroupId),
    /// No wrap in it is for a key that this holder has; publish a new wrap key and wait.
    #[error(
        "no wrap of epoch {0} opens with the keys held here; publish a new wrap key and wait for it to be used"
    )]
    NotForUs(u32),
}

/// A key to wrap to and its place in the order in which the holder made them.
#[derive(Clone, Debug)]
struct WrapKey {
    generation: u32,
    id: KeyId,
    secret: WrapSecret,
}

/// The keys of one holder for one group: the group of the first epoch that it opens or begins. `Debug` shows their numbers
/// and names only. A registry has one for each group; a kiosk keeps the key of its own that it had before ([`Chain::keep_group`]).
#[derive(Clone, Default)]
pub struct Chain {
    group: Option<GroupId>,
    wraps: Vec<WrapKey>,
    groups: BTreeMap<u32, Zeroizing<[u8; 32]>>,
    others: BTreeMap<(GroupId, u32), Zeroizing<[u8; 32]>>,
    epoch_key: Option<(u32, Zeroizing<[u8; 32]>)>,
    persons: BTreeMap<KeyId, Zeroizing<[u8; 32]>>,
}

impl Chain {
    /// Adds a new wrap key, drawn by the caller, and returns its generation.
    pub fn add_wrap(&mut self, id: KeyId, secret: WrapSecret, at_least: u32) -> u32 {
        let newest = self.wraps.last().map_or(0, |wrap| wrap.generation + 1);
        let generation = newest.max(at_least);
        if self.wraps.len() > MAX_WRAP_KEYS {
            self.wraps.remove(1);
        }
        self.wraps.push(WrapKey { generation, id, secret });
        generation
    }

    /// Opens the keyring of an epoch: takes K and the group keys, and destroys the wrap keys older than the one used.
    /// Returns the generation of that one. Opening the same epoch again is fine.
    ///
    /// Errors: [`KeyringError`]; nothing changes then.
    pub fn open<'a>(
        &mut self,
        suite: &dyn Suite,
        scope: &Scope,
        me: AuthorId,
        bodies: impl Iterator<Item = &'a Body>,
    ) -> Result<u32, KeyringError> {
        if self.group.is_some_and(|group| group != scope.group) {
            return Err(KeyringError::OtherGroup(scope.group));
        }
        let newest = self.epoch();
        if scope.epoch < newest {
            return Err(KeyringError::Old { found: scope.epoch, newest });
        }
        let ours = bodies.filter_map(|body| self.opened(suite, scope, me, body));
        let best = ours.max_by_key(|(generation, ..)| *generation);
        let (generation, key, groups) = best.ok_or(KeyringError::NotForUs(scope.epoch))?;
        self.group = Some(scope.group);
        self.wraps.retain(|wrap| wrap.generation >= generation);
        self.groups.extend(groups);
        self.epoch_key = Some((scope.epoch, key));
        Ok(generation)
    }

    fn opened(&self, suite: &dyn Suite, scope: &Scope, me: AuthorId, body: &Body) -> Option<Opened> {
        if Kind::from_name(&body.kind) != Some(Kind::Wrap) || body.get("device")?.as_array_of() != Some(me.0)
        {
            return None;
        }
        let id = KeyId(body.get("wrap")?.as_array_of()?);
        let wrap = self.wraps.iter().find(|wrap| wrap.id == id)?;
        let plain = suite.unwrap(&wrap.secret, &wrap_info(scope, me), body.get("sealed")?.as_bytes()?)?;
        let plain = Value::decode(&Zeroizing::new(plain)).ok()?;
        let [key, groups] = plain.as_array()? else { return None };
        let groups = groups.as_array()?.iter().map(read_group).collect::<Option<_>>()?;
        Some((wrap.generation, Zeroizing::new(key.as_array_of()?), groups))
    }

    /// The key of one person out of a `Key` record, if it is sealed under the K that is held and `dead` does not know it as
    /// destroyed: a tombstone is asked before any key is accepted. Returns the key's name if it was taken now.
    pub fn take(&mut self, scope: &Scope, body: &Body, dead: impl Fn(KeyId) -> bool) -> Option<KeyId> {
        let id = KeyId(body.get("key")?.as_array_of()?);
        let (epoch, key) = self.epoch_key.as_ref()?;
        if *epoch != scope.epoch || dead(id) || self.persons.contains_key(&id) {
            return None;
        }
        let plain = decrypt(key, &key_info(scope, id), body.get("sealed")?.as_bytes()?)?;
        self.persons.insert(id, Zeroizing::new(plain.as_slice().try_into().ok()?));
        Some(id)
    }

    /// Keeps the key of a person that was enrolled here.
    pub fn keep(&mut self, id: KeyId, key: [u8; 32]) {
        self.persons.insert(id, Zeroizing::new(key));
    }

    /// Destroys a person's key; whether there was one.
    pub fn destroy(&mut self, id: KeyId) -> bool {
        self.persons.remove(&id).is_some()
    }

    /// The `Wrap` of this holder's keys for a member. Nothing before the first epoch. `random`: 32 bytes for this call alone.
    pub fn wrap_body(
        &self,
        suite: &dyn Suite,
        scope: &Scope,
        to: (AuthorId, KeyId, WrapPublic),
        random: [u8; 32],
        clock: Clock,
    ) -> Option<Body> {
        let (device, wrap, public) = to;
        let (_, key) = self.epoch_key.as_ref().filter(|(epoch, _)| *epoch == scope.epoch)?;
        let group = |(epoch, key): (&u32, &Zeroizing<[u8; 32]>)| {
            Value::Array(vec![Value::Int((*epoch).into()), Value::bytes(**key)])
        };
        let groups = Value::Array(self.groups.iter().map(group).collect());
        let plain = Value::Array(vec![Value::bytes(**key), groups]).encode().ok().map(Zeroizing::new)?;
        let sealed = suite.wrap(&public, random, &wrap_info(scope, device), &plain);
        let fields = [
            ("device", Value::bytes(device.0)),
            ("wrap", Value::bytes(wrap.0)),
            ("sealed", Value::Bytes(sealed)),
        ];
        Some(body(Kind::Wrap, clock, fields))
    }

    /// The `Key` of a person under K. Nothing if either is not held. `nonce`: 24 random bytes for this call alone.
    pub fn key_body(&self, scope: &Scope, id: KeyId, nonce: [u8; 24], clock: Clock) -> Option<Body> {
        let (_, key) = self.epoch_key.as_ref().filter(|(epoch, _)| *epoch == scope.epoch)?;
        let sealed = encrypt(key, nonce, &key_info(scope, id), &self.persons.get(&id)?[..]);
        Some(body(Kind::Key, clock, [("key", Value::bytes(id.0)), ("sealed", Value::Bytes(sealed))]))
    }

    /// Begins an epoch as the registry does: K always new, G new where a member left. Both drawn by the caller.
    pub fn begin(&mut self, scope: &Scope, key: [u8; 32], group: Option<[u8; 32]>) {
        self.group = Some(scope.group);
        self.epoch_key = Some((scope.epoch, Zeroizing::new(key)));
        self.groups.extend(group.map(|group| (scope.epoch, Zeroizing::new(group))));
    }

    /// Keeps the key of another group: what a device sealed its records to before it belonged to one.
    pub fn keep_group(&mut self, group: GroupId, epoch: u32, key: [u8; 32]) {
        self.others.insert((group, epoch), Zeroizing::new(key));
    }

    /// What is left where the key that wrapped K, persons' keys and wrap keys is gone (a vault put back to an older state):
    /// the group keys alone.
    pub fn without_wrapped(&self) -> Chain {
        Chain {
            group: self.group,
            groups: self.groups.clone(),
            others: self.others.clone(),
            ..Chain::default()
        }
    }

    /// Takes over the wrap keys of another chain: a registry keeps them in its key port, and a database that was put back to
    /// an older state gets the ones of today.
    pub fn take_wraps(&mut self, port: &Chain) {
        self.wraps.clone_from(&port.wraps);
    }

    /// The newest epoch that was opened; 0 before the first.
    pub fn epoch(&self) -> u32 {
        self.epoch_key.as_ref().map_or(0, |(epoch, _)| *epoch)
    }

    /// The group whose keys these are; none before the first epoch.
    pub fn group(&self) -> Option<GroupId> {
        self.group
    }

    /// The key that a record of this group and epoch is sealed to, if held.
    pub fn key_of(&self, group: GroupId, epoch: u32) -> Option<GroupKey> {
        let other = || self.others.get(&(group, epoch)).map(|key| GroupKey::from_bytes(**key));
        if self.group == Some(group) { self.group_key(epoch).or_else(other) } else { other() }
    }

    /// K of the newest epoch, if held: for a registry that keeps it under a key of its own.
    pub fn epoch_key(&self) -> Option<Zeroizing<[u8; 32]>> {
        self.epoch_key.as_ref().map(|(_, key)| key.clone())
    }

    /// The group key of an epoch, if held.
    pub fn group_key(&self, epoch: u32) -> Option<GroupKey> {
        self.groups.get(&epoch).map(|key| GroupKey::from_bytes(**key))
    }

    /// The newest group key and its epoch.
    pub fn newest_group_key(&self) -> Option<(u32, GroupKey)> {
        self.groups.last_key_value().map(|(epoch, key)| (*epoch, GroupKey::from_bytes(**key)))
    }

    /// A person's key, if held: for a registry that keeps it under a key of its own.
    pub fn person(&self, id: KeyId) -> Option<crate::PersonKey> {
        self.persons.get(&id).map(|key| crate::PersonKey::from_bytes(**key))
    }

    /// The names of the persons' keys held.
    pub fn persons(&self) -> impl Iterator<Item = KeyId> {
        self.persons.keys().copied()
    }

    /// Whether this person's key is held.
    pub fn holds(&self, id: KeyId) -> bool {
        self.persons.contains_key(&id)
    }

    /// The wrap keys held, oldest first: generation and name.
    pub fn wraps(&self) -> impl Iterator<Item = (u32, KeyId)> {
        self.wraps.iter().map(|wrap| (wrap.generation, wrap.id))
    }

    /// The epochs of the group keys held.
    pub fn group_epochs(&self) -> impl Iterator<Item = u32> + Clone {
        self.groups.keys().copied()
    }

    /// The newest wrap key: generation, name and public half.
    pub fn newest_wrap(&self, suite: &dyn Suite) -> Option<(u32, KeyId, WrapPublic)> {
        self.wraps.last().map(|wrap| (wrap.generation, wrap.id, suite.public_of(&wrap.secret)))
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Chain(epoch {}, {} persons, {} wrap keys)",
            self.epoch(),
            self.persons.len(),
            self.wraps.len()
        )
    }
}

/// Generation of the wrap key used, K, and the group keys.
type Opened = (u32, Zeroizing<[u8; 32]>, Vec<(u32, Zeroizing<[u8; 32]>)>);

fn read_group(value: &Value) -> Option<(u32, Zeroizing<[u8; 32]>)> {
    let [epoch, key] = value.as_array()? else { return None };
    Some((epoch.as_int()?.try_into().ok()?, Zeroizing::new(key.as_array_of()?)))
}

fn wrap_info(scope: &Scope, device: AuthorId) -> Vec<u8> {
    [b"genkan wrap 1\0", &key_info(scope, KeyId([0; 16]))[..], &device.0].concat()
}

fn key_info(scope: &Scope, id: KeyId) -> Vec<u8> {
    [&scope.group.0[..], &scope.epoch.to_be_bytes(), &id.0, scope.tenant.as_bytes(), b"\0"].concat()
}

fn body<const N: usize>(kind: Kind, clock: Clock, fields: [(&str, Value); N]) -> Body {
    let fields = fields.map(|(name, value)| (name.to_owned(), value)).to_vec();
    Body { kind: kind.name().to_owned(), clock, fields, personal: None }
}
