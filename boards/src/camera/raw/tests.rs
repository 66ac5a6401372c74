#![allow(clippy::unwrap_used)]
//! Facts about a camera over a source that blocks, vanishes or talks nonsense.

use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;
use crate::BootClock;

/// A source that gives what the test sends, and blocks in between.
struct Fake(Receiver<Result<RawFrame, String>>);

impl RawSource for Fake {
    fn next(&mut self) -> Result<RawFrame, String> {
        self.0.recv().unwrap_or_else(|_| Err("No such device".into()))
    }

    fn describe(&self) -> String {
        "fake".into()
    }
}

type Feed = Sender<Result<RawFrame, String>>;

const PATIENCE: Patience = Patience {
    open: Duration::from_secs(60),
    frame: Duration::from_millis(300),
    close: Duration::from_millis(100),
};

fn open(seat: &ReaderSeat, patience: Patience) -> (Result<RawCamera, CameraError>, Feed) {
    let (feed, fed) = channel();
    let source = move || Ok(Box::new(Fake(fed)) as Box<dyn RawSource>);
    (RawCamera::open("/dev/video7", Arc::new(BootClock), seat, patience, source), feed)
}

fn grey(level: u8) -> RawFrame {
    RawFrame { format: RawFormat::Yuyv, width: 2, height: 1, bytes: vec![level, 128, level, 128] }
}

fn damaged() -> RawFrame {
    RawFrame { format: RawFormat::Mjpeg, width: 2, height: 1, bytes: vec![0xFF, 0xD8, 1, 2, 3] }
}

/// Long enough for the slowest machine; a test that meets it has failed.
const PATIENT: Patience = Patience {
    open: Duration::from_secs(60),
    frame: Duration::from_secs(60),
    close: Duration::from_secs(60),
};

#[test]
fn frames_arrive_with_the_time_of_their_arrival() {
    let (camera, feed) = open(&ReaderSeat::default(), PATIENT);
    let mut camera = camera.unwrap();
    let before = BootClock.now();
    feed.send(Ok(grey(235))).unwrap();
    let frame = camera.frame().unwrap();
    assert_eq!(frame.luma(), [255, 255]);
    assert!(before <= frame.captured && frame.captured <= BootClock.now());
    assert_eq!(camera.describe(), "fake");
    drop(feed);
}

#[test]
fn whoever_asks_late_gets_the_newest_frame() {
    let (camera, feed) = open(&ReaderSeat::default(), PATIENT);
    let mut camera = camera.unwrap();
    for level in [16, 16, 235] {
        feed.send(Ok(grey(level))).unwrap();
    }
    while camera.slot.lock().newest.as_ref().is_none_or(|(_, raw)| raw.bytes[0] != 235) {
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(camera.frame().unwrap().luma(), [255, 255]);
    drop(feed);
}

#[test]
fn a_camera_that_says_nothing_is_given_up_in_time() {
    let (camera, _feed) = open(&ReaderSeat::default(), PATIENCE);
    let error = camera.unwrap().frame().unwrap_err();
    assert!(matches!(error, CameraError::Silent { .. }), "{error}");
    assert!(error.to_string().contains("/dev/video7"), "{error}");
}

#[test]
fn a_camera_that_is_unplugged_is_lost_and_can_be_opened_again() {
    let seat = ReaderSeat::default();
    let (camera, feed) = open(&seat, PATIENT);
    let mut camera = camera.unwrap();
    drop(feed);
    let error = camera.frame().unwrap_err();
    assert!(matches!(error, CameraError::Lost { .. }), "{error}");
    assert!(error.to_string().contains("No such device"), "{error}");
    drop(camera);
    let (camera, feed) = open(&seat, PATIENT);
    let mut camera = camera.unwrap();
    feed.send(Ok(grey(235))).unwrap();
    assert!(camera.frame().is_ok());
    drop(feed);
}

#[test]
fn a_reader_stuck_in_the_library_is_named_rather_than_joined_by_another() {
    let seat = ReaderSeat::default();
    let (camera, feed) = open(&seat, PATIENCE);
    drop(camera.unwrap());
    let (second, _) = open(&seat, PATIENCE);
    let error = second.map(|_| ()).unwrap_err();
    assert!(matches!(error, CameraError::Hanging { .. }), "{error}");
    drop(feed);
    let (third, feed) = open(&seat, PATIENT);
    drop(feed);
    assert!(third.is_ok());
}

#[test]
fn an_open_that_never_returns_is_given_up() {
    let (hold, held) = channel::<()>();
    let source = move || {
        let _ = held.recv();
        Err(CameraError::Hanging { camera: "late".into() })
    };
    let patience = Patience { open: Duration::from_millis(100), ..PATIENCE };
    let error = RawCamera::open("/dev/video7", Arc::new(BootClock), &ReaderSeat::default(), patience, source)
        .map(|_| ());
    assert!(matches!(error.unwrap_err(), CameraError::Silent { .. }));
    drop(hold);
}

#[test]
fn a_few_damaged_frames_are_passed_over_and_many_are_an_error() {
    let (camera, feed) = open(&ReaderSeat::default(), PATIENT);
    let mut camera = camera.unwrap();
    let feeder = thread::spawn(move || {
        for frame in [damaged(), damaged(), grey(235)] {
            feed.send(Ok(frame)).unwrap();
        }
        feed
    });
    assert!(camera.frame().is_ok());
    let feed = feeder.join().unwrap();
    let feeder = thread::spawn(move || while feed.send(Ok(damaged())).is_ok() {});
    let error = camera.frame().unwrap_err();
    assert!(matches!(error, CameraError::BadFrame { format: "MJPEG", .. }), "{error}");
    drop(camera);
    feeder.join().unwrap();
}
