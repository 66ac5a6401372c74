//! One step of a program as one member of the team does its share of it.
//!
//! Here planned numbers become the kernels' pointers: which rows and channels, where they lie, which weights belong to them.
#![allow(unsafe_code)]

use std::ops::Range;

use super::bytes::{ByteConvolution, Ranges};
use super::convolution::LARGEST_FILTER;
use super::execute::Arena;
use super::program::{Convolution, DepthwiseLayer, Program, Shape, Source, Step, Work};
use super::team::Member;
use crate::kernels::{Block, ByteTile, Depthwise, Kernels, LANES, Tile};

/// One task of one member.
pub(super) struct Run<'a> {
    pub(super) program: &'a Program,
    pub(super) kernels: &'a Kernels,
    pub(super) arena: Arena,
    pub(super) step: &'a Step,
    pub(super) member: Member<'a>,
}

impl Run<'_> {
    /// # Safety
    /// See [`Executor::run`].
    pub(super) unsafe fn rows_of_step(&self, rows: &Range<usize>) {
        unsafe {
            match &self.step.work {
                Work::Convolution(layer) => match self.step.input {
                    Source::Picture => self.picture(layer, rows),
                    Source::Buffer(_) => self.pointwise(layer, rows),
                },
                Work::Bytes(layer) => self.bytes(layer, rows),
                Work::Depthwise(layer) => self.depthwise(layer, rows),
                Work::Linear { weights, bias } => self.linear(weights, bias),
                Work::MaxPool => self.rows(rows, |block, row, output| {
                    let (upper, lower) = (self.input_row(block, row * 2), self.input_row(block, row * 2 + 1));
                    (self.kernels.max_pool)(upper, lower, output);
                }),
                Work::Add { factor } => self.rows(rows, |block, row, output| {
                    let right = self.second_row(block, row / factor);
                    (self.kernels.add)(self.input_row(block, row), right, *factor, output);
                }),
                Work::Affine(rules) => self.rows(rows, |block, row, output| {
                    (self.kernels.affine)(self.input_row(block, row), &rules[block], output);
                }),
                Work::Sigmoid => self.rows(rows, |block, row, output| {
                    output.copy_from_slice(self.input_row(block, row));
                    (self.kernels.sigmoid)(floats(output));
                }),
                Work::Scale => self.rows(rows, |block, row, output| {
                    let factor = &self.second_row(block, 0)[0];
                    (self.kernels.scale)(self.input_row(block, row), factor, output);
                }),
                Work::Mean => self.rows(rows, |block, _, output| {
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

    /// Where a row of a block lies in a buffer of floats or bytes.
    unsafe fn address(&self, buffer: usize, block: usize, row: usize) -> *mut Block {
        let (start, place) = (self.buffer(buffer), self.place(buffer, block, row));
        unsafe {
            if self.program.in_bytes[buffer] {
                start.cast::<u8>().add(place * LANES).cast()
            } else {
                start.add(place)
            }
        }
    }

    /// Where a row of a block lies, in pixels from the beginning of its buffer.
    fn place(&self, buffer: usize, block: usize, row: usize) -> usize {
        let kept = self.program.kept[buffer];
        (block * kept + row % kept) * self.program.shapes[buffer].width
    }

    unsafe fn blocks(&self, buffer: usize, start: usize, count: usize) -> &[Block] {
        unsafe { std::slice::from_raw_parts(self.buffer(buffer).add(start), count) }
    }

    /// One row of one block of a buffer.
    unsafe fn row(&self, buffer: usize, block: usize, row: usize) -> &[Block] {
        unsafe { self.blocks(buffer, self.place(buffer, block, row), self.program.shapes[buffer].width) }
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
                let start = self.buffer(self.step.output).add(self.place(self.step.output, block, row));
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
            let first = block * rows.len();
            let within = |index: usize| rows.start + index.clamp(first, first + rows.len()) - first;
            unsafe {
                let arguments = Depthwise {
                    input: self.buffer(self.input()).add(self.place(self.input(), block, 0)),
                    kept: self.program.kept[self.input()],
                    height: from.height,
                    width: from.width,
                    output: self.address(self.step.output, block, 0),
                    out_kept: self.program.kept[self.step.output],
                    out_width: to.width,
                    kernel: layer.kernel,
                    stride: layer.stride,
                    padding: layer.padding,
                    paired: layer.paired,
                    weights: &layer.weights[block * taps..][..taps],
                    bias: &layer.bias[block],
                    slope_less_one: &layer.slope_less_one[block],
                    bytes: layer.bytes,
                };
                (self.kernels.depthwise)(&arguments, within(share.start)..within(share.end));
            }
        }
    }

    /// A pointwise convolution of floats.
    unsafe fn pointwise(&self, layer: &Convolution, rows: &Range<usize>) {
        unsafe {
            self.tiles(rows, |row, pixels, panel| {
                let place = self.address(self.input(), 0, row).add(pixels.start).cast::<f32>();
                self.tile(layer, &layer.runs, place, LANES, row, pixels, panel);
            });
        }
    }

    /// A pointwise convolution of bytes.
    unsafe fn bytes(&self, layer: &ByteConvolution, rows: &Range<usize>) {
        let kernels = self.kernels.bytes.as_ref().expect("a network is in bytes only where kernels are");
        unsafe {
            self.tiles(rows, |row, pixels, panel| {
                let (block, blocks) = self.panel(panel);
                let place = self.address(self.input(), 0, row).cast::<u8>().add(pixels.start * LANES);
                let (output, output_plane) = self.target(self.step.output, block, row, pixels.start);
                let (residual, residual_plane) = self.added(block, row, pixels.start);
                let tile = ByteTile {
                    input: place,
                    runs: &layer.runs,
                    last_fours: layer.last_fours,
                    weights: layer.weights[block * LANES * layer.fours * 4..].as_ptr(),
                    start: layer.start[block * LANES..].as_ptr(),
                    scale: layer.scale[block..].as_ptr().cast(),
                    bias: layer.bias[block..].as_ptr().cast(),
                    slope_less_one: layer.slope_less_one[block..].as_ptr().cast(),
                    output,
                    output_plane,
                    residual,
                    residual_plane,
                };
                (kernels.tile)(&tile, pixels.len(), blocks);
            });
        }
    }

    /// Calls `work` for this member's share of the tiles and panels of a pointwise convolution, with a row and pixels
    /// counted from its beginning. The pixels of neighbouring rows are one long line, as long as no buffer begins again
    /// at its first row.
    unsafe fn tiles(&self, rows: &Range<usize>, work: impl Fn(usize, Range<usize>, usize)) {
        let shape = self.output_shape();
        let panels = shape.blocks().div_ceil(self.kernels.panel);
        // Heavy weights are read once and the pixels again and again; light ones the other way round.
        let heavy = self.step.weight_bytes() > HEAVY_WEIGHT_BYTES && panels >= self.member.count;
        let mut row = rows.start;
        while row < rows.end {
            let buffers = [Some(self.input()), Some(self.step.output), self.step.second];
            let ends = buffers.into_iter().flatten().map(|buffer| {
                let kept = self.program.kept[buffer];
                (row / kept + 1) * kept
            });
            let end = ends.fold(rows.end, usize::min);
            let count = (end - row) * shape.width;
            let tiles = count.div_ceil(self.kernels.tile_pixels(shape.blocks()));
            for outer in self.member.share(if heavy { panels } else { tiles }) {
                for inner in 0..if heavy { tiles } else { panels } {
                    let (panel, tile) = if heavy { (outer, inner) } else { (inner, outer) };
                    work(row, tile * count / tiles..(tile + 1) * count / tiles, panel);
                }
            }
            row = end;
        }
    }

    /// The first block of a panel and how many it has.
    fn panel(&self, panel: usize) -> (usize, usize) {
        let block = panel * self.kernels.panel;
        (block, self.kernels.panel.min(self.output_shape().blocks() - block))
    }

    /// Where a pixel of a map of floats lies, and the floats from one block of its channels to the next.
    unsafe fn target(&self, buffer: usize, block: usize, row: usize, pixel: usize) -> (*mut f32, usize) {
        let plane = self.program.kept[buffer] * self.output_shape().width * LANES;
        unsafe { (self.address(buffer, block, row).add(pixel).cast(), plane) }
    }

    /// The same of what is added to the output; null if there is nothing.
    unsafe fn added(&self, block: usize, row: usize, pixel: usize) -> (*const f32, usize) {
        match self.step.second {
            None => (std::ptr::null(), 0),
            Some(second) => {
                let (place, plane) = unsafe { self.target(second, block, row, pixel) };
                (place.cast_const(), plane)
            }
        }
    }

    /// A convolution of the picture, row by row.
    unsafe fn picture(&self, layer: &Convolution, rows: &Range<usize>) {
        let shape = self.output_shape();
        let tiles = shape.width.div_ceil(self.kernels.tile_pixels(shape.blocks()));
        let panels = shape.blocks().div_ceil(self.kernels.panel);
        let stride = 3 * layer.stride;
        let share = self.member.share(rows.len() * tiles);
        let mut runs = [0; LARGEST_FILTER];
        for index in share.clone() {
            let (row, tile) = (rows.start + index / tiles, index % tiles);
            let pixels = tile * shape.width / tiles..(tile + 1) * shape.width / tiles;
            if tile == 0 || index == share.start {
                self.picture_rows(layer, row, &mut runs);
            }
            for panel in 0..panels {
                unsafe {
                    let place = self.arena.picture.add(pixels.start * stride);
                    self.tile(layer, &runs[..layer.kernel], place, stride, row, pixels.clone(), panel);
                }
            }
        }
    }

    /// Where the rows lie that the filter covers for this row of the output. Rows above and below the picture are the row of
    /// zeros after those that are kept.
    fn picture_rows(&self, layer: &Convolution, row: usize, runs: &mut [usize; LARGEST_FILTER]) {
        let picture = &self.program.picture;
        for (down, run) in runs[..layer.kernel].iter_mut().enumerate() {
            let above = (row * layer.stride + down).checked_sub(picture.border);
            let inside = above.filter(|line| *line < picture.height);
            let slot = inside.map_or(self.program.picture_kept, |line| line % self.program.picture_kept);
            *run = slot * picture.line();
        }
    }

    /// One tile of one panel; `pixels` are counted from the beginning of the output's `row`.
    #[expect(clippy::too_many_arguments, reason = "the two callers differ in just these")]
    unsafe fn tile(
        &self,
        layer: &Convolution,
        runs: &[usize],
        input: *const f32,
        pixel_stride: usize,
        row: usize,
        pixels: Range<usize>,
        panel: usize,
    ) {
        let (block, blocks) = self.panel(panel);
        let (output, output_plane) = unsafe { self.target(self.step.output, block, row, pixels.start) };
        let (residual, residual_plane) = unsafe { self.added(block, row, pixels.start) };
        let tile = Tile {
            input,
            pixel_stride,
            runs,
            run_length: layer.run_length,
            last_length: layer.last_length,
            weights: layer.weights[block * layer.depth..].as_ptr().cast(),
            bias: layer.bias[block..].as_ptr().cast(),
            slope_less_one: layer.slope_less_one[block..].as_ptr().cast(),
            output,
            output_plane,
            residual,
            residual_plane,
        };
        unsafe { (self.kernels.tile)(&tile, pixels.len(), blocks) };
    }

    /// Widens this step's range by what it has written to these rows.
    pub(super) unsafe fn measure(&self, rows: &Range<usize>, ranges: &mut Ranges) {
        let shape = self.output_shape();
        let (mut least, mut largest) = (f32::INFINITY, f32::NEG_INFINITY);
        for channel in 0..shape.channels {
            for row in rows.clone() {
                for pixel in unsafe { self.row(self.step.output, channel / LANES, row) } {
                    least = least.min(pixel.0[channel % LANES]);
                    largest = largest.max(pixel.0[channel % LANES]);
                }
            }
        }
        ranges.widen(&self.step.node, least, largest);
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

/// The same memory as one list of floats.
fn floats(blocks: &mut [Block]) -> &mut [f32] {
    // SAFETY: a block is sixteen floats and nothing else.
    unsafe { std::slice::from_raw_parts_mut(blocks.as_mut_ptr().cast(), blocks.len() * LANES) }
}
