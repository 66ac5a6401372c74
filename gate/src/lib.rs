//! The rules of the door: who may pass, what is written down, what is shown.
//!
//! Everything here is a value or a function from values to values. Nothing reads a clock, opens a file, starts a thread
//! or logs; time arrives as [`Now`], the world as [`Event`], and what should happen leaves as [`Command`].
//!
//! The story in reading order: [`biometrics`] (templates, the gallery and what a search of it is; the fast one is in
//! `models`), [`evidence`] (what one camera frame said), [`policy`] (what the facility asks for), [`mod@decide`] (the rule itself), [`challenge`] (a head turns, a photograph does not), [`session`] (a visit from the
//! first frame to the shown outcome), [`audit`] (no record, no entry), [`screen`] (what the person sees).

pub mod audit;
pub mod biometrics;
pub mod challenge;
pub mod decide;
pub mod evidence;
pub mod identifiers;
pub mod policy;
pub mod screen;
pub mod session;
pub mod time;

pub use audit::{Committed, DurableLog, Entry, Grant, PulseResult, Released, Spent, commit};
pub use biometrics::{
    Candidate, Candidates, Gallery, ModelId, ModelMismatch, Probe, Reference, Score, Standing, Template,
    TemplateError, Threshold,
};
pub use challenge::{
    Challenge, ChallengeDemand, ChallengeFailure, FacePoints, Followed, Progress, Side, Sight,
};
pub use decide::{Decision, DenyReason, Fused, Outcome, decide, fuse};
pub use evidence::{Comparison, Evidence, Fault, QualityIssue, Reading, View};
pub use identifiers::{DoorId, PersonId, RecordId, TrackId, VisitId};
pub use policy::{Mode, Policy};
pub use screen::Screen;
pub use session::{Command, Event, Session};
pub use time::{Monotonic, Now, Wall};
