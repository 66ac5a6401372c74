//! People who are found, revoked and erased.

use gate::{PersonId, Standing};

use super::{super::people::HOLD, *};

fn found(standing: Standing) -> Found {
    Found {
        person: PersonId([7; 16]),
        name: "山田　花子".into(),
        born: None,
        standing,
        face: true,
        protected: false,
        stale: false,
    }
}

fn at_a_person(role: Role, standing: Standing) -> Story {
    let mut story = Story::signed_in(role);
    story.touch(Touch::Menu(Destination::People));
    story.type_name(" 山田 ");
    let Some((_, Ask::Find(_, name))) = story.asks.last() else { panic!("a search is due") };
    assert_eq!(name.as_str(), "山田");
    story.answer(Reply::Found(vec![found(standing)]));
    story.touch(Touch::People(PeopleTouch::Choose(0)));
    story.page("person");
    story
}

fn people(story: &mut Story, touch: PeopleTouch) {
    story.touch(Touch::People(touch));
}

fn erasures(story: &Story) -> usize {
    story.asks.iter().filter(|(_, ask)| matches!(ask, Ask::Erase(..))).count()
}

#[test]
fn an_enrolment_is_revoked_after_a_question() {
    let mut story = at_a_person(Role::Reception, Standing::Active);
    people(&mut story, PeopleTouch::ConfirmRevoke);
    assert!(!matches!(story.asks.last(), Some((_, Ask::Revoke(..)))), "not without the question");
    people(&mut story, PeopleTouch::Revoke);
    story.page("revoke");
    people(&mut story, PeopleTouch::ConfirmRevoke);
    assert!(matches!(story.asks.last(), Some((_, Ask::Revoke(_, PersonId([7, ..]))))));
    story.answer(Reply::Revoked);
    assert_eq!(story.view.note, Some(Note::Revoked));
}

#[test]
fn a_revoked_enrolment_is_not_revoked_again() {
    let mut story = at_a_person(Role::Supervisor, Standing::Revoked);
    people(&mut story, PeopleTouch::Revoke);
    story.page("person");
}

#[test]
fn only_a_supervisor_erases() {
    let mut story = at_a_person(Role::Reception, Standing::Active);
    people(&mut story, PeopleTouch::Erase);
    story.page("person");
    people(&mut story, PeopleTouch::HoldBegins);
    story.pass(HOLD);
    assert_eq!(erasures(&story), 0);
}

#[test]
fn erasing_takes_a_finger_that_stays_on_the_button() {
    let mut story = at_a_person(Role::Supervisor, Standing::Active);
    people(&mut story, PeopleTouch::Erase);
    people(&mut story, PeopleTouch::HoldBegins);
    story.pass(HOLD - Duration::from_millis(1));
    people(&mut story, PeopleTouch::HoldEnds);
    story.pass(HOLD);
    assert_eq!(erasures(&story), 0, "let go too soon");
    people(&mut story, PeopleTouch::HoldBegins);
    story.pass(HOLD);
    story.pass(HOLD / 2);
    assert_eq!(erasures(&story), 1);
    story.answer(Reply::Erased);
    assert_eq!(story.view.note, Some(Note::Erased));
    story.pass(HOLD);
    assert_eq!(erasures(&story), 1);
}

#[test]
fn an_empty_name_looks_for_nobody() {
    let mut story = Story::signed_in(Role::Supervisor);
    story.touch(Touch::Menu(Destination::People));
    story.type_name("\u{3000} ");
    assert!(!matches!(story.asks.last(), Some((_, Ask::Find(..)))));
}
