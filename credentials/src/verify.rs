//! The verifier: a text goes in, who it speaks for comes out, or one refusal. The order is fixed, cheap before dear, and
//! nothing of a code is believed before its signature is:
//!
//! length → prefix → Base45 → CBOR → kid → signature → claims (with denylist) → used before → zone
//!
//! Of a holder's proof (`FG2:`) the credential inside goes first at each step, for it names the holder's key.

use gate::{Claim, CredentialKind, Monotonic, Now, PersonId, Proof};

use crate::{
    Claims, CodeUse, Cti, Denial, Issuer, Kid, Kind, Refusal, SignedTime, Subject, Time, Trust, Uses, base45,
    binding_of, claims::HolderProof, clock, cose::Sign1,
};

/// Characters of a code: the longest of ours has about 500.
pub const MAX_TEXT: usize = 1_024;
/// A credential by itself.
pub(crate) const CREDENTIAL: &str = "FG1:";
/// A credential inside of its holder's proof.
pub(crate) const PROOF: &str = "FG2:";

/// How long after its end a code still counts, in seconds: clocks differ.
pub const EXPIRY_SKEW_S: i64 = 5;
/// How far in the future a code may have been issued, in seconds.
pub const ISSUED_SKEW_S: i64 = 30;
/// The longest life of a code that is shown by itself, in seconds.
pub const MAX_LIFE_S: i64 = 300;
/// The longest life of a credential that a holder's key proves, in seconds: a year and a day.
pub const MAX_HELD_LIFE_S: i64 = 366 * 86_400;
/// The longest life of a holder's proof, in seconds.
pub const MAX_PROOF_LIFE_S: i64 = 60;
/// How long a nonce is answered after it was drawn, in seconds.
pub const NONCE_LIFE_S: u64 = 60;
/// A denylist that was stated longer ago than this is old, in seconds.
pub const DENYLIST_AGE_S: i64 = 86_400;

/// What an old or missing denylist means in a zone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OldDenylist {
    /// Codes are refused.
    #[default]
    Closed,
    /// Codes count all the same.
    Open,
}

/// Where the code is shown.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The site's name, as in the claim.
    pub site: &'a str,
    /// The zone that the door leads to, 0 to 62.
    pub zone: u8,
    /// What an old denylist means there.
    pub old_denylist: OldDenylist,
    /// Whether the site is an evacuation shelter now.
    pub shelter: bool,
}

/// When the code is shown.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Now.
    pub now: Now,
    /// When this program started.
    pub started: Monotonic,
    /// The newest time that the registry signed.
    pub signed: Option<SignedTime>,
    /// What the kiosk shows for a telephone to answer.
    pub nonce: Option<Nonce>,
}

/// 16 random bytes that a kiosk shows, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nonce {
    /// The bytes.
    pub bytes: [u8; 16],
    /// When they were drawn.
    pub drawn: Monotonic,
}

/// A code that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Whom it is about.
    pub subject: Subject,
    /// Who says so.
    pub issuer: String,
    /// The key that says so.
    pub kid: Kid,
    /// Whom it is for.
    pub kind: Kind,
    /// How strongly it speaks for whoever shows it.
    pub proof: Proof,
    /// Whether it counts only with its owner's face, 1:1.
    pub face_required: bool,
    /// The enrolment that it is bound to, see [`binding_of`].
    pub binding: Option<[u8; 32]>,
    /// The zones that it opens, as bits.
    pub zones: u64,
    /// The credential's name.
    pub cti: Cti,
    /// Seconds since 1970 after which the credential is over.
    pub expires_s: Option<i64>,
    /// What has to be remembered before the code is believed; none for a card that is meant to be shown again.
    pub code: Option<CodeUse>,
}

impl Verified {
    /// The claim for the rules, once the caller has looked up whose [`Verified::subject`] is here.
    ///
    /// # Errors
    /// [`Refusal::BoundToAnother`] if the code is bound to another enrolment than that one.
    pub fn claim(&self, owner: Option<PersonId>) -> Result<Claim, Refusal> {
        let Some(person) = owner else { return Ok(Claim::Unknown(CredentialKind::Qr)) };
        if self.binding.is_some_and(|binding| binding != binding_of(person)) {
            return Err(Refusal::BoundToAnother);
        }
        let (proof, face_required) = (self.proof, self.face_required);
        Ok(Claim::Of { person, kind: CredentialKind::Qr, proof, face_required })
    }
}

/// Verifies a code. Pure: the caller remembers [`Verified::code`], durably, before it goes on.
///
/// # Errors
/// The first [`Refusal`] in the order above.
pub fn verify(
    text: &str,
    trust: &Trust,
    uses: &dyn Uses,
    place: &Place<'_>,
    moment: &Moment,
) -> Result<Verified, Refusal> {
    let signed = signed(text, trust)?;
    let time = clock::judge(moment.now, moment.signed);
    let verified = judge_claims(&signed, trust, place, moment, time)?;
    if let Some(code) = &verified.code {
        uses.ask(code)?;
    }
    judge_zone(&verified, trust, place, time)?;
    Ok(verified)
}

