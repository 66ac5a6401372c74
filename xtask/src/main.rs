//! `cargo xtask`: from a fresh Debian machine with Rust to a running Genkan, and the checks that a change must pass.
//!
//! Compiled first of all, so it depends on little. Everything it says itself goes to stderr: stdout belongs to the
//! program that a command runs.

mod arm;
mod cards;
mod ci;
mod client;
mod cross;
mod debian;
mod deny;
mod elf;
mod failure;
mod fetch;
mod font;
mod fuzz;
mod host;
mod pin;
mod place;
mod process;
mod programs;
mod python;
mod standard_library;
mod sysroot;
mod visits;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Failure;
use place::Place;

/// Genkan's own commands. Each sets up what it needs; start with `cargo xtask demo`.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", subcommand_required = true, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install and fetch all that the build, the tests and the demo need
    Setup,
    /// Fetch the pinned networks and sample photographs, checking both hashes of each
    Models {
        /// Only look: name what is absent or wrong, fetch nothing
        #[arg(long)]
        verify: bool,
        /// Also this network, whose licence allows less than a door needs: it is shown, and only `bench` uses the network
        #[arg(long, value_name = "NETWORK")]
        with: Vec<String>,
    },
    /// Play the visits of the demo; screenshots and the exported log go to target/demo
    Demo {
        /// Instead, unfinished (it fails where the registry and the kiosk are, and says so): a broker, a registry and two
        /// kiosks with their agents, from a voucher to a withdrawal; target/city
        #[arg(long)]
        city: bool,
        /// With --city: the registry keeps its database in a private PostgreSQL, not in SQLite
        #[arg(long, requires = "city")]
        postgresql: bool,
        /// Open no window even where there is a display
        #[arg(long)]
        headless: bool,
        /// One JSON object a line for each visit, with --city for each event
        #[arg(long)]
        json: bool,
    },
    /// Run all tests; arguments after -- go to cargo test
    Test {
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Run the tests of the networks' kernels and the search for AArch64, emulated; arguments after -- choose tests
    TestArm {
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Build the device's programs for AArch64 into target/cross/bin, and say which libraries they need there
    Cross {
        /// Play the demo's visits with them, emulated, and compare each decision and score with this machine's
        #[arg(long)]
        run: bool,
        /// The processor that is emulated: `max` has everything, `cortex-a72` is a Raspberry Pi 4
        #[arg(long, value_name = "NAME", requires = "run", default_value = cross::EVERYTHING)]
        processor: String,
    },
    /// Run the fuzz targets of fuzz/, two at a time, and print what each reached
    Fuzz {
        /// Only this target
        target: Option<String>,
        /// Seconds of each target
        #[arg(long, value_name = "N", default_value_t = fuzz::SECONDS)]
        seconds: u32,
        /// Then take what was found into fuzz/corpus, as little as reaches the same
        #[arg(long)]
        keep: bool,
    },
    /// Run all that a change must pass: formatting, lints, tests, documentation, licences, fuzz targets
    Ci,
    /// Measure a release build beside its peers: networks, search, whole frames, QR codes, then the kiosk's start, memory and visits
    Bench {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
        /// Only figures whose name begins like this (the kiosk's: `kiosk`); may be given several times
        #[arg(long, value_name = "PREFIX")]
        only: Vec<String>,
    },
    /// Draw every screen in every language to target/ui-tour
    Tour,
}

fn main() -> ExitCode {
    let task = Arguments::parse().task;
    match perform(task, &Place::here()) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task, place: &Place) -> Result<ExitCode, Failure> {
    let done = |()| ExitCode::SUCCESS;
    match task {
        Task::Setup => programs::setup(place).map(done),
        Task::Models { verify: true, with } => cards::verify_all(place, &with).map(done),
        Task::Models { verify: false, with } => {
            host::prepare()?;
            cards::fetch_all(place, &with).map(done)
        }
        Task::Demo { city: false, postgresql: _, headless, json } => programs::demo(place, headless, json),
        Task::Demo { city: true, postgresql, headless, json } => {
            programs::city(place, &programs::City { postgresql, headless, json })
        }
        Task::Test { arguments } => programs::test(place, &arguments),
        Task::TestArm { arguments } => arm::test(place, &arguments),
        Task::Cross { run, processor } => cross::cross(place, run.then_some(processor.as_str())).map(done),
        Task::Fuzz { target, seconds, keep } => fuzz::fuzz(place, target.as_deref(), seconds, keep).map(done),
        Task::Ci => Ok(ci::ci(place)),
        Task::Bench { json, only } => programs::bench(place, json, &only),
        Task::Tour => programs::tour(place),
    }
}
