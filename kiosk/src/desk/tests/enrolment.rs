//! Enrolments.

use gate::Date;

use super::{super::capture::tests::good, *};

pub(super) fn consent(version: &str) -> Reply {
    Reply::Consent(Consent {
        version: version.into(),
        words: words(version),
        today: Date::new(2026, 11, 24),
        pad_floor: 0.5,
        card_photo: gate::Threshold::Alone(gate::Score(0.9)),
        card_attempts: 2,
    })
}

pub(super) fn enrol(story: &mut Story, touch: EnrolTouch) {
    story.touch(Touch::Enrol(touch));
}

/// The text is on the screen.
pub(super) fn at_the_text(kind: EnrolTouch) -> Story {
    let mut story = Story::signed_in(Role::Reception);
    story.touch(Touch::Menu(Destination::Enrol));
    enrol(&mut story, kind);
    story.answer(consent("2026-04"));
    story.page("consent");
    story
}

/// The text was read and agreed to.
pub(super) fn at_the_form(kind: EnrolTouch) -> Story {
    let mut story = at_the_text(kind);
    enrol(&mut story, EnrolTouch::ReachedEnd);
    enrol(&mut story, EnrolTouch::Agree);
    story.page("form");
    story
}

pub(super) fn name(story: &mut Story, name: &str) {
    enrol(story, EnrolTouch::Edit(Field::Name));
    story.type_name(name);
    story.page("form");
}

/// Three good frames of somebody.
pub(super) fn look(story: &mut Story, track: u64) {
    for _ in 0..3 {
        story.now = story.now.plus(Duration::from_millis(300));
        story.step(DeskEvent::Seen(good(story.now.micros() / 1_000, track)));
    }
}

fn with_face(story: &mut Story, who: &str, track: u64) {
    name(story, who);
    enrol(story, EnrolTouch::ToCamera);
    assert_eq!(story.lens, Lens::Capturing);
    look(story, track);
    story.page("captured");
    assert_eq!(story.lens, Lens::Held);
    enrol(story, EnrolTouch::Keep);
    story.page("review");
}

pub(super) fn saved(story: &mut Story) -> &Household {
    enrol(story, EnrolTouch::Save);
    let Some((_, Ask::Enrol(_, household))) = story.asks.last() else { panic!("an enrolment is due") };
    household
}

#[test]
fn a_household_is_enrolled_from_the_camera_and_a_newborn_without_it() {
    let mut story = at_the_form(EnrolTouch::Household);
    with_face(&mut story, "山田　花子", 1);
    enrol(&mut story, EnrolTouch::AddMember);
    with_face(&mut story, "山田　太郎", 2);
    enrol(&mut story, EnrolTouch::AddMember);
    name(&mut story, "山田　ひな");
    enrol(&mut story, EnrolTouch::Edit(Field::Born));
    "20261101".bytes().for_each(|digit| story.touch(Touch::Pad(PadTouch::Digit(digit - b'0'))));
    story.touch(Touch::Pad(PadTouch::Enter));
    enrol(&mut story, EnrolTouch::WithoutFace);
    enrol(&mut story, EnrolTouch::Representative(1));
    enrol(&mut story, EnrolTouch::NamesAgreed);
    let household = saved(&mut story);
    let faces: Vec<usize> = household.members.iter().map(|it| it.templates.len()).collect();
    assert_eq!((faces, household.representative, household.names_agreed), (vec![3, 3, 0], Some(1), true));
    assert_eq!(household.members[2].born, Date::new(2026, 11, 1));
    assert_eq!(&*household.agreed.version, "2026-04");
    story.answer(Reply::Enrolled(Enrolled { people: 3, alike: Vec::new(), passes_missing: false }));
    story.page("menu");
    assert_eq!(story.view.note, Some(Note::Enrolled(3)));
}

#[test]
fn one_person_has_no_household() {
    let mut story = at_the_form(EnrolTouch::One);
    with_face(&mut story, "山田　花子", 1);
    enrol(&mut story, EnrolTouch::AddMember);
    story.page("review");
    assert_eq!(saved(&mut story).representative, None);
}

#[test]
fn nobody_agrees_to_a_text_that_was_not_read_to_its_end_in_that_language() {
    let mut story = at_the_text(EnrolTouch::One);
    enrol(&mut story, EnrolTouch::Agree);
    story.page("consent");
    enrol(&mut story, EnrolTouch::ReachedEnd);
    enrol(&mut story, EnrolTouch::Language(ConsentLanguage::English));
    enrol(&mut story, EnrolTouch::Agree);
    story.page("consent");
    enrol(&mut story, EnrolTouch::ReachedEnd);
    enrol(&mut story, EnrolTouch::Agree);
    with_face(&mut story, "Ann Smith", 1);
    assert_eq!(saved(&mut story).agreed.language, ConsentLanguage::English);
}

#[test]
fn no_face_is_looked_at_before_the_text_is_agreed_to() {
    let mut story = at_the_text(EnrolTouch::One);
    for touch in [EnrolTouch::ToCamera, EnrolTouch::WithoutFace, EnrolTouch::Save, EnrolTouch::Keep] {
        enrol(&mut story, touch);
        look(&mut story, 1);
        story.page("consent");
        assert_eq!(story.lens, Lens::Held);
    }
}

