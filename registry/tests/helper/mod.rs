//! A PostgreSQL of a test's own: a cluster in a temporary directory, reached by a socket there, gone with the test.
#![allow(dead_code, clippy::unwrap_used, reason = "each test takes what it needs")]

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A running server.
pub(crate) struct Server {
    folder: TempDir,
    programs: PathBuf,
}

impl Server {
    /// Makes a cluster and starts it, fsync on.
    pub(crate) fn start() -> Server {
        let folder = tempfile::Builder::new().prefix("gkpg").tempdir_in("/tmp").unwrap();
        if let Some((user, group)) = postgres_user() {
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let server = Server { folder, programs: programs() };
        let data = server.data();
        server.does("initdb", &["-D", &data, "-A", "trust", "-U", "genkan", "--no-instructions"]);
        server.up();
        server
    }

    /// Starts it again after [`Server::crash`].
    pub(crate) fn up(&self) {
        let options = format!("-k {} -c listen_addresses='' -c fsync=on", self.folder.path().display());
        let log = format!("{}/log", self.folder.path().display());
        self.does("pg_ctl", &["-D", &self.data(), "-w", "-l", &log, "-o", &options, "start"]);
    }

    /// Stops it without a word to anybody.
    pub(crate) fn crash(&self) {
        self.does("pg_ctl", &["-D", &self.data(), "-w", "-m", "immediate", "stop"]);
    }

    /// A new empty database; its address.
    pub(crate) fn database(&self, name: &str) -> String {
        let folder = self.folder.path().display().to_string();
        self.does("createdb", &["-h", &folder, "-U", "genkan", name]);
        format!("postgresql://genkan@/{name}?host={folder}")
    }

    /// A new database that is as another one is now.
    pub(crate) fn copy(&self, from: &str, to: &str) {
        let folder = self.folder.path().display().to_string();
        self.does("createdb", &["-h", &folder, "-U", "genkan", "-T", from, to]);
    }

    /// Deletes a database, whoever is in it.
    pub(crate) fn remove(&self, name: &str) {
        let folder = self.folder.path().display().to_string();
        self.does("dropdb", &["-h", &folder, "-U", "genkan", "--force", name]);
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    fn does(&self, program: &str, arguments: &[&str]) {
        let path = self.programs.join(program);
        // The server refuses to run as root.
        let mut command = if postgres_user().is_some() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        let output =
            command.args(arguments).current_dir(self.folder.path()).stdout(std::process::Stdio::null());
        let output = output.stderr(fs::File::create("/dev/null").unwrap()).status().unwrap();
        assert!(output.success(), "{program} {arguments:?} failed");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.data();
        if Path::new(&data).join("postmaster.pid").exists() {
            self.does("pg_ctl", &["-D", &data, "-w", "-m", "immediate", "stop"]);
        }
    }
}

/// Where the server's programs are: the newest version there is.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders = versions.map(|entry| entry.path().join("bin")).filter(|bin| bin.join("initdb").exists());
    folders.max().expect("PostgreSQL is not there; `cargo xtask setup` installs it")
}

/// The user that servers run as where the test runs as root.
fn postgres_user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with("postgres:"));
    let line = line.expect("there is no user postgres; `cargo xtask setup` installs PostgreSQL");
    let parts: Vec<&str> = line.split(':').collect();
    Some((parts[2].parse().unwrap(), parts[3].parse().unwrap()))
}
