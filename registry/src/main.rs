//! The registry's program; everything is in the library, so that tests can hold its parts.

use std::process::ExitCode;

fn main() -> ExitCode {
    registry::command_line()
}
