//! From the vault's rows to what a report counts: here the people are left behind.

use gate::{Coupons, Date, Local, Now, Policy};
use serde::{Deserialize, Serialize};
use store::{DoorState, EntrantRow, Store, StoreError, VisitOutcome, VisitRow};

use crate::report::{Ended, Overdrawn, Visit, Visitor};

/// What a report needs beside the visits.
#[derive(Serialize, Deserialize)]
pub(crate) struct Standing {
    /// The facility's name.
    pub(crate) facility: String,
    /// The text of the facility's file, if one was set.
    pub(crate) file: Option<String>,
    /// The local day and minute, if there is a clock.
    pub(crate) now: Option<(String, u16)>,
    pub(crate) overdrawn: Overdrawn,
    /// Visits that no clock gave a day.
    pub(crate) undated: u32,
}

pub(crate) fn standing(store: &Store, policy: &Policy, now: Now) -> Result<Standing, StoreError> {
    let local = now.wall.and_then(|wall| Local::at(wall.unix_ms, policy.facility.offset_minutes));
    let roster = store.roster()?;
    let books = roster.iter().flat_map(|(_, registered)| &registered.entitlements);
    Ok(Standing {
        facility: store.settings()?.notice.facility,
        file: store.facility()?,
        now: local.map(|local| (local.date.to_string(), local.minute)),
        overdrawn: overdrawn(books.filter_map(|book| book.coupons)),
        undated: u32::try_from(store.visits_undated()?.len()).unwrap_or(u32::MAX),
    })
}

/// The visits of a day, without people. A row that staff corrected is left out: its correction stands for it.
pub(crate) fn visits(store: &Store, day: Date) -> Result<Vec<Visit>, StoreError> {
    let rows = store.visits_between(day, day)?;
    Ok(rows.iter().filter(|row| row.corrected_by.is_none()).filter_map(visit).collect())
}

fn overdrawn(books: impl Iterator<Item = Coupons>) -> Overdrawn {
    let mut all = Overdrawn::default();
    for Coupons { granted, used_here, used_elsewhere } in books {
        let over = used_here.saturating_add(used_elsewhere).saturating_sub(granted);
        all.books += u32::from(over > 0);
        all.coupons = all.coupons.saturating_add(over);
    }
    all
}

/// None for a visit without a day.
fn visit(row: &VisitRow) -> Option<Visit> {
    Some(Visit {
        day: row.day?,
        minute: row.minute?,
        day_sure: row.day_sure,
        way: row.way.into(),
        ended: ended(row),
        reception: match row.outcome {
            VisitOutcome::Granted => Some(row.reception),
            VisitOutcome::LetIn(_) | VisitOutcome::Refused { .. } => None,
        },
        visitors: row.entrants.iter().map(visitor).collect(),
    })
}

fn ended(row: &VisitRow) -> Ended {
    match (row.state, &row.outcome) {
        (_, VisitOutcome::Refused { reason, detail }) => {
            let detail = detail.as_ref().filter(|_| reason == "not-admitted");
            Ended::Refused(detail.unwrap_or(reason).clone())
        }
        (DoorState::Counter | DoorState::Released | DoorState::Entered | DoorState::Corrected, _) => {
            Ended::CameIn
        }
        (DoorState::NotReleased | DoorState::Unused, _) => Ended::NotEntered,
        (DoorState::Waiting | DoorState::Unknown | DoorState::Refused, _) => Ended::Unknown,
    }
}

fn visitor(entrant: &EntrantRow) -> Visitor {
    Visitor {
        fee: entrant.fee.as_ref().map(|fee| fee.0.to_string()),
        by_hand: entrant.by_hand,
        stale: entrant.stale,
        again: entrant.again,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use gate::{FeeClassId, PersonId, RecordId, Way};

    use super::*;

    fn row(state: DoorState, outcome: VisitOutcome) -> VisitRow {
        VisitRow {
            record: RecordId { run: [7; 16], seq: 1 },
            day: Date::parse("2026-11-24"),
            minute: Some(600),
            day_sure: true,
            way: Way::Face,
            outcome,
            person: Some(PersonId([9; 16])),
            reception: Duration::from_millis(900),
            state,
            entrants: vec![EntrantRow {
                person: Some(PersonId([9; 16])),
                by_hand: false,
                fee: Some(FeeClassId("adult".into())),
                uses: None,
                stale: true,
                again: false,
            }],
            corrects: None,
            corrected_by: None,
        }
    }

    fn refused(reason: &str, detail: Option<&str>) -> VisitOutcome {
        VisitOutcome::Refused { reason: reason.into(), detail: detail.map(str::to_owned) }
    }

    #[test]
    fn a_visit_leaves_its_person_behind() {
        let visit = visit(&row(DoorState::Entered, VisitOutcome::Granted)).unwrap();
        let text = serde_json::to_string(&visit).unwrap();
        assert!(!text.contains(&PersonId([9; 16]).to_string()) && !text.contains("9,9,9"), "{text}");
        assert_eq!(visit.visitors[0].fee.as_deref(), Some("adult"));
        assert!(visit.visitors[0].stale && visit.reception.is_some());
    }

    #[test]
    fn who_counts_here_counts_in_the_vault() {
        let states = [
            DoorState::Counter,
            DoorState::Waiting,
            DoorState::Released,
            DoorState::Entered,
            DoorState::NotReleased,
            DoorState::Unused,
            DoorState::Unknown,
            DoorState::Corrected,
        ];
        for state in states {
            let row = row(state, VisitOutcome::Granted);
            let came = visit(&row).unwrap().ended == Ended::CameIn;
            assert_eq!(came, row.counts(), "{state:?}");
        }
    }

    #[test]
    fn a_refusal_says_what_was_not_in_order() {
        for (outcome, expected) in [
            (refused("no-match", None), "no-match"),
            (refused("low-quality", Some("blurred")), "low-quality"),
            (refused("not-admitted", Some("pass-not-valid")), "pass-not-valid"),
        ] {
            let row = row(DoorState::Refused, outcome);
            assert_eq!(visit(&row).unwrap().ended, Ended::Refused(expected.into()));
        }
    }

    #[test]
    fn reception_is_measured_where_the_kiosk_decided() {
        let let_in = row(DoorState::Released, VisitOutcome::LetIn(gate::StaffId([1; 16])));
        assert_eq!(visit(&let_in).unwrap().reception, None);
    }

    #[test]
    fn a_book_is_overdrawn_when_kiosks_that_could_not_talk_used_more_than_was_in_it() {
        let book = |granted, used_here, used_elsewhere| Coupons { granted, used_here, used_elsewhere };
        let found = overdrawn([book(10, 5, 5), book(10, 8, 5), book(1, 1, 1), book(0, 0, 0)].into_iter());
        assert_eq!(found, Overdrawn { books: 2, coupons: 4 });
    }
}
