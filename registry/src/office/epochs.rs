//! Epochs of a facility's keyring: one is begun, R_kek and R_open turn with it, and who is late gets a wrap.
//!
//! The order is what makes it survive a kill at any point: the new R_kek and the number of the epoch are durable in the key
//! port, then the transaction says the epoch and closes everything anew, then the old keys are destroyed. Whoever starts
//! next finishes what was left ([`Office::tidy`]).

use ledger::{Body, Chain, Class, Feed, GroupId, KeyId, Kind, Real, Record, RunId, Scope, Value, WrapSecret};
use zeroize::Zeroizing;

use super::secrets::{epoch_name, group_name};
use super::{Office, Target, Tx};
use crate::failure::{Done, Failure};
use crate::keys::{KeyPort, Sort, random};

/// The epoch that is wanted.
#[derive(Clone, Debug)]
pub struct EpochPlan {
    /// The facility.
    pub group: GroupId,
    /// The newest epoch as the planner saw it: if there is a newer one by now, none is begun.
    pub after: u32,
    /// The members.
    pub members: Vec<Target>,
    /// Whether somebody left: then the group's key is new, too.
    pub left: bool,
}

/// R_open of a facility, and the highest epoch ever issued.
pub(super) struct Opening {
    number: u32,
    pub(super) issued: u32,
    pub(super) chain: Chain,
}

pub(super) fn opening(keys: &dyn KeyPort, group: GroupId) -> Done<Opening> {
    let closed = || Failure::Closed(format!("R_open of facility {group}"));
    let number = keys.numbers(Sort::Open, group)?.last().copied().ok_or_else(closed)?;
    let bytes = keys.get(Sort::Open, group, number)?.ok_or_else(closed)?;
    let (issued, chain) = bytes.split_first_chunk::<4>().ok_or_else(closed)?;
    Ok(Opening { number, issued: u32::from_be_bytes(*issued), chain: Chain::decode(chain)? })
}

/// Keeps it in the place of the one before, which is destroyed.
fn keep_opening(keys: &dyn KeyPort, group: GroupId, old: u32, issued: u32, chain: &Chain) -> Done<()> {
    let mut wraps = Chain::default();
    wraps.take_wraps(chain);
    let bytes = Zeroizing::new([&issued.to_be_bytes()[..], &wraps.encode()].concat());
    keys.put(Sort::Open, group, old + 1, &bytes)?;
    for number in keys.numbers(Sort::Open, group)?.into_iter().filter(|number| *number <= old) {
        keys.destroy(Sort::Open, group, number)?;
    }
    Ok(())
}

/// The first keys of a new facility.
pub(super) fn first_keys(keys: &dyn KeyPort, group: GroupId) -> Done<()> {
    keys.put(Sort::Kek, group, 1, &*Zeroizing::new(random::<32>()?))?;
    let mut chain = Chain::default();
    chain.add_wrap(KeyId(random()?), WrapSecret::from_bytes(random()?), 0);
    keep_opening(keys, group, 0, 1, &chain)
}

impl Office {
    /// Begins an epoch. Its number, or none if somebody else began one meanwhile.
    ///
    /// Errors: those of the database and the key port; the number is used up then.
    pub fn begin_epoch(&mut self, plan: &EpochPlan) -> Done<Option<u32>> {
        let keys = self.keys.clone();
        let turn = keys.turn()?;
        self.tidied(plan.group)?;
        let port = opening(&*keys, plan.group)?;
        let epoch = port.issued.max(plan.after) + 1;
        keep_opening(&*keys, plan.group, port.number, epoch, &port.chain)?;
        let kek = keys.numbers(Sort::Kek, plan.group)?.last().copied().unwrap_or(0) + 1;
        keys.put(Sort::Kek, plan.group, kek, &*Zeroizing::new(random::<32>()?))?;
        let begun = self.change(|tx| {
            if tx.epoch(plan.group)? != plan.after {
                return Ok(None);
            }
            tx.turn_kek(plan.group, kek)?;
            tx.say_epoch(plan, epoch, &port.chain).map(Some)
        })?;
        self.tidied(plan.group)?;
        drop(turn);
        Ok(begun)
    }

    /// Finishes what a process that was killed left: destroys the keys that the database no longer needs.
    ///
    /// Errors: those of the database and the key port.
    pub fn tidy(&mut self, group: GroupId) -> Done<()> {
        let keys = self.keys.clone();
        let _turn = keys.turn()?;
        self.tidied(group)
    }

