//! `kiosk bench`: cold start, memory, and the stages from capture to commit, with a full gallery.
//!
//! Every figure that depends on the machine stands beside a bound that was measured in the same run: a commit beside a
//! plain write-and-sync on the same disk, a search beside one pass over as much memory. References are synthetic: unit
//! vectors with independent normal components from the given seed. Real templates cost the same time and memory.

use std::{
    error::Error,
    fs,
    hint::black_box,
    io::Write as _,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, mpsc::sync_channel},
    time::{Duration, Instant},
};

use boards::{Board, SimCamera};
use gate::{Policy, Template};
use models::{Card, Threads, Vision};
use serde::Serialize;
use store::Enrolment;

use super::{Outcome, vault};
use crate::{
    arguments::{self, Common},
    assets, clock,
    display::Display,
    door::{Door, Latency, Parts},
    output::Format,
    ui::{Notice, Setup},
};

/// Cold starts that are timed.
const STARTS: usize = 3;
/// Visits whose stages are timed.
const VISITS: usize = 7;
/// References that one transaction enrols.
const BATCH: u32 = 5_000;
/// How long a start may take before the benchmark gives up.
const LONGEST_START: Duration = Duration::from_secs(120);
const BOARD: &str = include_str!("../../../boards/boards/sim.toml");

#[derive(Serialize)]
struct Figures {
    /// The keys that every line of `cargo xtask bench --json` has. No peer does all that a kiosk does.
    figure: &'static str,
    /// From capture to commit.
    ours: f64,
    peer: Option<&'static str>,
    peer_value: Option<f64>,
    unit: &'static str,
    ratio: Option<f64>,
    references: u32,
    seed: u64,
    /// From `exec` to READY, in milliseconds: the median of the starts.
    cold_start_ms: f64,
    /// Resident memory when ready, in MiB.
    resident_mib: f64,
    /// The largest so far, in MiB.
    peak_mib: f64,
    /// Medians over the visits, in milliseconds.
    stages_ms: Latency,
    visits: usize,
    /// A 4 KiB write and sync of a plain file on the same disk, in milliseconds: the bound of a commit.
    sync_ms: f64,
    commit_per_sync: f64,
    /// One pass over as much memory as the gallery has, in milliseconds: the bound of a search.
    pass_ms: f64,
    search_per_pass: f64,
}

pub(crate) fn bench(common: &Common, format: Format, bench: &arguments::Bench) -> Outcome {
    let out = std::path::absolute(&bench.out)?;
    let data = out.join("data");
    if data.exists() {
        fs::remove_dir_all(&data)?;
    }
    fs::create_dir_all(&out)?;
    let board = out.join("sim.toml");
    fs::write(&board, BOARD)?;
    eprintln!("enrolling {} synthetic references (seed {}) …", bench.references, bench.seed);
    fill(&data, bench)?;
    eprintln!("timing {STARTS} cold starts …");
    let models = assets::models(common.models.as_deref())?;
    let starts = (0..STARTS).map(|_| start(&out, &board, &data, &models)).collect::<Result<Vec<_>, _>>()?;
    eprintln!("timing {VISITS} visits …");
    let stages = visits(common, &board, &data)?;
    let sync_ms = sync_bound(&out)?;
    let pass_ms = pass_bound(bench.references as usize * Card::sface().output.length);
    let figures = Figures {
        figure: "kiosk",
        ours: median(stages.iter().map(|stage| stage.total).collect()),
        peer: None,
        peer_value: None,
        unit: "ms",
        ratio: None,
        references: bench.references,
        seed: bench.seed,
        cold_start_ms: median(starts.iter().map(|start| start.ready_ms).collect()),
        resident_mib: median(starts.iter().map(|start| start.resident_mib).collect()),
        peak_mib: median(starts.iter().map(|start| start.peak_mib).collect()),
        visits: stages.len(),
        commit_per_sync: median(stages.iter().map(|stage| stage.commit).collect()) / sync_ms,
        search_per_pass: median(stages.iter().map(|stage| stage.search).collect()) / pass_ms,
        stages_ms: medians(&stages),
        sync_ms,
        pass_ms,
    };
    fs::write(out.join("figures.json"), serde_json::to_vec_pretty(&figures)?)?;
    format.print(&figures, text);
    Ok(())
}

