//! The same network operator by operator on candle: slow, and what the fast way is compared with.

use candle_core::{CpuStorage, InplaceOp1, Layout, Result, Tensor, bail};

use super::epilogue::Epilogue;
use super::onnx::Value;
use super::operators::{Depthwise, Operator};
use super::plan::Plan;

/// Runs the whole network on a 1 x 3 x height x width tensor; the outputs are in the file's order.
pub(crate) fn run(plan: &Plan, input: &Tensor) -> Result<Vec<Tensor>> {
    let absent = || candle_core::Error::Msg("a value is used before it is made".to_owned());
    let mut values = plan.slots.clone();
    values[plan.input] = Some(Value::Tensor(input.clone()));
    for step in &plan.steps {
        let inputs: Option<Vec<Value>> = step.inputs.iter().map(|slot| values[*slot].clone()).collect();
        values[step.output] = Some(one(&step.operator, &inputs.ok_or_else(absent)?)?);
    }
    let output = |slot: &usize| match &values[*slot] {
        Some(Value::Tensor(tensor)) => Ok(tensor.clone()),
        Some(Value::Integers(_)) | None => Err(absent()),
    };
    plan.outputs.iter().map(|(_, slot)| output(slot)).collect()
}

/// Runs one operator on the values of its inputs.
fn one(operator: &Operator, inputs: &[Value]) -> Result<Value> {
    if let Some(numbers) = operator.run_on_numbers(inputs) {
        return Ok(numbers);
    }
    let input = || tensor(inputs, 0);
    let tensor = match operator {
        Operator::Constant(value) => return Ok(value.clone()),
        Operator::Shape => {
            let dims = tensor(inputs, 0)?.dims().iter();
            return Ok(Value::Integers(dims.map(|dim| *dim as i64).collect()));
        }
        Operator::Identity => tensor(inputs, 0)?.clone(),
        Operator::Reshape => reshape(tensor(inputs, 0)?, integers(inputs, 1)?)?,
        Operator::Add => tensor(inputs, 0)?.broadcast_add(tensor(inputs, 1)?)?,
        Operator::Subtract => tensor(inputs, 0)?.broadcast_sub(tensor(inputs, 1)?)?,
        Operator::Multiply => tensor(inputs, 0)?.broadcast_mul(tensor(inputs, 1)?)?,
        Operator::Pointwise { weights, epilogue } => {
            let (out, channels) = weights.dims2()?;
            finish(input()?.conv2d(&weights.reshape((out, channels, 1, 1))?, 0, 1, 1, 1)?, epilogue)?
        }
        Operator::Depthwise(layer) => depthwise(input()?, layer)?,
        Operator::Convolution { weights, stride, padding, epilogue } => {
            finish(input()?.conv2d(weights, *padding, *stride, 1, 1)?, epilogue)?
        }
        Operator::Activation(slope) => {
            let channels = input()?.dim(1)?;
            let slope = if slope.len() == 1 { vec![slope[0]; channels] } else { slope.clone() };
            finish(input()?.copy()?, &Epilogue { bias: vec![0.0; channels], slope })?
        }
        Operator::Affine { scale, shift } => affine(input()?, scale, shift)?,
        Operator::Linear { weights, bias } => {
            let product = input()?.matmul(weights)?;
            bias.as_ref().map_or(Ok(product.clone()), |bias| product.broadcast_add(bias))?
        }
        Operator::MaxPool { size } => input()?.max_pool2d(*size)?,
        Operator::Upsample { factor } => {
            let (_, _, height, width) = input()?.dims4()?;
            input()?.upsample_nearest2d(height * factor, width * factor)?
        }
        Operator::GlobalAveragePool => input()?.mean_keepdim(3)?.mean_keepdim(2)?,
        Operator::Sigmoid => input()?.neg()?.exp()?.affine(1.0, 1.0)?.recip()?,
        Operator::Transpose(order) => input()?.permute(order.as_slice())?,
        Operator::Flatten => reshape(input()?, &[0, -1])?,
        Operator::Gather | Operator::Unsqueeze | Operator::Concatenate => bail!("no list of whole numbers"),
    };
    Ok(Value::Tensor(tensor))
}

fn depthwise(input: &Tensor, layer: &Depthwise) -> Result<Tensor> {
    let [top, left, bottom, right] = layer.pads;
    let (out, of_group, ..) = layer.weights.dims4()?;
    if layer.stride.0 != layer.stride.1 {
        bail!("candle knows one stride for both directions")
    }
    let padded = input.pad_with_zeros(2, top, bottom)?.pad_with_zeros(3, left, right)?;
    finish(padded.conv2d(&layer.weights, 0, layer.stride.0, 1, out / of_group)?, &layer.epilogue)
}

/// Applies an epilogue in place to a tensor that nobody else holds yet.
fn finish(fresh: Tensor, epilogue: &Epilogue) -> Result<Tensor> {
    fresh.inplace_op1(epilogue)?;
    Ok(fresh)
}

impl InplaceOp1 for Epilogue {
    fn name(&self) -> &'static str {
        "bias and activation"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let dims = layout.dims();
        let Some((start, end)) = layout.contiguous_offsets() else {
            bail!("bias and activation need a contiguous tensor")
        };
        if dims.len() < 2 || dims[0] != 1 || dims[1] != self.bias.len() {
            bail!("bias and activation of {} channels got a tensor of {dims:?}", self.bias.len())
        }
        let CpuStorage::F32(values) = storage else { bail!("bias and activation need f32") };
        let plane = dims[2..].iter().product::<usize>().max(1);
        let planes = values[start..end].chunks_exact_mut(plane);
        for ((plane, bias), slope) in planes.zip(&self.bias).zip(&self.slope) {
            for value in plane {
                let sum = *value + bias;
                *value = if sum > 0.0 { sum } else { sum * slope };
            }
        }
        Ok(())
    }
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

fn tensor(inputs: &[Value], index: usize) -> Result<&Tensor> {
    match inputs.get(index) {
        Some(Value::Tensor(tensor)) => Ok(tensor),
        Some(Value::Integers(_)) | None => bail!("input {index} is no tensor"),
    }
}

fn integers(inputs: &[Value], index: usize) -> Result<&[i64]> {
    match inputs.get(index) {
        Some(Value::Integers(values)) => Ok(values),
        Some(Value::Tensor(_)) | None => bail!("input {index} is no list of whole numbers"),
    }
}
