//! The rules of people, with a ledger in memory and the rows in a real SQLite file.
#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, path::PathBuf};

use gate::{Attributes, Date, ModelId, PersonId, Residency, Score, Template};
use ledger::{GroupId, KeyId, Kind, PersonKey, Value};
use records::{Fields, NewRegistration, StatedPerson};

use super::{
    PeopleError,
    change::{self, Change},
    consents::{self, Consent, ConsentText},
    duplicates::{self, Verdict},
    facts::{Attribute, Checked, Facts},
    look_up::{self, AccessKind},
    pen::{Known, Pen},
    register::{self, NewPerson, Registered, Release},
    registrations, withdraw,
};
use crate::{
    bytes::random,
    db::{self, Sql},
    operators::{Operator, Role, Scope},
};

const POOL: GroupId = GroupId([1; 16]);
const LIBRARY: GroupId = GroupId([2; 16]);
const NAME: &str = "見本 花子";

/// What was said: where, of which kind, and who can open it.
struct Said {
    facility: GroupId,
    kind: &'static str,
    key: Option<KeyId>,
    fields: Fields,
    personal: Option<Value>,
}

/// A ledger that keeps keys and what was said in memory.
struct Desk {
    folder: tempfile::TempDir,
    sql: Box<dyn Sql>,
    keys: BTreeMap<(GroupId, PersonId), (KeyId, PersonKey, u64)>,
    said: Vec<Said>,
}

impl Pen for Desk {
    fn sql(&mut self) -> &mut dyn Sql {
        &mut *self.sql
    }

    fn now_ms(&self) -> i64 {
        1_800_000_000_000
    }

    fn state_person(
        &mut self,
        facility: GroupId,
        enrolee: PersonId,
        key: KeyId,
        personal: &Value,
    ) -> Result<Known, PeopleError> {
        let drawn = (key, PersonKey::from_bytes(random()?), 0);
        let entry = self.keys.entry((facility, enrolee)).or_insert(drawn);
        assert_eq!(entry.0, key);
        entry.2 += 1;
        let fields = StatedPerson { person: enrolee, version: entry.2, key }.fields();
        let said =
            Said { facility, kind: "Person", key: Some(key), fields, personal: Some(personal.clone()) };
        self.said.push(said);
        Ok(self.known(facility, enrolee)?.unwrap())
    }

    fn known(&mut self, facility: GroupId, enrolee: PersonId) -> Result<Option<Known>, PeopleError> {
        let known = self.keys.get(&(facility, enrolee));
        Ok(known.map(|(key, secret, _)| {
            let secret = PersonKey::from_bytes(*secret.expose());
            Known { facility, enrolee, key: *key, secret }
        }))
    }

    fn say(
        &mut self,
        facility: GroupId,
        kind: Kind,
        fields: Fields,
        personal: Option<(&Known, &Value)>,
    ) -> Result<(), PeopleError> {
        let (key, personal) = (personal.map(|it| it.0.key), personal.map(|it| it.1.clone()));
        self.said.push(Said { facility, kind: kind.name(), key, fields, personal });
        Ok(())
    }

    fn withdraw(&mut self, known: &Known) -> Result<(), PeopleError> {
        self.keys.remove(&(known.facility, known.enrolee)).unwrap();
        let fields = vec![("person", Value::bytes(known.enrolee.0))];
        self.said.push(Said {
            facility: known.facility,
            kind: "Withdrawn",
            key: Some(known.key),
            fields,
            personal: None,
        });
        Ok(())
    }
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut sql =
            db::open(&format!("sqlite:{}", folder.path().join("registry.sqlite").display())).unwrap();
        db::migrate(&mut *sql).unwrap();
        for (facility, name) in [(POOL, "pool"), (LIBRARY, "library")] {
            let row = [facility.0.into(), name.into()];
            sql.execute("INSERT INTO facilities (grp, name, added_ms) VALUES ($1, $2, 0)", &row).unwrap();
        }
        Self { folder, sql, keys: BTreeMap::new(), said: vec![] }
    }

    fn register(&mut self, new: &NewPerson, at: &[Release]) -> Registered {
        register::person(self, &Operator::console(), new, at).unwrap()
    }

    fn kinds(&self, facility: GroupId) -> Vec<&'static str> {
        self.said.iter().filter(|it| it.facility == facility).map(|it| it.kind).collect()
    }

    fn count(&mut self, table: &str) -> i64 {
        self.sql.query(&format!("SELECT COUNT(*) FROM {table}"), &[]).unwrap()[0][0].int().unwrap()
    }

    /// Whether bytes stand anywhere in the database's files: pages in use, free pages, write-ahead log.
    fn files_hold(&self, bytes: &[u8]) -> bool {
        let files: Vec<PathBuf> =
            std::fs::read_dir(self.folder.path()).unwrap().map(|it| it.unwrap().path()).collect();
        files.iter().any(|file| std::fs::read(file).unwrap().windows(bytes.len()).any(|it| it == bytes))
    }
}

