//! Golden vectors: every form of the ledger, byte by byte, from fixed keys, names, nonces and clocks.
//!
//! The files in `vectors/` were written once and are only compared since. A change of one byte in them is a new version of
//! the format: replicas in the field hold these bytes under hashes and signatures for years. `GENKAN_WRITE_VECTORS=1`
//! writes the files that are missing and never touches one that is there.
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use ledger::*;
use std::{collections::BTreeMap, fs, path::PathBuf};

const SEALED_RUN: RunId = RunId([0x11; 16]);
const PERSON_KEY_ID: KeyId = KeyId([0x31; 16]);
const KILLED: [KeyId; 2] = [KeyId([0x32; 16]), KeyId([0x33; 16])];

type Lines = Vec<(String, String)>;

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

/// Compares one file with what the code writes today.
fn compare(name: &str, about: &str, lines: Lines) {
    let path = directory().join(name);
    let mut text = format!(
        "# {about}\n# One changed byte is a new version of the format: never edit, never write anew.\n"
    );
    for (label, content) in lines {
        text += &format!("{label} {content}\n");
    }
    if std::env::var_os("GENKAN_WRITE_VECTORS").is_some() && !path.exists() {
        fs::create_dir_all(directory()).unwrap();
        fs::write(&path, &text).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(kept == text, "{name}: the bytes of the format have changed\nkept:\n{kept}\nnow:\n{text}");
}

/// The bytes of one file by label.
fn load(name: &str) -> BTreeMap<String, Vec<u8>> {
    let text = fs::read_to_string(directory().join(name)).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.split_once(' ').unwrap())
        .map(|(label, hex)| (label.to_owned(), unhex(hex)))
        .collect()
}

fn line(label: &str, bytes: &[u8]) -> (String, String) {
    (label.to_owned(), hex(bytes))
}

fn record_lines(record: &SignedRecord) -> Lines {
    vec![line("record", &record.bytes), line("leaf", &record.leaf.0), line("sig", &record.sig)]
}

fn full_open(author: AuthorId) -> Open {
    let prior = Prior { run: RunId([0x12; 16]), length: 1_000, root: Root([0x70; 32]) };
    Open { why: Why::Adopt, priors: vec![prior], ..open_of(author) }
}

fn person() -> Value {
    Value::Map(vec![
        (Value::text("name"), Value::text("玄関 花子")),
        (Value::text("template"), Value::Bytes((0..128).collect())),
    ])
}

fn with_personal() -> Body {
    let fields = [("enrolee", Value::bytes([0x71; 16])), ("assurance", Value::text("photo-matched"))];
    let personal = Personal::seal(&person_key(), PERSON_KEY_ID, [0x61; 24], &person()).unwrap();
    Body { personal: Some(personal), ..body("Enrolled", &fields) }
}

/// A run in the clear: Open, a body with a personal part, a record that kills keys.
fn plain_run() -> (Vec<SignedRecord>, Prior) {
    let author = author();
    let (mut writer, open) =
        RunWriter::open(&author, RUN, &full_open(author.id()), clock(), Seal::Plain).unwrap();
    let personal = writer.append(&author, &with_personal(), &[], Seal::Plain).unwrap();
    let no_date = Clock { wall_ms: None, ..clock() };
    let withdrawn = Body { clock: no_date, ..body("Withdrawn", &[("enrolee", Value::bytes([0x71; 16]))]) };
    let kills = writer.append(&author, &withdrawn, &KILLED, Seal::Plain).unwrap();
    (vec![open, personal, kills], writer.prior())
}

/// The same run, sealed to the group.
fn sealed_run() -> (Vec<SignedRecord>, Prior) {
    let (author, key) = (author(), group_key());
    let open = full_open(author.id());
    let (mut writer, open) = RunWriter::open(&author, SEALED_RUN, &open, clock(), sealed(&key, 0)).unwrap();
    let personal = writer.append(&author, &with_personal(), &[], sealed(&key, 1)).unwrap();
    let withdrawn = body("Withdrawn", &[("enrolee", Value::bytes([0x71; 16]))]);
    let kills = writer.append(&author, &withdrawn, &KILLED, sealed(&key, 2)).unwrap();
    (vec![open, personal, kills], writer.prior())
}

fn page(records: &[SignedRecord]) -> Vec<u8> {
    let pages = paginate(records);
    assert_eq!(pages.len(), 1);
    pages[0].encode().unwrap()
}

#[test]
fn the_keys_and_names_of_the_vectors_are_these() {
    let lines = vec![
        line("author-secret", &AUTHOR_SECRET),
        line("author", &author().id().0),
        line("group", &GROUP.0),
        line("group-secret", &GROUP_SECRET),
        line("person-key-id", &PERSON_KEY_ID.0),
        line("person-secret", &PERSON_SECRET),
    ];
    compare("inputs.hex", "The keys under which the other vectors were written.", lines);
}

