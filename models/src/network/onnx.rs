//! From the bytes of an ONNX file to plain nodes and constants; no meaning yet.

use std::collections::{BTreeMap, HashMap};

use candle_core::{Device, Tensor};
use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataType, GraphProto, ModelProto, NodeProto, TensorProto,
};

use super::NetworkError;

/// A value that flows along the graph: a tensor of floats, or the small integer lists that shapes are computed with.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// f32.
    Tensor(Tensor),
    /// i64 of rank 0 or 1.
    Integers(Vec<i64>),
}

/// An attribute of a node.
#[derive(Clone, Debug)]
pub(crate) enum Attribute {
    Integer(i64),
    Float(f32),
    Text(String),
    Integers(Vec<i64>),
    Constant(Value),
    /// A kind that no supported operator has; kept so that it can be refused by name.
    Other,
}

/// One node as the file states it.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) operator: String,
    pub(crate) inputs: Vec<String>,
    pub(crate) output: String,
    pub(crate) attributes: BTreeMap<String, Attribute>,
}

/// A whole file: one tensor in, one or more out.
pub(crate) struct Graph {
    pub(crate) network: String,
    pub(crate) input: String,
    /// Width and height that the file states for its input; where it leaves one open, [`USUAL_SIDE`].
    pub(crate) size: (usize, usize),
    pub(crate) outputs: Vec<String>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) constants: HashMap<String, Value>,
}

impl Graph {
    /// Reads the file's bytes; `network` is the name used in errors.
    pub(crate) fn parse(network: &str, bytes: &[u8]) -> Result<Self, NetworkError> {
        let unreadable = |reason: String| NetworkError::Unreadable { network: network.to_owned(), reason };
        let model = ModelProto::parse_buf(bytes).map_err(|error| unreadable(error.to_string()))?;
        let graph = model.graph.ok_or_else(|| unreadable("it holds no graph".to_owned()))?;
        let mut constants = HashMap::new();
        for tensor in &graph.initializer {
            constants.insert(tensor.name.clone().unwrap_or_default(), constant(network, tensor)?);
        }
        let input = single_input(&graph, &constants)
            .ok_or_else(|| unreadable("a network with exactly one input is expected".to_owned()))?;
        let outputs: Vec<String> = graph.output.iter().filter_map(|output| output.name.clone()).collect();
        let nodes = graph.node.iter().map(|node| read_node(network, node)).collect::<Result<_, _>>()?;
        let size = stated_size(&graph, &input);
        Ok(Self { network: network.to_owned(), input, size, outputs, nodes, constants })
    }
}

/// Older files list their constants among the inputs; what is left must be one tensor.
fn single_input(graph: &GraphProto, constants: &HashMap<String, Value>) -> Option<String> {
    let mut names = graph
        .input
        .iter()
        .filter_map(|input| input.name.clone())
        .filter(|name| !constants.contains_key(name));
    let first = names.next()?;
    names.next().is_none().then_some(first)
}

/// The side that a network is tried with at load when its file states none.
const USUAL_SIDE: usize = 64;

fn stated_size(graph: &GraphProto, input: &str) -> (usize, usize) {
    let declared = graph.input.iter().find(|value| value.name.as_deref() == Some(input));
    let dims = declared
        .and_then(|value| value.r#type.as_ref()?.tensor_type.as_ref()?.shape.as_ref())
        .map(|shape| shape.dim.iter().map(|dim| dim.dim_value.unwrap_or(0)).collect::<Vec<i64>>());
    let side = |index: usize| {
        let stated = dims.as_ref().and_then(|dims| dims.get(index)).copied().unwrap_or(0);
        usize::try_from(stated).ok().filter(|side| (1..=MAX_STATED_SIDE).contains(side)).unwrap_or(USUAL_SIDE)
    };
    (side(3), side(2))
}

/// A larger size in a file is not tried at load.
const MAX_STATED_SIDE: usize = 2_048;

fn read_node(network: &str, node: &NodeProto) -> Result<Node, NetworkError> {
    let operator = node.op_type.clone().unwrap_or_default();
    let output = node.output.first().cloned().unwrap_or_default();
    let name = node.name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| output.clone());
    let mut attributes = BTreeMap::new();
    for attribute in &node.attribute {
        attributes.insert(attribute.name.clone().unwrap_or_default(), read_attribute(network, attribute)?);
    }
    Ok(Node { name, operator, inputs: node.input.clone(), output, attributes })
}

fn read_attribute(network: &str, attribute: &AttributeProto) -> Result<Attribute, NetworkError> {
    Ok(match attribute.r#type {
        Some(AttributeType::INT) => Attribute::Integer(attribute.i.unwrap_or_default()),
        Some(AttributeType::FLOAT) => Attribute::Float(attribute.f.unwrap_or_default()),
        Some(AttributeType::STRING) => Attribute::Text(attribute.s.clone().unwrap_or_default()),
        Some(AttributeType::INTS) => Attribute::Integers(attribute.ints.clone()),
        Some(AttributeType::TENSOR) => match &attribute.t {
            Some(tensor) => Attribute::Constant(constant(network, tensor)?),
            None => Attribute::Other,
        },
        _ => Attribute::Other,
    })
}

/// Largest number of values in one constant: ten times the largest layer of the shipped networks.
const MAX_CONSTANT_VALUES: usize = 64 << 20;

fn constant(network: &str, tensor: &TensorProto) -> Result<Value, NetworkError> {
    let refuse = |reason: String| NetworkError::BadConstant {
        network: network.to_owned(),
        tensor: tensor.name.clone().unwrap_or_default(),
        reason,
    };
    let dims: Vec<usize> = tensor
        .dims
        .iter()
        .map(|dim| usize::try_from(*dim))
        .collect::<Result<_, _>>()
        .map_err(|_| refuse(format!("a size is negative in {:?}", tensor.dims)))?;
    let count = dims
        .iter()
        .try_fold(1usize, |product, dim| product.checked_mul(*dim))
        .filter(|count| *count <= MAX_CONSTANT_VALUES)
        .ok_or_else(|| refuse(format!("{dims:?} is too large")))?;
    let raw = tensor.raw_data.as_ref().map(|raw| raw.borrow());
    let found = match tensor.data_type {
        Some(DataType::FLOAT) => {
            let values: Vec<f32> = match &raw {
                Some(raw) => raw.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
                None => tensor.float_data.clone(),
            };
            if values.len() == count {
                let tensor = Tensor::from_vec(values, dims, &Device::Cpu)
                    .map_err(|error| refuse(error.to_string()))?;
                return Ok(Value::Tensor(tensor));
            }
            values.len()
        }
        Some(DataType::INT64) if dims.len() <= 1 => {
            let values: Vec<i64> = match &raw {
                Some(raw) => raw.as_chunks::<8>().0.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect(),
                None => tensor.int64_data.clone(),
            };
            if values.len() == count {
                return Ok(Value::Integers(values));
            }
            values.len()
        }
        other => return Err(refuse(format!("type {other:?} of rank {} is not supported", dims.len()))),
    };
    Err(refuse(format!("{found} values where {dims:?} needs {count}")))
}
