//! From the nodes of a file to the operators that run: convolutions take the normalisation and activation that follow
//! them into themselves, everything else stays one operator per node.

use std::collections::HashMap;

use super::NetworkError;
use super::attributes::Attributes;
use super::layers::{self, Convolution};
use super::onnx::{Graph, Node, Value};
use super::operators::Operator;

/// One operator with the places of its values.
pub(crate) struct Step {
    /// The node's name, for errors.
    pub(crate) node: String,
    /// The node's operator as the file calls it, for errors.
    pub(crate) kind: String,
    pub(crate) operator: Operator,
    pub(crate) inputs: Vec<usize>,
    pub(crate) output: usize,
}

/// A whole network, planned once, run any number of times.
pub(crate) struct Plan {
    /// Constants where the file has some, `None` for what a run computes.
    pub(crate) slots: Vec<Option<Value>>,
    pub(crate) input: usize,
    pub(crate) outputs: Vec<(String, usize)>,
    pub(crate) steps: Vec<Step>,
}

impl Plan {
    /// The steps that read a slot.
    pub(crate) fn readers_of(&self, slot: usize) -> impl Iterator<Item = usize> {
        (0..self.steps.len()).filter(move |step| self.steps[*step].inputs.contains(&slot))
    }

    /// How often a slot is read, by steps or as an output of the network.
    pub(crate) fn readers(&self, slot: usize) -> usize {
        let reads = |inputs: &Vec<usize>| inputs.iter().filter(|input| **input == slot).count();
        let outputs = self.outputs.iter().filter(|(_, output)| *output == slot).count();
        self.steps.iter().map(|step| reads(&step.inputs)).sum::<usize>() + outputs
    }

    /// Whether a convolution itself makes a slot, not a step that passes another's value on, and one step reads it.
    pub(crate) fn only_a_convolution_and_a_reader(&self, slot: usize) -> bool {
        let is_convolution =
            |step: &Step| matches!(step.operator, Operator::Pointwise { .. } | Operator::Convolution { .. });
        let made = self.steps.iter().any(|step| step.output == slot && is_convolution(step));
        made && self.readers(slot) == 1
    }

    /// The one step that reads a slot, if nothing else does.
    pub(crate) fn only_reader(&self, slot: usize) -> Option<usize> {
        if self.readers(slot) == 1 { self.readers_of(slot).next() } else { None }
    }
}

/// Plans a file.
pub(crate) fn plan(graph: &Graph) -> Result<Plan, NetworkError> {
    let mut planner = Planner { graph, absorbed: vec![false; graph.nodes.len()] };
    let mut names = Names::default();
    let mut slots = Vec::new();
    let mut steps = Vec::new();
    let input = names.slot(&graph.input, &graph.constants, &mut slots);
    for index in 0..graph.nodes.len() {
        if planner.absorbed[index] {
            continue;
        }
        let node = &graph.nodes[index];
        let planned = planner.operator(index)?;
        let inputs =
            planned.inputs.iter().map(|name| names.slot(name, &graph.constants, &mut slots)).collect();
        let output = names.slot(&planned.output, &graph.constants, &mut slots);
        steps.push(Step {
            node: node.name.clone(),
            kind: node.operator.clone(),
            operator: planned.operator,
            inputs,
            output,
        });
    }
    let outputs: Vec<(String, usize)> = graph
        .outputs
        .iter()
        .map(|name| (name.clone(), names.slot(name, &graph.constants, &mut slots)))
        .collect();
    Ok(Plan { slots, input, outputs, steps })
}

/// Which slot a name of the file has.
#[derive(Default)]
struct Names(HashMap<String, usize>);

impl Names {
    fn slot(
        &mut self,
        name: &str,
        constants: &HashMap<String, Value>,
        slots: &mut Vec<Option<Value>>,
    ) -> usize {
        *self.0.entry(name.to_owned()).or_insert_with(|| {
            slots.push(constants.get(name).cloned());
            slots.len() - 1
        })
    }
}

/// An operator and the names it reads and writes after fusion.
struct Planned {
    operator: Operator,
    inputs: Vec<String>,
    output: String,
}

struct Planner<'a> {
    graph: &'a Graph,
    /// Nodes that an earlier operator took into itself.
    absorbed: Vec<bool>,
}

