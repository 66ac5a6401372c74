#![allow(clippy::unwrap_used)]
//! Facts about board files.

use std::time::Duration;

use super::*;
use crate::{BootClock, Input, lines::Bias, panel::PanelSize, strike::modbus::Place};

const LCUS: &str = r#"
name = "front door"
inference_threads = 2
readers = []

[camera]
kind = "usb"
device = "/dev/video0"
width_px = 640
height_px = 480
frames_per_second = 30
formats = ["yuyv", "mjpeg"]

[strike]
kind = "lcus-1"
device = "/dev/ttyUSB0"
channel = 1
pulse_ms = 3000
on_power_loss = "fail-secure"
"#;

fn shipped(name: &str) -> Board {
    Board::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("boards").join(name)).unwrap()
}

fn no_guard() -> GuardCommand {
    GuardCommand { program: "/nonexistent/guard".into(), args: Vec::new() }
}

/// The message for the board above with one text replaced.
fn refusal(from: &str, to: &str) -> String {
    assert!(LCUS.contains(from));
    file::parse(Path::new("/etc/door.toml"), &LCUS.replace(from, to)).unwrap_err().to_string()
}

fn names(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

#[test]
fn the_shipped_boards_are_what_they_say() {
    let sim = shipped("sim.toml");
    assert!(matches!(sim.camera, CameraFacts::Folder(_)));
    assert!(matches!(sim.strike.as_ref().unwrap().mechanism, Mechanism::Sim { .. }));
    assert!(sim.sim_pulses().is_some());
    let counter = shipped("counter.toml");
    assert!(matches!(counter.camera, CameraFacts::Usb(_)));
    assert_eq!(counter.strike, None);
    assert!(counter.open_strike(Arc::new(BootClock), no_guard()).unwrap().is_none());
    assert!(counter.sim_pulses().is_none());
    assert!(force_idle(&counter).is_ok());
    let door = shipped("generic-x86.toml");
    let strike = door.strike.unwrap();
    assert_eq!(strike.mechanism, Mechanism::Lcus1 { device: "/dev/ttyUSB0".into(), channel: 1 });
    assert_eq!(strike.on_power_loss, PowerLoss::FailSecure);
}

#[test]
fn the_shipped_simulator_has_a_reader_and_contacts_whose_files_may_be_missing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sim.toml");
    std::fs::copy(shipped("sim.toml").file, &file).unwrap();
    let board = Board::load(&file).unwrap();
    assert_eq!(board.strike.as_ref().unwrap().on_power_loss, PowerLoss::FailSecure);
    let (mut inputs, mut readers) = (
        board.open_inputs(Arc::new(BootClock)).unwrap().unwrap(),
        board.open_readers(Arc::new(BootClock)).unwrap(),
    );
    assert_eq!(inputs.next(Duration::from_millis(50)), Ok(None));
    assert!(readers[0].next(Duration::from_millis(50)).unwrap().is_none());
    let made = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(made, 1, "opening them makes no file");
}

#[test]
fn the_boards_with_pins_say_that_they_were_not_run_and_wire_the_fire_alarm_so_that_a_cut_wire_is_one() {
    for name in ["rpi5.toml", "imx8mp.toml"] {
        let board = shipped(name);
        let text = std::fs::read_to_string(&board.file).unwrap();
        let (first, _) = text.split_once("#\n").unwrap();
        assert!(first.contains("NOT YET RUN ON HARDWARE"), "{name}");
        assert!(matches!(board.camera, CameraFacts::Usb(_)));
        assert_eq!((board.sensor, board.direction), (SensorTier::Rgb, Direction::In));
        let strike = board.strike.unwrap();
        assert_eq!(strike.on_power_loss, PowerLoss::FailSecure);
        assert!(matches!(strike.mechanism, Mechanism::Gpio { line: Line { active_low: false, .. }, .. }));
        let Some(InputsFacts::Gpio { lines, .. }) = board.inputs else { panic!("{name} has contacts") };
        let wired: Vec<_> = lines.iter().map(|&(input, _)| input).collect();
        assert_eq!(wired, Input::ALL);
        let (_, fire) = lines[2];
        assert!(!fire.active_low && fire.bias != Bias::PullDown, "{name}: an open loop is an alarm");
    }
}

