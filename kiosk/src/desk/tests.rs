//! Stories at the desk, played without a screen, a camera or a vault.
#![allow(clippy::unwrap_used)]

mod card_check;
mod enrolment;
mod manual;
mod people;

use gate::{StaffId, Words};

use super::*;

/// A desk, its clock, and what it said.
struct Story {
    desk: Desk,
    now: Monotonic,
    view: View,
    lens: Lens,
    asks: Vec<(AskNumber, Ask)>,
    let_in: Vec<(AskNumber, LetIn)>,
    /// How often a card was to be read, and to be forgotten.
    reads: usize,
    forgets: usize,
    photographs: Vec<PhotoNumber>,
}

impl Story {
    /// Nobody is at the desk.
    fn new() -> Self {
        Self {
            desk: Desk::new(),
            now: Monotonic::from_micros(1_000_000),
            view: View::default(),
            lens: Lens::Door,
            asks: Vec::new(),
            let_in: Vec::new(),
            reads: 0,
            forgets: 0,
            photographs: Vec::new(),
        }
    }

    /// Somebody of this role has signed in.
    fn signed_in(role: Role) -> Self {
        let mut story = Self::new();
        story.touch(Touch::Open);
        story
            .answer(Reply::Staff(vec![(StaffId([1; 16]), "佐藤".into()), (StaffId([2; 16]), "鈴木".into())]));
        story.touch(Touch::Name(0));
        story.pin("2468");
        story.answer(Reply::SignedIn(SignedIn::new(StaffId([1; 16]), "佐藤".into(), role)));
        story
    }

    fn step(&mut self, event: DeskEvent) {
        for command in self.desk.step(self.now, event) {
            match command {
                DeskCommand::Show(view) => self.view = view,
                DeskCommand::Lens(lens) => self.lens = lens,
                DeskCommand::Ask(number, ask) => self.asks.push((number, ask)),
                DeskCommand::LetIn(number, let_in) => self.let_in.push((number, let_in)),
                DeskCommand::ReadCard(_) => self.reads += 1,
                DeskCommand::ForgetCard => self.forgets += 1,
                DeskCommand::Photograph(number, _) => self.photographs.push(number),
            }
        }
    }

    fn touch(&mut self, touch: Touch) {
        self.step(DeskEvent::Touch(touch));
    }

    fn pin(&mut self, digits: &str) {
        digits.bytes().for_each(|digit| self.touch(Touch::Pad(PadTouch::Digit(digit - b'0'))));
        self.touch(Touch::Pad(PadTouch::Enter));
    }

    fn type_name(&mut self, name: &str) {
        self.touch(Touch::Text(TextTouch::Typed(zeroize::Zeroizing::new(name.into()))));
        self.touch(Touch::Text(TextTouch::Done));
    }

    /// Answers the last question.
    fn answer(&mut self, reply: Reply) {
        let number = AskNumber(self.desk.asked);
        self.step(DeskEvent::Reply(number, reply));
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.plus(time);
        self.step(DeskEvent::Tick);
    }

    #[track_caller]
    fn page(&self, expected: &str) {
        assert_eq!(self.view.page.name(), expected);
    }
}

#[test]
fn a_pin_is_asked_about_once_and_shown_as_a_number_of_dots() {
    let mut story = Story::new();
    story.touch(Touch::Open);
    assert!(matches!(story.asks[..], [(_, Ask::Staff)]));
    story.answer(Reply::Staff(vec![(StaffId([1; 16]), "佐藤".into()), (StaffId([2; 16]), "鈴木".into())]));
    story.touch(Touch::Pad(PadTouch::Digit(7)));
    assert!(matches!(story.view.page, PageView::SignIn { chosen: None, digits: 0, .. }), "no name, no PIN");
    story.touch(Touch::Name(1));
    story.pin("135");
    assert_eq!(story.asks.len(), 1, "three digits are no PIN");
    story.pin("7");
    let Some((_, Ask::SignIn(staff, pin))) = story.asks.last() else { panic!("a sign-in is due") };
    assert_eq!((*staff, pin.expose()), (StaffId([2; 16]), "1357"));
    assert!(
        matches!(story.view.page, PageView::SignIn { digits: 0, .. }),
        "the digits are gone from the desk"
    );
}

#[test]
fn a_wrong_pin_and_a_lock_out_are_told_and_open_nothing() {
    for failure in [Failure::WrongPin, Failure::LockedOut(Duration::from_secs(300))] {
        let mut story = Story::new();
        story.touch(Touch::Open);
        story.answer(Reply::Staff(vec![(StaffId([1; 16]), "佐藤".into())]));
        story.pin("0000");
        story.answer(Reply::Failed(failure));
        story.page("sign-in");
        assert_eq!(story.view.note, Some(Note::Failed(failure)));
        story.touch(Touch::Menu(Destination::Door));
        story.touch(Touch::OpenDoor);
        assert!(story.let_in.is_empty());
    }
}

