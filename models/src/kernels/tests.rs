//! Every set of kernels against the plain one, on shapes and alignments drawn at random.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

/// Numbers between -1 and 1 that depend on the seed alone.
fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn blocks(seed: u64, count: usize) -> Vec<Block> {
    numbers(seed, count * LANES).as_chunks::<LANES>().0.iter().map(|lanes| Block(*lanes)).collect()
}

fn flat(blocks: &[Block]) -> Vec<f32> {
    blocks.iter().flat_map(|block| block.0).collect()
}

/// The sets beside the plain one.
fn others() -> impl Iterator<Item = &'static Kernels> {
    Kernels::available().filter(|kernels| kernels.name != "portable")
}

fn close(name: &str, found: &[f32], expected: &[f32]) -> Result<(), TestCaseError> {
    prop_assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let allowed = 2e-5 * expected.abs().max(1.0);
        prop_assert!((found - expected).abs() <= allowed, "{name}: value {index} is {found}, not {expected}");
    }
    Ok(())
}

/// What a tile computes, one number after the other.
fn plain_tile(tile: &Tile<'_>, pixels: usize, blocks: usize, depth: usize, out: &mut [f32]) {
    // SAFETY: as for the kernels, everything that the tile names is there.
    unsafe {
        for pixel in 0..pixels {
            for channel in 0..blocks * LANES {
                let mut sum = f64::from(*tile.bias.add(channel));
                let mut value = 0;
                for (index, run) in tile.runs.iter().enumerate() {
                    let last = index + 1 == tile.runs.len();
                    for offset in 0..if last { tile.last_length } else { tile.run_length } {
                        let input = *tile.input.add(run + offset + pixel * tile.pixel_stride);
                        let weight = *tile.weights.add(value * blocks * LANES + channel);
                        sum += f64::from(input) * f64::from(weight);
                        value += 1;
                    }
                }
                assert_eq!(value, depth);
                let slope = f64::from(*tile.slope_less_one.add(channel)) + 1.0;
                let place = channel / LANES * tile.output_plane + pixel * LANES + channel % LANES;
                let activated = if sum > 0.0 { sum } else { sum * slope };
                let added = if tile.residual.is_null() { 0.0 } else { f64::from(*tile.residual.add(place)) };
                out[place] = (activated + added) as f32;
            }
        }
    }
}

