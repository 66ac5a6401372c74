//! `city`: the whole city on this machine, played once; `cargo xtask demo --city` starts it.
//!
//! Prints one timeline, with `--json` one object a line. Ends with another status than 0 when any step does not come true.

use std::{fs, io, path::PathBuf, process::ExitCode};

use clap::Parser;
use tests::city::{At as _, City, Plan, Shown, Timeline, Trouble, story};

/// A broker, a registry, two kiosks with their agents: from a voucher to a withdrawal.
#[derive(Parser)]
struct Arguments {
    /// The folder for everything that the city writes. An earlier city in it is replaced.
    #[arg(long, value_name = "DIR", default_value = "target/city")]
    out: PathBuf,
    /// The registry keeps its database in a private PostgreSQL, not in SQLite.
    #[arg(long)]
    postgresql: bool,
    /// The kiosks open no window, even where there is a display.
    #[arg(long)]
    headless: bool,
    /// One JSON object a line: event, at_ms, who, details.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match played(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("city: {trouble}");
            ExitCode::FAILURE
        }
    }
}

fn played(arguments: &Arguments) -> Result<(), Trouble> {
    let out = std::path::absolute(&arguments.out).at("find", &arguments.out)?;
    match fs::remove_dir_all(&out) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause).at("replace", &out)?,
        Ok(()) | Err(_) => fs::create_dir_all(&out).at("make the folder", &out)?,
    }
    let timeline = Timeline::begin(if arguments.json { Shown::Json } else { Shown::Text });
    let plan = Plan {
        doors: &story::DOORS,
        postgresql: arguments.postgresql,
        headless: arguments.headless || std::env::var_os("DISPLAY").is_none(),
        services: 1,
    };
    let mut city = City::found(&out, &plan)?;
    story::play(&mut city, &timeline)
}
