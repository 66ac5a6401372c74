//! `kiosk identify`: the rules of the door, asked about photographs. Opens nothing and records nothing.

use std::path::{Path, PathBuf};

use models::Image;
use serde::Serialize;

use super::{Outcome, enrol::vision, vault};
use crate::{
    arguments::Common,
    output::Format,
    service::{Answer, Identified, Request},
};

#[derive(Serialize)]
struct Line<'a> {
    photo: &'a Path,
    #[serde(flatten)]
    identified: Identified,
}

pub(crate) fn identify(common: &Common, format: Format, photos: &[PathBuf], claim: Option<&str>) -> Outcome {
    let mut vision = vision(common)?;
    let model = vision.embedder_card().model().as_str().to_owned();
    for photo in photos {
        let image = Image::open(photo)?;
        let named = |error: String| format!("{}: {error}", photo.display());
        let template = vision.enrol_photo(&image).map_err(|error| named(error.to_string()))?;
        let pad = vision.pad_score(&image, &template.face).map_err(|error| named(error.to_string()))?;
        let template = template.template.vector().to_vec();
        let request =
            Request::Identify { model: model.clone(), template, pad, claim: claim.map(str::to_owned) };
        if let Answer::Identified(identified) = vault::ask(&common.data, request)? {
            format.print(&Line { photo, identified }, text);
        }
    }
    Ok(())
}

fn text(line: &Line<'_>) -> String {
    let Identified { outcome, person, name, score, threshold, runner_up, pad, references } = &line.identified;
    let number = |value: &Option<f32>| value.map_or("-".into(), |value| format!("{value:.3}"));
    format!(
        "{}: {outcome}{}{}  score {} (threshold {threshold:.3}, next person {}), pad {pad:.3}, {references} references",
        line.photo.display(),
        person.as_ref().map(|person| format!(" {person}")).unwrap_or_default(),
        name.as_ref().map(|name| format!(" {name}")).unwrap_or_default(),
        number(score),
        number(runner_up),
    )
}
