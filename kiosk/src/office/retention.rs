//! What is kept how long: a sweep once a day, in small steps, while nobody stands at the door.

use std::time::Duration;

use gate::{Monotonic, Now};
use serde::{Deserialize, Serialize};
use store::{Retained, Retention, Store, StoreError};

use super::OfficeError;
use crate::facility_file;

/// From one sweep to the next.
const EVERY: Duration = Duration::from_hours(24);
/// After the start: first the door opens.
const FIRST: Duration = Duration::from_secs(60);
/// Between two steps of one sweep.
const STEP: Duration = Duration::from_secs(5);
/// After a sweep that failed, for instance because the clock is not sure.
const AGAIN: Duration = Duration::from_hours(1);

/// When the next step is due.
#[derive(Debug)]
pub(crate) struct Sweep {
    due: Monotonic,
}

impl Sweep {
    /// The first is due a minute after the start.
    pub(crate) fn new(now: Monotonic) -> Self {
        Self { due: now.plus(FIRST) }
    }

    /// Takes away what is older than the vault's rules allow, if it is time. Call it often, while nobody is here.
    pub(crate) fn step(&mut self, store: &mut Store, now: Now) {
        if now.mono < self.due {
            return;
        }
        let pause = match sweep(store, now) {
            Ok(Retained { more: true, .. }) => STEP,
            Ok(Retained { record: None, .. }) => EVERY,
            Ok(Retained { visits, records, accesses, staff, .. }) => {
                tracing::info!(visits, records, accesses, staff, "retention");
                EVERY
            }
            Err(error) => {
                tracing::warn!(error = crate::output::explain(&error), "retention waits");
                AGAIN
            }
        };
        self.due = now.mono.plus(pause);
    }
}

fn sweep(store: &mut Store, now: Now) -> Result<Retained, OfficeError> {
    let days = facility_file::of_vault(store)?.retention;
    Ok(store.apply_retention(now, &days)?)
}

/// What is kept how long, and what would go now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Due {
    pub(crate) days: Days,
    /// What would be taken away now; none if the clock is not one to count days by.
    pub(crate) would_go: Option<WouldGo>,
    /// Why nothing can be taken away.
    pub(crate) waits: Option<String>,
}

/// The rules, in days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Days {
    pub(crate) decisions: u16,
    pub(crate) refusals: u16,
    pub(crate) visits_person: u16,
    pub(crate) accesses: u16,
    pub(crate) removed_staff: u16,
}

/// How much would be taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WouldGo {
    /// Visits that would be nobody's.
    pub(crate) visits: usize,
    /// Records that would be emptied; at most as many as one step takes.
    pub(crate) records: usize,
    pub(crate) more: bool,
    /// Look-ups and exports that would no longer be listed.
    pub(crate) accesses: usize,
    /// Removed staff whose names would go.
    pub(crate) staff: usize,
}

/// What would go now. Takes nothing away.
pub(super) fn due(store: &mut Store, now: Now) -> Result<Due, OfficeError> {
    let retention = facility_file::of_vault(store)?.retention;
    let Retention { decisions_days, refusals_days, visits_person_days, accesses_days, removed_staff_days } =
        retention;
    let days = Days {
        decisions: decisions_days,
        refusals: refusals_days,
        visits_person: visits_person_days,
        accesses: accesses_days,
        removed_staff: removed_staff_days,
    };
    match store.retention_due(now, &retention) {
        Ok(Retained { visits, records, accesses, staff, more, record: _ }) => {
            let would_go = Some(WouldGo { visits, records, more, accesses, staff });
            Ok(Due { days, would_go, waits: None })
        }
        Err(error @ StoreError::ClockNotPlausible(_)) => {
            Ok(Due { days, would_go: None, waits: Some(error.to_string()) })
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use gate::{PersonId, Wall};
    use store::{By, Enrolment};

    use super::*;
    use crate::commands::vault;

    const DAY_MS: i64 = 86_400_000;
    /// A Tuesday in November 2026.
    const START_MS: i64 = 1_795_478_400_000;

    fn site() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        vault::init_sample(&data).unwrap();
        let store = vault::open(&data).unwrap();
        (folder, store)
    }

    fn at(day: i64, mono_s: u64) -> Now {
        let mono = Monotonic::default().plus(Duration::from_secs(mono_s));
        Now { mono, wall: Some(Wall { unix_ms: START_MS + day * DAY_MS, uncertainty_s: 1 }) }
    }

    fn somebody_looked_up(store: &mut Store) -> PersonId {
        let face = gate::Template::new(gate::ModelId::new("toy"), vec![1.0, 0.0]).unwrap();
        let enrolment = Enrolment { name: "見本".into(), templates: vec![face], ..Enrolment::default() };
        let person = store.enrol(at(0, 0), enrolment).unwrap().0;
        store.record_access(at(0, 0), person, By::Console, "問い合わせ").unwrap();
        store.set_facility(at(0, 0), "[retention]\naccesses_days = 10\n", By::Console).unwrap();
        person
    }

    #[test]
    fn what_would_go_is_told_and_stays() {
        let (_folder, mut store) = site();
        let person = somebody_looked_up(&mut store);
        let would_go = |store: &mut Store, day| due(store, at(day, 0)).unwrap().would_go.unwrap().accesses;
        assert_eq!((would_go(&mut store, 5), would_go(&mut store, 12)), (0, 1));
        assert_eq!(store.accesses_of(person).unwrap().len(), 1);
        assert_eq!(due(&mut store, at(0, 0)).unwrap().days.accesses, 10);
    }

    #[test]
    fn a_sweep_goes_by_the_days_of_the_vault_once_a_day() {
        let (_folder, mut store) = site();
        let person = somebody_looked_up(&mut store);
        let mut sweep = Sweep::new(Monotonic::default());
        let left = |store: &Store| store.accesses_of(person).unwrap().len();
        sweep.step(&mut store, at(12, 59));
        assert_eq!(left(&store), 1, "a start is no time for it");
        sweep.step(&mut store, at(5, 60));
        assert_eq!(left(&store), 1, "not old enough");
        sweep.step(&mut store, at(12, 3_600));
        assert_eq!(left(&store), 1, "once a day");
        sweep.step(&mut store, at(12, 60 + 24 * 3_600));
        assert_eq!(left(&store), 0);
    }

    #[test]
    fn a_clock_that_may_be_wrong_takes_nothing_away_and_says_so() {
        let (_folder, mut store) = site();
        let person = somebody_looked_up(&mut store);
        let unsure =
            Now { wall: at(12, 0).wall.map(|wall| Wall { uncertainty_s: 86_400, ..wall }), ..at(12, 0) };
        let told = due(&mut store, unsure).unwrap();
        assert!(told.would_go.is_none() && told.waits.is_some());
        let mut sweep = Sweep::new(Monotonic::default());
        sweep.step(&mut store, Now { mono: at(0, 60).mono, ..unsure });
        assert_eq!(store.accesses_of(person).unwrap().len(), 1);
        sweep.step(&mut store, at(12, 60 + 3_600));
        assert_eq!(store.accesses_of(person).unwrap().len(), 0, "tried again in an hour");
    }
}
