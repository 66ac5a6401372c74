//! `kiosk ui-tour`: every screen in every language, as pictures.

use std::path::Path;

use super::Outcome;
use crate::{output::Format, ui};

pub(crate) fn tour(format: Format, out: &Path) -> Outcome {
    for picture in ui::tour(out)? {
        #[derive(serde::Serialize)]
        struct Drawn {
            picture: std::path::PathBuf,
        }
        format.print(&Drawn { picture }, |drawn| drawn.picture.display().to_string());
    }
    Ok(())
}
