//! The data directory: what lies in it, who may have it, and every reason to refuse it.
//!
//! ```text
//! genkan.db     feeds and vault, every page encrypted (SQLCipher)      genkan.db-wal beside it while it is in use
//! vault.key     the key, where the development port is used
//! vault.check   16 bytes derived from the key: a wrong key is told from damaged data without touching the data
//! lock          locked while a process uses the directory; holds nothing
//! ```
//! Only [`init`] creates them. [`open`] looks first and touches last: whatever it refuses is afterwards as it was, byte for
//! byte. Hence the order here: presence, permission, lock, key, and only then the data file, whose write-ahead log is left
//! alone until everything has been found in order.

use std::{
    fs::{self, DirBuilder, File, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};
use rustix::fs::Access;

use crate::{
    error::StoreError,
    key::{KeyError, KeyPort, VaultKey},
    schema,
};

/// 1 MiB in pages of 4 KiB: a few dozen visits. Bounds the log, and the work at a start after a power cut.
const CHECKPOINT_PAGES: u32 = 256;

/// When SQLite waits for the medium. The product knows only `Full`; the others exist so that the durability test can show
/// that it would notice.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synchronous {
    /// At every commit.
    Full,
    /// Only when the log is moved into the data file.
    Normal,
    /// Never.
    Off,
}

/// The names in one data directory.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) directory: PathBuf,
    pub(crate) data: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) check: PathBuf,
    pub(crate) lock: PathBuf,
}

impl Layout {
    pub(crate) fn of(directory: &Path) -> Self {
        let at = |name| directory.join(name);
        Self {
            directory: directory.to_owned(),
            data: at("genkan.db"),
            log: at("genkan.db-wal"),
            check: at("vault.check"),
            lock: at("lock"),
        }
    }
}

/// How the data file is reached.
#[derive(Debug, Clone)]
pub(crate) struct Medium {
    pub(crate) vfs: Option<String>,
    pub(crate) synchronous: Synchronous,
    /// Pages that the write-ahead log collects before they are moved into the data file.
    pub(crate) checkpoint_pages: u32,
}

impl Default for Medium {
    fn default() -> Self {
        Self { vfs: None, synchronous: Synchronous::Full, checkpoint_pages: CHECKPOINT_PAGES }
    }
}

/// The lock on a data directory. Given back explicitly: a child process that is being started at this moment holds a copy of
/// the file, and with it would hold the lock.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // If this fails, closing the file does it.
        let _ = self.0.unlock();
    }
}

/// Sets up `directory`: key, check value and data file, with what `fill` puts into the fresh tables.
pub(crate) fn init(
    directory: &Path,
    key: &dyn KeyPort,
    fill: impl FnOnce(&rusqlite::Transaction<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let layout = Layout::of(directory);
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700).create(directory).map_err(io_error("create", directory))?;
    refuse_to_overwrite(&layout, key)?;
    let _lock = lock(&layout)?;
    refuse_to_overwrite(&layout, key)?;
    let key = key.create()?;
    write_check(&layout, &key)?;
    let medium = Medium::default();
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut connection = connect(&layout, &key, &medium, flags, Locking::Exclusive)?;
    let failed = |source| StoreError::sql("set up the tables", &layout.data, source);
    settle(&connection, &medium).map_err(failed)?;
    let transaction = connection.transaction().map_err(failed)?;
    schema::migrate(&transaction, 0).map_err(failed)?;
    fill(&transaction)?;
    transaction.commit().map_err(failed)?;
    connection.close().map_err(|(_, source)| failed(source))?;
    sync_directory(directory)?;
    directory.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or(Ok(()), sync_directory)
}

/// What it takes to open the data file once more in this process.
pub(crate) struct Reach {
    layout: Layout,
    key: VaultKey,
    medium: Medium,
}

impl Reach {
    /// A connection beside which others may read. The exclusive one must be closed before.
    pub(crate) fn shared(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let connection = connect(&self.layout, &self.key, &self.medium, flags, Locking::Shared)?;
        let failed = |source| StoreError::sql("prepare the data file", &self.layout.data, source);
        settle(&connection, &self.medium).map_err(failed)?;
        Ok(connection)
    }

    /// A connection that only reads what was committed.
    pub(crate) fn reader(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        connect(&self.layout, &self.key, &self.medium, flags, Locking::Shared)
    }
}

