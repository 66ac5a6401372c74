//! A real kiosk with a relay on a serial line, killed where it hurts.

#![allow(missing_docs, clippy::unwrap_used)]

use std::{path::Path, time::Duration};

use serde_json::Value;
use tests::{RelayLine, Site, path_text, photo};

fn kinds(log: &[Value]) -> Vec<&str> {
    log.iter().map(|line| line["kind"].as_str().unwrap()).collect()
}

fn count(log: &[Value], kind: &str) -> usize {
    kinds(log).into_iter().filter(|found| *found == kind).count()
}

/// A board before which nobody stands.
fn nobody(site: &Site, line: &RelayLine) -> std::path::PathBuf {
    let blank = site.path("blank.png");
    image::RgbImage::from_pixel(640, 480, image::Rgb([90, 90, 90])).save(&blank).unwrap();
    site.board(&[&blank], &line.strike(500))
}

#[test]
fn a_kiosk_killed_in_mid_pulse_leaves_the_door_shut_and_never_pulses_that_grant_again() {
    const PULSE: Duration = Duration::from_secs(5);
    let (site, line) = (Site::initialised(), RelayLine::new());
    site.enrol("見本 太郎", &photo("person-a-1.jpg"));
    let mut kiosk = site.start(&site.board(&[&photo("person-a-2.jpg")], &line.strike(5_000)));
    let driven = line.wait_for(true);
    kiosk.kill();
    let rest = line.wait_for(false);
    assert!(rest.duration_since(driven) < PULSE, "the relay fell only when its pulse would have ended");

    let kiosk = site.start(&nobody(&site, &line));
    assert!(kiosk.stop());
    while let Some(told) = line.next(Duration::from_millis(300)) {
        assert!(!told.driven, "the open grant was pulsed again");
    }
    let log = site.log();
    assert_eq!(count(&log, "Released"), 1, "{:?}", kinds(&log));
    let released = log.iter().find(|line| line["kind"] == "Released").unwrap().to_string();
    assert!(released.contains("nknown"), "{released}");
    site.succeeds(&["audit", "verify"]);
}

#[test]
fn a_kiosk_killed_at_any_moment_never_pulses_without_a_record_and_loses_none() {
    const KILLS: u64 = 8;
    const LATEST_MS: u64 = 2_500;
    let (site, line) = (Site::initialised(), RelayLine::new());
    site.enrol("見本 太郎", &photo("person-a-1.jpg"));
    let board = site.board(&[&photo("person-a-2.jpg")], &line.strike(200));
    let seed = seed();
    println!("GENKAN_SEED={seed} plays these kill times again");
    let (mut pulses, mut random) = (0, seed);
    for _ in 0..KILLS {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut kiosk = site.start(&board);
        std::thread::sleep(Duration::from_millis((random >> 33) % LATEST_MS));
        kiosk.kill();
        let mut driven = false;
        while let Some(told) = line.next(Duration::from_millis(400)) {
            pulses += usize::from(told.driven);
            driven = told.driven;
        }
        assert!(!driven, "the relay stays driven after the kill");
    }
    assert!(site.start(&nobody(&site, &line)).stop(), "the last start answers for what is open");
    site.succeeds(&["audit", "verify"]);
    let log = site.log();
    let granted = log.iter().filter(|line| line["fields"]["outcome"] == "granted").count();
    assert!(pulses <= granted, "{pulses} pulses, {granted} grants on record");
    assert_eq!(count(&log, "Released"), granted, "every grant is answered for: {:?}", kinds(&log));
    assert_eq!(count(&log, "Enrolled"), 1);
}

#[test]
fn a_running_kiosk_says_what_it_has_seen_of_people_other_than_the_visitor() {
    let (site, line) = (Site::initialised(), RelayLine::new());
    site.enrol("見本 太郎", &photo("person-a-1.jpg"));
    site.enrol("見本 花子", &photo("person-b-1.jpg"));
    let board = site.board(&[&photo("person-a-2.jpg"), &photo("person-b-2.jpg")], &line.strike(200));
    let text = std::fs::read_to_string(&board).unwrap();
    let text = text
        .replace("frames_per_image = 100000", "frames_per_image = 60")
        .replace("repeat = false", "repeat = true");
    std::fs::write(&board, text).unwrap();
    assert!(site.succeeds(&["status"])[0]["live"].is_null(), "no kiosk runs yet");
    let kiosk = site.start(&board);
    let live = || site.succeeds(&["status"])[0]["live"].clone();
    tests::wait_until("a visit brought evidence", || live()["visits"].as_u64() > Some(0));
    let seen = live();
    assert!(seen["alarm"].is_null(), "{seen}");
    assert_eq!(seen["points"].as_array().unwrap().len(), 3);
    assert_eq!(seen["points"][0]["reached"], 0, "two people who are not alike");
    assert!(seen["points"][0]["allowed"].as_f64() > Some(0.0));
    assert!(kiosk.stop());
}

