//! Why the registry did not do what it was asked.

use std::io;
use std::path::PathBuf;

use credentials::PageRefused;
use thiserror::Error;

use crate::db::SqlError;

/// Why the registry did not do what it was asked. Nothing was changed.
#[derive(Debug, Error)]
pub enum Failure {
    /// A file.
    #[error("cannot {act} {}", path.display())]
    Io {
        /// What was tried.
        act: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something is there that must not be.
    #[error("{}: is there already; choose another directory", .0.display())]
    Exists(PathBuf),
    /// Another process.
    #[error("{}: another process works here; wait for it", .0.display())]
    InUse(PathBuf),
    /// A file that is not as it must be.
    #[error("{}: {why}", path.display())]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and what to do.
        why: String,
    },
    /// A page of the control feed's files.
    #[error("{}: is damaged; put it back from a copy", path.display())]
    Page {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: PageRefused,
    },
    /// A record.
    #[error("cannot write or read a record")]
    Ledger(#[from] ledger::Error),
    /// The database.
    #[error("the database did not do it")]
    Sql(#[from] SqlError),
    /// No randomness.
    #[error("the system gave no random numbers")]
    Random,
    /// A key that the key port does not have (any more).
    #[error("{0} is closed under a key that is gone; after a restore it comes back from the devices")]
    Closed(String),
    /// A run is not where the page begins: another process took it in, or the database was put back.
    #[error("another process wrote this run meanwhile; look again")]
    Moved,
    /// What was asked for cannot be done.
    #[error("{0}")]
    Asked(&'static str),
}

/// Shorthand.
pub type Done<T> = Result<T, Failure>;
