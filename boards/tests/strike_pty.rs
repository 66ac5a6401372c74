//! The USB relay at the end of a pseudo terminal: what really went over the wire, read by another process.
//!
//! This program has its own `main`, because it plays all the parts. As `test` it runs the facts below. It starts itself as
//! `reader` (holds the terminal's other end and says what arrived when), as `pulser` (drives the strike and is killed), and the
//! driver starts it as `strike-guard`.

#![allow(clippy::unwrap_used)]

#[path = "strike_pty/wire.rs"]
mod wire;

mod programs;

use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use boards::{
    BootClock, Clock, GuardCommand, Strike, StrikeError,
    contract::{self, clock, grant, wait_until},
    strike::{lcus1, lcus1::Lcus1, pulse::PulsedStrike},
};
use gate::{DoorId, PulseResult};
use rustix::process::{Signal, kill_process};

use programs::{Program, guards_of, only_guard_of, run_facts, this_program};
use wire::{Wire, open_terminal};

const DOOR: DoorId = DoorId(0);
const CHANNEL: u8 = 2;
const PULSE: Duration = Duration::from_millis(400);

/// Longer than any test runs: only a guard can end such a pulse in time.
const ENDLESS: Duration = Duration::from_mins(10);

/// Bound of everything that must happen soon, on the slowest machine.
const SOON: Duration = Duration::from_secs(30);

type Fact = (&'static str, fn());

const FACTS: &[Fact] = &[
    ("the_relay_keeps_the_contract_of_a_strike", the_relay_keeps_the_contract_of_a_strike),
    (
        "the_relay_rests_at_open_and_after_the_pulse_and_at_stop",
        the_relay_rests_at_open_and_after_the_pulse_and_at_stop,
    ),
    (
        "a_program_killed_in_mid_pulse_releases_the_door_no_longer",
        a_program_killed_in_mid_pulse_releases_the_door_no_longer,
    ),
    (
        "a_program_killed_while_it_holds_the_door_releases_it_no_longer",
        a_program_killed_while_it_holds_the_door_releases_it_no_longer,
    ),
    ("a_guard_outlives_the_signals_that_stop_a_service", a_guard_outlives_the_signals_that_stop_a_service),
    (
        "after_a_kill_the_port_is_free_for_the_next_program",
        after_a_kill_the_port_is_free_for_the_next_program,
    ),
    (
        "a_guard_that_died_is_replaced_before_the_next_pulse",
        a_guard_that_died_is_replaced_before_the_next_pulse,
    ),
    ("a_guard_that_is_stopped_counts_as_dead", a_guard_that_is_stopped_counts_as_dead),
    ("without_a_guard_there_is_no_pulse", without_a_guard_there_is_no_pulse),
    ("a_program_that_is_no_guard_opens_no_strike", a_program_that_is_no_guard_opens_no_strike),
    (
        "a_port_that_stops_answering_fails_in_time_and_releases_nothing_later",
        a_port_that_stops_answering_fails_in_time_and_releases_nothing_later,
    ),
    (
        "a_relay_that_vanishes_is_named_and_found_again_when_it_is_back",
        a_relay_that_vanishes_is_named_and_found_again_when_it_is_back,
    ),
    ("two_programs_do_not_share_a_relay", two_programs_do_not_share_a_relay),
    ("the_stop_action_puts_the_relay_to_rest", the_stop_action_puts_the_relay_to_rest),
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
        ["reader"] => wire::read_terminal(),
        ["pulser", device] => pulser(Path::new(device)),
        ["holder", device] => holder(Path::new(device)),
        ["--list", ..] => FACTS.iter().for_each(|(name, _)| println!("{name}: test")),
        _ => {
            let wanted = words.iter().find(|word| !word.starts_with('-')).copied().unwrap_or_default();
            run_facts(FACTS, wanted, |fact| fact());
        }
    }
}

fn guard() -> GuardCommand {
    guard_by(this_program())
}

