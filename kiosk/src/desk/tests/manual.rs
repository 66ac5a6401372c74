//! Entry by hand and the door.

use gate::FeeClassId;

use super::*;

fn fees(door: bool) -> Fees {
    let fee = |id: &str, yen| Fee { id: FeeClassId(id.into()), words: words(id), yen };
    Fees { classes: vec![fee("adult", 500), fee("child", 0)], door }
}

fn at_the_page(door: bool) -> Story {
    let mut story = Story::signed_in(Role::Reception);
    story.touch(Touch::Menu(Destination::Manual));
    story.answer(Reply::Fees(fees(door)));
    story
}

fn touch(story: &mut Story, touches: &[ManualTouch]) {
    touches.iter().for_each(|it| story.touch(Touch::Manual(*it)));
}

#[test]
fn visitors_are_let_in_one_for_each_tap_in_their_classes() {
    let mut story = at_the_page(true);
    touch(
        &mut story,
        &[ManualTouch::More(0), ManualTouch::More(1), ManualTouch::More(1), ManualTouch::Less(0)],
    );
    touch(
        &mut story,
        &[ManualTouch::Less(0), ManualTouch::More(0), ManualTouch::More(7), ManualTouch::Enter],
    );
    let [(_, let_in)] = &story.let_in[..] else { panic!("one entry is due") };
    let classes: Vec<&str> = let_in.visitors.iter().map(|it| &*it.0).collect();
    assert_eq!((classes, let_in.release), (vec!["adult", "child", "child"], true));
    assert_eq!(let_in.by.staff(), StaffId([1; 16]));
}

#[test]
fn a_second_tap_is_not_a_second_party() {
    let mut story = at_the_page(true);
    touch(&mut story, &[ManualTouch::More(0), ManualTouch::Enter, ManualTouch::Enter, ManualTouch::More(0)]);
    assert_eq!(story.let_in.len(), 1);
    story.answer(Reply::LetIn);
    assert_eq!(story.view.note, Some(Note::Entered(1)));
    touch(&mut story, &[ManualTouch::Enter]);
    assert_eq!(story.let_in.len(), 1, "nobody is left to let in");
}

#[test]
fn visitors_who_could_not_be_recorded_stay_on_the_page() {
    let mut story = at_the_page(true);
    touch(&mut story, &[ManualTouch::More(1), ManualTouch::Enter]);
    story.answer(Reply::Failed(Failure::NotStored));
    assert!(matches!(&story.view.page, PageView::Manual { counts, .. } if counts == &[0, 1]));
    assert_eq!(story.view.note, Some(Note::Failed(Failure::NotStored)));
}

#[test]
fn no_door_is_opened_where_there_is_none_or_where_staff_do_not_want_it() {
    for (door, tap) in [(false, false), (false, true), (true, true)] {
        let mut story = at_the_page(door);
        if tap {
            touch(&mut story, &[ManualTouch::Door]);
        }
        touch(&mut story, &[ManualTouch::More(0), ManualTouch::Enter]);
        assert!(!story.let_in[0].1.release, "{door} {tap}");
    }
}

#[test]
fn the_door_is_opened_once_for_nobody_and_staff_answer_for_it() {
    let mut story = Story::signed_in(Role::Reception);
    story.touch(Touch::OpenDoor);
    assert!(story.let_in.is_empty(), "not from the menu");
    story.touch(Touch::Menu(Destination::Door));
    story.touch(Touch::OpenDoor);
    story.touch(Touch::OpenDoor);
    let [(_, let_in)] = &story.let_in[..] else { panic!("one pulse is due") };
    assert!(let_in.visitors.is_empty() && let_in.release);
    story.answer(Reply::LetIn);
    story.page("menu");
    assert_eq!(story.view.note, Some(Note::DoorTold));
}
