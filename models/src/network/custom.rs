//! A whole network as one operator of candle, for whoever computes with tensors before or after it.

use std::sync::{Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::Network;

/// A network between two tensors: 1 x 3 x height x width in, its first output as 1 x values out.
pub struct Custom(Mutex<Network>);

impl Network {
    /// The network as one operator of candle.
    #[must_use]
    pub fn into_custom(self) -> Custom {
        Custom(Mutex::new(self))
    }
}

impl Custom {
    /// Runs the network on a tensor in its own order of colours.
    ///
    /// # Errors
    /// candle's error if the tensor is no picture of floats, or of a size that the network cannot take.
    pub fn run(&self, picture: &Tensor) -> Result<Tensor> {
        picture.contiguous()?.apply_op1_no_bwd(self)
    }
}

impl CustomOp1 for Custom {
    fn name(&self) -> &'static str {
        "network"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (CpuStorage::F32(values), Some((start, end))) = (storage, layout.contiguous_offsets()) else {
            bail!("a network takes contiguous floats")
        };
        let &[1, 3, height, width] = layout.dims() else {
            bail!("a network takes 1 x 3 x height x width, not {:?}", layout.dims())
        };
        let planes = &values[start..end];
        let mut network = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fill = |row: usize, line: &mut [f32]| {
            for (column, pixel) in line.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                *pixel = std::array::from_fn(|colour| planes[(colour * height + row) * width + column]);
            }
        };
        let outputs = network.run(width, height, fill).map_err(candle_core::Error::wrap)?;
        let Some(output) = outputs.first() else { bail!("a network without outputs") };
        Ok((CpuStorage::F32(output.to_vec()), Shape::from((1, output.len()))))
    }
}
