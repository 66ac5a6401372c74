//! Templates and the set they are searched in.
//!
//! A template is a unit vector and the name of the model that made it; templates of different models never compare. What
//! is presented now is a [`Probe`], what is stored a [`Reference`]: two types, so that they cannot be swapped. The
//! [`Gallery`] holds references in one block of memory, and [`Gallery::search`] says by plain comparison what a search
//! finds. Whoever searches faster must find the same.

use std::{fmt, sync::Arc};

use thiserror::Error;

use crate::PersonId;

/// The model that made a template, by the id of its card.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ModelId(Arc<str>);

impl ModelId {
    /// The model whose card has this id.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self(id.into())
    }

    /// The card's id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Cosine of two templates: -1 to 1, higher is more alike. A number here may be NaN; every rule treats that as no match.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Score(pub f32);

/// A score is enough by itself from here on, or no measurement of the model says where enough would be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// At this score or above, the face alone meets the policy's target.
    Alone(Score),
    /// The target lies beyond what the model's card has measured: a second factor is required. `strongest` is the
    /// highest measured threshold, above which it is worth asking for one.
    BeyondMeasurement {
        /// The highest threshold that the card has measured.
        strongest: Score,
    },
}

impl Threshold {
    /// The score to reach, whatever follows from reaching it.
    #[must_use]
    pub fn score(self) -> Score {
        match self {
            Self::Alone(score) | Self::BeyondMeasurement { strongest: score } => score,
        }
    }

    /// The stricter of two, for a visit during which the gallery was replaced. NaN, which nobody reaches, is strictest.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        match (self, other) {
            (Self::Alone(a), Self::Alone(b)) => Self::Alone(if a.0.is_nan() || a > b { a } else { b }),
            (beyond @ Self::BeyondMeasurement { .. }, _) | (_, beyond) => beyond,
        }
    }
}

/// The numbers are no template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// A value is infinite or not a number, or all are zero.
    #[error("the vector has no direction (a value is not finite, or all are zero)")]
    NoDirection,
}

/// A face as a unit vector, comparable with templates of the same model only.
#[derive(Clone, PartialEq)]
pub struct Template {
    model: ModelId,
    vector: Box<[f32]>,
}

impl Template {
    /// Scales `vector` to unit length.
    ///
    /// # Errors
    /// [`TemplateError::NoDirection`] if that cannot be done.
    pub fn new(model: ModelId, vector: Vec<f32>) -> Result<Self, TemplateError> {
        let length = length(&vector)?;
        let mut vector = vector.into_boxed_slice();
        vector.iter_mut().for_each(|x| *x = scaled(*x, length));
        Ok(Self { model, vector })
    }

    /// Becomes the template of `vector`, by the same model, in the memory that it has: a camera's every frame makes one.
    /// A vector of another length takes new memory.
    ///
    /// # Errors
    /// [`TemplateError::NoDirection`] if `vector` cannot be scaled to unit length; then it is as before.
    pub fn replace(&mut self, vector: &[f32]) -> Result<(), TemplateError> {
        let length = length(vector)?;
        if self.vector.len() == vector.len() {
            self.vector.iter_mut().zip(vector).for_each(|(own, &x)| *own = scaled(x, length));
        } else {
            self.vector = vector.iter().map(|&x| scaled(x, length)).collect();
        }
        Ok(())
    }

    /// The model that made it.
    #[must_use]
    pub fn model(&self) -> &ModelId {
        &self.model
    }

    /// The unit vector.
    #[must_use]
    pub fn vector(&self) -> &[f32] {
        &self.vector
    }

    /// Cosine with another template.
    ///
    /// # Errors
    /// [`ModelMismatch`] if another model, or another length, made it.
    pub fn compare(&self, other: &Self) -> Result<Score, ModelMismatch> {
        if self.model != other.model || self.vector.len() != other.vector.len() {
            return Err(ModelMismatch { gallery: other.model.clone(), probe: self.model.clone() });
        }
        Ok(Score(dot(&self.vector, &other.vector)))
    }
}

/// The length of a vector that has a direction.
fn length(vector: &[f32]) -> Result<f64, TemplateError> {
    let length = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
    let good = length.is_finite() && length > f64::from(f32::MIN_POSITIVE);
    if good { Ok(length) } else { Err(TemplateError::NoDirection) }
}

/// One component of the unit vector.
#[expect(clippy::cast_possible_truncation, reason = "a component of a unit vector fits")]
fn scaled(x: f32, length: f64) -> f32 {
    (f64::from(x) / length) as f32
}

impl fmt::Debug for Template {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Template({}, {} numbers withheld)", self.model, self.vector.len())
    }
}

