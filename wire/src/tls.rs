//! Both ends of TLS, on ring, with our own authority alone: no public authority can vouch for a registry.
//!
//! [`client`] is for who knows the authority's certificate; [`pinned`] for who only knows its SHA-256, from a voucher, and
//! takes the certificate from the chain that the server sends. [`server`] is the registry's end.

use crate::{Clock, Identity};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme,
};
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime, pem::PemObject,
};

use sha2::{Digest, Sha256};
use std::sync::Arc;
use x509_cert::der::Decode;

/// The library below, so that who uses these configurations takes the same one.
pub use rustls;

/// Why there is no TLS with these certificates.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The authority's certificate.
    #[error("the authority's certificate does not do: join again")]
    Authority,
    /// Our own certificate and key.
    #[error("our certificate and key do not do ({0}): join again")]
    Own(rustls::Error),
    /// A certificate cannot be read.
    #[error("a certificate cannot be read: join again")]
    Certificate,
}

/// The client's end: believes servers that `authority` (DER) signed, and shows our certificate.
///
/// Errors: [`TlsError::Authority`], [`TlsError::Own`].
pub fn client(
    authority: &[u8],
    chain: &[Vec<u8>],
    identity: &Identity,
    clock: Arc<Clock>,
) -> Result<Arc<ClientConfig>, TlsError> {
    let judge = Clamped { inner: verifier(authority)?, clock: clock.clone() };
    let builder = ClientConfig::builder_with_details(Arc::new(ring::default_provider()), clock)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(TlsError::Own)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(judge));
    let config = builder.with_client_auth_cert(certificates(chain), key(identity)).map_err(TlsError::Own)?;
    Ok(Arc::new(config))
}

/// The client's end without a certificate of our own, for a server whose chain ends in the authority with this SHA-256.
///
/// Errors: [`TlsError::Own`] if there are no primitives, which is impossible.
pub fn pinned(pin: [u8; 32], clock: Arc<Clock>) -> Result<Arc<ClientConfig>, TlsError> {
    let judge = Pinned { pin, clock: clock.clone(), provider: Arc::new(ring::default_provider()) };
    let builder = ClientConfig::builder_with_details(Arc::new(ring::default_provider()), clock)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(TlsError::Own)?;
    let config = builder.dangerous().with_custom_certificate_verifier(Arc::new(judge)).with_no_client_auth();
    Ok(Arc::new(config))
}

/// The server's end, for clients without a certificate: people's browsers, and devices that join.
///
/// Errors: [`TlsError::Own`].
pub fn server(chain: &[Vec<u8>], identity: &Identity) -> Result<Arc<ServerConfig>, TlsError> {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Own)?
        .with_no_client_auth()
        .with_single_cert(certificates(chain), key(identity))
        .map_err(TlsError::Own)?;
    Ok(Arc::new(config))
}

/// When a certificate (DER) is valid: from, to, in seconds since 1970.
///
/// Errors: [`TlsError::Certificate`].
pub fn validity(certificate: &[u8]) -> Result<(u64, u64), TlsError> {
    let read = x509_cert::Certificate::from_der(certificate).map_err(|_| TlsError::Certificate)?;
    let validity = read.tbs_certificate().validity();
    let seconds = |time: x509_cert::time::Time| time.to_unix_duration().as_secs();
    Ok((seconds(validity.not_before), seconds(validity.not_after)))
}

/// A certificate (DER) in PEM.
pub fn pem(certificate: &[u8]) -> String {
    pem::encode(&pem::Pem::new("CERTIFICATE", certificate))
}

/// The certificates (DER) of a text in PEM.
///
/// Errors: [`TlsError::Certificate`].
pub fn from_pem(text: &str) -> Result<Vec<Vec<u8>>, TlsError> {
    let read = CertificateDer::pem_slice_iter(text.as_bytes());
    read.map(|one| one.map(|der| der.to_vec()).map_err(|_| TlsError::Certificate)).collect()
}

fn certificates(chain: &[Vec<u8>]) -> Vec<CertificateDer<'static>> {
    chain.iter().map(|one| CertificateDer::from(one.clone())).collect()
}

fn key(identity: &Identity) -> PrivateKeyDer<'static> {
    PrivateKeyDer::from(PrivatePkcs8KeyDer::from(identity.der().to_vec()))
}

fn verifier(authority: &[u8]) -> Result<Arc<WebPkiServerVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(authority.to_vec())).map_err(|_| TlsError::Authority)?;
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(ring::default_provider()))
        .build()
        .map_err(|_| TlsError::Authority)
}

/// As the library verifies, at the time that our [`Clock`] says for this certificate.
#[derive(Debug)]
struct Clamped {
    inner: Arc<WebPkiServerVerifier>,
    clock: Arc<Clock>,
}

impl ServerCertVerifier for Clamped {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let (from, to) = validity(end).map_err(|_| CertificateError::BadEncoding)?;
        let now = self.clock.for_certificate(from, to);
        self.inner.verify_server_cert(end, between, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// As [`Clamped`], with the authority out of the chain that the server sent, if it is the pinned one.
#[derive(Debug)]
struct Pinned {
    pin: [u8; 32],
    clock: Arc<Clock>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let pinned = between.iter().find(|one| <[u8; 32]>::from(Sha256::digest(one)) == self.pin);
        let authority = pinned.ok_or(CertificateError::UnknownIssuer)?;
        let inner = verifier(authority).map_err(|_| CertificateError::UnknownIssuer)?;
        let judge = Clamped { inner, clock: self.clock.clone() };
        judge.verify_server_cert(end, &[], name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
