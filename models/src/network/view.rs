//! How a network's own shapes see the channels of a buffer: most of a file's reshapes and transpositions move nothing.

use super::program::{Buffer, Shape};

/// Channels of a buffer and how the network's own shapes see them.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    pub(super) buffer: Buffer,
    /// The first of its channels; other than 0 only where small maps were merged.
    pub(super) first: usize,
    pub(super) shape: Shape,
    pub(super) order: Order,
    /// The logistic function is still to be applied, when the values are written down.
    pub(super) logistic: bool,
}

/// A tensor's dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// 1, channels, height, width.
    Map,
    /// 1, height, width, channels.
    Cells,
    /// 1, pixels, channels.
    List,
    /// 1, channels times pixels.
    Flat,
}

impl View {
    /// The tensor's dimensions as the file sees them.
    pub(super) fn dimensions(&self) -> Vec<i64> {
        let Shape { channels, height, width } = self.shape;
        let dimensions = match self.order {
            Order::Map => vec![1, channels, height, width],
            Order::Cells => vec![1, height, width, channels],
            Order::List => vec![1, height * width, channels],
            Order::Flat => vec![1, channels * height * width],
        };
        dimensions.into_iter().map(|size| size as i64).collect()
    }

    /// The same values under other dimensions: 0 keeps a size, one -1 takes what is left. `None` if a value would move.
    pub(super) fn reshaped(&self, target: &[i64]) -> Option<Self> {
        let from = self.dimensions();
        let keep =
            |(index, size): (usize, &i64)| if *size == 0 { from.get(index).copied() } else { Some(*size) };
        let mut to: Vec<i64> = target.iter().enumerate().map(keep).collect::<Option<_>>()?;
        let known: i64 = to.iter().filter(|size| **size > 0).product();
        let left = from.iter().product::<i64>() / known.max(1);
        to.iter_mut().filter(|size| **size == -1).for_each(|size| *size = left);
        let orders = match self.order {
            Order::Map | Order::Flat => [Order::Map, Order::Flat],
            Order::Cells | Order::List => [Order::Cells, Order::List],
        };
        orders.into_iter().map(|order| Self { order, ..*self }).find(|view| view.dimensions() == to)
    }
}
