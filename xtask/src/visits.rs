//! The visits of two demonstrations side by side: what one processor decided, another must decide too.

use serde::Deserialize;

use crate::failure::Failure;

/// How far two scores of one visit may lie apart. Processors add in different orders, which moves a score by less than a
/// millionth; a kernel that computes something else moves it by more than this.
const NEAR: f64 = 1e-3;

/// One line of `kiosk demo --json`, as far as it is compared.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Visit {
    /// The photograph before the camera.
    photo: String,
    outcome: String,
    /// Who was matched.
    name: Option<String>,
    /// How alike the photograph and the best reference are.
    score: Option<f64>,
    /// How bona fide the photograph looked.
    pad: Option<f64>,
    /// How long the door was released, if it was.
    pulse_ms: Option<u64>,
}

/// Reads what `kiosk demo --json` printed.
pub(crate) fn read(printed: &str) -> Result<Vec<Visit>, Failure> {
    let visit = |line| {
        serde_json::from_str(line)
            .map_err(|cause| Failure::new(format!("`kiosk demo --json` printed no visit: {cause}: {line}")))
    };
    printed.lines().map(visit).collect()
}

/// All that is not alike, one sentence each; none if `there` decided as `here` did, and `here` decided something.
pub(crate) fn differences(here: &[Visit], there: &[Visit]) -> Vec<String> {
    if here.is_empty() {
        return vec!["no visit took place here, so there is nothing to compare".to_owned()];
    }
    let mut found = Vec::new();
    for number in 0..here.len().max(there.len()) {
        match (here.get(number), there.get(number)) {
            (Some(here), Some(there)) => {
                let one = differing(here, there).into_iter();
                found.extend(one.map(|what| format!("visit {}, {}: {what}", number + 1, here.photo)));
            }
            (Some(Visit { photo, .. }), None) => {
                found.push(format!("visit {}, {photo}: took place here only", number + 1));
            }
            (None, Some(Visit { photo, .. })) => {
                found.push(format!("visit {}, {photo}: took place there only", number + 1));
            }
            (None, None) => {}
        }
    }
    found
}

/// What differs between two visits.
fn differing(here: &Visit, there: &Visit) -> Vec<String> {
    let released = |visit: &Visit| if visit.pulse_ms.is_some() { "released" } else { "shut" }.to_owned();
    let name = |visit: &Visit| visit.name.clone().unwrap_or_else(|| "nobody".to_owned());
    let words = [
        ("photograph", here.photo.clone(), there.photo.clone()),
        ("outcome", here.outcome.clone(), there.outcome.clone()),
        ("person", name(here), name(there)),
        ("door", released(here), released(there)),
    ];
    let words = words.into_iter().filter(|(_, here, there)| here != there);
    let words = words.map(|(what, here, there)| format!("{what} {here} here, {there} there"));
    let numbers = [("score", here.score, there.score), ("PAD score", here.pad, there.pad)];
    let numbers = numbers.into_iter().filter(|(_, here, there)| !near(*here, *there));
    let numbers = numbers.map(|(what, here, there)| {
        format!("{what} {} here, {} there: more than {NEAR} apart", shown(here), shown(there))
    });
    words.chain(numbers).collect()
}

