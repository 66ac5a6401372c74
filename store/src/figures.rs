//! Visits as reports need them: rows, and counts of a day.
//!
//! A visitor is an entrant of a visit that counts and who was not inside already. A visit whose moment no clock told has no
//! day; it is in no day's counts, and [`Store::visits_undated`] lists it.

use std::{collections::BTreeMap, time::Duration};

use gate::{Date, EntitlementId, FeeClassId, Inside, Local, Now, PersonId, RecordId, StaffId, Wall, Way};
use rusqlite::{Params, Row};

use crate::{
    Store, StoreError,
    registration::{date, text},
    visits::{COUNTED, DoorState},
    words::read_word,
};

/// One visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitRow {
    /// The record that says it: of the decision, or of the correction.
    pub record: RecordId,
    /// The facility's local day; none if there was no clock.
    pub day: Option<Date>,
    /// Minutes since that day's midnight.
    pub minute: Option<u16>,
    /// Whether the clock was good enough to be sure of the day.
    pub day_sure: bool,
    /// By which way.
    pub way: Way,
    /// With which outcome.
    pub outcome: VisitOutcome,
    /// Who was recognised or claimed to be, as long as that link is kept.
    pub person: Option<PersonId>,
    /// From the first face to the decision.
    pub reception: Duration,
    /// What the door did.
    pub state: DoorState,
    /// Everybody who came in, or would have.
    pub entrants: Vec<EntrantRow>,
    /// The visit that this row corrects.
    pub corrects: Option<RecordId>,
    /// The correction that took the place of this row.
    pub corrected_by: Option<RecordId>,
}

/// How a visit ended, in words that records and reports share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VisitOutcome {
    /// Recognised and let in.
    Granted,
    /// Let in by a member of the staff.
    LetIn(StaffId),
    /// Refused.
    Refused {
        /// Why, for instance `no-match` or `not-admitted`.
        reason: String,
        /// More exactly, for instance `closed`.
        detail: Option<String>,
    },
}

/// One person of a visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntrantRow {
    /// Who; none if entered by hand or cut off by retention.
    pub person: Option<PersonId>,
    /// Whether staff entered this visitor by hand.
    pub by_hand: bool,
    /// The fee class; none if staff had to say.
    pub fee: Option<FeeClassId>,
    /// The pass or coupon that was used.
    pub uses: Option<EntitlementId>,
    /// The attributes that the class rests on were old.
    pub stale: bool,
    /// Was inside already, so no further visitor.
    pub again: bool,
}

/// The figures of one day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Everybody who came in, each once.
    pub visitors: u32,
    /// The same by way.
    pub by_way: BTreeMap<Way, u32>,
    /// The same by fee class; none where no class fitted.
    pub by_fee: BTreeMap<Option<FeeClassId>, u32>,
    /// Of them, entered by hand.
    pub manual: u32,
    /// Came in again without having been counted again.
    pub again: u32,
    /// Let in, but the door was not opened or the strike not driven.
    pub not_entered: u32,
    /// Let in, but whether the strike was driven is not known; not counted.
    pub unknown: u32,
    /// Visits that were refused, by reason; for `not-admitted` by what was not in order.
    pub refused: BTreeMap<String, u32>,
    /// Visits of this day of whose day the clock was not sure.
    pub day_in_doubt: u32,
}

const VISITS: &str = "SELECT visits.number, visits.run, visits.seq, visits.day, visits.minute, visits.day_sure,
    visits.way, visits.outcome, visits.refusal, people.person, visits.staff, visits.reception_ms, visits.state,
    old.run, old.seq, new.run, new.seq
    FROM visits LEFT JOIN people ON people.number = visits.person
    LEFT JOIN visits AS old ON old.number = visits.corrects
    LEFT JOIN visits AS new ON new.number = visits.corrected_by";

impl Store {
    /// The visits of these days, both included, in the order in which they were written; corrected ones and corrections
    /// among them.
    ///
    /// # Errors
    /// The data file cannot be read.
    pub fn visits_between(&self, from: Date, until: Date) -> Result<Vec<VisitRow>, StoreError> {
        self.visits(
            "visits.day BETWEEN ?1 AND ?2 ORDER BY visits.number",
            (from.to_string(), until.to_string()),
        )
    }

