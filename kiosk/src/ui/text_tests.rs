//! What the screens say: the texts of the table, in every language, and the files that hold them.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use gate::{Factor, Greeting, QualityIssue, ReaderScreen, Refusal, Screen, ShelterScreen, Side, Welcome};
use slint::ComponentHandle as _;

use super::generated::{Issue, Setting, Texts};
use super::headless::Headless;
use super::moment::Cover;
use super::tour::refusals;
use super::*;

mod credentials;

fn screens(readers: bool) -> Headless {
    Headless::new(&Setup { notice: Notice::example(), readers, vehicle: false }, |_| ()).unwrap()
}

#[test]
fn nobody_is_sent_to_a_reader_that_is_not_there() {
    let screens = screens(false);
    let (texts, setting) = (screens.ui().global::<Texts>(), screens.ui().global::<Setting>());
    for language in Language::ALL {
        slint::select_bundled_translation(language.code()).unwrap();
        for moment in every_moment() {
            let shown = shown::showing(&moment);
            let said = |readers| {
                setting.set_readers(readers);
                format!("{} {}", texts.invoke_headline(shown.clone()), texts.invoke_below(shown.clone()))
            };
            assert!(!said(false).contains("QR"), "{language:?} {moment:?}: {}", said(false));
            let other_ways = moment.screen().is_some_and(|screen| {
                matches!(
                    screen,
                    Screen::Idle
                        | Screen::NotRecognised
                        | Screen::Ambiguous
                        | Screen::SecondFactor
                        | Screen::AnotherWay
                        | Screen::NoClearImage(_)
                        | Screen::Pause
                        | Screen::Reader(ReaderScreen::OtherCard)
                ) || matches!(screen, Screen::NextFactor(next)
                    if next.contains(Factor::FreshCode) || next.contains(Factor::Claim))
            });
            assert_eq!(said(true).contains("QR"), other_ways, "{language:?} {moment:?}: {}", said(true));
        }
    }
}

#[test]
fn the_greeting_counts_the_party() {
    let screens = screens(false);
    let texts = screens.ui().global::<Texts>();
    let greeting = |code: &str, party| {
        slint::select_bundled_translation(code).unwrap();
        texts.invoke_welcome(party).replace('\n', " ")
    };
    assert_eq!(greeting("ja", 1), "1名様 どうぞお入りください");
    assert_eq!(greeting("ja", 3), "3名様 どうぞお入りください");
    assert_eq!(greeting("en", 1), "Welcome");
    assert_eq!(greeting("en", 3), "Welcome, party of 3");
}

/// The large text and the one below it, with the spaces of `language` for line breaks.
fn said(screens: &Headless, language: Language, moment: &Moment) -> String {
    let texts = screens.ui().global::<Texts>();
    let shown = shown::showing(moment);
    let [headline, below] = [texts.invoke_headline(shown.clone()), texts.invoke_below(shown)];
    let space = match language {
        Language::Japanese => "",
        Language::EasyJapanese => "　",
        Language::English => " ",
    };
    let lines: Vec<&str> = headline.lines().chain(below.lines()).collect();
    // A sentence that ends needs no space before the next one.
    lines.join(space).replace("。　", "。").replace("、　", "、")
}

