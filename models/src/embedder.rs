//! Templates, by SFace: 128 numbers from one sample, compared by cosine.

use std::path::Path;

use gate::Template;

use crate::align::{SAMPLE_SIDE, Sample};
use crate::card::Card;
use crate::error::ModelError;
use crate::input;
use crate::network::{Network, Threads};

/// Makes templates from samples.
#[derive(Debug)]
pub struct Embedder {
    card: Card,
    network: Network,
}

impl Embedder {
    /// Loads the embedder from the directory that `cargo xtask models` fills.
    ///
    /// # Errors
    /// [`ModelError`] if the weights are missing, changed or not understood.
    pub fn load(models: &Path, threads: &Threads) -> Result<Self, ModelError> {
        let card = Card::sface();
        let size = Some((SAMPLE_SIDE, SAMPLE_SIDE));
        let network = Network::from_onnx(&card.file, &card.open_weights(models)?, size, threads)?;
        Ok(Self { card, network })
    }

    /// The card whose measurements thresholds come from.
    #[must_use]
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// The template of a sample.
    ///
    /// # Errors
    /// [`ModelError`] if the network cannot be run or its output has no direction.
    pub fn embed(&mut self, sample: &Sample) -> Result<Template, ModelError> {
        let outputs = input::run(&mut self.network, &self.card, sample.image(), SAMPLE_SIDE, SAMPLE_SIDE)?;
        let vector = input::values(&self.card, outputs)?.to_vec();
        Template::new(self.card.model(), vector).map_err(|error| ModelError::output(&self.card.id, error))
    }
}