#[test]
fn the_detector_s_picture_has_the_usual_size_unless_the_board_says_another() {
    let parse = |text: &str| file::parse(Path::new("/etc/door.toml"), text).unwrap().detector_side_px;
    assert_eq!(parse(LCUS), 640);
    assert_eq!(parse(&LCUS.replace("readers = []", "readers = []\ndetector_side_px = 320")), 320);
    let int8 = |text: &str| file::parse(Path::new("/etc/door.toml"), text).unwrap().embedder_int8;
    assert!(!int8(LCUS) && int8(&LCUS.replace("readers = []", "readers = []\nembedder_int8 = true")));
    assert_eq!(shipped("sim.toml").detector_side_px, 640);
}

fn loaded(text: &str) -> Board {
    file::parse(Path::new("/etc/genkan/door.toml"), text).unwrap()
}

#[test]
fn a_real_camera_sees_colour_and_pictures_stand_for_living_people_unless_the_board_says_otherwise() {
    assert_eq!(loaded(LCUS).sensor, SensorTier::Rgb);
    let sim = std::fs::read_to_string(shipped("sim.toml").file).unwrap();
    assert_eq!(loaded(&sim.replace("sensor = \"simulated\"", "")).sensor, SensorTier::Simulated);
    assert_eq!(loaded(&sim).sensor, SensorTier::Simulated);
    for (word, tier) in [("rgb", SensorTier::Rgb), ("nir", SensorTier::Nir), ("depth", SensorTier::Depth)] {
        let usb = LCUS.replace("kind = \"usb\"", &format!("kind = \"usb\"\nsensor = \"{word}\""));
        assert_eq!(loaded(&usb).sensor, tier);
        assert_eq!(loaded(&sim.replace("\"simulated\"", &format!("\"{word}\""))).sensor, tier);
    }
}

#[test]
fn a_real_camera_is_never_taken_for_a_simulated_one() {
    let say = |value: &str| refusal("kind = \"usb\"", &format!("kind = \"usb\"\nsensor = {value}"));
    names(&say("\"simulated\""), &["camera.sensor", "simulated", "rgb", "nir", "depth"]);
    names(&say("\"thermal\""), &["camera.sensor", "thermal", "simulated", "rgb", "nir", "depth"]);
    names(&say("3"), &["camera.sensor", "3", "rgb"]);
}

#[test]
fn people_come_in_here_unless_the_board_says_otherwise() {
    let parse = |value: &str| loaded(&LCUS.replace("readers = []", &format!("readers = []\n{value}")));
    assert_eq!(parse("").direction, Direction::In);
    assert_eq!(parse("direction = \"out\"").direction, Direction::Out);
    assert_eq!(parse("direction = \"both\"").direction, Direction::Both);
    names(
        &refusal("readers = []", "readers = []\ndirection = \"up\""),
        &["direction", "up", "in", "out", "both"],
    );
}

const CONTACTS: &str = r#"
[inputs]
kind = "gpio"
chip = "/dev/gpiochip0"
door_position = { line = 23, active = "high", bias = "pull-up" }
request_to_exit = { line = 24, active = "low", bias = "pull-up" }
"#;

#[test]
fn contacts_are_on_the_lines_of_the_board_file() {
    assert_eq!(loaded(LCUS).inputs, None);
    let Some(facts @ InputsFacts::Gpio { chip, lines }) = &loaded(&format!("{LCUS}{CONTACTS}")).inputs else {
        panic!("these are GPIO inputs")
    };
    assert_eq!(chip, Path::new("/dev/gpiochip0"));
    let door = Line { offset: 23, active_low: false, bias: Bias::PullUp };
    let button = Line { offset: 24, active_low: true, bias: Bias::PullUp };
    assert_eq!(lines[..], [(Input::DoorPosition, door), (Input::RequestToExit, button)]);
    assert_eq!(facts.wired(), [Input::DoorPosition, Input::RequestToExit]);
    let fire = format!("{LCUS}{CONTACTS}fire_contact = {{ line = 25, active = \"high\" }}");
    let Some(InputsFacts::Gpio { lines, .. }) = loaded(&fire).inputs else { panic!("these are GPIO inputs") };
    assert_eq!(lines[2], (Input::FireContact, Line { offset: 25, active_low: false, bias: Bias::AsIs }));
    let sim = loaded(&format!("{LCUS}[inputs]\nkind = \"sim\"\npath = \"door.txt\"\n")).inputs.unwrap();
    assert_eq!(sim, InputsFacts::Sim { path: "/etc/genkan/door.txt".into() });
    assert_eq!(sim.wired(), Input::ALL);
}

