//! The simulator keeps the same contracts as hardware.

#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use boards::{
    Board, BootClock, Camera, CameraError, Clock, GuardCommand, Input, Inputs, InputsError, SimCamera,
    SimInputs, SimPulse, SimScript,
    camera::raw::{Patience, RawCamera, RawFormat, RawFrame, RawSource, ReaderSeat},
    contract::{self, InputsSubject, Subject, clock, grant, wait_until},
    inputs::Contacts,
    lines::{Bias, Line, Lines, SimChip},
};
use gate::{DoorId, PulseResult};
use image::{ExtendedColorType, codecs::jpeg::JpegEncoder};

const BOARD: &str = r#"
name = "test"
inference_threads = 1
readers = []
[camera]
kind = "folder"
path = "pictures"
interval_ms = 2
frames_per_image = 2
gap_frames = 1
repeat = true
[strike]
kind = "sim"
pulse_ms = 200
on_power_loss = "fail-secure"
pulses = "pulses.jsonl"
"#;

/// A board file in a folder of its own, with some pictures.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("pictures")).unwrap();
        Self { folder }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A picture of one colour.
    fn picture(&self, name: &str, level: u8) -> PathBuf {
        let path = self.at("pictures").join(name);
        fs::write(&path, jpeg(level)).unwrap();
        path
    }

    fn board(&self, text: &str) -> Board {
        fs::write(self.at("board.toml"), text).unwrap();
        Board::load(&self.at("board.toml")).unwrap()
    }
}

