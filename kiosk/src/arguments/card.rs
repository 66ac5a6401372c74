//! The command line of chip cards. PINs and codes have no place here: they are read from standard input.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(crate) enum Card {
    /// What lies on the reader, its certificate, and how many tries its secrets have left. Spends none of them.
    Read(Read),
    /// Have the card sign a fresh challenge after its PIN.
    Authenticate(Authenticate),
    /// Compare the photograph on the card with a photograph of a person (1:1).
    Compare(Compare),
}

#[derive(Args)]
pub(crate) struct Reader {
    /// The reader's name, or a part of it that no other reader has; `pcsc_scan -r` lists them.
    #[arg(long, value_name = "NAME")]
    pub(crate) reader: String,
    /// How long to wait for a card, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(0..=600))]
    pub(crate) wait_s: u64,
}

#[derive(Args)]
pub(crate) struct Trusted {
    /// The folder of the authorities that are trusted: certificates, one a file, DER or PEM.
    #[arg(long, value_name = "DIR")]
    pub(crate) authorities: Option<PathBuf>,
    /// Trust the authorities that this board file names for the reader, which is called there as here.
    #[arg(long, value_name = "FILE", conflicts_with = "authorities")]
    pub(crate) board: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Read {
    #[command(flatten)]
    pub(crate) reader: Reader,
    #[command(flatten)]
    pub(crate) trusted: Trusted,
    /// Also read what is printed on the card, with the code on its front (照合番号B, 14 digits) from standard input. Which
    /// attributes are there is told, not what they say.
    #[arg(long)]
    pub(crate) front_code_from_stdin: bool,
    /// Show the attributes on this terminal, for their owner's eyes. Not into a file or another program.
    #[arg(long, requires = "front_code_from_stdin")]
    pub(crate) show: bool,
}

#[derive(Args)]
pub(crate) struct Authenticate {
    #[command(flatten)]
    pub(crate) reader: Reader,
    #[command(flatten)]
    pub(crate) trusted: Trusted,
    /// Read the PIN (four digits) from standard input. There is no other way to give it.
    #[arg(long, required = true)]
    pub(crate) pin_from_stdin: bool,
}

#[derive(Args)]
pub(crate) struct Compare {
    #[command(flatten)]
    pub(crate) reader: Reader,
    /// Read the code on the card's front (照合番号B, 14 digits) from standard input. There is no other way to give it.
    #[arg(long, required = true)]
    pub(crate) front_code_from_stdin: bool,
    /// The photograph of the person who is here (JPEG or PNG).
    #[arg(long, value_name = "FILE")]
    pub(crate) photo: PathBuf,
}
