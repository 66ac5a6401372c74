//! `cargo xtask fuzz`: builds the fuzz targets of `fuzz` and runs them, two at a time, beginning with the kept corpus.
//!
//! The engine is libFuzzer, which needs the compiler's counters of the places that are reached: flags of every stable
//! compiler ([`COVERAGE`]). The sanitizers need another compiler and look for what safe Rust has not; what is looked for
//! here are panics, sums that overflow, broken assertions, too much memory and too much time.
//!
//! What a run finds new stays in `target/fuzz/corpus`; `--keep` takes the least of it that reaches as much to `fuzz/corpus`.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;

use crate::failure::{At, Failure};
use crate::place::Place;
use crate::process::{cargo, line, not_started, run, say};

/// Targets and the longest input of each, in bytes. All of them run in `cargo xtask ci`.
const TARGETS: [(&str, usize); 11] = [
    ("qr_text", 1_100),
    ("cwt", 700),
    ("ledger", 2_048),
    ("message", 2_048),
    ("replica", 2_048),
    ("join", 2_048),
    ("tlv", 4_096),
    ("apdu", 6_144),
    ("files", 6_144),
    ("jp2", 4_096),
    ("modbus", 300),
];

/// How many run at the same time.
const AT_ONCE: usize = 2;

/// Seconds of each target where nothing else is said.
pub(crate) const SECONDS: u32 = 60;

/// The same in `cargo xtask ci`, where building and all targets, two at a time, take eight minutes at most.
pub(crate) const CI_SECONDS: u32 = 50;

/// The most memory of a target, in MiB: what it reads may ask for a few.
const MOST_MEMORY: u32 = 512;

/// The most seconds of one input, on a busy machine.
const MOST_SECONDS: u32 = 10;

/// Counters for libFuzzer: of every edge, with a table of their places, and of what is compared.
const COVERAGE: [&str; 7] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
    "--cfg fuzzing",
];

/// What a target came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Figures {
    executions: u64,
    a_second: u64,
    reached: u64,
    places: u64,
    inputs: String,
}

/// Runs one target or all of them for so many seconds each, and prints a line for each.
pub(crate) fn fuzz(place: &Place, only: Option<&str>, seconds: u32, keep: bool) -> Result<(), Failure> {
    let chosen = chosen(only)?;
    build(place)?;
    let waiting = Mutex::new(chosen.iter().copied().collect::<VecDeque<_>>());
    let ended = Mutex::new(Vec::new());
    let next = || waiting.lock().expect("no thread panics while it holds this").pop_front();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(target) = next() {
                    let came_to = one(place, target, seconds);
                    ended.lock().expect("no thread panics while it holds this").push((target.0, came_to));
                }
            });
        }
    });
    let ended = ended.into_inner().expect("the threads have ended");
    say(&format!("targets after {seconds} seconds each\n{}", table(&ended)));
    let failures: Vec<String> =
        ended.iter().filter_map(|it| it.1.as_ref().err()).map(Failure::to_string).collect();
    if !failures.is_empty() {
        return Err(Failure::new(failures.join("\n")));
    }
    if keep { chosen.iter().try_for_each(|target| kept(place, *target)) } else { Ok(()) }
}

fn chosen(only: Option<&str>) -> Result<Vec<(&'static str, usize)>, Failure> {
    let chosen: Vec<_> = TARGETS.into_iter().filter(|it| only.is_none_or(|name| name == it.0)).collect();
    if chosen.is_empty() {
        let names = TARGETS.map(|it| it.0).join(", ");
        return Err(Failure::new(format!("there is no such target; the targets are {names}")));
    }
    Ok(chosen)
}

fn triple() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

fn folder(place: &Place) -> PathBuf {
    place.target().join("fuzz")
}

fn program(place: &Place, target: &str) -> PathBuf {
    folder(place).join(triple()).join("release").join(target)
}

fn build(place: &Place) -> Result<(), Failure> {
    let mut command = cargo();
    // Flags in the environment would be added to these, or take their place.
    command.env_remove("CARGO_ENCODED_RUSTFLAGS").env("RUSTFLAGS", COVERAGE.join(" "));
    command.args([
        "build",
        "--quiet",
        "--locked",
        "--release",
        "--bins",
        "--target",
        &triple(),
        "--target-dir",
    ]);
    run(command.arg(folder(place)).current_dir(place.root.join("fuzz")))
}

