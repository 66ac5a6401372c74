//! One step of `Sync` as one transaction: records and lines, then state, keys and rows, then what this device says to it.

use gate::Now;
use ledger::{
    Body, Class, Command, Feed, Fork, Kind, Line, Page, Quarantine, Real, Record, Role, RunId, Sync, Value,
};
use rusqlite::params;

use super::{Joined, Kept, keyring, lines};
use crate::{Store, StoreError, feeds::Batch};

/// Keys that one `Erased` names; what fits in a record.
const MAX_ERASED: usize = 1_000;

/// What a step asks for beside the records.
#[derive(Default)]
struct Step {
    /// Somebody was admitted.
    admitted: bool,
    /// Somebody was expelled.
    expelled: bool,
    /// Records of keyrings that are new.
    keyrings: Vec<(Feed, Vec<Body>)>,
    changed: bool,
    /// Pages of the control feed are new to [`Store::control`] too.
    control: bool,
}

impl Store {
    /// The replica as it goes on from the file; none if this device belongs nowhere. From now on [`Store::take_written`]
    /// gathers what is written.
    ///
    /// # Errors
    /// The data file cannot be read or written.
    pub fn replica(&mut self) -> Result<Option<Sync>, StoreError> {
        let sync = self.restarted()?;
        self.talk.watched |= sync.is_some();
        self.talk.written.clear();
        Ok(sync)
    }

    pub(super) fn restarted(&mut self) -> Result<Option<Sync>, StoreError> {
        self.mend()?;
        let Some(replica) = self.joined.replica() else { return Ok(None) };
        let me = replica.membership.me;
        let (members, group, epoch) =
            (replica.members.clone(), replica.membership.facility, replica.chain.epoch());
        let lines = lines::all(&self.connection, me)
            .map_err(|source| StoreError::sql("read the replica", &self.file, source))?;
        let mut sync = Sync::restart(Role::Kiosk, me, members, lines, &Real);
        for command in sync.step(0, ledger::Event::Opened(group, epoch)) {
            if let Command::Drop(run) = command {
                lines::drop_keyring(&self.connection, run)
                    .map_err(|source| StoreError::sql("drop a keyring", &self.file, source))?;
                self.pens.drop_run(run);
            }
        }
        Ok(Some(sync))
    }

    /// Does what one step of `Sync` asks of the store, all or nothing: `Keep` and `Drop`, and what follows for state, keys
    /// and vault. `Fold` and `Refold` follow from the records by themselves; `Forked` is told to the registry. Any other
    /// command is for the caller and is passed over here. Whatever failed is as before, and the replica is to be made again
    /// by [`Store::replica`].
    ///
    /// # Errors
    /// [`StoreError::NotAMember`]; [`StoreError::NotFollowing`] for a page that does not follow what is held; or the write
    /// failed.
    pub fn keep(&mut self, now: Now, commands: Vec<Command>) -> Result<Kept, StoreError> {
        self.keep_from(now, commands, true)
    }

    /// As [`Store::keep`], for pages of the control feed that [`Store::control`] reads already.
    pub(super) fn keep_known(&mut self, now: Now, commands: Vec<Command>) -> Result<Kept, StoreError> {
        self.keep_from(now, commands, false)
    }

    fn keep_from(&mut self, now: Now, commands: Vec<Command>, control: bool) -> Result<Kept, StoreError> {
        self.mend()?;
        if self.joined.replica().is_none() {
            return Err(StoreError::NotAMember);
        }
        let done = self.write_or_not(now, |batch| batch.keep(commands, control));
        if done.is_err() {
            self.joined = Joined::Lost;
            self.mend()?;
        }
        let (kept, forgot) = done?;
        if forgot {
            self.empty_the_log();
        }
        Ok(kept)
    }
}

