//! Real processes: started with a log of their own, killed as a power cut would, stopped as a service manager would.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, TcpListener},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{At as _, Trouble};

/// How many of a log's last lines a message repeats.
const LAST_LINES: usize = 12;
/// How long a process may take to end after it was told to.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// One process at work. It is killed when it is dropped.
pub struct Process {
    name: String,
    log: PathBuf,
    child: Child,
}

impl Process {
    /// Starts it; what it says is added to `log`.
    ///
    /// # Errors
    /// [`Trouble::NotStarted`]; [`Trouble::File`] for the log.
    pub fn start(name: &str, command: &mut Command, log: &Path) -> Result<Self, Trouble> {
        let open = || File::options().create(true).append(true).open(log).at("open the log", log);
        let (out, err) = (open()?, open()?);
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
        let child = child.map_err(|cause| Trouble::NotStarted { program, cause })?;
        Ok(Self { name: name.to_owned(), log: log.to_owned(), child })
    }

    /// Whose process this is.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// # Errors
    /// [`Trouble::Ended`], with its last words.
    pub fn still_runs(&mut self) -> Result<(), Trouble> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.ended(&status.to_string())),
            Err(cause) => Err(self.ended(&cause.to_string())),
        }
    }

    fn ended(&self, status: &str) -> Trouble {
        Trouble::Ended { name: self.name.clone(), status: status.to_owned(), last: self.last_words() }
    }

    /// The last lines of its log.
    #[must_use]
    pub fn last_words(&self) -> String {
        last_lines(&self.log)
    }

    /// Kills it as a power cut would (SIGKILL).
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }

    /// Asks it to end, as a service manager would, and waits for it.
    ///
    /// # Errors
    /// [`Trouble::Ended`] if it ended badly or only when it was killed.
    pub fn stop(self) -> Result<(), Trouble> {
        self.stop_with(Signal::TERM)
    }

    /// The same with another signal: PostgreSQL's fast shutdown is `INT`.
    ///
    /// # Errors
    /// As for [`Process::stop`].
    pub fn stop_with(mut self, signal: Signal) -> Result<(), Trouble> {
        _ = kill_process(Pid::from_child(&self.child), signal);
        let told = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(self.ended(&status.to_string())),
                Ok(None) if told.elapsed() < ENDS_WITHIN => std::thread::sleep(Duration::from_millis(20)),
                Ok(None) => return Err(self.ended("it was told to end, and did not")),
                Err(cause) => return Err(self.ended(&cause.to_string())),
            }
        }
    }

    /// Stops its clock, so to speak: it does nothing until [`Process::thaw`] (SIGSTOP).
    pub fn freeze(&self) {
        _ = kill_process(Pid::from_child(&self.child), Signal::STOP);
    }

    /// It goes on (SIGCONT).
    pub fn thaw(&self) {
        _ = kill_process(Pid::from_child(&self.child), Signal::CONT);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// The last lines of a log, indented.
fn last_lines(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(LAST_LINES);
    lines[from..].iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

/// Runs a command to its end, which must be a good one.
///
/// # Errors
/// [`Trouble::NotStarted`]; [`Trouble::Failed`] with what it said.
pub fn finished(command: &mut Command) -> Result<Output, Trouble> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|cause| Trouble::NotStarted { program, cause })?;
    if output.status.success() { Ok(output) } else { Err(failed(command, output.status, &output.stderr)) }
}

fn failed(command: &Command, status: ExitStatus, said: &[u8]) -> Trouble {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let line = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    Trouble::Failed {
        line,
        status: status.to_string(),
        said: String::from_utf8_lossy(said).trim().to_owned(),
    }
}

/// JSON, one value a line.
///
/// # Errors
/// [`Trouble::Unreadable`] names the line.
pub fn json_lines(who: &str, bytes: &[u8]) -> Result<Vec<Value>, Trouble> {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let parse = |line: &str| {
        serde_json::from_str(line).map_err(|cause| Trouble::Unreadable {
            who: who.to_owned(),
            what: format!("{cause} in `{line}`"),
        })
    };
    lines.map(parse).collect()
}

/// A port of loopback that nobody uses at this moment.
///
/// # Errors
/// [`Trouble::File`] when the system has none.
pub fn free_port() -> Result<u16, Trouble> {
    let place = Path::new("127.0.0.1:0");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).at("listen on", place)?;
    Ok(listener.local_addr().at("listen on", place)?.port())
}

/// Whoever serves in our place when we are root: PostgreSQL refuses to be root, and mosquitto gives root up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Servant(Option<(u32, u32)>);

impl Servant {
    /// The first of these users that this machine has; ourselves if we are not root.
    ///
    /// # Errors
    /// [`Trouble::Untrue`] if we are root and there is none.
    pub(super) fn among(names: &[&str]) -> Result<Self, Trouble> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self(None));
        }
        let file = Path::new("/etc/passwd");
        let users = fs::read_to_string(file).at("read", file)?;
        let ids = |name: &&str| {
            let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
            let mut fields = line.split(':').skip(2);
            Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
        };
        let found = names.iter().find_map(ids);
        found.map(|ids| Self(Some(ids))).ok_or_else(|| {
            Trouble::untrue(format!("we are root, and of the users {} there is none", names.join(", ")))
        })
    }

    /// Makes it this user who runs the command.
    pub(super) fn runs(self, command: &mut Command) -> &mut Command {
        match self.0 {
            Some((user, group)) => command.uid(user).gid(group),
            None => command,
        }
    }

    /// Gives this user a folder and all that lies in it.
    ///
    /// # Errors
    /// [`Trouble::File`].
    pub(super) fn owns(self, path: &Path) -> Result<(), Trouble> {
        let Some((user, group)) = self.0 else { return Ok(()) };
        std::os::unix::fs::chown(path, Some(user), Some(group)).at("give away", path)?;
        if path.is_dir() {
            for entry in fs::read_dir(path).at("list", path)?.filter_map(Result::ok) {
                self.owns(&entry.path())?;
            }
        }
        Ok(())
    }
}
