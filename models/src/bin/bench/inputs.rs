//! What everybody is given: pictures made of the fetched photographs, in memory for us and in files for the peers.

use std::fs;
use std::path::{Path, PathBuf};

use image::RgbImage;
use image::imageops::{self, FilterType};
use models::card::{Colour, Input as CardInput, Role};
use models::{Card, Detector, Image, Sample, Threads};
use serde_json::{Value, json};

use crate::failure::{At as _, Failure};

/// The photograph that single runs are made on.
const PHOTOGRAPH: &str = "person-a-1.jpg";
const PHOTOGRAPHS: [&str; 6] = [
    "person-a-1.jpg",
    "person-a-2.jpg",
    "person-b-1.jpg",
    "person-b-2.jpg",
    "stranger-1.jpg",
    "stranger-2.png",
];

/// Where things are read and written.
#[derive(Debug, Clone)]
pub(crate) struct Folders {
    pub(crate) models: PathBuf,
    pub(crate) optional: PathBuf,
    pub(crate) photographs: PathBuf,
    pub(crate) out: PathBuf,
}

/// A square picture in a network's own colours and scale.
#[derive(Debug, Clone)]
pub(crate) struct Input {
    pub(crate) side: usize,
    /// Colour by colour, as ONNX files want it.
    planes: Vec<f32>,
}

impl Input {
    /// A picture as a card wants it.
    pub(crate) fn new(picture: &RgbImage, card: &CardInput) -> Self {
        let order = match card.colour {
            Colour::Rgb => [0, 1, 2],
            Colour::Bgr => [2, 1, 0],
        };
        let value = |channel: usize| {
            picture.pixels().map(move |pixel| (f32::from(pixel.0[channel]) - card.offset) * card.scale)
        };
        Self { side: picture.width() as usize, planes: order.into_iter().flat_map(value).collect() }
    }

    /// Pixel by pixel, as our networks want it.
    pub(crate) fn interleaved(&self) -> Vec<f32> {
        let plane = self.side * self.side;
        (0..plane).flat_map(|pixel| [0, 1, 2].map(|channel| self.planes[channel * plane + pixel])).collect()
    }

    /// The dimensions of the peers' tensor.
    pub(crate) fn shape(&self) -> [usize; 4] {
        [1, 3, self.side, self.side]
    }

    /// Writes it for the peers.
    pub(crate) fn write(&self, file: &Path) -> Result<(), Failure> {
        let bytes: Vec<u8> = self.planes.iter().flat_map(|value| value.to_le_bytes()).collect();
        fs::write(file, bytes).at("write the input", file)
    }
}

impl Folders {
    /// The file of a network.
    pub(crate) fn weights(&self, card: &Card) -> PathBuf {
        let folder = if card.role == Role::Benchmark { &self.optional } else { &self.models };
        folder.join(&card.file)
    }

    /// A photograph, upright.
    pub(crate) fn photograph(&self, name: &str) -> Result<RgbImage, Failure> {
        let picture = Image::open(&self.photographs.join(name))?;
        let (width, height) = (picture.width() as u32, picture.height() as u32);
        Ok(RgbImage::from_raw(width, height, picture.rgb().to_vec()).expect("a picture has all its bytes"))
    }

    /// The middle of the photograph as a square of this side.
    pub(crate) fn square(&self, side: u32) -> Result<RgbImage, Failure> {
        let whole = self.photograph(PHOTOGRAPH)?;
        let shorter = whole.width().min(whole.height());
        let (left, top) = ((whole.width() - shorter) / 2, (whole.height() - shorter) / 2);
        let middle = imageops::crop_imm(&whole, left, top, shorter, shorter).to_image();
        Ok(imageops::resize(&middle, side, side, FilterType::Triangle))
    }

    /// The aligned sample of the photograph that single runs are made on.
    pub(crate) fn sample(&self) -> Result<RgbImage, Failure> {
        Ok(self.samples_of(&[PHOTOGRAPH])?.remove(0))
    }

    /// An aligned sample of every photograph.
    pub(crate) fn samples(&self) -> Result<Vec<RgbImage>, Failure> {
        self.samples_of(&PHOTOGRAPHS)
    }

    fn samples_of(&self, names: &[&str]) -> Result<Vec<RgbImage>, Failure> {
        let mut detector = Detector::load(&self.models, &Threads::start(1)?)?;
        let mut samples = Vec::new();
        for name in names {
            let picture = Image::open(&self.photographs.join(name))?;
            let faces = detector.detect(&picture)?;
            let face = models::detector::foremost(&faces, picture.width(), picture.height());
            let face = face.ok_or_else(|| Failure::Unusable(format!("no face was found in {name}")))?;
            samples.push(to_rgb_image(Sample::align(&picture, &face.landmarks).image()));
        }
        Ok(samples)
    }

    /// A picture for detection, and what the peers are told about it.
    pub(crate) fn detection(&self, side: u32) -> Result<(Image, Value), Failure> {
        let square = self.square(side)?;
        let file = self.out.join("detection.bgr");
        let bgr: Vec<u8> = square.pixels().flat_map(|pixel| [pixel.0[2], pixel.0[1], pixel.0[0]]).collect();
        fs::write(&file, bgr).at("write the picture", &file)?;
        let request = json!({"picture": file, "width": side, "height": side});
        Ok((Image::new(side as usize, side as usize, square.into_raw())?, request))
    }
}

fn to_rgb_image(picture: &Image) -> RgbImage {
    let (width, height) = (picture.width() as u32, picture.height() as u32);
    RgbImage::from_raw(width, height, picture.rgb().to_vec()).expect("a picture has all its bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_are_given_the_same_pixels_in_the_order_of_the_card() {
        let picture = RgbImage::from_raw(2, 2, vec![10, 20, 30, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let card = CardInput { width: None, height: None, colour: Colour::Bgr, offset: 1.0, scale: 0.5 };
        let input = Input::new(&picture.expect("four pixels"), &card);
        assert_eq!(input.planes, [14.5, 1.0, 2.5, 4.0, 9.5, 0.5, 2.0, 3.5, 4.5, 0.0, 1.5, 3.0]);
        assert_eq!(input.interleaved()[..6], [14.5, 9.5, 4.5, 1.0, 0.5, 0.0]);
    }
}
