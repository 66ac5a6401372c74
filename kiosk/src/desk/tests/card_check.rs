//! 「カードで確認」: each end of it, and that nothing of a card reaches anybody who did not ask for it.

use card::{
    Birth, CardError, Face, GreyPicture, Issuer, Secret, Sex, StatusWord, TransportError, TypedError,
};
use gate::{Assurance, Date, ModelId, Template};
use zeroize::Zeroizing;

use super::{
    super::card_check::READ_PATIENCE,
    enrolment::{at_the_form, at_the_text, consent, enrol, look, name, saved},
    *,
};

/// Of the official example: 17 February of Showa 55, expiry in 2035, security code 2285.
const CODE: &str = "55021720352285";

/// Whoever has the track 1 before the camera: the same direction.
fn photograph_of(track: u16) -> Template {
    Template::new(ModelId::new("toy"), vec![1.0, track.into()]).unwrap()
}

fn face_of_card(year: u16, issuer: Issuer) -> Face {
    Face {
        photo: GreyPicture { width: 1, height: 1, pixels: Zeroizing::new(vec![128]) },
        birth: Birth::on(Date::new(year, 2, 17).unwrap()),
        sex: Sex::Female,
        expiry: Date::new(2035, 2, 17).unwrap(),
        issuer,
    }
}

fn answer(story: &mut Story, answer: Result<Face, CardError>) {
    story.step(DeskEvent::Front(Box::new(answer)));
}

fn type_code(story: &mut Story, digits: &str) {
    story.pin(digits);
}

/// The code is typed and the card lies there.
fn at_the_reader() -> Story {
    let mut story = at_the_form(EnrolTouch::One);
    name(&mut story, "山田　花子");
    enrol(&mut story, EnrolTouch::CheckCard);
    story.page("card-code");
    type_code(&mut story, CODE);
    story.page("card-lay");
    story
}

/// The card is being read.
fn reading() -> Story {
    let mut story = at_the_reader();
    assert_eq!(story.reads, 0, "nothing is sent before the card lies there");
    enrol(&mut story, EnrolTouch::ReadCard);
    assert_eq!((story.reads, story.forgets), (1, 0));
    story
}

/// The card was read, and somebody is to look into the camera.
fn at_the_camera() -> Story {
    let mut story = reading();
    answer(&mut story, Ok(face_of_card(1980, Issuer::Unknown)));
    story.page("card-look");
    assert_eq!((story.lens, story.photographs.len(), story.forgets), (Lens::Capturing, 1, 0));
    story
}

fn reference(story: &mut Story, track: u16) {
    let number = *story.photographs.last().unwrap();
    story.step(DeskEvent::Reference(number, Some(photograph_of(track))));
}

fn news(story: &Story) -> Option<CardNews> {
    if let PageView::CardLay { news, .. } = story.view.page {
        return news;
    }
    if let PageView::CardEnded { news, .. } = story.view.page { Some(news) } else { None }
}

#[test]
fn whoever_is_on_the_card_is_enrolled_with_the_very_face_that_was_compared() {
    for photograph_first in [true, false] {
        let mut story = at_the_camera();
        if photograph_first {
            reference(&mut story, 1);
            look(&mut story, 1);
        } else {
            look(&mut story, 1);
            story.page("card-look");
            reference(&mut story, 1);
        }
        let PageView::CardMatched { born, issuer } = story.view.page else { panic!("{:?}", story.view) };
        assert_eq!((born, issuer, story.lens), (Date::new(1980, 2, 17), Issuer::Unknown, Lens::Held));
        enrol(&mut story, EnrolTouch::CardKeep);
        let PageView::Form(form) = &story.view.page else { panic!("{:?}", story.view) };
        assert_eq!(
            (form.born.as_str(), form.assurance, form.card),
            ("19800217", Assurance::PhotoMatched, true)
        );
        enrol(&mut story, EnrolTouch::ToCamera);
        story.page("captured");
        enrol(&mut story, EnrolTouch::Keep);
        let member = &saved(&mut story).members[0];
        assert_eq!((member.assurance, member.card), (Assurance::PhotoMatched, Some(Issuer::Unknown)));
        assert_eq!(member.born, Date::new(1980, 2, 17));
        let face = photograph_of(1);
        assert!(member.templates.len() == 3 && member.templates.iter().all(|it| *it == face));
    }
}

