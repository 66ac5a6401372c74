//! Signatures: which algorithms there are, what a card is told to sign, and whether it did.
//!
//! Today's cards sign with RSA-2048 over SHA-256. The next generation (fiscal 2028) signs with ECDSA on P-384, so lengths and
//! digests are data of [`Algorithm`]. What such a card will want to be told to sign is not published; we assume the bare digest.

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, U64, U2048};
use ring::digest;
use ring::signature::{self as verify, UnparsedPublicKey, VerificationAlgorithm};

use crate::tlv::{Broken, Fields};

/// Before a SHA-256 digest in a DigestInfo: `SEQUENCE { SEQUENCE { id-sha256, NULL }, OCTET STRING (32) }`.
const SHA256_DIGEST_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];

/// The same before the three digests that the face of a card is signed over.
const SHA256_DIGEST_INFO_96: [u8; 19] = [
    0x30, 0x71, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x60,
];

/// Bytes of a key's modulus in a card's records.
pub(crate) const MODULUS: usize = 256;

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest::digest(&digest::SHA256, bytes).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA of 2048 bits or more, PKCS #1 v1.5, SHA-256.
    RsaSha256,
    /// ECDSA on P-256, SHA-256.
    EcdsaP256,
    /// ECDSA on P-384, SHA-384: the next generation's.
    EcdsaP384,
}

impl Algorithm {
    /// The algorithm of a signature in a certificate, by its object identifier.
    pub(crate) fn of_signature(identifier: &str) -> Option<Self> {
        match identifier {
            "1.2.840.113549.1.1.11" => Some(Self::RsaSha256),
            "1.2.840.10045.4.3.2" => Some(Self::EcdsaP256),
            "1.2.840.10045.4.3.3" => Some(Self::EcdsaP384),
            _ => None,
        }
    }

    /// The algorithm of a key, by its object identifier and that of its curve.
    pub(crate) fn of_key(identifier: &str, curve: Option<&str>) -> Option<Self> {
        match (identifier, curve) {
            ("1.2.840.113549.1.1.1", None) => Some(Self::RsaSha256),
            ("1.2.840.10045.2.1", Some("1.2.840.10045.3.1.7")) => Some(Self::EcdsaP256),
            ("1.2.840.10045.2.1", Some("1.3.132.0.34")) => Some(Self::EcdsaP384),
            _ => None,
        }
    }

    /// What a card is told to sign so that it signs `message`.
    pub(crate) fn input(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::RsaSha256 => [&SHA256_DIGEST_INFO[..], &sha256(message)].concat(),
            Self::EcdsaP256 => sha256(message).to_vec(),
            Self::EcdsaP384 => digest::digest(&digest::SHA384, message).as_ref().to_vec(),
        }
    }

    /// How a signature in a certificate is verified.
    fn in_certificates(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::RsaSha256 => &verify::RSA_PKCS1_2048_8192_SHA256,
            Self::EcdsaP256 => &verify::ECDSA_P256_SHA256_ASN1,
            Self::EcdsaP384 => &verify::ECDSA_P384_SHA384_ASN1,
        }
    }

    /// How a signature by a card is verified: ECDSA as two numbers side by side if it is just as long, otherwise as ASN.1.
    fn by_cards(self, length: usize) -> &'static dyn VerificationAlgorithm {
        match (self, length) {
            (Self::EcdsaP256, 64) => &verify::ECDSA_P256_SHA256_FIXED,
            (Self::EcdsaP384, 96) => &verify::ECDSA_P384_SHA384_FIXED,
            _ => self.in_certificates(),
        }
    }
}

/// A key of a certificate.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PublicKey {
    pub(crate) algorithm: Algorithm,
    /// RSA: the DER of modulus and exponent. ECDSA: the point.
    pub(crate) bytes: Vec<u8>,
}

impl PublicKey {
    /// Whether this key signed a certificate.
    pub(crate) fn signed_certificate(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(self.algorithm.in_certificates(), &self.bytes)
            .verify(message, signature)
            .is_ok()
    }

    /// Whether this key, in a card, signed `message`.
    pub(crate) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(self.algorithm.by_cards(signature.len()), &self.bytes)
            .verify(message, signature)
            .is_ok()
    }
}

/// A key as it stands in a card's records: RSA-2048 with the exponent 65537.
#[derive(Clone, PartialEq, Eq)]
pub struct CardKey([u8; MODULUS]);

impl CardKey {
    /// Reads `90 03 01 00 01, 91 82 01 00 modulus`; none if it is laid out otherwise.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        Self::parse(bytes).ok()
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Broken> {
        let fields = Fields::parse(bytes)?;
        let modulus: [u8; MODULUS] = fields.array(0x91)?;
        let usable = fields.array(0x90)? == [1, 0, 1] && modulus[0] >= 0x80 && modulus[MODULUS - 1] & 1 == 1;
        if usable { Ok(Self(modulus)) } else { Err(Broken) }
    }

