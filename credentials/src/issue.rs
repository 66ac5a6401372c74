//! Issuing: the texts that [`crate::verify`] reads. Also what a telephone does, so that it can be tested and shown.

use crate::{
    Claims, Cti, SecretKey, base45,
    claims::HolderProof,
    cose::Sign1,
    verify::{CREDENTIAL, PROOF},
};

/// A credential as text, for a QR code. That its claims make sense is for the caller: the verifier asks.
#[must_use]
pub fn issue(key: &SecretKey, claims: &Claims) -> String {
    format!("{CREDENTIAL}{}", base45::encode(&Sign1::write(key, true, &claims.to_value())))
}

/// What a holder adds each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Showing {
    /// Seconds since 1970: now.
    pub issued_s: i64,
    /// Seconds since 1970; 30 later.
    pub expires_s: i64,
    /// 8 to 16 new random bytes.
    pub cti: Cti,
    /// What the kiosk shows, if it was scanned.
    pub nonce: Option<[u8; 16]>,
}

/// The holder's proof around a credential; none if `credential` is no text of [`issue`].
#[must_use]
pub fn show(holder: &SecretKey, credential: &str, showing: &Showing) -> Option<String> {
    let proof = HolderProof {
        expires_s: showing.expires_s,
        issued_s: showing.issued_s,
        cti: showing.cti.clone(),
        nonce: showing.nonce.map(Vec::from),
        credential: base45::decode(credential.strip_prefix(CREDENTIAL)?)?,
    };
    Some(format!("{PROOF}{}", base45::encode(&Sign1::write(holder, false, &proof.to_value()))))
}
