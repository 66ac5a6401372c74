//! A panel of a board without hardware: a PNG file, replaced as a whole for each picture.

use std::{fs, path::PathBuf};

use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use image::RgbImage;

use super::{Panel, PanelError, PanelPicture, PanelSize, draw::draw};

pub(super) struct SimPanel {
    pub(super) path: PathBuf,
    pub(super) size: PanelSize,
}

impl Panel for SimPanel {
    fn show(&mut self, picture: &PanelPicture) -> Result<(), PanelError> {
        let canvas = draw(picture, self.size);
        let bytes = canvas.pixels().iter().map(|&pixel| Rgb888::from(pixel));
        let bytes = bytes.flat_map(|pixel| [pixel.r(), pixel.g(), pixel.b()]).collect();
        let image = RgbImage::from_raw(self.size.width, self.size.height, bytes)
            .expect("a canvas has as many pixels as its size");
        let draft = self.path.with_extension("part");
        let refused = |reason: String| PanelError::File { path: self.path.clone(), reason };
        image
            .save_with_format(&draft, image::ImageFormat::Png)
            .map_err(|error| refused(error.to_string()))?;
        fs::rename(&draft, &self.path).map_err(|error| refused(error.to_string()))
    }
}
