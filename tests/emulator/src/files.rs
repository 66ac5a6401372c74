//! The files of a MyNumber card, and who may read each of them.

use openssl::rsa::Rsa;

use crate::{
    certificates::{self, Pair},
    keys::{self, key, modulus, sha256, sign},
    plan::{Damage, FORBIDDEN_NUMBER, Plan},
};

/// The applications that can be selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Application {
    /// Public key infrastructure.
    Jpki,
    /// 券面事項入力補助: the holder's attributes as text.
    Text,
    /// 券面事項確認: the face of the card, as pictures.
    Surface,
}

impl Application {
    pub(crate) const ALL: [Self; 3] = [Self::Jpki, Self::Text, Self::Surface];

    /// Its DF name.
    #[must_use]
    pub fn identifier(self) -> [u8; 10] {
        match self {
            Self::Jpki => [0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01],
            Self::Text => [0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x08],
            Self::Surface => [0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x02],
        }
    }

    /// Its name in the file of tries.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Jpki => "jpki",
            Self::Text => "text",
            Self::Surface => "surface",
        }
    }
}

/// A file of an application.
pub(crate) enum File {
    /// Bytes, read if there is no key or one of these was presented.
    Data { bytes: Vec<u8>, keys: &'static [u16], forbidden: bool },
    /// A PIN, password or number that is compared.
    Secret { value: Option<Vec<u8>>, tries: u8 },
    /// A private key, used after its secret was presented.
    Key { key: Box<Rsa<openssl::pkey::Private>>, secret: Option<u16> },
}

/// All files of one card.
pub(crate) struct Files(Vec<(Application, u16, File)>);

impl Files {
    pub(crate) fn of(plan: &Plan) -> Self {
        let mut files = Self(Vec::new());
        files.jpki(plan);
        files.text(plan);
        files.surface(plan);
        files
    }

    pub(crate) fn get(&self, application: Application, id: u16) -> Option<&File> {
        self.0.iter().find(|(app, name, _)| (*app, *name) == (application, id)).map(|(_, _, file)| file)
    }

    fn data(&mut self, application: Application, id: u16, bytes: Vec<u8>, keys: &'static [u16]) {
        self.0.push((application, id, File::Data { bytes, keys, forbidden: false }));
    }

    /// A file that nobody may read.
    fn forbidden(&mut self, application: Application, id: u16, bytes: Vec<u8>, keys: &'static [u16]) {
        self.0.push((application, id, File::Data { bytes, keys, forbidden: true }));
    }

    fn secret(&mut self, application: Application, id: u16, value: &[u8], tries: u8, plan: &Plan) {
        let value = plan.has_pins.then(|| value.to_vec());
        self.0.push((application, id, File::Secret { value, tries }));
    }

    /// What is printed on the card can be presented whether or not the holder set a PIN.
    fn printed(&mut self, application: Application, id: u16, value: &[u8]) {
        self.0.push((application, id, File::Secret { value: Some(value.to_vec()), tries: 10 }));
    }

    fn jpki(&mut self, plan: &Plan) {
        use Application::Jpki;
        let (auth, signature): (Pair, Pair) =
            (certificates::pair(plan, "auth"), certificates::pair(plan, "sign"));
        if plan.has_sign_certificate {
            self.data(Jpki, 0x0001, signature.holder.der, &[0x001B]);
        }
        self.data(Jpki, 0x0002, signature.authority.der, &[]);
        self.data(Jpki, 0x0006, token(plan), &[]);
        let first = if plan.has_sign_certificate { 0x8F } else { 0 };
        self.data(Jpki, 0x0008, vec![first, 0x8F, 0], &[]);
        // On a phone the certificate itself is behind the PIN.
        let phone = plan.token_label != "JPKIAPICCTOKEN2";
        self.data(Jpki, 0x000A, auth.holder.der, if phone { &[0x0018] } else { &[] });
        self.data(Jpki, 0x000B, auth.authority.der, &[]);
        self.0.push((Jpki, 0x0017, File::Key { key: Box::new(auth.holder.key), secret: Some(0x0018) }));
        self.secret(Jpki, 0x0018, &plan.pin, 3, plan);
        self.0.push((Jpki, 0x001A, File::Key { key: Box::new(signature.holder.key), secret: Some(0x001B) }));
        self.secret(Jpki, 0x001B, &plan.password, 5, plan);
    }

