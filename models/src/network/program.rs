//! A network made ready for pictures of one size: what to compute, from where to where, in which order.
//!
//! `lower` makes the steps from the plan, `memory` gives every buffer its place in one arena, `schedule` cuts the steps
//! into bands of rows so that what a step writes is still in the cache when the next step reads it, `execute` runs it.

use std::ops::Range;

use super::bytes::ByteConvolution;
use crate::kernels::{Affine, Block, ByteScale, LANES};

/// Channels, rows and columns of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) channels: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
}

impl Shape {
    /// Blocks of sixteen channels.
    pub(crate) fn blocks(self) -> usize {
        self.channels.div_ceil(LANES)
    }

    /// Pixels of one channel.
    pub(crate) fn pixels(self) -> usize {
        self.height * self.width
    }

    /// [`Block`]s of the whole map.
    pub(crate) fn size(self) -> usize {
        self.blocks() * self.pixels()
    }
}

/// The number of a buffer.
pub(crate) type Buffer = usize;

/// One operator on whole maps.
pub(crate) struct Step {
    /// The name of the node that it was made from.
    pub(crate) node: String,
    pub(crate) work: Work,
    pub(crate) input: Source,
    /// The other operand: what is added, or what a map is multiplied by.
    pub(crate) second: Option<Buffer>,
    pub(crate) output: Buffer,
}

/// Where a step reads from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    /// The picture, whose pixels are three neighbouring floats.
    Picture,
    Buffer(Buffer),
}

/// What a step computes.
pub(crate) enum Work {
    Convolution(Convolution),
    /// A pointwise convolution of a map of bytes.
    Bytes(ByteConvolution),
    Depthwise(DepthwiseLayer),
    /// Largest of each 2 x 2 square.
    MaxPool,
    /// Adds the second map, each of whose pixels counts for `factor` x `factor`.
    Add {
        factor: usize,
    },
    /// One rule for each block of channels.
    Affine(Vec<Affine>),
    Sigmoid,
    /// Multiplies each channel by the second map's only pixel.
    Scale,
    /// The mean of each channel.
    Mean,
    /// Fully connected: `weights` hold a row of the input's size for each output, their number rounded up to four.
    Linear {
        weights: Vec<Block>,
        bias: Vec<f32>,
    },
}

/// A dense convolution of the picture, or a pointwise one of a map.
pub(crate) struct Convolution {
    /// Sides of the square filter and its stride; both one for a map.
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    /// Panel after panel of output channels; in each, the weights of one summed value after the other.
    pub(crate) weights: Vec<Block>,
    pub(crate) bias: Vec<Block>,
    pub(crate) slope_less_one: Vec<Block>,
    /// Values that are summed up for one output.
    pub(crate) depth: usize,
    /// Where each run of values begins, in floats from the pixel's place.
    pub(crate) runs: Vec<usize>,
    pub(crate) run_length: usize,
    pub(crate) last_length: usize,
}

/// A depthwise convolution, one entry a block where there are many.
pub(crate) struct DepthwiseLayer {
    pub(crate) kernel: (usize, usize),
    pub(crate) stride: (usize, usize),
    pub(crate) padding: (usize, usize),
    pub(crate) paired: bool,
    /// All taps of the first block, then of the second.
    pub(crate) weights: Vec<Block>,
    pub(crate) bias: Vec<Block>,
    pub(crate) slope_less_one: Vec<Block>,
    /// Results are written as bytes.
    pub(crate) bytes: Option<ByteScale>,
}

/// The picture, with columns of zeros at its sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Columns of zeros at either side, and rows that count as zeros above and below.
    pub(crate) border: usize,
    /// What the network does to each colour before anything else.
    pub(crate) scale: [f32; 3],
    pub(crate) shift: [f32; 3],
}

impl Picture {
    /// Floats from one row to the next.
    pub(crate) fn line(&self) -> usize {
        (self.width + 2 * self.border) * 3
    }
}

/// An output of the network: some channels of a buffer, written down in the file's order.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    pub(crate) buffer: Buffer,
    /// The first of its channels within the buffer.
    pub(crate) first: usize,
    pub(crate) shape: Shape,
    /// Channels together for each pixel, rather than pixels together for each channel.
    pub(crate) pixel_by_pixel: bool,
    /// The logistic function is applied while writing.
    pub(crate) logistic: bool,
}