/// A template made from the person before the camera.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe(pub Template);

/// A template stored at enrolment, and whose it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// Whose face it is.
    pub person: PersonId,
    /// May this person still be granted?
    pub standing: Standing,
    /// The stored template.
    pub template: Template,
}

/// Whether an enrolment still counts. A revoked reference stays searchable, so that its owner is told apart from a
/// stranger and sent to the staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// May be granted.
    Active,
    /// Was revoked; never granted again under this id.
    Revoked,
}

/// One person that a search found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Who.
    pub person: PersonId,
    /// Whether the enrolment still counts.
    pub standing: Standing,
    /// The best score over the person's references.
    pub score: Score,
}

/// The two best *persons* of a search, best first.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Candidates {
    /// The best.
    pub best: Option<Candidate>,
    /// The best of everybody else.
    pub runner_up: Option<Candidate>,
}

impl Candidates {
    /// Takes one more comparison into account. Of equal scores the one met first stays ahead, so whoever splits a search
    /// puts its parts together in the order of the rows.
    pub fn meet(&mut self, new: Candidate) {
        let ahead = self.best.is_none_or(|best| new.score > best.score);
        let same = self.best.is_some_and(|best| best.person == new.person);
        match (ahead, same) {
            (true, true) => self.best = Some(new),
            (true, false) => {
                self.runner_up = self.best;
                self.best = Some(new);
            }
            (false, false) if self.runner_up.is_none_or(|second| new.score > second.score) => {
                self.runner_up = Some(new);
            }
            (false, _) => {}
        }
    }
}

/// Two templates of different models, or of different lengths.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a template of {probe} cannot be compared with one of {gallery}: enrol again with the model in use")]
pub struct ModelMismatch {
    /// The model of what is stored.
    pub gallery: ModelId,
    /// The model of what was presented.
    pub probe: ModelId,
}

/// The set that is searched: an immutable snapshot, references of one model in one block of memory.
#[derive(Clone)]
pub struct Gallery {
    model: ModelId,
    width: usize,
    owners: Vec<(PersonId, Standing)>,
    vectors: Vec<f32>,
}

impl Gallery {
    /// An empty gallery of a model whose templates have `width` numbers.
    #[must_use]
    pub fn new(model: ModelId, width: usize) -> Self {
        Self { model, width, owners: Vec::new(), vectors: Vec::new() }
    }

    /// Adds one reference.
    ///
    /// # Errors
    /// [`ModelMismatch`] if another model made it; the gallery is unchanged.
    pub fn insert(&mut self, reference: &Reference) -> Result<(), ModelMismatch> {
        self.check(&reference.template)?;
        self.owners.push((reference.person, reference.standing));
        self.vectors.extend_from_slice(reference.template.vector());
        Ok(())
    }

    /// The same gallery without the rows of one person; nothing if there are none.
    #[must_use]
    pub fn without(&self, person: PersonId) -> Option<Self> {
        self.owners.iter().find(|owner| owner.0 == person)?;
        let mut kept = Self::new(self.model.clone(), self.width);
        for (&owner, vector) in self.owners.iter().zip(self.vectors.chunks_exact(self.width)) {
            if owner.0 != person {
                kept.owners.push(owner);
                kept.vectors.extend_from_slice(vector);
            }
        }
        Some(kept)
    }

    /// The model whose templates it holds.
    #[must_use]
    pub fn model(&self) -> &ModelId {
        &self.model
    }

    /// How many references a search compares with.
    #[must_use]
    pub fn references(&self) -> usize {
        self.owners.len()
    }

    /// How many numbers each of its templates has.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Whose reference a row is, and whether it still counts. Rows are numbered from zero in the order of insertion.
    ///
    /// # Panics
    /// There is no such row.
    #[must_use]
    pub fn owner(&self, row: usize) -> (PersonId, Standing) {
        self.owners[row]
    }

    /// The unit vector of a row.
    ///
    /// # Panics
    /// There is no such row.
    #[must_use]
    pub fn vector(&self, row: usize) -> &[f32] {
        &self.vectors[row * self.width..][..self.width]
    }

    /// The unit vectors of all rows, one after another.
    #[must_use]
    pub fn vectors(&self) -> &[f32] {
        &self.vectors
    }

    /// Compares the probe with one row, by the very arithmetic of [`Gallery::search`]. For an index that has asked
    /// [`Gallery::check`] once.
    ///
    /// # Panics
    /// There is no such row.
    #[must_use]
    pub fn compare(&self, row: usize, probe: &Probe) -> Score {
        Score(dot(probe.0.vector(), self.vector(row)))
    }

