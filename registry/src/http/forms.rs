//! What requests say and what answers say: the words of the interface, as `/v1/openapi.json` describes them.

use gate::{ModelId, Template};
use ledger::GroupId;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::{base64, front::Front, problem::Problem};
use crate::{
    bytes,
    operators::{May, Role},
    people::{
        Facts, PeopleError,
        consents::Consent,
        facts::{self, Attribute},
        photographs,
        register::{NewPerson, Registered, Release},
    },
};

/// Photographs of one person in one request.
const MAX_PHOTOGRAPHS: usize = 8;

/// Name and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignInForm {
    pub(super) name: String,
    pub(super) password: String,
}

/// A session.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionTold {
    /// Sent with every request as `Authorization: Bearer TOKEN`; told once.
    pub(super) token: String,
    /// When the session ends at the latest, in milliseconds since 1970.
    pub(super) ends_ms: i64,
    /// Seconds without a request after which it ends.
    pub(super) idle_s: i64,
    pub(super) operator: OperatorTold,
}

/// An operator.
#[derive(Serialize, ToSchema)]
pub(super) struct OperatorTold {
    pub(super) name: String,
    pub(super) grants: Vec<GrantTold>,
}

/// A role and where it counts.
#[derive(Serialize, ToSchema)]
pub(super) struct GrantTold {
    pub(super) role: Role,
    /// Absent: the whole tenant.
    pub(super) facility: Option<String>,
    pub(super) may: &'static [May],
}

/// A facility to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewFacility {
    pub(super) name: String,
}

/// A facility.
#[derive(Serialize, ToSchema)]
pub(super) struct FacilityTold {
    pub(super) facility: String,
    pub(super) name: String,
    /// How many people are registered there.
    pub(super) people: i64,
}

/// A facility where somebody is registered, and what it is told.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReleaseForm {
    pub(super) facility: String,
    /// Absent: all that is given.
    pub(super) release: Option<Vec<Attribute>>,
}

/// References that were made elsewhere.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TemplatesForm {
    /// The model that made them.
    pub(super) model: String,
    /// Each a vector.
    pub(super) vectors: Vec<Vec<f32>>,
}

/// Somebody to register. Without photographs and templates no face finds the person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonForm {
    pub(super) name: String,
    /// JPEG or PNG in base64, at most 8; they are not kept.
    #[serde(default)]
    pub(super) photographs: Vec<String>,
    pub(super) templates: Option<TemplatesForm>,
    #[serde(default)]
    pub(super) registered: Facts,
    /// Speaks for the household; only in a household.
    #[serde(default)]
    pub(super) representative: bool,
    /// Never shown, and not found through the family.
    #[serde(default)]
    pub(super) protected: bool,
    pub(super) consent: Option<Consent>,
}

/// Somebody to register, and where.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RegisterForm {
    pub(super) person: PersonForm,
    pub(super) facilities: Vec<ReleaseForm>,
}

/// A household to register, and where.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HouseholdForm {
    #[serde(default)]
    pub(super) names_agreed: bool,
    pub(super) members: Vec<PersonForm>,
    pub(super) facilities: Vec<ReleaseForm>,
}

/// Somebody who was registered.
#[derive(Serialize, ToSchema)]
pub(crate) struct RegisteredTold {
    /// The person's id in the registry.
    pub(crate) person: String,
    /// The ids at the facilities.
    pub(crate) enrolees: Vec<EnroleeTold>,
}

/// An id at a facility.
#[derive(Serialize, ToSchema)]
pub(crate) struct EnroleeTold {
    pub(crate) facility: String,
    pub(crate) enrolee: String,
}

/// A household that was registered.
#[derive(Serialize, ToSchema)]
pub(crate) struct HouseholdTold {
    /// Its id at each facility.
    pub(crate) households: Vec<HouseholdAt>,
    /// Its members in the order given.
    pub(crate) members: Vec<RegisteredTold>,
}

/// A household's id at a facility.
#[derive(Serialize, ToSchema)]
pub(crate) struct HouseholdAt {
    pub(crate) facility: String,
    pub(crate) household: String,
}

/// Why somebody is looked up. It is on record, and the person may read it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WhyForm {
    pub(super) why: String,
}

/// Whom to look for, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchForm {
    pub(super) facility: String,
    /// A part of the name, at least two characters.
    pub(super) name: String,
    pub(super) why: String,
}

