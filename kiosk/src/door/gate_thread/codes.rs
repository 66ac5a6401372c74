//! Signed codes: verified before anybody asks whose they are, and used up, on record, before anybody believes them.

use credentials::{Moment, OldDenylist, Place, Refusal, Trust, Verified, judge, verify};
use gate::{CredentialKind, CredentialRefusal, Event, Fault, Mode, Policy, Proof};
use store::{Store, StoreError};

use super::{GateThread, cards::claim_of};
use crate::{clock, desk::Lens};

const CODE: CredentialKind = CredentialKind::Qr;

/// Why a code is not believed.
enum Unbelieved {
    Refused(Refusal),
    Store(StoreError),
}

impl GateThread {
    /// A code that somebody held to a reader, which is for nothing else. One that is not signed is a number like a card's.
    pub(super) fn code(&mut self, text: &[u8]) {
        match signed(text) {
            Some(text) => self.signed_code(text),
            None => self.shown(CODE, text, claim_of(CODE, Proof::Shown)),
        }
    }

    /// A code that the camera saw. It sees what is printed on shirts and bags as well: what is neither signed nor known here
    /// was not shown to us.
    pub(super) fn code_in_sight(&mut self, text: &[u8]) {
        if signed(text).is_some() || matches!(self.store.lookup(CODE, text), Ok(Some(_))) {
            self.code(text);
        }
    }

    fn signed_code(&mut self, text: &str) {
        match self.believed(text) {
            Ok(verified) => self.shown(CODE, verified.subject.expose(), |person| {
                verified.claim(Some(person)).map_err(refusal_of)
            }),
            Err(Unbelieved::Refused(refusal)) => {
                tracing::info!(refusal = refusal.name(), "code refused");
                if self.lens.lens() == Lens::Door {
                    self.step(Event::CredentialRefused(CODE, refusal_of(refusal)));
                }
            }
            Err(Unbelieved::Store(error)) => {
                self.store_failed(&error);
                self.step(Event::Failed(Fault::Storage));
            }
        }
    }

    /// What the code says, once it is durable that it was used.
    fn believed(&mut self, text: &str) -> Result<Verified, Unbelieved> {
        let now = clock::now(self.clock.as_ref());
        if self.trust.is_none() {
            self.trust = Some(trust_of(&self.store).map_err(Unbelieved::Store)?);
        }
        let trust = self.trust.as_ref().expect("it was just put there");
        let moment = Moment { now, started: self.started, signed: trust.signed_time(), nonce: None };
        let verified = verify(text, trust, &self.store.codes(), &place(&self.policy), &moment);
        let verified = verified.map_err(Unbelieved::Refused)?;
        if let Some(code) = verified.code {
            let used = self.store.use_code(now, judge(now, moment.signed), code);
            used.map_err(Unbelieved::Store)?.ok_or(Unbelieved::Refused(Refusal::Replayed))?;
        }
        Ok(verified)
    }
}

/// The text, if it claims to be signed.
fn signed(text: &[u8]) -> Option<&str> {
    std::str::from_utf8(text).ok().filter(|text| text.starts_with("FG1:") || text.starts_with("FG2:"))
}

/// Whose codes count. Without a registry nobody's do.
fn trust_of(store: &Store) -> Result<Trust, StoreError> {
    Ok(match store.registry()? {
        Some(_) => store.control()?.trust().clone(),
        None => Trust::default(),
    })
}

fn place(policy: &Policy) -> Place<'_> {
    let there = &policy.codes;
    let old_denylist = if there.old_denylist_counts { OldDenylist::Open } else { OldDenylist::Closed };
    Place { site: &there.site, zone: there.zone, old_denylist, shelter: policy.mode == Mode::Shelter }
}

/// What the record and the screen say of a refusal. The exact name is in the log alone: who tries things out learns little.
fn refusal_of(refusal: Refusal) -> CredentialRefusal {
    match refusal {
        Refusal::TooLong
        | Refusal::NotOurs
        | Refusal::NotBase45
        | Refusal::NotDeterministic
        | Refusal::TooDeep
        | Refusal::NotSign1
        | Refusal::ClaimsMalformed
        | Refusal::ClaimUnknown
        | Refusal::LivesTooLong => CredentialRefusal::Unreadable,
        Refusal::KeyUnknown | Refusal::KeyRevoked | Refusal::IssuerNotOfKey => {
            CredentialRefusal::UnknownIssuer
        }
        Refusal::AlgorithmNotAllowed
        | Refusal::AlgorithmNotOfKey
        | Refusal::BadSignature
        | Refusal::ProofUnexpected
        | Refusal::ProofBad => CredentialRefusal::Forged,
        Refusal::OtherSite | Refusal::ZoneNotGranted | Refusal::BoundToAnother => {
            CredentialRefusal::OtherSite
        }
        Refusal::ProofMissing | Refusal::NonceNotOurs | Refusal::Replayed => CredentialRefusal::Replayed,
        Refusal::Expired | Refusal::IssuedBeforeStart => CredentialRefusal::Expired,
        Refusal::FromTheFuture => CredentialRefusal::NotYetValid,
        Refusal::ClockInDoubt | Refusal::DenylistOld | Refusal::MemoryFull => CredentialRefusal::ClockInDoubt,
        Refusal::Denied => CredentialRefusal::Withdrawn,
    }
}
