//! The agent's directory.
//!
//! | file | content |
//! |---|---|
//! | `agent.toml` | settings, if any |
//! | `tls.key` | D_tls, the key of our end of the road (mode 0600) |
//! | `membership.bin` | the registry's answer to our join: authority, certificate, broker, who we are |
//! | `replica.sqlite` | lines and pages |
//! | `status.json` | how things are, written every few seconds by the running agent |
//!
//! Nothing here opens a record. Whoever takes the directory can pretend to be the courier, who can read and steer nothing.

use crate::settings::{Settings, SettingsError};
use ledger::JoinAnswer;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use wire::Identity;

/// The directory.
#[derive(Clone, Debug)]
pub struct Home(PathBuf);

/// A file of the directory does not do.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// It cannot be read or written.
    #[error(
        "{file} cannot be read or written ({error}): look at the rights and the disk of the agent's directory"
    )]
    File {
        /// Which.
        file: &'static str,
        /// Why.
        error: io::Error,
    },
    /// The key does not do.
    #[error(transparent)]
    Identity(#[from] wire::identity::IdentityError),
    /// The settings do not do.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The registry's answer is damaged.
    #[error("membership.bin is damaged ({0}): join again")]
    Membership(ledger::Error),
    /// There is none.
    #[error("this agent has not joined a registry: run `sync-agent request`, then `join`")]
    NotJoined,
}

const KEY: &str = "tls.key";
const MEMBERSHIP: &str = "membership.bin";

impl Home {
    /// This directory; [`Home::make`] makes it.
    pub fn new(directory: &Path) -> Home {
        Home(directory.to_owned())
    }

    /// Makes the directory if there is none, for its owner alone.
    ///
    /// Errors: [`HomeError::File`].
    pub fn make(&self) -> Result<(), HomeError> {
        fs::create_dir_all(&self.0).map_err(|error| HomeError::File { file: "the directory", error })?;
        fs::set_permissions(&self.0, Permissions::from_mode(0o700))
            .map_err(|error| HomeError::File { file: "the directory", error })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The settings.
    ///
    /// Errors: [`HomeError::Settings`].
    pub fn settings(&self) -> Result<Settings, HomeError> {
        Ok(Settings::read(&self.0.join("agent.toml"))?)
    }

    /// The key, made if there is none.
    ///
    /// Errors: [`HomeError::File`], [`HomeError::Identity`].
    pub fn identity_or_new(&self) -> Result<Identity, HomeError> {
        match self.identity() {
            Err(HomeError::NotJoined) => {
                let identity = Identity::generate()?;
                write_durably(&self.0.join(KEY), identity.to_pem().as_bytes())
                    .map_err(|error| HomeError::File { file: KEY, error })?;
                Ok(identity)
            }
            there => there,
        }
    }

    /// The key.
    ///
    /// Errors: [`HomeError::NotJoined`] if there is none, [`HomeError::File`], [`HomeError::Identity`].
    pub fn identity(&self) -> Result<Identity, HomeError> {
        let pem = zeroize::Zeroizing::new(self.read(KEY)?);
        let pem = std::str::from_utf8(&pem).unwrap_or_default();
        Ok(Identity::from_pem(pem)?)
    }

    /// What the registry answered.
    ///
    /// Errors: [`HomeError::NotJoined`], [`HomeError::File`], [`HomeError::Membership`].
    pub fn membership(&self) -> Result<JoinAnswer, HomeError> {
        JoinAnswer::decode(&self.read(MEMBERSHIP)?).map_err(HomeError::Membership)
    }

    /// Keeps what the registry answered.
    ///
    /// Errors: [`HomeError::File`], [`HomeError::Membership`].
    pub fn keep_membership(&self, answer: &JoinAnswer) -> Result<(), HomeError> {
        let bytes = answer.encode().map_err(HomeError::Membership)?;
        write_durably(&self.0.join(MEMBERSHIP), &bytes)
            .map_err(|error| HomeError::File { file: MEMBERSHIP, error })
    }

    /// The replica's file.
    pub fn replica(&self) -> PathBuf {
        self.0.join("replica.sqlite")
    }

    /// The status' file.
    pub fn status(&self) -> PathBuf {
        self.0.join("status.json")
    }

    /// The free room of the disk in bytes; nothing if the system does not say.
    pub fn free_bytes(&self) -> Option<u64> {
        let disk = rustix::fs::statvfs(&self.0).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "only a file that is not there means something of its own"
    )]
    fn read(&self, file: &'static str) -> Result<Vec<u8>, HomeError> {
        fs::read(self.0.join(file)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => HomeError::NotJoined,
            _ => HomeError::File { file, error },
        })
    }
}

/// Writes a file that is there whole or not at all, after a loss of power too.
///
/// Errors: those of the disk.
pub fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let next = path.with_extension("next");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&next)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&next, path)?;
    let directory = path.parent().unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}
