//! The sounds themselves: sine tones with soft beginnings and ends, as WAV files.
//!
//! A file is RIFF: `RIFF`, the number of bytes that follow, `WAVE`; then the chunk `fmt ` (16 bytes: PCM is 1, channels,
//! samples a second, bytes a second, bytes a sample, bits) and the chunk `data` with the samples. All numbers are little
//! endian.

use std::f32::consts::{PI, TAU};

use super::Cue;

/// Samples a second.
const RATE: u32 = 48_000;
/// How long a note takes to swell, and a tone to fade: below a hundredth of a second it would click.
const SOFT_S: f32 = 0.012;
/// The partials of a note and their strengths: the octave and the twelfth make it warm without making it shrill.
const PARTIALS: [(f32, f32); 3] = [(1.0, 0.72), (2.0, 0.2), (3.0, 0.08)];

/// A note, in Hz, seconds and parts of what is possible.
struct Note {
    begins_s: f32,
    lasts_s: f32,
    pitch_hz: f32,
    level: f32,
    /// A struck note dies away, a held one does not.
    struck: bool,
}

/// The file of a cue.
pub(super) fn wav(cue: Cue) -> Vec<u8> {
    file(&mixed(&notes(cue)))
}

fn notes(cue: Cue) -> Vec<Note> {
    let struck =
        |begins_s, lasts_s, pitch_hz, level| Note { begins_s, lasts_s, pitch_hz, level, struck: true };
    match cue {
        // A and the E above it, almost together: one chime.
        Cue::Welcome => vec![struck(0.0, 1.1, 880.0, 0.26), struck(0.09, 1.0, 1_318.5, 0.2)],
        // E and the G above it, one after the other: it rises, as a question does.
        Cue::Look => vec![struck(0.0, 0.5, 659.3, 0.22), struck(0.24, 0.6, 784.0, 0.22)],
        // The three pulses of ISO 8201, 0.5 s each with 0.5 s between them; the player adds the 1.5 s before the next
        // three. Low, because the high tones are lost first with age.
        Cue::Evacuate => [0.0, 1.0, 2.0]
            .map(|begins_s| Note { begins_s, lasts_s: 0.5, pitch_hz: 520.0, level: 0.7, struck: false })
            .into(),
    }
}

/// All notes together, -1 to 1.
fn mixed(notes: &[Note]) -> Vec<f32> {
    let ends_s = notes.iter().map(|note| note.begins_s + note.lasts_s).fold(0.0, f32::max);
    let samples = (ends_s * RATE as f32) as usize;
    (0..samples).map(|at| notes.iter().map(|note| note.at(at as f32 / RATE as f32)).sum()).collect()
}

impl Note {
    /// Its part of the sample at a time.
    fn at(&self, time_s: f32) -> f32 {
        let since = time_s - self.begins_s;
        if !(0.0..self.lasts_s).contains(&since) {
            return 0.0;
        }
        let wave: f32 = PARTIALS
            .iter()
            .map(|(times, strength)| strength * (TAU * self.pitch_hz * times * since).sin())
            .sum();
        let ramp = |left: f32| (1.0 - (PI * (left / SOFT_S).min(1.0)).cos()) / 2.0;
        let fade = if self.struck { (-4.5 * since / self.lasts_s).exp() } else { 1.0 };
        self.level * wave * fade * ramp(since) * ramp(self.lasts_s - since)
    }
}

fn file(samples: &[f32]) -> Vec<u8> {
    const BYTES_A_SAMPLE: u16 = 2;
    let data = u32::try_from(samples.len() * usize::from(BYTES_A_SAMPLE)).expect("a few seconds");
    let mut bytes = Vec::with_capacity(44 + data as usize);
    bytes.extend(b"RIFF");
    bytes.extend((36 + data).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16u32.to_le_bytes());
    let (pcm, channels) = (1u16, 1u16);
    bytes.extend(pcm.to_le_bytes());
    bytes.extend(channels.to_le_bytes());
    bytes.extend(RATE.to_le_bytes());
    bytes.extend((RATE * u32::from(BYTES_A_SAMPLE)).to_le_bytes());
    bytes.extend(BYTES_A_SAMPLE.to_le_bytes());
    bytes.extend((BYTES_A_SAMPLE * 8).to_le_bytes());
    bytes.extend(b"data");
    bytes.extend(data.to_le_bytes());
    // A float becomes the nearest number of the range, and the range if it were outside.
    bytes.extend(samples.iter().flat_map(|sample| ((sample * f32::from(i16::MAX)) as i16).to_le_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// The samples of a file, read back as a player would.
    fn samples(wav: &[u8]) -> Vec<i16> {
        let number = |at: usize| u32::from_le_bytes(wav[at..at + 4].try_into().unwrap());
        assert_eq!((&wav[..4], &wav[8..16], &wav[36..40]), (&b"RIFF"[..], &b"WAVEfmt "[..], &b"data"[..]));
        assert_eq!(number(4) as usize, wav.len() - 8, "RIFF's length");
        assert_eq!(number(40) as usize, wav.len() - 44, "the length of the data");
        assert_eq!((number(24), number(28)), (48_000, 96_000), "samples and bytes a second");
        assert_eq!(&wav[20..24], [1, 0, 1, 0], "PCM, one channel");
        assert_eq!(&wav[32..36], [2, 0, 16, 0], "16 bits");
        wav[44..].chunks_exact(2).map(|pair| i16::from_le_bytes(pair.try_into().unwrap())).collect()
    }

    #[test]
    fn every_sound_is_a_wav_that_neither_clips_nor_clicks() {
        for cue in Cue::ALL {
            let samples = samples(&wav(cue));
            let loudest = samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
            assert!((3_000..29_500).contains(&loudest), "{cue:?}: {loudest}");
            // A jump between two samples is a click; the steepest slope of these tones stays below a fifth of the range.
            let steps = samples.windows(2).map(|pair| i32::from(pair[1]) - i32::from(pair[0]));
            let steepest = steps.map(i32::abs).max().unwrap();
            assert!(steepest < 6_500, "{cue:?}: {steepest}");
            assert!(
                samples[0].abs() < 50 && samples.last().unwrap().abs() < 50,
                "{cue:?}: begins and ends in silence"
            );
        }
    }

    #[test]
    fn everyday_sounds_are_soft_and_short_and_the_fire_is_loud() {
        let loudest = |cue| samples(&wav(cue)).into_iter().map(i16::unsigned_abs).max().unwrap();
        for cue in [Cue::Welcome, Cue::Look] {
            assert!(loudest(cue) * 3 / 2 < loudest(Cue::Evacuate), "{cue:?}");
            assert!(samples(&wav(cue)).len() < 60_000, "{cue:?}: below 1.25 s");
        }
    }

    #[test]
    fn the_look_cue_has_two_notes_and_the_welcome_is_one_chime() {
        // Loudness in windows of 20 ms; a note begins where it doubles within 40 ms.
        let onsets = |cue| {
            let samples = samples(&wav(cue));
            let loudness: Vec<f32> = samples
                .chunks(960)
                .map(|part| part.iter().map(|sample| f32::from(*sample).powi(2)).sum::<f32>().sqrt())
                .collect();
            let mut begins = vec![0];
            for at in 2..loudness.len() {
                if loudness[at] > 1.4 * loudness[at - 2] && at - begins[begins.len() - 1] > 7 {
                    begins.push(at);
                }
            }
            begins.len()
        };
        assert_eq!((onsets(Cue::Welcome), onsets(Cue::Look), onsets(Cue::Evacuate)), (1, 2, 3));
    }
}
