//! The runs of others in tables, this device's own as lines, and pages of both for whoever asks.

use std::path::PathBuf;

use ledger::{
    AuthorId, Feed, Leaf, Line, MAX_PAGE, MAX_PAGE_RECORDS, Page, Record, RecordId, RunId, Source, leaf_of,
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{Store, StoreError, feeds::Batch};

/// What an encoded page takes beside its records, at most, and each record beside its bytes.
const FRAME: usize = 256;
const LENGTH: usize = 5;

impl Batch<'_> {
    /// Keeps a verified page behind what is held of its run. False if all of it is held already.
    pub(super) fn keep_page(&mut self, line: &Line, page: &Page) -> Result<bool, StoreError> {
        let sql = "SELECT max(length) FROM (SELECT length FROM lines WHERE run = ?1
                   UNION ALL SELECT length FROM runs WHERE run = ?1)";
        let held: u64 =
            self.first(sql, [page.run.0], |row| row.get::<_, Option<u64>>(0))?.flatten().unwrap_or(0);
        let end = page.first + page.records.len() as u64;
        if end <= held {
            return Ok(false);
        }
        if page.first != held || line.at().length != end || line.at().run != page.run {
            return Err(StoreError::NotFollowing(page.run));
        }
        let sql = "INSERT INTO lines (run, author, feed, length, line) VALUES (?1, ?2, ?3, ?4, ?5)
                   ON CONFLICT (run) DO UPDATE SET length = excluded.length, line = excluded.line";
        let feed = line.feed().to_string();
        self.execute(sql, params![page.run.0, line.author().0, feed, end, line.encode()])?;
        let sql = "INSERT INTO line_records (line, seq, bytes, sig)
                   VALUES ((SELECT number FROM lines WHERE run = ?1), ?2, ?3, ?4)";
        for (seq, bytes) in (page.first..).zip(&page.records) {
            let sig = (seq + 1 == end).then_some(page.sig);
            self.execute(sql, params![page.run.0, seq, bytes, sig])?;
        }
        Ok(true)
    }

    /// Deletes a keyring. No other run is ever dropped.
    pub(super) fn drop_keyring(&mut self, run: RunId) -> Result<(), StoreError> {
        if drop_keyring(&self.transaction, run).map_err(self.failed())? {
            self.forget_run(run);
        }
        Ok(())
    }

    /// A record that is held, whose it is, and whether this device's vault knew it when it was written.
    pub(super) fn held(&self, at: RecordId) -> Result<Option<(Record, Source, bool)>, StoreError> {
        let sql =
            "SELECT author, feed, bytes FROM line_records JOIN lines ON lines.number = line_records.line
                   WHERE lines.run = ?1 AND seq = ?2";
        let place = params![at.run.0, at.seq];
        let found = self.first(sql, place, |row| {
            Ok((AuthorId(row.get(0)?), row.get::<_, String>(1)?, row.get::<_, Vec<u8>>(2)?, false))
        })?;
        let own = || {
            let sql = "SELECT feed, bytes FROM records JOIN runs ON runs.number = records.run
                       WHERE runs.run = ?1 AND seq = ?2";
            let me = self.keys.author.id();
            self.first(sql, place, |row| Ok((me, row.get(0)?, row.get(1)?, true)))
        };
        let found = match found {
            Some(found) => Some(found),
            None => own()?,
        };
        let Some((author, feed, bytes, own)) = found else { return Ok(None) };
        let record = Record::parse(&bytes).ok().zip(feed.parse::<Feed>().ok());
        Ok(record.map(|(record, feed)| (record, Source { author, feed }, own)))
    }

    /// The records of all runs of a feed.
    pub(super) fn records_of(&self, feed: Feed) -> Result<Vec<Record>, StoreError> {
        let sql = "SELECT bytes FROM line_records JOIN lines ON lines.number = line_records.line
                   WHERE feed = ?1 ORDER BY line, seq";
        let all = self.rows(sql, [feed.to_string()], |row| row.get::<_, Vec<u8>>(0))?;
        Ok(all.iter().filter_map(|bytes| Record::parse(bytes).ok()).collect())
    }
}

