//! What the registry does by itself, by the rules that the simulator tries. Every act asks the rows again inside its own
//! transaction, so that of several processes one does it.

use std::collections::BTreeMap;

use ledger::{GroupId, KeyId, Kind, Name, epochs};

use super::Service;
use crate::failure::{Done, Failure};
use crate::office::{EpochPlan, now_ms};

impl Service {
    /// Everything that is due in every facility.
    pub(super) fn desk(&mut self) -> Done<()> {
        let groups: Vec<GroupId> = self.office.facilities()?.into_iter().map(|it| it.group).collect();
        let recovering = self.office.look(|tx| tx.fact("recovering"))?;
        let mut all_back = true;
        for group in groups {
            self.confirm(group)?;
            self.rows_follow(group, recovering.is_some())?;
            self.adopt(group)?;
            match self.wrap_late(group) {
                // After a restore K may still be on its way from a device.
                Err(Failure::Closed(_)) => {}
                done => done?,
            }
            self.complete(group)?;
            match recovering {
                Some(since) => all_back &= self.recovered(group, since)?,
                None => self.epoch_if_due(group)?,
            }
        }
        if recovering.is_some() && all_back {
            self.office.change(|tx| tx.drop_fact("recovering"))?;
        }
        Ok(())
    }

    /// A device wants a key destroyed: the registry says it for all.
    fn confirm(&mut self, group: GroupId) -> Done<()> {
        let Some(state) = self.states.get(&group) else { return Ok(()) };
        let keys: Vec<KeyId> = state.asked_to_kill().collect();
        if keys.is_empty() {
            return Ok(());
        }
        let known: BTreeMap<KeyId, Name> = state.people().map(|(name, known)| (known.key, name)).collect();
        for key in keys {
            if let Some(person) = known.get(&key) {
                self.office.change(|tx| tx.confirm(group, *person, key))?;
            }
        }
        Ok(())
    }

    /// The rows follow the feeds where those know more: what devices erased; after a restore also people and tombstones.
    fn rows_follow(&mut self, group: GroupId, recovering: bool) -> Done<()> {
        let Some(state) = self.states.get(&group) else { return Ok(()) };
        let table = self.office.look(|tx| tx.table(group))?;
        let dead: Vec<KeyId> =
            state.tombstones().iter().filter(|key| !table.killed.contains_key(key)).copied().collect();
        let open = table.killed.keys().filter(|key| !table.complete.contains(*key));
        let erased: Vec<_> =
            open.flat_map(|key| state.erased_by(*key).map(move |device| (*key, device))).collect();
        let living: Vec<_> = if recovering {
            state.people().filter(|(_, it)| it.version.number > 0 && !state.is_dead(it.key)).collect()
        } else {
            Vec::new()
        };
        let known = self.office.look(|tx| {
            let mut new = Vec::new();
            for (key, device) in erased {
                if !tx.is_erased(key, device)? {
                    new.push((key, device));
                }
            }
            Ok(new)
        })?;
        if dead.is_empty() && known.is_empty() && living.is_empty() {
            return Ok(());
        }
        let people: BTreeMap<KeyId, Name> = state.people().map(|(name, it)| (it.key, name)).collect();
        self.office.change(|tx| {
            for key in &dead {
                tx.kill(group, people.get(key).copied(), *key)?;
            }
            for (key, device) in &known {
                tx.note_erased(*key, *device)?;
            }
            for (person, it) in &living {
                if tx.person(group, *person)?.is_none_or(|(_, version)| version < it.version.number) {
                    tx.keep_person(group, *person, it.key, it.version.number)?;
                }
            }
            Ok(())
        })
    }

    /// Whom a device enrolled the registry takes over: it says the same, under the same key.
    fn adopt(&mut self, group: GroupId) -> Done<()> {
        let Some(state) = self.states.get(&group) else { return Ok(()) };
        let open = state.gallery().filter(|(_, key)| !state.is_adopted(*key));
        let waiting: Vec<(Name, KeyId)> = open.collect();
        for (person, key) in waiting {
            let Some(at) = self.enrolled.get(&(group, person)).copied() else { continue };
            let Some(chain) = self.chains.get(&group) else { continue };
            let Some(secret) = self.office.look(|tx| tx.person_key(group, key))? else { continue };
            let record = self.office.look(|tx| tx.records(at.run, at.seq))?.into_iter().next();
            let Some(record) = record else { continue };
            let sealed = record.header.group.and_then(|named| chain.key_of(named, record.header.epoch));
            let Ok(body) = record.open_body(sealed.as_ref()) else { continue };
            debug_assert_eq!(body.kind, Kind::Enrolled.name());
            let Some(personal) = &body.personal else { continue };
            let Ok(value) = personal.open(&ledger::PersonKey::from_bytes(*secret)) else { continue };
            self.office.change(|tx| {
                if tx.is_killed(key)? || tx.person(group, person)?.is_some() {
                    return Ok(());
                }
                tx.state_person(group, person, key, 1, &value)?;
                tx.give_key(group, key)
            })?;
        }
        Ok(())
    }

