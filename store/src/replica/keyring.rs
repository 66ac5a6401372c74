//! The keys of the group: opening an epoch, the ratchet, taking and giving persons' keys.
//!
//! In the order of the simulator: a wrap key that others know and this device lost is replaced by a newer one; the newest
//! keyring is opened, and then a wrap key for the next one is made and published; what was closed before is tried again; the
//! keys of this device's own people are said anew under the new key, without those whom the registry has taken over.

use std::collections::BTreeSet;

use ledger::{
    Body, Class, Feed, KeyId, Name, Prior, Quarantine, Real, Record, RunId, RunWriter, Seal, SignedRecord,
    Source, Value, WrapSecret,
};
use rusqlite::params;

use super::{Replica, lines};
use crate::{
    StoreError,
    feeds::{Batch, open_statement},
    pens::Pen,
};

const DEVICE_URGENT: Feed = Feed::of(Class::DeviceUrgent);

impl Batch<'_> {
    pub(super) fn replica(&mut self) -> &mut Replica {
        self.joined.as_deref_mut().expect("only a device that belongs keeps what others say")
    }

    /// Keeps the keys of the group.
    pub(crate) fn save_chain(&mut self) -> Result<(), StoreError> {
        let bytes = self.replica().chain.without_persons();
        self.save(&bytes)
    }

    pub(super) fn save(&self, chain: &ledger::Chain) -> Result<(), StoreError> {
        let sql = "INSERT INTO chain (one, bytes) VALUES (1, ?1)
                   ON CONFLICT (one) DO UPDATE SET bytes = excluded.bytes";
        self.execute(sql, params![&chain.encode()[..]]).map(|_| ())
    }

    /// Others hold a wrap key of this device that it lost: it says a newer one.
    pub(super) fn replace_lost_wrap(&mut self) -> Result<(), StoreError> {
        let replica = self.replica();
        let newest = replica.state.newest_wrap(replica.membership.me);
        let lost = newest.is_some_and(|(_, id, _)| !replica.chain.wraps().any(|(_, held)| held == id));
        if lost { self.publish_wrap() } else { Ok(()) }
    }

    /// Makes the next key to wrap to and says it, plain: whoever lost its keys must be able to say so.
    fn publish_wrap(&mut self) -> Result<(), StoreError> {
        let (id, secret) = (KeyId(self.draw()?), WrapSecret::from_bytes(self.draw()?));
        let replica = self.replica();
        let newest = replica.state.newest_wrap(replica.membership.me);
        let next = newest.map_or(1, |(generation, ..)| generation + 1);
        let generation = replica.chain.add_wrap(id, secret, next);
        let (_, _, public) = replica.chain.newest_wrap(&Real).expect("it was added just now");
        let fields = vec![
            ("wrap", Value::bytes(id.0)),
            ("wrap_key", Value::bytes(public.0)),
            ("generation", Value::Int(generation.into())),
        ];
        self.save_chain()?;
        self.say_in(DEVICE_URGENT, false, "WrapKey", fields, None, &[]).map(|_| ())
    }

    /// Opens the newest keyring that is held, if it is newer than what was opened. Returns its epoch.
    pub(super) fn open_epoch(&mut self) -> Result<Option<u32>, StoreError> {
        let (before, facility) = (self.replica().chain.epoch(), self.replica().membership.facility);
        let registry = self.replica().membership.registry;
        let sql = "SELECT DISTINCT feed FROM lines WHERE author = ?1 AND feed LIKE 'keyring/%'";
        let feeds = self.rows(sql, [registry.0], |row| row.get::<_, String>(0))?;
        let ours = |feed: &Feed| feed.class == Class::Keyring && feed.group == Some(facility);
        let feeds = feeds.iter().filter_map(|feed| feed.parse::<Feed>().ok()).filter(ours);
        let Some(newest) = feeds.max_by_key(|feed| feed.epoch).filter(|feed| feed.epoch > before) else {
            return Ok(None);
        };
        let bodies = bodies(&self.records_of(newest)?);
        let replica = self.replica();
        let (scope, me) = (replica.scope(newest.epoch), replica.membership.me);
        if replica.chain.open(&Real, &scope, me, bodies.iter()).is_err() {
            let without = replica.chain.newest_wrap(&Real).is_none();
            return if without { self.publish_wrap().map(|()| None) } else { Ok(None) };
        }
        self.publish_wrap()?;
        self.retry(Quarantine::MissingKey)?;
        for class in [Class::Keyring, Class::DeviceKeyring] {
            let bodies = self::bodies(&self.records_of(Feed::keyring(class, facility, newest.epoch))?);
            self.take_keys(newest, &bodies)?;
        }
        self.restate_own_keys()?;
        Ok(Some(newest.epoch))
    }

    /// Takes the keys of the newest epoch that no tombstone forbids.
    pub(super) fn take_keys(&mut self, feed: Feed, bodies: &[Body]) -> Result<(), StoreError> {
        let replica = self.replica();
        if feed.group != Some(replica.membership.facility) || feed.epoch != replica.chain.epoch() {
            return Ok(());
        }
        let (scope, mut taken) = (replica.scope(feed.epoch), BTreeSet::new());
        for body in bodies {
            let (state, dead) = (&replica.state, &replica.dead);
            let forbidden = |key| dead.contains(&key) || state.is_dead(key);
            taken.extend(replica.chain.take(&scope, body, forbidden));
        }
        if taken.is_empty() {
            return Ok(());
        }
        let whose = |(person, known): (Name, ledger::Known)| taken.contains(&known.key).then_some(person);
        let people: Vec<Name> = replica.state.people().filter_map(whose).collect();
        replica.touched.people.extend(people);
        for id in taken {
            let key = self.replica().chain.person_key(id).expect("it was taken just now");
            let sql = "INSERT OR REPLACE INTO person_keys (key_id, key) VALUES (?1, ?2)";
            self.execute(sql, params![id.0, key.expose()])?;
        }
        Ok(())
    }

    /// This device's keyring starts over under the new key, without whom the registry has taken over.
    fn restate_own_keys(&mut self) -> Result<(), StoreError> {
        let replica = self.replica();
        let (state, me) = (&replica.state, replica.membership.me);
        let own =
            |key: &KeyId| state.enrolled_by(*key, me) && !state.is_adopted(*key) && !replica.is_dead(*key);
        let own: Vec<KeyId> = replica.chain.persons().filter(own).collect();
        own.into_iter().try_for_each(|key| self.give_key(key))
    }

    /// Says a person's key in this device's keyring. Nothing before the first epoch: nobody could open it.
    pub(crate) fn give_key(&mut self, key: KeyId) -> Result<(), StoreError> {
        let (nonce, clock) = (self.draw()?, self.clock());
        let Some(replica) = self.joined.as_deref_mut() else { return Ok(()) };
        let (facility, epoch) = (replica.membership.facility, replica.chain.epoch());
        let Some(body) = replica.chain.key_body(&replica.scope(epoch), key, nonce, clock) else {
            return Ok(());
        };
        let feed = Feed::keyring(Class::DeviceKeyring, facility, epoch);
        self.say_body(feed, false, &body, &[]).map(|_| ())
    }

    /// Tries records in quarantine again, the reason being gone for some of them.
    pub(super) fn retry(&mut self, why: Quarantine) -> Result<(), StoreError> {
        let waiting = self.replica().state.quarantine().iter().filter(|(_, it)| **it == why);
        let waiting: Vec<ledger::RecordId> = waiting.map(|(id, _)| *id).collect();
        for id in waiting {
            if let Some((record, source, own)) = self.held(id)? {
                self.replica().fold(&record, &source, own);
            }
        }
        Ok(())
    }
}

