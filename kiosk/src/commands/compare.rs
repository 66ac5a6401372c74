//! `kiosk compare`: two photographs, one score, no data directory.

use std::path::Path;

use gate::Threshold;
use serde::Serialize;

use super::{
    Outcome,
    enrol::{template, vision},
};
use crate::{arguments::Common, output::Format};

/// The false match rate that a claim is held to.
const TARGET_FMR: f64 = 1e-4;

#[derive(Serialize)]
struct Compared {
    score: f32,
    /// At a false match rate of [`TARGET_FMR`], by the model's card.
    threshold: f32,
    target_fmr: f64,
    same_person: bool,
    model: String,
}

pub(crate) fn compare(common: &Common, format: Format, a: &Path, b: &Path) -> Outcome {
    let mut vision = vision(common)?;
    let (a, b) = (template(&mut vision, a)?.template, template(&mut vision, b)?.template);
    let score = a.compare(&b)?;
    let card = vision.embedder_card();
    let threshold = models::verification_threshold(card, TARGET_FMR);
    let same_person = match threshold {
        Threshold::Alone(threshold) => score >= threshold,
        Threshold::BeyondMeasurement { .. } => false,
    };
    let compared = Compared {
        score: score.0,
        threshold: threshold.score().0,
        target_fmr: TARGET_FMR,
        same_person,
        model: card.model().to_string(),
    };
    format.print(&compared, |it| {
        let verdict = if it.same_person { "the same person" } else { "not shown to be the same person" };
        format!(
            "score {:.3}, threshold {:.3} at FMR {TARGET_FMR:e} ({}): {verdict}",
            it.score, it.threshold, it.model
        )
    });
    Ok(())
}
