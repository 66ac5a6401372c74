//! One transaction: rows, and what is said about them.

use std::collections::BTreeMap;

use ledger::{
    AuthorKey, Body, Class, Clock, Feed, GroupId, GroupKey, KINDS, KeyId, Kind, Line, Open, PersonKey,
    Personal, RunId, RunWriter, Seal, SignedRecord, Value, Why,
};

use super::run;
use crate::db::Sql;
use crate::failure::{Done, Failure};
use crate::keys::{KeyPort, random};

/// What one run gets in this transaction.
struct Staged {
    writer: RunWriter,
    first: u64,
    records: Vec<SignedRecord>,
}

/// A transaction of [`super::Office::change`].
pub struct Tx<'a> {
    pub(super) sql: &'a mut dyn Sql,
    pub(super) keys: &'a dyn KeyPort,
    pub(super) tenant: &'a str,
    author: &'a AuthorKey,
    pens: &'a BTreeMap<Feed, RunWriter>,
    clock: Clock,
    staged: BTreeMap<Feed, Staged>,
    seals: BTreeMap<GroupId, (u32, GroupKey)>,
}

impl<'a> Tx<'a> {
    pub(super) fn new(
        sql: &'a mut dyn Sql,
        keys: &'a dyn KeyPort,
        author: &'a AuthorKey,
        tenant: &'a str,
        pens: &'a BTreeMap<Feed, RunWriter>,
        clock: Clock,
    ) -> Tx<'a> {
        Tx { sql, keys, tenant, author, pens, clock, staged: BTreeMap::new(), seals: BTreeMap::new() }
    }

    /// The rows of this transaction.
    pub fn rows(&mut self) -> &mut dyn Sql {
        self.sql
    }

    /// Says something in a feed of the registry: in control (no group), or sealed in a feed of a facility. `personal` is closed
    /// under the key of that name, which the registry must hold; `kills` are destroyed wherever they are held.
    ///
    /// Errors: [`Failure::Asked`] for a kind that does not stand there, [`Failure::Closed`] for keys that are not held.
    pub fn say(
        &mut self,
        group: Option<GroupId>,
        class: Class,
        kind: Kind,
        fields: Vec<(String, Value)>,
        personal: Option<(KeyId, &Value)>,
        kills: &[KeyId],
    ) -> Done<()> {
        if !class.is_registrys() || !kind.stands_in(class) {
            return Err(Failure::Asked("the registry does not say this there"));
        }
        let personal = personal.map(|(key, value)| self.close(group, key, value)).transpose()?;
        let body = Body { kind: kind.name().to_owned(), clock: self.clock, fields, personal };
        self.write(Feed { class, group, epoch: 0 }, &body, kills)
    }

    /// The clock that records of this transaction carry.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Milliseconds since 1970, as this transaction takes it.
    pub fn now_ms(&self) -> i64 {
        self.clock.wall_ms.unwrap_or(0)
    }

    fn close(&mut self, group: Option<GroupId>, key: KeyId, value: &Value) -> Done<Personal> {
        let group = group.ok_or(Failure::Asked("nothing personal stands in the control feed"))?;
        let secret =
            self.person_key(group, key)?.ok_or(Failure::Closed(format!("what is said under key {key}")))?;
        Ok(Personal::seal(&PersonKey::from_bytes(*secret), key, random()?, value)?)
    }

    /// Adds one record to this process's run of a feed.
    pub(crate) fn write(&mut self, feed: Feed, body: &Body, kills: &[KeyId]) -> Done<()> {
        let mut staged = match self.staged.remove(&feed) {
            Some(staged) => staged,
            None => self.pen(feed)?,
        };
        let sealed_to = feed.group.filter(|_| !feed.class.is_keyring());
        let record = match sealed_to {
            None => staged.writer.append(self.author, body, kills, Seal::Plain)?,
            Some(group) => {
                let author = self.author;
                let (epoch, key) = self.sealing_key(group)?;
                let seal = Seal::Group { group, epoch: *epoch, key, nonce: random()? };
                staged.writer.append(author, body, kills, seal)?
            }
        };
        staged.records.push(record);
        self.staged.insert(feed, staged);
        Ok(())
    }

    /// This process's run of the feed if the row is where it was left; else a new one that names what it found.
    fn pen(&mut self, feed: Feed) -> Done<Staged> {
        if let Some(writer) = self.pens.get(&feed)
            && run::at(self.sql, writer.run())? == Some(writer.prior())
        {
            return Ok(Staged { first: writer.length(), writer: writer.clone(), records: Vec::new() });
        }
        let author = self.author.id();
        let mut key = [0; 16];
        key.copy_from_slice(&author.0[..16]);
        let priors = run::tips(self.sql, author, feed)?;
        let open =
            Open { author, key: KeyId(key), feed: feed.to_string(), why: Why::Start, priors, version: KINDS };
        let (writer, first) = RunWriter::open(self.author, RunId(random()?), &open, self.clock, Seal::Plain)?;
        Ok(Staged { first: 0, writer, records: vec![first] })
    }

    /// The key that records are sealed to: the newest that a member has opened, because one that is nowhere else yet could be
    /// lost with the database, and with it what was sealed to it; the oldest where no member has opened one.
    fn sealing_key(&mut self, group: GroupId) -> Done<&(u32, GroupKey)> {
        if !self.seals.contains_key(&group) {
            let text = "SELECT max(opened) FROM devices WHERE grp = $1 AND expelled_ms IS NULL";
            let opened = self.sql.query(text, &[group.0.into()])?;
            let opened = opened.first().map_or(0, |row| row[0].int().unwrap_or(0));
            let epochs = self.group_epochs(group)?;
            let safe = epochs.iter().copied().filter(|epoch| i64::from(*epoch) <= opened).max();
            let epoch =
                safe.or(epochs.iter().min().copied()).ok_or(Failure::Asked("no such facility has keys"))?;
            let key = self.group_key(group, epoch)?;
            let key = key.ok_or(Failure::Closed(format!("the group key of epoch {epoch}")))?;
            self.seals.insert(group, (epoch, GroupKey::from_bytes(*key)));
        }
        Ok(&self.seals[&group])
    }

    /// Writes what was said: records and lines.
    pub(super) fn finish(&mut self) -> Done<()> {
        for (feed, staged) in &self.staged {
            let old = match staged.first {
                0 => None,
                _ => {
                    let rows = self
                        .sql
                        .query("SELECT line FROM lines WHERE run = $1", &[staged.writer.run().0.into()])?;
                    rows.first().map(|row| Ok::<_, Failure>(Line::decode(row[0].bytes()?)?)).transpose()?
                }
            };
            let line = run::line_after(old, *feed, self.author.id(), &staged.records);
            let line = line.filter(|line| line.at() == staged.writer.prior());
            let line = line.ok_or(Failure::Sql(crate::db::SqlError::Conflict))?;
            let records: Vec<_> = staged.records.iter().map(|it| (it.bytes.clone(), Some(it.sig))).collect();
            match run::keep_records(self.sql, &line, staged.first, &records) {
                Err(Failure::Moved) => return Err(Failure::Sql(crate::db::SqlError::Conflict)),
                done => done?,
            }
        }
        Ok(())
    }

    pub(super) fn into_pens(self) -> BTreeMap<Feed, RunWriter> {
        self.staged.into_iter().map(|(feed, staged)| (feed, staged.writer)).collect()
    }

    /// The run that this transaction writes in a feed, as it stands.
    pub(super) fn staged_run(&self, feed: Feed) -> Option<ledger::Prior> {
        self.staged.get(&feed).map(|staged| staged.writer.prior())
    }
}

impl Tx<'_> {
    pub(super) fn author(&self) -> &AuthorKey {
        self.author
    }
}
