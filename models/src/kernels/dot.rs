//! The fully connected layer: one long input times rows of weights that are read once, as fast as memory gives them.

use super::lanes::Lanes;
use super::{Block, LANES};

/// Inner products with four rows at a time, so that the input is read a quarter as often as the weights.
///
/// # Safety
/// As [`Lanes`]; `weights` must hold four times as many blocks as `input`.
#[inline(always)]
pub(super) unsafe fn dot4<V: Lanes>(input: &[Block], weights: &[Block]) -> [f32; 4] {
    debug_assert_eq!(weights.len(), input.len() * 4);
    let (input_start, row_length) = (input.as_ptr().cast::<f32>(), input.len() * LANES);
    let rows: [*const f32; 4] =
        std::array::from_fn(|row| weights.as_ptr().cast::<f32>().wrapping_add(row * row_length));
    unsafe {
        let mut sums = [[V::splat(0.0); 2]; 4];
        for place in (0..row_length).step_by(2 * V::COUNT) {
            for half in 0..2 {
                let place = place + half * V::COUNT;
                if place < row_length {
                    let value = V::load(input_start.add(place));
                    for (row, sums) in rows.iter().zip(&mut sums) {
                        sums[half] = sums[half].multiply_add(value, V::load(row.add(place)));
                    }
                }
            }
        }
        sums.map(|[even, odd]| {
            let mut lanes = [0f32; LANES];
            even.add(odd).store(lanes.as_mut_ptr());
            lanes.iter().sum()
        })
    }
}
