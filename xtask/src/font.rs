//! The kiosk's one embedded font, cut from Debian's Noto Sans CJK; `assets/fonts/README.md` says what is in it.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::failure::{At, Failure};
use crate::fetch::put;
use crate::pin::Digest;
use crate::place::Place;
use crate::process::{run, say};
use crate::python;

/// Where Debian's `fonts-noto-cjk` puts the source, and its licence.
const SOURCE: &str = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc";
const LICENCE: &str = "/usr/share/doc/fonts-noto-cjk/copyright";

/// Has `genkan-sans-jp.otf` in place, made from the source that this machine has, its licence beside it.
pub(crate) fn make(place: &Place) -> Result<(), Failure> {
    let folder = place.fetched("fonts");
    let (font, stamp) = (folder.join("genkan-sans-jp.otf"), folder.join("genkan-sans-jp.made-of"));
    let made_of = ingredients(place)?;
    if font.exists() && fs::read_to_string(&stamp).is_ok_and(|found| found == made_of) {
        return Ok(());
    }
    let python = python::packages(place)?;
    fs::create_dir_all(&folder).at("make the folder", &folder)?;
    say("cutting the kiosk's font from Noto Sans CJK (about ten seconds): a device has no font packages");
    let partial = folder.join("genkan-sans-jp.partial");
    run(Command::new(python).arg(place.root.join("assets/fonts/subset.py")).arg(SOURCE).arg(&partial))?;
    fs::copy(LICENCE, folder.join("genkan-sans-jp.LICENCE.txt")).at("copy", Path::new(LICENCE))?;
    fs::rename(&partial, &font).at("write", &font)?;
    put(made_of.as_bytes(), &stamp)
}

/// All that decides the font's bytes.
fn ingredients(place: &Place) -> Result<String, Failure> {
    let mut text = String::new();
    let ours = ["assets/fonts/subset.py", "assets/fonts/requirements.txt"].map(|file| place.root.join(file));
    for file in ours.iter().map(|file| file.as_path()).chain([Path::new(SOURCE)]) {
        let missing =
            || format!("{} is not there: `cargo xtask setup` installs what is needed", file.display());
        let hash = Digest::of_file(file)?.ok_or_else(|| Failure::new(missing()))?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        text.push_str(&format!("{hash} {name}\n"));
    }
    Ok(text)
}
