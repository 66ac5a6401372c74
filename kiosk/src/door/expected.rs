//! Whose card or code was presented: the references with which the next faces are compared 1:1.
//!
//! The gate thread says who is expected, the vision thread compares. The references are read once, when the card is
//! presented, so that a frame costs one or two comparisons more and no search for their rows.

use std::sync::{Arc, PoisonError, RwLock};

use gate::{Claimed, ModelMismatch, PersonId, Policy, Probe, Score, Standing, Template, Threshold};
use models::{Card, verification_threshold};
use store::{Store, StoreError};

/// A person whose credential was presented.
#[derive(Debug)]
pub(crate) struct Expected {
    person: PersonId,
    standing: Standing,
    references: Vec<Template>,
    threshold: Threshold,
}

impl Expected {
    /// The owner of a credential, with the threshold for so many references: the target is for a whole visit, in which
    /// each reference is compared in each attempt.
    fn new(person: PersonId, standing: Standing, references: Vec<Template>, policy: &Policy) -> Self {
        let comparisons = references.len().max(1) as f64 * f64::from(policy.attempts.max(1));
        let threshold = verification_threshold(&Card::sface(), policy.claim.target_fmr / comparisons);
        Self { person, standing, references, threshold }
    }

    /// The owner of a credential, as the vault knows them.
    ///
    /// # Errors
    /// The vault cannot be read.
    pub(crate) fn read(store: &mut Store, person: PersonId, policy: &Policy) -> Result<Self, StoreError> {
        let model = Card::sface().model();
        let mut references = store.references_of(person)?;
        references.retain(|reference| *reference.model() == model);
        let standing = store.roster()?.get(person).map_or(Standing::Revoked, |known| known.standing);
        Ok(Self::new(person, standing, references, policy))
    }

    /// Who is expected.
    pub(crate) fn person(&self) -> PersonId {
        self.person
    }

    /// Compares a face with the owner's references.
    pub(crate) fn compare(&self, probe: &Probe) -> Result<Claimed, ModelMismatch> {
        let mut best: Option<Score> = None;
        for reference in &self.references {
            let score = reference.compare(&probe.0)?;
            // A score that is not a number stays: it reaches no threshold.
            best = Some(best.filter(|best| best.0 >= score.0 || best.0.is_nan()).unwrap_or(score));
        }
        let Self { person, standing, threshold, .. } = *self;
        Ok(Claimed { person, standing, score: best, threshold })
    }
}

/// Who is expected now; nobody most of the time.
#[derive(Debug, Clone, Default)]
pub(crate) struct SharedExpected(Arc<RwLock<Option<Arc<Expected>>>>);

impl SharedExpected {
    /// Who is expected; stays as it is while it is held.
    pub(crate) fn current(&self) -> Option<Arc<Expected>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Somebody, or nobody any more.
    pub(crate) fn replace(&self, expected: Option<Expected>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = expected.map(Arc::new);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use gate::ModelId;

    use super::*;

    const OWNER: PersonId = PersonId([1; 16]);

    fn face(vector: [f32; 2]) -> Template {
        Template::new(ModelId::new("toy"), vector.to_vec()).unwrap()
    }

    fn expected(references: &[[f32; 2]]) -> Expected {
        let references = references.iter().map(|it| face(*it)).collect();
        Expected::new(OWNER, Standing::Active, references, &Policy::default())
    }

    #[test]
    fn the_best_of_the_owners_references_counts() {
        let owner = expected(&[[0.0, 1.0], [1.0, 0.0], [0.0, -1.0]]);
        let claimed = owner.compare(&Probe(face([1.0, 0.0]))).unwrap();
        assert_eq!((claimed.person, claimed.score), (OWNER, Some(Score(1.0))));
    }

    #[test]
    fn an_owner_without_references_is_confirmed_by_no_face() {
        assert_eq!(expected(&[]).compare(&Probe(face([1.0, 0.0]))).unwrap().score, None);
    }

    #[test]
    fn more_references_ask_for_a_stricter_threshold() {
        let (one, four) = (expected(&[[1.0, 0.0]; 1]), expected(&[[1.0, 0.0]; 4]));
        assert!(four.threshold.score() > one.threshold.score());
    }
}
