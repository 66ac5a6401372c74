//! How long anything is kept, and taking away what is older.
//!
//! The link between people and visits is cut: the visit stays counted, with its class and its way, and is nobody's. The
//! records that said whose it was are emptied: their bytes are taken away, leaf and signature stay, so that the chain, the
//! tree and every signature still hold, and a signed record (`Retained`) names each of them and why. Tombstones, runs and
//! heads are kept for ever.
//!
//! Days are counted by the wall clock, so nothing is taken away by one that may be wrong: it must be there, be sure to an
//! hour, and not lie before the newest record that was written by such a clock. Visits that no sure clock dated go once a
//! visit after them is old enough.

use std::collections::{BTreeMap, BTreeSet};

use gate::{Date, Local, Now, RecordId};
use ledger::{Body, RunId, SignedRecord, Value};
use rusqlite::params;

use crate::{Opener, Store, StoreError, bodies, feeds::Batch, visits::COUNTED, walk::Seen};

/// A clock less sure than this counts no days.
const MOST_UNSURE_S: u32 = 3_600;
/// Records that one call empties. It bounds the record that names them, and how long the door waits.
pub const MAX_EMPTIED: u32 = 2_000;

/// For how many days each sort of thing is kept. 0 keeps it until the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Records of visits that were let in. 90: until a quarter is billed and complaints about it are answered.
    pub decisions_days: u16,
    /// Records and rows of visits that were refused, as far as they name somebody. 30: a refusal says more about a person than
    /// an entry, and whoever wants to know why asks soon.
    pub refusals_days: u16,
    /// The link between people and the visits that were let in. 90: as long as the records say it anyway.
    pub visits_person_days: u16,
    /// Who looked a person up. 1,095: three years, in which the person may ask.
    pub accesses_days: u16,
    /// The names of staff who were removed. 1,095: as long as accesses name them.
    pub removed_staff_days: u16,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            decisions_days: 90,
            refusals_days: 30,
            visits_person_days: 90,
            accesses_days: 1_095,
            removed_staff_days: 1_095,
        }
    }
}

/// What was taken away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Retained {
    /// The record that says so; none if nothing was old enough.
    pub record: Option<RecordId>,
    /// Visits that are nobody's now.
    pub visits: usize,
    /// Records that were emptied.
    pub records: usize,
    /// Accesses that are no longer listed.
    pub accesses: usize,
    /// Removed staff whose names are gone.
    pub staff: usize,
    /// There are more records to empty: call it again.
    pub more: bool,
}

/// The first day that is kept, for each sort.
struct Cutoffs {
    decisions: Date,
    refusals: Date,
    visits: Date,
    accesses_ms: i64,
    staff_ms: i64,
    passing_ms: i64,
}

impl Store {
    /// Takes away what is older than `retention` allows, at most [`MAX_EMPTIED`] records at once. Call it daily, and again
    /// while there is more.
    ///
    /// # Errors
    /// [`StoreError::ClockNotPlausible`]; or the write failed, then everything is still there.
    pub fn apply_retention(&mut self, now: Now, retention: &Retention) -> Result<Retained, StoreError> {
        let wall = self.plausible(now)?;
        let cutoffs = Cutoffs::new(wall, self.offset_minutes, retention)?;
        let mut done = self.write_or_not(now, |batch| {
            let mut done = apply(batch, &cutoffs)?;
            let nothing = Retained { more: done.0.more, ..Retained::default() };
            if done.0 != nothing {
                done.0.record = Some(say(batch, retention, &done.0, &done.1)?);
            }
            let worth = done.0.record.is_some();
            Ok((done.0, worth))
        })?;
        if done.record.is_some() {
            self.empty_the_log();
        }
        done.more = done.more && done.record.is_some();
        Ok(done)
    }

