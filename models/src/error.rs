//! What can go wrong between a picture and a template, apart from the picture.

use crate::card::CardError;
use crate::network::NetworkError;

/// A model cannot be loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Its card or weights are not as they should be.
    #[error(transparent)]
    Card(#[from] CardError),
    /// Its file cannot be planned or run.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// Its output is not what the card says.
    #[error("read the output of model {model}: {reason}")]
    Output {
        /// The card's id.
        model: String,
        /// What was found.
        reason: String,
    },
}

impl ModelError {
    /// For a closure that names the model once.
    pub(crate) fn output(model: &str, reason: impl std::fmt::Display) -> Self {
        Self::Output { model: model.to_owned(), reason: reason.to_string() }
    }
}
