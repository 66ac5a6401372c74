//! What staff can rely on at the screen, checked on drawn pixels, on what is touched and on the texts.
#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use gate::Words;
use slint::ComponentHandle as _;

use super::generated::Staff;
use super::headless::Headless;
use super::staff_tour::every_page;
use super::*;
use crate::desk::{self, ConsentLanguage, EnrolTouch, PadTouch, PageView, PeopleTouch, View};

type Heard = Rc<RefCell<Vec<desk::Touch>>>;

fn screens() -> (Headless, Heard) {
    let heard = Heard::default();
    let sink = Rc::clone(&heard);
    let on_touch = move |touch| {
        if let Touch::Desk(touch) = touch {
            sink.borrow_mut().push(touch);
        }
    };
    (
        Headless::new(&Setup { notice: Notice::example(), readers: false, vehicle: false }, on_touch)
            .unwrap(),
        heard,
    )
}

fn page(name: &str) -> View {
    every_page().into_iter().find(|(known, _)| *known == name).unwrap().1
}

const SIZES: [PanelSize; 3] = [PanelSize::UPRIGHT, PanelSize::WIDE, PanelSize::COUNTER];

#[test]
fn every_page_looks_unlike_every_other_in_both_languages() {
    let (screens, _) = screens();
    let mut seen = BTreeMap::new();
    for english in [false, true] {
        for (name, view) in every_page() {
            // A page for the public is in their language, whatever staff read.
            if english && view.page.spoken().is_some() {
                continue;
            }
            screens.desk(&View { english, ..view });
            let picture = screens.draw(PanelSize::COUNTER).into_raw();
            if let Some(twin) = seen.insert(picture, (english, name)) {
                panic!("{twin:?} looks like {:?}", (english, name));
            }
        }
    }
}

#[test]
fn nothing_is_drawn_into_the_margins_of_any_page() {
    let (screens, _) = screens();
    for english in [false, true] {
        for (name, view) in every_page() {
            for size in SIZES {
                screens.desk(&View { english, ..view.clone() });
                let picture = screens.draw(size);
                let ground = *picture.get_pixel(0, 0);
                // Above the line at the bottom, which goes from edge to edge.
                for x in [3, size.width - 4] {
                    let free = (0..size.height - 64).all(|y| *picture.get_pixel(x, y) == ground);
                    assert!(free, "{name} english: {english} {size:?}, column {x}");
                }
            }
        }
    }
}

#[test]
fn the_public_screen_is_back_and_in_japanese_when_the_area_closes() {
    let (screens, _) = screens();
    let public = screens.draw(PanelSize::UPRIGHT);
    screens.desk(&View { english: true, ..page("inside") });
    assert_ne!(screens.draw(PanelSize::UPRIGHT), public);
    screens.desk(&View::default());
    assert_eq!(screens.draw(PanelSize::UPRIGHT), public);
}

#[test]
fn no_name_and_no_text_of_a_page_stays_in_the_screen_after_it_closes() {
    use slint::Model as _;
    let (screens, _) = screens();
    for (name, view) in every_page() {
        screens.desk(&view);
        screens.desk(&View::default());
        let staff = screens.ui().global::<Staff>();
        assert_eq!((staff.get_rows().row_count(), staff.get_letters().row_count()), (0, 0), "{name}");
        let texts = [staff.get_text(), staff.get_who(), staff.get_form().name, staff.get_form().born];
        assert!(texts.iter().all(|text| text.is_empty()), "{name}");
    }
}

#[test]
fn a_pin_is_typed_with_the_keys_and_only_dots_are_known_to_the_screen() {
    let (screens, heard) = screens();
    screens.desk(&page("sign-in-pin"));
    screens.draw(PanelSize::UPRIGHT);
    // The first key of the pad, and the one beside "delete".
    screens.touch(130.0, 680.0);
    screens.touch(400.0, 1140.0);
    let digits = [1, 0].map(|digit| desk::Touch::Pad(PadTouch::Digit(digit)));
    assert_eq!(*heard.borrow(), digits);
    let four = PageView::SignIn { staff: vec!["佐藤".into()], chosen: Some(0), digits: 4 };
    screens.desk(&View { page: four, ..View::default() });
    assert_eq!(screens.ui().global::<Staff>().get_hidden_digits(), 4);
}

#[test]
fn the_end_of_a_long_consent_text_is_reached_by_reading_to_it() {
    let (screens, heard) = screens();
    let words = |text: &str| Words { japanese: text.into(), easy: text.into(), english: text.into() };
    let consent = |text: &str| {
        let page = PageView::Consent {
            words: words(text),
            version: "1".into(),
            language: ConsentLanguage::Japanese,
            read: false,
            guardian: false,
        };
        View { page, who: Some("佐藤".into()), ..View::default() }
    };
    screens.desk(&consent(&"同意の文面です。\n".repeat(120)));
    screens.draw(PanelSize::COUNTER);
    screens.pass(Duration::from_secs(60));
    assert!(heard.borrow().is_empty(), "nobody has read it");
    // The arrow that leads down; each touch moves on by most of the window.
    for _ in 0..40 {
        screens.touch(950.0, 400.0);
        screens.draw(PanelSize::COUNTER);
    }
    screens.pass(Duration::from_secs(1));
    assert!(heard.borrow().contains(&desk::Touch::Enrol(EnrolTouch::ReachedEnd)), "{:?}", heard.borrow());

    heard.borrow_mut().clear();
    screens.desk(&View::default());
    screens.desk(&consent("短い文面です。"));
    screens.draw(PanelSize::UPRIGHT);
    screens.pass(Duration::from_secs(1));
    assert!(heard.borrow().contains(&desk::Touch::Enrol(EnrolTouch::ReachedEnd)), "it fits on the panel");
}

