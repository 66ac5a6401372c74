//! Rows that never change, with their codes, and the scan over them.

use std::ops::Range;

use gate::{Gallery, Probe};

use super::{
    codes::{Codes, ROWS},
    kernels::{Kernel, Pass, prefetch},
    probe::Encoded,
    wanted::{Met, Wanted},
    workers::Workers,
};

/// From so many rows of a block on, its other plane is read before the rows themselves: it is as many bytes as two rows.
const WORTH_A_FINE_PASS: u32 = 3;
/// After so many blocks a pass asks again what is needed: another thread may have raised it.
const BLOCKS_PER_PASS: usize = 1024;

/// What a scan reads of every block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passes {
    /// The coarse codes; the fine ones where many rows of a block remain.
    CoarseFirst,
    /// The fine codes at once: all bytes of all codes.
    FineOnly,
}

/// Rows and their codes.
pub(super) struct Segment {
    pub(super) gallery: Gallery,
    pub(super) codes: Codes,
}

/// One probe and how to look for it.
pub(super) struct Question<'a> {
    pub(super) probe: &'a Probe,
    pub(super) coded: Encoded,
    pub(super) kernel: Kernel,
    pub(super) passes: Passes,
}

impl Segment {
    pub(super) fn new(gallery: Gallery, workers: &Workers) -> Self {
        let codes = Codes::encode(gallery.vectors(), gallery.width(), workers);
        Self { gallery, codes }
    }

    /// Shows `wanted` every row of `blocks` that may reach what it needs. The first row of the segment has the number
    /// `offset`.
    pub(super) fn scan(
        &self,
        question: &Question<'_>,
        blocks: Range<usize>,
        offset: usize,
        wanted: &mut impl Wanted,
    ) {
        let mut next = blocks.start;
        while next < blocks.end {
            let end = blocks.end.min(next + BLOCKS_PER_PASS);
            let Some((block, lanes)) = self.next(question, next..end, wanted.needed()) else {
                next = end;
                continue;
            };
            self.compare(question, block, lanes, offset, wanted);
            next = block + 1;
        }
    }

    /// The next block with rows that may reach `needed`, and which they are.
    fn next(&self, question: &Question<'_>, blocks: Range<usize>, needed: f32) -> Option<(usize, u16)> {
        let Question { coded, kernel, passes, .. } = question;
        let found = match passes {
            Passes::CoarseFirst => kernel.coarse(&Pass::coarse(&self.codes, coded, needed, blocks)),
            Passes::FineOnly => kernel.fine(&Pass::fine(&self.codes, coded, needed, blocks)),
        }?;
        let lanes = found.lanes & self.codes.present(found.block);
        if *passes == Passes::FineOnly || lanes.count_ones() < WORTH_A_FINE_PASS {
            return Some((found.block, lanes));
        }
        let fine = Pass::fine(&self.codes, coded, needed, found.block..found.block + 1);
        Some((found.block, kernel.fine(&fine).map_or(0, |fine| fine.lanes & lanes)))
    }

    /// Compares the rows of a block in full.
    fn compare(
        &self,
        question: &Question<'_>,
        block: usize,
        lanes: u16,
        offset: usize,
        wanted: &mut impl Wanted,
    ) {
        let rows = || (0..ROWS).filter(|lane| lanes >> lane & 1 == 1).map(|lane| block * ROWS + lane);
        for within in rows() {
            prefetch(self.gallery.vector(within));
        }
        for within in rows() {
            let score = self.gallery.compare(within, question.probe);
            wanted.meet(Met { gallery: &self.gallery, within, row: offset + within, score });
        }
    }
}
