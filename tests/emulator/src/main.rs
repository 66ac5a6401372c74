//! Lays an emulated card on a virtual reader of pcscd, until it is stopped or its scenario ends.

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, Mutex},
};

use clap::Parser;
use emulator::{Emulator, Plan, SCENARIOS, vpcd};

/// A card in software, on a virtual reader (vsmartcard's vpcd) of pcscd.
#[derive(Parser)]
struct Arguments {
    /// Where the reader's driver listens.
    #[arg(long, default_value = "127.0.0.1:35963")]
    reader: SocketAddr,
    /// Which card, and what happens to it.
    #[arg(long, default_value = "good", value_parser = clap::builder::PossibleValuesParser::new(SCENARIOS))]
    scenario: String,
    /// A file for the tries that are left; without it they end with the program.
    #[arg(long)]
    tries: Option<PathBuf>,
    /// Cards of one seed are the same card.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A JP2 file for the photograph.
    #[arg(long)]
    photo: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("emulator: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> std::io::Result<()> {
    let mut plan = Plan::scenario(&arguments.scenario).expect("clap lets only scenarios pass");
    plan.seed = arguments.seed;
    if let Some(photo) = arguments.photo {
        plan.photo = std::fs::read(photo)?;
    }
    let card = match arguments.tries {
        Some(file) => Emulator::with_tries(plan, file)?,
        None => Emulator::new(plan),
    };
    println!("the card lies on the reader; Ctrl-C takes it away");
    let ended = vpcd::run(arguments.reader, &Arc::new(Mutex::new(card)))?;
    println!("the session ended: {ended:?}");
    Ok(())
}
