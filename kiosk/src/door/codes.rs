//! Codes in the camera's frames, while a face is looked at. Each is told once while it is held there: a code that was used
//! would otherwise be refused in the next frame as used before.

use std::time::Duration;

use boards::{Clock, Frame, Identifier, Pixels};
use codes::{Finder, Luma, Text};
use gate::Monotonic;

/// The mean time for a frame. Half of what the search for faces takes on a small board would be too much; codes that need
/// longer are looked at now and then.
const ALLOWANCE: Duration = Duration::from_millis(3);

/// How long a code must be out of sight before it is one that is shown anew. Longer than a hand shakes.
const OUT_OF_SIGHT: Duration = Duration::from_secs(2);

/// Protects memory: a camera sees fewer codes at a time, and the one seen longest ago is forgotten first.
const MOST_HELD: usize = 16;

/// Watches the camera's frames for codes.
pub(super) struct CodeWatch {
    finder: Finder,
    held: Held,
}

/// Codes that are in sight, and when each was seen last.
#[derive(Default)]
struct Held(Vec<(Text, Monotonic)>);

impl CodeWatch {
    pub(super) fn new() -> Self {
        Self { finder: Finder::new(ALLOWANCE), held: Held::default() }
    }

    /// The codes that came into sight with this frame.
    pub(super) fn look(&mut self, frame: &Frame, clock: &dyn Clock) -> impl Iterator<Item = Identifier> {
        let time = || Duration::from_micros(clock.now().micros());
        let seen = luma(frame).map(|picture| self.finder.find(picture, time)).unwrap_or_default();
        let fresh = self.held.note(seen, frame.captured).into_iter();
        fresh.map(|text| Identifier::new(text.as_str().as_bytes().to_vec()))
    }
}

impl Held {
    /// Which of these came into sight.
    fn note(&mut self, seen: Vec<Text>, now: Monotonic) -> Vec<Text> {
        self.0.retain(|(_, last)| now.since(*last) < OUT_OF_SIGHT);
        let mut fresh = Vec::new();
        for text in seen {
            let known = self.0.iter().position(|(held, _)| *held == text).map(|place| self.0.remove(place));
            if known.is_none() {
                fresh.push(text.clone());
            }
            if self.0.len() == MOST_HELD {
                self.0.remove(0);
            }
            self.0.push((text, now));
        }
        fresh
    }
}

fn luma(frame: &Frame) -> Option<Luma<'_>> {
    let (width, height) = (frame.width as usize, frame.height as usize);
    match frame.pixels() {
        Pixels::Grey(bytes) => Luma::grey(width, height, width, bytes),
        Pixels::Yuyv(bytes) => Luma::yuyv(width, height, 2 * width, bytes),
        Pixels::Rgb(bytes) => Luma::rgb(width, height, 3 * width, bytes),
    }
}
