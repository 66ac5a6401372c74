//! Staff write down what a visit really was. The visit and its record stay; the correction is a record of its own, and its
//! row takes the place of the one that it corrects, on the day and by the way of that visit.

use gate::{Entrant, FeeClassId, Mode, Now, RecordId, Way};
use ledger::Value;
use rusqlite::params;

use crate::{
    By, Store, StoreError, bodies,
    feeds::Batch,
    visits::{DoorState, NewVisit, insert, insert_party},
    words::{Word, read_word},
};

/// People of one visit that staff may enter; it bounds a record.
pub const MAX_PARTY: usize = 200;

/// Why a visit is corrected. No free text: it would stand in a record that no person's key closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CorrectionWhy {
    /// More or fewer people came in.
    Miscounted,
    /// Another fee class fits.
    WrongClass,
    /// Nobody came in.
    NotEntered,
    /// Somebody was refused and let in otherwise.
    LetInAfterAll,
}

/// A row of `visits` that shall be corrected.
struct Old {
    number: i64,
    state: DoorState,
    mode: Mode,
    way: Way,
    outcome: String,
    person: Option<i64>,
    reception_ms: u64,
    corrected_by: Option<RecordId>,
    cut: bool,
}

impl Store {
    /// Corrects a visit, named by its record or by that of an earlier correction: from now on `party` and `by_hand` came in,
    /// nobody if both are empty.
    ///
    /// # Errors
    /// [`StoreError::NoSuchVisit`], [`StoreError::AlreadyCorrected`], [`StoreError::CannotCorrect`] (the strike has not
    /// answered yet, or retention has cut the visit); or the write failed.
    pub fn correct_visit(
        &mut self,
        now: Now,
        visit: RecordId,
        party: &[Entrant],
        by_hand: &[FeeClassId],
        why: CorrectionWhy,
        by: By,
    ) -> Result<RecordId, StoreError> {
        if party.len() + by_hand.len() > MAX_PARTY {
            return Err(StoreError::CannotCorrect("at most 200 people belong to one visit"));
        }
        self.write(now, |batch| {
            let old = correctable(batch, visit)?;
            let fields = vec![
                ("visit", bodies::record(visit)),
                ("party", bodies::of_party(party)),
                ("by_hand", bodies::of_classes(by_hand)),
                ("why", Value::text(why.word())),
                ("by", bodies::staff(by)),
            ];
            let record = batch.append("Corrected", fields, None)?;
            let new = write(batch, &old, record, party.is_empty() && by_hand.is_empty(), by)?;
            insert_party(batch, new, party, by_hand)?;
            let sql = "UPDATE entrants SET gone = 1 WHERE visit = ?1 AND person IN
                           (SELECT person FROM entrants WHERE visit = ?2 AND gone = 1)";
            batch.execute(sql, [new, old.number])?;
            Ok(record)
        })
    }
}

fn correctable(batch: &Batch<'_>, visit: RecordId) -> Result<Old, StoreError> {
    let sql = "SELECT visits.number, visits.state, visits.mode, visits.way, visits.outcome, visits.person,
                      visits.reception_ms, visits.cut, new.run, new.seq
               FROM visits LEFT JOIN visits AS new ON new.number = visits.corrected_by
               WHERE visits.run = ?1 AND visits.seq = ?2";
    let old = batch.first(sql, params![visit.run, visit.seq], |row| {
        let (run, seq): (Option<[u8; 16]>, Option<u64>) = (row.get(8)?, row.get(9)?);
        Ok(Old {
            number: row.get(0)?,
            state: read_word(row, 1)?,
            mode: read_word(row, 2)?,
            way: read_word(row, 3)?,
            outcome: row.get(4)?,
            person: row.get(5)?,
            reception_ms: row.get(6)?,
            cut: row.get(7)?,
            corrected_by: run.zip(seq).map(|(run, seq)| RecordId { run, seq }),
        })
    })?;
    let old = old.ok_or(StoreError::NoSuchVisit(visit))?;
    if let Some(by) = old.corrected_by {
        return Err(StoreError::AlreadyCorrected(by));
    }
    match (old.state, old.cut) {
        (DoorState::Waiting, _) => Err(StoreError::CannotCorrect("the door has not answered yet")),
        (_, true) => Err(StoreError::CannotCorrect("it is so old that nobody is linked with it any more")),
        (_, false) => Ok(old),
    }
}

/// Writes the row that takes the place of the old one; both name each other.
fn write(batch: &Batch<'_>, old: &Old, record: RecordId, nobody: bool, by: By) -> Result<i64, StoreError> {
    let refused = old.state == DoorState::Refused;
    let visit = NewVisit {
        record,
        mode: old.mode,
        way: if refused { Way::Staff } else { old.way },
        outcome: if refused && !nobody { "let-in" } else { &old.outcome },
        refusal: None,
        person: old.person,
        staff: by.bytes(),
        reception_ms: old.reception_ms,
        state: DoorState::Corrected,
    };
    let new = insert(batch, &visit)?;
    let sql = "UPDATE visits SET corrects = ?2, boot = old.boot, wall_ms = old.wall_ms, uncertain_s = old.uncertain_s,
                   day = old.day, minute = old.minute, day_sure = old.day_sure
               FROM visits AS old WHERE visits.number = ?1 AND old.number = ?2";
    batch.execute(sql, [new, old.number])?;
    batch.execute("UPDATE visits SET corrected_by = ?2 WHERE number = ?1", [old.number, new])?;
    Ok(new)
}

impl Word for CorrectionWhy {
    const ALL: &'static [Self] = &[Self::Miscounted, Self::WrongClass, Self::NotEntered, Self::LetInAfterAll];

    fn word(self) -> &'static str {
        match self {
            Self::Miscounted => "miscounted",
            Self::WrongClass => "wrong-class",
            Self::NotEntered => "not-entered",
            Self::LetInAfterAll => "let-in-after-all",
        }
    }
}
