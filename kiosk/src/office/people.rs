//! What is held about a person: looked up, given out, erased. Each of these is on record before anything is told.

use gate::{Assurance, Now, PersonId, Residency, Standing};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{By, Store, StoreError};

use super::{Changed, OfficeError};
use crate::service::RecordText;

/// Somebody on the list. It has names, so it has no `Debug`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Listed {
    pub(crate) person: String,
    /// None for protected people: theirs is shown by `kiosk person show` alone, which is on record.
    pub(crate) name: Option<String>,
    pub(crate) active: bool,
    pub(crate) references: u32,
    pub(crate) household: Option<String>,
    pub(crate) representative: bool,
    pub(crate) protected: bool,
    pub(crate) valid_from: Option<String>,
    pub(crate) valid_until: Option<String>,
}

/// What a look-up shows. It has a name, so it has no `Debug`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Shown {
    #[serde(flatten)]
    pub(crate) listed: Listed,
    pub(crate) born: Option<String>,
    /// `resident`, `non-resident`; none if not known here.
    pub(crate) residency: Option<String>,
    pub(crate) resident_from: Option<String>,
    pub(crate) resident_until: Option<String>,
    /// When somebody last confirmed these.
    pub(crate) confirmed: Option<String>,
    pub(crate) assurance: String,
    pub(crate) passes: usize,
    pub(crate) cards: usize,
    pub(crate) consents: Vec<String>,
    /// The enrolment that took the place of this one.
    pub(crate) reinstated_as: Option<String>,
}

/// Who was erased, and what could not be reached.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Erased {
    /// Every id of that person.
    pub(crate) people: Vec<String>,
    pub(crate) record: RecordText,
    /// Older pages of the data file were overwritten at once.
    pub(crate) log_emptied: bool,
}

/// Everybody who is or was enrolled and was not erased.
pub(super) fn list(store: &Store) -> Result<Vec<Listed>, StoreError> {
    Ok(store.people()?.into_iter().map(listed).collect())
}

fn listed(person: store::Person) -> Listed {
    let registered = person.registered;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Listed {
        person: person.id.to_string(),
        name: Some(person.name).filter(|_| !registered.protected),
        active: person.standing == Standing::Active,
        references: person.references,
        household: registered.household.map(|household| hex(&household.0)),
        representative: registered.representative,
        protected: registered.protected,
        valid_from: registered.valid.from.map(|day| day.to_string()),
        valid_until: registered.valid.until.map(|day| day.to_string()),
    }
}

/// Looks somebody up.
pub(super) fn show(store: &mut Store, now: Now, person: &str, why: &str) -> Result<Shown, OfficeError> {
    let id: PersonId = person.parse()?;
    store.record_access(now, id, By::Console, why)?;
    let known =
        store.people()?.into_iter().find(|known| known.id == id).ok_or(StoreError::UnknownPerson(id))?;
    let attributes = known.registered.attributes;
    let text = |day: Option<gate::Date>| day.map(|day| day.to_string());
    let (residency, period) = match attributes.residency {
        Some(Residency::Resident(period)) => (Some("resident"), period),
        Some(Residency::NonResident) => (Some("non-resident"), gate::Period::ALWAYS),
        None => (None, gate::Period::ALWAYS),
    };
    let roster = store.roster()?;
    Ok(Shown {
        born: text(attributes.born),
        residency: residency.map(str::to_owned),
        resident_from: text(period.from),
        resident_until: text(period.until),
        confirmed: text(attributes.confirmed),
        assurance: match known.registered.assurance {
            Assurance::SelfDeclared => "self-declared".into(),
            Assurance::PhotoMatched => "photo-matched".into(),
            Assurance::JpkiVerified => "jpki-verified".into(),
        },
        passes: roster.get(id).map_or(0, |it| it.entitlements.len()),
        cards: store.credentials_of(store::Owner::Person(id))?.len(),
        consents: store.consents_of(id)?.into_iter().map(|consent| consent.given.version).collect(),
        reinstated_as: known.reinstated_as.map(|it| it.to_string()),
        listed: Listed { name: Some(known.name.clone()), ..listed(known) },
    })
}

/// Everything that is held about a person.
pub(super) fn export(store: &mut Store, now: Now, person: &str, why: &str) -> Result<Value, OfficeError> {
    Ok(store.export_person(now, person.parse()?, By::Console, why)?.json())
}

