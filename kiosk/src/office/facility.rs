//! The facility's rules in the vault: setting them, and saying which count.

use gate::{Now, Policy};
use serde::{Deserialize, Serialize};
use store::{By, Store, StoreError};

use super::{Changed, OfficeError};
use crate::{
    facility_file::{self, Finding, findings},
    service::RecordText,
};

/// What was set.
#[derive(Serialize, Deserialize)]
pub(crate) struct FacilitySet {
    /// The record that says so; none if these very rules counted already.
    pub(crate) record: Option<RecordText>,
    /// What somebody should look at; nothing that is fatal.
    pub(crate) findings: Vec<Finding>,
}

/// The rules that count.
#[derive(Serialize, Deserialize)]
pub(crate) struct FacilityNow {
    /// The text as it was set; none if none ever was.
    pub(crate) text: Option<String>,
    /// SHA-256 of the text, as its record names it.
    pub(crate) digest: Option<String>,
    /// The record of the change.
    pub(crate) record: Option<RecordText>,
    /// When, in milliseconds since 1970; none if there was no clock.
    pub(crate) wall_ms: Option<i64>,
    /// What somebody should look at.
    pub(crate) findings: Vec<Finding>,
}

/// Sets the rules from now on. The text is read and checked here, whoever sends it: what would not be understood at the
/// next start, or lets nobody in or everybody, never reaches the vault.
pub(super) fn set(
    store: &mut Store,
    policy: &Policy,
    now: Now,
    text: &str,
) -> Result<(FacilitySet, Changed), OfficeError> {
    let rules = facility_file::parse("that was sent", text)?;
    let policy = rules.policy_where(policy);
    let findings = findings(&policy);
    if let Some(fatal) = facility_file::fatal(&findings) {
        return Err(OfficeError::Rules(fatal));
    }
    let record = store.set_facility(now, text, By::Console)?;
    store.set_offset_minutes(policy.facility.offset_minutes);
    Ok((
        FacilitySet { record: record.map(Into::into), findings },
        Changed { policy: Some(policy), ..Changed::default() },
    ))
}

