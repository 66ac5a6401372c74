//! The registry: the central end of the wire. Its story is in `registry/README.md`.

mod arguments;
mod bytes;
mod code;
mod commands;
pub mod config;
mod control;
pub mod db;
mod directory;
pub mod failure;
mod http;
pub mod keys;
pub mod office;
mod operators;
mod people;
mod say;

use std::process::ExitCode;

use clap::Parser as _;

pub use directory::authority;

/// The program: does what the command line asks for.
pub fn command_line() -> ExitCode {
    let cli = arguments::Cli::parse();
    match commands::dispatch(&cli) {
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
