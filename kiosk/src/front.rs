//! What the front desk asks by command: staff, households, cards, consent texts, and visitors entered by hand.
//!
//! A part of [`crate::service`]: the same functions answer whether a kiosk is running or not. Whoever lets people in says the
//! PIN first; the visit itself is the session's, so that it counts, and opens the door, like every other.

use gate::{
    Assurance, Attributes, CredentialKind, Date, FeeClassId, LetIn, Now, Period, PersonId, Policy, Residency,
    StaffId, Template,
};
use serde::{Deserialize, Serialize};
use store::{
    By, ConsentGiven, ConsentLanguage, ConsentText, Enrolment, GivenBy, NewEntitlement, NewHousehold,
    NewRegistration, Owner, Role, SignIn, Store, StoreError,
};
use thiserror::Error;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::service::RecordText;

/// Visitors of one entry by hand: protects the log from a slip of the finger.
const MOST_VISITORS: usize = 100;

/// A request of the front desk. It carries names and PINs, so it has no `Debug`.
#[derive(Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Ask {
    AddStaff { name: String, role: RoleText, pin: Pin },
    SetPin { staff: String, pin: Pin },
    Staff,
    RemoveStaff { staff: String },
    AddHousehold { names_agreed: bool, members: Vec<Member> },
    Bind { person: Option<String>, staff: Option<String>, kind: KindText, identifier: Vec<u8> },
    Unbind { kind: KindText, identifier: Vec<u8> },
    AddConsent { version: String, japanese: String, easy: String, english: String },
    Consents,
    Findings,
    Protect { person: String, protected: bool },
    Enter { staff: String, pin: Pin, fees: Vec<String>, release: bool },
}

/// Digits that are wiped from memory.
#[derive(Serialize, Deserialize, ZeroizeOnDrop)]
#[serde(transparent)]
pub(crate) struct Pin(pub(crate) String);

/// A role, as it crosses the socket.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RoleText {
    Reception,
    Supervisor,
}

/// A kind of credential, as it crosses the socket.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KindText {
    FacilityCard,
    Qr,
    MyNumberCard,
}

/// Somebody of a household.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) representative: bool,
    pub(crate) protected: bool,
    /// The model that made the templates.
    pub(crate) model: String,
    pub(crate) templates: Vec<Vec<f32>>,
    pub(crate) facts: Facts,
    /// The version of the text that was agreed to.
    pub(crate) consent: Option<String>,
}

/// What is registered about a person, days as `2026-11-24`.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Facts {
    pub(crate) born: Option<String>,
    /// Lives in the city (`true`) or elsewhere (`false`).
    pub(crate) resident: Option<bool>,
    pub(crate) resident_from: Option<String>,
    pub(crate) resident_until: Option<String>,
    /// The day on which these were last confirmed.
    pub(crate) confirmed: Option<String>,
    pub(crate) valid_from: Option<String>,
    pub(crate) valid_until: Option<String>,
    /// The last day of a pass, which counts from `pass_from` on.
    pub(crate) pass_until: Option<String>,
    pub(crate) pass_from: Option<String>,
    pub(crate) coupons: Option<u32>,
}

/// What the front desk is told.
#[derive(Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "kebab-case")]
pub(crate) enum Told {
    Staff { staff: Vec<StaffText> },
    Household { household: String, people: Vec<String> },
    Bound { new: bool },
    Unbound { had_owner: bool },
    Consents { versions: Vec<String>, changed: Vec<ChangedConsent> },
    Findings { findings: Vec<String> },
    Entered { visitors: usize },
    Done { record: Option<RecordText> },
}

#[derive(Serialize, Deserialize)]
pub(crate) struct StaffText {
    pub(crate) staff: String,
    pub(crate) name: String,
    pub(crate) role: RoleText,
}

/// A consent whose text is not the one that was agreed to.
#[derive(Serialize, Deserialize)]
pub(crate) struct ChangedConsent {
    pub(crate) person: String,
    pub(crate) version: String,
}

