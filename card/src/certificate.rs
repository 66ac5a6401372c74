//! Certificates: read, traced to an authority that this kiosk trusts, and judged against the clock.
//!
//! What is not checked is revocation: its lists are given to notified verifiers only. Every result says so ([`Revocation`]).

use gate::Wall;
use thiserror::Error;
use x509_cert::Certificate as X509;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, Encode, Reader, SliceReader, Tag, Tagged};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};
use zeroize::Zeroizing;

use crate::error::CardError;
use crate::signature::{Algorithm, PublicKey, sha256};

/// The most authorities that are tried: three generations are in use at a time, with room for test ones.
const MAX_AUTHORITIES: usize = 16;

/// Critical extensions whose meaning is known here (alternative names, basic constraints, key usage, distribution points,
/// policies, authority key identifier, extended key usage). A certificate with another one is refused.
const KNOWN_CRITICAL: [&str; 7] =
    ["2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.31", "2.5.29.32", "2.5.29.35", "2.5.29.37"];

/// Whether somebody asked if the certificate was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// Nobody did: this kiosk is offline, and not a notified verifier.
    NotChecked,
}

impl Revocation {
    /// What records and programs read.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotChecked => "not-checked",
        }
    }
}

/// Whose certificate it is: issuer and serial number. A personal identifier: callers keep a keyed digest of it and nothing else.
#[derive(Clone, PartialEq, Eq)]
pub struct CertificateHandle(Zeroizing<Vec<u8>>);

impl CertificateHandle {
    fn new(issuer: &[u8], serial: &[u8]) -> Self {
        let length = u32::try_from(issuer.len()).expect("a certificate has at most 4,096 bytes");
        Self(Zeroizing::new([&length.to_be_bytes(), issuer, serial].concat()))
    }

    /// What is hashed with the site's key: the issuer's name as DER behind its length (four bytes), then the serial number.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for CertificateHandle {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("CertificateHandle(..)")
    }
}

/// A certificate, taken apart. It identifies a person: there is no `Debug`.
pub(crate) struct Certificate {
    /// What the authority signed.
    signed: Vec<u8>,
    signature: Vec<u8>,
    signed_by: Algorithm,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    organisation_is_test: bool,
    serial: Vec<u8>,
    pub(crate) key: PublicKey,
    /// Seconds since 1970: the first and the last at which it is valid.
    from_s: i64,
    until_s: i64,
    authority: bool,
    signs_challenges: bool,
    signs_certificates: bool,
    pub(crate) sha256: [u8; 32],
}

impl Certificate {
    pub(crate) fn parse(der: &[u8]) -> Option<Self> {
        let certificate = X509::from_der(der).ok()?;
        let body = certificate.tbs_certificate();
        let algorithm = certificate.signature_algorithm();
        let signed_by = Algorithm::of_signature(&algorithm.oid.to_string())?;
        if body.signature() != algorithm || !critical_known(&certificate) {
            return None;
        }
        let constraints = body.get_extension::<BasicConstraints>().ok()?.map(|(_, it)| it);
        let usage = body.get_extension::<KeyUsage>().ok()?.map(|(_, it)| it);
        let issuer = body.issuer().to_der().ok()?;
        Some(Self {
            signed: signed_part(der)?,
            signature: certificate.signature().as_bytes()?.to_vec(),
            signed_by,
            organisation_is_test: contains(&issuer, b"JPKI-TEST"),
            issuer,
            subject: body.subject().to_der().ok()?,
            serial: body.serial_number().as_bytes().to_vec(),
            key: key(&certificate)?,
            from_s: i64::try_from(body.validity().not_before.to_unix_duration().as_secs()).ok()?,
            until_s: i64::try_from(body.validity().not_after.to_unix_duration().as_secs()).ok()?,
            authority: constraints.is_some_and(|it| it.ca),
            signs_challenges: usage.as_ref().is_some_and(KeyUsage::digital_signature),
            signs_certificates: usage.as_ref().is_some_and(KeyUsage::key_cert_sign),
            sha256: sha256(der),
        })
    }

    pub(crate) fn handle(&self) -> CertificateHandle {
        CertificateHandle::new(&self.issuer, &self.serial)
    }

    /// Judges it: for this purpose, by a trusted authority, in its time.
    pub(crate) fn check(&self, authorities: &Authorities, wall: Option<Wall>) -> Result<(), CardError> {
        if self.authority || !self.signs_challenges {
            return Err(CardError::BrokenCertificate);
        }
        let authority = authorities.of(self).ok_or(CardError::ForeignAuthority)?;
        self.check_time(wall)?;
        authority.check_time(wall)
    }

