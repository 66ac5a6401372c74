//! Why a card was refused: a closed list, so that every end of a flow has its own words on the screen.
//!
//! Nothing here quotes what a card holds. The sentences for visitors are the kiosk's; [`CardError::name`] is what it keys them
//! by and what a record may keep.

use thiserror::Error;

use crate::apdu::StatusWord;
use crate::applications::Secret;
use crate::transport::TransportError;

/// Why a flow ended without a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CardError {
    /// The way to the card broke.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The card has no application of the MyNumber card.
    #[error("this is no MyNumber card; use another way, or lay the MyNumber card on the reader")]
    NotMyNumberCard,
    /// What was typed is wrong. How many tries are left, if the card told.
    #[error("the {} is wrong; ask for it again, and stop at one try left", .secret.name())]
    Wrong {
        /// Which secret.
        secret: Secret,
        /// What the card told; none if it does not count aloud.
        tries_left: Option<u8>,
    },
    /// One try is left, and it is not ours to spend: nothing was sent.
    #[error("one try is left for the {}, so it was not sent; use another way", .0.name())]
    LastTry(Secret),
    /// No try is left. The municipal office sets the secret anew.
    #[error("the {} is blocked; the municipal office unblocks it", .0.name())]
    Blocked(Secret),
    /// All secrets of the card are blocked, which is how a card issued without a PIN answers.
    #[error("this card has no PIN; use the front code or another way")]
    NoPin,
    /// The card holds no certificate for user authentication.
    #[error("this card holds no certificate for user authentication; use the front code or another way")]
    NoCertificate,
    /// The certificate is read only after the PIN: so do telephones.
    #[error("this card shows its certificate only after the PIN; ask for the PIN")]
    CertificateLocked,
    /// What stands where the certificate should is none, or none for this purpose.
    #[error("the certificate cannot be read; use another way")]
    BrokenCertificate,
    /// No authority that this kiosk trusts signed the certificate.
    #[error("no trusted authority signed this certificate; check the list of authorities")]
    ForeignAuthority,
    /// The certificate's time is over.
    #[error("the certificate has expired; the municipal office renews it")]
    CertificateExpired,
    /// The certificate's time has not begun.
    #[error("the certificate is not valid yet; check the clock of this kiosk")]
    NotYetValid,
    /// The card's own time is over.
    #[error("the card has expired; the municipal office renews it")]
    CardExpired,
    /// Whether it is valid depends on the time, and the clock does not tell it.
    #[error("the clock does not tell the day, and validity depends on it; set the clock")]
    ClockUnknown,
    /// The signature over our challenge is not by the key of the certificate.
    #[error("the card's signature is wrong; take the card away and try again")]
    WrongSignature,
    /// After the PIN was accepted the card no longer knew of it: another one lies there now, or it lost its power.
    #[error("the card changed in the middle; lay one card on the reader and leave it there")]
    CardChanged,
    /// A record is not laid out as it should be, too long, or ends in the middle.
    #[error("a record on the card is broken; use another way")]
    BrokenRecord,
    /// The signature over the face of the card does not cover what was read.
    #[error("the face of the card is not as it was issued; call staff")]
    FaceAltered,
    /// The chip could not sign our challenge with the key in its record: a copy of the data.
    #[error("the chip is not the one that was issued with this data; call staff")]
    ChipCopied,
    /// The attributes are not those that the integrity record was made over.
    #[error("the attributes are not as they were issued; call staff")]
    AttributesAltered,
    /// The card holds no photograph: so do the cards of infants.
    #[error("this card has no photograph; staff compare in another way")]
    NoPhoto,
    /// The photograph exceeds the limits.
    #[error("the photograph on the card is too large; use another way")]
    PhotoTooLarge,
    /// The photograph is no picture.
    #[error("the photograph on the card cannot be read; use another way")]
    BrokenPhoto,
    /// The card answered in a way that this step does not know.
    #[error("the card answered {0}; take it away and try again")]
    Unexpected(StatusWord),
    /// The flow needed more commands than it may send.
    #[error("the card needed too many commands; take it away and try again")]
    TooManyCommands,
}

impl CardError {
    /// What the kiosk keys its sentences by, and what a record keeps; it never changes.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Transport(TransportError::Removed) => "removed",
            Self::Transport(TransportError::TimedOut) => "timed-out",
            Self::Transport(TransportError::ReaderGone) => "reader-gone",
            Self::Transport(TransportError::Garbled) => "garbled",
            Self::NotMyNumberCard => "not-a-mynumber-card",
            Self::Wrong { secret: Secret::FrontCode | Secret::AttributesFrontCode, .. } => "front-code-wrong",
            Self::Wrong { .. } => "pin-wrong",
            Self::LastTry(Secret::FrontCode | Secret::AttributesFrontCode) => "front-code-last-try",
            Self::LastTry(_) => "pin-last-try",
            Self::Blocked(Secret::FrontCode | Secret::AttributesFrontCode) => "front-code-blocked",
            Self::Blocked(_) => "pin-blocked",
            Self::NoPin => "no-pin",
            Self::NoCertificate => "no-certificate",
            Self::CertificateLocked => "certificate-locked",
            Self::BrokenCertificate => "broken-certificate",
            Self::ForeignAuthority => "foreign-authority",
            Self::CertificateExpired => "certificate-expired",
            Self::NotYetValid => "not-yet-valid",
            Self::CardExpired => "card-expired",
            Self::ClockUnknown => "clock-unknown",
            Self::WrongSignature => "wrong-signature",
            Self::CardChanged => "card-changed",
            Self::BrokenRecord => "broken-record",
            Self::FaceAltered => "face-altered",
            Self::ChipCopied => "chip-copied",
            Self::AttributesAltered => "attributes-altered",
            Self::NoPhoto => "no-photo",
            Self::PhotoTooLarge => "photo-too-large",
            Self::BrokenPhoto => "broken-photo",
            Self::Unexpected(_) => "unexpected-answer",
            Self::TooManyCommands => "too-many-commands",
        }
    }
}
