//! A camera's picture, seen as brightness where it lies.

use std::ops::Range;

/// Longest side of a picture that is looked at, in pixels; bounds memory and time.
pub const LONGEST_SIDE: usize = 4096;

/// Shortest side, in pixels: the smallest code has 21 modules.
const SHORTEST_SIDE: usize = 21;

/// Brightness of a picture's pixels, row by row, in bytes that belong to somebody else.
#[derive(Clone, Copy)]
pub struct Luma<'a> {
    width: usize,
    height: usize,
    /// Bytes from one row to the next.
    stride: usize,
    /// Bytes before a row's first pixel's brightness.
    first: usize,
    /// Bytes from one pixel to the next.
    step: usize,
    bytes: &'a [u8],
}

impl<'a> Luma<'a> {
    /// One byte for each pixel; `stride` bytes from row to row. `None` if bytes are missing, or a side is shorter than 21
    /// pixels or longer than [`LONGEST_SIDE`].
    #[must_use]
    pub fn grey(width: usize, height: usize, stride: usize, bytes: &'a [u8]) -> Option<Self> {
        Self { width, height, stride, first: 0, step: 1, bytes }.checked()
    }

    /// `Y0 Cb Y1 Cr` for two pixels: Y is taken as it is, since a code's contrast does not depend on its range.
    #[must_use]
    pub fn yuyv(width: usize, height: usize, stride: usize, bytes: &'a [u8]) -> Option<Self> {
        Self { width, height, stride, first: 0, step: 2, bytes }.checked()
    }

    /// `R G B` for each pixel: green is taken, the sharpest of a camera's colours and the nearest to brightness.
    #[must_use]
    pub fn rgb(width: usize, height: usize, stride: usize, bytes: &'a [u8]) -> Option<Self> {
        Self { width, height, stride, first: 1, step: 3, bytes }.checked()
    }

    fn checked(self) -> Option<Self> {
        let sides = SHORTEST_SIDE..=LONGEST_SIDE;
        let row = self.width.checked_mul(self.step)?;
        let needed = self.stride.checked_mul(self.height.checked_sub(1)?)?.checked_add(row)?;
        let whole = self.stride >= row && self.bytes.len() >= needed;
        (whole && sides.contains(&self.width) && sides.contains(&self.height)).then_some(self)
    }

    /// Pixels from left to right.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Pixels from top to bottom.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// The same bytes if they lie one pixel after the other, else a copy of them in `packed`.
    pub(crate) fn packed<'b>(&self, packed: &'b mut Vec<u8>) -> &'b [u8]
    where
        'a: 'b,
    {
        if self.step == 1 && self.stride == self.width {
            return &self.bytes[..self.width * self.height];
        }
        packed.clear();
        packed.reserve(self.width * self.height);
        for row in 0..self.height {
            let row = &self.bytes[self.row(row)];
            match self.step {
                1 => packed.extend_from_slice(row),
                2 => packed.extend(row.as_chunks::<2>().0.iter().map(|pixel| pixel[0])),
                step => packed.extend(row.chunks_exact(step).map(|pixel| pixel[self.first])),
            }
        }
        packed
    }

    /// Where a row's pixels lie.
    fn row(&self, row: usize) -> Range<usize> {
        row * self.stride..row * self.stride + self.width * self.step
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// 32 x 24 pixels of which none is like its neighbour.
    fn pattern() -> Vec<u8> {
        (0..32 * 24).map(|at: usize| (at * 7 % 251) as u8).collect()
    }

    fn check(view: Luma) {
        assert_eq!(view.packed(&mut vec![1, 2, 3]), pattern());
    }

    #[test]
    fn every_format_is_seen_as_the_same_brightness() {
        let pattern = pattern();
        check(Luma::grey(32, 24, 32, &pattern).unwrap());
        let gaps: Vec<u8> = pattern.chunks(32).flat_map(|row| [row, &[9; 5]].concat()).collect();
        check(Luma::grey(32, 24, 37, &gaps).unwrap());
        let yuyv: Vec<u8> = pattern.iter().flat_map(|&luma| [luma, 128]).collect();
        check(Luma::yuyv(32, 24, 64, &yuyv).unwrap());
        let rgb: Vec<u8> = pattern.iter().flat_map(|&green| [3, green, 200]).collect();
        check(Luma::rgb(32, 24, 96, &rgb).unwrap());
    }

    #[test]
    fn a_picture_that_is_not_whole_is_none() {
        let bytes = pattern();
        assert!(Luma::grey(32, 24, 32, &bytes[1..]).is_none());
        assert!(Luma::grey(32, 24, 31, &bytes).is_none());
        assert!(Luma::yuyv(32, 24, 64, &bytes).is_none());
        assert!(Luma::grey(20, 24, 32, &bytes).is_none());
        assert!(Luma::grey(32, 0, 32, &bytes).is_none());
        assert!(Luma::grey(usize::MAX, usize::MAX, usize::MAX, &bytes).is_none());
        assert!(Luma::rgb(usize::MAX / 2, 24, usize::MAX, &bytes).is_none());
        assert!(Luma::grey(32, 24, usize::MAX / 8, &bytes).is_none());
    }
}
