//! The simulator keeps the same contracts as hardware.

#![allow(clippy::unwrap_used)]

mod place;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use boards::{
    BootClock, Camera, CameraError, Clock, GuardCommand, SimCamera, SimPulse, SimScript,
    camera::raw::{Patience, RawCamera, RawFormat, RawFrame, RawSource, ReaderSeat},
    contract::{self, Subject, clock, grant, wait_until},
};
use gate::{DoorId, PulseResult};
use image::{ExtendedColorType, codecs::jpeg::JpegEncoder};
use place::{BOARD, Place};

fn jpeg(level: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let pixels = vec![level; 16 * 16 * 3];
    JpegEncoder::new_with_quality(&mut bytes, 95).encode(&pixels, 16, 16, ExtendedColorType::Rgb8).unwrap();
    bytes
}

/// A picture of one colour.
fn picture(place: &Place, name: &str, level: u8) -> PathBuf {
    let path = place.at("pictures").join(name);
    fs::write(&path, jpeg(level)).unwrap();
    path
}

fn no_guard() -> GuardCommand {
    GuardCommand { program: "/nonexistent/guard".into(), args: Vec::new() }
}

#[test]
fn the_simulated_strike_keeps_the_contract_of_a_strike() {
    contract::strike(|| {
        let place = Place::new();
        let board = place.board(BOARD);
        let strike = board.open_strike(clock(), no_guard()).unwrap().unwrap();
        let pulses = board.sim_pulses().unwrap();
        let see = move || {
            let _kept = &place;
            let seen = |pulse: &SimPulse| {
                let ended = pulse.at.plus(pulse.length);
                contract::SeenPulse { not_before: pulse.at, began: pulse.at, ended }
            };
            let done = pulses.all().iter().map(seen).collect();
            contract::Seen { pulses: done, driven: pulses.driven() }
        };
        Subject { strike, pulse: Duration::from_millis(200), see: Box::new(see) }
    });
}

#[test]
fn the_simulator_writes_its_pulses_to_a_file_as_well() {
    let place = Place::new();
    let board = place.board(BOARD);
    let mut strike = board.open_strike(clock(), no_guard()).unwrap().unwrap();
    assert!(matches!(strike.release(grant(DoorId(0), BootClock.now())).result(), PulseResult::Pulsed(_)));
    let pulse = board.sim_pulses().unwrap().all()[0];
    let (at, length) = (pulse.at.micros(), pulse.length.as_millis());
    let wanted = format!("{{\"door\":0,\"at_us\":{at},\"pulse_ms\":{length}}}\n");
    assert_eq!(fs::read_to_string(place.at("pulses.jsonl")).unwrap(), wanted);
}

#[test]
fn a_simulator_that_cannot_write_its_pulses_gives_none() {
    let place = Place::new();
    let board = place.board(BOARD);
    let mut strike = board.open_strike(clock(), no_guard()).unwrap().unwrap();
    fs::remove_file(place.at("pulses.jsonl")).unwrap();
    fs::create_dir(place.at("pulses.jsonl")).unwrap();
    assert_eq!(strike.release(grant(DoorId(0), BootClock.now())).result(), PulseResult::StrikeFailed);
    assert!(strike.check().unwrap_err().to_string().contains("pulses.jsonl"));
    assert!(board.sim_pulses().unwrap().all().is_empty());
    let error = board.open_strike(clock(), no_guard()).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("pulses.jsonl"), "{error}");
}

#[test]
fn a_folder_of_pictures_keeps_the_contract_of_a_camera() {
    let place = Place::new();
    picture(&place, "a.jpg", 10);
    contract::camera(place.board(BOARD).open_camera(clock()).unwrap(), 12);
}

/// A USB camera that is not there: both formats in turn, for ever.
struct Endless(u32);

impl RawSource for Endless {
    fn next(&mut self) -> Result<RawFrame, String> {
        std::thread::sleep(Duration::from_millis(2));
        self.0 += 1;
        let (width, height) = (16, 16);
        Ok(match self.0 % 2 {
            0 => RawFrame { format: RawFormat::Yuyv, width, height, bytes: vec![128; 512] },
            _ => RawFrame { format: RawFormat::Mjpeg, width, height, bytes: jpeg(90) },
        })
    }

    fn describe(&self) -> String {
        "endless".into()
    }
}

#[test]
fn a_raw_source_keeps_the_contract_of_a_camera() {
    let patience = Patience {
        open: Duration::from_secs(60),
        frame: Duration::from_secs(60),
        close: Duration::from_secs(60),
    };
    let source = || Ok(Box::new(Endless(0)) as Box<dyn RawSource>);
    let camera = RawCamera::open("endless", clock(), &ReaderSeat::default(), patience, source).unwrap();
    contract::camera(Box::new(camera), 12);
}

#[test]
fn a_script_keeps_the_contract_of_a_camera() {
    let place = Place::new();
    let (camera, script) = SimCamera::scripted(clock(), Duration::from_millis(2));
    script.show(&picture(&place, "a.jpg", 10), 5).unwrap();
    contract::camera(Box::new(camera), 12);
}

