//! The emulated card's states and tries: what a client may rely on because the card does the same.

#![allow(clippy::unwrap_used)]

use card::{Transport, TransportError};
use emulator::{Application, Emulator, FORBIDDEN_NUMBER, InProcess, Plan, SCENARIOS, SHA256_INFO};
use openssl::{hash::MessageDigest, pkey::PKey, sha::sha256, sign::Verifier, x509::X509};

/// A card on a reader, with the few commands that the tests send.
struct Session(InProcess);

impl Session {
    fn new(scenario: &str) -> Self {
        Self(InProcess::new(Emulator::new(Plan::scenario(scenario).unwrap())))
    }

    fn send(&mut self, command: &[u8]) -> (Vec<u8>, u16) {
        let mut answer = self.0.transmit(command).unwrap().to_vec();
        let low = answer.pop().unwrap();
        let high = answer.pop().unwrap();
        (answer, u16::from_be_bytes([high, low]))
    }

    fn status(&mut self, command: &[u8]) -> u16 {
        self.send(command).1
    }

    fn application(&mut self, application: Application) -> u16 {
        self.status(&[&[0x00, 0xA4, 0x04, 0x0C, 0x0A], application.identifier().as_slice()].concat())
    }

    fn file(&mut self, id: u16) -> u16 {
        let [high, low] = id.to_be_bytes();
        self.status(&[0x00, 0xA4, 0x02, 0x0C, 0x02, high, low])
    }

    fn verify(&mut self, id: u16, secret: &[u8]) -> u16 {
        assert_eq!(self.file(id), 0x9000);
        let length = u8::try_from(secret.len()).unwrap();
        let head: &[u8] =
            if secret.is_empty() { &[0x00, 0x20, 0x00, 0x80] } else { &[0x00, 0x20, 0x00, 0x80, length] };
        self.status(&[head, secret].concat())
    }

    fn whole(&mut self, id: u16) -> Vec<u8> {
        assert_eq!(self.file(id), 0x9000);
        let mut all = Vec::new();
        loop {
            let [high, low] = u16::try_from(all.len()).unwrap().to_be_bytes();
            match self.send(&[0x00, 0xB0, high, low, 0x00]) {
                (part, 0x9000) => all.extend(part),
                (_, 0x6B00) => return all,
                (_, status) => panic!("{status:04X} at {}", all.len()),
            }
        }
    }

    fn sign(&mut self, what: &[u8]) -> (Vec<u8>, u16) {
        let length = u8::try_from(what.len()).unwrap();
        self.send(&[&[0x80, 0x2A, 0x00, 0x80, length], what, &[0x00]].concat())
    }
}

const FIRST_BYTE: &[u8] = &[0x00, 0xB0, 0x00, 0x00, 0x01];

fn info(message: &[u8]) -> Vec<u8> {
    [SHA256_INFO.as_slice(), &sha256(message)].concat()
}

#[test]
fn a_signature_needs_its_own_pin_and_fits_the_certificate() {
    let mut card = Session::new("good");
    card.application(Application::Jpki);
    let certificate = X509::from_der(&card.whole(0x000A)).unwrap();
    let authority = X509::from_der(&card.whole(0x000B)).unwrap();
    assert!(certificate.verify(&authority.public_key().unwrap()).unwrap());
    card.file(0x0017);
    assert_eq!(card.sign(&info(b"challenge")).1, 0x6982);
    assert_eq!(card.verify(0x001B, b"ABC123"), 0x9000);
    card.file(0x0017);
    assert_eq!(card.sign(&info(b"challenge")).1, 0x6982, "another key's password opens nothing");
    assert_eq!(card.verify(0x0018, b"1234"), 0x9000);
    card.file(0x0017);
    let (signature, status) = card.sign(&info(b"challenge"));
    assert_eq!(status, 0x9000);
    let key = certificate.public_key().unwrap();
    let mut verifier = Verifier::new(MessageDigest::sha256(), &key).unwrap();
    verifier.update(b"challenge").unwrap();
    assert!(verifier.verify(&signature).unwrap());
}

