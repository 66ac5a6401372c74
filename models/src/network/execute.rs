//! Running a program: one arena, no allocation, each task shared by the members of the team.
//!
//! Members write disjoint parts of a map and meet after every task, so that the next one finds all that it reads.
#![allow(unsafe_code)]

use std::ops::Range;

use super::program::{Convolution, DepthwiseLayer, Output, Program, Shape, Source, Step, Task, Work};
use super::team::{Member, Threads};
use crate::kernels::{Block, Depthwise, Kernels, LANES, Tile};

/// A program with its memory.
pub(crate) struct Executor {
    program: Program,
    kernels: &'static Kernels,
    arena: Vec<Block>,
    /// The picture between its borders of zeros, which are never written.
    picture: Vec<f32>,
}

/// The arena as the members share it.
#[derive(Clone, Copy)]
struct Arena {
    start: *mut Block,
    picture: *const f32,
}

// SAFETY: members write disjoint places and meet before anybody reads them (see `run`).
unsafe impl Sync for Arena {}

impl Executor {
    pub(crate) fn new(program: Program, kernels: &'static Kernels) -> Self {
        let arena = vec![Block::ZERO; program.arena];
        let picture = vec![0.0; program.picture.size()];
        Self { program, kernels, arena, picture }
    }

    /// Width and height of its pictures.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.program.picture.width, self.program.picture.height)
    }

    /// Has `fill` write the picture row by row.
    pub(crate) fn fill(&mut self, mut fill: impl FnMut(usize, &mut [f32])) {
        let picture = &self.program.picture;
        let [top, left, ..] = picture.border;
        let changed = picture.scale != [1.0; 3] || picture.shift != [0.0; 3];
        for row in 0..picture.height {
            let start = (top + row) * picture.line() + left * 3;
            let values = &mut self.picture[start..][..picture.width * 3];
            fill(row, values);
            if changed {
                for pixel in values.as_chunks_mut::<3>().0 {
                    for (colour, value) in pixel.iter_mut().enumerate() {
                        *value = *value * picture.scale[colour] + picture.shift[colour];
                    }
                }
            }
        }
    }

    /// Computes everything from the picture.
    pub(crate) fn run(&mut self, threads: &Threads) {
        let arena = Arena { start: self.arena.as_mut_ptr(), picture: self.picture.as_ptr() };
        let (program, kernels) = (&self.program, self.kernels);
        threads.share(&|member| {
            for task in &program.tasks {
                let run = Run { program, kernels, arena, step: &program.steps[task.step], member };
                // SAFETY: the program was made for this arena: every buffer lies inside it, buffers that are alive together
                // are apart, and the kernels were found available. Each member writes its own share of the task's rows,
                // and all meet before the next task.
                unsafe { run.task(task) };
                member.meet();
            }
        });
    }

    /// Writes an output down in the file's order.
    pub(crate) fn read(&self, index: usize, values: &mut Vec<f32>) {
        let Output { buffer, first, shape, pixel_by_pixel } = self.program.outputs[index];
        let pixels = shape.pixels();
        let stored = &self.arena[self.program.places[buffer]..][..self.program.shapes[buffer].size()];
        values.resize(shape.channels * pixels, 0.0);
        for channel in 0..shape.channels {
            let (block, lane) = ((first + channel) / LANES, (first + channel) % LANES);
            let map = &stored[block * pixels..][..pixels];
            if pixel_by_pixel {
                let values = values[channel..].iter_mut().step_by(shape.channels);
                values.zip(map).for_each(|(value, pixel)| *value = pixel.0[lane]);
            } else {
                let values = values[channel * pixels..][..pixels].iter_mut();
                values.zip(map).for_each(|(value, pixel)| *value = pixel.0[lane]);
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    /// How many steps and tasks a pass has.
    pub(crate) fn length(&self) -> (usize, usize) {
        (self.program.steps.len(), self.program.tasks.len())
    }
}

/// One task of one member.
struct Run<'a> {
    program: &'a Program,
    kernels: &'a Kernels,
    arena: Arena,
    step: &'a Step,
    member: Member<'a>,
}

impl Run<'_> {
    /// # Safety
    /// See [`Executor::run`].
    unsafe fn task(&self, task: &Task) {
        unsafe {
            match &self.step.work {
                Work::Convolution(layer) => match self.step.input {
                    Source::Picture => self.picture(layer, &task.rows),
                    Source::Buffer(_) => self.pointwise(layer, &task.rows),
                },
                Work::Depthwise(layer) => self.depthwise(layer, &task.rows),
                Work::Linear { weights, bias } => self.linear(weights, bias),
                Work::MaxPool => self.rows(&task.rows, |block, row, output| {
                    let (upper, lower) = (self.input_row(block, row * 2), self.input_row(block, row * 2 + 1));
                    (self.kernels.max_pool)(upper, lower, output);
                }),
                Work::Add { factor } => self.rows(&task.rows, |block, row, output| {
                    let right = self.second_row(block, row / factor);
                    (self.kernels.add)(self.input_row(block, row), right, *factor, output);
                }),
                Work::Affine(rules) => self.rows(&task.rows, |block, row, output| {
                    (self.kernels.affine)(self.input_row(block, row), &rules[block], output);
                }),
                Work::Sigmoid => self.rows(&task.rows, |block, row, output| {
                    (self.kernels.sigmoid)(self.input_row(block, row), output);
                }),
                Work::Scale => self.rows(&task.rows, |block, row, output| {
                    let factor = &self.second_row(block, 0)[0];
                    (self.kernels.scale)(self.input_row(block, row), factor, output);
                }),
                Work::Mean => self.rows(&task.rows, |block, _, output| {
                    let shape = self.input_shape();
                    let map = self.blocks(self.input(), block * shape.pixels(), shape.pixels());
                    let sum = (self.kernels.sum)(map);
                    let count = shape.pixels() as f32;
                    output[0] = Block(sum.0.map(|sum| sum / count));
                }),
            }
        }
    }

    fn output_shape(&self) -> Shape {
        self.program.shapes[self.step.output]
    }

    fn input(&self) -> usize {
        match self.step.input {
            Source::Buffer(buffer) => buffer,
            Source::Picture => unreachable!("only convolutions read the picture"),
        }
    }

    fn input_shape(&self) -> Shape {
        self.program.shapes[self.input()]
    }

    /// Where a buffer lies.
    fn buffer(&self, buffer: usize) -> *mut Block {
        // SAFETY: every place lies inside the arena.
        unsafe { self.arena.start.add(self.program.places[buffer]) }
    }

    unsafe fn blocks(&self, buffer: usize, start: usize, count: usize) -> &[Block] {
        debug_assert!(start + count <= self.program.shapes[buffer].size());
        unsafe { std::slice::from_raw_parts(self.buffer(buffer).add(start), count) }
    }

    /// One row of one block of a buffer.
    unsafe fn row(&self, buffer: usize, block: usize, row: usize) -> &[Block] {
        let shape = self.program.shapes[buffer];
        unsafe { self.blocks(buffer, (block * shape.height + row) * shape.width, shape.width) }
    }

    unsafe fn input_row(&self, block: usize, row: usize) -> &[Block] {
        unsafe { self.row(self.input(), block, row) }
    }

    unsafe fn second_row(&self, block: usize, row: usize) -> &[Block] {
        let second = self.step.second.expect("a step with two operands has a second one");
        unsafe { self.row(second, block, row) }
    }

    /// Calls `work` for this member's share of the rows of all blocks, with the row to write.
    unsafe fn rows(&self, rows: &Range<usize>, work: impl Fn(usize, usize, &mut [Block])) {
        let shape = self.output_shape();
        for index in self.member.share(shape.blocks() * rows.len()) {
            let (block, row) = (index / rows.len(), rows.start + index % rows.len());
            // SAFETY: no other member has this block and row.
            let output = unsafe {
                let start = self.buffer(self.step.output).add((block * shape.height + row) * shape.width);
                std::slice::from_raw_parts_mut(start, shape.width)
            };
            work(block, row, output);
        }
    }

    unsafe fn depthwise(&self, layer: &DepthwiseLayer, rows: &Range<usize>) {
        let (from, to) = (self.input_shape(), self.output_shape());
        let taps = layer.kernel.0 * layer.kernel.1 * (1 + usize::from(layer.paired));
        let share = self.member.share(to.blocks() * rows.len());
        for block in share.start / rows.len()..share.end.div_ceil(rows.len()) {
            let within = |index: usize| {
                rows.start + index.clamp(block * rows.len(), (block + 1) * rows.len()) - block * rows.len()
            };
            unsafe {
                let arguments = Depthwise {
                    input: self.buffer(self.input()).add(block * from.pixels()),
                    height: from.height,
                    width: from.width,
                    output: self.buffer(self.step.output).add(block * to.pixels()),
                    out_width: to.width,
                    kernel: layer.kernel,
                    stride: layer.stride,
                    padding: layer.padding,
                    paired: layer.paired,
                    weights: &layer.weights[block * taps..][..taps],
                    bias: &layer.bias[block],
                    slope_less_one: &layer.slope_less_one[block],
                };
                (self.kernels.depthwise)(&arguments, within(share.start)..within(share.end));
            }
        }
    }

    /// A pointwise convolution: the pixels of these rows are one long line.
    unsafe fn pointwise(&self, layer: &Convolution, rows: &Range<usize>) {
        let shape = self.output_shape();
        let (start, count) = (rows.start * shape.width, rows.len() * shape.width);
        let input = self.buffer(self.input());
        let tiles = count.div_ceil(self.kernels.pixels);
        let panels = shape.blocks().div_ceil(self.kernels.panel);
        // Heavy weights are read once and the pixels again and again; light ones the other way round.
        let heavy = self.step.weight_bytes() > HEAVY_WEIGHT_BYTES && panels >= self.member.count;
        let share = self.member.share(if heavy { panels } else { tiles });
        let (outer, inner) = if heavy { (share, 0..tiles) } else { (share, 0..panels) };
        for outer in outer {
            for inner in inner.clone() {
                let (panel, tile) = if heavy { (outer, inner) } else { (inner, outer) };
                let pixels = tile * count / tiles..(tile + 1) * count / tiles;
                unsafe {
                    let place = input.add(start + pixels.start).cast::<f32>();
                    self.tile(layer, place, LANES, start + pixels.start, pixels.len(), panel);
                }
            }
        }
    }

    /// A convolution of the picture, row by row.
    unsafe fn picture(&self, layer: &Convolution, rows: &Range<usize>) {
        let shape = self.output_shape();
        let tiles = shape.width.div_ceil(self.kernels.pixels);
        let panels = shape.blocks().div_ceil(self.kernels.panel);
        let line = self.program.picture.line();
        let stride = 3 * layer.stride;
        for index in self.member.share(rows.len() * tiles) {
            let (row, tile) = (rows.start + index / tiles, index % tiles);
            let pixels = tile * shape.width / tiles..(tile + 1) * shape.width / tiles;
            for panel in 0..panels {
                unsafe {
                    let place = self.arena.picture.add(row * layer.stride * line + pixels.start * stride);
                    self.tile(layer, place, stride, row * shape.width + pixels.start, pixels.len(), panel);
                }
            }
        }
    }

    /// One tile of one panel; `pixel` is the number of its first pixel in the output.
    unsafe fn tile(
        &self,
        layer: &Convolution,
        input: *const f32,
        pixel_stride: usize,
        pixel: usize,
        pixels: usize,
        panel: usize,
    ) {
        let shape = self.output_shape();
        let block = panel * self.kernels.panel;
        let blocks = self.kernels.panel.min(shape.blocks() - block);
        let place = block * shape.pixels() + pixel;
        let residual = self.step.second.map_or(std::ptr::null(), |second| {
            // SAFETY: what is added has the output's shape.
            unsafe { self.buffer(second).add(place).cast::<f32>().cast_const() }
        });
        unsafe {
            let tile = Tile {
                input,
                pixel_stride,
                runs: &layer.runs,
                run_length: layer.run_length,
                last_length: layer.last_length,
                weights: layer.weights[block * layer.depth..].as_ptr().cast(),
                bias: layer.bias[block..].as_ptr().cast(),
                slope_less_one: layer.slope_less_one[block..].as_ptr().cast(),
                output: self.buffer(self.step.output).add(place).cast(),
                output_plane: shape.pixels() * LANES,
                residual,
            };
            (self.kernels.tile)(&tile, pixels, blocks);
        }
    }

    unsafe fn linear(&self, weights: &[Block], bias: &[f32]) {
        let size = self.input_shape().size();
        let outputs = self.buffer(self.step.output).cast::<f32>();
        for group in self.member.share(bias.len().div_ceil(4)) {
            unsafe {
                let input = self.blocks(self.input(), 0, size);
                let sums = (self.kernels.dot4)(input, &weights[group * 4 * size..][..4 * size]);
                for (output, sum) in (group * 4..bias.len()).zip(sums) {
                    *outputs.add(output) = sum + bias[output];
                }
            }
        }
    }
}

/// Weights larger than this are not read again for every tile of pixels.
const HEAVY_WEIGHT_BYTES: usize = 384 << 10;