#[test]
fn nothing_of_the_staff_area_works_before_somebody_signed_in() {
    let every = || {
        [
            Touch::Menu(Destination::Enrol),
            Touch::Menu(Destination::Inside),
            Touch::Enrol(EnrolTouch::One),
            Touch::Manual(ManualTouch::Enter),
            Touch::People(PeopleTouch::ConfirmRevoke),
            Touch::OpenDoor,
        ]
    };
    let mut story = Story::new();
    every().into_iter().for_each(|touch| story.touch(touch));
    story.touch(Touch::Open);
    story.answer(Reply::Staff(vec![(StaffId([1; 16]), "佐藤".into())]));
    every().into_iter().for_each(|touch| story.touch(touch));
    assert!(story.let_in.is_empty() && matches!(story.asks[..], [(_, Ask::Staff)]));
}

#[test]
fn the_door_hears_of_nobody_while_the_staff_area_is_open() {
    let mut story = Story::new();
    story.touch(Touch::Open);
    assert_eq!(story.lens, Lens::Held);
    story.touch(Touch::Back);
    assert_eq!(story.lens, Lens::Door);
    let mut story = Story::signed_in(Role::Reception);
    assert_eq!(story.lens, Lens::Held);
    story.touch(Touch::SignOut);
    assert_eq!((story.lens, story.view.clone()), (Lens::Door, View::default()));
}

#[test]
fn an_area_that_nobody_touches_closes_by_itself() {
    let mut story = Story::new();
    story.touch(Touch::Open);
    story.answer(Reply::Staff(Vec::new()));
    story.pass(SIGN_IN_IDLE - Duration::from_millis(1));
    story.page("sign-in");
    story.pass(Duration::from_millis(1));
    story.page("closed");

    let mut story = Story::signed_in(Role::Supervisor);
    story.pass(IDLE - Duration::from_millis(1));
    story.page("menu");
    story.touch(Touch::Menu(Destination::Door));
    story.pass(IDLE - Duration::from_millis(1));
    story.page("door");
    story.pass(Duration::from_millis(1));
    story.page("closed");
    assert_eq!(story.lens, Lens::Door);
}

#[test]
fn an_answer_for_somebody_who_signed_out_reaches_nobody() {
    let mut story = Story::signed_in(Role::Reception);
    story.touch(Touch::Menu(Destination::Inside));
    story.touch(Touch::SignOut);
    story.answer(Reply::Inside(InsideNow::default()));
    story.page("closed");

    let mut story = Story::new();
    story.touch(Touch::Open);
    story.answer(Reply::Staff(vec![(StaffId([1; 16]), "佐藤".into())]));
    story.pin("2468");
    story.touch(Touch::SignOut);
    story.answer(Reply::SignedIn(SignedIn::new(StaffId([1; 16]), "佐藤".into(), Role::Supervisor)));
    story.page("closed");
}

#[test]
fn a_question_without_an_answer_is_given_up_and_told() {
    let mut story = Story::signed_in(Role::Reception);
    story.touch(Touch::Menu(Destination::Counts));
    assert!(story.view.busy);
    story.pass(PATIENCE);
    assert_eq!((story.view.busy, story.view.note), (false, Some(Note::Failed(Failure::NoAnswer))));
}

#[test]
fn a_fire_closes_the_staff_area() {
    let mut story = Story::signed_in(Role::Reception);
    story.step(DeskEvent::Evacuate);
    story.page("closed");
    assert_eq!(story.lens, Lens::Door);
}

#[test]
fn a_card_signs_in_only_where_somebody_is_asked_to() {
    let card = || {
        DeskEvent::Card(CardNumber(
            gate::CredentialKind::FacilityCard,
            zeroize::Zeroizing::new(vec![4, 5, 6]),
        ))
    };
    let mut story = Story::new();
    story.step(card());
    assert!(story.asks.is_empty());
    story.touch(Touch::Open);
    story.answer(Reply::Staff(Vec::new()));
    story.step(card());
    assert!(matches!(story.asks.last(), Some((_, Ask::SignInByCard(_)))));
    story.answer(Reply::Failed(Failure::UnknownCard));
    story.page("sign-in");
    assert_eq!(story.view.note, Some(Note::Failed(Failure::UnknownCard)));
    let mut story = Story::signed_in(Role::Reception);
    let asked = story.asks.len();
    story.step(card());
    assert_eq!(story.asks.len(), asked);
}

#[test]
fn nothing_that_is_personal_is_printed() {
    let mut story = Story::signed_in(Role::Reception);
    story.touch(Touch::Menu(Destination::People));
    let typed = Touch::Text(TextTouch::Typed(zeroize::Zeroizing::new("山田花子".into())));
    let printed = format!("{typed:?}");
    story.touch(typed);
    story.touch(Touch::Text(TextTouch::Done));
    let all = format!("{printed} {:?} {:?} {:?}", story.view, story.asks, story.view.page);
    assert!(!all.contains("山田") && !all.contains("佐藤"), "{all}");
}

/// Words that differ in each language.
fn words(text: &str) -> Words {
    let kind = |it: &str| format!("{text} {it}").into();
    Words { japanese: kind("ja"), easy: kind("easy"), english: kind("en") }
}