/// Opens what is there, or says why not. The lock is held as long as what is returned lives.
pub(crate) fn open(
    directory: &Path,
    key: &dyn KeyPort,
    medium: &Medium,
) -> Result<(Connection, Reach, Lock), StoreError> {
    let layout = Layout::of(directory);
    if !directory.is_dir() {
        return Err(StoreError::NoDirectory(directory.to_owned()));
    }
    let vault_key = require_parts(&layout, key)?;
    require_writable(&layout)?;
    let lock = lock(&layout)?;
    compare_check(&layout, &vault_key, key)?;
    compare_beginning(&layout)?;
    let had_log = layout.log.exists();
    let opened = open_data(&layout, &vault_key, medium);
    if opened.is_err() && !had_log && fs::metadata(&layout.log).is_ok_and(|log| log.len() == 0) {
        // SQLite makes the empty log when it looks; whoever is refused leaves no trace. A failure here changes nothing.
        let _ = fs::remove_file(&layout.log);
    }
    let reach = Reach { layout, key: vault_key, medium: medium.clone() };
    opened.map(|connection| (connection, reach, lock))
}

fn refuse_to_overwrite(layout: &Layout, key: &dyn KeyPort) -> Result<(), StoreError> {
    let there = [&layout.data, &layout.log, &layout.check].into_iter().find(|path| path.exists());
    match (there, key.load()) {
        (Some(path), _) => Err(StoreError::AlreadyInitialised(path.clone())),
        (None, Err(KeyError::Missing(_))) => Ok(()),
        (None, Ok(_) | Err(_)) => Err(StoreError::AlreadyInitialised(key.place())),
    }
}

/// All three parts, or which one is gone.
fn require_parts(layout: &Layout, key: &dyn KeyPort) -> Result<VaultKey, StoreError> {
    let loaded = key.load();
    let key_there = !matches!(loaded, Err(KeyError::Missing(_)));
    let parts = [
        (layout.data.clone(), layout.data.exists()),
        (layout.check.clone(), layout.check.exists()),
        (key.place(), key_there),
    ];
    let there = parts.iter().find(|(_, exists)| *exists);
    let missing = parts.iter().find(|(_, exists)| !exists);
    match (there, missing) {
        (None, _) => Err(StoreError::NotInitialised(layout.directory.clone())),
        (Some((beside, _)), Some((missing, _))) => {
            Err(StoreError::PartMissing { missing: missing.clone(), beside: beside.clone() })
        }
        (Some(_), None) => Ok(loaded?),
    }
}

fn require_writable(layout: &Layout) -> Result<(), StoreError> {
    for (path, access) in
        [(&layout.directory, Access::WRITE_OK | Access::EXEC_OK), (&layout.data, Access::WRITE_OK)]
    {
        rustix::fs::access(path, access).map_err(|errno| match errno {
            rustix::io::Errno::ACCESS | rustix::io::Errno::ROFS | rustix::io::Errno::PERM => {
                StoreError::ReadOnly(path.clone())
            }
            other => StoreError::io("look at", path, other.into()),
        })?;
    }
    Ok(())
}

fn lock(layout: &Layout) -> Result<Lock, StoreError> {
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).open(&layout.lock);
    let file = file.map_err(io_error("open", &layout.lock))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(layout.directory.clone())),
        Err(TryLockError::Error(source)) => Err(StoreError::io("lock", &layout.lock, source)),
    }
}

fn write_check(layout: &Layout, key: &VaultKey) -> Result<(), StoreError> {
    let mut file = File::create_new(&layout.check).map_err(io_error("create", &layout.check))?;
    file.write_all(&key.check_value()).map_err(io_error("write", &layout.check))?;
    file.sync_all().map_err(io_error("write", &layout.check))
}

fn compare_check(layout: &Layout, key: &VaultKey, port: &dyn KeyPort) -> Result<(), StoreError> {
    let kept = fs::read(&layout.check).map_err(io_error("read", &layout.check))?;
    if kept.len() != key.check_value().len() {
        return Err(StoreError::Corrupt {
            file: layout.check.clone(),
            detail: format!("a check value has 16 bytes, this file has {}", kept.len()),
        });
    }
    if kept == key.check_value() {
        return Ok(());
    }
    Err(StoreError::WrongKey { key: port.place(), check: layout.check.clone() })
}

/// An encrypted file begins with random bytes; SQLite would take an empty one for a new one.
fn compare_beginning(layout: &Layout) -> Result<(), StoreError> {
    let file = layout.data.clone();
    let mut beginning = Vec::new();
    let opened = File::open(&file).map_err(io_error("open", &file))?;
    opened.take(16).read_to_end(&mut beginning).map_err(io_error("read", &file))?;
    match beginning.as_slice() {
        [] => Err(StoreError::Corrupt { file, detail: "the file is empty".to_owned() }),
        b"SQLite format 3\0" => Err(StoreError::Foreign { file, detail: "it is a plain SQLite file" }),
        _ => Ok(()),
    }
}

