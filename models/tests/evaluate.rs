//! The `evaluate` program on a small protocol made of the demo's photographs.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;
use std::process::{Command, Output};

use common::fetched;

const PAIRS: &str = "2\t1\nAda\t1\t2\nAda\t1\tCleo\t1\nBob\t1\t2\nBob\t2\tDora\t1\n";

/// Lays the photographs out as LFW does.
fn protocol(root: &Path) {
    for (person, number, photograph) in [
        ("Ada", 1, "person-a-1.jpg"),
        ("Ada", 2, "person-a-2.jpg"),
        ("Bob", 1, "person-b-1.jpg"),
        ("Bob", 2, "person-b-2.jpg"),
        ("Cleo", 1, "stranger-1.jpg"),
        ("Dora", 1, "stranger-2.png"),
    ] {
        std::fs::create_dir_all(root.join(person)).unwrap();
        let target = root.join(person).join(format!("{person}_{number:04}.jpg"));
        std::fs::copy(fetched("photos").join(photograph), target).unwrap();
    }
    std::fs::write(root.join("pairs.txt"), PAIRS).unwrap();
}

fn evaluate(root: &Path) -> Output {
    fetched("models");
    let mut command = Command::new(env!("CARGO_BIN_EXE_evaluate"));
    command.arg("--images").arg(root).arg("--pairs").arg(root.join("pairs.txt")).arg("--json");
    command.output().unwrap()
}

fn message(output: &Output) -> String {
    assert!(!output.status.success());
    assert!(output.stdout.is_empty(), "a failure prints no result");
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn the_protocol_runs_to_one_json_object() {
    let root = tempfile::tempdir().unwrap();
    protocol(root.path());
    let output = evaluate(root.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["accuracy"], 1.0);
    assert_eq!((&report["images"], &report["misses"]), (&6.into(), &0.into()));
    assert_eq!((&report["genuine"], &report["impostor"]), (&2.into(), &2.into()));
    assert_eq!(report["all_against_all"]["genuine"], 2);
    assert_eq!(report["all_against_all"]["impostor"], 13);
    assert!(report["all_against_all"]["tmr"][0]["threshold"].is_null(), "13 impostors say nothing of 1e-3");
}

#[test]
fn a_picture_without_a_face_is_counted_listed_and_an_error() {
    let root = tempfile::tempdir().unwrap();
    protocol(root.path());
    let wall = image::RgbImage::from_pixel(120, 120, image::Rgb([120, 120, 120]));
    wall.save(root.path().join("Dora/Dora_0001.jpg")).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&evaluate(root.path()).stdout).unwrap();
    assert_eq!((&report["misses"], &report["missed"][0]), (&1.into(), &"Dora/Dora_0001.jpg".into()));
    assert_eq!(report["accuracy"], 0.75);
}

#[test]
fn a_missing_picture_and_a_malformed_line_are_named() {
    let root = tempfile::tempdir().unwrap();
    protocol(root.path());
    std::fs::remove_file(root.path().join("Cleo/Cleo_0001.jpg")).unwrap();
    assert!(message(&evaluate(root.path())).contains("Cleo_0001.jpg"));
    std::fs::write(root.path().join("pairs.txt"), PAIRS.replace("Bob\t1\t2", "Bob\t1")).unwrap();
    let text = message(&evaluate(root.path()));
    assert!(text.contains("pairs.txt") && text.contains("line 4"), "{text}");
}
