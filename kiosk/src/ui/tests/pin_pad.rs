//! The pad for a card's PIN, typed by touches of the screen.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use gate::{Factor, FactorSet, ReaderScreen, Screen};
use slint::{ComponentHandle as _, Model as _};

use super::super::generated::PinKeys;
use super::super::*;
use super::{Headless, Heard, screens};

/// Keys of the pad on the upright panel: one with a digit, the last one, and the one to stop.
const DIGIT: (f32, f32) = (148.0, 496.0);
const DONE: (f32, f32) = (652.0, 934.0);
const STOP: (f32, f32) = (400.0, 1062.0);

fn pad(language: Language) -> (Headless, Heard) {
    let (screens, heard) = screens(true);
    screens.render(&pin_screen(), language, None, PanelSize::UPRIGHT).unwrap();
    (screens, heard)
}

fn pin_screen() -> Moment {
    Screen::Reader(ReaderScreen::Pin).into()
}

fn press(screens: &Headless, (x, y): (f32, f32)) {
    screens.touch(x, y);
    screens.draw(PanelSize::UPRIGHT);
}

#[test]
fn a_pin_is_told_once_when_all_its_digits_are_typed_and_nothing_of_it_is_printed() {
    for language in Language::ALL {
        let (screens, heard) = pad(language);
        for _ in 0..3 {
            press(&screens, DIGIT);
        }
        press(&screens, DONE);
        assert!(heard.borrow().is_empty(), "three digits are no PIN");
        press(&screens, DIGIT);
        press(&screens, DONE);
        press(&screens, DONE);
        let told = heard.take();
        assert!(
            matches!(told.as_slice(), [Touch::Pin(typed)] if typed.pin().is_some()),
            "{language:?} {told:?}"
        );
        assert_eq!(format!("{told:?}"), "[Pin(PinTyped(..))]");
        press(&screens, STOP);
        assert_eq!(heard.take(), [Touch::CancelCard], "{language:?}");
    }
}

#[test]
fn the_pad_is_laid_anew_and_empty_each_time_it_is_shown() {
    let (screens, _) = pad(Language::Japanese);
    let labels = || screens.ui().global::<PinKeys>().get_labels().iter().collect::<Vec<_>>();
    let mut seen = BTreeSet::new();
    for _ in 0..8 {
        press(&screens, DIGIT);
        assert_eq!(screens.ui().global::<PinKeys>().get_typed(), 1);
        screens.show(&Screen::Idle.into());
        screens.show(&pin_screen());
        assert_eq!(screens.ui().global::<PinKeys>().get_typed(), 0);
        seen.insert(labels());
    }
    assert!(seen.len() > 4, "{} layouts", seen.len());
}

#[test]
fn where_the_face_would_do_as_well_the_pin_is_asked_for_with_a_button() {
    let next = Screen::NextFactor(FactorSet::of(&[Factor::Face, Factor::CardPin]));
    for language in Language::ALL {
        let (screens, heard) = screens(true);
        screens.render(&next.clone().into(), language, None, PanelSize::UPRIGHT).unwrap();
        for y in 0..28 {
            screens.touch(400.0, 780.0 + 10.0 * y as f32);
        }
        assert!(heard.borrow().contains(&Touch::PinWanted), "{language:?}");
    }
}
