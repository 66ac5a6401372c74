//! What a person at the door can rely on, checked on drawn pixels.
#![allow(clippy::unwrap_used)]

mod pin_pad;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use gate::{Screen, ShelterScreen, Side};
use slint::{Color, ComponentHandle as _};

use super::generated::{Colours, Setting, Tongue};
use super::headless::Headless;
use super::tour::family;
use super::words::Presence;
use super::*;

type Heard = Rc<RefCell<Vec<Touch>>>;

fn screens(readers: bool) -> (Headless, Heard) {
    let heard = Heard::default();
    let sink = Rc::clone(&heard);
    let setup = Setup { notice: Notice::example(), readers, vehicle: false };
    (Headless::new(&setup, move |touch| sink.borrow_mut().push(touch)).unwrap(), heard)
}

/// The middle of 係員を呼ぶ on the upright panel.
fn press_staff(screens: &Headless) {
    screens.touch(400.0, 1190.0);
}

#[test]
fn every_screen_looks_unlike_every_other_in_every_language() {
    for readers in [false, true] {
        let (screens, _) = screens(readers);
        let mut seen = BTreeMap::new();
        for language in Language::ALL {
            for moment in every_moment() {
                // Where no reader is fitted the staff are what leads on, whatever else would.
                if !readers && matches!(moment.screen(), Some(Screen::NextFactor(_))) {
                    continue;
                }
                let picture = screens.render(&moment, language, None, PanelSize::UPRIGHT).unwrap();
                if let Some(twin) = seen.insert(picture.into_raw(), (language, moment.clone())) {
                    panic!("{twin:?} looks like {:?}", (language, moment));
                }
            }
        }
    }
}

/// The longest notice that [`Notice`] promises room for.
fn long_notice() -> Notice {
    let words = |japanese: &str, english: &str| Bilingual {
        japanese: japanese.into(),
        easy: None,
        english: english.into(),
    };
    Notice {
        operator: words("きのくに市立駅前中央図書館本館三", "Kinokuni City Library, Main Hall"),
        purpose: words(
            "登録された方の入館の受付と、災害のときの避難所での安否の確認のため",
            "Checking in people who registered, and shelter check-in too",
        ),
        contact: words("総務課　電話000-000-0000（直通）", "General Affairs, 000-000-0000"),
    }
}

#[test]
fn nothing_is_drawn_into_the_margins_or_between_the_words_and_the_header_or_the_button() {
    for (notice, readers) in [(Notice::example(), false), (long_notice(), false), (long_notice(), true)] {
        let screens = Headless::new(&Setup { notice, readers, vehicle: false }, |_| ()).unwrap();
        for language in Language::ALL {
            for size in [PanelSize::UPRIGHT, PanelSize::WIDE, PanelSize::COUNTER] {
                for moment in every_moment() {
                    let picture = screens.render(&moment, language, None, size).unwrap();
                    let kept = kept_free(&picture);
                    assert_eq!(
                        kept, [true; 4],
                        "{moment:?} {language:?} {size:?}: left, right, header, button"
                    );
                }
            }
        }
    }
}

/// Whether nothing is drawn into the left and right margins, below the header and above the button: the measures of
/// kiosk.slint.
fn kept_free(picture: &image::RgbImage) -> [bool; 4] {
    let (width, height) = picture.dimensions();
    let short = f64::from(width.min(height));
    let margin = short * 0.035;
    let header = (short * 0.11).max(80.0);
    let button = if width > height { f64::from(height) * 0.13 } else { f64::from(height) * 0.094 };
    let button = button.max(if width > height { 88.0 } else { 120.0 });
    let ground = *picture.get_pixel(0, 0);
    let column = |x: f64| (0..height).all(|y| *picture.get_pixel(x as u32, y) == ground);
    let row = |y: f64| (0..width).all(|x| *picture.get_pixel(x, y as u32) == ground);
    [
        column(margin / 2.0),
        column(f64::from(width) - margin / 2.0),
        row(margin + header + margin * 0.4),
        row(f64::from(height) - margin - button - margin * 0.3),
    ]
}

#[test]
fn a_press_on_the_staff_button_calls_staff_on_every_screen() {
    let (screens, heard) = screens(false);
    for language in Language::ALL {
        for moment in every_moment() {
            screens.render(&moment, language, None, PanelSize::UPRIGHT).unwrap();
            press_staff(&screens);
            assert_eq!(heard.take(), [Touch::CallStaff], "{moment:?} {language:?}");
            // The confirmation ends.
            screens.pass(Duration::from_secs(11));
        }
    }
}

