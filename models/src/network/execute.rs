//! Running a program: one arena, no allocation, each task shared by the members of the team.
//!
//! Members write disjoint parts of a map and meet after every task, so that the next one finds all that it reads.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::ops::Range;

use super::bytes::{self, Ranges};
use super::program::{Output, Program, Task};
use super::run::Run;
use super::team::{Member, Threads};
use crate::kernels::{Block, Kernels, LANES};

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
pub(super) struct Arena {
    pub(super) start: *mut Block,
    pub(super) picture: *mut f32,
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
