//! Brute force for many probes at once: the answer that [`super::Index`] must give, by no other means than comparing every
//! probe with every row.
//!
//! It is [`Gallery::search`] with its loops exchanged. Sixteen rows are turned on their side, so that one register holds
//! the same number of each, and all probes are compared with them while they are in the nearest cache. For each pair the
//! same products are added in the same order as the gallery adds them, so the scores are the same to the last bit.

use gate::{Candidates, Gallery, ModelMismatch, Probe, Score};

use super::wanted::{BestPersons, Met, Nearest, Wanted};

/// Rows side by side.
const ROWS: usize = 16;
/// The gallery adds up eight sums, of every eighth product each.
const SUMS: usize = 8;

/// What one probe should find.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// The two best persons.
    pub persons: Candidates,
    /// The best rows, best first and of equals the first.
    pub rows: Vec<(usize, Score)>,
}

/// Compares every probe with every row: the two best persons and the `count` best rows of each.
///
/// # Errors
/// [`ModelMismatch`] if another model made a probe.
pub fn search(gallery: &Gallery, probes: &[Probe], count: usize) -> Result<Vec<Expected>, ModelMismatch> {
    probes.iter().try_for_each(|probe| gallery.check(&probe.0))?;
    let mut found: Vec<_> = probes.iter().map(|_| (BestPersons::default(), Nearest::new(count))).collect();
    let mut turned = vec![[0.0; ROWS]; gallery.width()];
    for first in (0..gallery.references()).step_by(ROWS) {
        let rows = ROWS.min(gallery.references() - first);
        for lane in 0..rows {
            turned
                .iter_mut()
                .zip(gallery.vector(first + lane))
                .for_each(|(turned, number)| turned[lane] = *number);
        }
        for (probe, (persons, nearest)) in probes.iter().zip(&mut found) {
            let scores = scores(probe.0.vector(), &turned);
            for (lane, &score) in scores[..rows].iter().enumerate() {
                let met = Met { gallery, within: first + lane, row: first + lane, score: Score(score) };
                if score >= persons.needed() {
                    persons.meet(met);
                }
                if score >= nearest.needed() {
                    nearest.meet(met);
                }
            }
        }
    }
    let expected =
        |(persons, nearest): (BestPersons, Nearest)| Expected { persons: persons.0, rows: nearest.rows };
    Ok(found.into_iter().map(expected).collect())
}

/// The scores of sixteen rows, in the order of operations of the gallery's own sum.
fn scores(probe: &[f32], turned: &[[f32; ROWS]]) -> [f32; ROWS] {
    let ((probe, probe_rest), (rows, rows_rest)) = (probe.as_chunks::<SUMS>(), turned.as_chunks::<SUMS>());
    let mut scores = [0.0; ROWS];
    for number in 0..SUMS {
        let mut sums = [0.0; ROWS];
        for (probe, rows) in probe.iter().zip(rows) {
            add(&mut sums, probe[number], &rows[number]);
        }
        add(&mut scores, 1.0, &sums);
    }
    let mut rest = [0.0; ROWS];
    for (number, rows) in probe_rest.iter().zip(rows_rest) {
        add(&mut rest, *number, rows);
    }
    add(&mut scores, 1.0, &rest);
    scores
}

#[inline(always)]
fn add(sums: &mut [f32; ROWS], number: f32, rows: &[f32; ROWS]) {
    for lane in 0..ROWS {
        sums[lane] += number * rows[lane];
    }
}
