//! How many codes are read, and in what time: ours beside zbar and OpenCV, over the same computed photographs in the same
//! run, one thread each, CPU time.
//!
//! `cargo xtask bench --only codes` builds this program, installs the peers and starts it; `codes/BENCHMARKS.md` says what
//! the figures mean. Our side is measured in two ways: `ours` is the door's, whose budget carries over from picture to
//! picture; `ours, plain` is the first pass alone.

mod peer;
#[allow(dead_code, reason = "the tests use the rest")]
mod scene;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use codes::{Finder, Luma, Pass};
use rustix::time::{ClockId, clock_gettime};
use scene::{LEVELS, Photograph};
use serde::{Deserialize, Serialize};

/// The sizes that cameras of doors deliver.
const SIZES: [(usize, usize); 2] = [(640, 480), (1280, 720)];

/// Read difficult codes, beside zbar and OpenCV.
#[derive(Parser)]
struct Arguments {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// Photographs of each level and size
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..=500))]
    photographs: u16,
    /// Number of the first photograph of each level: those below 12 are the ones that ours was tuned on
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(..500))]
    first: u16,
    /// Mean time that ours may take for a picture, in microseconds
    #[arg(long, value_name = "US", default_value_t = 3000)]
    allowance_us: u64,
    /// Measure ours alone
    #[arg(long)]
    alone: bool,
    /// The interpreter of the environment that `cargo xtask bench` makes
    #[arg(long, value_name = "FILE", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/fetched/python/bin/python"))]
    python: PathBuf,
    /// Folder for the photographs
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    out: PathBuf,
}

/// What one reader made of one picture.
#[derive(Deserialize)]
struct Looked {
    texts: Vec<String>,
    ms: f64,
}

/// One reader over all photographs of one size.
#[derive(Serialize)]
struct Figure {
    figure: String,
    reader: String,
    photographs: usize,
    hits_by_level: [usize; LEVELS.len()],
    hits: usize,
    wrong: usize,
    cpu_ms_mean: f64,
    cpu_ms_median: f64,
    cpu_ms_max: f64,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("bench-codes: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let allowance = Duration::from_micros(arguments.allowance_us);
    for (width, height) in SIZES {
        let photographs =
            scene::set(u64::from(arguments.first), u64::from(arguments.photographs), width, height);
        let print = |reader: &str, looked: &[Looked]| {
            figure(format!("codes_{height}p"), reader, &photographs, looked).print(arguments.json)
        };
        let mut finder = Finder::new(allowance);
        print("ours", &ours(&photographs, |picture| finder.find(picture, cpu_time)))?;
        let rooms: Vec<_> =
            (0..24).map(|number| scene::room(number, number as usize % 5, width, height)).collect();
        let empty = ours(&rooms, |picture| finder.find(picture, cpu_time));
        figure(format!("codes_{height}p_empty_rooms"), "ours", &rooms, &empty).print(arguments.json)?;
        print("ours, plain", &ours(&photographs, |picture| finder.look(Pass::Plain, picture)))?;
        if !arguments.alone {
            let folder = folder(&arguments.out, height, &photographs)?;
            for peer in ["zbar", "opencv"] {
                let (name, looked) = peer::look(&arguments.python, peer, &folder)?;
                print(&name, &looked)?;
            }
        }
    }
    Ok(())
}

/// CPU time of this thread: what other programs take meanwhile is not ours.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).expect("CPU time is not negative");
    Duration::new(seconds, u32::try_from(time.tv_nsec).expect("below a second"))
}

fn ours(photographs: &[Photograph], mut find: impl FnMut(Luma) -> Vec<codes::Text>) -> Vec<Looked> {
    let look = |photograph: &Photograph| {
        let Photograph { width, height, luma, .. } = photograph;
        let picture = Luma::grey(*width, *height, *width, luma).expect("the photograph is whole");
        let started = cpu_time();
        let texts = find(picture);
        let ms = (cpu_time() - started).as_secs_f64() * 1e3;
        Looked { texts: texts.iter().map(|text| text.as_str().to_owned()).collect(), ms }
    };
    photographs.iter().map(look).collect()
}

/// Writes the photographs for the peers; gives back where.
fn folder(out: &Path, height: usize, photographs: &[Photograph]) -> io::Result<PathBuf> {
    let folder = out.join(format!("codes-{height}"));
    fs::create_dir_all(&folder)?;
    let name = |number: usize| format!("{number:03}.pgm");
    for (number, Photograph { width, height, luma, .. }) in photographs.iter().enumerate() {
        let mut file = format!("P5\n{width} {height}\n255\n").into_bytes();
        file.extend_from_slice(luma);
        fs::write(folder.join(name(number)), file)?;
    }
    let names: Vec<_> = (0..photographs.len()).map(name).collect();
    fs::write(folder.join("pictures.json"), serde_json::to_vec(&names)?)?;
    Ok(folder)
}

fn figure(name: String, reader: &str, photographs: &[Photograph], looked: &[Looked]) -> Figure {
    let (mut hits_by_level, mut wrong) = ([0; LEVELS.len()], 0);
    for (photograph, looked) in photographs.iter().zip(looked) {
        let all =
            !photograph.texts.is_empty() && photograph.texts.iter().all(|text| looked.texts.contains(text));
        hits_by_level[photograph.level] += usize::from(all);
        wrong += looked.texts.iter().filter(|text| !photograph.texts.contains(text)).count();
    }
    let mut times: Vec<f64> = looked.iter().map(|looked| looked.ms).collect();
    times.sort_by(f64::total_cmp);
    Figure {
        figure: name,
        reader: reader.to_owned(),
        photographs: photographs.len(),
        hits_by_level,
        hits: hits_by_level.iter().sum(),
        wrong,
        cpu_ms_mean: times.iter().sum::<f64>() / times.len() as f64,
        cpu_ms_median: times[times.len() / 2],
        cpu_ms_max: times[times.len() - 1],
    }
}

impl Figure {
    fn print(&self, json: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if json {
            return writeln!(
                out,
                "{}",
                serde_json::to_string(self).expect("our own values have string keys")
            );
        }
        let Self { figure, reader, photographs, hits_by_level, hits, wrong, .. } = self;
        let Self { cpu_ms_mean, cpu_ms_median, cpu_ms_max, .. } = self;
        writeln!(
            out,
            "{figure:<24} {reader:<14} levels 0 to 4: {hits_by_level:>2?}  {hits:>3} of {photographs}, {wrong} wrong; \
             CPU ms mean {cpu_ms_mean:.2}, median {cpu_ms_median:.2}, most {cpu_ms_max:.2}"
        )
    }
}
