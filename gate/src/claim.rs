//! A claim: something that says who somebody is; and why a credential was refused before it said so.

use std::{sync::Arc, time::Duration};

use crate::PersonId;

/// What was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CredentialKind {
    /// A card of the facility: a number that anybody with the card can show.
    FacilityCard,
    /// A signed QR code.
    Qr,
    /// A MyNumber card.
    MyNumberCard,
}

/// How strongly a credential speaks for whoever shows it, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Proof {
    /// A number or a text that whoever saw it can copy: a card's number, a certificate read without a PIN, a printed code.
    Shown,
    /// Signed for these minutes and not seen here before: a code on a telephone, which may have been passed on.
    Fresh,
    /// Signed a moment ago over our own challenge by a card that was told its PIN.
    Pin,
}

/// A credential that was presented and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It belongs to somebody who is registered here: the policy says what else is needed, mostly the face 1:1.
    Of {
        /// Who.
        person: PersonId,
        /// By what.
        kind: CredentialKind,
        /// How strongly it speaks for whoever shows it.
        proof: Proof,
        /// It was issued for this face only: the owner's face is compared 1:1, whatever the rules say.
        face_required: bool,
    },
    /// Nobody here has it.
    Unknown(CredentialKind),
}

/// By which way a visitor came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// The face alone.
    Face,
    /// A claim, confirmed by the face or by itself; the factors of the record say which.
    Claim(CredentialKind),
    /// Staff entered it.
    Staff,
}

/// How claims are judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClaimRule {
    /// False matches per visit of somebody who shows another person's card or code, for instance 0.0005: it is shared out
    /// among the owner's references and the attempts.
    pub target_fmr: f64,
    /// How long after a claim its owner may take to be seen.
    pub patience: Duration,
    /// How long a card reader may take, the typing of a PIN included, before a half-finished visit is forgotten.
    pub reader_patience: Duration,
}

impl Default for ClaimRule {
    fn default() -> Self {
        Self { target_fmr: 5e-4, patience: Duration::from_secs(20), reader_patience: Duration::from_secs(60) }
    }
}

/// Where signed codes are shown, as their issuers name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodePlace {
    /// The site's name. A code that names another site is refused here; one that names none counts at each of its issuer's.
    pub site: Arc<str>,
    /// The zone that the door leads to, 0 to 62.
    pub zone: u8,
    /// Whether codes count although the issuers' list of withdrawn codes is missing or older than a day.
    pub old_denylist_counts: bool,
}

impl Default for CodePlace {
    fn default() -> Self {
        Self { site: "".into(), zone: 0, old_denylist_counts: false }
    }
}

/// Why a code or a card was refused before it said who somebody is. The set is closed: each has its record and its screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CredentialRefusal {
    /// A code that was used before.
    Replayed,
    /// A code that has ended.
    Expired,
    /// A code that begins later.
    NotYetValid,
    /// Issued for another facility.
    OtherSite,
    /// Signed by somebody whom nobody here trusts.
    UnknownIssuer,
    /// The signature is wrong.
    Forged,
    /// It could not be read, or says nothing that is understood.
    Unreadable,
    /// It was withdrawn: it is on the denylist.
    Withdrawn,
    /// Whether it counts depends on the time, and the clock does not tell it.
    ClockInDoubt,
    /// A card or wristband for shelters: it counts in a shelter, or with a face.
    NeedsShelterOrFace,
    /// A wrong PIN.
    PinWrong {
        /// How many tries the card has left.
        left: u8,
    },
    /// The card takes no PIN any more.
    PinBlocked,
    /// One try is left, so nothing is tried here.
    OneTryLeft,
    /// The card has no PIN.
    CardWithoutPin,
    /// The card was taken away too early.
    Removed,
    /// The card, the reader or the person took too long.
    TimedOut,
    /// The card, or the certificate on it, has ended.
    CardExpired,
    /// A card of an authority that is not trusted here.
    ForeignAuthority,
    /// A driving licence: recognised, and not for this.
    DrivingLicence,
    /// A residence card: recognised, and not for this.
    ResidenceCard,
    /// Some other card.
    OtherCard,
}

impl CredentialRefusal {
    /// Whether somebody may be trying things out: such refusals count towards the pause. The others happen to honest people.
    #[must_use]
    pub const fn is_suspicious(self) -> bool {
        match self {
            Self::Replayed
            | Self::OtherSite
            | Self::UnknownIssuer
            | Self::Forged
            | Self::Withdrawn
            | Self::PinWrong { .. }
            | Self::PinBlocked
            | Self::ForeignAuthority => true,
            Self::Expired
            | Self::NotYetValid
            | Self::Unreadable
            | Self::ClockInDoubt
            | Self::NeedsShelterOrFace
            | Self::OneTryLeft
            | Self::CardWithoutPin
            | Self::Removed
            | Self::TimedOut
            | Self::CardExpired
            | Self::DrivingLicence
            | Self::ResidenceCard
            | Self::OtherCard => false,
        }
    }
}
