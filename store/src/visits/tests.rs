#![allow(clippy::unwrap_used)]
use gate::{
    CredentialKind, Date, DenyReason, DurableLog, EntitlementId, Entry, Inside, Monotonic, Now, Period,
    Refusal,
};

use super::*;
use crate::{
    By, CorrectionWhy, Counts, Enrolment, FileKey, Init, NewEntitlement, OpenOptions, Store, VisitOutcome,
    Words,
};

/// 2026-11-24 10:00 in Japan.
const MORNING: i64 = 1_795_482_000_000;

struct Facility {
    directory: tempfile::TempDir,
    store: Store,
}

fn key(directory: &tempfile::TempDir) -> FileKey {
    FileKey::beside(directory.path())
}

impl Facility {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let words = || Words { japanese: "x".to_owned(), english: "x".to_owned() };
        let init = Init { facility: "x".to_owned(), operator: words(), purpose: words(), contact: words() };
        Store::init(directory.path(), &key(&directory), &init).unwrap();
        let store = Store::open(directory.path(), &key(&directory), OpenOptions::new([7; 16])).unwrap();
        Self { directory, store }
    }

    /// Starts the program again, in the same boot or another.
    fn again(self, boot: [u8; 16]) -> Self {
        let Self { directory, store } = self;
        drop(store);
        let store = Store::open(directory.path(), &key(&directory), OpenOptions::new(boot)).unwrap();
        Self { directory, store }
    }

    fn person(&mut self, name: &str) -> PersonId {
        let newborn = Enrolment { name: name.to_owned(), without_face: true, ..Enrolment::default() };
        self.store.enrol(now(0), newborn).unwrap().0
    }

    fn book(&mut self, person: PersonId) -> EntitlementId {
        let book = NewEntitlement { period: Period::ALWAYS, coupons: Some(11) };
        self.store.add_entitlement(now(0), person, book, By::Console).unwrap()
    }

    fn used(&self, person: PersonId) -> u32 {
        self.store.roster().unwrap().get(person).unwrap().entitlements[0].coupons.unwrap().used_here
    }

    /// A visit without a session: the record is one that says nothing.
    fn visit(&mut self, now: Now, told: &Told<'_>) -> RecordId {
        let done = self.store.write(now, |batch| {
            let record = batch.append("Decision", vec![], None)?;
            decided(batch, record, told)?;
            Ok(record)
        });
        done.unwrap()
    }

    fn answer(&mut self, grant: RecordId, state: DoorState) {
        let done = self.store.write(now(1), |batch| move_on(batch, grant, &[DoorState::Waiting], state));
        done.unwrap();
    }

    fn counts(&self) -> Counts {
        self.store.counts(today()).unwrap()
    }
}

fn today() -> Date {
    Date::parse("2026-11-24").unwrap()
}

fn now(minutes: i64) -> Now {
    let wall = Wall { unix_ms: MORNING + minutes * 60_000, uncertainty_s: 2 };
    Now { mono: Monotonic::from_micros((minutes + 10_000).unsigned_abs() * 60_000_000), wall: Some(wall) }
}

fn let_in_by(person: PersonId, door: bool, party: &[Entrant]) -> Told<'_> {
    Told {
        mode: Mode::Normal,
        way: Way::Face,
        outcome: Outcome::Granted { person },
        lasted: Duration::from_millis(1_234),
        door,
        party,
        by_hand: &[],
    }
}

fn entrant(person: PersonId, fee: &str, uses: Option<EntitlementId>) -> Entrant {
    Entrant { person, fee: Some(FeeClassId(fee.into())), uses, stale: false, again: false }
}

fn class(name: &str) -> FeeClassId {
    FeeClassId(name.into())
}

#[test]
fn a_family_at_a_counter_counts_at_once_by_class_and_way() {
    let mut at = Facility::new();
    let (a, b) = (at.person("a"), at.person("b"));
    let party = [entrant(a, "resident", None), Entrant { stale: true, ..entrant(b, "child", None) }];
    let record = at.visit(now(5), &let_in_by(a, false, &party));
    let counts = at.counts();
    assert_eq!((counts.visitors, counts.manual, counts.by_way[&Way::Face]), (2, 0, 2));
    assert_eq!(counts.by_fee[&Some(class("child"))], 1);
    let row = at.store.visit(record).unwrap().unwrap();
    assert_eq!((row.day, row.minute, row.day_sure), (Some(today()), Some(605), true));
    assert_eq!(
        (row.reception, row.state, row.person),
        (Duration::from_millis(1_234), DoorState::Counter, Some(a))
    );
    assert_eq!((row.entrants[1].person, row.entrants[1].stale), (Some(b), true));
}