    /// Of them, those that were refused.
    ///
    /// # Errors
    /// The data file cannot be read.
    pub fn refusals_between(&self, from: Date, until: Date) -> Result<Vec<VisitRow>, StoreError> {
        let these = "visits.state = 'refused' AND visits.day BETWEEN ?1 AND ?2 ORDER BY visits.number";
        self.visits(these, (from.to_string(), until.to_string()))
    }

    /// The newest refusals, newest first.
    ///
    /// # Errors
    /// The data file cannot be read.
    pub fn last_refusals(&self, most: u32) -> Result<Vec<VisitRow>, StoreError> {
        self.visits("visits.state = 'refused' ORDER BY visits.number DESC LIMIT ?1", [most])
    }

    /// Visits that no clock gave a day.
    ///
    /// # Errors
    /// The data file cannot be read.
    pub fn visits_undated(&self) -> Result<Vec<VisitRow>, StoreError> {
        self.visits("visits.day IS NULL ORDER BY visits.number", [])
    }

    /// One visit, by its record.
    ///
    /// # Errors
    /// The data file cannot be read.
    pub fn visit(&self, record: RecordId) -> Result<Option<VisitRow>, StoreError> {
        let found = self.visits("visits.run = ?1 AND visits.seq = ?2", (record.run, record.seq))?;
        Ok(found.into_iter().next())
    }

    /// The figures of one day.
    ///
    /// # Errors
    /// The data file cannot be read.
    pub fn counts(&self, day: Date) -> Result<Counts, StoreError> {
        Ok(Counts::of(&self.visits_between(day, day)?))
    }

    /// Who is inside, as far as this kiosk saw: everybody who came in on the local day of `now` and was not seen to leave.
    /// Visits without a clock belong to it if they were in this boot; if there is no clock now, all of this boot do.
    ///
    /// # Errors
    /// The data file cannot be read.
    pub fn inside(&self, now: Now) -> Result<Inside, StoreError> {
        let today = now.wall.and_then(|wall| Local::at(wall.unix_ms, self.offset_minutes));
        let today = text(today.map(|local| local.date));
        let sql = format!(
            "SELECT people.person, wall_ms, uncertain_s, again FROM entrants
             JOIN visits ON visits.number = entrants.visit JOIN people ON people.number = entrants.person
             WHERE gone = 0 AND {COUNTED} AND (day = ?1 OR (boot = ?2 AND (?1 IS NULL OR day IS NULL)))
             ORDER BY visits.number, place"
        );
        let entered = self.rows_of(&sql, (today, self.boot), |row| {
            let wall: Option<i64> = row.get(1)?;
            let uncertainty_s = row.get(2)?;
            let wall = wall.map(|unix_ms| Wall { unix_ms, uncertainty_s });
            Ok((PersonId(row.get(0)?), wall, row.get::<_, bool>(3)?))
        })?;
        let mut first = BTreeMap::new();
        for (person, wall, again) in entered {
            if again {
                first.entry(person).or_insert(wall);
            } else {
                first.insert(person, wall);
            }
        }
        let mut inside = Inside::default();
        first.into_iter().for_each(|(person, wall)| inside.enter(person, wall));
        Ok(inside)
    }

    /// The visits that a condition names; it also orders them.
    pub(crate) fn visits(&self, these: &str, arguments: impl Params) -> Result<Vec<VisitRow>, StoreError> {
        let sql = format!("{VISITS} WHERE {these}");
        let mut all = self.rows_of(&sql, arguments, |row| Ok((row.get::<_, i64>(0)?, visit(row)?)))?;
        let sql = "SELECT people.person, by_hand, fee, entitlements.entitlement, stale, again FROM entrants
                   LEFT JOIN people ON people.number = entrants.person
                   LEFT JOIN entitlements ON entitlements.number = entrants.uses
                   WHERE visit = ?1 ORDER BY place";
        let failed = |source| StoreError::sql("read visits", &self.file, source);
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        for (number, visit) in &mut all {
            let rows = statement.query_map([*number], entrant).map_err(failed)?;
            visit.entrants = rows.collect::<rusqlite::Result<_>>().map_err(failed)?;
        }
        Ok(all.into_iter().map(|(_, visit)| visit).collect())
    }
}

