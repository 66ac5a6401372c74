//! Furigana: easy Japanese says how each kanji is read, in small kana above it.
//!
//! Texts carry the readings as marks, `係《かかり》の　人《ひと》を　よぶ`: what stands in 《》 is the reading of the kanji before it, or
//! of everything after ｜. A wide space ends a phrase, and lines are broken between phrases, because whoever reads slowly
//! reads a phrase at a time. Slint cannot set letters above letters in a running text, so the lines are made here and laid
//! out part by part (kiosk/ui/say.slint).

use super::generated::{RubyLine, RubyPart};
use super::models;

/// Letters with the kana above them; both empty for the gap between two phrases.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    base: String,
    above: String,
}

/// The gap between two phrases, in full-width letters.
const GAP: f32 = 0.5;
/// What a letter of the Latin alphabet or a digit takes at most on average, in full-width letters. Measured widths of the
/// embedded font lie between 0.25 (i) and 0.9 (W); digits are 0.56.
const LATIN: f32 = 0.6;
/// Kana above are half as large.
const ABOVE: f32 = 0.5;
/// How far kana may stand over letters beside them that have none, so that 係《かかり》 leaves no hole before the next word.
const OVER: f32 = 0.25;
/// Two readings side by side keep apart.
const APART: f32 = -0.1;
/// These never begin a line.
const CLINGING: &str = "。、）」』】・：ー";

/// The lines of a marked text where a line has room for so many full-width letters.
pub(super) fn lines(text: &str, room: f32) -> Vec<RubyLine> {
    let broken = text.lines().flat_map(|line| break_evenly(line, room));
    broken.map(|parts| laid_out(&parts)).collect()
}

fn laid_out(parts: &[Part]) -> RubyLine {
    let above = |at: Option<&Part>| at.is_some_and(|part| !part.above.is_empty());
    let rows = parts.iter().enumerate().map(|(at, Part { base, above: kana })| {
        let crowded =
            above(at.checked_sub(1).and_then(|before| parts.get(before))) || above(parts.get(at + 1));
        RubyPart { base: base.into(), above: kana.into(), over: if crowded { APART } else { OVER } }
    });
    RubyLine { above: parts.iter().any(|part| above(Some(part))), parts: models::of(rows) }
}

/// The text with its readings in brackets: 係（かかり）の　人（ひと）を　よぶ.
pub(super) fn plain(text: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            parts(line)
                .into_iter()
                .map(
                    |Part { base, above }| {
                        if above.is_empty() { base } else { format!("{base}（{above}）") }
                    },
                )
                .collect()
        })
        .collect();
    lines.join("\n")
}

/// As few lines as there is room for, and no line much shorter than the others: a last word never stands alone.
fn break_evenly(line: &str, room: f32) -> Vec<Vec<Part>> {
    let longest = line.split('　').map(phrase_width).fold(0.0, f32::max);
    let mut best = break_line(line, room);
    let mut narrower = room - STEP;
    while best.len() > 1 && narrower >= longest {
        let tried = break_line(line, narrower);
        if tried.len() > best.len() {
            break;
        }
        best = tried;
        narrower -= STEP;
    }
    best
}

/// How finely an even break is looked for, in full-width letters.
const STEP: f32 = 0.5;

fn phrase_width(phrase: &str) -> f32 {
    parts(phrase).iter().map(width).sum()
}

/// One line of the text as one line of the screen or more.
fn break_line(line: &str, room: f32) -> Vec<Vec<Part>> {
    let (mut done, mut current, mut taken) = (Vec::new(), Vec::new(), 0.0);
    for phrase in line.split('　').filter(|phrase| !phrase.is_empty()) {
        let parts = parts(phrase);
        let needed: f32 = parts.iter().map(width).sum();
        if !current.is_empty() {
            if taken + GAP + needed <= room {
                current.push(Part { base: String::new(), above: String::new() });
                taken += GAP;
            } else {
                done.push(std::mem::take(&mut current));
                taken = 0.0;
            }
        }
        let pieces = if needed <= room { parts } else { letter_by_letter(parts) };
        for piece in pieces {
            let needed = width(&piece);
            if taken + needed > room && !current.is_empty() && !clings(&piece) {
                done.push(std::mem::take(&mut current));
                taken = 0.0;
            }
            taken += needed;
            current.push(piece);
        }
    }
    if !current.is_empty() {
        done.push(current);
    }
    done
}

/// A phrase that is longer than a line may be broken anywhere but between kanji that are read together.
fn letter_by_letter(parts: Vec<Part>) -> Vec<Part> {
    let split = |part: Part| -> Vec<Part> {
        if part.above.is_empty() {
            part.base.chars().map(|letter| Part { base: letter.into(), above: String::new() }).collect()
        } else {
            vec![part]
        }
    };
    parts.into_iter().flat_map(split).collect()
}

fn clings(part: &Part) -> bool {
    part.base.chars().next().is_some_and(|first| CLINGING.contains(first))
}

/// In full-width letters.
fn width(part: &Part) -> f32 {
    let of = |text: &str| text.chars().map(|letter| if letter.is_ascii() { LATIN } else { 1.0 }).sum::<f32>();
    of(&part.base).max(of(&part.above) * ABOVE - 2.0 * OVER)
}

