//! Running a program: one arena, no allocation, each task shared by the members of the team.
//!
//! Members write disjoint parts of a map and meet after every task, so that the next one finds all that it reads.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::ops::Range;

use super::bytes::{self, ByteConvolution, Ranges};
use super::convolution::LARGEST_FILTER;
use super::program::{Convolution, DepthwiseLayer, Output, Program, Shape, Source, Step, Task, Work};
use super::team::{Member, Threads};
use crate::kernels::{Block, ByteTile, Depthwise, Kernels, LANES, Tile};

/// A program with its memory.
pub(crate) struct Executor {
    program: Program,
    kernels: &'static Kernels,
    arena: Vec<Block>,
    /// The rows of the picture that are kept, each between its columns of zeros, and a row of zeros after them.
    picture: Vec<f32>,
}

/// The arena as the members share it.
#[derive(Clone, Copy)]
struct Arena {
    start: *mut Block,
    picture: *mut f32,
}

// SAFETY: members write disjoint places and meet before anybody reads them (see `run`).
unsafe impl Sync for Arena {}

impl Executor {
    pub(crate) fn new(program: Program, kernels: &'static Kernels) -> Self {
        let arena = vec![Block::ZERO; program.arena];
        let picture = vec![0.0; (program.picture_kept + 1) * program.picture.line()];
        Self { program, kernels, arena, picture }
    }

    /// Width and height of its pictures.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.program.picture.width, self.program.picture.height)
    }

    /// Computes everything; `fill` writes a row of the picture when it is wanted, from the top, on the caller's thread.
    pub(crate) fn run(&mut self, threads: &Threads, fill: impl FnMut(usize, &mut [f32])) {
        let arena = Arena { start: self.arena.as_mut_ptr(), picture: self.picture.as_mut_ptr() };
        let (program, kernels) = (&self.program, self.kernels);
        let fill = Fill(UnsafeCell::new(fill));
        threads.share(&|member| {
            for task in &program.tasks {
                // SAFETY: the program was made for this arena: every buffer lies inside it, rows that are still wanted are
                // apart, and the kernels were found available. Each member writes its own share of the task's rows, only
                // member 0, which is the caller, fills, and all meet before the next task.
                unsafe {
                    match task {
                        Task::Fill(rows) if member.index == 0 => fill.rows(program, arena, rows),
                        Task::Fill(_) => {}
                        Task::Step(step, rows) => {
                            let step = &program.steps[*step];
                            Run { program, kernels, arena, step, member }.rows_of_step(rows);
                        }
                    }
                }
                member.meet();
            }
        });
    }

    /// Computes everything on the caller's thread, and measures the range of what could be bytes.
    pub(crate) fn measure(&mut self, fill: impl FnMut(usize, &mut [f32]), ranges: &mut Ranges) {
        let written: Vec<usize> = self.program.outputs.iter().map(|output| output.buffer).collect();
        let watched: Vec<usize> =
            bytes::pairs(&self.program.steps, &written).into_iter().map(|(step, _)| step).collect();
        let arena = Arena { start: self.arena.as_mut_ptr(), picture: self.picture.as_mut_ptr() };
        let (program, kernels) = (&self.program, self.kernels);
        let fill = Fill(UnsafeCell::new(fill));
        for task in &program.tasks {
            // SAFETY: as in `run`, with one member.
            unsafe {
                match task {
                    Task::Fill(rows) => fill.rows(program, arena, rows),
                    Task::Step(index, rows) => {
                        let step = &program.steps[*index];
                        let run = Run { program, kernels, arena, step, member: Member::alone() };
                        run.rows_of_step(rows);
                        if watched.contains(index) {
                            run.measure(rows, ranges);
                        }
                    }
                }
            }
        }
    }

    /// Writes an output down in the file's order.
    pub(crate) fn read(&self, index: usize, values: &mut Vec<f32>) {
        let Output { buffer, first, shape, pixel_by_pixel, logistic } = self.program.outputs[index];
        let (pixels, channels) = (shape.pixels(), shape.channels);
        let stored = &self.arena[self.program.places[buffer]..][..self.program.shapes[buffer].size()];
        values.resize(channels * pixels, 0.0);
        let of_one_block = first + channels <= LANES;
        match (pixel_by_pixel, of_one_block, channels) {
            (_, true, 1) => {
                values.iter_mut().zip(stored).for_each(|(value, pixel)| *value = pixel.0[first]);
            }
            (true, true, _) => {
                for (values, pixel) in values.chunks_exact_mut(channels).zip(stored) {
                    values.copy_from_slice(&pixel.0[first..first + channels]);
                }
            }
            _ => {
                for channel in 0..channels {
                    let (block, lane) = ((first + channel) / LANES, (first + channel) % LANES);
                    let (start, step) =
                        if pixel_by_pixel { (channel, channels) } else { (channel * pixels, 1) };
                    let values = values[start..].iter_mut().step_by(step);
                    let map = &stored[block * pixels..][..pixels];
                    values.zip(map).for_each(|(value, pixel)| *value = pixel.0[lane]);
                }
            }
        }
        if logistic {
            // SAFETY: the set of kernels was found available.
            unsafe { (self.kernels.sigmoid)(values) };
        }
    }

    /// Whether some buffer holds bytes.
    pub(crate) fn is_in_bytes(&self) -> bool {
        self.program.in_bytes.contains(&true)
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

/// What writes the picture. Only the caller's own thread calls it.
struct Fill<F>(UnsafeCell<F>);

// SAFETY: see `Executor::run`: only member 0 touches it, which is the thread that it came from.
unsafe impl<F> Sync for Fill<F> {}

impl<F: FnMut(usize, &mut [f32])> Fill<F> {
    /// # Safety
    /// Only one thread may call this, and nobody may read these rows meanwhile.
    unsafe fn rows(&self, program: &Program, arena: Arena, rows: &Range<usize>) {
        let picture = &program.picture;
        let changed = picture.scale != [1.0; 3] || picture.shift != [0.0; 3];
        for row in rows.clone() {
            let start = row % program.picture_kept * picture.line() + picture.border * 3;
            // SAFETY: the row lies inside the picture's memory.
            let values =
                unsafe { std::slice::from_raw_parts_mut(arena.picture.add(start), picture.width * 3) };
            // SAFETY: nobody else has the function.
            unsafe { (*self.0.get())(row, values) };
            if changed {
                for pixel in values.as_chunks_mut::<3>().0 {
                    for (colour, value) in pixel.iter_mut().enumerate() {
                        *value = *value * picture.scale[colour] + picture.shift[colour];
                    }
                }
            }
        }
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
    unsafe fn rows_of_step(&self, rows: &Range<usize>) {
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
    unsafe fn measure(&self, rows: &Range<usize>, ranges: &mut Ranges) {
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
