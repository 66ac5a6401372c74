//! What a command prints: text for people, or one JSON object a line for programs. Errors go to stderr with their causes.

use std::{error::Error, io::Write as _};

use serde::Serialize;

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
}

impl Format {
    /// Prints one result.
    pub(crate) fn print<T: Serialize>(self, value: &T, text: impl FnOnce(&T) -> String) {
        let line = match self {
            Self::Text => text(value),
            Self::Json => serde_json::to_string(value).expect("our own values have string keys"),
        };
        // A reader that has gone away (`kiosk … | head`) is no error of ours.
        _ = writeln!(std::io::stdout(), "{line}");
    }
}

/// The error and, below it, each cause.
pub(crate) fn explain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!("\n  because: {error}"));
        cause = error.source();
    }
    text
}
