//! Genkan's kiosk: the program at the door, and the commands around it.
//!
//! `arguments` says what can be asked, `commands` does it, `door` is what runs day and night, `ui` is what people see, `sound` what they hear.

mod arguments;
mod assets;
mod clock;
mod commands;
mod day_names;
mod desk;
mod display;
mod door;
mod estimate;
mod facility_file;
mod front;
mod notify;
mod office;
mod output;
mod report;
mod search;
mod service;
mod socket;
mod sound;
mod ui;

use std::process::ExitCode;

use clap::Parser as _;

use self::{
    arguments::{Cli, Command},
    output::Format,
};

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr();
    end_on_panic();
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kiosk: {}", output::explain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// Logs go to stderr, as the service manager expects; `RUST_LOG` chooses how much.
fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,kiosk=info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
}

/// Half a kiosk is worse than none: a thread that panics ends the program. The strike's guard drops the relay, the service
/// manager starts the kiosk again, and a grant that was open is answered as unknown. A photograph that somebody put on a card
/// does not: that panic is caught where it arises.
fn end_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if card::catches_panics() {
            return tracing::warn!("the photograph of a card cannot be decoded");
        }
        report(panic);
        std::process::abort();
    }));
}

fn dispatch(Cli { common, command }: Cli) -> commands::Outcome {
    let format = if common.json { Format::Json } else { Format::Text };
    match command {
        Command::Init(init) => commands::init::init(&common, format, init),
        Command::Run(run) => commands::run::run(&common, &run),
        Command::Enrol(enrol) => commands::enrol::enrol(&common, format, enrol),
        Command::Identify { photos, claim } => {
            commands::identify::identify(&common, format, &photos, claim.as_deref())
        }
        Command::Compare { a, b } => commands::compare::compare(&common, format, &a, &b),
        Command::Threshold(asked) => commands::threshold::threshold(format, &asked),
        Command::Status => commands::threshold::status(&common, format),
        Command::Gallery { command } => commands::gallery::gallery(&common, format, command),
        Command::Audit { command } => commands::audit::audit(&common, format, command),
        Command::UiTour { out } => commands::tour::tour(format, &out),
        Command::Demo(demo) => commands::demo::demo(&common, format, &demo),
        Command::Bench(bench) => commands::bench::bench(&common, format, &bench),
        Command::Facility { command } => commands::facility::facility(&common, format, &command),
        Command::Person { command } => commands::person::person(&common, format, &command),
        Command::Retention => commands::retention::retention(&common, format),
        Command::Report(asked) => commands::report::report(&common, format, &asked),
        Command::Selftest(asked) => commands::selftest::selftest(&common, format, &asked),
        Command::Staff { command } => commands::front::staff(&common, format, command),
        Command::Household { command } => commands::front::household(&common, format, command),
        Command::Card { command } => commands::card::card(&common, format, &command),
        Command::Credential { command } => commands::front::credential(&common, format, command),
        Command::Registry { command: arguments::front::Registry::Trust(asked) } => {
            commands::code::trust(&common, format, &asked)
        }
        Command::Consent { command } => commands::front::consent(&common, format, command),
        Command::Visit { command } => commands::front::visit(&common, format, command),
        Command::StrikeOff { board } => commands::strike::off(&board),
        Command::StrikeGuard { duty } => commands::strike::guard(duty),
    }
}