/// Deletes a run if it is a keyring; whether it was one.
pub(super) fn drop_keyring(connection: &Connection, run: RunId) -> rusqlite::Result<bool> {
    let sql = "SELECT number, feed FROM lines WHERE run = ?1";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?));
    let found = connection.query_row(sql, [run.0], read).optional()?;
    let keyring = found.filter(|(_, feed)| feed.parse::<Feed>().is_ok_and(|feed| feed.class.is_keyring()));
    let Some((number, _)) = keyring else { return Ok(false) };
    connection.execute("DELETE FROM line_records WHERE line = ?1", [number])?;
    connection.execute("DELETE FROM lines WHERE number = ?1", [number])?;
    Ok(true)
}

/// Every run that is held, as `Sync` goes on from it.
pub(super) fn all(connection: &Connection, me: AuthorId) -> rusqlite::Result<Vec<Line>> {
    let mut lines = of_others(connection, me)?;
    let beyond: Vec<RunId> = lines.iter().map(|line| line.at().run).collect();
    let mut statement = connection.prepare("SELECT number, run, feed FROM runs ORDER BY number")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (number, run) = (row.get::<_, i64>(0)?, RunId(row.get(1)?));
        let feed = row.get_ref(2)?.as_str()?.parse();
        if let (Ok(feed), false) = (feed, beyond.contains(&run)) {
            lines.extend(own(connection, number, run, Source { author: me, feed })?);
        }
    }
    Ok(lines)
}

fn of_others(connection: &Connection, me: AuthorId) -> rusqlite::Result<Vec<Line>> {
    let mut lines = Vec::new();
    let mut statement =
        connection.prepare("SELECT line, number, run, author, feed FROM lines ORDER BY number")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (number, run) = (row.get::<_, i64>(1)?, RunId(row.get(2)?));
        let kept = row.get_ref(0)?.as_blob_or_null()?.and_then(|bytes| Line::decode(bytes).ok());
        if kept.is_some() {
            lines.extend(kept);
        } else if let Ok(feed) = row.get_ref(4)?.as_str()?.parse() {
            // A keyring of this device, or a line that is damaged: it is made anew from the records.
            let author = AuthorId(row.get(3)?);
            debug_assert!(author == me || kept.is_none());
            lines.extend(from_records(connection, number, run, Source { author, feed })?);
        }
    }
    Ok(lines)
}