    /// What [`Store::apply_retention`] would take away now; everything stays.
    ///
    /// # Errors
    /// As [`Store::apply_retention`].
    pub fn retention_due(&mut self, now: Now, retention: &Retention) -> Result<Retained, StoreError> {
        let wall = self.plausible(now)?;
        let cutoffs = Cutoffs::new(wall, self.offset_minutes, retention)?;
        // Said to be not worth writing, so the transaction is rolled back.
        self.write_or_not(now, |batch| Ok((apply(batch, &cutoffs)?.0, false)))
    }

    /// The earliest moment that it can be now, if the clock is one to count days by.
    fn plausible(&self, now: Now) -> Result<i64, StoreError> {
        let wall = now.wall.ok_or(StoreError::ClockNotPlausible("there is no date"))?;
        if wall.uncertainty_s > MOST_UNSURE_S {
            return Err(StoreError::ClockNotPlausible("it is not sure to an hour"));
        }
        let newest = self.newest_sure_wall_ms()?;
        let slack = i64::from(wall.uncertainty_s) * 1_000;
        if newest.is_some_and(|newest| wall.unix_ms.saturating_add(slack) < newest) {
            return Err(StoreError::ClockNotPlausible("it lies before records that are there"));
        }
        Ok(wall.unix_ms.saturating_sub(slack))
    }

    /// The latest moment that a sure clock claimed: of visits, and of the newest record.
    fn newest_sure_wall_ms(&self) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT max(wall_ms) FROM visits WHERE uncertain_s <= ?1";
        let visits = self.rows_of(sql, [MOST_UNSURE_S], |row| row.get::<_, Option<i64>>(0))?;
        let sql = "SELECT run, length - 1 FROM runs ORDER BY number DESC LIMIT 1";
        let last = self.rows(sql, |row| Ok(RecordId { run: row.get(0)?, seq: row.get(1)? }))?;
        let last = last.first().map(|last| self.record(*last)).transpose()?.flatten();
        let clock = last.and_then(|last| self.read(&last).ok()).map(|body| body.clock);
        let last = clock.filter(|clock| clock.uncertainty_s <= MOST_UNSURE_S).and_then(|clock| clock.wall_ms);
        Ok(visits.into_iter().flatten().chain(last).max())
    }

    /// Everything that genuine records of retention say was emptied.
    pub(crate) fn removals(&self) -> Result<Removals, StoreError> {
        let places = self.rows("SELECT run, seq FROM retained", |row| {
            Ok(RecordId { run: row.get(0)?, seq: row.get(1)? })
        })?;
        let mut removals = Removals::default();
        for place in places {
            let Some(SignedRecord { run, seq, bytes, sig, .. }) = self.record(place)? else { continue };
            let seen = Seen::new(run, seq, &bytes, None, Opener::One(None));
            let genuine = seen.claim == Some(seq) && seen.is_signed(self.keys.author.id(), run, &sig);
            let body = ledger::Record::parse(&bytes).and_then(|it| self.opener().open(&it));
            if let Some(body) = body.ok().filter(|_| genuine) {
                removals.add(&body);
            }
        }
        Ok(removals)
    }
}

/// The records that retention has emptied.
#[derive(Debug, Default)]
pub(crate) struct Removals(BTreeMap<RunId, BTreeSet<u64>>);

impl Removals {
    /// Whether one was.
    pub(crate) fn say(&self, run: RunId, seq: u64) -> bool {
        self.0.get(&run).is_some_and(|seqs| seqs.contains(&seq))
    }

    /// Takes in what a record says, if it is one of retention.
    pub(crate) fn add(&mut self, body: &Body) {
        let runs = body.get("records").filter(|_| body.kind == KIND).and_then(Value::as_array);
        for run in runs.unwrap_or_default() {
            let Some([run, seqs]) = run.as_array() else { continue };
            let (Some(run), Some(seqs)) = (run.as_array_of(), seqs.as_array()) else { continue };
            let seqs = seqs.iter().filter_map(|seq| u64::try_from(seq.as_int()?).ok());
            self.0.entry(RunId(run)).or_default().extend(seqs);
        }
    }
}

const KIND: &str = "Retained";