proptest! {
    #[test]
    fn a_tile_is_the_sum_of_its_products(
        seed in any::<u64>(), pixels in 1usize..=28, wide in any::<bool>(), stride in prop::sample::select(vec![16usize, 3, 6]),
        runs in 1usize..5, last_length in 1usize..=16, residual in any::<bool>(), misaligned in 0usize..16, gap in 0usize..9,
    ) {
        for kernels in Kernels::available() {
            let blocks = if wide { kernels.panel } else { 1 };
            let pixels = pixels.min(kernels.tile_pixels(blocks));
            let depth = (runs - 1) * 16 + last_length;
            let run = pixels * stride + 16 + gap;
            let input = numbers(seed, misaligned + runs * run);
            let weights = numbers(seed ^ 1, depth * blocks * LANES);
            let (bias, slope) = (numbers(seed ^ 2, blocks * LANES), numbers(seed ^ 3, blocks * LANES));
            let plane = (pixels + gap) * LANES;
            let added = numbers(seed ^ 4, blocks * plane);
            let mut output = vec![7.0; blocks * plane];
            let mut expected = output.clone();
            let tile = Tile {
                input: input[misaligned..].as_ptr(),
                pixel_stride: stride,
                runs: &(0..runs).map(|index| index * run).collect::<Vec<_>>(),
                run_length: 16,
                last_length,
                weights: weights.as_ptr(),
                bias: bias.as_ptr(),
                slope_less_one: slope.as_ptr(),
                output: output.as_mut_ptr(),
                output_plane: plane,
                residual: if residual { added.as_ptr() } else { std::ptr::null() },
                residual_plane: plane,
            };
            // SAFETY: the set is available, and every list is as long as the tile says.
            unsafe { (kernels.tile)(&tile, pixels, blocks) };
            plain_tile(&tile, pixels, blocks, depth, &mut expected);
            close(kernels.name, &output, &expected)?;
        }
    }

    #[test]
    fn a_depthwise_convolution_is_the_same_on_every_set(
        seed in any::<u64>(), height in 1usize..20, width in 1usize..30, size in prop::sample::select(vec![1usize, 2, 3, 5, 7]),
        stride in 1usize..4, padding in 0usize..4, paired in any::<bool>(), rows in (0usize..20, 0usize..20),
    ) {
        let out = |side: usize| (side + 2 * padding).checked_sub(size).map(|room| room / stride + 1);
        let (Some(out_height), Some(out_width)) = (out(height), out(width)) else { return Ok(()) };
        let (start, end) = (rows.0.min(rows.1).min(out_height), rows.0.max(rows.1).min(out_height));
        let input = blocks(seed, height * width);
        let weights = blocks(seed ^ 1, size * size * (1 + usize::from(paired)));
        let (bias, slope) = (blocks(seed ^ 2, 1)[0], blocks(seed ^ 3, 1)[0]);
        let run = |kernels: &Kernels| {
            let mut output = vec![Block([7.0; LANES]); out_height * out_width];
            let layer = Depthwise {
                input: input.as_ptr(), kept: height, height, width, output: output.as_mut_ptr(), out_kept: out_height, out_width,
                kernel: (size, size), stride: (stride, stride), padding: (padding, padding), paired,
                weights: &weights, bias: &bias, slope_less_one: &slope, bytes: None,
            };
            // SAFETY: the set is available, and input and output are as large as stated.
            unsafe { (kernels.depthwise)(&layer, start..end) };
            flat(&output)
        };
        // One number after the other.
        let mut expected = vec![7.0f32; out_height * out_width * LANES];
        for (row, column, lane) in (start..end).flat_map(|row| (0..out_width * LANES).map(move |at| (row, at / LANES, at % LANES))) {
            let mut sum = f64::from(bias.0[lane]);
            for (down, across) in (0..size * size).map(|tap| (tap / size, tap % size)) {
                let (y, x) = ((row * stride + down).wrapping_sub(padding), (column * stride + across).wrapping_sub(padding));
                if y < height && x < width {
                    let tap = (down * size + across) * (1 + usize::from(paired));
                    let pixel = &input[y * width + x].0;
                    sum += f64::from(pixel[lane]) * f64::from(weights[tap].0[lane]);
                    if paired {
                        sum += f64::from(pixel[lane ^ 1]) * f64::from(weights[tap + 1].0[lane]);
                    }
                }
            }
            let activated = if sum > 0.0 { sum } else { sum * (f64::from(slope.0[lane]) + 1.0) };
            expected[(row * out_width + column) * LANES + lane] = activated as f32;
        }
        for kernels in Kernels::available() {
            close(kernels.name, &run(kernels), &expected)?;
        }
    }

    #[test]
    fn a_tile_of_bytes_is_the_exact_sum_of_its_products(
        seed in any::<u64>(), pixels in 1usize..=28, wide in any::<bool>(), runs in 1usize..5, last_fours in 1usize..=4,
        residual in any::<bool>(), gap in 0usize..3,
    ) {
        for kernels in Kernels::available() {
            let Some(bytes) = &kernels.bytes else { continue };
            let blocks = if wide { kernels.panel } else { 1 };
            let pixels = pixels.min(kernels.tile_pixels(blocks));
            let (fours, run, plane) = ((runs - 1) * 4 + last_fours, (pixels + gap) * LANES, (pixels + gap) * LANES);
            let values: Vec<i32> = numbers(seed, runs * run).iter().map(|value| (value * 127.5 + 127.5) as i32).collect();
            let stored: Vec<u8> = values.iter().map(|value| (value - bytes.less) as u8).collect();
            let weights: Vec<i8> =
                numbers(seed ^ 1, fours * 4 * blocks * LANES).iter().map(|weight| (weight * 127.9) as i8).collect();
            let start: Vec<i32> = numbers(seed ^ 2, blocks * LANES).iter().map(|value| (value * 1e5) as i32).collect();
            let [scale, bias, slope] = [3, 4, 5].map(|salt| numbers(seed ^ salt, blocks * LANES));
            let scale: Vec<f32> = scale.iter().map(|value| value * 1e-4).collect();
            let added = numbers(seed ^ 6, blocks * plane);
            let mut output = vec![7.0; blocks * plane];
            let mut expected = output.clone();
            let tile = ByteTile {
                input: stored.as_ptr(),
                runs: &(0..runs).map(|index| index * run).collect::<Vec<_>>(),
                last_fours,
                weights: weights.as_ptr(),
                start: start.as_ptr(),
                scale: scale.as_ptr(),
                bias: bias.as_ptr(),
                slope_less_one: slope.as_ptr(),
                output: output.as_mut_ptr(),
                output_plane: plane,
                residual: if residual { added.as_ptr() } else { std::ptr::null() },
                residual_plane: plane,
            };
            // SAFETY: the set is available, and every list is as long as the tile says.
            unsafe { (bytes.tile)(&tile, pixels, blocks) };
            for (pixel, channel) in (0..pixels).flat_map(|pixel| (0..blocks * LANES).map(move |channel| (pixel, channel))) {
                let product = |value: usize| {
                    let input = values[value / LANES * run + pixel * LANES + value % LANES] - bytes.less;
                    input * i32::from(weights[(value / 4 * blocks * LANES + channel) * 4 + value % 4])
                };
                let sum = f64::from(start[channel] + (0..fours * 4).map(product).sum::<i32>());
                let value = sum * f64::from(scale[channel]) + f64::from(bias[channel]);
                let activated = if value > 0.0 { value } else { value * (f64::from(slope[channel]) + 1.0) };
                let place = channel / LANES * plane + pixel * LANES + channel % LANES;
                expected[place] = (activated + if residual { f64::from(added[place]) } else { 0.0 }) as f32;
            }
            close(kernels.name, &output, &expected)?;
        }
    }

    #[test]
    fn a_depthwise_convolution_rounds_to_the_nearest_byte_and_cuts_off(seed in any::<u64>(), width in 1usize..20, zero in 0u8..=255) {
        let input: Vec<Block> = blocks(seed, width).iter().map(|block| Block(block.0.map(|value| value * 3.0))).collect();
        let mut one = Block::ZERO;
        one.0.fill(1.0);
        for kernels in Kernels::available() {
            let mut output = vec![Block::ZERO; width];
            let scale = ByteScale { inverse: 100.0, zero: f32::from(zero) };
            let layer = Depthwise {
                input: input.as_ptr(), kept: 1, height: 1, width, output: output.as_mut_ptr(), out_kept: 1, out_width: width,
                kernel: (1, 1), stride: (1, 1), padding: (0, 0), paired: false,
                weights: &[one], bias: &Block::ZERO, slope_less_one: &Block::ZERO, bytes: Some(scale),
            };
            // SAFETY: the set is available, and input and output are as large as stated.
            unsafe { (kernels.depthwise)(&layer, 0..1) };
            let found = flat(&output).iter().flat_map(|four| four.to_ne_bytes()).collect::<Vec<u8>>();
            let flip = if cfg!(target_arch = "aarch64") && kernels.name != "portable" { 128 } else { 0 };
            for (value, byte) in flat(&input).iter().zip(found) {
                let exact = f64::from(*value) * 100.0 + f64::from(zero);
                let distance = (f64::from(byte ^ flip) - exact.clamp(0.0, 255.0)).abs();
                prop_assert!(distance < 0.501, "{}: {value} became {byte}", kernels.name);
            }
        }
    }

    #[test]
    fn the_plain_loops_are_the_same_on_every_set(seed in any::<u64>(), pixels in 1usize..40, factor in 1usize..4) {
        let (left, right) = (blocks(seed, pixels * 2), blocks(seed ^ 1, pixels * 2));
        let constants = blocks(seed ^ 2, 3);
        let rule = Affine { scale: constants[0], shift: constants[1], slope_less_one: constants[2] };
        let wide: Vec<f32> = flat(&left).iter().map(|value| value * 60.0).collect();
        // SAFETY: the sets are available.
        let results = |kernels: &Kernels| unsafe {
            let fresh = || vec![Block::ZERO; pixels];
            let (mut pool, mut add, mut affine, mut scale) = (fresh(), fresh(), fresh(), fresh());
            let mut sigmoid = wide.clone();
            (kernels.max_pool)(&left, &right, &mut pool);
            (kernels.add)(&left[..pixels], &right, factor, &mut add);
            (kernels.affine)(&left[..pixels], &rule, &mut affine);
            (kernels.sigmoid)(&mut sigmoid);
            (kernels.scale)(&left[..pixels], &constants[0], &mut scale);
            let sum = (kernels.sum)(&left);
            let dot = (kernels.dot4)(&left[..pixels], &blocks(seed ^ 5, pixels * 4));
            let mut all: Vec<f32> = [pool, add, affine, scale, vec![sum]].iter().flat_map(|it| flat(it)).collect();
            all.extend(dot);
            all.extend(sigmoid);
            all
        };
        let expected = results(&portable::KERNELS);
        for kernels in others() {
            close(kernels.name, &results(kernels), &expected)?;
        }
    }
}