    /// Within its time for every time that the clock allows.
    fn check_time(&self, wall: Option<Wall>) -> Result<(), CardError> {
        let Wall { unix_ms, uncertainty_s } = wall.ok_or(CardError::ClockUnknown)?;
        let (now, half) = (unix_ms.div_euclid(1_000), i64::from(uncertainty_s));
        let (earliest, latest) = (now.saturating_sub(half), now.saturating_add(half));
        match () {
            () if self.from_s <= earliest && latest <= self.until_s => Ok(()),
            () if earliest > self.until_s => Err(CardError::CertificateExpired),
            () if latest < self.from_s => Err(CardError::NotYetValid),
            () => Err(CardError::ClockUnknown),
        }
    }
}

/// The bytes that are signed, as they stand: encoded anew they could differ.
fn signed_part(der: &[u8]) -> Option<Vec<u8>> {
    let mut reader = SliceReader::new(der).ok()?;
    reader
        .sequence(|inner: &mut SliceReader<'_>| {
            let signed = inner.tlv_bytes()?.to_vec();
            inner.tlv_bytes()?;
            inner.tlv_bytes()?;
            Ok::<_, x509_cert::der::Error>(signed)
        })
        .ok()
}

fn key(certificate: &X509) -> Option<PublicKey> {
    let info = certificate.tbs_certificate().subject_public_key_info();
    let parameters = info.algorithm.parameters.as_ref();
    let curve = parameters.filter(|it| it.tag() == Tag::ObjectIdentifier);
    let curve = match curve {
        Some(curve) => Some(curve.decode_as::<ObjectIdentifier>().ok()?.to_string()),
        None => None,
    };
    let algorithm = Algorithm::of_key(&info.algorithm.oid.to_string(), curve.as_deref())?;
    Some(PublicKey { algorithm, bytes: info.subject_public_key.as_bytes()?.to_vec() })
}

fn critical_known(certificate: &X509) -> bool {
    let extensions = certificate.tbs_certificate().extensions();
    extensions.is_none_or(|all| {
        all.iter().all(|it| !it.critical || KNOWN_CRITICAL.contains(&it.extn_id.to_string().as_str()))
    })
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|it| it == part)
}

/// Whether the authorities of the test cards are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestCards {
    /// At a door.
    Refused,
    /// On a bench.
    Accepted,
}

/// An authority cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AuthorityError {
    /// Not DER, or of an algorithm that is not known.
    #[error("authority {0} is no certificate that can be read; give it as DER")]
    Unreadable(usize),
    /// It may not sign certificates.
    #[error("authority {0} is no authority: it may not sign certificates")]
    NotAnAuthority(usize),
    /// It is for test cards.
    #[error("authority {0} signs test cards (JPKI-TEST); it has no place at a door")]
    ForTests(usize),
    /// There are too many.
    #[error("there are more than {MAX_AUTHORITIES} authorities; remove those that have expired")]
    TooMany,
}

/// The authorities that this kiosk trusts. Several generations bear the same name.
pub struct Authorities(Vec<Certificate>);

impl Authorities {
    /// Takes certificates as DER.
    ///
    /// # Errors
    /// [`AuthorityError`], with the position of the one that cannot be used, from 0.
    pub fn new<'a>(
        certificates: impl IntoIterator<Item = &'a [u8]>,
        test_cards: TestCards,
    ) -> Result<Self, AuthorityError> {
        let mut all = Vec::new();
        for (at, der) in certificates.into_iter().enumerate() {
            let one = Certificate::parse(der).ok_or(AuthorityError::Unreadable(at))?;
            match () {
                () if at == MAX_AUTHORITIES => return Err(AuthorityError::TooMany),
                () if !one.authority || !one.signs_certificates => {
                    return Err(AuthorityError::NotAnAuthority(at));
                }
                () if one.organisation_is_test && test_cards == TestCards::Refused => {
                    return Err(AuthorityError::ForTests(at));
                }
                () => all.push(one),
            }
        }
        Ok(Self(all))
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The one that signed a certificate.
    fn of(&self, certificate: &Certificate) -> Option<&Certificate> {
        self.0.iter().find(|it| {
            it.subject == certificate.issuer
                && it.key.algorithm == certificate.signed_by
                && it.key.signed_certificate(&certificate.signed, &certificate.signature)
        })
    }
}
