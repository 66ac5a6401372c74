//! Households, registrations, entitlements and consents: each change is rows and a record, all of it or nothing, and what
//! the rules then see is what was registered.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use gate::{
    Assurance, Attributes, CredentialKind, Date, HouseholdId, Period, PersonId, RecordId, Residency,
    Schedule, StaffId, Standing,
};
use ledger::Value;
use rusqlite::Connection;
use store::{
    By, ConsentGiven, ConsentLanguage, ConsentText, Enrolment, FileKey, GivenBy, KeyPort, NewEntitlement,
    NewHousehold, NewRegistration, Owner, Store, StoreError,
};

fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

fn period(from: &str, until: &str) -> Period {
    Period { from: Some(date(from)), until: Some(date(until)) }
}

/// Everything that can be known of somebody, none of it the default.
fn known() -> NewRegistration {
    NewRegistration {
        household: None,
        representative: false,
        protected: true,
        attributes: Attributes {
            born: Some(date("2024-02-29")),
            residency: Some(Residency::Resident(period("2020-04-01", "2027-03-31"))),
            confirmed: Some(date("2026-11-24")),
        },
        valid: period("2026-04-01", "2027-03-31"),
        schedule: Some(Schedule {
            week: [Some((540, 1_020)), None, Some((0, 1_440)), None, None, Some((600, 720)), None],
            closed: vec![date("2026-12-31"), date("2027-01-01")],
        }),
        assurance: Assurance::PhotoMatched,
    }
}

fn member(name: &str, numbers: Option<[f32; 4]>, representative: bool) -> Enrolment {
    Enrolment {
        name: name.into(),
        templates: numbers.map(template).into_iter().collect(),
        without_face: numbers.is_none(),
        registered: NewRegistration { representative, ..NewRegistration::default() },
        ..Enrolment::default()
    }
}

fn family() -> [Enrolment; 3] {
    [
        member("青木 愛", Some([1.0, 0.0, 0.0, 0.0]), true),
        member("青木 碧", Some([0.0, 1.0, 0.0, 0.0]), false),
        member("青木 新", None, false),
    ]
}

fn enrolled_family(store: &mut Store) -> (HouseholdId, Vec<PersonId>) {
    let household = NewHousehold { names_agreed: true, ..NewHousehold::default() };
    let enrolled = store.enrol_household(at(1), household, &family()).unwrap();
    (enrolled.household, enrolled.members.into_iter().map(|(person, _)| person).collect())
}

fn kind(store: &Store, record: RecordId) -> String {
    store.read(&store.record(record).unwrap().unwrap()).unwrap().kind
}

#[test]
fn a_household_is_enrolled_with_a_newborn_and_the_roster_knows_it_after_a_restart() {
    let (directory, mut store) = fresh();
    let (household, people) = enrolled_family(&mut store);
    drop(store);
    let store = open(directory.path());
    let roster = store.roster().unwrap();
    let mut sorted = people.clone();
    sorted.sort();
    assert_eq!(roster.members(household), sorted);
    for (person, representative) in people.iter().zip([true, false, false]) {
        let known = roster.get(*person).unwrap();
        assert_eq!((known.representative, known.names_agreed), (representative, true));
        assert_eq!((known.household, known.standing), (Some(household), Standing::Active));
    }
    assert_eq!(store.name(people[2]).unwrap().as_deref(), Some("青木 新"));
    let listed = store.people().unwrap();
    assert_eq!((listed[2].references, listed[2].model.clone()), (0, None));
    assert!(listed[0].registered.representative);
    assert!(store.verify(None).unwrap().is_sound());
}

#[test]
fn a_household_comes_in_whole_or_not_at_all() {
    let (_directory, mut store) = fresh();
    let bad = |change: fn(&mut Vec<Enrolment>)| {
        let mut members: Vec<Enrolment> = family().into();
        change(&mut members);
        members
    };
    let wrong: [fn(&mut Vec<Enrolment>); 6] = [
        |it| it.clear(),
        |it| it[0].registered.representative = false,
        |it| it[1].registered.representative = true,
        |it| it[2].registered.household = Some(HouseholdId([1; 16])),
        |it| it[2].name = String::new(),
        |it| it[2].registered.valid = period("2026-02-02", "2026-02-01"),
    ];
    for (number, change) in wrong.into_iter().enumerate() {
        let refused = store.enrol_household(at(1), NewHousehold::default(), &bad(change));
        assert!(refused.is_err(), "{number}");
    }
    assert!(store.people().unwrap().is_empty());
    assert_eq!(store.verify(None).unwrap().records, 0);
}