fn guard_by(program: PathBuf) -> GuardCommand {
    GuardCommand { program, args: vec!["strike-guard".into()] }
}

fn open(device: &Path, guard: GuardCommand, pulse: Duration) -> Result<PulsedStrike, StrikeError> {
    PulsedStrike::open(Lcus1::new(device.into(), CHANNEL, guard), DOOR, pulse, clock())
}

fn release(strike: &mut PulsedStrike) -> PulseResult {
    strike.release(grant(DOOR, BootClock.now())).result()
}

/// Releases until a busy machine has started the guard in time; a guard that is late must not release the door.
fn release_eventually(strike: &mut PulsedStrike) {
    wait_until("a pulse", || matches!(release(strike), PulseResult::Pulsed(_)));
}

/// The part that is killed: an endless pulse.
fn pulser(device: &Path) {
    let mut strike = open(device, guard(), ENDLESS).unwrap();
    let _ = release(&mut strike);
    panic!("nobody killed the pulser");
}

/// The same with a hold.
fn holder(device: &Path) {
    let mut strike = open(device, guard(), PULSE).unwrap();
    strike.hold_released(true).unwrap();
    thread::sleep(ENDLESS);
    panic!("nobody killed the holder");
}

fn pulsing(device: &Path) -> Program {
    playing("pulser", device)
}

fn playing(part: &str, device: &Path) -> Program {
    Program::start(Command::new(this_program()).arg(part).arg(device).stdin(Stdio::null()))
}

fn the_relay_keeps_the_contract_of_a_strike() {
    contract::strike(|| {
        let (terminal, device) = open_terminal();
        let mut wire = Wire::watch(terminal);
        let strike = open(&device, guard(), PULSE).unwrap();
        wire.wait_for_rest();
        contract::Subject { strike: Box::new(strike), pulse: PULSE, see: Box::new(move || wire.seen()) }
    });
}

fn the_relay_rests_at_open_and_after_the_pulse_and_at_stop() {
    let (terminal, device) = open_terminal();
    let mut wire = Wire::watch(terminal);
    let mut strike = open(&device, guard(), PULSE).unwrap();
    assert_eq!(wire.next(SOON).unwrap().bytes, lcus1::at_rest(CHANNEL));
    let PulseResult::Pulsed(driven) = release(&mut strike) else { panic!("a fresh grant pulses") };
    let on = wire.next(SOON).unwrap();
    let off = wire.next(SOON).unwrap();
    assert_eq!((on.bytes, off.bytes), (lcus1::driven(CHANNEL), lcus1::at_rest(CHANNEL)));
    assert!(driven >= PULSE);
    assert!(off.arrived.since(on.not_before) >= PULSE, "the pulse is not shorter than stated");
    assert!(off.arrived.since(on.arrived) < PULSE + SOON);
    drop(strike);
    assert_eq!(wire.next(SOON).unwrap().bytes, lcus1::at_rest(CHANNEL), "off at stop");
    assert!(guards_of(std::process::id()).is_empty(), "the guard goes with its strike");
}

fn a_program_killed_in_mid_pulse_releases_the_door_no_longer() {
    let (terminal, device) = open_terminal();
    let mut wire = Wire::watch(terminal);
    let mut program = pulsing(&device);
    assert_eq!(wire.next(SOON).unwrap().bytes, lcus1::at_rest(CHANNEL));
    assert_eq!(wire.next(SOON).unwrap().bytes, lcus1::driven(CHANNEL));
    assert_eq!(wire.next(Duration::from_millis(300)), None, "the pulse goes on");
    let killed = BootClock.now();
    program.kill();
    let off = wire.next(SOON).expect("the guard ends the pulse");
    assert_eq!(off.bytes, lcus1::at_rest(CHANNEL));
    eprint!("(off {:?} after SIGKILL) ", off.arrived.since(killed));
}

