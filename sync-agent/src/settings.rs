//! `agent.toml`: what there is to choose. Every key has a value without the file; a key that is not known is refused, so that a
//! slip of the pen is told.

use serde::Deserialize;
use std::path::{Path, PathBuf};

/// What there is to choose.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The kiosk's socket.
    pub kiosk_socket: PathBuf,
    /// How often what is much and not urgent is told to the registry, in seconds: check-ins are not told one by one.
    pub bulk_every_s: u32,
    /// How often a silent connection to the broker shows that it lives, in seconds.
    pub keep_alive_s: u16,
    /// How much of the disk the agent's replica may take, in MiB.
    pub keep_mib: u64,
    /// How much of the disk stays free for what is urgent, in MiB: below it the rest waits where it is.
    pub leave_mib: u64,
    /// How often `status.json` is written, in seconds.
    pub status_every_s: u32,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            kiosk_socket: "/var/lib/genkan/agent.sock".into(),
            bulk_every_s: 60,
            keep_alive_s: 60,
            keep_mib: 2_048,
            leave_mib: 64,
            status_every_s: 5,
        }
    }
}

/// The file does not do.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// It cannot be read.
    #[error("agent.toml cannot be read ({0}): look at its rights")]
    Read(std::io::Error),
    /// It says what nobody understands.
    #[error("agent.toml: {0}")]
    Parse(Box<toml::de::Error>),
    /// A number is out of range.
    #[error("agent.toml: {0}")]
    Range(&'static str),
}

impl Settings {
    /// Reads the file; without one everything is as it comes.
    ///
    /// Errors: [`SettingsError`].
    pub fn read(path: &Path) -> Result<Settings, SettingsError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Settings::parse(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Settings::default()),
            Err(error) => Err(SettingsError::Read(error)),
        }
    }

    fn parse(text: &str) -> Result<Settings, SettingsError> {
        let settings: Settings =
            toml::from_str(text).map_err(|error| SettingsError::Parse(Box::new(error)))?;
        let range = |good: bool, why| if good { Ok(()) } else { Err(SettingsError::Range(why)) };
        range((1..=3_600).contains(&settings.bulk_every_s), "bulk_every_s is 1 to 3600")?;
        range((5..=600).contains(&settings.keep_alive_s), "keep_alive_s is 5 to 600")?;
        range((16..=1 << 20).contains(&settings.keep_mib), "keep_mib is 16 to 1048576")?;
        range((1..=1 << 20).contains(&settings.leave_mib), "leave_mib is 1 to 1048576")?;
        range((1..=600).contains(&settings.status_every_s), "status_every_s is 1 to 600")?;
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_shipped_file_says_what_holds_without_it() {
        assert_eq!(Settings::parse(include_str!("../agent.toml")).unwrap(), Settings::default());
        assert_eq!(Settings::parse("").unwrap(), Settings::default());
    }

    #[test]
    fn a_slip_of_the_pen_is_told() {
        for wrong in [
            "bulk_every = 60",
            "bulk_every_s = 0",
            "keep_mib = 1",
            "keep_alive_s = -1",
            "bulk_every_s = \"60\"",
        ] {
            assert!(Settings::parse(wrong).is_err(), "{wrong}");
        }
    }
}
