//! The GPIO relay on a simulated chip whose outputs another process can watch: kills are real, only the chip is not.
//!
//! This program has its own `main`, because it plays all the parts. As `test` it runs the facts below. It starts itself as
//! `pulser` and `holder` (drive the strike and are killed), and the driver starts it as `strike-guard`. The chip's outputs
//! are a file in memory, which is the standard input of whoever drives it, and which a guard inherits as its standard
//! output, as it would inherit the request of a line.

#![allow(clippy::unwrap_used)]

mod programs;

use std::{
    fs::{self, File},
    os::fd::AsFd,
    path::PathBuf,
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use boards::{
    BootClock, Clock, GuardCommand, Strike, StrikeError,
    contract::{self, Seen, SeenPulse, clock, grant, wait_until},
    guard::Duty,
    lines::{Bias, Line, Lines, LinesError, SimChip},
    strike::{
        gpio::{self, GpioRelay},
        pulse::PulsedStrike,
    },
};
use gate::{DoorId, Monotonic, PulseResult};
use programs::{Program, guards_of, only_guard_of, run_facts, this_program};
use rustix::{
    fs::{MemfdFlags, memfd_create},
    process::{Signal, kill_process},
};

const DOOR: DoorId = DoorId(0);
const PULSE: Duration = Duration::from_millis(400);

/// Longer than any test runs: only a guard can end such a pulse in time.
const ENDLESS: Duration = Duration::from_mins(10);

/// Both wirings.
const LINES: [Line; 2] = [line(17, false), line(18, true)];

const fn line(offset: u32, active_low: bool) -> Line {
    Line { offset, active_low, bias: Bias::AsIs }
}

/// A fact is about one wiring.
type Fact = (&'static str, fn(Line));

const FACTS: &[Fact] = &[
    ("a_relay_on_a_line_keeps_the_contract_of_a_strike", a_relay_on_a_line_keeps_the_contract_of_a_strike),
    (
        "a_program_killed_in_mid_pulse_releases_the_door_no_longer",
        a_program_killed_in_mid_pulse_releases_the_door_no_longer,
    ),
    (
        "a_program_killed_while_it_holds_the_door_releases_it_no_longer",
        a_program_killed_while_it_holds_the_door_releases_it_no_longer,
    ),
    ("a_guard_outlives_the_signals_that_stop_a_service", a_guard_outlives_the_signals_that_stop_a_service),
    ("a_guard_that_died_is_replaced", a_guard_that_died_is_replaced),
    ("without_a_guard_there_is_no_pulse", without_a_guard_there_is_no_pulse),
    (
        "a_chip_that_vanishes_is_named_and_used_again_when_it_is_back",
        a_chip_that_vanishes_is_named_and_used_again_when_it_is_back,
    ),
    ("a_line_has_one_user", a_line_has_one_user),
    ("the_stop_action_puts_the_relay_to_rest", the_stop_action_puts_the_relay_to_rest),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["strike-guard", offset, active_low, duty] => {
            assert_eq!(duty.parse(), Ok(Duty::Gpio));
            boards::guard::wait(std::io::stdin()).unwrap();
            let outputs = File::from(std::io::stdout().as_fd().try_clone_to_owned().unwrap());
            SimChip::rest(&outputs, line(offset.parse().unwrap(), active_low.parse().unwrap())).unwrap();
        }
        [part @ ("pulser" | "holder"), offset, active_low] => {
            let outputs = File::from(std::io::stdin().as_fd().try_clone_to_owned().unwrap());
            let line = line(offset.parse().unwrap(), active_low.parse().unwrap());
            let mut strike = open(&SimChip::over(clock(), outputs), line, ENDLESS).unwrap();
            match part {
                "holder" => strike.hold_released(true).unwrap(),
                _ => drop(release(&mut strike)),
            }
            thread::sleep(ENDLESS);
        }
        ["--list", ..] => FACTS.iter().for_each(|(name, _)| println!("{name}: test")),
        _ => {
            let wanted = words.iter().find(|word| !word.starts_with('-')).copied().unwrap_or_default();
            run_facts(FACTS, wanted, |fact| LINES.iter().for_each(|&line| fact(line)));
        }
    }
}

fn guard_by(program: PathBuf, line: Line) -> GuardCommand {
    let (offset, active_low) = (line.offset.to_string(), line.active_low.to_string());
    GuardCommand { program, args: vec!["strike-guard".into(), offset.into(), active_low.into()] }
}

fn open(chip: &SimChip, line: Line, pulse: Duration) -> Result<PulsedStrike, StrikeError> {
    let relay = GpioRelay::new(Box::new(chip.clone()), line, guard_by(this_program(), line));
    PulsedStrike::open(relay, DOOR, pulse, clock())
}

fn release(strike: &mut PulsedStrike) -> PulseResult {
    strike.release(grant(DOOR, BootClock.now())).result()
}

/// Releases until a busy machine has started the guard in time; a guard that is late must not release the door.
fn release_eventually(strike: &mut PulsedStrike) {
    wait_until("a pulse", || matches!(release(strike), PulseResult::Pulsed(_)));
}

/// A chip's outputs, for several processes.
fn outputs() -> File {
    memfd_create("outputs", MemfdFlags::CLOEXEC).unwrap().into()
}

fn chip_over(outputs: &File) -> SimChip {
    SimChip::over(clock(), outputs.try_clone().unwrap())
}

fn driven(chip: &SimChip, line: Line) -> bool {
    chip.high(line.offset).is_some_and(|high| high != line.active_low)
}

/// Another program, whose chip has the same outputs.
fn playing(part: &str, line: Line, outputs: &File) -> Program {
    let (offset, active_low) = (line.offset.to_string(), line.active_low.to_string());
    let shared = Stdio::from(outputs.try_clone().unwrap());
    Program::start(Command::new(this_program()).args([part, &offset, &active_low]).stdin(shared))
}

/// Looks at an output every millisecond.
struct Observer {
    log: Arc<Mutex<Log>>,
    over: Arc<AtomicBool>,
}

struct Log {
    chip: SimChip,
    line: Line,
    not_before: Monotonic,
    /// Since when it is driven: the last look at which it was not, and the first at which it was.
    since: Option<(Monotonic, Monotonic)>,
    pulses: Vec<SeenPulse>,
}

impl Log {
    fn look(&mut self) {
        let looked = BootClock.now();
        match (driven(&self.chip, self.line), self.since) {
            (true, None) => self.since = Some((self.not_before, BootClock.now())),
            (false, Some((not_before, began))) => {
                self.since = None;
                self.pulses.push(SeenPulse { not_before, began, ended: BootClock.now() });
            }
            (true, Some(_)) | (false, None) => {}
        }
        if self.since.is_none() {
            self.not_before = looked;
        }
    }
}

impl Observer {
    fn of(chip: SimChip, line: Line) -> Self {
        let log = Log { chip, line, not_before: BootClock.now(), since: None, pulses: Vec::new() };
        let (log, over) = (Arc::new(Mutex::new(log)), Arc::new(AtomicBool::new(false)));
        let observer = Self { log: Arc::clone(&log), over: Arc::clone(&over) };
        thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                log.lock().unwrap().look();
                thread::sleep(Duration::from_millis(1));
            }
        });
        observer
    }

    fn seen(&self) -> Seen {
        let mut log = self.log.lock().unwrap();
        log.look();
        Seen { pulses: log.pulses.clone(), driven: log.since.is_some() }
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

fn a_relay_on_a_line_keeps_the_contract_of_a_strike(line: Line) {
    contract::strike(|| {
        let chip = SimChip::new(clock()).unwrap();
        let strike = open(&chip, line, PULSE).unwrap();
        let observer = Observer::of(chip, line);
        let see = Box::new(move || observer.seen());
        contract::Subject { strike: Box::new(strike), pulse: PULSE, see }
    });
}

fn is_killed_while_it_drives(part: &str, line: Line) {
    let outputs = outputs();
    let chip = chip_over(&outputs);
    let mut program = playing(part, line, &outputs);
    wait_until("the relay is driven", || driven(&chip, line));
    thread::sleep(Duration::from_millis(300));
    assert!(driven(&chip, line), "it stays driven");
    let killed = BootClock.now();
    program.kill();
    wait_until("the guard puts the relay to rest", || !driven(&chip, line));
    eprint!("(off {:?} after SIGKILL) ", BootClock.now().since(killed));
}

fn a_program_killed_in_mid_pulse_releases_the_door_no_longer(line: Line) {
    is_killed_while_it_drives("pulser", line);
}

fn a_program_killed_while_it_holds_the_door_releases_it_no_longer(line: Line) {
    is_killed_while_it_drives("holder", line);
}

fn a_guard_outlives_the_signals_that_stop_a_service(line: Line) {
    let outputs = outputs();
    let chip = chip_over(&outputs);
    let mut program = playing("pulser", line, &outputs);
    wait_until("the relay is driven", || driven(&chip, line));
    let guard = only_guard_of(program.id());
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        kill_process(guard, signal).unwrap();
    }
    thread::sleep(Duration::from_millis(300));
    assert!(driven(&chip, line) && only_guard_of(program.id()) == guard);
    program.kill();
    wait_until("the guard is still there", || !driven(&chip, line));
}

