//! The face of a MyNumber card, read with its front code: photograph, birth, sex, expiry.
//!
//! Three things are checked, and what they are worth is said with them. The record is signed by the key of a certificate that
//! lies on the card; the chip signs our challenge with a key that the record names, so the record was not copied from another
//! chip; and that certificate is traced as far as this kiosk can ([`Issuer`]): its issuers' keys are not published, so without
//! one of them, or a certificate that was seen before, a forger could have made all of it. The day of expiry stands outside the
//! signature; its year is compared with the front code, which the chip itself judged.

use std::fmt;

use gate::{Date, Local, Wall};
use zeroize::Zeroizing;

use crate::applications::{Application, File, Secret};
use crate::error::CardError;
use crate::photo::{GreyPicture, decode};
use crate::session::Session;
use crate::signature::{Algorithm, CardKey, sha256};
use crate::tlv::{Broken, Fields};
use crate::transport::Transport;
use crate::typed::{Challenge, FrontCode};

/// The most commands of [`read_face`]: 128 pieces of the largest file, and a card may give some in smaller ones.
pub const FACE_COMMANDS: u32 = 200;

/// Minutes that Japan is ahead of Greenwich: cards expire by its days.
const JAPAN_MINUTES: i32 = 9 * 60;

/// What the card holds of sex: ISO 5218.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sex {
    /// Unknown, or written in a way that is not known here.
    Unknown,
    /// Male.
    Male,
    /// Female.
    Female,
    /// Not applicable.
    NotApplicable,
}

impl Sex {
    pub(crate) fn parse(value: &[u8]) -> Self {
        match value {
            b"1" => Self::Male,
            b"2" => Self::Female,
            b"9" => Self::NotApplicable,
            _ => Self::Unknown,
        }
    }
}

/// A date of birth as the card holds it, which may be no day of the calendar.
pub struct Birth(Zeroizing<[u8; 8]>);

impl Birth {
    pub(crate) fn parse(fields: &Fields<'_>, tag: u16) -> Result<Self, Broken> {
        let digits = Zeroizing::new(fields.array(tag)?);
        if digits.iter().all(u8::is_ascii_digit) { Ok(Self(digits)) } else { Err(Broken) }
    }

    /// A day of the calendar, as a card would hold it.
    #[must_use]
    pub fn on(day: Date) -> Self {
        let mut digits = Zeroizing::new([0; 8]);
        for (at, digit) in format!("{:04}{:02}{:02}", day.year(), day.month(), day.day()).bytes().enumerate()
        {
            digits[at] = digit;
        }
        Self(digits)
    }

    /// The day; none if month or day are not known.
    #[must_use]
    pub fn date(&self) -> Option<Date> {
        date(&self.0)
    }
}

impl fmt::Debug for Birth {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Birth(..)")
    }
}

/// Reads `YYYYMMDD`.
fn date(digits: &[u8; 8]) -> Option<Date> {
    let text = str::from_utf8(digits).ok().filter(|it| it.bytes().all(|it| it.is_ascii_digit()))?;
    Date::new(text[..4].parse().ok()?, text[4..6].parse().ok()?, text[6..].parse().ok()?)
}

/// How far the certificate that vouches for a record was traced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Issuer {
    /// One of the issuer keys of [`Issuers`] signed it.
    Certified,
    /// It is one that was seen on cards that are trusted.
    Pinned,
    /// Its signature could not be checked: the record is whole and the chip its own, but who made them is not known.
    Unknown,
}

impl Issuer {
    /// What records and programs read.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Certified => "certified",
            Self::Pinned => "pinned",
            Self::Unknown => "unknown",
        }
    }
}

/// By what the certificates on cards are traced. Both lists may be empty: then every [`Issuer`] is unknown.
#[derive(Clone, Default)]
pub struct Issuers {
    /// Keys that sign such certificates.
    pub keys: Vec<CardKey>,
    /// SHA-256 of such certificates, tag and length included.
    pub pinned: Vec<[u8; 32]>,
}

/// A certificate on a card: whose key signs its records.
pub(crate) struct CardCertificate {
    pub(crate) key: CardKey,
    pub(crate) issuer: Issuer,
}

impl CardCertificate {
    /// Reads the certificate of an application and traces it.
    pub(crate) fn read(session: &mut Session<'_>, file: File, issuers: &Issuers) -> Result<Self, CardError> {
        let record = session.read_record(file)?.ok_or(CardError::BrokenRecord)?;
        Self::parse(record.whole(), record.value(), issuers).map_err(|_| CardError::BrokenRecord)
    }

