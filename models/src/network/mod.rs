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

use candle_core::{Device, Tensor};
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
    /// Plans the network in `bytes`, an ONNX file; `name` is used in errors.
    ///
    /// # Errors
    /// [`NetworkError`] if the file cannot be read or uses what this executor does not know.
    pub fn from_onnx(name: &str, bytes: &[u8], threads: &Threads) -> Result<Self, NetworkError> {
        let plan = plan::plan(&Graph::parse(name, bytes)?)?;
        let outputs = plan.outputs.iter().map(|(name, _)| (name.clone(), Vec::new())).collect();
        Ok(Self { name: name.to_owned(), plan, threads: threads.clone(), outputs })
    }

    /// Runs the network on a picture of `width` x `height` pixels. `fill` is called for each row from the top and writes
    /// `3 * width` values, pixel by pixel in the network's order of colours.
    ///
    /// # Errors
    /// [`NetworkError::Run`] if the network cannot take a picture of this size.
    pub fn run(
        &mut self,
        width: usize,
        height: usize,
        mut fill: impl FnMut(usize, &mut [f32]),
    ) -> Result<Outputs<'_>, NetworkError> {
        let mut planes = vec![0f32; 3 * width * height];
        let mut line = vec![0f32; 3 * width];
        for y in 0..height {
            fill(y, &mut line);
            for (x, pixel) in line.as_chunks::<3>().0.iter().enumerate() {
                pixel.iter().enumerate().for_each(|(c, value)| planes[(c * height + y) * width + x] = *value);
            }
        }
        let failed = |source| self.failed("input", source);
        let input = Tensor::from_vec(planes, (1, 3, height, width), &Device::Cpu).map_err(failed)?;
        let outputs = self.run_reference(&input)?;
        let values = outputs
            .into_iter()
            .map(|(name, tensor)| Ok((name.to_owned(), tensor.flatten_all()?.to_vec1()?)))
            .collect::<candle_core::Result<Vec<_>>>()
            .map_err(failed)?;
        self.outputs = values;
        Ok(Outputs(&self.outputs))
    }

    /// Runs the network operator by operator on candle: slow, and what the fast way is compared with.
    pub(crate) fn run_reference(&self, input: &Tensor) -> Result<Vec<(&str, Tensor)>, NetworkError> {
        self.threads.0.install(|| self.run_here(input))
    }

    fn failed(&self, node: &str, source: candle_core::Error) -> NetworkError {
        NetworkError::Run { network: self.name.clone(), node: node.to_owned(), source: Box::new(source) }
    }

    fn run_here(&self, input: &Tensor) -> Result<Vec<(&str, Tensor)>, NetworkError> {
        let absent = || candle_core::Error::Msg("a value is used before it is made".to_owned());
        let mut values = self.plan.slots.clone();
        values[self.plan.input] = Some(Value::Tensor(input.clone()));
        for step in &self.plan.steps {
            let inputs: Option<Vec<Value>> = step.inputs.iter().map(|slot| values[*slot].clone()).collect();
            step.frees.iter().for_each(|slot| values[*slot] = None);
            let output = inputs.ok_or_else(absent).and_then(|inputs| step.operator.run(&inputs));
            values[step.output] = Some(output.map_err(|source| self.failed(&step.node, source))?);
        }
        let mut outputs = Vec::with_capacity(self.plan.outputs.len());
        for (name, slot) in &self.plan.outputs {
            match &values[*slot] {
                Some(Value::Tensor(tensor)) => outputs.push((name.as_str(), tensor.clone())),
                Some(Value::Integers(_)) | None => return Err(self.failed(name, absent())),
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
