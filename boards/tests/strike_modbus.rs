//! The Modbus relay at the end of a pseudo terminal: against a small board of our own that counts how long its coil is driven
//! and misbehaves as told, and against pymodbus.
//!
//! pymodbus judges frames, check sums, exceptions and coil states. It knows no flash-on and answers it as old firmware
//! does; how long a flash lasts, and every wrong answer, is the board's of our own.
//!
//! This program has its own `main`, because it plays several parts: `test`, `strike-guard`, and `pulser` and `holder`, which
//! are killed.

#![allow(clippy::unwrap_used)]

#[path = "strike_modbus/board.rs"]
mod board;
#[path = "strike_modbus/peer.rs"]
mod peer;
mod programs;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use boards::{
    BootClock, Clock, GuardCommand, Strike, StrikeError,
    contract::{self, clock, grant, wait_until},
    strike::{
        modbus::{ModbusRelay, Place},
        pulse::PulsedStrike,
    },
};
use gate::{DoorId, PulseResult};
use rustix::process::{Signal, kill_process};

use board::{Board, Manner};
use programs::{Program, only_guard_of, run_facts, this_program};

const DOOR: DoorId = DoorId(0);
const PLACE: Place = Place { baud_rate: 9_600, address: 1, coil: 2 };
const PULSE: Duration = Duration::from_millis(400);

/// Longer than any test runs: only a guard can end such a pulse in time.
const ENDLESS: Duration = Duration::from_mins(10);

/// A flash that a board must end: long enough to kill two programs in.
const LONG: Duration = Duration::from_secs(3);

/// Bound of everything that must happen soon, on the slowest machine.
const SOON: Duration = Duration::from_secs(30);

type Fact = (&'static str, fn());

const FACTS: &[Fact] = &[
    ("the_relay_keeps_the_contract_of_a_strike_with_flash_on", with_flash_on),
    ("the_relay_keeps_the_contract_of_a_strike_without_flash_on", without_flash_on),
    ("the_board_ends_a_pulse_when_program_and_guard_were_killed", the_board_ends_the_pulse),
    ("without_flash_on_the_guard_ends_the_pulse_of_a_killed_program", the_guard_ends_the_pulse),
    ("the_guard_ends_the_hold_of_a_killed_program", the_guard_ends_the_hold),
    ("a_board_without_flash_on_pulses_all_the_same_and_says_so_once", old_firmware),
    ("a_flash_whose_echo_was_lost_is_not_given_twice", a_lost_echo),
    ("a_bad_answer_is_named_in_time_and_gives_no_pulse", bad_answers),
    ("an_adaptor_that_echoes_is_no_relay", an_echo),
    ("a_late_answer_is_not_taken_for_the_next_one", a_late_answer),
    ("a_stuck_relay_is_told_before_and_after_a_pulse", stuck),
    ("a_relay_that_answers_again_is_well", answers_again),
    ("the_stop_action_puts_the_relay_to_rest", the_stop_action),
    ("pymodbus_understands_every_frame_as_it_was_meant", peer::understands),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["strike-guard", duty] => {
            let duty = duty.parse().unwrap();
            if let Err(error) = boards::guard::run(std::io::stdin(), std::io::stdout(), duty) {
                eprint!("({error}) ");
                std::process::exit(1);
            }
        }
        ["pulser", device, flash_on, pulse_ms] => {
            let pulse = Duration::from_millis(pulse_ms.parse().unwrap());
            let mut strike = open(Path::new(device), flash_on == "true", pulse).unwrap();
            let _ = release(&mut strike);
            panic!("nobody killed the pulser");
        }
        ["holder", device] => {
            let mut strike = open(Path::new(device), true, PULSE).unwrap();
            strike.hold_released(true).unwrap();
            thread::sleep(ENDLESS);
            panic!("nobody killed the holder");
        }
        ["--list", ..] => FACTS.iter().for_each(|(name, _)| println!("{name}: test")),
        _ => {
            let wanted = words.iter().find(|word| !word.starts_with('-')).copied().unwrap_or_default();
            run_facts(FACTS, wanted, |fact| fact());
        }
    }
}

fn guard() -> GuardCommand {
    GuardCommand { program: this_program(), args: vec!["strike-guard".into()] }
}

fn open(device: &Path, flash_on: bool, pulse: Duration) -> Result<PulsedStrike, StrikeError> {
    PulsedStrike::open(ModbusRelay::new(device.into(), PLACE, flash_on, guard()), DOOR, pulse, clock())
}

