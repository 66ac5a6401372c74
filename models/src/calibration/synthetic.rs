//! Made-up identities for tests: unit vectors whose impostor scores resemble those published for SFace (mean .083, and a
//! spread as of 128 nearly independent numbers). They are nobody's faces, and no figure of a card rests on them.

#![allow(clippy::expect_used)]

use gate::{ModelId, Template};

use super::random::Random;

/// Numbers of a template.
const LENGTH: usize = 128;

/// Length of the part that all faces share: the square is the mean impostor score.
const SHARED: f64 = 0.288;

/// `persons` with `pictures` each, in order.
pub(crate) fn templates(persons: u32, pictures: u32, seed: u64) -> (Vec<u32>, Vec<Template>) {
    let mut random = Random::new(seed);
    let (mut people, mut templates) = (Vec::new(), Vec::new());
    for person in 0..persons {
        let own: Vec<f64> = (0..LENGTH).map(|_| random.normal()).collect();
        for _ in 0..pictures {
            let length = (LENGTH as f64).sqrt();
            let vector = own.iter().enumerate().map(|(place, own)| {
                let changing = 0.5 * random.normal();
                let shared = if place == 0 { SHARED * length } else { 0.0 };
                ((own + changing) * (1.0 - SHARED * SHARED).sqrt() / 1.25f64.sqrt() + shared) as f32
            });
            let template = Template::new(ModelId::new("synthetic"), vector.collect());
            templates.push(template.expect("normal numbers have a direction"));
            people.push(person);
        }
    }
    (people, templates)
}