    fn tidied(&mut self, group: GroupId) -> Done<()> {
        let keys = self.keys.clone();
        let (kek, epoch, bodies) =
            self.look(|tx| Ok((tx.kek_number(group)?, tx.epoch(group)?, tx.keyring(group)?)))?;
        for number in keys.numbers(Sort::Kek, group)? {
            // After a restore the database names an R_kek that was destroyed; the newest one is kept for what comes back.
            let newest = keys.numbers(Sort::Kek, group)?.last() == Some(&number);
            if number != kek && !(newest && number > kek) {
                keys.destroy(Sort::Kek, group, number)?;
            }
        }
        let mut port = opening(&*keys, group)?;
        let wraps = port.chain.wraps().count();
        let scope = self.scope(group, epoch);
        let before: Vec<_> = port.chain.wraps().collect();
        if port.chain.open(&Real, &scope, self.me(), bodies.iter()).is_ok() {
            let used_newest = port.chain.wraps().count() == 1;
            if used_newest {
                port.chain.add_wrap(KeyId(random()?), WrapSecret::from_bytes(random()?), 0);
            }
            if used_newest || port.chain.wraps().collect::<Vec<_>>() != before || wraps == 0 {
                keep_opening(&*keys, group, port.number, port.issued.max(epoch), &port.chain)?;
            }
        }
        Ok(())
    }
}

