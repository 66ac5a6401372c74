#![allow(clippy::unwrap_used)]

use super::super::compared::Impostor;
use super::super::synthetic;
use super::*;

/// Comparisons of made-up people, one picture each, whose true tail is known: the score is that of [`TAIL`] at a uniform
/// rate, and the rate of a pair is divided by both persons' own factor, which has mean 1 and this spread (0: independent).
fn drawn(persons: u32, spread: f64, seed: u64) -> Compared {
    let mut random = Random::new(seed);
    let deviation = (1.0 + spread * spread).ln().sqrt();
    let factors: Vec<f64> =
        (0..persons).map(|_| (deviation * random.normal() - deviation * deviation / 2.0).exp()).collect();
    let mut highest = Vec::new();
    for left in 0..persons {
        for right in left + 1..persons {
            let rate = random.uniform() / (factors[left as usize] * factors[right as usize]);
            if let Some(score) = TAIL.score_at(rate) {
                highest.push(Impostor { score: score as f32, left, right });
            }
        }
    }
    highest.sort_by(|left, right| right.score.total_cmp(&left.score));
    let pictures = vec![1; persons as usize];
    Compared { impostors: pairs_of_persons(&pictures), pictures, genuine: vec![0.3, 0.5, 0.7, 0.9], highest }
}

const TAIL: Pareto = Pareto { above: 0.3, rate: 0.05, scale: 0.03, shape: -0.1 };

fn check(persons: u32, spread: f64, runs: u64) -> (f64, f64) {
    let (mut inside, mut effective) = (0, 0.0);
    for run in 0..runs {
        let measured = measure(&drawn(persons, spread, run), 1, run).unwrap();
        let truth = TAIL.score_at(1e-2).unwrap() as f32;
        let interval = measured.tail.intervals[0];
        inside += u64::from(interval.low <= truth && truth <= interval.high);
        effective += interval.effective_matches;
    }
    (inside as f64 / runs as f64, effective / runs as f64)
}

#[test]
fn the_interval_holds_the_truth_as_often_as_it_says_whether_people_differ_or_not() {
    // 90 % are promised; 100 runs have a standard deviation of 3 %.
    let (independent, effective) = check(200, 0.0, 100);
    assert!(independent >= 0.82, "{independent}");
    // 19,900 comparisons, 199 false matches.
    assert!((150.0..=199.0).contains(&effective), "{effective}");
    let (dependent, effective) = check(200, 0.7, 100);
    assert!(dependent >= 0.80, "{dependent}");
    // 1/199 of counting and 4 * 0.49 / 200 of people: 67 remain.
    assert!((50.0..=100.0).contains(&effective), "{effective}");
}

#[test]
fn a_few_people_who_are_mistaken_for_everybody_are_little_evidence() {
    let mut compared = drawn(200, 0.0, 5);
    // All of the 199 false matches at 1e-2 are the first person's.
    for (other, impostor) in compared.highest.iter_mut().take(199).enumerate() {
        (impostor.left, impostor.right) = (0, other as u32 + 1);
    }
    let (_, matches, effective) = at_rate(&compared, 1e-2);
    assert!(matches >= 190 && effective < 3.0, "{matches} {effective}");
    let error = measure(&compared, 1, 1).unwrap_err();
    assert!(matches!(error, CalibrationError::TooFewComparisons { .. }), "{error}");
}

#[test]
fn copies_of_one_comparison_are_one_piece_of_evidence() {
    let once = drawn(300, 0.0, 9);
    let copied = Compared {
        pictures: vec![2; 300],
        impostors: once.impostors * 4,
        highest: once.highest.iter().flat_map(|impostor| [*impostor; 4]).collect(),
        ..once.clone()
    };
    let (threshold, matches, effective) = at_rate(&once, 1e-2);
    let (again, four_times, same) = at_rate(&copied, 1e-2);
    assert!((threshold - again).abs() < 1e-3 && four_times >= 4 * (matches - 1));
    assert!((same / effective - 1.0).abs() < 0.1, "{effective} {same}");
}

#[test]
fn points_end_where_the_rule_of_thirty_does() {
    // 79,800 comparisons: 798 false matches at 1e-2, 79 at 1e-3, 7 at 1e-4.
    let measured = measure(&drawn(400, 0.0, 2), 50, 1).unwrap();
    let rates: Vec<f64> = measured.points.iter().map(|point| point.fmr).collect();
    assert_eq!(rates, [1e-2, 1e-3]);
    let end = measured.unsupported.unwrap();
    assert_eq!((end.fmr, end.matches), (1e-4, 7));
    let shape = measured.tail;
    assert!(shape.shape_low <= TAIL.shape && TAIL.shape <= shape.shape_high, "{shape:?}");
    for (point, interval) in measured.points.iter().zip(&shape.intervals) {
        assert!(interval.low < point.threshold && point.threshold < interval.high, "{point:?} {interval:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_numbers_and_another_one_the_same_points() {
    let (people, templates) = synthetic::templates(250, 2, 4);
    let compared = Compared::all(&people, &templates).unwrap();
    let print = |seed| format!("{:?}", measure(&compared, 40, seed).unwrap());
    assert_eq!(print(1), print(1));
    assert_ne!(print(1), print(2));
    let points = |seed| format!("{:?}", measure(&compared, 40, seed).unwrap().points);
    assert_eq!(points(1), points(2));
}

#[test]
fn too_little_is_refused_with_what_is_missing() {
    let refuse = |people: u32, pictures| {
        let (people, templates) = synthetic::templates(people, pictures, 1);
        measure(&Compared::all(&people, &templates).unwrap(), 1, 1).unwrap_err()
    };
    assert_eq!(refuse(1, 5), CalibrationError::TooFewPeople(1));
    assert_eq!(refuse(300, 1), CalibrationError::NoGenuine);
    let few = refuse(20, 2).to_string();
    assert!(few.contains("760 impostor comparisons of 20 people") && few.contains("rule of 30"), "{few}");
    assert_eq!(rule_of_three(3_000), 1e-3);
    assert_eq!(rule_of_three(0), 1.0);
}
