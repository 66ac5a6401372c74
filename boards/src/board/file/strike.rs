//! The section of the strike.

use std::{path::PathBuf, time::Duration};

use serde::Deserialize;
use toml::Table;

use super::{BoardError, File, Mechanism, PowerLoss, StrikeFacts};
use crate::{
    lines::{Bias, Line},
    strike::modbus::Place,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SimStrike {
    pulse_ms: u64,
    on_power_loss: PowerLoss,
    pulses: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lcus1Strike {
    pulse_ms: u64,
    on_power_loss: PowerLoss,
    device: PathBuf,
    channel: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModbusStrike {
    pulse_ms: u64,
    on_power_loss: PowerLoss,
    device: PathBuf,
    baud_rate: u32,
    address: u8,
    coil: u8,
    flash_on: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GpioStrike {
    pulse_ms: u64,
    on_power_loss: PowerLoss,
    chip: PathBuf,
    line: u32,
    active_low: bool,
}

const STRIKE: &str = "[strike]";

const KINDS: &str = "\"sim\", \"lcus-1\", \"modbus-rtu\" and \"gpio\" are";

/// What relay boards can be set to, and adaptors make.
const BAUD_RATES: [u32; 6] = [4_800, 9_600, 19_200, 38_400, 57_600, 115_200];

impl File<'_> {
    pub(super) fn strike(&self, mut table: Table) -> Result<StrikeFacts, BoardError> {
        let kind = self.kind(&mut table, "strike.kind", KINDS)?;
        let (pulse_ms, on_power_loss, mechanism) = match kind.as_str() {
            "sim" => {
                let sim: SimStrike = self.section(table, STRIKE)?;
                let pulses = sim.pulses.map(|path| self.beside(&path));
                (sim.pulse_ms, sim.on_power_loss, Mechanism::Sim { pulses })
            }
            "lcus-1" => {
                let lcus1: Lcus1Strike = self.section(table, STRIKE)?;
                self.range(
                    u64::from(lcus1.channel),
                    1,
                    8,
                    "strike.channel",
                    "1 to 8, the relay's number on its board",
                )?;
                let (device, channel) = (self.beside(&lcus1.device), lcus1.channel);
                (lcus1.pulse_ms, lcus1.on_power_loss, Mechanism::Lcus1 { device, channel })
            }
            "modbus-rtu" => {
                let modbus: ModbusStrike = self.section(table, STRIKE)?;
                let (device, place) = (self.beside(&modbus.device), self.place(&modbus)?);
                let mechanism = Mechanism::Modbus { device, place, flash_on: modbus.flash_on };
                (modbus.pulse_ms, modbus.on_power_loss, mechanism)
            }
            "gpio" => {
                let gpio: GpioStrike = self.section(table, STRIKE)?;
                let line = Line { offset: gpio.line, active_low: gpio.active_low, bias: Bias::AsIs };
                let chip = self.beside(&gpio.chip);
                (gpio.pulse_ms, gpio.on_power_loss, Mechanism::Gpio { chip, line })
            }
            other => {
                return Err(self.value("strike.kind", format!("\"{other}\""), KINDS));
            }
        };
        self.range(pulse_ms, 200, 5_000, "strike.pulse_ms", "200 to 5000 milliseconds")?;
        Ok(StrikeFacts { mechanism, pulse: Duration::from_millis(pulse_ms), on_power_loss })
    }

    fn place(&self, modbus: &ModbusStrike) -> Result<Place, BoardError> {
        let &ModbusStrike { baud_rate, address, coil, .. } = modbus;
        self.check(
            BAUD_RATES.contains(&baud_rate),
            "strike.baud_rate",
            baud_rate.to_string(),
            "4800, 9600 (usual), 19200, 38400, 57600 and 115200 are",
        )?;
        self.range(
            address.into(),
            1,
            247,
            "strike.address",
            "1 to 247; relay boards leave the factory as 1",
        )?;
        Ok(Place { baud_rate, address, coil })
    }
}
