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

/// So many of the first rows are read with both planes at once: before enough rows are known, little is out of reach.
const FINE_FIRST: usize = 4096;
/// So many blocks wait for their fine codes to come from memory.
const ASIDE: usize = 16;
/// After so many blocks a pass asks again what is needed: another thread may have raised it.
const BLOCKS_PER_PASS: usize = 256;

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
        let fine_first = match question.passes {
            Passes::FineOnly => blocks.len(),
            Passes::CoarseFirst => {
                FINE_FIRST.saturating_sub(offset).div_ceil(ROWS).saturating_sub(blocks.start)
            }
        };
        let coarse = blocks.start + fine_first.min(blocks.len());
        self.fine(question, blocks.start..coarse, u16::MAX, offset, wanted);
        self.coarse(question, coarse..blocks.end, offset, wanted);
    }

    /// Compares the rows of `blocks`, those in `lanes` only, that their fine codes do not exclude.
    fn fine(
        &self,
        question: &Question<'_>,
        mut blocks: Range<usize>,
        lanes: u16,
        offset: usize,
        wanted: &mut impl Wanted,
    ) {
        while !blocks.is_empty() {
            let part = blocks.start..blocks.end.min(blocks.start + BLOCKS_PER_PASS);
            blocks.start = part.end;
            let pass = Pass::fine(&self.codes, &question.coded, wanted.needed(), part);
            if let Some(found) = question.kernel.fine(&pass) {
                self.compare(question, found.block, found.lanes & lanes, offset, wanted);
                blocks.start = found.block + 1;
            }
        }
    }

    /// Puts aside the blocks that their coarse codes do not exclude, until there are [`ASIDE`]; then it looks at their
    /// fine codes, which have arrived from memory by then.
    fn coarse(
        &self,
        question: &Question<'_>,
        mut blocks: Range<usize>,
        offset: usize,
        wanted: &mut impl Wanted,
    ) {
        let mut aside = [(0, 0); ASIDE];
        let mut count = 0;
        while !blocks.is_empty() {
            let part = blocks.start..blocks.end.min(blocks.start + BLOCKS_PER_PASS);
            blocks.start = part.end;
            let pass = Pass::coarse(&self.codes, &question.coded, wanted.needed(), part);
            if let Some(found) = question.kernel.coarse(&pass) {
                prefetch(self.codes.lower_of(found.block));
                aside[count] = (found.block, found.lanes);
                count += 1;
                blocks.start = found.block + 1;
            }
            if count == ASIDE || blocks.is_empty() {
                for &(block, lanes) in &aside[..count] {
                    self.fine(question, block..block + 1, lanes, offset, wanted);
                }
                count = 0;
            }
        }
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
        let lanes = lanes & self.codes.present(block);
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
