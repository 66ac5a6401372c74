//! The rules of the door: who may pass, what is written down, what is shown.
//!
//! Everything here is a value or a function from values to values. Nothing reads a clock, opens a file, starts a thread
//! or logs; time arrives as [`Now`], the world as [`Event`], and what should happen leaves as [`Command`].
//!
//! The story in reading order: [`biometrics`] (templates, the gallery and what a search of it is; the fast one is in
//! `models`), [`evidence`] (what one camera frame said), [`claim`] (what a card or code said), [`factors`] (what may be proven, and what
//! of it opens together), [`sensor`] (what a face
//! alone is good for), [`policy`] (what must hold for a grant), [`mod@check`] (what is wrong with it), [`mod@decide`] (the
//! rule itself), [`challenge`] (a head turns, a photograph does not), [`people`], [`facility`], [`fees`], [`inside`] and
//! [`admission`] (who may come in today, and what they pay), [`session`] (a visit from the first frame to the shown
//! outcome), [`audit`] (no record, no entry), [`door`] (what the door's contacts tell), [`screen`] (what the person sees).

pub mod admission;
pub mod audit;
pub mod biometrics;
pub mod calendar;
pub mod challenge;
pub mod check;
pub mod claim;
pub mod decide;
pub mod door;
pub mod evidence;
pub mod facility;
pub mod factors;
pub mod fees;
pub mod identifiers;
pub mod inside;
pub mod people;
pub mod policy;
pub mod screen;
#[cfg(test)]
mod seeded;
pub mod sensor;
pub mod session;
pub mod time;

pub use admission::{Admission, Entrant, Refusal, admit, fee_lines, welcome};
pub use audit::{Committed, DurableLog, Entry, Grant, PulseResult, Released, Spent, commit};
pub use biometrics::{
    Candidate, Candidates, Gallery, ModelId, ModelMismatch, Probe, Reference, Score, Standing, Template,
    TemplateError, Threshold,
};
pub use calendar::{Date, Local, Period, Weekday};
pub use challenge::{
    Challenge, ChallengeDemand, ChallengeFailure, FacePoints, Followed, Progress, Side, Sight,
};
pub use check::{PolicyFinding, RosterFinding, check};
pub use claim::{Claim, ClaimRule, CodePlace, CredentialKind, CredentialRefusal, Proof, Way};
pub use decide::{
    Decision, DenyReason, Fused, Outcome, Proven, decide, decide_claim, decide_factors, fuse, next_factors,
    other_ways,
};
pub use door::{DoorEvent, DoorMonitor, DoorTimes, Input, InputChange};
pub use evidence::{Claimed, Comparison, Evidence, FaceView, Fault, QualityIssue, Reading, View};
pub use facility::{
    Admits, AgeRule, Facility, FeeClass, FeeClassId, Greeting, InsideRule, PartyRule, Schedule, SchoolStage,
    Who,
};
pub use factors::{Factor, FactorRule, FactorRules, FactorSet, Place};
pub use fees::fee_class;
pub use identifiers::{DoorId, PersonId, RecordId, TrackId, VisitId};
pub use inside::{Inside, muster};
pub use people::{
    Assurance, Attributes, Coupons, Entitlement, EntitlementId, HouseholdId, Registered, Residency, Roster,
    StaffId, Words,
};
pub use policy::{Mode, Policy};
pub use screen::{FeeLine, ReaderScreen, Screen, ShelterScreen, Welcome};
pub use sensor::{Direction, FaceAlone, FaceRules, RegistryAge, SensorTier};
pub use session::{Command, Event, LetIn, Session};
pub use time::{Monotonic, Now, Wall};