fn jpeg(level: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let pixels = vec![level; 16 * 16 * 3];
    JpegEncoder::new_with_quality(&mut bytes, 95).encode(&pixels, 16, 16, ExtendedColorType::Rgb8).unwrap();
    bytes
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
fn scripted_contacts_keep_the_contract_of_inputs() {
    contract::inputs(|| {
        let (inputs, contacts) = SimInputs::scripted(clock());
        InputsSubject {
            inputs: Box::new(inputs),
            wired: Input::ALL.to_vec(),
            play: Box::new(move |input, active| contacts.set(input, active)),
        }
    });
}

fn add_line(path: &Path, line: &str) {
    let mut file = fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    writeln!(file, "{line}").unwrap();
}

/// A board whose contacts are in a file.
fn with_inputs(name: &str) -> String {
    format!("{BOARD}[inputs]\nkind = \"sim\"\npath = \"{name}\"\n")
}

#[test]
fn contacts_of_a_file_keep_the_contract_of_inputs() {
    contract::inputs(|| {
        let place = Place::new();
        let path = place.at("inputs.txt");
        fs::write(&path, "door open\nfire off\nrex\ndoor closed\ntamper off\n").unwrap();
        let inputs = place.board(&with_inputs("inputs.txt")).open_inputs(clock()).unwrap().unwrap();
        let wired = vec![Input::DoorPosition, Input::FireContact, Input::Tamper, Input::RequestToExit];
        let play = move |input, active| {
            let _kept = &place;
            match (input, active) {
                (Input::DoorPosition, true) => add_line(&path, "door open"),
                (Input::DoorPosition, false) => add_line(&path, "door closed"),
                (Input::FireContact, true) => add_line(&path, "fire on"),
                (Input::FireContact, false) => add_line(&path, "fire off"),
                (Input::Tamper, true) => add_line(&path, "tamper on"),
                (Input::Tamper, false) => add_line(&path, "tamper off"),
                (Input::RequestToExit, true) => add_line(&path, "rex on"),
                (Input::RequestToExit, false) => add_line(&path, "rex off"),
            }
        };
        InputsSubject { inputs, wired, play: Box::new(play) }
    });
}

fn told(inputs: &mut dyn Inputs) -> Option<(Input, bool)> {
    let change = inputs.next(Duration::from_millis(400)).unwrap();
    change.map(|change| (change.input, change.active))
}

#[test]
fn an_input_that_the_file_never_named_is_not_there() {
    let place = Place::new();
    let path = place.at("inputs.txt");
    let mut inputs = place.board(&with_inputs("inputs.txt")).open_inputs(clock()).unwrap().unwrap();
    assert_eq!(told(inputs.as_mut()), None, "the file is missing, which is nothing wrong");
    add_line(&path, "door closed");
    assert_eq!(told(inputs.as_mut()), Some((Input::DoorPosition, false)));
    add_line(&path, "door open");
    assert_eq!(told(inputs.as_mut()), Some((Input::DoorPosition, true)));
    assert_eq!(told(inputs.as_mut()), None);
}

#[test]
fn a_press_of_the_exit_button_is_let_go_by_itself() {
    let place = Place::new();
    let mut inputs = place.board(&with_inputs("inputs.txt")).open_inputs(clock()).unwrap().unwrap();
    for _ in 0..2 {
        add_line(&place.at("inputs.txt"), "rex");
        assert_eq!(told(inputs.as_mut()), Some((Input::RequestToExit, true)));
        assert_eq!(told(inputs.as_mut()), Some((Input::RequestToExit, false)));
    }
}

#[test]
fn a_fire_that_began_before_the_start_is_told_at_the_start() {
    let place = Place::new();
    fs::write(place.at("inputs.txt"), "fire off\nrex\nfire on\n").unwrap();
    let mut inputs = place.board(&with_inputs("inputs.txt")).open_inputs(clock()).unwrap().unwrap();
    assert_eq!(told(inputs.as_mut()), Some((Input::RequestToExit, false)), "a press of yesterday is over");
    assert_eq!(told(inputs.as_mut()), Some((Input::FireContact, true)));
}

#[test]
fn a_wrong_word_is_answered_with_the_right_ones_and_the_next_line_counts() {
    let place = Place::new();
    let mut inputs = place.board(&with_inputs("inputs.txt")).open_inputs(clock()).unwrap().unwrap();
    add_line(&place.at("inputs.txt"), "card 0102030405060708");
    add_line(&place.at("inputs.txt"), &"door ".repeat(200));
    add_line(&place.at("inputs.txt"), "fire on");
    for _ in 0..2 {
        let error = inputs.next(Duration::from_secs(60)).unwrap_err();
        assert!(matches!(error, InputsError::Command { .. }), "{error}");
        let said = error.to_string();
        assert!(
            said.contains("inputs.txt") && said.contains("`fire on`") && !said.contains("0102"),
            "{said}"
        );
    }
    assert_eq!(told(inputs.as_mut()), Some((Input::FireContact, true)));
}

#[test]
fn a_fifo_plays_door_inputs_and_a_file_may_be_replaced_or_emptied() {
    let place = Place::new();
    let path = place.at("inputs.fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    let mut inputs = place.board(&with_inputs("inputs.fifo")).open_inputs(clock()).unwrap().unwrap();
    let said = [("tamper on", true), ("tamper off", false), ("tamper on", true)];
    for (line, active) in said {
        add_line(&path, line);
        assert_eq!(told(inputs.as_mut()), Some((Input::Tamper, active)), "each writer is heard");
    }
    let path = place.at("inputs.txt");
    let mut inputs = place.board(&with_inputs("inputs.txt")).open_inputs(clock()).unwrap().unwrap();
    add_line(&path, "# what the door does\n\ntamper on");
    assert_eq!(told(inputs.as_mut()), Some((Input::Tamper, true)));
    fs::write(&path, "tamper off\n").unwrap();
    assert_eq!(told(inputs.as_mut()), Some((Input::Tamper, false)));
    fs::write(place.at("new.txt"), "tamper on\nfire off\n").unwrap();
    fs::rename(place.at("new.txt"), &path).unwrap();
    let both = [told(inputs.as_mut()), told(inputs.as_mut())];
    assert!(both.contains(&Some((Input::Tamper, true))) && both.contains(&Some((Input::FireContact, false))));
}

#[test]
fn a_folder_is_no_wiring() {
    let place = Place::new();
    let error =
        place.board(&with_inputs("pictures")).open_inputs(clock()).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("pictures") && error.contains("`path`"), "{error}");
}

#[test]
fn contacts_on_the_lines_of_a_chip_keep_the_contract_of_inputs() {
    let line = |offset, active_low| Line { offset, active_low, bias: Bias::PullUp };
    contract::inputs(|| {
        let chip = SimChip::new(clock()).unwrap();
        let lines = [line(23, false), line(24, true)];
        chip.put(23, false);
        let wired = vec![Input::DoorPosition, Input::RequestToExit];
        let watch = chip.clone().watch(&lines).unwrap();
        let inputs = Contacts::open(watch, &wired, clock()).unwrap();
        let play = move |input, active| match input {
            Input::DoorPosition => chip.put(23, active),
            Input::RequestToExit => chip.put(24, !active),
            Input::FireContact | Input::Tamper => panic!("{input:?} is not wired"),
        };
        InputsSubject { inputs: Box::new(inputs), wired, play: Box::new(play) }
    });
}

#[test]
fn a_folder_of_pictures_keeps_the_contract_of_a_camera() {
    let place = Place::new();
    place.picture("a.jpg", 10);
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
    script.show(&place.picture("a.jpg", 10), 5).unwrap();
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
    place.picture("b.jpeg", 200);
    place.picture("a.JPG", 10);
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
    let (good, bad) = (place.picture("b.jpg", 200), place.picture("a.jpg", 0));
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
    script.show(&place.picture("a.jpg", 10), 3).unwrap();
    script.nobody(Duration::from_millis(20)).unwrap();
    script.show(&place.picture("b.jpg", 200), 1).unwrap();
    assert_eq!(script.pending(), 3);
    near(&levels(&mut camera, 8), &[10, 10, 10, NOBODY, NOBODY, 200, NOBODY, NOBODY]);
    wait_until("the script is over", || script.pending() == 0);
    script.show(&place.picture("c.jpg", 50), 1).unwrap();
    near(&levels(&mut camera, 2), &[50, NOBODY]);
}

#[test]
fn a_script_refuses_what_is_no_picture_and_goes_on() {
    let place = Place::new();
    let (mut camera, script) = script();
    let error = script.show(&place.at("nobody.jpg"), 3).unwrap_err();
    assert!(error.to_string().contains("nobody.jpg"), "{error}");
    script.show(&place.picture("a.jpg", 10), 1).unwrap();
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