/// Reads the marks of one line. A mark that is not closed is shown as it is written.
fn parts(mut text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut push = |base: &str, above: &str| {
        if !base.is_empty() {
            parts.push(Part { base: base.into(), above: above.into() });
        }
    };
    while let Some((before, (reading, after))) =
        text.split_once('《').and_then(|(before, rest)| rest.split_once('》').map(|closed| (before, closed)))
    {
        let (plain, read) = match before.rsplit_once('｜') {
            Some(marked) => marked,
            None => before.split_at(before.trim_end_matches(is_kanji).len()),
        };
        push(plain, "");
        push(read, reading);
        text = after;
    }
    push(text, "");
    parts
}

/// Whether a letter needs a reading: the CJK ideographs with their extensions, and the mark that repeats one.
pub(super) fn is_kanji(letter: char) -> bool {
    matches!(letter, '々' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Whether every kanji of a marked text has a reading in kana.
#[cfg(test)]
pub(super) fn is_readable(text: &str) -> bool {
    let kana = |letter: char| matches!(letter, 'ぁ'..='ゖ' | 'ァ'..='ー');
    text.lines().flat_map(parts).all(|part| {
        if part.above.is_empty() { !part.base.contains(is_kanji) } else { part.above.chars().all(kana) }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use slint::Model as _;

    use super::*;

    /// Lines as `base^above` parts, with `_` for a gap.
    fn set(text: &str, room: f32) -> Vec<String> {
        let shown = |part: RubyPart| match (part.base.as_str(), part.above.as_str()) {
            ("", "") => "_".to_owned(),
            (base, "") => base.to_owned(),
            (base, above) => format!("[{base}^{above}]"),
        };
        lines(text, room).into_iter().map(|line| line.parts.iter().map(shown).collect()).collect()
    }

    #[test]
    fn a_reading_belongs_to_the_kanji_before_it() {
        assert_eq!(set("係《かかり》の　人《ひと》を　よぶ", 20.0), ["[係^かかり]の_[人^ひと]を_よぶ"]);
        assert_eq!(set("もう回数券《かいすうけん》", 20.0), ["もう[回数券^かいすうけん]"]);
    }

    #[test]
    fn a_bar_marks_where_letters_begin_that_are_no_kanji() {
        assert_eq!(set("｜1人《ひとり》　どうぞ", 20.0), ["[1人^ひとり]_どうぞ"]);
        assert_eq!(set("3人《にん》", 20.0), ["3[人^にん]"]);
    }

    #[test]
    fn lines_are_broken_between_phrases_and_where_the_text_says() {
        assert_eq!(set("いま　つかえません。\nあとで", 20.0), ["いま_つかえません。", "あとで"]);
        assert_eq!(
            set("もうすこし　ちかくに　きて　ください", 10.0),
            ["もうすこし_ちかくに", "きて_ください"]
        );
    }

    #[test]
    fn wide_kana_above_a_kanji_take_their_room() {
        // 志 is one letter wide; of its five kana, two and a half, half a letter may stand over what is beside.
        assert_eq!(set("志《こころざし》の　あ", 4.4), ["[志^こころざし]の", "あ"]);
        assert_eq!(set("志《こころざし》の　あ", 4.6), ["[志^こころざし]の_あ"]);
    }

    #[test]
    fn kana_stand_over_their_neighbours_unless_these_have_kana_too() {
        let over = |text: &str| lines(text, 20.0)[0].parts.iter().map(|part| part.over).collect::<Vec<_>>();
        assert_eq!(over("係《かかり》の"), [OVER, APART]);
        assert_eq!(over("4月《がつ》｜1日《ついたち》"), [APART; 3]);
    }

    #[test]
    fn the_last_word_does_not_stand_alone() {
        assert_eq!(set("ぼうしを　すこし　あげて　ください", 12.0), ["ぼうしを_すこし", "あげて_ください"]);
    }

    #[test]
    fn a_phrase_longer_than_a_line_is_broken_but_no_line_begins_with_a_full_stop() {
        assert_eq!(set("あいうえお。", 5.0), ["あいうえお。"]);
        assert_eq!(set("あいうえおか", 4.0), ["あいうえ", "おか"]);
    }

    #[test]
    fn a_mark_that_is_not_closed_is_shown_and_nothing_is_lost() {
        assert_eq!(set("係《かか", 20.0), ["係《かか"]);
        assert_eq!(set("《かか》の", 20.0), ["の"]);
        assert_eq!(set("", 20.0), [""; 0]);
    }

    #[test]
    fn the_spoken_text_has_its_readings_in_brackets() {
        assert_eq!(plain("係《かかり》の　人《ひと》\nを"), "係（かかり）の　人（ひと）\nを");
    }

    #[test]
    fn a_kanji_without_reading_is_found() {
        assert!(is_readable("係《かかり》の　人《ひと》を　よぶ"));
        for text in ["係の　人《ひと》", "係《係》", "人々"] {
            assert!(!is_readable(text), "{text}");
        }
    }
}
