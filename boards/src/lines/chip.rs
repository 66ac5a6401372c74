//! The kernel's GPIO chips, through the crate `gpiocdev`.

use std::{
    fs::{self, File},
    io,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use gate::Monotonic;
use gpiocdev::{
    Request,
    line::{EdgeDetection, EdgeKind, Value, Values},
};
use gpiocdev_uapi::v2::{LineValues, set_line_values};
use rustix::{
    io::Errno,
    time::{ClockId, clock_gettime},
};

use super::{Bias, Edge, Line, Lines, LinesError, MOST_EDGES, Output, Watch};
use crate::{BootClock, Clock};

/// Our name in the kernel's list of users (`gpioinfo`).
const CONSUMER: &str = "genkan";

/// How long to wait for the guard of a program that was just killed to let go of a line.
const FREE_WITHIN: Duration = Duration::from_secs(3);

/// How often a taken or unwilling line is tried again.
const TRY_AGAIN: Duration = Duration::from_millis(2);

/// A chip at a path. Opened by each request.
#[derive(Debug, Clone)]
pub struct Chip {
    path: PathBuf,
}

impl Chip {
    /// The chip at `path`, as `/dev/gpiochip0`.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn refused(&self, act: &'static str, error: &dyn std::error::Error) -> LinesError {
        LinesError::Refused { act, chip: self.name(), reason: error.to_string() }
    }

    /// What can be said of a chip and its lines before they are requested.
    fn look(&self, lines: &[Line]) -> Result<gpiocdev::chip::Chip, LinesError> {
        if fs::metadata(&self.path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            return Err(LinesError::NotThere { chip: self.name(), found: chips_of(Path::new("/dev")) });
        }
        let chip =
            gpiocdev::chip::Chip::from_path(&self.path).map_err(|error| self.refused("open", &error))?;
        let count = chip.info().map_err(|error| self.refused("ask", &error))?.num_lines;
        match lines.iter().find(|line| line.offset >= count) {
            Some(line) => Err(LinesError::NoLine { chip: self.name(), offset: line.offset, count }),
            None => Ok(chip),
        }
    }

    /// Requests lines, if need be after a moment.
    fn request(
        &self,
        lines: &[Line],
        configure: impl Fn(&mut gpiocdev::request::Config),
    ) -> Result<Request, LinesError> {
        let chip = self.look(lines)?;
        let mut config = gpiocdev::request::Config::default();
        config.on_chip(&self.path);
        for line in lines {
            config.with_line(line.offset);
            configure(&mut config);
            if line.active_low {
                config.as_active_low()
            } else {
                config.as_active_high()
            };
            match line.bias {
                Bias::AsIs => config.with_bias(None),
                Bias::PullUp => config.with_bias(gpiocdev::line::Bias::PullUp),
                Bias::PullDown => config.with_bias(gpiocdev::line::Bias::PullDown),
                Bias::Off => config.with_bias(gpiocdev::line::Bias::Disabled),
            };
        }
        let until = Instant::now() + FREE_WITHIN;
        loop {
            match Request::from_config(config.clone()).with_consumer(CONSUMER).request() {
                Ok(request) => return Ok(request),
                Err(error) if errno(&error) != Some(Errno::BUSY) => {
                    return Err(self.refused("use a line of", &error));
                }
                Err(_) if Instant::now() < until => thread::sleep(TRY_AGAIN),
                Err(error) => return Err(self.taken(&chip, lines, &error)),
            }
        }
    }

    /// Who has the line that we want.
    fn taken(&self, chip: &gpiocdev::chip::Chip, lines: &[Line], error: &gpiocdev::Error) -> LinesError {
        let used = |line: &Line| chip.line_info(line.offset).ok().filter(|info| info.used);
        match lines.iter().find_map(used) {
            Some(info) => {
                let by = if info.consumer.is_empty() { "the kernel".into() } else { info.consumer };
                LinesError::InUse { chip: self.name(), offset: info.offset, by }
            }
            None => self.refused("use a line of", error),
        }
    }
}

impl Lines for Chip {
    fn chip(&self) -> String {
        self.name()
    }

    fn output(&mut self, line: Line) -> Result<Box<dyn Output>, LinesError> {
        let request = self.request(&[line], |config| {
            config.as_output(Value::Inactive);
        })?;
        Ok(Box::new(Requested { chip: self.clone(), lines: vec![line], request }))
    }

    fn watch(&mut self, lines: &[Line]) -> Result<Box<dyn Watch>, LinesError> {
        let request = self.request(lines, |config| {
            config.as_input().with_edge_detection(EdgeDetection::BothEdges);
        })?;
        Ok(Box::new(Requested { chip: self.clone(), lines: lines.to_vec(), request }))
    }
}

/// Lines until they are dropped.
struct Requested {
    chip: Chip,
    lines: Vec<Line>,
    request: Request,
}

impl Output for Requested {
    fn set(&mut self, active: bool) -> Result<(), LinesError> {
        let value = if active { Value::Active } else { Value::Inactive };
        self.request.set_lone_value(value).map_err(|error| self.chip.refused("set a line of", &error))
    }

    fn share(&self) -> io::Result<OwnedFd> {
        self.request.as_fd().try_clone_to_owned()
    }
}

