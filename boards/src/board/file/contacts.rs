//! The sections of the door's contacts and of the readers.

use std::path::PathBuf;

use serde::Deserialize;
use toml::{Table, Value};

use super::{BoardError, CardReaderFacts, File, InputsFacts, ReaderFacts};
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
struct PcscFile {
    name: String,
    authorities: Option<PathBuf>,
}

/// A section of readers, by what it gives.
enum Section {
    Reader(ReaderFacts),
    CardReader(CardReaderFacts),
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

const READER_KINDS: &str = "\"sim\" and \"pcsc\" are";

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
    /// Those that say what was shown, and those through which one talks with a card.
    pub(super) fn readers(
        &self,
        sections: Vec<Value>,
    ) -> Result<(Vec<ReaderFacts>, Vec<CardReaderFacts>), BoardError> {
        let (mut readers, mut card_readers) = (Vec::new(), Vec::new());
        for section in sections {
            match self.reader(section)? {
                Section::Reader(facts) => readers.push(facts),
                Section::CardReader(facts)
                    if card_readers.iter().any(|other: &CardReaderFacts| other.name == facts.name) =>
                {
                    return Err(self.value(
                        "readers.name",
                        format!("{:?}", facts.name),
                        "one section names it",
                    ));
                }
                Section::CardReader(facts) => card_readers.push(facts),
            }
        }
        Ok((readers, card_readers))
    }

    fn reader(&self, reader: Value) -> Result<Section, BoardError> {
        let allowed = "[] is, or for each reader a section [[readers]] with kind = \"sim\" or \"pcsc\"";
        let mut table = match reader {
            Value::Table(table) => table,
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Array(_) => return Err(self.value("readers", format!("[{reader}]"), allowed)),
        };
        let kind = self.kind(&mut table, "readers.kind", READER_KINDS)?;
        match kind.as_str() {
            "sim" => {
                let sim: SimFile = self.section(table, READERS)?;
                Ok(Section::Reader(ReaderFacts::Sim { path: self.beside(&sim.path) }))
            }
            "pcsc" => {
                let PcscFile { name, authorities } = self.section(table, READERS)?;
                let allowed = "it is the reader's name, or a part that only one reader's name has; `pcsc_scan -r` lists them";
                self.check(
                    !name.trim().is_empty() && !name.contains('\0'),
                    "readers.name",
                    format!("{name:?}"),
                    allowed,
                )?;
                let authorities = authorities.map(|folder| self.beside(&folder));
                Ok(Section::CardReader(CardReaderFacts { name, authorities }))
            }
            other => Err(self.value("readers.kind", format!("\"{other}\""), READER_KINDS)),
        }
    }
}

impl Contact {
    fn line(self) -> Line {
        Line { offset: self.line, active_low: self.active == Level::Low, bias: self.bias }
    }
}