fn open_data(layout: &Layout, key: &VaultKey, medium: &Medium) -> Result<Connection, StoreError> {
    let mut connection = connect(layout, key, medium, OpenFlags::SQLITE_OPEN_READ_WRITE, Locking::Exclusive)?;
    let found = recognise(layout, &connection)?;
    let failed = |source| StoreError::sql("prepare the data file", &layout.data, source);
    settle(&connection, medium).map_err(failed)?;
    if found < schema::NEWEST {
        let transaction = connection.transaction().map_err(failed)?;
        schema::migrate(&transaction, found).map_err(failed)?;
        transaction.commit().map_err(failed)?;
    }
    Ok(connection)
}

/// Whether a second connection of this process may read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Locking {
    Exclusive,
    Shared,
}

/// A keyed connection that leaves the write-ahead log alone when it is closed.
fn connect(
    layout: &Layout,
    key: &VaultKey,
    medium: &Medium,
    flags: OpenFlags,
    locking: Locking,
) -> Result<Connection, StoreError> {
    let failed = |source| StoreError::sql("open the data file", &layout.data, source);
    set_up_sqlcipher().map_err(failed)?;
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match &medium.vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(&layout.data, flags, vfs.as_str()),
        None => Connection::open_with_flags(&layout.data, flags),
    };
    let connection = connection.map_err(failed)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(failed)?;
    // SQLCipher would write its opinion of a damaged page to the standard error output.
    connection.pragma_update(None, "cipher_log_level", "NONE").map_err(failed)?;
    connection.pragma_update(None, "key", key.page_key().as_str()).map_err(failed)?;
    // A mode that is chosen before the first look into the log stays; sharing needs the log's index in shared memory.
    if locking == Locking::Exclusive {
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(failed)?;
    }
    Ok(connection)
}

/// SQLite sets SQLCipher up after it has called itself ready, so a second thread that opens its first file meanwhile finds
/// a library without ciphers. Whoever comes here waits until it is done.
fn set_up_sqlcipher() -> rusqlite::Result<()> {
    static READY: Mutex<bool> = Mutex::new(false);
    let mut ready = READY.lock().unwrap_or_else(PoisonError::into_inner);
    if !*ready {
        drop(Connection::open_in_memory()?);
        *ready = true;
    }
    Ok(())
}

/// Reads every page (so every page's authentication code) and the marks of the file; returns its schema's number.
fn recognise(layout: &Layout, connection: &Connection) -> Result<u32, StoreError> {
    let file = layout.data.clone();
    let marks =
        connection.pragma_query_value(None, "application_id", |row| row.get::<_, i64>(0)).and_then(|id| {
            Ok((id, connection.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0))?))
        });
    let (application, found) = marks.map_err(|source| damaged(&file, source))?;
    if application != schema::APPLICATION {
        return Err(StoreError::Foreign { file, detail: "it bears another program's mark" });
    }
    if found > schema::NEWEST {
        return Err(StoreError::NewerSchema { file, found, known: schema::NEWEST });
    }
    let verdict = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    match verdict.map_err(|source| damaged(&file, source))?.as_str() {
        "ok" => Ok(found),
        other => Err(StoreError::Corrupt { detail: other.to_owned(), file }),
    }
}

/// While a file is being recognised, whatever SQLite cannot read is damage; other causes keep their names.
fn damaged(file: &Path, source: rusqlite::Error) -> StoreError {
    if source.sqlite_error_code() == Some(rusqlite::ErrorCode::Unknown) {
        return StoreError::Corrupt { file: file.to_owned(), detail: source.to_string() };
    }
    StoreError::sql("read the data file", file, source)
}

/// Everything that a connection needs after the file has been found in order.
fn settle(connection: &Connection, medium: &Medium) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))?;
    let synchronous = match medium.synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
        Synchronous::Off => "OFF",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "trusted_schema", "OFF")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "wal_autocheckpoint", medium.checkpoint_pages)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(())
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(directory: &Path) -> Result<(), StoreError> {
    let act = "make durable the names in";
    File::open(directory).and_then(|it| it.sync_all()).map_err(io_error(act, directory))
}

pub(crate) fn io_error<'a>(act: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> StoreError + 'a {
    move |source| StoreError::io(act, path, source)
}
