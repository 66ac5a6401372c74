//! Signed codes at a real kiosk: issued by a registry, held to its reader and before its camera.

#![allow(missing_docs, clippy::unwrap_used)]

use std::{path::Path, process::Command};

use image::{GrayImage, Luma};
use qrcode::{Color, EcLevel, QrCode};
use serde_json::Value;
use tests::{RelayLine, Site, path_text, photo, registry, wait_until};

const SUBJECT: &str = "a1a2a3a4a5a6a7a8";

/// Nobody comes by the face alone here, so whatever opens is opened by the code; and the machine that plays this may have a
/// clock that nobody synchronised, which makes every list old.
const FACILITY: &str = "[face_alone]\nsimulated = \"needs-claim\"\n[codes]\nold_denylist_counts = true\n";

/// A registry with a key of its own.
struct Registry<'a> {
    site: &'a Site,
    name: &'static str,
}

impl<'a> Registry<'a> {
    fn new(site: &'a Site, name: &'static str) -> Self {
        let registry = Self { site, name };
        registry.succeeds(&["init", "--tenant", "見本市"]);
        registry.succeeds(&["credential", "issuer", "add", "--name", "見本市"]);
        registry
    }

    fn succeeds(&self, arguments: &[&str]) -> String {
        let directory = self.site.path(self.name);
        let output =
            Command::new(registry()).arg("--directory").arg(directory).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", tests::text(&output.stderr));
        tests::text(&output.stdout).trim_end().to_owned()
    }

    fn issue(&self, arguments: &[&str]) -> String {
        let start = ["credential", "issue", "--subject", SUBJECT];
        self.succeeds(&[&start[..], arguments].concat())
    }

    /// The kiosk believes it from now on, whether one runs or not.
    fn trusted(&self) {
        let control = self.site.path("control.bin");
        self.succeeds(&["control", "export", "--out", path_text(&control)]);
        let voucher = self.site.path(self.name).join("voucher.txt");
        let arguments =
            ["registry", "trust", "--voucher", path_text(&voucher), "--control", path_text(&control)];
        let told = self.site.succeeds(&arguments);
        assert_eq!(told[0]["issuers"], 1, "{told:?}");
    }
}

fn facility(site: &Site) {
    let file = site.path("facility.toml");
    std::fs::write(&file, FACILITY).unwrap();
    site.succeeds(&["facility", "set", path_text(&file)]);
}

/// The decisions of the log with this outcome.
fn decided(site: &Site, outcome: &str) -> Vec<Value> {
    site.log().into_iter().filter(|line| line["fields"]["outcome"] == outcome).collect()
}

fn refusals(site: &Site) -> Vec<String> {
    let refused = decided(site, "credential-refused");
    refused.iter().map(|line| line["fields"]["refusal"].as_str().unwrap_or_default().to_owned()).collect()
}

/// The code as a telephone shows it, in the middle of a picture of 640 x 480 pixels.
fn draw(text: &str, path: &Path) {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).unwrap();
    let (modules, module) = (code.width(), 5);
    let (left, top) = ((640 - modules * module) / 2, (480 - modules * module) / 2);
    let colours = code.to_colors();
    let picture = GrayImage::from_fn(640, 480, |x, y| {
        let place = |at: u32, first: usize| (at as usize).checked_sub(first).map(|at| at / module);
        let at = place(x, left).zip(place(y, top)).filter(|&(x, y)| x < modules && y < modules);
        Luma([if at.is_some_and(|(x, y)| colours[y * modules + x] == Color::Dark) { 25 } else { 235 }])
    });
    picture.save(path).unwrap();
}

#[test]
fn a_code_and_its_owners_face_open_once_and_the_same_code_never_again() {
    let (site, line) = (Site::initialised(), RelayLine::new());
    facility(&site);
    let owner = site.enrol("見本 花子", &photo("person-b-1.jpg"));
    site.succeeds(&["credential", "bind", "--person", &owner, "--kind", "qr", "--hex", SUBJECT]);
    let (ours, foreign) = (Registry::new(&site, "ours"), Registry::new(&site, "foreign"));
    let played = site.played();
    let kiosk = site.start(&played.board(&["person-b-2.jpg"], 100_000, "", &line.strike(200)));
    let code = |registry: &Registry<'_>| registry.issue(&["--kind", "member", "--bind", &owner]);

    wait_until("the kiosk has seen somebody", || !decided(&site, "second-factor-required").is_empty());
    played.code(&code(&ours));
    wait_until("a code of a registry that nobody believes is refused", || {
        refusals(&site) == ["unknown-issuer"]
    });
    ours.trusted();
    let good = code(&ours);
    played.code(&good);
    line.wait_for(true);
    line.wait_for(false);
    played.code(&good);
    wait_until("the code is refused as used", || refusals(&site).len() == 2);
    played.code(&code(&foreign));
    wait_until("a stranger's code is refused", || refusals(&site).len() == 3);
    assert!(kiosk.stop());

    assert_eq!(refusals(&site), ["unknown-issuer", "replayed", "unknown-issuer"]);
    let granted = decided(&site, "granted");
    assert_eq!((granted.len(), &granted[0]["fields"]["person"]), (1, &owner.as_str().into()));
    let log: String = site.log().iter().map(Value::to_string).collect();
    assert!(!log.contains(&good) && !log.contains(SUBJECT), "a code is in the readable log");
    site.succeeds(&["audit", "verify"]);
}

#[test]
fn a_wristband_before_the_camera_and_then_its_owners_face_open() {
    let (site, line) = (Site::initialised(), RelayLine::new());
    facility(&site);
    let owner = site.enrol("見本 花子", &photo("person-b-1.jpg"));
    site.succeeds(&["credential", "bind", "--person", &owner, "--kind", "qr", "--hex", SUBJECT]);
    let ours = Registry::new(&site, "ours");
    ours.trusted();
    let played = site.played();
    let board = played.board(&["person-b-2.jpg"], 30, "", &line.strike(200));
    draw(&ours.issue(&["--kind", "shelter"]), &site.path("camera/000-code.png"));
    let kiosk = site.start(&board);
    line.wait_for(true);
    line.wait_for(false);
    assert!(kiosk.stop());
    let granted = decided(&site, "granted");
    assert_eq!(granted[0]["fields"]["person"], owner.as_str());
    assert_eq!(granted[0]["fields"]["way"], "qr");
}
