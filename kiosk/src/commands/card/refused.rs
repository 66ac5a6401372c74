//! Why a card command refused: a constant name for programs, a sentence for people.

use boards::ReaderError;
use card::{CardError, TypedError};
use thiserror::Error;

#[derive(Debug, Error)]
pub(super) enum Refused {
    #[error(transparent)]
    Card(#[from] CardError),
    #[error("{0}")]
    Typed(#[from] TypedError),
    #[error("{}", reader_text(.0))]
    Reader(#[from] ReaderError),
    #[error("no card was laid on the reader within {0} s; lay it there, or wait longer with --wait-s")]
    NoCard(u64),
    #[error("nothing was typed: one line with the digits is expected on standard input, within {0} s")]
    NothingTyped(u64),
    #[error(
        "no authority is trusted, so the PIN was not sent; name their folder with --authorities or --board"
    )]
    NoAuthorities,
    #[error("the board file cannot be used: {0}; correct it, or name the folder with --authorities")]
    Board(String),
    #[error("the system gives no random numbers, so there is nothing for the card to sign; start it again")]
    NoRandomness,
    #[error("the photograph cannot be used: {0}")]
    Photo(String),
    #[error("the photograph on the card cannot be compared: {0}; have a member of the staff compare")]
    CardPhoto(String),
    #[error("the networks cannot be used: {0}")]
    Models(String),
    #[error("the two photographs are not shown to be of one person; have a member of the staff compare")]
    NoMatch,
    #[error(
        "no threshold is supported by measurements, so nothing was decided; have a member of the staff compare"
    )]
    NoThreshold,
    #[error(
        "--show shows what is on a card to its owner, on a terminal; it does not go into a file or a program"
    )]
    NoTerminal,
}

impl Refused {
    /// Stable: programs go by it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Card(error) => error.name(),
            Self::Typed(error) => error.name(),
            Self::Reader(error) => reader_name(error),
            Self::NoCard(_) => "no-card",
            Self::NothingTyped(_) => "nothing-typed",
            Self::NoAuthorities => "no-authorities",
            Self::Board(_) => "board-unusable",
            Self::NoRandomness => "no-randomness",
            Self::Photo(_) => "photo-unusable",
            Self::CardPhoto(_) => "card-photo-unusable",
            Self::Models(_) => "models-unusable",
            Self::NoMatch => "no-match",
            Self::NoThreshold => "no-threshold",
            Self::NoTerminal => "no-terminal",
        }
    }
}

/// The reader's errors that a command can meet; the others belong to readers of board files.
fn reader_name(error: &ReaderError) -> &'static str {
    let names = [
        (matches!(error, ReaderError::NotThere { .. }), "reader-not-there"),
        (matches!(error, ReaderError::Several { .. }), "reader-not-clear"),
        (matches!(error, ReaderError::Service { .. }), "reader-service-down"),
        (matches!(error, ReaderError::Stuck { .. }), "reader-stuck"),
        (matches!(error, ReaderError::Taken { .. }), "card-taken-by-another-program"),
        (matches!(error, ReaderError::Mute { .. }), "card-mute"),
        (matches!(error, ReaderError::Authorities { .. }), "authorities-unusable"),
    ];
    names.into_iter().find(|(is, _)| *is).map_or("reader-failed", |(_, name)| name)
}

/// Where the name stands is `--reader` here, and not a board file.
fn reader_text(error: &ReaderError) -> String {
    if let ReaderError::NotThere { name, found } = error {
        return format!(
            "there is no card reader \"{name}\"; found: {found}. Plug it in, or correct --reader"
        );
    }
    if let ReaderError::Several { name, found } = error {
        return format!(
            "more than one card reader is called \"{name}\": {found}. Give the whole name to --reader"
        );
    }
    if let ReaderError::Authorities { folder, reason } = error {
        return format!(
            "the authorities in {} cannot be used: {reason}. Correct the folder",
            folder.display()
        );
    }
    error.to_string()
}
