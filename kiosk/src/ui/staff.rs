//! The staff screens: from what the desk means to what they take, and back from what is touched.

use std::{rc::Rc, sync::Arc};

use card::TypedError;
use gate::{Assurance, QualityIssue, Way, Words};
use slint::{ComponentHandle as _, ModelRc, SharedString, VecModel};

use super::generated::{
    CardNews, CardPart, Kiosk, Setting, Staff, StaffField, StaffForm, StaffHint, StaffNote, StaffPage,
    StaffRow, StaffWhy, Tongue,
};
use super::staff_text::{clock_text, date_text, typed_code, typed_date};
use crate::desk::{
    self, CodeNews, ConsentLanguage, Failure, Field, Flaw, FormView, Hint, Layout, Note, PageView, Part,
    PassKind, Role, View, Why,
};

/// Shows `view`. Whatever a page does not use keeps its first value, so that no name of an earlier page stays in memory.
pub(super) fn show(ui: &Kiosk, view: &View) {
    let tongue = tongue(view);
    if ui.global::<Setting>().get_tongue() != tongue {
        ui.invoke_choose(tongue);
    }
    let staff = ui.global::<Staff>();
    clear(&staff);
    staff.set_who(view.who.as_deref().unwrap_or_default().into());
    staff.set_busy(view.busy);
    let (note, number) = note(view.note);
    staff.set_note(note);
    staff.set_note_number(number);
    staff.set_english(view.english);
    fill(&staff, &view.page, view.english);
    staff.set_page(page(&view.page));
    ui.set_staff(!matches!(view.page, PageView::Closed));
}

/// What staff read is in their language, what the public reads in theirs.
fn tongue(view: &View) -> Tongue {
    match (view.page.spoken(), view.english) {
        (Some(ConsentLanguage::Japanese), _) | (None, false) => Tongue::Japanese,
        (Some(ConsentLanguage::Easy), _) => Tongue::Easy,
        (Some(ConsentLanguage::English), _) | (None, true) => Tongue::English,
    }
}

fn clear(staff: &Staff) {
    staff.set_rows(ModelRc::default());
    staff.set_letters(ModelRc::default());
    staff.set_text(SharedString::default());
    staff.set_version(SharedString::default());
    staff.set_form(StaffForm::default());
    staff.set_chosen(-1);
    staff.set_hidden_digits(0);
    staff.set_stale(false);
    staff.set_for_public(false);
    staff.set_reading(false);
    staff.set_again(false);
    staff.set_card_news(CardNews::None);
    for set in [Staff::set_total, Staff::set_yen, Staff::set_by_face, Staff::set_by_card, Staff::set_by_staff]
    {
        set(staff, 0);
    }
}

