//! What each kind of record says. The ledger has no floats: a score is a whole number of millionths, a number that is not
//! finite is null. Times in milliseconds. Names and templates stand only in the personal part.
//!
//! | kind | fields |
//! |---|---|
//! | `Decision` | `visit`, `track`, `mode`, `way`, `factors` [word..] that were presented, `outcome`, and with it `issue`, `part`, `staff`, `credential`, `refusal`, `tries_left` or `next` [word..]; `person`, `party` [[person, fee, uses, stale, again]..], `by_hand` [fee..], `score`, `threshold`, `alone`, `lead`, `pad`, `references`, `frames`, `door`, `lasted_ms`, and where a registry was joined `registry_age` |
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

use std::time::Duration;

use gate::{
    CredentialRefusal, Decision, DenyReason, DoorEvent, Entrant, Entry, FactorSet, Fault, FeeClassId, Fused,
    Outcome, PersonId, PulseResult, QualityIssue, RecordId, Refusal, Released, Threshold,
};
use ledger::Value;

use crate::{By, words::Word};

pub(crate) use records::Fields;

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
        ("factors", of_factors(decision.factors())),
        ("outcome", Value::text(outcome)),
        ("person", person.map_or(Value::Null, id)),
        ("door", decision.door().map_or(Value::Null, |door| whole(door.0.into()))),
        ("lasted_ms", milliseconds(decision.lasted())),
        ("score", decision.score().map_or(Value::Null, |score| millionths(score.0))),
    ];
    fields.extend(detail);
    fields.extend(of_refused_credential(decision.outcome()));
    fields.extend(decision.registry_age().map(|age| ("registry_age", Value::text(age.word()))));
    fields.extend(decision.admission().map(|it| ("party", of_party(&it.party))));
    if !decision.entered_by_hand().is_empty() {
        fields.push(("by_hand", of_classes(decision.entered_by_hand())));
    }
    fields.extend(decision.fused().map(of_fused).unwrap_or_default());
    fields
}

/// The words of some factors.
pub(crate) fn of_factors(factors: FactorSet) -> Value {
    Value::Array(factors.iter().map(|factor| Value::text(factor.word())).collect())
}

