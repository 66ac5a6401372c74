//! The peers' side: `codes/bench/peers.py` in a process of its own.

use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::Looked;

#[derive(Deserialize)]
struct Answer {
    version: String,
    looked: Vec<Looked>,
}

/// Lets a peer look at the pictures of a folder; gives back its name with version, and what it made of each.
pub(crate) fn look(
    python: &Path,
    peer: &str,
    folder: &Path,
) -> Result<(String, Vec<Looked>), Box<dyn std::error::Error>> {
    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/bench/peers.py")).arg(peer).arg(folder);
    // One thread, as ours.
    command.env("OMP_NUM_THREADS", "1").env("OPENCV_LOG_LEVEL", "ERROR").stderr(Stdio::inherit());
    let output = command.output().map_err(|cause| {
        format!("{} does not start ({cause}); `cargo xtask bench` installs what it needs", python.display())
    })?;
    if !output.status.success() {
        return Err(format!("the peer {peer} failed ({}); its message stands above", output.status).into());
    }
    let answer: Answer = serde_json::from_slice(&output.stdout)
        .map_err(|cause| format!("the peer {peer} answered with something else than was agreed: {cause}"))?;
    Ok((format!("{peer} {}", answer.version), answer.looked))
}