#[test]
fn a_call_is_confirmed_for_ten_seconds_and_repeated_presses_are_one_call() {
    let (screens, heard) = screens(false);
    let before = screens.draw(PanelSize::UPRIGHT);
    press_staff(&screens);
    let called = screens.draw(PanelSize::UPRIGHT);
    assert_ne!(before, called, "the press must be answered on the screen");
    press_staff(&screens);
    screens.pass(Duration::from_millis(9_900));
    assert_eq!(screens.draw(PanelSize::UPRIGHT), called);
    assert_eq!(heard.borrow().len(), 1);
    screens.pass(Duration::from_millis(200));
    assert_eq!(screens.draw(PanelSize::UPRIGHT), before);
    press_staff(&screens);
    assert_eq!(heard.borrow().len(), 2);
}

fn tongue(screens: &Headless) -> Tongue {
    screens.ui().global::<Setting>().get_tongue()
}

#[test]
fn easy_japanese_stands_between_japanese_and_english_in_the_switch() {
    let (screens, heard) = screens(false);
    screens.draw(PanelSize::UPRIGHT);
    screens.touch(575.0, 72.0);
    assert_eq!(*heard.borrow(), [Touch::Language(Language::EasyJapanese)]);
    assert_eq!(tongue(&screens), Tongue::Easy);
    screens.touch(440.0, 72.0);
    assert_eq!(tongue(&screens), Tongue::Japanese);
}

#[test]
fn english_is_shown_when_it_is_touched_and_japanese_returns_when_nobody_is_here() {
    let (screens, heard) = screens(false);
    let japanese = screens.draw(PanelSize::UPRIGHT);
    let english = Touch::Language(Language::English);
    screens.touch(700.0, 76.0);
    assert_eq!(*heard.borrow(), std::slice::from_ref(&english));
    assert_ne!(screens.draw(PanelSize::UPRIGHT), japanese);

    screens.show(&Screen::HoldStill.into());
    screens.pass(Duration::from_secs(120));
    assert_eq!(tongue(&screens), Tongue::English, "no time-out while somebody is here");

    screens.show(&Screen::Idle.into());
    screens.pass(Duration::from_secs(29));
    assert_eq!(tongue(&screens), Tongue::English);
    screens.pass(Duration::from_secs(2));
    assert_eq!(*heard.borrow(), [english, Touch::Language(Language::Japanese)]);
    assert_eq!(screens.draw(PanelSize::UPRIGHT), japanese);
}

#[test]
fn the_key_opens_the_staff_area_when_it_is_held_and_only_then() {
    let (screens, heard) = screens(false);
    let public = screens.draw(PanelSize::UPRIGHT);
    let (x, y) = (334.0, 72.0);
    screens.touch(x, y);
    screens.pass(Duration::from_secs(3));
    screens.hold(x, y, Duration::from_millis(1_900));
    assert_eq!((heard.borrow().as_slice(), screens.ui().get_staff()), ([].as_slice(), false));

    screens.hold(x, y, Duration::from_millis(2_100));
    assert_eq!((heard.borrow().as_slice(), screens.ui().get_staff()), ([Touch::StaffArea].as_slice(), true));
    assert_ne!(screens.draw(PanelSize::UPRIGHT), public);
    screens.ui().invoke_close_staff();
    assert_eq!(screens.draw(PanelSize::UPRIGHT), public);
}

#[test]
fn a_camera_picture_is_seen_only_while_a_face_is_sought() {
    let (screens, _) = screens(false);
    let preview = Preview::new(4, 3, vec![90; 36]).unwrap();
    for moment in every_moment() {
        let sought = match moment.screen() {
            // A hint of what covers the face.
            None => true,
            Some(screen) => matches!(
                screen,
                Screen::Idle
                    | Screen::Hint(_)
                    | Screen::HoldStill
                    | Screen::ShowFace
                    | Screen::TurnHead(_)
                    | Screen::TurnBack
                    | Screen::Shelter(ShelterScreen::Reception)
            ),
        };
        let with = screens.render(&moment, Language::Japanese, Some(&preview), PanelSize::UPRIGHT).unwrap();
        let without = screens.render(&moment, Language::Japanese, None, PanelSize::UPRIGHT).unwrap();
        assert_eq!(with != without, sought, "{moment:?}");
    }
}

#[test]
fn the_camera_picture_is_mirrored() {
    let (screens, _) = screens(false);
    let left_white: Vec<u8> =
        (0..64 * 48).flat_map(|at| if at % 64 < 32 { [255; 3] } else { [0; 3] }).collect();
    let preview = Preview::new(64, 48, left_white).unwrap();
    let drawn =
        screens.render(&Screen::Idle.into(), Language::Japanese, Some(&preview), PanelSize::UPRIGHT).unwrap();
    let (left, right) = (drawn.get_pixel(300, 380), drawn.get_pixel(500, 380));
    assert!(left.0[0] < 30 && right.0[0] > 220, "left {left:?}, right {right:?}");
}

