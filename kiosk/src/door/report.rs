//! What one visit came to, for whoever watches: the log line, the demonstration's JSON, the benchmark.

use std::time::Duration;

use gate::{Decision, Monotonic, Outcome, PersonId, PulseResult, RecordId};
use serde::Serialize;

/// How long each stage of one frame took, from capture to the end of the vision thread's work.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Stages {
    /// When the frame was taken.
    pub(crate) captured: Monotonic,
    /// From capture until the vision thread took it.
    pub(crate) wait: Duration,
    /// Finding faces and landmarks.
    pub(crate) detect: Duration,
    /// Quality, and alignment to the sample.
    pub(crate) align: Duration,
    /// Presentation attack detection.
    pub(crate) pad: Duration,
    /// Making the template.
    pub(crate) embed: Duration,
    /// Searching the gallery.
    pub(crate) search: Duration,
    /// When the vision thread had finished.
    pub(crate) finished: Monotonic,
}

/// The stages of the frame that ended the visit, in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Latency {
    pub(crate) wait: f64,
    pub(crate) detect: f64,
    pub(crate) align: f64,
    pub(crate) pad: f64,
    pub(crate) embed: f64,
    pub(crate) search: f64,
    /// From the vision thread to the decision.
    pub(crate) gate: f64,
    /// Making the record durable.
    pub(crate) commit: f64,
    /// From capture to the durable record.
    pub(crate) total: f64,
}

impl Latency {
    pub(super) fn new(stages: &Stages, stepped: Monotonic, committed: Monotonic) -> Self {
        let ms = |span: Duration| (span.as_secs_f64() * 1e6).round() / 1e3;
        Self {
            wait: ms(stages.wait),
            detect: ms(stages.detect),
            align: ms(stages.align),
            pad: ms(stages.pad),
            embed: ms(stages.embed),
            search: ms(stages.search),
            gate: ms(stepped.since(stages.finished)),
            commit: ms(committed.since(stepped)),
            total: ms(committed.since(stages.captured)),
        }
    }
}

/// One complete visit. Carries ids, never names or templates.
#[derive(Debug, Clone)]
pub(crate) struct VisitReport {
    pub(crate) visit: u64,
    pub(crate) outcome: Outcome,
    /// Who was matched, if the outcome names somebody.
    pub(crate) person: Option<PersonId>,
    pub(crate) score: Option<f32>,
    pub(crate) threshold: Option<f32>,
    pub(crate) pad: Option<f32>,
    pub(crate) latency: Latency,
    /// Where the decision stands in the log.
    pub(crate) record: RecordId,
    /// What became of the grant, if there was one.
    pub(crate) pulse: Option<PulseResult>,
}

impl VisitReport {
    /// What the decision itself says; the record's place is not known yet.
    pub(super) fn draft(decision: &Decision) -> Draft {
        let person = match decision.outcome() {
            Outcome::Granted { person } | Outcome::Denied(gate::DenyReason::Revoked { person }) => {
                Some(person)
            }
            Outcome::LetIn { .. } | Outcome::Denied(_) => None,
        };
        Draft {
            visit: decision.visit().0,
            outcome: decision.outcome(),
            person,
            score: decision.score().map(|score| score.0),
            threshold: decision.fused().map(|fused| fused.threshold.score().0),
            pad: decision.fused().map(|fused| fused.pad),
        }
    }
}

/// A report before its record is durable.
pub(super) struct Draft {
    visit: u64,
    outcome: Outcome,
    person: Option<PersonId>,
    score: Option<f32>,
    threshold: Option<f32>,
    pad: Option<f32>,
}

impl Draft {
    pub(super) fn recorded(self, record: RecordId, latency: Latency) -> VisitReport {
        let Self { visit, outcome, person, score, threshold, pad } = self;
        VisitReport { visit, outcome, person, score, threshold, pad, latency, record, pulse: None }
    }
}
