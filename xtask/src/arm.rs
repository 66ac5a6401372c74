//! `cargo xtask test-arm`: the tests of the networks and of the search on AArch64, under qemu's user emulation.
//!
//! They run twice, as on a Raspberry Pi 4 (Cortex-A72: no dot products) and as on a processor with everything that qemu
//! knows, so that every set of kernels is compared with plain Rust. An emulator says nothing about speed. What needs the
//! fetched networks stays out: candle would take an hour there. On a machine that is AArch64 itself the same tests run
//! once, as they are.

use std::path::Path;
use std::process::{Command, ExitCode};

use crate::failure::Failure;
use crate::host;
use crate::place::Place;
use crate::process::{cargo, pass_through, say};
use crate::standard_library;

/// The compiler's name for a 64-bit ARM Linux.
pub(crate) const TARGET: &str = "aarch64-unknown-linux-gnu";

/// Debian's cross compiler, which for these tests only links.
pub(crate) const LINKER: &str = "aarch64-linux-gnu-gcc";

/// The processors that are emulated.
const PROCESSORS: [&str; 2] = ["cortex-a72", "max"];

/// What is run unless the command names something else.
const TESTS: [&str; 3] = ["kernels::", "network::", "search::"];

/// Builds for AArch64 and runs the tests of `models` on each emulated processor; `arguments` take the place of [`TESTS`].
pub(crate) fn test(place: &Place, arguments: &[String]) -> Result<ExitCode, Failure> {
    if std::env::consts::ARCH == "aarch64" {
        say("this machine is AArch64: running the tests of models as they are");
        let mut command = cargo();
        command.args(["test", "--package", "models", "--lib"]).args(chosen(arguments));
        return pass_through(command.current_dir(&place.root));
    }
    host::prepare_for_arm()?;
    let sysroot = standard_library::provide(TARGET, LINKER, place)?;
    for processor in PROCESSORS {
        say(&format!("running the tests of models as on {processor}"));
        let mut command = emulated(processor, sysroot.as_deref());
        let ended = pass_through(command.args(chosen(arguments)).current_dir(&place.root))?;
        if ended != ExitCode::SUCCESS {
            return Ok(ended);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `cargo test` on one emulated processor, up to the choice of tests.
fn emulated(processor: &str, sysroot: Option<&Path>) -> Command {
    let mut command = cargo();
    if let Some(sysroot) = sysroot {
        flag(&mut command, &["--sysroot", &sysroot.to_string_lossy()]);
    }
    command
        .args(["test", "--package", "models", "--lib", "--target", TARGET])
        .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", LINKER)
        .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", runner(processor));
    command
}

/// Gives the compiler `flags`, for AArch64 alone: what runs during the build is this machine's.
pub(crate) fn flag(command: &mut Command, flags: &[&str]) {
    // Flags in the environment would take the place of these.
    command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    command.args(["--config", &format!("target.{TARGET}.rustflags={flags:?}")]);
}

fn runner(processor: &str) -> String {
    format!("qemu-aarch64-static -cpu {processor} -L /usr/aarch64-linux-gnu")
}

/// What `cargo test` is told after its own options.
fn chosen(arguments: &[String]) -> Vec<&str> {
    let tests: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let tests = if tests.is_empty() { TESTS.to_vec() } else { tests };
    std::iter::once("--").chain(tests).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::line;

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

    #[test]
    fn a_standard_library_of_our_own_is_named_to_the_compiler_also_where_its_path_has_spaces() {
        let command = line(&emulated("max", Some(Path::new("/home/a b/c"))));
        let config =
            r#"--config target.aarch64-unknown-linux-gnu.rustflags=["--sysroot", "/home/a b/c"] test"#;
        assert!(command.contains(config), "{command}");
    }

    #[test]
    fn the_compilers_own_standard_library_needs_no_flags() {
        assert!(!line(&emulated("max", None)).contains("--config"));
    }

    #[test]
    fn what_the_command_names_takes_the_place_of_the_usual_tests() {
        assert_eq!(chosen(&[]), ["--", "kernels::", "network::", "search::"]);
        assert_eq!(chosen(&["tracker".to_owned()]), ["--", "tracker"]);
    }
}
