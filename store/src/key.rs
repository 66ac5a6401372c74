//! The key that opens the vault, and the port it comes through.
//!
//! On a real device the key is held by a TPM or handed over by the service manager; for development it is a file of 32
//! random bytes beside the data. Beside the data also lies `vault.check`, a value derived from the key: it tells a wrong
//! key from damaged data without the data being touched, and says nothing of the key.

use std::{
    fmt,
    fs::{self, File},
    io::{ErrorKind, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use hkdf::Hkdf;
use sha2::Sha256;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::error::EntropyError;

const LENGTH: usize = 32;
/// What a check value is derived under.
const CHECK: &[u8] = b"genkan vault check 1";
/// What the data file's page key is derived under.
const PAGES: &[u8] = b"genkan vault pages 1";

/// V: opens the vault. Wiped when dropped.
#[derive(ZeroizeOnDrop)]
pub struct VaultKey([u8; LENGTH]);

impl VaultKey {
    /// Takes 32 secret random bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; LENGTH]) -> Self {
        Self(bytes)
    }

    /// 16 bytes by which the key is known again; they say nothing of the key.
    #[must_use]
    pub fn check_value(&self) -> [u8; 16] {
        let mut out = [0; 16];
        self.derive(CHECK, &mut out);
        out
    }

    /// The argument of SQLCipher's `key`: a raw key, so that no password is stretched at every start.
    #[doc(hidden)]
    #[must_use]
    pub fn page_key(&self) -> Zeroizing<String> {
        let mut raw = Zeroizing::new([0; LENGTH]);
        self.derive(PAGES, &mut *raw);
        let mut text = Zeroizing::new(String::with_capacity(3 + 2 * LENGTH));
        text.push_str("x'");
        raw.iter().for_each(|byte| text.push_str(&Zeroizing::new(format!("{byte:02x}"))));
        text.push('\'');
        text
    }

    fn derive(&self, label: &[u8], out: &mut [u8]) {
        Hkdf::<Sha256>::new(None, &self.0).expand(label, out).expect("32 bytes are within the reach of HKDF");
    }
}

impl fmt::Debug for VaultKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("VaultKey(secret)")
    }
}

/// Where the vault's key is kept.
pub trait KeyPort {
    /// The key, if there is one.
    ///
    /// # Errors
    /// [`KeyError::Missing`] if there is none; the others if it must not be used.
    fn load(&self) -> Result<VaultKey, KeyError>;

    /// Makes the key and keeps it durably. Only set-up calls this.
    ///
    /// # Errors
    /// [`KeyError::Exists`] rather than replacing one.
    fn create(&self) -> Result<VaultKey, KeyError>;

    /// The place to name in a message.
    fn place(&self) -> PathBuf;
}

/// Why there is no key to work with.
#[derive(Debug, Error)]
pub enum KeyError {
    /// There is none.
    #[error("{}: there is no key", .0.display())]
    Missing(PathBuf),
    /// One is there already.
    #[error("{}: there is a key already, it was not replaced", .0.display())]
    Exists(PathBuf),
    /// Others than the owner can read it.
    #[error("{}: other users can read this key (mode {mode:o}); run `chmod 600` on it", path.display())]
    Exposed {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not 32 bytes.
    #[error("{}: a key has {LENGTH} bytes, this file has {found}; put the right one back", path.display())]
    Malformed {
        /// The key file.
        path: PathBuf,
        /// Its length in bytes.
        found: u64,
    },
    /// It cannot be read or written.
    #[error("cannot {act} {}", path.display())]
    Io {
        /// What was tried.
        act: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The system gave no random numbers.
    #[error("no key was made")]
    Entropy(#[source] EntropyError),
}

/// The development port: a file with mode 0600.
#[derive(Debug, Clone)]
pub struct FileKey(PathBuf);

impl FileKey {
    /// `vault.key` in the data directory.
    #[must_use]
    pub fn beside(data: &Path) -> Self {
        Self(data.join("vault.key"))
    }

    fn error(&self, act: &'static str) -> impl FnOnce(std::io::Error) -> KeyError {
        let path = self.0.clone();
        move |source| {
            if source.kind() == ErrorKind::NotFound {
                return KeyError::Missing(path);
            }
            if source.kind() == ErrorKind::AlreadyExists {
                return KeyError::Exists(path);
            }
            KeyError::Io { act, path, source }
        }
    }
}

impl KeyPort for FileKey {
    fn load(&self) -> Result<VaultKey, KeyError> {
        let mut file = File::open(&self.0).map_err(self.error("open"))?;
        let facts = file.metadata().map_err(self.error("look at"))?;
        let mode = facts.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed { path: self.0.clone(), mode });
        }
        if facts.len() != LENGTH as u64 {
            return Err(KeyError::Malformed { path: self.0.clone(), found: facts.len() });
        }
        let mut bytes = [0; LENGTH];
        file.read_exact(&mut bytes).map_err(self.error("read"))?;
        let key = VaultKey::from_bytes(bytes);
        bytes.zeroize();
        Ok(key)
    }

    fn create(&self) -> Result<VaultKey, KeyError> {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        getrandom::fill(&mut *bytes).map_err(|error| KeyError::Entropy(EntropyError(error.to_string())))?;
        let mut options = fs::OpenOptions::new();
        let mut file =
            options.write(true).create_new(true).mode(0o600).open(&self.0).map_err(self.error("create"))?;
        file.write_all(&*bytes).map_err(self.error("write"))?;
        file.sync_all().map_err(self.error("write"))?;
        Ok(VaultKey::from_bytes(*bytes))
    }

    fn place(&self) -> PathBuf {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_key_file_is_private_and_reads_back_what_was_made() {
        let directory = tempfile::tempdir().unwrap();
        let port = FileKey::beside(directory.path());
        assert!(matches!(port.load(), Err(KeyError::Missing(_))));
        let made = port.create().unwrap();
        assert_eq!(fs::metadata(port.place()).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(port.load().unwrap().0, made.0);
        assert!(matches!(port.create(), Err(KeyError::Exists(_))));
    }

    #[test]
    fn a_key_that_others_can_read_or_that_has_another_length_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let port = FileKey::beside(directory.path());
        port.create().unwrap();
        for mode in [0o640, 0o604, 0o660, 0o644] {
            fs::set_permissions(port.place(), fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(port.load(), Err(KeyError::Exposed { .. })), "{mode:o}");
        }
        fs::set_permissions(port.place(), fs::Permissions::from_mode(0o600)).unwrap();
        for length in [0, 31, 33] {
            fs::write(port.place(), vec![7; length]).unwrap();
            assert!(matches!(port.load(), Err(KeyError::Malformed { .. })), "{length}");
        }
    }

    #[test]
    fn a_key_never_prints_itself() {
        assert_eq!(format!("{:?}", VaultKey::from_bytes([7; 32])), "VaultKey(secret)");
    }
}
