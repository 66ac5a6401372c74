//! Bad input gets a message that names the thing and the remedy, and nothing is lost.

#![allow(missing_docs, clippy::unwrap_used)]

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use image::{ImageReader, RgbImage, imageops};
use tests::{Site, path_text, photo};

/// Enrolling from this picture must fail with every one of these words.
fn refused(site: &Site, picture: &Path, words: &[&str]) {
    let said = site.fails(&["enrol", "--name", "見本", "--photo", path_text(picture)]);
    for word in words {
        assert!(said.contains(word), "{word:?} is missing in: {said}");
    }
    assert!(!said.contains("見本"), "the name is in the message: {said}");
    assert!(site.succeeds(&["gallery", "list"]).is_empty(), "somebody was enrolled");
}

#[test]
fn a_picture_that_is_none_or_shows_nobody_or_too_many_is_refused_by_name() {
    let site = Site::initialised();
    let picture = |name: &str| site.path(name);
    refused(&site, &picture("absent.jpg"), &["absent.jpg"]);
    fs::write(picture("text.jpg"), "not a picture").unwrap();
    refused(&site, &picture("text.jpg"), &["text.jpg"]);
    let whole = fs::read(photo("person-a-1.jpg")).unwrap();
    fs::write(picture("cut.jpg"), &whole[..whole.len() / 3]).unwrap();
    refused(&site, &picture("cut.jpg"), &["cut.jpg"]);
    RgbImage::from_pixel(640, 480, image::Rgb([120, 120, 120])).save(picture("empty.png")).unwrap();
    refused(&site, &picture("empty.png"), &["empty.png", "no face"]);
    crowd().save(picture("crowd.png")).unwrap();
    refused(&site, &picture("crowd.png"), &["crowd.png", "20 faces"]);
    RgbImage::new(10_000, 5_000).save(picture("huge.png")).unwrap();
    refused(&site, &picture("huge.png"), &["huge.png", "megapixel"]);
}

/// The same face twenty times.
fn crowd() -> RgbImage {
    let face = ImageReader::open(photo("person-a-2.jpg")).unwrap().decode().unwrap().to_rgb8();
    let face = imageops::resize(&face, 220, 200, imageops::FilterType::Triangle);
    let mut crowd = RgbImage::new(1_100, 800);
    for place in 0..20u32 {
        imageops::replace(&mut crowd, &face, i64::from(place % 5) * 220, i64::from(place / 5) * 200);
    }
    crowd
}

#[test]
fn damaged_weights_are_refused_by_name_and_the_remedy_is_named() {
    let site = Site::initialised();
    let (from, to) = (photo(".").join("../models"), site.path("models"));
    fs::create_dir_all(&to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
    let (sface, picture) = (to.join("face_recognition_sface_2021dec.onnx"), photo("person-a-1.jpg"));
    let whole = fs::read(&sface).unwrap();
    let compare = ["compare", path_text(&picture), path_text(&picture), "--models", path_text(&to)];
    fs::write(&sface, &whole[..whole.len() / 2]).unwrap();
    let said = site.fails(&compare);
    assert!(said.contains("sface") && said.contains("cargo xtask models"), "{said}");
    fs::remove_file(&sface).unwrap();
    let said = site.fails(&compare);
    assert!(said.contains("sface") && said.contains("cargo xtask models"), "{said}");
}

#[test]
fn a_board_with_a_typo_or_a_wrong_device_is_refused_by_name() {
    let site = Site::initialised();
    let sim = "[strike]\nkind = \"sim\"\npulse_ms = 500\non_power_loss = \"fail-secure\"\n";
    let board = site.board(&[&photo("person-a-2.jpg")], &sim.replace("pulse_ms", "puls_ms"));
    let said = site.fails(&["run", "--headless", "--board", path_text(&board)]);
    assert!(said.contains("puls_ms") && said.contains("board.toml"), "{said}");
    let strike = sim.replace("\"sim\"", "\"lcus-1\"\ndevice = \"/dev/ttyNOWHERE7\"\nchannel = 1");
    let board = site.board(&[&photo("person-a-2.jpg")], &strike);
    let said = site.fails(&["run", "--headless", "--board", path_text(&board)]);
    assert!(said.contains("/dev/ttyNOWHERE7") && said.contains("found instead"), "{said}");
    let said = site.fails(&["run", "--headless", "--board", path_text(&site.path("nowhere.toml"))]);
    assert!(said.contains("nowhere.toml"), "{said}");
}

#[test]
fn a_vault_with_a_missing_part_a_wrong_key_or_damage_is_refused_and_untouched() {
    let site = Site::initialised();
    site.enrol("見本", &photo("person-a-1.jpg"));
    let (key, vault) = (site.data().join("vault.key"), site.data().join("genkan.db"));
    let (right, before) = (fs::read(&key).unwrap(), fs::read(&vault).unwrap());

    fs::remove_file(&key).unwrap();
    assert!(site.fails(&["gallery", "list"]).contains("vault.key"));
    assert!(site.fails(&["init"]).contains("is there already"), "init overwrites nothing");
    let mut wrong = right.clone();
    wrong[0] ^= 1;
    fs::write(&key, wrong).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(site.fails(&["gallery", "list"]).contains("not the key"));
    assert_eq!(fs::read(&vault).unwrap(), before, "a refusal changed the vault");
    fs::write(&key, right).unwrap();

    let mut damaged = before.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(&vault, &damaged).unwrap();
    assert!(site.fails(&["audit", "verify"]).contains("damaged"));
    assert_eq!(fs::read(&vault).unwrap(), damaged, "a refusal changed the vault");
    fs::write(&vault, &before).unwrap();
    assert_eq!(site.succeeds(&["gallery", "list"]).len(), 1, "nothing was lost");
}
