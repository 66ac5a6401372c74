//! What arrives from other machines: values, records, pages, heads, notes, control files; and the control feed of a
//! registry whose key the fuzzer has. Byte 0 says which.
#![no_main]

use credentials::{Control, read_control, write_control};
use fuzz::codes::{append, feed, genuine_page, registry};
use ledger::{Checkpoint, Page, Record, RunVerifier, SignedHead, Value, paginate};
use libfuzzer_sys::fuzz_target;

/// Kinds of records, by a byte.
const KINDS: [&str; 5] = ["IssuerAdded", "IssuerRevoked", "Denylist", "Open", "Unknown"];

fuzz_target!(|data: &[u8]| {
    let Some((form, bytes)) = data.split_first() else { return };
    match form % 7 {
        0 => value(bytes),
        1 => page(bytes),
        2 => record(bytes),
        3 => head(bytes),
        4 => note(&String::from_utf8_lossy(bytes)),
        5 => file(bytes),
        _ => control(bytes),
    }
});

fn value(bytes: &[u8]) {
    if let Ok(value) = Value::decode(bytes) {
        assert_eq!(value.encode().as_deref(), Ok(bytes), "two encodings of one value");
    }
}

fn page(bytes: &[u8]) {
    let Ok(page) = Page::decode(bytes) else { return };
    assert_eq!(page.encode().as_deref(), Ok(bytes));
    let verified = RunVerifier::new(Some(registry().id())).push(&page).is_ok();
    assert_eq!(verified, bytes == genuine_page(), "a page that nobody signed, or a signed one is refused");
}

fn record(bytes: &[u8]) {
    let Ok(record) = Record::parse(bytes) else { return };
    assert_eq!(record.bytes(), bytes);
    assert_eq!(record.leaf, ledger::leaf_of(bytes));
    let body = record.open_body(None);
    assert!(record.header.group.is_none() || body.is_err(), "sealed, and opened without a key");
    let _ = record.open_statement(None);
}

fn head(bytes: &[u8]) {
    let Ok(head) = SignedHead::decode(bytes) else { return };
    assert_eq!(head.encode().as_deref(), Ok(bytes));
    assert!(head.verify(registry().id()).is_err(), "a head that nobody signed");
}

fn note(text: &str) {
    assert!(Checkpoint::verify(text, registry().id()).is_err(), "a note that nobody signed");
}

fn file(bytes: &[u8]) {
    let Ok(pages) = read_control(bytes) else { return };
    let pages: Vec<Vec<u8>> = pages.into_iter().map(<[u8]>::to_vec).collect();
    assert_eq!(write_control(&pages), bytes);
}

/// Records with one map of fields each, signed; what cannot be applied is kept aside and nothing else changes.
fn control(bytes: &[u8]) {
    let (mut writer, open) = feed();
    let mut records = vec![open];
    for section in fuzz::sections(bytes).take(8) {
        let Some((kind, fields)) = section.split_first() else { continue };
        let Ok(Value::Map(entries)) = Value::decode(fields) else { continue };
        let fields =
            entries.into_iter().filter_map(|(name, value)| Some((name.as_text()?.to_owned(), value)));
        records.extend(append(&mut writer, KINDS[usize::from(*kind) % KINDS.len()], fields.collect()));
    }
    let mut control = Control::new(registry().id());
    for page in paginate(&records) {
        let bytes = page.encode().expect("a page that was cut by the limits is within them");
        let taken = control.push(&bytes).expect("a signed page of the feed is taken");
        assert_eq!(taken.new, page.records.len());
        let before = control.trust().clone();
        assert_eq!(control.push(&bytes).map(|taken| taken.new), Ok(0), "taken twice");
        assert_eq!(*control.trust(), before);
    }
    assert_eq!(control.records(), records.len());
    assert!(control.quarantine().len() < records.len() && control.missing().is_empty());
}
