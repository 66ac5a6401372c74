//! A card small enough to read in one go: applications, files, secrets, two keys. It keeps what it was told.

use std::collections::{HashMap, HashSet};

use card::{Application, Authorities, CardKey, Issuers, TestCards, Transport, TransportError};
use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, U2048};
use gate::{Date, Wall};
use zeroize::Zeroizing;

/// Self-made for these tests, with openssl: authorities and certificates, and two RSA keys as modulus and private exponent.
macro_rules! data {
    ($name:literal) => {
        include_bytes!(concat!("../data/", $name)).as_slice()
    };
}
pub(crate) use data;

/// The PIN of every mini card.
pub(crate) const PIN: &str = "1234";
/// Its front code: born on the first of January of the second year of an era, expiring in 2035.
pub(crate) const CODE: &str = "02010120351234";

pub(crate) struct Secret {
    pub(crate) value: &'static str,
    pub(crate) tries: u8,
}

pub(crate) struct MiniCard {
    pub(crate) answer_to_reset: Vec<u8>,
    pub(crate) applications: Vec<Application>,
    /// Contents, and by which secret they are opened.
    pub(crate) files: HashMap<(Application, u16), (Vec<u8>, Option<u16>)>,
    pub(crate) secrets: HashMap<(Application, u16), Secret>,
    /// What the reader says of its number.
    pub(crate) number: Vec<u8>,
    /// With which key the chip signs, as modulus and private exponent.
    pub(crate) key: (&'static [u8], &'static [u8]),
    /// Answers to commands that begin so, whatever else would be said.
    pub(crate) instead: Vec<(Vec<u8>, Vec<u8>)>,
    /// What it was told.
    pub(crate) told: Vec<Vec<u8>>,
    application: Option<Application>,
    file: u16,
    verified: HashSet<u16>,
}

/// A record: tag, length, value.
pub(crate) fn tlv(tag: u16, value: &[u8]) -> Vec<u8> {
    let tag = if tag > 0xFF { tag.to_be_bytes().to_vec() } else { vec![tag as u8] };
    let length = match value.len() {
        short @ 0..=127 => vec![short as u8],
        long => [&[0x82][..], &(long as u16).to_be_bytes()].concat(),
    };
    [tag, length, value.to_vec()].concat()
}

fn key(modulus: &[u8]) -> Vec<u8> {
    [tlv(0x90, &[1, 0, 1]), tlv(0x91, modulus)].concat()
}

fn power(base: &[u8], (modulus, exponent): (&[u8], &[u8])) -> Vec<u8> {
    let params = FixedMontyParams::new_vartime(Odd::new(U2048::from_be_slice(modulus)).unwrap());
    let base = FixedMontyForm::new(&U2048::from_be_slice(base), &params);
    base.pow_vartime(&U2048::from_be_slice(exponent)).retrieve().to_be_bytes().as_ref().to_vec()
}

/// Signs a DigestInfo.
pub(crate) fn sign(info: &[u8], key: (&[u8], &[u8])) -> Vec<u8> {
    let filling = vec![0xFF; 256 - 3 - info.len()];
    power(&[&[0, 1][..], &filling, &[0], info].concat(), key)
}

pub(crate) fn sha256(bytes: &[u8]) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA256, bytes).as_ref().to_vec()
}

pub(crate) fn info(digest: &[u8]) -> Vec<u8> {
    let length = digest.len() as u8;
    [
        &[0x30, 17 + length, 0x30, 0x0D, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, length][..],
        digest,
    ]
    .concat()
}

pub(crate) const CARD: (&[u8], &[u8]) = (data!("card.n"), data!("card.d"));
pub(crate) const ISSUER: (&[u8], &[u8]) = (data!("issuer.n"), data!("issuer.d"));

/// The fields of a face, signed.
pub(crate) fn face(photo: &[u8], expiry: &[u8; 8]) -> Vec<u8> {
    let one = [tlv(0xDF22, b"19900101"), tlv(0xDF23, b"1"), tlv(0xDF24, &key(CARD.0))].concat();
    let two = [tlv(0xDF25, b"a picture of a name"), tlv(0xDF26, b"a picture of an address")].concat();
    let three = tlv(0xDF27, photo);
    let digests = [sha256(&one), sha256(&two), sha256(&three)].concat();
    let signature = tlv(0xDF28, &sign(&info(&digests), ISSUER));
    let rest = [signature, tlv(0xDF29, expiry)].concat();
    [tlv(0xDF21, &[0; 18]), one, two, three, rest].concat()
}

