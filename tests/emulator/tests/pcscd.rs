//! The real pcscd, with an emulated card on a virtual reader: our way to a card, and OpenSC as a judge of the emulator.
//!
//! It runs in namespaces of its own: see [`virtual_reader`].

#![allow(clippy::unwrap_used)]

mod virtual_reader;

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use boards::{PcscReader, ReaderError};
use card::{Transport, TransportError};
use emulator::{Application, Emulator, Plan};
use virtual_reader::{
    ADDRESS, Laid, READER, Service, UNREASONABLE, alone, check, emptied, noticed, tool, until, works,
};

/// The whole program, at most.
const WHOLE_SECONDS: &str = "300";

fn main() {
    alone("pcscd", WHOLE_SECONDS, inside);
}

fn inside() {
    check("without pcscd the reader says what to do", no_service);
    let mut service = Service::start();
    check("a reader of another name is answered with those that are there", another_name);
    check("a card is given once, and again when it was laid down again", given_once);
    check("a session is exclusive, and at its end nothing is presented any more", exclusive);
    check("a card that is pulled out in mid-session is said", pulled_out);
    check("a card that is replaced after its PIN does not sign", replaced);
    check("a card that does not answer is given up, and so is its reader", too_slow);
    check("OpenSC finds, reads and lists the card", opensc_reads);
    check("OpenSC signs, and openssl verifies", opensc_signs);
    check("OpenSC probes with all its drivers, and finds ours", opensc_probes);
    check("a wrong PIN costs one try, also after the card's program was started again", wrong_pin);
    check("the program lays a card down", program);
    let mut quick = 0.0;
    check("a command's time", || quick = milliseconds(false));
    let delayed = milliseconds(true);
    println!("a command takes {quick:.3} ms, and {delayed:.3} ms without TCP_QUICKACK");
    check("pcscd is killed and started again", || restart(&mut service));
}

fn opened() -> PcscReader {
    emptied();
    PcscReader::open("PCD 00 00").unwrap()
}

fn select(application: Application) -> Vec<u8> {
    [&[0x00, 0xA4, 0x04, 0x0C, 0x0A], application.identifier().as_slice()].concat()
}

fn file(id: u16) -> Vec<u8> {
    [&[0x00, 0xA4, 0x02, 0x0C, 0x02], id.to_be_bytes().as_slice()].concat()
}

const PIN: &[u8] = &[0x00, 0x20, 0x00, 0x80, 0x04, b'1', b'2', b'3', b'4'];
const READ: &[u8] = &[0x00, 0xB0, 0x00, 0x00, 0x00];
const FINE: &[u8] = &[0x90, 0x00];

fn send(card: &mut impl Transport, command: &[u8]) -> Vec<u8> {
    card.transmit(command).unwrap().to_vec()
}

fn no_service() {
    let error = PcscReader::open(READER).map(|_| ()).unwrap_err();
    assert!(matches!(error, ReaderError::Service { .. }) && error.to_string().contains("pcscd"), "{error}");
}

fn another_name() {
    let error = PcscReader::open("RC-S300").map(|_| ()).unwrap_err();
    assert!(matches!(error, ReaderError::NotThere { .. }) && error.to_string().contains(READER), "{error}");
    let error = PcscReader::open("Virtual").map(|_| ()).unwrap_err();
    assert!(matches!(error, ReaderError::Several { .. }), "two slots: {error}");
}

fn given_once() {
    let mut reader = opened();
    assert_eq!(reader.name(), READER);
    for _ in 0..2 {
        let laid = Laid::scenario("good");
        let card = reader.card(UNREASONABLE).unwrap().expect("a card was laid down");
        assert_eq!(card.answer_to_reset(), Plan::default().answer_to_reset);
        drop(card);
        assert!(reader.card(Duration::from_secs(2)).unwrap().is_none(), "the same card is not given again");
        drop(laid);
        emptied();
    }
}