#[test]
fn wrong_contacts_are_named_with_what_is_allowed() {
    let refused = |from: &str, to: &str| {
        assert!(CONTACTS.contains(from));
        refusal(LCUS, &format!("{LCUS}{}", CONTACTS.replace(from, to)))
    };
    names(&refused("\"gpio\"", "\"modbus\""), &["inputs.kind", "modbus", "sim", "gpio"]);
    names(&refused("door_position", "dps"), &["[inputs]", "dps", "door_position", "fire_contact", "tamper"]);
    names(&refused("active = \"high\"", "active = \"open\""), &["[inputs]", "open", "high", "low"]);
    names(&refused("active = \"high\", ", ""), &["[inputs]", "active"]);
    names(&refused("\"pull-up\"", "\"pullup\""), &["[inputs]", "pullup", "pull-up", "pull-down", "off"]);
    names(&refused("line = 23", "line = -1"), &["[inputs]", "-1"]);
    let none = CONTACTS.lines().take(4).collect::<Vec<_>>().join("\n");
    names(
        &refusal(LCUS, &format!("{LCUS}{none}")),
        &["inputs", "door_position", "request_to_exit", "tamper"],
    );
}

const GPIO: &str = r#"[strike]
kind = "gpio"
chip = "/dev/gpiochip0"
line = 17
active_low = false
pulse_ms = 3000
on_power_loss = "fail-secure"
"#;

fn gpio(strike: &str) -> String {
    let (before, _) = LCUS.split_once("[strike]").unwrap();
    format!("{before}{strike}")
}

#[test]
fn a_relay_may_hang_on_a_line_of_the_computer() {
    let low = gpio(&GPIO.replace("active_low = false", "active_low = true"));
    for (text, active_low) in [(gpio(GPIO), false), (low, true)] {
        let line = Line { offset: 17, active_low, bias: Bias::AsIs };
        let wanted = Mechanism::Gpio { chip: "/dev/gpiochip0".into(), line };
        assert_eq!(loaded(&text).strike.unwrap().mechanism, wanted);
    }
    let without = |part: &str| refusal(LCUS, &gpio(&GPIO.replace(part, "")));
    names(&without("active_low = false\n"), &["[strike]", "active_low"]);
    names(&without("line = 17\n"), &["[strike]", "line"]);
    names(&refusal(LCUS, &gpio(&GPIO.replace("3000", "100"))), &["strike.pulse_ms", "100", "200 to 5000"]);
    let missing = loaded(&gpio(&GPIO.replace("/dev/gpiochip0", "/nonexistent/gpiochip0")));
    let open = missing.open_strike(Arc::new(BootClock), no_guard()).map(|_| ()).unwrap_err();
    for error in [open, force_idle(&missing).unwrap_err()] {
        names(&error.to_string(), &["/nonexistent/gpiochip0", "found instead", "`chip`"]);
    }
}

const MODBUS: &str = r#"[strike]
kind = "modbus-rtu"
device = "/dev/ttyUSB0"
baud_rate = 9600
address = 1
coil = 0
flash_on = true
pulse_ms = 3000
on_power_loss = "fail-secure"
"#;

#[test]
fn a_relay_may_speak_modbus() {
    let place = Place { baud_rate: 9_600, address: 1, coil: 0 };
    let wanted = Mechanism::Modbus { device: "/dev/ttyUSB0".into(), place, flash_on: true };
    assert_eq!(loaded(&gpio(MODBUS)).strike.unwrap().mechanism, wanted);
    let refused = |from: &str, to: &str| {
        assert!(MODBUS.contains(from));
        refusal(LCUS, &gpio(&MODBUS.replace(from, to)))
    };
    names(&refused("9600", "9601"), &["strike.baud_rate", "9601", "9600", "115200"]);
    for address in ["0", "248"] {
        let said = refused("address = 1", &format!("address = {address}"));
        names(&said, &["strike.address", address, "1 to 247"]);
    }
    names(&refused("coil = 0", "coil = 256"), &["[strike]", "coil", "256"]);
    names(&refused("flash_on = true\n", ""), &["[strike]", "flash_on"]);
    names(&refused("flash_on", "flash"), &["[strike]", "`flash`", "`flash_on`"]);
    names(&refused("3000", "100"), &["strike.pulse_ms", "100", "200 to 5000"]);
    let missing = loaded(&gpio(&MODBUS.replace("/dev/ttyUSB0", "/nonexistent/ttyUSB0")));
    names(&force_idle(&missing).unwrap_err().to_string(), &["/nonexistent/ttyUSB0", "found instead"]);
}

