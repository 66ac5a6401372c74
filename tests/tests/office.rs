//! What the office of a facility asks of a kiosk, while one runs and while none does.

#![allow(missing_docs, clippy::unwrap_used)]

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::Value;
use tests::{Site, lines, path_text, photo, text, wait_until};

const STRIKE: &str =
    "[strike]\nkind = \"sim\"\npulse_ms = 200\non_power_loss = \"fail-secure\"\npulses = \"pulses.jsonl\"\n";

fn pulses(site: &Site) -> usize {
    fs::read_to_string(site.path("pulses.jsonl")).map_or(0, |text| text.lines().count())
}

fn outcomes(site: &Site) -> Vec<String> {
    let decided = |line: &Value| Some(line["fields"]["outcome"].as_str()?.to_owned());
    site.log().iter().filter_map(decided).collect()
}

fn rules(site: &Site, name: &str, text: &str) -> String {
    let file = site.path(name);
    fs::write(&file, text).unwrap();
    path_text(&file).to_owned()
}

fn judged(site: &Site, picture: &str) -> String {
    let found = &site.succeeds(&["identify", "--photo", path_text(&photo(picture))])[0];
    found["outcome"].as_str().unwrap().to_owned()
}

#[test]
fn rules_that_are_set_count_for_the_person_who_stands_at_the_door() {
    let site = Site::initialised();
    site.enrol("見本 太郎", &photo("person-a-1.jpg"));
    let passes_only = rules(&site, "passes.toml", "[admission]\nadmits = \"entitled\"\n");
    let everybody = rules(&site, "everybody.toml", "[admission]\nadmits = \"every-enrolee\"\n");
    site.succeeds(&["facility", "set", &passes_only]);
    let kiosk = site.start(&site.board(&[&photo("person-a-2.jpg")], STRIKE));
    wait_until("whoever has no pass is refused", || outcomes(&site).contains(&"not-admitted".into()));
    assert_eq!(pulses(&site), 0);

    let bad = rules(&site, "bad.toml", "[claim]\ntarget_fmr = 0.9\n");
    assert!(site.fails(&["facility", "set", &bad]).contains("claim.target_fmr"));
    assert!(site.succeeds(&["facility", "set", &everybody])[0]["record"].is_object());
    wait_until("the same person is let in", || pulses(&site) == 1);
    assert!(kiosk.stop());

    let shown = &site.succeeds(&["facility", "show"])[0];
    assert!(shown["text"].as_str().unwrap().contains("every-enrolee"));
    let changes = site.log().iter().filter(|line| line["kind"] == "Policy").count();
    assert_eq!(changes, 2, "each change of the rules is a record, a refused one is none");
    site.succeeds(&["audit", "verify"]);
}

#[test]
fn whoever_is_erased_is_a_stranger_to_the_running_kiosk_at_once() {
    let site = Site::initialised();
    let gone = site.enrol("見本 太郎", &photo("person-a-1.jpg"));
    let stays = site.enrol("見本 花子", &photo("person-b-1.jpg"));
    let kiosk = site.start(&site.board(&[&photo("stranger-1.jpg")], STRIKE));
    assert_eq!(judged(&site, "person-a-2.jpg"), "granted");

    let said = site.fails(&["person", "erase", &gone]);
    assert!(said.contains("--yes") && said.contains("バックアップ"), "{said}");
    assert_eq!(judged(&site, "person-a-2.jpg"), "granted", "nothing is erased without a yes");
    site.succeeds(&["person", "erase", &gone, "--yes"]);
    assert_eq!(judged(&site, "person-a-2.jpg"), "no-match");
    assert_eq!(judged(&site, "person-b-2.jpg"), "granted");
    let left = site.succeeds(&["person", "list"]);
    assert_eq!((left.len(), &left[0]["person"]), (1, &stays.as_str().into()));
    assert!(site.fails(&["person", "show", &gone, "--why", "test"]).contains("erased"));
    assert!(kiosk.stop());

    let out = site.path("export");
    site.succeeds(&["audit", "export", "--out", path_text(&out)]);
    let log = fs::read_to_string(out.join("log.jsonl")).unwrap();
    assert!(!log.contains("太郎"));
    assert_eq!(site.succeeds(&["audit", "verify"])[0]["sound"], true);
}