impl Batch<'_> {
    fn keep(&mut self, commands: Vec<Command>, control: bool) -> Result<((Kept, bool), bool), StoreError> {
        let (mut kept, mut step) = (Kept::default(), Step { control, ..Step::default() });
        for command in commands {
            match command {
                Command::Keep(line, page) => self.page(&line, &page, &mut step, &mut kept)?,
                Command::Drop(run) => {
                    self.drop_keyring(run)?;
                    step.changed = true;
                }
                Command::Forked(fork) => kept.forks.push(fork),
                Command::Commit
                | Command::Fold(..)
                | Command::Refold
                | Command::Send(..)
                | Command::Serve(..)
                | Command::Answer(..)
                | Command::Receipted(_)
                | Command::Refused(..)
                | Command::Stranger(..) => {}
            }
        }
        if step.expelled {
            let (transaction, failed) = (&self.transaction, self.file);
            let replica = self.joined.as_deref_mut().expect("only a device that belongs keeps");
            replica.refold(transaction).map_err(|source| StoreError::sql("fold again", failed, source))?;
        } else if step.admitted {
            self.retry(Quarantine::Expelled)?;
        }
        let forgot = self.settle(&mut kept, &step)?;
        let worth = step.changed || !kept.forks.is_empty();
        Ok(((kept, forgot), worth))
    }

    /// A verified page: kept, folded.
    fn page(&mut self, line: &Line, page: &Page, step: &mut Step, kept: &mut Kept) -> Result<(), StoreError> {
        if !self.keep_page(line, page)? {
            return Ok(());
        }
        step.changed = true;
        let (source, feed) = (line.source(), line.feed());
        let records: Vec<Record> = page.records.iter().filter_map(|it| Record::parse(it).ok()).collect();
        if feed.class.is_keyring() {
            step.keyrings.push((feed, keyring::bodies(&records)));
            return Ok(());
        }
        if feed.class == Class::Control && step.control {
            let bytes = page.encode().map_err(StoreError::ledger("keep a page"))?;
            self.execute("INSERT INTO control_pages (bytes) VALUES (?1)", [bytes])?;
            kept.control_changed = true;
        }
        for record in &records {
            let replica = self.replica();
            if feed.class == Class::Control {
                let changed = replica.fold_members(record);
                step.admitted |= changed == Some(Kind::Admitted);
                step.expelled |= changed == Some(Kind::Expelled);
            }
            replica.fold(record, &source, false);
        }
        Ok(())
    }

    /// Makes keys and vault follow, and says what this device has to say to it. Whether anything was destroyed.
    fn settle(&mut self, kept: &mut Kept, step: &Step) -> Result<bool, StoreError> {
        self.replace_lost_wrap()?;
        if step.keyrings.iter().any(|(feed, _)| feed.class == Class::Keyring) {
            kept.opened = self.open_epoch()?;
        }
        if kept.opened.is_none() {
            for (feed, bodies) in &step.keyrings {
                self.take_keys(*feed, bodies)?;
            }
        }
        let erased = self.follow(kept)?;
        self.confirm_erasure()?;
        for fork in kept.forks.clone() {
            self.tell_fork(&fork)?;
        }
        Ok(erased || kept.opened.is_some())
    }

    /// Says once of each destroyed key that it is gone here, held before or not.
    fn confirm_erasure(&mut self) -> Result<(), StoreError> {
        let replica = self.replica();
        let (me, state) = (replica.membership.me, &replica.state);
        let open = |key: &&ledger::KeyId| !state.erased_by(**key).any(|device| device == me);
        let keys: Vec<Value> =
            state.tombstones().iter().filter(open).map(|key| Value::bytes(key.0)).collect();
        let admitted = replica.members.devices().any(|(device, _)| device == me);
        if !admitted || replica.sealing_key().is_none() {
            return Ok(());
        }
        for keys in keys.chunks(MAX_ERASED) {
            let fields = vec![("keys", Value::Array(keys.to_vec()))];
            self.say_in(Feed::of(Class::DeviceUrgent), true, "Erased", fields, None, &[])?;
        }
        Ok(())
    }

    /// Proof of two stories, told once.
    fn tell_fork(&mut self, fork: &Fork) -> Result<(), StoreError> {
        let Fork { run, seq, leaves: [one, other] } = fork;
        let sql = "INSERT OR IGNORE INTO followed (kind, name, said) VALUES ('Finding', ?1, ?2)";
        if self.execute(sql, params![run.0, one.0])? == 0 {
            return Ok(());
        }
        let fields = vec![
            ("what", Value::text("fork")),
            ("run", Value::bytes(run.0)),
            ("seq", crate::bodies::whole(*seq)),
            ("leaves", Value::Array(vec![Value::bytes(one.0), Value::bytes(other.0)])),
        ];
        self.say_in(Feed::of(Class::DeviceUrgent), true, "Finding", fields, None, &[]).map(|_| ())
    }

    /// A keyring of this device was dropped: nothing is added to it.
    pub(super) fn forget_run(&mut self, run: RunId) {
        self.pens.drop_run(run);
    }
}
