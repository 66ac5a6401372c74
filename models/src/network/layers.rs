//! The layers with weights: read from a node, folded together, made ready to run.

use candle_core::{D, Tensor};

use super::NetworkError;
use super::attributes::Attributes;
use super::epilogue::Epilogue;
use super::onnx::{Graph, Node, Value};
use super::operators::{Depthwise, Operator};

/// The constant tensor that a node has as its input number `index`.
pub(crate) fn tensor(graph: &Graph, node: &Node, index: usize) -> Option<Tensor> {
    match graph.constants.get(node.inputs.get(index)?)? {
        Value::Tensor(tensor) => Some(tensor.clone()),
        Value::Integers(_) => None,
    }
}

fn floats(graph: &Graph, node: &Node, index: usize) -> Option<Vec<f32>> {
    tensor(graph, node, index)?.flatten_all().ok()?.to_vec1().ok()
}

/// The slope of the negative side: one number for ReLU, one per channel for PReLU.
pub(crate) fn slope(graph: &Graph, node: &Node) -> Option<Vec<f32>> {
    if node.operator == "Relu" {
        return Some(vec![0.0]);
    }
    let slope = tensor(graph, node, 1)?;
    // Without the batch's dimension: C x 1 x 1. One dimension alone would run along the width.
    let per_channel = matches!(slope.dims(), [_, 1, 1] | [1]);
    per_channel.then(|| floats(graph, node, 1)).flatten()
}

/// A batch normalisation as `value * scale + shift` per channel.
pub(crate) fn normalisation(graph: &Graph, node: &Node) -> Result<(Vec<f32>, Vec<f32>), NetworkError> {
    let mut attributes = Attributes::new(&graph.network, node);
    let epsilon = f64::from(attributes.float("epsilon", 1e-5)?);
    attributes.ignore("momentum");
    attributes.only_integer("spatial", 1)?;
    let parts: Option<Vec<Vec<f32>>> = (1..5).map(|index| floats(graph, node, index)).collect();
    let Some([gamma, beta, mean, variance]) = parts.and_then(|parts| <[Vec<f32>; 4]>::try_from(parts).ok())
    else {
        return Err(attributes.refuse("its four parameters must be constants"));
    };
    if [&beta, &mean, &variance].iter().any(|part| part.len() != gamma.len()) {
        return Err(attributes.refuse("its four parameters differ in length"));
    }
    attributes.finish()?;
    let scale = |index: usize| f64::from(gamma[index]) / (f64::from(variance[index]) + epsilon).sqrt();
    let shift = |index: usize| (f64::from(beta[index]) - f64::from(mean[index]) * scale(index)) as f32;
    Ok(((0..gamma.len()).map(|index| scale(index) as f32).collect(), (0..gamma.len()).map(shift).collect()))
}

/// A fully connected layer.
pub(crate) fn gemm(
    graph: &Graph,
    node: &Node,
    attributes: &mut Attributes<'_>,
) -> Result<Operator, NetworkError> {
    let plain = attributes.float("alpha", 1.0)? == 1.0 && attributes.float("beta", 1.0)? == 1.0;
    attributes.only_integer("transA", 0)?;
    let transposed = attributes.integer("transB", 0)? == 1;
    let (Some(weights), true) = (tensor(graph, node, 1), plain) else {
        return Err(attributes.refuse("only constant weights with alpha = beta = 1 are supported"));
    };
    let weights = if transposed { weights.t() } else { Ok(weights) };
    let weights = weights.map_err(|error| attributes.refuse(error.to_string()))?;
    Ok(Operator::Linear { weights, bias: tensor(graph, node, 2) })
}

/// A Resize that repeats pixels a whole number of times; anything else is refused.
pub(crate) fn resize_factor(
    graph: &Graph,
    node: &Node,
    attributes: &mut Attributes<'_>,
) -> Result<usize, NetworkError> {
    attributes.only_text("mode", "nearest")?;
    attributes.only_text("nearest_mode", "floor")?;
    attributes.only_text("coordinate_transformation_mode", "asymmetric")?;
    attributes.ignore("cubic_coeff_a");
    match floats(graph, node, 2).as_deref() {
        Some([batch, channels, height, width])
            if *batch == 1.0
                && *channels == 1.0
                && height == width
                && *height >= 1.0
                && height.fract() == 0.0 =>
        {
            Ok(*height as usize)
        }
        scales => Err(attributes.refuse(format!("scales {scales:?}, only whole factors are supported"))),
    }
}

/// A convolution while what follows is folded into it.
pub(crate) struct Convolution<'a> {
    graph: &'a Graph,
    node: &'a Node,
    weights: Tensor,
    bias: Vec<f32>,
    slope: Vec<f32>,
    groups: usize,
    strides: Vec<usize>,
    pads: Vec<usize>,
    /// Whether an activation was taken in: nothing may be folded after that.
    pub(crate) activated: bool,
}

