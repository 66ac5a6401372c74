//! How a device comes to belong to a tenant: the registry writes a voucher, which reaches the kiosk by hand or by its camera;
//! the kiosk answers with a request, closed by a MAC under the voucher's secret, so that the agent which carries it (and adds
//! its own certificate request before) can change nothing; the registry answers with what the agent needs to connect.
//!
//! ```text
//! voucher = [1, tenant, registry, facility, device, url, ca, sum, secret]        text: "GENKAN1:" and its Base45
//! request = [1, tenant, facility, device, author, wrap, wrap_key, csr, url, ca, mac]
//! answer  = [1, ca, [certificate..], broker, tenant, registry, facility, author, [page..], sum]
//! mac     = HMAC-SHA256(HKDF-SHA256(secret, "genkan join 1"), the encoded array of all before)
//! sum     = SHA-256 of the encoded array of all before (of the voucher: and the secret), of a voucher its first 8 bytes
//! ```
//! A sum tells damage and authenticates nothing. A voucher is as good as the road that it came by; an answer is believed for
//! what is signed in it: pages by the registry that the voucher names, certificates by the authority whose hash it names.

use crate::{AuthorId, Error, GroupId, KeyId, Place, Value, WrapPublic, base45};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// What the text of a voucher begins with.
pub const VOUCHER: &str = "GENKAN1:";
/// The greatest request in bytes; a certificate request is about half a kilobyte.
pub const MAX_REQUEST: usize = 16 * 1024;
/// The greatest answer in bytes: certificates and the control feed of a city. What does not fit comes by the replica.
pub const MAX_ANSWER: usize = 4 * 1024 * 1024;

const MAX_VOUCHER: usize = 2 * 1024;
const VERSION: Value = Value::Int(1);
const SECRET: usize = 32;

/// One time leave for one device to join.
#[derive(Clone)]
pub struct Voucher {
    /// The tenant.
    pub tenant: String,
    /// The registry whose control feed the device will believe.
    pub registry: AuthorId,
    /// The facility that the device will belong to.
    pub facility: GroupId,
    /// How the registry names the device until it knows its key; 16 random bytes.
    pub device: [u8; 16],
    /// Known to whoever saw the voucher; good for one request.
    pub secret: Zeroizing<[u8; SECRET]>,
    /// Where the agent finds the registry.
    pub url: String,
    /// SHA-256 of the DER of the certificate of the registry's authority.
    pub ca: [u8; 32],
}

/// What a kiosk asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinRequest {
    /// The tenant.
    pub tenant: String,
    /// The facility.
    pub facility: GroupId,
    /// The device as the voucher names it.
    pub device: [u8; 16],
    /// The kiosk's signing key.
    pub author: AuthorId,
    /// The name of its first wrap key.
    pub wrap: KeyId,
    /// The first wrap key.
    pub wrap_key: WrapPublic,
    /// The agent's certificate request, DER.
    pub csr: Vec<u8>,
    /// Where the agent finds the registry.
    pub url: String,
    /// SHA-256 of the DER of the certificate of the registry's authority.
    pub ca: [u8; 32],
    /// What makes it the kiosk's.
    pub mac: [u8; 32],
}

/// What the agent gets. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinAnswer {
    /// The certificate of the registry's authority, DER.
    pub ca: Vec<u8>,
    /// The agent's certificate and what leads from it to the authority, DER, leaf first.
    pub chain: Vec<Vec<u8>>,
    /// `host:port` of the broker.
    pub broker: String,
    /// The tenant.
    pub tenant: String,
    /// The registry.
    pub registry: AuthorId,
    /// The facility.
    pub facility: GroupId,
    /// The kiosk.
    pub author: AuthorId,
    /// Pages of the control feed, encoded.
    pub control: Vec<Vec<u8>>,
}

