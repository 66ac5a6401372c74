//! What the service's desk says and notes, and what is done when the database was put back.

use ledger::{AuthorId, Chain, Class, GroupId, KeyId, Kind, Name, Real, RunId, Scope, Value};

use super::epochs::opening;
use super::secrets::{epoch_name, group_name, person_name};
use super::{Office, Target, Tx};
use crate::db::Cell;
use crate::failure::Done;
use crate::keys::Sort;

impl Office {
    /// Notes that the database was put back: every device is to be heard again, and secrets whose R_kek is gone are closed
    /// for good. `seen`: the highest count of changes that anybody saw; the count goes on from there.
    pub(crate) fn put_back(&mut self, seen: i64) -> Done<()> {
        let keys = self.keys.clone();
        self.change(|tx| {
            if tx.changes()? > seen {
                return Ok(());
            }
            tx.sql.execute("UPDATE changes SET count = $1 WHERE id = 1", &[(seen + 1).into()])?;
            tx.sql.execute("UPDATE devices SET says = NULL", &[])?;
            let restores = tx.fact("restores")?.unwrap_or(0);
            tx.set_fact("restores", restores + 1)?;
            tx.set_fact("recovering", tx.now_ms())?;
            for facility in tx.facilities()? {
                let (number, there) =
                    (tx.kek_number(facility.group)?, keys.numbers(Sort::Kek, facility.group)?);
                if let Some(newest) = there.last().filter(|_| !there.contains(&number)) {
                    tx.turn_kek(facility.group, *newest)?;
                }
            }
            Ok(())
        })
    }

    /// Takes the registry's own keyring of an epoch that the database does not know any more, if R_open opens it: its keys
    /// become rows again, but for those that are destroyed.
    pub(crate) fn take_keyring(&mut self, group: GroupId, epoch: u32, run: RunId) -> Done<()> {
        let (keys, me, scope) = (self.keys.clone(), self.me(), self.scope(group, epoch));
        let wraps = opening(&*keys, group)?.chain;
        self.change(|tx| {
            let mut chain = Chain::default();
            chain.take_wraps(&wraps);
            let bodies: Vec<_> =
                tx.records(run, 0)?.iter().filter_map(|record| record.open_body(None).ok()).collect();
            if tx.epoch(group)? >= epoch || chain.open(&Real, &scope, me, bodies.iter()).is_err() {
                return Ok(());
            }
            tx.take_opened(group, &scope, &mut chain, &bodies, run)
        })
    }
}

impl Tx<'_> {
    fn take_opened(
        &mut self,
        group: GroupId,
        scope: &Scope,
        chain: &mut Chain,
        bodies: &[ledger::Body],
        run: RunId,
    ) -> Done<()> {
        for epoch in chain.group_epochs().collect::<Vec<_>>() {
            if let Some(key) = chain.group_key(epoch) {
                self.keep_secret(group, &group_name(epoch), key.expose())?;
            }
        }
        if let Some(key) = chain.epoch_key() {
            self.keep_secret(group, &epoch_name(scope.epoch), &key)?;
        }
        for body in bodies {
            if let Some(key) = chain.take(scope, body, |_| false)
                && !self.is_killed(key)?
                && let Some(secret) = chain.person(key)
            {
                self.keep_secret(group, &person_name(key), secret.expose())?;
            }
        }
        let row = [group.0.into(), scope.epoch.into(), run.0.into(), 0i64.into()];
        self.sql.execute("INSERT INTO epochs (grp, epoch, run, began_ms) VALUES ($1, $2, $3, $4)", &row)?;
        Ok(())
    }

    /// The registry's word for a device's withdrawal.
    pub(crate) fn confirm(&mut self, group: GroupId, person: Name, key: KeyId) -> Done<()> {
        if self.is_killed(key)? {
            return Ok(());
        }
        let fields = vec![("person".to_owned(), Value::bytes(person))];
        self.say(Some(group), Class::FacilityUrgent, Kind::Confirmed, fields, None, &[key])?;
        self.kill(group, Some(person), key)
    }

    /// Keeps the key of somebody whom a device enrolled.
    pub(crate) fn keep_person_key(&mut self, group: GroupId, key: KeyId, secret: &[u8; 32]) -> Done<()> {
        self.keep_secret(group, &person_name(key), secret)
    }

    /// Notes what a device's head says.
    pub(crate) fn note_head(&mut self, device: AuthorId, epoch: u32) -> Done<()> {
        let row = [epoch.into(), self.now_ms().into(), device.0.into()];
        let text = "UPDATE devices SET says = $1, seen_ms = $2 WHERE device = $3";
        self.sql.execute(text, &row)?;
        let text = "UPDATE devices SET opened = $1 WHERE device = $2 AND opened < $1";
        self.sql.execute(text, &[epoch.into(), device.0.into()])?;
        Ok(())
    }

    /// Whether it is noted that a device destroyed a key.
    pub(crate) fn is_erased(&mut self, key: KeyId, device: AuthorId) -> Done<bool> {
        let text = "SELECT 1 FROM erased WHERE key = $1 AND device = $2";
        Ok(!self.sql.query(text, &[key.0.into(), device.0.into()])?.is_empty())
    }

    /// Notes it.
    pub(crate) fn note_erased(&mut self, key: KeyId, device: AuthorId) -> Done<()> {
        let text = "INSERT INTO erased (key, device) VALUES ($1, $2) ON CONFLICT (key, device) DO NOTHING";
        self.sql.execute(text, &[key.0.into(), device.0.into()])?;
        Ok(())
    }

    /// Notes that nobody can know a key any more.
    pub(crate) fn note_complete(&mut self, key: KeyId) -> Done<()> {
        self.sql.execute("UPDATE killed SET complete = 1 WHERE key = $1", &[key.0.into()])?;
        Ok(())
    }

    /// When the newest epoch began, in milliseconds since 1970.
    pub(crate) fn began_ms(&mut self, group: GroupId) -> Done<i64> {
        let text = "SELECT max(began_ms) FROM epochs WHERE grp = $1";
        let rows = self.sql.query(text, &[group.0.into()])?;
        Ok(rows.first().map_or(0, |row| row[0].int().unwrap_or(0)))
    }

    /// When the oldest key was destroyed of which the erasure is not complete.
    pub(crate) fn oldest_kill_ms(&mut self, group: GroupId) -> Done<Option<i64>> {
        let text = "SELECT min(killed_ms) FROM killed WHERE grp = $1 AND complete = 0";
        let rows = self.sql.query(text, &[group.0.into()])?;
        Ok(rows.first().and_then(|row| if row[0] == Cell::Null { None } else { row[0].int().ok() }))
    }

    /// After a restore: the lost epochs count as wrapped to the newest keys that are known now, and every erasure that is not
    /// complete as one of the newest epoch ever issued.
    pub(crate) fn assume_wrapped(&mut self, group: GroupId, targets: &[Target]) -> Done<()> {
        let epoch = self.epoch(group)?.max(opening(self.keys, group)?.issued);
        let text = "INSERT INTO wrapped (grp, epoch, device, generation, wrap) VALUES ($1, $2, $3, $4, $5) \
                    ON CONFLICT (grp, epoch, device, wrap) DO NOTHING";
        for to in targets {
            let wrap = [to.device.0.into(), to.generation.into(), to.wrap.0.into()];
            self.sql.execute(text, &[&[group.0.into(), epoch.into()][..], &wrap[..]].concat())?;
        }
        let text = "UPDATE killed SET epoch = $1 WHERE grp = $2 AND complete = 0";
        self.sql.execute(text, &[epoch.into(), group.0.into()])?;
        Ok(())
    }
}
