//! A serial port that is opened once, kept, and never waited for longer than a named time.

use std::{
    fs, io,
    os::fd::{AsFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::{FlockOperation, OFlags, fcntl_getfl, fcntl_setfl, flock},
    io::Errno,
};
use serialport::{ClearBuffer, SerialPort, TTYPort};

use super::StrikeError;

/// A command of four bytes takes 4.2 ms at 9600 baud; a port that has not sent it by then sends nothing.
pub(crate) const WRITE_WITHIN: Duration = Duration::from_millis(500);

/// How long to wait for the guard of a program that was just killed to let go of the port.
const LOCK_WITHIN: Duration = Duration::from_secs(3);

/// How often a full port or a taken lock is tried again.
const TRY_AGAIN: Duration = Duration::from_millis(2);

/// An open port, locked for this program and its guard.
pub(crate) struct Port {
    device: PathBuf,
    tty: TTYPort,
    /// The same open file as `tty`, owned in a way that can be shared with a child process.
    shared: OwnedFd,
}

impl Port {
    /// Opens it at 9600 8N1 without flow control. The lock is `flock`, which dies with its last holder; the terminal's own
    /// exclusive mode would outlive a killed program on some ports.
    pub(crate) fn open(device: &Path) -> Result<Self, StrikeError> {
        Self::open_at(device, 9_600)
    }

    /// The same at another speed.
    pub(crate) fn open_at(device: &Path, baud_rate: u32) -> Result<Self, StrikeError> {
        let name = || device.display().to_string();
        let refused = |reason: String| StrikeError::Port { act: "open", device: name(), reason };
        if let Err(error) = fs::metadata(device) {
            let missing = error.kind() == io::ErrorKind::NotFound;
            let found = || ports_under(Path::new("/dev"));
            return Err(if missing {
                StrikeError::NotThere { device: name(), found: found() }
            } else {
                refused(error.to_string())
            });
        }
        let builder = serialport::new(device.to_string_lossy(), baud_rate).exclusive(false);
        let until = Instant::now() + LOCK_WITHIN;
        let (tty, shared) = loop {
            match open_locked(&builder) {
                Err(Refusal::Taken) if Instant::now() < until => thread::sleep(TRY_AGAIN),
                Err(Refusal::Taken) => return Err(StrikeError::InUse { device: name() }),
                Err(Refusal::Other(reason)) => return Err(refused(reason)),
                Ok(opened) => break opened,
            }
        };
        Ok(Self { device: device.into(), tty, shared })
    }

    /// Sends a command and waits until it has left the computer. One that does not leave is withdrawn, so that a port
    /// that comes back to life does not release the door minutes later.
    pub(crate) fn send(&mut self, command: &[u8]) -> Result<(), StrikeError> {
        let until = Instant::now() + WRITE_WITHIN;
        let mut sent = write_until(&self.shared, command, until);
        while sent.is_ok() && self.tty.bytes_to_write().is_ok_and(|left| left > 0) {
            if Instant::now() >= until {
                sent = Err(Errno::AGAIN);
            }
            thread::sleep(TRY_AGAIN);
        }
        sent.map_err(|error| {
            self.withdraw();
            let device = self.device.display().to_string();
            match error {
                Errno::AGAIN => StrikeError::Stuck { device, waited: WRITE_WITHIN },
                error => StrikeError::Port { act: "write to", device, reason: error.to_string() },
            }
        })
    }

    /// The open file, which does not block.
    pub(crate) fn open_file(&self) -> BorrowedFd<'_> {
        self.shared.as_fd()
    }

    /// Takes back what was written and has not left, so that it does not act when the port comes back to life.
    pub(crate) fn withdraw(&self) {
        let _ = self.tty.clear(ClearBuffer::Output);
    }

    /// The open port for a child process.
    pub(crate) fn share(&self) -> io::Result<OwnedFd> {
        self.shared.try_clone()
    }
}

