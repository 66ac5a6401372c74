//! The command line. `--help` is the manual; every command that reports something has `--json`.

pub(crate) mod card;
pub(crate) mod front;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Genkan's kiosk: a face at the door becomes a decision, a durable record and a pulse of the strike.
#[derive(Parser)]
#[command(version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Args, Clone)]
pub(crate) struct Common {
    /// The data directory: the encrypted vault and, in development, its key. One kiosk, one directory.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/genkan", global = true)]
    pub(crate) data: PathBuf,
    /// Where the networks' weights lie. Default: $GENKAN_MODELS, then assets/fetched/models above the program, then
    /// /usr/share/genkan/models.
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) models: Option<PathBuf>,
    /// Print one JSON object a line instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Create the data directory, its key and an empty vault. The only command that creates anything.
    Init(Init),
    /// Run the kiosk at a board until it is told to stop.
    Run(Run),
    /// Enrol one person from photographs.
    Enrol(Enrol),
    /// Search the gallery for the face on each photograph, by the rules of the door. Opens nothing, records nothing.
    Identify {
        /// A photograph with one face (JPEG or PNG).
        #[arg(long = "photo", value_name = "FILE", required = true, num_args = 1..)]
        photos: Vec<PathBuf>,
        /// Compare with this person's references only (1:1), as after the person's card was presented.
        #[arg(long, value_name = "ID")]
        claim: Option<String>,
    },
    /// Compare the faces on two photographs. Needs no data directory.
    Compare {
        /// The first photograph.
        a: PathBuf,
        /// The second photograph.
        b: PathBuf,
    },
    /// The threshold for so many references with its error bars, or that none is supported. Needs no data directory.
    Threshold(Threshold),
    /// The threshold in use, and whether the model's card still holds at this door.
    Status,
    /// Who is enrolled.
    Gallery {
        #[command(subcommand)]
        command: Gallery,
    },
    /// The audit log.
    Audit {
        #[command(subcommand)]
        command: Audit,
    },
    /// Draw every screen in every language as PNG.
    UiTour {
        /// The folder for the pictures.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Play the demonstration: sample people, sample visits, the simulated board, in a data directory of its own.
    Demo(Demo),
    /// Measure cold start, memory and the stages from capture to commit. Figures, not limits.
    Bench(Bench),
    /// The facility's rules: whom it admits and when, what they pay, how strict the door is.
    Facility {
        #[command(subcommand)]
        command: Facility,
    },
    /// What is held about somebody: looked up, given out, erased.
    Person {
        #[command(subcommand)]
        command: Person,
    },
    /// What is kept how long, and what would go now.
    Retention,
    /// Visitors, reception times, refusals and fees of a day, a month or another span; today if none is given.
    Report(Report),
    /// Try every device of a board and say what to do. The door stays shut, unless --pulse is given.
    Selftest(SelfTest),
    /// Who works here and signs in at the kiosk.
    Staff {
        #[command(subcommand)]
        command: front::Staff,
    },
    /// Families, enrolled together.
    Household {
        #[command(subcommand)]
        command: front::Household,
    },
    /// A chip card on a reader: read, authenticated, compared with a face. Needs no data directory.
    Card {
        #[command(subcommand)]
        command: card::Card,
    },
    /// Cards and codes: whose they are.
    Credential {
        #[command(subcommand)]
        command: front::Credential,
    },
    /// The registry that this kiosk believes about codes.
    Registry {
        #[command(subcommand)]
        command: front::Registry,
    },
    /// The texts that people agree to.
    Consent {
        #[command(subcommand)]
        command: front::Consent,
    },
    /// Visitors without face or card.
    Visit {
        #[command(subcommand)]
        command: front::Visit,
    },
    /// Put the board's strike into its resting state (the service's stop action).
    StrikeOff {
        /// The board file.
        #[arg(long, value_name = "FILE")]
        board: PathBuf,
    },
    /// Wait for the kiosk's end and force the relay off. Started by the strike driver, not by people.
    #[command(hide = true)]
    StrikeGuard {
        /// What to do in the end.
        duty: boards::guard::Duty,
    },
}

#[derive(Args)]
pub(crate) struct Init {
    /// The facility's name, as people know it.
    #[arg(long, default_value = "見本施設")]
    pub(crate) facility: String,
    /// Who operates the face recognition, in Japanese (shown on the idle screen; up to 16 full-width characters fit).
    #[arg(long, default_value = "見本市（未設定）")]
    pub(crate) operator: String,
    /// The same in English.
    #[arg(long, default_value = "Sample City (not set)")]
    pub(crate) operator_en: String,
    /// What it is used for, in Japanese (shown on the idle screen; up to 32 full-width characters fit).
    #[arg(long, default_value = "入館の受付")]
    pub(crate) purpose: String,
    /// The same in English.
    #[arg(long, default_value = "Reception of visitors")]
    pub(crate) purpose_en: String,
    /// Whom to ask, in Japanese (shown on the idle screen; up to 16 full-width characters fit).
    #[arg(long, default_value = "窓口")]
    pub(crate) contact: String,
    /// The same in English.
    #[arg(long, default_value = "Front desk")]
    pub(crate) contact_en: String,
}