#[test]
fn erasing_tells_when_the_finger_comes_and_when_it_goes() {
    let (screens, heard) = screens();
    screens.desk(&page("erase"));
    screens.draw(PanelSize::COUNTER);
    screens.hold(680.0, 435.0, Duration::from_secs(1));
    let touches = [PeopleTouch::HoldBegins, PeopleTouch::HoldEnds].map(desk::Touch::People);
    assert_eq!(*heard.borrow(), touches);
}

#[test]
fn no_letter_is_too_small_and_nothing_to_touch_too_low() {
    let sources = [
        include_str!("../../ui/staff/area.slint"),
        include_str!("../../ui/staff/capture.slint"),
        include_str!("../../ui/staff/card.slint"),
        include_str!("../../ui/staff/enrol.slint"),
        include_str!("../../ui/staff/menu.slint"),
        include_str!("../../ui/staff/parts.slint"),
        include_str!("../../ui/staff/people.slint"),
        include_str!("../../ui/staff/sign-in.slint"),
        include_str!("../../ui/staff/typing.slint"),
        include_str!("../../ui/staff/visits.slint"),
    ];
    let pixels = |rest: &str| rest.split_once("px").and_then(|(number, _)| number.trim().parse::<u32>().ok());
    let mut sizes = 0;
    for source in sources {
        for key in ["font-size:", "letter:", "letter: ", "small: ", "<length> letter: "] {
            for size in source.split(key).skip(1).filter_map(pixels) {
                assert!(size >= 28, "{key} {size}");
                sizes += 1;
            }
        }
        let strange =
            |line: &&str| !line.trim_start().starts_with("//") && (!line.is_ascii() || line.contains("@tr"));
        assert_eq!(source.lines().find(strange), None, "every word stands in the table of texts");
    }
    assert!(sizes > 20, "this test finds the sizes");
    let touch = include_str!("../../ui/staff/parts.slint").split("<length> touch: ").nth(1).unwrap();
    assert!(pixels(touch).unwrap() >= 72);
}

/// Entries of a .po file by msgid: where each appears, and its translation.
fn catalogue(po: &str) -> BTreeMap<String, (String, String)> {
    let quoted = |block: &str, key: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
        line.trim().trim_matches('"').to_owned()
    };
    po.split("\n\n")
        .skip(1)
        .map(|block| {
            assert_eq!(quoted(block, "msgctxt"), "StaffTexts");
            (quoted(block, "msgid"), (quoted(block, "#."), quoted(block, "msgstr")))
        })
        .collect()
}

#[test]
fn every_staff_text_has_a_translation_and_a_comment_that_says_where_it_appears() {
    let source = include_str!("../../ui/staff/texts.slint");
    let texts: BTreeSet<String> =
        source.split("@tr(\"").skip(1).map(|rest| rest.split_once('"').unwrap().0.to_owned()).collect();
    assert!(texts.len() > 100, "the parser of this test finds the texts");
    let japanese = catalogue(include_str!("../../lang/ja/LC_MESSAGES/staff.po"));
    let english = catalogue(include_str!("../../lang/en/LC_MESSAGES/staff.po"));
    for (language, entries) in [("ja", &japanese), ("en", &english)] {
        assert_eq!(entries.keys().cloned().collect::<BTreeSet<_>>(), texts, "{language}");
        assert!(entries.values().all(|(place, text)| place.starts_with("Staff area") && !text.is_empty()));
    }
    assert!(japanese.iter().all(|(text, (_, translation))| text == translation));
    assert!(english.values().all(|(_, translation)| translation.is_ascii()));
    let holes = |text: &str| text.matches("{}").count();
    assert!(english.iter().all(|(text, (_, translation))| holes(text) == holes(translation)));
}

#[test]
fn every_staff_text_that_the_public_reads_is_there_in_easy_japanese_and_can_be_read() {
    let source = include_str!("../../ui/staff/texts.slint");
    let easy = catalogue(include_str!("../../lang/ja-easy/LC_MESSAGES/staff.po"));
    let english = catalogue(include_str!("../../lang/en/LC_MESSAGES/staff.po"));
    let public = english.iter().filter(|(_, (place, _))| place.contains("read by the public"));
    assert!(public.clone().count() > 25, "this test finds the texts");
    for (text, _) in public {
        assert!(easy.contains_key(text), "not in easy Japanese: {text}");
    }
    let holes = |text: &str| text.matches("{}").count();
    let kanji = |letter: char| ('\u{4e00}'..='\u{9fff}').contains(&letter);
    for (text, (_, translation)) in &easy {
        assert!(source.contains(&format!("@tr(\"{text}\"")), "no such text: {text}");
        assert_eq!(holes(text), holes(translation), "{text}");
        // What is left without its readings has no kanji.
        let bare: String = ruby::plain(translation).chars().collect();
        let unread = bare
            .char_indices()
            .filter(|(_, letter)| kanji(*letter))
            .any(|(at, _)| !bare[at..].trim_start_matches(kanji).starts_with('（'));
        assert!(!unread, "{translation}");
    }
}

#[test]
fn a_page_for_the_public_is_in_their_language_and_the_next_one_in_that_of_the_staff() {
    let (screens, _) = screens();
    let staff_page = |screens: &Headless| {
        screens.desk(&page("form"));
        screens.draw(PanelSize::COUNTER)
    };
    let before = staff_page(&screens);
    for name in ["card-code-easy", "card-code-en"] {
        screens.desk(&page(name));
        screens.draw(PanelSize::COUNTER);
        assert_eq!(staff_page(&screens), before, "{name}");
    }
}
