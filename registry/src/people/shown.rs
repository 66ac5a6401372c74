//! What is held about a person, as it is shown and exported: everything, in words.

use gate::{Date, Period, Residency};
use records::Word as _;
use serde_json::{Value as Json, json};

use super::{
    PeopleError,
    look_up::{self, AccessKind},
    pen::Pen,
    registrations::{Held, Person},
};

/// What an operator may see of a person: one entry for each facility. An export also has the references, the consents, and
/// who looked, when and why.
pub(crate) fn shown(
    pen: &mut dyn Pen,
    person: Person,
    held: &[Held],
    kind: AccessKind,
) -> Result<Json, PeopleError> {
    let mut registrations = vec![];
    for it in held {
        let mut told = registration(it);
        let entitlements = look_up::entitlements_of(pen, &it.known)?;
        let told_of = |one: &look_up::KeptEntitlement| {
            let (days, coupons) = (one.value.get("period"), one.value.get("coupons"));
            let day = |at: usize| days.and_then(|it| it.as_array()?.get(at)?.as_text().map(str::to_owned));
            json!({
                "id": crate::bytes::hex(&one.entitlement),
                "from": day(0),
                "until": day(1),
                "coupons": coupons.and_then(ledger::Value::as_int),
                "withdrawn": one.withdrawn,
            })
        };
        told["entitlements"] = entitlements.iter().map(told_of).collect();
        if kind == AccessKind::Export {
            told["model"] = it.profile.model.as_ref().map(|model| model.as_str().to_owned()).into();
            let templates = it.profile.references().ok_or(PeopleError::Damaged("registrations"))?;
            told["templates"] = templates.iter().map(|it| json!(it.vector())).collect();
            told["accesses"] = json!(look_up::accesses_of(pen, &it.known)?);
        }
        registrations.push(told);
    }
    let mut all = json!({ "person": person.to_string(), "registrations": registrations });
    if kind == AccessKind::Export {
        all["consents"] = json!(look_up::consents_of(pen, person)?);
    }
    Ok(all)
}

/// One registration, without what only an export has.
pub(crate) fn registration(held: &Held) -> Json {
    let registered = &held.profile.registered;
    let (residency, resident) = match registered.attributes.residency {
        Some(Residency::Resident(period)) => (Some("resident"), period),
        Some(Residency::NonResident) => (Some("non-resident"), Period::ALWAYS),
        None => (None, Period::ALWAYS),
    };
    json!({
        "facility": held.known.facility.to_string(),
        "enrolee": held.known.enrolee.to_string(),
        "person": held.person.to_string(),
        "name": held.profile.name,
        "household": registered.household.map(|it| crate::bytes::hex(&it.0)),
        "representative": registered.representative,
        "protected": registered.protected,
        "born": day(registered.attributes.born),
        "residency": residency,
        "resident_from": day(resident.from),
        "resident_until": day(resident.until),
        "confirmed": day(registered.attributes.confirmed),
        "valid_from": day(registered.valid.from),
        "valid_until": day(registered.valid.until),
        "assurance": registered.assurance.word(),
    })
}

fn day(day: Option<Date>) -> Option<String> {
    day.map(|day| day.to_string())
}