fn fill(data: &Path, bench: &arguments::Bench) -> Outcome {
    vault::init_sample(data)?;
    let mut store = vault::open(data)?;
    let clock = clock::system();
    let card = Card::sface();
    let mut random = SplitMix(bench.seed);
    let mut left = bench.references;
    while left > 0 {
        let batch = left.min(BATCH);
        let enrolments = (0..batch).map(|_| {
            let vector = (0..card.output.length).map(|_| random.normal()).collect();
            let template = Template::new(card.model(), vector).expect("a random vector has a direction");
            Enrolment { name: "見本".into(), templates: vec![template], ..Enrolment::default() }
        });
        store.enrol_many(clock::now(clock.as_ref()), enrolments)?;
        left -= batch;
    }
    Ok(())
}

struct Start {
    ready_ms: f64,
    resident_mib: f64,
    peak_mib: f64,
}

/// Starts the program as a service manager would and waits for its READY.
fn start(out: &Path, board: &Path, data: &Path, models: &Path) -> Result<Start, Box<dyn Error>> {
    let address = out.join("notify.sock");
    _ = fs::remove_file(&address);
    let notify = UnixDatagram::bind(&address)?;
    notify.set_read_timeout(Some(LONGEST_START))?;
    let started = Instant::now();
    let mut kiosk = Command::new(std::env::current_exe()?)
        .args(["run", "--headless", "--board"])
        .arg(board)
        .arg("--data")
        .arg(data)
        .arg("--models")
        .arg(models)
        .env("NOTIFY_SOCKET", &address)
        .env("RUST_LOG", "warn")
        .stdout(Stdio::null())
        .spawn()?;
    let measured = wait_for_ready(&notify).and_then(|()| {
        let ready_ms = ms(started.elapsed());
        let status = fs::read_to_string(format!("/proc/{}/status", kiosk.id()))?;
        Ok(Start { ready_ms, resident_mib: mib(&status, "VmRSS"), peak_mib: mib(&status, "VmHWM") })
    });
    stop(&mut kiosk)?;
    measured
}

fn wait_for_ready(notify: &UnixDatagram) -> Result<(), Box<dyn Error>> {
    let mut buffer = [0; 4096];
    loop {
        let length =
            notify.recv(&mut buffer).map_err(|error| format!("the kiosk did not become ready: {error}"))?;
        if String::from_utf8_lossy(&buffer[..length]).lines().any(|line| line == "READY=1") {
            return Ok(());
        }
    }
}

fn stop(kiosk: &mut Child) -> Result<(), Box<dyn Error>> {
    // SIGTERM by the shell's own tool: no unsafe call, and the kiosk stops as it would at a door.
    Command::new("kill").arg(kiosk.id().to_string()).status()?;
    kiosk.wait()?;
    Ok(())
}

