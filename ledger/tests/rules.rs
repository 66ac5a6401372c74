//! What a writer may write, what a reader believes, and which key opens what.
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use ledger::*;

fn started(seal: Seal<'_>) -> (RunWriter, SignedRecord) {
    RunWriter::open(&author(), RUN, &open_of(author().id()), clock(), seal).unwrap()
}

fn note() -> Body {
    body("Note", &[("text", Value::text("hello"))])
}

fn page_of(records: &[SignedRecord]) -> Page {
    paginate(records).remove(0)
}

#[test]
fn a_run_belongs_to_the_author_that_opened_it() {
    let (mut writer, _) = started(Seal::Plain);
    let wrong = Error::WrongAuthor { run: RUN, seq: 1, expected: author().id(), found: stranger().id() };
    assert_eq!(writer.append(&stranger(), &note(), &[], Seal::Plain), Err(wrong));
    let other = RunWriter::open(&stranger(), RUN, &open_of(author().id()), clock(), Seal::Plain);
    assert!(matches!(other, Err(Error::WrongAuthor { seq: 0, .. })));
    assert_eq!(writer.length(), 1);
}

#[test]
fn a_refused_append_leaves_the_writer_where_it_was() {
    let (mut writer, first) = started(Seal::Plain);
    let before = writer.prior();
    let too_large = body("Note", &[("content", Value::Bytes(vec![0; MAX_RECORD]))]);
    let reserved = body("Note", &[("clock", Value::Null)]);
    let twice = body("Note", &[("a", Value::Null), ("a", Value::Null)]);
    let place = Place::Record { run: RUN, seq: 1 };
    for (body, matches) in [
        (too_large, (|e| matches!(e, Error::TooLarge { .. })) as fn(&Error) -> bool),
        (reserved, |e| matches!(e, Error::Malformed { .. })),
        (twice, |e| matches!(e, Error::NotCanonical { .. })),
        (body("Open", &[]), |e| matches!(e, Error::RuleBroken { .. })),
    ] {
        let error = writer.append(&author(), &body, &[], Seal::Plain).unwrap_err();
        assert!(matches(&error), "{error}");
        assert!(error.to_string().contains(&place.to_string()), "names run and seq: {error}");
        assert_eq!(writer.prior(), before);
    }
    let second = writer.append(&author(), &note(), &[], Seal::Plain).unwrap();
    assert!(RunVerifier::new(None).push(&page_of(&[first, second])).is_ok());
}

#[test]
fn an_append_on_a_dropped_clone_has_never_happened() {
    let (mut writer, first) = started(Seal::Plain);
    let mut attempt = writer.clone();
    let lost = attempt.append(&author(), &body("Lost", &[]), &[], Seal::Plain).unwrap();
    drop(attempt);
    let kept = writer.append(&author(), &note(), &[], Seal::Plain).unwrap();
    assert_eq!((lost.seq, kept.seq), (1, 1));
    assert_ne!(lost.leaf, kept.leaf);
    let mut verifier = RunVerifier::new(None);
    verifier.push(&page_of(&[first, kept])).unwrap();
    assert_eq!(verifier.prior(), Some(writer.prior()));
}

#[test]
fn the_largest_record_fits_and_travels() {
    let fits = |size| {
        let (mut writer, first) = started(Seal::Plain);
        let body = body("Note", &[("content", Value::Bytes(vec![0; size]))]);
        writer.append(&author(), &body, &[], Seal::Plain).map(|record| (first, record))
    };
    let size = (MAX_RECORD - 300..MAX_RECORD).rev().find(|size| fits(*size).is_ok()).unwrap();
    let (first, record) = fits(size).unwrap();
    assert_eq!(record.bytes.len(), MAX_RECORD);
    assert!(matches!(fits(size + 1), Err(Error::TooLarge { .. })));
    let pages = encode(&paginate(&[first, record]));
    assert_eq!(verify(&pages).unwrap().1.length, 2);
}

