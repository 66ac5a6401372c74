//! The figures of the networks, of whole frames and of the search, each beside a peer that is measured in the same run.
//!
//! `cargo xtask bench` builds this program, installs the peers and starts it; `models/BENCHMARKS.md` says what each figure
//! means. In reading order: `figure` (what is printed), `measure` (turns, medians), `peer` (the other process), `inputs`
//! (what both sides are given), `ours` (how our side is run), and then the figures themselves: `networks`, `search`,
//! `pipeline`, `memory`.

mod allocations;
mod failure;
mod figure;
mod inputs;
mod measure;
mod memory;
mod networks;
mod ours;
mod peer;
mod pipeline;
mod search;

use std::cell::Cell;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use failure::{At as _, Failure};
use figure::Figure;
use inputs::Folders;
use peer::Peers;

/// Measure the networks, whole frames and the search, each beside its peer.
#[derive(Parser)]
struct Arguments {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// Only figures whose name begins like this; may be given several times
    #[arg(long, value_name = "PREFIX")]
    only: Vec<String>,
    /// Rounds of each comparison
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Load this network, run it exactly once, print its memory, and do nothing else
    #[arg(long, value_name = "NETWORK", value_parser = memory::NETWORKS)]
    once: Option<String>,
    /// Folder with the weights that `cargo xtask models` fetches
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/fetched/models"))]
    models: PathBuf,
    /// Folder with what it fetches only on request
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/fetched/optional"))]
    optional: PathBuf,
    /// Folder with the photographs that it fetches
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/fetched/photos"))]
    photographs: PathBuf,
    /// The interpreter of the environment that `cargo xtask bench` makes
    #[arg(long, value_name = "FILE", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/fetched/python/bin/python"))]
    python: PathBuf,
    /// Folder for what the peers are given
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    out: PathBuf,
}

/// What every comparison needs.
struct Bench {
    folders: Folders,
    peers: Peers,
    rounds: usize,
    only: Vec<String>,
    json: bool,
    printed: Cell<bool>,
}

impl Bench {
    /// Whether a figure was asked for.
    fn wants(&self, figure: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|prefix| figure.starts_with(prefix))
    }

    fn print(&self, figure: Figure) {
        let figure = figure.detail("rounds", self.rounds);
        let mut out = std::io::stdout().lock();
        let first = !self.printed.replace(true);
        // A reader that has gone away is no error of ours.
        _ = match (self.json, first) {
            (true, _) => writeln!(out, "{}", figure.json()),
            (false, true) => writeln!(out, "{}\n{}", figure::head(), figure.line()),
            (false, false) => writeln!(out, "{}", figure.line()),
        };
    }

    fn print_if_wanted(&self, figure: Figure) {
        if self.wants(&figure.figure) {
            self.print(figure);
        }
    }
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let mut cause: Option<&dyn std::error::Error> = Some(&failure);
            while let Some(error) = cause {
                eprintln!("bench: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let out = std::path::absolute(&arguments.out).at("find", &arguments.out)?;
    std::fs::create_dir_all(&out).at("make the folder", &out)?;
    let folders = Folders {
        models: arguments.models,
        optional: arguments.optional,
        photographs: arguments.photographs,
        out,
    };
    if let Some(network) = arguments.once {
        let grown = memory::once(&network, &folders)?;
        println!("{}", serde_json::to_string(&grown).expect("our own values have string keys"));
        return Ok(());
    }
    let bench = Bench {
        folders,
        peers: Peers::new(arguments.python),
        rounds: usize::from(arguments.rounds),
        only: arguments.only,
        json: arguments.json,
        printed: Cell::new(false),
    };
    networks::figures(&bench)?;
    search::figures(&bench)?;
    pipeline::figures(&bench)?;
    memory::figures(&bench)
}