/// The board above with a small panel.
fn with_panel(panel: &str) -> Result<Board, BoardError> {
    file::parse(Path::new("/etc/genkan/door.toml"), &format!("{LCUS}\n[panel]\n{panel}"))
}

const TFT: &str = "kind = \"st7789\"\ndevice = \"/dev/spidev0.0\"\nchip = \"/dev/gpiochip0\"\n\
    data_command_line = 5\nreset_line = 6\n";

#[test]
fn a_small_panel_is_the_one_of_the_board_file() {
    let panel = |text: &str| with_panel(text).unwrap().panel.unwrap();
    for (name, size) in [("128x64", PanelSize::OLED), ("240x135", PanelSize::TFT)] {
        let sim = panel(&format!("kind = \"sim\"\npath = \"panel.png\"\nsize = \"{name}\""));
        assert_eq!(sim, PanelFacts::Sim { path: "/etc/genkan/panel.png".into(), size });
    }
    let oled = panel("kind = \"ssd1306\"\ndevice = \"/dev/i2c-1\"\naddress = 61");
    assert_eq!(oled, PanelFacts::Ssd1306 { device: "/dev/i2c-1".into(), address: 61 });
    let line = |offset, active_low| Line { offset, active_low, bias: Bias::AsIs };
    let tft = PanelFacts::St7789 {
        device: "/dev/spidev0.0".into(),
        chip: "/dev/gpiochip0".into(),
        data_command: line(5, false),
        reset: line(6, true),
    };
    assert_eq!(panel(TFT), tft);
    assert!(loaded(LCUS).panel.is_none() && loaded(LCUS).open_panel().is_none());
    assert!(with_panel(TFT).unwrap().open_panel().is_some());
}

#[test]
fn a_wrong_value_of_a_small_panel_is_named_with_what_is_allowed() {
    let sim = "kind = \"sim\"\npath = \"panel.png\"\nsize = \"128x64\"\n";
    let oled = "kind = \"ssd1306\"\ndevice = \"/dev/i2c-1\"\naddress = 60\n";
    let wrong: [(String, &[&str]); 11] = [
        (sim.replace("\"sim\"", "\"e-paper\""), &["panel.kind", "e-paper", "sim", "ssd1306", "st7789"]),
        (sim.replace("kind = \"sim\"", ""), &["panel.kind", "(nothing)", "ssd1306"]),
        (sim.replace("\"sim\"", "1"), &["panel.kind", "1", "ssd1306"]),
        (sim.replace("128x64", "64x128"), &["panel.size", "64x128", "128x64", "240x135"]),
        (sim.replace("size = \"128x64\"", ""), &["[panel]", "size"]),
        (sim.replace("path", "file"), &["[panel]", "file", "path"]),
        (oled.replace("60", "62"), &["panel.address", "62", "0x3C", "0x3D"]),
        (oled.replace("60", "300"), &["[panel]", "300"]),
        (format!("{oled}width_px = 128"), &["[panel]", "width_px", "address"]),
        (TFT.replace("reset_line = 6", ""), &["[panel]", "reset_line"]),
        (TFT.replace("= 6", "= 5"), &["line", "5", "one use", "panel"]),
    ];
    for (text, parts) in wrong {
        let message = with_panel(&text).unwrap_err().to_string();
        names(&message, parts);
        names(&message, &["/etc/genkan/door.toml"]);
    }
}

#[test]
fn a_line_has_one_use() {
    let both = |contacts: &str| gpio(&format!("{GPIO}{contacts}"));
    assert!(loaded(&both(CONTACTS)).strike.is_some());
    let other_chip = CONTACTS.replace("line = 23", "line = 17").replace("gpiochip0", "gpiochip1");
    assert!(loaded(&both(&other_chip)).strike.is_some());
    for (from, to) in [("line = 23", "line = 17"), ("line = 23", "line = 24")] {
        let said = refusal(LCUS, &both(&CONTACTS.replace(from, to)));
        names(&said, &["line", to.trim_start_matches("line = "), "one use"]);
    }
}

