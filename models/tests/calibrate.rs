//! The `calibrate` program: on made-up templates, which are nobody's faces, and on the demo's photographs, which are too few.
#![allow(clippy::unwrap_used)]

mod common;

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use common::fetched;
use models::Card;

const SFACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/cards/sface-2021dec.toml");

fn calibrate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_calibrate")).args(arguments).output().unwrap()
}

fn succeeds(arguments: &[&str]) -> Vec<u8> {
    let output = calibrate(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn fails(arguments: &[&str]) -> String {
    let output = calibrate(arguments);
    assert!(!output.status.success());
    assert!(output.stdout.is_empty(), "a failure prints no result");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("panicked"), "{said}");
    said
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Two templates for each of so many made-up people: 128 sums of uniform numbers, the second like the first.
fn templates(folder: &Path, people: u32) -> std::path::PathBuf {
    let mut seed = 7u32;
    let mut random = move || {
        let mut uniform = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(seed >> 8) / f64::from(1 << 24) - 0.5
        };
        uniform() + uniform() + uniform() + uniform()
    };
    let mut lines = String::new();
    for person in 0..people {
        let own: Vec<f64> = (0..128).map(|_| random()).collect();
        for _ in 0..2 {
            let template: Vec<f64> = own.iter().map(|own| own + 0.5 * random()).collect();
            writeln!(
                lines,
                "{}",
                serde_json::json!({ "person": format!("p{person}"), "template": template })
            )
            .unwrap();
        }
    }
    let path = folder.join("made-up.jsonl");
    std::fs::write(&path, lines).unwrap();
    path
}

#[test]
fn a_card_on_disk_gets_the_measured_tail_and_can_be_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let (file, card) = (templates(folder.path(), 250), folder.path().join("card.toml"));
    std::fs::copy(SFACE, &card).unwrap();
    let output =
        succeeds(&["--templates", text(&file), "--card", text(&card), "--resamples", "50", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&output).unwrap();
    assert_eq!((&report["people"], &report["pictures"]), (&250.into(), &500.into()));
    assert_eq!((&report["genuine"], &report["impostor"]), (&250.into(), &124_500.into()));
    let measured = Card::load(&card).unwrap().measured.comparison.unwrap();
    assert_eq!(measured.data_set, "made-up.jsonl");
    let tail = measured.tail.unwrap();
    assert_eq!(tail.intervals.len(), measured.points.len());
    assert!(tail.intervals.iter().all(|interval| interval.effective_matches >= 30.0));
    assert!(tail.remark.contains("rule of 30") && tail.remark.contains("rule of 3"), "{}", tail.remark);
    assert!(std::fs::read_dir(folder.path()).unwrap().count() == 2, "nothing is left beside the card");
}

#[test]
fn the_same_seed_prints_the_same_tables() {
    let folder = tempfile::tempdir().unwrap();
    let file = templates(folder.path(), 200);
    let print = |seed, threads| {
        let seeded = ["--templates", text(&file), "--resamples", "30", "--seed", seed, "--threads", threads];
        String::from_utf8(succeeds(&seeded)).unwrap()
    };
    let first = print("5", "1");
    assert!(first.contains("[measured.comparison.tail]\nmethod = \"variance-over-persons\""), "{first}");
    assert_eq!(print("5", "2"), first);
    assert_ne!(print("6", "1"), first);
}

#[test]
fn too_few_photographs_are_refused_and_those_left_out_are_named() {
    fetched("models");
    let root = tempfile::tempdir().unwrap();
    for (person, photograph) in [
        ("Ada", "person-a-1.jpg"),
        ("Ada", "person-a-2.jpg"),
        ("Bob", "person-b-1.jpg"),
        ("Cleo", "stranger-1.jpg"),
    ] {
        std::fs::create_dir_all(root.path().join(person)).unwrap();
        std::fs::copy(fetched("photos").join(photograph), root.path().join(person).join(photograph)).unwrap();
    }
    let wall = image::RgbImage::from_pixel(120, 120, image::Rgb([120, 120, 120]));
    wall.save(root.path().join("Cleo/wall.png")).unwrap();
    std::fs::write(root.path().join("Bob/notes.txt"), "no picture").unwrap();
    std::fs::create_dir(root.path().join("Dora")).unwrap();
    let said = fails(&["--images", text(root.path())]);
    for part in
        ["Cleo/wall.png: no face was found", "Bob/notes.txt: read photograph", "Dora: the folder is empty"]
    {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert!(said.contains("5 impostor comparisons of 3 people support no threshold"), "{said}");
}

#[test]
fn what_cannot_be_used_is_refused_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let (file, yunet) = (templates(folder.path(), 3), SFACE.replace("sface-2021dec", "yunet-2023mar"));
    let before = std::fs::read(&yunet).unwrap();
    assert!(fails(&["--templates", text(&file), "--card", &yunet]).contains("card of yunet-2023mar"));
    assert_eq!(std::fs::read(&yunet).unwrap(), before);
    assert!(fails(&["--templates", "/no such file"]).contains("/no such file"));
    assert!(fails(&["--images", text(&file)]).contains("made-up.jsonl"));
    std::fs::write(folder.path().join("loose.jpg"), "").unwrap();
    assert!(fails(&["--images", text(folder.path())]).contains("lies outside a person's folder"));
    assert!(fails(&[]).contains("--images"));
}