fn a_guard_that_died_is_replaced(line: Line) {
    let mut strike = open(&SimChip::new(clock()).unwrap(), line, PULSE).unwrap();
    let first = only_guard_of(std::process::id());
    kill_process(first, Signal::KILL).unwrap();
    release_eventually(&mut strike);
    assert_ne!(only_guard_of(std::process::id()), first);
    drop(strike);
    assert!(guards_of(std::process::id()).is_empty(), "the guard goes with its strike");
}

fn without_a_guard_there_is_no_pulse(line: Line) {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("guard");
    fs::copy(this_program(), &program).unwrap();
    let chip = SimChip::new(clock()).unwrap();
    let relay = GpioRelay::new(Box::new(chip.clone()), line, guard_by(program.clone(), line));
    let mut strike = PulsedStrike::open(relay, DOOR, PULSE, clock()).unwrap();
    let observer = Observer::of(chip, line);
    fs::remove_file(&program).unwrap();
    kill_process(only_guard_of(std::process::id()), Signal::KILL).unwrap();
    assert_eq!(release(&mut strike), PulseResult::StrikeFailed);
    let error = strike.check().unwrap_err();
    assert!(matches!(error, StrikeError::Guard { .. }), "{error}");
    assert!(error.to_string().contains(program.to_str().unwrap()), "{error}");
    assert_eq!(strike.hold_released(true), Ok(()), "a free door needs no guard");
    assert!(observer.seen().driven);
    drop(strike);
    assert_eq!(observer.seen().pulses.len(), 1, "nothing but the hold");
}