#[test]
fn the_logistic_function_is_exact_to_seven_digits_and_keeps_what_is_not_a_number() {
    let inputs: Vec<f32> = (-2_000..2_000)
        .map(|step| step as f32 * 0.06)
        .chain([f32::NAN, f32::INFINITY, f32::NEG_INFINITY])
        .collect();
    for kernels in Kernels::available() {
        let mut outputs = inputs.clone();
        // SAFETY: the set is available.
        unsafe { (kernels.sigmoid)(&mut outputs) };
        for (value, found) in inputs.iter().zip(outputs) {
            let expected = 1.0 / (1.0 + (-f64::from(*value)).exp());
            let near = (f64::from(found) - expected).abs() < 2e-7;
            assert!(near || (found.is_nan() && value.is_nan()), "{}: {value}: {found}", kernels.name);
        }
    }
}

#[test]
fn a_pool_takes_the_largest_of_four_and_an_enlarged_map_counts_for_each_of_its_pixels() {
    let map = |values: &[f32]| values.iter().map(|value| Block([*value; LANES])).collect::<Vec<_>>();
    for kernels in Kernels::available() {
        let mut out = map(&[0.0, 0.0]);
        // SAFETY: the set is available.
        unsafe {
            (kernels.max_pool)(&map(&[1.0, -2.0, 3.0, 4.0]), &map(&[0.0, 5.0, -1.0, -3.0]), &mut out);
            assert_eq!(out, map(&[5.0, 4.0]), "{}", kernels.name);
            let mut sum = map(&[0.0; 4]);
            (kernels.add)(&map(&[1.0, 2.0, 3.0, 4.0]), &map(&[10.0, 20.0]), 2, &mut sum);
            assert_eq!(sum, map(&[11.0, 12.0, 23.0, 24.0]), "{}", kernels.name);
        }
    }
}