fn exclusive() {
    let mut reader = opened();
    let laid = Laid::scenario("good");
    let mut card = reader.card(UNREASONABLE).unwrap().unwrap();
    assert_eq!(send(&mut card, &select(Application::Text)), FINE);
    assert_eq!(send(&mut card, &file(0x0011)), FINE);
    assert_eq!(send(&mut card, PIN), FINE);
    assert_eq!(send(&mut card, &file(0x0002)), FINE);
    assert!(send(&mut card, READ).ends_with(FINE));
    let mut other = PcscReader::open(READER).unwrap();
    let said = other.card(Duration::from_secs(1)).map(|_| ()).unwrap_err();
    assert!(matches!(said, ReaderError::Taken { .. }), "{said}");
    drop(card);
    // The other program comes at once: the power was taken before that, so it finds a card that knows nothing.
    let mut card = other.card(UNREASONABLE).unwrap().unwrap();
    assert_eq!(send(&mut card, READ), [0x69, 0x86], "no file is selected");
    assert_eq!(send(&mut card, &file(0x0002)), [0x6A, 0x82], "nor an application");
    drop(card);
    assert_eq!(laid.card.lock().unwrap().forbidden_reads(), 0);
}

fn pulled_out() {
    let mut reader = opened();
    for scenario in ["good", "removed"] {
        let laid = Laid::scenario(scenario);
        let mut card = reader.card(UNREASONABLE).unwrap().unwrap();
        send(&mut card, &select(Application::Jpki));
        send(&mut card, &file(0x000A));
        assert_eq!(send(&mut card, READ).len(), 258);
        let laid = (scenario == "removed").then_some(laid); // "good" is pulled out here
        let error = loop {
            if let Err(error) = card.transmit(READ) {
                break error;
            }
        };
        assert_eq!(error, TransportError::Removed, "{scenario}");
        assert_eq!(card.transmit(READ).unwrap_err(), error, "and the card stays finished with");
        drop((card, laid));
        emptied();
    }
}

fn replaced() {
    let mut reader = opened();
    let mut child = started("replaced");
    let mut card = reader.card(UNREASONABLE).unwrap().unwrap();
    send(&mut card, &select(Application::Jpki));
    send(&mut card, &file(0x0018));
    assert_eq!(send(&mut card, PIN), FINE);
    assert_eq!(card.transmit(&file(0x0017)).unwrap_err(), TransportError::Removed);
    drop(card);
    let mut card = reader.card(UNREASONABLE).unwrap().expect("the other card");
    send(&mut card, &select(Application::Jpki));
    send(&mut card, &file(0x0017));
    assert_eq!(send(&mut card, &[0x80, 0x2A, 0x00, 0x80, 0x01, 0x00, 0x00]), [0x69, 0x82]);
    drop(card);
    child.kill().unwrap();
    child.wait().unwrap();
}

fn too_slow() {
    let mut reader = opened();
    let laid = Laid::scenario("slow");
    let mut card = reader.card(UNREASONABLE).unwrap().unwrap();
    send(&mut card, &select(Application::Jpki));
    send(&mut card, &file(0x000A));
    assert_eq!(card.transmit(READ).unwrap_err(), TransportError::TimedOut);
    drop(card);
    let said = reader.card(Duration::ZERO).map(|_| ()).unwrap_err();
    assert!(matches!(said, ReaderError::Stuck { .. }), "{said}");
    drop(reader);
    // Once its thread is through, another one may have the card.
    let mut again = None;
    until("the reader can be used again", || {
        again = PcscReader::open(READER).ok();
        again.as_mut().is_some_and(|reader| matches!(reader.card(Duration::ZERO), Ok(Some(_))))
    });
    drop(laid);
}

fn opensc_reads() {
    emptied();
    let _laid = Laid::scenario("good");
    noticed();
    assert!(works("opensc-tool", &["--name"]).contains("jpki"));
    let dump = works("pkcs15-tool", &["--dump"]);
    let count = |what: &str| dump.lines().filter(|line| line.starts_with(what)).count();
    assert_eq!(
        (count("PIN ["), count("Private RSA Key ["), count("X.509 Certificate [")),
        (2, 2, 4),
        "{dump}"
    );
    assert!(dump.contains("JPKI"), "{dump}");
    for (id, name) in [("1", "/run/auth.pem"), ("3", "/run/ca.pem"), ("4", "/run/sign-ca.pem")] {
        works("pkcs15-tool", &["--read-certificate", id, "--output", name]);
    }
    assert!(works("openssl", &["verify", "-CAfile", "/run/ca.pem", "/run/auth.pem"]).contains("OK"));
    assert!(!tool("openssl", &["verify", "-CAfile", "/run/sign-ca.pem", "/run/auth.pem"]).1);
}