    fn text(&mut self, plan: &Plan) {
        use Application::Text;
        let number = tlv(0xFF10, &tlv(0xDF11, FORBIDDEN_NUMBER));
        self.forbidden(Text, 0x0001, number.clone(), &[0x0011, 0x0014]);
        let attributes = [
            tlv(0xDF22, plan.name.as_bytes()),
            tlv(0xDF23, plan.address.as_bytes()),
            tlv(0xDF24, plan.birth.as_bytes()),
            tlv(0xDF25, &[plan.sex]),
        ];
        let mut record = plan.text_prefix.clone();
        record.extend(with_offsets(0xFF20, &attributes));
        let mut digest = sha256(&attributes.concat());
        match plan.damage {
            Damage::TextLength => {
                // The name claims nearly 4 kB: its tag is the first DF22 in the file.
                let at = record.windows(2).position(|two| two == [0xDF, 0x22]).expect("it was just written");
                record.splice(at + 2..=at + 2, [0x82, 0x0F, 0xFF]);
            }
            Damage::TextDigest => digest[0] ^= 1,
            Damage::None | Damage::FaceSignature | Damage::Photo => {}
        }
        record.extend(std::iter::repeat_n(0xFF, plan.text_filler));
        self.data(Text, 0x0002, record, &[0x0011, 0x0015]);
        let signing = key(plan.seed, "text card");
        let signed = [tlv(0xDF31, &sha256(&number)), tlv(0xDF32, &digest)].concat();
        let signature = sign(&signing, &digest_info(&sha256(&signed))).expect("51 bytes are signed");
        self.data(
            Text,
            0x0003,
            tlv(0xFF30, &[signed, tlv(0xDF33, &signature)].concat()),
            &[0x0011, 0x0014, 0x0015],
        );
        self.data(Text, 0x0004, verifiable(plan, "text card", "6000033"), &[]);
        self.data(Text, 0x0005, b"GENKAN EMULATOR".to_vec(), &[]);
        self.secret(Text, 0x0011, &plan.pin, 3, plan);
        self.0.push((Text, 0x0013, File::Key { key: Box::new(signing), secret: None }));
        self.printed(Text, 0x0014, FORBIDDEN_NUMBER);
        self.printed(Text, 0x0015, &plan.front_code);
    }

    fn surface(&mut self, plan: &Plan) {
        use Application::Surface;
        let card = key(plan.seed, "surface card");
        let signer = key(plan.seed, "surface signer");
        let public = [tlv1(0x90, &[1, 0, 1]), tlv1(0x91, &modulus(&card))].concat();
        self.data(Surface, 0x0001, tlv(0xFF10, &tlv(0xDF11, plan.birth.as_bytes())), &[0x0011]);
        let mut parts = vec![
            tlv(0xDF22, plan.birth.as_bytes()),
            tlv(0xDF23, &[plan.sex]),
            tlv(0xDF24, &public),
            tlv(0xDF25, ONE_PIXEL),
            tlv(0xDF26, ONE_PIXEL),
            tlv(0xDF27, &plan.photo),
        ];
        let hashes =
            [sha256(&parts[..3].concat()), sha256(&parts[3..5].concat()), sha256(&parts[5])].concat();
        let mut signature = sign(&signer, &[FACE_DIGESTS, &hashes].concat()).expect("115 bytes are signed");
        match plan.damage {
            Damage::FaceSignature => signature[100] ^= 1,
            Damage::Photo => {
                let end = parts[5].len();
                parts[5][end - plan.photo.len()..].fill(0x5A);
            }
            Damage::None | Damage::TextLength | Damage::TextDigest => {}
        }
        parts.extend([tlv(0xDF28, &signature), tlv(0xDF29, plan.expiry.as_bytes()), tlv(0xDF2A, ONE_PIXEL)]);
        self.data(Surface, 0x0002, with_offsets(0xFF20, &parts), &[0x0012, 0x0013]);
        self.data(Surface, 0x0003, tlv(0xFF20, &tlv(0xDF34, b"999999")), &[]);
        self.data(Surface, 0x0004, verifiable(plan, "surface signer", "6000023"), &[]);
        self.forbidden(Surface, 0x0005, tlv(0xFF40, &tlv(0xDF41, FORBIDDEN_NUMBER)), &[0x0013]);
        self.printed(Surface, 0x0011, &plan.front_code[..6]);
        self.printed(Surface, 0x0012, &plan.front_code);
        self.printed(Surface, 0x0013, FORBIDDEN_NUMBER);
        self.0.push((Surface, 0x001A, File::Key { key: Box::new(card), secret: None }));
    }
}

/// DigestInfo of SHA-256, without the digest.
pub const SHA256_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];

