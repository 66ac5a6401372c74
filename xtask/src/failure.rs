//! Why a command stopped: one message for the person at the terminal, naming the thing and the remedy.

use std::fmt;
use std::path::Path;

/// A finished message. Callers of a command do nothing with it but show it and stop.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Gives a file error the act and the path that it lacks.
pub(crate) trait At<T> {
    /// `act` is a verb phrase: "read", "make the folder".
    fn at(self, act: &str, path: &Path) -> Result<T, Failure>;
}

impl<T> At<T> for std::io::Result<T> {
    fn at(self, act: &str, path: &Path) -> Result<T, Failure> {
        self.map_err(|cause| Failure::new(format!("cannot {act} {}: {cause}", path.display())))
    }
}
