//! What the person sees, as meaning; the words and pictures are the kiosk's.

use crate::{Fault, QualityIssue};

/// One screen. A refusal is calm and names the next way; it never says more than the person needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    /// Nobody is here: the notice (operator, purpose, face recognition in use, contact) and the ways in.
    Idle,
    /// A face that cannot be used yet, and what to do about it.
    Hint(QualityIssue),
    /// Good frames are arriving.
    HoldStill,
    /// Granted.
    Welcome {
        /// How many people enter with this grant.
        party: u32,
    },
    /// Nobody in the gallery, or not a living face: the other ways in.
    NotRecognised,
    /// Two people too alike to tell apart: another factor is asked for.
    Ambiguous,
    /// The gallery is too large for a face alone: another factor is asked for.
    SecondFactor,
    /// The enrolment was revoked: quietly to the staff.
    SeeStaff,
    /// No usable picture in all the time given: the other ways in.
    NoClearImage(QualityIssue),
    /// Several refusals in a row: a short pause, the other ways in.
    Pause,
    /// The kiosk cannot let anybody in by itself.
    OutOfService(Fault),
}
