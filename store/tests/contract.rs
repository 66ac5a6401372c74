//! What the kiosk relies on: people and gallery change with their records, grants are answered once, and what was written
//! is there after a restart.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use gate::{DurableLog, Entry, ModelId, PersonId, Probe, Released, Standing};
use ledger::{Record, Value};
use store::{By, Enrolment, Init, MAX_REFERENCES, OpenOptions, Store, StoreError};

fn model() -> ModelId {
    ModelId::new(MODEL)
}

fn best(store: &Store, numbers: [f32; 4]) -> Option<(PersonId, Standing)> {
    let found = store.gallery(&model(), 4).unwrap().search(&Probe(template(numbers))).unwrap();
    found.best.filter(|best| best.score.0 > 0.9).map(|best| (best.person, best.standing))
}

#[test]
fn the_words_of_the_notice_are_those_of_the_set_up() {
    let (_directory, store) = fresh();
    assert_eq!(store.settings().unwrap().notice, notice());
}

#[test]
fn an_enrolled_person_is_found_and_is_still_there_after_a_restart() {
    let (directory, mut store) = fresh();
    let (alice, record) = store.enrol(at(1), enrolment("青木 愛", [1.0, 0.0, 0.0, 0.0])).unwrap();
    let (bob, _) = store.enrol(at(2), enrolment("馬場 文太", [0.0, 1.0, 0.0, 0.0])).unwrap();
    assert_eq!(best(&store, [1.0, 0.1, 0.0, 0.0]), Some((alice, Standing::Active)));
    drop(store);
    let store = open(directory.path());
    assert_eq!(best(&store, [0.1, 1.0, 0.0, 0.0]), Some((bob, Standing::Active)));
    let people = store.people().unwrap();
    assert_eq!(people.len(), 2);
    assert_eq!((people[0].id, people[0].name.as_str(), people[0].references), (alice, "青木 愛", 1));
    assert_eq!(people[0].model, Some(model()));
    assert!(store.references_of(alice).unwrap() == [template([1.0, 0.0, 0.0, 0.0])]);
    let body = store.read(&store.record(record).unwrap().unwrap()).unwrap();
    assert_eq!(body.kind, "Enrolled");
    assert!(body.get("person") == Some(&Value::bytes(alice.0)));
}

#[test]
fn neither_name_nor_template_stands_in_the_clear_of_a_record_or_file() {
    let (directory, mut store) = fresh();
    let (_, record) = store.enrol(at(1), enrolment("Hanako", [0.25, 0.5, 0.5, 0.5])).unwrap();
    let stored = store.record(record).unwrap().unwrap();
    let body = store.read(&stored).unwrap();
    assert!(body.personal.is_some());
    assert!(body.fields.iter().all(|(_, value)| value.as_text() != Some("Hanako")));
    drop(store);
    for file in ["genkan.db", "vault.check", "lock"] {
        let bytes = std::fs::read(directory.path().join(file)).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"Hanako"), "{file}");
        assert!(!bytes.starts_with(b"SQLite"), "{file}");
    }
    assert!(!stored.bytes.windows(6).any(|window| window == b"Hanako"));
}

#[test]
fn a_revoked_person_is_still_found_but_marked_and_only_once() {
    let (_directory, mut store) = fresh();
    let (alice, _) = store.enrol(at(1), enrolment("青木", [1.0, 0.0, 0.0, 0.0])).unwrap();
    let record = store.revoke(at(2), alice, "退園").unwrap();
    assert_eq!(best(&store, [1.0, 0.0, 0.0, 0.0]), Some((alice, Standing::Revoked)));
    assert_eq!(store.people().unwrap()[0].standing, Standing::Revoked);
    let body = store.read(&store.record(record).unwrap().unwrap()).unwrap();
    assert_eq!(body.kind, "Revoked");
    assert!(matches!(store.revoke(at(3), alice, ""), Err(StoreError::AlreadyRevoked(it)) if it == alice));
    let nobody = PersonId([5; 16]);
    assert!(matches!(store.revoke(at(3), nobody, ""), Err(StoreError::UnknownPerson(it)) if it == nobody));
}

