//! The check of the sound player: it plays a short, soft tone.

use std::{
    f32::consts::TAU,
    fs::{self, OpenOptions},
    io::{self, Write},
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{DeviceCheck, DeviceName, Problem, SOUND_WITHIN, Verdict};
use crate::{advice, board::SoundFacts};

/// Samples a second.
const RATE: u32 = 16_000;

/// How often the player is looked at.
const POLL: Duration = Duration::from_millis(10);

pub(super) fn check(facts: &SoundFacts) -> DeviceCheck {
    let program = facts.player.first().map_or("", String::as_str);
    let verdict = match play(&facts.player) {
        Ok(()) => Verdict::Works,
        Err(Silence::NoProgram(error)) => Verdict::NotSeen(Problem::new(advice::no_player(program), error)),
        Err(Silence::Failed(reason)) => Verdict::Failed(Problem::new(advice::no_sound(program), reason)),
        Err(Silence::NoEnd) => {
            let detail = format!("it did not end within {SOUND_WITHIN:?}");
            Verdict::Failed(Problem::new(advice::no_end(DeviceName::SoundPlayer), detail))
        }
    };
    DeviceCheck { device: DeviceName::SoundPlayer, path: facts.player.join(" "), verdict, level: None }
}

enum Silence {
    NoProgram(io::Error),
    Failed(String),
    NoEnd,
}

fn play(player: &[String]) -> Result<(), Silence> {
    let tone =
        Tone::write().map_err(|error| Silence::Failed(format!("cannot write a sound file: {error}")))?;
    let (program, arguments) = player.split_first().ok_or(Silence::Failed("no player".into()))?;
    let mut child = Command::new(program)
        .args(arguments)
        .arg(&tone.0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(Silence::NoProgram)?;
    let until = Instant::now() + SOUND_WITHIN;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(Silence::Failed(status.to_string())),
            Ok(None) if Instant::now() < until => thread::sleep(POLL),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(Silence::NoEnd);
            }
            Err(error) => return Err(Silence::Failed(error.to_string())),
        }
    }
}

/// A sound file until it is dropped.
struct Tone(PathBuf);

impl Tone {
    /// Never follows a link and never overwrites: somebody else may write there too.
    fn write() -> io::Result<Self> {
        let folder = std::env::temp_dir();
        for attempt in 0..16 {
            let path = folder.join(format!("genkan-tone-{}-{attempt}.wav", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(mut file) => {
                    let tone = Self(path);
                    file.write_all(&wav())?;
                    return Ok(tone);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

impl Drop for Tone {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A third of a second of 660 Hz, swelling and fading, at a fifth of what is possible: RIFF, PCM, one channel, 16 bits.
fn wav() -> Vec<u8> {
    let samples = RATE / 3;
    let bytes = samples * 2;
    let mut wav = Vec::with_capacity(44 + bytes as usize);
    wav.extend(b"RIFF");
    wav.extend((36 + bytes).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16_u32.to_le_bytes());
    wav.extend(1_u16.to_le_bytes());
    wav.extend(1_u16.to_le_bytes());
    wav.extend(RATE.to_le_bytes());
    wav.extend((RATE * 2).to_le_bytes());
    wav.extend(2_u16.to_le_bytes());
    wav.extend(16_u16.to_le_bytes());
    wav.extend(b"data");
    wav.extend(bytes.to_le_bytes());
    for sample in 0..samples {
        let time = sample as f32 / RATE as f32;
        let swell = (TAU / 2.0 * sample as f32 / samples as f32).sin();
        let level = 0.2 * swell * (TAU * 660.0 * time).sin();
        #[expect(clippy::cast_possible_truncation, reason = "a fifth of the range")]
        wav.extend(((level * f32::from(i16::MAX)) as i16).to_le_bytes());
    }
    wav
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_tone_is_a_wave_file_of_its_own_length_and_goes_when_it_was_played() {
        let tone = Tone::write().unwrap();
        let path = tone.0.clone();
        let bytes = fs::read(&path).unwrap();
        assert_eq!((&bytes[..4], &bytes[8..16]), (b"RIFF".as_slice(), b"WAVEfmt ".as_slice()));
        let length = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        assert_eq!((length(4) + 8, length(40) + 44), (bytes.len(), bytes.len()));
        let loudest = bytes[44..].chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).max();
        assert!((3_000..7_000).contains(&loudest.unwrap()), "heard, and not loud");
        let second = Tone::write().unwrap();
        assert_ne!(second.0, path);
        drop(tone);
        assert!(!path.exists() && second.0.exists());
    }
}
