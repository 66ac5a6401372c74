//! What commands ask of the vault, whether a kiosk is running or not.
//!
//! A command opens the data directory itself, or, when a kiosk holds it, asks that kiosk over its Unix socket. Either way
//! the same [`serve`] answers, on the thread that owns the store.

use std::path::PathBuf;

use gate::{Comparison, Fused, ModelId, Now, Outcome, PersonId, Policy, Probe, Standing, Template};
use serde::{Deserialize, Serialize};
use store::{Enrolment, Store};
use thiserror::Error;

use crate::search::SearchSet;

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
    /// Judge one face by the rules of the door, without opening or recording anything.
    Identify { model: String, template: Vec<f32>, pad: f32 },
    /// Check the log in the vault.
    Verify { head: Option<PathBuf> },
    /// Export the log.
    Export { out: PathBuf },
}

/// An answer, as it crosses the socket.
#[derive(Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub(crate) enum Answer {
    Enrolled(Enrolled),
    Revoked { person: String, record: RecordText },
    People { people: Vec<PersonText> },
    Identified(Identified),
    Verified(Verified),
    Exported { out: PathBuf },
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
    /// Other enrolments whose face is as alike as this person's own would be: for a human to look at.
    pub(crate) alike: Vec<Alike>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Alike {
    pub(crate) person: String,
    pub(crate) score: f32,
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
    #[error("a name must not be empty")]
    NoName,
}

/// Carries out one request.
pub(crate) fn serve(
    store: &mut Store,
    set: &SearchSet,
    policy: &Policy,
    now: Now,
    request: Request,
) -> Result<Answer, ServeError> {
    match request {
        Request::Enrol { name, model, templates, reinstate } => {
            enrol(store, set, now, name, &templates_of(&model, templates)?, reinstate)
        }
        Request::Revoke { person, reason } => {
            let record = store.revoke(now, person.parse()?, &reason)?;
            Ok(Answer::Revoked { person, record: record.into() })
        }
        Request::People => Ok(Answer::People { people: people(store)? }),
        Request::Identify { model, template, pad } => {
            let probe = Probe(Template::new(ModelId::new(&model), template)?);
            identify(store, set.compare(&probe, pad)?, policy)
        }
        Request::Verify { head } => {
            let head = head.map(|path| store::read_head(&path)).transpose()?;
            Ok(Answer::Verified(store.verify(head.as_ref())?.into()))
        }
        Request::Export { out } => {
            store.export(&out)?;
            Ok(Answer::Exported { out })
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
    now: Now,
    name: String,
    templates: &[Template],
    reinstate: Option<String>,
) -> Result<Answer, ServeError> {
    if name.trim().is_empty() {
        return Err(ServeError::NoName);
    }
    let reinstates = reinstate.as_deref().map(str::parse::<PersonId>).transpose()?;
    let mut alike: Vec<Alike> = Vec::new();
    for template in templates {
        let found = set.compare(&Probe(template.clone()), 1.0)?;
        for candidate in [found.found.best, found.found.runner_up].into_iter().flatten() {
            let matches = candidate.score >= found.threshold.score();
            if !matches || reinstates == Some(candidate.person) {
                continue;
            }
            if candidate.standing == Standing::Revoked {
                return Err(ServeError::MatchesRevoked { person: candidate.person });
            }
            let person = candidate.person.to_string();
            if alike.iter().all(|other| other.person != person) {
                alike.push(Alike { person, score: candidate.score.0 });
            }
        }
    }
    let references = templates.len();
    let enrolment = Enrolment { name, templates: templates.to_vec(), reinstates };
    let (person, record) = store.enrol(now, enrolment)?;
    Ok(Answer::Enrolled(Enrolled { person: person.to_string(), references, record: record.into(), alike }))
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

fn identify(store: &mut Store, comparison: Comparison, policy: &Policy) -> Result<Answer, ServeError> {
    let fused: Fused = gate::fuse(&[comparison]).expect("one frame is an attempt");
    let outcome = gate::decide(policy, &fused);
    let person = match outcome {
        Outcome::Granted { person } => Some(person),
        Outcome::Denied(gate::DenyReason::Revoked { person }) => Some(person),
        Outcome::Denied(_) => None,
    };
    let name = match person {
        Some(person) => store.people()?.into_iter().find(|known| known.id == person).map(|known| known.name),
        None => None,
    };
    Ok(Answer::Identified(Identified {
        outcome: outcome_text(outcome).into(),
        person: person.map(|person| person.to_string()),
        name,
        score: fused.candidate.map(|candidate| candidate.score.0),
        threshold: fused.threshold.score().0,
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
    }
}