#[test]
fn a_chip_that_is_not_there_is_answered_with_what_was_found() {
    let board = loaded(&format!("{LCUS}{}", CONTACTS.replace("/dev/gpiochip0", "/nonexistent/gpiochip0")));
    let error = board.open_inputs(Arc::new(BootClock)).map(|_| ()).unwrap_err().to_string();
    names(&error, &["/nonexistent/gpiochip0", "found instead", "`chip`"]);
}

#[test]
fn readers_are_those_of_the_board_file_in_its_order() {
    assert_eq!(loaded(LCUS).readers, []);
    let with = |readers: &str| format!("{}\n{readers}", LCUS.replace("readers = []", ""));
    let two = "[[readers]]\nkind = \"sim\"\npath = \"cards.txt\"\n[[readers]]\nkind = \"sim\"\npath = \"/run/qr.fifo\"\n";
    let sim = |path: &str| ReaderFacts::Sim { path: path.into() };
    assert_eq!(loaded(&with(two)).readers, [sim("/etc/genkan/cards.txt"), sim("/run/qr.fifo")]);
    names(&refusal(LCUS, &with(&two.replace("sim", "usb"))), &["readers.kind", "usb", "sim", "pcsc"]);
    names(&refusal(LCUS, &with(&two.replace("path", "file"))), &["[[readers]]", "file", "path"]);
    names(&refusal(LCUS, &with(&two.replace("kind = \"sim\"", ""))), &["readers.kind", "sim"]);
}

#[test]
fn readers_of_chip_cards_have_a_name_and_stand_apart_from_those_that_only_say_what_was_shown() {
    let with = |readers: &str| format!("{}\n{readers}", LCUS.replace("readers = []", ""));
    let one = "[[readers]]\nkind = \"pcsc\"\nname = \"RC-S300\"\n";
    let board = loaded(&with(&format!("{one}[[readers]]\nkind = \"sim\"\npath = \"cards.txt\"\n")));
    let reader = |authorities| CardReaderFacts { name: "RC-S300".into(), authorities };
    assert_eq!(board.card_readers, [reader(None)]);
    let trusting = loaded(&with(&format!("{one}authorities = \"authorities\"\n")));
    assert_eq!(trusting.card_readers, [reader(Some("/etc/genkan/authorities".into()))]);
    assert_eq!(board.readers, [ReaderFacts::Sim { path: "/etc/genkan/cards.txt".into() }]);
    names(&refusal(LCUS, &with(&one.replace("RC-S300", " "))), &["readers.name", "part", "pcsc_scan"]);
    names(&refusal(LCUS, &with(&one.replace("name", "path"))), &["[[readers]]", "path", "name"]);
    names(&refusal(LCUS, &with(&format!("{one}{one}"))), &["readers.name", "RC-S300", "one section"]);
}

#[test]
fn a_board_is_silent_unless_it_names_a_player() {
    assert_eq!(loaded(LCUS).sound, None);
    let with = |player: &str| format!("{LCUS}\n[sound]\nplayer = {player}\n");
    let player = |text: &str| loaded(&with(text)).sound.unwrap().player;
    assert_eq!(player("[\"aplay\", \"-q\"]"), ["aplay", "-q"]);
    assert_eq!(player("[\"./play.sh\"]"), ["/etc/genkan/./play.sh"]);
    for wrong in ["[]", "[\"\"]", "[\" \", \"-q\"]"] {
        names(&refusal(LCUS, &with(wrong)), &["sound.player", "aplay"]);
    }
    names(&refusal(LCUS, &format!("{LCUS}\n[sound]\nplayr = []\n")), &["playr", "player"]);
}

#[test]
fn every_shipped_key_is_explained() {
    for name in ["sim.toml", "counter.toml", "generic-x86.toml", "rpi5.toml", "imx8mp.toml"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("boards").join(name);
        let text = std::fs::read_to_string(path).unwrap();
        let mut explained = false;
        for line in text.lines() {
            assert!(!line.contains('=') || line.starts_with('#') || explained, "{name}: {line}");
            explained = line.starts_with('#');
        }
    }
}

#[test]
fn paths_are_relative_to_the_board_file() {
    let board =
        file::parse(Path::new("/etc/genkan/door.toml"), &LCUS.replace("/dev/ttyUSB0", "relay")).unwrap();
    let Mechanism::Lcus1 { device, .. } = board.strike.unwrap().mechanism else { panic!("another relay") };
    assert_eq!(device, Path::new("/etc/genkan/relay"));
}