    /// Whether this key signed `message`: PKCS #1 v1.5, SHA-256.
    pub(crate) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        verify::RsaPublicKeyComponents { n: &self.0[..], e: &[1, 0, 1] }
            .verify(&verify::RSA_PKCS1_2048_8192_SHA256, message, signature)
            .is_ok()
    }

    /// Whether this key signed three digests at once, as the face of a card is: PKCS #1 v1.5 whose digest is named SHA-256 and
    /// has 96 bytes. No library verifies that, so we raise the signature ourselves and compare with all 256 bytes that have to
    /// come out.
    pub(crate) fn signed_digests(&self, digests: &[[u8; 32]; 3], signature: &[u8]) -> bool {
        let Ok(signature) = <&[u8; MODULUS]>::try_from(signature) else { return false };
        self.raise(signature).is_some_and(|block| block == padded(digests))
    }

    /// The signature to the power of 65537, modulo this key; none if it is not below the modulus.
    fn raise(&self, signature: &[u8; MODULUS]) -> Option<[u8; MODULUS]> {
        let modulus = Odd::new(U2048::from_be_slice(&self.0)).into_option()?;
        let signature = U2048::from_be_slice(signature);
        if signature >= *modulus.as_ref() {
            return None;
        }
        let params = FixedMontyParams::new_vartime(modulus);
        let raised = FixedMontyForm::new(&signature, &params).pow_vartime(&U64::from_u64(65_537)).retrieve();
        raised.to_be_bytes().as_ref().try_into().ok()
    }
}

/// `00 01 FF… 00`, the prefix, the digests: 256 bytes.
fn padded(digests: &[[u8; 32]; 3]) -> [u8; MODULUS] {
    let mut block = [0xFF; MODULUS];
    let text = [&SHA256_DIGEST_INFO_96[..], &digests.concat()].concat();
    let at = MODULUS - text.len();
    (block[0], block[1], block[at - 1]) = (0, 1, 0);
    block[at..].copy_from_slice(&text);
    block
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crypto_bigint::CheckedAdd as _;

    const MODULUS_BYTES: &[u8; MODULUS] = include_bytes!("../tests/data/issuer.n");
    const EXPONENT: &[u8; MODULUS] = include_bytes!("../tests/data/issuer.d");

    fn key() -> CardKey {
        CardKey(*MODULUS_BYTES)
    }

    /// What the holder of the private key makes of a padded block.
    fn signature(block: &[u8; MODULUS]) -> U2048 {
        let params = FixedMontyParams::new_vartime(Odd::new(U2048::from_be_slice(MODULUS_BYTES)).unwrap());
        let block = FixedMontyForm::new(&U2048::from_be_slice(block), &params);
        block.pow_vartime(&U2048::from_be_slice(EXPONENT)).retrieve()
    }

    fn bytes(number: U2048) -> Vec<u8> {
        number.to_be_bytes().as_ref().to_vec()
    }

    /// The first of a row of blocks whose signature plus the modulus still fits in 256 bytes, and that sum.
    fn twin(block: impl Fn(u8) -> [u8; MODULUS]) -> (u8, U2048, U2048) {
        let modulus = U2048::from_be_slice(MODULUS_BYTES);
        let sum = |number| {
            let signature = signature(&block(number));
            let sum: Option<U2048> = signature.checked_add(&modulus).into();
            sum.map(|sum| (number, signature, sum))
        };
        (0..=u8::MAX).find_map(sum).expect("one of 256 signatures is small enough")
    }

    #[test]
    fn a_signature_that_is_not_below_the_modulus_is_none_though_it_raises_to_the_same() {
        let digests = |number: u8| [[number; 32], [2; 32], [3; 32]];
        let (number, signature, sum) = twin(|number| padded(&digests(number)));
        assert!(key().signed_digests(&digests(number), &bytes(signature)));
        assert!(!key().signed_digests(&digests(number), &bytes(sum)));
        assert!(!key().signed_digests(&digests(number), MODULUS_BYTES));

        let block = |number: u8| {
            let mut block = [0xFF; MODULUS];
            let text = Algorithm::RsaSha256.input(&[number]);
            let at = MODULUS - text.len();
            (block[0], block[1], block[at - 1]) = (0, 1, 0);
            block[at..].copy_from_slice(&text);
            block
        };
        let (number, signature, sum) = twin(block);
        assert!(key().signed(&[number], &bytes(signature)));
        assert!(!key().signed(&[number], &bytes(sum)));
        assert!(!key().signed(&[number], MODULUS_BYTES));
    }

    #[test]
    fn a_signature_of_another_length_is_none() {
        let digests = [[1; 32], [2; 32], [3; 32]];
        let good = bytes(signature(&padded(&digests)));
        assert!(key().signed_digests(&digests, &good));
        for bad in [&good[1..], &[&[0][..], &good].concat(), &[]] {
            assert!(!key().signed_digests(&digests, bad));
        }
    }
}
