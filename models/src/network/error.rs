//! Why a network file cannot be run.

/// An ONNX file that this executor does not understand, or a run that did not fit it.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The file is no ONNX model.
    #[error(
        "read network {network}: it is no ONNX model ({reason}); fetch it again with `cargo xtask models`"
    )]
    Unreadable {
        /// File name of the network.
        network: String,
        /// What the reader said.
        reason: String,
    },
    /// An operator that none of the shipped networks uses.
    #[error("plan network {network}: operator {operator} of node {node} is not supported by this executor")]
    UnsupportedOperator {
        /// File name of the network.
        network: String,
        /// The ONNX operator.
        operator: String,
        /// The node's name, or that of its first output.
        node: String,
    },
    /// A known operator used in a way that none of the shipped networks uses.
    #[error("plan network {network}: node {node} ({operator}): {reason}")]
    UnsupportedUse {
        /// File name of the network.
        network: String,
        /// The ONNX operator.
        operator: String,
        /// The node's name, or that of its first output.
        node: String,
        /// What is asked for and not supported.
        reason: String,
    },
    /// A constant of the file that is no f32 or i64 tensor of the size it claims.
    #[error("plan network {network}: constant {tensor}: {reason}")]
    BadConstant {
        /// File name of the network.
        network: String,
        /// The constant's name.
        tensor: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The network has one size of its own, and this is another.
    #[error("run network {network}: it takes pictures of {expected:?} pixels, not of {found:?}")]
    WrongSize {
        /// File name of the network.
        network: String,
        /// Width and height that it takes.
        expected: (usize, usize),
        /// Width and height that it was given.
        found: (usize, usize),
    },
    /// The threads for the run could not be started.
    #[error("start {threads} inference threads")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}