#[derive(Args)]
pub(crate) struct Run {
    /// The board file: devices of this kiosk.
    #[arg(long, value_name = "FILE")]
    pub(crate) board: PathBuf,
    /// Show no window.
    #[arg(long)]
    pub(crate) headless: bool,
    /// A program that tells the staff when 「係員を呼ぶ」 is pressed (a chime, a pager). Without it the call is on record
    /// and in the log, and nobody hears it.
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) on_staff_call: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Enrol {
    /// The person's name. Stays in the vault; never in a log.
    #[arg(long)]
    pub(crate) name: String,
    /// Photographs with one face each (JPEG or PNG); each becomes a reference.
    #[arg(long = "photo", value_name = "FILE", required = true, num_args = 1..)]
    pub(crate) photos: Vec<PathBuf>,
    /// The revoked enrolment that this one takes the place of.
    #[arg(long, value_name = "ID")]
    pub(crate) reinstate: Option<String>,
}

#[derive(Args)]
pub(crate) struct Threshold {
    /// How many references are searched.
    #[arg(long, value_name = "N")]
    pub(crate) references: usize,
    /// The part of strangers' visits that may end in a false match, between 0 and 1. Default: the policy's.
    #[arg(long, value_name = "X", value_parser = share)]
    pub(crate) fpir: Option<f64>,
}

fn share(text: &str) -> Result<f64, String> {
    let share: Option<f64> = text.parse().ok().filter(|share| *share > 0.0 && *share < 1.0);
    share.ok_or_else(|| {
        "a number between 0 and 1 is expected, for instance 0.01 for one visit in a hundred".into()
    })
}

#[derive(Subcommand)]
pub(crate) enum Gallery {
    /// List everybody who is enrolled.
    List,
    /// Revoke an enrolment. It is not undone; a person who may come again is enrolled anew with `--reinstate`.
    Revoke {
        /// The enrolee id, as `kiosk gallery list` shows it.
        person: String,
        /// Why, for the record.
        #[arg(long, default_value = "not stated")]
        reason: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum Audit {
    /// Check the whole log, and say what the check cannot prove.
    Verify {
        /// Check this exported log instead of the vault's.
        #[arg(long, value_name = "FILE")]
        log: Option<PathBuf>,
        /// A head that was exported earlier and kept elsewhere: proves that nothing before it is missing.
        #[arg(long, value_name = "FILE")]
        head: Option<PathBuf>,
    },
    /// Write the log (`log.pages`), its head (`head.cbor`) and a readable copy (`log.jsonl`).
    Export {
        /// The folder for the three files.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

#[derive(Subcommand)]
pub(crate) enum Facility {
    /// Read a facility's file and say what is wrong with it. Needs no data directory.
    Check {
        /// The file; assets/facilities has examples.
        file: PathBuf,
        /// The board at which it will be used. Default: a door with a colour camera.
        #[arg(long, value_name = "FILE")]
        board: Option<PathBuf>,
    },
    /// Put a facility's file to use, at once if a kiosk is running. The change is recorded.
    Set {
        /// The file.
        file: PathBuf,
    },
    /// The rules that count, as they were set.
    Show,
}

#[derive(Subcommand)]
pub(crate) enum Person {
    /// List everybody who is enrolled. Protected names are not shown.
    List,
    /// Look somebody up. It is recorded.
    Show {
        /// The enrolee id, as `kiosk person list` shows it.
        person: String,
        /// Why, for the record; the person may ask for it.
        #[arg(long)]
        why: String,
    },
    /// Write everything that is held about a person, as JSON and as a page to read. It is recorded.
    Export {
        /// The enrolee id.
        person: String,
        /// Why, for the record; the person may ask for it.
        #[arg(long)]
        why: String,
        /// The folder for the two files.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Erase a person for ever. It is recorded that it was done; a running kiosk forgets them at once.
    Erase {
        /// The enrolee id.
        person: String,
        /// Yes, erase.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Args)]
pub(crate) struct SelfTest {
    /// The board file.
    #[arg(long, value_name = "FILE")]
    pub(crate) board: PathBuf,
    /// Release the door for one pulse as well. It is recorded, and no figure counts it.
    #[arg(long)]
    pub(crate) pulse: bool,
}

#[derive(Args)]
pub(crate) struct Report {
    /// One day, like 2026-11-24.
    #[arg(long, value_name = "DATE", conflicts_with_all = ["month", "from", "until"])]
    pub(crate) day: Option<String>,
    /// One month, like 2026-11.
    #[arg(long, value_name = "YYYY-MM", conflicts_with_all = ["from", "until"])]
    pub(crate) month: Option<String>,
    /// The first day.
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<String>,
    /// The last day. Default: today.
    #[arg(long, value_name = "DATE", requires = "from")]
    pub(crate) until: Option<String>,
    /// Write a table for spreadsheets: a row for each day and month.
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,
    /// Write a page to print (A4).
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Demo {
    /// The folder for the data, the pictures and the exported log. An earlier demonstration in it is replaced.
    #[arg(long, value_name = "DIR", default_value = "target/demo")]
    pub(crate) out: PathBuf,
    /// The folder with the sample photographs. Default: assets/fetched/photos above the program.
    #[arg(long, value_name = "DIR")]
    pub(crate) photos: Option<PathBuf>,
    /// Show no window, even where there is a display.
    #[arg(long)]
    pub(crate) headless: bool,
}

#[derive(Args)]
pub(crate) struct Bench {
    /// The folder for the data and the figures.
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    pub(crate) out: PathBuf,
    /// How many synthetic references (unit vectors) to enrol.
    #[arg(long, default_value_t = 60_000)]
    pub(crate) references: u32,
    /// The seed of the synthetic references.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}
