//! From a picture to the tensor that a card asks for.

use candle_core::{Device, Tensor};

use crate::card::{Card, Colour};
use crate::error::ModelError;
use crate::image::Image;

/// A 1 x 3 x `height` x `width` tensor in the card's colour order and normalisation, the picture at its top left, zeros
/// at its right and bottom.
pub(crate) fn tensor(image: &Image, card: &Card, width: usize, height: usize) -> Result<Tensor, ModelError> {
    let input = &card.input;
    let order = match input.colour {
        Colour::Rgb => [0, 1, 2],
        Colour::Bgr => [2, 1, 0],
    };
    let mut values = vec![0f32; 3 * width * height];
    for (plane, channel) in values.chunks_exact_mut(width * height).zip(order) {
        for (target, source) in plane.chunks_exact_mut(width).zip(image.rgb().chunks_exact(image.width() * 3))
        {
            for (value, pixel) in target.iter_mut().zip(source.as_chunks::<3>().0) {
                *value = (f32::from(pixel[channel]) - input.offset) * input.scale;
            }
        }
    }
    Tensor::from_vec(values, (1, 3, height, width), &Device::Cpu)
        .map_err(|error| ModelError::output(&card.id, error))
}

/// The values of an output, which must be as many as the card says.
pub(crate) fn values(card: &Card, output: Option<&Tensor>) -> Result<Vec<f32>, ModelError> {
    let refuse = |reason: String| ModelError::output(&card.id, reason);
    let output = output.ok_or_else(|| refuse("there is none".to_owned()))?;
    let values: Vec<f32> =
        output.flatten_all().and_then(|flat| flat.to_vec1()).map_err(|error| refuse(error.to_string()))?;
    if values.len() != card.output.length {
        return Err(refuse(format!("{} values, the card says {}", values.len(), card.output.length)));
    }
    Ok(values)
}
