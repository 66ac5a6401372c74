#![allow(clippy::unwrap_used)]

use gate::Template;
use proptest::prelude::*;

use super::{
    synthetic::{Random, unit},
    *,
};

fn template(vector: Vec<f32>) -> Template {
    Template::new(ModelId::new("toy"), vector).unwrap()
}

fn person(number: u64) -> PersonId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_le_bytes());
    PersonId(id)
}

/// References in crowds, so that many are close to each other, some exactly equal, and people have several.
fn references(seed: u64, count: usize, width: usize, people: u64) -> Vec<Reference> {
    let mut random = Random::new(seed);
    let mut references: Vec<Reference> = Vec::new();
    let crowds: Vec<_> = (0..5).map(|_| unit(&mut random, width)).collect();
    for row in 0..count {
        let crowd = &crowds[random.bits() as usize % crowds.len()];
        let spread = [0.0, 0.01, 0.3, 3.0][random.bits() as usize % 4];
        let vector = crowd.iter().zip(unit(&mut random, width)).map(|(c, own)| c + spread * own).collect();
        let mut made = template(vector);
        if row > 0 && random.bits().is_multiple_of(8) {
            made = references[random.bits() as usize % row].template.clone();
        }
        let standing = if random.bits().is_multiple_of(5) { Standing::Revoked } else { Standing::Active };
        references.push(Reference { person: person(random.bits() % people), standing, template: made });
    }
    references
}

fn gallery(references: &[Reference], width: usize) -> Gallery {
    let mut gallery = Gallery::new(ModelId::new("toy"), width);
    for reference in references {
        gallery.insert(reference).unwrap();
    }
    gallery
}

/// Every row with its score, best first and of equals the first.
fn ranking(gallery: &Gallery, probe: &Probe) -> Vec<(usize, Score)> {
    let mut rows: Vec<_> = (0..gallery.references()).map(|row| (row, gallery.compare(row, probe))).collect();
    rows.sort_by(|a, b| b.1.0.total_cmp(&a.1.0));
    rows
}

/// An index says what the gallery says, by every road.
fn check(index: &Index, gallery: &Gallery, probe: &Probe) {
    let expected = gallery.search(probe).unwrap();
    assert_eq!(index.search(probe).unwrap(), expected);
    assert_eq!(index.search_every_code(probe).unwrap(), expected);
    (0..gallery.references()).for_each(|row| assert_eq!(index.owner(row), gallery.owner(row)));
    let ranking = ranking(gallery, probe);
    for count in [0, 1, 2, 7, gallery.references(), gallery.references() + 3] {
        assert_eq!(index.nearest(probe, count).unwrap(), ranking[..count.min(ranking.len())]);
    }
    for floor in [-2.0, -0.1, 0.3, 0.9, 1.0].map(Score).into_iter().chain(ranking.get(3).map(|row| row.1)) {
        let mut rows = Vec::new();
        index.above(probe, floor, |row, score| rows.push((row, score))).unwrap();
        let mut expected: Vec<_> = ranking.iter().copied().filter(|row| row.1 >= floor).collect();
        expected.sort_by_key(|row| row.0);
        assert_eq!(rows, expected);
    }
}

/// As much as several threads divide among themselves, in more than one segment.
#[test]
fn several_threads_find_what_one_finds() {
    let references = references(3, 80_000, 24, 30_000);
    let (probes, references) = references.split_at(60);
    let gallery = gallery(references, 24);
    let workers = Workers::start(3).unwrap();
    assert_eq!(workers.threads(), 3);
    let mut index = Index::new(gallery.clone(), &workers);
    assert!(index.shares.len() > 2, "nothing is shared");
    let mut grown = gallery;
    index = index.with_added(&references[..3]).unwrap();
    references[..3].iter().for_each(|reference| grown.insert(reference).unwrap());
    let probes: Vec<_> = probes.iter().map(|reference| Probe(reference.template.clone())).collect();
    let expected = exhaustive::search(&grown, &probes, 9).unwrap();
    for (probe, expected) in probes.iter().zip(expected) {
        assert_eq!(expected.persons, grown.search(probe).unwrap(), "brute force itself is wrong");
        assert_eq!(index.search(probe).unwrap(), expected.persons);
        assert_eq!(index.search_every_code(probe).unwrap(), expected.persons);
        assert_eq!(index.nearest(probe, 9).unwrap(), expected.rows);
    }
}