/// PEOPLE.md's table, row by row.
#[test]
fn the_texts_of_the_table_are_said_as_they_are_written() {
    let board = |pass_until| {
        Screen::Welcome(Welcome { party: 1, pass_until, greeting: Greeting::Board, ..Welcome::default() })
    };
    let last_day = gate::Date::new(2026, 12, 31);
    let (hint, reader) = (Screen::Hint, Screen::Reader);
    let rows: [(Moment, [&str; 3]); 25] = [
        (
            Screen::Idle.into(),
            ["顔をカメラに向けてください", "カメラを　みて　ください", "Please look at the camera"],
        ),
        (
            hint(QualityIssue::TooFar).into(),
            [
                "もう少し近づいてください",
                "もうすこし　ちかくに　きて　ください",
                "Please come a little closer",
            ],
        ),
        (
            hint(QualityIssue::NotFrontal).into(),
            ["カメラのほうを向いてください", "カメラの　ほうを　みて　ください", "Please face the camera"],
        ),
        (
            hint(QualityIssue::TooDark).into(),
            [
                "明るいほうを向いてください",
                "あかるい　ほうを　みて　ください",
                "Please turn towards the light",
            ],
        ),
        (
            Screen::HoldStill.into(),
            ["そのままお待ちください", "そのまま　まって　ください", "Please hold still"],
        ),
        (
            Screen::TurnHead(Side::Right).into(),
            [
                "顔をゆっくり右に向けてください",
                "かおを　ゆっくり　みぎに　むけて　ください",
                "Please turn your head slowly to the right",
            ],
        ),
        (
            Screen::TurnHead(Side::Left).into(),
            [
                "顔をゆっくり左に向けてください",
                "かおを　ゆっくり　ひだりに　むけて　ください",
                "Please turn your head slowly to the left",
            ],
        ),
        (
            Cover::Mask.into(),
            [
                "お手数ですが、マスクを一度あごまで下げてください",
                "マスクを　あごまで　さげて　ください",
                "Please lower your mask for a moment",
            ],
        ),
        (
            Cover::Cap.into(),
            [
                "帽子を少し上げてください",
                "ぼうしを　すこし　あげて　ください",
                "Please raise your cap a little",
            ],
        ),
        (
            tour::welcome(3).into(),
            ["3名様どうぞお入りください", "3人《にん》　どうぞ　はいって　ください", "Welcome, party of 3"],
        ),
        (
            Screen::NotRecognised.into(),
            [
                "QRコードかマイナンバーカードでも受付できます。係員もお手伝いします",
                "QRコードか　カードでも　できます。係《かかり》の　人《ひと》も　てつだいます",
                "You can also use a QR code or your card. Our staff will help",
            ],
        ),
        (
            Screen::Ambiguous.into(),
            [
                "確認のため、QRコードかカードもかざしてください",
                "QRコードか　カードも　かざして　ください",
                "To be sure, please also show a QR code or card",
            ],
        ),
        (
            reader(ReaderScreen::CardFront).into(),
            [
                "カードの表（おもて）をカメラに見せてください",
                "カードの　おもてを　カメラに　みせて　ください",
                "Please show the front of your card to the camera",
            ],
        ),
        (
            reader(ReaderScreen::Pin).into(),
            [
                "4桁の暗証番号を入力してください",
                "4けたの　ばんごうを　おして　ください",
                "Please enter your 4-digit PIN",
            ],
        ),
        (
            reader(ReaderScreen::OneTryLeft).into(),
            [
                "入力できる回数が残り1回のため、ここでは中止します。暗証番号は市の窓口でご確認ください",
                "",
                "Only one try is left, so we stop here. Please check your PIN at the city office",
            ],
        ),
        (
            reader(ReaderScreen::CardWithoutPin).into(),
            [
                "このカードは暗証番号を使わないカードです。別の方法をご案内します",
                "",
                "This card has no PIN. We will offer another way",
            ],
        ),
        (
            reader(ReaderScreen::OtherCard).into(),
            [
                "申し訳ありません。このカードでは受付できません。マイナンバーカードかQRコードをお使いください",
                "",
                "Sorry, this card cannot be used here. Please use a MyNumber card or QR code",
            ],
        ),
        (
            board(last_day).into(),
            [
                "ご乗車ください定期券は12月31日（木）までです",
                "",
                "Please board Your pass is valid until Thu 31 December",
            ],
        ),
        (
            Screen::NotAdmitted(Refusal::PassNotValid { ended: None }).into(),
            [
                "利用券はまだお使いいただけません。係員がご案内します",
                "",
                "Your pass is not valid yet. Our staff will help",
            ],
        ),
        (
            Screen::Shelter(ShelterScreen::Reception).into(),
            [
                "避難所受付",
                "ひなんじょ（にげて　きた　人《ひと》が　いる　ところ）の　うけつけ",
                "Shelter reception",
            ],
        ),
        (
            Screen::Shelter(ShelterScreen::Household).into(),
            [
                "今ここにいる方を選んでください",
                "いま　ここに　いる　人《ひと》を　おして　ください",
                "Please choose who is here now",
            ],
        ),
        (
            Screen::OutOfService(gate::Fault::Camera).into(),
            [
                "ただいまご利用いただけません。係員にお声がけください",
                "いま　つかえません。係《かかり》の　人《ひと》に　いって　ください",
                "Out of service. Please speak to our staff",
            ],
        ),
        (
            Screen::SeeStaff.into(),
            [
                "恐れ入りますが、係員にお声がけください",
                "係《かかり》の　人《ひと》に　いって　ください",
                "Please speak to our staff",
            ],
        ),
        (board(None).into(), ["ご乗車ください", "のって　ください", "Please board"]),
        (
            tour::welcome(1).into(),
            ["1名様どうぞお入りください", "｜1人《ひとり》　どうぞ　はいって　ください", "Welcome"],
        ),
    ];
    let screens = screens(true);
    for (place, language) in Language::ALL.into_iter().enumerate() {
        slint::select_bundled_translation(language.code()).unwrap();
        screens.ui().global::<Setting>().set_tongue(
            [generated::Tongue::Japanese, generated::Tongue::Easy, generated::Tongue::English][place],
        );
        for (moment, texts) in &rows {
            let said = said(&screens, language, moment);
            assert!(said.starts_with(texts[place]), "{language:?} {moment:?}: {said}");
        }
        let call = screens.ui().global::<Texts>().get_call_staff();
        assert_eq!(call, ["係員を呼ぶ", "係《かかり》の　人《ひと》を　よぶ", "Call staff"][place]);
    }
}

