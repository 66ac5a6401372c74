//! The office: where every change is one transaction of rows and of the records that state them.
//!
//! [`Office::change`] hands out a [`Tx`]; what is said in it and what its rows say is durable together or not at all. The
//! service, the web and every command have an office of their own on the same database, and it makes no difference whether
//! they are one process: an office writes runs of its own, opened at its first word, and takes up no run that it does not
//! find exactly where it left it. So whatever was killed, restored or failed over, no number is given twice.

mod devices;
mod epochs;
mod pages;
mod people;
mod recover;
mod run;
mod secrets;
mod table;
mod tx;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use ledger::{AuthorId, AuthorKey, Clock, Feed, GroupId, RunWriter};

use crate::config::Config;
use crate::db::{self, Sql, SqlError};
use crate::failure::{Done, Failure};
use crate::keys::{Files, KeyPort, random};

pub use devices::{DeviceRow, VOUCHER_MS};
pub use epochs::EpochPlan;
pub use ledger::epochs::Target;
pub(crate) use pages::keep_page;
pub use people::{Erasure, Facility};
pub(crate) use run::read_lines;
pub use tx::Tx;

/// How often a change is done again because another process was in the way.
const TRIES: usize = 20;

/// One process's hand in the registry.
pub struct Office {
    config: Config,
    sql: Box<dyn Sql>,
    keys: Arc<dyn KeyPort>,
    author: AuthorKey,
    pens: BTreeMap<Feed, RunWriter>,
    boot: [u8; 16],
}

impl Office {
    /// Opens the registry of a directory: its file, its keys, its database, which is migrated.
    ///
    /// Errors: what is missing or not as it must be.
    pub fn open(directory: &Path) -> Done<Office> {
        let config = Config::read(directory)?;
        let sql = db::open(&config.address(directory))?;
        Office::with(config, sql, Arc::new(Files(directory.to_owned())))
    }

    /// An office on this database with these keys.
    ///
    /// Errors: those of the migration and of the key port.
    pub fn with(config: Config, mut sql: Box<dyn Sql>, keys: Arc<dyn KeyPort>) -> Done<Office> {
        db::migrate(&mut *sql)?;
        let author = keys.author()?;
        Ok(Office { config, sql, keys, author, pens: BTreeMap::new(), boot: boot_id()? })
    }

    /// One transaction. `make` may run several times, so all that it does it does through the [`Tx`].
    ///
    /// Errors: those of `make`, and of a database that does not answer; nothing has happened then, unless the error is
    /// [`SqlError::Lost`]: then nobody knows.
    pub fn change<T>(&mut self, mut make: impl FnMut(&mut Tx<'_>) -> Done<T>) -> Done<T> {
        let mut last = Failure::Sql(SqlError::Conflict);
        for _ in 0..TRIES {
            match self.attempt(&mut make) {
                Err(error @ Failure::Sql(SqlError::Conflict)) => last = error,
                done => return done,
            }
        }
        Err(last)
    }

    fn attempt<T>(&mut self, make: &mut impl FnMut(&mut Tx<'_>) -> Done<T>) -> Done<T> {
        self.sql.begin()?;
        if let Err(error) = self.sql.execute("UPDATE changes SET count = count + 1 WHERE id = 1", &[]) {
            _ = self.sql.rollback();
            return Err(error.into());
        }
        let clock = self.clock()?;
        let mut tx =
            Tx::new(&mut *self.sql, &*self.keys, &self.author, &self.config.tenant, &self.pens, clock);
        let made = make(&mut tx).and_then(|value| tx.finish().map(|()| value));
        let staged = tx.into_pens();
        let value = match made {
            Ok(value) => value,
            Err(error) => {
                // A connection that is gone has undone it already.
                _ = self.sql.rollback();
                return Err(error);
            }
        };
        match self.sql.commit() {
            Ok(()) => {}
            Err(SqlError::Lost(why)) => self.find_out(&staged, why)?,
            Err(error) => {
                _ = self.sql.rollback();
                return Err(error.into());
            }
        }
        self.pens.extend(staged);
        Ok(value)
    }

    /// After a commit without an answer: the rows say whether it happened. If not, it may be done again.
    fn find_out(&mut self, staged: &BTreeMap<Feed, RunWriter>, why: String) -> Done<()> {
        let Some(writer) = staged.values().next() else { return Err(SqlError::Lost(why).into()) };
        // It waits until the lost transaction, if the server still has it, is over.
        self.sql.begin()?;
        let there = run::at(&mut *self.sql, writer.run())?;
        self.sql.rollback()?;
        if there == Some(writer.prior()) { Ok(()) } else { Err(SqlError::Conflict.into()) }
    }

    /// Reads at one moment.
    ///
    /// Errors: those of `read`, and of the database.
    pub fn look<T>(&mut self, read: impl FnOnce(&mut Tx<'_>) -> Done<T>) -> Done<T> {
        self.sql.begin_reading()?;
        let clock = self.clock()?;
        let mut tx =
            Tx::new(&mut *self.sql, &*self.keys, &self.author, &self.config.tenant, &self.pens, clock);
        let seen = read(&mut tx);
        _ = self.sql.rollback();
        seen
    }

    /// The registry: who signs.
    pub fn me(&self) -> AuthorId {
        self.author.id()
    }

    /// The registry's signing key.
    pub fn author(&self) -> &AuthorKey {
        &self.author
    }

    /// What `registry.toml` says.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where the keys are.
    pub fn keys(&self) -> &dyn KeyPort {
        &*self.keys
    }

    fn clock(&self) -> Done<Clock> {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let uptime_ms = u64::try_from(now.tv_sec).unwrap_or(0) * 1000
            + u64::try_from(now.tv_nsec).unwrap_or(0) / 1_000_000;
        Ok(Clock { boot: self.boot, uptime_ms, wall_ms: Some(now_ms()?), uncertainty_s: 60 })
    }

    /// The scope of a keyring.
    pub(crate) fn scope(&self, group: GroupId, epoch: u32) -> ledger::Scope {
        ledger::Scope { tenant: self.config.tenant.clone(), group, epoch }
    }
}

/// Milliseconds since 1970.
///
/// Errors: [`Failure::Asked`] for a clock that stands before that.
pub fn now_ms() -> Done<i64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = since.ok().and_then(|since| i64::try_from(since.as_millis()).ok());
    now.ok_or(Failure::Asked("the clock stands before 1970; set it"))
}

/// The machine's boot, or 16 random bytes where it has no name.
fn boot_id() -> Done<[u8; 16]> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let digits: String = text.trim().chars().filter(|it| *it != '-').collect();
    let boot = crate::keys::unhex(&digits).and_then(|bytes| bytes.try_into().ok());
    boot.map_or_else(random, Ok)
}
