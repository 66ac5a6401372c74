//! The ordinary clients of the registries. They only fetch: nothing of a package is installed or run.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::fetch::Client;
use crate::pin::{Package, Registry};
use crate::process::line;

/// How many of a client's last lines a message repeats.
const LAST_LINES: usize = 4;

/// `pip` of our Python environment and the machine's `npm`.
pub(crate) struct Clients {
    /// The environment's interpreter.
    pub(crate) python: PathBuf,
}

impl Client for Clients {
    fn download(&self, package: &Package, into: &Path) -> Result<PathBuf, String> {
        let mut command = match package.registry {
            Registry::Pypi => self.pip(package, into),
            Registry::Npm => npm(package),
        };
        let output = command.current_dir(into).output();
        let output = output.map_err(|cause| format!("cannot start `{}`: {cause}", line(&command)))?;
        if !output.status.success() {
            return Err(format!("`{}` failed: {}", line(&command), last_lines(&output)));
        }
        only_file(into)
    }
}

impl Clients {
    /// Wheels only: a source archive would run its own build script.
    fn pip(&self, package: &Package, into: &Path) -> Command {
        let mut command = Command::new(&self.python);
        command.args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "-d"]);
        command.arg(into);
        for (option, value) in
            [("--python-version", &package.python_version), ("--platform", &package.platform)]
        {
            if let Some(value) = value {
                command.args([option, value.as_str()]);
            }
        }
        command.arg(format!("{}=={}", package.name, package.version));
        command
    }
}

fn npm(package: &Package) -> Command {
    let mut command = Command::new("npm");
    command.args(["pack", "--loglevel=error", "--ignore-scripts"]);
    command.arg(format!("{}@{}", package.name, package.version));
    command
}

fn last_lines(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n  ")
}

fn only_file(folder: &Path) -> Result<PathBuf, String> {
    let listing =
        std::fs::read_dir(folder).map_err(|cause| format!("cannot list {}: {cause}", folder.display()))?;
    let mut files = listing.filter_map(Result::ok).map(|entry| entry.path());
    match (files.next(), files.next()) {
        (Some(file), None) => Ok(file),
        (None, _) => Err("the client left no file".to_owned()),
        (Some(_), Some(_)) => Err("the client left more than one file".to_owned()),
    }
}
