//! The screens: what the person at the door sees, in words and pictures.
//!
//! `gate` says what is shown as a [`gate::Screen`]; with the names that may be shown it becomes a [`Moment`], and here it gets
//! its words (kiosk/lang), its picture and its place on a panel (kiosk/ui). This is the only place with Slint types. A [`Panel`] is a screen to the rest of the program: a
//! window on a display ([`Window`] and its [`window::ScreenHandle`]) or, where there is none, a [`HeadlessPanel`] that draws on
//! request. [`tour()`] draws every screen in every language.

mod dates;
mod headless;
mod headless_panel;
mod models;
mod moment;
mod panel;
mod pin;
mod ruby;
mod shown;
mod staff;
#[cfg(test)]
mod staff_tests;
mod staff_text;
mod staff_touch;
mod staff_tour;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod text_tests;
mod tour;
mod window;
mod wiring;
mod words;

/// What the Slint compiler wrote from kiosk/ui.
mod generated {
    // Written by a program: our lints do not apply to it.
    #![allow(missing_docs, unreachable_pub, unused_qualifications, unsafe_code, clippy::all)]
    #![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, clippy::todo, clippy::dbg_macro)]
    slint::include_modules!();
}

pub(crate) use headless::PanelSize;
pub(crate) use headless_panel::HeadlessPanel;
pub(crate) use moment::Moment;
pub(crate) use panel::{Panel, Preview, UiError};
#[cfg(test)]
pub(crate) use tour::every_moment;
pub(crate) use tour::tour;
pub(crate) use window::Window;
pub(crate) use words::{Bilingual, Language, Notice, Setup, Touch};
