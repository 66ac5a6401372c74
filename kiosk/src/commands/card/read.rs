//! `kiosk card read`: kind, certificate, tries; with the front code also which attributes are there and whether they are as
//! they were issued.
//!
//! What the attributes say is shown to their owner alone, on a terminal, when asked with `--show`: a pipe or a file is a log
//! by another name, and whoever holds a card may see what it says of them. JSON has no place for it.

use std::io::{IsTerminal as _, Write as _};

use card::{
    Authorities, CardError, Challenge, FrontCode, Issuers, Kind, Opening, Revocation, Secret, Sex, Transport,
    identify, look, read_attributes, read_face, tries,
};
use gate::Wall;
use serde::Serialize;

use super::{Outcome, Refused, Why, authorities, challenge, left, pin_tries, reader::with_card, typed};
use crate::{arguments::card::Read, clock, output::Format};

/// What stands where nobody looked.
const NOT_CHECKED: &str = "not-checked";

#[derive(Serialize)]
struct Report {
    /// What lies there; null if it did not say.
    card: Option<&'static str>,
    /// Of the certificate for user authentication; null if there is none, or none without the PIN.
    certificate_sha256: Option<String>,
    /// `trusted`, the refusal, or `not-checked`.
    chain: &'static str,
    /// `valid`, the refusal, or `not-checked`.
    validity: &'static str,
    revocation: &'static str,
    pin_tries: Option<u8>,
    tries: Vec<Tries>,
    face: Option<Checked>,
    attributes: Option<Checked>,
    #[serde(flatten)]
    why: Why,
}

#[derive(Serialize)]
struct Tries {
    application: &'static str,
    secret: &'static str,
    /// Null if the card has no such secret.
    left: Option<u8>,
}

/// A record that is as it was issued.
#[derive(Serialize)]
struct Checked {
    /// What is in it, by name.
    present: Vec<&'static str>,
    record_signature: &'static str,
    chip_challenge: &'static str,
    /// How far whoever signed was traced.
    issuer: &'static str,
}

/// What a conversation needs.
struct Asked {
    authorities: Authorities,
    wall: Option<Wall>,
    front: Option<(FrontCode, Challenge)>,
    show: bool,
}

pub(super) fn read(format: Format, asked: &Read) -> Outcome {
    let mut report = Report {
        card: None,
        certificate_sha256: None,
        chain: NOT_CHECKED,
        validity: NOT_CHECKED,
        revocation: Revocation::NotChecked.name(),
        pin_tries: None,
        tries: Vec::new(),
        face: None,
        attributes: None,
        why: Why { refused: None, why: None },
    };
    let end =
        prepared(format, asked).and_then(|it| with_card(&asked.reader, |card| talk(card, it, &mut report)));
    report.why = Why::of(&end);
    format.print(&report, text);
    end.map_err(Into::into)
}

fn prepared(format: Format, asked: &Read) -> Result<Asked, Refused> {
    if asked.show && (format == Format::Json || !std::io::stdout().is_terminal()) {
        return Err(Refused::NoTerminal);
    }
    let authorities = authorities::trusted(&asked.reader, &asked.trusted)?;
    let front = match asked.front_code_from_stdin {
        true => {
            let line = typed::line("front code (14 digits)")?;
            Some((FrontCode::parse(&line)?, challenge()?))
        }
        false => None,
    };
    let wall = clock::now(clock::system().as_ref()).wall;
    Ok(Asked { authorities, wall, front, show: asked.show })
}

fn talk(card: &mut dyn Transport, asked: Asked, report: &mut Report) -> Result<(), Refused> {
    let kind = identify(card)?;
    report.card = Some(kind.name());
    match kind {
        Kind::MyNumber | Kind::Telephone | Kind::OldResident => {}
        // What has none of these applications was recognised, which is all there is to read.
        Kind::DriversLicence | Kind::Residence | Kind::Facility(_) | Kind::Unknown => {
            return if asked.front.is_some() { Err(CardError::NotMyNumberCard.into()) } else { Ok(()) };
        }
    }
    let told = tries(card)?;
    report.pin_tries = pin_tries(&told);
    report.tries = told.iter().map(|&(secret, it)| named(secret, left(it))).collect();
    let certificate = certificate(card, &asked, report);
    match asked.front {
        None => Ok(certificate?),
        Some((code, challenge)) => {
            if let Err(CardError::Transport(error)) = certificate {
                return Err(CardError::from(error).into());
            }
            front(card, &code, challenge, (asked.wall, asked.show), report)
        }
    }
}

