//! What replicas send each other, and what a store gives back of them: messages, lines and chains. Byte 0 says how the rest is
//! wrapped, so that an inside is reached without its length being guessed. Memory is counted: a length that is claimed and not
//! there must cost nothing.
#![no_main]

use std::alloc::System;

use cap::Cap;
use fuzz::replicas::{genuine_head, genuine_receipt, kiosk, registry};
use ledger::{Chain, Line, MAX_HAVE, MAX_WANT, Message, Real, Value};
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

/// Bytes that reading may hold for each byte of an input, and for none. A value is some forty bytes in memory, a vector may
/// have twice the room that it uses, and what is read is written again to be compared.
const FOR_EACH: usize = 400;
const FOR_NONE: usize = 64 * 1024;

fuzz_target!(|data: &[u8]| {
    let Some((form, bytes)) = data.split_first() else { return };
    match form % 8 {
        0 => message(bytes),
        kind @ 1..=3 => wrapped(i64::from(kind) + 1, &Value::bytes(bytes)),
        kind @ 4..=5 => {
            if let Ok(content) = Value::decode(bytes) {
                wrapped(i64::from(kind) - 4, &content);
            }
        }
        6 => line(bytes),
        _ => chain(bytes),
    }
});

/// What `read` makes, with no more memory than the bytes are worth. Beyond it nothing is given out, which ends the process.
fn counted<T>(bytes: &[u8], read: impl FnOnce(&[u8]) -> T) -> T {
    let most = MEMORY.allocated() + FOR_NONE + FOR_EACH * bytes.len();
    MEMORY.set_limit(most).expect("more than is in use");
    let made = read(bytes);
    MEMORY.set_limit(usize::MAX).expect("there is no greater limit");
    made
}

fn message(bytes: &[u8]) {
    let Ok(message) = counted(bytes, Message::decode) else { return };
    assert_eq!(message.encode().as_deref(), Ok(bytes), "two encodings of one message");
    match message {
        Message::Have(have) => assert!(have.len() <= MAX_HAVE),
        Message::Want(want) => assert!(want.len() <= MAX_WANT),
        Message::Page(page) => assert!(!page.records.is_empty()),
        Message::Head(head) => {
            assert_eq!(head.verify_with(&Real), head == genuine_head(), "a head that nobody signed");
            assert_eq!(head.verify(kiosk().id()).is_ok(), head == genuine_head());
        }
        Message::Receipt(receipt) => {
            let signed = receipt.verify(&Real, registry().id());
            assert_eq!(signed, receipt == genuine_receipt(), "a receipt that nobody signed");
        }
    }
}

fn wrapped(kind: i64, content: &Value) {
    let whole = Value::Array(vec![Value::Int(kind), content.clone()]);
    if let Ok(bytes) = whole.encode() {
        message(&bytes);
    }
}

/// The parts of a line, its sum put right.
fn line(bytes: &[u8]) {
    let _ = counted(bytes, Line::decode);
    let Ok(Value::Array(mut parts)) = Value::decode(bytes) else { return };
    let sum: [u8; 32] = Sha256::digest(bytes).into();
    parts.push(Value::bytes(sum));
    let Ok(whole) = Value::Array(parts).encode() else { return };
    if let Ok(line) = counted(&whole, Line::decode) {
        assert_eq!(line.encode(), whole, "two encodings of one line");
        assert_eq!(line.have().at, line.at());
    }
}

/// The content of a chain, its sum put right.
fn chain(bytes: &[u8]) {
    let _ = counted(bytes, Chain::decode);
    let whole = [bytes, &Sha256::digest(bytes)[..]].concat();
    if let Ok(chain) = counted(&whole, Chain::decode) {
        assert_eq!(chain.encode().as_slice(), whole, "two encodings of one chain");
    }
}
