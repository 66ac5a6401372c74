//! A place in one arena for every buffer, the same place for two that are never alive together.

use std::ops::RangeInclusive;

/// Where each buffer of these sizes begins and how large the arena is, all in blocks. `lives` says from which moment to which a buffer
/// holds something; one that is never used gets no room.
pub(crate) fn place(sizes: &[usize], lives: &[Option<RangeInclusive<usize>>]) -> (Vec<usize>, usize) {
    let mut order: Vec<usize> = (0..sizes.len()).filter(|buffer| lives[*buffer].is_some()).collect();
    // The largest first: small ones fit into the gaps between them.
    order.sort_by_key(|buffer| std::cmp::Reverse(sizes[*buffer]));
    let mut places = vec![0; sizes.len()];
    let mut placed: Vec<usize> = Vec::new();
    let mut arena = 0;
    for buffer in order {
        let size = sizes[buffer];
        let mut busy: Vec<(usize, usize)> = placed
            .iter()
            .filter(|other| together(&lives[buffer], &lives[**other]))
            .map(|other| (places[*other], places[*other] + sizes[*other]))
            .collect();
        busy.sort_unstable();
        let mut start = 0;
        for (from, to) in busy {
            if start + size <= from {
                break;
            }
            start = start.max(to);
        }
        places[buffer] = start;
        arena = arena.max(start + size);
        placed.push(buffer);
    }
    (places, arena)
}

fn together(left: &Option<RangeInclusive<usize>>, right: &Option<RangeInclusive<usize>>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => left.start() <= right.end() && right.start() <= left.end(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_chain_of_maps_needs_room_for_two() {
        let sizes = [100, 80, 100, 60];
        let lives: Vec<_> = (0..4).map(|step| Some(step..=step + 1)).collect();
        assert_eq!(place(&sizes, &lives).1, 180);
    }

    proptest! {
        #[test]
        fn buffers_that_are_alive_together_never_share_a_place(
            buffers in prop::collection::vec((1usize..50, 0usize..20, 0usize..10), 1..30)
        ) {
            let sizes: Vec<usize> = buffers.iter().map(|(size, ..)| *size).collect();
            let lives: Vec<_> = buffers.iter().map(|(_, start, length)| Some(*start..=start + length)).collect();
            let (places, arena) = place(&sizes, &lives);
            for left in 0..buffers.len() {
                prop_assert!(places[left] + sizes[left] <= arena);
                for right in 0..left {
                    let apart = places[left] + sizes[left] <= places[right]
                        || places[right] + sizes[right] <= places[left];
                    prop_assert!(apart || !together(&lives[left], &lives[right]));
                }
            }
        }
    }
}