#[test]
fn a_typo_in_a_key_is_named_with_the_allowed_ones() {
    names(
        &refusal("pulse_ms", "puls_ms"),
        &["/etc/door.toml", "[strike]", "`puls_ms`", "`pulse_ms`", "`channel`"],
    );
    names(&refusal("width_px", "width"), &["/etc/door.toml", "[camera]", "`width`", "`width_px`"]);
    names(&refusal("readers = []", "raeders = []"), &["/etc/door.toml", "raeders", "readers"]);
    names(&refusal("[strike]", "[stirke]"), &["/etc/door.toml", "stirke", "strike"]);
}

#[test]
fn a_missing_key_is_named() {
    names(&refusal("channel = 1\n", ""), &["/etc/door.toml", "[strike]", "channel"]);
    names(&refusal("inference_threads = 2\n", ""), &["/etc/door.toml", "inference_threads"]);
    names(&refusal("kind = \"usb\"\n", ""), &["/etc/door.toml", "camera.kind", "folder", "usb"]);
}

#[test]
fn a_value_outside_its_range_is_named_with_the_range() {
    for pulse in ["199", "5001", "0", "3000000"] {
        let message = refusal("pulse_ms = 3000", &format!("pulse_ms = {pulse}"));
        names(&message, &["/etc/door.toml", "strike.pulse_ms", pulse, "200 to 5000"]);
    }
    names(&refusal("channel = 1", "channel = 9"), &["strike.channel", "9", "1 to 8"]);
    names(&refusal("channel = 1", "channel = 0"), &["strike.channel", "0", "1 to 8"]);
    names(
        &refusal("\"lcus-1\"", "\"lcus\""),
        &["strike.kind", "\"lcus\"", "lcus-1", "modbus-rtu", "sim", "gpio"],
    );
    names(&refusal("\"fail-secure\"", "\"fail-open\""), &["fail-open", "fail-secure", "fail-safe"]);
    names(&refusal("\"mjpeg\"", "\"h264\""), &["h264", "yuyv", "mjpeg"]);
    names(&refusal("[\"yuyv\", \"mjpeg\"]", "[]"), &["camera.formats", "yuyv", "mjpeg"]);
    names(&refusal("= 2", "= 0"), &["inference_threads", "1 to 64"]);
    for side in ["159", "1281", "0"] {
        let key = format!("readers = []\ndetector_side_px = {side}");
        names(&refusal("readers = []", &key), &["detector_side_px", side, "160 to 1280"]);
    }
    names(&refusal("readers = []", "readers = [\"pcsc\"]"), &["readers", "pcsc", "[]", "[[readers]]", "sim"]);
}

#[test]
fn a_value_of_another_kind_is_named() {
    names(&refusal("pulse_ms = 3000", "pulse_ms = \"3 s\""), &["[strike]", "pulse_ms", "3 s"]);
    names(&refusal("pulse_ms = 3000", "pulse_ms = -1"), &["[strike]", "pulse_ms", "-1"]);
}

#[test]
fn a_file_that_is_not_there_or_no_toml_is_named() {
    names(&Board::load(Path::new("/nonexistent.toml")).unwrap_err().to_string(), &["/nonexistent.toml"]);
    names(&refusal("name =", "name"), &["/etc/door.toml", "line 2"]);
}

#[test]
fn pulse_lengths_at_the_edges_are_allowed() {
    for pulse in [200, 5_000] {
        let text = LCUS.replace("3000", &pulse.to_string());
        let board = file::parse(Path::new("door.toml"), &text).unwrap();
        assert_eq!(board.strike.unwrap().pulse, Duration::from_millis(pulse));
    }
}

#[test]
fn a_relay_that_is_not_there_is_answered_with_what_was_found() {
    let text = LCUS.replace("/dev/ttyUSB0", "/nonexistent/ttyUSB0");
    let board = file::parse(Path::new("door.toml"), &text).unwrap();
    let open = board.open_strike(Arc::new(BootClock), no_guard()).map(|_| ()).unwrap_err();
    for error in [open, force_idle(&board).unwrap_err()] {
        names(&error.to_string(), &["/nonexistent/ttyUSB0", "found instead", "`device`", "[strike]"]);
    }
}
