//! Pictures of another size: shrunk by averaging ([`shrink`]), cut out and resized, or moved by a similarity ([`warp`]).
//! Pixel centres lie at whole coordinates in the affine map and at halves in the others, as in OpenCV, which the
//! networks' measurements rest on.

mod shrink;
#[cfg(test)]
mod tests;
mod warp;

pub(crate) use shrink::{Shrink, shrink_into, shrunk};
pub(crate) use warp::{Resize, warp};

/// A rectangle of whole pixels that lies inside its picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) left: usize,
    pub(crate) top: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Window {
    /// The whole of a picture.
    pub(crate) fn whole(width: usize, height: usize) -> Self {
        Self { left: 0, top: 0, width, height }
    }
}
