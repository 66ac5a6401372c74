//! The demonstration's people, the rules they meet and what happens, in order.

use std::{
    error::Error,
    path::{Path, PathBuf},
    time::Duration,
};

use gate::{
    Attributes, ChallengeDemand, CredentialKind, Date, Period, PersonId, Policy, Residency, SensorTier,
};
use models::{Image, Vision};
use store::{By, Enrolment, NewHousehold, NewRegistration, Owner, Store};

use crate::{clock, commands::vault, facility_file};

/// The sample people: name, and the photograph to enrol from; a newborn has none. The second speaks for a household of
/// two, the third has the second's face.
pub(super) const PEOPLE: [(&str, Option<&str>); 5] = [
    ("見本 太郎", Some("person-a-1.jpg")),
    ("見本 花子", Some("person-b-1.jpg")),
    ("見本 つぼみ", None),
    ("見本 双葉", Some("person-b-1.jpg")),
    ("見本 次郎", Some("stranger-2.png")),
];

/// The card of 見本 花子.
pub(super) const CARD: &[u8] = b"demonstration";

/// What the facility asks: nothing is closed, and whoever lives in the city pays nothing.
const FACILITY: &str = r#"
[face]
patience_s = 4

[[fee]]
id = "resident"
yen = 0
ja = "市内在住　無料"
easy = "市《し》に　すんでいる　人《ひと》　0円《えん》"
en = "City resident, free"
resident = true

[[fee]]
id = "other"
yen = 500
ja = "市外在住　500円"
easy = "ほかの　人《ひと》　500円《えん》"
en = "Non-resident, 500 yen"
"#;

/// What happens before a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    Nothing,
    /// This person's enrolment is revoked.
    Revoked(usize),
    /// The card is held to the reader.
    Card,
    /// From now on the camera is one that sees colours only, as at most doors.
    ColourCamera,
}

/// One visit: the photograph shown, what happens before, and the outcome it must have.
pub(super) struct Visit {
    pub(super) photo: &'static str,
    pub(super) before: Before,
    pub(super) outcome: &'static str,
}

/// Made from a sample photograph when the demonstration starts.
pub(super) const BLURRED: &str = "blurred.png";

const fn visit(photo: &'static str, before: Before, outcome: &'static str) -> Visit {
    Visit { photo, before, outcome }
}

/// What happens, in order.
pub(super) const VISITS: [Visit; 8] = [
    visit("person-a-2.jpg", Before::Nothing, "granted"),
    visit("stranger-1.jpg", Before::Nothing, "no-match"),
    visit(BLURRED, Before::Nothing, "low-quality"),
    visit("person-b-2.jpg", Before::Nothing, "ambiguous"),
    visit("person-a-2.jpg", Before::Revoked(0), "revoked"),
    // The way that the screen of the fourth visit offered: her card, and her face for herself and the baby.
    visit("person-b-2.jpg", Before::Card, "granted"),
    // The same card in somebody else's hand.
    visit("stranger-1.jpg", Before::Card, "claim-not-confirmed"),
    // The very photograph that was enrolled cannot turn its head.
    visit("stranger-2.png", Before::ColourCamera, "not-turned"),
];

/// The rules of the demonstration.
pub(super) fn policy() -> Result<Policy, Box<dyn Error>> {
    let rules = facility_file::parse("(demonstration)", FACILITY)?;
    let policy = rules.policy_at(None, SensorTier::Simulated);
    // Somebody who watches does not wait a quarter of a minute for a head that cannot turn.
    let turn = ChallengeDemand { time_limit: Duration::from_secs(5), ..policy.turn };
    Ok(Policy { turn, ..policy })
}

/// Makes the data directory and enrols everybody. The ids come in the order of [`PEOPLE`].
pub(super) fn enrol(
    data: &Path,
    photos: &Path,
    vision: &mut Vision,
) -> Result<(Store, Vec<PersonId>), Box<dyn Error>> {
    vault::init_sample(data)?;
    let mut store = vault::open(data)?;
    let now = clock::now(clock::system().as_ref());
    let enrolments =
        PEOPLE.map(|(name, photo)| enrolment(name, photo.map(|photo| photos.join(photo)), vision));
    let [first, mother, newborn, twin, last] = enrolments;
    let mother =
        Enrolment { registered: NewRegistration { representative: true, ..resident(1986) }, ..mother? };
    let (first, _) = store.enrol(now, first?)?;
    let household = NewHousehold { names_agreed: false, by: By::Console };
    let family = store.enrol_household(now, household, &[mother, newborn?])?;
    let mut people = vec![first];
    people.extend(family.members.iter().map(|(person, _)| *person));
    people.push(store.enrol(now, twin?)?.0);
    people.push(store.enrol(now, last?)?.0);
    store.bind_credential(now, Owner::Person(people[1]), CredentialKind::FacilityCard, CARD, By::Console)?;
    Ok((store, people))
}

fn enrolment(name: &str, photo: Option<PathBuf>, vision: &mut Vision) -> Result<Enrolment, Box<dyn Error>> {
    let templates = match &photo {
        Some(photo) => vec![vision.enrol_photo(&Image::open(photo)?)?.template],
        None => Vec::new(),
    };
    Ok(Enrolment {
        name: name.into(),
        templates,
        reinstates: None,
        without_face: photo.is_none(),
        registered: resident(if photo.is_some() { 1986 } else { 2026 }),
        consent: None,
        by: By::Console,
    })
}

/// Somebody who lives in the city.
fn resident(born: u16) -> NewRegistration {
    let attributes = Attributes {
        born: Date::new(born, 7, 7),
        residency: Some(Residency::Resident(Period::ALWAYS)),
        confirmed: Date::new(2026, 11, 1),
    };
    NewRegistration { attributes, ..NewRegistration::default() }
}