#[test]
fn a_revoked_person_comes_back_under_a_new_id_once_and_the_old_references_are_gone() {
    let (_directory, mut store) = fresh();
    let (old, _) = store.enrol(at(1), enrolment("青木", [1.0, 0.0, 0.0, 0.0])).unwrap();
    let again = |old| Enrolment { reinstates: Some(old), ..enrolment("青木", [0.0, 0.0, 1.0, 0.0]) };
    assert!(matches!(store.enrol(at(2), again(old)), Err(StoreError::NotRevoked(it)) if it == old));
    store.revoke(at(3), old, "休園").unwrap();
    let (new, record) = store.enrol(at(4), again(old)).unwrap();
    assert_ne!(new, old);
    assert_eq!(best(&store, [1.0, 0.0, 0.0, 0.0]), None);
    assert_eq!(best(&store, [0.0, 0.0, 1.0, 0.0]), Some((new, Standing::Active)));
    let body = store.read(&store.record(record).unwrap().unwrap()).unwrap();
    assert!(body.get("reinstates") == Some(&Value::bytes(old.0)));
    assert_eq!(store.people().unwrap()[0].reinstated_as, Some(new));
    let refused = store.enrol(at(5), again(old));
    assert!(
        matches!(refused, Err(StoreError::AlreadyReinstated { person, as_person }) if (person, as_person) == (old, new))
    );
    let nobody = PersonId([5; 16]);
    assert!(matches!(store.enrol(at(5), again(nobody)), Err(StoreError::UnknownPerson(it)) if it == nobody));
    assert_eq!(store.people().unwrap().len(), 2);
}

#[test]
fn what_makes_no_enrolment_enrols_nobody() {
    let (_directory, mut store) = fresh();
    let one = template([1.0, 0.0, 0.0, 0.0]);
    let other = gate::Template::new(ModelId::new("other"), vec![1.0; 4]).unwrap();
    let shorter = gate::Template::new(model(), vec![1.0; 3]).unwrap();
    let bad = [
        ("", vec![one.clone()]),
        ("  ", vec![one.clone()]),
        ("a\nb", vec![one.clone()]),
        (&"あ".repeat(201), vec![one.clone()]),
        ("nobody", vec![]),
        ("two models", vec![one.clone(), other]),
        ("two widths", vec![one.clone(), shorter]),
        ("too many", vec![one.clone(); MAX_REFERENCES + 1]),
    ];
    for (name, templates) in bad {
        let refused = store.enrol(at(1), Enrolment { name: name.into(), templates, ..Enrolment::default() });
        assert!(matches!(refused, Err(StoreError::UnusableEnrolment(_))), "{name}");
    }
    assert!(store.people().unwrap().is_empty());
    assert_eq!(store.verify(None).unwrap().records, 0);
}

#[test]
fn the_largest_enrolment_fits_in_one_record() {
    let (_directory, mut store) = fresh();
    let wide = gate::Template::new(ModelId::new("wide"), vec![1.0; 512]).unwrap();
    let name = "髙".repeat(200);
    store
        .enrol(at(1), Enrolment { name, templates: vec![wide; MAX_REFERENCES], ..Enrolment::default() })
        .unwrap();
    assert_eq!(store.gallery(&ModelId::new("wide"), 512).unwrap().references(), MAX_REFERENCES);
}

#[test]
fn many_are_enrolled_together_or_not_at_all_and_each_has_a_record() {
    let (_directory, mut store) = fresh();
    let people = |count: u32| (0..count).map(|i| enrolment(&format!("P{i}"), [1.0, i as f32, 0.5, 0.0]));
    let enrolled = store.enrol_many(at(1), people(300)).unwrap();
    assert_eq!(enrolled.len(), 300);
    let bad = Enrolment { templates: vec![], ..enrolment("bad", [1.0; 4]) };
    assert!(store.enrol_many(at(2), people(5).chain([bad])).is_err());
    assert_eq!(store.people().unwrap().len(), 300);
    assert_eq!(store.gallery(&model(), 4).unwrap().references(), 300);
    let report = store.verify(None).unwrap();
    assert!(report.is_sound(), "{:?}", report.findings);
    assert_eq!(report.records, 301);
}

