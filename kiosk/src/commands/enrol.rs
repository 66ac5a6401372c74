//! `kiosk enrol`: photographs become references; the photographs are not kept.

use std::{
    error::Error,
    path::{Path, PathBuf},
};

use gate::Template;
use models::{Image, Threads, Vision};

use super::{Outcome, vault};
use crate::{
    arguments::{Common, Enrol},
    assets,
    output::Format,
    service::{Answer, Enrolled, Request},
};

/// Photographs of one enrolment must match each other at least at this false match rate.
const LOOSEST_FMR: f64 = 1e-3;

/// Loads the networks for a command.
pub(super) fn vision(common: &Common) -> Result<Vision, Box<dyn Error>> {
    let models = assets::models(common.models.as_deref())?;
    Ok(Vision::load(&models, &Threads::start(1)?)?)
}

/// Reads a photograph and makes its template.
pub(super) fn template(vision: &mut Vision, photo: &Path) -> Result<models::Enrolled, Box<dyn Error>> {
    let image = Image::open(photo)?;
    vision.enrol_photo(&image).map_err(|error| format!("{}: {error}", photo.display()).into())
}

pub(crate) fn enrol(common: &Common, format: Format, enrol: Enrol) -> Outcome {
    let mut vision = vision(common)?;
    let mut templates = Vec::new();
    for photo in &enrol.photos {
        templates.push(template(&mut vision, photo)?.template);
    }
    same_person(&vision, &enrol.photos, &templates)?;
    let templates = templates.iter().map(|template| template.vector().to_vec()).collect();
    let model = vision.embedder_card().model().as_str().to_owned();
    let request = Request::Enrol { name: enrol.name, model, templates, reinstate: enrol.reinstate };
    if let Answer::Enrolled(enrolled) = vault::ask(&common.data, request)? {
        format.print(&enrolled, text);
    }
    Ok(())
}

/// Photographs of different people under one name would let both in as one.
fn same_person(vision: &Vision, photos: &[PathBuf], templates: &[Template]) -> Outcome {
    let least = models::verification_threshold(vision.embedder_card(), LOOSEST_FMR).score();
    for (first, one) in templates.iter().enumerate() {
        for (second, other) in templates.iter().enumerate().skip(first + 1) {
            let score = one.compare(other)?;
            let alike = score >= least;
            if !alike {
                let (a, b) = (photos[first].display(), photos[second].display());
                return Err(format!(
                    "{a} and {b} do not look like the same person (score {:.3}, at least {:.3} is needed): enrol \
                     different people separately, or leave one photograph out",
                    score.0, least.0
                )
                .into());
            }
        }
    }
    Ok(())
}

fn text(enrolled: &Enrolled) -> String {
    let Enrolled { person, references, record, alike, alike_in_all, alike_from, advice } = enrolled;
    let mut text =
        format!("enrolled {person} with {references} reference(s), record {}:{}", record.run, record.seq);
    for other in alike {
        let how = if other.matches { "matches" } else { "looks like" };
        text.push_str(&format!("\nwarning: also {how} {} (score {:.3})", other.person, other.score));
    }
    if *alike_in_all > alike.len() {
        text.push_str(&format!(
            "\nwarning: and {} more from score {alike_from:.3} on",
            alike_in_all - alike.len()
        ));
    }
    if let Some(advice) = advice {
        text.push_str(&format!("\n{advice}"));
    }
    text
}
