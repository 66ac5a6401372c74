//! The registry: not built yet. The program says so and fails, so that nobody mistakes it for one that works.

use std::process::ExitCode;

fn main() -> ExitCode {
    eprintln!("registry: not built yet; see registry/README.md");
    ExitCode::FAILURE
}
