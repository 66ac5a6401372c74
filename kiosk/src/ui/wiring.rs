//! The few wires that every kind of screen has: the notice, the language and the two things that can be touched.

use slint::ComponentHandle as _;

use super::generated::{Kiosk, NoticeWords, Tongue};
use super::panel::UiError;
use super::staff_touch;
use super::words::{Language, Notice, Setup, Touch};

/// Sets up a new window: Japanese, the notice, and `on_touch` for what people do.
pub(super) fn wire(
    ui: &Kiosk,
    setup: &Setup,
    on_touch: impl Fn(Touch) + Clone + 'static,
) -> Result<(), UiError> {
    ui.set_readers(setup.readers);
    speak(ui, &setup.notice, Language::Japanese)?;
    let staff = on_touch.clone();
    ui.on_call_staff(move || staff(Touch::CallStaff));
    let cannot_turn = on_touch.clone();
    ui.on_cannot_turn(move || cannot_turn(Touch::CannotTurn));
    let (weak, opened) = (ui.as_weak(), on_touch.clone());
    ui.on_open_staff(move || {
        if let Some(ui) = weak.upgrade() {
            ui.set_staff(true);
            opened(Touch::StaffArea);
        }
    });
    let weak = ui.as_weak();
    ui.on_close_staff(move || {
        if let Some(ui) = weak.upgrade() {
            ui.set_staff(false);
        }
    });
    let desk = on_touch.clone();
    staff_touch::wire(ui, move |touch| desk(Touch::Desk(touch)));
    let (weak, notice) = (ui.as_weak(), setup.notice.clone());
    ui.on_choose(move |tongue| {
        let Some(ui) = weak.upgrade() else { return };
        let language = language(tongue);
        match speak(&ui, &notice, language) {
            Ok(()) => on_touch(Touch::Language(language)),
            Err(error) => tracing::error!(%error, "ui.language"),
        }
    });
    Ok(())
}

/// Shows everything in `language`. Slint keeps one language for all windows of a thread.
pub(super) fn speak(ui: &Kiosk, notice: &Notice, language: Language) -> Result<(), UiError> {
    slint::select_bundled_translation(language.code())
        .map_err(|_| UiError::Language { code: language.code() })?;
    ui.set_tongue(tongue(language));
    ui.set_notice(NoticeWords {
        operator: notice.operator.in_language(language).into(),
        purpose: notice.purpose.in_language(language).into(),
        contact: notice.contact.in_language(language).into(),
    });
    Ok(())
}

fn tongue(language: Language) -> Tongue {
    match language {
        Language::Japanese => Tongue::Japanese,
        Language::English => Tongue::English,
    }
}

fn language(tongue: Tongue) -> Language {
    match tongue {
        Tongue::Japanese => Language::Japanese,
        Tongue::English => Language::English,
    }
}
