//! The other end of the wire: a reader process, and what it saw.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read, Write},
    os::fd::OwnedFd,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use boards::{
    BootClock, Clock,
    contract::{Seen, SeenPulse},
};
use gate::Monotonic;
use rustix::{
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    io::Errno,
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
};

use crate::{CHANNEL, SOON, lcus1};

/// One command of four bytes, as the reader process saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) bytes: [u8; 4],
    /// When it had arrived.
    pub(crate) arrived: Monotonic,
    /// When it had not: the last moment at which nothing was there.
    pub(crate) not_before: Monotonic,
}

/// A pseudo terminal: the relay board's end, and the device path of the computer's.
pub(crate) fn open_terminal() -> (OwnedFd, PathBuf) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    (terminal, PathBuf::from(name.into_string().unwrap()))
}

/// A reader process and what it reported.
pub(crate) struct Wire {
    reader: Child,
    reports: Receiver<Heard>,
    all: Vec<Heard>,
    unread: VecDeque<Heard>,
}

impl Wire {
    /// Hands the relay board's end to a reader process.
    pub(crate) fn watch(terminal: OwnedFd) -> Self {
        let mut reader = Command::new(crate::this_program())
            .arg("reader")
            .stdin(Stdio::from(terminal))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(reader.stdout.take().unwrap()).lines();
        let (send, reports) = channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = send.send(parse(&line));
            }
        });
        Self { reader, reports, all: Vec::new(), unread: VecDeque::new() }
    }

    /// The next command, if one comes in time.
    pub(crate) fn next(&mut self, patience: Duration) -> Option<Heard> {
        if self.unread.is_empty() {
            match self.reports.recv_timeout(patience) {
                Ok(heard) => self.take(heard),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
        }
        self.unread.pop_front()
    }

    pub(crate) fn wait_for(&mut self, bytes: [u8; 4]) {
        loop {
            let heard = self.next(SOON).unwrap_or_else(|| panic!("{bytes:02X?} did not arrive"));
            if heard.bytes == bytes {
                return;
            }
        }
    }

    pub(crate) fn wait_for_rest(&mut self) {
        self.wait_for(lcus1::at_rest(CHANNEL));
    }

    /// Everything so far as pulses, after a moment in which nothing more came.
    pub(crate) fn seen(&mut self) -> Seen {
        while let Ok(heard) = self.reports.recv_timeout(Duration::from_millis(300)) {
            self.take(heard);
        }
        let mut seen = Seen { pulses: Vec::new(), driven: false };
        let mut since: Option<Heard> = None;
        for &heard in &self.all {
            if heard.bytes == lcus1::driven(CHANNEL) {
                since.get_or_insert(heard);
            } else if let Some(on) = since.take() {
                let (not_before, began, ended) = (on.not_before, on.arrived, heard.arrived);
                seen.pulses.push(SeenPulse { not_before, began, ended });
            }
        }
        seen.driven = since.is_some();
        seen
    }

    fn take(&mut self, heard: Heard) {
        self.all.push(heard);
        self.unread.push_back(heard);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let _ = self.reader.kill();
        let _ = self.reader.wait();
    }
}

fn parse(line: &str) -> Heard {
    let numbers: Vec<u64> = line.split(' ').map(|number| number.parse().unwrap()).collect();
    let [command, arrived, not_before] = numbers[..] else { panic!("no report: {line}") };
    Heard {
        bytes: u32::try_from(command).unwrap().to_be_bytes(),
        arrived: Monotonic::from_micros(arrived),
        not_before: Monotonic::from_micros(not_before),
    }
}

/// The reader process: reads the terminal on standard input without waiting, and reports each command with its times.
/// Bytes that begin no command are passed over, as a relay board does.
pub(crate) fn read_terminal() {
    let mut terminal = std::io::stdin().lock();
    fcntl_setfl(&terminal, fcntl_getfl(&terminal).unwrap() | OFlags::NONBLOCK).unwrap();
    let mut pending = Vec::new();
    let mut not_before = BootClock.now();
    let mut buffer = [0; 256];
    loop {
        let looked = BootClock.now();
        match terminal.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => pending.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                not_before = looked;
                thread::sleep(Duration::from_millis(1));
            }
            // Nobody has the other end open: before the driver opens it, or after it closed it.
            Err(error) if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => {
                not_before = looked;
                thread::sleep(Duration::from_millis(1));
            }
            Err(error) => panic!("reader: {error}"),
        }
        report(&mut pending, not_before);
    }
}

fn report(pending: &mut Vec<u8>, not_before: Monotonic) {
    loop {
        let start = pending.iter().position(|&byte| byte == 0xA0).unwrap_or(pending.len());
        pending.drain(..start);
        let Some(&[a, b, c, d]) = pending.first_chunk::<4>() else { return };
        if a.wrapping_add(b).wrapping_add(c) != d {
            pending.remove(0);
            continue;
        }
        pending.drain(..4);
        let (command, now) = (u32::from_be_bytes([a, b, c, d]), BootClock.now().micros());
        println!("{command} {now} {}", not_before.micros());
        std::io::stdout().flush().unwrap();
    }
}
