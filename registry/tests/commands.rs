//! The registry's commands, and what a kiosk makes of what they write.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use credentials::{
    Control, Moment, OldDenylist, Place, Refusal, UsedCodes, Verified, Voucher, cose_bytes, read_control,
    verify,
};
use gate::{Monotonic, Now, Wall};

const SUBJECT: &str = "0102030405060708";

/// What it printed, or none if it refused.
fn registry(directory: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_registry"));
    let output = command.arg("--directory").arg(directory).args(arguments).output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim_end().to_owned())
}

fn export(directory: &Path) -> Control {
    let out = directory.join("control.bin");
    registry(directory, &["control", "export", "--out", out.to_str().unwrap()]).unwrap();
    let voucher = Voucher::read(&fs::read_to_string(directory.join("voucher.txt")).unwrap()).unwrap();
    let mut control = Control::new(voucher.registry);
    for page in read_control(&fs::read(out).unwrap()).unwrap() {
        control.push(page).unwrap();
    }
    assert!(control.missing().is_empty() && control.quarantine().is_empty());
    assert_eq!(control.tips().len(), 1);
    control
}

fn ask(control: &Control, text: &str) -> Result<Verified, Refusal> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let wall = Some(Wall { unix_ms: since.as_millis() as i64, uncertainty_s: 1 });
    let now = Now { mono: Monotonic::from_micros(9_000_000_000), wall };
    let moment = Moment { now, started: Monotonic::default(), signed: None, nonce: None };
    let place = Place { site: "見本体育館", zone: 0, old_denylist: OldDenylist::Closed, shelter: false };
    verify(text, control.trust(), &UsedCodes::default(), &place, &moment)
}

fn issue(directory: &Path, more: &[&str]) -> Option<String> {
    let start = ["credential", "issue", "--kind", "member", "--subject", SUBJECT, "--site", "見本体育館"];
    registry(directory, &[&start[..], more].concat())
}

#[test]
fn a_code_counts_from_its_issuers_key_to_its_denial() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("registry");
    registry(&directory, &["init", "--tenant", "見本市"]).unwrap();
    assert_eq!(registry(&directory, &["init", "--tenant", "見本市"]), None);
    assert_eq!(issue(&directory, &[]), None);
    let old = registry(&directory, &["credential", "issuer", "add", "--name", "見本市"]).unwrap();
    let first = issue(&directory, &[]).unwrap();
    let add = ["credential", "issuer", "add", "--name", "見本市", "--algorithm", "es256"];
    let new = registry(&directory, &add).unwrap();
    let second = issue(&directory, &[]).unwrap();
    let control = export(&directory);
    assert_eq!(ask(&control, &first).unwrap().kid.to_string(), old);
    assert_eq!(ask(&control, &second).unwrap().kid.to_string(), new);

    registry(&directory, &["credential", "issuer", "revoke", "--kid", &old]).unwrap();
    assert_eq!(issue(&directory, &["--kid", &old]), None);
    let control = export(&directory);
    assert_eq!(ask(&control, &first), Err(Refusal::KeyRevoked));
    assert!(ask(&control, &second).is_ok());

    registry(&directory, &["credential", "deny", "--subject", SUBJECT]).unwrap();
    assert_eq!(ask(&export(&directory), &second), Err(Refusal::Denied));
}

#[test]
fn keys_are_for_their_owner_alone_and_one_that_is_not_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path();
    registry(directory, &["init", "--tenant", "見本市"]).unwrap();
    let kid = registry(directory, &["credential", "issuer", "add", "--name", "見本市"]).unwrap();
    for key in [directory.join("author.key"), directory.join(format!("issuers/{kid}.key"))] {
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(issue(directory, &[]), None);
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    }
    assert!(issue(directory, &[]).is_some());
}

#[test]
fn a_code_that_no_kiosk_would_take_is_not_issued() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path();
    registry(directory, &["init", "--tenant", "見本市"]).unwrap();
    registry(directory, &["credential", "issuer", "add", "--name", "見本市"]).unwrap();
    for wrong in [
        ["--valid-for", "301"],
        ["--valid-for", "0"],
        ["--zones", "63"],
        ["--bind", "me"],
        ["--kid", "00"],
        ["--holder-key", "/dev/null"],
    ] {
        assert_eq!(issue(directory, &wrong), None, "{wrong:?}");
    }
    let svg = directory.join("code.svg");
    let text = issue(directory, &["--valid-for", "300", "--svg", svg.to_str().unwrap()]).unwrap();
    assert!(cose_bytes(&text).is_some() && fs::read_to_string(svg).unwrap().contains("<svg"));
}
