//! `kiosk card`, as people start it, at the real pcscd with emulated cards, and OpenSC as a judge of the certificate that it
//! read. At the end all that it ever said is searched for what nobody may find there.
//!
//! It runs the program that the workspace has just built, in namespaces of its own: see [`virtual_reader`].

#![allow(clippy::unwrap_used)]

mod virtual_reader;

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

use emulator::{Emulator, Mishap, Plan, certificates, keys::sha256};
use serde_json::{Value, json};
use virtual_reader::{Laid, READER, Service, alone, check, emptied, noticed, works};

/// The whole program, at most.
const WHOLE_SECONDS: &str = "900";

/// One command, at most: waiting for a card, talking with it, loading networks on a busy machine.
const COMMAND_SECONDS: &str = "120";

/// Typed at the kiosk, and looked for in all that it says. No digest here has them by chance.
const PIN: &str = "7391";
const WRONG: &str = "9048";
const CODE: &str = "03062820364826";
const WRONG_CODE: &str = "03062820365519";
const NAME: &str = "秘密　花代";
const ADDRESS: &str = "北海道稚内市宗谷岬";

/// An authority's files; a tries' file that a plan may have.
const TRUSTED: &str = "/run/trusted";
const TRUSTED_PEM: &str = "/run/trusted-pem";

/// All that the program said, to be searched.
static SAID: Mutex<String> = Mutex::new(String::new());

fn main() {
    alone("program", WHOLE_SECONDS, inside);
}

fn inside() {
    let authority = certificates::pair(&plan("good"), "auth").authority.der;
    for folder in [TRUSTED, TRUSTED_PEM, "/run/empty"] {
        fs::create_dir_all(folder).unwrap();
    }
    fs::write(format!("{TRUSTED}/ca.der"), &authority).unwrap();
    works("openssl", &["x509", "-in", "/run/trusted/ca.der", "-out", "/run/trusted-pem/ca.pem"]);

    check("without pcscd it says what to do", no_service);
    let _service = Service::start();
    check("without a card, or a reader, it says so in good time", nothing_there);
    check("a card is read, and OpenSC reads the same certificate", reads_as_opensc);
    check("what cannot be trusted is told with its name", not_trusted);
    check("a front code tells which attributes are there, and not what they say", attributes);
    check("the PIN proves, costs tries, and is not sent at the last", authenticates);
    check("what was typed amiss costs no try", typed_amiss);
    check("a face is compared with the photograph on the card", compares);
    check("cards that misbehave are refused, each with its name", misbehaving);
    check("other cards are recognised", others);
    check("nothing of a person and no secret was said", nothing_was_said);
}

fn plan(scenario: &str) -> Plan {
    Plan {
        pin: PIN.into(),
        front_code: CODE.into(),
        name: NAME.into(),
        address: ADDRESS.into(),
        birth: "19910628".into(),
        expiry: "20360628".into(),
        ..Plan::scenario(scenario).unwrap()
    }
}

fn laid(plan: Plan) -> Laid {
    emptied();
    Laid::new(plan, false)
}

/// The program, built with this one.
fn kiosk() -> PathBuf {
    let own = env::current_exe().unwrap();
    let kiosk = own.parent().and_then(Path::parent).unwrap().join("kiosk");
    assert!(kiosk.exists(), "{}: `cargo build -p kiosk` makes it", kiosk.display());
    kiosk
}

/// What came of one command: its exit status, and its one line of JSON.
#[derive(Debug)]
struct Ended {
    fine: bool,
    told: Value,
}

impl Ended {
    #[track_caller]
    fn refused(&self, name: &str) {
        assert!(!self.fine && self.told["refused"] == name, "{name}: {self:?}");
        assert!(self.told["why"].as_str().is_some_and(|it| it.len() > 20), "{self:?}");
    }

    #[track_caller]
    fn good(&self) {
        assert!(self.fine && self.told["refused"].is_null(), "{self:?}");
    }
}

