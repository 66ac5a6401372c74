//! What the commands do.

use std::fs;
use std::path::Path;

use credentials::{
    Claims, Cti, Denial, Kid, Kind, MAX_HELD_LIFE_S, MAX_LIFE_S, PublicKey, SecretKey, Statement, Subject,
    Trust, binding_of, issue, write_control,
};
use qrcode::{EcLevel, QrCode, render};

use crate::arguments::{self, Control, Credential, Issuer};
use crate::control;
use crate::directory::Directory;
use crate::failure::{Done, Failure};
use crate::keys::{hex, random, unhex};
use crate::office::{Office, now_ms};

/// What is asked about codes.
pub(crate) fn credential(directory: &Directory, office: &mut Office, command: &Credential) -> Done<String> {
    match command {
        Credential::Issuer { command } => issuer(directory, office, command),
        Credential::Issue(asked) => issue_code(directory, office, asked),
        Credential::Deny { subject, credential, issuer } => {
            deny(office, subject.as_deref(), credential.as_deref(), issuer.as_deref())
        }
    }
}

/// What is asked about the control feed.
pub(crate) fn control(office: &mut Office, command: &Control) -> Done<String> {
    let Control::Export { out } = command;
    export(office, out)
}

fn issuer(directory: &Directory, office: &mut Office, command: &Issuer) -> Done<String> {
    let control = control::read(office)?;
    match command {
        Issuer::Add { name, algorithm } => {
            if !(1..=credentials::MAX_NAME).contains(&name.len()) {
                return Err(Failure::Asked("--name: 1 to 64 bytes are needed"));
            }
            let algorithm = match algorithm {
                arguments::Algorithm::EdDsa => credentials::Algorithm::EdDsa,
                arguments::Algorithm::Es256 => credentials::Algorithm::Es256,
            };
            let key = SecretKey::from_bytes(algorithm, &random()?).ok_or(Failure::Random)?;
            directory.keep_issuer(&key)?;
            let (key, issuer) = (key.public(), name.clone());
            let kid = key.kid();
            control::state(office, |version| Statement::IssuerAdded {
                version,
                key: key.clone(),
                issuer: issuer.clone(),
            })?;
            Ok(kid.to_string())
        }
        Issuer::Revoke { kid } => {
            let kid = kid_of(kid)?;
            if control.trust().issuer(kid).is_none() {
                return Err(Failure::Asked("--kid: no key of this name was ever stated here"));
            }
            control::state(office, |version| Statement::IssuerRevoked { version, kid })?;
            Ok(format!("{kid} signs no longer, as soon as kiosks import the next control file"))
        }
    }
}

fn kid_of(text: &str) -> Done<Kid> {
    let bytes = unhex(text).and_then(|bytes| bytes.try_into().ok());
    bytes.map(Kid).ok_or(Failure::Asked("--kid: 16 hexadecimal digits are needed"))
}

fn subject_of(text: &str) -> Done<Subject> {
    let subject = unhex(text).and_then(|bytes| Subject::new(&bytes));
    subject.ok_or(Failure::Asked("--subject: 8 to 10 bytes in hexadecimal digits are needed"))
}

fn issue_code(directory: &Directory, office: &mut Office, asked: &arguments::Issue) -> Done<String> {
    let control = control::read(office)?;
    let kid = match &asked.kid {
        Some(kid) => kid_of(kid)?,
        None => newest_key(control.trust())?,
    };
    let issuer = control.trust().issuer(kid).filter(|_| !control.trust().is_revoked(kid));
    let issuer = issuer.ok_or(Failure::Asked("no such key signs codes (any more)"))?;
    let text = issue(&directory.issuer(kid)?, &claims(asked, &issuer.name)?);
    let code = || {
        QrCode::with_error_correction_level(&text, EcLevel::M)
            .map_err(|_| Failure::Asked("the code is too long for a QR code"))
    };
    if let Some(path) = &asked.svg {
        let drawn = code()?.render::<render::svg::Color<'_>>().min_dimensions(400, 400).build();
        fs::write(path, drawn).map_err(|source| Failure::Io { act: "write", path: path.clone(), source })?;
    }
    match asked.draw {
        true => Ok(code()?.render::<render::unicode::Dense1x2>().build()),
        false => Ok(text),
    }
}

/// Of the keys that sign, the one that was stated last.
fn newest_key(trust: &Trust) -> Done<Kid> {
    let keys = trust.issuers().filter(|(kid, _)| !trust.is_revoked(*kid));
    let newest = keys.max_by_key(|(_, issuer)| issuer.version()).map(|(kid, _)| kid);
    newest.ok_or(Failure::Asked("no key signs codes yet; `registry credential issuer add` makes one"))
}