fn near(here: Option<f64>, there: Option<f64>) -> bool {
    match (here, there) {
        (Some(here), Some(there)) => (here - there).abs() <= NEAR,
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn shown(number: Option<f64>) -> String {
    number.map_or_else(|| "none".to_owned(), |number| format!("{number:.6}"))
}

/// Both, line by line, for people.
pub(crate) fn table(here: &[Visit], there: &[Visit]) -> String {
    let row = |cells: [&str; 8]| {
        let [photo, outcome, other, score, its_score, apart, pad, its_pad] = cells;
        format!(
            "{photo:<15} {outcome:<12} {other:<12} {score:>9} {its_score:>9} {apart:>8} {pad:>9} {its_pad:>9}\n"
        )
    };
    let head = ["photograph", "here", "AArch64", "score", "AArch64", "apart", "PAD", "AArch64"];
    let mut lines = row(head);
    for (here, there) in here.iter().zip(there) {
        let apart = here.score.zip(there.score).map(|(here, there)| format!("{:.1e}", (here - there).abs()));
        lines.push_str(&row([
            &here.photo,
            &here.outcome,
            &there.outcome,
            &shown(here.score),
            &shown(there.score),
            &apart.unwrap_or_else(|| "-".to_owned()),
            &shown(here.pad),
            &shown(there.pad),
        ]));
    }
    lines
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const PRINTED: &str = r#"{"visit":1,"outcome":"granted","person":"31","name":"A","score":0.7473,"threshold":0.359,"pad":0.99,"latency_ms":{"total":454.2},"pulse_ms":1002,"audit":{"run":"73","seq":4},"photo":"a.jpg","screenshot":"/1.png"}
{"visit":2,"outcome":"no-match","person":null,"name":null,"score":0.1485,"threshold":0.359,"pad":0.99,"latency_ms":{"total":384.3},"pulse_ms":null,"audit":{"run":"73","seq":6},"photo":"b.jpg","screenshot":"/2.png"}
{"visit":3,"outcome":"low-quality","person":null,"name":null,"score":null,"threshold":null,"pad":null,"latency_ms":{"total":222.1},"pulse_ms":null,"audit":{"run":"73","seq":7},"photo":"c.png","screenshot":"/3.png"}
"#;

    /// One change of what AArch64 decided, and what is said of it.
    #[track_caller]
    fn check(change: impl FnOnce(&mut Vec<Visit>), expected: &[&str]) {
        let here = read(PRINTED).unwrap();
        let mut there = here.clone();
        change(&mut there);
        assert_eq!(differences(&here, &there), expected);
    }

    #[test]
    fn what_adding_in_another_order_does_to_a_score_is_no_difference() {
        check(|there| there[0].score = Some(0.7473 + 1e-6), &[]);
    }

    #[test]
    fn how_long_a_door_was_open_is_not_compared() {
        check(|there| there[0].pulse_ms = Some(1_050), &[]);
    }

    #[test]
    fn another_outcome_is_a_difference() {
        check(
            |there| there[1].outcome = "granted".into(),
            &["visit 2, b.jpg: outcome no-match here, granted there"],
        );
    }

    #[test]
    fn another_person_is_a_difference_though_the_outcome_is_the_same() {
        check(|there| there[0].name = Some("B".into()), &["visit 1, a.jpg: person A here, B there"]);
        check(|there| there[0].name = None, &["visit 1, a.jpg: person A here, nobody there"]);
    }

    #[test]
    fn a_door_that_stays_shut_is_a_difference() {
        check(|there| there[0].pulse_ms = None, &["visit 1, a.jpg: door released here, shut there"]);
    }

    #[test]
    fn two_thousandths_of_a_score_are_a_difference_either_way() {
        check(
            |there| there[0].score = Some(0.7493),
            &["visit 1, a.jpg: score 0.747300 here, 0.749300 there: more than 0.001 apart"],
        );
        check(
            |there| there[1].pad = Some(0.988),
            &["visit 2, b.jpg: PAD score 0.990000 here, 0.988000 there: more than 0.001 apart"],
        );
    }

    #[test]
    fn a_score_that_is_none_or_no_number_is_a_difference() {
        check(
            |there| there[0].score = None,
            &["visit 1, a.jpg: score 0.747300 here, none there: more than 0.001 apart"],
        );
        check(
            |there| there[0].score = Some(f64::NAN),
            &["visit 1, a.jpg: score 0.747300 here, NaN there: more than 0.001 apart"],
        );
    }

    #[test]
    fn a_visit_that_is_missing_or_too_many_is_a_difference() {
        check(|there| _ = there.pop(), &["visit 3, c.png: took place here only"]);
        check(|there| there.push(there[0].clone()), &["visit 4, a.jpg: took place there only"]);
        check(
            |there| there.swap(1, 2),
            &[
                "visit 2, b.jpg: photograph b.jpg here, c.png there",
                "visit 2, b.jpg: outcome no-match here, low-quality there",
                "visit 2, b.jpg: score 0.148500 here, none there: more than 0.001 apart",
                "visit 2, b.jpg: PAD score 0.990000 here, none there: more than 0.001 apart",
                "visit 3, c.png: photograph c.png here, b.jpg there",
                "visit 3, c.png: outcome low-quality here, no-match there",
                "visit 3, c.png: score none here, 0.148500 there: more than 0.001 apart",
                "visit 3, c.png: PAD score none here, 0.990000 there: more than 0.001 apart",
            ],
        );
    }

    #[test]
    fn nothing_is_not_alike_nothing() {
        assert_eq!(differences(&[], &[]).len(), 1);
    }

    #[test]
    fn the_table_has_a_line_for_each_visit_and_the_distance_of_its_scores() {
        let here = read(PRINTED).unwrap();
        let mut there = here.clone();
        there[0].score = Some(0.7471);
        let table = table(&here, &there);
        assert_eq!(table.lines().count(), 4, "{table}");
        assert!(table.contains("2.0e-4") && table.contains("0.747100"), "{table}");
    }

    #[test]
    fn what_is_no_visit_is_named() {
        let message = read("door opens\n").unwrap_err().to_string();
        assert!(message.contains("door opens"), "{message}");
    }
}
