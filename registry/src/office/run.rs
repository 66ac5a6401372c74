//! Runs as rows: a line and its records. A row grows only where it is found at the length from which it grows.

use ledger::{AuthorId, Event, Feed, Line, Members, Prior, Real, Role, Root, RunId, SignedRecord, Sync};

use crate::db::{Sql, SqlError};
use crate::failure::{Done, Failure};

/// How far a run is held; none if it is not.
pub(super) fn at(sql: &mut dyn Sql, run: RunId) -> Done<Option<Prior>> {
    let rows = sql.query("SELECT length, root FROM lines WHERE run = $1", &[run.0.into()])?;
    let read = |row: &crate::db::Row| -> Done<Prior> {
        Ok(Prior { run, length: row[0].count()?, root: Root(row[1].array()?) })
    };
    rows.first().map(read).transpose()
}

/// The runs of an author in a feed that no other of them names as continued, and the runs there at all.
pub(super) fn tips(sql: &mut dyn Sql, author: AuthorId, feed: Feed) -> Done<Vec<Prior>> {
    let text = "SELECT line FROM lines WHERE author = $1 AND feed = $2 ORDER BY run";
    let rows = sql.query(text, &[author.0.into(), feed.to_string().into()])?;
    let lines = rows.iter().map(|row| Ok(Line::decode(row[0].bytes()?)?)).collect::<Done<Vec<Line>>>()?;
    let named = |run: RunId| lines.iter().any(|line| line.priors().contains(&run));
    Ok(lines.iter().map(Line::at).filter(|at| !named(at.run)).collect())
}

/// All lines, or those that changed after a count.
pub(crate) fn read_lines(sql: &mut dyn Sql, after: i64) -> Done<Vec<Line>> {
    let rows = sql.query("SELECT line FROM lines WHERE changed > $1", &[after.into()])?;
    rows.iter().map(|row| Ok(Line::decode(row[0].bytes()?)?)).collect()
}

/// A run as it stands after these records of its own author.
pub(super) fn line_after(
    old: Option<Line>,
    feed: Feed,
    author: AuthorId,
    written: &[SignedRecord],
) -> Option<Line> {
    let run = written.first()?.run;
    let mut sync =
        Sync::restart(Role::Registry, author, Members::new(author), old.into_iter().collect(), &Real);
    _ = sync.step(0, Event::Wrote(feed, author, written.to_vec()));
    sync.line(run).cloned()
}

/// Stores records that follow what the row holds (`first` records of the run, 0 if there is none), and the line after them.
///
/// Errors: [`Failure::Moved`] if the row is at another length: somebody else was first.
pub(super) fn keep_records(
    sql: &mut dyn Sql,
    line: &Line,
    first: u64,
    records: &[(Vec<u8>, Option<[u8; 64]>)],
) -> Done<()> {
    let at = line.at();
    let count = sql.query("SELECT count FROM changes WHERE id = 1", &[])?;
    let count = count.first().ok_or(SqlError::Shape("no count of changes"))?[0].int()?;
    let update =
        "UPDATE lines SET length = $1, root = $2, line = $3, changed = $4 WHERE run = $5 AND length = $6";
    let insert = "INSERT INTO lines (run, author, feed, length, root, line, changed) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let state = [at.length.into(), at.root.0.into(), line.encode().into(), count.into()];
    let done = if first == 0 {
        let name = [at.run.0.into(), line.author().0.into(), line.feed().to_string().into()];
        match sql.execute(insert, &[&name[..], &state[..]].concat()) {
            Err(SqlError::Taken(_)) => return Err(Failure::Moved),
            other => other?,
        }
    } else {
        sql.execute(update, &[&state[..], &[at.run.0.into(), first.into()]].concat())?
    };
    if done != 1 {
        return Err(Failure::Moved);
    }
    let insert = "INSERT INTO records (run, seq, record, sig) VALUES ($1, $2, $3, $4)";
    for ((record, sig), seq) in records.iter().zip(first..) {
        let row = [at.run.0.into(), seq.into(), record.clone().into(), sig.map(|sig| sig.to_vec()).into()];
        sql.execute(insert, &row)?;
    }
    Ok(())
}
