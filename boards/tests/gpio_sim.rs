//! The kernel's own GPIO chips, where there is one that is made for tests: `gpio-sim` (Linux 5.17 or later, `modprobe
//! gpio-sim`, as root). Its lines are real lines to a program, and files under `/sys` are the world outside: they say what a
//! line puts out, and pull it up and down. Where the kernel has no such chip, this program says so and has shown nothing.
//!
//! It has its own `main`, because it plays all the parts: facts, `pulser`, `strike-guard`, and a `lazy-guard` that takes its
//! time.

#![allow(clippy::unwrap_used)]

mod programs;

use std::{
    fs,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use boards::{
    BootClock, Clock, GuardCommand, Input, Inputs, Strike, StrikeError,
    contract::{self, InputsSubject, Seen, SeenPulse, clock, grant, wait_until},
    guard::Duty,
    inputs::Contacts,
    lines::{Bias, Chip, Line, Lines, LinesError},
    strike::{
        gpio::{self, GpioRelay},
        pulse::PulsedStrike,
    },
};
use gate::{DoorId, PulseResult};
use programs::{Program, this_program};

const CONFIG: &str = "/sys/kernel/config/gpio-sim";
const DOOR: DoorId = DoorId(0);
const PULSE: Duration = Duration::from_millis(300);
const ENDLESS: Duration = Duration::from_mins(10);

const fn line(offset: u32, active_low: bool) -> Line {
    Line { offset, active_low, bias: Bias::AsIs }
}

/// Both wirings of a relay.
const RELAYS: [Line; 2] = [line(2, false), line(3, true)];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["strike-guard", duty] => {
            boards::guard::run(std::io::stdin(), std::io::stdout(), duty.parse().unwrap()).unwrap();
        }
        ["lazy-guard", "gpio"] => {
            boards::guard::wait(std::io::stdin()).unwrap();
            thread::sleep(Duration::from_secs(2));
            boards::lines::rest(std::io::stdout(), Duration::ZERO).unwrap();
        }
        ["pulser", guard, chip, offset, active_low] => {
            let line = line(offset.parse().unwrap(), active_low.parse().unwrap());
            let mut strike = open_guarded(guard, Path::new(chip), line, ENDLESS).unwrap();
            let _ = release(&mut strike);
        }
        ["--list", ..] => println!("the_kernel_s_lines: test"),
        _ if !Path::new(CONFIG).exists() => println!("test the_kernel_s_lines ... ignored, no {CONFIG}"),
        _ => {
            for (name, fact) in FACTS {
                fact(&World::new());
                println!("test {name} ... ok");
            }
        }
    }
}

