//! The registry of a city: its directory, its service, and the commands of its clerks.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use serde_json::Value;
use wire::Authority;

use super::{
    At as _, Programs, Trouble,
    process::{Process, finished, json_lines},
    text_at,
};

/// Files with which a client of the broker says that it is a process of the registry.
pub struct Identity {
    /// The authority's certificate.
    pub authority: PathBuf,
    /// The client's chain.
    pub certificate: PathBuf,
    /// The client's key.
    pub key: PathBuf,
}

/// A registry with its services, of which there may be several on one database.
pub struct Registry {
    directory: PathBuf,
    program: PathBuf,
    services: Vec<Process>,
}

impl Registry {
    /// A directory for it, empty.
    ///
    /// # Errors
    /// [`Trouble::NotBuilt`].
    pub fn at(directory: &Path, programs: &Programs) -> Result<Self, Trouble> {
        Ok(Self {
            directory: directory.to_owned(),
            program: programs.find("registry")?,
            services: Vec::new(),
        })
    }

    /// Its directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// A command of a clerk; its JSON lines.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn ask(&self, arguments: &[&str]) -> Result<Vec<Value>, Trouble> {
        json_lines("the registry", &finished(&mut self.command(arguments))?.stdout)
    }

    /// A command of a clerk whose words do not matter.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn tell(&self, arguments: &[&str]) -> Result<(), Trouble> {
        finished(&mut self.command(arguments)).map(|_| ())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--directory").arg(&self.directory).args(arguments);
        command
    }

    /// Makes the registry: keys, database, where it listens and where its broker will.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn found(&self, tenant: &str, database: Option<&str>, listen: u16, mqtt: u16) -> Result<(), Trouble> {
        let (listen, url) = (format!("127.0.0.1:{listen}"), format!("https://127.0.0.1:{listen}"));
        let broker = format!("127.0.0.1:{mqtt}");
        let mut arguments = vec!["init", "--tenant", tenant, "--listen", &listen, "--url", &url];
        arguments.extend(["--broker", &broker]);
        arguments.extend(database.iter().flat_map(|url| ["--database", url]));
        self.tell(&arguments)
    }

    /// Writes the broker's configuration.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn write_broker(&self, folder: &Path) -> Result<(), Trouble> {
        self.tell(&["broker-config", "--out", &folder.to_string_lossy()])
    }

    /// Adds a facility and returns how commands name it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn add_facility(&self, name: &str) -> Result<String, Trouble> {
        let added = self.ask(&["facility", "add", "--name", name, "--json"])?;
        text_at("the registry", added.first().unwrap_or(&Value::Null), "facility")
    }

    /// Writes a voucher for a device of a facility.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn voucher(&self, facility: &str, name: &str, out: &Path) -> Result<(), Trouble> {
        let out = out.to_string_lossy();
        self.tell(&["device", "voucher", "--facility", facility, "--name", name, "--out", &out])
    }

    /// Registers a household from a file at a facility.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn household_add(&self, facility: &str, file: &Path) -> Result<Vec<Value>, Trouble> {
        let file = file.to_string_lossy();
        self.ask(&["household", "add", "--facility", facility, "--file", &file, "--json"])
    }

    /// Whether it holds this enrolee as one of its own.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn knows(&self, person: &str) -> Result<bool, Trouble> {
        Ok(self.ask(&["person", "list", "--json"])?.iter().any(|line| line.to_string().contains(person)))
    }

    /// Withdraws the consent of an enrolee.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn withdraw(&self, person: &str) -> Result<(), Trouble> {
        self.tell(&["consent", "withdraw", "--person", person])
    }

    /// Whether every device has confirmed that this enrolee is erased.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn erased(&self, person: &str) -> Result<bool, Trouble> {
        let lines = self.ask(&["erasure", "list", "--json"])?;
        let line = lines.iter().find(|line| line.to_string().contains(person));
        Ok(line.is_some_and(|line| line["missing"].as_array().is_some_and(Vec::is_empty)))
    }

    /// Another identity of a process of the registry, made by its authority: for a judge's client.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn another_identity(&self, folder: &Path) -> Result<Identity, Trouble> {
        let unreadable = |cause: &dyn std::fmt::Display| Trouble::Unreadable {
            who: "the registry's authority".into(),
            what: cause.to_string(),
        };
        let pem = |name: &str| self.written(&self.directory.join(name));
        let authority =
            Authority::from_pem(&pem("ca.key")?, &pem("ca.pem")?).map_err(|it| unreadable(&it))?;
        let issued = authority.process(SystemTime::now()).map_err(|it| unreadable(&it))?;
        let chain: String = issued.chain.iter().map(|one| wire::tls::pem(one)).collect();
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).at("write", &path)?;
            Ok::<_, Trouble>(path)
        };
        Ok(Identity {
            authority: write("ca.pem", &authority.certificate_pem())?,
            certificate: write("judge.pem", &chain)?,
            key: write("judge.key", &issued.identity.to_pem())?,
        })
    }

    /// Starts one more service.
    ///
    /// # Errors
    /// [`Trouble::NotStarted`].
    pub fn start(&mut self) -> Result<(), Trouble> {
        let name = format!("registry service {}", self.services.len());
        let log = self.directory.with_extension("log");
        let service = Process::start(&name, &mut self.command(&["run"]), &log)?;
        self.services.push(service);
        Ok(())
    }

    /// Kills one service as a power cut would.
    pub fn kill(&mut self, which: usize) {
        if which < self.services.len() {
            self.services.swap_remove(which).kill();
        }
    }

    /// The services that run.
    pub fn processes(&self) -> impl Iterator<Item = &Process> {
        self.services.iter()
    }

    /// How many services run.
    #[must_use]
    pub fn services(&self) -> usize {
        self.services.len()
    }

    /// Stops all services as a service manager would.
    ///
    /// # Errors
    /// [`Trouble::Ended`].
    pub fn stop(&mut self) -> Result<(), Trouble> {
        self.services.drain(..).try_for_each(Process::stop)
    }

    /// No service has ended by itself.
    ///
    /// # Errors
    /// [`Trouble::Ended`].
    pub fn still_runs(&mut self) -> Result<(), Trouble> {
        self.services.iter_mut().try_for_each(Process::still_runs)
    }

    /// What the registry says of itself.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn status(&self) -> Result<Value, Trouble> {
        Ok(self.ask(&["status", "--json"])?.into_iter().next().unwrap_or_default())
    }

    /// How it is doing, for a message.
    #[must_use]
    pub fn last_words(&self) -> String {
        let word = self.status().map_or_else(|cause| cause.to_string(), |it| it.to_string());
        let logs: Vec<_> = self.services.iter().map(Process::last_words).collect();
        format!("  registry {word}\n{}\n", logs.join("\n"))
    }

    /// Reads a text file that a command has written.
    ///
    /// # Errors
    /// [`Trouble::File`].
    pub fn written(&self, file: &Path) -> Result<String, Trouble> {
        fs::read_to_string(file).at("read", file)
    }
}
