//! The board file's text, turned into facts.

mod contacts;
mod panel;
mod strike;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, de::DeserializeOwned};
use toml::{Table, Value};

use super::{
    Board, BoardError, CameraFacts, CardReaderFacts, FolderFacts, InputsFacts, Mechanism, PowerLoss,
    ReaderFacts, ReaderSeat, SimPulses, SoundFacts, StrikeFacts, UsbFacts,
};
use crate::{SensorTier, frame::LONGEST_SIDE, panel::PanelFacts};

/// The whole file; `kind` decides what its sections may hold.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    name: String,
    inference_threads: usize,
    #[serde(default = "usual_detector_side")]
    detector_side_px: usize,
    #[serde(default)]
    embedder_int8: bool,
    #[serde(default)]
    direction: super::facts::Way,
    readers: Vec<Value>,
    camera: Table,
    strike: Option<Table>,
    inputs: Option<Table>,
    sound: Option<Sound>,
    panel: Option<Table>,
}

/// A face that can be compared is 60 pixels wide; in a frame of twice this side it still has 30.
fn usual_detector_side() -> usize {
    640
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sound {
    player: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Folder {
    path: PathBuf,
    interval_ms: u64,
    frames_per_image: u32,
    gap_frames: u32,
    repeat: bool,
}

/// One file's text, and what its errors name.
struct File<'a> {
    path: &'a Path,
}

const CAMERA: &str = "[camera]";

pub(super) fn parse(path: &Path, text: &str) -> Result<Board, BoardError> {
    let file = File { path };
    let whole: Whole = toml::from_str(text)
        .map_err(|error| file.keys("at its top level", error.to_string().trim_end().to_owned()))?;
    file.check(!whole.name.trim().is_empty(), "name", &whole.name, "it names the board in logs")?;
    file.range(
        whole.inference_threads as u64,
        1,
        64,
        "inference_threads",
        "1 to 64, at most the processor's cores",
    )?;
    let side = whole.detector_side_px as u64;
    file.range(side, 160, 1_280, "detector_side_px", "160 to 1280 pixels; 640 is usual")?;
    let (readers, card_readers) = file.readers(whole.readers)?;
    let (camera, sensor) = file.camera(whole.camera)?;
    let board = Board {
        direction: whole.direction.into(),
        camera,
        sensor,
        panel: whole.panel.map(|panel| file.panel(panel)).transpose()?,
        sound: whole.sound.map(|sound| file.sound(sound)).transpose()?,
        strike: whole.strike.map(|strike| file.strike(strike)).transpose()?,
        readers,
        card_readers,
        inputs: whole.inputs.map(|inputs| file.inputs(inputs)).transpose()?,
        name: whole.name,
        file: path.into(),
        inference_threads: whole.inference_threads,
        detector_side_px: whole.detector_side_px,
        embedder_int8: whole.embedder_int8,
        seat: ReaderSeat::default(),
        pulses: SimPulses::default(),
    };
    file.one_use_of_each_line(&board)?;
    Ok(board)
}

impl File<'_> {
    fn camera(&self, mut table: Table) -> Result<(CameraFacts, SensorTier), BoardError> {
        let kind = self.kind(&mut table, "camera.kind", "\"folder\" and \"usb\" are")?;
        let sensor = self.sensor(table.remove("sensor"))?;
        match kind.as_str() {
            "folder" => {
                let facts = self.folder(self.section(table, CAMERA)?)?;
                Ok((CameraFacts::Folder(facts), sensor.unwrap_or(SensorTier::Simulated)))
            }
            "usb" => {
                let facts = self.usb(self.section(table, CAMERA)?)?;
                let sensor = sensor.unwrap_or(SensorTier::Rgb);
                let real = sensor != SensorTier::Simulated;
                self.check(
                    real,
                    "camera.sensor",
                    "\"simulated\"",
                    "a real camera sees \"rgb\", \"nir\" or \"depth\"",
                )?;
                Ok((CameraFacts::Usb(facts), sensor))
            }
            other => Err(self.value("camera.kind", format!("\"{other}\""), "\"folder\" and \"usb\" are")),
        }
    }

    fn sensor(&self, value: Option<Value>) -> Result<Option<SensorTier>, BoardError> {
        let Some(value) = value else {
            return Ok(None);
        };
        match value.as_str() {
            Some("simulated") => Ok(Some(SensorTier::Simulated)),
            Some("rgb") => Ok(Some(SensorTier::Rgb)),
            Some("nir") => Ok(Some(SensorTier::Nir)),
            Some("depth") => Ok(Some(SensorTier::Depth)),
            Some(_) | None => Err(self.value(
                "camera.sensor",
                value.to_string(),
                "\"simulated\", \"rgb\", \"nir\" and \"depth\" are",
            )),
        }
    }

    /// A program with a slash in its name is a path; another is looked for where programs are.
    fn sound(&self, sound: Sound) -> Result<SoundFacts, BoardError> {
        let mut player = sound.player;
        let program = player.first().cloned().unwrap_or_default();
        let allowed = "a program and its arguments are, such as [\"aplay\", \"-q\"]";
        self.check(!program.trim().is_empty(), "sound.player", format!("{player:?}"), allowed)?;
        if program.contains('/') {
            player[0] = self.beside(Path::new(&program)).to_string_lossy().into_owned();
        }
        Ok(SoundFacts { player })
    }

    /// A line that is a relay's and a contact's at once would release the door when somebody presses a button.
    fn one_use_of_each_line(&self, board: &Board) -> Result<(), BoardError> {
        let mut used = Vec::new();
        if let Some(StrikeFacts { mechanism: Mechanism::Gpio { chip, line }, .. }) = &board.strike {
            used.push((chip, line.offset));
        }
        if let Some(InputsFacts::Gpio { chip, lines }) = &board.inputs {
            used.extend(lines.iter().map(|(_, line)| (chip, line.offset)));
        }
        if let Some(PanelFacts::St7789 { chip, data_command, reset, .. }) = &board.panel {
            used.extend([(chip, data_command.offset), (chip, reset.offset)]);
        }
        let twice = used.iter().enumerate().find(|(place, line)| used[..*place].contains(line));
        let offset = twice.map(|(_, &(_, offset))| offset.to_string()).unwrap_or_default();
        self.check(
            twice.is_none(),
            "line",
            offset,
            "each line of a chip has one use, as relay, as one input or for the panel",
        )
    }

    fn folder(&self, folder: Folder) -> Result<FolderFacts, BoardError> {
        self.range(folder.interval_ms, 1, 10_000, "camera.interval_ms", "1 to 10000 milliseconds")?;
        self.range(
            u64::from(folder.frames_per_image),
            1,
            100_000,
            "camera.frames_per_image",
            "1 to 100000 frames",
        )?;
        self.range(u64::from(folder.gap_frames), 0, 100_000, "camera.gap_frames", "0 to 100000 frames")?;
        Ok(FolderFacts {
            path: self.beside(&folder.path),
            interval: Duration::from_millis(folder.interval_ms),
            frames_per_image: folder.frames_per_image,
            gap_frames: folder.gap_frames,
            repeat: folder.repeat,
        })
    }

    fn usb(&self, usb: UsbFacts) -> Result<UsbFacts, BoardError> {
        let longest = u64::from(LONGEST_SIDE);
        self.range(u64::from(usb.width_px), 160, longest, "camera.width_px", "160 to 4096 pixels")?;
        self.range(u64::from(usb.height_px), 120, longest, "camera.height_px", "120 to 4096 pixels")?;
        self.range(u64::from(usb.frames_per_second), 1, 120, "camera.frames_per_second", "1 to 120")?;
        self.check(
            !usb.formats.is_empty(),
            "camera.formats",
            "[]",
            "\"yuyv\" and \"mjpeg\" are, best first",
        )?;
        Ok(UsbFacts { device: self.beside(&usb.device), ..usb })
    }

    /// Takes `kind` out of a section.
    fn kind(
        &self,
        table: &mut Table,
        key: &'static str,
        allowed: &'static str,
    ) -> Result<String, BoardError> {
        match table.remove("kind") {
            Some(Value::String(kind)) => Ok(kind),
            Some(other) => Err(self.value(key, other.to_string(), allowed)),
            None => Err(self.value(key, "(nothing)".into(), allowed)),
        }
    }

    fn section<T: DeserializeOwned>(&self, table: Table, section: &'static str) -> Result<T, BoardError> {
        table.try_into().map_err(|error: toml::de::Error| {
            self.keys(section, error.to_string().trim_end().replace('\n', ", "))
        })
    }

    /// A path as it is meant: relative to the board file.
    fn beside(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }

    fn range(
        &self,
        value: u64,
        least: u64,
        most: u64,
        key: &'static str,
        allowed: &'static str,
    ) -> Result<(), BoardError> {
        self.check((least..=most).contains(&value), key, value.to_string(), allowed)
    }

    fn check(
        &self,
        good: bool,
        key: &'static str,
        value: impl Into<String>,
        allowed: &'static str,
    ) -> Result<(), BoardError> {
        if good { Ok(()) } else { Err(self.value(key, value.into(), allowed)) }
    }

    fn value(&self, key: &'static str, value: String, allowed: &'static str) -> BoardError {
        BoardError::Value { file: self.path.into(), key, value, allowed }
    }

    fn keys(&self, section: &'static str, reason: String) -> BoardError {
        BoardError::Keys { file: self.path.into(), section, reason }
    }
}
