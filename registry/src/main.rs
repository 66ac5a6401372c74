//! The registry, as far as it is built: it states in a control feed whose keys sign codes and who is denied, and it issues
//! codes. One command, one process, one directory; the service comes later, see registry/README.md.

mod arguments;
mod code;
mod directory;
mod feed;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let cli = arguments::Cli::parse();
    match code::dispatch(&cli) {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("registry: {error}");
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                eprintln!("  because: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}
