//! Runs, and the door's log.
//!
//! Every write is one transaction: the records it says, the kept head of their run, and whatever the vault changes with
//! them. Records are written by a copy of the run's writer, which takes the place of the original only after SQLite has
//! said that the commit is on the medium. If a commit fails, nobody knows whether it happened, so the writer is forgotten
//! and the next record opens a new run: no number is ever used twice.

use std::path::Path;

use gate::{DurableLog, Entry, Monotonic, Now, Outcome, RecordId, Released};
use ledger::{
    Body, Class, Clock, Feed, Head, KeyId, Leaf, Open, Prior, Record, Root, RunId, RunWriter, Seal,
    SignedHead, SignedRecord, Why,
};
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

use crate::{
    Keys, Store, StoreError, bodies,
    entropy::{Entropy, draw},
    pens::{Pen, Pens, Wrote},
    replica::{self, Replica},
    visits::{self, Told},
};

/// The version of the kinds in `bodies`.
const KINDS: u32 = 1;
/// Runs that a head names: the newest. Older ones are named by the Opens of those, so nothing is left out of the proof;
/// the bound keeps a head within the size of a record.
pub(crate) const HEAD_RUNS: u32 = 512;

/// A write under way: nothing of it is there until [`Store::write`] has committed it.
pub(crate) struct Batch<'a> {
    pub(crate) transaction: Transaction<'a>,
    pub(crate) file: &'a Path,
    pub(crate) keys: &'a Keys,
    pub(crate) joined: Option<&'a mut Replica>,
    entropy: &'a mut dyn Entropy,
    clock: Clock,
    offset_minutes: i32,
    pub(crate) pens: Pens,
    wrote: Vec<Wrote>,
}