/// Whether `fuzz`, a workspace of its own, is formatted.
pub(crate) fn formatted(place: &Place) -> Result<(), Failure> {
    run(cargo().args(["fmt", "--all", "--check"]).current_dir(place.root.join("fuzz")))
}

/// Whether clippy has nothing to say of `fuzz`, of what makes its seeds included.
pub(crate) fn linted(place: &Place) -> Result<(), Failure> {
    let mut command = cargo();
    command.env_remove("CARGO_ENCODED_RUSTFLAGS").env("RUSTFLAGS", "--cfg fuzzing");
    command.args(["clippy", "--quiet", "--locked", "--all-targets", "--features", "seeds", "--target-dir"]);
    command.arg(folder(place)).args(["--", "-D", "warnings"]);
    run(command.current_dir(place.root.join("fuzz")))
}

/// Runs a target; what the engine says goes to a file, of which the end is read.
fn one(place: &Place, (target, longest): (&str, usize), seconds: u32) -> Result<Figures, Failure> {
    let found = made(folder(place).join("corpus").join(target))?;
    let artifacts = made(folder(place).join("artifacts").join(target))?;
    let mut command = engine(place, target, longest);
    command
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .args(["-print_final_stats=1", "-reduce_inputs=1"])
        .args([found, place.root.join("fuzz/corpus").join(target)]);
    let output = command.output().map_err(|cause| not_started(&command, &cause))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let log = folder(place).join(format!("{target}.log"));
    fs::write(&log, said.as_bytes()).at("write", &log)?;
    if output.status.success() { Ok(figures(&said)) } else { Err(finding(place, target, &said, &log)) }
}

fn engine(place: &Place, target: &str, longest: usize) -> Command {
    let mut command = Command::new(program(place, target));
    command.arg(format!("-max_len={longest}")).arg(format!("-rss_limit_mb={MOST_MEMORY}"));
    command.arg(format!("-timeout={MOST_SECONDS}")).stdin(Stdio::null());
    let words = place.root.join("fuzz/dictionaries").join(format!("{target}.dict"));
    if words.exists() {
        command.arg(format!("-dict={}", words.display()));
    }
    command
}

fn made(folder: PathBuf) -> Result<PathBuf, Failure> {
    fs::create_dir_all(&folder).at("make the folder", &folder)?;
    Ok(folder)
}

/// The sentence for whoever has to mend it: what broke, the input, and how to see it again.
fn finding(place: &Place, target: &str, said: &str, log: &Path) -> Failure {
    let input =
        said.lines().rev().find_map(|it| it.split_once("Test unit written to ")).map(|it| it.1.trim());
    let why = said.lines().position(|it| it.contains("panicked at") || it.contains("ERROR: libFuzzer"));
    let why: Vec<&str> = said.lines().skip(why.unwrap_or(usize::MAX)).take(2).map(str::trim).collect();
    let again = match input {
        Some(input) => format!("see it again with `{} {input}`", program(place, target).display()),
        None => "it wrote no input".to_owned(),
    };
    Failure::new(format!("{target}: {}; {again}; all that it said is in {}", why.join(" "), log.display()))
}

/// Out of the engine's last words.
fn figures(said: &str) -> Figures {
    let number = |line: &str, name: &str| {
        let mut words = line.split_whitespace().skip_while(|word| *word != name).skip(1);
        words.next().unwrap_or_default().to_owned()
    };
    let last = |name: &str| said.lines().rfind(|line| line.contains(name)).unwrap_or_default();
    let parse = |text: String| text.parse().unwrap_or_default();
    let places = said.lines().find_map(|it| it.split_once("PC tables (")).map_or("", |it| it.1);
    Figures {
        executions: parse(number(last("stat::number_of_executed_units:"), "stat::number_of_executed_units:")),
        a_second: parse(number(last("stat::average_exec_per_sec:"), "stat::average_exec_per_sec:")),
        reached: parse(number(last(" cov: "), "cov:")),
        places: parse(places.split_whitespace().next().unwrap_or_default().to_owned()),
        inputs: number(last(" cov: "), "corp:"),
    }
}

