//! The board file's text, turned into facts.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, de::DeserializeOwned};
use toml::{Table, Value};

use super::{
    Board, BoardError, CameraFacts, Direction, FolderFacts, Mechanism, PowerLoss, ReaderSeat, SimPulses,
    SoundFacts, StrikeFacts, UsbFacts,
};
use crate::{SensorTier, frame::LONGEST_SIDE};

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
    direction: Direction,
    readers: Vec<Value>,
    camera: Table,
    strike: Option<Table>,
    sound: Option<Sound>,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SimStrike {
    pulse_ms: u64,
    on_power_loss: PowerLoss,
    pulses: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lcus1Strike {
    pulse_ms: u64,
    on_power_loss: PowerLoss,
    device: PathBuf,
    channel: u8,
}

/// One file's text, and what its errors name.
struct File<'a> {
    path: &'a Path,
}

const CAMERA: &str = "[camera]";
const STRIKE: &str = "[strike]";

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
    let readers = || Value::Array(whole.readers.clone()).to_string();
    file.check(whole.readers.is_empty(), "readers", readers(), "[] is: card readers have no driver yet")?;
    let (camera, sensor) = file.camera(whole.camera)?;
    Ok(Board {
        direction: whole.direction,
        camera,
        sensor,
        sound: whole.sound.map(|sound| file.sound(sound)).transpose()?,
        strike: whole.strike.map(|strike| file.strike(strike)).transpose()?,
        name: whole.name,
        file: path.into(),
        inference_threads: whole.inference_threads,
        detector_side_px: whole.detector_side_px,
        embedder_int8: whole.embedder_int8,
        seat: ReaderSeat::default(),
        pulses: SimPulses::default(),
    })
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

    fn strike(&self, mut table: Table) -> Result<StrikeFacts, BoardError> {
        let kind = self.kind(&mut table, "strike.kind", "\"sim\" and \"lcus-1\" are")?;
        let (pulse_ms, on_power_loss, mechanism) = match kind.as_str() {
            "sim" => {
                let sim: SimStrike = self.section(table, STRIKE)?;
                let pulses = sim.pulses.map(|path| self.beside(&path));
                (sim.pulse_ms, sim.on_power_loss, Mechanism::Sim { pulses })
            }
            "lcus-1" => {
                let lcus1: Lcus1Strike = self.section(table, STRIKE)?;
                self.range(
                    u64::from(lcus1.channel),
                    1,
                    8,
                    "strike.channel",
                    "1 to 8, the relay's number on its board",
                )?;
                let (device, channel) = (self.beside(&lcus1.device), lcus1.channel);
                (lcus1.pulse_ms, lcus1.on_power_loss, Mechanism::Lcus1 { device, channel })
            }
            other => {
                return Err(self.value("strike.kind", format!("\"{other}\""), "\"sim\" and \"lcus-1\" are"));
            }
        };
        self.range(pulse_ms, 200, 5_000, "strike.pulse_ms", "200 to 5000 milliseconds")?;
        Ok(StrikeFacts { mechanism, pulse: Duration::from_millis(pulse_ms), on_power_loss })
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
