//! The gallery in memory and the threshold that belongs to its size: one value, replaced whole.

use std::sync::{Arc, PoisonError, RwLock};

use gate::{Comparison, Gallery, ModelMismatch, PersonId, Policy, Probe, Score, Standing, Threshold};
use models::{
    Card,
    calibration::{Impostors, alike_from},
};
use store::{Store, StoreError};

/// What a search needs. The threshold is computed from the model's card for this many references.
#[derive(Debug)]
pub(crate) struct SearchSet {
    gallery: Gallery,
    threshold: Threshold,
    /// From this score on two enrolees are pointed out to whoever enrols.
    alike_from: Score,
    /// From this score on somebody else's reference counts for the live tail; none if the card holds no points.
    floor: Option<Score>,
    margin: f32,
}

impl SearchSet {
    /// Reads everybody's references from the vault.
    pub(crate) fn load(store: &mut Store, policy: &Policy) -> Result<Self, StoreError> {
        let card = Card::sface();
        let gallery = store.gallery(&card.model(), card.output.length)?;
        let threshold = models::identification_threshold(
            &card,
            policy.target_fpir,
            gallery.references(),
            u32::from(policy.attempts.max(1)),
        );
        Ok(Self {
            gallery,
            threshold,
            alike_from: alike_from(&card, threshold, policy.margin),
            floor: models::calibration::LiveTail::new(&card).floor(),
            margin: policy.margin,
        })
    }

    /// Searches for one face whose PAD score is known.
    pub(crate) fn compare(&self, probe: &Probe, pad: f32) -> Result<Comparison, ModelMismatch> {
        let found = self.gallery.search(probe)?;
        let references = u32::try_from(self.gallery.references()).unwrap_or(u32::MAX);
        Ok(Comparison { pad, found, threshold: self.threshold, references })
    }

    /// The threshold that belongs to it.
    pub(crate) fn threshold(&self) -> Threshold {
        self.threshold
    }

    /// From this score on two enrolees are pointed out.
    pub(crate) fn alike_from(&self) -> Score {
        self.alike_from
    }

    /// Shows everybody so alike that the door may take one for the other, with each reference.
    pub(crate) fn alike(
        &self,
        probe: &Probe,
        visit: impl FnMut(PersonId, Standing, Score),
    ) -> Result<(), ModelMismatch> {
        self.gallery.above(probe, self.alike_from, visit)
    }

    /// The scores of everybody but the best, as evidence of whether the card's promise holds. `compared` is what
    /// [`Self::compare`] said of the same probe.
    pub(crate) fn impostors(
        &self,
        probe: &Probe,
        compared: &Comparison,
    ) -> Result<Option<Impostors>, ModelMismatch> {
        let Some(floor) = self.floor else { return Ok(None) };
        let mut above = Vec::new();
        self.gallery.above(probe, floor, |person, _, score| above.push((person, score)))?;
        let (found, references) = (&compared.found, self.gallery.references());
        Ok(Some(Impostors::of(found, compared.threshold, self.margin, references, above)))
    }

    /// How many references it holds.
    pub(crate) fn references(&self) -> usize {
        self.gallery.references()
    }
}

/// The set in use: the vision thread reads it at each frame, the gate thread replaces it after an enrolment.
#[derive(Clone)]
pub(crate) struct Shared(Arc<RwLock<Arc<SearchSet>>>);

impl Shared {
    /// Starts with `set`.
    pub(crate) fn new(set: SearchSet) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(set))))
    }

    /// The newest set; it stays as it is while it is held.
    pub(crate) fn current(&self) -> Arc<SearchSet> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether nothing has been enrolled or revoked since `set` was taken.
    pub(crate) fn is_current(&self, set: &Arc<SearchSet>) -> bool {
        Arc::ptr_eq(set, &self.current())
    }

    /// Puts `set` in its place.
    pub(crate) fn replace(&self, set: SearchSet) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(set);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gate::ModelId;

    #[test]
    fn a_search_in_a_gallery_that_was_replaced_is_known_as_such() {
        let set = || {
            let gallery = Gallery::new(ModelId::new("toy"), 2);
            let (threshold, alike_from) = (Threshold::Alone(Score(0.5)), Score(0.4));
            SearchSet { gallery, threshold, alike_from, floor: None, margin: 0.08 }
        };
        let shared = Shared::new(set());
        let searched = shared.current();
        assert!(shared.is_current(&searched));
        shared.replace(set());
        assert!(!shared.is_current(&searched), "whoever was revoked in between could still be granted");
    }
}
