//! The registry: the central end of the wire. Its story is in `registry/README.md`.

mod arguments;
#[allow(dead_code, reason = "half of it is for the server that is not there yet")]
mod bytes;
mod code;
mod commands;
pub mod config;
mod control;
pub mod db;
mod directory;
pub mod failure;
#[allow(dead_code, reason = "the server that listens with it is not there yet")]
mod http;
pub mod keys;
pub mod office;
#[allow(dead_code, reason = "the commands and the server that ask it are not there yet")]
mod operators;
#[allow(dead_code, reason = "the commands and the server that call it are not there yet")]
mod people;
mod say;
pub mod service;

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