fn run(arguments: &[&str], typed: &str) -> Ended {
    let mut child = Command::new("timeout")
        .arg(COMMAND_SECONDS)
        .arg(kiosk())
        .arg("card")
        .args(arguments)
        .arg("--json")
        .env("RUST_LOG", "trace")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that refuses before it reads has closed the pipe.
    let _ = child.stdin.take().unwrap().write_all(format!("{typed}\n").as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    said.push_str(&out);
    said.push_str(&err);
    assert_ne!(output.status.code(), Some(124), "{arguments:?} did not end in {COMMAND_SECONDS} s");
    let told = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{arguments:?}: {out} {err}"));
    let fine = output.status.success();
    assert!(fine || err.contains("kiosk: "), "a refusal is told to people as well: {err}");
    Ended { fine, told }
}

fn read(more: &[&str]) -> Ended {
    run(&[&["read", "--reader", READER], more].concat(), "")
}

fn front(typed: &str) -> Ended {
    run(&["read", "--reader", READER, "--authorities", TRUSTED, "--front-code-from-stdin"], typed)
}

fn authenticate(typed: &str) -> Ended {
    run(&["authenticate", "--reader", READER, "--authorities", TRUSTED, "--pin-from-stdin"], typed)
}

fn no_service() {
    read(&[]).refused("reader-service-down");
}

fn nothing_there() {
    emptied();
    read(&["--wait-s", "1"]).refused("no-card");
    run(&["read", "--reader", "RC-S300"], "").refused("reader-not-there");
    run(&["read", "--reader", "Virtual"], "").refused("reader-not-clear");
}

fn reads_as_opensc() {
    let _laid = laid(plan("good"));
    let ended = read(&["--authorities", TRUSTED]);
    ended.good();
    let told = &ended.told;
    assert_eq!(
        (&told["card"], &told["chain"], &told["validity"], &told["revocation"], &told["pin_tries"]),
        (&json!("mynumber"), &json!("trusted"), &json!("valid"), &json!("not-checked"), &json!(3))
    );
    noticed();
    works("pkcs15-tool", &["--read-certificate", "1", "--output", "/run/read.pem"]);
    works("openssl", &["x509", "-in", "/run/read.pem", "-outform", "DER", "-out", "/run/read.der"]);
    let judged: String =
        sha256(&fs::read("/run/read.der").unwrap()).iter().map(|it| format!("{it:02x}")).collect();
    assert_eq!(told["certificate_sha256"], json!(judged));
    let pem = read(&["--authorities", TRUSTED_PEM]);
    pem.good();
    assert_eq!(pem.told["chain"], "trusted");
    let board =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../boards/boards/sim.toml")).unwrap();
    let pcsc = format!("[[readers]]\nkind = \"pcsc\"\nname = \"{READER}\"\nauthorities = \"{TRUSTED}\"\n");
    fs::write("/run/board.toml", format!("{board}\n{pcsc}")).unwrap();
    let configured = read(&["--board", "/run/board.toml"]);
    configured.good();
    assert_eq!(configured.told["chain"], "trusted", "the board file names whom to trust");
    let nobody = read(&[]);
    nobody.good();
    assert_eq!(
        (&nobody.told["chain"], &nobody.told["certificate_sha256"]),
        (&json!("not-checked"), &json!(judged))
    );
}

fn not_trusted() {
    for (scenario, name, chain) in [
        ("foreign-ca", "foreign-authority", "foreign-authority"),
        ("jpki-test", "foreign-authority", "foreign-authority"),
        ("expired", "certificate-expired", "trusted"),
    ] {
        let card = laid(plan(scenario));
        let ended = read(&["--authorities", TRUSTED]);
        ended.refused(name);
        assert_eq!(ended.told["chain"], chain, "{scenario}");
        assert!(ended.told["certificate_sha256"].is_string(), "it is told which one");
        authenticate(PIN).refused(name);
        assert_eq!(card.card.lock().unwrap().secrets(), 0, "{scenario}: such a card never hears the PIN");
    }
    read(&["--authorities", "/run/empty"]).refused("authorities-unusable");
    run(&["authenticate", "--reader", READER, "--pin-from-stdin"], PIN).refused("no-authorities");
}

fn attributes() {
    let card = laid(plan("good"));
    let ended = front(CODE);
    ended.good();
    assert_eq!(ended.told["attributes"]["present"], json!(["name", "address", "birth", "sex"]));
    assert_eq!(ended.told["face"]["present"], json!(["photo", "birth", "sex", "expiry"]));
    assert_eq!(ended.told["face"]["chip_challenge"], "signed-by-the-chip");
    assert_eq!(ended.told["face"]["issuer"], "unknown", "no issuer's key is known, which is said");
    front(WRONG_CODE).refused("front-code-wrong");
    let shown = run(&["read", "--reader", READER, "--front-code-from-stdin", "--show"], CODE);
    shown.refused("no-terminal");
    drop(card);
    for (scenario, name) in [
        ("wrong-face-signature", "face-altered"),
        ("corrupt-photo", "face-altered"),
        ("huge-photo", "photo-too-large"),
        ("wrong-text-digest", "attributes-altered"),
        ("broken-tlv", "broken-record"),
    ] {
        let _laid = laid(plan(scenario));
        front(CODE).refused(name);
    }
}

fn authenticates() {
    let card = laid(plan("good"));
    let ended = authenticate(PIN);
    ended.good();
    assert_eq!(
        (&ended.told["authenticated"], &ended.told["revocation"], &ended.told["pin_tries"]),
        (&json!(true), &json!("not-checked"), &json!(3))
    );
    for left in [2, 1] {
        let ended = authenticate(WRONG);
        ended.refused("pin-wrong");
        assert_eq!((&ended.told["authenticated"], &ended.told["pin_tries"]), (&json!(false), &json!(left)));
    }
    for typed in [WRONG, PIN] {
        let ended = authenticate(typed);
        ended.refused("pin-last-try");
        assert_eq!(ended.told["pin_tries"], 1);
    }
    let counted = |card: &Emulator| (card.secrets(), card.last_tries());
    assert_eq!(counted(&card.card.lock().unwrap()), (3, 0));
    drop(card);
    fs::write("/run/blocked", "jpki 0018 0\n").unwrap();
    emptied();
    let card = Laid::card(Emulator::with_tries(plan("good"), "/run/blocked".into()).unwrap(), false);
    let ended = authenticate(PIN);
    ended.refused("pin-blocked");
    assert_eq!(ended.told["pin_tries"], 0);
    assert_eq!(read(&["--authorities", TRUSTED]).told["pin_tries"], 0);
    drop(card);
    let _laid = laid(plan("pinless"));
    authenticate(PIN).refused("no-pin");
}

fn typed_amiss() {
    let card = laid(plan("good"));
    authenticate("739").refused("not-so-many-digits");
    authenticate("").refused("nothing-typed");
    authenticate("1234 5678 9018").refused("individual-number");
    front("123456789018").refused("individual-number");
    front("03132820364826").refused("no-such-day");
    let secrets = card.card.lock().unwrap().secrets();
    assert_eq!(secrets, 0);
    let output =
        Command::new(kiosk()).args(["card", "authenticate", "--reader", READER, "--pin", "x"]).output();
    assert!(!output.unwrap().status.success(), "a PIN is no argument");
}

/// The grey JP2 of a photograph, by another author's coder (OpenCV's, which is OpenJPEG).
fn jpeg2000(photo: &str) -> Vec<u8> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/fetched/python/bin/python");
    let python = env::var_os("GENKAN_TEST_PYTHON").map_or(python, PathBuf::from);
    let script = "import sys, cv2\n\
        grey = cv2.imread(sys.argv[1], cv2.IMREAD_GRAYSCALE)\n\
        high = 400\n\
        grey = cv2.resize(grey, (grey.shape[1] * high // grey.shape[0], high), interpolation=cv2.INTER_AREA)\n\
        cv2.imwrite(sys.argv[2], grey, [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 120])\n";
    let status = Command::new(&python).args(["-c", script, photo, "/run/photo.jp2"]).status();
    assert!(status.is_ok_and(|it| it.success()), "{}: `cargo xtask test` makes it", python.display());
    fs::read("/run/photo.jp2").unwrap()
}