#[test]
fn what_was_presented_is_lost_with_another_application_and_with_a_reset() {
    let mut card = Session::new("good");
    for lose in ["application", "reset", "field"] {
        card.application(Application::Text);
        assert_eq!(card.verify(0x0011, b"1234"), 0x9000);
        card.file(0x0002);
        assert_eq!(card.status(FIRST_BYTE), 0x9000);
        match lose {
            "application" => assert_eq!(card.application(Application::Jpki), 0x9000),
            "reset" => card.0.card().reset(),
            _ => {
                card.0.card().take_away();
                card.0.card().lay_down();
            }
        }
        card.application(Application::Text);
        card.file(0x0002);
        assert_eq!(card.status(FIRST_BYTE), 0x6982, "after: {lose}");
    }
}

#[test]
fn a_wrong_pin_takes_away_what_an_earlier_one_gave() {
    let mut card = Session::new("good");
    card.application(Application::Text);
    assert_eq!(card.verify(0x0011, b"1234"), 0x9000);
    assert_eq!(card.verify(0x0011, b"0000"), 0x63C2);
    card.file(0x0002);
    assert_eq!(card.status(FIRST_BYTE), 0x6982);
}

#[test]
fn tries_run_out_stay_out_and_are_told_without_costing_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tries");
    let open = || {
        let mut card = Session(InProcess::new(Emulator::with_tries(Plan::default(), file.clone()).unwrap()));
        card.application(Application::Jpki);
        card
    };
    let mut card = open();
    assert_eq!((card.verify(0x0018, b""), card.verify(0x0018, b"")), (0x63C3, 0x63C3));
    assert_eq!(card.verify(0x0018, b"9999"), 0x63C2);
    let mut card = open();
    assert_eq!(card.verify(0x0018, b""), 0x63C2, "a new start gives none back");
    assert_eq!(card.verify(0x0018, b"1234"), 0x9000);
    assert_eq!(card.verify(0x0018, b""), 0x63C3, "the right one gives all back");
    for left in [0x63C2, 0x63C1, 0x63C0] {
        assert_eq!(card.verify(0x0018, b"9999"), left);
    }
    for mut card in [card, open()] {
        assert_eq!(card.verify(0x0018, b"1234"), 0x6984, "the right PIN is too late");
        assert_eq!(card.verify(0x0018, b""), 0x63C0);
        assert_eq!(card.verify(0x001B, b""), 0x63C5, "the other password is as it was");
    }
}

#[test]
fn a_broken_file_of_tries_is_no_fresh_card() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tries");
    std::fs::write(&file, "jpki 0018\n").unwrap();
    assert!(Emulator::with_tries(Plan::default(), file).is_err());
}

#[test]
fn who_reads_the_individual_number_is_counted_and_nobody_else() {
    let mut card = Session::new("good");
    card.application(Application::Text);
    card.verify(0x0015, b"02010120351234");
    card.whole(0x0002);
    card.application(Application::Surface);
    card.verify(0x0012, b"02010120351234");
    card.whole(0x0002);
    assert_eq!(card.0.card().forbidden_reads(), 0);
    assert_eq!(card.file(0x0005), 0x9000);
    assert_eq!(card.0.card().forbidden_reads(), 1, "a selection");
    assert_eq!(card.status(FIRST_BYTE), 0x6982);
    assert_eq!(card.0.card().forbidden_reads(), 2, "a read that was refused");
    card.verify(0x0013, FORBIDDEN_NUMBER);
    assert_eq!(card.0.card().forbidden_reads(), 3, "the number as a secret");
    card.application(Application::Text);
    card.verify(0x0011, b"1234");
    assert_eq!(card.status(&[0x00, 0xB0, 0x81, 0x00, 0x00]), 0x9000, "by its short name");
    assert_eq!(card.0.card().forbidden_reads(), 5, "a selection and a read");
}

