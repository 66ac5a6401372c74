//! What a camera's pictures are made of.

/// How much a camera can know about what stands before it. Policy says for each what a face alone may open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SensorTier {
    /// Pictures that stand for living people: the simulator.
    Simulated,
    /// Visible light in colour. A photograph looks like a face.
    Rgb,
    /// Near infrared, with a lamp of its own. Screens stay dark; printed photographs look wrong.
    Nir,
    /// Distances. A photograph is flat.
    Depth,
}
