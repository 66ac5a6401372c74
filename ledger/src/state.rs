//! What the records say together: a join over the *set* of records. The order in which they come, how they were cut and how
//! often they came does not matter, and no rule compares the clocks of two machines.
//!
//! | part | how it joins |
//! |---|---|
//! | tombstones, withdrawn, revoked, uses, confirmations | union: what closes is final, what is counted is counted once |
//! | people, policy, mode, entitlements, households | the registry's version counts, a tie goes to the greater content hash, so that a snapshot may say it again |
//! | quarantine | what is authentic and cannot be applied, with the reason; it is tried again when the reason may be gone |
//! | opens | which run continues which: forks and restores show in them |
//!
//! A kill in the header acts before the body is opened. From a device it hides the person everywhere at once; keys are
//! destroyed on the registry's word, or on the device's own for whom it enrolled and the registry has not taken over.

mod ask;

use crate::{AuthorId, Body, Chain, KeyId, Kind, Members, Record, RecordId, RunId, Source, Standing, Value};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// 16 bytes that name a person at one facility, an entitlement, a household; never used again.
pub type Name = [u8; 16];

/// Why an authentic record is kept and not applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quarantine {
    /// Sealed to a key that is not held: tried again with each new epoch.
    MissingKey,
    /// Of a kind that a newer version knows: kept, forwarded, tried again after the update.
    UnknownKind,
    /// The author wrote what does not read.
    Malformed,
    /// A kind in a feed where it may not stand.
    RuleBroken,
    /// Of a device that was expelled, beyond what counts of it.
    Expelled,
}

/// What counts of one register: the registry's number, then the hash of what is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Counted up by the registry in the transaction of the change; 0 for what a device says.
    pub number: u64,
    /// The hash of the fields.
    pub said: [u8; 32],
}

/// One person as the records say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Known {
    /// What counts.
    pub version: Version,
    /// The key that closes the personal part.
    pub key: KeyId,
}

/// The state of a replica that can read. Equal sets of records, keys and versions give equal states.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    people: BTreeMap<Name, Known>,
    registers: BTreeMap<(Kind, Name), Version>,
    enrolled_by: BTreeMap<KeyId, BTreeSet<AuthorId>>,
    adopted: BTreeSet<KeyId>,
    tombstones: BTreeSet<KeyId>,
    device_kills: BTreeSet<(AuthorId, KeyId)>,
    withdrawn: BTreeSet<Name>,
    uses: BTreeMap<Name, BTreeSet<Name>>,
    erased: BTreeMap<KeyId, BTreeSet<AuthorId>>,
    wraps: BTreeMap<AuthorId, BTreeSet<(u32, KeyId, [u8; 32])>>,
    opens: BTreeMap<RunId, (AuthorId, Vec<(RunId, u64)>)>,
    quarantine: BTreeMap<RecordId, Quarantine>,
}

impl State {
    /// Takes one authentic record. Returns whether it is applied; if not, it is in quarantine and the reason is returned.
    /// Whoever learns that a device was expelled folds again from nothing.
    pub fn apply(
        &mut self,
        record: &Record,
        source: &Source,
        members: &Members,
        keys: &Chain,
    ) -> Result<(), Quarantine> {
        // A keyring is thrown away whole, so nothing of it may be part of what the set says: its reader is the chain of keys.
        if source.feed.class.is_keyring() {
            return Ok(());
        }
        let id = record.id();
        let done = match members.standing(source.author, id) {
            Standing::Registry | Standing::Member => self.apply_counted(record, source, keys),
            Standing::Expelled | Standing::Stranger => Err(Quarantine::Expelled),
        };
        match done {
            Ok(()) => self.quarantine.remove(&id),
            Err(why) => self.quarantine.insert(id, why),
        };
        done
    }

    fn apply_counted(&mut self, record: &Record, source: &Source, keys: &Chain) -> Result<(), Quarantine> {
        self.kill(&record.header.kills, source);
        let key = record.header.group.and_then(|group| keys.key_of(group, record.header.epoch));
        if record.header.group.is_some() && key.is_none() {
            return Err(Quarantine::MissingKey);
        }
        let body = record.open_body(key.as_ref()).map_err(|_| Quarantine::Malformed)?;
        if record.header.seq == 0 {
            return self.opened(record, source, &body);
        }
        let kind = Kind::from_name(&body.kind).ok_or(Quarantine::UnknownKind)?;
        if !kind.stands_in(source.feed.class) {
            return Err(Quarantine::RuleBroken);
        }
        self.put(kind, source, &body).ok_or(Quarantine::Malformed)
    }

