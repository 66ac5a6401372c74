//! What the screens say: the texts of the table, in every language, and the files that hold them.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use gate::{QualityIssue, Screen};
use slint::ComponentHandle as _;

use super::generated::{Issue, Texts};
use super::headless::Headless;
use super::tour::every_screen;
use super::*;

fn screens(readers: bool) -> Headless {
    Headless::new(&Setup { notice: Notice::example(), readers }, |_| ()).unwrap()
}

#[test]
fn nobody_is_sent_to_a_reader_that_is_not_there() {
    let screens = screens(false);
    let texts = screens.ui().global::<Texts>();
    for language in Language::ALL {
        slint::select_bundled_translation(language.code()).unwrap();
        for screen in every_screen() {
            let shown = shown::showing(&screen);
            let said = |readers| {
                let headline = texts.invoke_headline(shown.scene, shown.issue, shown.party, readers);
                let below = texts.invoke_below(shown.scene, shown.issue, readers);
                format!("{headline} {below}")
            };
            assert!(!said(false).contains("QR"), "{language:?} {screen:?}: {}", said(false));
            let other_ways = matches!(
                screen,
                Screen::Idle
                    | Screen::NotRecognised
                    | Screen::Ambiguous
                    | Screen::SecondFactor
                    | Screen::NoClearImage(_)
                    | Screen::Pause
            );
            assert_eq!(said(true).contains("QR"), other_ways, "{language:?} {screen:?}: {}", said(true));
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

#[test]
fn the_texts_of_the_table_are_said_as_they_are_written() {
    let screens = screens(true);
    let texts = screens.ui().global::<Texts>();
    slint::select_bundled_translation("ja").unwrap();
    let said = |screen| {
        let shown = shown::showing(&screen);
        texts.invoke_headline(shown.scene, shown.issue, shown.party, true).replace('\n', "")
    };
    assert_eq!(said(Screen::Idle), "顔をカメラに向けてください");
    assert_eq!(said(Screen::Hint(QualityIssue::TooFar)), "もう少し近づいてください");
    assert_eq!(said(Screen::Hint(QualityIssue::NotFrontal)), "カメラのほうを向いてください");
    assert_eq!(said(Screen::Hint(QualityIssue::TooDark)), "明るいほうを向いてください");
    assert_eq!(said(Screen::HoldStill), "そのままお待ちください");
    assert_eq!(
        said(Screen::NotRecognised),
        "QRコードかマイナンバーカードでも受付できます。係員もお手伝いします"
    );
    assert_eq!(said(Screen::Ambiguous), "確認のため、QRコードかカードもかざしてください");
    assert_eq!(said(Screen::SeeStaff), "恐れ入りますが、係員にお声がけください");
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

#[test]
fn every_text_has_a_translation_and_a_comment_that_says_where_it_appears() {
    for (language, po) in [
        (Language::Japanese, include_str!("../../lang/ja/LC_MESSAGES/kiosk.po")),
        (Language::English, include_str!("../../lang/en/LC_MESSAGES/kiosk.po")),
    ] {
        // The staff area has texts, and tests, of its own.
        let entries: BTreeMap<_, _> =
            catalogue(po).into_iter().filter(|(_, entry)| entry.context == "Texts").collect();
        assert_eq!(entries.keys().cloned().collect::<BTreeSet<_>>(), source_texts(), "{language:?}");
        for (text, entry) in entries {
            assert!(!entry.place.is_empty(), "{language:?} {text}: {entry:?}");
            assert!(
                !entry.translations.is_empty() && entry.translations.iter().all(|words| !words.is_empty())
            );
            match language {
                Language::Japanese => {
                    assert!(entry.translations.iter().all(|words| *words == text), "{text}")
                }
                Language::English => {
                    assert!(entry.translations.iter().all(|words| words.is_ascii()), "{text}")
                }
            }
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
    ] {
        let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
        // The names of languages are never translated.
        let strange: Vec<_> = code
            .map(|line| line.replace("\"日本語\"", ""))
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
        let said = texts.invoke_of_issue(issue);
        assert!(entries.values().any(|entry| entry.translations == [said.as_str()]), "{said}");
    }
}
