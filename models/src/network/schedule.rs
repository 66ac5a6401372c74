//! Steps cut into bands of rows, so that a large map is read by the next step while it is still in the cache.
//!
//! Neighbouring steps that work row by row form a *chain*. The last step of a chain is asked for a few rows at a time, and
//! each step before it computes the rows that are needed for that, no row twice. Of a map that nobody else reads, only the
//! rows that are still needed are kept, so that most of what a network computes never leaves the cache. Small maps and
//! steps whose weights would fill the cache by themselves stay whole.

use std::ops::Range;

#[cfg(test)]
use super::program::Program;
use super::program::{Buffer, Picture, Shape, Source, Step, Task, Work};
use crate::kernels::Block;

/// Maps smaller than this stay in the second-level cache whole (512 KiB on the processors of kiosk boards).
const SMALL_MAP_BYTES: usize = 192 << 10;

/// Weights larger than this are not read again for every band.
const LARGE_WEIGHT_BYTES: usize = 160 << 10;

/// What a step of a chain writes in one band, at most, as long as that is one row.
const BAND_BYTES: usize = 128 << 10;

/// The order of work, and the chains: all buffers that a chain uses are alive together while it runs.
pub(crate) fn schedule(
    steps: &[Step],
    shapes: &[Shape],
    picture: &Picture,
) -> (Vec<Task>, Vec<Range<usize>>) {
    let chains = chains(steps, shapes);
    let mut tasks = Vec::new();
    for chain in &chains {
        let made = vec![0; chain.len()];
        Chain { steps, shapes, picture, start: chain.start, made, filled: 0, tasks: &mut tasks }.run();
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
        && least_band(steps, shapes, chain, step) <= BAND_BYTES
}

/// What some step of the chain writes, at most, for one row of `step`.
fn least_band(steps: &[Step], shapes: &[Shape], chain: &Range<usize>, step: &Step) -> usize {
    let most = chain.clone().map(|index| shapes[steps[index].output].size()).max().unwrap_or(0);
    most * size_of::<Block>() / shapes[step.output].height.max(1)
}

struct Chain<'a> {
    steps: &'a [Step],
    shapes: &'a [Shape],
    picture: &'a Picture,
    start: usize,
    /// Rows that each step of the chain has made.
    made: Vec<usize>,
    /// Rows of the picture that are there.
    filled: usize,
    tasks: &'a mut Vec<Task>,
}

impl Chain<'_> {
    fn run(&mut self) {
        // Also what nobody in the chain asked for: other steps may.
        for step in (self.start..self.start + self.made.len()).rev() {
            self.make(step, self.shapes[self.steps[step].output].height);
        }
    }

    /// Rows of a step such that neither it nor a step before it writes much more than [`BAND_BYTES`] for them.
    fn rows_of_a_band(&self, step: usize) -> usize {
        let height = self.shapes[self.steps[step].output].height.max(1);
        if self.made.len() == 1 {
            return height;
        }
        let bytes = |step: usize| self.shapes[self.steps[step].output].size() * size_of::<Block>();
        let most = (self.start..=step).map(bytes).max().unwrap_or(1);
        (BAND_BYTES * height / most.max(1)).clamp(1, height)
    }

    /// Has `step` make its rows up to `end`, a band at a time, each after the rows that it needs.
    fn make(&mut self, step: usize, end: usize) {
        let band = self.rows_of_a_band(step);
        while self.made[step - self.start] < end {
            let start = self.made[step - self.start];
            self.make_band(step, start..(start + band).min(end));
        }
    }

    fn make_band(&mut self, step: usize, rows: Range<usize>) {
        if self.steps[step].input == Source::Picture {
            let end = self.steps[step].needs_of_picture(&rows, self.picture).end;
            if end > self.filled {
                self.tasks.push(Task::Fill(self.filled..end));
                self.filled = end;
            }
        }
        for (buffer, needed) in needs(&self.steps[step], &rows, self.shapes).collect::<Vec<_>>() {
            if let Some(before) = (self.start..step).find(|before| self.steps[*before].output == buffer) {
                self.make(before, needed.end);
            }
        }
        self.made[step - self.start] = rows.end;
        self.tasks.push(Task::Step(step, rows));
    }
}

