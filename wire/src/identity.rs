//! A key for TLS (D_tls, P-256) and its request for a certificate. The key names one end of a pipe and opens nothing of what
//! goes through it.

use rcgen::{CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256};
use std::fmt;
use zeroize::Zeroizing;

/// A key for TLS. `Debug` does not show it.
pub struct Identity {
    key: KeyPair,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(..)")
    }
}

/// The key could not be made, read or used.
#[derive(Debug, thiserror::Error)]
#[error("the key for TLS does not do ({0}): remove it and make a new one")]
pub struct IdentityError(rcgen::Error);

impl Identity {
    /// A new key.
    ///
    /// Errors: the system gives no random numbers.
    pub fn generate() -> Result<Identity, IdentityError> {
        Ok(Identity { key: KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(IdentityError)? })
    }

    /// A key that was kept.
    ///
    /// Errors: no P-256 key in PKCS #8 and PEM.
    pub fn from_pem(pem: &str) -> Result<Identity, IdentityError> {
        let key = KeyPair::from_pem_and_sign_algo(pem, &PKCS_ECDSA_P256_SHA256).map_err(IdentityError)?;
        Ok(Identity { key })
    }

    /// The key as it is kept, in a file that nobody else reads.
    pub fn to_pem(&self) -> Zeroizing<String> {
        Zeroizing::new(self.key.serialize_pem())
    }

    /// The request for a certificate (PKCS #10, DER). It asks for no name: whoever signs it decides that.
    ///
    /// Errors: the key does not sign.
    pub fn request(&self) -> Result<Vec<u8>, IdentityError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let request = params.serialize_request(&self.key).map_err(IdentityError)?;
        Ok(request.der().to_vec())
    }

    pub(crate) fn der(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.key.serialize_der())
    }

    pub(crate) fn key(&self) -> &KeyPair {
        &self.key
    }
}