/// The rules that count, and what somebody should look at where they are used.
pub(super) fn now(store: &Store, policy: &Policy) -> Result<FacilityNow, StoreError> {
    let newest = store.facility_files()?.pop();
    let rules = newest.as_ref().map(|it| facility_file::parse("(in the vault)", &it.text));
    let findings = rules.and_then(Result::ok).map(|rules| findings(&rules.policy_where(policy)));
    Ok(FacilityNow {
        digest: newest.as_ref().map(|it| it.digest.iter().map(|byte| format!("{byte:02x}")).collect()),
        record: newest.as_ref().map(|it| it.record.into()),
        wall_ms: newest.as_ref().and_then(|it| it.wall_ms),
        text: newest.map(|it| it.text),
        findings: findings.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use gate::{Direction, Mode, SensorTier};

    use super::*;
    use crate::{clock, commands::vault, office, search::SearchSet};

    const STRICT: &str = "[face]\ntarget_fpir = 0.001\npad_floor = 0.9\n[admission]\ngreeting = 'board'\n";

    fn site() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        vault::init_sample(&data).unwrap();
        let store = vault::open(&data).unwrap();
        (folder, store)
    }

    fn ask(store: &mut Store, text: &str) -> Result<(FacilitySet, Changed), OfficeError> {
        let policy = Policy {
            door: None,
            sensor: SensorTier::Depth,
            direction: Direction::Out,
            mode: Mode::Shelter,
            ..Policy::default()
        };
        set(store, &policy, clock::now(clock::system().as_ref()), text)
    }

    #[test]
    fn rules_that_were_set_count_at_once_and_at_the_next_start() {
        let (_folder, mut store) = site();
        assert_eq!(now(&store, &Policy::default()).unwrap().text, None);
        let (told, changed) = ask(&mut store, STRICT).unwrap();
        let policy = changed.policy.unwrap();
        assert_eq!((policy.pad_floor, policy.facility.greeting), (0.9, gate::Greeting::Board));
        assert_eq!((policy.door, policy.sensor), (None, SensorTier::Depth), "the board's part stays");
        assert_eq!((policy.direction, policy.mode), (Direction::Out, Mode::Shelter), "and the mode");
        let next = facility_file::of_vault(&store).unwrap().policy_where(&policy);
        assert_eq!(next, policy);
        let now = now(&store, &policy).unwrap();
        assert_eq!((now.text.as_deref(), now.record), (Some(STRICT), told.record));
    }

    #[test]
    fn the_same_rules_again_are_no_second_record() {
        let (_folder, mut store) = site();
        assert!(ask(&mut store, STRICT).unwrap().0.record.is_some());
        assert!(ask(&mut store, STRICT).unwrap().0.record.is_none());
        assert_eq!(store.facility_files().unwrap().len(), 1);
    }

    #[test]
    fn rules_that_are_not_understood_never_reach_the_vault() {
        let (_folder, mut store) = site();
        ask(&mut store, STRICT).unwrap();
        for bad in ["[face]\nframes = 0\n", "[fase]\n", "[admission]\nadmits = 'everybody'\n"] {
            assert!(ask(&mut store, bad).is_err(), "{bad}");
        }
        assert_eq!(store.facility().unwrap().as_deref(), Some(STRICT));
    }

    #[test]
    fn rules_that_let_nobody_in_or_too_many_never_reach_the_vault() {
        let (_folder, mut store) = site();
        let week = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        let closed: String = week.map(|day| format!("{day} = 'closed'\n")).concat();
        for (bad, key) in [
            (format!("[hours]\n{closed}"), "hours"),
            ("[claim]\ntarget_fmr = 0.5\n".into(), "claim.target_fmr"),
        ] {
            let error = ask(&mut store, &bad).err().unwrap().to_string();
            assert!(error.contains(key) && error.contains("使えません"), "{error}");
        }
        assert_eq!(store.facility_files().unwrap(), []);
    }

    #[test]
    fn whoever_sets_rules_is_told_what_to_look_at() {
        let (_folder, mut store) = site();
        let policy = Policy { sensor: SensorTier::Rgb, ..Policy::default() };
        let moment = clock::now(clock::system().as_ref());
        let told = set(&mut store, &policy, moment, "[face_alone]\nrgb = 'opens'\n").unwrap().0;
        assert!(told.record.is_some() && told.findings.len() == 1);
        assert!(
            told.findings[0].japanese.contains("写真") && told.findings[0].english.contains("photograph")
        );
        assert_eq!(now(&store, &policy).unwrap().findings, told.findings);
    }

    #[test]
    fn a_vault_whose_rules_are_not_understood_gives_no_policy_at_all() {
        let (_folder, mut store) = site();
        let moment = clock::now(clock::system().as_ref());
        store.set_facility(moment, "[from_a_newer_program]\n", By::Console).unwrap();
        let error = facility_file::of_vault(&store).unwrap_err().to_string();
        assert!(error.contains("kiosk facility set"), "{error}");
    }

    #[test]
    fn a_running_door_searches_by_the_new_threshold() {
        let (_folder, mut store) = site();
        let moment = clock::now(clock::system().as_ref());
        let vector = std::iter::once(1.0).chain(std::iter::repeat_n(0.0, 127)).collect();
        let template = gate::Template::new(models::Card::sface().model(), vector).unwrap();
        let enrolment =
            store::Enrolment { name: "見本".into(), templates: vec![template], ..Default::default() };
        store.enrol(moment, enrolment).unwrap();
        let policy = Policy { target_fpir: 0.1, attempts: 1, ..Policy::default() };
        let before = SearchSet::load(&mut store, &policy).unwrap();
        let asked = office::Ask::SetFacility { text: STRICT.into() };
        let request = crate::service::Request::Office { ask: asked };
        let served = crate::service::serve(&mut store, &before, &policy, None, moment, request).unwrap();
        let after = served.set.expect("the set follows the rules");
        assert!(after.threshold().score() > before.threshold().score());
        let read = SearchSet::load(&mut store, &served.policy.unwrap()).unwrap();
        assert_eq!(after.threshold(), read.threshold());
    }
}