/// The plain bodies of a keyring's records.
pub(super) fn bodies(records: &[Record]) -> Vec<Body> {
    records.iter().filter_map(|record| record.open_body(None).ok()).collect()
}

/// Opens a run of this device's keyring, which takes the place of all before it.
pub(crate) fn open_keyring_run(batch: &mut Batch<'_>, feed: Feed) -> Result<(Pen, SignedRecord), StoreError> {
    let (me, run, clock) = (batch.keys.author.id(), RunId(batch.draw()?), batch.clock());
    let priors = own_keyrings(batch)?;
    let open = open_statement(batch.keys, feed, priors);
    let opened = RunWriter::open(&batch.keys.author, run, &open, clock, Seal::Plain);
    let (writer, first) = opened.map_err(StoreError::ledger("open a keyring"))?;
    let length = writer.length();
    let sql = "INSERT INTO lines (run, author, feed, length) VALUES (?1, ?2, ?3, ?4)";
    batch.execute(sql, params![run.0, me.0, feed.to_string(), length])?;
    let number = batch.transaction.last_insert_rowid();
    crate::feeds::insert(&batch.transaction, feed, number, &first).map_err(batch.failed())?;
    Ok((Pen { number, writer, kept: length }, first))
}

fn own_keyrings(batch: &Batch<'_>) -> Result<Vec<Prior>, StoreError> {
    let author = batch.keys.author.id();
    let sql = "SELECT number, run, feed FROM lines WHERE author = ?1 AND feed LIKE 'device/keyring/%'";
    let runs = batch.rows(sql, [author.0], |row| {
        Ok((row.get::<_, i64>(0)?, RunId(row.get(1)?), row.get::<_, String>(2)?))
    })?;
    let mut priors = Vec::new();
    for (number, run, feed) in runs {
        let Ok(feed) = feed.parse() else { continue };
        let line = lines::from_records(&batch.transaction, number, run, Source { author, feed });
        priors.extend(line.map_err(batch.failed())?.map(|line| line.at()));
    }
    Ok(priors)
}
