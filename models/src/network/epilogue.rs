//! What follows a convolution in one pass over its result: a bias and an activation for each channel.

use candle_core::{CpuStorage, InplaceOp1, Layout};

/// Adds a bias and multiplies what is not positive by a slope, per channel. Slope 1 changes nothing, slope 0 is ReLU,
/// anything else PReLU.
#[derive(Clone)]
pub(crate) struct Epilogue {
    /// Added to every value of the channel.
    pub(crate) bias: Vec<f32>,
    /// Factor of the values that are not positive.
    pub(crate) slope: Vec<f32>,
}

impl Epilogue {
    /// `value` if positive, else `value` times `slope`; NaN stays NaN.
    #[inline(always)]
    pub(crate) fn activate(value: f32, slope: f32) -> f32 {
        if value > 0.0 { value } else { value * slope }
    }

    /// Whether applying it would change nothing.
    pub(crate) fn is_identity(&self) -> bool {
        self.bias.iter().all(|bias| *bias == 0.0) && self.slope.iter().all(|slope| *slope == 1.0)
    }
}

impl InplaceOp1 for Epilogue {
    fn name(&self) -> &'static str {
        "bias and activation"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let dims = layout.dims();
        let Some((start, end)) = layout.contiguous_offsets() else {
            candle_core::bail!("bias and activation need a contiguous tensor")
        };
        if dims.len() < 2 || dims[0] != 1 || dims[1] != self.bias.len() {
            candle_core::bail!("bias and activation of {} channels got a tensor of {dims:?}", self.bias.len())
        }
        let CpuStorage::F32(values) = storage else { candle_core::bail!("bias and activation need f32") };
        let plane = dims[2..].iter().product::<usize>().max(1);
        for ((plane, bias), slope) in
            values[start..end].chunks_exact_mut(plane).zip(&self.bias).zip(&self.slope)
        {
            plane.iter_mut().for_each(|value| *value = Self::activate(*value + bias, *slope));
        }
        Ok(())
    }
}
