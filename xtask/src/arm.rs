//! `cargo xtask test-arm`: the tests of the networks and of the search on AArch64, under qemu's user emulation.
//!
//! They run twice, as on a Raspberry Pi 4 (Cortex-A72: no dot products) and as on a processor with everything that qemu
//! knows, so that every set of kernels is compared with plain Rust. An emulator says nothing about speed. What needs the
//! fetched networks stays out: candle would take an hour there.

use std::process::{Command, ExitCode};

use crate::failure::Failure;
use crate::host;
use crate::place::Place;
use crate::process::{cargo, pass_through, run, say};

const TARGET: &str = "aarch64-unknown-linux-gnu";

/// Debian's cross compiler, which here only links.
const LINKER: &str = "aarch64-linux-gnu-gcc";

/// The processors that are emulated.
const PROCESSORS: [&str; 2] = ["cortex-a72", "max"];

/// What is run unless the command names something else.
const TESTS: [&str; 3] = ["kernels::", "network::", "search::"];

/// Builds for AArch64 and runs the tests of `models` on each emulated processor; `arguments` take the place of [`TESTS`].
pub(crate) fn test(place: &Place, arguments: &[String]) -> Result<ExitCode, Failure> {
    host::prepare()?;
    host::prepare_for_arm()?;
    standard_library()?;
    let chosen = |command: &mut Command| {
        if arguments.is_empty() {
            command.args(TESTS);
        } else {
            command.args(arguments);
        }
    };
    for processor in PROCESSORS {
        say(&format!("running the tests of models as on {processor}"));
        let mut command = cargo();
        command
            .args(["test", "--package", "models", "--lib", "--target", TARGET, "--"])
            .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", LINKER)
            .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", runner(processor))
            .current_dir(&place.root);
        chosen(&mut command);
        let ended = pass_through(&mut command)?;
        if ended != ExitCode::SUCCESS {
            return Ok(ended);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn runner(processor: &str) -> String {
    format!("qemu-aarch64-static -cpu {processor} -L /usr/aarch64-linux-gnu")
}

/// Has Rust's standard library for AArch64 beside the compiler in use.
fn standard_library() -> Result<(), Failure> {
    let installed = Command::new("rustup").args(["target", "list", "--installed"]).output();
    let installed = installed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    if installed.is_ok_and(|list| list.lines().any(|line| line.trim() == TARGET)) {
        return Ok(());
    }
    say("adding Rust's standard library for AArch64 (about 30 MB, once)");
    run(Command::new("rustup").args(["target", "add", TARGET])).map_err(|failure| {
        Failure::new(format!(
            "{failure}\nthe tests on AArch64 need Rust's standard library for {TARGET}: run `rustup target add {TARGET}` \
             where rustup reaches its server; everything else of Genkan works without it"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_emulated_processor_has_dot_products_and_one_has_not() {
        assert_eq!(
            PROCESSORS.map(runner),
            [
                "qemu-aarch64-static -cpu cortex-a72 -L /usr/aarch64-linux-gnu",
                "qemu-aarch64-static -cpu max -L /usr/aarch64-linux-gnu",
            ]
        );
    }
}
