//! Where things lie: the repository, its fetched assets, and the cache that survives a fresh clone.

use std::path::{Path, PathBuf};

/// The folders that the commands work on; tests make their own.
#[derive(Clone)]
pub(crate) struct Place {
    /// The repository's root.
    pub(crate) root: PathBuf,
    /// `genkan` under `$XDG_CACHE_HOME` or `~/.cache`.
    pub(crate) cache: PathBuf,
}

impl Place {
    /// The repository that holds this crate, and this user's cache.
    pub(crate) fn here() -> Self {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        let root = manifest.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf);
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let base = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
        let cache = base.unwrap_or_else(|| root.join("target/cache")).join("genkan");
        Self { root, cache }
    }

    /// Cargo's output folder.
    pub(crate) fn target(&self) -> PathBuf {
        std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| self.root.join("target"), |path| self.root.join(path))
    }

    /// What set-up fetches or makes; never committed.
    pub(crate) fn fetched(&self, kind: &str) -> PathBuf {
        self.root.join("assets/fetched").join(kind)
    }
}
