//! SQLite: one file, write-ahead log, every commit synced. Deleted rows are overwritten (`secure_delete`).

use std::path::Path;
use std::time::Duration;

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, ErrorCode, Statement, params_from_iter};

use super::{Cell, Row, Sql, SqlError, WAIT_MS};

/// A connection to a file.
#[derive(Debug)]
pub struct Sqlite(Connection);

impl Sqlite {
    /// Opens the file, or makes it.
    ///
    /// Errors: [`SqlError::Refused`].
    pub fn open(path: &Path) -> Result<Sqlite, SqlError> {
        let connection = Connection::open(path).map_err(refused)?;
        connection.busy_timeout(Duration::from_millis(WAIT_MS)).map_err(refused)?;
        let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; \
                        PRAGMA foreign_keys = ON;";
        connection.execute_batch(settings).map_err(refused)?;
        connection.set_prepared_statement_cache_capacity(128);
        Ok(Sqlite(connection))
    }

    fn batch(&self, text: &str) -> Result<(), SqlError> {
        self.0.execute_batch(text).map_err(refused)
    }
}

impl Sql for Sqlite {
    fn begin(&mut self) -> Result<(), SqlError> {
        self.batch("BEGIN IMMEDIATE")
    }

    fn begin_reading(&mut self) -> Result<(), SqlError> {
        self.batch("BEGIN DEFERRED")
    }

    fn commit(&mut self) -> Result<(), SqlError> {
        self.batch("COMMIT")
    }

    fn rollback(&mut self) -> Result<(), SqlError> {
        // SQLite undoes some transactions by itself; then there is nothing left to undo.
        if self.0.is_autocommit() { Ok(()) } else { self.batch("ROLLBACK") }
    }

    fn execute(&mut self, text: &str, cells: &[Cell]) -> Result<u64, SqlError> {
        let mut statement = self.0.prepare_cached(text).map_err(refused)?;
        let values = in_order(&statement, cells)?;
        statement.execute(params_from_iter(values)).map(|count| count as u64).map_err(refused)
    }

    fn query(&mut self, text: &str, cells: &[Cell]) -> Result<Vec<Row>, SqlError> {
        let mut statement = self.0.prepare_cached(text).map_err(refused)?;
        let values = in_order(&statement, cells)?;
        let width = statement.column_count();
        let mut rows = statement.query(params_from_iter(values)).map_err(refused)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next().map_err(refused)? {
            let cell = |place| row.get_ref(place).map_err(refused).and_then(read);
            all.push((0..width).map(cell).collect::<Result<Row, SqlError>>()?);
        }
        Ok(all)
    }

    fn types(&self) -> [(&'static str, &'static str); 2] {
        [("BYTES", "BLOB"), ("NUMBER", "INTEGER")]
    }
}

/// `$3` is a name to SQLite, numbered by where it first stands.
fn in_order(statement: &Statement<'_>, cells: &[Cell]) -> Result<Vec<Value>, SqlError> {
    let count = statement.parameter_count();
    if count != cells.len() {
        return Err(SqlError::Refused(format!("{count} placeholders, {} values", cells.len())));
    }
    let value = |place: usize| {
        let name = statement.parameter_name(place).and_then(|name| name.strip_prefix('$'));
        let cell = name.and_then(|name| cells.get(name.parse::<usize>().ok()?.checked_sub(1)?));
        cell.map(write).ok_or(SqlError::Refused("placeholders are $1, $2 and so on".into()))
    };
    (1..=count).map(value).collect()
}

fn write(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Int(number) => Value::Integer(*number),
        Cell::Text(text) => Value::Text(text.clone()),
        Cell::Bytes(bytes) => Value::Blob(bytes.clone()),
    }
}

fn read(value: ValueRef<'_>) -> Result<Cell, SqlError> {
    match value {
        ValueRef::Null => Ok(Cell::Null),
        ValueRef::Integer(number) => Ok(Cell::Int(number)),
        ValueRef::Text(text) => {
            let text = std::str::from_utf8(text).map_err(|_| SqlError::Shape("a text that is not UTF-8"))?;
            Ok(Cell::Text(text.to_owned()))
        }
        ValueRef::Blob(bytes) => Ok(Cell::Bytes(bytes.to_vec())),
        ValueRef::Real(_) => Err(SqlError::Shape("a fraction")),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn refused(error: rusqlite::Error) -> SqlError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => SqlError::Conflict,
        Some(ErrorCode::ConstraintViolation) => SqlError::Taken(error.to_string()),
        Some(_) | None => SqlError::Refused(error.to_string()),
    }
}
