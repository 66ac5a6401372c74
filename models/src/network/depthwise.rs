//! The depthwise convolution: one filter per channel, with bias and activation in the same pass.
//!
//! candle runs a grouped convolution as one small convolution per channel, which makes depthwise layers nine tenths of
//! the time of every network here. This operator copies each plane once into a zero-padded scratch plane whose columns
//! are sorted by stride phase, so that every tap of every stride reads neighbouring floats and the loops vectorise.
//!
//! This is the only file of the crate with `unsafe`: the call of the same plain loops compiled for AVX2.
#![allow(unsafe_code)]

use candle_core::{CpuStorage, CustomOp1, Layout, Shape};
use rayon::prelude::*;

use super::epilogue::Epilogue;

/// A depthwise convolution over a 1 x C x H x W tensor.
#[derive(Clone)]
pub(crate) struct Depthwise {
    /// Kernel height and width.
    pub(crate) kernel: (usize, usize),
    /// Vertical and horizontal stride.
    pub(crate) stride: (usize, usize),
    /// Zero padding: top, left, bottom, right.
    pub(crate) pads: [usize; 4],
    /// C x kernel height x kernel width.
    pub(crate) weights: Vec<f32>,
    /// Bias and activation, one of each per channel.
    pub(crate) epilogue: Epilogue,
}

/// The sizes of one run, the same for every channel.
#[derive(Clone, Copy)]
struct Extent {
    height: usize,
    width: usize,
    out_height: usize,
    out_width: usize,
    padded_height: usize,
    /// Columns of one stride phase.
    phase_width: usize,
}

impl Depthwise {
    fn extent(&self, height: usize, width: usize) -> Option<Extent> {
        let [top, left, bottom, right] = self.pads;
        let (padded_height, padded_width) = (height + top + bottom, width + left + right);
        let out_height = padded_height.checked_sub(self.kernel.0)? / self.stride.0 + 1;
        let out_width = padded_width.checked_sub(self.kernel.1)? / self.stride.1 + 1;
        let phase_width = padded_width.div_ceil(self.stride.1);
        Some(Extent { height, width, out_height, out_width, padded_height, phase_width })
    }

    fn convolve_all(&self, input: &[f32], extent: Extent) -> Vec<f32> {
        let channels = self.epilogue.bias.len();
        let plane = extent.height * extent.width;
        let scratch_len = extent.padded_height * extent.phase_width * self.stride.1;
        let mut output = vec![0f32; channels * extent.out_height * extent.out_width];
        let planes = output.chunks_exact_mut((extent.out_height * extent.out_width).max(1)).enumerate();
        if rayon::current_num_threads() == 1 {
            let mut scratch = vec![0f32; scratch_len];
            for (channel, out) in planes {
                self.convolve_fast(channel, &input[channel * plane..][..plane], &mut scratch, out, extent);
            }
        } else {
            planes.collect::<Vec<_>>().into_par_iter().with_min_len(channels.div_ceil(8)).for_each_init(
                || vec![0f32; scratch_len],
                |scratch, (channel, out)| {
                    self.convolve_fast(channel, &input[channel * plane..][..plane], scratch, out, extent);
                },
            );
        }
        output
    }