#[test]
fn a_passenger_whose_pass_has_ended_speaks_to_the_driver_and_a_visitor_to_the_staff() {
    let screens = screens(false);
    let ended = Screen::NotAdmitted(Refusal::PassNotValid { ended: gate::Date::new(2026, 9, 30) }).into();
    slint::select_bundled_translation("ja").unwrap();
    assert_eq!(
        said(&screens, Language::Japanese, &ended),
        "利用券の期限が過ぎています。係員にお声がけください期限：2026年9月30日（水）"
    );
    screens.ui().global::<Setting>().set_vehicle(true);
    assert_eq!(
        said(&screens, Language::Japanese, &ended),
        "定期券の期限が過ぎています。乗務員にお声がけください期限：2026年9月30日（水）"
    );
}

#[test]
fn a_refusal_says_what_to_do_next_and_blames_nobody() {
    let screens = screens(false);
    let next = ["係員", "お越しください", "お使いいただけます"];
    for refusal in refusals() {
        slint::select_bundled_translation("ja").unwrap();
        let said = said(&screens, Language::Japanese, &Screen::NotAdmitted(refusal).into());
        assert!(next.iter().any(|next| said.contains(next)), "{refusal:?}: {said}");
        for harsh in ["拒否", "不可", "エラー", "違反", "認証失敗", "禁止"] {
            assert!(!said.contains(harsh), "{refusal:?}: {said}");
        }
    }
}

/// One entry of a .po file.
#[derive(Default, Debug, PartialEq)]
struct Entry {
    place: String,
    context: String,
    plural: Option<String>,
    translations: Vec<String>,
}

/// Entries by msgid, as they are written. Ours are one line a field.
fn catalogue(po: &str) -> BTreeMap<String, Entry> {
    let blocks = po.split("\n\n").skip(1);
    let quoted = |line: &str| Some(line.split_once('"')?.1.strip_suffix('"')?.to_owned());
    blocks
        .map(|block| {
            let (mut id, mut entry) = (String::new(), Entry::default());
            for line in block.lines() {
                match line.split_once(' ').unwrap_or_default() {
                    ("#.", place) => entry.place.push_str(place),
                    ("msgctxt", text) => entry.context = quoted(text).unwrap(),
                    ("msgid", text) => id = quoted(text).unwrap(),
                    ("msgid_plural", text) => entry.plural = quoted(text),
                    (msgstr, text) if msgstr.starts_with("msgstr") => {
                        entry.translations.push(quoted(text).unwrap())
                    }
                    other => panic!("{other:?} in {block}"),
                }
            }
            (id, entry)
        })
        .collect()
}

/// The first argument of every `@tr` in texts.slint.
fn source_texts() -> BTreeSet<String> {
    let source = include_str!("../../ui/texts.slint");
    let texts: BTreeSet<String> =
        source.split("@tr(\"").skip(1).map(|rest| rest.split_once('"').unwrap().0.to_owned()).collect();
    assert!(texts.len() > 25, "the parser of this test finds the texts");
    texts
}

