//! Accuracy over folds of pairs, each with the threshold that is best on the others.

use super::pairs::Pair;

/// The result over the folds. All shares are between 0 and 1.
#[derive(Debug, Clone, PartialEq)]
pub struct FoldAccuracy {
    /// Mean over the folds.
    pub mean: f64,
    /// Standard deviation over the folds (divided by their number).
    pub deviation: f64,
    /// Mean of the thresholds.
    pub threshold: f64,
    /// Genuine pairs.
    pub genuine: usize,
    /// Impostor pairs.
    pub impostor: usize,
}

/// The share of pairs that are judged rightly, fold by fold. `score` gives the comparison score of two pictures, `None`
/// if one of them is a miss: such a pair is an error, genuine or not, and no threshold is chosen by it.
#[must_use]
pub fn fold_accuracy(folds: &[Vec<Pair>], score: impl Fn(&Pair) -> Option<f32>) -> FoldAccuracy {
    let judged: Vec<Vec<(Option<f32>, bool)>> =
        folds.iter().map(|fold| fold.iter().map(|pair| (score(pair), pair.genuine)).collect()).collect();
    let (mut accuracies, mut thresholds) = (Vec::new(), Vec::new());
    for (held_out, fold) in judged.iter().enumerate() {
        let others =
            judged.iter().enumerate().filter(|(index, _)| *index != held_out).flat_map(|(_, fold)| fold);
        let threshold =
            best_threshold(others.filter_map(|(score, genuine)| Some(((*score)?, *genuine))).collect());
        let right = fold
            .iter()
            .filter(|(score, genuine)| score.is_some_and(|score| (score >= threshold) == *genuine));
        accuracies.push(right.count() as f64 / fold.len() as f64);
        thresholds.push(f64::from(threshold));
    }
    let mean = average(&accuracies);
    let squares: Vec<f64> = accuracies.iter().map(|accuracy| (accuracy - mean).powi(2)).collect();
    let genuine = folds.iter().flatten().filter(|pair| pair.genuine).count();
    FoldAccuracy {
        mean,
        deviation: average(&squares).sqrt(),
        threshold: average(&thresholds),
        genuine,
        impostor: folds.iter().map(Vec::len).sum::<usize>() - genuine,
    }
}

fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The threshold with the fewest errors, in the middle between the scores that it separates; of equals, the lowest.
fn best_threshold(mut scores: Vec<(f32, bool)>) -> f32 {
    scores.sort_by(|left, right| left.0.total_cmp(&right.0));
    // Below every score all are accepted: every impostor pair is an error.
    let mut errors = scores.iter().filter(|(_, genuine)| !genuine).count();
    let (mut fewest, mut best) = (errors, scores.first().map_or(0.0, |(score, _)| *score));
    for index in 0..scores.len() {
        // The threshold rises above this score.
        if scores[index].1 {
            errors += 1
        } else {
            errors -= 1
        }
        let next = scores.get(index + 1).map_or(f32::INFINITY, |(score, _)| *score);
        if errors < fewest && next > scores[index].0 {
            fewest = errors;
            best = if next.is_finite() {
                f32::midpoint(scores[index].0, next)
            } else {
                scores[index].0.next_up()
            };
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_threshold_lies_between_the_scores_that_it_separates() {
        assert_eq!(best_threshold(vec![(0.8, true), (0.2, false), (0.6, true), (0.4, false)]), 0.5);
        assert_eq!(best_threshold(vec![(0.8, true), (0.9, true)]), 0.8);
        assert!(best_threshold(vec![(0.8, false), (0.9, false)]) > 0.9);
        // One impostor above all genuine pairs: the error is accepted rather than every genuine pair refused.
        assert_eq!(best_threshold(vec![(0.25, false), (0.75, true), (0.8, true), (0.9, false)]), 0.5);
    }

    #[test]
    fn each_fold_is_judged_by_the_threshold_of_the_others_and_a_miss_is_an_error() {
        let pair = |left: usize, genuine: bool| Pair { left, right: 0, genuine };
        let folds: Vec<Vec<Pair>> =
            (0..4).map(|fold| vec![pair(fold * 2, true), pair(fold * 2 + 1, false)]).collect();
        let scores = [0.9, 0.1, 0.8, 0.2, 0.7, 0.3, 0.4, 0.35];
        let result = fold_accuracy(&folds, |pair| Some(scores[pair.left]));
        // The last fold's genuine pair (0.4) is refused by the threshold of the others, 0.5.
        assert_eq!(result.mean, 7.0 / 8.0);
        assert!((result.deviation - 0.216_506).abs() < 1e-6);
        assert_eq!((result.genuine, result.impostor), (4, 4));
        let with_miss = fold_accuracy(&folds, |pair| (pair.left != 1).then(|| scores[pair.left]));
        assert_eq!(with_miss.mean, 6.0 / 8.0);
    }
}