#[test]
fn pages_keep_to_their_limits() {
    let (small, prior) = write_run(&vec![(1, false); 1_100]);
    let pages = paginate(&small);
    assert_eq!(pages.iter().map(|page| page.records.len()).collect::<Vec<_>>(), [512, 512, 77]);
    assert_eq!(verify(&encode(&pages)).unwrap().1, prior);

    let (large, prior) = write_run(&[(60_000, true); 5]);
    let pages = paginate(&large);
    assert_eq!(pages.iter().map(|page| page.records.len()).collect::<Vec<_>>(), [3, 2, 1]);
    assert!(pages.iter().all(|page| page.encode().unwrap().len() <= MAX_PAGE));
    assert_eq!(verify(&encode(&pages)).unwrap().1, prior);

    let mut page = page_of(&small);
    page.records.push(page.records[1].clone());
    let limit = Error::TooLarge { place: Place::Page, size: 513, limit: 512, unit: "records" };
    assert_eq!(page.encode(), Err(limit.clone()));
    assert_eq!(RunVerifier::new(None).push(&page), Err(limit));
    page.records = vec![vec![0; MAX_RECORD]; 2];
    assert!(matches!(RunVerifier::new(None).push(&page), Err(Error::TooLarge { unit: "bytes", .. })));
    page.records.clear();
    assert!(matches!(page.encode(), Err(Error::Malformed { place: Place::Page, .. })));
}

#[test]
fn where_records_are_missing_a_new_page_begins() {
    let (mut records, _) = write_run(&[(1, false); 4]);
    records.remove(2);
    let pages = paginate(&records);
    assert_eq!(
        pages.iter().map(|page| (page.first, page.records.len())).collect::<Vec<_>>(),
        [(0, 2), (3, 2)]
    );
    assert_eq!(pages[1].prev, Record::parse(&records[2].bytes).unwrap().header.prev);
    assert_eq!(verify(&encode(&pages)).unwrap_err(), Error::Gap { run: RUN, expected: 2, found: 3 });

    let mut two_runs = write_run(&[]).0;
    let (other, theirs) = (RunId([0x77; 16]), open_of(author().id()));
    two_runs.push(RunWriter::open(&author(), other, &theirs, clock(), Seal::Plain).unwrap().1);
    assert_eq!(paginate(&two_runs).iter().map(|page| page.run).collect::<Vec<_>>(), [RUN, other]);
}

#[test]
fn a_position_that_no_record_has_is_refused() {
    for first in [i64::MAX as u64 - 511, i64::MAX as u64, u64::MAX] {
        let page = Page { first, ..page_of(&write_run(&[]).0) };
        assert!(matches!(page.encode(), Err(Error::Malformed { place: Place::Page, .. })), "{first}");
        let pushed = RunVerifier::new(None).push(&page);
        assert!(matches!(pushed, Err(Error::Malformed { place: Place::Page, .. })), "{first}");
    }
}

#[test]
fn a_run_begins_with_an_open_and_has_no_other() {
    let first = forge(AUTHOR_SECRET, RUN, 0, Leaf::NONE, plain_body("Note"));
    let error = RunVerifier::new(Some(author().id())).push(&page_of(&[first])).unwrap_err();
    assert!(matches!(error, Error::RuleBroken { run: RUN, seq: 0, .. }), "{error}");

    let (_, open) = started(Seal::Plain);
    let second = forge(AUTHOR_SECRET, RUN, 1, open.leaf, plain_body("Open"));
    let records = RunVerifier::new(None).push(&page_of(&[open, second])).unwrap();
    assert!(matches!(records[1].open_body(None), Err(Error::RuleBroken { run: RUN, seq: 1, .. })));

    let with_prev = forge(AUTHOR_SECRET, RUN, 0, Leaf([1; 32]), plain_body("Open"));
    assert!(matches!(Record::parse(&with_prev.bytes), Err(Error::Malformed { .. })));
}

#[test]
fn the_author_in_the_open_is_the_one_that_signs() {
    let (_, mine) = started(Seal::Plain);
    let theirs = RunVerifier::new(Some(stranger().id())).push(&page_of(std::slice::from_ref(&mine)));
    let wrong = Error::WrongAuthor { run: RUN, seq: 0, expected: stranger().id(), found: author().id() };
    assert_eq!(theirs, Err(wrong));
    let mut signed_by_another = page_of(std::slice::from_ref(&mine));
    let content = Value::decode(&mine.bytes).unwrap().as_array().unwrap()[1].clone();
    signed_by_another.sig = forge([0x4f; 32], RUN, 0, Leaf::NONE, content).sig;
    assert_eq!(
        RunVerifier::new(None).push(&signed_by_another),
        Err(Error::BadSignature { run: RUN, seq: 0 })
    );
}

