//! A board whose camera, reader and contacts a scenario plays while the kiosk runs.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
};

use crate::{Site, photo};

/// Files that stand for people, cards and contacts: the kiosk reads them as it reads hardware.
pub struct Played<'a> {
    site: &'a Site,
}

impl Site {
    /// A place whose reader and contacts can be played.
    #[must_use]
    pub fn played(&self) -> Played<'_> {
        Played { site: self }
    }
}

impl Played<'_> {
    /// A board that shows these pictures one after the other, each for so many frames of 100 ms, and again for ever.
    /// `camera` is added to its section, `strike` is a section of its own or nothing.
    #[must_use]
    pub fn board(&self, photos: &[&str], frames: u32, camera: &str, strike: &str) -> PathBuf {
        let folder = self.site.path("camera");
        _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder can be made");
        for (place, name) in photos.iter().enumerate() {
            fs::copy(photo(name), folder.join(format!("{place:03}-{name}")))
                .expect("a photograph can be copied");
        }
        self.write_board(frames, camera, strike)
    }

    /// The same around a folder of pictures that the scenario has made itself.
    #[must_use]
    pub fn write_board(&self, frames: u32, camera: &str, strike: &str) -> PathBuf {
        let board = self.site.path("board.toml");
        let text = format!(
            "name = \"scenario\"\ninference_threads = 1\n\n[camera]\nkind = \"folder\"\npath = \"camera\"\n\
             interval_ms = 100\nframes_per_image = {frames}\ngap_frames = 45\nrepeat = true\n{camera}\n\n\
             [[readers]]\nkind = \"sim\"\npath = \"cards.txt\"\n\n[inputs]\nkind = \"sim\"\npath = \"contacts.txt\"\n\n{strike}"
        );
        fs::write(&board, text).expect("a board file can be written");
        board
    }

    /// Holds a card with this number to the reader.
    pub fn card(&self, hex: &str) {
        add(&self.site.path("cards.txt"), &format!("card {hex}"));
    }

    /// Holds a code with this text to the reader.
    pub fn code(&self, text: &str) {
        add(&self.site.path("cards.txt"), &format!("qr {text}"));
    }

    /// A contact of the door: `door open`, `fire on`, `rex` and so on.
    pub fn contact(&self, line: &str) {
        add(&self.site.path("contacts.txt"), line);
    }
}

fn add(file: &Path, line: &str) {
    let opened = OpenOptions::new().create(true).append(true).open(file);
    opened.and_then(|mut file| writeln!(file, "{line}")).expect("a line can be added");
}
