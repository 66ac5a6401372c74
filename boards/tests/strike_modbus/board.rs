//! A relay board at the far end of a pseudo terminal: it understands three requests, counts how long its coil was driven,
//! and answers as badly as it is told to.
//!
//! It parses requests by itself; check sums are those of `boards::modbus`, which pymodbus judges in another fact.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::OwnedFd,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard},
    thread,
    time::{Duration, Instant},
};

use boards::{
    BootClock, Clock,
    contract::{Seen, SeenPulse},
    modbus::crc,
};
use gate::Monotonic;
use rustix::{
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
};

use crate::PLACE;

/// How the board misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As it should, with flash-on.
    Good,
    /// Firmware that knows no flash-on.
    Old,
    /// No answers, and it does nothing.
    Dead,
    /// It does as it is told, and its answers are lost.
    Mute,
    /// The answer to a flash is lost, no other.
    MuteFlash,
    /// Wrong check sums.
    Garbled,
    /// Another device answers.
    Foreign,
    /// Answers break off.
    Short,
    /// Answers come when nobody waits any more.
    Late(Duration),
    /// No board: an adaptor that hears itself.
    Echo,
    /// Every command is refused.
    Refusing,
    /// It answers well, and its coil stands so whatever it is told.
    Stuck(bool),
}

pub(crate) struct State {
    pub(crate) manner: Manner,
    driven: bool,
    /// The board's own timer.
    flash_until: Option<Instant>,
    not_before: Monotonic,
    began: Monotonic,
    pulses: Vec<SeenPulse>,
    pub(crate) requests: Vec<[u8; 8]>,
}

impl State {
    pub(crate) fn flashes(&self) -> usize {
        self.requests.iter().filter(|frame| frame[1] == 5 && frame[2] == 2).count()
    }

    fn set(&mut self, driven: bool, not_before: Monotonic) {
        let driven = if let Manner::Stuck(stuck) = self.manner { stuck } else { driven };
        let now = BootClock.now();
        match (self.driven, driven) {
            (false, true) => (self.not_before, self.began) = (not_before, now),
            (true, false) => {
                let (not_before, began) = (self.not_before, self.began);
                self.pulses.push(SeenPulse { not_before, began, ended: now });
            }
            (true, true) | (false, false) => {}
        }
        self.driven = driven;
    }

    /// Does as it is told and answers.
    fn obey(&mut self, frame: [u8; 8], not_before: Monotonic) -> Vec<u8> {
        self.requests.push(frame);
        let [_, function, page, coil, high, low, ..] = frame;
        let refusal = |code| framed(&[PLACE.address, function | 0x80, code]);
        match (function, page, self.manner) {
            (_, _, Manner::Refusing) => return refusal(2),
            (5, 2, Manner::Old) => return refusal(2),
            _ if coil != PLACE.coil => return refusal(2),
            (5, 2, _) => {
                let tenths = u32::from(u16::from_be_bytes([high, low]));
                self.flash_until = Some(Instant::now() + Duration::from_millis(100) * tenths);
                self.set(true, not_before);
            }
            (5, 0, _) => {
                self.flash_until = None;
                self.set(high == 0xFF, not_before);
            }
            (1, 0, _) => return framed(&[PLACE.address, 1, 1, u8::from(self.driven)]),
            _ => return refusal(1),
        }
        frame.to_vec()
    }
}

/// A board, until it is dropped.
pub(crate) struct Board {
    pub(crate) device: PathBuf,
    state: Arc<Mutex<State>>,
}

impl Board {
    pub(crate) fn start(manner: Manner) -> Self {
        let (terminal, device) = open_terminal();
        let zero = BootClock.now();
        let state = State {
            manner,
            driven: matches!(manner, Manner::Stuck(true)),
            flash_until: None,
            not_before: zero,
            began: zero,
            pulses: Vec::new(),
            requests: Vec::new(),
        };
        let state = Arc::new(Mutex::new(state));
        let weak = Arc::downgrade(&state);
        thread::spawn(move || {
            let mut terminal =
                Terminal { file: File::from(terminal), pending: Vec::new(), looked: BootClock.now() };
            while let Some(state) = weak.upgrade() {
                terminal.turn(&state);
                drop(state);
                thread::sleep(Duration::from_millis(1));
            }
        });
        Self { device, state }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn driven(&self) -> bool {
        self.state().driven
    }

    pub(crate) fn seen(&self) -> Seen {
        let state = self.state();
        Seen { pulses: state.pulses.clone(), driven: state.driven }
    }
}

struct Terminal {
    file: File,
    pending: Vec<u8>,
    /// When nothing was there.
    looked: Monotonic,
}

impl Terminal {
    fn turn(&mut self, state: &Mutex<State>) {
        let now = BootClock.now();
        let mut bytes = [0; 256];
        // Nobody may have the other end open: before the driver opens it, or after it closed it.
        let count = self.file.read(&mut bytes).unwrap_or(0);
        self.pending.extend_from_slice(&bytes[..count]);
        let mut state = state.lock().unwrap();
        if state.flash_until.is_some_and(|until| Instant::now() >= until) {
            state.flash_until = None;
            state.set(false, now);
        }
        while let Some(&frame) = self.pending.first_chunk::<8>() {
            if framed(&frame[..6]) != frame || frame[0] != PLACE.address {
                self.pending.remove(0);
                continue;
            }
            self.pending.drain(..8);
            self.answer(&mut state, frame);
        }
        if count == 0 {
            self.looked = now;
        }
    }

    fn answer(&mut self, state: &mut State, frame: [u8; 8]) {
        let flash = frame[1] == 5 && frame[2] == 2;
        let manner = state.manner;
        if matches!(manner, Manner::Dead | Manner::Echo) {
            state.requests.push(frame);
            if manner == Manner::Echo {
                self.file.write_all(&frame).unwrap();
            }
            return;
        }
        let mut answer = state.obey(frame, self.looked);
        let length = answer.len();
        match manner {
            Manner::Mute => return,
            Manner::MuteFlash if flash => return,
            Manner::Garbled => answer[length - 1] ^= 1,
            Manner::Foreign => {
                answer[0] = 99;
                answer = framed(&answer[..length - 2]);
            }
            Manner::Short => answer.truncate(length - 3),
            Manner::Late(by) => thread::sleep(by),
            Manner::Good
            | Manner::Old
            | Manner::MuteFlash
            | Manner::Dead
            | Manner::Echo
            | Manner::Refusing
            | Manner::Stuck(_) => {}
        }
        self.file.write_all(&answer).unwrap();
    }
}

fn framed(body: &[u8]) -> Vec<u8> {
    [body, &crc(body).to_le_bytes()].concat()
}

/// A pseudo terminal that does not block: the far end, and the device path of the computer's.
pub(crate) fn open_terminal() -> (OwnedFd, PathBuf) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    fcntl_setfl(&terminal, fcntl_getfl(&terminal).unwrap() | OFlags::NONBLOCK).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    (terminal, PathBuf::from(name.into_string().unwrap()))
}
