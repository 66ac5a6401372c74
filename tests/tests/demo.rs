//! The demonstration, as anybody would run it.

#![allow(missing_docs, clippy::unwrap_used)]

use std::{collections::HashSet, fs};

use tests::{Site, lines, path_text, text};

#[test]
fn the_demonstration_grants_the_right_person_and_keeps_everybody_else_outside() {
    let site = Site::new();
    let out = site.path("demo");
    let demo = site.kiosk(&["demo", "--headless", "--out", path_text(&out)]).output().unwrap();
    assert!(demo.status.success(), "{}", text(&demo.stderr));
    let visits = lines(&demo.stdout);
    let outcomes: Vec<_> = visits.iter().map(|visit| visit["outcome"].as_str().unwrap()).collect();
    let faces = ["granted", "no-match", "low-quality", "ambiguous", "revoked"];
    assert_eq!(outcomes[..5], faces);
    assert_eq!(outcomes[5..], ["granted", "claim-not-confirmed", "not-turned"]);
    assert_eq!(visits[5]["name"], "見本 花子", "by her card, whom two enrolments resemble");
    assert_eq!(visits[0]["name"], "見本 太郎");
    let mut pictures = HashSet::new();
    for visit in &visits {
        let granted = visit["outcome"] == "granted";
        assert_eq!(visit["pulse_ms"].is_u64(), granted, "only grants have pulses: {visit}");
        if granted {
            assert!(visit["score"].as_f64() >= visit["threshold"].as_f64(), "{visit}");
        }
        let picture = fs::read(visit["screenshot"].as_str().unwrap()).unwrap();
        assert!(pictures.insert(picture), "two outcomes look the same: {visit}");
    }
    let log = lines(&fs::read(out.join("log/log.jsonl")).unwrap());
    for visit in &visits {
        let audit = &visit["audit"];
        let found = log.iter().find(|line| line["run"] == audit["run"] && line["seq"] == audit["seq"]);
        assert_eq!(found.unwrap()["kind"], "Decision", "{visit}");
    }
    let (pages, head) = (out.join("log/log.pages"), out.join("log/head.cbor"));
    site.succeeds(&["audit", "verify", "--log", path_text(&pages), "--head", path_text(&head)]);
    let whole = fs::read(&pages).unwrap();
    for place in (0..whole.len()).step_by(whole.len() / 23) {
        let mut flipped = whole.clone();
        flipped[place] ^= 0x10;
        fs::write(&pages, &flipped).unwrap();
        let said = site.fails(&["audit", "verify", "--log", path_text(&pages), "--head", path_text(&head)]);
        assert!(!said.is_empty());
    }
}
