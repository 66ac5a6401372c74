//! What each kind of record says. The ledger has no floats: a score is a whole number of millionths, a number that is not
//! finite is null. Times in milliseconds. Names and templates stand only in the personal part.
//!
//! | kind | fields |
//! |---|---|
//! | `Decision` | `visit`, `track`, `mode`, `way`, `outcome`, and with it `issue`, `part`, `staff`, `credential` or `refusal`; `person`, `party` [[person, fee, uses, stale, again]..], `by_hand` [fee..], `score`, `threshold`, `alone`, `lead`, `pad`, `references`, `frames`, `door`, `lasted_ms` |
//! | `Released` | `grant` [run, seq], `result`, `pulse_ms` |
//! | `Door` | `event`, `grant` [run, seq] |
//! | `Left` | `person` |
//! | `Corrected` | `visit` [run, seq], `party`, `by_hand` as in a decision, `why`, `by` |
//! | `StaffCalled` | |
//! | `Failed`, `Restored` | `part` |
//! | `Enrolled` | `person`, `model`, `references`, `reinstates`, `by`; personal: `name`, `templates`, `registered` |
//! | `Registered` | `person`, `by`; personal: all that is registered |
//! | `Household` | `household`, `members`, `names_agreed`, `by` |
//! | `EntitlementGiven` | `person`, `entitlement`, `by`; personal: `period`, `coupons` |
//! | `EntitlementWithdrawn` | `person`, `entitlement`, `by` |
//! | `ConsentText` | `version`, `digest`, `by` |
//! | `Consented` | `person`, `version`, `digest`, `language`, `given_by`, `by` |
//! | `Revoked` | `person`; personal: `reason` |
//! | `Accessed` | `person`, `what`, `by`; personal: `reason` |
//! | `Erased` | `people`, `by`; the header names the keys that it destroys |
//! | `Retained` | `days` by sort of thing, `cut`, `accesses`, `staff`, `records` [[run, [seq..]]..] that were emptied |
//! | `Policy` | `digest` of the facility's file, `by` |
//! | `StaffAdded` | `staff`, `role`, `by` |
//! | `StaffPinSet`, `StaffRemoved` | `staff`, `by` |
//! | `StaffSignedIn` | `staff`, `way`: `pin` or the kind of the card |
//! | `StaffRefused` | `staff`, `left`, `locked_ms` |
//! | `CredentialBound`, `CredentialUnbound` | `owner` [`person` or `staff`, id], `credential`, `by` |
//! | `CredentialRefused` | `owner`, `other`, `credential`, `by` |
//!
//! `by` is the member of the staff who did it, null for the command line.

pub(crate) mod people;

use std::time::Duration;

use gate::{
    Decision, DenyReason, DoorEvent, Entrant, Entry, Fault, FeeClassId, Fused, Outcome, PersonId,
    PulseResult, QualityIssue, RecordId, Refusal, Released, Threshold,
};
use ledger::Value;

use crate::{By, words::Word};

