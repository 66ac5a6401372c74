//! From a picture to what a card asks for.

use crate::card::{Card, Colour};
use crate::error::ModelError;
use crate::image::Image;
use crate::network::{Network, Outputs};

/// Runs a network on a picture in the card's colour order and normalisation, the picture at the top left of `width` x
/// `height` pixels, zeros at its right and bottom.
pub(crate) fn run<'a>(
    network: &'a mut Network,
    card: &Card,
    image: &Image,
    width: usize,
    height: usize,
) -> Result<Outputs<'a>, ModelError> {
    let input = card.input.clone();
    let order = match input.colour {
        Colour::Rgb => [0, 1, 2],
        Colour::Bgr => [2, 1, 0],
    };
    let line = image.width() * 3;
    let outputs = network.run(width, height, |y, row| {
        let source = image.rgb().get(y * line..(y + 1) * line).unwrap_or_default();
        let (filled, rest) = row.split_at_mut(source.len().min(row.len()));
        for (values, pixel) in filled.as_chunks_mut::<3>().0.iter_mut().zip(source.as_chunks::<3>().0) {
            *values = order.map(|channel| (f32::from(pixel[channel]) - input.offset) * input.scale);
        }
        rest.fill(0.0);
    })?;
    Ok(outputs)
}

/// The values of the first output, which must be as many as the card says.
pub(crate) fn values<'a>(card: &Card, outputs: Outputs<'a>) -> Result<&'a [f32], ModelError> {
    let refuse = |reason: String| ModelError::output(&card.id, reason);
    let values = outputs.first().ok_or_else(|| refuse("there is none".to_owned()))?;
    if values.len() != card.output.length {
        return Err(refuse(format!("{} values, the card says {}", values.len(), card.output.length)));
    }
    Ok(values)
}