/// The brightness of the next frames, one number each.
fn levels(camera: &mut dyn Camera, frames: usize) -> Vec<u8> {
    (0..frames).map(|_| camera.frame().unwrap().luma()[0]).collect()
}

/// Runs of the same brightness, as (is it a picture of level 10 or 200, how many).
fn near(found: &[u8], wanted: &[u8]) {
    assert_eq!(found.len(), wanted.len());
    assert!(found.iter().zip(wanted).all(|(a, b)| a.abs_diff(*b) < 4), "{found:?} is not {wanted:?}");
}

const NOBODY: u8 = 110;

#[test]
fn pictures_come_in_the_order_of_their_names_with_nobody_in_between() {
    let place = Place::new();
    picture(&place, "b.jpeg", 200);
    picture(&place, "a.JPG", 10);
    fs::write(place.at("pictures").join("notes.txt"), "no picture").unwrap();
    let mut camera = place.board(BOARD).open_camera(clock()).unwrap();
    near(&levels(&mut *camera, 9), &[10, 10, NOBODY, 200, 200, NOBODY, 10, 10, NOBODY]);
    let once = BOARD.replace("repeat = true", "repeat = false");
    let mut camera = place.board(&once).open_camera(clock()).unwrap();
    near(&levels(&mut *camera, 9), &[10, 10, NOBODY, 200, 200, NOBODY, NOBODY, NOBODY, NOBODY]);
    let dense = BOARD.replace("gap_frames = 1", "gap_frames = 0");
    let mut camera = place.board(&dense).open_camera(clock()).unwrap();
    near(&levels(&mut *camera, 6), &[10, 10, 200, 200, 10, 10]);
}

fn refused(camera: &mut dyn Camera, path: &Path) {
    let error = camera.frame().unwrap_err();
    assert!(matches!(error, CameraError::BadImage { .. }), "{error}");
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
}

#[test]
fn a_bad_picture_is_named_and_the_next_one_follows() {
    let place = Place::new();
    let (good, bad) = (picture(&place, "b.jpg", 200), picture(&place, "a.jpg", 0));
    fs::write(&bad, b"no picture at all").unwrap();
    let mut camera = place.board(BOARD).open_camera(clock()).unwrap();
    refused(&mut *camera, &bad);
    near(&levels(&mut *camera, 3), &[NOBODY, 200, 200]);
    fs::write(&bad, &fs::read(&good).unwrap()[..60]).unwrap();
    let mut camera = place.board(BOARD).open_camera(clock()).unwrap();
    refused(&mut *camera, &bad);
}

#[test]
fn a_picture_of_fifty_megapixels_is_refused_by_its_header() {
    let place = Place::new();
    let path = place.at("pictures").join("huge.png");
    image::GrayImage::new(10_000, 5_000).save(&path).unwrap();
    let mut camera = place.board(BOARD).open_camera(clock()).unwrap();
    let error = camera.frame().unwrap_err().to_string();
    assert!(error.contains("huge.png") && error.contains("10000x5000") && error.contains("4096"), "{error}");
}

#[test]
fn a_folder_without_pictures_is_named() {
    let place = Place::new();
    for text in [BOARD.to_owned(), BOARD.replace("\"pictures\"", "\"pictrues\"")] {
        let error = place.board(&text).open_camera(clock()).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("pict") && error.contains("`path`"), "{error}");
    }
}

fn script() -> (SimCamera, SimScript) {
    SimCamera::scripted(clock(), Duration::from_millis(10))
}

#[test]
fn a_script_is_played_as_told_and_then_nobody_is_there() {
    let place = Place::new();
    let (mut camera, script) = script();
    assert_eq!(script.pending(), 0);
    script.show(&picture(&place, "a.jpg", 10), 3).unwrap();
    script.nobody(Duration::from_millis(20)).unwrap();
    script.show(&picture(&place, "b.jpg", 200), 1).unwrap();
    assert_eq!(script.pending(), 3);
    near(&levels(&mut camera, 8), &[10, 10, 10, NOBODY, NOBODY, 200, NOBODY, NOBODY]);
    wait_until("the script is over", || script.pending() == 0);
    script.show(&picture(&place, "c.jpg", 50), 1).unwrap();
    near(&levels(&mut camera, 2), &[50, NOBODY]);
}

#[test]
fn a_script_refuses_what_is_no_picture_and_goes_on() {
    let place = Place::new();
    let (mut camera, script) = script();
    let error = script.show(&place.at("nobody.jpg"), 3).unwrap_err();
    assert!(error.to_string().contains("nobody.jpg"), "{error}");
    script.show(&picture(&place, "a.jpg", 10), 1).unwrap();
    near(&levels(&mut camera, 1), &[10]);
    drop(camera);
    assert!(script.nobody(Duration::from_secs(1)).is_err());
}

#[test]
fn frames_of_a_script_carry_the_clock_that_was_given() {
    let (mut camera, _script) = SimCamera::scripted(Arc::new(BootClock), Duration::from_millis(1));
    let before = BootClock.now();
    assert!(camera.frame().unwrap().captured >= before);
}
