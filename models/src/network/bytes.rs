//! Pointwise convolutions in bytes: where, with which scales, and how those are measured.
//!
//! A depthwise convolution whose result only a pointwise one reads writes bytes instead of floats; nine tenths of the
//! arithmetic then runs on bytes, while sums of layers, activations and everything that follows stay floats. Weights have a
//! scale for each output channel. The range of a depthwise convolution's results is fixed beforehand: the least and the
//! largest value over a set of pictures ([`Ranges`]); what lies outside is cut off.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::program::{Buffer, Convolution, Shape, Source, Step, Work};
use crate::kernels::{Block, ByteKernels, ByteScale, FOURS, Kernels, LANES};

/// Largest absolute weight in bytes.
const LARGEST_WEIGHT: f32 = 127.0;

/// The least and the largest result of each depthwise convolution, by the name of its node.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Ranges(BTreeMap<String, [f32; 2]>);

impl Ranges {
    /// Widens the range of `node` to `least` and `largest`.
    pub(super) fn widen(&mut self, node: &str, least: f32, largest: f32) {
        let range = self.0.entry(node.to_owned()).or_insert([least, largest]);
        *range = [range[0].min(least), range[1].max(largest)];
    }

    /// The ranges of both.
    pub fn join(&mut self, other: &Self) {
        for (node, [least, largest]) in &other.0 {
            self.widen(node, *least, *largest);
        }
    }

    /// Narrower or wider ranges around zero.
    #[must_use]
    pub fn scaled(&self, factor: f32) -> Self {
        let scale = |(node, range): (&String, &[f32; 2])| (node.clone(), range.map(|value| value * factor));
        Self(self.0.iter().map(scale).collect())
    }

    /// The ranges of the nodes that `keep` accepts; the others' layers stay in floats.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&str) -> bool) -> Self {
        let kept = self.0.iter().filter(|(node, _)| keep(node));
        Self(kept.map(|(node, range)| (node.clone(), *range)).collect())
    }

    /// The nodes and their ranges, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, [f32; 2])> {
        self.0.iter().map(|(node, range)| (node.as_str(), *range))
    }

    /// How the results of `node` become bytes. Zero is always within, so that padding is exact.
    fn scale(&self, node: &str) -> Option<ByteScale> {
        let [least, largest] = self.0.get(node)?.map(|value| if value.is_finite() { value } else { 0.0 });
        let (least, largest) = (least.min(0.0), largest.max(0.0));
        let inverse = 255.0 / (largest - least).max(f32::MIN_POSITIVE);
        Some(ByteScale { inverse, zero: (-least * inverse).round() })
    }
}

/// A pointwise convolution in bytes.
pub(crate) struct ByteConvolution {
    /// Panel after panel of output channels; in each, four weights of every channel for one four of input channels after
    /// the other.
    pub(crate) weights: Vec<i8>,
    /// For each output channel, as the others here.
    pub(crate) start: Vec<i32>,
    pub(crate) scale: Vec<Block>,
    pub(crate) bias: Vec<Block>,
    pub(crate) slope_less_one: Vec<Block>,
    /// Fours of input channels, and of those in the last block.
    pub(crate) fours: usize,
    pub(crate) last_fours: usize,
    /// Where each block of input channels begins, in bytes. Set when places are known.
    pub(crate) runs: Vec<usize>,
}

/// The pairs of steps that can work in bytes: a depthwise convolution and the pointwise one that alone reads its result.
pub(super) fn pairs(steps: &[Step], written: &[Buffer]) -> Vec<(usize, usize)> {
    let pair = |(index, step): (usize, &Step)| {
        let output = step.output;
        let mut readers = (0..steps.len()).filter(|reader| steps[*reader].reads().any(|read| read == output));
        let reader = readers.next()?;
        let alone = readers.next().is_none() && !written.contains(&output);
        let both =
            matches!(step.work, Work::Depthwise(_)) && matches!(steps[reader].work, Work::Convolution(_));
        let as_input = steps[reader].input == Source::Buffer(output) && steps[reader].second != Some(output);
        (alone && both && as_input).then_some((index, reader))
    };
    steps.iter().enumerate().filter_map(pair).collect()
}

/// Turns every pair whose range is known to bytes, if the kernels have them. Says which buffers hold bytes.
pub(super) fn quantise(
    steps: &mut [Step],
    shapes: &[Shape],
    written: &[Buffer],
    ranges: &Ranges,
    kernels: &Kernels,
) -> Vec<bool> {
    let mut in_bytes = vec![false; shapes.len()];
    let Some(bytes) = &kernels.bytes else { return in_bytes };
    for (first, second) in pairs(steps, written) {
        let Some(scale) = ranges.scale(&steps[first].node) else { continue };
        let (Work::Convolution(layer), Work::Depthwise(_)) = (&steps[second].work, &steps[first].work) else {
            continue;
        };
        let packed = pack(layer, shapes[steps[second].output], scale, kernels.panel, bytes);
        steps[second].work = Work::Bytes(packed);
        if let Work::Depthwise(layer) = &mut steps[first].work {
            layer.bytes = Some(scale);
        }
        in_bytes[steps[first].output] = true;
    }
    in_bytes
}

fn pack(
    layer: &Convolution,
    shape: Shape,
    input: ByteScale,
    panel: usize,
    kernels: &ByteKernels,
) -> ByteConvolution {
    let (all, depth) = (shape.blocks(), layer.depth);
    // The weight of an output channel, found in the panels of floats.
    let weight = |channel: usize, value: usize| {
        let (block, lane) = (channel / LANES, channel % LANES);
        let start = block / panel * panel;
        let width = panel.min(all - start);
        layer.weights[start * depth + value * width + block - start].0[lane]
    };
    let channels = all * LANES;
    let (mut start, mut scale) = (vec![0; channels], vec![Block::ZERO; all]);
    let mut bytes = vec![0i8; channels * depth];
    for channel in 0..channels {
        let largest = (0..depth).map(|value| weight(channel, value).abs()).fold(0.0, f32::max);
        let unit = largest.max(f32::MIN_POSITIVE) / LARGEST_WEIGHT;
        let row = &mut bytes[channel * depth..][..depth];
        for (value, byte) in row.iter_mut().enumerate() {
            *byte = (weight(channel, value) / unit).round() as i8;
        }
        let sum: i32 = row.iter().map(|byte| i32::from(*byte)).sum();
        start[channel] = (kernels.less - input.zero as i32) * sum;
        scale[channel / LANES].0[channel % LANES] = unit / input.inverse;
    }
    let fours = depth.div_ceil(4);
    let mut weights = Vec::with_capacity(channels * fours * 4);
    for first in (0..all).step_by(panel) {
        for four in 0..fours {
            for channel in first * LANES..(first + panel).min(all) * LANES {
                let byte = |value: usize| if value < depth { bytes[channel * depth + value] } else { 0 };
                weights.extend((four * 4..four * 4 + 4).map(byte));
            }
        }
    }
    ByteConvolution {
        weights,
        start,
        scale,
        bias: layer.bias.clone(),
        slope_less_one: layer.slope_less_one.clone(),
        fours,
        last_fours: (fours - 1) % FOURS + 1,
        runs: Vec::new(),
    }
}