fn fill(staff: &Staff, page: &PageView, english: bool) {
    if let Some(language) = page.spoken() {
        staff.set_for_public(true);
        staff.set_language(language as i32);
    }
    match page {
        PageView::Closed | PageView::Kind | PageView::Captured | PageView::Discard | PageView::Door => {}
        PageView::Menu { role } => staff.set_supervisor(*role == Role::Supervisor),
        PageView::SignIn { staff: names, chosen, digits } => {
            staff.set_rows(rows(names.iter().map(|name| titled(name))));
            staff.set_chosen(chosen.map_or(-1, number));
            staff.set_hidden_digits(number(*digits));
        }
        PageView::Consent { words, version, language, read, guardian } => {
            staff.set_text(match language {
                ConsentLanguage::Japanese => (&*words.japanese).into(),
                ConsentLanguage::Easy => (&*words.easy).into(),
                ConsentLanguage::English => (&*words.english).into(),
            });
            staff.set_version((&**version).into());
            staff.set_language(*language as i32);
            staff.set_read(*read);
            staff.set_guardian(*guardian);
        }
        PageView::Form(form) => staff.set_form(form_of(form, english)),
        PageView::Typing { text, layout, for_form } => {
            staff.set_text(text.as_str().into());
            staff.set_layout(layout_number(*layout));
            let letters = desk::letters(*layout).into_iter().map(|letter| letter.to_string().into());
            staff.set_letters(ModelRc::new(VecModel::from_iter(letters)));
            staff.set_for_form(*for_form);
        }
        PageView::Digits { field, digits } => {
            staff.set_field(field_of(*field));
            staff.set_text(match field {
                Field::Born | Field::PassUntil => typed_date(digits).into(),
                Field::Coupons | Field::Name => digits.as_str().into(),
            });
        }
        PageView::CardCode { part, digits, news, .. } => {
            staff.set_card_part(part_of(*part));
            staff.set_text(typed_code(digits).as_str().into());
            let (news, tries) = code_news(*news);
            staff.set_card_news(news);
            staff.set_card_tries(tries);
        }
        PageView::CardLay { reading, news, .. } => {
            staff.set_reading(*reading);
            staff.set_card_news(news.map_or(CardNews::None, card_news));
        }
        PageView::CardMatched { born, issuer } => {
            staff.set_text(born.map(|born| date_text(born, english)).unwrap_or_default().into());
            staff.set_issuer_known(*issuer != card::Issuer::Unknown);
        }
        PageView::CardEnded { news, again, .. } => {
            staff.set_card_news(card_news(*news));
            staff.set_again(*again);
        }
        PageView::Capture { frames, hint } | PageView::CardLook { frames, hint, .. } => {
            staff.set_frames(number(*frames));
            staff.set_hint(hint_of(*hint));
        }
        PageView::Review { household, members, representative, names_agreed } => {
            let row = |member: &desk::MemberLine| StaffRow {
                faceless: !member.face,
                protected: member.protected,
                ..titled(&member.name)
            };
            staff.set_rows(rows(members.iter().map(row)));
            staff.set_household(*household);
            staff.set_chosen(number(*representative));
            staff.set_names_agreed(*names_agreed);
        }
        PageView::Alike(alike) => {
            let row = |pair: &desk::Alike| StaffRow {
                detail: pair.other.as_deref().unwrap_or_default().into(),
                ..titled(&pair.new)
            };
            staff.set_rows(rows(alike.iter().map(row)));
        }
        PageView::Manual { fees, counts, open_door } => manual(staff, fees, counts, *open_door, english),
        PageView::Counts(counts) => counts_of(staff, counts, english),
        PageView::Refusals(refusals) => {
            let row = |it: &desk::Refused| StaffRow {
                detail: clock_text(it.at).into(),
                why: why(it.why),
                ..titled(it.name.as_deref().unwrap_or_default())
            };
            staff.set_rows(rows(refusals.iter().map(row)));
        }
        PageView::Inside(inside) => {
            let row = |name: &Option<Arc<str>>| titled(name.as_deref().unwrap_or_default());
            staff.set_rows(rows(inside.people.iter().map(row)));
            staff.set_total(number(inside.people.len()));
            staff.set_by_staff(whole(inside.by_hand));
        }
        PageView::People(found) => staff.set_rows(rows(found.iter().map(|it| found_row(it, english)))),
        PageView::Person { found, may_erase } => {
            staff.set_rows(rows([found_row(found, english)]));
            staff.set_active(found.active());
            staff.set_may_erase(*may_erase);
            staff.set_stale(found.stale);
        }
        PageView::Revoke { name } => staff.set_text((&**name).into()),
        PageView::Erase { name, held } => {
            staff.set_text((&**name).into());
            staff.set_held(*held);
        }
    }
}

fn manual(staff: &Staff, fees: &desk::Fees, counts: &[u32], open_door: bool, english: bool) {
    let classes = fees.classes.iter().zip(counts);
    staff.set_total(whole(counts.iter().sum()));
    staff.set_yen(whole(classes.clone().fold(0, |sum: u32, (fee, many)| sum.saturating_add(fee.yen * many))));
    let row = |(fee, many): (&desk::Fee, &u32)| StaffRow {
        number: whole(*many),
        ..titled(in_language(&fee.words, english))
    };
    staff.set_rows(rows(classes.map(row)));
    staff.set_door(fees.door);
    staff.set_with_door(open_door);
}

fn counts_of(staff: &Staff, counts: &desk::Counts, english: bool) {
    let by = |wanted: fn(Way) -> bool| {
        whole(counts.by_way.iter().filter(|(way, _)| wanted(*way)).map(|(_, many)| many).sum())
    };
    staff.set_total(whole(counts.total));
    staff.set_by_face(by(|way| way == Way::Face));
    staff.set_by_card(by(|way| matches!(way, Way::Claim(_))));
    staff.set_by_staff(by(|way| way == Way::Staff));
    let row = |(words, many): &(Option<Words>, u32)| StaffRow {
        number: whole(*many),
        ..titled(words.as_ref().map_or("", |words| in_language(words, english)))
    };
    staff.set_rows(rows(counts.by_fee.iter().map(row)));
}

fn found_row(found: &desk::Found, english: bool) -> StaffRow {
    StaffRow {
        detail: found.born.map(|born| date_text(born, english)).unwrap_or_default().into(),
        faceless: !found.face,
        protected: found.protected,
        marked: !found.active(),
        ..titled(&found.name)
    }
}

