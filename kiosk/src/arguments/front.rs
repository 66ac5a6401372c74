//! The command line of the front desk: staff, households, cards, consent texts, visitors entered by hand.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Subcommand)]
pub(crate) enum Staff {
    /// Add a member of the staff. The PIN (4 to 12 digits) is read from standard input.
    Add {
        /// The name on the sign-in list.
        #[arg(long)]
        name: String,
        /// What they may do.
        #[arg(long, value_enum)]
        role: Role,
    },
    /// Set a new PIN, read from standard input: for somebody who forgot it or is locked out.
    Pin {
        /// The id, as `kiosk staff list` shows it.
        staff: String,
    },
    /// Who works here.
    List,
    /// Remove a member of the staff. The last supervisor stays.
    Remove {
        /// The id, as `kiosk staff list` shows it.
        staff: String,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Role {
    /// Receives visitors and enrols people.
    Reception,
    /// Also erases, sets PINs, changes rules.
    Supervisor,
}

#[derive(Subcommand)]
pub(crate) enum Household {
    /// Enrol a household from a file (TOML): all of it or nobody. `--example` prints such a file.
    Add {
        /// The file. Photographs are relative to it.
        #[arg(long, value_name = "FILE", required_unless_present = "example")]
        file: Option<PathBuf>,
        /// Print a file to fill in, and enrol nobody.
        #[arg(long)]
        example: bool,
    },
    /// What staff should look at: a household without a representative, passes that overlap, and the like.
    Check,
    /// Put somebody under protection: never shown, counted or found through the family.
    Protect {
        /// The person.
        person: String,
        /// End the protection instead.
        #[arg(long)]
        lift: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum Credential {
    /// Bind a card or code to its owner. Only a keyed digest of it is kept.
    Bind(Card),
    /// Take a card or code away from whoever has it.
    Unbind(Read),
    /// Explain a signed QR code part by part, and what this kiosk would say to it. Uses nothing up, records nothing.
    Inspect(Inspect),
}

#[derive(Args)]
pub(crate) struct Inspect {
    /// The code's text; `-` reads it from stdin.
    pub(crate) text: String,
    /// The site where it would be shown, as codes name it.
    #[arg(long, value_name = "NAME", default_value = "")]
    pub(crate) site: String,
    /// The zone that the door leads to, 0 to 62.
    #[arg(long, value_name = "ZONE", default_value_t = 0)]
    pub(crate) zone: u8,
    /// As in an evacuation shelter.
    #[arg(long)]
    pub(crate) shelter: bool,
    /// As where codes count also while the denylist is old.
    #[arg(long)]
    pub(crate) old_denylist_open: bool,
}

#[derive(Subcommand)]
pub(crate) enum Registry {
    /// Believe a registry (once), and take in its control feed (as often as there is a new file).
    Trust(Trust),
}

#[derive(Args)]
pub(crate) struct Trust {
    /// The registry's voucher, from a hand that you trust.
    #[arg(long, value_name = "FILE")]
    pub(crate) voucher: PathBuf,
    /// What `registry control export` wrote.
    #[arg(long, value_name = "FILE")]
    pub(crate) control: PathBuf,
}

#[derive(Args)]
pub(crate) struct Card {
    /// The person who owns it.
    #[arg(long, value_name = "ID", required_unless_present = "staff", conflicts_with = "staff")]
    pub(crate) person: Option<String>,
    /// The member of the staff who owns it.
    #[arg(long, value_name = "ID")]
    pub(crate) staff: Option<String>,
    #[command(flatten)]
    pub(crate) read: Read,
}

#[derive(Args)]
pub(crate) struct Read {
    /// What it is.
    #[arg(long, value_enum, default_value = "facility-card", conflicts_with = "board")]
    pub(crate) kind: Kind,
    /// What a reader reads, in hexadecimal digits; of a QR code, its text in hexadecimal digits.
    #[arg(long, value_name = "DIGITS", required_unless_present = "board", conflicts_with = "board")]
    pub(crate) hex: Option<String>,
    /// Read the card that is laid on the first chip card reader of this board: a MyNumber card, or a card of the facility.
    #[arg(long, value_name = "FILE")]
    pub(crate) board: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Kind {
    /// A card of the facility.
    FacilityCard,
    /// A QR code.
    Qr,
}

#[derive(Subcommand)]
pub(crate) enum Consent {
    /// Keep a text that people agree to. A version is never changed afterwards: give a new one.
    Add {
        /// Its version, for instance 2026-11.
        #[arg(long)]
        version: String,
        /// The Japanese text.
        #[arg(long, value_name = "FILE")]
        ja: PathBuf,
        /// The text in easy Japanese.
        #[arg(long, value_name = "FILE")]
        easy: PathBuf,
        /// The English text.
        #[arg(long, value_name = "FILE")]
        en: PathBuf,
    },
    /// The texts, and every consent whose text is not the one that was agreed to.
    List,
}

#[derive(Subcommand)]
pub(crate) enum Visit {
    /// Count visitors who came without face or card, and let them in. The PIN of the staff is read from standard input.
    Enter {
        /// A fee class of the facility, or CLASS=N for several visitors; may be given several times.
        #[arg(long = "fee", value_name = "CLASS[=N]", required = true, num_args = 1..)]
        fees: Vec<String>,
        /// The member of the staff who answers for it.
        #[arg(long, value_name = "ID")]
        staff: String,
        /// Release the door as well.
        #[arg(long)]
        release: bool,
    },
}