fn photo(name: &str) -> String {
    let photo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/fetched/photos").join(name);
    assert!(photo.exists(), "{}: `cargo xtask models` fetches it", photo.display());
    photo.to_str().unwrap().into()
}

fn compares() {
    let compare = |name: &str, typed| {
        run(&["compare", "--reader", READER, "--front-code-from-stdin", "--photo", &photo(name)], typed)
    };
    let picture = jpeg2000(&photo("person-a-2.jpg"));
    println!("the photograph on the card has {} bytes", picture.len());
    let card = laid(Plan { photo: picture, ..plan("good") });
    let same = compare("person-a-1.jpg", CODE);
    println!("same person: score {}, threshold {}", same.told["score"], same.told["threshold"]);
    same.good();
    assert_eq!((&same.told["matched"], &same.told["issuer"]), (&json!(true), &json!("unknown")));
    assert_eq!(
        (&same.told["record_signature"], &same.told["chip_challenge"]),
        (&json!("valid"), &json!("signed-by-the-chip"))
    );
    assert!(
        same.told["score"].as_f64() >= same.told["threshold"].as_f64() && same.told["threshold"].is_f64()
    );
    let other = compare("person-b-1.jpg", CODE);
    println!("another person: score {}", other.told["score"]);
    other.refused("no-match");
    assert!(
        other.told["matched"] == false && other.told["score"].as_f64() < other.told["threshold"].as_f64()
    );
    let secrets = card.card.lock().unwrap().secrets();
    run(&["compare", "--reader", READER, "--front-code-from-stdin", "--photo", "/run/photo.jp2"], CODE)
        .refused("photo-unusable");
    assert_eq!(card.card.lock().unwrap().secrets(), secrets, "a photograph that is none costs no try");
    compare("person-a-1.jpg", WRONG_CODE).refused("front-code-wrong");
    drop(card);
    for (scenario, name) in [
        ("good", "card-photo-unusable"), // an oval on a gradient
        ("wrong-face-signature", "face-altered"),
        ("huge-photo", "photo-too-large"),
    ] {
        let _laid = laid(plan(scenario));
        let ended = compare("person-a-1.jpg", CODE);
        ended.refused(name);
        assert!(ended.told["matched"] == false && ended.told["score"].is_null());
    }
}

