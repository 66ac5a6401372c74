//! Steps cut into bands of rows, so that a large map is read by the next step while it is still in the cache.
//!
//! Neighbouring steps that work row by row form a *chain*. The last step of a chain is asked for a few rows at a time, and
//! each step before it computes the rows that are needed for that, no row twice. Small maps and steps whose weights would
//! fill the cache by themselves stay whole.

use std::ops::Range;

#[cfg(test)]
use super::program::Program;
use super::program::{Buffer, Shape, Source, Step, Task, Work};
use crate::kernels::Block;

/// Maps smaller than this stay in the second-level cache whole (512 KiB on the processors of kiosk boards).
const SMALL_MAP_BYTES: usize = 192 << 10;

/// Weights larger than this are not read again for every band.
const LARGE_WEIGHT_BYTES: usize = 160 << 10;

/// What a step of a chain writes in one band, at most, as long as that is one row.
const BAND_BYTES: usize = 96 << 10;

/// The order of work, and the chains: all buffers that a chain uses are alive together while it runs.
pub(crate) fn schedule(steps: &[Step], shapes: &[Shape]) -> (Vec<Task>, Vec<Range<usize>>) {
    let chains = chains(steps, shapes);
    let mut tasks = Vec::new();
    for chain in &chains {
        band(steps, shapes, chain.clone(), &mut tasks);
    }
    (tasks, chains)
}

/// Ranges of steps that run band by band together.
fn chains(steps: &[Step], shapes: &[Shape]) -> Vec<Range<usize>> {
    let mut chains: Vec<Range<usize>> = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        match chains.last_mut() {
            Some(chain) if follows(steps, shapes, chain, step) => chain.end = index + 1,
            _ => chains.push(index..index + 1),
        }
    }
    chains
}

/// Whether `step` reads what the last step of `chain` writes, row by row, and gains from doing so at once.
fn follows(steps: &[Step], shapes: &[Shape], chain: &Range<usize>, step: &Step) -> bool {
    let last = &steps[chain.end - 1];
    let read = shapes[last.output];
    let rows = 0..1;
    let by_rows = |step: &Step| {
        let whole = matches!(step.work, Work::Scale | Work::Mean | Work::Linear { .. });
        !whole && step.needs(&rows, 1).is_some()
    };
    let light = |step: &Step| step.weight_bytes() <= LARGE_WEIGHT_BYTES;
    step.input == Source::Buffer(last.output)
        && by_rows(step)
        && by_rows(last)
        && light(step)
        && light(last)
        && read.size() * size_of::<Block>() > SMALL_MAP_BYTES
}

fn band(steps: &[Step], shapes: &[Shape], chain: Range<usize>, tasks: &mut Vec<Task>) {
    let last = chain.end - 1;
    let height = shapes[steps[last].output].height;
    if chain.len() == 1 {
        tasks.push(Task { step: last, rows: 0..height });
        return;
    }
    let mut work = Chain { steps, shapes, start: chain.start, made: vec![0; chain.len()], tasks };
    let rows = work.rows_of_a_band(height);
    for start in (0..height).step_by(rows) {
        work.make(last, (start + rows).min(height));
    }
    // What nobody in the chain asked for: other steps may.
    for step in chain {
        work.make(step, shapes[steps[step].output].height);
    }
}

struct Chain<'a> {
    steps: &'a [Step],
    shapes: &'a [Shape],
    start: usize,
    /// Rows that each step of the chain has made.
    made: Vec<usize>,
    tasks: &'a mut Vec<Task>,
}

impl Chain<'_> {
    /// Rows of the last step such that no step of the chain writes much more than [`BAND_BYTES`] for them.
    fn rows_of_a_band(&self, height: usize) -> usize {
        let most = (self.start..self.start + self.made.len())
            .map(|step| self.shapes[self.steps[step].output].size() * size_of::<Block>())
            .max()
            .unwrap_or(1);
        (BAND_BYTES * height / most.max(1)).clamp(1, height)
    }

    /// Has `step` make its rows up to `end`, after those it needs.
    fn make(&mut self, step: usize, end: usize) {
        let rows = self.made[step - self.start]..end;
        if rows.is_empty() {
            return;
        }
        let reads = self.steps[step].reads();
        for buffer in reads.collect::<Vec<Buffer>>() {
            let Some(before) = (self.start..step).find(|before| self.steps[*before].output == buffer) else {
                continue;
            };
            let height = self.shapes[buffer].height;
            let first = self.steps[step].input == Source::Buffer(buffer);
            let needed = if first {
                self.steps[step].needs(&rows, height)
            } else {
                self.steps[step].needs_second(&rows)
            };
            self.make(before, needed.map_or(height, |needed| needed.end.min(height)));
        }
        self.made[step - self.start] = end;
        self.tasks.push(Task { step, rows });
    }
}

/// Whether every task of a program finds the rows that it reads already made, and every row is made once.
#[cfg(test)]
pub(crate) fn is_sound(program: &Program) -> bool {
    let mut made = vec![0; program.shapes.len()];
    for Task { step, rows } in &program.tasks {
        let step = &program.steps[*step];
        if made[step.output] != rows.start {
            return false;
        }
        for buffer in step.reads() {
            let height = program.shapes[buffer].height;
            let first = step.input == Source::Buffer(buffer);
            let needed = if first { step.needs(rows, height) } else { step.needs_second(rows) };
            if made[buffer] < needed.map_or(height, |needed| needed.end.min(height)) {
                return false;
            }
        }
        made[step.output] = rows.end;
    }
    program.steps.iter().all(|step| made[step.output] == program.shapes[step.output].height)
}
