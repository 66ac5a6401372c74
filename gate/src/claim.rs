//! A claim: something that says who somebody is, before a face confirms it.

use std::time::Duration;

use crate::PersonId;

/// What was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CredentialKind {
    /// A card of the facility: a number that anybody with the card can show.
    FacilityCard,
    /// A signed QR code.
    Qr,
    /// A MyNumber card.
    MyNumberCard,
}

/// How strongly a credential speaks for whoever shows it, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Proof {
    /// A number or a text that whoever saw it can copy: a card's number, a certificate read without a PIN, a printed code.
    Shown,
    /// Signed for these minutes and not seen here before: a code on a telephone, which may have been passed on.
    Fresh,
    /// Signed a moment ago over our own challenge by a card that was told its PIN.
    Pin,
}

/// A credential that was presented and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It belongs to somebody who is registered here: the face decides 1:1.
    Of {
        /// Who.
        person: PersonId,
        /// By what.
        kind: CredentialKind,
        /// How strongly it speaks for whoever shows it.
        proof: Proof,
    },
    /// Nobody here has it.
    Unknown(CredentialKind),
}

/// By which way a visitor came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// The face alone.
    Face,
    /// A claim, confirmed by the face.
    Claim(CredentialKind),
    /// Staff entered it.
    Staff,
}

/// How claims are judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClaimRule {
    /// False matches per visit of somebody who shows another person's card or code, for instance 0.0005: it is shared out
    /// among the owner's references and the attempts.
    pub target_fmr: f64,
    /// How long after a claim its owner may take to be seen.
    pub patience: Duration,
}

impl Default for ClaimRule {
    fn default() -> Self {
        Self { target_fmr: 5e-4, patience: Duration::from_secs(20) }
    }
}
