//! What the records of the door come to: one row for each visit, and one for each person of it, changed in the
//! transactions of the records themselves.
//!
//! ```text
//!                 counter (no door) ── counts at once
//! Decision ──┬──►
//!            │              Released(pulsed)             Door(grant unused)
//!            ├──► waiting ───────────────────► released ───────────────────► unused
//!            │        │ Released(expired, wrong door) ► not-released            │
//!            │        │ Released(failed, unknown) ────► unknown                 │
//!            │        └────────── Door(entered), from any of them but not-released ──► entered
//!            └──► refused
//! ```
//! `counter`, `released`, `entered` and `corrected` count, the others do not. Nothing is counted up: how many came in, and
//! how many coupons are used, is how many rows there are of visits that count. So a record that is said twice, or a
//! power cut between two of them, counts nothing twice and loses nothing that a durable record says.
//!
//! `unknown` does not count: the strike may have moved or not. Reports name these visits, and a coupon that hangs on one is
//! the visitor's.

use std::time::Duration;

use gate::{
    Decision, DoorEvent, Entrant, FeeClassId, Local, Mode, Outcome, PersonId, PulseResult, RecordId,
    Released, StaffId, Wall, Way,
};
use rusqlite::params;

use crate::{StoreError, bodies, feeds::Batch, words::Word};

/// SQL: the visit counts.
pub(crate) const COUNTED: &str = "visits.state IN ('counter', 'released', 'entered', 'corrected')
    AND visits.corrected_by IS NULL";

/// What the door did for a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DoorState {
    /// Nobody was let in.
    Refused,
    /// Let in where there is no door.
    Counter,
    /// Let in; the strike has not answered yet.
    Waiting,
    /// The strike was driven.
    Released,
    /// The door was opened after it.
    Entered,
    /// The strike was not driven.
    NotReleased,
    /// The strike was driven and nobody opened the door.
    Unused,
    /// Whether the strike was driven is not known.
    Unknown,
    /// Staff wrote down what really was.
    Corrected,
}

/// What a decision says of a visit.
#[derive(Debug)]
pub(crate) struct Told<'a> {
    pub(crate) mode: Mode,
    pub(crate) way: Way,
    pub(crate) outcome: Outcome,
    pub(crate) lasted: Duration,
    /// A grant of it releases a door.
    pub(crate) door: bool,
    pub(crate) party: &'a [Entrant],
    pub(crate) by_hand: &'a [FeeClassId],
}

impl<'a> Told<'a> {
    pub(crate) fn of(decision: &'a Decision) -> Self {
        Self {
            mode: decision.mode(),
            way: decision.way(),
            outcome: decision.outcome(),
            lasted: decision.lasted(),
            door: decision.door().is_some(),
            party: decision.admission().map_or(&[], |admission| &admission.party),
            by_hand: decision.entered_by_hand(),
        }
    }
}

/// A row of `visits` to write, without its clock.
pub(crate) struct NewVisit<'a> {
    pub(crate) record: RecordId,
    pub(crate) mode: Mode,
    pub(crate) way: Way,
    pub(crate) outcome: &'a str,
    pub(crate) refusal: Option<&'a str>,
    pub(crate) person: Option<i64>,
    pub(crate) staff: Option<[u8; 16]>,
    pub(crate) reception_ms: u64,
    pub(crate) state: DoorState,
}

/// A visit was decided.
pub(crate) fn decided(batch: &Batch<'_>, record: RecordId, told: &Told<'_>) -> Result<(), StoreError> {
    let (outcome, person, detail) = bodies::outcome(told.outcome);
    let (state, staff) = match told.outcome {
        Outcome::Denied(_) => (DoorState::Refused, None),
        Outcome::Granted { .. } => (let_in(told.door), None),
        Outcome::LetIn { staff: StaffId(staff) } => (let_in(told.door), Some(staff)),
    };
    let visit = NewVisit {
        record,
        mode: told.mode,
        way: told.way,
        outcome,
        refusal: detail.as_ref().and_then(|(_, value)| value.as_text()),
        person: person.map(|person| number_of(batch, person)).transpose()?.flatten(),
        staff,
        reception_ms: told.lasted.as_millis().try_into().unwrap_or(u64::MAX >> 1),
        state,
    };
    let number = insert(batch, &visit)?;
    if state == DoorState::Refused {
        return Ok(());
    }
    let places = insert_party(batch, number, told.party, told.by_hand)?;
    match (places, told.outcome) {
        // Whoever was let in is somebody, also where nothing more is said.
        (0, Outcome::Granted { person }) => {
            let alone = Entrant { person, fee: None, uses: None, stale: false, again: false };
            insert_party(batch, number, &[alone], &[]).map(|_| ())
        }
        (0, Outcome::LetIn { .. }) => insert_entrant(batch, number, 0, &Row::by_hand(None)),
        (_, Outcome::Granted { .. } | Outcome::LetIn { .. } | Outcome::Denied(_)) => Ok(()),
    }
}

/// The strike answered for a grant.
pub(crate) fn released(batch: &Batch<'_>, released: &Released) -> Result<(), StoreError> {
    move_on(batch, released.grant(), &[DoorState::Waiting], after(released.result()))
}

fn after(result: PulseResult) -> DoorState {
    match result {
        PulseResult::Pulsed(_) => DoorState::Released,
        PulseResult::Expired | PulseResult::WrongDoor => DoorState::NotReleased,
        PulseResult::StrikeFailed | PulseResult::Unknown => DoorState::Unknown,
    }
}