impl Voucher {
    /// The bytes. They hold the secret.
    ///
    /// Errors: [`Error::TooLarge`] beyond two kilobytes, [`Error::Malformed`] without tenant or address.
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        if self.tenant.is_empty() || self.url.is_empty() {
            return Err(voucher("a tenant and an address are needed"));
        }
        let mut parts = vec![
            VERSION,
            Value::text(&self.tenant),
            Value::bytes(self.registry.0),
            Value::bytes(self.facility.0),
            Value::bytes(self.device),
            Value::text(&self.url),
            Value::bytes(self.ca),
        ];
        parts.push(Value::bytes(voucher_sum(&parts, &self.secret)?));
        // The secret stands last and is written over zeros, so that no copy of it is left in a buffer that grew.
        parts.push(Value::bytes([0; SECRET]));
        let public = encoded(parts, MAX_VOUCHER, Place::Voucher)?;
        let mut out = Zeroizing::new(public);
        let place = out.len() - SECRET;
        out[place..].copy_from_slice(&self.secret[..]);
        Ok(out)
    }

    /// Reads a voucher from exactly its bytes.
    ///
    /// Errors: [`Error::TooLarge`], [`Error::NotCanonical`], [`Error::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Voucher, Error> {
        let wrong = || voucher("it is damaged, cut or of another version; ask the registry for a new one");
        let (public, secret) = bytes.split_last_chunk::<SECRET>().ok_or_else(wrong)?;
        let secret = Zeroizing::new(*secret);
        let public = [public, &[0; SECRET]].concat();
        let value = Value::decode_within(&public, MAX_VOUCHER).map_err(|error| error.at(Place::Voucher))?;
        read_voucher(&value, secret).ok_or_else(wrong)
    }

    /// The text of a QR code or a file: capital letters, digits and signs of QR's alphanumeric mode.
    ///
    /// Errors: as [`Voucher::encode`].
    pub fn to_text(&self) -> Result<Zeroizing<String>, Error> {
        let code = Zeroizing::new(base45::encode(&self.encode()?));
        let mut text = Zeroizing::new(String::with_capacity(VOUCHER.len() + code.len()));
        text.push_str(VOUCHER);
        text.push_str(&code);
        Ok(text)
    }

    /// Reads the text; line breaks around it do not matter.
    ///
    /// Errors: as [`Voucher::decode`].
    pub fn from_text(text: &str) -> Result<Voucher, Error> {
        let wrong = || voucher("a voucher begins with GENKAN1: and Base45 follows");
        let code = text.trim_matches(['\r', '\n']).strip_prefix(VOUCHER).ok_or_else(wrong)?;
        Voucher::decode(&Zeroizing::new(base45::decode(code).ok_or_else(wrong)?))
    }

    fn mac(&self, message: &[u8]) -> Hmac<Sha256> {
        let mut key = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(None, &self.secret[..])
            .expand(b"genkan join 1", &mut *key)
            .expect("32 bytes are within the reach of HKDF");
        Hmac::<Sha256>::new_from_slice(&key[..])
            .expect("HMAC takes a key of any length")
            .chain_update(message)
    }
}

impl fmt::Debug for Voucher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let device = KeyId(self.device);
        write!(f, "Voucher({} facility {} device {device}, secret)", self.tenant, self.facility)
    }
}

impl JoinRequest {
    /// What a kiosk with these keys asks for by a voucher.
    ///
    /// Errors: [`Error::TooLarge`] beyond [`MAX_REQUEST`].
    pub fn make(
        voucher: &Voucher,
        author: AuthorId,
        (wrap, wrap_key): (KeyId, WrapPublic),
        csr: Vec<u8>,
    ) -> Result<JoinRequest, Error> {
        let mut request = JoinRequest {
            tenant: voucher.tenant.clone(),
            facility: voucher.facility,
            device: voucher.device,
            author,
            wrap,
            wrap_key,
            csr,
            url: voucher.url.clone(),
            ca: voucher.ca,
            mac: [0; 32],
        };
        request.mac = voucher.mac(&request.message()?).finalize().into_bytes().into();
        Ok(request)
    }

    /// Whether it was made with this voucher and is unchanged. That the voucher is still good, the registry asks its rows.
    ///
    /// Errors: [`Error::BadRequest`].
    pub fn verify(&self, voucher: &Voucher) -> Result<(), Error> {
        let bad = Error::BadRequest { device: KeyId(self.device) };
        let said = (&self.tenant, self.facility, self.device, &self.url, self.ca);
        if said != (&voucher.tenant, voucher.facility, voucher.device, &voucher.url, voucher.ca) {
            return Err(bad);
        }
        voucher.mac(&self.message()?).verify_slice(&self.mac).map_err(|_| bad)
    }

    /// The bytes that travel. Errors: [`Error::TooLarge`] beyond [`MAX_REQUEST`].
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        let mut parts = self.parts();
        parts.push(Value::bytes(self.mac));
        encoded(parts, MAX_REQUEST, Place::JoinRequest)
    }

    /// Reads a request from exactly its bytes; who made it, [`JoinRequest::verify`] says.
    ///
    /// Errors: [`Error::TooLarge`], [`Error::NotCanonical`], [`Error::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<JoinRequest, Error> {
        let place = Place::JoinRequest;
        let value = Value::decode_within(bytes, MAX_REQUEST).map_err(|error| error.at(place))?;
        let why = "it is damaged or of another version; make it again";
        read_request(&value).ok_or(Error::Malformed { place, why })
    }

    fn parts(&self) -> Vec<Value> {
        vec![
            VERSION,
            Value::text(&self.tenant),
            Value::bytes(self.facility.0),
            Value::bytes(self.device),
            Value::bytes(self.author.0),
            Value::bytes(self.wrap.0),
            Value::bytes(self.wrap_key.0),
            Value::bytes(&self.csr[..]),
            Value::text(&self.url),
            Value::bytes(self.ca),
        ]
    }

    fn message(&self) -> Result<Vec<u8>, Error> {
        encoded(self.parts(), MAX_REQUEST, Place::JoinRequest)
    }
}