#[test]
fn what_a_card_said_of_one_face_is_not_said_of_another() {
    let mut story = at_the_camera();
    reference(&mut story, 1);
    look(&mut story, 1);
    enrol(&mut story, EnrolTouch::CardKeep);
    enrol(&mut story, EnrolTouch::ToCamera);
    enrol(&mut story, EnrolTouch::Retake);
    look(&mut story, 9);
    enrol(&mut story, EnrolTouch::Keep);
    assert_eq!(story.view.note, Some(Note::OtherFace));
    let PageView::Form(form) = &story.view.page else { panic!("{:?}", story.view) };
    assert_eq!((form.assurance, form.card), (Assurance::SelfDeclared, false));
    enrol(&mut story, EnrolTouch::ToCamera);
    look(&mut story, 9);
    enrol(&mut story, EnrolTouch::Keep);
    let member = &saved(&mut story).members[0];
    assert_eq!((member.assurance, member.card), (Assurance::SelfDeclared, None));
}

#[test]
fn staff_who_look_for_themselves_say_nothing_of_a_card() {
    let mut story = at_the_camera();
    reference(&mut story, 1);
    look(&mut story, 1);
    enrol(&mut story, EnrolTouch::CardKeep);
    enrol(&mut story, EnrolTouch::Assurance(Assurance::SelfDeclared));
    enrol(&mut story, EnrolTouch::Assurance(Assurance::PhotoMatched));
    enrol(&mut story, EnrolTouch::WithoutFace);
    let member = &saved(&mut story).members[0];
    assert_eq!((member.assurance, member.card), (Assurance::PhotoMatched, None));
}

#[test]
fn somebody_else_is_refused_calmly_and_only_so_often() {
    let mut story = at_the_camera();
    reference(&mut story, 1);
    look(&mut story, 9);
    assert!(matches!(story.view.page, PageView::CardEnded { news: CardNews::NotAlike, again: true, .. }));
    enrol(&mut story, EnrolTouch::CardKeep);
    story.page("card-ended");
    enrol(&mut story, EnrolTouch::CardAgain);
    assert_eq!((story.reads, story.photographs.len()), (1, 1), "the card is not read again");
    look(&mut story, 9);
    assert!(matches!(story.view.page, PageView::CardEnded { news: CardNews::NotAlike, again: false, .. }));
    enrol(&mut story, EnrolTouch::CardAgain);
    story.page("card-ended");
    story.touch(Touch::Back);
    let PageView::Form(form) = &story.view.page else { panic!("{:?}", story.view) };
    assert_eq!((form.assurance, form.born.as_str()), (Assurance::SelfDeclared, ""));
}

#[test]
fn a_second_look_may_succeed() {
    let mut story = at_the_camera();
    reference(&mut story, 1);
    look(&mut story, 9);
    enrol(&mut story, EnrolTouch::CardAgain);
    look(&mut story, 1);
    story.page("card-matched");
}

#[test]
fn one_frame_of_somebody_else_is_enough_to_refuse() {
    use crate::desk::capture::tests::good;
    let mut story = at_the_camera();
    reference(&mut story, 1);
    for direction in [1_u16, 1, 9] {
        story.now = story.now.plus(Duration::from_millis(300));
        let mut seen = good(story.now.micros() / 1_000, 1);
        let face = seen.face.as_mut().unwrap();
        face.reading = Ok(Sample { template: photograph_of(direction), pad: 0.9 });
        story.step(DeskEvent::Seen(seen));
    }
    assert_eq!(news(&story), Some(CardNews::NotAlike));
}

#[test]
fn a_picture_before_the_camera_is_compared_with_nothing() {
    use crate::desk::capture::tests::good;
    let mut story = at_the_camera();
    reference(&mut story, 1);
    for _ in 0..5 {
        story.now = story.now.plus(Duration::from_millis(300));
        let mut seen = good(story.now.micros() / 1_000, 1);
        let face = seen.face.as_mut().unwrap();
        face.reading = Ok(Sample { template: photograph_of(1), pad: 0.1 });
        story.step(DeskEvent::Seen(seen));
    }
    assert!(matches!(story.view.page, PageView::CardLook { hint: Hint::NotLiving, frames: 0, .. }));
}

