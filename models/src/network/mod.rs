//! The networks: their real ONNX files, planned once, run by our own kernels.
//!
//! In reading order: `onnx` (the file's nodes and constants, on candle tensors), `plan` (normalisations and activations
//! folded into the convolution before them), `lower` (the steps of a program for one size of picture; `merge`, `view`
//! and `convolution` help), `memory` and `schedule` (where values lie, and in which order rows are made), `execute` (the run,
//! by the members of a `team`; `run` is one step of one member). `bytes` turns some of it to bytes, `custom` makes the whole
//! an operator of candle. `reference` runs the plan on candle, operator by operator, for the tests.
//!
//! It knows exactly the operators of the shipped files; any other file is refused at load, with the operator's and the
//! node's name.

mod attributes;
mod bytes;
mod convolution;
mod custom;
mod epilogue;
mod error;
mod execute;
mod layers;
mod lower;
mod memory;
mod merge;
mod onnx;
mod operators;
mod plan;
mod program;
#[cfg(test)]
mod reference;
mod run;
mod schedule;
mod team;
#[cfg(test)]
mod tests;
mod view;

pub use bytes::Ranges;
pub use custom::Custom;
pub use error::NetworkError;
use execute::Executor;
use onnx::Graph;
use plan::Plan;
pub use team::Threads;

use crate::kernels::Kernels;

/// Sizes of picture that a network is ready for at the same time: a detector sees whole frames, windows of them, and now
/// and then a photograph.
const SIZES_KEPT: usize = 3;

/// A planned network, ready to run.
pub struct Network {
    name: String,
    threads: Threads,
    kernels: &'static Kernels,
    /// With these, part of it runs in bytes.
    ranges: Option<Ranges>,
    /// Kept for further sizes, unless the network has one size of its own.
    plan: Option<Plan>,
    /// One for each size, the last used first.
    ready: Vec<Executor>,
    outputs: Vec<(String, Vec<f32>)>,
}

/// What the last run gave: the network's outputs in the file's order.
#[derive(Clone, Copy)]
pub struct Outputs<'a>(&'a [(String, Vec<f32>)]);

impl<'a> Outputs<'a> {
    /// The values of the output of this name, in the order of the file's own layout.
    #[must_use]
    pub fn get(self, name: &str) -> Option<&'a [f32]> {
        self.0.iter().find(|(output, _)| output == name).map(|(_, values)| values.as_slice())
    }

    /// The values of the first output.
    #[must_use]
    pub fn first(self) -> Option<&'a [f32]> {
        self.0.first().map(|(_, values)| values.as_slice())
    }
}

impl Network {
    /// Plans the network in `bytes`, an ONNX file; `name` is used in errors. With a `size` (width, height), pictures of
    /// that size only can be run and the file's own weights are not kept; without, it is made ready for the size that the
    /// file states, and later for any other.
    ///
    /// # Errors
    /// [`NetworkError`] if the file cannot be read or uses what this executor does not know.
    pub fn from_onnx(
        name: &str,
        bytes: &[u8],
        size: Option<(usize, usize)>,
        threads: &Threads,
    ) -> Result<Self, NetworkError> {
        Self::with_kernels(name, bytes, size, None, threads, Kernels::best())
    }

    /// The same with most of its arithmetic in bytes, if the processor has instructions for that; else as usual.
    /// [`Network::measure`] gives the ranges.
    ///
    /// # Errors
    /// [`NetworkError`] if the file cannot be read or uses what this executor does not know.
    pub fn in_bytes(
        name: &str,
        bytes: &[u8],
        size: Option<(usize, usize)>,
        ranges: Ranges,
        threads: &Threads,
    ) -> Result<Self, NetworkError> {
        Self::with_kernels(name, bytes, size, Some(ranges), threads, Kernels::best())
    }

    fn with_kernels(
        name: &str,
        bytes: &[u8],
        size: Option<(usize, usize)>,
        ranges: Option<Ranges>,
        threads: &Threads,
        kernels: &'static Kernels,
    ) -> Result<Self, NetworkError> {
        let graph = Graph::parse(name, bytes)?;
        let plan = plan::plan(&graph)?;
        let outputs = plan.outputs.iter().map(|(name, _)| (name.clone(), Vec::new())).collect();
        let mut network = Self {
            name: name.to_owned(),
            threads: threads.clone(),
            kernels,
            ranges,
            plan: Some(plan),
            ready: Vec::new(),
            outputs,
        };
        let (width, height) = size.unwrap_or(graph.size);
        network.make_ready(width, height)?;
        if size.is_some() {
            network.plan = None;
        }
        Ok(network)
    }

    /// Runs the network on a picture of `width` x `height` pixels. `fill` is called for each row from the top and writes
    /// `3 * width` values, pixel by pixel in the network's order of colours. Allocates nothing if one of the last few runs
    /// had the same size.
    ///
    /// # Errors
    /// [`NetworkError`] if the network cannot take a picture of this size.
    pub fn run(
        &mut self,
        width: usize,
        height: usize,
        fill: impl FnMut(usize, &mut [f32]),
    ) -> Result<Outputs<'_>, NetworkError> {
        self.make_ready(width, height)?;
        let executor = &mut self.ready[0];
        executor.run(&self.threads, fill);
        for (index, (_, values)) in self.outputs.iter_mut().enumerate() {
            executor.read(index, values);
        }
        Ok(Outputs(&self.outputs))
    }

    /// Runs the network on a picture and gives the range of every result that could be in bytes.
    ///
    /// # Errors
    /// [`NetworkError`] if the network cannot take a picture of this size.
    pub fn measure(
        &mut self,
        width: usize,
        height: usize,
        fill: impl FnMut(usize, &mut [f32]),
    ) -> Result<Ranges, NetworkError> {
        self.make_ready(width, height)?;
        let mut ranges = Ranges::default();
        self.ready[0].measure(fill, &mut ranges);
        Ok(ranges)
    }

    /// Whether part of the arithmetic is in bytes.
    #[must_use]
    pub fn is_in_bytes(&self) -> bool {
        self.ready.first().is_some_and(Executor::is_in_bytes)
    }

    /// Has the program for this size as the first.
    fn make_ready(&mut self, width: usize, height: usize) -> Result<(), NetworkError> {
        if let Some(found) = self.ready.iter().position(|ready| ready.size() == (width, height)) {
            self.ready[..=found].rotate_right(1);
            return Ok(());
        }
        let Some(plan) = &self.plan else {
            let expected = self.ready.first().map_or((0, 0), Executor::size);
            return Err(NetworkError::WrongSize {
                network: self.name.clone(),
                expected,
                found: (width, height),
            });
        };
        let program = lower::lower(&self.name, plan, width, height, self.ranges.as_ref(), self.kernels)?;
        self.ready.truncate(SIZES_KEPT - 1);
        self.ready.insert(0, Executor::new(program, self.kernels));
        Ok(())
    }
}

impl std::fmt::Debug for Network {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (steps, tasks) = self.ready.first().map_or((0, 0), Executor::length);
        write!(formatter, "Network({}, {steps} steps in {tasks} tasks on {})", self.name, self.kernels.name)
    }
}