fn operator(scope: Scope, role: Role) -> Operator {
    Operator { name: "yamada".into(), grants: vec![(scope, role)] }
}

fn face(numbers: [f32; 4]) -> Template {
    Template::new(ModelId::new("toy-4"), numbers.to_vec()).unwrap()
}

fn told() -> Checked {
    let born = Some("1986-07-07".to_owned());
    Facts { born, resident: Some(true), confirmed: Some("2026-11-01".into()), ..Facts::default() }
        .check()
        .unwrap()
}

fn new_person(name: &str, templates: Vec<Template>) -> NewPerson {
    NewPerson {
        name: name.into(),
        templates,
        told: told(),
        representative: false,
        protected: false,
        consent: None,
    }
}

fn hanako() -> NewPerson {
    new_person(NAME, vec![face([0.1, 0.2, 0.3, 0.4])])
}

fn all(facility: GroupId) -> Release {
    Release { facility, only: Attribute::ALL.to_vec() }
}

#[test]
fn each_facility_knows_another_id_another_key_and_only_what_was_released_to_it() {
    let mut desk = Desk::new();
    let only_born = Release { facility: LIBRARY, only: vec![Attribute::Born] };
    let hers = desk.register(&hanako(), &[all(POOL), only_born]);
    assert_eq!(hers.enrolees.len(), 2);
    assert_ne!(hers.enrolees[0].1, hers.enrolees[1].1);
    let attributes = |desk: &Desk, facility: GroupId| -> Attributes {
        let said = desk.said.iter().find(|it| it.facility == facility && it.kind == "Person").unwrap();
        let registered = said.personal.as_ref().unwrap().get("registered").unwrap();
        records::registration(registered).unwrap().attributes
    };
    assert_eq!(attributes(&desk, POOL), told().attributes);
    let born = Date::new(1986, 7, 7);
    assert_eq!(attributes(&desk, LIBRARY), Attributes { born, ..Attributes::default() });
    assert_ne!(desk.said[0].key, desk.said[1].key);
    for said in &desk.said {
        let plain = said.fields.iter().map(|(_, value)| value.encode().unwrap()).collect::<Vec<_>>().concat();
        assert!(!plain.windows(6).any(|it| it == "見本".as_bytes()), "names stand in personal parts only");
        assert!(!plain.windows(16).any(|it| it == hers.person.0), "the tenant's id leaves in no record");
    }
}

#[test]
fn nobody_registers_at_a_facility_of_others_or_one_that_is_not_there() {
    let mut desk = Desk::new();
    let reception = operator(Scope::Facility(POOL), Role::Reception);
    assert!(register::person(&mut desk, &reception, &hanako(), &[all(POOL)]).is_ok());
    for at in [vec![all(LIBRARY)], vec![all(POOL), all(LIBRARY)]] {
        let refused = register::person(&mut desk, &reception, &hanako(), &at);
        assert!(matches!(refused, Err(PeopleError::NotAllowed)));
    }
    for role in [Role::Reader, Role::Auditor] {
        let refused = register::person(&mut desk, &operator(Scope::Tenant, role), &hanako(), &[all(POOL)]);
        assert!(matches!(refused, Err(PeopleError::NotAllowed)), "{role:?}");
    }
    let nowhere = register::person(&mut desk, &Operator::console(), &hanako(), &[all(GroupId([9; 16]))]);
    assert!(matches!(nowhere, Err(PeopleError::Unknown("facility"))));
    assert!(register::person(&mut desk, &Operator::console(), &hanako(), &[]).is_err());
    assert!(register::person(&mut desk, &Operator::console(), &hanako(), &[all(POOL), all(POOL)]).is_err());
}