#[test]
fn where_nothing_was_measured_nobody_matches() {
    let mut story = at_the_text(EnrolTouch::One);
    let Reply::Consent(text) = consent("2026-12") else { panic!("a text") };
    let beyond = gate::Threshold::BeyondMeasurement { strongest: gate::Score(0.1) };
    story.touch(Touch::Back);
    story.touch(Touch::Menu(Destination::Enrol));
    enrol(&mut story, EnrolTouch::One);
    story.answer(Reply::Consent(Consent { card_photo: beyond, ..text }));
    enrol(&mut story, EnrolTouch::ReachedEnd);
    enrol(&mut story, EnrolTouch::Agree);
    enrol(&mut story, EnrolTouch::CheckCard);
    type_code(&mut story, CODE);
    enrol(&mut story, EnrolTouch::ReadCard);
    answer(&mut story, Ok(face_of_card(1980, Issuer::Certified)));
    reference(&mut story, 1);
    look(&mut story, 1);
    assert_eq!(news(&story), Some(CardNews::NotAlike));
}

#[test]
fn a_wrong_code_is_typed_again_and_never_sent_again_by_itself() {
    for tries_left in [Some(9), Some(2), None] {
        let mut story = reading();
        answer(&mut story, Err(CardError::Wrong { secret: Secret::FrontCode, tries_left }));
        let PageView::CardCode { digits, news, .. } = &story.view.page else { panic!("{:?}", story.view) };
        assert_eq!((digits.as_str(), *news), ("", Some(CodeNews::Wrong(tries_left))));
        story.pass(READ_PATIENCE);
        enrol(&mut story, EnrolTouch::ReadCard);
        assert_eq!(story.reads, 1);
    }
}

#[test]
fn the_last_try_of_a_card_is_its_owners() {
    for error in [
        CardError::LastTry(Secret::FrontCode),
        CardError::Wrong { secret: Secret::FrontCode, tries_left: Some(1) },
    ] {
        let mut story = reading();
        answer(&mut story, Err(error));
        assert_eq!(news(&story), Some(CardNews::LastTry));
        enrol(&mut story, EnrolTouch::ReadCard);
        enrol(&mut story, EnrolTouch::CardAgain);
        type_code(&mut story, CODE);
        assert_eq!(story.reads, 1, "{error:?}");
        story.page("card-ended");
    }
}

#[test]
fn every_end_of_a_reading_has_its_own_words() {
    let lay = |news| ("card-lay", news);
    let end = |news| ("card-ended", news);
    for (error, expected) in [
        (CardError::Transport(TransportError::Removed), lay(CardNews::Removed)),
        (CardError::Transport(TransportError::TimedOut), lay(CardNews::NotRead)),
        (CardError::Transport(TransportError::Garbled), lay(CardNews::NotRead)),
        (CardError::CardChanged, lay(CardNews::NotRead)),
        (CardError::TooManyCommands, lay(CardNews::NotRead)),
        (CardError::NotMyNumberCard, lay(CardNews::OtherCard)),
        (CardError::Transport(TransportError::ReaderGone), end(CardNews::NoReader)),
        (CardError::Blocked(Secret::FrontCode), end(CardNews::Blocked)),
        (CardError::CardExpired, end(CardNews::Expired)),
        (CardError::ClockUnknown, end(CardNews::Clock)),
        (CardError::NoPhoto, end(CardNews::NoPhoto)),
        (CardError::BrokenPhoto, end(CardNews::PhotoNotUsable)),
        (CardError::PhotoTooLarge, end(CardNews::PhotoNotUsable)),
        (CardError::FaceAltered, end(CardNews::NotGenuine)),
        (CardError::ChipCopied, end(CardNews::NotGenuine)),
        (CardError::BrokenRecord, end(CardNews::NotGenuine)),
    ] {
        let mut story = reading();
        answer(&mut story, Err(error));
        assert_eq!((story.view.page.name(), news(&story)), (expected.0, Some(expected.1)), "{error:?}");
        assert_eq!((story.lens, story.photographs.len(), story.forgets), (Lens::Held, 0, 0), "{error:?}");
        // The next way is one touch, and nothing was filled in.
        if expected.0 == "card-ended" {
            story.touch(Touch::Back);
            let PageView::Form(form) = &story.view.page else { panic!("{error:?}") };
            assert_eq!((form.assurance, form.born.as_str()), (Assurance::SelfDeclared, ""));
        } else {
            enrol(&mut story, EnrolTouch::ReadCard);
            assert_eq!(story.reads, 2, "{error:?}");
        }
    }
}