impl Watch for Requested {
    fn levels(&mut self) -> Result<Vec<Option<bool>>, LinesError> {
        let mut values = Values::default();
        self.request.values(&mut values).map_err(|error| self.chip.refused("read", &error))?;
        let active = |line: &Line| values.get(line.offset).map(|value| value == Value::Active);
        Ok(self.lines.iter().map(active).collect())
    }

    fn edges(&mut self, patience: Duration) -> Result<Vec<Edge>, LinesError> {
        let refused = |error: gpiocdev::Error| self.chip.refused("read", &error);
        let mut edges = Vec::new();
        let mut more = match self.request.wait_edge_event(patience) {
            Err(error) if errno(&error) == Some(Errno::INTR) => false,
            more => more.map_err(refused)?,
        };
        while more && edges.len() < MOST_EDGES {
            let event = self.request.read_edge_event().map_err(refused)?;
            if let Some(line) = self.lines.iter().position(|line| line.offset == event.offset) {
                let active = event.kind == EdgeKind::Rising;
                edges.push(Edge { at: of_rules(event.timestamp_ns), line, active });
            }
            more = self.request.has_edge_event().map_err(refused)?;
        }
        Ok(edges)
    }
}

/// The kernel stamps edges with `CLOCK_MONOTONIC`, which stands still while the machine is suspended; the rules' clock
/// does not. Nothing is suspended between an edge and its being read, so their difference now is their difference then.
fn of_rules(timestamp_ns: u64) -> Monotonic {
    let stamped = clock_gettime(ClockId::Monotonic);
    let now = BootClock.now();
    let seconds = u64::try_from(stamped.tv_sec).expect("time since boot is not negative");
    let nanoseconds = u64::try_from(stamped.tv_nsec).expect("a part of a second is not negative");
    let age = (seconds * 1_000_000_000 + nanoseconds).saturating_sub(timestamp_ns) / 1_000;
    Monotonic::from_micros(now.micros().saturating_sub(age))
}

/// Puts the only line of a request to rest, through a request that was inherited: a guard's last act.
///
/// # Errors
/// The system's reason; the line may still be active.
pub fn rest(request: impl AsFd, within: Duration) -> io::Result<()> {
    let request = File::from(request.as_fd().try_clone_to_owned()?);
    let mut inactive = LineValues::default();
    inactive.set(0, false);
    let until = Instant::now() + within;
    loop {
        match set_line_values(&request, &inactive) {
            Ok(()) => return Ok(()),
            Err(_) if Instant::now() < until => thread::sleep(TRY_AGAIN),
            Err(error) => return Err(io::Error::other(error)),
        }
    }
}

fn errno(error: &gpiocdev::Error) -> Option<Errno> {
    use gpiocdev::Error::{Os, Uapi};
    if let Os(errno) | Uapi(_, gpiocdev_uapi::Error::Os(errno)) = error {
        return Some(Errno::from_raw_os_error(errno.0));
    }
    None
}

/// `/dev/gpiochip0 (pinctrl-rp1, 54 lines), …`.
fn chips_of(dev: &Path) -> String {
    let entries = fs::read_dir(dev).into_iter().flatten().flatten();
    let is_chip =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("gpiochip"));
    let mut found: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(is_chip)
        .map(|path| {
            let info = gpiocdev::chip::Chip::from_path(&path).and_then(|chip| chip.info());
            let about = info.map(|info| format!(" ({}, {} lines)", info.label, info.num_lines));
            format!("{}{}", path.display(), about.unwrap_or_default())
        })
        .collect();
    found.sort();
    if found.is_empty() { "no GPIO chip at all".into() } else { found.join(", ") }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn line(offset: u32) -> Line {
        Line { offset, active_low: false, bias: Bias::AsIs }
    }

    #[test]
    fn a_wrong_path_is_answered_with_the_chips_of_this_machine() {
        let dev = tempfile::tempdir().unwrap();
        assert_eq!(chips_of(dev.path()), "no GPIO chip at all");
        for node in ["gpiochip4", "gpiochip0", "gpio", "video0"] {
            fs::write(dev.path().join(node), "").unwrap();
        }
        let root = dev.path().display();
        assert_eq!(chips_of(dev.path()), format!("{root}/gpiochip0, {root}/gpiochip4"));
        let error = Chip::new("/nonexistent/gpiochip0".into()).output(line(1)).map(|_| ()).unwrap_err();
        for part in ["/nonexistent/gpiochip0", "found instead", "`chip`"] {
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn what_is_no_chip_is_refused_by_name() {
        for path in ["/dev/null", "/dev"] {
            let error = Chip::new(path.into()).watch(&[line(1)]).map(|_| ()).unwrap_err();
            assert!(matches!(&error, LinesError::Refused { chip, .. } if chip == path), "{error}");
        }
    }

    #[test]
    fn an_edge_is_as_old_on_the_clock_of_the_rules_as_on_the_kernel_s() {
        let before = BootClock.now();
        let stamped = clock_gettime(ClockId::Monotonic);
        let now = stamped.tv_sec as u64 * 1_000_000_000 + stamped.tv_nsec as u64;
        let edge = of_rules(now - 1_000_000_000).plus(Duration::from_secs(1));
        let (after, rounding) = (BootClock.now(), Duration::from_micros(2));
        assert!(
            edge.plus(rounding) >= before && edge <= after.plus(rounding),
            "{before:?} {edge:?} {after:?}"
        );
    }
}
