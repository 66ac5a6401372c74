//! What brings a device into a tenant, and the stream between kiosk and agent: vouchers, requests and answers, whose sums are put
//! right here, and frames that arrive in pieces. Byte 0 says which.
#![no_main]

use fuzz::replicas::voucher;
use ledger::{Frames, JoinAnswer, JoinRequest, MAX_MESSAGE, Value, Voucher, frame};
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};

fuzz_target!(|data: &[u8]| {
    let Some((form, bytes)) = data.split_first() else { return };
    match form % 6 {
        0 => text(&String::from_utf8_lossy(bytes)),
        1 => judge_voucher(bytes),
        2 => request(bytes),
        3 => answer(bytes),
        4 => summed(bytes),
        _ => stream(bytes),
    }
});

fn text(text: &str) {
    if let Ok(voucher) = Voucher::from_text(text) {
        let again = voucher.to_text().expect("what was read is written");
        assert_eq!(text.trim_matches(['\r', '\n']), &*again, "two texts of one voucher");
    }
}

fn judge_voucher(bytes: &[u8]) {
    if let Ok(voucher) = Voucher::decode(bytes) {
        assert_eq!(
            &*voucher.encode().expect("what was read is written"),
            bytes,
            "two encodings of one voucher"
        );
    }
}

fn request(bytes: &[u8]) {
    let Ok(request) = JoinRequest::decode(bytes) else { return };
    assert_eq!(request.encode().as_deref(), Ok(bytes), "two encodings of one request");
    let genuine = fuzz::replicas::genuine_request();
    assert_eq!(
        request.verify(&voucher()).is_ok(),
        request == genuine,
        "a request that the kiosk did not make"
    );
}

fn answer(bytes: &[u8]) {
    if let Ok(answer) = JoinAnswer::decode(bytes) {
        assert_eq!(answer.encode().as_deref(), Ok(bytes), "two encodings of one answer");
    }
}

/// All but the sum of a voucher (then its secret is zeros) and of an answer.
fn summed(bytes: &[u8]) {
    let Ok(Value::Array(parts)) = Value::decode(bytes) else { return };
    let whole = |more: Vec<Value>| Value::Array([parts.clone(), more].concat()).encode();
    let sum: [u8; 32] = Sha256::digest(bytes).into();
    if let Ok(bytes) = whole(vec![Value::bytes(sum)]) {
        answer(&bytes);
    }
    let sum: [u8; 32] = Sha256::digest([bytes, &[0; 32]].concat()).into();
    if let Ok(bytes) = whole(vec![Value::bytes(&sum[..8]), Value::bytes([0; 32])]) {
        judge_voucher(&bytes);
    }
}

/// The same messages come out however the stream is cut, and no more waits than came.
fn stream(bytes: &[u8]) {
    let Some((&step, bytes)) = bytes.split_first() else { return };
    let taken = |step: usize| {
        let (mut frames, mut messages) = (Frames::default(), vec![]);
        for piece in bytes.chunks(step) {
            frames.push(piece);
            loop {
                match frames.next() {
                    Ok(Some(message)) => messages.push(message),
                    Ok(None) => break,
                    Err(_) => return (messages, None),
                }
            }
        }
        let waiting = frames.waiting();
        assert!(waiting < 4 + MAX_MESSAGE);
        (messages, Some(waiting))
    };
    let (messages, waiting) = taken(bytes.len().max(1));
    assert_eq!(taken(usize::from(step).max(1)), (messages.clone(), waiting), "the cut changes what is heard");
    if let Some(waiting) = waiting {
        let again: Vec<u8> = messages.iter().flat_map(|it| frame(it).expect("it was heard")).collect();
        assert_eq!(again, bytes[..bytes.len() - waiting]);
    }
}
