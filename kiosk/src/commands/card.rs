//! `kiosk card`: what lies on a reader, whether its owner knows its PIN, whose photograph is on it. Needs no data directory
//! and opens no door: it is for whoever sets a kiosk up, and for programs that check one.
//!
//! A refusal has a name that never changes (`refused`, in JSON) and a sentence that says what to do, and the command exits
//! other than 0. What a card holds of a person is told by name only; PINs and codes come from standard input and go to the
//! card alone.

mod authenticate;
mod authorities;
mod compare;
mod read;
mod reader;
mod refused;
mod typed;

use serde::Serialize;
use store::{Entropy as _, SystemEntropy};

use self::refused::Refused;
use super::Outcome;
use crate::{
    arguments::{Common, card::Card},
    output::Format,
};

pub(crate) fn card(common: &Common, format: Format, command: &Card) -> Outcome {
    match command {
        Card::Read(asked) => read::read(format, asked),
        Card::Authenticate(asked) => authenticate::authenticate(format, asked),
        Card::Compare(asked) => compare::compare(common, format, asked),
    }
}

/// Why nothing came of it.
#[derive(Serialize)]
struct Why {
    /// The constant name; null if nothing was refused.
    refused: Option<&'static str>,
    /// What to do about it.
    why: Option<String>,
}

impl Why {
    fn of(end: &Result<(), Refused>) -> Self {
        let refused = end.as_ref().err();
        Self { refused: refused.map(Refused::name), why: refused.map(ToString::to_string) }
    }
}

/// A challenge that nobody could foresee.
fn challenge() -> Result<card::Challenge, Refused> {
    let mut random = [0; 32];
    SystemEntropy.fill(&mut random).map_err(|_| Refused::NoRandomness)?;
    Ok(card::Challenge::new(random))
}

/// The authentication PIN's tries as a number: 0 if it is blocked, none if the card has no such PIN or did not say.
fn pin_tries(told: &[(card::Secret, card::TriesLeft)]) -> Option<u8> {
    told.iter().find(|(secret, _)| *secret == card::Secret::AuthenticationPin).and_then(|it| left(it.1))
}

fn left(tries: card::TriesLeft) -> Option<u8> {
    match tries {
        card::TriesLeft::Left(left) => Some(left),
        card::TriesLeft::Blocked => Some(0),
        card::TriesLeft::Absent => None,
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `tries left: 3`, or that nobody knows.
fn tries_text(left: Option<u8>) -> String {
    left.map_or_else(|| "PIN tries not known".into(), |left| format!("PIN tries left: {left}"))
}