enum Refusal {
    Taken,
    Other(String),
}

fn open_locked(builder: &serialport::SerialPortBuilder) -> Result<(TTYPort, OwnedFd), Refusal> {
    let other = |error: &dyn std::error::Error| Refusal::Other(error.to_string());
    let tty = TTYPort::open(builder).map_err(|error| match error.kind() {
        serialport::ErrorKind::NoDevice => Refusal::Taken,
        serialport::ErrorKind::InvalidInput
        | serialport::ErrorKind::Unknown
        | serialport::ErrorKind::Io(_) => other(&error),
    })?;
    let second = tty.try_clone_native().map_err(|error| other(&error))?;
    #[expect(unsafe_code, reason = "serialport gives its descriptor away only as a number")]
    // SAFETY: `into_raw_fd` has given up ownership of this open descriptor, and nobody else has its number.
    let shared = unsafe { OwnedFd::from_raw_fd(second.into_raw_fd()) };
    flock(&shared, FlockOperation::NonBlockingLockExclusive).map_err(|error| match error {
        Errno::WOULDBLOCK => Refusal::Taken,
        error => other(&error),
    })?;
    let flags = fcntl_getfl(&shared).map_err(|error| other(&error))?;
    fcntl_setfl(&shared, flags | OFlags::NONBLOCK).map_err(|error| other(&error))?;
    Ok((tty, shared))
}

/// Writes all bytes to a port that does not block. `AGAIN` means that it took too long.
pub(crate) fn write_until(port: impl AsFd, mut bytes: &[u8], until: Instant) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::write(&port, bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) if Instant::now() < until => thread::sleep(TRY_AGAIN),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The USB serial ports, with the lasting names that the system gives them:
/// `/dev/ttyUSB0 (/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0)`.
fn ports_under(dev: &Path) -> String {
    let names =
        |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let links: Vec<_> = names(dev.join("serial/by-id")).collect();
    let is_port = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("ttyUSB") || name.starts_with("ttyACM")
    };
    let mut found: Vec<_> = names(dev.into())
        .filter(is_port)
        .map(|port| {
            let same = |link: &&PathBuf| fs::canonicalize(link).ok() == fs::canonicalize(&port).ok();
            match links.iter().find(same) {
                Some(link) => format!("{} ({})", port.display(), link.display()),
                None => port.display().to_string(),
            }
        })
        .collect();
    found.sort();
    if found.is_empty() { "no USB serial port at all".into() } else { found.join(", ") }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_wrong_path_is_answered_with_the_ports_of_this_machine_and_their_lasting_names() {
        let dev = tempfile::tempdir().unwrap();
        assert_eq!(ports_under(dev.path()), "no USB serial port at all");
        for node in ["ttyUSB1", "ttyACM0", "ttyS0", "video0"] {
            fs::write(dev.path().join(node), "").unwrap();
        }
        fs::create_dir_all(dev.path().join("serial/by-id")).unwrap();
        symlink("../../ttyUSB1", dev.path().join("serial/by-id/usb-1a86_USB_Serial")).unwrap();
        let root = dev.path().display();
        let wanted = format!("{root}/ttyACM0, {root}/ttyUSB1 ({root}/serial/by-id/usb-1a86_USB_Serial)");
        assert_eq!(ports_under(dev.path()), wanted);
    }

    #[test]
    fn what_is_no_serial_port_is_refused_by_name() {
        let missing = Port::open(Path::new("/nonexistent/ttyUSB0")).map(|_| ()).unwrap_err();
        assert!(matches!(missing, StrikeError::NotThere { .. }), "{missing}");
        assert!(missing.to_string().contains("/nonexistent/ttyUSB0"), "{missing}");
        let null = Port::open(Path::new("/dev/null")).map(|_| ()).unwrap_err();
        assert!(matches!(null, StrikeError::Port { act: "open", .. }), "{null}");
    }
}
