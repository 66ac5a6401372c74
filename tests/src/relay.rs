//! The far end of a relay's serial line: a pseudo-terminal whose other side the kiosk opens.

use std::{
    fs::File,
    io::Read,
    os::fd::OwnedFd,
    path::PathBuf,
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::{Mode, OFlags, open},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{OptionalActions, tcgetattr, tcsetattr},
};

/// What an LCUS-1 board understands: driven, or at rest, and when it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// The relay was driven (`A0 01 01 A2`); else put to rest (`A0 01 00 A1`).
    pub driven: bool,
    /// When the last byte arrived.
    pub at: Instant,
}

/// A serial line with a reader of its own.
pub struct RelayLine {
    /// The device that a board file names.
    pub device: PathBuf,
    told: Receiver<Told>,
    /// Kept open, so that the line stays up while the kiosk restarts.
    _slave: OwnedFd,
}

impl Default for RelayLine {
    fn default() -> Self {
        Self::new()
    }
}

impl RelayLine {
    /// A line whose far end reads frames as a relay board would.
    #[must_use]
    pub fn new() -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
        grantpt(&master).expect("granted");
        unlockpt(&master).expect("unlocked");
        let name = ptsname(&master, Vec::new()).expect("a name").into_string().expect("text");
        let slave =
            open(name.as_str(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("the other side");
        let mut raw = tcgetattr(&slave).expect("attributes");
        raw.make_raw();
        tcsetattr(&slave, OptionalActions::Now, &raw).expect("raw");
        let (tell, told) = channel();
        let mut line = File::from(master);
        thread::spawn(move || {
            let mut frame = [0; 4];
            while line.read_exact(&mut frame).is_ok() {
                let driven = match frame {
                    [0xA0, 1, 1, 0xA2] => true,
                    [0xA0, 1, 0, 0xA1] => false,
                    other => panic!("{other:02x?} is no command of an LCUS-1"),
                };
                if tell.send(Told { driven, at: Instant::now() }).is_err() {
                    break;
                }
            }
        });
        Self { device: name.into(), told, _slave: slave }
    }

    /// The strike section of a board file for this line.
    #[must_use]
    pub fn strike(&self, pulse_ms: u32) -> String {
        format!(
            "[strike]\nkind = \"lcus-1\"\ndevice = \"{}\"\nchannel = 1\npulse_ms = {pulse_ms}\non_power_loss = \"fail-secure\"\n",
            self.device.display()
        )
    }

    /// The next thing that the relay is told, within `patience`.
    #[must_use]
    pub fn next(&self, patience: Duration) -> Option<Told> {
        self.told.recv_timeout(patience).ok()
    }

    /// Waits until the relay is driven, or put to rest, and returns when.
    pub fn wait_for(&self, driven: bool) -> Instant {
        let started = Instant::now();
        while started.elapsed() < crate::PATIENCE {
            match self.next(Duration::from_millis(100)) {
                Some(told) if told.driven == driven => return told.at,
                Some(_) | None => {}
            }
        }
        panic!("the relay was not {}", if driven { "driven" } else { "put to rest" });
    }
}