impl Store {
    /// Does `work` and commits it, all or nothing. Returns after the medium has it.
    pub(crate) fn write<T>(
        &mut self,
        now: Now,
        work: impl FnOnce(&mut Batch<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.write_or_not(now, |batch| Ok((work(batch)?, true)))
    }

    /// As [`Store::write`], for work that finds out only on the way whether there is anything to write; it says so.
    pub(crate) fn write_or_not<T>(
        &mut self,
        now: Now,
        work: impl FnOnce(&mut Batch<'_>) -> Result<(T, bool), StoreError>,
    ) -> Result<T, StoreError> {
        self.mend()?;
        let failed = |source| StoreError::sql("write", &self.file, source);
        let clock = clock(self.boot, now);
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let mut batch = Batch {
            transaction,
            file: self.file.as_path(),
            keys: &self.keys,
            joined: self.joined.replica_mut(),
            entropy: &mut *self.entropy,
            clock,
            offset_minutes: self.offset_minutes,
            pens: self.pens.clone(),
            wrote: Vec::new(),
        };
        let (done, worth_writing) = work(&mut batch)?;
        if !worth_writing {
            return Ok(done);
        }
        batch.keep_heads()?;
        let (transaction, pens, wrote) = batch.done();
        // From here on an error leaves open whether the records are there: then these runs are not continued.
        self.pens = Pens::default();
        transaction.commit().map_err(failed)?;
        self.pens = pens;
        self.pens.committed();
        self.wrote(wrote);
        Ok(done)
    }

    /// The grants whose release was never answered, oldest first.
    ///
    /// # Errors
    /// The data file cannot be read.
    pub fn open_grants(&self) -> Result<Vec<RecordId>, StoreError> {
        let sql = "SELECT runs.run, seq FROM open_grants JOIN runs ON runs.number = open_grants.run
                   ORDER BY runs.number, seq";
        self.rows(sql, |row| Ok(RecordId { run: row.get(0)?, seq: row.get(1)? }))
    }

    /// Answers for every grant that an interruption left open: nobody knows, and nobody tries again. Call it at the start,
    /// before the first visit. Returns how many there were.
    ///
    /// # Errors
    /// Those of [`DurableLog::append`]; what is still open can be answered later.
    pub fn close_open_grants(&mut self, now: Now) -> Result<usize, StoreError> {
        let open = self.open_grants()?;
        for &grant in &open {
            self.append(now, &Entry::Released(Released::unknown(grant)))?;
        }
        Ok(open.len())
    }

    /// One record of this device, as it is kept; without bytes if retention took them away.
    ///
    /// # Errors
    /// The data file cannot be read.
    pub fn record(&self, record: RecordId) -> Result<Option<SignedRecord>, StoreError> {
        let sql = "SELECT bytes, leaf, sig FROM records
                   WHERE run = (SELECT number FROM runs WHERE run = ?1) AND seq = ?2";
        let RecordId { run, seq } = record;
        let found = self.connection.query_row(sql, params![run, seq], |row| {
            Ok(SignedRecord {
                run: RunId(run),
                seq,
                bytes: row.get(0)?,
                leaf: Leaf(row.get(1)?),
                sig: row.get(2)?,
            })
        });
        found.optional().map_err(|source| StoreError::sql("read a record", &self.file, source))
    }

    /// What a record of this device says.
    ///
    /// # Errors
    /// [`StoreError::Emptied`] if retention took the bytes away; the bytes are no record, or do not open.
    pub fn read(&self, record: &SignedRecord) -> Result<Body, StoreError> {
        if record.bytes.is_empty() {
            return Err(StoreError::Emptied(RecordId { run: record.run.0, seq: record.seq }));
        }
        let body = Record::parse(&record.bytes).and_then(|it| self.opener().open(&it));
        body.map_err(StoreError::ledger("read a record"))
    }

    /// How far this device's runs go, signed: keep a copy outside, and a later [`Store::verify`] can prove that nothing was
    /// put back to an older state.
    ///
    /// # Errors
    /// The data file cannot be read, or there are no random numbers.
    pub fn head(&mut self) -> Result<SignedHead, StoreError> {
        let sql = format!("SELECT run, length, root FROM runs ORDER BY number DESC LIMIT {HEAD_RUNS}");
        let runs = self.rows(&sql, prior)?;
        let (device, nonce) = (self.keys.author.id(), draw(&mut *self.entropy)?);
        let head = Head { device, runs, cursors: Vec::new(), epoch: self.keys.epoch, nonce };
        SignedHead::sign(&self.keys.author, head).map_err(StoreError::ledger("sign a head"))
    }

    /// All rows of a query.
    pub(crate) fn rows<T>(
        &self,
        sql: &str,
        read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        self.rows_of(sql, [], read)
    }

    /// All rows of a query with arguments.
    pub(crate) fn rows_of<T>(
        &self,
        sql: &str,
        arguments: impl rusqlite::Params,
        read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let rows =
            || self.connection.prepare(sql)?.query_map(arguments, read)?.collect::<rusqlite::Result<_>>();
        rows().map_err(|source| StoreError::sql("read", &self.file, source))
    }
}

impl DurableLog for Store {
    type Error = StoreError;

    fn append(&mut self, now: Now, entry: &Entry) -> Result<RecordId, StoreError> {
        let (kind, fields) = bodies::of_entry(entry);
        self.write(now, |batch| {
            if let Entry::Released(released) = entry {
                batch.close_grant(released.grant())?;
            }
            let record = batch.append(kind, fields, None)?;
            if gives_a_grant(entry) {
                batch.open_grant(record)?;
            }
            project(batch, record, entry)?;
            Ok(record)
        })
    }
}

/// Writes what an entry changes in the rows of visits.
fn project(batch: &Batch<'_>, record: RecordId, entry: &Entry) -> Result<(), StoreError> {
    match entry {
        Entry::Decision(decision) => visits::decided(batch, record, &Told::of(decision)),
        Entry::Released(released) => visits::released(batch, released),
        Entry::Door(event) => visits::door(batch, *event),
        Entry::Left(person) => visits::left(batch, record, *person),
        Entry::StaffCalled | Entry::Failed(_) | Entry::Restored(_) => Ok(()),
    }
}

/// Whether `gate::commit` makes a grant of this entry.
fn gives_a_grant(entry: &Entry) -> bool {
    match entry {
        Entry::Decision(decision) => {
            let let_in = matches!(decision.outcome(), Outcome::Granted { .. } | Outcome::LetIn { .. });
            decision.door().is_some() && let_in
        }
        Entry::Released(_)
        | Entry::StaffCalled
        | Entry::Failed(_)
        | Entry::Restored(_)
        | Entry::Door(_)
        | Entry::Left(_) => false,
    }
}

impl<'a> Batch<'a> {
    /// Writes one record of the door's feed, sealed to the device's group.
    pub(crate) fn append(
        &mut self,
        kind: &str,
        fields: bodies::Fields,
        personal: Option<ledger::Personal>,
    ) -> Result<RecordId, StoreError> {
        self.append_killing(kind, fields, personal, &[])
    }

    /// As [`Batch::append`]; the record's header says in clear which keys it destroys.
    pub(crate) fn append_killing(
        &mut self,
        kind: &str,
        fields: bodies::Fields,
        personal: Option<ledger::Personal>,
        kills: &[KeyId],
    ) -> Result<RecordId, StoreError> {
        self.say_in(Feed::of(Class::DeviceBulk), true, kind, fields, personal, kills)
    }

    /// Writes one record into one of this device's feeds, sealed to the newest key of its group, or plain.
    pub(crate) fn say_in(
        &mut self,
        feed: Feed,
        sealed: bool,
        kind: &str,
        fields: bodies::Fields,
        personal: Option<ledger::Personal>,
        kills: &[KeyId],
    ) -> Result<RecordId, StoreError> {
        let body =
            Body { kind: kind.to_owned(), clock: self.clock, fields: records::named(fields), personal };
        self.say_body(feed, sealed, &body, kills)
    }

    /// As [`Batch::say_in`], of a body that is made already.
    pub(crate) fn say_body(
        &mut self,
        feed: Feed,
        sealed: bool,
        body: &Body,
        kills: &[KeyId],
    ) -> Result<RecordId, StoreError> {
        let nonce = self.draw()?;
        self.take_pen(feed)?;
        let newest = self.joined.as_ref().and_then(|joined| joined.sealing_key());
        let (group, epoch, key) = match &newest {
            Some((group, epoch, key)) => (*group, *epoch, key),
            None => (self.keys.group, self.keys.epoch, &self.keys.group_key),
        };
        let seal = if sealed { Seal::Group { group, epoch, key, nonce } } else { Seal::Plain };
        let pen = self.pens.get_mut(feed).expect("it was taken up just now");
        let record = pen.writer.append(&self.keys.author, body, kills, seal);
        let record = record.map_err(StoreError::ledger("write a record"))?;
        let place = RecordId { run: record.run.0, seq: record.seq };
        insert(&self.transaction, feed, pen.number, &record).map_err(self.failed())?;
        self.remember(feed, record, replica::counts(&body.kind) || !kills.is_empty());
        Ok(place)
    }

    /// What is left to do: the commit, and what happens after it.
    fn done(self) -> (Transaction<'a>, Pens, Vec<Wrote>) {
        (self.transaction, self.pens, self.wrote)
    }

    /// What is to be told to the replica once it is durable. Nobody asks before this device has joined.
    fn remember(&mut self, feed: Feed, record: SignedRecord, folds: bool) {
        if self.joined.is_some() {
            self.wrote.push(Wrote { feed, record, folds });
        }
    }

    /// Takes up the run that this process writes in a feed; a new one if there is none yet.
    fn take_pen(&mut self, feed: Feed) -> Result<(), StoreError> {
        if self.pens.get_mut(feed).is_some() {
            return Ok(());
        }
        let (pen, first) = if feed.class.is_keyring() {
            replica::open_keyring_run(self, feed)?
        } else {
            open_run(&self.transaction, self.keys, self.entropy, self.clock, self.file, feed)?
        };
        self.pens.put(feed, pen);
        self.remember(feed, first, true);
        Ok(())
    }

    /// Random bytes.
    pub(crate) fn draw<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        draw(self.entropy)
    }

    /// Runs a statement that is used often; returns how many rows it changed.
    pub(crate) fn execute(&self, sql: &str, row: impl rusqlite::Params) -> Result<usize, StoreError> {
        let done = self.transaction.prepare_cached(sql).and_then(|mut statement| statement.execute(row));
        done.map_err(self.failed())
    }

    /// The first row of a query, if there is one.
    pub(crate) fn first<T>(
        &self,
        sql: &str,
        row: impl rusqlite::Params,
        read: impl FnOnce(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        let statement = self.transaction.prepare_cached(sql);
        let found = statement.and_then(|mut statement| statement.query_row(row, read).optional());
        found.map_err(self.failed())
    }

    /// All rows of a query.
    pub(crate) fn rows<T>(
        &self,
        sql: &str,
        arguments: impl rusqlite::Params,
        read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.transaction.prepare_cached(sql).map_err(self.failed())?;
        let rows = statement.query_map(arguments, read).and_then(Iterator::collect);
        rows.map_err(self.failed())
    }

    /// What the wall clock claims, in milliseconds since 1970.
    pub(crate) fn wall_ms(&self) -> Option<i64> {
        self.clock.wall_ms
    }

    /// What the clocks claim.
    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    /// Minutes east of UTC of the facility's local time.
    pub(crate) fn offset_minutes(&self) -> i32 {
        self.offset_minutes
    }

    /// Names a failed statement.
    pub(crate) fn failed(&self) -> impl FnOnce(rusqlite::Error) -> StoreError + use<'_> {
        |source| StoreError::sql("write", self.file, source)
    }

    fn open_grant(&self, grant: RecordId) -> Result<(), StoreError> {
        let sql = "INSERT INTO open_grants (run, seq) VALUES ((SELECT number FROM runs WHERE run = ?1), ?2)";
        let statement = self.transaction.prepare_cached(sql);
        let done = statement.and_then(|mut it| it.execute(params![grant.run, grant.seq]));
        done.map(|_| ()).map_err(self.failed())
    }

    fn close_grant(&self, grant: RecordId) -> Result<(), StoreError> {
        let sql = "DELETE FROM open_grants WHERE run = (SELECT number FROM runs WHERE run = ?1) AND seq = ?2";
        let statement = self.transaction.prepare_cached(sql);
        let closed = statement.and_then(|mut it| it.execute(params![grant.run, grant.seq]));
        match closed.map_err(self.failed())? {
            0 => Err(StoreError::GrantNotOpen(grant)),
            _ => Ok(()),
        }
    }

    /// Keeps how far each run goes now; it must have gone as far as its writer remembers.
    fn keep_heads(&self) -> Result<(), StoreError> {
        for (feed, pen) in self.pens.touched() {
            let Prior { run, length, root } = pen.writer.prior();
            let done = if feed.class.is_keyring() {
                let sql = "UPDATE lines SET length = ?1 WHERE number = ?2 AND length = ?3";
                self.execute(sql, params![length, pen.number, pen.kept])?
            } else {
                let sql = "UPDATE runs SET length = ?1, root = ?2 WHERE number = ?3 AND length = ?4";
                self.execute(sql, params![length, root.0, pen.number, pen.kept])?
            };
            if done != 1 {
                return Err(StoreError::Corrupt {
                    file: self.file.to_owned(),
                    detail: format!("run {run} is not where its writer left it"),
                });
            }
        }
        Ok(())
    }
}

/// Opens a run that continues every run of its feed which none continues yet.
fn open_run(
    transaction: &Transaction<'_>,
    keys: &Keys,
    entropy: &mut dyn Entropy,
    clock: Clock,
    file: &Path,
    feed: Feed,
) -> Result<(Pen, SignedRecord), StoreError> {
    let failed = |source| StoreError::sql("open a run", file, source);
    let name = feed.to_string();
    let tips = || {
        let sql =
            "SELECT run, length, root FROM runs WHERE continued_by IS NULL AND feed = ?1 ORDER BY number";
        transaction.prepare(sql)?.query_map([&name], prior)?.collect::<rusqlite::Result<_>>()
    };
    let open = open_statement(keys, feed, tips().map_err(failed)?);
    // Plain, so that whoever holds the pages can tell whose run it is and which runs it continues.
    let opened = RunWriter::open(&keys.author, RunId(draw(entropy)?), &open, clock, Seal::Plain);
    let (writer, first) = opened.map_err(StoreError::ledger("open a run"))?;
    let Prior { run, length, root } = writer.prior();
    let sql = "INSERT INTO runs (run, length, root, feed) VALUES (?1, ?2, ?3, ?4)";
    transaction.execute(sql, params![run.0, length, root.0, name]).map_err(failed)?;
    let number = transaction.last_insert_rowid();
    let sql = "UPDATE runs SET continued_by = ?1 WHERE continued_by IS NULL AND number <> ?1 AND feed = ?2";
    transaction.execute(sql, params![number, name]).map_err(failed)?;
    insert(transaction, feed, number, &first).map_err(failed)?;
    Ok((Pen { number, writer, kept: length }, first))
}

/// What the Open of a run of this process says.
pub(crate) fn open_statement(keys: &Keys, feed: Feed, priors: Vec<Prior>) -> Open {
    Open {
        author: keys.author.id(),
        key: keys.author_key,
        feed: feed.to_string(),
        why: Why::Start,
        priors,
        version: KINDS,
    }
}

pub(crate) fn insert(
    transaction: &Transaction<'_>,
    feed: Feed,
    run: i64,
    record: &SignedRecord,
) -> rusqlite::Result<()> {
    if feed.class.is_keyring() {
        let sql = "INSERT INTO line_records (line, seq, bytes, sig) VALUES (?1, ?2, ?3, ?4)";
        let mut statement = transaction.prepare_cached(sql)?;
        return statement.execute(params![run, record.seq, record.bytes, record.sig]).map(|_| ());
    }
    let sql = "INSERT INTO records (run, seq, bytes, leaf, sig) VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut statement = transaction.prepare_cached(sql)?;
    statement.execute(params![run, record.seq, record.bytes, record.leaf.0, record.sig]).map(|_| ())
}

/// `run, length, root` of a row.
pub(crate) fn prior(row: &rusqlite::Row<'_>) -> rusqlite::Result<Prior> {
    Ok(Prior { run: RunId(row.get(0)?), length: row.get(1)?, root: Root(row.get(2)?) })
}

pub(crate) fn clock(boot: [u8; 16], now: Now) -> Clock {
    let Now { mono, wall } = now;
    Clock {
        boot,
        uptime_ms: mono.since(Monotonic::default()).as_millis().try_into().unwrap_or(u64::MAX >> 1),
        wall_ms: wall.map(|wall| wall.unix_ms),
        uncertainty_s: wall.map_or(0, |wall| wall.uncertainty_s),
    }
}
