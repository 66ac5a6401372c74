//! Enrolments and requests as a command makes them, on a vault of made-up people.

#![allow(clippy::unwrap_used)]
use super::*;
use crate::{clock, commands::vault};

/// A vault of made-up people, and requests to it by a policy so strict that the strictest threshold is in use.
struct Site {
    store: Store,
    /// What is searched, changed in memory only.
    set: SearchSet,
    policy: Policy,
    _folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        vault::init_sample(&data).unwrap();
        let policy = Policy { target_fpir: 1e-4, ..Policy::default() };
        let mut store = vault::open(&data).unwrap();
        Self { set: SearchSet::load(&mut store, &policy).unwrap(), store, policy, _folder: folder }
    }

    /// Enrols somebody with the [`face`] of these numbers.
    fn enrol(&mut self, cosine: f32, axis: usize) -> Result<Enrolled, ServeError> {
        self.enrol_again(cosine, axis, None)
    }

    fn enrol_again(
        &mut self,
        cosine: f32,
        axis: usize,
        reinstate: Option<String>,
    ) -> Result<Enrolled, ServeError> {
        let model = models::Card::sface().model().as_str().to_owned();
        let templates = vec![face(cosine, axis)];
        let request = Request::Enrol { name: "見本".into(), model, templates, reinstate };
        let Answer::Enrolled(enrolled) = self.ask(request)? else { panic!("an enrolment is due") };
        Ok(enrolled)
    }

    fn ask(&mut self, request: Request) -> Result<Answer, ServeError> {
        let now = clock::now(clock::system().as_ref());
        let served = serve(&mut self.store, &self.set, &self.policy, None, now, request)?;
        if let Some(set) = served.set {
            self.set = set;
            self.check_against_vault();
        }
        Ok(served.answer)
    }

    /// The set that was changed in memory finds for every face what one read from the vault finds.
    fn check_against_vault(&mut self) {
        let read = SearchSet::load(&mut self.store, &self.policy).unwrap();
        let model = models::Card::sface().model();
        for axis in 0..10 {
            let probe = Probe(Template::new(model.clone(), face(0.7, axis)).unwrap());
            let all = |set: &SearchSet| {
                let compared = set.compare(&probe, 1.0).unwrap();
                let impostors = set.impostors(&probe, &compared).unwrap();
                let mut alike = Vec::new();
                let visit = |person, standing, score| alike.push((person, standing, score));
                set.alike(&probe, visit).unwrap();
                (compared, impostors, alike, set.alike_from())
            };
            assert_eq!(all(&self.set), all(&read), "memory and vault differ");
        }
    }
}

/// A template that has this cosine with the first axis and lies on an axis of its own otherwise.
fn face(cosine: f32, axis: usize) -> Vec<f32> {
    let mut template = vec![0.0; 128];
    template[axis] = (1.0 - cosine * cosine).sqrt();
    template[0] = cosine;
    template
}

fn named(enrolled: &Enrolled) -> Vec<(&str, bool)> {
    enrolled.alike.iter().map(|other| (other.person.as_str(), other.matches)).collect()
}

#[test]
fn whoever_enrols_is_told_of_everybody_within_the_margin_below_the_threshold() {
    let mut site = Site::new();
    let far = site.enrol(0.38, 1).unwrap();
    let near = site.enrol(0.40, 2).unwrap();
    assert_eq!((named(&far), &near.advice), (vec![], &None), "0.15 is far from everybody");
    let same = site.enrol(0.48, 3).unwrap();
    let new = site.enrol(1.0, 4).unwrap();
    assert_eq!(named(&new), [(same.person.as_str(), true), (near.person.as_str(), false)]);
    assert!((new.alike[1].score - 0.40).abs() < 1e-6 && (new.alike_from - 0.387).abs() < 1e-6);
    assert!(new.advice.unwrap().contains("second factor"));
}

#[test]
fn in_a_crowd_of_alikes_the_nearest_are_named_and_all_are_counted() {
    let mut site = Site::new();
    // Each has 0.43 squared with the others, and 0.43 with the last.
    (0..20).for_each(|axis| drop(site.enrol(0.43 + 0.001 * axis as f32, axis + 1).unwrap()));
    let new = site.enrol(1.0, 40).unwrap();
    assert_eq!((new.alike.len(), new.alike_in_all), (MOST_ALIKE, 20));
    assert!(new.alike.is_sorted_by(|one, other| one.score > other.score));
}

#[test]
fn a_revoked_enrolment_is_noticed_behind_any_number_of_active_ones() {
    let mut site = Site::new();
    let revoked = site.enrol(0.47, 1).unwrap().person;
    (2..5).for_each(|axis| drop(site.enrol(0.6, axis).unwrap()));
    site.ask(Request::Revoke { person: revoked.clone(), reason: "moved".into() }).unwrap();
    let error = site.enrol(1.0, 9).err().unwrap().to_string();
    assert!(error.contains(&revoked), "{error}");
}

#[test]
fn whoever_is_reinstated_is_found_under_the_new_id_only() {
    let mut site = Site::new();
    let old = site.enrol(1.0, 1).unwrap().person;
    site.enrol(0.1, 2).unwrap();
    site.ask(Request::Revoke { person: old.clone(), reason: "moved".into() }).unwrap();
    let new = site.enrol_again(1.0, 1, Some(old)).unwrap();
    let (model, template) = (models::Card::sface().model().as_str().to_owned(), face(1.0, 1));
    let Answer::Identified(found) =
        site.ask(Request::Identify { model, template, pad: 1.0, claim: None }).unwrap()
    else {
        panic!("a judgement is due")
    };
    assert_eq!((found.person, found.references), (Some(new.person), 2));
}

#[test]
fn a_name_with_an_individual_number_in_it_enrols_nobody() {
    let mut site = Site::new();
    let (model, templates) = (models::Card::sface().model().as_str().to_owned(), vec![face(1.0, 1)]);
    let name = "山田 1234-5678-9018".into();
    let refused = site.ask(Request::Enrol { name, model, templates, reinstate: None });
    assert!(matches!(refused, Err(ServeError::IndividualNumber)));
    assert!(site.enrol(1.0, 1).unwrap().alike.is_empty(), "nobody was there before");
}

#[test]
fn without_a_running_kiosk_the_status_has_a_threshold_and_no_live_tail() {
    let mut site = Site::new();
    site.enrol(1.0, 1).unwrap();
    let Ok(Answer::Status(status)) = site.ask(Request::Status) else { panic!("a status is due") };
    assert_eq!(status.threshold.references, 1);
    assert!(status.live.is_none());
}