#[test]
fn whoever_was_let_in_is_somebody_also_where_no_more_is_said() {
    let mut at = Facility::new();
    at.visit(now(1), &let_in_by(PersonId([9; 16]), false, &[]));
    let staff = Outcome::LetIn { staff: StaffId([3; 16]) };
    let nobody = PersonId([9; 16]);
    let by_hand = [class("adult"), class("adult"), class("child")];
    at.visit(now(2), &Told { outcome: staff, way: Way::Staff, ..let_in_by(nobody, false, &[]) });
    let told = Told { outcome: staff, way: Way::Staff, by_hand: &by_hand, ..let_in_by(nobody, false, &[]) };
    let record = at.visit(now(3), &told);
    let counts = at.counts();
    assert_eq!((counts.visitors, counts.manual), (5, 4));
    assert_eq!((counts.by_fee[&None], counts.by_fee[&Some(class("adult"))]), (2, 2));
    assert_eq!((counts.by_way[&Way::Face], counts.by_way[&Way::Staff]), (1, 4));
    let row = at.store.visit(record).unwrap().unwrap();
    assert_eq!(row.outcome, VisitOutcome::LetIn(StaffId([3; 16])));
}

#[test]
fn whoever_is_inside_again_is_no_further_visitor() {
    let mut at = Facility::new();
    let a = at.person("a");
    at.visit(now(1), &let_in_by(a, false, &[entrant(a, "resident", None)]));
    let again = Entrant { again: true, ..entrant(a, "resident", None) };
    at.visit(now(9), &let_in_by(a, false, &[again]));
    let counts = at.counts();
    assert_eq!((counts.visitors, counts.again), (1, 1));
}

#[test]
fn at_a_door_a_visit_counts_when_the_strike_was_driven_and_never_twice() {
    let mut at = Facility::new();
    let a = at.person("a");
    let book = at.book(a);
    let party = [entrant(a, "resident", Some(book))];
    let grant = at.visit(now(1), &let_in_by(a, true, &party));
    assert_eq!((at.counts().visitors, at.used(a)), (0, 0));
    for _ in 0..3 {
        at.answer(grant, DoorState::Released);
        assert_eq!((at.counts().visitors, at.used(a)), (1, 1));
    }
    let entered = Entry::Door(DoorEvent::Entered(grant));
    at.store.append(now(2), &entered).unwrap();
    at.store.append(now(3), &Entry::Door(DoorEvent::GrantUnused(grant))).unwrap();
    assert_eq!((at.counts().visitors, at.used(a)), (1, 1));
    assert_eq!(at.store.visit(grant).unwrap().unwrap().state, DoorState::Entered);
}

#[test]
fn a_grant_that_nobody_used_costs_no_coupon_and_whoever_came_late_is_counted_after_all() {
    let mut at = Facility::new();
    let a = at.person("a");
    let book = at.book(a);
    let party = [entrant(a, "resident", Some(book))];
    let grant = at.visit(now(1), &let_in_by(a, true, &party));
    at.answer(grant, DoorState::Released);
    at.store.append(now(2), &Entry::Door(DoorEvent::GrantUnused(grant))).unwrap();
    assert_eq!((at.counts().visitors, at.counts().not_entered, at.used(a)), (0, 1, 0));
    at.store.append(now(3), &Entry::Door(DoorEvent::Entered(grant))).unwrap();
    assert_eq!((at.counts().visitors, at.counts().not_entered, at.used(a)), (1, 0, 1));
}

#[test]
fn a_strike_of_which_nothing_is_known_counts_nobody_and_is_named() {
    let mut at = Facility::new();
    let a = at.person("a");
    let book = at.book(a);
    let party = [entrant(a, "resident", Some(book))];
    for (state, expected) in [(DoorState::Unknown, (0, 1, 0)), (DoorState::NotReleased, (0, 1, 1))] {
        let grant = at.visit(now(1), &let_in_by(a, true, &party));
        at.answer(grant, state);
        let counts = at.counts();
        assert_eq!((counts.visitors, counts.unknown, counts.not_entered), expected);
        assert_eq!(at.used(a), 0);
    }
}

#[test]
fn every_answer_of_a_strike_has_its_state() {
    let mut at = Facility::new();
    let a = at.person("a");
    let grant = at.visit(now(1), &let_in_by(a, true, &[]));
    let answers = [
        (PulseResult::Expired, DoorState::NotReleased),
        (PulseResult::WrongDoor, DoorState::NotReleased),
        (PulseResult::StrikeFailed, DoorState::Unknown),
        (PulseResult::Unknown, DoorState::Unknown),
        (PulseResult::Pulsed(Duration::from_millis(500)), DoorState::Released),
    ];
    for (result, expected) in answers {
        assert_eq!(after(result), expected, "{result:?}");
    }
    let unknown = Released::unknown(grant);
    at.store.write(now(2), |batch| released(batch, &unknown)).unwrap();
    assert_eq!(at.store.visit(grant).unwrap().unwrap().state, DoorState::Unknown);
}

