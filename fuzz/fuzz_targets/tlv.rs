//! Records of a card, past the signatures that stand before them: fields, certificates, keys.
#![no_main]

use card::{CardKey, fuzzing};
use libfuzzer_sys::fuzz_target;

/// The tags that files begin with.
const TAGS: [u16; 4] = [0x30, 0xFF20, 0xFF30, 0x7F21];

fuzz_target!(|data: &[u8]| {
    fields(data);
    for tag in TAGS {
        if let Some((start, size, length)) = fuzzing::record(data, tag) {
            assert!(start <= 4 && (2..=5).contains(&size) && length <= 0xFFFF);
        }
    }
    let _ = fuzzing::certificate(data);
    if CardKey::read(data).is_some() {
        assert!(data.len() >= 256);
    }
});

/// Fields lie one after the other, none twice, and mean the same when they are written anew.
fn fields(data: &[u8]) {
    let Some(fields) = fuzzing::fields(data) else { return };
    let mut at = 0;
    let mut anew = Vec::new();
    for (tag, whole, value) in &fields {
        assert_eq!(data.get(at..at + whole.len()), Some(*whole), "fields with a gap");
        assert!(whole.ends_with(value));
        at += whole.len();
        anew.extend(written(*tag, value));
    }
    assert!(data[at..].is_empty() || data[at] == 0xFF, "something was passed over");
    assert!(fields.len() <= 32 && anew.len() <= data.len());
    let again = fuzzing::fields(&anew).expect("what was written reads");
    assert!(again.iter().map(|it| (it.0, it.2)).eq(fields.iter().map(|it| (it.0, it.2))));
}

/// Tag, shortest length, value.
fn written(tag: u16, value: &[u8]) -> Vec<u8> {
    let [high, low] = tag.to_be_bytes();
    let tag = if high == 0 { vec![low] } else { vec![high, low] };
    let length = match value.len() {
        length @ 0..0x80 => vec![length as u8],
        length @ 0x80..0x100 => vec![0x81, length as u8],
        length => vec![0x82, (length >> 8) as u8, length as u8],
    };
    [&tag, &length, value].concat()
}
