//! The words of enums in the columns of tables. The words themselves are those of the records.

pub(crate) use records::{Word, from_word};
use rusqlite::{Row, types::Type};

/// The variant in a column. A word that no variant has is damage.
pub(crate) fn read_word<T: Word>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    from_word(row.get_ref(column)?.as_str()?).ok_or_else(|| unreadable(column, Type::Text))
}

/// What a column holds has no meaning here.
pub(crate) fn unreadable(column: usize, kind: Type) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, kind, "it has no meaning here".into())
}
