//! Checks that the index finds what brute force finds, for as many references and probes as one likes.
//!
//! `check-search --references 1000000 --probes 10000 --seed 1` makes synthetic people with up to three templates each, and
//! probes half of which are new pictures of people in the gallery; some templates are there twice, under two names. Every
//! probe is searched by every road and compared with all rows in full: the same persons, the same ten rows in the same
//! order, the same scores to the last bit. A difference is printed and makes the program fail.

use std::{
    error::Error,
    process::ExitCode,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use clap::{Parser, ValueEnum};
use gate::{Gallery, ModelId, PersonId, Probe, Reference, Standing, Template};
use models::search::{
    Index, Workers, exhaustive,
    synthetic::{People, Spread},
};

const WIDTH: usize = 128;
/// Best rows that are compared.
const BEST: usize = 10;
/// Probes that brute force takes in one pass over the gallery: their best rows stay in the caches.
const BATCH: usize = 1000;

/// Compare the index with brute force.
#[derive(Parser)]
struct Arguments {
    /// Templates in the gallery
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    references: usize,
    /// Searches
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    probes: usize,
    /// Where the random numbers start
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How templates spread
    #[arg(long, value_enum, default_value_t = Like::Faces)]
    like: Like,
    /// Threads of brute force and of the search that is made together [default: one for each processor]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Like {
    /// As those of real faces do
    Faces,
    /// In all directions alike
    Isotropic,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(differences) => {
            eprintln!("{differences} searches differ from brute force");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns how many probes found something else than brute force.
fn run(arguments: &Arguments) -> Result<usize, Box<dyn Error>> {
    let threads = match arguments.threads {
        Some(threads) => threads,
        None => thread::available_parallelism()?.get(),
    };
    let (gallery, probes) = sample(arguments)?;
    eprintln!("{} references, {} probes; searching …", gallery.references(), probes.len());
    let alone = Index::new(gallery.clone(), &Workers::none());
    let together = Index::new(gallery.clone(), &Workers::start(threads)?);
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || -> Result<(usize, Duration, Duration), gate::ModelMismatch> {
        let (mut differences, mut brute, mut searching) = (0, Duration::ZERO, Duration::ZERO);
        loop {
            let first = next.fetch_add(BATCH, Ordering::Relaxed);
            let Some(batch) =
                probes.get(first..probes.len().min(first + BATCH)).filter(|batch| !batch.is_empty())
            else {
                return Ok((differences, brute, searching));
            };
            let started = Instant::now();
            let expected = exhaustive::search(&gallery, batch, BEST)?;
            brute += started.elapsed();
            let started = Instant::now();
            for (at, (probe, expected)) in batch.iter().zip(&expected).enumerate() {
                let same = [alone.search(probe)?, alone.search_every_code(probe)?, together.search(probe)?]
                    .iter()
                    .all(|found| *found == expected.persons)
                    && alone.nearest(probe, BEST)? == expected.rows
                    && together.nearest(probe, BEST)? == expected.rows;
                if !same {
                    println!("probe {} differs", first + at);
                    differences += 1;
                }
            }
            searching += started.elapsed();
            eprintln!("{} probes compared", done.fetch_add(batch.len(), Ordering::Relaxed) + batch.len());
        }
    };
    let results: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().map_err(|_| "a worker stopped without a result"))
            .collect()
    });
    let (mut differences, mut brute, mut searching) = (0, Duration::ZERO, Duration::ZERO);
    for result in results {
        let (found, by_brute_force, by_index) = result??;
        differences += found;
        brute += by_brute_force;
        searching += by_index;
    }
    println!(
        "{} of {} probes identical to brute force over {} references ({:.0} s of brute force, {:.0} s of five searches each)",
        probes.len() - differences,
        probes.len(),
        gallery.references(),
        brute.as_secs_f64(),
        searching.as_secs_f64(),
    );
    Ok(differences)
}

/// A gallery, and probes half of which show somebody in it.
fn sample(arguments: &Arguments) -> Result<(Gallery, Vec<Probe>), Box<dyn Error>> {
    let spread = match arguments.like {
        Like::Faces => Spread::Faces,
        Like::Isotropic => Spread::Isotropic,
    };
    let model = ModelId::new("synthetic");
    let mut people = People::new(spread, WIDTH, arguments.seed);
    let mut gallery = Gallery::new(model.clone(), WIDTH);
    let mut probes = Vec::new();
    let mut number: u128 = 0;
    while gallery.references() < arguments.references {
        let enrolled = 1 + (number % 3) as usize;
        let mut templates = people.person(enrolled + 1);
        let picture = templates.pop().expect("one more than is enrolled");
        for vector in templates {
            // Every hundredth person is there again under another name.
            for name in 0..if number.is_multiple_of(100) { 2 } else { 1 } {
                if gallery.references() < arguments.references {
                    let person = PersonId((number << 1 | name).to_be_bytes());
                    let template = Template::new(model.clone(), vector.clone())?;
                    gallery.insert(&Reference { person, standing: Standing::Active, template })?;
                }
            }
        }
        if probes.len() < arguments.probes / 2 {
            probes.push(Probe(Template::new(model.clone(), picture)?));
        }
        number += 1;
    }
    while probes.len() < arguments.probes {
        probes.push(Probe(Template::new(model.clone(), people.person(1).swap_remove(0))?));
    }
    Ok((gallery, probes))
}