    /// Compares the probe with every reference (1:N) and returns the two best persons. It reads every number: the plain
    /// statement of what a search is, against which faster ones are tested.
    ///
    /// # Errors
    /// [`ModelMismatch`] if another model made the probe.
    pub fn search(&self, probe: &Probe) -> Result<Candidates, ModelMismatch> {
        self.check(&probe.0)?;
        let mut found = Candidates::default();
        for (&(person, standing), vector) in self.owners.iter().zip(self.vectors.chunks_exact(self.width)) {
            let score = Score(dot(probe.0.vector(), vector));
            found.meet(Candidate { person, standing, score });
        }
        Ok(found)
    }

    /// Can this template be compared with those held?
    ///
    /// # Errors
    /// [`ModelMismatch`] if another model made it, or it has another length.
    pub fn check(&self, template: &Template) -> Result<(), ModelMismatch> {
        if *template.model() == self.model && template.vector().len() == self.width {
            return Ok(());
        }
        Err(ModelMismatch { gallery: self.model.clone(), probe: template.model().clone() })
    }
}

impl fmt::Debug for Gallery {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Gallery({}, {} references)", self.model, self.references())
    }
}

/// Eight partial sums, so that the compiler can keep them in one vector register.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 8;
    let mut sums = [0.0f32; LANES];
    let (a_blocks, b_blocks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = a_blocks.remainder().iter().zip(b_blocks.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_blocks.zip(b_blocks) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn template(vector: [f32; 2]) -> Template {
        Template::new(ModelId::new("toy"), vector.to_vec()).unwrap()
    }

    fn gallery(people: &[(u8, [f32; 2])]) -> Gallery {
        let mut gallery = Gallery::new(ModelId::new("toy"), 2);
        for &(person, vector) in people {
            let reference = Reference {
                person: PersonId([person; 16]),
                standing: Standing::Active,
                template: template(vector),
            };
            gallery.insert(&reference).unwrap();
        }
        gallery
    }

    #[test]
    fn the_runner_up_is_another_person_however_many_references_the_best_has() {
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
            let people = [(1, [1.0, 0.0]), (1, [1.0, 0.01]), (1, [1.0, 0.02]), (2, [0.5, 0.5])];
            let gallery = gallery(&order.map(|i| people[i]));
            let found = gallery.search(&Probe(template([1.0, 0.0]))).unwrap();
            assert_eq!(found.best.unwrap().person, PersonId([1; 16]));
            assert_eq!(found.runner_up.unwrap().person, PersonId([2; 16]));
        }
    }

    #[test]
    fn templates_of_another_model_are_refused() {
        let foreign = Template::new(ModelId::new("other"), vec![1.0, 0.0]).unwrap();
        assert!(gallery(&[(1, [1.0, 0.0])]).search(&Probe(foreign.clone())).is_err());
        assert!(foreign.compare(&template([1.0, 0.0])).is_err());
    }

    #[test]
    fn numbers_without_a_direction_are_no_template() {
        for vector in [vec![0.0, 0.0], vec![f32::NAN, 1.0], vec![f32::INFINITY, 1.0], vec![]] {
            assert_eq!(Template::new(ModelId::new("toy"), vector), Err(TemplateError::NoDirection));
        }
    }

    #[test]
    fn a_template_that_is_replaced_is_a_unit_vector_again_or_as_it_was() {
        let mut replaced = template([0.6, 0.8]);
        for vector in
            [vec![0.0, 0.0], vec![f32::NAN, 1.0], vec![1.0, f32::NEG_INFINITY], vec![], vec![0.0; 7]]
        {
            assert_eq!(replaced.replace(&vector), Err(TemplateError::NoDirection));
            assert_eq!(replaced, template([0.6, 0.8]));
        }
        for vector in [vec![-30.0, 40.0], vec![1e-20, 3e-20], vec![1.0, 2.0, 2.0], vec![5.0]] {
            assert_eq!(replaced.replace(&vector), Ok(()));
            assert_eq!(replaced, Template::new(ModelId::new("toy"), vector).unwrap());
        }
    }

    #[test]
    fn a_template_does_not_print_its_numbers() {
        assert_eq!(format!("{:?}", template([0.6, 0.8])), "Template(toy, 2 numbers withheld)");
    }

    #[test]
    fn beyond_measurement_is_stricter_than_any_score() {
        let beyond = Threshold::BeyondMeasurement { strongest: Score(0.4) };
        let alone = Threshold::Alone(Score(0.9));
        assert_eq!(alone.stricter(beyond), beyond);
        assert_eq!(beyond.stricter(alone), beyond);
        assert_eq!(alone.stricter(Threshold::Alone(Score(0.5))), alone);
    }
}