#[test]
fn references_of_another_model_are_not_in_the_gallery_and_another_width_is_refused() {
    let (_directory, mut store) = fresh();
    store.enrol(at(1), enrolment("青木", [1.0, 0.0, 0.0, 0.0])).unwrap();
    assert_eq!(store.gallery(&ModelId::new("other"), 4).unwrap().references(), 0);
    assert!(matches!(store.gallery(&model(), 8), Err(StoreError::Corrupt { .. })));
}

#[test]
fn a_grant_is_open_until_it_is_answered_and_answered_once() {
    let (_directory, mut store) = fresh();
    let mut door = Door::new();
    let decision = door.decide(Some(PersonId([1; 16])));
    let committed = gate::commit(&mut store, door.now(), decision).unwrap();
    assert_eq!(store.open_grants().unwrap(), [committed.record]);
    store.append(door.now(), &Entry::Released(Released::unknown(committed.record))).unwrap();
    assert!(store.open_grants().unwrap().is_empty());
    let again = store.append(door.now(), &Entry::Released(Released::unknown(committed.record)));
    assert!(matches!(again, Err(StoreError::GrantNotOpen(it)) if it == committed.record));
}

#[test]
fn a_release_without_a_grant_is_refused_and_leaves_no_record() {
    let (_directory, mut store) = fresh();
    let mut door = Door::new();
    let refused = door.visit(&mut store, None, |_, _| {}).unwrap();
    let before = store.verify(None).unwrap().records;
    for record in
        [refused, gate::RecordId { run: refused.run, seq: 99 }, gate::RecordId { run: [3; 16], seq: 1 }]
    {
        let answer = store.append(door.now(), &Entry::Released(Released::unknown(record)));
        assert!(matches!(answer, Err(StoreError::GrantNotOpen(it)) if it == record));
    }
    assert_eq!(store.verify(None).unwrap().records, before);
}

#[test]
fn a_grant_that_a_crash_left_open_is_answered_as_unknown_at_the_next_start() {
    let (directory, mut store) = fresh();
    let mut door = Door::new();
    let decision = door.decide(Some(PersonId([1; 16])));
    let grant = gate::commit(&mut store, door.now(), decision).unwrap().record;
    drop(store);
    let mut store = open(directory.path());
    assert_eq!(store.open_grants().unwrap(), [grant]);
    assert_eq!(store.close_open_grants(at(500)).unwrap(), 1);
    assert!(store.open_grants().unwrap().is_empty());
    assert_eq!(store.close_open_grants(at(501)).unwrap(), 0);
    let head = store.head().unwrap();
    let newest = head.head.runs.iter().find(|prior| prior.run.0 != grant.run).unwrap();
    let answer = gate::RecordId { run: newest.run.0, seq: newest.length - 1 };
    let body = store.read(&store.record(answer).unwrap().unwrap()).unwrap();
    assert!(body.kind == "Released" && body.get("result") == Some(&Value::text("unknown")));
}

#[test]
fn every_process_writes_a_new_run_that_names_the_one_before() {
    let (directory, mut store) = fresh();
    let mut runs = Vec::new();
    for start in 0..4 {
        let first = store.append(at(start), &Entry::StaffCalled).unwrap();
        let second = store.append(at(start + 1), &Entry::StaffCalled).unwrap();
        assert_eq!((first.seq, second.seq, first.run), (1, 2, second.run));
        assert!(!runs.contains(&first.run));
        let opened = store.record(gate::RecordId { seq: 0, ..first }).unwrap().unwrap();
        let open = Record::parse(&opened.bytes).unwrap().open_statement(None).unwrap();
        let priors: Vec<([u8; 16], u64)> =
            open.priors.iter().map(|prior| (prior.run.0, prior.length)).collect();
        assert_eq!(priors, runs.last().map(|run| (*run, 3)).into_iter().collect::<Vec<_>>());
        runs.push(first.run);
        drop(store);
        store = common::open(directory.path());
    }
    let report = store.verify(None).unwrap();
    assert!(report.is_sound(), "{:?}", report.findings);
    assert_eq!((report.runs, report.records), (4, 12));
}