#[test]
fn an_export_is_for_its_owner_alone_and_lists_who_looked() {
    let site = Site::initialised();
    let person = site.enrol("見本 太郎", &photo("person-a-1.jpg"));
    site.succeeds(&["person", "show", &person, "--why", "電話での問い合わせ"]);
    let out = site.path("disclosure");
    let ask = ["person", "export", &person, "--why", "開示請求", "--out", path_text(&out)];
    let written = &site.succeeds(&ask)[0];
    let read = |key: &str| {
        let path = written[key].as_str().unwrap();
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{path}");
        fs::read_to_string(path).unwrap()
    };
    let held: Value = serde_json::from_str(&read("json")).unwrap();
    assert_eq!(held["name"], "見本 太郎");
    let why: Vec<_> =
        held["accesses"].as_array().unwrap().iter().map(|it| it["why"].as_str().unwrap()).collect();
    assert_eq!(why, ["電話での問い合わせ", "開示請求"]);
    assert!(!held["references"][0]["vector"].as_array().unwrap().is_empty());
    let page = read("page");
    assert!(page.contains("見本 太郎") && page.contains("開示請求"));
    assert!(site.fails(&ask).contains("not overwritten"));
    assert!(site.fails(&["person", "show", &person, "--why", ""]).contains("why"));
}

#[test]
fn a_running_kiosk_reports_what_its_door_did() {
    let site = Site::initialised();
    site.enrol("見本 太郎", &photo("person-a-1.jpg"));
    let kiosk = site.start(&site.board(&[&photo("person-a-2.jpg")], STRIKE));
    let report = || site.succeeds(&["report"]).remove(0);
    wait_until("the visit is counted", || report()["total"]["visitors"] == 1);
    let (csv, html) = (site.path("today.csv"), site.path("today.html"));
    let total = &site.succeeds(&["report", "--csv", path_text(&csv), "--html", path_text(&html)])[0]["total"];
    assert_eq!((&total["by_way"]["face"], &total["manual"]), (&1.into(), &0.into()));
    assert!(total["reception"]["median_ms"].as_u64().unwrap() > 0);
    assert!(kiosk.stop());
    let csv = fs::read(csv).unwrap();
    assert!(csv.starts_with(b"\xef\xbb\xbf") && csv.ends_with(b"\r\n"));
    let page = fs::read_to_string(html).unwrap();
    for written in [text(&csv), page] {
        assert!(!written.contains("太郎"), "a report has a name in it");
    }
    assert_eq!(report()["total"]["visitors"], 1, "the same without a running kiosk");
}

#[test]
fn the_self_test_passes_on_a_sound_board_and_leaves_the_door_alone() {
    let site = Site::initialised();
    let board = site.board(&[&photo("stranger-1.jpg")], STRIKE);
    let found = &site.succeeds(&["selftest", "--board", path_text(&board)])[0];
    let parts: Vec<_> =
        found["lines"].as_array().unwrap().iter().map(|it| it["part"].as_str().unwrap()).collect();
    assert_eq!(parts[..6], ["camera", "reader-1", "relay", "door-contact", "clock", "network"]);
    for part in ["weights", "data", "rules", "disk", "day"] {
        assert!(parts.contains(&part), "{part}");
    }
    assert_eq!((&found["passed"], pulses(&site)), (&true.into(), 0));
    site.succeeds(&["selftest", "--board", path_text(&board), "--pulse"]);
    assert_eq!(pulses(&site), 1);
    assert_eq!(site.succeeds(&["report"])[0]["total"]["visitors"], 0, "a trial is no visitor");
    assert!(outcomes(&site).contains(&"let-in".into()), "the pulse stands on a record");
}

#[test]
fn the_self_test_fails_where_a_device_is_missing_and_says_what_to_do() {
    let site = Site::initialised();
    let strike = "[strike]\nkind = \"lcus-1\"\ndevice = \"/dev/not-there\"\nchannel = 1\npulse_ms = 500\n\
                  on_power_loss = \"fail-secure\"\n";
    let board = site.board(&[&photo("stranger-1.jpg")], strike);
    let output = site.run(&["selftest", "--board", path_text(&board)]);
    assert!(!output.status.success());
    let found = &lines(&output.stdout)[0];
    let relay = found["lines"].as_array().unwrap().iter().find(|it| it["part"] == "relay").unwrap();
    assert_eq!(
        relay["ja"],
        "リレー（ドアを開ける装置）が見つかりません。USBケーブルを差し直してください（/dev/not-there）"
    );
    assert_eq!(relay["en"], "Relay not found. Re-plug the USB cable (/dev/not-there)");
}

#[test]
fn the_shipped_facilities_are_in_order() {
    let site = Site::new();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/facilities");
    let mut seen = 0;
    for file in fs::read_dir(folder).unwrap() {
        let file = file.unwrap().path();
        let checked = &site.succeeds(&["facility", "check", path_text(&file)])[0];
        assert_eq!(checked["findings"], Value::Array(Vec::new()), "{}", file.display());
        seen += 1;
    }
    assert!(seen >= 4);
}