/// Other kill times each run, unless somebody wants to see one again.
fn seed() -> u64 {
    let now = || {
        u64::from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos())
    };
    std::env::var("GENKAN_SEED").map_or_else(|_| now(), |seed| seed.parse().unwrap())
}

#[test]
fn a_grant_pulses_for_its_whole_time_and_a_stop_puts_the_relay_to_rest() {
    let (site, line) = (Site::initialised(), RelayLine::new());
    site.enrol("見本 太郎", &photo("person-a-1.jpg"));
    let kiosk = site.start(&site.board(&[&photo("person-a-2.jpg")], &line.strike(1_000)));
    let driven = line.wait_for(true);
    let rest = line.wait_for(false);
    // The two moments are read in another process than the one that pulses; ten milliseconds are for the line.
    assert!(rest.duration_since(driven) >= Duration::from_millis(990), "{:?}", rest.duration_since(driven));
    assert!(kiosk.stop(), "the kiosk ends well when it is told to stop");
    while let Some(told) = line.next(Duration::from_millis(300)) {
        assert!(!told.driven, "somebody who stands there was let in twice, or the stop drove the relay");
    }
    let log = site.log();
    assert_eq!(count(&log, "Decision"), 1, "standing there is one visit: {:?}", kinds(&log));
    assert_eq!(count(&log, "Released"), 1);
}

#[test]
fn commands_go_through_the_running_kiosk_and_a_second_kiosk_is_refused() {
    let (site, line) = (Site::initialised(), RelayLine::new());
    let board = nobody(&site, &line);
    let kiosk = site.start(&board);
    let second = site.fails(&["run", "--headless", "--board", path_text(&board)]);
    assert!(second.contains("another kiosk"), "{second}");
    let person = site.enrol("見本 太郎", &photo("person-a-1.jpg"));
    let other: &Path = &photo("person-a-2.jpg");
    let found = site.succeeds(&["identify", "--photo", path_text(other)]);
    assert_eq!((&found[0]["outcome"], &found[0]["person"]), (&"granted".into(), &person.as_str().into()));
    site.succeeds(&["gallery", "revoke", &person]);
    let found = site.succeeds(&["identify", "--photo", path_text(other)]);
    assert_eq!(found[0]["outcome"], "revoked");
    site.succeeds(&["audit", "verify"]);
    assert!(kiosk.stop());
    let log = site.log();
    assert_eq!((count(&log, "Enrolled"), count(&log, "Revoked")), (1, 1), "{:?}", kinds(&log));
    assert!(log.iter().all(|line| !line.to_string().contains("見本")), "a name is in the readable log");
}

#[test]
fn an_enrolment_at_a_running_kiosk_opens_the_door_without_a_restart() {
    let (site, line) = (Site::initialised(), RelayLine::new());
    let kiosk = site.start(&site.board(&[&photo("person-a-2.jpg")], &line.strike(500)));
    site.enrol("見本 太郎", &photo("person-a-1.jpg"));
    line.wait_for(true);
    line.wait_for(false);
    assert!(kiosk.stop());
    site.succeeds(&["audit", "verify"]);
}

#[test]
fn a_camera_that_vanishes_is_on_record_and_comes_back() {
    let (site, line) = (Site::initialised(), RelayLine::new());
    let board = nobody(&site, &line);
    std::fs::rename(site.path("camera"), site.path("unplugged")).unwrap();
    let kiosk = site.start(&board);
    tests::wait_until("the kiosk writes down that the camera is missing", || {
        count(&site.log(), "Failed") == 1
    });
    std::fs::rename(site.path("unplugged"), site.path("camera")).unwrap();
    tests::wait_until("the kiosk writes down that the camera is back", || {
        count(&site.log(), "Restored") == 1
    });
    assert!(kiosk.stop());
}