/// Erases a person, under all ids that are theirs. A running door forgets them before this is told.
pub(super) fn erase(store: &mut Store, now: Now, person: &str) -> Result<(Erased, Changed), OfficeError> {
    let erased = store.erase(now, person.parse()?, By::Console)?;
    let told = Erased {
        people: erased.people.iter().map(ToString::to_string).collect(),
        record: erased.record.into(),
        log_emptied: erased.log_emptied,
    };
    Ok((told, Changed { erased: erased.people, ..Changed::default() }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use gate::{Policy, Probe, Template};
    use store::{Enrolment, NewRegistration};

    use super::*;
    use crate::{
        clock,
        commands::vault,
        office::{Ask, Told},
        search::SearchSet,
        service::{Answer, Request, Served, serve},
    };

    struct Site {
        store: Store,
        _folder: tempfile::TempDir,
    }

    impl Site {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let data = folder.path().join("data");
            vault::init_sample(&data).unwrap();
            Self { store: vault::open(&data).unwrap(), _folder: folder }
        }

        fn now(&self) -> Now {
            clock::now(clock::system().as_ref())
        }

        fn enrol(&mut self, name: &str, axis: usize, registered: NewRegistration) -> PersonId {
            let now = self.now();
            let templates = vec![face(axis)];
            let enrolment = Enrolment { name: name.into(), templates, registered, ..Enrolment::default() };
            self.store.enrol(now, enrolment).unwrap().0
        }

        fn ask(&mut self, set: &SearchSet, ask: Ask) -> Served {
            let now = self.now();
            serve(&mut self.store, set, &Policy::default(), None, now, Request::Office { ask }).unwrap()
        }
    }

    fn face(axis: usize) -> Template {
        let mut vector = vec![0.0; 128];
        vector[axis] = 1.0;
        Template::new(models::Card::sface().model(), vector).unwrap()
    }

    #[test]
    fn whoever_is_erased_is_not_searched_any_more_when_it_is_told() {
        let mut site = Site::new();
        let (gone, stays) = (
            site.enrol("見本 太郎", 1, NewRegistration::default()),
            site.enrol("見本 花子", 2, NewRegistration::default()),
        );
        let set = SearchSet::load(&mut site.store, &Policy::default()).unwrap();
        let served = site.ask(&set, Ask::Erase { person: gone.to_string() });
        let Answer::Office { told: Told::Erased(erased) } = served.answer else {
            panic!("an erasure is due")
        };
        assert_eq!(erased.people, [gone.to_string()]);
        let after = served.set.expect("the door forgets them");
        assert_eq!(after.references(), 1);
        let best = after.compare(&Probe(face(1)), 1.0).unwrap().found.best.unwrap();
        assert_eq!(best.person, stays);
        assert!(site.store.roster().unwrap().get(gone).is_none());
        let read = SearchSet::load(&mut site.store, &Policy::default()).unwrap();
        assert_eq!(after.threshold(), read.threshold());
    }

    #[test]
    fn a_look_up_is_on_record_before_it_shows_anything_and_needs_a_reason() {
        let mut site = Site::new();
        let person = site.enrol("見本 太郎", 1, NewRegistration::default());
        let now = site.now();
        assert!(show(&mut site.store, now, &person.to_string(), " ").is_err());
        let shown = show(&mut site.store, now, &person.to_string(), "電話での問い合わせ").unwrap();
        assert_eq!(shown.listed.name.as_deref(), Some("見本 太郎"));
        let accesses = site.store.accesses_of(person).unwrap();
        assert_eq!(accesses.len(), 1);
        assert_eq!(accesses[0].why, "電話での問い合わせ");
    }

    #[test]
    fn an_export_holds_the_name_and_lists_itself_among_the_accesses() {
        let mut site = Site::new();
        let person = site.enrol("見本 太郎", 1, NewRegistration::default());
        let now = site.now();
        let held = export(&mut site.store, now, &person.to_string(), "開示請求").unwrap();
        assert_eq!((&held["name"], held["accesses"].as_array().unwrap().len()), (&"見本 太郎".into(), 1));
        assert_eq!(held["accesses"][0]["why"], "開示請求");
    }

    #[test]
    fn the_list_does_not_tell_a_protected_name() {
        let mut site = Site::new();
        let registered = NewRegistration { protected: true, ..NewRegistration::default() };
        site.enrol("見本 双葉", 1, registered);
        let all = list(&site.store).unwrap();
        let text = serde_json::to_string(&all).unwrap();
        assert!(all[0].protected && !text.contains("双葉"), "{text}");
    }
}