/// How many rows of each buffer, and of the picture, must be in memory at a time. Buffers in `written` are read after the
/// last task, and stay whole.
pub(crate) fn rows_kept(
    tasks: &[Task],
    steps: &[Step],
    shapes: &[Shape],
    picture: &Picture,
    written: &[Buffer],
) -> (Vec<usize>, usize) {
    let mut kept = vec![1; shapes.len()];
    // From the end: the first row of each buffer that anybody still wants.
    let mut wanted: Vec<usize> = shapes.iter().map(|shape| shape.height).collect();
    written.iter().for_each(|buffer| wanted[*buffer] = 0);
    let (mut picture_kept, mut picture_wanted) = (1, picture.height);
    for task in tasks.iter().rev() {
        match task {
            Task::Fill(rows) => picture_kept = picture_kept.max(rows.end.saturating_sub(picture_wanted)),
            Task::Step(step, rows) => {
                let step = &steps[*step];
                let output = step.output;
                kept[output] = kept[output].max(rows.end.saturating_sub(wanted[output])).max(rows.len());
                if step.input == Source::Picture {
                    picture_wanted = picture_wanted.min(step.needs_of_picture(rows, picture).start);
                }
                for (buffer, needed) in needs(step, rows, shapes) {
                    wanted[buffer] = wanted[buffer].min(needed.start);
                }
            }
        }
    }
    (kept, picture_kept.min(picture.height.max(1)))
}

/// The rows of each buffer that these rows of a step are computed from.
fn needs<'a>(
    step: &'a Step,
    rows: &'a Range<usize>,
    shapes: &'a [Shape],
) -> impl Iterator<Item = (Buffer, Range<usize>)> + 'a {
    let first = match step.input {
        Source::Picture => None,
        Source::Buffer(buffer) => Some((buffer, step.needs(rows, shapes[buffer].height))),
    };
    let second = step.second.map(|buffer| (buffer, step.needs_second(rows)));
    first.into_iter().chain(second).map(|(buffer, needed)| {
        let height = shapes[buffer].height;
        let needed = needed.unwrap_or(0..height);
        (buffer, needed.start.min(height)..needed.end.min(height))
    })
}

/// Whether every task of a program finds the rows that it reads in memory, and every row is made once.
#[cfg(test)]
pub(crate) fn is_sound(program: &Program) -> bool {
    let Program { steps, shapes, kept, picture, picture_kept, .. } = program;
    let mut memory: Vec<Vec<Option<usize>>> = kept.iter().map(|kept| vec![None; *kept]).collect();
    let mut made = vec![0; shapes.len()];
    let mut filled = vec![None; *picture_kept];
    for task in &program.tasks {
        match task {
            Task::Fill(rows) => rows.clone().for_each(|row| filled[row % picture_kept] = Some(row)),
            Task::Step(step, rows) => {
                let step = &steps[*step];
                if step.input == Source::Picture {
                    let needed = step.needs_of_picture(rows, picture);
                    if needed.into_iter().any(|row| filled[row % picture_kept] != Some(row)) {
                        return false;
                    }
                }
                for (buffer, needed) in needs(step, rows, shapes) {
                    if needed.into_iter().any(|row| memory[buffer][row % kept[buffer]] != Some(row)) {
                        return false;
                    }
                }
                if made[step.output] != rows.start {
                    return false;
                }
                made[step.output] = rows.end;
                rows.clone().for_each(|row| memory[step.output][row % kept[step.output]] = Some(row));
            }
        }
    }
    let whole = |buffer: usize| memory[buffer].iter().enumerate().all(|(row, found)| *found == Some(row));
    steps.iter().all(|step| made[step.output] == shapes[step.output].height)
        && program
            .outputs
            .iter()
            .all(|output| kept[output.buffer] == output.shape.height && whole(output.buffer))
}