/// What a refused credential was, and how many tries a card has left after a wrong PIN.
pub(crate) fn of_refused_credential(outcome: Outcome) -> Fields {
    let Outcome::Denied(DenyReason::CredentialRefused { kind, refusal }) = outcome else {
        return Vec::new();
    };
    let mut fields = vec![("credential", Value::text(kind.word()))];
    if let CredentialRefusal::PinWrong { left } = refusal {
        fields.push(("tries_left", whole(left.into())));
    }
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
        DenyReason::CredentialRefused { refusal: why, .. } => {
            ("credential-refused", None, Some(("refusal", Value::text(refused(why)))))
        }
        DenyReason::FactorMissing { person, next } => {
            ("factor-missing", Some(person), Some(("next", of_factors(next))))
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

fn refused(why: CredentialRefusal) -> &'static str {
    match why {
        CredentialRefusal::Replayed => "replayed",
        CredentialRefusal::Expired => "code-expired",
        CredentialRefusal::NotYetValid => "code-not-yet-valid",
        CredentialRefusal::OtherSite => "other-site",
        CredentialRefusal::UnknownIssuer => "unknown-issuer",
        CredentialRefusal::Forged => "forged",
        CredentialRefusal::Unreadable => "unreadable",
        CredentialRefusal::Withdrawn => "withdrawn",
        CredentialRefusal::ClockInDoubt => "code-clock-in-doubt",
        CredentialRefusal::NeedsShelterOrFace => "needs-shelter-or-face",
        CredentialRefusal::PinWrong { .. } => "pin-wrong",
        CredentialRefusal::PinBlocked => "pin-blocked",
        CredentialRefusal::OneTryLeft => "one-try-left",
        CredentialRefusal::CardWithoutPin => "card-without-pin",
        CredentialRefusal::Removed => "removed",
        CredentialRefusal::TimedOut => "timed-out",
        CredentialRefusal::CardExpired => "card-expired",
        CredentialRefusal::ForeignAuthority => "foreign-authority",
        CredentialRefusal::DrivingLicence => "driving-licence",
        CredentialRefusal::ResidenceCard => "residence-card",
        CredentialRefusal::OtherCard => "other-card",
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
    #![allow(clippy::unwrap_used)]
    use gate::{
        Claim, Command, CredentialKind, Event, Factor, FactorRule, FactorRules, Now, Policy, Proof,
        Registered, Roster, Session,
    };

    use super::*;

    const ALICE: PersonId = PersonId([1; 16]);

    /// The fields of the decision that this event leads to where a fresh code opens.
    fn decided(event: Event) -> Fields {
        let rule = FactorRule::always(FactorSet::of(&[Factor::FreshCode]));
        let policy = Policy { factors: FactorRules { any_of: vec![rule] }, ..Policy::default() };
        let roster = Roster::new([(ALICE, Registered::default())]);
        let commands = Session::new(policy, roster).step(Now::default(), event);
        let Some(Command::Commit(decision)) = commands.into_iter().next_back() else { panic!("a decision") };
        of_entry(&Entry::Decision(decision)).1
    }

    fn field<'a>(fields: &'a Fields, name: &str) -> &'a Value {
        let mut found = fields.iter().filter(|(it, _)| *it == name).map(|(_, value)| value);
        let first = found.next().unwrap_or_else(|| panic!("{name} is missing"));
        assert!(found.next().is_none(), "{name} is there twice");
        first
    }

    fn words(words: &[&'static str]) -> Value {
        Value::Array(words.iter().copied().map(Value::text).collect())
    }

    #[test]
    fn a_decision_says_which_factors_were_presented() {
        let kind = CredentialKind::Qr;
        let claim = |proof| Event::Presented(Claim::Of { person: ALICE, kind, proof, face_required: false });
        let granted = decided(claim(Proof::Fresh));
        assert!(*field(&granted, "outcome") == Value::text("granted"));
        assert!(*field(&granted, "factors") == words(&["claim", "fresh-code"]));
        assert!(granted.iter().all(|(name, _)| *name != "pad"), "no face was part of it");
        let missing = decided(claim(Proof::Shown));
        assert!(*field(&missing, "outcome") == Value::text("factor-missing"));
        assert!(*field(&missing, "factors") == words(&["claim"]));
        assert!(*field(&missing, "next") == words(&["fresh-code"]));
        assert!(*field(&missing, "person") == id(ALICE));
    }

    #[test]
    fn a_decision_says_how_old_what_is_known_of_the_registry_may_be_where_one_was_joined() {
        let kind = CredentialKind::Qr;
        let claim =
            || Event::Presented(Claim::Of { person: ALICE, kind, proof: Proof::Shown, face_required: false });
        assert!(decided(claim()).iter().all(|(name, _)| *name != "registry_age"));
        let mut session = Session::new(Policy::default(), Roster::default());
        let age = Event::RegistryAge(Some(gate::RegistryAge::Old));
        assert!(session.step(Now::default(), age).is_empty());
        let commands =
            session.step(Now::default(), Event::CredentialRefused(kind, CredentialRefusal::Forged));
        let Some(Command::Commit(decision)) = commands.into_iter().next_back() else { panic!("a decision") };
        let fields = of_entry(&Entry::Decision(decision)).1;
        assert!(*field(&fields, "registry_age") == Value::text("old"));
    }

    #[test]
    fn a_refused_credential_says_what_it_was_and_why_and_how_many_tries_are_left() {
        let refused = |kind, refusal| decided(Event::CredentialRefused(kind, refusal));
        let pin = refused(CredentialKind::MyNumberCard, CredentialRefusal::PinWrong { left: 2 });
        assert!(*field(&pin, "outcome") == Value::text("credential-refused"));
        assert!(*field(&pin, "refusal") == Value::text("pin-wrong"));
        assert!(*field(&pin, "credential") == Value::text("my-number-card"));
        assert!(*field(&pin, "tries_left") == Value::Int(2));
        let replayed = refused(CredentialKind::Qr, CredentialRefusal::Replayed);
        assert!(*field(&replayed, "refusal") == Value::text("replayed"));
        assert!(replayed.iter().all(|(name, _)| *name != "tries_left"));
        assert!(*field(&replayed, "way") == Value::text("qr"));
    }

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
