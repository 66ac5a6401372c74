//! Our codes read by an independent implementation of COSE, and its codes read by us: `cwt` of PyPI, which `cargo xtask
//! setup` installs in assets/fetched/python from requirements.txt; peer.py is its side.
//!
//! A few hundred of each by default; `GENKAN_PEER_CODES=10000` for as many as were promised.
#![allow(clippy::unwrap_used)]

mod common;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::*;
use credentials::*;

const DEFAULT_CODES: usize = 300;

fn codes() -> usize {
    std::env::var("GENKAN_PEER_CODES").map_or(DEFAULT_CODES, |count| count.parse().unwrap())
}

fn peer() -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = std::env::var_os("GENKAN_PEER_PYTHON")
        .map_or_else(|| root.join("../assets/fetched/python/bin/python"), PathBuf::from);
    assert!(python.exists(), "{}: run `cargo xtask setup` first", python.display());
    let mut command = Command::new(python);
    command.arg(root.join("tests/peer.py"));
    command
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// The bytes with one bit changed, another place for each number.
fn flipped(bytes: &[u8], number: usize) -> Vec<u8> {
    let bit = number.wrapping_mul(0x9E37_79B1) % (bytes.len() * 8);
    let mut bytes = bytes.to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}

fn numbered(number: usize) -> Claims {
    let number = (number as u64).to_be_bytes();
    let full = number[7].is_multiple_of(2);
    Claims {
        cti: Cti::new(&number).unwrap(),
        subject: Subject::new(&number).unwrap(),
        zones: full.then_some(7),
        binding: full.then_some([number[7]; 32]),
        holder: full.then(|| holder().public()),
        ..claims()
    }
}

#[test]
fn another_implementation_reads_our_codes_and_none_that_lost_a_bit() {
    let keys = [ed25519(), p256()];
    let mut lines = String::new();
    for number in 0..codes() {
        let (key, claims) = (&keys[number % 2], numbered(number));
        let good = cose_bytes(&issue(key, &claims)).unwrap();
        let (public, bad) = (hex(&key.public().to_bytes()), flipped(&good, number));
        let subject = hex(claims.subject.expose());
        let kid = key.public().kid();
        lines.push_str(&format!("{public} {kid} {} {} {subject}\n", hex(&good), hex(&bad)));
    }
    let mut child =
        peer().arg("verify").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python starts");
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let answers = String::from_utf8(output.stdout).unwrap();
    assert_eq!(answers.lines().count(), codes());
    for (number, answer) in answers.lines().enumerate() {
        assert_eq!(answer, "1 0", "code {number}");
    }
}

#[test]
fn we_read_the_codes_of_another_implementation_and_none_that_lost_a_bit() {
    let secrets = [ed25519(), p256()].map(|key| {
        let algorithm = key.public().algorithm().number();
        format!("{algorithm}:{}:{}", key.public().kid(), hex(&*key.to_bytes()))
    });
    let arguments =
        ["issue".to_owned(), codes().to_string(), ISSUER.to_owned(), SITE.to_owned(), NOW.to_string()];
    let output = peer().args(arguments).args(secrets).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    assert_eq!(lines.lines().count(), codes());
    let trust = trust();
    let ask = |bytes: &[u8]| {
        let text = format!("FG1:{}", base45::encode(bytes));
        verify(&text, &trust, &UsedCodes::default(), &PLACE, &moment(NOW))
    };
    for (number, line) in lines.lines().enumerate() {
        let (subject, cose) = line.split_once(' ').unwrap();
        let cose = unhex(cose);
        let verified = ask(&cose).unwrap();
        assert_eq!(verified.subject.expose(), unhex(subject), "code {number}");
        assert!(ask(&flipped(&cose, number)).is_err(), "code {number} without a bit");
    }
}
