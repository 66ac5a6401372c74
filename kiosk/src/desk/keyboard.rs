//! The keyboard on the screen: kana in the order of the fifty sounds, and Latin letters.
//!
//! A name in kanji needs a keyboard that is plugged in, with an input method of the system: turning kana into the right
//! kanji of a name needs a dictionary that this program does not have. A registration by kana is complete; the name is
//! what staff search by.

/// What the keys say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Layout {
    /// ひらがな.
    #[default]
    Hiragana,
    /// カタカナ.
    Katakana,
    /// Capital letters and digits.
    Capitals,
    /// Small letters and digits.
    Small,
}

/// A key below the letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extra {
    /// ゛: か becomes が.
    Voiced,
    /// ゜: は becomes ぱ.
    HalfVoiced,
    /// 小: つ becomes っ, and back.
    Smaller,
    /// ー.
    Long,
    /// A space between family name and given name.
    Space,
    /// Takes the last character away.
    Delete,
}

/// Columns of letters; the rows follow from it.
const COLUMNS: usize = 10;

/// Each column is a row of the fifty sounds, read downwards; a space is no key.
const HIRAGANA: [&str; 5] = [
    "あかさたなはまやらわ",
    "いきしちにひみ り ",
    "うくすつぬふむゆるを",
    "えけせてねへめ れ ",
    "おこそとのほもよろん",
];

const CAPITALS: [&str; 5] = ["1234567890", "QWERTYUIOP", "ASDFGHJKL-", "ZXCVBNM'.,", ""];

/// Hiragana with their voiced, half voiced and small forms; a space where there is none.
const FORMS: [&str; 25] = [
    "かが  ",
    "きぎ  ",
    "くぐ  ",
    "けげ  ",
    "こご  ",
    "さざ  ",
    "しじ  ",
    "すず  ",
    "せぜ  ",
    "そぞ  ",
    "ただ  ",
    "ちぢ  ",
    "つづ っ",
    "てで  ",
    "とど  ",
    "はばぱ ",
    "ひびぴ ",
    "ふぶぷ ",
    "へべぺ ",
    "ほぼぽ ",
    "あ  ぁ",
    "い  ぃ",
    "うゔ ぅ",
    "え  ぇ",
    "お  ぉ",
];
const SMALL_YA: [&str; 4] = ["や  ゃ", "ゆ  ゅ", "よ  ょ", "わ  ゎ"];

/// Hiragana and katakana stand this far apart in Unicode.
const TO_KATAKANA: u32 = 0x60;

/// The letters of a layout, row by row, [`COLUMNS`] in each; a space is no key.
pub(crate) fn letters(layout: Layout) -> Vec<char> {
    let row = |row: &str| {
        let mut row: Vec<char> = row.chars().collect();
        row.resize(COLUMNS, ' ');
        row
    };
    match layout {
        Layout::Hiragana => HIRAGANA.into_iter().flat_map(row).collect(),
        Layout::Katakana => HIRAGANA.into_iter().flat_map(row).map(katakana).collect(),
        Layout::Capitals => CAPITALS.into_iter().flat_map(row).collect(),
        Layout::Small => CAPITALS.into_iter().flat_map(row).map(|it| it.to_ascii_lowercase()).collect(),
    }
}

/// Presses a key below the letters.
pub(super) fn press(text: &mut String, key: Extra) {
    match key {
        Extra::Voiced => change_last(text, 1),
        Extra::HalfVoiced => change_last(text, 2),
        Extra::Smaller => change_last(text, 3),
        Extra::Long => text.push('ー'),
        Extra::Space if !text.is_empty() && !text.ends_with(['\u{3000}', ' ']) => {
            text.push(if text.is_ascii() { ' ' } else { '\u{3000}' });
        }
        Extra::Space => {}
        Extra::Delete => _ = text.pop(),
    }
}

/// Gives the last character its other form: 1 voiced, 2 half voiced, 3 small; a second press gives the plain one back.
fn change_last(text: &mut String, form: usize) {
    let Some(last) = text.pop() else { return };
    text.push(other_form(last, form).unwrap_or(last));
}

fn other_form(character: char, form: usize) -> Option<char> {
    let plain = hiragana(character);
    let forms: Vec<char> =
        FORMS.iter().chain(&SMALL_YA).find(|forms| forms.contains(plain)).map(|it| it.chars().collect())?;
    let wanted = *forms.get(form)?;
    let becomes = match wanted {
        ' ' => return None,
        wanted if wanted == plain => forms[0],
        wanted => wanted,
    };
    Some(if plain == character { becomes } else { katakana(becomes) })
}

fn katakana(character: char) -> char {
    match character {
        'ぁ'..='ゖ' => {
            char::from_u32(u32::from(character) + TO_KATAKANA).expect("katakana follow hiragana")
        }
        other => other,
    }
}

fn hiragana(character: char) -> char {
    match character {
        'ァ'..='ヶ' => {
            char::from_u32(u32::from(character) - TO_KATAKANA).expect("hiragana come before katakana")
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(start: &str, keys: &[Extra]) -> String {
        let mut text = start.to_owned();
        keys.iter().for_each(|key| press(&mut text, *key));
        text
    }

    #[test]
    fn a_name_with_voiced_and_small_sounds_can_be_typed() {
        assert_eq!(typed("た", &[Extra::Voiced]), "だ");
        assert_eq!(typed("は", &[Extra::HalfVoiced]), "ぱ");
        assert_eq!(typed("きよ", &[Extra::Smaller]), "きょ");
        assert_eq!(typed("つ", &[Extra::Smaller]), "っ");
        assert_eq!(typed("ト", &[Extra::Voiced]), "ド");
        assert_eq!(typed("ヴ", &[Extra::Voiced]), "ウ");
        assert_eq!(typed("ユ", &[Extra::Smaller, Extra::Long]), "ュー");
    }

    #[test]
    fn a_second_press_takes_a_form_back_and_a_form_that_is_not_there_changes_nothing() {
        assert_eq!(typed("か", &[Extra::Voiced, Extra::Voiced]), "か");
        assert_eq!(typed("は", &[Extra::Voiced, Extra::HalfVoiced]), "ぱ");
        assert_eq!(typed("な", &[Extra::Voiced, Extra::Smaller]), "な");
        assert_eq!(typed("", &[Extra::Voiced, Extra::Delete, Extra::Space]), "");
    }

    #[test]
    fn a_space_is_as_wide_as_the_letters_around_it_and_never_doubled() {
        assert_eq!(typed("やまだ", &[Extra::Space, Extra::Space]), "やまだ\u{3000}");
        assert_eq!(typed("Smith", &[Extra::Space, Extra::Space]), "Smith ");
    }

    #[test]
    fn every_layout_has_the_same_grid() {
        for layout in [Layout::Hiragana, Layout::Katakana, Layout::Capitals, Layout::Small] {
            assert_eq!(letters(layout).len(), 5 * COLUMNS, "{layout:?}");
        }
        assert_eq!(letters(Layout::Katakana)[0], 'ア');
        assert_eq!(letters(Layout::Small)[10], 'q');
    }
}
