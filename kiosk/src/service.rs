//! What commands ask of the vault, whether a kiosk is running or not.
//!
//! A command opens the data directory itself, or, when a kiosk holds it, asks that kiosk over its Unix socket. Either way
//! the same [`serve`] answers, on the thread that owns the store.

use std::{collections::BTreeMap, path::PathBuf};

use gate::{
    Comparison, Fused, LetIn, ModelId, Now, Outcome, PersonId, Policy, Probe, Score, Standing, Template,
};
use models::calibration::LiveTail;
use serde::{Deserialize, Serialize};
use store::{Enrolment, Store};
use thiserror::Error;

use crate::{
    door::Expected,
    estimate::{Estimated, Live},
    front,
    office::{self, Changed},
    search::SearchSet,
};

/// Protects whoever reads the answer: in a large gallery some strangers are always alike by chance.
const MOST_ALIKE: usize = 16;

/// What to do about two enrolments that look alike.
const ALIKE_ADVICE: &str = "if it is the same person twice, revoke one (`kiosk gallery revoke`); if they are two people, tell \
                            both: whenever the door cannot tell them apart, it asks both for a second factor";

/// A request, as it crosses the socket: one JSON line. It carries names and templates, so it has no `Debug`.
#[derive(Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Request {
    /// Enrol a person.
    Enrol { name: String, model: String, templates: Vec<Vec<f32>>, reinstate: Option<String> },
    /// Revoke an enrolment.
    Revoke { person: String, reason: String },
    /// Who is enrolled?
    People,
    /// Judge one face by the rules of the door, without opening or recording anything: against everybody, or against
    /// the person whose card is claimed.
    Identify { model: String, template: Vec<f32>, pad: f32, claim: Option<String> },
    /// How sure is the threshold, and does the card's promise hold?
    Status,
    /// Check the log in the vault.
    Verify { head: Option<PathBuf> },
    /// Export the log.
    Export { out: PathBuf },
    /// What the facility's office asks.
    Office { ask: office::Ask },
    /// What the front desk asks.
    Front { ask: front::Ask },
}

/// An answer, as it crosses the socket.
#[derive(Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub(crate) enum Answer {
    Enrolled(Enrolled),
    Revoked { person: String, record: RecordText },
    People { people: Vec<PersonText> },
    Identified(Identified),
    Status(Status),
    Verified(Verified),
    Exported { out: PathBuf },
    Office { told: office::Told },
    Front { told: front::Told },
}

/// What crosses the socket downwards: an answer, or why there is none.
pub(crate) type Reply = Result<Answer, String>;

/// Where something stands in the log.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct RecordText {
    pub(crate) run: String,
    pub(crate) seq: u64,
}

