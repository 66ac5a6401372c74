//! The ledger in the simulator, in short: an honest stretch of seeds in which nothing breaks, and every planted bug found.
//! The long run is `cargo run --release -p tests --bin simulate -- --runs 10000`.

use tests::simulator::{
    plan::{Plan, Plant},
    run,
};

#[test]
fn nothing_breaks_in_the_first_seeds() {
    for seed in 1..=10 {
        let broken = run(&Plan::of(seed), None, None).broken;
        assert_eq!(broken, None, "seed {seed}");
    }
}

#[test]
fn a_seed_tells_the_same_story_again() {
    let plan = Plan::of(7);
    let once = run(&plan, None, None);
    let again = run(&plan, None, None);
    assert_eq!((once.records, once.erased), (again.records, again.erased));
}

/// Each bug is looked for with the property that is meant to notice it and no other.
#[test]
fn every_planted_bug_is_found() {
    const RUNS: u64 = 600;
    let missed: Vec<&str> = Plant::ALL
        .iter()
        .filter(|(plant, _, finds)| {
            !(1..=RUNS).any(|seed| run(&Plan::of(seed), Some(*plant), Some(finds[0])).broken.is_some())
        })
        .map(|(_, name, _)| *name)
        .collect();
    assert_eq!(missed, Vec::<&str>::new(), "not found within {RUNS} runs");
}