impl<'a> Convolution<'a> {
    /// Reads a Conv node.
    pub(crate) fn read(graph: &'a Graph, node: &'a Node) -> Result<Self, NetworkError> {
        let mut attributes = Attributes::new(&graph.network, node);
        let weights =
            tensor(graph, node, 1).ok_or_else(|| attributes.refuse("its weights are no constant"))?;
        let (out, _, height, width) =
            weights.dims4().map_err(|error| attributes.refuse(error.to_string()))?;
        let bias = match node.inputs.get(2) {
            None => vec![0.0; out],
            Some(_) => floats(graph, node, 2)
                .filter(|bias| bias.len() == out)
                .ok_or_else(|| attributes.refuse("its bias does not fit"))?,
        };
        let groups = attributes.integer("group", 1)?;
        let strides = attributes.sizes("strides", &[1, 1])?;
        let pads = attributes.sizes("pads", &[0; 4])?;
        if attributes.sizes("dilations", &[1, 1])? != [1, 1]
            || attributes.sizes("kernel_shape", &[height, width])? != [height, width]
        {
            return Err(attributes
                .refuse("dilations are not supported, and the kernel's size must be that of its weights"));
        }
        if strides.contains(&0) {
            return Err(attributes.refuse("a stride of 0"));
        }
        let groups = usize::try_from(groups).map_err(|_| attributes.refuse(format!("{groups} groups")))?;
        attributes.finish()?;
        Ok(Self {
            graph,
            node,
            weights,
            bias,
            slope: vec![1.0; out],
            groups,
            strides,
            pads,
            activated: false,
        })
    }

    fn refuse(&self, node: &Node, reason: impl Into<String>) -> NetworkError {
        Attributes::new(&self.graph.network, node).refuse(reason)
    }

    /// Multiplies the weights by a normalisation that follows.
    pub(crate) fn fold(&mut self, node: &Node, scale: &[f32], shift: &[f32]) -> Result<(), NetworkError> {
        if scale.len() != self.bias.len() {
            return Err(self.refuse(node, format!("{} channels after {}", scale.len(), self.bias.len())));
        }
        let factor = Tensor::from_slice(scale, (scale.len(), 1, 1, 1), self.weights.device());
        self.weights = factor
            .and_then(|factor| self.weights.broadcast_mul(&factor))
            .map_err(|error| self.refuse(node, error.to_string()))?;
        for ((bias, scale), shift) in self.bias.iter_mut().zip(scale).zip(shift) {
            *bias = *bias * scale + shift;
        }
        Ok(())
    }

    /// Takes in an activation that follows.
    pub(crate) fn activate(&mut self, node: &Node, slope: &[f32]) -> Result<(), NetworkError> {
        self.slope = match slope {
            [one] => vec![*one; self.bias.len()],
            many if many.len() == self.bias.len() => many.to_vec(),
            many => {
                return Err(
                    self.refuse(node, format!("{} slopes for {} channels", many.len(), self.bias.len()))
                );
            }
        };
        self.activated = true;
        Ok(())
    }

    /// The operator that runs it.
    pub(crate) fn finish(self) -> Result<Operator, NetworkError> {
        let dims = self.weights.dims4().map_err(|error| self.refuse(self.node, error.to_string()))?;
        let epilogue = Epilogue { bias: self.bias.clone(), slope: self.slope.clone() };
        let (stride, pads) =
            ((self.strides[0], self.strides[1]), [self.pads[0], self.pads[1], self.pads[2], self.pads[3]]);
        match dims {
            (out, of_group @ (1 | 2), ..) if out == self.groups * of_group => {
                Ok(Operator::Depthwise(Box::new(Depthwise { weights: self.weights, stride, pads, epilogue })))
            }
            (_, _, 1, 1) if self.groups == 1 && stride == (1, 1) && pads == [0; 4] => {
                let weights = self.weights.squeeze(D::Minus1).and_then(|weights| weights.squeeze(D::Minus1));
                let weights = weights.map_err(|error| self.refuse(self.node, error.to_string()))?;
                Ok(Operator::Pointwise { weights, epilogue })
            }
            _ if self.groups == 1 && stride.0 == stride.1 && pads == [pads[0]; 4] => {
                Ok(Operator::Convolution {
                    weights: self.weights,
                    stride: stride.0,
                    padding: pads[0],
                    epilogue,
                })
            }
            _ => Err(self.refuse(
                self.node,
                format!(
                    "{} groups, strides {stride:?}, pads {pads:?} together are not supported",
                    self.groups
                ),
            )),
        }
    }
}
