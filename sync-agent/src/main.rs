//! The command line of the agent.

use clap::{Parser, Subcommand};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use sync_agent::{home::Home, join, run, status};
use tracing_subscriber::EnvFilter;

/// Genkan's sync agent: carries sealed records between the kiosk and the registry.
#[derive(Parser)]
#[command(version, propagate_version = true)]
struct Cli {
    /// The agent's directory.
    #[arg(long, value_name = "DIR", global = true, default_value = "/var/lib/genkan-agent")]
    directory: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make this agent's key if there is none, and write its request for a certificate (DER), for `kiosk registry join`.
    Request {
        /// Where to.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Carry the kiosk's request to the registry and keep the answer; or keep an answer that came by stick.
    #[command(group = clap::ArgGroup::new("by").required(true))]
    Join {
        /// The request that `kiosk registry join` wrote.
        #[arg(long, value_name = "FILE", group = "by")]
        request: Option<PathBuf>,
        /// The answer that `registry device join` wrote.
        #[arg(long, value_name = "FILE", group = "by")]
        answer: Option<PathBuf>,
    },
    /// Carry, until told to stop.
    Run,
    /// How things are.
    Status {
        /// For programs.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
    match perform(&Home::new(&cli.directory), cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sync-agent: {error}");
            ExitCode::FAILURE
        }
    }
}

fn perform(home: &Home, command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Request { out } => {
            std::fs::write(&out, join::request(home)?).map_err(|error| named(&out, &error))?;
        }
        Command::Join { request, answer } => {
            let joined = match (request, answer) {
                (Some(request), _) => join::over_the_network(home, &read(&request)?)?,
                (None, Some(answer)) => join::by_hand(home, &read(&answer)?)?,
                (None, None) => unreachable!("clap asks for one of them"),
            };
            println!("joined {}: facility {}, device {}", joined.tenant, joined.facility, joined.author);
        }
        Command::Run => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(run::run(home))?;
        }
        Command::Status { json } => say_status(home, json)?,
    }
    Ok(())
}

fn say_status(home: &Home, json: bool) -> Result<(), Box<dyn Error>> {
    let file = home.status();
    let read = status::read(&file).map_err(|error| named(&file, &error))?;
    if json {
        println!("{}", serde_json::to_string_pretty(&read)?);
    } else {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        print!("{}", status::text(&read, now.as_secs()));
    }
    Ok(())
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|error| named(file, &error))
}

fn named(file: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", file.display())
}