#[test]
fn a_photograph_without_a_face_is_for_the_staff() {
    let mut story = at_the_camera();
    let number = story.photographs[0];
    story.step(DeskEvent::Reference(number, None));
    assert_eq!((news(&story), story.lens), (Some(CardNews::PhotoNotUsable), Lens::Held));
}

#[test]
fn an_answer_of_a_card_that_comes_after_the_desk_went_elsewhere_is_dropped() {
    type Leave = fn(&mut Story);
    let ways: [Leave; 4] = [
        |story| story.touch(Touch::Back),
        |story| story.touch(Touch::SignOut),
        |story| story.step(DeskEvent::Evacuate),
        |story| story.pass(READ_PATIENCE),
    ];
    for (at, leave) in ways.into_iter().enumerate() {
        let mut story = reading();
        leave(&mut story);
        assert_eq!(story.forgets, 1, "{at}");
        let before = story.view.clone();
        answer(&mut story, Ok(face_of_card(1980, Issuer::Certified)));
        assert!(
            story.view == before && story.photographs.is_empty() && story.lens != Lens::Capturing,
            "{at}"
        );
    }
}

#[test]
fn the_card_of_somebody_before_is_not_taken_for_the_next() {
    let mut story = reading();
    story.touch(Touch::Back);
    story.touch(Touch::Back);
    (0..14).for_each(|_| story.touch(Touch::Pad(PadTouch::Delete)));
    type_code(&mut story, "02010120351234");
    enrol(&mut story, EnrolTouch::ReadCard);
    answer(&mut story, Ok(face_of_card(1980, Issuer::Certified)));
    assert!(matches!(story.view.page, PageView::CardLay { reading: true, .. }), "{:?}", story.view);
    assert!(story.photographs.is_empty());
}

#[test]
fn the_photograph_of_somebody_before_is_not_compared_with_the_next() {
    let mut story = at_the_camera();
    let first = story.photographs[0];
    story.touch(Touch::Back);
    enrol(&mut story, EnrolTouch::CheckCard);
    type_code(&mut story, CODE);
    enrol(&mut story, EnrolTouch::ReadCard);
    answer(&mut story, Ok(face_of_card(1980, Issuer::Certified)));
    story.step(DeskEvent::Reference(first, Some(photograph_of(1))));
    look(&mut story, 1);
    story.page("card-look");
    reference(&mut story, 9);
    assert_eq!(news(&story), Some(CardNews::NotAlike));
}

#[test]
fn a_fire_closes_every_page_of_it_and_nothing_goes_on_behind_the_screen() {
    let matched = || {
        let mut story = at_the_camera();
        reference(&mut story, 1);
        look(&mut story, 1);
        story
    };
    for mut story in [at_the_reader(), reading(), at_the_camera(), matched()] {
        let read = story.forgets + usize::from(story.desk.card_ordered);
        story.step(DeskEvent::Evacuate);
        story.page("closed");
        assert_eq!((story.lens, story.forgets), (Lens::Door, read));
        look(&mut story, 1);
        story.page("closed");
    }
}

#[test]
fn a_card_that_says_nothing_is_given_up_before_the_desk_is() {
    let mut story = reading();
    story.pass(READ_PATIENCE - Duration::from_millis(1));
    assert!(matches!(story.view.page, PageView::CardLay { reading: true, .. }));
    story.pass(Duration::from_millis(1));
    assert_eq!((news(&story), story.forgets), (Some(CardNews::NotRead), 1));
    let mut story = at_the_camera();
    story.pass(IDLE);
    story.page("closed");
    assert_eq!(story.lens, Lens::Door);
}

