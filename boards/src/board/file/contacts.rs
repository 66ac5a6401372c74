//! The sections of the door's contacts.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Table;

use super::{BoardError, File, InputsFacts};
use crate::{
    Input,
    lines::{Bias, Line},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SimInputs {
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

const KINDS: &str = "\"sim\" and \"gpio\" are";

impl File<'_> {
    pub(super) fn inputs(&self, mut table: Table) -> Result<InputsFacts, BoardError> {
        let kind = self.kind(&mut table, "inputs.kind", KINDS)?;
        match kind.as_str() {
            "sim" => {
                let sim: SimInputs = self.section(table, INPUTS)?;
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

impl Contact {
    fn line(self) -> Line {
        Line { offset: self.line, active_low: self.active == Level::Low, bias: self.bias }
    }
}
