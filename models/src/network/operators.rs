//! The operators as they run: attributes resolved, constants in place.

use candle_core::{Result, Tensor, bail};

use super::depthwise::Depthwise;
use super::epilogue::Epilogue;
use super::onnx::Value;

/// One planned operator.
pub(crate) enum Operator {
    /// 1 x 1 convolution as a matrix product, weights out x in.
    Pointwise {
        weights: Tensor,
        epilogue: Epilogue,
    },
    /// One filter per channel.
    Depthwise(Box<Depthwise>),
    /// Any other convolution, by candle; weights out x in x height x width.
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
    Flatten {
        axis: usize,
    },
    Shape,
    Gather,
    Unsqueeze,
    Concatenate,
    Constant(Value),
    Identity,
}

impl Operator {
    /// Runs on the values of one node's inputs.
    pub(crate) fn run(&self, inputs: &[Value]) -> Result<Value> {
        match self {
            Self::Shape => {
                let dims = tensor(inputs, 0)?.dims().iter();
                Ok(Value::Integers(dims.map(|dim| *dim as i64).collect()))
            }
            Self::Gather => {
                let (list, index) = (integers(inputs, 0)?, integers(inputs, 1)?);
                let pick = |index: &i64| list.get(usize::try_from(*index).ok()?).copied();
                match index.iter().map(pick).collect() {
                    Some(values) => Ok(Value::Integers(values)),
                    None => bail!("gather {index:?} from {list:?}"),
                }
            }
            Self::Unsqueeze => Ok(Value::Integers(integers(inputs, 0)?.to_vec())),
            Self::Concatenate => {
                let parts: Result<Vec<&[i64]>> =
                    (0..inputs.len()).map(|index| integers(inputs, index)).collect();
                Ok(Value::Integers(parts?.concat()))
            }
            Self::Constant(value) => Ok(value.clone()),
            Self::Identity => inputs.first().cloned().ok_or_else(|| missing(0)),
            Self::Reshape => reshape(tensor(inputs, 0)?, integers(inputs, 1)?).map(Value::Tensor),
            Self::Add => tensor(inputs, 0)?.broadcast_add(tensor(inputs, 1)?).map(Value::Tensor),
            Self::Subtract => tensor(inputs, 0)?.broadcast_sub(tensor(inputs, 1)?).map(Value::Tensor),
            Self::Multiply => tensor(inputs, 0)?.broadcast_mul(tensor(inputs, 1)?).map(Value::Tensor),
            Self::Pointwise { .. }
            | Self::Depthwise(_)
            | Self::Convolution { .. }
            | Self::Activation(_)
            | Self::Affine { .. }
            | Self::Linear { .. }
            | Self::MaxPool { .. }
            | Self::Upsample { .. }
            | Self::GlobalAveragePool
            | Self::Sigmoid
            | Self::Transpose(_)
            | Self::Flatten { .. } => self.map(tensor(inputs, 0)?).map(Value::Tensor),
        }
    }

    /// The operators from one tensor to one tensor.
    fn map(&self, input: &Tensor) -> Result<Tensor> {
        match self {
            Self::Pointwise { weights, epilogue } => pointwise(input, weights, epilogue),
            Self::Depthwise(operator) => input.contiguous()?.apply_op1_no_bwd(operator.as_ref()),
            Self::Convolution { weights, stride, padding, epilogue } => {
                finish(input.conv2d(weights, *padding, *stride, 1, 1)?, epilogue)
            }
            Self::Activation(slope) => {
                let channels = input.dim(1)?;
                let slope = if slope.len() == 1 { vec![slope[0]; channels] } else { slope.clone() };
                finish(input.copy()?, &Epilogue { bias: vec![0.0; channels], slope })
            }
            Self::Affine { scale, shift } => affine(input, scale, shift),
            Self::Linear { weights, bias } => {
                let product = input.matmul(weights)?;
                bias.as_ref().map_or(Ok(product.clone()), |bias| product.broadcast_add(bias))
            }
            Self::MaxPool { size } => input.max_pool2d(*size),
            Self::Upsample { factor } => {
                let (_, _, height, width) = input.dims4()?;
                input.upsample_nearest2d(height * factor, width * factor)
            }
            Self::GlobalAveragePool => input.mean_keepdim(3)?.mean_keepdim(2),
            Self::Sigmoid => input.neg()?.exp()?.affine(1.0, 1.0)?.recip(),
            Self::Transpose(order) => input.permute(order.as_slice()),
            Self::Flatten { axis } => {
                let (rows, columns) = input.dims().split_at(*axis);
                input.reshape((rows.iter().product::<usize>(), columns.iter().product::<usize>()))
            }
            Self::Add
            | Self::Subtract
            | Self::Multiply
            | Self::Reshape
            | Self::Shape
            | Self::Gather
            | Self::Unsqueeze
            | Self::Concatenate
            | Self::Constant(_)
            | Self::Identity => {
                unreachable!("run() handles operators that are not from one tensor to one tensor")
            }
        }
    }
}

fn pointwise(input: &Tensor, weights: &Tensor, epilogue: &Epilogue) -> Result<Tensor> {
    let (batch, channels, height, width) = input.dims4()?;
    if batch != 1 {
        bail!("batches of {batch} are not supported")
    }
    let columns = input.contiguous()?.reshape((channels, height * width))?;
    let product = weights.matmul(&columns)?;
    let out = product.dim(0)?;
    finish(product.reshape((1, out, height, width))?, epilogue)
}

/// Applies an epilogue in place to a tensor that nobody else holds yet.
fn finish(fresh: Tensor, epilogue: &Epilogue) -> Result<Tensor> {
    if !epilogue.is_identity() {
        fresh.inplace_op1(epilogue)?;
    }
    Ok(fresh)
}

fn affine(input: &Tensor, scale: &[f32], shift: &[f32]) -> Result<Tensor> {
    let mut shape = vec![1; input.rank()];
    let Some(channels) = shape.get_mut(1) else {
        bail!("batch normalisation of a tensor of rank {}", input.rank())
    };
    *channels = scale.len();
    let scale = Tensor::from_slice(scale, shape.as_slice(), input.device())?;
    let shift = Tensor::from_slice(shift, shape.as_slice(), input.device())?;
    input.broadcast_mul(&scale)?.broadcast_add(&shift)
}

/// ONNX's reshape: 0 keeps a size, one -1 takes what is left.
fn reshape(input: &Tensor, target: &[i64]) -> Result<Tensor> {
    let mut dims = Vec::with_capacity(target.len());
    let mut open = None;
    for (index, size) in target.iter().enumerate() {
        match *size {
            -1 if open.is_none() => {
                open = Some(index);
                dims.push(1);
            }
            0 => dims.push(input.dim(index)?),
            size if size > 0 => dims.push(size as usize),
            _ => bail!("reshape to {target:?}"),
        }
    }
    if let Some(index) = open {
        dims[index] = input.elem_count() / dims.iter().product::<usize>().max(1);
    }
    input.reshape(dims)
}

fn missing(index: usize) -> candle_core::Error {
    candle_core::Error::Msg(format!("input {index} is missing or of the wrong kind"))
}

fn tensor(inputs: &[Value], index: usize) -> Result<&Tensor> {
    match inputs.get(index) {
        Some(Value::Tensor(tensor)) => Ok(tensor),
        Some(Value::Integers(_)) | None => Err(missing(index)),
    }
}

fn integers(inputs: &[Value], index: usize) -> Result<&[i64]> {
    match inputs.get(index) {
        Some(Value::Integers(values)) => Ok(values),
        Some(Value::Tensor(_)) | None => Err(missing(index)),
    }
}