    fn wrap_late(&mut self, group: GroupId) -> Done<()> {
        let Some(targets) = self.targets(group) else { return Ok(()) };
        let (table, epoch) = self.office.look(|tx| Ok((tx.table(group)?, tx.epoch(group)?)))?;
        for target in epochs::late(&table, &targets, epoch) {
            self.office.change(|tx| tx.wrap_late(group, &target))?;
        }
        Ok(())
    }

    fn targets(&self, group: GroupId) -> Option<Vec<epochs::Target>> {
        let empty = ledger::State::default();
        let state = self.states.get(&group).unwrap_or(&empty);
        Some(epochs::targets(self.sync.members(), group, state))
    }

    fn complete(&mut self, group: GroupId) -> Done<()> {
        let Some(state) = self.states.get(&group) else { return Ok(()) };
        let table = self.office.look(|tx| tx.table(group))?;
        let done = epochs::completed(&table, self.sync.members(), group, state);
        if done.is_empty() {
            return Ok(());
        }
        self.office.change(|tx| done.iter().try_for_each(|key| tx.note_complete(*key)))
    }

    /// After a restore: whether this facility has begun its next epoch, because every member was heard and time was given.
    fn recovered(&mut self, group: GroupId, since: i64) -> Done<bool> {
        let wait =
            i64::try_from(self.office.config().recover_wait_s).unwrap_or(i64::MAX).saturating_mul(1000);
        let (table, done) = self.office.look(|tx| Ok((tx.table(group)?, tx.began_ms(group)? > since)))?;
        if done {
            return Ok(true);
        }
        if now_ms()? < since.saturating_add(wait) || !epochs::all_heard(&table, self.sync.members(), group) {
            return Ok(false);
        }
        let targets = self.targets(group).unwrap_or_default();
        // To which keys the lost epochs were wrapped nobody knows: to none newer than those that are known now.
        self.office.change(|tx| tx.assume_wrapped(group, &targets))?;
        self.begin(group)?;
        Ok(true)
    }

    fn epoch_if_due(&mut self, group: GroupId) -> Done<()> {
        let batch =
            i64::try_from(self.office.config().erase_batch_s).unwrap_or(i64::MAX).saturating_mul(1000);
        let before = now_ms()?.saturating_sub(batch);
        let (table, epoch, oldest) =
            self.office.look(|tx| Ok((tx.table(group)?, tx.epoch(group)?, tx.oldest_kill_ms(group)?)))?;
        let waits = epochs::erasures_wait(&table) && oldest.is_some_and(|killed| killed <= before);
        let of_now = table.killed.iter().any(|(key, at)| *at >= epoch && !table.complete.contains(key));
        // Everybody opened this epoch and published a newer key since: the next one will be beyond all that is known.
        let anew = || {
            let fresh = |target: &epochs::Target| {
                let used = table.wrapped.get(&epoch).and_then(|wraps| wraps.get(&target.device));
                let newer = used.is_none_or(|used| used.iter().all(|(at, _)| *at < target.generation));
                newer && table.says.get(&target.device).is_some_and(|said| *said >= epoch)
            };
            self.targets(group).is_some_and(|targets| !targets.is_empty() && targets.iter().all(fresh))
        };
        let expelled = epochs::wrapped_to_expelled(&table, self.sync.members(), epoch);
        if expelled || (waits && (of_now || anew())) { self.begin(group) } else { Ok(()) }
    }

    fn begin(&mut self, group: GroupId) -> Done<()> {
        let members = self.targets(group).unwrap_or_default();
        let (table, after, held) =
            self.office.look(|tx| Ok((tx.table(group)?, tx.epoch(group)?, tx.group_epochs(group)?)))?;
        let newest = held.last().copied();
        let left = epochs::needs_group_key(&table, self.sync.members(), newest, after);
        let begun = self.office.begin_epoch(&EpochPlan { group, after, members, left })?;
        tracing::info!(event = "epoch", %group, begun);
        Ok(())
    }
}
