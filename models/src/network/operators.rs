//! The operators of a planned network: attributes resolved, constants in place.

use candle_core::Tensor;

use super::epilogue::Epilogue;
use super::onnx::Value;

/// One planned operator.
pub(crate) enum Operator {
    /// 1 x 1 convolution as a matrix product, weights out x in.
    Pointwise {
        weights: Tensor,
        epilogue: Epilogue,
    },
    /// A filter for each channel, or for each two.
    Depthwise(Box<Depthwise>),
    /// Any other convolution; weights out x in x height x width.
    Convolution {
        weights: Tensor,
        stride: usize,
        padding: usize,
        epilogue: Epilogue,
    },
    /// ReLU or PReLU alone: the slope of what is not positive, one for all channels or one for each.
    Activation(Vec<f32>),
    /// Batch normalisation that follows no convolution: `value * scale + shift` per channel.
    Affine {
        scale: Vec<f32>,
        shift: Vec<f32>,
    },
    /// Matrix product with constant weights (in x out) and a bias.
    Linear {
        weights: Tensor,
        bias: Option<Tensor>,
    },
    /// Largest value of each `size` x `size` tile.
    MaxPool {
        size: usize,
    },
    /// Every pixel `factor` times in both directions.
    Upsample {
        factor: usize,
    },
    GlobalAveragePool,
    Add,
    Subtract,
    Multiply,
    Sigmoid,
    Transpose(Vec<usize>),
    Reshape,
    Flatten,
    Shape,
    Gather,
    Unsqueeze,
    Concatenate,
    Constant(Value),
    Identity,
}

/// A convolution in groups of one or two channels.
pub(crate) struct Depthwise {
    /// Out x channels of a group x height x width.
    pub(crate) weights: Tensor,
    /// Down and across.
    pub(crate) stride: (usize, usize),
    /// Zero padding: top, left, bottom, right.
    pub(crate) pads: [usize; 4],
    /// Bias and activation, one of each per channel.
    pub(crate) epilogue: Epilogue,
}

impl Depthwise {
    /// Rows and columns of the filter.
    pub(crate) fn kernel(&self) -> (usize, usize) {
        let dims = self.weights.dims();
        (dims[2], dims[3])
    }

    /// Whether a group has two channels.
    pub(crate) fn paired(&self) -> bool {
        self.weights.dims()[1] == 2
    }

    /// Whether both read and write the same pixels, if of other channels.
    pub(crate) fn same_geometry(&self, other: &Self) -> bool {
        let geometry = |layer: &Self| (layer.kernel(), layer.stride, layer.pads, layer.paired());
        geometry(self) == geometry(other)
    }
}

impl Operator {
    /// The operators on the small lists of whole numbers with which a file computes shapes; `None` for the others, and
    /// for an index outside the list.
    pub(crate) fn run_on_numbers(&self, inputs: &[Value]) -> Option<Value> {
        let list = |index: usize| match inputs.get(index) {
            Some(Value::Integers(values)) => Some(values),
            Some(Value::Tensor(_)) | None => None,
        };
        let result = match self {
            Self::Gather => {
                let from = list(0)?;
                let pick = |index: &i64| from.get(usize::try_from(*index).ok()?).copied();
                list(1)?.iter().map(pick).collect::<Option<Vec<i64>>>()?
            }
            Self::Unsqueeze => list(0)?.clone(),
            Self::Concatenate => (0..inputs.len())
                .map(list)
                .collect::<Option<Vec<_>>>()?
                .into_iter()
                .flatten()
                .copied()
                .collect(),
            Self::Pointwise { .. }
            | Self::Depthwise(_)
            | Self::Convolution { .. }
            | Self::Activation(_)
            | Self::Affine { .. }
            | Self::Linear { .. }
            | Self::MaxPool { .. }
            | Self::Upsample { .. }
            | Self::GlobalAveragePool
            | Self::Add
            | Self::Subtract
            | Self::Multiply
            | Self::Sigmoid
            | Self::Transpose(_)
            | Self::Reshape
            | Self::Flatten
            | Self::Shape
            | Self::Constant(_)
            | Self::Identity => return None,
        };
        Some(Value::Integers(result))
    }
}