/// The line of a run in `lines`, from its records.
pub(super) fn from_records(
    connection: &Connection,
    number: i64,
    run: RunId,
    source: Source,
) -> rusqlite::Result<Option<Line>> {
    let sql = "SELECT bytes FROM line_records WHERE line = ?1 ORDER BY seq";
    let records: Vec<Vec<u8>> = connection
        .prepare_cached(sql)?
        .query_map([number], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let priors = records.first().map(|first| priors(first)).unwrap_or_default();
    Ok(Line::of_leaves(run, source, records.iter().map(|bytes| leaf_of(bytes)), priors))
}

/// The line of a run of this device, from the leaves that it keeps.
fn own(connection: &Connection, number: i64, run: RunId, source: Source) -> rusqlite::Result<Option<Line>> {
    let sql = "SELECT leaf FROM records WHERE run = ?1 ORDER BY seq";
    let leaves: Vec<Leaf> = connection
        .prepare_cached(sql)?
        .query_map([number], |row| row.get(0).map(Leaf))?
        .collect::<rusqlite::Result<_>>()?;
    let sql = "SELECT bytes FROM records WHERE run = ?1 AND seq = 0";
    let first: Option<Vec<u8>> =
        connection.prepare_cached(sql)?.query_row([number], |row| row.get(0)).optional()?;
    let priors = first.map(|first| priors(&first)).unwrap_or_default();
    let sql = "SELECT max(seq) + 1 FROM records WHERE run = ?1 AND length(bytes) = 0";
    let emptied: Option<u64> = connection.prepare_cached(sql)?.query_row([number], |row| row.get(0))?;
    let line = Line::of_leaves(run, source, leaves, priors);
    Ok(line.map(|mut line| {
        line.emptied_below(emptied.unwrap_or(0));
        line
    }))
}

fn priors(first: &[u8]) -> Vec<RunId> {
    let open = Record::parse(first).ok().and_then(|record| record.open_statement(None).ok());
    open.map(|open| open.priors.iter().map(|prior| prior.run).collect()).unwrap_or_default()
}

/// A record and, where there is one, its signature.
type Carried = (Vec<u8>, Option<[u8; 64]>);

/// Reads pages beside the store that writes: a connection of its own, for the thread of the replica.
pub struct Reader {
    connection: Connection,
    file: PathBuf,
}

impl Store {
    /// A reader of pages. From the first call on the data file can be read beside the store; a process that never calls
    /// this has it for itself.
    ///
    /// # Errors
    /// The data file cannot be opened a second time. If it cannot even be opened again, every later call fails.
    pub fn pages(&mut self) -> Result<Reader, StoreError> {
        self.share()?;
        Ok(Reader { connection: self.reach.reader()?, file: self.file.clone() })
    }

    /// Gives up the exclusive hold of the data file; the lock of the directory stays.
    fn share(&mut self) -> Result<(), StoreError> {
        let failed = |source| StoreError::sql("share the data file", &self.file, source);
        let mode: String =
            self.connection.pragma_query_value(None, "locking_mode", |row| row.get(0)).map_err(failed)?;
        if mode == "normal" {
            return Ok(());
        }
        let nothing = Connection::open_in_memory().map_err(failed)?;
        let exclusive = std::mem::replace(&mut self.connection, nothing);
        exclusive.close().map_err(|(_, source)| failed(source))?;
        self.connection = self.reach.shared()?;
        Ok(())
    }
}

impl Reader {
    /// The page of a run from this record on, cut where a signature is. Nothing if it is not held, was emptied, or cannot be
    /// read now; whoever asked asks again.
    #[must_use]
    pub fn page(&self, run: RunId, from: u64) -> Option<Page> {
        let own = "SELECT bytes, sig FROM records JOIN runs ON runs.number = records.run
                   WHERE runs.run = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3";
        let others =
            "SELECT line_records.bytes, sig FROM line_records JOIN lines ON lines.number = line_records.line
                      WHERE lines.run = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3";
        let own = self.records(own, run, from)?;
        let records = if own.is_empty() { self.records(others, run, from)? } else { own };
        cut(run, from, records)
    }

    fn records(&self, sql: &str, run: RunId, from: u64) -> Option<Vec<Carried>> {
        let mut statement = self.connection.prepare_cached(sql).ok()?;
        let mut rows = statement.query(params![run.0, from, MAX_PAGE_RECORDS as u64]).ok()?;
        let (mut found, mut size) = (Vec::new(), FRAME);
        while let Some(row) = rows.next().ok()? {
            let (bytes, sig): (Vec<u8>, Option<[u8; 64]>) = (row.get(0).ok()?, row.get(1).ok()?);
            size += bytes.len() + LENGTH;
            let signed = found.iter().any(|(_, sig): &Carried| sig.is_some());
            if bytes.is_empty() || (size > MAX_PAGE && signed) {
                break;
            }
            found.push((bytes, sig));
        }
        Some(found)
    }
}

/// The longest page that ends at a signature.
fn cut(run: RunId, first: u64, mut records: Vec<Carried>) -> Option<Page> {
    let last = records.iter().rposition(|(_, sig)| sig.is_some())?;
    let sig = records[last].1?;
    records.truncate(last + 1);
    let prev = Record::parse(&records[0].0).ok()?.header.prev;
    let records = records.into_iter().map(|(bytes, _)| bytes).collect();
    Some(Page { run, first, prev, records, sig })
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Reader({})", self.file.display())
    }
}