#[test]
fn a_value_of_every_kind_keeps_its_bytes() {
    let value = Value::Map(vec![
        (Value::text("text"), Value::text("é玄")),
        (Value::text("a"), Value::Array(vec![Value::Null, Value::Bool(true), Value::Bool(false)])),
        (
            Value::Int(-1),
            Value::Array([0, 23, 24, 255, 256, 65_536, i64::MAX, i64::MIN].map(Value::Int).to_vec()),
        ),
        (Value::bytes([1, 2]), Value::Map(vec![])),
    ]);
    compare("value.hex", "A value of every kind.", vec![line("value", &value.encode().unwrap())]);
}

#[test]
fn the_records_of_a_plain_run_keep_their_bytes() {
    let (records, prior) = plain_run();
    compare("open-plain.hex", "Seq 0 in the clear: Open.", record_lines(&records[0]));
    compare("body-personal.hex", "Seq 1 in the clear, with a personal part.", record_lines(&records[1]));
    compare(
        "kills.hex",
        "Seq 2 in the clear, without a date, destroying two keys.",
        record_lines(&records[2]),
    );
    let lines = vec![line("page", &page(&records)), line("root", &prior.root.0)];
    compare("page-plain.hex", "The page of these three records, and the root of the run.", lines);
}

#[test]
fn the_records_of_a_sealed_run_keep_their_bytes() {
    let (records, prior) = sealed_run();
    compare("open-sealed.hex", "Seq 0 sealed to the group: Open.", record_lines(&records[0]));
    compare(
        "body-sealed.hex",
        "Seq 1 sealed to the group, with a personal part inside.",
        record_lines(&records[1]),
    );
    compare(
        "kills-sealed.hex",
        "Seq 2 sealed to the group, destroying two keys in the clear.",
        record_lines(&records[2]),
    );
    let lines = vec![line("page", &page(&records)), line("root", &prior.root.0)];
    compare("page-sealed.hex", "The page of these three records, and the root of the run.", lines);
}

#[test]
fn a_head_and_a_checkpoint_keep_their_bytes() {
    let (author, at) = (author(), plain_run().1);
    let cursor = |feed: &str, byte| Cursor {
        feed: feed.to_owned(),
        at: Prior { run: RunId([byte; 16]), length: 9, root: Root([byte; 32]) },
    };
    let cursors = vec![cursor("facility/urgent", 0x73), cursor("control", 0x74)];
    let head =
        Head { device: author.id(), runs: vec![sealed_run().1, at], cursors, epoch: 3, nonce: [0x62; 16] };
    let signed = SignedHead::sign(&author, head).unwrap();
    compare("head.hex", "A signed head.", vec![line("head", &signed.encode().unwrap())]);
    let note = Checkpoint { tenant: "example-city".into(), author: author.id(), at }.sign(&author).unwrap();
    compare(
        "checkpoint.hex",
        "A checkpoint note, its UTF-8 in hexadecimal.",
        vec![line("note", note.as_bytes())],
    );
}

#[test]
fn the_roots_of_zero_to_nine_leaves_keep_their_bytes() {
    let leaves: Vec<Leaf> = (0..9u8).map(|i| leaf_of(&[i])).collect();
    let roots = (0..=9).map(|n| line(&n.to_string(), &root_of(&leaves[..n]).0)).collect();
    compare("roots.hex", "Roots over the records 00, 01, .. (one byte each), by their number.", roots);
}

#[test]
fn what_the_vectors_hold_is_read_back_verified_and_opened() {
    for (name, run, prior) in
        [("page-plain.hex", RUN, plain_run().1), ("page-sealed.hex", SEALED_RUN, sealed_run().1)]
    {
        let bytes = &load(name)["page"];
        let mut verifier = RunVerifier::new(Some(author().id()));
        let records = verifier.push(&Page::decode(bytes).unwrap()).unwrap();
        assert_eq!(verifier.prior(), Some(prior));
        let key = group_key();
        assert_eq!(records[0].open_statement(Some(&key)).unwrap(), full_open(author().id()));
        assert_eq!(records[2].header.kills, KILLED);
        assert_eq!(records[2].id(), RecordId { run, seq: 2 });
        let body = records[1].open_body(Some(&key)).unwrap();
        assert_eq!(body.get("assurance"), Some(&Value::text("photo-matched")));
        assert_eq!(body.clock, clock());
        let personal = body.personal.unwrap();
        assert_eq!(personal.key_id(), PERSON_KEY_ID);
        assert!(personal.open(&person_key()).unwrap() == person());
    }
    let head = SignedHead::decode(&load("head.hex")["head"]).unwrap();
    head.verify(author().id()).unwrap();
    assert_eq!(head.head.runs, [plain_run().1, sealed_run().1]);
    let note = String::from_utf8(load("checkpoint.hex")["note"].clone()).unwrap();
    assert_eq!(Checkpoint::verify(&note, author().id()).unwrap().at, plain_run().1);
}
