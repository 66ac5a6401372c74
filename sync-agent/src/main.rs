//! The sync agent: not built yet. The program says so and fails, so that nobody mistakes it for one that works.

use std::process::ExitCode;

fn main() -> ExitCode {
    eprintln!("sync-agent: not built yet; see sync-agent/README.md");
    ExitCode::FAILURE
}
