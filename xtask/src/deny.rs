//! cargo-deny: licences, walls between crates, sources, and known vulnerabilities where the database can be had.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::client::Clients;
use crate::failure::{At, Failure};
use crate::fetch::{self, Item};
use crate::pin::Pin;
use crate::place::Place;
use crate::process::{cargo, run, say};
use crate::python;

/// Which program, checked by both hashes like a model.
const TOOLS: &str = include_str!("../tools.toml");

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Tools {
    cargo_deny: Pin,
}

/// What a check of advisories came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Advisories {
    Checked,
    /// The database could not be fetched, for this reason. Nothing is known then, good or bad.
    NotChecked(String),
}

/// Has the program; gives back its path.
pub(crate) fn tool(place: &Place) -> Result<PathBuf, Failure> {
    let pin = toml::from_str::<Tools>(TOOLS)
        .map_err(|cause| Failure::new(format!("xtask/tools.toml: {cause}")))?
        .cargo_deny;
    let folder = place.cache.join("tools");
    if std::env::consts::ARCH != "x86_64" {
        return compiled(&pin, folder);
    }
    let item = Item { card: "xtask/tools.toml".to_owned(), pin, folder };
    let program = item.destination();
    let clients = Clients { python: python::environment(place)? };
    fetch::fetch(&item, &place.cache, &clients).map_err(|error| Failure::new(error.to_string()))?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).at("make executable", &program)?;
    Ok(program)
}

/// The same version from source, where no package carries the program.
fn compiled(pin: &Pin, folder: PathBuf) -> Result<PathBuf, Failure> {
    let root = folder.join(pin.file.as_str());
    let program = root.join("bin/cargo-deny");
    if !program.exists() {
        say("compiling cargo-deny (many minutes, once): no package carries it for this machine");
        let mut install = cargo();
        install.args(["install", "--locked", "--version", pin.package.version.as_str(), "--root"]);
        run(install.arg(&root).arg("cargo-deny"))?;
    }
    Ok(program)
}

/// Licences, walls and sources: what needs no network beyond the crates themselves.
pub(crate) fn check(place: &Place) -> Result<(), Failure> {
    let program = tool(place)?;
    run(Command::new(&program).args(["check", "bans", "licenses", "sources"]).current_dir(&place.root))?;
    // The fuzz targets have a lock of their own and keep the same terms.
    let mut fuzz = Command::new(program);
    fuzz.args([
        "--manifest-path",
        "fuzz/Cargo.toml",
        "--config",
        "deny.toml",
        "check",
        "licenses",
        "sources",
    ]);
    fuzz.args(["--allow", "license-exception-not-encountered", "--allow", "license-not-encountered"]);
    run(fuzz.current_dir(&place.root))
}

/// Known vulnerabilities, if the database can be fetched; that it cannot is no failure, and is said.
pub(crate) fn advisories(place: &Place) -> Result<Advisories, Failure> {
    let program = tool(place)?;
    let mut fetch = Command::new(&program);
    fetch.args(["fetch", "db"]).current_dir(&place.root).stdin(Stdio::null());
    let output = fetch.output().at("start", &program)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no reason given");
        return Ok(Advisories::NotChecked(format!(
            "the advisory database could not be fetched ({})",
            last.trim()
        )));
    }
    run(Command::new(&program).args(["check", "advisories"]).current_dir(&place.root))?;
    Ok(Advisories::Checked)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_program_is_pinned_to_one_version_by_name() {
        let pin = toml::from_str::<Tools>(TOOLS).unwrap().cargo_deny;
        assert_eq!(pin.file.as_str(), format!("cargo-deny-{}", pin.package.version));
    }
}
