//! The key port: R_sign, and for each facility R_kek and R_open. They never stand in the database, so a copy of the database
//! alone opens nothing, and what was closed under a destroyed R_kek stays closed in every backup of it.
//!
//! R_kek and R_open are numbered: a new one is durable here before the transaction that uses it, the old one is destroyed
//! after it. A file is overwritten before it is removed; what a flash chip keeps beside is a residue that is stated, not solved.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use ledger::{AuthorKey, GroupId};
use rustix::fs::{FlockOperation, flock};
use zeroize::Zeroizing;

use crate::failure::{Done, Failure};

/// What is numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// 32 bytes that close a facility's G, K and P in the database.
    Kek,
    /// The highest epoch ever issued (4 bytes, big-endian), then the facility's R_open as a `ledger::Chain`.
    Open,
}

/// Where the registry's keys are.
pub trait KeyPort: Send + Sync {
    /// R_sign.
    fn author(&self) -> Done<AuthorKey>;
    /// The numbers that are there, in order.
    fn numbers(&self, sort: Sort, group: GroupId) -> Done<Vec<u32>>;
    /// One of them.
    fn get(&self, sort: Sort, group: GroupId, number: u32) -> Done<Option<Zeroizing<Vec<u8>>>>;
    /// Keeps a new one, durably. Errors: [`Failure::Exists`].
    fn put(&self, sort: Sort, group: GroupId, number: u32, secret: &[u8]) -> Done<()>;
    /// Destroys one.
    fn destroy(&self, sort: Sort, group: GroupId, number: u32) -> Done<()>;
    /// Nobody else turns keys while this lives.
    fn turn(&self) -> Done<File>;
    /// The highest count of changes that a process saw in the database: less in it means that it was put back.
    fn seen(&self) -> Done<u64>;
    /// Notes it. A count that is lower is not noted.
    fn note_seen(&self, count: u64) -> Done<()>;
}

/// Files for their owner alone in the registry's directory.
#[derive(Clone, Debug)]
pub struct Files(pub PathBuf);

impl Files {
    fn path(&self, sort: Sort, group: GroupId, number: u32) -> PathBuf {
        let folder = match sort {
            Sort::Kek => "kek",
            Sort::Open => "open",
        };
        self.0.join(folder).join(format!("{group}.{number}.key"))
    }
}

impl KeyPort for Files {
    fn author(&self) -> Done<AuthorKey> {
        let path = self.0.join("author.key");
        let text = secret(&path)?;
        let secret = unhex(text.trim()).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let why = "is not 64 hexadecimal digits".to_owned();
        secret.map(AuthorKey::from_bytes).ok_or(Failure::Unusable { path, why })
    }

    fn numbers(&self, sort: Sort, group: GroupId) -> Done<Vec<u32>> {
        let sample = self.path(sort, group, 0);
        let folder = sample.parent().unwrap_or(Path::new("."));
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(Failure::Io { act: "read", path: folder.to_owned(), source }),
        };
        let prefix = format!("{group}.");
        let number = |name: &str| name.strip_prefix(&prefix)?.strip_suffix(".key")?.parse().ok();
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut numbers: Vec<u32> = names.filter_map(|name| number(&name)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn get(&self, sort: Sort, group: GroupId, number: u32) -> Done<Option<Zeroizing<Vec<u8>>>> {
        let path = self.path(sort, group, number);
        if !path.exists() {
            return Ok(None);
        }
        let text = secret(&path)?;
        let why = "is not hexadecimal digits".to_owned();
        unhex(text.trim()).map(|bytes| Some(Zeroizing::new(bytes))).ok_or(Failure::Unusable { path, why })
    }

    fn put(&self, sort: Sort, group: GroupId, number: u32, secret: &[u8]) -> Done<()> {
        let path = self.path(sort, group, number);
        let folder = path.parent().unwrap_or(Path::new("."));
        let made = DirBuilder::new().mode(0o700).recursive(true).create(folder);
        made.map_err(|source| Failure::Io { act: "make", path: folder.to_owned(), source })?;
        put(&path, Zeroizing::new(hex(secret)).as_bytes())
    }

    fn destroy(&self, sort: Sort, group: GroupId, number: u32) -> Done<()> {
        let path = self.path(sort, group, number);
        let wipe = || {
            let file = OpenOptions::new().write(true).open(&path)?;
            file.write_all_at(&vec![0; usize::try_from(file.metadata()?.len()).unwrap_or(0)], 0)?;
            file.sync_all()?;
            fs::remove_file(&path)
        };
        match wipe() {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Failure::Io { act: "destroy", path, source: error })
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn turn(&self) -> Done<File> {
        let path = self.0.join("lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let lock = lock.map_err(|source| Failure::Io { act: "open", path: path.clone(), source })?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|_| Failure::InUse(path))?;
        Ok(lock)
    }

    fn seen(&self) -> Done<u64> {
        let text = fs::read_to_string(self.0.join("seen")).unwrap_or_default();
        Ok(text.trim().parse().unwrap_or(0))
    }

    fn note_seen(&self, count: u64) -> Done<()> {
        if count <= self.seen()? {
            return Ok(());
        }
        replace(&self.0.join("seen"), count.to_string().as_bytes())
    }
}

/// A secret that only its owner can read; one that others can read is refused.
pub(crate) fn secret(path: &Path) -> Done<Zeroizing<String>> {
    let failed = |source| Failure::Io { act: "read", path: path.to_owned(), source };
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        let why =
            "can be read by others; `chmod 600` it, and think about whether it is still secret".to_owned();
        return Err(Failure::Unusable { path: path.to_owned(), why });
    }
    fs::read_to_string(path).map(Zeroizing::new).map_err(failed)
}

/// Writes a new file for its owner alone, whole or not at all. An old one is never replaced.
pub(crate) fn put(path: &Path, bytes: &[u8]) -> Done<()> {
    if path.exists() { Err(Failure::Exists(path.to_owned())) } else { replace(path, bytes) }
}

fn replace(path: &Path, bytes: &[u8]) -> Done<()> {
    let part = path.with_extension(format!("part{}", std::process::id()));
    _ = fs::remove_file(&part);
    let write = || {
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    write().map_err(|source| Failure::Io { act: "write", path: path.to_owned(), source })
}

/// Random bytes. Errors: [`Failure::Random`].
pub fn random<const N: usize>() -> Done<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Failure::Random)?;
    Ok(bytes)
}

/// Lowercase hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads it again.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    let digits = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let sound = text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    sound.then(|| pairs.map(digits).collect())?
}