fn a_program_killed_while_it_holds_the_door_releases_it_no_longer() {
    let (terminal, device) = open_terminal();
    let mut wire = Wire::watch(terminal);
    let mut program = playing("holder", &device);
    wire.wait_for(lcus1::driven(CHANNEL));
    let seen = wire.seen();
    assert!(seen.driven && seen.pulses.is_empty(), "the hold goes on: {seen:?}");
    program.kill();
    wire.wait_for_rest();
    assert!(!wire.seen().driven, "the guard ends the hold");
}

fn a_guard_outlives_the_signals_that_stop_a_service() {
    let (terminal, device) = open_terminal();
    let mut wire = Wire::watch(terminal);
    let mut program = pulsing(&device);
    assert_eq!(wire.next(SOON).unwrap().bytes, lcus1::at_rest(CHANNEL));
    assert_eq!(wire.next(SOON).unwrap().bytes, lcus1::driven(CHANNEL));
    let guard = only_guard_of(program.id());
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        kill_process(guard, signal).unwrap();
    }
    assert_eq!(wire.next(Duration::from_millis(300)), None, "the pulse goes on");
    assert_eq!(only_guard_of(program.id()), guard);
    program.kill();
    assert_eq!(wire.next(SOON).expect("the guard is still there").bytes, lcus1::at_rest(CHANNEL));
}

fn after_a_kill_the_port_is_free_for_the_next_program() {
    let (terminal, device) = open_terminal();
    let mut wire = Wire::watch(terminal);
    let mut program = pulsing(&device);
    wire.wait_for(lcus1::driven(CHANNEL));
    program.kill();
    let mut strike = open(&device, guard(), PULSE).unwrap();
    release_eventually(&mut strike);
}

fn a_guard_that_died_is_replaced_before_the_next_pulse() {
    let (terminal, device) = open_terminal();
    let mut wire = Wire::watch(terminal);
    let mut strike = open(&device, guard(), PULSE).unwrap();
    let first = only_guard_of(std::process::id());
    kill_process(first, Signal::KILL).unwrap();
    release_eventually(&mut strike);
    assert_ne!(only_guard_of(std::process::id()), first);
    wire.wait_for(lcus1::driven(CHANNEL));
    let second = only_guard_of(std::process::id());
    kill_process(second, Signal::KILL).unwrap();
    wait_until("a check mends the guard", || strike.check().is_ok());
    assert_ne!(only_guard_of(std::process::id()), second);
}

fn a_guard_that_is_stopped_counts_as_dead() {
    let (terminal, device) = open_terminal();
    let _wire = Wire::watch(terminal);
    let mut strike = open(&device, guard(), PULSE).unwrap();
    let first = only_guard_of(std::process::id());
    kill_process(first, Signal::STOP).unwrap();
    wait_until("a check mends the guard", || strike.check().is_ok());
    assert_ne!(only_guard_of(std::process::id()), first);
}

fn without_a_guard_there_is_no_pulse() {
    let (terminal, device) = open_terminal();
    let mut wire = Wire::watch(terminal);
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("guard");
    fs::copy(this_program(), &program).unwrap();
    let mut strike = open(&device, guard_by(program.clone()), PULSE).unwrap();
    fs::remove_file(&program).unwrap();
    kill_process(only_guard_of(std::process::id()), Signal::KILL).unwrap();
    assert_eq!(release(&mut strike), PulseResult::StrikeFailed);
    let error = strike.check().unwrap_err();
    assert!(matches!(error, StrikeError::Guard { .. }), "{error}");
    assert!(error.to_string().contains(program.to_str().unwrap()), "{error}");
    drop(strike);
    assert_eq!(wire.seen().pulses, [], "nothing was driven");
}

fn a_program_that_is_no_guard_opens_no_strike() {
    let (terminal, device) = open_terminal();
    let mut wire = Wire::watch(terminal);
    for program in ["/bin/true", "/nonexistent/guard"] {
        let error = open(&device, guard_by(program.into()), PULSE).map(|_| ()).unwrap_err();
        assert!(matches!(error, StrikeError::Guard { .. }), "{error}");
    }
    assert_eq!(wire.seen().pulses, []);
}