fn misbehaving() {
    for (scenario, name) in [("slow", "timed-out"), ("unknown-error", "unexpected-answer")] {
        let _laid = laid(plan(scenario));
        let ended = authenticate(PIN);
        // Identifying the card takes the first read, and forgives an answer that names no kind.
        if scenario == "slow" { ended.refused(name) } else { ended.good() }
    }
    for at in [1, 2, 3, 5, 6] {
        let _laid = laid(Plan { mishap: Mishap::RemovedAtRead(at), ..plan("good") });
        authenticate(PIN).refused("removed");
    }
    for at in [8, 12] {
        let _laid = laid(Plan { mishap: Mishap::RemovedAtRead(at), ..plan("good") });
        front(CODE).refused("removed");
    }
    let _laid = laid(plan("replaced"));
    authenticate(PIN).refused("removed");
}

fn others() {
    for (scenario, kind) in [
        ("felica", "felica"),
        ("mifare", "type-a"),
        ("licence", "drivers-licence"),
        ("residence", "residence"),
        ("phone", "telephone"),
    ] {
        let _laid = laid(plan(scenario));
        let ended = read(&["--authorities", TRUSTED]);
        ended.good();
        assert_eq!((&ended.told["card"], &ended.told["certificate_sha256"]), (&json!(kind), &Value::Null));
        if kind == "telephone" {
            authenticate(PIN).good();
        } else {
            authenticate(PIN).refused("not-a-mynumber-card");
            front(CODE).refused("not-a-mynumber-card");
        }
    }
}

fn nothing_was_said() {
    let said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    let (family, given) = NAME.split_once('\u{3000}').unwrap();
    let secrets = [PIN, WRONG, CODE, WRONG_CODE, family, given, ADDRESS, "19910628", "1991-06-28"];
    for secret in secrets.into_iter().chain(["1234 5678 9018", "123456789018", "03132820364826"]) {
        assert!(!said.contains(secret), "{secret} was said");
    }
    let hexadecimal: String = PIN.bytes().map(|it| format!("{it:02x}")).collect();
    let apdu = format!("0020008004{hexadecimal}");
    assert!(
        !said.to_lowercase().replace([' ', ','], "").contains(&apdu),
        "the command with the PIN was said"
    );
    assert!(said.len() > 5_000, "there was something to search");
    println!("searched {} bytes", said.len());
}