#[test]
fn a_sealed_open_needs_an_author_known_beforehand() {
    let key = group_key();
    let (writer, open) = started(sealed(&key, 1));
    let page = page_of(&[open]);
    assert_eq!(RunVerifier::new(None).push(&page), Err(Error::AuthorUnknown { run: RUN }));
    assert_eq!(
        RunVerifier::new(Some(stranger().id())).push(&page),
        Err(Error::BadSignature { run: RUN, seq: 0 })
    );
    let mut verifier = RunVerifier::new(Some(author().id()));
    let records = verifier.push(&page).unwrap();
    assert_eq!(verifier.prior(), Some(writer.prior()));
    assert_eq!(records[0].open_statement(Some(&key)).unwrap(), open_of(author().id()));
}

#[test]
fn a_page_of_another_run_is_refused() {
    let (_, here) = started(Seal::Plain);
    let elsewhere = RunId([0x77; 16]);
    let (mut writer, _) =
        RunWriter::open(&author(), elsewhere, &open_of(author().id()), clock(), Seal::Plain).unwrap();
    let there = writer.append(&author(), &note(), &[], Seal::Plain).unwrap();
    let mut verifier = RunVerifier::new(None);
    verifier.push(&page_of(std::slice::from_ref(&here))).unwrap();
    let wrong = Error::WrongRun { expected: RUN, found: elsewhere, seq: 1 };
    assert_eq!(verifier.push(&page_of(std::slice::from_ref(&there))), Err(wrong.clone()));
    let mut page = page_of(&[there]);
    page.run = RUN;
    page.prev = here.leaf;
    assert_eq!(verifier.push(&page), Err(wrong));
}

#[test]
fn a_signature_is_for_one_author_run_place_and_leaf() {
    let (_, record) = started(Seal::Plain);
    let me = author().id();
    verify_record_sig(me, RUN, 0, record.leaf, &record.sig).unwrap();
    let bad = |seq| Err(Error::BadSignature { run: RUN, seq });
    assert_eq!(verify_record_sig(stranger().id(), RUN, 0, record.leaf, &record.sig), bad(0));
    assert_eq!(verify_record_sig(me, RUN, 1, record.leaf, &record.sig), bad(1));
    assert_eq!(verify_record_sig(me, RUN, 0, Leaf::NONE, &record.sig), bad(0));
    assert!(verify_record_sig(me, RunId([0; 16]), 0, record.leaf, &record.sig).is_err());
}

#[test]
fn the_public_key_of_small_order_signs_nothing() {
    let identity = AuthorId(std::array::from_fn(|i| u8::from(i == 0)));
    let mut sig = [0; 64];
    sig[0] = 1;
    let refused = Err(Error::BadSignature { run: RUN, seq: 0 });
    assert_eq!(verify_record_sig(identity, RUN, 0, Leaf::NONE, &sig), refused);
}

#[test]
fn a_sealed_body_opens_with_its_group_key_and_in_its_own_place_only() {
    let key = group_key();
    let (mut writer, _) = started(Seal::Plain);
    let kills = [KeyId([5; 16])];
    let signed = writer.append(&author(), &note(), &kills, sealed(&key, 1)).unwrap();
    let record = Record::parse(&signed.bytes).unwrap();
    assert_eq!(record.header.kills, kills, "readable without a key");
    assert_eq!(record.open_body(Some(&key)).unwrap(), note());
    let closed = Error::CannotOpen { run: RUN, seq: 1, group: GROUP, epoch: 3 };
    assert_eq!(record.open_body(None), Err(closed.clone()));
    assert_eq!(record.open_body(Some(&GroupKey::from_bytes([9; 32]))), Err(closed));

    let parts = Value::decode(&signed.bytes).unwrap();
    let (header, content) = (&parts.as_array().unwrap()[0], &parts.as_array().unwrap()[1]);
    for (place, other) in
        [(2, Value::Int(2)), (3, Value::bytes([8; 32])), (5, Value::Int(4)), (6, Value::Array(vec![]))]
    {
        let mut header = header.as_array().unwrap().to_vec();
        header[place] = other;
        let moved = Value::Array(vec![Value::Array(header), content.clone()]).encode().unwrap();
        let opened = Record::parse(&moved).unwrap().open_body(Some(&key));
        assert!(matches!(opened, Err(Error::CannotOpen { .. })), "header part {place}");
    }
}

