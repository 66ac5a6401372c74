//! Where the programs lie that the workspace has just built, and what they work on.

use std::path::{Path, PathBuf};

use super::Trouble;

/// The programs, the networks' weights and the sample photographs.
#[derive(Debug, Clone)]
pub struct Programs {
    folder: PathBuf,
    photos: PathBuf,
}

impl Programs {
    /// Beside this executable, be it a test (`target/debug/deps`) or a program (`target/debug`).
    ///
    /// # Errors
    /// [`Trouble::NotBuilt`] when there is no kiosk.
    pub fn here() -> Result<Self, Trouble> {
        let own = std::env::current_exe().unwrap_or_default();
        let mut above = own.ancestors().skip(1);
        let folder = above.find(|folder| folder.join("kiosk").is_file());
        let folder = folder.ok_or_else(|| Trouble::NotBuilt(own.with_file_name("kiosk")))?.to_owned();
        let photos = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/fetched/photos");
        Ok(Self { folder, photos })
    }

    /// One of them.
    ///
    /// # Errors
    /// [`Trouble::NotBuilt`].
    pub fn find(&self, name: &str) -> Result<PathBuf, Trouble> {
        let program = self.folder.join(name);
        if program.is_file() { Ok(program) } else { Err(Trouble::NotBuilt(program)) }
    }

    /// One of the sample photographs.
    ///
    /// # Errors
    /// [`Trouble::Untrue`] with the command that fetches it.
    pub fn photo(&self, name: &str) -> Result<PathBuf, Trouble> {
        let photo = self.photos.join(name);
        if photo.is_file() {
            return Ok(photo);
        }
        Err(Trouble::untrue(format!("{} is missing: `cargo xtask models` fetches it", photo.display())))
    }
}