/// Names and values of one body.
pub(crate) type Fields = Vec<(&'static str, Value)>;

/// Kind and fields of what the door writes down.
pub(crate) fn of_entry(entry: &Entry) -> (&'static str, Fields) {
    match entry {
        Entry::Decision(decision) => ("Decision", of_decision(decision)),
        Entry::Released(released) => ("Released", of_released(released)),
        Entry::StaffCalled => ("StaffCalled", Vec::new()),
        Entry::Door(event) => ("Door", of_door(*event)),
        Entry::Left(person) => ("Left", vec![("person", id(*person))]),
        Entry::Failed(fault) => ("Failed", vec![("part", Value::text(part(*fault)))]),
        Entry::Restored(fault) => ("Restored", vec![("part", Value::text(part(*fault)))]),
    }
}

fn of_decision(decision: &Decision) -> Fields {
    let (outcome, person, detail) = outcome(decision.outcome());
    let mut fields = vec![
        ("visit", whole(decision.visit().0)),
        ("track", decision.track().map_or(Value::Null, |track| whole(track.0))),
        ("mode", Value::text(decision.mode().word())),
        ("way", Value::text(decision.way().word())),
        ("outcome", Value::text(outcome)),
        ("person", person.map_or(Value::Null, id)),
        ("door", decision.door().map_or(Value::Null, |door| whole(door.0.into()))),
        ("lasted_ms", milliseconds(decision.lasted())),
        ("score", decision.score().map_or(Value::Null, |score| millionths(score.0))),
    ];
    fields.extend(detail);
    fields.extend(decision.admission().map(|it| ("party", of_party(&it.party))));
    if !decision.entered_by_hand().is_empty() {
        fields.push(("by_hand", of_classes(decision.entered_by_hand())));
    }
    fields.extend(decision.fused().map(of_fused).unwrap_or_default());
    fields
}

/// Everybody who comes in: person, fee class, entitlement used, whether the attributes are old, whether inside already.
pub(crate) fn of_party(party: &[Entrant]) -> Value {
    let one = |entrant: &Entrant| {
        Value::Array(vec![
            id(entrant.person),
            entrant.fee.as_ref().map_or(Value::Null, |fee| Value::text(&*fee.0)),
            entrant.uses.map_or(Value::Null, |it| Value::bytes(it.0)),
            Value::Bool(entrant.stale),
            Value::Bool(entrant.again),
        ])
    };
    Value::Array(party.iter().map(one).collect())
}

/// The fee classes of those whom staff entered by hand.
pub(crate) fn of_classes(classes: &[FeeClassId]) -> Value {
    Value::Array(classes.iter().map(|class| Value::text(&*class.0)).collect())
}

fn of_fused(fused: &Fused) -> Fields {
    vec![
        ("threshold", millionths(fused.threshold.score().0)),
        ("alone", Value::Bool(matches!(fused.threshold, Threshold::Alone(_)))),
        ("lead", millionths(fused.lead)),
        ("pad", millionths(fused.pad)),
        ("references", whole(fused.references.into())),
        ("frames", whole(fused.frames.into())),
    ]
}

/// Name of the outcome, whose it is, and what it is more exactly.
pub(crate) fn outcome(outcome: Outcome) -> (&'static str, Option<PersonId>, Option<(&'static str, Value)>) {
    let reason = match outcome {
        Outcome::Granted { person } => return ("granted", Some(person), None),
        Outcome::LetIn { staff } => return ("let-in", None, Some(("staff", Value::bytes(staff.0)))),
        Outcome::Denied(reason) => reason,
    };
    match reason {
        DenyReason::NoMatch => ("no-match", None, None),
        DenyReason::Ambiguous => ("ambiguous", None, None),
        DenyReason::Revoked { person } => ("revoked", Some(person), None),
        DenyReason::PresentationAttack => ("presentation-attack", None, None),
        DenyReason::SecondFactorRequired => ("second-factor-required", None, None),
        DenyReason::LowQuality(why) => ("low-quality", None, Some(("issue", Value::text(issue(why))))),
        DenyReason::Abandoned => ("abandoned", None, None),
        DenyReason::NotTurned => ("not-turned", None, None),
        DenyReason::ClaimNotConfirmed { claimed } => ("claim-not-confirmed", Some(claimed), None),
        DenyReason::UnknownCredential(kind) => {
            ("unknown-credential", None, Some(("credential", Value::text(kind.word()))))
        }
        DenyReason::NotAdmitted { person, refusal: why } => {
            ("not-admitted", Some(person), Some(("refusal", Value::text(refusal(why)))))
        }
        DenyReason::Interrupted(fault) => ("interrupted", None, Some(("part", Value::text(part(fault))))),
    }
}

