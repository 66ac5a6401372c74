//! A code explained part by part, for whoever has to find out why it does not work. It shows everything, whom the code is
//! about included: for a command that somebody typed, never for a log.

use crate::{Claims, Kind, Refusal, Trust, base45, cose::Sign1, verify};

/// One part of a code.
#[derive(Clone, PartialEq, Eq)]
pub struct Part {
    /// Which part.
    pub name: &'static str,
    /// What it holds.
    pub value: String,
    /// What that means.
    pub meaning: &'static str,
}

/// The parts of a code as far as it reads, whoever signed it, and the first step up to the signatures that refuses it.
#[must_use]
pub fn explain(text: &str, trust: &Trust) -> (Vec<Part>, Option<Refusal>) {
    let mut parts = vec![part("characters", text.len(), "at most 1,024")];
    let read = parts_of(text, trust, &mut parts);
    (parts, read.and_then(|()| verify::signed(text, trust).map(|_| ())).err())
}

fn part(name: &'static str, value: impl ToString, meaning: &'static str) -> Part {
    Part { name, value: value.to_string(), meaning }
}

fn parts_of(text: &str, trust: &Trust, parts: &mut Vec<Part>) -> Result<(), Refusal> {
    let (bytes, with_proof) = verify::unwrap(text)?;
    parts.push(part("bytes", bytes.len(), "behind Base45: COSE_Sign1"));
    let mut message = Sign1::read(&bytes)?;
    if with_proof {
        parts.push(part("form", "FG2", "a holder's proof around a credential; made anew each time"));
        let proof = crate::claims::HolderProof::read(&message.payload)?;
        parts.push(part("proof algorithm", message.algorithm, "-8 EdDSA, -7 ES256; the holder's"));
        parts.push(part("proof issued", proof.issued_s, "seconds since 1970"));
        parts.push(part("proof expires", proof.expires_s, "seconds since 1970"));
        let nonce = proof.nonce.as_ref().map_or("none".to_owned(), |nonce| hex(nonce));
        parts.push(part("proof nonce", nonce, "answers a kiosk that showed it; then no clock is needed"));
        message = Sign1::read(&proof.credential)?;
    } else {
        parts.push(part("form", "FG1", "a credential by itself"));
    }
    parts.push(part("algorithm", message.algorithm, "-8 EdDSA, -7 ES256; all others are refused"));
    let kid = message.kid.ok_or(Refusal::NotSign1)?;
    let key = match trust.issuer(kid) {
        Some(_) if trust.is_revoked(kid) => "a known key that was revoked",
        Some(_) => "a known key",
        None => "no key that is known here",
    };
    parts.push(part("kid", kid, key));
    claims_of(&Claims::read(&message.payload)?, parts);
    Ok(())
}

fn claims_of(claims: &Claims, parts: &mut Vec<Part>) {
    let time = |seconds: Option<i64>| seconds.map_or("none".to_owned(), |seconds| seconds.to_string());
    let binding = claims.binding.map_or("none".to_owned(), |binding| hex(&binding));
    let kind = match claims.kind {
        Kind::Member => "somebody who is registered",
        Kind::Visitor => "somebody who comes for a day",
        Kind::Staff => "somebody who works here",
        Kind::Shelter => "an evacuee's card: counts in a shelter, elsewhere only with a face",
    };
    parts.extend([
        part("issuer", &claims.issuer, "must own the key"),
        part("site", claims.site.as_deref().unwrap_or("any"), "where it counts"),
        part("issued", claims.issued_s, "seconds since 1970"),
        part("not before", time(claims.not_before_s), "seconds since 1970"),
        part("expires", time(claims.expires_s), "seconds since 1970"),
        part("cti", hex(claims.cti.expose()), "names this credential"),
        part("subject", hex(claims.subject.expose()), "a handle; whose it is, a kiosk looks up"),
        part("kind", claims.kind.name(), kind),
        part("zones", format!("{:#b}", claims.zones.unwrap_or(1)), "bit n: zone n"),
        part("binding", binding, "if there is one, that enrolment's face is required"),
        part("holder", claims.holder.is_some(), "whether only its holder's proof shows it"),
    ]);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of a code without its prefix, for other readers of COSE.
#[must_use]
pub fn cose_bytes(text: &str) -> Option<Vec<u8>> {
    base45::decode(text.strip_prefix(verify::CREDENTIAL).or(text.strip_prefix(verify::PROOF))?)
}
