//! `kiosk card compare`: the photograph on the card and a photograph of the person, 1:1.
//!
//! Who wants to pass off a card as theirs holds it in their hand, so it is the false match rate that is held; the photograph on
//! a card is small, grey and up to ten years old, so its owner may not reach the threshold, and then a person compares.

use card::{FrontCode, GreyPicture, Issuers, identify, read_face};
use gate::{Template, Threshold};
use models::{Image, Vision};
use serde::Serialize;

use super::{Outcome, Refused, Why, challenge, reader::with_card, typed};
use crate::{
    arguments::{Common, card::Compare},
    clock,
    commands::enrol::{template, vision},
    output::Format,
};

/// The false match rate that a card's photograph is held to: that of a claim at the door, for the same reason.
const DOCUMENT_FMR: f64 = 1e-4;

/// What the threshold does not know.
const CAVEAT: &str = "the threshold was measured on ordinary photographs; one on a card is small, grey and up to ten years \
    old, so its owner may score lower: no match is no proof of another person, and staff compare";

#[derive(Serialize)]
struct Report {
    card: Option<&'static str>,
    score: Option<f32>,
    /// At a false match rate of `target_fmr`, by the model's card.
    threshold: Option<f32>,
    target_fmr: f64,
    matched: bool,
    model: Option<String>,
    /// `valid`: photograph, birth and sex are as they were signed.
    record_signature: &'static str,
    /// `signed-by-the-chip`: the record was not copied from another chip.
    chip_challenge: &'static str,
    /// How far whoever signed was traced.
    issuer: &'static str,
    caveat: &'static str,
    #[serde(flatten)]
    why: Why,
}

pub(super) fn compare(common: &Common, format: Format, asked: &Compare) -> Outcome {
    let mut report = Report {
        card: None,
        score: None,
        threshold: None,
        target_fmr: DOCUMENT_FMR,
        matched: false,
        model: None,
        record_signature: "not-checked",
        chip_challenge: "not-checked",
        issuer: card::Issuer::Unknown.name(),
        caveat: CAVEAT,
        why: Why { refused: None, why: None },
    };
    let end = compared(common, asked, &mut report);
    report.why = Why::of(&end);
    format.print(&report, text);
    end.map_err(Into::into)
}

/// Whatever can refuse without the card does so before a try is spent.
fn compared(common: &Common, asked: &Compare, report: &mut Report) -> Result<(), Refused> {
    let code = FrontCode::parse(&typed::line("front code (14 digits)")?)?;
    let mut vision = vision(common).map_err(|error| Refused::Models(error.to_string()))?;
    let person = template(&mut vision, &asked.photo).map_err(|error| Refused::Photo(error.to_string()))?;
    let challenge = challenge()?;
    let face = with_card(&asked.reader, |card| {
        report.card = Some(identify(card)?.name());
        let wall = clock::now(clock::system().as_ref()).wall;
        Ok(read_face(card, &code, challenge, &Issuers::default(), wall)?)
    })?;
    (report.record_signature, report.chip_challenge) = ("valid", "signed-by-the-chip");
    report.issuer = face.issuer.name();
    judge(&mut vision, &person.template, &face.photo, report)
}

fn judge(
    vision: &mut Vision,
    person: &Template,
    photo: &GreyPicture,
    report: &mut Report,
) -> Result<(), Refused> {
    let unusable = |error: &dyn std::fmt::Display| Refused::CardPhoto(error.to_string());
    let picture = coloured(photo).map_err(|error| unusable(&error))?;
    let printed = vision.enrol_photo(&picture).map_err(|error| unusable(&error))?;
    let score = person.compare(&printed.template).map_err(|error| unusable(&error))?;
    let network = vision.embedder_card();
    let threshold = models::verification_threshold(network, DOCUMENT_FMR);
    report.model = Some(network.model().to_string());
    (report.score, report.threshold) = (Some(score.0), Some(threshold.score().0));
    match threshold {
        Threshold::Alone(least) if score >= least => report.matched = true,
        Threshold::Alone(_) => return Err(Refused::NoMatch),
        Threshold::BeyondMeasurement { .. } => return Err(Refused::NoThreshold),
    }
    Ok(())
}

/// Grey as the networks want it: three times the same.
fn coloured(photo: &GreyPicture) -> Result<Image, models::ImageError> {
    let side = |pixels: u32| usize::try_from(pixels).expect("at most 1,024");
    let rgb = photo.pixels.iter().flat_map(|&grey| [grey; 3]).collect();
    Image::new(side(photo.width), side(photo.height), rgb)
}

fn text(report: &Report) -> String {
    let number = |it: Option<f32>| it.map_or_else(|| "none".into(), |it| format!("{it:.3}"));
    format!(
        "score {}, threshold {} at FMR {DOCUMENT_FMR:e}: {}\nrecord signature {}, chip challenge {}, issuer {}\n{CAVEAT}",
        number(report.score),
        number(report.threshold),
        if report.matched { "the same person" } else { "not shown to be the same person" },
        report.record_signature,
        report.chip_challenge,
        report.issuer,
    )
}
