//! The one seam to SQL. One set of statements, with `$1`, `$2` .. in order, runs on SQLite (one machine) and PostgreSQL;
//! both queue writers, so a transaction that writes sees everything that was committed before it.
//!
//! What every backend promises, and the contract suite (`tests/database.rs`) asks of both:
//! - [`Sql::begin`] waits until no other transaction writes; what is read then is the newest that was committed;
//! - [`Sql::commit`] returns only when everything is on the disk;
//! - an error says whether it may help to do the whole transaction again ([`SqlError::Conflict`]), whether nobody knows if a
//!   commit happened ([`SqlError::Lost`]), or that a row is there already ([`SqlError::Taken`]).

mod migrate;
mod postgresql;
mod sqlite;

use thiserror::Error;

pub use migrate::{MIGRATIONS, migrate};
pub use postgresql::Postgresql;
pub use sqlite::Sqlite;

/// How long a transaction waits for another that writes, in milliseconds: much longer than a keyring of a city takes.
pub const WAIT_MS: u64 = 30_000;

/// One value of a row. `Debug` shows no content.
#[derive(Clone, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A number of 64 bits.
    Int(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// One row.
pub type Row = Vec<Cell>;

/// Why the database did not do it.
#[derive(Debug, Error)]
pub enum SqlError {
    /// Another transaction was in the way: nothing of this one happened, and all of it may be done again.
    #[error("another transaction was in the way; do it again")]
    Conflict,
    /// A row with this key is there already.
    #[error("a row with this key is there already ({0}); choose another")]
    Taken(String),
    /// The connection is gone; of a commit under way nobody knows whether it happened.
    #[error("the database is gone ({0}); see that it runs, then try again")]
    Lost(String),
    /// The address is none that is used.
    #[error("registry.toml, database: {0}")]
    Address(String),
    /// The statement, the file or the server is not as it must be.
    #[error("the database refused: {0}")]
    Refused(String),
    /// A cell is not of the kind that was asked for.
    #[error("the database holds {0} where something else belongs; put it back from a copy")]
    Shape(&'static str),
    /// The database is of a newer version of this program.
    #[error("the database is of version {0}, this program knows {1}; update the program")]
    Newer(i64, u32),
}

/// A connection.
pub trait Sql: Send {
    /// Begins a transaction that may write; it waits for its turn.
    fn begin(&mut self) -> Result<(), SqlError>;
    /// Begins a transaction that only reads, at one moment; it waits for nobody.
    fn begin_reading(&mut self) -> Result<(), SqlError>;
    /// Makes everything since `begin` durable.
    fn commit(&mut self) -> Result<(), SqlError>;
    /// Undoes everything since `begin`.
    fn rollback(&mut self) -> Result<(), SqlError>;
    /// Runs a statement; how many rows it changed.
    fn execute(&mut self, text: &str, cells: &[Cell]) -> Result<u64, SqlError>;
    /// Runs a question; the rows.
    fn query(&mut self, text: &str, cells: &[Cell]) -> Result<Vec<Row>, SqlError>;
    /// The types of this backend, for the migrations: bytes, numbers.
    fn types(&self) -> [(&'static str, &'static str); 2];
}

/// Opens a database by its address: `sqlite:PATH` or `postgresql://..`.
///
/// Errors: [`SqlError::Address`], [`SqlError::Lost`], [`SqlError::Refused`].
pub fn open(address: &str) -> Result<Box<dyn Sql>, SqlError> {
    match address.strip_prefix("sqlite:") {
        Some(path) => Ok(Box::new(Sqlite::open(path.as_ref())?)),
        None => Ok(Box::new(Postgresql::connect(address)?)),
    }
}

impl Cell {
    /// The number. Errors: [`SqlError::Shape`].
    pub fn int(&self) -> Result<i64, SqlError> {
        if let Cell::Int(number) = self { Ok(*number) } else { Err(SqlError::Shape(self.shape())) }
    }

    /// The text. Errors: [`SqlError::Shape`].
    pub fn text(&self) -> Result<&str, SqlError> {
        if let Cell::Text(text) = self { Ok(text) } else { Err(SqlError::Shape(self.shape())) }
    }

    /// The bytes. Errors: [`SqlError::Shape`].
    pub fn bytes(&self) -> Result<&[u8], SqlError> {
        if let Cell::Bytes(bytes) = self { Ok(bytes) } else { Err(SqlError::Shape(self.shape())) }
    }

    /// Exactly so many bytes. Errors: [`SqlError::Shape`].
    pub fn array<const N: usize>(&self) -> Result<[u8; N], SqlError> {
        self.bytes()?.try_into().map_err(|_| SqlError::Shape("bytes of another length"))
    }

    /// A length or count. Errors: [`SqlError::Shape`].
    pub fn count(&self) -> Result<u64, SqlError> {
        self.int()?.try_into().map_err(|_| SqlError::Shape("a number below zero"))
    }

    fn shape(&self) -> &'static str {
        match self {
            Cell::Null => "nothing",
            Cell::Int(_) => "a number",
            Cell::Text(_) => "a text",
            Cell::Bytes(_) => "bytes",
        }
    }
}

impl std::fmt::Debug for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cell({})", self.shape())
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Cell {
        Cell::Int(number)
    }
}

impl From<u32> for Cell {
    fn from(number: u32) -> Cell {
        Cell::Int(number.into())
    }
}

impl From<u64> for Cell {
    /// Lengths, counts and times stay below 2^63; one beyond is written as the greatest there is.
    fn from(number: u64) -> Cell {
        Cell::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::Text(text)
    }
}

impl From<Vec<u8>> for Cell {
    fn from(bytes: Vec<u8>) -> Cell {
        Cell::Bytes(bytes)
    }
}

impl From<&[u8]> for Cell {
    fn from(bytes: &[u8]) -> Cell {
        Cell::Bytes(bytes.to_vec())
    }
}

impl<const N: usize> From<[u8; N]> for Cell {
    fn from(bytes: [u8; N]) -> Cell {
        Cell::Bytes(bytes.to_vec())
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Cell {
        value.map_or(Cell::Null, Into::into)
    }
}
