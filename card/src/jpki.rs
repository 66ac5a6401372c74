//! Certificates of a MyNumber card: a tap, which is a claim, and a PIN, which is a proof.
//!
//! A tap reads the certificate for user authentication. Anybody can copy it, so [`tap`] says whose card was shown and proves
//! nothing: the face decides. [`authenticate`] has the card sign our fresh challenge, which it does only after its PIN.

use gate::Wall;

use crate::applications::{Application, File, Key, Secret};
use crate::certificate::{Authorities, Certificate, CertificateHandle, Revocation};
use crate::error::CardError;
use crate::session::{Session, TriesLeft};
use crate::transport::Transport;
use crate::typed::{Challenge, Pin};

/// The most commands of [`tap`]: a certificate of 4,096 bytes has 16 pieces, and a card may give them in smaller ones.
pub const TAP_COMMANDS: u32 = 64;

/// The most commands of [`authenticate`]: those of a tap, the PIN, the signature, and who else is blocked.
pub const AUTHENTICATE_COMMANDS: u32 = TAP_COMMANDS + 16;

/// The most commands of [`tries`].
pub const TRIES_COMMANDS: u32 = 16;

/// Whose card was shown. Proves nothing: a copy says the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardClaim {
    /// Whose certificate it is.
    pub holder: CertificateHandle,
    /// SHA-256 of the certificate. As personal as the handle.
    pub certificate_sha256: CertificateDigest,
    /// Whether somebody asked for its revocation.
    pub revocation: Revocation,
}

/// SHA-256 of a certificate; it leads to a person.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CertificateDigest(pub [u8; 32]);

impl std::fmt::Debug for CertificateDigest {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("CertificateDigest(..)")
    }
}

/// The card signed our challenge after its PIN. Only [`authenticate`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JpkiVerified {
    claim: CardClaim,
}

impl JpkiVerified {
    /// Whose card it is.
    #[must_use]
    pub fn claim(&self) -> &CardClaim {
        &self.claim
    }
}

/// Reads the certificate and traces it to a trusted authority, within its time.
///
/// # Errors
/// Every end but the good one is a variant of [`CardError`].
pub fn tap(
    transport: &mut dyn Transport,
    authorities: &Authorities,
    wall: Option<Wall>,
) -> Result<CardClaim, CardError> {
    let mut session = open(transport, TAP_COMMANDS)?;
    let certificate = read_certificate(&mut session)?.ok_or(CardError::CertificateLocked)?;
    certificate.check(authorities, wall)?;
    Ok(claim(&certificate))
}

/// A certificate and what came of judging it, for whoever looks after the kiosk. Not a claim: nobody is found by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// SHA-256 of the certificate, good or not.
    pub certificate_sha256: CertificateDigest,
    /// What [`tap`] would have said of it.
    pub verdict: Result<(), CardError>,
}

/// Reads the certificate as [`tap`] does, and tells of one that is refused as well. At most [`TAP_COMMANDS`].
///
/// # Errors
/// If none could be read.
pub fn look(
    transport: &mut dyn Transport,
    authorities: &Authorities,
    wall: Option<Wall>,
) -> Result<Seen, CardError> {
    let mut session = open(transport, TAP_COMMANDS)?;
    let certificate = read_certificate(&mut session)?.ok_or(CardError::CertificateLocked)?;
    Ok(Seen {
        certificate_sha256: CertificateDigest(certificate.sha256),
        verdict: certificate.check(authorities, wall),
    })
}

/// Has the card sign a fresh challenge after its PIN. A card whose certificate can be read without the PIN never hears it
/// unless the certificate is good.
///
/// # Errors
/// Every end but the good one is a variant of [`CardError`]. At one try left or none nothing was sent.
pub fn authenticate(
    transport: &mut dyn Transport,
    pin: &Pin,
    challenge: Challenge,
    authorities: &Authorities,
    wall: Option<Wall>,
) -> Result<JpkiVerified, CardError> {
    let mut session = open(transport, AUTHENTICATE_COMMANDS)?;
    let before = read_certificate(&mut session)?;
    if let Some(certificate) = &before {
        certificate.check(authorities, wall)?;
    }
    present_pin(&mut session, pin)?;
    let certificate = match before {
        Some(certificate) => certificate,
        None => {
            let certificate = read_certificate(&mut session)?.ok_or(CardError::CertificateLocked)?;
            certificate.check(authorities, wall)?;
            certificate
        }
    };
    let message = challenge.message(b"jpki-authentication/");
    let signature = session.sign(Key::Authentication, &certificate.key.algorithm.input(&message))?;
    if !certificate.key.signed(&message, &signature) {
        return Err(CardError::WrongSignature);
    }
    Ok(JpkiVerified { claim: claim(&certificate) })
}

fn open(transport: &mut dyn Transport, commands: u32) -> Result<Session<'_>, CardError> {
    let mut session = Session::new(transport, commands);
    if session.select(Application::Jpki)? { Ok(session) } else { Err(CardError::NotMyNumberCard) }
}

/// The certificate; none if the card shows it only after the PIN.
fn read_certificate(session: &mut Session<'_>) -> Result<Option<Certificate>, CardError> {
    match session.read_record(File::AuthenticationCertificate) {
        Ok(Some(record)) => Certificate::parse(record.whole()).map(Some).ok_or(CardError::BrokenCertificate),
        Ok(None) => Err(CardError::NoCertificate),
        Err(CardError::Unexpected(status)) if status.meaning() == crate::Meaning::Locked => Ok(None),
        Err(other) => Err(other),
    }
}

/// Presents the PIN. A card on which every other PIN is blocked as well was issued without one.
fn present_pin(session: &mut Session<'_>, pin: &Pin) -> Result<(), CardError> {
    let secret = Secret::AuthenticationPin;
    let tries = session.tries(secret)?;
    if tries != TriesLeft::Blocked {
        return session.present_at(secret, tries, pin.digits());
    }
    let others_usable = usable(session, Secret::SignaturePassword)?
        || session.select(Application::Text)? && usable(session, Secret::AttributesPin)?;
    Err(if others_usable { CardError::Blocked(secret) } else { CardError::NoPin })
}

fn usable(session: &mut Session<'_>, secret: Secret) -> Result<bool, CardError> {
    session.tries(secret).map(|it| matches!(it, TriesLeft::Left(_)))
}

fn claim(certificate: &Certificate) -> CardClaim {
    CardClaim {
        holder: certificate.handle(),
        certificate_sha256: CertificateDigest(certificate.sha256),
        revocation: Revocation::NotChecked,
    }
}

/// How many tries the secrets of a MyNumber card have left, in the order of [`Secret::ALL`]. Spends none.
///
/// # Errors
/// The transport's, or an answer that says nothing of tries.
pub fn tries(transport: &mut dyn Transport) -> Result<[(Secret, TriesLeft); Secret::ALL.len()], CardError> {
    let mut session = open(transport, TRIES_COMMANDS)?;
    let mut selected = Some(Application::Jpki);
    let mut all = Secret::ALL.map(|secret| (secret, TriesLeft::Absent));
    for (secret, left) in &mut all {
        let application = secret.application();
        if selected != Some(application) {
            selected = session.select(application)?.then_some(application);
        }
        if selected == Some(application) {
            *left = session.tries(*secret)?;
        }
    }
    Ok(all)
}
