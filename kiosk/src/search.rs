//! The gallery in memory and the threshold that belongs to its size: one value, replaced whole.
//!
//! It is read from the vault once. After that a change makes a new set from the old one, in memory, and the gate thread
//! puts it in place before it answers whoever asked for the change: a revocation acts at once, also in a gallery of a
//! million, where reading the vault again would take many seconds. The sets share what did not change.

use std::sync::{Arc, PoisonError, RwLock};

use gate::{
    Comparison, ModelMismatch, PersonId, Policy, Probe, Reference, Score, Standing, Template, Threshold,
};
use models::{
    Card,
    calibration::{Impostors, LiveTail, alike_from},
    search::{Index, Workers},
};
use store::{Store, StoreError};

/// What a search needs. The threshold is computed from the model's card for this many references.
#[derive(Debug)]
pub(crate) struct SearchSet {
    index: Index,
    threshold: Threshold,
    /// From this score on two enrolees are pointed out to whoever enrols.
    alike_from: Score,
    /// From this score on somebody else's reference counts for the live tail; none if the card holds no points.
    floor: Option<Score>,
    margin: f32,
    pad_floor: f32,
}

impl SearchSet {
    /// Reads everybody's references from the vault.
    pub(crate) fn load(store: &mut Store, policy: &Policy) -> Result<Self, StoreError> {
        let card = Card::sface();
        let gallery = store.gallery(&card.model(), card.output.length)?;
        Ok(Self::of(Index::new(gallery, &Workers::none()), policy))
    }

    /// This set after an enrolment: the person's references, without those of the one whose place the person takes.
    pub(crate) fn with_enrolled(
        &self,
        person: PersonId,
        templates: &[Template],
        reinstates: Option<PersonId>,
        policy: &Policy,
    ) -> Result<Self, ModelMismatch> {
        let standing = Standing::Active;
        let reference = |template: &Template| Reference { person, standing, template: template.clone() };
        let references: Vec<_> = templates.iter().map(reference).collect();
        let index = reinstates.map_or_else(|| self.index.clone(), |old| self.index.without(old));
        Ok(Self::of(index.with_added(&references)?, policy))
    }

    /// This set after a revocation.
    pub(crate) fn with_revoked(&self, person: PersonId, policy: &Policy) -> Self {
        Self::of(self.index.with_standing(person, Standing::Revoked), policy)
    }

    /// This set after an erasure: nothing of these people is in it.
    pub(crate) fn without(&self, people: &[PersonId], policy: &Policy) -> Self {
        Self::of(people.iter().fold(self.index.clone(), |index, person| index.without(*person)), policy)
    }

    /// This set by other rules: the threshold follows the policy.
    pub(crate) fn under(&self, policy: &Policy) -> Self {
        Self::of(self.index.clone(), policy)
    }

    fn of(index: Index, policy: &Policy) -> Self {
        let (card, attempts) = (Card::sface(), u32::from(policy.attempts.max(1)));
        let threshold =
            models::identification_threshold(&card, policy.target_fpir, index.references(), attempts);
        Self {
            index,
            threshold,
            alike_from: alike_from(&card, threshold, policy.margin),
            floor: LiveTail::new(&card).floor(),
            margin: policy.margin,
            pad_floor: policy.pad_floor,
        }
    }

    /// Searches for one face whose PAD score is known.
    pub(crate) fn compare(&self, probe: &Probe, pad: f32) -> Result<Comparison, ModelMismatch> {
        let found = self.index.search(probe)?;
        let references = u32::try_from(self.index.references()).unwrap_or(u32::MAX);
        Ok(Comparison { pad, found, threshold: self.threshold, references, claimed: None })
    }

    /// The threshold that belongs to it.
    pub(crate) fn threshold(&self) -> Threshold {
        self.threshold
    }

    /// Bona fide frames are evidence of how alike people look, attacks are not.
    pub(crate) fn is_bona_fide(&self, comparison: &Comparison) -> bool {
        comparison.pad >= self.pad_floor
    }

    /// From this score on two enrolees are pointed out.
    pub(crate) fn alike_from(&self) -> Score {
        self.alike_from
    }

    /// Shows everybody so alike that the door may take one for the other, with each reference.
    pub(crate) fn alike(
        &self,
        probe: &Probe,
        mut visit: impl FnMut(PersonId, Standing, Score),
    ) -> Result<(), ModelMismatch> {
        self.index.above(probe, self.alike_from, |row, score| {
            let (person, standing) = self.index.owner(row);
            visit(person, standing, score);
        })
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
        self.index.above(probe, floor, |row, score| above.push((self.index.owner(row).0, score)))?;
        let (found, references) = (&compared.found, self.index.references());
        Ok(Some(Impostors::of(found, compared.threshold, self.margin, references, above)))
    }

    /// How many references it holds.
    pub(crate) fn references(&self) -> usize {
        self.index.references()
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
    #![allow(clippy::unwrap_used)]
    use gate::{Gallery, ModelId};

    use super::*;

    fn empty() -> SearchSet {
        let gallery = Gallery::new(ModelId::new("toy"), 2);
        SearchSet::of(Index::new(gallery, &Workers::none()), &Policy::default())
    }

    fn face(vector: [f32; 2]) -> Template {
        Template::new(ModelId::new("toy"), vector.to_vec()).unwrap()
    }

    /// Who is found for this face, and whether the enrolment still counts.
    fn found(set: &SearchSet, vector: [f32; 2]) -> Option<(PersonId, Standing)> {
        let compared = set.compare(&Probe(face(vector)), 1.0).unwrap();
        compared.found.best.map(|best| (best.person, best.standing))
    }

    #[test]
    fn a_search_in_a_gallery_that_was_replaced_is_known_as_such() {
        let shared = Shared::new(empty());
        let searched = shared.current();
        assert!(shared.is_current(&searched));
        let changed = searched.with_revoked(PersonId([1; 16]), &Policy::default());
        shared.replace(changed);
        assert!(!shared.is_current(&searched), "whoever was revoked in between could still be granted");
    }

    #[test]
    fn each_change_makes_the_set_that_the_vault_would_give() {
        let (policy, [old, new]) = (Policy::default(), [PersonId([1; 16]), PersonId([2; 16])]);
        let enrolled =
            empty().with_enrolled(old, &[face([1.0, 0.0]), face([1.0, 0.1])], None, &policy).unwrap();
        assert_eq!(found(&enrolled, [1.0, 0.0]), Some((old, Standing::Active)));
        let revoked = enrolled.with_revoked(old, &policy);
        assert_eq!(found(&revoked, [1.0, 0.0]), Some((old, Standing::Revoked)));
        assert_eq!(found(&enrolled, [1.0, 0.0]), Some((old, Standing::Active)), "a set never changes");
        let reinstated = revoked.with_enrolled(new, &[face([1.0, 0.0])], Some(old), &policy).unwrap();
        assert_eq!(found(&reinstated, [1.0, 0.0]), Some((new, Standing::Active)));
        assert_eq!(reinstated.references(), 1, "the old references are still there");
    }

    #[test]
    fn a_larger_gallery_has_a_stricter_threshold() {
        let policy = Policy { target_fpir: 1e-2, attempts: 1, ..Policy::default() };
        let one = empty().with_enrolled(PersonId([1; 16]), &[face([1.0, 0.0])], None, &policy).unwrap();
        let many = one.with_enrolled(PersonId([2; 16]), &vec![face([0.0, 1.0]); 200], None, &policy).unwrap();
        assert!(many.threshold.score() > one.threshold.score());
    }
}
