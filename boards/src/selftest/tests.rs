#![allow(clippy::unwrap_used)]
//! Facts about the self-test, on a board in a folder of its own.

use std::{fs, path::Path};

use gate::Monotonic;

use super::*;
use crate::{BootClock, SimPulse};

const BOARD: &str = r#"
name = "test"
inference_threads = 1
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
[[readers]]
kind = "sim"
path = "cards.txt"
[inputs]
kind = "sim"
path = "door.txt"
[sound]
player = ["sh", "-c", "head -c 4 \"$1\" | grep -q RIFF", "play"]
"#;

/// A board and its folder, in which everything works.
fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    fs::create_dir(at("pictures")).unwrap();
    image::RgbImage::new(16, 16).save(at("pictures/a.png")).unwrap();
    fs::write(at("door.txt"), "door open\nfire off\n").unwrap();
    place
}

fn board(place: &Path, text: &str) -> Board {
    fs::write(place.join("board.toml"), text).unwrap();
    Board::load(&place.join("board.toml")).unwrap()
}

fn tested(board: &Board) -> Vec<DeviceCheck> {
    let guard = GuardCommand { program: "/nonexistent/guard".into(), args: Vec::new() };
    board.self_test(&(Arc::new(BootClock) as Arc<dyn Clock>), &guard)
}

fn of(checks: &[DeviceCheck], device: DeviceName) -> DeviceCheck {
    checks.iter().find(|check| check.device == device).unwrap().clone()
}

/// The problem of a device, which is missing or fails.
fn problem(check: DeviceCheck) -> (bool, Problem) {
    match check.verdict {
        Verdict::Works => panic!("{:?} works", check.device),
        Verdict::NotSeen(problem) => (true, problem),
        Verdict::Failed(problem) => (false, problem),
    }
}

#[test]
fn a_board_on_which_everything_works_says_so_and_releases_nothing() {
    let place = place();
    let board = board(place.path(), BOARD);
    let checks = tested(&board);
    for check in &checks {
        assert_eq!(check.verdict, Verdict::Works, "{check:?}");
    }
    let devices: Vec<_> = checks.iter().map(|check| check.device).collect();
    let mut wanted = vec![DeviceName::Camera, DeviceName::Strike];
    wanted.extend(Input::ALL.map(DeviceName::Input));
    wanted.extend([DeviceName::Reader(0), DeviceName::Clock, DeviceName::SoundPlayer]);
    assert_eq!(devices, wanted);
    let level = |input| of(&checks, DeviceName::Input(input)).level;
    assert_eq!(Input::ALL.map(level), [Some(true), None, Some(false), None]);
    let pulses = board.sim_pulses().unwrap();
    assert_eq!((pulses.all(), pulses.driven()), (Vec::<SimPulse>::new(), false), "the door stays locked");
}

#[test]
fn what_a_counter_has_not_is_not_tested() {
    let place = place();
    let (camera, _) = BOARD.split_once("[strike]").unwrap();
    let checks = tested(&board(place.path(), &format!("readers = []\n{camera}")));
    let devices: Vec<_> = checks.iter().map(|check| check.device).collect();
    assert_eq!(devices, [DeviceName::Camera, DeviceName::Clock]);
}

#[test]
fn what_is_missing_is_not_seen_and_has_advice_with_its_path_in_two_languages() {
    let place = place();
    let strike = "kind = \"lcus-1\"\ndevice = \"/nonexistent/ttyUSB0\"\nchannel = 1";
    let inputs =
        "kind = \"gpio\"\nchip = \"/nonexistent/gpiochip0\"\ntamper = { line = 5, active = \"high\" }";
    let text = BOARD
        .replace("\"pictures\"", "\"nowhere\"")
        .replace("[strike]\nkind = \"sim\"", &format!("[strike]\n{strike}"))
        .replace("kind = \"sim\"\npath = \"door.txt\"", inputs)
        .replace("\"sh\"", "\"/nonexistent/play\"");
    let checks = tested(&board(place.path(), &text));
    let missing = [
        (DeviceName::Camera, "nowhere"),
        (DeviceName::Strike, "/nonexistent/ttyUSB0"),
        (DeviceName::Input(Input::Tamper), "/nonexistent/gpiochip0"),
        (DeviceName::SoundPlayer, "/nonexistent/play"),
    ];
    for (device, path) in missing {
        let check = of(&checks, device);
        assert!(check.path.contains(path), "{check:?}");
        let (not_seen, problem) = problem(check);
        assert!(not_seen, "{device:?} is not there");
        assert!(problem.ja.contains(path) && problem.en.contains(path), "{problem:?}");
        assert!(problem.ja.contains("ください") && !problem.detail.is_empty(), "{problem:?}");
    }
    assert_eq!(of(&checks, DeviceName::Clock).verdict, Verdict::Works, "one problem hides no other device");
}

