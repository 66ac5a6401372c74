//! A board file in a folder of its own.

use std::{fs, path::PathBuf};

use boards::Board;

pub(crate) const BOARD: &str = r#"
name = "test"
inference_threads = 1
readers = []
[camera]
kind = "folder"
path = "pictures"
interval_ms = 2
frames_per_image = 2
gap_frames = 1
repeat = true
[strike]
kind = "sim"
pulse_ms = 200
on_power_loss = "fail-secure"
pulses = "pulses.jsonl"
"#;

/// The folder.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("pictures")).unwrap();
        Self { folder }
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn board(&self, text: &str) -> Board {
        fs::write(self.at("board.toml"), text).unwrap();
        Board::load(&self.at("board.toml")).unwrap()
    }
}
