//! The courier's replica on disk: one plain SQLite file of lines and pages. Nothing in it needs a key of ours, and nothing in it
//! can be opened with one: bodies are sealed, the control feed is public.
//!
//! | table | a row |
//! |---|---|
//! | `lines` | a run as it stands, [`ledger::Line::encode`] |
//! | `pages` | a page as it came: its run, first record, how many, its bytes |
//! | `notes` | what else is remembered: the last receipt |
//!
//! A page can be cut anywhere at its beginning and joined with what follows, never cut at its end, where the signature is.
//! [`Store::page`] does that, so records that came one by one go on in pages of many. Pages are read one at a time and no
//! record stays in memory. WAL and `synchronous = FULL`: what is committed is there after a loss of power, and only then is
//! it told on.

use ledger::{Class, Kind, Leaf, Line, Members, Page, Record, RunId, leaf_of};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, params};
use std::path::Path;

/// How many bytes of records one page takes that is put together here: padded for the network it has 64 KiB. A page that came
/// larger goes on as it is.
pub const JOINED_BYTES: usize = 60 * 1024;
/// The memory of SQLite for pages of its file, in KiB.
const CACHE_KIB: i64 = 512;
/// `Genkan agent`: other files are not ours.
const APPLICATION: i64 = 0x476B_6161;
const VERSION: i64 = 1;
const SCHEMA: &str = "
    CREATE TABLE lines (run BLOB PRIMARY KEY CHECK (length(run) = 16), line BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE pages (id INTEGER PRIMARY KEY, run BLOB NOT NULL REFERENCES lines (run), first INTEGER NOT NULL,
        count INTEGER NOT NULL CHECK (count > 0), bytes BLOB NOT NULL, UNIQUE (run, first)) STRICT;
    CREATE TABLE notes (name TEXT PRIMARY KEY, note BLOB NOT NULL) STRICT, WITHOUT ROWID;
";

/// Why the store does not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No room.
    #[error("the disk is full: give the agent more room, or raise keep_mib")]
    Full,
    /// The file is damaged or another's. What was in it is at the kiosk and the registry too.
    #[error("{0}: remove the file; the kiosk and the registry bring back what was in it")]
    Damaged(&'static str),
    /// Another process holds it.
    #[error("another agent runs in this directory: stop it first")]
    Busy,
    /// Anything else of SQLite or the disk.
    #[error("the agent's store does not work ({0}): look at its disk")]
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::Full,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                StoreError::Damaged("the agent's file is damaged")
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy,
            Some(_) | None => StoreError::Sqlite(error),
        }
    }
}

/// One change of a step.
#[derive(Debug)]
pub enum Change {
    /// Keep this verified page, and the line as it stands after it.
    Keep(Box<Line>, Page),
    /// Forget the run.
    Drop(RunId),
}

/// The store.
#[derive(Debug)]
pub struct Store {
    db: Connection,
}