#[test]
fn what_is_there_and_does_not_work_has_failed() {
    let place = place();
    fs::write(place.path().join("pictures/a.png"), "no picture").unwrap();
    fs::create_dir(place.path().join("cards.txt")).unwrap();
    let text = BOARD.replace("head -c 4 \\\"$1\\\" | grep -q RIFF", "exit 3");
    assert_ne!(text, BOARD);
    let checks = tested(&board(place.path(), &text));
    for device in [DeviceName::Camera, DeviceName::Reader(0), DeviceName::SoundPlayer] {
        let (not_seen, problem) = problem(of(&checks, device));
        assert!(!not_seen && problem.ja.contains("ください"), "{problem:?}");
    }
    assert_eq!(of(&checks, DeviceName::Strike).verdict, Verdict::Works);
}

#[test]
fn a_small_panel_is_given_a_picture_and_one_that_takes_none_is_named() {
    let place = place();
    let check = |panel: &str| {
        let board = board(place.path(), &format!("{BOARD}\n[panel]\n{panel}"));
        of(&tested(&board), DeviceName::Panel)
    };
    let sim = "kind = \"sim\"\nsize = \"128x64\"\npath = ";
    assert_eq!(check(&format!("{sim}\"panel.png\"")).verdict, Verdict::Works);
    assert_eq!(image::open(place.path().join("panel.png")).unwrap().width(), 128);
    let oled = "kind = \"ssd1306\"\naddress = 60\ndevice = ";
    let bad = [
        (format!("{oled}\"/nonexistent/i2c-1\""), "/nonexistent/i2c-1", true),
        (format!("{oled}\"/dev/null\""), "/dev/null", false),
        (format!("{sim}\"nowhere/panel.png\""), "nowhere/panel.png", false),
    ];
    for (text, path, missing) in bad {
        let check = check(&text);
        assert!(check.path.contains(path), "{check:?}");
        let (not_seen, problem) = problem(check);
        assert_eq!(not_seen, missing, "{problem:?}");
        assert!(problem.ja.contains(path) && problem.en.contains(path), "{problem:?}");
        assert!(problem.ja.contains("ください") && !problem.detail.is_empty(), "{problem:?}");
    }
}

#[test]
fn what_is_no_relay_has_failed() {
    let place = place();
    let null = "kind = \"lcus-1\"\ndevice = \"/dev/null\"\nchannel = 1";
    let text = BOARD.replace("[strike]\nkind = \"sim\"", &format!("[strike]\n{null}"));
    let (not_seen, problem) = problem(of(&tested(&board(place.path(), &text)), DeviceName::Strike));
    assert!(!not_seen && problem.detail.contains("/dev/null"), "{problem:?}");
}

#[test]
fn a_device_that_never_answers_is_given_up() {
    let never = within(Duration::from_millis(20), || thread::sleep(Duration::from_secs(600)));
    assert_eq!(never, None);
    let judged =
        verdict(DeviceName::Camera, None::<Result<(), CameraError>>, |_| panic!("no error to judge"));
    let Verdict::Failed(problem) = judged else { panic!("it has failed") };
    assert!(problem.ja.contains("カメラ") && problem.en.contains("Camera"), "{problem:?}");
}

#[test]
fn a_clock_that_stands_still_is_no_clock() {
    struct Stopped;
    impl Clock for Stopped {
        fn now(&self) -> Monotonic {
            Monotonic::from_micros(5)
        }
    }
    let (_, problem) = problem(check_clock(&Stopped, EARLIEST));
    assert!(problem.ja.contains("時計"), "{problem:?}");
    assert_eq!(check_clock(&BootClock, EARLIEST).verdict, Verdict::Works);
}

#[test]
fn a_calendar_of_before_this_program_is_wrong() {
    let early = EARLIEST - Duration::from_secs(1);
    for date in [Duration::ZERO, early] {
        let (not_seen, problem) = problem(check_clock(&BootClock, date));
        assert!(!not_seen && problem.ja.contains("日付"), "{problem:?}");
    }
}