#[test]
fn commands_that_are_none_get_their_own_status_words() {
    let mut card = Session::new("good");
    let prefix = [&[0x00, 0xA4, 0x04, 0x00, 0x07], &Application::Jpki.identifier()[..7]].concat();
    assert_eq!(card.status(&prefix), 0x6A82, "part of a name");
    assert_eq!(card.file(0x000A), 0x6A82, "no application");
    assert_eq!(card.status(FIRST_BYTE), 0x6986);
    card.application(Application::Jpki);
    assert_eq!(card.status(FIRST_BYTE), 0x6986, "no file");
    assert_eq!(card.status(&[0x00, 0xA4, 0x00, 0x00]), 0x6A86);
    assert_eq!(card.status(&[0x00, 0xA4, 0x00, 0x00, 0x02, 0x3F, 0x00]), 0x6A82);
    card.file(0x0018);
    assert_eq!(card.status(FIRST_BYTE), 0x6981, "a PIN is not read");
    assert_eq!(card.sign(&info(b"x")).1, 0x6981);
    card.file(0x000A);
    assert_eq!(card.status(&[0x00, 0xB0, 0x7F, 0x00, 0x00]), 0x6B00);
    assert_eq!(card.status(&[0x00, 0xB0, 0x00, 0x00]), 0x6700, "no length");
    assert_eq!(card.status(&[0x00, 0x20, 0x00, 0x80]), 0x6981);
    assert_eq!(card.status(&[0x00, 0x20, 0x01, 0x80]), 0x6A86);
    assert_eq!(card.status(&[0x01, 0xB0, 0x00, 0x00, 0x01]), 0x6881);
    assert_eq!(card.status(&[0x60, 0xB0, 0x00, 0x00, 0x01]), 0x6E00);
    assert_eq!(card.status(&[0x00, 0xCB, 0x00, 0x00, 0x01]), 0x6D00);
    assert_eq!(card.status(&[0x00, 0xCA, 0xDF, 0x30, 0x05]), 0x6A88);
    for cut in [&[0x00][..], &[0x00, 0xA4, 0x04], &[0x00, 0x20, 0x00, 0x80, 0x04, 0x31], &[]] {
        assert_eq!(card.status(cut), 0x6700);
    }
}

#[test]
fn accidents_end_the_session_as_a_reader_would_say_it() {
    let ends = |scenario: &str| {
        let mut card = Session::new(scenario);
        card.application(Application::Jpki);
        card.verify(0x0018, b"1234");
        for step in 0..4 {
            if let Err(error) = card.0.transmit(&[0x00, 0xB0, 0x8A, 0x00, 0x01]) {
                assert_eq!(card.0.transmit(FIRST_BYTE).unwrap_err(), error, "and it stays ended");
                return Some((step, error));
            }
        }
        None
    };
    assert_eq!(ends("good"), None);
    assert_eq!(ends("removed"), Some((2, TransportError::Removed)));
    assert_eq!(ends("slow"), Some((0, TransportError::TimedOut)));
    assert_eq!(ends("replaced"), Some((0, TransportError::Removed)));
    let mut card = Session::new("unknown-error");
    card.application(Application::Jpki);
    card.file(0x000A);
    assert_eq!((card.status(FIRST_BYTE), card.status(FIRST_BYTE)), (0x6F00, 0x9000));
}

#[test]
fn a_card_of_one_seed_is_the_same_card_and_another_is_another() {
    let certificate = |seed| {
        let mut card = Session(InProcess::new(Emulator::new(Plan { seed, ..Plan::default() })));
        card.application(Application::Jpki);
        card.whole(0x000A)
    };
    assert_eq!(certificate(1), certificate(1));
    assert_ne!(certificate(1), certificate(2));
}

#[test]
fn the_faults_of_certificates_are_what_they_say() {
    let read = |scenario: &str| {
        let mut card = Session::new(scenario);
        card.application(Application::Jpki);
        let pair =
            (X509::from_der(&card.whole(0x000A)).unwrap(), X509::from_der(&card.whole(0x000B)).unwrap());
        (pair, card)
    };
    let ((_, usual), _) = read("good");
    let key = usual.public_key().unwrap();
    let ((foreign, authority), _) = read("foreign-ca");
    assert_eq!(authority.subject_name().to_der().unwrap(), usual.subject_name().to_der().unwrap());
    assert!(!foreign.verify(&key).unwrap() && foreign.verify(&authority.public_key().unwrap()).unwrap());
    let ((expired, _), _) = read("expired");
    let today = openssl::asn1::Asn1Time::days_from_now(0).unwrap();
    assert!(expired.not_after() < today && expired.verify(&key).unwrap());
    let ((test, _), _) = read("jpki-test");
    assert!(format!("{:?}", test.issuer_name()).contains("JPKI-TEST"));
    let (_, mut card) = read("no-sign");
    assert_eq!((card.file(0x0001), card.whole(0x0008)), (0x6A82, vec![0x00, 0x8F, 0x00]));
    let mut card = Session::new("pinless");
    card.application(Application::Jpki);
    assert_eq!((card.verify(0x0018, b""), card.verify(0x0018, b"1234")), (0x63C0, 0x6984));
    let mut phone = Session::new("phone");
    phone.application(Application::Jpki);
    phone.file(0x000A);
    assert_eq!(phone.status(FIRST_BYTE), 0x6982);
}

