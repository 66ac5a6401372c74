//! What a network takes of memory: how much larger a fresh process is after its first runs than it was before it loaded
//! the network.
//!
//! Our fresh process is this program, started once more with `--once`; that is also what instruction counters are pointed
//! at.

use std::path::Path;
use std::process::Command;

use models::Card;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Bench;
use crate::failure::{At as _, Failure};
use crate::figure::Figure;
use crate::inputs::{Folders, Input};
use crate::networks::optional_card;
use crate::ours::{Engine, Finder};
use crate::peer::Library;

/// Names that `--once` takes, and the figures that they give.
pub(crate) const NETWORKS: [&str; 4] = ["sface", "yunet", "fr_liveness", "w600k_mbf"];

/// What `--once` prints.
#[derive(Serialize, Deserialize)]
pub(crate) struct Grown {
    before_mib: f64,
    resident_mib: f64,
    peak_mib: f64,
}

/// Loads a network, runs it exactly once, and says how much memory that took.
pub(crate) fn once(network: &str, folders: &Folders) -> Result<Grown, Failure> {
    let card = card(network)?;
    let side = card.input.width.unwrap_or(640) as u32;
    let square = folders.square(side)?;
    let mut engine;
    let mut finder;
    let before_mib = field("VmRSS")?;
    if network == "yunet" {
        let picture = models::Image::new(side as usize, side as usize, square.into_raw())?;
        finder = Finder::load(&folders.models, &picture, 1)?;
        finder.one_forward()?;
    } else {
        let input = Input::new(&square, &card.input);
        let file = folders.weights(&card);
        engine = Engine::load(&file, &input, 1)?;
        engine.one_forward()?;
    }
    Ok(Grown { before_mib, resident_mib: field("VmRSS")?, peak_mib: field("VmHWM")? })
}

/// One figure a network.
pub(crate) fn figures(bench: &Bench) -> Result<(), Failure> {
    for network in NETWORKS {
        let figure = format!("{network}_memory");
        if !bench.wants(&figure) || !bench.folders.weights(&card(network)?).exists() {
            continue;
        }
        let ours = ours(bench, network)?;
        let mut peers = serde_json::Map::new();
        let mut best: Option<(&str, f64)> = None;
        for (library, name) in
            [Library::OnnxRuntime, Library::OpenCv].map(|library| (library, library.name()))
        {
            let grown = theirs(bench, network, library)?;
            let size = grown.resident_mib - grown.before_mib;
            peers.insert(name.to_owned(), json!(grown));
            if best.is_none_or(|(_, least)| size < least) {
                best = Some((name, size));
            }
        }
        let (name, size) = best.unwrap_or(("none", f64::NAN));
        let figure = Figure::new(figure, "MiB")
            .values(Some(ours.resident_mib - ours.before_mib), name, Some(size))
            .detail("threads", 1)
            .detail("ours_process", ours)
            .detail("peers_processes", peers);
        bench.print(figure);
    }
    Ok(())
}

fn card(network: &str) -> Result<Card, Failure> {
    match network {
        "sface" => Ok(Card::sface()),
        "yunet" => Ok(Card::yunet()),
        "fr_liveness" => Ok(Card::fr_liveness()),
        "w600k_mbf" => optional_card(),
        other => Err(Failure::Unusable(format!("there is no network `{other}`: {}", NETWORKS.join(", ")))),
    }
}

fn ours(bench: &Bench, network: &str) -> Result<Grown, Failure> {
    let program = std::env::current_exe().at("find this program", "/proc/self/exe")?;
    let mut command = Command::new(&program);
    command.arg("--once").arg(network).arg("--models").arg(&bench.folders.models);
    command.arg("--optional").arg(&bench.folders.optional);
    command.arg("--photographs").arg(&bench.folders.photographs).arg("--out").arg(&bench.folders.out);
    let output = command.output().at("start", &program)?;
    let read = |_| {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Failure::Unusable(format!("`--once {network}` gave no figures: {said}"))
    };
    serde_json::from_slice(&output.stdout).map_err(read)
}

fn theirs(bench: &Bench, network: &str, library: Library) -> Result<Grown, Failure> {
    let card = card(network)?;
    let side = card.input.width.unwrap_or(640) as u32;
    let input = Input::new(&bench.folders.square(side)?, &card.input);
    let written = bench.folders.out.join(format!("{network}.memory.f32"));
    input.write(&written)?;
    let mut peer = bench.peers.fresh(library)?;
    let before = peer.memory()?;
    let file = bench.folders.weights(&card);
    peer.ask::<Value>(&json!({
        "do": "load", "name": network, "file": file, "input": written, "shape": input.shape(), "threads": 1,
        "spin": false, "engine": "new"
    }))?;
    peer.ask::<Value>(&json!({"do": "answer", "name": network}))?;
    let after = peer.memory()?;
    Ok(Grown { before_mib: before.resident_mib, resident_mib: after.resident_mib, peak_mib: after.peak_mib })
}

/// A line of this process's status, in MiB.
fn field(name: &str) -> Result<f64, Failure> {
    let path = Path::new("/proc/self/status");
    let status = std::fs::read_to_string(path).at("read", path)?;
    let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    Ok(line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0)
}