#[test]
fn a_representative_registers_the_family_and_the_newborn_has_no_face() {
    let mut desk = Desk::new();
    let members = [NewPerson { representative: true, ..hanako() }, new_person("見本 つぼみ", vec![])];
    let console = Operator::console();
    let (households, people) =
        register::household(&mut desk, &console, true, &members, &[all(POOL), all(LIBRARY)]).unwrap();
    assert_ne!(households[&POOL], households[&LIBRARY], "no household id links two facilities");
    let newborn = people[1].enrolees[0].1;
    let held = registrations::open(&mut desk, people[1].enrolees[0].0, newborn, true).unwrap().unwrap();
    assert!(held.profile.vectors.is_empty() && held.profile.registered.household.is_some());
    assert!(!held.profile.registered.representative);
    assert_eq!(desk.kinds(POOL), ["Household", "Person", "Person"]);
    let family = registrations::of_household(&mut desk, POOL, households[&POOL]).unwrap();
    assert_eq!(family.len(), 2);
    for wrong in [vec![], vec![hanako()], vec![NewPerson { representative: true, ..hanako() }; 2]] {
        assert!(register::household(&mut desk, &console, true, &wrong, &[all(POOL)]).is_err());
    }
}

#[test]
fn whoever_is_shown_was_looked_up_by_somebody_for_a_reason() {
    let mut desk = Desk::new();
    let hers = desk.register(&hanako(), &[all(POOL), all(LIBRARY)]);
    let reception = operator(Scope::Facility(POOL), Role::Reception);
    desk.said.clear();
    for kind in [AccessKind::LookUp, AccessKind::Export] {
        let (_, held) = look_up::look_up(&mut desk, &reception, hers.person.0, " 本人の依頼 ", kind).unwrap();
        assert_eq!(held.len(), 1, "only her own facility");
        assert_eq!(held[0].profile.name, NAME);
    }
    let found = look_up::search(&mut desk, &reception, POOL, "花子", "本人の依頼").unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(desk.kinds(POOL), ["Accessed"; 3]);
    assert!(desk.kinds(LIBRARY).is_empty());
    let known = desk.known(POOL, found[0].known.enrolee).unwrap().unwrap();
    let accesses = look_up::accesses_of(&mut desk, &known).unwrap();
    assert_eq!(accesses.len(), 3);
    assert!(accesses.iter().all(|it| it.why.as_deref() == Some("本人の依頼") && it.operator == "yamada"));
    let auditor = operator(Scope::Facility(POOL), Role::Auditor);
    let listed = look_up::accesses(&mut desk, &auditor, POOL, None).unwrap();
    assert!(listed.len() == 3 && listed.iter().all(|it| it.why.is_none()));
    assert!(look_up::accesses(&mut desk, &auditor, LIBRARY, None).is_err());
    assert!(look_up::accesses(&mut desk, &reception, POOL, None).is_err());
}

#[test]
fn without_a_reason_or_a_role_nothing_is_shown_and_nothing_said() {
    let mut desk = Desk::new();
    let hers = desk.register(&hanako(), &[all(POOL)]);
    desk.said.clear();
    let reception = operator(Scope::Facility(POOL), Role::Reception);
    assert!(look_up::look_up(&mut desk, &reception, hers.person.0, "  ", AccessKind::LookUp).is_err());
    assert!(
        look_up::search(&mut desk, &reception, POOL, "花", "依頼").is_err(),
        "one character lists half a city"
    );
    for other in [
        operator(Scope::Facility(LIBRARY), Role::Reception),
        operator(Scope::Tenant, Role::Reader),
        operator(Scope::Tenant, Role::Auditor),
        Operator { name: "nobody".into(), grants: vec![] },
    ] {
        assert!(look_up::look_up(&mut desk, &other, hers.person.0, "依頼", AccessKind::LookUp).is_err());
        assert!(
            look_up::look_up(&mut desk, &other, hers.enrolees[0].1.0, "依頼", AccessKind::Export).is_err()
        );
        assert!(look_up::search(&mut desk, &other, POOL, "花子", "依頼").is_err());
    }
    assert!(desk.said.is_empty() && desk.count("accesses") == 0);
}

