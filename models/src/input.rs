//! From a picture to what a card asks for.

use crate::card::{Card, Colour, Input};
use crate::error::ModelError;
use crate::image::Image;
use crate::lines::{self, Level};
use crate::network::{Network, Outputs};

/// Runs a network on a picture of the size of its input.
pub(crate) fn run<'a>(
    network: &'a mut Network,
    input: &Input,
    level: Level,
    image: &Image,
) -> Result<Outputs<'a>, ModelError> {
    let line = image.width() * 3;
    let outputs = network.run(image.width(), image.height(), |y, row| {
        lines::weigh(level, row, &image.rgb()[y * line..][..line], 1.0);
        normalise(level, input, row);
    })?;
    Ok(outputs)
}

/// Brings a row of red, green and blue, 0 to 255, into a card's order and range.
pub(crate) fn normalise(level: Level, input: &Input, row: &mut [f32]) {
    match input.colour {
        Colour::Rgb => lines::normalise(level, row, input.offset, input.scale),
        Colour::Bgr => lines::normalise_swapped(level, row, input.offset, input.scale),
    }
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
