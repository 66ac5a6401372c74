//! `registry.toml`: read once, checked as a whole.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::{Done, Failure};

/// What the file says.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Whose registry it is: 1 to 64 bytes.
    pub tenant: String,
    /// `sqlite` for a file in this directory, or `postgresql://..`.
    #[serde(default = "sqlite")]
    pub database: String,
    /// Where the registry listens for HTTPS, as `address:port`.
    #[serde(default = "listen")]
    pub listen: String,
    /// The address of the registry as devices and browsers reach it.
    #[serde(default = "url")]
    pub url: String,
    /// The MQTT broker, as `host:port`.
    #[serde(default = "broker")]
    pub broker: String,
    /// How long an erasure waits for others before a new keyring epoch begins, in seconds.
    #[serde(default = "erase_batch_s")]
    pub erase_batch_s: u64,
    /// How long the registry waits for devices after its database was put back, in seconds.
    #[serde(default = "recover_wait_s")]
    pub recover_wait_s: u64,
}

fn sqlite() -> String {
    "sqlite".into()
}

fn listen() -> String {
    "127.0.0.1:8443".into()
}

fn url() -> String {
    "https://localhost:8443".into()
}

fn broker() -> String {
    "localhost:8883".into()
}

fn erase_batch_s() -> u64 {
    24 * 60 * 60
}

fn recover_wait_s() -> u64 {
    60
}

impl Config {
    /// All but the tenant as it is without being said.
    pub fn of(tenant: &str) -> Config {
        Config {
            tenant: tenant.to_owned(),
            database: sqlite(),
            listen: listen(),
            url: url(),
            broker: broker(),
            erase_batch_s: erase_batch_s(),
            recover_wait_s: recover_wait_s(),
        }
    }

    /// Reads the file of a registry's directory.
    ///
    /// Errors: [`Failure::Io`], [`Failure::Unusable`].
    pub fn read(directory: &Path) -> Done<Config> {
        let path = directory.join("registry.toml");
        let text = fs::read_to_string(&path);
        let text = text.map_err(|source| Failure::Io { act: "read", path: path.clone(), source })?;
        let config: Config = toml::from_str(&text)
            .map_err(|error| Failure::Unusable { path: path.clone(), why: error.message().to_owned() })?;
        if !(1..=64).contains(&config.tenant.len()) || config.tenant.contains('\n') {
            let why = "tenant: 1 to 64 bytes on one line are needed".to_owned();
            return Err(Failure::Unusable { path, why });
        }
        Ok(config)
    }

    /// The text of the file.
    pub fn to_text(&self) -> String {
        toml::to_string(self).expect("texts and numbers have a form in TOML")
    }

    /// The broker's host and port.
    ///
    /// Errors: [`Failure::Asked`].
    pub fn broker_address(&self) -> Done<(String, u16)> {
        let parts = self.broker.rsplit_once(':');
        let parts = parts.and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)));
        parts.ok_or(Failure::Asked("registry.toml, broker: host:port is needed"))
    }

    /// The database's address for [`crate::db::open`].
    pub fn address(&self, directory: &Path) -> String {
        let file = || PathBuf::from(directory).join("registry.db");
        if self.database == "sqlite" { format!("sqlite:{}", file().display()) } else { self.database.clone() }
    }
}
