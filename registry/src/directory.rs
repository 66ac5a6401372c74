//! The registry's directory. Keys are files for their owner alone and never stand in a database.
//!
//! ```text
//! registry.toml      tenant, database, addresses
//! registry.db        the database, where it is SQLite
//! author.key         R_sign: 64 hexadecimal digits
//! kek/, open/        R_kek and R_open of each facility, numbered
//! ca.key, ca.pem     R_ca: signs the certificates of agents, processes and the broker
//! issuers/KID.key    `ed25519` or `p256`, and 64 hexadecimal digits
//! voucher.txt        for kiosks that only read the control file
//! lock, seen
//! ```
//!
//! A directory from before there was a database holds `control/NNNNNN.page`; they are read into it at the first start.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use credentials::{Algorithm, Kid, SecretKey, Voucher};
use ledger::AuthorKey;
use wire::authority::Authority;
use zeroize::Zeroizing;

use crate::config::Config;
use crate::failure::{Done, Failure};
use crate::keys::{Files, KeyPort as _, hex, put, random, secret, unhex};
use crate::office::Office;

/// The directory.
pub(crate) struct Directory {
    root: PathBuf,
}

impl Directory {
    /// Creates everything.
    pub(crate) fn create(root: &Path, config: &Config) -> Done<Voucher> {
        if root.join("author.key").exists() {
            return Err(Failure::Exists(root.to_owned()));
        }
        for folder in [root.to_owned(), root.join("issuers")] {
            let made = DirBuilder::new().mode(0o700).recursive(true).create(&folder);
            made.map_err(|source| Failure::Io { act: "make", path: folder, source })?;
        }
        let secret = Zeroizing::new(random::<32>()?);
        let registry = AuthorKey::from_bytes(*secret).id();
        let voucher = Voucher { tenant: config.tenant.clone(), registry };
        if Voucher::read(&voucher.to_text()).as_ref() != Ok(&voucher) {
            return Err(Failure::Asked("--tenant: 1 to 64 bytes on one line are needed"));
        }
        put(&root.join("registry.toml"), config.to_text().as_bytes())?;
        put(&root.join("voucher.txt"), voucher.to_text().as_bytes())?;
        put(&root.join("author.key"), hex(&*secret).as_bytes())?;
        authority(root)?;
        Ok(voucher)
    }

    /// Opens it, and its office.
    pub(crate) fn open(root: &Path) -> Done<(Self, Office)> {
        if !root.join("author.key").exists() {
            return Err(Failure::Unusable {
                path: root.to_owned(),
                why: "holds no registry yet; `registry init` makes one".into(),
            });
        }
        let directory = Self { root: root.to_owned() };
        directory.add_config()?;
        let mut office = Office::open(root)?;
        directory.take_pages(&mut office)?;
        Ok((directory, office))
    }

    /// A directory from before there was `registry.toml` says its tenant in the voucher.
    fn add_config(&self) -> Done<()> {
        let path = self.root.join("registry.toml");
        if path.exists() {
            return Ok(());
        }
        let voucher = self.root.join("voucher.txt");
        let text = fs::read_to_string(&voucher);
        let text = text.map_err(|source| Failure::Io { act: "read", path: voucher.clone(), source })?;
        let read = Voucher::read(&text);
        let read = read.map_err(|error| Failure::Unusable { path: voucher, why: error.to_string() })?;
        put(&path, Config::of(&read.tenant).to_text().as_bytes())
    }

    fn take_pages(&self, office: &mut Office) -> Done<()> {
        let folder = self.root.join("control");
        let pages = pages(&folder)?;
        if !pages.is_empty() {
            office.take_control(&pages)?;
            let done = fs::rename(&folder, self.root.join("control.taken"));
            done.map_err(|source| Failure::Io { act: "rename", path: folder, source })?;
        }
        Ok(())
    }

    pub(crate) fn keep_issuer(&self, key: &SecretKey) -> Done<()> {
        let name = match key.public().algorithm() {
            Algorithm::EdDsa => "ed25519",
            Algorithm::Es256 => "p256",
        };
        let text = Zeroizing::new(format!("{name} {}", hex(&*key.to_bytes())));
        put(&self.root.join(format!("issuers/{}.key", key.public().kid())), text.as_bytes())
    }

    pub(crate) fn issuer(&self, kid: Kid) -> Done<SecretKey> {
        let path = self.root.join(format!("issuers/{kid}.key"));
        let text = secret(&path)?;
        let (algorithm, digits) = match text.trim().split_once(' ') {
            Some(("ed25519", digits)) => (Algorithm::EdDsa, digits),
            Some(("p256", digits)) => (Algorithm::Es256, digits),
            Some(_) | None => return Err(Failure::Unusable { path, why: "is no issuer's key".into() }),
        };
        let secret = unhex(digits).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let key = secret.and_then(|secret| SecretKey::from_bytes(algorithm, &secret));
        key.filter(|key| key.public().kid() == kid)
            .ok_or(Failure::Unusable { path, why: "is another key than its name says".into() })
    }

    /// The registry's certificate authority.
    pub(crate) fn authority(&self) -> Done<Authority> {
        authority(&self.root)
    }
}

/// The certificate authority of a registry's directory; made where there is none yet.
///
/// Errors: [`Failure::Io`], [`Failure::Unusable`].
pub fn authority(root: &Path) -> Done<Authority> {
    let (key, pem) = (root.join("ca.key"), root.join("ca.pem"));
    let unusable = |error: wire::authority::AuthorityError| Failure::Unusable {
        path: key.clone(),
        why: error.to_string(),
    };
    let _turn = Files(root.to_owned()).turn()?;
    if !key.exists() {
        let name = Config::read(root)?.tenant;
        let made = Authority::new(&name, SystemTime::now()).map_err(unusable)?;
        _ = fs::remove_file(&pem);
        put(&pem, made.certificate_pem().as_bytes())?;
        put(&key, made.key_pem().as_bytes())?;
    }
    let certificate = fs::read_to_string(&pem);
    let certificate = certificate.map_err(|source| Failure::Io { act: "read", path: pem, source })?;
    Authority::from_pem(&secret(&key)?, &certificate).map_err(unusable)
}

/// The pages of an older directory, in their order.
fn pages(folder: &Path) -> Done<Vec<Vec<u8>>> {
    let failed = |source| Failure::Io { act: "read", path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(failed)?,
    };
    let mut names: Vec<PathBuf> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>().map_err(failed)?;
    names.retain(|name| name.extension().is_some_and(|end| end == "page"));
    names.sort();
    names.iter().map(|path| fs::read(path).map_err(failed)).collect()
}
