//! Acts of the desk on a real vault of made-up people.
#![allow(clippy::unwrap_used)]

use gate::{Assurance, Standing};
use models::Card;
use zeroize::Zeroizing;

use super::*;
use crate::{
    clock,
    commands::vault,
    desk::{Agreed, Pin},
};

struct Site {
    store: Store,
    set: SearchSet,
    policy: Policy,
    now: Now,
    _folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        vault::init_sample(&data).unwrap();
        let mut store = vault::open(&data).unwrap();
        let policy = Policy { target_fpir: 1e-4, ..Policy::default() };
        let now = clock::now(clock::system().as_ref());
        for version in ["2026-04", "2026-11"] {
            add_text(&mut store, now, version);
        }
        Self { set: SearchSet::load(&mut store, &policy).unwrap(), store, policy, now, _folder: folder }
    }

    fn ask(&mut self, ask: Ask) -> Reply {
        let Answered { reply, set } = serve_desk(&mut self.store, &self.set, &self.policy, self.now, ask);
        if let Some(set) = set {
            self.set = set;
        }
        reply
    }

    fn staff(&mut self, name: &str, role: store::Role) -> (StaffId, SignedIn) {
        let staff = self.store.add_staff(self.now, name, role, "2580", By::Console).unwrap();
        let Reply::SignedIn(who) = self.ask(Ask::SignIn(staff, Pin::parse("2580").unwrap())) else {
            panic!("the PIN is right")
        };
        (staff, who)
    }

    fn enrolled(&mut self, who: &SignedIn, household: Household) -> Enrolled {
        let reply = self.ask(Ask::Enrol(who.clone(), household));
        let refused = refusal(&reply);
        let Reply::Enrolled(enrolled) = reply else { panic!("{refused:?}") };
        enrolled
    }

    fn person(&mut self, who: &SignedIn, name: &str) -> Option<Found> {
        let reply = self.ask(Ask::Find(who.clone(), Zeroizing::new(name.into())));
        let refused = refusal(&reply);
        let Reply::Found(mut found) = reply else { panic!("{refused:?}") };
        found.pop()
    }
}

fn add_text(store: &mut Store, now: Now, version: &str) {
    let text = store::ConsentText {
        version: version.into(),
        japanese: "文面".into(),
        easy: "ぶんめん".into(),
        english: "Text".into(),
    };
    store.add_consent_text(now, &text, By::Console).unwrap();
}

fn refusal(reply: &Reply) -> Option<Failure> {
    if let Reply::Failed(failure) = reply { Some(*failure) } else { None }
}

/// A face that is like no other axis's.
fn face(axis: usize) -> Vec<Template> {
    let mut vector = vec![0.0; Card::sface().output.length];
    vector[axis] = 1.0;
    vec![Template::new(Card::sface().model(), vector).unwrap()]
}

fn member(name: &str, templates: Vec<Template>) -> Member {
    Member {
        name: Zeroizing::new(name.into()),
        born: Date::new(1990, 4, 1),
        residency: Some(gate::Residency::NonResident),
        assurance: Assurance::PhotoMatched,
        card: None,
        pass: None,
        protected: false,
        templates,
    }
}

fn household(members: Vec<Member>, representative: Option<usize>) -> Household {
    let agreed = Agreed { version: "2026-11".into(), language: ConsentLanguage::English, guardian: false };
    Household { agreed, names_agreed: false, members, representative }
}

#[test]
fn a_household_comes_in_with_its_consents_its_passes_and_a_newborn_without_a_face() {
    let mut site = Site::new();
    let (staff, who) = site.staff("佐藤", store::Role::Reception);
    let mut parent = member("山田　花子", face(1));
    parent.pass = Some(Pass::Coupons(11));
    let newborn = member("山田　ひな", Vec::new());
    let enrolled = site.enrolled(&who, household(vec![parent, newborn], Some(0)));
    assert_eq!((enrolled.people, enrolled.alike.len(), enrolled.passes_missing), (2, 0, false));
    let parent = site.person(&who, "山田花子").unwrap().person;
    let consents = site.store.consents_of(parent).unwrap();
    assert_eq!(consents[0].given.version, "2026-11");
    assert_eq!(consents[0].given.language, store::ConsentLanguage::English);
    let roster = site.store.roster().unwrap();
    let known = roster.get(parent).unwrap();
    assert!(known.representative && known.assurance == Assurance::PhotoMatched);
    assert_eq!(known.entitlements[0].coupons.unwrap().granted, 11);
    assert_eq!(site.set.references(), 1, "the new face is searched at once");
    let accesses = site.store.accesses_of(parent).unwrap();
    assert_eq!(accesses[0].by, By::Staff(staff), "who looked is on record");
}

#[test]
fn a_text_that_was_changed_since_it_was_read_enrols_nobody() {
    let mut site = Site::new();
    let (_, who) = site.staff("佐藤", store::Role::Reception);
    let now = site.now;
    add_text(&mut site.store, now, "2026-12");
    let reply = site.ask(Ask::Enrol(who.clone(), household(vec![member("一", face(1))], None)));
    assert_eq!(refusal(&reply), Some(Failure::ConsentChanged));
    assert!(site.store.people().unwrap().is_empty());
}

