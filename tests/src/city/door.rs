//! One door: a kiosk on the simulated board, its agent, and the road from the agent to the broker.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use super::{
    At as _, Programs, Road, Trouble,
    camera::View,
    process::{Process, finished, json_lines},
};

/// A strike that only remembers, and nothing else on the board.
const REST_OF_BOARD: &str = "[strike]\nkind = \"sim\"\npulse_ms = 200\non_power_loss = \"fail-secure\"\n\
                             pulses = \"pulses.jsonl\"\n";

/// A decision as the kiosk's log tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// What came out: `granted`, `no-match` and so on.
    pub outcome: String,
    /// The enrolee, where one was recognised.
    pub person: Option<String>,
}

/// A door with its two processes, running or not.
pub struct Door {
    name: String,
    folder: PathBuf,
    programs: Programs,
    /// What stands before its camera.
    pub view: View,
    /// From its agent to the broker.
    pub road: Road,
    headless: bool,
    kiosk: Option<Process>,
    agent: Option<Process>,
}

impl Door {
    /// Prepares a door in a folder of its own: an empty vault, a board. Nothing runs yet.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn prepare(
        name: &str,
        folder: &Path,
        programs: &Programs,
        road: Road,
        headless: bool,
    ) -> Result<Self, Trouble> {
        for place in [folder.to_owned(), folder.join("agent")] {
            fs::create_dir_all(&place).at("make the folder", &place)?;
            fs::set_permissions(&place, fs::Permissions::from_mode(0o700)).at("close", &place)?;
        }
        let view = View::beside(&folder.join("board.toml"))?;
        let (name, folder, programs) = (name.to_owned(), folder.to_owned(), programs.clone());
        let door = Self { name, folder, programs, view, road, headless, kiosk: None, agent: None };
        let board = format!(
            "name = \"{}\"\ninference_threads = 1\nreaders = []\n\n{}\n{REST_OF_BOARD}",
            door.folder.file_name().unwrap_or_default().to_string_lossy(),
            door.view.section()
        );
        let file = door.path("board.toml");
        fs::write(&file, board).at("write", &file)?;
        door.ask(&["init"])?;
        Ok(door)
    }

    /// As people call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A path in its folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The kiosk's data directory.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// The agent's directory.
    #[must_use]
    pub fn agent_directory(&self) -> PathBuf {
        self.path("agent")
    }

    /// A command of the kiosk, through the running one if one runs; its JSON lines.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn ask(&self, arguments: &[&str]) -> Result<Vec<Value>, Trouble> {
        let mut command = self.program("kiosk")?;
        command.args(arguments).arg("--data").arg(self.data()).arg("--json");
        json_lines(&self.name, &finished(&mut command)?.stdout)
    }

    /// A command of the agent; its JSON lines.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn ask_agent(&self, arguments: &[&str]) -> Result<Vec<Value>, Trouble> {
        let mut command = self.program("sync-agent")?;
        command.arg("--directory").arg(self.agent_directory()).args(arguments);
        json_lines(&format!("the agent of {}", self.name), &finished(&mut command)?.stdout)
    }

    fn program(&self, name: &str) -> Result<Command, Trouble> {
        let mut command = Command::new(self.programs.find(name)?);
        command.current_dir(&self.folder);
        Ok(command)
    }

    /// Joins it to the registry whose voucher this is, by the four steps of an installer: the agent makes its key, the
    /// kiosk reads the voucher, the agent carries the request to the registry and brings the answer.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn join(&self, voucher: &Path) -> Result<(), Trouble> {
        let [csr, request] = ["csr.der", "request.bin"].map(|name| self.path(name));
        let [voucher, csr, request] =
            [voucher, &csr, &request].map(|path| path.to_string_lossy().into_owned());
        self.ask_agent(&["request", "--out", &csr])?;
        self.ask(&["registry", "join", "--voucher", &voucher, "--csr", &csr, "--out", &request])?;
        self.ask_agent(&["join", "--request", &request])?;
        Ok(())
    }

    /// Starts the kiosk and waits until it answers.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn start_kiosk(&mut self) -> Result<(), Trouble> {
        self.kill_kiosk();
        let mut command = self.program("kiosk")?;
        command.arg("run").args(self.headless.then_some("--headless"));
        command.arg("--board").arg(self.path("board.toml")).arg("--data").arg(self.data());
        let mut kiosk =
            Process::start(&format!("the kiosk of {}", self.name), &mut command, &self.path("kiosk.log"))?;
        super::until("the kiosk listens on its socket", String::new, || {
            kiosk.still_runs()?;
            Ok(std::os::unix::net::UnixStream::connect(self.data().join("kiosk.sock")).is_ok())
        })?;
        self.kiosk = Some(kiosk);
        Ok(())
    }

    /// Starts the agent.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn start_agent(&mut self) -> Result<(), Trouble> {
        self.kill_agent();
        let mut command = self.program("sync-agent")?;
        command.arg("--directory").arg(self.agent_directory()).arg("run");
        command.arg("--socket").arg(self.data().join("agent.sock")).args(["--bulk-every-s", "1"]);
        let name = format!("the agent of {}", self.name);
        self.agent = Some(Process::start(&name, &mut command, &self.path("agent.log"))?);
        Ok(())
    }

    /// Kills the kiosk as a power cut would.
    pub fn kill_kiosk(&mut self) {
        if let Some(kiosk) = self.kiosk.take() {
            kiosk.kill();
        }
    }

    /// Kills the agent as a power cut would.
    pub fn kill_agent(&mut self) {
        if let Some(agent) = self.agent.take() {
            agent.kill();
        }
    }

    /// Stops both as a service manager would.
    ///
    /// # Errors
    /// [`Trouble::Ended`] for one that ends badly.
    pub fn stop(&mut self) -> Result<(), Trouble> {
        self.agent.take().map_or(Ok(()), Process::stop)?;
        self.kiosk.take().map_or(Ok(()), Process::stop)
    }

    /// Its processes that run.
    pub fn processes(&self) -> impl Iterator<Item = &Process> {
        self.kiosk.iter().chain(&self.agent)
    }

    /// The agent's process, if it runs.
    #[must_use]
    pub fn agent_id(&self) -> Option<u32> {
        self.agent.as_ref().map(Process::id)
    }

    /// Neither process has ended by itself.
    ///
    /// # Errors
    /// [`Trouble::Ended`].
    pub fn still_runs(&mut self) -> Result<(), Trouble> {
        self.kiosk.as_mut().map_or(Ok(()), Process::still_runs)?;
        self.agent.as_mut().map_or(Ok(()), Process::still_runs)
    }

    /// What the kiosk says of itself.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn status(&self) -> Result<Value, Trouble> {
        Ok(self.ask(&["status"])?.into_iter().next().unwrap_or_default())
    }

    /// Whether it is a member of its facility's group and holds the group's keys, by its status.
    #[must_use]
    pub fn joined(&self, status: &Value) -> bool {
        status["registry"]["epoch"].as_u64().is_some_and(|epoch| epoch > 0)
    }

    /// How many of its own records have no receipt yet, by its status.
    #[must_use]
    pub fn unreceipted(&self, status: &Value) -> Option<u64> {
        status["registry"]["unreceipted"].as_u64()
    }

    /// What the agent says of itself.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn agent_status(&self) -> Result<Value, Trouble> {
        Ok(self.ask_agent(&["status", "--json"])?.into_iter().next().unwrap_or_default())
    }

    /// Whom the rules of the door would make of this photograph. Opens nothing, records nothing.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn identify(&self, photo: &Path) -> Result<Decided, Trouble> {
        let found = self.ask(&["identify", "--photo", &photo.to_string_lossy()])?;
        found.first().map(decided).ok_or_else(|| Trouble::Unreadable {
            who: self.name.clone(),
            what: "no line for the photograph".into(),
        })
    }

    /// The whole readable log.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn log(&self) -> Result<Vec<Value>, Trouble> {
        let out = self.path("export");
        self.ask(&["audit", "export", "--out", &out.to_string_lossy()])?;
        let file = out.join("log.jsonl");
        json_lines(&self.name, &fs::read(&file).at("read", &file)?)
    }

    /// Every decision so far, oldest first.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn decisions(&self) -> Result<Vec<Decided>, Trouble> {
        let log = self.log()?;
        Ok(log
            .iter()
            .filter(|line| line["kind"] == "Decision")
            .map(|line| decided(&line["fields"]))
            .collect())
    }

    /// How both processes are doing, for a message.
    #[must_use]
    pub fn last_words(&self) -> String {
        let word = |status: Result<Value, Trouble>| {
            status.map_or_else(|cause| cause.to_string(), |it| it.to_string())
        };
        let log = |process: &Option<Process>| {
            process.as_ref().map_or_else(|| "    (not running)".into(), Process::last_words)
        };
        format!(
            "  {}: kiosk {}\n{}\n  {}: agent {}\n{}\n",
            self.name,
            word(self.status()),
            log(&self.kiosk),
            self.name,
            word(self.agent_status()),
            log(&self.agent)
        )
    }
}

fn decided(value: &Value) -> Decided {
    Decided {
        outcome: value["outcome"].as_str().unwrap_or("?").to_owned(),
        person: value["person"].as_str().map(ToOwned::to_owned),
    }
}