fn table(ended: &[(&str, Result<Figures, Failure>)]) -> String {
    let row = |(target, came_to): &(&str, Result<Figures, Failure>)| match came_to {
        Ok(it) => format!(
            "{target:<8} {:>10} executions {:>7}/s  {:>5} of {:>5} places  {:>10} inputs",
            it.executions, it.a_second, it.reached, it.places, it.inputs
        ),
        Err(_) => format!("{target:<8} FAILED"),
    };
    ended.iter().map(row).collect::<Vec<_>>().join("\n")
}

/// Puts into `fuzz/corpus` the least of it and of what was found that reaches as much.
fn kept(place: &Place, (target, longest): (&str, usize)) -> Result<(), Failure> {
    let corpus = place.root.join("fuzz/corpus").join(target);
    let least = folder(place).join("least").join(target);
    if least.exists() {
        fs::remove_dir_all(&least).at("remove", &least)?;
    }
    let least = made(least)?;
    // The seeds stay under their names, whatever else reaches the same: a mutation of theirs is the short way inside.
    copied(&corpus, &least, |name| name.starts_with("seed-"))?;
    let mut merge = engine(place, target, longest);
    merge.arg("-set_cover_merge=1").arg(&least).arg(&corpus).arg(folder(place).join("corpus").join(target));
    let output = merge.output().map_err(|cause| not_started(&merge, &cause))?;
    if !output.status.success() {
        return Err(Failure::new(format!("`{}` failed: {}", line(&merge), output.status)));
    }
    fs::remove_dir_all(&corpus).at("remove", &corpus)?;
    let corpus = made(corpus)?;
    copied(&least, &corpus, |_| true)
}

/// Copies the files that are wanted by their names.
fn copied(from: &Path, to: &Path, wanted: impl Fn(&str) -> bool) -> Result<(), Failure> {
    for entry in fs::read_dir(from).at("read", from)? {
        let file = entry.at("read", from)?.path();
        let Some(name) = file.file_name().filter(|it| wanted(&it.to_string_lossy())) else { continue };
        fs::copy(&file, to.join(name)).at("copy", &file)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SAID: &str = "INFO: Loaded 1 PC tables (31234 PCs): 31234 [0x1,0x2),\n\
        #2\tINITED cov: 90 ft: 91 corp: 1/1b exec/s: 0 rss: 40Mb\n\
        #65536\tDONE   cov: 812 ft: 3021 corp: 402/31Kb lim: 700 exec/s: 1074 rss: 61Mb\n\
        stat::number_of_executed_units: 65536\nstat::average_exec_per_sec:     1074\n";

    #[test]
    fn the_last_words_of_the_engine_become_figures() {
        let inputs = "402/31Kb".to_owned();
        let expected = Figures { executions: 65_536, a_second: 1_074, reached: 812, places: 31_234, inputs };
        assert_eq!(figures(SAID), expected);
    }

    #[test]
    fn a_finding_names_what_broke_the_input_and_how_to_see_it_again() {
        let said = "#9 NEW\nthread '<unnamed>' panicked at card/src/tlv.rs:50:9:\nattempt to add with overflow\n\
            Test unit written to /t/fuzz/artifacts/tlv/crash-1\n";
        let message = finding(&Place::here(), "tlv", said, Path::new("/t/fuzz/tlv.log")).to_string();
        for part in
            ["card/src/tlv.rs:50:9", "with overflow", "release/tlv /t/fuzz/artifacts/tlv/crash-1`", "tlv.log"]
        {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn every_target_of_the_folder_is_run_and_no_other_name_is_taken() {
        let folder = Place::here().root.join("fuzz/fuzz_targets");
        let mut files: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|it| it.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        files.sort();
        let mut targets = TARGETS.map(|it| it.0.to_owned()).to_vec();
        targets.sort();
        assert_eq!(files, targets);
        assert!(chosen(Some("nobody")).unwrap_err().to_string().contains("qr_text"));
    }
}
