//! Migrations: numbered files that are never changed once they were released. One text for both backends; `BYTES` and
//! `NUMBER` stand for the types that differ. A statement ends at a semicolon at the end of a line.

use super::{Cell, Sql, SqlError};

/// Number and text, in order. 1 to 9 are the ledger's, from 10 on those of people and operators.
pub const MIGRATIONS: &[(u32, &str)] =
    &[(1, include_str!("migrations/0001_ledger.sql")), (10, include_str!("migrations/0010_people.sql"))];

/// How often a migration is tried while other processes start at the same time.
const TRIES: usize = 20;

/// Brings the database to this program's version.
///
/// Errors: [`SqlError::Newer`] for one that a newer program made; others as they come.
pub fn migrate(sql: &mut dyn Sql) -> Result<(), SqlError> {
    let mut last = SqlError::Conflict;
    for _ in 0..TRIES {
        let done = sql.begin().and_then(|()| apply(sql)).and_then(|()| sql.commit());
        match done {
            Ok(()) => return Ok(()),
            Err(error @ (SqlError::Conflict | SqlError::Taken(_))) => {
                sql.rollback()?;
                last = error;
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
            Err(error) => {
                _ = sql.rollback();
                return Err(error);
            }
        }
    }
    Err(last)
}

fn apply(sql: &mut dyn Sql) -> Result<(), SqlError> {
    sql.execute(&typed(sql, "CREATE TABLE IF NOT EXISTS migrations (number NUMBER PRIMARY KEY)"), &[])?;
    let done = sql.query("SELECT number FROM migrations", &[])?;
    let done = done.iter().map(|row| row[0].int()).collect::<Result<Vec<_>, _>>()?;
    let newest = MIGRATIONS.last().map_or(0, |(number, _)| *number);
    if let Some(newer) = done.iter().find(|number| **number > newest.into()) {
        return Err(SqlError::Newer(*newer, newest));
    }
    for (number, text) in MIGRATIONS.iter().filter(|(number, _)| !done.contains(&(*number).into())) {
        for statement in statements(text) {
            sql.execute(&typed(sql, &statement), &[])?;
        }
        sql.execute("INSERT INTO migrations (number) VALUES ($1)", &[Cell::from(*number)])?;
    }
    Ok(())
}

fn typed(sql: &dyn Sql, text: &str) -> String {
    sql.types().iter().fold(text.to_owned(), |text, (ours, theirs)| text.replace(ours, theirs))
}

fn statements(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("--"));
    let text: Vec<&str> = lines.collect();
    let each = text.join("\n");
    each.split(";\n")
        .map(|it| it.trim().trim_end_matches(';').to_owned())
        .filter(|it| !it.is_empty())
        .collect()
}
