//! GPIO lines: single pins of the computer, put out and listened to.
//!
//! A [`Lines`] is one chip with numbered lines. A line is requested from it, which nobody else can do until the request
//! ends. [`Chip`] is the kernel's character device (`/dev/gpiochipN`, uAPI version 2, Linux 5.10 or later); [`SimChip`] is a
//! chip in memory, whose pins somebody else moves.
//!
//! Levels are spoken of as *active* and not, after the line's own sense: an active-low line is active at 0 volts. The
//! kernel does the turning.
//!
//! **What was seen and what was not.** All that is above [`Chip`] is tested on [`SimChip`]. [`Chip`] itself was run on the
//! kernel's chip for tests, `gpio-sim`, on Linux 6.1 (`tests/gpio_sim.rs`, which says so where the kernel has none). No pin of
//! a real chip was seen: what a chip's driver does with a line that is let go, and whether it sets a [`Bias`], is to be proved
//! on the board.

mod chip;
mod sim;

use std::{io, os::fd::OwnedFd, time::Duration};

use gate::Monotonic;
use serde::Deserialize;
use thiserror::Error;

pub use chip::{Chip, rest};
pub use sim::SimChip;

/// Edges that one call of [`Watch::edges`] answers with at most: a line that chatters takes no more memory than this.
pub const MOST_EDGES: usize = 64;

/// One line of a chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Its number on the chip, from 0.
    pub offset: u32,
    /// Whether it is active at 0 volts.
    pub active_low: bool,
    /// The resistor inside the chip.
    pub bias: Bias,
}

/// The resistor inside the chip that holds an open line. A chip whose driver cannot set one passes the wish over in
/// silence, as i.MX chips do: there the wiring or the device tree has to have it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bias {
    /// As the system has set it.
    #[default]
    AsIs,
    /// An open line reads high.
    PullUp,
    /// An open line reads low.
    PullDown,
    /// None: the wiring has its own.
    Off,
}

/// A line changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// When, on the clock of the rules.
    pub at: Monotonic,
    /// Which, counted in the order in which the lines were requested.
    pub line: usize,
    /// To what.
    pub active: bool,
}

/// A chip.
pub trait Lines: Send {
    /// The chip, for messages.
    fn chip(&self) -> String;

    /// Requests a line and puts it out, not active.
    ///
    /// # Errors
    /// [`LinesError`].
    fn output(&mut self, line: Line) -> Result<Box<dyn Output>, LinesError>;

    /// Requests lines and listens to them.
    ///
    /// # Errors
    /// [`LinesError`].
    fn watch(&mut self, lines: &[Line]) -> Result<Box<dyn Watch>, LinesError>;
}

/// A line that is put out. Dropping it ends the request, unless another process shares it.
pub trait Output: Send {
    /// Makes the line active or not.
    ///
    /// # Errors
    /// [`LinesError`]; the line may be either.
    fn set(&mut self, active: bool) -> Result<(), LinesError>;

    /// The request itself, for a child process: the line stays requested, and at its level, while anybody has it open.
    ///
    /// # Errors
    /// The system's reason.
    fn share(&self) -> io::Result<OwnedFd>;
}

/// Lines that are listened to.
pub trait Watch: Send {
    /// Whether each line is active now, in the order in which they were requested; none for one that is not known.
    ///
    /// # Errors
    /// [`LinesError`].
    fn levels(&mut self) -> Result<Vec<Option<bool>>, LinesError>;

    /// Waits until a line changes, at most `patience`, and answers with all changes so far, oldest first, but no more
    /// than [`MOST_EDGES`]. If the chip lost some, they were older than those that it kept.
    ///
    /// # Errors
    /// [`LinesError`].
    fn edges(&mut self, patience: Duration) -> Result<Vec<Edge>, LinesError>;
}

/// Why a line cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LinesError {
    /// Nothing at this path.
    #[error(
        "there is no GPIO chip at {chip}; found instead: {found}. Put the path of the right one into `chip` in the board \
         file"
    )]
    NotThere {
        /// The path of the board file.
        chip: String,
        /// The chips of this machine.
        found: String,
    },
    /// The chip is smaller.
    #[error(
        "GPIO chip {chip} has no line {offset}: its {count} lines are counted from 0. Correct `line` in the board file, or \
         `chip`"
    )]
    NoLine {
        /// The chip.
        chip: String,
        /// The line of the board file.
        offset: u32,
        /// How many it has.
        count: u32,
    },
    /// Somebody else has it.
    #[error(
        "line {offset} of GPIO chip {chip} is in use by {by}: stop that, or take another line for `line` in the board \
         file"
    )]
    InUse {
        /// The chip.
        chip: String,
        /// The line.
        offset: u32,
        /// The kernel's name for the other one.
        by: String,
    },
    /// The system refused.
    #[error("cannot {act} GPIO chip {chip}: {reason}. Check that this user may use it (group gpio)")]
    Refused {
        /// What was tried.
        act: &'static str,
        /// The chip.
        chip: String,
        /// The system's reason.
        reason: String,
    },
}