#[test]
fn a_process_that_writes_nothing_leaves_no_run() {
    let (directory, store) = fresh();
    drop(store);
    let store = open(directory.path());
    assert_eq!(store.verify(None).unwrap().runs, 0);
}

#[test]
fn a_decision_is_written_in_whole_numbers() {
    let (_directory, mut store) = fresh();
    let who = PersonId([1; 16]);
    let record = Door::new().visit(&mut store, Some(who), |_, _| {}).unwrap();
    let body = store.read(&store.record(record).unwrap().unwrap()).unwrap();
    assert_eq!(body.kind, "Decision");
    for (name, expected) in [
        ("outcome", Value::text("granted")),
        ("person", Value::bytes(who.0)),
        ("score", Value::Int(900_000)),
        ("threshold", Value::Int(400_000)),
        ("alone", Value::Bool(true)),
        ("pad", Value::Int(900_000)),
        ("lead", Value::Null),
        ("frames", Value::Int(3)),
        ("references", Value::Int(10)),
        ("door", Value::Int(0)),
        ("lasted_ms", Value::Int(2_000)),
        ("mode", Value::text("normal")),
    ] {
        assert!(body.get(name) == Some(&expected), "{name}");
    }
    let refused = Door::new().visit(&mut store, None, |_, _| {}).unwrap();
    let body = store.read(&store.record(refused).unwrap().unwrap()).unwrap();
    assert!(
        body.get("outcome") == Some(&Value::text("no-match")) && body.get("person") == Some(&Value::Null)
    );
}

#[test]
fn the_same_seed_writes_the_same_runs() {
    let names = |seed| {
        let directory = tempfile::tempdir().unwrap();
        init(directory.path());
        let options = OpenOptions::new([1; 16]).entropy(Box::new(Seeded(seed)));
        let mut store =
            Store::open(directory.path(), &store::FileKey::beside(directory.path()), options).unwrap();
        let record = store.append(at(1), &Entry::StaffCalled).unwrap();
        (record, store.enrol(at(2), enrolment("青木", [1.0; 4])).unwrap().0)
    };
    assert_eq!(names(1), names(1));
    assert_ne!(names(1), names(2));
}

#[test]
fn nothing_that_prints_a_store_prints_a_name() {
    let (_directory, mut store) = fresh();
    let somebody = enrolment("Hanako", [1.0, 0.0, 0.0, 0.0]);
    assert!(!format!("{somebody:?}").contains("Hanako"));
    store.enrol(at(1), somebody).unwrap();
    assert!(!format!("{:?} {store:?}", store.people().unwrap()).contains("Hanako"));
    let _: Init = store.settings().unwrap().notice;
}

#[test]
fn the_facilitys_rules_are_those_that_were_set_last_and_earlier_ones_are_kept() {
    let (directory, mut store) = fresh();
    assert_eq!(store.facility().unwrap(), None);
    let first = store.set_facility(at(1), "kiosks = 1\n", By::Console).unwrap().unwrap();
    assert_eq!(store.set_facility(at(2), "kiosks = 1\n", By::Console).unwrap(), None);
    let second = store.set_facility(at(3), "kiosks = 2\n", By::Console).unwrap().unwrap();
    store.set_facility(at(4), "kiosks = 1\n", By::Console).unwrap().unwrap();
    drop(store);
    let mut store = open(directory.path());
    assert_eq!(store.facility().unwrap().as_deref(), Some("kiosks = 1\n"));
    let files = store.facility_files().unwrap();
    assert_eq!((files.len(), files[0].record, files[1].record), (3, first, second));
    let body = store.read(&store.record(second).unwrap().unwrap()).unwrap();
    assert!(body.kind == "Policy" && body.get("digest") == Some(&Value::bytes(files[1].digest)));
    let long = "#".repeat(store::MAX_FACILITY + 1);
    assert!(matches!(store.set_facility(at(5), &long, By::Console), Err(StoreError::FacilityTooLong)));
}
