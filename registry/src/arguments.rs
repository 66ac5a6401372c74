//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Genkan's registry: whose codes count, and who may not come in.
#[derive(Parser)]
#[command(version, propagate_version = true)]
pub(crate) struct Cli {
    /// The registry's directory: its file, its keys, and its database where that is SQLite.
    #[arg(long, value_name = "DIR", global = true, default_value = "/var/lib/genkan-registry")]
    pub(crate) directory: PathBuf,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Create the directory and the key that signs the control feed, and write the voucher for kiosks.
    Init {
        /// Whose registry it is.
        #[arg(long, value_name = "NAME")]
        tenant: String,
        /// `sqlite` for a file in the directory, or `postgresql://..`.
        #[arg(long, value_name = "ADDRESS", default_value = "sqlite")]
        database: String,
        /// The registry's address as devices and browsers reach it.
        #[arg(long, value_name = "URL", default_value = "https://localhost:8443")]
        url: String,
        /// Where the registry listens for HTTPS.
        #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8443")]
        listen: String,
        /// The MQTT broker.
        #[arg(long, value_name = "HOST:PORT", default_value = "localhost:8883")]
        broker: String,
    },
    /// Facilities: each has members, keys and feeds of its own.
    Facility {
        #[command(subcommand)]
        command: Facility,
    },
    /// Devices: vouchers, joining, expelling.
    Device {
        #[command(subcommand)]
        command: Device,
    },
    /// The feeds: verify them, write them down.
    Audit {
        #[command(subcommand)]
        command: Audit,
    },
    /// How the registry stands.
    Status {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write the directory that mosquitto is started with.
    BrokerConfig {
        /// The directory; it is made.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Serve: take in what devices say, answer, and state what has to be stated.
    Run,
    /// Codes: issuers, issuing, denying.
    Credential {
        #[command(subcommand)]
        command: Credential,
    },
    /// The control feed.
    Control {
        #[command(subcommand)]
        command: Control,
    },
}

#[derive(Subcommand)]
pub(crate) enum Credential {
    /// The keys that sign codes.
    Issuer {
        #[command(subcommand)]
        command: Issuer,
    },
    /// Issue a code.
    Issue(Issue),
    /// Deny a subject, or one lost card. There is no way back: issue under a new handle.
    Deny {
        /// The handle of the subject, in hexadecimal digits.
        #[arg(long, value_name = "DIGITS", required_unless_present = "credential")]
        subject: Option<String>,
        /// The cti of one credential, in hexadecimal digits.
        #[arg(long, value_name = "DIGITS", conflicts_with = "subject")]
        credential: Option<String>,
        /// The issuer that names it so. Needed if there are several.
        #[arg(long, value_name = "NAME")]
        issuer: Option<String>,
    },
}

#[derive(Subcommand)]
pub(crate) enum Issuer {
    /// Make a key and state it in the control feed. Two may overlap: add the new one, export, then revoke the old one.
    Add {
        /// The issuer's name, as it stands in codes.
        #[arg(long, value_name = "NAME")]
        name: String,
        /// What the key signs with.
        #[arg(long, value_enum, default_value = "ed-dsa")]
        algorithm: Algorithm,
    },
    /// State that a key signs no longer.
    Revoke {
        /// The key's name, as `add` printed it.
        #[arg(long, value_name = "KID")]
        kid: String,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Algorithm {
    /// EdDSA with Ed25519.
    EdDsa,
    /// ECDSA with P-256.
    Es256,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Kind {
    /// Somebody who is registered.
    Member,
    /// Somebody who comes for a day.
    Visitor,
    /// Somebody who works here.
    Staff,
    /// A printed card or wristband for evacuees.
    Shelter,
}

#[derive(Args)]
pub(crate) struct Issue {
    /// Whom the code is for.
    #[arg(long, value_enum)]
    pub(crate) kind: Kind,
    /// The handle of the subject: 8 to 10 bytes in hexadecimal digits, drawn at random for each site.
    #[arg(long, value_name = "DIGITS")]
    pub(crate) subject: String,
    /// The site where it counts. Without it: every site of the issuer.
    #[arg(long, value_name = "NAME")]
    pub(crate) site: Option<String>,
    /// Seconds until it is over: at most 300, with a holder's key at most 31,622,400. A shelter card needs none.
    #[arg(long, value_name = "S")]
    pub(crate) valid_for: Option<i64>,
    /// The zones that it opens, 0 to 62. Without it: zone 0.
    #[arg(long, value_name = "ZONE", value_delimiter = ',')]
    pub(crate) zones: Vec<u8>,
    /// The enrolment whose face is required.
    #[arg(long, value_name = "ENROLMENT")]
    pub(crate) bind: Option<String>,
    /// A file with the holder's public key (01 and 32 bytes of Ed25519, or 02 and a compressed point of P-256, in
    /// hexadecimal digits); then only the holder's proof shows the code.
    #[arg(long, value_name = "FILE")]
    pub(crate) holder_key: Option<PathBuf>,
    /// The key that signs. Without it: the newest.
    #[arg(long, value_name = "KID")]
    pub(crate) kid: Option<String>,
    /// Also write the QR code as SVG, with error correction M.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Print the QR code for the screen, not its text.
    #[arg(long)]
    pub(crate) draw: bool,
}

#[derive(Subcommand)]
pub(crate) enum Control {
    /// State the denylist anew, and write the control feed as a file that kiosks import.
    Export {
        /// The file.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

#[derive(Subcommand)]
pub(crate) enum Facility {
    /// Add a facility, with its first keys. Prints its id.
    Add {
        /// Its name for people.
        #[arg(long, value_name = "NAME")]
        name: String,
    },
    /// List them.
    List,
}

#[derive(Subcommand)]
pub(crate) enum Device {
    /// Write a voucher: it lets one device join, once, within seven days. Keep it from other eyes.
    Voucher {
        /// The facility, by name or id.
        #[arg(long, value_name = "NAME")]
        facility: String,
        /// What people call the device.
        #[arg(long, value_name = "NAME")]
        name: String,
        /// The file.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Also draw it as a QR code beside the file, as SVG.
        #[arg(long)]
        svg: bool,
    },
    /// Let a device join by a request that came on a stick.
    Join {
        /// What `kiosk registry join` wrote.
        #[arg(long, value_name = "FILE")]
        request: PathBuf,
        /// The answer, for `sync-agent join --answer`.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// List them.
    List,
    /// Expel a device: lost, stolen, or no longer in use. There is no way back but joining anew.
    Expel {
        /// The device, by the beginning of its id or by its name.
        #[arg(long, value_name = "DEVICE")]
        device: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum Audit {
    /// Verify every run of the database: signatures, chains, roots, and what the lines say of them.
    Verify,
    /// Write down what the records say, one JSON object a line: kinds, times, ids; no names.
    Export {
        /// The file.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Only this facility, by name or id.
        #[arg(long, value_name = "NAME")]
        facility: Option<String>,
    },
}