impl Planner<'_> {
    fn operator(&mut self, index: usize) -> Result<Planned, NetworkError> {
        let graph = self.graph;
        let node = &graph.nodes[index];
        if node.operator == "Conv" {
            return self.convolution(index);
        }
        let mut attributes = Attributes::new(&graph.network, node);
        let with_constants = operator_with_constants(graph, node, &mut attributes)?;
        // The other inputs of such an operator are its constants, which it now holds.
        let reads = if with_constants.is_some() { 1 } else { node.inputs.len() };
        let operator = match with_constants {
            Some(operator) => operator,
            None => plain_operator(graph, node, &mut attributes)?,
        };
        attributes.finish()?;
        let inputs = node.inputs.iter().take(reads).cloned().collect();
        Ok(Planned { operator, inputs, output: node.output.clone() })
    }

    /// A convolution with the normalisation and the activation that follow it, as long as nobody else reads between.
    fn convolution(&mut self, index: usize) -> Result<Planned, NetworkError> {
        let graph = self.graph;
        let node = &graph.nodes[index];
        let mut convolution = Convolution::read(graph, node)?;
        let mut output = node.output.clone();
        while let Some(next) = self.only_reader(&output) {
            let follower = &graph.nodes[next];
            match follower.operator.as_str() {
                "BatchNormalization" if !convolution.activated => {
                    let (scale, shift) = layers::normalisation(graph, follower)?;
                    convolution.fold(follower, &scale, &shift)?;
                }
                "Relu" | "PRelu" if !convolution.activated => match layers::slope(graph, follower) {
                    Some(slope) => convolution.activate(follower, &slope)?,
                    None => break,
                },
                _ => break,
            }
            self.absorbed[next] = true;
            output.clone_from(&follower.output);
        }
        let inputs = node.inputs.iter().take(1).cloned().collect();
        Ok(Planned { operator: convolution.finish()?, inputs, output })
    }

    /// The one node that reads `name`, if there is exactly one and the value is no output of the network.
    fn only_reader(&self, name: &str) -> Option<usize> {
        if self.graph.outputs.iter().any(|output| output == name) {
            return None;
        }
        let mut readers = self
            .graph
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| node.inputs.iter().any(|input| input == name));
        let (first, _) = readers.next()?;
        readers.next().is_none().then_some(first)
    }
}

/// The operators that take constants of the file into themselves and read one value.
fn operator_with_constants(
    graph: &Graph,
    node: &Node,
    attributes: &mut Attributes<'_>,
) -> Result<Option<Operator>, NetworkError> {
    Ok(Some(match node.operator.as_str() {
        "Relu" | "PRelu" => {
            let slope = layers::slope(graph, node);
            Operator::Activation(
                slope.ok_or_else(|| attributes.refuse("its slope is no constant per channel"))?,
            )
        }
        "BatchNormalization" => {
            let (scale, shift) = layers::normalisation(graph, node)?;
            ["epsilon", "momentum", "spatial"].into_iter().for_each(|name| attributes.ignore(name));
            Operator::Affine { scale, shift }
        }
        "Gemm" => layers::gemm(graph, node, attributes)?,
        "MatMul" => {
            let weights = layers::tensor(graph, node, 1);
            let weights = weights.ok_or_else(|| attributes.refuse("its weights are no constant"))?;
            Operator::Linear { weights, bias: None }
        }
        "Resize" => Operator::Upsample { factor: layers::resize_factor(graph, node, attributes)? },
        _ => return Ok(None),
    }))
}

/// The operators that read values only.
fn plain_operator(
    graph: &Graph,
    node: &Node,
    attributes: &mut Attributes<'_>,
) -> Result<Operator, NetworkError> {
    match node.operator.as_str() {
        "MaxPool" => return max_pool(attributes),
        "Transpose" => return attributes.sizes("perm", &[0, 1, 2, 3]).map(Operator::Transpose),
        "Constant" => return attributes.constant("value").map(Operator::Constant),
        "Flatten" => attributes.only_integer("axis", 1)?,
        "Gather" | "Concat" => attributes.only_integer("axis", 0)?,
        "Unsqueeze" => _ = attributes.sizes("axes", &[0])?,
        "Dropout" => attributes.ignore("ratio"),
        _ => {}
    }
    Ok(match node.operator.as_str() {
        "Flatten" => Operator::Flatten,
        "Gather" => Operator::Gather,
        "Concat" => Operator::Concatenate,
        "Unsqueeze" => Operator::Unsqueeze,
        "Dropout" => Operator::Identity,
        "Reshape" => Operator::Reshape,
        "Shape" => Operator::Shape,
        "Add" => Operator::Add,
        "Sub" => Operator::Subtract,
        "Mul" => Operator::Multiply,
        "Sigmoid" => Operator::Sigmoid,
        "GlobalAveragePool" => Operator::GlobalAveragePool,
        _ => {
            return Err(NetworkError::UnsupportedOperator {
                network: graph.network.clone(),
                operator: node.operator.clone(),
                node: node.name.clone(),
            });
        }
    })
}

fn max_pool(attributes: &mut Attributes<'_>) -> Result<Operator, NetworkError> {
    attributes.only_integer("ceil_mode", 0)?;
    let kernel = attributes.sizes("kernel_shape", &[1, 1])?;
    let strides = attributes.sizes("strides", &[1, 1])?;
    let pads = attributes.sizes("pads", &[0; 4])?;
    if kernel[0] != kernel[1] || strides != kernel || pads != [0; 4] {
        return Err(attributes.refuse(format!("kernel {kernel:?}, strides {strides:?}, pads {pads:?}")));
    }
    Ok(Operator::MaxPool { size: kernel[0] })
}