/// What a code says, once its signatures are proved.
pub(crate) struct Signed<'a> {
    pub(crate) kid: Kid,
    pub(crate) issuer: &'a Issuer,
    pub(crate) claims: Claims,
    pub(crate) proof: Option<HolderProof>,
}

/// The steps up to the signatures.
pub(crate) fn signed<'a>(text: &str, trust: &'a Trust) -> Result<Signed<'a>, Refusal> {
    let (bytes, with_proof) = unwrap(text)?;
    if !with_proof {
        let (kid, issuer, claims) = credential(&Sign1::read(&bytes)?, trust)?;
        return Ok(Signed { kid, issuer, claims, proof: None });
    }
    let outer = Sign1::read(&bytes)?;
    let proof = HolderProof::read(&outer.payload)?;
    let (kid, issuer, claims) = credential(&Sign1::read(&proof.credential)?, trust)?;
    let holder = claims.holder.as_ref().ok_or(Refusal::ProofUnexpected)?;
    if outer.kid.is_some() {
        return Err(Refusal::NotSign1);
    }
    match outer.check(holder) {
        Err(Refusal::BadSignature) => Err(Refusal::ProofBad),
        checked => checked.map(|()| Signed { kid, issuer, claims, proof: Some(proof) }),
    }
}

/// Length, prefix, Base45.
pub(crate) fn unwrap(text: &str) -> Result<(Vec<u8>, bool), Refusal> {
    if text.len() > MAX_TEXT {
        return Err(Refusal::TooLong);
    }
    let (rest, with_proof) = match (text.strip_prefix(CREDENTIAL), text.strip_prefix(PROOF)) {
        (Some(rest), _) => (rest, false),
        (None, Some(rest)) => (rest, true),
        (None, None) => return Err(Refusal::NotOurs),
    };
    Ok((base45::decode(rest).ok_or(Refusal::NotBase45)?, with_proof))
}

/// Key, signature, and only then what it says.
fn credential<'a>(message: &Sign1, trust: &'a Trust) -> Result<(Kid, &'a Issuer, Claims), Refusal> {
    let kid = message.kid.ok_or(Refusal::NotSign1)?;
    let issuer = trust.issuer(kid).ok_or(Refusal::KeyUnknown)?;
    if trust.is_revoked(kid) {
        return Err(Refusal::KeyRevoked);
    }
    message.check(&issuer.key)?;
    Ok((kid, issuer, Claims::read(&message.payload)?))
}

fn judge_claims(
    signed: &Signed<'_>,
    trust: &Trust,
    place: &Place<'_>,
    moment: &Moment,
    time: Time,
) -> Result<Verified, Refusal> {
    let Signed { kid, issuer, claims, proof } = signed;
    if claims.issuer != issuer.name {
        return Err(Refusal::IssuerNotOfKey);
    }
    if claims.site.as_deref().is_some_and(|site| site != place.site) {
        return Err(Refusal::OtherSite);
    }
    if claims.holder.is_some() && proof.is_none() {
        return Err(Refusal::ProofMissing);
    }
    judge_life(claims)?;
    judge_span(time, claims.not_before_s.unwrap_or(0).max(claims.issued_s), claims.expires_s)?;
    let strength = match proof {
        Some(proof) => judge_proof(proof, claims, moment, time)?,
        None => judge_alone(claims, moment, time)?,
    };
    let denials = [
        Denial::of_subject(&claims.issuer, &claims.subject),
        Denial::of_credential(&claims.issuer, &claims.cti),
    ];
    if denials.into_iter().any(|denial| trust.is_denied(denial)) {
        return Err(Refusal::Denied);
    }
    Ok(Verified {
        subject: claims.subject.clone(),
        issuer: claims.issuer.clone(),
        kid: *kid,
        kind: claims.kind,
        proof: strength,
        face_required: claims.binding.is_some() || claims.kind == Kind::Shelter && !place.shelter,
        binding: claims.binding,
        zones: claims.zones.unwrap_or(1),
        cti: claims.cti.clone(),
        expires_s: claims.expires_s,
        code: code_use(*kid, claims, proof.as_ref(), time),
    })
}

/// How long it may live. Only a shelter's card may live for ever.
fn judge_life(claims: &Claims) -> Result<(), Refusal> {
    let longest = if claims.holder.is_some() { MAX_HELD_LIFE_S } else { MAX_LIFE_S };
    match claims.expires_s.map(|expires| expires - claims.issued_s) {
        _ if claims.kind == Kind::Shelter => Ok(()),
        Some(life) if (0..=longest).contains(&life) => Ok(()),
        Some(_) | None => Err(Refusal::LivesTooLong),
    }
}

