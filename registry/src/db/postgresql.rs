//! PostgreSQL by its own protocol. Writers queue at a lock on the table `changes`, taken before the transaction's snapshot,
//! so a transaction that waited sees what the one before it committed; under that lock REPEATABLE READ is as good as
//! SERIALIZABLE. The server may be another machine only through a tunnel that ends here: no TLS is spoken, so only sockets
//! and the loopback are taken.

use std::collections::HashMap;
use std::error::Error as StdError;

use postgres::config::Host;
use postgres::error::SqlState;
use postgres::types::private::BytesMut;
use postgres::types::{FromSql, IsNull, ToSql, Type};
use postgres::{Client, Config, NoTls, Statement};

use super::{Cell, Row, Sql, SqlError, WAIT_MS};

/// How many prepared statements are kept; there are about a hundred in this program.
const MAX_STATEMENTS: usize = 512;

/// A connection, made again after it was lost.
pub struct Postgresql {
    config: Config,
    client: Client,
    statements: HashMap<String, Statement>,
    queues: bool,
}

impl Postgresql {
    /// Connects.
    ///
    /// Errors: [`SqlError::Address`] for an address that is not read or not on this machine, [`SqlError::Lost`].
    pub fn connect(address: &str) -> Result<Postgresql, SqlError> {
        let wrong = |why: String| SqlError::Address(why);
        let mut config: Config =
            address.parse().map_err(|error| wrong(format!("{error}; write sqlite or postgresql://..")))?;
        let here = |host: &Host| match host {
            Host::Unix(_) => true,
            Host::Tcp(name) => ["localhost", "127.0.0.1", "::1"].contains(&name.as_str()),
        };
        if config.get_hosts().is_empty() || !config.get_hosts().iter().all(here) {
            let why = "name a socket or the loopback; to another machine lead a tunnel with TLS";
            return Err(wrong(why.into()));
        }
        config.application_name("genkan-registry");
        let client = connected(&config)?;
        Ok(Postgresql { config, client, statements: HashMap::new(), queues: false })
    }

    fn again(&mut self) -> Result<(), SqlError> {
        if self.client.is_closed() {
            self.statements.clear();
            self.client = connected(&self.config)?;
        }
        Ok(())
    }

    fn batch(&mut self, text: &str) -> Result<(), SqlError> {
        self.client.batch_execute(text).map_err(|error| refused(&error))
    }

    fn prepared(&mut self, text: &str) -> Result<Statement, SqlError> {
        if let Some(statement) = self.statements.get(text) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(text).map_err(|error| refused(&error))?;
        if self.statements.len() >= MAX_STATEMENTS {
            self.statements.clear();
        }
        self.statements.insert(text.to_owned(), statement.clone());
        Ok(statement)
    }
}

fn connected(config: &Config) -> Result<Client, SqlError> {
    let mut client = config.connect(NoTls).map_err(|error| SqlError::Lost(whole(&error)))?;
    let settings = format!(
        "SET synchronous_commit = on; SET lock_timeout = {WAIT_MS}; \
         SET idle_in_transaction_session_timeout = {WAIT_MS}; SET client_min_messages = warning"
    );
    client.batch_execute(&settings).map_err(|error| refused(&error))?;
    Ok(client)
}

impl Sql for Postgresql {
    fn begin(&mut self) -> Result<(), SqlError> {
        self.again()?;
        if !self.queues {
            // The table is there after the first migration, and the lock must come before the transaction's snapshot.
            let there = self.query("SELECT to_regclass('changes') IS NOT NULL", &[])?;
            self.queues = there == [vec![Cell::Int(1)]];
        }
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ";
        let lock = if self.queues { "; LOCK TABLE changes IN EXCLUSIVE MODE" } else { "" };
        let locked = self.batch(&format!("{begin}{lock}"));
        if locked.is_err() {
            _ = self.rollback();
        }
        locked
    }

    fn begin_reading(&mut self) -> Result<(), SqlError> {
        self.again()?;
        self.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    }

    fn commit(&mut self) -> Result<(), SqlError> {
        self.batch("COMMIT")
    }

    fn rollback(&mut self) -> Result<(), SqlError> {
        self.batch("ROLLBACK")
    }

    fn execute(&mut self, text: &str, cells: &[Cell]) -> Result<u64, SqlError> {
        self.again()?;
        let statement = self.prepared(text)?;
        let cells: Vec<&(dyn ToSql + Sync)> = cells.iter().map(|cell| cell as &(dyn ToSql + Sync)).collect();
        self.client.execute(&statement, &cells).map_err(|error| refused(&error))
    }

    fn query(&mut self, text: &str, cells: &[Cell]) -> Result<Vec<Row>, SqlError> {
        self.again()?;
        let statement = self.prepared(text)?;
        let cells: Vec<&(dyn ToSql + Sync)> = cells.iter().map(|cell| cell as &(dyn ToSql + Sync)).collect();
        let rows = self.client.query(&statement, &cells).map_err(|error| refused(&error))?;
        let read = |row: &postgres::Row| {
            let cell = |place| row.try_get::<_, Cell>(place).map_err(|error| refused(&error));
            (0..row.len()).map(cell).collect()
        };
        rows.iter().map(read).collect()
    }

    fn types(&self) -> [(&'static str, &'static str); 2] {
        [("BYTES", "BYTEA"), ("NUMBER", "BIGINT")]
    }
}

impl ToSql for Cell {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match (self, ty) {
            (Cell::Null, _) => Ok(IsNull::Yes),
            (Cell::Int(number), &Type::INT8) => number.to_sql(ty, out),
            (Cell::Text(text), &Type::TEXT) => text.to_sql(ty, out),
            (Cell::Bytes(bytes), &Type::BYTEA) => bytes.to_sql(ty, out),
            (cell, ty) => Err(format!("{} is no {ty}", cell.shape()).into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    postgres::types::to_sql_checked!();
}

impl<'a> FromSql<'a> for Cell {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Cell, Box<dyn StdError + Sync + Send>> {
        match *ty {
            Type::BOOL => bool::from_sql(ty, raw).map(|it| Cell::Int(it.into())),
            Type::INT4 => i32::from_sql(ty, raw).map(|it| Cell::Int(it.into())),
            Type::INT8 => i64::from_sql(ty, raw).map(Cell::Int),
            Type::TEXT => String::from_sql(ty, raw).map(Cell::Text),
            Type::BYTEA => Vec::from_sql(ty, raw).map(Cell::Bytes),
            _ => Err(format!("a column of type {ty}; cast it").into()),
        }
    }

    fn from_sql_null(_: &Type) -> Result<Cell, Box<dyn StdError + Sync + Send>> {
        Ok(Cell::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

fn refused(error: &postgres::Error) -> SqlError {
    let ended =
        [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT];
    let again = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::DUPLICATE_TABLE,
    ];
    match error.code() {
        Some(code) if again.contains(code) => SqlError::Conflict,
        Some(code) if *code == SqlState::UNIQUE_VIOLATION => SqlError::Taken(whole(error)),
        Some(code) if ended.contains(code) => SqlError::Lost(whole(error)),
        None if error.is_closed()
            || StdError::source(error).is_some_and(|cause| cause.is::<std::io::Error>()) =>
        {
            SqlError::Lost(whole(error))
        }
        Some(_) | None => SqlError::Refused(whole(error)),
    }
}

/// The message and its causes.
fn whole(error: &postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = StdError::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
