//! Who is enrolled, by whom, and who comes back.

#![allow(missing_docs, clippy::unwrap_used)]

use tests::{Site, path_text, photo};

/// The outcome that the rules of the door give for a photograph, and the person it names.
fn judged(site: &Site, picture: &str) -> (String, Option<String>) {
    let found = &site.succeeds(&["identify", "--photo", path_text(&photo(picture))])[0];
    (found["outcome"].as_str().unwrap().to_owned(), found["person"].as_str().map(ToOwned::to_owned))
}

#[test]
fn a_revoked_person_is_enrolled_again_only_by_a_decision_of_the_staff() {
    let site = Site::initialised();
    let first = site.enrol("見本 太郎", &photo("person-a-1.jpg"));
    assert_eq!(judged(&site, "person-a-2.jpg"), ("granted".into(), Some(first.clone())));
    site.succeeds(&["gallery", "revoke", &first, "--reason", "moved away"]);
    assert_eq!(judged(&site, "person-a-2.jpg"), ("revoked".into(), Some(first.clone())));
    let again = photo("person-a-2.jpg");
    let again = ["enrol", "--name", "見本 太郎", "--photo", path_text(&again)];
    let said = site.fails(&again);
    assert!(said.contains(&format!("--reinstate {first}")), "{said}");
    let second = site.succeeds(&[&again[..], &["--reinstate", &first]].concat())[0]["person"].clone();
    assert_eq!(judged(&site, "person-a-1.jpg"), ("granted".into(), second.as_str().map(Into::into)));
    assert!(site.fails(&["gallery", "revoke", &first]).contains("revoked"), "an end is an end");
    site.succeeds(&["audit", "verify"]);
}

#[test]
fn photographs_of_two_people_do_not_become_one_enrolment() {
    let site = Site::initialised();
    let (one, other) = (photo("person-a-1.jpg"), photo("person-b-1.jpg"));
    let said = site.fails(&["enrol", "--name", "見本", "--photo", path_text(&one), path_text(&other)]);
    assert!(said.contains("person-a-1.jpg") && said.contains("person-b-1.jpg"), "{said}");
    assert!(site.succeeds(&["gallery", "list"]).is_empty());
    let same = photo("person-a-2.jpg");
    site.succeeds(&["enrol", "--name", "見本", "--photo", path_text(&one), path_text(&same)]);
    assert_eq!(site.succeeds(&["gallery", "list"])[0]["references"], 2);
}

#[test]
fn the_same_face_under_two_names_is_pointed_out_and_asked_for_another_factor() {
    let site = Site::initialised();
    let first = site.enrol("見本 花子", &photo("person-b-1.jpg"));
    let picture = photo("person-b-1.jpg");
    let twin = &site.succeeds(&["enrol", "--name", "見本 双葉", "--photo", path_text(&picture)])[0];
    assert_eq!(twin["alike"][0]["person"], first.as_str());
    assert_eq!(judged(&site, "person-b-2.jpg"), ("ambiguous".into(), None));
    assert_eq!(judged(&site, "person-a-1.jpg"), ("no-match".into(), None));
}

#[test]
fn a_head_that_was_kept_elsewhere_shows_that_an_older_copy_was_put_back() {
    let site = Site::initialised();
    site.enrol("見本 太郎", &photo("person-a-1.jpg"));
    let (data, older) = (site.data(), site.path("older"));
    copy(&data, &older);
    site.enrol("見本 花子", &photo("person-b-1.jpg"));
    let out = site.path("export");
    site.succeeds(&["audit", "export", "--out", path_text(&out)]);
    let head = out.join("head.cbor");
    site.succeeds(&["audit", "verify", "--head", path_text(&head)]);
    std::fs::remove_dir_all(&data).unwrap();
    copy(&older, &data);
    let report = &site.succeeds(&["audit", "verify"])[0];
    assert!(
        !report["cannot_prove"].as_array().unwrap().is_empty(),
        "without an outside head it says what it cannot prove"
    );
    let found = site.run(&["audit", "verify", "--head", path_text(&head)]);
    assert!(!found.status.success());
    let report = &tests::lines(&found.stdout)[0];
    assert_eq!((&report["sound"], report["findings"].as_array().unwrap().is_empty()), (&false.into(), false));
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir_all(to).unwrap();
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o700)).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
