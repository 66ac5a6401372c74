//! The city put together: broker, registry, one facility, and doors that are joined to it by vouchers.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use super::{
    At as _, Broker, Door, Postgres, Process, Programs, Registry, Road, Trouble, process::free_port, until,
};

/// Whose city it is.
pub const TENANT: &str = "見本市";
/// The facility behind all doors.
pub const FACILITY: &str = "見本体育館";

/// How a city is built.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// Its doors, by name.
    pub doors: &'a [&'a str],
    /// The registry keeps its database in a private PostgreSQL, not in SQLite.
    pub postgresql: bool,
    /// The kiosks open no window.
    pub headless: bool,
    /// How many services of the registry run.
    pub services: usize,
}

/// A city at work. Everything ends with it.
pub struct City {
    /// The doors, in the order of the plan.
    pub doors: Vec<Door>,
    /// The registry.
    pub registry: Registry,
    /// The broker.
    pub broker: Broker,
    /// The database, unless it is a file of the registry.
    pub postgres: Option<Postgres>,
    /// Vouchers, requests, whatever is handed from one to the other.
    pub desk: PathBuf,
    /// The facility, as the registry names it.
    pub facility: String,
    programs: Programs,
    /// The broker's folder is nobody else's: it becomes another user where we are root.
    _broker: TempDir,
}

impl City {
    /// Founds a city in an empty folder: registry, broker, facility. Its doors are prepared and not joined yet.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn found(folder: &Path, plan: &Plan<'_>) -> Result<Self, Trouble> {
        let programs = Programs::here()?;
        let desk = folder.join("desk");
        fs::create_dir_all(&desk).at("make the folder", &desk)?;
        let postgres = if plan.postgresql { Some(Postgres::start()?) } else { None };
        let [listen, mqtt] = [free_port()?, free_port()?];
        let mut registry = Registry::at(&folder.join("registry"), &programs)?;
        registry.found(TENANT, postgres.as_ref().map(Postgres::url).as_deref(), listen, mqtt)?;
        let place = TempDir::new().at("make a folder in", &std::env::temp_dir())?;
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o711)).at("open", place.path())?;
        let configuration = place.path().join("broker");
        registry.write_broker(&configuration)?;
        let broker =
            Broker::start(&configuration.join("mosquitto.conf"), mqtt, &folder.join("mosquitto.log"))?;
        for _ in 0..plan.services {
            registry.start()?;
        }
        let facility = registry.add_facility(FACILITY)?;
        let mut doors = Vec::new();
        for (place, name) in plan.doors.iter().enumerate() {
            let folder = folder.join(format!("door-{}", place + 1));
            doors.push(Door::prepare(name, &folder, &programs, Road::to(mqtt)?, plan.headless)?);
        }
        Ok(Self { doors, registry, broker, postgres, desk, facility, programs, _broker: place })
    }

    /// Joins a door by a voucher, as its installer does, and starts its two processes.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn join(&mut self, place: usize) -> Result<(), Trouble> {
        let voucher = self.desk.join(format!("voucher-{}.txt", place + 1));
        self.registry.voucher(&self.facility, self.doors[place].name(), &voucher)?;
        self.doors[place].join(&voucher)?;
        self.doors[place].start_kiosk()?;
        self.doors[place].start_agent()
    }

    /// One of the sample photographs.
    ///
    /// # Errors
    /// [`Trouble::Untrue`].
    pub fn photo(&self, name: &str) -> Result<PathBuf, Trouble> {
        self.programs.photo(name)
    }

    /// Waits until something holds; fails early when a process has ended by itself.
    ///
    /// # Errors
    /// [`Trouble::Waited`] with everybody's last word; [`Trouble::Ended`].
    pub fn until(
        &mut self,
        what: &str,
        mut holds: impl FnMut(&Self) -> Result<bool, Trouble>,
    ) -> Result<Duration, Trouble> {
        let city = std::cell::RefCell::new(self);
        until(
            what,
            || city.borrow().last_words(),
            || {
                city.borrow_mut().still_runs()?;
                holds(&city.borrow())
            },
        )
    }

    /// Does something while every process but the database's stands still, so that files do not change meanwhile.
    ///
    /// # Errors
    /// Whatever `act` meets.
    pub fn frozen<T>(&self, act: impl FnOnce(&Self) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let processes = || self.registry.processes().chain(self.doors.iter().flat_map(Door::processes));
        processes().for_each(Process::freeze);
        let done = act(self);
        processes().for_each(Process::thaw);
        done
    }

    /// Where the database's files lie.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.postgres.as_ref().map_or_else(|| self.database_file(), Postgres::data)
    }

    /// Nobody has ended by itself.
    ///
    /// # Errors
    /// [`Trouble::Ended`].
    pub fn still_runs(&mut self) -> Result<(), Trouble> {
        self.registry.still_runs()?;
        self.doors.iter_mut().try_for_each(Door::still_runs)
    }

    /// How everybody is doing, for a message.
    #[must_use]
    pub fn last_words(&self) -> String {
        let doors: String = self.doors.iter().map(Door::last_words).collect();
        format!("{doors}{}  broker\n{}\n", self.registry.last_words(), self.broker.last_words())
    }

    /// Stops everybody as a service manager would: whoever ends badly is a trouble.
    ///
    /// # Errors
    /// [`Trouble::Ended`].
    pub fn stop(&mut self) -> Result<(), Trouble> {
        self.doors.iter_mut().try_for_each(Door::stop)?;
        self.registry.stop()
    }
}

/// The text at `key` of an answer.
///
/// # Errors
/// [`Trouble::Unreadable`] names what was answered instead.
pub fn text_at(who: &str, answer: &Value, key: &str) -> Result<String, Trouble> {
    answer[key]
        .as_str()
        .map(ToOwned::to_owned)
        .ok_or_else(|| Trouble::Unreadable { who: who.to_owned(), what: format!("no `{key}` in {answer}") })
}
