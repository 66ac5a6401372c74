//! Every page of the staff area in both languages, as pictures to be looked at.

use std::path::{Path, PathBuf};
use std::time::Duration;

use card::{Issuer, TypedError};
use gate::{Assurance, Date, FeeClassId, PersonId, QualityIssue, Standing, Way, Words};
use zeroize::Zeroizing;

use super::headless::{Headless, PanelSize};
use super::panel::{UiError, save};
use super::shown;
use super::tour::evening_light;
use super::words::{Notice, Setup};
use crate::desk::{
    Alike, CardNews, CodeNews, ConsentLanguage, Counts, Failure, Fee, Fees, Field, Flaw, FormView, Found,
    Hint, InsideNow, Layout, MemberLine, Note, PageView, Part, PassKind, Refused, Role, View, Why,
};

/// Draws every page into `out/staff`: `ja-menu.png` on the kiosk panel, `-1280x800` and `-1024x600` on the wide ones.
///
/// # Errors
/// The folder cannot be made or a file in it cannot be written.
pub(super) fn draw(out: &Path, drawn: &mut Vec<PathBuf>) -> Result<(), UiError> {
    let out = out.join("staff");
    std::fs::create_dir_all(&out).map_err(|source| UiError::Folder { path: out.clone(), source })?;
    let setup = Setup { notice: Notice::example(), readers: false, vehicle: false };
    let screens = Headless::new(&setup, |_| ())?;
    screens.ui().set_preview(shown::mirrored(&evening_light()));
    for (code, english) in [("ja", false), ("en", true)] {
        for (name, view) in every_page() {
            if english && view.page.spoken().is_some() {
                continue;
            }
            for size in [PanelSize::UPRIGHT, PanelSize::WIDE, PanelSize::COUNTER] {
                screens.desk(&View { english, ..view.clone() });
                let suffix = match size {
                    PanelSize::UPRIGHT => String::new(),
                    size => format!("-{}x{}", size.width, size.height),
                };
                let file = out.join(format!("{code}-{name}{suffix}.png"));
                save(&screens.draw(size), &file)?;
                drawn.push(file);
            }
        }
    }
    screens.desk(&View::default());
    Ok(())
}

/// Every page there is, with what it looks like in an ordinary hour, and the lines at the bottom.
pub(super) fn every_page() -> Vec<(&'static str, View)> {
    let mut pages = vec![
        ("sign-in", before(sign_in(None, 0), None)),
        ("sign-in-pin", before(sign_in(Some(1), 3), None)),
        ("sign-in-locked", before(sign_in(Some(1), 0), Some(Note::Failed(locked())))),
        ("sign-in-nobody", before(PageView::SignIn { staff: Vec::new(), chosen: None, digits: 0 }, None)),
    ];
    let signed_in = [
        ("menu", PageView::Menu { role: Role::Supervisor }),
        ("kind", PageView::Kind),
        ("consent", consent(ConsentLanguage::Japanese, false)),
        ("consent-read", consent(ConsentLanguage::English, true)),
        ("form", PageView::Form(form())),
        ("form-card", PageView::Form(FormView { card: true, ..form() })),
        ("form-empty", PageView::Form(FormView { number: 0, ..empty_form() })),
        ("typing", typing("やまだ　はな", Layout::Hiragana)),
        ("typing-katakana", typing("", Layout::Katakana)),
        ("typing-latin", typing("Ann Smith", Layout::Capitals)),
        ("digits", PageView::Digits { field: Field::Born, digits: Zeroizing::new("201904".into()) }),
        ("digits-coupons", PageView::Digits { field: Field::Coupons, digits: Zeroizing::new("10".into()) }),
        ("capture", PageView::Capture { frames: 0, hint: Hint::Quality(QualityIssue::TooFar) }),
        ("capture-hold", PageView::Capture { frames: 2, hint: Hint::HoldStill }),
        ("capture-bystander", PageView::Capture { frames: 0, hint: Hint::Bystander }),
        ("captured", PageView::Captured),
        ("review", review(true)),
        ("review-one", review(false)),
        ("discard", PageView::Discard),
        ("alike", PageView::Alike(alike())),
        ("manual", manual(true)),
        ("manual-counter", manual(false)),
        ("counts", PageView::Counts(counts())),
        ("refusals", PageView::Refusals(refusals())),
        ("inside", PageView::Inside(inside())),
        (
            "people",
            PageView::People(vec![found(), Found { face: false, standing: Standing::Revoked, ..found() }]),
        ),
        ("people-nobody", PageView::People(Vec::new())),
        ("person", PageView::Person { found: Found { stale: true, ..found() }, may_erase: true }),
        ("revoke", PageView::Revoke { name: found().name }),
        ("erase", PageView::Erase { name: found().name, held: false }),
        ("door", PageView::Door),
    ];
    pages.extend(signed_in.map(|(name, page)| (name, View { page, ..open() })));
    pages.extend(card_pages().into_iter().map(|(name, page)| (name, View { page, ..open() })));
    pages.extend(every_note().map(|(name, note)| (name, noted(note))));
    pages
}