#[test]
fn whoever_is_under_protection_is_found_by_managers_alone() {
    let mut desk = Desk::new();
    let hers = desk.register(&NewPerson { protected: true, ..hanako() }, &[all(POOL)]);
    let reception = operator(Scope::Facility(POOL), Role::Reception);
    assert!(look_up::search(&mut desk, &reception, POOL, "花子", "依頼").unwrap().is_empty());
    let refused = look_up::look_up(&mut desk, &reception, hers.person.0, "依頼", AccessKind::LookUp);
    assert!(matches!(refused, Err(PeopleError::Unknown("person"))));
    let manager = operator(Scope::Facility(POOL), Role::Manager);
    assert_eq!(look_up::search(&mut desk, &manager, POOL, "花子", "依頼").unwrap().len(), 1);
    let lift = Change { told: told(), only: vec![], protected: false, name: None };
    let refused = change::registration(&mut desk, &reception, POOL, hers.enrolees[0].1, &lift);
    assert!(matches!(refused, Err(PeopleError::NotAllowed)));
}

#[test]
fn too_many_people_of_one_name_show_nobody() {
    let mut desk = Desk::new();
    for number in 0..=look_up::MAX_FOUND {
        desk.register(&new_person(&format!("見本 {number}"), vec![]), &[all(POOL)]);
    }
    desk.said.clear();
    assert!(look_up::search(&mut desk, &Operator::console(), POOL, "見本", "依頼").is_err());
    assert!(desk.said.is_empty());
    assert_eq!(look_up::search(&mut desk, &Operator::console(), POOL, "見本 20", "依頼").unwrap().len(), 1);
}

#[test]
fn a_change_is_the_next_version_and_keeps_face_and_household() {
    let mut desk = Desk::new();
    let hers = desk.register(&hanako(), &[all(POOL)]);
    let enrolee = hers.enrolees[0].1;
    let moved = Facts { resident: Some(false), ..Facts::default() }.check().unwrap();
    let moves =
        Change {
            told: moved, only: Attribute::ALL.to_vec(), protected: false, name: Some("見本 花".into())
        };
    change::registration(&mut desk, &operator(Scope::Facility(POOL), Role::Reception), POOL, enrolee, &moves)
        .unwrap();
    let held = registrations::open(&mut desk, POOL, enrolee, true).unwrap().unwrap();
    assert_eq!(held.profile.name, "見本 花");
    assert_eq!(held.profile.vectors.len(), 1);
    let NewRegistration { attributes, .. } = held.profile.registered;
    assert_eq!(attributes, Attributes { residency: Some(Residency::NonResident), ..Attributes::default() });
    let version = |said: &Said| said.fields.iter().find(|(name, _)| *name == "version").unwrap().1.as_int();
    assert_eq!(desk.said.iter().map(version).collect::<Vec<_>>(), [Some(1), Some(2)]);
    let elsewhere = operator(Scope::Facility(LIBRARY), Role::Manager);
    assert!(change::registration(&mut desk, &elsewhere, POOL, enrolee, &moves).is_err());
}

#[test]
fn a_pass_is_taken_back_once_by_those_who_may_give_it() {
    let mut desk = Desk::new();
    let hers = desk.register(&hanako(), &[all(POOL)]);
    let reception = operator(Scope::Facility(POOL), Role::Reception);
    let given = super::facts::Given { period: gate::Period::ALWAYS, coupons: Some(11) };
    let pass = change::give(&mut desk, &reception, POOL, hers.enrolees[0].1, given).unwrap();
    let elsewhere = operator(Scope::Facility(LIBRARY), Role::Reception);
    assert!(matches!(change::take_back(&mut desk, &elsewhere, pass), Err(PeopleError::Unknown(_))));
    change::take_back(&mut desk, &reception, pass).unwrap();
    assert!(matches!(change::take_back(&mut desk, &reception, pass), Err(PeopleError::Conflict(_))));
    assert_eq!(desk.kinds(POOL), ["Person", "Entitlement", "Entitlement"]);
}