fn release(strike: &mut PulsedStrike) -> PulseResult {
    strike.release(grant(DOOR, BootClock.now())).result()
}

fn playing(part: &[&str]) -> Program {
    Program::start(Command::new(this_program()).args(part).stdin(Stdio::null()))
}

fn keeps_the_contract(flash_on: bool) {
    contract::strike(|| {
        let board = Board::start(Manner::Good);
        let strike = open(&board.device, flash_on, PULSE).unwrap();
        contract::Subject { strike: Box::new(strike), pulse: PULSE, see: Box::new(move || board.seen()) }
    });
}

fn with_flash_on() {
    keeps_the_contract(true);
}

fn without_flash_on() {
    keeps_the_contract(false);
}

fn pulsing(board: &Board, flash_on: bool, pulse: Duration) -> Program {
    let milliseconds = pulse.as_millis().to_string();
    let flash_on = flash_on.to_string();
    let program = playing(&["pulser", board.device.to_str().unwrap(), &flash_on, &milliseconds]);
    wait_until("a pulse begins", || board.driven());
    program
}

fn the_board_ends_the_pulse() {
    let board = Board::start(Manner::Good);
    let mut program = pulsing(&board, true, LONG);
    kill_process(only_guard_of(program.id()), Signal::KILL).unwrap();
    program.kill();
    assert!(board.driven(), "nobody was left to end it");
    wait_until("the board ends it", || !board.driven());
    let pulse = board.seen().pulses[0];
    assert!(pulse.ended.since(pulse.not_before) >= LONG);
    assert!(pulse.ended.since(pulse.began) < LONG + PULSE + PULSE, "and in its own time");
}

fn the_guard_ends_the_pulse() {
    let board = Board::start(Manner::Good);
    let mut program = pulsing(&board, false, ENDLESS);
    assert_eq!(board.state().flashes(), 0);
    program.kill();
    wait_until("the guard ends it", || !board.driven());
    // And the port is free for the next program.
    let mut strike = open(&board.device, true, PULSE).unwrap();
    assert!(matches!(release(&mut strike), PulseResult::Pulsed(_)));
}

fn the_guard_ends_the_hold() {
    let board = Board::start(Manner::Good);
    let mut program = playing(&["holder", board.device.to_str().unwrap()]);
    wait_until("it is held", || board.driven());
    thread::sleep(PULSE + PULSE);
    assert!(board.driven(), "a hold is no flash");
    program.kill();
    wait_until("the guard ends it", || !board.driven());
}

fn old_firmware() {
    let board = Board::start(Manner::Old);
    let mut strike = open(&board.device, true, PULSE).unwrap();
    assert_eq!(strike.remark(), None);
    for _ in 0..2 {
        let PulseResult::Pulsed(driven) = release(&mut strike) else { panic!("the door opens all the same") };
        assert!(driven >= PULSE);
    }
    let seen = board.seen();
    assert!(!seen.driven && seen.pulses.len() == 2, "{seen:?}");
    assert_eq!(board.state().flashes(), 1, "it is asked once");
    let remark = strike.remark().unwrap();
    assert!(remark.contains("flash_on = false") && remark.contains("guard"), "{remark}");
    assert_eq!(strike.remark(), None, "it is said once");
    assert_eq!(strike.check(), Ok(()), "nothing is wrong");
    drop(strike);
    let mut program = pulsing(&board, true, ENDLESS);
    program.kill();
    wait_until("the guard ends it", || !board.driven());
}

fn a_lost_echo() {
    let board = Board::start(Manner::MuteFlash);
    // Longer than the driver waits for the echo.
    let pulse = Duration::from_secs(2);
    let mut strike = open(&board.device, true, pulse).unwrap();
    assert!(matches!(release(&mut strike), PulseResult::Pulsed(_)), "the coil says that it was heard");
    assert_eq!(board.state().flashes(), 1);
    assert_eq!(board.seen().pulses.len(), 1);
}