fn a_chip_that_vanishes_is_named_and_used_again_when_it_is_back(line: Line) {
    let chip = SimChip::new(clock()).unwrap();
    let mut strike = open(&chip, line, PULSE).unwrap();
    chip.break_down(Some("No such device"));
    assert_eq!(release(&mut strike), PulseResult::StrikeFailed);
    let error = strike.check().unwrap_err();
    assert!(matches!(error, StrikeError::Lines(LinesError::Refused { .. })), "{error}");
    assert!(error.to_string().contains("No such device"), "{error}");
    chip.break_down(None);
    wait_until("the chip is used again", || strike.check().is_ok());
    release_eventually(&mut strike);
}

fn a_line_has_one_user(line: Line) {
    let chip = SimChip::new(clock()).unwrap();
    let first = open(&chip, line, PULSE).unwrap();
    let error = open(&chip, line, PULSE).map(|_| ()).unwrap_err();
    assert!(matches!(error, StrikeError::Lines(LinesError::InUse { .. })), "{error}");
    assert!(error.to_string().contains(&line.offset.to_string()), "{error}");
    drop(first);
    drop(open(&chip, line, PULSE).unwrap());
    assert!(chip.clone().output(line).is_ok(), "a strike that was dropped has let go of its line");
}

fn the_stop_action_puts_the_relay_to_rest(line: Line) {
    let outputs = outputs();
    let mut chip = chip_over(&outputs);
    let mut program = playing("pulser", line, &outputs);
    wait_until("the relay is driven", || driven(&chip, line));
    kill_process(only_guard_of(program.id()), Signal::KILL).unwrap();
    program.kill();
    assert!(driven(&chip, line), "guard and program were killed: on this chip the relay is still driven");
    gpio::force_idle(&mut chip, line).unwrap();
    assert!(!driven(&chip, line));
}
