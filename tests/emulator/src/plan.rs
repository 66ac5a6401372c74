//! What a card is: its holder, its secrets, its faults. A scenario is a plan with one thing changed.

use std::time::Duration;

/// Which card lies there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A MyNumber card.
    MyNumber,
    /// A FeliCa card: an IDm of 8 bytes, no applications.
    Felica,
    /// A MIFARE card: a UID of 4 bytes, no applications.
    Mifare,
    /// A driver's licence: common data and whether PINs are set.
    Licence,
    /// A residence card: its applications can be selected, nothing is read without its key.
    Residence,
}

/// What is changed in EF 0002 of the text application, or in the face of the card, after it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// Nothing.
    None,
    /// A length in the text record says more than there is.
    TextLength,
    /// DF32, the digest of the four attributes, is another one.
    TextDigest,
    /// DF28, the signature over the face of the card, is another one.
    FaceSignature,
    /// The photograph is no longer a picture.
    Photo,
}

/// What happens once, in the middle of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// Nothing.
    None,
    /// The card is taken away at this READ BINARY, counted from 1.
    RemovedAtRead(u32),
    /// The first READ BINARY takes this long.
    SlowRead(Duration),
    /// The first READ BINARY answers 6F00, later ones as usual.
    UnknownErrorOnce,
    /// After the first good VERIFY another card lies there.
    ReplacedAfterVerify,
}

/// A card. All of it is made up.
#[derive(Clone)]
pub struct Plan {
    /// Keys, serial numbers and challenges follow from it.
    pub seed: u64,
    /// Which card.
    pub kind: Kind,
    /// The answer to reset.
    pub answer_to_reset: Vec<u8>,
    /// The holder's name; family and given name apart by U+3000.
    pub name: String,
    /// The address.
    pub address: String,
    /// Date of birth, `YYYYMMDD`.
    pub birth: String,
    /// Sex as ISO 5218: '1' male, '2' female, '0' unknown, '9' not applicable.
    pub sex: u8,
    /// The card's last day, `YYYYMMDD`.
    pub expiry: String,
    /// PIN of user authentication and of the text application.
    pub pin: Vec<u8>,
    /// Password of signatures.
    pub password: Vec<u8>,
    /// 照合番号B: birth as printed, year of expiry, security code; 14 digits.
    pub front_code: Vec<u8>,
    /// The photograph, JPEG 2000 in a JP2 container.
    pub photo: Vec<u8>,
    /// `O=` of all certificates.
    pub organisation: String,
    /// The authority has the usual name and another key.
    pub foreign_authority: bool,
    /// Start of the holder's certificates, in seconds since 1970.
    pub valid_from: i64,
    /// Their end.
    pub valid_until: i64,
    /// Whether there is a certificate for signatures.
    pub has_sign_certificate: bool,
    /// Whether any PIN was ever set.
    pub has_pins: bool,
    /// The label of EF 0006.
    pub token_label: String,
    /// Bytes before FF20 in EF 0002 of the text application.
    pub text_prefix: Vec<u8>,
    /// Filler FF after it.
    pub text_filler: usize,
    /// What is broken.
    pub damage: Damage,
    /// What happens.
    pub mishap: Mishap,
}

/// A number that is no individual number: its check digit is wrong. It fills what nobody may read.
pub const FORBIDDEN_NUMBER: &[u8; 12] = b"000000000001";

/// An artificial picture: a grey oval on a gradient, 96 by 120 pixels.
pub const SAMPLE_PHOTO: &[u8] = include_bytes!("../sample.jp2");

/// Another one: stripes.
pub const OTHER_PHOTO: &[u8] = include_bytes!("../other.jp2");

/// A header that promises 60,000 by 60,000 pixels.
pub const HUGE_PHOTO: &[u8] = include_bytes!("../huge.jp2");

/// Type B, the ATR of most MyNumber cards in a contactless reader.
const USUAL_ATR: &str = "3B888001000005E0B381A1007F";