/// The fields of the attributes, and of their integrity record.
pub(crate) fn attributes() -> (Vec<u8>, Vec<u8>) {
    let signed = [
        tlv(0xDF22, "試験　太郎".as_bytes()),
        tlv(0xDF23, "東京都千代田区霞が関１－１－１".as_bytes()),
        tlv(0xDF24, b"19900101"),
        tlv(0xDF25, b"1"),
    ]
    .concat();
    let digests = [tlv(0xDF31, &[7; 32]), tlv(0xDF32, &sha256(&signed))].concat();
    let signature = tlv(0xDF33, &sign(&info(&sha256(&digests)), ISSUER));
    ([tlv(0xDF21, &[0; 8]), signed].concat(), [digests, signature].concat())
}

/// A card's certificate for the issuer's key, signed by `by`.
pub(crate) fn card_certificate(by: (&[u8], &[u8])) -> Vec<u8> {
    let body = [&[0x31; 32][..], &key(ISSUER.0)].concat();
    let signature = tlv(0x5F37, &sign(&info(&sha256(&body)), by));
    tlv(0x7F21, &[tlv(0x5F4E, &body), signature].concat())
}

impl MiniCard {
    /// A MyNumber card with everything on it.
    pub(crate) fn new() -> Self {
        use Application::{Jpki, Surface, Text};
        let padding = [0xFF; 40];
        let (texts, integrity) = attributes();
        let label = [b"JPKIAPICCTOKEN2                 ", &[b' '; 128][..]].concat();
        let files = HashMap::from([
            ((Jpki, 0x06), (label, None)),
            ((Jpki, 0x0A), ([data!("auth.der"), &padding].concat(), None)),
            ((Text, 0x02), ([&[0, 0][..], &tlv(0xFF20, &texts), &padding].concat(), Some(0x11))),
            ((Text, 0x03), (tlv(0xFF30, &integrity), Some(0x11))),
            ((Text, 0x04), (card_certificate(CARD), None)),
            ((Surface, 0x02), (tlv(0xFF20, &face(data!("photo.jp2"), b"20350101")), Some(0x12))),
            ((Surface, 0x04), (card_certificate(CARD), None)),
        ]);
        let secret = |value, tries| Secret { value, tries };
        let secrets = HashMap::from([
            ((Jpki, 0x18), secret(PIN, 3)),
            ((Jpki, 0x1B), secret("ABC123", 5)),
            ((Text, 0x11), secret(PIN, 3)),
            ((Text, 0x15), secret(CODE, 10)),
            ((Surface, 0x12), secret(CODE, 10)),
        ]);
        Self {
            answer_to_reset: vec![0x3B, 0x80, 0x80, 0x01, 0x01],
            applications: vec![Jpki, Text, Surface],
            files,
            secrets,
            number: vec![0xAB, 1, 2, 3],
            key: CARD,
            instead: vec![],
            told: vec![],
            application: None,
            file: 0,
            verified: HashSet::new(),
        }
    }

    /// A card that has none of the applications.
    pub(crate) fn other(applications: &[Application], answer_to_reset: &[u8], number: &[u8]) -> Self {
        let applications = applications.to_vec();
        Self {
            applications,
            number: number.to_vec(),
            answer_to_reset: answer_to_reset.to_vec(),
            ..Self::new()
        }
    }

    pub(crate) fn tries(mut self, application: Application, secret: u16, tries: u8) -> Self {
        self.secrets.get_mut(&(application, secret)).unwrap().tries = tries;
        self
    }

    pub(crate) fn file(mut self, application: Application, file: u16, contents: Vec<u8>) -> Self {
        self.files.get_mut(&(application, file)).unwrap().0 = contents;
        self
    }

    pub(crate) fn instead(mut self, command: &[u8], answer: &[u8]) -> Self {
        self.instead.push((command.to_vec(), answer.to_vec()));
        self
    }

