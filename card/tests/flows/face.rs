//! The front code: face and attributes.

use card::{
    Application, CardError, Challenge, FrontCode, Issuer, Issuers, Opening, Pin, Secret, Sex,
    read_attributes, read_face,
};
use gate::{Date, Wall};

use crate::mini::{
    CARD, CODE, ISSUER, MiniCard, PIN, attributes, card_certificate, data, face, issuers, on, sha256, tlv,
};

fn read(card: &mut MiniCard, wall: Option<Wall>) -> Result<card::Face, CardError> {
    read_face(card, &FrontCode::parse(CODE).unwrap(), Challenge::new([5; 32]), &issuers(), wall)
}

fn refused(card: &mut MiniCard) -> CardError {
    read(card, on("2027-06-01")).err().unwrap()
}

#[test]
fn the_front_code_shows_the_face_and_the_chip_signs() {
    let mut card = MiniCard::new();
    let face = read(&mut card, on("2027-06-01")).unwrap();
    assert_eq!((face.photo.width, face.photo.height, face.photo.pixels.len()), (24, 32, 24 * 32));
    // The picture was written without loss: eight times the column and twice the row.
    assert_eq!((face.photo.pixels[0], face.photo.pixels[24 * 10 + 3]), (0, 44));
    assert_eq!((face.birth.date(), face.sex), (Date::parse("1990-01-01"), Sex::Male));
    assert_eq!((face.expiry, face.issuer), (Date::parse("2035-01-01").unwrap(), Issuer::Certified));
    let signed = card.told.last().unwrap();
    assert_eq!((&signed[..5], signed.len()), (&[0x80, 0x2A, 0x00, 0x00, 0x33][..], 57));
    assert_eq!(
        format!("{face:?} {:?} {:?}", face.birth, face.photo),
        "Face(Certified, ..) Birth(..) GreyPicture(24 x 32, ..)"
    );
}

#[test]
fn how_far_the_maker_was_traced_is_said() {
    let read = |issuers: &Issuers| {
        let code = FrontCode::parse(CODE).unwrap();
        let face = read_face(&mut MiniCard::new(), &code, Challenge::new([5; 32]), issuers, on("2027-06-01"));
        face.unwrap().issuer
    };
    assert_eq!(read(&Issuers::default()), Issuer::Unknown);
    let pinned = sha256(&card_certificate(CARD)).try_into().unwrap();
    assert_eq!(read(&Issuers { keys: vec![], pinned: vec![[0; 32], pinned] }), Issuer::Pinned);
}

#[test]
fn a_wrong_front_code_tells_how_many_tries_are_left_and_stops_at_one() {
    let secret = Secret::FrontCode;
    for (tries, expected, sent) in [
        (10, CardError::Wrong { secret, tries_left: Some(9) }, 1),
        (1, CardError::LastTry(secret), 0),
        (0, CardError::Blocked(secret), 0),
    ] {
        let mut card = MiniCard::new().tries(Application::Surface, 0x12, tries);
        let other = FrontCode::parse("02010120359999").unwrap();
        let result = read_face(&mut card, &other, Challenge::new([5; 32]), &issuers(), on("2027-06-01"));
        assert_eq!((result.err(), card.verifies()), (Some(expected), sent));
    }
}

#[test]
fn any_changed_part_of_the_face_is_refused() {
    let whole = face(data!("photo.jp2"), b"20350101");
    for part in [&b"19900101"[..], b"a picture of a name", b"a picture of an address", data!("photo.jp2")] {
        let at = whole.windows(part.len()).position(|it| it == part).unwrap() + part.len() - 1;
        let mut changed = whole.clone();
        changed[at] ^= 1;
        let mut card = MiniCard::new().file(Application::Surface, 0x02, tlv(0xFF20, &changed));
        assert_eq!(refused(&mut card), CardError::FaceAltered);
    }
    // Signed by the card itself, whose key stands in the record: a forger's first idea.
    let mut card = MiniCard::new();
    card.files.get_mut(&(Application::Surface, 0x04)).unwrap().0 = [0xFF; 600].to_vec();
    assert_eq!(refused(&mut card), CardError::BrokenRecord);
}