fn claims(asked: &arguments::Issue, issuer: &str) -> Done<Claims> {
    let now = now_ms()? / 1000;
    let holder = asked.holder_key.as_deref().map(holder_key).transpose()?;
    let kind = match asked.kind {
        arguments::Kind::Member => Kind::Member,
        arguments::Kind::Visitor => Kind::Visitor,
        arguments::Kind::Staff => Kind::Staff,
        arguments::Kind::Shelter => Kind::Shelter,
    };
    let longest = if holder.is_some() { MAX_HELD_LIFE_S } else { MAX_LIFE_S };
    let life = match (kind, asked.valid_for) {
        (Kind::Shelter, life) => life,
        (Kind::Member | Kind::Visitor | Kind::Staff, life) => Some(life.unwrap_or(60)),
    };
    if kind != Kind::Shelter && life.is_some_and(|life| !(1..=longest).contains(&life)) {
        return Err(Failure::Asked("--valid-for: 1 to 300 seconds, or with --holder-key to 31,622,400"));
    }
    if asked.zones.iter().any(|zone| *zone > 62) {
        return Err(Failure::Asked("--zones: 0 to 62"));
    }
    let person = asked.bind.as_deref().map(str::parse::<gate::PersonId>).transpose();
    Ok(Claims {
        issuer: issuer.to_owned(),
        site: asked.site.clone(),
        expires_s: life.map(|life| now.saturating_add(life)),
        not_before_s: None,
        issued_s: now,
        cti: Cti::new(&random::<12>()?).ok_or(Failure::Random)?,
        holder,
        subject: subject_of(&asked.subject)?,
        zones: (!asked.zones.is_empty()).then(|| asked.zones.iter().fold(0, |all, zone| all | 1 << zone)),
        kind,
        binding: person
            .map_err(|_| Failure::Asked("--bind: the id that `kiosk gallery list` shows"))?
            .map(binding_of),
    })
}

fn holder_key(path: &Path) -> Done<PublicKey> {
    let text = fs::read_to_string(path);
    let text = text.map_err(|source| Failure::Io { act: "read", path: path.to_owned(), source })?;
    let key = unhex(text.trim()).and_then(|bytes| PublicKey::from_bytes(&bytes));
    key.ok_or(Failure::Unusable { path: path.to_owned(), why: "is no public key of Ed25519 or P-256".into() })
}

fn deny(
    office: &mut Office,
    subject: Option<&str>,
    credential: Option<&str>,
    issuer: Option<&str>,
) -> Done<String> {
    let control = control::read(office)?;
    let mut names: Vec<&str> = control.trust().issuers().map(|(_, issuer)| issuer.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let issuer = match (issuer, names.as_slice()) {
        (Some(issuer), names) if names.contains(&issuer) => issuer,
        (None, [only]) => only,
        (Some(_), _) | (None, _) => {
            return Err(Failure::Asked("--issuer: name one whose key was stated here"));
        }
    };
    let cti = |text: &str| unhex(text).and_then(|bytes| Cti::new(&bytes));
    let denial = match (subject, credential) {
        (Some(subject), _) => Denial::of_subject(issuer, &subject_of(subject)?),
        (None, Some(credential)) => {
            let cti =
                cti(credential).ok_or(Failure::Asked("--credential: 8 to 16 bytes in hexadecimal digits"))?;
            Denial::of_credential(issuer, &cti)
        }
        (None, None) => return Err(Failure::Asked("name --subject or --credential")),
    };
    let stated_s = now_ms()? / 1000;
    control::state(office, |version| Statement::Denylist { version, stated_s, denied: vec![denial] })?;
    Ok(format!("denied ({}), as soon as kiosks import the next control file", hex(&denial.0)))
}

fn export(office: &mut Office, out: &Path) -> Done<String> {
    let stated_s = now_ms()? / 1000;
    control::state(office, |version| Statement::Denylist { version, stated_s, denied: vec![] })?;
    let control = control::read(office)?;
    let pages = office.look(|tx| tx.control_pages())?;
    let written = fs::write(out, write_control(&pages));
    written.map_err(|source| Failure::Io { act: "write", path: out.to_owned(), source })?;
    Ok(format!(
        "{} records, version {}, {} denied; kiosks refuse it as old after 24 hours",
        control.records(),
        control.trust().version(),
        control.trust().denied()
    ))
}