#[test]
fn changes_reach_every_segment() {
    let mut references = references(9, FULL + 100, 24, 300);
    let probe = Probe(references.pop().unwrap().template);
    references.iter_mut().for_each(|reference| reference.standing = Standing::Active);
    let mut index = Index::new(gallery(&references[..FULL], 24), &Workers::none());
    index = index.with_added(&references[FULL..]).unwrap();
    assert_eq!(index.segments.len(), 2);
    check(&index, &gallery(&references, 24), &probe);
    let both = |person: &PersonId| {
        let has = |part: &[Reference]| part.iter().any(|reference| reference.person == *person);
        has(&references[..FULL]) && has(&references[FULL..])
    };
    let [revoked, gone] = [0, 1].map(|nth| (0..300).map(person).filter(both).nth(nth).unwrap());
    index = index.with_standing(revoked, Standing::Revoked).without(gone);
    references.retain(|reference| reference.person != gone);
    let own = references.iter_mut().filter(|reference| reference.person == revoked);
    own.for_each(|reference| reference.standing = Standing::Revoked);
    check(&index, &gallery(&references, 24), &probe);
}

/// The full one, a million references and ten thousand probes, is the program `check-search`.
#[test]
fn a_thousand_searches_of_thirty_thousand_faces_are_identical_to_brute_force() {
    let sample = figures::Sample::new(synthetic::Spread::Faces, 30_000, 1_000, 11, &Workers::none());
    let gallery = &sample.index.segments[0].gallery;
    let expected = exhaustive::search(gallery, &sample.probes, 5).unwrap();
    for (probe, expected) in sample.probes.iter().zip(expected) {
        assert_eq!(sample.index.search(probe).unwrap(), expected.persons);
        assert_eq!(sample.index.search_every_code(probe).unwrap(), expected.persons);
        assert_eq!(sample.index.nearest(probe, 5).unwrap(), expected.rows);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn an_index_finds_what_comparing_with_every_row_finds(
        seed: u64, count in 0usize..400, width in 1usize..200, people in 1u64..50,
    ) {
        let references = references(seed, count + 1, width, people);
        let (probe, references) = references.split_last().unwrap();
        let (gallery, probe) = (gallery(references, width), Probe(probe.template.clone()));
        for kernel in Kernel::available() {
            check(&Index::new(gallery.clone(), &Workers::none()).with_kernel(kernel), &gallery, &probe);
        }
    }

    #[test]
    fn changes_leave_the_index_that_a_new_one_would_be(seed: u64, first in 0usize..60, changes in 1usize..40) {
        let mut references = references(seed, first + changes + 1, 24, 12);
        let probe = Probe(references.pop().unwrap().template);
        let added = references.split_off(first);
        let mut index = Index::new(gallery(&references, 24), &Workers::none());
        let mut random = Random::new(seed);
        for mut reference in added {
            // As the vault has it: a person has one standing.
            let other = references.iter().find(|other| other.person == reference.person);
            reference.standing = other.map_or(Standing::Active, |other| other.standing);
            index = index.with_added(std::slice::from_ref(&reference)).unwrap();
            references.push(reference);
            if random.bits().is_multiple_of(3) {
                let person = references[random.bits() as usize % references.len()].person;
                index = index.with_standing(person, Standing::Revoked);
                let own = references.iter_mut().filter(|reference| reference.person == person);
                own.for_each(|reference| reference.standing = Standing::Revoked);
            }
            if random.bits().is_multiple_of(8) {
                let person = references[random.bits() as usize % references.len()].person;
                index = index.without(person);
                references.retain(|reference| reference.person != person);
            }
            prop_assert_eq!(index.references(), references.len());
        }
        check(&index, &gallery(&references, 24), &probe);
    }
}
