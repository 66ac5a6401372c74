//! What lies on the reader.

use card::{Application, CardError, Kind, identify};

use crate::mini::MiniCard;

const TYPE_B: &[u8] = &[0x3B, 0x88, 0x80, 0x01, 0, 0, 0x05, 0xE0, 0xB3, 0x81, 0xA1, 0x00, 0x7F];
const FELICA: &[u8] =
    &[0x3B, 0x8F, 0x80, 0x01, 0x80, 0x4F, 0x0C, 0xA0, 0, 0, 0x03, 0x06, 0x11, 0x00, 0x3B, 0, 0, 0, 0, 0x42];
const MIFARE: &[u8] =
    &[0x3B, 0x8F, 0x80, 0x01, 0x80, 0x4F, 0x0C, 0xA0, 0, 0, 0x03, 0x06, 0x03, 0x00, 0x01, 0, 0, 0, 0, 0x6A];

fn name(mut card: MiniCard) -> &'static str {
    identify(&mut card).unwrap().name()
}

#[test]
fn cards_are_told_apart_by_their_applications() {
    use Application::{DriversLicence, Jpki, ResidenceCard};
    assert_eq!(name(MiniCard::new()), "mynumber");
    assert_eq!(name(MiniCard::other(&[Jpki, DriversLicence], TYPE_B, &[])), "mynumber", "also a licence");
    assert_eq!(name(MiniCard::other(&[DriversLicence], TYPE_B, &[])), "drivers-licence");
    let by_its_data = MiniCard::other(&[], TYPE_B, &[])
        .instead(&[0x00, 0xA4, 0x00, 0x00], &[0x90, 0x00])
        .instead(&[0x00, 0xA4, 0x02, 0x0C, 0x02, 0x2F, 0x01], &[0x90, 0x00]);
    assert_eq!(name(by_its_data), "drivers-licence");
    assert_eq!(name(MiniCard::other(&[ResidenceCard], TYPE_B, &[])), "residence");
    for (label, expected) in [
        ("JPKIAPICCTOKEN", "old-resident"),
        ("JPKIAPGPSETOKEN", "telephone"),
        ("JPKIAPIOSTOKEN", "telephone"),
        ("JPKIAPICCTOKEN2", "mynumber"),
        ("a label of another day", "mynumber"),
    ] {
        let label = format!("{label:<160}").into_bytes();
        assert_eq!(name(MiniCard::new().file(Jpki, 0x06, label)), expected);
    }
    let mut bare = MiniCard::new();
    bare.files.remove(&(Jpki, 0x06));
    assert_eq!(name(bare), "mynumber");
}

#[test]
fn a_number_is_a_name_only_if_it_stays() {
    for (reset, number, expected) in [
        (FELICA, &[0x01, 0x12, 3, 4, 5, 6, 7, 8][..], "felica"),
        (FELICA, &[0x01, 0xFE, 3, 4, 5, 6, 7, 8], "unknown"),
        (MIFARE, &[0x04, 2, 3, 4, 5, 6, 7], "type-a"),
        (MIFARE, &[0x12, 2, 3, 4], "type-a"),
        (MIFARE, &[0x08, 2, 3, 4], "unknown"),
        (TYPE_B, &[0x12, 2, 3, 4], "unknown"),
        (MIFARE, &[0, 0, 0, 0, 0, 0, 0], "unknown"),
        (MIFARE, &[], "unknown"),
        (MIFARE, &[1, 2, 3, 4, 5], "unknown"),
    ] {
        assert_eq!(name(MiniCard::other(&[], reset, number)), expected, "{number:02X?}");
    }
    let Ok(Kind::Facility(number)) = identify(&mut MiniCard::other(&[], FELICA, &[1, 2, 3, 4, 5, 6, 7, 8]))
    else {
        panic!("a FeliCa card has a number")
    };
    assert_eq!((number.bytes().len(), format!("{number:?}").as_str()), (8, "FacilityNumber(Felica, ..)"));
}

#[test]
fn a_card_that_stumbles_is_no_unknown_card() {
    let mut card = MiniCard::new().instead(&[0x00, 0xA4, 0x04], &[0x6F, 0x00]);
    assert_eq!(identify(&mut card), Err(CardError::Unexpected(card::StatusWord(0x6F00))));
}
