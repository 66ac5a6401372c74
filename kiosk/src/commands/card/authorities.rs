//! Whom a command trusts: the authorities of a folder, or those of a board's reader.

use boards::{Board, trusted_authorities};
use card::Authorities;

use super::refused::Refused;
use crate::arguments::card::{Reader, Trusted};

/// Without a folder and without a board nobody is trusted.
pub(super) fn trusted(reader: &Reader, trusted: &Trusted) -> Result<Authorities, Refused> {
    let folder = match (&trusted.authorities, &trusted.board) {
        (Some(folder), _) => Some(folder.clone()),
        (None, Some(board)) => {
            let board = Board::load(board).map_err(|error| Refused::Board(error.to_string()))?;
            let known = board.card_readers.into_iter().find(|it| it.name == reader.reader);
            known
                .ok_or_else(|| Refused::Board(format!("it has no reader \"{}\"", reader.reader)))?
                .authorities
        }
        (None, None) => None,
    };
    Ok(trusted_authorities(folder.as_deref())?)
}