/// In a mirror the subject's right is on the right.
#[test]
fn the_arrow_beside_the_camera_picture_points_to_the_side_to_turn_to() {
    let (screens, _) = screens(false);
    for (side, arrow, free) in [(Side::Right, 660, 140), (Side::Left, 140, 660)] {
        let moment = Screen::TurnHead(side).into();
        let drawn = screens.render(&moment, Language::Japanese, None, PanelSize::UPRIGHT).unwrap();
        let dark = |x| drawn.get_pixel(x, 382).0[0] < 60;
        assert!(dark(arrow) && !dark(free), "{side:?}");
    }
}

#[test]
fn who_cannot_turn_the_head_presses_a_button_that_is_there_in_every_language_and_on_every_panel() {
    for language in Language::ALL {
        for (size, x, y) in [
            (PanelSize::UPRIGHT, 400.0, 1000.0),
            (PanelSize::WIDE, 940.0, 530.0),
            (PanelSize::COUNTER, 730.0, 400.0),
        ] {
            let (screens, heard) = screens(false);
            screens.render(&Screen::TurnHead(Side::Left).into(), language, None, size).unwrap();
            screens.touch(x, y);
            assert_eq!(*heard.borrow(), [Touch::CannotTurn], "{language:?} {size:?}");
        }
    }
}

#[test]
fn an_answer_for_one_of_the_household_is_told_and_stays_on_the_screen() {
    let (screens, heard) = screens(false);
    let before = screens.render(&family(2), Language::Japanese, None, PanelSize::UPRIGHT).unwrap();
    // あとから来る in the second row.
    screens.touch(400.0, 500.0);
    let answered = Touch::Member { place: 1, presence: Presence::Later };
    assert_eq!(*heard.borrow(), std::slice::from_ref(&answered));
    assert_ne!(screens.draw(PanelSize::UPRIGHT), before);
    screens.touch(400.0, 1070.0);
    assert_eq!(*heard.borrow(), [answered, Touch::HouseholdDone]);
}

#[test]
fn a_large_household_has_more_than_one_page_and_no_answer_goes_to_somebody_else() {
    let (screens, heard) = screens(false);
    screens.render(&family(9), Language::Japanese, None, PanelSize::COUNTER).unwrap();
    // Two rows a page.
    let (next, here) = ((250.0, 435.0), [(350.0, 220.0), (350.0, 315.0)]);
    for place in 0..9 {
        screens.draw(PanelSize::COUNTER);
        screens.touch(here[place % 2].0, here[place % 2].1);
        let told = Touch::Member { place, presence: Presence::Here };
        assert_eq!(heard.borrow().last(), Some(&told));
        if place % 2 == 1 {
            screens.touch(next.0, next.1);
        }
    }
}

#[test]
fn names_are_never_printed_by_debug() {
    let named = Moment::from(Screen::Idle).naming(vec!["見本 太郎".into()]);
    assert_eq!(format!("{named:?}"), "Moment(Gate(Idle), 1 names)");
}

#[test]
fn a_name_without_leave_to_show_it_is_not_shown() {
    let (screens, _) = screens(false);
    let draw =
        |moment: &Moment| screens.render(moment, Language::Japanese, None, PanelSize::UPRIGHT).unwrap();
    let plain = Moment::from(tour::welcome(2));
    assert_eq!(draw(&plain), draw(&plain.clone().naming(vec!["見本 太郎".into()])));
}

#[test]
fn the_fire_is_told_over_the_staff_area() {
    let (screens, _) = screens(false);
    let fire = Screen::Evacuate.into();
    let public = screens.render(&fire, Language::Japanese, None, PanelSize::UPRIGHT).unwrap();
    screens.ui().set_staff(true);
    assert_eq!(screens.draw(PanelSize::UPRIGHT), public);
    screens.show(&Screen::Idle.into());
    let staff = screens.draw(PanelSize::UPRIGHT);
    screens.ui().set_staff(false);
    assert_ne!(screens.draw(PanelSize::UPRIGHT), staff);
}

#[test]
fn bytes_that_are_not_a_picture_of_that_size_are_refused() {
    for (width, height, bytes) in [(2, 2, 11), (2, 2, 13), (0, 5, 0), (u32::MAX, u32::MAX, 12)] {
        let refused = Preview::new(width, height, vec![0; bytes]).unwrap_err();
        assert!(refused.to_string().contains(&format!("{width}x{height}")));
    }
    let face = Preview::new(1, 1, vec![201, 202, 203]).unwrap();
    assert_eq!(format!("{face:?}"), "Preview(1x1)");
}