/// The entries of the public screens; the staff area has texts, and tests, of its own.
fn public(language: Language) -> BTreeMap<String, Entry> {
    let po = match language {
        Language::Japanese => include_str!("../../lang/ja/LC_MESSAGES/kiosk.po"),
        Language::EasyJapanese => include_str!("../../lang/ja-easy/LC_MESSAGES/kiosk.po"),
        Language::English => include_str!("../../lang/en/LC_MESSAGES/kiosk.po"),
    };
    catalogue(po).into_iter().filter(|(_, entry)| entry.context == "Texts").collect()
}

#[test]
fn every_text_has_a_translation_and_a_comment_that_says_where_it_appears() {
    for language in Language::ALL {
        let entries = public(language);
        assert_eq!(entries.keys().cloned().collect::<BTreeSet<_>>(), source_texts(), "{language:?}");
        for (text, entry) in entries {
            assert!(!entry.place.is_empty(), "{language:?} {text}: {entry:?}");
            assert!(
                !entry.translations.is_empty() && entry.translations.iter().all(|words| !words.is_empty())
            );
            let right = |words: &String| match language {
                Language::Japanese => *words == text,
                Language::EasyJapanese => !words.contains(' '),
                Language::English => words.is_ascii(),
            };
            assert!(entry.translations.iter().all(right), "{language:?} {text}");
        }
    }
}

#[test]
fn every_kanji_of_easy_japanese_has_its_reading() {
    for (text, entry) in public(Language::EasyJapanese) {
        for words in entry.translations {
            assert!(ruby::is_readable(&words.replace("\\n", "\n")), "{text}: {words}");
        }
    }
    let screens = screens(true);
    slint::select_bundled_translation("ja-easy").unwrap();
    screens.ui().global::<Setting>().set_tongue(generated::Tongue::Easy);
    // With the dates that are set into them.
    for moment in every_moment() {
        let said = said(&screens, Language::EasyJapanese, &moment);
        assert!(ruby::is_readable(&said), "{moment:?}: {said}");
    }
}

#[test]
fn nothing_is_said_with_an_exclamation_mark_and_easy_japanese_has_no_honorifics() {
    for language in Language::ALL {
        for words in public(language).into_values().flat_map(|entry| entry.translations) {
            assert!(!words.contains(['!', '！']), "{words}");
            let honorific = |part: &str| language == Language::EasyJapanese && words.contains(part);
            assert!(
                !["お待ち", "ご利用", "いただ", "おります", "いらっしゃ"].into_iter().any(honorific),
                "{words}"
            );
        }
    }
}

#[test]
fn no_words_stand_outside_the_table_of_texts() {
    for (file, source) in [
        ("kiosk.slint", include_str!("../../ui/kiosk.slint")),
        ("controls.slint", include_str!("../../ui/controls.slint")),
        ("stage.slint", include_str!("../../ui/stage.slint")),
        ("words.slint", include_str!("../../ui/words.slint")),
        ("icons.slint", include_str!("../../ui/icons.slint")),
        ("say.slint", include_str!("../../ui/say.slint")),
        ("household.slint", include_str!("../../ui/household.slint")),
        ("pin.slint", include_str!("../../ui/pin.slint")),
    ] {
        let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
        // The names of languages are never translated.
        let strange: Vec<_> = code
            .map(|line| line.replace("\"日本語\"", "").replace("\"やさしい\\nにほんご\"", ""))
            .filter(|line| !line.is_ascii() || line.contains("@tr"))
            .collect();
        assert!(strange.is_empty(), "{file}: {strange:?}");
    }
}

#[test]
fn the_screens_of_english_are_the_english_of_the_file() {
    let screens = screens(false);
    let texts = screens.ui().global::<Texts>();
    let entries = catalogue(include_str!("../../lang/en/LC_MESSAGES/kiosk.po"));
    slint::select_bundled_translation("en").unwrap();
    for issue in [Issue::TooFar, Issue::OutOfFrame, Issue::NotFrontal, Issue::TooDark, Issue::TooBright] {
        let said = texts.invoke_of_issue(issue).replace('\n', "\\n");
        assert!(entries.values().any(|entry| entry.translations == [said.clone()]), "{said}");
    }
}