/// What somebody is told of a person: an object with everything that is held, see `people::shown`.
#[derive(Serialize, ToSchema)]
pub(super) struct HeldTold {
    pub(super) person: String,
    pub(super) held: Json,
}

/// What shall be registered at one facility from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeForm {
    /// A new name.
    pub(super) name: Option<String>,
    pub(super) registered: Facts,
    /// Absent: all that is given.
    pub(super) release: Option<Vec<Attribute>>,
    #[serde(default)]
    pub(super) protected: bool,
}

/// A pass or a book of coupons.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EntitlementForm {
    pub(super) facility: String,
    pub(super) from: Option<String>,
    pub(super) until: Option<String>,
    /// Absent: a pass, which is not used up.
    pub(super) coupons: Option<u32>,
}

/// An id.
#[derive(Serialize, ToSchema)]
pub(super) struct IdTold {
    pub(super) id: String,
}

/// What of a household changes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NamesForm {
    /// Whether its names may be shown.
    pub(super) names_agreed: bool,
}

/// Where a person was erased.
#[derive(Serialize, ToSchema)]
pub(super) struct WithdrawnTold {
    pub(super) erased: Vec<EnroleeTold>,
}

/// A facility's id.
pub(super) fn facility(text: &str) -> Result<GroupId, Problem> {
    text.parse().map_err(|_| Problem::unusable("facility: 32 lowercase hexadecimal digits; GET /v1/facilities lists them"))
}

/// An id of 16 bytes.
pub(super) fn id(text: &str) -> Result<[u8; 16], Problem> {
    bytes::id(text).ok_or_else(|| Problem::unusable("an id has 32 lowercase hexadecimal digits"))
}

/// The facilities, and what each is told.
pub(super) fn releases(forms: &[ReleaseForm]) -> Result<Vec<Release>, Problem> {
    let read = |form: &ReleaseForm| {
        let only = form.release.clone().unwrap_or_else(|| Attribute::ALL.to_vec());
        Ok(Release { facility: facility(&form.facility)?, only })
    };
    forms.iter().map(read).collect()
}

/// Somebody to register, with references made from the photographs.
pub(super) fn person(front: &Front, form: &PersonForm) -> Result<NewPerson, Problem> {
    Ok(NewPerson {
        name: facts::name(&form.name)?,
        templates: templates(front, form)?,
        told: form.registered.check()?,
        representative: form.representative,
        protected: form.protected,
        consent: form.consent.clone(),
    })
}

fn templates(front: &Front, form: &PersonForm) -> Result<Vec<Template>, Problem> {
    if form.photographs.len() > MAX_PHOTOGRAPHS {
        return Err(Problem::unusable("at most 8 photographs of one person"));
    }
    if let Some(given) = &form.templates {
        if !form.photographs.is_empty() {
            return Err(Problem::unusable("give photographs or templates, not both"));
        }
        let model = ModelId::new(&given.model);
        let one = |vector: &Vec<f32>| Template::new(model.clone(), vector.clone());
        let templates = given.vectors.iter().map(one).collect::<Result<Vec<_>, _>>();
        return templates.map_err(|_| Problem::unusable("a template is a vector of finite numbers with a direction"));
    }
    if form.photographs.is_empty() {
        return Ok(vec![]);
    }
    let photographs = form.photographs.iter().map(|text| base64::decode(text)).collect::<Option<Vec<_>>>();
    let photographs = photographs.ok_or_else(|| Problem::unusable("a photograph is JPEG or PNG in base64"))?;
    front.networks(|vision| {
        let mut templates = vec![];
        for (number, bytes) in (1..).zip(&photographs) {
            templates.push(photographs::reference(vision, &format!("photograph {number}"), bytes)?);
        }
        photographs::same_person(vision, &templates)?;
        Ok::<_, PeopleError>(templates)
    })
}

impl From<Registered> for RegisteredTold {
    fn from(it: Registered) -> Self {
        Self { person: it.person.to_string(), enrolees: enrolees(&it.enrolees) }
    }
}

/// Ids as they are told.
pub(crate) fn enrolees(of: &[(GroupId, gate::PersonId)]) -> Vec<EnroleeTold> {
    let told = |(facility, enrolee): &(GroupId, gate::PersonId)| EnroleeTold {
        facility: facility.to_string(),
        enrolee: enrolee.to_string(),
    };
    of.iter().map(told).collect()
}