#[test]
fn a_header_says_truly_whether_the_body_is_sealed() {
    let (_, plain) = started(Seal::Plain);
    let change = |place: usize, value: Value| {
        let parts = Value::decode(&plain.bytes).unwrap().as_array().unwrap().to_vec();
        let mut header = parts[0].as_array().unwrap().to_vec();
        header[place] = value;
        Record::parse(&Value::Array(vec![Value::Array(header), parts[1].clone()]).encode().unwrap())
    };
    assert!(change(4, Value::Null).is_ok(), "unchanged");
    assert!(matches!(change(4, Value::bytes(GROUP.0)), Err(Error::Malformed { .. })), "sealed, they say");
    assert!(matches!(change(5, Value::Int(1)), Err(Error::Malformed { .. })), "plain has no epoch");
    assert!(matches!(change(0, Value::Int(2)), Err(Error::Malformed { .. })), "another version");
    assert!(matches!(change(2, Value::Int(-1)), Err(Error::Malformed { .. })), "before the beginning");
}

#[test]
fn a_personal_part_opens_with_that_persons_key_only() {
    let value = Value::text("玄関 花子");
    let id = KeyId([6; 16]);
    let personal = Personal::seal(&person_key(), id, [1; 24], &value).unwrap();
    assert!(personal.open(&person_key()).unwrap() == value);
    let closed = Err(Error::CannotOpenPersonal { key: id });
    assert_eq!(personal.open(&PersonKey::from_bytes([0; 32])), closed);

    let (mut writer, first) = started(Seal::Plain);
    let enrolled = Body { personal: Some(personal), ..note() };
    let record = writer.append(&author(), &enrolled, &[], Seal::Plain).unwrap();
    let read = RunVerifier::new(None).push(&page_of(&[first, record])).unwrap();
    assert_eq!(read[1].open_body(None).unwrap(), enrolled);
}

#[test]
fn a_personal_part_with_any_bit_changed_stays_closed() {
    let personal = Personal::seal(&person_key(), KeyId([6; 16]), [1; 24], &Value::Int(1)).unwrap();
    let (mut writer, _) = started(Seal::Plain);
    let signed =
        writer.append(&author(), &Body { personal: Some(personal), ..note() }, &[], Seal::Plain).unwrap();
    let parts = Value::decode(&signed.bytes).unwrap();
    let (header, content) = (&parts.as_array().unwrap()[0], &parts.as_array().unwrap()[1]);
    let open = |part: usize, bit: Option<usize>| {
        let mut personal = content.get("personal").unwrap().as_array().unwrap().to_vec();
        let mut bytes = personal[part].as_bytes().unwrap().to_vec();
        bit.into_iter().for_each(|bit| bytes[bit / 8] ^= 1 << (bit % 8));
        let bits = bytes.len() * 8;
        personal[part] = Value::Bytes(bytes);
        let Value::Map(mut entries) = content.clone() else { panic!("a body is a map") };
        entries.retain(|(name, _)| name.as_text() != Some("personal"));
        entries.push((Value::text("personal"), Value::Array(personal)));
        let bytes = Value::Array(vec![header.clone(), Value::Map(entries)]).encode().unwrap();
        let body = Record::parse(&bytes).unwrap().open_body(None).unwrap();
        (body.personal.unwrap().open(&person_key()), bits)
    };
    for part in [1, 2] {
        let (unchanged, bits) = open(part, None);
        assert!(unchanged.is_ok());
        for bit in 0..bits {
            assert!(
                matches!(open(part, Some(bit)).0, Err(Error::CannotOpenPersonal { .. })),
                "part {part} bit {bit}"
            );
        }
    }
}

#[test]
fn debug_shows_no_name_no_content_and_no_key() {
    let personal = Personal::seal(&person_key(), KeyId([6; 16]), [1; 24], &Value::text("Hanako")).unwrap();
    let body = Body { personal: Some(personal.clone()), ..body("Note", &[("name", Value::text("Hanako"))]) };
    let (mut writer, _) = started(Seal::Plain);
    let signed = writer.append(&author(), &body, &[], Seal::Plain).unwrap();
    let record = Record::parse(&signed.bytes).unwrap();
    let page = page_of(std::slice::from_ref(&signed));
    let shown = format!(
        "{body:?} {personal:?} {writer:?} {signed:?} {record:?} {page:?} {:?} {:?} {:?}",
        author(),
        group_key(),
        person_key()
    );
    assert!(!shown.contains("Hanako"), "{shown}");
    for secret in [AUTHOR_SECRET, GROUP_SECRET, PERSON_SECRET] {
        assert!(
            !shown.contains(&hex(&secret[..4])) && !shown.contains(&format!("{0}, {0}", secret[0])),
            "{shown}"
        );
    }
}
