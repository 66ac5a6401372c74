//! Joining: what a voucher says arrives, and nobody between kiosk and registry changes a byte of what was asked.
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use ledger::*;
use sha2::{Digest, Sha256};

const AUTHORITY: &[u8] = b"the certificate of an authority";

fn voucher() -> Voucher {
    Voucher {
        tenant: "example-city".into(),
        registry: stranger().id(),
        facility: GROUP,
        device: [0x71; 16],
        secret: [0x72; 32].into(),
        url: "https://registry.example:8443".into(),
        ca: Sha256::digest(AUTHORITY).into(),
    }
}

fn request() -> JoinRequest {
    let keys = (KeyId([0x73; 16]), WrapPublic([0x74; 32]));
    JoinRequest::make(&voucher(), author().id(), keys, vec![0x75; 300]).unwrap()
}

fn answer() -> JoinAnswer {
    JoinAnswer {
        ca: AUTHORITY.to_vec(),
        chain: vec![vec![1; 400], vec![2; 300]],
        broker: "broker.example:8883".into(),
        tenant: "example-city".into(),
        registry: stranger().id(),
        facility: GROUP,
        author: author().id(),
        control: vec![vec![3; 500]],
    }
}

/// Every single byte changed, every cut, one byte more.
fn spoilt(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let changed = (0..bytes.len()).map(|place| {
        let mut changed = bytes.to_vec();
        changed[place] ^= 1;
        changed
    });
    let cut = (0..bytes.len()).map(|length| bytes[..length].to_vec());
    changed.chain(cut).chain([[bytes, &[0]].concat()])
}

#[test]
fn a_voucher_reads_back_as_text_that_a_qr_code_holds_in_its_short_mode() {
    let text = voucher().to_text().unwrap();
    assert!(text.starts_with("GENKAN1:"));
    let short =
        |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || " $%*+-./:".contains(letter);
    assert!(text.chars().all(short));
    let read = Voucher::from_text(&format!("{}\r\n", *text)).unwrap();
    assert_eq!(read.encode().unwrap(), voucher().encode().unwrap());
    assert_eq!((read.registry, read.secret), (stranger().id(), [0x72; 32].into()));
}

#[test]
fn a_voucher_with_any_byte_changed_or_cut_is_refused() {
    let bytes = voucher().encode().unwrap();
    assert!(spoilt(&bytes).all(|bytes| Voucher::decode(&bytes).is_err()));
    let text = voucher().to_text().unwrap();
    for place in 0..text.len() {
        let other = if text.as_bytes()[place] == b'7' { "8" } else { "7" };
        let changed = format!("{}{other}{}", &text[..place], &text[place + 1..]);
        assert!(Voucher::from_text(&changed).is_err(), "letter {place}");
    }
    assert!(Voucher::from_text(&text.to_lowercase()).is_err());
}

#[test]
fn a_voucher_without_tenant_or_address_is_not_written() {
    for voucher in [
        Voucher { tenant: String::new(), ..voucher() },
        Voucher { url: String::new(), ..voucher() },
        Voucher { url: "x".repeat(3_000), ..voucher() },
    ] {
        assert!(voucher.encode().is_err());
    }
}

#[test]
fn the_secret_of_a_voucher_is_not_shown() {
    let shown = format!("{:?}", voucher());
    assert!(shown.contains("example-city") && !shown.contains("72") && !shown.contains("114"), "{shown}");
}

#[test]
fn a_request_is_believed_as_the_kiosk_made_it_and_with_no_byte_changed() {
    let bytes = request().encode().unwrap();
    let read = JoinRequest::decode(&bytes).unwrap();
    assert_eq!(read, request());
    read.verify(&voucher()).unwrap();
    let believed = |bytes: Vec<u8>| JoinRequest::decode(&bytes).is_ok_and(|it| it.verify(&voucher()).is_ok());
    assert!(!spoilt(&bytes).any(believed));
}

#[test]
fn a_request_is_for_one_voucher() {
    let bad = Err(Error::BadRequest { device: KeyId([0x71; 16]) });
    for other in [
        Voucher { secret: [0; 32].into(), ..voucher() },
        Voucher { tenant: "another".into(), ..voucher() },
        Voucher { facility: GroupId([0; 16]), ..voucher() },
        Voucher { device: [0; 16], ..voucher() },
        Voucher { url: "https://elsewhere.example".into(), ..voucher() },
        Voucher { ca: [0; 32], ..voucher() },
    ] {
        assert_eq!(request().verify(&other), bad);
    }
    let everything = [
        JoinRequest { author: stranger().id(), ..request() },
        JoinRequest { wrap: KeyId([0; 16]), ..request() },
        JoinRequest { wrap_key: WrapPublic([0; 32]), ..request() },
        JoinRequest { csr: vec![], ..request() },
    ];
    assert!(
        everything.iter().all(|changed| changed.verify(&voucher()) == bad),
        "what a courier might put in"
    );
}

#[test]
fn a_request_beyond_its_bound_is_neither_made_nor_read() {
    let keys = (KeyId([0x73; 16]), WrapPublic([0x74; 32]));
    let made = JoinRequest::make(&voucher(), author().id(), keys, vec![0; MAX_REQUEST]);
    assert!(matches!(made, Err(Error::TooLarge { place: Place::JoinRequest, .. })));
    let read = JoinRequest::decode(&vec![0; MAX_REQUEST + 1]);
    assert!(matches!(read, Err(Error::TooLarge { place: Place::JoinRequest, .. })));
}

#[test]
fn an_answer_reads_back_and_any_damage_is_told() {
    let bytes = answer().encode().unwrap();
    assert_eq!(JoinAnswer::decode(&bytes).unwrap(), answer());
    assert!(spoilt(&bytes).all(|bytes| JoinAnswer::decode(&bytes).is_err()));
    let large = JoinAnswer { control: vec![vec![0; MAX_ANSWER]], ..answer() };
    assert!(matches!(large.encode(), Err(Error::TooLarge { place: Place::JoinAnswer, .. })));
}

#[test]
fn an_answer_is_for_one_request() {
    answer().answers(&request()).unwrap();
    for other in [
        JoinAnswer { ca: b"another authority".to_vec(), ..answer() },
        JoinAnswer { tenant: "another".into(), ..answer() },
        JoinAnswer { facility: GroupId([0; 16]), ..answer() },
        JoinAnswer { author: stranger().id(), ..answer() },
    ] {
        assert!(other.answers(&request()).is_err());
    }
}