fn form_of(form: &FormView, english: bool) -> StaffForm {
    let day =
        |digits: &str| desk::date(digits).map_or_else(|| digits.to_owned(), |day| date_text(day, english));
    StaffForm {
        number: number(form.number),
        name: form.name.as_str().into(),
        born: day(&form.born).into(),
        lives_here: match form.lives_here {
            Some(true) => 0,
            Some(false) => 1,
            None => 2,
        },
        assurance: match form.assurance {
            Assurance::SelfDeclared => 0,
            Assurance::PhotoMatched => 1,
            Assurance::JpkiVerified => 2,
        },
        card: form.card,
        pass: match form.pass {
            PassKind::Without => 0,
            PassKind::Pass => 1,
            PassKind::Coupons => 2,
        },
        pass_value: match form.pass {
            PassKind::Without => String::new(),
            PassKind::Pass => typed_date(&form.pass_until),
            PassKind::Coupons => form.coupons.clone(),
        }
        .into(),
        protected: form.protected,
    }
}

fn in_language(words: &Words, english: bool) -> &str {
    if english { &words.english } else { &words.japanese }
}

fn titled(title: &str) -> StaffRow {
    StaffRow { title: title.into(), ..StaffRow::default() }
}

fn rows(rows: impl IntoIterator<Item = StaffRow>) -> ModelRc<StaffRow> {
    ModelRc::from(Rc::new(VecModel::from_iter(rows)))
}

