//! Cards, contacts and a fire at a real kiosk whose reader and door are played through files.

#![allow(missing_docs, clippy::unwrap_used)]

use std::time::{Duration, Instant};

use serde_json::Value;
use tests::{RelayLine, Site, photo, wait_until};

const CARD: &str = "0102030405060708";

fn outcomes(site: &Site) -> Vec<String> {
    let decided = |line: &Value| Some(line["fields"]["outcome"].as_str()?.to_owned());
    site.log().iter().filter_map(decided).collect()
}

fn door_events(site: &Site) -> Vec<String> {
    let told = |line: &Value| Some(line["fields"]["event"].as_str()?.to_owned());
    site.log().iter().filter(|line| line["kind"] == "Door").filter_map(told).collect()
}

#[test]
fn a_lent_card_opens_nothing_and_its_owner_comes_in_by_it() {
    let (site, line) = (Site::initialised(), RelayLine::new());
    let owner = site.enrol("見本 太郎", &photo("person-a-1.jpg"));
    site.enrol("見本 花子", &photo("person-b-1.jpg"));
    site.succeeds(&["credential", "bind", "--person", &owner, "--kind", "facility-card", "--hex", CARD]);
    // Nobody comes by the face alone here, so whatever opens is opened by the card.
    let facility = site.path("facility.toml");
    std::fs::write(&facility, "[face_alone]\nsimulated = \"needs-claim\"\n").unwrap();
    site.succeeds(&["facility", "set", tests::path_text(&facility)]);

    let played = site.played();
    let lent = site.start(&played.board(&["person-b-2.jpg"], 100_000, "", &line.strike(200)));
    wait_until("the borrower is asked for a card", || {
        outcomes(&site).contains(&"second-factor-required".into())
    });
    played.card(CARD);
    wait_until("the lent card is refused", || outcomes(&site).contains(&"claim-not-confirmed".into()));
    assert!(lent.stop());
    while let Some(told) = line.next(Duration::from_millis(300)) {
        assert!(!told.driven, "a lent card drove the relay");
    }

    let own = site.start(&played.board(&["person-a-2.jpg"], 100_000, "", &line.strike(200)));
    wait_until("the owner is asked for a card", || outcomes(&site).len() > 2);
    played.card(CARD);
    line.wait_for(true);
    line.wait_for(false);
    assert!(own.stop());
    let granted: Vec<Value> =
        site.log().into_iter().filter(|line| line["fields"]["outcome"] == "granted").collect();
    assert_eq!((granted.len(), &granted[0]["fields"]["person"]), (1, &owner.as_str().into()));
    assert!(site.log().iter().all(|line| !line.to_string().contains(CARD)), "a card's number is in the log");
}

#[test]
fn in_a_fire_the_door_is_free_until_it_is_over() {
    let (site, line) = (Site::initialised(), RelayLine::new());
    let played = site.played();
    played.contact("fire off");
    let kiosk = site.start(&played.board(&["stranger-1.jpg"], 100_000, "", &line.strike(200)));
    played.contact("fire on");
    let freed = line.wait_for(true);
    // Longer than any pulse: it is held, not pulsed.
    std::thread::sleep(Duration::from_secs(2));
    let over = Instant::now();
    played.contact("fire off");
    let rest = line.wait_for(false);
    assert!(rest >= over, "the door was locked {:?} after it was freed, in the fire", rest - freed);
    assert!(kiosk.stop());
    assert_eq!(door_events(&site), ["fire", "fire-over"]);
    site.succeeds(&["audit", "verify"]);
}

#[test]
fn a_kiosk_that_is_killed_in_a_fire_leaves_the_lock_to_the_hardware() {
    let (site, line) = (Site::initialised(), RelayLine::new());
    let played = site.played();
    played.contact("fire on");
    let mut kiosk = site.start(&played.board(&["stranger-1.jpg"], 100_000, "", &line.strike(200)));
    line.wait_for(true);
    kiosk.kill();
    line.wait_for(false);
}

#[test]
fn a_door_that_opens_without_leave_is_on_record_and_one_that_is_left_by_its_button_is_not() {
    let (site, line) = (Site::initialised(), RelayLine::new());
    let played = site.played();
    played.contact("door closed");
    let kiosk = site.start(&played.board(&["stranger-1.jpg"], 100_000, "", &line.strike(200)));
    played.contact("rex");
    std::thread::sleep(Duration::from_millis(400));
    played.contact("door open");
    std::thread::sleep(Duration::from_millis(400));
    played.contact("door closed");
    std::thread::sleep(Duration::from_secs(6));
    played.contact("door open");
    wait_until("the forced door is on record", || door_events(&site).contains(&"forced".into()));
    assert!(kiosk.stop());
    assert_eq!(door_events(&site).iter().filter(|event| *event == "forced").count(), 1);
}

#[test]
fn whoever_is_let_in_and_does_not_go_through_was_not_there() {
    let (site, line) = (Site::initialised(), RelayLine::new());
    site.enrol("見本 太郎", &photo("person-a-1.jpg"));
    let played = site.played();
    played.contact("door closed");
    let kiosk = site.start(&played.board(&["person-a-2.jpg"], 30, "", &line.strike(200)));
    line.wait_for(true);
    wait_until("the grant is answered as not used", || door_events(&site).contains(&"grant-unused".into()));
    line.wait_for(true);
    played.contact("door open");
    wait_until("the second grant is used", || door_events(&site).contains(&"entered".into()));
    played.contact("door closed");
    assert!(kiosk.stop());
    let report = site.succeeds(&["report"]);
    assert_eq!(report[0]["total"]["visitors"], 1, "{}", report[0]);
}

#[test]
fn a_photograph_before_a_colour_camera_is_asked_to_turn_and_opens_no_door() {
    let (site, line) = (Site::initialised(), RelayLine::new());
    site.enrol("見本 太郎", &photo("person-a-1.jpg"));
    let board = site.played().board(&["person-a-2.jpg"], 100_000, "sensor = \"rgb\"", &line.strike(200));
    let kiosk = site.start(&board);
    wait_until("the photograph is refused", || outcomes(&site).contains(&"not-turned".into()));
    assert!(kiosk.stop());
    while let Some(told) = line.next(Duration::from_millis(300)) {
        assert!(!told.driven, "a photograph drove the relay");
    }
}