#[test]
fn a_text_that_was_added_is_never_another_and_a_consent_names_it() {
    let mut desk = Desk::new();
    let console = Operator::console();
    let text = |english: &str| ConsentText {
        version: "2026-11".into(),
        japanese: "同意".into(),
        easy: "どうい".into(),
        english: english.into(),
    };
    let consent =
        Consent { version: "2026-11".into(), language: Default::default(), given_by: Default::default() };
    let agreeing = NewPerson { consent: Some(consent), ..hanako() };
    assert!(
        register::person(&mut desk, &console, &agreeing, &[all(POOL)]).is_err(),
        "there is no such text yet"
    );
    consents::add_text(&mut desk, &console, &text("I agree")).unwrap();
    consents::add_text(&mut desk, &console, &text("I agree")).unwrap();
    assert!(matches!(consents::add_text(&mut desk, &console, &text("I pay")), Err(PeopleError::Conflict(_))));
    assert!(
        consents::add_text(&mut desk, &operator(Scope::Facility(POOL), Role::Manager), &text("I agree"))
            .is_err()
    );
    desk.said.clear();
    let hers = register::person(&mut desk, &console, &agreeing, &[all(POOL), all(LIBRARY)]).unwrap();
    assert_eq!(look_up::consents_of(&mut desk, hers.person).unwrap().len(), 1);
    assert_eq!(desk.kinds(POOL), ["Person", "Consented"]);
}

#[test]
fn pairs_that_look_alike_are_for_a_human_and_only_once() {
    let mut desk = Desk::new();
    for numbers in [[1.0, 0.0, 0.0, 0.1], [1.0, 0.0, 0.1, 0.0], [0.0, 1.0, 0.0, 0.0]] {
        desk.register(&new_person("見本", vec![face(numbers)]), &[all(POOL)]);
    }
    let manager = operator(Scope::Facility(POOL), Role::Manager);
    let pairs = duplicates::pairs(&mut desk, &manager, POOL, None, Score(0.9)).unwrap();
    assert_eq!(pairs.len(), 1);
    let pair = (pairs[0].other, pairs[0].one);
    let reception = operator(Scope::Facility(POOL), Role::Reception);
    assert!(duplicates::pairs(&mut desk, &reception, POOL, None, Score(0.9)).is_err());
    assert!(duplicates::judge(&mut desk, &reception, POOL, pair, Verdict::Same).is_err());
    assert!(duplicates::judge(&mut desk, &manager, POOL, (pair.0, pair.0), Verdict::Same).is_err());
    desk.said.clear();
    duplicates::judge(&mut desk, &manager, POOL, pair, Verdict::Same).unwrap();
    assert_eq!(desk.kinds(POOL), ["Same"]);
    assert!(duplicates::pairs(&mut desk, &manager, POOL, None, Score(0.9)).unwrap().is_empty());
    duplicates::judge(&mut desk, &manager, POOL, pair, Verdict::Apart).unwrap();
    assert_eq!(desk.count("duplicates"), 1);
}