/// The relative luminance of WCAG 2.2.
fn luminance(colour: Color) -> f64 {
    let linear = |channel: u8| {
        let value = f64::from(channel) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(colour.red()) + 0.7152 * linear(colour.green()) + 0.0722 * linear(colour.blue())
}

#[test]
fn every_pair_of_letters_and_ground_has_a_contrast_of_seven_to_one() {
    let (screens, _) = screens(false);
    let colours = screens.ui().global::<Colours>();
    let pairs = [
        ("ink on ground", colours.get_ink(), colours.get_ground()),
        ("ink on card", colours.get_ink(), colours.get_card()),
        ("soft ink on ground", colours.get_soft_ink(), colours.get_ground()),
        ("soft ink on card", colours.get_soft_ink(), colours.get_card()),
        ("greeting on ground", colours.get_welcome_ink(), colours.get_ground()),
        ("confirmation", colours.get_welcome_ink(), colours.get_welcome_panel()),
        ("button", colours.get_on_action(), colours.get_action()),
        ("pressed button", colours.get_on_action(), colours.get_action_pressed()),
        ("other language", colours.get_action(), colours.get_card()),
        ("other language, pressed", colours.get_action(), colours.get_panel()),
        ("picture", colours.get_panel_ink(), colours.get_panel()),
        ("picture on ground", colours.get_panel_ink(), colours.get_ground()),
        ("closed", colours.get_closed_ink(), colours.get_closed_panel()),
        ("exit", colours.get_exit_ink(), colours.get_exit_panel()),
        ("guide on its edge", colours.get_guide(), colours.get_guide_edge()),
    ];
    for (name, one, other) in pairs {
        let (dark, light) = (luminance(one).min(luminance(other)), luminance(one).max(luminance(other)));
        let contrast = (light + 0.05) / (dark + 0.05);
        assert!(contrast >= 7.0, "{name}: {contrast:.2}");
    }
}

#[test]
fn kanji_of_names_are_drawn_and_not_the_box_for_what_is_missing() {
    let draw = |name: &str| {
        let mut notice = Notice::example();
        notice.operator.japanese = name.into();
        let screens = Headless::new(&Setup { notice, readers: false, vehicle: false }, |_| ()).unwrap();
        screens.draw(PanelSize::UPRIGHT).into_raw()
    };
    // The last is a private character that no font has.
    let drawn: BTreeSet<_> = ["髙", "﨑", "高", "崎", "𠮷", "吉", "\u{f0000}"].map(draw).into();
    assert_eq!(drawn.len(), 7);
}

#[test]
fn the_screens_are_set_in_the_font_that_set_up_makes() {
    let made = include_str!("../../../assets/fonts/subset.py");
    let family = made.split_once("FAMILY = ").unwrap().1.split('"').nth(1).unwrap();
    let screens = include_str!("../../ui/kiosk.slint");
    assert!(screens.contains(&format!("default-font-family: \"{family}\";")), "{family}");
}

#[test]
fn a_headless_panel_saves_what_is_shown_now() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup { notice: Notice::example(), readers: false, vehicle: false };
    let panel = HeadlessPanel::start(setup, Language::English, PanelSize::COUNTER).unwrap();
    let shoot = |name: &str| {
        let file = folder.path().join(name);
        panel.screenshot(&file).unwrap();
        image::open(file).unwrap().into_rgb8()
    };
    let idle = shoot("idle.png");
    assert_eq!(idle.dimensions(), (1024, 600));
    panel.show(tour::welcome(2).into());
    let (screens, _) = screens(false);
    let welcome =
        screens.render(&tour::welcome(2).into(), Language::English, None, PanelSize::COUNTER).unwrap();
    assert_eq!(shoot("welcome.png"), welcome);
    panel.show(Screen::Idle.into());
    panel.preview(Preview::new(2, 1, vec![40; 6]).unwrap());
    assert_ne!(shoot("preview.png"), idle);

    let nowhere = folder.path().join("no such folder").join("idle.png");
    let refused = panel.screenshot(&nowhere).unwrap_err();
    assert!(matches!(refused, UiError::Save { .. }) && refused.to_string().contains("no such folder"));
}

#[test]
fn the_tour_draws_every_screen_in_every_language() {
    let folder = tempfile::tempdir().unwrap();
    let drawn = tour(&folder.path().join("tour")).unwrap();
    for language in Language::ALL {
        for screen in [
            "idle",
            "welcome",
            "hint-too-dark",
            "hint-mask",
            "not-recognised",
            "turn-head-left",
            "out-of-service-camera",
        ] {
            let name = format!("{}-{screen}.png", language.code());
            assert!(drawn.iter().any(|file| file.ends_with(&name)), "{name}");
        }
    }
    assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), drawn.len(), "no file twice");
    assert!(drawn.iter().all(|file| file.is_file()));
}
