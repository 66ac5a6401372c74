//! What one camera frame said about whoever stands before the kiosk.

use crate::{Candidates, Monotonic, PersonId, Score, Sight, Standing, Threshold, TrackId};

/// One frame's statement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// When the frame was taken. Old or repeated frames count for nothing.
    pub captured: Monotonic,
    /// Random bits, drawn for this frame: a challenge that begins with it is not foreseen by anybody.
    pub dice: u64,
    /// What was in it.
    pub view: View,
}

/// Whether there is a capture subject: the one face inside the guide that the tracker follows.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "one a frame, and a box would be an allocation a frame")]
pub enum View {
    /// No face inside the guide.
    Nobody,
    /// A face, and what could be read from it.
    Face(FaceView),
}

/// The face in one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FaceView {
    /// The unbroken track that the face belongs to.
    pub track: TrackId,
    /// What could be read.
    pub reading: Reading,
    /// Where eyes, nose and mouth are and where they went; none if the picture is too poor to say.
    pub sight: Option<Sight>,
}

/// A face is either good enough to be compared, or there is a reason that can be shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reading {
    /// Not good enough.
    Poor(QualityIssue),
    /// Good enough: attack detection and search were made on this very frame.
    Compared(Comparison),
}

/// Attack detection and 1:N search of one good frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// Bona fide score of the PAD network, 0 (attack) to 1 (living). NaN counts as an attack.
    pub pad: f32,
    /// The two best persons.
    pub found: Candidates,
    /// The threshold that belongs to the gallery that was searched.
    pub threshold: Threshold,
    /// How many references were compared.
    pub references: u32,
    /// The comparison with the references of the person whom a card or code named, if one was presented.
    pub claimed: Option<Claimed>,
}

/// A 1:1 comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Claimed {
    /// With whose references.
    pub person: PersonId,
    /// Whether that enrolment still counts.
    pub standing: Standing,
    /// The best score among them; none if the person has no reference.
    pub score: Option<Score>,
    /// What it must reach.
    pub threshold: Threshold,
}

/// Why a face cannot be used yet, as something that the person can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QualityIssue {
    /// Too few pixels between the eyes.
    TooFar,
    /// Cut off by the edge of the frame.
    OutOfFrame,
    /// Turned or tilted away.
    NotFrontal,
    /// Too little light on the face.
    TooDark,
    /// Washed out.
    TooBright,
    /// Moved, or out of focus.
    Blurred,
}

/// A part without which the door may not open by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// No frame arrives.
    Camera,
    /// The strike does not take commands.
    Strike,
    /// Records cannot be made durable.
    Storage,
}
