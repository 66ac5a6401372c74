//! Every picture compared with every other, and who was in the comparison: the scores that a calibration rests on.
//!
//! All genuine scores are kept, and the highest impostor scores with both persons' numbers, because comparisons that share
//! a person are not independent.

use gate::Template;
use rayon::prelude::*;

use super::LOOSEST_RATE;

/// Rows that one job compares with everything after them.
const ROWS_PER_JOB: usize = 64;

/// How much more of the impostor scores is kept than the loosest operating point needs, for its interval.
const SPARE: f64 = 2.5;

/// Impostor scores that are kept in any case.
const FEWEST_KEPT: usize = 1_000;

/// One impostor comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Impostor {
    /// Cosine.
    pub score: f32,
    /// The one person, by number.
    pub left: u32,
    /// The other.
    pub right: u32,
}

/// The result of comparing all pictures with each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// How many pictures each person has.
    pub pictures: Vec<u64>,
    /// Scores of two pictures of one person, in rising order.
    pub genuine: Vec<f32>,
    /// Comparisons of two persons.
    pub impostors: u64,
    /// The highest of them, in falling order.
    pub highest: Vec<Impostor>,
}

impl Compared {
    /// Compares all templates with each other. `people[i]` says whose `templates[i]` is; persons are numbered from 0.
    ///
    /// # Errors
    /// [`gate::ModelMismatch`] if the templates come from different models.
    pub fn all(people: &[u32], templates: &[Template]) -> Result<Self, gate::ModelMismatch> {
        let pictures = counts(people);
        let impostors = pairs_of_persons(&pictures);
        let keep = ((impostors as f64 * LOOSEST_RATE * SPARE) as usize).max(FEWEST_KEPT);
        let jobs: Vec<usize> = (0..people.len()).step_by(ROWS_PER_JOB).collect();
        let found = jobs
            .into_par_iter()
            .map(|first| compare_rows(people, templates, first, keep))
            .try_reduce(|| (Vec::new(), Vec::new()), |left, right| Ok(merge(left, right, keep)));
        let (mut genuine, mut highest) = found?;
        genuine.sort_by(f32::total_cmp);
        // Equal scores are ordered by their persons, so that the order of the jobs leaves no trace.
        highest.sort_by(|left, right| {
            right.score.total_cmp(&left.score).then((left.left, left.right).cmp(&(right.left, right.right)))
        });
        highest.truncate(keep);
        Ok(Self { pictures, genuine, impostors, highest })
    }

    /// Share of the genuine comparisons at or above `threshold`.
    #[must_use]
    pub fn match_rate(&self, threshold: f32) -> f64 {
        let below = self.genuine.partition_point(|score| *score < threshold);
        (self.genuine.len() - below) as f64 / self.genuine.len().max(1) as f64
    }
}

fn counts(people: &[u32]) -> Vec<u64> {
    let mut pictures = vec![0; people.iter().max().map_or(0, |last| *last as usize + 1)];
    people.iter().for_each(|person| pictures[*person as usize] += 1);
    pictures
}

/// Comparisons of two persons, if each person counts with this weight: half of the square of the sum less the squares.
pub(super) fn pairs_of_persons(weights: &[u64]) -> u64 {
    let sum: u64 = weights.iter().sum();
    let squares: u64 = weights.iter().map(|weight| weight * weight).sum();
    (sum * sum - squares) / 2
}

type Found = (Vec<f32>, Vec<Impostor>);

fn compare_rows(
    people: &[u32],
    templates: &[Template],
    first: usize,
    keep: usize,
) -> Result<Found, gate::ModelMismatch> {
    let (mut genuine, mut highest) = (Vec::new(), Vec::new());
    for left in first..(first + ROWS_PER_JOB).min(people.len()) {
        for right in left + 1..people.len() {
            let score = templates[left].compare(&templates[right])?.0;
            if people[left] == people[right] {
                genuine.push(score);
            } else {
                let (one, other) = (people[left].min(people[right]), people[left].max(people[right]));
                highest.push(Impostor { score, left: one, right: other });
            }
        }
        trim(&mut highest, keep);
    }
    Ok((genuine, highest))
}

fn merge(mut left: Found, right: Found, keep: usize) -> Found {
    left.0.extend(right.0);
    left.1.extend(right.1);
    trim(&mut left.1, keep);
    left
}

/// Keeps the highest and whatever equals the last of them, so that no order of work decides which of equals stay.
fn trim(scores: &mut Vec<Impostor>, keep: usize) {
    if scores.len() > keep * 2 {
        scores.select_nth_unstable_by(keep, |left, right| right.score.total_cmp(&left.score));
        let last = scores[keep].score;
        scores.retain(|impostor| impostor.score >= last);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::synthetic;
    use super::*;

    #[test]
    fn every_pair_is_compared_once_and_the_highest_are_kept_in_order() {
        let (people, templates) = synthetic::templates(60, 3, 11);
        let compared = Compared::all(&people, &templates).unwrap();
        let (mut genuine, mut impostors) = (Vec::new(), Vec::new());
        for left in 0..people.len() {
            for right in left + 1..people.len() {
                let score = templates[left].compare(&templates[right]).unwrap().0;
                if people[left] == people[right] { genuine.push(score) } else { impostors.push(score) }
            }
        }
        genuine.sort_by(f32::total_cmp);
        impostors.sort_by(|left, right| right.total_cmp(left));
        assert_eq!(compared.genuine, genuine);
        assert_eq!(compared.impostors, impostors.len() as u64);
        let highest: Vec<f32> = compared.highest.iter().map(|impostor| impostor.score).collect();
        assert_eq!(highest, impostors[..highest.len()]);
        assert_eq!(highest.len(), FEWEST_KEPT);
        assert!(compared.highest.iter().all(|impostor| impostor.left < impostor.right));
    }

    #[test]
    fn templates_of_two_models_are_not_compared() {
        let (people, mut templates) = synthetic::templates(4, 1, 1);
        templates[2] = Template::new(gate::ModelId::new("other"), templates[2].vector().to_vec()).unwrap();
        assert!(Compared::all(&people, &templates).is_err());
    }
}