/// The door's contacts told something.
pub(crate) fn door(batch: &Batch<'_>, event: DoorEvent) -> Result<(), StoreError> {
    use DoorState::{Entered, Released, Unknown, Unused, Waiting};
    match event {
        DoorEvent::Entered(grant) => move_on(batch, grant, &[Waiting, Released, Unused, Unknown], Entered),
        DoorEvent::GrantUnused(grant) => move_on(batch, grant, &[Waiting, Released], Unused),
        DoorEvent::Forced
        | DoorEvent::OpenLong
        | DoorEvent::HeldOpen
        | DoorEvent::Closed
        | DoorEvent::RequestToExit
        | DoorEvent::Fire
        | DoorEvent::FireOver
        | DoorEvent::TamperOpen
        | DoorEvent::TamperClosed => Ok(()),
    }
}

/// Somebody left.
pub(crate) fn left(batch: &Batch<'_>, record: RecordId, person: PersonId) -> Result<(), StoreError> {
    let Some(number) = number_of(batch, person)? else { return Ok(()) };
    batch.mentioned(number, record, true)?;
    batch.execute("UPDATE entrants SET gone = 1 WHERE gone = 0 AND person = ?1", [number]).map(|_| ())
}

/// Writes the row of a visit, with the facility's local time.
pub(crate) fn insert(batch: &Batch<'_>, visit: &NewVisit<'_>) -> Result<i64, StoreError> {
    let clock = batch.clock();
    let wall = clock.wall_ms.map(|unix_ms| Wall { unix_ms, uncertainty_s: clock.uncertainty_s });
    let local = wall.and_then(|wall| Local::at(wall.unix_ms, batch.offset_minutes()));
    let span = Local::span(wall, batch.offset_minutes());
    let sure = span.is_some_and(|(earliest, latest)| earliest.date == latest.date);
    let sql =
        "INSERT INTO visits (run, seq, boot, wall_ms, uncertain_s, day, minute, day_sure, mode, way, outcome,
                   refusal, person, staff, reception_ms, state)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
    let row = params![
        visit.record.run,
        visit.record.seq,
        clock.boot,
        clock.wall_ms,
        clock.uncertainty_s,
        local.map(|local| local.date.to_string()),
        local.map(|local| local.minute),
        sure,
        visit.mode.word(),
        visit.way.word(),
        visit.outcome,
        visit.refusal,
        visit.person,
        visit.staff,
        visit.reception_ms,
        visit.state.word(),
    ];
    batch.execute(sql, row)?;
    Ok(batch.transaction.last_insert_rowid())
}

/// Writes the rows of everybody who comes in; returns how many.
pub(crate) fn insert_party(
    batch: &Batch<'_>,
    visit: i64,
    party: &[Entrant],
    by_hand: &[FeeClassId],
) -> Result<u32, StoreError> {
    let mut place = 0;
    for entrant in party {
        let row = Row {
            person: number_of(batch, entrant.person)?,
            by_hand: false,
            fee: entrant.fee.as_ref().map(|fee| &*fee.0),
            uses: entrant.uses.map(|it| entitlement(batch, it.0)).transpose()?.flatten(),
            stale: entrant.stale,
            again: entrant.again,
        };
        insert_entrant(batch, visit, place, &row)?;
        place += 1;
    }
    for fee in by_hand {
        insert_entrant(batch, visit, place, &Row::by_hand(Some(&*fee.0)))?;
        place += 1;
    }
    Ok(place)
}

/// The row of somebody who is or was enrolled; none for an id that is not known here.
pub(crate) fn number_of(batch: &Batch<'_>, person: PersonId) -> Result<Option<i64>, StoreError> {
    batch.first("SELECT number FROM people WHERE person = ?1", [person.0], |row| row.get(0))
}

struct Row<'a> {
    person: Option<i64>,
    by_hand: bool,
    fee: Option<&'a str>,
    uses: Option<i64>,
    stale: bool,
    again: bool,
}

impl<'a> Row<'a> {
    fn by_hand(fee: Option<&'a str>) -> Self {
        Self { person: None, by_hand: true, fee, uses: None, stale: false, again: false }
    }
}

fn insert_entrant(batch: &Batch<'_>, visit: i64, place: u32, row: &Row<'_>) -> Result<(), StoreError> {
    let sql = "INSERT INTO entrants (visit, place, person, by_hand, fee, uses, stale, again)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let Row { person, by_hand, fee, uses, stale, again } = row;
    batch.execute(sql, params![visit, place, person, by_hand, fee, uses, stale, again]).map(|_| ())
}

fn entitlement(batch: &Batch<'_>, id: [u8; 16]) -> Result<Option<i64>, StoreError> {
    batch.first("SELECT number FROM entitlements WHERE entitlement = ?1", [id], |row| row.get(0))
}

fn let_in(door: bool) -> DoorState {
    if door { DoorState::Waiting } else { DoorState::Counter }
}

/// A grant that no row knows was given before there were rows; then nothing is to be done.
fn move_on(batch: &Batch<'_>, grant: RecordId, from: &[DoorState], to: DoorState) -> Result<(), StoreError> {
    for state in from {
        let sql = "UPDATE visits SET state = ?4 WHERE run = ?1 AND seq = ?2 AND state = ?3";
        if batch.execute(sql, params![grant.run, grant.seq, state.word(), to.word()])? > 0 {
            return Ok(());
        }
    }
    Ok(())
}

impl Word for DoorState {
    const ALL: &'static [Self] = &[
        Self::Refused,
        Self::Counter,
        Self::Waiting,
        Self::Released,
        Self::Entered,
        Self::NotReleased,
        Self::Unused,
        Self::Unknown,
        Self::Corrected,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Counter => "counter",
            Self::Waiting => "waiting",
            Self::Released => "released",
            Self::Entered => "entered",
            Self::NotReleased => "not-released",
            Self::Unused => "unused",
            Self::Unknown => "unknown",
            Self::Corrected => "corrected",
        }
    }
}

#[cfg(test)]
mod tests;