#[test]
fn the_digest_of_the_attributes_and_the_signature_over_the_face_hold_unless_broken() {
    let text = |scenario: &str| {
        let mut card = Session::new(scenario);
        card.application(Application::Text);
        card.verify(0x0011, b"1234");
        let (record, integrity) = (card.whole(0x0002), card.whole(0x0003));
        // FF20, length of one byte or two, DF21 with four places of two bytes.
        let start = record.windows(2).position(|two| two == [0xDF, 0x22]).unwrap();
        let end = record.windows(3).position(|three| three == [0xDF, 0x25, 0x01]).unwrap() + 4;
        let digest = &integrity
            [integrity.windows(3).position(|three| three == [0xDF, 0x32, 0x20]).unwrap() + 3..][..32];
        sha256(&record[start..end]) == digest
    };
    assert!(text("good") && text("text-prefix") && text("filler"));
    assert!(!text("wrong-text-digest"));
    let face = |scenario: &str| {
        let mut card = Session::new(scenario);
        card.application(Application::Surface);
        card.verify(0x0012, b"02010120351234");
        let (face, signer) = (card.whole(0x0002), card.whole(0x0004));
        let at = |tag: [u8; 2]| face.windows(2).position(|two| two == tag).unwrap();
        let (text, name, photo, signature) =
            (at([0xDF, 0x22]), at([0xDF, 0x25]), at([0xDF, 0x27]), at([0xDF, 0x28]));
        let hashes = [&face[text..name], &face[name..photo], &face[photo..signature]].map(sha256).concat();
        let modulus = signer.windows(4).position(|four| four == [0x91, 0x82, 0x01, 0x00]).unwrap() + 4;
        let number = |bytes| openssl::bn::BigNum::from_slice(bytes).unwrap();
        let key =
            openssl::rsa::Rsa::from_public_components(number(&signer[modulus..][..256]), number(&[1, 0, 1]))
                .unwrap();
        let mut opened = vec![0; 256];
        let signed = &face[signature + 5..][..256];
        let length = key.public_decrypt(signed, &mut opened, openssl::rsa::Padding::PKCS1).unwrap_or(0);
        PKey::from_rsa(key).is_ok() && opened[..length].ends_with(&hashes) && length == 115
    };
    assert!(face("good") && face("other-photo"));
    assert!(!face("wrong-face-signature") && !face("corrupt-photo"));
}

#[test]
fn other_cards_have_an_identifier_and_no_application_of_ours() {
    for (scenario, bytes) in [("felica", 8), ("mifare", 4), ("licence", 4), ("residence", 4)] {
        let mut card = Session::new(scenario);
        let (identifier, status) = card.send(&[0xFF, 0xCA, 0x00, 0x00, 0x00]);
        assert_eq!((identifier.len(), status), (bytes, 0x9000), "{scenario}");
        assert_ne!(card.application(Application::Jpki), 0x9000, "{scenario}");
    }
    let tap = |scenario: &str| {
        let mut card = Session::new(scenario);
        let first = card.send(&[0xFF, 0xCA, 0x00, 0x00, 0x00]).0;
        card.0.card().reset();
        first == card.send(&[0xFF, 0xCA, 0x00, 0x00, 0x00]).0
    };
    assert!(tap("felica") && tap("mifare"));
    assert!(!tap("good"), "a card of Type B draws another one each time");
}

#[test]
fn every_scenario_has_a_card_and_a_sound_answer_to_reset() {
    for name in SCENARIOS {
        let plan = Plan::scenario(name).unwrap_or_else(|| panic!("{name}"));
        let atr = &plan.answer_to_reset;
        assert_eq!(atr[0], 0x3B, "{name}");
        assert_eq!(atr[1..].iter().fold(0, |sum, byte| sum ^ byte), 0, "{name}: the check byte");
    }
    assert!(Plan::scenario("nothing").is_none());
}