fn mib(status: &str, field: &str) -> f64 {
    let line = status.lines().find(|line| line.starts_with(field)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
}

/// Plays the same visitor again and again before the full gallery.
fn visits(common: &Common, board: &Path, data: &Path) -> Result<Vec<Latency>, Box<dyn Error>> {
    let photo = assets::photographs(None)?.join("person-a-2.jpg");
    let vision = Vision::load(&assets::models(common.models.as_deref())?, &Threads::start(1)?)?;
    let clock = clock::system();
    let interval = Duration::from_millis(100);
    let (camera, script) = SimCamera::scripted(Arc::clone(&clock), interval);
    let display = Display::open(
        true,
        false,
        Setup { notice: Notice::example(), readers: false, vehicle: false },
        |_| {},
    )?;
    let (reports, arrivals) = sync_channel(VISITS);
    let door = Door::start(Parts {
        agent_in: None,
        board: Board::load(board)?,
        store: vault::open(data)?,
        vision,
        policy: Policy { outcome_shown: Duration::ZERO, refusals_before_pause: u8::MAX, ..Policy::default() },
        panel: display.panel(),
        clock,
        camera: Some(Box::new(camera)),
        observer: Box::new(move |report| _ = reports.try_send(report.latency)),
        alert: Box::new(|_| ()),
    })?;
    let mut stages = Vec::new();
    let started = Instant::now();
    while stages.len() < VISITS && started.elapsed() < LONGEST_START {
        if script.pending() == 0 {
            script.show(&photo, 5)?;
        }
        if let Ok(latency) = arrivals.recv_timeout(interval) {
            stages.push(latency);
        }
    }
    door.stop();
    if stages.is_empty() { Err("no visit ended in the time given".into()) } else { Ok(stages) }
}

fn medians(stages: &[Latency]) -> Latency {
    let of = |field: fn(&Latency) -> f64| median(stages.iter().map(field).collect());
    Latency {
        wait: of(|stage| stage.wait),
        detect: of(|stage| stage.detect),
        align: of(|stage| stage.align),
        pad: of(|stage| stage.pad),
        embed: of(|stage| stage.embed),
        search: of(|stage| stage.search),
        gate: of(|stage| stage.gate),
        commit: of(|stage| stage.commit),
        total: of(|stage| stage.total),
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn ms(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

fn sync_bound(out: &Path) -> Result<f64, std::io::Error> {
    let path: PathBuf = out.join("sync.bin");
    let mut file = fs::File::create(&path)?;
    let mut times = Vec::new();
    for _ in 0..50 {
        let started = Instant::now();
        file.write_all(&[0x5a; 4096])?;
        file.sync_data()?;
        times.push(ms(started.elapsed()));
    }
    fs::remove_file(path)?;
    Ok(median(times))
}

fn pass_bound(numbers: usize) -> f64 {
    let memory = vec![1.0f32; numbers.max(1)];
    let pass = || {
        let started = Instant::now();
        let mut sums = [0.0f32; 32];
        for block in memory.chunks_exact(32) {
            for (sum, number) in sums.iter_mut().zip(block) {
                *sum += number;
            }
        }
        black_box(sums);
        ms(started.elapsed())
    };
    median((0..20).map(|_| pass()).collect())
}

fn text(figures: &Figures) -> String {
    let stage = &figures.stages_ms;
    format!(
        "{} references (synthetic, seed {})\n\
         cold start to ready   {:>8.0} ms\n\
         resident memory       {:>8.0} MiB (peak {:.0})\n\
         capture to commit     {:>8.1} ms, median of {} visits:\n  \
           wait {:.1}  detect {:.1}  align {:.1}  pad {:.1}  embed {:.1}  search {:.2}  gate {:.2}  commit {:.1}\n\
         commit / plain sync   {:>8.1} x ({:.2} ms)\n\
         search / memory pass  {:>8.1} x ({:.2} ms)",
        figures.references,
        figures.seed,
        figures.cold_start_ms,
        figures.resident_mib,
        figures.peak_mib,
        stage.total,
        figures.visits,
        stage.wait,
        stage.detect,
        stage.align,
        stage.pad,
        stage.embed,
        stage.search,
        stage.gate,
        stage.commit,
        figures.commit_per_sync,
        figures.sync_ms,
        figures.search_per_pass,
        figures.pass_ms,
    )
}

/// Steele, Lea and Flood's splitmix64: a small generator for reproducible samples, never for keys.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number that is close enough to normal: the sum of twelve uniform ones, less their mean (Irwin–Hall).
    fn normal(&mut self) -> f32 {
        (0..12).map(|_| (self.next() >> 40) as f32 / (1u64 << 24) as f32).sum::<f32>() - 6.0
    }
}
