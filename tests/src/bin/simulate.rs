//! Runs the simulator: `cargo run --release -p tests --bin simulate -- --seed N --runs M [--property P] [--plant BUG]`.

use std::{process::ExitCode, time::Instant};

use tests::simulator::{
    plan::{Plan, Plant},
    run, shrink,
    truth::PROPERTIES,
};

fn main() -> ExitCode {
    match arguments(std::env::args().skip(1)) {
        Some(asked) => simulate(&asked),
        None => usage(),
    }
}

struct Asked {
    seed: u64,
    runs: u64,
    property: Option<u8>,
    plant: Option<Plant>,
}

fn arguments(mut words: impl Iterator<Item = String>) -> Option<Asked> {
    let mut asked = Asked { seed: 1, runs: 1_000, property: None, plant: None };
    while let Some(word) = words.next() {
        let value = words.next()?;
        match word.as_str() {
            "--seed" => asked.seed = value.parse().ok()?,
            "--runs" => asked.runs = value.parse().ok()?,
            "--property" => asked.property = Some(value.parse().ok().filter(|it| (1..=14).contains(it))?),
            "--plant" => asked.plant = Some(Plant::ALL.iter().find(|(_, name, _)| *name == value)?.0),
            _ => return None,
        }
    }
    Some(asked)
}

fn usage() -> ExitCode {
    println!("simulate [--seed N] [--runs M] [--property 1..14] [--plant BUG]\n\nProperties:");
    for (number, name, how) in PROPERTIES {
        println!("  {number:2} {name}: {how}");
    }
    println!("\nBugs to plant, and the properties that notice:");
    for (_, name, finds) in Plant::ALL {
        println!("  {name}: {finds:?}");
    }
    ExitCode::from(2)
}

fn simulate(asked: &Asked) -> ExitCode {
    let began = Instant::now();
    let (mut records, mut erased) = (0, 0);
    for seed in asked.seed..asked.seed.saturating_add(asked.runs) {
        let plan = Plan::of(seed);
        let outcome = run(&plan, asked.plant, asked.property);
        records += outcome.records;
        erased += outcome.erased;
        if let Some((property, story)) = outcome.broken {
            println!("seed {seed}: property {property} broke: {story}");
            let found = began.elapsed().as_secs_f64();
            tell(&plan, asked.plant, property);
            println!("after {} runs, {found:.1} s", seed - asked.seed + 1);
            return ExitCode::FAILURE;
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{} runs, {records} records, {erased} erasures completed, {seconds:.1} s: nothing broke",
        asked.runs
    );
    ExitCode::SUCCESS
}

fn tell(plan: &Plan, plant: Option<Plant>, property: u8) {
    let shortest = shrink(plan, plant, property);
    println!("{} kiosks; stores set back: {:?}", shortest.kiosks, shortest.restores);
    for (number, action) in shortest.actions.iter().enumerate() {
        println!("{:3}. {} ({:016x})", number + 1, action.deed, action.salt);
    }
    if let Some((_, story)) = run(&shortest, plant, Some(property)).broken {
        println!("then nothing more goes wrong, and: {story}");
    }
}
