//! Every picture compared with every other: true match rates at small false match rates.

use gate::Template;
use rayon::prelude::*;

/// Rows that one job compares with everything after them.
const ROWS_PER_JOB: usize = 64;

/// The result of comparing all pictures with each other.
#[derive(Debug, Clone, PartialEq)]
pub struct AllAgainstAll {
    /// Comparisons of two pictures of one person, misses included.
    pub genuine: u64,
    /// Comparisons of two persons, both of whose pictures gave a template.
    pub impostor: u64,
    /// One for each false match rate that was asked for.
    pub points: Vec<MeasuredPoint>,
}

/// The threshold for a false match rate, and what it costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeasuredPoint {
    /// The false match rate that was asked for.
    pub fmr: f64,
    /// The lowest score that keeps it; `None` if there are fewer than `1 / fmr` impostor comparisons.
    pub threshold: Option<f32>,
    /// Share of the genuine comparisons at or above the threshold.
    pub tmr: Option<f64>,
}

/// Compares every two of the pictures. `people[i]` says whose picture `templates[i]` came from; `None` is a miss. A genuine
/// comparison with a miss is no match; an impostor comparison with a miss is not counted.
///
/// The thresholds are exact: the highest impostor scores are kept, as many as the largest rate allows.
#[must_use]
pub fn all_against_all(people: &[usize], templates: &[Option<Template>], rates: &[f64]) -> AllAgainstAll {
    let impostor = impostor_comparisons(people, templates);
    let allowed = |rate: f64| (rate * impostor as f64).floor() as usize;
    let most = rates.iter().copied().map(allowed).max().unwrap_or(0);
    let jobs: Vec<usize> = (0..people.len()).step_by(ROWS_PER_JOB).collect();
    let found = jobs
        .into_par_iter()
        .map(|first| compare_rows(people, templates, first, most + 1))
        .reduce(|| Found::new(most + 1), Found::merge);
    let mut highest = found.impostor.values();
    highest.sort_by(|left, right| right.total_cmp(left));
    let point = |fmr: f64| {
        let threshold =
            (allowed(fmr) > 0).then(|| highest.get(allowed(fmr)).map_or(-1.0, |score| score.next_up()));
        let matches =
            |threshold: f32| found.genuine.iter().filter(|score| **score >= threshold).count() as f64;
        let tmr = threshold.map(|threshold| matches(threshold) / found.genuine.len().max(1) as f64);
        MeasuredPoint { fmr, threshold, tmr }
    };
    let points = rates.iter().copied().map(point).collect();
    AllAgainstAll { genuine: found.genuine.len() as u64, impostor, points }
}

/// Pairs of templates of different people: all pairs, less those of one person.
fn impostor_comparisons(people: &[usize], templates: &[Option<Template>]) -> u64 {
    let pairs = |count: u64| count * count.saturating_sub(1) / 2;
    let mut per_person = std::collections::HashMap::<usize, u64>::new();
    for (person, _) in people.iter().zip(templates).filter(|(_, template)| template.is_some()) {
        *per_person.entry(*person).or_default() += 1;
    }
    pairs(per_person.values().sum()) - per_person.values().map(|count| pairs(*count)).sum::<u64>()
}

/// Scores of some comparisons: all genuine ones, the highest impostor ones.
struct Found {
    genuine: Vec<f32>,
    impostor: Highest,
}

impl Found {
    fn new(keep: usize) -> Self {
        Self { genuine: Vec::new(), impostor: Highest { keep, values: Vec::new() } }
    }

    fn merge(mut self, other: Self) -> Self {
        self.genuine.extend(other.genuine);
        other.impostor.values.into_iter().for_each(|score| self.impostor.add(score));
        self
    }
}

fn compare_rows(people: &[usize], templates: &[Option<Template>], first: usize, keep: usize) -> Found {
    let mut found = Found::new(keep);
    for left in first..(first + ROWS_PER_JOB).min(people.len()) {
        for right in left + 1..people.len() {
            let score = match (&templates[left], &templates[right]) {
                (Some(left), Some(right)) => left.compare(right).ok().map(|score| score.0),
                (None, _) | (_, None) => None,
            };
            match (people[left] == people[right], score) {
                (true, score) => found.genuine.push(score.unwrap_or(f32::NEG_INFINITY)),
                (false, Some(score)) => found.impostor.add(score),
                (false, None) => {}
            }
        }
    }
    found
}

/// The highest `keep` of many values, in memory for twice as many.
struct Highest {
    keep: usize,
    values: Vec<f32>,
}

impl Highest {
    fn add(&mut self, value: f32) {
        self.values.push(value);
        if self.values.len() >= self.keep * 2 + ROWS_PER_JOB {
            self.trim();
        }
    }

    fn trim(&mut self) {
        if self.values.len() > self.keep {
            self.values.select_nth_unstable_by(self.keep, |left, right| right.total_cmp(left));
            self.values.truncate(self.keep);
        }
    }

    fn values(mut self) -> Vec<f32> {
        self.trim();
        self.values
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use gate::ModelId;

    use super::*;

    fn templates(count: usize) -> Vec<Option<Template>> {
        let mut seed = 7u32;
        let mut random = move || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        let model = ModelId::new("toy");
        (0..count).map(|_| Template::new(model.clone(), (0..16).map(|_| random()).collect()).ok()).collect()
    }

    #[test]
    fn thresholds_and_match_rates_are_those_of_the_definition() {
        let people: Vec<usize> = (0..300).map(|picture| picture / 3).collect();
        let mut templates = templates(300);
        templates[17] = None;
        let result = all_against_all(&people, &templates, &[1e-1, 1e-3, 1e-6]);

        let (mut genuine, mut impostor) = (Vec::new(), Vec::new());
        for left in 0..300 {
            for right in left + 1..300 {
                let score = templates[left]
                    .as_ref()
                    .zip(templates[right].as_ref())
                    .map(|(a, b)| a.compare(b).unwrap().0);
                match (people[left] == people[right], score) {
                    (true, score) => genuine.push(score.unwrap_or(-2.0)),
                    (false, Some(score)) => impostor.push(score),
                    (false, None) => {}
                }
            }
        }
        assert_eq!((result.genuine, result.impostor), (genuine.len() as u64, impostor.len() as u64));
        for point in &result.points[..2] {
            let threshold = point.threshold.unwrap();
            let rate = |at: f32| {
                impostor.iter().filter(|score| **score >= at).count() as f64 / impostor.len() as f64
            };
            assert!(rate(threshold) <= point.fmr && rate(threshold.next_down()) > point.fmr, "{point:?}");
            let matches = genuine.iter().filter(|score| **score >= threshold).count();
            assert_eq!(point.tmr.unwrap(), matches as f64 / genuine.len() as f64);
        }
        assert_eq!(
            (result.points[2].threshold, result.points[2].tmr),
            (None, None),
            "44,000 impostors say nothing of 1e-6"
        );
    }
}