#[test]
fn a_refusal_names_its_reason_and_counts_nobody() {
    let mut at = Facility::new();
    let a = at.person("a");
    let not_admitted = DenyReason::NotAdmitted { person: a, refusal: Refusal::Closed };
    let unknown = DenyReason::UnknownCredential(CredentialKind::Qr);
    for reason in [DenyReason::NoMatch, not_admitted, unknown, DenyReason::NoMatch] {
        let told = Told { outcome: Outcome::Denied(reason), ..let_in_by(a, true, &[]) };
        at.visit(now(1), &told);
    }
    let counts = at.counts();
    assert_eq!(counts.visitors, 0);
    let expected = [("closed", 1), ("no-match", 2), ("unknown-credential", 1)];
    assert!(counts.refused.iter().map(|(reason, count)| (reason.as_str(), *count)).eq(expected));
    let last = at.store.last_refusals(3).unwrap();
    assert_eq!(last.len(), 3);
    let detail = |reason: &str, detail: Option<&str>| VisitOutcome::Refused {
        reason: reason.to_owned(),
        detail: detail.map(str::to_owned),
    };
    assert_eq!(last[1].outcome, detail("unknown-credential", Some("qr")));
    assert_eq!((&last[2].outcome, last[2].person), (&detail("not-admitted", Some("closed")), Some(a)));
    assert_eq!(at.store.refusals_between(today(), today()).unwrap().len(), 4);
}

#[test]
fn a_refused_code_and_a_missing_factor_are_told_apart_and_name_their_person_if_they_have_one() {
    let mut at = Facility::new();
    let a = at.person("a");
    let (kind, refusal) = (CredentialKind::Qr, gate::CredentialRefusal::Expired);
    let next = gate::FactorSet::of(&[gate::Factor::CardPin]);
    for reason in
        [DenyReason::CredentialRefused { kind, refusal }, DenyReason::FactorMissing { person: a, next }]
    {
        at.visit(now(1), &Told { outcome: Outcome::Denied(reason), ..let_in_by(a, true, &[]) });
    }
    let last = at.store.last_refusals(2).unwrap();
    let told = |reason: &str, detail: Option<&str>| VisitOutcome::Refused {
        reason: reason.to_owned(),
        detail: detail.map(str::to_owned),
    };
    assert_eq!((&last[0].outcome, last[0].person), (&told("factor-missing", None), Some(a)));
    assert_eq!((&last[1].outcome, last[1].person), (&told("credential-refused", Some("code-expired")), None));
}

#[test]
fn midnight_in_japan_parts_two_days_and_a_clock_in_doubt_says_so() {
    let mut at = Facility::new();
    let a = at.person("a");
    let before_midnight = 14 * 60 - 1;
    at.visit(now(before_midnight), &let_in_by(a, false, &[]));
    at.visit(now(before_midnight + 1), &let_in_by(a, false, &[]));
    let tomorrow = today().plus_days(1).unwrap();
    assert_eq!((at.counts().visitors, at.store.counts(tomorrow).unwrap().visitors), (1, 1));
    let mut doubtful = now(before_midnight);
    doubtful.wall = doubtful.wall.map(|wall| Wall { uncertainty_s: 60, ..wall });
    at.visit(doubtful, &let_in_by(a, false, &[]));
    assert_eq!(at.counts().day_in_doubt, 1);
    let timeless = Now { wall: None, ..now(5) };
    let record = at.visit(timeless, &let_in_by(a, false, &[]));
    let undated = at.store.visits_undated().unwrap();
    assert_eq!((undated.len(), undated[0].record, undated[0].day), (1, record, None));
    at.store.set_offset_minutes(0);
    let utc = at.visit(now(before_midnight), &let_in_by(a, false, &[]));
    assert_eq!(at.store.visit(utc).unwrap().unwrap().minute, Some(14 * 60 + 59));
}

#[test]
fn who_is_inside_is_known_again_after_a_start() {
    let mut at = Facility::new();
    let people: Vec<PersonId> = ["a", "b", "c", "d"].iter().map(|name| at.person(name)).collect();
    let [a, b, c, d] = people[..] else { unreachable!("four were enrolled") };
    at.visit(now(-24 * 60), &let_in_by(d, false, &[]));
    at.visit(now(1), &let_in_by(a, false, &[]));
    let left = at.visit(now(2), &let_in_by(b, false, &[]));
    at.visit(now(3), &let_in_by(c, true, &[]));
    at.store.append(now(4), &Entry::Left(b)).unwrap();
    let same = [entrant(b, "adult", None)];
    at.store.correct_visit(now(5), left, &same, &[], CorrectionWhy::WrongClass, By::Console).unwrap();
    let at = at.again([7; 16]);
    let mut expected = Inside::default();
    expected.enter(a, now(1).wall);
    assert!(
        at.store.inside(now(9)).unwrap() == expected,
        "a is, b left, c waits for the strike, d was yesterday"
    );
}

