//! The Python environment under `assets/fetched/python`: the package client, the font's maker, the peers that the tests
//! compare with, and, once benchmarks were asked for, those that only they need. Nothing of it runs on a device.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{At, Failure};
use crate::fetch::put;
use crate::pin::Digest;
use crate::place::Place;
use crate::process::{run, say, works};

/// Files of pinned packages.
const REQUIREMENTS: [&str; 4] = [
    "models/tests/requirements.txt",
    "assets/fonts/requirements.txt",
    "credentials/tests/requirements.txt",
    "boards/tests/requirements.txt",
];

/// The same for what only the benchmarks need.
const BENCHMARK_REQUIREMENTS: [&str; 2] = ["models/bench/requirements.txt", "codes/bench/requirements.txt"];

/// Has the bare environment; gives back its interpreter.
pub(crate) fn environment(place: &Place) -> Result<PathBuf, Failure> {
    let folder = place.fetched("python");
    let python = folder.join("bin/python");
    if works(&python.to_string_lossy(), &["-m", "pip", "--version"]) {
        return Ok(python);
    }
    say("making a Python environment in assets/fetched/python: it holds the package client");
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    Ok(python)
}

/// Has the pinned packages in the environment; gives back its interpreter.
pub(crate) fn packages(place: &Place) -> Result<PathBuf, Failure> {
    let what = "installing pinned Python packages (about 100 MB once): they cut the font, cross-check networks and codes, and play a relay";
    installed(place, &REQUIREMENTS, "genkan-requirements.sha256", what)
}

/// Has them and the benchmarks' own.
pub(crate) fn benchmark_packages(place: &Place) -> Result<PathBuf, Failure> {
    packages(place)?;
    let what =
        "installing pinned Python packages (about 60 MB once): peers that the benchmarks are measured with";
    // All at once, so that none can displace a version that another file pins.
    let files: Vec<&str> = REQUIREMENTS.into_iter().chain(BENCHMARK_REQUIREMENTS).collect();
    installed(place, &files, "genkan-benchmark-requirements.sha256", what)
}

/// Has the packages of these files in the environment; `stamp` remembers that, `what` is said where it has to be done.
fn installed(place: &Place, files: &[&str], stamp: &str, what: &str) -> Result<PathBuf, Failure> {
    let python = environment(place)?;
    let files: Vec<PathBuf> = files.iter().map(|file| place.root.join(file)).collect();
    let wanted = hash(&files)?;
    let stamp = place.fetched("python").join(stamp);
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(python);
    }
    say(what);
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]);
    for file in &files {
        pip.arg("-r").arg(file);
    }
    run(&mut pip)?;
    put(wanted.as_bytes(), &stamp)?;
    Ok(python)
}

/// One hash over all requirement files.
fn hash(files: &[impl AsRef<Path>]) -> Result<String, Failure> {
    let mut all = Vec::new();
    for file in files {
        all.extend(fs::read(file).at("read", file.as_ref())?);
    }
    Ok(Digest::of(&all).to_string())
}