    /// `5F4E { issuer (16), subject (16), key }` and `5F37 { signature over the body }`.
    fn parse(whole: &[u8], value: &[u8], issuers: &Issuers) -> Result<Self, Broken> {
        let fields = Fields::parse(value)?;
        let body = fields.value(0x5F4E)?;
        let key = CardKey::parse(body.get(32..).ok_or(Broken)?)?;
        let signature: [u8; 256] = fields.array(0x5F37)?;
        let issuer = if issuers.keys.iter().any(|it| it.signed(body, &signature)) {
            Issuer::Certified
        } else if issuers.pinned.contains(&sha256(whole)) {
            Issuer::Pinned
        } else {
            Issuer::Unknown
        };
        Ok(Self { key, issuer })
    }
}

/// The face of a card. It stays in memory only.
pub struct Face {
    /// The photograph, in grey.
    pub photo: GreyPicture,
    /// Date of birth.
    pub birth: Birth,
    /// Sex.
    pub sex: Sex,
    /// The last day of the card. Not signed, but of the year that is printed.
    pub expiry: Date,
    /// How far its maker was traced.
    pub issuer: Issuer,
}

impl fmt::Debug for Face {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Face({:?}, ..)", self.issuer)
    }
}

/// Reads the face of a card with the code on its front, and has the chip sign a fresh challenge.
///
/// # Errors
/// Every end but the good one is a variant of [`CardError`]. At one try left or none nothing was sent.
pub fn read_face(
    transport: &mut dyn Transport,
    code: &FrontCode,
    challenge: Challenge,
    issuers: &Issuers,
    wall: Option<Wall>,
) -> Result<Face, CardError> {
    let mut session = Session::new(transport, FACE_COMMANDS);
    if !session.select(Application::Surface)? {
        return Err(CardError::NotMyNumberCard);
    }
    session.present(Secret::FrontCode, code.digits())?;
    let record = session.read_record(File::Face)?.ok_or(CardError::BrokenRecord)?;
    let fields = Fields::parse(record.value()).map_err(|_| CardError::BrokenRecord)?;
    let photo = fields.value(0xDF27).unwrap_or_default();
    if photo.is_empty() {
        return Err(CardError::NoPhoto);
    }
    let certificate = CardCertificate::read(&mut session, File::SurfaceCertificate, issuers)?;
    check_record(&fields, &certificate.key)?;
    check_chip(&mut session, &fields, challenge)?;
    let expiry = check_expiry(&fields, code, wall)?;
    Ok(Face {
        photo: decode(photo)?,
        birth: Birth::parse(&fields, 0xDF22).map_err(|_| CardError::BrokenRecord)?,
        sex: Sex::parse(fields.value(0xDF23).map_err(|_| CardError::BrokenRecord)?),
        expiry,
        issuer: certificate.issuer,
    })
}

/// The record is as it was signed: three digests, over birth, sex and chip's key, over both texts, over the photograph.
fn check_record(fields: &Fields<'_>, key: &CardKey) -> Result<(), CardError> {
    let digest = |tags: &[u16]| {
        let parts: Result<Vec<_>, _> = tags.iter().map(|tag| fields.whole(*tag)).collect();
        parts.map(|it| sha256(&Zeroizing::new(it.concat()))).map_err(|_| CardError::BrokenRecord)
    };
    let digests = [digest(&[0xDF22, 0xDF23, 0xDF24])?, digest(&[0xDF25, 0xDF26])?, digest(&[0xDF27])?];
    let signature = fields.value(0xDF28).map_err(|_| CardError::BrokenRecord)?;
    if key.signed_digests(&digests, signature) { Ok(()) } else { Err(CardError::FaceAltered) }
}

/// The chip holds the key that the record names.
fn check_chip(session: &mut Session<'_>, fields: &Fields<'_>, challenge: Challenge) -> Result<(), CardError> {
    let key = fields.value(0xDF24).and_then(CardKey::parse).map_err(|_| CardError::BrokenRecord)?;
    let message = challenge.message(b"card-face/");
    let signature = session.sign_by_chip(&Algorithm::RsaSha256.input(&message))?;
    if key.signed(&message, &signature) { Ok(()) } else { Err(CardError::ChipCopied) }
}

/// The day of expiry, if it is of the printed year and not over for any time that the clock allows.
fn check_expiry(fields: &Fields<'_>, code: &FrontCode, wall: Option<Wall>) -> Result<Date, CardError> {
    let digits: [u8; 8] = fields.array(0xDF29).map_err(|_| CardError::BrokenRecord)?;
    let expiry = date(&digits).ok_or(CardError::BrokenRecord)?;
    if digits[..4] != *code.expiry_year() {
        return Err(CardError::FaceAltered);
    }
    let (earliest, latest) = Local::span(wall, JAPAN_MINUTES).ok_or(CardError::ClockUnknown)?;
    match () {
        () if latest.date <= expiry => Ok(expiry),
        () if earliest.date > expiry => Err(CardError::CardExpired),
        () => Err(CardError::ClockUnknown),
    }
}
