//! Name, address, birth and sex as text, with the record that says they are as they were issued.
//!
//! The integrity record signs two digests: one of the individual number's file, which we never read and take as it stands, and
//! one of the four attributes, which we compute. No challenge is signed here: [`crate::read_face`] does that.

use std::fmt;

use zeroize::Zeroizing;

use crate::applications::{Application, File, Secret};
use crate::error::CardError;
use crate::face::{Birth, CardCertificate, Issuer, Issuers, Sex};
use crate::session::Session;
use crate::signature::{CardKey, sha256};
use crate::tlv::Fields;
use crate::transport::Transport;
use crate::typed::{FrontCode, Pin};

/// The most commands of [`read_attributes`]: 8 pieces of the largest file, and a card may give smaller ones.
pub const ATTRIBUTES_COMMANDS: u32 = 48;

/// What opens the attributes.
#[derive(Debug, Clone, Copy)]
pub enum Opening<'a> {
    /// The PIN for the attributes.
    Pin(&'a Pin),
    /// The front code. The text application counts its tries for itself.
    FrontCode(&'a FrontCode),
}

/// The four attributes. They stay in memory until the operator or the resident has confirmed them.
pub struct Attributes {
    /// Name, with an ideographic space between family and given name; some characters may be substitutes.
    pub name: Zeroizing<String>,
    /// Address.
    pub address: Zeroizing<String>,
    /// Date of birth.
    pub birth: Birth,
    /// Sex.
    pub sex: Sex,
    /// How far the maker of the integrity record was traced.
    pub issuer: Issuer,
}

impl fmt::Debug for Attributes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Attributes({:?}, ..)", self.issuer)
    }
}

/// Reads the four attributes and checks them against their integrity record.
///
/// # Errors
/// Every end but the good one is a variant of [`CardError`]. At one try left or none nothing was sent.
pub fn read_attributes(
    transport: &mut dyn Transport,
    opening: Opening<'_>,
    issuers: &Issuers,
) -> Result<Attributes, CardError> {
    let mut session = Session::new(transport, ATTRIBUTES_COMMANDS);
    if !session.select(Application::Text)? {
        return Err(CardError::NotMyNumberCard);
    }
    match opening {
        Opening::Pin(pin) => session.present(Secret::AttributesPin, pin.digits())?,
        Opening::FrontCode(code) => session.present(Secret::AttributesFrontCode, code.digits())?,
    }
    let record = session.read_record(File::Attributes)?.ok_or(CardError::BrokenRecord)?;
    let integrity = session.read_record(File::AttributesIntegrity)?.ok_or(CardError::BrokenRecord)?;
    let certificate = CardCertificate::read(&mut session, File::TextCertificate, issuers)?;
    let fields = Fields::parse(record.value()).map_err(|_| CardError::BrokenRecord)?;
    check(&fields, integrity.value(), &certificate.key)?;
    attributes(&fields, certificate.issuer).ok_or(CardError::BrokenRecord)
}

/// The digest of the attributes is the one that was signed.
fn check(fields: &Fields<'_>, integrity: &[u8], key: &CardKey) -> Result<(), CardError> {
    let broken = |_| CardError::BrokenRecord;
    let parts: Result<Vec<_>, _> =
        [0xDF22, 0xDF23, 0xDF24, 0xDF25].iter().map(|tag| fields.whole(*tag)).collect();
    let digest = sha256(&Zeroizing::new(parts.map_err(broken)?.concat()));
    let integrity = Fields::parse(integrity).map_err(broken)?;
    let signed =
        [integrity.whole(0xDF31).map_err(broken)?, integrity.whole(0xDF32).map_err(broken)?].concat();
    let same = integrity.value(0xDF32) == Ok(&digest[..]);
    if same && key.signed(&signed, integrity.value(0xDF33).map_err(broken)?) {
        Ok(())
    } else {
        Err(CardError::AttributesAltered)
    }
}

fn attributes(fields: &Fields<'_>, issuer: Issuer) -> Option<Attributes> {
    let text = |tag| {
        let bytes = fields.value(tag).ok()?;
        str::from_utf8(bytes).ok().map(|it| Zeroizing::new(it.to_owned()))
    };
    Some(Attributes {
        name: text(0xDF22)?,
        address: text(0xDF23)?,
        birth: Birth::parse(fields, 0xDF24).ok()?,
        sex: Sex::parse(fields.value(0xDF25).ok()?),
        issuer,
    })
}
