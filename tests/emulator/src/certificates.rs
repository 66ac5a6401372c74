//! The card's certificates: two authorities and two certificates of the holder, in the outline of the real ones, under names
//! that no real one has.

use openssl::{
    asn1::{Asn1Integer, Asn1Time},
    bn::BigNum,
    error::ErrorStack,
    hash::MessageDigest,
    pkey::{PKey, Private},
    rsa::Rsa,
    x509::{
        X509, X509Builder, X509Name, X509NameBuilder,
        extension::{BasicConstraints, KeyUsage},
    },
};

use crate::{keys, plan::Plan};

/// A certificate with the key that it speaks of.
pub struct Certified {
    /// DER.
    pub der: Vec<u8>,
    /// The private key.
    pub key: Rsa<Private>,
}

/// An authority and the certificate of the holder that it signed.
pub struct Pair {
    /// EF 000B or EF 0002.
    pub authority: Certified,
    /// EF 000A or EF 0001.
    pub holder: Certified,
}

struct Words<'a> {
    organisation: &'a str,
    unit: &'a str,
    common: &'a str,
}

/// The pair for user authentication (`auth`) or for signatures (`sign`).
///
/// # Panics
/// If the system's libcrypto cannot make a certificate.
#[must_use]
pub fn pair(plan: &Plan, purpose: &str) -> Pair {
    made(plan, purpose).expect("libcrypto makes a certificate")
}

fn made(plan: &Plan, purpose: &str) -> Result<Pair, ErrorStack> {
    // Every card of one organisation has the same authority; a foreign one has the same name and another key.
    let ca_seed = if plan.foreign_authority { plan.seed ^ 0xF0E1_6E00 } else { 0 };
    let ca_key = keys::key(ca_seed, &format!("{} {purpose} authority", plan.organisation));
    let unit = format!("Genkan emulator {purpose} CA");
    let issuer = name(&Words { organisation: &plan.organisation, unit: &unit, common: "" })?;
    let holder_key = keys::key(plan.seed, purpose);
    let common = hex(&keys::drawn::<16>(plan.seed, &format!("{purpose} subject"), 0));
    let subject = name(&Words { organisation: &plan.organisation, unit: "", common: &common })?;
    let long_ago = Asn1Time::from_unix(1_420_070_400)?; // 2015-01-01
    let far_away = Asn1Time::from_unix(4_070_908_800)?; // 2099-01-01
    let (from, until) = (Asn1Time::from_unix(plan.valid_from)?, Asn1Time::from_unix(plan.valid_until)?);
    let ca_pkey = PKey::from_rsa(ca_key.clone())?;

    let mut ca = start(&issuer, &issuer, &ca_key, &keys::drawn::<8>(ca_seed, purpose, 1))?;
    ca.set_not_before(&long_ago)?;
    ca.set_not_after(&far_away)?;
    ca.append_extension(BasicConstraints::new().critical().ca().build()?)?;
    ca.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
    ca.sign(&ca_pkey, MessageDigest::sha256())?;

    let mut leaf = start(&issuer, &subject, &holder_key, &keys::drawn::<8>(plan.seed, purpose, 2))?;
    leaf.set_not_before(&from)?;
    leaf.set_not_after(&until)?;
    let mut usage = KeyUsage::new();
    usage.critical().digital_signature();
    if purpose == "sign" {
        usage.non_repudiation();
    }
    leaf.append_extension(usage.build()?)?;
    leaf.sign(&ca_pkey, MessageDigest::sha256())?;

    Ok(Pair {
        authority: Certified { der: der(ca)?, key: ca_key },
        holder: Certified { der: der(leaf)?, key: holder_key },
    })
}

fn der(builder: X509Builder) -> Result<Vec<u8>, ErrorStack> {
    let certificate: X509 = builder.build();
    certificate.to_der()
}

fn start(
    issuer: &X509Name,
    subject: &X509Name,
    key: &Rsa<Private>,
    serial: &[u8; 8],
) -> Result<X509Builder, ErrorStack> {
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    let mut serial = *serial;
    serial[0] = serial[0] & 0x7F | 0x40;
    let serial = Asn1Integer::from_bn(&*BigNum::from_slice(&serial)?)?;
    builder.set_serial_number(&serial)?;
    builder.set_issuer_name(issuer)?;
    builder.set_subject_name(subject)?;
    let pkey = PKey::from_rsa(key.clone())?;
    builder.set_pubkey(&pkey)?;
    Ok(builder)
}

fn name(words: &Words) -> Result<X509Name, ErrorStack> {
    let mut builder = X509NameBuilder::new()?;
    builder.append_entry_by_text("C", "JP")?;
    for (entry, text) in [("O", words.organisation), ("OU", words.unit), ("CN", words.common)] {
        if !text.is_empty() {
            builder.append_entry_by_text(entry, text)?;
        }
    }
    Ok(builder.build())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