    /// How often a secret was sent.
    pub(crate) fn verifies(&self) -> usize {
        self.told.iter().filter(|it| it[1] == 0x20 && it.len() > 4).count()
    }

    fn select(&mut self, command: &[u8]) -> Vec<u8> {
        if command[2] == 4 {
            let found = self.applications.iter().find(|it| it.identifier() == &command[5..]);
            self.verified.clear();
            self.application = found.copied();
            return if found.is_some() { vec![0x90, 0] } else { vec![0x6A, 0x82] };
        }
        let [_, _, _, _, _, high, low] = *command else { return vec![0x6A, 0x86] };
        let id = u16::from_be_bytes([high, low]);
        let Some(application) = self.application else { return vec![0x69, 0x86] };
        let key = (application, id) == (Application::Jpki, 0x17);
        let at = (application, id);
        if !key && !self.files.contains_key(&at) && !self.secrets.contains_key(&at) {
            return vec![0x6A, 0x82];
        }
        self.file = id;
        vec![0x90, 0]
    }

    fn read(&self, command: &[u8]) -> Vec<u8> {
        let Some(application) = self.application else { return vec![0x69, 0x86] };
        let Some((contents, lock)) = self.files.get(&(application, self.file)) else {
            return vec![0x69, 0x81];
        };
        if lock.is_some() && self.verified.is_empty() {
            return vec![0x69, 0x82];
        }
        let at = usize::from(u16::from_be_bytes([command[2], command[3]]));
        let length = if command[4] == 0 { 256 } else { usize::from(command[4]) };
        match contents.get(at..) {
            Some(rest) if !rest.is_empty() => [&rest[..length.min(rest.len())], &[0x90, 0]].concat(),
            _ => vec![0x6B, 0],
        }
    }

    fn verify(&mut self, command: &[u8]) -> Vec<u8> {
        let Some(application) = self.application else { return vec![0x69, 0x86] };
        let Some(secret) = self.secrets.get_mut(&(application, self.file)) else { return vec![0x69, 0x81] };
        if command.len() == 4 {
            return vec![0x63, 0xC0 | secret.tries];
        }
        if secret.tries == 0 {
            return vec![0x69, 0x84];
        }
        if &command[5..] != secret.value.as_bytes() {
            secret.tries -= 1;
            return vec![0x63, 0xC0 | secret.tries];
        }
        self.verified.insert(self.file);
        vec![0x90, 0]
    }

    fn sign(&self, command: &[u8]) -> Vec<u8> {
        let locked = command[3] == 0x80 && !self.verified.contains(&0x18);
        if locked {
            return vec![0x69, 0x82];
        }
        [sign(&command[5..command.len() - 1], self.key), vec![0x90, 0]].concat()
    }
}

impl Transport for MiniCard {
    fn answer_to_reset(&self) -> &[u8] {
        &self.answer_to_reset
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        self.told.push(command.to_vec());
        let instead = self.instead.iter().find(|(start, _)| command.starts_with(start));
        let answer = match (instead, [command[0], command[1]]) {
            (Some((_, answer)), _) => answer.clone(),
            (None, [0x00, 0xA4]) => self.select(command),
            (None, [0x00, 0xB0]) => self.read(command),
            (None, [0x00, 0x20]) => self.verify(command),
            (None, [0x80, 0x2A]) => self.sign(command),
            (None, [0xFF, 0xCA]) => [&self.number[..], &[0x90, 0]].concat(),
            (None, _) => vec![0x6D, 0],
        };
        Ok(Zeroizing::new(answer))
    }
}

pub(crate) fn on(day: &str) -> Option<Wall> {
    Some(Wall { unix_ms: Date::parse(day).unwrap().days() * 86_400_000, uncertainty_s: 60 })
}

pub(crate) fn trusting(certificates: &[&'static [u8]]) -> Authorities {
    Authorities::new(certificates.iter().copied(), TestCards::Refused).unwrap()
}

/// Trusts certificates on cards that the card key signed, which in these tests stands for the authority of them.
pub(crate) fn issuers() -> Issuers {
    Issuers { keys: vec![CardKey::read(&key(CARD.0)).unwrap()], pinned: vec![] }
}
