//! What stands before the camera of a running kiosk: one picture in a folder, which the simulated camera looks at again
//! every half second, so that whoever writes the scenario decides who comes and when.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{At as _, Trouble};

/// The picture's name, and the one under which the next is made ready.
const VIEW: &str = "view.png";
const NEXT: &str = "next";

/// A board file's section, up to the folder.
const SECTION: &str = "[camera]\nkind = \"folder\"\npath = \"camera\"\ninterval_ms = 100\nframes_per_image = 5\n\
                       gap_frames = 0\nrepeat = true\n";

/// A view that can be changed.
pub struct View {
    folder: PathBuf,
}

impl View {
    /// Makes the folder `camera` beside the board; nobody is there.
    ///
    /// # Errors
    /// [`Trouble::File`].
    pub fn beside(board: &Path) -> Result<Self, Trouble> {
        let folder = board.with_file_name("camera");
        fs::create_dir_all(&folder).at("make the folder", &folder)?;
        let view = Self { folder };
        view.nobody()?;
        Ok(view)
    }

    /// What the board file says of it.
    #[must_use]
    pub fn section(&self) -> &'static str {
        SECTION
    }

    /// From now on this photograph stands there.
    ///
    /// # Errors
    /// [`Trouble::File`], [`Trouble::Unreadable`].
    pub fn shows(&self, photo: &Path) -> Result<(), Trouble> {
        let picture = image::open(photo).map_err(|cause| Trouble::Unreadable {
            who: photo.display().to_string(),
            what: cause.to_string(),
        })?;
        self.change(&picture.to_rgb8())
    }

    /// From now on nobody is there.
    ///
    /// # Errors
    /// [`Trouble::File`].
    pub fn nobody(&self) -> Result<(), Trouble> {
        self.change(&image::RgbImage::from_pixel(640, 480, image::Rgb([90, 90, 90])))
    }

    /// At once: the camera never sees half a picture.
    fn change(&self, picture: &image::RgbImage) -> Result<(), Trouble> {
        let next = self.folder.join(NEXT);
        picture.save_with_format(&next, image::ImageFormat::Png).map_err(|cause| Trouble::Unreadable {
            who: next.display().to_string(),
            what: cause.to_string(),
        })?;
        let view = self.folder.join(VIEW);
        fs::rename(&next, &view).at("change", &view)
    }
}