impl Cutoffs {
    fn new(earliest_ms: i64, offset_minutes: i32, retention: &Retention) -> Result<Self, StoreError> {
        const NO_DAY: StoreError = StoreError::ClockNotPlausible("it names no day");
        let today = Local::at(earliest_ms, offset_minutes).ok_or(NO_DAY)?.date;
        let day = |days: u16| today.plus_days(-i64::from(days)).ok_or(NO_DAY);
        let moment = |days: u16| earliest_ms - (i64::from(days) + 1) * 86_400_000;
        Ok(Self {
            decisions: day(retention.decisions_days)?,
            refusals: day(retention.refusals_days)?,
            visits: day(retention.visits_person_days)?,
            accesses_ms: moment(retention.accesses_days),
            staff_ms: moment(retention.removed_staff_days),
            passing_ms: moment(retention.visits_person_days),
        })
    }
}

/// SQL: the record that a row of the table names may go: this device belongs to no registry, or the registry holds it
/// durably, as its receipt says.
fn held_elsewhere(table: &str) -> String {
    format!(
        "(NOT EXISTS (SELECT 1 FROM membership) OR {table}.seq <
            (SELECT receipts.length FROM receipts WHERE receipts.run = {table}.run))"
    )
}

/// SQL: the visit lies before the day in `?1`; by its own date if a sure clock gave it, else because a later one does.
const OLD: &str = "((day < ?1 AND uncertain_s <= 3600)
    OR ((day IS NULL OR uncertain_s > 3600) AND coalesce(corrects, number) <
        (SELECT max(number) FROM visits WHERE day < ?1 AND uncertain_s <= 3600 AND corrects IS NULL)))";

fn apply(batch: &Batch<'_>, cutoffs: &Cutoffs) -> Result<(Retained, Vec<RecordId>), StoreError> {
    let mut done = Retained::default();
    for (cutoff, these) in [
        (cutoffs.visits, "state NOT IN ('refused', 'waiting')"),
        (cutoffs.refusals.max(cutoffs.visits), "state = 'refused'"),
    ] {
        done.visits += cut(batch, &cutoff.to_string(), these)?;
    }
    let mut emptied = Vec::new();
    for (cutoff, these) in
        [(cutoffs.decisions, "state NOT IN ('refused', 'waiting')"), (cutoffs.refusals, "state = 'refused'")]
    {
        empty_visits(batch, &cutoff.to_string(), these, &mut emptied)?;
    }
    empty_passing(batch, cutoffs, &mut emptied)?;
    done.records = emptied.len();
    done.more = emptied.len() >= MAX_EMPTIED as usize;
    done.accesses = batch.execute("DELETE FROM accesses WHERE wall_ms < ?1", [cutoffs.accesses_ms])?;
    let sql = "UPDATE staff SET name = '' WHERE removed = 1 AND name <> '' AND removed_ms < ?1";
    done.staff = batch.execute(sql, [cutoffs.staff_ms])?;
    Ok((done, emptied))
}

/// Makes visits nobody's. Coupons that they used stay used, as a number.
fn cut(batch: &Batch<'_>, before: &str, these: &str) -> Result<usize, StoreError> {
    let old = format!("SELECT number FROM visits WHERE cut = 0 AND {these} AND {OLD}");
    let uses = format!(
        "UPDATE entitlements SET used_long_ago = used_long_ago +
             (SELECT count(*) FROM entrants JOIN visits ON visits.number = entrants.visit
              WHERE uses = entitlements.number AND {COUNTED} AND visit IN ({old}))
         WHERE number IN (SELECT uses FROM entrants WHERE visit IN ({old}))"
    );
    batch.execute(&uses, [before])?;
    batch.execute(
        &format!("UPDATE entrants SET person = NULL, uses = NULL WHERE visit IN ({old})"),
        [before],
    )?;
    batch.execute(&format!("UPDATE visits SET person = NULL, cut = 1 WHERE number IN ({old})"), [before])
}

