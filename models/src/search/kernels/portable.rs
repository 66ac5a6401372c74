//! The kernel that runs anywhere, and that the others are tested against.

use super::{Found, Pass};
use crate::search::codes::{Line, ROWS};

pub(super) fn coarse(pass: &Pass<'_>) -> Option<Found> {
    first(pass, |upper, _, words| dot(upper, words))
}

pub(super) fn fine(pass: &Pass<'_>) -> Option<Found> {
    first(pass, |upper, lower, words| {
        let (upper, lower) = (dot(upper, words), dot(lower, words));
        std::array::from_fn(|lane| 16 * upper[lane] + lower[lane])
    })
}

fn first(pass: &Pass<'_>, sums: impl Fn(&[Line], &[Line], &[i32]) -> [i32; ROWS]) -> Option<Found> {
    let planes = pass.upper.chunks_exact(pass.lines).zip(pass.lower.chunks_exact(pass.lines));
    planes.zip(pass.bounds).enumerate().find_map(|(block, ((upper, lower), bounds))| {
        let sums = sums(upper, lower, pass.words);
        let reaches = |lane: &usize| pass.reach.of(sums[*lane], bounds.0[*lane]) >= pass.needed;
        let lanes = (0..ROWS).filter(reaches).fold(0, |lanes, lane| lanes | 1 << lane);
        (lanes != 0).then_some(Found { block: pass.first + block, lanes })
    })
}

/// Sixteen dot products of halves of bytes (0 to 15) with the probe's codes.
fn dot(lines: &[Line], words: &[i32]) -> [i32; ROWS] {
    let mut sums = [0; ROWS];
    for (line, words) in lines.iter().zip(words.as_chunks::<2>().0) {
        let (lower, upper) = (words[0].to_le_bytes(), words[1].to_le_bytes());
        let (rows, _) = line.0.as_chunks::<4>();
        for (sum, bytes) in sums.iter_mut().zip(rows) {
            for j in 0..4 {
                *sum += i32::from(bytes[j] & 15) * i32::from(lower[j] as i8);
                *sum += i32::from(bytes[j] >> 4) * i32::from(upper[j] as i8);
            }
        }
    }
    sums
}
