//! A chip in memory. Its output lines are bytes of a file, `0` or `1` at the line's offset, so that another process can
//! watch them and a guard can inherit them; its input lines are moved by whoever has a clone of the chip.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs::File,
    io,
    os::{fd::OwnedFd, unix::fs::FileExt},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use gate::Monotonic;
use rustix::fs::{MemfdFlags, memfd_create};

use super::{Bias, Edge, Line, Lines, LinesError, MOST_EDGES, Output, Watch};
use crate::Clock;

/// Changes that wait to be asked for; the oldest goes first, as in the kernel.
const EDGES_KEPT: usize = 256;

/// Lines of the chip.
const LINES: u32 = 64;

/// A simulated chip. Clones are the same chip.
#[derive(Clone)]
pub struct SimChip(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    outputs: File,
    pins: Mutex<Pins>,
    moved: Condvar,
}

#[derive(Default)]
struct Pins {
    requested: BTreeSet<u32>,
    high: BTreeMap<u32, bool>,
    /// When which line went high or low.
    changes: VecDeque<(Monotonic, u32, bool)>,
    /// Why nothing works any more.
    broken: Option<String>,
    /// How often the chip has gone. A request does not outlive its chip.
    gone: u64,
}

impl SimChip {
    /// A chip whose outputs are in memory.
    ///
    /// # Errors
    /// The system gives no memory file.
    pub fn new(clock: Arc<dyn Clock>) -> io::Result<Self> {
        let outputs = memfd_create("sim-chip", MemfdFlags::CLOEXEC)?;
        Ok(Self::over(clock, outputs.into()))
    }

    /// A chip whose outputs are in this file.
    #[must_use]
    pub fn over(clock: Arc<dyn Clock>, outputs: File) -> Self {
        Self(Arc::new(Inner { clock, outputs, pins: Mutex::default(), moved: Condvar::new() }))
    }

    /// Moves an input pin: high or low.
    pub fn put(&self, offset: u32, high: bool) {
        let mut pins = self.lock();
        if pins.high.insert(offset, high) == Some(high) {
            return;
        }
        let at = self.0.clock.now();
        pins.changes.push_back((at, offset, high));
        if pins.changes.len() > EDGES_KEPT {
            pins.changes.pop_front();
        }
        self.0.moved.notify_all();
    }

    /// Whether an output pin is high; none if it was never put out.
    #[must_use]
    pub fn high(&self, offset: u32) -> Option<bool> {
        let mut byte = [0];
        self.0.outputs.read_exact_at(&mut byte, offset.into()).ok()?;
        match byte {
            [b'1'] => Some(true),
            [b'0'] => Some(false),
            _ => None,
        }
    }

    /// The chip is unplugged, and every act fails with this reason; or it is there again, and its lines are nobody's.
    pub fn break_down(&self, reason: Option<&str>) {
        let mut pins = self.lock();
        pins.broken = reason.map(str::to_owned);
        pins.gone += u64::from(reason.is_some());
        pins.requested.clear();
        self.0.moved.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Pins> {
        self.0.pins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pins, if the chip is there.
    fn works(&self, act: &'static str) -> Result<MutexGuard<'_, Pins>, LinesError> {
        let pins = self.lock();
        match &pins.broken {
            Some(reason) => Err(LinesError::Refused { act, chip: self.chip(), reason: reason.clone() }),
            None => Ok(pins),
        }
    }

    fn request(&self, lines: &[Line]) -> Result<Requested, LinesError> {
        let mut pins = self.works("use")?;
        for line in lines {
            if line.offset >= LINES {
                return Err(LinesError::NoLine { chip: self.chip(), offset: line.offset, count: LINES });
            }
            if pins.requested.contains(&line.offset) {
                let by = "another request".into();
                return Err(LinesError::InUse { chip: self.chip(), offset: line.offset, by });
            }
        }
        for line in lines {
            pins.requested.insert(line.offset);
            pins.high.entry(line.offset).or_insert(line.bias == Bias::PullUp);
        }
        let gone = pins.gone;
        drop(pins);
        Ok(Requested { chip: self.clone(), lines: lines.to_vec(), gone })
    }

    /// Puts a line to rest in the file of a chip: a guard's last act.
    ///
    /// # Errors
    /// The system's reason.
    pub fn rest(outputs: &File, line: Line) -> io::Result<()> {
        write(outputs, line, false)
    }
}

impl Lines for SimChip {
    fn chip(&self) -> String {
        "simulated".into()
    }

    fn output(&mut self, line: Line) -> Result<Box<dyn Output>, LinesError> {
        let mut requested = self.request(&[line])?;
        requested.set(false)?;
        Ok(Box::new(requested))
    }

    fn watch(&mut self, lines: &[Line]) -> Result<Box<dyn Watch>, LinesError> {
        Ok(Box::new(self.request(lines)?))
    }
}

/// Lines until they are dropped.
struct Requested {
    chip: SimChip,
    lines: Vec<Line>,
    gone: u64,
}

impl Requested {
    /// The pins, if the chip is there and was not gone since the request.
    fn works(&self, act: &'static str) -> Result<MutexGuard<'_, Pins>, LinesError> {
        let pins = self.chip.works(act)?;
        if pins.gone == self.gone {
            return Ok(pins);
        }
        Err(LinesError::Refused { act, chip: self.chip.chip(), reason: "its request is of before".into() })
    }
}

impl Output for Requested {
    fn set(&mut self, active: bool) -> Result<(), LinesError> {
        drop(self.works("set a line of")?);
        let written = self.lines.iter().try_for_each(|&line| write(&self.chip.0.outputs, line, active));
        written.map_err(|error| LinesError::Refused {
            act: "set a line of",
            chip: self.chip.chip(),
            reason: error.to_string(),
        })
    }

    fn share(&self) -> io::Result<OwnedFd> {
        Ok(self.chip.0.outputs.try_clone()?.into())
    }
}

impl Watch for Requested {
    fn levels(&mut self) -> Result<Vec<Option<bool>>, LinesError> {
        let pins = self.works("read")?;
        let active = |line: &Line| pins.high.get(&line.offset).map(|&high| high != line.active_low);
        Ok(self.lines.iter().map(active).collect())
    }

    fn edges(&mut self, patience: Duration) -> Result<Vec<Edge>, LinesError> {
        let until = Instant::now() + patience;
        let mut pins = self.works("read")?;
        loop {
            let mut edges = Vec::new();
            let place = |offset: u32| self.lines.iter().position(|line| line.offset == offset);
            pins.changes.retain(|&(at, offset, high)| match place(offset) {
                Some(line) if edges.len() < MOST_EDGES => {
                    edges.push(Edge { at, line, active: high != self.lines[line].active_low });
                    false
                }
                Some(_) | None => true,
            });
            let left = until.saturating_duration_since(Instant::now());
            if !edges.is_empty() || left.is_zero() {
                return Ok(edges);
            }
            let waited = self.chip.0.moved.wait_timeout(pins, left);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
            pins = self.works("read")?;
        }
    }
}

impl Drop for Requested {
    fn drop(&mut self) {
        let mut pins = self.chip.lock();
        let lines = if pins.gone == self.gone { self.lines.as_slice() } else { &[] };
        for line in lines {
            pins.requested.remove(&line.offset);
        }
    }
}

fn write(outputs: &File, line: Line, active: bool) -> io::Result<()> {
    let high = active != line.active_low;
    outputs.write_all_at(if high { b"1" } else { b"0" }, line.offset.into())
}
