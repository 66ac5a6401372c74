//! A real mosquitto with the configuration that the registry writes: TLS on both ends, topics by certificate.

use std::{
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use super::{
    Trouble,
    process::{Process, Servant},
};

/// How long it may take to listen.
const LISTENS_WITHIN: Duration = Duration::from_secs(20);
/// Debian's place, which is not on everybody's path.
const DEBIAN: &str = "/usr/sbin/mosquitto";

/// A broker at work, or between two lives.
pub struct Broker {
    configuration: PathBuf,
    log: PathBuf,
    port: u16,
    servant: Servant,
    process: Option<Process>,
}

impl Broker {
    /// Starts it with this configuration, whose listener has this port.
    ///
    /// # Errors
    /// [`Trouble`] when mosquitto is not installed, refuses the configuration, or does not listen.
    pub fn start(configuration: &Path, port: u16, log: &Path) -> Result<Self, Trouble> {
        let servant = Servant::among(&["mosquitto", "nobody"])?;
        if let Some(folder) = configuration.parent() {
            servant.owns(folder)?;
        }
        let (configuration, log) = (configuration.to_owned(), log.to_owned());
        let mut broker = Self { configuration, log, port, servant, process: None };
        broker.restart()?;
        Ok(broker)
    }

    /// Its port of loopback.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where its files lie.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.configuration.parent().map_or_else(PathBuf::new, Path::to_owned)
    }

    /// Its last words, if it lives.
    #[must_use]
    pub fn last_words(&self) -> String {
        self.process.as_ref().map_or_else(|| "    (not running)".into(), Process::last_words)
    }

    /// The number of its process, if it lives.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// Kills it as a power cut would.
    pub fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// Begins its next life, on the same port.
    ///
    /// # Errors
    /// [`Trouble::Ended`], [`Trouble::Waited`].
    pub fn restart(&mut self) -> Result<(), Trouble> {
        self.kill();
        let program = if Path::new(DEBIAN).exists() { DEBIAN } else { "mosquitto" };
        let mut command = Command::new(program);
        command.arg("-c").arg(&self.configuration);
        let mut process = Process::start("mosquitto", self.servant.runs(&mut command), &self.log)?;
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            process.still_runs()?;
            if started.elapsed() > LISTENS_WITHIN {
                return Err(Trouble::Waited {
                    what: "mosquitto listens".into(),
                    seconds: LISTENS_WITHIN.as_secs(),
                    everybody: process.last_words(),
                });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.process = Some(process);
        Ok(())
    }
}