#[test]
fn a_copy_of_the_record_on_another_chip_is_refused() {
    let mut card = MiniCard::new();
    card.key = ISSUER;
    assert_eq!(refused(&mut card), CardError::ChipCopied);
}

#[test]
fn an_expired_card_is_refused_from_the_day_after_in_japan() {
    let end = Date::parse("2035-01-01").unwrap().days() * 86_400_000 + 15 * 3_600_000;
    let at = |unix_ms, uncertainty_s| read(&mut MiniCard::new(), Some(Wall { unix_ms, uncertainty_s })).err();
    assert_eq!(at(end - 2_000, 1), None);
    assert_eq!(at(end, 0), Some(CardError::CardExpired));
    assert_eq!(at(end, 120), Some(CardError::ClockUnknown));
    assert_eq!(read(&mut MiniCard::new(), None).err(), Some(CardError::ClockUnknown));
    // The day stands outside the signature; another year than the printed one was written by a forger.
    let later = tlv(0xFF20, &face(data!("photo.jp2"), b"20450101"));
    assert_eq!(refused(&mut MiniCard::new().file(Application::Surface, 0x02, later)), CardError::FaceAltered);
}

#[test]
fn cards_without_a_photograph_or_with_one_beyond_the_limits_have_their_own_ends() {
    for (photo, expected) in [
        (&b""[..], CardError::NoPhoto),
        (b"this is no picture", CardError::BrokenPhoto),
        (&data!("photo.jp2")[..100], CardError::BrokenPhoto),
        (data!("wide.jp2"), CardError::PhotoTooLarge),
    ] {
        let contents = tlv(0xFF20, &face(photo, b"20350101"));
        assert_eq!(refused(&mut MiniCard::new().file(Application::Surface, 0x02, contents)), expected);
    }
}

#[test]
fn attributes_are_read_behind_two_bytes_by_pin_or_front_code() {
    let (pin, code) = (Pin::parse(PIN).unwrap(), FrontCode::parse(CODE).unwrap());
    for opening in [Opening::Pin(&pin), Opening::FrontCode(&code)] {
        let read = read_attributes(&mut MiniCard::new(), opening, &issuers()).unwrap();
        assert_eq!((&**read.name, &**read.address), ("試験　太郎", "東京都千代田区霞が関１－１－１"));
        assert_eq!((read.birth.date(), read.sex), (Date::parse("1990-01-01"), Sex::Male));
        assert_eq!(format!("{read:?}"), "Attributes(Certified, ..)");
    }
}

#[test]
fn changed_attributes_or_digests_are_refused() {
    let (texts, integrity) = attributes();
    let pin = Pin::parse(PIN).unwrap();
    let check = |file, contents: Vec<u8>, expected| {
        let mut card = MiniCard::new().file(Application::Text, file, contents);
        assert_eq!(read_attributes(&mut card, Opening::Pin(&pin), &issuers()).err(), Some(expected));
    };
    let mut changed = texts.clone();
    *changed.last_mut().unwrap() = b'2';
    check(0x02, tlv(0xFF20, &changed), CardError::AttributesAltered);
    let mut digest = integrity.clone();
    digest[10] ^= 1;
    check(0x03, tlv(0xFF30, &digest), CardError::AttributesAltered);
    // The forger's digest fits the forger's text, but nobody signed it.
    let signed = &changed[texts.len() - changed.len() + 11..];
    let mut forged = integrity;
    forged[38..70].copy_from_slice(&sha256(signed));
    let mut card = MiniCard::new().file(Application::Text, 0x02, tlv(0xFF20, &changed)).file(
        Application::Text,
        0x03,
        tlv(0xFF30, &forged),
    );
    let result = read_attributes(&mut card, Opening::Pin(&pin), &issuers()).err();
    assert_eq!(result, Some(CardError::AttributesAltered));
}
