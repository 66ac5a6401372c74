//! From the end of a card to what the gate records and the screen says.

use card::{CardError, Kind, Secret, TransportError, TriesLeft};
use gate::CredentialRefusal as Refusal;

/// Each end but a good one. What the card cannot help is not told as something that somebody tried out.
pub(super) fn refusal(error: CardError) -> Refusal {
    match error {
        CardError::Transport(TransportError::Removed) | CardError::CardChanged => Refusal::Removed,
        CardError::Transport(TransportError::TimedOut | TransportError::ReaderGone) => Refusal::TimedOut,
        CardError::Wrong { tries_left: Some(left @ 1..), .. } => Refusal::PinWrong { left },
        CardError::Wrong { tries_left: Some(0), .. } | CardError::Blocked(_) => Refusal::PinBlocked,
        // Such a card keeps its count to itself: only that there is one try at least is known, or it would be blocked.
        CardError::Wrong { tries_left: None, .. } => Refusal::PinWrong { left: 1 },
        CardError::LastTry(_) => Refusal::OneTryLeft,
        CardError::NoPin => Refusal::CardWithoutPin,
        CardError::NotMyNumberCard | CardError::NoCertificate | CardError::CertificateLocked => {
            Refusal::OtherCard
        }
        CardError::ForeignAuthority => Refusal::ForeignAuthority,
        CardError::CertificateExpired | CardError::CardExpired => Refusal::CardExpired,
        CardError::NotYetValid => Refusal::NotYetValid,
        CardError::ClockUnknown => Refusal::ClockInDoubt,
        CardError::WrongSignature
        | CardError::FaceAltered
        | CardError::ChipCopied
        | CardError::AttributesAltered => Refusal::Forged,
        CardError::Transport(TransportError::Garbled)
        | CardError::BrokenCertificate
        | CardError::BrokenRecord
        | CardError::NoPhoto
        | CardError::PhotoTooLarge
        | CardError::BrokenPhoto
        | CardError::Unexpected(_)
        | CardError::TooManyCommands => Refusal::Unreadable,
    }
}

/// What is said of a card that is recognised and not taken; none for one that is.
pub(super) fn declined(kind: &Kind) -> Option<Refusal> {
    match kind {
        Kind::MyNumber | Kind::Telephone | Kind::Facility(_) => None,
        // The certificates of the last ones expired in 2025.
        Kind::OldResident => Some(Refusal::CardExpired),
        Kind::DriversLicence => Some(Refusal::DrivingLicence),
        Kind::Residence => Some(Refusal::ResidenceCard),
        Kind::Unknown => Some(Refusal::OtherCard),
    }
}

/// Whether the PIN may be asked for, by what the card says of all its tries. Nobody types one that is not sent then.
pub(super) fn pin_usable(tries: &[(Secret, TriesLeft)]) -> Result<(), Refusal> {
    let usable = |it: &(Secret, TriesLeft)| matches!(it.1, TriesLeft::Left(_));
    let pin = tries.iter().find(|it| it.0 == Secret::AuthenticationPin).map(|it| it.1);
    let others = tries
        .iter()
        .any(|it| matches!(it.0, Secret::SignaturePassword | Secret::AttributesPin) && usable(it));
    match pin {
        Some(TriesLeft::Left(2..)) => Ok(()),
        Some(TriesLeft::Left(_)) => Err(Refusal::OneTryLeft),
        Some(TriesLeft::Blocked) if others => Err(Refusal::PinBlocked),
        Some(TriesLeft::Blocked | TriesLeft::Absent) | None => Err(Refusal::CardWithoutPin),
    }
}
