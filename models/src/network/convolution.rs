//! Weights in the order in which the kernels read them.

use candle_core::Tensor;

use super::epilogue::Epilogue;
use super::lower::padded;
use super::merge::Siblings;
use super::operators::Operator;
use super::program::{Convolution, DepthwiseLayer, Shape};
use crate::kernels::{Block, Kernels, LANES};

/// Side of the largest filter over the picture.
pub(super) const LARGEST_FILTER: usize = 7;

/// Numbers, one for each channel, as blocks.
pub(super) fn blocks(values: &[f32]) -> Vec<Block> {
    padded(values).collect()
}

fn less_one(slope: &[f32]) -> Vec<Block> {
    blocks(&slope.iter().map(|slope| slope - 1.0).collect::<Vec<f32>>())
}

fn numbers(weights: &Tensor) -> Result<Vec<f32>, String> {
    weights.flatten_all().and_then(|flat| flat.to_vec1()).map_err(|error| error.to_string())
}

/// A dense convolution that reads the picture: one run of neighbouring values in each row of its filter.
pub(super) fn of_picture(
    weights: &Tensor,
    stride: usize,
    epilogue: &Epilogue,
    kernels: &Kernels,
) -> Result<Convolution, String> {
    let dims = weights.dims();
    let (out, colours, kernel) = match dims {
        [out, colours] => (*out, *colours, 1),
        [out, colours, height, width] if height == width => (*out, *colours, *height),
        _ => return Err(format!("weights of {dims:?}")),
    };
    if colours != 3 {
        return Err(format!("{colours} colours in a picture of 3"));
    }
    if kernel > LARGEST_FILTER {
        return Err(format!(
            "a filter of {kernel} x {kernel} over the picture, {LARGEST_FILTER} is the largest"
        ));
    }
    if !(1..=2).contains(&stride) {
        return Err(format!("a stride of {stride} over the picture, 1 and 2 are supported"));
    }
    let numbers = numbers(weights)?;
    let run_length = kernel * colours;
    let weight = |channel: usize, value: usize| {
        let (down, across, colour) = (value / run_length, value % run_length / colours, value % colours);
        numbers[((channel * colours + colour) * kernel + down) * kernel + across]
    };
    Ok(Convolution {
        kernel,
        stride,
        weights: panels(out, run_length * kernel, kernels.panel, weight),
        bias: blocks(&epilogue.bias),
        slope_less_one: less_one(&epilogue.slope),
        depth: run_length * kernel,
        runs: Vec::new(),
        run_length,
        last_length: run_length,
    })
}

/// Pointwise convolutions of one map, their channels one after the other: one run in each block of input channels.
pub(super) fn of_map(siblings: &Siblings<'_>, map: Shape, kernels: &Kernels) -> Result<Convolution, String> {
    let (mut rows, mut bias, mut slope) = (Vec::new(), Vec::new(), Vec::new());
    for sibling in &siblings.steps {
        let Operator::Pointwise { weights, epilogue } = sibling.operator else { continue };
        if weights.dims() != [sibling.channels, map.channels] {
            return Err(format!("weights of {:?} for {} channels", weights.dims(), map.channels));
        }
        rows.extend(numbers(weights)?);
        bias.extend_from_slice(&epilogue.bias);
        slope.extend_from_slice(&epilogue.slope);
    }
    let depth = map.channels;
    Ok(Convolution {
        kernel: 1,
        stride: 1,
        weights: panels(siblings.channels(), depth, kernels.panel, |channel, value| {
            rows[channel * depth + value]
        }),
        bias: blocks(&bias),
        slope_less_one: less_one(&slope),
        depth,
        runs: Vec::new(),
        run_length: LANES,
        last_length: (depth - 1) % LANES + 1,
    })
}