impl Tx<'_> {
    /// Says a new epoch: keyring, its end in the urgent lane, rows. Keyrings before it are deleted.
    pub(super) fn say_epoch(&mut self, plan: &EpochPlan, epoch: u32, port: &Chain) -> Done<u32> {
        let group = plan.group;
        let mut chain = self.chain(group, true)?;
        let scope = Scope { tenant: self.tenant.to_owned(), group, epoch };
        let (key, fresh) = (Zeroizing::new(random()?), Zeroizing::new(random()?));
        let group_key = (plan.left || epoch == 1).then_some(*fresh);
        chain.begin(&scope, *key, group_key);
        self.drop_keyrings(group, epoch)?;
        self.keep_secret(group, &epoch_name(epoch), &key)?;
        if let Some(group_key) = group_key {
            self.keep_secret(group, &group_name(epoch), &group_key)?;
        }
        let feed = Feed::keyring(Class::Keyring, group, epoch);
        let own = port.newest_wrap(&Real).ok_or(Failure::Closed(format!("R_open of facility {group}")))?;
        let own = Target { device: self.author().id(), wrap: own.1, public: own.2, generation: own.0 };
        for to in plan.members.iter().chain([&own]) {
            self.say_wrap(&chain, &scope, to)?;
        }
        let clock = self.clock();
        for person in chain.persons().collect::<Vec<_>>() {
            let body = chain.key_body(&scope, person, random()?, clock);
            let body = body.ok_or(Failure::Closed(format!("key {person}")))?;
            self.write(feed, &body, &[])?;
        }
        let at =
            self.staged_run(feed).ok_or(Failure::Asked("a keyring has at least the registry's own wrap"))?;
        let row = [group.0.into(), epoch.into(), at.run.0.into(), self.now_ms().into()];
        self.sql.execute("INSERT INTO epochs (grp, epoch, run, began_ms) VALUES ($1, $2, $3, $4)", &row)?;
        self.say_keyring_epoch(group, epoch, at)?;
        Ok(epoch)
    }

    fn say_keyring_epoch(&mut self, group: GroupId, epoch: u32, at: ledger::Prior) -> Done<()> {
        let length = i64::try_from(at.length).unwrap_or(i64::MAX);
        let fields = [
            ("version", Value::Int(epoch.into())),
            ("group", Value::bytes(group.0)),
            ("epoch", Value::Int(epoch.into())),
            ("run", Value::bytes(at.run.0)),
            ("length", Value::Int(length)),
            ("root", Value::bytes(at.root.0)),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value)).to_vec();
        self.say(Some(group), Class::FacilityUrgent, Kind::KeyringEpoch, fields, None, &[])
    }

    /// Wraps the epoch's keys to one member, and notes the key that was wrapped to. The registry's own is not noted.
    fn say_wrap(&mut self, chain: &Chain, scope: &Scope, to: &Target) -> Done<()> {
        let address = (to.device, to.wrap, to.public);
        let body = chain.wrap_body(&Real, scope, address, random()?, self.clock());
        let body = body.ok_or(Failure::Closed(format!("K of epoch {}", scope.epoch)))?;
        self.write(Feed::keyring(Class::Keyring, scope.group, scope.epoch), &body, &[])?;
        if to.device == self.author().id() {
            return Ok(());
        }
        let text = "INSERT INTO wrapped (grp, epoch, device, generation, wrap) VALUES ($1, $2, $3, $4, $5)";
        let row = [
            scope.group.0.into(),
            scope.epoch.into(),
            to.device.0.into(),
            to.generation.into(),
            to.wrap.0.into(),
        ];
        self.sql.execute(text, &row)?;
        Ok(())
    }

    /// A wrap of the newest epoch for a device that has none for this key of its. Whether one was said.
    ///
    /// Errors: [`Failure::Closed`] after a restore, before K is back.
    pub fn wrap_late(&mut self, group: GroupId, to: &Target) -> Done<bool> {
        let epoch = self.epoch(group)?;
        let text = "SELECT 1 FROM wrapped WHERE grp = $1 AND epoch = $2 AND device = $3 AND wrap = $4";
        let row = [group.0.into(), epoch.into(), to.device.0.into(), to.wrap.0.into()];
        let member = "SELECT 1 FROM devices WHERE device = $1 AND grp = $2 AND expelled_ms IS NULL";
        let member = self.sql.query(member, &[to.device.0.into(), group.0.into()])?;
        if member.is_empty() || !self.sql.query(text, &row)?.is_empty() {
            return Ok(false);
        }
        let chain = self.chain(group, false)?;
        let scope = Scope { tenant: self.tenant.to_owned(), group, epoch };
        self.say_wrap(&chain, &scope, to)?;
        Ok(true)
    }

    /// A person's key for the members, in the keyring of this epoch.
    ///
    /// Errors: [`Failure::Closed`] for a key that is not held.
    pub fn give_key(&mut self, group: GroupId, key: KeyId) -> Done<()> {
        let epoch = self.epoch(group)?;
        let scope = Scope { tenant: self.tenant.to_owned(), group, epoch };
        let closed = || Failure::Closed(format!("key {key}"));
        let epoch_key = self.secret(group, &epoch_name(epoch))?.ok_or_else(closed)?;
        let secret = self.person_key(group, key)?.ok_or_else(closed)?;
        let mut chain = Chain::default();
        chain.begin(&scope, *epoch_key, None);
        chain.keep(key, *secret);
        let body = chain.key_body(&scope, key, random()?, self.clock()).ok_or_else(closed)?;
        self.write(Feed::keyring(Class::Keyring, group, epoch), &body, &[])
    }

    /// What the newest keyring that is held says.
    pub(crate) fn keyring(&mut self, group: GroupId) -> Done<Vec<Body>> {
        let epoch = self.epoch(group)?;
        let feed = Feed::keyring(Class::Keyring, group, epoch).to_string();
        let text = "SELECT r.record FROM records r JOIN lines l ON r.run = l.run WHERE l.feed = $1 ORDER BY r.run, r.seq";
        let rows = self.sql.query(text, &[feed.into()])?;
        let body = |row: &crate::db::Row| Ok(Record::parse(row[0].bytes()?)?.open_body(None)?);
        rows.iter().map(body).collect()
    }

    /// Deletes keyrings, of the registry and of devices, below an epoch, and the K of those epochs.
    fn drop_keyrings(&mut self, group: GroupId, epoch: u32) -> Done<()> {
        let text = "SELECT run, feed FROM lines WHERE feed LIKE $1 OR feed LIKE $2";
        let names = [format!("keyring/{group}/%").into(), format!("device/keyring/{group}/%").into()];
        for row in self.sql.query(text, &names)? {
            let feed: Feed = row[1].text()?.parse()?;
            if feed.epoch < epoch {
                self.drop_run(RunId(row[0].array()?))?;
            }
        }
        self.sql.execute("DELETE FROM secrets WHERE grp = $1 AND name LIKE 'K/%'", &[group.0.into()])?;
        Ok(())
    }

    /// Deletes a run.
    pub(crate) fn drop_run(&mut self, run: RunId) -> Done<()> {
        self.sql.execute("DELETE FROM records WHERE run = $1", &[run.0.into()])?;
        self.sql.execute("DELETE FROM lines WHERE run = $1", &[run.0.into()])?;
        Ok(())
    }
}
