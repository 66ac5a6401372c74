//! One call that tries every device of a board, for the person who mounts it.
//!
//! Nothing here releases the door: a strike is opened, its guard is started and the relay is told to rest. Each check ends
//! within a named time, whatever the device does; one that does not is left behind in its thread.
//!
//! A check answers what can be known without a person. That the picture shows the entrance, that the relay's click moves
//! the lock, that the button is the right button, somebody has to see.

mod panel;
mod sound;

use std::{
    sync::{Arc, mpsc::sync_channel},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{
    Board, CameraError, Clock, GuardCommand, Input, InputsError, PcscReader, ReaderError, StrikeError,
    advice::{self, Text},
    board::{CameraFacts, CardReaderFacts, InputsFacts, Mechanism, ReaderFacts, open_reader},
    lines::LinesError,
    trusted_authorities,
};

/// Opening a USB camera takes up to five seconds, a frame two; the simulator's interval is ten at most.
pub const CAMERA_WITHIN: Duration = Duration::from_secs(20);

/// A taken port is waited for for three seconds, a guard for five, the driver's answer for fifteen.
pub const STRIKE_WITHIN: Duration = Duration::from_secs(30);

/// A taken line is waited for for three seconds.
pub const INPUTS_WITHIN: Duration = Duration::from_secs(10);

/// No driver of a reader waits for anything yet.
pub const READER_WITHIN: Duration = Duration::from_secs(10);

/// A picture takes a third of a second on the slowest bus.
pub const PANEL_WITHIN: Duration = Duration::from_secs(10);

/// The sound lasts for a third of a second; a sound system may have to wake up.
pub const SOUND_WITHIN: Duration = Duration::from_secs(5);

/// 2026-11-01T00:00:00Z: no device is mounted before this program was written.
const EARLIEST: Duration = Duration::from_secs(1_793_491_200);

/// A device of a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceName {
    /// The camera.
    Camera,
    /// The strike: a relay, and its guard.
    Strike,
    /// One contact of the door.
    Input(Input),
    /// A reader of cards or codes, counted from 0 in the order of the board file.
    Reader(usize),
    /// The clocks of the rules and of the calendar.
    Clock,
    /// The small panel.
    Panel,
    /// The program that plays sounds.
    SoundPlayer,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCheck {
    /// The device.
    pub device: DeviceName,
    /// Where it is, as in the board file.
    pub path: String,
    /// Whether it works.
    pub verdict: Verdict,
    /// For a contact that works: whether it is active now, if that is known.
    pub level: Option<bool>,
}

/// Whether a device works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// As far as can be known without a person.
    Works,
    /// It is not there.
    NotSeen(Problem),
    /// It is there, and does not work.
    Failed(Problem),
}

/// What is wrong and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// For people, in Japanese.
    pub ja: String,
    /// For people, in English.
    pub en: String,
    /// For the log: the driver's own words.
    pub detail: String,
}

impl Problem {
    fn new((ja, en): Text, detail: impl ToString) -> Self {
        Self { ja, en, detail: detail.to_string() }
    }
}

impl Board {
    /// Tries every device of the board, one after the other, in at most the sum of the named times. The board must not be
    /// in use: what another program has is answered as failed. `guard` is that of [`Board::open_strike`]. A sound is
    /// played.
    #[must_use]
    pub fn self_test(&self, clock: &Arc<dyn Clock>, guard: &GuardCommand) -> Vec<DeviceCheck> {
        let mut checks = vec![self.check_camera(clock)];
        checks.extend(self.check_strike(clock, guard));
        checks.extend(self.check_inputs(clock));
        let readers = self.readers.iter().enumerate();
        checks.extend(readers.map(|(place, facts)| check_reader(place, facts, clock)));
        let cards = self.card_readers.iter().enumerate();
        checks.extend(cards.map(|(place, facts)| check_card_reader(self.readers.len() + place, facts)));
        let date = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        checks.push(check_clock(clock.as_ref(), date));
        checks.extend(self.panel.as_ref().map(panel::check));
        checks.extend(self.sound.as_ref().map(sound::check));
        checks
    }

    fn check_camera(&self, clock: &Arc<dyn Clock>) -> DeviceCheck {
        let path = match &self.camera {
            CameraFacts::Folder(facts) => facts.path.display().to_string(),
            CameraFacts::Usb(facts) => facts.device.display().to_string(),
        };
        let (board, clock) = (self.clone(), Arc::clone(clock));
        let frame = move || board.open_camera(clock)?.frame().map(|_| ());
        let verdict = verdict(DeviceName::Camera, within(CAMERA_WITHIN, frame), |error: &CameraError| {
            let missing = matches!(error, CameraError::NotThere { .. } | CameraError::NoImages { .. });
            (missing, advice::camera(error))
        });
        DeviceCheck { device: DeviceName::Camera, path, verdict, level: None }
    }

    fn check_strike(&self, clock: &Arc<dyn Clock>, guard: &GuardCommand) -> Option<DeviceCheck> {
        let path = match &self.strike.as_ref()?.mechanism {
            Mechanism::Sim { .. } => "simulated".into(),
            Mechanism::Lcus1 { device, channel } => format!("{}, relay {channel}", device.display()),
            Mechanism::Modbus { device, place, .. } => {
                format!("{}, address {}, coil {}", device.display(), place.address, place.coil)
            }
            Mechanism::Gpio { chip, line } => format!("{}, line {}", chip.display(), line.offset),
        };
        let (board, clock, guard) = (self.clone(), Arc::clone(clock), guard.clone());
        let rest = move || match board.open_strike(clock, guard)? {
            Some(mut strike) => strike.check(),
            None => Ok(()),
        };
        let verdict = verdict(DeviceName::Strike, within(STRIKE_WITHIN, rest), |error: &StrikeError| {
            let no_port = matches!(error, StrikeError::NotThere { .. });
            let missing = no_port || matches!(error, StrikeError::Lines(error) if line_is_missing(error));
            (missing, advice::strike(error))
        });
        Some(DeviceCheck { device: DeviceName::Strike, path, verdict, level: None })
    }