#[test]
fn without_a_clock_whoever_came_in_this_boot_is_inside() {
    let mut at = Facility::new();
    let (a, b) = (at.person("a"), at.person("b"));
    let timeless = |minutes| Now { wall: None, ..now(minutes) };
    at.visit(timeless(1), &let_in_by(a, false, &[]));
    let mut at = at.again([8; 16]);
    at.visit(timeless(2), &let_in_by(b, false, &[]));
    let mut expected = Inside::default();
    expected.enter(b, None);
    assert!(at.store.inside(timeless(3)).unwrap() == expected);
    assert!(at.store.inside(now(3)).unwrap() == expected, "the clock came back");
}

#[test]
fn coming_in_again_after_leaving_counts_from_then_and_again_while_inside_does_not() {
    let mut at = Facility::new();
    let a = at.person("a");
    at.visit(now(1), &let_in_by(a, false, &[]));
    at.store.append(now(2), &Entry::Left(a)).unwrap();
    at.visit(now(3), &let_in_by(a, false, &[]));
    let again = Entrant { again: true, ..entrant(a, "x", None) };
    at.visit(now(5), &let_in_by(a, false, &[again]));
    let mut expected = Inside::default();
    expected.enter(a, now(3).wall);
    assert!(at.store.inside(now(9)).unwrap() == expected);
}

#[test]
fn a_correction_takes_the_place_of_the_visit_and_the_visit_stays() {
    let mut at = Facility::new();
    let (a, b) = (at.person("a"), at.person("b"));
    let book = at.book(a);
    let wrong = [entrant(a, "adult", Some(book)), entrant(b, "adult", None)];
    let visit = at.visit(now(1), &let_in_by(a, false, &wrong));
    let right = [entrant(a, "resident", None)];
    let by = By::Staff(StaffId([3; 16]));
    let why = CorrectionWhy::Miscounted;
    let correction = at.store.correct_visit(now(90), visit, &right, &[class("child")], why, by).unwrap();
    let counts = at.counts();
    assert_eq!((counts.visitors, counts.by_fee.get(&Some(class("adult"))), at.used(a)), (2, None, 0));
    assert_eq!(counts.by_fee[&Some(class("child"))], 1);
    let rows = at.store.visits_between(today(), today()).unwrap();
    assert_eq!((rows.len(), rows[0].corrected_by, rows[1].corrects), (2, Some(correction), Some(visit)));
    assert_eq!((rows[1].minute, rows[1].state), (rows[0].minute, DoorState::Corrected));
    let twice = at.store.correct_visit(now(91), visit, &[], &[], why, by);
    assert!(matches!(twice, Err(StoreError::AlreadyCorrected(it)) if it == correction));
    at.store.correct_visit(now(92), correction, &[], &[], CorrectionWhy::NotEntered, by).unwrap();
    assert_eq!(at.counts().visitors, 0);
}

#[test]
fn only_a_visit_whose_door_has_answered_is_corrected() {
    let mut at = Facility::new();
    let a = at.person("a");
    let grant = at.visit(now(1), &let_in_by(a, true, &[]));
    let why = CorrectionWhy::NotEntered;
    let early = at.store.correct_visit(now(2), grant, &[], &[], why, By::Console);
    assert!(matches!(early, Err(StoreError::CannotCorrect(_))));
    let nothing = RecordId { seq: 99, ..grant };
    let none = at.store.correct_visit(now(2), nothing, &[], &[], why, By::Console);
    assert!(matches!(none, Err(StoreError::NoSuchVisit(it)) if it == nothing));
    let told = Told { outcome: Outcome::Denied(DenyReason::NoMatch), ..let_in_by(a, true, &[]) };
    let refused = at.visit(now(3), &told);
    let why = CorrectionWhy::LetInAfterAll;
    at.store.correct_visit(now(4), refused, &[], &[class("adult")], why, By::Console).unwrap();
    let counts = at.counts();
    assert_eq!((counts.visitors, counts.refused.len(), counts.by_way[&Way::Staff]), (1, 0, 1));
}

#[test]
fn ids_that_are_not_known_here_link_nobody() {
    let mut at = Facility::new();
    let stranger = PersonId([9; 16]);
    let party = [entrant(stranger, "x", Some(EntitlementId([1; 16])))];
    let record = at.visit(now(1), &let_in_by(stranger, false, &party));
    let row = at.store.visit(record).unwrap().unwrap();
    assert_eq!((row.person, row.entrants[0].person, row.entrants[0].uses), (None, None, None));
    assert_eq!(at.counts().visitors, 1);
}