fn opensc_signs() {
    emptied();
    let _laid = Laid::scenario("good");
    noticed();
    fs::write("/run/message", "a challenge").unwrap();
    let public = works("openssl", &["x509", "-in", "/run/auth.pem", "-noout", "-pubkey"]);
    fs::write("/run/auth.pub", public).unwrap();
    let sign = |slot: &str, pin: &str, id: &str| {
        works(
            "pkcs11-tool",
            &[
                "--slot-index",
                slot,
                "-l",
                "--pin",
                pin,
                "--sign",
                "-m",
                "SHA256-RSA-PKCS",
                "--id",
                id,
                "--input-file",
                "/run/message",
                "--output-file",
                "/run/signature",
            ],
        )
    };
    let verify = |key: &str| {
        tool("openssl", &["dgst", "-sha256", "-verify", key, "-signature", "/run/signature", "/run/message"])
            .1
    };
    sign("0", "1234", "01");
    assert!(verify("/run/auth.pub"));
    sign("1", "ABC123", "02");
    assert!(!verify("/run/auth.pub"), "the other key");
    // OpenSC does not read this key's certificate: it is behind the password.
    fs::write("/run/sign.pub", emulator::keys::key(1, "sign").public_key_to_pem().unwrap()).unwrap();
    assert!(verify("/run/sign.pub"));
}

fn opensc_probes() {
    emptied();
    let _laid = Laid::scenario("good");
    noticed();
    fs::write("/run/all.conf", "app default { framework pkcs15 { use_file_caching = false; } }").unwrap();
    let output = Command::new("timeout")
        .args(["60", "opensc-tool", "--name"])
        .env("OPENSC_CONF", "/run/all.conf")
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("jpki"), "{output:?}");
}

fn wrong_pin() {
    let tries = PathBuf::from("/run/tries");
    let kept = || Emulator::with_tries(Plan::default(), tries.clone()).unwrap();
    for left in ["2", "1"] {
        emptied();
        let _laid = Laid::card(kept(), false);
        noticed();
        let (said, fine) =
            tool("pkcs11-tool", &["--slot-index", "0", "-l", "--pin", "9999", "--list-objects"]);
        assert!(!fine && said.contains("CKR_PIN_INCORRECT"), "{said}");
        let dump = works("pkcs15-tool", &["--list-pins"]);
        assert!(dump.contains(&format!("Tries left     : {left}")), "{dump}");
    }
}

fn program() {
    let mut reader = opened();
    let mut child = started("felica");
    let mut card = reader.card(UNREASONABLE).unwrap().expect("the program's card");
    let identifier = send(&mut card, &[0xFF, 0xCA, 0x00, 0x00, 0x00]);
    assert_eq!((identifier.len(), &identifier[8..]), (10, FINE));
    drop(card);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The program, as people start it.
fn started(scenario: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_emulator"))
        .args(["--reader", ADDRESS, "--scenario", scenario, "--tries", "/run/other-tries"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Of a command whose answer is 256 bytes long, in the middle of a session.
fn milliseconds(delayed: bool) -> f64 {
    let mut reader = opened();
    let laid = Laid::new(Plan::default(), delayed);
    let mut card = reader.card(UNREASONABLE).unwrap().unwrap();
    send(&mut card, &select(Application::Jpki));
    send(&mut card, &file(0x000A));
    let rounds = if delayed { 20 } else { 500 };
    let began = Instant::now();
    for _ in 0..rounds {
        assert_eq!(send(&mut card, READ).len(), 258);
    }
    let each = began.elapsed().as_secs_f64() * 1_000.0 / f64::from(rounds);
    drop((card, laid));
    each
}

fn restart(service: &mut Service) {
    let mut reader = opened();
    let laid = Laid::scenario("good");
    let mut card = reader.card(UNREASONABLE).unwrap().unwrap();
    send(&mut card, &select(Application::Jpki));
    service.0.kill().unwrap();
    service.0.wait().unwrap();
    assert_eq!(card.transmit(READ).unwrap_err(), TransportError::ReaderGone);
    drop((card, laid));
    let said = reader.card(Duration::from_secs(1)).map(|_| ()).unwrap_err();
    assert!(matches!(said, ReaderError::Service { .. }), "{said}");
    *service = Service::start();
    let laid = Laid::scenario("good");
    let mut reader = PcscReader::open(READER).unwrap();
    let mut card = reader.card(UNREASONABLE).unwrap().expect("the card after the restart");
    assert_eq!(send(&mut card, &select(Application::Jpki)), FINE);
    drop((card, laid));
}
