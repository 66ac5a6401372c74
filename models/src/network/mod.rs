//! A small executor for the networks that Genkan ships: their real ONNX files, candle for the tensors.
//!
//! The file is read once (`onnx`), planned once (`plan`: normalisations and activations folded into the convolution
//! before them) and then run for an input of any size the network's arithmetic allows. It knows exactly the operators
//! of the shipped files; any other file is refused with the operator's and the node's name. A faster executor can take
//! its place behind [`Network::run`].

mod attributes;
mod depthwise;
mod epilogue;
mod error;
mod layers;
mod onnx;
mod operators;
mod plan;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use candle_core::Tensor;
use rayon::{ThreadPool, ThreadPoolBuilder};

pub use error::NetworkError;
use onnx::{Graph, Value};
use plan::Plan;

/// The threads that networks run on. One thread is best for networks as small as these; candle's own default would be
/// every core, taken from the camera and the screen.
#[derive(Clone)]
pub struct Threads(Arc<ThreadPool>);

impl Threads {
    /// Starts `threads` inference threads (at least one), shared by every network that is given a clone.
    ///
    /// # Errors
    /// [`NetworkError::Threads`] if the system refuses them.
    pub fn start(threads: usize) -> Result<Self, NetworkError> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads.max(1))
            .thread_name(|index| format!("inference-{index}"))
            .build()
            .map_err(|source| NetworkError::Threads { threads, source })?;
        Ok(Self(Arc::new(pool)))
    }
}

/// A planned network, ready to run.
pub struct Network {
    name: String,
    plan: Plan,
    threads: Threads,
}

impl Network {
    /// Plans the network in `bytes`, an ONNX file; `name` is used in errors.
    ///
    /// # Errors
    /// [`NetworkError`] if the file cannot be read or uses what this executor does not know.
    pub fn from_onnx(name: &str, bytes: &[u8], threads: &Threads) -> Result<Self, NetworkError> {
        let plan = plan::plan(&Graph::parse(name, bytes)?)?;
        Ok(Self { name: name.to_owned(), plan, threads: threads.clone() })
    }

    /// Runs the network on one f32 tensor and returns its outputs in the file's order, each with its name.
    ///
    /// # Errors
    /// [`NetworkError::Run`] if the input has a shape that the network cannot take.
    pub fn run(&self, input: &Tensor) -> Result<Vec<(&str, Tensor)>, NetworkError> {
        self.threads.0.install(|| self.run_here(input))
    }

    fn run_here(&self, input: &Tensor) -> Result<Vec<(&str, Tensor)>, NetworkError> {
        let fail = |node: &str, source: candle_core::Error| NetworkError::Run {
            network: self.name.clone(),
            node: node.to_owned(),
            source: Box::new(source),
        };
        let absent = || candle_core::Error::Msg("a value is used before it is made".to_owned());
        let mut values = self.plan.slots.clone();
        values[self.plan.input] = Some(Value::Tensor(input.clone()));
        for step in &self.plan.steps {
            let inputs: Option<Vec<Value>> = step.inputs.iter().map(|slot| values[*slot].clone()).collect();
            step.frees.iter().for_each(|slot| values[*slot] = None);
            let output = inputs.ok_or_else(absent).and_then(|inputs| step.operator.run(&inputs));
            values[step.output] = Some(output.map_err(|source| fail(&step.node, source))?);
        }
        let mut outputs = Vec::with_capacity(self.plan.outputs.len());
        for (name, slot) in &self.plan.outputs {
            match &values[*slot] {
                Some(Value::Tensor(tensor)) => outputs.push((name.as_str(), tensor.clone())),
                Some(Value::Integers(_)) | None => return Err(fail(name, absent())),
            }
        }
        Ok(outputs)
    }
}

impl std::fmt::Debug for Network {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Network({}, {} steps)", self.name, self.plan.steps.len())
    }
}
