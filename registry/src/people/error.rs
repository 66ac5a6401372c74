//! Why the registry does not do what it was asked about people.

use std::error::Error;

use thiserror::Error as ThisError;

use crate::{bytes::NoRandom, db::SqlError, failure::Failure};

/// Nothing was changed. No message holds anything of a person.
#[derive(Debug, ThisError)]
pub(crate) enum PeopleError {
    #[error("{0}")]
    Unusable(&'static str),
    #[error("{0}: days are written like 2026-11-24")]
    NoDay(&'static str),
    #[error("{0}: the last day lies before the first")]
    NoDays(&'static str),
    #[error("the name holds an individual number, which nobody may collect here; give the name alone")]
    IndividualNumber,
    #[error("{name}: {why}")]
    Photograph { name: String, why: String },
    #[error(
        "photographs {first} and {second} do not look like the same person: register different people separately, or leave \
         one photograph out"
    )]
    DifferentPeople { first: usize, second: usize },
    #[error(
        "no folder with the networks' weights was found; name it in GENKAN_MODELS, or in a checkout run `cargo xtask models`"
    )]
    NoNetworks,
    #[error("the networks cannot be used; see that their files are whole (`cargo xtask models`)")]
    Networks(#[source] Box<dyn Error + Send + Sync>),
    #[error("there is no such {0}, or it is not yours to see")]
    Unknown(&'static str),
    #[error("this operator's role does not cover that here; `registry operator grant` changes roles")]
    NotAllowed,
    #[error("{0}")]
    Conflict(&'static str),
    #[error(
        "the person is registered at facilities that are not yours, and a withdrawal counts for all: ask a manager of the \
         whole tenant"
    )]
    NotAllWithdrawable,
    #[error("what the table {0} holds of a person does not open; put the registry back from a copy")]
    Damaged(&'static str),
    #[error(transparent)]
    Random(#[from] NoRandom),
    #[error(transparent)]
    Sql(#[from] SqlError),
    #[error(transparent)]
    Office(#[from] Failure),
}

impl PeopleError {
    /// A failure of the networks.
    pub(crate) fn networks(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Networks(Box::new(source))
    }
}