fn named(secret: Secret, left: Option<u8>) -> Tries {
    let application = match secret {
        Secret::AuthenticationPin | Secret::SignaturePassword => "jpki",
        Secret::AttributesPin | Secret::AttributesFrontCode => "text",
        Secret::FrontCode => "surface",
    };
    let secret = match secret {
        Secret::AuthenticationPin => "authentication-pin",
        Secret::SignaturePassword => "signature-password",
        Secret::AttributesPin => "attributes-pin",
        Secret::AttributesFrontCode | Secret::FrontCode => "front-code",
    };
    Tries { application, secret, left }
}

/// Where nobody is trusted, nothing was checked; that is no refusal. Nor is a telephone, which asks for its PIN first.
fn certificate(card: &mut dyn Transport, asked: &Asked, report: &mut Report) -> Result<(), CardError> {
    let seen = match look(card, &asked.authorities, asked.wall) {
        Ok(seen) => seen,
        Err(CardError::CertificateLocked) if report.card == Some(Kind::Telephone.name()) => return Ok(()),
        Err(error) => return Err(error),
    };
    report.certificate_sha256 = Some(super::hexadecimal(&seen.certificate_sha256.0));
    let times = [CardError::CertificateExpired, CardError::NotYetValid, CardError::ClockUnknown];
    match seen.verdict {
        Ok(()) => (report.chain, report.validity) = ("trusted", "valid"),
        Err(CardError::ForeignAuthority) if asked.authorities.count() == 0 => return Ok(()),
        Err(error) if times.contains(&error) => (report.chain, report.validity) = ("trusted", error.name()),
        Err(error) => report.chain = error.name(),
    }
    seen.verdict
}

/// Each of the two applications counts its tries of the front code for itself.
fn front(
    card: &mut dyn Transport,
    code: &FrontCode,
    challenge: Challenge,
    (wall, show): (Option<Wall>, bool),
    report: &mut Report,
) -> Result<(), Refused> {
    let face = read_face(card, code, challenge, &Issuers::default(), wall);
    if let Ok(face) = &face {
        let parts =
            [(true, "photo"), (face.birth.date().is_some(), "birth"), sex(face.sex), (true, "expiry")];
        report.face = Some(checked(&parts, "signed-by-the-chip", face.issuer.name()));
    }
    // A card without photograph has attributes all the same; one that is no longer there has none.
    if let Err(error @ (CardError::Transport(_) | CardError::Wrong { .. } | CardError::NotMyNumberCard)) =
        face
    {
        return Err(error.into());
    }
    let attributes = read_attributes(card, Opening::FrontCode(code), &Issuers::default())?;
    let parts = [
        (!attributes.name.is_empty(), "name"),
        (!attributes.address.is_empty(), "address"),
        (attributes.birth.date().is_some(), "birth"),
        sex(attributes.sex),
    ];
    report.attributes = Some(checked(&parts, NOT_CHECKED, attributes.issuer.name()));
    if show {
        let (name, address) = (attributes.name.as_str(), attributes.address.as_str());
        let birth = attributes.birth.date().map_or_else(|| "?".into(), |it| it.to_string());
        _ = writeln!(std::io::stdout(), "{name}\n{address}\n{birth}\n{:?}", attributes.sex);
    }
    face.map(|_| ()).map_err(Into::into)
}

fn sex(sex: Sex) -> (bool, &'static str) {
    (sex != Sex::Unknown, "sex")
}

fn checked(parts: &[(bool, &'static str)], chip_challenge: &'static str, issuer: &'static str) -> Checked {
    let present = parts.iter().filter(|(there, _)| *there).map(|&(_, name)| name).collect();
    Checked { present, record_signature: "valid", chip_challenge, issuer }
}

fn text(report: &Report) -> String {
    let mut lines = vec![format!("card: {}", report.card.unwrap_or("not known"))];
    if let Some(sha256) = &report.certificate_sha256 {
        lines.push(format!("certificate SHA-256: {sha256}"));
    }
    lines.push(format!(
        "chain: {}, validity: {}, revocation: {}",
        report.chain, report.validity, report.revocation
    ));
    lines.push(super::tries_text(report.pin_tries));
    for (what, record) in [("face", &report.face), ("attributes", &report.attributes)] {
        if let Some(it) = record {
            lines.push(format!(
                "{what}: {}; record signature {}, chip challenge {}, issuer {}",
                it.present.join(", "),
                it.record_signature,
                it.chip_challenge,
                it.issuer
            ));
        }
    }
    lines.join("\n")
}