fn open() -> View {
    View { who: Some("佐藤　美咲".into()), ..View::default() }
}

fn before(page: PageView, note: Option<Note>) -> View {
    View { page, note, ..View::default() }
}

fn noted(note: Note) -> View {
    View { page: PageView::Menu { role: Role::Reception }, note: Some(note), ..open() }
}

fn locked() -> Failure {
    Failure::LockedOut(Duration::from_secs(290))
}

/// The notes that are longest, and those of every act.
fn every_note() -> [(&'static str, Note); 11] {
    [
        ("note-enrolled", Note::Enrolled(4)),
        ("note-door", Note::DoorTold),
        ("note-pass-missing", Note::PassMissing),
        ("note-no-text", Note::Failed(Failure::NoConsentText)),
        ("note-text-changed", Note::Failed(Failure::ConsentChanged)),
        ("note-matches-revoked", Note::Failed(Failure::MatchesRevoked)),
        ("note-not-stored", Note::Failed(Failure::NotStored)),
        ("note-no-answer", Note::Failed(Failure::NoAnswer)),
        ("note-pass", Note::Flaw(Flaw::PassUntil)),
        ("note-individual-number", Note::Flaw(Flaw::IndividualNumber)),
        ("note-other-face", Note::OtherFace),
    ]
}

/// A check with a card; each page in the three languages of the public, what came of it in all.
fn card_pages() -> Vec<(&'static str, PageView)> {
    use ConsentLanguage::{Easy, English, Japanese};
    let code = |language, part, digits: &str, news| PageView::CardCode {
        language,
        part,
        digits: Zeroizing::new(digits.into()),
        news,
    };
    let lay = |language, reading, news| PageView::CardLay { language, reading, news };
    let look = |language, hint| PageView::CardLook { language, frames: 1, hint };
    let ended = |language, news| PageView::CardEnded { language, news, again: news == CardNews::NotAlike };
    let wrong = Some(CodeNews::Wrong(Some(8)));
    let typed = |error| Some(CodeNews::Typed(error));
    vec![
        ("card-code", code(Japanese, Part::Birth, "55", None)),
        ("card-code-easy", code(Easy, Part::Birth, "55", None)),
        ("card-code-en", code(English, Part::Birth, "55", None)),
        ("card-code-expiry", code(Japanese, Part::Expiry, "5502172", None)),
        ("card-code-expiry-easy", code(Easy, Part::Expiry, "5502172", None)),
        ("card-code-security", code(Japanese, Part::Security, "550217203522", None)),
        ("card-code-security-easy", code(Easy, Part::Security, "550217203522", None)),
        ("card-code-wrong", code(Japanese, Part::Birth, "", wrong)),
        ("card-code-wrong-easy", code(Easy, Part::Birth, "", wrong)),
        ("card-code-wrong-en", code(English, Part::Birth, "", wrong)),
        ("card-code-wrong-untold", code(Japanese, Part::Birth, "", Some(CodeNews::Wrong(None)))),
        ("card-code-individual", code(Japanese, Part::Birth, "", typed(TypedError::IndividualNumber))),
        ("card-code-individual-easy", code(Easy, Part::Birth, "", typed(TypedError::IndividualNumber))),
        ("card-code-short", code(Japanese, Part::Expiry, "550217", typed(TypedError::NotSoManyDigits(14)))),
        ("card-code-day", code(Japanese, Part::Security, "55133120352285", typed(TypedError::NoSuchDay))),
        ("card-code-year", code(Japanese, Part::Security, "55021719352285", typed(TypedError::NoSuchYear))),
        ("card-lay", lay(Japanese, false, None)),
        ("card-lay-easy", lay(Easy, false, None)),
        ("card-lay-en", lay(English, false, None)),
        ("card-reading", lay(Japanese, true, None)),
        ("card-reading-easy", lay(Easy, true, None)),
        ("card-lay-removed", lay(Japanese, false, Some(CardNews::Removed))),
        ("card-lay-removed-easy", lay(Easy, false, Some(CardNews::Removed))),
        ("card-lay-not-read", lay(Japanese, false, Some(CardNews::NotRead))),
        ("card-lay-other", lay(Japanese, false, Some(CardNews::OtherCard))),
        ("card-look", look(Japanese, Hint::HoldStill)),
        ("card-look-easy", look(Easy, Hint::Bystander)),
        ("card-look-en", look(English, Hint::Quality(QualityIssue::TooFar))),
        ("card-matched", PageView::CardMatched { born: Date::new(1980, 2, 17), issuer: Issuer::Unknown }),
        ("card-matched-no-day", PageView::CardMatched { born: None, issuer: Issuer::Pinned }),
        ("card-ended-not-alike", ended(Japanese, CardNews::NotAlike)),
        ("card-ended-not-alike-easy", ended(Easy, CardNews::NotAlike)),
        ("card-ended-not-alike-en", ended(English, CardNews::NotAlike)),
        ("card-ended-last-try", ended(Japanese, CardNews::LastTry)),
        ("card-ended-last-try-easy", ended(Easy, CardNews::LastTry)),
        ("card-ended-last-try-en", ended(English, CardNews::LastTry)),
        ("card-ended-blocked", ended(Japanese, CardNews::Blocked)),
        ("card-ended-expired", ended(Japanese, CardNews::Expired)),
        ("card-ended-clock", ended(Japanese, CardNews::Clock)),
        ("card-ended-no-photo", ended(Japanese, CardNews::NoPhoto)),
        ("card-ended-no-photo-easy", ended(Easy, CardNews::NoPhoto)),
        ("card-ended-no-reader", ended(Japanese, CardNews::NoReader)),
        ("card-ended-photo", ended(Japanese, CardNews::PhotoNotUsable)),
        ("card-ended-not-genuine", ended(Japanese, CardNews::NotGenuine)),
    ]
}

fn sign_in(chosen: Option<usize>, digits: usize) -> PageView {
    let staff = ["佐藤　美咲", "鈴木　健", "高橋　由美子（責任者）"].map(Into::into).to_vec();
    PageView::SignIn { staff, chosen, digits }
}

fn consent(language: ConsentLanguage, read: bool) -> PageView {
    let japanese = "みどり市こども館は、入館の受付のために、お顔の特徴を登録します。\n\n登録するもの：お名前、生年月日、\
                    お住まいの区分、お顔の特徴を表す数値。写真は保存しません。\n\n使いみち：入館の受付と人数の集計だけに\
                    使います。ほかの施設や事業者には渡しません。\n\n保存する期間：最後のご利用から1年間です。いつでも、\
                    窓口で消去できます。消去したあとも、QRコードや窓口で受付できます。\n\n同意されない場合も、窓口で\
                    同じように受付できます。";
    let english = "Midori City Children's House registers features of your face to check you in.\n\nWhat is registered: \
                   name, date of birth, whether you live in the city, and numbers that describe your face. No picture \
                   is kept.\n\nYou can have it erased at the front desk at any time, and you can always come in \
                   without a face.";
    let easy = "こどもかんは、入（はい）るときの　うけつけに、顔（かお）の　とくちょうを　つかいます。";
    let words = Words { japanese: japanese.into(), easy: easy.into(), english: english.into() };
    PageView::Consent { words, version: "2026-11".into(), language, read, guardian: read }
}

fn empty_form() -> FormView {
    FormView {
        number: 0,
        name: Zeroizing::default(),
        born: Zeroizing::default(),
        lives_here: None,
        assurance: Assurance::SelfDeclared,
        card: false,
        pass: PassKind::Without,
        pass_until: String::new(),
        coupons: String::new(),
        protected: false,
    }
}

fn form() -> FormView {
    FormView {
        number: 2,
        name: Zeroizing::new("やまだ　はな".into()),
        born: Zeroizing::new("20190401".into()),
        lives_here: Some(true),
        assurance: Assurance::PhotoMatched,
        pass: PassKind::Pass,
        pass_until: "20270331".into(),
        ..empty_form()
    }
}

fn typing(text: &str, layout: Layout) -> PageView {
    PageView::Typing { text: Zeroizing::new(text.into()), layout, for_form: layout != Layout::Katakana }
}

fn review(household: bool) -> PageView {
    let line =
        |name: &str, face, protected| MemberLine { name: Zeroizing::new(name.into()), face, protected };
    let mut members = vec![
        line("山田　花子", true, false),
        line("山田　太郎", true, true),
        line("やまだ　ひな", false, false),
    ];
    members.truncate(if household { 3 } else { 1 });
    PageView::Review { household, members, representative: 0, names_agreed: household }
}

fn alike() -> Vec<Alike> {
    let pair = |new: &str, other: Option<&str>| Alike { new: new.into(), other: other.map(Into::into) };
    vec![pair("山田　花子", Some("山田　葉子")), pair("山田　太郎", None)]
}

fn words(japanese: &str, english: &str) -> Words {
    Words { japanese: japanese.into(), easy: japanese.into(), english: english.into() }
}

fn manual(door: bool) -> PageView {
    let fee = |id: &str, words, yen| Fee { id: FeeClassId(id.into()), words, yen };
    let classes = vec![
        fee("resident", words("市内在住　無料", "City resident, free"), 0),
        fee("non-resident", words("市外在住　500円", "Non-resident, 500 yen"), 500),
        fee("child", words("市外の小学生　200円", "Non-resident, elementary school, 200 yen"), 200),
        fee("preschool", words("未就学児　無料", "Preschool, free"), 0),
    ];
    PageView::Manual { fees: Fees { classes, door }, counts: vec![2, 1, 1, 0], open_door: door }
}

fn counts() -> Counts {
    Counts {
        by_way: vec![(Way::Face, 60), (Way::Claim(gate::CredentialKind::Qr), 25), (Way::Staff, 35)],
        by_fee: vec![
            (Some(words("市内在住　無料", "City resident, free")), 71),
            (Some(words("市外在住　500円", "Non-resident, 500 yen")), 45),
            (None, 4),
        ],
        total: 120,
    }
}

fn refusals() -> Vec<Refused> {
    let refused =
        |minute, why, name: Option<&str>| Refused { at: Some((10, minute)), why, name: name.map(Into::into) };
    vec![
        refused(42, Why::NotToday, Some("山田　花子")),
        refused(31, Why::NotRecognised, None),
        refused(30, Why::NoClearPicture, None),
        refused(12, Why::Revoked, Some("鈴木　一郎")),
        Refused { at: None, ..refused(0, Why::Card, None) },
    ]
}

fn inside() -> InsideNow {
    let people = ["山田　花子", "山田　太郎", "鈴木　一郎", "髙橋　さくら"];
    let mut people: Vec<_> = people.into_iter().map(|name| Some(name.into())).collect();
    people.push(None);
    InsideNow { people, by_hand: 12 }
}

fn found() -> Found {
    Found {
        person: PersonId([1; 16]),
        name: "山田　花子".into(),
        born: Date::new(1990, 4, 1),
        standing: Standing::Active,
        face: true,
        protected: false,
        stale: false,
    }
}
