//! The registry's directory. Keys are files for their owner alone and never stand in a database; the control feed is one
//! file a page, and a page that is there is never written again.
//!
//! ```text
//! author.key         R_sign: 64 hexadecimal digits
//! issuers/KID.key    `ed25519` or `p256`, and 64 hexadecimal digits
//! control/NNNNNN.page
//! voucher.txt        for kiosks
//! lock
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use credentials::{Algorithm, Kid, PageRefused, SecretKey, Voucher};
use ledger::AuthorKey;
use rustix::fs::{FlockOperation, flock};
use thiserror::Error;
use zeroize::Zeroizing;

/// Why the registry did not do what it was asked. Nothing was changed.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error("cannot {act} {}", path.display())]
    Io { act: &'static str, path: PathBuf, source: io::Error },
    #[error("{}: is there already; choose another directory", .0.display())]
    Exists(PathBuf),
    #[error("{}: another process works here; wait for it", .0.display())]
    InUse(PathBuf),
    #[error("{}: {why}", path.display())]
    Unusable { path: PathBuf, why: &'static str },
    #[error("{}: is damaged; put it back from a copy", path.display())]
    Page { path: PathBuf, source: PageRefused },
    #[error("cannot write a record")]
    Ledger(#[from] ledger::Error),
    #[error("the system gave no random numbers")]
    Random,
    #[error("{0}")]
    Asked(&'static str),
}

/// The directory, open for this process alone.
pub(crate) struct Directory {
    root: PathBuf,
    _lock: File,
}

impl Directory {
    /// Creates everything.
    pub(crate) fn create(root: &Path, tenant: &str) -> Result<Voucher, Failure> {
        if root.join("author.key").exists() {
            return Err(Failure::Exists(root.to_owned()));
        }
        for folder in [root.to_owned(), root.join("issuers"), root.join("control")] {
            let made = DirBuilder::new().mode(0o700).recursive(true).create(&folder);
            made.map_err(|source| Failure::Io { act: "make", path: folder, source })?;
        }
        let secret = Zeroizing::new(random::<32>()?);
        let voucher = Voucher { tenant: tenant.to_owned(), registry: AuthorKey::from_bytes(*secret).id() };
        if Voucher::read(&voucher.to_text()).as_ref() != Ok(&voucher) {
            return Err(Failure::Asked("--tenant: 1 to 64 bytes on one line are needed"));
        }
        put(&root.join("voucher.txt"), voucher.to_text().as_bytes())?;
        put(&root.join("author.key"), hex(&*secret).as_bytes())?;
        Ok(voucher)
    }

    pub(crate) fn open(root: &Path) -> Result<Self, Failure> {
        let path = root.join("lock");
        if !root.join("author.key").exists() {
            return Err(Failure::Unusable {
                path: root.to_owned(),
                why: "holds no registry yet; `registry init` makes one",
            });
        }
        let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let lock = lock.map_err(|source| Failure::Io { act: "open", path, source })?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| Failure::InUse(root.to_owned()))?;
        Ok(Self { root: root.to_owned(), _lock: lock })
    }

    pub(crate) fn author(&self) -> Result<AuthorKey, Failure> {
        let path = self.root.join("author.key");
        let secret = secret(&path)?;
        let secret = unhex(secret.trim()).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        secret
            .map(AuthorKey::from_bytes)
            .ok_or(Failure::Unusable { path, why: "is not 64 hexadecimal digits" })
    }

    pub(crate) fn keep_issuer(&self, key: &SecretKey) -> Result<(), Failure> {
        let name = match key.public().algorithm() {
            Algorithm::EdDsa => "ed25519",
            Algorithm::Es256 => "p256",
        };
        let text = Zeroizing::new(format!("{name} {}", hex(&*key.to_bytes())));
        put(&self.root.join(format!("issuers/{}.key", key.public().kid())), text.as_bytes())
    }

    pub(crate) fn issuer(&self, kid: Kid) -> Result<SecretKey, Failure> {
        let path = self.root.join(format!("issuers/{kid}.key"));
        let text = secret(&path)?;
        let (algorithm, digits) = match text.trim().split_once(' ') {
            Some(("ed25519", digits)) => (Algorithm::EdDsa, digits),
            Some(("p256", digits)) => (Algorithm::Es256, digits),
            Some(_) | None => return Err(Failure::Unusable { path, why: "is no issuer's key" }),
        };
        let secret = unhex(digits).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let key = secret.and_then(|secret| SecretKey::from_bytes(algorithm, &secret));
        key.filter(|key| key.public().kid() == kid)
            .ok_or(Failure::Unusable { path, why: "is another key than its name says" })
    }

    /// The pages of the feed in their order, each with its file.
    pub(crate) fn pages(&self) -> Result<Vec<(PathBuf, Vec<u8>)>, Failure> {
        let folder = self.root.join("control");
        let failed = |source| Failure::Io { act: "read", path: folder.clone(), source };
        let names = fs::read_dir(&folder).map_err(failed)?.map(|entry| entry.map(|entry| entry.path()));
        let mut names: Vec<PathBuf> = names.collect::<io::Result<_>>().map_err(failed)?;
        names.retain(|name| name.extension().is_some_and(|end| end == "page"));
        names.sort();
        let read = |path: PathBuf| match fs::read(&path) {
            Ok(bytes) => Ok((path, bytes)),
            Err(source) => Err(Failure::Io { act: "read", path, source }),
        };
        names.into_iter().map(read).collect()
    }

    /// Keeps one more page.
    pub(crate) fn keep_page(&self, number: usize, page: &[u8]) -> Result<(), Failure> {
        put(&self.root.join(format!("control/{number:06}.page")), page)
    }
}

/// A secret that only its owner can read; one that others can read is refused.
fn secret(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let failed = |source| Failure::Io { act: "read", path: path.to_owned(), source };
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        let why = "can be read by others; `chmod 600` it, and think about whether it is still secret";
        return Err(Failure::Unusable { path: path.to_owned(), why });
    }
    fs::read_to_string(path).map(Zeroizing::new).map_err(failed)
}

/// Writes a new file for its owner alone, whole or not at all. An old one is never replaced.
fn put(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |source| Failure::Io { act: "write", path: path.to_owned(), source };
    if path.exists() {
        return Err(Failure::Exists(path.to_owned()));
    }
    let part = path.with_extension("part");
    _ = fs::remove_file(&part);
    let write = || {
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    write().map_err(failed)
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Failure::Random)?;
    Ok(bytes)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    let digits = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let sound = text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    sound.then(|| pairs.map(digits).collect())?
}
