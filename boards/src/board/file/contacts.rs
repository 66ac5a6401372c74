//! The sections of the door's contacts and of the readers.

use std::path::PathBuf;

use serde::Deserialize;
use toml::{Table, Value};

use super::{BoardError, File, InputsFacts, ReaderFacts};
use crate::{
    Input,
    lines::{Bias, Line},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SimFile {
    path: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GpioInputs {
    chip: PathBuf,
    door_position: Option<Contact>,
    request_to_exit: Option<Contact>,
    fire_contact: Option<Contact>,
    tamper: Option<Contact>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Contact {
    line: u32,
    active: Level,
    #[serde(default)]
    bias: Bias,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Level {
    High,
    Low,
}

const INPUTS: &str = "[inputs]";

const READERS: &str = "[[readers]]";

const KINDS: &str = "\"sim\" and \"gpio\" are";

impl File<'_> {
    pub(super) fn inputs(&self, mut table: Table) -> Result<InputsFacts, BoardError> {
        let kind = self.kind(&mut table, "inputs.kind", KINDS)?;
        match kind.as_str() {
            "sim" => {
                let sim: SimFile = self.section(table, INPUTS)?;
                Ok(InputsFacts::Sim { path: self.beside(&sim.path) })
            }
            "gpio" => {
                let gpio: GpioInputs = self.section(table, INPUTS)?;
                let wired = [
                    (Input::DoorPosition, gpio.door_position),
                    (Input::RequestToExit, gpio.request_to_exit),
                    (Input::FireContact, gpio.fire_contact),
                    (Input::Tamper, gpio.tamper),
                ];
                let lines: Vec<_> =
                    wired.into_iter().filter_map(|(input, contact)| Some((input, contact?.line()))).collect();
                let allowed = "`door_position`, `request_to_exit`, `fire_contact` and `tamper` are, one of them at least; \
                               without any, leave the section out";
                self.check(!lines.is_empty(), "inputs", "(nothing)", allowed)?;
                Ok(InputsFacts::Gpio { chip: self.beside(&gpio.chip), lines })
            }
            other => Err(self.value("inputs.kind", format!("\"{other}\""), KINDS)),
        }
    }
}

impl File<'_> {
    pub(super) fn reader(&self, reader: Value) -> Result<ReaderFacts, BoardError> {
        let allowed = "[] is, or for each reader a section [[readers]] with kind = \"sim\"";
        let mut table = match reader {
            Value::Table(table) => table,
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Array(_) => return Err(self.value("readers", format!("[{reader}]"), allowed)),
        };
        let kind = self.kind(&mut table, "readers.kind", "\"sim\" is")?;
        match kind.as_str() {
            "sim" => {
                let sim: SimFile = self.section(table, READERS)?;
                Ok(ReaderFacts::Sim { path: self.beside(&sim.path) })
            }
            other => Err(self.value("readers.kind", format!("\"{other}\""), "\"sim\" is")),
        }
    }
}

impl Contact {
    fn line(self) -> Line {
        Line { offset: self.line, active_low: self.active == Level::Low, bias: self.bias }
    }
}
