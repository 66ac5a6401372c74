//! The section of the strike.

use std::{path::PathBuf, time::Duration};

use serde::Deserialize;
use toml::Table;

use super::{BoardError, File, Mechanism, PowerLoss, StrikeFacts};
use crate::lines::{Bias, Line};

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
struct GpioStrike {
    pulse_ms: u64,
    on_power_loss: PowerLoss,
    chip: PathBuf,
    line: u32,
    active_low: bool,
}

const STRIKE: &str = "[strike]";

const KINDS: &str = "\"sim\", \"lcus-1\" and \"gpio\" are";

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
}