impl VisitRow {
    /// Whether whoever stands in it came in.
    #[must_use]
    pub fn counts(&self) -> bool {
        let came_in = match self.state {
            DoorState::Counter | DoorState::Released | DoorState::Entered | DoorState::Corrected => true,
            DoorState::Refused
            | DoorState::Waiting
            | DoorState::NotReleased
            | DoorState::Unused
            | DoorState::Unknown => false,
        };
        came_in && self.corrected_by.is_none()
    }
}

impl Counts {
    /// The figures of these visits.
    #[must_use]
    pub fn of(visits: &[VisitRow]) -> Self {
        let mut counts = Self::default();
        for visit in visits.iter().filter(|visit| visit.corrected_by.is_none()) {
            counts.day_in_doubt += u32::from(!visit.day_sure);
            if visit.counts() {
                counts.come_in(visit);
            } else {
                counts.stay_out(visit);
            }
        }
        counts
    }

    fn come_in(&mut self, visit: &VisitRow) {
        for entrant in &visit.entrants {
            if entrant.again {
                self.again += 1;
                continue;
            }
            self.visitors += 1;
            self.manual += u32::from(entrant.by_hand);
            *self.by_way.entry(visit.way).or_default() += 1;
            *self.by_fee.entry(entrant.fee.clone()).or_default() += 1;
        }
    }

    fn stay_out(&mut self, visit: &VisitRow) {
        let party = u32::try_from(visit.entrants.len()).unwrap_or(u32::MAX);
        match (visit.state, &visit.outcome) {
            (DoorState::Refused, VisitOutcome::Refused { reason, detail }) => {
                let detail = detail.as_ref().filter(|_| reason == "not-admitted");
                *self.refused.entry(detail.unwrap_or(reason).clone()).or_default() += 1;
            }
            (DoorState::Unknown, _) => self.unknown += party,
            (DoorState::NotReleased | DoorState::Unused, _) => self.not_entered += party,
            // Nobody knows yet, or nothing more is to be said.
            (DoorState::Waiting | DoorState::Refused, _) => {}
            (DoorState::Counter | DoorState::Released | DoorState::Entered | DoorState::Corrected, _) => {}
        }
    }
}

fn visit(row: &Row<'_>) -> rusqlite::Result<VisitRow> {
    let record = |at: usize| {
        let (run, seq): (Option<[u8; 16]>, Option<u64>) = (row.get(at)?, row.get(at + 1)?);
        Ok::<_, rusqlite::Error>(run.zip(seq).map(|(run, seq)| RecordId { run, seq }))
    };
    let outcome = match (row.get_ref(7)?.as_str()?, row.get::<_, Option<[u8; 16]>>(10)?) {
        ("granted", _) => VisitOutcome::Granted,
        ("let-in", staff) => VisitOutcome::LetIn(StaffId(staff.unwrap_or_default())),
        (reason, _) => VisitOutcome::Refused { reason: reason.to_owned(), detail: row.get(8)? },
    };
    Ok(VisitRow {
        record: RecordId { run: row.get(1)?, seq: row.get(2)? },
        day: date(row, 3)?,
        minute: row.get(4)?,
        day_sure: row.get(5)?,
        way: read_word(row, 6)?,
        outcome,
        person: row.get::<_, Option<[u8; 16]>>(9)?.map(PersonId),
        reception: Duration::from_millis(row.get(11)?),
        state: read_word(row, 12)?,
        entrants: Vec::new(),
        corrects: record(13)?,
        corrected_by: record(15)?,
    })
}

fn entrant(row: &Row<'_>) -> rusqlite::Result<EntrantRow> {
    Ok(EntrantRow {
        person: row.get::<_, Option<[u8; 16]>>(0)?.map(PersonId),
        by_hand: row.get(1)?,
        fee: row.get::<_, Option<String>>(2)?.map(|fee| FeeClassId(fee.into())),
        uses: row.get::<_, Option<[u8; 16]>>(3)?.map(EntitlementId),
        stale: row.get(4)?,
        again: row.get(5)?,
    })
}