    /// All contacts are opened at once; if they cannot be, each of them says why.
    fn check_inputs(&self, clock: &Arc<dyn Clock>) -> Vec<DeviceCheck> {
        let Some(facts) = &self.inputs else {
            return Vec::new();
        };
        let (board, clock) = (self.clone(), Arc::clone(clock));
        let levels = within(INPUTS_WITHIN, move || {
            let mut levels = Vec::new();
            if let Some(mut inputs) = board.open_inputs(clock)? {
                while let Some(change) = inputs.next(Duration::ZERO)? {
                    levels.push((change.input, change.active));
                    if levels.len() == Input::ALL.len() {
                        break;
                    }
                }
            }
            Ok(levels)
        });
        let known = levels.as_ref().and_then(|levels| levels.as_ref().ok()).cloned().unwrap_or_default();
        let outcome = levels.map(|levels| levels.map(|_| ()));
        let check = |input| {
            let device = DeviceName::Input(input);
            let verdict = verdict(device, outcome.clone(), |error: &InputsError| {
                let missing = matches!(error, InputsError::Lines(error) if line_is_missing(error));
                (missing, advice::inputs(error))
            });
            let level = known.iter().rfind(|(known, _)| *known == input).map(|&(_, active)| active);
            DeviceCheck { device, path: place_of(facts, input), verdict, level }
        };
        facts.wired().into_iter().map(check).collect()
    }
}

fn place_of(facts: &InputsFacts, input: Input) -> String {
    match facts {
        InputsFacts::Sim { path } => path.display().to_string(),
        InputsFacts::Gpio { chip, lines } => {
            let line = lines.iter().find(|(wired, _)| *wired == input);
            let number = line.map(|(_, line)| line.offset.to_string()).unwrap_or_default();
            format!("{}, line {number}", chip.display())
        }
    }
}

fn line_is_missing(error: &LinesError) -> bool {
    matches!(error, LinesError::NotThere { .. } | LinesError::NoLine { .. })
}

fn check_reader(place: usize, facts: &ReaderFacts, clock: &Arc<dyn Clock>) -> DeviceCheck {
    let device = DeviceName::Reader(place);
    let ReaderFacts::Sim { path } = facts;
    let path = path.display().to_string();
    let (facts, clock) = (facts.clone(), Arc::clone(clock));
    // What is shown at this moment is read and forgotten.
    let read = move || open_reader(&facts, clock)?.next(Duration::ZERO).map(|_| ());
    let verdict =
        verdict(device, within(READER_WITHIN, read), |error: &ReaderError| (false, advice::reader(error)));
    DeviceCheck { device, path, verdict, level: None }
}

/// A card that lies there is left alone. Authorities that are named must be usable; without any, MyNumber cards are not taken,
/// which may be meant.
fn check_card_reader(place: usize, facts: &CardReaderFacts) -> DeviceCheck {
    let device = DeviceName::Reader(place);
    let name = facts.name.clone();
    let folder = facts.authorities.clone();
    let open = move || {
        PcscReader::open(&name)?;
        trusted_authorities(folder.as_deref()).map(|_| ())
    };
    let verdict = verdict(device, within(READER_WITHIN, open), |error: &ReaderError| {
        (matches!(error, ReaderError::NotThere { .. }), advice::reader(error))
    });
    DeviceCheck { device, path: facts.name.clone(), verdict, level: None }
}

/// `date` counts from 1970.
fn check_clock(clock: &dyn Clock, date: Duration) -> DeviceCheck {
    let before = clock.now();
    thread::sleep(Duration::from_millis(2));
    let verdict = if clock.now() <= before {
        Verdict::Failed(Problem::new(advice::clock_stands_still(), "two readings of the clock are the same"))
    } else if date < EARLIEST {
        let detail = format!("the calendar says {} seconds since 1970", date.as_secs());
        Verdict::Failed(Problem::new(advice::wrong_date(), detail))
    } else {
        Verdict::Works
    };
    DeviceCheck { device: DeviceName::Clock, path: "system".into(), verdict, level: None }
}

/// What became of a check; `judge` says whether its error means that the device is missing, and what to do.
fn verdict<E: std::fmt::Display>(
    device: DeviceName,
    outcome: Option<Result<(), E>>,
    judge: impl Fn(&E) -> (bool, Text),
) -> Verdict {
    match outcome {
        Some(Ok(())) => Verdict::Works,
        Some(Err(error)) => {
            let (missing, text) = judge(&error);
            let problem = Problem::new(text, error);
            if missing { Verdict::NotSeen(problem) } else { Verdict::Failed(problem) }
        }
        None => Verdict::Failed(Problem::new(advice::no_end(device), "the check did not end in time")),
    }
}

/// Waits for an answer in a thread of its own, at most a while. None if there is none by then.
fn within<T: Send + 'static>(patience: Duration, check: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (answer, answered) = sync_channel(1);
    let started = thread::Builder::new().name("self-test".into()).spawn(move || {
        let _ = answer.send(check());
    });
    started.ok().and_then(|_| answered.recv_timeout(patience).ok())
}

#[cfg(test)]
mod tests;
