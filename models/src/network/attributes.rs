//! Reading a node's attributes strictly: what is asked for is found, and what was never asked for is refused.

use std::collections::BTreeSet;

use super::NetworkError;
use super::onnx::{Attribute, Node, Value};

/// The attributes of one node while it is planned.
pub(crate) struct Attributes<'a> {
    network: &'a str,
    node: &'a Node,
    read: BTreeSet<&'static str>,
}

impl<'a> Attributes<'a> {
    pub(crate) fn new(network: &'a str, node: &'a Node) -> Self {
        Self { network, node, read: BTreeSet::new() }
    }

    /// An error that names the node.
    pub(crate) fn refuse(&self, reason: impl Into<String>) -> NetworkError {
        NetworkError::UnsupportedUse {
            network: self.network.to_owned(),
            operator: self.node.operator.clone(),
            node: self.node.name.clone(),
            reason: reason.into(),
        }
    }

    fn find(&mut self, name: &'static str) -> Option<&'a Attribute> {
        self.read.insert(name);
        self.node.attributes.get(name)
    }

    pub(crate) fn integer(&mut self, name: &'static str, default: i64) -> Result<i64, NetworkError> {
        match self.find(name) {
            None => Ok(default),
            Some(Attribute::Integer(value)) => Ok(*value),
            Some(other) => Err(self.refuse(format!("attribute {name} is {other:?}, an integer is expected"))),
        }
    }

    pub(crate) fn float(&mut self, name: &'static str, default: f32) -> Result<f32, NetworkError> {
        match self.find(name) {
            None => Ok(default),
            Some(Attribute::Float(value)) => Ok(*value),
            Some(other) => Err(self.refuse(format!("attribute {name} is {other:?}, a float is expected"))),
        }
    }

    pub(crate) fn constant(&mut self, name: &'static str) -> Result<Value, NetworkError> {
        match self.find(name) {
            Some(Attribute::Constant(value)) => Ok(value.clone()),
            other => Err(self.refuse(format!("attribute {name} is {other:?}, a constant is expected"))),
        }
    }

    /// A list of sizes, such as a kernel or pads.
    pub(crate) fn sizes(
        &mut self,
        name: &'static str,
        default: &[usize],
    ) -> Result<Vec<usize>, NetworkError> {
        match self.find(name) {
            None => Ok(default.to_vec()),
            Some(Attribute::Integers(values)) if values.len() == default.len() => values
                .iter()
                .map(|value| {
                    usize::try_from(*value).map_err(|_| self.refuse(format!("{name} is {values:?}")))
                })
                .collect(),
            Some(other) => {
                Err(self.refuse(format!("{name} is {other:?}, {} sizes are expected", default.len())))
            }
        }
    }

    /// Refuses any value but this one (or its absence, which means the same).
    pub(crate) fn only_text(&mut self, name: &'static str, expected: &str) -> Result<(), NetworkError> {
        match self.find(name) {
            Some(Attribute::Text(value)) if value == expected => Ok(()),
            other => Err(self.refuse(format!("{name} is {other:?}, only {expected} is supported"))),
        }
    }

    /// Refuses any integer but this one.
    pub(crate) fn only_integer(&mut self, name: &'static str, expected: i64) -> Result<(), NetworkError> {
        match self.integer(name, expected)? {
            value if value == expected => Ok(()),
            value => Err(self.refuse(format!("{name} is {value}, only {expected} is supported"))),
        }
    }

    /// Marks an attribute that has no effect here.
    pub(crate) fn ignore(&mut self, name: &'static str) {
        self.read.insert(name);
    }

    /// Refuses attributes that the planner did not look at: they might change the meaning.
    pub(crate) fn finish(self) -> Result<(), NetworkError> {
        match self.node.attributes.keys().find(|name| !self.read.contains(name.as_str())) {
            Some(name) => Err(self.refuse(format!("attribute {name} is not supported"))),
            None => Ok(()),
        }
    }
}
