//! Folding: each facility has a state, and what devices enrolled is remembered so that the registry can take it over.

use ledger::{Class, GroupId, Kind, Line, Record, RunId, Scope, Source};

use super::{Service, is_folded};
use crate::failure::Done;

impl Service {
    /// The facility that a record speaks of: its feed's, or its device's.
    fn group_of(&self, source: Source) -> Option<GroupId> {
        source.feed.group.or_else(|| self.sync.members().group_of(source.author))
    }

    /// Takes records that are durable. Those folded before are passed over.
    pub(super) fn fold(&mut self, source: Source, records: &[Record]) -> Done<()> {
        let Some(group) = self.group_of(source) else { return Ok(()) };
        if source.feed.class.is_keyring() {
            return self.take_keys(group, source, records);
        }
        let members = self.sync.members().clone();
        if !self.chains.contains_key(&group) {
            let chain = self.office.look(|tx| tx.chain(group, false))?;
            self.chains.insert(group, chain);
        }
        let (state, chain) = (self.states.entry(group).or_default(), &self.chains[&group]);
        for record in records {
            let at = self.folded.entry(record.header.run).or_insert(0);
            if record.header.seq < *at {
                continue;
            }
            *at = record.header.seq + 1;
            if let Err(why) = state.apply(record, &source, &members, chain) {
                tracing::info!(event = "quarantine", record = %record.id(), ?why);
                continue;
            }
            let key = record.header.group.and_then(|named| chain.key_of(named, record.header.epoch));
            let body = record.open_body(key.as_ref()).ok().filter(|body| body.kind == Kind::Enrolled.name());
            let person = body.and_then(|body| body.get("person")?.as_array_of());
            self.enrolled.extend(person.map(|person| ((group, person), record.id())));
        }
        Ok(())
    }

    /// Everything again, from the database: somebody was expelled or belongs now, or another key is held.
    pub(super) fn refold(&mut self) -> Done<()> {
        self.states.clear();
        self.folded.clear();
        let lines: Vec<Line> =
            self.sync.lines().filter(|line| is_folded(line.feed().class)).cloned().collect();
        for line in lines.iter().filter(|line| line.feed().class != Class::Control) {
            let records = self.office.look(|tx| tx.records(line.at().run, 0))?;
            self.fold(line.source(), &records)?;
        }
        let keyrings = self.sync.lines().filter(|line| line.feed().class.is_keyring());
        let keyrings: Vec<(Source, RunId)> = keyrings.map(|line| (line.source(), line.at().run)).collect();
        for (source, run) in keyrings {
            let records = self.office.look(|tx| tx.records(run, 0))?;
            self.fold(source, &records)?;
        }
        Ok(())
    }

    /// Keys of people whom a device enrolled; after a restore, also the keyring that a device brought back.
    fn take_keys(&mut self, group: GroupId, source: Source, records: &[Record]) -> Done<()> {
        let epoch = self.office.look(|tx| tx.epoch(group))?;
        let bodies: Vec<_> = records.iter().filter_map(|record| record.open_body(None).ok()).collect();
        if source.feed.class == Class::Keyring && source.feed.epoch > epoch {
            let run = records.first().map(|record| record.header.run);
            return run.map_or(Ok(()), |run| self.office.take_keyring(group, source.feed.epoch, run));
        }
        if source.feed.epoch != epoch {
            return Ok(());
        }
        let mut chain = self.office.look(|tx| tx.chain(group, false))?;
        let scope = Scope { tenant: self.office.config().tenant.clone(), group, epoch };
        let taken: Vec<_> = bodies.iter().filter_map(|body| chain.take(&scope, body, |_| false)).collect();
        let missing = |tx: &mut crate::office::Tx<'_>| {
            let mut missing = Vec::new();
            for key in &taken {
                if !tx.is_killed(*key)? && tx.person_key(group, *key)?.is_none() {
                    missing.push(*key);
                }
            }
            Ok(missing)
        };
        if self.office.look(missing)?.is_empty() {
            return Ok(());
        }
        self.office.change(|tx| {
            for key in missing(tx)? {
                if let Some(secret) = chain.person(key) {
                    tx.keep_person_key(group, key, secret.expose())?;
                }
            }
            Ok(())
        })
    }
}