impl JoinAnswer {
    /// Whether it answers this request: the authority is the one whose hash the kiosk closed into it, and tenant, facility and
    /// kiosk are its own.
    ///
    /// Errors: [`Error::Malformed`].
    pub fn answers(&self, request: &JoinRequest) -> Result<(), Error> {
        let ca: [u8; 32] = Sha256::digest(&self.ca).into();
        let said = (ca, &self.tenant, self.facility, self.author);
        let asked = (request.ca, &request.tenant, request.facility, request.author);
        let why = "it answers another request, or comes from another registry; use the one for this device";
        if said == asked { Ok(()) } else { Err(Error::Malformed { place: Place::JoinAnswer, why }) }
    }

    /// The bytes that travel. Errors: [`Error::TooLarge`] beyond [`MAX_ANSWER`]: leave the last pages out then.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        let list =
            |items: &[Vec<u8>]| Value::Array(items.iter().map(|item| Value::bytes(&item[..])).collect());
        let mut parts = vec![
            VERSION,
            Value::bytes(&self.ca[..]),
            list(&self.chain),
            Value::text(&self.broker),
            Value::text(&self.tenant),
            Value::bytes(self.registry.0),
            Value::bytes(self.facility.0),
            Value::bytes(self.author.0),
            list(&self.control),
        ];
        parts.push(Value::bytes(answer_sum(&parts)?));
        encoded(parts, MAX_ANSWER, Place::JoinAnswer)
    }

    /// Reads an answer from exactly its bytes.
    ///
    /// Errors: [`Error::TooLarge`], [`Error::NotCanonical`], [`Error::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<JoinAnswer, Error> {
        let place = Place::JoinAnswer;
        let value = Value::decode_within(bytes, MAX_ANSWER).map_err(|error| error.at(place))?;
        let why = "it is damaged or of another version; ask the registry again";
        read_answer(&value).ok_or(Error::Malformed { place, why })
    }
}

fn encoded(parts: Vec<Value>, limit: usize, place: Place) -> Result<Vec<u8>, Error> {
    Value::Array(parts).encode_within(limit).map_err(|error| error.at(place))
}

fn voucher_sum(parts: &[Value], secret: &[u8; SECRET]) -> Result<[u8; 8], Error> {
    let all = encoded(parts.to_vec(), MAX_VOUCHER, Place::Voucher)?;
    let sum = Sha256::new().chain_update(all).chain_update(secret).finalize();
    Ok(std::array::from_fn(|i| sum[i]))
}

fn answer_sum(parts: &[Value]) -> Result<[u8; 32], Error> {
    Ok(Sha256::digest(encoded(parts.to_vec(), MAX_ANSWER, Place::JoinAnswer)?).into())
}

fn read_voucher(value: &Value, secret: Zeroizing<[u8; SECRET]>) -> Option<Voucher> {
    let [said @ .., sum, _] = value.as_array()? else { return None };
    let [version, tenant, registry, facility, device, url, ca] = said else { return None };
    let fits = *version == VERSION && sum.as_array_of::<8>()? == voucher_sum(said, &secret).ok()?;
    let found = Voucher {
        tenant: tenant.as_text()?.to_owned(),
        registry: AuthorId(registry.as_array_of()?),
        facility: GroupId(facility.as_array_of()?),
        device: device.as_array_of()?,
        secret,
        url: url.as_text()?.to_owned(),
        ca: ca.as_array_of()?,
    };
    (fits && !found.tenant.is_empty() && !found.url.is_empty()).then_some(found)
}

fn read_request(value: &Value) -> Option<JoinRequest> {
    let [version, tenant, facility, device, author, wrap, wrap_key, csr, url, ca, mac] = value.as_array()?
    else {
        return None;
    };
    let request = JoinRequest {
        tenant: tenant.as_text()?.to_owned(),
        facility: GroupId(facility.as_array_of()?),
        device: device.as_array_of()?,
        author: AuthorId(author.as_array_of()?),
        wrap: KeyId(wrap.as_array_of()?),
        wrap_key: WrapPublic(wrap_key.as_array_of()?),
        csr: csr.as_bytes()?.to_vec(),
        url: url.as_text()?.to_owned(),
        ca: ca.as_array_of()?,
        mac: mac.as_array_of()?,
    };
    (*version == VERSION).then_some(request)
}

fn read_answer(value: &Value) -> Option<JoinAnswer> {
    let (sum, said) = value.as_array()?.split_last()?;
    let [version, ca, chain, broker, tenant, registry, facility, author, control] = said else { return None };
    let list = |value: &Value| -> Option<Vec<Vec<u8>>> {
        value.as_array()?.iter().map(|item| item.as_bytes().map(<[u8]>::to_vec)).collect()
    };
    let answer = JoinAnswer {
        ca: ca.as_bytes()?.to_vec(),
        chain: list(chain)?,
        broker: broker.as_text()?.to_owned(),
        tenant: tenant.as_text()?.to_owned(),
        registry: AuthorId(registry.as_array_of()?),
        facility: GroupId(facility.as_array_of()?),
        author: AuthorId(author.as_array_of()?),
        control: list(control)?,
    };
    (*version == VERSION && sum.as_array_of::<32>()? == answer_sum(said).ok()?).then_some(answer)
}

fn voucher(why: &'static str) -> Error {
    Error::Malformed { place: Place::Voucher, why }
}
