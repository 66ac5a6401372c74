//! Where fetched files lie: in a checkout beside the sources, on a device under /usr/share/genkan.

use std::path::{Path, PathBuf};

use thiserror::Error;

#[derive(Debug, Error)]
#[error("no folder with {what} was found{}; in a checkout, `cargo xtask {remedy}` fetches them", list(.looked))]
pub(crate) struct AssetsMissing {
    what: &'static str,
    remedy: &'static str,
    looked: Vec<PathBuf>,
}

fn list(places: &[PathBuf]) -> String {
    let places: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
    if places.is_empty() { String::new() } else { format!(" (looked in {})", places.join(", ")) }
}

/// The folder with the networks' weights.
pub(crate) fn models(given: Option<&Path>) -> Result<PathBuf, AssetsMissing> {
    let named = given.map(Path::to_owned).or_else(|| std::env::var_os("GENKAN_MODELS").map(PathBuf::from));
    find("models", "the networks' weights", "models", named)
}

/// The folder with the sample photographs.
pub(crate) fn photographs(given: Option<&Path>) -> Result<PathBuf, AssetsMissing> {
    find("photos", "the sample photographs", "models", given.map(Path::to_owned))
}

fn find(
    folder: &str,
    what: &'static str,
    remedy: &'static str,
    named: Option<PathBuf>,
) -> Result<PathBuf, AssetsMissing> {
    let places = match named {
        Some(named) => vec![named],
        None => {
            let program = std::env::current_exe().unwrap_or_default();
            let above = program.ancestors().skip(1).map(|place| place.join("assets/fetched").join(folder));
            above.chain([Path::new("/usr/share/genkan").join(folder)]).collect()
        }
    };
    places.iter().find(|place| place.is_dir()).cloned().ok_or_else(|| AssetsMissing {
        what,
        remedy,
        looked: places.into_iter().rev().take(2).collect(),
    })
}
