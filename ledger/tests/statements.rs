//! Heads and checkpoints: what an author says outside of its runs is believed only with its signature, exactly as signed.
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use ed25519_dalek::{Signer, SigningKey};
use ledger::*;

fn prior(byte: u8) -> Prior {
    Prior { run: RunId([byte; 16]), length: byte.into(), root: Root([byte; 32]) }
}

fn head() -> Head {
    let cursors = vec![
        Cursor { feed: "facility/urgent".into(), at: prior(8) },
        Cursor { feed: "control".into(), at: prior(9) },
    ];
    Head { device: author().id(), runs: vec![prior(3), prior(2)], cursors, epoch: 1, nonce: [4; 16] }
}

fn checkpoint() -> Checkpoint {
    Checkpoint { tenant: "example-city".into(), author: author().id(), at: prior(5) }
}

/// The author's signature of any message, without the help of the crate.
fn dalek_sign(message: &[u8]) -> [u8; 64] {
    SigningKey::from_bytes(&AUTHOR_SECRET).sign(message).to_bytes()
}

const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The 68 bytes of a signature line: 22 whole groups and one of two bytes.
fn unbase64(text: &str) -> Vec<u8> {
    let symbols = text.trim_end_matches('=').chars().map(|symbol| ALPHABET.find(symbol).unwrap());
    let bits: String = symbols.map(|value| format!("{value:06b}")).collect();
    (0..bits.len() / 8).map(|i| u8::from_str_radix(&bits[8 * i..8 * i + 8], 2).unwrap()).collect()
}

fn base64(bytes: &[u8]) -> String {
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect::<String>() + "00";
    let value = |i| usize::from_str_radix(&bits[6 * i..6 * i + 6], 2).unwrap();
    (0..bits.len() / 6).map(|i| ALPHABET.as_bytes()[value(i)] as char).chain(['=']).collect()
}

#[test]
fn a_head_travels_and_any_flipped_bit_is_seen() {
    let bytes = SignedHead::sign(&author(), head()).unwrap().encode().unwrap();
    let signed = SignedHead::decode(&bytes).unwrap();
    signed.verify(author().id()).unwrap();
    assert_eq!(signed.head.runs, [prior(2), prior(3)], "in order");
    assert_eq!(
        signed.head.cursors.iter().map(|c| c.feed.as_str()).collect::<Vec<_>>(),
        ["control", "facility/urgent"]
    );
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let believed = SignedHead::decode(&changed).and_then(|signed| signed.verify(author().id()));
        assert!(believed.is_err(), "bit {bit}");
    }
}

#[test]
fn a_head_is_of_the_device_that_it_names() {
    let signed = SignedHead::sign(&author(), head()).unwrap();
    let device = stranger().id();
    assert_eq!(signed.verify(device), Err(Error::BadHead { device }));
    assert!(matches!(SignedHead::sign(&stranger(), head()), Err(Error::BadHead { .. })));
    let renamed_and_signed = Head { device, ..head() };
    let sorted =
        SignedHead { head: Head { runs: vec![], cursors: vec![], ..renamed_and_signed }, sig: [0; 64] };
    let bytes = sorted.encode().unwrap();
    let message = [b"genkan head 1\0", &bytes[1..bytes.len() - 66]].concat();
    let forged = SignedHead { sig: dalek_sign(&message), ..sorted };
    assert_eq!(forged.verify(author().id()), Err(Error::BadHead { device: author().id() }));
    let renamed = SignedHead { head: Head { device, ..signed.head }, sig: signed.sig };
    assert_eq!(renamed.verify(device), Err(Error::BadHead { device }));
}

#[test]
fn a_head_names_no_run_twice() {
    let twice = Head { runs: vec![prior(2), prior(2)], ..head() };
    assert!(matches!(SignedHead::sign(&author(), twice), Err(Error::Malformed { place: Place::Head, .. })));
}

#[test]
fn a_checkpoint_is_a_signed_note_that_reads_back() {
    let note = checkpoint().sign(&author()).unwrap();
    let origin = format!("genkan/example-city/{}/{}", author().id(), RunId([5; 16]));
    let expected = format!("{origin}\n5\nBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=\n\n\u{2014} {origin} ");
    assert!(note.starts_with(&expected), "{note}");
    assert_eq!(Checkpoint::verify(&note, author().id()), Ok(checkpoint()));
}

#[test]
fn a_checkpoint_with_any_flipped_bit_is_refused() {
    let note = checkpoint().sign(&author()).unwrap();
    for bit in 0..note.len() * 8 {
        let mut bytes = note.clone().into_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let Ok(changed) = String::from_utf8(bytes) else { continue };
        assert!(Checkpoint::verify(&changed, author().id()).is_err(), "bit {bit}: {changed}");
    }
}

#[test]
fn cosignatures_are_passed_over_and_a_false_line_in_the_authors_name_is_not() {
    let note = checkpoint().sign(&author()).unwrap();
    let witness = format!("{note}\u{2014} witness.example AAAAAAAA\n");
    assert_eq!(Checkpoint::verify(&witness, author().id()), Ok(checkpoint()));

    let line = note.lines().last().unwrap();
    let other = Checkpoint { at: Prior { length: 6, ..prior(5) }, ..checkpoint() }.sign(&author()).unwrap();
    let refused = |note: &str| {
        assert!(matches!(Checkpoint::verify(note, author().id()), Err(Error::BadCheckpoint { .. })))
    };
    refused(&note.replace(line, other.lines().last().unwrap()));
    refused(&format!("{note}{}\n", other.lines().last().unwrap()));
    refused(&note.replace(line, "\u{2014} witness.example AAAAAAAA"));
    assert!(Checkpoint::verify(&format!("{note}no signature\n"), author().id()).is_err());
    assert!(Checkpoint::verify(&note, stranger().id()).is_err());
}

#[test]
fn a_checkpoint_that_one_author_signed_for_another_is_refused() {
    let theirs = Checkpoint { author: stranger().id(), ..checkpoint() };
    let note = theirs.sign(&stranger()).unwrap();
    let (text, line) = note.split_once("\n\n").unwrap();
    let mut signature = unbase64(line.trim_end().rsplit(' ').next().unwrap());
    signature[4..].copy_from_slice(&dalek_sign(format!("{text}\n").as_bytes()));
    let named = format!("\u{2014} {} {}", theirs.origin(), base64(&signature));
    let forged = format!("{text}\n\n{named}\n");
    let refused = Err(Error::BadCheckpoint { origin: theirs.origin() });
    assert_eq!(Checkpoint::verify(&forged, author().id()), refused);
    assert_eq!(Checkpoint::verify(&forged, stranger().id()), refused);
}

#[test]
fn a_tenant_that_would_change_the_meaning_of_the_origin_is_refused() {
    for tenant in ["", "a b", "a/b", "a+b", "a\nb", "a\u{3000}b"] {
        let checkpoint = Checkpoint { tenant: tenant.into(), ..checkpoint() };
        assert!(matches!(checkpoint.sign(&author()), Err(Error::Malformed { .. })), "{tenant:?}");
    }
    assert!(matches!(checkpoint().sign(&stranger()), Err(Error::BadCheckpoint { .. })));
}