fn number(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn whole(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn layout_number(layout: Layout) -> i32 {
    match layout {
        Layout::Hiragana => 0,
        Layout::Katakana => 1,
        Layout::Capitals => 2,
        Layout::Small => 3,
    }
}

fn page(page: &PageView) -> StaffPage {
    match page {
        PageView::Closed => StaffPage::Closed,
        PageView::SignIn { .. } => StaffPage::SignIn,
        PageView::Menu { .. } => StaffPage::Menu,
        PageView::Kind => StaffPage::Kind,
        PageView::Consent { .. } => StaffPage::Consent,
        PageView::Form(_) => StaffPage::Form,
        PageView::Typing { .. } => StaffPage::Typing,
        PageView::Digits { .. } => StaffPage::Digits,
        PageView::CardCode { .. } => StaffPage::CardCode,
        PageView::CardLay { .. } => StaffPage::CardLay,
        PageView::CardLook { .. } => StaffPage::CardLook,
        PageView::CardMatched { .. } => StaffPage::CardMatched,
        PageView::CardEnded { .. } => StaffPage::CardEnded,
        PageView::Capture { .. } => StaffPage::Capture,
        PageView::Captured => StaffPage::Captured,
        PageView::Review { .. } => StaffPage::Review,
        PageView::Discard => StaffPage::Discard,
        PageView::Alike(_) => StaffPage::Alike,
        PageView::Manual { .. } => StaffPage::Manual,
        PageView::Counts(_) => StaffPage::Counts,
        PageView::Refusals(_) => StaffPage::Refusals,
        PageView::Inside(_) => StaffPage::Inside,
        PageView::People(_) => StaffPage::People,
        PageView::Person { .. } => StaffPage::Person,
        PageView::Revoke { .. } => StaffPage::Revoke,
        PageView::Erase { .. } => StaffPage::Erase,
        PageView::Door => StaffPage::Door,
    }
}

fn note(note: Option<Note>) -> (StaffNote, i32) {
    let Some(note) = note else { return (StaffNote::None, 0) };
    match note {
        Note::Enrolled(people) => (StaffNote::Enrolled, number(people)),
        Note::Entered(people) => (StaffNote::Entered, number(people)),
        Note::PassMissing => (StaffNote::PassMissing, 0),
        Note::DoorTold => (StaffNote::DoorTold, 0),
        Note::Revoked => (StaffNote::Revoked, 0),
        Note::Erased => (StaffNote::Erased, 0),
        Note::OtherFace => (StaffNote::OtherFace, 0),
        Note::Failed(Failure::LockedOut(wait)) => {
            let minutes = wait.as_secs().div_ceil(60).max(1);
            (StaffNote::LockedOut, i32::try_from(minutes).unwrap_or(i32::MAX))
        }
        Note::Failed(failure) => (failure_of(failure), 0),
        Note::Flaw(flaw) => (flaw_of(flaw), 0),
    }
}

fn failure_of(failure: Failure) -> StaffNote {
    match failure {
        Failure::WrongPin => StaffNote::WrongPin,
        Failure::LockedOut(_) => StaffNote::LockedOut,
        Failure::UnknownCard => StaffNote::UnknownCard,
        Failure::NotAllowed => StaffNote::NotAllowed,
        Failure::NoConsentText => StaffNote::NoConsentText,
        Failure::ConsentChanged => StaffNote::ConsentChanged,
        Failure::MatchesRevoked => StaffNote::MatchesRevoked,
        Failure::RevokedBefore => StaffNote::RevokedBefore,
        Failure::NotThere => StaffNote::NotThere,
        Failure::NotStored => StaffNote::NotStored,
        Failure::NoAnswer => StaffNote::NoAnswer,
    }
}

fn flaw_of(flaw: Flaw) -> StaffNote {
    match flaw {
        Flaw::NoName => StaffNote::NoName,
        Flaw::Born => StaffNote::Born,
        Flaw::PassUntil => StaffNote::PassUntil,
        Flaw::Coupons => StaffNote::Coupons,
        Flaw::IndividualNumber => StaffNote::IndividualNumber,
    }
}

fn part_of(part: Part) -> CardPart {
    match part {
        Part::Birth => CardPart::Birth,
        Part::Expiry => CardPart::Expiry,
        Part::Security => CardPart::Security,
    }
}

/// What is wrong with a code, and the tries that the card has left; below 0 where it did not tell.
fn code_news(news: Option<CodeNews>) -> (CardNews, i32) {
    match news {
        None => (CardNews::None, -1),
        Some(CodeNews::Wrong(tries)) => (CardNews::Wrong, tries.map_or(-1, i32::from)),
        Some(CodeNews::Typed(TypedError::IndividualNumber)) => (CardNews::IndividualNumber, -1),
        Some(CodeNews::Typed(TypedError::NotSoManyDigits(_))) => (CardNews::NotSoManyDigits, -1),
        Some(CodeNews::Typed(TypedError::NoSuchDay)) => (CardNews::NoSuchDay, -1),
        Some(CodeNews::Typed(TypedError::NoSuchYear)) => (CardNews::NoSuchYear, -1),
    }
}

fn card_news(news: desk::CardNews) -> CardNews {
    match news {
        desk::CardNews::Removed => CardNews::Removed,
        desk::CardNews::NotRead => CardNews::NotRead,
        desk::CardNews::NoReader => CardNews::NoReader,
        desk::CardNews::OtherCard => CardNews::OtherCard,
        desk::CardNews::LastTry => CardNews::LastTry,
        desk::CardNews::Blocked => CardNews::Blocked,
        desk::CardNews::Expired => CardNews::Expired,
        desk::CardNews::Clock => CardNews::Clock,
        desk::CardNews::NoPhoto => CardNews::NoPhoto,
        desk::CardNews::PhotoNotUsable => CardNews::PhotoNotUsable,
        desk::CardNews::NotGenuine => CardNews::NotGenuine,
        desk::CardNews::NotAlike => CardNews::NotAlike,
    }
}

fn field_of(field: Field) -> StaffField {
    match field {
        Field::Name => StaffField::Name,
        Field::Born => StaffField::Born,
        Field::PassUntil => StaffField::PassUntil,
        Field::Coupons => StaffField::Coupons,
    }
}

fn hint_of(hint: Hint) -> StaffHint {
    match hint {
        Hint::Nobody => StaffHint::Nobody,
        Hint::Bystander => StaffHint::Bystander,
        Hint::NotLiving => StaffHint::NotLiving,
        Hint::HoldStill => StaffHint::HoldStill,
        Hint::Quality(QualityIssue::TooFar) => StaffHint::TooFar,
        Hint::Quality(QualityIssue::OutOfFrame) => StaffHint::OutOfFrame,
        Hint::Quality(QualityIssue::NotFrontal) => StaffHint::NotFrontal,
        Hint::Quality(QualityIssue::TooDark) => StaffHint::TooDark,
        Hint::Quality(QualityIssue::TooBright) => StaffHint::TooBright,
        Hint::Quality(QualityIssue::Blurred) => StaffHint::Blurred,
    }
}

fn why(why: Why) -> StaffWhy {
    match why {
        Why::NotRecognised => StaffWhy::NotRecognised,
        Why::AnotherProof => StaffWhy::AnotherProof,
        Why::Revoked => StaffWhy::Revoked,
        Why::NotLiving => StaffWhy::NotLiving,
        Why::NoClearPicture => StaffWhy::NoClearPicture,
        Why::Left => StaffWhy::Left,
        Why::Interrupted => StaffWhy::Interrupted,
        Why::Card => StaffWhy::Card,
        Why::NotToday => StaffWhy::NotToday,
    }
}
