//! Why a body is not taken. None of the messages says anything of the person.

use ledger::KeyId;
use thiserror::Error;

/// What is wrong with a body.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BodyError {
    /// A field is missing or of another shape.
    #[error("{kind}: `{field}` is missing or of another shape; keep the record and tell whoever wrote it")]
    Field {
        /// The kind of the record.
        kind: &'static str,
        /// The field.
        field: &'static str,
    },
    /// Another kind than the one that was asked for.
    #[error("this is no {0}; read it as what it says it is")]
    OtherKind(&'static str),
    /// The personal part is missing, or of another shape than its kind has.
    #[error(
        "{kind}: the personal part is not what it says ({why}); keep the record and tell whoever wrote it"
    )]
    Personal {
        /// The kind of the record.
        kind: &'static str,
        /// What is wrong.
        why: &'static str,
    },
    /// The personal part does not open with this key.
    #[error("the personal part does not open with key {0}; wait for the right key")]
    Closed(KeyId),
}
