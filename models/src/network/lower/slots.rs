//! What a step may read from a slot of the plan: a map as it is wanted, numbers, an output; and why not.

use super::{COLOURS, Lowered, Lowering, Place};
use crate::network::onnx::Value;
use crate::network::program::{Output, Picture, Shape, Source};
use crate::network::view::{Order, View};

impl Lowering<'_> {
    pub(super) fn place(&self, slot: usize) -> Lowered<&Place> {
        self.places[slot].as_ref().ok_or_else(|| "a value is used before it is made".to_owned())
    }

    pub(super) fn source(&self, slot: usize) -> Lowered<(Source, Shape)> {
        match self.place(slot)? {
            Place::Picture => {
                let Picture { width, height, .. } = self.picture;
                Ok((Source::Picture, Shape { channels: COLOURS, height, width }))
            }
            Place::Map(_) | Place::Enlarged { .. } | Place::Constant(_) => {
                self.whole(slot).map(|map| (Source::Buffer(map.buffer), map.shape))
            }
        }
    }

    /// A map, whichever channels of its buffer it is.
    pub(super) fn view(&self, slot: usize) -> Lowered<View> {
        match self.place(slot)? {
            Place::Map(view) => Ok(*view),
            Place::Picture => Err("the first layer must be a convolution".to_owned()),
            Place::Enlarged { .. } => Err("an enlarged map can only be added to another".to_owned()),
            Place::Constant(_) => Err("a constant in place of a map".to_owned()),
        }
    }

    /// A map that begins with its buffer.
    pub(super) fn whole(&self, slot: usize) -> Lowered<View> {
        let view = self.view(slot)?;
        match (view.first, view.logistic) {
            (0, false) => Ok(view),
            (_, true) => Err("a logistic function that was to be written down only".to_owned()),
            _ => Err("channels in the middle of a map".to_owned()),
        }
    }

    /// A whole map in its natural order.
    pub(super) fn map(&self, slot: usize) -> Lowered<View> {
        let view = self.whole(slot)?;
        if view.order == Order::Map { Ok(view) } else { Err("a map in another order".to_owned()) }
    }

    pub(super) fn numbers(&self, slot: usize) -> Lowered<Vec<i64>> {
        match self.place(slot)? {
            Place::Constant(Value::Integers(numbers)) => Ok(numbers.clone()),
            Place::Picture | Place::Map(_) | Place::Enlarged { .. } | Place::Constant(_) => {
                Err("whole numbers are expected".to_owned())
            }
        }
    }

    pub(super) fn output(&self, slot: usize) -> Option<Output> {
        let view = self.view(slot).ok()?;
        let pixel_by_pixel = matches!(view.order, Order::Cells | Order::List);
        let View { buffer, first, shape, logistic, .. } = view;
        Some(Output { buffer, first, shape, pixel_by_pixel, logistic })
    }
}
