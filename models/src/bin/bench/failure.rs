//! Why a benchmark gives no figures.

use std::io;
use std::path::PathBuf;

use models::{CardError, ImageError, ModelError, NetworkError};

/// What went wrong, and with what.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{what} {path}")]
    File { what: &'static str, path: PathBuf, source: io::Error },
    #[error("start the peer `{command}`; `cargo xtask bench` installs what it needs")]
    Start { command: String, source: io::Error },
    #[error("the peer {peer} ended in the middle of a run; its message stands above")]
    Gone { peer: &'static str },
    #[error("the peer {peer} cannot {what}: {reason}")]
    Refused { peer: &'static str, what: String, reason: String },
    #[error("the peer {peer} answered with something else than was agreed")]
    Answer { peer: &'static str, source: serde_json::Error },
    #[error(transparent)]
    Card(#[from] CardError),
    #[error(transparent)]
    Picture(#[from] ImageError),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Network(#[from] NetworkError),
    #[error("{0}")]
    Unusable(String),
}

/// Says which file it was.
pub(crate) trait At<T> {
    fn at(self, what: &'static str, path: impl Into<PathBuf>) -> Result<T, Failure>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, what: &'static str, path: impl Into<PathBuf>) -> Result<T, Failure> {
        self.map_err(|source| Failure::File { what, path: path.into(), source })
    }
}