/// Fills the terminal as a relay board that hangs would. The kernel moves bytes on a little later than it takes them, so
/// it is full only when it stays full.
fn jam(device: &Path) {
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap();
    let mut port = fs::OpenOptions::new().write(true).custom_flags(nonblocking).open(device).unwrap();
    let mut full = 0;
    while full < 20 {
        full = if port.write(&[0x55]).is_ok() { 0 } else { full + 1 };
        if full > 0 {
            thread::sleep(Duration::from_millis(10));
        }
    }
}

fn a_port_that_stops_answering_fails_in_time_and_releases_nothing_later() {
    let (terminal, device) = open_terminal();
    let mut strike = open(&device, guard(), PULSE).unwrap();
    jam(&device);
    let asked = Instant::now();
    assert_eq!(release(&mut strike), PulseResult::StrikeFailed);
    assert!(asked.elapsed() < SOON, "an answer in time");
    let error = strike.check().unwrap_err();
    assert!(matches!(error, StrikeError::Stuck { .. }), "{error}");
    assert!(error.to_string().contains(device.to_str().unwrap()), "{error}");
    let mut wire = Wire::watch(terminal);
    wait_until("a port that answers again is well", || strike.check().is_ok());
    drop(strike);
    wire.wait_for(lcus1::at_rest(CHANNEL));
    assert_eq!(wire.seen().pulses, [], "the command that did not get through was withdrawn");
}

fn a_relay_that_vanishes_is_named_and_found_again_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("relay");
    let (terminal, device) = open_terminal();
    std::os::unix::fs::symlink(&device, &link).unwrap();
    let mut strike = open(&link, guard(), PULSE).unwrap();
    drop(terminal);
    assert_eq!(release(&mut strike), PulseResult::StrikeFailed);
    let error = strike.check().unwrap_err();
    assert!(error.to_string().contains(link.to_str().unwrap()), "{error}");
    fs::remove_file(&link).unwrap();
    let error = strike.check().unwrap_err();
    assert!(matches!(error, StrikeError::NotThere { .. }), "{error}");
    let (terminal, device) = open_terminal();
    std::os::unix::fs::symlink(&device, &link).unwrap();
    let mut wire = Wire::watch(terminal);
    wait_until("the relay is found again", || strike.check().is_ok());
    assert_eq!(wire.next(SOON).unwrap().bytes, lcus1::at_rest(CHANNEL), "off at open");
    release_eventually(&mut strike);
    wire.wait_for(lcus1::driven(CHANNEL));
}

fn two_programs_do_not_share_a_relay() {
    let (terminal, device) = open_terminal();
    let _wire = Wire::watch(terminal);
    let mut first = open(&device, guard(), PULSE).unwrap();
    let error = open(&device, guard(), PULSE).map(|_| ()).unwrap_err();
    assert!(matches!(error, StrikeError::InUse { .. }), "{error}");
    release_eventually(&mut first);
}

fn the_stop_action_puts_the_relay_to_rest() {
    let (terminal, device) = open_terminal();
    let mut wire = Wire::watch(terminal);
    let mut program = pulsing(&device);
    wire.wait_for(lcus1::driven(CHANNEL));
    kill_process(only_guard_of(program.id()), Signal::KILL).unwrap();
    program.kill();
    assert_eq!(
        wire.next(Duration::from_millis(300)),
        None,
        "guard and program were killed: the relay is still driven"
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("door.toml");
    let generic = Path::new(env!("CARGO_MANIFEST_DIR")).join("boards/generic-x86.toml");
    let text = fs::read_to_string(generic).unwrap();
    let text = text.replace("/dev/ttyUSB0", device.to_str().unwrap()).replace("channel = 1", "channel = 2");
    fs::write(&file, text).unwrap();
    boards::force_idle(&boards::Board::load(&file).unwrap()).unwrap();
    assert_eq!(wire.next(SOON).unwrap().bytes, lcus1::at_rest(CHANNEL));
}
