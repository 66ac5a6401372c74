//! Templates, by SFace: 128 numbers from one sample, compared by cosine.

use std::path::Path;

use gate::{Probe, Template};

use crate::align::{SAMPLE_SIDE, Sample};
use crate::card::Card;
use crate::error::ModelError;
use crate::input;
use crate::lines::Level;
use crate::network::{Network, Ranges, Threads};

/// The ranges of the layers that can run in bytes, as `quantise` wrote them.
const RANGES: &str = include_str!("../cards/ranges/sface-2021dec.toml");

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

    /// The same with most of its arithmetic in bytes, if the processor has instructions for that; else as usual. Templates
    /// compare with those of [`load`](Self::load): over the sample photographs and changed copies of them the cosine
    /// between both stays above 0.995, which `quantise` measures.
    ///
    /// # Errors
    /// [`ModelError`] if the weights are missing, changed or not understood.
    pub fn load_in_bytes(models: &Path, threads: &Threads) -> Result<Self, ModelError> {
        let card = Card::sface();
        let ranges: Ranges = toml::from_str(RANGES).map_err(|error| ModelError::output(&card.id, error))?;
        let size = Some((SAMPLE_SIDE, SAMPLE_SIDE));
        let network = Network::in_bytes(&card.file, &card.open_weights(models)?, size, ranges, threads)?;
        Ok(Self { card, network })
    }

    /// Whether most of its arithmetic is in bytes.
    #[must_use]
    pub fn is_in_bytes(&self) -> bool {
        self.network.is_in_bytes()
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
        let model = self.card.model();
        let (card, vector) = self.vector(sample)?;
        Template::new(model, vector.to_vec()).map_err(|error| ModelError::output(&card.id, error))
    }

    /// The templates of several samples, in their order: of all faces of one picture, for instance. The network takes
    /// one sample at a time, because its weights stay in the cache from one to the next.
    ///
    /// # Errors
    /// [`ModelError`] as for [`embed`](Self::embed), for the first sample that fails.
    pub fn embed_all(&mut self, samples: &[Sample]) -> Result<Vec<Template>, ModelError> {
        samples.iter().map(|sample| self.embed(sample)).collect()
    }

    /// The template of a sample, in the place of the one before, whose memory it takes.
    pub(crate) fn embed_again<'a>(
        &mut self,
        sample: &Sample,
        place: &'a mut Option<Probe>,
    ) -> Result<&'a Probe, ModelError> {
        match place {
            Some(probe) => {
                let (card, vector) = self.vector(sample)?;
                probe.0.replace(vector).map_err(|error| ModelError::output(&card.id, error))?;
                Ok(probe)
            }
            None => Ok(place.insert(Probe(self.embed(sample)?))),
        }
    }

    fn vector(&mut self, sample: &Sample) -> Result<(&Card, &[f32]), ModelError> {
        let outputs = input::run(&mut self.network, &self.card.input, Level::best(), sample.image())?;
        Ok((&self.card, input::values(&self.card, outputs)?))
    }
}
