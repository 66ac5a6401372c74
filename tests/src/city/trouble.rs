//! What can go wrong in a city, said so that whoever reads it knows where to look.

use std::path::{Path, PathBuf};

/// Why a city did not do what was awaited.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// A program of ours is not built.
    #[error(
        "{0} is missing: run `cargo xtask test`, or `cargo build --bin kiosk --bin registry --bin sync-agent`"
    )]
    NotBuilt(PathBuf),
    /// A program could not be started.
    #[error("cannot start {program} ({cause}): `cargo xtask setup` installs what is needed")]
    NotStarted {
        /// As it was named.
        program: String,
        /// The system's word.
        cause: std::io::Error,
    },
    /// A process that should go on has ended.
    #[error("{name} ended ({status}); it said last:\n{last}")]
    Ended {
        /// Whose process.
        name: String,
        /// How it ended.
        status: String,
        /// The last lines of its log.
        last: String,
    },
    /// A command did not succeed.
    #[error("`{line}` failed ({status}): {said}")]
    Failed {
        /// As a person would type it.
        line: String,
        /// How it ended.
        status: String,
        /// What it wrote to standard error.
        said: String,
    },
    /// What a program wrote is not what it should write.
    #[error("{who} wrote something else than was expected: {what}")]
    Unreadable {
        /// Which program.
        who: String,
        /// What is wrong with it.
        what: String,
    },
    /// Something did not come true in time.
    #[error("gave up after {seconds} s waiting until {what}; everybody's last word:\n{everybody}")]
    Waited {
        /// What was awaited.
        what: String,
        /// For how long.
        seconds: u64,
        /// The last status of every process.
        everybody: String,
    },
    /// Something is not as it must be.
    #[error("{0}")]
    Untrue(String),
    /// A file, a folder, a socket.
    #[error("cannot {act} {path}: {cause}")]
    File {
        /// A verb phrase.
        act: &'static str,
        /// Which one.
        path: PathBuf,
        /// The system's word.
        cause: std::io::Error,
    },
}

impl Trouble {
    /// Something is not as it must be.
    pub fn untrue(what: impl Into<String>) -> Self {
        Self::Untrue(what.into())
    }
}

/// Gives a file error the act and the path that it lacks.
pub trait At<T> {
    /// `act` is a verb phrase: "read", "make the folder".
    ///
    /// # Errors
    /// The same, as a [`Trouble`].
    fn at(self, act: &'static str, path: &Path) -> Result<T, Trouble>;
}

impl<T> At<T> for std::io::Result<T> {
    fn at(self, act: &'static str, path: &Path) -> Result<T, Trouble> {
        self.map_err(|cause| Trouble::File { act, path: path.to_owned(), cause })
    }
}
