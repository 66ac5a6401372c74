//! A kiosk's vault, read by its schema from a copy of its files: what the judge and the thief must know of it.

use std::{fs, path::Path};

use ledger::{KeyId, Leaf, RunId};
use rusqlite::{Connection, Row};

use super::{
    At as _, Trouble,
    thief::{page_key, unreadable},
};

/// What tells of a person.
pub struct Known {
    /// The name of the key.
    pub key_id: KeyId,
    /// The key.
    pub key: [u8; 32],
    /// The person's name.
    pub name: String,
    /// A template, as it is kept.
    pub template: Vec<u8>,
}

/// The person's key and its name, and what else tells of the person.
///
/// # Errors
/// [`Trouble::Unreadable`].
pub fn known_of(data: &Path, person: &str) -> Result<Known, Trouble> {
    let statement = "SELECT p.key_id, p.key, p.name, t.vector FROM people p JOIN reference_templates t \
                     ON t.person = p.number WHERE lower(hex(p.person)) = ?1 LIMIT 1";
    let found = read(data, statement, &[person], |row| {
        Ok(Known { key_id: KeyId(row.get(0)?), key: row.get(1)?, name: row.get(2)?, template: row.get(3)? })
    })?;
    found.into_iter().next().ok_or_else(|| unreadable(data, "there is no such person with a template"))
}

/// How far each run is receipted, as the kiosk believes.
///
/// # Errors
/// [`Trouble::Unreadable`].
pub fn receipts_of(data: &Path) -> Result<Vec<(RunId, u64)>, Trouble> {
    let number = |row: &Row<'_>| row.get::<_, i64>(1).map(|it| u64::try_from(it).unwrap_or_default());
    read(data, "SELECT run, length FROM receipts", &[], |row| Ok((RunId(row.get(0)?), number(row)?)))
}

/// The leaf of every record that the kiosk wrote, in order.
///
/// # Errors
/// [`Trouble::Unreadable`].
pub fn written_by(data: &Path) -> Result<Vec<(RunId, u64, Leaf)>, Trouble> {
    let statement =
        "SELECT r.run, s.seq, s.leaf FROM records s JOIN runs r ON r.number = s.run ORDER BY 1, 2";
    read(data, statement, &[], |row| {
        let seq: i64 = row.get(1)?;
        Ok((RunId(row.get(0)?), u64::try_from(seq).unwrap_or_default(), Leaf(row.get(2)?)))
    })
}

/// Rows of a copy: the running kiosk keeps its own file to itself.
fn read<T>(
    data: &Path,
    statement: &str,
    values: &[&str],
    row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, Trouble> {
    let copy = tempfile::TempDir::new().at("make a folder in", &std::env::temp_dir())?;
    for name in ["genkan.db", "genkan.db-wal"] {
        let from = data.join(name);
        if from.exists() {
            fs::copy(&from, copy.path().join(name)).at("copy", &from)?;
        }
    }
    let key: String = page_key(data)?.iter().map(|byte| format!("{byte:02x}")).collect();
    let rows = || -> rusqlite::Result<Vec<T>> {
        let vault = Connection::open(copy.path().join("genkan.db"))?;
        vault.pragma_update(None, "key", format!("x'{key}'"))?;
        let mut statement = vault.prepare(statement)?;
        statement.query_map(rusqlite::params_from_iter(values), row)?.collect()
    };
    rows().map_err(|cause| unreadable(data, &cause.to_string()))
}