#[test]
fn back_leads_page_by_page_to_the_form() {
    let mut story = reading();
    for page in ["card-lay", "card-code", "form"] {
        story.touch(Touch::Back);
        story.page(page);
    }
    let mut story = at_the_camera();
    story.touch(Touch::Back);
    story.page("form");
    assert_eq!(story.lens, Lens::Held);
}

#[test]
fn no_card_is_asked_about_before_the_text_is_agreed_to() {
    let mut story = at_the_text(EnrolTouch::One);
    enrol(&mut story, EnrolTouch::CheckCard);
    enrol(&mut story, EnrolTouch::ReadCard);
    story.page("consent");
    assert_eq!(story.reads, 0);
}

#[test]
fn a_code_that_no_card_bears_stays_here() {
    for (digits, error) in [
        ("550217", TypedError::NotSoManyDigits(14)),
        ("55133120352285", TypedError::NoSuchDay),
        ("55021719352285", TypedError::NoSuchYear),
        ("123456789018", TypedError::IndividualNumber),
    ] {
        let mut story = at_the_form(EnrolTouch::One);
        enrol(&mut story, EnrolTouch::CheckCard);
        digits.bytes().for_each(|digit| story.touch(Touch::Pad(PadTouch::Digit(digit - b'0'))));
        if error != TypedError::IndividualNumber {
            story.touch(Touch::Pad(PadTouch::Enter));
        }
        let PageView::CardCode { digits: shown, news, .. } = &story.view.page else {
            panic!("{:?}", story.view)
        };
        assert_eq!(*news, Some(CodeNews::Typed(error)));
        assert_eq!(shown.is_empty(), error == TypedError::IndividualNumber, "{digits}");
    }
}

#[test]
fn an_individual_number_is_refused_in_every_field_that_takes_a_text() {
    let number = || Touch::Text(TextTouch::Typed(Zeroizing::new("1234 5678 9018".into())));
    let mut story = at_the_form(EnrolTouch::Household);
    enrol(&mut story, EnrolTouch::Edit(Field::Name));
    story.touch(number());
    assert_eq!(story.view.note, Some(Note::Flaw(Flaw::IndividualNumber)));
    assert!(matches!(&story.view.page, PageView::Typing { text, .. } if text.is_empty()));

    let mut story = Story::signed_in(Role::Supervisor);
    story.touch(Touch::Menu(Destination::People));
    story.touch(number());
    assert_eq!(story.view.note, Some(Note::Flaw(Flaw::IndividualNumber)));
    story.touch(Touch::Text(TextTouch::Done));
    assert!(!matches!(story.asks.last(), Some((_, Ask::Find(..)))), "nobody is looked for by it");
}

#[test]
fn the_public_reads_the_language_in_which_they_agreed_and_staff_keep_theirs() {
    let mut story = at_the_text(EnrolTouch::One);
    enrol(&mut story, EnrolTouch::Language(ConsentLanguage::Easy));
    enrol(&mut story, EnrolTouch::ReachedEnd);
    enrol(&mut story, EnrolTouch::Agree);
    enrol(&mut story, EnrolTouch::CheckCard);
    let mut spoken = vec![story.view.page.spoken()];
    for _ in 0..2 {
        story.touch(Touch::Tongue);
        spoken.push(story.view.page.spoken());
    }
    let expected = [ConsentLanguage::Easy, ConsentLanguage::English, ConsentLanguage::Japanese].map(Some);
    assert_eq!((spoken, story.view.english), (expected.to_vec(), false));
    story.touch(Touch::Back);
    story.touch(Touch::Tongue);
    assert!(story.view.english);
}

#[test]
fn nothing_of_a_card_is_printed() {
    let mut story = at_the_reader();
    let typed = format!("{:?}", story.view);
    enrol(&mut story, EnrolTouch::ReadCard);
    let event = DeskEvent::Front(Box::new(Ok(face_of_card(1980, Issuer::Unknown))));
    let printed = format!("{typed} {event:?} {:?}", CardError::Unexpected(StatusWord(0x6F00)));
    assert!(!printed.contains("5502") && !printed.contains("1980"), "{printed}");
}