#[test]
fn a_withdrawal_leaves_nothing_of_the_person_in_the_files() {
    let mut desk = Desk::new();
    let console = Operator::console();
    let members = [NewPerson { representative: true, ..hanako() }, new_person("見本 つぼみ", vec![])];
    let (_, people) =
        register::household(&mut desk, &console, true, &members, &[all(POOL), all(LIBRARY)]).unwrap();
    let text = ConsentText {
        version: "1".into(),
        japanese: "同意".into(),
        easy: "どうい".into(),
        english: "yes".into(),
    };
    consents::add_text(&mut desk, &console, &text).unwrap();
    let hers = people[0].clone();
    let known: Vec<Known> = hers
        .enrolees
        .iter()
        .map(|(facility, enrolee)| desk.known(*facility, *enrolee).unwrap().unwrap())
        .collect();
    let consent = Consent { version: "1".into(), language: Default::default(), given_by: Default::default() };
    consents::give(&mut desk, &console, hers.person, &known, &consent).unwrap();
    change::give(
        &mut desk,
        &console,
        POOL,
        known.iter().find(|it| it.facility == POOL).unwrap().enrolee,
        super::facts::Given { period: gate::Period::ALWAYS, coupons: Some(3) },
    )
    .unwrap();
    look_up::look_up(&mut desk, &console, hers.person.0, "見本花子さん本人の依頼", AccessKind::Export)
        .unwrap();
    // Before: the rows are there, sealed; with the key they open (the control).
    assert!(desk.files_hold(&hers.person.0));
    for it in &known {
        let held = registrations::open(&mut desk, it.facility, it.enrolee, true).unwrap().unwrap();
        assert!(held.profile.name == NAME && held.profile.vectors.len() == 1);
    }
    withdraw::withdraw(&mut desk, &console, hers.person).unwrap();
    assert_eq!(desk.kinds(POOL).last(), Some(&"Withdrawn"));
    assert_eq!(desk.kinds(LIBRARY).last(), Some(&"Withdrawn"));
    assert!(registrations::find(&mut desk, hers.person.0).unwrap().is_none());
    for (table, left) in [
        ("people", 1),
        ("registrations", 2),
        ("consents", 0),
        ("accesses", 0),
        ("entitlements", 0),
        ("households", 2),
    ] {
        assert_eq!(desk.count(table), left, "{table}");
    }
    desk.sql.query("PRAGMA wal_checkpoint(TRUNCATE)", &[]).unwrap();
    assert!(!desk.files_hold(&hers.person.0), "deleted rows are overwritten");
    for it in &known {
        assert!(
            !desk.files_hold(&it.enrolee.0)
                && !desk.files_hold(&it.key.0)
                && !desk.files_hold(it.secret.expose())
        );
    }
    // The last of the household takes it along.
    withdraw::withdraw(&mut desk, &console, people[1].person).unwrap();
    assert_eq!(desk.count("households"), 0);
}

#[test]
fn the_files_never_hold_a_name_a_template_or_a_reason_in_the_clear() {
    let mut desk = Desk::new();
    let hers = desk.register(&hanako(), &[all(POOL)]);
    look_up::look_up(&mut desk, &Operator::console(), hers.person.0, "遺失物の連絡", AccessKind::LookUp)
        .unwrap();
    let template = records::vector_bytes(&hanako().templates[0]);
    for secret in ["見本".as_bytes(), "花子".as_bytes(), "遺失物".as_bytes(), b"1986-07-07", &template]
    {
        assert!(!desk.files_hold(secret));
    }
    assert!(desk.files_hold("console".as_bytes()), "the search itself finds what is there");
}

#[test]
fn a_withdrawal_counts_for_all_facilities_or_is_left_to_whoever_may() {
    let mut desk = Desk::new();
    let hers = desk.register(&hanako(), &[all(POOL), all(LIBRARY)]);
    let here = operator(Scope::Facility(POOL), Role::Manager);
    assert!(matches!(
        withdraw::withdraw(&mut desk, &here, hers.person),
        Err(PeopleError::NotAllWithdrawable)
    ));
    let reception = operator(Scope::Tenant, Role::Reception);
    assert!(matches!(withdraw::withdraw(&mut desk, &reception, hers.person), Err(PeopleError::NotAllowed)));
    let elsewhere = operator(Scope::Facility(GroupId([9; 16])), Role::Manager);
    assert!(matches!(
        withdraw::withdraw(&mut desk, &elsewhere, hers.person),
        Err(PeopleError::Unknown("person"))
    ));
    assert_eq!(desk.keys.len(), 2);
    assert_eq!(
        withdraw::withdraw(&mut desk, &operator(Scope::Tenant, Role::Manager), hers.person).unwrap().len(),
        2
    );
    assert!(desk.keys.is_empty());
}
