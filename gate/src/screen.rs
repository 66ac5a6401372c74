//! What the person sees, as meaning; the words and pictures are the kiosk's.

use crate::{
    CredentialRefusal, Date, FactorSet, Fault, Greeting, PersonId, QualityIssue, Refusal, Side, Words,
};

/// One screen. A refusal is calm and names the next way; it never says more than the person needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Screen {
    /// Nobody is here: the notice (operator, purpose, face recognition in use, contact) and the ways in.
    Idle,
    /// A face that cannot be used yet, and what to do about it.
    Hint(QualityIssue),
    /// Good frames are arriving.
    HoldStill,
    /// A card or code was read: now the face, please.
    ShowFace,
    /// What was shown is not enough yet, or did not open: any of these leads on. Never empty.
    NextFactor(FactorSet),
    /// Turn the head slowly to this side.
    TurnHead(Side),
    /// And back to the camera.
    TurnBack,
    /// Granted.
    Welcome(Welcome),
    /// Goes out: take care.
    Farewell,
    /// Nobody in the gallery, or not a living face: the other ways in.
    NotRecognised,
    /// Two people too alike to tell apart: another factor is asked for.
    Ambiguous,
    /// The gallery is too large for a face alone: another factor is asked for.
    SecondFactor,
    /// The enrolment was revoked: quietly to the staff.
    SeeStaff,
    /// The head was not turned as asked, or cannot be: the ways in that need no turn.
    AnotherWay,
    /// A card or code that nobody here has, or whose owner looks different: quietly to the staff.
    ClaimNotConfirmed,
    /// Recognised, and not let in today: calmly why, and what to do.
    NotAdmitted(Refusal),
    /// No usable picture in all the time given: the other ways in.
    NoClearImage(QualityIssue),
    /// Several refusals in a row: a short pause, the other ways in.
    Pause,
    /// The kiosk cannot let anybody in by itself.
    OutOfService(Fault),
    /// The fire contact is active: the door is free, please leave.
    Evacuate,
    /// A step of a card reader with a flow of its own.
    Reader(ReaderScreen),
    /// Reception in a shelter.
    Shelter(ShelterScreen),
}

/// What is said to people who are let in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Welcome {
    /// How many people enter with this grant.
    pub party: u32,
    /// Fee classes with how many of the party are in each, in the facility's order; empty where nothing is to pay.
    pub fees: Vec<FeeLine>,
    /// The last day of the pass.
    pub pass_until: Option<Date>,
    /// Whose name may be shown; the name itself stays in the vault until the screen is drawn.
    pub greet: Option<PersonId>,
    /// Enter, or board.
    pub greeting: Greeting,
}

/// One fee class on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeeLine {
    /// What is read.
    pub words: Words,
    /// How many people.
    pub people: u32,
}

/// A step of a card reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReaderScreen {
    /// Show the front of the card to the camera.
    CardFront,
    /// Type the four digits.
    Pin,
    /// One try is left, so nothing is tried here.
    OneTryLeft,
    /// The card has no PIN.
    CardWithoutPin,
    /// A card that is not for this.
    OtherCard,
    /// The card is being read: leave it where it is.
    Reading,
    /// A code or card that was refused, and what to do.
    Refused(CredentialRefusal),
}

/// A step of reception in a shelter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ShelterScreen {
    /// Nobody is here: this is the reception.
    Reception,
    /// Who of the household is here.
    Household,
}
