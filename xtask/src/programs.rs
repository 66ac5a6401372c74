//! The commands that build and run Genkan itself. Each sets up first, so that any of them is the only one to know.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::cards;
use crate::failure::{At, Failure};
use crate::font;
use crate::host;
use crate::place::Place;
use crate::process::{cargo, pass_through, run, say};
use crate::python;

/// All that must be there before the workspace is built. What is there already is left as it is.
pub(crate) fn setup(place: &Place) -> Result<(), Failure> {
    host::prepare()?;
    python::packages(place)?;
    cards::fetch_all(place, &[])?;
    font::make(place)
}

/// The visits of the demo, on the simulated board.
pub(crate) fn demo(place: &Place, headless: bool, json: bool) -> Result<ExitCode, Failure> {
    setup(place)?;
    let kiosk = built(place)?;
    let mut command = in_folder(place, &kiosk, "demo")?;
    command.args(headless.then_some("--headless")).args(json.then_some("--json"));
    pass_through(&mut command)
}

/// How the city is shown.
pub(crate) struct City {
    /// The registry's database is a private PostgreSQL.
    pub(crate) postgresql: bool,
    /// The kiosks open no window.
    pub(crate) headless: bool,
    /// One object a line.
    pub(crate) json: bool,
}

/// The whole city on this machine: broker, registry, two kiosks with their agents. Where it comes true, it says so.
pub(crate) fn city(place: &Place, city: &City) -> Result<ExitCode, Failure> {
    setup(place)?;
    built(place)?;
    let mut command = Command::new(place.target().join("debug/city"));
    command.arg("--out").arg(place.target().join("city")).current_dir(&place.root);
    for (wanted, flag) in
        [(city.postgresql, "--postgresql"), (city.headless, "--headless"), (city.json, "--json")]
    {
        command.args(wanted.then_some(flag));
    }
    pass_through(&mut command)
}

/// A picture of every screen in every language.
pub(crate) fn tour(place: &Place) -> Result<ExitCode, Failure> {
    setup(place)?;
    let kiosk = built(place)?;
    pass_through(&mut in_folder(place, &kiosk, "ui-tour")?)
}

/// The figures, from release builds: those of the crates `models` and `codes` beside their peers, then the kiosk's own.
pub(crate) fn bench(place: &Place, json: bool, only: &[String]) -> Result<ExitCode, Failure> {
    host::prepare()?;
    host::prepare_for_benchmarks()?;
    let python = python::benchmark_packages(place)?;
    cards::fetch_all(place, &[])?;
    let wanted = benched(only);
    if wanted.models {
        let measured = bench_models(place, &python, json, only)?;
        if measured != ExitCode::SUCCESS {
            return Ok(measured);
        }
    }
    if wanted.codes {
        let measured = bench_codes(place, &python, json)?;
        if measured != ExitCode::SUCCESS {
            return Ok(measured);
        }
    }
    if !wanted.kiosk {
        return Ok(ExitCode::SUCCESS);
    }
    font::make(place)?;
    say(
        "building the kiosk for release (many minutes the first time): figures of a development build mean nothing",
    );
    run(cargo().args(["build", "--release", "--package", "kiosk"]).current_dir(&place.root))?;
    let mut command = in_folder(place, &place.target().join("release/kiosk"), "bench")?;
    pass_through(command.args(json.then_some("--json")))
}

/// Whose figures are wanted.
#[derive(Debug, PartialEq, Eq)]
struct Benched {
    models: bool,
    codes: bool,
    kiosk: bool,
}

fn benched(only: &[String]) -> Benched {
    let of = |name: &str, prefix: &String| prefix.starts_with(name) || name.starts_with(prefix.as_str());
    let any = |name: &str| only.is_empty() || only.iter().any(|prefix| of(name, prefix));
    let others = |prefix: &String| of("kiosk", prefix) || of("codes", prefix);
    Benched { models: only.is_empty() || !only.iter().all(others), codes: any("codes"), kiosk: any("kiosk") }
}

fn bench_models(place: &Place, python: &Path, json: bool, only: &[String]) -> Result<ExitCode, Failure> {
    say("building the benchmarks for release: figures of a development build mean nothing");
    let arguments = ["build", "--release", "--package", "models", "--bin", "bench"];
    run(cargo().args(arguments).current_dir(&place.root))?;
    let mut command = Command::new(place.target().join("release/bench"));
    command.args(json.then_some("--json")).args(only.iter().flat_map(|prefix| ["--only", prefix]));
    command.arg("--models").arg(place.fetched("models"));
    command.arg("--optional").arg(place.fetched("optional"));
    command.arg("--photographs").arg(place.fetched("photos"));
    command.arg("--python").arg(python);
    command.arg("--out").arg(place.target().join("bench"));
    pass_through(command.current_dir(&place.root))
}

fn bench_codes(place: &Place, python: &Path, json: bool) -> Result<ExitCode, Failure> {
    say("building the benchmark of QR codes for release");
    let arguments = ["build", "--release", "--package", "codes", "--example", "bench-codes"];
    run(cargo().args(arguments).current_dir(&place.root))?;
    let mut command = Command::new(place.target().join("release/examples/bench-codes"));
    command.args(json.then_some("--json")).arg("--python").arg(python);
    command.arg("--out").arg(place.target().join("bench"));
    pass_through(command.current_dir(&place.root))
}

/// The workspace's tests, some of which run the kiosk as a program; `arguments` go to cargo as they are.
pub(crate) fn test(place: &Place, arguments: &[String]) -> Result<ExitCode, Failure> {
    setup(place)?;
    built(place)?;
    say("running the workspace's tests (many minutes to compile the first time)");
    pass_through(cargo().args(["test", "--workspace"]).args(arguments).current_dir(&place.root))
}

/// The programs that scenarios and demonstrations start.
const PROGRAMS: [&str; 4] = ["kiosk", "registry", "sync-agent", "city"];

/// Builds the programs as `cargo test --workspace` does, so that neither compiles what the other has: the whole workspace
/// is named, and `--examples` makes cargo count the features of dev-dependencies in.
pub(crate) fn built(place: &Place) -> Result<PathBuf, Failure> {
    say("building the kiosk and its city (many minutes the first time)");
    let mut command = cargo();
    command
        .args(["build", "--workspace", "--examples"])
        .args(PROGRAMS.iter().flat_map(|name| ["--bin", name]));
    run(command.current_dir(&place.root))?;
    Ok(place.target().join("debug/kiosk"))
}

/// `kiosk COMMAND --out target/COMMAND`, the folder made.
fn in_folder(place: &Place, kiosk: &Path, command: &str) -> Result<Command, Failure> {
    let out = place.target().join(command);
    fs::create_dir_all(&out).at("make the folder", &out)?;
    let mut run = Command::new(kiosk);
    run.arg(command).arg("--out").arg(&out).current_dir(&place.root);
    Ok(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_is_built_for_its_own_figures_only() {
        let check = |only: &[&str], [models, codes, kiosk]: [bool; 3]| {
            let only: Vec<_> = only.iter().map(ToString::to_string).collect();
            assert_eq!(benched(&only), Benched { models, codes, kiosk }, "{only:?}");
        };
        check(&[], [true, true, true]);
        check(&["sface"], [true, false, false]);
        check(&["search_1m"], [true, false, false]);
        check(&["kiosk"], [false, false, true]);
        check(&["codes_480p"], [false, true, false]);
        check(&["yunet", "kiosk"], [true, false, true]);
    }
}
