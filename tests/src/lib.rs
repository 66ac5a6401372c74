//! What the whole-system scenarios share: a place for a kiosk, the real program, and the other end of its relay's line.
//!
//! The scenarios run the program that the workspace has just built, on the fetched photographs and weights; where either
//! is missing, the message says which command brings it.

pub mod city;
mod relay;
pub mod simulator;
mod visitors;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

pub use relay::RelayLine;
pub use visitors::Played;

/// How long anything may take on a slow and busy machine before a scenario gives up.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A place for one kiosk: its data directory and whatever a scenario puts beside it.
pub struct Site {
    folder: TempDir,
}

impl Default for Site {
    fn default() -> Self {
        Self::new()
    }
}

impl Site {
    /// An empty place; nothing is initialised.
    #[must_use]
    pub fn new() -> Self {
        Self { folder: TempDir::new().expect("a temporary folder can be made") }
    }

    /// A place with an empty vault.
    #[must_use]
    pub fn initialised() -> Self {
        let site = Self::new();
        site.succeeds(&["init"]);
        site
    }

    /// A path in this place.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// The program, with this place's data directory.
    #[must_use]
    pub fn kiosk(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(arguments).arg("--data").arg(self.data()).arg("--json").stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.kiosk(arguments).output().expect("the program starts")
    }

    /// Runs a command that must succeed and returns its JSON lines.
    pub fn succeeds(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?} failed: {}", text(&output.stderr));
        lines(&output.stdout)
    }

    /// Runs a command that must fail and returns what it said; it must not have panicked.
    #[must_use]
    pub fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = text(&output.stderr);
        assert!(!output.status.success(), "{arguments:?} succeeded: {}", text(&output.stdout));
        assert!(!said.contains("panicked"), "{arguments:?} panicked: {said}");
        said
    }

    /// Enrols one person and returns the id.
    pub fn enrol(&self, name: &str, photo: &Path) -> String {
        let enrolled = self.succeeds(&["enrol", "--name", name, "--photo", path_text(photo)]);
        enrolled[0]["person"].as_str().expect("an enrolment has an id").to_owned()
    }

    /// Writes a board: a folder camera showing `photos` one after the other, and the given strike.
    #[must_use]
    pub fn board(&self, photos: &[&Path], strike: &str) -> PathBuf {
        let folder = self.path("camera");
        _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder can be made");
        for (place, photo) in photos.iter().enumerate() {
            let name = photo.file_name().expect("a photograph has a name").to_string_lossy();
            fs::copy(photo, folder.join(format!("{place}-{name}"))).expect("a photograph can be copied");
        }
        let board = self.path("board.toml");
        let text = format!(
            "name = \"scenario\"\ninference_threads = 1\nreaders = []\n\n[camera]\nkind = \"folder\"\npath = \"camera\"\n\
             interval_ms = 100\nframes_per_image = 100000\ngap_frames = 10\nrepeat = false\n\n{strike}"
        );
        fs::write(&board, text).expect("a board file can be written");
        board
    }

    /// Starts the kiosk without a window and waits until its command socket answers.
    #[must_use]
    pub fn start(&self, board: &Path) -> Running {
        let kiosk = self
            .kiosk(&["run", "--headless", "--board", path_text(board)])
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the program starts");
        let mut running = Running(kiosk);
        wait_until("the kiosk listens on its socket", || {
            assert!(
                running.0.try_wait().expect("a child can be asked").is_none(),
                "the kiosk ended at its start"
            );
            std::os::unix::net::UnixStream::connect(self.data().join("kiosk.sock")).is_ok()
        });
        running
    }

    /// Exports the log and returns its readable lines.
    #[must_use]
    pub fn log(&self) -> Vec<Value> {
        let out = self.path("export");
        self.succeeds(&["audit", "export", "--out", path_text(&out)]);
        lines(&fs::read(out.join("log.jsonl")).expect("the readable log was exported"))
    }
}

/// A kiosk at work; it is killed when a scenario ends.
pub struct Running(Child);

impl Running {
    /// Kills it as a power cut would.
    pub fn kill(&mut self) {
        self.0.kill().expect("a child can be killed");
        self.0.wait().expect("a killed child ends");
    }

    /// Stops it as the service manager would, and returns whether it ended well.
    pub fn stop(mut self) -> bool {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)
            .expect("a child can be told to stop");
        self.0.wait().expect("a stopped child ends").success()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// The program under test, beside this test's own executable.
#[must_use]
pub fn program() -> PathBuf {
    let own = std::env::current_exe().expect("a test knows its own path");
    let kiosk = own.parent().and_then(Path::parent).expect("target/debug/deps").join("kiosk");
    assert!(
        kiosk.exists(),
        "{} is missing: run `cargo xtask test`, or `cargo build -p kiosk`",
        kiosk.display()
    );
    kiosk
}

/// The registry that the workspace has just built.
#[must_use]
pub fn registry() -> PathBuf {
    let registry = program().with_file_name("registry");
    assert!(registry.exists(), "{} is missing: run `cargo xtask test`", registry.display());
    registry
}

/// One of the sample photographs.
#[must_use]
pub fn photo(name: &str) -> PathBuf {
    let photo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/fetched/photos").join(name);
    assert!(photo.exists(), "{name} is missing: `cargo xtask models` fetches it");
    photo
}

/// Waits until something holds; fails after [`PATIENCE`].
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "gave up waiting: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// JSON, one value a line.
#[must_use]
pub fn lines(bytes: &[u8]) -> Vec<Value> {
    text(bytes).lines().map(|line| serde_json::from_str(line).expect("one JSON value a line")).collect()
}

/// Bytes as text.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A path as an argument.
#[must_use]
pub fn path_text(path: &Path) -> &str {
    path.to_str().expect("test paths are text")
}