/// Why the front desk is not told.
#[derive(Debug, Error)]
pub(crate) enum FrontError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Person(#[from] gate::identifiers::NotAnIdentifier),
    #[error(transparent)]
    Template(#[from] gate::TemplateError),
    #[error("{0} is no day; write it like 2026-11-24")]
    NoDay(String),
    #[error("{0} is no id of the staff; `kiosk staff list` shows them")]
    NoStaff(String),
    #[error("there is no fee class {class} here; there are: {known}. `kiosk facility show` prints the rules")]
    NoFee { class: String, known: String },
    #[error("{0} is no number of visitors; write CLASS=N, N from 1 to {MOST_VISITORS}")]
    NoNumber(String),
    #[error("one entry has 1 to {MOST_VISITORS} visitors")]
    Visitors,
    #[error("the PIN is wrong; {left} more before a pause")]
    WrongPin { left: u32 },
    #[error("too many wrong PINs: try again in {minutes} minutes, or let a supervisor set a new one")]
    LockedOut { minutes: u64 },
}

/// What changes for a running door.
#[derive(Default)]
pub(crate) struct Changed {
    /// Who was enrolled, with their templates.
    pub(crate) enrolled: Vec<(PersonId, Vec<Template>)>,
    /// Something else about people: who is protected, for instance.
    pub(crate) people: bool,
    /// Whom the session lets in.
    pub(crate) let_in: Option<LetIn>,
}

/// Answers one request.
pub(crate) fn serve(
    store: &mut Store,
    policy: &Policy,
    now: Now,
    ask: Ask,
) -> Result<(Told, Changed), FrontError> {
    let done = |record: Option<gate::RecordId>| Told::Done { record: record.map(Into::into) };
    let told = match ask {
        Ask::AddStaff { name, role, pin } => {
            store.add_staff(now, &name, role.into(), &pin.0, By::Console)?;
            staff(store)?
        }
        Ask::SetPin { staff, pin } => {
            done(Some(store.set_pin(now, staff_id(&staff)?, &pin.0, By::Console)?))
        }
        Ask::Staff => staff(store)?,
        Ask::RemoveStaff { staff } => done(Some(store.remove_staff(now, staff_id(&staff)?, By::Console)?)),
        Ask::AddHousehold { names_agreed, members } => return household(store, now, names_agreed, members),
        Ask::Bind { person, staff, kind, identifier } => {
            let owner = match (person, staff) {
                (Some(person), _) => Owner::Person(person.parse()?),
                (None, staff) => Owner::Staff(staff_id(&staff.unwrap_or_default())?),
            };
            let identifier = Zeroizing::new(identifier);
            let bound = store.bind_credential(now, owner, kind.into(), &identifier, By::Console)?;
            Told::Bound { new: bound.is_some() }
        }
        Ask::Unbind { kind, identifier } => {
            let identifier = Zeroizing::new(identifier);
            let owner = store.unbind_credential(now, kind.into(), &identifier, By::Console)?;
            Told::Unbound { had_owner: owner.is_some() }
        }
        Ask::AddConsent { version, japanese, easy, english } => {
            let text = ConsentText { version, japanese, easy, english };
            done(store.add_consent_text(now, &text, By::Console)?)
        }
        Ask::Consents => consents(store)?,
        Ask::Findings => {
            let findings = store.roster()?.findings();
            Told::Findings { findings: findings.iter().map(ToString::to_string).collect() }
        }
        Ask::Protect { person, protected } => {
            let record = store.set_protected(now, person.parse()?, protected, By::Console)?;
            return Ok((done(Some(record)), Changed { people: true, ..Changed::default() }));
        }
        Ask::Enter { staff, pin, fees, release } => {
            return enter(store, policy, now, &staff, &pin, &fees, release);
        }
    };
    Ok((told, Changed::default()))
}

fn staff(store: &Store) -> Result<Told, FrontError> {
    let text = |member: store::StaffMember| StaffText {
        staff: hex(&member.id.0),
        name: member.name,
        role: match member.role {
            Role::Reception => RoleText::Reception,
            Role::Supervisor => RoleText::Supervisor,
        },
    };
    let members = store.staff()?.into_iter().filter(|member| !member.removed);
    Ok(Told::Staff { staff: members.map(text).collect() })
}

fn household(
    store: &mut Store,
    now: Now,
    names_agreed: bool,
    members: Vec<Member>,
) -> Result<(Told, Changed), FrontError> {
    let enrolments = members.iter().map(enrolment).collect::<Result<Vec<_>, _>>()?;
    let entitlements = members.iter().map(|it| entitlement(&it.facts)).collect::<Result<Vec<_>, _>>()?;
    let enrolled = store.enrol_household(now, NewHousehold { names_agreed, by: By::Console }, &enrolments)?;
    let mut changed = Changed { people: true, ..Changed::default() };
    for (((person, _), enrolment), entitlement) in enrolled.members.iter().zip(enrolments).zip(entitlements) {
        if let Some(entitlement) = entitlement {
            store.add_entitlement(now, *person, entitlement, By::Console)?;
        }
        changed.enrolled.push((*person, enrolment.templates));
    }
    let people = enrolled.members.iter().map(|(person, _)| person.to_string()).collect();
    Ok((Told::Household { household: hex(&enrolled.household.0), people }, changed))
}

fn enrolment(member: &Member) -> Result<Enrolment, FrontError> {
    let model = gate::ModelId::new(&member.model);
    let template = |vector: &Vec<f32>| Template::new(model.clone(), vector.clone());
    let facts = &member.facts;
    let residency = match facts.resident {
        Some(true) => {
            Some(Residency::Resident(period(facts.resident_from.as_ref(), facts.resident_until.as_ref())?))
        }
        Some(false) => Some(Residency::NonResident),
        None => None,
    };
    let given = |version: &String| ConsentGiven {
        version: version.clone(),
        language: ConsentLanguage::Japanese,
        given_by: if member.representative { GivenBy::Person } else { GivenBy::Representative },
    };
    Ok(Enrolment {
        name: member.name.clone(),
        templates: member.templates.iter().map(template).collect::<Result<_, _>>()?,
        reinstates: None,
        without_face: member.templates.is_empty(),
        registered: NewRegistration {
            representative: member.representative,
            protected: member.protected,
            attributes: Attributes {
                born: day(facts.born.as_ref())?,
                residency,
                confirmed: day(facts.confirmed.as_ref())?,
            },
            valid: period(facts.valid_from.as_ref(), facts.valid_until.as_ref())?,
            assurance: Assurance::SelfDeclared,
            ..NewRegistration::default()
        },
        consent: member.consent.as_ref().map(given),
        by: By::Console,
    })
}

fn entitlement(facts: &Facts) -> Result<Option<NewEntitlement>, FrontError> {
    let period = period(facts.pass_from.as_ref(), facts.pass_until.as_ref())?;
    let some = period != Period::ALWAYS || facts.coupons.is_some();
    Ok(some.then_some(NewEntitlement { period, coupons: facts.coupons }))
}

fn period(from: Option<&String>, until: Option<&String>) -> Result<Period, FrontError> {
    Ok(Period { from: day(from)?, until: day(until)? })
}

fn day(text: Option<&String>) -> Result<Option<Date>, FrontError> {
    text.map(|text| Date::parse(text).ok_or_else(|| FrontError::NoDay(text.clone()))).transpose()
}

fn consents(store: &Store) -> Result<Told, FrontError> {
    let changed = store.changed_consents()?;
    let changed =
        changed.into_iter().map(|(person, version)| ChangedConsent { person: person.to_string(), version });
    Ok(Told::Consents {
        versions: store.consent_texts()?.into_iter().map(|text| text.version).collect(),
        changed: changed.collect(),
    })
}

/// Whom staff let in: the PIN first, then the fee classes, which must be the facility's.
fn enter(
    store: &mut Store,
    policy: &Policy,
    now: Now,
    staff: &str,
    pin: &Pin,
    fees: &[String],
    release: bool,
) -> Result<(Told, Changed), FrontError> {
    let staff = staff_id(staff)?;
    let visitors = visitors(policy, fees)?;
    match store.sign_in(now, staff, &pin.0)? {
        SignIn::Ok { .. } => {}
        SignIn::Wrong { left } => return Err(FrontError::WrongPin { left }),
        SignIn::LockedOut { wait } => {
            return Err(FrontError::LockedOut { minutes: wait.as_secs().div_ceil(60) });
        }
    }
    let told = Told::Entered { visitors: visitors.len() };
    Ok((told, Changed { let_in: Some(LetIn { staff, visitors, release }), ..Changed::default() }))
}

fn visitors(policy: &Policy, fees: &[String]) -> Result<Vec<FeeClassId>, FrontError> {
    let known = &policy.facility.fees;
    let mut visitors = Vec::new();
    for text in fees {
        let (class, number) = text.split_once('=').unwrap_or((text, "1"));
        let number: usize = number.parse().map_err(|_| FrontError::NoNumber(text.clone()))?;
        let found = known.iter().find(|fee| &*fee.id.0 == class).ok_or_else(|| FrontError::NoFee {
            class: class.into(),
            known: known.iter().map(|fee| &*fee.id.0).collect::<Vec<_>>().join(", "),
        })?;
        if !(1..=MOST_VISITORS).contains(&number) {
            return Err(FrontError::NoNumber(text.clone()));
        }
        visitors.extend(std::iter::repeat_n(found.id.clone(), number));
    }
    match visitors.len() {
        1..=MOST_VISITORS => Ok(visitors),
        _ => Err(FrontError::Visitors),
    }
}

fn staff_id(text: &str) -> Result<StaffId, FrontError> {
    // The ids of people and of staff are written alike.
    text.parse().map(|PersonId(bytes)| StaffId(bytes)).map_err(|_| FrontError::NoStaff(text.into()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl From<RoleText> for Role {
    fn from(role: RoleText) -> Self {
        match role {
            RoleText::Reception => Self::Reception,
            RoleText::Supervisor => Self::Supervisor,
        }
    }
}

impl From<KindText> for CredentialKind {
    fn from(kind: KindText) -> Self {
        match kind {
            KindText::FacilityCard => Self::FacilityCard,
            KindText::Qr => Self::Qr,
            KindText::MyNumberCard => Self::MyNumberCard,
        }
    }
}
