//! What lies on the reader: asked by selecting applications, never by answer to reset or number on the air.
//!
//! The MyNumber card comes first, so that one that is a driver's licence as well is a MyNumber card. What has no application
//! is a card of a facility if its number stays the same: FeliCa and MIFARE. Such a number can be copied; it is a name, not a
//! proof.

use std::fmt;

use zeroize::Zeroizing;

use crate::applications::{Application, File};
use crate::error::CardError;
use crate::session::Session;
use crate::transport::Transport;

/// The most commands of [`identify`]: three applications, a licence's data, a label in a few pieces, a number.
pub const IDENTIFY_COMMANDS: u32 = 20;

/// How the reader answers for a memory card of ISO 14443 type A: the registered provider of PC/SC part 3, and standard 3. This
/// is the reader speaking, not the card; it tells a number of four bytes that stays from one that is drawn anew each time.
const TYPE_A_MEMORY: [u8; 13] =
    [0x3B, 0x8F, 0x80, 0x01, 0x80, 0x4F, 0x0C, 0xA0, 0x00, 0x00, 0x03, 0x06, 0x03];

/// What lies there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// マイナンバーカード.
    MyNumber,
    /// A telephone with the certificates in it.
    Telephone,
    /// 住民基本台帳カード, which was issued until 2015: its certificates have expired.
    OldResident,
    /// 運転免許証, the card of its own.
    DriversLicence,
    /// 在留カード.
    Residence,
    /// A card whose number can serve as a name.
    Facility(FacilityNumber),
    /// Something else.
    Unknown,
}

impl Kind {
    /// What programs and records read.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::MyNumber => "mynumber",
            Self::Telephone => "telephone",
            Self::OldResident => "old-resident",
            Self::DriversLicence => "drivers-licence",
            Self::Residence => "residence",
            Self::Facility(FacilityNumber { technology: Technology::Felica, .. }) => "felica",
            Self::Facility(FacilityNumber { technology: Technology::TypeA, .. }) => "type-a",
            Self::Unknown => "unknown",
        }
    }
}

/// How a facility's card speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Technology {
    /// FeliCa: the number is its IDm, eight bytes.
    Felica,
    /// ISO 14443 type A, as MIFARE: the number is its UID, four, seven or ten bytes.
    TypeA,
}

/// The number of a facility's card. It leads to a person: callers keep a keyed digest of it.
#[derive(Clone, PartialEq, Eq)]
pub struct FacilityNumber {
    /// How the card speaks; part of what is hashed, since numbers of two kinds may be alike.
    pub technology: Technology,
    bytes: Zeroizing<Vec<u8>>,
}

impl FacilityNumber {
    /// The number as the card gives it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The number, if it stays the same from one day to the next.
    fn new(bytes: Zeroizing<Vec<u8>>, answer_to_reset: &[u8]) -> Option<Self> {
        let technology = match (bytes.len(), &bytes[..]) {
            // 01 FE is drawn anew by telephones that talk to each other.
            (8, [0x01, 0xFE, ..]) => None,
            (8, _) => Some(Technology::Felica),
            (7 | 10, _) => Some(Technology::TypeA),
            // 08 is drawn anew, and type B draws all of its four bytes anew.
            (4, [0x08, ..]) => None,
            (4, _) if answer_to_reset.starts_with(&TYPE_A_MEMORY) => Some(Technology::TypeA),
            _ => None,
        }?;
        let says_nothing = bytes.iter().all(|it| *it == 0) || bytes.iter().all(|it| *it == 0xFF);
        (!says_nothing).then_some(Self { technology, bytes })
    }
}

impl fmt::Debug for FacilityNumber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "FacilityNumber({:?}, ..)", self.technology)
    }
}

/// Says what lies on the reader.
///
/// # Errors
/// The transport's, or an answer that may come from any card.
pub fn identify(transport: &mut dyn Transport) -> Result<Kind, CardError> {
    let answer_to_reset = transport.answer_to_reset().to_vec();
    let mut session = Session::new(transport, IDENTIFY_COMMANDS);
    if session.select(Application::Jpki)? {
        return token(&mut session);
    }
    for (application, kind) in
        [(Application::DriversLicence, Kind::DriversLicence), (Application::ResidenceCard, Kind::Residence)]
    {
        if session.select(application)? {
            return Ok(kind);
        }
    }
    if session.has_licence_data()? {
        return Ok(Kind::DriversLicence);
    }
    let number = session.number()?.and_then(|bytes| FacilityNumber::new(bytes, &answer_to_reset));
    Ok(number.map_or(Kind::Unknown, Kind::Facility))
}

/// What the application for certificates is on, by its label. One that says nothing is taken for a MyNumber card: what it is
/// worth, its signature says.
fn token(session: &mut Session<'_>) -> Result<Kind, CardError> {
    let label = match session.read_plain(File::TokenInfo) {
        Ok(label) => label,
        Err(CardError::Unexpected(_) | CardError::BrokenRecord) => None,
        Err(other) => return Err(other),
    };
    Ok(match label.as_deref().map(|it| it.trim_ascii_end()) {
        Some(b"JPKIAPICCTOKEN") => Kind::OldResident,
        Some(b"JPKIAPGPSETOKEN" | b"JPKIAPIOSTOKEN") => Kind::Telephone,
        _ => Kind::MyNumber,
    })
}