/// The same for the three digests of the card's face, which are one octet string.
const FACE_DIGESTS: &[u8] = &[
    0x30, 0x71, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x60,
];

/// A PNG of one black pixel, where a real card has pictures of the printed text.
const ONE_PIXEL: &[u8] = include_bytes!("../pixel.png");

fn digest_info(digest: &[u8]) -> Vec<u8> {
    [&SHA256_INFO, digest].concat()
}

/// A tag of two bytes, its length, its value.
fn tlv(tag: u16, value: &[u8]) -> Vec<u8> {
    [&tag.to_be_bytes(), length(value.len()).as_slice(), value].concat()
}

fn tlv1(tag: u8, value: &[u8]) -> Vec<u8> {
    [&[tag], length(value.len()).as_slice(), value].concat()
}

fn length(bytes: usize) -> Vec<u8> {
    let [.., high, low] = bytes.to_be_bytes();
    match bytes {
        0..=0x7F => vec![low],
        0x80..=0xFF => vec![0x81, low],
        _ => vec![0x82, high, low],
    }
}

/// A record whose first element, DF21, has the places of all others in the file as numbers of two bytes.
fn with_offsets(tag: u16, parts: &[Vec<u8>]) -> Vec<u8> {
    let table = 3 + 2 * parts.len();
    let total = table + parts.iter().map(Vec::len).sum::<usize>();
    let mut at = 2 + length(total).len() + table;
    let mut places = Vec::new();
    for part in parts {
        places.extend(u16::try_from(at).expect("a card's file is below 64 kB").to_be_bytes());
        at += part.len();
    }
    tlv(tag, &[tlv(0xDF21, &places), parts.concat()].concat())
}

/// A card-verifiable certificate over the key of this name, by an issuer that exists nowhere else.
fn verifiable(plan: &Plan, name: &str, issuer: &str) -> Vec<u8> {
    let id = |digits: &str| [digits.as_bytes(), &[0x08, 0x05], b"001", &[0; 4]].concat();
    let number = u32::from_be_bytes(keys::drawn(plan.seed, name, 3)) % 10_000_000;
    let public = [tlv1(0x90, &[1, 0, 1]), tlv1(0x91, &modulus(&key(plan.seed, name)))].concat();
    let body = [id(issuer), id(&format!("{number:07}")), public].concat();
    let signature = sign(&key(0, issuer), &digest_info(&sha256(&body))).expect("51 bytes are signed");
    tlv(0x7F21, &[tlv(0x5F4E, &body), tlv(0x5F37, &signature)].concat())
}

/// EF 0006: 160 bytes in the layout of PKCS #11's `CK_TOKEN_INFO`.
fn token(plan: &Plan) -> Vec<u8> {
    let blank = |text: &str, width: usize| format!("{text:<width$}").into_bytes();
    let mut info = [
        blank(&plan.token_label, 32),
        blank("GENKAN EMULATOR", 32),
        blank("EMULATOR", 16),
        blank(&format!("{:016}", plan.seed), 16),
    ]
    .concat();
    for number in [0x040D, 1, 0, 1, 0, 16, 6, u32::MAX, u32::MAX, u32::MAX, u32::MAX] {
        info.extend(number.to_be_bytes());
    }
    info.extend(b"0301");
    info.extend([b'9'; 16]);
    info
}
