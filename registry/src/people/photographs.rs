//! Photographs become references, by the same networks, cards and quality gate as at the kiosk. A photograph is read, made
//! into a template and forgotten.

use std::path::{Path, PathBuf};

use gate::Template;
use models::{Image, Threads, Vision};

use super::PeopleError;

/// Photographs of one enrolment must match each other at least at this false match rate; as at the kiosk.
const LOOSEST_FMR: f64 = 1e-3;

/// Where the networks' weights lie: what was named, else beside the sources (in a checkout), else installed.
pub(crate) fn folder(named: Option<&Path>) -> Option<PathBuf> {
    let named = named.map(Path::to_owned).or_else(|| std::env::var_os("GENKAN_MODELS").map(PathBuf::from));
    if let Some(named) = named {
        return named.is_dir().then_some(named);
    }
    let program = std::env::current_exe().unwrap_or_default();
    let above = program.ancestors().skip(1).map(|place| place.join("assets/fetched/models"));
    above.chain([PathBuf::from("/usr/share/genkan/models")]).find(|place| place.is_dir())
}

/// Loads the networks.
pub(crate) fn load(named: Option<&Path>) -> Result<Vision, PeopleError> {
    let folder = folder(named).ok_or(PeopleError::NoNetworks)?;
    let threads = Threads::start(1).map_err(PeopleError::networks)?;
    Vision::load(&folder, &threads).map_err(PeopleError::networks)
}

/// The reference of a photograph in memory; `name` stands in the error.
pub(crate) fn reference(vision: &mut Vision, name: &str, bytes: &[u8]) -> Result<Template, PeopleError> {
    let refused = |why: String| PeopleError::Photograph { name: name.to_owned(), why };
    let image = Image::decode(name, bytes).map_err(|error| refused(error.to_string()))?;
    let enrolled = vision.enrol_photo(&image).map_err(|error| refused(error.to_string()))?;
    Ok(enrolled.template)
}

/// The references of photographs in files, which must show one person.
pub(crate) fn references(vision: &mut Vision, photos: &[PathBuf]) -> Result<Vec<Template>, PeopleError> {
    let mut templates = Vec::new();
    for photo in photos {
        let name = photo.display().to_string();
        let refused = |why: String| PeopleError::Photograph { name: name.clone(), why };
        let image = Image::open(photo).map_err(|error| refused(error.to_string()))?;
        let enrolled = vision.enrol_photo(&image).map_err(|error| refused(error.to_string()))?;
        templates.push(enrolled.template);
    }
    same_person(vision, &templates)?;
    Ok(templates)
}

/// Photographs of different people under one name would let both in as one.
pub(crate) fn same_person(vision: &Vision, templates: &[Template]) -> Result<(), PeopleError> {
    let least = models::verification_threshold(vision.embedder_card(), LOOSEST_FMR);
    for (first, one) in templates.iter().enumerate() {
        for (second, other) in templates.iter().enumerate().skip(first + 1) {
            let score = one
                .compare(other)
                .map_err(|_| PeopleError::Unusable("the references were made by different models"))?;
            let alike = score >= least.score();
            if !alike {
                return Err(PeopleError::DifferentPeople { first: first + 1, second: second + 1 });
            }
        }
    }
    Ok(())
}
