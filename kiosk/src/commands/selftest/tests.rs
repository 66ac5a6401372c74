#![allow(clippy::unwrap_used)]
use std::{fs, path::PathBuf, time::Duration};

use boards::{DeviceCheck, DeviceName, Input, Verdict};

use super::*;

/// A board without hardware, in a folder of its own with one picture.
struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("photos")).unwrap();
        image::RgbImage::new(64, 48).save(folder.path().join("photos/nobody.png")).unwrap();
        vault::init_sample(&folder.path().join("data")).unwrap();
        Self { folder }
    }

    fn board(&self, strike: &str) -> Board {
        let text = format!(
            "name = 'test'\ninference_threads = 1\nreaders = []\n[camera]\nkind = 'folder'\npath = 'photos'\n\
             interval_ms = 10\nframes_per_image = 1\ngap_frames = 0\nrepeat = true\n{strike}"
        );
        let file = self.folder.path().join("board.toml");
        fs::write(&file, text).unwrap();
        Board::load(&file).unwrap()
    }

    fn common(&self) -> Common {
        Common { data: self.folder.path().join("data"), models: None, json: false }
    }

    fn pulse(&self, board: &Board) -> Result<PulseResult, Box<dyn Error>> {
        pulse(&self.common(), board, &clock::system(), no_guard())
    }
}

/// The simulated relay needs none.
fn no_guard() -> GuardCommand {
    GuardCommand { program: PathBuf::from("/nonexistent"), args: Vec::new() }
}

const SIM: &str = "[strike]\nkind = 'sim'\npulse_ms = 200\non_power_loss = 'fail-secure'\n";

#[test]
fn the_door_stays_shut_while_every_device_is_tried() {
    let site = Site::new();
    let board = site.board(SIM);
    let lines = lines::six(&board.self_test(&clock::system(), &no_guard()));
    assert!(board.sim_pulses().unwrap().all().is_empty());
    assert_eq!(lines[2].state, State::Works);
}

#[test]
fn a_trial_pulse_stands_on_a_record_and_counts_nobody() {
    let site = Site::new();
    let board = site.board(SIM);
    assert!(
        matches!(site.pulse(&board).unwrap(), PulseResult::Pulsed(length) if length >= Duration::from_millis(200))
    );
    let pulses = board.sim_pulses().unwrap().all();
    assert_eq!(pulses.len(), 1);
    let store = vault::open(&site.common().data).unwrap();
    assert!(store.open_grants().unwrap().is_empty(), "the grant was answered");
    let today =
        gate::Local::at(clock::now(clock::system().as_ref()).wall.unwrap().unix_ms, 540).unwrap().date;
    let visits = store.visits_between(today.plus_days(-1).unwrap(), today).unwrap();
    assert_eq!(visits.len(), 2, "the release and its correction");
    assert_eq!(store::Counts::of(&visits).visitors, 0);
}

#[test]
fn without_a_data_directory_there_is_no_pulse() {
    let site = Site::new();
    let board = site.board(SIM);
    fs::remove_dir_all(site.common().data).unwrap();
    assert!(site.pulse(&board).is_err());
    assert!(board.sim_pulses().unwrap().all().is_empty());
}

#[test]
fn a_counter_has_no_door_to_try() {
    let site = Site::new();
    assert_eq!(lines::pulse(site.pulse(&site.board(""))).state, State::Failed);
}

#[test]
fn the_six_lines_come_first_whatever_the_board_has() {
    let six = ["camera", "reader-1", "relay", "door-contact", "clock", "network"];
    let check = |device| DeviceCheck { device, path: "x".into(), verdict: Verdict::Works, level: None };
    let few = lines::six(&[check(DeviceName::Clock), check(DeviceName::Camera)]);
    assert_eq!(few.iter().map(|line| line.part.as_str()).collect::<Vec<_>>(), six);
    assert_eq!(few[1].state, State::Absent);
    let many = [
        DeviceName::SoundPlayer,
        DeviceName::Reader(1),
        DeviceName::Reader(0),
        DeviceName::Input(Input::FireContact),
        DeviceName::Input(Input::DoorPosition),
        DeviceName::Strike,
        DeviceName::Clock,
        DeviceName::Camera,
    ];
    let many = lines::six(&many.map(check));
    let parts: Vec<_> = many.iter().map(|line| line.part.as_str()).collect();
    assert_eq!((&parts[..6], &parts[6..]), (&six[..], &["speaker", "reader-2", "fire-contact"][..]));
}

#[test]
fn what_is_missing_says_what_to_do_in_both_languages() {
    let site = Site::new();
    let board = site.board(
        "[strike]\nkind = 'lcus-1'\ndevice = '/dev/not-there'\nchannel = 1\npulse_ms = 500\n\
         on_power_loss = 'fail-secure'\n",
    );
    fs::remove_dir_all(site.folder.path().join("photos")).unwrap();
    let lines = lines::six(&board.self_test(&clock::system(), &no_guard()));
    let relay = &lines[2];
    assert_eq!((relay.state, lines[0].state.is_good()), (State::NotSeen, false));
    for sentence in [
        "リレー（ドアを開ける装置）が見つかりません。USBケーブルを差し直してください（/dev/not-there）",
        "Relay not found. Re-plug the USB cable (/dev/not-there)",
    ] {
        assert!(relay.to_string().contains(sentence), "{relay}");
    }
    assert!(relay.to_string().starts_with('×'));
}