#[test]
fn what_was_registered_comes_back_as_it_was() {
    let (directory, mut store) = fresh();
    let somebody = Enrolment { registered: known(), ..enrolment("青木", [1.0; 4]) };
    let (person, _) = store.enrol(at(1), somebody).unwrap();
    drop(store);
    let mut store = open(directory.path());
    assert!(store.registration(person).unwrap().unwrap() == known());
    let roster = store.roster().unwrap();
    let seen = roster.get(person).unwrap();
    assert!(seen.attributes == known().attributes && seen.schedule == known().schedule);
    assert_eq!((seen.valid, seen.protected), (known().valid, true));
    let record = store.set_protected(at(2), person, false, By::Staff(StaffId([4; 16]))).unwrap();
    let expected = NewRegistration { protected: false, ..known() };
    assert!(store.registration(person).unwrap().unwrap() == expected);
    let body = store.read(&store.record(record).unwrap().unwrap()).unwrap();
    assert!(body.get("by") == Some(&Value::bytes([4; 16])) && body.personal.is_some());
    store.change_registration(at(3), person, &NewRegistration::default(), By::Console).unwrap();
    assert!(store.registration(person).unwrap().unwrap() == NewRegistration::default());
    assert!(store.registration(PersonId([1; 16])).unwrap().is_none());
}

#[test]
fn what_is_personal_stands_only_in_the_sealed_part_of_a_record() {
    let (directory, mut store) = fresh();
    let somebody = Enrolment { registered: known(), ..enrolment("青木", [1.0; 4]) };
    let (person, record) = store.enrol(at(1), somebody).unwrap();
    let changed = store.change_registration(at(2), person, &known(), By::Console).unwrap();
    let pass = NewEntitlement { period: period("2026-04-01", "2027-03-31"), coupons: Some(11) };
    let given = store.add_entitlement(at(3), person, pass, By::Console).unwrap();
    let withdrawn = store.withdraw_entitlement(at(4), given, By::Console).unwrap();
    for id in [record, changed, RecordId { seq: changed.seq + 1, ..changed }, withdrawn] {
        let body = store.read(&store.record(id).unwrap().unwrap()).unwrap();
        let names: Vec<&str> = body.fields.iter().map(|(name, _)| name.as_str()).collect();
        let harmless = ["person", "by", "model", "references", "reinstates", "entitlement"];
        assert!(names.iter().all(|name| harmless.contains(name)), "{}: {names:?}", body.kind);
    }
    store.export(&directory.path().join("out")).unwrap();
    let lines = std::fs::read_to_string(directory.path().join("out/log.jsonl")).unwrap();
    for text in ["青木", "2024-02-29", "resident", "2027-03-31", "photo-matched", "protected"] {
        assert!(!lines.contains(text), "{text}");
    }
    assert!(!format!("{:?}", known()).contains("2024"));
}

#[test]
fn nobody_else_speaks_for_a_household_that_has_a_representative() {
    let (_directory, mut store) = fresh();
    let (household, people) = enrolled_family(&mut store);
    let speaks =
        NewRegistration { household: Some(household), representative: true, ..NewRegistration::default() };
    let refused = store.change_registration(at(2), people[1], &speaks, By::Console);
    assert!(matches!(refused, Err(StoreError::SecondRepresentative(it)) if it == people[0]));
    let newcomer = Enrolment { registered: speaks.clone(), ..enrolment("祖母", [0.0, 0.0, 1.0, 0.0]) };
    assert!(matches!(store.enrol(at(3), newcomer), Err(StoreError::SecondRepresentative(_))));
    let silent = NewRegistration { representative: false, ..speaks.clone() };
    store.change_registration(at(4), people[0], &silent, By::Console).unwrap();
    store.change_registration(at(5), people[1], &speaks, By::Console).unwrap();
    let roster = store.roster().unwrap();
    assert!(!roster.get(people[0]).unwrap().representative && roster.get(people[1]).unwrap().representative);
}