/// Empties the records of visits, up to the bound.
fn empty_visits(
    batch: &Batch<'_>,
    before: &str,
    these: &str,
    emptied: &mut Vec<RecordId>,
) -> Result<(), StoreError> {
    let held = held_elsewhere("visits");
    let sql = format!(
        "SELECT number, run, seq FROM visits WHERE emptied = 0 AND {these} AND {OLD} AND {held}
         ORDER BY number LIMIT ?2"
    );
    let left = MAX_EMPTIED as usize - emptied.len();
    let found = batch.rows(&sql, params![before, left as u64], |row| {
        Ok((row.get::<_, i64>(0)?, RecordId { run: row.get(1)?, seq: row.get(2)? }))
    })?;
    for (visit, record) in found {
        empty(batch, record)?;
        batch.execute("UPDATE visits SET emptied = 1 WHERE number = ?1", [visit])?;
        emptied.push(record);
    }
    Ok(())
}

/// Empties the records that name somebody in passing, and forgets whom they named.
fn empty_passing(
    batch: &Batch<'_>,
    cutoffs: &Cutoffs,
    emptied: &mut Vec<RecordId>,
) -> Result<(), StoreError> {
    let held = held_elsewhere("mentions");
    let sql = format!(
        "SELECT DISTINCT mentions.run, mentions.seq FROM mentions JOIN runs ON runs.run = mentions.run
               WHERE passing = 1 AND {held} AND (wall_ms < ?1 OR (wall_ms IS NULL AND runs.number <
                   (SELECT max(runs.number) FROM visits JOIN runs ON runs.run = visits.run
                    WHERE day < ?2 AND uncertain_s <= 3600 AND corrects IS NULL)))
               LIMIT ?3"
    );
    let left = MAX_EMPTIED as usize - emptied.len();
    let arguments = params![cutoffs.passing_ms, cutoffs.visits.to_string(), left as u64];
    let found = batch.rows(&sql, arguments, |row| Ok(RecordId { run: row.get(0)?, seq: row.get(1)? }))?;
    for record in found {
        empty(batch, record)?;
        let sql = "DELETE FROM mentions WHERE passing = 1 AND run = ?1 AND seq = ?2";
        batch.execute(sql, params![record.run, record.seq])?;
        emptied.push(record);
    }
    Ok(())
}

fn empty(batch: &Batch<'_>, record: RecordId) -> Result<(), StoreError> {
    let sql =
        "UPDATE records SET bytes = x'' WHERE run = (SELECT number FROM runs WHERE run = ?1) AND seq = ?2";
    batch.execute(sql, params![record.run, record.seq]).map(|_| ())
}

/// The record that says what was taken away, under which rule.
fn say(
    batch: &mut Batch<'_>,
    retention: &Retention,
    done: &Retained,
    emptied: &[RecordId],
) -> Result<RecordId, StoreError> {
    let mut runs: BTreeMap<[u8; 16], Vec<Value>> = BTreeMap::new();
    for record in emptied {
        runs.entry(record.run).or_default().push(bodies::whole(record.seq));
    }
    let records =
        runs.into_iter().map(|(run, seqs)| Value::Array(vec![Value::bytes(run), Value::Array(seqs)]));
    let days = [
        ("decisions", retention.decisions_days),
        ("refusals", retention.refusals_days),
        ("visits_person", retention.visits_person_days),
        ("accesses", retention.accesses_days),
        ("removed_staff", retention.removed_staff_days),
    ];
    let days = days.map(|(name, days)| (Value::text(name), bodies::whole(days.into())));
    let fields = vec![
        ("days", Value::Map(days.into())),
        ("cut", bodies::whole(done.visits as u64)),
        ("accesses", bodies::whole(done.accesses as u64)),
        ("staff", bodies::whole(done.staff as u64)),
        ("records", Value::Array(records.collect())),
    ];
    let record = batch.append(KIND, fields, None)?;
    batch.execute("INSERT INTO retained (run, seq) VALUES (?1, ?2)", params![record.run, record.seq])?;
    Ok(record)
}
