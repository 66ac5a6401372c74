//! A calibration as the part of a card that it becomes, and a card's text with that part exchanged.
//!
//! Everything else of a card stays as it was written, comments included; the result is parsed and compared before anybody
//! may write it.

use std::fmt::Write as _;

use toml::{Table, Value};

use super::{Calibration, Compared, rule_of_three};
use crate::card::{Card, CardError};

/// The table that is exchanged, and the prefix of those below it.
const TABLE: &str = "measured.comparison";

/// The card cannot be given new measurements.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// The card, or what became of it, cannot be parsed.
    #[error(transparent)]
    Card(#[from] CardError),
    /// The pictures were read with other weights.
    #[error(
        "this is the card of {card}, but the templates were made by {model} (another id, or other weights)"
    )]
    OtherModel {
        /// The card's id.
        card: String,
        /// The id of the embedder in use.
        model: String,
    },
    /// The card is not written in tables.
    #[error(
        "the card writes `{TABLE}` in another way than as a table of its own; put it under `[{TABLE}]` first"
    )]
    OtherForm,
}

/// The tables `[measured.comparison]` and `[measured.comparison.tail]`. `data_set` and `remark` are the operator's words.
#[must_use]
pub fn block(compared: &Compared, calibration: &Calibration, data_set: &str, remark: &str) -> String {
    let tail = &calibration.tail;
    let words = |text: &str| Value::String(text.to_owned()).to_string();
    let mut text = format!(
        "# Written by `calibrate`. The only numbers from which a threshold may be computed, in order of falling FMR.\n\
         [measured.comparison]\ndata_set = {}\ngenuine_comparisons = {}\nimpostor_comparisons = {}\nremark = {}\npoints = [\n",
        words(data_set),
        compared.genuine.len(),
        compared.impostors,
        words(remark),
    );
    for point in &calibration.points {
        let (fmr, threshold) = (point.fmr, up(point.threshold));
        // Rounded down, as what a threshold costs is not to be called less than it is.
        let tmr = (point.tmr * 1e4).floor() / 1e4;
        _ = writeln!(text, "    {{ fmr = {fmr:e}, threshold = {threshold:.6}, tmr = {tmr:?} }},");
    }
    _ = write!(
        text,
        "]\n\n# Intervals from the variance over persons; the fit only describes and checks.\n\
         [measured.comparison.tail]\nmethod = \"variance-over-persons\"\npersons = {}\npictures = {}\n\
         confidence = {:?}\nintervals = [\n",
        tail.persons, tail.pictures, tail.confidence
    );
    for interval in &tail.intervals {
        let (fmr, low, high) = (interval.fmr, -up(-interval.low), up(interval.high));
        let effective = interval.effective_matches.floor();
        _ = writeln!(
            text,
            "    {{ fmr = {fmr:e}, low = {low:.6}, high = {high:.6}, effective_matches = {effective:?} }},"
        );
    }
    let numbers = [
        ("above", f64::from(tail.above)),
        ("rate", tail.rate),
        ("scale", tail.scale),
        ("shape", tail.shape),
        ("shape_low", tail.shape_low),
        ("shape_high", tail.shape_high),
    ];
    text.push_str("]\n");
    for (name, number) in numbers {
        _ = writeln!(text, "{name} = {number:.6}");
    }
    _ = writeln!(text, "remark = {}", words(&support(compared, calibration)));
    text
}

/// To six decimals, upwards, so that no rounding loosens a threshold.
fn up(score: f32) -> f64 {
    (f64::from(score) * 1e6).ceil() / 1e6
}

/// Where the measurements end, in words: the rule of 30, and what no error at all says.
#[must_use]
pub fn support(compared: &Compared, calibration: &Calibration) -> String {
    let tail = &calibration.tail;
    let last = calibration.points.last().map_or(1.0, |point| point.fmr);
    let mut text = format!(
        "Supported from an FMR of {:e} to {last:e}: there the rule of 30 (ISO/IEC 19795-1: 30 errors for a rate within 30 % \
         at 90 % confidence) holds with dependence between comparisons that share a person counted in.",
        calibration.points.first().map_or(1.0, |point| point.fmr)
    );
    if let Some(end) = calibration.unsupported {
        text.push_str(&format!(
            " At {:e} there were {} false matches, worth {:.0} independent ones.",
            end.fmr, end.matches, end.effective
        ));
    }
    text.push_str(&format!(
        " The highest impostor score was {:.3}. Above it no error was seen, which says at 95 % confidence (rule of 3) that \
         the rate is at most {:.1e} if all {} comparisons were independent, and {:.1e} if only {} comparisons that share \
         nobody are.",
        calibration.highest_impostor,
        rule_of_three(compared.impostors),
        compared.impostors,
        rule_of_three(tail.persons / 2),
        tail.persons / 2,
    ));
    text
}