impl From<gate::RecordId> for RecordText {
    fn from(record: gate::RecordId) -> Self {
        let run = record.run.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { run, seq: record.seq }
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Enrolled {
    pub(crate) person: String,
    pub(crate) references: usize,
    pub(crate) record: RecordText,
    /// The other enrolments most alike, best first: for a human to look at.
    pub(crate) alike: Vec<Alike>,
    /// How many there are in all.
    pub(crate) alike_in_all: usize,
    /// From this score on an enrolment is named as alike.
    pub(crate) alike_from: f32,
    /// What to do about them.
    pub(crate) advice: Option<String>,
}

/// An enrolment that the door may take for the new one, or the other way round.
#[derive(Serialize, Deserialize)]
pub(crate) struct Alike {
    pub(crate) person: String,
    pub(crate) score: f32,
    /// The score reaches the threshold: as alike as this person's own would be.
    pub(crate) matches: bool,
}

/// How the door stands.
#[derive(Serialize, Deserialize)]
pub(crate) struct Status {
    /// For as many references as the vault holds.
    pub(crate) threshold: Estimated,
    /// What the running kiosk has seen since it started; none if no kiosk runs.
    pub(crate) live: Option<Live>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct PersonText {
    pub(crate) person: String,
    pub(crate) name: String,
    pub(crate) standing: String,
    pub(crate) references: u32,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Identified {
    pub(crate) outcome: String,
    pub(crate) person: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) score: Option<f32>,
    pub(crate) threshold: f32,
    pub(crate) runner_up: Option<f32>,
    pub(crate) pad: f32,
    pub(crate) references: u32,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Verified {
    /// Whose log it is: the public half of the key that signs its records.
    pub(crate) device: String,
    /// Nothing was found.
    pub(crate) sound: bool,
    pub(crate) runs: u64,
    pub(crate) records: u64,
    /// What is wrong, and where.
    pub(crate) findings: Vec<String>,
    pub(crate) cannot_prove: Vec<String>,
}

impl From<store::Report> for Verified {
    fn from(report: store::Report) -> Self {
        Self {
            device: report.device.to_string(),
            sound: report.is_sound(),
            runs: report.runs,
            records: report.records,
            findings: report.findings.iter().map(ToString::to_string).collect(),
            cannot_prove: report.cannot_prove,
        }
    }
}

/// Why a request was not carried out.
#[derive(Debug, Error)]
pub(crate) enum ServeError {
    #[error(transparent)]
    Store(#[from] store::StoreError),
    #[error(transparent)]
    Audit(#[from] store::AuditError),
    #[error(transparent)]
    Office(#[from] office::OfficeError),
    #[error(transparent)]
    Identifier(#[from] gate::identifiers::NotAnIdentifier),
    #[error(transparent)]
    Template(#[from] gate::TemplateError),
    #[error(transparent)]
    Model(#[from] gate::ModelMismatch),
    #[error(
        "this face matches the revoked enrolment {person}: if staff decided that the person may come again, enrol with \
         `--reinstate {person}`"
    )]
    MatchesRevoked { person: PersonId },
    #[error(transparent)]
    Front(#[from] front::FrontError),
    #[error("a name must not be empty")]
    NoName,
    #[error("this name holds an individual number, which nobody may collect here; give the name alone")]
    IndividualNumber,
}

/// What came of a request.
pub(crate) struct Served {
    /// What the asker is told.
    pub(crate) answer: Answer,
    /// What is searched from now on, if the request changed it.
    pub(crate) set: Option<SearchSet>,
    /// What the door goes by from now on, if the request changed it.
    pub(crate) policy: Option<Policy>,
    /// Something that the session knows of people changed.
    pub(crate) people: bool,
    /// Whom the session lets in.
    pub(crate) let_in: Option<LetIn>,
    /// This kiosk asks to belong to a registry.
    pub(crate) joined: bool,
}

impl From<Answer> for Served {
    fn from(answer: Answer) -> Self {
        Self { answer, set: None, policy: None, people: false, let_in: None, joined: false }
    }
}

/// Carries out one request.
pub(crate) fn serve(
    store: &mut Store,
    set: &SearchSet,
    policy: &Policy,
    live: Option<&LiveTail>,
    now: Now,
    request: Request,
) -> Result<Served, ServeError> {
    match request {
        Request::Enrol { name, model, templates, reinstate } => {
            enrol(store, set, policy, now, name, &templates_of(&model, templates)?, reinstate)
        }
        Request::Status => Ok(Answer::Status(Status {
            threshold: Estimated::new(policy.target_fpir, set.references(), policy),
            live: live.map(Live::new),
        })
        .into()),
        Request::Revoke { person, reason } => {
            let id = person.parse()?;
            let record = store.revoke(now, id, &reason)?;
            let answer = Answer::Revoked { person, record: record.into() };
            Ok(Served { set: Some(set.with_revoked(id, policy)), ..answer.into() })
        }
        Request::People => Ok(Answer::People { people: people(store)? }.into()),
        Request::Identify { model, template, pad, claim } => {
            let probe = Probe(Template::new(ModelId::new(&model), template)?);
            let mut comparison = set.compare(&probe, pad)?;
            let claim = claim.as_deref().map(str::parse).transpose()?;
            if let Some(person) = claim {
                comparison.claimed = Some(Expected::read(store, person, policy)?.compare(&probe)?);
            }
            Ok(identify(store, comparison, policy, claim)?.into())
        }
        Request::Verify { head } => {
            let head = head.map(|path| store::read_head(&path)).transpose()?;
            Ok(Answer::Verified(store.verify(head.as_ref())?.into()).into())
        }
        Request::Export { out } => {
            store.export(&out)?;
            Ok(Answer::Exported { out }.into())
        }
        Request::Office { ask } => {
            let (told, Changed { policy: changed, erased, joined }) = office::serve(store, policy, now, ask)?;
            let set = match &changed {
                Some(policy) => Some(set.under(policy)),
                None if erased.is_empty() => None,
                None => Some(set.without(&erased, policy)),
            };
            let people = !erased.is_empty();
            Ok(Served { set, policy: changed, people, joined, ..Answer::Office { told }.into() })
        }
        Request::Front { ask } => {
            let (told, changed) = front::serve(store, policy, now, ask)?;
            let front::Changed { enrolled, people, let_in } = changed;
            let mut enlarged = None;
            for (person, templates) in &enrolled {
                let before = enlarged.as_ref().unwrap_or(set);
                enlarged = Some(before.with_enrolled(*person, templates, None, policy)?);
            }
            Ok(Served { set: enlarged, people, let_in, ..Answer::Front { told }.into() })
        }
    }
}

fn templates_of(model: &str, vectors: Vec<Vec<f32>>) -> Result<Vec<Template>, gate::TemplateError> {
    let model = ModelId::new(model);
    vectors.into_iter().map(|vector| Template::new(model.clone(), vector)).collect()
}

/// Enrols. A face that matches a revoked enrolment needs a decision by staff; one that matches an active enrolment is
/// enrolled and named, because twins exist and a double entry is for a human to sort out.
fn enrol(
    store: &mut Store,
    set: &SearchSet,
    policy: &Policy,
    now: Now,
    name: String,
    templates: &[Template],
    reinstate: Option<String>,
) -> Result<Served, ServeError> {
    if name.trim().is_empty() {
        return Err(ServeError::NoName);
    }
    if card::looks_like_individual_number(&name) {
        return Err(ServeError::IndividualNumber);
    }
    let reinstates = reinstate.as_deref().map(str::parse::<PersonId>).transpose()?;
    let alike = alike(set, templates, reinstates)?;
    let references = templates.len();
    let enrolment = Enrolment { name, templates: templates.to_vec(), reinstates, ..Enrolment::default() };
    let (person, record) = store.enrol(now, enrolment)?;
    for other in alike.iter().take(MOST_ALIKE) {
        tracing::info!(%person, other = other.person, "enrolees alike");
    }
    let enlarged = set.with_enrolled(person, templates, reinstates, policy)?;
    let answer = Answer::Enrolled(Enrolled {
        person: person.to_string(),
        references,
        record: record.into(),
        advice: (!alike.is_empty()).then(|| ALIKE_ADVICE.into()),
        alike_in_all: alike.len(),
        alike_from: set.alike_from().0,
        alike: alike.into_iter().take(MOST_ALIKE).collect(),
    });
    Ok(Served { set: Some(enlarged), ..answer.into() })
}

/// Everybody whom the door may take for the new enrolee, most alike first. A match of a revoked enrolment is refused.
pub(crate) fn alike(
    set: &SearchSet,
    templates: &[Template],
    reinstates: Option<PersonId>,
) -> Result<Vec<Alike>, ServeError> {
    let threshold = set.threshold().score();
    let mut found: BTreeMap<PersonId, Score> = BTreeMap::new();
    let mut revoked = None;
    for template in templates {
        set.alike(&Probe(template.clone()), |person, standing, score| {
            if reinstates == Some(person) {
                return;
            }
            if standing == Standing::Revoked && score >= threshold {
                revoked = Some(person);
            }
            let best = found.entry(person).or_insert(score);
            if score > *best {
                *best = score;
            }
        })?;
    }
    if let Some(person) = revoked {
        return Err(ServeError::MatchesRevoked { person });
    }
    let mut alike: Vec<(PersonId, Score)> = found.into_iter().collect();
    alike.sort_by(|left, right| right.1.0.total_cmp(&left.1.0));
    let text = |(person, score): (PersonId, Score)| Alike {
        person: person.to_string(),
        score: score.0,
        matches: score >= threshold,
    };
    Ok(alike.into_iter().map(text).collect())
}

fn people(store: &mut Store) -> Result<Vec<PersonText>, ServeError> {
    let text = |person: store::Person| PersonText {
        person: person.id.to_string(),
        name: person.name,
        standing: match person.standing {
            Standing::Active => "active".into(),
            Standing::Revoked => "revoked".into(),
        },
        references: person.references,
    };
    Ok(store.people()?.into_iter().map(text).collect())
}

fn identify(
    store: &mut Store,
    comparison: Comparison,
    policy: &Policy,
    claim: Option<PersonId>,
) -> Result<Answer, ServeError> {
    let fused: Fused = gate::fuse(&[comparison]).expect("one frame is an attempt");
    let outcome = match claim {
        Some(person) => gate::decide_claim(policy, &fused, person),
        None => gate::decide(policy, &fused),
    };
    let person = match outcome {
        Outcome::Granted { person } => Some(person),
        Outcome::Denied(gate::DenyReason::Revoked { person }) => Some(person),
        Outcome::LetIn { .. } | Outcome::Denied(_) => None,
    };
    let name = match person {
        Some(person) => store.people()?.into_iter().find(|known| known.id == person).map(|known| known.name),
        None => None,
    };
    Ok(Answer::Identified(Identified {
        outcome: outcome_text(outcome).into(),
        person: person.map(|person| person.to_string()),
        name,
        score: match fused.claimed {
            Some(claimed) => claimed.score.map(|score| score.0),
            None => fused.candidate.map(|candidate| candidate.score.0),
        },
        threshold: fused.claimed.map_or(fused.threshold, |claimed| claimed.threshold).score().0,
        runner_up: comparison.found.runner_up.map(|candidate| candidate.score.0),
        pad: comparison.pad,
        references: comparison.references,
    }))
}

/// The outcome's name in output and logs.
pub(crate) fn outcome_text(outcome: Outcome) -> &'static str {
    use gate::DenyReason as Reason;
    match outcome {
        Outcome::Granted { .. } => "granted",
        Outcome::Denied(Reason::NoMatch) => "no-match",
        Outcome::Denied(Reason::Ambiguous) => "ambiguous",
        Outcome::Denied(Reason::Revoked { .. }) => "revoked",
        Outcome::Denied(Reason::PresentationAttack) => "presentation-attack",
        Outcome::Denied(Reason::SecondFactorRequired) => "second-factor-required",
        Outcome::Denied(Reason::LowQuality(_)) => "low-quality",
        Outcome::Denied(Reason::Abandoned) => "abandoned",
        Outcome::Denied(Reason::Interrupted(_)) => "interrupted",
        Outcome::LetIn { .. } => "let-in",
        Outcome::Denied(Reason::NotTurned) => "not-turned",
        Outcome::Denied(Reason::ClaimNotConfirmed { .. }) => "claim-not-confirmed",
        Outcome::Denied(Reason::UnknownCredential(_)) => "unknown-credential",
        Outcome::Denied(Reason::CredentialRefused { .. }) => "credential-refused",
        Outcome::Denied(Reason::FactorMissing { .. }) => "factor-missing",
        Outcome::Denied(Reason::NotAdmitted { .. }) => "not-admitted",
    }
}

#[cfg(test)]
mod tests;
