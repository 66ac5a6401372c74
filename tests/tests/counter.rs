//! A Saturday at a counter: faces, cards and visitors by hand are one count, and nothing is released.

#![allow(missing_docs, clippy::unwrap_used)]

use std::{io::Write as _, process::Stdio};

use serde_json::Value;
use tests::{Site, path_text, photo, wait_until};

const FACILITY: &str = r#"
[[fee]]
id = "resident"
yen = 0
ja = "市内在住　無料"
easy = "0円《えん》"
en = "City resident, free"
resident = true

[[fee]]
id = "other"
yen = 500
ja = "500円"
easy = "500円《えん》"
en = "500 yen"
"#;

const PIN: &str = "7391";

impl Counter {
    fn new() -> Self {
        let site = Site::initialised();
        let facility = site.path("facility.toml");
        std::fs::write(&facility, FACILITY).unwrap();
        site.succeeds(&["facility", "set", path_text(&facility)]);
        let mut counter = Self { site, staff: String::new() };
        let added = counter.with_pin(&["staff", "add", "--name", "係員", "--role", "reception"]);
        counter.staff = added[0]["staff"].as_str().unwrap().to_owned();
        counter
    }

    /// A command that reads the PIN from its standard input.
    fn with_pin(&self, arguments: &[&str]) -> Vec<Value> {
        let mut command = self.site.kiosk(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(PIN.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        tests::lines(&output.stdout)
    }

    /// Enters so many visitors of each class by hand.
    fn enter(&self, fees: &[&str]) {
        let arguments = [&["visit", "enter", "--staff", &self.staff, "--fee"], fees].concat();
        self.with_pin(&arguments);
    }

    fn report(&self) -> Value {
        self.site.succeeds(&["report"])[0]["total"].clone()
    }
}

struct Counter {
    site: Site,
    staff: String,
}

/// A household of two who live in the city; `photo` is the representative's.
fn family(site: &Site, photo: &std::path::Path) -> String {
    let file = site.path("family.toml");
    let text = format!(
        "[[member]]\nname = \"見本 花子\"\nrepresentative = true\nphotos = [\"{}\"]\n\
         [member.registered]\nresident = true\nborn = \"1986-07-07\"\nconfirmed = \"2026-11-01\"\n\n\
         [[member]]\nname = \"見本 つぼみ\"\n[member.registered]\nresident = true\nborn = \"2026-07-07\"\n\
         confirmed = \"2026-11-01\"\n",
        photo.display()
    );
    std::fs::write(&file, text).unwrap();
    let enrolled = site.succeeds(&["household", "add", "--file", path_text(&file)]);
    enrolled[0]["people"][0].as_str().unwrap().to_owned()
}

#[test]
fn faces_cards_and_entries_by_hand_are_one_count_while_a_kiosk_runs_and_while_none_does() {
    let counter = Counter::new();
    let site = &counter.site;
    let mother = family(site, &photo("person-b-1.jpg"));
    let lone = site.enrol("見本 太郎", &photo("person-a-1.jpg"));
    site.succeeds(&["credential", "bind", "--person", &lone, "--hex", "0a0b"]);
    counter.enter(&["resident=3", "other=4"]);

    let played = site.played();
    let kiosk = site.start(&played.board(&["person-b-2.jpg"], 100_000, "", ""));
    wait_until("the family of two is counted", || counter.report()["visitors"] == 9);
    counter.enter(&["other=2"]);
    assert!(kiosk.stop());

    let kiosk = site.start(&played.board(&["stranger-1.jpg"], 100_000, "", ""));
    played.card("0a0b");
    wait_until("the lent card is refused", || counter.report()["refused"].as_u64() > Some(0));
    assert!(kiosk.stop());
    let kiosk = site.start(&played.board(&["person-a-2.jpg"], 100_000, "", ""));
    wait_until("the owner is counted", || counter.report()["visitors"] == 12);
    assert!(kiosk.stop());

    let report = counter.report();
    assert_eq!(report["by_fee"]["resident"], 5, "{report}");
    assert_eq!(report["by_fee"]["other"], 7, "six by hand, and one of whom nothing is known: {report}");
    assert_eq!(report["stale"], 0, "{report}");
    assert_eq!(report["manual"], 9, "{report}");
    assert!(site.log().iter().all(|line| line["kind"] != "Released"), "a counter released a door");
    let log = site.log();
    let mine = log.iter().find(|line| line["fields"]["person"] == mother.as_str()).unwrap();
    assert!(!mine.to_string().contains("見本"), "a name is in the readable log");
    site.succeeds(&["audit", "verify"]);
}

#[test]
fn a_wrong_pin_counts_nobody_and_the_pause_outlasts_a_restart() {
    let counter = Counter::new();
    let wrong = || {
        let arguments = ["visit", "enter", "--staff", &counter.staff, "--fee", "other"];
        let mut child =
            counter.site.kiosk(&arguments).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"4826").unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(!output.status.success());
        let said = tests::text(&output.stderr);
        assert!(!said.contains("4826"), "a PIN was printed");
        said
    };
    let said: Vec<String> = (0..8).map(|_| wrong()).collect();
    assert!(said[0].contains("wrong"), "{said:?}");
    assert!(
        said[7].contains("again in"),
        "each try was a process of its own, and still they were counted: {said:?}"
    );
    assert_eq!(counter.report()["visitors"], 0);
}