    fn kill(&mut self, kills: &[KeyId], source: &Source) {
        if source.feed.class.is_registrys() {
            self.tombstones.extend(kills);
        } else {
            self.device_kills.extend(kills.iter().map(|key| (source.author, *key)));
        }
    }

    fn opened(&mut self, record: &Record, source: &Source, body: &Body) -> Result<(), Quarantine> {
        let open = crate::Open::from_body(body).map_err(|_| Quarantine::Malformed)?;
        let priors = open.priors.iter().map(|prior| (prior.run, prior.length)).collect();
        self.opens.insert(record.header.run, (source.author, priors));
        Ok(())
    }

    /// What each kind changes. Nothing where a field is missing.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "most kinds are for people to read, no rule of the ledger joins them"
    )]
    fn put(&mut self, kind: Kind, source: &Source, body: &Body) -> Option<()> {
        match kind {
            Kind::Person | Kind::Enrolled => self.put_person(kind, source, body)?,
            Kind::Withdrawn | Kind::Revoked | Kind::Suspend | Kind::Confirmed | Kind::Declined => {
                self.withdrawn.insert(name(body, "person")?);
            }
            Kind::EntitlementUsed => {
                self.uses.entry(name(body, "entitlement")?).or_default().insert(name(body, "use")?);
            }
            Kind::Erased => {
                // A kiosk's own erasure names people and no keys: those stand in its header.
                for key in body.get("keys").and_then(Value::as_array).unwrap_or_default() {
                    self.erased.entry(KeyId(key.as_array_of()?)).or_default().insert(source.author);
                }
            }
            Kind::WrapKey => {
                let generation = body.get("generation")?.as_int()?.try_into().ok()?;
                let public = body.get("wrap_key")?.as_array_of()?;
                let wrap = KeyId(name(body, "wrap")?);
                self.wraps.entry(source.author).or_default().insert((generation, wrap, public));
            }
            Kind::Mode | Kind::Policy | Kind::Entitlement | Kind::KeyringEpoch
                if source.feed.class.is_registrys() =>
            {
                let of = body.get("entitlement").and_then(Value::as_array_of).unwrap_or_default();
                let version = version(body)?;
                let kept = self.registers.entry((kind, of)).or_insert(version);
                *kept = version.max(*kept);
            }
            // What people read and no rule of the ledger joins: it is in the set, and that is all there is to it.
            _ => {}
        }
        Some(())
    }

    fn put_person(&mut self, kind: Kind, source: &Source, body: &Body) -> Option<()> {
        let person = name(body, "person")?;
        let key = match &body.personal {
            Some(personal) => personal.key_id(),
            None => KeyId(name(body, "key")?),
        };
        let version = if kind == Kind::Person {
            self.adopted.insert(key);
            version(body)?
        } else {
            self.enrolled_by.entry(key).or_default().insert(source.author);
            Version { number: 0, said: said(body) }
        };
        let known = Known { version, key };
        let kept = self.people.entry(person).or_insert(known);
        *kept = known.max(*kept);
        Some(())
    }

    /// Whether this key is destroyed: asked before any key or reference is accepted.
    pub fn is_dead(&self, key: KeyId) -> bool {
        let own = |device: &AuthorId| self.device_kills.contains(&(*device, key));
        let enrolled = || self.enrolled_by.get(&key).is_some_and(|devices| devices.iter().any(own));
        self.tombstones.contains(&key) || (!self.adopted.contains(&key) && enrolled())
    }

    /// Whether nobody may be searched by this key: destroyed, or closed by any device.
    fn is_closed(&self, key: KeyId) -> bool {
        self.is_dead(key) || self.device_kills.iter().any(|(_, killed)| *killed == key)
    }

    /// The people that may be searched, each with the key that closes what is said of them.
    pub fn gallery(&self) -> impl Iterator<Item = (Name, KeyId)> {
        let open = |(person, known): &(&Name, &Known)| {
            !self.withdrawn.contains(*person) && !self.is_closed(known.key)
        };
        self.people.iter().filter(open).map(|(person, known)| (*person, known.key))
    }

    /// What is known of a person, withdrawn or not.
    pub fn person(&self, person: Name) -> Option<Known> {
        self.people.get(&person).copied()
    }

    /// Everybody known, withdrawn or not.
    pub fn people(&self) -> impl Iterator<Item = (Name, Known)> {
        self.people.iter().map(|(person, known)| (*person, *known))
    }

    /// The keys that are destroyed on the registry's word.
    pub fn tombstones(&self) -> &BTreeSet<KeyId> {
        &self.tombstones
    }

    /// The keys that devices want destroyed and the registry has not confirmed.
    pub fn asked_to_kill(&self) -> impl Iterator<Item = KeyId> {
        let open = |(_, key): &&(AuthorId, KeyId)| !self.tombstones.contains(key);
        self.device_kills.iter().filter(open).map(|(_, key)| *key)
    }

    /// Whether this person was taken over by the registry.
    pub fn is_adopted(&self, key: KeyId) -> bool {
        self.adopted.contains(&key)
    }

    /// Whether this device enrolled whom this key belongs to.
    pub fn enrolled_by(&self, key: KeyId, device: AuthorId) -> bool {
        self.enrolled_by.get(&key).is_some_and(|devices| devices.contains(&device))
    }

    /// How often an entitlement was used: the size of the set of uses.
    pub fn uses(&self, entitlement: Name) -> usize {
        self.uses.get(&entitlement).map_or(0, BTreeSet::len)
    }

    /// The devices that confirmed the destruction of a key.
    pub fn erased_by(&self, key: KeyId) -> impl Iterator<Item = AuthorId> {
        self.erased.get(&key).into_iter().flatten().copied()
    }

    /// The newest wrap key that a device published: generation, name, public half.
    pub fn newest_wrap(&self, device: AuthorId) -> Option<(u32, KeyId, [u8; 32])> {
        self.wraps.get(&device)?.last().copied()
    }

    /// The records in quarantine.
    pub fn quarantine(&self) -> &BTreeMap<RecordId, Quarantine> {
        &self.quarantine
    }

    /// Runs of which two others of the same author continue the same prior, or whose prior is named shorter than it is
    /// held (`length` says how long): a restore or a clone. Each finding names the run and those which continue it.
    pub fn forks(&self, length: impl Fn(RunId) -> u64) -> BTreeSet<(RunId, Vec<RunId>)> {
        let mut continued: BTreeMap<RunId, Vec<(RunId, u64)>> = BTreeMap::new();
        for (run, (_, priors)) in &self.opens {
            for (prior, at) in priors {
                continued.entry(*prior).or_default().push((*run, *at));
            }
        }
        let is_fork = |(run, by): &(RunId, Vec<(RunId, u64)>)| {
            by.len() > 1 || by.iter().any(|(_, at)| *at < length(*run))
        };
        let names =
            |(run, by): (RunId, Vec<(RunId, u64)>)| (run, by.into_iter().map(|(run, _)| run).collect());
        continued.into_iter().filter(is_fork).map(names).collect()
    }

    /// One hash of everything: equal states have equal digests.
    pub fn digest(&self) -> [u8; 32] {
        // The parts are ordered maps and sets of plain values, so what `Debug` writes of them is a function of their content.
        Sha256::digest(format!("{self:?}")).into()
    }
}

fn name(body: &Body, field: &str) -> Option<Name> {
    body.get(field)?.as_array_of()
}

fn version(body: &Body) -> Option<Version> {
    let number = body.get("version")?.as_int()?.try_into().ok()?;
    Some(Version { number, said: said(body) })
}

/// The hash of what a body says: its fields and the personal part, without the clock.
fn said(body: &Body) -> [u8; 32] {
    let mut fields: Vec<(Value, Value)> =
        body.fields.iter().map(|(name, value)| (Value::text(name), value.clone())).collect();
    fields.extend(body.personal.as_ref().map(|personal| (Value::text("personal"), personal.to_value())));
    Sha256::digest(Value::Map(fields).encode().unwrap_or_default()).into()
}