#[test]
fn what_has_no_meaning_is_not_registered() {
    let (_directory, mut store) = fresh();
    let (person, _) = store.enrol(at(1), enrolment("青木", [1.0; 4])).unwrap();
    let nothing = NewRegistration::default;
    let backwards = Some(Residency::Resident(period("2026-02-02", "2026-02-01")));
    let wrong = [
        NewRegistration { representative: true, ..nothing() },
        NewRegistration { valid: period("2026-02-02", "2026-02-01"), ..nothing() },
        NewRegistration {
            attributes: Attributes { residency: backwards, ..Attributes::default() },
            ..nothing()
        },
    ];
    for registered in wrong {
        let refused = store.change_registration(at(2), person, &registered, By::Console);
        assert!(matches!(refused, Err(StoreError::UnusableRegistration(_))));
    }
    let nowhere = NewRegistration { household: Some(HouseholdId([1; 16])), ..nothing() };
    let refused = store.change_registration(at(2), person, &nowhere, By::Console);
    assert!(matches!(refused, Err(StoreError::UnknownHousehold)));
    let backwards = NewEntitlement { period: period("2026-02-02", "2026-02-01"), coupons: None };
    assert!(store.add_entitlement(at(2), person, backwards, By::Console).is_err());
    assert!(store.registration(person).unwrap().unwrap() == nothing());
}

#[test]
fn whoever_has_no_face_here_says_so_and_whoever_has_one_does_not() {
    let (_directory, mut store) = fresh();
    let both = Enrolment { without_face: true, ..enrolment("青木", [1.0; 4]) };
    assert!(matches!(store.enrol(at(1), both), Err(StoreError::UnusableEnrolment(_))));
    let neither = Enrolment { name: "青木".into(), ..Enrolment::default() };
    assert!(matches!(store.enrol(at(1), neither), Err(StoreError::UnusableEnrolment(_))));
    let (person, _) = store.enrol(at(1), member("青木", None, false)).unwrap();
    assert!(store.references_of(person).unwrap().is_empty());
}

#[test]
fn passes_and_coupons_are_given_and_withdrawn() {
    let (directory, mut store) = fresh();
    let (person, _) = store.enrol(at(1), enrolment("青木", [1.0; 4])).unwrap();
    let pass = NewEntitlement { period: period("2026-04-01", "2027-03-31"), coupons: None };
    let pass = store.add_entitlement(at(2), person, pass, By::Console).unwrap();
    let coupons = NewEntitlement { period: Period::ALWAYS, coupons: Some(11) };
    let coupons = store.add_entitlement(at(3), person, coupons, By::Console).unwrap();
    drop(store);
    let mut store = open(directory.path());
    let held = |store: &Store| store.roster().unwrap().get(person).unwrap().entitlements.clone();
    let found = held(&store);
    assert_eq!(found.iter().map(|it| it.id).collect::<Vec<_>>(), [pass, coupons]);
    assert_eq!((found[0].period, found[0].coupons), (period("2026-04-01", "2027-03-31"), None));
    let book = found[1].coupons.unwrap();
    assert_eq!((book.granted, book.used_here, book.used_elsewhere), (11, 0, 0));
    store.withdraw_entitlement(at(4), pass, By::Console).unwrap();
    assert_eq!(held(&store).len(), 1);
    let again = store.withdraw_entitlement(at(5), pass, By::Console);
    assert!(matches!(again, Err(StoreError::UnknownEntitlement)));
}

