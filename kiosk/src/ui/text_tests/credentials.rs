//! What is said of codes and cards that were refused, and of what leads on.

use gate::CredentialRefusal;

use super::*;
use crate::ui::tour::next_factors;

/// Every reason to refuse a code or card.
fn credential_refusals() -> [CredentialRefusal; 21] {
    [
        CredentialRefusal::Replayed,
        CredentialRefusal::Expired,
        CredentialRefusal::NotYetValid,
        CredentialRefusal::OtherSite,
        CredentialRefusal::UnknownIssuer,
        CredentialRefusal::Forged,
        CredentialRefusal::Unreadable,
        CredentialRefusal::Withdrawn,
        CredentialRefusal::ClockInDoubt,
        CredentialRefusal::NeedsShelterOrFace,
        CredentialRefusal::PinWrong { left: 2 },
        CredentialRefusal::PinBlocked,
        CredentialRefusal::OneTryLeft,
        CredentialRefusal::CardWithoutPin,
        CredentialRefusal::Removed,
        CredentialRefusal::TimedOut,
        CredentialRefusal::CardExpired,
        CredentialRefusal::ForeignAuthority,
        CredentialRefusal::DrivingLicence,
        CredentialRefusal::ResidenceCard,
        CredentialRefusal::OtherCard,
    ]
}

#[test]
fn a_refused_code_or_card_says_what_to_do_next_and_betrays_no_reason_to_a_forger() {
    let screens = screens(true);
    slint::select_bundled_translation("ja").unwrap();
    let refused = |why| Moment::from(Screen::Reader(ReaderScreen::Refused(why)));
    let say = |why| said(&screens, Language::Japanese, &refused(why));
    let next = ["係員", "ください", "窓口", "入力できます", "ご案内"];
    for why in credential_refusals() {
        assert!(next.iter().any(|next| say(why).contains(next)), "{why:?}: {}", say(why));
        for harsh in ["拒否", "不可", "エラー", "違反", "偽造", "禁止", "失効"] {
            assert!(!say(why).contains(harsh), "{why:?}: {}", say(why));
        }
    }
    use CredentialRefusal as Why;
    let forged = say(Why::Forged);
    for alike in [Why::OtherSite, Why::UnknownIssuer, Why::Withdrawn, Why::ForeignAuthority] {
        assert_eq!(say(alike), forged, "{alike:?}");
    }
    assert_eq!(say(Why::PinWrong { left: 2 }), "暗証番号がちがいます。あと2回入力できます");
    assert_ne!(say(Why::Replayed), say(Why::Expired));
}

#[test]
fn what_leads_on_is_said_by_name_and_without_readers_the_staff_help() {
    let screens = screens(true);
    slint::select_bundled_translation("ja").unwrap();
    let say = |next| said(&screens, Language::Japanese, &Screen::NextFactor(next).into());
    let expected = [
        "顔をカメラに向けるか、マイナンバーカードの暗証番号を入力してください",
        "顔をカメラに向けるか、QRコードかカードをかざしてください",
        "マイナンバーカードを置いて、暗証番号を入力してください",
        "新しいQRコードをかざしてください",
        "カードをかざしてください",
        "続けて、QRコードかカードをかざしてください",
    ];
    assert_eq!(next_factors().map(say), expected);
    screens.ui().global::<Setting>().set_readers(false);
    assert!(next_factors().map(say).iter().all(|said| said.contains("係員")));
}
