//! Passive presentation attack detection from one frame, by fr_liveness: a screening signal, not a control.
//!
//! The network sees more than the face: the box enlarged 2.7 times, so that the edge of a print or a screen is in it.

use std::path::Path;

use crate::card::Card;
use crate::detector::Rect;
use crate::error::ModelError;
use crate::image::Image;
use crate::input;
use crate::lines::Level;
use crate::network::{Network, Threads};
use crate::picture::Picture;
use crate::resample::{Resize, Window};

/// How many times larger than the face box the network's view is.
const VIEW_SCALE: f32 = 2.7;

/// The class of a bona fide presentation.
const BONA_FIDE: usize = 0;

/// Tells bona fide presentations from attacks.
#[derive(Debug)]
pub struct Pad {
    card: Card,
    network: Network,
    resize: Resize,
    /// What the network sees, in the size of its input.
    seen: Image,
}

impl Pad {
    /// Loads the PAD network from the directory that `cargo xtask models` fills.
    ///
    /// # Errors
    /// [`ModelError`] if the weights are missing, changed or not understood.
    pub fn load(models: &Path, threads: &Threads) -> Result<Self, ModelError> {
        let card = Card::fr_liveness();
        let size = card.input.width.zip(card.input.height);
        let (width, height) =
            size.ok_or_else(|| ModelError::output(&card.id, "the card names no input size"))?;
        let weights = card.open_weights(models)?;
        let network = Network::from_onnx(&card.file, &weights, Some((width, height)), threads)?;
        Ok(Self { card, network, resize: Resize::new(), seen: Image::black(width, height) })
    }

    /// The card with what was measured.
    #[must_use]
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// How bona fide the presentation of the face in `face` looks: 0 attack, 1 living.
    ///
    /// # Errors
    /// [`ModelError`] if the network cannot be run.
    pub fn score<'a>(&mut self, picture: impl Into<Picture<'a>>, face: &Rect) -> Result<f32, ModelError> {
        let picture = picture.into();
        let view = view(face, picture.width(), picture.height());
        self.resize.window(&mut self.seen, picture, view);
        let outputs = input::run(&mut self.network, &self.card.input, Level::best(), &self.seen)?;
        Ok(softmax(input::values(&self.card, outputs)?, BONA_FIDE))
    }
}

/// The share of one class. Subtracting the largest keeps the exponents finite.
fn softmax(logits: &[f32], class: usize) -> f32 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|logit| (logit - largest).exp()).sum();
    (logits[class] - largest).exp() / sum
}

/// The enlarged box, no larger than the picture and moved back inside it, cut to whole pixels: the geometry the network
/// was trained with (Minivision).
fn view(face: &Rect, width: usize, height: usize) -> Window {
    let (last_x, last_y) = ((width - 1) as f32, (height - 1) as f32);
    let scale = VIEW_SCALE.min(last_y / face.height).min(last_x / face.width);
    let centre = face.centre();
    let (left, right) = shifted_inside(centre.x, face.width * scale, last_x);
    let (top, bottom) = shifted_inside(centre.y, face.height * scale, last_y);
    Window { left, top, width: right - left + 1, height: bottom - top + 1 }
}

/// First and last pixel of a span of this length around `centre`, moved into 0..=`last`.
fn shifted_inside(centre: f32, length: f32, last: f32) -> (usize, usize) {
    let (mut first, mut end) = (centre - length / 2.0, centre + length / 2.0);
    if first < 0.0 {
        end -= first;
        first = 0.0;
    }
    if end > last {
        first -= end - last;
        end = last;
    }
    // A face box that is not finite or lies outside still gives pixels of the picture.
    let first = (first.max(0.0) as usize).min(last as usize);
    (first, (end as usize).clamp(first, last as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_view_is_moved_inside_the_picture_and_never_larger() {
        let face = Rect { x: 100.0, y: 100.0, width: 50.0, height: 60.0 };
        assert_eq!(view(&face, 640, 480), Window { left: 57, top: 49, width: 136, height: 163 });
        let corner = Rect { x: 0.0, y: 0.0, width: 50.0, height: 60.0 };
        assert_eq!(view(&corner, 640, 480), Window { left: 0, top: 0, width: 136, height: 163 });
        let other = Rect { x: 600.0, y: 430.0, width: 50.0, height: 60.0 };
        let moved = view(&other, 640, 480);
        assert_eq!((moved.left + moved.width, moved.top + moved.height), (640, 480));
        let huge = view(&Rect { x: -50.0, y: -50.0, width: 900.0, height: 900.0 }, 640, 480);
        assert!(huge.left + huge.width <= 640 && huge.top + huge.height <= 480);
        for strange in [f32::NAN, f32::INFINITY, 1e30, 0.0] {
            let odd = view(&Rect { x: strange, y: -strange, width: strange, height: 10.0 }, 640, 480);
            assert!(odd.left + odd.width <= 640 && odd.top + odd.height <= 480, "{strange}: {odd:?}");
        }
    }

    #[test]
    fn the_classes_share_one() {
        let logits = [3.0, -1.0, 800.0];
        let sum: f32 = (0..3).map(|class| softmax(&logits, class)).sum();
        assert!((sum - 1.0).abs() < 1e-6);
        assert!(softmax(&[f32::NAN, 0.0, 0.0], 0).is_nan());
    }
}
