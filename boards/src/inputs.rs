//! The door inputs port: contacts that say what the door and the people around it do.
//!
//! A contact is open or closed; the board file says which of the two is *active*, and active always means that something
//! is the case:
//!
//! | input | active | what it is for |
//! |---|---|---|
//! | door position switch (DPS) | the door is open | forced and held-open doors, grants that nobody used |
//! | request to exit (REX) | the button is pressed | whoever leaves forces nothing |
//! | fire contact | the fire alarm is on | the door goes to its free state |
//! | tamper | the housing is open | somebody is at the wires |
//!
//! A contact bounces. [`debounce`] reports a level only after it stayed for [`debounce::STABLE_FOR`], on every driver
//! alike. [`Contacts`] puts it behind any [`Watch`]: a GPIO chip, or the simulator's file.
//!
//! **A fire contact must be wired so that a cut wire is an alarm**: a loop that is closed as long as all is well, on a line
//! with a pull-up, active when the loop opens (`active = "high"`). And people must be able to leave without this device: the
//! fire alarm's own contact opens the lock in hardware, in series; this input is for the screens and the records, and lets
//! the strike follow.

pub mod debounce;
mod sim;

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use gate::Monotonic;
pub use gate::{Input, InputChange};
use thiserror::Error;

use crate::{
    Clock,
    lines::{LinesError, MOST_EDGES, Watch},
};
use debounce::Debounce;
pub(crate) use sim::open as open_sim;
pub use sim::{PRESS, SimContacts, SimInputs};

/// The contacts of one door. On open, the level of each wired input is told once.
pub trait Inputs: Send {
    /// Waits for the next change, at most `patience`; none if there was none. Changes come in the order of their times.
    ///
    /// # Errors
    /// [`InputsError`]. After [`InputsError::Command`] the next call goes on; after any other, drop the inputs and open
    /// them again after a pause.
    fn next(&mut self, patience: Duration) -> Result<Option<InputChange>, InputsError>;
}

/// Why the inputs cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InputsError {
    /// The chip.
    #[error("door inputs: {0}")]
    Lines(#[from] LinesError),
    /// A line of the simulator's file is nothing that it knows.
    #[error("a line of {path} is no door input: it may be {allowed}")]
    Command {
        /// The file.
        path: PathBuf,
        /// The words.
        allowed: &'static str,
    },
    /// The simulator's file.
    #[error("cannot read door inputs from {path}: {reason}. Correct `path` under [inputs] in the board file")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
}

/// What the debounced inputs stand on: a [`Watch`], or the simulator with errors of its own.
pub(crate) trait Source: Send {
    fn levels(&mut self) -> Result<Vec<Option<bool>>, InputsError>;
    fn edges(&mut self, patience: Duration) -> Result<Vec<crate::lines::Edge>, InputsError>;
}

impl Source for Box<dyn Watch> {
    fn levels(&mut self) -> Result<Vec<Option<bool>>, InputsError> {
        Ok(self.as_mut().levels()?)
    }

    fn edges(&mut self, patience: Duration) -> Result<Vec<crate::lines::Edge>, InputsError> {
        Ok(self.as_mut().edges(patience)?)
    }
}

/// Full batches of edges in a row after which the levels are looked at all the same: a contact that chatters faster than we
/// read may have pushed another one's edge out of the chip's queue, which is shorter than this.
const MOST_UNLOOKED: u32 = 8;

/// Debounced inputs on lines.
pub struct Contacts {
    source: Box<dyn Source>,
    clock: Arc<dyn Clock>,
    /// In the order of the lines. None while the level is not known.
    inputs: Vec<(Input, Option<Debounce>)>,
    /// Changes to be told. No more than one call of the source brings, since they are told before it is asked again.
    ready: VecDeque<InputChange>,
    /// Full batches of edges since the levels were looked at.
    unlooked: u32,
}

impl Contacts {
    /// `inputs` says what stands behind each line of `watch`, in the order in which they were requested.
    ///
    /// # Errors
    /// The first levels cannot be read.
    pub fn open(watch: Box<dyn Watch>, inputs: &[Input], clock: Arc<dyn Clock>) -> Result<Self, InputsError> {
        Self::over(Box::new(watch), inputs, clock)
    }

    pub(crate) fn over(
        source: Box<dyn Source>,
        inputs: &[Input],
        clock: Arc<dyn Clock>,
    ) -> Result<Self, InputsError> {
        let inputs = inputs.iter().map(|&input| (input, None)).collect();
        let mut contacts = Self { source, clock, inputs, ready: VecDeque::new(), unlooked: 0 };
        let now = contacts.clock.now();
        contacts.look(now)?;
        Ok(contacts)
    }

    /// Takes the levels as they are now: the first ones, and those whose edges were lost on the way.
    fn look(&mut self, now: Monotonic) -> Result<(), InputsError> {
        for (line, level) in self.source.levels()?.into_iter().enumerate() {
            if let Some(active) = level {
                self.feed(line, now, active);
            }
        }
        Ok(())
    }

    fn feed(&mut self, line: usize, at: Monotonic, active: bool) {
        let Some((input, debounce)) = self.inputs.get_mut(line) else { return };
        let settled = match debounce {
            Some(debounce) => debounce.feed(at, active),
            None => {
                *debounce = Some(Debounce::new(at, active));
                Some((at, active))
            }
        };
        let input = *input;
        self.ready.extend(settled.map(|(at, active)| InputChange { at, input, active }));
    }

    fn settle(&mut self, now: Monotonic) {
        for (input, debounce) in &mut self.inputs {
            let settled = debounce.as_mut().and_then(|debounce| debounce.settle(now));
            let input = *input;
            self.ready.extend(settled.map(|(at, active)| InputChange { at, input, active }));
        }
        self.ready.make_contiguous().sort_by_key(|change| change.at);
    }

    /// How long to wait for an edge: until something is due at the latest.
    fn wait(&self, left: Duration) -> Duration {
        let due = self.inputs.iter().filter_map(|(_, debounce)| debounce.as_ref()?.due()).min();
        due.map_or(left, |due| left.min(due.since(self.clock.now())))
    }
}

impl Inputs for Contacts {
    fn next(&mut self, patience: Duration) -> Result<Option<InputChange>, InputsError> {
        let until = Instant::now() + patience;
        loop {
            if let Some(change) = self.ready.pop_front() {
                return Ok(Some(change));
            }
            let left = until.saturating_duration_since(Instant::now());
            let edges = self.source.edges(self.wait(left))?;
            for edge in &edges {
                self.feed(edge.line, edge.at, edge.active);
            }
            match edges.last() {
                Some(last) if edges.len() >= MOST_EDGES && self.unlooked < MOST_UNLOOKED => {
                    // More may wait, which say what happened between the last of these and now; nothing older waits.
                    self.unlooked += 1;
                    self.settle(last.at);
                }
                Some(_) | None => {
                    self.unlooked = 0;
                    let now = self.clock.now();
                    self.look(now)?;
                    self.settle(now);
                }
            }
            if self.ready.is_empty() && Instant::now() >= until {
                return Ok(None);
            }
        }
    }
}

#[cfg(test)]
mod tests;
