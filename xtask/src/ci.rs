//! Everything that a change must pass, in the order of how fast it says no, with the seconds of each stage.

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use crate::deny::{self, Advisories};
use crate::failure::Failure;
use crate::fuzz;
use crate::place::Place;
use crate::process::{cargo, pass_through, run, say};
use crate::programs;

/// How a stage ended.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Passed,
    NotChecked(String),
    Failed(String),
}

struct Row {
    stage: &'static str,
    took: Duration,
    verdict: Verdict,
}

type Stage<'a> = (&'static str, &'a dyn Fn() -> Verdict);

/// Runs every stage, also after one has failed, so that one run shows all that is wrong. Only without its set-up there
/// is nothing to run.
pub(crate) fn ci(place: &Place) -> ExitCode {
    let cargo_in = |arguments: &[&str]| {
        let mut command = cargo();
        command.args(arguments).current_dir(&place.root);
        command
    };
    let setup = || verdict(programs::setup(place));
    let format = || {
        let ours = run(&mut cargo_in(&["fmt", "--all", "--check"]));
        verdict(ours.and_then(|()| fuzz::formatted(place)))
    };
    let clippy = || {
        let ours = run(&mut cargo_in(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]));
        verdict(ours.and_then(|()| fuzz::linted(place)))
    };
    let build = || verdict(programs::built(place).map(|_| ()));
    let test = || tested(&mut cargo_in(&["test", "--workspace"]));
    let doc = || {
        let mut command = cargo_in(&["doc", "--workspace", "--no-deps"]);
        verdict(run(command.env("RUSTDOCFLAGS", "-D warnings")))
    };
    let deny = || verdict(deny::check(place));
    let fuzz = || verdict(fuzz::fuzz(place, None, fuzz::CI_SECONDS, false));
    let advisories = || known_vulnerabilities(place);

    let mut rows = timed(&[("setup", &setup)]);
    if rows.iter().all(|row| row.verdict == Verdict::Passed) {
        rows.extend(timed(&[
            ("fmt", &format),
            ("clippy", &clippy),
            ("build", &build),
            ("test", &test),
            ("doc", &doc),
            ("deny", &deny),
            ("advisories", &advisories),
            ("fuzz", &fuzz),
        ]));
    }
    say(&format!("seconds of each stage\n{}", table(&rows)));
    if acceptable(&rows) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What was not checked is said, and does not fail; what failed does.
fn acceptable(rows: &[Row]) -> bool {
    rows.iter().all(|row| match row.verdict {
        Verdict::Passed | Verdict::NotChecked(_) => true,
        Verdict::Failed(_) => false,
    })
}

fn timed(stages: &[Stage]) -> Vec<Row> {
    let run = |&(stage, work): &Stage| {
        say(&format!("stage {stage}"));
        let started = Instant::now();
        let verdict = work();
        if let Verdict::Failed(message) | Verdict::NotChecked(message) = &verdict {
            say(&format!("stage {stage}: {message}"));
        }
        Row { stage, took: started.elapsed(), verdict }
    };
    stages.iter().map(run).collect()
}

fn verdict(result: Result<(), Failure>) -> Verdict {
    match result {
        Ok(()) => Verdict::Passed,
        Err(failure) => Verdict::Failed(failure.to_string()),
    }
}

/// The tests keep their stdout: their closing lines are what a reader looks for.
fn tested(command: &mut Command) -> Verdict {
    match pass_through(command) {
        Ok(code) if code == ExitCode::SUCCESS => Verdict::Passed,
        Ok(_) => Verdict::Failed("tests failed".to_owned()),
        Err(failure) => Verdict::Failed(failure.to_string()),
    }
}

fn known_vulnerabilities(place: &Place) -> Verdict {
    match deny::advisories(place) {
        Ok(Advisories::Checked) => Verdict::Passed,
        Ok(Advisories::NotChecked(reason)) => Verdict::NotChecked(reason),
        Err(failure) => Verdict::Failed(failure.to_string()),
    }
}

/// One line a stage and the sum.
fn table(rows: &[Row]) -> String {
    let mut lines = String::new();
    for row in rows {
        let end = match &row.verdict {
            Verdict::Passed => "passed",
            Verdict::NotChecked(_) => "NOT CHECKED",
            Verdict::Failed(_) => "FAILED",
        };
        lines.push_str(&format!("{:>8.1}  {:<10}  {end}\n", row.took.as_secs_f64(), row.stage));
    }
    let total: Duration = rows.iter().map(|row| row.took).sum();
    lines.push_str(&format!("{:>8.1}  total", total.as_secs_f64()));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(stage: &'static str, millis: u64, verdict: Verdict) -> Row {
        Row { stage, took: Duration::from_millis(millis), verdict }
    }

    #[test]
    fn one_failed_stage_fails_the_run_and_an_unchecked_one_does_not() {
        let unchecked = || row("advisories", 1, Verdict::NotChecked("no database".into()));
        assert!(acceptable(&[row("test", 1, Verdict::Passed), unchecked()]));
        assert!(!acceptable(&[row("test", 1, Verdict::Failed("tests failed".into())), unchecked()]));
    }

    #[test]
    fn the_table_shows_every_stage_with_its_seconds_and_its_end() {
        let table = table(&[
            row("test", 61_250, Verdict::Failed("tests failed".into())),
            row("deny", 1_000, Verdict::Passed),
            row("advisories", 500, Verdict::NotChecked("no database".into())),
        ]);
        let expected = "    61.2  test        FAILED\n     1.0  deny        passed\n     0.5  advisories  NOT CHECKED\n    62.8  total";
        assert_eq!(table, expected);
    }

    #[test]
    fn a_failed_stage_does_not_hide_the_ones_after_it() {
        let bad = || Verdict::Failed("broken".into());
        let good = || Verdict::Passed;
        let rows = timed(&[("fmt", &bad), ("test", &good)]);
        assert_eq!(rows.iter().map(|row| row.stage).collect::<Vec<_>>(), ["fmt", "test"]);
    }
}
