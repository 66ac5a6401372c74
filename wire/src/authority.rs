//! The registry's certificate authority (R_ca, P-256): who may be on the road. A certificate names a pipe; who belongs is said
//! in the control feed. Whoever asks gets the name that the authority chooses and the purposes that belong to it, whatever
//! the request says.

use crate::Identity;
use ledger::AuthorId;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateSigningRequestParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    PublicKeyData, SerialNumber,
};
use rustls_pki_types::{CertificateDer, CertificateSigningRequestDer, pem::PemObject};
use sha2::{Digest, Sha256};
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

/// The name in the certificates of registry processes.
pub const REGISTRY: &str = "registry";
/// How long a certificate is valid; a device asks for the next one at a third of it.
pub const LIFE: Duration = Duration::from_secs(2 * 365 * DAY_S);
/// How long the authority itself is valid.
pub const AUTHORITY_LIFE: Duration = Duration::from_secs(30 * 365 * DAY_S);
/// How far before its making a certificate is valid: so much may a broker's clock go after the registry's.
const BEFORE: Duration = Duration::from_secs(3_600);
/// The greatest request for a certificate in bytes; ours have about 200.
pub const MAX_REQUEST: usize = 4_096;
const DAY_S: u64 = 86_400;

/// The authority. `Debug` does not show its key.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority(..)")
    }
}

/// A certificate with its key, for an end of the road that the registry runs itself.
#[derive(Debug)]
pub struct Issued {
    /// Certificates (DER), the end's own first, then the authority's.
    pub chain: Vec<Vec<u8>>,
    /// The key.
    pub identity: Identity,
}

/// What went wrong with a certificate.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The key or certificate of the authority does not do.
    #[error("the authority's key and certificate do not do ({0}): restore ca.key and ca.pem")]
    Authority(rcgen::Error),
    /// The certificate is no PEM.
    #[error("the authority's certificate cannot be read: restore ca.pem")]
    Pem,
    /// What was asked for is no request that this authority signs.
    #[error("the request for a certificate is refused ({0}): let the agent make a new one")]
    Request(&'static str),
    /// It could not be made.
    #[error("the certificate could not be made: {0}")]
    Make(rcgen::Error),
    /// No key for the end.
    #[error(transparent)]
    Identity(#[from] crate::identity::IdentityError),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}

impl Authority {
    /// A new authority. `name` is what people read in it.
    ///
    /// Errors: [`AuthorityError::Make`], [`AuthorityError::Random`].
    pub fn new(name: &str, now: SystemTime) -> Result<Authority, AuthorityError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(AuthorityError::Make)?;
        let mut params = params(name, now, AUTHORITY_LIFE)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).map_err(AuthorityError::Make)?.der().clone();
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(AuthorityError::Authority)?;
        Ok(Authority { issuer, certificate })
    }

    /// An authority that was kept.
    ///
    /// Errors: [`AuthorityError::Authority`], [`AuthorityError::Pem`].
    pub fn from_pem(key: &str, certificate: &str) -> Result<Authority, AuthorityError> {
        let key = KeyPair::from_pem_and_sign_algo(key, &PKCS_ECDSA_P256_SHA256)
            .map_err(AuthorityError::Authority)?;
        let certificate =
            CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(|_| AuthorityError::Pem)?;
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(AuthorityError::Authority)?;
        Ok(Authority { issuer, certificate })
    }

    /// The key as it is kept, in a file that nobody else reads.
    pub fn key_pem(&self) -> Zeroizing<String> {
        Zeroizing::new(self.issuer.key().serialize_pem())
    }

    /// The certificate in PEM.
    pub fn certificate_pem(&self) -> String {
        crate::tls::pem(&self.certificate)
    }

    /// The certificate in DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// SHA-256 of the certificate: what a voucher pins.
    pub fn pin(&self) -> [u8; 32] {
        Sha256::digest(&self.certificate).into()
    }

    /// Signs a device's request: the name is its author, whatever it asks for; good for a client of TLS alone. Returns the
    /// chain, the device's own first.
    ///
    /// Errors: [`AuthorityError::Request`] for what is no request signed by its own P-256 key, [`AuthorityError::Make`].
    pub fn device(
        &self,
        author: AuthorId,
        request: &[u8],
        now: SystemTime,
    ) -> Result<Vec<Vec<u8>>, AuthorityError> {
        if request.len() > MAX_REQUEST {
            return Err(AuthorityError::Request("it is too long"));
        }
        let asked =
            CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(request))
                .map_err(|_| AuthorityError::Request("it is not in the form, or not signed by its key"))?;
        if asked.public_key.algorithm() != &PKCS_ECDSA_P256_SHA256 {
            return Err(AuthorityError::Request("its key is not P-256"));
        }
        let params = client(&author.to_string(), now)?;
        self.sign(params, &asked.public_key).map(|leaf| self.chain(leaf))
    }

    /// A certificate of a registry process, as client of the broker.
    ///
    /// Errors: [`AuthorityError::Make`], [`AuthorityError::Random`].
    pub fn process(&self, now: SystemTime) -> Result<Issued, AuthorityError> {
        self.issue(client(REGISTRY, now)?)
    }

    /// A certificate of a server (the broker, the registry's own) under these names, DNS or IP.
    ///
    /// Errors: [`AuthorityError::Make`] also for a name that is none, [`AuthorityError::Random`].
    pub fn server(&self, names: &[String], now: SystemTime) -> Result<Issued, AuthorityError> {
        let named = CertificateParams::new(names).map_err(AuthorityError::Make)?;
        let mut params = params(names.first().map_or("", String::as_str), now, LIFE)?;
        params.subject_alt_names = named.subject_alt_names;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.issue(params)
    }

    fn issue(&self, params: CertificateParams) -> Result<Issued, AuthorityError> {
        let identity = Identity::generate()?;
        let leaf = self.sign(params, identity.key())?;
        Ok(Issued { chain: self.chain(leaf), identity })
    }

    fn sign(
        &self,
        params: CertificateParams,
        key: &impl PublicKeyData,
    ) -> Result<Certificate, AuthorityError> {
        params.signed_by(key, &self.issuer).map_err(AuthorityError::Make)
    }

    fn chain(&self, leaf: Certificate) -> Vec<Vec<u8>> {
        vec![leaf.der().to_vec(), self.certificate.to_vec()]
    }
}

fn client(name: &str, now: SystemTime) -> Result<CertificateParams, AuthorityError> {
    let mut params = params(name, now, LIFE)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

fn params(name: &str, now: SystemTime, life: Duration) -> Result<CertificateParams, AuthorityError> {
    let mut serial = [0; 16];
    getrandom::fill(&mut serial).map_err(AuthorityError::Random)?;
    serial[0] = serial[0] & 0x3F | 0x40; // positive, and of one length
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.not_before = (now - BEFORE).into();
    params.not_after = (now + life).into();
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}
