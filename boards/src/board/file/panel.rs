//! The section of the small panel.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Table;

use super::{BoardError, File};
use crate::{
    lines::{Bias, Line},
    panel::{PanelFacts, PanelSize},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SimPanel {
    path: PathBuf,
    size: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OledPanel {
    device: PathBuf,
    address: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TftPanel {
    device: PathBuf,
    chip: PathBuf,
    data_command_line: u32,
    reset_line: u32,
}

const PANEL: &str = "[panel]";

const KINDS: &str = "\"sim\", \"ssd1306\" and \"st7789\" are";

impl File<'_> {
    pub(super) fn panel(&self, mut table: Table) -> Result<PanelFacts, BoardError> {
        let kind = self.kind(&mut table, "panel.kind", KINDS)?;
        match kind.as_str() {
            "sim" => {
                let sim: SimPanel = self.section(table, PANEL)?;
                let size = match sim.size.as_str() {
                    "128x64" => PanelSize::OLED,
                    "240x135" => PanelSize::TFT,
                    other => {
                        let allowed = "\"128x64\" (as an SSD1306) and \"240x135\" (as an ST7789) are";
                        return Err(self.value("panel.size", format!("\"{other}\""), allowed));
                    }
                };
                Ok(PanelFacts::Sim { path: self.beside(&sim.path), size })
            }
            "ssd1306" => {
                let oled: OledPanel = self.section(table, PANEL)?;
                let allowed = "60 (0x3C, usual) or 61 (0x3D)";
                self.range(oled.address.into(), 60, 61, "panel.address", allowed)?;
                Ok(PanelFacts::Ssd1306 { device: self.beside(&oled.device), address: oled.address })
            }
            "st7789" => {
                let tft: TftPanel = self.section(table, PANEL)?;
                let line = |offset, active_low| Line { offset, active_low, bias: Bias::AsIs };
                Ok(PanelFacts::St7789 {
                    device: self.beside(&tft.device),
                    chip: self.beside(&tft.chip),
                    data_command: line(tft.data_command_line, false),
                    reset: line(tft.reset_line, true),
                })
            }
            other => Err(self.value("panel.kind", format!("\"{other}\""), KINDS)),
        }
    }
}