    #[cfg(target_arch = "x86_64")]
    fn convolve_fast(
        &self,
        channel: usize,
        input: &[f32],
        scratch: &mut [f32],
        out: &mut [f32],
        extent: Extent,
    ) {
        if std::is_x86_feature_detected!("avx2") {
            // SAFETY: `convolve_avx2` is safe Rust that only requires a processor with AVX2, which was just detected.
            unsafe { self.convolve_avx2(channel, input, scratch, out, extent) }
        } else {
            self.convolve(channel, input, scratch, out, extent);
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn convolve_fast(
        &self,
        channel: usize,
        input: &[f32],
        scratch: &mut [f32],
        out: &mut [f32],
        extent: Extent,
    ) {
        self.convolve(channel, input, scratch, out, extent);
    }

    /// The same loops, compiled for eight floats at a time.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn convolve_avx2(
        &self,
        channel: usize,
        input: &[f32],
        scratch: &mut [f32],
        out: &mut [f32],
        extent: Extent,
    ) {
        self.convolve(channel, input, scratch, out, extent);
    }

    #[inline(always)]
    fn convolve(&self, channel: usize, input: &[f32], scratch: &mut [f32], out: &mut [f32], extent: Extent) {
        self.fill_scratch(input, scratch, extent);
        let taps = self.kernel.0 * self.kernel.1;
        let weights = &self.weights[channel * taps..][..taps];
        let (bias, slope) = (self.epilogue.bias[channel], self.epilogue.slope[channel]);
        for (row, out_row) in out.chunks_exact_mut(extent.out_width).enumerate() {
            let tap = |index: usize| {
                let (down, across) = (index / self.kernel.1, index % self.kernel.1);
                let line = (row * self.stride.0 + down) * self.stride.1 + across % self.stride.1;
                &scratch[line * extent.phase_width + across / self.stride.1..][..extent.out_width]
            };
            if let (3, Ok(weights)) = (self.kernel.1, <&[f32; 9]>::try_from(weights)) {
                row_3x3(out_row, std::array::from_fn(tap), weights, bias, slope);
            } else {
                out_row.fill(bias);
                for (index, weight) in weights.iter().enumerate() {
                    out_row.iter_mut().zip(tap(index)).for_each(|(sum, value)| *sum += weight * value);
                }
                out_row.iter_mut().for_each(|value| *value = Epilogue::activate(*value, slope));
            }
        }
    }

    /// Copies one plane between its zero borders, columns sorted by stride phase. The borders are never written, so a
    /// scratch plane made of zeros serves any number of channels.
    #[inline(always)]
    fn fill_scratch(&self, input: &[f32], scratch: &mut [f32], extent: Extent) {
        let [top, left, ..] = self.pads;
        let phases = self.stride.1;
        for (row, line) in input.chunks_exact(extent.width).enumerate() {
            let padded =
                &mut scratch[(row + top) * phases * extent.phase_width..][..phases * extent.phase_width];
            if phases == 1 {
                padded[left..left + extent.width].copy_from_slice(line);
                continue;
            }
            for phase in 0..phases {
                // The first column of the input that falls into this phase once `left` zeros stand before it.
                let first = (phase + phases - left % phases) % phases;
                let start = (left + first) / phases;
                let target =
                    &mut padded[phase * extent.phase_width + start..(phase + 1) * extent.phase_width];
                let source = line.iter().skip(first).step_by(phases);
                target.iter_mut().zip(source).for_each(|(to, from)| *to = *from);
            }
        }
    }
}

/// One output row of a 3 x 3 filter: nine shifted rows in, bias and activation applied.
#[inline(always)]
fn row_3x3(out: &mut [f32], taps: [&[f32]; 9], weights: &[f32; 9], bias: f32, slope: f32) {
    let width = out.len();
    let taps = taps.map(|tap| &tap[..width]);
    for x in 0..width {
        let upper = weights[0] * taps[0][x] + weights[1] * taps[1][x] + weights[2] * taps[2][x];
        let middle = weights[3] * taps[3][x] + weights[4] * taps[4][x] + weights[5] * taps[5][x];
        let lower = weights[6] * taps[6][x] + weights[7] * taps[7][x] + weights[8] * taps[8][x];
        out[x] = Epilogue::activate(bias + upper + middle + lower, slope);
    }
}

impl CustomOp1 for Depthwise {
    fn name(&self) -> &'static str {
        "fused depthwise convolution"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let (batch, channels, height, width) = layout.shape().dims4()?;
        let Some((start, end)) = layout.contiguous_offsets() else {
            candle_core::bail!("the input of a depthwise convolution must be contiguous")
        };
        if batch != 1 || channels != self.epilogue.bias.len() {
            candle_core::bail!(
                "a depthwise convolution over {} channels got {batch} x {channels} planes",
                self.epilogue.bias.len()
            )
        }
        let Some(extent) = self.extent(height, width) else {
            candle_core::bail!("{height} x {width} is smaller than the kernel {:?}", self.kernel)
        };
        let output = self.convolve_all(&storage.as_slice::<f32>()?[start..end], extent);
        Ok((CpuStorage::F32(output), Shape::from((1, channels, extent.out_height, extent.out_width))))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use candle_core::{Device, Tensor};

    use super::*;

    /// The definition, tap by tap, without any of the tricks above.
    fn by_definition(operator: &Depthwise, input: &[f32], height: usize, width: usize) -> Vec<f32> {
        let extent = operator.extent(height, width).unwrap();
        let mut output = Vec::new();
        for channel in 0..operator.epilogue.bias.len() {
            for (row, column) in
                (0..extent.out_height).flat_map(|row| (0..extent.out_width).map(move |column| (row, column)))
            {
                let mut sum = operator.epilogue.bias[channel];
                for down in 0..operator.kernel.0 {
                    for across in 0..operator.kernel.1 {
                        let y = (row * operator.stride.0 + down).checked_sub(operator.pads[0]);
                        let x = (column * operator.stride.1 + across).checked_sub(operator.pads[1]);
                        if let (Some(y), Some(x)) = (y.filter(|y| *y < height), x.filter(|x| *x < width)) {
                            let tap = (channel * operator.kernel.0 + down) * operator.kernel.1 + across;
                            sum += operator.weights[tap] * input[(channel * height + y) * width + x];
                        }
                    }
                }
                output.push(if sum > 0.0 { sum } else { sum * operator.epilogue.slope[channel] });
            }
        }
        output
    }

    #[test]
    fn every_kernel_stride_and_padding_agrees_with_the_definition() {
        let mut seed = 1u32;
        let mut random = move || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        let mut tried = 0;
        for (kernel, stride, pads) in [
            (3, 1, [1; 4]),
            (3, 2, [1; 4]),
            (3, 2, [0, 0, 1, 1]),
            (5, 2, [2; 4]),
            (2, 3, [0; 4]),
            (8, 1, [0; 4]),
        ] {
            for (height, width) in [(8, 8), (9, 13), (16, 11)] {
                let operator = Depthwise {
                    kernel: (kernel, kernel),
                    stride: (stride, stride),
                    pads,
                    weights: (0..3 * kernel * kernel).map(|_| random()).collect(),
                    epilogue: Epilogue { bias: vec![0.1, -0.2, 0.3], slope: vec![1.0, 0.0, 0.25] },
                };
                let input: Vec<f32> = (0..3 * height * width).map(|_| random()).collect();
                let tensor = Tensor::from_vec(input.clone(), (1, 3, height, width), &Device::Cpu).unwrap();
                let ours = tensor
                    .apply_op1_no_bwd(&operator)
                    .unwrap()
                    .flatten_all()
                    .unwrap()
                    .to_vec1::<f32>()
                    .unwrap();
                let expected = by_definition(&operator, &input, height, width);
                assert_eq!(
                    ours.len(),
                    expected.len(),
                    "kernel {kernel} stride {stride} on {height} x {width}"
                );
                for (ours, expected) in ours.iter().zip(&expected) {
                    assert!(
                        (ours - expected).abs() < 1e-4,
                        "kernel {kernel} stride {stride} on {height} x {width}"
                    );
                }
                tried += 1;
            }
        }
        assert_eq!(tried, 18);
    }
}