impl Default for Plan {
    fn default() -> Self {
        Self {
            seed: 1,
            kind: Kind::MyNumber,
            answer_to_reset: unhex(USUAL_ATR),
            name: "試験　太郎".into(),
            address: "東京都千代田区霞が関１－１－１".into(),
            birth: "19900101".into(),
            sex: b'1',
            expiry: "20350101".into(),
            pin: b"1234".to_vec(),
            password: b"ABC123".to_vec(),
            front_code: b"02010120351234".to_vec(),
            photo: SAMPLE_PHOTO.to_vec(),
            organisation: "JPKI-SELFMADE".into(),
            foreign_authority: false,
            valid_from: 1_735_689_600,  // 2025-01-01
            valid_until: 2_493_072_000, // 2049-01-01
            has_sign_certificate: true,
            has_pins: true,
            token_label: "JPKIAPICCTOKEN2".into(),
            text_prefix: Vec::new(),
            text_filler: 64,
            damage: Damage::None,
            mishap: Mishap::None,
        }
    }
}

/// Every scenario, by the name that the program takes.
pub const SCENARIOS: &[&str] = &[
    "good",
    "wrong-atr",
    "pinless",
    "no-sign",
    "expired",
    "foreign-ca",
    "jpki-test",
    "text-prefix",
    "filler",
    "substituted-name",
    "broken-tlv",
    "wrong-text-digest",
    "wrong-face-signature",
    "other-photo",
    "corrupt-photo",
    "huge-photo",
    "removed",
    "slow",
    "unknown-error",
    "replaced",
    "phone",
    "felica",
    "mifare",
    "licence",
    "residence",
];

impl Plan {
    /// The scenario of this name; none if there is no such.
    #[must_use]
    pub fn scenario(name: &str) -> Option<Self> {
        let mut plan = Self::default();
        match name {
            "good" => {}
            "wrong-atr" => plan.answer_to_reset = unhex("3B80800101"),
            "pinless" => plan.has_pins = false,
            "no-sign" => plan.has_sign_certificate = false,
            "expired" => (plan.valid_from, plan.valid_until) = (1_420_070_400, 1_577_836_800), // 2015 to 2020
            "foreign-ca" => plan.foreign_authority = true,
            "jpki-test" => plan.organisation = "JPKI-TEST".into(),
            "text-prefix" => plan.text_prefix = vec![0, 0],
            "filler" => plan.text_filler = 1_500,
            "substituted-name" => plan.name = "●験　〓郎".into(),
            "broken-tlv" => plan.damage = Damage::TextLength,
            "wrong-text-digest" => plan.damage = Damage::TextDigest,
            "wrong-face-signature" => plan.damage = Damage::FaceSignature,
            "other-photo" => plan.photo = OTHER_PHOTO.to_vec(),
            "corrupt-photo" => plan.damage = Damage::Photo,
            "huge-photo" => plan.photo = HUGE_PHOTO.to_vec(),
            "removed" => plan.mishap = Mishap::RemovedAtRead(3),
            "slow" => plan.mishap = Mishap::SlowRead(Duration::from_secs(5)),
            "unknown-error" => plan.mishap = Mishap::UnknownErrorOnce,
            "replaced" => plan.mishap = Mishap::ReplacedAfterVerify,
            "phone" => plan.token_label = "JPKIAPGPSETOKEN".into(),
            "felica" => plan = other(plan, Kind::Felica, "3B8F8001804F0CA00000030611003B0000000042"),
            "mifare" => plan = other(plan, Kind::Mifare, "3B8F8001804F0CA000000306030001000000006A"),
            "licence" => plan = other(plan, Kind::Licence, "3B888001000000009181C100D8"),
            "residence" => plan = other(plan, Kind::Residence, "3B888001000000003381810032"),
            _ => return None,
        }
        Some(plan)
    }
}

fn other(plan: Plan, kind: Kind, atr: &str) -> Plan {
    let mut answer_to_reset = unhex(atr);
    // The last byte makes the sum of all but the first zero.
    let (last, rest) = answer_to_reset.split_last_mut().expect("an ATR is not empty");
    *last = rest[1..].iter().fold(0, |sum, byte| sum ^ byte);
    Plan { kind, answer_to_reset, ..plan }
}

/// Bytes of a constant in hexadecimal digits.
pub(crate) fn unhex(digits: &str) -> Vec<u8> {
    let byte =
        |place: usize| u8::from_str_radix(&digits[place..place + 2], 16).expect("a constant in this program");
    (0..digits.len()).step_by(2).map(byte).collect()
}