#[test]
fn a_wrong_pin_signs_nobody_in_and_is_locked_out_after_some() {
    let mut site = Site::new();
    let (staff, _) = site.staff("佐藤", store::Role::Reception);
    let mut answers = Vec::new();
    for _ in 0..12 {
        answers.push(refusal(&site.ask(Ask::SignIn(staff, Pin::parse("1357").unwrap()))).unwrap());
    }
    assert_eq!(answers[0], Failure::WrongPin);
    assert!(matches!(answers.last(), Some(Failure::LockedOut(_))));
    let right = site.ask(Ask::SignIn(staff, Pin::parse("2580").unwrap()));
    assert!(matches!(refusal(&right), Some(Failure::LockedOut(_))), "not even with the right one");
}

#[test]
fn only_a_supervisor_erases_and_whoever_was_removed_does_nothing_any_more() {
    let mut site = Site::new();
    let (_, boss) = site.staff("鈴木", store::Role::Supervisor);
    let (staff, who) = site.staff("佐藤", store::Role::Reception);
    site.enrolled(&who, household(vec![member("一", face(1))], None));
    let person = site.person(&who, "一").unwrap().person;
    assert_eq!(refusal(&site.ask(Ask::Erase(who.clone(), person))), Some(Failure::NotAllowed));
    let now = site.now;
    site.store.remove_staff(now, staff, By::Console).unwrap();
    assert_eq!(refusal(&site.ask(Ask::Revoke(who, person))), Some(Failure::NotAllowed));
    assert!(matches!(site.ask(Ask::Erase(boss, person)), Reply::Erased));
    assert_eq!((site.store.people().unwrap().len(), site.set.references()), (0, 0));
}

#[test]
fn a_revoked_enrolment_is_searched_as_revoked_and_its_face_enrols_no_more() {
    let mut site = Site::new();
    let (_, who) = site.staff("佐藤", store::Role::Reception);
    site.enrolled(&who, household(vec![member("一", face(1))], None));
    let person = site.person(&who, "一").unwrap().person;
    assert!(matches!(site.ask(Ask::Revoke(who.clone(), person)), Reply::Revoked));
    assert_eq!(site.person(&who, "一").unwrap().standing, Standing::Revoked);
    assert_eq!(refusal(&site.ask(Ask::Revoke(who.clone(), person))), Some(Failure::RevokedBefore));
    let again = site.ask(Ask::Enrol(who, household(vec![member("二", face(1))], None)));
    assert_eq!(refusal(&again), Some(Failure::MatchesRevoked));
}

#[test]
fn people_under_protection_are_found_and_named_by_supervisors_alone() {
    let mut site = Site::new();
    let (_, boss) = site.staff("鈴木", store::Role::Supervisor);
    let (_, who) = site.staff("佐藤", store::Role::Reception);
    let hidden = Member { protected: true, ..member("山田　花子", face(1)) };
    site.enrolled(&who, household(vec![hidden], None));
    assert!(site.person(&who, "山田").is_none());
    let person = site.person(&boss, "山田").unwrap();
    assert_eq!(refusal(&site.ask(Ask::Revoke(who.clone(), person.person))), Some(Failure::NotAllowed));
    let twin = site.enrolled(&who, household(vec![member("二", face(1))], None));
    assert_eq!(twin.alike.len(), 1);
    assert!(twin.alike[0].other.is_none(), "not named through somebody who looks alike");
}

#[test]
fn two_faces_of_one_household_that_are_alike_are_told() {
    let mut site = Site::new();
    let (_, who) = site.staff("佐藤", store::Role::Reception);
    let twins = vec![member("一", face(1)), member("二", face(1))];
    let enrolled = site.enrolled(&who, household(twins, Some(0)));
    let pairs: Vec<_> = enrolled.alike.iter().map(|it| (&*it.new, it.other.as_deref())).collect();
    assert_eq!(pairs, [("二", Some("一"))]);
}

#[test]
fn every_reason_of_the_records_has_its_word_for_staff() {
    for (reason, expected) in [
        ("no-match", Why::NotRecognised),
        ("ambiguous", Why::AnotherProof),
        ("second-factor-required", Why::AnotherProof),
        ("revoked", Why::Revoked),
        ("presentation-attack", Why::NotLiving),
        ("not-turned", Why::NotLiving),
        ("low-quality", Why::NoClearPicture),
        ("abandoned", Why::Left),
        ("interrupted", Why::Interrupted),
        ("claim-not-confirmed", Why::Card),
        ("unknown-credential", Why::Card),
        ("credential-refused", Why::Card),
        ("factor-missing", Why::AnotherProof),
        ("not-admitted", Why::NotToday),
    ] {
        assert_eq!(Why::of(reason), expected, "{reason}");
    }
}
