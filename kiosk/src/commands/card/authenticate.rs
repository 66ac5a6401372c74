//! `kiosk card authenticate`: the card signs a fresh challenge after its PIN. Everything that can refuse without the PIN does
//! so before it is sent; at one try left it is not sent.

use card::{CardError, Pin, Revocation, Transport, identify, tries};
use serde::Serialize;

use super::{Outcome, Refused, Why, authorities, challenge, pin_tries, reader::with_card, tries_text, typed};
use crate::{arguments::card::Authenticate, clock, output::Format};

#[derive(Serialize)]
struct Report {
    card: Option<&'static str>,
    authenticated: bool,
    /// What the record of a visit would say; null unless authenticated.
    assurance: Option<&'static str>,
    revocation: &'static str,
    certificate_sha256: Option<String>,
    /// Left now, after this command; null if the card did not say.
    pin_tries: Option<u8>,
    #[serde(flatten)]
    why: Why,
}

pub(super) fn authenticate(format: Format, asked: &Authenticate) -> Outcome {
    let mut report = Report {
        card: None,
        authenticated: false,
        assurance: None,
        revocation: Revocation::NotChecked.name(),
        certificate_sha256: None,
        pin_tries: None,
        why: Why { refused: None, why: None },
    };
    let end = proved(asked, &mut report);
    report.why = Why::of(&end);
    format.print(&report, text);
    end.map_err(Into::into)
}

fn proved(asked: &Authenticate, report: &mut Report) -> Result<(), Refused> {
    let authorities = authorities::trusted(&asked.reader, &asked.trusted)?;
    if authorities.count() == 0 {
        return Err(Refused::NoAuthorities);
    }
    let pin = Pin::parse(&typed::line("PIN (4 digits)")?)?;
    let challenge = challenge()?;
    with_card(&asked.reader, |card| {
        report.card = Some(identify(card)?.name());
        let wall = clock::now(clock::system().as_ref()).wall;
        let proof = card::authenticate(card, &pin, challenge, &authorities, wall);
        report.pin_tries = tries_after(card, proof.as_ref().err());
        let proof = proof?;
        report.authenticated = true;
        report.assurance = Some("JPKI-verified");
        report.certificate_sha256 = Some(super::hexadecimal(&proof.claim().certificate_sha256.0));
        Ok(())
    })
}

/// What the card told with its refusal, or tells when it is asked.
fn tries_after(card: &mut dyn Transport, refused: Option<&CardError>) -> Option<u8> {
    match refused {
        Some(CardError::Transport(_)) => None,
        Some(CardError::Wrong { tries_left: Some(left), .. }) => Some(*left),
        Some(_) | None => tries(card).ok().and_then(|told| pin_tries(&told)),
    }
}

fn text(report: &Report) -> String {
    let verdict = match report.authenticated {
        true => "authenticated: the card signed our challenge after its PIN",
        false => "not authenticated",
    };
    let revocation = report.revocation;
    format!("{verdict}; revocation: {revocation}; {}", tries_text(report.pin_tries))
}
