//! The wires that every kind of screen has: the notice, the language, how easy Japanese is set, and what can be touched.

use slint::{ComponentHandle as _, Model as _};

use super::generated::{self, Kiosk, NoticeWords, Ruby, Setting, Tongue};
use super::moment::Moment;
use super::panel::UiError;
use super::words::{Language, Notice, Presence, Setup, Touch};
use super::{models, pin, ruby, shown, staff_touch};

/// Sets up a new window: Japanese, the notice, and `on_touch` for what people do.
pub(super) fn wire(
    ui: &Kiosk,
    setup: &Setup,
    on_touch: impl Fn(Touch) + Clone + 'static,
) -> Result<(), UiError> {
    let place = ui.global::<Setting>();
    place.set_readers(setup.readers);
    place.set_vehicle(setup.vehicle);
    let marks = ui.global::<Ruby>();
    marks.on_lines(|text, letters| models::of(ruby::lines(&text, letters)));
    marks.on_plain(|text| ruby::plain(&text).into());
    speak(ui, &setup.notice, Language::Japanese)?;
    wire_touch(ui, on_touch.clone());
    pin::wire(ui, on_touch.clone());
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

/// Shows a moment.
pub(super) fn show(ui: &Kiosk, moment: &Moment) {
    let showing = shown::showing(moment);
    pin::follow(ui, &showing);
    ui.set_showing(showing);
}

fn wire_touch(ui: &Kiosk, on_touch: impl Fn(Touch) + Clone + 'static) {
    let touched = on_touch.clone();
    ui.on_call_staff(move || touched(Touch::CallStaff));
    let touched = on_touch.clone();
    ui.on_cannot_turn(move || touched(Touch::CannotTurn));
    let touched = on_touch.clone();
    ui.on_household_done(move || touched(Touch::HouseholdDone));
    let (weak, touched) = (ui.as_weak(), on_touch.clone());
    ui.on_answer(move |place, answer| {
        let presence = presence(answer);
        let known = weak.upgrade().map(|ui| ui.get_showing().members).zip(usize::try_from(place).ok());
        if let (Some((members, place)), Some(presence)) = (known, presence)
            && let Some(member) = members.row_data(place)
        {
            members.set_row_data(place, generated::Member { presence: answer, ..member });
            touched(Touch::Member { place, presence });
        }
    });
    let weak = ui.as_weak();
    ui.on_open_staff(move || {
        if let Some(ui) = weak.upgrade() {
            ui.set_staff(true);
            on_touch(Touch::StaffArea);
        }
    });
    let weak = ui.as_weak();
    ui.on_close_staff(move || {
        if let Some(ui) = weak.upgrade() {
            ui.set_staff(false);
        }
    });
}

/// Shows everything in `language`. Slint keeps one language for all windows of a thread.
pub(super) fn speak(ui: &Kiosk, notice: &Notice, language: Language) -> Result<(), UiError> {
    slint::select_bundled_translation(language.code())
        .map_err(|_| UiError::Language { code: language.code() })?;
    ui.global::<Setting>().set_tongue(tongue(language));
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
        Language::EasyJapanese => Tongue::Easy,
        Language::English => Tongue::English,
    }
}

fn language(tongue: Tongue) -> Language {
    match tongue {
        Tongue::Japanese => Language::Japanese,
        Tongue::Easy => Language::EasyJapanese,
        Tongue::English => Language::English,
    }
}

fn presence(answer: generated::Presence) -> Option<Presence> {
    match answer {
        generated::Presence::Open => None,
        generated::Presence::Here => Some(Presence::Here),
        generated::Presence::Later => Some(Presence::Later),
        generated::Presence::Unsure => Some(Presence::Unsure),
    }
}