#[test]
fn a_reinstated_person_keeps_family_and_pass_and_speaks_for_them_alone() {
    let (_directory, mut store) = fresh();
    let (household, people) = enrolled_family(&mut store);
    let pass = NewEntitlement { period: Period::ALWAYS, coupons: None };
    let pass = store.add_entitlement(at(2), people[0], pass, By::Console).unwrap();
    let (card, owner) = (CredentialKind::FacilityCard, Owner::Person(people[0]));
    store.bind_credential(at(2), owner, card, b"0001", By::Console).unwrap();
    store.revoke(at(3), people[0], "").unwrap();
    let again = Enrolment { reinstates: Some(people[0]), ..enrolment("青木 愛", [1.0, 0.0, 0.0, 0.1]) };
    let (new, _) = store.enrol(at(4), again).unwrap();
    let roster = store.roster().unwrap();
    let (now, before) = (roster.get(new).unwrap(), roster.get(people[0]).unwrap());
    assert_eq!((now.household, now.representative), (Some(household), true));
    assert_eq!(now.entitlements[0].id, pass);
    assert_eq!((before.household, before.representative, before.entitlements.len()), (None, false, 0));
    assert_eq!(before.standing, Standing::Revoked);
    assert_eq!(store.lookup(card, b"0001").unwrap(), None, "a lost card may have been the reason");
}

fn text(version: &str, japanese: &str) -> ConsentText {
    ConsentText {
        version: version.into(),
        japanese: japanese.into(),
        easy: "かおの　しゃしんを　つかいます".into(),
        english: "We use your face".into(),
    }
}

fn given(version: &str) -> ConsentGiven {
    ConsentGiven {
        version: version.into(),
        language: ConsentLanguage::Easy,
        given_by: GivenBy::Representative,
    }
}

#[test]
fn a_consent_is_kept_with_the_digest_of_its_text() {
    let (directory, mut store) = fresh();
    let wording = text("2026-11", "顔を使います");
    let record = store.add_consent_text(at(1), &wording, By::Console).unwrap().unwrap();
    assert_eq!(kind(&store, record), "ConsentText");
    assert_eq!(store.add_consent_text(at(2), &wording, By::Console).unwrap(), None);
    let somebody = Enrolment { consent: Some(given("2026-11")), ..enrolment("青木", [1.0; 4]) };
    let (person, enrolled) = store.enrol(at(3), somebody).unwrap();
    assert_eq!(kind(&store, RecordId { seq: enrolled.seq + 1, ..enrolled }), "Consented");
    drop(store);
    let store = open(directory.path());
    let kept = store.consents_of(person).unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!((&kept[0].given, kept[0].digest), (&given("2026-11"), wording.digest()));
    assert!(kept[0].text_unchanged && store.changed_consents().unwrap().is_empty());
}

#[test]
fn a_text_that_somebody_agreed_to_is_never_replaced_and_one_that_nobody_did_may_be() {
    let (_directory, mut store) = fresh();
    store.add_consent_text(at(1), &text("1", "顔を使ます"), By::Console).unwrap().unwrap();
    store.add_consent_text(at(2), &text("1", "顔を使います"), By::Console).unwrap().unwrap();
    let (person, _) = store.enrol(at(3), enrolment("青木", [1.0; 4])).unwrap();
    assert!(matches!(
        store.give_consent(at(4), person, &given("2"), By::Console),
        Err(StoreError::UnknownConsentText(version)) if version == "2"
    ));
    store.give_consent(at(4), person, &given("1"), By::Console).unwrap();
    let changed = store.add_consent_text(at(5), &text("1", "顔を売ります"), By::Console);
    assert!(matches!(changed, Err(StoreError::ConsentTextChanged(version)) if version == "1"));
    assert_eq!(store.consent_texts().unwrap(), [text("1", "顔を使います")]);
}

/// Around the kiosk, by somebody who has the key of the vault.
#[test]
fn a_text_that_was_changed_after_the_consent_is_named() {
    let (directory, mut store) = fresh();
    store.add_consent_text(at(1), &text("1", "顔を使います"), By::Console).unwrap();
    let somebody = Enrolment { consent: Some(given("1")), ..enrolment("青木", [1.0; 4]) };
    let (person, _) = store.enrol(at(2), somebody).unwrap();
    drop(store);
    let vault = Connection::open(directory.path().join("genkan.db")).unwrap();
    let key = FileKey::beside(directory.path()).load().unwrap();
    vault.pragma_update(None, "key", key.page_key().as_str()).unwrap();
    vault.execute("UPDATE consent_texts SET japanese = '顔を売ります'", []).unwrap();
    drop(vault);
    let store = open(directory.path());
    assert_eq!(store.changed_consents().unwrap(), [(person, "1".to_owned())]);
    assert!(!store.consents_of(person).unwrap()[0].text_unchanged);
}
