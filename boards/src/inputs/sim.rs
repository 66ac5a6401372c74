//! Door inputs without a door: a handle that tests move, or a file to which people add lines at a running kiosk.
//!
//! ```text
//! door open      door closed
//! rex                          pressed, and let go after 200 ms
//! rex on         rex off       pressed, let go
//! fire on        fire off
//! tamper on      tamper off
//! ```
//!
//! An empty line, or one that begins with `# `, says nothing.
//!
//! The file is the wiring. An input that it never named is not there; what it said last is the level; so a file of before
//! says how things stand at open, like a contact that was open before the power came. Two lines about one input within
//! [`super::debounce::STABLE_FOR`] are a bounce.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use gate::Monotonic;

use super::{Contacts, Input, InputChange, Inputs, InputsError, Source};
use crate::{
    Clock,
    lines::{Bias, Edge, Line, Lines, MOST_EDGES, SimChip},
    tail::Tail,
};

/// How long `rex` presses the button.
pub const PRESS: Duration = Duration::from_millis(200);

/// How often the file is looked at.
const POLL: Duration = Duration::from_millis(20);

/// What a line of the file may be.
const ALLOWED: &str = "`door open`, `door closed`, `rex`, `rex on`, `rex off`, `fire on`, `fire off`, `tamper on` or `tamper off`";

/// All four inputs, moved by a [`SimContacts`].
pub struct SimInputs(Contacts);

/// Whoever stands at the simulated door. Clones move the same contacts.
#[derive(Clone)]
pub struct SimContacts {
    chip: SimChip,
}

impl SimInputs {
    /// Inputs that are not active, and the handle that moves them.
    ///
    /// # Panics
    /// If the system has no memory left for a file.
    #[must_use]
    pub fn scripted(clock: Arc<dyn Clock>) -> (Self, SimContacts) {
        let mut chip = SimChip::new(Arc::clone(&clock)).expect("the system has memory for an empty file");
        let lines = Input::ALL.map(line_of);
        let watch = chip.watch(&lines).expect("a new chip has these lines free");
        let contacts = Contacts::open(watch, &Input::ALL, clock).expect("a new chip works");
        (Self(contacts), SimContacts { chip })
    }
}

impl Inputs for SimInputs {
    fn next(&mut self, patience: Duration) -> Result<Option<InputChange>, InputsError> {
        self.0.next(patience)
    }
}

impl SimContacts {
    /// Makes an input active or not.
    pub fn set(&self, input: Input, active: bool) {
        self.chip.put(line_of(input).offset, active);
    }
}

fn line_of(input: Input) -> Line {
    let offset = match input {
        Input::DoorPosition => 0,
        Input::RequestToExit => 1,
        Input::FireContact => 2,
        Input::Tamper => 3,
    };
    Line { offset, active_low: false, bias: Bias::PullDown }
}

/// The inputs of a file.
///
/// # Errors
/// [`InputsError::File`] if there is something else at its path; a missing file is nothing wrong.
pub(crate) fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Contacts, InputsError> {
    let tail = Tail::of_all(path).map_err(|error| unread(path, &error))?;
    let mut played = Played {
        path: path.into(),
        tail,
        clock: Arc::clone(&clock),
        levels: [None; Input::ALL.len()],
        edges: VecDeque::new(),
        let_go: None,
    };
    played.catch_up()?;
    Contacts::over(Box::new(played), &Input::ALL, clock)
}

fn unread(path: &Path, error: &std::io::Error) -> InputsError {
    InputsError::File { path: path.into(), reason: error.to_string() }
}

/// A file as a source of edges.
struct Played {
    path: PathBuf,
    tail: Tail,
    clock: Arc<dyn Clock>,
    levels: [Option<bool>; Input::ALL.len()],
    /// Edges that were not asked for yet; no more than the tail reads at once, and one.
    edges: VecDeque<Edge>,
    /// When the button is let go.
    let_go: Option<Monotonic>,
}

impl Played {
    /// Takes what the file says already as levels, without a press.
    fn catch_up(&mut self) -> Result<(), InputsError> {
        loop {
            match self.read() {
                Ok(true) | Err(InputsError::Command { .. }) => {}
                Ok(false) => break,
                Err(error @ (InputsError::File { .. } | InputsError::Lines(_))) => return Err(error),
            }
        }
        self.edges.clear();
        if self.let_go.take().is_some() {
            self.levels[line_of(Input::RequestToExit).offset as usize] = Some(false);
        }
        Ok(())
    }

    /// Takes one line of the file, if there is one.
    fn read(&mut self) -> Result<bool, InputsError> {
        let wrong = || InputsError::Command { path: self.path.clone(), allowed: ALLOWED };
        let line = match self.tail.line() {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(false),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => return Err(wrong()),
            Err(error) => return Err(unread(&self.path, &error)),
        };
        let words: Vec<&str> = line.split_whitespace().collect();
        let (input, active) = match words[..] {
            [] => return Ok(true),
            ["door", "open"] => (Input::DoorPosition, true),
            ["door", "closed"] => (Input::DoorPosition, false),
            ["rex"] => {
                let now = self.clock.now();
                self.push(now, Input::RequestToExit, true);
                self.let_go = Some(now.plus(PRESS));
                return Ok(true);
            }
            ["rex", "on"] => (Input::RequestToExit, true),
            ["rex", "off"] => (Input::RequestToExit, false),
            ["fire", "on"] => (Input::FireContact, true),
            ["fire", "off"] => (Input::FireContact, false),
            ["tamper", "on"] => (Input::Tamper, true),
            ["tamper", "off"] => (Input::Tamper, false),
            ["#", ..] => return Ok(true),
            _ => return Err(wrong()),
        };
        self.push(self.clock.now(), input, active);
        Ok(true)
    }

    fn push(&mut self, at: Monotonic, input: Input, active: bool) {
        let line = line_of(input).offset as usize;
        if input == Input::RequestToExit {
            self.let_go = None;
        }
        self.levels[line] = Some(active);
        self.edges.push_back(Edge { at, line, active });
    }
}

impl Source for Played {
    fn levels(&mut self) -> Result<Vec<Option<bool>>, InputsError> {
        Ok(self.levels.to_vec())
    }

    fn edges(&mut self, patience: Duration) -> Result<Vec<Edge>, InputsError> {
        let until = Instant::now() + patience;
        loop {
            while self.edges.len() < MOST_EDGES && self.read()? {}
            let now = self.clock.now();
            if self.let_go.is_some_and(|due| due <= now) {
                self.push(now, Input::RequestToExit, false);
            }
            let left = until.saturating_duration_since(Instant::now());
            if !self.edges.is_empty() || left.is_zero() {
                let count = self.edges.len().min(MOST_EDGES);
                return Ok(self.edges.drain(..count).collect());
            }
            thread::sleep(left.min(POLL));
        }
    }
}