fn bad_answers() {
    for manner in [
        Manner::Dead,
        Manner::Mute,
        Manner::Garbled,
        Manner::Foreign,
        Manner::Short,
        Manner::Refusing,
        Manner::Late(Duration::from_secs(2)),
    ] {
        let board = Board::start(Manner::Good);
        let mut strike = open(&board.device, true, PULSE).unwrap();
        board.state().manner = manner;
        let asked = Instant::now();
        let result = release(&mut strike);
        assert_eq!(result, PulseResult::StrikeFailed, "{manner:?}");
        assert!(asked.elapsed() < SOON, "{manner:?}: an answer in time");
        let error = strike.check().unwrap_err();
        let named = match manner {
            Manner::Dead | Manner::Mute | Manner::Late(_) => matches!(error, StrikeError::Silent { .. }),
            Manner::Garbled => error.to_string().contains("CRC"),
            Manner::Foreign => error.to_string().contains("address 99"),
            Manner::Short => error.to_string().contains("broke off"),
            Manner::Refusing => matches!(error, StrikeError::Refused { code: 2, .. }),
            Manner::Good | Manner::Old | Manner::MuteFlash | Manner::Echo | Manner::Stuck(_) => false,
        };
        assert!(named, "{manner:?}: {error}");
        assert!(error.to_string().contains(board.device.to_str().unwrap()), "{error}");
        let seen = board.seen();
        assert!(!seen.driven && seen.pulses.is_empty(), "{manner:?}: nothing was driven: {seen:?}");
    }
}

fn an_echo() {
    let board = Board::start(Manner::Echo);
    let error = open(&board.device, true, PULSE).map(|_| ()).unwrap_err();
    assert!(matches!(error, StrikeError::Answer { .. }), "{error}");
}

fn a_late_answer() {
    let board = Board::start(Manner::Good);
    let mut strike = open(&board.device, true, PULSE).unwrap();
    board.state().manner = Manner::Late(Duration::from_millis(700));
    assert!(strike.check().is_err());
    board.state().manner = Manner::Good;
    wait_until("it is well again", || strike.check().is_ok());
    assert!(matches!(release(&mut strike), PulseResult::Pulsed(_)));
    assert_eq!(board.seen().pulses.len(), 1);
}

fn stuck() {
    let board = Board::start(Manner::Good);
    let mut strike = open(&board.device, true, PULSE).unwrap();
    board.state().manner = Manner::Stuck(false);
    assert_eq!(release(&mut strike), PulseResult::StrikeFailed, "it was not driven");
    let error = strike.check().unwrap_err();
    assert!(matches!(error, StrikeError::Contrary { told: "driven", .. }), "{error}");
    let board = Board::start(Manner::Stuck(true));
    let error = open(&board.device, true, PULSE).map(|_| ()).unwrap_err();
    assert!(matches!(error, StrikeError::Contrary { told: "at rest", .. }), "{error}");
    let board = Board::start(Manner::Good);
    let mut strike = open(&board.device, false, LONG).unwrap();
    let device = board.device.clone();
    thread::scope(|scope| {
        scope.spawn(|| {
            wait_until("it is driven", || board.driven());
            board.state().manner = Manner::Stuck(true);
        });
        assert_eq!(release(&mut strike), PulseResult::StrikeFailed, "its pulse did not end");
    });
    let error = strike.check().unwrap_err();
    assert!(matches!(error, StrikeError::Contrary { told: "at rest", .. }), "{error}");
    assert!(error.to_string().contains(device.to_str().unwrap()), "{error}");
}

fn answers_again() {
    let board = Board::start(Manner::Good);
    let mut strike = open(&board.device, true, PULSE).unwrap();
    board.state().manner = Manner::Dead;
    assert!(strike.check().is_err());
    board.state().manner = Manner::Good;
    wait_until("it is well again", || strike.check().is_ok());
    assert!(matches!(release(&mut strike), PulseResult::Pulsed(_)));
}

fn the_stop_action() {
    let board = Board::start(Manner::Good);
    let mut program = pulsing(&board, false, ENDLESS);
    kill_process(only_guard_of(program.id()), Signal::KILL).unwrap();
    program.kill();
    assert!(board.driven(), "guard and program were killed: the relay is still driven");
    boards::force_idle(&board_file(&board.device)).unwrap();
    assert!(!board.driven());
}

fn board_file(device: &Path) -> boards::Board {
    let folder = tempfile::tempdir().unwrap();
    let file: PathBuf = folder.path().join("door.toml");
    let generic = Path::new(env!("CARGO_MANIFEST_DIR")).join("boards/generic-x86.toml");
    let text = fs::read_to_string(generic).unwrap();
    let text = text.replace("/dev/ttyUSB0", device.to_str().unwrap()).replace("\"lcus-1\"", "\"modbus-rtu\"");
    let text = text.replace("channel = 1", "baud_rate = 9600\naddress = 1\ncoil = 2\nflash_on = true");
    fs::write(&file, text).unwrap();
    boards::Board::load(&file).unwrap()
}
