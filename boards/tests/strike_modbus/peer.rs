//! pymodbus as the relay: another's parser, another's check sums, another's coils.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use boards::Strike;
use gate::PulseResult;

use crate::{PULSE, Program, SOON, board::open_terminal, open, release};

/// The interpreter of the repository's Python environment, or another that has the packages of tests/requirements.txt.
fn python() -> PathBuf {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/fetched/python/bin/python");
    std::env::var_os("GENKAN_TEST_PYTHON").map_or(ours, PathBuf::from)
}

/// A server behind a terminal of its own; its terminal and ours are joined by a thread.
fn serve() -> (Program, Receiver<String>, PathBuf) {
    let (ours, device) = open_terminal();
    let (theirs, name) = open_terminal();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/strike_modbus/peer.py");
    let python = python();
    let server =
        Command::new(&python).arg(script).arg(name).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut server = server.unwrap_or_else(|error| panic!("{error}: `cargo xtask test` makes {python:?}"));
    let lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let (send, told) = channel();
    thread::spawn(move || lines.map_while(Result::ok).all(|line| send.send(line).is_ok()));
    thread::spawn(move || join(File::from(ours), File::from(theirs)));
    let server = Program(server);
    let first = told.recv_timeout(SOON);
    assert_eq!(first.as_deref(), Ok("ready"), "`cargo xtask test` installs pymodbus");
    (server, told, device)
}

/// Carries bytes both ways, until the test is over.
fn join(mut one: File, mut other: File) {
    let mut bytes = [0; 256];
    loop {
        let to = one.read(&mut bytes).unwrap_or(0);
        let sent = other.write_all(&bytes[..to]);
        let back = other.read(&mut bytes).unwrap_or(0);
        if sent.is_err() || one.write_all(&bytes[..back]).is_err() {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// The server says just this next: `answer FUNCTION COIL BITS EXCEPTION`, one line for each answer.
fn says(told: &Receiver<String>, wanted: &[&[&str]]) {
    for line in wanted.concat() {
        assert_eq!(told.recv_timeout(SOON).as_deref(), Ok(line), "of {wanted:?}");
    }
    assert_eq!(told.try_recv().ok(), None, "and no more");
}

const OFF: [&str; 2] = ["answer 5 2 0 0", "answer 1 2 0 0"];
const ON: [&str; 2] = ["answer 5 2 1 0", "answer 1 2 1 0"];
const BEFORE: [&str; 1] = ["answer 1 2 0 0"];
const NO_FLASH: [&str; 1] = ["answer 133 514 - 2"];

pub(crate) fn understands() {
    let (mut server, told, device) = serve();
    let mut strike = open(&device, false, PULSE).unwrap();
    says(&told, &[&OFF]);
    assert!(matches!(release(&mut strike), PulseResult::Pulsed(_)));
    says(&told, &[&BEFORE, &ON, &OFF]);
    strike.hold_released(true).unwrap();
    // Driven first, and once more with a guard that is known to be there.
    says(&told, &[&ON, &ON]);
    drop(strike);
    // Off by the driver, and by the guard that it lets go.
    says(&told, &[&OFF, &OFF[..1]]);
    let mut strike = open(&device, true, PULSE).unwrap();
    assert!(matches!(release(&mut strike), PulseResult::Pulsed(_)), "pymodbus has no flash, as old firmware");
    says(&told, &[&OFF, &BEFORE, &NO_FLASH, &ON, &OFF]);
    assert!(strike.remark().is_some());
    server.kill();
    assert!(strike.check().is_err(), "and silence is told");
    assert_eq!(release(&mut strike), PulseResult::StrikeFailed, "a dead server gives no pulse");
}