type Fact = (&'static str, fn(&World));

const FACTS: &[Fact] = &[
    ("a_relay_on_a_line_keeps_the_contract_of_a_strike", a_relay_on_a_line_keeps_the_contract_of_a_strike),
    ("contacts_on_lines_keep_the_contract_of_inputs", contacts_on_lines_keep_the_contract_of_inputs),
    ("a_bias_holds_an_open_line", a_bias_holds_an_open_line),
    ("a_guard_keeps_the_line_of_a_killed_program", a_guard_keeps_the_line_of_a_killed_program),
    ("a_guard_puts_the_line_to_rest", a_guard_puts_the_line_to_rest),
    ("a_line_in_use_and_one_that_is_none_are_named", a_line_in_use_and_one_that_is_none_are_named),
    ("the_stop_action_waits_for_the_line", the_stop_action_waits_for_the_line),
];

/// A chip with eight lines, and the world behind them.
struct World {
    config: PathBuf,
    chip: PathBuf,
    lines: PathBuf,
}

impl World {
    fn new() -> Self {
        let config = Path::new(CONFIG).join(format!("genkan-{}", std::process::id()));
        let bank = config.join("bank0");
        fs::create_dir(&config).unwrap();
        fs::create_dir(&bank).unwrap();
        fs::write(bank.join("num_lines"), "8").unwrap();
        fs::write(config.join("live"), "1").unwrap();
        let read = |path: PathBuf| fs::read_to_string(path).unwrap().trim().to_owned();
        let (device, chip) = (read(config.join("dev_name")), read(bank.join("chip_name")));
        let lines = Path::new("/sys/devices/platform").join(device).join(&chip);
        let chip = Path::new("/dev").join(chip);
        wait_until("the chip has a node", || chip.exists());
        Self { config, chip, lines }
    }

    fn high(&self, offset: u32) -> bool {
        let path = self.lines.join(format!("sim_gpio{offset}/value"));
        fs::read_to_string(path).unwrap().trim() == "1"
    }

    fn driven(&self, line: Line) -> bool {
        self.high(line.offset) != line.active_low
    }

    fn pull(&self, offset: u32, up: bool) {
        let path = self.lines.join(format!("sim_gpio{offset}/pull"));
        fs::write(path, if up { "pull-up" } else { "pull-down" }).unwrap();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::write(self.config.join("live"), "0");
        let _ = fs::remove_dir(self.config.join("bank0"));
        let _ = fs::remove_dir(&self.config);
    }
}

fn open(chip: &Path, line: Line, pulse: Duration) -> Result<PulsedStrike, StrikeError> {
    open_guarded("strike-guard", chip, line, pulse)
}

fn open_guarded(guard: &str, chip: &Path, line: Line, pulse: Duration) -> Result<PulsedStrike, StrikeError> {
    let guard = GuardCommand { program: this_program(), args: vec![guard.into()] };
    let relay = GpioRelay::new(Box::new(Chip::new(chip.into())), line, guard);
    PulsedStrike::open(relay, DOOR, pulse, clock())
}

fn release(strike: &mut PulsedStrike) -> PulseResult {
    strike.release(grant(DOOR, BootClock.now())).result()
}

/// Looks at the line in `see` only, and in a thread for what happens in between.
fn a_relay_on_a_line_keeps_the_contract_of_a_strike(world: &World) {
    for line in RELAYS {
        // Where the line falls when nobody has it: at rest.
        world.pull(line.offset, line.active_low);
        contract::strike(|| {
            let strike = open(&world.chip, line, PULSE).unwrap();
            let value = world.lines.join(format!("sim_gpio{}/value", line.offset));
            let driven =
                move || fs::read_to_string(&value).is_ok_and(|high| (high.trim() == "1") != line.active_low);
            let mut observer = Observer::of(driven);
            let see = Box::new(move || observer.seen());
            contract::Subject { strike: Box::new(strike), pulse: PULSE, see }
        });
    }
}

/// Looks every millisecond, in a thread that ends with it.
struct Observer {
    ask: std::sync::mpsc::Sender<std::sync::mpsc::Sender<Seen>>,
}

impl Observer {
    fn of(driven: impl Fn() -> bool + Send + 'static) -> Self {
        let (ask, asked) = std::sync::mpsc::channel::<std::sync::mpsc::Sender<Seen>>();
        thread::spawn(move || {
            let mut pulses = Vec::new();
            let mut since = None;
            let mut not_before = BootClock.now();
            loop {
                let question = asked.recv_timeout(Duration::from_millis(1));
                let looked = BootClock.now();
                match (driven(), since) {
                    (true, None) => since = Some((not_before, BootClock.now())),
                    (false, Some((not_before, began))) => {
                        since = None;
                        pulses.push(SeenPulse { not_before, began, ended: BootClock.now() });
                    }
                    (true, Some(_)) => {}
                    (false, None) => not_before = looked,
                }
                match question {
                    Ok(answer) => drop(answer.send(Seen { pulses: pulses.clone(), driven: since.is_some() })),
                    Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
                    Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return,
                }
            }
        });
        Self { ask }
    }

    fn seen(&mut self) -> Seen {
        let (answer, answered) = std::sync::mpsc::channel();
        self.ask.send(answer).unwrap();
        answered.recv().unwrap()
    }
}

fn contacts_on_lines_keep_the_contract_of_inputs(world: &World) {
    let lines = [line(4, false), line(5, true), line(6, false)];
    let wired = vec![Input::DoorPosition, Input::RequestToExit, Input::FireContact];
    contract::inputs(|| {
        for line in lines {
            world.pull(line.offset, line.active_low);
        }
        let watch = Chip::new(world.chip.clone()).watch(&lines).unwrap();
        let inputs = Contacts::open(watch, &wired, clock()).unwrap();
        let (folder, wired) = (world.lines.clone(), wired.clone());
        let place = wired.clone();
        let play = move |input: Input, active: bool| {
            let line = lines[place.iter().position(|&wired| wired == input).unwrap()];
            let pull = if active != line.active_low { "pull-up" } else { "pull-down" };
            fs::write(folder.join(format!("sim_gpio{}/pull", line.offset)), pull).unwrap();
        };
        InputsSubject { inputs: Box::new(inputs), wired, play: Box::new(play) }
    });
}

fn a_bias_holds_an_open_line(world: &World) {
    for (bias, high) in [(Bias::PullUp, true), (Bias::PullDown, false)] {
        world.pull(7, !high);
        let lines = [Line { offset: 7, active_low: false, bias }];
        let watch = Chip::new(world.chip.clone()).watch(&lines).unwrap();
        let mut fire = Contacts::open(watch, &[Input::FireContact], clock()).unwrap();
        let told = fire.next(Duration::ZERO).unwrap().unwrap();
        assert_eq!(told.active, high, "{bias:?}");
    }
}

/// Another program that drives a relay.
fn pulsing(world: &World, line: Line, guard: &str) -> Program {
    let (offset, active_low) = (line.offset.to_string(), line.active_low.to_string());
    let mut pulser = Command::new(this_program());
    pulser.args(["pulser", guard]).arg(&world.chip).args([offset, active_low]).stdin(Stdio::null());
    let program = Program::start(&mut pulser);
    wait_until("the relay is driven", || world.driven(line));
    program
}

fn a_guard_keeps_the_line_of_a_killed_program(world: &World) {
    for line in RELAYS {
        world.pull(line.offset, line.active_low);
        let mut program = pulsing(world, line, "lazy-guard");
        program.kill();
        thread::sleep(Duration::from_millis(500));
        assert!(world.driven(line), "a line that nobody had would have fallen to where it is pulled");
        wait_until("the guard puts the relay to rest", || !world.driven(line));
        let mut strike = open(&world.chip, line, PULSE).unwrap();
        assert!(matches!(release(&mut strike), PulseResult::Pulsed(_)), "the line is free again");
    }
}

fn a_guard_puts_the_line_to_rest(world: &World) {
    for line in RELAYS {
        // Pulled to where it releases: only a command can have put it to rest.
        world.pull(line.offset, !line.active_low);
        let mut output = Chip::new(world.chip.clone()).output(line).unwrap();
        assert!(!world.driven(line), "a line is put out at rest");
        output.set(true).unwrap();
        assert!(world.driven(line));
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let shared: OwnedFd = output.share().unwrap();
        drop(ours);
        boards::guard::run(&theirs, &shared, Duty::Gpio).unwrap();
        assert!(!world.driven(line), "the guard's last act");
        drop((output, shared));
        assert!(world.driven(line), "a line that nobody has falls to where it is pulled");
    }
}

fn a_line_in_use_and_one_that_is_none_are_named(world: &World) {
    let mut chip = Chip::new(world.chip.clone());
    let _first = chip.output(RELAYS[0]).unwrap();
    let taken = chip.output(RELAYS[0]).map(|_| ()).unwrap_err();
    assert!(matches!(&taken, LinesError::InUse { offset: 2, by, .. } if by == "genkan"), "{taken}");
    let far = chip.output(line(8, false)).map(|_| ()).unwrap_err();
    assert!(matches!(far, LinesError::NoLine { offset: 8, count: 8, .. }), "{far}");
    let wrong = Chip::new("/dev/gpiochip99".into()).output(RELAYS[0]).map(|_| ()).unwrap_err().to_string();
    assert!(wrong.contains("gpio-sim") && wrong.contains("8 lines"), "{wrong}");
}

fn the_stop_action_waits_for_the_line(world: &World) {
    let relay = RELAYS[0];
    world.pull(relay.offset, false);
    let mut program = pulsing(world, relay, "strike-guard");
    let mut chip = Chip::new(world.chip.clone());
    let busy = gpio::force_idle(&mut chip, relay).unwrap_err();
    assert!(matches!(busy, StrikeError::Lines(LinesError::InUse { .. })), "{busy}");
    program.kill();
    gpio::force_idle(&mut chip, relay).unwrap();
    assert!(!world.driven(relay));
}