/// Panel after panel of at most `panel` blocks of output channels; in each, for one summed value after the other, the
/// weights of all its channels.
fn panels(out: usize, depth: usize, panel: usize, weight: impl Fn(usize, usize) -> f32) -> Vec<Block> {
    let all = out.div_ceil(LANES);
    let mut packed = Vec::with_capacity(all * depth);
    for start in (0..all).step_by(panel) {
        for value in 0..depth {
            for block in start..(start + panel).min(all) {
                packed.push(Block(std::array::from_fn(|lane| {
                    let channel = block * LANES + lane;
                    if channel < out { weight(channel, value) } else { 0.0 }
                })));
            }
        }
    }
    packed
}

/// Depthwise convolutions of the channels of one buffer; lanes that belong to none of them stay zero.
pub(super) fn depthwise(siblings: &Siblings<'_>, stored: Shape) -> Result<(DepthwiseLayer, Shape), String> {
    let Some(Operator::Depthwise(first)) = siblings.steps.first().map(|sibling| sibling.operator) else {
        return Err("a depthwise convolution of nothing".to_owned());
    };
    let (kernel, paired) = (first.kernel(), first.paired());
    let [top, left, bottom, right] = first.pads;
    let size = |size: usize, padding: usize, kernel: usize, stride: usize| {
        let room = (size + padding).checked_sub(kernel).ok_or("the map is smaller than the filter")?;
        Ok::<usize, String>(room / stride + 1)
    };
    let shape = Shape {
        channels: siblings.channels(),
        height: size(stored.height, top + bottom, kernel.0, first.stride.0)?,
        width: size(stored.width, left + right, kernel.1, first.stride.1)?,
    };
    let (taps, parts) = (kernel.0 * kernel.1, 1 + usize::from(paired));
    let mut weights = vec![Block::ZERO; shape.blocks() * taps * parts];
    let (mut bias, mut slope) = (vec![0.0; shape.channels], vec![1.0; shape.channels]);
    for sibling in &siblings.steps {
        let Operator::Depthwise(layer) = sibling.operator else { continue };
        if layer.epilogue.bias.len() != sibling.channels {
            return Err(format!("{} filters for {} channels", layer.epilogue.bias.len(), sibling.channels));
        }
        let numbers = numbers(&layer.weights)?;
        for channel in 0..sibling.channels {
            let (block, lane) = ((sibling.first + channel) / LANES, (sibling.first + channel) % LANES);
            for tap in 0..taps {
                for part in 0..parts {
                    // Input number `channel % 2` of a pair is the channel itself, the other one its neighbour.
                    let input = if part == 0 { channel % parts } else { 1 - channel % 2 };
                    weights[(block * taps + tap) * parts + part].0[lane] =
                        numbers[(channel * parts + input) * taps + tap];
                }
            }
            bias[sibling.first + channel] = layer.epilogue.bias[channel];
            slope[sibling.first + channel] = layer.epilogue.slope[channel];
        }
    }
    let layer = DepthwiseLayer {
        kernel,
        stride: first.stride,
        padding: (top, left),
        paired,
        weights,
        bias: blocks(&bias),
        slope_less_one: less_one(&slope),
        bytes: None,
    };
    Ok((layer, shape))
}

/// Rows of a fully connected layer (`weights` are in x out) for a flattened map that lies in blocks, their number rounded
/// up to four; and how many outputs there are.
pub(super) fn linear(weights: &Tensor, map: Shape) -> Result<(Vec<Block>, usize), String> {
    let (inputs, outputs) = weights.dims2().map_err(|error| error.to_string())?;
    if inputs != map.channels * map.pixels() {
        return Err(format!("weights for {inputs} inputs, there are {}", map.channels * map.pixels()));
    }
    let by_output =
        weights.t().and_then(|weights| weights.contiguous()).map_err(|error| error.to_string())?;
    let numbers = numbers(&by_output)?;
    let mut packed = vec![Block::ZERO; outputs.next_multiple_of(4) * map.size()];
    for (output, row) in packed.chunks_exact_mut(map.size()).take(outputs).enumerate() {
        let from = &numbers[output * inputs..][..inputs];
        for channel in 0..map.channels {
            for pixel in 0..map.pixels() {
                row[channel / LANES * map.pixels() + pixel].0[channel % LANES] =
                    from[channel * map.pixels() + pixel];
            }
        }
    }
    Ok((packed, outputs))
}