impl Store {
    /// Opens the file, or makes it. One process at a time.
    ///
    /// Errors: [`StoreError`].
    pub fn open(path: &Path) -> Result<Store, StoreError> {
        let db = Connection::open(path)?;
        db.busy_timeout(std::time::Duration::from_secs(2))?;
        db.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        db.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "cache_size", -CACHE_KIB)?;
        db.pragma_update(None, "secure_delete", "ON")?;
        db.pragma_update(None, "foreign_keys", "ON")?;
        db.pragma_update(None, "trusted_schema", "OFF")?;
        let mut store = Store { db };
        store.prepare()?;
        Ok(store)
    }

    fn prepare(&mut self) -> Result<(), StoreError> {
        let transaction = self.db.transaction()?;
        let number = |name| transaction.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        match (number("application_id")?, number("user_version")?) {
            (APPLICATION, VERSION) => return Ok(transaction.commit()?),
            (0, 0) => {}
            _ => return Err(StoreError::Damaged("the file is another program's, or of another version")),
        }
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        Ok(transaction.commit()?)
    }

    /// All lines. A line that is damaged goes, with its pages: whoever has the run brings it again.
    ///
    /// Errors: [`StoreError`].
    pub fn lines(&mut self) -> Result<Vec<Line>, StoreError> {
        let rows: Vec<(Vec<u8>, Vec<u8>)> = self
            .db
            .prepare("SELECT run, line FROM lines")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let mut lines = Vec::with_capacity(rows.len());
        for (run, bytes) in rows {
            match (Line::decode(&bytes), <[u8; 16]>::try_from(run)) {
                (Ok(line), Ok(run)) if line.at().run == RunId(run) => lines.push(line),
                (_, Ok(run)) => self.change(&[Change::Drop(RunId(run))])?,
                (_, Err(_)) => return Err(StoreError::Damaged("a run has no name")),
            }
        }
        Ok(lines)
    }

    /// Who belongs, from the control records of these lines.
    ///
    /// Errors: [`StoreError`].
    pub fn members(&self, mut members: Members, lines: &[Line]) -> Result<Members, StoreError> {
        let mut pages = self.db.prepare("SELECT bytes FROM pages WHERE run = ?1 ORDER BY first")?;
        for line in lines.iter().filter(|line| line.feed().class == Class::Control) {
            let mut rows = pages.query(params![line.at().run.0])?;
            while let Some(row) = rows.next()? {
                let page = read_page(row.get_ref(0)?.as_blob().unwrap_or_default())?;
                for body in
                    page.records.iter().filter_map(|record| Record::parse(record).ok()?.open_body(None).ok())
                {
                    if let Some(kind) = Kind::from_name(&body.kind) {
                        members.apply(kind, &body);
                    }
                }
            }
        }
        Ok(members)
    }

    /// Does these changes as one, and returns when they are durable.
    ///
    /// Errors: [`StoreError`]; nothing has changed then.
    pub fn change(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let transaction = self.db.transaction()?;
        for change in changes {
            match change {
                Change::Keep(line, page) => keep(&transaction, line, page)?,
                Change::Drop(run) => drop_run(&transaction, *run)?,
            }
        }
        Ok(transaction.commit()?)
    }

    /// A page of this run that begins here, as many records as fit; nothing if it is not held.
    ///
    /// Errors: [`StoreError`].
    pub fn page(&self, run: RunId, from: u64) -> Result<Option<Page>, StoreError> {
        let Ok(place) = i64::try_from(from) else { return Ok(None) };
        let mut rows = self.db.prepare_cached(
            "SELECT bytes FROM pages WHERE run = ?1 AND first >= (SELECT max(first) FROM pages WHERE run = ?1 AND first <= ?2)
             ORDER BY first",
        )?;
        let mut rows = rows.query(params![run.0, place])?;
        let mut joined: Option<Page> = None;
        while let Some(row) = rows.next()? {
            let page = read_page(row.get_ref(0)?.as_blob().unwrap_or_default())?;
            match &mut joined {
                None => match cut(page, from) {
                    Some(page) => joined = Some(page),
                    None => return Ok(None),
                },
                Some(joined) if fits(joined, &page) => {
                    joined.records.extend(page.records);
                    joined.sig = page.sig;
                }
                Some(_) => break,
            }
        }
        Ok(joined)
    }

    /// Forgets whole pages of a run before this place: somebody else has them durably. Returns how many records can no longer
    /// be served, from the beginning.
    ///
    /// Errors: [`StoreError`].
    pub fn forget_before(&mut self, line: &Line, seq: u64) -> Result<u64, StoreError> {
        let (run, seq) = (line.at().run, i64::try_from(seq).unwrap_or(i64::MAX));
        let transaction = self.db.transaction()?;
        transaction
            .execute("DELETE FROM pages WHERE run = ?1 AND first + count <= ?2", params![run.0, seq])?;
        let first: Option<i64> =
            transaction
                .query_row("SELECT min(first) FROM pages WHERE run = ?1", params![run.0], |row| row.get(0))?;
        let left = first.map_or(line.at().length, |first| first.unsigned_abs());
        let mut line = line.clone();
        line.emptied_below(left);
        transaction.execute("UPDATE lines SET line = ?2 WHERE run = ?1", params![run.0, line.encode()])?;
        transaction.commit()?;
        Ok(left)
    }

    /// How much of the disk the content takes, in bytes; free pages inside of the file do not count.
    ///
    /// Errors: [`StoreError`].
    pub fn used_bytes(&self) -> Result<u64, StoreError> {
        let number = |name| self.db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let pages = number("page_count")? - number("freelist_count")?;
        Ok((pages * number("page_size")?).unsigned_abs())
    }

    /// Remembers a note.
    ///
    /// Errors: [`StoreError`].
    pub fn note(&mut self, name: &str, note: &[u8]) -> Result<(), StoreError> {
        self.db.execute("INSERT OR REPLACE INTO notes (name, note) VALUES (?1, ?2)", params![name, note])?;
        Ok(())
    }

    /// A note that was remembered.
    ///
    /// Errors: [`StoreError`].
    pub fn noted(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let found =
            self.db.query_row("SELECT note FROM notes WHERE name = ?1", params![name], |row| row.get(0));
        Ok(found.optional()?)
    }
}

fn keep(transaction: &Transaction<'_>, line: &Line, page: &Page) -> Result<(), StoreError> {
    let bytes = page.encode().map_err(|_| StoreError::Damaged("a page has no encoding"))?;
    let first = i64::try_from(page.first).unwrap_or(i64::MAX);
    let count = i64::try_from(page.records.len()).unwrap_or(i64::MAX);
    transaction
        .prepare_cached("INSERT OR REPLACE INTO lines (run, line) VALUES (?1, ?2)")?
        .execute(params![page.run.0, line.encode()])?;
    transaction
        .prepare_cached("INSERT INTO pages (run, first, count, bytes) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![page.run.0, first, count, bytes])?;
    Ok(())
}

fn drop_run(transaction: &Transaction<'_>, run: RunId) -> Result<(), StoreError> {
    transaction.execute("DELETE FROM pages WHERE run = ?1", params![run.0])?;
    transaction.execute("DELETE FROM lines WHERE run = ?1", params![run.0])?;
    Ok(())
}

fn read_page(bytes: &[u8]) -> Result<Page, StoreError> {
    Page::decode(bytes).map_err(|_| StoreError::Damaged("a page is damaged"))
}

/// The page from this record on; the leaf before it is that of the record that is cut off last.
fn cut(mut page: Page, from: u64) -> Option<Page> {
    let skip = usize::try_from(from.checked_sub(page.first)?).ok()?;
    if skip == 0 {
        return Some(page);
    }
    let prev: Leaf = leaf_of(page.records.get(skip - 1)?);
    page.records.drain(..skip);
    let whole = !page.records.is_empty();
    whole.then_some(Page { first: from, prev, ..page })
}

/// Whether the next page follows and both are small enough together.
fn fits(joined: &Page, next: &Page) -> bool {
    let bytes = |page: &Page| page.records.iter().map(|record| record.len() + 5).sum::<usize>();
    let records = joined.records.len() + next.records.len();
    joined.first + joined.records.len() as u64 == next.first
        && records <= ledger::MAX_PAGE_RECORDS
        && bytes(joined) + bytes(next) <= JOINED_BYTES
}
