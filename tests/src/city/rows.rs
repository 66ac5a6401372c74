//! The registry's rows, read from its database without a program of ours: SQLite's file or PostgreSQL's `psql`.

use std::path::PathBuf;

use ledger::RunId;
use rusqlite::{Connection, OpenFlags};

use super::{City, Trouble, judge::bytes_of};

/// A record as the registry holds it.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its run.
    pub run: RunId,
    /// The run's feed, as text.
    pub feed: String,
    /// Its number.
    pub seq: u64,
    /// Its bytes.
    pub record: Vec<u8>,
}

/// All of them as text, so that both databases answer alike.
const ALL: [&str; 2] = [
    "SELECT hex(r.run), l.feed, r.seq, hex(r.record) FROM records r JOIN lines l ON l.run = r.run ORDER BY 1, 3",
    "SELECT encode(r.run, 'hex'), l.feed, r.seq, encode(r.record, 'hex') FROM records r JOIN lines l ON l.run = r.run ORDER BY 1, 3",
];

impl City {
    /// Every record that the registry holds, in the order of run and number.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn rows(&self) -> Result<Vec<Row>, Trouble> {
        let [sqlite, postgresql] = ALL;
        let lines = match &self.postgres {
            Some(server) => server.ask(postgresql)?.lines().map(ToOwned::to_owned).collect(),
            None => sqlite_lines(&self.database_file(), sqlite)?,
        };
        lines.iter().filter(|line| !line.is_empty()).map(|line| row(line)).collect()
    }

    /// The file of the embedded database.
    #[must_use]
    pub fn database_file(&self) -> PathBuf {
        self.registry.directory().join("registry.db")
    }
}

fn sqlite_lines(file: &std::path::Path, statement: &str) -> Result<Vec<String>, Trouble> {
    let read = || -> rusqlite::Result<Vec<String>> {
        let database = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let mut statement = database.prepare(statement)?;
        let line = |row: &rusqlite::Row<'_>| {
            let (run, feed): (String, String) = (row.get(0)?, row.get(1)?);
            let (seq, record): (i64, String) = (row.get(2)?, row.get(3)?);
            Ok(format!("{run}|{feed}|{seq}|{record}"))
        };
        statement.query_map([], line)?.collect()
    };
    read().map_err(|cause| unreadable(&format!("{}: {cause}", file.display())))
}

fn row(line: &str) -> Result<Row, Trouble> {
    let read = || {
        let mut fields = line.split('|');
        let run = RunId(bytes_of(fields.next()?)?.try_into().ok()?);
        let feed = fields.next()?.to_owned();
        let seq = fields.next()?.parse().ok()?;
        Some(Row { run, feed, seq, record: bytes_of(fields.next()?)? })
    };
    read().ok_or_else(|| unreadable("a row has another form than the schema's"))
}

fn unreadable(what: &str) -> Trouble {
    Trouble::Unreadable { who: "the registry's database".into(), what: what.to_owned() }
}
