//! What is touched on the staff screens, as the desk understands it.

use gate::Assurance;
use slint::ComponentHandle as _;
use zeroize::Zeroizing;

use super::generated::{Kiosk, Staff, StaffAct};
use crate::desk::{
    ConsentLanguage, Destination, EnrolTouch, Extra, Field, Layout, ManualTouch, PadTouch, PassKind,
    PeopleTouch, TextTouch, Touch,
};

/// Tells `on_touch` what is touched in the staff area.
pub(super) fn wire(ui: &Kiosk, on_touch: impl Fn(Touch) + Clone + 'static) {
    let typed = on_touch.clone();
    let staff = ui.global::<Staff>();
    staff.on_typed(move |text| {
        typed(Touch::Text(TextTouch::Typed(Zeroizing::new(text.as_str().to_owned()))));
    });
    staff.on_act(move |act, number| {
        if let Some(touch) = usize::try_from(number).ok().and_then(|number| touch(act, number)) {
            on_touch(touch);
        }
    });
}

/// None for a number that no page sends.
fn touch(act: StaffAct, at: usize) -> Option<Touch> {
    Some(match act {
        StaffAct::SignOut => Touch::SignOut,
        StaffAct::Back => Touch::Back,
        StaffAct::Tongue => Touch::Tongue,
        StaffAct::Name => Touch::Name(at),
        StaffAct::Digit => Touch::Pad(PadTouch::Digit(u8::try_from(at).ok().filter(|digit| *digit <= 9)?)),
        StaffAct::Delete => Touch::Pad(PadTouch::Delete),
        StaffAct::Enter => Touch::Pad(PadTouch::Enter),
        StaffAct::Letter => Touch::Text(TextTouch::Letter(at)),
        StaffAct::Extra => Touch::Text(TextTouch::Extra(*EXTRAS.get(at)?)),
        StaffAct::Layout => Touch::Text(TextTouch::Layout(*LAYOUTS.get(at)?)),
        StaffAct::Done => Touch::Text(TextTouch::Done),
        StaffAct::Menu => Touch::Menu(*MENU.get(at)?),
        StaffAct::More => Touch::Manual(ManualTouch::More(at)),
        StaffAct::Less => Touch::Manual(ManualTouch::Less(at)),
        StaffAct::WithDoor => Touch::Manual(ManualTouch::Door),
        StaffAct::LetIn => Touch::Manual(ManualTouch::Enter),
        StaffAct::Choose => Touch::People(PeopleTouch::Choose(at)),
        StaffAct::Revoke => Touch::People(PeopleTouch::Revoke),
        StaffAct::ConfirmRevoke => Touch::People(PeopleTouch::ConfirmRevoke),
        StaffAct::Erase => Touch::People(PeopleTouch::Erase),
        StaffAct::HoldBegins => Touch::People(PeopleTouch::HoldBegins),
        StaffAct::HoldEnds => Touch::People(PeopleTouch::HoldEnds),
        StaffAct::OpenDoor => Touch::OpenDoor,
        StaffAct::One => Touch::Enrol(EnrolTouch::One),
        StaffAct::Household => Touch::Enrol(EnrolTouch::Household),
        StaffAct::Language => Touch::Enrol(EnrolTouch::Language(*LANGUAGES.get(at)?)),
        StaffAct::ReachedEnd => Touch::Enrol(EnrolTouch::ReachedEnd),
        StaffAct::Guardian => Touch::Enrol(EnrolTouch::Guardian),
        StaffAct::Agree => Touch::Enrol(EnrolTouch::Agree),
        StaffAct::Edit => Touch::Enrol(EnrolTouch::Edit(*FIELDS.get(at)?)),
        StaffAct::LivesHere => Touch::Enrol(EnrolTouch::LivesHere(*[Some(true), Some(false), None].get(at)?)),
        StaffAct::Assurance => Touch::Enrol(EnrolTouch::Assurance(*ASSURANCES.get(at)?)),
        StaffAct::Pass => Touch::Enrol(EnrolTouch::Pass(*PASSES.get(at)?)),
        StaffAct::Protected => Touch::Enrol(EnrolTouch::Protected),
        StaffAct::ToCamera => Touch::Enrol(EnrolTouch::ToCamera),
        StaffAct::CheckCard => Touch::Enrol(EnrolTouch::CheckCard),
        StaffAct::ReadCard => Touch::Enrol(EnrolTouch::ReadCard),
        StaffAct::CardAgain => Touch::Enrol(EnrolTouch::CardAgain),
        StaffAct::CardKeep => Touch::Enrol(EnrolTouch::CardKeep),
        StaffAct::WithoutFace => Touch::Enrol(EnrolTouch::WithoutFace),
        StaffAct::Retake => Touch::Enrol(EnrolTouch::Retake),
        StaffAct::Keep => Touch::Enrol(EnrolTouch::Keep),
        StaffAct::AddMember => Touch::Enrol(EnrolTouch::AddMember),
        StaffAct::Remove => Touch::Enrol(EnrolTouch::Remove(at)),
        StaffAct::Representative => Touch::Enrol(EnrolTouch::Representative(at)),
        StaffAct::NamesAgreed => Touch::Enrol(EnrolTouch::NamesAgreed),
        StaffAct::Save => Touch::Enrol(EnrolTouch::Save),
        StaffAct::Stop => Touch::Enrol(EnrolTouch::Stop),
        StaffAct::GoOn => Touch::Enrol(EnrolTouch::GoOn),
    })
}

// Each in the order of the keys and buttons on its page.
const EXTRAS: [Extra; 6] =
    [Extra::Voiced, Extra::HalfVoiced, Extra::Smaller, Extra::Long, Extra::Space, Extra::Delete];
const LAYOUTS: [Layout; 4] = [Layout::Hiragana, Layout::Katakana, Layout::Capitals, Layout::Small];
const MENU: [Destination; 7] = [
    Destination::Enrol,
    Destination::Manual,
    Destination::Counts,
    Destination::Refusals,
    Destination::Inside,
    Destination::People,
    Destination::Door,
];
const LANGUAGES: [ConsentLanguage; 3] =
    [ConsentLanguage::Japanese, ConsentLanguage::Easy, ConsentLanguage::English];
const FIELDS: [Field; 2] = [Field::Name, Field::Born];
const ASSURANCES: [Assurance; 2] = [Assurance::SelfDeclared, Assurance::PhotoMatched];
const PASSES: [PassKind; 3] = [PassKind::Without, PassKind::Pass, PassKind::Coupons];