fn of_released(released: &Released) -> Fields {
    let (result, pulse) = match released.result() {
        PulseResult::Pulsed(pulse) => ("pulsed", milliseconds(pulse)),
        PulseResult::Expired => ("expired", Value::Null),
        PulseResult::WrongDoor => ("wrong-door", Value::Null),
        PulseResult::StrikeFailed => ("strike-failed", Value::Null),
        PulseResult::Unknown => ("unknown", Value::Null),
    };
    vec![("grant", record(released.grant())), ("result", Value::text(result)), ("pulse_ms", pulse)]
}

fn of_door(event: DoorEvent) -> Fields {
    let (name, grant) = match event {
        DoorEvent::Forced => ("forced", None),
        DoorEvent::OpenLong => ("open-long", None),
        DoorEvent::HeldOpen => ("held-open", None),
        DoorEvent::Closed => ("closed", None),
        DoorEvent::GrantUnused(grant) => ("grant-unused", Some(grant)),
        DoorEvent::Entered(grant) => ("entered", Some(grant)),
        DoorEvent::RequestToExit => ("request-to-exit", None),
        DoorEvent::Fire => ("fire", None),
        DoorEvent::FireOver => ("fire-over", None),
        DoorEvent::TamperOpen => ("tamper-open", None),
        DoorEvent::TamperClosed => ("tamper-closed", None),
    };
    vec![("event", Value::text(name)), ("grant", grant.map_or(Value::Null, record))]
}

pub(crate) fn record(RecordId { run, seq }: RecordId) -> Value {
    Value::Array(vec![Value::bytes(run), whole(seq)])
}

fn refusal(why: Refusal) -> &'static str {
    match why {
        Refusal::NotRegistered => "not-registered",
        Refusal::NotYetValid(_) => "not-yet-valid",
        Refusal::Expired(_) => "expired",
        Refusal::Closed => "closed",
        Refusal::OutsideOwnHours => "outside-own-hours",
        Refusal::NoEntitlement => "no-entitlement",
        Refusal::PassNotValid { .. } => "pass-not-valid",
        Refusal::CouponsUsed => "coupons-used",
        Refusal::AlreadyInside => "already-inside",
        Refusal::ClockInDoubt => "clock-in-doubt",
    }
}

fn part(fault: Fault) -> &'static str {
    match fault {
        Fault::Camera => "camera",
        Fault::Strike => "strike",
        Fault::Storage => "storage",
    }
}

fn issue(issue: QualityIssue) -> &'static str {
    match issue {
        QualityIssue::TooFar => "too-far",
        QualityIssue::OutOfFrame => "out-of-frame",
        QualityIssue::NotFrontal => "not-frontal",
        QualityIssue::TooDark => "too-dark",
        QualityIssue::TooBright => "too-bright",
        QualityIssue::Blurred => "blurred",
    }
}

fn id(person: PersonId) -> Value {
    Value::bytes(person.0)
}

/// The member of the staff who did it.
pub(crate) fn staff(by: By) -> Value {
    match by {
        By::Console => Value::Null,
        By::Staff(staff) => Value::bytes(staff.0),
    }
}

pub(crate) fn whole(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

pub(crate) fn milliseconds(span: Duration) -> Value {
    whole(span.as_millis().try_into().unwrap_or(u64::MAX))
}

fn millionths(number: f32) -> Value {
    let millionths = (f64::from(number) * 1e6).round();
    #[expect(clippy::cast_possible_truncation, reason = "a cast from a finite float saturates")]
    if millionths.is_finite() { Value::Int(millionths as i64) } else { Value::Null }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_becomes_whole_millionths_and_what_is_no_number_becomes_null() {
        for (number, expected) in [
            (0.363, Value::Int(363_000)),
            (-1.0, Value::Int(-1_000_000)),
            (0.000_000_4, Value::Int(0)),
            (f32::NAN, Value::Null),
            (f32::INFINITY, Value::Null),
            (f32::NEG_INFINITY, Value::Null),
        ] {
            assert!(millionths(number) == expected, "{number}");
        }
    }
}
