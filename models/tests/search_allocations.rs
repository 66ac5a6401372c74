//! A search on one thread takes no memory from the system, whatever the gallery has been through. A kiosk searches at
//! every frame that shows a face, and runs for months.
//!
//! The only test of its file, since it counts what the whole program allocates.
#![allow(clippy::unwrap_used)]

#[path = "common/counting.rs"]
mod counting;

use counting::allocations;
use gate::{PersonId, Reference, Score, Standing};
use models::search::{Workers, figures::Sample, synthetic::Spread};

#[test]
fn a_search_allocates_nothing() {
    let sample = Sample::new(Spread::Faces, 20_000, 50, 3, &Workers::none());
    let person = PersonId([0xff; 16]);
    let added = Reference { person, standing: Standing::Active, template: sample.probes[0].0.clone() };
    let changed = sample.index.with_added(&[added]).unwrap().with_standing(person, Standing::Revoked);
    for index in [&sample.index, &changed] {
        for probe in &sample.probes {
            let before = allocations();
            let found = index.search(probe).unwrap();
            let mut above = 0;
            index.above(probe, Score(0.2), |_, _| above += 1).unwrap();
            assert_eq!(allocations() - before, 0);
            assert!(found.runner_up.is_some() && above > 0, "nothing was searched");
        }
    }
}
