//! A private PostgreSQL: a cluster of its own in a folder of its own, on a port of loopback, gone with its owner.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use tempfile::TempDir;

use super::{
    At as _, Trouble,
    process::{Process, Servant, finished, free_port},
};

/// Where Debian puts the server's programs, by version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// The cluster's only user and only database of ours.
const NAME: &str = "genkan";
/// How long a server may take to answer, also after it was killed and reads its log again.
const ANSWERS_WITHIN: Duration = Duration::from_secs(60);

/// A server at work, or between two lives.
pub struct Postgres {
    folder: TempDir,
    programs: PathBuf,
    servant: Servant,
    port: u16,
    process: Option<Process>,
}

impl Postgres {
    /// Makes a cluster with an empty database and starts it.
    ///
    /// # Errors
    /// [`Trouble`] when PostgreSQL is not installed, or does not start.
    pub fn start() -> Result<Self, Trouble> {
        let servant = Servant::among(&["postgres", "nobody"])?;
        let folder = TempDir::new().at("make a folder in", &std::env::temp_dir())?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).at("close", folder.path())?;
        servant.owns(folder.path())?;
        let (programs, port) = (programs()?, free_port()?);
        let mut server = Self { folder, programs, servant, port, process: None };
        let mut initdb = server.program("initdb");
        initdb.args(["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--username", NAME]);
        finished(initdb.arg("--pgdata").arg(server.data()))?;
        server.restart()?;
        finished(&mut server.sql("postgres", &format!("CREATE DATABASE {NAME}")))?;
        Ok(server)
    }

    /// Where a program finds the database.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgresql://{NAME}@127.0.0.1:{}/{NAME}", self.port)
    }

    /// One statement's answer: rows as lines, columns parted by `|`.
    ///
    /// # Errors
    /// [`Trouble::Failed`] with the server's word.
    pub fn ask(&self, statement: &str) -> Result<String, Trouble> {
        let output = finished(&mut self.sql(NAME, statement))?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Kills it with all its children, as a power cut would. [`Postgres::restart`] begins its next life.
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
        let started = Instant::now();
        loop {
            self.kill();
            let mut command = self.program("postgres");
            command.arg("-D").arg(self.data()).arg("-k").arg(self.folder.path());
            command.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]);
            let log = self.folder.path().join("log");
            let mut process = Process::start("postgresql", &mut command, &log)?;
            match self.answers(&mut process, started) {
                Ok(()) => {
                    self.process = Some(process);
                    return Ok(());
                }
                // The children of a killed server need a moment until they notice; until then the folder is taken.
                Err(Trouble::Ended { .. }) if started.elapsed() < ANSWERS_WITHIN => {
                    std::thread::sleep(Duration::from_millis(200));
                }
                Err(trouble) => return Err(trouble),
            }
        }
    }

    fn answers(&self, process: &mut Process, started: Instant) -> Result<(), Trouble> {
        while finished(&mut self.sql("postgres", "SELECT 1")).is_err() {
            process.still_runs()?;
            if started.elapsed() > ANSWERS_WITHIN {
                return Err(Trouble::Waited {
                    what: "PostgreSQL answers".into(),
                    seconds: ANSWERS_WITHIN.as_secs(),
                    everybody: process.last_words(),
                });
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Where its files lie.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        self.servant.runs(command.current_dir(self.folder.path()));
        command
    }

    fn sql(&self, database: &str, statement: &str) -> Command {
        let mut command = self.program("psql");
        command.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "-h", "127.0.0.1"]);
        command.args(["-p", &self.port.to_string(), "-U", NAME, "-d", database, "-c", statement]);
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            _ = process.stop_with(Signal::INT);
        }
    }
}

/// The folder with `initdb`, `postgres` and `psql`: Debian's newest, or wherever the path leads.
fn programs() -> Result<PathBuf, Trouble> {
    let versions = fs::read_dir(DEBIAN).into_iter().flatten().filter_map(Result::ok);
    let number = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let mut found: Vec<PathBuf> = versions.map(|entry| entry.path()).collect();
    found.retain(|path| path.join("bin/initdb").exists());
    found.sort_by_key(|path| number(path));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let elsewhere = || std::env::split_paths(&path).find(|folder| folder.join("initdb").exists());
    let found = found.pop().map(|version| version.join("bin")).or_else(elsewhere);
    found.ok_or_else(|| Trouble::untrue("PostgreSQL is not installed: `cargo xtask setup` brings it"))
}