#[test]
fn a_text_that_was_changed_meanwhile_is_read_again_and_nobody_is_typed_twice() {
    let mut story = at_the_form(EnrolTouch::One);
    with_face(&mut story, "山田　花子", 1);
    saved(&mut story);
    story.answer(Reply::Failed(Failure::ConsentChanged));
    assert!(matches!(story.asks.last(), Some((_, Ask::Consent))));
    assert_eq!(story.view.note, Some(Note::Failed(Failure::ConsentChanged)));
    story.answer(consent("2026-12"));
    enrol(&mut story, EnrolTouch::Save);
    enrol(&mut story, EnrolTouch::Agree);
    story.page("consent");
    enrol(&mut story, EnrolTouch::ReachedEnd);
    enrol(&mut story, EnrolTouch::Agree);
    story.page("review");
    let household = saved(&mut story);
    assert_eq!((&*household.agreed.version, household.members.len()), ("2026-12", 1));
}

#[test]
fn without_a_text_nobody_is_enrolled() {
    let mut story = Story::signed_in(Role::Reception);
    story.touch(Touch::Menu(Destination::Enrol));
    enrol(&mut story, EnrolTouch::One);
    story.answer(Reply::Failed(Failure::NoConsentText));
    story.page("kind");
    assert_eq!(story.view.note, Some(Note::Failed(Failure::NoConsentText)));
}

#[test]
fn a_form_with_a_mistake_is_told_before_anybody_stands_before_the_camera() {
    let mut story = at_the_form(EnrolTouch::One);
    enrol(&mut story, EnrolTouch::ToCamera);
    story.page("form");
    assert_eq!(story.view.note, Some(Note::Flaw(Flaw::NoName)));
}

#[test]
fn a_face_can_be_taken_again_and_the_first_one_is_not_kept() {
    let mut story = at_the_form(EnrolTouch::One);
    name(&mut story, "山田　花子");
    enrol(&mut story, EnrolTouch::ToCamera);
    look(&mut story, 1);
    enrol(&mut story, EnrolTouch::Retake);
    story.page("capture");
    enrol(&mut story, EnrolTouch::Keep);
    story.page("capture");
    look(&mut story, 2);
    enrol(&mut story, EnrolTouch::Keep);
    let second = good(1, 2).face.unwrap().reading.unwrap().template;
    assert!(saved(&mut story).members[0].templates.iter().all(|it| *it == second));
}

#[test]
fn everything_that_was_typed_is_forgotten_at_sign_out() {
    let mut story = at_the_form(EnrolTouch::Household);
    with_face(&mut story, "山田　花子", 1);
    story.touch(Touch::SignOut);
    assert_eq!(story.view, View::default());
    story.touch(Touch::Open);
    story.answer(Reply::Staff(vec![(StaffId([2; 16]), "鈴木".into())]));
    story.pin("2468");
    story.answer(Reply::SignedIn(SignedIn::new(StaffId([2; 16]), "鈴木".into(), Role::Reception)));
    story.touch(Touch::Menu(Destination::Enrol));
    story.page("kind");
}

#[test]
fn nobody_is_signed_out_while_a_face_is_taken_but_not_for_ever() {
    let mut story = at_the_form(EnrolTouch::One);
    name(&mut story, "山田　花子");
    enrol(&mut story, EnrolTouch::ToCamera);
    let poor = |at: Monotonic| {
        let mut seen = good(at.micros() / 1_000, 1);
        seen.face.as_mut().unwrap().reading = Err(gate::QualityIssue::TooDark);
        seen
    };
    let began = story.now;
    while story.now.since(began) < LONGEST_CAPTURE - IDLE / 2 {
        story.pass(IDLE / 2);
        story.step(DeskEvent::Seen(poor(story.now)));
        story.page("capture");
    }
    story.pass(IDLE / 2);
    story.page("form");
    story.pass(IDLE);
    story.page("closed");
}

#[test]
fn an_enrolment_is_given_up_only_after_a_question() {
    let mut story = at_the_form(EnrolTouch::Household);
    with_face(&mut story, "山田　花子", 1);
    story.touch(Touch::Back);
    story.page("discard");
    enrol(&mut story, EnrolTouch::GoOn);
    story.page("review");
    story.touch(Touch::Back);
    enrol(&mut story, EnrolTouch::Stop);
    story.page("menu");
}

#[test]
fn whoever_is_removed_is_not_enrolled_and_somebody_still_speaks_for_the_rest() {
    let mut story = at_the_form(EnrolTouch::Household);
    for (track, who) in [(1, "一"), (2, "二"), (3, "三")] {
        with_face(&mut story, who, track);
        if track < 3 {
            enrol(&mut story, EnrolTouch::AddMember);
        }
    }
    enrol(&mut story, EnrolTouch::Representative(2));
    enrol(&mut story, EnrolTouch::Remove(0));
    let household = saved(&mut story);
    let names: Vec<&str> = household.members.iter().map(|it| it.name.as_str()).collect();
    assert_eq!((names, household.representative), (vec!["二", "三"], Some(1)));
}

#[test]
fn people_who_look_alike_are_told_to_staff() {
    let mut story = at_the_form(EnrolTouch::One);
    with_face(&mut story, "山田　花子", 1);
    saved(&mut story);
    let alike = vec![Alike { new: "山田　花子".into(), other: Some("山田　葉子".into()) }];
    story.answer(Reply::Enrolled(Enrolled { people: 1, alike, passes_missing: false }));
    story.page("alike");
    story.touch(Touch::Back);
    story.page("menu");
}
