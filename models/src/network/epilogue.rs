//! What follows a convolution in one pass over its result: a bias and an activation for each channel.

/// Adds a bias and multiplies what is not positive by a slope, per channel. Slope 1 changes nothing, slope 0 is ReLU,
/// anything else PReLU.
#[derive(Clone)]
pub(crate) struct Epilogue {
    /// Added to every value of the channel.
    pub(crate) bias: Vec<f32>,
    /// Factor of the values that are not positive.
    pub(crate) slope: Vec<f32>,
}