/// The text of `card` with its comparison measurements exchanged for `block`.
///
/// # Errors
/// [`BlockError`]; nothing was changed.
pub fn exchanged(card: &str, name: &str, block: &str, embedder: &Card) -> Result<String, BlockError> {
    let old = Card::parse(name, card)?;
    if old.id != embedder.id || old.sha256 != embedder.sha256 {
        return Err(BlockError::OtherModel { card: old.id, model: embedder.id.clone() });
    }
    let (before, after) = around(card);
    let parts = [before.trim_end(), block.trim_end(), after.trim_end()];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let text = parts.join("\n\n") + "\n";
    let rest = |text: &str| -> Option<Table> {
        let mut card: Table = text.parse().ok()?;
        card.get_mut("measured").and_then(Value::as_table_mut).map(|measured| measured.remove("comparison"));
        card.retain(|_, value| value.as_table().is_none_or(|table| !table.is_empty()));
        Some(card)
    };
    match (rest(card), rest(&text)) {
        (Some(old), Some(new)) if old == new => {}
        _ => return Err(BlockError::OtherForm),
    }
    Card::parse(name, &text)?;
    Ok(text)
}

/// What stands before and after the tables that are exchanged. Comments directly above them go with them.
fn around(card: &str) -> (String, String) {
    let (mut before, mut after, mut waiting) = (String::new(), String::new(), String::new());
    let (mut inside, mut met) = (false, false);
    for line in card.lines() {
        let header = header(line);
        if let Some(table) = header {
            inside = table == TABLE || table.strip_prefix(TABLE).is_some_and(|below| below.starts_with('.'));
            met |= inside;
        }
        let comment = line.trim_start().starts_with('#') || line.trim().is_empty();
        match (inside, header.is_none() && comment) {
            // Whose comment it is shows at the next line.
            (_, true) => waiting.push_str(&format!("{line}\n")),
            (true, false) => waiting.clear(),
            (false, false) => {
                let kept = if met { &mut after } else { &mut before };
                kept.push_str(&std::mem::take(&mut waiting));
                kept.push_str(&format!("{line}\n"));
            }
        }
    }
    (before, after)
}

fn header(line: &str) -> Option<&str> {
    let name = line.split('#').next()?.trim().strip_prefix('[')?.strip_suffix(']')?;
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
    (!name.is_empty() && name.chars().all(plain)).then_some(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{measure, synthetic};
    use super::*;

    const SFACE: &str = include_str!("../../cards/sface-2021dec.toml");

    fn sample() -> String {
        let (people, templates) = synthetic::templates(300, 2, 4);
        let compared = Compared::all(&people, &templates).unwrap();
        block(&compared, &measure(&compared, 20, 1).unwrap(), "made-up \"people\"", "nobody's faces")
    }

    #[test]
    fn a_card_takes_the_new_measurements_and_keeps_everything_else() {
        let block = sample();
        let text = exchanged(SFACE, "sface", &block, &Card::sface()).unwrap();
        let comparison = Card::parse("new", &text).unwrap().measured.comparison.unwrap();
        assert_eq!(comparison.data_set, "made-up \"people\"");
        assert_eq!(comparison.genuine_comparisons, 300);
        assert_eq!(comparison.tail.unwrap().persons, 300);
        let kept = &SFACE[..SFACE.find("# The only numbers").unwrap()];
        assert!(text.starts_with(kept), "comments and order stay");
        assert!(!text.contains("LFW"), "nothing of the old measurement stays");
        let again = exchanged(&text, "sface", &block, &Card::sface()).unwrap();
        assert_eq!(again, text, "written twice is written once");
    }

    #[test]
    fn rounding_never_loosens_a_threshold_or_narrows_an_interval() {
        let (people, templates) = synthetic::templates(300, 2, 4);
        let compared = Compared::all(&people, &templates).unwrap();
        let measured = measure(&compared, 20, 1).unwrap();
        let text = exchanged(SFACE, "sface", &block(&compared, &measured, "", ""), &Card::sface()).unwrap();
        let written = Card::parse("new", &text).unwrap().measured.comparison.unwrap();
        for (new, old) in written.points.iter().zip(&measured.points) {
            assert!(new.threshold >= old.threshold && new.threshold < old.threshold + 2e-6);
            assert!(new.tmr <= old.tmr);
        }
        for (new, old) in written.tail.unwrap().intervals.iter().zip(&measured.tail.intervals) {
            assert!(
                new.low <= old.low && new.high >= old.high && new.effective_matches <= old.effective_matches
            );
        }
    }

    #[test]
    fn tables_behind_the_measurements_stay_behind_them() {
        let moved = "\n# Whose output this is.\n[output] # numbers\nlength = 128\n";
        let card = SFACE.replace("[output]\nlength = 128\n", "") + moved;
        let text = exchanged(&card, "sface", &sample(), &Card::sface()).unwrap();
        assert!(text.ends_with(moved), "{text}");
    }

    #[test]
    fn the_card_of_another_model_is_refused() {
        let yunet = include_str!("../../cards/yunet-2023mar.toml");
        let other = SFACE.replace("sha256 = \"0ba9", "sha256 = \"1ba9");
        for card in [yunet, &other] {
            let error = exchanged(card, "card", &sample(), &Card::sface()).unwrap_err();
            assert!(matches!(error, BlockError::OtherModel { .. }), "{error}");
        }
        assert!(matches!(exchanged("id = 1", "card", "", &Card::sface()), Err(BlockError::Card(_))));
    }

    #[test]
    fn a_block_that_does_not_hold_together_is_not_written() {
        let torn = sample().replace("variance-over-persons", "a-guess");
        assert!(matches!(exchanged(SFACE, "sface", &torn, &Card::sface()), Err(BlockError::Card(_))));
        let greedy = format!("{}\n[output]\nlength = 1\n", sample());
        assert!(exchanged(SFACE, "sface", &greedy, &Card::sface()).is_err());
    }
}