/// Begun and not over, in the worst case of the clock; with the clock in doubt, not over for certain.
fn judge_span(time: Time, begins_s: i64, expires_s: Option<i64>) -> Result<(), Refusal> {
    let (earliest, latest) = match time {
        Time::Known { earliest_s, latest_s } => (earliest_s, latest_s),
        Time::Doubt { earliest_s } => (i64::MAX - ISSUED_SKEW_S, earliest_s),
    };
    if begins_s > earliest + ISSUED_SKEW_S {
        return Err(Refusal::FromTheFuture);
    }
    match expires_s {
        Some(expires) if latest > expires + EXPIRY_SKEW_S => Err(Refusal::Expired),
        Some(_) | None => Ok(()),
    }
}

/// A credential by itself: fresh if the clock can say so, and issued since the start, for what was used before that may
/// have been forgotten elsewhere.
fn judge_alone(claims: &Claims, moment: &Moment, time: Time) -> Result<Proof, Refusal> {
    match time {
        _ if claims.kind == Kind::Shelter => Ok(Proof::Shown),
        Time::Known { latest_s, .. } => since_start(claims.issued_s, latest_s, moment).map(|()| Proof::Fresh),
        Time::Doubt { .. } if claims.binding.is_some() => Ok(Proof::Shown),
        Time::Doubt { .. } => Err(Refusal::ClockInDoubt),
    }
}

/// A holder's proof: by our nonce, which needs no clock, or by the time.
fn judge_proof(proof: &HolderProof, claims: &Claims, moment: &Moment, time: Time) -> Result<Proof, Refusal> {
    if let Some(answered) = &proof.nonce {
        let fresh = |ours: &Nonce| moment.now.mono.since(ours.drawn).as_secs() <= NONCE_LIFE_S;
        let ours = moment.nonce.filter(fresh).is_some_and(|ours| ours.bytes[..] == answered[..]);
        return if ours { Ok(Proof::Fresh) } else { Err(Refusal::NonceNotOurs) };
    }
    if !(0..=MAX_PROOF_LIFE_S).contains(&(proof.expires_s - proof.issued_s)) {
        return Err(Refusal::LivesTooLong);
    }
    judge_span(time, proof.issued_s, Some(proof.expires_s))?;
    match time {
        Time::Known { latest_s, .. } => since_start(proof.issued_s, latest_s, moment).map(|()| Proof::Fresh),
        Time::Doubt { .. } if claims.binding.is_some() => Ok(Proof::Shown),
        Time::Doubt { .. } => Err(Refusal::ClockInDoubt),
    }
}

fn since_start(issued_s: i64, latest_s: i64, moment: &Moment) -> Result<(), Refusal> {
    let running = i64::try_from(moment.now.mono.since(moment.started).as_secs()).unwrap_or(i64::MAX);
    if issued_s >= latest_s.saturating_sub(running) { Ok(()) } else { Err(Refusal::IssuedBeforeStart) }
}

/// What is used up: the proof, or the credential that is shown by itself. A shelter's card is not.
fn code_use(kid: Kid, claims: &Claims, proof: Option<&HolderProof>, time: Time) -> Option<CodeUse> {
    // Expired for every clock that counts, however it errs.
    let until = |expires_s: i64| expires_s + EXPIRY_SKEW_S + 2 * clock::MAX_UNCERTAINTY_S;
    match proof {
        // What the telephone's clock says is not judged here; the nonce is over after its life.
        Some(proof) if proof.nonce.is_some() => {
            Some(CodeUse::of(kid, &proof.cti, until(time.earliest_s() + 2 * NONCE_LIFE_S as i64)))
        }
        Some(proof) => Some(CodeUse::of(kid, &proof.cti, until(proof.expires_s))),
        None if claims.kind == Kind::Shelter => None,
        None => Some(CodeUse::of(kid, &claims.cti, until(claims.expires_s?))),
    }
}

fn judge_zone(verified: &Verified, trust: &Trust, place: &Place<'_>, time: Time) -> Result<(), Refusal> {
    if place.zone > 62 || verified.zones >> place.zone & 1 == 0 {
        return Err(Refusal::ZoneNotGranted);
    }
    let current = match (trust.denylist(), time) {
        (Some((_, stated_s)), Time::Known { latest_s, .. }) => latest_s - stated_s <= DENYLIST_AGE_S,
        (Some(_), Time::Doubt { .. }) | (None, _) => false,
    };
    match place.old_denylist {
        OldDenylist::Closed if !current => Err(Refusal::DenylistOld),
        OldDenylist::Closed | OldDenylist::Open => Ok(()),
    }
}
