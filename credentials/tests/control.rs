//! The control feed: the registry's word, whole, and nobody else's.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use credentials::*;
use gate::Monotonic;
use ledger::{AuthorKey, Page, paginate};
use proptest::prelude::*;

fn statements() -> Vec<Statement> {
    let denial = |byte: u8| Denial([byte; 16]);
    vec![
        added(1, &ed25519(), ISSUER),
        added(2, &p256(), "other"),
        denylist(3, NOW - 90, vec![denial(1), denial(2)]),
        Statement::IssuerRevoked { version: 4, kid: ed25519().public().kid() },
        added(5, &ed25519(), "a later name"),
        denylist(6, NOW - 30, vec![denial(3)]),
        denylist(6, NOW - 40, vec![]),
    ]
}

#[test]
fn a_page_by_another_author_or_of_another_feed_changes_nothing() {
    let mut control = control(&statements());
    let before = control.trust().clone();
    let stranger = AuthorKey::from_bytes([8; 32]);
    let (kind, fields) = added(7, &holder(), "stranger").to_fields();
    let record = body(kind, fields);
    let page = |author: &AuthorKey, feed: &str| {
        paginate(&run(author, 2, feed, std::slice::from_ref(&record)))[0].encode().unwrap()
    };
    assert!(matches!(control.push(&page(&stranger, FEED)), Err(PageRefused::Ledger(_))));
    assert!(matches!(control.push(&page(&author(), "facility/bulk")), Err(PageRefused::OtherFeed(_))));
    let mut bytes = page(&author(), FEED);
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    assert!(matches!(control.push(&bytes), Err(PageRefused::Ledger(_))));
    assert_eq!((control.trust(), control.records()), (&before, 8));
}

#[test]
fn a_second_story_about_a_place_that_is_held_is_a_fork() {
    let mut control = control(&statements());
    let other = pages(1, &[added(1, &holder(), "other story")]);
    assert!(matches!(control.push(&other[0]), Err(PageRefused::Fork(_))));
}

#[test]
fn what_is_held_grows_by_longer_pages_and_never_shrinks() {
    let mut control = control(&statements()[..3]);
    let longer = &pages(1, &statements())[0];
    assert_eq!(control.push(longer), Ok(Taken { new: 4 }));
    assert_eq!(control.push(longer), Ok(Taken { new: 0 }));
    assert_eq!(control.push(&pages(1, &statements()[..3])[0]), Ok(Taken { new: 0 }));
    assert_eq!(control.records(), 8);
    let page = Page { first: 12, ..Page::decode(longer).unwrap() };
    assert!(control.push(&page.encode().unwrap()).is_err());
    assert_eq!(control.records(), 8);
}

#[test]
fn one_record_that_cannot_be_applied_harms_itself_only() {
    let (kind, fields) = added(2, &p256(), ISSUER).to_fields();
    let bodies = [
        body("FromTheFuture", vec![]),
        body("IssuerAdded", vec![]),
        body("Denylist", vec![("version".to_owned(), ledger::Value::Int(1))]),
        body(kind, fields),
    ];
    let mut control = Control::new(author().id());
    for page in paginate(&run(&author(), 1, FEED, &bodies)) {
        control.push(&page.encode().unwrap()).unwrap();
    }
    let why: Vec<_> = control.quarantine().iter().map(|(record, why)| (record.seq, *why)).collect();
    let expected = [(1, Unappliable::UnknownKind), (2, Unappliable::Malformed), (3, Unappliable::Malformed)];
    assert_eq!(why, expected);
    assert!(control.trust().issuer(p256().public().kid()).is_some());
}

#[test]
fn versions_and_times_are_the_greatest_that_were_stated() {
    let trust = control(&statements()).trust().clone();
    assert_eq!((trust.version(), trust.denylist(), trust.denied()), (6, Some((6, NOW - 30)), 3));
    assert_eq!(trust.signed_time(Monotonic::default()).map(|time| time.unix_s), Some(NOW - 30));
    let kid = ed25519().public().kid();
    assert!(trust.is_revoked(kid));
    assert_eq!(trust.issuer(kid).unwrap().name, "a later name");
}

proptest! {
    /// Each statement in a run of its own, in any order, some twice.
    #[test]
    fn the_state_is_a_function_of_the_set(order in Just((0..7_usize).collect::<Vec<_>>()).prop_shuffle(), again in 0..7_usize) {
        let runs: Vec<_> =
            statements().iter().zip(1..).map(|(one, name)| pages(name, std::slice::from_ref(one))).collect();
        let fold = |order: &[usize]| {
            let mut control = Control::new(author().id());
            for page in order.iter().flat_map(|place| &runs[*place]) {
                control.push(page).unwrap();
            }
            control.trust().clone()
        };
        let shuffled: Vec<usize> = order.iter().copied().chain([again]).collect();
        prop_assert_eq!(fold(&shuffled), fold(&[0, 1, 2, 3, 4, 5, 6]));
    }
}
