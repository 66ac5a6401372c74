//! What every reader must do.

use std::time::{Duration, Instant};

use super::{UNREASONABLE, now};
use crate::reader::{CredentialKind, Presented, Reader};

/// Holds a credential with these bytes, which are ASCII letters, to a reader.
pub type Hand = Box<dyn FnMut(CredentialKind, &[u8])>;

/// A reader and whoever holds cards to it.
pub struct ReaderSubject {
    /// Just opened.
    pub reader: Box<dyn Reader>,
    /// What it can tell apart.
    pub kinds: Vec<CredentialKind>,
    /// Shows one of these.
    pub present: Hand,
}

/// Long enough for a driver that is polled.
const A_MOMENT: Duration = Duration::from_millis(200);

/// Every promise of [`Reader`], each on a fresh subject.
///
/// # Panics
/// If a promise is broken.
pub fn reader(mut open: impl FnMut() -> ReaderSubject) {
    nobody_shows_anything(open());
    each_showing_is_told_once(open());
    showings_are_told_in_their_order(open());
    what_was_read_is_not_shown(open());
}

fn next(subject: &mut ReaderSubject, patience: Duration) -> Option<Presented> {
    subject.reader.next(patience).unwrap_or_else(|error| panic!("the reader works: {error}"))
}

fn nobody_shows_anything(mut subject: ReaderSubject) {
    let asked = Instant::now();
    assert!(next(&mut subject, Duration::ZERO).is_none(), "without patience, nothing is waited for");
    assert!(next(&mut subject, A_MOMENT).is_none(), "nothing was shown");
    assert!(asked.elapsed() >= A_MOMENT, "whoever has patience is not answered before");
    assert!(asked.elapsed() < A_MOMENT + UNREASONABLE, "and gets an answer");
}

fn each_showing_is_told_once(mut subject: ReaderSubject) {
    for kind in subject.kinds.clone() {
        for _ in 0..2 {
            let before = now();
            (subject.present)(kind, b"CARDA");
            let told = next(&mut subject, UNREASONABLE).expect("what is shown is told");
            assert_eq!((told.kind, told.identifier.bytes()), (kind, b"CARDA".as_slice()));
            assert!(told.at >= before && told.at <= now(), "with the time at which it was shown");
            assert!(next(&mut subject, A_MOMENT).is_none(), "and is told once");
        }
    }
}

fn showings_are_told_in_their_order(mut subject: ReaderSubject) {
    let kind = subject.kinds[0];
    for name in [b"CARDA", b"CARDB", b"CARDC"] {
        (subject.present)(kind, name);
    }
    let mut last = None;
    for name in [b"CARDA", b"CARDB", b"CARDC"] {
        let told = next(&mut subject, UNREASONABLE).expect("each is told");
        assert_eq!(told.identifier.bytes(), name, "in the order in which they were shown");
        assert!(last <= Some(told.at), "and with times in that order");
        last = Some(told.at);
    }
}

fn what_was_read_is_not_shown(mut subject: ReaderSubject) {
    let kind = subject.kinds[0];
    (subject.present)(kind, b"SECRET");
    let told = next(&mut subject, UNREASONABLE).expect("what is shown is told");
    for text in [format!("{told:?}"), format!("{told:#?}"), format!("{:?}", told.identifier)] {
        let wide = text.to_uppercase().replace([' ', '\n'], "");
        for part in ["SECRET", "534543", "83,69", "0X53"] {
            assert!(!wide.contains(part), "card data in a log: {text}");
        }
    }
}