/// A piece of work that the team does together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Have the caller write these rows of the picture.
    Fill(Range<usize>),
    /// Compute these rows of a step.
    Step(usize, Range<usize>),
}

/// Everything about one size of picture.
pub(crate) struct Program {
    pub(crate) picture: Picture,
    pub(crate) steps: Vec<Step>,
    /// The shape of every buffer.
    pub(crate) shapes: Vec<Shape>,
    /// Rows of every buffer that are in memory at a time: row `r` lies where row `r % kept` would.
    pub(crate) kept: Vec<usize>,
    /// The same of the picture.
    pub(crate) picture_kept: usize,
    /// Which buffers hold bytes rather than floats.
    pub(crate) in_bytes: Vec<bool>,
    /// Where every buffer begins in the arena, in blocks.
    pub(crate) places: Vec<usize>,
    /// Blocks in the arena.
    pub(crate) arena: usize,
    pub(crate) tasks: Vec<Task>,
    pub(crate) outputs: Vec<Output>,
}

impl Step {
    /// The rows of the picture (of this height and border) that these rows of the output are computed from.
    pub(crate) fn needs_of_picture(&self, rows: &Range<usize>, picture: &Picture) -> Range<usize> {
        let Work::Convolution(layer) = &self.work else { return 0..picture.height };
        let start = (rows.start * layer.stride).saturating_sub(picture.border).min(picture.height);
        let end = (rows.end.max(1) - 1) * layer.stride + layer.kernel;
        start..end.saturating_sub(picture.border).clamp(start, picture.height)
    }

    /// The rows of `input` (of this height) that these rows of the output are computed from; `None` if it takes them all.
    pub(crate) fn needs(&self, rows: &Range<usize>, height: usize) -> Option<Range<usize>> {
        match &self.work {
            Work::Convolution(_) | Work::Bytes(_) | Work::Affine(_) | Work::Sigmoid | Work::Add { .. } => {
                Some(rows.clone())
            }
            Work::MaxPool => Some(rows.start * 2..rows.end * 2),
            Work::Depthwise(layer) => {
                let start = (rows.start * layer.stride.0).saturating_sub(layer.padding.0);
                let end = (rows.end.max(1) - 1) * layer.stride.0 + layer.kernel.0;
                Some(start..end.saturating_sub(layer.padding.0).min(height))
            }
            Work::Scale | Work::Mean | Work::Linear { .. } => None,
        }
    }

    /// The rows of the second operand that these rows of the output are computed from; `None` if it takes them all.
    pub(crate) fn needs_second(&self, rows: &Range<usize>) -> Option<Range<usize>> {
        match &self.work {
            Work::Convolution(_) | Work::Bytes(_) => Some(rows.clone()),
            Work::Add { factor } => Some(rows.start / factor..rows.end.div_ceil(*factor)),
            Work::Depthwise(_)
            | Work::MaxPool
            | Work::Affine(_)
            | Work::Sigmoid
            | Work::Scale
            | Work::Mean
            | Work::Linear { .. } => None,
        }
    }

    /// The buffers that it reads.
    pub(crate) fn reads(&self) -> impl Iterator<Item = Buffer> {
        let first = match self.input {
            Source::Picture => None,
            Source::Buffer(buffer) => Some(buffer),
        };
        first.into_iter().chain(self.second)
    }

    /// Bytes of weights that every band would read again.
    pub(crate) fn weight_bytes(&self) -> usize {
        let blocks = |count: usize| count * size_of::<Block>();
        match &self.work {
            Work::Convolution(convolution) => blocks(convolution.weights.len()),
            Work::Bytes(convolution) => convolution.weights.len(),
            Work::Depthwise(layer) => blocks(layer.weights.len()),
            Work::Linear { weights, .. } => blocks(weights.len()),
            Work::MaxPool | Work::Add { .. } | Work::Affine(_) | Work::Sigmoid | Work::Scale | Work::Mean => {
                0
            }
        }
    }
}
